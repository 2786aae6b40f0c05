//! Lists and their pages.

use liaison_proto::common::AssignmentState as State;
use liaison_proto::routing::ListAssignmentsRequest;
use liaison_testkit::both_backends;

use crate::world::{World, refused};

both_backends! {
    /// Pages are complete, without repetition, the newest first.
    async fn pages(database: TestDatabase) {
        let world = World::new(database).await;
        for _ in 0..7 {
            world.env.advance(std::time::Duration::from_secs(1));
            world.classify(vec![world.classified("cyber", &["terrorism"])]).await;
        }
        world.settle().await;
        let mut unit = world.unit("cyber");
        let (mut names, mut token) = (Vec::new(), String::new());
        loop {
            let request = ListAssignmentsRequest {
                page_size: 3,
                page_token: token.clone(),
                ..Default::default()
            };
            let page = unit.list_assignments(request).await.unwrap().into_inner();
            assert!(page.assignments.len() <= 3);
            names.extend(page.assignments.into_iter().map(|a| (a.created_at.unwrap().seconds, a.name)));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
            // Bound to the query and to the caller.
            let other = ListAssignmentsRequest {
                page_token: token.clone(),
                include_exercises: true,
                ..Default::default()
            };
            assert_eq!(refused(unit.list_assignments(other.clone()).await), "PAGE_TOKEN_MISMATCH");
            let stolen = ListAssignmentsRequest { include_exercises: false, ..other };
            let stolen = world.unit("terrorism").list_assignments(stolen).await;
            assert_eq!(refused(stolen), "PAGE_TOKEN_MISMATCH");
        }
        assert_eq!(names.len(), 7);
        assert!(names.is_sorted_by(|a, b| a.0 > b.0));
        let negative = ListAssignmentsRequest { page_size: -1, ..Default::default() };
        assert_eq!(refused(unit.list_assignments(negative).await), "INVALID_ARGUMENT");
    }

    /// States are filtered; training traffic is shown to those who ask for it.
    async fn filters(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let mut exercise = world.classified("cyber", &[]);
        exercise.envelope.as_mut().unwrap().exercise = true;
        world.classify(vec![exercise]).await;
        world.settle().await;
        assert!(world.changes("notification").iter().any(|change| change.exercise));
        let held: Vec<_> = world.pull("cyber", 1).await;
        assert_eq!(held.len(), 1);
        let mut unit = world.unit("cyber");
        let mut count = async |states: &[State], include_exercises| {
            let states = states.iter().map(|state| i32::from(*state)).collect();
            let request = ListAssignmentsRequest { states, include_exercises, ..Default::default() };
            unit.list_assignments(request).await.unwrap().into_inner().assignments.len()
        };
        assert_eq!(count(&[], false).await, 1);
        assert_eq!(count(&[], true).await, 2);
        assert_eq!(count(&[State::Queued, State::Leased], true).await, 2);
        assert_eq!(count(&[State::Accepted], true).await, 0);
        let unknown = ListAssignmentsRequest { states: vec![99], ..Default::default() };
        assert_eq!(refused(world.unit("cyber").list_assignments(unknown).await), "INVALID_ARGUMENT");
    }
}
