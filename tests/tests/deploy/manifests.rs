//! The Kubernetes manifests, as rendered.

use std::collections::BTreeMap;

use serde_json::Value;

use super::code::{self, SERVICES};
use super::compose;
use super::container::Container;
use super::tools::{run, text};

/// The overlays, each of which is applied as a whole.
pub const OVERLAYS: [&str; 2] = ["dev", "production"];

/// The release of Kubernetes whose schema the manifests are held against.
const KUBERNETES: &str = "1.32";

/// The files that a Secret mounted as a whole holds, by the end of its name (k8s/README.md): key-encryption keys as after
/// a first rotation.
const SECRET_FILES: [(&str, &[&str]); 3] = [
    ("-identity", &["ca.crt", "tls.crt", "tls.key"]),
    ("-signing", &["signing.pem"]),
    ("-sealing", &["1.key", "2.key"]),
];

/// One rendered overlay.
#[derive(Debug)]
pub struct Overlay {
    pub name: &'static str,
    pub objects: Vec<Value>,
}

/// Renders an overlay, offline.
pub fn render(name: &'static str) -> Overlay {
    let rendered = run("kubectl", &["kustomize", &format!("k8s/overlays/{name}")]);
    let objects = serde_norway::Deserializer::from_str(&rendered)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect();
    Overlay { name, objects }
}

impl Overlay {
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects
            .iter()
            .filter(move |object| object["kind"] == kind)
    }

    pub fn named(&self, kind: &str, name: &str) -> &Value {
        self.of_kind(kind)
            .find(|object| object["metadata"]["name"] == name)
            .unwrap_or_else(|| panic!("{}: there is no {kind} {name}", self.name))
    }

    /// Everything that makes pods.
    fn workloads(&self) -> impl Iterator<Item = &Value> {
        self.objects
            .iter()
            .filter(|object| !object["spec"]["template"]["spec"]["containers"].is_null())
    }

    /// The only container of a workload, with the variables and mounts that it has when it runs.
    pub fn container(&self, kind: &str, name: &str) -> Container {
        let pod = &self.named(kind, name)["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let mut variables = BTreeMap::new();
        for source in list(&container["envFrom"]) {
            let data = &self.named("ConfigMap", string(&source["configMapRef"]["name"]))["data"];
            for (name, value) in data.as_object().unwrap() {
                variables.insert(name.clone(), string(value).to_owned());
            }
        }
        for variable in list(&container["env"]) {
            // Secrets come as files; nothing here may take one as a variable.
            variables.insert(
                string(&variable["name"]).to_owned(),
                string(&variable["value"]).to_owned(),
            );
        }
        let mounts = list(&container["volumeMounts"]).iter().map(|mount| {
            assert_eq!(
                mount["readOnly"], true,
                "{name}: a mount that can be written to"
            );
            let volume = list(&pod["volumes"])
                .iter()
                .find(|volume| volume["name"] == mount["name"])
                .unwrap();
            let secret = &volume["secret"];
            let files = match list(&secret["items"]) {
                [] => {
                    let secret = string(&secret["secretName"]);
                    let (_, files) = SECRET_FILES
                        .iter()
                        .find(|(end, _)| secret.ends_with(end))
                        .unwrap_or_else(|| panic!("{name}: what does {secret} hold?"));
                    files.iter().map(|file| (*file).to_owned()).collect()
                }
                items => items
                    .iter()
                    .map(|item| string(&item["path"]).to_owned())
                    .collect(),
            };
            (string(&mount["mountPath"]).to_owned(), Some(files))
        });
        Container {
            place: format!("{}: {kind} {name}", self.name),
            command: [&container["command"], &container["args"]]
                .into_iter()
                .flat_map(list)
                .map(|word| string(word).to_owned())
                .collect(),
            variables,
            mounts: mounts.collect(),
        }
    }
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub fn string(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
}

#[test]
fn every_overlay_is_valid() {
    for overlay in OVERLAYS {
        let rendered = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            rendered.path(),
            run(
                "kubectl",
                &["kustomize", &format!("k8s/overlays/{overlay}")],
            ),
        )
        .unwrap();
        let path = rendered.path().to_str().unwrap();
        let said = run("kubernetes-validate", &["--strict", "-k", KUBERNETES, path]);
        assert!(said.contains("passed"), "{said}");
        assert!(!said.contains("WARN"), "{said}");
    }
}

