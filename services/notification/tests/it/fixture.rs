//! The service, started on a database of its own, and parties that call it.

use std::time::Duration;

use liaison_grpc::client::connect;
use liaison_grpc::{Channel, ClientSettings, Methods, wire};
use liaison_notification::Notification as Service;
use liaison_proto::common::{AssignmentState, ReferralState};
use liaison_proto::event::event::Data;
use liaison_proto::event::event_inbox_service_client::EventInboxServiceClient;
use liaison_proto::event::{
    AssignmentChanged, AssignmentStep, DeliverEventsRequest, DeliveryResult, DeliveryStatus, Event,
    ReferralChanged, ReferralStep, TaskChanged, TriageRequested,
};
use liaison_proto::notification::notification_service_client::NotificationServiceClient;
use liaison_proto::notification::{
    ListNotificationsRequest, ListNotificationsResponse, Notification, StreamNotificationsRequest,
    StreamNotificationsResponse,
};
use liaison_runtime::{
    Ambient, KeySettings, Listeners, Loader, Running, Service as _, create_missing, start,
};
use liaison_telemetry::Instruments;
use liaison_testkit::certificates::Certificates;
use liaison_testkit::database::TestDatabase;
use liaison_testkit::environment::Environment;
use liaison_types::{Party, SystemRandom};
use tokio::time::timeout;
use tonic::{Status, Streaming};

/// What a test may wait for at most.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Fixture {
    database: TestDatabase,
    certificates: Certificates,
    environment: Environment,
    service: Running,
}

impl Fixture {
    pub(crate) async fn new(database: TestDatabase) -> Self {
        Self::with(database, &[]).await
    }

    /// With settings of the section `[notification]`.
    pub(crate) async fn with(database: TestDatabase, settings: &[(&str, &str)]) -> Self {
        let environment = Environment::seeded(1);
        let certificates = Certificates::new(environment.now());
        let service = serve(&database, &certificates, &environment, settings).await;
        Self {
            database,
            certificates,
            environment,
            service,
        }
    }

    /// Another replica, on the same database.
    pub(crate) async fn replica(&self) -> Running {
        serve(&self.database, &self.certificates, &self.environment, &[]).await
    }

    pub(crate) fn service(&self) -> &Running {
        &self.service
    }

    /// `party`'s channel to `service`.
    pub(crate) fn channel(&self, party: &str, service: &Running) -> Channel {
        let identity = self.certificates.identity(party, self.environment.clock());
        connect(
            &format!("https://{}", service.address()),
            identity.connector(Party::service("notification")),
            &ClientSettings::default(),
            &Methods::liaison(),
            &Instruments::none(),
        )
        .unwrap()
    }

    pub(crate) fn reader(&self, party: &str) -> NotificationServiceClient<Channel> {
        NotificationServiceClient::new(self.channel(party, &self.service))
    }

    pub(crate) fn sender(&self, service: &str) -> Sender {
        self.sender_to(service, &self.service)
    }

    pub(crate) fn sender_to(&self, service: &str, to: &Running) -> Sender {
        let party = format!("service/{service}");
        Sender {
            source: format!("liaison://{party}"),
            environment: self.environment.clone(),
            inbox: EventInboxServiceClient::new(self.channel(&party, to)),
        }
    }

    /// Everything that is kept for `party`, training traffic included.
    pub(crate) async fn kept(&self, party: &str) -> Vec<Notification> {
        let mut reader = self.reader(party);
        let mut kept = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = list(&mut reader, &cursor, 1_000, true).await.unwrap();
            if page.notifications.is_empty() {
                return kept;
            }
            kept.extend(page.notifications);
            cursor = page.cursor;
        }
    }
}

async fn serve(
    database: &TestDatabase,
    certificates: &Certificates,
    environment: &Environment,
    settings: &[(&str, &str)],
) -> Running {
    let files = certificates.issue("service/notification");
    let keys = KeySettings::in_folder(certificates.folder(), "notification");
    create_missing(&keys, &SystemRandom).unwrap();
    let mut loader = Loader::new(Service::DEFAULTS)
        .set("server.listen", "127.0.0.1:0")
        .set("server.health_listen", "127.0.0.1:0")
        .set("database.url", database.settings().url.clone())
        .set("database.migrate_on_start", "true")
        .set(
            "identity.certificate",
            files.certificate.display().to_string(),
        )
        .set("identity.key", files.key.display().to_string())
        .set("identity.authority", files.authority.display().to_string())
        .set("keys.signing", keys.signing.display().to_string())
        .set("keys.sealing", keys.sealing.display().to_string())
        .set("shutdown.drain_delay", "0s");
    for (key, value) in settings {
        loader = loader.set(format!("notification.{key}"), *value);
    }
    let settings = loader.load().unwrap();
    let listeners = Listeners::bind(&settings.server).unwrap();
    let ambient = Ambient {
        clock: environment.clock(),
        random: environment.random(),
        ..Ambient::default()
    };
    start::<Service>(settings, listeners, ambient)
        .await
        .unwrap()
}

