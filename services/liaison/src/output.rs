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

/// A table with `headers` over `rows`, for prose: long cells are broken to fit the terminal. A word
/// instead where there are no rows.
#[must_use]
pub fn table(headers: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return styled(FAINT, "nothing");
    }
    text(&build(headers, rows, ContentArrangement::Dynamic))
}

/// A table with `headers` over `rows`, for what commands take again, like names and tokens: nothing is
/// ever broken. Where the terminal is too narrow for a line, each row becomes a card with every value
/// on a line of its own. A word instead where there are no rows.
#[must_use]
pub fn records(headers: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return styled(FAINT, "nothing");
    }
    let width = Table::new().width().map(usize::from);
    laid_out(headers, rows, width)
}

/// As a table where that is at most `width` characters wide, otherwise as cards.
fn laid_out(headers: &[&str], rows: Vec<Vec<String>>, width: Option<usize>) -> String {
    let cards = cards(headers, &rows);
    let lines = text(&build(headers, rows, ContentArrangement::Disabled));
    let fits = |width| lines.lines().all(|line| line.chars().count() <= width);
    if width.is_none_or(fits) { lines } else { cards }
}

fn cards(headers: &[&str], rows: &[Vec<String>]) -> String {
    let cards: Vec<String> = rows
        .iter()
        .map(|row| {
            let said = headers
                .iter()
                .zip(row)
                .filter(|(_, value)| !value.is_empty());
            card(said.map(|(label, value)| (*label, value.as_str())))
        })
        .collect();
    cards.join("\n\n")
}

/// Values under each other, each on a line of its own after its label.
pub fn card<'a>(values: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    values
        .map(|(label, value)| format!("{} {value}", styled(FAINT, &format!("{label:>16}"))))
        .collect::<Vec<_>>()
        .join("\n")
}

fn build(headers: &[&str], rows: Vec<Vec<String>>, arrangement: ContentArrangement) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(arrangement);
    table.set_header(headers.iter().map(|header| header.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    table
}

fn text(table: &Table) -> String {
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
    fn handles_are_never_broken() {
        let name = "assignments/0198c0de-0000-7000-8000-000000000001";
        let token = "0198c0de-1111-7000-8000-000000000001";
        let rows = || {
            vec![
                vec!["R-1".to_owned(), name.to_owned(), token.to_owned()],
                vec!["R-2".to_owned(), name.to_owned(), String::new()],
            ]
        };
        let headers = &["reference", "assignment", "lease token"];
        let wide = laid_out(headers, rows(), None);
        assert_eq!(wide.lines().count(), 3, "{wide}");
        assert_eq!(laid_out(headers, rows(), Some(200)), wide);
        let narrow = laid_out(headers, rows(), Some(80));
        let label = |label: &str| styled(FAINT, &format!("{label:>16}"));
        assert_eq!(
            narrow,
            format!(
                "{} R-1\n{} {name}\n{} {token}\n\n{} R-2\n{} {name}",
                label("reference"),
                label("assignment"),
                label("lease token"),
                label("reference"),
                label("assignment"),
            )
        );
    }

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
