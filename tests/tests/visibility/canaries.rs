//! A dossier in which every text is a word that stands nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use e2e::dossier;
use liaison_proto::FILE_DESCRIPTOR_SET;
use liaison_proto::common::{HandlingCode, Language, Offence};
use liaison_proto::intake::{
    Dossier, EvidenceEntry, Identifier, IdentifierKind, Occurrence, Person, PersonStatus,
    RequestingAuthority,
};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;

/// Begins every planted word but those that have a form of their own.
pub(crate) const CANARY: &str = "zaunkoenig";

/// Words with a form of their own.
const FORMED: [&str; 3] = ["1931-07-23", "+41795550173", "bb41e9c05d77"];

/// The fields of a dossier that hold what people wrote. Each holds a word of its own.
const TEXTS: [&str; 24] = [
    "Dossier.bureau_reference",
    "Dossier.title",
    "Dossier.narrative",
    "Dossier.objective_reasons",
    "RequestingAuthority.name",
    "RequestingAuthority.address",
    "RequestingAuthority.authorising_officer",
    "Offence.national_provision",
    "Occurrence.place",
    "Person.family_name",
    "Person.given_names",
    "Person.aliases",
    "Person.purpose_link",
    "Person.document",
    "Identifier.value",
    "UrgencyClaim.reason",
    "LegalBasis.provision",
    "LegalBasis.authorisation_reference",
    "LegalBasis.authorisation_issuer",
    "Markings.handling_text",
    "EvidenceEntry.label",
    "EvidenceEntry.collected_by",
    "EvidenceEntry.locator",
    "Person.date_of_birth",
];

/// Those that hold codes of closed lists, and the digest, which says nothing.
const CODES: [&str; 10] = [
    "Offence.iccs",
    "Occurrence.country",
    "Person.nationalities",
    "Markings.excluded_countries",
    "Markings.excluded_units",
    "Evaluation.scheme",
    "Evaluation.source",
    "Evaluation.information",
    "EvidenceEntry.media_type",
    "EvidenceEntry.sha256",
];

/// The word of a text.
fn word(field: &str) -> String {
    let index = TEXTS.iter().position(|text| *text == field);
    let index = u8::try_from(index.unwrap_or_else(|| panic!("{field} is no text"))).unwrap();
    format!("{CANARY}{}", char::from(b'a' + index))
}

/// The word of a text that is no part of the dossier.
pub(crate) fn said(where_: &str) -> String {
    format!("{CANARY} {where_}")
}

/// Everything that must be found nowhere, in lower case.
pub(crate) fn planted() -> Vec<String> {
    let formed = FORMED.map(str::to_owned);
    formed.into_iter().chain([CANARY.to_owned()]).collect()
}

/// A dossier full of them that is admitted, and that cyber leads.
pub(crate) fn sent() -> Dossier {
    let mut dossier = dossier::urgent(dossier::plain());
    dossier.bureau_reference = word("Dossier.bureau_reference");
    dossier.title = word("Dossier.title");
    dossier.narrative = format!("On a day {} was seen.", word("Dossier.narrative"));
    dossier.language = Language::En.into();
    dossier.objective_reasons = word("Dossier.objective_reasons");
    dossier.authority = Some(RequestingAuthority {
        name: word("RequestingAuthority.name"),
        address: word("RequestingAuthority.address"),
        authorising_officer: word("RequestingAuthority.authorising_officer"),
    });
    dossier.offences = vec![Offence {
        national_provision: word("Offence.national_provision"),
        ..dossier.offences[0].clone()
    }];
    dossier.occurrences = vec![Occurrence {
        place: word("Occurrence.place"),
        ..dossier.occurrences[0].clone()
    }];
    dossier.persons = vec![Person {
        status: PersonStatus::Witness.into(),
        family_name: word("Person.family_name"),
        given_names: word("Person.given_names"),
        aliases: vec![word("Person.aliases")],
        date_of_birth: FORMED[0].to_owned(),
        purpose_link: format!(
            "{} {}",
            word("Person.purpose_link"),
            word("Person.date_of_birth")
        ),
        document: word("Person.document"),
        ..Person::default()
    }];
    let identifier = |kind: IdentifierKind, value: String| Identifier {
        kind: kind.into(),
        value,
    };
    let user = word("Identifier.value");
    dossier.identifiers = vec![
        identifier(IdentifierKind::Username, user.clone()),
        identifier(IdentifierKind::Email, format!("{user}@example.org")),
        identifier(IdentifierKind::Phone, FORMED[1].to_owned()),
        identifier(IdentifierKind::Wallet, FORMED[2].to_owned()),
    ];
    if let Some(urgency) = &mut dossier.urgency {
        urgency.reason = word("UrgencyClaim.reason");
    }
    if let Some(basis) = &mut dossier.legal_basis {
        basis.provision = word("LegalBasis.provision");
        basis.authorisation_reference = word("LegalBasis.authorisation_reference");
        basis.authorisation_issuer = word("LegalBasis.authorisation_issuer");
        // The end of 2099.
        basis.authorisation_valid_until = Some(prost_types::Timestamp {
            seconds: 4_102_444_799,
            nanos: 0,
        });
    }
    if let Some(markings) = &mut dossier.markings {
        markings.handling = vec![HandlingCode::H3.into()];
        markings.handling_text = word("Markings.handling_text");
    }
    dossier.evidence = vec![EvidenceEntry {
        label: word("EvidenceEntry.label"),
        media_type: "image/png".to_owned(),
        size_bytes: 1,
        sha256: vec![7; 32],
        collected_by: word("EvidenceEntry.collected_by"),
        locator: word("EvidenceEntry.locator"),
        ..EvidenceEntry::default()
    }];
    dossier
}

/// Every field of text or bytes that a dossier may have, as `Message.field`.
fn fields() -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let messages: BTreeMap<String, _> = set
        .file
        .iter()
        .flat_map(|file| {
            let name = |message: &str| format!(".{}.{message}", file.package());
            file.message_type
                .iter()
                .map(move |message| (name(message.name()), message))
        })
        .collect();
    let (mut fields, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open = vec![".liaison.intake.v1.Dossier".to_owned()];
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let message = messages[&name];
        for field in &message.field {
            match field.r#type() {
                Type::String | Type::Bytes => {
                    fields.insert(format!("{}.{}", message.name(), field.name()));
                }
                Type::Message => open.push(field.type_name().to_owned()),
                _ => {}
            }
        }
    }
    fields
}

#[test]
fn every_text_of_a_dossier_is_planted() {
    let known: BTreeSet<String> = TEXTS
        .iter()
        .chain(&CODES)
        .map(|field| (*field).to_owned())
        .collect();
    assert_eq!(
        fields(),
        known,
        "a field that people write goes to TEXTS of tests/tests/visibility/canaries.rs and gets its word in \
         `sent`, one of a closed list to CODES"
    );
    let encoded = String::from_utf8_lossy(&sent().encode_to_vec()).into_owned();
    for text in TEXTS {
        assert!(encoded.contains(&word(text)), "{text} is not planted");
    }
    for formed in FORMED {
        assert!(encoded.contains(formed), "{formed} is not planted");
    }
}
