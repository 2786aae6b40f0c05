//! One spelling: every changed byte shows, and no bytes do harm.

use liaison_custody::bundle::{Heading, IssueError, MAX_BYTES, MAX_RECEIPTS, ParseError};
use liaison_custody::{Bundle, Problem, check};
use liaison_types::{Random as _, SeededRandom, Timestamp};
use proptest::prelude::*;

use crate::support::{LIFE, SHORT, bundle, key, keys, lines, receipts, referral};

#[test]
fn a_change_of_any_byte_is_found() {
    let text = bundle(SHORT).to_text();
    let random = SeededRandom::new(3);
    let keys = keys();
    for index in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        let original = bytes[index];
        let other = loop {
            let mut byte = [0];
            random.fill(&mut byte);
            if ![original, original ^ 1].contains(&byte[0]) {
                break byte[0];
            }
        };
        for value in [original ^ 1, other] {
            bytes[index] = value;
            let report = check(&bytes, &keys);
            assert!(!report.is_sound(), "{value:#x} at {index}");
        }
        bytes[index] = original;
        bytes.remove(index);
        assert!(!check(&bytes, &keys).is_sound(), "nothing at {index}");
        assert!(!check(&text.as_bytes()[..index], &keys).is_sound());
    }
}

#[test]
fn another_spelling_of_the_same_is_refused() {
    let text = bundle(LIFE).to_text();
    for (from, to) in [
        ("{\n  \"format\"", "{ \"format\""),
        ("\"cyber\"", "\"c\\u0079ber\""),
        ("Zoë", "Zo\\u00eb"),
        ("\"position\": 1,", "\"position\":1,"),
        (".000001Z", ".0000010Z"),
        ("05.000001Z", "05.000001+00:00"),
        (
            "\"step\": \"CLASSIFICATION_READ\", \"state\": \"ADMITTED\"",
            "\"state\": \"ADMITTED\", \"step\": \"CLASSIFICATION_READ\"",
        ),
        (", \"content\"", ", \"unit\": \"\", \"content\""),
        ("]", "\n]"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = Bundle::parse(changed.as_bytes()).unwrap_err();
        assert!(
            matches!(error, ParseError::NotCanonical { .. }),
            "{to}: {error}"
        );
        let report = check(changed.as_bytes(), &keys());
        let codes: Vec<_> = report.problems.iter().map(Problem::code).collect();
        assert_eq!(codes, ["NOT_CANONICAL"], "{to}");
    }
    let upper = text.replace(
        &key(1).id().to_string(),
        &key(1).id().to_string().to_uppercase(),
    );
    assert!(Bundle::parse(upper.as_bytes()).is_err());
    for more in [" ", "\n", "x", "\0"] {
        assert!(Bundle::parse(format!("{text}{more}").as_bytes()).is_err());
        assert!(Bundle::parse(format!("{more}{text}").as_bytes()).is_err());
    }
    assert!(Bundle::parse(format!("\u{feff}{text}").as_bytes()).is_err());
}

#[test]
fn what_cannot_be_is_no_bundle() {
    let text = bundle(LIFE).to_text();
    for (from, to) in [
        ("bundle/1", "bundle/2"),
        ("\"position\": 1,", "\"position\": 0,"),
        ("\"position\": 1,", "\"position\": 1.0,"),
        ("\"position\": 1,", "\"position\": 9223372036854775808,"),
        ("\"position\": 1,", "\"position\": 1, \"position\": 1,"),
        ("\"position\": 1,", "\"position\": 1, \"more\": [[[[1]]]],"),
        (
            "2026-03-01T09:14:05.000001Z",
            "0000-01-01T00:00:00.000000+23:00",
        ),
        (
            "2026-03-01T09:14:05.000001Z",
            "9999-12-31T23:59:59.000000-23:00",
        ),
        ("2026-03-01T09:14:05.000001Z", "1969-12-31T23:59:59.999999Z"),
        ("bureau/NB-FR", "king/arthur"),
        ("referrals/", "referrals/x"),
        ("\"state\": \"SUBMITTED\"", "\"state\": 1"),
        ("\"digest\": \"", "\"digest\": \"0"),
        ("\"key\": \"", "\"key\": \"0"),
        ("\"party\"", "\"\\ud800\""),
        ("\"receipts\": [", "\"receipts\": {"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = Bundle::parse(changed.as_bytes()).unwrap_err();
        assert!(matches!(error, ParseError::Malformed(_)), "{to}: {error}");
        let report = check(changed.as_bytes(), &keys());
        assert_eq!(report.problems[0].code(), "NOT_A_BUNDLE", "{to}");
        assert_eq!(report.bundle, None);
    }
    for text in ["", "{}", "[]", "null", "not JSON", &"[".repeat(100_000)] {
        assert!(check(text.as_bytes(), &keys()).bundle.is_none());
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let long = vec![b' '; MAX_BYTES + 1];
    assert!(matches!(
        Bundle::parse(&long),
        Err(ParseError::Malformed(_))
    ));
    let one = "{\"referral\":\"referrals/00000000-0000-0000-0000-000000000000\",\"position\":1,\
        \"at\":\"2026-01-01T00:00:00Z\",\"digest\":\"";
    let one = format!("{one}{}\"}}", "0".repeat(64));
    let many = vec![one.as_str(); MAX_RECEIPTS + 1].join(",");
    let text = bundle(SHORT).to_text();
    let (head, _) = text.split_once("\"receipts\": [").unwrap();
    let text = format!("{head}\"receipts\": [{many}]}}");
    let error = Bundle::parse(text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("more than 100000 receipts"), "{error}");
}

#[test]
fn what_cannot_be_written_is_not_issued() {
    let heading = |issued_at| Heading {
        referral: referral(7),
        reference: "2026-FR-000123".to_owned(),
        owner: "bureau/NB-FR".parse().unwrap(),
        issued_at,
    };
    let (now, never) = (Timestamp::from_seconds(1), Timestamp::from_micros(-1));
    let good = receipts(referral(7), &lines(SHORT), &key(1));
    let mut bent = good.clone();
    bent[1].at = Timestamp::from_seconds(253_402_300_800);
    let mut below = good.clone();
    below[1].position = 0;
    for (issued_at, receipts, error) in [
        (now, Vec::new(), IssueError::Empty),
        (now, bent, IssueError::Unwritable(2)),
        (now, below, IssueError::Unwritable(0)),
        (never, good.clone(), IssueError::Unwritable(3)),
        (
            now,
            vec![good[0].clone(); MAX_RECEIPTS + 1],
            IssueError::TooLarge,
        ),
    ] {
        let issued = Bundle::issue(heading(issued_at), receipts, &key(1));
        assert_eq!(issued, Err(error));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(!check(&bytes, &keys()).is_sound());
    }

    #[test]
    fn no_piece_put_elsewhere_does_harm(
        from: prop::sample::Index, length in 0_usize..200, to: prop::sample::Index,
    ) {
        let text = bundle(LIFE).to_text().into_bytes();
        let from = from.index(text.len());
        let piece = &text[from..text.len().min(from + length)];
        let mut changed = text.clone();
        let to = to.index(text.len());
        changed.splice(to..to, piece.iter().copied());
        prop_assert_eq!(check(&changed, &keys()).is_sound(), changed == text);
    }

    #[test]
    fn any_text_is_written_and_read_back(
        officer in any::<String>(), detail in any::<String>(), reference in any::<String>(),
        micros in 0_i64..253_402_300_800_000_000,
    ) {
        let mut bundle = bundle(SHORT);
        bundle.receipts[1].officer = officer;
        bundle.receipts[1].detail = detail;
        bundle.receipts[1].at = Timestamp::from_micros(micros);
        bundle.reference = reference;
        prop_assert_eq!(Bundle::parse(bundle.to_text().as_bytes()), Ok(bundle));
    }
}
