//! The command line.

// The types of the views nest deeply.
#![recursion_limit = "512"]

mod cli;

use std::{
    io::{BufRead, BufWriter, IsTerminal, Write as _},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{
    Args, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use import_relay::{
    model::role::Role,
    server::{
        auth::{accounts, first_owner},
        config::{self, Config, Monitor},
        http::routes::watch,
        price_monitor::{
            self, PriceMonitorOptions,
            sample::{self, Shape},
        },
        run::{
            shutdown,
            start::{Server, StartError, random_key},
        },
        store::{self, Store, lock::DatabaseLock},
        telemetry,
        uploads::space::Space,
    },
};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::monitor::{MonitorCheck, Untried};

/// Returns memory to the system after many streams, which the C library's allocator keeps; `.cargo/config.toml` sets
/// how soon.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Import product files and show their progress live in any number of browsers.
#[derive(Parser)]
#[command(version, after_help = "Settings come from the environment or a .env file; --help lists them.", after_long_help = config::help())]
struct Cli {
    /// Show the effective settings, without secrets, and exit.
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the app (the default).
    Serve,
    /// Run only the embedded price monitor, for other instances to connect to.
    PriceMonitor {
        /// The address and port to listen on.
        #[arg(long, default_value = "127.0.0.1:4000")]
        listen: SocketAddr,
    },
    /// Write a sample product file to standard output, for tests and benchmarks.
    Sample {
        /// Number of rows after the header row.
        #[arg(long, default_value_t = 1000)]
        rows: u64,
        /// The format of the file.
        #[arg(long, value_enum, default_value = "plain")]
        shape: Shape,
    },
    /// Manage user accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Print a link for creating the first owner account, while there is no owner.
    OwnerLink,
    /// Apply pending database migrations. Every start does this too.
    Migrate,
    /// Back up the database to a new file. The server may be running.
    Backup {
        /// The file to create: a SQLite database, or an archive for pg_restore.
        file: PathBuf,
    },
    /// Replace the database with a backup. Stop all servers first. The old database is kept.
    Restore {
        /// A file written by `import-relay backup`.
        file: PathBuf,
    },
    /// Check settings, database and price monitor. Changes nothing.
    Check {
        #[command(flatten)]
        monitor: MonitorCheck,
    },
    /// Check that the running server is ready. Exits with 1 if it is not.
    Health,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Create an account. The password is read from standard input.
    Create {
        #[command(flatten)]
        account: Account,
        /// The user's name.
        #[arg(long)]
        name: String,
        /// The user's role. Defaults to owner while there is no owner, then to staff.
        #[arg(long, value_parser = role())]
        role: Option<Role>,
    },
    /// Change an account's role.
    SetRole {
        #[command(flatten)]
        account: Account,
        /// The user's new role.
        #[arg(long, value_parser = role())]
        role: Role,
    },
    /// Set a new password, read from standard input. Signs the account out everywhere and revokes its
    /// API tokens.
    ResetPassword {
        #[command(flatten)]
        account: Account,
    },
    /// Remove all passkeys of an account, for example lost ones, and end the sessions they opened.
    RemovePasskeys {
        #[command(flatten)]
        account: Account,
    },
}

#[derive(Args)]
struct Account {
    /// The email address the account signs in with.
    #[arg(long)]
    email: String,
}

fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|role| role.parse::<Role>())
}

/// Exit code if a price monitor cannot be tested.
const UNTRIED: u8 = 2;

fn main() -> ExitCode {
    // Files are for this user only, whatever the shell's umask.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    #[cfg(unix)]
    allow_many_files();
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("import-relay: {error}");
            if error.is::<Untried>() {
                return ExitCode::from(UNTRIED);
            }
            ExitCode::FAILURE
        }
    }
}

/// Raises the limit of open files: each stream is one.
#[cfg(unix)]
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // If refused, the limit stays.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
}

type Failure = Box<dyn std::error::Error>;

/// How long to wait for remaining threads on exit.
const LAST_MOMENT: Duration = Duration::from_millis(200);

