//! "Why was I logged out?", answered from records and tombstones.

use std::time::Duration;

use serde_json::{Value, json};
use vestibule_domain::audit::Cause;
use vestibule_domain::claims::Claims;
use vestibule_domain::identity::{AppId, Handle, SessionSecret, SignOnId, SiteId, UserId, VisitorId};
use vestibule_domain::key::Secrets;
use vestibule_domain::limits::Limits;
use vestibule_domain::patch_refused::PatchRefused;
use vestibule_domain::rise::{self, Fresh, Proof, Risen};
use vestibule_domain::session::Session;
use vestibule_oauth::token::GrantToken;
use vestibule_ports::clock::Clock as _;
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::{Record, SessionStore as _, Tombstone};

use crate::rig::{NOW, Rig};

const HANDLE: Handle = Handle::from_bytes([7; 16]);

/// Alice, logged on at `NOW`.
fn session() -> Session {
    let proof = Proof {
        user: UserId::parse("alice").unwrap(),
        grant: GrantToken::parse("the-grant").unwrap(),
        auth_time: NOW,
        level: 1,
        ends_at: NOW + Limits::default().log_on,
        sign_on: SignOnId::parse("sign-on").unwrap(),
        claims: Claims::parse(r#"{"email":"alice@shop.example"}"#).unwrap(),
        asked: false,
        footing: None,
    };
    let digest = SessionSecret::from_bytes([2; 16]).digest();
    let fresh =
        Fresh { visitor: VisitorId::from_bytes([3; 16]), secrets: Secrets { vst: digest, keep: digest } };
    let site = SiteId::parse("shop").unwrap();
    match rise::log_on(None, site, proof, fresh, NOW, &Limits::default()) {
        Ok(Risen::New { session, .. }) => session,
        other => panic!("nobody was logged on before: {other:?}"),
    }
}

async fn keep(rig: &Rig, session: &Session) {
    let record = Record {
        body: session.encode().into(),
        user: Some("alice".to_owned()),
        expires_at: session.expires_at(&Limits::default()),
    };
    rig.store.create(HANDLE, record).await.unwrap();
}

async fn audit(rig: &Rig) -> Value {
    let answer = rig.get(&format!("/admin/sessions/{HANDLE}/audit")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn event(at: &str, what: &str) -> Value {
    json!({"at": at, "what": what})
}

fn logged_on() -> [Value; 2] {
    [
        event("2027-01-15T08:00:00Z", "The session began."),
        event("2027-01-15T08:00:00Z", "User alice logged on, level 1."),
    ]
}

#[tokio::test]
async fn a_log_on_that_stands() {
    let rig = Rig::new();
    keep(&rig, &session()).await;
    rig.clock.advance(Duration::from_mins(20));
    rig.store.touch(&[(HANDLE, rig.clock.wall())]).await.unwrap();
    rig.clock.advance(Duration::from_mins(20));
    assert_eq!(
        audit(&rig).await,
        json!({
            "handle": HANDLE.to_string(),
            "standing": "logged-on",
            "site": "shop",
            "user": "alice",
            "log_on": {
                "authenticated_at": "2027-01-15T08:00:00Z", "level": 1, "ends_at": "2027-01-15T12:00:00Z"
            },
            "last_seen": "2027-01-15T08:20:00Z",
            "logged_out": null,
            "events": logged_on(),
            "kept_until": "2027-04-15T08:00:00Z",
        })
    );
}

#[tokio::test]
async fn an_idle_limit_that_nobody_wrote_down() {
    let rig = Rig::new();
    keep(&rig, &session()).await;
    rig.clock.advance(Duration::from_mins(31));
    let audit = audit(&rig).await;
    assert_eq!(audit["standing"], "returning");
    assert_eq!((&audit["user"], &audit["log_on"]), (&json!("alice"), &json!(null)));
    let why = "Nobody used this browser for longer than the idle limit.";
    assert_eq!(audit["logged_out"], json!({"at": "2027-01-15T08:30:00Z", "why": why}));
    assert_eq!(audit["events"][2], event("2027-01-15T08:30:00Z", &format!("The log-on ended. {why}")));
}

#[tokio::test]
async fn a_session_whose_time_is_over_tells_both_ends() {
    let rig = Rig::new();
    keep(&rig, &session()).await;
    rig.clock.advance(Duration::from_hours(8 * 24));
    let audit = audit(&rig).await;
    assert_eq!(audit["standing"], "anonymous");
    assert_eq!(audit["user"], "alice");
    let why = "This browser did not come back within the time for which visitors are remembered.";
    assert_eq!(audit["logged_out"], json!({"at": "2027-01-22T08:00:00Z", "why": why}));
    let ends: Vec<_> = audit["events"].as_array().unwrap()[2..].iter().map(|event| &event["at"]).collect();
    assert_eq!(ends, ["2027-01-15T08:30:00Z", "2027-01-22T08:00:00Z"]);
}

#[tokio::test]
async fn refused_patches_are_told() {
    let rig = Rig::new();
    let session = session().with_refusal(AppId::parse("shop").unwrap(), PatchRefused::Malformed, NOW);
    keep(&rig, &session).await;
    let what = "A patch of app shop was refused: malformed.";
    assert_eq!(audit(&rig).await["events"][2], event("2027-01-15T08:00:00Z", what));
}

#[tokio::test]
async fn a_tombstone_tells_the_cause() {
    for cause in [Cause::LogOut, Cause::PasswordChanged, Cause::UserDisabled, Cause::TooMany, Cause::Revoked]
    {
        let rig = Rig::new();
        keep(&rig, &session()).await;
        rig.clock.advance(Duration::from_mins(1));
        let tombstone = rise::end(&session(), cause, rig.clock.wall());
        let kept = Tombstone {
            body: tombstone.encode().into(),
            expires_at: tombstone.expires_at(&Limits::default()),
        };
        rig.store.end(HANDLE, None, kept, rig.clock.wall()).await.unwrap();
        assert_eq!(
            audit(&rig).await,
            json!({
                "handle": HANDLE.to_string(),
                "standing": "anonymous",
                "site": null,
                "user": "alice",
                "log_on": null,
                "last_seen": null,
                "logged_out": {"at": "2027-01-15T08:01:00Z", "why": cause.sentence()},
                "events": [
                    logged_on()[0],
                    logged_on()[1],
                    event("2027-01-15T08:01:00Z", &format!("The session ended. {}", cause.sentence())),
                ],
                "kept_until": "2027-02-14T08:01:00Z",
            })
        );
    }
}

#[tokio::test]
async fn no_secret_is_shown() {
    let rig = Rig::new();
    keep(&rig, &session()).await;
    let told = audit(&rig).await.to_string();
    for secret in ["the-grant", "sign-on", "shop.example"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test]
async fn no_such_session() {
    let rig = Rig::new();
    let other = Handle::from_bytes([8; 16]).to_string();
    for handle in [&other, "x", "%ff", "AAAAAAAAAAAAAAAAAAAAAB"] {
        let answer = rig.get(&format!("/admin/sessions/{handle}/audit")).await;
        let detail = "No such session: it was never here, or even its end has been forgotten.";
        assert_eq!(answer.refusal(), (404, detail.to_owned()), "{handle}");
    }
    keep(&rig, &session()).await;
    rig.clock.advance(Duration::from_hours(91 * 24));
    assert_eq!(rig.get(&format!("/admin/sessions/{HANDLE}/audit")).await.status, 404);
}

#[tokio::test]
async fn an_outage_is_not_an_absence() {
    let rig = Rig::new();
    rig.store.set_fault(Fault::Unreachable);
    let answer = rig.get(&format!("/admin/sessions/{HANDLE}/audit")).await;
    assert_eq!(answer.refusal(), (503, "The session store cannot be asked just now.".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_damaged_record_is_said_to_be_one() {
    let rig = Rig::new();
    let record = Record { body: "no session".into(), user: None, expires_at: NOW + Duration::from_hours(1) };
    rig.store.create(HANDLE, record).await.unwrap();
    let answer = rig.get(&format!("/admin/sessions/{HANDLE}/audit")).await;
    assert_eq!(answer.refusal(), (500, "What is stored of this session cannot be read.".to_owned()));
}
