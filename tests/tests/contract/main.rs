//! What the API promises to those who build on it, and the shape of the workspace it is built from.

mod dependencies;
mod golden;
mod schema;
