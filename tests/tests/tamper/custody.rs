//! The custody bundle of a worked referral: proved offline as it was downloaded, and refused in plain
//! words however it was changed.

use std::path::{Path, PathBuf};

use e2e::{Suite, history};
use liaison_custody::bundle::Heading;
use liaison_custody::{Bundle, PublicKeys, Signature, SigningKey, check, receipt};
use liaison_types::SystemRandom;

use crate::{Draw, Said, fed, liaison, on, shown, worked};

/// A downloaded bundle and what proves it.
pub struct Downloaded {
    folder: tempfile::TempDir,
    /// The public keys of the suite, as its operator hands them out.
    pub keys: PathBuf,
    /// As it was downloaded.
    pub bytes: Vec<u8>,
}

impl Downloaded {
    /// The bundle of `referral`, by the command line as its bureau.
    pub fn of(suite: &Suite, referral: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.json");
        let download = ["referral", "custody", referral, "--to", shown(&path)];
        let said = on(suite, &[&download[..], &["--as", "bureau/NB-FR"]].concat()).done();
        assert!(said.out.contains("liaison verify"), "{said:?}");
        let keys = folder.path().join("public.pem");
        std::fs::copy(suite.folder().join("keys/public.pem"), &keys).unwrap();
        let bytes = std::fs::read(path).unwrap();
        Self {
            folder,
            keys,
            bytes,
        }
    }

    fn bundle(&self) -> Bundle {
        Bundle::parse(&self.bytes).unwrap()
    }

    /// What the command line says about `bytes` with these keys, in a folder that knows no suite.
    pub fn verdict(&self, bytes: &[u8], keys: &Path) -> Said {
        let path = self.folder.path().join("to-check.json");
        std::fs::write(&path, bytes).unwrap();
        let verify = ["verify", shown(&path), "--keys", shown(keys)];
        liaison([&verify[..], &["--output", "json"]].concat())
    }
}

fn public(keys: &Path) -> PublicKeys {
    PublicKeys::from_pem(&std::fs::read_to_string(keys).unwrap()).unwrap()
}

