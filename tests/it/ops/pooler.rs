//! A connection pooler (PgBouncer).

use std::{
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use tokio::time::Instant;

use crate::support::process::{self, Directory, Relay};

struct PgBouncer {
    /// The database's URL through the pooler.
    database: String,
    child: Child,
    _directory: tempfile::TempDir,
}

impl PgBouncer {
    async fn start(mode: &str, settings: &str) -> Self {
        let database = test_support::database::postgres_database().await.unwrap();
        let server = database.split(['@', '/']).nth(3).unwrap().to_owned();
        let (host, port) = server.split_once(':').unwrap();
        let directory = tempfile::tempdir().unwrap();
        // It refuses to run as root, and reads its settings as another user.
        let path = directory.path();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let address = super::free_address();
        let listen = address.rsplit_once(':').unwrap().1;
        let config = path.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={host} port={port} user=relay\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {listen}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = {mode}\n{settings}\n"
        );
        std::fs::write(&config, text).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("pgbouncer");
        command.env("PATH", format!("{path}:/usr/sbin"));
        if process::is_root() {
            command.args(["-u", "nobody"]);
        }
        command.arg("--quiet").arg(&config);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("PgBouncer is installed");
        let deadline = Instant::now() + test_support::DEADLINE;
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            assert!(Instant::now() < deadline, "PgBouncer does not listen");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Self {
            database: database.replace(&server, &address),
            child,
            _directory: directory,
        }
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SQLX: &str = "ignore_startup_parameters = extra_float_digits";

#[tokio::test]
#[ignore = "needs PostgreSQL and PgBouncer: scripts/test.sh runs it"]
async fn a_pooler_that_is_not_in_session_mode_is_refused_with_what_to_do() {
    let directory = Directory::new();
    for (mode, settings) in [
        ("transaction", ""),
        ("transaction", SQLX),
        // The listening connection may be the one that notifies.
        (
            "transaction",
            &format!("{SQLX}\ndefault_pool_size = 1") as &str,
        ),
        ("statement", SQLX),
    ] {
        let pooler = PgBouncer::start(mode, settings).await;
        let set = [
            ("LISTEN_ADDR", "127.0.0.1:0"),
            ("DATABASE_URL", pooler.database.as_str()),
        ];
        for args in [
            &[][..],
            &["price-monitor", "--listen", "127.0.0.1:0"],
            &["check"],
        ] {
            let refused = directory.run(args, &set).await;
            let said = [refused.stderr, refused.stdout].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(
                !refused.status.success(),
                "{mode} {settings} {args:?}: {said}"
            );
            assert!(
                said.contains("use the pooler's session mode, or connect to the database directly"),
                "{mode} {settings} {args:?}: {said}"
            );
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL and PgBouncer: scripts/test.sh runs it"]
async fn a_pooler_in_session_mode_serves() {
    let pooler = PgBouncer::start("session", SQLX).await;
    let relay = Relay::start(&[("DATABASE_URL", &pooler.database)]).await;
    let cookie = relay.create_owner().await;
    let job = relay.import(&cookie, "shop.csv", super::FILE).await;
    relay.stream(&cookie, &job).await.until_end().await;
    relay
        .metrics_with("import_relay_imports_ended_total{status=\"PARTIAL_SUCCESS\"} 1")
        .await;
    assert_eq!(relay.terminate().await, Some(0));
}
