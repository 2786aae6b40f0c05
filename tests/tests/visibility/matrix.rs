//! Every method as every party about every subject.

use std::collections::BTreeSet;

use e2e::SERVICES;
use e2e::raw::{self, Method};
use futures::future::join_all;
use liaison_policy::access::{self, Callers};
use liaison_types::{Party, PartyKind};

use crate::answer::{Answer, ask};
use crate::bodies::Asked;
use crate::table::{ROWS, Row};
use crate::world::{PARTIES, World};

/// Bytes that are no message, whatever the schema.
const NO_MESSAGE: &[u8] = &[0xff];

/// `Service/Method` of a path.
fn short(method: &Method) -> &str {
    method.path.rsplit('.').next().unwrap()
}

#[test]
fn every_method_has_a_row_and_every_row_a_method() {
    let methods = raw::methods();
    let of_the_schema: BTreeSet<&str> = methods.iter().map(short).collect();
    let of_the_table: BTreeSet<&str> = ROWS.iter().map(|row| row.method).collect();
    assert_eq!(of_the_table.len(), ROWS.len(), "a method has one row");
    for method in &of_the_schema {
        assert!(
            of_the_table.contains(method),
            "{method} has no row: say in tests/tests/visibility/bodies.rs how to ask it about a subject, and \
             add a row to ROWS in table.rs that says what every party is answered"
        );
    }
    for method in &of_the_table {
        assert!(
            of_the_schema.contains(method),
            "the schema has no {method}: take its row out of ROWS in tests/tests/visibility/table.rs"
        );
    }
}

#[test]
fn every_kind_of_party_asks_and_every_line_is_asked() {
    let parties: Vec<Party> = PARTIES.iter().map(|party| party.parse().unwrap()).collect();
    for kind in PartyKind::ALL {
        assert!(
            parties.iter().any(|party| party.kind() == kind),
            "nobody asks as {kind}"
        );
    }
    for (path, callers) in access::TABLE {
        for callers in *callers {
            if let Callers::Named(kind, name) = callers {
                let named = format!("{kind}/{name}");
                assert!(
                    PARTIES.contains(&named.as_str()),
                    "{path}: nobody asks as {named}"
                );
            }
        }
    }
    for row in ROWS {
        let named: Vec<_> = row.expected().parties().collect();
        assert_eq!(
            named.last(),
            Some(&"*"),
            "{}: the last line is everybody else's",
            row.method
        );
        for (index, party) in named[..named.len() - 1].iter().enumerate() {
            assert!(
                PARTIES.contains(party),
                "{}: nobody asks as {party}",
                row.method
            );
            assert!(
                !named[..index].contains(party),
                "{}: {party} has two lines",
                row.method
            );
        }
    }
}

#[test]
fn the_table_denies_what_the_gate_denies() {
    for method in raw::methods() {
        let row = ROWS
            .iter()
            .find(|row| row.method == short(&method))
            .unwrap();
        let expected = row.expected();
        for party in PARTIES {
            let called = access::may_call(&party.parse().unwrap(), &method.path);
            for index in 0..expected.subjects.len() {
                let cell = expected.cell(party, index);
                assert_eq!(cell != "denied", called, "{}: {party}: {cell}", row.method);
            }
        }
    }
}

/// The method of a row at every service that offers it.
fn methods(row: &Row) -> Vec<Method> {
    let all = raw::methods();
    let method = all
        .iter()
        .find(|method| short(method) == row.method)
        .unwrap();
    if ["Inbox", "Audit"].iter().any(|of| method.path.contains(of)) {
        let at = |service: &str| Method {
            service: service.to_owned(),
            ..method.clone()
        };
        return SERVICES.iter().map(|service| at(service)).collect();
    }
    vec![method.clone()]
}

/// One party's answers about one subject: to the right request, then to the wrong ones.
struct Told {
    party: &'static str,
    cell: &'static str,
    answers: Vec<Answer>,
}

/// One row at one service.
struct Asking<'a> {
    world: &'a World,
    row: &'a Row,
    method: &'a Method,
}

