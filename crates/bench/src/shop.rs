//! A whole Vestibule before one shop: the real binary with proxy, gateway, identity provider and administration, its
//! user and its tokens come by as anybody would: command line, log-in form, token endpoint.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use url::Url;

use crate::browser::{self, Answer, Browser};
use crate::candidate::Candidate;
use crate::fault::Fault;
use crate::load;
use crate::origin;
use crate::program::{self, Program};

const NAME: &str = "vestibule";
/// Everything but addresses and directories.
const FIXED: &str = include_str!("shop/settings.toml");
/// A host that belongs to no site: what comes for it is passed through.
const PLAIN_HOST: &str = "plain.example";
const USER: &str = "bench";
const TILL: &str = "till";

/// Who has come to log on so far. Where balancers are believed, each comes from another address: one may not begin many.
static COMERS: AtomicU32 = AtomicU32::new(0);

/// A Vestibule that runs.
pub(crate) struct Shop {
    program: Program,
    binary: PathBuf,
    folder: PathBuf,
    secrets: Secrets,
    pub(crate) web: SocketAddr,
    outside: SocketAddr,
    inside: SocketAddr,
    idp: SocketAddr,
}

/// Secrets of this run.
struct Secrets {
    password: String,
    till: String,
}

/// A visitor who is logged on: the cookies of the browser, and what the app holds.
pub(crate) struct LoggedOn {
    pub(crate) cookies: String,
    jpt: String,
}

/// Where visitors come in, for those who want to log on while something else goes on.
#[derive(Clone)]
pub(crate) struct Entrance {
    web: SocketAddr,
    password: String,
}

impl Shop {
    /// Starts Vestibule in an empty folder. `sessions` are lines of that part of its configuration.
    pub(crate) fn start(
        binary: &Path,
        folder: &Path,
        core: Option<usize>,
        origin: SocketAddr,
        sessions: &str,
    ) -> Result<Self, Fault> {
        let [web, outside, inside, idp, admin] = program::free_addresses();
        let secrets = Secrets { password: random(), till: random() };
        program::write(&folder.join("till.secret"), &secrets.till)?;
        program::write(&folder.join("password"), &secrets.password)?;
        let values = [
            ("{data_dir}", folder.join("data").display().to_string()),
            ("{web}", web.to_string()),
            ("{outside}", outside.to_string()),
            ("{inside}", inside.to_string()),
            ("{idp}", idp.to_string()),
            ("{admin}", admin.to_string()),
            ("{origin}", format!("http://{origin}")),
            ("{site}", format!("http://{}", localhost(web))),
            ("{issuer}", format!("http://{}", localhost(idp))),
        ];
        let settings = values.iter().fold(FIXED.to_owned(), |text, (name, value)| text.replace(name, value));
        program::write(&folder.join("vestibule.toml"), &format!("{settings}\n[sessions]\n{sessions}\n"))?;
        let mut command = program::pinned(core, binary);
        command.arg("serve").arg("--config").arg(folder.join("vestibule.toml"));
        let ready = format!("http://{admin}/readyz");
        let program = Program::start(NAME, command, &ready, &folder.join("vestibule.out"))?;
        let (binary, folder) = (binary.to_owned(), folder.to_owned());
        Ok(Self { program, binary, folder, secrets, web, outside, inside, idp })
    }

    /// All ways through it, with the cookies and tokens they need.
    pub(crate) fn ways(&self) -> Result<Vec<Candidate>, Fault> {
        self.add_user(USER)?;
        let LoggedOn { cookies, jpt } = self.entrance().log_on(USER)?;
        let till = self.till_token()?;
        let site = localhost(self.web);
        let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
        let way = |name, address, request| Candidate { name, address, pid: self.program.pid(), request };
        Ok(vec![
            way("pass-through", self.web, load::request(PLAIN_HOST, load::PRODUCT, "", "")),
            way("proxy, anonymous", self.web, load::request(&site, load::PRODUCT, "", "")),
            way("proxy, logged-on", self.web, load::request(&site, load::ACCOUNT, &cookies, "")),
            way(
                "gateway, access token",
                self.outside,
                load::request(&localhost(self.outside), load::PRODUCT, "", &bearer(&till)),
            ),
            way(
                "gateway, JPT",
                self.inside,
                load::request(&localhost(self.inside), load::PRODUCT, "", &bearer(&jpt)),
            ),
        ])
    }

