//! The wiring, from top to bottom.

use std::collections::BTreeMap;
use std::sync::Arc;

use liaison_grpc::Api;
use liaison_grpc::event_delivery::{EventDelivery, EventInbox};
use liaison_outbox::{Outbox, Relay};
use liaison_proto::event::event_inbox_service_server::EventInboxServiceServer;
use liaison_proto::routing::routing_service_server::RoutingServiceServer;
use liaison_runtime::{App, Context};
use liaison_types::{Error, Result};

use crate::api::{RoutingApi, RoutingInbox};
use crate::convert;
use crate::domain::fact::Audience;
use crate::ops::{Ops, Parts};
use crate::settings::RoutingSettings;
use crate::worker::{self, Grants};

/// Builds the service.
///
/// # Errors
/// Where a peer's address is missing.
pub(crate) async fn build(context: Context<RoutingSettings>) -> Result<App> {
    let own = &context.settings.own;
    let lifecycle = &context.lifecycle;
    let outbox = Outbox::new();
    let ops = Ops::new(Parts {
        db: context.db.clone(),
        clock: Arc::clone(&context.clock),
        random: Arc::clone(&context.random),
        vault: context.keys.vault(),
        units: own.units(),
        terms: own.terms(),
        max_tasks: own.max_tasks,
        policy: context.policy.clone(),
        outbox: outbox.clone(),
        stopping: lifecycle.soft(),
    });

    let mut peers = BTreeMap::new();
    for audience in [
        Audience::Intake,
        Audience::Classification,
        Audience::Notification,
    ] {
        let destination = convert::destination(audience);
        let name = destination.as_str().parse().map_err(Error::internal)?;
        peers.insert(destination, context.peer(&name)?);
    }
    let relay = Relay::new(
        context.db.clone(),
        Arc::clone(&context.clock),
        Arc::clone(&context.random),
        Arc::new(EventDelivery::new(peers).unhurried(convert::destination(Audience::Notification))),
        context.settings.relay,
        Arc::new(Grants::new(ops.clone(), Arc::clone(&context.clock))),
    )?
    .with_outbox(outbox)
    .with_instruments(context.instruments.clone());
    let soft = lifecycle.soft();
    lifecycle.spawn("relay", async move {
        relay.run(soft).await;
        Ok(())
    });

    lifecycle.spawn(
        "leases",
        worker::expire_leases(ops.clone(), own.expiry_interval, lifecycle.soft()),
    );
    lifecycle.spawn(
        "wakes",
        worker::wake_long_polls(ops.clone(), own.wake_interval, lifecycle.soft()),
    );

    let api = mount(context.api(), ops);
    Ok(App { api })
}

/// Adds what this service answers to `api`: the units' calls and the other services' events.
#[must_use]
pub fn mount(api: Api, ops: Ops) -> Api {
    let parts = ops.parts();
    let inbox = EventInbox::new(
        parts.db.clone(),
        Arc::clone(&parts.clock),
        "routing.deliver_events",
        RoutingInbox(ops.clone()),
    );
    api.service(RoutingServiceServer::new(RoutingApi(ops)))
        .service(EventInboxServiceServer::new(inbox))
}
