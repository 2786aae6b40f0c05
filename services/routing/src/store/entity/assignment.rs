//! Assignments.

use sea_orm::entity::prelude::*;

/// A unit's share of a referral.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "assignment")]
pub struct Model {
    /// The assignment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The referral.
    pub referral_id: Uuid,
    /// The unit.
    pub unit: String,
    /// Its desk.
    pub desk: Option<String>,
    /// Its part.
    pub role: String,
    /// Where it stands.
    pub state: String,
    /// Intake has acknowledged the grant.
    pub granted: bool,
    /// The place in the queue by urgency, smaller first.
    pub priority: i32,
    /// When the referral was received: the place in the queue among equally urgent ones.
    pub received_at: i64,
    /// Training traffic.
    pub exercise: bool,
    /// Rules that sent it here, JSON.
    pub rules: String,
    /// SHA-256 of the lease token.
    pub lease_token: Option<Vec<u8>>,
    /// When it was last pulled.
    pub lease_pulled_at: Option<i64>,
    /// When the lease runs out.
    pub lease_until: Option<i64>,
    /// 1 + releases + expiries.
    pub attempt: i32,
    /// Its first task was begun.
    pub work_started: bool,
    /// Why it was declined.
    pub decline_reason: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// What the unit said when it declined or completed, sealed.
    pub note: Option<Vec<u8>>,
    /// Counts the changes.
    pub version: i64,
    /// The trace that created it.
    pub traceparent: Option<String>,
    /// When it was created.
    pub created_at: i64,
    /// When it last changed.
    pub updated_at: i64,
}

/// None that the code follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
