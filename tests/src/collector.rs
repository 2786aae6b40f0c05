//! An OTLP collector within the test, which keeps everything that it is sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// A collector. Clones share what arrived.
#[derive(Clone, Debug, Default)]
pub struct Collector(Arc<Mutex<Received>>);

/// What arrived so far.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Traces, one export after the other.
    pub traces: Vec<ExportTraceServiceRequest>,
    /// Measurements, one export after the other.
    pub metrics: Vec<ExportMetricsServiceRequest>,
}

impl Collector {
    /// Listens on a free port of the loopback address until the runtime ends.
    ///
    /// # Panics
    /// Where there is no free port.
    pub async fn listen() -> (Self, SocketAddr) {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has one");
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(TraceServiceServer::new(collector.clone()))
                .add_service(MetricsServiceServer::new(collector.clone()))
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        (collector, address)
    }

    /// All of it.
    #[must_use]
    pub fn received(&self) -> Received {
        self.kept().clone()
    }

    fn kept(&self) -> MutexGuard<'_, Received> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Received {
    /// How many spans there are.
    #[must_use]
    pub fn spans(&self) -> usize {
        let resources = self.traces.iter().flat_map(|sent| &sent.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.map(|scope| scope.spans.len()).sum()
    }

    /// Every measurement, and the labels of each of its points.
    ///
    /// # Panics
    /// Where a measurement is of a kind that nothing here reads.
    #[must_use]
    pub fn labels(&self) -> Vec<(String, KeyValue)> {
        let resources = self.metrics.iter().flat_map(|sent| &sent.resource_metrics);
        let scopes = resources.flat_map(|resource| &resource.scope_metrics);
        let metrics = scopes.flat_map(|scope| &scope.metrics);
        metrics
            .flat_map(|metric| {
                let labels = points(metric).into_iter().flatten().cloned();
                labels.map(|label| (metric.name.clone(), label))
            })
            .collect()
    }
}

/// The labels of each point.
fn points(metric: &Metric) -> Vec<&Vec<KeyValue>> {
    match metric.data.as_ref() {
        Some(Data::Gauge(gauge)) => gauge
            .data_points
            .iter()
            .map(|point| &point.attributes)
            .collect(),
        Some(Data::Sum(sum)) => sum
            .data_points
            .iter()
            .map(|point| &point.attributes)
            .collect(),
        Some(Data::Histogram(histogram)) => histogram
            .data_points
            .iter()
            .map(|point| &point.attributes)
            .collect(),
        other => panic!(
            "{} is of a kind that nothing here reads: {other:?}",
            metric.name
        ),
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.kept().traces.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.kept().metrics.push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
