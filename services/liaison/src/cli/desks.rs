//! What people at the desks do: `review`, `triage`.

use clap::{Args, Subcommand};

use liaison_proto::classification::CorrectionCause;
use liaison_proto::common::RefusalGround;

use super::{ConnectArgs, PageArgs, values};

/// Commands of the compliance desk.
#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// List what waits for review.
    List(PageArgs),
    /// Admit or refuse.
    Decide(ReviewDecideArgs),
}

/// Arguments of `review decide`.
#[derive(Clone, Debug, Args)]
pub struct ReviewDecideArgs {
    /// The referral, for example referrals/0198…; the identifier alone is enough.
    pub name: String,
    /// Refuse on this ground; admits without it.
    #[arg(
        long,
        value_name = "GROUND",
        ignore_case = true,
        value_parser = values::refusal_ground()
    )]
    pub refuse: Option<RefusalGround>,
    /// The reasoning.
    #[arg(long)]
    pub reason: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Commands of the triage desk.
#[derive(Debug, Subcommand)]
pub enum TriageCommand {
    /// List what waits, the most urgent first.
    List(PageArgs),
    /// Open a referral, whether it waits or not: every decision with its reasons and notes, and what was said
    /// of them afterwards. The dossier is read with `referral dossier`.
    Show(TriageShowArgs),
    /// Decide which unit leads, or that none does.
    Decide(TriageDecideArgs),
    /// Decide otherwise on what was routed or refused already.
    Correct(TriageCorrectArgs),
    /// Write what the machine can learn from to the file named by --output, one JSON object a line.
    Export(TriageExportArgs),
    /// Show how the machine's decisions change from week to week.
    Drift(TriageDriftArgs),
    /// Make decisions of the machine again, and tell whether they come out the same to the byte.
    Recompute(TriageRecomputeArgs),
}

/// Arguments of `triage show`.
#[derive(Clone, Debug, Args)]
pub struct TriageShowArgs {
    /// The item, for example triageItems/0198…, or its referral, which has the same identifier; the
    /// identifier alone is enough.
    pub name: String,
    /// Read the dossier too, and show the words that each reason stands on. That reading is recorded as any
    /// other, and policy may refuse it.
    #[arg(long)]
    pub words: bool,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `triage correct`.
#[derive(Clone, Debug, Args)]
pub struct TriageCorrectArgs {
    /// The decision to correct, as `triage show` names it, for example classifications/0198…; the identifier
    /// alone is enough. Only the latest on a referral can be corrected, and only once it is with a unit or refused: what
    /// waits at the desk is decided with `triage decide`. A unit that has accepted the lead keeps it, and the
    /// unit named by --lead supports it.
    pub decision: String,
    /// The unit that leads, or none: the referral is refused then, and its owner is told the ground.
    #[arg(long, value_name = "UNIT|none")]
    pub lead: String,
    /// On what ground it is refused, with --lead none.
    #[arg(
        long,
        value_name = "GROUND",
        ignore_case = true,
        required_if_eq("lead", "none"),
        value_parser = values::no_unit_ground()
    )]
    pub ground: Option<RefusalGround>,
    /// A unit that supports; may be repeated.
    #[arg(long, value_name = "UNIT")]
    pub supporting: Vec<String>,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `triage export`.
#[derive(Clone, Debug, Args)]
pub struct TriageExportArgs {
    /// Open the dossier of each referral, as anybody at the desk does, and write its narrative as "text": the
    /// file can be trained with then, and holds content. Each opening is in the referral's history. Referrals
    /// that may not be opened are left out, and counted.
    #[arg(long)]
    pub with_texts: bool,
    /// Only what is known for this reason; may be repeated. Without it, all that people said: everything but
    /// AMENDMENT, which the machine says itself.
    #[arg(
        long = "cause",
        value_name = "CAUSE",
        ignore_case = true,
        value_parser = values::label_cause()
    )]
    pub causes: Vec<CorrectionCause>,
    /// Include training traffic.
    #[arg(long)]
    pub include_exercises: bool,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `triage drift`.
#[derive(Clone, Debug, Args)]
pub struct TriageDriftArgs {
    /// How many weeks back, the current one included, 1 to 104.
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=104))]
    pub weeks: i32,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `triage decide`.
#[derive(Clone, Debug, Args)]
pub struct TriageDecideArgs {
    /// The item, for example triageItems/0198…, or its referral, which has the same identifier; the
    /// identifier alone is enough.
    pub name: String,
    /// The unit that leads, or none: the referral is refused then, and its owner is told the ground.
    #[arg(long, value_name = "UNIT|none")]
    pub lead: String,
    /// On what ground it is refused, with --lead none.
    #[arg(
        long,
        value_name = "GROUND",
        ignore_case = true,
        required_if_eq("lead", "none"),
        value_parser = values::no_unit_ground()
    )]
    pub ground: Option<RefusalGround>,
    /// A unit that supports; may be repeated.
    #[arg(long, value_name = "UNIT")]
    pub supporting: Vec<String>,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `triage recompute`.
#[derive(Clone, Debug, Args)]
pub struct TriageRecomputeArgs {
    /// The decision, for example classifications/0198…, or the referral, for example referrals/0198…, of which
    /// all decisions of the machine are meant; the identifier of a referral alone is enough.
    pub name: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}
