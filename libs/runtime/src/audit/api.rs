//! What auditors see. Every service answers it over its own audit.

use std::sync::Arc;
use std::time::Duration;

use liaison_grpc::Caller;
use liaison_grpc::paging::{Query, page, page_size};
use liaison_grpc::wire::{self, Checks, Path};
use liaison_proto::audit::audit_service_server::AuditService;
use liaison_proto::audit::{
    AuditCheckpoint, AuditEntry, AuditSeal, ListAuditEntriesRequest, ListAuditEntriesResponse,
    ListAuditSealsRequest, ListAuditSealsResponse, SimulatePolicyRequest, SimulatePolicyResponse,
};
use liaison_store::Db;
use liaison_store::audit::{self, AuditQuery, AuditRecord, Checkpoint, Found, Sealed};
use liaison_types::{AuditId, Clock, Form, Party, Random, Result, Rule, Timestamp};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The longest name of a resource.
const MAX_SUBJECT: usize = 200;

/// The most seals of one page, and how many where nobody asks.
const MAX_SEALS: u64 = audit::MAX_PAGE;

/// The sealer is at most seconds behind: an entry of this age without a seal has lost it, or never came
/// in the way entries come.
const SEALED_WITHIN: Duration = Duration::from_mins(5);

/// Answers the calls of [`AuditService`].
#[derive(Clone, Debug)]
pub(crate) struct AuditApi {
    name: &'static str,
    pub(super) db: Db,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl AuditApi {
    /// Over the audit of the service `name`.
    pub(crate) fn new(
        name: &'static str,
        db: Db,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            name,
            db,
            clock,
            random,
        }
    }

    async fn entries(
        &self,
        caller: &Caller,
        request: ListAuditEntriesRequest,
    ) -> Result<ListAuditEntriesResponse> {
        let (query, size) = entries_query(&request)?;
        let bound = bind(caller.party(), &query);
        let after: Option<Uuid> = bound.position(&request.page_token)?;
        let query = AuditQuery {
            after: after.map(AuditId::from_uuid),
            limit: u64::from(size) + 1,
            ..query
        };
        let subject = query.subject.clone().unwrap_or_default();
        self.note(caller, "audit.list_entries", subject, None)
            .await?;
        let rows = audit::list(self.db.reader(), &query).await?;
        let (rows, next_page_token) = page(&bound, rows, size, |last| last.entry.id.uuid());
        Ok(ListAuditEntriesResponse {
            entries: rows.iter().map(entry).collect(),
            next_page_token,
        })
    }

    async fn seals(
        &self,
        caller: &Caller,
        request: ListAuditSealsRequest,
    ) -> Result<ListAuditSealsResponse> {
        let (after, size) = seals_query(&request)?;
        self.note(caller, "audit.list_seals", String::new(), None)
            .await?;
        let db = self.db.reader();
        // Whatever is sealed meanwhile, what is answered fits together. The checkpoints that are there
        // first have their seals in what is read next: those behind the last seal have nothing to fit,
        // which the last page has to show.
        let mut checkpoints = audit::checkpoints(db, after, MAX_SEALS).await?;
        let seals = audit::sealed(db, after, size).await?;
        let more = seals.len() as u64 == size;
        let last = seals.last().map_or(after, |seal| seal.position);
        checkpoints.retain(|checkpoint| !more || checkpoint.position <= last);
        // What was sealed between the two has its checkpoint by now, and maybe a later one with it.
        let signed = checkpoints.last().map_or(after, |last| last.position);
        if last > signed {
            let since = audit::checkpoints(db, signed, MAX_SEALS).await?;
            checkpoints.extend(since.into_iter().filter(|since| since.position <= last));
        }
        let unsealed = if more {
            Vec::new()
        } else {
            let before = self.clock.now() - SEALED_WITHIN;
            audit::unsealed(db, before, MAX_SEALS).await?
        };
        Ok(ListAuditSealsResponse {
            seals: seals.iter().map(seal).collect(),
            checkpoints: checkpoints.iter().map(checkpoint).collect(),
            more,
            unsealed: unsealed
                .iter()
                .filter_map(|(id, found)| shown(*id, found))
                .collect(),
            service: self.name.to_owned(),
        })
    }

    /// Who reads the audit stands in it too.
    pub(super) async fn note(
        &self,
        caller: &Caller,
        action: &str,
        subject: String,
        purpose: Option<String>,
    ) -> Result<()> {
        let now = self.clock.now();
        let id = AuditId::new(now, self.random.as_ref());
        let party = caller.party().clone();
        let mut entry = audit::AuditEntry::new(id, now, party, action, subject, "PERMIT");
        entry.officer = caller.officer().map(str::to_owned);
        entry.purpose = purpose;
        self.db
            .write_tx("audit.read", |tx| {
                let entry = entry.clone();
                Box::pin(async move { audit::record(tx, vec![entry]).await })
            })
            .await
    }
}

