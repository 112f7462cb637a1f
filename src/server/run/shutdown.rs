//! Signals that stop the server.

use tokio_util::sync::CancellationToken;

/// Cancels the token at the first SIGTERM or Ctrl-C.
///
/// # Errors
///
/// If signal handlers cannot be installed.
pub fn on_signal(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("stopping");
        shutdown.cancel();
    });
    Ok(())
}
