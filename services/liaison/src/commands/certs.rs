//! `liaison certs …`: certificates for development and small installations.

mod list;
mod replace;

use std::path::{Path, PathBuf};
use std::time::Duration;

use liaison_identity::{CertificateAuthority, Existing, Host, IdentityError, Issued};
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
        CertsCommand::List(args) => list::list(output, args),
        CertsCommand::Renew(args) => replace::renew(output, args),
        CertsCommand::Revoke(args) => replace::revoke(output, args),
        CertsCommand::Rotate(step) => replace::rotate(output, step),
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

fn days(days: u32) -> Duration {
    Duration::from_hours(24 * u64::from(days))
}

fn local(error: IdentityError) -> Failure {
    match &error {
        IdentityError::Rotation { .. } => return Failure::Local(format!("{error}")),
        IdentityError::InUse { .. } => {
            return Failure::Local(format!(
                "{error}; issue it anew with `liaison certs renew`, or move it elsewhere"
            ));
        }
        _ => {}
    }
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
    let validity = days(args.days);
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
        issued.push((certificate, files.certificate));
    }
    show_issued(output, &issued)
}

/// Prints what was issued and where it lies.
fn show_issued(output: &Output, issued: &[(Issued, PathBuf)]) -> Outcome {
    let json: Vec<Value> = issued
        .iter()
        .map(|(certificate, path)| {
            let key = path.with_file_name(format!(
                "{}-{}-key.pem",
                certificate.party.kind(),
                certificate.party.name()
            ));
            json!({
                "party": certificate.party.to_string(),
                "serial": certificate.serial.to_string(),
                "not_after": certificate.not_after.to_string(),
                "certificate": path.display().to_string(),
                "key": key.display().to_string(),
            })
        })
        .collect();
    document(output, &json!({ "certificates": json }), || {
        let rows = issued
            .iter()
            .map(|(certificate, path)| {
                vec![
                    certificate.party.to_string(),
                    certificate.not_after.to_string(),
                    path.display().to_string(),
                ]
            })
            .collect();
        records(&["party", "valid until", "certificate"], rows)
    })?;
    Ok(())
}
