//! Every kind of token at every door: only the one right cell passes, and each wall holds alone.

use vestibule_oauth::access_claims::AccessClaims;
use vestibule_oauth::id_claims::IdClaims;
use vestibule_oauth::jwk::KeySet;
use vestibule_oauth::jwt::{Registered, SKEW_SECONDS, Signed, Verifier};
use vestibule_oauth::token::{AccessToken, Code, GrantToken, IdToken, Jpt, Jwt, RefreshToken};

use crate::signer::Signer;

const NOW: u64 = 1_800_000_000;

/// One kind's key, issuer and audience. Equal walls between kinds are set by the tests.
struct Walls {
    signer: Signer,
    issuer: &'static str,
    audience: &'static str,
}

impl Walls {
    fn registered(&self) -> Registered {
        Registered::new(self.issuer, "u1", self.audience, NOW, NOW + 300)
    }

    fn access(&self) -> AccessClaims {
        AccessClaims::new(self.registered(), "j1", "site")
    }

    fn passes<T: Signed>(&self, text: &str) -> bool {
        let verifier =
            Verifier::<T>::new(self.issuer.to_owned(), self.audience.to_owned(), self.signer.keys());
        T::from_text(text).is_ok_and(|token| verifier.verify(&token, NOW, SKEW_SECONDS).is_ok())
    }
}

fn services() -> Walls {
    Walls { signer: Signer::new(1), issuer: "https://login.example/services", audience: "services" }
}

fn jpt() -> Walls {
    Walls { signer: Signer::new(2), issuer: "https://login.example/jpt", audience: "gateway" }
}

fn openid() -> Walls {
    Walls { signer: Signer::new(3), issuer: "https://login.example", audience: "partner" }
}

/// The texts of all kinds, in the order of the doors below, then those that no door takes.
fn texts(services: &Walls, jpt: &Walls, openid: &Walls) -> Vec<String> {
    let logout_header = r#"{"alg":"EdDSA","kid":"KID","typ":"logout+jwt"}"#;
    let untyped_header = r#"{"alg":"EdDSA","kid":"KID"}"#;
    let json = |claims: &AccessClaims| serde_json::to_vec(claims).expect("claims always serialise");
    let id_claims = serde_json::to_vec(&IdClaims::new(openid.registered())).expect("claims always serialise");
    vec![
        services.signer.sign::<Jwt>(&services.access()).expose().to_owned(),
        jpt.signer.sign::<Jpt>(&jpt.access()).expose().to_owned(),
        openid.signer.sign::<IdToken>(&IdClaims::new(openid.registered())).expose().to_owned(),
        openid.signer.forge(logout_header, &id_claims),
        openid.signer.forge(untyped_header, &id_claims),
        jpt.signer.forge(untyped_header, &json(&jpt.access())),
        services.signer.forge(untyped_header, &json(&services.access())),
        AccessToken::from_random(&[9; 32]).expose().to_owned(),
        RefreshToken::from_bytes(&[9; 48]).expose().to_owned(),
        Code::from_random(&[9; 32]).expose().to_owned(),
        GrantToken::from_random(&[9; 32]).expose().to_owned(),
    ]
}

fn assert_only_the_diagonal_passes(services: &Walls, jpt: &Walls, openid: &Walls) {
    for (row, text) in texts(services, jpt, openid).iter().enumerate() {
        let doors = [services.passes::<Jwt>(text), jpt.passes::<Jpt>(text), openid.passes::<IdToken>(text)];
        assert_eq!(doors, [row == 0, row == 1, row == 2], "row {row}");
    }
}

#[test]
fn only_the_right_door_opens() {
    assert_only_the_diagonal_passes(&services(), &jpt(), &openid());
}

/// As if all kinds shared keys, issuer and audience: `typ` alone still parts them.
#[test]
fn the_type_alone_is_a_wall() {
    let same = || Walls { signer: Signer::new(1), issuer: "https://login.example", audience: "all" };
    assert_only_the_diagonal_passes(&same(), &same(), &same());
}

/// As if somebody had given a JPT the type of a service token: keys, issuer and audience each still part them.
#[test]
fn every_other_wall_holds_alone() {
    let door = services();
    let forge = |signer: &Signer, registered: Registered| {
        signer.sign::<Jwt>(&AccessClaims::new(registered, "j1", "site")).expose().to_owned()
    };
    assert!(door.passes::<Jwt>(&forge(&door.signer, door.registered())));
    assert!(!door.passes::<Jwt>(&forge(&jpt().signer, door.registered())), "keys");
    let issuer = Registered { iss: jpt().issuer.to_owned(), ..door.registered() };
    assert!(!door.passes::<Jwt>(&forge(&door.signer, issuer)), "issuer");
    let audience = Registered { aud: jpt().registered().aud, ..door.registered() };
    assert!(!door.passes::<Jwt>(&forge(&door.signer, audience)), "audience");
}

/// During a rotation old and new keys verify; afterwards the old one does not.
#[test]
fn a_rotation_overlaps() {
    let walls = services();
    let next = Signer::new(4);
    let both = KeySet::of(vec![walls.signer.public_key(), next.public_key()]).unwrap();
    let verifier = |keys| Verifier::<Jwt>::new(walls.issuer.to_owned(), walls.audience.to_owned(), keys);
    let old_token = walls.signer.sign::<Jwt>(&walls.access());
    let new_token = next.sign::<Jwt>(&walls.access());
    for token in [&old_token, &new_token] {
        assert!(verifier(both.clone()).verify(token, NOW, SKEW_SECONDS).is_ok());
    }
    assert!(verifier(next.keys()).verify(&old_token, NOW, SKEW_SECONDS).is_err());
}
