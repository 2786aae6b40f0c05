//! What an operator does about dead letters: list them, put them back, give them up.
//!
//! The commands work on the database. A running relay finds what was put back by its next scan, and so
//! does the one that starts later.

use std::collections::BTreeSet;

use liaison_outbox::{
    DeadLetter, DeadLetterQuery, Destination, dead_letters, discard, lock_dead_letters, requeue,
};
use liaison_store::audit::{self, AuditEntry};
use liaison_store::{DatabaseSettings, Db, DbResult, ensure_affected};
use liaison_types::{AuditId, Error, EventId, Party, Result, Timestamp};
use sea_orm_migration::SchemaManager;
use serde_json::json;

use crate::cli::{DeadLetters, DeadLettersCommand, Output, Which};
use crate::run::say;
use crate::service::{Ambient, Service};
use crate::start;
use crate::table::table;

/// The most dead letters of one transaction where all are meant.
const STEP: u16 = 500;

/// Does what was asked for on the service's database.
///
/// # Errors
/// `NOT_FOUND` where an id names no dead letter, `SETTING_INVALID` where migrations are pending, else
/// what the database says.
pub(crate) async fn run<S: Service>(
    database: &DatabaseSettings,
    asked: &DeadLetters,
    ambient: &Ambient,
) -> Result<()> {
    let db = start::connect_database::<S>(database).await?;
    let done = dispatch(&db, asked, ambient).await;
    start::close(&db).await;
    done
}

async fn dispatch(db: &Db, asked: &DeadLetters, ambient: &Ambient) -> Result<()> {
    let (act, which, operator, reason) = match &asked.command {
        DeadLettersCommand::List {
            destination,
            after,
            limit,
        } => {
            let query = DeadLetterQuery {
                destination: destination.clone().map(Destination::from),
                after: *after,
                limit: *limit,
            };
            return list(db, asked.output, &query).await;
        }
        DeadLettersCommand::Requeue {
            which,
            operator,
            reason,
        } => (Act::Requeue, which, operator, reason.as_deref()),
        DeadLettersCommand::Discard {
            which,
            operator,
            reason,
        } => (Act::Discard, which, operator, Some(reason.as_str())),
    };
    let schema = SchemaManager::new(db.reader());
    let desk = Desk {
        db,
        ambient,
        act,
        operator: Party::Operator(operator.clone()),
        reason,
        audited: schema.has_table(audit::TABLE).await.db()?,
        output: asked.output,
    };
    desk.work(which).await
}

async fn list(db: &Db, output: Output, query: &DeadLetterQuery) -> Result<()> {
    let letters = dead_letters(db, query).await?;
    match output {
        Output::Json => {
            for letter in &letters {
                say(&json!({
                    "id": letter.id,
                    "destination": letter.destination.as_str(),
                    "subject": letter.subject,
                    "sequence": letter.sequence,
                    "kind": letter.kind,
                    "attempts": letter.attempts,
                    "reason": letter.reason.as_str(),
                    "created_at": letter.created_at.to_string(),
                    "dead_since": letter.dead_at.to_string(),
                })
                .to_string());
            }
        }
        Output::Table if letters.is_empty() => say("no dead letters"),
        Output::Table => {
            say(&listed(&letters));
            if let Some(last) = letters.last()
                && letters.len() >= usize::from(query.limit)
            {
                say(&format!("there may be more: --after {}", last.id));
            }
        }
    }
    Ok(())
}

const HEADERS: [&str; 8] = [
    "DESTINATION",
    "SUBJECT",
    "KIND",
    "SEQUENCE",
    "ATTEMPTS",
    "REASON",
    "DEAD SINCE",
    "ID",
];

/// One line for each.
fn listed(letters: &[DeadLetter]) -> String {
    let rows = letters.iter().map(|letter| {
        [
            letter.destination.to_string(),
            letter.subject.clone(),
            letter.kind.clone(),
            letter.sequence.to_string(),
            letter.attempts.to_string(),
            letter.reason.as_str().to_owned(),
            letter.dead_at.to_string(),
            letter.id.to_string(),
        ]
    });
    table(HEADERS, rows.collect())
}

/// What is done to dead letters.
#[derive(Clone, Copy, Debug)]
enum Act {
    Requeue,
    Discard,
}

impl Act {
    /// The action in the audit, and the name of the transaction.
    const fn action(self) -> &'static str {
        match self {
            Self::Requeue => "outbox.requeue",
            Self::Discard => "outbox.discard",
        }
    }

    /// What is said of a letter when it is done.
    const fn done(self) -> &'static str {
        match self {
            Self::Requeue => "requeued",
            Self::Discard => "discarded",
        }
    }
}

