//! Container files and manifests render, validate, and agree with the code they deploy.
//!
//! What is deployed is read the way the platform reads it (rendered, with variables, mounts and ports per container),
//! and each service's own loader then reads the settings that such a container would have.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod code;
mod compose;
mod container;
mod files;
mod manifests;
mod network;
mod played;
mod protection;
mod tools;
