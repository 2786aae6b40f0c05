//! `liaison demo`: the life of twelve referrals, from submission to outcome.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use liaison_proto::classification::{Decision, ListDecisionsRequest};
use liaison_proto::common::{Offence, ReferralState};
use liaison_proto::event::event::Data;
use liaison_proto::event::{ReferralChanged, ReferralStep};
use liaison_proto::intake::{GetCustodyBundleRequest, Referral, SubmitReferralRequest};
use liaison_proto::notification::StreamNotificationsRequest;
use liaison_runtime::Ambient;
use liaison_types::{Clock as _, Party, SystemClock, SystemRandom};
use serde_json::{Value, json};

use crate::cli::{DemoArgs, Output};
use crate::connection::Connection;
use crate::dossier_file;
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::output::{BAD, CARE, FAINT, GOOD, STRONG, due, element, line, styled, word};
use crate::proto_json::to_json;
use crate::samples::{self, Sample};
use crate::suite::{self, Suite, SuiteSettings};

use super::submit::request_id;

mod actors;

/// A referral that takes longer than this to its end has gone wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// The rules by which a declared code or tag decides who leads, whatever the text is like.
const BY_CODES: [&str; 2] = ["codes.table", "codes.tag"];

/// What a bureau told, for saying why it was classified as it was.
struct Told {
    /// The offences it declared.
    declared: String,
    /// The dossier's narrative.
    narrative: String,
}

/// Everything the demo acts with.
struct Stage<'a> {
    output: &'a Output,
    folder: Folder,
    /// A unit has tried to pass a referral on: once is enough to see what comes of it.
    shared: Cell<bool>,
}

/// Runs the demo.
///
/// # Errors
/// What kept a referral from its end.
pub async fn run(output: &Output, args: &DemoArgs) -> Outcome {
    let begun = Instant::now();
    let path = suite::temporary_folder(&SystemRandom)
        .map_err(|error| Failure::Local(format!("no temporary folder can be made: {error}")))?;
    let outcome = play(output, args, &Folder::new(&path)?, begun).await;
    if args.keep {
        element(output, &json!({ "kept": path }), || {
            styled(FAINT, &format!("kept in {}", path.display()))
        })?;
    } else {
        std::fs::remove_dir_all(&path)?;
    }
    outcome
}

async fn play(output: &Output, args: &DemoArgs, folder: &Folder, begun: Instant) -> Outcome {
    let settings = SuiteSettings {
        folder: folder.clone(),
        database: args.database.clone(),
        port: 0,
        collector: None,
        log: "error".to_owned(),
        environment: Vec::new(),
    };
    let _claim = folder.claim()?;
    suite::ensure_certificates(folder, suite::local_parties(), &SystemClock, &SystemRandom)?;
    suite::ensure_keys(folder, &SystemRandom)?;
    let suite = Suite::start(&settings, &Ambient::default()).await?;
    let stage = Stage {
        output,
        folder: folder.clone(),
        shared: Cell::new(false),
    };
    stage.say(&format!(
        "{}\nFour services over mutual TLS, ready after {:.1} s. {} dossiers from {} bureaus follow.\n",
        styled(STRONG, "Liaison"),
        begun.elapsed().as_secs_f64(),
        samples::ALL.len(),
        samples::ALL.iter().map(|s| s.bureau).collect::<std::collections::BTreeSet<_>>().len(),
    ))?;
    let played = stage.play_all().await;
    for lifecycle in suite.lifecycles() {
        lifecycle.stop();
    }
    let fault = suite.ended().await;
    played?;
    if let Some((name, outcome)) = fault {
        return Err(Failure::Local(format!("{name} ended: {outcome:?}")));
    }
    stage.say(&styled(
        FAINT,
        &format!(
            "The whole demo took {:.1} s.",
            begun.elapsed().as_secs_f64()
        ),
    ))
}

