//! Group commit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use liaison_store::{Batcher, BatcherSettings, Db, insert_all};
use liaison_testkit::both_backends;
use liaison_types::{Error, ErrorKind, Reason, Result};
use sea_orm::{EntityTrait, PaginatorTrait};
use tokio::sync::Semaphore;

use crate::thing::{Entity, Migrator, thing};

const SETTINGS: BatcherSettings = BatcherSettings {
    name: "test.batch",
    max_batch: 256,
    concurrency: 1,
    queue: 1_000,
};

/// Writes things and answers their numbers.
fn writer(db: &Db) -> Batcher<i64, i64> {
    let handler_db = db.clone();
    Batcher::spawn(
        BatcherSettings::new("test.things", db),
        move |numbers: Vec<i64>| {
            let db = handler_db.clone();
            Box::pin(async move {
                let numbers = &numbers;
                db.write_tx("test.things", |tx| {
                    Box::pin(async move {
                        insert_all(tx, numbers.iter().copied().map(thing)).await?;
                        Ok(numbers.iter().map(|&number| Ok(number)).collect())
                    })
                })
                .await
            })
        },
    )
}

both_backends! {
    async fn concurrent_calls_share_transactions(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let batcher = writer(&db);
        let answers = join_all((0..1_000).map(|number| batcher.call(number))).await;
        for (number, answer) in (0..).zip(answers) {
            assert_eq!(answer.unwrap(), number);
        }
        assert_eq!(Entity::find().count(db.reader()).await.unwrap(), 1_000);
        let committed = db.counts()["test.things"].committed;
        assert!(committed <= 100, "{committed} transactions for 1000 calls");
    }
}

both_backends! {
    async fn a_bad_row_fails_alone(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let batcher = writer(&db);
        assert_eq!(batcher.call(7).await.unwrap(), 7);
        let answers = join_all((0..20).map(|number| batcher.call(number))).await;
        for (number, answer) in (0..).zip(answers) {
            match answer {
                Ok(answered) => assert!(answered == number && number != 7),
                Err(error) => assert_eq!((number, error.reason()), (7, Reason::Conflict)),
            }
        }
        assert_eq!(Entity::find().count(db.reader()).await.unwrap(), 20);
    }
}

/// A handler under the test's control: it takes a permit for each batch and notes its size.
struct Bench {
    batcher: Batcher<u32, u32>,
    permits: Arc<Semaphore>,
    sizes: Arc<Mutex<Vec<usize>>>,
}

fn bench(
    settings: BatcherSettings,
    permits: usize,
    answer: fn(&[u32]) -> Result<Vec<u32>>,
) -> Bench {
    let permits = Arc::new(Semaphore::new(permits));
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let (gate, noted) = (Arc::clone(&permits), Arc::clone(&sizes));
    let batcher = Batcher::spawn(settings, move |requests: Vec<u32>| {
        let (gate, noted) = (Arc::clone(&gate), Arc::clone(&noted));
        Box::pin(async move {
            noted.lock().unwrap().push(requests.len());
            gate.acquire().await.unwrap().forget();
            Ok(answer(&requests)?.into_iter().map(Ok).collect())
        })
    });
    Bench {
        batcher,
        permits,
        sizes,
    }
}

impl Bench {
    /// Hands in `requests` and returns once they wait in the queue or in a batch.
    async fn hand_in(
        &self,
        requests: std::ops::Range<u32>,
    ) -> Vec<tokio::task::JoinHandle<Result<u32>>> {
        let tasks = requests
            .map(|request| {
                let batcher = self.batcher.clone();
                tokio::spawn(async move { batcher.call(request).await })
            })
            .collect();
        settle().await;
        tasks
    }

    fn sizes(&self) -> Vec<usize> {
        self.sizes.lock().unwrap().clone()
    }
}

/// Lets every task of this single-threaded runtime run until it waits.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn echo(requests: &[u32]) -> Result<Vec<u32>> {
    Ok(requests.to_vec())
}

