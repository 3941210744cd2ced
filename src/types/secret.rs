//! Secret text: passwords, tokens, and URLs that contain one.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// Text that must never be logged or compared carelessly. It has no `Debug` and no `Display`; uses of
/// [`Secret::expose`] are easy to find in a review.
#[derive(Clone)]
pub struct Secret(String);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

/// By default, serde's error messages repeat the number or boolean that was found in the place of text: here that may
/// be a password that consists of digits.
struct SecretVisitor;

const SECRET_IS_TEXT: &str =
    "this must be a string: put it in double quotes, and in an environment variable also in single ones: '\"123\"'";

macro_rules! no_secret {
    ($($visit:ident: $kind:ty),+) => {
        $(fn $visit<E: Error>(self, _: $kind) -> Result<Secret, E> {
            Err(E::custom(SECRET_IS_TEXT))
        })+
    };
}

impl Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Secret, E> {
        Ok(Secret(text))
    }

    no_secret!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64);
}

impl Secret {
    /// Takes ownership of secret text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the secret text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_text_is_not_repeated_in_errors() {
        let text: Secret = serde_json::from_str("\"12345678\"").unwrap();
        assert_eq!(text.expose(), "12345678");
        for json in ["12345678", "-12345678", "12345678.5", "true", "[\"12345678\"]", "{\"12345678\": 1}"] {
            let refusal = serde_json::from_str::<Secret>(json).err().unwrap().to_string();
            assert!(!refusal.contains("12345678") && !refusal.contains("true"), "{refusal}");
        }
    }
}
