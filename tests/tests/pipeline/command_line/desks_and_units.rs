//! The desks' and the units' commands, each for people and for programs, and each used wrongly once.

use super::{Shell, find, object, sample};

fn name(json: &serde_json::Value) -> String {
    find(json, "name")
        .unwrap_or_else(|| panic!("{json}"))
        .to_owned()
}

#[test]
fn reviewers_look_and_decide() {
    e2e::run(async {
        let shell = Shell::new().await;
        let sent = shell.done("bureau/NB-CH", &["submit", &sample("11-beliefs")]);
        let referral = name(&sent);
        let desk = "desk/compliance";
        let listed = shell.done(desk, &["review", "list"]);
        assert_eq!(name(&listed), referral, "{listed}");
        assert!(shell.text(desk, &["review", "list"]).contains(&referral));
        shell.wrong(desk, &["review", "list", "--limit", "0"]);
        shell.wrong(desk, &["review", "decide", &referral]);
        let mut decide = vec!["review", "decide", &referral, "--reason", "Read."];
        decide.extend(["--refuse", "NOPE"]);
        let said = shell.wrong(desk, &decide);
        assert!(said.contains("ARTICLE_3"), "{said}");
        *decide.last_mut().unwrap() = "article_3";
        let (code, refused) = shell.run(desk, &decide);
        // Who submitted it does not decide on it.
        let reason = find(&refused, "reason");
        assert_eq!((code, reason), (Some(1), Some("SEPARATION_OF_DUTIES")));
        let mut by_another = shell.command(&decide);
        by_another.args(["--as", desk, "--officer", "c.reviewer"]);
        let output = by_another.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("is now refused"), "{said}");
        let listed = shell.done(desk, &["review", "list"]);
        assert_eq!(find(&listed, "name"), None, "{listed}");

        let bureau = "bureau/NB-CH";
        let list = ["referral", "list", "--state", "refused"];
        assert_eq!(name(&shell.done(bureau, &list)), referral);
        assert!(shell.text(bureau, &list).contains(&referral));
        let said = shell.wrong(bureau, &["referral", "list", "--state", "nowhere"]);
        assert!(said.contains("UNDER_REVIEW"), "{said}");

        let watch = ["referral", "watch", "--count", "1"];
        let watched = shell.done(bureau, &watch);
        assert!(find(&watched, "cursor").is_some(), "{watched}");
        let reference = find(&sent, "reference").unwrap();
        assert!(shell.text(bureau, &watch).contains(reference));
        shell.wrong(bureau, &["referral", "watch", "--count", "0"]);
    });
}

#[test]
fn the_duty_desk_decides_and_the_unit_hands_on() {
    e2e::run(async {
        let shell = Shell::new().await;
        let submit = ["submit", "--wait", &sample("12-stolen-painting")];
        let referral = name(&shell.done("bureau/NB-PT", &submit));
        let desk = "desk/triage";
        let item = name(&shell.done(desk, &["triage", "list"]));
        let listed = shell.text(desk, &["triage", "list"]);
        assert!(
            listed.contains(&item) && listed.contains(&referral),
            "{listed}"
        );
        shell.wrong(desk, &["triage", "list", "--limit", "0"]);
        shell.wrong(
            desk,
            &["triage", "decide", &item, "--reason", "Known dealers."],
        );
        let unit = "unit/narcotics-organized-crime";
        let lead = unit.trim_start_matches("unit/");
        let decide = [
            "triage", "decide", &item, "--reason", "Known.", "--lead", lead,
        ];
        let said = shell.text(desk, &decide);
        assert!(said.contains(&referral) && said.contains(lead), "{said}");

        // --unit says who pulls, whatever the environment says.
        let pull = ["pull", "--wait", "30", "--unit", lead, "--output", "json"];
        let mut command = shell.command(&pull);
        command.env("LIAISON__PARTY", "unit/terrorism");
        let pulled = object(&pull, &command.output().unwrap());
        let assignment = name(&pulled);
        let token = find(&pulled, "lease_token").unwrap();

        let get = ["assignment", "get", &assignment];
        assert_eq!(name(&shell.done(unit, &get)), assignment);
        assert!(shell.text(unit, &get).contains(&referral));
        shell.wrong(unit, &["assignment", "get"]);
        let list = ["assignment", "list", "--state", "leased"];
        assert_eq!(name(&shell.done(unit, &list)), assignment);
        let listed = shell.text(unit, &list);
        assert!(
            listed.contains(&assignment) && listed.contains(&referral),
            "{listed}"
        );
        shell.wrong(unit, &["assignment", "list", "--limit", "0"]);

        let lease = |verb| ["assignment", verb, &assignment, "--lease-token", token];
        let extend = [&lease("extend")[..], &["--seconds", "1200"]].concat();
        assert_eq!(name(&shell.done(unit, &extend)), assignment);
        assert!(shell.text(unit, &extend).contains(&assignment));
        let extend = [&lease("extend")[..], &["--seconds", "1"]].concat();
        shell.wrong(unit, &extend);
        shell.wrong(unit, &["assignment", "release", &assignment]);
        // It is routine, and nobody has accepted it: there is nothing to extend.
        let early = ["assignment", "declare-indirect-access", &assignment];
        let (code, refusal) = shell.run(unit, &early);
        assert_eq!(
            (code, &refusal["error"]["reason"]),
            (Some(1), &"ILLEGAL_STATE".into())
        );
        let released = shell.text(unit, &lease("release"));
        assert!(released.contains(&assignment), "{released}");

        // What people see holds all that the next commands take, each in one piece.
        let seen = shell.text(unit, &["pull", "--wait", "30"]);
        let words: Vec<&str> = seen.split_whitespace().collect();
        assert!(words.contains(&assignment.as_str()), "{seen}");
        assert!(words.contains(&referral.as_str()), "{seen}");
        let opened = shell.text(unit, &["referral", "dossier", &referral]);
        assert!(opened.contains("Cuadro desaparecido"), "{opened}");
        let token = *words.last().unwrap();
        let mut decline = vec!["assignment", "decline", &assignment, "--lease-token", token];
        decline.extend(["--note", "Nobody is free.", "--reason", "NOPE"]);
        let said = shell.wrong(unit, &decline);
        assert!(said.contains("NO_CAPACITY"), "{said}");
        *decline.last_mut().unwrap() = "NO_CAPACITY";
        let declined = shell.done(unit, &decline);
        assert_eq!(
            find(&declined, "state"),
            Some("ASSIGNMENT_STATE_DECLINED"),
            "{declined}"
        );
        let declined = shell.text(unit, &["assignment", "list", "--state", "declined"]);
        assert!(declined.contains(&assignment), "{declined}");
    });
}

