//! Connecting to the suite as a party.

use std::sync::Arc;

use liaison_grpc::{Channel, ClientSettings, Methods};
use liaison_identity::Identity;
use liaison_proto::audit::audit_service_client::AuditServiceClient;
use liaison_proto::classification::classification_service_client::ClassificationServiceClient;
use liaison_proto::intake::intake_service_client::IntakeServiceClient;
use liaison_proto::notification::notification_service_client::NotificationServiceClient;
use liaison_proto::routing::routing_service_client::RoutingServiceClient;
use liaison_telemetry::Instruments;
use liaison_types::{Language, Party, SystemClock};

use crate::cli::ConnectArgs;
use crate::failure::Failure;
use crate::folder::Folder;

/// A party's way to the four services. Connections are made when they are first used.
#[derive(Clone, Debug)]
pub struct Connection {
    identity: Identity,
    officer: Option<String>,
    language: Language,
    folder: Folder,
    given: Given,
}

/// Addresses given by hand.
#[derive(Clone, Debug, Default)]
struct Given {
    intake: Option<String>,
    classification: Option<String>,
    routing: Option<String>,
    notification: Option<String>,
}

impl Connection {
    /// As `args` say; `default` is the party where none is named.
    ///
    /// # Errors
    /// Where no party is named or its certificate is missing, with what to do about it.
    pub fn open(args: &ConnectArgs, default: Option<Party>) -> Result<Self, Failure> {
        let party = args.party.clone().or(default).ok_or_else(|| {
            Failure::Usage("say who acts with --as, for example --as bureau/NB-FR".to_owned())
        })?;
        let folder = Folder::new(&args.dir)?;
        let connection = Self::of(folder, &party, args.officer.clone())?;
        Ok(Self {
            language: args.language,
            given: Given {
                intake: args.intake.clone(),
                classification: args.classification.clone(),
                routing: args.routing.clone(),
                notification: args.notification.clone(),
            },
            ..connection
        })
    }

    /// As `party`, with the certificates and addresses in `folder`.
    ///
    /// # Errors
    /// Where the certificate is missing or cannot be used.
    pub fn of(folder: Folder, party: &Party, officer: Option<String>) -> Result<Self, Failure> {
        let settings = folder.identity_of(party);
        if !settings.certificate.exists() {
            return Err(Failure::Local(format!(
                "there is no certificate for {party} in {}; make one with: liaison certs issue \
                 {party} --dir {}",
                folder.certificates().display(),
                folder.certificates().display(),
            )));
        }
        let identity =
            Identity::load(&settings, Arc::new(SystemClock)).map_err(liaison_types::Error::from)?;
        Ok(Self {
            identity,
            officer,
            language: Language::En,
            folder,
            given: Given::default(),
        })
    }

    fn channel(&self, service: &str, given: Option<&String>) -> Result<Channel, Failure> {
        let address = match given {
            Some(address) => address.clone(),
            None => self.folder.address_of(service).map_err(|_| {
                Failure::Local(format!(
                    "the address of {service} is not known; start the suite with: liaison up \
                     --dir {}, or give --{service} HOST:PORT",
                    self.folder.path().display(),
                ))
            })?,
        };
        let uri = format!("https://{}", address.trim_start_matches("https://"));
        let channel = liaison_grpc::client::connect(
            &uri,
            self.identity.connector(Party::service(service)),
            &ClientSettings::default(),
            &Methods::liaison(),
            &Instruments::none(),
        )?
        .with_language(self.language);
        match &self.officer {
            Some(officer) => Ok(channel.with_officer(officer)?),
            None => Ok(channel),
        }
    }

    /// The intake service.
    ///
    /// # Errors
    /// Where its address is not known.
    pub fn intake(&self) -> Result<IntakeServiceClient<Channel>, Failure> {
        self.channel("intake", self.given.intake.as_ref())
            .map(IntakeServiceClient::new)
    }

    /// The audit of the service `name`, which is one of the four.
    ///
    /// # Errors
    /// Where its address is not known.
    pub fn audit(&self, name: &str) -> Result<AuditServiceClient<Channel>, Failure> {
        let given = match name {
            "intake" => &self.given.intake,
            "classification" => &self.given.classification,
            "routing" => &self.given.routing,
            _ => &self.given.notification,
        };
        self.channel(name, given.as_ref())
            .map(AuditServiceClient::new)
    }

    /// The classification service.
    ///
    /// # Errors
    /// Where its address is not known.
    pub fn classification(&self) -> Result<ClassificationServiceClient<Channel>, Failure> {
        self.channel("classification", self.given.classification.as_ref())
            .map(ClassificationServiceClient::new)
    }

    /// The routing service.
    ///
    /// # Errors
    /// Where its address is not known.
    pub fn routing(&self) -> Result<RoutingServiceClient<Channel>, Failure> {
        self.channel("routing", self.given.routing.as_ref())
            .map(RoutingServiceClient::new)
    }

    /// The notification service.
    ///
    /// # Errors
    /// Where its address is not known.
    pub fn notification(&self) -> Result<NotificationServiceClient<Channel>, Failure> {
        self.channel("notification", self.given.notification.as_ref())
            .map(NotificationServiceClient::new)
    }
}
