//! A server with handlers that a test writes, certificates, and clients of any party.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use liaison_grpc::{
    Allowed, Api, Caller, Channel, Class, ClientSettings, Health, Limits, Listeners, Methods,
    Server, ServerSettings, Stack, client, stack,
};
use liaison_identity::{CertificateAuthority, Existing, Identity};
use liaison_policy::access::Callers::Any;
use liaison_proto::event::event_inbox_service_client::EventInboxServiceClient;
use liaison_proto::event::event_inbox_service_server::{
    EventInboxService, EventInboxServiceServer,
};
use liaison_proto::event::{DeliverEventsRequest, DeliverEventsResponse};
use liaison_proto::notification::notification_service_client::NotificationServiceClient;
use liaison_proto::notification::notification_service_server::{
    NotificationService, NotificationServiceServer,
};
use liaison_proto::notification::{
    ListNotificationsRequest, ListNotificationsResponse, StreamNotificationsRequest,
    StreamNotificationsResponse,
};
use liaison_telemetry::Instruments;
use liaison_types::{Clock, Error, Party, PartyKind, SystemClock, SystemRandom};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// A call.
pub const DELIVER: &str = "/liaison.event.v1.EventInboxService/DeliverEvents";
/// A long poll.
pub const LIST: &str = "/liaison.notification.v1.NotificationService/ListNotifications";
/// A stream.
pub const STREAM: &str = "/liaison.notification.v1.NotificationService/StreamNotifications";

/// Who may call what in these tests: bureaux and services everything, units only the long poll.
pub fn methods() -> Methods {
    const EVERYTHING: Allowed = Allowed::Only(&[Any(PartyKind::Bureau), Any(PartyKind::Service)]);
    const LONG_POLL: Allowed = Allowed::Only(&[
        Any(PartyKind::Bureau),
        Any(PartyKind::Service),
        Any(PartyKind::Unit),
    ]);
    Methods::new([
        (DELIVER, Class::Call, EVERYTHING),
        (LIST, Class::LongPoll, LONG_POLL),
        (STREAM, Class::Stream, EVERYTHING),
    ])
}

type Handler = Arc<dyn Fn(Caller) -> BoxFuture<'static, Result<(), Status>> + Send + Sync>;
type Elements = BoxStream<'static, Result<StreamNotificationsResponse, Status>>;

/// Services whose handlers a test writes.
#[derive(Clone)]
pub struct Fake {
    deliver: Handler,
    list: Handler,
    stream: Arc<dyn Fn(Caller) -> Elements + Send + Sync>,
}

impl Default for Fake {
    /// Everything succeeds at once and is empty.
    fn default() -> Self {
        Self {
            deliver: Arc::new(|_| async { Ok(()) }.boxed()),
            list: Arc::new(|_| async { Ok(()) }.boxed()),
            stream: Arc::new(|_| futures::stream::empty().boxed()),
        }
    }
}

impl Fake {
    pub fn deliver<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Caller) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Status>> + Send + 'static,
    {
        self.deliver = Arc::new(move |caller| handler(caller).boxed());
        self
    }

    pub fn list<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Caller) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Status>> + Send + 'static,
    {
        self.list = Arc::new(move |caller| handler(caller).boxed());
        self
    }

    pub fn stream<F, S>(mut self, handler: F) -> Self
    where
        F: Fn(Caller) -> S + Send + Sync + 'static,
        S: futures::Stream<Item = Result<StreamNotificationsResponse, Status>> + Send + 'static,
    {
        self.stream = Arc::new(move |caller| handler(caller).boxed());
        self
    }

    /// Mounts both services.
    pub fn api(self, stack: Stack) -> Api {
        Api::new(stack)
            .service(EventInboxServiceServer::new(self.clone()))
            .service(NotificationServiceServer::new(self))
    }
}

