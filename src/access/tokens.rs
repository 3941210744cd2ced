//! Personal access tokens: `rut_` and 43 random characters. Only the hash is stored; the token has so much randomness
//! that a plain hash is safe.

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

/// Generates a token. It is shown once and never stored.
pub fn generate() -> Secret {
    Secret::new(format!("{PREFIX}{}", BASE64.encode(clock::random::<32>())))
}

/// Returns true if this has the form of a personal token.
pub fn looks_personal(token: &Secret) -> bool {
    token.expose().starts_with(PREFIX)
}

/// Returns true if this has the form of a JSON Web Token (RFC 7519 §3).
pub fn looks_signed(token: &Secret) -> bool {
    token.expose().split('.').count() == 3
}

/// Returns the SHA-256 (hex) of a token, which is what the database stores.
pub fn hash(token: &Secret) -> String {
    hex::encode(Sha256::digest(token.expose().as_bytes()))
}

/// Maximum length of a token's name, in characters.
pub const NAME_MAX: usize = 100;

/// The name of a token, chosen by its user. It is not blank, has at most [`NAME_MAX`] characters, and no control
/// characters, since names end up on terminals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let refuse = |why: &str| Err(Error::invalid(format!("invalid name `{}`: {why}", name.escape_debug())));
        if name.trim().is_empty() {
            return refuse("it is blank");
        }
        if name.chars().count() > NAME_MAX {
            return refuse(&format!("it has more than {NAME_MAX} characters"));
        }
        if name.chars().any(|c| c.is_control() || is_invisible(c)) {
            return refuse("it contains control characters or invisible ones");
        }
        Ok(Self(name.to_owned()))
    }
}

/// Returns true for characters that are not seen, but change how others look: of zero width, or of another direction.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Scope of a personal token: `read`, `write` or `own`, for everything that its user can access, or for one dataset:
/// `write:owner/name`.
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
    /// Everything that the user can do.
    pub const ALL: Self = Self { level: Level::Own, dataset: None };

    /// Parses the scopes in the database; invalid ones grant nothing.
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
                    "`{}` is not a scope: use read, write or own, alone or for one dataset, e.g. write:OWNER/NAME",
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

/// Returns the rights on a dataset that a token's scopes allow.
pub fn open(scopes: &[TokenScope], path: &RepoPath) -> Rights {
    scopes
        .iter()
        .filter(|scope| scope.dataset.as_ref().is_none_or(|dataset| dataset == path))
        .fold(Rights::NONE, |rights, scope| rights.with(scope.rights()))
}

/// Returns the rights on everything that a token's scopes allow.
pub(super) fn open_everywhere(scopes: &[TokenScope]) -> Rights {
    let unlimited = scopes.iter().filter(|scope| scope.dataset.is_none());
    unlimited.fold(Rights::NONE, |rights, scope| rights.with(scope.rights()))
}

/// Returns the single datasets that a token's scopes name.
pub(super) fn datasets(scopes: &[TokenScope]) -> impl Iterator<Item = &RepoPath> {
    scopes.iter().filter_map(|scope| scope.dataset.as_ref())
}

#[cfg(test)]
mod tests;
