//! `liaison migrate`.

use serde_json::{Map, Value, json};

use crate::cli::{MigrateArgs, Output};
use crate::failure::Outcome;
use crate::folder::Folder;
use crate::output::document;
use crate::suite::{self, SuiteSettings};

/// Brings all four databases up to date.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, args: &MigrateArgs) -> Outcome {
    let settings = SuiteSettings {
        folder: Folder::new(&args.dir)?,
        database: args.database.clone(),
        port: 0,
        collector: None,
        log: "warn".to_owned(),
        environment: Vec::new(),
    };
    let applied = suite::migrate(&settings).await?;
    let json: Map<String, Value> = applied
        .iter()
        .map(|(name, names)| ((*name).to_owned(), json!(names)))
        .collect();
    document(output, &Value::Object(json), || {
        applied
            .iter()
            .map(|(name, names)| match names.as_slice() {
                [] => format!("{name}: up to date"),
                names => format!("{name}: applied {}", names.join(", ")),
            })
            .collect::<Vec<_>>()
            .join("\n")
    })?;
    Ok(())
}
