//! A party's notifications as they come.

use liaison_types::{Error, ErrorKind, Party, Reason, Result};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::settings::NotificationSettings;
use crate::store::{Kept, Store};
use crate::worker::Wake;

/// How far a stream reads ahead of a slow reader. What does not fit stays in the database.
const AHEAD: usize = 32;

/// One element of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Element {
    /// A notification.
    Notification(Kept),
    /// Nothing happened; the stream stands after this position.
    Heartbeat(i64),
}

/// Serves streams.
#[derive(Clone, Debug)]
pub(crate) struct Follow {
    store: Store,
    wake: Wake,
    settings: NotificationSettings,
    stop: CancellationToken,
}

impl Follow {
    pub(crate) const fn new(
        store: Store,
        wake: Wake,
        settings: NotificationSettings,
        stop: CancellationToken,
    ) -> Self {
        Self {
            store,
            wake,
            settings,
            stop,
        }
    }

    /// The notifications of `recipient` after `position`: what is kept, then what comes.
    ///
    /// It ends with UNAVAILABLE when the service stops, so that the reader resumes elsewhere, and
    /// with the database's error where that does not answer.
    pub(crate) fn follow(
        &self,
        recipient: Party,
        position: i64,
        include_exercises: bool,
    ) -> ReceiverStream<Result<Element>> {
        let (elements, stream) = mpsc::channel(AHEAD);
        let follow = self.clone();
        tokio::spawn(async move {
            let run = follow.run(&elements, &recipient, position, include_exercises);
            let end = tokio::select! {
                end = run => end,
                () = follow.stop.cancelled() => Err(stopping()),
                // Nobody reads any more.
                () = elements.closed() => return,
            };
            if let Err(error) = end {
                // The reader may have gone meanwhile.
                let _ = elements.send(Err(error)).await;
            }
        });
        ReceiverStream::new(stream)
    }

    async fn run(
        &self,
        elements: &mpsc::Sender<Result<Element>>,
        recipient: &Party,
        mut position: i64,
        include_exercises: bool,
    ) -> Result<()> {
        // Before the first look: what is kept between the look and the wait wakes the wait.
        let mut woken = self.wake.subscribe();
        let mut heartbeat = Instant::now() + self.settings.heartbeat;
        loop {
            woken.mark_unchanged();
            let page = self
                .store
                .after(recipient, position, include_exercises, self.settings.page)
                .await?;
            if page.is_empty() {
                if Instant::now() >= heartbeat {
                    heartbeat = Instant::now() + self.settings.heartbeat;
                    if elements
                        .send(Ok(Element::Heartbeat(position)))
                        .await
                        .is_err()
                    {
                        return Ok(());
                    }
                }
                let scan = Instant::now() + self.settings.scan_interval;
                // Woken or not, the next look tells.
                let _ = timeout_at(scan.min(heartbeat), woken.changed()).await;
                continue;
            }
            for kept in page {
                position = kept.position;
                if elements
                    .send(Ok(Element::Notification(kept)))
                    .await
                    .is_err()
                {
                    return Ok(());
                }
            }
            heartbeat = Instant::now() + self.settings.heartbeat;
        }
    }
}

fn stopping() -> Error {
    Error::new(ErrorKind::Unavailable, Reason::Unavailable)
        .message("the service is stopping; resume from the last cursor")
}
