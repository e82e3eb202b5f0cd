//! Passwords: what may become one, and Argon2id on blocking threads behind a bound.
//! Verifying costs the same for a user that does not exist. Must not know HTTP or the registry. RFC 9106.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task;
use vestibule_ports::authority::Password;
use vestibule_ports::entropy::{Entropy, random};

use crate::config::PasswordCost;

/// Shortest new password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// Longest password, in characters. Longer input is refused before it is hashed, never cut.
pub const PASSWORD_CHARS_MAX: usize = 128;

/// Bytes of salt, as RFC 9106 3.1 recommends.
const SALT_BYTES: usize = 16;

/// Passwords of eight characters and more that every guesser tries first, lower case and sorted: far more than the
/// 3,000 of ASVS 6.2.4. Where they come from is told in `well_known.LICENSE`.
static WELL_KNOWN: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("passwords/well_known.txt").lines().collect());

/// The text is longer than any password, so it is not hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("longer than {PASSWORD_CHARS_MAX} characters")]
pub struct TooLong;

/// Why a password may not become a user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Fewer characters than [`PASSWORD_CHARS_MIN`].
    #[error("shorter than {PASSWORD_CHARS_MIN} characters")]
    Short,
    /// On the list of passwords that are guessed first.
    #[error("too well known")]
    WellKnown,
    /// Equal to the user's name.
    #[error("the same as the user name")]
    UserName,
}

/// Every hashing thread is taken and the queue before them is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords to hash at once")]
pub struct Busy;

/// The outcome of comparing a password with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right. `stale` says that its hash has other parameters than today's.
    Right {
        /// To be hashed again while the password is at hand.
        stale: bool,
    },
    /// Wrong password, or no hash to compare with.
    Wrong,
}

/// The hashing threads.
pub struct Passwords {
    hasher: Arc<Hasher>,
    running: Arc<Semaphore>,
    places: Places,
}

/// The places at the hashing threads and in the queue before them. Clones share them.
#[derive(Clone)]
pub struct Places(Arc<Semaphore>);

/// One of them, until it is dropped: its holder's password will be hashed.
pub struct Place(OwnedSemaphorePermit);

struct Hasher {
    argon: Argon2<'static>,
    /// The hash of a random password, compared when there is no user: the same work, never equal.
    nobody: String,
    hashed: AtomicU64,
}

/// Takes what was typed: any characters, NUL included, none of them changed.
pub fn typed(text: &str) -> Result<Password, TooLong> {
    // A character has at most four bytes, so a huge text is refused without being counted.
    let fits = text.len() <= 4 * PASSWORD_CHARS_MAX && text.chars().count() <= PASSWORD_CHARS_MAX;
    if fits { Ok(Password::new(text)) } else { Err(TooLong) }
}

/// Whether this may become the password of the user with this name.
pub fn check_new(password: &Password, user_name: &str) -> Result<(), Weak> {
    if password.expose().chars().count() < PASSWORD_CHARS_MIN {
        return Err(Weak::Short);
    }
    let folded = password.expose().to_lowercase();
    if folded == user_name.to_lowercase() {
        return Err(Weak::UserName);
    }
    if WELL_KNOWN.binary_search(&folded.as_str()).is_ok() {
        return Err(Weak::WellKnown);
    }
    Ok(())
}

impl Places {
    /// Takes one at once, or not at all.
    pub fn take(&self) -> Result<Place, Busy> {
        Arc::clone(&self.0).try_acquire_owned().map(Place).map_err(|_| Busy)
    }
}

impl Passwords {
    /// Threads with this cost. Hashes once, for the user who does not exist.
    pub fn new(cost: &PasswordCost, entropy: &dyn Entropy) -> Result<Self, argon2::Error> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(Params::DEFAULT_OUTPUT_LEN))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon, &random::<32>(entropy), &random(entropy));
        Ok(Self {
            hasher: Arc::new(Hasher { argon, nobody, hashed: AtomicU64::new(0) }),
            running: Arc::new(Semaphore::new(cost.at_once)),
            places: Places(Arc::new(Semaphore::new(cost.at_once + cost.queue))),
        })
    }

    /// Where to take a place before anything else is done about a password.
    pub fn places(&self) -> Places {
        self.places.clone()
    }

    /// Compares `password` with a stored hash, or spends the same work when there is none.
    pub async fn verify(
        &self,
        place: Place,
        password: Password,
        stored: Option<String>,
    ) -> Result<Verdict, Busy> {
        self.run(place, move |hasher| hasher.verify(&password, stored.as_deref())).await
    }

    /// The hash to store for a new password.
    pub async fn hash(&self, password: Password, entropy: &dyn Entropy) -> Result<String, Busy> {
        let salt = random::<SALT_BYTES>(entropy);
        self.run(self.places.take()?, move |hasher| hasher.hash(&password, &salt)).await
    }

    /// How many hashes have been computed: what a log-in costs, countable without a stopwatch.
    pub fn hashed(&self) -> u64 {
        self.hasher.hashed.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        Place(place): Place,
        work: impl FnOnce(&Hasher) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let thread = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Busy)?;
        let hasher = Arc::clone(&self.hasher);
        // The permits go with the work: a caller who hangs up frees no thread that still hashes.
        let hashing = task::spawn_blocking(move || {
            let _held = (place, thread);
            work(&hasher)
        });
        hashing.await.map_err(|_| Busy)
    }
}

impl Hasher {
    fn verify(&self, password: &Password, stored: Option<&str>) -> Verdict {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        let Ok(phc) = PasswordHash::new(stored.unwrap_or(&self.nobody)) else {
            return Verdict::Wrong;
        };
        match self.argon.verify_password(password.expose().as_bytes(), &phc) {
            Ok(()) => Verdict::Right { stale: Params::try_from(&phc).as_ref() != Ok(self.argon.params()) },
            Err(_) => Verdict::Wrong,
        }
    }

    fn hash(&self, password: &Password, salt: &[u8; SALT_BYTES]) -> String {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        hash(&self.argon, password.expose().as_bytes(), salt)
    }
}

fn hash(argon: &Argon2<'_>, password: &[u8], salt: &[u8; SALT_BYTES]) -> String {
    argon
        .hash_password_with_salt(password, salt)
        .expect("the parameters were checked when they were built, and salt and password are in bounds")
        .to_string()
}

#[cfg(test)]
mod tests;
