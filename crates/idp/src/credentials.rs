//! One try at a user name and a password: counted first, then compared, at the same cost whether the user exists or
//! not. Shared by every page that takes a password, so that no page is a way around the counting.

use std::net::IpAddr;

use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_domain::throttle::{Counted, Failures, Throttle, Throttled, pair_key, user_key};
use vestibule_ports::authority::Password;
use vestibule_registry::credential::{Digest, PasswordHash};
use vestibule_registry::login_name::LoginName;
use vestibule_registry::user::{Credentials, User};

use crate::Idp;
use crate::browser::BrowserSecret;
use crate::passwords::{self, Busy, TooLong, Verdict};
use crate::reply::Unavailable;

/// Stands for the user who does not exist, so that looking for his devices costs what it costs for others. No user
/// has this identifier: those are random.
const NOBODY: &str = "nobody";

/// What was typed, and where.
pub(crate) struct Try<'a> {
    /// The browser's address.
    pub(crate) peer: IpAddr,
    /// What the browser has if it has logged somebody in before.
    pub(crate) device: Option<BrowserSecret>,
    /// As typed.
    pub(crate) user_name: String,
    /// As typed.
    pub(crate) password: &'a str,
}

/// The password is the user's.
#[derive(Debug)]
pub(crate) struct Proved {
    /// The user as he was when the password was compared.
    pub(crate) user: User,
    /// What the try was counted by, to be forgiven.
    pub(crate) counted_by: [Digest; 2],
}

/// Why a try counts for nothing. None of these tells whether the user exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TryRefused {
    /// User name or password is empty.
    Missing,
    /// Longer than any password.
    TooLong,
    /// No such user, wrong password, or a disabled user.
    Wrong,
    /// Too many failures: nothing was compared.
    Wait {
        /// Until the next try.
        seconds: u64,
    },
    /// Too many passwords are being compared.
    Busy,
}

impl From<TooLong> for TryRefused {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

impl From<Throttled> for TryRefused {
    fn from(throttled: Throttled) -> Self {
        Self::Wait { seconds: throttled.wait.as_secs().max(1) }
    }
}

impl Idp {
    /// Counts a try as a failure, then compares. Whoever acts on the proof forgives what was counted.
    pub(crate) async fn prove(&self, attempt: Try<'_>) -> Result<Result<Proved, TryRefused>, Unavailable> {
        if attempt.user_name.trim().is_empty() || attempt.password.is_empty() {
            return Ok(Err(TryRefused::Missing));
        }
        let password = match passwords::typed(attempt.password) {
            Ok(password) => password,
            Err(too_long) => return Ok(Err(too_long.into())),
        };
        let name = Name::of(&attempt.user_name);
        let counted_by = [pair_key(name.counted(), attempt.peer), user_key(name.counted())];
        match self.admit(name, attempt.device, counted_by).await? {
            Ok(credentials) => self.compare(password, credentials, counted_by).await,
            Err(throttled) => Ok(Err(throttled.into())),
        }
    }

    /// Looks the user up and counts the try, in the same steps for every name.
    async fn admit(
        &self,
        name: Name,
        device: Option<BrowserSecret>,
        counted_by: [Digest; 2],
    ) -> Result<Result<Option<Credentials>, Throttled>, Unavailable> {
        let (now, throttle) = (self.clock.wall(), self.throttle.clone());
        let nobody = UserId::parse(NOBODY).map_err(|error| Unavailable::Bug(error.to_string()))?;
        self.ledger
            .call(move |registry| {
                let credentials = match &name {
                    Name::Possible(login) => registry.credentials(login)?,
                    Name::Impossible(_) => None,
                };
                let known_device = match &device {
                    Some(device) => {
                        let user = credentials.as_ref().map_or(&nobody, |credentials| &credentials.user.id);
                        registry.is_known_device(user, &device.digest(), now)?
                    }
                    None => false,
                };
                let counted = registry.throttle(&counted_by, throttle.forgotten_after, now, |counters| {
                    count(&throttle, counters, known_device, now)
                })?;
                Ok(counted.map(|()| credentials))
            })
            .await
    }

    async fn compare(
        &self,
        password: Password,
        credentials: Option<Credentials>,
        counted_by: [Digest; 2],
    ) -> Result<Result<Proved, TryRefused>, Unavailable> {
        let stored = credentials.as_ref().map(|credentials| credentials.password.expose().to_owned());
        let Ok(verdict) = self.passwords.verify(password.clone(), stored).await else {
            return Ok(Err(TryRefused::Busy));
        };
        let (Verdict::Right { stale }, Some(Credentials { user, password: compared })) =
            (verdict, credentials)
        else {
            return Ok(Err(TryRefused::Wrong));
        };
        if user.disabled_at.is_some() {
            return Ok(Err(TryRefused::Wrong));
        }
        if stale {
            self.rehash(&user.id, compared, password).await?;
        }
        Ok(Ok(Proved { user, counted_by }))
    }

    /// Brings a hash to today's cost. Not now is soon enough: the next log-in tries again.
    async fn rehash(
        &self,
        user: &UserId,
        compared: PasswordHash,
        password: Password,
    ) -> Result<(), Unavailable> {
        let hash = match self.passwords.hash(password, &*self.entropy).await {
            Ok(hash) => PasswordHash::new(&hash),
            Err(Busy) => return Ok(()),
        };
        let user = user.clone();
        self.ledger.call(move |registry| registry.rehash_password(&user, &compared, &hash)).await
    }
}

/// What was typed as a user name.
enum Name {
    /// The one spelling of a name that a user can have.
    Possible(LoginName),
    /// No user's name, counted like one.
    Impossible(String),
}

impl Name {
    fn of(typed: &str) -> Self {
        LoginName::parse(typed).map_or_else(|_| Self::Impossible(typed.trim().to_lowercase()), Self::Possible)
    }

    fn counted(&self) -> &str {
        match self {
            Self::Possible(login) => login.as_str(),
            Self::Impossible(typed) => typed,
        }
    }
}

/// Of many tries at one instant each is counted before the next is judged.
fn count(
    throttle: &Throttle,
    counters: &mut [Option<Failures>; 2],
    known_device: bool,
    now: Timestamp,
) -> Result<(), Throttled> {
    let [pair, user] = *counters;
    throttle.check(&Counted { pair, user, known_device }, now)?;
    *counters = [pair, user].map(|before| Some(throttle.failed(before, now)));
    Ok(())
}
