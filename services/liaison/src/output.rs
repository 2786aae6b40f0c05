//! What is printed, for people and for programs.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use liaison_proto::common::{Actor, Clock};
use prost_types::Timestamp as ProtoTimestamp;
use serde_json::Value;

use crate::cli::Output;

/// What is good news.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What is bad news.
pub const BAD: Style = AnsiColor::Red.on_default();
/// What somebody has to look at.
pub const CARE: Style = AnsiColor::Yellow.on_default();
/// What stands in the background.
pub const FAINT: Style = Style::new().dimmed();
/// What stands out.
pub const STRONG: Style = Style::new().bold();

/// `text` in `style`; the stream drops the styling where nobody would see it.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes a line to standard output.
///
/// # Errors
/// Where standard output is closed.
pub fn line(text: &str) -> io::Result<()> {
    writeln!(anstream::stdout().lock(), "{text}")
}

/// Prints a document: JSON for programs, otherwise what `human` makes of it.
///
/// # Errors
/// Where standard output is closed.
pub fn document(output: &Output, json: &Value, human: impl FnOnce() -> String) -> io::Result<()> {
    match output {
        Output::Json => {
            let text = serde_json::to_string_pretty(json).map_err(io::Error::other)?;
            writeln!(io::stdout().lock(), "{text}")
        }
        Output::Table | Output::File(_) => line(&human()),
    }
}

/// Prints one element of a stream: one JSON object a line for programs.
///
/// # Errors
/// Where standard output is closed.
pub fn element(output: &Output, json: &Value, human: impl FnOnce() -> String) -> io::Result<()> {
    match output {
        Output::Json => writeln!(io::stdout().lock(), "{json}"),
        Output::Table | Output::File(_) => line(&human()),
    }
}

/// A table with `headers` over `rows`; a word instead where there are no rows.
#[must_use]
pub fn table(headers: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return styled(FAINT, "nothing");
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headers.iter().map(|header| header.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A name of the API's enums without its prefix, in lower case and with spaces: `under review`.
#[must_use]
pub fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix)
        .unwrap_or(name)
        .replace('_', " ")
        .to_lowercase()
}

/// An instant to the second; a dash for none.
#[must_use]
pub fn instant(at: Option<&ProtoTimestamp>) -> String {
    at.and_then(|at| liaison_types::Timestamp::from_seconds_and_nanos(at.seconds, 0))
        .map_or_else(
            || "–".to_owned(),
            |at| at.to_string().replace('T', " ").replace('Z', " UTC"),
        )
}

/// When a clock runs out; a dash for none.
#[must_use]
pub fn due(clock: Option<&Clock>) -> String {
    instant(clock.and_then(|clock| clock.due_at.as_ref()))
}

/// Who acted; "the hub" where no person or party is named.
#[must_use]
pub fn actor(actor: Option<&Actor>) -> String {
    match actor {
        Some(actor) if !actor.officer.is_empty() => format!("{} ({})", actor.party, actor.officer),
        Some(actor) if !actor.party.is_empty() => actor.party.clone(),
        _ => "the hub".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_instants_read_well() {
        assert_eq!(
            word("REFERRAL_STATE_UNDER_REVIEW", "REFERRAL_STATE_"),
            "under review"
        );
        let at = ProtoTimestamp {
            seconds: 1_772_352_000,
            nanos: 5_000,
        };
        assert_eq!(instant(Some(&at)), "2026-03-01 08:00:00 UTC");
        assert_eq!(instant(None), "–");
    }
}
