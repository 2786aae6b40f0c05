//! Layers, refusals and redaction.

use std::ffi::OsString;
use std::time::Duration;

use liaison_grpc::{ClientSettings, Limits};
use liaison_outbox::RelaySettings;
use liaison_policy::{Clearance, RULE_SET};
use liaison_runtime::settings::SHARED_DEFAULTS;
use liaison_runtime::{Loader, PolicySettings, Problems, Settings, ShutdownSettings};
use liaison_telemetry::TelemetrySettings;
use liaison_types::Confidentiality;

use crate::fixture::Fixture;
use crate::sample::{DEFAULTS, SampleSettings};

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (OsString::from(*name), OsString::from(*value)))
        .collect()
}

/// Settings from a file and from variables, over what is needed at least.
fn load(file: &str, environment: &[(&str, &str)]) -> Result<Settings<SampleSettings>, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, file).unwrap();
    let needed = r#"
        [identity]
        certificate = "c.pem"
        key = "k.pem"
        authority = "a.pem"
        [keys]
        signing = "s.pem"
        sealing = "keys"
        [database]
        url = "sqlite://sample.db"
    "#;
    Loader::new(&format!("{DEFAULTS}{needed}"))
        .file(Some(&path))
        .environment(variables(environment))
        .load()
}

fn found(problems: &Problems) -> Vec<String> {
    problems.found().iter().map(ToString::to_string).collect()
}

#[test]
fn documented_defaults_are_the_defaults() {
    let settings = load("", &[]).unwrap();
    assert_eq!(settings.server.limits, Limits::default());
    assert_eq!(settings.client, ClientSettings::default());
    assert_eq!(settings.relay, RelaySettings::default());
    assert_eq!(settings.policy, PolicySettings::default());
    assert_eq!(settings.telemetry, TelemetrySettings::default());
    assert_eq!(settings.shutdown, ShutdownSettings::default());
    let database = liaison_store::DatabaseSettings::new("sqlite://sample.db");
    assert_eq!(settings.database, database);
}

/// A key that is not in the file would be a key nobody finds.
#[test]
fn every_key_is_documented() {
    for section in [
        "server",
        "server.limits",
        "client",
        "database",
        "identity",
        "keys",
        "policy",
        "relay",
        "telemetry",
        "shutdown",
    ] {
        let (_, text) = SHARED_DEFAULTS
            .split_once(&format!("[{section}]\n"))
            .unwrap();
        let text = text.split("\n[").next().unwrap();
        for key in known_keys(section) {
            let documented = text.lines().any(|line| {
                let set = line.strip_prefix("# ").unwrap_or(line);
                set.starts_with(&format!("{key} = "))
            });
            // A table within the section stands under a header of its own.
            let header = format!("\n[{section}.{key}]\n");
            assert!(
                documented || SHARED_DEFAULTS.contains(&header),
                "{section}.{key} is not documented"
            );
        }
    }
}

