//! Authorization requests: which are answered on a page, which at the callback, which go on (D30 to D36).

use super::*;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "https://client.example/cb";

/// A good request as pairs, with some replaced (or removed by an empty name), some added.
fn request(changes: &[(&str, &str)]) -> Form {
    let good = [
        ("response_type", "code"),
        ("client_id", "partner"),
        ("redirect_uri", CALLBACK),
        ("state", "s 1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = good.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let changed = changes.iter().copied().filter(|(_, value)| *value != "-");
    let url = form::append("?", kept.chain(changed));
    Form::parse(&url.as_bytes()[1..]).unwrap()
}

fn registered() -> Vec<RedirectUri> {
    vec![RedirectUri::register(CALLBACK).unwrap(), RedirectUri::register("http://127.0.0.1/cb").unwrap()]
}

fn parse(changes: &[(&str, &str)]) -> Result<AuthorizeRequest, AuthorizeRefused> {
    AuthorizeRequest::parse(&request(changes), &registered())
}

/// The error that goes to the client, with the state that goes beside it.
fn client_error(form: &Form) -> (AuthorizeErrorCode, Option<String>) {
    match AuthorizeRequest::parse(form, &registered()) {
        Err(AuthorizeRefused::Client { callback, error }) => {
            assert_eq!(callback.redirect_uri(), CALLBACK);
            (error.code, callback.state().map(str::to_owned))
        }
        other => panic!("not an error for the client: {other:?}"),
    }
}

fn repeat(form: &str, parameter: &str) -> Form {
    Form::parse(format!("{form}&{parameter}").as_bytes()).unwrap()
}

const QUERY: &str = "response_type=code&client_id=partner&redirect_uri=https://client.example/cb&state=s&nonce=n&scope=a\
    &prompt=login&max_age=1&login_hint=l&response_mode=query&id_token_hint=a.b.c\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

#[test]
fn reads_a_full_request() {
    let request = AuthorizeRequest::parse(&Form::parse(QUERY.as_bytes()).unwrap(), &registered()).unwrap();
    assert_eq!(request.client_id, "partner");
    assert_eq!(request.callback.redirect_uri(), CALLBACK);
    assert!(request.callback.is_named());
    assert_eq!(request.callback.state(), Some("s"));
    assert_eq!(request.scope.unwrap().to_string(), "a");
    assert_eq!(request.challenge.to_string(), CHALLENGE);
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert_eq!(request.prompt, Prompt::Ask { login: true, consent: false, select_account: false });
    assert_eq!(request.max_age, Some(1));
    assert_eq!(request.login_hint.as_deref(), Some("l"));
    assert_eq!(request.id_token_hint.unwrap().expose(), "a.b.c");
}

#[test]
fn unknown_parameters_are_ignored_even_repeated() {
    assert!(AuthorizeRequest::parse(&repeat(QUERY, "utm=1&utm=2"), &registered()).is_ok());
}

#[test]
fn what_has_no_safe_callback_is_for_the_page() {
    use PageError::{Callback, CallbackRepeated, ClientMalformed};
    let long = "a".repeat(client_auth::CLIENT_ID_BYTES_MAX + 1);
    for (changes, expected) in [
        (&[("client_id", "-")][..], ClientMalformed),
        (&[("client_id", "")], ClientMalformed),
        (&[("client_id", "a b")], ClientMalformed),
        (&[("client_id", &long)], ClientMalformed),
        (&[("client_id", "partner"), ("client_id", "partner")], ClientMalformed),
        (&[("redirect_uri", "-")], Callback(CallbackRefused::Missing)),
        (&[("redirect_uri", "")], Callback(CallbackRefused::Missing)),
        (&[("redirect_uri", "https://evil.example/cb")], Callback(CallbackRefused::Unregistered)),
        (&[("redirect_uri", "https://client.example/cb/..")], Callback(CallbackRefused::Unregistered)),
        (&[("redirect_uri", "http://localhost:1/cb")], Callback(CallbackRefused::Unregistered)),
        (&[("redirect_uri", CALLBACK), ("redirect_uri", CALLBACK)], CallbackRepeated),
        // with an error of another kind beside
        (
            &[("redirect_uri", "https://evil.example/cb"), ("response_type", "token")],
            Callback(CallbackRefused::Unregistered),
        ),
    ] {
        assert_eq!(parse(changes), Err(AuthorizeRefused::Page(expected)), "{changes:?}");
    }
    let form = request(&[]);
    assert_eq!(
        AuthorizeRequest::parse(&form, &[]),
        Err(AuthorizeRefused::Page(Callback(CallbackRefused::Unregistered)))
    );
}

#[test]
fn the_rest_is_for_the_client() {
    use AuthorizeErrorCode::{
        InvalidRequest, InvalidScope, RegistrationNotSupported, RequestNotSupported, RequestUriNotSupported,
        UnsupportedResponseType,
    };
    let long_nonce = "n".repeat(NONCE_BYTES_MAX + 1);
    let long_hint = "h".repeat(LOGIN_HINT_BYTES_MAX + 1);
    for (changes, expected) in [
        (("response_type", "-"), InvalidRequest),
        (("response_type", "token"), UnsupportedResponseType),
        (("response_type", "id_token"), UnsupportedResponseType),
        (("response_type", "code id_token"), UnsupportedResponseType),
        (("response_type", "none"), UnsupportedResponseType),
        (("response_type", "Code"), UnsupportedResponseType),
        (("response_mode", "fragment"), InvalidRequest),
        (("response_mode", "form_post"), InvalidRequest),
        (("request", "a.b.c"), RequestNotSupported),
        (("request_uri", "https://evil.example/r"), RequestUriNotSupported),
        (("registration", "{}"), RegistrationNotSupported),
        (("scope", "a  b"), InvalidScope),
        (("scope", "a\u{e4}"), InvalidScope),
        (("scope", "a a"), InvalidScope),
        (("code_challenge", "-"), InvalidRequest),
        (("code_challenge", ""), InvalidRequest),
        (("code_challenge", &CHALLENGE[1..]), InvalidRequest),
        (("code_challenge", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXka"), InvalidRequest),
        (("code_challenge_method", "-"), InvalidRequest),
        (("code_challenge_method", "plain"), InvalidRequest),
        (("code_challenge_method", "s256"), InvalidRequest),
        (("prompt", "none login"), InvalidRequest),
        (("prompt", "create"), InvalidRequest),
        (("prompt", "login  consent"), InvalidRequest),
        (("max_age", "-1"), InvalidRequest),
        (("max_age", "+1"), InvalidRequest),
        (("max_age", "1.0"), InvalidRequest),
        (("max_age", "4294967296"), InvalidRequest),
        (("nonce", &long_nonce), InvalidRequest),
        (("login_hint", &long_hint), InvalidRequest),
        (("id_token_hint", "a b"), InvalidRequest),
    ] {
        let found = client_error(&request(&[changes]));
        assert_eq!(found, (expected, Some("s 1".to_owned())), "{changes:?}");
    }
}

#[test]
fn every_parameter_may_come_once() {
    for parameter in [
        "response_type=code",
        "scope=a",
        "nonce=n",
        "prompt=login",
        "max_age=1",
        "login_hint=l",
        "response_mode=query",
        "id_token_hint=a.b.c",
        "code_challenge=x",
        "code_challenge_method=S256",
    ] {
        let found = client_error(&repeat(QUERY, parameter));
        assert_eq!(found, (AuthorizeErrorCode::InvalidRequest, Some("s".to_owned())), "{parameter}");
    }
    let found = client_error(&repeat(QUERY, "state=s"));
    assert_eq!(found, (AuthorizeErrorCode::InvalidRequest, None), "a doubtful state does not go back");
}

#[test]
fn a_bad_state_does_not_go_back() {
    for state in ["\u{e4}", &"s".repeat(crate::authorize_response::STATE_BYTES_MAX + 1)] {
        let found = client_error(&request(&[("state", state)]));
        assert_eq!(found, (AuthorizeErrorCode::InvalidRequest, None));
    }
}

#[test]
fn prompt_and_max_age_are_read() {
    let prompt = |text| parse(&[("prompt", text)]).unwrap().prompt;
    assert_eq!(prompt("none"), Prompt::Silent);
    assert_eq!(prompt("-"), Prompt::default());
    assert_eq!(prompt("consent login"), Prompt::Ask { login: true, consent: true, select_account: false });
    assert_eq!(prompt("select_account"), Prompt::Ask { login: false, consent: false, select_account: true });
    assert_eq!(parse(&[("max_age", "0")]).unwrap().max_age, Some(0));
}

#[test]
fn a_single_registered_uri_may_be_left_out_by_plain_oauth() {
    let single = [RedirectUri::register(CALLBACK).unwrap()];
    let request_plain = AuthorizeRequest::parse(&request(&[("redirect_uri", "-")]), &single).unwrap();
    assert_eq!(request_plain.callback.redirect_uri(), CALLBACK);
    assert!(!request_plain.callback.is_named());
    let openid = AuthorizeRequest::parse(&request(&[("redirect_uri", "-"), ("scope", "openid")]), &single);
    assert!(matches!(openid, Err(AuthorizeRefused::Client { .. })), "{openid:?}");
    let any_port = [RedirectUri::register("http://127.0.0.1/cb").unwrap()];
    assert_eq!(
        AuthorizeRequest::parse(&request(&[("redirect_uri", "-")]), &any_port),
        Err(AuthorizeRefused::Page(PageError::Callback(CallbackRefused::Missing)))
    );
}

#[test]
fn a_written_request_reads_back() {
    for form in [
        Form::parse(QUERY.as_bytes()).unwrap(),
        request(&[]),
        request(&[("prompt", "none"), ("max_age", "0")]),
    ] {
        let request = AuthorizeRequest::parse(&form, &registered()).unwrap();
        let url = request.url("https://login.example/authorize");
        let query = url.strip_prefix("https://login.example/authorize?").unwrap();
        let again = AuthorizeRequest::parse(&Form::parse(query.as_bytes()).unwrap(), &registered());
        assert_eq!(again, Ok(request));
    }
}
