//! Deciding again what was decided, by a candidate rule set. Nothing changes but the audit, which says who
//! asked.

use liaison_grpc::Caller;
use liaison_grpc::paging::Query;
use liaison_grpc::wire::{self, Checks, Path};
use liaison_policy::{Difference, RuleSet, simulate};
use liaison_proto::audit::{DecisionChange, SimulatePolicyRequest, SimulatePolicyResponse};
use liaison_store::audit::{self, AuditEntry, AuditQuery, MAX_PAGE};
use liaison_types::{AuditId, Party, Result, Rule, Timestamp};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::api::{AuditApi, micros};
use super::decision::recorded_decision;

const ACTION: &str = "audit.simulate_policy";

/// How many decisions are looked at where nobody asks, and at most.
const DEFAULT_SIZE: u64 = 1_000;
const MAX_SIZE: u64 = 10_000;

/// The most bytes of changes in one answer, which stays below the 4 MiB that a message may have.
const MAX_BYTES: usize = 3 << 20;

/// What is asked.
struct Asked {
    candidate: RuleSet,
    /// SHA-256 of its text, in hexadecimal.
    digest: String,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    size: u64,
}

impl AuditApi {
    /// What the candidate would have decided otherwise, a page of it.
    pub(super) async fn simulated(
        &self,
        caller: &Caller,
        request: SimulatePolicyRequest,
    ) -> Result<SimulatePolicyResponse> {
        let asked = read(&request)?;
        let bound = bind(caller.party(), &asked);
        let after: Option<Uuid> = bound.position(&request.page_token)?;
        let version = asked.candidate.version();
        let purpose = format!("{version} sha256:{}", asked.digest);
        self.note(caller, ACTION, String::new(), Some(purpose))
            .await?;

        let mut page = Page::new(version);
        let mut query = AuditQuery {
            from: asked.from,
            until: asked.until,
            decided: true,
            after: after.map(AuditId::from_uuid),
            ..AuditQuery::default()
        };
        let mut left = asked.size;
        loop {
            // One more than is looked at, to know whether there is another.
            query.limit = (left + 1).min(MAX_PAGE);
            let records = audit::list(self.db.reader(), &query).await?;
            let all = (records.len() as u64) < query.limit;
            for record in records {
                if left == 0 || page.bytes >= MAX_BYTES {
                    let last = query.after.map(|last| bound.token(&last.uuid()));
                    page.response.next_page_token = last.unwrap_or_default();
                    return Ok(page.response);
                }
                query.after = Some(record.entry.id);
                left -= 1;
                page.look(&asked.candidate, &record.entry);
            }
            if all {
                return Ok(page.response);
            }
        }
    }
}

/// An answer as it grows.
struct Page {
    response: SimulatePolicyResponse,
    /// What its changes come to.
    bytes: usize,
}

impl Page {
    fn new(candidate: &str) -> Self {
        Self {
            response: SimulatePolicyResponse {
                rule_set: candidate.to_owned(),
                ..SimulatePolicyResponse::default()
            },
            bytes: 0,
        }
    }

    fn look(&mut self, candidate: &RuleSet, entry: &AuditEntry) {
        let Some(kept) = recorded_decision(entry) else {
            self.response.skipped += 1;
            return;
        };
        self.response.examined += 1;
        let question = kept.facts.asked();
        if let Some(difference) = simulate(candidate, [kept]).next() {
            let change = change(entry, question.as_str(), &difference);
            self.bytes += change.encoded_len();
            self.response.changes.push(change);
        }
    }
}

fn change(entry: &AuditEntry, question: &str, difference: &Difference) -> DecisionChange {
    let (before, after) = (&difference.before, &difference.after);
    DecisionChange {
        subject: entry.subject.clone(),
        decided_at: Some(wire::timestamp(entry.at)),
        entry_id: entry.id.to_string(),
        question: question.to_owned(),
        was_permitted: before.is_allowed(),
        was_rules: entry.rules.clone(),
        was_rule_set: entry.rule_set.clone().unwrap_or_default(),
        would_be_permitted: after.is_allowed(),
        would_be_rules: after.rules.iter().map(ToString::to_string).collect(),
        would_need_consent: after.missing_consent.is_some(),
    }
}

fn read(request: &SimulatePolicyRequest) -> Result<Asked> {
    let mut checks = Checks::default();
    let candidate = candidate(&mut checks, &request.rule_set);
    let from = checks.optional_instant(Path::root("from"), request.from.as_ref());
    let until = checks.optional_instant(Path::root("until"), request.until.as_ref());
    let size = u64::try_from(request.page_size)
        .ok()
        .map(|size| match size {
            0 => DEFAULT_SIZE,
            size => size.min(MAX_SIZE),
        });
    if size.is_none() {
        let most = i64::try_from(MAX_SIZE).unwrap_or(i64::MAX);
        checks.add(Path::root("page_size"), Rule::OutOfRange(0, most));
    }
    checks.finish(candidate.zip(size).map(|(candidate, size)| Asked {
        candidate,
        digest: hex::encode(Sha256::digest(request.rule_set.as_bytes())),
        from,
        until,
        size,
    }))
}

/// The candidate; where it is none, everything that is wrong with it is said.
fn candidate(checks: &mut Checks, text: &str) -> Option<RuleSet> {
    if text.trim().is_empty() {
        checks.add(Path::root("rule_set"), Rule::Required);
        return None;
    }
    RuleSet::load(text)
        .map_err(|error| {
            for problem in error.problems {
                let says = Rule::WrongRuleSet(problem.to_string());
                checks.add(Path::root("rule_set"), says);
            }
        })
        .ok()
}

/// What a token is bound to.
fn bind(viewer: &Party, asked: &Asked) -> Query {
    Query::new("SimulatePolicy", viewer)
        .with(&asked.digest)
        .with(&micros(asked.from))
        .with(&micros(asked.until))
}
