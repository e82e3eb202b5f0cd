//! A form of a page, as a browser reads and sends it, and the way through the log-in's.

use super::browser::{Ask, Reply, Tab};
use super::house::{ALICE, LOGIN, PASSWORD};

/// A form of a page.
#[derive(Clone, Debug)]
pub(in crate::journeys) struct Form {
    /// The page it is on.
    page: String,
    pub(in crate::journeys) action: String,
    pub(in crate::journeys) hidden: Vec<(String, String)>,
}

impl Form {
    /// The first form of a page.
    #[track_caller]
    pub(in crate::journeys) fn of(page: &Reply) -> Self {
        let form = tags(&page.body, "<form").next().unwrap_or_else(|| panic!("no form: {page:?}"));
        let action = attribute(form, "action").unwrap_or_else(|| page.url.to_string());
        let hidden =
            tags(&page.body, "<input").filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        let hidden = hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
        let action = page.url.join(&action).expect("an address").into();
        Self { page: page.url.to_string(), action, hidden: hidden.collect() }
    }

    /// Sends it with what the person filled in.
    #[track_caller]
    pub(in crate::journeys) fn submit(&self, tab: &mut Tab, filled: &[(&str, &str)]) -> Reply {
        tab.send(self.filled(filled))
    }

    /// What sends it.
    pub(in crate::journeys) fn filled(&self, filled: &[(&str, &str)]) -> Ask {
        let hidden = self.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<_> = hidden.chain(filled.iter().copied()).collect();
        Ask::form(&self.action, &self.page, &fields)
    }
}

impl Tab {
    /// Opens a page that needs a log-on and goes the whole way through the form, as alice.
    #[track_caller]
    pub(in crate::journeys) fn log_in(&mut self, url: &str) -> Reply {
        self.log_in_as(url, ALICE, PASSWORD)
    }

    #[track_caller]
    pub(in crate::journeys) fn log_in_as(&mut self, url: &str, login: &str, password: &str) -> Reply {
        let asked = self.open(url);
        let page = self.follow(asked);
        assert_eq!(page.url.host_str(), Some(LOGIN), "asks for no credentials: {page:?}");
        let answered = Form::of(&page).submit(self, &[("username", login), ("password", password)]).is(303);
        self.follow(answered).is(200)
    }
}

fn tags<'h>(html: &'h str, open: &'static str) -> impl Iterator<Item = &'h str> {
    html.split(open).skip(1).map(|rest| rest.split('>').next().unwrap_or_default())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&"))
}
