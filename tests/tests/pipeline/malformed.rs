//! Bytes that no client of ours would send, to every method there is.

use bytes::{Bytes, BytesMut};
use e2e::raw::{self, Method};
use e2e::{Backend, Client, Suite, dossier};
use liaison_grpc::Failure;
use liaison_policy::access::{self, Callers};
use liaison_types::{PartyKind, Random as _, Reason, SeededRandom};
use prost::Message as _;
use tonic::Code;

/// Bytes that are no message whatever the schema, each for another reason.
const NO_MESSAGE: [&[u8]; 7] = [
    // A tag that does not end, and one that is too long.
    &[0xff],
    &[
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
    ],
    // Field number 0; wire type 7; the end of a group that did not begin.
    &[0x00, 0x00],
    &[0x0f, 0x01],
    &[0x0c],
    // A field longer than the message, and one that is missing its value.
    &[0x0a, 0x05, 0x01],
    &[0x08],
];

/// Somebody who may call `method`.
fn caller(suite: &Suite, method: &Method) -> Client {
    let party = match access::allowed(&method.path).unwrap()[0] {
        Callers::Any(PartyKind::Bureau) => "bureau/NB-FR".to_owned(),
        Callers::Any(PartyKind::Unit) => "unit/cyber".to_owned(),
        Callers::Any(PartyKind::Auditor) => "auditor/local".to_owned(),
        Callers::Named(kind, name) => format!("{kind}/{name}"),
        other => panic!("{other:?} calls {}", method.path),
    };
    suite.client(&party)
}

/// Every method at every service that offers it.
fn methods() -> Vec<Method> {
    let mut methods = raw::methods();
    let everywhere: Vec<Method> = methods
        .iter()
        .filter(|method| ["Inbox", "Audit"].iter().any(|of| method.path.contains(of)))
        .cloned()
        .collect();
    for method in everywhere {
        methods.extend(
            ["classification", "routing", "notification"].map(|service| Method {
                service: service.to_owned(),
                ..method.clone()
            }),
        );
    }
    methods
}

/// Whether the suite is still there, and never panicked.
async fn is_well(suite: &mut Suite) {
    suite
        .client("bureau/NB-FR")
        .submit(dossier::plain())
        .await
        .unwrap();
    for process in suite.processes() {
        assert!(process.is_running());
        let log = process.whole_log();
        assert!(!log.contains("panicked"), "{log}");
    }
}

async fn failure(suite: &Suite, method: &Method, body: Bytes) -> Option<Failure> {
    let channel = caller(suite, method).channel(&method.service);
    raw::call(channel, &method.path, body)
        .await
        .err()
        .map(|status| Failure::read(&status))
}

#[test]
fn what_is_no_message_is_refused_as_such() {
    e2e::run(async {
        let mut suite = Suite::up(Backend::Sqlite).await;
        for method in methods() {
            for bytes in NO_MESSAGE {
                let failure = failure(&suite, &method, raw::frame(bytes)).await;
                let failure = failure.unwrap_or_else(|| panic!("{} took {bytes:x?}", method.path));
                assert_eq!(
                    (failure.code, failure.reason()),
                    (Code::InvalidArgument, Some(Reason::MalformedMessage)),
                    "{} {bytes:x?} {failure:?}",
                    method.path
                );
            }
        }
        is_well(&mut suite).await;
    });
}

#[test]
fn frames_that_are_none_are_refused() {
    e2e::run(async {
        let mut suite = Suite::up(Backend::Sqlite).await;
        let whole = raw::frame(b"");
        let mut compressed = BytesMut::from(&whole[..]);
        compressed[0] = 1;
        let mut unknown = BytesMut::from(&whole[..]);
        unknown[0] = 7;
        let frames: [(&str, Bytes); 6] = [
            ("nothing at all", Bytes::new()),
            ("half a header", whole.slice(..3)),
            (
                "less than announced",
                Bytes::from_static(&[0, 0, 0, 0, 9, 1, 2]),
            ),
            ("compressed without saying how", compressed.freeze()),
            ("an unknown flag", unknown.freeze()),
            (
                "more than is taken",
                Bytes::from_static(&[0, 0x7f, 0xff, 0xff, 0xff]),
            ),
        ];
        for method in methods() {
            for (what, body) in &frames {
                let failure = failure(&suite, &method, body.clone()).await;
                let failure = failure.unwrap_or_else(|| panic!("{} took {what}", method.path));
                assert_eq!(
                    failure.domain, "liaison",
                    "{} {what}: {failure:?}",
                    method.path
                );
                assert!(
                    !matches!(failure.code, Code::Unknown | Code::Ok),
                    "{} {what}: {failure:?}",
                    method.path
                );
                if *what == "more than is taken" {
                    assert_eq!(
                        failure.reason(),
                        Some(Reason::MessageTooLarge),
                        "{failure:?}"
                    );
                }
            }
        }
        is_well(&mut suite).await;
    });
}

#[test]
fn arbitrary_and_truncated_messages_never_break_anything() {
    e2e::run(async {
        let mut suite = Suite::up(Backend::Sqlite).await;
        let random = SeededRandom::new(7);
        let submission = liaison_proto::intake::SubmitReferralRequest {
            dossier: Some(dossier::plain()),
            request_id: e2e::request_id(),
            validate_only: false,
        }
        .encode_to_vec();
        let mut bodies: Vec<Vec<u8>> = Vec::new();
        for _ in 0..12 {
            let mut bytes = vec![0; usize::try_from(random.next_u64() % 200).unwrap()];
            random.fill(&mut bytes);
            bodies.push(bytes);
            // Small tags with short lengths are read much further than noise is.
            bodies.push((0..20).map(|_| (random.next_u64() % 0x2b) as u8).collect());
            let cut = usize::try_from(random.next_u64()).unwrap() % submission.len();
            bodies.push(submission[..cut].to_vec());
            let mut flipped = submission.clone();
            flipped[cut] ^= 1 << (random.next_u64() % 8);
            bodies.push(flipped);
        }
        for method in methods().into_iter().filter(|method| !method.streams) {
            let client = caller(&suite, &method);
            for bytes in &bodies {
                let channel = client.channel(&method.service);
                let Err(status) = raw::call(channel, &method.path, raw::frame(bytes)).await else {
                    // It may be a message after all, with fields that nobody knows.
                    continue;
                };
                let failure = Failure::read(&status);
                let told = format!("{} {}: {failure:?}", method.path, hex::encode(bytes));
                assert!(failure.reason().is_some(), "{told}");
                assert!(
                    matches!(
                        failure.code,
                        Code::InvalidArgument
                            | Code::NotFound
                            | Code::PermissionDenied
                            | Code::AlreadyExists
                    ),
                    "{told}"
                );
            }
        }
        is_well(&mut suite).await;
    });
}

#[test]
fn paths_that_nobody_serves_are_refused() {
    e2e::run(async {
        let suite = Suite::up(Backend::Sqlite).await;
        let bureau = suite.client("bureau/NB-FR");
        for path in [
            "/liaison.intake.v1.IntakeService/DropAll",
            "/liaison.intake.v2.IntakeService/SubmitReferral",
            "/liaison.routing.v1.RoutingService/PullAssignments",
            "/",
            "/..%2f",
        ] {
            let answer = raw::call(bureau.channel("intake"), path, raw::frame(b"")).await;
            let failure = Failure::read(&answer.unwrap_err());
            assert!(
                matches!(failure.code, Code::Unimplemented | Code::PermissionDenied),
                "{path}: {failure:?}"
            );
            assert_eq!(failure.domain, "liaison", "{path}: {failure:?}");
        }
    });
}
