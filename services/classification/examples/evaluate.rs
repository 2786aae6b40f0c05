//! How well the rule set decides labelled texts:
//! `evaluate FILE.jsonl [--rules DIR] [--features OUT.jsonl] [--wrong]`.
//!
//! Each line of FILE holds `id`, `text` and `labels` (units, or `none`), and may hold `lang`, `title`
//! (not used) and `optional_labels` (other units that count as right). Prints coverage, precision and
//! speed, per unit and per language; `--wrong` lists the ids decided wrongly; `--features` writes what
//! was found in each text, for fitting the weights; `--rules` reads another rule set than the embedded
//! one from a folder of the same form as `data/`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::time::{Duration, Instant};

use liaison_classification::domain::{Input, Outcome, RuleSet, RuleSetFiles, decide};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    id: String,
    #[serde(default)]
    lang: String,
    text: String,
    labels: Vec<String>,
    #[serde(default)]
    optional_labels: Vec<String>,
}

/// Counts of one slice of the texts.
#[derive(Default)]
struct Tally {
    /// Texts that belong to a unit; routed among them; routed to a right lead among these.
    ours: u32,
    ours_routed: u32,
    ours_right: u32,
    /// All texts; all routed; routed right.
    all: u32,
    routed: u32,
    right: u32,
    /// The proposal (routed or not) is right.
    proposed_right: u32,
}

impl Tally {
    fn line(&self, name: &str) {
        let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
        println!(
            "{name:28} texts {:5}  of a unit {:5}  routed {:5}  coverage {:.3}  precision {:.3}  proposal right {:.3}",
            self.all,
            self.ours,
            self.routed,
            share(self.ours_right, self.ours),
            share(self.right, self.routed),
            share(self.proposed_right, self.all),
        );
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut path = None;
    let mut features = None;
    let mut folder = None;
    let mut list_wrong = false;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--features" => features = arguments.next(),
            "--rules" => folder = arguments.next(),
            "--wrong" => list_wrong = true,
            _ => path = Some(argument),
        }
    }
    let path =
        path.ok_or("usage: evaluate FILE.jsonl [--rules DIR] [--features OUT.jsonl] [--wrong]")?;

    let started = Instant::now();
    let rules = match folder {
        Some(folder) => read_rules(&folder)?,
        None => RuleSet::embedded()?,
    };
    let built = started.elapsed();
    let mut features = features
        .map(std::fs::File::create)
        .transpose()?
        .map(BufWriter::new);

    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut spent = Duration::ZERO;
    let mut bytes = 0;
    let mut slowest = Duration::ZERO;
    for line in BufReader::new(std::fs::File::open(path)?).lines() {
        let case: Case = serde_json::from_str(&line?)?;
        // The language is left for the detector to find.
        let input = Input {
            narrative: &case.text,
            ..Input::default()
        };
        let begin = Instant::now();
        let decision = decide(&rules, &input);
        let took = begin.elapsed();
        spent += took;
        slowest = slowest.max(took);
        bytes += case.text.len();
        if let Some(out) = &mut features {
            let found: BTreeMap<&str, u32> = rules
                .features(&input)
                .iter()
                .map(|feature| (rules.concepts()[feature.concept].id.as_str(), feature.count))
                .collect();
            serde_json::to_writer(
                &mut *out,
                &serde_json::json!({
                    "id": case.id,
                    "found": found,
                    "words": rules.folded(&input),
                    "language": decision.language,
                }),
            )?;
            out.write_all(b"\n")?;
        }

        let lead = decision
            .lead
            .as_ref()
            .map_or("none", |unit| unit.as_str())
            .to_owned();
        let right: BTreeSet<&String> = case.labels.iter().chain(&case.optional_labels).collect();
        let is_right = right.contains(&lead);
        let ours = case.labels.iter().any(|label| label != "none");
        let routed = decision.outcome == Outcome::Route;
        let language = if case.lang.is_empty() {
            "?"
        } else {
            case.lang.as_str()
        };
        let mut slices = vec!["all".to_owned(), format!("language {language}")];
        slices.extend(case.labels.iter().map(|label| format!("label {label}")));
        if routed {
            slices.push(format!("routed to {lead}"));
        }
        for slice in slices {
            let tally = tallies.entry(slice).or_default();
            tally.all += 1;
            tally.ours += u32::from(ours);
            tally.ours_routed += u32::from(ours && routed);
            tally.ours_right += u32::from(ours && routed && is_right);
            tally.routed += u32::from(routed);
            tally.right += u32::from(routed && is_right);
            tally.proposed_right += u32::from(is_right);
        }
        if routed && !is_right {
            wrong.push(format!(
                "{} {} {:?} -> {lead}",
                case.id, language, case.labels
            ));
        }
    }
    for (name, tally) in &tallies {
        tally.line(name);
    }
    let cases = tallies.get("all").map_or(1, |tally| tally.all.max(1));
    println!(
        "rule set {} with {:?} phrases and words, built in {built:?}; {:?} a text of {} bytes on average, slowest {slowest:?}",
        rules.version(),
        rules.lexicon_size(),
        spent / cases,
        bytes / cases as usize,
    );
    if list_wrong {
        for line in wrong {
            println!("wrong: {line}");
        }
    }
    Ok(())
}

/// Reads a rule set from a folder.
fn read_rules(folder: &str) -> Result<RuleSet, Box<dyn std::error::Error>> {
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}"));
    let mut lexicon = Vec::new();
    for entry in std::fs::read_dir(format!("{folder}/lexicon"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        lexicon.push((name, std::fs::read_to_string(entry.path())?));
    }
    lexicon.sort();
    let model = std::fs::read(format!("{folder}/model.bin"))?;
    let files = [
        read("rule_set.toml")?,
        read("codes.toml")?,
        read("provisions.toml")?,
        read("languages.toml")?,
        read("weights.toml")?,
    ];
    Ok(RuleSet::new(&RuleSetFiles {
        rule_set: &files[0],
        codes: &files[1],
        provisions: &files[2],
        languages: &files[3],
        weights: &files[4],
        model: &model,
        lexicon: lexicon
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect(),
    })?)
}
