//! Bureaus that submit and units that pull, until nobody answers.

use e2e::dossier::Generator;
use e2e::{Suite, request_id, unit};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ledger::{BUREAU, Ledger};

/// How many submit at once.
const SENDERS: u64 = 6;

/// A running load.
pub(crate) struct Load {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Load {
    pub(crate) fn start(suite: &Suite, ledger: &Ledger, seed: u64) -> Self {
        let mut tasks = JoinSet::new();
        let stop = CancellationToken::new();
        for sender in 0..SENDERS {
            let (bureau, ledger, stop) = (suite.client(BUREAU), ledger.clone(), stop.clone());
            let mut dossiers = Generator::new(seed.wrapping_mul(SENDERS) + sender);
            tasks.spawn(async move {
                while !stop.is_cancelled() {
                    let (dossier, unit) = dossiers.draw();
                    let id = request_id();
                    ledger.submits(&id, dossier.clone(), unit);
                    // No answer means that nobody knows. It is repeated after the restart.
                    let Ok(referral) = bureau.submit_as(id.clone(), dossier).await else {
                        return;
                    };
                    ledger.acknowledge(&id, &referral);
                }
            });
        }
        for name in unit::UNITS {
            let (unit, ledger, stop) = (
                suite.client(&format!("unit/{name}")),
                ledger.clone(),
                stop.clone(),
            );
            tasks.spawn(async move {
                while !stop.is_cancelled() {
                    let Ok(pulled) = unit::pull(&unit, 4, 1).await else {
                        return;
                    };
                    for (assignment, token) in pulled {
                        if unit::accept(&unit, &assignment.name, &token).await.is_err() {
                            return;
                        }
                        ledger.accepted(&assignment.name);
                    }
                }
            });
        }
        Self { tasks, stop }
    }

    /// Waits until everybody has noticed that nobody answers.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}
