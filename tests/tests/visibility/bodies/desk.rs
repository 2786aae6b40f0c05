//! Requests of the triage desk.

use liaison_proto::classification::{
    CorrectDecisionRequest, GetDriftFiguresRequest, GetTriageItemRequest, ListDecisionsRequest,
    ListLabelsRequest, ListTriageItemsRequest, RecomputeDecisionRequest,
};
use prost::Message as _;

use super::{Asked, Bodies, token};
use crate::world::ruling;

pub(crate) fn list_decisions(asked: &Asked<'_>) -> Bodies {
    let referral = asked.world.referral(asked.about);
    bodies![ListDecisionsRequest { referral }]
}

pub(crate) fn recompute_decision(asked: &Asked<'_>) -> Bodies {
    let name = asked.world.decision(asked.about);
    bodies![RecomputeDecisionRequest { name }]
}

pub(crate) fn list_triage_items(asked: &Asked<'_>) -> Bodies {
    let request = ListTriageItemsRequest {
        page_token: token(asked, "ListTriageItems"),
        ..ListTriageItemsRequest::default()
    };
    let wrong = ListTriageItemsRequest {
        page_size: -1,
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn get_triage_item(asked: &Asked<'_>) -> Bodies {
    let name = asked.world.item(asked.about);
    bodies![GetTriageItemRequest { name }]
}

pub(crate) fn list_labels(asked: &Asked<'_>) -> Bodies {
    let request = ListLabelsRequest {
        page_token: token(asked, "ListLabels"),
        ..ListLabelsRequest::default()
    };
    let wrong = ListLabelsRequest {
        page_size: -1,
        ..request.clone()
    };
    let never = ListLabelsRequest {
        causes: vec![99],
        ..request.clone()
    };
    bodies![request, wrong, never]
}

pub(crate) fn get_drift_figures(_: &Asked<'_>) -> Bodies {
    bodies![
        GetDriftFiguresRequest::default(),
        GetDriftFiguresRequest { weeks: -1 },
    ]
}

pub(crate) fn correct_decision(asked: &Asked<'_>) -> Bodies {
    let request = CorrectDecisionRequest {
        name: asked.world.decision(asked.about),
        lead: "terrorism".to_owned(),
        supporting: Vec::new(),
        reason: "Read again.".to_owned(),
        refusal_ground: 0,
    };
    let mut wrong = request.clone();
    wrong.reason.clear();
    let mut unknown = request.clone();
    unknown.lead = "elsewhere".to_owned();
    bodies![request, wrong, unknown]
}

pub(crate) fn decide_triage(asked: &Asked<'_>) -> Bodies {
    let request = ruling(asked.world.item(asked.about), "terrorism");
    let mut wrong = request.clone();
    wrong.reason.clear();
    let unknown = ruling(asked.world.item(asked.about), "elsewhere");
    bodies![request, wrong, unknown]
}
