//! What the layers cost: an empty call through all of them, against bare tonic with the same TLS.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use liaison_grpc::{Api, Health, Limits, Listeners, Methods, Server, stack};
use liaison_identity::{Identity, IdentitySettings, ServerStream, WarnBefore};
use liaison_proto::classification::classification_service_client::ClassificationServiceClient;
use liaison_proto::classification::classification_service_server::{
    ClassificationService, ClassificationServiceServer,
};
use liaison_proto::classification::{
    ClassifyTextRequest, ClassifyTextResponse, CorrectDecisionRequest, CorrectDecisionResponse,
    DecideTriageRequest, DecideTriageResponse, GetDriftFiguresRequest, GetDriftFiguresResponse,
    GetTriageItemRequest, GetTriageItemResponse, ListDecisionsRequest, ListDecisionsResponse,
    ListLabelsRequest, ListLabelsResponse, ListTriageItemsRequest, ListTriageItemsResponse,
    RecomputeDecisionRequest, RecomputeDecisionResponse,
};
use liaison_telemetry::Instruments;
use liaison_types::{Party, SystemClock};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::Result;
use crate::drive::{Done, closed};
use crate::processes::{self, Process};
use crate::report::{Baseline, Conditions, Latency, NOT_APPLICABLE, Report, others};
use crate::world::World;

/// Calls in flight.
const IN_FLIGHT: usize = 64;
/// Connections they share.
const CONNECTIONS: usize = 4;

/// Measures both, the bare one before and after, so that a drift of the machine shows.
pub(crate) async fn run(time: Duration) -> Result<Report> {
    let world = World::new()?;
    let before = half(&world, false, time / 2).await?;
    let full = half(&world, true, time).await?;
    let after = half(&world, false, time / 2).await?;
    let bare = f64::midpoint(before.0.rate(), after.0.rate());
    let (done, rss) = full;
    Ok(Report {
        scenario: "stack",
        rate: done.rate(),
        baseline: Baseline {
            name: format!(
                "bare tonic with the same TLS, before {:.0} and after {:.0}",
                before.0.rate(),
                after.0.rate()
            ),
            rate: bare,
        },
        ratio: done.rate() / bare,
        latency_ms: Latency::of(&done.micros),
        errors: done.errors + before.0.errors + after.0.errors,
        rss_mib: BTreeMap::from([("server".to_owned(), rss)]),
        conditions: Conditions {
            fsync: NOT_APPLICABLE.to_owned(),
            synchronous_commit: NOT_APPLICABLE.to_owned(),
            dossier_bytes: NOT_APPLICABLE.to_owned(),
            clients: format!("{IN_FLIGHT} in flight on {CONNECTIONS} connections"),
            relays: NOT_APPLICABLE.to_owned(),
            others: others([
                ("call", "unary, empty message both ways".to_owned()),
                ("telemetry", "no collector".to_owned()),
            ]),
        },
    })
}

async fn half(world: &World, full: bool, time: Duration) -> Result<(Done, f64)> {
    let service = world.issue(&Party::service("classification"))?;
    let address = processes::free_address()?;
    let role = if full { "stack" } else { "bare" };
    let environment = BTreeMap::from([("LIAISON_LOAD_SERVE".to_owned(), role.to_owned())]);
    let arguments = [
        address.to_string(),
        service.certificate.display().to_string(),
        service.key.display().to_string(),
        service.authority.display().to_string(),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut server = Process::start("load", &arguments, &environment)?;
    server.wait_for(address)?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let channel = world.channel("desk/triage", "classification", address)?;
        clients.push(ClassificationServiceClient::new(channel));
    }
    let clients = Arc::new(clients);
    let done = closed(IN_FLIGHT, time, move |caller| {
        let mut client = clients[caller % clients.len()].clone();
        async move {
            let answer = client.list_decisions(ListDecisionsRequest::default()).await;
            answer.map(|_| ()).map_err(|status| status.to_string())
        }
    })
    .await?;
    if let Some(error) = &done.first_error {
        eprintln!("load: the first error: {error}");
    }
    let (_, rss) = server.rss();
    Ok((done, rss))
}

