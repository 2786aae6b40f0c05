//! Who may connect to whom: the policies against the code's own edges.

use std::collections::BTreeSet;

use serde_json::Value;

use super::code::{self, SERVICES};
use super::manifests::{OVERLAYS, Overlay, list, render, string};

/// From, to, port. Parties carry their kind, services their name.
type Edge = (String, String, u64);

const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";
const PARTY: &str = "access.liaison/";

/// Whoever one side of a rule names: a pod of ours, or a namespace of parties.
fn named(side: &Value) -> String {
    if let Some(labels) = side["namespaceSelector"]["matchLabels"].as_object() {
        let kind = labels.keys().find_map(|label| label.strip_prefix(PARTY));
        return kind
            .unwrap_or_else(|| panic!("not a namespace of parties: {side}"))
            .to_owned();
    }
    string(&side["podSelector"]["matchLabels"][NAME]).to_owned()
}

/// The edges that the policies of the services allow in one direction.
fn allowed(overlay: &Overlay, direction: &str) -> BTreeSet<Edge> {
    let (rules, sides) = match direction {
        "in" => ("ingress", "from"),
        _ => ("egress", "to"),
    };
    let mut edges = BTreeSet::new();
    for name in SERVICES {
        let policy = &overlay.named("NetworkPolicy", name)["spec"];
        assert_eq!(policy["podSelector"]["matchLabels"][NAME], name);
        assert_eq!(policy["podSelector"]["matchLabels"][COMPONENT], "service");
        for rule in list(&policy[rules]) {
            // A rule without sides or without ports would allow all of them.
            assert!(
                !list(&rule[sides]).is_empty() && !list(&rule["ports"]).is_empty(),
                "{name}: {rule}"
            );
            for side in list(&rule[sides]) {
                for port in list(&rule["ports"]) {
                    let (other, port) = (named(side), port["port"].as_u64().unwrap());
                    edges.insert(match direction {
                        "in" => (other, name.to_owned(), port),
                        _ => (name.to_owned(), other, port),
                    });
                }
            }
        }
    }
    edges
}

#[test]
fn edges_are_those_of_the_code() {
    for overlay in OVERLAYS.map(render) {
        let mut expected = BTreeSet::new();
        for code in code::services() {
            let settings = overlay.container("Deployment", code.name).settings(&code);
            for party in code.parties() {
                expected.insert((
                    party,
                    code.name.to_owned(),
                    u64::from(settings.listen.port()),
                ));
            }
            for (peer, address) in settings.peers {
                let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
                expected.insert((code.name.to_owned(), peer, port));
            }
        }
        assert_eq!(allowed(&overlay, "in"), expected, "{}", overlay.name);
        expected.retain(|(from, _, _)| SERVICES.contains(&from.as_str()));
        assert_eq!(allowed(&overlay, "out"), expected, "{}", overlay.name);
    }
}

#[test]
fn everything_else_is_denied() {
    for overlay in OVERLAYS.map(render) {
        let deny = &overlay.named("NetworkPolicy", "default-deny")["spec"];
        assert_eq!(deny["podSelector"], serde_json::json!({}));
        assert_eq!(
            deny["policyTypes"],
            serde_json::json!(["Ingress", "Egress"])
        );
        assert!(deny["ingress"].is_null() && deny["egress"].is_null());
        for policy in overlay.of_kind("NetworkPolicy") {
            for rule in list(&policy["spec"]["egress"]) {
                assert!(
                    !list(&rule["to"]).is_empty(),
                    "{}: to anybody",
                    policy["metadata"]["name"]
                );
            }
            for rule in list(&policy["spec"]["ingress"]) {
                assert!(
                    !list(&rule["from"]).is_empty(),
                    "{}: from anybody",
                    policy["metadata"]["name"]
                );
            }
        }
    }
}

#[test]
fn the_collector_and_the_database_are_reached_where_the_settings_say() {
    for overlay in OVERLAYS.map(render) {
        for (policy, port) in [("to-collector", 4317), ("to-database", 5432)] {
            let spec = &overlay.named("NetworkPolicy", policy)["spec"];
            let pods = &spec["podSelector"]["matchExpressions"][0];
            assert_eq!(pods["key"], COMPONENT);
            assert_eq!(pods["values"], serde_json::json!(["service", "migrate"]));
            assert_eq!(spec["egress"][0]["ports"][0]["port"], port);
        }
        for code in code::services() {
            let settings = overlay.container("Deployment", code.name).settings(&code);
            let port = &overlay.named("Service", "collector")["spec"]["ports"][0]["port"];
            assert_eq!(settings.collector, Some(format!("http://collector:{port}")));
        }
    }
}