/// An operator at work.
struct Desk<'a> {
    db: &'a Db,
    ambient: &'a Ambient,
    act: Act,
    operator: Party,
    reason: Option<&'a str>,
    /// Whether the service keeps an audit.
    audited: bool,
    output: Output,
}

impl Desk<'_> {
    async fn work(&self, which: &Which) -> Result<()> {
        let count = match &which.destination {
            Some(destination) => self.all(&Destination::from(destination.clone())).await?,
            None => self.these(&which.ids).await?,
        };
        if self.output == Output::Table {
            say(&format!("{} {count}", self.act.done()));
            if !self.audited && count > 0 {
                say("this service keeps no audit: the log alone says who did it");
            }
        }
        Ok(())
    }

    /// All of these, or none where one of them is no dead letter.
    async fn these(&self, ids: &[EventId]) -> Result<usize> {
        let wanted: BTreeSet<_> = ids.iter().copied().collect();
        let ids: Vec<_> = wanted.iter().copied().collect();
        let letters = self.settle(&ids, true).await?;
        self.tell(&letters);
        Ok(letters.len())
    }

    /// Step by step: there may be very many after a long outage.
    async fn all(&self, destination: &Destination) -> Result<usize> {
        let mut query = DeadLetterQuery {
            destination: Some(destination.clone()),
            after: None,
            limit: STEP,
        };
        let mut count = 0;
        loop {
            let page = dead_letters(self.db, &query).await?;
            let Some(last) = page.last() else {
                return Ok(count);
            };
            query.after = Some(last.id);
            let ids: Vec<_> = page.iter().map(|letter| letter.id).collect();
            // Somebody else may have been faster with some of them.
            let letters = self.settle(&ids, false).await?;
            self.tell(&letters);
            count += letters.len();
        }
    }

    /// Does it and records it, in one transaction.
    async fn settle(&self, ids: &[EventId], every_one: bool) -> Result<Vec<DeadLetter>> {
        self.db
            .write_tx(self.act.action(), |tx| {
                Box::pin(async move {
                    let letters = lock_dead_letters(tx, ids).await?;
                    let found: Vec<_> = letters.iter().map(|letter| letter.id).collect();
                    if every_one && found.len() < ids.len() {
                        return Err(missing(ids, &found));
                    }
                    let now = self.ambient.clock.now();
                    let changed = match self.act {
                        Act::Requeue => requeue(tx, now, &found).await?,
                        Act::Discard => discard(tx, &found).await?,
                    };
                    ensure_affected(changed, found.len())?;
                    if self.audited && !letters.is_empty() {
                        let entries = letters.iter().map(|letter| self.entry(letter, now));
                        audit::record(tx, entries.collect()).await?;
                    }
                    Ok(letters)
                })
            })
            .await
    }

    /// The subject alone does not say which of its events it was: the purpose does.
    fn entry(&self, letter: &DeadLetter, now: Timestamp) -> AuditEntry {
        let mut purpose = format!("event {} to {}", letter.id, letter.destination);
        if let Some(reason) = self.reason {
            purpose.push_str(": ");
            purpose.push_str(reason);
        }
        AuditEntry {
            purpose: Some(purpose),
            ..AuditEntry::new(
                AuditId::new(now, self.ambient.random.as_ref()),
                now,
                self.operator.clone(),
                self.act.action(),
                &letter.subject,
                "PERMIT",
            )
        }
    }

    /// To whoever asked, and to the log where nothing else remembers it.
    fn tell(&self, letters: &[DeadLetter]) {
        let done = self.act.done();
        for letter in letters {
            let (id, subject) = (letter.id, letter.subject.as_str());
            let destination = letter.destination.as_str();
            say(&match self.output {
                Output::Table => format!("{done} {id}, {subject} to {destination}"),
                Output::Json => json!({
                    "done": done,
                    "id": id,
                    "destination": destination,
                    "subject": subject,
                    "audited": self.audited,
                })
                .to_string(),
            });
            if !self.audited {
                tracing::warn!(
                    operator = %self.operator,
                    event = %id,
                    subject,
                    destination,
                    reason = self.reason.unwrap_or_default(),
                    "{} {done} the dead letter {id}; this service keeps no audit",
                    self.operator
                );
            }
        }
    }
}

fn missing(ids: &[EventId], found: &[EventId]) -> Error {
    let missing: Vec<_> = ids
        .iter()
        .filter(|id| !found.contains(id))
        .map(ToString::to_string)
        .collect();
    Error::not_found().message(format!(
        "no dead letter has the id {}; nothing was changed",
        missing.join(", ")
    ))
}
