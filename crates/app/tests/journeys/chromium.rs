//! Journeys of a visitor in a real Chromium: what cookies, redirects, forms and content policies do in a browser and not
//! in a test's own client. A file for each story; none may look at anything but what a browser shows.

mod demo;
mod driver;
mod log_on;
mod pages;
mod program;
mod sites;
mod tabs;