    /// The program itself.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// Where visitors come in.
    pub(crate) fn entrance(&self) -> Entrance {
        Entrance { web: self.web, password: self.secrets.password.clone() }
    }

    /// Adds somebody who can log on.
    pub(crate) fn add_user(&self, user: &str) -> Result<(), Fault> {
        let mut command = Command::new(&self.binary);
        command.arg("user").arg("--config").arg(self.folder.join("vestibule.toml")).args(["add", user]);
        command.args(["--name", "Ben Channing", "--email", "ben@shop.example"]);
        command.arg("--password-file").arg(self.folder.join("password"));
        let output = command.output().map_err(Fault::at("running `vestibule user add`"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Fault::Step("`vestibule user add`", String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// RFC 6749 4.4: the till's access token for its own credentials.
    fn till_token(&self) -> Result<String, Fault> {
        const STEP: &str = "asking for the till's token";
        let url = Url::parse(&format!("http://{}/token", localhost(self.idp)));
        let url = url.map_err(|error| Fault::Step(STEP, error.to_string()))?;
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "products:read"),
            ("client_id", TILL),
            ("client_secret", &self.secrets.till),
        ];
        let answer = Browser::default().post(&url, "", &form);
        let answer = answer.map_err(|error| Fault::Step(STEP, error.to_string()))?;
        let token = serde_json::from_str::<serde_json::Value>(&answer.body).ok();
        let token = token.and_then(|token| token.get("access_token")?.as_str().map(str::to_owned));
        token.ok_or_else(|| Fault::Step(STEP, answer.place()))
    }
}

impl Entrance {
    /// Logs on through the proxy and the identity provider's form, and looks at what the app is told.
    pub(crate) fn log_on(&self, user: &str) -> Result<LoggedOn, Fault> {
        const STEP: &str = "the log-on";
        let failed = |error: io::Error| Fault::Step(STEP, error.to_string());
        let ended_at = |answer: &Answer| Fault::Step(STEP, answer.place());
        let [.., high, low] = COMERS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut browser = Browser::from_address(&format!("10.0.{high}.{low}"));
        let page = format!("http://{}{}", localhost(self.web), origin::TOLD);
        let form = browser.get(&page).map_err(failed)?;
        let action = browser::attribute(&form.body, "<form", "action");
        let action = action.and_then(|action| form.url.join(&action).ok());
        let csrf = browser::attribute(&form.body, "name=\"csrf\"", "value");
        let (Some(action), Some(csrf)) = (action, csrf) else { return Err(ended_at(&form)) };
        let fields = [("csrf", csrf.as_str()), ("username", user), ("password", &self.password)];
        browser.post(&action, "", &fields).map_err(failed)?;
        // The app has asked to remember something in its first answer; the second look shows it.
        let told = browser.get(&page).map_err(failed)?;
        let is_remembered =
            browser::values(&told.body, "x-context-attributes").any(|it| it.contains("basket_count"));
        let jpt = browser::values(&told.body, "x-context-token").next();
        match (jpt, session_cookies(&browser, &told.url)) {
            (Some(jpt), Some(cookies)) if is_remembered => Ok(LoggedOn { cookies, jpt: jpt.to_owned() }),
            _ => Err(ended_at(&told)),
        }
    }

    /// Comes as somebody new whose app has something remembered: the cookies of a returning visitor.
    pub(crate) fn return_later(&self) -> Result<String, Fault> {
        const STEP: &str = "becoming a returning visitor";
        let mut browser = Browser::default();
        let page = format!("http://{}{}", localhost(self.web), origin::FILLED);
        let answer = browser.get(&page).map_err(|error| Fault::Step(STEP, error.to_string()))?;
        session_cookies(&browser, &answer.url).ok_or_else(|| Fault::Step(STEP, answer.place()))
    }
}

/// The cookies of a session, as a request adds them to others.
fn session_cookies(browser: &Browser, url: &Url) -> Option<String> {
    let cookie = |name| Some(format!("; {name}={}", browser.cookie(url, name)?));
    Some(cookie("__Host-vst")? + &cookie("__Host-vst-keep")?)
}

/// The address as a browser names it.
pub(crate) fn localhost(address: SocketAddr) -> String {
    format!("localhost:{}", address.port())
}

/// 128 bits that nobody guesses while the run lasts.
pub(crate) fn random() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}
