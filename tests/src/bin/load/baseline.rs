//! What the scenarios are compared with.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use liaison_store::{DatabaseSettings, Db, DbResult as _};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use crate::drive::{histogram, micros};
use crate::report::Baseline;
use crate::{Result, world};

/// Bytes that a submission writes besides the dossier: one referral, two custody, one audit, one key and three
/// outbox rows. `submit-sqlite` counts them ([`event_bytes`]), and a test compares.
const EVENT_BYTES: usize = 2_230;

/// pgbench with the committed script: the best of several numbers of clients. `time` is shared among
/// them.
pub(crate) async fn pgbench(
    database: &str,
    dossier_bytes: usize,
    time: Duration,
) -> Result<Baseline> {
    let db = sea_orm::Database::connect(database).await?;
    db.execute_unprepared(
        "CREATE TABLE baseline_dossier (id uuid PRIMARY KEY, content text NOT NULL);
         CREATE TABLE baseline_event (id uuid PRIMARY KEY, content text NOT NULL);",
    )
    .await?;
    let clients = [8, 16, 32, 64];
    let seconds = (time.as_secs() / 3).max(3).to_string();
    let dossier: String = crate::dossiers::submission()
        .dossier
        .map_or_else(String::new, |d| d.narrative);
    let text = |bytes: usize| dossier.chars().cycle().take(bytes).collect::<String>();
    let mut best = (0.0_f64, 0);
    for number in clients {
        let output = Command::new(world::pgbench()?)
            .args([
                "-n",
                "-M",
                "prepared",
                "-j",
                "2",
                "-T",
                &seconds,
                "-c",
                &number.to_string(),
            ])
            .arg("-f")
            .arg(world::root().join("tests/sql/baseline.sql"))
            .args(["-D", &format!("dossier={}", text(dossier_bytes))])
            .args(["-D", &format!("event={}", text(EVENT_BYTES))])
            .arg(database)
            .output()?;
        let told = String::from_utf8_lossy(&output.stdout);
        let rate: f64 = told
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
            .ok_or_else(|| format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)))?;
        if rate > best.0 {
            best = (rate, number);
        }
    }
    Ok(Baseline {
        name: format!(
            "pgbench -M prepared, two inserts a transaction, best of {clients:?} clients: {}",
            best.1
        ),
        rate: best.0,
    })
}

/// One transaction a row through the same driver on SQLite, one after the other: the rate, and the
/// median time of one in milliseconds.
pub(crate) async fn sqlite_rows(
    folder: &Path,
    bytes: usize,
    time: Duration,
) -> Result<(Baseline, f64)> {
    let file = folder.join("baseline.db");
    let db = Db::connect(&DatabaseSettings::new(format!(
        "sqlite://{}",
        file.display()
    )))
    .await?;
    db.write_tx("baseline.create", |tx| {
        Box::pin(async move {
            let create = "CREATE TABLE row (id INTEGER PRIMARY KEY, content BLOB NOT NULL)";
            tx.execute_unprepared(create).await.db()?;
            Ok(())
        })
    })
    .await?;
    let content = vec![b'x'; bytes];
    let content = content.as_slice();
    let mut times = histogram();
    let begun = Instant::now();
    while begun.elapsed() < time {
        let started = Instant::now();
        db.write_tx("baseline.insert", |tx| {
            Box::pin(async move {
                let insert = Statement::from_sql_and_values(
                    DbBackend::Sqlite,
                    "INSERT INTO row (content) VALUES (?)",
                    [content.to_vec().into()],
                );
                tx.execute_raw(insert).await.db()?;
                Ok(())
            })
        })
        .await?;
        times.record(micros(started.elapsed()))?;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
    let median = crate::report::Latency::of(&times).p50;
    let name = format!("one transaction a row of {bytes} bytes through the same driver");
    Ok((Baseline { name, rate }, median))
}

/// How many bytes the values in the rows of intake's SQLite database take for each referral, without
/// the dossier: those of its indexes and headers are no part of it, nor of the baseline.
pub(crate) async fn event_bytes(database: &str) -> Result<i64> {
    let db = sea_orm::Database::connect(database).await?;
    let columns = "SELECT t.name AS of, c.name AS name
         FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
         WHERE t.type = 'table' AND t.name NOT IN ('dossier', 'seaql_migrations')";
    let mut bytes = 0;
    for column in db.query_all_raw(sqlite(columns)).await? {
        let (table, name): (String, String) =
            (column.try_get("", "of")?, column.try_get("", "name")?);
        bytes += number(
            &db,
            &format!(
                "SELECT sum(CASE typeof({name}) WHEN 'integer' THEN 8
                     ELSE ifnull(length(CAST({name} AS BLOB)), 0) END) FROM {table}"
            ),
        )
        .await?;
    }
    let referrals = number(&db, "SELECT count(*) FROM referral").await?;
    Ok(bytes / referrals.max(1))
}

/// The only number that `query` answers; 0 for none.
async fn number(db: &DatabaseConnection, query: &str) -> Result<i64> {
    let row = db.query_one_raw(sqlite(query)).await?;
    let number: Option<i64> = row
        .map(|row| row.try_get_by_index(0))
        .transpose()?
        .flatten();
    Ok(number.unwrap_or_default())
}

fn sqlite(query: &str) -> Statement {
    Statement::from_string(DbBackend::Sqlite, query)
}
