//! The compose file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use liaison_runtime::KeySettings;
use serde_json::Value;

use super::code::{self, SERVICES};
use super::container::Container;
use super::manifests::{list, string};
use super::tools::{root, text};

/// The file with its anchors and merges resolved and its variables at their defaults.
pub fn read() -> Value {
    let mut document: serde_norway::Value =
        serde_norway::from_str(&text("docker/compose.yaml")).unwrap();
    // What is merged may itself merge: one level a pass.
    for _ in 0..3 {
        document.apply_merge().unwrap();
    }
    let mut value = serde_json::to_value(document).unwrap();
    interpolate(&mut value);
    value
}

/// `${NAME:-default}` becomes the default.
fn interpolate(value: &mut Value) {
    match value {
        Value::String(text) => {
            while let Some(begin) = text.find("${") {
                let end = begin + text[begin..].find('}').expect("closed");
                let (_, default) = text[begin + 2..end]
                    .split_once(":-")
                    .expect("has a default");
                *text = format!("{}{default}{}", &text[..begin], &text[end + 1..]);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(interpolate),
        Value::Object(values) => values.values_mut().for_each(interpolate),
        _ => {}
    }
}

/// The script that PostgreSQL runs on an empty data directory.
pub fn init_script(file: &Value) -> PathBuf {
    let volumes = list(&file["services"]["postgres"]["volumes"]).iter();
    let from = volumes
        .filter_map(|volume| string(volume).split_once(':'))
        .find(|(_, to)| *to == "/docker-entrypoint-initdb.d/init.sh:ro");
    root().join("docker").join(from.unwrap().0)
}

/// One of our containers.
pub fn container(file: &Value, name: &str) -> Container {
    let service = &file["services"][name];
    assert!(service.is_object(), "there is no {name}");
    let variables = service["environment"].as_object().into_iter().flatten();
    let mounts = list(&service["volumes"]).iter().map(|volume| {
        let mut parts = string(volume).split(':');
        (parts.nth(1).unwrap().to_owned(), None)
    });
    Container {
        place: format!("compose: {name}"),
        command: list(&service["command"])
            .iter()
            .map(|word| string(word).to_owned())
            .collect(),
        variables: variables
            .map(|(name, value)| (name.clone(), string(value).to_owned()))
            .collect(),
        mounts: mounts.collect::<BTreeMap<_, _>>(),
    }
}

#[test]
fn every_service_is_composed_as_its_code_says() {
    let file = read();
    let made = container(&file, "keys").command;
    let keys = made.iter().find_map(|word| word.strip_prefix("--dir="));
    let keys = PathBuf::from(keys.unwrap());
    for code in code::services() {
        assert!(
            made.contains(&code.name.to_owned()),
            "{}: no keys are made",
            code.name
        );
        let served = container(&file, code.name);
        let place = &served.place;
        assert_eq!(served.command, ["serve"], "{place}");
        let settings = served.settings(&code);
        served.assert_identity(&settings);
        served.assert_keys(&settings);
        assert_eq!(
            settings.keys,
            KeySettings::in_folder(&keys, code.name),
            "{place}: not where `keys` makes them"
        );
        let defaults = code.defaults();
        assert_eq!(settings.listen.port(), defaults.listen.port(), "{place}");
        assert_eq!(
            settings.health_listen.port(),
            defaults.health_listen.port(),
            "{place}"
        );
        assert!(settings.listen.ip().is_unspecified(), "{place}");
        assert!(
            settings.health_listen.ip().is_loopback(),
            "{place}: only the container's own check asks"
        );
        let service = &file["services"][code.name];
        let port = settings.listen.port();
        assert_eq!(
            service["ports"],
            serde_json::json!([format!("127.0.0.1:{port}:{port}")]),
            "{place}"
        );
        assert_eq!(
            settings.collector.as_deref(),
            Some("http://collector:4317"),
            "{place}"
        );
        assert!(
            settings.migration_url.is_none(),
            "{place}: can change the schema"
        );
        for (peer, address) in &settings.peers {
            let listens = code::services()
                .into_iter()
                .find(|code| code.name == peer)
                .unwrap()
                .defaults()
                .listen;
            assert_eq!(*address, format!("{peer}:{}", listens.port()), "{place}");
        }
        assert_eq!(
            service["build"]["args"]["SERVICE"],
            format!("liaison-{}", code.name),
            "{place}"
        );
        let check = serde_json::json!(["CMD", "/usr/local/bin/entrypoint", "healthcheck"]);
        assert_eq!(service["healthcheck"]["test"], check, "{place}");
        let patience: u64 = string(&service["stop_grace_period"])
            .trim_end_matches('s')
            .parse()
            .unwrap();
        assert!(
            patience > settings.stops_within.as_secs(),
            "{place}: cut off while it stops"
        );
        for (first, condition) in [
            ("certs".to_owned(), "service_completed_successfully"),
            ("keys".to_owned(), "service_completed_successfully"),
            (
                format!("{}-migrate", code.name),
                "service_completed_successfully",
            ),
        ] {
            assert_eq!(
                service["depends_on"][&first]["condition"], condition,
                "{place}: {first}"
            );
        }

        let migrates = container(&file, &format!("{}-migrate", code.name));
        assert_eq!(migrates.command, ["migrate"]);
        let migrating = migrates.settings(&code);
        assert_eq!(
            migrating.serving_role.as_deref(),
            Some(code.name),
            "{}",
            migrates.place
        );
        assert_eq!(
            migrating.database_url, settings.database_url,
            "{}",
            migrates.place
        );
        let owner = migrating.migration_url.unwrap();
        assert!(
            owner.starts_with(&format!("postgres://{}_owner:", code.name)),
            "{}",
            migrates.place
        );
        assert_eq!(
            file["services"][format!("{}-migrate", code.name)]["image"],
            service["image"]
        );
    }
}

#[test]
fn every_container_of_ours_is_confined() {
    let file = read();
    let ours = SERVICES
        .iter()
        .flat_map(|name| [(*name).to_owned(), format!("{name}-migrate")]);
    for name in ours.chain(["certs", "party-certs", "keys", "cli", "collector"].map(str::to_owned))
    {
        let service = &file["services"][&name];
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(
            service["security_opt"],
            serde_json::json!(["no-new-privileges:true"]),
            "{name}"
        );
        let image = string(&service["image"]);
        assert!(
            image.contains(':') && !image.ends_with(":latest"),
            "{name}: {image} names no version"
        );
    }
}

#[test]
fn what_is_mounted_from_here_exists() {
    let file = read();
    for (name, service) in file["services"].as_object().unwrap() {
        for volume in list(&service["volumes"]) {
            let from = string(volume).split(':').next().unwrap();
            if from.starts_with('.') {
                assert!(root().join("docker").join(from).exists(), "{name}: {from}");
            } else {
                assert!(
                    file["volumes"][from].is_object(),
                    "{name}: the volume {from} is not declared"
                );
            }
        }
    }
    for name in SERVICES {
        let prefix = name.to_uppercase();
        for variable in [
            format!("{prefix}_PASSWORD"),
            format!("{prefix}_OWNER_PASSWORD"),
        ] {
            assert!(
                file["services"]["postgres"]["environment"][&variable].is_string(),
                "{variable}"
            );
        }
    }
}

#[test]
fn the_collector_takes_what_the_services_send() {
    for path in [
        "docker/collector.yaml",
        "k8s/components/telemetry/config.yaml",
    ] {
        let config: Value = serde_norway::from_str(&text(path)).unwrap();
        assert_eq!(
            config["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"], "0.0.0.0:4317",
            "{path}"
        );
        for pipeline in ["traces", "metrics"] {
            let parts = &config["service"]["pipelines"][pipeline];
            assert_eq!(
                parts["receivers"],
                serde_json::json!(["otlp"]),
                "{path}: {pipeline}"
            );
            for (kind, used) in [
                ("processors", &parts["processors"]),
                ("exporters", &parts["exporters"]),
            ] {
                for name in list(used) {
                    assert!(
                        !config[kind][string(name)].is_null(),
                        "{path}: {pipeline} uses {name}, not configured"
                    );
                }
            }
        }
    }
}
