//! A service with an ordinary JWT library, our `/jwks/services`, and no idea of `typ`: it takes our JWT and nothing else
//! that we sign, nor what somebody else signs in our name. The library reads the machine's time, so ours is put there.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use vestibule_oauth::token::Jpt;
use vestibule_ports::clock::{Clock as _, SystemClock};
use vestibule_ports::issuer::{Issuer as _, Presented};

use super::house::{Asked, House, ISSUER};
use super::site::{log_on, logged_on};

/// How much a service asks of a token beside its signature and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Care {
    /// Whose it is and for whom.
    Usual,
    /// Nothing.
    None,
}

/// A service with the keys it has fetched.
struct Service {
    keys: JwkSet,
}

impl Service {
    async fn of(house: &House) -> Self {
        let document = house.browser().get("/jwks/services").await.body;
        Self { keys: serde_json::from_str(&document).unwrap() }
    }

    /// What it reads in a token, by the key that the token names.
    fn read(&self, token: &str, care: Care) -> Option<Value> {
        let kid = decode_header(token).ok()?.kid?;
        let key = DecodingKey::from_jwk(self.keys.find(&kid)?).unwrap();
        decode(token, &key, &validation(care)).ok().map(|read| read.claims)
    }

    /// The same by any of its keys, whatever the token names.
    fn read_by_any(&self, token: &str, care: Care) -> Option<Value> {
        let keys = self.keys.keys.iter().map(|key| DecodingKey::from_jwk(key).unwrap());
        keys.into_iter().find_map(|key| decode(token, &key, &validation(care)).ok().map(|read| read.claims))
    }

    fn takes(&self, token: &str, care: Care) -> bool {
        self.read(token, care).or_else(|| self.read_by_any(token, care)).is_some()
    }
}

fn validation(care: Care) -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    match care {
        Care::Usual => {
            validation.set_audience(&["services"]);
            validation.set_issuer(&[format!("{ISSUER}/services")]);
        }
        Care::None => validation.validate_aud = false,
    }
    validation
}

/// What one provider signs, each for a person who is logged on now.
struct Signed {
    id: String,
    jpt: String,
    jwt: String,
}

async fn signed(house: &House) -> Signed {
    let ahead = SystemClock::new().wall().as_millis() - house.clock.wall().as_millis();
    house.clock.advance(std::time::Duration::from_millis(ahead.unsigned_abs()));
    let tokens = house.mobile_tokens("openid orders:read").await;
    let log_on = log_on(house, &mut house.browser(), &Asked::shop()).await;
    let jpt = house.idp.mint(logged_on(&log_on.grant), None).await.unwrap().jpt.expose().to_owned();
    let swapped = house.idp.swap(Presented::Inside(Jpt::parse(&jpt).unwrap())).await.unwrap();
    let id = tokens["id_token"].as_str().unwrap().to_owned();
    Signed { id, jpt, jwt: swapped.jwt.expose().to_owned() }
}

#[tokio::test]
async fn it_takes_our_jwt() {
    let house = House::new().await;
    let (service, signed) = (Service::of(&house).await, signed(&house).await);
    for care in [Care::Usual, Care::None] {
        let read = service.read(&signed.jwt, care).unwrap();
        assert_eq!(read["sub"], house.alice.as_str(), "{care:?}");
        assert_eq!(read["client_id"], "shop", "{care:?}");
        assert_eq!(service.read_by_any(&signed.jwt, care), Some(read), "{care:?}");
    }
}

#[tokio::test]
async fn it_refuses_everything_else_that_we_sign() {
    let house = House::new().await;
    let (service, signed) = (Service::of(&house).await, signed(&house).await);
    for (what, token) in [("JPT", &signed.jpt), ("ID token", &signed.id)] {
        // The library itself can read it: it is the key that is missing.
        assert_eq!(decode_header(token).unwrap().alg, Algorithm::ES256, "{what}");
        for care in [Care::Usual, Care::None] {
            assert!(!service.takes(token, care), "{what} {care:?}");
            assert!(
                !service.takes(&renamed(token, &service), care),
                "{what} by the name of our key, {care:?}"
            );
        }
    }
}

#[tokio::test]
async fn it_refuses_a_jwt_that_another_key_has_signed() {
    let (house, other) = (House::new().await, House::new().await);
    let (service, forged) = (Service::of(&house).await, signed(&other).await.jwt);
    assert!(Service::of(&other).await.takes(&forged, Care::Usual), "good where it comes from");
    for care in [Care::Usual, Care::None] {
        assert!(!service.takes(&forged, care), "{care:?}");
        assert!(!service.takes(&renamed(&forged, &service), care), "by the name of our key, {care:?}");
    }
}

/// The same token with the name of the service's first key in its header.
fn renamed(token: &str, service: &Service) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let mut header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"] = json!(service.keys.keys[0].common.key_id);
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}
