//! The Socket.IO side: joining a job's room, and being told how it stands.

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

/// How long a socket may be open before it shows the key.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a client shows when it connects.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Auth {
    api_key: String,
}

/// The client showed no key, or a wrong one. The text reaches it in `CONNECT_ERROR`.
struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalid API key")
    }
}

/// Makes the layer that answers Socket.IO requests, and the handle to its sockets.
pub(super) fn layer() -> (SocketIoLayer, SocketIo) {
    SocketIo::builder()
        // A client that polls keeps a request open for each message.
        .transports([TransportType::Websocket])
        .connect_timeout(CONNECT_TIMEOUT)
        .build_layer()
}

/// Takes connections on the main namespace.
pub(super) fn listen(io: &SocketIo, service: &Arc<Service>) {
    // The service has the handle, so that the handle must not keep the service.
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
                        // After a join of the same socket that is not through yet.
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

/// Lets a socket into a job's room and tells it how the job stands. One that asks for a job that
/// does not exist is not answered: REST says so.
async fn join(service: &Service, socket: &SocketRef, id: &JobId) {
    let turn = service.announcer.turn().await;
    match turn.newest(id.as_str()).await {
        Ok(Some(message)) => {
            socket.join(id.as_str().to_owned());
            if let Err(error) = socket.emit(event_name(id.as_str()), &message) {
                tracing::debug!(%id, %error, "a socket could not be told of a job it joined");
            }
        }
        Ok(None) => tracing::debug!(%id, "a socket asked for a job that does not exist"),
        Err(error) => tracing::error!(%id, %error, "a job's state could not be read"),
    }
}
