//! Password hashing: argon2id with the library's recommended cost, off the async threads, with limited concurrency.
//! Checking the password of an unknown user takes as long as that of a known one.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};
use crate::types::Secret;

/// Minimum length of a password, in characters (NIST SP 800-63B §5.1.1.2).
const MIN_CHARS: usize = 8;
/// Maximum length, in characters: longer ones are no safer, and slow to process.
const MAX_CHARS: usize = 1000;

/// Concurrent hash operations. Each takes some 20 MiB and a core for a moment.
const HASH_CONCURRENCY: usize = 4;

/// The hash to compare with if the user does not exist. No password matches: its own is random and was discarded.
static DUMMY_HASH: LazyLock<Option<String>> =
    LazyLock::new(|| hashed(&Secret::new(hex::encode(crate::clock::random::<32>()))).ok());

/// Computes and verifies password hashes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(HASH_CONCURRENCY)) }
    }
}

impl Passwords {
    /// Returns the hash of a new password.
    ///
    /// # Errors
    /// Invalid for one that is too short or too long.
    pub(super) async fn hash(&self, password: Secret) -> Result<String> {
        check(&password)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(Error::internal)?;
        crate::blocking(move || {
            let _turn = turn;
            hashed(&password)
        })
        .await?
    }

    /// Returns true if the password matches the hash; takes the same time for `None`.
    pub(super) async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool> {
        let turn = self.turns.clone().acquire_owned().await.map_err(Error::internal)?;
        crate::blocking(move || {
            let _turn = turn;
            // First, so that the time does not reveal whether the user exists.
            let dummy = LazyLock::force(&DUMMY_HASH).as_deref();
            let exists = hash.is_some() && password.expose().chars().count() <= MAX_CHARS;
            let hash = if exists { hash.as_deref() } else { dummy };
            let Some(hash) = hash.and_then(|hash| PasswordHash::new(hash).ok()) else { return false };
            let password: String = password.expose().chars().take(MAX_CHARS).collect();
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && exists
        })
        .await
    }
}

/// # Errors
/// Invalid for a password that is too short or too long.
pub(super) fn check(password: &Secret) -> Result<()> {
    match password.expose().chars().count() {
        MIN_CHARS..=MAX_CHARS => Ok(()),
        ..MIN_CHARS => Err(Error::invalid(format!("a password must have at least {MIN_CHARS} characters"))),
        _ => Err(Error::invalid(format!("a password can have at most {MAX_CHARS} characters"))),
    }
}

fn hashed(password: &Secret) -> Result<String> {
    let hashed = Argon2::default().hash_password(password.expose().as_bytes());
    hashed.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn passwords_are_salted_and_can_be_checked() {
        let passwords = Passwords::default();
        let hash = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert_ne!(hash, passwords.hash(secret("correct horse")).await.unwrap());
        assert!(passwords.verify(secret("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(secret("wrong horse"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(secret(""), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn no_password_matches_a_missing_hash() {
        let passwords = Passwords::default();
        for hash in [None, Some(String::new()), Some("$argon2id$damaged".to_owned())] {
            assert!(!passwords.verify(secret("correct horse"), hash).await.unwrap());
        }
        let long = "x".repeat(MAX_CHARS);
        let hash = passwords.hash(secret(&long)).await.unwrap();
        assert!(
            !passwords.verify(secret(&format!("{long}y")), Some(hash)).await.unwrap(),
            "the password is not truncated"
        );
    }

    #[tokio::test]
    async fn a_password_has_a_length() {
        let passwords = Passwords::default();
        for (password, taken) in [("", false), ("short", false), ("ünïcödé", false), ("ünïcödé!", true)] {
            assert_eq!(passwords.hash(secret(password)).await.is_ok(), taken, "{password}");
        }
        assert!(passwords.hash(secret(&"x".repeat(MAX_CHARS + 1))).await.is_err());
    }
}
