//! The certificates of a running service: read again when they change, and watched for their end.

use std::sync::Arc;
use std::time::Duration;

use liaison_identity::{ExpiryWarning, ExpiryWatch, Identity, WarnBefore};
use liaison_telemetry::Instruments;
use liaison_types::Clock;
use tokio::time::MissedTickBehavior;

use crate::lifecycle::Lifecycle;

/// How often the certificate files are looked at. Four small files: this costs nothing. Also how often
/// it is said how long they are good for.
const CHECK: Duration = Duration::from_secs(10);

/// Watches them until the service stops.
pub(crate) fn watch(
    lifecycle: &Lifecycle,
    identity: Identity,
    warn_before: WarnBefore,
    clock: Arc<dyn Clock>,
    instruments: Instruments,
) {
    let soft = lifecycle.soft();
    lifecycle.spawn("certificates", async move {
        tokio::select! {
            () = identity.clone().watch(CHECK) => {}
            () = watch_the_end(identity, warn_before, clock, instruments) => {}
            () = soft.cancelled() => {}
        }
        Ok(())
    });
}

/// Measures how long everything is good for, and warns of what ends. Never returns.
async fn watch_the_end(
    identity: Identity,
    warn_before: WarnBefore,
    clock: Arc<dyn Clock>,
    instruments: Instruments,
) {
    let mut watch = ExpiryWatch::new(warn_before);
    let mut ticks = tokio::time::interval(CHECK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (now, held) = (clock.now(), identity.validities());
        for validity in &held {
            let left = validity.seconds_left(now);
            instruments.certificate(validity.kind.as_str(), &validity.name, left);
        }
        for warning in watch.look(now, &held) {
            tell(&warning);
        }
    }
}

fn tell(warning: &ExpiryWarning) {
    let (validity, advice) = (&warning.validity, warning.validity.kind.advice());
    let (kind, name, until) = (validity.kind.as_str(), &validity.name, validity.until);
    match warning.left {
        Some(left) => {
            let left = in_words(left);
            tracing::warn!(
                kind, name = %name, until = %until,
                "{name} is good for {left} more, until {until}; {advice}"
            );
        }
        None => tracing::error!(
            kind, name = %name, until = %until,
            "{name} has ended on {until}; {advice}"
        ),
    }
}

/// Whole days, or whole hours where it is less than two days, rounded up: nobody is told that there are
/// zero left.
fn in_words(left: Duration) -> String {
    let hours = left.as_secs().div_ceil(3_600);
    match (hours / 24, hours) {
        (0 | 1, 1) => "1 hour".to_owned(),
        (0 | 1, hours) => format!("{hours} hours"),
        (_, hours) => format!("{} days", hours.div_ceil(24)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_in_days_and_near_the_end_in_hours() {
        let told = |seconds| in_words(Duration::from_secs(seconds));
        assert_eq!(told(30 * 86_400), "30 days");
        assert_eq!(told(30 * 86_400 - 1), "30 days");
        assert_eq!(told(86_400), "24 hours");
        assert_eq!(told(3_601), "2 hours");
        assert_eq!(told(1), "1 hour");
    }
}
