//! A decision that is made again, as it is asked for and answered.

use liaison_grpc::wire::{self, Checks, Path};
use liaison_proto::classification as api;
use liaison_types::{DecisionId, Result};

use super::decision;
use crate::ops::Recomputed;

/// The decision that is to be made again.
///
/// # Errors
/// INVALID_ARGUMENT where the name is none.
pub fn decision_name(request: &api::RecomputeDecisionRequest) -> Result<DecisionId> {
    let mut checks = Checks::default();
    let name = checks.resource(Path::root("name"), &request.name);
    checks.finish(name)
}

/// How it came out.
#[must_use]
pub fn recomputed(recomputed: &Recomputed) -> api::RecomputeDecisionResponse {
    let decided = &recomputed.decided;
    let making = decided.making.as_ref();
    let shown = |digest: &crate::artefacts::digest::Digest| digest.to_string();
    api::RecomputeDecisionResponse {
        name: wire::resource(decided.id),
        referral: wire::resource(decided.referral),
        result: wire::number::<api::Recomputation>(recomputed.result.as_str()),
        rule_set: decided.rule_set.clone(),
        model: decided.model.clone(),
        program: making.map_or_else(String::new, |making| making.program.clone()),
        recomputed_by: recomputed.program.to_owned(),
        digest: making.map_or_else(String::new, |making| shown(&making.decision)),
        recomputed_digest: recomputed.digest.as_ref().map_or_else(String::new, shown),
        recomputed: recomputed.again.as_ref().map(decision),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Recomputation;

    #[test]
    fn every_way_to_come_out_is_in_the_schema() {
        for result in Recomputation::ALL {
            assert_ne!(
                wire::number::<api::Recomputation>(result.as_str()),
                0,
                "{result}"
            );
        }
        let request =
            |name: &str| decision_name(&api::RecomputeDecisionRequest { name: name.into() });
        assert!(request("classifications/01890a5d-ac96-774b-bcce-b302099a8057").is_ok());
        assert!(request("referrals/01890a5d-ac96-774b-bcce-b302099a8057").is_err());
    }
}
