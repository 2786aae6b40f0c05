//! What is measured. Names follow the OpenTelemetry conventions where there are any.
//!
//! Attributes are method names, status codes and names from our own code: never an identifier, a
//! party or anything a caller chose.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Gauge, Histogram, Meter, UpDownCounter};

/// Seconds; from a cached read to the longest poll.
const DURATION_BOUNDS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

/// Rows or calls.
const SIZE_BOUNDS: [f64; 11] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];

/// The instruments of one service. Cheap to clone; records into nothing, at the cost of one
/// branch, where no collector is configured.
#[derive(Clone, Debug, Default)]
pub struct Instruments(Option<Arc<Inner>>);

/// Which end of a call is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The service answers.
    Server,
    /// The service asks.
    Client,
}

struct Inner {
    meter: Meter,
    server_duration: Histogram<f64>,
    client_duration: Histogram<f64>,
    server_in_flight: UpDownCounter<i64>,
    client_in_flight: UpDownCounter<i64>,
    refused: opentelemetry::metrics::Counter<u64>,
    outbox_depth: Gauge<u64>,
    outbox_age: Gauge<f64>,
    outbox_outcomes: opentelemetry::metrics::Counter<u64>,
    batch_size: Histogram<u64>,
    batch_duration: Histogram<f64>,
    validity: Gauge<i64>,
    unsealed: Gauge<u64>,
    checkpoint_age: Gauge<f64>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inner")
    }
}

