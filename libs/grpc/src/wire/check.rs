//! Gathering every violation of a request while it is read.

use std::fmt;
use std::str::FromStr;

use liaison_types::{Error, Form, Result, Rule, Timestamp, Violation};

use super::name::{Named, Resource, id};

/// Where a field stands, for example `dossier.persons[2].status`. It costs nothing until a violation
/// is reported.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    above: Option<&'a Path<'a>>,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Field(&'static str),
    Index(usize),
}

impl Path<'static> {
    /// A field of the request itself.
    #[must_use]
    pub const fn root(field: &'static str) -> Self {
        Self {
            above: None,
            step: Step::Field(field),
        }
    }
}

impl Path<'_> {
    /// A field of the message here.
    #[must_use]
    pub const fn field(&self, field: &'static str) -> Path<'_> {
        Path {
            above: Some(self),
            step: Step::Field(field),
        }
    }

    /// An entry of the list here.
    #[must_use]
    pub const fn index(&self, index: usize) -> Path<'_> {
        Path {
            above: Some(self),
            step: Step::Index(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(f)?;
        }
        match self.step {
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Field(field) if self.above.is_some() => write!(f, ".{field}"),
            Step::Field(field) => f.write_str(field),
        }
    }
}

/// The violations found so far. Reading goes on after each, so that the caller learns all at once;
/// [`Checks::finish`] turns them into the answer.
///
/// What a method returns as `None` has been reported, unless it says that absence is fine.
#[derive(Debug, Default)]
pub struct Checks(Vec<Violation>);

/// More than anybody reads: the answer shows 32 of them and counts the rest, and a hostile message
/// must not make us build millions.
const MOST: usize = 1_000;

impl Checks {
    /// The field at `path` breaks `rule`.
    pub fn add(&mut self, path: Path<'_>, rule: Rule) {
        if self.0.len() < MOST {
            self.0.push(Violation::new(path.to_string(), rule));
        }
    }

    /// The field at `path` breaks `rule` unless `holds`.
    pub fn ensure(&mut self, holds: bool, path: Path<'_>, rule: Rule) {
        if !holds {
            self.add(path, rule);
        }
    }

