//! Opening a dossier: decides, records and serves.

use liaison_grpc::wire;
use liaison_policy::attribute::{Grant, ItemClass, Mandate};
use liaison_policy::{Decided, Passing, ShareFacts, ViewFacts};
use liaison_runtime::record_decision;
use liaison_store::Tx;
use liaison_store::audit;
use liaison_telemetry::propagation;
use liaison_types::{Error, Party, ReferralId, Result};

use super::{Access, Core, Ops, REFUSE, access, content_purged};
use crate::convert;
use crate::domain::{Actor, NewStep, ReferralStep, Withheld, evidence};
use crate::store::{self, Change, Record};

const ACTION: &str = "intake.get_dossier";
/// How each decision stands in the audit that keeps a piece of evidence back.
const WITHHOLD: &str = "intake.withhold_evidence";
/// Stands in the audit where somebody asked for what is not there.
const UNKNOWN: &str = "view.unknown";
/// How it stands in the audit where the content was destroyed before.
const PURGED: &str = "PURGED";

/// What became of the wish.
enum Outcome {
    Served(Opened),
    Refused,
    Purged,
}

/// Who wants to open which dossier, and what for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opening {
    /// The referral.
    pub id: ReferralId,
    /// Who.
    pub actor: Actor,
    /// What for.
    pub purpose: Option<String>,
}

/// A dossier, and what of it is not for whoever opened it.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The encoded content, whole.
    pub content: Vec<u8>,
    /// The pieces of evidence to leave out of it, in its order.
    pub withheld: Vec<Withheld>,
}

impl std::fmt::Debug for Opened {
    /// Without the content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("content_bytes", &self.content.len())
            .field("withheld", &self.withheld)
            .finish()
    }
}

impl Opened {
    fn refusals(&self) -> impl Iterator<Item = &Decided> {
        self.withheld.iter().flat_map(|item| &item.refusals)
    }
}

impl Ops {
    /// The content, and what of it is not to be served. Each reading is in the audit, with every decision
    /// that kept a piece of it back, and a refused one too; one by anybody
    /// but the owner is also a step of the history, of which the owner is told.
    ///
    /// # Errors
    /// NOT_FOUND where there is none and where it is hidden; CONTENT_PURGED where it was destroyed.
    pub async fn get_dossier(&self, opening: &Opening) -> Result<Opened> {
        let core = &*self.core;
        let trace = propagation::current_traceparent();
        let trace = trace.as_deref();
        let served = core
            .db
            .write_tx("intake.get_dossier", |tx| {
                Box::pin(async move { core.open(tx, opening, trace).await })
            })
            .await?;
        match served {
            Outcome::Served(opened) => Ok(opened),
            Outcome::Refused => Err(Error::not_found()),
            Outcome::Purged => Err(content_purged()),
        }
    }
}

