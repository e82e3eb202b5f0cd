//! The web apps without a gateway.

use super::*;

fn shop() -> Router {
    Shop::router(Settings::default())
}

const PAGES: [&str; 7] = ["/", "/shop", "/basket", "/account", "/orders", "/legacy", "/no/such/page"];

#[tokio::test]
async fn every_page_has_landmarks_and_headers_and_no_token() {
    for told in [&ANONYMOUS[..], &RETURNING, &LOGGED_ON, &[]] {
        for path in PAGES {
            let got = get(&shop(), path, told).await;
            for part in [
                "<html lang=\"en\">",
                "<main id=\"main\"",
                "<nav ",
                "href=\"#main\"",
                "What this app was told",
            ] {
                assert!(got.body.contains(part), "{path} lacks {part}");
            }
            assert!(!got.body.contains(TOKEN) && !got.body.contains("payload"), "{path} shows the token");
            assert!(!got.body.contains("<script") && !got.body.contains("style=\""), "{path}");
            let policy = got.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
            assert_eq!(got.headers["x-content-type-options"], "nosniff");
            assert_eq!(got.headers["referrer-policy"], "same-origin");
            assert_eq!(got.headers["content-type"], "text/html; charset=utf-8");
        }
    }
}

#[tokio::test]
async fn only_anonymous_pages_may_be_kept() {
    for (told, policy) in
        [(&ANONYMOUS[..], "no-cache"), (&RETURNING, "private, no-store"), (&LOGGED_ON, "private, no-store")]
    {
        assert_eq!(get(&shop(), "/shop", told).await.headers["cache-control"], policy);
    }
}

#[tokio::test]
async fn the_front_lists_all_products_and_says_there_is_no_gateway() {
    for path in ["/", "/shop", "/legacy"] {
        let got = get(&shop(), path, &ANONYMOUS).await;
        assert_eq!(got.status, StatusCode::OK);
        for product in &crate::catalogue::PRODUCTS {
            assert!(got.body.contains(&format!("name=\"item\" value=\"{}\"", product.id)), "{}", product.id);
        }
        assert!(got.body.contains("No gateway is configured, so no service was called"));
        assert!(got.body.contains("No gateway is configured, so this app calls no service."));
    }
}

#[tokio::test]
async fn the_standing_decides_what_is_offered() {
    for (told, badge, log_on, log_out) in [
        (&ANONYMOUS[..], "Anonymous", true, false),
        (&RETURNING, "Returning", true, false),
        (&LOGGED_ON, "Logged on: Alice Archer", false, true),
        (&[], "Anonymous", true, false),
    ] {
        let body = get(&shop(), "/basket", told).await.body;
        assert!(body.contains(&format!("{badge}</strong>")), "{badge}");
        assert_eq!(body.contains("href=\"/.vestibule/login?to=/basket\""), log_on, "{badge}");
        for scope in ["this", "everywhere"] {
            let form = format!(
                "action=\"/.vestibule/logout\"><input type=\"hidden\" name=\"scope\" value=\"{scope}\">"
            );
            assert_eq!(body.contains(&form), log_out, "{badge}");
        }
    }
}

#[tokio::test]
async fn the_fold_out_tells_what_came_and_counts_the_token() {
    let mut told = LOGGED_ON.to_vec();
    told.extend([
        ("x-request-id", "request-7"),
        ("traceparent", "00-aa-bb-01"),
        ("x-forwarded-proto", "https"),
        ("x-context-surprise", "news"),
        ("user-agent", "not of ours"),
    ]);
    let body = get(&shop(), "/shop", &told).await.body;
    for (name, value) in [
        ("x-context-standing", "logged-on"),
        ("x-context-session", "handle-1"),
        ("x-context-token", "present, 38 characters"),
        ("x-request-id", "request-7"),
        ("traceparent", "00-aa-bb-01"),
        ("x-forwarded-proto", "https"),
        ("x-context-surprise", "news"),
    ] {
        let row = format!("<dt><code>{name}</code></dt><dd><span class=\"value\">{value}</span>");
        assert!(body.contains(&row), "{name}");
    }
    assert!(!body.contains("not of ours"));
    assert!(get(&shop(), "/shop", &[]).await.body.contains("this request did not come through the proxy"));
}

#[tokio::test]
async fn every_one_of_several_tokens_is_counted_only() {
    let told = [("x-context-token", "secret-one"), ("x-context-token", "secret-two-b")];
    let body = get(&shop(), "/shop", &told).await.body;
    assert!(body.contains("present, 10 characters") && body.contains("present, 12 characters"));
    assert!(!body.contains("secret-"));
}

