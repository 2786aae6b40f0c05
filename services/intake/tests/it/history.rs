//! The chain of custody.

use liaison_custody::{Broken, Step, verify};
use liaison_grpc::wire;
use liaison_proto::intake::HistoryEntry;
use liaison_store::DbResult as _;
use liaison_testkit::both_backends;
use liaison_types::ReferralId;
use sea_orm::ConnectionTrait as _;

use crate::world::World;

/// Checks a history as its owner would, from nothing but what the API says.
pub(crate) fn verified(name: &str, entries: &[HistoryEntry]) -> Result<(), Broken> {
    let referral: ReferralId = wire::id(name).unwrap();
    verify(entries.iter().map(|entry| {
        let actor = entry.actor.as_ref().unwrap();
        let step = Step {
            referral,
            position: entry.position,
            at: wire::instant(entry.at.as_ref().unwrap()).unwrap(),
            step: wire::name(entry.step()),
            state: wire::name(entry.state()),
            party: &actor.party,
            officer: &actor.officer,
            unit: &entry.unit,
            detail: &entry.detail,
            content: entry.content.as_slice().try_into().ok(),
        };
        (step, entry.digest.clone().try_into().unwrap())
    }))
}

both_backends! {
    async fn a_history_verifies_and_tampering_shows(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.submitted(1).await.name;
        world.take(world.classified(&name, 1, 1)).await;
        world.grant(&name, "cyber").await;
        world.dossier("unit/cyber u.one", &name).await.unwrap();
        let history = world.history("bureau/NB-FR", &name).await.unwrap();
        assert_eq!(history.len(), 5);
        assert_eq!(verified(&name, &history), Ok(()));
        let mut tampered = history.clone();
        tampered[1].actor.as_mut().unwrap().officer = "nobody".into();
        assert_eq!(verified(&name, &tampered), Err(Broken::Altered(2)));
        let mut shortened = history;
        shortened.remove(2);
        assert_eq!(verified(&name, &shortened), Err(Broken::Gap(2)));
    }

    async fn the_table_takes_no_changes(database: TestDatabase) {
        let world = World::new(database).await;
        world.submitted(1).await;
        for text in ["UPDATE custody SET detail = 'x'", "DELETE FROM custody", "DELETE FROM audit"] {
            let refused = world
                .db
                .write_tx("test.tamper", |tx| {
                    Box::pin(async move { tx.execute_unprepared(text).await.db().map(|_| ()) })
                })
                .await;
            assert!(refused.is_err(), "{text}");
        }
    }
}
