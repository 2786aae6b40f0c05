//! Deciding again what the audit of a running service keeps, by a candidate rule set.

use std::time::Duration;

use liaison_grpc::Failure;
use liaison_policy::attribute::{
    Grant, OfficerRelation, PartyClass, PurposeLimitation, Relation, Standing,
};
use liaison_policy::rule_set::BUILT_IN;
use liaison_policy::{Facts, Policy, Question, RULE_SET};
use liaison_proto::audit::audit_service_client::AuditServiceClient;
use liaison_proto::audit::{DecisionChange, SimulatePolicyRequest, SimulatePolicyResponse};
use liaison_runtime::{Running, record_decision};
use liaison_store::audit::{self, AuditEntry, AuditQuery};
use liaison_types::{Clock as _, SystemClock, Timestamp, Tlp};
use tonic::{Code, Status};

use crate::audit::Scene;
use crate::audit::wire;
use crate::sample::{entry, record};

/// The rules of this build and one more, that nothing is shared any more.
fn nothing_shared() -> String {
    let candidate = BUILT_IN.replacen(RULE_SET, "candidate-1", 1);
    format!(
        "{candidate}\n[[rule]]\nid = \"candidate.nothing-shared\"\nquestions = [\"share\"]\n\
         effect = \"deny\"\nsource = \"[D] For a test.\"\nsays = \"Nothing is shared.\"\n"
    )
}

/// A lead unit passes something on.
fn share() -> Facts {
    Facts::new(Question::Share)
        .actor(PartyClass::Unit)
        .relation(Relation::Other)
        .grant(Grant::Lead)
        .recipient(PartyClass::Unit)
        .recipient_standing(Standing::Stranger)
        .officer(OfficerRelation::Other)
        .purpose(PurposeLimitation::Same)
}

fn route() -> Facts {
    Facts::new(Question::Route).recipient(PartyClass::Unit)
}

/// An entry that keeps what the policy of this build decides on `facts`.
fn decided(subject: &str, at: Timestamp, facts: Facts) -> AuditEntry {
    let mut entry = entry("unit/cyber", subject, at);
    record_decision(&mut entry, &Policy::built_in().decide(facts));
    entry
}

impl Scene {
    async fn simulate(
        &self,
        party: &str,
        replica: &Running,
        request: SimulatePolicyRequest,
    ) -> Result<SimulatePolicyResponse, Status> {
        self.fixture.issue(party);
        let channel = self.fixture.channel_of(party, replica.address());
        let answer = AuditServiceClient::new(channel)
            .simulate_policy(request)
            .await?;
        Ok(answer.into_inner())
    }
}

fn candidate(text: &str) -> SimulatePolicyRequest {
    SimulatePolicyRequest {
        rule_set: text.to_owned(),
        ..SimulatePolicyRequest::default()
    }
}

fn subjects(changes: &[DecisionChange]) -> Vec<&str> {
    let changes = changes.iter();
    changes.map(|change| change.subject.as_str()).collect()
}