#[tokio::test]
async fn hostile_values_stay_text() {
    const EVIL: &str = "evil\"><script>alert(1)</script>{{ 7 * 7 }}'live";
    let claims = serde_json::json!({ "name": EVIL, "<u>": EVIL, "list": [EVIL] }).to_string();
    let attributes = serde_json::json!({ "basket": { EVIL: { EVIL: 1 } }, "x": EVIL }).to_string();
    let told = [
        ("x-context-standing", "logged-on"),
        ("x-context-user", EVIL),
        ("x-context-visitor", EVIL),
        ("x-context-claims", &claims),
        ("x-context-attributes", &attributes),
        ("x-context-level", EVIL),
        ("x-context-more", EVIL),
        ("x-request-id", EVIL),
    ];
    for path in PAGES {
        let body = get(&shop(), path, &told).await.body;
        let values: Vec<&str> =
            body.split("evil").skip(1).map(|rest| rest.split("live").next().unwrap()).collect();
        assert!(values.len() >= 8, "{path} shows the values");
        for value in values {
            assert!(!value.contains(['<', '>', '"', '\'']), "{path}: {value}");
            assert!(value.contains("{{ 7 * 7 }}"), "{path}: {value}");
        }
        assert!(!body.contains("<u>"), "{path}: a claim's name is text too");
    }
}

#[tokio::test]
async fn the_first_item_is_a_patch_and_a_way_to_the_basket() {
    let got = add(&shop(), &ANONYMOUS, "item=lantern").await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    assert_eq!(got.headers["location"], "/basket");
    assert_eq!(patch_of(&got), ("lantern".to_owned(), 1));
}

#[tokio::test]
async fn an_item_of_the_visitors_own_is_a_patch_too() {
    for (form, item) in
        [("item=apple", "apple"), ("item=1", "1"), ("item=%C3%84pfel+%26+%3Cb%3E", "\u{c4}pfel & <b>")]
    {
        let got = add(&shop(), &ANONYMOUS, form).await;
        assert_eq!(
            (got.status, &got.headers["location"]),
            (StatusCode::SEE_OTHER, &"/basket".parse().unwrap())
        );
        assert_eq!(patch_of(&got), (item.to_owned(), 1));
    }
}

#[tokio::test]
async fn a_later_item_joins_the_ones_in_the_session() {
    let got = add(&shop(), &RETURNING, "item=lantern").await;
    // What is there is not said again, so that nothing of it can be lost.
    assert_eq!(patch_of(&got), ("lantern".to_owned(), 3));
}

/// The item of which a patch adds one piece, and the count that it sets.
fn patch_of(got: &Got) -> (String, u64) {
    let patch: serde_json::Value =
        serde_json::from_str(got.headers["x-context-update"].to_str().unwrap()).unwrap();
    let mut items = patch["basket"].as_object().unwrap().iter();
    let (item, pieces) = items.next().unwrap();
    assert!(items.next().is_none(), "{patch}");
    assert_eq!(pieces.as_object().unwrap().values().collect::<Vec<_>>(), [1], "{patch}");
    (item.clone(), patch["basket_count"].as_u64().unwrap())
}

