//! The command line: what can be said, and the help for it.

mod common;
mod desks;
mod offline;
mod policy;
mod protection;
mod referral;
mod sharing;
mod suite;
mod unit;
mod values;

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use common::{ConnectArgs, PageArgs};
pub use desks::{
    ReviewCommand, ReviewDecideArgs, TriageCommand, TriageCorrectArgs, TriageDecideArgs,
    TriageDriftArgs, TriageExportArgs, TriageRecomputeArgs, TriageShowArgs,
};
pub use offline::{
    CertsCommand, CertsDirArgs, CertsIssueArgs, CertsRenewArgs, CertsRevokeArgs,
    CertsRotateCommand, CertsRotateSwitchArgs, ClassifyArgs,
};
pub use policy::{
    PolicyCheckArgs, PolicyCommand, PolicyExplainArgs, PolicyRulesArgs, PolicySimulateArgs,
};
pub use protection::{
    AuditCommand, AuditListArgs, AuditVerifyArgs, KeysCommand, KeysInitArgs, KeysRotateArgs,
    VerifyArgs,
};
pub use referral::{
    CustodyArgs, DossierArgs, PurgeArgs, ReferralArgs, ReferralCommand, SubmitArgs, WatchArgs,
};
pub use sharing::{
    ConsentArgs, ConsentCommand, ConsentListArgs, ShareArgs, ShareCommand, ShareCreateArgs,
    ShareListArgs,
};
pub use suite::{DemoArgs, MigrateArgs, UpArgs};
pub use unit::{
    AssignmentArgs, AssignmentCommand, AssignmentListArgs, PullArgs, TaskArgs, TaskCommand,
};

/// Refers cases of international crime to the police unit that can act on them.
///
/// `liaison demo` shows the whole way of twelve referrals in a few seconds. `liaison up` runs the suite
/// on this machine; the other commands then act as the party named by --as, with its certificate.
#[derive(Debug, Parser)]
#[command(
    name = "liaison",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to print: `table` for people, `json` for programs (one document, or one object a line for
    /// streams). `classify --input` and `triage export` take a file here.
    #[arg(
        long,
        global = true,
        default_value = "table",
        value_name = "table|json"
    )]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What `arguments`, the program's name first, ask for.
    ///
    /// # Errors
    /// Help and version, which are printed instead of doing anything, and what makes no sense.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(arguments)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        if let (Command::Pull(args), Some((name, given))) = (&mut cli.command, matches.subcommand())
            && let Err(message) = args.settle(given)
        {
            let command = command.find_subcommand_mut(name);
            return Err(command.map_or_else(
                || clap::Error::raw(ErrorKind::ArgumentConflict, &message),
                |command| command.error(ErrorKind::ArgumentConflict, &message),
            ));
        }
        Ok(cli)
    }
}

/// Whether `arguments` ask for JSON, as far as can be said of what could not be understood.
#[must_use]
pub fn wants_json(arguments: &[OsString]) -> bool {
    let options: Vec<&OsString> = arguments
        .iter()
        .take_while(|given| *given != "--")
        .collect();
    options.iter().any(|given| *given == "--output=json")
        || options
            .windows(2)
            .any(|pair| pair[0] == "--output" && pair[1] == "json")
}

/// What is wrong with the arguments in one line: without the usage, which is for people.
#[must_use]
pub fn mistake(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing; --help lists them".to_owned();
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let end = ["\n\nUsage:", "\n\nFor more information"]
        .iter()
        .filter_map(|rest| text.find(rest))
        .min()
        .unwrap_or(text.len());
    text[..end].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The form of what is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// One JSON object a line into this file; for `classify --input` and `triage export` alone.
    File(PathBuf),
}

