//! What callers ask.

use liaison_grpc::paging::{self, Query};
use liaison_grpc::wire::{self, Checks, Path, TriageItem};
use liaison_proto::classification::{
    self as api, ClassifyTextRequest, CorrectDecisionRequest, DecideTriageRequest,
    GetDriftFiguresRequest, GetTriageItemRequest, ListDecisionsRequest, ListLabelsRequest,
    ListTriageItemsRequest,
};
use liaison_proto::common;
use liaison_types::referral::RefusalGround;
use liaison_types::{
    DecisionId, Error, Form, Party, ReferralId, Result, Rule, UnitCode, Violation,
};

use super::input::offences;
use super::{CaseInput, NONE};
use crate::desk::{Correcting, CorrectionCause, Finding, MAX_SUPPORTING, NO_UNIT_GROUNDS, Ruling};
use crate::store::{CorrectionPlace, Place};

const MAX_OFFENCES: usize = 16;
const MAX_PROVISION: usize = 300;
const MAX_TITLE: usize = 200;
const MAX_TEXT: usize = 200_000;
const MAX_REASON: usize = 2_000;
/// The most items of one page.
const MAX_PAGE: u32 = 500;
/// How many weeks of figures there are where nobody asks, and at most.
const DEFAULT_WEEKS: u32 = 12;
const MAX_WEEKS: u32 = 104;

/// A text to be classified.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn text(request: ClassifyTextRequest) -> Result<CaseInput> {
    let mut checks = Checks::default();
    let path = Path::root("offences");
    let given = checks.at_most(path, &request.offences, MAX_OFFENCES);
    let offences = offences(&mut checks, path, given);
    for (index, offence) in given.iter().enumerate() {
        let path = path.index(index);
        checks.line(
            path.field("national_provision"),
            &offence.national_provision,
            MAX_PROVISION,
        );
        if offence.iccs.is_empty() && offence.national_provision.trim().is_empty() {
            checks.add(path.field("iccs"), Rule::Required);
        }
    }
    checks.line(Path::root("title"), &request.title, MAX_TITLE);
    if given.is_empty() && request.title.trim().is_empty() {
        checks.required_block(Path::root("text"), &request.text, MAX_TEXT);
    } else {
        checks.block(Path::root("text"), &request.text, MAX_TEXT);
    }
    checks.optional_enum_value::<common::Language>(Path::root("language"), request.language);
    checks.finish(Some(CaseInput {
        offences,
        language: wire::read_language(request.language),
        title: request.title,
        narrative: request.text,
    }))
}

/// The referral whose decisions are asked for.
///
/// # Errors
/// INVALID_ARGUMENT where the name is none.
pub fn referral(request: &ListDecisionsRequest) -> Result<ReferralId> {
    let mut checks = Checks::default();
    let referral = checks.resource(Path::root("referral"), &request.referral);
    checks.finish(referral)
}

/// The referral that is opened at the desk.
///
/// # Errors
/// INVALID_ARGUMENT where the name is none.
pub fn opened_item(request: &GetTriageItemRequest) -> Result<ReferralId> {
    let mut checks = Checks::default();
    let name = checks.resource::<TriageItem>(Path::root("name"), &request.name);
    checks.finish(name.map(|TriageItem(referral)| referral))
}

/// How many weeks of figures are asked for.
///
/// # Errors
/// INVALID_ARGUMENT where the number is negative or too large.
pub fn weeks(request: &GetDriftFiguresRequest) -> Result<u32> {
    match u32::try_from(request.weeks) {
        Ok(0) => Ok(DEFAULT_WEEKS),
        Ok(weeks) if weeks <= MAX_WEEKS => Ok(weeks),
        _ => {
            let range = Rule::OutOfRange(0, i64::from(MAX_WEEKS));
            Err(Error::invalid(vec![Violation::new("weeks", range)]))
        }
    }
}

/// A page of labels.
#[derive(Clone, Debug)]
pub struct LabelsRequest {
    /// What the page belongs to.
    pub query: Query,
    /// After which correction it starts.
    pub after: Option<CorrectionPlace>,
    /// How many labels it has at most.
    pub size: u32,
    /// Training traffic as well.
    pub include_exercises: bool,
    /// Which causes.
    pub causes: Vec<CorrectionCause>,
}