#[test]
fn every_container_is_confined_and_bounded() {
    for overlay in OVERLAYS.map(render) {
        let mut seen = 0;
        for workload in overlay.workloads() {
            let (kind, place) = (
                &workload["kind"],
                format!("{}: {}", overlay.name, workload["metadata"]["name"]),
            );
            let pod = &workload["spec"]["template"]["spec"];
            assert_eq!(pod["automountServiceAccountToken"], false, "{place}");
            assert_eq!(pod["enableServiceLinks"], false, "{place}");
            assert!(
                pod["serviceAccountName"].is_string(),
                "{place}: runs as the namespace's default account"
            );
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{place}");
            assert!(
                pod["securityContext"]["runAsUser"].as_u64().unwrap() > 0,
                "{place}"
            );
            assert_eq!(
                pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault",
                "{place}"
            );
            for shared in ["hostNetwork", "hostPID", "hostIPC"] {
                assert!(pod[shared].is_null(), "{place}: {shared}");
            }
            assert_eq!(list(&pod["containers"]).len(), 1, "{place}");
            let container = &pod["containers"][0];
            let confined = &container["securityContext"];
            assert_eq!(confined["readOnlyRootFilesystem"], true, "{place}");
            assert_eq!(confined["allowPrivilegeEscalation"], false, "{place}");
            assert_eq!(
                confined["capabilities"],
                serde_json::json!({ "drop": ["ALL"] }),
                "{place}"
            );
            for bound in ["requests", "limits"] {
                for resource in ["cpu", "memory"] {
                    assert!(
                        container["resources"][bound][resource].is_string(),
                        "{place}: no {bound} of {resource}"
                    );
                }
            }
            let image = string(&container["image"]);
            let tag = image.rsplit_once(':').map(|(_, tag)| tag);
            assert!(
                tag.is_some_and(|tag| tag != "latest"),
                "{place}: {image} names no version"
            );
            if *kind != "Job" {
                for probe in ["livenessProbe", "readinessProbe"] {
                    assert!(container[probe].is_object(), "{place}: no {probe}");
                }
            }
            seen += 1;
        }
        assert!(seen >= 9, "{}: only {seen} workloads", overlay.name);
        for namespace in overlay.of_kind("Namespace") {
            let labels = &namespace["metadata"]["labels"];
            assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
        }
    }
}

#[test]
fn secrets_are_referred_to_and_documented() {
    let documented = text("k8s/README.md");
    for overlay in OVERLAYS.map(render) {
        assert_eq!(
            overlay.of_kind("Secret").count(),
            0,
            "{}: a Secret is part of the files",
            overlay.name
        );
        for workload in overlay.workloads() {
            let (place, service) = (
                &workload["metadata"]["name"],
                &workload["metadata"]["labels"],
            );
            let service = string(&service["app.kubernetes.io/name"]);
            let pod = &workload["spec"]["template"]["spec"];
            let mounted = list(&pod["volumes"])
                .iter()
                .map(|volume| &volume["secret"]["secretName"]);
            let variables = list(&pod["containers"][0]["env"])
                .iter()
                .map(|one| &one["valueFrom"]["secretKeyRef"]["name"]);
            for secret in mounted.chain(variables).filter_map(Value::as_str) {
                let own = secret.replacen(service, "<service>", 1);
                let named = [secret, own.as_str()]
                    .iter()
                    .any(|name| documented.contains(&format!("`{name}`")));
                assert!(
                    named,
                    "{place} uses {secret}, which k8s/README.md does not name"
                );
                if SERVICES.contains(&service) {
                    assert!(
                        own.starts_with("<service>-"),
                        "{place} uses {secret}, which is not its own"
                    );
                }
            }
        }
        let everything = serde_json::to_string(&overlay.objects).unwrap();
        assert!(
            !everything.contains("postgres://"),
            "{}: a database URL, which holds a password",
            overlay.name
        );
        assert!(!everything.contains("PRIVATE KEY"), "{}", overlay.name);
    }
}

