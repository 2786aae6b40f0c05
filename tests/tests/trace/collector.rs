//! A collector that prints what it receives.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{PATIENCE, Process, eventually};
use tokio::net::TcpStream;
use tokio::task::block_in_place;

/// The environment variable that names the program.
const PROGRAM: &str = "E2E_ROTEL_AGENT";

/// A span as it was received.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Span {
    /// The service that sent it.
    pub(crate) service: String,
    /// The trace.
    pub(crate) trace: String,
    /// The span.
    pub(crate) id: String,
    /// The span it continues.
    pub(crate) parent: Option<String>,
    /// Its name.
    pub(crate) name: String,
    /// Trace and span of what it points to.
    pub(crate) links: Vec<(String, String)>,
}

/// A running collector.
pub(crate) struct Collector {
    process: Process,
    endpoint: String,
}

impl Collector {
    /// Starts it, with its files in `folder`.
    pub(crate) async fn start(folder: &Path) -> Self {
        let (grpc, http) = (free(), free());
        let mut command = Command::new(program());
        command.args(["start", "--exporter", "blackhole"]);
        command.args(["--debug-log", "traces", "--debug-log-verbosity", "detailed"]);
        command.args(["--otlp-grpc-endpoint", &grpc.to_string()]);
        command.args(["--otlp-http-endpoint", &http.to_string()]);
        command.arg("--pid-file").arg(folder.join("collector.pid"));
        command.arg("--log-file").arg(folder.join("collector.file"));
        command.env("NO_COLOR", "1");
        let process = Process::start("collector", command, folder);
        eventually(PATIENCE, || async {
            TcpStream::connect(grpc).await.is_ok()
        })
        .await;
        Self {
            process,
            endpoint: format!("http://{grpc}"),
        }
    }

    /// Where it takes OTLP over gRPC.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Ends it, and hands over what it received.
    pub(crate) fn stop(&mut self) -> Vec<Span> {
        block_in_place(|| self.process.stop(PATIENCE));
        // All it printed is there once its output ended.
        let printed = block_in_place(|| self.process.whole_output(PATIENCE));
        read(&printed)
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn program() -> PathBuf {
    if let Some(path) = std::env::var_os(PROGRAM) {
        return path.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("rotel-agent"))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("no rotel-agent: run the test with tests/run, or set {PROGRAM}"))
}

/// Reads what the collector printed: blocks of `ResourceSpans`, in them blocks of `Span`.
fn read(printed: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut service = String::new();
    let mut link: Option<String> = None;
    for line in printed.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("-> service.name: Str(") {
            service = name.trim_end_matches(')').to_owned();
        } else if line.starts_with("Span #") {
            spans.push(Span {
                service: service.clone(),
                ..Span::default()
            });
            link = None;
        }
        let (Some(span), Some((key, value))) = (spans.last_mut(), line.split_once(':')) else {
            continue;
        };
        let (key, value) = (
            key.trim().trim_start_matches("-> "),
            value.trim().to_owned(),
        );
        match key {
            "Trace ID" if span.trace.is_empty() => span.trace = value,
            // A second one is that of a link.
            "Trace ID" => link = Some(value),
            "Parent ID" if !value.is_empty() => span.parent = Some(value),
            "ID" | "Span ID" => match link.take() {
                Some(trace) => span.links.push((trace, value)),
                None => span.id = value,
            },
            "Name" => span.name = value,
            _ => {}
        }
    }
    spans
}

#[test]
fn what_is_printed_is_read() {
    let printed = "ResourceSpans #0\nResource attributes:\n     -> service.name: Str(intake)\n\
        Span #0\n    Trace ID       : aa\n    Parent ID      : \n    ID             : 01\n    \
        Name           : a.B/C\nSpan #1\n    Trace ID       : aa\n    Parent ID      : 01\n    \
        ID             : 02\n    Name           : receive x\n\
        Links:\nSpanLink #0\n     -> Trace ID: bb\n     -> ID: 03\n";
    let spans = read(printed);
    assert_eq!(spans.len(), 2);
    assert_eq!(
        (spans[0].name.as_str(), spans[0].parent.as_deref()),
        ("a.B/C", None)
    );
    assert_eq!(
        (spans[1].id.as_str(), spans[1].parent.as_deref()),
        ("02", Some("01"))
    );
    assert_eq!(spans[1].links, [("bb".to_owned(), "03".to_owned())]);
    assert!(
        spans
            .iter()
            .all(|span| span.service == "intake" && span.trace == "aa")
    );
}
