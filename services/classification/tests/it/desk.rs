//! People decide at the triage desk.

use std::time::Duration;

use liaison_classification::convert::{decision, page_request, waiting};
use liaison_grpc::wire;
use liaison_proto::classification::{ListTriageItemsRequest, TriageItem};
use liaison_proto::common::{Markings, Urgency};
use liaison_proto::event::event::Data;
use liaison_proto::event::{Envelope, TriageCause};
use liaison_testkit::both_backends;
use liaison_types::{ErrorKind, Reason, ReferralId};

use crate::kit::{World, coded, duty_officer, vague};

async fn page(
    world: &World,
    page_size: i32,
    page_token: &str,
    include_exercises: bool,
) -> (Vec<TriageItem>, String) {
    let request = ListTriageItemsRequest {
        page_size,
        page_token: page_token.into(),
        include_exercises,
    };
    let page = page_request(&duty_officer().party, &request).unwrap();
    let (items, token) = world.ops.list_triage_items(&page).await.unwrap();
    (items.iter().map(waiting).collect(), token)
}

fn excluding(units: &[&str]) -> impl FnOnce(&mut Envelope) {
    let excluded_units = units.iter().map(ToString::to_string).collect();
    move |envelope| {
        envelope.markings = Some(Markings {
            excluded_units,
            ..Markings::default()
        });
    }
}

