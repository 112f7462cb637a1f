//! Runs the program as a process.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use reqwest::{Client, Response, multipart, redirect::Policy};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::{Instant, timeout},
};

use test_support::{DEADLINE, database::postgres_database};

/// Returns the program under test, which can be a release.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("IMPORT_RELAY_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_import-relay").into(), PathBuf::from)
}

pub(crate) struct Directory(tempfile::TempDir);

impl Directory {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Builds a command without the caller's settings.
    pub(crate) fn command(&self, args: &[&str], settings: &[(&str, &str)]) -> Command {
        self.command_of(&binary(), args, settings)
    }

    pub(crate) fn command_of(
        &self,
        program: &Path,
        args: &[&str],
        settings: &[(&str, &str)],
    ) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .envs(
                ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"]
                    .iter()
                    .filter_map(|name| std::env::var_os(name).map(|value| (name, value))),
            )
            .env("DATA_DIR", self.path().join("data"))
            .env(
                "LEPTOS_SITE_ROOT",
                concat!(env!("CARGO_MANIFEST_DIR"), "/target/site"),
            )
            .env("NO_COLOR", "1")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn run(&self, args: &[&str], settings: &[(&str, &str)]) -> Output {
        timeout(DEADLINE, self.command(args, settings).output())
            .await
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn says_with(&self, args: &[&str], settings: &[(&str, &str)]) -> String {
        let output = self.run(args, settings).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    log: mpsc::UnboundedReceiver<String>,
}

impl Process {
    /// Starts a serving command and waits for its address.
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, log) = mpsc::unbounded_channel();
        let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = errors.next_line().await {
                let _ = sender.send(line);
            }
        });
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = timeout(DEADLINE, output.next_line())
            .await
            .unwrap()
            .unwrap();
        let Some(ready) = ready else {
            let mut log = log;
            let mut said = String::new();
            while let Some(line) = log.recv().await {
                said.push_str(&line);
                said.push('\n');
            }
            panic!("the process ended at once:\n{said}");
        };
        // Its further output must not block it.
        tokio::spawn(async move { while let Ok(Some(_)) = output.next_line().await {} });
        let address = ready.rsplit_once("//").unwrap().1.parse().unwrap();
        Self {
            child,
            address,
            log,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    #[allow(dead_code)] // one of the programs that share this file needs it
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) async fn terminate(mut self) -> Option<i32> {
        let id = self.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.unwrap().success());
        timeout(DEADLINE, self.child.wait())
            .await
            .expect("the process ends in time")
            .unwrap()
            .code()
    }

    pub(crate) async fn log_line(&mut self, words: &str) -> String {
        timeout(DEADLINE, async {
            loop {
                let line = self.log.recv().await.expect("the log goes on");
                if line.contains(words) {
                    return line;
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{words:?} was not logged"))
    }
}

/// The app in its own directory.
pub(crate) struct Relay {
    pub(crate) directory: Directory,
    process: Process,
    settings: Vec<(String, String)>,
    pub(crate) http: Client,
}

impl Relay {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_after("", settings).await
    }

    /// Starts it by a shell that runs commands first, such as `ulimit` and `umask`.
    pub(crate) async fn start_after(commands: &str, settings: &[(&str, &str)]) -> Self {
        let directory = Directory::new();
        let database = postgres_database().await;
        let mut all = vec![("LISTEN_ADDR", "127.0.0.1:0")];
        if let Some(url) = &database {
            all.push(("DATABASE_URL", url));
        }
        all.extend_from_slice(settings);
        let script = format!("{commands}\nexec \"$0\"");
        let program = binary();
        let program = program.to_str().unwrap();
        let command = if commands.is_empty() {
            directory.command(&[], &all)
        } else {
            directory.command_of(Path::new("/bin/sh"), &["-ec", &script, program], &all)
        };
        let process = Process::start(command).await;
        Self {
            directory,
            process,
            settings: all
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            http: client(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.process.address
    }

    #[allow(dead_code)] // one of the programs that share this file needs it
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn log_line(&mut self, words: &str) -> String {
        self.process.log_line(words).await
    }

    pub(crate) async fn terminate(self) -> Option<i32> {
        self.process.terminate().await
    }

    /// Stops it. Returns what a restart needs.
    pub(crate) async fn stop_and_keep(self) -> (Directory, Vec<(String, String)>) {
        assert_eq!(self.process.terminate().await, Some(0));
        (self.directory, self.settings)
    }

    pub(crate) async fn create_owner(&self) -> String {
        create_owner(&self.http, &self.url(""), None).await
    }

    pub(crate) async fn import(&self, cookie: &str, name: &str, file: &str) -> String {
        import(&self.http, &self.url(""), cookie, name, file).await
    }

    pub(crate) async fn stream(&self, cookie: &str, job: &str) -> Stream {
        let path = format!("/api/jobs/{job}/progress");
        let request = self.http.get(self.url(&path)).header("cookie", cookie);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Stream(response)
    }

    pub(crate) async fn metrics_with(&self, line: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let metrics = self.get("/metrics").await.text().await.unwrap();
            if metrics.lines().any(|it| it == line) {
                return metrics;
            }
            assert!(Instant::now() < deadline, "{line} is not in\n{metrics}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Returns whether this is root, who may mount and bypasses permissions.
#[allow(dead_code)] // one of the programs that share this file needs it
pub(crate) fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uid.unwrap().split_whitespace().nth(1) == Some("0")
}

pub(crate) struct Stream(Response);

impl Stream {
    pub(crate) async fn until_end(&mut self) {
        let reading = async { while let Ok(Some(_)) = self.0.chunk().await {} };
        timeout(DEADLINE, reading).await.expect("the stream ends");
    }
}

pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(DEADLINE)
        // Every stream has a heartbeat every 15 s.
        .read_timeout(DEADLINE)
        .build()
        .unwrap()
}

/// Creates the owner. Returns the session cookie. `setup` is the owner link's secret, not needed from this machine.
pub(crate) async fn create_owner(http: &Client, origin: &str, setup: Option<&str>) -> String {
    let setup = setup.map_or_else(String::new, |secret| format!("&setup={secret}"));
    let response = http
        .post(format!("{origin}/api/create_owner"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!(
            "name=Ada&email=ada%40example.com&password=correct+horse{setup}"
        ))
        .send()
        .await
        .unwrap();
    let set = response.headers()["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

pub(crate) async fn import(
    http: &Client,
    origin: &str,
    cookie: &str,
    name: &str,
    file: &str,
) -> String {
    let part = multipart::Part::bytes(file.as_bytes().to_vec()).file_name(name.to_owned());
    let response = http
        .post(format!("{origin}/imports"))
        .header("cookie", cookie)
        .header("accept", "application/json")
        .multipart(multipart::Form::new().part("file", part))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    let answer: serde_json::Value = response.json().await.unwrap();
    answer["id"].as_str().unwrap().to_owned()
}
