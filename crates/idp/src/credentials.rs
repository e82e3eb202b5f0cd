//! One try at a user name and a password: counted first, then compared, at the same cost whether the user exists or
//! not. Counted is only what has a place at the hashing threads, so what is put off is no failure. Shared by every page
//! that takes a password, so that no page is a way around the counting.

use std::net::IpAddr;
use std::time::Duration;

use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_domain::throttle::{
    Alarm, Counted, Failures, Throttle, Throttled, device_key, network_counts, network_key, pair_key,
    user_key,
};
use vestibule_ports::authority::Password;
use vestibule_registry::audit::{Act, NOBODY};
use vestibule_registry::credential::{Digest, PasswordHash};
use vestibule_registry::login_name::LoginName;
use vestibule_registry::throttle::Guess;
use vestibule_registry::user::{Credentials, User};
use vestibule_registry::{Registry, RegistryError};

use crate::Idp;
use crate::browser::BrowserSecret;
use crate::passwords::{self, Busy, Place, Places, TooLong, Verdict};
use crate::reply::Unavailable;

/// Who the trail says has guessed.
const BY: &str = "unknown";

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
    /// Failures of this user on this known device or else from this network, and from anywhere: a success forgives
    /// them.
    pub(crate) of_user: [Digest; 2],
    /// Failures of whatever user from this network: a success takes back no more than itself, and at the slow pace not
    /// even that.
    pub(crate) take_back: Option<Digest>,
}

/// A try that has been counted and will be compared.
struct Admitted {
    place: Place,
    credentials: Option<Credentials>,
    counted_by: CountedBy,
}

/// What decides whether and how a try is counted.
#[derive(Clone)]
struct Counting {
    throttle: Throttle,
    places: Places,
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
        match self.admit(name, attempt.peer, attempt.device).await? {
            Ok(admitted) => self.compare(password, admitted).await,
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// Looks the user up and counts the try, in the same steps for every name.
    async fn admit(
        &self,
        name: Name,
        peer: IpAddr,
        device: Option<BrowserSecret>,
    ) -> Result<Result<Admitted, TryRefused>, Unavailable> {
        let now = self.clock.wall();
        let counting = Counting {
            throttle: self.throttle.clone(),
            places: self.passwords.places(),
            network_counts: network_counts(peer, !self.config.trusted_peers.is_empty()),
        };
        let nobody = UserId::parse(NOBODY).map_err(|error| Unavailable::Bug(error.to_string()))?;
        let device = device.map(|device| device.digest());
        self.ledger
            .call(move |registry| {
                let credentials = match &name {
                    Name::Possible(login) => registry.credentials(login)?,
                    Name::Impossible(_) => None,
                };
                let user = credentials.as_ref().map(|credentials| &credentials.user.id);
                let known = match device {
                    Some(device) => {
                        let is_known = registry.is_known_device(user.unwrap_or(&nobody), &device, now)?;
                        is_known.then_some(device)
                    }
                    None => None,
                };
                // A known device is the same wherever it is, and others are never it.
                let own = match &known {
                    Some(device) => device_key(name.counted(), device),
                    None => pair_key(name.counted(), peer),
                };
                let (of_user, of_network) = ([own, user_key(name.counted())], network_key(peer));
                let keys = [of_user[0], of_user[1], of_network];
                let guess = Guess { user, keys: &keys, kept: counting.throttle.forgotten_after };
                let act = Act { at: now, by: BY, from: Some(peer) };
                let counted = registry
                    .count_guess(&guess, &act, |counters| counting.count(counters, known.is_some(), now))?;
                Ok(counted.map(|(place, takes_back)| {
                    let take_back = takes_back.then_some(of_network);
                    Admitted { place, credentials, counted_by: CountedBy { of_user, take_back } }
                }))
            })
            .await
    }

    async fn compare(
        &self,
        password: Password,
        Admitted { place, credentials, counted_by }: Admitted,
    ) -> Result<Result<Proved, TryRefused>, Unavailable> {
        let stored = credentials.as_ref().map(|credentials| credentials.password.expose().to_owned());
        let verdict = self.passwords.verify(place, password.clone(), stored).await;
        let verdict =
            verdict.map_err(|Busy| Unavailable::Bug("a hashing thread broke off its work".to_owned()))?;
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

impl Counting {
    /// Of many tries at one instant each is counted before the next is judged, and none whose password will not be
    /// looked at. Gives the place where it will, whether the network's count is to be taken back if the password is
    /// right, and what the trail is told.
    fn count(
        &self,
        counters: &mut [Option<Failures>; 3],
        known_device: bool,
        now: Timestamp,
    ) -> (Result<(Place, bool), TryRefused>, Option<Alarm>) {
        let throttle = &self.throttle;
        let [own, user, network] = *counters;
        let held_against = network.filter(|_| self.network_counts);
        if let Err(throttled) =
            throttle.check(&Counted { own, user, network: held_against, known_device }, now)
        {
            return (Err(throttled.into()), None);
        }
        let Ok(place) = self.places.take() else { return (Err(TryRefused::Busy), None) };
        let [own, user] = [own, user].map(|before| throttle.failed(before, now));
        let after = self.network_counts.then(|| throttle.network_failed(network, now));
        *counters = [Some(own), Some(user), after.or(network)];
        let takes_back = after.is_some_and(|after| !throttle.is_paced(after));
        (Ok((place, takes_back)), throttle.alarm(own, user, known_device))
    }
}
