//! Bureaus that submit and units that pull, until nobody answers.

use e2e::dossier::{self, Generator};
use e2e::{Suite, request_id, unit};
use liaison_proto::common::OffenceTag;
use liaison_proto::intake::Dossier;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ledger::{BUREAU, Ledger, Units};

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
                    let (dossier, units) = draw(&mut dossiers);
                    let id = request_id();
                    ledger.submits(&id, dossier.clone(), units);
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

/// The next dossier and its units; every fourth or so has two.
fn draw(dossiers: &mut Generator) -> (Dossier, Units) {
    let (dossier, lead) = dossiers.draw();
    if dossiers.below(4) > 0 {
        let units = Units {
            lead,
            supporting: &[],
        };
        return (dossier, units);
    }
    let joint = Dossier {
        offences: dossier::coded("030221", &[OffenceTag::Cyber, OffenceTag::Minor]).offences,
        ..dossier
    };
    let units = Units {
        lead: "children-trafficking",
        supporting: &["cyber"],
    };
    (joint, units)
}
