//! Cases that come back from routing.

use liaison_classification::convert::{page_request, waiting};
use liaison_proto::classification::ListTriageItemsRequest;
use liaison_proto::event::{DeliveryStatus, TriageCause};
use liaison_testkit::both_backends;
use liaison_types::{Reason, ReferralId};

use crate::kit::{World, coded, duty_officer, vague};

async fn excluded(world: &World, referral: ReferralId) -> (TriageCause, Vec<String>) {
    let request = ListTriageItemsRequest::default();
    let page = page_request(&duty_officer().party, &request).unwrap();
    let (items, _) = world.ops.list_triage_items(&page).await.unwrap();
    let item = items.iter().find(|item| item.item.referral == referral);
    let item = waiting(item.unwrap());
    (item.cause(), item.excluded_units)
}

both_backends! {
    /// Back to the desk, with the units that declined; the next decision has a higher revision.
    async fn a_case_that_comes_back_is_decided_again(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        let event = world.came_back(referral, 1, TriageCause::WrongUnit, &["cyber"]);
        world.deliver("routing", vec![event.clone()]).await;
        world.deliver("routing", vec![event]).await;
        assert_eq!(world.state(referral).await, "TRIAGE");
        let kind = "triage_requested";
        let told = world.told(referral).await;
        assert_eq!(told[2..], [(2, "intake".into(), kind), (2, "notification".into(), kind)]);
        let found = excluded(&world, referral).await;
        assert_eq!(found, (TriageCause::WrongUnit, vec!["cyber".to_owned()]));

        let error = world.rule(referral, "cyber", &[]).await.unwrap_err();
        assert_eq!(error.reason(), Reason::UnitExcluded);
        let decided = world.rule(referral, "terrorism", &[]).await.unwrap();
        assert_eq!(decided.revision, 2);

        // Once more: the same item is opened again.
        let units = ["cyber", "terrorism"];
        let event = world.came_back(referral, 2, TriageCause::Declined, &units);
        world.deliver("routing", vec![event]).await;
        let found = excluded(&world, referral).await;
        assert_eq!(found, (TriageCause::Declined, units.map(str::to_owned).to_vec()));
        let lead = "narcotics-organized-crime";
        let decided = world.rule(referral, lead, &[]).await.unwrap();
        assert_eq!(decided.revision, 3);
        let told = world.told(referral).await;
        let positions: Vec<i64> = told.iter().map(|told| told.0).collect();
        assert_eq!(positions, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(world.count("triage_item").await, 1);
    }

    /// One batch with first and repeated returns of many cases.
    async fn many_come_back_together(database: TestDatabase) {
        let world = World::new(database).await;
        let mut events = Vec::new();
        let mut cases = Vec::new();
        for number in 0..6 {
            let by_machine = number % 2 == 0;
            let input = if by_machine { coded("0903") } else { vague() };
            let referral = world.admit(input).await;
            world.work().await;
            if !by_machine {
                world.rule(referral, "cyber", &[]).await.unwrap();
            }
            let revision = if by_machine { 1 } else { 2 };
            let cause = TriageCause::DeadLettered;
            events.push(world.came_back(referral, revision, cause, &[]));
            cases.push(referral);
        }
        world.deliver("routing", events).await;
        assert_eq!(world.count("triage_item").await, 6);
        for referral in cases {
            assert_eq!(excluded(&world, referral).await, (TriageCause::DeadLettered, vec![]));
            // A dead letter is no decline: the same unit may be asked again.
            world.rule(referral, "cyber", &[]).await.unwrap();
        }
    }

    /// A return of a decision that was replaced, or of none that was ever made.
    async fn returns_that_fit_nothing(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        let future = world.came_back(referral, 2, TriageCause::Declined, &[]);
        let results = world.offer("routing", vec![future]).await;
        assert_eq!(results[0].status(), DeliveryStatus::Rejected);
        assert_eq!(results[0].reason, "INVALID_ARGUMENT");

        let event = world.came_back(referral, 1, TriageCause::Declined, &["cyber"]);
        world.deliver("routing", vec![event]).await;
        world.rule(referral, "terrorism", &[]).await.unwrap();
        let stale = world.came_back(referral, 1, TriageCause::WrongUnit, &["terrorism"]);
        world.deliver("routing", vec![stale]).await;
        assert_eq!(world.state(referral).await, "ROUTED");
        assert_eq!(world.told(referral).await.len(), 6);
    }
}
