//! The routing service: it turns a decision on a referral into one lead and any number of supporting
//! assignments, which units pull under a lease, accept, work on and complete.
//!
//! An assignment is also a unit's grant to open the dossier. It can be pulled only once intake has
//! acknowledged that grant. Routing is the one producer of the events about assignments and tasks,
//! and the place where parties that race are told apart.

mod api;
pub mod app;
mod convert;
pub mod domain;
pub mod ops;
pub mod settings;
pub mod store;
mod wake;
pub mod worker;

use liaison_runtime::{App, Context, Service};
use liaison_types::Result;

use crate::settings::RoutingSettings;

/// The service, as its process and the suite in one process start it.
#[derive(Debug)]
pub struct Routing;

impl Service for Routing {
    const NAME: &'static str = "routing";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const GRPC_NAME: &'static str = "liaison.routing.v1.RoutingService";
    const ABOUT: &'static str =
        "Assigns classified referrals to units, which pull them under a lease";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Settings = RoutingSettings;
    type Migrator = store::Migrator;

    async fn build(context: Context<RoutingSettings>) -> Result<App> {
        app::build(context).await
    }
}
