//! Identifiers with a kind, so that one is never taken for another.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Chance, UtcTime};

/// An identifier of a `T`: a UUID version 7 (RFC 9562), written in lower-case hexadecimal with hyphens.
///
/// Sorting by it sorts by the time of making.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id<T: ?Sized> {
    uuid: uuid::Uuid,
    #[serde(skip)]
    kind: PhantomData<fn() -> Box<T>>,
}

impl<T: ?Sized> Id<T> {
    /// A fresh identifier.
    pub fn new(now: UtcTime, chance: &Chance) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &chance.bytes()).into_uuid();
        Self { uuid, kind: PhantomData }
    }
}

impl<T: ?Sized> FromStr for Id<T> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let uuid = uuid::Uuid::try_parse(text).map_err(|_| IdError)?;
        Ok(Self { uuid, kind: PhantomData })
    }
}

/// The text is not an identifier.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("an identifier is a UUID of 36 characters, such as 0197f0c2-5b1e-7c3a-9d2f-3a1b5c7d9e0f")]
pub struct IdError;

impl<T: ?Sized> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}

impl<T: ?Sized> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}

impl<T: ?Sized> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Id<T> {}

impl<T: ?Sized> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<T: ?Sized> Eq for Id<T> {}

impl<T: ?Sized> std::hash::Hash for Id<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}
