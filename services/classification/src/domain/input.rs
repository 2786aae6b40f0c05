//! What is decided on.

use liaison_types::{IccsCode, Language, Tag};

/// Everything the decision reads: the offences as declared and the text, no persons.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    /// The offences in the order of the dossier; the first that leads to a unit is the principal one.
    pub offences: &'a [DeclaredOffence],
    /// The title, where there is one. Never needed.
    pub title: Option<&'a str>,
    /// The facts as told. Any text, of any length; what follows the first 200,000 words is not read.
    pub narrative: &'a str,
    /// The language as declared. A hint only: it is believed where the text itself does not tell.
    pub language: Option<Language>,
}

/// One declared offence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredOffence {
    /// The ICCS code, where one was given.
    pub iccs: Option<IccsCode>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// The provision of national law as the sender cites it; read where no code is given.
    pub national_provision: Option<String>,
}
