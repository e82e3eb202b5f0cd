//! Two proxies, two gateways and a log-in: five processes of the real binary over one session store.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use url::Url;

use super::probe::{Probe, exchange};
use crate::browser::{self, Answer, Browser};
use crate::fault::Fault;
use crate::load::{self, ACCOUNT, PRODUCT};
use crate::origin;
use crate::program::{self, Program};
use crate::shop::random;

const IDP: &str = include_str!("idp.toml");
const PROXY: &str = include_str!("proxy.toml");
const GATEWAY: &str = include_str!("gateway.toml");
const USER: &str = "bench";
const LOG_ON: &str = "the log-on";

/// The cluster, running.
pub(super) struct Cluster {
    proxies: [SocketAddr; 2],
    gateways: [SocketAddr; 2],
    admin: SocketAddr,
    admin_token: String,
    idp: SocketAddr,
    user: String,
    password: String,
    /// Browsers so far. Each has an address of its own.
    browsers: usize,
    _programs: Vec<Program>,
}

/// A visitor who is logged on through the first proxy.
pub(super) struct Visitor {
    browser: Browser,
    cookies: String,
    jpt: String,
}

impl Cluster {
    /// Starts all of it in an empty folder. `place` is the URL of the store.
    pub(super) fn start(
        binary: &Path,
        folder: &Path,
        origin: SocketAddr,
        place: &str,
    ) -> Result<Self, Fault> {
        let [
            web_a,
            web_b,
            gateway_a,
            gateway_b,
            inside,
            idp,
            admin,
            idp_ready,
            ready_a,
            ready_b,
            ready_c,
            ready_d,
        ] = program::free_addresses();
        let password = random();
        for (name, text) in [("node.secret", random() + &random()), ("password", password.clone())] {
            program::write(&folder.join(name), &text)?;
        }
        let fixed = [
            ("{folder}", folder.display().to_string()),
            ("{site}", format!("http://localhost:{}", web_a.port())),
            ("{issuer}", format!("http://localhost:{}", idp.port())),
            ("{idp}", idp.to_string()),
            ("{inside}", inside.to_string()),
            ("{admin}", admin.to_string()),
            ("{origin}", format!("http://{origin}")),
            ("{store}", place.to_owned()),
        ];
        let start = |name: &'static str, text: &str, bind: SocketAddr, ready: SocketAddr| {
            let own =
                [("{name}", name.to_owned()), ("{bind}", bind.to_string()), ("{ready}", ready.to_string())];
            let values = fixed.iter().chain(&own);
            let text = values.fold(text.to_owned(), |text, (key, value)| text.replace(key, value));
            let file = folder.join(format!("{name}.toml"));
            program::write(&file, &text)?;
            let mut command = program::pinned(None, binary);
            command.arg("serve").arg("--config").arg(file);
            let said = folder.join(format!("{name}.out"));
            Program::start(name, command, &format!("http://{ready}/readyz"), &said)
        };
        let mut programs = vec![start("idp", IDP, idp, idp_ready)?];
        add_user(binary, folder)?;
        programs.push(start("proxy-a", PROXY, web_a, ready_a)?);
        programs.push(start("proxy-b", PROXY, web_b, ready_b)?);
        programs.push(start("gateway-a", GATEWAY, gateway_a, ready_c)?);
        programs.push(start("gateway-b", GATEWAY, gateway_b, ready_d)?);
        let admin_token = std::fs::read_to_string(folder.join("idp/admin.token"));
        let admin_token = admin_token.map_err(Fault::at("reading the admin token"))?.trim().to_owned();
        let mut cluster = Self {
            proxies: [web_a, web_b],
            gateways: [gateway_a, gateway_b],
            admin,
            admin_token,
            idp,
            user: String::new(),
            password,
            browsers: 0,
            _programs: programs,
        };
        cluster.user = cluster.find_user()?;
        Ok(cluster)
    }

    /// Logs the user on in a new browser.
    pub(super) fn log_on(&mut self) -> Result<Visitor, Fault> {
        let failed = |error: std::io::Error| Fault::Step(LOG_ON, error.to_string());
        let ended_at = |answer: &Answer| Fault::Step(LOG_ON, answer.place());
        let (mut browser, form) = self.login_form()?;
        let fields = form.filled(&[("username", USER), ("password", &self.password)]);
        browser.post(&form.action, "", &fields).map_err(failed)?;
        let told = browser.get(&self.told()).map_err(failed)?;
        let jpt = browser::values(&told.body, "x-context-token").next().map(str::to_owned);
        let cookies = ["__Host-vst", "__Host-vst-keep"]
            .map(|name| Some(format!("; {name}={}", browser.cookie(&told.url, name)?)));
        match (jpt, cookies) {
            (Some(jpt), [Some(session), Some(keep)]) => {
                Ok(Visitor { browser, cookies: session + &keep, jpt })
            }
            _ => Err(ended_at(&told)),
        }
    }

    /// Logs the user on in one browser more. Acknowledged by the log-in when this returns.
    pub(super) fn log_on_elsewhere(&mut self) -> Result<(), Fault> {
        let (mut browser, form) = self.login_form()?;
        let fields = form.filled(&[("username", USER), ("password", &self.password)]);
        let answer = browser.submit(&form.action, &fields);
        let answer = answer.map_err(|error| Fault::Step(LOG_ON, error.to_string()))?;
        if answer.status == 303 { Ok(()) } else { Err(Fault::Step(LOG_ON, answer.place())) }
    }

    /// A new browser, sent to the form of the log-in.
    fn login_form(&mut self) -> Result<(Browser, Form), Fault> {
        // One address may not begin so many log-ins in a minute.
        let [.., high, low] = self.browsers.to_be_bytes();
        self.browsers += 1;
        let mut browser = Browser::from_address(&format!("10.0.{high}.{low}"));
        let page = browser.get(&self.told()).map_err(|error| Fault::Step(LOG_ON, error.to_string()))?;
        let form = Form::of(&page).ok_or_else(|| Fault::Step(LOG_ON, page.place()))?;
        Ok((browser, form))
    }

    /// Chooses another password, with the form of the log-in. Acknowledged when this returns.
    pub(super) fn change_password(&mut self, visitor: &mut Visitor) -> Result<(), Fault> {
        const STEP: &str = "the change of a password";
        let failed = |error: std::io::Error| Fault::Step(STEP, error.to_string());
        let page = format!("http://localhost:{}/password", self.idp.port());
        let page = visitor.browser.get(&page).map_err(failed)?;
        let form = Form::of(&page).ok_or_else(|| Fault::Step(STEP, page.place()))?;
        let new = random();
        let fields = form.filled(&[
            ("username", USER),
            ("password", &self.password),
            ("new_password", &new),
            ("repeat_password", &new),
        ]);
        let answer = visitor.browser.submit(&form.action, &fields).map_err(failed)?;
        if answer.status != 200 {
            return Err(Fault::Step(STEP, answer.place()));
        }
        self.password = new;
        Ok(())
    }

    /// What asks each node for this visitor: the two proxies, then the two gateways.
    pub(super) fn probes(&self, visitor: &Visitor) -> [Probe; 4] {
        let close = "Connection: close\r\n";
        let host = format!("localhost:{}", self.proxies[0].port());
        let page = load::request(&host, ACCOUNT, &visitor.cookies, close);
        let bearer = format!("Authorization: Bearer {}\r\n{close}", visitor.jpt);
        let call = load::request("localhost", PRODUCT, "", &bearer);
        // A page for those who are logged on sends others to the log-in.
        let proxy =
            |name, at: usize| Probe { name, address: self.proxies[at], request: page.clone(), refused: 303 };
        let gateway =
            |name, at: usize| Probe { name, address: self.gateways[at], request: call.clone(), refused: 401 };
        [proxy("proxy a", 0), proxy("proxy b", 1), gateway("gateway a", 0), gateway("gateway b", 1)]
    }

    /// Logs the visitor out at the first proxy. Acknowledged when this returns.
    pub(super) fn log_out(&self, visitor: &mut Visitor, scope: &'static str) -> Result<(), Fault> {
        const STEP: &str = "the log-out";
        let url = parse(&format!("{}/.vestibule/logout", self.site()))?;
        let answer = visitor.browser.submit(&url, &[("scope", scope)]);
        let answer = answer.map_err(|error| Fault::Step(STEP, error.to_string()))?;
        if answer.status == 303 { Ok(()) } else { Err(Fault::Step(STEP, answer.place())) }
    }

    /// Keeps the user out, ends what the user has, or lets the user in again. Acknowledged when this returns.
    pub(super) fn order(&self, order: &'static str) -> Result<(), Fault> {
        self.administer("POST", &format!("/admin/users/{}/{order}", self.user)).map(drop)
    }

    fn find_user(&self) -> Result<String, Fault> {
        let body = self.administer("GET", &format!("/admin/users/by-login/{USER}"))?;
        let user = serde_json::from_str::<serde_json::Value>(&body).ok();
        let id = user.and_then(|user| user.get("id")?.as_str().map(str::to_owned));
        id.ok_or_else(|| Fault::Step("finding the user", "the answer names none".to_owned()))
    }

    fn administer(&self, method: &'static str, path: &str) -> Result<String, Fault> {
        const STEP: &str = "administration";
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
            self.admin, self.admin_token
        );
        let answer = exchange(self.admin, &request);
        let (status, text) = answer.map_err(|error| Fault::Step(STEP, error.to_string()))?;
        let (_, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        if status < 300 {
            Ok(body.to_owned())
        } else {
            Err(Fault::Step(STEP, format!("{path} answered {status}")))
        }
    }

    /// A page that shows what its app was told.
    fn told(&self) -> String {
        format!("{}{}", self.site(), origin::TOLD)
    }

    fn site(&self) -> String {
        format!("http://localhost:{}", self.proxies[0].port())
    }
}

/// A form of the log-in.
struct Form {
    action: Url,
    csrf: String,
}

impl Form {
    fn of(page: &Answer) -> Option<Self> {
        let action = page.url.join(&browser::attribute(&page.body, "<form", "action")?).ok()?;
        Some(Self { action, csrf: browser::attribute(&page.body, "name=\"csrf\"", "value")? })
    }

    fn filled<'f>(&'f self, fields: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
        [&[("csrf", self.csrf.as_str())], fields].concat()
    }
}

fn add_user(binary: &Path, folder: &Path) -> Result<(), Fault> {
    let mut command = Command::new(binary);
    command.arg("user").arg("--config").arg(folder.join("idp.toml")).args(["add", USER]);
    command.arg("--password-file").arg(folder.join("password"));
    let output = command.output().map_err(Fault::at("running `vestibule user add`"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Fault::Step("`vestibule user add`", String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn parse(url: &str) -> Result<Url, Fault> {
    Url::parse(url).map_err(|error| Fault::Step("an address", error.to_string()))
}