    /// What was found so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.0
    }

    /// Whether nothing was found so far.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, where nothing was found.
    ///
    /// # Errors
    /// INVALID_ARGUMENT with everything that was found. A value that is absent without a violation
    /// is a mistake of the reader and answered as INTERNAL.
    pub fn finish<T>(self, value: Option<T>) -> Result<T> {
        match value {
            _ if !self.0.is_empty() => Err(Error::invalid(self.0)),
            Some(value) => Ok(value),
            None => Err(Error::internal("a request was refused without a violation")),
        }
    }

    /// Nothing, where nothing was found.
    ///
    /// # Errors
    /// As [`Checks::finish`].
    pub fn done(self) -> Result<()> {
        self.finish(Some(()))
    }

    /// A message that has to be there.
    pub fn required<'m, M>(&mut self, path: Path<'_>, message: Option<&'m M>) -> Option<&'m M> {
        if message.is_none() {
            self.add(path, Rule::Required);
        }
        message
    }

    /// An enum value that has to be there.
    pub fn enum_value<E: Named>(&mut self, path: Path<'_>, number: i32) -> Option<E> {
        if number == 0 {
            self.add(path, Rule::Required);
            return None;
        }
        self.optional_enum_value(path, number)
    }

    /// An enum value; `None` without a violation where it is unspecified.
    pub fn optional_enum_value<E: Named>(&mut self, path: Path<'_>, number: i32) -> Option<E> {
        let value = E::try_from(number).ok();
        if value.is_none() {
            self.add(path, Rule::NotAmong(Form::EnumValue(E::PREFIX)));
        }
        value.filter(|value| *value != E::default())
    }

    /// Our own value with the same name as the schema's enum value, which has to be there.
    pub fn named<E: Named, T: FromStr>(&mut self, path: Path<'_>, number: i32) -> Option<T> {
        let value = self.enum_value::<E>(path, number)?;
        self.same_name(path, value)
    }

    /// Our own value with the same name; `None` without a violation where it is unspecified.
    pub fn optional_named<E: Named, T: FromStr>(
        &mut self,
        path: Path<'_>,
        number: i32,
    ) -> Option<T> {
        let value = self.optional_enum_value::<E>(path, number)?;
        self.same_name(path, value)
    }

    fn same_name<E: Named, T: FromStr>(&mut self, path: Path<'_>, value: E) -> Option<T> {
        let own = super::name::name(value).parse().ok();
        if own.is_none() {
            self.add(path, Rule::NotAmong(Form::EnumValue(E::PREFIX)));
        }
        own
    }

    /// The id in a resource name, which has to be there.
    pub fn resource<R: Resource>(&mut self, path: Path<'_>, name: &str) -> Option<R> {
        if name.is_empty() {
            self.add(path, Rule::Required);
            return None;
        }
        let found = id(name);
        if found.is_none() {
            self.add(path, Rule::Malformed(Form::ResourceName(R::COLLECTION)));
        }
        found
    }

    /// A value that has a text form and has to be there; `form` says how to write it.
    pub fn parse<T: FromStr>(&mut self, path: Path<'_>, text: &str, form: Form) -> Option<T> {
        if text.is_empty() {
            self.add(path, Rule::Required);
            return None;
        }
        self.optional_parse(path, text, form)
    }

    /// A value that has a text form; `None` without a violation where it is empty.
    pub fn optional_parse<T: FromStr>(
        &mut self,
        path: Path<'_>,
        text: &str,
        form: Form,
    ) -> Option<T> {
        if text.is_empty() {
            return None;
        }
        let value = text.parse().ok();
        if value.is_none() {
            self.add(path, Rule::Malformed(form));
        }
        value
    }

    /// An instant that has to be there.
    pub fn instant(
        &mut self,
        path: Path<'_>,
        at: Option<&prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        if at.is_none() {
            self.add(path, Rule::Required);
        }
        self.optional_instant(path, at)
    }

    /// An instant; `None` without a violation where it is absent.
    pub fn optional_instant(
        &mut self,
        path: Path<'_>,
        at: Option<&prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        let value = super::instant(at?);
        if value.is_none() {
            self.add(path, Rule::Malformed(Form::Instant));
        }
        value
    }

    /// One line of text: at most `max` characters, none of them control, direction or invisible.
    /// An empty text is fine.
    pub fn line(&mut self, path: Path<'_>, text: &str, max: usize) {
        self.length(path, text, max);
        self.ensure(!is_forbidden_in_line(text), path, Rule::ForbiddenCharacters);
    }

    /// As [`Checks::line`], and white space alone is missing.
    pub fn required_line(&mut self, path: Path<'_>, text: &str, max: usize) {
        if text.trim().is_empty() {
            self.add(path, Rule::Required);
        } else {
            self.line(path, text, max);
        }
    }

    /// Text of several lines: at most `max` characters; control characters other than line ends and
    /// tabs are refused, what steers the direction of writing is not. An empty text is fine.
    pub fn block(&mut self, path: Path<'_>, text: &str, max: usize) {
        self.length(path, text, max);
        self.ensure(
            !is_forbidden_in_block(text),
            path,
            Rule::ForbiddenCharacters,
        );
    }

    /// As [`Checks::block`], and white space alone is missing.
    pub fn required_block(&mut self, path: Path<'_>, text: &str, max: usize) {
        if text.trim().is_empty() {
            self.add(path, Rule::Required);
        } else {
            self.block(path, text, max);
        }
    }

    /// At most `max` entries. Entries beyond are reported once and read no further: the caller takes
    /// the prefix that is returned.
    pub fn at_most<'m, M>(&mut self, path: Path<'_>, list: &'m [M], max: usize) -> &'m [M] {
        if list.len() <= max {
            return list;
        }
        self.add(path, Rule::TooMany(max));
        &list[..max]
    }

    fn length(&mut self, path: Path<'_>, text: &str, max: usize) {
        // A character has at least one byte, so that most texts are measured without being read.
        if text.len() > max && text.chars().count() > max {
            self.add(path, Rule::TooLong(max));
        }
    }
}

