//! What a thief of the database gets: no credential that opens anything.

use vestibule_oauth::token::{AccessToken, ClientSecret, Code, GrantToken};
use vestibule_registry::Caps;
use vestibule_registry::code::{Issue, NewCode, Redeemed};
use vestibule_registry::credential::{PasswordHash, SecretHash};
use vestibule_registry::family::NewFamily;
use vestibule_registry::grant::NewGrant;
use vestibule_registry::refresh::{Refreshed, Rotation};

use super::database::Place;
use super::fixture::*;

#[test]
fn no_credential_is_in_the_database_in_any_form() {
    let place = Place::new();
    let registry = furnish(place.open(Caps::default()));
    sign_on(&registry, "alice", "browser", START);
    let raw = |name: &str| digest(&format!("random bytes of {name}"));
    let (first, second) = (Code::from_random(&raw("first code")), Code::from_random(&raw("second code")));
    for (code, client) in [(&first, "shop"), (&second, "mobile-app")] {
        let new = NewCode {
            digest: &code.digest(),
            client,
            sign_on: &sign_on_id("browser"),
            redirect_uri: None,
            challenge: &digest("challenge").into(),
            nonce: None,
            scopes: &scopes("openid"),
            expires_at: START + MINUTE,
        };
        assert!(registry.issue_code(&new, START).unwrap());
    }
    let grant = GrantToken::from_random(&raw("grant"));
    let access = AccessToken::from_random(&raw("access"));
    let new_grant =
        NewGrant { digest: grant.digest(), name: "g".to_owned(), site: site(), ends_at: START + HOUR };
    registry.redeem_code(&first.digest(), &act(START), |_, _| Ok::<_, No>(Issue::Grant(new_grant))).unwrap();
    let Issue::Family(family) = new_family("f", true, START) else { panic!("it is one") };
    let family = NewFamily { refresh: Some(raw("refresh")), access: access.digest(), ..family };
    let redeemed = registry
        .redeem_code(&second.digest(), &act(START), |_, _| Ok::<_, No>(Issue::Family(family)))
        .unwrap();
    let Redeemed::Issued(redemption) = redeemed else { panic!("{redeemed:?}") };
    let refresh = redemption.refresh.unwrap();
    let refreshed = registry.refresh(&refresh, &act(START), |_, _, _| Rotation::<No>::Rotate {
        salt: raw("salt"),
        terms: terms(START),
        ends_at: START + HOUR,
    });
    let Ok(Refreshed::Renewed(renewal)) = refreshed else { panic!("{refreshed:?}") };
    let secret = ClientSecret::from_random(&digest("till"));

    let mut texts =
        [first.expose(), second.expose(), grant.expose(), access.expose(), refresh.expose()].to_vec();
    texts.extend([renewal.refresh.expose(), renewal.access.expose(), secret.expose()]);
    let bytes = ["first code", "second code", "grant", "access"].map(raw);
    let refresh_bytes = raw("refresh");
    let needles = texts.iter().map(|text| text.as_bytes()).chain(bytes.iter().map(<[u8; 32]>::as_slice));
    let needles: Vec<_> = needles.chain(refresh_bytes.chunks(16)).collect();
    let content = place.content();
    let holds = |needle: &[u8]| content.windows(needle.len()).any(|window| window == needle);
    assert_eq!(needles.iter().position(|needle| holds(needle)), None);
    // The hash of the grant is there: the search looked where credentials would be.
    assert!(holds(&grant.digest()), "searched {} bytes", content.len());
}

#[test]
fn what_holds_a_secret_prints_as_a_stub() {
    let hash = PasswordHash::new("$argon2id$secret");
    assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
    let secret = SecretHash::of(&ClientSecret::from_random(&[1; 32]));
    assert_eq!(format!("{secret:?}"), "SecretHash(..)");
}
