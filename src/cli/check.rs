//! `import-relay check` and `import-relay health`.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use import_relay::server::{
    config::{Config, Monitor},
    error::advice,
    store::{Store, StoreError},
};
use reqwest::Client;
use thiserror::Error;
use tokio::net::TcpListener;

const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Error)]
pub(crate) enum CheckError {
    /// A check failed; the finding is already printed.
    #[error("some checks failed")]
    Failed,
    #[error("the server at {0} is not ready: {1}")]
    NotReady(SocketAddr, String),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] reqwest::Error),
}

/// Checks everything that a server needs, without changes, and prints the findings.
pub(crate) async fn check(config: &Config) -> Result<(), CheckError> {
    let found = [
        ("settings", Ok("valid".to_owned())),
        ("address", address(config.listen).await?),
        ("database", database(config).await),
        ("data", data(&config.data_dir)),
        ("price monitor", monitor(config).await?),
    ];
    let mut well = true;
    for (what, finding) in found {
        match finding {
            Ok(good) => println!("ok      {what}: {good}"),
            Err(bad) => {
                well = false;
                println!("FAILED  {what}: {bad}");
            }
        }
    }
    if well {
        Ok(())
    } else {
        Err(CheckError::Failed)
    }
}

type Finding = Result<String, String>;

async fn database(config: &Config) -> Finding {
    if config.database.is_missing_file() {
        return Ok("the SQLite file does not exist yet; it is created on start".to_owned());
    }
    let schema = async {
        let store = Store::connect(&config.database).await?;
        store.check_notices().await?;
        store.check_file().await?;
        store.schema().await
    };
    let schema = schema
        .await
        .map_err(|error: StoreError| error.to_string())?;
    if let Some(newest) = schema.unknown.last() {
        return Err(format!(
            "newer than this program (unknown migration {newest})"
        ));
    }
    Ok(match schema.pending.len() {
        0 => "up to date".to_owned(),
        pending => format!("migrations to apply on the next start: {pending}"),
    })
}

/// Checks that the address is free, or that our own server uses it.
async fn address(listen: SocketAddr) -> Result<Finding, CheckError> {
    let error = match TcpListener::bind(listen).await {
        Ok(_) => return Ok(Ok(format!("{listen} is free"))),
        Err(error) => error,
    };
    if error.kind() == ErrorKind::AddrInUse {
        let url = format!("http://{}/health/live", reachable(listen));
        let answer = client()?.get(url).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(Ok(format!("a server is already listening on {listen}")));
        }
    }
    Ok(Err(format!("cannot listen on {listen}: {error}")))
}

fn data(directory: &Path) -> Finding {
    // Missing directories are created below the nearest existing one.
    let there = directory.ancestors().find(|path| path.exists());
    let there = there.unwrap_or_else(|| Path::new("."));
    let cannot = |error: std::io::Error| {
        let advice = advice::about_file(&error);
        format!("{} cannot be written: {error}{advice}", there.display())
    };
    if !there.is_dir() {
        return Err(format!("{} is not a directory", there.display()));
    }
    tempfile_in(there).map_err(cannot)?;
    Ok(if there == directory {
        format!("{} is writable", directory.display())
    } else {
        format!("{} is created on start", directory.display())
    })
}

fn tempfile_in(directory: &Path) -> std::io::Result<()> {
    let path = directory.join(format!(".check-{}", std::process::id()));
    std::fs::write(&path, [])?;
    std::fs::remove_file(path)
}

async fn monitor(config: &Config) -> Result<Finding, CheckError> {
    let Monitor::External(endpoint) = &config.monitor else {
        return Ok(Ok("embedded".to_owned()));
    };
    let mut url = endpoint.url.clone();
    url.set_path("/health");
    url.set_query(None);
    let host = url.host_str().unwrap_or_default().to_owned();
    let answer = client()?.get(url).send().await;
    Ok(match answer {
        Ok(answer) if answer.status().is_success() => Ok(format!("{host} is healthy")),
        Ok(answer) if matches!(answer.status().as_u16(), 401 | 403 | 404 | 405) => {
            Ok(format!("{host} is reachable but has no health check"))
        }
        Ok(answer) => Err(format!("{host} returned {}", answer.status())),
        Err(error) => Err(format!("{host} cannot be reached: {}", error.without_url())),
    })
}

/// Asks the running server whether it is ready.
pub(crate) async fn health(config: &Config) -> Result<(), CheckError> {
    let address = reachable(config.listen);
    let not_ready = |why| CheckError::NotReady(address, why);
    let answer = client()?
        .get(format!("http://{address}/health/ready"))
        .send()
        .await
        .map_err(|error| not_ready(error.without_url().to_string()))?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    if !status.is_success() {
        return Err(not_ready(format!("{status} {text}")));
    }
    println!("{text}");
    Ok(())
}

fn client() -> Result<Client, reqwest::Error> {
    // Fails only if a provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(TIMEOUT).no_proxy().build()
}

/// Replaces an unspecified address by loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listen.port())
}
