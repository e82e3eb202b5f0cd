//! One try at a user name and a password: counted first, then compared, at the same cost whether the user exists or
//! not. Shared by every page that takes a password, so that no page is a way around the counting.

use std::net::IpAddr;
use std::time::Duration;

use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_domain::throttle::{
    Counted, Failures, Throttle, Throttled, network_counts, network_key, pair_key, user_key,
};
use vestibule_ports::authority::Password;
use vestibule_registry::credential::{Digest, PasswordHash};
use vestibule_registry::login_name::LoginName;
use vestibule_registry::user::{Credentials, User};
use vestibule_registry::{Registry, RegistryError};

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
    /// What the try was counted by.
    pub(crate) counted_by: CountedBy,
}

/// The counters of one try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CountedBy {
    /// Failures of this user from this network, and from anywhere: a success forgives them.
    pub(crate) of_user: [Digest; 2],
    /// Failures of whatever user from this network: a success takes back no more than itself, and at the slow pace not
    /// even that.
    pub(crate) take_back: Option<Digest>,
}

/// What a try is counted under before it is admitted.
#[derive(Clone, Copy)]
struct Counters {
    of_user: [Digest; 2],
    of_network: Digest,
    /// Whether the network's failures are held against it at all.
    network_counts: bool,
}

impl CountedBy {
    /// Makes up for having counted a try as a failure whose password was right.
    pub(crate) fn forgive(
        &self,
        registry: &Registry,
        kept: Duration,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        registry.throttle(&self.of_user, kept, now, |of_user| *of_user = [None, None])?;
        let Some(network) = self.take_back else { return Ok(()) };
        registry.throttle(&[network], kept, now, |[network]| {
            *network = network.and_then(Failures::without_one);
        })
    }
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
        let counters = Counters {
            of_user: [pair_key(name.counted(), attempt.peer), user_key(name.counted())],
            of_network: network_key(attempt.peer),
            network_counts: network_counts(attempt.peer, !self.config.trusted_peers.is_empty()),
        };
        match self.admit(name, attempt.device, counters).await? {
            Ok((credentials, counted_by)) => self.compare(password, credentials, counted_by).await,
            Err(throttled) => Ok(Err(throttled.into())),
        }
    }

    /// Looks the user up and counts the try, in the same steps for every name.
    async fn admit(
        &self,
        name: Name,
        device: Option<BrowserSecret>,
        counters: Counters,
    ) -> Result<Result<(Option<Credentials>, CountedBy), Throttled>, Unavailable> {
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
                let Counters { of_user: [pair, user], of_network, network_counts } = counters;
                let keys = [pair, user, of_network];
                let counted = registry.throttle(&keys, throttle.forgotten_after, now, |failures| {
                    count(&throttle, failures, network_counts, known_device, now)
                })?;
                Ok(counted.map(|takes_back| {
                    let take_back = takes_back.then_some(of_network);
                    (credentials, CountedBy { of_user: counters.of_user, take_back })
                }))
            })
            .await
    }

    async fn compare(
        &self,
        password: Password,
        credentials: Option<Credentials>,
        counted_by: CountedBy,
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

/// Of many tries at one instant each is counted before the next is judged. Gives whether the network's count is to be
/// taken back if the password is right.
fn count(
    throttle: &Throttle,
    counters: &mut [Option<Failures>; 3],
    network_counts: bool,
    known_device: bool,
    now: Timestamp,
) -> Result<bool, Throttled> {
    let [pair, user, network] = *counters;
    let held_against = network.filter(|_| network_counts);
    throttle.check(&Counted { pair, user, network: held_against, known_device }, now)?;
    let [pair, user] = [pair, user].map(|before| Some(throttle.failed(before, now)));
    let after = network_counts.then(|| throttle.network_failed(network, now));
    *counters = [pair, user, after.or(network)];
    Ok(after.is_some_and(|after| !throttle.is_paced(after)))
}
