//! Everybody at once: decisions, pulls, answers of every kind, leases that run out, deliveries that go
//! wrong. Afterwards the records have to be sound.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use liaison_proto::common::{AssignmentRole as Role, AssignmentState as State, DeclineReason};
use liaison_proto::event::event::Data;
use liaison_testkit::both_backends;
use liaison_testkit::environment::Environment;
use liaison_testkit::fault::Faults;

use crate::world::{Held, UNITS, World};

const REFERRALS: usize = 40;

fn is_open(state: State) -> bool {
    matches!(state, State::Queued | State::Leased | State::Accepted)
}

/// One officer who does whatever comes to mind with what is pulled.
async fn work(world: Arc<World>, unit: &'static str, seed: u64, pulls: Arc<AtomicUsize>) {
    let mind = Environment::seeded(seed);
    let mut routing = world.officer(unit, &format!("officer-{seed}"));
    while pulls.fetch_add(1, Ordering::Relaxed) < 1_500 {
        for pulled in world.pull(unit, 3).await {
            let held = Held::of(pulled);
            // Refusals are part of it: the lease may have run out, the hub may have taken it back.
            match mind.below(8) {
                0 => drop(
                    routing
                        .decline_assignment(held.decline(DeclineReason::NoCapacity))
                        .await,
                ),
                1 => drop(
                    routing
                        .decline_assignment(held.decline(DeclineReason::WrongUnit))
                        .await,
                ),
                2 => drop(routing.release_assignment(held.release()).await),
                3 => drop(
                    routing
                        .extend_lease(held.extend(Duration::from_mins(1)))
                        .await,
                ),
                4 => {}
                _ => {
                    if routing.accept_assignment(held.accept()).await.is_ok() && mind.chance(0.5) {
                        routing.complete_assignment(held.complete()).await.unwrap();
                    }
                }
            }
        }
        if mind.chance(0.05) {
            world.env.advance(Duration::from_mins(6));
        }
    }
}

both_backends! {
    /// Nothing is lost, nothing is there twice, whoever met whom.
    async fn the_records_stay_sound(database: TestDatabase) {
        let world = Arc::new(World::with_faults(database, Faults { lost_after: 0.1, lost_before: 0.1, duplicated: 0.1, refused: 0.1, ..Faults::default() }).await);
        let mind = Environment::seeded(99);
        let mut facts = Vec::new();
        for _ in 0..REFERRALS {
            let first = usize::try_from(mind.below(4)).unwrap();
            let count = usize::try_from(mind.below(4)).unwrap();
            let order: Vec<_> = (0..4).map(|step| UNITS[(first + step) % 4]).collect();
            facts.push(world.classified(order[0], &order[1..=count]));
        }
        let pulls = Arc::new(AtomicUsize::new(0));
        let officers = (0..8).map(|seed| {
            let unit = UNITS[usize::try_from(seed % 4).unwrap()];
            tokio::spawn(work(Arc::clone(&world), unit, seed, Arc::clone(&pulls)))
        });
        let officers: Vec<_> = officers.collect();
        let hub = {
            let (world, pulls, facts) = (Arc::clone(&world), Arc::clone(&pulls), facts.clone());
            tokio::spawn(async move {
                let mut revisions: HashMap<_, _> =
                    facts.iter().map(|f| (f.envelope.clone().unwrap().referral, f.clone())).collect();
                for some in facts.chunks(10) {
                    world.classify(some.to_vec()).await;
                    world.step().await;
                }
                // People at the desk decide again what comes back.
                let mut seen = 0;
                while pulls.load(Ordering::Relaxed) < 1_500 {
                    world.step().await;
                    world.ops.expire_leases().await.unwrap();
                    let back = world.everything_told("classification");
                    for event in &back[seen..] {
                        let Some(Data::CaseReturned(returned)) = &event.data else { panic!() };
                        let known = revisions.get_mut(&returned.referral).unwrap();
                        let fresh = |unit: &&&str| !returned.excluded_units.contains(&(**unit).to_string());
                        // A delivery may arrive twice.
                        if returned.revision == known.revision
                            && let Some(unit) = UNITS.iter().find(fresh)
                        {
                            *known = world.again(known, unit, &[]);
                            world.classify(vec![known.clone()]).await;
                        }
                    }
                    seen = back.len();
                    tokio::task::yield_now().await;
                }
            })
        };
        for ended in join_all(officers).await {
            ended.unwrap();
        }
        hub.await.unwrap();
        world.set_faults(Faults::default());
        world.settle_all().await;
        for (name, counts) in world.db.counts() {
            let ours = name.starts_with("routing.");
            assert!(!ours || counts.retries == 0, "{name} lost a race: {counts:?}");
        }

        // What intake heard: each assignment's life in order, whatever was repeated on the way.
        let mut last: HashMap<String, i64> = HashMap::new();
        for event in world.everything_told("intake") {
            let known = last.entry(event.subject.clone()).or_insert(0);
            *known = (*known).max(event.sequence);
        }
        let mut cases: BTreeMap<String, Vec<_>> = BTreeMap::new();
        // As the duty desk sees them: one that was taken back before its grant is shown to no unit.
        let listed = world.seen_by("desk/triage").await;
        assert_eq!(last.len(), listed.len(), "intake knows of no other");
        for assignment in listed {
            assert!(last.contains_key(&assignment.name), "intake knows of each");
            cases.entry(assignment.referral.clone()).or_default().push(assignment);
        }
        assert_eq!(cases.len(), REFERRALS);
        let mut returns: HashMap<String, Vec<i32>> = HashMap::new();
        for event in world.everything_told("classification") {
            let Some(Data::CaseReturned(returned)) = event.data else { panic!() };
            let known = returns.entry(returned.referral).or_default();
            if !known.contains(&returned.revision) {
                known.push(returned.revision);
            }
        }
        for (referral, assignments) in cases {
            let leads = assignments.iter().filter(|a| a.role() == Role::Lead && is_open(a.state()));
            let leads = leads.count();
            let done = assignments.iter().any(|a| a.role() == Role::Lead && a.state() == State::Completed);
            assert!(leads <= 1, "{referral} has one lead at most");
            let latest = assignments.iter().map(|a| &a.name).max();
            assert!(
                leads == 1 || done || returns.contains_key(&referral),
                "{referral} is in somebody's hands or with the desk: {latest:?}"
            );
            for unit in UNITS {
                let open = assignments.iter().filter(|a| a.unit == unit && is_open(a.state())).count();
                assert!(open <= 1, "{referral}: {unit} has it once");
            }
        }
    }
}
