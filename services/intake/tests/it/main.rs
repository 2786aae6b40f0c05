//! Intake as its callers and its neighbours meet it, on both databases.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod access;
mod clearances;
mod evidence;
mod explain;
mod facts;
mod history;
mod list;
mod purge;
mod review;
mod samples;
mod shares;
mod sockets;
mod submit;
mod violations;
mod world;
