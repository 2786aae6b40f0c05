//! `liaison keys …`: what the services sign and seal with.

use std::time::Duration;

use liaison_runtime::{KeySettings, create_missing, public_key};
use liaison_types::SystemRandom;
use serde_json::{Value, json};

use crate::cli::{KeysCommand, KeysInitArgs, KeysRotateArgs, Output};
use crate::failure::{Failure, Outcome};
use crate::folder::{Folder, write_public_keys};
use crate::output::{document, records};
use crate::suite;

/// Runs the command.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, command: &KeysCommand) -> Outcome {
    match command {
        KeysCommand::Init(args) => init(output, args),
        KeysCommand::Rotate(args) => rotate(output, args).await,
    }
}

fn init(output: &Output, args: &KeysInitArgs) -> Outcome {
    let mut made = Vec::new();
    for service in &args.services {
        let settings = KeySettings::in_folder(&args.dir, service.as_str());
        let new = create_missing(&settings, &SystemRandom)?;
        made.push((service, new, public_key(&settings)?));
    }
    write_public_keys(&args.dir)?;
    let json: Vec<Value> = made
        .iter()
        .map(|(service, new, key)| {
            json!({ "service": service.as_str(), "new": new, "signing_key": key.id().to_string() })
        })
        .collect();
    document(output, &json!({ "keys": json }), || {
        let rows = made
            .iter()
            .map(|(service, new, key)| {
                vec![
                    service.to_string(),
                    key.id().to_string(),
                    if *new { "made" } else { "there already" }.to_owned(),
                ]
            })
            .collect();
        records(&["service", "signing key", "keys"], rows)
    })?;
    Ok(())
}

async fn rotate(output: &Output, args: &KeysRotateArgs) -> Outcome {
    let folder = Folder::new(&args.dir)?;
    let database = args.database.as_deref();
    if !folder.keys().is_dir() {
        return Err(Failure::Local(format!(
            "there is no folder {}; name the suite's with --dir, or make keys with: liaison keys init",
            folder.keys().display()
        )));
    }
    let settle = Duration::from_secs(args.settle);
    let rotated = suite::rotate_keys(&folder, database, args.resume, settle, &SystemRandom).await?;
    let json: Vec<Value> = rotated
        .iter()
        .map(|of| {
            json!({
                "service": of.service,
                "version": of.version,
                "moved": of.moved,
                "left": of.left,
            })
        })
        .collect();
    document(output, &json!({ "rotated": json }), || {
        let rows = rotated.iter().map(|of| {
            vec![
                of.service.to_owned(),
                of.version.to_string(),
                of.moved.to_string(),
                of.left.to_string(),
            ]
        });
        records(
            &["service", "key version", "data keys moved", "left behind"],
            rows.collect(),
        )
    })?;
    let left: u64 = rotated.iter().map(|of| of.left).sum();
    if left > 0 {
        return Err(Failure::Local(format!(
            "{left} data keys are still wrapped by an older key, so keep its file; move them with: \
             liaison keys rotate --resume --settle 120. Those that stay then are damaged"
        )));
    }
    Ok(())
}
