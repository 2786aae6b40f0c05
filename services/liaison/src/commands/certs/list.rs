//! `liaison certs list`: what is valid for how long.

use std::io;

use liaison_identity::{Held, Inventory, Standing};
use liaison_types::{Clock as _, SystemClock, Timestamp};
use serde_json::{Value, json};

use super::local;
use crate::cli::{CertsDirArgs, Output};
use crate::failure::{Failure, Outcome};
use crate::output::{BAD, CARE, STRONG, document, records, styled};

/// What is shown with less than this left is marked.
const SOON: i64 = 30;

/// Runs the command.
///
/// # Errors
/// Where the folder cannot be read, or what it holds.
pub(super) fn list(output: &Output, args: &CertsDirArgs) -> Outcome {
    // Asked for by itself, because it is the ordinary mistake.
    if let Err(error) = std::fs::read_dir(&args.dir) {
        let folder = args.dir.display();
        return Err(Failure::Local(if error.kind() == io::ErrorKind::NotFound {
            format!(
                "there is no folder {folder}; name that of the certificates with --dir, or begin one \
                 with: liaison certs init --dir {folder}"
            )
        } else {
            format!("{folder} cannot be read: {error}")
        }));
    }
    let held = Inventory::read(&args.dir).map_err(local)?;
    let now = SystemClock.now();
    document(output, &to_json(&held, now), || to_text(&held, now))?;
    Ok(())
}

/// Whole days until `end`; negative after it.
fn days_left(end: Timestamp, now: Timestamp) -> i64 {
    let seconds = end.to_seconds_and_nanos().0 - now.to_seconds_and_nanos().0;
    seconds.div_euclid(86_400)
}

fn to_json(held: &Inventory, now: Timestamp) -> Value {
    let certificate = |held: &Held| {
        let hosts: Vec<_> = held.hosts.iter().map(ToString::to_string).collect();
        json!({
            "party": held.party.to_string(),
            "serial": held.serial.to_string(),
            "not_before": held.not_before.to_string(),
            "not_after": held.not_after.to_string(),
            "days_left": days_left(held.not_after, now),
            "standing": held.standing(now).as_str(),
            "issuer": held.issuer,
            "hosts": hosts,
            "certificate": held.path.display().to_string(),
        })
    };
    let authorities = held.authorities.iter().map(|authority| {
        let standing = Standing::of(authority.not_before, authority.not_after, now);
        json!({
            "name": authority.name,
            "serial": authority.serial.to_string(),
            "not_before": authority.not_before.to_string(),
            "not_after": authority.not_after.to_string(),
            "days_left": days_left(authority.not_after, now),
            "standing": standing.as_str(),
            "issues": authority.issues,
        })
    });
    let lists = held.lists.iter().map(|list| {
        json!({
            "issuer": list.issuer,
            "this_update": list.this_update.to_string(),
            "next_update": list.next_update.map(|next| next.to_string()),
            "days_left": list.next_update.map(|next| days_left(next, now)),
            "revoked": list.revoked,
        })
    });
    let unusable = held.unusable.iter().map(|unusable| {
        json!({
            "certificate": unusable.path.display().to_string(),
            "reason": unusable.refusal.as_str(),
            "message": unusable.refusal.to_string(),
        })
    });
    json!({
        "certificates": held.certificates.iter().map(certificate).collect::<Vec<_>>(),
        "authorities": authorities.collect::<Vec<_>>(),
        "revocation_lists": lists.collect::<Vec<_>>(),
        "unusable": unusable.collect::<Vec<_>>(),
    })
}

fn to_text(held: &Inventory, now: Timestamp) -> String {
    let certificates = held.certificates.iter().map(|held| {
        vec![
            held.party.to_string(),
            until(held.not_after, now),
            word(held.standing(now)),
            held.issuer.clone(),
            held.path.display().to_string(),
        ]
    });
    let authorities = held.authorities.iter().map(|authority| {
        let standing = Standing::of(authority.not_before, authority.not_after, now);
        let issues = if authority.issues {
            "issues"
        } else {
            "trusted"
        };
        vec![
            authority.name.clone(),
            until(authority.not_after, now),
            word(standing),
            issues.to_owned(),
        ]
    });
    let lists = held.lists.iter().map(|list| {
        let next = list
            .next_update
            .map_or_else(|| "–".to_owned(), |next| until(next, now));
        vec![list.issuer.clone(), next, list.revoked.to_string()]
    });
    let part = |title: &str, headers: &[&str], rows: Vec<Vec<String>>| {
        format!("{}\n{}", styled(STRONG, title), records(headers, rows))
    };
    let mut parts = vec![
        part(
            "Certificates",
            &["party", "valid until", "standing", "issuer", "certificate"],
            certificates.collect(),
        ),
        part(
            "Authorities",
            &["authority", "valid until", "standing", "role"],
            authorities.collect(),
        ),
        part(
            "Revocation lists",
            &["issuer", "next due", "revoked"],
            lists.collect(),
        ),
    ];
    if !held.unusable.is_empty() {
        let unusable = held.unusable.iter().map(|unusable| {
            vec![
                unusable.path.display().to_string(),
                unusable.refusal.to_string(),
            ]
        });
        parts.push(part(
            "Refused by everybody",
            &["certificate", "why"],
            unusable.collect(),
        ));
    }
    parts.join("\n\n")
}

fn until(end: Timestamp, now: Timestamp) -> String {
    match days_left(end, now) {
        left @ ..0 => styled(BAD, &format!("{end} ({} days ago)", -left)),
        left @ 0..SOON => styled(CARE, &format!("{end} ({left} days)")),
        _ => end.to_string(),
    }
}

fn word(standing: Standing) -> String {
    let word = standing.as_str().replace('_', " ");
    match standing {
        Standing::Valid => word,
        _ => styled(BAD, &word),
    }
}