/// The server half, in a process of its own: address, certificate, key and authority follow.
pub(crate) fn serve(full: bool, arguments: &[String]) -> Result<()> {
    let [address, certificate, key, authority] = arguments else {
        return Err("address, certificate, key and authority are needed".into());
    };
    let address: SocketAddr = address.parse()?;
    let settings = IdentitySettings {
        certificate: PathBuf::from(certificate),
        key: PathBuf::from(key),
        authority: PathBuf::from(authority),
        revocations: None,
        warn_before: WarnBefore::default(),
    };
    let identity = Identity::load(&settings, Arc::new(SystemClock))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        if full {
            layered(address, identity).await
        } else {
            bare(address, identity).await
        }
    })
}

async fn layered(address: SocketAddr, identity: Identity) -> Result<()> {
    let limits = Limits {
        party_rate: u32::MAX,
        party_burst: u32::MAX,
        ..Limits::default()
    };
    let layers = stack(
        &Methods::liaison(),
        &limits,
        Some(&identity),
        &Instruments::none(),
    );
    let server = Server {
        listeners: Listeners::from_std(
            std::net::TcpListener::bind(address)?,
            std::net::TcpListener::bind("127.0.0.1:0")?,
        )?,
        api: Api::new(layers).service(ClassificationServiceServer::new(Empty)),
        identity,
        health: Health::new("liaison.classification.v1.ClassificationService").await,
        limits,
    };
    server
        .serve(CancellationToken::new(), CancellationToken::new())
        .await?;
    Ok(())
}

async fn bare(address: SocketAddr, identity: Identity) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    let (accepted, incoming) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // As the product does: small answers must not wait for company.
            let _ = stream.set_nodelay(true);
            let (acceptor, accepted) = (identity.acceptor(), accepted.clone());
            tokio::spawn(async move {
                if let Ok((stream, _)) = acceptor.accept(stream).await {
                    // The server is going away.
                    let _ = accepted.send(Ok::<_, std::io::Error>(Bare(stream))).await;
                }
            });
        }
    });
    tonic::transport::Server::builder()
        .add_service(ClassificationServiceServer::new(Empty))
        .serve_with_incoming(tokio_stream::wrappers::ReceiverStream::new(incoming))
        .await?;
    Ok(())
}

/// Answers everything with nothing.
#[derive(Clone, Copy, Debug)]
struct Empty;

#[tonic::async_trait]
impl ClassificationService for Empty {
    async fn classify_text(
        &self,
        _: Request<ClassifyTextRequest>,
    ) -> Result<Response<ClassifyTextResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn list_decisions(
        &self,
        _: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn list_triage_items(
        &self,
        _: Request<ListTriageItemsRequest>,
    ) -> Result<Response<ListTriageItemsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn get_triage_item(
        &self,
        _: Request<GetTriageItemRequest>,
    ) -> Result<Response<GetTriageItemResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn decide_triage(
        &self,
        _: Request<DecideTriageRequest>,
    ) -> Result<Response<DecideTriageResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn correct_decision(
        &self,
        _: Request<CorrectDecisionRequest>,
    ) -> Result<Response<CorrectDecisionResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn list_labels(
        &self,
        _: Request<ListLabelsRequest>,
    ) -> Result<Response<ListLabelsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn get_drift_figures(
        &self,
        _: Request<GetDriftFiguresRequest>,
    ) -> Result<Response<GetDriftFiguresResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn recompute_decision(
        &self,
        _: Request<RecomputeDecisionRequest>,
    ) -> Result<Response<RecomputeDecisionResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

/// A TLS stream that tonic takes as it is.
struct Bare(ServerStream<TcpStream>);

impl tonic::transport::server::Connected for Bare {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

impl AsyncRead for Bare {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Bare {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