impl Core {
    /// The content, or why there is none, which is kept as well.
    async fn open(&self, tx: &Tx<'_>, opening: &Opening, trace: Option<&str>) -> Result<Outcome> {
        let viewer = &opening.actor.party;
        // The owner's own reading changes nothing, so it waits for nobody.
        let found = store::find(tx, opening.id).await?;
        let owned = found
            .as_ref()
            .is_some_and(|record| record.referral.owner == *viewer);
        let record = if owned {
            found
        } else {
            store::lock(tx, &[opening.id]).await?.pop()
        };
        // Asked under the lock, and whether the referral exists or not.
        let access = access(tx, viewer, opening.id).await?;
        let decided = record.as_ref().map(|record| {
            let facts = self.view(viewer, &record.referral, &access);
            self.policy.decide(facts.dossier())
        });
        let now = self.clock.now();
        let subject = wire::resource(opening.id);
        let permitted = decided.as_ref().is_some_and(Decided::is_allowed);
        let purged = record.as_ref().is_some_and(Record::is_purged);
        let mut entry = self.entry(now, &opening.actor, ACTION, subject, REFUSE);
        entry.purpose.clone_from(&opening.purpose);
        match &decided {
            Some(decided) => record_decision(&mut entry, decided),
            None => entry.rules = vec![UNKNOWN.to_owned()],
        }
        if permitted && purged {
            // It may be opened, and there is nothing to open.
            PURGED.clone_into(&mut entry.decision);
            (entry.facts, entry.rule_set) = (None, None);
        }
        let rule = entry.rules.first().cloned().unwrap_or_default();
        let opened = match record.as_ref().filter(|_| permitted && !purged) {
            Some(record) => Some(self.content(tx, viewer, record, &access).await?),
            None => None,
        };
        let mut entries = vec![entry];
        for refusal in opened.iter().flat_map(Opened::refusals) {
            let subject = wire::resource(opening.id);
            entries.push(self.decided_entry(now, &opening.actor, WITHHOLD, subject, refusal));
        }
        audit::record(tx, entries).await?;
        let Some(record) = record.filter(|_| permitted) else {
            return Ok(Outcome::Refused);
        };
        let Some(opened) = opened else {
            return Ok(Outcome::Purged);
        };
        if !owned {
            self.opened(tx, record, opening, rule, trace).await?;
        }
        Ok(Outcome::Served(opened))
    }

    /// The content, and which pieces of it `viewer`, who may see it, may not.
    async fn content(
        &self,
        tx: &Tx<'_>,
        viewer: &Party,
        record: &Record,
        access: &Access,
    ) -> Result<Opened> {
        let referral = &record.referral;
        let content = store::content(tx, &self.vault, referral.id).await?;
        let pieces = convert::evidence_markings(&content, &referral.markings)?;
        let seen = self.view(viewer, referral, access);
        let share = share(&seen, record, access);
        let withheld = evidence::withheld(&self.policy, &seen, share.as_ref(), &pieces);
        Ok(Opened { content, withheld })
    }

    async fn opened(
        &self,
        tx: &Tx<'_>,
        mut record: Record,
        opening: &Opening,
        rule: String,
        trace: Option<&str>,
    ) -> Result<()> {
        let now = self.clock.now();
        let mut step = record.chain.append(NewStep {
            step: ReferralStep::DossierOpened,
            state: record.referral.state,
            at: now,
            actor: opening.actor.clone(),
            unit: match &opening.actor.party {
                Party::Unit(unit) => Some(unit.clone()),
                _ => None,
            },
            detail: rule,
            content: None,
        });
        self.sign(std::slice::from_mut(&mut step));
        record.referral.last_position = record.chain.position();
        store::save(tx, Change::Read, [&record]).await?;
        store::append(tx, vec![(opening.id, &step)]).await?;
        let event = self.publisher.changed(&record.referral, &step, trace);
        self.outbox.enqueue(tx, now, vec![event]).await
    }
}

/// What policy looked at when the referral was shared with who sees it now, where that is why it is open to
/// them.
fn share<'a>(
    seen: &ViewFacts<'a>,
    record: &'a Record,
    access: &'a Access,
) -> Option<ShareFacts<'a>> {
    let (Grant::Shared, Some(passed)) = (access.grant, &access.shared) else {
        return None;
    };
    let referral = &record.referral;
    let by = &passed.by.party;
    let mut passing = Passing::new(by, &referral.owner, seen.viewer, &referral.markings);
    // Whoever it was answered for the referral then. A unit did as its lead, whatever it holds by now.
    if matches!(by, Party::Unit(_)) {
        passing.grant = Grant::Lead;
    }
    passing.clearance = seen.clearance;
    passing.intent = seen.intent;
    passing.consent = seen.consent;
    Some(ShareFacts {
        passing,
        officer: passed.by.officer.as_deref(),
        submitting_officer: record.submitting_officer.as_deref(),
        mandate: Mandate::Unknown,
        item: ItemClass::Dossier,
    })
}
