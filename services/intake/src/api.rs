//! The gRPC service: who calls → read → do → answer.

use liaison_grpc::Caller;
use liaison_proto::intake::intake_service_server::IntakeService;
use liaison_proto::intake::{
    BatchGetClassificationInputsRequest, BatchGetClassificationInputsResponse,
    DecideConsentRequest, DecideConsentResponse, DecideReviewRequest, DecideReviewResponse,
    EndShareRequest, EndShareResponse, ExplainDecisionRequest, ExplainDecisionResponse,
    GetCustodyBundleRequest, GetCustodyBundleResponse, GetDossierRequest, GetDossierResponse,
    GetReferralHistoryRequest, GetReferralHistoryResponse, GetReferralRequest, GetReferralResponse,
    ListConsentRequestsRequest, ListConsentRequestsResponse, ListReferralsRequest,
    ListReferralsResponse, ListSharesRequest, ListSharesResponse, PurgeReferralRequest,
    PurgeReferralResponse, ShareReferralRequest, ShareReferralResponse, SubmitReferralRequest,
    SubmitReferralResponse,
};
use liaison_types::Result;
use tonic::{Request, Response, Status};

use crate::convert;
use crate::domain::Actor;
use crate::ops::decide_consent::Answer;
use crate::ops::decide_review::{Verdict, may_review};
use crate::ops::get_dossier::Opening;
use crate::ops::purge_referral::Purge;
use crate::ops::{Ops, batch_get_classification_inputs::may_read};

/// Answers the calls of [`IntakeService`].
#[derive(Clone, Debug)]
pub struct Api {
    ops: Ops,
}

impl Api {
    /// The API over these use cases.
    #[must_use]
    pub const fn new(ops: Ops) -> Self {
        Self { ops }
    }

    async fn submit(
        &self,
        caller: &Caller,
        request: SubmitReferralRequest,
    ) -> Result<SubmitReferralResponse> {
        let (submission, validate_only) =
            convert::submission(caller.party(), caller.officer(), &request, self.ops.now())?;
        let referral = if validate_only {
            self.ops.check(submission)?
        } else {
            self.ops.submit(submission).await?
        };
        Ok(SubmitReferralResponse {
            referral: Some(convert::referral(referral)),
        })
    }

    async fn get(
        &self,
        caller: &Caller,
        request: GetReferralRequest,
    ) -> Result<GetReferralResponse> {
        let id = convert::referral_id(&request.name)?;
        let referral = self.ops.get(caller.party(), id).await?;
        Ok(GetReferralResponse {
            referral: Some(convert::referral(referral)),
        })
    }

    async fn list(
        &self,
        caller: &Caller,
        request: ListReferralsRequest,
    ) -> Result<ListReferralsResponse> {
        let query = convert::list_request(request)?;
        let (referrals, next_page_token) = self.ops.list(caller.party(), query).await?;
        let referrals = referrals.into_iter().map(convert::referral).collect();
        Ok(ListReferralsResponse {
            referrals,
            next_page_token,
        })
    }

    async fn history(
        &self,
        caller: &Caller,
        request: GetReferralHistoryRequest,
    ) -> Result<GetReferralHistoryResponse> {
        let id = convert::referral_id(&request.name)?;
        let steps = self.ops.get_history(caller.party(), id).await?;
        Ok(GetReferralHistoryResponse {
            entries: convert::history(steps),
        })
    }

    async fn share(
        &self,
        caller: &Caller,
        request: ShareReferralRequest,
    ) -> Result<ShareReferralResponse> {
        let wish = convert::wish(request, actor(caller))?;
        let share = self.ops.share_referral(&wish).await?;
        Ok(ShareReferralResponse {
            share: Some(convert::share(share, caller.party())),
        })
    }

    async fn end(&self, caller: &Caller, request: EndShareRequest) -> Result<EndShareResponse> {
        let id = convert::share_id(&request.name)?;
        let share = self.ops.end_share(&actor(caller), id).await?;
        Ok(EndShareResponse {
            share: Some(convert::share(share, caller.party())),
        })
    }

    async fn shares(
        &self,
        caller: &Caller,
        request: ListSharesRequest,
    ) -> Result<ListSharesResponse> {
        let (id, page) = convert::shares_page(request)?;
        let (shares, next_page_token) = self.ops.list_shares(caller.party(), id, page).await?;
        let shown = |share| convert::share(share, caller.party());
        Ok(ListSharesResponse {
            shares: shares.into_iter().map(shown).collect(),
            next_page_token,
        })
    }

    async fn consent_requests(
        &self,
        caller: &Caller,
        request: ListConsentRequestsRequest,
    ) -> Result<ListConsentRequestsResponse> {
        let page = convert::consent_page(request)?;
        let (shares, next_page_token) =
            self.ops.list_consent_requests(caller.party(), page).await?;
        let shown = |share| convert::share(share, caller.party());
        Ok(ListConsentRequestsResponse {
            shares: shares.into_iter().map(shown).collect(),
            next_page_token,
        })
    }

