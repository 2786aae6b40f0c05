//! Dossiers of our own making. Every person, number and address is invented.

use liaison_proto::common::{
    Language, Markings, Offence, OffenceTag, Pap, ReferralKind, Tlp, Urgency, UrgencyGround,
};
use liaison_proto::intake::{
    Dossier, Identifier, IdentifierKind, LegalBasis, Occurrence, Person, PersonStatus, Purpose,
    RequestedAction, RequestingAuthority, UrgencyClaim,
};
use liaison_types::{Random as _, SeededRandom};

/// A complete dossier whose declared offence leads to the unit `cyber`.
#[must_use]
pub fn plain() -> Dossier {
    coded("0903", &[])
}

/// A complete dossier with this declared offence.
#[must_use]
pub fn coded(iccs: &str, tags: &[OffenceTag]) -> Dossier {
    Dossier {
        offences: vec![Offence {
            iccs: iccs.to_owned(),
            tags: tags.iter().map(|tag| i32::from(*tag)).collect(),
            national_provision: String::new(),
        }],
        ..provision_only("A case of our own making", NEUTRAL, Language::En)
    }
}

/// Words that no rule knows, for dossiers whose declared offence decides.
const NEUTRAL: &str = "On 4 January 2026 the requesting authority opened the file described above. \
    The facts took place between Lyon and Geneva. The authority asks for what is known.";

/// A complete dossier that declares only a national provision: its text decides.
#[must_use]
pub fn provision_only(title: &str, narrative: &str, language: Language) -> Dossier {
    Dossier {
        bureau_reference: "FR-2026-0001".to_owned(),
        kind: ReferralKind::RequestForAssistance.into(),
        authority: Some(RequestingAuthority {
            name: "National Bureau".to_owned(),
            address: "1 Example Street, Lyon".to_owned(),
            authorising_officer: "Insp. A. First".to_owned(),
        }),
        offences: vec![Offence {
            national_provision: "Penal Code, s. 1".to_owned(),
            ..Offence::default()
        }],
        title: title.to_owned(),
        narrative: narrative.to_owned(),
        language: language.into(),
        occurrences: vec![Occurrence {
            place: "Lyon".to_owned(),
            country: "FR".to_owned(),
            from: Some(prost_types::Timestamp {
                seconds: 1_767_225_600,
                nanos: 0,
            }),
            to: None,
        }],
        purpose: Purpose::InvestigationInformation.into(),
        persons: vec![
            Person {
                status: PersonStatus::Suspect.into(),
                family_name: "Varga".to_owned(),
                given_names: "Tibor".to_owned(),
                nationalities: vec!["HU".to_owned()],
                purpose_link: "Runs the accounts in question.".to_owned(),
                ..Person::default()
            },
            Person {
                status: PersonStatus::Victim.into(),
                identity_unknown: true,
                purpose_link: "One of those harmed.".to_owned(),
                ..Person::default()
            },
        ],
        identifiers: vec![Identifier {
            kind: IdentifierKind::Email.into(),
            value: "tibor@example.org".to_owned(),
        }],
        requested_actions: vec![RequestedAction::ProvideInformation.into()],
        objective_reasons: "The accounts were opened in your region.".to_owned(),
        urgency: Some(UrgencyClaim {
            urgency: Urgency::Routine.into(),
            ..UrgencyClaim::default()
        }),
        legal_basis: Some(LegalBasis {
            provision: "Code of Procedure, s. 2".to_owned(),
            ..LegalBasis::default()
        }),
        markings: Some(Markings {
            tlp: Tlp::Amber.into(),
            pap: Pap::Amber.into(),
            ..Markings::default()
        }),
        ..Dossier::default()
    }
}

/// The same, urgent with ground and reason.
#[must_use]
pub fn urgent(mut dossier: Dossier) -> Dossier {
    dossier.urgency = Some(UrgencyClaim {
        urgency: Urgency::Urgent.into(),
        ground: UrgencyGround::LifeOrPhysicalIntegrity.into(),
        reason: "A person is expected to travel tonight.".to_owned(),
    });
    dossier
}

/// A complete dossier that screening puts before a reviewer (controlled beliefs, Article 3).
#[must_use]
pub fn flagged() -> Dossier {
    coded("0803", &[])
}

/// A complete dossier that no rule can place: people at the triage desk decide.
#[must_use]
pub fn unclear() -> Dossier {
    provision_only("A request", NEUTRAL, Language::En)
}

/// Declared offences and the unit each leads to.
const CASES: [(&str, &[OffenceTag], &str); 8] = [
    ("0204", &[], "children-trafficking"),
    ("03022", &[OffenceTag::Minor], "children-trafficking"),
    ("0903", &[], "cyber"),
    ("0701", &[OffenceTag::Cyber], "cyber"),
    ("060121", &[], "narcotics-organized-crime"),
    (
        "07041",
        &[OffenceTag::OrganizedCrime],
        "narcotics-organized-crime",
    ),
    ("09062", &[], "terrorism"),
    ("0101", &[OffenceTag::Terrorism], "terrorism"),
];

/// Draws dossiers that differ, the same ones for the same seed.
#[derive(Debug)]
pub struct Generator {
    random: SeededRandom,
    drawn: u64,
}

impl Generator {
    /// The dossiers that belong to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: SeededRandom::new(seed),
            drawn: 0,
        }
    }

    /// The next one, and the unit that its declared offence leads to.
    pub fn draw(&mut self) -> (Dossier, &'static str) {
        self.drawn += 1;
        let (iccs, tags, unit) = CASES[self.below(CASES.len())];
        let mut dossier = coded(iccs, tags);
        dossier.bureau_reference = format!("E2E-{}", self.drawn);
        dossier.title = format!("Case {} of our own making", self.drawn);
        for extra in 0..self.below(6) {
            dossier
                .narrative
                .push_str(&format!(" Annex {extra} holds {} lines.", self.below(900)));
        }
        for number in 0..self.below(3) {
            dossier.persons.push(Person {
                status: PersonStatus::Witness.into(),
                family_name: format!("Witness {number}"),
                purpose_link: "Saw what happened.".to_owned(),
                ..Person::default()
            });
        }
        if self.below(8) == 0 {
            dossier = urgent(dossier);
        }
        (dossier, unit)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u64() % bound as u64).unwrap_or(0)
    }
}
