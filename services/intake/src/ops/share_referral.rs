//! Passing a referral on.

use liaison_grpc::wire;
use liaison_policy::attribute::{Consent, Grant, ItemClass, Mandate, Standing};
use liaison_policy::{Decided, Intent, Passing, ShareFacts};
use liaison_store::{Tx, audit};
use liaison_telemetry::propagation;
use liaison_types::{
    Error, ErrorKind, Party, Reason, ReferralId, Result, Rule, ShareId, Timestamp, Violation,
};
use uuid::Uuid;

use super::{Core, Ops, access, content_purged};
use crate::domain::share::consent_by;
use crate::domain::{Actor, NewStep, ReferralStep, Role, Share, ShareState, Step, Terms, Words};
use crate::store::{self, Change, Record};

const ACTION: &str = "intake.share_referral";

/// Who wants to pass what on to whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// The referral.
    pub id: ReferralId,
    /// To whom.
    pub recipient: Party,
    /// What for and how.
    pub terms: Terms,
    /// Who asks.
    pub actor: Actor,
    /// Why.
    pub reason: Words,
    /// What makes the call repeatable.
    pub request_id: Uuid,
}

/// What became of a wish: a share, or the rules that forbid it.
enum Outcome {
    Shared(Box<Share>),
    Hidden,
    Denied(Decided),
}

impl Ops {
    /// Passes a referral on where policy permits it; asks the owner where only its consent is missing.
    /// The same request again gets the same share. What is refused is in the audit too.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such referral and where it is hidden; POLICY_DENIED with the rules;
    /// INVALID_ARGUMENT where it would be passed to its owner or to who asks; REQUEST_ID_REUSED;
    /// CONTENT_PURGED where there is nothing left to pass on.
    pub async fn share_referral(&self, wish: &Wish) -> Result<Share> {
        let core = &*self.core;
        let trace = propagation::current_traceparent();
        let trace = trace.as_deref();
        let outcome = core
            .db
            .write_tx("intake.share_referral", |tx| {
                Box::pin(async move { core.share(tx, wish, trace).await })
            })
            .await?;
        match outcome {
            Outcome::Shared(share) => Ok(*share),
            Outcome::Hidden => Err(Error::not_found()),
            Outcome::Denied(refusal) => Err(denied(&refusal)),
        }
    }
}

/// POLICY_DENIED, with the rules.
pub(super) fn denied(decided: &Decided) -> Error {
    Error::new(ErrorKind::PermissionDenied, Reason::PolicyDenied)
        .metadata("rules", decided.rules().join(" "))
}

impl Core {
    async fn share(&self, tx: &Tx<'_>, wish: &Wish, trace: Option<&str>) -> Result<Outcome> {
        let party = &wish.actor.party;
        let record = store::lock(tx, &[wish.id]).await?.pop();
        let access = access(tx, party, wish.id).await?;
        let Some(record) = record.filter(|record| {
            let facts = self.view(party, &record.referral, &access);
            self.policy.decide(facts.envelope()).is_allowed()
        }) else {
            return Ok(Outcome::Hidden);
        };
        if record.is_purged() {
            return Err(content_purged());
        }
        if let Some(known) =
            store::find_share_by_request(tx, &self.vault, party, wish.request_id).await?
        {
            return same(known, wish).map(|share| Outcome::Shared(Box::new(share)));
        }
        if wish.recipient == record.referral.owner || wish.recipient == *party {
            return Err(Error::invalid(vec![Violation::new(
                "recipient",
                Rule::NotAllowed,
            )]));
        }
        let now = self.clock.now();
        let decided = self
            .may_share(
                tx,
                &record,
                &wish.actor,
                &wish.recipient,
                wish.terms,
                Consent::None,
            )
            .await?;
        let asks = decided.decision.missing_consent.is_some();
        let subject = wire::resource(wish.id);
        let mut entry = self.decided_entry(now, &wish.actor, ACTION, subject, &decided);
        entry.purpose = Some(format!("{} {}", wish.terms.purpose, wish.recipient));
        entry.request_id = Some(wish.request_id.to_string());
        audit::record(tx, vec![entry]).await?;
        if !decided.is_allowed() && !asks {
            return Ok(Outcome::Denied(decided));
        }
        let share = Share {
            id: ShareId::new(now, self.random.as_ref()),
            referral: wish.id,
            owner: record.referral.owner.clone(),
            recipient: wish.recipient.clone(),
            state: if asks {
                ShareState::AwaitingConsent
            } else {
                ShareState::Active
            },
            terms: wish.terms,
            requested_by: wish.actor.clone(),
            requested_at: now,
            request_id: wish.request_id,
            consent: asks.then(|| consent_by(record.referral.urgency, now)),
            decided_by: None,
            updated_at: now,
            rules: decided.rules(),
            exercise: record.referral.exercise,
            reason: wish.reason.clone(),
            decision_reason: Words::default(),
        };
        let key = self.vault.key(tx, wish.id.uuid()).await?;
        store::insert_share(tx, &self.vault, &key, &share).await?;
        let step = if asks {
            ReferralStep::ConsentRequested
        } else {
            ReferralStep::Shared
        };
        self.told(tx, record, &share, &[step], &wish.actor, now, trace)
            .await?;
        Ok(Outcome::Shared(Box::new(share)))
    }