e2e::both_backends! {
    async fn it_is_proved_with_nothing_but_the_keys(backend: Backend) {
        let mut suite = Suite::up(backend).await;
        let referral = worked(&suite).await;
        let steps = history::read(&suite.client("bureau/NB-FR"), &referral).await;
        let downloaded = Downloaded::of(&suite, &referral);
        let keys = shown(&downloaded.keys);
        suite.stop();

        let report = check(&downloaded.bytes, &public(&downloaded.keys));
        assert!(report.is_sound() && report.warnings.is_empty(), "{report}");
        let said = downloaded.verdict(&downloaded.bytes, &downloaded.keys).done();
        let json = said.json();
        assert_eq!((&json["sound"], &json["referral"]), (&true.into(), &referral.as_str().into()));
        assert_eq!(json["steps"], steps.len());
        assert_eq!(json["life"].as_array().unwrap().len(), steps.len(), "{json}");
        assert_eq!(json["problems"].as_array().unwrap().len(), 0, "{json}");
        let text = fed(&["verify", "-", "--keys", keys], &downloaded.bytes).done().out;
        assert!(text.starts_with("SOUND: "), "{text}");
        for told in ["none is missing, moved or altered", "opened the dossier", "unit cyber"] {
            assert!(text.contains(told), "{told} in {text}");
        }

        // Wrong usage is not a verdict.
        let said = liaison(["verify"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        // Nor is silence: keys of nobody prove nothing.
        let said = fed(&["verify", "-", "--dir", "/nonexistent"], &downloaded.bytes);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.contains("--keys"), "{said:?}");
    }

    async fn any_other_bytes_are_refused_in_plain_words(backend: Backend) {
        let suite = Suite::up(backend).await;
        let referral = worked(&suite).await;
        let other = worked(&suite).await;
        let downloaded = Downloaded::of(&suite, &referral);
        let other = Downloaded::of(&suite, &other);
        let keys = public(&downloaded.keys);
        let mut draw = Draw::new();

        for index in 0..downloaded.bytes.len() {
            let mut bytes = downloaded.bytes.clone();
            for value in [bytes[index] ^ 1, draw.other(bytes[index])] {
                bytes[index] = value;
                let report = check(&bytes, &keys);
                assert!(!report.is_sound(), "{value:#x} at {index}");
                assert!(report.problems.iter().all(|problem| problem.to_string().ends_with('.')));
                bytes[index] = downloaded.bytes[index];
            }
            bytes.remove(index);
            assert!(!check(&bytes, &keys).is_sound(), "nothing at {index}");
            assert!(!check(&bytes[..index], &keys).is_sound(), "cut at {index}");
        }
        // The same for a process, at some places.
        for _ in 0..8 {
            let mut bytes = downloaded.bytes.clone();
            let index = draw.below(bytes.len());
            bytes[index] = draw.other(bytes[index]);
            let said = downloaded.verdict(&bytes, &downloaded.keys);
            assert_eq!((said.code, &said.json()["sound"]), (Some(1), &false.into()), "{index}");
        }

        let (good, foreign) = (downloaded.bundle(), other.bundle());
        for (what, sentence, change) in changes() {
            let mut bundle = good.clone();
            change(&mut bundle, &foreign);
            let said = downloaded.verdict(bundle.to_text().as_bytes(), &downloaded.keys);
            assert_eq!(said.code, Some(1), "{what}: {said:?}");
            assert!(said.err.is_empty(), "{what}: {said:?}");
            let problems = said.problems();
            assert!(problems.iter().any(|told| told.contains(sentence)), "{what}: {problems:?}");
        }
        let spaced = String::from_utf8(downloaded.bytes.clone()).unwrap().replacen("\": ", "\":", 1);
        let said = downloaded.verdict(spaced.as_bytes(), &downloaded.keys);
        assert_eq!(said.problems(), ["The text was changed: line 2 is not spelled the one way a bundle is spelled."]);
        // Each is sound where it belongs.
        downloaded.verdict(&downloaded.bytes, &downloaded.keys).done();
        other.verdict(&other.bytes, &other.keys).done();
    }

    async fn another_key_proves_nothing(backend: Backend) {
        let suite = Suite::up(backend).await;
        let downloaded = Downloaded::of(&suite, &worked(&suite).await);
        let own = downloaded.bundle();
        let foreign = "is signed with a key that is not among those given";

        // Everything signed anew by somebody else, and that in the name of the suite's key.
        let stranger = SigningKey::generate(&SystemRandom);
        let forged = resigned(&own, &stranger);
        let said = downloaded.verdict(forged.to_text().as_bytes(), &downloaded.keys);
        assert_eq!(said.code, Some(1));
        assert!(said.problems().iter().all(|problem| problem.contains(foreign)), "{said:?}");
        let mut named = forged.clone();
        let id = own.statement.signature.key;
        named.statement.signature.key = id;
        for signature in named.receipts.iter_mut().filter_map(|receipt| receipt.signature.as_mut()) {
            signature.key = id;
        }
        let said = downloaded.verdict(named.to_text().as_bytes(), &downloaded.keys);
        assert_eq!(said.code, Some(1));
        assert!(said.problems()[0].starts_with("The signature of the closing statement does not belong"), "{said:?}");

        // The right bundle, and the keys of another suite.
        let elsewhere = tempfile::tempdir().unwrap();
        liaison(["keys", "init", "intake", "routing", "--dir", shown(elsewhere.path())]).done();
        let said = downloaded.verdict(&downloaded.bytes, &elsewhere.path().join("public.pem"));
        assert_eq!(said.code, Some(1));
        assert!(said.problems().iter().all(|problem| problem.contains(foreign)), "{said:?}");
        // Keys of both prove what either signed, which is how a reader outlives a change of keys.
        let both = elsewhere.path().join("both.pem");
        let texts = [downloaded.keys.clone(), elsewhere.path().join("public.pem")];
        std::fs::write(&both, texts.map(|path| std::fs::read_to_string(path).unwrap()).concat()).unwrap();
        downloaded.verdict(&downloaded.bytes, &both).done();
    }
}

type Change = fn(&mut Bundle, &Bundle);

/// What is changed, what is said about it, and how it is done. The second bundle is of another referral
/// of the same suite.
fn changes() -> [(&'static str, &'static str, Change); 11] {
    [
        ("swapped", "stands in the wrong place.", |bundle, _| {
            bundle.receipts.swap(2, 4);
        }),
        (
            "removed",
            "The receipt at position 4 is missing.",
            |bundle, _| {
                bundle.receipts.remove(3);
            },
        ),
        (
            "duplicated",
            "There is more than one receipt at position 4.",
            |bundle, _| {
                bundle.receipts.insert(4, bundle.receipts[3].clone());
            },
        ),
        ("cut off", "The last steps were cut off", |bundle, _| {
            bundle.receipts.pop();
        }),
        (
            "cut off, and closed there",
            "The signature of the closing statement does not belong",
            |bundle, _| {
                bundle.receipts.pop();
                let last = bundle.receipts.last().unwrap();
                bundle.statement.position = last.position;
                bundle.statement.digest = last.digest;
            },
        ),
        (
            "from another referral",
            "The receipt at position 4 belongs to another referral",
            |bundle, other| bundle.receipts[3] = other.receipts[3].clone(),
        ),
        (
            "from another referral, renamed",
            "The receipt at position 4 was altered",
            |bundle, other| {
                bundle.receipts[3] = other.receipts[3].clone();
                bundle.receipts[3].referral = bundle.referral;
            },
        ),
        (
            "all of another referral",
            "There is no receipt of the referral.",
            |bundle, other| bundle.receipts = other.receipts.clone(),
        ),
        (
            "another officer",
            "The receipt at position 1 was altered after it was signed",
            |bundle, _| bundle.receipts[0].officer = "nobody".to_owned(),
        ),
        (
            "another dossier",
            "The receipt at position 1 was altered after it was signed",
            |bundle, _| bundle.receipts[0].content = Some([7; 32]),
        ),
        (
            "another owner",
            "The signature of the closing statement does not belong",
            |bundle, _| bundle.owner = "bureau/NB-ES".parse().unwrap(),
        ),
    ]
}

/// The same life, every signature by `key`.
fn resigned(bundle: &Bundle, key: &SigningKey) -> Bundle {
    let mut receipts = bundle.receipts.clone();
    for receipt in &mut receipts {
        let sign = |_: Signature| receipt::sign(&receipt.digest, key);
        receipt.signature = receipt.signature.map(sign);
    }
    let heading = Heading {
        referral: bundle.referral,
        reference: bundle.reference.clone(),
        owner: bundle.owner.clone(),
        issued_at: bundle.issued_at,
    };
    Bundle::issue(heading, receipts, key).unwrap()
}