impl Stage<'_> {
    /// Text for people; programs get only the objects.
    fn say(&self, text: &str) -> Outcome {
        if *self.output != Output::Json {
            line(text)?;
        }
        Ok(())
    }

    fn tell(&self, json: &Value) -> Outcome {
        if *self.output == Output::Json {
            line(&json.to_string())?;
        }
        Ok(())
    }

    fn connect(&self, party: &str, officer: &str) -> Result<Connection, Failure> {
        let party: Party = party
            .parse()
            .map_err(|_| Failure::Local(format!("{party} is no party")))?;
        Connection::of(self.folder.clone(), &party, Some(officer.to_owned()))
    }

    async fn play_all(&self) -> Outcome {
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        for sample in samples::ALL {
            let end = tokio::time::timeout(PATIENCE, self.play(sample))
                .await
                .map_err(|_| {
                    Failure::Local(format!("{} did not come to its end", sample.name))
                })??;
            *ends.entry(end).or_default() += 1;
        }
        let ends: Vec<String> = ends.iter().map(|(end, n)| format!("{n} {end}")).collect();
        self.say(&format!(
            "{} {}.",
            styled(STRONG, "In the end:"),
            ends.join(", ")
        ))
    }

    /// Plays one referral to its end and says how it ended.
    async fn play(&self, sample: &Sample) -> Result<String, Failure> {
        let dossier = dossier_file::parse(sample.text).map_err(Failure::Local)?;
        let bureau = self.connect(&format!("bureau/{}", sample.bureau), "duty.officer")?;
        let language = dossier.language();
        let told = Told {
            declared: declared(&dossier.offences),
            narrative: dossier.narrative.clone(),
        };
        self.say(&format!(
            "{}  {}",
            styled(STRONG, &dossier.title),
            styled(
                FAINT,
                &format!(
                    "{} · {}",
                    sample.bureau,
                    word(language.as_str_name(), "LANGUAGE_")
                )
            ),
        ))?;
        let request = SubmitReferralRequest {
            dossier: Some(dossier),
            request_id: request_id(),
            validate_only: false,
        };
        let referral = match bureau.intake()?.submit_referral(request).await {
            Ok(answer) => answer.into_inner().referral.unwrap_or_default(),
            Err(status) if status.code() == tonic::Code::InvalidArgument => {
                let refusal = Failure::refused(sample.name)(status);
                self.say(&format!("  {}\n", refusal.text().replace('\n', "\n  ")))?;
                self.tell(&refusal.json())?;
                return Ok("sent back with every error at once".to_owned());
            }
            Err(status) => return Err(Failure::refused(sample.name)(status)),
        };
        self.say(&format!(
            "  {} {}  {}",
            styled(GOOD, "accepted as"),
            styled(STRONG, &referral.reference),
            match referral.completion {
                Some(_) => format!("answer due {}", due(referral.completion.as_ref())),
                None => "no answer due".to_owned(),
            },
        ))?;
        let end = self.follow(&bureau, &referral, &told).await?;
        self.check_custody(&bureau, &referral).await?;
        Ok(end.to_owned())
    }

    /// Follows the bureau's notifications until the referral is completed or refused, and plays
    /// whoever has to act next. Says how it ended.
    async fn follow(
        &self,
        bureau: &Connection,
        referral: &Referral,
        told: &Told,
    ) -> Result<&'static str, Failure> {
        let request = StreamNotificationsRequest::default();
        let mut stream = bureau
            .notification()?
            .stream_notifications(request)
            .await
            .map_err(Failure::refused("watching"))?
            .into_inner();
        let mut supporting_open = Vec::new();
        let mut completed = false;
        while let Some(next) = stream
            .message()
            .await
            .map_err(Failure::refused("watching"))?
        {
            let Some(event) = next.notification.and_then(|n| n.event) else {
                continue;
            };
            let json = to_json("liaison.event.v1.Event", &event);
            let Some(Data::ReferralChanged(changed)) = event.data else {
                continue;
            };
            if changed.referral != referral.name {
                continue;
            }
            self.tell(&json)?;
            self.say(&format!("  {}", step_line(&changed)))?;
            match changed.step() {
                ReferralStep::ReviewRequested => actors::review(self, &changed).await?,
                ReferralStep::Refused => return Ok("refused by a reviewer, with the ground"),
                ReferralStep::TriageRequested => actors::triage(self, &changed).await?,
                ReferralStep::Classified => self.explain(&changed, told).await?,
                ReferralStep::Routed | ReferralStep::Granted => {
                    if changed.step() == ReferralStep::Granted {
                        supporting_open.push(changed.unit.clone());
                    }
                    actors::work(self, &changed).await?;
                }
                ReferralStep::Completed => {
                    supporting_open.retain(|unit| *unit != changed.unit);
                    completed |= changed.state() == ReferralState::Completed;
                }
                _ => {}
            }
            if completed && supporting_open.is_empty() {
                return Ok("worked to an outcome");
            }
        }
        Err(Failure::Local(
            "the stream of notifications ended early".to_owned(),
        ))
    }

    /// Says why the referral was classified as it was, and by which words of the dossier.
    async fn explain(&self, changed: &ReferralChanged, told: &Told) -> Outcome {
        let desk = self.connect("desk/triage", "t.desk")?;
        let decisions = desk
            .classification()?
            .list_decisions(ListDecisionsRequest {
                referral: changed.referral.clone(),
            })
            .await
            .map_err(Failure::refused("reading the decision"))?
            .into_inner()
            .decisions;
        let Some(decision) = decisions.into_iter().next() else {
            return Ok(());
        };
        if decision
            .decided_by
            .as_ref()
            .is_some_and(|by| !by.party.is_empty())
        {
            return Ok(());
        }
        self.tell(&json!({
            "referral": changed.referral,
            "decision": super::words::with_words(&decision, &told.narrative),
        }))?;
        let because = because(&decision, &told.declared);
        self.say(&format!(
            "  {}",
            styled(FAINT, &format!("{:>22}  {because}", ""))
        ))?;
        match super::words::counted(&decision, &told.narrative) {
            counted if counted.is_empty() => Ok(()),
            counted => self.say(&format!("  {:>22}  in the text: {counted}", "")),
        }
    }

    /// Checks the custody as its bureau can: offline, with nothing but the bundle and the public keys. One
    /// that is not sound ends the demo.
    async fn check_custody(&self, bureau: &Connection, referral: &Referral) -> Outcome {
        let bundle = bureau
            .intake()?
            .get_custody_bundle(GetCustodyBundleRequest {
                name: referral.name.clone(),
            })
            .await
            .map_err(Failure::refused("downloading the custody"))?
            .into_inner()
            .bundle;
        let keys = super::verify::public_keys(&self.folder.public_keys())?;
        let report = liaison_custody::check(&bundle, &keys);
        self.tell(&json!({
            "referral": referral.name,
            "steps": report.life().len(),
            "custody": report.is_sound(),
            "verdict": report.verdict(),
        }))?;
        if !report.is_sound() {
            return Err(Failure::Local(report.to_string()));
        }
        self.say(&format!(
            "  {} {}\n",
            styled(GOOD, "custody:"),
            report.verdict()
        ))
    }
}

