//! Need-to-know.

use liaison_proto::event::AssignmentStep;
use liaison_proto::{common, intake};
use liaison_testkit::both_backends;
use tonic::Status;

use crate::samples::{dossier, submission};
use crate::world::{World, nowhere, reason};

/// A refusal as its caller gets it, byte for byte.
fn bytes<T: std::fmt::Debug>(result: Result<T, Status>) -> (i32, String, Vec<u8>, String) {
    let status = result.unwrap_err();
    let metadata = format!("{:?}", status.metadata());
    (
        status.code().into(),
        status.message().to_owned(),
        status.details().to_vec(),
        metadata,
    )
}

both_backends! {
    async fn what_is_hidden_does_not_exist(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        let nowhere = nowhere(&world);
        for stranger in ["bureau/NB-DE", "bureau/NB-FR-PJ1", "unit/cyber", "partner/customs", "desk/other"] {
            assert_eq!(
                bytes(world.get(stranger, &name).await),
                bytes(world.get(stranger, &nowhere).await),
                "{stranger}"
            );
            assert_eq!(
                bytes(world.history(stranger, &name).await),
                bytes(world.history(stranger, &nowhere).await),
            );
            assert_eq!(
                bytes(world.dossier(stranger, &name).await),
                bytes(world.dossier(stranger, &nowhere).await),
            );
            let request = intake::ListReferralsRequest::default();
            assert_eq!(world.list(stranger, request).await.unwrap().referrals, []);
        }
        for viewer in ["bureau/NB-FR", "desk/triage", "desk/compliance"] {
            assert_eq!(world.get(viewer, &name).await.unwrap().name, name);
        }
    }

    async fn refused_reads_are_kept_whether_or_not_it_exists(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        let nowhere = nowhere(&world);
        for name in [&name, &nowhere] {
            assert_eq!(reason(world.dossier("unit/cyber u.one", name).await), "NOT_FOUND");
            let last = world.audit(name).await.pop().unwrap().entry;
            assert_eq!((&*last.action, &*last.decision), ("intake.get_dossier", "REFUSE"));
            assert_eq!(last.officer.as_deref(), Some("u.one"));
            assert_eq!(last.purpose.as_deref(), Some("to work on it"));
        }
        assert_eq!(world.count("custody").await, 2);
        // Of what does not exist nothing could be asked.
        let decided = world.decided().await;
        assert_eq!(decided, ["intake.get_dossier view-dossier REFUSE", "intake.submit submit PERMIT"]);
    }

    async fn a_grant_opens_the_dossier_until_it_ends(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        let steps = [AssignmentStep::Created, AssignmentStep::Declined];
        let mut facts = world.assignment(&name, "cyber", common::AssignmentRole::Lead, &steps);
        let declined = facts.pop().unwrap();
        world.take(facts.pop().unwrap()).await;
        assert_eq!(world.dossier("unit/cyber u.one", &name).await.unwrap(), dossier());
        assert_eq!(world.get("unit/cyber", &name).await.unwrap().lead_unit, "cyber");
        assert_eq!(reason(world.get("unit/terrorism", &name).await), "NOT_FOUND");
        assert_eq!(world.steps(&name).await.last(), Some(&"DOSSIER_OPENED"));
        let opened = world.history("bureau/NB-FR", &name).await.unwrap().pop().unwrap();
        assert_eq!((&*opened.unit, &*opened.detail), ("cyber", "view.grant"));
        assert_eq!(opened.actor.unwrap().officer, "u.one");
        let told = world.outbox().await.pop().unwrap();
        assert_eq!((&*told.destination, told.event.sequence), ("notification", opened.position));

        world.take(declined).await;
        assert_eq!(reason(world.dossier("unit/cyber u.one", &name).await), "NOT_FOUND");
        assert_eq!(reason(world.get("unit/cyber", &name).await), "NOT_FOUND");
    }

    async fn an_exclusion_beats_a_grant(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        world.grant(&name, "terrorism").await;
        assert_eq!(reason(world.dossier("unit/terrorism", &name).await), "NOT_FOUND");
        let refused = world.audit(&name).await.pop().unwrap().entry;
        assert_eq!(refused.rules, ["markings.exclusion.unit"]);
    }

    async fn the_owners_own_reading_is_audited_and_no_step(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        world.dossier("bureau/NB-FR a.first", &name).await.unwrap();
        assert_eq!(world.steps(&name).await.len(), 2);
        let read = world.audit(&name).await.pop().unwrap().entry;
        assert_eq!((&*read.decision, &*read.rules[0]), ("PERMIT", "view.owner"));
    }

    async fn classification_reads_no_persons_and_is_audited(database: TestDatabase) {
        let world = World::new(database).await;
        let (first, second) = (world.submitted(1).await.name, world.submitted(2).await.name);
        let flagged = world
            .submit("bureau/NB-FR a.first", submission(crate::samples::flagged(), 3))
            .await
            .unwrap()
            .name;
        let names =
            vec![second.clone(), nowhere(&world), flagged.clone(), first.clone(), second.clone()];
        let inputs = world.inputs("service/classification", names.clone()).await.unwrap();
        let found: Vec<_> = inputs.iter().map(|input| input.referral.clone()).collect();
        assert_eq!(found, [second.clone(), first]);
        assert_eq!(inputs[0].narrative, dossier().narrative);
        assert_eq!(inputs[0].offences, dossier().offences);
        let read = world.audit(&second).await.pop().unwrap().entry;
        assert_eq!(&*read.action, "intake.get_classification_input");
        assert_eq!(world.audit(&flagged).await.len(), 1);
        for other in ["service/routing", "service/intake"] {
            let refused = world.inputs(other, names.clone()).await;
            assert_eq!(reason(refused), "CALLER_NOT_ALLOWED");
        }
    }

    async fn what_classification_reads_fits_a_message(database: TestDatabase) {
        let world = World::new(database).await;
        let mut left = Vec::new();
        for number in 0..12 {
            let long = intake::Dossier { narrative: "ن".repeat(200_000), ..dossier() };
            let answer = world.submit("bureau/NB-FR", submission(long, number)).await;
            left.push(answer.unwrap().name);
        }
        let mut rounds = 0;
        while !left.is_empty() {
            let inputs = world.inputs("service/classification", left.clone()).await.unwrap();
            let bytes: usize = inputs.iter().map(|input| input.narrative.len()).sum();
            assert!((1..=3 << 20).contains(&bytes), "{bytes}");
            let got: Vec<_> = inputs.into_iter().map(|input| input.referral).collect();
            assert_eq!(got, left[..got.len()]);
            left.drain(..got.len());
            rounds += 1;
        }
        assert_eq!(rounds, 2);
    }
}
