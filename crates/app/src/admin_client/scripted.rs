//! A server for tests that answers each connection with the next text of its script, and tells what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

use vestibule_admin::token::AdminToken;

use super::connection::Connection;

/// A server under way.
pub(super) struct Scripted {
    asked: JoinHandle<Vec<String>>,
    directory: tempfile::TempDir,
}

impl Scripted {
    /// Starts the server, with a data directory that leads to it.
    pub(super) fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let directory = tempfile::tempdir().unwrap();
        write_data(directory.path(), &url);
        let serve = move || answers.into_iter().map(|answer| serve_one(&listener, &answer)).collect();
        Self { asked: std::thread::spawn(serve), directory }
    }

    pub(super) fn connection(&self) -> Connection {
        Connection::from_data_dir(self.directory.path()).unwrap()
    }

    /// First line and body of every request, once all of the script has been played.
    pub(super) fn asked(self) -> Vec<String> {
        self.asked.join().unwrap()
    }
}

/// What a demo leaves in its data directory.
pub(super) fn write_data(directory: &Path, url: &str) {
    let record = format!(r#"{{"web":"http://localhost:8080","admin":"{url}"}}"#);
    std::fs::write(directory.join("demo.json"), record).unwrap();
    let token = AdminToken::from_random(&[7; 32]);
    std::fs::write(directory.join("admin.token"), format!("{}\n", token.expose())).unwrap();
}

pub(super) fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn serve_one(listener: &TcpListener, answer: &str) -> String {
    let (mut socket, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            text => head.push(text.to_owned()),
        }
    }
    let field = |name: &str| {
        let lines = head.iter().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    };
    let bearer = format!("Bearer {}", AdminToken::from_random(&[7; 32]).expose());
    assert_eq!(field("authorization"), Some(&*bearer));
    let mut body = vec![0; field("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    socket.write_all(answer.as_bytes()).unwrap();
    let line = head[0].trim_end_matches(" HTTP/1.1").to_owned();
    format!("{line} {}", String::from_utf8(body).unwrap()).trim_end().to_owned()
}