#[test]
fn tasks_are_listed_and_taken_by_somebody() {
    e2e::run(async {
        let shell = Shell::new().await;
        let unit = "unit/cyber";
        shell.done(
            "bureau/NB-IE",
            &["submit", "--wait", &sample("04-phishing-ring")],
        );
        let pulled = shell.done(unit, &["pull", "--wait", "30"]);
        let assignment = name(&pulled);
        let token = find(&pulled, "lease_token").unwrap();
        shell.done(
            unit,
            &["assignment", "accept", &assignment, "--lease-token", token],
        );
        let create = ["task", "create", &assignment, "--title", "Look it up"];
        let task = name(&shell.done(unit, &create));
        let list = ["task", "list", &assignment];
        assert_eq!(name(&shell.done(unit, &list)), task);
        let listed = shell.text(unit, &list);
        assert!(
            listed.contains(&task) && listed.contains("Look it up"),
            "{listed}"
        );
        shell.wrong(unit, &["task", "list"]);
        shell.wrong(unit, &["task", "create", &assignment]);

        let claim = ["task", "claim", &task, "--as", unit, "--output", "json"];
        let output = shell.command(&claim).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let json = object(&claim, &output);
        assert_eq!(find(&json, "reason"), Some("OFFICER_REQUIRED"), "{json}");
        assert!(
            find(&json, "hint").unwrap().contains("--officer NAME"),
            "{json}"
        );
        let output = shell.command(&claim[..5]).output().unwrap();
        assert!(super::told(&output).contains("--officer NAME"));
        assert!(shell.text(unit, &claim[..3]).contains("a.first"));
    });
}

#[test]
fn a_dossier_says_what_of_it_is_withheld() {
    e2e::run(async {
        let shell = Shell::new().await;
        let submit = ["submit", "--wait", &sample("02-abus-en-ligne")];
        let referral = name(&shell.done("bureau/NB-FR", &submit));
        let (lead, support) = ("unit/children-trafficking", "unit/cyber");
        for unit in [lead, support] {
            shell.done(unit, &["pull", "--wait", "30"]);
        }
        let open = ["referral", "dossier", &referral];
        let whole = shell.done(lead, &open);
        assert_eq!(whole["evidence"].as_array().unwrap().len(), 2, "{whole}");
        assert_eq!(whole.get("withheld"), None, "{whole}");
        let whole = shell.text(lead, &open);
        assert!(whole.contains("entrée 2026-0114 – TLP:RED"), "{whole}");
        assert!(!whole.contains("withheld"), "{whole}");

        let part = shell.done(support, &open);
        assert_eq!(part["evidence"].as_array().unwrap().len(), 1, "{part}");
        let rules = &part["withheld"][0]["rules"];
        assert_eq!(*rules, serde_json::json!(["markings.tlp-red.lead-only"]));
        let part = shell.text(support, &open);
        assert!(part.contains("1 piece of evidence is withheld"), "{part}");
        assert!(part.contains("by markings.tlp-red.lead-only"), "{part}");
        assert!(!part.contains("2026-0114"), "{part}");
    });
}
