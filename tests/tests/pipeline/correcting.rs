//! The duty desk corrects what was routed: whoever has not committed itself gives way, and there is never a
//! second lead.

use e2e::refusal::refused;
use e2e::{Client, PATIENCE, Suite, dossier, eventually, history, unit};
use liaison_proto::classification::{
    CorrectDecisionRequest, CorrectionCause, Decision, GetDriftFiguresRequest,
    GetTriageItemRequest, GetTriageItemResponse, Label, ListLabelsRequest,
};
use liaison_proto::common::{
    AssignmentRole, AssignmentState, DeclineReason, Outcome, ReferralState,
};
use liaison_proto::event::ReferralStep as S;
use liaison_types::Reason;
use tonic::{Code, Status};

use crate::triage::{decide, decision, item};

/// What the desk knows of `referral`.
pub(crate) async fn opened(desk: &Client, referral: &str) -> GetTriageItemResponse {
    let name = referral.replace("referrals/", "triageItems/");
    let request = GetTriageItemRequest { name };
    let answer = desk.classification().get_triage_item(request).await;
    answer.unwrap().into_inner()
}

async fn correct(desk: &Client, decision: &str, lead: &str) -> Result<Decision, Status> {
    let request = CorrectDecisionRequest {
        name: decision.to_owned(),
        lead: lead.to_owned(),
        supporting: Vec::new(),
        reason: "The seized phones show what they were for.".to_owned(),
        ..CorrectDecisionRequest::default()
    };
    let answer = desk.classification().correct_decision(request).await?;
    Ok(answer.into_inner().decision.unwrap())
}

pub(crate) async fn labels(desk: &Client) -> Vec<Label> {
    let request = ListLabelsRequest::default();
    let page = desk.classification().list_labels(request).await.unwrap();
    page.into_inner().labels
}

/// The units that have a share of `referral` that has not ended, with their parts.
async fn shares(desk: &Client, referral: &str) -> Vec<(String, AssignmentRole)> {
    use AssignmentState as State;
    let open = [
        State::Queued,
        State::Leased,
        State::Accepted,
        State::Completed,
    ];
    let all = unit::assignments(desk, &open).await;
    let mut shares: Vec<_> = all
        .into_iter()
        .filter(|share| share.referral == referral)
        .map(|share| (share.unit.clone(), share.role()))
        .collect();
    shares.sort();
    shares
}

