//! A party's way to the services.

use std::sync::Arc;

use liaison_grpc::client::connect;
use liaison_grpc::{Channel, ClientSettings, Methods};
use liaison_identity::{Identity, IdentitySettings};
use liaison_proto::classification::classification_service_client::ClassificationServiceClient;
use liaison_proto::common::ReferralState;
use liaison_proto::event::event_inbox_service_client::EventInboxServiceClient;
use liaison_proto::intake::intake_service_client::IntakeServiceClient;
use liaison_proto::intake::{Dossier, GetReferralRequest, Referral, SubmitReferralRequest};
use liaison_proto::notification::notification_service_client::NotificationServiceClient;
use liaison_proto::routing::routing_service_client::RoutingServiceClient;
use liaison_telemetry::Instruments;
use liaison_testkit::eventually;
use liaison_types::{Clock, Language, Party, PartyKind, SystemClock, SystemRandom, id::uuid_v7};
use tonic::Status;

use crate::PATIENCE;
use crate::addresses::{Addresses, SERVICES};

/// Who acts where nobody else is named.
const OFFICER: &str = "a.first";

/// Acts as one party. Connects when it is first used; clones share the connections.
#[derive(Clone, Debug)]
pub struct Client {
    party: Party,
    bare: [Channel; 4],
    channels: [Channel; 4],
}

impl Client {
    /// The party of that certificate.
    ///
    /// # Panics
    /// Where the certificate cannot be used.
    #[must_use]
    pub fn new(settings: &IdentitySettings, addresses: &Addresses) -> Self {
        Self::at(settings, addresses, Arc::new(SystemClock))
    }

    /// The same by another clock, which decides whether certificates are valid.
    ///
    /// # Panics
    /// Where the certificate cannot be used.
    #[must_use]
    pub fn at(settings: &IdentitySettings, addresses: &Addresses, clock: Arc<dyn Clock>) -> Self {
        let identity = Identity::load(settings, clock)
            .unwrap_or_else(|error| panic!("{}", liaison_types::Error::from(error).chain()));
        let bare = SERVICES.map(|service| {
            connect(
                &addresses.uri(service),
                identity.connector(Party::service(service)),
                &ClientSettings::default(),
                &Methods::liaison(),
                &Instruments::none(),
            )
            .expect("the address has the right form")
        });
        let nobody = Self {
            party: identity.party(),
            channels: bare.clone(),
            bare,
        };
        // A service vouches for nobody.
        if nobody.party.kind() == PartyKind::Service {
            nobody
        } else {
            nobody.officer(OFFICER)
        }
    }

    /// The same party with another officer.
    ///
    /// # Panics
    /// Where that is no name of an officer.
    #[must_use]
    pub fn officer(&self, name: &str) -> Self {
        let channels = self.bare.clone().map(|channel| {
            channel
                .with_officer(name)
                .unwrap_or_else(|_| panic!("{name} is no officer's name"))
        });
        Self {
            channels,
            ..self.clone()
        }
    }

    /// The same party without naming an officer.
    #[must_use]
    pub fn nobody(&self) -> Self {
        Self {
            channels: self.bare.clone(),
            ..self.clone()
        }
    }

    /// The same party, asking for texts in `language`.
    #[must_use]
    pub fn language(&self, language: Language) -> Self {
        let channels = self
            .channels
            .clone()
            .map(|channel| channel.with_language(language));
        Self {
            channels,
            ..self.clone()
        }
    }

    /// Who acts.
    #[must_use]
    pub fn party(&self) -> &Party {
        &self.party
    }

    /// The way to `service`, below any generated client.
    ///
    /// # Panics
    /// Where there is no such service.
    #[must_use]
    pub fn channel(&self, service: &str) -> Channel {
        let index = SERVICES.iter().position(|name| *name == service);
        self.channels[index.unwrap_or_else(|| panic!("{service} is no service"))].clone()
    }

    /// The intake service.
    #[must_use]
    pub fn intake(&self) -> IntakeServiceClient<Channel> {
        IntakeServiceClient::new(self.channel("intake"))
    }

    /// The classification service.
    #[must_use]
    pub fn classification(&self) -> ClassificationServiceClient<Channel> {
        ClassificationServiceClient::new(self.channel("classification"))
    }

    /// The routing service.
    #[must_use]
    pub fn routing(&self) -> RoutingServiceClient<Channel> {
        RoutingServiceClient::new(self.channel("routing"))
    }

    /// The notification service.
    #[must_use]
    pub fn notification(&self) -> NotificationServiceClient<Channel> {
        NotificationServiceClient::new(self.channel("notification"))
    }

    /// The inbox of `service`, for parties that are services.
    #[must_use]
    pub fn inbox(&self, service: &str) -> EventInboxServiceClient<Channel> {
        EventInboxServiceClient::new(self.channel(service))
    }

    /// The referral `name` as it stands.
    ///
    /// # Errors
    /// What intake says against it.
    pub async fn referral(&self, name: &str) -> Result<Referral, Status> {
        let request = GetReferralRequest {
            name: name.to_owned(),
        };
        let answer = self.intake().get_referral(request).await?.into_inner();
        answer
            .referral
            .ok_or_else(|| Status::data_loss("an answer without its referral"))
    }

    /// Waits until the referral `name` stands in `state`.
    ///
    /// # Panics
    /// Where it does not in time.
    pub async fn reaches(&self, name: &str, state: ReferralState) -> Referral {
        eventually(PATIENCE, || async {
            self.referral(name)
                .await
                .ok()
                .filter(|referral| referral.state() == state)
        })
        .await
    }

    /// Submits `dossier` under a request id of its own.
    ///
    /// # Errors
    /// What intake says against it.
    pub async fn submit(&self, dossier: Dossier) -> Result<Referral, Status> {
        self.submit_as(request_id(), dossier).await
    }

    /// Submits `dossier` under this request id.
    ///
    /// # Errors
    /// What intake says against it.
    pub async fn submit_as(
        &self,
        request_id: String,
        dossier: Dossier,
    ) -> Result<Referral, Status> {
        let request = SubmitReferralRequest {
            dossier: Some(dossier),
            request_id,
            validate_only: false,
        };
        let answer = self.intake().submit_referral(request).await?.into_inner();
        answer
            .referral
            .ok_or_else(|| Status::data_loss("an answer without its referral"))
    }
}

/// A request id that nobody used.
#[must_use]
pub fn request_id() -> String {
    uuid_v7(SystemClock.now(), &SystemRandom).to_string()
}
