//! The use cases, one a file. Each decides by [`domain`](crate::domain) and policy, and writes state,
//! history, audit and outbox in one transaction.

pub mod batch_get_classification_inputs;
pub mod decide_consent;
pub mod decide_review;
pub mod end_share;
pub mod expire_consents;
pub mod explain_decision;
pub mod get;
pub mod get_custody_bundle;
pub mod get_dossier;
pub mod get_history;
pub mod list;
pub mod list_shares;
pub mod purge_referral;
pub mod record_facts;
pub mod share_referral;
pub mod submit;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use liaison_custody::receipt;
use liaison_outbox::Outbox;
use liaison_policy::attribute::{Consent, Grant, Stage};
use liaison_policy::{Decided, Intent, Policy, ViewFacts};
use liaison_runtime::{Signer, record_decision};
use liaison_store::audit::AuditEntry;
use liaison_store::sealed::Vault;
use liaison_store::{Batcher, BatcherSettings, Db};
use liaison_types::{
    AuditId, Clock, Error, ErrorKind, Party, Random, Reason, ReferralId, Result, Timestamp,
};
use sea_orm::ConnectionTrait;

use crate::domain::{Actor, PROVED, Passed, Referral, ReferralState, Role, Step};
use crate::events::Publisher;
use crate::store::{self, NewReferral, Record};

pub use decide_review::ReviewVerdict;

/// How a decision stands in the audit.
const PERMIT: &str = "PERMIT";
const REFUSE: &str = "REFUSE";

/// Everything the use cases need. Cheap to clone.
#[derive(Clone)]
pub struct Ops {
    core: Arc<Core>,
    submissions: Batcher<Arc<NewReferral>, Referral>,
}

/// What the use cases seal and sign with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Seals content.
    pub vault: Vault,
    /// Signs the chain of custody.
    pub signer: Signer,
}

/// How submissions that come together share a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupCommit {
    /// At most this many in one.
    pub batch: usize,
    /// At most this many transactions at once.
    pub concurrency: usize,
}

impl Default for GroupCommit {
    /// Two transactions: batches of one owner wait for each other at its counter, so that a third
    /// would only make them smaller.
    fn default() -> Self {
        Self {
            batch: 256,
            concurrency: 2,
        }
    }
}

/// What does not need the batcher.
pub(crate) struct Core {
    db: Db,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// This service, which acts where no party does.
    service: Party,
    publisher: Publisher,
    outbox: Outbox,
    vault: Vault,
    signer: Signer,
    policy: Policy,
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ops")
    }
}

impl Ops {
    /// The use cases over `db`, acting as `service` where no party acts, and deciding by `policy`. Within a
    /// runtime: it starts the group commit of submissions.
    #[must_use]
    #[expect(
        clippy::too_many_arguments,
        reason = "what use cases work with; one place wires them"
    )]
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        service: Party,
        outbox: Outbox,
        keys: Keys,
        policy: Policy,
        group_commit: GroupCommit,
    ) -> Self {
        let publisher = Publisher::new(&service, Arc::clone(&random));
        let usual = BatcherSettings::new("intake.submit", &db);
        let settings = BatcherSettings {
            max_batch: group_commit.batch,
            // SQLite has one writer.
            concurrency: group_commit.concurrency.min(usual.concurrency),
            ..usual
        };
        let core = Arc::new(Core {
            db,
            clock,
            random,
            service,
            publisher,
            outbox,
            vault: keys.vault,
            signer: keys.signer,
            policy,
        });
        let submitting = Arc::clone(&core);
        let submissions = Batcher::spawn(settings, move |batch| {
            let core = Arc::clone(&submitting);
            Box::pin(async move { submit::submit_all(&core, &batch).await })
        });
        Self { core, submissions }
    }

    /// What it is now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core.clock.now()
    }
}

impl Core {
    /// Signs the last of `steps`, which one transaction adds to one referral, and by the chain all of them.
    fn sign(&self, steps: &mut [Step]) {
        if let Some(last) = steps.last_mut().filter(|_| PROVED) {
            let key = self.signer.key();
            last.signature = Some(receipt::sign(&last.digest, &key));
        }
    }

