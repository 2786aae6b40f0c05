//! Passing a referral on, with the owner's consent where it is needed.

use liaison_proto::event::AssignmentStep;
use liaison_proto::event::event::Data;
use liaison_proto::intake::intake_service_server::IntakeService as _;
use liaison_proto::{common, intake};
use liaison_testkit::both_backends;
use tonic::Status;

use crate::samples::{dossier, submission};
use crate::world::{World, by, fields, nowhere, reason};

pub(crate) const LEAD: &str = "unit/cyber u.one";
pub(crate) const OWNER: &str = "bureau/NB-FR b.second";

pub(crate) fn wish(name: &str, recipient: &str, number: u128) -> intake::ShareReferralRequest {
    intake::ShareReferralRequest {
        name: name.to_owned(),
        recipient: recipient.to_owned(),
        purpose: intake::Purpose::InvestigationInformation.into(),
        action: intake::IntendedAction::None.into(),
        r#use: intake::IntendedUse::Police.into(),
        reason: "They hold the records.".to_owned(),
        request_id: uuid::Uuid::from_u128(number).to_string(),
    }
}

impl World {
    pub(crate) async fn share(
        &self,
        caller: &str,
        wish: intake::ShareReferralRequest,
    ) -> Result<intake::Share, Status> {
        self.env.advance(std::time::Duration::from_millis(1));
        let answer = self.api.share_referral(by(caller, wish)).await?;
        Ok(answer.into_inner().share.unwrap())
    }

    pub(crate) async fn end(&self, caller: &str, share: &str) -> Result<intake::Share, Status> {
        let name = share.to_owned();
        let request = intake::EndShareRequest { name };
        Ok(self
            .api
            .end_share(by(caller, request))
            .await?
            .into_inner()
            .share
            .unwrap())
    }

    pub(crate) async fn consent(
        &self,
        caller: &str,
        share: &str,
        verdict: intake::ConsentVerdict,
    ) -> Result<intake::Share, Status> {
        let request = intake::DecideConsentRequest {
            name: share.to_owned(),
            verdict: verdict.into(),
            reason: "Agreed on the telephone.".to_owned(),
        };
        let answer = self.api.decide_consent(by(caller, request)).await?;
        Ok(answer.into_inner().share.unwrap())
    }

    async fn asked(&self, owner: &str) -> Vec<intake::Share> {
        let request = intake::ListConsentRequestsRequest::default();
        let answer = self.api.list_consent_requests(by(owner, request)).await;
        answer.unwrap().into_inner().shares
    }

    /// A referral whose lead is cyber, with these handling codes and this TLP.
    pub(crate) async fn led(
        &self,
        number: u128,
        handling: &[common::HandlingCode],
        tlp: common::Tlp,
    ) -> String {
        let mut dossier = dossier();
        let markings = dossier.markings.get_or_insert_default();
        markings.handling = handling.iter().map(|code| i32::from(*code)).collect();
        markings.tlp = tlp.into();
        dossier.purpose = intake::Purpose::InvestigationInformation.into();
        let request = submission(dossier, number);
        let name = self
            .submit("bureau/NB-FR a.first", request)
            .await
            .unwrap()
            .name;
        let steps = [AssignmentStep::Created];
        for fact in self.assignment(&name, "cyber", common::AssignmentRole::Lead, &steps) {
            self.take(fact).await;
        }
        name
    }

    /// Who is told of the last step, besides the owner.
    async fn informed(&self) -> Vec<String> {
        match self.outbox().await.pop().unwrap().event.data.unwrap() {
            Data::ReferralChanged(changed) => changed.informed,
            other => panic!("{other:?}"),
        }
    }
}

