//! What people read.

use liaison_custody::check;
use liaison_types::Timestamp;

use crate::support::{LIFE, bundle, closed, key, keys, lines, receipts, referral};

#[test]
fn a_sound_bundle() {
    let report = check(bundle(LIFE).to_text().as_bytes(), &keys());
    insta::assert_snapshot!(report, @r#"
    SOUND: 2026-FR-000123 (bureau NB-FR), issued 2026-03-01 12:26 UTC: all 11 steps are proved; none is missing, moved or altered.
      1  2026-03-01 09:14 UTC - bureau NB-FR (officer a.martin) submitted the referral
      2  2026-03-01 09:14 UTC - the intake service admitted the referral [ADM-01]
      3  2026-03-01 09:14 UTC - the classification service read offences and narrative to classify them
      4  2026-03-01 09:14 UTC - the classification service classified the referral [unit cyber, OFF-0903]
      5  2026-03-01 09:14 UTC - the routing service assigned the referral to unit cyber
      6  2026-03-01 09:14 UTC - the routing service gave unit cyber access to the dossier [LEAD]
      7  2026-03-01 09:24 UTC - unit cyber (officer Zoë "Z" O'Neil) opened the dossier [NTK-02]
      8  2026-03-01 09:25 UTC - unit cyber (officer z.oneil) accepted the referral
      9  2026-03-01 10:25 UTC - unit cyber (officer z.oneil) began to work on it
     10  2026-03-01 12:25 UTC - unit cyber (officer z.oneil) completed its share [SUSPECT_IDENTIFIED]
     11  2026-03-01 12:26 UTC - bureau NB-FR (officer a.martin) issued a custody bundle
    "#);
}

#[test]
fn the_rest_of_the_table() {
    let steps = lines(
        "
        0  | REVIEW_REQUESTED         | UNDER_REVIEW | service/intake |          |       | REV-03
        60 | REFUSED                  | REFUSED      | desk/compliance | c.duty  |       | ARTICLE_3
        60 | TRIAGE_REQUESTED         | ADMITTED     | service/classification | | | UNCERTAIN
        60 | GRANT_ENDED              | ADMITTED     | service/routing |         | cyber | DECLINED
        60 | DECLINED                 | ADMITTED     | unit/cyber     | z.oneil  | cyber | NO_CAPACITY
        60 | ASSIGNMENT_ENDED         | ROUTED       | service/routing |         | terrorism | REVOKED
        60 | INDIRECT_ACCESS_DECLARED | ACCEPTED     | unit/cyber     | z.oneil  | cyber |
        60 | CONSENT_REQUESTED        | ACCEPTED     | unit/cyber     | z.oneil  | cyber | H2
        60 | CONSENT_GIVEN            | ACCEPTED     | bureau/NB-FR   | a.martin |       | H2
        60 | CONSENT_REFUSED          | ACCEPTED     | bureau/NB-FR   | a.martin |       | H2
        60 | CONSENT_EXPIRED          | ACCEPTED     | service/intake |          |       | H2
        60 | SHARED                   | ACCEPTED     | unit/cyber     | z.oneil  | terrorism | H2
        60 | SHARE_ENDED              | ACCEPTED     | unit/cyber     | z.oneil  |       |
        60 | CONTENT_PURGED           | PURGED       | service/intake
        60 | SOMETHING_NEW            | PURGED       | partner/customs |         | cyber | X
        60 | SOMETHING_NEW            | PURGED       | nobody
        60 | SOMETHING_NEW            | PURGED       |
        ",
    );
    let bundle = closed(receipts(referral(7), &steps, &key(1)), &key(1));
    let report = check(bundle.to_text().as_bytes(), &keys());
    insta::assert_snapshot!(report.life().join("\n"), @r#"
    2026-03-01 09:14 UTC - the intake service asked for a compliance review [REV-03]
    2026-03-01 09:15 UTC - the compliance desk (officer c.duty) refused the referral [ARTICLE_3]
    2026-03-01 09:16 UTC - the classification service put the referral to the duty desk [UNCERTAIN]
    2026-03-01 09:17 UTC - the routing service ended the access of unit cyber to the dossier [DECLINED]
    2026-03-01 09:18 UTC - unit cyber (officer z.oneil) declined the referral [NO_CAPACITY]
    2026-03-01 09:19 UTC - the routing service ended the assignment of unit terrorism without a result [REVOKED]
    2026-03-01 09:20 UTC - unit cyber (officer z.oneil) declared that it has only indirect access to the information
    2026-03-01 09:21 UTC - unit cyber (officer z.oneil) asked for consent [H2]
    2026-03-01 09:22 UTC - bureau NB-FR (officer a.martin) gave consent [H2]
    2026-03-01 09:23 UTC - bureau NB-FR (officer a.martin) refused consent [H2]
    2026-03-01 09:24 UTC - the intake service let the request for consent expire [H2]
    2026-03-01 09:25 UTC - unit cyber (officer z.oneil) shared the referral with unit terrorism [H2]
    2026-03-01 09:26 UTC - unit cyber (officer z.oneil) ended the sharing with a unit
    2026-03-01 09:27 UTC - the intake service destroyed the content of the dossier
    2026-03-01 09:28 UTC - partner customs SOMETHING_NEW [unit cyber, X]
    2026-03-01 09:29 UTC - nobody SOMETHING_NEW
    2026-03-01 09:30 UTC - somebody SOMETHING_NEW
    "#);
}

#[test]
fn everything_that_can_be_wrong() {
    let stranger = key(2);
    let mut bundle = bundle(LIFE);
    let other = receipts(referral(8), &lines(LIFE), &key(1));
    bundle.receipts[1].detail.push('x');
    bundle.receipts[2].at = Timestamp::from_seconds(0);
    bundle.receipts[2].signature = None;
    bundle.receipts[3].digest[0] ^= 1;
    bundle.receipts[6] = other[6].clone();
    bundle.receipts[8].signature.as_mut().unwrap().key = stranger.id();
    let copy = bundle.receipts[8].clone();
    bundle.receipts.push(copy);
    bundle.receipts.swap(7, 8);
    bundle.receipts.drain(4..6);
    bundle.receipts.retain(|receipt| receipt.position != 10);
    bundle.receipts.retain(|receipt| receipt.position != 11);
    bundle.receipts[6].signature = None;
    bundle.reference = "2026-FR-\u{202e}321000".to_owned();
    let text = bundle.to_text() + "\n";
    insta::assert_snapshot!(check(text.as_bytes(), &keys()), @r#"
    NOT SOUND: 2026-FR-\u{202e}321000 (bureau NB-FR), issued 2026-03-01 12:26 UTC: 12 things are wrong.
      wrong: The text was changed: line 19 is not spelled the one way a bundle is spelled.
      wrong: The signature of the closing statement does not belong to this bundle: its reference, owner, time of issue or end was altered, or the signature was made up.
      wrong: The chain is broken before position 2: the receipt there does not continue the one before it, and one of the two was altered after it was signed.
      wrong: The receipt at position 3 was altered: its content does not belong to its digest, and no good signature speaks for that digest.
      wrong: The signature at position 4 does not belong to the receipt: the receipt was altered after it was signed, or the signature was made up.
      wrong: The receipt at position 4 was altered: its content does not belong to its digest, and no good signature speaks for that digest.
      wrong: The receipts at positions 5 to 7 are missing.
      wrong: The receipt at position 7 belongs to another referral: referrals/019ca8ad-2348-7e96-9c4a-c2f287128d6f.
      wrong: The receipt at position 8 stands in the wrong place.
      wrong: The last steps were cut off: the bundle was closed at position 11, and its receipts end at position 9.
      wrong: There is more than one receipt at position 9.
      wrong: The receipt at position 9 is signed with a key that is not among those given: 19ca4c47638250a4.
      strange: Time runs backwards: the step at position 3 is earlier than the one before.
      strange: Time runs backwards: the step at position 8 is earlier than the one before.
    What it says, which is not proved:
      1  2026-03-01 09:14 UTC - bureau NB-FR (officer a.martin) submitted the referral
      2  2026-03-01 09:14 UTC - the intake service admitted the referral [ADM-01x]
      3  1970-01-01 00:00 UTC - the classification service read offences and narrative to classify them
      4  2026-03-01 09:14 UTC - the classification service classified the referral [unit cyber, OFF-0903]
      5  2026-03-01 09:24 UTC - unit cyber (officer Zoë "Z" O'Neil) opened the dossier [NTK-02]
      6  2026-03-01 10:25 UTC - unit cyber (officer z.oneil) began to work on it
      7  2026-03-01 09:25 UTC - unit cyber (officer z.oneil) accepted the referral
      8  2026-03-01 10:25 UTC - unit cyber (officer z.oneil) began to work on it
    "#);
    insta::assert_snapshot!(check(b"{\"format\": \"other\"}", &keys()), @r#"
    NOT A BUNDLE: nothing can be said about it.
      wrong: This is not a custody bundle: missing field `referral` at line 1 column 19.
    "#);
}
