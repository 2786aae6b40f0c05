//! The folder of a suite: one suite at a time, and what else may be done there meanwhile.

use std::fs;

use e2e::program;

use super::{Shell, object, told};

#[test]
fn a_second_suite_in_the_same_folder_is_refused_and_a_killed_one_binds_nobody() {
    e2e::run(async {
        let mut shell = Shell::new().await;
        let addresses = shell.suite.folder().join("addresses.toml");
        let before = fs::read_to_string(&addresses).unwrap();
        let second = shell.command(&["up", "--port", "0"]).output().unwrap();
        let said = told(&second);
        assert_eq!(second.status.code(), Some(1), "{said}");
        let folder = shell.suite.folder().display().to_string();
        assert!(said.contains(&folder) && said.contains("--dir"), "{said}");
        assert_eq!(fs::read_to_string(&addresses).unwrap(), before);

        // The running one is as well as it was, and its databases can be migrated beside it.
        shell.done("bureau/NB-GB", &["referral", "list"]);
        let migrated = shell.command(&["migrate"]).output().unwrap();
        assert!(migrated.status.success(), "{}", told(&migrated));

        shell.suite.kill();
        shell.suite.run().await;
        shell.done("bureau/NB-GB", &["referral", "list"]);
    });
}

#[test]
fn migrate_names_the_setting_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "migrate",
        "--database",
        "nonsense",
        "--output",
        "json",
        "--dir",
    ];
    let mut command = program::command("liaison");
    let output = command.args(arguments).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    let json = object(&arguments, &output);
    assert_eq!(json["error"]["reason"], "USAGE", "{json}");
    let message = json["error"]["message"].as_str().unwrap();
    assert!(message.contains("database.url"), "{message}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
