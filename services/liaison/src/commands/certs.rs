//! `liaison certs …`: certificates for development and small installations.

use std::io;
use std::path::Path;
use std::time::Duration;

use liaison_identity::{CertificateAuthority, CertificateSummary, Existing, Host, IdentityError};
use liaison_types::{Clock as _, SystemClock, SystemRandom};
use serde_json::{Value, json};

use crate::cli::{CertsCommand, CertsDirArgs, CertsIssueArgs, Output};
use crate::failure::{Failure, Outcome};
use crate::output::{document, records};

/// Runs the command.
///
/// # Errors
/// What keeps it from being done.
pub fn run(output: &Output, command: &CertsCommand) -> Outcome {
    match command {
        CertsCommand::Init(args) => init(output, args),
        CertsCommand::Issue(args) => issue(output, args),
        CertsCommand::List(args) => list(output, args),
    }
}

fn authority(folder: &Path) -> Result<CertificateAuthority, Failure> {
    CertificateAuthority::load_or_create(
        folder,
        CertificateAuthority::VALIDITY,
        SystemClock.now(),
        &SystemRandom,
    )
    .map_err(local)
}

fn local(error: IdentityError) -> Failure {
    if matches!(error, IdentityError::Exists { .. }) {
        return Failure::Local(format!("{error}; replace it with --replace"));
    }
    Failure::from(liaison_types::Error::from(error))
}

fn init(output: &Output, args: &CertsDirArgs) -> Outcome {
    let authority = authority(&args.dir)?;
    let json = json!({
        "folder": args.dir.display().to_string(),
        "not_after": authority.not_after().to_string(),
    });
    document(output, &json, || {
        format!(
            "the authority in {} is valid until {}; keep ca-key.pem secret",
            args.dir.display(),
            authority.not_after()
        )
    })?;
    Ok(())
}

fn issue(output: &Output, args: &CertsIssueArgs) -> Outcome {
    let hosts = args
        .hosts
        .iter()
        .map(|host| {
            host.parse::<Host>()
                .map_err(|_| Failure::Usage(format!("{host} is no host name or IP address")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let authority = authority(&args.folder.dir)?;
    let validity = Duration::from_hours(24 * u64::from(args.days));
    let existing = if args.replace {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    let mut issued = Vec::new();
    for party in &args.parties {
        let certificate = authority
            .issue(party, &hosts, validity, SystemClock.now(), &SystemRandom)
            .map_err(local)?;
        let files = certificate
            .write(&args.folder.dir, existing)
            .map_err(local)?;
        issued.push((certificate, files));
    }
    let json: Vec<Value> = issued
        .iter()
        .map(|(certificate, files)| {
            json!({
                "party": certificate.party.to_string(),
                "not_after": certificate.not_after.to_string(),
                "certificate": files.certificate.display().to_string(),
                "key": files.key.display().to_string(),
            })
        })
        .collect();
    document(output, &json!({ "certificates": json }), || {
        let rows = issued
            .iter()
            .map(|(certificate, files)| {
                vec![
                    certificate.party.to_string(),
                    certificate.not_after.to_string(),
                    files.certificate.display().to_string(),
                ]
            })
            .collect();
        records(&["party", "valid until", "certificate"], rows)
    })?;
    Ok(())
}

fn list(output: &Output, args: &CertsDirArgs) -> Outcome {
    let entries = std::fs::read_dir(&args.dir).map_err(|error| {
        let folder = args.dir.display();
        Failure::Local(if error.kind() == io::ErrorKind::NotFound {
            format!(
                "there is no folder {folder}; name that of the certificates with --dir, or begin one \
                 with: liaison certs init --dir {folder}"
            )
        } else {
            format!("{folder} cannot be read: {error}")
        })
    })?;
    let mut found: Vec<(String, CertificateSummary)> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        // Keys, the authority and the revocation list name no party and are passed over.
        .filter(|path| path.extension().is_some_and(|extension| extension == "pem"))
        .filter_map(|path| {
            let summary = CertificateSummary::read(&path).ok()?;
            Some((path.display().to_string(), summary))
        })
        .collect();
    found.sort_by(|a, b| a.1.party.cmp(&b.1.party));
    let json: Vec<Value> = found
        .iter()
        .map(|(path, summary)| {
            json!({
                "party": summary.party.to_string(),
                "not_after": summary.not_after.to_string(),
                "certificate": path,
            })
        })
        .collect();
    document(output, &json!({ "certificates": json }), || {
        let rows = found
            .iter()
            .map(|(path, summary)| {
                vec![
                    summary.party.to_string(),
                    summary.not_after.to_string(),
                    path.clone(),
                ]
            })
            .collect();
        records(&["party", "valid until", "certificate"], rows)
    })?;
    Ok(())
}
