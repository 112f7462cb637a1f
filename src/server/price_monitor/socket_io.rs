//! Serves Socket.IO: joining a job's room and sending its progress.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use price_monitor_wire::{JOIN, LEAVE};
use serde::Deserialize;
use socketioxide::{
    SocketIo, TransportType,
    extract::{Data, SocketRef, TryData},
    handler::ConnectHandler,
    layer::SocketIoLayer,
};

use super::{Service, message::event_name};
use crate::model::job::JobId;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Auth {
    api_key: String,
}

/// A missing or wrong key; the text is sent in `CONNECT_ERROR`.
struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalid API key")
    }
}

pub(super) fn layer() -> (SocketIoLayer, SocketIo) {
    SocketIo::builder()
        // Long-polling would hold a request per message.
        .transports([TransportType::Websocket])
        .connect_timeout(CONNECT_TIMEOUT)
        .build_layer()
}

pub(super) fn listen(io: &SocketIo, service: &Arc<Service>) {
    // The service owns the handle; a strong reference would be a cycle.
    let weak = Arc::downgrade(service);
    let connected = {
        let weak = Weak::clone(&weak);
        async move |socket: SocketRef| {
            let joining = Weak::clone(&weak);
            socket.on(JOIN, async move |socket: SocketRef, Data::<JobId>(id)| {
                if let Some(service) = joining.upgrade() {
                    join(&service, &socket, &id).await;
                }
            });
            let leaving = Weak::clone(&weak);
            socket.on(LEAVE, async move |socket: SocketRef, Data::<JobId>(id)| {
                if let Some(service) = leaving.upgrade() {
                    // Runs after a pending join of the same socket.
                    let _turn = service.announcer.turn().await;
                    socket.leave(id.as_str().to_owned());
                }
            });
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

/// Joins a job's room and sends its state. An unknown job gets no answer; REST reports it.
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
