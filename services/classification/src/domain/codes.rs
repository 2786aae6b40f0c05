//! What the declared offences say: ICCS codes and tags by the table of the rule set.

use liaison_types::{DeskCode, IccsCode};

use super::decision::Reason;
use super::input::DeclaredOffence;
use super::provisions::{self, Provision};
use super::rule_set::{CodeRow, RuleSet};
use super::rule_set_files::TagRuleData;

/// What the declared offences come to.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// The unit that leads by codes and tags.
    pub(super) lead: Option<Claim>,
    /// Other units the codes and tags name.
    pub(super) supporting: Vec<usize>,
    /// Some offence is normally not referable, and none leads to a unit.
    pub(super) not_referable: bool,
    /// Some offence may fall under Article 3.
    pub(super) article_3: bool,
    /// One reason per row or rule that applied.
    pub(super) reasons: Vec<Reason>,
}

/// A unit and its desk, by their position in the rule set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) unit: usize,
    pub(super) desk: Option<DeskCode>,
    /// Whether a tag rule made it, which the text cannot overrule by itself.
    pub(super) by_tag: bool,
    /// Whether it rests on a row for a national provision that nobody has checked yet: the text has to agree.
    pub(super) unchecked: bool,
}

/// Reads the declared offences.
///
/// A tag rule with a lead wins over every code, in the order of the table; otherwise the first offence
/// that leads to a unit is the principal one. Every other unit named supports. An offence without a code is read by
/// its national provision, as far as what that may stand for leads to one unit.
pub(super) fn read(rules: &RuleSet, offences: &[DeclaredOffence]) -> Declared {
    let mut declared = Declared::default();
    let mut by_tag: Option<(usize, Claim)> = None;
    let mut by_code: Option<Claim> = None;
    let mut named = Vec::new();
    let mut not_referable = false;
    for offence in offences {
        let given = &offence.tags;
        let cited = by_provision(rules, offence, &mut declared.reasons);
        let unchecked = cited.as_ref().is_some_and(|(_, checked)| !checked);
        let offence = cited.as_ref().map_or(offence, |(offence, _)| offence);
        let row = matching_row(rules, offence);
        if let Some(row) = row {
            declared.article_3 |= row.article_3;
            not_referable |= !row.referable;
            let unit = row.unit.as_ref().and_then(|unit| rules.unit_index(unit));
            if let Some(unit) = unit {
                named.push(unit);
                // What was mapped from memory gives way to a code that somebody declared.
                if by_code
                    .as_ref()
                    .is_none_or(|claim| claim.unchecked && !unchecked)
                {
                    by_code = Some(Claim {
                        unit,
                        desk: row.desk.clone(),
                        by_tag: false,
                        unchecked,
                    });
                }
            }
        }
        declared.reasons.push(Reason::Code {
            id: row.map_or_else(|| "code.no-row".to_owned(), CodeRow::id),
            iccs: offence.iccs.clone(),
            tags: offence.tags.clone(),
            unit: row.and_then(|row| row.unit.clone()),
            verified: row.is_some_and(|row| row.verified) && !unchecked,
        });
        apply_tags(
            rules,
            offence,
            row,
            // What the sender said himself holds whatever the provision stands for.
            |rule| unchecked && !(rule.within.is_empty() && given.contains(&rule.tag)),
            &mut by_tag,
            &mut named,
            &mut declared.reasons,
        );
    }
    declared.lead = by_tag.map(|(_, claim)| claim).or(by_code);
    if let Some(lead) = &declared.lead {
        named.retain(|unit| *unit != lead.unit);
    }
    named.sort_unstable();
    named.dedup();
    declared.not_referable = not_referable && declared.lead.is_none();
    declared.supporting = named;
    declared
}

fn apply_tags(
    rules: &RuleSet,
    offence: &DeclaredOffence,
    row: Option<&CodeRow>,
    unchecked: impl Fn(&TagRuleData) -> bool,
    by_tag: &mut Option<(usize, Claim)>,
    named: &mut Vec<usize>,
    reasons: &mut Vec<Reason>,
) {
    for (priority, rule) in rules.tag_rules().iter().enumerate() {
        let within = rule.within.is_empty()
            || offence
                .iccs
                .as_ref()
                .is_some_and(|code| rule.within.iter().any(|prefix| code.is_within(prefix)));
        if !offence.tags.contains(&rule.tag) || !within {
            continue;
        }
        let lead = rule.lead.as_ref().and_then(|unit| rules.unit_index(unit));
        let supporting = rule
            .supporting
            .as_ref()
            .and_then(|unit| rules.unit_index(unit));
        named.extend(lead.into_iter().chain(supporting));
        if let Some(unit) = lead
            && by_tag.as_ref().is_none_or(|(best, _)| priority < *best)
        {
            let own = row
                .filter(|row| rule.own_desk && row.unit == rule.lead)
                .and_then(|row| row.desk.clone());
            let desk = own.or_else(|| rule.desk.clone());
            *by_tag = Some((
                priority,
                Claim {
                    unit,
                    desk,
                    by_tag: true,
                    unchecked: unchecked(rule),
                },
            ));
        }
        reasons.push(Reason::Code {
            id: rule.id.clone(),
            iccs: offence.iccs.clone(),
            tags: vec![rule.tag],
            unit: rule.lead.clone().or_else(|| rule.supporting.clone()),
            verified: true,
        });
    }
}

