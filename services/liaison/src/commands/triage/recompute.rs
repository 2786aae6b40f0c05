//! `liaison triage recompute`: does the machine still say what it said?

use liaison_proto::classification::{
    ListDecisionsRequest, Recomputation, RecomputeDecisionRequest, RecomputeDecisionResponse,
};
use serde_json::{Value, json};

use super::desk;
use crate::cli::{Output, TriageRecomputeArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{BAD, CARE, GOOD, document, records, styled, word};
use crate::proto_json::to_json;

/// Makes the decision again, or all of the machine's on the referral.
///
/// # Errors
/// What keeps it from being done. [`Failure::Told`] where one comes out otherwise, or its rule set is not there.
pub(super) async fn run(output: &Output, args: &TriageRecomputeArgs) -> Outcome {
    let mut classification = Connection::open(&args.connect, desk())?.classification()?;
    let names = if args.name.starts_with("classifications/") {
        vec![args.name.clone()]
    } else {
        let id = args.name.rsplit('/').next().unwrap_or_default();
        let request = ListDecisionsRequest {
            referral: format!("referrals/{id}"),
        };
        let all = classification
            .list_decisions(request)
            .await
            .map_err(Failure::refused(&args.name))?
            .into_inner()
            .decisions;
        // What a person decided is nobody's to compute.
        let machine = all.into_iter().filter(|one| one.decided_by.is_none());
        machine.map(|one| one.name).collect()
    };
    let mut again = Vec::with_capacity(names.len());
    for name in names {
        let request = RecomputeDecisionRequest { name: name.clone() };
        let answer = classification.recompute_decision(request).await;
        again.push(answer.map_err(Failure::refused(&name))?.into_inner());
    }
    let json: Vec<Value> = again
        .iter()
        .map(|one| to_json("liaison.classification.v1.RecomputeDecisionResponse", one))
        .collect();
    document(output, &json!({ "decisions": json }), || {
        let headers = ["result", "rule set", "made by", "made again by", "decision"];
        records(&headers, again.iter().map(row).collect())
    })?;
    if again.iter().any(|one| is_bad_news(one.result())) {
        return Err(Failure::Told);
    }
    Ok(())
}

fn row(one: &RecomputeDecisionResponse) -> Vec<String> {
    let result = one.result();
    let style = match result {
        Recomputation::Same => GOOD,
        result if is_bad_news(result) => BAD,
        _ => CARE,
    };
    vec![
        styled(style, &word(result.as_str_name(), "RECOMPUTATION_")),
        one.rule_set.clone(),
        one.program.clone(),
        one.recomputed_by.clone(),
        one.name.clone(),
    ]
}

/// Nobody changed anything, and yet it does not come out as it did, or cannot be known to.
const fn is_bad_news(result: Recomputation) -> bool {
    matches!(
        result,
        Recomputation::Different | Recomputation::RuleSetUnknown
    )
}
