//! `import-relay check --monitor`: tests a price monitor against docs/protocol.md.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use import_relay::{
    model::job::JobId,
    server::{
        config::{Config, ConfigError, Monitor},
        price_monitor::sample::{self, Shape},
        relay::probe::{self, Finding, Mark, Trial, Upload, Verdict},
    },
};
use thiserror::Error;

/// Generated products.
const ROWS: u64 = 10;

/// How the price monitor is checked.
#[derive(Args)]
pub(crate) struct MonitorCheck {
    /// Test whether the price monitor at MONITOR_PRICE_APP_HOST conforms to docs/protocol.md. Exits with 0 if it
    /// does, 1 if it does not, and 2 if it cannot be tested. Imports nothing without --upload.
    #[arg(long)]
    pub(crate) monitor: bool,
    /// Also import FILE, or else ten sample products, and follow the import.
    #[arg(long, requires = "monitor", value_name = "FILE", num_args = 0..=1)]
    pub(crate) upload: Option<Option<PathBuf>>,
    /// Also follow this running import.
    #[arg(
        long,
        requires = "monitor",
        value_name = "ID",
        conflicts_with = "upload"
    )]
    pub(crate) job: Option<JobId>,
    /// Time limit for each call.
    #[arg(long, requires = "monitor", value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
}

/// Why a price monitor cannot be tested.
#[derive(Debug, Error)]
pub(crate) enum Untried {
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error("MONITOR_PRICE_APP_HOST is not set, so there is only the embedded price monitor")]
    Embedded,
    #[error("{0} cannot be read: {1}")]
    File(String, io::Error),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] reqwest::Error),
    #[error("the price monitor could not be tested: it does not answer")]
    NoAnswer,
}

/// The price monitor does not conform; the findings are already printed.
#[derive(Debug, Error)]
#[error("the price monitor does not conform to docs/protocol.md: {0} checks FAILED")]
struct Misfit(usize);

/// Tests the price monitor and prints the findings.
pub(crate) async fn check(
    config: &Config,
    options: MonitorCheck,
) -> Result<(), Box<dyn std::error::Error>> {
    let Monitor::External(endpoint) = &config.monitor else {
        return Err(Untried::Embedded.into());
    };
    let upload = options.upload.map(|file| upload(file.as_deref()));
    let trial = Trial {
        upload: upload.transpose()?,
        job: options.job,
        timeout: options.timeout,
    };
    // Fails only if a provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let walked = probe::walk(config, endpoint, trial, tell);
    match walked.await.map_err(Untried::from)? {
        Verdict::Fits => {
            println!("The price monitor conforms to docs/protocol.md in everything tested.");
            Ok(())
        }
        Verdict::Misfits(count) => Err(Misfit(count).into()),
        Verdict::Untried => Err(Untried::NoAnswer.into()),
    }
}

fn tell(finding: &Finding) {
    let mark = match finding.mark {
        Mark::Fits => "ok    ",
        Mark::Note => "note  ",
        Mark::Misfit => "FAILED",
    };
    println!("{mark}  {}: {}", finding.call, finding.sentence);
}

fn upload(file: Option<&Path>) -> Result<Upload, Untried> {
    let Some(path) = file else {
        let mut content = Vec::new();
        sample::write(&mut content, Shape::Plain, ROWS)
            .map_err(|error| Untried::File("the sample".to_owned(), error))?;
        return Ok(Upload {
            name: "import-relay-check.csv".to_owned(),
            content: content.into(),
        });
    };
    let name = path.file_name().unwrap_or(path.as_os_str());
    let content =
        std::fs::read(path).map_err(|error| Untried::File(path.display().to_string(), error))?;
    Ok(Upload {
        name: name.to_string_lossy().into_owned(),
        content: content.into(),
    })
}
