//! A browser that keeps cookies, for what has to happen before anything is measured: one connection a request, bodies
//! of a stated length. Speaks to this machine only.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use url::Url;
use url::form_urlencoded::Serializer;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
const REDIRECTS_MAX: usize = 16;

/// Cookies by `host:port`, as the sites of one machine need them to be kept apart.
#[derive(Default)]
pub(crate) struct Browser {
    jars: HashMap<String, BTreeMap<String, String>>,
    /// Lines of every request, each with its end.
    lines: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where it came from, after all redirects.
    pub(crate) url: Url,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Where a way ended, without what may be secret: query, head and body.
    pub(crate) fn place(&self) -> String {
        format!("{} answered {}", self.url.path(), self.status)
    }

    /// The values of a field of the head.
    pub(crate) fn fields<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        values(&self.head, name)
    }
}

/// The values of a field among lines of `name: value`.
pub(crate) fn values<'a>(lines: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let pairs = lines.lines().filter_map(|line| line.split_once(": "));
    pairs.filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim_end())
}

impl Browser {
    /// Asks for a page, and follows where it is sent.
    pub(crate) fn get(&mut self, url: &str) -> io::Result<Answer> {
        let url = Url::parse(url).map_err(|_| malformed("address"))?;
        let answer = self.send("GET", &url, "", None)?;
        self.follow(answer)
    }

    /// Sends a form, and follows where it is sent. `lines` are added to the head, each with its end.
    pub(crate) fn post(&mut self, url: &Url, lines: &str, form: &[(&str, &str)]) -> io::Result<Answer> {
        let form = Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = self.send("POST", url, lines, Some(&form))?;
        self.follow(answer)
    }

    /// A browser that a load balancer says to be at this address.
    pub(crate) fn from_address(address: &str) -> Self {
        Self { jars: HashMap::new(), lines: format!("X-Forwarded-For: {address}\r\n") }
    }

    /// Sends a form, and stays where it is.
    pub(crate) fn submit(&mut self, url: &Url, form: &[(&str, &str)]) -> io::Result<Answer> {
        let form = Serializer::new(String::new()).extend_pairs(form).finish();
        self.send("POST", url, "", Some(&form))
    }

    /// The cookies of this name at this address, as a request carries them.
    pub(crate) fn cookie(&self, url: &Url, name: &str) -> Option<&str> {
        self.jars.get(url.authority())?.get(name).map(String::as_str)
    }

    fn follow(&mut self, mut answer: Answer) -> io::Result<Answer> {
        for _ in 0..REDIRECTS_MAX {
            let location = answer.fields("location").next();
            let Some(location) = location.filter(|_| (300..400).contains(&answer.status)) else {
                return Ok(answer);
            };
            let next = answer.url.join(location).map_err(|_| malformed("redirect"))?;
            answer = self.send("GET", &next, "", None)?;
        }
        Err(malformed("chain of redirects"))
    }

    fn send(&mut self, method: &str, url: &Url, lines: &str, form: Option<&str>) -> io::Result<Answer> {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let jar = self.jars.entry(url.authority().to_owned()).or_default();
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies =
            if cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", cookies.join("; ")) };
        let sent = form.map_or_else(String::new, |form| {
            let origin = url.origin().ascii_serialization();
            let length = form.len();
            format!(
                "Origin: {origin}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n"
            )
        });
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nAccept: text/html\r\nSec-Fetch-Site: same-origin\r\n\
             Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nConnection: close\r\n{cookies}{}{lines}{sent}\r\n{}",
            url.authority(),
            self.lines,
            form.unwrap_or_default()
        );
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, url.port().ok_or_else(|| malformed("port"))?))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        let mut text = String::new();
        stream.take(ANSWER_BYTES_MAX).read_to_string(&mut text)?;
        let answer = read(url, &text)?;
        for line in answer.fields("set-cookie") {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').ok_or_else(|| malformed("cookie"))?;
            if attributes.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}

fn read(url: &Url, text: &str) -> io::Result<Answer> {
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| malformed("answer"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    if values(head, "transfer-encoding").next().is_some() {
        return Err(malformed("framing"));
    }
    Ok(Answer {
        status: status.ok_or_else(|| malformed("status"))?,
        url: url.clone(),
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

/// The value of an attribute in a page's first tag that contains this text.
pub(crate) fn attribute(page: &str, tag: &str, name: &str) -> Option<String> {
    let tag = &page[page.find(tag)?..];
    let tag = &tag[..tag.find('>')?];
    let value = &tag[tag.find(&format!(" {name}=\""))? + name.len() + 3..];
    // The characters that a template escapes and that an address or a random value can have.
    Some(value[..value.find('"')?].replace("&#x2f;", "/").replace("&#x27;", "'").replace("&amp;", "&"))
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not a proper {what}"))
}

#[cfg(test)]
mod tests;
