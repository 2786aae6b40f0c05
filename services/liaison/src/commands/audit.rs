//! `liaison audit …`: who did what, and that nothing of it was changed.

use std::time::Duration;

use liaison_custody::audit::{
    AuditProblem, AuditReport, Checkpoint, CheckpointProblem, SealVerifier, Sealed,
};
use liaison_custody::signature::Invalid;
use liaison_custody::{Digest, PublicKeys, Signature};
use liaison_proto::audit::{
    AuditCheckpoint, AuditEntry, AuditSeal, ListAuditEntriesRequest, ListAuditSealsRequest,
};
use liaison_store::audit::{AuditEntry as Entry, when};
use liaison_types::{AuditId, Party, Timestamp};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::cli::{AuditCommand, AuditListArgs, AuditVerifyArgs, Output};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::output::{BAD, CARE, FAINT, GOOD, STRONG, document, instant, styled, table};
use crate::proto_json::to_json;
use crate::suite::SERVICES;

use super::verify::public_keys;

/// The party of the first `up`, where none is named.
const AUDITOR: &str = "auditor/local";

/// How far a sealer may be behind.
const LAG: Duration = Duration::from_mins(5);

/// Runs the command.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, command: &AuditCommand) -> Outcome {
    match command {
        AuditCommand::List(args) => list(output, args).await,
        AuditCommand::Verify(args) => verify(output, args).await,
    }
}

fn auditor() -> Option<Party> {
    AUDITOR.parse().ok()
}

async fn list(output: &Output, args: &AuditListArgs) -> Outcome {
    let connection = Connection::open(&args.connect, auditor())?;
    let mut audit = connection.audit(&args.service)?;
    let wire = |at: Option<Timestamp>| {
        at.map(|at| {
            let (seconds, nanos) = at.to_seconds_and_nanos();
            prost_types::Timestamp { seconds, nanos }
        })
    };
    let mut entries: Vec<AuditEntry> = Vec::new();
    let mut page_token = String::new();
    loop {
        let wanted = args.limit.saturating_sub(entries.len()).min(500);
        let request = ListAuditEntriesRequest {
            page_size: i32::try_from(wanted).unwrap_or(500),
            page_token,
            subject: args.subject.clone(),
            party: args
                .by
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            from: wire(args.from),
            until: wire(args.until),
        };
        let page = audit
            .list_audit_entries(request)
            .await
            .map_err(refused(&args.service))?
            .into_inner();
        entries.extend(page.entries);
        page_token = page.next_page_token;
        if page_token.is_empty() || entries.len() >= args.limit {
            break;
        }
    }
    let json: Vec<Value> = entries
        .iter()
        .map(|entry| to_json("liaison.audit.v1.AuditEntry", entry))
        .collect();
    document(
        output,
        &json!({ "entries": json, "more": !page_token.is_empty() }),
        || {
            let headers = ["when", "who", "what", "about", "decision", "rules"];
            table(&headers, entries.iter().map(row).collect())
        },
    )?;
    Ok(())
}

/// What is said where a service does not show its audit. Who may read it, its own text does not say.
fn refused(service: &str) -> impl FnOnce(Status) -> Failure {
    let mut what = format!("reading the audit of {service}");
    move |status| {
        if status.code() == Code::PermissionDenied {
            what.push_str(", which takes an auditor, for example --as auditor/local");
        }
        Failure::refused(what)(status)
    }
}

fn row(entry: &AuditEntry) -> Vec<String> {
    let who = match &entry.officer {
        Some(officer) => format!("{} ({officer})", entry.party),
        None => entry.party.clone(),
    };
    vec![
        instant(entry.at.as_ref()),
        who,
        entry.action.clone(),
        entry.subject.clone(),
        entry.decision.clone(),
        entry.rules.join(", "),
    ]
}

