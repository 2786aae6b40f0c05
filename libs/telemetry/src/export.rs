//! OTLP export of spans and metrics, on threads of its own.
//!
//! The exporters' connections live on a small runtime with a thread of its own, not on the
//! service's: exporting then works while the service's runtime is single-threaded, busy, blocked
//! in shutdown or not there yet, and the connection's own tracing reaches no subscriber.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use liaison_types::{Random, SystemRandom};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData};
use tokio::sync::oneshot;
use tracing::dispatcher::{Dispatch, WeakDispatch};

use crate::{TelemetryError, TelemetrySettings};

/// One attempt to hand a batch over, retries included.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The running exporters of one service.
pub(crate) struct Exporters {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    health: Arc<Health>,
    flush_timeout: Duration,
    /// Dropping it ends the exporting thread.
    thread: Option<oneshot::Sender<()>>,
}

impl fmt::Debug for Exporters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporters")
    }
}

impl Exporters {
    pub(crate) fn start(
        name: &str,
        version: &str,
        endpoint: &str,
        settings: &TelemetrySettings,
    ) -> Result<Self, TelemetryError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(TelemetryError::Thread)?;
        let (span_exporter, metric_exporter) = {
            // The exporters start their connection task where they are built.
            let _runtime = runtime.enter();
            let spans = SpanExporter::builder()
                .with_tonic()
                .with_endpoint(endpoint)
                .with_timeout(EXPORT_TIMEOUT)
                .build()
                .map_err(TelemetryError::Exporter)?;
            let metrics = MetricExporter::builder()
                .with_tonic()
                .with_endpoint(endpoint)
                .with_timeout(EXPORT_TIMEOUT)
                .build()
                .map_err(TelemetryError::Exporter)?;
            (spans, metrics)
        };
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name(format!("otlp-{name}"))
            .spawn(move || {
                let _quiet = tracing::dispatcher::set_default(&Dispatch::none());
                // Ends with an error when the sender is dropped: both mean the same.
                let _ = runtime.block_on(stopped);
            })
            .map_err(TelemetryError::Thread)?;

        let health = Arc::new(Health::default());
        let resource = resource(name, version);
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                settings.sample_ratio,
            ))))
            .with_batch_exporter(Watched {
                exporter: span_exporter,
                health: Arc::clone(&health),
            })
            .build();
        let reader = PeriodicReader::builder(Watched {
            exporter: metric_exporter,
            health: Arc::clone(&health),
        })
        .with_interval(settings.metrics_interval)
        .build();
        let metrics = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(reader)
            .build();
        let flush_timeout = settings.flush_timeout;
        Ok(Self {
            traces,
            metrics,
            health,
            flush_timeout,
            thread: Some(stop),
        })
    }

    pub(crate) const fn traces(&self) -> &SdkTracerProvider {
        &self.traces
    }

    pub(crate) fn meter(&self) -> Meter {
        self.metrics.meter("liaison")
    }

    /// Where failing exports are logged.
    pub(crate) fn report_to(&self, dispatch: &Dispatch) {
        // Set once: the exporters live as long as their dispatch.
        let _ = self.health.dispatch.set(dispatch.downgrade());
    }

    /// See [`crate::Telemetry::shutdown`].
    pub(crate) async fn shutdown(mut self) -> bool {
        let timeout = self.flush_timeout;
        let done = self.flush_on_threads();
        tokio::time::timeout(timeout, done).await.unwrap_or(false)
    }

    /// Shutting a provider down blocks its caller, for seconds where the collector is gone. Plain
    /// threads, because a runtime waits for its blocking tasks when it is dropped and would thus
    /// undo the bound.
    fn flush_on_threads(&mut self) -> impl Future<Output = bool> + use<> {
        let thread = Arc::new(self.thread.take());
        let (timeout, traces, metrics) = (
            self.flush_timeout,
            self.traces.clone(),
            self.metrics.clone(),
        );
        let traces = on_thread("flush-traces", Arc::clone(&thread), move || {
            traces.shutdown_with_timeout(timeout)
        });
        let metrics = on_thread("flush-metrics", thread, move || {
            metrics.shutdown_with_timeout(timeout)
        });
        async move { traces.await.unwrap_or(false) & metrics.await.unwrap_or(false) }
    }
}

impl Drop for Exporters {
    /// The providers would flush, and block, where their last reference goes. That may be any
    /// thread, so it is done aside.
    fn drop(&mut self) {
        if self.thread.is_some() {
            drop(self.flush_on_threads());
        }
    }
}

/// Runs `flush` on a thread of its own, which keeps the exporting thread alive meanwhile.
fn on_thread(
    name: &str,
    exporting: Arc<Option<oneshot::Sender<()>>>,
    flush: impl FnOnce() -> OTelSdkResult + Send + 'static,
) -> oneshot::Receiver<bool> {
    let (report, result) = oneshot::channel();
    let spawned = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let flushed = flush().is_ok();
            drop(exporting);
            // Nobody waits any more where the bound has passed.
            let _ = report.send(flushed);
        });
    // Without a thread the sender is dropped and the receiver reads "not flushed".
    drop(spawned);
    result
}

/// Which process the data comes from.
fn resource(name: &str, version: &str) -> Resource {
    let mut instance = [0; 16];
    SystemRandom.fill(&mut instance);
    Resource::builder_empty()
        .with_service_name(name.to_owned())
        .with_attributes([
            KeyValue::new("service.namespace", "liaison"),
            KeyValue::new("service.version", version.to_owned()),
            KeyValue::new("service.instance.id", hex::encode(instance)),
        ])
        .build()
}

/// Whether exports succeed. Logged when it changes, not each time: a missing collector is one
/// line, not one every few seconds.
#[derive(Default)]
struct Health {
    failing: AtomicBool,
    dispatch: OnceLock<WeakDispatch>,
}

impl Health {
    fn saw(&self, result: &OTelSdkResult) {
        let failed = result.is_err();
        if self.failing.swap(failed, Ordering::Relaxed) == failed {
            return;
        }
        let Some(dispatch) = self.dispatch.get().and_then(WeakDispatch::upgrade) else {
            return;
        };
        tracing::dispatcher::with_default(&dispatch, || {
            if failed {
                tracing::warn!("telemetry cannot be exported: the collector does not take it");
            } else {
                tracing::info!("telemetry is exported again");
            }
        });
    }
}

/// An exporter whose results are watched.
struct Watched<E> {
    exporter: E,
    health: Arc<Health>,
}

impl<E> fmt::Debug for Watched<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl<E: opentelemetry_sdk::trace::SpanExporter> opentelemetry_sdk::trace::SpanExporter
    for Watched<E>
{
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        self.health.saw(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Watched<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.exporter.export(metrics).await;
        self.health.saw(&result);
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
