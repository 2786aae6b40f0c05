//! National provisions: which offence of the ICCS the law that a sender cites stands for.
//!
//! A citation is free text: "§ 176a StGB", "art. 222-37 du Code pénal", "18 U.S.C. § 2422(b)". It is read by tables of
//! laws (`provisions.toml`): a law is found by one of its names, a section by its number. Several countries have a
//! "code pénal" or a "código penal": a country code in the citation ("MX") chooses; without one all laws of that name
//! are asked, and what they answer counts only where it leads to one and the same unit.

use std::collections::BTreeSet;
use std::ops::Range;

use liaison_types::{IccsCode, Tag};
use serde::Deserialize;

use super::rule_set::RuleSetError;
use super::text::fold_words;

/// What is written before numbers that are not sections: paragraphs, numbers and letters of one.
const PARTS: [&str; 22] = [
    "abs",
    "absatz",
    "nr",
    "nummer",
    "satz",
    "al",
    "alinea",
    "par",
    "paragraph",
    "parrafo",
    "inciso",
    "apartado",
    "fraccion",
    "num",
    "numero",
    "lit",
    "let",
    "lett",
    "comma",
    "subsection",
    "فقره",
    "الفقره",
];
/// What makes another section of one.
const INSERTED: [&str; 9] = [
    "bis",
    "ter",
    "quater",
    "quinquies",
    "sexies",
    "septies",
    "octies",
    "undecies",
    "مكرر",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProvisionsData {
    #[serde(rename = "source")]
    _source: String,
    #[serde(default)]
    law: Vec<LawData>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LawData {
    id: String,
    country: String,
    names: Vec<String>,
    row: Vec<RowData>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowData {
    /// None for the whole law, as far as no other row has the section.
    #[serde(default)]
    sections: Vec<String>,
    iccs: IccsCode,
    #[serde(default)]
    tags: Vec<Tag>,
    verified: bool,
}

/// The tables.
#[derive(Debug, Default)]
pub(super) struct Provisions(Vec<Law>);

#[derive(Debug)]
struct Law {
    id: String,
    country: String,
    names: Vec<Vec<String>>,
    /// Section and its row; those with most words first.
    sections: Vec<(Vec<String>, usize)>,
    whole: Option<usize>,
    rows: Vec<RowData>,
}

/// What a citation stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Provision {
    /// The law and the section: "provision.fr-code-penal.222-37".
    pub(super) id: String,
    pub(super) iccs: IccsCode,
    pub(super) tags: Vec<Tag>,
    /// Whether the row was checked against the published law.
    pub(super) verified: bool,
    law: usize,
}

impl Provisions {
    pub(super) fn new(data: ProvisionsData) -> Result<Self, RuleSetError> {
        let mut ids = BTreeSet::new();
        let laws = data.law.into_iter().map(|law| {
            let place =
                |what: &str| RuleSetError::Value(format!("provisions.toml {} {what}", law.id));
            if !ids.insert(law.id.clone()) {
                return Err(place("id"));
            }
            if law.country.len() != 2 || !law.country.bytes().all(|byte| byte.is_ascii_uppercase())
            {
                return Err(place("country"));
            }
            let names: Vec<Vec<String>> = law.names.iter().map(|name| words(name)).collect();
            if names.is_empty() || names.iter().any(Vec::is_empty) {
                return Err(place("names"));
            }
            let mut sections = Vec::new();
            let mut whole = None;
            for (at, row) in law.row.iter().enumerate() {
                if row.sections.is_empty() && whole.replace(at).is_some() {
                    return Err(place("row"));
                }
                for section in &row.sections {
                    let section = words(section);
                    if section.is_empty() || sections.iter().any(|(other, _)| *other == section) {
                        return Err(place("sections"));
                    }
                    sections.push((section, at));
                }
            }
            sections.sort_by_key(|(section, _)| std::cmp::Reverse(section.len()));
            Ok(Law {
                id: law.id.clone(),
                country: law.country.clone(),
                names,
                sections,
                whole,
                rows: law.row,
            })
        });
        laws.collect::<Result<_, _>>().map(Self)
    }

    /// Every row that a citation may stand for, in the order of the sections cited; of several laws, where several
    /// have the name.
    pub(super) fn find(&self, citation: &str) -> Vec<Provision> {
        let cited = words(citation);
        let countries: BTreeSet<&str> = citation
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.len() == 2)
            .collect();
        let named: Vec<(usize, &Law, Vec<Range<usize>>)> = self
            .0
            .iter()
            .enumerate()
            .map(|(at, law)| (at, law, law.named(&cited)))
            .collect();
        // "Código Penal Federal" names no law that is called "Código Penal".
        let within_longer = |name: &Range<usize>| {
            let mut others = named.iter().flat_map(|(_, _, names)| names);
            others.any(|other| {
                other.len() > name.len() && other.start <= name.start && name.end <= other.end
            })
        };
        let mut laws: Vec<(usize, &Law)> = named
            .iter()
            .filter(|(_, _, names)| names.iter().any(|name| !within_longer(name)))
            .map(|(at, law, _)| (*at, *law))
            .collect();
        if laws
            .iter()
            .any(|(_, law)| countries.contains(law.country.as_str()))
        {
            laws.retain(|(_, law)| countries.contains(law.country.as_str()));
        }
        laws.into_iter()
            .flat_map(|(at, law)| law.find(at, cited.clone()))
            .collect()
    }
}

/// Whether provisions are of different laws.
pub(super) fn of_several_laws(found: &[Provision]) -> bool {
    found.iter().any(|other| other.law != found[0].law)
}

impl Law {
    /// Where it is named.
    fn named(&self, cited: &[String]) -> Vec<Range<usize>> {
        let names = self.names.iter();
        let places = names.filter_map(|name| place(cited, name).map(|at| at..at + name.len()));
        places.collect()
    }

    fn find(&self, law: usize, mut cited: Vec<String>) -> Vec<Provision> {
        // The number of the law itself is no section.
        for name in &self.names {
            while let Some(at) = place(&cited, name) {
                cited[at..at + name.len()].fill(String::new());
            }
        }
        let mut found = Vec::new();
        let mut at = 0;
        while at < cited.len() {
            let section = self.sections.iter().find(|(section, _)| {
                let end = at + section.len();
                cited[at..].starts_with(section)
                    && !cited
                        .get(end)
                        .is_some_and(|next| INSERTED.contains(&next.as_str()))
            });
            match section {
                Some((section, row)) if !is_part(&cited, at) => {
                    found.push(self.provision(law, *row, Some(section)));
                    at += section.len();
                }
                _ => at += 1,
            }
        }
        if found.is_empty() {
            found.extend(self.whole.map(|row| self.provision(law, row, None)));
        }
        found
    }

    fn provision(&self, law: usize, row: usize, section: Option<&Vec<String>>) -> Provision {
        let row = &self.rows[row];
        let section = section.map(|section| format!(".{}", section.join("-")));
        Provision {
            id: format!("provision.{}{}", self.id, section.unwrap_or_default()),
            iccs: row.iccs.clone(),
            tags: row.tags.clone(),
            verified: row.verified,
            law,
        }
    }
}

/// Whether the number there counts a part of a section: "Abs. 1".
fn is_part(cited: &[String], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| cited[before].as_str());
    before.is_some_and(|before| PARTS.contains(&before))
}