/// The declared offences as their bureau wrote them: `030221 CYBER MINOR`, or the national provision where there is
/// no code.
fn declared(offences: &[Offence]) -> String {
    let offences: Vec<String> = offences
        .iter()
        .map(|offence| {
            let tags = offence
                .tags()
                .map(|tag| tag.as_str_name().trim_start_matches("OFFENCE_TAG_"));
            let named = match offence.iccs.as_str() {
                "" => offence.national_provision.as_str(),
                code => code,
            };
            let parts: Vec<&str> = std::iter::once(named)
                .chain(tags)
                .filter(|part| !part.is_empty())
                .collect();
            parts.join(" ")
        })
        .filter(|offence| !offence.is_empty())
        .collect();
    offences.join(", ")
}

/// Why it was decided like that: by what was declared, or else by how probable the text makes it.
fn because(decision: &Decision, declared: &str) -> String {
    let mut rules: Vec<&str> = Vec::new();
    for reason in &decision.reasons {
        if !rules.contains(&reason.rule.as_str()) {
            rules.push(&reason.rule);
        }
    }
    if rules.iter().any(|rule| BY_CODES.contains(rule)) {
        // What the text says is in the decision too; it did not decide it.
        rules.retain(|rule| !rule.starts_with("concept.") && *rule != "text.wording");
        return format!("declared {declared}; because {}", rules.join(", "));
    }
    rules.truncate(5);
    let probability = decision.units.first().map_or(String::new(), |unit| {
        format!("{} {:.2}", unit.unit, unit.probability)
    });
    format!("{probability}; because {}", rules.join(", "))
}

fn step_line(changed: &ReferralChanged) -> String {
    let style = match changed.step() {
        ReferralStep::Completed | ReferralStep::Accepted | ReferralStep::Admitted => GOOD,
        ReferralStep::ReviewRequested | ReferralStep::TriageRequested => CARE,
        ReferralStep::Refused | ReferralStep::Declined => BAD,
        _ => STRONG,
    };
    let step = word(changed.step().as_str_name(), "REFERRAL_STEP_");
    // Padded before it is styled: styling has no width of its own.
    let mut text = styled(style, &format!("{step:>22}"));
    for part in [&changed.unit, &changed.detail] {
        if !part.is_empty() {
            text.push_str("  ");
            text.push_str(part);
        }
    }
    text
}

/// The current instant, for texts of the demo.
fn today() -> String {
    SystemClock.now().to_string()[..10].to_owned()
}

#[cfg(test)]
mod tests {
    use liaison_proto::classification::{Reason, UnitProbability};

    use super::*;

    fn decision(rules: &[&str]) -> Decision {
        Decision {
            units: vec![UnitProbability {
                unit: "none".to_owned(),
                probability: 0.71,
            }],
            reasons: rules
                .iter()
                .map(|rule| Reason {
                    rule: (*rule).to_owned(),
                    ..Reason::default()
                })
                .collect(),
            ..Decision::default()
        }
    }

    #[test]
    fn what_decided_is_what_is_told() {
        assert_eq!(
            because(
                &decision(&[
                    "codes.table",
                    "code.02042",
                    "code.02042",
                    "concept.x",
                    "text.wording"
                ]),
                "02042"
            ),
            "declared 02042; because codes.table, code.02042"
        );
        assert_eq!(
            because(&decision(&["text.uncertain", "concept.x"]), "0803"),
            "none 0.71; because text.uncertain, concept.x"
        );
        let joint = dossier_file::parse(samples::ALL[1].text).unwrap();
        assert_eq!(declared(&joint.offences), "030221 CYBER MINOR");
    }
}
