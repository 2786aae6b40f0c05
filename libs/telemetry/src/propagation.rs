//! W3C trace context across calls (`traceparent` headers) and across the outbox (a column).
//!
//! Everything here returns at once where no collector is configured: nothing is parsed, nothing
//! is allocated. A context that cannot be read is ignored, never an error: a broken header must
//! not break a referral.

use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A `tracestate` longer than this is not passed on; the specification asks for at least 512.
const MAX_TRACESTATE: usize = 512;

/// Whether any service of this process exports. Never goes back: a context read in vain is cheap,
/// one lost is not.
static EXPORTING: AtomicBool = AtomicBool::new(false);

pub(crate) fn exporting() {
    EXPORTING.store(true, Ordering::Relaxed);
}

fn is_exporting() -> bool {
    EXPORTING.load(Ordering::Relaxed)
}

/// The trace position of a caller: what a span here may continue or link to.
#[derive(Clone, Debug, PartialEq)]
pub struct Parent(SpanContext);

impl Parent {
    /// Reads a `traceparent` value. `None` where it is malformed or where nothing is exported.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        if !is_exporting() {
            return None;
        }
        parse(traceparent, TraceState::default()).map(Self)
    }

    /// Makes `span` continue this trace. Only works before the span is first entered.
    pub fn adopt(&self, span: &Span) {
        if span.is_disabled() {
            return;
        }
        // Fails where the span is filtered out or already started: the trace then begins here.
        let _ = span.set_parent(Context::new().with_remote_span_context(self.0.clone()));
    }

    /// Makes `span` point to this trace without continuing it, as a span over a batch does for
    /// each of its members.
    pub fn link(&self, span: &Span) {
        if !span.is_disabled() {
            span.add_link(self.0.clone());
        }
    }
}

/// Writes the trace position of the current span into the headers of an outgoing call.
pub fn inject(headers: &mut HeaderMap) {
    Context::map_current(|context| write(context, headers));
}

/// Writes the trace position of `span`, which need not be entered, into the headers of an
/// outgoing call.
pub fn inject_span(span: &Span, headers: &mut HeaderMap) {
    if is_exporting() && !span.is_disabled() {
        write(&span.context(), headers);
    }
}

/// The trace position of the caller, from the headers of its call.
#[must_use]
pub fn extract(headers: &HeaderMap) -> Option<Parent> {
    if !is_exporting() {
        return None;
    }
    let traceparent = headers.get(TRACEPARENT)?.to_str().ok()?;
    let state = headers
        .get(TRACESTATE)
        .and_then(|value| value.to_str().ok())
        .filter(|value| value.len() <= MAX_TRACESTATE)
        .and_then(|value| value.parse().ok())
        .unwrap_or_default();
    parse(traceparent, state).map(Parent)
}

/// The trace position of the current span as a `traceparent` value, for the column of an outbox
/// row.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    Context::map_current(|context| {
        let span = context.span();
        let context = span.span_context();
        context.is_valid().then(|| format_traceparent(context))
    })
}

/// Makes `span` continue the trace of a `traceparent` value. Only works before the span is first
/// entered.
pub fn set_parent(span: &Span, traceparent: &str) {
    if let Some(parent) = Parent::parse(traceparent) {
        parent.adopt(span);
    }
}

/// Makes `span` point to the trace of a `traceparent` value without continuing it.
pub fn link(span: &Span, traceparent: &str) {
    if let Some(parent) = Parent::parse(traceparent) {
        parent.link(span);
    }
}

/// The trace and span id of the current span, for a log line.
pub(crate) fn current_ids() -> Option<(TraceId, SpanId)> {
    Context::map_current(|context| {
        let span = context.span();
        let context = span.span_context();
        context
            .is_valid()
            .then(|| (context.trace_id(), context.span_id()))
    })
}

fn write(context: &Context, headers: &mut HeaderMap) {
    let span = context.span();
    let context = span.span_context();
    if !context.is_valid() {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(format_traceparent(context)) {
        headers.insert(TRACEPARENT, value);
    }
    let state = context.trace_state().header();
    if !state.is_empty()
        && state.len() <= MAX_TRACESTATE
        && let Ok(value) = HeaderValue::try_from(state)
    {
        headers.insert(TRACESTATE, value);
    }
}

fn format_traceparent(context: &SpanContext) -> String {
    let sampled = u8::from(context.is_sampled());
    format!(
        "00-{}-{}-{sampled:02x}",
        context.trace_id(),
        context.span_id()
    )
}

/// `version-traceid-spanid-flags` in lower-case hexadecimal. Later versions may carry more
/// fields; what is known of them is read.
fn parse(text: &str, state: TraceState) -> Option<SpanContext> {
    if text.len() < 55 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut parts = text.split('-');
    let mut part = |length: usize| parts.next().filter(|part| part.len() == length);
    let version = part(2)?;
    let (trace, span, flags) = (part(32)?, part(16)?, part(2)?);
    if version == "ff" || (version == "00" && text.len() != 55) {
        return None;
    }
    u8::from_str_radix(version, 16).ok()?;
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED,
        true,
        state,
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn reads_what_it_writes() {
        let context = parse(GOOD, TraceState::default()).expect("the example of the standard");
        assert!(context.is_remote() && context.is_sampled());
        assert_eq!(format_traceparent(&context), GOOD);
        let newer = GOOD.replacen("00", "01", 1) + "-what-comes-later";
        assert!(parse(&newer, TraceState::default()).is_some());
    }

    #[test]
    fn ignores_what_is_malformed() {
        for text in [
            "",
            "00",
            &GOOD[1..],
            &GOOD.to_uppercase(),
            &format!("{GOOD}-00"),
            &GOOD.replacen("00", "ff", 1),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        ] {
            assert!(parse(text, TraceState::default()).is_none(), "{text}");
        }
    }
}
