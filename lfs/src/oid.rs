use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// The id of an object: the SHA-256 of its content.
///
/// Its text form is exactly 64 lower-case hexadecimal digits, without the `sha256:` prefix of pointer files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid([u8; 32]);

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an oid is exactly 64 lower-case hexadecimal digits")]
pub struct InvalidOid;

impl Oid {
    /// The oid of the empty object.
    pub const EMPTY: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae,
        0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// Hashes content in memory.
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// Wraps a digest that was computed elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the 64 digits without an allocation.
    pub(crate) fn digits(&self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text
    }
}

impl FromStr for Oid {
    type Err = InvalidOid;

    fn from_str(text: &str) -> Result<Self, InvalidOid> {
        // The hex crate accepts upper case too, which would allow two spellings of one object.
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(InvalidOid);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidOid)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        formatter.pad(std::str::from_utf8(&digits).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Oid({self})")
    }
}

impl Serialize for Oid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Oid;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("64 lower-case hexadecimal digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Oid, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_empty_oid_is_the_hash_of_nothing() {
        assert_eq!(Oid::of(b""), Oid::EMPTY);
        assert_eq!(Oid::EMPTY.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn other_spellings_are_refused() {
        let good = Oid::EMPTY.to_string();
        for bad in [
            String::new(),
            good.to_uppercase(),
            good[1..].to_owned(),
            format!("{good}0"),
            format!("sha256:{good}"),
            format!("{} ", &good[1..]),
            good.replace('e', "g"),
            "é".repeat(32),
            "../".repeat(22),
        ] {
            assert_eq!(bad.parse::<Oid>(), Err(InvalidOid), "{bad}");
        }
    }

    #[test]
    fn json_is_a_plain_string() {
        let text = serde_json::to_string(&Oid::EMPTY).unwrap();
        assert_eq!(text, format!("\"{}\"", Oid::EMPTY));
        assert_eq!(serde_json::from_str::<Oid>(&text).unwrap(), Oid::EMPTY);
        assert!(serde_json::from_str::<Oid>("\"E3\"").is_err());
        assert!(serde_json::from_str::<Oid>("7").is_err());
    }

    proptest! {
        #[test]
        fn text_and_bytes_round_trip(bytes: [u8; 32]) {
            let oid = Oid::from_bytes(bytes);
            prop_assert_eq!(oid.to_string().parse::<Oid>(), Ok(oid));
            prop_assert_eq!(oid.as_bytes(), &bytes);
            prop_assert_eq!(oid.to_string(), hex::encode(bytes));
        }

        #[test]
        fn order_of_bytes_is_order_of_text(left: [u8; 32], right: [u8; 32]) {
            let (left, right) = (Oid::from_bytes(left), Oid::from_bytes(right));
            prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
        }

        #[test]
        fn only_the_canonical_text_parses(text in "\\PC{0,70}|[0-9a-fA-F]{64}|[0-9a-f]{63,65}") {
            let canonical = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let parsed = text.parse::<Oid>();
            prop_assert_eq!(parsed.is_ok(), canonical);
            prop_assert!(parsed.is_err() || parsed.is_ok_and(|oid| oid.to_string() == text));
        }
    }
}
