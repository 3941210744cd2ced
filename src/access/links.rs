//! Links: secrets that let in whoever has them, to one part of one dataset.
//!
//! A link, `rsl_` and 43 characters of randomness, is found by its hash; besides, it is stored sealed with the secret of
//! the server, so that those who share can copy it again. Who opens it, with its password if it has one, gets a bearer,
//! `rla_` and as much again, of which only the hash is stored. It is good for an hour at most, and ends as soon as the
//! link is changed or revoked, or the account of who made the link or of who owns the dataset is suspended or closed. A
//! bearer has parts and never a grant, so only the doors for parts open to it, and it sees the revisions that have come
//! since the link was made, unless the link shows the history.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use metastore::{FilePath, ObjectId};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::part::{History, Reach};
use super::{Access, Actor, Fetch, Identity, Limit, Spot, tokens};
use crate::clock;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, Secret, ShareRight};

const LINK: &str = "rsl_";
const BEARER: &str = "rla_";

/// Shortest password of a link, in characters.
pub const PASSWORD_MIN: usize = 6;

/// Longest password of a link, in bytes: to hash more is work for nothing.
const PASSWORD_MAX: usize = 1024;

/// Downloads that are remembered as counted, so that they are not counted again for each piece of a file.
const COUNTED: usize = 10_000;

/// Downloads that were counted lately, by links without a maximum: the hash of opening and subject.
pub(super) type Counted = Arc<Cache<[u8; 32], ()>>;

/// Remembers none yet.
pub(super) fn counted() -> Counted {
    Arc::new(Cache::new(COUNTED))
}

/// What somebody who opened a link has.
#[derive(Debug)]
pub struct Opened {
    pub(super) share: Id,
    dataset: Id,
    /// None for all of it.
    root: Option<FilePath>,
    right: ShareRight,
    /// Under which downloads are counted.
    opening: String,
    /// Whether there is an end to how often it may be used to download.
    is_limited: bool,
    pub(super) history: History,
}

impl Opened {
    /// What it reaches in a dataset, if it is of that.
    pub(super) fn reach(&self, dataset: Id) -> Option<Reach> {
        (self.dataset == dataset).then(|| Reach { root: self.root.clone(), rights: self.right.rights() })
    }
}

/// A new link.
pub fn generate() -> Secret {
    random(LINK)
}

/// A new bearer for somebody who opened a link.
pub fn bearer() -> Secret {
    random(BEARER)
}

fn random(prefix: &str) -> Secret {
    Secret::new(format!("{prefix}{}", BASE64.encode(clock::random::<32>())))
}

/// Whether this is meant to be a link.
pub fn looks_like_link(secret: &Secret) -> bool {
    secret.expose().starts_with(LINK)
}

/// Whether this is meant to be what opening a link gives.
pub fn looks_opened(secret: &Secret) -> bool {
    secret.expose().starts_with(BEARER)
}

/// What is stored of a link or a bearer: its sha256, hex.
pub fn hash(secret: &Secret) -> String {
    tokens::hash(secret)
}

/// What is stored of a link's password: argon2id with the library's recommended cost.
///
/// # Errors
/// Invalid for one that is too short or too long.
pub async fn hash_password(password: Secret) -> Result<String> {
    if password.expose().chars().count() < PASSWORD_MIN || password.expose().len() > PASSWORD_MAX {
        return Err(Error::invalid(format!("the password of a link has {PASSWORD_MIN} to {PASSWORD_MAX} characters")));
    }
    crate::blocking(move || {
        let hashed = Argon2::default().hash_password(password.expose().as_bytes());
        hashed.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
    })
    .await?
}

/// Whether it is the password of which this is stored.
pub async fn fits(password: Secret, stored: String) -> Result<bool> {
    if password.expose().len() > PASSWORD_MAX {
        return Ok(false);
    }
    crate::blocking(move || {
        let stored = PasswordHash::new(&stored).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Argon2::default().verify_password(password.expose().as_bytes(), &stored).is_ok())
    })
    .await?
}

