//! Rows that cannot become domain values.

use std::error::Error as StdError;
use std::fmt;

use liaison_types::{Error, ErrorKind, Reason};

/// A stored value that makes no sense: neither a panic nor a default, but a fault that names the
/// place, so that somebody can look at that row.
///
/// It holds table, column and row id and never the value, which may be personal.
#[derive(Clone, Debug)]
pub struct Inconsistency {
    table: &'static str,
    column: Option<&'static str>,
    row: Option<String>,
}

impl Inconsistency {
    /// Something is wrong in `table`.
    #[must_use]
    pub const fn on(table: &'static str) -> Self {
        Self {
            table,
            column: None,
            row: None,
        }
    }

    /// Names the column.
    #[must_use]
    pub fn column(&self, column: &'static str) -> Self {
        Self {
            column: Some(column),
            ..self.clone()
        }
    }

    /// Names the row by its key.
    #[must_use]
    pub fn row(&self, row: impl fmt::Display) -> Self {
        Self {
            row: Some(row.to_string()),
            ..self.clone()
        }
    }

    /// The error to return, with the reason the value was refused as its cause.
    #[must_use]
    pub fn source(self, source: impl StdError + Send + Sync + 'static) -> Error {
        into_error(Caused {
            place: self,
            source: Some(Box::new(source)),
        })
    }
}

impl fmt::Display for Inconsistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inconsistent data in table {}", self.table)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(row) = &self.row {
            write!(f, ", row {row}")?;
        }
        Ok(())
    }
}

impl StdError for Inconsistency {}

impl From<Inconsistency> for Error {
    fn from(place: Inconsistency) -> Self {
        into_error(Caused {
            place,
            source: None,
        })
    }
}

fn into_error(caused: Caused) -> Error {
    Error::new(ErrorKind::DataLoss, Reason::InconsistentData).source(caused)
}

#[derive(Debug)]
struct Caused {
    place: Inconsistency,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl fmt::Display for Caused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl StdError for Caused {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_the_place_in_the_chain_only() {
        let on = Inconsistency::on("referral").row(7);
        let error = on
            .column("state")
            .source("x".parse::<i32>().expect_err("no number"));
        assert_eq!(error.reason(), Reason::InconsistentData);
        assert!(!error.to_string().contains("referral"));
        let chain = error.chain();
        assert!(chain.contains("table referral, column state, row 7: invalid digit"));
    }
}
