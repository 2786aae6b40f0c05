//! `liaison classify`: what kind of case a text would be, and why. No server is needed.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use liaison_classification::domain::{
    Decision, DeclaredOffence, Input, Outcome as Verdict, Reason, RuleSet, decide,
};
use liaison_proto::common::{Language as ProtoLanguage, OffenceTag};
use liaison_types::{IccsCode, Language, Tag};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::{Value, json};

use crate::cli::{ClassifyArgs, Output};
use crate::dossier_file;
use crate::failure::{Failure, Outcome};
use crate::output::element;
use crate::output_file::OutputFile;

mod told;

use told::told;

/// The rule of a line in which a key stands more than once.
const REPEATED_KEY: &str = "input.repeated-key";

/// One text to classify.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    text: String,
    #[serde(default)]
    lang: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    offences: Vec<Declared>,
    /// A key stood in its line more than once, and what is here is the last of each.
    #[serde(skip)]
    repeated: bool,
}

/// A declared offence.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    #[serde(default)]
    iccs: Option<IccsCode>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    national_provision: Option<String>,
}

/// Classifies files for people, or lines in bulk.
///
/// # Errors
/// A file that cannot be read, or lines that are no cases; the good lines are decided all the same.
pub fn run(output: &Output, args: &ClassifyArgs) -> Outcome {
    let rules = RuleSet::embedded()
        .map_err(|error| Failure::Local(format!("the rule set cannot be read: {error}")))?;
    match &args.input {
        Some(input) => bulk(&rules, input, output),
        None => files(&rules, output, args),
    }
}

/// Decides the cases in `input`, a line each.
fn bulk(rules: &RuleSet, input: &Path, output: &Output) -> Outcome {
    let stdin = input == Path::new("-");
    let shown = if stdin {
        "standard input".to_owned()
    } else {
        input.display().to_string()
    };
    let mut lines: Box<dyn BufRead> = if stdin {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(open(input)?))
    };
    let wrong = match output {
        Output::File(path) if path != Path::new("-") => {
            if !stdin && is_same(input, path) {
                return Err(Failure::Usage(format!(
                    "--input and --output are the same file, {}; write to another one",
                    path.display()
                )));
            }
            let cannot = |error| not_written(&path.display().to_string(), &error);
            let mut file = OutputFile::create(path).map_err(cannot)?;
            let wrong = decide_lines(rules, &mut lines, &shown, &mut file, output, cannot)?;
            file.finish().map_err(cannot)?;
            wrong
        }
        _ => {
            let cannot = |error| not_written("standard output", &error);
            let mut writer = BufWriter::new(io::stdout().lock());
            let wrong = decide_lines(rules, &mut lines, &shown, &mut writer, output, cannot)?;
            writer.flush().map_err(cannot)?;
            wrong
        }
    };
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::Local(format!("1 line of {shown} was no case"))),
        _ => Err(Failure::Local(format!(
            "{wrong} lines of {shown} were no cases"
        ))),
    }
}

/// Writes a decision for every line that is a case, tells every other one and says how many these were.
fn decide_lines(
    rules: &RuleSet,
    lines: &mut dyn BufRead,
    shown: &str,
    writer: &mut dyn Write,
    output: &Output,
    cannot_write: impl Fn(io::Error) -> Failure,
) -> Result<usize, Failure> {
    let mut wrong = 0;
    let mut line = Vec::new();
    for number in 1_usize.. {
        line.clear();
        // Bytes: a line in another encoding is a wrong line and not the end of the file.
        let read = lines.read_until(b'\n', &mut line);
        if read.map_err(|error| not_read(shown, &error))? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match case(&line) {
            Ok(case) => {
                let decided = decided(&case, &classified(rules, &case));
                writeln!(writer, "{decided}").map_err(&cannot_write)?;
            }
            Err(mistake) => {
                wrong += 1;
                Failure::Local(format!("{shown}, line {number}{mistake}")).tell(output);
            }
        }
    }
    Ok(wrong)
}

/// The case in a line, or where and why there is none. The line itself is content and stays out of
/// the message.
fn case(line: &[u8]) -> Result<Case, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!(", byte {}: not UTF-8", error.valid_up_to() + 1))?;
    let text = whole_characters(text);
    serde_json::from_str(&text).or_else(|error| {
        // Most programs read the last of equal keys, and so does this one; people are told.
        let last = serde_json::from_str::<Value>(&text).and_then(serde_json::from_value::<Case>);
        if let Ok(case) = last {
            return Ok(Case {
                repeated: true,
                ..case
            });
        }
        let kind = match error.classify() {
            Category::Data => {
                "not the fields of a case: `id` and `text`, both texts, and as wanted `lang`, `title` and `offences`, \
                 each with an ICCS code as `iccs`, any of Cy, OC, TR and MINOR as `tags`, and a `national_provision`"
            }
            Category::Io | Category::Syntax | Category::Eof => "not JSON",
        };
        Err(format!(", column {}: {kind}", error.column()))
    })
}