#[tokio::test]
async fn the_page_of_the_basket_corrects_a_count_that_two_tabs_have_made_wrong() {
    let told = |count: u32| format!(r#"{{"basket":{{"doormat":{{"a":1,"b":1}}}},"basket_count":{count}}}"#);
    for (count, update) in [(1, Some(r#"{"basket_count":2}"#)), (2, None)] {
        let attributes = told(count);
        let told = [("x-context-standing", "returning"), ("x-context-attributes", attributes.as_str())];
        let got = get(&shop(), "/basket", &told).await;
        assert_eq!(got.headers.get("x-context-update").map(|it| it.to_str().unwrap()), update);
    }
    assert!(!get(&shop(), "/basket", &ANONYMOUS).await.headers.contains_key("x-context-update"));
}

#[tokio::test]
async fn what_cannot_go_into_the_basket_changes_nothing() {
    let full = format!(r#"{{"basket":{{"doormat":{{"a":{}}}}}}}"#, 99);
    let full = [("x-context-standing", "returning"), ("x-context-attributes", full.as_str())];
    for (told, form, status) in [
        (&RETURNING[..], "item=", StatusCode::UNPROCESSABLE_ENTITY),
        (&RETURNING, "item=+", StatusCode::UNPROCESSABLE_ENTITY),
        (&RETURNING, "item=a%0d%0ab", StatusCode::UNPROCESSABLE_ENTITY),
        (&RETURNING, &format!("item={}", "x".repeat(65)), StatusCode::UNPROCESSABLE_ENTITY),
        (&RETURNING, "other=doormat", StatusCode::UNPROCESSABLE_ENTITY),
        (&RETURNING, "", StatusCode::UNPROCESSABLE_ENTITY),
        (&full, "item=doormat", StatusCode::UNPROCESSABLE_ENTITY),
        (
            &RETURNING,
            &format!("item=doormat&pad={}", "x".repeat(FORM_BYTES_MAX)),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        let got = add(&shop(), told, form).await;
        assert_eq!(got.status, status, "{form}");
        assert!(got.body.contains("<h1>"), "{form} has a page");
        assert!(!got.headers.contains_key("x-context-update"), "{form}");
    }
    let got = send(&shop(), request("POST", "/basket/items", &RETURNING, "item=doormat")).await;
    assert_eq!(got.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn the_basket_shows_what_the_session_keeps() {
    let got = get(&shop(), "/basket", &RETURNING).await;
    assert!(got.body.contains("Doormat") && got.body.contains("€58.00"));
    assert!(got.body.contains("<span class=\"count\">2"));

    let own = [("x-context-attributes", r#"{"basket":{"<b>sledge":{"a":1},"\u00c4pfel":{"a":1}}}"#)];
    let body = get(&shop(), "/basket", &own).await.body;
    assert!(body.contains("not from this shop") && body.contains("\u{c4}pfel"), "{body}");
    assert!(body.contains("&lt;b&gt;sledge") && !body.contains("<b>sledge"), "{body}");

    let got = get(&shop(), "/basket", &ANONYMOUS).await;
    assert!(got.body.contains("It is empty."));
    assert!(!got.body.contains("class=\"count\""));
}

#[tokio::test]
async fn a_persons_pages_ask_for_a_log_on() {
    for path in ["/account", "/orders"] {
        for told in [&ANONYMOUS[..], &RETURNING, &[]] {
            let got = get(&shop(), path, told).await;
            assert_eq!(got.status, StatusCode::FORBIDDEN);
            assert_eq!(got.headers["x-context-require"], "logged-on");
            assert!(got.body.contains(&format!("/.vestibule/login?to={path}\"")));
        }
        let got = get(&shop(), path, &LOGGED_ON).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(!got.headers.contains_key("x-context-require"));
    }
}

#[tokio::test]
async fn the_account_shows_the_claims() {
    let body = get(&shop(), "/account", &LOGGED_ON).await.body;
    for part in ["Hello, Alice Archer", "alice@example.com", "customer, tester", "with a password"] {
        assert!(body.contains(part), "{part}");
    }
}

#[tokio::test]
async fn whoami_is_exactly_what_was_received() {
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let told = [("accept", "*/*"), ("x-context-token", TOKEN), ("x-two", "b"), ("x-two", "a")];
        let got = send(&shop(), request(method, "/whoami", &told, "some body")).await;
        let seen: serde_json::Value = serde_json::from_str(&got.body).unwrap();
        let headers = serde_json::json!({ "accept": "*/*", "x-context-token": TOKEN, "x-two": ["b", "a"] });
        let expected = serde_json::json!({ "headers": headers });
        assert_eq!((got.status, seen), (StatusCode::OK, expected), "{method}");
    }
}

#[tokio::test]
async fn whoami_reads_more_than_a_form_may_have() {
    let body = "x".repeat(FORM_BYTES_MAX * 64);
    assert_eq!(send(&shop(), request("POST", "/whoami", &[], &body)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoami_echo_needs_a_gateway() {
    let got = get(&shop(), "/whoami/echo", &LOGGED_ON).await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(got.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn unknown_pages_and_wrong_methods_have_pages_too() {
    let got = get(&shop(), "/shop/attic", &ANONYMOUS).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    assert!(got.body.contains("There is no such page"));

    for (method, path, allow) in [("POST", "/shop", "GET,HEAD"), ("GET", "/basket/items", "POST")] {
        let got = send(&shop(), request(method, path, &ANONYMOUS, "")).await;
        assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(got.headers["allow"], allow);
        assert!(got.body.contains("This page cannot be used that way"));
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let got = send(&shop(), request("HEAD", "/shop", &ANONYMOUS, "")).await;
    assert_eq!((got.status, got.body.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn the_style_sheet_is_for_every_cache() {
    let got = get(&shop(), "/shop/style.css", &LOGGED_ON).await;
    assert_eq!(got.headers["content-type"], "text/css; charset=utf-8");
    assert_eq!(got.headers["cache-control"], "public, max-age=300");
    let tag = got.headers["etag"].to_str().unwrap().to_owned();

    for (known, status) in [
        (tag.clone(), StatusCode::NOT_MODIFIED),
        (format!("\"other\", W/{tag}"), StatusCode::NOT_MODIFIED),
        ("*".to_owned(), StatusCode::NOT_MODIFIED),
        ("\"other\"".to_owned(), StatusCode::OK),
    ] {
        let again = get(&shop(), "/shop/style.css", &[("if-none-match", &known)]).await;
        assert_eq!(again.status, status, "{known}");
        assert_eq!(again.headers["etag"], tag.as_str());
        assert_eq!(again.body.is_empty(), status == StatusCode::NOT_MODIFIED);
    }
    assert_eq!(get(&shop(), "/shop/icon.svg", &[]).await.headers["content-type"], "image/svg+xml");
}
