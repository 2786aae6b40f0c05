//! grpc.reflection v1 and v1alpha over the schema; older tools speak v1alpha only.

use tonic_reflection::server::Builder;

use crate::stack::Api;

/// Adds both versions. Whoever has a certificate of ours may read the schema: it is public.
pub(crate) fn add(api: Api) -> Api {
    let builder = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(liaison_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let v1 = builder()
        .build_v1()
        .expect("the descriptor sets were written by this build");
    let v1alpha = builder()
        .build_v1alpha()
        .expect("the descriptor sets were written by this build");
    api.infrastructure(v1).infrastructure(v1alpha)
}
