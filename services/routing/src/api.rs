//! The generated traits, filled in: who calls, what they ask, the operation, its answer.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_grpc::Caller;
use liaison_grpc::event_delivery::{EventHandler, ReceivedEvent};
use liaison_proto::event::event::Data;
use liaison_proto::routing::{
    AcceptAssignmentRequest, AcceptAssignmentResponse, ClaimTaskRequest, ClaimTaskResponse,
    CompleteAssignmentRequest, CompleteAssignmentResponse, CompleteTaskRequest,
    CompleteTaskResponse, CreateTaskRequest, CreateTaskResponse, DeclareIndirectAccessRequest,
    DeclareIndirectAccessResponse, DeclineAssignmentRequest, DeclineAssignmentResponse,
    ExtendLeaseRequest, ExtendLeaseResponse, GetAssignmentRequest, GetAssignmentResponse,
    ListAssignmentsRequest, ListAssignmentsResponse, ListTasksRequest, ListTasksResponse,
    PullAssignmentsRequest, PullAssignmentsResponse, ReleaseAssignmentRequest,
    ReleaseAssignmentResponse, routing_service_server::RoutingService,
};
use liaison_store::Tx;
use liaison_types::{Party, Result as Outcome, Timestamp};
use tonic::{Request, Response, Status};

use crate::convert;
use crate::domain::Actor;
use crate::ops::{Ops, Refused};

/// Answers the units and the duty desk.
#[derive(Clone, Debug)]
pub(crate) struct RoutingApi(pub(crate) Ops);

/// Takes the facts of other services.
#[derive(Clone, Debug)]
pub(crate) struct RoutingInbox(pub(crate) Ops);

/// The only service whose decisions count.
const CLASSIFICATION: &str = "service/classification";
/// The only service that purges.
const INTAKE: &str = "service/intake";

fn acting(caller: &Caller) -> Actor {
    Actor {
        party: caller.party().clone(),
        officer: caller.officer().map(ToOwned::to_owned),
    }
}

impl RoutingApi {
    /// Reads the request, carries it out and says what came of it, in the caller's language where it
    /// was refused.
    async fn answer<Q, R, T, F>(
        &self,
        request: Request<Q>,
        read: impl FnOnce(&Q, &Caller) -> Result<R, Refused>,
        carry_out: impl FnOnce(Ops, Actor, R) -> F,
    ) -> Result<Response<T>, Status>
    where
        F: Future<Output = Outcome<T>> + Send,
    {
        let caller = Caller::of(&request)?.clone();
        let by = acting(&caller);
        let done = match read(request.get_ref(), &caller) {
            Ok(read) => carry_out(self.0.clone(), by, read).await,
            Err(refused) => Err(self.0.refuse(&by, refused).await),
        };
        done.map(Response::new)
            .map_err(|error| caller.status(&error))
    }
}

#[tonic::async_trait]
impl RoutingService for RoutingApi {
    async fn pull_assignments(
        &self,
        request: Request<PullAssignmentsRequest>,
    ) -> Result<Response<PullAssignmentsResponse>, Status> {
        let read = |request: &_, caller: &Caller| {
            let (units, terms) = (self.0.units(), self.0.terms());
            let mut read = convert::pull_assignments(request, caller.party(), units, terms)?;
            read.wait = caller.wait(read.wait);
            Ok(read)
        };
        self.answer(request, read, |ops, by, request| async move {
            let pulled = ops.pull_assignments(&by, request).await?;
            let assignments = pulled.iter().map(convert::pulled).collect();
            Ok(PullAssignmentsResponse { assignments })
        })
        .await
    }

