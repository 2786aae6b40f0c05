//! How the machine's decisions change from week to week.

use liaison_types::Result;

use super::Ops;
use crate::desk::{Week, WeekFigures, figures};
use crate::store;

impl Ops {
    /// One row a week and rule set that decided in it, the newest week first, for so many weeks back, the
    /// current one included. Training traffic is not counted. One statement.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn get_drift_figures(&self, weeks: u32) -> Result<Vec<WeekFigures>> {
        let core = &self.core;
        let first = Week::of(core.now()).earlier(weeks.saturating_sub(1));
        let slices = store::drift(core.parts.db.reader(), first.since()).await?;
        Ok(figures(slices))
    }
}
