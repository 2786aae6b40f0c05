//! The notification service: tells every party what it may know, in order and without loss.
//!
//! It owns the parties' notifications. Facts arrive from the other services; each is kept once for
//! every party that may know it ([`domain::audience()`]), at the next position of that party's own
//! sequence. Positions have no gaps and become visible in order, so a reader that resumes from a
//! position misses nothing. A stream reads what is kept and then what comes.

mod api;
mod app;
mod convert;
pub mod domain;
mod ops;
mod settings;
mod store;
mod worker;

pub use settings::NotificationSettings;
pub use store::Migrator;

use liaison_runtime::{App, Context, Service};
use liaison_types::Result;

/// The service, for whoever runs it.
#[derive(Clone, Copy, Debug)]
pub struct Notification;

impl Service for Notification {
    const NAME: &'static str = "notification";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const GRPC_NAME: &'static str = "liaison.notification.v1.NotificationService";
    const ABOUT: &'static str = "Tells every party what it may know, in order and without loss";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Settings = NotificationSettings;
    type Migrator = Migrator;

    async fn build(context: Context<NotificationSettings>) -> Result<App> {
        Ok(app::build(&context))
    }
}