/// What of the history a link shows. Of one that was made before this was asked, the newest revision alone.
fn history(is_whole: bool, since: Option<&str>, made: Millis) -> History {
    // Where there was nothing before, that is all.
    if is_whole || since == Some("") {
        return History::Branch;
    }
    History::Since(since.and_then(|since| ObjectId::from_hex(since.as_bytes()).ok()), made)
}

/// The one sentence for every link that leads nowhere.
pub fn dead() -> Error {
    Error::not_found("this link leads nowhere: it has ended, was taken back, or never was one")
}

/// Leave to send bytes, which has been counted where that is limited.
#[derive(Debug)]
#[must_use = "it is counted in order to send something"]
pub struct Taken(());

impl Access {
    /// Who has a bearer. Each use looks at the link itself, so that nothing outlives it.
    pub(super) async fn by_opening(&self, bearer: &Secret) -> Result<Actor> {
        let over = || Error::unauthenticated("what the link opened has ended; open the link again");
        let now = self.clock.now();
        let hash = hash(bearer);
        let found = self.db.read().await?.opening(&hash).await?;
        let found = found.filter(|found| found.expires_at > now && found.share_ends_at.is_none_or(|end| end > now));
        let found = found.ok_or_else(over)?;
        let root = match found.path.as_str() {
            "" => None,
            // What is stored was parsed once.
            path => Some(path.parse().map_err(Error::internal)?),
        };
        let history = history(found.history, found.since.as_deref(), found.created_at);
        let (share, dataset, right, is_limited) = (found.share_id, found.repo_id, found.right, found.is_counted);
        let opened = Opened { share, dataset, root, right, opening: hash, is_limited, history };
        Ok(Actor { identity: Identity::Link(Arc::new(opened)), limit: Limit::Nothing, session: None })
    }

    /// To be asked before bytes at these places are sent. Who came by a link that may be used so many times only has
    /// used it then: once for the same things, however often, as long as the bearer is good.
    ///
    /// # Errors
    /// Not found where it has been used up.
    pub async fn take(&self, spots: &[Spot<Fetch>]) -> Result<Taken> {
        for spot in spots {
            let Identity::Link(opened) = &spot.actor().identity else { continue };
            let mut paths: Vec<&str> = spots.iter().map(|spot| spot.path().map_or("", FilePath::as_str)).collect();
            paths.sort_unstable();
            let subject = hex::encode(Sha256::digest(paths.join("\n").as_bytes()));
            if !opened.is_limited {
                // Nobody waits for what is counted for information alone.
                let key = Sha256::digest(format!("{}\n{subject}", opened.opening).as_bytes()).into();
                if self.counted.get(&key).is_none() {
                    self.counted.insert(key, ());
                    self.notes.downloaded(opened.opening.clone(), opened.share, subject);
                }
                break;
            }
            if self.db.read().await?.is_counted(&opened.opening, &subject).await? {
                break;
            }
            let mut tx = self.db.write().await?;
            if tx.count_download(&opened.opening, opened.share, &subject, self.clock.now()).await? {
                tx.commit().await?;
                break;
            }
            return Err(dead());
        }
        Ok(Taken(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passwords_are_hashed_slowly_and_checked() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let stored = hash_password(secret("open sesame")).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(fits(secret("open sesame"), stored.clone()).await.unwrap());
        assert!(!fits(secret("open sesam"), stored.clone()).await.unwrap());
        assert!(!fits(secret(""), stored).await.unwrap());
        assert!(hash_password(secret("short")).await.is_err());
        assert!(hash_password(secret(&"x".repeat(2000))).await.is_err());
    }

    #[test]
    fn secrets_are_long_and_told_apart() {
        let (link, bearer) = (generate(), bearer());
        assert_eq!((link.expose().len(), bearer.expose().len()), (47, 47));
        assert!(looks_like_link(&link) && !looks_opened(&link));
        assert!(looks_opened(&bearer) && !looks_like_link(&bearer));
        assert_ne!(link.expose(), generate().expose());
    }
}