/// Reads which labels `party` asks for.
///
/// # Errors
/// INVALID_ARGUMENT where the size is negative, a cause is none of a label, or the token is not one of this
/// query.
pub fn labels_request(party: &Party, request: &ListLabelsRequest) -> Result<LabelsRequest> {
    let mut checks = Checks::default();
    let path = Path::root("causes");
    let mut causes = Vec::new();
    let given = checks.at_most(path, &request.causes, CorrectionCause::ALL.len());
    for (index, cause) in given.iter().enumerate() {
        let path = path.index(index);
        let cause = checks.named::<api::CorrectionCause, CorrectionCause>(path, *cause);
        let Some(cause) = cause else {
            continue;
        };
        checks.ensure(cause.is_label(), path, Rule::NotAllowed);
        causes.push(cause);
    }
    causes.sort_unstable();
    causes.dedup();
    checks.done()?;
    if causes.is_empty() {
        let people = |cause: &CorrectionCause| cause.is_label() && cause.by_people();
        causes = CorrectionCause::ALL
            .iter()
            .copied()
            .filter(people)
            .collect();
    }
    let method = "liaison.classification.v1.ClassificationService/ListLabels";
    let query = Query::new(method, party).with(traffic(request.include_exercises));
    let query = causes
        .iter()
        .fold(query, |query, cause| query.with(cause.as_str()));
    Ok(LabelsRequest {
        after: query.position(&request.page_token)?,
        query,
        size: page_size(request.page_size)?,
        include_exercises: request.include_exercises,
        causes,
    })
}

/// How many rows a page has that `asked` was asked for.
fn page_size(asked: i32) -> Result<u32> {
    let size = paging::page_size(asked).map_err(|_| {
        let range = Rule::OutOfRange(0, i64::from(MAX_PAGE));
        Error::invalid(vec![Violation::new("page_size", range)])
    })?;
    Ok(size.min(MAX_PAGE))
}

/// Which traffic a page has, as its token is bound to it.
const fn traffic(include_exercises: bool) -> &'static str {
    if include_exercises { "all" } else { "real" }
}

/// A page of the desk's items.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// What the page belongs to.
    pub query: Query,
    /// After which item it starts.
    pub after: Option<Place>,
    /// How many items it has at most.
    pub size: u32,
    /// Training traffic as well.
    pub include_exercises: bool,
}

/// Reads which page `party` asks for.
///
/// # Errors
/// INVALID_ARGUMENT where the size is negative or the token is not one of this query.
pub fn page_request(party: &Party, request: &ListTriageItemsRequest) -> Result<PageRequest> {
    let size = page_size(request.page_size)?;
    let method = "liaison.classification.v1.ClassificationService/ListTriageItems";
    let query = Query::new(method, party).with(traffic(request.include_exercises));
    Ok(PageRequest {
        after: query.position(&request.page_token)?,
        query,
        size,
        include_exercises: request.include_exercises,
    })
}

/// A decision by hand.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn ruling(request: &DecideTriageRequest) -> Result<Ruling> {
    let mut checks = Checks::default();
    let name = checks.resource::<TriageItem>(Path::root("name"), &request.name);
    let (lead, supporting) = (&request.lead, &request.supporting);
    let finding = finding(&mut checks, lead, supporting, request.refusal_ground);
    checks.required_block(Path::root("reason"), &request.reason, MAX_REASON);
    let read = name
        .zip(finding)
        .map(|(TriageItem(referral), finding)| Ruling {
            referral,
            finding,
            reason: request.reason.clone(),
        });
    checks.finish(read)
}

/// A correction by hand.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn correcting(request: &CorrectDecisionRequest) -> Result<Correcting> {
    let mut checks = Checks::default();
    let name = checks.resource::<DecisionId>(Path::root("name"), &request.name);
    let (lead, supporting) = (&request.lead, &request.supporting);
    let finding = finding(&mut checks, lead, supporting, request.refusal_ground);
    checks.required_block(Path::root("reason"), &request.reason, MAX_REASON);
    let read = name.zip(finding).map(|(decision, finding)| Correcting {
        decision,
        finding,
        reason: request.reason.clone(),
    });
    checks.finish(read)
}