/// A page of notifications.
pub(crate) async fn list(
    reader: &mut NotificationServiceClient<Channel>,
    cursor: &str,
    page_size: i32,
    include_exercises: bool,
) -> Result<ListNotificationsResponse, Status> {
    let request = ListNotificationsRequest {
        cursor: cursor.to_owned(),
        page_size,
        include_exercises,
    };
    reader
        .list_notifications(request)
        .await
        .map(tonic::Response::into_inner)
}

/// A stream of what comes after `cursor`, without training traffic.
pub(crate) async fn follow(
    reader: &mut NotificationServiceClient<Channel>,
    cursor: impl Into<String>,
) -> Streaming<StreamNotificationsResponse> {
    let request = StreamNotificationsRequest {
        cursor: cursor.into(),
        include_exercises: false,
    };
    let answer = reader.stream_notifications(request).await;
    answer.unwrap().into_inner()
}

/// The next element of a stream that goes on.
pub(crate) async fn next(
    stream: &mut Streaming<StreamNotificationsResponse>,
) -> StreamNotificationsResponse {
    timeout(PATIENCE, stream.message())
        .await
        .expect("an element in time")
        .unwrap()
        .unwrap()
}

/// The position of the next notification of a stream that goes on.
pub(crate) async fn next_position(stream: &mut Streaming<StreamNotificationsResponse>) -> i64 {
    next(stream).await.notification.unwrap().position
}

/// The positions of `notifications`.
pub(crate) fn positions(notifications: &[Notification]) -> Vec<i64> {
    notifications
        .iter()
        .map(|notification| notification.position)
        .collect()
}

/// The events of `notifications`.
pub(crate) fn events(notifications: &[Notification]) -> Vec<Event> {
    notifications
        .iter()
        .map(|notification| notification.event.clone().unwrap())
        .collect()
}

/// A service that tells facts.
#[derive(Clone)]
pub(crate) struct Sender {
    source: String,
    environment: Environment,
    inbox: EventInboxServiceClient<Channel>,
}

impl Sender {
    pub(crate) fn event(&self, subject: &str, sequence: i64, data: Data) -> Event {
        Event {
            id: self.environment.event_id().to_string(),
            source: self.source.clone(),
            subject: subject.to_owned(),
            sequence,
            time: Some(wire::timestamp(self.environment.now())),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            data: Some(data),
        }
    }

    pub(crate) async fn deliver(
        &mut self,
        events: Vec<Event>,
    ) -> Result<Vec<DeliveryResult>, Status> {
        let answer = self
            .inbox
            .deliver_events(DeliverEventsRequest { events })
            .await?;
        Ok(answer.into_inner().results)
    }

    /// Delivers what must be accepted.
    pub(crate) async fn accepted(&mut self, events: Vec<Event>) {
        let results = self.deliver(events).await.unwrap();
        let refused: Vec<_> = results
            .iter()
            .filter(|result| result.status() != DeliveryStatus::Accepted)
            .collect();
        assert!(refused.is_empty(), "{refused:?}");
    }

    /// Delivers facts about as many referrals of `bureau`.
    pub(crate) async fn tell(&mut self, bureau: &str, referrals: usize) {
        let events = many(self, bureau, referrals);
        self.accepted(events).await;
    }
}

pub(crate) fn referral_changed(bureau: &str, step: ReferralStep, exercise: bool) -> Data {
    Data::ReferralChanged(ReferralChanged {
        referral: "referrals/0198c0de-0000-7000-8000-000000000001".to_owned(),
        reference: "2026-FR-000001".to_owned(),
        bureau: bureau.to_owned(),
        step: step.into(),
        state: ReferralState::Admitted.into(),
        exercise,
        ..ReferralChanged::default()
    })
}

pub(crate) fn assignment_changed(unit: &str, step: AssignmentStep) -> Data {
    Data::AssignmentChanged(AssignmentChanged {
        assignment: "assignments/0198c0de-0000-7000-8000-000000000002".to_owned(),
        unit: unit.to_owned(),
        step: step.into(),
        state: AssignmentState::Queued.into(),
        ..AssignmentChanged::default()
    })
}

pub(crate) fn task_changed(unit: &str) -> Data {
    Data::TaskChanged(TaskChanged {
        task: "tasks/0198c0de-0000-7000-8000-000000000003".to_owned(),
        unit: unit.to_owned(),
        state: "READY".to_owned(),
        ..TaskChanged::default()
    })
}

pub(crate) fn triage_requested() -> Data {
    Data::TriageRequested(TriageRequested::default())
}

/// Facts about as many referrals of `bureau`.
pub(crate) fn many(sender: &Sender, bureau: &str, count: usize) -> Vec<Event> {
    (0..count)
        .map(|number| {
            let data = referral_changed(bureau, ReferralStep::Admitted, false);
            sender.event(&format!("referrals/{number}"), 1, data)
        })
        .collect()
}
