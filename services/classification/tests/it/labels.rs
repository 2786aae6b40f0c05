//! What the machine can learn from.

use liaison_classification::convert::{label, labels_request};
use liaison_grpc::wire;
use liaison_proto::classification::{CorrectionCause, Label, ListLabelsRequest};
use liaison_proto::event::TriageCause;
use liaison_proto::intake::ClassificationInput;
use liaison_testkit::both_backends;
use liaison_types::{Reason, ReferralId};

use crate::kit::{World, coded, duty_officer, vague};

async fn page(world: &World, request: &ListLabelsRequest) -> (Vec<Label>, String) {
    let page = labels_request(&duty_officer().party, request).unwrap();
    let (labels, token) = world.ops.list_labels(&page).await.unwrap();
    (labels.iter().map(label).collect(), token)
}

async fn all(world: &World) -> Vec<Label> {
    page(world, &ListLabelsRequest::default()).await.0
}

/// What the machine routes to `cyber`, for what the text says too.
fn hacked() -> ClassificationInput {
    ClassificationInput {
        narrative: "The hackers broke into the servers of the hospital with stolen passwords; \
            ransomware encrypted the records."
            .into(),
        ..coded("0903")
    }
}

async fn routed(world: &World) -> ReferralId {
    let referral = world.admit(hacked()).await;
    world.work().await;
    referral
}

async fn corrected(world: &World, referral: ReferralId, lead: &str) {
    let decision = world.latest(referral).await.id;
    world.correct(decision, lead, &["cyber"]).await.unwrap();
}

async fn contested(world: &World, referral: ReferralId, revision: i32) {
    let back = world.came_back(referral, revision, TriageCause::WrongUnit, &[]);
    world.deliver("routing", vec![back]).await;
}

both_backends! {
    /// Everything that a model is trained and measured with, and no word of the text.
    async fn a_label_names_both_answers(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = routed(&world).await;
        let decided = world.latest(referral).await;
        assert_eq!(all(&world).await, [], "nobody said anything");
        corrected(&world, referral, "terrorism").await;
        let standing = world.latest(referral).await;
        let labels = all(&world).await;
        let [label] = &labels[..] else {
            panic!("one label: {labels:?}");
        };
        assert_eq!(label.referral, wire::resource(referral));
        assert_eq!(label.cause(), CorrectionCause::Correction);
        assert_eq!((label.lead.as_str(), label.supporting.as_slice()), ("terrorism", &["cyber".to_owned()][..]));
        assert_eq!((&label.decision, &label.before), (&wire::resource(standing.id), &wire::resource(decided.id)));
        assert_eq!(label.language(), liaison_proto::common::Language::En);
        let machine = label.machine.as_ref().unwrap();
        assert_eq!((machine.decision.as_str(), machine.lead.as_str()), (label.before.as_str(), "cyber"));
        assert_eq!(machine.rule_set, decided.rule_set);
        assert!(machine.probability > 0.5, "{machine:?}");
        assert_eq!(machine.concepts, decided.concepts());
        assert!(!machine.concepts.is_empty());
        let told = format!("{labels:?}").to_lowercase();
        for word in ["hospital", "passwords", "found later", "d.officer", "2026-fr"] {
            assert!(!told.contains(word), "{word}");
        }
    }

    /// One label a referral: what was last said of it, once somebody has decided.
    async fn the_last_word_counts(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = routed(&world).await;
        corrected(&world, referral, "terrorism").await;
        contested(&world, referral, 2).await;
        assert_eq!(all(&world).await, [], "what was said is contested");
        world.rule(referral, "children-trafficking", &[]).await.unwrap();
        let leads = async || -> Vec<(CorrectionCause, String)> {
            all(&world).await.into_iter().map(|label| (label.cause(), label.lead)).collect()
        };
        assert_eq!(leads().await, [(CorrectionCause::WrongUnit, "children-trafficking".into())]);
        // Somebody else gets it who has room: it is still what it was said to be.
        let back = world.came_back(referral, 3, TriageCause::Declined, &["children-trafficking"]);
        world.deliver("routing", vec![back]).await;
        world.rule(referral, "narcotics-organized-crime", &[]).await.unwrap();
        assert_eq!(leads().await, [(CorrectionCause::WrongUnit, "children-trafficking".into())]);
    }

    /// What only the machine says has to be asked for; who gets it for want of room never is a label.
    async fn causes_are_chosen(database: TestDatabase) {
        let world = World::new(database).await;
        let (by_people, by_machine) = (routed(&world).await, routed(&world).await);
        corrected(&world, by_people, "terrorism").await;
        world.intake.has(by_machine, coded("0906"));
        let again = "UPDATE referral_case SET state = 'PENDING', due_at = 0 WHERE revision = 1";
        world.execute(again).await;
        world.work().await;
        let ruled = world.admit(vague()).await;
        world.work().await;
        world.rule(ruled, "terrorism", &[]).await.unwrap();
        let asked = async |causes: &[CorrectionCause]| -> Vec<String> {
            let causes = causes.iter().map(|cause| (*cause).into()).collect();
            let request = ListLabelsRequest { causes, ..ListLabelsRequest::default() };
            page(&world, &request).await.0.into_iter().map(|label| label.referral).collect()
        };
        let name = |referral| wire::resource::<ReferralId>(referral);
        assert_eq!(asked(&[]).await, [name(by_people), name(ruled)]);
        assert_eq!(asked(&[CorrectionCause::Amendment]).await, [name(by_machine)]);
        assert_eq!(asked(&[CorrectionCause::Ruling, CorrectionCause::Ruling]).await, [name(ruled)]);
        assert_eq!(asked(&[CorrectionCause::Confirmed]).await, [""; 0]);
        for wrong in [CorrectionCause::Reassigned.into(), 0, 99] {
            let request = ListLabelsRequest { causes: vec![wrong], ..ListLabelsRequest::default() };
            let error = labels_request(&duty_officer().party, &request).unwrap_err();
            assert_eq!(error.violation_list()[0].field, "causes[0]");
        }
    }

    /// Pages neither repeat nor leave out, and belong to their query; training traffic has to be asked for.
    async fn labels_come_in_pages(database: TestDatabase) {
        let world = World::new(database).await;
        let mut expected = Vec::new();
        for number in 0..7 {
            let referral = world.admit_as(hacked(), |sent| sent.exercise = number == 3).await;
            world.work().await;
            corrected(&world, referral, "terrorism").await;
            if number != 3 {
                expected.push(wire::resource(referral));
            }
        }
        let (mut found, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let request = ListLabelsRequest { page_size: 2, page_token, ..ListLabelsRequest::default() };
            let (labels, next) = page(&world, &request).await;
            found.extend(labels.into_iter().map(|label| label.referral));
            pages += 1;
            page_token = next;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!((found, pages), (expected, 3));
        let whole = ListLabelsRequest { include_exercises: true, ..ListLabelsRequest::default() };
        assert_eq!(page(&world, &whole).await.0.iter().filter(|label| label.exercise).count(), 1);
        let first = ListLabelsRequest { page_size: 1, ..ListLabelsRequest::default() };
        let (_, token) = page(&world, &first).await;
        let other = ListLabelsRequest {
            page_token: token,
            causes: vec![CorrectionCause::Correction.into()],
            ..ListLabelsRequest::default()
        };
        let error = labels_request(&duty_officer().party, &other).unwrap_err();
        assert_eq!(error.reason(), Reason::PageTokenMismatch);
    }
}
