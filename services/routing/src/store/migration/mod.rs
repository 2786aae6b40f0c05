//! The schema, step by step.

mod m20261122_000001_cases_assignments_tasks;
mod m20261122_000002_grants_in_place;
mod m20261122_000003_protection;
mod m20261122_000004_sealed_texts;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// All migrations of this service's database: the outbox's, then its own.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = liaison_outbox::migration::migrations();
        migrations.push(Box::new(
            m20261122_000001_cases_assignments_tasks::Migration,
        ));
        migrations.push(Box::new(m20261122_000002_grants_in_place::Migration));
        migrations.push(m20261122_000003_protection::step());
        migrations.push(m20261122_000004_sealed_texts::step());
        migrations
    }
}
