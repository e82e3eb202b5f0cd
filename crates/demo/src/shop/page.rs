//! Draws pages: templates, the parts that all pages share, and the headers that go out with them. Must not
//! know what a page is about. Everything that a header or a service said is escaped by the template engine.

use axum::response::{IntoResponse as _, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::Shop;
use super::basket::Basket;
use super::calls::Call;
use super::context::Standing;
use super::told::Row;
use super::visit::Visit;

const TEMPLATES: [(&str, &str); 7] = [
    ("layout.html", include_str!("pages/layout.html")),
    ("front.html", include_str!("pages/front.html")),
    ("basket.html", include_str!("pages/basket.html")),
    ("account.html", include_str!("pages/account.html")),
    ("orders.html", include_str!("pages/orders.html")),
    ("legacy.html", include_str!("pages/legacy.html")),
    ("message.html", include_str!("pages/message.html")),
];

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// A kind of page.
pub(super) struct Page {
    pub(super) template: &'static str,
    pub(super) title: &'static str,
    /// Where the page is, and where a log-on from it comes back to.
    pub(super) path: &'static str,
}

/// A page with one thing to say and one way on.
pub(super) struct Message {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) path: &'static str,
    pub(super) link: &'static str,
    pub(super) link_text: &'static str,
}

impl Message {
    pub(super) const BACK_TO_SHOP: Self =
        Self { title: "", text: "", path: "/", link: "/shop", link_text: "Go to the shop" };
}

pub(super) fn templates() -> Environment<'static> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, text) in TEMPLATES {
        templates.add_template(name, text).expect("the texts are compiled in, and every test loads them all");
    }
    templates
}

impl Shop {
    pub(super) fn message(&self, status: StatusCode, message: &Message, visit: &Visit) -> Response {
        let page = Page { template: "message.html", title: message.title, path: message.path };
        let body =
            context! { text => message.text, link => safe(message.link), link_text => message.link_text };
        self.page(status, &page, visit, body)
    }

    /// Draws `page` with `body`, the values that only its template knows.
    pub(super) fn page(&self, status: StatusCode, page: &Page, visit: &Visit, body: Value) -> Response {
        let told: Vec<Value> = visit.told.iter().map(told_row).collect();
        let calls: Vec<Value> = visit.calls.iter().map(call_row).collect();
        let values = context! {
            title => page.title,
            path => safe(page.path),
            standing => visit.context.standing.name(),
            name => visit.context.name.as_deref(),
            basket_count => Basket::read(&visit.context.attributes).count(),
            gateway => self.gateway.is_some(),
            told,
            calls,
            ..body
        };
        let drawn = self.templates.get_template(page.template).and_then(|template| template.render(values));
        match drawn {
            Ok(html) => (status, headers(visit.context.standing), html).into_response(),
            // A template and its values disagree: our own mistake, and nothing the visitor could act on.
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "This page cannot be drawn.").into_response(),
        }
    }
}

fn told_row(row: &Row) -> Value {
    context! { name => &row.name, value => &row.value, meaning => row.meaning }
}

fn call_row(call: &Call) -> Value {
    context! {
        method => call.method.as_str(),
        path => safe(call.path),
        result => match call.result {
            Ok(status) => status.to_string(),
            Err(failure) => failure.to_string(),
        },
        good => call.result.is_ok_and(|status| status.is_success()),
        took_ms => format!("{:.1}", call.took.as_secs_f64() * 1000.0),
        bore_token => call.bore_token,
    }
}

/// A text of our own, with nothing in it to escape: the engine would write every `/` as an entity.
fn safe(text: &'static str) -> Value {
    Value::from_safe_string(text.to_owned())
}

fn headers(standing: Standing) -> [(http::HeaderName, HeaderValue); 5] {
    let cache = if standing == Standing::Anonymous { "no-cache" } else { "private, no-store" };
    [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // With no-referrer, browsers send `Origin: null` on our own forms, and the proxy refuses those.
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ]
}