/// Every key that `section` takes, as the refusal of an unknown one lists them.
fn known_keys(section: &str) -> Vec<String> {
    let problems = load(&format!("[{section}]\nno_such_key = 1"), &[]).unwrap_err();
    let text = problems.to_string();
    let (_, known) = text
        .split_once("unknown field `no_such_key`, expected ")
        .unwrap_or_else(|| panic!("{text}"));
    // "`a` or `b`", or "one of `a`, `b`, `c`"; after the last one it may go on to say where.
    let known = known
        .strip_prefix("one of ")
        .unwrap_or(known)
        .replace(" or ", ", ");
    let quoted = known.split(", ").map_while(|part| part.strip_prefix('`'));
    let keys: Vec<_> = quoted
        .map(|part| part.split('`').next().unwrap().to_owned())
        .collect();
    assert!(keys.len() > 1, "{text}");
    keys
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = r#"
        [database]
        url = "sqlite://from-file.db"
        max_connections = 3
        [peers]
        intake = "https://intake:7101"
    "#;
    let settings = load(
        file,
        &[
            ("LIAISON__DATABASE__URL", "sqlite://from-variable.db"),
            ("LIAISON__TELEMETRY__SAMPLE_RATIO", "0.25"),
            ("LIAISON__DATABASE__MIGRATE_ON_START", "true"),
            ("LIAISON__SERVER__LISTEN", "127.0.0.1:7999"),
            ("LIAISON__SERVER__LIMITS__CALLS", "7"),
            ("LIAISON__SHUTDOWN__GRACE", "1500ms"),
            ("LIAISON__PEERS__ROUTING", "https://routing:7103"),
            ("LIAISON__SAMPLE__COLOURS", "green, blue"),
            // A number would lose its zeros.
            ("LIAISON__SAMPLE__TOKEN", "0042"),
            ("LIAISON_CONFIG", "not a setting"),
            ("PATH", ""),
        ],
    )
    .unwrap();
    assert_eq!(settings.database.url, "sqlite://from-variable.db");
    assert_eq!(settings.database.max_connections, 3);
    assert!(settings.database.migrate_on_start);
    assert_eq!(settings.telemetry.sample_ratio, 0.25);
    assert_eq!(settings.server.listen.port(), 7999);
    assert_eq!(settings.server.limits.calls, 7);
    assert_eq!(settings.shutdown.grace, Duration::from_millis(1500));
    assert_eq!(
        settings.peers.address("intake"),
        Some("https://intake:7101")
    );
    assert_eq!(
        settings.peers.address("routing"),
        Some("https://routing:7103")
    );
    assert_eq!(settings.own.colours, ["green", "blue"]);
    assert_eq!(settings.own.token.expose(), "0042");
}

#[test]
fn a_party_may_have_limits_of_its_own() {
    let file = r#"
        [server.limits]
        party_rate = 50
        [server.limits.party."bureau/NB-FR"]
        rate = 7
        streams = 3
    "#;
    let before = [("LIAISON__IDENTITY__WARN_BEFORE", "60d,1d")];
    let settings = load(file, &before).unwrap();
    let own = settings.server.limits.party[&"bureau/NB-FR".parse().unwrap()];
    assert_eq!((own.rate, own.streams, own.calls), (Some(7), Some(3), None));
    assert_eq!(settings.server.limits.party_rate, 50);
    assert_eq!(settings.identity.warn_before.to_string(), "60d, 1d");

    let refused = |file: &str, text: &str| {
        let problems = load(file, &[]).unwrap_err().to_string();
        assert!(problems.contains(text), "{problems}");
    };
    refused("[server.limits.party.\"bureau/FR\"]\nrate = 1", "server");
    refused("[server.limits.party.\"unit/cyber\"]\nrates = 1", "rates");
    refused(
        "[server.limits.party.\"service/intake\"]\nrate = 1",
        "services of the suite are not limited",
    );
    refused("[identity]\nwarn_before = \"soon\"", "identity");
}

#[test]
fn clearances_are_by_party_and_name_the_desks() {
    let settings = load("", &[]).unwrap();
    let policy = settings.policy.load().unwrap();
    let clearance = |policy: &liaison_policy::Policy, party: &str| {
        let party = party.parse().unwrap();
        policy.clearance(&party)
    };
    assert_eq!(clearance(&policy, "unit/cyber"), Clearance::Unmanaged);
    assert_eq!(policy.rules().version(), RULE_SET);

    let desks = r#"
        [policy.clearances]
        "desk/compliance" = "CONFIDENTIAL"
        "desk/triage" = "RESTRICTED"
    "#;
    let file = format!("{desks}\n\"bureau/NB-FR\" = \"OFFICIAL_USE_ONLY\"");
    let policy = load(&file, &[]).unwrap().policy.load().unwrap();
    for (party, held) in [
        ("desk/triage", Clearance::Held(Confidentiality::Restricted)),
        (
            "bureau/NB-FR",
            Clearance::Held(Confidentiality::OfficialUseOnly),
        ),
        ("unit/cyber", Clearance::Unknown),
    ] {
        assert_eq!(clearance(&policy, party), held, "{party}");
    }

    for (file, texts) in [
        (
            "[policy.clearances]\n\"unit/cyber\" = \"RESTRICTED\"".to_owned(),
            &[
                "policy.clearances names other parties and not desk/compliance",
                "policy.clearances names other parties and not desk/triage",
            ][..],
        ),
        (
            format!("{desks}\n\"operator/ann\" = \"RESTRICTED\""),
            &["policy.clearances.operator/ann is no party that information goes to"],
        ),
        (
            format!("{desks}\n\"unit/cyber\" = \"SECRET\""),
            &[
                "policy.clearances.unit/cyber is refused",
                "SECRET",
                "`settings` prints",
            ],
        ),
        (format!("{desks}\n\"cyber\" = \"RESTRICTED\""), &["policy"]),
        (
            "[policy]\nrules = \"\"".to_owned(),
            &["policy.rules is empty"],
        ),
        (
            "[policy]\nrule = \"x\"".to_owned(),
            &["unknown field `rule`"],
        ),
    ] {
        let problems = load(&file, &[]).unwrap_err().to_string();
        for text in texts {
            assert!(problems.contains(text), "{file}: {problems}");
        }
    }
}

