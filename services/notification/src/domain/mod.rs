//! Pure decisions: who may know what.

mod audience;
mod fact;

pub use audience::audience;
pub use fact::Fact;
