//! What the machine can learn from.

use liaison_grpc::paging;
use liaison_types::{DecisionId, Result};

use super::Ops;
use crate::convert::LabelsRequest;
use crate::desk::Label;
use crate::store;

impl Ops {
    /// A page of labels, the oldest first, and the token of the next page. A referral has one label at most:
    /// what was last said of it, once somebody has decided. Two statements, whatever the size.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn list_labels(&self, page: &LabelsRequest) -> Result<(Vec<Label>, String)> {
        let db = self.core.parts.db.reader();
        // One more than asked, to know whether there is a next page.
        let limit = u64::from(page.size) + 1;
        let exercises = page.include_exercises;
        let rows = store::labels(db, &page.causes, exercises, page.after, limit).await?;
        let (rows, token) = paging::page(&page.query, rows, page.size, store::correction_place);
        let machine = rows.iter().filter_map(|row| row.machine.as_ref());
        let machine = machine.map(|measured| measured.decision);
        let nobodys = rows.iter().filter_map(|row| row.after.as_ref());
        let nobodys = nobodys.filter(|settled| settled.lead.is_none());
        let wanted = machine.chain(nobodys.map(|settled| settled.decision));
        let mut decisions = store::by_ids(db, &wanted.collect::<Vec<DecisionId>>()).await?;
        let labels = rows
            .into_iter()
            .filter_map(|correction| {
                let settled = correction.after.clone()?;
                let measured = correction.machine.as_ref();
                let ruling = decisions.get(&settled.decision);
                Some(Label {
                    ground: ruling.and_then(|ruling| ruling.course.refusal()),
                    machine: measured.and_then(|measured| decisions.remove(&measured.decision)),
                    settled,
                    correction,
                })
            })
            .collect();
        Ok((labels, token))
    }
}
