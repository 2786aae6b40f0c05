//! Random schedules: several senders' relays, faults of every kind, crashes, a moving clock. After
//! each run: nothing is lost, nothing took effect twice, order holds, everything drained.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use liaison_outbox::{
    DeadLetterQuery, Destination, NewEvent, Outbox, Relay, RelaySettings, dead_letters, requeue,
};
use liaison_store::Db;
use liaison_testkit::environment::Environment;
use liaison_testkit::fault::{Faults, Faulty};
use liaison_types::EventId;

use crate::support::*;

const STEPS: usize = 60;
const SUBJECTS: u64 = 6;
const RELAYS: usize = 3;

struct World {
    environment: Environment,
    db: Db,
    path: Arc<Faulty<Receiver>>,
    relays: Vec<Relay>,
    seed: u64,
    next: HashMap<(Destination, u64), i64>,
    stored: HashSet<Effect>,
}

impl World {
    fn new(db: &Db, seed: u64, run: u16) -> Self {
        let environment = Environment::seeded(seed);
        let mut receiver = Receiver::new(db.clone(), &environment);
        receiver.keeps_order = run > 1;
        let path = Arc::new(Faulty::new(receiver, environment.random(), Faults::heavy()));
        let recorder = Arc::new(Recorder::default());
        let settings = RelaySettings {
            batch: 8,
            run,
            max_attempts: 20,
            ..settings()
        };
        let relays = (0..RELAYS)
            .map(|_| relay(db, &environment, path.clone(), settings, recorder.clone()))
            .collect();
        Self {
            environment,
            db: db.clone(),
            path,
            relays,
            seed,
            next: HashMap::new(),
            stored: HashSet::new(),
        }
    }

    /// A few new events of random subjects, in one transaction, sequences without order or with
    /// gaps: what matters is that they ascend.
    async fn store_some(&mut self) {
        let mut events: Vec<NewEvent> = Vec::new();
        for _ in 0..=self.environment.below(6) {
            let to = &DESTINATIONS[usize::try_from(self.environment.below(2)).unwrap()];
            let subject = self.environment.below(SUBJECTS);
            let sequence = self.next.entry((to.clone(), subject)).or_insert(0);
            *sequence += 1 + i64::try_from(self.environment.below(3)).unwrap();
            let name = format!("{}/{subject}", self.seed);
            let kind = if self.environment.chance(0.03) {
                "bad"
            } else {
                "fact"
            };
            events.push(event(&self.environment, to, &name, *sequence, kind));
            self.stored.insert(Effect {
                destination: to.as_str().to_owned(),
                subject: name,
                sequence: *sequence,
            });
        }
        let swaps = events.len() as u64;
        for _ in 0..swaps {
            let (a, b) = (self.environment.below(swaps), self.environment.below(swaps));
            events.swap(usize::try_from(a).unwrap(), usize::try_from(b).unwrap());
        }
        store(&self.db, &Outbox::new(), &self.environment, events).await;
    }

    /// One pass of `which`; a sender that dies in it is dropped with whatever it held.
    async fn pass(&self, which: usize) {
        tokio::select! {
            tick = self.relays[which].tick() => { tick.unwrap(); }
            () = self.path.died() => {}
        }
    }

    /// All relays pass at once.
    async fn race(&self) {
        tokio::select! {
            _ = futures::future::join_all(self.relays.iter().map(Relay::tick)) => {}
            () = self.path.died() => {}
        }
    }

    async fn step(&mut self) {
        match self.environment.below(10) {
            0..=2 => self.store_some().await,
            3..=5 => {
                let which = self.environment.below(RELAYS as u64);
                self.pass(usize::try_from(which).unwrap()).await;
            }
            6 => self.race().await,
            7 => {
                self.path.arrive_late().await;
            }
            8 => self
                .environment
                .advance(Duration::from_millis(self.environment.below(2_000))),
            // Some leases run out, some do not.
            _ => self
                .environment
                .advance(Duration::from_secs(self.environment.below(40))),
        }
    }

    /// The path heals, the bad events are mended: everything that is left must go.
    async fn drain(&self) {
        self.path.set(Faults::default());
        self.path.inner().rejects.lock().unwrap().clear();
        while self.path.arrive_late().await {}
        for _ in 0..200 {
            let (waiting, dead) = left(&self.db).await;
            if waiting + dead == 0 {
                return;
            }
            let letters = dead_letters(&self.db, &DeadLetterQuery::default())
                .await
                .unwrap();
            let ids: &Vec<EventId> = &letters.iter().map(|letter| letter.id).collect();
            let now = self.environment.now();
            let put_back = self
                .db
                .write_tx("test.requeue", |tx| Box::pin(requeue(tx, now, ids)))
                .await
                .unwrap();
            assert_eq!(put_back, dead);
            self.environment.advance(Duration::from_secs(11));
            for relay in &self.relays {
                relay.tick().await.unwrap();
            }
        }
        panic!("{:?} are left", left(&self.db).await);
    }

    async fn check(&self) {
        let effects = self.effects(0).await;
        let mut ordered: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
        for effect in &effects {
            let pair = (effect.destination.as_str(), effect.subject.as_str());
            ordered.entry(pair).or_default().push(effect.sequence);
        }
        for (pair, sequences) in ordered {
            assert!(sequences.is_sorted(), "{pair:?}: {sequences:?}");
        }
        let distinct: HashSet<Effect> = effects.iter().cloned().collect();
        assert_eq!(distinct.len(), effects.len(), "something took effect twice");
        assert_eq!(distinct, self.stored, "something is lost or invented");

        let hooked = self.effects(1).await;
        let distinct: HashSet<Effect> = hooked.iter().cloned().collect();
        assert_eq!(
            distinct.len(),
            hooked.len(),
            "the hook heard of something twice"
        );
        assert_eq!(distinct, self.stored, "the hook did not hear of everything");
    }

    async fn effects(&self, hook: i64) -> Vec<Effect> {
        let mine = format!("{}/", self.seed);
        let all = effects(&self.db, hook).await.into_iter();
        all.filter(|effect| effect.subject.starts_with(&mine))
            .collect()
    }
}

/// Runs with seeds of their own; the failing one is printed. `LIAISON_SIMULATION_SEED` and
/// `LIAISON_SIMULATION_RUNS` repeat one or try more.
async fn simulate(database: TestDatabase, run: u16) {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let first = number("LIAISON_SIMULATION_SEED", u64::from(run) * 1_000);
    let db = database.migrated::<Migrator>().await;
    for seed in first..first + number("LIAISON_SIMULATION_RUNS", 5) {
        let _told = OnPanic(seed);
        let mut world = World::new(&db, seed, run);
        world
            .path
            .inner()
            .rejects
            .lock()
            .unwrap()
            .insert("bad".into());
        for _ in 0..STEPS {
            world.step().await;
        }
        world.drain().await;
        world.check().await;
    }
}

/// Names the seed where a run fails.
struct OnPanic(u64);

impl Drop for OnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "repeat with LIAISON_SIMULATION_SEED={} LIAISON_SIMULATION_RUNS=1",
                self.0
            );
        }
    }
}

liaison_testkit::both_backends! {
    async fn one_event_of_a_subject_at_a_time(database: TestDatabase) {
        simulate(database, 1).await;
    }

    async fn runs_of_a_subject_in_one_batch(database: TestDatabase) {
        simulate(database, 4).await;
    }
}
