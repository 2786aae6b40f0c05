//! One scenario a file.

pub(crate) mod journey;
pub(crate) mod pipeline;
pub(crate) mod protection;
pub(crate) mod stack;
pub(crate) mod submit;
