//! Every event that is ever handed on.
//!
//! A row leaves an outbox as soon as it was delivered. So that the search finds what was in it, the database
//! copies each into a table of this test.

use std::collections::BTreeSet;

use e2e::{Databases, SERVICES};
use liaison_grpc::event_delivery::kind;
use liaison_proto::event::Event;
use prost::Message as _;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

const SQLITE: &str = "
CREATE TABLE outbox_kept AS SELECT * FROM outbox WHERE false;
CREATE TRIGGER outbox_kept AFTER INSERT ON outbox BEGIN
    INSERT INTO outbox_kept SELECT * FROM outbox WHERE rowid = NEW.rowid;
END;
";
const POSTGRES: &str = "
CREATE TABLE outbox_kept AS SELECT * FROM outbox WHERE false;
CREATE FUNCTION keep_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox_kept VALUES (NEW.*);
    RETURN NEW;
END
$$;
CREATE TRIGGER outbox_kept AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION keep_outbox();
";

/// From now on every event stays.
pub(crate) async fn keep(databases: &Databases) {
    for service in SERVICES {
        let db = databases.connection(service).await;
        let text = match db.get_database_backend() {
            DbBackend::Postgres => POSTGRES,
            _ => SQLITE,
        };
        db.execute_unprepared(text).await.unwrap();
    }
}

/// The kinds of the events that stayed.
pub(crate) async fn kinds(databases: &Databases) -> BTreeSet<&'static str> {
    let mut kinds = BTreeSet::new();
    for service in SERVICES {
        let db = databases.connection(service).await;
        let text = "SELECT payload FROM outbox_kept";
        let statement = Statement::from_string(db.get_database_backend(), text);
        for row in db.query_all_raw(statement).await.unwrap() {
            let payload: Vec<u8> = row.try_get_by_index(0).unwrap();
            let event = Event::decode(payload.as_slice()).unwrap();
            kinds.insert(kind(&event.data.unwrap()));
        }
    }
    kinds
}
