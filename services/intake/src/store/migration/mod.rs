//! The schema, step by step.

mod m20261122_000001_referrals;
mod m20261122_000002_under_review;
mod m20261122_000003_protection;
mod m20261122_000004_shares;
mod m20261124_000005_refusals;

use liaison_outbox::migration::migrations as outbox;
use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait::async_trait};

/// Every migration of this service, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = outbox();
        all.push(Box::new(m20261122_000001_referrals::Migration));
        all.push(Box::new(m20261122_000002_under_review::Migration));
        all.push(Box::new(m20261122_000003_protection::Migration));
        all.push(m20261122_000004_shares::step());
        all.push(m20261124_000005_refusals::step());
        all
    }
}