#[test]
fn every_service_is_deployed_as_its_code_says() {
    for overlay in OVERLAYS.map(render) {
        for code in code::services() {
            let container = overlay.container("Deployment", code.name);
            let place = &container.place;
            assert_eq!(container.command, [&code.program(), "serve"], "{place}");
            let settings = container.settings(&code);
            container.assert_identity(&settings);
            container.assert_keys(&settings);
            container.assert_keys_are_read(&settings);
            assert!(
                settings.migration_url.is_none(),
                "{place}: the serving pod can change the schema"
            );
            assert!(settings.collector.is_some(), "{place}: no telemetry");

            // Ports: what it listens on, what the container names, what the Service offers, what the defaults say.
            let defaults = code.defaults();
            let pod = &overlay.named("Deployment", code.name)["spec"]["template"]["spec"];
            let served = &pod["containers"][0];
            for (port, listen, default) in [
                ("grpc", settings.listen, defaults.listen),
                ("health", settings.health_listen, defaults.health_listen),
            ] {
                assert!(
                    listen.ip().is_unspecified(),
                    "{place}: {port} is not reachable from outside the pod"
                );
                assert!(
                    default.ip().is_loopback(),
                    "{place}: {port} is reachable by default"
                );
                assert_eq!(listen.port(), default.port(), "{place}: {port}");
                let named = list(&served["ports"])
                    .iter()
                    .find(|one| one["name"] == port)
                    .unwrap();
                assert_eq!(named["containerPort"], listen.port(), "{place}: {port}");
            }
            let service = overlay.named("Service", code.name);
            assert_eq!(
                list(&service["spec"]["ports"]).len(),
                1,
                "{place}: health is nobody's but the kubelet's"
            );
            assert_eq!(
                service["spec"]["ports"][0]["port"],
                settings.listen.port(),
                "{place}"
            );
            assert_eq!(service["spec"]["ports"][0]["targetPort"], "grpc", "{place}");
            let labels =
                &overlay.named("Deployment", code.name)["spec"]["template"]["metadata"]["labels"];
            for (label, value) in service["spec"]["selector"].as_object().unwrap() {
                assert_eq!(
                    &labels[label], value,
                    "{place}: the Service selects other pods"
                );
            }

            // Probes.
            let health = settings.health_listen.port();
            for probe in ["startupProbe", "livenessProbe"] {
                assert_eq!(
                    served[probe]["grpc"],
                    serde_json::json!({ "port": health }),
                    "{place}: {probe}"
                );
            }
            let ready = serde_json::json!({ "port": health, "service": code.readiness });
            assert_eq!(served["readinessProbe"]["grpc"], ready, "{place}");

            // Peers are the Services of this overlay, at their ports.
            for (peer, address) in &settings.peers {
                let port = &overlay.named("Service", peer)["spec"]["ports"][0]["port"];
                assert_eq!(*address, format!("{peer}:{port}"), "{place}");
            }
            let patience = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
            assert!(
                patience > settings.stops_within.as_secs(),
                "{place}: cut off after {patience} s while it stops"
            );
        }
    }
}

#[test]
fn every_schema_is_migrated_by_its_owner() {
    for overlay in OVERLAYS.map(render) {
        for code in code::services() {
            let container = overlay.container("Job", &format!("{}-migrate", code.name));
            assert_eq!(
                container.command,
                [&code.program(), "migrate"],
                "{}",
                container.place
            );
            let settings = container.settings(&code);
            assert!(settings.migration_url.is_some(), "{}", container.place);
            assert_eq!(
                container.mounts.keys().collect::<Vec<_>>(),
                ["/etc/liaison/database"],
                "{}: needs neither certificate nor key",
                container.place
            );
            assert_eq!(
                settings.serving_role.as_deref(),
                Some(code.name),
                "{}",
                container.place
            );
            let deployed = &overlay.named("Deployment", code.name)["spec"]["template"]["spec"]["containers"]
                [0];
            let migrated = &overlay.named("Job", &format!("{}-migrate", code.name))["spec"]["template"]
                ["spec"];
            assert_eq!(
                migrated["containers"][0]["image"], deployed["image"],
                "{}",
                container.place
            );
        }
    }
}

#[test]
fn production_scales_and_is_drained_pod_by_pod() {
    let overlay = render("production");
    for name in SERVICES {
        assert!(
            overlay.named("Deployment", name)["spec"]["replicas"].is_null(),
            "{name}: two owners of the replicas"
        );
        let scaling = &overlay.named("HorizontalPodAutoscaler", name)["spec"];
        assert_eq!(scaling["scaleTargetRef"]["name"], name);
        assert!(scaling["minReplicas"].as_u64().unwrap() >= 2, "{name}");
        assert_eq!(
            overlay.named("PodDisruptionBudget", name)["spec"]["maxUnavailable"],
            1
        );
    }
}

#[test]
fn the_database_is_set_up_alike_everywhere() {
    let script = std::fs::read_to_string(compose::init_script(&compose::read())).unwrap();
    assert!(script.contains(&format!("for service in {}; do", SERVICES.join(" "))));
    let overlay = render("dev");
    let rendered = overlay
        .of_kind("ConfigMap")
        .find_map(|map| map["data"]["init.sh"].as_str());
    assert_eq!(rendered, Some(script.as_str()));
}
