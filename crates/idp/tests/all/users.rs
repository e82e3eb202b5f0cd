//! Administration: users, and what their ends end.

use http::StatusCode;
use vestibule_domain::identity::UserId;
use vestibule_ports::authority::{Authority as _, AuthorityError, Password, Profile, ProfileChange};
use vestibule_ports::issuer::{Cause, End, Issuer as _, IssuerError, Refusal};
use vestibule_registry::audit::{Event, Subject};

use super::house::{Asked, House, PASSWORD, new_user};
use super::site::{log_on, logged_on};

#[tokio::test]
async fn names_are_unique_in_any_spelling_and_passwords_good_enough() {
    let house = House::new().await;
    let create = async |login: &str, password: &str| {
        house.idp.create_user(new_user(login, password), "test").await.map(drop)
    };
    for taken in ["alice", "ALICE", " alice "] {
        assert_eq!(create(taken, PASSWORD).await, Err(AuthorityError::Taken), "{taken}");
    }
    let long = "x".repeat(129);
    for (login, password) in [
        ("bob", "short"),
        ("bob", "password1"),
        ("bob.baker", "Bob.Baker"),
        ("bob", &long),
        ("", PASSWORD),
        ("b b", PASSWORD),
    ] {
        let refused = create(login, password).await;
        assert!(matches!(refused, Err(AuthorityError::Refused(_))), "{login} {refused:?}");
    }
    assert_eq!(create("bob", PASSWORD).await, Ok(()));
    let logins: Vec<String> =
        house.idp.users(None).await.unwrap().into_iter().map(|user| user.login).collect();
    assert_eq!(logins.len(), 2);
    assert!(logins.contains(&"bob".to_owned()) && logins.contains(&"alice".to_owned()));
    let found = house.idp.find_user("BOB").await.unwrap().unwrap();
    assert!(!found.disabled);
    assert_eq!(house.idp.find_user("nobody").await.unwrap(), None);
    assert_eq!(house.idp.find_user("not a name").await.unwrap(), None);
}

#[tokio::test]
async fn scopes_of_a_user_follow_the_grammar() {
    let house = House::new().await;
    let mut user = new_user("bob", PASSWORD);
    user.scopes = super::house::scopes(&["Orders:Read"]);
    let refused = house.idp.create_user(user, "test").await;
    assert!(matches!(refused, Err(AuthorityError::Refused(text)) if text.contains("Orders:Read")));
}

#[tokio::test]
async fn a_new_password_ends_everything_and_the_old_one_opens_nothing() {
    let house = House::new().await;
    let mut browser = house.browser();
    let log_on = log_on(&house, &mut browser, &Asked::shop()).await;
    house.idp.set_password(&house.alice, Password::new("an entirely new password"), "admin").await.unwrap();
    let dead = house.idp.mint(logged_on(&log_on.grant), None).await.unwrap_err();
    assert_eq!(dead, IssuerError::Refused(Refusal::Grant));
    let form = browser.open_form(&Asked::shop()).await;
    assert_eq!(browser.try_password(&form, "alice", PASSWORD).await.status, StatusCode::FORBIDDEN);
    let reply = browser.try_password(&form, "alice", "an entirely new password").await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_disabled_user_has_nothing_and_gets_nothing() {
    let house = House::new().await;
    let mut browser = house.browser();
    let log_on = log_on(&house, &mut browser, &Asked::shop()).await;
    house.idp.set_disabled(&house.alice, true, "admin").await.unwrap();
    assert!(house.idp.find_user("alice").await.unwrap().unwrap().disabled);
    let dead = house.idp.mint(logged_on(&log_on.grant), None).await.unwrap_err();
    assert_eq!(dead, IssuerError::Refused(Refusal::Grant));
    assert!(browser.get(&Asked::shop().url()).await.location().starts_with("/login?"));
}

#[tokio::test]
async fn a_change_of_the_profile_leaves_what_it_does_not_name() {
    let house = House::new().await;
    let text = |text: &str| Some(text.to_owned());
    let set = async |change: ProfileChange| {
        house.idp.set_profile(&house.alice, change, "admin").await.unwrap();
        house.idp.find_user("alice").await.unwrap().unwrap().profile
    };
    let roles = || vec!["buyer".to_owned(), "store manager".to_owned()];
    let change = ProfileChange { locale: text("de-AT"), roles: Some(roles()), ..ProfileChange::default() };
    let first = Profile { name: text("Alice Baker"), locale: text("de-AT"), email: None, roles: roles() };
    assert_eq!(set(change).await, first);
    let change = ProfileChange { email: text("a@example.com"), name: text(""), ..ProfileChange::default() };
    assert_eq!(set(change).await, Profile { email: text("a@example.com"), name: None, ..first.clone() });
    let change = ProfileChange { email: text(""), roles: Some(Vec::new()), ..ProfileChange::default() };
    assert_eq!(set(change).await, Profile { locale: text("de-AT"), ..Profile::default() });
    let trail = house.idp.trail(&house.alice, None).await.unwrap();
    let told: Vec<_> = trail.iter().map(|record| (record.by.as_str(), record.what)).collect();
    let changed = ("admin", "Name, locale, mail address or roles changed.");
    assert_eq!(told, [changed, changed, changed, ("test", "The user was created.")]);
    let older = house.idp.trail(&house.alice, Some(trail[2].id)).await.unwrap();
    assert_eq!(older, trail[3..]);
}

#[tokio::test]
async fn orders_about_nobody_are_not_found() {
    let house = House::new().await;
    let nobody = UserId::parse("nobody").unwrap();
    let missing = [
        house.idp.set_disabled(&nobody, true, "test").await,
        house.idp.set_disabled(&nobody, false, "test").await,
        house.idp.set_password(&nobody, Password::new("an entirely new password"), "test").await,
        house.idp.set_profile(&nobody, ProfileChange::default(), "test").await,
        house.idp.trail(&nobody, None).await.map(drop),
    ];
    assert_eq!(missing, [const { Err(AuthorityError::NotFound) }; 5]);
}

/// Who did what to whom is in the audit, and no secret is.
#[tokio::test]
async fn the_audit_tells_the_story_of_a_user() {
    let house = House::new().await;
    let mut browser = house.browser();
    log_on(&house, &mut browser, &Asked::shop()).await;
    house.idp.revoke(End::User { id: house.alice.clone(), by: None }, "root").await.unwrap();
    house.idp.end(End::User { id: house.alice.clone(), by: None }, Cause::LogOutEverywhere).await.unwrap();
    let records = house.registry.audit(Subject::User(&house.alice), None).unwrap();
    let told: Vec<_> = records.iter().rev().map(|record| (record.event, record.by.as_str())).collect();
    let alice = house.alice.as_str();
    assert_eq!(
        told,
        [
            (Event::UserCreated, "test"),
            (Event::LoggedIn, alice),
            (Event::GrantIssued, "shop"),
            (Event::UserEnded, "root"),
            (Event::UserEnded, "issuer"),
        ]
    );
    assert_eq!(records[3].from, Some(browser.peer));
    let text = format!("{records:?}");
    assert!(!text.contains(PASSWORD) && !text.contains(&browser.jar["__Host-vst-idp"]));
}
