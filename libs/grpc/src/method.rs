//! What the stack knows about each method before its handler runs: who may call it and how long it
//! may take. One table, looked up by path.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use liaison_policy::access::{self, Callers};
use liaison_types::Party;
use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

/// How long calls of a method last, which decides the limits that hold for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Answered as fast as the work allows.
    Call,
    /// Answered when there is something to say: it waits, and occupies next to nothing meanwhile.
    LongPoll,
    /// Messages as they come, for as long as the caller stays.
    Stream,
}

/// Which parties may call a method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowed {
    /// Everybody with a certificate of ours.
    Everybody,
    /// Those that one of these includes.
    Only(&'static [Callers]),
}

impl Allowed {
    /// Whether `party` is one of them.
    #[must_use]
    pub fn includes(self, party: &Party) -> bool {
        match self {
            Self::Everybody => true,
            Self::Only(row) => row.iter().any(|callers| callers.include(party)),
        }
    }
}

/// One method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Method {
    /// `package.Service/Method`, as in spans and measurements.
    pub name: &'static str,
    /// How long its calls last.
    pub class: Class,
    /// Who may call it.
    pub allowed: Allowed,
}

/// All methods that the stack knows. Cheap to clone. A path that is not here may be called by
/// nobody.
#[derive(Clone, Debug)]
pub struct Methods(Arc<HashMap<&'static str, Method>>);

/// What a path that is not in the table is called in spans and measurements. Paths are chosen by
/// callers: taken as they are, each made-up one would be a new time series.
pub const OTHER: &str = "_OTHER";

/// Methods of the infrastructure; whoever has a certificate may call them.
const INFRASTRUCTURE: [(&str, Class); 4] = [
    ("/grpc.health.v1.Health/Check", Class::Call),
    ("/grpc.health.v1.Health/Watch", Class::Stream),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        Class::Stream,
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Class::Stream,
    ),
];

/// Methods that wait for something to say.
const LONG_POLLS: [&str; 1] = ["/liaison.routing.v1.RoutingService/PullAssignments"];

impl Methods {
    /// The methods of Liaison: who may call them from [`access`], which of them
    /// stream from the schema.
    #[must_use]
    pub fn liaison() -> Self {
        static LIAISON: LazyLock<Methods> = LazyLock::new(Methods::of_the_schema);
        LIAISON.clone()
    }

    fn of_the_schema() -> Self {
        let streams = streams(liaison_proto::FILE_DESCRIPTOR_SET);
        Self::new(access::TABLE.iter().map(|(path, row)| {
            let class = if streams.iter().any(|stream| stream == path) {
                Class::Stream
            } else if LONG_POLLS.contains(path) {
                Class::LongPoll
            } else {
                Class::Call
            };
            (*path, class, Allowed::Only(row))
        }))
    }

    /// A table of `(path, class, allowed)`, with the infrastructure's methods added.
    #[must_use]
    pub fn new(methods: impl IntoIterator<Item = (&'static str, Class, Allowed)>) -> Self {
        let infrastructure = INFRASTRUCTURE
            .into_iter()
            .map(|(path, class)| (path, class, Allowed::Everybody));
        let table = infrastructure.chain(methods).map(|(path, class, allowed)| {
            let name = path.strip_prefix('/').unwrap_or(path);
            (
                path,
                Method {
                    name,
                    class,
                    allowed,
                },
            )
        });
        Self(Arc::new(table.collect()))
    }

    /// The method at `path`, which is `/package.Service/Method`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Method> {
        self.0.get(path)
    }

    /// The name of the method at `path` for spans and measurements.
    #[must_use]
    pub fn name(&self, path: &str) -> &'static str {
        self.get(path).map_or(OTHER, |method| method.name)
    }

    /// The class of the method at `path`.
    #[must_use]
    pub fn class(&self, path: &str) -> Class {
        self.get(path).map_or(Class::Call, |method| method.class)
    }
}

/// The paths of all methods that stream in either direction.
fn streams(descriptor_set: &[u8]) -> Vec<String> {
    paths(descriptor_set, |method| {
        method.client_streaming() || method.server_streaming()
    })
}

fn paths(descriptor_set: &[u8], wanted: impl Fn(&MethodDescriptorProto) -> bool) -> Vec<String> {
    let set = FileDescriptorSet::decode(descriptor_set)
        .expect("the descriptor set was written by this build");
    let mut paths = Vec::new();
    for file in &set.file {
        for service in &file.service {
            for method in service.method.iter().filter(|method| wanted(method)) {
                let (package, service) = (file.package(), service.name());
                paths.push(format!("/{package}.{service}/{}", method.name()));
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use liaison_types::PartyKind;

    use super::*;

    const DESK: Allowed = Allowed::Only(&[
        Callers::Any(PartyKind::Unit),
        Callers::Named(PartyKind::Desk, "triage"),
    ]);

    #[test]
    fn parties_are_told_apart_by_kind_and_by_name() {
        for (party, allowed) in [
            ("unit/cyber", true),
            ("unit/triage", true),
            ("desk/triage", true),
            ("desk/compliance", false),
            ("service/triage", false),
            ("bureau/NB-FR", false),
        ] {
            let party: Party = party.parse().unwrap();
            assert_eq!(DESK.includes(&party), allowed, "{party}");
            assert!(Allowed::Everybody.includes(&party), "{party}");
            assert!(!Allowed::Only(&[]).includes(&party), "{party}");
        }
    }

    #[test]
    fn the_stack_lets_in_whom_the_table_lets_in() {
        let methods = Methods::liaison();
        for (path, row) in access::TABLE {
            assert_eq!(methods.get(path).unwrap().allowed, Allowed::Only(row));
        }
    }

    #[test]
    fn unknown_paths_have_no_name_of_their_own() {
        let methods = Methods::new([("/a.B/C", Class::LongPoll, DESK)]);
        assert_eq!(methods.name("/a.B/C"), "a.B/C");
        assert_eq!(methods.class("/a.B/C"), Class::LongPoll);
        assert_eq!(methods.name("/a.B/D"), OTHER);
        assert!(methods.get("/a.B/D").is_none());
        assert_eq!(methods.class("/grpc.health.v1.Health/Watch"), Class::Stream);
    }

    #[test]
    fn every_method_of_the_schema_says_who_may_call_it_and_no_other_does() {
        let mut schema = paths(liaison_proto::FILE_DESCRIPTOR_SET, |_| true);
        let mut table: Vec<_> = access::TABLE
            .iter()
            .map(|(path, _)| (*path).to_owned())
            .collect();
        schema.sort();
        table.sort();
        assert_eq!(schema, table);
    }

    #[test]
    fn streams_and_long_polls_are_known_as_such() {
        let methods = Methods::liaison();
        let class = |path: &str| methods.get(path).map(|method| method.class);
        let pull = "/liaison.routing.v1.RoutingService/PullAssignments";
        assert_eq!(class(pull), Some(Class::LongPoll));
        let stream = "/liaison.notification.v1.NotificationService/StreamNotifications";
        assert_eq!(class(stream), Some(Class::Stream));
        let list = "/liaison.notification.v1.NotificationService/ListNotifications";
        assert_eq!(class(list), Some(Class::Call));
        for path in streams(liaison_proto::FILE_DESCRIPTOR_SET) {
            assert_eq!(class(&path), Some(Class::Stream), "{path}");
        }
        // What waits is a method that there is.
        for path in LONG_POLLS {
            assert_eq!(class(path), Some(Class::LongPoll), "{path}");
        }
    }
}
