//! The content of a referral is destroyed: what is left is its envelope and its history.

use std::time::Duration;

use liaison_proto::event::event::Data;
use liaison_proto::event::{AssignmentStep, ReferralStep};
use liaison_proto::intake::intake_service_server::IntakeService as _;
use liaison_proto::{common, intake};
use liaison_testkit::both_backends;
use tonic::Status;

use crate::samples::{dossier, flagged, submission};
use crate::shares::wish;
use crate::world::{World, by, nowhere, reason};

use AssignmentStep::{
    Accepted, Completed, Created, Declined, Leased, Queued, Revoked, WorkStarted,
};
use common::AssignmentRole::{Lead, Supporting};

const OWNER: &str = "bureau/NB-FR b.second";
const DESK: &str = "desk/compliance c.reviewer";
const FIVE_YEARS: Duration = Duration::from_hours(5 * 8_766);

impl World {
    async fn purge_as_read(
        &self,
        caller: &str,
        name: &str,
        etag: &str,
    ) -> Result<intake::Referral, Status> {
        self.env.advance(Duration::from_millis(1));
        let request = intake::PurgeReferralRequest {
            name: name.to_owned(),
            etag: etag.to_owned(),
        };
        let answer = self.api.purge_referral(by(caller, request)).await?;
        Ok(answer.into_inner().referral.unwrap())
    }

    async fn purge(&self, caller: &str, name: &str) -> Result<intake::Referral, Status> {
        self.purge_as_read(caller, name, "").await
    }

    /// A referral that cyber leads, terrorism declined and children-trafficking still supports.
    async fn led_to(&self, number: u128, end: &[AssignmentStep]) -> String {
        let mut dossier = dossier();
        let markings = dossier.markings.get_or_insert_default();
        markings.handling = vec![common::HandlingCode::H2.into()];
        markings.tlp = common::Tlp::Green.into();
        let request = submission(dossier, number);
        let name = self
            .submit("bureau/NB-FR a.first", request)
            .await
            .unwrap()
            .name;
        let lead = [&[Created, Queued, Leased, Accepted, WorkStarted], end].concat();
        for (unit, role, steps) in [
            ("terrorism", Lead, &[Created, Queued, Leased, Declined][..]),
            ("cyber", Lead, &lead),
            ("children-trafficking", Supporting, &[Created, Queued]),
        ] {
            for fact in self.assignment(&name, unit, role, steps) {
                self.take(fact).await;
            }
        }
        name
    }
}

