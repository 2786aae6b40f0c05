//! The gRPC service: who calls → read → do → answer.

use liaison_grpc::Caller;
use liaison_proto::classification::classification_service_server::ClassificationService;
use liaison_proto::classification::{
    ClassifyTextRequest, ClassifyTextResponse, CorrectDecisionRequest, CorrectDecisionResponse,
    DecideTriageRequest, DecideTriageResponse, GetDriftFiguresRequest, GetDriftFiguresResponse,
    GetTriageItemRequest, GetTriageItemResponse, ListDecisionsRequest, ListDecisionsResponse,
    ListLabelsRequest, ListLabelsResponse, ListTriageItemsRequest, ListTriageItemsResponse,
    RecomputeDecisionRequest, RecomputeDecisionResponse,
};
use liaison_types::Result;
use tonic::{Request, Response, Status};

use crate::case::Actor;
use crate::convert;
use crate::ops::Ops;

/// Answers calls.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    ops: Ops,
}

impl Api {
    pub(crate) const fn new(ops: Ops) -> Self {
        Self { ops }
    }

    async fn text(&self, request: ClassifyTextRequest) -> Result<ClassifyTextResponse> {
        let decided = self.ops.classify_text(convert::text(request)?).await?;
        Ok(ClassifyTextResponse {
            decision: Some(convert::decision(&decided)),
        })
    }

    async fn decisions(
        &self,
        caller: &Caller,
        request: &ListDecisionsRequest,
    ) -> Result<ListDecisionsResponse> {
        self.ops.at_the_desk(caller.party())?;
        let referral = convert::referral(request)?;
        let decided = self.ops.list_decisions(referral).await?;
        Ok(ListDecisionsResponse {
            decisions: decided.iter().map(convert::listed).collect(),
        })
    }

    async fn items(
        &self,
        caller: &Caller,
        request: &ListTriageItemsRequest,
    ) -> Result<ListTriageItemsResponse> {
        self.ops.at_the_desk(caller.party())?;
        let page = convert::page_request(caller.party(), request)?;
        let (waiting, next_page_token) = self.ops.list_triage_items(&page).await?;
        Ok(ListTriageItemsResponse {
            items: waiting.iter().map(convert::waiting).collect(),
            next_page_token,
        })
    }

    async fn open(
        &self,
        caller: &Caller,
        request: &GetTriageItemRequest,
    ) -> Result<GetTriageItemResponse> {
        self.ops.at_the_desk(caller.party())?;
        let (party, officer) = (caller.party(), caller.officer());
        let referral = convert::opened_item(request)?;
        let opened = self.ops.get_triage_item(party, officer, referral).await?;
        Ok(convert::opened(&opened))
    }

    async fn correct(
        &self,
        caller: &Caller,
        request: &CorrectDecisionRequest,
    ) -> Result<CorrectDecisionResponse> {
        self.ops.at_the_desk(caller.party())?;
        let by = officer(caller)?;
        let correcting = convert::correcting(request)?;
        let decided = self.ops.correct_decision(&by, &correcting).await?;
        Ok(CorrectDecisionResponse {
            decision: Some(convert::decision(&decided)),
        })
    }

    async fn labels(
        &self,
        caller: &Caller,
        request: &ListLabelsRequest,
    ) -> Result<ListLabelsResponse> {
        self.ops.at_the_desk(caller.party())?;
        let page = convert::labels_request(caller.party(), request)?;
        let (labels, next_page_token) = self.ops.list_labels(&page).await?;
        Ok(ListLabelsResponse {
            labels: labels.iter().map(convert::label).collect(),
            next_page_token,
        })
    }

    /// Numbers of no referral: who may ask, the access table says.
    async fn drift(&self, request: &GetDriftFiguresRequest) -> Result<GetDriftFiguresResponse> {
        let weeks = convert::weeks(request)?;
        let figures = self.ops.get_drift_figures(weeks).await?;
        Ok(GetDriftFiguresResponse {
            figures: figures.iter().map(convert::week).collect(),
        })
    }

    async fn rule(
        &self,
        caller: &Caller,
        request: &DecideTriageRequest,
    ) -> Result<DecideTriageResponse> {
        self.ops.at_the_desk(caller.party())?;
        let by = officer(caller)?;
        let ruling = convert::ruling(request)?;
        let decided = self.ops.decide_triage(&by, &ruling).await?;
        Ok(DecideTriageResponse {
            decision: Some(convert::decision(&decided)),
        })
    }

    async fn recompute(
        &self,
        caller: &Caller,
        request: &RecomputeDecisionRequest,
    ) -> Result<RecomputeDecisionResponse> {
        self.ops.at_the_desk(caller.party())?;
        let id = convert::decision_name(request)?;
        let (party, officer) = (caller.party(), caller.officer());
        let recomputed = self.ops.recompute_decision(party, officer, id).await?;
        Ok(convert::recomputed(&recomputed))
    }
}

/// The officer who acts for `caller`.
fn officer(caller: &Caller) -> Result<Actor> {
    Ok(Actor {
        officer: caller.required_officer()?.to_owned(),
        party: caller.party().clone(),
    })
}

/// The answer to `caller`.
fn answer<T>(caller: &Caller, result: Result<T>) -> Result<Response<T>, Status> {
    result
        .map(Response::new)
        .map_err(|error| caller.status(&error))
}

#[tonic::async_trait]
impl ClassificationService for Api {
    async fn classify_text(
        &self,
        request: Request<ClassifyTextRequest>,
    ) -> Result<Response<ClassifyTextResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        answer(&caller, self.text(request.into_inner()).await)
    }

    async fn list_decisions(
        &self,
        request: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        answer(&caller, self.decisions(&caller, request.get_ref()).await)
    }

    async fn list_triage_items(
        &self,
        request: Request<ListTriageItemsRequest>,
    ) -> Result<Response<ListTriageItemsResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        answer(&caller, self.items(&caller, request.get_ref()).await)
    }

    async fn get_triage_item(
        &self,
        request: Request<GetTriageItemRequest>,
    ) -> Result<Response<GetTriageItemResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        answer(&caller, self.open(&caller, request.get_ref()).await)
    }

    async fn decide_triage(
        &self,
        request: Request<DecideTriageRequest>,
    ) -> Result<Response<DecideTriageResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        answer(&caller, self.rule(&caller, request.get_ref()).await)
    }

    async fn correct_decision(
        &self,
        request: Request<CorrectDecisionRequest>,
    ) -> Result<Response<CorrectDecisionResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        answer(&caller, self.correct(&caller, request.get_ref()).await)
    }

    async fn list_labels(
        &self,
        request: Request<ListLabelsRequest>,
    ) -> Result<Response<ListLabelsResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        answer(&caller, self.labels(&caller, request.get_ref()).await)
    }

    async fn get_drift_figures(
        &self,
        request: Request<GetDriftFiguresRequest>,
    ) -> Result<Response<GetDriftFiguresResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        answer(&caller, self.drift(request.get_ref()).await)
    }

    async fn recompute_decision(
        &self,
        request: Request<RecomputeDecisionRequest>,
    ) -> Result<Response<RecomputeDecisionResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        answer(&caller, self.recompute(&caller, request.get_ref()).await)
    }
}
