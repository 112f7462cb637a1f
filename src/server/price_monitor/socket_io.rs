//! Serves Socket.IO: joining a job's room and sending its progress.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use serde::Deserialize;
use socketioxide::{
    SocketIo, TransportType,
    extract::{Data, SocketRef, TryData},
    handler::ConnectHandler,
    layer::SocketIoLayer,
};

use super::{Service, message::event_name};
use crate::model::job::JobId;

/// Time for presenting the key.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Authentication data of a client.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Auth {
    api_key: String,
}

/// A missing or wrong key. The text is sent in `CONNECT_ERROR`.
struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalid API key")
    }
}

/// Creates the layer that serves Socket.IO, and its handle.
pub(super) fn layer() -> (SocketIoLayer, SocketIo) {
    SocketIo::builder()
        // Long-polling would keep a request per message.
        .transports([TransportType::Websocket])
        .connect_timeout(CONNECT_TIMEOUT)
        .build_layer()
}

/// Accepts connections on the main namespace.
pub(super) fn listen(io: &SocketIo, service: &Arc<Service>) {
    // The service owns the handle, so the handle must not own the service.
    let weak = Arc::downgrade(service);
    let connected = {
        let weak = Weak::clone(&weak);
        async move |socket: SocketRef| {
            let joining = Weak::clone(&weak);
            socket.on(
                "join-import-job",
                async move |socket: SocketRef, Data::<JobId>(id)| {
                    if let Some(service) = joining.upgrade() {
                        join(&service, &socket, &id).await;
                    }
                },
            );
            let leaving = Weak::clone(&weak);
            socket.on(
                "leave-import-job",
                async move |socket: SocketRef, Data::<JobId>(id)| {
                    if let Some(service) = leaving.upgrade() {
                        // After a pending join of the same socket.
                        let _turn = service.announcer.turn().await;
                        socket.leave(id.as_str().to_owned());
                    }
                },
            );
        }
    };
    let known = async move |TryData(auth): TryData<Auth>| {
        let right = weak.upgrade().is_some_and(|service| {
            auth.is_ok_and(|auth: Auth| service.knows(auth.api_key.as_bytes()))
        });
        if right { Ok(()) } else { Err(InvalidKey) }
    };
    io.ns("/", connected.with(known));
}

/// Joins a socket to a job's room and sends the job's state. An unknown job is not answered; REST reports it.
async fn join(service: &Service, socket: &SocketRef, id: &JobId) {
    let turn = service.announcer.turn().await;
    match turn.newest(id.as_str()).await {
        Ok(Some(message)) => {
            socket.join(id.as_str().to_owned());
            if let Err(error) = socket.emit(event_name(id.as_str()), &message) {
                tracing::debug!(%id, %error, "cannot send a socket the state of the job it joined");
            }
        }
        Ok(None) => tracing::debug!(%id, "a socket asked for a job that does not exist"),
        Err(error) => tracing::error!(%id, %error, "cannot read a job's state"),
    }
}
