//! The content of a referral is purged: what the triage desk wrote about it goes too, and the rest stays.

use liaison_proto::event::{DeliveryStatus, TriageCause};
use liaison_testkit::both_backends;
use liaison_types::ReferralId;

use crate::kit::{World, vague};

async fn ruled(world: &World) -> ReferralId {
    let referral = world.admit(vague()).await;
    world.work().await;
    world.rule(referral, "terrorism", &[]).await.unwrap();
    referral
}

async fn notes(world: &World, referral: ReferralId) -> Vec<Option<String>> {
    let decisions = world.ops.list_decisions(referral).await.unwrap();
    decisions.into_iter().map(|decided| decided.note).collect()
}

both_backends! {
    async fn what_the_desk_wrote_is_destroyed_and_nothing_else(database: TestDatabase) {
        let world = World::new(database).await;
        let (purged, kept) = (ruled(&world).await, ruled(&world).await);
        let mut before = world.ops.list_decisions(purged).await.unwrap();
        let event = world.purged(purged);
        world.deliver("intake", vec![event.clone()]).await;
        // It may come again, and may be said again.
        world.deliver("intake", vec![event]).await;
        world.deliver("intake", vec![world.purged(purged)]).await;

        before[0].note = None;
        before[1].making.as_mut().unwrap().input = None;
        assert_eq!(world.ops.list_decisions(purged).await.unwrap(), before, "who decided what stays");
        assert_eq!(notes(&world, kept).await, [Some("as the facts say".to_owned()), None]);
        assert_eq!(world.count("data_key").await, 1);
        assert_eq!(world.count("decision WHERE note IS NOT NULL").await, 1);
        assert_eq!(world.count("audit WHERE action = 'classification.purge'").await, 1);
        assert_eq!(world.count("audit WHERE action = 'classification.purge' AND party LIKE '%service/intake'").await, 1);
    }

    /// What is decided later is decided; the reasoning is not kept.
    async fn nothing_is_written_about_what_was_purged(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = ruled(&world).await;
        world.deliver("intake", vec![world.purged(referral)]).await;
        let back = world.came_back(referral, 2, TriageCause::Declined, &["terrorism"]);
        world.deliver("routing", vec![back]).await;
        world.rule(referral, "cyber", &[]).await.unwrap();
        assert_eq!(notes(&world, referral).await, [None, None, None]);
        assert_eq!(world.count("data_key").await, 0);
    }

    /// What was never admitted has nothing to destroy.
    async fn an_unknown_referral_is_no_error(database: TestDatabase) {
        let world = World::new(database).await;
        world.deliver("intake", vec![world.purged(world.referral())]).await;
        assert_eq!(world.count("purged_referral").await, 1);
        assert_eq!(world.count("referral_case").await, 0);
    }

    async fn only_intake_purges(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = ruled(&world).await;
        let said = world.purged(referral);
        for source in ["routing", "notification"] {
            let mut event = said.clone();
            event.source = format!("liaison://service/{source}");
            for event in [event, said.clone()] {
                let results = world.offer(source, vec![event]).await;
                assert_eq!(results[0].status(), DeliveryStatus::Rejected, "{source}");
            }
        }
        assert_eq!(notes(&world, referral).await[0].as_deref(), Some("as the facts say"));
    }
}
