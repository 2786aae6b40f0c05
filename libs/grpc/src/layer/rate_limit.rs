//! Lets each party call so often, so that none takes the service from the others.
//!
//! The state is one cell of 8 bytes per party, and parties are those with a certificate of ours: it
//! cannot be made to grow by inventing names.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::{Request, Response};
use liaison_types::{Error, ErrorKind, Party, PartyKind, Reason};
use tower::{Layer, Service};

use crate::caller::Caller;
use crate::layer::refusal::Refusable;
use crate::settings::Limits;

type Cells<C> =
    RateLimiter<Party, DashMapStateStore<Party>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// See the [module](self).
#[derive(Clone)]
pub struct RateLimitLayer<C: Clock + Clone = DefaultClock> {
    cells: Option<Arc<Cells<C>>>,
    clock: C,
}

impl RateLimitLayer {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self::with_clock(limits, DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimitLayer<C> {
    fn with_clock(limits: &Limits, clock: C) -> Self {
        let quota = NonZeroU32::new(limits.party_rate).map(|rate| {
            let burst = NonZeroU32::new(limits.party_burst).unwrap_or(rate);
            Quota::per_second(rate).allow_burst(burst)
        });
        let cells =
            quota.map(|quota| Arc::new(RateLimiter::dashmap_with_clock(quota, clock.clone())));
        Self { cells, clock }
    }

    /// Takes one call of `party`; the time to wait where it has none left.
    fn take(&self, party: &Party) -> Result<(), Duration> {
        // The relays of the suite deliver in batches under a lease and back off by themselves.
        // Throttling them would only grow the outboxes.
        if party.kind() == PartyKind::Service {
            return Ok(());
        }
        let Some(cells) = &self.cells else {
            return Ok(());
        };
        cells
            .check_key(party)
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
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
            // Never "come again at once", which the rounding of a clock could say.
            let error = Error::new(ErrorKind::ResourceExhausted, Reason::RateLimited)
                .retry_after(wait.max(Duration::from_millis(1)));
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