#[tonic::async_trait]
impl EventInboxService for Fake {
    async fn deliver_events(
        &self,
        request: Request<DeliverEventsRequest>,
    ) -> Result<Response<DeliverEventsResponse>, Status> {
        (self.deliver)(Caller::of(&request)?.clone()).await?;
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl NotificationService for Fake {
    type StreamNotificationsStream = Elements;

    async fn stream_notifications(
        &self,
        request: Request<StreamNotificationsRequest>,
    ) -> Result<Response<Elements>, Status> {
        Ok(Response::new((self.stream)(Caller::of(&request)?.clone())))
    }

    async fn list_notifications(
        &self,
        request: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsResponse>, Status> {
        (self.list)(Caller::of(&request)?.clone()).await?;
        Ok(Response::new(Default::default()))
    }
}

/// An authority and its certificates in a folder of their own.
pub struct World {
    folder: TempDir,
    authority: CertificateAuthority,
    clock: Arc<dyn Clock>,
}

const VALIDITY: Duration = Duration::from_hours(1);

impl World {
    pub fn new() -> Self {
        Self::at(Arc::new(SystemClock))
    }

    pub fn at(clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, now) = (folder.path(), clock.now());
        let authority =
            CertificateAuthority::create(path, VALIDITY * 24, now, &SystemRandom).unwrap();
        Self {
            folder,
            authority,
            clock,
        }
    }

    pub fn identity(&self, party: &str) -> Identity {
        let issued = self
            .authority
            .issue(
                &party.parse().unwrap(),
                &[],
                VALIDITY,
                self.clock.now(),
                &SystemRandom,
            )
            .unwrap();
        let settings = issued.write(self.folder.path(), Existing::Replace).unwrap();
        Identity::load(&settings, Arc::clone(&self.clock)).unwrap()
    }

    /// Serves `fake` as `service/fake` on free ports.
    pub async fn serve(&self, limits: &Limits, fake: Fake) -> Running {
        self.serve_on(([127, 0, 0, 1], 0).into(), limits, fake)
            .await
    }

    pub async fn serve_on(&self, listen: SocketAddr, limits: &Limits, fake: Fake) -> Running {
        let settings = ServerSettings {
            listen,
            health_listen: ([127, 0, 0, 1], 0).into(),
            limits: limits.clone(),
        };
        let identity = self.identity("service/fake");
        let listeners = Listeners::bind(&settings).await.unwrap();
        let (address, health_address) = (listeners.address(), listeners.health_address());
        let stack = stack(&methods(), limits, Some(&identity), &Instruments::none());
        let health = Health::new("test.Ready").await;
        let server = Server {
            listeners,
            api: fake.api(stack),
            identity: identity.clone(),
            health: health.clone(),
            limits: limits.clone(),
        };
        let (soft, hard) = (CancellationToken::new(), CancellationToken::new());
        let ended = tokio::spawn(server.serve(soft.clone(), hard.clone()));
        Running {
            identity,
            address,
            health_address,
            health,
            soft,
            hard,
            ended,
        }
    }

    /// The folder of the certificates.
    pub fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A channel of `identity` to a server at `address` that must be `service/fake`.
    pub fn channel_of(&self, identity: &Identity, address: SocketAddr) -> Channel {
        let connector = identity.connector(Party::service("fake"));
        let settings = ClientSettings::default();
        let uri = format!("https://{address}");
        client::connect(&uri, connector, &settings, &methods(), &Instruments::none()).unwrap()
    }

    /// A channel of `party` to a server at `address` that must be `service/fake`.
    pub fn channel(&self, party: &str, address: SocketAddr) -> Channel {
        self.channel_with(party, address, &ClientSettings::default())
    }

    pub fn channel_with(
        &self,
        party: &str,
        address: SocketAddr,
        settings: &ClientSettings,
    ) -> Channel {
        let connector = self.identity(party).connector(Party::service("fake"));
        let uri = format!("https://{address}");
        client::connect(&uri, connector, settings, &methods(), &Instruments::none()).unwrap()
    }
}

/// A server at work. Cut when dropped.
pub struct Running {
    pub identity: Identity,
    pub address: SocketAddr,
    pub health_address: SocketAddr,
    pub health: Health,
    pub soft: CancellationToken,
    pub hard: CancellationToken,
    pub ended: JoinHandle<Result<(), Error>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.hard.cancel();
    }
}

pub fn inbox(channel: Channel) -> EventInboxServiceClient<Channel> {
    EventInboxServiceClient::new(channel)
}

pub fn notifications(channel: Channel) -> NotificationServiceClient<Channel> {
    NotificationServiceClient::new(channel)
}

/// A handler that says when it has begun and waits until it may go on.
#[derive(Clone, Default)]
pub struct Gate {
    begun: Arc<Notify>,
    open: Arc<Notify>,
}

impl Gate {
    pub async fn pass(self) -> Result<(), Status> {
        self.begun.notify_one();
        self.open.notified().await;
        Ok(())
    }

    pub async fn begun(&self) {
        within(self.begun.notified()).await;
    }

    pub fn open(&self) {
        self.open.notify_one();
    }
}

/// Bounds a wait that is expected to end at once.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .expect("it ends in time")
}
