//! What is refused, and how completely it is said.

use liaison_grpc::Failure;
use liaison_proto::{common, intake};
use liaison_testkit::database::TestDatabase;
use liaison_types::{Language, Rule};
use tonic::Code;

use crate::samples::{dossier, submission};
use crate::world::{World, fields};

async fn world() -> World {
    World::new(TestDatabase::sqlite()).await
}

async fn complained(change: impl FnOnce(&mut intake::Dossier)) -> Vec<String> {
    let mut dossier = dossier();
    change(&mut dossier);
    let world = world().await;
    let fields = fields(world.submit("bureau/NB-FR", submission(dossier, 1)).await);
    assert_eq!(world.count("referral").await, 0);
    fields
}

#[tokio::test]
async fn nothing_at_all_is_every_required_field() {
    let world = world().await;
    let request = intake::SubmitReferralRequest::default();
    assert_eq!(
        fields(world.submit("bureau/NB-FR", request).await),
        ["request_id", "dossier"]
    );
    let request = intake::SubmitReferralRequest {
        dossier: Some(intake::Dossier::default()),
        request_id: "1".into(),
        validate_only: true,
    };
    assert_eq!(
        fields(world.submit("bureau/NB-FR", request).await),
        [
            "request_id",
            "dossier.bureau_reference",
            "dossier.kind",
            "dossier.authority",
            "dossier.offences",
            "dossier.title",
            "dossier.narrative",
            "dossier.occurrences",
            "dossier.purpose",
            "dossier.objective_reasons",
        ]
    );
}

#[tokio::test]
async fn facts_have_a_place_and_a_time() {
    let place = intake::Occurrence {
        place: "Rotterdam".into(),
        ..intake::Occurrence::default()
    };
    let time = intake::Occurrence {
        to: dossier().occurrences[0].from,
        ..intake::Occurrence::default()
    };
    let with = |occurrences: &[intake::Occurrence]| {
        let occurrences = occurrences.to_vec();
        complained(move |dossier| dossier.occurrences = occurrences)
    };
    assert_eq!(with(&[]).await, ["dossier.occurrences"]);
    assert_eq!(
        with(std::slice::from_ref(&place)).await,
        ["dossier.occurrences[0].from"]
    );
    assert_eq!(
        with(std::slice::from_ref(&time)).await,
        ["dossier.occurrences[0].place"]
    );
    let nothing = intake::Occurrence::default();
    assert_eq!(
        with(&[place.clone(), time.clone(), nothing]).await,
        ["dossier.occurrences[2]"]
    );
    let world = world().await;
    let mut complete = dossier();
    complete.occurrences = vec![place, time];
    let request = submission(complete, 1);
    world.submit("bureau/NB-FR", request).await.unwrap();
}

#[tokio::test]
async fn everything_wrong_is_said_at_once() {
    let found = complained(|dossier| {
        dossier.bureau_reference = "x".repeat(65);
        dossier.kind = 99;
        dossier
            .authority
            .as_mut()
            .unwrap()
            .authorising_officer
            .clear();
        dossier.offences = vec![
            common::Offence {
                iccs: "12x".into(),
                ..common::Offence::default()
            },
            common::Offence {
                tags: vec![17],
                ..common::Offence::default()
            },
        ];
        dossier.title = "left \u{202e}right".into();
        dossier.narrative = "nul \u{0}".into();
        dossier.language = 9;
        dossier.occurrences[0].country = "ZZ".into();
        dossier.occurrences[0].to = Some(prost_types::Timestamp::default());
        dossier.purpose = -1;
        dossier.persons[0].family_name.clear();
        dossier.persons[0].date_of_birth = "1984-02-30".into();
        dossier.persons[0].nationalities = vec!["Fr".into()];
        dossier.persons[1].purpose_link = " ".into();
        dossier.identifiers[0].value = "06 12 34 56 78".into();
        dossier.requested_actions = vec![0];
        dossier.objective_reasons = "x".repeat(2_001);
        dossier.urgency = Some(intake::UrgencyClaim {
            urgency: common::Urgency::Urgent.into(),
            ..intake::UrgencyClaim::default()
        });
        dossier.legal_basis = Some(intake::LegalBasis {
            authorisation_valid_until: Some(prost_types::Timestamp {
                seconds: 1,
                nanos: 0,
            }),
            ..intake::LegalBasis::default()
        });
        dossier.markings = Some(common::Markings {
            tlp: 42,
            ..common::Markings::default()
        });
        dossier.evaluation.as_mut().unwrap().source = "F".into();
        dossier.evidence[0].sha256.pop();
        dossier.evidence[0].size_bytes = -1;
    })
    .await;
    assert_eq!(
        found,
        [
            "dossier.bureau_reference",
            "dossier.kind",
            "dossier.authority.authorising_officer",
            "dossier.offences[0].iccs",
            "dossier.offences[1].iccs",
            "dossier.offences[1].tags[0]",
            "dossier.title",
            "dossier.narrative",
            "dossier.language",
            "dossier.occurrences[0].country",
            "dossier.occurrences[0].to",
            "dossier.purpose",
            "dossier.persons[0].family_name",
            "dossier.persons[0].date_of_birth",
            "dossier.persons[0].nationalities[0]",
            "dossier.persons[1].purpose_link",
            "dossier.identifiers[0].value",
            "dossier.requested_actions[0]",
            "dossier.objective_reasons",
            "dossier.urgency.ground",
            "dossier.urgency.reason",
            "dossier.legal_basis.provision",
            "dossier.legal_basis.authorisation_reference",
            "dossier.legal_basis.authorisation_issuer",
            "dossier.legal_basis.authorisation_valid_until",
            "dossier.markings.tlp",
            "dossier.evaluation.source",
            "dossier.evidence[0].size_bytes",
            "dossier.evidence[0].sha256",
        ]
    );
}