impl FromStr for Output {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "table" => Self::Table,
            "json" => Self::Json,
            path => Self::File(path.into()),
        })
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole suite in one process, over mutual TLS; the first run makes certificates and
    /// databases.
    Up(UpArgs),
    /// Run the suite in a temporary folder, submit the sample dossiers, work them, show each one's
    /// life, end.
    Demo(DemoArgs),
    /// Submit dossiers (YAML or JSON).
    Submit(SubmitArgs),
    /// Look at referrals as their bureau.
    #[command(subcommand)]
    Referral(ReferralCommand),
    /// Decide on flagged referrals as the compliance desk.
    #[command(subcommand)]
    Review(ReviewCommand),
    /// Decide by hand as the triage desk.
    #[command(subcommand)]
    Triage(TriageCommand),
    /// Pull assignments as a unit.
    Pull(PullArgs),
    /// Answer and finish assignments as a unit.
    #[command(subcommand)]
    Assignment(AssignmentCommand),
    /// Work on the tasks of an assignment as a unit.
    #[command(subcommand)]
    Task(TaskCommand),
    /// Pass referrals on, as their owner or as the unit that leads.
    #[command(subcommand)]
    Share(ShareCommand),
    /// Answer who wants to pass the caller's referrals on.
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// Say what kind of case a text would be, and why; offline.
    Classify(ClassifyArgs),
    /// Check the custody of a referral, offline: what happened, and whether anything is wrong.
    Verify(VerifyArgs),
    /// Look at who did what, and check that nothing of it was changed, as an auditor.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Look at the rules of the policy, ask what they decide and why, and what another rule set would have decided.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Make and rotate the keys that services sign and seal with.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Make, show, renew and revoke certificates, and replace their authority.
    #[command(subcommand)]
    Certs(CertsCommand),
    /// Bring the databases of all four services up to date.
    Migrate(MigrateArgs),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        Cli::read(&arguments)
    }

    fn party(line: &str) -> String {
        match read(line).unwrap().command {
            Command::Pull(args) => args.connect.party.unwrap().to_string(),
            _ => panic!("{line} is no pull"),
        }
    }

    #[test]
    fn every_command_is_sound_and_every_argument_described() {
        fn walk(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let described = argument.get_help().or_else(|| argument.get_long_help());
                assert!(
                    described.is_some(),
                    "{} {}",
                    command.get_name(),
                    argument.get_id()
                );
            }
            command.get_subcommands().for_each(walk);
        }
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        walk(&command);
    }

    #[test]
    fn the_unit_says_who_pulls() {
        assert_eq!(party("liaison pull --unit cyber"), "unit/cyber");
        assert_eq!(party("liaison pull --unit unit/cyber"), "unit/cyber");
        assert_eq!(party("liaison pull --as unit/cyber"), "unit/cyber");
        assert_eq!(
            party("liaison pull --unit cyber --as unit/cyber"),
            "unit/cyber"
        );
        let error = read("liaison pull --unit cyber --as unit/terrorism").unwrap_err();
        assert_eq!(
            (error.kind(), error.exit_code()),
            (ErrorKind::ArgumentConflict, 2)
        );
        assert_eq!(
            mistake(&error),
            "--unit means unit/cyber and --as says unit/terrorism; give one of them"
        );
    }

    #[test]
    fn values_of_the_api_are_read_short_and_long_and_listed() {
        for outcome in ["SEIZURE", "seizure", "OUTCOME_SEIZURE"] {
            let line = format!("liaison assignment complete 0198 --outcome {outcome}");
            read(&line).unwrap_or_else(|error| panic!("{error}"));
        }
        let error = read("liaison assignment complete 0198 --outcome NOPE").unwrap_err();
        let mistake = mistake(&error);
        assert!(mistake.contains("'NOPE'"), "{mistake}");
        assert!(mistake.contains("SEIZURE"), "{mistake}");
        assert!(mistake.contains("DUPLICATE"), "{mistake}");
        assert!(!mistake.contains("UNSPECIFIED"), "{mistake}");
    }

    #[test]
    fn handles_may_begin_with_a_hyphen() {
        for line in [
            "liaison assignment accept 0198 --lease-token -x_-9",
            "liaison referral watch --cursor -x_-9",
        ] {
            read(line).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn numbers_have_bounds() {
        for line in [
            "liaison triage drift --weeks 0",
            "liaison triage drift --weeks 105",
            "liaison pull --max 0",
            "liaison pull --max 101",
            "liaison pull --wait 61",
            "liaison pull --lease 9",
            "liaison referral list --limit 0",
            "liaison referral watch --count 0",
            "liaison assignment extend 0198 --lease-token x --seconds 28801",
            "liaison certs issue unit/cyber --days 0",
            "liaison up --port 65533",
        ] {
            let error = read(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            let mistake = mistake(&error);
            assert!(mistake.starts_with("invalid value"), "{line}: {mistake}");
        }
    }

    #[test]
    fn mistakes_are_told_in_one_line() {
        let told = |line: &str| mistake(&read(line).unwrap_err());
        assert_eq!(
            told("liaison referral get"),
            "the following required arguments were not provided: <NAME>"
        );
        assert_eq!(told("liaison"), "a command is missing; --help lists them");
        let given = |line: &str| -> Vec<OsString> { line.split(' ').map(OsString::from).collect() };
        assert!(wants_json(&given("liaison --output json get")));
        assert!(wants_json(&given("liaison get --output=json")));
        assert!(!wants_json(&given("liaison get --output table")));
        assert!(!wants_json(&given("liaison submit -- --output json")));
    }
}
