//! Building the dispatch of a service and bringing it to an orderly end.

use std::cell::RefCell;
use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider;
use tracing::dispatcher::{DefaultGuard, Dispatch};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Filter, Layer, SubscriberExt};

use crate::export::Exporters;
use crate::format::LineFormat;
use crate::{Instruments, TelemetrySettings, propagation};

/// The telemetry of one service.
///
/// Call [`Telemetry::shutdown`] at the end, also when the start failed: dropping it instead loses
/// what was not exported yet.
#[derive(Debug)]
pub struct Telemetry {
    dispatch: Dispatch,
    instruments: Instruments,
    exporters: Option<Exporters>,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The settings do not pass [`TelemetrySettings::problems`].
    #[error("telemetry.{key} {rule}")]
    Settings {
        /// The first key that is wrong.
        key: &'static str,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The thread that exports could not be started.
    #[error("the telemetry thread could not be started")]
    Thread(#[source] std::io::Error),
    /// The exporter refused its configuration.
    #[error("the telemetry exporter could not be built")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
    /// The process already has a global dispatch.
    #[error("the process already has a global tracing subscriber")]
    AlreadyGlobal,
}

impl Telemetry {
    /// Builds the telemetry of the service `name` (for example `intake`) in `version`. Log lines
    /// go to standard error. Nothing is connected yet and no collector need be there.
    ///
    /// # Errors
    /// Where the settings are wrong or the exporting thread cannot be started.
    pub fn build(
        name: &str,
        version: &str,
        settings: &TelemetrySettings,
    ) -> Result<Self, TelemetryError> {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self::build_to(name, version, settings, std::io::stderr, colour)
    }

    /// Like [`Telemetry::build`], with log lines going to `writer`, in `colour` or plain.
    ///
    /// # Errors
    /// As [`Telemetry::build`].
    pub fn build_to<W>(
        name: &str,
        version: &str,
        settings: &TelemetrySettings,
        writer: W,
        colour: bool,
    ) -> Result<Self, TelemetryError>
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        if let Some(problem) = settings.problems().into_iter().next() {
            return Err(TelemetryError::Settings {
                key: problem.key,
                rule: problem.rule,
            });
        }
        let log = tracing_subscriber::fmt::layer()
            .event_format(LineFormat::new(name, settings.log_format))
            .with_ansi(colour)
            .with_writer(writer)
            .with_filter(EventsOnly(settings.log_filter().unwrap_or_default()));

        let Some(endpoint) = &settings.endpoint else {
            let dispatch = Dispatch::new(Registry::default().with(log));
            return Ok(Self {
                dispatch,
                instruments: Instruments::none(),
                exporters: None,
            });
        };

        let exporters = Exporters::start(name, version, endpoint, settings)?;
        let spans = tracing_opentelemetry::layer()
            .with_tracer(exporters.traces().tracer("liaison"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(settings.trace_filter().unwrap_or_default());
        let dispatch = Dispatch::new(Registry::default().with(log).with(spans));
        exporters.report_to(&dispatch);
        propagation::exporting();
        let instruments = Instruments::new(exporters.meter());
        Ok(Self {
            dispatch,
            instruments,
            exporters: Some(exporters),
        })
    }

    /// The dispatch that carries this service's events and spans.
    #[must_use]
    pub const fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// The instruments of this service.
    #[must_use]
    pub const fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// Makes this the telemetry of the whole process.
    ///
    /// # Errors
    /// Where the process already has a global subscriber.
    pub fn install_global(&self) -> Result<(), TelemetryError> {
        tracing::dispatcher::set_global_default(self.dispatch.clone())
            .map_err(|_| TelemetryError::AlreadyGlobal)
    }

    /// What a runtime's `on_thread_start` must call so that its threads carry this service's
    /// dispatch. The thread that blocks on the runtime needs [`Telemetry::enter`] besides.
    pub fn on_thread(&self) -> impl Fn() + Send + Sync + Clone + 'static {
        thread_local! {
            // The guard is not Send and must live as long as the thread.
            static GUARD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
        }
        let dispatch = self.dispatch.clone();
        move || {
            let guard = tracing::dispatcher::set_default(&dispatch);
            GUARD.with(|slot| *slot.borrow_mut() = Some(guard));
        }
    }

    /// Makes the current thread carry this service's dispatch until the guard is dropped.
    #[must_use]
    pub fn enter(&self) -> DefaultGuard {
        tracing::dispatcher::set_default(&self.dispatch)
    }

    /// Hands what is left to the collector and ends the exporting threads. Takes no longer than
    /// `flush_timeout`, whatever the collector does, and works on any runtime. Says whether
    /// everything was taken; where not, a warning is logged and that is all: a missing collector
    /// never makes an exit fail.
    pub async fn shutdown(self) -> bool {
        let Some(exporters) = self.exporters else {
            return true;
        };
        let flushed = exporters.shutdown().await;
        if !flushed {
            tracing::dispatcher::with_default(&self.dispatch, || {
                tracing::warn!("telemetry was not flushed: the collector did not take all of it");
            });
        }
        flushed
    }
}

/// Lets events through as the targets say and no spans at all. Log lines have no use for spans, so
/// without a collector every span is switched off where it is made.
struct EventsOnly(Targets);

impl<S> Filter<S> for EventsOnly {
    fn enabled(
        &self,
        metadata: &tracing::Metadata<'_>,
        context: &tracing_subscriber::layer::Context<'_, S>,
    ) -> bool {
        metadata.is_event() && Filter::enabled(&self.0, metadata, context)
    }

    fn callsite_enabled(
        &self,
        metadata: &'static tracing::Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        if metadata.is_event() {
            Filter::<S>::callsite_enabled(&self.0, metadata)
        } else {
            tracing::subscriber::Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Filter::<S>::max_level_hint(&self.0)
    }
}
