//! Admitted referrals are decided by the machine.

use liaison_proto::common::{Markings, Urgency};
use liaison_proto::event::event::Data;
use liaison_proto::event::{DeliveryResult, DeliveryStatus, TriageCause};
use liaison_store::DbBackend;
use liaison_testkit::both_backends;
use liaison_types::Reason;

use crate::kit::{LEASE, MAX_ATTEMPTS, TRACE, World, coded, envelope, vague};

both_backends! {
    /// Routing and intake are told, with what each needs.
    async fn an_admitted_referral_is_decided(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        assert_eq!(world.state(referral).await, "PENDING");
        assert_eq!(world.ops.list_decisions(referral).await.unwrap(), []);
        let tally = world.work().await;
        assert_eq!((tally.claimed, tally.concluded, tally.postponed), (1, 1, 0));
        assert_eq!(world.state(referral).await, "ROUTED");

        let told = world.told(referral).await;
        let kind = "case_classified";
        assert_eq!(told, [(1, "intake".into(), kind), (1, "routing".into(), kind)]);
        let outbox = world.outbox().await;
        assert!(outbox.iter().all(|(_, event)| event.traceparent == TRACE));
        let Some(Data::CaseClassified(classified)) = &outbox[1].1.data else {
            panic!("another kind");
        };
        assert_eq!(classified.lead, "cyber");
        assert_eq!((classified.revision, classified.by_person), (1, false));
        assert!(!classified.desk.is_empty() && !classified.rules.is_empty());
        assert_eq!(classified.envelope, Some(envelope(referral, world.environment.now())));

        let decisions = world.ops.list_decisions(referral).await.unwrap();
        assert_eq!(decisions.len(), 1);
        assert_eq!(classified.decision, format!("classifications/{}", decisions[0].id));
        assert_eq!(decisions[0].probabilities.len(), 5);
        assert_eq!(world.count("audit").await, 1);
        assert_eq!(world.count("triage_item").await, 0);
    }

    /// The inbox knows it again; so does the case, where it comes under another id.
    async fn the_same_fact_twice_has_one_effect(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.referral();
        world.intake.has(referral, coded("0903"));
        let envelope = envelope(referral, world.environment.now());
        let event = world.admitted(&envelope);
        world.deliver("intake", vec![event.clone(), event.clone()]).await;
        world.deliver("intake", vec![event.clone()]).await;
        assert_eq!(world.work().await.concluded, 1);
        world.deliver("intake", vec![event, world.admitted(&envelope)]).await;
        assert_eq!(world.work().await.concluded, 0);
        assert_eq!(world.told(referral).await.len(), 2);
        assert_eq!(world.count("decision").await, 1);
    }

    /// Nothing is lost, no attempt is counted, and nothing waits longer than intake is away.
    async fn intake_may_be_away(database: TestDatabase) {
        let mut world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        world.stop_intake().await;
        for _ in 0..2 * MAX_ATTEMPTS {
            let error = world.ops.classify_pending().await.unwrap_err();
            assert_eq!(error.reason(), Reason::Unavailable);
        }
        assert_eq!(world.state(referral).await, "PENDING");
        world.start_intake().await;
        assert_eq!(world.work().await.concluded, 1);
        assert_eq!(world.state(referral).await, "ROUTED");
    }

    /// Intake does not have it yet: the others are decided, this one later.
    async fn a_referral_that_is_not_there_yet_is_tried_again(database: TestDatabase) {
        let world = World::new(database).await;
        let late = world.referral();
        let admitted = world.admitted(&envelope(late, world.environment.now()));
        world.deliver("intake", vec![admitted]).await;
        let there = world.admit(coded("0903")).await;
        let tally = world.work().await;
        assert_eq!((tally.concluded, tally.postponed), (1, 1));
        assert_eq!(world.state(there).await, "ROUTED");

        world.intake.has(late, coded("0906"));
        assert_eq!(world.work().await.claimed, 0, "not before its time");
        world.environment.advance(LEASE);
        assert_eq!(world.work().await.concluded, 1);
        assert_eq!(world.state(late).await, "ROUTED");
    }

    /// A referral at which every call fails is found among the others by halving.
    async fn a_poisoned_case_delays_no_other_and_ends_at_the_desk(database: TestDatabase) {
        let world = World::new(database).await;
        let mut others = Vec::new();
        let mut poisoned = None;
        for number in 0..16 {
            let referral = world.admit(coded("0903")).await;
            if number == 5 {
                world.intake.poison(referral);
                poisoned = Some(referral);
            } else {
                others.push(referral);
            }
        }
        let tally = world.work().await;
        assert_eq!((tally.claimed, tally.concluded, tally.postponed), (16, 15, 1));
        let asked = world.intake.take_asked();
        assert_eq!(asked[0], 16);
        assert_eq!(asked.len(), 9, "two calls for each halving: {asked:?}");
        for other in others {
            assert_eq!(world.state(other).await, "ROUTED");
        }

        let poisoned = poisoned.unwrap();
        for attempt in 2..=MAX_ATTEMPTS {
            assert_eq!(world.state(poisoned).await, "PENDING");
            world.environment.advance(LEASE);
            let tally = world.work().await;
            assert_eq!(tally.concluded, u32::from(attempt == MAX_ATTEMPTS));
        }
        assert_eq!(world.state(poisoned).await, "TRIAGE");
        let kind = "triage_requested";
        let told = world.told(poisoned).await;
        assert_eq!(told, [(1, "intake".into(), kind), (1, "notification".into(), kind)]);
        assert!(world.ops.list_decisions(poisoned).await.unwrap().is_empty());
        let decided = world.rule(poisoned, "terrorism", &[]).await.unwrap();
        assert_eq!(decided.revision, 1);
    }

    /// One row that the database refuses is told from the others, one by one.
    async fn a_case_that_cannot_be_written_delays_no_other(database: TestDatabase) {
        let world = World::new(database).await;
        let (one, bad, other) = (
            world.admit(coded("0903")).await,
            world.admit(coded("0903")).await,
            world.admit(coded("0903")).await,
        );
        let hex = bad.uuid().simple().to_string();
        let id = match world.db.backend() {
            DbBackend::Postgres => format!("'{hex}'"),
            _ => format!("x'{hex}'"),
        };
        world
            .execute(&format!(
                "INSERT INTO decision (id, referral_id, revision, outcome, supporting, \
                 probabilities, grounds, rule_set, decided_at) \
                 VALUES ({id}, {id}, 1, 'ROUTE', '[]', '[]', '[]', '', 0)"
            ))
            .await;
        let tally = world.work().await;
        assert_eq!((tally.claimed, tally.concluded, tally.postponed), (3, 2, 1));
        for (referral, state) in [(one, "ROUTED"), (bad, "PENDING"), (other, "ROUTED")] {
            assert_eq!(world.state(referral).await, state);
        }
        assert!(world.told(bad).await.is_empty());
    }

    /// Not even a row that somebody has damaged.
    async fn a_case_that_makes_no_sense_delays_no_other(database: TestDatabase) {
        let world = World::new(database).await;
        let damaged = world.admit(coded("0903")).await;
        world.execute("UPDATE referral_case SET urgency = 'SOON'").await;
        let other = world.admit(coded("0903")).await;
        let tally = world.ops.classify_pending().await.unwrap();
        assert_eq!((tally.claimed, tally.concluded), (1, 1));
        assert_eq!(world.state(other).await, "ROUTED");
        assert_eq!(world.state(damaged).await, "PENDING");
        // Mended, it goes its way.
        world.execute("UPDATE referral_case SET urgency = 'ROUTINE'").await;
        world.environment.advance(LEASE);
        assert_eq!(world.work().await.concluded, 1);
    }

    /// Whoever comes second, after the lease, changes nothing.
    async fn two_replicas_decide_once(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        let first = world.ops.claim_pending().await.unwrap();
        assert_eq!(first.len(), 1);
        assert!(world.ops.claim_pending().await.unwrap().is_empty());
        world.environment.advance(LEASE);
        let second = world.ops.claim_pending().await.unwrap();
        assert_eq!(second[0].attempts, 2);
        assert_eq!(world.ops.classify(second).await.unwrap().concluded, 1);
        assert_eq!(world.ops.classify(first).await.unwrap().concluded, 0);
        assert_eq!(world.told(referral).await.len(), 2);
        assert_eq!(world.count("decision").await, 1);
    }

    /// A life in danger goes before everything that waits longer.
    async fn the_most_pressing_goes_first(database: TestDatabase) {
        let world = World::with_batch(database, 1).await;
        let mut admitted = Vec::new();
        for urgency in [Urgency::Routine, Urgency::Urgent, Urgency::EmergencyLife] {
            world.environment.advance(LEASE);
            let change = |envelope: &mut liaison_proto::event::Envelope| {
                envelope.urgency = urgency.into();
            };
            admitted.push(world.admit_as(coded("0903"), change).await);
        }
        let mut order = Vec::new();
        for _ in 0..3 {
            order.push(world.ops.claim_pending().await.unwrap()[0].referral);
        }
        admitted.reverse();
        assert_eq!(order, admitted);
    }

    /// What is not certain, and what may not go where it fits, goes to people.
    async fn the_uncertain_and_the_forbidden_go_to_the_desk(database: TestDatabase) {
        let world = World::new(database).await;
        let uncertain = world.admit(vague()).await;
        let forbidden = world
            .admit_as(coded("0903"), |envelope| {
                envelope.markings = Some(Markings {
                    excluded_units: vec!["cyber".into()],
                    ..Markings::default()
                });
                envelope.exercise = true;
            })
            .await;
        world.work().await;
        let outbox = world.outbox().await;
        for (referral, causes) in [
            (uncertain, vec![TriageCause::Uncertain, TriageCause::NoUnit]),
            (forbidden, vec![TriageCause::NotPermitted]),
        ] {
            assert_eq!(world.state(referral).await, "TRIAGE");
            let kind = "triage_requested";
            let told = world.told(referral).await;
            assert_eq!(told, [(1, "intake".into(), kind), (1, "notification".into(), kind)]);
            let subject = format!("referrals/{referral}");
            let event = outbox.iter().find(|(_, event)| event.subject == subject);
            let Some(Data::TriageRequested(requested)) = &event.unwrap().1.data else {
                panic!("another kind");
            };
            assert!(causes.contains(&requested.cause()), "{requested:?}");
            assert_eq!(requested.exercise, referral == forbidden);
            assert_eq!(requested.reference, "2026-FR-000123");
        }
        let decision = &world.ops.list_decisions(forbidden).await.unwrap()[0];
        assert_eq!(decision.lead.as_ref().unwrap().as_str(), "cyber");
        assert!(decision.rules().contains(&"markings.exclusion.unit".to_owned()));
    }

    /// What can never work is rejected, and its neighbours are not.
    async fn a_bad_fact_fails_no_neighbour(database: TestDatabase) {
        let world = World::new(database).await;
        let good = world.referral();
        let good_event = world.admitted(&envelope(good, world.environment.now()));
        let mut bad = envelope(world.referral(), world.environment.now());
        bad.received_at = None;
        let foreign = world.admitted(&envelope(world.referral(), world.environment.now()));
        let unknown = world.came_back(world.referral(), 1, TriageCause::Declined, &[]);
        let results = world.offer("intake", vec![world.admitted(&bad), good_event]).await;
        let statuses: Vec<_> = results.iter().map(DeliveryResult::status).collect();
        assert_eq!(statuses, [DeliveryStatus::Rejected, DeliveryStatus::Accepted]);
        assert_eq!(results[0].reason, "INVALID_ARGUMENT");
        for (source, event, reason) in [
            ("routing", foreign, "CALLER_NOT_ALLOWED"),
            ("intake", unknown.clone(), "CALLER_NOT_ALLOWED"),
            ("routing", unknown, "NOT_FOUND"),
        ] {
            let results = world.offer(source, vec![event]).await;
            assert_eq!(results[0].status(), DeliveryStatus::Rejected);
            assert_eq!(results[0].reason, reason);
        }
        assert_eq!(world.count("referral_case").await, 1);
    }
}