/// Which units get it, or on what ground none does.
fn finding(checks: &mut Checks, lead: &str, supporting: &[String], ground: i32) -> Option<Finding> {
    let path = Path::root("refusal_ground");
    let given: Option<RefusalGround> =
        checks.optional_named::<common::RefusalGround, _>(path, ground);
    if lead != NONE {
        checks.ensure(ground == 0, path, Rule::ConflictsWith("lead"));
        let (lead, supporting) = units(checks, lead, supporting);
        return lead.map(|lead| Finding::Units { lead, supporting });
    }
    checks.ensure(ground != 0, path, Rule::RequiredBecause("lead"));
    let own = given.filter(|ground| NO_UNIT_GROUNDS.contains(ground));
    let rule = Rule::NotAmong(Form::NoUnitGround);
    checks.ensure(given.is_none() || own.is_some(), path, rule);
    let nobody = supporting.is_empty();
    checks.ensure(
        nobody,
        Path::root("supporting"),
        Rule::ConflictsWith("lead"),
    );
    own.filter(|_| nobody).map(Finding::NoUnit)
}

/// Who leads and who supports, each once.
fn units(checks: &mut Checks, lead: &str, given: &[String]) -> (Option<UnitCode>, Vec<UnitCode>) {
    let lead: Option<UnitCode> = checks.parse(Path::root("lead"), lead, Form::UnitName);
    let path = Path::root("supporting");
    let mut supporting: Vec<UnitCode> = Vec::new();
    let given = checks.at_most(path, given, MAX_SUPPORTING);
    for (index, unit) in given.iter().enumerate() {
        let Some(unit) = checks.parse::<UnitCode>(path.index(index), unit, Form::UnitName) else {
            continue;
        };
        if lead.as_ref() == Some(&unit) {
            checks.add(path.index(index), Rule::ConflictsWith("lead"));
        } else if supporting.contains(&unit) {
            checks.add(path.index(index), Rule::Duplicate);
        } else {
            supporting.push(unit);
        }
    }
    (lead, supporting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::Reason;

    fn fields(error: &Error) -> Vec<(&str, &str)> {
        let list = error.violation_list().iter();
        list.map(|v| (v.field.as_str(), v.rule.code())).collect()
    }

    #[test]
    fn a_text_is_checked_whole() {
        let error = text(ClassifyTextRequest {
            offences: vec![
                common::Offence {
                    iccs: "9".into(),
                    tags: vec![9],
                    ..common::Offence::default()
                },
                common::Offence::default(),
            ],
            title: "x".repeat(201),
            text: "x".repeat(200_001),
            language: 9,
        })
        .unwrap_err();
        assert_eq!(
            fields(&error),
            [
                ("offences[0].iccs", "MALFORMED"),
                ("offences[0].tags[0]", "UNKNOWN_VALUE"),
                ("offences[1].iccs", "REQUIRED"),
                ("title", "TOO_LONG"),
                ("text", "TOO_LONG"),
                ("language", "UNKNOWN_VALUE"),
            ]
        );
        let error = text(ClassifyTextRequest::default()).unwrap_err();
        assert_eq!(fields(&error), [("text", "REQUIRED")]);
        let many = ClassifyTextRequest {
            offences: vec![
                common::Offence {
                    iccs: "0204".into(),
                    ..common::Offence::default()
                };
                17
            ],
            ..ClassifyTextRequest::default()
        };
        assert_eq!(fields(&text(many).unwrap_err()), [("offences", "TOO_MANY")]);
    }

    #[test]
    fn a_ruling_names_each_unit_once() {
        let error = ruling(&DecideTriageRequest {
            name: "triageItems/1".into(),
            lead: "cyber".into(),
            supporting: vec!["cyber".into(), "terrorism".into(), "terrorism".into()],
            reason: " ".into(),
            ..DecideTriageRequest::default()
        })
        .unwrap_err();
        assert_eq!(
            fields(&error),
            [
                ("name", "MALFORMED"),
                ("supporting[0]", "CONFLICTS_WITH"),
                ("supporting[2]", "DUPLICATE"),
                ("reason", "REQUIRED"),
            ]
        );
        let many = DecideTriageRequest {
            supporting: vec!["a".into(), "b".into(), "c".into(), "d".into()],
            ..DecideTriageRequest::default()
        };
        assert!(fields(&ruling(&many).unwrap_err()).contains(&("supporting", "TOO_MANY")));
    }

    #[test]
    fn pages_are_bounded_and_bound_to_their_query() {
        let desk: Party = "desk/triage".parse().unwrap();
        let page = |page_size, page_token: &str, include_exercises| {
            page_request(
                &desk,
                &ListTriageItemsRequest {
                    page_size,
                    page_token: page_token.into(),
                    include_exercises,
                },
            )
        };
        assert_eq!(page(0, "", false).unwrap().size, 50);
        assert_eq!(page(i32::MAX, "", false).unwrap().size, MAX_PAGE);
        assert_eq!(
            fields(&page(-1, "", false).unwrap_err()),
            [("page_size", "OUT_OF_RANGE")]
        );
        let token = page(0, "", false)
            .unwrap()
            .query
            .token(&(1_i64, (2_i64, uuid::Uuid::nil())));
        let after = page(0, &token, false).unwrap().after;
        assert_eq!(after, Some((1, (2, uuid::Uuid::nil()))));
        let error = page(0, &token, true).unwrap_err();
        assert_eq!(error.reason(), Reason::PageTokenMismatch);
    }

    #[test]
    fn nobody_leads_on_a_ground_and_a_unit_without_one() {
        let ground = common::RefusalGround::NotAnOffence.into();
        let asked = |lead: &str, supporting: &[&str], ground| {
            let name = "triageItems/01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
            ruling(&DecideTriageRequest {
                name,
                lead: lead.to_owned(),
                supporting: supporting.iter().map(ToString::to_string).collect(),
                reason: "Seen by two of us.".to_owned(),
                refusal_ground: ground,
            })
        };
        let found = asked("none", &[], ground).unwrap().finding;
        assert_eq!(found, Finding::NoUnit(RefusalGround::NotAnOffence));
        assert_eq!(
            asked("cyber", &["terrorism"], 0)
                .unwrap()
                .finding
                .units()
                .count(),
            2
        );
        for (lead, supporting, ground, expected) in [
            (
                "none",
                &[][..],
                0,
                &[("refusal_ground", "REQUIRED_BECAUSE")][..],
            ),
            ("none", &[], 99, &[("refusal_ground", "UNKNOWN_VALUE")]),
            (
                "none",
                &["cyber"],
                ground,
                &[("supporting", "CONFLICTS_WITH")],
            ),
            (
                "none",
                &["cyber"],
                0,
                &[
                    ("refusal_ground", "REQUIRED_BECAUSE"),
                    ("supporting", "CONFLICTS_WITH"),
                ],
            ),
            (
                "cyber",
                &[],
                ground,
                &[("refusal_ground", "CONFLICTS_WITH")],
            ),
            ("", &[], 0, &[("lead", "REQUIRED")]),
        ] {
            let error = asked(lead, supporting, ground).unwrap_err();
            assert_eq!(fields(&error), expected, "{lead} {supporting:?} {ground}");
        }
    }

    #[test]
    fn grounds_of_the_compliance_desk_are_not_the_duty_desks() {
        for ground in RefusalGround::ALL {
            let request = CorrectDecisionRequest {
                name: "classifications/01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
                lead: NONE.to_owned(),
                reason: "Seen by two of us.".to_owned(),
                refusal_ground: wire::number::<common::RefusalGround>(ground.as_str()),
                ..CorrectDecisionRequest::default()
            };
            match correcting(&request) {
                Ok(read) => {
                    assert!(NO_UNIT_GROUNDS.contains(ground));
                    assert_eq!(read.finding, Finding::NoUnit(*ground));
                }
                Err(error) => {
                    assert!(!NO_UNIT_GROUNDS.contains(ground), "{ground}");
                    assert_eq!(fields(&error), [("refusal_ground", "UNKNOWN_VALUE")]);
                }
            }
        }
    }
}
