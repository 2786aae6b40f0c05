//! grpc.health.v1: liveness under the empty name, readiness under the service's name.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Answer;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// The health of one service. Cheap to clone; clones share the state.
///
/// The empty name is SERVING as long as the process answers at all. The service's own name starts
/// as `NOT_SERVING` and follows [`Health::set_ready`].
#[derive(Clone, Debug)]
pub struct Health {
    // Two, because watches inside TLS end when the server stops, and probes go on.
    inside: HealthReporter,
    outside: HealthReporter,
    service: Arc<str>,
}

impl Health {
    /// The health of `service`, for example `liaison.intake.v1.IntakeService`; not ready yet.
    pub async fn new(service: &str) -> Self {
        let health = Self {
            inside: HealthReporter::new(),
            outside: HealthReporter::new(),
            service: service.into(),
        };
        health.set_ready(false).await;
        health
    }

    /// The name under which readiness is asked.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Says whether the service takes calls.
    pub async fn set_ready(&self, ready: bool) {
        let status = if ready {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for reporter in [&self.inside, &self.outside] {
            reporter.set_service_status(&self.service, status).await;
        }
    }

    /// Ends the watches inside TLS: they last as long as their callers want and would hold every
    /// graceful end up.
    pub(crate) async fn end_watches(&self) {
        let mut inside = self.inside.clone();
        inside.clear_service_status(&self.service).await;
        inside.clear_service_status("").await;
    }

    pub(crate) fn inside(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.inside.clone()))
    }

    pub(crate) fn outside(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.outside.clone()))
    }
}

/// What a probe found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    /// Takes calls.
    Serving,
    /// Answers, and says that it takes no calls, or does not know the name.
    NotServing,
    /// Does not answer.
    Unreachable,
}

/// Asks the plaintext health port at `address` for `service`; the empty name asks for liveness.
pub async fn probe(address: SocketAddr, service: &str, timeout: Duration) -> Probe {
    let asked = async {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}"))
            .map_err(|_| Probe::Unreachable)?;
        let channel = endpoint.connect().await.map_err(|_| Probe::Unreachable)?;
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = HealthClient::new(channel)
            .check(request)
            .await
            .map_err(|status| {
                let answered = status.code() == tonic::Code::NotFound;
                if answered {
                    Probe::NotServing
                } else {
                    Probe::Unreachable
                }
            })?;
        Ok(match answer.get_ref().status() {
            Answer::Serving => Probe::Serving,
            _ => Probe::NotServing,
        })
    };
    match tokio::time::timeout(timeout, asked).await {
        Ok(Ok(probe) | Err(probe)) => probe,
        Err(_) => Probe::Unreachable,
    }
}
