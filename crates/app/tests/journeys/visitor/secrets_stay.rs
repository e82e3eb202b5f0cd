//! A canary: what was secret on a whole journey is looked for wherever it must not be.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::strict::latin1;

use super::browser::Ask;
use super::client::{Mobile, token};
use super::form::Form;
use super::house::{ALICE, House, LOGIN, OUTLET, PASSWORD, SHOP, TILL_SECRET, eventually};
use super::split::{At, SECRET, Split};

/// Secrets of one journey, with names.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn add(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= 16, "{name} is no canary: {secret}");
        self.0.push((name.to_owned(), secret.to_owned()));
    }

    /// A signed token, and the two parts of it that no other has.
    fn add_signed(&mut self, name: &str, token: &str) {
        self.add(name, token);
        for part in token.split('.').skip(1) {
            self.add(&format!("part of the {name}"), part);
        }
    }

    /// Asserts that a place holds none of them, neither as text nor as the bytes it stands for.
    #[track_caller]
    fn are_not_in(&self, place: &str, bytes: &[u8], but: &[&str]) {
        let text = latin1(bytes);
        for (name, secret) in self.0.iter().filter(|(name, _)| !but.contains(&name.as_str())) {
            assert!(!text.contains(secret.as_str()), "{name} is in {place}");
            if let Ok(raw) = URL_SAFE_NO_PAD.decode(secret) {
                assert!(!text.contains(&latin1(&raw)), "the bytes of {name} are in {place}");
            }
        }
    }
}

#[test]
fn nothing_secret_is_in_logs_metrics_error_pages_files_or_apps() {
    let mut house = House::open();
    let mut secrets = Secrets::default();
    let errors = journey(&house, &mut secrets);

    secrets.are_not_in("the metrics", house.metrics().as_bytes(), &[]);
    secrets.are_not_in("the error pages", errors.as_bytes(), &[]);
    secrets.are_not_in("what apps were sent", &house.app.raw(), &["JPT"]);
    // The last access lines are written when the process ends.
    house.stop();
    let log = fs::read(house.access_log()).expect("the access log");
    assert!(latin1(&log).contains("/.vestibule/callback"), "it logs paths");
    secrets.are_not_in("the access log", &log, &[]);
    for file in fs::read_dir(house.data_dir()).expect("the data directory").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if file.path().is_file() && name != "till.secret" {
            secrets.are_not_in(&name, &fs::read(file.path()).expect("a file"), &[]);
        }
    }
}

/// Every secret is shown at every door of both processes, mostly at wrong ones, while these say all that they have to say.
#[test]
fn nothing_secret_is_in_what_processes_say_and_keep_whatever_is_shown_where() {
    let split = Split::start();
    let mut secrets = Secrets::default();
    secrets.add("password", PASSWORD);
    secrets.add("role client's secret", SECRET);
    secrets.add("admin token", &split.admin_token());
    let mut held = split.log_on(PASSWORD);
    held.lives(&split);
    let echo = split.app.new_path("/echo");
    assert_eq!(split.call(At::GatewayInside, &echo, &held.jpt).status, 200);
    let bearer = split.app.told(&echo).0.only("authorization").map(str::to_owned).expect("a JWT");
    secrets.add_signed("JWT", bearer.trim_start_matches("Bearer "));
    secrets.add_signed("JPT", &held.jpt);
    secrets.add_signed("ID token", held.token("id_token"));
    secrets.add("access token", held.token("access_token"));
    secrets.add("refresh token", held.token("refresh_token"));
    for host in [SHOP, LOGIN] {
        for (name, value) in held.tab.browser.cookies(host).iter().filter(|(name, _)| name != "__Host-vst-at")
        {
            secrets
                .add(&format!("secret of {name}"), value.split('.').next_back().expect("a text has an end"));
        }
    }

    let shown: Vec<_> = secrets.0.iter().map(|(_, secret)| secret.clone()).collect();
    let mut refusals = Vec::new();
    for secret in &shown {
        refusals.extend(show(&split, secret));
    }
    assert!(refusals.len() > 10 * shown.len(), "{} refusals", refusals.len());
    let last = split.app.new_path("/whoami/last");
    held.tab.open(&split.shop(&last)).is(200);
    split.call(At::LoginMetrics, "/last", "x");

    secrets.are_not_in("the refusals", refusals.join("\n").as_bytes(), &[]);
    for metrics in [At::LoginMetrics, At::NodeMetrics] {
        let said = split.call(metrics, "/metrics", "x");
        assert_eq!(said.status, 200);
        secrets.are_not_in("the metrics", &said.body, &[]);
    }
    eventually(PATIENCE, "the last lines of both logs", || {
        let said = latin1(&split.said());
        said.contains(&last) && said.contains("/last\"")
    });
    secrets.are_not_in("what the processes say", &split.said(), &[]);
    let files = split.files();
    assert!(files.len() > 1, "not even both databases are there");
    for (name, bytes) in files {
        secrets.are_not_in(&name, &bytes, &[]);
    }
}