impl Asking<'_> {
    async fn ask(&self, party: &'static str, about: &str, cell: &'static str) -> Told {
        let asked = Asked {
            world: self.world,
            party,
            service: &self.method.service,
            about,
        };
        let mut bodies = (self.row.bodies)(&asked);
        match cell {
            // It takes effect, and what is wrong with a request concerns nobody else.
            "ok" => bodies.truncate(1),
            "denied" => bodies.extend([Vec::new(), NO_MESSAGE.to_vec()]),
            _ => {}
        }
        let client = self.world.client(party);
        let mut answers = Vec::with_capacity(bodies.len());
        for body in &bodies {
            answers.push(ask(client, self.method, body).await);
        }
        Told {
            party,
            cell,
            answers,
        }
    }

    /// Everybody about one subject. Those for whom the call is carried out come last: the others ask with
    /// what is right in every way, about a subject for which the call could be carried out.
    async fn everybody(&self, about: &str, cell: impl Fn(&str) -> &'static str) -> Vec<Told> {
        let (last, first): (Vec<_>, Vec<_>) = PARTIES
            .into_iter()
            .map(|party| (party, cell(party)))
            .partition(|(_, cell)| *cell == "ok");
        let first = first
            .into_iter()
            .map(|(party, cell)| self.ask(party, about, cell));
        let mut told = join_all(first).await;
        for (party, cell) in last {
            told.push(self.ask(party, about, cell).await);
        }
        told
    }
}

/// What is wrong with one cell, as far as it can be seen from it and from `absent`, what the same party is
/// told of what does not exist.
fn wrong(world: &World, told: &Told, absent: Option<&Told>) -> Option<String> {
    let first = &told.answers[0];
    let expected = match told.cell {
        "nothing" => "ok",
        cell => cell,
    };
    if first.verdict() != expected {
        return Some(format!(
            "{} instead of {}: {first:?}",
            first.verdict(),
            told.cell
        ));
    }
    if told.cell == "denied" {
        // Before anything of the request was read.
        let other = told.answers.iter().find(|answer| *answer != first);
        if let Some(other) = other {
            return Some(format!("denied in two ways: {first:?} and {other:?}"));
        }
    }
    if let Some(absent) = absent.filter(|absent| absent.cell == told.cell && told.cell != "ok") {
        for (here, there) in told.answers.iter().zip(&absent.answers) {
            if here != there {
                return Some(format!("{here:?}, and of what does not exist {there:?}"));
            }
        }
    }
    let secrets = world.secrets(told.party);
    let said = told.answers.iter().map(Answer::said);
    for said in said {
        if let Some(secret) = secrets.iter().find(|secret| said.contains(*secret)) {
            return Some(format!("{secret} is told in {said:?}"));
        }
    }
    None
}

e2e::both_backends! {
    async fn everybody_is_answered_what_they_may_know(backend: Backend) {
        let world = World::new(backend).await;
        let (mut found, mut cells) = (Vec::new(), 0);
        for row in ROWS {
            let expected = row.expected();
            for method in methods(row) {
                let asking = Asking { world: &world, row, method: &method };
                let mut absent: Vec<Told> = Vec::new();
                // What does not exist first: the last subject of a table, where it has it.
                for (index, about) in expected.subjects.iter().enumerate().rev() {
                    let told = asking.everybody(about, |party| expected.cell(party, index)).await;
                    for told in &told {
                        cells += 1;
                        let absent = absent.iter().find(|absent| absent.party == told.party);
                        if let Some(wrong) = wrong(&world, told, absent) {
                            let Method { service, .. } = &method;
                            let (name, party) = (row.method, told.party);
                            found.push(format!("{name} at {service}, {party}, {about}: {wrong}"));
                        }
                    }
                    if *about == "absent" {
                        absent = told;
                    }
                }
            }
        }
        assert!(cells > 2_000, "{cells} cells are not the whole matrix");
        assert!(found.is_empty(), "{} of {cells} cells are wrong:\n{}", found.len(), found.join("\n"));
    }
}