e2e::both_backends! {
    async fn a_lead_that_has_not_accepted_gives_way(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let desk = suite.client("desk/triage").officer("t.duty");
        let cyber = suite.client("unit/cyber");
        let referral = bureau.submit(dossier::plain()).await.unwrap().name;
        let (pulled, token) = unit::pull_one(&cyber).await;
        let before = opened(&desk, &referral).await;
        assert_eq!((before.item, before.waits), (None, false));
        let machine = &before.decisions[0];
        assert_eq!(machine.lead, "cyber");

        refused(
            correct(&desk.nobody(), &machine.name, "terrorism").await,
            Code::PermissionDenied,
            Reason::OfficerRequired,
        );
        let corrected = correct(&desk, &machine.name, "terrorism").await.unwrap();
        assert_eq!(corrected.revision, 2);
        let terrorism = suite.client("unit/terrorism");
        let (theirs, their_token) = unit::pull_one(&terrorism).await;
        assert_eq!((theirs.referral.as_str(), theirs.role()), (referral.as_str(), AssignmentRole::Lead));
        assert_eq!(shares(&desk, &referral).await, [("terrorism".to_owned(), AssignmentRole::Lead)]);
        // It was taken back while it was leased: nobody can commit to it any more, nor read it.
        let late = unit::accept(&cyber, &pulled.name, &token).await;
        assert_eq!(late.unwrap_err().code(), Code::FailedPrecondition);
        suite.drained().await;
        refused(unit::open(&cyber, &referral).await, Code::NotFound, Reason::NotFound);
        unit::accept(&terrorism, &theirs.name, &their_token).await.unwrap();
        unit::complete(&terrorism, &theirs.name, Outcome::NoTrace).await.unwrap();
        let done = bureau.reaches(&referral, ReferralState::Completed).await;
        assert_eq!(done.lead_unit, "terrorism");

        suite.drained().await;
        let steps = history::read(&bureau, &referral).await;
        history::in_order(&steps, &[S::Classified, S::Routed, S::Classified, S::Routed, S::Completed]);
        let after = opened(&desk, &referral).await;
        assert_eq!(after.decisions[0].note, "The seized phones show what they were for.");
        assert_eq!(after.corrections[0].cause(), CorrectionCause::Correction);
        let said = &labels(&desk).await[0];
        assert_eq!((said.lead.as_str(), said.machine.as_ref().unwrap().lead.as_str()), ("terrorism", "cyber"));
    }

    /// Who has accepted keeps the lead, and the right unit is at its side with the dossier.
    async fn a_lead_that_has_accepted_stays(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let desk = suite.client("desk/triage").officer("t.duty");
        let (cyber, terrorism) = (suite.client("unit/cyber"), suite.client("unit/terrorism"));
        let referral = bureau.submit(dossier::plain()).await.unwrap().name;
        let (pulled, token) = unit::pull_one(&cyber).await;
        unit::accept(&cyber, &pulled.name, &token).await.unwrap();
        let machine = opened(&desk, &referral).await.decisions[0].name.clone();
        let corrected = correct(&desk, &machine, "terrorism").await.unwrap();
        let (theirs, _) = unit::pull_one(&terrorism).await;
        assert_eq!((theirs.referral.as_str(), theirs.role()), (referral.as_str(), AssignmentRole::Supporting));
        unit::open(&terrorism, &referral).await.unwrap();
        let expected = [("cyber".to_owned(), AssignmentRole::Lead), ("terrorism".to_owned(), AssignmentRole::Supporting)];
        assert_eq!(shares(&desk, &referral).await, expected);
        assert_eq!(bureau.referral(&referral).await.unwrap().lead_unit, "cyber");

        // Once the lead has completed, nothing is assigned; what was said is kept.
        unit::complete(&cyber, &pulled.name, Outcome::NoTrace).await.unwrap();
        correct(&desk, &corrected.name, "narcotics-organized-crime").await.unwrap();
        suite.drained().await;
        assert_eq!(shares(&desk, &referral).await, expected);
        let done = bureau.referral(&referral).await.unwrap();
        assert_eq!((done.state(), done.lead_unit.as_str()), (ReferralState::Completed, "cyber"));
        assert_eq!(labels(&desk).await[0].lead, "narcotics-organized-crime");
    }

    /// What a unit says comes back as a label once the desk has ruled, and counts against the machine.
    async fn a_wrong_unit_is_learned_from(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let desk = suite.client("desk/triage").officer("t.duty");
        let cyber = suite.client("unit/cyber");
        let referral = bureau.submit(dossier::plain()).await.unwrap().name;
        let (pulled, token) = unit::pull_one(&cyber).await;
        unit::decline(&cyber, &pulled.name, &token, DeclineReason::WrongUnit).await.unwrap();
        let item = item(&desk, &referral).await;
        let waits = opened(&desk, &referral).await;
        assert!(waits.waits);
        assert_eq!(waits.corrections[0].cause(), CorrectionCause::WrongUnit);
        assert_eq!((waits.corrections[0].before_lead.as_str(), waits.corrections[0].after.as_str()), ("cyber", ""));
        assert!(labels(&desk).await.is_empty());
        decide(&desk, decision(&item, "terrorism")).await.unwrap();
        let label = eventually(PATIENCE, || async { labels(&desk).await.pop() }).await;
        assert_eq!((label.cause(), label.referral), (CorrectionCause::WrongUnit, referral));
        assert_eq!(label.lead, "terrorism");

        for party in ["desk/triage", "operator/local"] {
            let request = GetDriftFiguresRequest::default();
            let client = suite.client(party);
            let figures = client.classification().get_drift_figures(request).await.unwrap();
            let figures = figures.into_inner().figures;
            assert_eq!((figures[0].decisions, figures[0].changed, figures.len()), (1, 1, 1));
        }
        let request = GetDriftFiguresRequest::default();
        let compliance = suite.client("desk/compliance");
        refused(
            compliance.classification().get_drift_figures(request).await,
            Code::PermissionDenied,
            Reason::CallerNotAllowed,
        );
    }
}
