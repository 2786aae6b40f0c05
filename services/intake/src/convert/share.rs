//! Shares and consents.

use liaison_grpc::paging::page_size;
use liaison_grpc::wire::{self, Checks, Path};
use liaison_policy::purpose::Purpose;
use liaison_proto::intake;
use liaison_types::{Form, Party, ReferralId, Result, Rule, ShareId};
use uuid::Uuid;

use crate::domain::{Actor, IntendedAction, IntendedUse, Share, Terms, Words};
use crate::ops::list_shares::SharePage;
use crate::ops::share_referral::Wish;

const MAX_REASON: usize = 1_000;
/// The most shares of one page.
const MAX_PAGE: u32 = 500;

/// A share, for `viewer`: what the owner and the party that asked wrote is for these two alone.
#[must_use]
pub fn share(share: Share, viewer: &Party) -> intake::Share {
    let actor =
        |actor: &Actor| wire::actor(&actor.party, actor.officer.as_deref().unwrap_or_default());
    let reads = *viewer == share.owner || *viewer == share.requested_by.party;
    let words = |words: Words| if reads { words.0 } else { String::new() };
    intake::Share {
        name: wire::resource(share.id),
        referral: wire::resource(share.referral),
        recipient: share.recipient.to_string(),
        state: wire::number::<intake::ShareState>(share.state.as_str()),
        purpose: wire::number::<intake::Purpose>(share.terms.purpose.as_str()),
        action: wire::number::<intake::IntendedAction>(share.terms.action.as_str()),
        r#use: wire::number::<intake::IntendedUse>(share.terms.usage.as_str()),
        requested_by: Some(actor(&share.requested_by)),
        requested_at: Some(wire::timestamp(share.requested_at)),
        consent: share
            .consent
            .map(|consent| wire::clock(share.requested_at, consent.due_at, consent.rule)),
        decided_by: share.decided_by.as_ref().map(actor),
        updated_at: Some(wire::timestamp(share.updated_at)),
        rules: share.rules,
        reason: words(share.reason),
        decision_reason: words(share.decision_reason),
    }
}

/// What `actor` wants to pass on to whom.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn wish(request: intake::ShareReferralRequest, actor: Actor) -> Result<Wish> {
    let mut checks = Checks::default();
    let id: Option<ReferralId> = checks.resource(Path::root("name"), &request.name);
    let path = Path::root("recipient");
    let recipient: Option<Party> = checks.parse(path, &request.recipient, Form::PartyName);
    if let Some(recipient) = &recipient {
        let may_receive = matches!(
            recipient,
            Party::Bureau(_) | Party::Partner(_) | Party::Unit(_)
        );
        checks.ensure(may_receive, path, Rule::NotAllowed);
    }
    let purpose: Option<Purpose> =
        checks.named::<intake::Purpose, _>(Path::root("purpose"), request.purpose);
    let action: Option<IntendedAction> =
        checks.named::<intake::IntendedAction, _>(Path::root("action"), request.action);
    let usage: Option<IntendedUse> =
        checks.named::<intake::IntendedUse, _>(Path::root("use"), request.r#use);
    checks.required_block(Path::root("reason"), &request.reason, MAX_REASON);
    let path = Path::root("request_id");
    let request_id: Option<Uuid> = checks.parse(path, &request.request_id, Form::Uuid);
    if request_id.is_some_and(|id| id.is_nil()) {
        checks.add(path, Rule::Malformed(Form::Uuid));
    }
    let reason = Words(request.reason);
    let wish = (|| {
        Some(Wish {
            id: id?,
            recipient: recipient?,
            terms: Terms {
                purpose: purpose?,
                action: action?,
                usage: usage?,
            },
            actor,
            reason,
            request_id: request_id?,
        })
    })();
    checks.finish(wish)
}

/// The name of a share.
///
/// # Errors
/// INVALID_ARGUMENT where it is none.
pub fn share_id(name: &str) -> Result<ShareId> {
    let mut checks = Checks::default();
    let id = checks.resource(Path::root("name"), name);
    checks.finish(id)
}

/// Which share an owner answers, whether it consents, and why.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn consent_verdict(request: intake::DecideConsentRequest) -> Result<(ShareId, bool, Words)> {
    let mut checks = Checks::default();
    let id = checks.resource(Path::root("name"), &request.name);
    let verdict =
        checks.enum_value::<intake::ConsentVerdict>(Path::root("verdict"), request.verdict);
    checks.required_block(Path::root("reason"), &request.reason, MAX_REASON);
    let give = verdict.map(|verdict| verdict == intake::ConsentVerdict::Give);
    let answer = id
        .zip(give)
        .map(|(id, give)| (id, give, Words(request.reason)));
    checks.finish(answer)
}

/// Which page of the shares of which referral.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn shares_page(request: intake::ListSharesRequest) -> Result<(ReferralId, SharePage)> {
    let mut checks = Checks::default();
    let id = checks.resource(Path::root("parent"), &request.parent);
    let page = read_page(&mut checks, request.page_size, request.page_token);
    checks.finish(id.zip(page))
}

/// Which page of what waits for consent.
///
/// # Errors
/// INVALID_ARGUMENT where the size is out of range.
pub fn consent_page(request: intake::ListConsentRequestsRequest) -> Result<SharePage> {
    let mut checks = Checks::default();
    let page = read_page(&mut checks, request.page_size, request.page_token);
    checks.finish(page)
}

fn read_page(checks: &mut Checks, size: i32, token: String) -> Option<SharePage> {
    match page_size(size) {
        Ok(size) => Some(SharePage {
            size: size.min(MAX_PAGE),
            token,
        }),
        Err(_) => {
            checks.add(
                Path::root("page_size"),
                Rule::OutOfRange(0, i64::from(MAX_PAGE)),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ShareState;

    /// Ours are theirs, and theirs are ours.
    #[test]
    fn the_vocabularies_agree() {
        fn agree<E: wire::Named, T: std::str::FromStr>(ours: &[&'static str]) {
            for word in ours {
                assert_ne!(wire::number::<E>(word), 0, "{}{word}", E::PREFIX);
            }
            for number in 1..64 {
                assert!(
                    E::try_from(number).is_err() || wire::read::<E, T>(number).is_some(),
                    "{}{number}",
                    E::PREFIX
                );
            }
        }
        macro_rules! words {
            ($of:ty) => {
                &<$of>::ALL
                    .iter()
                    .map(|word| word.as_str())
                    .collect::<Vec<_>>()
            };
        }
        agree::<intake::Purpose, Purpose>(words!(Purpose));
        agree::<intake::IntendedAction, IntendedAction>(words!(IntendedAction));
        agree::<intake::IntendedUse, IntendedUse>(words!(IntendedUse));
        agree::<intake::ShareState, ShareState>(words!(ShareState));
    }
}