#[tokio::test]
async fn a_piece_of_evidence_is_marked_by_the_rules_of_a_referral() {
    let wrong = common::Markings {
        confidentiality: 9,
        handling: vec![common::HandlingCode::H3.into(), 17],
        tlp: 42,
        pap: -1,
        excluded_countries: vec!["ZZ".into()],
        excluded_units: vec!["terrorism".into(), "Cyber".into()],
        ..common::Markings::default()
    };
    let given = wrong.clone();
    let referral = complained(move |dossier| dossier.markings = Some(given)).await;
    assert_eq!(referral.len(), 7, "{referral:?}");
    let pieces = complained(move |dossier| {
        let piece = dossier.evidence[0].clone();
        let marked = |markings| intake::EvidenceEntry {
            markings: Some(markings),
            ..piece.clone()
        };
        let right = marked(common::Markings::default());
        dossier.evidence.extend([right, marked(wrong)]);
    })
    .await;
    let path = "dossier.evidence[2].markings";
    let expected: Vec<String> = referral
        .iter()
        .map(|field| field.replace("dossier.markings", path))
        .collect();
    assert_eq!(pieces, expected);
}

#[tokio::test]
async fn lists_are_bounded() {
    let found = complained(|dossier| {
        dossier.offences = vec![dossier.offences[0].clone(); 17];
        dossier.persons = vec![dossier.persons[0].clone(); 257];
        dossier.identifiers = vec![dossier.identifiers[0].clone(); 513];
        dossier.evidence = vec![dossier.evidence[0].clone(); 257];
        dossier.occurrences = vec![dossier.occurrences[0].clone(); 65];
    })
    .await;
    assert_eq!(
        found,
        [
            "dossier.offences",
            "dossier.occurrences",
            "dossier.persons",
            "dossier.identifiers",
            "dossier.evidence",
        ]
    );
}

#[tokio::test]
async fn a_narrative_of_four_mebibytes_is_too_long() {
    let world = world().await;
    let long = intake::Dossier {
        narrative: "a".repeat(4 << 20),
        ..dossier()
    };
    let status = world
        .submit("bureau/NB-FR", submission(long, 1))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let violations = Failure::read(&status).violations;
    let said = Rule::TooLong(200_000).text(Language::En);
    assert_eq!(violations, [("dossier.narrative".to_owned(), said)]);
    // Characters count, not bytes: the longest that is allowed is allowed in every script.
    let arabic = intake::Dossier {
        narrative: "ن".repeat(200_000),
        ..dossier()
    };
    assert!(
        world
            .submit("bureau/NB-FR", submission(arabic, 2))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_suspect_needs_a_name_unless_nobody_knows_it() {
    let unnamed = |unknown: bool| {
        move |dossier: &mut intake::Dossier| {
            dossier.persons[0].family_name.clear();
            dossier.persons[0].identity_unknown = unknown;
        }
    };
    assert_eq!(
        complained(unnamed(false)).await,
        ["dossier.persons[0].family_name"]
    );
    let mut nobody = dossier();
    unnamed(true)(&mut nobody);
    assert!(
        world()
            .await
            .submit("bureau/NB-FR", submission(nobody, 1))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn arbitrary_field_values_never_make_it_panic() {
    use liaison_testkit::environment::Environment;
    let world = world().await;
    let env = Environment::seeded(11);
    let texts = [
        "",
        " ",
        "\u{0}",
        "\u{202e}",
        "é",
        "+1",
        "2026-02-31",
        "ZZ",
        "9".repeat(70).leak(),
    ];
    let text = || texts[usize::try_from(env.below(texts.len() as u64)).unwrap()].to_owned();
    for number in 0..200 {
        let mut wild = dossier();
        wild.bureau_reference = text();
        wild.kind = i32::try_from(env.below(9)).unwrap() - 1;
        wild.title = text();
        wild.offences[0].iccs = text();
        wild.persons[0].date_of_birth = text();
        wild.persons[0].nationalities = vec![text(), text()];
        wild.identifiers[0].kind = i32::try_from(env.below(15)).unwrap();
        wild.identifiers[0].value = text();
        wild.evidence[0].media_type = text();
        wild.evaluation.as_mut().unwrap().scheme = text();
        wild.occurrences[0].from = Some(prost_types::Timestamp {
            seconds: i64::MAX - 1,
            nanos: -1,
        });
        // A dossier either is kept or is refused with what is wrong.
        if let Err(status) = world.submit("bureau/NB-FR", submission(wild, number)).await {
            assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        }
    }
}
