//! Requests in which every text is a planted one, names and codes included: whatever the schema has.

use bytes::Bytes;
use e2e::canary::{Told, Words, filled};
use e2e::raw::{self, Method};
use e2e::{PATIENCE, Suite};
use liaison_policy::access::{self, Callers};
use liaison_types::PartyKind;

/// Somebody who may call `method`.
fn caller(method: &Method) -> String {
    match access::allowed(&method.path).unwrap()[0] {
        Callers::Any(PartyKind::Bureau) => "bureau/NB-FR".to_owned(),
        Callers::Any(PartyKind::Unit) => "unit/cyber".to_owned(),
        Callers::Any(PartyKind::Auditor) => "auditor/court".to_owned(),
        Callers::Named(kind, name) => format!("{kind}/{name}"),
        other => panic!("{other:?} calls {}", method.path),
    }
}

/// What such a request to every method comes to, by somebody who may call it and by somebody who may not.
pub(crate) async fn told(suite: &Suite, words: &Words) -> Told {
    let mut told = Told::default();
    let canary = words.wrong();
    for method in raw::methods() {
        let body = raw::frame(&filled(&method.path, &canary));
        for party in [caller(&method), "partner/customs".to_owned()] {
            let client = suite.client(&party).language(words.language);
            let channel = client.channel(&method.service);
            let body = Bytes::clone(&body);
            let call = raw::call(channel, &method.path, body);
            let answer = tokio::time::timeout(PATIENCE, call).await;
            match answer.unwrap_or_else(|_| panic!("{} hangs", method.path)) {
                Err(status) => told.refusals.push(status),
                Ok(answer) => told.answers.push((method.path.clone(), answer.to_vec())),
            }
        }
    }
    told
}
