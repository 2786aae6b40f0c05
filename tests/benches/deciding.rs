//! How many cases a second classification decides, against the rules alone run beside it.
//!
//! ```text
//! tests/run --durable -- cargo bench --package e2e --bench deciding
//! ```
//!
//! Measured is everything between a case that waits and its decision in the outbox: claiming, reading,
//! deciding, writing. Intake is a stand-in that answers at once. The baseline decides the same dossiers
//! in one thread, without a database. Each round measures both, one after the other, and only their
//! ratio is compared from machine to machine. SQLite always; PostgreSQL where
//! `LIAISON_TEST_POSTGRES_URL` names a server, as under `tests/run`.

#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::{BoxFuture, try_join_all};
use liaison_classification::Migrator;
use liaison_classification::arrivals::Arrivals;
use liaison_classification::artefacts::in_use::RuleSets;
use liaison_classification::convert;
use liaison_classification::domain::{RuleSet, decide};
use liaison_classification::inputs::{Found, InputSource};
use liaison_classification::ops::{Ops, Parts, Terms};
use liaison_classification::worker::Facts;
use liaison_grpc::event_delivery::{EventInbox, EventSource, NewFact};
use liaison_grpc::wire;
use liaison_outbox::{Destination, Outbox};
use liaison_policy::Policy;
use liaison_proto::common::{self, Offence};
use liaison_proto::event::event::Data;
use liaison_proto::event::{DeliveryResult, DeliveryStatus, Envelope, Event, ReferralAdmitted};
use liaison_proto::intake::ClassificationInput;
use liaison_store::sealed::{KeyRing, Vault};
use liaison_testkit::backend::{Backend, run};
use liaison_testkit::database::{POSTGRES_URL, TestDatabase};
use liaison_testkit::environment::Environment;
use liaison_types::{Backoff, Party, ReferralId, Result, Timestamp};
use prost::Message as _;

const ROUNDS: usize = 7;
const CASES: u32 = 4_096;
/// As many are told of in one transaction.
const TOLD_AT_ONCE: usize = 256;
/// As many batches are decided at a time, of as many cases: the service's defaults.
const IN_FLIGHT: usize = 4;
const BATCH: u16 = 64;

/// Two paragraphs as bureaus write them, about 1.2 KiB.
const NARRATIVE: &str = "During the night the accounting servers of a regional hospital were \
    entered with stolen credentials. The attackers encrypted patient files with ransomware and \
    left a note that demands payment to a wallet address. Log files show connections from hosted \
    machines in two countries. The hospital has moved patients to other clinics and works on \
    paper. A sample of the malware was preserved by the national response team and its hash is \
    given in the list of evidence. The same group appears to have attacked a second clinic in the \
    spring; there a payment was made in bitcoin and partly returned. We ask for subscriber data \
    of the addresses listed, for the preservation of the machines, and for a contact at the \
    hosting provider. The investigation is led by the prosecutor of the first instance and the \
    technical work by the cyber unit of the judicial police. Interviews with administrators are \
    under way; a former employee whose access was not revoked is considered. Persons named in the \
    annex are witnesses unless marked otherwise. Answers may be used in proceedings with our \
    consent.";

