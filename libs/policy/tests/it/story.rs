//! One worked example: who, what, under which markings and circumstances, and what is to come of it.

use liaison_policy::attribute::{
    Action, Consent, Exercise, Grant, ItemClass, Mandate, PurposeLimitation, Retention, Stage,
    Standing, Usage,
};
use liaison_policy::purpose::{Purpose, limitation};
use liaison_policy::{
    AssignmentFacts, Clearance, ExportFacts, Facts, Intent, ItemFacts, NotifyFacts, Passing,
    PurgeFacts, Question, Recipient, ReviewFacts, RouteFacts, ShareFacts, SubmissionFacts,
    TransferFacts, ViewFacts,
};
use liaison_types::{Confidentiality, Handling, Markings, Pap, Party, Tlp, UnitCode};
use serde::Deserialize;

/// What an example file holds. What is not said is as plain as can be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    pub example: Vec<Story>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    pub name: String,
    question: String,
    /// Who acts.
    who: Option<Party>,
    /// Who receives: a party, or `outsider`, or `outsider/<country>`.
    to: Option<String>,
    /// The bureau of France where not said.
    owner: Option<Party>,
    /// What `who` holds.
    grant: Option<String>,
    /// How `to` stands to it.
    standing: Option<String>,
    #[serde(default)]
    markings: Marked,
    /// The markings of a piece of evidence besides those of its referral.
    #[serde(default)]
    item_markings: Marked,
    item: Option<String>,
    /// `unmanaged`, `unknown` or a confidentiality.
    clearance: Option<String>,
    /// What the source sent it for, and what it was declared to be used for.
    purpose: Option<(Purpose9, Option<Purpose9>)>,
    usage: Option<String>,
    action: Option<String>,
    mandate: Option<String>,
    officer: Option<String>,
    submitted_by: Option<String>,
    consent: Option<String>,
    #[serde(default)]
    mixes_exercise_and_real: bool,
    #[serde(default)]
    retention_expired: bool,
    #[serde(default)]
    legal_hold: bool,
    stage: Option<String>,
    /// Supports where not said.
    #[serde(default)]
    leads: bool,
    #[serde(default)]
    declined: Vec<UnitCode>,
    #[serde(default)]
    offences: Vec<String>,
    #[serde(default)]
    minor_suspected: bool,
    /// Facts that no caller states, by their public names.
    #[serde(default)]
    set: Vec<(String, String)>,
    /// `allow`, `deny` or `review`.
    pub effect: String,
    pub rules: Vec<String>,
    pub missing_consent: Option<String>,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Purpose9(Purpose);

impl TryFrom<String> for Purpose9 {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| format!("no purpose {text}"))
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Marked {
    confidentiality: Option<Confidentiality>,
    handling: Option<Vec<Handling>>,
    tlp: Option<Tlp>,
    pap: Option<Pap>,
    #[serde(default)]
    excluded_countries: Vec<liaison_types::CountryCode>,
    #[serde(default)]
    excluded_units: Vec<UnitCode>,
}

impl Marked {
    fn markings(&self) -> Markings {
        let plain = Markings::default();
        Markings {
            confidentiality: self.confidentiality.unwrap_or(plain.confidentiality),
            handling: self.handling.clone().unwrap_or(plain.handling),
            tlp: self.tlp.unwrap_or(plain.tlp),
            pap: self.pap.unwrap_or(plain.pap),
            excluded_countries: self.excluded_countries.clone(),
            excluded_units: self.excluded_units.clone(),
            handling_text: String::new(),
        }
    }
}

/// The value named, or the one meant where nothing is said.
macro_rules! named {
    ($story:ident.$field:ident, $type:ident::$plain:ident) => {
        $story.$field.as_deref().map_or($type::$plain, |name| {
            let known = name.parse().ok();
            known.unwrap_or_else(|| panic!("{}: no {} {name}", $story.name, stringify!($field)))
        })
    };
}

impl Story {
    pub fn question(&self) -> Question {
        let question = self.question.parse();
        question.unwrap_or_else(|_| panic!("{}: no question {}", self.name, self.question))
    }

    pub fn owner(&self) -> Party {
        let owner = self.owner.clone();
        owner.unwrap_or_else(|| "bureau/NB-FR".parse().unwrap())
    }

    fn actor(&self) -> Party {
        let who = self.who.clone();
        who.unwrap_or_else(|| panic!("{}: says not who", self.name))
    }

    fn clearance(&self) -> Clearance {
        match self.clearance.as_deref() {
            None | Some("unmanaged") => Clearance::Unmanaged,
            Some("unknown") => Clearance::Unknown,
            Some(level) => Clearance::Held(level.parse().unwrap()),
        }
    }

    fn intent(&self) -> Intent {
        Intent {
            purpose: self.purpose.as_ref().map_or(
                PurposeLimitation::Undeclared,
                |(source, declared)| {
                    limitation(source.0, declared.as_ref().map(|declared| declared.0))
                },
            ),
            usage: named!(self.usage, Usage::Unstated),
            action: named!(self.action, Action::None),
        }
    }

    fn exercise(&self) -> Exercise {
        if self.mixes_exercise_and_real {
            Exercise::Mixed
        } else {
            Exercise::Same
        }
    }

