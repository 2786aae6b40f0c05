//! The only wiring, read from top to bottom.

use std::sync::Arc;

use liaison_grpc::Channel;
use liaison_grpc::event_delivery::{EventDelivery, EventInbox};
use liaison_outbox::{Destination, Outbox, Relay};
use liaison_proto::event::event_inbox_service_server::EventInboxServiceServer;
use liaison_proto::intake::intake_service_server::IntakeServiceServer;
use liaison_runtime::{App, Context, Service};
use liaison_types::{Error, Party, Result};

use crate::api::Api;
use crate::events::{CLASSIFICATION, NOTIFICATION, ROUTING};
use crate::ops::{GroupCommit, Keys, Ops};
use crate::settings::IntakeSettings;
use crate::store::Migrator;
use crate::worker::{Facts, watch_consents};

/// The intake service, for whoever runs it.
#[derive(Clone, Copy, Debug)]
pub struct Intake;

impl Service for Intake {
    const NAME: &'static str = "intake";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const GRPC_NAME: &'static str = "liaison.intake.v1.IntakeService";
    const ABOUT: &'static str = "Takes referrals, keeps their content and tells their state";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Settings = IntakeSettings;
    type Migrator = Migrator;

    async fn build(context: Context<IntakeSettings>) -> Result<App> {
        build(&context)
    }
}

fn build(context: &Context<IntakeSettings>) -> Result<App> {
    let settings = &context.settings;
    let (db, clock, random) = (&context.db, &context.clock, &context.random);
    let outbox = Outbox::new();

    // The use cases.
    let ops = Ops::new(
        db.clone(),
        Arc::clone(clock),
        Arc::clone(random),
        Party::service("intake"),
        outbox.clone(),
        Keys {
            vault: context.keys.vault(),
            signer: context.keys.signer(),
        },
        context.policy.clone(),
        GroupCommit {
            batch: settings.own.submit_batch,
            concurrency: settings.own.submit_concurrency,
        },
    );

    // What goes out: one lane a destination.
    let delivery = EventDelivery::new([
        peer(context, CLASSIFICATION)?,
        peer(context, ROUTING)?,
        peer(context, NOTIFICATION)?,
    ])
    .unhurried(NOTIFICATION);
    let relay = Relay::new(
        db.clone(),
        Arc::clone(clock),
        Arc::clone(random),
        Arc::new(delivery),
        settings.relay,
        Arc::new(()),
    )?
    .with_outbox(outbox)
    .with_instruments(context.instruments.clone());
    let stop = context.lifecycle.soft();
    context.lifecycle.spawn("relay", async move {
        relay.run(stop).await;
        Ok(())
    });

    // What waits for its owner.
    let consents = watch_consents(ops.clone(), context.lifecycle.soft());
    context.lifecycle.spawn("consents", async move {
        consents.await;
        Ok(())
    });

    // What comes in.
    let facts = Facts::new(ops.clone());
    let inbox = EventInbox::new(
        db.clone(),
        Arc::clone(clock),
        "intake.deliver_events",
        facts,
    );
    let api = context
        .api()
        .service(IntakeServiceServer::new(Api::new(ops)))
        .service(EventInboxServiceServer::new(inbox));
    Ok(App { api })
}

/// The way to the service that a destination is named after.
fn peer(
    context: &Context<IntakeSettings>,
    destination: Destination,
) -> Result<(Destination, Channel)> {
    let name = destination.as_str().parse().map_err(Error::internal)?;
    Ok((destination, context.peer(&name)?))
}