    /// What policy says of passing `record` on.
    pub(super) async fn may_share(
        &self,
        tx: &Tx<'_>,
        record: &Record,
        actor: &Actor,
        recipient: &Party,
        terms: Terms,
        consent: Consent,
    ) -> Result<Decided> {
        let referral = &record.referral;
        let grants = store::grants_of(tx, &[referral.id]).await?;
        let held = |party: &Party| {
            let Party::Unit(unit) = party else {
                return Grant::None;
            };
            let grants = grants.get(&referral.id).into_iter().flatten();
            grants
                .filter(|grant| grant.is_active() && grant.unit == *unit)
                .map(|grant| match grant.role {
                    Role::Lead => Grant::Lead,
                    Role::Supporting => Grant::Supporting,
                })
                .next()
                .unwrap_or(Grant::None)
        };
        let mut passing =
            Passing::new(&actor.party, &referral.owner, recipient, &referral.markings);
        passing.grant = held(&actor.party);
        passing.standing = Standing::from(held(recipient));
        passing.stage = super::stage(referral.state);
        passing.consent = consent;
        passing.clearance = self.policy.clearance(recipient);
        passing.intent = referral
            .purpose
            .map_or_else(Intent::default, |purpose| terms.intent(purpose));
        let facts = ShareFacts {
            passing,
            officer: actor.officer.as_deref(),
            submitting_officer: record.submitting_officer.as_deref(),
            mandate: Mandate::Unknown,
            item: ItemClass::Dossier,
        };
        Ok(self.policy.decide(facts.facts()))
    }

    /// Adds `steps` to the history, and tells the owner, who asked and who receives. Answers the record with
    /// the history's new end.
    #[expect(
        clippy::too_many_arguments,
        reason = "a step is what happened, to what, by whom, when and in which trace"
    )]
    pub(super) async fn told(
        &self,
        tx: &Tx<'_>,
        mut record: Record,
        share: &Share,
        steps: &[ReferralStep],
        actor: &Actor,
        now: Timestamp,
        trace: Option<&str>,
    ) -> Result<Record> {
        let mut kept: Vec<Step> = steps
            .iter()
            .map(|step| {
                record.chain.append(NewStep {
                    step: *step,
                    state: record.referral.state,
                    at: now,
                    actor: actor.clone(),
                    unit: match &share.recipient {
                        Party::Unit(unit) => Some(unit.clone()),
                        _ => None,
                    },
                    detail: share.recipient.to_string(),
                    content: None,
                })
            })
            .collect();
        self.sign(&mut kept);
        record.referral.last_position = record.chain.position();
        store::save(tx, Change::Read, [&record]).await?;
        store::append(tx, kept.iter().map(|step| (share.referral, step)).collect()).await?;
        let informed = informed(share);
        let events = kept
            .iter()
            .map(|step| {
                self.publisher
                    .informed(&record.referral, step, &informed, trace)
            })
            .collect();
        self.outbox.enqueue(tx, now, events).await?;
        Ok(record)
    }
}

/// Who is told besides the owner: who asked, and who receives once it does.
fn informed(share: &Share) -> Vec<Party> {
    let mut parties = Vec::new();
    if share.requested_by.party != share.owner {
        parties.push(share.requested_by.party.clone());
    }
    // Nobody hears of what they never had.
    if share.was_received() {
        parties.push(share.recipient.clone());
    }
    parties
}

/// The share that the same request made before.
fn same(known: Share, wish: &Wish) -> Result<Share> {
    let repeated = known.referral == wish.id
        && known.recipient == wish.recipient
        && known.terms == wish.terms
        && known.reason == wish.reason;
    if repeated {
        Ok(known)
    } else {
        Err(Error::new(
            ErrorKind::AlreadyExists,
            Reason::RequestIdReused,
        ))
    }
}