fn main() {
    // `cargo bench` says so. Whoever runs this otherwise looks for tests, and there are none.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let rules = RuleSets::of_build().unwrap();
    let mut backends = vec![Backend::Sqlite];
    if std::env::var_os(POSTGRES_URL).is_some() {
        backends.push(Backend::Postgres);
    }
    for backend in backends {
        let rounds: Vec<(f64, f64)> = (0..ROUNDS)
            .map(|_| {
                let alone = alone(&rules.in_use().active.rules);
                (run(decided(backend, &rules)), alone)
            })
            .collect();
        println!(
            "{backend}: {:.0} cases a second; the rules alone {:.0}",
            median(rounds.iter().map(|(rate, _)| *rate)),
            median(rounds.iter().map(|(_, alone)| *alone)),
        );
        let ratios = || rounds.iter().map(|(rate, alone)| rate / alone);
        println!(
            "  ratio {:.3}, between {:.3} and {:.3} in {ROUNDS} rounds",
            median(ratios()),
            ratios().fold(f64::INFINITY, f64::min),
            ratios().fold(0.0, f64::max),
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn rate(since: Instant) -> f64 {
    f64::from(CASES) / since.elapsed().as_secs_f64()
}

/// How many dossiers a second the rules decide in this thread.
fn alone(rules: &RuleSet) -> f64 {
    let referral = referral(&Environment::seeded(7));
    let (_, input) = convert::input(dossier(referral)).unwrap();
    let input = input.unwrap();
    let begun = Instant::now();
    for _ in 0..CASES {
        std::hint::black_box(decide(rules, &std::hint::black_box(&input).as_input()));
    }
    rate(begun)
}

/// How many waiting cases a second are decided, on an empty database.
async fn decided(backend: Backend, rules: &RuleSets) -> f64 {
    let database = match backend {
        Backend::Sqlite => TestDatabase::sqlite(),
        Backend::Postgres => TestDatabase::postgres().await,
    };
    let db = database.migrated::<Migrator>().await;
    let environment = Environment::seeded(7);
    let ring = KeyRing::from_keys([(1, [7; 32])]).unwrap();
    let ops = Ops::new(Parts {
        db: db.clone(),
        clock: environment.clock(),
        random: environment.random(),
        vault: Vault::new(Arc::new(ring), environment.random()),
        rules: rules.clone(),
        policy: Policy::built_in(),
        inputs: Arc::new(Dossiers),
        terms: Terms {
            batch: BATCH,
            lease: Duration::from_secs(60),
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(8)).unwrap(),
            max_attempts: 5,
        },
        outbox: Outbox::new(),
    });
    let facts = Facts::new(ops.clone(), Arrivals::default());
    let inbox = EventInbox::new(
        db,
        environment.clock(),
        "classification.deliver_events",
        facts,
    );
    let intake = Party::service("intake");
    let source = EventSource::new(&intake, environment.random());
    let admitted: Vec<Event> = (0..CASES)
        .map(|_| admitted(&environment, &source))
        .collect();
    for events in admitted.chunks(TOLD_AT_ONCE) {
        let results = inbox.receive(&intake, events.to_vec()).await.unwrap();
        let accepted = |result: &_| DeliveryResult::status(result) == DeliveryStatus::Accepted;
        assert!(results.iter().all(accepted), "{results:?}");
    }

    let begun = Instant::now();
    let drains = (0..IN_FLIGHT).map(|_| tokio::spawn(drain(ops.clone())));
    let drained = try_join_all(drains).await.unwrap();
    let rate = rate(begun);
    let concluded: u32 = drained.into_iter().map(Result::unwrap).sum();
    assert_eq!(concluded, CASES, "some were put off");
    rate
}

/// Decides what waits until nothing does; how many it was.
async fn drain(ops: Ops) -> Result<u32> {
    let mut concluded = 0;
    loop {
        let tally = ops.classify_pending().await?;
        if tally.claimed == 0 {
            return Ok(concluded);
        }
        concluded += tally.concluded;
    }
}

/// Has the same dossier for every referral.
struct Dossiers;

impl InputSource for Dossiers {
    fn inputs<'a>(&'a self, referrals: &'a [ReferralId]) -> BoxFuture<'a, Result<Found>> {
        let inputs = referrals.iter().map(|referral| dossier(*referral));
        std::future::ready(Ok(inputs.filter_map(convert::input).collect())).boxed()
    }
}

fn referral(environment: &Environment) -> ReferralId {
    ReferralId::new(environment.now(), environment.random().as_ref())
}

fn dossier(referral: ReferralId) -> ClassificationInput {
    ClassificationInput {
        referral: wire::resource(referral),
        offences: vec![Offence {
            iccs: "0903".into(),
            ..Offence::default()
        }],
        title: "Request".into(),
        narrative: NARRATIVE.into(),
        language: common::Language::En.into(),
    }
}

/// The fact that a new referral was admitted.
fn admitted(environment: &Environment, source: &EventSource) -> Event {
    let at = environment.now();
    let referral = referral(environment);
    let event = source.event(NewFact {
        destination: Destination::new("classification"),
        subject: wire::resource(referral),
        sequence: 2,
        at,
        traceparent: None,
        data: Data::ReferralAdmitted(ReferralAdmitted {
            envelope: Some(envelope(referral, at)),
        }),
    });
    Event::decode(event.payload.as_slice()).unwrap()
}

fn envelope(referral: ReferralId, at: Timestamp) -> Envelope {
    let due = at + Duration::from_secs(7 * 24 * 60 * 60);
    Envelope {
        referral: wire::resource(referral),
        reference: "2026-FR-000123".into(),
        bureau: "NB-FR".into(),
        kind: common::ReferralKind::RequestForAssistance.into(),
        urgency: common::Urgency::Routine.into(),
        markings: Some(common::Markings::default()),
        received_at: Some(wire::timestamp(at)),
        completion: Some(wire::clock(at, due, "completion.other")),
        exercise: false,
    }
}
