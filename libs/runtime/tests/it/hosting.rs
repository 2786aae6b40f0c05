//! Two services in one process, each on its own runtime with its own telemetry.

use std::num::NonZeroUsize;

use liaison_runtime::{Ambient, Hosted, Listeners, Outcome};

use crate::fixture::{Fixture, call};
use crate::sample::Sample;

async fn host(fixture: &Fixture) -> Hosted {
    let settings = fixture.settings(&[]);
    let listeners = Listeners::bind(&settings.server).unwrap();
    let (address, health) = (
        listeners.address().unwrap(),
        listeners.health_address().unwrap(),
    );
    let threads = NonZeroUsize::new(1).unwrap();
    let hosted = Hosted::start::<Sample>(settings, listeners, Ambient::default(), threads)
        .await
        .unwrap();
    assert_eq!(
        (hosted.address(), hosted.health_address()),
        (address, health)
    );
    hosted
}

#[tokio::test]
async fn services_start_answer_and_end_independently() {
    let (first, second) = (Fixture::new(), Fixture::new());
    let (one, two) = (host(&first).await, host(&second).await);
    call(first.channel(one.address())).await.unwrap();
    call(second.channel(two.address())).await.unwrap();
    one.lifecycle().stop();
    assert_eq!(one.ended().await, Outcome::Clean);
    call(second.channel(two.address())).await.unwrap();
    two.lifecycle().kill();
    assert_eq!(two.ended().await, Outcome::CutOff);
}

#[tokio::test]
async fn a_start_that_fails_is_reported() {
    let fixture = Fixture::new();
    let settings = fixture.settings(&[("sample.answer", "not built")]);
    let listeners = Listeners::bind(&settings.server).unwrap();
    let threads = NonZeroUsize::new(1).unwrap();
    let started = Hosted::start::<Sample>(settings, listeners, Ambient::default(), threads).await;
    assert!(started.unwrap_err().chain().ends_with("on purpose"));
}