    /// As the typed question makes them.
    pub fn facts(&self) -> Facts {
        let set = self.set.iter();
        set.fold(self.typed(), |facts, (attribute, value)| {
            facts.named(attribute, value).unwrap()
        })
    }

    fn typed(&self) -> Facts {
        let question = self.question();
        let markings = self.markings.markings();
        match question {
            Question::Submit => {
                let offences = self.offences.iter().map(|code| code.parse().unwrap());
                SubmissionFacts {
                    offences: &offences.collect::<Vec<_>>(),
                    markings: &markings,
                    minor_suspected: self.minor_suspected,
                }
                .facts()
            }
            Question::ViewEnvelope | Question::ViewDossier | Question::ViewItem => {
                self.viewing(question, &markings)
            }
            Question::Route => {
                let unit = match self.to().parse() {
                    Ok(Party::Unit(unit)) => unit,
                    other => panic!("{}: routes to {other:?}", self.name),
                };
                RouteFacts {
                    clearance: self.clearance(),
                    mandate: named!(self.mandate, Mandate::Unknown),
                    exercise: self.exercise(),
                    stage: named!(self.stage, Stage::Open),
                    ..RouteFacts::new(&unit, self.leads, &self.declined, &markings)
                }
                .facts()
            }
            Question::Share | Question::Transfer | Question::Export => {
                self.passing(question, &markings)
            }
            Question::Notify => NotifyFacts {
                recipient: &self.to().parse().unwrap(),
                owner: &self.owner(),
                standing: named!(self.standing, Standing::Stranger),
                markings: &markings,
                exercise: self.exercise(),
                stage: named!(self.stage, Stage::Open),
            }
            .facts(),
            Question::Purge => PurgeFacts {
                actor: &self.actor(),
                owner: &self.owner(),
                officer: self.officer.as_deref(),
                submitting_officer: self.submitted_by.as_deref(),
                retention: if self.retention_expired {
                    Retention::Expired
                } else {
                    Retention::Running
                },
                legal_hold: self.legal_hold,
                stage: named!(self.stage, Stage::Open),
            }
            .facts(),
            Question::Review => ReviewFacts {
                reviewer: &self.actor(),
                officer: self.officer.as_deref(),
                submitting_officer: self.submitted_by.as_deref(),
            }
            .facts(),
            Question::ViewAssignment | Question::WorkAssignment => {
                let Party::Unit(unit) = self.owner() else {
                    panic!("{}: an assignment is a unit's", self.name);
                };
                let party = &self.actor();
                AssignmentFacts { party, unit: &unit }.facts(question)
            }
            Question::ListAll | Question::Triage | Question::ListAssignments => {
                let class = liaison_policy::receiver::class(&self.actor());
                Facts::new(question).actor(class)
            }
        }
    }

    fn viewing(&self, question: Question, markings: &Markings) -> Facts {
        let (viewer, owner) = (self.actor(), self.owner());
        let view = ViewFacts {
            clearance: self.clearance(),
            intent: self.intent(),
            consent: named!(self.consent, Consent::None),
            exercise: self.exercise(),
            stage: named!(self.stage, Stage::Open),
            ..ViewFacts::new(&viewer, &owner, named!(self.grant, Grant::None), markings)
        };
        match question {
            Question::ViewEnvelope => view.envelope(),
            Question::ViewDossier => view.dossier(),
            _ => ItemFacts {
                view,
                markings: &self.item_markings.markings(),
                class: named!(self.item, ItemClass::Evidence),
            }
            .facts(),
        }
    }

    fn passing(&self, question: Question, markings: &Markings) -> Facts {
        let (actor, owner) = (self.actor(), self.owner());
        let party = self.to().parse::<Party>();
        let recipient = match (&party, self.to().split_once('/')) {
            (Ok(party), _) => Recipient::Party(party),
            (Err(_), country) => Recipient::Outsider {
                country: country.map(|(_, country)| country.parse().unwrap()),
            },
        };
        let passing = Passing {
            grant: named!(self.grant, Grant::None),
            standing: named!(self.standing, Standing::Stranger),
            clearance: self.clearance(),
            intent: self.intent(),
            consent: named!(self.consent, Consent::None),
            exercise: self.exercise(),
            stage: named!(self.stage, Stage::Open),
            ..Passing::new(&actor, &owner, recipient, markings)
        };
        let item = named!(self.item, ItemClass::Dossier);
        let mandate = named!(self.mandate, Mandate::Unknown);
        match question {
            Question::Share => ShareFacts {
                passing,
                officer: Some(self.officer.as_deref().unwrap_or("b.second")),
                submitting_officer: Some(self.submitted_by.as_deref().unwrap_or("a.first")),
                mandate,
                item,
            }
            .facts(),
            Question::Transfer => TransferFacts {
                passing,
                lead: self.leads,
                declined: &self.declined,
                mandate,
            }
            .facts(),
            _ => ExportFacts { passing, item }.facts(),
        }
    }

    fn to(&self) -> &str {
        let to = self.to.as_deref();
        to.unwrap_or_else(|| panic!("{}: says not to whom", self.name))
    }
}
