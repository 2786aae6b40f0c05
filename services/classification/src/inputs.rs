//! Where offences and narratives come from: intake, by a batched, audited call.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_grpc::{Channel, from_status};
use liaison_proto::intake::intake_service_client::IntakeServiceClient;
use liaison_types::{ReferralId, Result};
use tonic::Request;

use crate::convert::{self, CaseInput};

/// How long one call may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// The largest answer taken, so that a batch of long narratives cannot exhaust the memory. It is far
/// above what one referral can have; a batch that is larger is asked for in parts.
const MAX_ANSWER: usize = 16 << 20;

/// What was found of some referrals, in any order. Those that are not there are left out.
pub type Found = Vec<(ReferralId, Result<CaseInput>)>;

/// Gives what is decided on.
pub trait InputSource: Send + Sync + 'static {
    /// Offences and narratives of `referrals`, at most 256.
    ///
    /// # Errors
    /// Where nothing is known of any of them. What concerns one referral stands beside it.
    fn inputs<'a>(&'a self, referrals: &'a [ReferralId]) -> BoxFuture<'a, Result<Found>>;
}

/// Intake over gRPC.
#[derive(Clone, Debug)]
pub struct Intake {
    client: IntakeServiceClient<Channel>,
}

impl Intake {
    /// Intake at the other end of `channel`.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        let client = IntakeServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER);
        Self { client }
    }
}

impl InputSource for Intake {
    fn inputs<'a>(&'a self, referrals: &'a [ReferralId]) -> BoxFuture<'a, Result<Found>> {
        async move {
            let mut request = Request::new(convert::names(referrals));
            request.set_timeout(DEADLINE);
            let answer = self
                .client
                .clone()
                .batch_get_classification_inputs(request)
                .await
                .map_err(from_status)?
                .into_inner();
            Ok(answer
                .inputs
                .into_iter()
                .filter_map(convert::input)
                .collect())
        }
        .boxed()
    }
}