fn run(cli: Cli) -> Result<(), Failure> {
    if let Some(Command::Sample { rows, shape }) = cli.command {
        let mut out = BufWriter::new(std::io::stdout().lock());
        sample::write(&mut out, shape, rows)?;
        out.flush()?;
        return Ok(());
    }
    let config = match Config::from_env() {
        Err(error) if is_monitor_check(&cli.command) => return Err(Untried::from(error).into()),
        config => config?,
    };
    if cli.check_config {
        print!("{}", config.effective());
        for warning in config.warnings() {
            eprintln!("warning: {warning}");
        }
        return Ok(());
    }
    let _log = telemetry::init(&config.log, &config.telemetry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result: Result<(), Failure> = runtime.block_on(async {
        match cli.command.unwrap_or(Command::Serve) {
            Command::Serve => serve(config).await,
            Command::PriceMonitor { listen } => price_monitor(config, listen).await,
            Command::User(command) => user(config, command).await,
            Command::OwnerLink => owner_link(config).await,
            Command::Migrate => Ok(cli::database::migrate(&config).await?),
            Command::Backup { file } => Ok(cli::database::copy(&config, &file).await?),
            Command::Restore { file } => Ok(cli::database::put_back(&config, &file).await?),
            Command::Check { monitor } if monitor.monitor => {
                Ok(cli::monitor::check(&config, monitor).await?)
            }
            Command::Check { .. } => Ok(cli::check::check(&config).await?),
            Command::Health => Ok(cli::check::health(&config).await?),
            // Already done: it needs neither settings nor runtime.
            Command::Sample { .. } => Ok(()),
        }
    });
    // Everything that matters has ended.
    runtime.shutdown_timeout(LAST_MOMENT);
    result
}

fn is_monitor_check(command: &Option<Command>) -> bool {
    matches!(command, Some(Command::Check { monitor }) if monitor.monitor)
}

async fn serve(config: Config) -> Result<(), Failure> {
    let shutdown = CancellationToken::new();
    shutdown::on_signal(shutdown.clone())?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let _lock = lock(&config)?;
    let server = Server::bind(config, shutdown).await?;
    println!("Import Relay is ready at http://{}", server.local_addr()?);
    if let Some(link) = server.owner_link().await? {
        println!("Create the owner's account at {link}");
    }
    server.run().await;
    Ok(())
}

async fn price_monitor(config: Config, listen: SocketAddr) -> Result<(), Failure> {
    let shutdown = CancellationToken::new();
    shutdown::on_signal(shutdown.clone())?;
    let _lock = lock(&config)?;
    let store = Store::open_to_hear(&config.database)
        .await
        .map_err(StartError::from)?;
    let (api_key, given) = match &config.monitor {
        Monitor::Embedded { api_key: Some(key) } => (key.clone(), true),
        Monitor::Embedded { api_key: None } => (random_key()?, false),
        Monitor::External(endpoint) => (endpoint.api_key.clone(), true),
    };
    let metrics = telemetry::Metrics::default();
    let space = Space::new(&config.data_dir, config.space);
    let options = PriceMonitorOptions::new(&config, api_key.clone(), metrics.clone(), space);
    price_monitor::make_uploads_dir(&options.uploads_dir)
        .await
        .map_err(StartError::from)?;
    let listener = TcpListener::bind(listen).await?;
    println!(
        "The price monitor is ready at http://{}",
        listener.local_addr()?
    );
    if !given {
        println!("PRICE_MONITOR_API_KEY={}", api_key.expose_secret());
    }
    let token = config.telemetry.metrics_token;
    let watching = watch::worker_routes(store.clone(), metrics, options.space.clone(), token);
    let (stopping, drain) = (shutdown.clone(), config.http.drain);
    let cut_off = async {
        stopping.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        served = price_monitor::serve_with(listener, store, options, watching, shutdown) => served?,
        () = cut_off => tracing::warn!("requests and imports were aborted"),
    }
    Ok(())
}

async fn owner_link(config: Config) -> Result<(), Failure> {
    if !config.auth.passwords {
        return Err(
            "AUTH_PASSWORDS is off, and the link asks for a password. Name the owner's email address in OIDC_OWNERS, \
             or give an account that signs in elsewhere the role: import-relay user set-role --role owner --email …"
                .into(),
        );
    }
    let store = Store::open(&config.database).await?;
    match first_owner::make_link(&store, &config.public_url.address("")).await? {
        Some(link) => println!("{link}"),
        None => return Err("An owner account already exists.".into()),
    }
    Ok(())
}

fn lock(config: &Config) -> Result<DatabaseLock, StartError> {
    Ok(store::lock::lock(&config.database)?)
}

async fn user(config: Config, command: UserCommand) -> Result<(), Failure> {
    let store = Store::open(&config.database)
        .await
        .map_err(StartError::from)?;
    match command {
        UserCommand::Create {
            account,
            name,
            role,
        } => {
            let password = read_password()?;
            let user =
                accounts::create_by_command(&store, &name, &account.email, role, password).await?;
            if config.auth.passwords {
                println!("{} can sign in now.", user.email);
            } else {
                println!("{} can sign in once AUTH_PASSWORDS is on.", user.email);
            }
        }
        UserCommand::SetRole { account, role } => {
            let user = accounts::set_role(&store, &account.email, role).await?;
            println!("{} is now {}.", user.called(), user.role);
        }
        UserCommand::ResetPassword { account } => {
            let user = accounts::reset_password(&store, &account.email, read_password()?).await?;
            println!(
                "{} has a new password, was signed out everywhere, and its API tokens were revoked.",
                user.email
            );
        }
        UserCommand::RemovePasskeys { account } => {
            let removed = accounts::remove_passkeys(&store, &account.email).await?;
            println!("{removed} passkeys of {} were removed.", account.email);
        }
    }
    Ok(())
}

/// Reads one line, so that the password is in neither process list nor shell history.
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
