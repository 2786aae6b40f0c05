//! What intake gives to be decided on.

use std::fmt;

use liaison_grpc::wire::{self, Checks, Path};
use liaison_proto::{common, intake};
use liaison_types::{Form, IccsCode, Language, ReferralId, Result, Tag};

use crate::domain::{DeclaredOffence, Input};

/// Offences and text of one case: content, in memory only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CaseInput {
    /// Declared offences.
    pub offences: Vec<DeclaredOffence>,
    /// The title; may be empty.
    pub title: String,
    /// The facts as told.
    pub narrative: String,
    /// The language as declared.
    pub language: Option<Language>,
}

impl fmt::Debug for CaseInput {
    /// Without the content, so that no log ever holds it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaseInput")
            .field("offences", &self.offences.len())
            .field("bytes", &(self.title.len() + self.narrative.len()))
            .finish_non_exhaustive()
    }
}

impl CaseInput {
    /// What the decision reads.
    #[must_use]
    pub fn as_input(&self) -> Input<'_> {
        Input {
            offences: &self.offences,
            title: Some(self.title.as_str()).filter(|title| !title.is_empty()),
            narrative: &self.narrative,
            language: self.language,
        }
    }
}

/// What intake is asked.
#[must_use]
pub fn names(referrals: &[ReferralId]) -> intake::BatchGetClassificationInputsRequest {
    intake::BatchGetClassificationInputsRequest {
        names: referrals
            .iter()
            .map(|referral| wire::resource(*referral))
            .collect(),
    }
}

/// One answer. `None` where it names no referral.
#[must_use]
pub fn input(given: intake::ClassificationInput) -> Option<(ReferralId, Result<CaseInput>)> {
    let referral = wire::id(&given.referral)?;
    let mut checks = Checks::default();
    let offences = offences(&mut checks, Path::root("offences"), &given.offences);
    let read = CaseInput {
        offences,
        title: given.title,
        narrative: given.narrative,
        language: wire::read_language(given.language),
    };
    Some((referral, checks.finish(Some(read))))
}

/// Offences as they are declared.
pub(super) fn offences(
    checks: &mut Checks,
    path: Path<'_>,
    given: &[common::Offence],
) -> Vec<DeclaredOffence> {
    given
        .iter()
        .enumerate()
        .map(|(index, offence)| {
            let path = path.index(index);
            let iccs: Option<IccsCode> =
                checks.optional_parse(path.field("iccs"), &offence.iccs, Form::IccsCode);
            let mut tags = Vec::new();
            for (index, number) in offence.tags.iter().enumerate() {
                let tags_path = path.field("tags");
                let tag = checks.enum_value::<common::OffenceTag>(tags_path.index(index), *number);
                if let Some(tag) = tag.and_then(tag_of)
                    && !tags.contains(&tag)
                {
                    tags.push(tag);
                }
            }
            DeclaredOffence {
                iccs,
                tags,
                national_provision: Some(offence.national_provision.clone())
                    .filter(|provision| !provision.is_empty()),
            }
        })
        .collect()
}

const fn tag_of(tag: common::OffenceTag) -> Option<Tag> {
    match tag {
        common::OffenceTag::Unspecified => None,
        common::OffenceTag::Cyber => Some(Tag::Cyber),
        common::OffenceTag::OrganizedCrime => Some(Tag::OrganizedCrime),
        common::OffenceTag::Terrorism => Some(Tag::Terrorism),
        common::OffenceTag::Minor => Some(Tag::Minor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::{SeededRandom, Timestamp};

    fn given(iccs: &str) -> intake::ClassificationInput {
        let referral = ReferralId::new(Timestamp::from_seconds(1), &SeededRandom::new(1));
        intake::ClassificationInput {
            referral: wire::resource(referral),
            offences: vec![common::Offence {
                iccs: iccs.into(),
                tags: vec![1, 1, 4],
                national_provision: String::new(),
            }],
            title: "a title".into(),
            narrative: "some secret words".into(),
            language: 2,
        }
    }

    #[test]
    fn inputs_are_read_and_never_shown() {
        let (_, read) = input(given("0204")).unwrap();
        let read = read.unwrap();
        assert_eq!(read.offences[0].tags, [Tag::Cyber, Tag::Minor]);
        assert_eq!(read.language, Some(Language::En));
        assert_eq!(read.as_input().title, Some("a title"));
        let shown = format!("{read:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("title"),
            "{shown}"
        );
    }

    #[test]
    fn a_code_that_is_none_is_not_passed_over() {
        assert!(input(given("99")).unwrap().1.is_err());
        let nameless = intake::ClassificationInput {
            referral: "referrals/x".into(),
            ..given("0204")
        };
        assert!(input(nameless).is_none());
    }
}
