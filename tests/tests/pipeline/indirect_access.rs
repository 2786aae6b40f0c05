//! A unit without direct access has three days for an urgent referral, and the bureau hears of it.

use e2e::{Suite, dossier, eventually, history, unit};
use liaison_proto::common::Clock;
use liaison_proto::event::ReferralStep;
use liaison_proto::routing::DeclareIndirectAccessRequest;

use std::time::Duration;

/// The rule, and how many hours after its start the clock runs out.
fn clock(clock: Option<&Clock>) -> (&str, i64) {
    let clock = clock.unwrap();
    let seconds = |at: &Option<prost_types::Timestamp>| at.as_ref().unwrap().seconds;
    let hours = (seconds(&clock.due_at) - seconds(&clock.started_at)) / 3_600;
    (&clock.rule, hours)
}

e2e::both_backends! {
    async fn eight_hours_become_three_days(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let cyber = suite.client("unit/cyber");
        let sent = bureau.submit(dossier::urgent(dossier::plain())).await.unwrap();
        assert_eq!(clock(sent.completion.as_ref()), ("completion.urgent.direct", 8));
        let (assignment, token) = unit::pull_one(&cyber).await;
        unit::accept(&cyber, &assignment.name, &token).await.unwrap();
        let declare = DeclareIndirectAccessRequest { name: assignment.name };
        let declared = cyber.routing().declare_indirect_access(declare).await.unwrap();
        let declared = declared.into_inner().assignment.unwrap();
        let extended = ("completion.urgent.indirect", 72);
        assert_eq!(clock(declared.completion.as_ref()), extended);
        let told = eventually(Duration::from_secs(30), || async {
            let told = history::told(&history::notifications(&bureau).await, &sent.name);
            let last = told.last().copied();
            last.filter(|(_, step)| *step == ReferralStep::IndirectAccessDeclared)
        })
        .await;
        let entries = history::read(&bureau, &sent.name).await;
        assert_eq!(entries[usize::try_from(told.0 - 1).unwrap()].unit, "cyber");
        let referral = bureau.referral(&sent.name).await.unwrap();
        assert_eq!(clock(referral.completion.as_ref()), extended);
    }
}