/// Whether `text` holds what makes one line show something else than it is: control characters,
/// direction marks, overrides and isolates, invisible characters. The zero-width joiner and
/// non-joiner are allowed between two characters of Arabic and Indic scripts, which need them.
#[must_use]
pub fn is_forbidden_in_line(text: &str) -> bool {
    // Nearly all texts hold nothing to look at twice.
    if !text.chars().any(is_suspicious) {
        return false;
    }
    // From Arabic to the last Indic block; their vowel signs are marks, not letters.
    let letter = |c: Option<char>| c.is_some_and(|c| ('\u{600}'..='\u{1cff}').contains(&c));
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let joins = matches!(character, '\u{200c}' | '\u{200d}')
            && letter(before)
            && letter(characters.peek().copied());
        if is_suspicious(character) && !joins {
            return true;
        }
        before = Some(character);
    }
    false
}

const fn is_suspicious(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether `text` holds control characters other than line ends and tabs.
#[must_use]
pub fn is_forbidden_in_block(text: &str) -> bool {
    text.chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_proto::common;
    use liaison_types::{ErrorKind, ReferralId};

    #[test]
    fn all_violations_are_gathered_with_their_paths() {
        let mut checks = Checks::default();
        let dossier = Path::root("dossier");
        let persons = dossier.field("persons");
        checks.enum_value::<common::Urgency>(persons.index(2).field("status"), 0);
        checks.enum_value::<common::Urgency>(dossier.field("urgency"), 99);
        checks.resource::<ReferralId>(Path::root("name"), "referrals/1");
        checks.required_line(dossier.field("title"), "  ", 10);
        checks.line(dossier.field("place"), &"é".repeat(11), 10);
        checks.line(dossier.field("place"), "a\u{202e}b", 10);
        let error = checks.finish(Some(())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let found: Vec<_> = error
            .violation_list()
            .iter()
            .map(|v| (v.field.as_str(), v.rule.code()))
            .collect();
        assert_eq!(
            found,
            [
                ("dossier.persons[2].status", "REQUIRED"),
                ("dossier.urgency", "UNKNOWN_VALUE"),
                ("name", "MALFORMED"),
                ("dossier.title", "REQUIRED"),
                ("dossier.place", "TOO_LONG"),
                ("dossier.place", "FORBIDDEN_CHARACTERS"),
            ]
        );
    }

    #[test]
    fn what_is_absent_without_a_violation_is_our_mistake() {
        assert_eq!(
            Checks::default().finish::<()>(None).unwrap_err().kind(),
            ErrorKind::Internal
        );
        assert!(Checks::default().done().is_ok());
    }

    #[test]
    fn a_hostile_message_makes_no_endless_list() {
        let mut checks = Checks::default();
        for index in 0..100_000 {
            checks.add(Path::root("x").index(index), Rule::Required);
        }
        assert_eq!(checks.violations().len(), MOST);
    }

    #[test]
    fn lines_show_what_they_are() {
        for good in [
            "Müller-O'Neil",
            "محمد بن علي",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "",
        ] {
            assert!(!is_forbidden_in_line(good), "{good:?}");
        }
        for bad in [
            "a\u{0}",
            "a\nb",
            "a\u{200d}b",
            "\u{200c}م",
            "a\u{200b}b",
            "\u{202e}abc",
            "\u{2066}x",
            "a\u{ad}b",
            "\u{feff}a",
            "a\u{e0041}",
            "a\u{85}",
        ] {
            assert!(is_forbidden_in_line(bad), "{bad:?}");
        }
        assert!(!is_forbidden_in_block("one\r\n\ttwo \u{202b}ثلاثة\u{202c}"));
        assert!(is_forbidden_in_block("nul\u{0}"));
    }
}
