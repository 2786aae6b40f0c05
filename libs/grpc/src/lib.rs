//! Everything gRPC that is not generated: statuses, the stacks, serving over mutual TLS, paging.
//!
//! A service mounts its generated server in an [`Api`], which puts it inside the stack of
//! [`stack()`]; [`Server::serve`] answers calls until it is told to stop. Handlers find out who
//! calls from [`Caller::of`] and turn errors into statuses with [`Caller::status`]. Clients are
//! generated clients over a [`Channel`].

pub mod caller;
pub mod client;
mod connection;
pub mod event_delivery;
mod farewell;
mod health;
mod incoming;
mod layer;
pub mod method;
pub mod paging;
mod quota;
mod reflection;
mod serve;
pub mod settings;
mod stack;
pub mod status;
mod timeout;
pub mod wire;

pub use caller::{Caller, Peer};
pub use client::Channel;
pub use health::{Health, Probe, probe};
pub use method::{Allowed, Class, Methods};
pub use serve::{Listeners, Server};
pub use settings::{ClientSettings, Limits, PartyLimits, ServerSettings};
pub use stack::{Api, InProcess, Stack, stack};
pub use status::{Failure, from_status, to_status};
