//! Lets each party call so often, so that none takes the service from the others.
//!
//! The state is one cell of 8 bytes per party, and parties are those with a certificate of ours: it
//! cannot be made to grow by inventing names.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::{Request, Response};
use liaison_types::{Party, PartyKind};
use tower::{Layer, Service};

use crate::caller::Caller;
use crate::layer::refusal::Refusable;
use crate::quota;
use crate::settings::Limits;

type Cells<C> =
    RateLimiter<Party, DashMapStateStore<Party>, C, NoOpMiddleware<<C as Clock>::Instant>>;
type Cell<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// See the [module](self).
#[derive(Clone)]
pub struct RateLimitLayer<C: Clock + Clone = DefaultClock> {
    limits: Arc<Limits>,
    cells: Option<Arc<Cells<C>>>,
    /// Of the parties that have a rate of their own; `None` for those without a limit.
    own: Arc<HashMap<Party, Option<Cell<C>>>>,
    clock: C,
}

impl RateLimitLayer {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self::with_clock(limits, DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimitLayer<C> {
    fn with_clock(limits: &Limits, clock: C) -> Self {
        let quota = |(rate, burst)| Quota::per_second(rate).allow_burst(burst);
        let everybody = NonZeroU32::new(limits.party_rate).map(|rate| {
            let burst = NonZeroU32::new(limits.party_burst).unwrap_or(rate);
            (rate, burst)
        });
        let cells = everybody
            .map(quota)
            .map(|quota| Arc::new(RateLimiter::dashmap_with_clock(quota, clock.clone())));
        let own = limits.party.keys().map(|party| {
            let quota = limits.rate_of(party).map(quota);
            let cell = quota.map(|quota| RateLimiter::direct_with_clock(quota, clock.clone()));
            (party.clone(), cell)
        });
        Self {
            cells,
            own: Arc::new(own.collect()),
            limits: Arc::new(limits.clone()),
            clock,
        }
    }

    /// Takes one call of `party`; the time to wait where it has none left.
    fn take(&self, party: &Party) -> Result<(), Duration> {
        // The relays of the suite deliver in batches under a lease and back off by themselves.
        // Throttling them would only grow the outboxes.
        if party.kind() == PartyKind::Service {
            return Ok(());
        }
        let taken = match (self.own.get(party), &self.cells) {
            (Some(Some(own)), _) => own.check(),
            (None, Some(cells)) => cells.check_key(party),
            (Some(None), _) | (None, None) => return Ok(()),
        };
        taken.map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }
}

impl<C: Clock + Clone> fmt::Debug for RateLimitLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parties = self.cells.as_ref().map(|cells| cells.len());
        f.debug_struct("RateLimitLayer")
            .field("parties", &parties)
            .finish_non_exhaustive()
    }
}

impl<S, C: Clock + Clone> Layer<S> for RateLimitLayer<C> {
    type Service = RateLimit<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit {
            inner,
            limit: self.clone(),
        }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct RateLimit<S, C: Clock + Clone = DefaultClock> {
    inner: S,
    limit: RateLimitLayer<C>,
}

impl<S, R, B, C> Service<Request<R>> for RateLimit<S, C>
where
    S: Service<Request<R>, Response = Response<B>>,
    B: Default,
    C: Clock + Clone,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Refusable<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        if let Some(caller) = request.extensions().get::<Caller>()
            && let Err(wait) = self.limit.take(caller.party())
        {
            let rate = self.limit.limits.rate_of(caller.party());
            let error =
                quota::too_often(caller.party(), rate.map_or(0, |(rate, _)| rate.get()), wait);
            return Refusable::refused(&error, caller.language());
        }
        Refusable::Called {
            future: self.inner.call(request),
        }
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::settings::PartyLimits;

    #[test]
    fn each_party_has_its_own_burst_and_gets_it_back() {
        let limits = Limits {
            party_rate: 2,
            party_burst: 3,
            ..Limits::default()
        };
        let clock = FakeRelativeClock::default();
        let limit = RateLimitLayer::with_clock(&limits, clock.clone());
        let france: Party = "bureau/NB-FR".parse().unwrap();
        let spain: Party = "bureau/NB-ES".parse().unwrap();

        for _ in 0..3 {
            assert_eq!(limit.take(&france), Ok(()));
        }
        assert_eq!(limit.take(&france), Err(Duration::from_millis(500)));
        assert_eq!(limit.take(&spain), Ok(()));

        clock.advance(Duration::from_millis(500));
        assert_eq!(limit.take(&france), Ok(()));
        assert!(limit.take(&france).is_err());
    }

    #[test]
    fn a_party_with_a_rate_of_its_own_takes_from_nobody_elses() {
        let own = |rate, burst| PartyLimits {
            rate: Some(rate),
            burst,
            ..PartyLimits::default()
        };
        let (france, spain, italy): (Party, Party, Party) = (
            "bureau/NB-FR".parse().unwrap(),
            "bureau/NB-ES".parse().unwrap(),
            "bureau/NB-IT".parse().unwrap(),
        );
        let limits = Limits {
            party_rate: 1,
            party_burst: 1,
            party: [
                (france.clone(), own(4, Some(5))),
                (spain.clone(), own(0, None)),
            ]
            .into(),
            ..Limits::default()
        };
        let limit = RateLimitLayer::with_clock(&limits, FakeRelativeClock::default());
        for _ in 0..5 {
            assert_eq!(limit.take(&france), Ok(()));
            assert_eq!(limit.take(&spain), Ok(()));
        }
        assert_eq!(limit.take(&france), Err(Duration::from_millis(250)));
        assert_eq!(limit.take(&italy), Ok(()));
        assert_eq!(limit.take(&italy), Err(Duration::from_secs(1)));
        assert_eq!(limit.take(&spain), Ok(()));
    }

    #[test]
    fn services_and_a_rate_of_zero_are_not_limited() {
        let limits = Limits {
            party_rate: 1,
            party_burst: 1,
            ..Limits::default()
        };
        let limit = RateLimitLayer::with_clock(&limits, FakeRelativeClock::default());
        let off = Limits {
            party_rate: 0,
            ..limits
        };
        let off = RateLimitLayer::with_clock(&off, FakeRelativeClock::default());
        for _ in 0..10 {
            assert_eq!(limit.take(&Party::service("intake")), Ok(()));
            assert_eq!(off.take(&"unit/cyber".parse().unwrap()), Ok(()));
        }
    }
}