    async fn list_assignments(
        &self,
        request: Request<ListAssignmentsRequest>,
    ) -> Result<Response<ListAssignmentsResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::list_assignments(request);
        self.answer(request, read, |ops, by, request| async move {
            let page = ops.list_assignments(&by, request).await?;
            let assignments = page.assignments.iter().map(convert::assignment).collect();
            Ok(ListAssignmentsResponse {
                assignments,
                next_page_token: page.next_page_token,
            })
        })
        .await
    }

    async fn extend_lease(
        &self,
        request: Request<ExtendLeaseRequest>,
    ) -> Result<Response<ExtendLeaseResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::extend_lease(request, self.0.terms());
        self.answer(request, read, |ops, by, request| async move {
            let assigned = ops.extend_lease(&by, request).await?;
            Ok(ExtendLeaseResponse {
                assignment: Some(convert::assignment(&assigned)),
            })
        })
        .await
    }

    async fn declare_indirect_access(
        &self,
        request: Request<DeclareIndirectAccessRequest>,
    ) -> Result<Response<DeclareIndirectAccessResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::declare_indirect_access(request);
        self.answer(request, read, |ops, by, request| async move {
            let assigned = ops.declare_indirect_access(&by, request).await?;
            Ok(DeclareIndirectAccessResponse {
                assignment: Some(convert::assignment(&assigned)),
            })
        })
        .await
    }

    async fn list_tasks(
        &self,
        request: Request<ListTasksRequest>,
    ) -> Result<Response<ListTasksResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::list_tasks(request);
        self.answer(request, read, |ops, by, request| async move {
            let tasks = ops.list_tasks(&by, request).await?;
            Ok(ListTasksResponse {
                tasks: tasks.iter().map(convert::task).collect(),
            })
        })
        .await
    }

    async fn get_assignment(
        &self,
        request: Request<GetAssignmentRequest>,
    ) -> Result<Response<GetAssignmentResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::get_assignment(request);
        self.answer(request, read, |ops, by, request| async move {
            let assigned = ops.get_assignment(&by, request).await?;
            Ok(GetAssignmentResponse {
                assignment: Some(convert::assignment(&assigned)),
            })
        })
        .await
    }

    async fn accept_assignment(
        &self,
        request: Request<AcceptAssignmentRequest>,
    ) -> Result<Response<AcceptAssignmentResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::accept_assignment(request);
        self.answer(request, read, |ops, by, request| async move {
            let assigned = ops.accept_assignment(&by, request).await?;
            Ok(AcceptAssignmentResponse {
                assignment: Some(convert::assignment(&assigned)),
            })
        })
        .await
    }

    async fn decline_assignment(
        &self,
        request: Request<DeclineAssignmentRequest>,
    ) -> Result<Response<DeclineAssignmentResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::decline_assignment(request);
        self.answer(request, read, |ops, by, request| async move {
            let assigned = ops.decline_assignment(&by, request).await?;
            Ok(DeclineAssignmentResponse {
                assignment: Some(convert::assignment(&assigned)),
            })
        })
        .await
    }

    async fn release_assignment(
        &self,
        request: Request<ReleaseAssignmentRequest>,
    ) -> Result<Response<ReleaseAssignmentResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::release_assignment(request);
        self.answer(request, read, |ops, by, request| async move {
            let assigned = ops.release_assignment(&by, request).await?;
            Ok(ReleaseAssignmentResponse {
                assignment: Some(convert::assignment(&assigned)),
            })
        })
        .await
    }

    async fn complete_assignment(
        &self,
        request: Request<CompleteAssignmentRequest>,
    ) -> Result<Response<CompleteAssignmentResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::complete_assignment(request);
        self.answer(request, read, |ops, by, request| async move {
            let assigned = ops.complete_assignment(&by, request).await?;
            Ok(CompleteAssignmentResponse {
                assignment: Some(convert::assignment(&assigned)),
            })
        })
        .await
    }

    async fn create_task(
        &self,
        request: Request<CreateTaskRequest>,
    ) -> Result<Response<CreateTaskResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::create_task(request);
        self.answer(request, read, |ops, by, request| async move {
            let task = ops.create_task(&by, request).await?;
            Ok(CreateTaskResponse {
                task: Some(convert::task(&task)),
            })
        })
        .await
    }

    async fn claim_task(
        &self,
        request: Request<ClaimTaskRequest>,
    ) -> Result<Response<ClaimTaskResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::claim_task(request);
        self.answer(request, read, |ops, by, request| async move {
            let task = ops.claim_task(&by, request).await?;
            Ok(ClaimTaskResponse {
                task: Some(convert::task(&task)),
            })
        })
        .await
    }

    async fn complete_task(
        &self,
        request: Request<CompleteTaskRequest>,
    ) -> Result<Response<CompleteTaskResponse>, Status> {
        let read = |request: &_, _: &Caller| convert::complete_task(request);
        self.answer(request, read, |ops, by, request| async move {
            let task = ops.complete_task(&by, request).await?;
            Ok(CompleteTaskResponse {
                task: Some(convert::task(&task)),
            })
        })
        .await
    }
}

impl EventHandler for RoutingInbox {
    fn accepts(&self, source: &Party, data: &Data) -> bool {
        let producer = match data {
            Data::CaseClassified(_) => CLASSIFICATION,
            Data::ReferralPurged(_) => INTAKE,
            _ => return false,
        };
        source.to_string() == producer
    }

    fn apply<'a>(
        &'a self,
        tx: &'a Tx<'a>,
        now: Timestamp,
        events: &'a [&'a ReceivedEvent],
    ) -> BoxFuture<'a, Outcome<()>> {
        async move {
            let (mut decisions, mut purged, mut source) = (Vec::new(), Vec::new(), None);
            for event in events {
                match &event.data {
                    Data::ReferralPurged(fact) => {
                        purged.push(convert::purged(fact)?);
                        source = Some(&*event.source);
                    }
                    _ => decisions.push(convert::classified(event)?),
                }
            }
            // A batch comes from one service, so that only one of the two has anything to do.
            if let Some(source) = source {
                self.0.purge_referrals(tx, now, source, purged).await?;
            }
            if decisions.is_empty() {
                return Ok(());
            }
            self.0.record_classifications(tx, now, decisions).await
        }
        .boxed()
    }
}
