//! One connection of a recording upstream: reads strictly, records, plays scripts. One thread each.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;

use super::script::{Step, answer};
use super::{Connection, Shared};
use crate::strict::{Fault, Reader, Request};

/// The longest a connection waits for its peer or its test. More than any test's own patience.
const WAIT_MAX: Duration = Duration::from_secs(20);

pub(super) fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    for stream in listener.incoming().flatten() {
        if shared.lock().stopped {
            break;
        }
        let Ok(own) = stream.try_clone() else { continue };
        let mut number = 0;
        shared.change(|state| {
            number = state.seen.connections.len();
            state.seen.connections.push(Connection::default());
            state.streams.insert(number, own);
        });
        let shared = Arc::clone(shared);
        threads.push(std::thread::spawn(move || {
            let fault = serve(&stream, &shared, number).err();
            drop(stream);
            shared.change(|state| {
                // The second handle would keep the socket open.
                state.streams.remove(&number);
                state.seen.connections[number].ended = true;
                if let Some(Fault::Syntax(what)) = fault {
                    state.seen.connections[number].fault = Some(what);
                }
            });
        }));
    }
    for thread in threads {
        // A panic in there has shown as a failed test already.
        let _ = thread.join();
    }
}

/// What comes after a step.
enum Next {
    Step,
    End,
}

struct Serving<'s> {
    stream: &'s TcpStream,
    shared: &'s Shared,
    reader: Reader<Recorded<'s>>,
    number: usize,
}

/// Serves requests until the connection ends; the fault is why.
fn serve(stream: &TcpStream, shared: &Shared, number: usize) -> Result<(), Fault> {
    let io = |_| Fault::Reset;
    stream.set_nodelay(true).map_err(io)?;
    stream.set_read_timeout(Some(WAIT_MAX)).map_err(io)?;
    stream.set_write_timeout(Some(WAIT_MAX)).map_err(io)?;
    let reader = Reader::new(Recorded { stream, shared, number });
    let mut serving = Serving { stream, shared, reader, number };
    loop {
        let request = serving.reader.request_head()?;
        shared.change(|state| state.seen.heads.push(request.clone()));
        if let Next::End = serving.play(request)? {
            return Ok(());
        }
    }
}

impl Serving<'_> {
    fn play(&mut self, mut request: Request) -> Result<Next, Fault> {
        let path = request.target.split('?').next().unwrap_or_default().to_owned();
        let script = self.shared.lock().scripts.get(&path).cloned();
        let mut read = false;
        for step in script.unwrap_or_else(|| vec![Step::ReadBody, Step::Echo]) {
            match step {
                Step::ReadBody => self.read_body(&mut request, &mut read)?,
                other => {
                    if let Next::End = self.take_step(&other, &request)? {
                        return Ok(Next::End);
                    }
                }
            }
        }
        self.read_body(&mut request, &mut read)?;
        Ok(Next::Step)
    }

    fn read_body(&mut self, request: &mut Request, read: &mut bool) -> Result<(), Fault> {
        if !std::mem::replace(read, true) {
            self.reader.body(request.framing, &mut request.body)?;
            self.shared.change(|state| {
                state.seen.connections[self.number].requests += 1;
                state.seen.requests.push(request.clone());
            });
        }
        Ok(())
    }

    fn take_step(&mut self, step: &Step, request: &Request) -> Result<Next, Fault> {
        match step {
            Step::ReadBody => {}
            Step::Echo => self.send(&echo(request))?,
            Step::Send(bytes) => self.send(bytes)?,
            Step::Trickle(bytes, pause) => {
                for byte in bytes {
                    self.send(std::slice::from_ref(byte))?;
                    self.shared.wait(*pause, |state| state.stopped);
                }
            }
            Step::Hold(name) => {
                self.shared.wait(WAIT_MAX, |state| state.stopped || state.released.contains(name));
            }
            Step::Hang => {
                let (_, fault) = self.reader.rest();
                return Err(fault);
            }
            Step::Close => return Ok(Next::End),
            Step::Reset => {
                // The close that follows sends RST.
                SockRef::from(self.stream).set_linger(Some(Duration::ZERO)).map_err(|_| Fault::Reset)?;
                return Err(Fault::Reset);
            }
        }
        Ok(Next::Step)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut stream = self.stream;
        stream.write_all(bytes).map_err(|_| Fault::Reset)
    }
}

fn echo(request: &Request) -> Vec<u8> {
    let nonce = request.fields.only("x-nonce").unwrap_or_default();
    let body = if request.method == "HEAD" { "" } else { nonce };
    answer(200, &[&format!("X-Nonce: {nonce}")], body)
}

/// Reads and records.
struct Recorded<'s> {
    stream: &'s TcpStream,
    shared: &'s Shared,
    number: usize,
}

impl Read for Recorded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = self.stream;
        let n = stream.read(buffer)?;
        self.shared.change(|state| state.seen.connections[self.number].raw.extend_from_slice(&buffer[..n]));
        Ok(n)
    }
}