/// The offence that the national provision of one without a code stands for, and whether that was checked. Says which
/// row was taken, or that laws of one name disagree.
fn by_provision(
    rules: &RuleSet,
    offence: &DeclaredOffence,
    reasons: &mut Vec<Reason>,
) -> Option<(DeclaredOffence, bool)> {
    let citation = offence.national_provision.as_deref()?;
    if offence.iccs.is_some() || citation.trim().is_empty() {
        return None;
    }
    let mapped = |provision: &Provision| {
        let mut mapped = offence.clone();
        mapped.iccs = Some(provision.iccs.clone());
        mapped.tags.extend(&provision.tags);
        mapped.tags.sort_unstable();
        mapped.tags.dedup();
        mapped
    };
    let found = rules.provisions().find(citation);
    let unit = |provision: &Provision| {
        let row = matching_row(rules, &mapped(provision));
        row.and_then(|row| row.unit.clone())
    };
    let mut reason = |id: &str, iccs: Option<IccsCode>, verified: bool| {
        reasons.push(Reason::Code {
            id: id.to_owned(),
            iccs,
            tags: Vec::new(),
            unit: None,
            verified,
        });
    };
    let first = found.first()?;
    if provisions::of_several_laws(&found) && found.iter().any(|other| unit(other) != unit(first)) {
        reason("provision.of-several-laws", None, false);
        return None;
    }
    // Of the sections cited, the first that is a unit's.
    let chosen = found.iter().find(|it| unit(it).is_some()).unwrap_or(first);
    reason(&chosen.id, Some(chosen.iccs.clone()), chosen.verified);
    Some((mapped(chosen), chosen.verified))
}

/// The row of the longest prefix; with equal prefixes the one that asks for a tag the offence has.
fn matching_row<'r>(rules: &'r RuleSet, offence: &DeclaredOffence) -> Option<&'r CodeRow> {
    let code = offence.iccs.as_ref()?;
    rules
        .codes()
        .iter()
        .filter(|row| {
            code.is_within(&row.prefix) && row.tag.is_none_or(|tag| offence.tags.contains(&tag))
        })
        .max_by_key(|row| (row.prefix.as_str().len(), row.tag.is_some()))
}

#[cfg(test)]
mod tests {
    use liaison_types::Tag;

    use super::*;
    use crate::domain::fixtures::rules;

    /// Section 5 of the domain reference, written down from there and not from `codes.toml`: the code and
    /// its tag, the unit, the desk, whether the reference marks the title as checked, what else is said.
    const REFERENCE: &str = "
        0203       children-trafficking       trafficking        checked
        0204       children-trafficking       trafficking        checked
        02041      children-trafficking       trafficking        checked
        02042      children-trafficking       trafficking        checked
        02043      children-trafficking       trafficking        checked
        02044      children-trafficking       trafficking        checked
        0302       children-trafficking       trafficking        checked
        03021      children-trafficking       trafficking        from-memory
        03022      children-trafficking       children           checked
        030221     children-trafficking       children           checked
        030222     children-trafficking       children           from-memory
        030223     children-trafficking       children           from-memory
        030229     children-trafficking       children           from-memory
        02021      children-trafficking       children           from-memory
        020291     children-trafficking       children           from-memory
        020292     children-trafficking       trafficking        from-memory
        08051      children-trafficking       trafficking        from-memory

        0903       cyber                      threat-response    checked
        09031      cyber                      threat-response    checked
        09032      cyber                      threat-response    from-memory
        090321     cyber                      threat-response    from-memory
        090322     cyber                      threat-response    from-memory
        09033      cyber                      threat-response    from-memory
        09039      cyber                      threat-response    from-memory
        0701.Cy    cyber                      digital-evidence   checked
        02051.Cy   cyber                      threat-response    from-memory
        07021.Cy   cyber                      digital-evidence   from-memory

