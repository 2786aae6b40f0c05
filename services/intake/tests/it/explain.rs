//! What policy would decide, and why, without anything being done.

use liaison_proto::event::AssignmentStep;
use liaison_proto::intake::intake_service_server::IntakeService as _;
use liaison_proto::intake::{ExplainDecisionRequest, ExplainDecisionResponse, PolicyQuestion};
use liaison_proto::{common, intake};
use liaison_testkit::both_backends;
use tonic::Status;

use crate::shares::{LEAD, OWNER, wish};
use crate::world::{World, by, fields, nowhere, reason};

const DESK: &str = "desk/compliance c.reviewer";

fn about(name: &str, question: PolicyQuestion, party: &str) -> ExplainDecisionRequest {
    ExplainDecisionRequest {
        name: name.to_owned(),
        question: question.into(),
        party: party.to_owned(),
        ..ExplainDecisionRequest::default()
    }
}

fn share(name: &str, by: &str, party: &str) -> ExplainDecisionRequest {
    ExplainDecisionRequest {
        by: by.to_owned(),
        purpose: intake::Purpose::InvestigationInformation.into(),
        action: intake::IntendedAction::None.into(),
        r#use: intake::IntendedUse::Police.into(),
        ..about(name, PolicyQuestion::Share, party)
    }
}

fn decisive(explained: &ExplainDecisionResponse) -> Vec<&str> {
    let rules = explained.rules.iter().filter(|rule| rule.decisive);
    rules.map(|rule| rule.id.as_str()).collect()
}

fn fact<'a>(explained: &'a ExplainDecisionResponse, name: &str) -> &'a str {
    let found = explained.facts.iter().find(|fact| fact.name == name);
    found.map_or("", |fact| &fact.value)
}

impl World {
    async fn explain(
        &self,
        caller: &str,
        request: ExplainDecisionRequest,
    ) -> Result<ExplainDecisionResponse, Status> {
        self.env.advance(std::time::Duration::from_millis(1));
        let answer = self.api.explain_decision(by(caller, request)).await?;
        Ok(answer.into_inner())
    }
}

both_backends! {
    async fn what_is_explained_is_what_is_decided(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led(1, &[common::HandlingCode::H2], common::Tlp::Green).await;
        let (lead, officer) = LEAD.split_once(' ').unwrap();
        let mut request = share(&name, lead, "unit/children-trafficking");
        request.officer = officer.to_owned();
        let explained = world.explain(OWNER, request).await.unwrap();
        assert_eq!((explained.permitted, &*explained.missing_consent), (false, "bureau/NB-FR"));
        assert_eq!(decisive(&explained), ["markings.h2.passing-on"]);
        let allowing = explained.rules.iter().find(|rule| rule.id == "share.lead").unwrap();
        assert_eq!((&*allowing.effect, allowing.decisive), ("allow", false));
        assert!(explained.rules.iter().all(|rule| !rule.says.is_empty() && !rule.source.is_empty()));
        assert_eq!((fact(&explained, "grant"), fact(&explained, "handling-h2")), ("lead", "yes"));
        assert_eq!(explained.rule_set, liaison_policy::RULE_SET);
        assert_eq!(world.count("share").await, 0, "nothing is done");
        let asked = world.share(LEAD, wish(&name, "unit/children-trafficking", 1)).await.unwrap();
        assert_eq!(asked.rules, decisive(&explained));

        // By the owner itself, and by the one officer who may not.
        let own = world.explain(OWNER, share(&name, "", "partner/customs")).await.unwrap();
        assert_eq!((own.permitted, decisive(&own)), (true, vec!["share.owner"]));
        let same = world.explain("bureau/NB-FR a.first", share(&name, "", "partner/customs")).await.unwrap();
        assert_eq!((same.permitted, decisive(&same)), (false, vec!["duties.four-eyes"]));
    }

    async fn every_question_has_its_answer(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led(1, &[common::HandlingCode::H0], common::Tlp::Red).await;
        for fact in world.assignment(&name, "terrorism", common::AssignmentRole::Supporting, &[
            AssignmentStep::Created, AssignmentStep::Queued, AssignmentStep::Leased, AssignmentStep::Declined,
        ]) {
            world.take(fact).await;
        }
        for (question, party, permitted, rules) in [
            (PolicyQuestion::ViewEnvelope, "unit/cyber", true, &["view.grant"][..]),
            (PolicyQuestion::ViewEnvelope, "bureau/NB-DE", false, &["view.no-need-to-know"]),
            (PolicyQuestion::ViewDossier, "unit/cyber", true, &["view.grant"]),
            (PolicyQuestion::ViewDossier, "operator/ops", false, &["view.no-need-to-know"]),
            (PolicyQuestion::Route, "unit/children-trafficking", true, &["route.permitted"]),
            (PolicyQuestion::Route, "unit/terrorism", false, &["markings.exclusion.unit", "route.declined-before"]),
            (PolicyQuestion::Purge, "bureau/NB-FR", false, &["purge.not-terminal"]),
        ] {
            for caller in [OWNER, DESK] {
                let explained = world.explain(caller, about(&name, question, party)).await.unwrap();
                let found = (explained.permitted, decisive(&explained));
                assert_eq!(found, (permitted, rules.to_vec()), "{question:?} {party}");
            }
        }
        // Who asked stands in the audit, as a question and not as a decision.
        let kept = world.audit(&name).await;
        let asked: Vec<_> = kept.iter().map(|kept| &kept.entry).filter(|entry| entry.action == "intake.explain_decision").collect();
        assert_eq!(asked.len(), 14);
        assert!(asked.iter().all(|entry| entry.facts.is_none() && entry.decision == "EXPLAINED"));
        assert_eq!(asked[0].purpose.as_deref(), Some("view-envelope unit/cyber"));
    }

    async fn only_those_who_answer_for_it_ask_and_all_that_is_wrong_is_said(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led(1, &[common::HandlingCode::H0], common::Tlp::Green).await;
        world.share(LEAD, wish(&name, "partner/customs", 1)).await.unwrap();
        let question = PolicyQuestion::ViewDossier;
        let nowhere = nowhere(&world);
        for (caller, name) in [
            // It sees the referral, and not who else does.
            ("partner/customs p.one", &name),
            ("bureau/NB-DE x.one", &name),
            ("bureau/NB-DE x.one", &nowhere),
            (OWNER, &nowhere),
        ] {
            let refused = world.explain(caller, about(name, question, "unit/cyber")).await;
            assert_eq!(reason(refused), "NOT_FOUND", "{caller}");
        }
        let wrong = ExplainDecisionRequest {
            officer: "x".into(),
            ..share(&name, "unit/cyber", "nobody")
        };
        let wrong = ExplainDecisionRequest { question: PolicyQuestion::Route.into(), ..wrong };
        assert_eq!(
            fields(world.explain(OWNER, wrong).await),
            ["party", "by", "officer", "purpose", "action", "use"]
        );
        let bureau = about(&name, PolicyQuestion::Route, "bureau/NB-DE");
        assert_eq!(fields(world.explain(OWNER, bureau).await), ["party"]);
        let bare = about(&name, PolicyQuestion::Share, "partner/customs");
        assert_eq!(fields(world.explain(OWNER, bare).await), ["purpose", "action", "use"]);
    }
}