impl Instruments {
    /// Instruments that record into nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    pub(crate) fn new(meter: Meter) -> Self {
        let seconds = |name: &'static str, description: &'static str| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description)
                .with_boundaries(DURATION_BOUNDS.to_vec())
                .build()
        };
        let in_flight = |name: &'static str, description: &'static str| {
            meter
                .i64_up_down_counter(name)
                .with_unit("{call}")
                .with_description(description)
                .build()
        };
        let inner = Inner {
            server_duration: seconds(
                "rpc.server.call.duration",
                "From the arrival of a call to the end of its answer",
            ),
            client_duration: seconds(
                "rpc.client.call.duration",
                "From the sending of a call to the end of its answer",
            ),
            server_in_flight: in_flight("liaison.rpc.server.in_flight", "Calls being answered"),
            client_in_flight: in_flight("liaison.rpc.client.in_flight", "Calls being waited for"),
            refused: meter
                .u64_counter("liaison.rpc.server.refused")
                .with_unit("{call}")
                .with_description("Calls refused before their work began, by reason")
                .build(),
            outbox_depth: meter
                .u64_gauge("liaison.outbox.depth")
                .with_unit("{event}")
                .with_description("Events that wait for delivery, or are dead, by destination")
                .build(),
            outbox_age: meter
                .f64_gauge("liaison.outbox.oldest")
                .with_unit("s")
                .with_description("Age of the oldest event that waits, by destination")
                .build(),
            outbox_outcomes: meter
                .u64_counter("liaison.outbox.outcomes")
                .with_unit("{event}")
                .with_description("Delivery attempts by destination and outcome")
                .build(),
            batch_size: meter
                .u64_histogram("liaison.batch.size")
                .with_unit("{item}")
                .with_description("Items that were handled together")
                .with_boundaries(SIZE_BOUNDS.to_vec())
                .build(),
            batch_duration: seconds("liaison.batch.duration", "Time one batch took"),
            validity: meter
                .i64_gauge("liaison.certificate.remaining")
                .with_unit("s")
                .with_description(
                    "Until a certificate in use, a trusted authority or a revocation list ends; \
                     negative after it",
                )
                .build(),
            unsealed: meter
                .u64_gauge("liaison.audit.unsealed")
                .with_unit("{entry}")
                .with_description("Entries of the audit that wait to be sealed")
                .build(),
            checkpoint_age: meter
                .f64_gauge("liaison.audit.checkpoint.age")
                .with_unit("s")
                .with_description(
                    "Since the last signed checkpoint of the audit; it grows also where nothing waits",
                )
                .build(),
            meter,
        };
        Self(Some(Arc::new(inner)))
    }

    /// Whether anything is recorded; lets a caller skip work that only serves a measurement.
    #[must_use]
    pub const fn is_recording(&self) -> bool {
        self.0.is_some()
    }

    /// Records a finished call. `method` is `package.Service/Method`, `code` the name of the
    /// status code, for example `OK` or `DEADLINE_EXCEEDED`.
    pub fn rpc(&self, side: Side, method: &str, code: &'static str, took: Duration) {
        let Some(inner) = &self.0 else { return };
        let histogram = match side {
            Side::Server => &inner.server_duration,
            Side::Client => &inner.client_duration,
        };
        let attributes = [
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", method.to_owned()),
            KeyValue::new("rpc.response.status_code", code),
        ];
        histogram.record(took.as_secs_f64(), &attributes);
    }

    /// Counts a call as being in flight until the returned value is dropped.
    pub fn in_flight(&self, side: Side, method: &str) -> InFlight {
        InFlight(self.0.as_ref().map(|inner| {
            let method = KeyValue::new("rpc.method", method.to_owned());
            inner.in_flight(side).add(1, std::slice::from_ref(&method));
            (Arc::clone(inner), side, method)
        }))
    }

    /// Counts a call refused before its work began. `reason` is the error's reason.
    pub fn refused(&self, method: &str, reason: &'static str) {
        let Some(inner) = &self.0 else { return };
        let attributes = [
            KeyValue::new("rpc.method", method.to_owned()),
            KeyValue::new("reason", reason),
        ];
        inner.refused.add(1, &attributes);
    }

    /// Records how many events wait for `destination`, how many of them are dead, and how old the
    /// oldest waiting one is.
    pub fn outbox(&self, destination: &str, waiting: u64, dead: u64, oldest: Duration) {
        let Some(inner) = &self.0 else { return };
        let to = KeyValue::new("destination", destination.to_owned());
        inner
            .outbox_depth
            .record(waiting, &[to.clone(), KeyValue::new("state", "waiting")]);
        inner
            .outbox_depth
            .record(dead, &[to.clone(), KeyValue::new("state", "dead")]);
        inner.outbox_age.record(oldest.as_secs_f64(), &[to]);
    }

    /// Counts events of one relay tick by outcome: `delivered`, `retried`, `dead`.
    pub fn outbox_outcome(&self, destination: &str, outcome: &'static str, events: u64) {
        let Some(inner) = &self.0 else { return };
        if events > 0 {
            let attributes = [
                KeyValue::new("destination", destination.to_owned()),
                KeyValue::new("outcome", outcome),
            ];
            inner.outbox_outcomes.add(events, &attributes);
        }
    }

    /// Records the size of a batch and how long it took. `name` says what was batched, for
    /// example `intake.submit`.
    pub fn batch(&self, name: &'static str, size: usize, took: Duration) {
        let Some(inner) = &self.0 else { return };
        let name = KeyValue::new("batch", name);
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        inner.batch_size.record(size, std::slice::from_ref(&name));
        inner.batch_duration.record(took.as_secs_f64(), &[name]);
    }

    /// Records how many seconds are left of something that ends; negative once it is over. `kind` says
    /// what sort of thing it is, `name` which one of those that the operator put there: an authority,
    /// a list, the service itself. Never a caller.
    pub fn certificate(&self, kind: &'static str, name: &str, left: i64) {
        let Some(inner) = &self.0 else { return };
        let attributes = [
            KeyValue::new("kind", kind),
            KeyValue::new("name", name.to_owned()),
        ];
        inner.validity.record(left, &attributes);
    }

    /// Records how many entries of the audit wait to be sealed, and how old the last signed checkpoint is,
    /// where there is one. Only both together say that sealing has stopped: an entry or two of the last
    /// second always wait, and no checkpoint is signed where nothing is written.
    pub fn audit(&self, unsealed: u64, checkpoint_age: Option<Duration>) {
        let Some(inner) = &self.0 else { return };
        inner.unsealed.record(unsealed, &[]);
        if let Some(age) = checkpoint_age {
            inner.checkpoint_age.record(age.as_secs_f64(), &[]);
        }
    }

    /// A counter of a service's own, for example `liaison.intake.submitted`. Make it once and
    /// keep it.
    #[must_use]
    pub fn counter(&self, name: &'static str, description: &'static str) -> Counter {
        Counter(self.0.as_ref().map(|inner| {
            inner
                .meter
                .u64_counter(name)
                .with_description(description)
                .build()
        }))
    }
}

impl Inner {
    const fn in_flight(&self, side: Side) -> &UpDownCounter<i64> {
        match side {
            Side::Server => &self.server_in_flight,
            Side::Client => &self.client_in_flight,
        }
    }
}

/// A call in flight; see [`Instruments::in_flight`].
#[derive(Debug)]
#[must_use = "the call counts as finished when this is dropped"]
pub struct InFlight(Option<(Arc<Inner>, Side, KeyValue)>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some((inner, side, method)) = self.0.take() {
            inner.in_flight(side).add(-1, &[method]);
        }
    }
}

/// A counter of a service's own; see [`Instruments::counter`].
#[derive(Clone, Debug, Default)]
pub struct Counter(Option<opentelemetry::metrics::Counter<u64>>);

impl Counter {
    /// Adds `count` under the attributes, which are codes of ours, never data of a referral.
    pub fn add(&self, count: u64, attributes: &[(&'static str, &'static str)]) {
        if let Some(counter) = &self.0 {
            let attributes: Vec<_> = attributes
                .iter()
                .map(|(key, value)| KeyValue::new(*key, *value))
                .collect();
            counter.add(count, &attributes);
        }
    }
}
