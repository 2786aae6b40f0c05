//! A referral is opened at the triage desk.

use liaison_classification::convert;
use liaison_grpc::wire;
use liaison_policy::{Policy, RuleSet};
use liaison_proto::common::{Confidentiality as ProtoConfidentiality, Markings, Offence};
use liaison_proto::event::{Envelope, TriageCause};
use liaison_proto::intake::ClassificationInput;
use liaison_testkit::both_backends;
use liaison_types::{Confidentiality, Reason};

use crate::kit::{World, coded, vague};

/// A text that says what it is about, under a code that says nothing.
fn told() -> ClassificationInput {
    ClassificationInput {
        offences: vec![Offence {
            national_provision: "Article 12".into(),
            ..Offence::default()
        }],
        narrative: "Officers found 400 kg of cocaine hidden between the bananas in a shipping \
            container; the smugglers belong to a cartel."
            .into(),
        ..coded("")
    }
}

fn marked(confidentiality: ProtoConfidentiality) -> impl FnOnce(&mut Envelope) {
    move |envelope| {
        envelope.markings = Some(Markings {
            confidentiality: confidentiality.into(),
            ..Markings::default()
        });
    }
}

both_backends! {
    /// Everything that was decided and said, in one answer; the note is there, and the text is not.
    async fn the_desk_opens_what_waits_and_what_was_decided(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(vague()).await;
        world.work().await;
        let waiting = convert::opened(&world.open(referral).await.unwrap());
        assert!(waiting.waits);
        assert_eq!((waiting.decisions.len(), waiting.corrections.len()), (1, 0));
        let item = waiting.item.unwrap();
        assert_eq!(item.name, format!("triageItems/{referral}"));
        assert_eq!(item.proposal.as_ref(), Some(&waiting.decisions[0]));

        world.rule(referral, "terrorism", &[]).await.unwrap();
        let back = world.came_back(referral, 2, TriageCause::WrongUnit, &["terrorism"]);
        world.deliver("routing", vec![back]).await;
        let opened = convert::opened(&world.open(referral).await.unwrap());
        assert!(opened.waits);
        assert_eq!(opened.item.unwrap().excluded_units, ["terrorism"]);
        let notes: Vec<&str> = opened.decisions.iter().map(|one| one.note.as_str()).collect();
        assert_eq!(notes, ["as the facts say", ""]);
        let said: Vec<(&str, &str)> = opened
            .corrections
            .iter()
            .map(|one| (one.before.as_str(), one.after.as_str()))
            .collect();
        let [ruled, proposed] = &opened.decisions[..] else {
            panic!("two decisions");
        };
        assert_eq!(said, [(ruled.name.as_str(), ""), (proposed.name.as_str(), ruled.name.as_str())]);
        world.rule(referral, "cyber", &[]).await.unwrap();
        assert!(!convert::opened(&world.open(referral).await.unwrap()).waits);
    }

    /// What the machine routed never was at the desk; it can be opened all the same, to be corrected.
    async fn what_was_routed_has_no_item(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(told()).await;
        world.work().await;
        let opened = convert::opened(&world.open(referral).await.unwrap());
        assert_eq!((opened.item, opened.waits), (None, false));
        let [decision] = &opened.decisions[..] else {
            panic!("one decision");
        };
        assert!(!decision.suggestions.is_empty(), "the text suggests an offence");
        assert!(decision.suggestions[0].iccs.starts_with("06"), "{:?}", decision.suggestions);
        assert!(!decision.reasons.is_empty());
        // Before the machine has decided there is no decision, and nothing is wrong with that.
        let referral = world.admit(told()).await;
        let opened = world.open(referral).await.unwrap();
        assert_eq!((opened.item, opened.decisions.len()), (None, 0));
    }

    /// Each opening is in the audit with what policy looked at.
    async fn openings_are_in_the_audit(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit_as(coded("0903"), marked(ProtoConfidentiality::Restricted)).await;
        world.open(referral).await.unwrap();
        world.open(referral).await.unwrap();
        let opened = "classification.get_triage_item view-dossier PERMIT";
        assert_eq!(world.decided().await, [opened, opened]);
        let rows = format!("audit WHERE officer = 'd.officer' AND subject = '{}'", wire::resource(referral));
        assert_eq!(world.count(&rows).await, 2);
        let nobody = world.open(world.referral()).await.unwrap_err();
        assert_eq!(nobody.reason(), Reason::NotFound);
        assert_eq!(world.count("audit").await, 2);
    }

    /// A desk whose clearance does not reach is answered as if there were nothing, which is kept.
    async fn what_is_marked_too_high_is_hidden(database: TestDatabase) {
        let cleared = [("desk/triage".parse().unwrap(), Confidentiality::OfficialUseOnly)];
        let policy = Policy::new(RuleSet::built_in().clone(), cleared.into_iter().collect());
        let world = World::with(database, 8, policy).await;
        let referral = world.admit_as(vague(), marked(ProtoConfidentiality::Restricted)).await;
        let open = world.admit(vague()).await;
        let hidden = world.open(referral).await.unwrap_err();
        assert_eq!(hidden.reason(), Reason::NotFound);
        world.open(open).await.unwrap();
        assert_eq!(world.decided().await, [
            "classification.get_triage_item view-dossier PERMIT",
            "classification.get_triage_item view-dossier REFUSE",
        ]);
    }
}
