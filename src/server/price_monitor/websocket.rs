//! Serves plain WebSockets: JSON text frames `{"event": …, "data": …}`.

use std::{collections::HashSet, sync::Arc};

use axum::{
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Duration, interval},
};

use super::{
    Service,
    announcer::Announcement,
    message::{ProgressMessage, event_name},
    service::ServiceError,
};
use crate::model::job::JobId;

const PING: Duration = Duration::from_secs(25);

/// A frame has one ID.
const MAX_FRAME: usize = 4 << 10;

/// Above the relay's default.
const MAX_JOINED: usize = 20_000;

#[derive(Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "kebab-case")]
enum Request {
    JoinImportJob(JobId),
    LeaveImportJob(JobId),
    #[serde(untagged)]
    Other(serde::de::IgnoredAny),
}

#[derive(Serialize)]
struct Event<'a> {
    event: String,
    data: &'a ProgressMessage,
}

/// `GET /` with an upgrade.
pub(super) async fn upgrade(
    State(service): State<Arc<Service>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return ServiceError::NotFound.into_response();
    };
    upgrade
        .max_message_size(MAX_FRAME)
        .on_upgrade(async move |socket| {
            let talk = talk(Arc::clone(&service), socket);
            let talk = service.tasks.track_future(talk);
            service.shutdown.run_until_cancelled(talk).await;
        })
}

async fn talk(service: Arc<Service>, socket: WebSocket) {
    let mut client = Client {
        events: service.announcer.subscribe(),
        service,
        socket,
        joined: HashSet::new(),
        answered: true,
    };
    // The client is gone.
    let _ = client.talk().await;
}

struct Client {
    service: Arc<Service>,
    socket: WebSocket,
    events: Receiver<Announcement>,
    joined: HashSet<String>,
    answered: bool,
}

impl Client {
    async fn talk(&mut self) -> Result<(), axum::Error> {
        let mut ping = interval(PING);
        ping.reset();
        loop {
            tokio::select! {
                received = self.socket.recv() => {
                    let Some(message) = received.transpose()? else { return Ok(()) };
                    self.answered = true;
                    if let Message::Text(text) = message {
                        self.heed(&text).await?;
                    }
                }
                event = self.events.recv() => match event {
                    Ok(event) if self.joined.contains(&*event.id) => {
                        self.tell(&event.id, &event.message).await?;
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.catch_up().await?,
                    Err(RecvError::Closed) => return Ok(()),
                },
                _ = ping.tick() => {
                    if !std::mem::take(&mut self.answered) {
                        return Ok(());
                    }
                    self.socket.send(Message::Ping(Vec::new().into())).await?;
                }
            }
        }
    }

    /// Ignores unknown messages.
    async fn heed(&mut self, text: &str) -> Result<(), axum::Error> {
        match serde_json::from_str(text) {
            Ok(Request::JoinImportJob(id)) if self.joined.len() < MAX_JOINED => {
                self.join(id.as_str()).await
            }
            Ok(Request::LeaveImportJob(id)) => {
                self.joined.remove(id.as_str());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn join(&mut self, id: &str) -> Result<(), axum::Error> {
        let newest = self.service.announcer.turn().await.newest(id).await;
        match newest {
            Ok(Some(message)) => {
                self.joined.insert(id.to_owned());
                self.tell(id, &message).await
            }
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::error!(id, %error, "cannot read a job's state");
                Ok(())
            }
        }
    }

    /// Sends the newest state of every job after missed events.
    async fn catch_up(&mut self) -> Result<(), axum::Error> {
        self.events = self.events.resubscribe();
        for id in self.joined.clone() {
            self.join(&id).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, id: &str, data: &ProgressMessage) -> Result<(), axum::Error> {
        let event = Event {
            event: event_name(id),
            data,
        };
        let text = serde_json::to_string(&event).map_err(axum::Error::new)?;
        self.socket.send(Message::Text(text.into())).await
    }
}