        0601       narcotics-organized-crime  drugs              checked
        06012      narcotics-organized-crime  drugs              from-memory
        060121     narcotics-organized-crime  drugs              from-memory
        060122     narcotics-organized-crime  drugs              from-memory
        060123     narcotics-organized-crime  drugs              from-memory
        060124     narcotics-organized-crime  drugs              from-memory
        0905       narcotics-organized-crime  criminal-networks  checked
        09051      narcotics-organized-crime  criminal-networks  checked
        09012      narcotics-organized-crime  firearms           checked
        0703.OC    narcotics-organized-crime  criminal-networks  checked
        07041.OC   narcotics-organized-crime  criminal-networks  checked
        020221.OC  narcotics-organized-crime  criminal-networks  from-memory
        05021.OC   narcotics-organized-crime  criminal-networks  from-memory

        0906       terrorism                  networks           from-memory
        09061      terrorism                  networks           checked
        09062      terrorism                  financing          checked
        09069      terrorism                  networks           from-memory
        090123     terrorism                  cbrne              checked
        020223     terrorism                  networks           from-memory

        06011      -                          -                  from-memory  not-referable
        0803       -                          -                  from-memory  article-3
    ";

    /// A line of [`REFERENCE`].
    struct Line {
        id: String,
        code: &'static str,
        tag: Option<Tag>,
        unit: Option<&'static str>,
        desk: Option<&'static str>,
        checked: bool,
        not_referable: bool,
        article_3: bool,
    }