#[test]
fn a_rule_set_comes_from_a_file_or_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.toml");
    let settings = load("", &[("LIAISON__POLICY__RULES", path.to_str().unwrap())]).unwrap();
    let told = |text: Option<&str>| {
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        settings.policy.load().map_err(|problems| found(&problems))
    };
    let missing = told(None).unwrap_err();
    assert!(missing[0].starts_with("policy.rules names "), "{missing:?}");
    assert!(missing[0].contains("cannot be read"), "{missing:?}");

    let mine = liaison_policy::rule_set::BUILT_IN.replacen(RULE_SET, "mine-1", 1);
    assert_eq!(told(Some(&mine)).unwrap().rules().version(), "mine-1");

    let wrong = mine.replacen("mine-1", "not mine", 1).replacen(
        "effect = \"flag\"",
        "effect = \"flagg\"",
        1,
    );
    let problems = told(Some(&wrong)).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    for (problem, says) in problems.iter().zip(["version \"not mine\"", "\"flagg\""]) {
        assert!(
            problem.starts_with("policy.rules (") && problem.contains(says),
            "{problem}"
        );
    }
}

#[test]
fn an_unknown_key_is_refused_and_the_known_ones_are_named() {
    let problems = load("[database]\nurll = 'x'", &[]).unwrap_err();
    let text = problems.to_string();
    assert!(text.contains("unknown field `urll`"), "{text}");
    assert!(text.contains("`max_connections`"), "{text}");

    let problems = load(
        "[databse]\nurl = 'x'",
        &[("LIAISON__SAMPLE__COLOUR", "red")],
    )
    .unwrap_err();
    let text = problems.to_string();
    assert!(text.contains("databse is not a known section"), "{text}");
    assert!(
        text.contains("database") && text.contains("sample"),
        "{text}"
    );
    assert!(
        text.contains("unknown field `colour`") && text.contains("`colours`"),
        "{text}"
    );

    let problems = load("[server.limits]\ncall = 1", &[]).unwrap_err();
    assert!(
        problems.to_string().contains("unknown field `call`"),
        "{problems}"
    );
}

