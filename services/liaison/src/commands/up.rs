//! `liaison up`.

use liaison_runtime::{Ambient, Signals};
use liaison_types::{SystemClock, SystemRandom};
use serde_json::{Map, Value, json};

use crate::cli::{Output, UpArgs};
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::output::{FAINT, GOOD, STRONG, document, styled};
use crate::suite::{self, Suite, SuiteSettings};

/// Runs the suite until it is told to stop. The ready line comes last.
///
/// # Errors
/// What keeps it from starting, or the part that ended by itself.
pub async fn run(output: &Output, args: &UpArgs) -> Outcome {
    let folder = Folder::new(&args.dir)?;
    let settings = SuiteSettings {
        folder: folder.clone(),
        database: args.database.clone(),
        port: args.port,
        collector: args.collector.clone(),
        log: args.log.clone(),
        environment: std::env::vars_os().collect(),
    };
    let mut signals = Signals::listen()?;
    std::fs::create_dir_all(folder.path()).map_err(|error| {
        Failure::Local(format!(
            "{} cannot be made: {error}",
            folder.path().display()
        ))
    })?;
    // Before anything is written: certificates, databases and addresses are those of one suite.
    let _claim = folder.claim()?;
    suite::ensure_certificates(&folder, suite::local_parties(), &SystemClock, &SystemRandom)?;
    suite::ensure_keys(&folder, &SystemRandom)?;
    let suite = Suite::start(&settings, &Ambient::default()).await?;
    let addresses: Vec<(&str, String)> = suite
        .addresses()
        .map(|(name, address)| (name, address.to_string()))
        .collect();
    let json: Map<String, Value> = addresses
        .iter()
        .map(|(name, address)| ((*name).to_owned(), json!(address)))
        .collect();
    document(
        output,
        &json!({ "ready": true, "addresses": json, "dir": folder.path() }),
        || {
            let mut text = String::new();
            for (name, address) in &addresses {
                text.push_str(&format!(
                    "{} {address}\n",
                    styled(STRONG, &format!("{name:>16}"))
                ));
            }
            text.push_str(&styled(
                FAINT,
                &format!("{:>16} {}\n", "data", folder.path().display()),
            ));
            text.push_str(&styled(GOOD, "ready"));
            text
        },
    )?;
    let lifecycles = suite.lifecycles();
    tokio::spawn(async move {
        signals.next().await;
        for lifecycle in &lifecycles {
            lifecycle.stop();
        }
        signals.next().await;
        for lifecycle in &lifecycles {
            lifecycle.kill();
        }
    });
    match suite.ended().await {
        None => Ok(()),
        Some((name, outcome)) => Err(Failure::Local(format!("{name} ended: {outcome:?}"))),
    }
}
