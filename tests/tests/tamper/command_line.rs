//! `verify`, `audit`, `keys` and `referral custody` as their users meet them when something is not as it
//! should be: what is wrong, and what to do about it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use e2e::{Backend, Suite, dossier, program};
use serde_json::Value;

use crate::custody::Downloaded;
use crate::reading::sealed;
use crate::{Said, fed, liaison, on, shown, worked};

fn fixture(name: &str) -> PathBuf {
    program::repository()
        .join("libs/custody/tests/fixtures")
        .join(name)
}

/// Asserts that nothing was checked, that it is said why and what to do, and in the same words to programs.
#[track_caller]
fn nothing_checked(arguments: &[&str], why: &str, fix: &str) {
    let said = liaison(arguments);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.err.contains(why) && said.err.contains(fix), "{said:?}");
    let json = liaison([arguments, &["--output", "json"]].concat());
    assert_eq!((json.code, json.out.as_str()), (Some(2), ""), "{json:?}");
    let object: Value = serde_json::from_str(&json.err).unwrap();
    let message = object["error"]["message"].as_str().unwrap();
    assert!(message.contains(why) && message.contains(fix), "{message}");
}

/// Asserts that it was checked and found to be no bundle.
#[track_caller]
fn no_bundle(file: &Path, why: &str) {
    let keys = fixture("keys.pem");
    let said = liaison(["verify", shown(file), "--keys", shown(&keys)]);
    assert_eq!((said.code, said.err.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.out.starts_with("NOT A BUNDLE"), "{said:?}");
    let told = format!("This is not a custody bundle: {why}");
    assert!(said.out.contains(&told), "{said:?}");
}

#[test]
fn what_is_no_bundle_is_told_from_one_that_is_not_sound() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bundle.json");
    let golden = fs::read(fixture("golden.json")).unwrap();
    let write = |bytes: &[u8]| fs::write(&file, bytes).unwrap();
    write(b"");
    no_bundle(&file, "it is empty.");
    write(&golden[..golden.len() / 2]);
    no_bundle(&file, "its end is missing: ");
    write(b"\xff\xfe");
    no_bundle(&file, "it is not JSON: ");
    write(b"{\"format\": \"liaison-custody-bundle/1\"}");
    no_bundle(&file, "missing field `referral`");
    write(
        &String::from_utf8(golden.clone())
            .unwrap()
            .replace("bundle/1", "bundle/2")
            .into_bytes(),
    );
    no_bundle(&file, "its format is not liaison-custody-bundle/1.");
    no_bundle(&fixture("keys.pem"), "it is not JSON: ");
    // Longer than any bundle, and without an end: read as far as it takes to know.
    File::create(&file).unwrap().set_len(3 << 30).unwrap();
    no_bundle(&file, "it is longer than 67108864 bytes.");
    no_bundle(Path::new("/dev/zero"), "it is longer than 67108864 bytes.");
    let said = fed(&["verify", "-", "--keys", shown(&fixture("keys.pem"))], b"");
    assert_eq!(said.code, Some(1), "{said:?}");
}

#[test]
fn files_that_cannot_be_read_are_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, golden) = (fixture("keys.pem"), fixture("golden.json"));
    let (keys, golden) = (shown(&keys), shown(&golden));
    let missing = folder.path().join("missing");
    let download = "liaison referral custody NAME --to FILE";
    nothing_checked(
        &["verify", shown(&missing), "--keys", keys],
        "there is no such file",
        download,
    );
    nothing_checked(
        &["verify", shown(folder.path()), "--keys", keys],
        "this is a folder",
        download,
    );

    let given = "--keys";
    let with = |file: &Path| ["verify", golden, "--keys", shown(file)].map(str::to_owned);
    let refused = |file: &Path, why: &str| {
        nothing_checked(&with(file).each_ref().map(String::as_str), why, given);
    };
    refused(&missing, "there is no such file");
    refused(folder.path(), "this is a folder");
    refused(Path::new("/dev/zero"), "no public key");
    refused(&fixture("golden.json"), "no public key");
    let other = folder.path().join("other");
    fs::write(&other, "").unwrap();
    refused(&other, "no public key");
    fs::write(&other, b"\xff\xfe").unwrap();
    refused(&other, "this is not text");
    // In a folder that no suite was ever in.
    let dir = ["verify", golden, "--dir", shown(folder.path())];
    nothing_checked(&dir, "keys/public.pem: there is no such file", given);
}