/// JSON with U+FFFD for every escaped half of a surrogate pair that stands alone: no text can hold one, but some
/// programs write them where they cut a text in the middle of a character. Nothing changes its column.
fn whole_characters(json: &str) -> Cow<'_, str> {
    let (mut whole, mut kept, mut at) = (String::new(), 0, 0);
    while let Some(escape) = json[at..].find('\\').map(|found| at + found) {
        at = match (Half::at(json, escape), Half::at(json, escape + 6)) {
            (Some(Half::First), Some(Half::Second)) => escape + 12,
            (Some(_), _) => {
                whole.push_str(&json[kept..escape]);
                whole.push_str("\\ufffd");
                kept = escape + 6;
                kept
            }
            // A backslash that is itself escaped begins nothing.
            (None, _) => {
                let escaped = json[escape + 1..].chars().next();
                escape + 1 + escaped.map_or(0, char::len_utf8)
            }
        };
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    whole.push_str(&json[kept..]);
    Cow::Owned(whole)
}

/// Half of a surrogate pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    First,
    Second,
}

impl Half {
    /// The half that is escaped at a byte of `json`, where there is one.
    fn at(json: &str, byte: usize) -> Option<Self> {
        let digits = json.get(byte..byte + 6)?.strip_prefix("\\u")?;
        match u16::from_str_radix(digits, 16).ok()? {
            0xd800..=0xdbff => Some(Self::First),
            0xdc00..=0xdfff => Some(Self::Second),
            _ => None,
        }
    }
}

/// Whether two paths name one file, by whatever links.
fn is_same(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
    };
    identity(a).is_some_and(|file| identity(b) == Some(file))
}

fn not_read(what: &str, error: &io::Error) -> Failure {
    Failure::Local(format!("{what} cannot be read: {error}"))
}

fn not_written(what: &str, error: &io::Error) -> Failure {
    Failure::Local(format!("{what} cannot be written: {error}"))
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| not_read(&path.display().to_string(), &error))
}

fn files(rules: &RuleSet, output: &Output, args: &ClassifyArgs) -> Outcome {
    for path in &args.files {
        let case = if path.extension().is_some_and(|extension| extension == "txt") {
            let id = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| not_read(&id, &error))?;
            Case {
                id,
                text,
                ..Case::default()
            }
        } else {
            from_dossier(path)?
        };
        let decision = classified(rules, &case);
        element(output, &decided(&case, &decision), || {
            told(&case, &decision)
        })?;
    }
    Ok(())
}

fn from_dossier(path: &Path) -> Result<Case, Failure> {
    let dossier = dossier_file::read(path)?;
    let offences = dossier
        .offences
        .iter()
        .map(|offence| Declared {
            iccs: offence.iccs.parse().ok(),
            tags: offence.tags().filter_map(tag).collect(),
            national_provision: Some(offence.national_provision.clone()),
        })
        .collect();
    Ok(Case {
        id: path.display().to_string(),
        lang: match dossier.language() {
            ProtoLanguage::Ar => Some("ar".to_owned()),
            ProtoLanguage::En => Some("en".to_owned()),
            ProtoLanguage::Es => Some("es".to_owned()),
            ProtoLanguage::Fr => Some("fr".to_owned()),
            ProtoLanguage::Unspecified => None,
        },
        title: Some(dossier.title),
        text: dossier.narrative,
        offences,
        repeated: false,
    })
}

const fn tag(tag: OffenceTag) -> Option<Tag> {
    match tag {
        OffenceTag::Cyber => Some(Tag::Cyber),
        OffenceTag::OrganizedCrime => Some(Tag::OrganizedCrime),
        OffenceTag::Terrorism => Some(Tag::Terrorism),
        OffenceTag::Minor => Some(Tag::Minor),
        OffenceTag::Unspecified => None,
    }
}

