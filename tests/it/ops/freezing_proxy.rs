//! A proxy to the database that can freeze.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub(crate) struct FreezingProxy {
    /// The database's URL through the proxy.
    pub(crate) database: String,
    frozen: watch::Sender<bool>,
}

impl FreezingProxy {
    pub(crate) async fn start(database: &str) -> Self {
        let server = database.split(['@', '/']).nth(3).unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (frozen, is_frozen) = watch::channel(false);
        let database = database.replace(&server, &address.to_string());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else {
                    continue;
                };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass_on(from_client, to_server, is_frozen.clone()));
                tokio::spawn(pass_on(from_server, to_client, is_frozen.clone()));
            }
        });
        Self { database, frozen }
    }

    pub(crate) fn freeze(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }
}

async fn pass_on(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut is_frozen: watch::Receiver<bool>,
) {
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let thawed = is_frozen.wait_for(|frozen| !frozen).await.is_ok();
        if !thawed || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
