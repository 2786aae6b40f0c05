//! Handing out the custody of a referral, to be checked without the service.

use liaison_custody::Receipt;
use liaison_custody::bundle::{Bundle, Heading};
use liaison_grpc::wire;
use liaison_store::audit;
use liaison_types::{Error, ReferralId, Result};

use super::Ops;
use crate::domain::{Actor, Step};
use crate::store;

const ACTION: &str = "intake.get_custody_bundle";

/// A bundle and what it is checked with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustodyBundle {
    /// The document, byte for byte.
    pub text: String,
    /// The public key that the service signs with now, as PEM.
    pub public_key: String,
}

impl Ops {
    /// Every step of the referral with its signatures, closed and signed now. Who asks stands in the
    /// audit; it is no step of the history, which it would change each time.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such referral and where it is hidden.
    pub async fn get_custody_bundle(&self, actor: &Actor, id: ReferralId) -> Result<CustodyBundle> {
        let core = &*self.core;
        let (record, decided) = core.visible_by(&actor.party, id).await?;
        let now = core.clock.now();
        let entry = core.decided_entry(now, actor, ACTION, wire::resource(id), &decided);
        let steps = core
            .db
            .write_tx("intake.get_custody_bundle", |tx| {
                let entry = entry.clone();
                Box::pin(async move {
                    audit::record(tx, vec![entry]).await?;
                    store::history(tx, id).await
                })
            })
            .await?;
        let heading = Heading {
            referral: id,
            reference: record.referral.reference,
            owner: record.referral.owner,
            issued_at: now,
        };
        let receipts = steps.iter().map(|step| receipt(id, step)).collect();
        let key = core.signer.key();
        let bundle = Bundle::issue(heading, receipts, &key).map_err(Error::internal)?;
        Ok(CustodyBundle {
            text: bundle.to_text(),
            public_key: key.public_key().to_pem(),
        })
    }
}

fn receipt(id: ReferralId, step: &Step) -> Receipt {
    step.with(id, |kept| Receipt::new(kept, step.digest, step.signature))
}
