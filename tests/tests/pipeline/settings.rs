//! A setting that is wrong is named, and nothing starts.

use std::process::Output;

use e2e::{SERVICES, program};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `liaison-<service> serve` with these variables, to its end.
fn serve(service: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = program::command(&format!("liaison-{service}"));
    command
        .arg("serve")
        .env(
            "LIAISON__IDENTITY__CERTIFICATE",
            "/nonexistent/certificate.pem",
        )
        .env("LIAISON__IDENTITY__KEY", "/nonexistent/key.pem")
        .env("LIAISON__IDENTITY__AUTHORITY", "/nonexistent/ca.pem");
    for peer in SERVICES {
        command.env(
            format!("LIAISON__PEERS__{}", peer.to_uppercase()),
            "https://127.0.0.1:9",
        );
    }
    command.envs(variables.iter().copied());
    command.output().unwrap()
}

#[test]
fn every_service_names_the_setting_that_is_wrong() {
    let mut mistakes = Vec::new();
    for service in SERVICES {
        for (variable, value, named) in [
            ("LIAISON__SERVER__LISTN", "127.0.0.1:0", "listn"),
            ("LIAISON__SERVER__LISTEN", "nowhere", "server.listen"),
            ("LIAISON__SERVER__LIMITS__CALLS", "0", "server.limits.calls"),
            ("LIAISON__DATABSE__URL", "sqlite://x.db", "databse"),
            (
                "LIAISON__DATABASE__URL",
                "mysql://root@localhost/x",
                "database.url",
            ),
            ("LIAISON__DATABASE__URL", "", "LIAISON__DATABASE__URL"),
            ("LIAISON__RELAY__BATCH", "many", "relay.batch"),
            ("LIAISON__PEERS__INTAKE", "127.0.0.1:7101", "peers.intake"),
            (
                "LIAISON__TELEMETRY__SAMPLE_RATIO",
                "2",
                "telemetry.sample_ratio",
            ),
            ("LIAISON__SHUTDOWN__GRACE", "0s", "shutdown.grace"),
            (
                "LIAISON_SERVER__LISTEN",
                "127.0.0.1:0",
                "LIAISON_SERVER__LISTEN",
            ),
        ] {
            let output = serve(service, &[(variable, value)]);
            let told = text(&output.stderr);
            let names = told.to_lowercase().contains(&named.to_lowercase());
            if output.status.code() != Some(2) || !names {
                mistakes.push(format!(
                    "{service} {variable}={value}: {}: {told}",
                    output.status
                ));
            }
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn a_rule_set_that_is_none_starts_nothing_and_everything_wrong_with_it_is_said() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("rules.toml");
    let wrong = liaison_policy::rule_set::BUILT_IN
        .replacen(liaison_policy::RULE_SET, "no version", 1)
        .replacen("effect = \"flag\"", "effect = \"flagg\"", 1)
        .replacen(
            "minor-suspected = \"yes\"",
            "minor-suspected = \"perhaps\"",
            1,
        );
    std::fs::write(&path, wrong).unwrap();
    for service in SERVICES {
        let rules = ("LIAISON__POLICY__RULES", path.to_str().unwrap());
        let output = serve(service, &[rules]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{service}: {told}");
        for says in [
            "policy.rules",
            "version \"no version\" is not valid",
            "effect \"flagg\" is unknown",
            "minor-suspected has no value \"perhaps\"",
        ] {
            assert!(told.contains(says), "{service}: {says}: {told}");
        }
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_no_secret_is() {
    let output = serve(
        "intake",
        &[
            ("LIAISON__SERVER__LIMITS__CALLS", "0"),
            ("LIAISON__SHUTDOWN__GRACE", "0s"),
            ("LIAISON__DATABASE__URL", "mysql://root:hunter2@localhost/x"),
        ],
    );
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    for key in ["server.limits.calls", "shutdown.grace", "database.url"] {
        assert!(told.contains(key), "{key}: {told}");
    }
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn what_is_missing_on_the_machine_is_a_failure_and_not_a_wrong_word() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("x.db").display());
    let output = serve(
        "routing",
        &[
            ("LIAISON__DATABASE__URL", &url),
            ("LIAISON__SERVER__LISTEN", "127.0.0.1:0"),
            ("LIAISON__SERVER__HEALTH_LISTEN", "127.0.0.1:0"),
        ],
    );
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("/nonexistent/certificate.pem"), "{told}");
}

#[test]
fn the_suite_names_the_setting_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program::command("liaison");
    command
        .args(["up", "--port", "0", "--dir"])
        .arg(folder.path())
        .env("LIAISON__SERVER__LIMITS__CALLS", "0");
    let output = command.output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("server.limits.calls"), "{told}");
}
