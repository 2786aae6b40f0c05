//! grpc.reflection v1 and v1alpha over the schema; older tools speak v1alpha only.

use tonic_reflection::server::Builder;

use crate::stack::Api;

/// Names under which both versions list themselves.
const REFLECTION: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Adds both versions. Whoever has a certificate of ours may read the schema: it is public. All of it
/// is described, error details included, so that tools can show them; listed is what answers here.
pub(crate) fn add(api: Api) -> Api {
    let listed: Vec<&str> = api.names().iter().copied().chain(REFLECTION).collect();
    let builder = || {
        let described = Builder::configure()
            .register_encoded_file_descriptor_set(liaison_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET);
        listed
            .iter()
            .fold(described, |builder, name| builder.with_service_name(*name))
    };
    let v1 = builder()
        .build_v1()
        .expect("the descriptor sets were written by this build");
    let v1alpha = builder()
        .build_v1alpha()
        .expect("the descriptor sets were written by this build");
    api.infrastructure(v1).infrastructure(v1alpha)
}