fn entries_query(request: &ListAuditEntriesRequest) -> Result<(AuditQuery, u32)> {
    let mut checks = Checks::default();
    checks.line(Path::root("subject"), &request.subject, MAX_SUBJECT);
    let party: Option<Party> =
        checks.optional_parse(Path::root("party"), &request.party, Form::PartyName);
    let from = checks.optional_instant(Path::root("from"), request.from.as_ref());
    let until = checks.optional_instant(Path::root("until"), request.until.as_ref());
    let size = page_size(request.page_size);
    if size.is_err() {
        let most = i64::try_from(audit::MAX_PAGE).unwrap_or(i64::MAX);
        checks.add(Path::root("page_size"), Rule::OutOfRange(0, most));
    }
    let query = AuditQuery {
        subject: Some(request.subject.clone()).filter(|subject| !subject.is_empty()),
        party,
        from,
        until,
        ..AuditQuery::default()
    };
    // One row more is read than a page holds, to know whether there is another.
    let most = u32::try_from(audit::MAX_PAGE).unwrap_or(u32::MAX) - 1;
    checks.finish(size.ok().map(|size| (query, size.min(most))))
}

fn seals_query(request: &ListAuditSealsRequest) -> Result<(i64, u64)> {
    let mut checks = Checks::default();
    checks.ensure(
        request.after >= 0,
        Path::root("after"),
        Rule::OutOfRange(0, i64::MAX),
    );
    let size = u64::try_from(request.page_size)
        .ok()
        .map(|size| match size {
            0 => MAX_SEALS,
            size => size.min(MAX_SEALS),
        });
    if size.is_none() {
        let most = i64::try_from(MAX_SEALS).unwrap_or(i64::MAX);
        checks.add(Path::root("page_size"), Rule::OutOfRange(0, most));
    }
    checks.finish(size.map(|size| (request.after, size)))
}

/// An instant as a token is bound to it.
pub(super) fn micros(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| at.as_micros().to_string())
}

/// What a token is bound to.
fn bind(viewer: &Party, query: &AuditQuery) -> Query {
    let party = query.party.as_ref().map(ToString::to_string);
    Query::new("ListAuditEntries", viewer)
        .with(query.subject.as_deref().unwrap_or_default())
        .with(&party.unwrap_or_default())
        .with(&micros(query.from))
        .with(&micros(query.until))
}

fn entry(record: &AuditRecord) -> AuditEntry {
    let entry = &record.entry;
    AuditEntry {
        id: entry.id.to_string(),
        at: Some(wire::timestamp(entry.at)),
        party: entry.party.to_string(),
        officer: entry.officer.clone(),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        purpose: entry.purpose.clone(),
        decision: entry.decision.clone(),
        rules: entry.rules.clone(),
        request_id: entry.request_id.clone(),
        rule_set: entry.rule_set.clone(),
        facts: entry.facts.clone(),
        digest: record.digest.to_vec(),
    }
}

/// What is there of an entry. One that cannot be read has nothing but its id, which fits no seal.
fn shown(id: AuditId, found: &Found) -> Option<AuditEntry> {
    match found {
        Found::Entry(record) => Some(entry(record)),
        Found::Unreadable => Some(AuditEntry {
            id: id.to_string(),
            ..AuditEntry::default()
        }),
        Found::Gone => None,
    }
}

fn seal(of: &Sealed) -> AuditSeal {
    AuditSeal {
        position: of.position,
        entry_id: of.audit_id.to_string(),
        digest: of.digest.to_vec(),
        entry: shown(of.audit_id, &of.record),
    }
}

fn checkpoint(of: &Checkpoint) -> AuditCheckpoint {
    AuditCheckpoint {
        position: of.position,
        at: Some(wire::timestamp(of.signature.at)),
        digest: of.digest.to_vec(),
        key_id: of.signature.key_id.clone(),
        signature: of.signature.bytes.clone(),
    }
}

#[tonic::async_trait]
impl AuditService for AuditApi {
    async fn list_audit_entries(
        &self,
        request: Request<ListAuditEntriesRequest>,
    ) -> Result<Response<ListAuditEntriesResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        match self.entries(&caller, request.into_inner()).await {
            Ok(response) => Ok(Response::new(response)),
            Err(error) => Err(caller.status(&error)),
        }
    }

    async fn list_audit_seals(
        &self,
        request: Request<ListAuditSealsRequest>,
    ) -> Result<Response<ListAuditSealsResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        match self.seals(&caller, request.into_inner()).await {
            Ok(response) => Ok(Response::new(response)),
            Err(error) => Err(caller.status(&error)),
        }
    }

    async fn simulate_policy(
        &self,
        request: Request<SimulatePolicyRequest>,
    ) -> Result<Response<SimulatePolicyResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        match self.simulated(&caller, request.into_inner()).await {
            Ok(response) => Ok(Response::new(response)),
            Err(error) => Err(caller.status(&error)),
        }
    }
}
