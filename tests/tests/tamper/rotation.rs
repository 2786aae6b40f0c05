//! `liaison keys rotate` at a running suite: no call fails, everything moves to the new key, and the old
//! one can go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use e2e::{Client, Suite, dossier, unit};
use tokio::task::JoinHandle;

use crate::on;

/// Submits until told to stop, and opens each dossier right away. The names of all.
fn work(bureau: Client, stop: Arc<AtomicBool>) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut names = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let name = bureau.submit(dossier::plain()).await.unwrap().name;
            unit::open(&bureau, &name).await.unwrap();
            names.push(name);
        }
        names
    })
}

/// Opens what was there before, over and over, until told to stop. How often.
fn read(bureau: Client, names: Vec<String>, stop: Arc<AtomicBool>) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let mut opened = 0;
        for name in names.iter().cycle() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            unit::open(&bureau, name).await.unwrap();
            opened += 1;
        }
        opened
    })
}

async fn wrapped_by(suite: &Suite, version: i64) -> i64 {
    let table = format!("data_key WHERE kek_version = {version}");
    suite.databases().count("intake", &table).await
}

e2e::both_backends! {
    async fn keys_are_changed_while_everybody_works(backend: Backend) {
        let mut suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let mut names = Vec::new();
        for _ in 0..20 {
            names.push(bureau.submit(dossier::plain()).await.unwrap().name);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..2).map(|_| work(bureau.clone(), Arc::clone(&stop))).collect();
        let reader = read(bureau.clone(), names.clone(), Arc::clone(&stop));
        let said = tokio::task::block_in_place(|| on(&suite, &["keys", "rotate", "--output", "json"])).done();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            names.extend(writer.await.unwrap());
        }
        assert!(reader.await.unwrap() > 0);
        suite.drained().await;

        let json = said.json();
        let intake = &json["rotated"].as_array().unwrap()[0];
        assert_eq!((&intake["service"], &intake["version"]), (&"intake".into(), &2.into()));
        assert!(intake["moved"].as_i64() >= Some(20), "{json}");
        let all = i64::try_from(names.len()).unwrap();
        assert_eq!((wrapped_by(&suite, 1).await, wrapped_by(&suite, 2).await), (0, all));

        // The old keys are not needed any more, by nobody.
        suite.stop();
        for service in e2e::SERVICES {
            let old = suite.folder().join(format!("keys/{service}/sealing/1.key"));
            let rotated = suite.folder().join(format!("keys/{service}/sealing/2.key"));
            if rotated.exists() {
                std::fs::remove_file(old).unwrap();
            }
        }
        suite.run().await;
        let bureau = suite.client("bureau/NB-FR");
        for name in &names {
            assert_eq!(unit::open(&bureau, name).await.unwrap(), dossier::plain(), "{name}");
        }
        // And what comes is sealed with the new ones.
        bureau.submit(dossier::plain()).await.unwrap();
        assert_eq!(wrapped_by(&suite, 2).await, all + 1);
    }

    async fn what_cannot_be_moved_keeps_the_old_key_and_is_counted(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        for _ in 0..3 {
            bureau.submit(dossier::plain()).await.unwrap();
        }
        suite.drained().await;
        let one = "(SELECT min(CAST(subject_id AS text)) FROM kept)";
        let found = format!("CAST(subject_id AS text) = {one}");
        for sql in [
            "CREATE TABLE kept AS SELECT * FROM data_key".to_owned(),
            format!("UPDATE data_key SET wrapped = {} WHERE {found}", suite.databases().blob("intake", b"x").await),
        ] {
            suite.databases().tamper("intake", "data_key", &sql).await;
        }
        let rotate = ["keys", "rotate", "--settle", "0", "--output", "json"];
        let said = on(&suite, &rotate);
        assert_eq!(said.code, Some(1), "{said:?}");
        let intake = &said.json()["rotated"][0];
        assert_eq!((&intake["moved"], &intake["left"]), (&2.into(), &1.into()), "{said:?}");
        assert!(said.err.contains("keep its file") && said.err.contains("--resume"), "{said:?}");

        // Once that is mended, the rest follows, and no further key is made for it.
        let sql = format!("DELETE FROM data_key WHERE {found}; INSERT INTO data_key SELECT * FROM kept WHERE {found}");
        suite.databases().tamper("intake", "data_key", &sql).await;
        let said = on(&suite, &[&rotate[..], &["--resume"]].concat()).done();
        let intake = &said.json()["rotated"][0];
        assert_eq!((&intake["version"], &intake["moved"], &intake["left"]), (&2.into(), &1.into(), &0.into()));
        assert!(!suite.folder().join("keys/intake/sealing/3.key").exists());
    }
}
