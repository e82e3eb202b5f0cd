//! Values on the wire of PostgreSQL. Three types are all that our schema has: BIGINT, TEXT, BYTEA.

use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::sql::{Bind, Stored};

type Fault = Box<dyn Error + Sync + Send>;

impl ToSql for Bind<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        match *self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Integer(number) if *kind == Type::INT8 => out.put_i64(number),
            Self::Text(text) if is_text(kind) => out.put_slice(text.as_bytes()),
            Self::Bytes(bytes) if *kind == Type::BYTEA => out.put_slice(bytes),
            Self::Integer(_) | Self::Text(_) | Self::Bytes(_) => {
                return Err(format!("a statement takes another value for {kind}").into());
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        is_ours(kind)
    }

    to_sql_checked!();
}

/// A parameter is never printed: it may be a secret.
impl std::fmt::Debug for Bind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bind(..)")
    }
}

impl<'r> FromSql<'r> for Stored<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Fault> {
        Ok(match *kind {
            Type::INT8 => Self::Integer(i64::from_be_bytes(raw.try_into()?)),
            Type::BYTEA => Self::Bytes(raw),
            _ if is_text(kind) => Self::Text(std::str::from_utf8(raw)?),
            _ => Self::Foreign,
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Fault> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn is_ours(kind: &Type) -> bool {
    *kind == Type::INT8 || *kind == Type::BYTEA || is_text(kind)
}

fn is_text(kind: &Type) -> bool {
    *kind == Type::TEXT || *kind == Type::NAME || *kind == Type::VARCHAR
}