async fn verify(output: &Output, args: &AuditVerifyArgs) -> Outcome {
    let keys = match &args.keys {
        Some(path) => public_keys(path)?,
        None => public_keys(&Folder::new(&args.connect.dir)?.public_keys())?,
    };
    let connection = Connection::open(&args.connect, auditor())?;
    let mut reports = Vec::new();
    for service in SERVICES {
        reports.push((service, check(&connection, service, &keys).await?));
    }
    let json: Vec<Value> = reports
        .iter()
        .map(|(service, report)| {
            json!({
                "service": service,
                "sound": report.is_sound(),
                "sealed": report.sealed,
                "signed_through": report.signed_through,
                "waiting": report.tail,
                "problems": report.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        })
        .collect();
    let sound = reports.iter().all(|(_, report)| report.is_sound());
    document(output, &json!({ "sound": sound, "services": json }), || {
        let lines: Vec<String> = reports
            .iter()
            .map(|(service, report)| told(service, report))
            .collect();
        lines.join("\n")
    })?;
    if sound { Ok(()) } else { Err(Failure::Told) }
}

fn told(service: &str, report: &AuditReport) -> String {
    let (style, verdict) = if report.is_sound() {
        (GOOD, "sound")
    } else {
        (BAD, "NOT SOUND")
    };
    let signed = report.signed_through.map_or_else(
        || "none signed yet".to_owned(),
        |position| format!("signed up to {position}"),
    );
    let mut text = format!(
        "{}  {}  {}",
        styled(STRONG, &format!("{service:>16}")),
        styled(style, verdict),
        styled(
            FAINT,
            &format!("{} entries sealed, {signed}", report.sealed)
        ),
    );
    for problem in &report.problems {
        text.push_str(&format!("\n  {} {problem}", styled(BAD, "✗")));
    }
    if report.tail > 0 {
        // Nothing was changed, as far as can be known; but nothing would show it either.
        text.push_str(&format!(
            "\n  {} {} entries have waited for their seal for more than five minutes; the service's log says why.",
            styled(CARE, "!"),
            report.tail
        ));
    }
    text
}

async fn check(
    connection: &Connection,
    service: &str,
    keys: &PublicKeys,
) -> Result<AuditReport, Failure> {
    let mut audit = connection.audit(service)?;
    let mut verifier = SealVerifier::new(service, keys, LAG);
    let mut unreadable = Vec::new();
    let mut after = 0;
    loop {
        let page = audit
            .list_audit_seals(ListAuditSealsRequest {
                after,
                page_size: 0,
            })
            .await
            .map_err(refused(service))?
            .into_inner();
        for checkpoint in &page.checkpoints {
            match read_checkpoint(&page.service, checkpoint) {
                Some(checkpoint) => verifier.checkpoint(checkpoint),
                None => unreadable.push(checkpoint.position),
            }
        }
        for seal in &page.seals {
            verifier.seal(read_seal(seal)?);
            after = seal.position;
        }
        if !page.more {
            for entry in &page.unsealed {
                let id = read(entry.id.parse::<AuditId>().ok())?;
                // By its id: the instant in the row is whatever somebody wrote there.
                verifier.unsealed(id, when(id));
            }
            break;
        }
    }
    let mut report = verifier.finish();
    let problem = CheckpointProblem::Signature(Invalid::Forged);
    let unreadable = unreadable
        .into_iter()
        .map(|position| AuditProblem::Checkpoint { position, problem });
    report.problems.extend(unreadable);
    Ok(report)
}

/// What no entry has: its digest where it cannot be read, or where what is kept as its digest is another.
const NO_DIGEST: Digest = [0; 32];

fn read_seal(seal: &AuditSeal) -> Result<Sealed, Failure> {
    let digest = seal.entry.as_ref().map(|entry| {
        let made = read_entry(entry).map(|read| read.digest());
        let intact = made.filter(|made| entry.digest == made);
        intact.unwrap_or(NO_DIGEST)
    });
    Ok(Sealed {
        position: seal.position,
        entry: read(seal.entry_id.parse::<AuditId>().ok())?,
        digest,
        chained: read(digest_of(&seal.digest))?,
    })
}

/// The entry as its digest is made of it; none where it is no entry that a service wrote.
fn read_entry(entry: &AuditEntry) -> Option<Entry> {
    let at = entry.at.as_ref()?;
    let mut read_entry = Entry::new(
        entry.id.parse::<AuditId>().ok()?,
        Timestamp::from_seconds_and_nanos(at.seconds, at.nanos)?,
        entry.party.parse::<Party>().ok()?,
        entry.action.clone(),
        entry.subject.clone(),
        entry.decision.clone(),
    );
    read_entry.officer.clone_from(&entry.officer);
    read_entry.purpose.clone_from(&entry.purpose);
    read_entry.rules.clone_from(&entry.rules);
    read_entry.request_id.clone_from(&entry.request_id);
    read_entry.rule_set.clone_from(&entry.rule_set);
    read_entry.facts.clone_from(&entry.facts);
    Some(read_entry)
}

/// The checkpoint; none where it cannot be one.
fn read_checkpoint(service: &str, checkpoint: &AuditCheckpoint) -> Option<Checkpoint> {
    let at = checkpoint.at.as_ref()?;
    Some(Checkpoint {
        service: service.to_owned(),
        position: checkpoint.position,
        at: Timestamp::from_seconds_and_nanos(at.seconds, at.nanos)?,
        digest: digest_of(&checkpoint.digest)?,
        signature: Signature {
            key: checkpoint.key_id.parse().ok()?,
            bytes: checkpoint.signature.as_slice().try_into().ok()?,
        },
    })
}

fn digest_of(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok()
}

fn read<T>(value: Option<T>) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::Local("the service answered what cannot be read".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealer_that_stands_still_is_told_and_is_no_forgery() {
        let report = AuditReport {
            sealed: 7,
            signed_through: Some(7),
            tail: 2,
            ..AuditReport::default()
        };
        let text = anstream::adapter::strip_str(&told("intake", &report)).to_string();
        assert!(
            text.contains("intake  sound  7 entries sealed, signed up to 7\n"),
            "{text}"
        );
        assert!(
            text.contains("! 2 entries have waited for their seal"),
            "{text}"
        );
        let quiet = AuditReport { tail: 0, ..report };
        assert!(!told("intake", &quiet).contains("waited"));
    }
}
