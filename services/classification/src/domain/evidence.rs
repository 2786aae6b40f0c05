//! From phrases found to evidence: what is merely mentioned or denied is left out, concepts that stand
//! close together make combinations, and each concept counts once with how often it was found.

use super::decision::Span;
use super::lexicon::{Found, MAX_COUNT};
use super::rule_set::{Combination, Role, RuleSet};
use super::text::Text;

/// A denial reaches this many words forward …
const NEGATES_NEXT_WITHIN: u32 = 3;
/// … and this many back.
const NEGATES_PREVIOUS_WITHIN: u32 = 5;
/// Places kept per concept.
const MAX_SPANS: usize = 4;

/// A concept of the rule set that was found in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its position in [`RuleSet::concepts`].
    pub concept: usize,
    /// How often, up to 64.
    pub count: u32,
    /// The first places.
    pub spans: Vec<Span>,
}

/// Everything a text says, in the order of the rule set's concepts.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) features: Vec<Feature>,
    /// Signs that a case may be pressing; they weigh nothing.
    pub(super) urgency: Vec<Feature>,
    /// The text talks to the classifier.
    pub(super) steering: bool,
    /// For each word whether it is merely mentioned or denied: its wording says nothing either.
    pub(super) masked: Vec<bool>,
}

/// Sifts what was found.
pub(super) fn sift(rules: &RuleSet, text: &Text, found: &[Found]) -> Evidence {
    let mut mentions = Vec::new();
    let mut denials = Denials::default();
    let mut steering = false;
    for hit in found {
        match rules.role(hit.target) {
            Role::Evidence | Role::Urgency => {}
            Role::Mention => mentions.push((hit.first, hit.last)),
            Role::Steering => steering = true,
            Role::NegatesNext => denials.next.push(hit.last),
            Role::NegatesPrevious => denials.previous.push(hit.first),
        }
    }
    denials.next.sort_unstable();
    denials.previous.sort_unstable();
    // `found` is ordered by first word, so the furthest end so far tells what a mention covers.
    let mut furthest = 0;
    for (_, last) in &mut mentions {
        furthest = furthest.max(*last);
        *last = furthest;
    }

    let mut masked = vec![false; text.words().len()];
    let mut places: Vec<Vec<(u32, u32)>> = vec![Vec::new(); rules.concepts().len()];
    for hit in found {
        let keep = match rules.role(hit.target) {
            Role::Mention => {
                masked[hit.first as usize..=hit.last as usize].fill(true);
                true
            }
            Role::Evidence | Role::Urgency if is_covered(&mentions, *hit) => false,
            Role::Evidence | Role::Urgency if denials.reach(text, *hit) => {
                masked[hit.first as usize..=hit.last as usize].fill(true);
                false
            }
            Role::Evidence | Role::Urgency => true,
            Role::Steering | Role::NegatesNext | Role::NegatesPrevious => false,
        };
        if keep {
            places[usize::from(hit.target)].push((hit.first, hit.last));
        }
    }
    for combination in rules.combinations() {
        let together = together(combination, &places);
        places[combination.concept] = together;
    }

    let (urgency, features) = places
        .into_iter()
        .enumerate()
        .filter(|(_, places)| !places.is_empty())
        .map(|(concept, places)| Feature {
            concept,
            count: u32::try_from(places.len()).unwrap_or(u32::MAX),
            spans: places
                .iter()
                .take(MAX_SPANS)
                .map(|(first, last)| text.span(*first, *last))
                .collect(),
        })
        .partition(|feature: &Feature| rules.is_urgency(feature.concept));
    Evidence {
        features,
        urgency,
        steering,
        masked,
    }
}

/// Whether a mention covers the finding. `mentions` holds first words and, for each, the furthest last
/// word of any mention up to it.
fn is_covered(mentions: &[(u32, u32)], hit: Found) -> bool {
    let before = mentions.partition_point(|(first, _)| *first <= hit.first);
    before > 0 && mentions[before - 1].1 >= hit.last
}

/// Where denials are: last words of those that look forward, first words of those that look back.
#[derive(Default)]
struct Denials {
    next: Vec<u32>,
    previous: Vec<u32>,
}

impl Denials {
    fn reach(&self, text: &Text, hit: Found) -> bool {
        let same_sentence =
            |a: u32, b: u32| text.words()[a as usize].sentence == text.words()[b as usize].sentence;
        // The last denial before the finding is the nearest, the first one after it likewise.
        let before = self.next.partition_point(|last| *last < hit.first);
        let denied_before = before > 0 && {
            let cue = self.next[before - 1];
            hit.first - cue <= NEGATES_NEXT_WITHIN && same_sentence(cue, hit.first)
        };
        let after = self.previous.partition_point(|first| *first <= hit.last);
        denied_before
            || self.previous.get(after).is_some_and(|cue| {
                cue - hit.last <= NEGATES_PREVIOUS_WITHIN && same_sentence(*cue, hit.last)
            })
    }
}

/// The places where all groups of a combination stand together, without overlaps.
fn together(combination: &Combination, places: &[Vec<(u32, u32)>]) -> Vec<(u32, u32)> {
    let stands = |group: &Vec<usize>| group.iter().any(|concept| !places[*concept].is_empty());
    if !combination.all.iter().all(stands) {
        return Vec::new();
    }
    let mut parts: Vec<(u32, u32, u32)> = Vec::new();
    for (group, concepts) in combination.all.iter().enumerate() {
        let bit = 1_u32 << group.min(31);
        for concept in concepts {
            parts.extend(
                places[*concept]
                    .iter()
                    .map(|(first, last)| (*first, *last, bit)),
            );
        }
    }
    // One place may serve several groups: then it carries all their bits, and is still one place.
    parts.sort_unstable();
    parts.dedup_by(|next, kept| {
        let same = (next.0, next.1) == (kept.0, kept.1);
        if same {
            kept.2 |= next.2;
        }
        same
    });
    let groups = combination.all.len();
    let wanted = (1_u32 << groups.min(31)) - 1;
    let mut found = Vec::new();
    let mut at = 0;
    while at < parts.len() && found.len() < MAX_COUNT {
        let start = parts[at].0;
        let mut have = 0;
        let mut end = 0;
        let complete = parts[at..]
            .iter()
            .enumerate()
            .take_while(|(_, part)| part.0 - start <= combination.within)
            .find_map(|(distance, part)| {
                have |= part.2;
                end = end.max(part.1);
                (have == wanted && distance + 1 >= groups).then_some(at + distance)
            });
        at = match complete {
            Some(last) => {
                found.push((start, end));
                last + 1
            }
            None => at + 1,
        };
    }
    found
}
