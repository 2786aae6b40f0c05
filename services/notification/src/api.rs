//! The gRPC interface: who calls, what is asked, one operation, the answer.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use liaison_grpc::Caller;
use liaison_proto::notification::notification_service_server::NotificationService;
use liaison_proto::notification::{
    ListNotificationsRequest, ListNotificationsResponse, StreamNotificationsRequest,
    StreamNotificationsResponse,
};
use liaison_types::{Party, Result};
use tonic::{Request, Response, Status};

use crate::convert;
use crate::ops::follow::{Element, Follow};
use crate::ops::list::list;
use crate::store::Store;

/// Answers calls.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    store: Store,
    follow: Follow,
}

impl Api {
    pub(crate) const fn new(store: Store, follow: Follow) -> Self {
        Self { store, follow }
    }

    async fn page(
        &self,
        party: &Party,
        request: &ListNotificationsRequest,
    ) -> Result<ListNotificationsResponse> {
        let position = convert::read_cursor(party, &request.cursor)?;
        let size = convert::page_size(request)?;
        let (page, next) = list(
            &self.store,
            party,
            position,
            request.include_exercises,
            size,
        )
        .await?;
        Ok(ListNotificationsResponse {
            notifications: page
                .iter()
                .map(convert::notification)
                .collect::<Result<_>>()?,
            cursor: convert::cursor(party, next),
        })
    }
}

#[tonic::async_trait]
impl NotificationService for Api {
    type StreamNotificationsStream =
        Pin<Box<dyn Stream<Item = Result<StreamNotificationsResponse, Status>> + Send>>;

    async fn stream_notifications(
        &self,
        request: Request<StreamNotificationsRequest>,
    ) -> Result<Response<Self::StreamNotificationsStream>, Status> {
        let caller = Caller::of(&request)?.clone();
        let request = request.into_inner();
        let position = convert::read_cursor(caller.party(), &request.cursor)
            .map_err(|error| caller.status(&error))?;
        let stream = self
            .follow
            .follow(caller.party().clone(), position, request.include_exercises)
            .map(move |element| {
                element
                    .and_then(|element| response(caller.party(), &element))
                    .map_err(|error| caller.status(&error))
            });
        Ok(Response::new(Box::pin(stream)))
    }

    async fn list_notifications(
        &self,
        request: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let page = self.page(caller.party(), request.get_ref()).await;
        page.map(Response::new)
            .map_err(|error| caller.status(&error))
    }
}

fn response(party: &Party, element: &Element) -> Result<StreamNotificationsResponse> {
    let (notification, position) = match element {
        Element::Notification(kept) => (Some(convert::notification(kept)?), kept.position),
        Element::Heartbeat(position) => (None, *position),
    };
    Ok(StreamNotificationsResponse {
        notification,
        cursor: convert::cursor(party, position),
    })
}