/// Where `wanted` stands in `words`.
fn place(words: &[String], wanted: &[String]) -> Option<usize> {
    words.windows(wanted.len()).position(|some| some == wanted)
}

/// The words of a citation, folded. "U.S.C." is one word, "222-37" as well; what is in brackets behind a number, a part
/// of a section, is left out.
fn words(citation: &str) -> Vec<String> {
    let chars: Vec<char> = citation.chars().collect();
    let mut all = Vec::new();
    let mut word = String::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        match c {
            _ if c.is_alphanumeric() => word.push(c),
            '(' if word.ends_with(|c: char| c.is_numeric()) => {
                while at + 1 < chars.len() && chars[at] != ')' {
                    at += 1;
                }
            }
            // Only after one letter: "U.S.C.", "L.622-1", but not "art.368".
            '.' if abbreviates(&chars[..at], &word) && joins(&word, next) => {}
            '-' | '\u{2010}' | '\u{2011}' | '\u{2013}'
                if word.ends_with(|c: char| c.is_numeric()) && next.is_numeric() =>
            {
                word.push('-');
            }
            _ => end(&mut word, &mut all),
        }
        at += 1;
    }
    end(&mut word, &mut all);
    all
}

/// Whether what stands before a full stop is one capital letter, or some with full stops between.
fn abbreviates(before: &[char], word: &str) -> bool {
    let two_back = before.iter().rev().nth(1);
    word.chars().all(char::is_uppercase)
        && !word.is_empty()
        && two_back.is_none_or(|c| !c.is_alphanumeric())
}

