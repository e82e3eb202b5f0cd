//! The proxies that are compared: each started with a configuration of its own, one worker on one core, without an access
//! log, with kept connections to the upstream. Each ends with this program, however that ends.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::fault::Fault;
use crate::load;
use crate::stopwatch::Stopwatch;

/// A proxy may take this long to serve its first request.
const READY_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Where Debian has nginx, and the PATH of an ordinary user has nothing.
const SYSTEM_PROGRAMS: &str = "/usr/sbin";

/// A proxy that runs. It is killed when dropped.
pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Candidate {
    /// Starts nginx. It runs without its master process, so that there is one process to count and to end.
    pub(crate) fn nginx(folder: &Path, core: Option<usize>, origin: SocketAddr) -> Result<Self, Fault> {
        let address = free_address()?;
        let configuration = format!(
            "daemon off; master_process off; worker_processes 1; pid {0}/nginx.pid; error_log {0}/nginx.log error;\n\
             events {{ worker_connections 1024; }}\n\
             http {{\n access_log off; keepalive_timeout 75s; keepalive_requests 100000000;\n\
             client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;\n\
             uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;\n\
             upstream app {{ server {origin}; keepalive 64; keepalive_requests 100000000; }}\n\
             server {{ listen {address};\n location / {{\n proxy_pass http://app; proxy_http_version 1.1;\n\
             proxy_set_header Host $host; proxy_set_header Connection \"\";\n\
             }} }} }}\n",
            folder.display()
        );
        let file = folder.join("nginx.conf");
        write(&file, &configuration)?;
        let mut command = pinned(core, Path::new("nginx"));
        command.arg("-p").arg(folder).arg("-e").arg(folder.join("nginx.log")).arg("-c").arg(file);
        Self::start("nginx", command, address, &folder.join("nginx.out"))
    }

    /// Starts the real binary, as anybody would.
    pub(crate) fn vestibule(
        binary: &Path,
        folder: &Path,
        core: Option<usize>,
        origin: SocketAddr,
    ) -> Result<Self, Fault> {
        let address = free_address()?;
        let configuration = format!(
            "[[listener]]\nbind = \"{address}\"\nserves = [\"proxy\"]\n\n\
             [[route]]\nhost = \"{}\"\npath = \"/\"\napp = \"http://{origin}\"\n\n\
             [log]\naccess = \"off\"\n\n[runtime]\ncores = 1\n",
            load::HOST
        );
        let file = folder.join("vestibule.toml");
        write(&file, &configuration)?;
        let mut command = pinned(core, binary);
        command.arg("serve").arg("--config").arg(file);
        Self::start("vestibule", command, address, &folder.join("vestibule.out"))
    }

    /// The process to count.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn start(
        name: &'static str,
        mut command: Command,
        address: SocketAddr,
        said: &Path,
    ) -> Result<Self, Fault> {
        let fault = |error| Fault::Start(name, error);
        let output = File::create(said).map_err(fault)?;
        command.stdin(Stdio::null()).stdout(output.try_clone().map_err(fault)?).stderr(output);
        let child = command.spawn().map_err(fault)?;
        let mut candidate = Self { name, address, child };
        let watch = Stopwatch::start();
        while !serves(address) {
            let ended = candidate.child.try_wait().map_err(fault)?.is_some();
            if ended || watch.elapsed() > READY_WITHIN {
                return Err(Fault::NotReady(name, std::fs::read_to_string(said).unwrap_or_default()));
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
        Ok(candidate)
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program on one core. It dies with this program: `setpriv` sets that for the program it becomes.
fn pinned(core: Option<usize>, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env("PATH", [path.as_os_str(), OsStr::new(SYSTEM_PROGRAMS)].join(OsStr::new(":")));
    command.args(["--pdeathsig", "KILL", "--"]);
    if let Some(core) = core {
        command.args(["taskset", "--cpu-list", &core.to_string()]);
    }
    command.arg(program);
    command
}

/// Whether a request gets its answer.
fn serves(address: SocketAddr) -> bool {
    let ask = || -> io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(READY_WITHIN))?;
        stream.write_all(load::request().as_bytes())?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status == *b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

/// An address that is free now; the program that takes it does so at once.
fn free_address() -> Result<SocketAddr, Fault> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map_err(Fault::at("looking for a free port"))
}

fn write(file: &Path, text: &str) -> Result<(), Fault> {
    std::fs::write(file, text).map_err(Fault::at("writing a configuration"))
}