both_backends! {
    /// The most urgent first, then the longest waiting; pages neither repeat nor leave out.
    async fn items_stand_in_their_order(database: TestDatabase) {
        let world = World::new(database).await;
        let mut expected: Vec<(i32, usize, ReferralId)> = Vec::new();
        for number in 0..9 {
            let (urgency, priority) = [
                (Urgency::Routine, 2),
                (Urgency::EmergencyLife, 0),
                (Urgency::Urgent, 1),
            ][number % 3];
            let referral = world
                .admit_as(vague(), |envelope| envelope.urgency = urgency.into())
                .await;
            world.work().await;
            // Some wait equally long.
            if number % 2 == 0 {
                world.environment.advance(Duration::from_secs(1));
            }
            expected.push((priority, number.div_ceil(2), referral));
        }
        world
            .admit_as(vague(), |envelope| envelope.exercise = true)
            .await;
        world.work().await;
        expected.sort_unstable();
        let expected: Vec<String> = expected
            .iter()
            .map(|(_, _, referral)| wire::resource(*referral))
            .collect();

        let (mut all, mut token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let (items, next) = page(&world, 2, &token, false).await;
            assert!(items.len() <= 2);
            all.extend(items.into_iter().map(|item| item.referral));
            pages += 1;
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!((all, pages), (expected, 5));
        assert_eq!(page(&world, 0, "", true).await.0.len(), 10);
        let (items, next) = page(&world, 9, "", false).await;
        assert_eq!((items.len(), next.as_str()), (9, ""));
    }

    /// Everything the desk needs to decide.
    async fn an_item_shows_proposal_and_exclusions(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit_as(coded("0903"), excluding(&["cyber"])).await;
        world.work().await;
        let (items, _) = page(&world, 0, "", false).await;
        let [item] = &items[..] else {
            panic!("one item");
        };
        assert_eq!(item.name, format!("triageItems/{referral}"));
        assert_eq!(item.referral, format!("referrals/{referral}"));
        assert_eq!(item.reference, "2026-FR-000123");
        assert_eq!(item.cause(), TriageCause::NotPermitted);
        assert_eq!(item.urgency(), Urgency::Routine);
        assert_eq!(item.waiting_since, Some(wire::timestamp(world.environment.now())));
        assert_eq!(item.excluded_units, ["cyber"]);
        let decisions = world.ops.list_decisions(referral).await.unwrap();
        assert_eq!(item.proposal, Some(decision(&decisions[0])));
        assert_eq!(item.proposal.as_ref().unwrap().lead, "cyber");
        let refused = "classification.permit_unit route REFUSE LEAD unit/cyber";
        assert_eq!(world.decided().await, [refused]);
    }

    /// Routing and intake are told; the item is gone and cannot be decided again.
    async fn the_desk_decides_once(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(vague()).await;
        world.work().await;
        let units = ["cyber", "children-trafficking"];
        let decided = world.rule(referral, "terrorism", &units).await.unwrap();
        assert_eq!(decided.revision, 2);
        assert_eq!(world.state(referral).await, "ROUTED");
        assert!(page(&world, 0, "", true).await.0.is_empty());

        let kinds = ["triage_requested", "triage_requested", "case_classified", "case_classified"];
        let told = world.told(referral).await;
        assert_eq!(told.iter().map(|told| told.2).collect::<Vec<_>>(), kinds);
        assert_eq!((told[2].0, told[2].1.as_str()), (2, "intake"));
        assert_eq!((told[3].0, told[3].1.as_str()), (2, "routing"));
        let Some(Data::CaseClassified(classified)) = &world.outbox().await[3].1.data else {
            panic!("another kind");
        };
        assert_eq!(classified.lead, "terrorism");
        assert_eq!(classified.supporting, units);
        assert_eq!((classified.revision, classified.by_person), (2, true));
        assert_eq!(classified.rules, ["triage.desk"]);

        let decisions = world.ops.list_decisions(referral).await.unwrap();
        let revisions: Vec<i32> = decisions.iter().map(|decided| decided.revision).collect();
        assert_eq!(revisions, [2, 1]);
        assert_eq!(decisions[0], decided);
        let shown = decision(&decisions[0]);
        assert_eq!(shown.decided_by.unwrap().officer, "d.officer");
        assert_eq!(shown.note, "as the facts say");

        let error = world.rule(referral, "cyber", &[]).await.unwrap_err();
        assert_eq!(error.reason(), Reason::IllegalState);
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
        assert_eq!(world.count("decision").await, 2);
    }

    /// Each mistake has its own reason, and changes nothing.
    async fn what_may_not_be_decided(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit_as(vague(), excluding(&["cyber"])).await;
        let refused = async |lead, supporting: &[&str]| {
            world.rule(referral, lead, supporting).await.unwrap_err().reason()
        };
        assert_eq!(refused("terrorism", &[]).await, Reason::NotFound, "not at the desk yet");
        world.work().await;
        assert_eq!(refused("traffic", &[]).await, Reason::UnknownUnit);
        assert_eq!(refused("terrorism", &["none"]).await, Reason::UnknownUnit);
        assert_eq!(refused("cyber", &[]).await, Reason::UnitExcluded);
        assert_eq!(refused("terrorism", &["cyber"]).await, Reason::UnitExcluded);
        let nobody = world.rule(world.referral(), "terrorism", &[]).await.unwrap_err();
        assert_eq!(nobody.reason(), Reason::NotFound);
        assert_eq!(world.told(referral).await.len(), 2);
        // The machine's decision and the two refusals by policy.
        assert_eq!(world.count("audit").await, 3);
        world.rule(referral, "terrorism", &[]).await.unwrap();
        assert_eq!(world.decided().await, [
            "classification.decide_triage route REFUSE LEAD unit/cyber",
            "classification.decide_triage route REFUSE SUPPORTING unit/cyber",
            "classification.decide_triage triage PERMIT",
        ]);
    }

    /// Two officers at the same moment: one decides, the other is told so.
    async fn two_officers_decide_once(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(vague()).await;
        world.work().await;
        let (one, other) = tokio::join!(
            world.rule(referral, "terrorism", &[]),
            world.rule(referral, "cyber", &[]),
        );
        let ((Ok(_), Err(failed)) | (Err(failed), Ok(_))) = (one, other) else {
            panic!("exactly one");
        };
        assert_eq!(failed.reason(), Reason::IllegalState);
        assert_eq!(world.told(referral).await.len(), 4);
    }
}