#[test]
fn a_private_key_is_taken_from_nobody() {
    let folder = tempfile::tempdir().unwrap();
    liaison(["keys", "init", "intake", "--dir", shown(folder.path())]).done();
    let private = folder.path().join("intake/signing.pem");
    let golden = fixture("golden.json");
    let never = "a private key must never be handed on";
    let verify = ["verify", shown(&golden), "--keys", shown(&private)];
    nothing_checked(&verify, never, "--keys");
    // Nor between good ones.
    let mixed = folder.path().join("mixed.pem");
    let texts = [fixture("keys.pem"), private].map(|path| fs::read_to_string(path).unwrap());
    fs::write(&mixed, texts.concat()).unwrap();
    let verify = ["verify", shown(&golden), "--keys", shown(&mixed)];
    nothing_checked(&verify, never, "--keys");
    let audit = [
        "audit",
        "verify",
        "--keys",
        shown(&mixed),
        "--dir",
        shown(folder.path()),
    ];
    nothing_checked(&audit, never, "--keys");
    let said = liaison(verify);
    let secret = texts[1].lines().nth(1).unwrap();
    assert!(
        !said.err.contains(secret) && !said.out.contains(secret),
        "{said:?}"
    );
}

#[test]
fn keys_are_neither_made_nor_changed_in_the_wrong_place() {
    let folder = tempfile::tempdir().unwrap();
    let said = liaison(["keys", "rotate", "--dir", shown(folder.path())]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("there is no folder") && said.err.contains("--dir"),
        "{said:?}"
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing was made"
    );
    assert_eq!(liaison(["keys", "init"]).code, Some(2));
    assert_eq!(
        liaison(["keys", "rotate", "--settle", "soon"]).code,
        Some(2)
    );

    // What is there stays what it is.
    let init = ["keys", "init", "intake", "--dir", shown(folder.path())];
    let first = liaison(init).done();
    assert!(first.out.contains("made"), "{first:?}");
    let again = liaison(init).done();
    assert!(again.out.contains("there already"), "{again:?}");
    let id = |said: &Said| {
        let words = said.out.split_whitespace();
        words
            .skip_while(|word| *word != "intake")
            .nth(1)
            .map(str::to_owned)
    };
    assert_eq!(id(&first), id(&again));
}

/// Asserts that `said` is a failure that says all of this.
#[track_caller]
fn failed(said: &Said, texts: &[&str]) {
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    for text in texts {
        assert!(said.err.contains(text), "{text}: {said:?}");
    }
}

#[test]
fn who_may_not_or_cannot_ask_is_told_who_can_and_how() {
    e2e::run(async {
        let mut suite = Suite::up(Backend::Sqlite).await;
        let referral = worked(&suite).await;
        let bureau = ["--as", "bureau/NB-FR"];
        let ask = |more: &[&str]| {
            on(
                &suite,
                &[&["referral", "custody", &referral], more].concat(),
            )
        };

        // Wherever it cannot be written, it says so, and writes nothing else.
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("none/bundle.json");
        failed(
            &ask(&[&bureau[..], &["--to", shown(folder.path())]].concat()),
            &["cannot be written"],
        );
        failed(
            &ask(&[&bureau[..], &["--to", shown(&nowhere)]].concat()),
            &["cannot be written"],
        );
        // To somebody else it is not there.
        failed(&ask(&["--as", "bureau/NB-GB"]), &["NOT_FOUND"]);
        let said = ask(&[]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains("--as"), "{said:?}");
        let said = on(
            &suite,
            &["referral", "custody", "nonsense", "--as", "bureau/NB-FR"],
        );
        failed(&said, &["INVALID_ARGUMENT", "referrals/"]);
        // On standard output it is the file, byte for byte.
        let piped = ask(&[&bureau[..], &["--output", "json"]].concat()).done();
        let downloaded = Downloaded::of(&suite, &referral);
        let said = downloaded
            .verdict(piped.out.as_bytes(), &downloaded.keys)
            .done();
        assert_eq!(said.json()["sound"], true);

        for command in [&["audit", "verify"][..], &["audit", "list"]] {
            let said = on(&suite, &[command, &bureau].concat());
            failed(&said, &["CALLER_NOT_ALLOWED", "--as auditor/local"]);
        }
        let said = on(&suite, &["audit", "verify", "--as", "auditor/nobody"]);
        failed(
            &said,
            &[
                "no certificate for auditor/nobody",
                "liaison certs issue auditor/nobody",
            ],
        );
        let said = on(&suite, &["audit", "verify", "--keys", shown(&nowhere)]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");

        // The whole of another suite's keys: every checkpoint is told, and nothing is called sound.
        suite
            .client("bureau/NB-FR")
            .submit(dossier::plain())
            .await
            .unwrap();
        sealed(&suite).await;
        let said = on(
            &suite,
            &["audit", "verify", "--keys", shown(&fixture("keys.pem"))],
        );
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.contains("not among those given"), "{said:?}");

        // And when nobody is there.
        suite.stop();
        let ask = |more: &[&str]| {
            on(
                &suite,
                &[&["referral", "custody", &referral], more].concat(),
            )
        };
        failed(&ask(&bureau), &["cannot be reached", "UNAVAILABLE"]);
        let said = on(&suite, &["audit", "verify"]);
        failed(&said, &["reading the audit of intake", "cannot be reached"]);
    });
}
