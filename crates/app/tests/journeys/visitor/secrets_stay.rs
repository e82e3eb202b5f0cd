//! A canary: what was secret on a whole journey is looked for wherever it must not be.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule_testkit::strict::latin1;

use super::browser::Ask;
use super::client::{Mobile, token};
use super::form::Form;
use super::house::{ALICE, House, LOGIN, OUTLET, PASSWORD, SHOP, TILL_SECRET};

/// Secrets of one journey, with names.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn add(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= 16, "{name} is no canary: {secret}");
        self.0.push((name.to_owned(), secret.to_owned()));
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

    let broken = house.app.playing("/whoami", vec![vestibule_testkit::upstream::Step::Close]);
    let evil = "http://evil.example:80/";
    let refusals = [
        tab.open(&callback),
        mobile.redeem(&code),
        tab.open(&house.shop(&broken)),
        tab.open(&house.shop("/.vestibule/nothing")),
        tab.send(Ask::form(&house.shop("/basket"), evil, &[("item", "1")])),
        tab.send(Ask::form(&house.shop("/.vestibule/logout"), &house.shop("/"), &[("scope", "nowhere")])),
        Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", "wrong wrong wrong")]),
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