    async fn consent(
        &self,
        caller: &Caller,
        request: DecideConsentRequest,
    ) -> Result<DecideConsentResponse> {
        caller.required_officer()?;
        let (id, give, reason) = convert::consent_verdict(request)?;
        let answer = Answer {
            id,
            actor: actor(caller),
            give,
            reason,
        };
        let share = self.ops.decide_consent(&answer).await?;
        Ok(DecideConsentResponse {
            share: Some(convert::share(share, caller.party())),
        })
    }

    async fn explain(
        &self,
        caller: &Caller,
        request: ExplainDecisionRequest,
    ) -> Result<ExplainDecisionResponse> {
        let inquiry = convert::inquiry(&request, actor(caller))?;
        let explained = self.ops.explain_decision(&inquiry).await?;
        Ok(convert::explained(explained))
    }

    async fn purge(
        &self,
        caller: &Caller,
        request: PurgeReferralRequest,
    ) -> Result<PurgeReferralResponse> {
        caller.required_officer()?;
        let (id, etag) = convert::purge(request)?;
        let actor = actor(caller);
        let referral = self.ops.purge_referral(&Purge { id, actor, etag }).await?;
        Ok(PurgeReferralResponse {
            referral: Some(convert::referral(referral)),
        })
    }

    async fn custody_bundle(
        &self,
        caller: &Caller,
        request: GetCustodyBundleRequest,
    ) -> Result<GetCustodyBundleResponse> {
        let id = convert::referral_id(&request.name)?;
        let bundle = self.ops.get_custody_bundle(&actor(caller), id).await?;
        Ok(GetCustodyBundleResponse {
            bundle: bundle.text.into_bytes(),
            public_keys: bundle.public_key,
        })
    }

    async fn dossier(
        &self,
        caller: &Caller,
        request: GetDossierRequest,
    ) -> Result<GetDossierResponse> {
        let (id, purpose) = convert::opening(request)?;
        let actor = actor(caller);
        let opened = self
            .ops
            .get_dossier(&Opening { id, actor, purpose })
            .await?;
        convert::opened(&opened)
    }

    async fn review(
        &self,
        caller: &Caller,
        request: DecideReviewRequest,
    ) -> Result<DecideReviewResponse> {
        may_review(caller.party())?;
        let officer = caller.required_officer()?.to_owned();
        let decision = convert::review(request)?;
        let verdict = Verdict {
            id: decision.id,
            desk: caller.party().clone(),
            officer,
            verdict: decision.verdict,
            reason: decision.reason,
            etag: decision.etag,
        };
        let referral = self.ops.decide_review(&verdict).await?;
        Ok(DecideReviewResponse {
            referral: Some(convert::referral(referral)),
        })
    }

    async fn classification_inputs(
        &self,
        caller: &Caller,
        request: BatchGetClassificationInputsRequest,
    ) -> Result<BatchGetClassificationInputsResponse> {
        may_read(caller.party())?;
        let ids = convert::classification_names(&request.names)?;
        let contents = self
            .ops
            .batch_get_classification_inputs(caller.party(), &ids)
            .await?;
        Ok(BatchGetClassificationInputsResponse {
            inputs: convert::classification_inputs(contents)?,
        })
    }
}

fn actor(caller: &Caller) -> Actor {
    Actor {
        party: caller.party().clone(),
        officer: caller.officer().map(str::to_owned),
    }
}

/// The methods of the trait: each finds out who calls and turns an error into the caller's status.
macro_rules! methods {
    ($($method:ident($request:ident) -> $response:ident by $by:ident;)*) => {
        #[tonic::async_trait]
        impl IntakeService for Api {
            $(async fn $method(
                &self,
                request: Request<$request>,
            ) -> Result<Response<$response>, Status> {
                let caller = Caller::of(&request)?.clone();
                match self.$by(&caller, request.into_inner()).await {
                    Ok(response) => Ok(Response::new(response)),
                    Err(error) => Err(caller.status(&error)),
                }
            })*
        }
    };
}

methods! {
    submit_referral(SubmitReferralRequest) -> SubmitReferralResponse by submit;
    get_referral(GetReferralRequest) -> GetReferralResponse by get;
    list_referrals(ListReferralsRequest) -> ListReferralsResponse by list;
    get_referral_history(GetReferralHistoryRequest) -> GetReferralHistoryResponse by history;
    share_referral(ShareReferralRequest) -> ShareReferralResponse by share;
    end_share(EndShareRequest) -> EndShareResponse by end;
    list_shares(ListSharesRequest) -> ListSharesResponse by shares;
    list_consent_requests(ListConsentRequestsRequest)
        -> ListConsentRequestsResponse by consent_requests;
    decide_consent(DecideConsentRequest) -> DecideConsentResponse by consent;
    explain_decision(ExplainDecisionRequest) -> ExplainDecisionResponse by explain;
    purge_referral(PurgeReferralRequest) -> PurgeReferralResponse by purge;
    get_custody_bundle(GetCustodyBundleRequest) -> GetCustodyBundleResponse by custody_bundle;
    get_dossier(GetDossierRequest) -> GetDossierResponse by dossier;
    decide_review(DecideReviewRequest) -> DecideReviewResponse by review;
    batch_get_classification_inputs(BatchGetClassificationInputsRequest)
        -> BatchGetClassificationInputsResponse by classification_inputs;
}
