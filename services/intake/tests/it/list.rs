//! Listing.

use liaison_proto::{common, intake};
use liaison_testkit::both_backends;

use crate::samples::{dossier, flagged, submission};
use crate::world::{World, fields, reason};
use std::time::Duration;

fn page(size: i32, token: &str) -> intake::ListReferralsRequest {
    intake::ListReferralsRequest {
        page_size: size,
        page_token: token.to_owned(),
        ..intake::ListReferralsRequest::default()
    }
}

/// Eleven referrals of two bureaus: an exercise among them, and one under review.
async fn filled(world: &World) {
    for number in 0..11 {
        world.env.advance(Duration::from_secs(1));
        let (bureau, dossier) = match number {
            3 => ("bureau/NB-DE", dossier()),
            5 => (
                "bureau/NB-FR",
                intake::Dossier {
                    exercise: true,
                    ..dossier()
                },
            ),
            7 => ("bureau/NB-FR a.first", flagged()),
            _ => ("bureau/NB-FR", dossier()),
        };
        world
            .submit(bureau, submission(dossier, number))
            .await
            .unwrap();
    }
}

both_backends! {
    async fn pages_follow_each_other_newest_first(database: TestDatabase) {
        let world = World::new(database).await;
        filled(&world).await;
        let mut token = String::new();
        let mut references = Vec::new();
        let mut sizes = Vec::new();
        loop {
            let answer = world.list("bureau/NB-FR", page(4, &token)).await.unwrap();
            sizes.push(answer.referrals.len());
            references.extend(answer.referrals.into_iter().map(|referral| referral.reference));
            token = answer.next_page_token;
            // What comes in meanwhile is newer than every page that is left.
            world.submitted(100 + sizes.len() as u128).await;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(sizes, [4, 4, 1]);
        // 000005 was the exercise.
        let expected = [10, 9, 8, 7, 6, 4, 3, 2, 1].map(|n| format!("2026-FR-{n:06}"));
        assert_eq!(references, expected);
    }

    async fn a_token_belongs_to_its_query(database: TestDatabase) {
        let world = World::new(database).await;
        filled(&world).await;
        let token = world.list("bureau/NB-FR", page(4, "")).await.unwrap().next_page_token;
        let states = vec![common::ReferralState::Admitted.into()];
        let filtered = intake::ListReferralsRequest { states, ..page(4, &token) };
        let with_exercises =
            intake::ListReferralsRequest { include_exercises: true, ..page(4, &token) };
        for (caller, request) in [
            ("bureau/NB-DE", page(4, &token)),
            ("desk/triage", page(4, &token)),
            ("bureau/NB-FR", filtered),
            ("bureau/NB-FR", with_exercises),
            ("bureau/NB-FR", page(4, "nonsense")),
            ("bureau/NB-FR", page(4, &token[1..])),
        ] {
            assert_eq!(reason(world.list(caller, request).await), "PAGE_TOKEN_MISMATCH");
        }
        // The size may change from page to page.
        assert_eq!(world.list("bureau/NB-FR", page(2, &token)).await.unwrap().referrals.len(), 2);
        assert_eq!(fields(world.list("bureau/NB-FR", page(-1, "")).await), ["page_size"]);
    }

    async fn filters_and_desks(database: TestDatabase) {
        let world = World::new(database).await;
        filled(&world).await;
        let count = |caller: &'static str, states: Vec<i32>, include_exercises: bool| {
            let request =
                intake::ListReferralsRequest { states, include_exercises, ..page(0, "") };
            let world = &world;
            async move { world.list(caller, request).await.unwrap().referrals.len() }
        };
        let review: i32 = common::ReferralState::UnderReview.into();
        let admitted: i32 = common::ReferralState::Admitted.into();
        let purged: i32 = common::ReferralState::Purged.into();
        assert_eq!(count("bureau/NB-FR", vec![], false).await, 9);
        assert_eq!(count("bureau/NB-FR", vec![], true).await, 10);
        assert_eq!(count("bureau/NB-FR", vec![review], false).await, 1);
        assert_eq!(count("desk/compliance", vec![review], false).await, 1);
        assert_eq!(count("desk/triage", vec![], true).await, 11);
        assert_eq!(count("desk/triage", vec![admitted, review], false).await, 10);
        // A state that nothing here can be in yet.
        assert_eq!(count("desk/triage", vec![purged], true).await, 0);
        assert_eq!(count("bureau/NB-DE", vec![], false).await, 1);
        assert_eq!(count("desk/other", vec![], true).await, 0);
        let unknown = intake::ListReferralsRequest { states: vec![0, 99], ..page(0, "") };
        assert_eq!(fields(world.list("desk/triage", unknown).await), ["states[0]", "states[1]"]);
    }
}
