//! `liaison certs renew`, `revoke` and `rotate`: certificates that are replaced while they are in use.

use std::path::Path;

use liaison_identity::{CertificateAuthority, IdentitySettings, RotationStage};
use liaison_types::{Clock as _, SystemClock, SystemRandom};
use serde_json::json;

use super::{days, local, show_issued};
use crate::cli::{
    CertsDirArgs, CertsRenewArgs, CertsRevokeArgs, CertsRotateCommand, CertsRotateSwitchArgs,
    Output,
};
use crate::failure::{Failure, Outcome};
use crate::output::document;

/// Runs `certs renew`.
///
/// # Errors
/// Where a party has no certificate in the folder, or what keeps it from being issued.
pub(super) fn renew(output: &Output, args: &CertsRenewArgs) -> Outcome {
    let folder = &args.folder.dir;
    for party in &args.parties {
        if !IdentitySettings::in_folder(folder, party)
            .certificate
            .exists()
        {
            return Err(Failure::Local(format!(
                "there is no certificate of {party} in {}; issue one with: liaison certs issue {party} \
                 --dir {}",
                folder.display(),
                folder.display()
            )));
        }
    }
    let now = SystemClock.now();
    let authority = CertificateAuthority::load(folder).map_err(local)?;
    let renewed = authority
        .renew(
            |held| {
                (args.parties.is_empty() || args.parties.contains(&held.party))
                    && args
                        .within
                        .is_none_or(|within| held.not_after <= now + days(within))
            },
            days(args.days),
            now,
            &SystemRandom,
        )
        .map_err(local)?;
    show_issued(output, &renewed)
}

/// Runs `certs revoke`.
///
/// # Errors
/// Where a file is no certificate of an authority of the folder.
pub(super) fn revoke(output: &Output, args: &CertsRevokeArgs) -> Outcome {
    let folder = &args.folder.dir;
    let of_party = |party| IdentitySettings::in_folder(folder, party).certificate;
    let files: Vec<_> = args
        .parties
        .iter()
        .map(of_party)
        .chain(args.files.iter().cloned())
        .collect();
    for file in &files {
        CertificateAuthority::revoke_file(folder, file, SystemClock.now()).map_err(local)?;
    }
    let shown: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    document(output, &json!({ "revoked": shown }), || {
        format!(
            "revoked {}; services that read {} refuse it within ten seconds",
            shown.join(", "),
            folder.join("crl.pem").display()
        )
    })?;
    Ok(())
}

/// Runs a step of `certs rotate`.
///
/// # Errors
/// Where the step is not due, or what keeps it from being done.
pub(super) fn rotate(output: &Output, step: &CertsRotateCommand) -> Outcome {
    match step {
        CertsRotateCommand::Begin(args) => begin(output, args),
        CertsRotateCommand::Switch(args) => switch(output, args),
        CertsRotateCommand::End(args) => end(output, args),
        CertsRotateCommand::Status(args) => status(output, &args.dir),
    }
}

fn begin(output: &Output, args: &CertsDirArgs) -> Outcome {
    CertificateAuthority::begin_rotation(
        &args.dir,
        CertificateAuthority::VALIDITY,
        SystemClock.now(),
        &SystemRandom,
    )
    .map_err(local)?;
    status(output, &args.dir)
}

fn switch(output: &Output, args: &CertsRotateSwitchArgs) -> Outcome {
    let authority = CertificateAuthority::switch_rotation(&args.folder.dir).map_err(local)?;
    let renewed = authority
        .renew(|_| true, days(args.days), SystemClock.now(), &SystemRandom)
        .map_err(local)?;
    show_issued(output, &renewed)
}

fn end(output: &Output, args: &CertsDirArgs) -> Outcome {
    CertificateAuthority::end_rotation(&args.dir).map_err(local)?;
    status(output, &args.dir)
}

fn status(output: &Output, folder: &Path) -> Outcome {
    let stage = CertificateAuthority::rotation(folder).map_err(local)?;
    document(output, &json!({ "stage": stage.as_str() }), || {
        match stage {
            RotationStage::Idle => "one authority is trusted; `begin` makes the next",
            RotationStage::Begun => {
                "two authorities are trusted, the old one issues; give ca.pem and crl.pem to everybody \
                 who has a copy, and `switch` when all services have reloaded"
            }
            RotationStage::Switched => {
                "two authorities are trusted, the new one issues; give everybody their new certificate, \
                 and `end` when all have reloaded"
            }
        }
        .to_owned()
    })?;
    Ok(())
}