liaison_testkit::both_backends! {
    async fn exactly_what_would_come_out_otherwise_is_told(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let replica = scene.replica("at once").await;
        let start = SystemClock.now() - Duration::from_hours(1);
        let at = |minute| start + Duration::from_mins(minute);
        let undecided = entry("bureau/NB-FR", "referrals/undecided", at(0));
        let mut unreadable = decided("referrals/unreadable", at(6), route());
        unreadable.facts = Some(vec![255; 32]);
        record(&scene.db, vec![
            undecided,
            decided("referrals/routed", at(1), route()),
            decided("referrals/shared", at(2), share()),
            decided("referrals/asked", at(3), share().handling_h2(true)),
            decided("referrals/red", at(4), share().tlp(Tlp::Red)),
            decided("referrals/routed-later", at(5), route()),
            unreadable,
        ]).await.unwrap();

        let text = nothing_shared();
        let told = scene.simulate("auditor/hague", &replica, candidate(&text)).await.unwrap();
        assert_eq!((told.examined, told.skipped, &*told.rule_set), (5, 1, "candidate-1"));
        assert_eq!(told.next_page_token, "");
        assert_eq!(subjects(&told.changes), ["referrals/shared", "referrals/asked", "referrals/red"]);
        let [shared, asked, red] = &told.changes[..] else { unreachable!("as above") };
        let kept = audit::list(scene.db.reader(), &AuditQuery {
            subject: Some("referrals/shared".into()),
            limit: 1,
            ..AuditQuery::default()
        }).await.unwrap().remove(0).entry;
        assert_eq!(*shared, DecisionChange {
            subject: "referrals/shared".into(),
            decided_at: wire(at(2)),
            entry_id: kept.id.to_string(),
            question: "share".into(),
            was_permitted: true,
            was_rules: vec!["share.lead".into()],
            was_rule_set: RULE_SET.into(),
            would_be_permitted: false,
            would_be_rules: vec!["candidate.nothing-shared".into()],
            would_need_consent: false,
        });
        // No consent would help any more; and what was refused would be for one more reason.
        assert_eq!(asked.was_rules, ["markings.h2.passing-on"]);
        assert!(!asked.was_permitted && !asked.would_be_permitted && !asked.would_need_consent);
        assert!(!red.was_permitted && !red.would_be_permitted);
        assert!(red.would_be_rules.starts_with(&red.was_rules), "{red:?}");
        assert_eq!(red.would_be_rules.last().unwrap(), "candidate.nothing-shared");

        // The rules of this build decide as they did.
        let same = scene.simulate("desk/compliance", &replica, candidate(BUILT_IN)).await.unwrap();
        assert_eq!((same.examined, same.skipped, same.changes.len()), (5, 1, 0));
        // What was permitted and would take the owner's consent.
        let ask = nothing_shared().replacen("effect = \"deny\"\nsource = \"[D] For a test.\"", "effect = \"needs_consent\"\nsource = \"[D] For a test.\"", 1);
        let ask = scene.simulate("auditor/hague", &replica, candidate(&ask)).await.unwrap();
        assert_eq!(subjects(&ask.changes), ["referrals/shared", "referrals/asked"]);
        let [shared, asked] = &ask.changes[..] else { unreachable!("as above") };
        assert!(shared.was_permitted && !shared.would_be_permitted && shared.would_need_consent);
        assert!(!asked.was_permitted && asked.would_need_consent);
        assert_eq!(asked.would_be_rules, ["markings.h2.passing-on", "candidate.nothing-shared"]);

        // From one instant on and before another.
        let request = SimulatePolicyRequest { from: wire(at(3)), until: wire(at(4)), ..candidate(&text) };
        let between = scene.simulate("auditor/hague", &replica, request).await.unwrap();
        assert_eq!((between.examined, subjects(&between.changes)), (1, vec!["referrals/asked"]));

        // Who asked, and with what, stands in the audit.
        let noted = audit::list(scene.db.reader(), &AuditQuery {
            party: Some("desk/compliance".parse().unwrap()),
            limit: 10,
            ..AuditQuery::default()
        }).await.unwrap();
        let [noted] = &noted[..] else { panic!("one call, one entry: {noted:?}") };
        assert_eq!((&*noted.entry.action, &*noted.entry.decision), ("audit.simulate_policy", "PERMIT"));
        let purpose = noted.entry.purpose.as_deref().unwrap();
        let digest = purpose.strip_prefix(&format!("{RULE_SET} sha256:")).unwrap();
        assert_eq!(digest.len(), 64);
    }

    async fn a_long_period_is_looked_at_in_pages(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let replica = scene.replica("at once").await;
        let start = SystemClock.now() - Duration::from_hours(1);
        let entries: Vec<AuditEntry> = (0..2_300_u32)
            .map(|number| {
                let at = start + Duration::from_millis(u64::from(number));
                let facts = if number % 3 == 0 { share() } else { route() };
                decided(&format!("referrals/{number}"), at, facts)
            })
            .collect();
        record(&scene.db, entries).await.unwrap();
        let text = nothing_shared();
        // As many as are asked for, those where nobody asks, and no more than there are.
        for (page_size, pages) in [(100, 23), (0, 3), (1_150, 2), (2_299, 2), (2_300, 1), (100_000, 1)] {
            let (mut token, mut seen, mut examined, mut asked) = (String::new(), Vec::new(), 0, 0);
            loop {
                let request = SimulatePolicyRequest {
                    page_size,
                    page_token: token,
                    ..candidate(&text)
                };
                let page = scene.simulate("auditor/hague", &replica, request).await.unwrap();
                examined += page.examined;
                asked += 1;
                seen.extend(page.changes.into_iter().map(|change| change.subject));
                token = page.next_page_token;
                if token.is_empty() || asked > pages {
                    break;
                }
            }
            assert_eq!((examined, asked), (2_300, pages), "{page_size}");
            let all = (0..2_300).step_by(3).map(|number| format!("referrals/{number}"));
            assert!(all.eq(seen), "{page_size}: in their order, none twice, none left out");
        }
        // A token is good for its candidate, its period and who asked.
        let first = SimulatePolicyRequest { page_size: 1, ..candidate(&text) };
        let token = scene.simulate("auditor/hague", &replica, first.clone()).await.unwrap();
        let next = SimulatePolicyRequest { page_token: token.next_page_token, ..first };
        scene.simulate("auditor/hague", &replica, next.clone()).await.unwrap();
        let longer = SimulatePolicyRequest { rule_set: format!("{text}\n"), ..next.clone() };
        let later = SimulatePolicyRequest { from: wire(start), ..next.clone() };
        for (party, other) in [("auditor/hague", longer), ("auditor/hague", later), ("desk/compliance", next)] {
            let refused = scene.simulate(party, &replica, other).await.unwrap_err();
            assert_eq!(Failure::read(&refused).reason_name, "PAGE_TOKEN_MISMATCH");
        }
    }

    async fn a_candidate_that_is_none_is_told_everything_at_once(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let replica = scene.replica("at once").await;
        let wrong = BUILT_IN
            .replacen("effect = \"flag\"", "effect = \"flagg\"", 1)
            .replacen("minor-suspected = \"yes\"", "minor-suspected = \"perhaps\"", 1)
            .replacen(RULE_SET, "not a version", 1);
        let request = SimulatePolicyRequest { page_size: -1, ..candidate(&wrong) };
        let refused = scene.simulate("auditor/hague", &replica, request).await.unwrap_err();
        let failure = Failure::read(&refused);
        assert_eq!((failure.code, &*failure.reason_name), (Code::InvalidArgument, "INVALID_ARGUMENT"));
        let said: Vec<(&str, &str)> =
            failure.violations.iter().map(|(field, says)| (&**field, &**says)).collect();
        for (field, says) in [
            ("rule_set", "version \"not a version\" is not valid"),
            ("rule_set", "effect \"flagg\" is unknown; it is one of allow"),
            ("rule_set", "minor-suspected has no value \"perhaps\"; it has no, yes"),
            ("page_size", "0"),
        ] {
            let told = said.iter().any(|(of, text)| *of == field && text.contains(says));
            assert!(told, "{field} {says}: {said:#?}");
        }
        assert_eq!(said.len(), 4, "{said:#?}");
        for (text, says) in [
            ("", "is missing"),
            ("nonsense, indeed", "not a rule set in TOML: line 1, column 9"),
            ("version = \"a\"\n[[rule]]\nid = \"a.b\"\nwords = \"plucked\"", "line 4, column 1"),
        ] {
            let refused = scene.simulate("auditor/hague", &replica, candidate(text)).await.unwrap_err();
            let failure = Failure::read(&refused);
            let (field, told) = &failure.violations[0];
            assert_eq!(field, "rule_set");
            assert!(told.contains(says), "{told}");
            assert!(!format!("{failure:?}").contains("plucked"), "nothing of the text is repeated");
        }
        let long = "#".repeat(256 * 1024 + 1);
        let refused = scene.simulate("auditor/hague", &replica, candidate(&long)).await.unwrap_err();
        assert!(Failure::read(&refused).violations[0].1.contains("262145 bytes"));
        // However much is wrong, the answer is one that a client takes.
        let many = "[[rule]]\nid = \"no\"\nwhen = { nothing = 1 }\n".repeat(1_000);
        let refused = scene.simulate("auditor/hague", &replica, candidate(&many)).await.unwrap_err();
        let failure = Failure::read(&refused);
        assert_eq!(failure.code, Code::InvalidArgument);
        assert!(!failure.violations.is_empty() && failure.metadata.iter().any(|(key, _)| key == "violations_omitted"));
        assert_eq!(audit::list(scene.db.reader(), &AuditQuery { limit: 1, ..AuditQuery::default() }).await.unwrap(), []);
    }

    async fn auditors_and_the_compliance_desk_may_ask(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let replica = scene.replica("at once").await;
        for party in ["bureau/NB-FR", "partner/icmec", "unit/cyber", "desk/triage", "operator/ann", "service/intake"] {
            let refused = scene.simulate(party, &replica, candidate(BUILT_IN)).await.unwrap_err();
            assert_eq!(refused.code(), Code::PermissionDenied, "{party}");
        }
        for party in ["auditor/hague", "desk/compliance"] {
            scene.simulate(party, &replica, candidate(BUILT_IN)).await.unwrap();
        }
    }
}