/// "U.S.", and the numbers of French codes: "L.622-1".
fn joins(word: &str, next: char) -> bool {
    next.is_uppercase() || (["L", "R", "D"].contains(&word) && next.is_numeric())
}

fn end(word: &mut String, all: &mut Vec<String>) {
    let folded: Vec<String> = word
        .split('-')
        .map(|part| fold_words(part).concat())
        .collect();
    let folded = folded.join("-");
    if !folded.is_empty() {
        all.push(folded);
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RuleSetFiles;

    fn provisions() -> Provisions {
        let data = toml::from_str(RuleSetFiles::embedded().provisions).unwrap();
        Provisions::new(data).unwrap()
    }

    fn codes(citation: &str) -> Vec<String> {
        let found = provisions().find(citation);
        found.into_iter().map(|it| it.iccs.to_string()).collect()
    }

    #[test]
    fn citations_are_read_as_lawyers_write_them() {
        for (citation, iccs) in [
            ("§ 176a StGB", "03022"),
            ("§ 184b Abs. 3 StGB", "030221"),
            ("§§ 29, 29a BtMG", "0601"),
            ("18 U.S.C. § 2422(b)", "030223"),
            ("18 USC 1591", "02041"),
            ("Title 21, U.S.C., Section 841(a)(1)", "06012"),
            ("art. 222-37 du Code pénal", "060121"),
            ("Art. 222‑37 C. pén.", "060121"),
            ("Code pénal, article 421-2-1", "09061"),
            ("artículo 177 bis del Código Penal, ES", "0204"),
            ("ES: art. 368 CP", "060121"),
            ("Misuse of Drugs Act 1971, s. 4(3)", "060121"),
            ("Computer Misuse Act 1990 s.3ZA", "09032"),
            ("القانون رقم ١٨٢ لسنة ١٩٦٠", "0601"),
            ("art. 416-bis c.p. (IT)", "09051"),
        ] {
            let found = codes(citation);
            assert_eq!(found.first().map(String::as_str), Some(iccs), "{citation}");
        }
    }

    #[test]
    fn what_is_no_section_of_the_law_stands_for_nothing() {
        for citation in [
            "",
            "Penal Code, s. 1",
            "§ 242 StGB",
            "§ 303 Abs. 1 StGB",
            "Code pénal, article 421-2-5",
            "18 U.S.C. § 1343",
            "art. 368 ter Código Penal ES",
            "Article 222 du Code pénal",
            "((((((",
            "§",
        ] {
            assert_eq!(codes(citation), [""; 0], "{citation}");
        }
    }

    #[test]
    fn a_country_chooses_among_laws_of_one_name() {
        assert!(of_several_laws(
            &provisions().find("art. 376, 188 Código Penal")
        ));
        let found = provisions().find("CO, Código Penal, art. 376");
        assert_eq!(found[0].id, "provision.co-codigo-penal.376");
        assert!(!of_several_laws(&found));
    }

    #[test]
    fn broken_tables_are_refused() {
        let law = |body: &str| {
            let text = format!("source = \"\"\n[[law]]\nid = \"x\"\ncountry = \"FR\"\n{body}");
            Provisions::new(toml::from_str(&text).unwrap()).map_err(|error| error.to_string())
        };
        let row = "[[law.row]]\niccs = \"0204\"\nverified = false\n";
        assert!(law(&format!("names = [\"code\"]\n{row}")).is_ok());
        for (body, named) in [
            (format!("names = []\n{row}"), "names"),
            (format!("names = [\"§\"]\n{row}"), "names"),
            (format!("names = [\"code\"]\n{row}{row}"), "row"),
            (
                format!("names = [\"code\"]\n{row}sections = [\"1\", \"1\"]\n"),
                "sections",
            ),
        ] {
            let error = law(&body).unwrap_err();
            assert!(error.contains(named), "{body}: {error}");
        }
    }
}
