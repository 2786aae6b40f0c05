//! An OTLP/gRPC collector that keeps what it is sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// What arrived, with the resource it came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receiver(Arc<Mutex<Arrived>>);

#[derive(Debug, Default)]
struct Arrived {
    spans: Vec<(Resource, Span)>,
    metrics: Vec<(Resource, Metric)>,
}

impl Receiver {
    /// Listens on a free port of the loopback address until the runtime ends.
    pub(crate) async fn listen() -> (Self, SocketAddr) {
        let receiver = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(TraceServiceServer::new(receiver.clone()))
                .add_service(MetricsServiceServer::new(receiver.clone()))
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        (receiver, address)
    }

    pub(crate) fn spans(&self) -> Vec<(Resource, Span)> {
        self.0.lock().unwrap().spans.clone()
    }

    /// The only span of that name.
    pub(crate) fn span(&self, name: &str) -> Span {
        let mut found: Vec<_> = self
            .spans()
            .into_iter()
            .filter(|(_, span)| span.name == name)
            .collect();
        assert_eq!(found.len(), 1, "one span named {name}");
        found.remove(0).1
    }

    pub(crate) fn metrics(&self) -> Vec<(Resource, Metric)> {
        self.0.lock().unwrap().metrics.clone()
    }
}

/// The text value of an attribute.
pub(crate) fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let value = attributes
        .iter()
        .find(|pair| pair.key == key)?
        .value
        .as_ref()?
        .value
        .as_ref()?;
    match value {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut arrived = self.0.lock().unwrap();
        for group in request.into_inner().resource_spans {
            let resource = group.resource.unwrap_or_default();
            for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                arrived.spans.push((resource.clone(), span));
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let mut arrived = self.0.lock().unwrap();
        for group in request.into_inner().resource_metrics {
            let resource = group.resource.unwrap_or_default();
            for metric in group
                .scope_metrics
                .into_iter()
                .flat_map(|scope| scope.metrics)
            {
                arrived.metrics.push((resource.clone(), metric));
            }
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
