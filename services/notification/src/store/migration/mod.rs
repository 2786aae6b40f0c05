//! The schema, oldest step first.

mod m20261122_000001_notifications;
mod m20261122_000002_audit;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// The schema of the notification service.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut steps = liaison_outbox::migration::migrations();
        steps.push(m20261122_000001_notifications::step());
        steps.push(m20261122_000002_audit::step());
        steps
    }
}
