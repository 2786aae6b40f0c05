//! Opening a dossier: decides, records and serves.

use liaison_grpc::wire;
use liaison_store::Tx;
use liaison_store::audit;
use liaison_telemetry::propagation;
use liaison_types::{Error, Party, ReferralId, Result};

use super::{Core, Ops, PERMIT, REFUSE, access, content_purged, rules, view};
use crate::domain::{Actor, NewStep, ReferralStep};
use crate::store::{self, Change, Record};

const ACTION: &str = "intake.get_dossier";
/// Stands in the audit where somebody asked for what is not there.
const UNKNOWN: &str = "view.unknown";
/// How it stands in the audit where the content was destroyed before.
const PURGED: &str = "PURGED";

/// What became of the wish.
enum Outcome {
    Served(Vec<u8>),
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

impl Ops {
    /// The encoded content. Each reading is in the audit, and a refused one too; one by anybody but
    /// the owner is also a step of the history, of which the owner is told.
    ///
    /// # Errors
    /// NOT_FOUND where there is none and where it is hidden; CONTENT_PURGED where it was destroyed.
    pub async fn get_dossier(&self, opening: &Opening) -> Result<Vec<u8>> {
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
            Outcome::Served(content) => Ok(content),
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
        let decision = record.as_ref().map(|record| {
            liaison_policy::may_view_dossier(&view(viewer, &record.referral, &access))
        });
        let now = self.clock.now();
        let subject = wire::resource(opening.id);
        let permitted = decision
            .as_ref()
            .is_some_and(liaison_policy::Decision::is_allowed);
        let purged = record.as_ref().is_some_and(Record::is_purged);
        let word = match (permitted, purged) {
            (false, _) => REFUSE,
            (true, true) => PURGED,
            (true, false) => PERMIT,
        };
        let mut entry = self.entry(now, &opening.actor, ACTION, subject, word);
        entry.purpose.clone_from(&opening.purpose);
        entry.rules = decision
            .as_ref()
            .map_or_else(|| vec![UNKNOWN.to_owned()], rules);
        let rule = entry.rules.first().cloned().unwrap_or_default();
        audit::record(tx, vec![entry]).await?;
        let Some(record) = record.filter(|_| permitted) else {
            return Ok(Outcome::Refused);
        };
        if purged {
            return Ok(Outcome::Purged);
        }
        if !owned {
            self.opened(tx, record, opening, rule, trace).await?;
        }
        let content = store::content(tx, &self.vault, opening.id).await?;
        Ok(Outcome::Served(content))
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
