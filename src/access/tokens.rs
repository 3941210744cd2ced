//! Personal tokens: `rut_` and 43 characters of randomness. Only the hash is
//! stored; the randomness is long enough that a plain hash is safe.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest as _, Sha256};

use super::rights::{Fetch, Own, Read, Right as _, Rights, Write};
use crate::clock;
use crate::error::{Error, Result};
use crate::types::{RepoPath, Secret};

const PREFIX: &str = "rut_";

/// A new token. It is shown once and never stored.
pub fn generate() -> Secret {
    Secret::new(format!("{PREFIX}{}", BASE64.encode(clock::random::<32>())))
}

/// Whether this is meant to be a personal token.
pub fn looks_personal(token: &Secret) -> bool {
    token.expose().starts_with(PREFIX)
}

/// Whether this is meant to be a JSON Web Token (RFC 7519 §3).
pub fn looks_signed(token: &Secret) -> bool {
    token.expose().split('.').count() == 3
}

/// What is stored of a token: its sha256, hex.
pub fn hash(token: &Secret) -> String {
    hex::encode(Sha256::digest(token.expose().as_bytes()))
}

/// Longest name of a token, in characters.
pub const NAME_MAX: usize = 100;

/// What its user calls a token. Names end up on terminals, so they hold no
/// control characters; they say something, in [`NAME_MAX`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let refuse = |why: &str| Err(Error::invalid(format!("`{}` cannot name a token: {why}", name.escape_debug())));
        if name.trim().is_empty() {
            return refuse("it says nothing");
        }
        if name.chars().count() > NAME_MAX {
            return refuse(&format!("it has more than {NAME_MAX} characters"));
        }
        if name.chars().any(char::is_control) {
            return refuse("it holds control characters");
        }
        Ok(Self(name.to_owned()))
    }
}

/// What a personal token is for: `read`, `write` or `own`, of everything that
/// its user may, or of one dataset: `write:owner/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenScope {
    level: Level,
    dataset: Option<RepoPath>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Read,
    Write,
    Own,
}

impl TokenScope {
    /// All that the user may do.
    pub const ALL: Self = Self { level: Level::Own, dataset: None };

    /// Reads what the database has; what cannot be read opens nothing.
    pub fn parse_list(text: &str) -> Vec<Self> {
        text.split_ascii_whitespace().filter_map(|scope| scope.parse().ok()).collect()
    }

    fn rights(&self) -> Rights {
        let read = Read::RIGHTS.with(Fetch::RIGHTS);
        match self.level {
            Level::Read => read,
            Level::Write => read.with(Write::RIGHTS),
            Level::Own => read.with(Own::RIGHTS),
        }
    }
}

impl FromStr for TokenScope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (level, dataset) = match text.split_once(':') {
            Some((level, dataset)) => (level, Some(dataset.parse()?)),
            None => (text, None),
        };
        let level = match level {
            "read" => Level::Read,
            "write" => Level::Write,
            "own" => Level::Own,
            _ => {
                return Err(Error::invalid(format!(
                    "`{}` is not a scope: use read, write or own, alone or for one dataset as in write:OWNER/NAME",
                    text.escape_debug()
                )));
            }
        };
        Ok(Self { level, dataset })
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Read => "read",
            Level::Write => "write",
            Level::Own => "own",
        })?;
        match &self.dataset {
            Some(dataset) => write!(f, ":{dataset}"),
            None => Ok(()),
        }
    }
}

/// What a token's scopes leave of the rights on a dataset.
pub fn open(scopes: &[TokenScope], path: &RepoPath) -> Rights {
    scopes
        .iter()
        .filter(|scope| scope.dataset.as_ref().is_none_or(|dataset| dataset == path))
        .fold(Rights::NONE, |rights, scope| rights.with(scope.rights()))
}

/// What a token's scopes leave of rights on whatever there is.
pub(super) fn open_everywhere(scopes: &[TokenScope]) -> Rights {
    let unlimited = scopes.iter().filter(|scope| scope.dataset.is_none());
    unlimited.fold(Rights::NONE, |rights, scope| rights.with(scope.rights()))
}

/// The single datasets that a token's scopes name.
pub(super) fn datasets(scopes: &[TokenScope]) -> impl Iterator<Item = &RepoPath> {
    scopes.iter().filter_map(|scope| scope.dataset.as_ref())
}

#[cfg(test)]
mod tests;
