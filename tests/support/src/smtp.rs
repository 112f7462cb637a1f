//! A minimal SMTP server on loopback (RFC 5321).

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

#[derive(Clone, Debug)]
pub struct Mail {
    pub from: String,
    pub to: String,
    pub message: String,
}

/// Answers to `RCPT` in turn, then 250.
#[derive(Clone, Default)]
pub struct SmtpServer {
    mails: Arc<Mutex<Vec<Mail>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl SmtpServer {
    pub async fn start(answers: &[&'static str]) -> (Self, SocketAddr) {
        let server = Self::default();
        server.answers.lock().unwrap().extend(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = accepting.clone();
                tokio::spawn(async move { server.serve(client).await });
            }
        });
        (server, address)
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    pub fn refuse_next(&self, answer: &'static str) {
        self.answers.lock().unwrap().push_back(answer);
    }

    async fn serve(self, client: TcpStream) -> std::io::Result<()> {
        let mut client = BufReader::new(client);
        client.write_all(b"220 test ESMTP\r\n").await?;
        let (mut from, mut to) = (String::new(), String::new());
        let mut line = String::new();
        loop {
            line.clear();
            if client.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let command = line.trim_end().to_owned();
            let verb = command.split([' ', ':']).next().unwrap_or_default();
            let answer = match verb.to_ascii_uppercase().as_str() {
                "EHLO" => "250-test\r\n250 8BITMIME",
                "MAIL" => {
                    from = path_of(&command);
                    "250 OK"
                }
                "RCPT" => {
                    to = path_of(&command);
                    let answer = self.answers.lock().unwrap().pop_front();
                    answer.unwrap_or("250 OK")
                }
                "DATA" => {
                    client.write_all(b"354 Go ahead\r\n").await?;
                    let message = read_message(&mut client).await?;
                    let (from, to) = (from.clone(), to.clone());
                    self.mails.lock().unwrap().push(Mail { from, to, message });
                    "250 Taken"
                }
                "QUIT" => {
                    client.write_all(b"221 Bye\r\n").await?;
                    return Ok(());
                }
                "RSET" | "NOOP" => "250 OK",
                _ => "502 Unknown",
            };
            client.write_all(answer.as_bytes()).await?;
            client.write_all(b"\r\n").await?;
        }
    }
}

/// Returns the address between `<` and `>`.
fn path_of(command: &str) -> String {
    let from = command.split('<').nth(1).unwrap_or_default();
    from.split('>').next().unwrap_or_default().to_owned()
}

/// Reads up to the line with a single dot, and removes dot-stuffing.
async fn read_message(client: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let (mut message, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        client.read_line(&mut line).await?;
        if line == ".\r\n" || line.is_empty() {
            return Ok(message);
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