fn classified(rules: &RuleSet, case: &Case) -> Decision {
    let offences: Vec<DeclaredOffence> = case
        .offences
        .iter()
        .map(|declared| DeclaredOffence {
            iccs: declared.iccs.clone(),
            tags: declared.tags.clone(),
            national_provision: declared.national_provision.clone(),
        })
        .collect();
    let mut decision = decide(
        rules,
        &Input {
            offences: &offences,
            title: case.title.as_deref(),
            narrative: &case.text,
            // A tag that is none of the four says nothing; the text itself is looked at.
            language: case
                .lang
                .as_deref()
                .and_then(|tag| tag.parse::<Language>().ok()),
        },
    );
    if case.repeated {
        // Whoever wrote the line may have meant what nobody read: a proposal, and no more.
        decision.outcome = Verdict::Review;
        decision.desk = rules.review_desk().clone();
        let id = REPEATED_KEY.to_owned();
        decision.reasons.insert(0, Reason::Rule { id });
    }
    decision
}

/// The decision as a line of the bulk output.
fn decided(case: &Case, decision: &Decision) -> Value {
    let mut units: Vec<(&str, f64)> = decision
        .probabilities
        .iter()
        .map(|unit| (unit.unit.as_str(), unit.probability.as_f64()))
        .chain([("none", decision.none_probability.as_f64())])
        .collect();
    units.sort_by(|a, b| b.1.total_cmp(&a.1));
    let units: Vec<Value> = units
        .iter()
        .map(|(unit, probability)| json!({ "unit": unit, "probability": probability }))
        .collect();
    json!({
        "id": case.id,
        "lang": decision.language.map(Language::tag),
        "lead": decision.lead.as_ref().map_or("none", |unit| unit.as_str()),
        "supporting": decision.supporting,
        "outcome": decision.outcome,
        "units": units,
        "reasons": decision.reasons,
        "urgency": decision.urgency,
        "offences": decision.suggestions,
        "rule_set": decision.rule_set,
        "model": decision.model,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_characters_are_replaced_and_nothing_else() {
        for (given, whole) in [
            (r#""caf\ud83d""#, r#""caf\ufffd""#),
            (r#""\uD83D\uDE00 \ude00""#, r#""\uD83D\uDE00 \ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#""\u00e9\n\u0000é""#, r#""\u00e9\n\u0000é""#),
            (r"\ud8", r"\ud8"),
            ("\\", "\\"),
            ("\\é", "\\é"),
        ] {
            assert_eq!(whole_characters(given), whole);
        }
    }

    #[test]
    fn what_may_be_is_told_with_the_words_that_say_so() {
        let rules = RuleSet::embedded().unwrap();
        let case = Case {
            id: "a".into(),
            text: "The cartel's 40 kilos of cocaine were found. The witness is being held hostage."
                .into(),
            ..Case::default()
        };
        let decision = classified(&rules, &case);
        let told = told::told(&case, &decision);
        let told = anstream::adapter::strip_str(&told).to_string();
        assert!(told.contains("\n  may be ICCS 060121 ("), "{told}");
        let hint = "\n  may be urgent: urgency.hostage-or-abducted “is being held hostage”";
        assert!(told.contains(hint), "{told}");
        let line = decided(&case, &decision);
        assert_eq!(
            line["urgency"][0]["id"], "urgency.hostage-or-abducted",
            "{line}"
        );
        assert_eq!(line["offences"][0]["iccs"], "060121", "{line}");
        // A law that is cited instead of a code is read as the service reads it.
        let mut cited = case.clone();
        cited.offences = serde_json::from_str(r#"[{"national_provision": "§ 30a BtMG"}]"#).unwrap();
        let line = decided(&cited, &classified(&rules, &cited));
        assert_eq!(line["reasons"][1]["id"], "provision.de-btmg.30a", "{line}");
        // Nothing of it where the text says nothing.
        let case = Case::default();
        let decision = classified(&rules, &case);
        assert!(!told::told(&case, &decision).contains("may be"));
        let line = decided(&case, &decision);
        assert_eq!(
            (&line["urgency"], &line["offences"]),
            (&json!([]), &json!([]))
        );
    }

    #[test]
    fn a_line_that_contradicts_itself_is_for_people() {
        let rules = RuleSet::embedded().unwrap();
        let line = br#"{"id":"a","text":"Nothing.","text":"The cartel's 40 kilos of cocaine were found."}"#;
        let case = case(line).unwrap();
        assert!(case.repeated);
        let decision = classified(&rules, &case);
        assert_eq!(decision.outcome, Verdict::Review);
        assert_eq!(decision.desk, *rules.review_desk());
        assert_eq!(decision.lead.unwrap().as_str(), "narcotics-organized-crime");
        let first = Reason::Rule {
            id: REPEATED_KEY.to_owned(),
        };
        assert_eq!(decision.reasons[0], first);
        // The wrong fields are wrong, however often they are there.
        assert!(super::case(br#"{"id":"a","id":"b"}"#).is_err());
        assert!(super::case(br#"{"id":"a","text":"b","more":1,"more":1}"#).is_err());
    }
}
