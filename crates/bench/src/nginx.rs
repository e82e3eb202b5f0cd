//! nginx as a pass-through proxy: one worker on one core, no access log, kept connections to the upstream.

use std::net::SocketAddr;
use std::path::Path;

use crate::candidate::Candidate;
use crate::fault::Fault;
use crate::load;
use crate::program::{self, Program};

/// The host that its browsers ask for; it takes any.
const HOST: &str = "shop.example";

/// nginx, running.
pub(crate) struct Nginx {
    program: Program,
    address: SocketAddr,
}

impl Nginx {
    /// Starts nginx. It runs without its master process, so that there is one process to count and to end.
    pub(crate) fn start(folder: &Path, core: Option<usize>, origin: SocketAddr) -> Result<Self, Fault> {
        let [address] = program::free_addresses();
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
        program::write(&file, &configuration)?;
        let mut command = program::pinned(core, Path::new("nginx"));
        command.arg("-p").arg(folder).arg("-e").arg(folder.join("nginx.log")).arg("-c").arg(file);
        let ready = format!("http://{address}/");
        let program = Program::start("nginx", command, &ready, &folder.join("nginx.out"))?;
        Ok(Self { program, address })
    }

    /// Pass-through: what everything else is compared with.
    pub(crate) fn pass_through(&self) -> Candidate {
        let request = load::request(HOST, load::PRODUCT, "", "");
        Candidate { name: "nginx, pass-through", address: self.address, pid: self.program.pid(), request }
    }

    /// The program itself.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }
}
