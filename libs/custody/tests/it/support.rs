//! A referral with its receipts, always the same.

use liaison_custody::bundle::Heading;
use liaison_custody::{
    Bundle, Digest, Problem, PublicKeys, Receipt, SigningKey, Step, check, digest, receipt,
};
use liaison_types::{ReferralId, SeededRandom, Timestamp};

/// 2026-03-01T09:14:05.000001Z.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_772_356_445_000_001);

/// The signing key of `seed`. The golden bundle is signed with that of 1.
pub(crate) fn key(seed: u64) -> SigningKey {
    SigningKey::generate(&SeededRandom::new(seed))
}

pub(crate) fn keys() -> PublicKeys {
    key(1).public_key().into()
}

pub(crate) fn referral(seed: u64) -> ReferralId {
    ReferralId::new(START, &SeededRandom::new(seed))
}

/// What happens in a step, how many seconds after the one before, and whether its receipt is the last
/// of its transaction and therefore signed.
pub(crate) struct Line {
    pub(crate) after: i64,
    pub(crate) step: &'static str,
    pub(crate) state: &'static str,
    pub(crate) party: &'static str,
    pub(crate) officer: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) detail: &'static str,
    pub(crate) signed: bool,
}

/// `after | step | state | party | officer | unit | detail`; a line that ends with `…` is followed by
/// another one in the same transaction.
pub(crate) fn lines(text: &'static str) -> Vec<Line> {
    let parse = |line: &'static str| {
        let line = line.trim();
        let (line, signed) = match line.strip_suffix('…') {
            Some(line) => (line, false),
            None => (line, true),
        };
        let mut fields = line.split('|').map(str::trim);
        let mut next = || fields.next().unwrap_or_default();
        Line {
            after: next().parse().unwrap(),
            step: next(),
            state: next(),
            party: next(),
            officer: next(),
            unit: next(),
            detail: next(),
            signed,
        }
    };
    text.trim().lines().map(parse).collect()
}

/// The receipts of these steps; the first brings a content.
pub(crate) fn receipts(referral: ReferralId, lines: &[Line], key: &SigningKey) -> Vec<Receipt> {
    let mut receipts: Vec<Receipt> = Vec::new();
    let mut at = START;
    for (position, line) in (1..).zip(lines) {
        at = Timestamp::from_micros(at.as_micros() + line.after * 1_000_000);
        let step = Step {
            referral,
            position,
            at,
            step: line.step,
            state: line.state,
            party: line.party,
            officer: line.officer,
            unit: line.unit,
            detail: line.detail,
            content: (position == 1).then_some([0xd0; 32]),
        };
        let made = digest(receipts.last().map(|last| &last.digest), &step);
        let signature = line.signed.then(|| receipt::sign(&made, key));
        receipts.push(Receipt::new(&step, made, signature));
    }
    receipts
}

/// A referral that went well.
pub(crate) const LIFE: &str = "
    0    | SUBMITTED           | SUBMITTED   | bureau/NB-FR           | a.martin |       |  …
    0    | ADMITTED            | ADMITTED    | service/intake         |          |       | ADM-01
    2    | CLASSIFICATION_READ | ADMITTED    | service/classification
    1    | CLASSIFIED          | CLASSIFIED  | service/classification |          | cyber | OFF-0903
    1    | ROUTED              | ROUTED      | service/routing        |          | cyber |  …
    0    | GRANTED             | ROUTED      | service/routing        |          | cyber | LEAD
    600  | DOSSIER_OPENED      | ROUTED      | unit/cyber             | Zoë \"Z\" O'Neil | cyber | NTK-02
    60   | ACCEPTED            | ACCEPTED    | unit/cyber             | z.oneil  | cyber |
    3600 | WORK_STARTED        | IN_PROGRESS | unit/cyber             | z.oneil  | cyber |
    7200 | COMPLETED           | COMPLETED   | unit/cyber             | z.oneil  | cyber | SUSPECT_IDENTIFIED
    60   | BUNDLE_ISSUED       | COMPLETED   | bureau/NB-FR           | a.martin
";

/// A short one, for what is done at every byte.
pub(crate) const SHORT: &str = "
    0    | SUBMITTED           | SUBMITTED   | bureau/NB-FR           | a.martin |       |  …
    0    | ADMITTED            | ADMITTED    | service/intake         |          |       | ADM-01
    60   | BUNDLE_ISSUED       | ADMITTED    | bureau/NB-FR           | a.martin
";

pub(crate) fn closed(receipts: Vec<Receipt>, key: &SigningKey) -> Bundle {
    let last = receipts.last().map_or(START, |receipt| receipt.at);
    let heading = Heading {
        referral: referral(7),
        reference: "2026-FR-000123".to_owned(),
        owner: "bureau/NB-FR".parse().unwrap(),
        issued_at: Timestamp::from_micros(last.as_micros() + 250_000),
    };
    Bundle::issue(heading, receipts, key).unwrap()
}

/// The bundle of these steps, signed with [`key`] 1.
pub(crate) fn bundle(text: &'static str) -> Bundle {
    let key = key(1);
    closed(receipts(referral(7), &lines(text), &key), &key)
}

/// What is wrong with a bundle, by code and position.
pub(crate) fn wrong(bundle: &Bundle) -> Vec<(&'static str, Option<i64>)> {
    let report = check(bundle.to_text().as_bytes(), &keys());
    let named = |problem: &Problem| (problem.code(), problem.position());
    report.problems.iter().map(named).collect()
}

/// Makes the digests from `from` on anew, as whoever has no key can.
pub(crate) fn rechain(receipts: &mut [Receipt], from: usize) {
    let mut before: Option<Digest> = from.checked_sub(1).map(|index| receipts[index].digest);
    for receipt in &mut receipts[from..] {
        receipt.digest = digest(before.as_ref(), &receipt.as_step());
        before = Some(receipt.digest);
    }
}
