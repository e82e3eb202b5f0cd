//! What went wrong with a command, and what that means for whoever gave it: whether it can have been carried out.

use redis::{RedisError, RedisResult, Value};
use vestibule_ports::session_store::StoreError;

/// Why a command has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It never left.
    Unsent(String),
    /// It left, or may have, and nothing came back.
    Lost(String),
    /// It was carried out, or may have been, and too few replicas are known to have it.
    Unsafe(String),
    /// The server answered and did not carry it out.
    Refused(Refusal),
}

/// An error as the server words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The first word, or the cause that a script of ours was told.
    pub(crate) code: String,
    detail: String,
}

/// Where a key is instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// It has moved for good.
    Moved(String),
    /// It is being moved: this once, there.
    Ask(String),
}

/// Causes that a server names and that another try later, or an operator, may mend. Nothing was written.
const UNABLE: [&str; 17] = [
    "BUSY",
    "CLUSTERDOWN",
    "DENIED",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "ASK",
    "NOAUTH",
    "NOGOODREPLICA",
    "NOPERM",
    "NOREPLICAS",
    "OOM",
    "READONLY",
    "TRYAGAIN",
    "UNKILLABLE",
    "WRONGPASS",
];

impl Refusal {
    fn new(code: &str, detail: Option<&str>) -> Self {
        let detail = detail.unwrap_or_default();
        Self { code: cause(code, detail).to_owned(), detail: detail.to_owned() }
    }

    /// The server knows nothing of the script: it ran nothing.
    pub(crate) fn is_no_script(&self) -> bool {
        self.code == "NOSCRIPT"
    }

    /// Whether it is about this server's place among the others: a write is refused by a master that has been cut off or
    /// replaced, and reads from it are reads of the past.
    pub(crate) fn is_of_standing(&self) -> bool {
        self.is_of_no_master() || matches!(&*self.code, "NOREPLICAS" | "ASK")
    }

    /// Whether a look at who is master now may help.
    pub(crate) fn is_of_no_master(&self) -> bool {
        matches!(&*self.code, "READONLY" | "MASTERDOWN" | "CLUSTERDOWN" | "MOVED" | "LOADING")
    }

    /// The place, `host:port`, of a key that is elsewhere.
    pub(crate) fn redirect(&self) -> Option<Redirect> {
        let place = self.detail.split_ascii_whitespace().nth(1)?.to_owned();
        match &*self.code {
            "MOVED" => Some(Redirect::Moved(place)),
            "ASK" => Some(Redirect::Ask(place)),
            _ => None,
        }
    }

    /// What an operator should read.
    pub(crate) fn text(&self) -> String {
        let advice = match &*self.code {
            "READONLY" => "it is a replica now",
            "MASTERDOWN" => "it is a replica without its master",
            "NOREPLICAS" => "it has fewer good replicas than min-replicas-to-write",
            "OOM" => "its memory is full (maxmemory)",
            "MISCONF" => "it cannot save to its disk",
            "CLUSTERDOWN" => "the cluster does not serve this key",
            "NOAUTH" | "WRONGPASS" => "it refuses our user or password",
            "NOPERM" => "our user lacks a right",
            "LOADING" => "it is still loading its files",
            "BUSY" | "UNKILLABLE" => "a script keeps it busy",
            _ => return format!("redis: {} {}", self.code, self.detail).trim_end().to_owned(),
        };
        format!("redis: {advice} ({} {})", self.code, self.detail)
    }
}

/// A script's error in Redis 6.2 is an `ERR` that quotes the cause: `... @user_script:3: -READONLY You can't ...`.
fn cause<'t>(code: &'t str, detail: &'t str) -> &'t str {
    if code != "ERR" {
        return code;
    }
    // Redis 7.0 and older say it like this when a script does what its user may not.
    if detail.contains("The user executing the script can't") {
        return "NOPERM";
    }
    let quoted = |word: &&'t str| UNABLE.contains(word) || matches!(*word, "WRONGTYPE" | "UNREADABLE");
    detail.split_ascii_whitespace().map(|word| word.trim_start_matches('-')).find(quoted).unwrap_or(code)
}

/// An answer, or the reason why there is none.
pub(crate) fn answer(result: RedisResult<Value>) -> Result<Value, Failure> {
    match result {
        Ok(Value::ServerError(error)) => Err(Failure::Refused(Refusal::new(error.code(), error.details()))),
        Ok(value) => Ok(value),
        Err(error) => Err(failure(&error)),
    }
}

/// What an error of the driver is.
pub(crate) fn failure(error: &RedisError) -> Failure {
    match error.code() {
        Some(code) => Failure::Refused(Refusal::new(code, error.detail())),
        None => Failure::Lost(format!("redis: {error}")),
    }
}

/// What a failure means for a read of this key.
pub(crate) fn of_read(key: &[u8], failure: Failure) -> StoreError {
    match failure {
        Failure::Unsent(why) | Failure::Lost(why) | Failure::Unsafe(why) => StoreError::Unreachable(why),
        Failure::Refused(refusal) => of_refusal(key, &refusal),
    }
}

/// What a failure means for a write of this key.
pub(crate) fn of_write(key: &[u8], failure: Failure) -> StoreError {
    match failure {
        Failure::Unsent(why) => StoreError::Unreachable(why),
        Failure::Lost(why) => StoreError::Unknown(why),
        Failure::Unsafe(why) => StoreError::Unsafe(why),
        Failure::Refused(refusal) => of_refusal(key, &refusal),
    }
}

fn of_refusal(key: &[u8], refusal: &Refusal) -> StoreError {
    match &*refusal.code {
        "WRONGTYPE" | "UNREADABLE" => corrupt(key),
        code if UNABLE.contains(&code) => StoreError::Unreachable(refusal.text()),
        _ => StoreError::Bug(refusal.text()),
    }
}

/// What stands under the key is not ours, or no longer whole.
pub(crate) fn corrupt(key: &[u8]) -> StoreError {
    StoreError::Corrupt(format!("redis: what stands under {}", String::from_utf8_lossy(key)))
}

/// An answer of a kind that the command never gives. What it was may be a session, so it is not shown.
pub(crate) fn odd(command: &str) -> StoreError {
    StoreError::Bug(format!("redis: {command} has an answer of another kind"))
}

#[cfg(test)]
mod tests;