/// Shows a secret wherever one can be shown. Gives the bodies of all refusals.
fn show(split: &Split, secret: &str) -> Vec<String> {
    let bearer = format!("Authorization: Bearer {secret}");
    let basic = |id: &str, secret: &str| {
        format!("Authorization: Basic {}", STANDARD.encode(format!("{id}:{secret}")))
    };
    let (wrong, right, app) = (basic("node", secret), basic("node", SECRET), basic("mobile-app", secret));
    let admin = format!("Authorization: Bearer {}", split.admin_token());
    let cookie = format!("Cookie: __Host-vst={secret}; __Host-vst-idp={secret}");
    let [form, json] =
        ["application/x-www-form-urlencoded", "application/json"].map(|kind| format!("Content-Type: {kind}"));
    let in_query = format!("/echo?access_token={secret}");
    let callback = format!("/.vestibule/callback?code={secret}&state={secret}");
    let to = format!("/.vestibule/login?to=//{secret}");
    let authorize = format!("/authorize?client_id={secret}&state={secret}&redirect_uri={secret}");
    let refresh = format!("grant_type=refresh_token&client_id=nobody&refresh_token={secret}");
    let code =
        format!("grant_type=authorization_code&client_id=mobile-app&code={secret}&code_verifier={secret}");
    let credentials =
        format!("grant_type={secret}&scope={secret}&client_id=mobile-app&client_secret={secret}");
    let log_in = format!("username={secret}&password={secret}&csrf={secret}");
    let user = format!(r#"{{"login":"{secret}","password":"{secret}","{secret}":1}}"#);
    let swap = format!(r#"{{"inside":"{secret}x"}}"#);
    let asked: [(At, &str, &str, &[&str], &str); 18] = [
        (At::Gateway, "GET", "/echo", &[&bearer], ""),
        (At::Gateway, "GET", &in_query, &[], ""),
        (At::Gateway, "GET", "/echo", &[&bearer, &bearer], ""),
        (At::GatewayInside, "GET", "/echo", &[&bearer], ""),
        (At::Shop, "GET", "/account", &[&cookie], ""),
        (At::Shop, "GET", &callback, &[&cookie], ""),
        (At::Shop, "GET", &to, &[&cookie], ""),
        (At::Login, "GET", &authorize, &[&cookie], ""),
        (At::Login, "POST", "/token", &[&form], &refresh),
        (At::Login, "POST", "/token", &[&form], &code),
        (At::Login, "POST", "/token", &[&form], &credentials),
        (At::Login, "POST", "/token", &[&form, &app], &refresh),
        (At::Login, "POST", "/login", &[&form, &cookie], &log_in),
        (At::Login, "POST", "/password", &[&form, &cookie], &log_in),
        (At::Admin, "GET", "/admin/users", &[&bearer], ""),
        (At::Admin, "POST", "/admin/users", &[&admin, &json], &user),
        (At::LoginInside, "POST", "/inside/swap", &[&wrong, &json], &swap),
        (At::LoginInside, "POST", "/inside/swap", &[&right, &json], &swap),
    ];
    let refusals = asked.into_iter().filter_map(|(at, method, target, fields, body)| {
        let host = match at {
            At::Shop => format!("Host: {}", split.shop("").trim_start_matches("http://")),
            At::Login => format!("Host: {}", split.login("").trim_start_matches("http://")),
            _ => "Host: localhost".to_owned(),
        };
        let fields = [&[host.as_str()], fields].concat();
        let response = split.begin(at, method, target, &fields, body).response_to(method);
        // A secret may be right where it is shown.
        (response.status >= 400).then(|| format!("{:?} {}", response.fields, response.text()))
    });
    refusals.collect()
}

/// A visitor logs on at two sites, an app and a till get tokens, and much goes wrong. Gives the bodies of all refusals.
#[track_caller]
fn journey(house: &House, secrets: &mut Secrets) -> String {
    secrets.add("password", PASSWORD);
    secrets.add("client secret", TILL_SECRET);
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["x"]}"#).is(200);
    cookies(&tab, secrets, "before");
    let asked = tab.open(&house.shop("/account"));
    let form = tab.follow(asked).is(200);
    cookies(&tab, secrets, "meanwhile");
    let answered = Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    secrets.add("code", &answered.parameter("code").expect("a code"));
    let callback = answered.location().to_string();
    tab.follow(answered).is(200);
    let asked = tab.open(&house.outlet("/account"));
    tab.follow(asked).is(200);
    cookies(&tab, secrets, "after");
    secrets.add("JPT", house.whoami(&mut tab).context("token").expect("a JPT"));
    let mobile = Mobile::new(house);
    let code = mobile.code("openid offline_access orders:read");
    secrets.add("code of the app", &code);
    let tokens = mobile.redeem(&code).is(200);
    for name in ["access_token", "refresh_token", "id_token"] {
        secrets.add(name, &tokens.text(name));
    }
    let till = token(house, &[("grant_type", "client_credentials")], Some(("till", TILL_SECRET))).is(200);
    secrets.add("access token of the till", &till.text("access_token"));

    let mut stranger = house.browser().tab();
    let asked = stranger.open(&house.shop("/account"));
    let unproved = stranger.follow(asked).is(200);
    let broken = house.app.playing("/whoami", vec![vestibule_testkit::upstream::Step::Close]);
    let evil = "http://evil.example:80/";
    let refusals = [
        tab.open(&callback),
        mobile.redeem(&code),
        tab.open(&house.shop(&broken)),
        tab.open(&house.shop("/.vestibule/nothing")),
        tab.send(Ask::form(&house.shop("/basket"), evil, &[("item", "1")])),
        tab.send(Ask::form(&house.shop("/.vestibule/logout"), &house.shop("/"), &[("scope", "nowhere")])),
        Form::of(&unproved).submit(&mut stranger, &[("username", ALICE), ("password", "wrong wrong wrong")]),
        token(house, &[("grant_type", "client_credentials"), ("scope", "x")], Some(("till", TILL_SECRET))),
        tab.open(&house.login("/authorize?client_id=nobody")),
        tab.open(&house.login("/nothing")),
    ];
    let errors: Vec<_> = refusals
        .into_iter()
        .map(|reply| {
            assert!(reply.status >= 400, "{reply:?}");
            reply.body
        })
        .collect();
    errors.join("\n")
}

/// The secret halves of the cookies of all hosts; a handle may be shown.
#[track_caller]
fn cookies(tab: &super::browser::Tab, secrets: &mut Secrets, when: &str) {
    for host in [SHOP, OUTLET, LOGIN] {
        for (name, value) in tab.browser.cookies(host).iter().filter(|(name, _)| name != "__Host-vst-at") {
            let parts: Vec<_> = value.split('.').collect();
            let skipped = usize::from(matches!(name.as_str(), "__Host-vst" | "__Host-vst-keep"));
            for part in &parts[skipped..] {
                secrets.add(&format!("{name} of {host} {when}"), part);
            }
        }
    }
}
