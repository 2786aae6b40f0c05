//! How a log line looks.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::{LogFormat, propagation};

/// Writes one line for each event:
///
/// ```text
/// 2026-03-01T08:00:00.000000Z  INFO intake liaison_runtime::lifecycle: serving address=127.0.0.1:7101
/// {"timestamp":"…","level":"INFO","service":"intake","target":"…","message":"serving","fields":{…}}
/// ```
pub(crate) struct LineFormat {
    service: String,
    format: LogFormat,
}

impl LineFormat {
    pub(crate) fn new(service: &str, format: LogFormat) -> Self {
        Self {
            service: service.to_owned(),
            format,
        }
    }
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self.format {
            LogFormat::Text => self.text(context, &mut writer, event),
            LogFormat::Json => self.json(&mut writer, event),
        }
    }
}

impl LineFormat {
    fn text<S, N>(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: &mut Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        N: for<'a> FormatFields<'a> + 'static,
    {
        let metadata = event.metadata();
        SystemTime.format_time(writer)?;
        let (on, off) = if writer.has_ansi_escapes() {
            (colour(*metadata.level()), "\u{1b}[0m")
        } else {
            ("", "")
        };
        let (level, service, target) = (metadata.level(), &self.service, metadata.target());
        write!(writer, " {on}{level:>5}{off} {service} {target}: ")?;
        context.format_fields(writer.by_ref(), event)?;
        if let Some((trace, _)) = propagation::current_ids() {
            write!(writer, " trace_id={trace}")?;
        }
        writeln!(writer)
    }

    fn json(&self, writer: &mut Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut visitor = JsonVisitor::default();
        event.record(&mut visitor);

        let mut line = Map::new();
        line.insert("timestamp".into(), timestamp.into());
        line.insert("level".into(), metadata.level().as_str().into());
        line.insert("service".into(), self.service.as_str().into());
        line.insert("target".into(), metadata.target().into());
        line.insert("message".into(), visitor.message.into());
        if let Some((trace, span)) = propagation::current_ids() {
            line.insert("trace_id".into(), trace.to_string().into());
            line.insert("span_id".into(), span.to_string().into());
        }
        if !visitor.fields.is_empty() {
            line.insert("fields".into(), visitor.fields.into());
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

const fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}

/// Collects the fields of an event as JSON, numbers and truth values as such.
#[derive(Default)]
struct JsonVisitor {
    message: String,
    fields: Map<String, Value>,
}

impl JsonVisitor {
    fn put(&mut self, field: &Field, value: Value) {
        // A dispatch may carry records of the `log` crate, whose own fields are named like this.
        if !field.name().starts_with("log.") {
            self.fields.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for JsonVisitor {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value.into());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.put(field, format!("{value:?}").into());
        }
    }
}
