//! Who serves may not change what proves: on PostgreSQL the role of a service has no right to, whatever
//! triggers there are.

use e2e::{Backend, Databases, SERVICES, program};
use liaison_runtime::{KeySettings, create_missing};
use liaison_types::{Random as _, SystemRandom};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database};

/// What proves, by service.
fn proofs(service: &str) -> Vec<&'static str> {
    let mut tables = vec!["audit", "audit_seal", "audit_checkpoint"];
    if service == "intake" {
        tables.push("custody");
    }
    tables
}

#[test]
fn the_serving_role_can_add_and_read_proofs_and_no_more() {
    e2e::run(async {
        let folder = tempfile::tempdir().unwrap();
        let databases = Databases::new(Backend::Postgres, folder.path()).await;
        let role = format!("serve_{:016x}", SystemRandom.next_u64());
        let owner = databases.connection("intake").await;
        owner
            .execute_unprepared(&format!("CREATE ROLE {role} LOGIN"))
            .await
            .unwrap();
        for service in SERVICES {
            let url = databases.url(service);
            let place = url.rsplit_once('@').unwrap().1;
            let serving = format!("postgres://{role}@{place}");
            let keys = KeySettings::in_folder(folder.path(), service);
            create_missing(&keys, &SystemRandom).unwrap();
            let output = program::command(&format!("liaison-{service}"))
                .arg("migrate")
                .env("LIAISON__IDENTITY__CERTIFICATE", "none.pem")
                .env("LIAISON__IDENTITY__KEY", "none.pem")
                .env("LIAISON__IDENTITY__AUTHORITY", "none.pem")
                .env("LIAISON__DATABASE__URL", &serving)
                .env("LIAISON__DATABASE__MIGRATION_URL", &url)
                .env("LIAISON__DATABASE__SERVING_ROLE", &role)
                .output()
                .unwrap();
            assert!(output.status.success(), "{service}: {output:?}");
            let mut options = ConnectOptions::new(serving);
            options.max_connections(1).sqlx_logging(false);
            let connection = Database::connect(options).await.unwrap();
            for table in proofs(service) {
                connection
                    .execute_unprepared(&format!("SELECT * FROM {table}"))
                    .await
                    .unwrap();
                let key = if table == "custody" || table == "audit_checkpoint" {
                    "position = position"
                } else {
                    "digest = digest"
                };
                for sql in [
                    format!("UPDATE {table} SET {key}"),
                    format!("DELETE FROM {table}"),
                    format!("TRUNCATE {table}"),
                    format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
                    format!("DROP TABLE {table}"),
                ] {
                    let error = connection
                        .execute_unprepared(&sql)
                        .await
                        .unwrap_err()
                        .to_string();
                    assert!(
                        error.contains("permission denied") || error.contains("must be owner"),
                        "{service}: {sql}: {error}"
                    );
                }
            }
            connection.close().await.unwrap();
            let drop = format!("DROP OWNED BY {role}");
            let owner = databases.connection(service).await;
            owner.execute_unprepared(&drop).await.unwrap();
        }
        let owner = databases.connection("intake").await;
        owner
            .execute_unprepared(&format!("DROP ROLE {role}"))
            .await
            .unwrap();
    });
}
