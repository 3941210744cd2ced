//! Keys of objects in a bucket.

use std::{fmt, str::FromStr};

use crate::{Error, Oid};

const STAGING: &str = "staging/";

/// A key in the bucket, below its prefix.
///
/// An object has the key `ab/cd/<oid>.<place>`: each dataset has its own place for every object that it uploads,
/// so that whatever is stored there was sent with write access to that dataset. An upload that must be verified
/// first has the key `staging/<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Returns the key for one dataset's upload of an object.
    pub fn new(oid: &Oid, place: [u8; 8]) -> Self {
        let oid = oid.to_string();
        Self(format!("{}/{}/{oid}.{}", &oid[..2], &oid[2..4], hex::encode(place)))
    }

    /// Returns the key for one staged upload, by an unguessable id.
    pub fn staging(id: [u8; 16]) -> Self {
        Self(format!("{STAGING}{}", hex::encode(id)))
    }

    /// Returns true if the content at the key is not verified yet.
    pub fn is_staging(&self) -> bool {
        self.0.starts_with(STAGING)
    }

    /// Returns the oid of the object stored at this key; `None` in staging.
    pub fn oid(&self) -> Option<Oid> {
        self.0.get(6..70)?.parse().ok()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = || {
            if let Some(id) = text.strip_prefix(STAGING) {
                return Some(Self::staging(hex::decode(id).ok()?.try_into().ok()?));
            }
            let (oid, place) = text.get(6..)?.split_once('.')?;
            let place: [u8; 8] = hex::decode(place).ok()?.try_into().ok()?;
            Some(Self::new(&oid.parse().ok()?, place))
        };
        parsed().filter(|key| key.0 == text).ok_or_else(|| Error::Invalid(format!("`{text}` is not an object key")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_read_as_they_are_written(oid: [u8; 32], place: [u8; 8], id: [u8; 16]) {
            let oid = Oid::from_bytes(oid);
            let object = Key::new(&oid, place);
            prop_assert_eq!(object.to_string().parse::<Key>().unwrap(), object.clone());
            prop_assert_eq!(object.oid(), Some(oid));
            prop_assert!(!object.is_staging());
            let staging = Key::staging(id);
            prop_assert_eq!(staging.to_string().parse::<Key>().unwrap(), staging.clone());
            prop_assert_eq!(staging.oid(), None);
            prop_assert!(staging.is_staging());
        }

        #[test]
        fn no_two_texts_are_one_key(text in "(staging/)?[0-9a-fA-F/.]{0,96}") {
            if let Ok(key) = text.parse::<Key>() {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let oid = "ab".repeat(32);
        let (staging, place) = ("00".repeat(16), "00".repeat(8));
        for right in [format!("ab/ab/{oid}.{place}"), format!("staging/{staging}")] {
            right.parse::<Key>().unwrap();
        }
        for wrong in [
            String::new(),
            "staging/".into(),
            "staging/../x".into(),
            format!("staging/{staging}00"),
            format!("staging/{}", "AB".repeat(16)),
            format!("ab/cd/{oid}.{place}"),
            format!("ab/ab/{oid}"),
            format!("ab/ab/{}.{place}", oid.to_uppercase()),
            format!("/ab/ab/{oid}.{place}"),
            "ü".repeat(40),
        ] {
            assert!(wrong.parse::<Key>().is_err(), "{wrong}");
        }
    }
}