    /// An entry of the audit about `subject`, which is a resource name.
    fn entry(
        &self,
        now: Timestamp,
        actor: &Actor,
        action: &'static str,
        subject: String,
        decision: &'static str,
    ) -> AuditEntry {
        let id = AuditId::new(now, self.random.as_ref());
        let mut entry = AuditEntry::new(id, now, actor.party.clone(), action, subject, decision);
        entry.officer.clone_from(&actor.officer);
        entry
    }

    /// The entry of what policy decided about `subject`.
    fn decided_entry(
        &self,
        now: Timestamp,
        actor: &Actor,
        action: &'static str,
        subject: String,
        decided: &Decided,
    ) -> AuditEntry {
        let mut entry = self.entry(now, actor, action, subject, REFUSE);
        record_decision(&mut entry, decided);
        entry
    }

    /// The record of `id` where `viewer` may see its envelope.
    ///
    /// # Errors
    /// NOT_FOUND where there is none and where it is hidden: the two cannot be told apart.
    async fn visible(&self, viewer: &Party, id: ReferralId) -> Result<Record> {
        let (record, _decided) = self.visible_by(viewer, id).await?;
        Ok(record)
    }

    /// The same, with the decision that lets `viewer` see it.
    async fn visible_by(&self, viewer: &Party, id: ReferralId) -> Result<(Record, Decided)> {
        let db = self.db.reader();
        // Asked whether the referral exists or not, so that the answer also takes as long.
        let access = access(db, viewer, id).await?;
        let record = store::find(db, id).await?.ok_or_else(Error::not_found)?;
        let facts = self.view(viewer, &record.referral, &access);
        let decided = self.policy.decide(facts.envelope());
        if decided.is_allowed() {
            Ok((record, decided))
        } else {
            Err(Error::not_found())
        }
    }

    /// What policy looks at.
    fn view<'a>(
        &self,
        viewer: &'a Party,
        referral: &'a Referral,
        access: &Access,
    ) -> ViewFacts<'a> {
        let mut facts = ViewFacts::new(viewer, &referral.owner, access.grant, &referral.markings);
        facts.clearance = self.policy.clearance(viewer);
        if let (Grant::Shared, Some(passed)) = (access.grant, &access.shared) {
            facts.intent = referral
                .purpose
                .map_or_else(Intent::default, |purpose| passed.terms.intent(purpose));
            if passed.agreed {
                facts.consent = Consent::Given;
            }
        }
        facts
    }
}

/// What lets a party open a referral, besides owning it.
#[derive(Clone, Debug)]
struct Access {
    grant: Grant,
    /// By what share.
    shared: Option<Passed>,
}

/// What lets `viewer` open this referral. Asked of the database in the same way whether the referral
/// exists or not.
async fn access<C: ConnectionTrait>(db: &C, viewer: &Party, id: ReferralId) -> Result<Access> {
    let held = match viewer {
        Party::Unit(unit) => store::role_of(db, id, unit).await?,
        _ => None,
    };
    let shared = match viewer {
        Party::Unit(_) | Party::Bureau(_) | Party::Partner(_) => {
            store::passed_to(db, id, viewer).await?
        }
        _ => None,
    };
    let grant = match (held, &shared) {
        (Some(Role::Lead), _) => Grant::Lead,
        (Some(Role::Supporting), _) => Grant::Supporting,
        (None, Some(_)) => Grant::Shared,
        (None, None) => Grant::None,
    };
    Ok(Access { grant, shared })
}

/// How far a referral has come, as policy sees it.
const fn stage(state: ReferralState) -> Stage {
    match state {
        ReferralState::Submitted | ReferralState::UnderReview => Stage::UnderReview,
        ReferralState::Refused | ReferralState::Completed | ReferralState::Purged => {
            Stage::Terminal
        }
        _ => Stage::Open,
    }
}

/// CONTENT_PURGED.
fn content_purged() -> Error {
    Error::new(ErrorKind::FailedPrecondition, Reason::ContentPurged)
}

/// Only one desk, or one service, may do this; the kind of party was checked before.
fn only(caller: &Party, allowed: &str) -> Result<()> {
    if caller.to_string() == allowed {
        Ok(())
    } else {
        Err(Error::new(
            ErrorKind::PermissionDenied,
            Reason::CallerNotAllowed,
        ))
    }
}

/// How many things each key has.
fn counted<K: Ord>(keys: impl IntoIterator<Item = K>) -> BTreeMap<K, i64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}
