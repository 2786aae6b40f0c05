//! What the other services tell.

use liaison_proto::event::event::Data;
use liaison_proto::event::{AssignmentStep, DeliveryStatus, Event};
use liaison_proto::{common, event};
use liaison_testkit::{both_backends, changes_in_place};

use crate::samples::{flagged, submission, urgent};
use crate::world::{World, at_once, nowhere};

use AssignmentStep::{
    Accepted, Completed, Created, Declined, IndirectAccessDeclared, LeaseExpired, Leased, Promoted,
    Queued, WorkStarted,
};
use common::AssignmentRole::{Lead, Supporting};

fn statuses(results: &[event::DeliveryResult]) -> Vec<(DeliveryStatus, &str)> {
    results
        .iter()
        .map(|result| (result.status(), result.reason.as_str()))
        .collect()
}

/// A life from classification to an outcome, by producer.
fn life(world: &World, name: &str) -> [Vec<Event>; 3] {
    [
        vec![world.triage(name, 1), world.classified(name, 2, 1)],
        world.assignment(
            name,
            "cyber",
            Lead,
            &[
                Created,
                Queued,
                Leased,
                LeaseExpired,
                Leased,
                Accepted,
                WorkStarted,
                Completed,
            ],
        ),
        world.assignment(
            name,
            "children-trafficking",
            Supporting,
            &[Created, Queued, Leased, Accepted],
        ),
    ]
}