both_backends! {
    async fn what_is_over_is_destroyed_and_its_history_stays(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led_to(1, &[Completed]).await;
        let open = world.share(OWNER, wish(&name, "partner/customs", 1)).await.unwrap();
        let asked = world.share("unit/cyber u.one", wish(&name, "unit/narcotics-organized-crime", 2));
        assert_eq!(asked.await.unwrap().state(), intake::ShareState::AwaitingConsent);
        let before = world.get(OWNER, &name).await.unwrap();

        let purged = world.purge(OWNER, &name).await.unwrap();
        assert_eq!(purged.state(), common::ReferralState::Purged);
        assert_eq!(purged, world.get(OWNER, &name).await.unwrap());
        let rest = intake::Referral {
            state: before.state,
            etag: before.etag.clone(),
            updated_at: before.updated_at,
            last_position: before.last_position,
            ..purged.clone()
        };
        assert_eq!(rest, before);
        assert_ne!(purged.etag, before.etag);

        // The last step says what was destroyed, by the digest it was submitted with.
        let history = world.history(OWNER, &name).await.unwrap();
        let ended = [ReferralStep::ShareEnded, ReferralStep::ShareEnded, ReferralStep::ContentPurged];
        let last: Vec<_> = history.iter().rev().take(3).rev().collect();
        assert_eq!(last.iter().map(|entry| entry.step()).collect::<Vec<_>>(), ended);
        let destroyed = last[2];
        assert_eq!((&*destroyed.detail, destroyed.position), ("purge.owner", purged.last_position));
        assert_eq!((destroyed.content.len(), &destroyed.content), (32, &history[0].content));
        assert_eq!(destroyed.signature.len(), 64);
        let actor = destroyed.actor.as_ref().unwrap();
        assert_eq!((&*actor.party, &*actor.officer), ("bureau/NB-FR", "b.second"));

        // Nothing is left to be read, and nothing to read it with.
        for table in ["dossier", "data_key"] {
            assert_eq!(world.count(table).await, 0, "{table}");
        }
        let words = "SELECT count(*) FROM share WHERE length(reason) > 0 OR decision_reason IS NOT NULL";
        let left: i64 = world.query(words).await[0].try_get_by_index(0).unwrap();
        assert_eq!(left, 0);
        for reader in [OWNER, "unit/cyber u.one", "desk/triage d.one"] {
            assert_eq!(reason(world.dossier(reader, &name).await), "CONTENT_PURGED", "{reader}");
            let kept = world.audit(&name).await.pop().unwrap().entry;
            assert_eq!((&*kept.action, &*kept.decision), ("intake.get_dossier", "PURGED"));
        }
        for stranger in ["partner/customs p.one", "bureau/NB-DE x.one"] {
            assert_eq!(reason(world.dossier(stranger, &name).await), "NOT_FOUND", "{stranger}");
        }
        let inputs = world.inputs("service/classification", vec![name.clone()]).await.unwrap();
        assert_eq!(inputs, []);

        // What was shared is over, and stands there without words.
        let request = intake::ListSharesRequest { parent: name.clone(), ..Default::default() };
        let shares = world.api.list_shares(by(OWNER, request)).await.unwrap().into_inner().shares;
        assert_eq!(shares.len(), 2);
        for share in shares {
            assert_eq!((share.state(), &*share.reason), (intake::ShareState::Ended, ""));
        }
        assert_eq!(reason(world.end(OWNER, &open.name).await), "CONTENT_PURGED");
        let give = intake::ConsentVerdict::Give;
        assert_eq!(reason(world.consent(OWNER, &open.name, give).await), "CONTENT_PURGED");
        assert_eq!(reason(world.share(OWNER, wish(&name, "partner/police", 3)).await), "CONTENT_PURGED");
        assert_eq!(world.ops.expire_consents().await.unwrap(), 0);
    }

    async fn everybody_who_had_it_is_told_and_has_it_destroyed(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led_to(1, &[Completed]).await;
        let ended = world.share(OWNER, wish(&name, "partner/customs", 1)).await.unwrap();
        world.end(OWNER, &ended.name).await.unwrap();
        // Was asked for, and never given.
        world.share("unit/cyber u.one", wish(&name, "unit/narcotics-organized-crime", 2)).await.unwrap();
        let purged = world.purge(OWNER, &name).await.unwrap();
        let sent = world.outbox().await;
        let last: Vec<_> = sent.iter().filter(|sent| sent.event.sequence == purged.last_position && sent.event.subject == name).collect();
        let to: Vec<_> = last.iter().map(|sent| &*sent.destination).collect();
        assert_eq!(to, ["classification", "notification", "routing"]);
        for sent in last {
            match sent.event.data.as_ref().unwrap() {
                Data::ReferralPurged(told) => assert_eq!(told.referral, name),
                Data::ReferralChanged(told) => {
                    assert_eq!(told.step(), ReferralStep::ContentPurged);
                    assert_eq!(told.state(), common::ReferralState::Purged);
                    let units = ["unit/children-trafficking", "unit/cyber", "unit/terrorism"];
                    let mut informed = told.informed.clone();
                    informed.sort();
                    assert_eq!(informed, [&["partner/customs"], &units[..]].concat());
                }
                other => panic!("{other:?}"),
            }
        }
    }

    async fn only_those_who_answer_for_it_destroy_it_and_only_what_is_over(database: TestDatabase) {
        let world = World::new(database).await;
        let over = world.led_to(1, &[Completed]).await;
        let worked_on = world.led_to(2, &[]).await;
        let nowhere = nowhere(&world);
        for (caller, name, expected) in [
            ("bureau/NB-DE x.one", &over, "NOT_FOUND"),
            ("partner/customs x.one", &over, "NOT_FOUND"),
            (OWNER, &nowhere, "NOT_FOUND"),
            ("bureau/NB-FR", &over, "OFFICER_REQUIRED"),
            ("bureau/NB-FR", &nowhere, "OFFICER_REQUIRED"),
            // Who submitted it; what somebody works on; what is kept for some time yet.
            ("bureau/NB-FR a.first", &over, "POLICY_DENIED"),
            (OWNER, &worked_on, "POLICY_DENIED"),
            (DESK, &over, "POLICY_DENIED"),
            (DESK, &worked_on, "POLICY_DENIED"),
        ] {
            let refused = world.purge(caller, name).await;
            assert_eq!(reason(refused), expected, "{caller} {name}");
        }
        let rules = async |name: &str| {
            let kept = world.audit(name).await;
            let refused = kept.into_iter().filter(|kept| kept.entry.decision == "REFUSE");
            refused.map(|kept| kept.entry.rules.join(" ")).collect::<Vec<_>>()
        };
        let (over_rules, worked_rules) = (rules(&over).await, rules(&worked_on).await);
        assert_eq!(over_rules, ["duties.four-eyes", "purge.retention-running"]);
        assert_eq!(worked_rules, ["purge.not-terminal", "purge.not-terminal purge.retention-running"]);
        assert_eq!((world.count("dossier").await, world.count("data_key").await), (2, 2));
    }

    async fn the_desk_destroys_what_was_kept_long_enough(database: TestDatabase) {
        let world = World::new(database).await;
        // By a machine: nobody at the bureau can show to be another person.
        let name = world.submit("bureau/NB-FR", submission(dossier(), 1)).await.unwrap().name;
        for fact in world.assignment(&name, "cyber", Lead, &[Created, Queued, Leased, Accepted, Completed]) {
            world.take(fact).await;
        }
        assert_eq!(reason(world.purge(OWNER, &name).await), "POLICY_DENIED");
        world.env.advance(FIVE_YEARS - Duration::from_secs(60));
        assert_eq!(reason(world.purge(DESK, &name).await), "POLICY_DENIED");
        world.env.advance(Duration::from_secs(60));
        let purged = world.purge(DESK, &name).await.unwrap();
        assert_eq!(purged.state(), common::ReferralState::Purged);
        let history = world.history(OWNER, &name).await.unwrap();
        assert_eq!(history.last().unwrap().detail, "purge.compliance-desk");
    }

    async fn again_it_changes_nothing_and_what_was_read_before_is_stale(database: TestDatabase) {
        let world = World::new(database).await;
        let request = submission(flagged(), 1);
        let submitted = world.submit("bureau/NB-FR a.first", request.clone()).await.unwrap();
        let name = submitted.name.clone();
        let verdict = intake::DecideReviewRequest {
            name: name.clone(),
            verdict: intake::ReviewVerdict::NonCompliant.into(),
            ground: common::RefusalGround::Article3.into(),
            reason: "Read with care.".into(),
            etag: String::new(),
        };
        let refused = world.review(DESK, verdict).await.unwrap();
        assert_eq!(reason(world.purge_as_read(OWNER, &name, &submitted.etag).await), "STALE_ETAG");
        assert_eq!(world.count("dossier").await, 1);
        let purged = world.purge_as_read(OWNER, &name, &refused.etag).await.unwrap();
        let (steps, sent) = (world.count("custody").await, world.outbox().await.len());
        // Whoever did not hear the answer asks again as they read it then.
        let again = world.purge_as_read(OWNER, &name, &refused.etag).await.unwrap();
        assert_eq!(again, purged);
        assert_eq!((world.count("custody").await, world.outbox().await.len()), (steps, sent));
        // The reviewer's words are gone; the ground, which is a code, stays.
        let note = "SELECT count(*) FROM referral WHERE review_note IS NOT NULL";
        let notes: i64 = world.query(note).await[0].try_get_by_index(0).unwrap();
        assert_eq!((notes, purged.refusal_ground()), (0, common::RefusalGround::Article3));
        // And the submission is still the one it was.
        assert_eq!(world.submit("bureau/NB-FR a.first", request).await.unwrap(), submitted);
    }

    /// It has come to an end like any other; afterwards nothing that is decided brings it back.
    async fn what_the_duty_desk_refused_is_purged(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        world.take(world.classified(&name, 1, 1)).await;
        let mut shares = world.assignment(&name, "cyber", Lead, &[Created, Queued, Leased, Revoked]);
        let revoked = shares.pop().unwrap();
        for fact in shares {
            world.take(fact).await;
        }
        world.take(world.refused(&name, 2, 2)).await;
        // A unit has it still: it may have accepted, which intake will hear.
        let held = world.get(OWNER, &name).await.unwrap();
        assert_eq!(held.state(), common::ReferralState::Refused);
        let early = world.purge_as_read(OWNER, &name, &held.etag).await;
        assert_eq!(reason(early), "POLICY_DENIED");
        world.take(revoked).await;
        let refused = world.get(OWNER, &name).await.unwrap();
        let purged = world.purge_as_read(OWNER, &name, &refused.etag).await.unwrap();
        assert_eq!(purged.state(), common::ReferralState::Purged);
        assert_eq!(purged.refusal_ground(), common::RefusalGround::NotAnOffence);
        world.take(world.classified(&name, 3, 3)).await;
        let late = world.get(OWNER, &name).await.unwrap();
        assert_eq!(late.state(), common::ReferralState::Purged);
    }

    async fn what_comes_late_is_kept_and_brings_nothing_back(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        let supporting = world.assignment(&name, "terrorism", Supporting, &[Created, Queued, Leased, Accepted, Completed]);
        let (first, late) = supporting.split_at(2);
        for fact in world.assignment(&name, "cyber", Lead, &[Created, Queued, Leased, Accepted, Completed]) {
            world.take(fact).await;
        }
        for fact in first {
            world.take(fact.clone()).await;
        }
        world.purge(OWNER, &name).await.unwrap();
        for fact in late {
            world.take(fact.clone()).await;
            let now = world.get(OWNER, &name).await.unwrap();
            assert_eq!(now.state(), common::ReferralState::Purged);
        }
        assert_eq!(world.steps(&name).await.last(), Some(&"COMPLETED"));
        // Reviews are over, too.
        let verdict = intake::DecideReviewRequest {
            name: name.clone(),
            verdict: intake::ReviewVerdict::Compliant.into(),
            reason: "Once more.".into(),
            ..intake::DecideReviewRequest::default()
        };
        assert_eq!(reason(world.review(DESK, verdict).await), "ILLEGAL_STATE");
    }

    /// A copy of the row, as a backup may hold one, opens no more.
    async fn a_copy_of_the_sealed_content_is_worth_nothing(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.led_to(1, &[Completed]).await;
        let copy = "CREATE TABLE kept AS SELECT * FROM dossier";
        world.query_write(copy).await;
        world.purge(OWNER, &name).await.unwrap();
        world.query_write("INSERT INTO dossier SELECT * FROM kept").await;
        // As if nobody had said that it is purged.
        world.query_write("UPDATE referral SET state = 'COMPLETED'").await;
        let refused = world.dossier(OWNER, &name).await.unwrap_err();
        assert_eq!(liaison_grpc::Failure::read(&refused).reason_name, "NOT_FOUND");
        let sealed: Vec<u8> = world.query("SELECT content FROM dossier").await[0].try_get_by_index(0).unwrap();
        let narrative = dossier().narrative;
        assert!(!String::from_utf8_lossy(&sealed).contains(&narrative[..12]));
    }
}
