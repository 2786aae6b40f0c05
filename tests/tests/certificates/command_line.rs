//! `liaison certs`: what the README has an operator type, and what it shows.

use e2e::program;
use liaison_types::{Clock as _, SystemClock};

use crate::certs;

#[test]
fn a_folder_tells_until_when_everything_in_it_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certs(folder, &["init"]);
    let issued = certs(
        folder,
        &["issue", "service/intake", "--host", "intake.example"],
    );
    let key = issued["certificates"][0]["key"].as_str().unwrap();
    assert!(std::path::Path::new(key).exists(), "{key}");
    certs(folder, &["issue", "bureau/NB-FR", "--days", "10"]);

    let held = certs(folder, &["list"]);
    let (bureau, service) = (&held["certificates"][0], &held["certificates"][1]);
    assert_eq!(
        (bureau["party"].as_str(), service["party"].as_str()),
        (Some("bureau/NB-FR"), Some("service/intake"))
    );
    assert_eq!(bureau["standing"], "valid");
    assert!(
        (9..=10).contains(&bureau["days_left"].as_i64().unwrap()),
        "{bureau}"
    );
    assert!((89..=90).contains(&service["days_left"].as_i64().unwrap()));
    assert_eq!(service["hosts"][0], "intake.example");
    let year = SystemClock.now().year();
    assert!(bureau["not_after"].as_str().unwrap() >= year.to_string().as_str());
    assert_eq!(held["authorities"][0]["issues"], true);
    assert_eq!(held["authorities"][0]["name"], bureau["issuer"]);
    assert_eq!(held["revocation_lists"][0]["revoked"], 0);

    // Only what ends soon is renewed, and keeps its hosts.
    let renewed = certs(folder, &["renew", "--within", "30"]);
    assert_eq!(renewed["certificates"].as_array().unwrap().len(), 1);
    assert_eq!(renewed["certificates"][0]["party"], "bureau/NB-FR");
    certs(folder, &["renew", "service/intake"]);
    let again = certs(folder, &["list"]);
    assert_ne!(again["certificates"][1]["serial"], service["serial"]);
    assert_eq!(again["certificates"][1]["hosts"], service["hosts"]);

    certs(folder, &["revoke", "bureau/NB-FR"]);
    let held = certs(folder, &["list"]);
    assert_eq!(held["certificates"][0]["standing"], "revoked");
    assert_eq!(held["revocation_lists"][0]["revoked"], 1);

    let text = program::liaison([
        "certs".as_ref(),
        "list".as_ref(),
        "--dir".as_ref(),
        folder.as_os_str(),
    ]);
    let text = String::from_utf8(text.stdout).unwrap();
    for told in ["bureau/NB-FR", "revoked", "Authorities", "Revocation lists"] {
        assert!(text.contains(told), "{told} in {text}");
    }
}

#[test]
fn a_rotation_goes_step_by_step_and_says_which_is_next() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certs(folder, &["init"]);
    certs(folder, &["issue", "bureau/NB-FR"]);
    let refused = |step: &str, text: &str| {
        let output = program::command("liaison")
            .args(["certs", "rotate", step, "--dir"])
            .arg(folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{step}: {said}");
        assert!(said.contains(text), "{step}: {said}");
    };
    let count = || {
        let held = certs(folder, &["list"]);
        let length = |part: &str| held[part].as_array().unwrap().len();
        (length("authorities"), length("revocation_lists"))
    };
    refused("switch", "rotate begin");
    refused("end", "is not being rotated");
    certs(folder, &["rotate", "begin"]);
    assert_eq!(count(), (2, 2));
    refused("begin", "rotate switch");
    refused("end", "rotate switch");
    certs(folder, &["rotate", "switch"]);
    assert_eq!(certs(folder, &["rotate", "status"])["stage"], "switched");
    refused("begin", "rotate end");
    refused("switch", "rotate end");
    certs(folder, &["rotate", "end"]);
    assert_eq!(count(), (1, 1));
    let held = certs(folder, &["list"]);
    assert_eq!(
        held["certificates"][0]["issuer"],
        held["authorities"][0]["name"]
    );
    assert_eq!(held["certificates"][0]["standing"], "valid");
}

/// The commands of the README's paragraph, as they stand there.
#[test]
fn what_the_readme_has_an_operator_type_works_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let readme = std::fs::read_to_string(program::repository().join("README.md")).unwrap();
    let block = readme
        .split("```")
        .find(|block| block.contains("liaison certs rotate begin"))
        .unwrap();
    let mut run = 0;
    for line in block
        .lines()
        .filter_map(|line| line.strip_prefix("liaison "))
    {
        let command = line.split(" #").next().unwrap();
        let output = program::command("liaison")
            .args(command.split_whitespace())
            .env("LIAISON__CERTIFICATES", folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        run += 1;
    }
    assert_eq!(run, 8);
    let held = certs(folder.path(), &["list"]);
    for certificate in held["certificates"].as_array().unwrap() {
        assert_eq!(certificate["standing"], "valid", "{certificate}");
    }
}
