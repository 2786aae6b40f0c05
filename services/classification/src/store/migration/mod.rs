//! The schema, oldest step first.

mod m20261122_000001_cases_decisions_triage;
mod m20261122_000002_protection;
mod m20261122_000003_sealed_notes;
mod m20261122_000004_corrections;
mod m20261122_000005_rule_sets;
mod m20261122_000006_urgency_hints;
mod m20261124_000007_refusals;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// The schema of the classification service.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut steps = liaison_outbox::migration::migrations();
        steps.push(m20261122_000001_cases_decisions_triage::step());
        steps.push(m20261122_000002_protection::step());
        steps.push(m20261122_000003_sealed_notes::step());
        steps.push(m20261122_000004_corrections::step());
        steps.push(m20261122_000005_rule_sets::step());
        steps.push(m20261122_000006_urgency_hints::step());
        steps.push(m20261124_000007_refusals::step());
        steps
    }
}
