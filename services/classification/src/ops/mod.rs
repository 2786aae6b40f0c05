//! The use cases, one a file. Each decides by [`domain`](crate::domain), [`desk`](crate::desk) and
//! policy, and writes state, audit and outbox in one transaction.

mod classify_pending;
mod classify_text;
mod correct_decision;
mod decide_triage;
mod get_drift_figures;
mod get_triage_item;
mod judge;
mod keep_corrections;
mod list_decisions;
mod list_labels;
mod list_triage_items;
mod recompute_decision;
mod record_admissions;
mod record_purges;
mod record_returns;

pub use classify_pending::Tally;
pub use recompute_decision::{Recomputation, Recomputed};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use liaison_outbox::Outbox;
use liaison_policy::{Decided as Permission, Policy, triage_facts};
use liaison_runtime::record_decision;
use liaison_store::audit::{self, AuditEntry};
use liaison_store::sealed::Vault;
use liaison_store::{Db, Tx};
use liaison_types::{
    AuditId, Backoff, Clock, Error, ErrorKind, Party, Random, Reason, ReferralId, Result, Timestamp,
};
use tokio::sync::Mutex;

use crate::artefacts::in_use::{Loaded, RuleSets};
use crate::case::Actor;
use crate::desk::{Refused, Ruling};
use crate::events::Publisher;
use crate::inputs::InputSource;

/// The name of this service: its party is `service/classification`.
pub const SERVICE: &str = "classification";

/// How a permission stands in the audit.
const PERMIT: &str = "PERMIT";
const REFUSE: &str = "REFUSE";

/// How cases are claimed and tried again.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The most cases of one batch, 1 to 256.
    pub batch: u16,
    /// How long a claim lasts.
    pub lease: Duration,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// After this many attempts people decide.
    pub max_attempts: u32,
}

/// What the use cases need.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness: ids and waits.
    pub random: Arc<dyn Random>,
    /// Seals what people write.
    pub vault: Vault,
    /// What is decided by, and which units there are.
    pub rules: RuleSets,
    /// Who may do what.
    pub policy: Policy,
    /// Where offences and narratives come from.
    pub inputs: Arc<dyn InputSource>,
    /// How cases are worked off.
    pub terms: Terms,
    /// Where others are told.
    pub outbox: Outbox,
}

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct Ops {
    core: Arc<Core>,
}

/// What every use case works with.
struct Core {
    parts: Parts,
    service: Party,
    publisher: Publisher,
    /// The rule set that a decision was last made again by.
    recomputing_by: Mutex<Option<Arc<Loaded>>>,
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ops")
    }
}

impl Ops {
    /// The use cases on these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let service = Party::service(SERVICE);
        let publisher = Publisher::new(&service, Arc::clone(&parts.random));
        Self {
            core: Arc::new(Core {
                parts,
                service,
                publisher,
                recomputing_by: Mutex::default(),
            }),
        }
    }

    /// How cases are worked off.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.core.parts.terms
    }

    /// Whether `caller` works at the triage desk: the first question, before anything is read.
    ///
    /// # Errors
    /// CALLER_NOT_ALLOWED where it does not.
    pub fn at_the_desk(&self, caller: &Party) -> Result<()> {
        if self.core.at_the_desk(caller).is_allowed() {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::PermissionDenied,
                Reason::CallerNotAllowed,
            ))
        }
    }
}

impl Core {
    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// An entry of the audit about `referral`.
    fn entry(
        &self,
        at: Timestamp,
        party: &Party,
        action: &'static str,
        referral: ReferralId,
        decision: &'static str,
        rules: Vec<String>,
    ) -> AuditEntry {
        let id = AuditId::new(at, self.parts.random.as_ref());
        let subject = liaison_grpc::wire::resource(referral);
        AuditEntry {
            rules,
            ..AuditEntry::new(id, at, party.clone(), action, subject, decision)
        }
    }

    /// The entry of a unit that must not have `referral`.
    fn refusal(
        &self,
        at: Timestamp,
        party: &Party,
        action: &'static str,
        referral: ReferralId,
        refused: &Refused,
    ) -> AuditEntry {
        let mut entry = self.entry(at, party, action, referral, REFUSE, Vec::new());
        entry.purpose = Some(refused.part());
        record_decision(&mut entry, &refused.permission);
        entry
    }

    /// The entry of what somebody at the desk did, with what policy says of them.
    fn desk_entry(
        &self,
        at: Timestamp,
        party: &Party,
        officer: Option<&str>,
        action: &'static str,
        referral: ReferralId,
    ) -> AuditEntry {
        let mut entry = self.entry(at, party, action, referral, PERMIT, Vec::new());
        entry.officer = officer.map(str::to_owned);
        record_decision(&mut entry, &self.at_the_desk(party));
        entry
    }

    /// The entry of what `by` ruled; with the ground, where it is no unit's business.
    fn ruling_entry(
        &self,
        at: Timestamp,
        by: &Actor,
        action: &'static str,
        ruling: &Ruling,
    ) -> AuditEntry {
        let (party, officer) = (&by.party, Some(by.officer.as_str()));
        let mut entry = self.desk_entry(at, party, officer, action, ruling.referral);
        let ground = ruling.finding.course().refusal();
        entry.purpose = ground.map(|ground| ground.as_str().to_owned());
        entry
    }

    /// Keeps that `by` named a unit that must not have its part, and answers what to tell them.
    async fn keep_refusal(
        &self,
        tx: &Tx<'_>,
        at: Timestamp,
        by: &Actor,
        action: &'static str,
        referral: ReferralId,
        refused: &Refused,
    ) -> Result<Error> {
        let mut entry = self.refusal(at, &by.party, action, referral, refused);
        entry.officer = Some(by.officer.clone());
        audit::record(tx, vec![entry]).await?;
        Ok(refused.error())
    }

    /// What policy says of `party` deciding by hand.
    fn at_the_desk(&self, party: &Party) -> Permission {
        self.parts.policy.decide(triage_facts(party))
    }
}
