//! Texts that each hold a word that stands nowhere else.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use liaison_grpc::wire;
use liaison_proto::common::{HandlingCode, Offence};
use liaison_proto::intake::{
    Dossier, EvidenceEntry, Identifier, IdentifierKind, Occurrence, Person, PersonStatus,
    RequestingAuthority,
};
use liaison_types::Language;

use crate::dossier;

/// What a bureau calls its own referral. It is part of the envelope, and of nothing else.
pub const REFERENCE: &str = "kolibrifeder";
/// What a dossier is opened for. It stands in the audit, and nowhere else.
pub const PURPOSE: &str = "goldammernest";
/// Who acts for the bureau, for units, and for desks. Who did what is no content, but no label names them.
pub const OFFICERS: [&str; 3] = ["k.quastenflosser", "l.quastenflosser", "t.quastenflosser"];

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

/// The fields of other requests that hold what people wrote.
const SAID: [&str; 12] = [
    "ClassifyTextRequest.text",
    "ClassifyTextRequest.title",
    "CompleteAssignmentRequest.note",
    "CompleteTaskRequest.result",
    "CorrectDecisionRequest.reason",
    "CreateTaskRequest.title",
    "DecideConsentRequest.reason",
    "DecideReviewRequest.reason",
    "DecideTriageRequest.reason",
    "DeclineAssignmentRequest.note",
    "GetDossierRequest.purpose",
    "ShareReferralRequest.reason",
];

/// The words of one language. No two languages share one.
#[derive(Debug)]
pub struct Words {
    /// The language they are of.
    pub language: Language,
    said: Mutex<BTreeSet<&'static str>>,
}

impl Words {
    /// The words of `language`.
    #[must_use]
    pub fn of(language: Language) -> Self {
        Self {
            language,
            said: Mutex::default(),
        }
    }

