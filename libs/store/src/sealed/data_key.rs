//! The key of one subject, and the places its values are sealed for.

use std::fmt;

use liaison_types::{Random, Result};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::PROTECTED;
use super::cipher::{self, KEY_LEN, KeyBytes, Refused};
use crate::inconsistency::Inconsistency;

const DOMAIN: &[u8] = b"liaison.sealed.v1\n";

/// Where a sealed value stands: it opens there and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    table: &'static str,
    column: &'static str,
    row: Uuid,
}

impl Cell {
    /// The column `column` of the row `row` in `table`. These names are sealed in: renaming a table or
    /// a column means to keep the old name here, or to seal every value anew.
    #[must_use]
    pub const fn new(table: &'static str, column: &'static str, row: Uuid) -> Self {
        Self { table, column, row }
    }

    /// Another column of the same row.
    #[must_use]
    pub const fn column(self, column: &'static str) -> Self {
        Self { column, ..self }
    }

    fn associated(&self) -> Vec<u8> {
        let mut bytes = DOMAIN.to_vec();
        for name in [self.table, self.column] {
            // No identifier of a database comes near 4 GiB.
            let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
            bytes.extend(length.to_be_bytes());
            bytes.extend(name.as_bytes());
        }
        bytes.extend(self.row.as_bytes());
        bytes
    }

    fn refuse(&self, refused: Refused) -> liaison_types::Error {
        Inconsistency::on(self.table)
            .column(self.column)
            .row(self.row)
            .source(refused)
    }
}

/// The key under which everything about one subject is sealed: 32 random bytes. `Debug` does not show
/// them, and dropping it erases them.
#[derive(Clone)]
pub struct DataKey(KeyBytes);

impl DataKey {
    /// A new key. `random` must be fit for keys, as `SystemRandom` is.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        random.fill(&mut *bytes);
        Self(bytes)
    }

    /// What stands for a key in a build without protection.
    pub(super) fn none() -> Self {
        Self(Zeroizing::new([0; KEY_LEN]))
    }

    pub(super) fn from_bytes(bytes: KeyBytes) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// Seals `content` for `cell`: 29 bytes more than it has. `random` gives the nonce and must not repeat
    /// itself under one key.
    #[must_use]
    pub fn seal(&self, cell: Cell, content: &[u8], random: &dyn Random) -> Vec<u8> {
        if !PROTECTED {
            return content.to_vec();
        }
        cipher::seal(&self.0, random, &cell.associated(), content)
    }

    /// [`DataKey::seal`] for a text.
    #[must_use]
    pub fn seal_text(&self, cell: Cell, content: &str, random: &dyn Random) -> Vec<u8> {
        self.seal(cell, content.as_bytes(), random)
    }

    /// The content that was sealed for `cell` under this key.
    ///
    /// # Errors
    /// `INCONSISTENT_DATA`, naming table, column and row, where `sealed` was sealed elsewhere, under
    /// another key or not at all, or was changed.
    pub fn open(&self, cell: Cell, sealed: &[u8]) -> Result<Vec<u8>> {
        if !PROTECTED {
            return Ok(sealed.to_vec());
        }
        cipher::open(&self.0, &cell.associated(), sealed).map_err(|refused| cell.refuse(refused))
    }

    /// [`DataKey::open`] for a text.
    ///
    /// # Errors
    /// As [`DataKey::open`], and where the content is no UTF-8.
    pub fn open_text(&self, cell: Cell, sealed: &[u8]) -> Result<String> {
        // The reason of the conversion holds the content: it is left out.
        String::from_utf8(self.open(cell, sealed)?).map_err(|_| cell.refuse(Refused::NotText))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::{ErrorKind, Reason, SeededRandom};

    const ROW: Uuid = Uuid::from_u128(1);
    const CELL: Cell = Cell::new("dossier", "narrative", ROW);

    #[test]
    fn a_value_opens_in_its_place_only() {
        let random = SeededRandom::new(1);
        let key = DataKey::generate(&random);
        let sealed = key.seal_text(CELL, "secret ü", &random);
        assert_eq!(key.open_text(CELL, &sealed).unwrap(), "secret ü");
        assert_eq!(sealed.len(), "secret ü".len() + 29);
        let elsewhere = [
            CELL.column("summary"),
            Cell::new("person", "narrative", ROW),
            Cell::new("dossier", "narrative", Uuid::from_u128(2)),
            // The names are not merely put together.
            Cell::new("dossiern", "arrative", ROW),
        ];
        for cell in elsewhere {
            assert!(key.open(cell, &sealed).is_err(), "{cell:?}");
        }
        let other = DataKey::generate(&random);
        assert!(other.open(CELL, &sealed).is_err());
    }

    #[test]
    fn what_is_authenticated_is_what_the_documentation_says() {
        let mut expected = b"liaison.sealed.v1\n\0\0\0\x07dossier\0\0\0\x09narrative".to_vec();
        expected.extend([0; 15]);
        expected.push(1);
        assert_eq!(CELL.associated(), expected);
    }

    #[test]
    fn a_refusal_names_the_place_and_no_content() {
        let random = SeededRandom::new(1);
        let key = DataKey::generate(&random);
        let no_text = key.seal(CELL, b"secret\xff", &random);
        let mut changed = no_text.clone();
        changed[20] ^= 1;
        for (sealed, why) in [
            (no_text.as_slice(), "no text"),
            (changed.as_slice(), "changed"),
            (&changed[..28], "too short"),
            (b"secret", "unknown form"),
            (b"", "too short"),
        ] {
            let error = key.open_text(CELL, sealed).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DataLoss);
            assert_eq!(error.reason(), Reason::InconsistentData);
            let chain = format!("{} {error:?}", error.chain());
            assert!(chain.contains("table dossier, column narrative, row 0000"));
            assert!(chain.contains(why), "{chain}");
            assert!(!chain.contains("secret") && !error.to_string().contains("dossier"));
        }
        assert_eq!(format!("{key:?}"), "DataKey");
    }
}
