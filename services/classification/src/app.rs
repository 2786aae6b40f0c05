//! The only wiring, read from top to bottom.

use std::sync::Arc;

use liaison_grpc::Channel;
use liaison_grpc::event_delivery::{EventDelivery, EventInbox};
use liaison_outbox::{Destination, Outbox, Relay};
use liaison_proto::classification::classification_service_server::ClassificationServiceServer;
use liaison_proto::event::event_inbox_service_server::EventInboxServiceServer;
use liaison_runtime::{App, Context, Service, Task};
use liaison_types::{Error, ErrorKind, Reason, Result};

use crate::api::Api;
use crate::arrivals::Arrivals;
use crate::artefacts::watch::Watch;
use crate::artefacts::{commands, register};
use crate::events::{INTAKE, NOTIFICATION, ROUTING};
use crate::inputs::Intake;
use crate::ops::{Ops, Parts, Terms};
use crate::settings::ClassificationSettings;
use crate::store::Migrator;
use crate::worker::{Facts, Worker};

/// The service, for whoever runs it.
#[derive(Clone, Copy, Debug)]
pub struct Classification;

impl Service for Classification {
    const NAME: &'static str = "classification";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const GRPC_NAME: &'static str = "liaison.classification.v1.ClassificationService";
    const ABOUT: &'static str = "Decides what kind of case a referral is, with reasons";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Settings = ClassificationSettings;
    type Migrator = Migrator;

    async fn build(context: Context<ClassificationSettings>) -> Result<App> {
        build(&context).await
    }

    fn commands() -> Vec<clap::Command> {
        vec![commands::command()]
    }

    async fn command(
        task: Task<ClassificationSettings>,
        _: &str,
        asked: &clap::ArgMatches,
    ) -> Result<u8> {
        commands::run(&task, asked).await
    }
}

async fn build(context: &Context<ClassificationSettings>) -> Result<App> {
    let own = context.settings.own;
    let (db, clock, random) = (&context.db, &context.clock, &context.random);
    let life = &context.lifecycle;
    let outbox = Outbox::new();
    let room = usize::from(own.batch) * usize::from(own.in_flight);
    let (arrivals, waiting) = Arrivals::with_room(room);
    let [intake, routing, notification] = [INTAKE, ROUTING, NOTIFICATION].map(|to| {
        let channel = peer(context, &to);
        channel.map(|channel| (to, channel))
    });
    let (intake, routing, notification) = (intake?, routing?, notification?);

    // What is decided by.
    let rules = register::at_start(db, clock.as_ref(), random.as_ref(), own.rule_set).await?;
    let watch = Watch::new(db.clone(), rules.clone()).with_instruments(&context.instruments);
    life.spawn("rule-sets", watch.run(own.rule_set_interval, life.soft()));

    // The use cases.
    let ops = Ops::new(Parts {
        db: db.clone(),
        clock: Arc::clone(clock),
        random: Arc::clone(random),
        vault: context.keys.vault(),
        rules: rules.clone(),
        policy: context.policy.clone(),
        inputs: Arc::new(Intake::new(intake.1.clone())),
        terms: terms(&own)?,
        outbox: outbox.clone(),
    });

    // What runs by itself.
    let worker = Worker::new(
        ops.clone(),
        waiting,
        Arc::clone(clock),
        Arc::clone(random),
        own.in_flight,
        own.scan_interval,
    );
    life.spawn("worker", worker.run(life.soft()));

    // What goes out: one lane a destination.
    let unhurried = notification.0.clone();
    let relay = Relay::new(
        db.clone(),
        Arc::clone(clock),
        Arc::clone(random),
        Arc::new(EventDelivery::new([intake, routing, notification]).unhurried(unhurried)),
        context.settings.relay,
        Arc::new(()),
    )?
    .with_outbox(outbox)
    .with_instruments(context.instruments.clone());
    let stop = life.soft();
    life.spawn("relay", async move {
        relay.run(stop).await;
        Ok(())
    });

    // What comes in.
    let facts = Facts::new(ops.clone(), arrivals);
    let clock = Arc::clone(clock);
    let inbox = EventInbox::new(db.clone(), clock, "classification.deliver_events", facts);
    let api = context
        .api()
        .service(ClassificationServiceServer::new(Api::new(ops)))
        .service(EventInboxServiceServer::new(inbox));
    Ok(App { api })
}

fn peer(context: &Context<ClassificationSettings>, to: &Destination) -> Result<Channel> {
    context.peer(&to.as_str().parse().map_err(Error::internal)?)
}

fn terms(own: &ClassificationSettings) -> Result<Terms> {
    let backoff = own
        .backoff()
        .ok_or_else(|| Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid))?;
    Ok(Terms {
        batch: own.batch,
        lease: own.lease,
        backoff,
        max_attempts: u32::from(own.max_attempts),
    })
}
