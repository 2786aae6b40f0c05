//! What the policy says, and what another would: `policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use liaison_proto::intake::{IntendedAction, IntendedUse, PolicyQuestion, Purpose};
use liaison_types::{Party, Timestamp};

use super::{ConnectArgs, values};

/// Commands on the policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// List the rules of this build, or tell one of them in full; offline.
    Rules(PolicyRulesArgs),
    /// Check a rule set: everything that is wrong with it, or what it changes; offline.
    Check(PolicyCheckArgs),
    /// Ask what would be decided about a referral now, by which rules, and from what.
    Explain(Box<PolicyExplainArgs>),
    /// Decide again what was decided, by another rule set: what would have come out otherwise?
    Simulate(Box<PolicySimulateArgs>),
}

/// Arguments of `policy rules`.
#[derive(Clone, Debug, Args)]
pub struct PolicyRulesArgs {
    /// One rule, by its id as decisions name it, for example markings.tlp-red.lead-only.
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Print the text of the rule set instead, to write another from.
    #[arg(long, conflicts_with = "id")]
    pub toml: bool,
}

const CHECK: &str = "\
How a rule set is written stands at the head of libs/policy/src/lib.rs. To begin with one:

  liaison policy rules --toml > candidate.toml

Exit status: 0 it is a rule set; 1 it is none, or cannot be read; 2 wrong usage.";

/// Arguments of `policy check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = CHECK)]
pub struct PolicyCheckArgs {
    /// The rule set, in TOML; - for standard input.
    pub file: PathBuf,
}

const EXPLAIN: &str = "\
Nothing is done by this but an entry in the audit. Callers: the owner of the referral, or desk/compliance.

  liaison policy explain REFERRAL --question share --party partner/customs --purpose WARN --as bureau/NB-FR
  liaison policy explain REFERRAL --question view-dossier --party unit/cyber --as desk/compliance";

/// Arguments of `policy explain`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXPLAIN)]
pub struct PolicyExplainArgs {
    /// The referral, for example referrals/0198…; the identifier alone is enough.
    pub referral: String,
    /// What is asked.
    #[arg(long, ignore_case = true, value_parser = values::policy_question())]
    pub question: PolicyQuestion,
    /// Whom it is about: who would see it, receive it, or have its content destroyed.
    #[arg(long = "party", value_name = "PARTY")]
    pub about: Party,
    /// With SHARE: who would pass it on; the caller without it.
    #[arg(long, value_name = "PARTY")]
    pub by: Option<Party>,
    /// With SHARE and PURGE: the officer who would act; the caller's own without it.
    #[arg(long, value_name = "OFFICER")]
    pub acting: Option<String>,
    /// With SHARE: what for.
    #[arg(long, ignore_case = true, value_parser = values::purpose())]
    pub purpose: Option<Purpose>,
    /// With SHARE: how visible to others is what the recipient would do; NONE without it.
    #[arg(long, ignore_case = true, value_parser = values::intended_action())]
    pub action: Option<IntendedAction>,
    /// With SHARE: in what kind of proceedings it would be used; POLICE without it.
    #[arg(long = "use", ignore_case = true, value_parser = values::intended_use())]
    pub usage: Option<IntendedUse>,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

const SIMULATE: &str = "\
Every service keeps in its audit what policy decided, and what it looked at. Nothing is changed
but the audit, which says who asked and for which rule set. Who may ask: an auditor, and
desk/compliance.

  liaison policy rules --toml > candidate.toml      # then change it
  liaison policy check candidate.toml
  liaison policy simulate --rules candidate.toml --from 2026-03-01T00:00:00Z

Exit status: 0 it was simulated, whatever would change; 1 it was not; 2 wrong usage.";

/// Arguments of `policy simulate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = SIMULATE)]
pub struct PolicySimulateArgs {
    /// The rule set to decide by, in TOML; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub rules: PathBuf,
    /// Only the decisions of this service; may be given more than once. All four without it.
    #[arg(long = "service", value_name = "SERVICE", value_parser = crate::suite::SERVICES)]
    pub services: Vec<String>,
    /// Only decisions at this instant or later, for example 2026-03-01T08:00:00Z.
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub from: Option<Timestamp>,
    /// Only decisions before this instant.
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub until: Option<Timestamp>,
    /// How many decisions a call looks at, at most 10000.
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=10_000))]
    pub page_size: i32,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}