#[test]
fn variables_that_cannot_be_meant_are_refused() {
    let problems = load(
        "",
        &[
            ("LIAISON__DATABASE__URL", ""),
            ("LIAISON_TELEMETRY__LOG", "debug"),
            ("LIAISON__LOG", "debug"),
            ("LIAISON__SERVER____LISTEN", "x"),
        ],
    )
    .unwrap_err();
    let mut texts = found(&problems);
    texts.sort();
    assert_eq!(
        texts,
        [
            "LIAISON_TELEMETRY__LOG is not read; variables begin with LIAISON__ (two underscores)",
            "LIAISON__DATABASE__URL is set to nothing; give it a value or unset it",
            "LIAISON__LOG names no setting; write LIAISON__SECTION__KEY",
            "LIAISON__SERVER____LISTEN names no setting; write LIAISON__SECTION__KEY",
        ]
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let problems = load(
        r#"
            [database]
            url = "mysql://x"
            max_connections = 0
            [server]
            limits.calls = 0
            [peers]
            intake = "intake"
            [telemetry]
            endpoint = "collector"
            log = "loud"
            [relay]
            batch = 0
            [shutdown]
            grace = "0s"
            [identity]
            key = ""
            [sample]
            colours = []
        "#,
        &[],
    )
    .unwrap_err();
    let keys: Vec<_> = problems
        .found()
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "server.limits.calls",
            "database.url",
            "database.max_connections",
            "identity.key",
            "relay.batch",
            "telemetry.endpoint",
            "telemetry.log",
            "peers.intake",
            "shutdown.grace",
            "sample.colours",
        ]
    );
    for problem in problems.found() {
        assert!(!problem.rule.is_empty(), "{problem}");
    }

    // Values of the wrong form in several sections are all named as well.
    let problems = load(
        "[server]\nlisten = 'here'\n[shutdown]\ngrace = 'long'\n[relay]\nbatch = 'many'",
        &[],
    )
    .unwrap_err();
    let texts = found(&problems);
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[0].starts_with("server.listen "), "{texts:?}");
    assert!(texts[1].starts_with("relay.batch "), "{texts:?}");
    assert!(texts[2].starts_with("shutdown.grace "), "{texts:?}");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let url = write("url", "postgres://intake:hush@db/intake\n");
    let token = write("token", "from-file\r\n");
    let settings = load(
        &format!("[database]\nurl_file = '{url}'"),
        &[("LIAISON__SAMPLE__TOKEN_FILE", token.as_str())],
    )
    .unwrap();
    assert_eq!(settings.database.url, "postgres://intake:hush@db/intake");
    assert_eq!(settings.own.token.expose(), "from-file");
    let shown = format!("{settings:?}");
    assert!(
        !shown.contains("hush") && !shown.contains("from-file"),
        "{shown}"
    );

    let missing = folder.path().join("missing");
    let problems = load(
        "",
        &[
            ("LIAISON__DATABASE__URL_FILE", missing.to_str().unwrap()),
            ("LIAISON__SAMPLE__TOKEN_FILE", &write("empty", "\n")),
        ],
    )
    .unwrap_err();
    let texts = found(&problems);
    assert!(
        texts[0].starts_with("database.url_file names a file that cannot be read"),
        "{texts:?}"
    );
    assert!(
        texts[1].starts_with("sample.token_file names an empty file"),
        "{texts:?}"
    );
    // Only what is secret may come from a file.
    let problems = load("[telemetry]\nlog_file = 'x'", &[]).unwrap_err();
    assert!(
        problems.to_string().contains("unknown field `log_file`"),
        "{problems}"
    );
}

#[test]
fn a_wrong_file_is_named_and_its_content_is_not_shown() {
    let problems = load("[sample]\ntoken = \"hush\nanswer = 1", &[]).unwrap_err();
    let text = problems.to_string();
    assert!(text.contains("settings.toml is not TOML"), "{text}");
    assert!(text.contains("line 2"), "{text}");
    assert!(!text.contains("hush"), "{text}");

    // A secret of the wrong form is not quoted either.
    let problems = load("[sample]\ntoken = ['hush']", &[]).unwrap_err();
    assert!(!problems.to_string().contains("hush"), "{problems}");
    assert!(problems.to_string().contains("sample.token"), "{problems}");

    let missing = Loader::new(DEFAULTS)
        .file(Some(std::path::Path::new("/nowhere/settings.toml")))
        .load::<SampleSettings>()
        .unwrap_err();
    assert!(
        missing
            .to_string()
            .contains("/nowhere/settings.toml cannot be read"),
        "{missing}"
    );
}

#[test]
fn overrides_win_over_everything() {
    let fixture = Fixture::new();
    let settings = fixture.settings(&[("database.max_connections", "2")]);
    assert_eq!(settings.database.max_connections, 2);
}
