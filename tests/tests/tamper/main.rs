//! What somebody can change behind the services, in files and as the owner of the tables: it shows, it
//! shows where, and nothing that was not changed suffers from it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod checkpoints;
mod command_line;
mod custody;
mod reading;
mod roles;
mod rotation;
mod sealed;
mod source;

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use e2e::{Suite, program, unit};
use liaison_proto::common::Outcome;
use liaison_types::{Random as _, SeededRandom, SystemRandom};
use serde_json::Value;

/// What `liaison` answered.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Said {
    /// The document on standard output.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Everything that is wrong, as the document of `verify` has it.
    fn problems(&self) -> Vec<String> {
        texts(&self.json()["problems"])
    }

    /// Where it succeeds.
    #[track_caller]
    fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// Runs `liaison` to its end.
fn liaison(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Said {
    program::liaison(arguments).into()
}

/// Runs `liaison` on the folder and the databases of `suite`.
fn on(suite: &Suite, arguments: &[&str]) -> Said {
    let mut command = program::command("liaison");
    command.args(arguments).arg("--dir").arg(suite.folder());
    if let Some(template) = suite.databases().template() {
        command.env("LIAISON__DATABASE_TEMPLATE", template);
    }
    command.output().unwrap().into()
}

/// Runs `liaison` with something on standard input.
fn fed(arguments: &[&str], input: &[u8]) -> Said {
    let mut command = program::command("liaison");
    command.args(arguments).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A referral of NB-FR to the unit `cyber`, from submission to outcome; its name.
async fn worked(suite: &Suite) -> String {
    let (bureau, cyber) = (suite.client("bureau/NB-FR"), suite.client("unit/cyber"));
    let referral = bureau.submit(e2e::dossier::plain()).await.unwrap();
    let (assignment, token) = unit::pull_one(&cyber).await;
    assert_eq!(assignment.referral, referral.name);
    unit::open(&cyber, &referral.name).await.unwrap();
    unit::accept(&cyber, &assignment.name, &token)
        .await
        .unwrap();
    unit::work(&cyber, &assignment.name).await.unwrap();
    unit::complete(&cyber, &assignment.name, Outcome::SuspectIdentified)
        .await
        .unwrap();
    suite.drained().await;
    referral.name
}

/// Draws places to tamper with. Its seed is printed, so that a failure can be had again.
struct Draw(SeededRandom);

impl Draw {
    fn new() -> Self {
        let seed = match std::env::var("TAMPER_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => SystemRandom.next_u64(),
        };
        println!("TAMPER_SEED={seed}");
        Self(SeededRandom::new(seed))
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.0.next_u64() % bound as u64).unwrap()
    }

    /// One of these.
    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Another byte than this one.
    fn other(&mut self, byte: u8) -> u8 {
        byte ^ u8::try_from(1 + self.below(255)).unwrap()
    }
}