#[tokio::test]
async fn a_batch_is_what_queued_meanwhile() {
    let bench = bench(SETTINGS, 0, echo);
    let first = bench.hand_in(0..1).await;
    let rest = bench.hand_in(1..301).await;
    assert_eq!(bench.sizes(), [1]);
    bench.permits.add_permits(100);
    for (number, task) in (0..).zip(first.into_iter().chain(rest)) {
        assert_eq!(task.await.unwrap().unwrap(), number);
    }
    assert_eq!(bench.sizes(), [1, 256, 44]);
}

#[tokio::test]
async fn batches_run_side_by_side_up_to_the_limit() {
    let bench = bench(
        BatcherSettings {
            concurrency: 3,
            ..SETTINGS
        },
        0,
        echo,
    );
    let mut tasks = Vec::new();
    for number in 0..5 {
        tasks.extend(bench.hand_in(number..number + 1).await);
    }
    assert_eq!(bench.sizes(), [1, 1, 1]);
    bench.permits.add_permits(100);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(bench.sizes(), [1, 1, 1, 2]);
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let bench = bench(
        BatcherSettings {
            queue: 2,
            ..SETTINGS
        },
        0,
        echo,
    );
    let mut waiting = bench.hand_in(0..1).await;
    waiting.extend(bench.hand_in(1..3).await);
    let refused = bench.batcher.call(9).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ResourceExhausted);
    assert!(refused.retry_delay().is_some());
    bench.permits.add_permits(100);
    for task in waiting {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_panic_answers_everybody_and_hits_only_its_cause() {
    let bench = bench(SETTINGS, 100, |requests| {
        assert!(!requests.contains(&3), "this panic belongs to the test");
        echo(requests)
    });
    let answers = join_all((0..5).map(|number| bench.batcher.call(number))).await;
    for (number, answer) in (0..).zip(answers) {
        assert_eq!(answer.is_err(), number == 3, "{number}");
    }
    assert_eq!(bench.batcher.call(6).await.unwrap(), 6);
    assert_eq!(
        bench.batcher.call(3).await.unwrap_err().kind(),
        ErrorKind::Internal
    );
}

#[tokio::test]
async fn a_handler_that_miscounts_is_a_fault() {
    let bench = bench(SETTINGS, 100, |_| Ok(vec![]));
    assert_eq!(
        bench.batcher.call(1).await.unwrap_err().kind(),
        ErrorKind::Internal
    );
}

#[tokio::test]
async fn what_hits_all_alike_is_not_tried_one_by_one() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let bench = bench(SETTINGS, 100, |_| {
        RUNS.fetch_add(1, Ordering::SeqCst);
        Err(Error::unavailable("gone")
            .message("shut")
            .metadata("k", "v"))
    });
    for answer in join_all((0..5).map(|number| bench.batcher.call(number))).await {
        let error = answer.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Unavailable, "shut")
        );
        assert_eq!(error.metadata_list(), [("k", "v".to_owned())]);
        assert!(error.chain().ends_with("gone"));
    }
    assert_eq!(RUNS.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_takes_nobody_along() {
    let bench = bench(SETTINGS, 0, echo);
    let first = bench.hand_in(0..2).await;
    let second = bench.hand_in(2..5).await;
    first[0].abort();
    second[0].abort();
    settle().await;
    bench.permits.add_permits(100);
    let answers = join_all(first.into_iter().chain(second)).await;
    for (number, answer) in (0..).zip(answers) {
        match answer {
            Ok(answer) => assert_eq!(answer.unwrap(), number),
            Err(error) => assert!(error.is_cancelled() && (number == 0 || number == 2)),
        }
    }
    // The one that left before its batch began is not in it.
    assert_eq!(bench.sizes(), [2, 2]);
}

#[tokio::test]
async fn shutdown_drains() {
    let bench = bench(SETTINGS, 0, echo);
    let mut accepted = bench.hand_in(0..1).await;
    accepted.extend(bench.hand_in(1..10).await);
    let batcher = bench.batcher.clone();
    let shutdown = tokio::spawn(async move { batcher.shutdown().await });
    settle().await;
    assert!(!shutdown.is_finished());
    assert_eq!(
        bench.batcher.call(99).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    bench.permits.add_permits(100);
    shutdown.await.unwrap();
    for task in accepted {
        task.await.unwrap().unwrap();
    }
}
