//! `liaison triage export`: what the machine can learn from, in a file.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use liaison_grpc::{Channel, Failure as StatusFailure};
use liaison_proto::classification::{Label, ListLabelsRequest};
use liaison_proto::common::Language;
use liaison_proto::intake::GetDossierRequest;
use liaison_proto::intake::intake_service_client::IntakeServiceClient;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::cli::{Output, TriageExportArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{CARE, styled};
use crate::output_file::OutputFile;
use crate::proto_json::to_json;

use super::desk;

/// What each dossier is opened for, in the audit.
const PURPOSE: &str = "training the classification";
/// As many labels as one page can have.
const PAGE: i32 = 500;

/// A text, as far as it may be read.
#[derive(Debug, PartialEq, Eq)]
struct Text {
    title: String,
    narrative: String,
}

/// What became of the export.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    /// Lines written.
    written: usize,
    /// Referrals left out, by the reason of the refusal.
    refused: BTreeMap<String, usize>,
}

/// Writes the labels to the file named by `output`, which only its owner can read. It is all there at the end,
/// or what was there before stays.
///
/// # Errors
/// Where no file is named; what keeps the labels from being listed, a dossier from being asked for, or the file
/// from being written. A dossier that may not be opened is none.
pub async fn run(output: &Output, args: &TriageExportArgs) -> Outcome {
    let Output::File(path) = output else {
        return Err(Failure::Usage(
            "name the file to write to, for example --output labels.jsonl".to_owned(),
        ));
    };
    let connection = Connection::open(&args.connect, desk())?;
    let intake = match args.with_texts {
        true => Some(connection.intake()?),
        false => None,
    };
    let mut classification = connection.classification()?;
    let mut file = OutputFile::create_private(path).map_err(cannot(path))?;
    let mut tally = Tally::default();
    let mut page_token = String::new();
    loop {
        let request = ListLabelsRequest {
            page_size: PAGE,
            page_token,
            include_exercises: args.include_exercises,
            causes: args.causes.iter().map(|cause| (*cause).into()).collect(),
        };
        let page = classification
            .list_labels(request)
            .await
            .map_err(Failure::refused("listing the labels"))?
            .into_inner();
        for label in &page.labels {
            let text = match &intake {
                None => None,
                Some(intake) => match text_of(intake.clone(), label).await? {
                    Ok(text) => Some(text),
                    Err(reason) => {
                        *tally.refused.entry(reason).or_default() += 1;
                        continue;
                    }
                },
            };
            writeln!(file, "{}", object(label, text)).map_err(cannot(path))?;
            tally.written += 1;
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    file.finish().map_err(cannot(path))?;
    // Standard output may be the file.
    writeln!(anstream::stderr().lock(), "{}", told(&tally, path))?;
    Ok(())
}

fn cannot(path: &Path) -> impl Fn(io::Error) -> Failure {
    let shown = path.display().to_string();
    move |error| Failure::Local(format!("{shown} cannot be written: {error}"))
}

/// The text of the referral, opened as the desk. The inner error is the reason why it may not be.
async fn text_of(
    mut intake: IntakeServiceClient<Channel>,
    label: &Label,
) -> Result<Result<Text, String>, Failure> {
    let request = GetDossierRequest {
        name: label.referral.clone(),
        purpose: PURPOSE.to_owned(),
    };
    match intake.get_dossier(request).await {
        Ok(opened) => {
            let dossier = opened.into_inner().dossier.unwrap_or_default();
            Ok(Ok(Text {
                title: dossier.title,
                narrative: dossier.narrative,
            }))
        }
        Err(status) => match refusal(&status) {
            Some(reason) => Ok(Err(reason)),
            None => Err(Failure::refused(&label.referral)(status)),
        },
    }
}

/// The reason, where the answer is that this dossier may not be opened, and no fault of anything else.
fn refusal(status: &Status) -> Option<String> {
    let refused = [
        Code::NotFound,
        Code::PermissionDenied,
        Code::FailedPrecondition,
    ];
    refused
        .contains(&status.code())
        .then(|| StatusFailure::read(status).reason_name)
}

/// One line: what training reads (`id`, `text`, `labels`, `lang`) first, then all that is known. The lead
/// comes first among the labels.
fn object(label: &Label, text: Option<Text>) -> Value {
    let mut labels = vec![label.lead.clone()];
    labels.extend(label.supporting.iter().cloned());
    let known = to_json("liaison.classification.v1.Label", label);
    let mut object = json!({ "id": label.referral });
    if let Some(lang) = lang(label.language()) {
        object["lang"] = json!(lang);
    }
    if let Some(text) = text {
        if !text.title.is_empty() {
            object["title"] = json!(text.title);
        }
        object["text"] = json!(text.narrative);
    }
    object["labels"] = json!(labels);
    for (name, value) in known.as_object().into_iter().flatten() {
        if !["referral", "language"].contains(&name.as_str()) {
            object[name] = value.clone();
        }
    }
    object
}

/// The tag of a language; none where it is not known.
fn lang(language: Language) -> Option<String> {
    let name = language.as_str_name().strip_prefix("LANGUAGE_")?;
    (language != Language::Unspecified).then(|| name.to_lowercase())
}

fn told(tally: &Tally, path: &Path) -> String {
    let mut text = format!("{} labels in {}", tally.written, path.display());
    if !tally.refused.is_empty() {
        let all: usize = tally.refused.values().sum();
        let by_reason = tally.refused.iter();
        let by_reason = by_reason.map(|(reason, count)| format!("{count} {reason}"));
        let by_reason = by_reason.collect::<Vec<_>>().join(", ");
        let left_out = format!("{all} left out, for their dossiers were refused: {by_reason}");
        text.push_str(&format!("\n{}", styled(CARE, &left_out)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_proto::classification::{CorrectionCause, MachineAnswer};

    fn label() -> Label {
        Label {
            referral: "referrals/1".into(),
            cause: CorrectionCause::WrongUnit.into(),
            decision: "classifications/2".into(),
            before: "classifications/1".into(),
            lead: "terrorism".into(),
            supporting: vec!["cyber".into()],
            language: Language::Fr.into(),
            machine: Some(MachineAnswer {
                decision: "classifications/1".into(),
                lead: "cyber".into(),
                probability: 0.5,
                rule_set: "2026-11-1".into(),
                concepts: vec!["cyber.intrusion".into()],
            }),
            ..Label::default()
        }
    }

    #[test]
    fn a_line_is_what_training_reads_and_all_that_is_known() {
        let text = Text {
            title: "Titre".into(),
            narrative: "Les faits.".into(),
        };
        let line = object(&label(), Some(text)).to_string();
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["id"], "referrals/1");
        assert_eq!(read["lang"], "fr");
        assert_eq!(read["text"], "Les faits.");
        assert_eq!(read["title"], "Titre");
        assert_eq!(read["labels"], json!(["terrorism", "cyber"]));
        assert_eq!(read["lead"], "terrorism");
        assert_eq!(read["cause"], "CORRECTION_CAUSE_WRONG_UNIT");
        assert_eq!(read["machine"]["concepts"], json!(["cyber.intrusion"]));
        assert!(read.get("referral").is_none() && read.get("language").is_none());

        let unknown = Label {
            language: 0,
            ..label()
        };
        let read = object(&unknown, None);
        assert!(
            read.get("lang").is_none() && read.get("text").is_none(),
            "{read}"
        );
    }

    #[test]
    fn refusals_are_told_from_failures_and_counted() {
        assert!(refusal(&Status::unavailable("")).is_none());
        assert!(refusal(&Status::internal("")).is_none());
        assert!(refusal(&Status::not_found("")).is_some());
        let tally = Tally {
            written: 3,
            refused: [
                ("NOT_FOUND".to_owned(), 1),
                ("CONTENT_PURGED".to_owned(), 2),
            ]
            .into(),
        };
        let told = told(&tally, Path::new("labels.jsonl"));
        let told = anstream::adapter::strip_str(&told).to_string();
        assert_eq!(
            told,
            "3 labels in labels.jsonl\n\
             3 left out, for their dossiers were refused: 2 CONTENT_PURGED, 1 NOT_FOUND"
        );
    }
}
