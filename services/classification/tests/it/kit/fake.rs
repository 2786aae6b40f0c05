//! The services that this one talks to, served over mutual TLS.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use liaison_grpc::{
    Api, Caller, Health, Limits, Listeners, Methods, Server, ServerSettings, stack, wire,
};
use liaison_identity::Identity;
use liaison_proto::event::event_inbox_service_server::{
    EventInboxService, EventInboxServiceServer,
};
use liaison_proto::event::{
    DeliverEventsRequest, DeliverEventsResponse, DeliveryResult, DeliveryStatus, Event,
};
use liaison_proto::intake::intake_service_server::{IntakeService, IntakeServiceServer};
use liaison_proto::intake::{self, ClassificationInput};
use liaison_telemetry::Instruments;
use liaison_types::ReferralId;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// Services that this one talks to, in one: intake's reading, and everybody's inbox.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    inputs: HashMap<String, ClassificationInput>,
    poison: HashSet<String>,
    asked: Vec<Vec<String>>,
    events: Vec<Event>,
}

impl Fake {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// It has this referral's dossier from now on.
    pub fn has(&self, referral: ReferralId, input: ClassificationInput) {
        let name = wire::resource(referral);
        let input = ClassificationInput {
            referral: name.clone(),
            ..input
        };
        self.state().inputs.insert(name, input);
    }

    /// Every call that asks for this referral fails.
    pub fn poison(&self, referral: ReferralId) {
        self.state().poison.insert(wire::resource(referral));
    }

    /// How many names each call asked for; forgotten then.
    pub fn take_asked(&self) -> Vec<usize> {
        let asked = std::mem::take(&mut self.state().asked);
        asked.iter().map(Vec::len).collect()
    }

    /// What arrived so far.
    pub fn events(&self) -> Vec<Event> {
        self.state().events.clone()
    }
}

#[tonic::async_trait]
impl EventInboxService for Fake {
    async fn deliver_events(
        &self,
        request: Request<DeliverEventsRequest>,
    ) -> Result<Response<DeliverEventsResponse>, Status> {
        let events = request.into_inner().events;
        let accepted = DeliveryResult {
            status: DeliveryStatus::Accepted.into(),
            reason: String::new(),
        };
        let results = vec![accepted; events.len()];
        self.state().events.extend(events);
        Ok(Response::new(DeliverEventsResponse { results }))
    }
}

macro_rules! unused {
    ($($method:ident, $request:ident, $response:ident;)*) => {
        #[tonic::async_trait]
        impl IntakeService for Fake {
            $(async fn $method(
                &self,
                _: Request<intake::$request>,
            ) -> Result<Response<intake::$response>, Status> {
                Err(Status::unimplemented("not here"))
            })*

            async fn batch_get_classification_inputs(
                &self,
                request: Request<intake::BatchGetClassificationInputsRequest>,
            ) -> Result<Response<intake::BatchGetClassificationInputsResponse>, Status> {
                let caller = Caller::of(&request)?.party().to_string();
                assert_eq!(caller, "service/classification");
                let names = request.into_inner().names;
                let mut state = self.state();
                state.asked.push(names.clone());
                if names.iter().any(|name| state.poison.contains(name)) {
                    return Err(Status::internal("poisoned"));
                }
                let found = names.iter().filter_map(|name| state.inputs.get(name).cloned());
                let inputs = found.collect();
                Ok(Response::new(intake::BatchGetClassificationInputsResponse { inputs }))
            }
        }
    };
}

unused! {
    submit_referral, SubmitReferralRequest, SubmitReferralResponse;
    get_referral, GetReferralRequest, GetReferralResponse;
    list_referrals, ListReferralsRequest, ListReferralsResponse;
    get_referral_history, GetReferralHistoryRequest, GetReferralHistoryResponse;
    get_dossier, GetDossierRequest, GetDossierResponse;
    share_referral, ShareReferralRequest, ShareReferralResponse;
    end_share, EndShareRequest, EndShareResponse;
    list_shares, ListSharesRequest, ListSharesResponse;
    list_consent_requests, ListConsentRequestsRequest, ListConsentRequestsResponse;
    decide_consent, DecideConsentRequest, DecideConsentResponse;
    get_custody_bundle, GetCustodyBundleRequest, GetCustodyBundleResponse;
    explain_decision, ExplainDecisionRequest, ExplainDecisionResponse;
    purge_referral, PurgeReferralRequest, PurgeReferralResponse;
    decide_review, DecideReviewRequest, DecideReviewResponse;
}

/// A server at work. Cut when dropped.
pub struct Serving {
    pub address: SocketAddr,
    hard: CancellationToken,
    ended: Option<tokio::task::JoinHandle<()>>,
}

impl Serving {
    /// Serves `fake` as `identity` on `listen`.
    pub async fn start(fake: Fake, identity: Identity, listen: SocketAddr) -> Self {
        let settings = ServerSettings {
            listen,
            health_listen: ([127, 0, 0, 1], 0).into(),
            limits: Limits::default(),
        };
        let listeners = Listeners::bind(&settings).await.unwrap();
        let address = listeners.address();
        let methods = Methods::liaison();
        let instruments = Instruments::none();
        let api = Api::new(stack(
            &methods,
            &settings.limits,
            Some(&identity),
            &instruments,
        ))
        .service(IntakeServiceServer::new(fake.clone()))
        .service(EventInboxServiceServer::new(fake));
        let server = Server {
            listeners,
            api,
            identity,
            health: Health::new("test").await,
            limits: settings.limits,
        };
        let hard = CancellationToken::new();
        let serving = server.serve(hard.clone(), hard.clone());
        let ended = tokio::spawn(async move {
            serving.await.unwrap();
        });
        Self {
            address,
            hard,
            ended: Some(ended),
        }
    }

    /// Ends it: its port answers nobody any more.
    pub async fn stop(mut self) {
        self.hard.cancel();
        self.ended.take().unwrap().await.unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.hard.cancel();
    }
}

pub const ANY_PORT: ([u8; 4], u16) = ([127, 0, 0, 1], 0);
