//! A page of a party's notifications.

use liaison_types::{Party, Result};

use crate::store::{Kept, Store};

/// The page after `position`, and where the next one starts: at `position` again where there is
/// nothing more.
pub(crate) async fn list(
    store: &Store,
    recipient: &Party,
    position: i64,
    include_exercises: bool,
    limit: u16,
) -> Result<(Vec<Kept>, i64)> {
    let page = store
        .after(recipient, position, include_exercises, limit)
        .await?;
    let next = page.last().map_or(position, |kept| kept.position);
    Ok((page, next))
}
