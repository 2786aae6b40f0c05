//! Who may depend on whom (the map of the tree in the README). Dev-dependencies are exempt.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Each package of the workspace and the others that it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("liaison-types", &[]),
    ("liaison-proto", &[]),
    ("liaison-policy", &["types"]),
    ("liaison-custody", &["types"]),
    ("liaison-identity", &["types"]),
    ("liaison-telemetry", &["types"]),
    ("liaison-store", &["types"]),
    ("liaison-outbox", &["types", "store", "telemetry"]),
    (
        "liaison-grpc",
        &[
            "types",
            "policy",
            "proto",
            "identity",
            "telemetry",
            "store",
            "outbox",
        ],
    ),
    (
        "liaison-runtime",
        &[
            "types",
            "policy",
            "custody",
            "proto",
            "identity",
            "telemetry",
            "store",
            "outbox",
            "grpc",
        ],
    ),
    ("liaison-testkit", &["types", "identity", "store", "outbox"]),
];

/// What a service may use: everything below, and no other service.
const BELOW_SERVICES: &[&str] = &[
    "types",
    "policy",
    "custody",
    "proto",
    "identity",
    "telemetry",
    "store",
    "outbox",
    "grpc",
    "runtime",
];

const SERVICES: [&str; 4] = [
    "liaison-intake",
    "liaison-classification",
    "liaison-routing",
    "liaison-notification",
];

/// Each package of the workspace and those of the workspace that it is built from.
fn packages() -> BTreeMap<String, Vec<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(e2e::program::repository().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let ours = |name: &str| name == "liaison" || name.starts_with("liaison-");
    metadata
        .packages
        .iter()
        .map(|package| {
            let used = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .map(|dependency| dependency.name.clone())
                .filter(|name| ours(name))
                .collect();
            (package.name.to_string(), used)
        })
        .collect()
}

fn in_full(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("liaison-{name}")).collect()
}

#[test]
fn dependencies_point_one_way() {
    for (package, used) in packages() {
        let allowed = match package.as_str() {
            // On top of everything: the program for people, and these tests.
            "liaison" | "e2e" => continue,
            service if SERVICES.contains(&service) => in_full(BELOW_SERVICES),
            library => ALLOWED
                .iter()
                .find(|(name, _)| *name == library)
                .map(|(_, allowed)| in_full(allowed))
                .unwrap_or_else(|| panic!("{library} is new: say what it may use")),
        };
        for name in used {
            assert!(
                allowed.contains(&name),
                "{package} must not depend on {name}"
            );
        }
    }
}

#[test]
fn what_is_for_tests_stays_in_tests() {
    for (package, used) in packages() {
        let tests = used.iter().any(|name| name == "liaison-testkit");
        assert!(
            !tests || package == "e2e",
            "{package} is built with testkit"
        );
    }
}

#[test]
fn every_package_has_its_row() {
    let packages = packages();
    for (name, _) in ALLOWED {
        assert!(
            packages.contains_key(*name),
            "{name} is gone: remove its row"
        );
    }
    for service in SERVICES {
        assert!(packages.contains_key(service), "{service}");
    }
}
