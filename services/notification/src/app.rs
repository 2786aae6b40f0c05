//! The wiring, from top to bottom.

use std::sync::Arc;

use liaison_grpc::event_delivery::EventInbox;
use liaison_proto::event::event_inbox_service_server::EventInboxServiceServer;
use liaison_proto::notification::notification_service_server::NotificationServiceServer;
use liaison_runtime::{App, Context};

use crate::api::Api;
use crate::ops::follow::Follow;
use crate::settings::NotificationSettings;
use crate::store::Store;
use crate::worker::{Recorder, Wake};

pub(crate) fn build(context: &Context<NotificationSettings>) -> App {
    let store = Store::new(context.db.clone());
    let wake = Wake::default();

    let recorder = Recorder::new(store.clone(), wake.clone());
    let clock = Arc::clone(&context.clock);
    let inbox = EventInbox::new(
        context.db.clone(),
        clock,
        "notification.deliver_events",
        recorder,
    );

    let follow = Follow::new(
        store.clone(),
        wake,
        context.settings.own,
        context.lifecycle.soft(),
    );
    let api = Api::new(store, follow);

    App {
        api: context
            .api()
            .service(NotificationServiceServer::new(api))
            .service(EventInboxServiceServer::new(inbox)),
    }
}