    /// What every planted word begins with, but for those that have a form of their own.
    #[must_use]
    pub const fn canary(&self) -> &'static str {
        match self.language {
            Language::Ar => "صعوقنبرباز",
            Language::En => "zaunkoenig",
            Language::Es => "chochínazul",
            Language::Fr => "roitelètbleu",
        }
    }

    /// Everything that must be found nowhere: also as a text analysis would leave it, decomposed or
    /// without its accents.
    #[must_use]
    pub fn content(&self) -> Vec<&'static str> {
        let changed: &[&str] = match self.language {
            Language::Ar | Language::En => &[],
            Language::Es => &["chochinazul", "chochi\u{301}nazul"],
            Language::Fr => &["roiteletbleu", "roitele\u{300}tbleu"],
        };
        let all = changed.iter().chain(&FORMED).copied();
        all.chain([self.canary()]).collect()
    }

    fn word(&self, field: &str) -> String {
        let index = TEXTS.iter().position(|text| *text == field);
        let index = index.and_then(|index| u8::try_from(index).ok());
        let index = index.unwrap_or_else(|| panic!("{field} is no text"));
        let letter = char::from(b'a' + index);
        match field {
            "Dossier.bureau_reference" => format!("{REFERENCE}{letter}"),
            _ => format!("{}{letter}", self.canary()),
        }
    }

    /// A text for `field` of a request.
    ///
    /// # Panics
    /// Where that is no field for people's texts.
    #[must_use]
    pub fn said(&self, field: &str) -> String {
        let known = SAID.iter().find(|said| **said == field);
        let known = known.unwrap_or_else(|| panic!("{field} is not one that people write"));
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.insert(known);
        match *known {
            "GetDossierRequest.purpose" => format!("{PURPOSE} {}", field.len()),
            _ => format!("{} {field}", self.canary()),
        }
    }

    /// A text where none belongs: it is refused, and not repeated.
    #[must_use]
    pub fn wrong(&self) -> String {
        format!("{} is out of place", self.canary())
    }

    /// The fields that no text was given for yet.
    #[must_use]
    pub fn unsaid(&self) -> Vec<&'static str> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let unsaid = SAID.iter().filter(|field| !said.contains(*field));
        unsaid.copied().collect()
    }

    /// A dossier in which every text holds one, that is admitted, and that cyber leads.
    #[must_use]
    pub fn dossier(&self) -> Dossier {
        let word = |field| self.word(field);
        let mut dossier = dossier::urgent(dossier::plain());
        dossier.bureau_reference = word("Dossier.bureau_reference");
        dossier.title = word("Dossier.title");
        dossier.narrative = format!("On a day {} was seen.", word("Dossier.narrative"));
        dossier.language = wire::language(self.language).into();
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
            markings: dossier.markings.clone(),
            ..EvidenceEntry::default()
        }];
        dossier
    }

    /// The same with another declared offence.
    #[must_use]
    pub fn dossier_with(&self, iccs: &str) -> Dossier {
        let mut dossier = self.dossier();
        for offence in &mut dossier.offences {
            iccs.clone_into(&mut offence.iccs);
        }
        dossier
    }

    /// The same without a code: what it tells, in its language, decides.
    #[must_use]
    pub fn dossier_by_text(&self) -> Dossier {
        let told = match self.language {
            Language::Ar => {
                "استخدم القراصنة كلمات مرور مسروقة لاختراق خوادم المستشفى، وشفّر برنامج الفدية ملفات المرضى."
            }
            Language::En => {
                "The hackers used stolen passwords to break into the servers of the hospital. Ransomware \
                 encrypted patient records."
            }
            Language::Es => {
                "Los piratas informáticos usaron contraseñas robadas para entrar en los servidores del \
                 hospital. Un ransomware cifró los historiales de los pacientes."
            }
            Language::Fr => {
                "Les pirates informatiques ont utilisé des mots de passe volés pour entrer dans les serveurs \
                 de l'hôpital. Un rançongiciel a chiffré les dossiers des patients."
            }
        };
        let mut dossier = self.dossier_with("");
        let word = self.word("Dossier.narrative");
        dossier.narrative = format!("{word} {told} {word}");
        dossier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::{Needles, fields, requests};
    use prost::Message as _;

    /// Those that hold codes of closed lists, names of things, tokens, and digests, which say nothing.
    const CODES: [&str; 68] = [
        "AcceptAssignmentRequest.lease_token",
        "AcceptAssignmentRequest.name",
        "ClaimTaskRequest.name",
        "CompleteAssignmentRequest.name",
        "CompleteTaskRequest.name",
        "CorrectDecisionRequest.lead",
        "CorrectDecisionRequest.name",
        "CorrectDecisionRequest.supporting",
        "CreateTaskRequest.assignment",
        "CreateTaskRequest.request_id",
        "DecideConsentRequest.name",
        "DecideReviewRequest.etag",
        "DecideReviewRequest.name",
        "DecideTriageRequest.lead",
        "DecideTriageRequest.name",
        "DecideTriageRequest.supporting",
        "DeclareIndirectAccessRequest.name",
        "DeclineAssignmentRequest.lease_token",
        "DeclineAssignmentRequest.name",
        "Evaluation.information",
        "Evaluation.scheme",
        "Evaluation.source",
        "EndShareRequest.name",
        "EvidenceEntry.media_type",
        "EvidenceEntry.sha256",
        "ExplainDecisionRequest.by",
        "ExplainDecisionRequest.name",
        "ExplainDecisionRequest.officer",
        "ExplainDecisionRequest.party",
        "ExtendLeaseRequest.lease_token",
        "ExtendLeaseRequest.name",
        "GetAssignmentRequest.name",
        "GetCustodyBundleRequest.name",
        "GetDossierRequest.name",
        "GetReferralHistoryRequest.name",
        "GetReferralRequest.name",
        "GetTriageItemRequest.name",
        "ListAssignmentsRequest.page_token",
        "ListAuditEntriesRequest.page_token",
        "ListAuditEntriesRequest.party",
        "ListAuditEntriesRequest.subject",
        "ListConsentRequestsRequest.page_token",
        "ListDecisionsRequest.referral",
        "ListLabelsRequest.page_token",
        "ListNotificationsRequest.cursor",
        "ListReferralsRequest.page_token",
        "ListSharesRequest.page_token",
        "ListSharesRequest.parent",
        "ListTasksRequest.assignment",
        "ListTriageItemsRequest.page_token",
        "Markings.excluded_countries",
        "Markings.excluded_units",
        "Occurrence.country",
        "Offence.iccs",
        "Person.nationalities",
        "PurgeReferralRequest.etag",
        "PurgeReferralRequest.name",
        "PullAssignmentsRequest.desk",
        "RecomputeDecisionRequest.name",
        "ReleaseAssignmentRequest.lease_token",
        "ReleaseAssignmentRequest.name",
        "ShareReferralRequest.name",
        "ShareReferralRequest.recipient",
        "ShareReferralRequest.request_id",
        "SimulatePolicyRequest.page_token",
        "SimulatePolicyRequest.rule_set",
        "StreamNotificationsRequest.cursor",
        "SubmitReferralRequest.request_id",
    ];

    #[test]
    fn every_text_that_people_send_is_planted() {
        let known = TEXTS.iter().chain(&SAID).chain(&CODES);
        let known = known.map(|field| (*field).to_owned()).collect();
        assert_eq!(
            fields(requests()),
            known,
            "a field that people write goes to TEXTS and gets its word in `dossier`, or to SAID and is said in \
             `lived`; one of a closed list goes to CODES"
        );
    }

    #[test]
    fn every_text_of_a_dossier_has_its_word() {
        for language in Language::ALL {
            let words = Words::of(language);
            for dossier in [words.dossier(), words.dossier_by_text()] {
                let encoded = String::from_utf8_lossy(&dossier.encode_to_vec()).into_owned();
                for text in TEXTS.map(|text| words.word(text)).into_iter() {
                    assert!(encoded.contains(&text), "{text} is not planted");
                }
                for formed in FORMED {
                    assert!(encoded.contains(formed), "{formed} is not planted");
                }
            }
            let needles = Needles::of(words.content());
            for other in Language::ALL.into_iter().filter(|other| *other != language) {
                let canary = Words::of(other).canary();
                assert_eq!(needles.find(canary.as_bytes()), None, "{canary}");
            }
        }
    }
}
