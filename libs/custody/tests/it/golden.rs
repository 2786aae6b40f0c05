//! The fixtures, and the numbers in FORMAT.md. `LIAISON_WRITE_FIXTURES=1` writes the fixtures anew.

use std::fs;
use std::path::Path;

use liaison_custody::{Bundle, PublicKeys, check};

use crate::support::{LIFE, SHORT, bundle, key};

const FORMAT: &str = include_str!("../../FORMAT.md");

fn fixture(name: &str, made: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    if std::env::var_os("LIAISON_WRITE_FIXTURES").is_some() {
        fs::write(&path, made).unwrap();
    }
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_golden_bundles_are_made_byte_for_byte() {
    for (name, steps) in [("golden.json", LIFE), ("short.json", SHORT)] {
        let made = bundle(steps);
        let kept = fixture(name, &made.to_text());
        assert_eq!(made.to_text(), kept, "{name}");
        assert_eq!(Bundle::parse(kept.as_bytes()), Ok(made), "{name}");
    }
}

#[test]
fn the_golden_key_proves_them() {
    let made = key(1).public_key().to_pem();
    let keys = PublicKeys::from_pem(&fixture("keys.pem", &made)).unwrap();
    for (name, steps) in [("golden.json", LIFE), ("short.json", SHORT)] {
        let report = check(fixture(name, &bundle(steps).to_text()).as_bytes(), &keys);
        assert!(report.is_sound(), "{report}");
        assert_eq!(report.warnings, []);
    }
}

/// The text between ``` lines after `heading`.
fn block(heading: &str) -> &'static str {
    let after = FORMAT.split_once(heading).expect(heading).1;
    let after = after.split_once("```").unwrap().1;
    let (_, body) = after.split_once('\n').unwrap();
    body.split_once("```").unwrap().0
}

#[test]
fn the_worked_example_is_true() {
    let short = bundle(SHORT);
    assert_eq!(block("**The bundle.**"), short.to_text());
    assert_eq!(block("**The key.**"), key(1).public_key().to_pem());
    let hashed = block("**What the first digest is made of.**");
    let bytes: String = hashed
        .lines()
        .filter_map(|line| line.split_once("  ").map(|(_, rest)| rest.trim()))
        .map(|hex| hex.replace(' ', ""))
        .collect();
    let bytes = hex::decode(bytes).unwrap();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
    assert_eq!(digest[..], short.receipts[0].digest);
    for (what, value) in [
        ("first digest", hex::encode(short.receipts[0].digest)),
        ("key id", key(1).id().to_string()),
    ] {
        assert!(FORMAT.contains(&format!("`{value}`")), "{what}: {value}");
    }
}
