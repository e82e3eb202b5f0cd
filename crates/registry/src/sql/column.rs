//! From the columns of a row to our types. A value that its type refuses is an inconsistency, never a panic.

use rusqlite::Row as SqliteRow;
use tokio_postgres::Row as PostgresRow;
use vestibule_domain::identity::{Epoch, Handle, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use vestibule_domain::standing::Standing;
use vestibule_oauth::pkce::CodeChallenge;
use vestibule_oauth::redirect_uri::RedirectUri;
use vestibule_oauth::scope::ScopeSet;

use super::RegistryError;

/// A value as it stands in a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stored<'r> {
    Null,
    Integer(i64),
    Text(&'r str),
    Bytes(&'r [u8]),
    /// Of a kind that we never store.
    Foreign,
}

impl Stored<'_> {
    /// The kind, for messages: the value itself may be a secret.
    const fn kind(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Integer(_) => "number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Foreign => "value of another kind",
        }
    }
}

/// One row of an answer.
pub(crate) enum Row<'r, 's> {
    /// SQLite's.
    Sqlite(&'r SqliteRow<'s>),
    /// PostgreSQL's.
    Postgres(&'r PostgresRow),
}

impl Row<'_, '_> {
    /// The value in a column, by the name that the statement gives it.
    pub(crate) fn get<T: Column>(&self, name: &str) -> Result<T, RegistryError> {
        let value = match self {
            Self::Sqlite(row) => Stored::of_sqlite(row.get_ref(name)?),
            Self::Postgres(row) => row
                .try_get(name)
                .map_err(|error| RegistryError::Inconsistent(format!("no column {name}: {error}")))?,
        };
        T::read(value).ok_or_else(|| {
            RegistryError::Inconsistent(format!("unreadable {} in column {name}", value.kind()))
        })
    }
}

/// What can stand in a column.
pub(crate) trait Column: Sized {
    /// None if the value is none of this kind.
    fn read(value: Stored<'_>) -> Option<Self>;
}

impl Column for i64 {
    fn read(value: Stored<'_>) -> Option<Self> {
        if let Stored::Integer(number) = value { Some(number) } else { None }
    }
}

impl Column for String {
    fn read(value: Stored<'_>) -> Option<Self> {
        if let Stored::Text(text) = value { Some(text.to_owned()) } else { None }
    }
}

impl Column for Vec<u8> {
    fn read(value: Stored<'_>) -> Option<Self> {
        if let Stored::Bytes(bytes) = value { Some(bytes.to_vec()) } else { None }
    }
}

impl<const N: usize> Column for [u8; N] {
    fn read(value: Stored<'_>) -> Option<Self> {
        if let Stored::Bytes(bytes) = value { bytes.try_into().ok() } else { None }
    }
}

impl<T: Column> Column for Option<T> {
    fn read(value: Stored<'_>) -> Option<Self> {
        match value {
            Stored::Null => Some(None),
            value => T::read(value).map(Some),
        }
    }
}

/// Columns whose values are made from simpler ones.
macro_rules! column {
    ($($kind:ty: $from:ty, $convert:expr;)+) => {$(
        impl $crate::sql::Column for $kind {
            fn read(value: $crate::sql::Stored<'_>) -> Option<Self> {
                <$from as $crate::sql::Column>::read(value).and_then($convert)
            }
        }
    )+};
}
pub(crate) use column;

column! {
    bool: i64, |number| match number { 0 => Some(false), 1 => Some(true), _ => None };
    u8: i64, |number| number.try_into().ok();
    u32: i64, |number| number.try_into().ok();
    u64: i64, |number| number.try_into().ok();
    Timestamp: i64, |millis| Some(Timestamp::from_millis(millis));
    Epoch: u32, |number| Some(Epoch::new(number));
    Standing: String, |text| text.parse().ok();
    Handle: [u8; 16], |bytes| Some(Handle::from_bytes(bytes));
    VisitorId: [u8; 16], |bytes| Some(VisitorId::from_bytes(bytes));
    UserId: String, |text| text.parse().ok();
    SiteId: String, |text| text.parse().ok();
    SignOnId: String, |text| text.parse().ok();
    CodeChallenge: [u8; 32], |bytes| Some(bytes.into());
    // The empty set has no text in RFC 6749; ours is the empty one.
    ScopeSet: String, |text| if text.is_empty() { Some(ScopeSet::default()) } else { ScopeSet::parse(&text).ok() };
    Vec<String>: String, |json| serde_json::from_str(&json).ok();
    Vec<RedirectUri>: Vec<String>, |texts| texts.iter().map(|text| RedirectUri::register(text).ok()).collect();
}

/// An enum whose variants are kept as words.
macro_rules! stored_words {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The word that is stored.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What the word stands for.
            pub(crate) fn of_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl From<$name> for $crate::sql::Bind<'_> {
            fn from(word: $name) -> Self {
                Self::Text(word.as_str())
            }
        }

        $crate::sql::column! {
            $name: String, |word| Self::of_word(&word);
        }
    };
}
pub(crate) use stored_words;