both_backends! {
    /// Two facts for every referral: they are most of what is written of it.
    async fn facts_write_no_index(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        changes_in_place(&world.db, "referral", async {
            world.take(world.classified(&name, 1, 1)).await;
            let queued = world.assignment(&name, "cyber", Lead, &[Created, Queued]);
            world.deliver("service/routing", queued).await;
            let referral = world.get("bureau/NB-FR", &name).await.unwrap();
            assert_eq!(referral.state(), common::ReferralState::Routed);
        })
        .await;
    }

    /// Three days from receipt instead of eight hours; the bureau is told.
    async fn a_unit_without_direct_access_has_more_time(database: TestDatabase) {
        let world = World::new(database).await;
        let request = submission(urgent(), 1);
        let submitted = world.submit("bureau/NB-FR", request.clone()).await.unwrap();
        let name = submitted.name.clone();
        let steps = [Created, Queued, Leased, Accepted, IndirectAccessDeclared];
        for event in world.assignment(&name, "cyber", Lead, &steps) {
            world.take(event).await;
        }
        let referral = world.get("bureau/NB-FR", &name).await.unwrap();
        let clock = referral.completion.as_ref().unwrap();
        let received = submitted.received_at.as_ref().unwrap();
        let hours = (clock.due_at.as_ref().unwrap().seconds - received.seconds) / 3_600;
        assert_eq!((clock.rule.as_str(), hours), ("completion.urgent.indirect", 72));
        assert_eq!(referral.state(), common::ReferralState::Accepted);
        let history = world.history("bureau/NB-FR", &name).await.unwrap();
        let last = history.last().unwrap();
        assert_eq!(last.step(), event::ReferralStep::IndirectAccessDeclared);
        assert_eq!((last.unit.as_str(), last.detail.as_str()), ("cyber", "completion.urgent.indirect"));
        let sent = world.outbox().await;
        let told = sent.iter().rfind(|sent| sent.destination == "notification").unwrap();
        assert_eq!(told.event.sequence, last.position);
        // Whoever repeats the submission gets the first answer.
        assert_eq!(world.submit("bureau/NB-FR", request).await.unwrap(), submitted);
    }

    async fn the_state_follows_the_facts(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        let state = || async { world.get("bureau/NB-FR", &name).await.unwrap().state() };
        let [said, lead, support] = life(&world, &name);
        let states = [
            common::ReferralState::Admitted,
            common::ReferralState::Classified,
            common::ReferralState::Routed,
            common::ReferralState::Routed,
            common::ReferralState::Routed,
            common::ReferralState::Routed,
            common::ReferralState::Routed,
            common::ReferralState::Accepted,
            common::ReferralState::InProgress,
            common::ReferralState::Completed,
        ];
        for (event, expected) in said.into_iter().chain(lead).zip(states) {
            world.take(event).await;
            assert_eq!(state().await, expected);
        }
        for event in support {
            world.take(event).await;
        }
        let referral = world.get("bureau/NB-FR", &name).await.unwrap();
        assert_eq!(referral.state(), common::ReferralState::Completed);
        assert_eq!(referral.outcome(), common::Outcome::VictimIdentified);
        assert_eq!(referral.lead_unit, "cyber");
        assert_eq!(referral.supporting_units, ["children-trafficking"]);
        let history = world.history("bureau/NB-FR", &name).await.unwrap();
        let seen: Vec<_> = history[2..]
            .iter()
            .map(|entry| {
                let step = liaison_grpc::wire::name(entry.step());
                (step, entry.unit.as_str(), entry.detail.as_str())
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("TRIAGE_REQUESTED", "", "UNCERTAIN"),
                ("CLASSIFIED", "cyber", "iccs.0204"),
                ("ROUTED", "cyber", "LEAD"),
                ("ACCEPTED", "cyber", "LEAD"),
                ("WORK_STARTED", "cyber", "LEAD"),
                ("COMPLETED", "cyber", "VICTIM_IDENTIFIED"),
                ("GRANTED", "children-trafficking", "SUPPORTING"),
                ("ACCEPTED", "children-trafficking", "SUPPORTING"),
            ]
        );
        // Each step is told to the owner, under its position.
        let told: Vec<i64> = world
            .outbox()
            .await
            .into_iter()
            .filter(|sent| sent.destination == "notification")
            .map(|sent| sent.event.sequence)
            .collect();
        assert_eq!(told, (1..=10).collect::<Vec<_>>());
    }

    /// The owner is told the ground, the history says who decided, and a later decision replaces it.
    async fn people_refuse_and_decide_otherwise(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        let read = || async { world.get("bureau/NB-FR", &name).await.unwrap() };
        world.take(world.triage(&name, 1)).await;
        let refusal = world.refused(&name, 2, 1);
        world.take(refusal.clone()).await;
        world.take(refusal).await;
        let referral = read().await;
        assert_eq!(referral.state(), common::ReferralState::Refused);
        assert_eq!(referral.refusal_ground(), common::RefusalGround::NotAnOffence);
        let history = world.history("bureau/NB-FR", &name).await.unwrap();
        assert_eq!(history.len(), 4);
        let last = history.last().unwrap();
        assert_eq!((last.step(), last.detail.as_str()), (event::ReferralStep::Refused, "NOT_AN_OFFENCE"));
        assert_eq!(last.actor.as_ref().unwrap().party, "desk/triage");
        let sent = world.outbox().await;
        let told = sent.iter().rfind(|sent| sent.destination == "notification").unwrap();
        let Some(Data::ReferralChanged(changed)) = &told.event.data else {
            panic!("another kind");
        };
        assert_eq!((changed.state(), changed.detail.as_str()), (common::ReferralState::Refused, "NOT_AN_OFFENCE"));
        // Decisions on it can still be made again.
        let inputs = world.inputs("service/classification", vec![name.clone()]).await.unwrap();
        assert_eq!(inputs.len(), 1);

        world.take(world.classified(&name, 3, 2)).await;
        let referral = read().await;
        assert_eq!((referral.state(), referral.refusal_ground), (common::ReferralState::Classified, 0));
        // Who has committed itself to lead keeps it, whatever is said.
        for event in world.assignment(&name, "cyber", Lead, &[Created, Queued, Leased, Accepted]) {
            world.take(event).await;
        }
        world.take(world.refused(&name, 4, 3)).await;
        let referral = read().await;
        assert_eq!((referral.state(), referral.refusal_ground), (common::ReferralState::Accepted, 0));
        let history = world.history("bureau/NB-FR", &name).await.unwrap();
        let last = history.last().unwrap();
        assert_eq!((last.step(), last.detail.as_str()), (event::ReferralStep::Classified, "NOT_AN_OFFENCE"));
        crate::history::verified(&name, &world.history("bureau/NB-FR", &name).await.unwrap()).unwrap();

        // Neither of both, and both.
        let mut nothing = world.classified(&name, 5, 4);
        let mut both = world.refused(&name, 6, 5);
        let of = |event: &mut Event, lead: &str| {
            if let Some(Data::CaseClassified(data)) = &mut event.data {
                lead.clone_into(&mut data.lead);
            }
        };
        of(&mut nothing, "");
        of(&mut both, "cyber");
        for wrong in [nothing, both] {
            let results = world.deliver("service/classification", vec![wrong]).await;
            assert_eq!(statuses(&results), [(DeliveryStatus::Rejected, "INVALID_ARGUMENT")]);
        }
    }

    async fn any_order_and_any_repetition_lead_to_the_same_end(database: TestDatabase) {
        let world = World::new(database).await;
        let mut ends = Vec::new();
        for number in 0..6 {
            let name = world.submitted(number).await.name;
            let [said, lead, support] = life(&world, &name);
            let mut lines = [said, lead, support];
            let count: usize = lines.iter().map(Vec::len).sum();
            for taken in 0..count {
                // Interleaved differently for each referral; every second event comes twice.
                let open: Vec<usize> =
                    (0..3).filter(|line| !lines[*line].is_empty()).collect();
                let line = open[usize::try_from(world.env.below(open.len() as u64)).unwrap()];
                let event = lines[line].remove(0);
                if taken % 2 == 0 {
                    world.take(event.clone()).await;
                }
                world.take(event).await;
            }
            let referral = world.get("bureau/NB-FR", &name).await.unwrap();
            let mut steps = world.steps(&name).await;
            steps.sort_unstable();
            ends.push((referral.state(), referral.lead_unit, referral.supporting_units, referral.outcome, steps));
        }
        assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}");
    }

    async fn a_batch_over_many_referrals_is_one_transaction(database: TestDatabase) {
        let world = World::new(database).await;
        let mut names = Vec::new();
        for number in 0..20 {
            names.push(world.submitted(number).await.name);
        }
        let batch: Vec<Event> =
            names.iter().map(|name| world.classified(name, 1, 1)).collect();
        let before = world.db.counts().get("intake.deliver_events").copied().unwrap_or_default();
        let results = world.deliver("service/classification", batch).await;
        assert!(results.iter().all(|result| result.status() == DeliveryStatus::Accepted));
        let after = world.db.counts()["intake.deliver_events"];
        assert_eq!(after.committed - before.committed, 1);
        for name in &names {
            let state = world.get("bureau/NB-FR", name).await.unwrap().state();
            assert_eq!(state, common::ReferralState::Classified);
        }
    }

    async fn concurrent_facts_leave_one_chain(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        let [said, lead, support] = life(&world, &name);
        let lines = [said, lead, support].map(|line| async {
            for event in line {
                world.take(event).await;
            }
        });
        let readers = (0..6).map(|_| world.dossier("desk/triage d.one", &name));
        let (_, read) = futures::join!(at_once(lines), at_once(readers));
        assert!(read.iter().all(Result::is_ok));
        let history = world.history("bureau/NB-FR", &name).await.unwrap();
        assert_eq!(history.len(), 2 + 8 + 6);
        crate::history::verified(&name, &history).unwrap();
    }

    async fn what_cannot_be_is_rejected_alone(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        let other = world.submitted(2).await.name;
        let pending =
            world.submit("bureau/NB-FR a.first", submission(flagged(), 3)).await.unwrap().name;
        let unknown = world.classified(&nowhere(&world), 1, 1);
        let mut unreadable = world.classified(&name, 1, 1);
        unreadable.data = None;
        let behind = world.classified(&name, 2, 1);
        let mut foreign = world.classified(&other, 1, 1);
        foreign.source = "liaison://service/routing".into();
        let mut lines = world.assignment(&other, "cyber", Lead, &[Created]);
        let mut not_its_own = lines.pop().unwrap();
        not_its_own.source = "liaison://service/classification".into();
        let not_ours = world.event("classification", "x", 1, Data::TaskChanged(event::TaskChanged::default()));
        let batch = vec![
            unknown,
            world.classified(&pending, 1, 1),
            unreadable,
            behind,
            foreign,
            not_its_own,
            not_ours,
            world.triage(&other, 2),
        ];
        let results = world.deliver("service/classification", batch).await;
        assert_eq!(
            statuses(&results),
            [
                (DeliveryStatus::Rejected, "NOT_FOUND"),
                (DeliveryStatus::Rejected, "ILLEGAL_STATE"),
                (DeliveryStatus::Rejected, "INVALID_ARGUMENT"),
                // Behind one of its own subject that took no effect.
                (DeliveryStatus::Retry, "UNAVAILABLE"),
                (DeliveryStatus::Rejected, "CALLER_NOT_ALLOWED"),
                (DeliveryStatus::Rejected, "INVALID_ARGUMENT"),
                (DeliveryStatus::Rejected, "INVALID_ARGUMENT"),
                (DeliveryStatus::Retry, "UNAVAILABLE"),
            ]
        );
        assert_eq!(world.count("inbox").await, 0);
        // Its neighbours are not held up by what is wrong with it.
        let batch = vec![world.classified(&nowhere(&world), 1, 1), world.classified(&name, 1, 1)];
        let results = world.deliver("service/classification", batch).await;
        assert_eq!(results[0].status(), DeliveryStatus::Rejected);
        assert_eq!(results[1].status(), DeliveryStatus::Accepted);
        assert_eq!(world.count("inbox").await, 1);
        let stranger = world.deliver("bureau/NB-FR", vec![world.classified(&name, 3, 1)]).await;
        assert_eq!(stranger[0].status(), DeliveryStatus::Rejected);
    }

    async fn a_declined_lead_gives_way(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        world.take(world.classified(&name, 1, 1)).await;
        for event in world.assignment(&name, "cyber", Lead, &[Created, Queued, Leased, Declined]) {
            world.take(event).await;
        }
        let referral = world.get("bureau/NB-FR", &name).await.unwrap();
        assert_eq!((referral.state(), &*referral.lead_unit), (common::ReferralState::Classified, ""));
        world.take(world.triage(&name, 2)).await;
        let referral = world.get("bureau/NB-FR", &name).await.unwrap();
        assert_eq!(referral.state(), common::ReferralState::Admitted);
        let mut promoted = world.assignment(&name, "narcotics-organized-crime", Lead, &[Promoted]);
        world.take(promoted.pop().unwrap()).await;
        let referral = world.get("bureau/NB-FR", &name).await.unwrap();
        assert_eq!(referral.state(), common::ReferralState::Routed);
        assert_eq!(referral.lead_unit, "narcotics-organized-crime");
    }
}
