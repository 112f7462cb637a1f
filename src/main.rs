//! The command line.

// The types of the views nest deeply.
#![recursion_limit = "512"]

use std::{
    fmt::Write as _,
    io::{BufRead, IsTerminal, Write as _},
    net::SocketAddr,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use import_relay::server::{
    auth::accounts,
    config::{Config, Monitor, SETTINGS},
    price_monitor::{self, PriceMonitorOptions},
    shutdown,
    start::{Server, random_key},
    store::Store,
    telemetry,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Takes product files, has them imported, and shows the progress live in any number of browsers.
#[derive(Parser)]
#[command(version, after_long_help = settings_help(), after_help = settings_help())]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the app (the default).
    Serve,
    /// Runs the embedded price monitor by itself, for other instances to use.
    PriceMonitor {
        /// The address and port to listen on.
        #[arg(long, default_value = "127.0.0.1:4000")]
        listen: SocketAddr,
    },
    /// Makes and mends accounts.
    #[command(subcommand)]
    User(UserCommand),
}

#[derive(Subcommand)]
enum UserCommand {
    /// Makes an account. The password is read from standard input.
    Create {
        #[command(flatten)]
        account: Account,
        /// What its owner is called.
        #[arg(long)]
        name: String,
    },
    /// Sets a new password, read from standard input, and signs the account out everywhere.
    ResetPassword {
        #[command(flatten)]
        account: Account,
    },
}

#[derive(Args)]
struct Account {
    /// The address the account signs in with.
    #[arg(long)]
    email: String,
}

fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or(Command::Serve);
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("import-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn run(command: Command) -> Result<(), Failure> {
    let config = Config::from_env()?;
    telemetry::init(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            Command::Serve => serve(config).await,
            Command::PriceMonitor { listen } => price_monitor(config, listen).await,
            Command::User(command) => user(config, command).await,
        }
    })
}

async fn serve(config: Config) -> Result<(), Failure> {
    let shutdown = CancellationToken::new();
    shutdown::on_signal(shutdown.clone())?;
    let server = Server::bind(config, shutdown).await?;
    println!("Import Relay is ready at http://{}", server.local_addr()?);
    server.run().await;
    Ok(())
}

async fn price_monitor(config: Config, listen: SocketAddr) -> Result<(), Failure> {
    let shutdown = CancellationToken::new();
    shutdown::on_signal(shutdown.clone())?;
    let store = Store::open(&config.database).await?;
    let (api_key, given) = match config.monitor {
        Monitor::Embedded { api_key: Some(key) } => (key, true),
        Monitor::Embedded { api_key: None } => (random_key()?, false),
        Monitor::External(endpoint) => (endpoint.api_key, true),
    };
    let options = PriceMonitorOptions {
        api_key: api_key.clone(),
        uploads_dir: config.data_dir.join("uploads"),
        max_upload: config.max_upload,
    };
    let listener = TcpListener::bind(listen).await?;
    println!(
        "The price monitor is ready at http://{}",
        listener.local_addr()?
    );
    if !given {
        println!("PRICE_MONITOR_API_KEY={}", api_key.expose_secret());
    }
    price_monitor::serve(listener, store, options, shutdown).await?;
    Ok(())
}

async fn user(config: Config, command: UserCommand) -> Result<(), Failure> {
    let store = Store::open(&config.database).await?;
    match command {
        UserCommand::Create { account, name } => {
            let user = accounts::create(&store, &name, &account.email, read_password()?).await?;
            println!("{} can sign in now.", user.email);
        }
        UserCommand::ResetPassword { account } => {
            let user = accounts::reset_password(&store, &account.email, read_password()?).await?;
            println!(
                "{} has a new password and is signed out everywhere.",
                user.email
            );
        }
    }
    Ok(())
}

/// Reads one line, so that the password is neither in the process list nor in a shell's history.
fn read_password() -> Result<SecretString, std::io::Error> {
    let mut stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        eprint!("Password: ");
        std::io::stderr().flush()?;
    }
    let mut line = String::new();
    stdin.read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).into())
}

fn settings_help() -> String {
    let mut help = "Settings, from the environment or a .env file:\n".to_owned();
    for setting in SETTINGS {
        // Writing to a String does not fail.
        let _ = write!(
            help,
            "\n  {}\n      {}\n      Takes {}. Default: {}.\n",
            setting.name, setting.meaning, setting.takes, setting.default
        );
    }
    help
}
