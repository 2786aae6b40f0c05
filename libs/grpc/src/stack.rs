//! The server's layers in their order. This is the one place that decides it.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use liaison_identity::Identity;
use liaison_telemetry::Instruments;
use liaison_types::{Party, Timestamp};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::{LayerExt as _, Layered, Routes, RoutesBuilder};
use tower::layer::util::{Identity as Nothing, Stack as Then};
use tower::{Layer, Service, ServiceBuilder};

use crate::caller::Peer;
use crate::layer::admit::AdmitLayer;
use crate::layer::arrival::ArrivalLayer;
use crate::layer::authenticate::AuthenticateLayer;
use crate::layer::catch_panic::CatchPanicLayer;
use crate::layer::deadline::DeadlineLayer;
use crate::layer::explain::ExplainLayer;
use crate::layer::observe::ObserveLayer;
use crate::layer::quota::QuotaLayer;
use crate::layer::rate_limit::RateLimitLayer;
use crate::method::Methods;
use crate::settings::Limits;

/// Around everything that the server answers, outermost last.
pub(crate) type Everywhere =
    Then<ArrivalLayer, Then<ExplainLayer, Then<CatchPanicLayer, Then<ObserveLayer, Nothing>>>>;

/// Around business services, outermost last.
pub(crate) type Business = Then<
    DeadlineLayer,
    Then<QuotaLayer, Then<RateLimitLayer, Then<AuthenticateLayer, Then<AdmitLayer, Nothing>>>>,
>;

/// The layers of one server.
#[derive(Clone, Debug)]
pub struct Stack {
    pub(crate) everywhere: Everywhere,
    pub(crate) business: Business,
    pub(crate) infrastructure: AuthenticateLayer,
    pub(crate) instruments: Instruments,
}

/// The server's stack. `identity` is absent where calls stay inside the process.
#[must_use]
pub fn stack(
    methods: &Methods,
    limits: &Limits,
    identity: Option<&Identity>,
    instruments: &Instruments,
) -> Stack {
    let methods = || methods.clone();
    let authenticate = AuthenticateLayer::new(methods(), identity.cloned());

    let everywhere = ServiceBuilder::new()
        // Outermost: whatever happens below, a refusal, a panic, a path nobody serves, is in the
        // trace and in the measurements.
        .layer(ObserveLayer::new(methods(), instruments.clone()))
        // Inside observe, so that a panic is counted as the INTERNAL that the caller sees; around
        // all the rest, because any of it can panic.
        .layer(CatchPanicLayer)
        // Directly around the routes: tonic's own refusals come from there. A panic's status is
        // complete already.
        .layer(ExplainLayer)
        // Outside the routes, which are called later than tonic starts its timer; innermost there,
        // because nothing outside needs it.
        .layer(ArrivalLayer)
        .into_inner();

    let business = ServiceBuilder::new()
        // First of the refusals, because it is the cheapest: in an overload nothing is spent on
        // calls that will not be served, not even a look at who calls.
        .layer(AdmitLayer::new(methods(), limits))
        // Before everything that depends on who calls, and before the message is decoded.
        .layer(authenticate.clone())
        // Needs the party. Refused calls have not cost that party anything: what is not allowed
        // is refused above and does not use up the rate of what is.
        .layer(RateLimitLayer::new(limits))
        // After the rate, which is cheaper and is what a caller in a loop meets first; before
        // anything is done for the call, and held until all of it is done.
        .layer(QuotaLayer::new(methods(), limits))
        // Innermost: the time is the handler's. It tells the handler, through `Caller`, how long
        // there is. Everything above takes microseconds.
        .layer(DeadlineLayer::new(methods(), limits))
        .into_inner();

    // Health and reflection are never shed and never limited: they must answer when nothing else
    // does. Inside TLS they still want a party that is one of ours.
    Stack {
        everywhere,
        business,
        infrastructure: authenticate,
        instruments: instruments.clone(),
    }
}

/// What one server answers: business services, each inside the stack.
#[derive(Clone, Debug)]
pub struct Api {
    pub(crate) stack: Stack,
    routes: RoutesBuilder,
    names: Vec<&'static str>,
}

impl Api {
    /// An API without services.
    #[must_use]
    pub fn new(stack: Stack) -> Self {
        Self {
            stack,
            routes: RoutesBuilder::default(),
            names: Vec::new(),
        }
    }

    /// Adds a generated server.
    #[must_use]
    pub fn service<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
        S: NamedService + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        let guarded: Layered<<Business as Layer<S>>::Service, S> =
            self.stack.business.named_layer(service);
        self.routes.add_service(guarded);
        self.names.push(S::NAME);
        self
    }

    /// Adds a service of the infrastructure, which only asks for authentication.
    pub(crate) fn infrastructure<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
        S: NamedService + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        self.routes
            .add_service(self.stack.infrastructure.named_layer(service));
        self.names.push(S::NAME);
        self
    }

    /// Full names of the services added so far.
    pub(crate) fn names(&self) -> &[&'static str] {
        &self.names
    }

    pub(crate) fn into_parts(self) -> (Everywhere, Routes) {
        (self.stack.everywhere, self.routes.routes().prepare())
    }

    /// The API as `party` sees it, without a connection: the same stack, for simulations and tests.
    #[must_use]
    pub fn in_process(&self, party: Party) -> InProcess {
        let peer = liaison_identity::Peer::in_process(party, Timestamp::from_micros(i64::MAX));
        let (everywhere, routes) = self.clone().into_parts();
        InProcess {
            peer: Arc::new(peer),
            inner: everywhere.layer(routes),
        }
    }
}

/// A transport that stays inside the process; see [`Api::in_process`].
#[derive(Clone, Debug)]
pub struct InProcess {
    peer: Peer,
    inner: <Everywhere as Layer<Routes>>::Service,
}

impl Service<Request<Body>> for InProcess {
    type Response = <<Everywhere as Layer<Routes>>::Service as Service<Request<Body>>>::Response;
    type Error = Infallible;
    type Future = <<Everywhere as Layer<Routes>>::Service as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request.extensions_mut().insert(Peer::clone(&self.peer));
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of a stack's layers, outermost first.
    trait Names {
        fn names() -> Vec<&'static str>;
    }

    impl Names for Nothing {
        fn names() -> Vec<&'static str> {
            Vec::new()
        }
    }

    impl<Inner, Outer: Names> Names for Then<Inner, Outer> {
        fn names() -> Vec<&'static str> {
            let path = std::any::type_name::<Inner>();
            let path = path.split('<').next().unwrap_or(path);
            let mut names = Outer::names();
            names.push(path.rsplit("::").next().unwrap_or(path));
            names
        }
    }

    fn names_of<L: Names>(_: &L) -> Vec<&'static str> {
        L::names()
    }

    #[test]
    fn the_order_is_what_the_reasons_say() {
        let stack = stack(
            &Methods::new([]),
            &Limits::default(),
            None,
            &Instruments::none(),
        );
        assert_eq!(
            names_of(&stack.everywhere),
            [
                "ObserveLayer",
                "CatchPanicLayer",
                "ExplainLayer",
                "ArrivalLayer"
            ]
        );
        assert_eq!(
            names_of(&stack.business),
            [
                "AdmitLayer",
                "AuthenticateLayer",
                "RateLimitLayer",
                "QuotaLayer",
                "DeadlineLayer"
            ]
        );
    }
}