both_backends! {
    async fn what_is_permitted_is_open_at_once_and_until_it_ends(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led(1, &[common::HandlingCode::H0], common::Tlp::Green).await;
        assert_eq!(reason(world.dossier("partner/customs p.one", &name).await), "NOT_FOUND");
        let share = world.share(LEAD, wish(&name, "partner/customs", 1)).await.unwrap();
        assert_eq!(share.state(), intake::ShareState::Active);
        assert_eq!(share.rules, ["share.lead"]);
        assert_eq!(world.informed().await, ["unit/cyber", "partner/customs"]);
        let read = world.dossier("partner/customs p.one", &name).await.unwrap();
        assert_eq!(read.narrative, dossier().narrative);
        let shared = intake::ListReferralsRequest { shared: true, ..Default::default() };
        let listed = world.list("partner/customs", shared.clone()).await.unwrap().referrals;
        assert_eq!(listed.iter().map(|r| &r.name).collect::<Vec<_>>(), [&name]);
        let own = intake::ListReferralsRequest::default();
        assert_eq!(world.list("partner/customs", own).await.unwrap().referrals, []);
        // The recipient did not ask for it and does not own it.
        assert_eq!(reason(world.end("partner/customs", &share.name).await), "NOT_FOUND");
        let ended = world.end(LEAD, &share.name).await.unwrap();
        assert_eq!(ended.state(), intake::ShareState::Ended);
        assert_eq!(reason(world.dossier("partner/customs p.one", &name).await), "NOT_FOUND");
        assert_eq!(world.list("partner/customs", shared).await.unwrap().referrals, []);
        assert_eq!(reason(world.end(LEAD, &share.name).await), "ILLEGAL_STATE");
        let steps = world.steps(&name).await;
        assert_eq!(steps[steps.len() - 3..], ["SHARED", "DOSSIER_OPENED", "SHARE_ENDED"]);
    }

    async fn what_a_marking_forbids_is_refused_with_its_rules_and_kept(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led(1, &[common::HandlingCode::H0], common::Tlp::Red).await;
        let before = world.count("custody").await;
        let refused = world.share(LEAD, wish(&name, "partner/customs", 1)).await;
        let status = refused.clone().unwrap_err();
        let failure = liaison_grpc::Failure::read(&status);
        assert_eq!(failure.reason_name, "POLICY_DENIED");
        let (_, rules) = failure.metadata.iter().find(|(key, _)| key == "rules").unwrap();
        assert!(rules.contains("tlp"), "{rules}");
        let kept = world.audit(&name).await.pop().unwrap().entry;
        assert_eq!((&*kept.action, &*kept.decision), ("intake.share_referral", "REFUSE"));
        assert_eq!(kept.rules.join(" "), *rules);
        assert_eq!((world.count("share").await, world.count("custody").await), (0, before));
        assert!(world.decided().await.contains(&"intake.share_referral share REFUSE".to_owned()));
    }

    async fn who_answers_for_a_referral_shares_it_and_nobody_else(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led(1, &[common::HandlingCode::H0], common::Tlp::Green).await;
        let nowhere = nowhere(&world);
        for stranger in ["bureau/NB-DE x.one", "unit/terrorism x.one", "partner/police x.one"] {
            for name in [&name, &nowhere] {
                let refused = world.share(stranger, wish(name, "partner/customs", 1)).await;
                assert_eq!(reason(refused), "NOT_FOUND", "{stranger}");
            }
        }
        // The owner's officers share, but not the one who submitted it.
        assert_eq!(reason(world.share("bureau/NB-FR a.first", wish(&name, "bureau/NB-DE", 2)).await), "POLICY_DENIED");
        let share = world.share(OWNER, wish(&name, "bureau/NB-DE", 3)).await.unwrap();
        assert_eq!(share.rules, ["share.owner"]);
        // Who received it does not pass it on.
        let onwards = world.share("bureau/NB-DE x.one", wish(&name, "bureau/NB-ES", 4)).await;
        assert_eq!(reason(onwards), "POLICY_DENIED");
    }

    async fn consent_lets_the_share_go_on_by_itself(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led(1, &[common::HandlingCode::H2], common::Tlp::Green).await;
        let share = world.share(LEAD, wish(&name, "unit/children-trafficking", 1)).await.unwrap();
        assert_eq!(share.state(), intake::ShareState::AwaitingConsent);
        assert_eq!(share.consent.unwrap().rule, "consent.routine");
        assert_eq!(world.informed().await, ["unit/cyber"]);
        assert_eq!(reason(world.get("unit/children-trafficking", &name).await), "NOT_FOUND");
        let asked = world.asked("bureau/NB-FR").await;
        assert_eq!((asked.len(), &*asked[0].reason), (1, "They hold the records."));
        assert!(world.asked("bureau/NB-DE").await.is_empty());
        let give = intake::ConsentVerdict::Give;
        for stranger in ["bureau/NB-DE x.one", "partner/customs x.one"] {
            assert_eq!(reason(world.consent(stranger, &share.name, give).await), "NOT_FOUND");
        }
        assert_eq!(reason(world.consent("bureau/NB-FR", &share.name, give).await), "OFFICER_REQUIRED");
        let given = world.consent(OWNER, &share.name, give).await.unwrap();
        assert_eq!(given.state(), intake::ShareState::Active);
        assert_eq!(given.decided_by.unwrap().officer, "b.second");
        assert!(given.rules.contains(&"markings.h2.passing-on".to_owned()), "{:?}", given.rules);
        let read = world.dossier("unit/children-trafficking t.one", &name).await.unwrap();
        assert_eq!(read.narrative, dossier().narrative);
        let steps = world.steps(&name).await;
        assert_eq!(
            steps[steps.len() - 4..],
            ["CONSENT_REQUESTED", "CONSENT_GIVEN", "SHARED", "DOSSIER_OPENED"]
        );
        assert_eq!(reason(world.consent(OWNER, &share.name, give).await), "ILLEGAL_STATE");
        assert!(world.asked("bureau/NB-FR").await.is_empty());
        assert_eq!(world.decided().await, [
            "intake.decide_consent share PERMIT",
            "intake.get_dossier view-dossier PERMIT",
            "intake.share_referral share ASK",
            "intake.submit submit PERMIT",
        ]);
    }

    async fn a_refusal_and_silence_end_it(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led(1, &[common::HandlingCode::H2], common::Tlp::Green).await;
        let refused = world.share(LEAD, wish(&name, "unit/children-trafficking", 1)).await.unwrap();
        let verdict = intake::ConsentVerdict::Refuse;
        let answered = world.consent(OWNER, &refused.name, verdict).await.unwrap();
        assert_eq!(answered.state(), intake::ShareState::Refused);
        let silent = world.share(LEAD, wish(&name, "unit/children-trafficking", 2)).await.unwrap();
        assert_eq!(world.ops.expire_consents().await.unwrap(), 0);
        world.env.advance(std::time::Duration::from_hours(72));
        // The clock has answered, whether or not somebody has looked at it yet.
        let late = world.consent(OWNER, &silent.name, intake::ConsentVerdict::Give).await;
        assert_eq!(reason(late), "ILLEGAL_STATE");
        assert_eq!(world.ops.expire_consents().await.unwrap(), 1);
        assert_eq!(world.ops.expire_consents().await.unwrap(), 0);
        assert_eq!(reason(world.get("unit/children-trafficking", &name).await), "NOT_FOUND");
        assert_eq!(world.steps(&name).await.last(), Some(&"CONSENT_EXPIRED"));
        let request = intake::ListSharesRequest { parent: name.clone(), ..Default::default() };
        let shares = world.api.list_shares(by("bureau/NB-FR", request)).await.unwrap().into_inner().shares;
        let states: Vec<_> = shares.iter().map(intake::Share::state).collect();
        assert_eq!(states, [intake::ShareState::Refused, intake::ShareState::Expired]);
    }

    async fn a_request_is_repeatable_and_a_wrong_one_says_all(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led(1, &[common::HandlingCode::H0], common::Tlp::Green).await;
        let first = world.share(LEAD, wish(&name, "partner/customs", 1)).await.unwrap();
        let again = world.share(LEAD, wish(&name, "partner/customs", 1)).await.unwrap();
        assert_eq!(again, first);
        let other = wish(&name, "partner/police", 1);
        assert_eq!(reason(world.share(LEAD, other).await), "REQUEST_ID_REUSED");
        for recipient in ["bureau/NB-FR", "unit/cyber"] {
            assert_eq!(fields(world.share(LEAD, wish(&name, recipient, 2)).await), ["recipient"]);
        }
        let wrong = intake::ShareReferralRequest {
            name: name.clone(),
            recipient: "auditor/court".into(),
            request_id: "x".into(),
            ..Default::default()
        };
        assert_eq!(
            fields(world.share(LEAD, wrong).await),
            ["recipient", "purpose", "action", "use", "reason", "request_id"]
        );
        assert_eq!(world.count("share").await, 1);
    }

    async fn words_about_a_share_are_sealed(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led(1, &[common::HandlingCode::H2], common::Tlp::Green).await;
        let share = world.share(LEAD, wish(&name, "unit/children-trafficking", 1)).await.unwrap();
        world.consent(OWNER, &share.name, intake::ConsentVerdict::Give).await.unwrap();
        let row = world.query("SELECT reason, decision_reason FROM share").await.pop().unwrap();
        for (column, words) in [("reason", "records"), ("decision_reason", "telephone")] {
            let sealed: Vec<u8> = row.try_get("", column).unwrap();
            let text = String::from_utf8_lossy(&sealed).into_owned();
            assert!(sealed.len() > 28 && !text.contains(words), "{column}");
        }
    }
}
