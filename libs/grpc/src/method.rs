//! What the stack knows about each method before its handler runs: who may call it and how long it
//! may take. One table, looked up by path.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use liaison_types::PartyKind;
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

/// Which kinds of party may call a method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kinds(u8);

impl Kinds {
    /// Everybody with a certificate of ours.
    pub const ALL: Self = Self(u8::MAX);

    /// The kinds listed.
    #[must_use]
    pub fn of(kinds: &[PartyKind]) -> Self {
        Self(kinds.iter().fold(0, |bits, kind| bits | bit(*kind)))
    }

    /// Whether `kind` is one of them.
    #[must_use]
    pub const fn contains(self, kind: PartyKind) -> bool {
        self.0 & bit(kind) != 0
    }
}

const fn bit(kind: PartyKind) -> u8 {
    match kind {
        PartyKind::Bureau => 1,
        PartyKind::Unit => 1 << 1,
        PartyKind::Desk => 1 << 2,
        PartyKind::Partner => 1 << 3,
        PartyKind::Service => 1 << 4,
        PartyKind::Operator => 1 << 5,
        PartyKind::Auditor => 1 << 6,
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
    pub allowed: Kinds,
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
    /// The methods of Liaison: who may call them from [`liaison_policy::access`], which of them
    /// stream from the schema.
    #[must_use]
    pub fn liaison() -> Self {
        static LIAISON: LazyLock<Methods> = LazyLock::new(Methods::of_the_schema);
        LIAISON.clone()
    }

    fn of_the_schema() -> Self {
        let streams = streams(liaison_proto::FILE_DESCRIPTOR_SET);
        Self::new(liaison_policy::access::TABLE.iter().map(|(path, allowed)| {
            let class = if streams.iter().any(|stream| stream == path) {
                Class::Stream
            } else if LONG_POLLS.contains(path) {
                Class::LongPoll
            } else {
                Class::Call
            };
            (*path, class, Kinds::of(allowed))
        }))
    }

    /// A table of `(path, class, allowed)`, with the infrastructure's methods added.
    #[must_use]
    pub fn new(methods: impl IntoIterator<Item = (&'static str, Class, Kinds)>) -> Self {
        let infrastructure = INFRASTRUCTURE
            .into_iter()
            .map(|(path, class)| (path, class, Kinds::ALL));
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
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        for one in PartyKind::ALL {
            let only = Kinds::of(&[one]);
            for other in PartyKind::ALL {
                assert_eq!(only.contains(other), one == other);
                assert!(Kinds::ALL.contains(other));
                assert!(!Kinds::of(&[]).contains(other));
            }
        }
    }

    #[test]
    fn unknown_paths_have_no_name_of_their_own() {
        let methods = Methods::new([("/a.B/C", Class::LongPoll, Kinds::of(&[PartyKind::Unit]))]);
        assert_eq!(methods.name("/a.B/C"), "a.B/C");
        assert_eq!(methods.class("/a.B/C"), Class::LongPoll);
        assert_eq!(methods.name("/a.B/D"), OTHER);
        assert!(methods.get("/a.B/D").is_none());
        assert_eq!(methods.class("/grpc.health.v1.Health/Watch"), Class::Stream);
    }

    #[test]
    fn every_method_of_the_schema_says_who_may_call_it_and_no_other_does() {
        let mut schema = paths(liaison_proto::FILE_DESCRIPTOR_SET, |_| true);
        let mut table: Vec<_> = liaison_policy::access::TABLE
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
        for path in LONG_POLLS {
            assert_eq!(class(path), Some(Class::LongPoll), "{path}");
        }
        let streams = streams(liaison_proto::FILE_DESCRIPTOR_SET);
        assert!(!streams.is_empty());
        for path in streams {
            assert_eq!(class(&path), Some(Class::Stream), "{path}");
        }
    }
}
