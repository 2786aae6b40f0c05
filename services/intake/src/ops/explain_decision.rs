//! What policy decides on a question about a referral, and why.

use liaison_grpc::wire;
use liaison_policy::attribute::Consent;
use liaison_policy::{Decided, RouteFacts};
use liaison_store::{Tx, audit};
use liaison_types::{Error, Party, ReferralId, Result, UnitCode};

use super::{Core, Ops, access};
use crate::domain::{Actor, AssignmentState, Terms};
use crate::store::{self, Record};

const ACTION: &str = "intake.explain_decision";
/// How it stands in the audit: nothing was decided.
const EXPLAINED: &str = "EXPLAINED";

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// May the party see the envelope?
    Envelope(Party),
    /// May the party open the dossier?
    Dossier(Party),
    /// May the unit have it assigned as its lead?
    Route(UnitCode),
    /// May it be passed on?
    Share {
        /// By whom.
        by: Actor,
        /// To whom.
        recipient: Party,
        /// On what terms.
        terms: Terms,
    },
    /// May this actor have the content destroyed?
    Purge(Actor),
}

/// Who asks what about which referral.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inquiry {
    /// The referral.
    pub id: ReferralId,
    /// Who asks.
    pub actor: Actor,
    /// What.
    pub question: Question,
}

/// A decision, and all that was said about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explained {
    /// The decision, and what it was made on.
    pub decided: Decided,
    /// Whose consent would permit it.
    pub missing_consent: Option<Party>,
    /// Every rule that spoke, in the order of the rule set.
    pub spoken: Vec<SpokenRule>,
}

/// A rule that spoke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpokenRule {
    /// Its id.
    pub id: String,
    /// What follows from it.
    pub effect: &'static str,
    /// It is one of those that decided.
    pub decisive: bool,
    /// What it says.
    pub says: String,
    /// Where it comes from.
    pub source: String,
}

impl Ops {
    /// Decides as it would be decided now, and tells by which rules and from what. Nothing comes of it but
    /// an entry of the audit.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such referral, and for anybody but its owner and the compliance desk.
    pub async fn explain_decision(&self, inquiry: &Inquiry) -> Result<Explained> {
        let core = &*self.core;
        core.db
            .write_tx("intake.explain_decision", |tx| {
                Box::pin(async move { core.explain(tx, inquiry).await })
            })
            .await
    }
}

impl Core {
    async fn explain(&self, tx: &Tx<'_>, inquiry: &Inquiry) -> Result<Explained> {
        let Inquiry {
            id,
            actor,
            question,
        } = inquiry;
        // Who a referral was shared with sees it, and not who else may.
        let asks = |record: &Record| {
            record.referral.owner == actor.party || matches!(actor.party, Party::Desk(_))
        };
        let record = store::find(tx, *id).await?.filter(asks);
        let record = record.ok_or_else(Error::not_found)?;
        let now = self.clock.now();
        let (decided, about) = match question {
            Question::Envelope(party) => {
                let access = access(tx, party, *id).await?;
                let seen = self.view(party, &record.referral, &access);
                let decided = self.policy.decide(seen.envelope());
                (decided, format!("view-envelope {party}"))
            }
            Question::Dossier(party) => {
                let access = access(tx, party, *id).await?;
                let seen = self.view(party, &record.referral, &access);
                let decided = self.policy.decide(seen.dossier());
                (decided, format!("view-dossier {party}"))
            }
            Question::Route(unit) => {
                let decided = self.may_route(tx, &record, unit).await?;
                (decided, format!("route {unit}"))
            }
            Question::Share {
                by,
                recipient,
                terms,
            } => {
                let none = Consent::None;
                let decided = self
                    .may_share(tx, &record, by, recipient, *terms, none)
                    .await?;
                (decided, format!("share {recipient}"))
            }
            Question::Purge(by) => {
                let decided = self.may_purge(tx, &record, by, now).await?;
                (decided, format!("purge {}", by.party))
            }
        };
        let mut entry = self.entry(now, actor, ACTION, wire::resource(*id), EXPLAINED);
        entry.purpose = Some(about);
        audit::record(tx, vec![entry]).await?;
        Ok(self.explained(&record, decided))
    }

    /// What policy says of assigning `record` to `unit`. Who declined it before is known here too.
    async fn may_route(&self, tx: &Tx<'_>, record: &Record, unit: &UnitCode) -> Result<Decided> {
        let referral = &record.referral;
        let grants = store::grants_of(tx, &[referral.id]).await?;
        let declined: Vec<UnitCode> = grants
            .into_values()
            .flatten()
            .filter(|grant| grant.state == AssignmentState::Declined)
            .map(|grant| grant.unit)
            .collect();
        let mut facts = RouteFacts::new(unit, true, &declined, &referral.markings);
        facts.stage = super::stage(referral.state);
        facts.clearance = self.policy.clearance(&Party::Unit(unit.clone()));
        Ok(self.policy.decide(facts.facts()))
    }

    fn explained(&self, record: &Record, decided: Decided) -> Explained {
        let explanation = self.policy.rules().explain(&decided.facts);
        let spoken = explanation
            .spoken
            .iter()
            .map(|spoken| SpokenRule {
                id: spoken.rule.id().to_string(),
                effect: spoken.rule.effect().as_str(),
                decisive: spoken.decisive,
                says: spoken.rule.says().to_owned(),
                source: spoken.rule.source().to_owned(),
            })
            .collect();
        let missing = decided.decision.missing_consent.as_ref();
        let missing_consent = missing.map(|_| record.referral.owner.clone());
        Explained {
            decided,
            missing_consent,
            spoken,
        }
    }
}
