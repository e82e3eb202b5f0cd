//! The pages that people see: templates compiled in, every value escaped as text, no script.
//! Must not know statuses, headers or the registry.

use minijinja::{Environment, UndefinedBehavior, Value, context};

use crate::passwords::PASSWORD_CHARS_MIN;
use crate::paths;

/// The one style sheet of all pages, at [`paths::STYLE`].
pub(crate) const STYLE: &str = include_str!("page/style.css");

/// The icon of all pages, at [`paths::ICON`].
pub(crate) const ICON: &str = include_str!("page/icon.svg");

/// Most characters of a user name that a form takes.
pub(crate) const USER_NAME_CHARS_MAX: usize = 254;

const TEMPLATES: [(&str, &str); 5] = [
    ("layout.html", include_str!("page/layout.html")),
    ("login.html", include_str!("page/login.html")),
    ("logout.html", include_str!("page/logout.html")),
    ("notice.html", include_str!("page/notice.html")),
    ("password.html", include_str!("page/password.html")),
];

/// What went wrong, in the words of the person who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem {
    /// One short sentence.
    pub(crate) title: &'static str,
    /// What to do about it.
    pub(crate) text: &'static str,
    /// `id` of the input to go to.
    pub(crate) field: Option<&'static str>,
}

/// The form that takes user name and password.
#[derive(Debug)]
pub(crate) struct LoginForm<'a> {
    /// Path and query that the form is sent to.
    pub(crate) action: &'a str,
    /// The proof that the form came from here.
    pub(crate) csrf: &'a str,
    /// Display name of the client that asked.
    pub(crate) client: &'a str,
    /// What was typed before.
    pub(crate) user_name: &'a str,
    /// What was wrong with the last try.
    pub(crate) problem: Option<Problem>,
}

/// The form that changes a password.
#[derive(Debug)]
pub(crate) struct PasswordForm<'a> {
    /// The proof that the form came from here.
    pub(crate) csrf: &'a str,
    /// What was typed before.
    pub(crate) user_name: &'a str,
    /// What was wrong with the last try.
    pub(crate) problem: Option<Problem>,
}

/// The compiled templates.
#[derive(Debug)]
pub(crate) struct Pages(Environment<'static>);

impl Pages {
    pub(crate) fn new() -> Self {
        let mut environment = Environment::new();
        // A page without a problem asks for its field all the same.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        let paths = context! {
            style => paths::STYLE, icon => paths::ICON, logout => paths::LOGOUT, password => paths::PASSWORD,
        };
        environment.add_global("paths", paths);
        for (name, source) in TEMPLATES {
            environment
                .add_template(name, source)
                .expect("the templates are constants and a test renders each");
        }
        Self(environment)
    }

    pub(crate) fn login(&self, form: &LoginForm<'_>) -> String {
        let lead = format!("to go on to {}", form.client);
        self.render(
            "login.html",
            context! {
                title => "Log in", lead => lead, problem => problem(form.problem), action => form.action,
                csrf => form.csrf, username => form.user_name, username_max => USER_NAME_CHARS_MAX,
            },
        )
    }

    pub(crate) fn logout(&self, csrf: &str) -> String {
        let lead = "You will be logged out of all sites that you reached with this log-in, in this browser.";
        self.render("logout.html", context! { title => "Log out?", lead => lead, csrf => csrf })
    }

    pub(crate) fn password(&self, form: &PasswordForm<'_>) -> String {
        let lead = "This logs you out everywhere, in every browser and every app.";
        self.render(
            "password.html",
            context! {
                title => "Change your password", lead => lead, problem => problem(form.problem),
                csrf => form.csrf, username => form.user_name, username_max => USER_NAME_CHARS_MAX,
                password_min => PASSWORD_CHARS_MIN,
            },
        )
    }

    /// Something is done, and there is nothing to fill in.
    pub(crate) fn done(&self, title: &str, lead: &str) -> String {
        self.render("notice.html", context! { title => title, lead => lead })
    }

    /// Something went wrong, and this page is the end of the road, unless one can begin again somewhere.
    pub(crate) fn failure(&self, title: &str, text: Problem, again: Option<&str>) -> String {
        self.render(
            "notice.html",
            context! { title => title, problem => problem(Some(text)), again => again },
        )
    }

    fn render(&self, template: &str, values: Value) -> String {
        self.0
            .get_template(template)
            .and_then(|template| template.render(values))
            .expect("the templates are constants and a test renders each")
    }
}

fn problem(problem: Option<Problem>) -> Value {
    problem.map_or(Value::UNDEFINED, |problem| {
        context! { title => problem.title, text => problem.text, field => problem.field }
    })
}

#[cfg(test)]
mod tests;
