//! Says who calls and whether that party may, before a byte of the message is read.
//!
//! The party is the one of the connection's certificate. Which parties may call which method stands
//! in one table; what is not in the table may be called by nobody. What the party may see
//! *within* a method is decided by the method.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use liaison_identity::{Identity, Refusal};
use liaison_types::{Error, ErrorKind, Form, Party, Reason, Rule, Violation};
use tower::{Layer, Service};

use crate::caller::{Caller, OFFICER, Peer, may_vouch, valid_officer};
use crate::layer::language;
use crate::layer::refusal::Refusable;
use crate::method::Methods;

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct AuthenticateLayer {
    methods: Methods,
    identity: Option<Identity>,
}

impl AuthenticateLayer {
    pub(crate) fn new(methods: Methods, identity: Option<Identity>) -> Self {
        Self { methods, identity }
    }

    /// A connection may outlive what its certificate was accepted by.
    fn standing(&self, peer: &Peer) -> Result<(), Refusal> {
        self.identity
            .as_ref()
            .map_or(Ok(()), |identity| identity.check(peer))
    }

    fn authenticate<R>(&self, request: &Request<R>) -> Result<Caller, Error> {
        let unknown = || Error::new(ErrorKind::Unauthenticated, Reason::CertificateInvalid);
        let peer = request.extensions().get::<Peer>().ok_or_else(unknown)?;
        self.standing(peer).map_err(|refusal| {
            unknown()
                .message(refusal.to_string())
                .metadata("cause", refusal.as_str())
        })?;
        self.methods
            .get(request.uri().path())
            .filter(|method| method.allowed.includes(&peer.party))
            .ok_or_else(|| Error::new(ErrorKind::PermissionDenied, Reason::CallerNotAllowed))?;
        let officer = officer(request.headers(), &peer.party)?;
        Ok(Caller::of_peer(
            Arc::clone(peer),
            officer,
            language(request.headers()),
        ))
    }
}

/// The officer whom `party` names. Whether it may name one comes first: a party that may not learns
/// nothing about how a name is written.
fn officer(headers: &HeaderMap, party: &Party) -> Result<Option<Box<str>>, Error> {
    let mut values = headers.get_all(OFFICER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if !may_vouch(party.kind()) {
        return Err(
            Error::new(ErrorKind::PermissionDenied, Reason::CallerNotAllowed)
                .message(format!(
                    "a {} vouches for no officer; leave the metadata {OFFICER} out",
                    party.kind()
                ))
                .metadata("field", OFFICER),
        );
    }
    // Two officers are nobody to hold answerable.
    let named = values
        .next()
        .is_none()
        .then(|| value.to_str().ok())
        .flatten();
    match named.filter(|name| valid_officer(name)) {
        Some(name) => Ok(Some(name.into())),
        None => Err(Error::invalid(vec![Violation::new(
            OFFICER,
            Rule::Malformed(Form::OfficerName),
        )])),
    }
}

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticate {
            inner,
            rules: self.clone(),
        }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Authenticate<S> {
    inner: S,
    rules: AuthenticateLayer,
}

impl<S, R, B> Service<Request<R>> for Authenticate<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Refusable<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<R>) -> Self::Future {
        match self.rules.authenticate(&request) {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                Refusable::Called {
                    future: self.inner.call(request),
                }
            }
            Err(error) => Refusable::refused(&error, language(request.headers())),
        }
    }
}
