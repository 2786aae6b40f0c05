//! The schema of Liaison and the code generated from it; nothing else.
//!
//! The modules mirror the protobuf packages. The comments of the `.proto` files are the API's
//! documentation.

/// Packages `liaison.*`.
pub mod liaison {
    /// Vocabulary that several services share.
    pub mod common {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("liaison.common.v1");
        }
    }
    /// The audit, which every service shows.
    pub mod audit {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("liaison.audit.v1");
        }
    }
    /// Events between services.
    pub mod event {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("liaison.event.v1");
        }
    }
    /// The intake service.
    pub mod intake {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("liaison.intake.v1");
        }
    }
    /// The classification service.
    pub mod classification {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("liaison.classification.v1");
        }
    }
    /// The routing service.
    pub mod routing {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("liaison.routing.v1");
        }
    }
    /// The notification service.
    pub mod notification {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("liaison.notification.v1");
        }
    }
}

pub use liaison::audit::v1 as audit;
pub use liaison::classification::v1 as classification;
pub use liaison::common::v1 as common;
pub use liaison::event::v1 as event;
pub use liaison::intake::v1 as intake;
pub use liaison::notification::v1 as notification;
pub use liaison::routing::v1 as routing;

/// The compiled schema, a serialized `google.protobuf.FileDescriptorSet`, for reflection and tests.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/liaison.binpb"));
