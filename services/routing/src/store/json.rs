//! Lists and markings as JSON text.

use liaison_store::Inconsistency;
use liaison_types::{
    Confidentiality, CountryCode, Error, Handling, Markings, Pap, Result, Tlp, UnitCode,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// `value` as text.
pub(super) fn write<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// What [`write`] wrote.
pub(super) fn read<T: DeserializeOwned>(text: &str, on: Inconsistency) -> Result<T> {
    serde_json::from_str(text).map_err(|error| on.source(error))
}

/// The stored form of an envelope's markings: without the text of H3, which is content. Its names are
/// the public ones and never change.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredMarkings {
    confidentiality: Confidentiality,
    handling: Vec<Handling>,
    tlp: Tlp,
    pap: Pap,
    excluded_countries: Vec<CountryCode>,
    excluded_units: Vec<UnitCode>,
}

impl From<&Markings> for StoredMarkings {
    fn from(markings: &Markings) -> Self {
        Self {
            confidentiality: markings.confidentiality,
            handling: markings.handling.clone(),
            tlp: markings.tlp,
            pap: markings.pap,
            excluded_countries: markings.excluded_countries.clone(),
            excluded_units: markings.excluded_units.clone(),
        }
    }
}

impl From<StoredMarkings> for Markings {
    fn from(stored: StoredMarkings) -> Self {
        Self {
            confidentiality: stored.confidentiality,
            handling: stored.handling,
            handling_text: String::new(),
            tlp: stored.tlp,
            pap: stored.pap,
            excluded_countries: stored.excluded_countries,
            excluded_units: stored.excluded_units,
        }
    }
}