    fn reference() -> impl Iterator<Item = Line> {
        let lines = REFERENCE.lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (code, tag) = match words[0].split_once('.') {
                Some((code, tag)) => (code, Some(tag.parse().unwrap())),
                None => (words[0], None),
            };
            assert!(matches!(words[3], "checked" | "from-memory"), "{line}");
            assert!(
                matches!(words[4..], [] | ["not-referable" | "article-3"]),
                "{line}"
            );
            Line {
                id: format!("code.{}", words[0]),
                code,
                tag,
                unit: Some(words[1]).filter(|word| *word != "-"),
                desk: Some(words[2]).filter(|word| *word != "-"),
                checked: words[3] == "checked",
                not_referable: words[4..] == ["not-referable"],
                article_3: words[4..] == ["article-3"],
            }
        })
    }

    fn offence(code: &str, tags: &[Tag]) -> DeclaredOffence {
        DeclaredOffence {
            iccs: Some(code.parse().unwrap()),
            tags: tags.to_vec(),
            national_provision: None,
        }
    }

    fn lead(offences: &[DeclaredOffence]) -> (Option<String>, Vec<String>, Declared) {
        let rules = rules();
        let declared = read(rules, offences);
        let name = |unit: usize| rules.units()[unit].code.to_string();
        (
            declared.lead.as_ref().map(|claim| name(claim.unit)),
            declared.supporting.iter().copied().map(name).collect(),
            declared,
        )
    }

    /// The unit that leads and its desk.
    fn lead_and_desk(offence: DeclaredOffence) -> (Option<String>, Option<String>) {
        let (unit, _, declared) = lead(&[offence]);
        let desk = declared.lead.and_then(|claim| claim.desk);
        (unit, desk.map(|desk| desk.to_string()))
    }

    #[test]
    fn every_code_of_the_reference_leads_where_it_says() {
        for line in reference() {
            let declaration = offence(line.code, line.tag.as_slice());
            let (unit, supporting, declared) = lead(std::slice::from_ref(&declaration));
            let id = &line.id;
            assert_eq!(unit.as_deref(), line.unit, "{id}");
            let desk = declared.lead.as_ref().and_then(|lead| lead.desk.as_ref());
            assert_eq!(desk.map(DeskCode::as_str), line.desk, "{id}");
            assert!(supporting.is_empty(), "{id}: {supporting:?}");
            let reason = Reason::Code {
                id: id.clone(),
                iccs: declaration.iccs,
                tags: declaration.tags,
                unit: line.unit.map(|unit| unit.parse().unwrap()),
                verified: line.checked,
            };
            assert_eq!(declared.reasons[0], reason);
            assert_eq!(declared.not_referable, line.not_referable, "{id}");
            assert_eq!(declared.article_3, line.article_3, "{id}");
            if line.tag.is_some() {
                assert_eq!(lead(&[offence(line.code, &[])]).0, None, "{id} untagged");
            }
        }
    }

    #[test]
    fn the_table_has_the_rows_of_the_reference_and_no_others() {
        let mut rows: Vec<String> = rules().codes().iter().map(CodeRow::id).collect();
        let mut lines: Vec<String> = reference().map(|line| line.id).collect();
        rows.sort_unstable();
        lines.sort_unstable();
        assert_eq!(rows, lines);
    }

    #[test]
    fn tags_do_to_every_code_what_the_reference_says() {
        for line in reference() {
            let with = |tag: Tag| {
                let tags: Vec<Tag> = line.tag.into_iter().chain([tag]).collect();
                offence(line.code, &tags)
            };
            let own = (line.unit.map(str::to_owned), line.desk.map(str::to_owned));
            let to = |unit: &str, desk: &str| (Some(unit.to_owned()), Some(desk.to_owned()));
            let id = &line.id;

            let terrorism = if line.unit == Some("terrorism") {
                own.clone()
            } else {
                to("terrorism", "networks")
            };
            assert_eq!(lead_and_desk(with(Tag::Terrorism)), terrorism, "{id} TR");

            // Sexual exploitation, slavery and trafficking in persons.
            let sexual_or_trafficking = ["0203", "0204", "0302"].contains(&&line.code[..4]);
            let minor = if sexual_or_trafficking {
                to("children-trafficking", "children")
            } else {
                own.clone()
            };
            assert_eq!(lead_and_desk(with(Tag::Minor)), minor, "{id} MINOR");

            let (unit, supporting, _) = lead(&[with(Tag::Cyber)]);
            assert_eq!(unit, own.0, "{id} Cy");
            if unit.as_deref() == Some("cyber") {
                assert!(supporting.is_empty(), "{id} Cy: {supporting:?}");
            } else {
                assert_eq!(supporting, ["cyber"], "{id} Cy");
            }
        }
    }

    #[test]
    fn the_longest_prefix_wins() {
        for (code, tags, expected) in [
            ("0204", vec![], Some("children-trafficking")),
            ("020413", vec![], Some("children-trafficking")),
            ("03022", vec![], Some("children-trafficking")),
            ("060121", vec![], Some("narcotics-organized-crime")),
            ("06011", vec![], None),
            ("0601", vec![], Some("narcotics-organized-crime")),
            ("09012", vec![], Some("narcotics-organized-crime")),
            ("090123", vec![], Some("terrorism")),
            ("0701", vec![], None),
            ("07011", vec![Tag::Cyber], Some("cyber")),
            (
                "0703",
                vec![Tag::OrganizedCrime],
                Some("narcotics-organized-crime"),
            ),
            ("0703", vec![], None),
            ("0101", vec![], None),
            ("0101", vec![Tag::Terrorism], Some("terrorism")),
            ("020223", vec![], Some("terrorism")),
            ("0803", vec![], None),
        ] {
            assert_eq!(
                lead(&[offence(code, &tags)]).0.as_deref(),
                expected,
                "{code} {tags:?}"
            );
        }
    }

    #[test]
    fn a_minor_as_victim_leads_whatever_else_is_declared() {
        let (first, others, _) = lead(&[
            offence("09061", &[Tag::Terrorism]),
            offence("0301", &[Tag::Minor, Tag::Cyber]),
        ]);
        assert_eq!(first.as_deref(), Some("children-trafficking"));
        assert_eq!(others, ["terrorism", "cyber"]);
        let (first, _, declared) = lead(&[offence("0204", &[Tag::Minor])]);
        assert_eq!(first.as_deref(), Some("children-trafficking"));
        assert_eq!(declared.lead.unwrap().desk.unwrap().as_str(), "children");
    }

    #[test]
    fn a_terrorism_tag_keeps_the_desk_of_a_terrorism_code() {
        let desk =
            |offence: DeclaredOffence| lead(&[offence]).2.lead.unwrap().desk.unwrap().to_string();
        assert_eq!(desk(offence("09062", &[Tag::Terrorism])), "financing");
        assert_eq!(desk(offence("0101", &[Tag::Terrorism])), "networks");
    }

    #[test]
    fn cyber_on_any_other_code_supports() {
        let (first, others, _) = lead(&[offence("060121", &[Tag::Cyber])]);
        assert_eq!(first.as_deref(), Some("narcotics-organized-crime"));
        assert_eq!(others, ["cyber"]);
        let (first, others, _) = lead(&[offence("0101", &[Tag::Cyber])]);
        assert_eq!((first, others), (None, vec!["cyber".to_owned()]));
    }

    #[test]
    fn the_first_offence_with_a_unit_is_the_principal_one() {
        let (first, others, _) = lead(&[
            offence("0101", &[]),
            offence("09031", &[]),
            offence("060121", &[]),
        ]);
        assert_eq!(first.as_deref(), Some("cyber"));
        assert_eq!(others, ["narcotics-organized-crime"]);
    }

    #[test]
    fn personal_use_is_not_referable_unless_something_else_leads() {
        assert!(lead(&[offence("06011", &[])]).2.not_referable);
        assert!(
            !lead(&[offence("06011", &[]), offence("0905", &[])])
                .2
                .not_referable
        );
    }

    #[test]
    fn controlled_beliefs_raise_article_3_and_nothing_else() {
        let (first, _, declared) = lead(&[offence("08031", &[])]);
        assert!(declared.article_3);
        assert_eq!(first, None);
    }
}
