//! Decisions of the machine are made again, and come out the same or say why not.

use liaison_classification::artefacts::register::{Source, at_start};
use liaison_classification::artefacts::watch::Watch;
use liaison_classification::ops::{Recomputation, Recomputed};
use liaison_proto::intake::ClassificationInput;
use liaison_store::DbBackend;
use liaison_testkit::both_backends;
use liaison_types::{DecisionId, Reason, ReferralId};

use crate::kit::{Folder, Operator, World, coded, duty_officer, vague};

/// Cocaine in a container, told in two languages.
fn told() -> ClassificationInput {
    ClassificationInput {
        title: "Contenedor".into(),
        narrative: "La policía encontró 400 kg de cocaína en un contenedor. The drugs were hidden \
                    among bananas."
            .into(),
        ..vague()
    }
}

/// The decision of the machine on `referral`.
async fn machine(world: &World, referral: ReferralId) -> DecisionId {
    let decided = world.ops.list_decisions(referral).await.unwrap();
    decided
        .iter()
        .find(|decided| decided.by.is_none())
        .unwrap()
        .id
}

async fn again(world: &World, id: DecisionId) -> Recomputed {
    let by = duty_officer();
    world
        .ops
        .recompute_decision(&by.party, Some(&by.officer), id)
        .await
        .unwrap()
}

async fn registered(world: &World) {
    let environment = &world.environment;
    let (clock, random) = (environment.clock(), environment.random());
    at_start(&world.db, clock.as_ref(), random.as_ref(), Source::Embedded)
        .await
        .unwrap();
}

both_backends! {
    /// Whether policy, a person, or a newer rule set had another say since.
    async fn it_comes_out_the_same_after_a_newer_rule_set_was_activated(database: TestDatabase) {
        let world = World::new(database).await;
        registered(&world).await;
        let referrals = [
            world.admit(coded("0903")).await,
            world.admit(told()).await,
            world.admit(vague()).await,
            world.admit_as(coded("0903"), |envelope| {
                let markings = envelope.markings.get_or_insert_default();
                markings.excluded_units = vec!["cyber".into()];
            })
            .await,
        ];
        world.work().await;
        world.rule(referrals[2], "terrorism", &[]).await.unwrap();
        let mut made = Vec::new();
        for referral in referrals {
            let id = machine(&world, referral).await;
            let recomputed = again(&world, id).await;
            assert_eq!((recomputed.result, recomputed.again), (Recomputation::Same, None));
            assert_eq!(recomputed.digest, recomputed.decided.making.map(|making| making.decision));
            made.push(id);
        }

        let operator = Operator::on(&world.database, &world.environment);
        operator.add(&Folder::new("newer", "terrorism")).await.unwrap();
        operator.activate("newer").await.unwrap();
        Watch::new(world.db.clone(), world.rules.clone()).look().await.unwrap();
        let newer = world.admit(coded("0903")).await;
        world.work().await;
        let decided = world.ops.list_decisions(newer).await.unwrap();
        assert_eq!(decided[0].lead.as_ref().unwrap().as_str(), "terrorism");
        assert_eq!(again(&world, decided[0].id).await.result, Recomputation::Same);
        for id in made {
            let recomputed = again(&world, id).await;
            assert_eq!(recomputed.result, Recomputation::Same);
            assert_ne!(recomputed.decided.rule_set, "newer");
        }
        // Nothing was changed, and all of it is in the audit.
        assert_eq!(world.count("audit WHERE action = 'classification.recompute' AND purpose LIKE 'classifications/%: SAME' AND officer = 'd.officer'").await, 9);
        assert_eq!(world.count("decision").await, 6);
    }

    async fn an_amended_input_is_found(database: TestDatabase) {
        let world = World::new(database).await;
        registered(&world).await;
        let referral = world.admit(told()).await;
        world.work().await;
        let id = machine(&world, referral).await;
        for amended in [
            ClassificationInput { title: "Otro contenedor".into(), ..told() },
            ClassificationInput { offences: coded("0903").offences, ..told() },
            ClassificationInput { offences: coded("99").offences, ..told() },
        ] {
            world.intake.has(referral, amended);
            let recomputed = again(&world, id).await;
            assert_eq!((recomputed.result, recomputed.digest), (Recomputation::InputChanged, None));
        }
        world.intake.has(referral, told());
        assert_eq!(again(&world, id).await.result, Recomputation::Same);
    }

    async fn what_cannot_be_made_again_says_why(database: TestDatabase) {
        let mut world = World::new(database).await;
        let (one, other) = (world.admit(told()).await, world.admit(vague()).await);
        world.work().await;
        let (one, id) = (machine(&world, one).await, machine(&world, other).await);
        world.rule(other, "terrorism", &[]).await.unwrap();
        let ruled = world.ops.list_decisions(other).await.unwrap()[0].id;
        assert_eq!(again(&world, ruled).await.result, Recomputation::NotRecorded);

        // It is in use; then another is, and this one is not kept.
        assert_eq!(again(&world, one).await.result, Recomputation::Same);
        let build = world.rules.in_use();
        world.decide_by(Folder::new("another", "cyber").loaded());
        assert_eq!(again(&world, one).await.result, Recomputation::RuleSetUnknown);
        world.decide_by(std::sync::Arc::clone(&build.active));

        let zero = match world.db.backend() {
            DbBackend::Postgres => "decode(repeat('00', 32), 'hex')",
            _ => "zeroblob(32)",
        };
        world.execute(&format!("UPDATE decision SET decision_digest = {zero} WHERE revision = 1")).await;
        let recomputed = again(&world, one).await;
        assert_eq!(recomputed.result, Recomputation::Different);
        let came = recomputed.again.unwrap();
        assert_eq!((came.lead, came.revision), (recomputed.decided.lead, 0));

        world.deliver("intake", vec![world.purged(other)]).await;
        assert_eq!(again(&world, id).await.result, Recomputation::InputGone);
        let by = duty_officer().party;
        let unknown = DecisionId::new(world.environment.now(), world.environment.random().as_ref());
        let refused = world.ops.recompute_decision(&by, None, unknown).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::NotFound);
        world.stop_intake().await;
        let refused = world.ops.recompute_decision(&by, None, one).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::Unavailable);
    }
}
