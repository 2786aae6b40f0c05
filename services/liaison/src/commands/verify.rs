//! `liaison verify`: custody, offline.

use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;

use liaison_custody::{PublicKeys, Report, bundle, check};
use serde_json::{Value, json};

use crate::cli::{Output, VerifyArgs};
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::output::{BAD, CARE, FAINT, GOOD, document, styled};

/// Thousands of keys: what is longer is no file of keys, and may have no end.
const MAX_KEYS: u64 = 1 << 20;

/// Says whether the custody in a bundle is sound and what happened, and fails where it is not.
///
/// # Errors
/// Where a file cannot be read, which is wrong usage, or the custody is not sound.
pub fn run(output: &Output, args: &VerifyArgs) -> Outcome {
    let keys = match &args.keys {
        Some(path) => public_keys(path)?,
        None => public_keys(&Folder::new(&args.dir)?.public_keys())?,
    };
    let report = check(&bundle_bytes(&args.bundle)?, &keys);
    document(output, &to_json(&report), || to_text(&report))?;
    if report.is_sound() {
        Ok(())
    } else {
        Err(Failure::Told)
    }
}

/// The public keys in the file at `path`.
///
/// # Errors
/// Where it cannot be read or holds something else: wrong usage, so that nobody takes it for a verdict.
pub(super) fn public_keys(path: &Path) -> Result<PublicKeys, Failure> {
    let cannot = |why: &dyn fmt::Display| {
        Failure::Usage(format!(
            "{}: {why}; name the file of the suite's public keys with --keys",
            path.display()
        ))
    };
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_KEYS).read_to_string(&mut text))
        .map_err(|error| cannot(&unreadable(&error)))?;
    PublicKeys::from_pem(&text).map_err(|error| cannot(&error))
}

/// One byte more than a bundle has at most is enough to know that it is none.
fn bundle_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let most = bundle::MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        Failure::Usage(format!(
            "{}: {}; write a bundle to a file with: liaison referral custody NAME --to FILE",
            path.display(),
            unreadable(&error)
        ))
    })?;
    Ok(bytes)
}

/// Why a file cannot be read.
fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "this is a folder, not a file".to_owned(),
        io::ErrorKind::InvalidData => "this is not text".to_owned(),
        kind => format!("it cannot be read: {kind}"),
    }
}

fn to_json(report: &Report) -> Value {
    let bundle = report.bundle.as_ref();
    json!({
        "sound": report.is_sound(),
        "verdict": report.verdict(),
        "referral": bundle.map(|bundle| format!("referrals/{}", bundle.referral)),
        "reference": bundle.map(|bundle| &bundle.reference),
        "steps": bundle.map_or(0, |bundle| bundle.receipts.len()),
        "problems": report.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "warnings": report.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "life": report.life(),
    })
}

fn to_text(report: &Report) -> String {
    let style = if report.is_sound() { GOOD } else { BAD };
    let mut lines = vec![styled(style, &report.verdict())];
    lines.extend(
        report
            .problems
            .iter()
            .map(|problem| format!("  {} {problem}", styled(BAD, "✗"))),
    );
    lines.extend(
        report
            .warnings
            .iter()
            .map(|warning| format!("  {} {warning}", styled(CARE, "!"))),
    );
    let life = report.life();
    if !life.is_empty() {
        let heading = if report.is_sound() {
            "What happened:"
        } else {
            "What it says happened; nothing of it is proved:"
        };
        lines.push(styled(FAINT, heading));
        lines.extend(life.iter().map(|step| format!("  {step}")));
    }
    lines.join("\n")
}
