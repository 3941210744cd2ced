//! Share links: bearer secrets that give access to one path of a dataset.
//!
//! A link is `rsl_` and 43 random characters. It is looked up by its hash; it is also stored encrypted with the
//! server secret, so that users who share can copy it again. Opening a link, with its password if it has one, returns
//! a bearer token, `rla_` and 43 random characters, of which only the hash is stored. The bearer token is valid for
//! at most an hour, and ends when the link is changed or revoked, or when the account of its creator or of the
//! dataset's owner is suspended or closed. It gives a [`Grant`](super::Grant) for what was shared and
//! never a [`DatasetGrant`](super::DatasetGrant), so only APIs for paths accept it. It sees the revisions
//! since the link was created, unless the link shows the history.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use metastore::{FilePath, ObjectId};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::grant::History;
use super::path_rights::PathRights;
use super::{Access, Actor, CredentialScope, Fetch, Grant, Identity, tokens};
use crate::clock;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, Secret, ShareRight};

const LINK: &str = "rsl_";
const BEARER: &str = "rla_";

/// Minimum length of a link password, in characters.
pub const PASSWORD_MIN: usize = 6;

/// Maximum length of a link password, in bytes: hashing more is wasted work.
const PASSWORD_MAX: usize = 1024;

/// Number of downloads that are remembered as counted, so that they are not counted again for each range of a file.
const COUNTED: usize = 10_000;

/// Recently counted downloads through links without a download limit, by the hash of bearer token and subject.
pub(super) type Counted = Arc<Cache<[u8; 32], ()>>;

/// Creates an empty cache.
pub(super) fn counted() -> Counted {
    Arc::new(Cache::new(COUNTED))
}

/// The access that an opened link gives.
#[derive(Debug)]
pub struct OpenedLink {
    pub(super) share: Id,
    dataset: Id,
    /// Path in the dataset; `None` for the whole dataset.
    root: Option<FilePath>,
    right: ShareRight,
    /// Hash of the bearer token, by which downloads are counted.
    opening: String,
    /// True if the link has a download limit.
    is_limited: bool,
    pub(super) history: History,
}

impl OpenedLink {
    /// Returns the path and rights that the link gives in a dataset; `None` for other datasets.
    pub(super) fn reach(&self, dataset: Id) -> Option<PathRights> {
        (self.dataset == dataset).then(|| PathRights { root: self.root.clone(), rights: self.right.rights() })
    }

    /// Returns the dataset and the folder of a file request, `None` for the root; `None` for other links.
    pub(super) fn upload_folder(&self) -> Option<(Id, Option<FilePath>)> {
        (self.right == ShareRight::Upload).then(|| (self.dataset, self.root.clone()))
    }
}

/// Generates a link.
pub fn generate() -> Secret {
    random(LINK)
}

/// Generates a bearer token for an opened link.
pub fn bearer() -> Secret {
    random(BEARER)
}

fn random(prefix: &str) -> Secret {
    Secret::new(format!("{prefix}{}", BASE64.encode(clock::random::<32>())))
}

/// Returns true if this has the form of a link.
pub fn looks_like_link(secret: &Secret) -> bool {
    secret.expose().starts_with(LINK)
}

/// Returns true if this has the form of a bearer token for an opened link.
pub fn looks_opened(secret: &Secret) -> bool {
    secret.expose().starts_with(BEARER)
}

/// Returns the SHA-256 (hex) of a link or a bearer token, which is what the database stores.
pub fn hash(secret: &Secret) -> String {
    tokens::hash(secret)
}

/// Hashes the password of a link: argon2id with the library's recommended cost.
///
/// # Errors
/// Invalid if it is too short or too long.
pub async fn hash_password(password: Secret) -> Result<String> {
    if password.expose().chars().count() < PASSWORD_MIN || password.expose().len() > PASSWORD_MAX {
        return Err(Error::invalid(format!("a link password must have {PASSWORD_MIN} to {PASSWORD_MAX} characters")));
    }
    crate::blocking(move || {
        let hashed = Argon2::default().hash_password(password.expose().as_bytes());
        hashed.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
    })
    .await?
}

/// Returns true if the password matches this hash.
pub async fn verify_password(password: Secret, stored: String) -> Result<bool> {
    if password.expose().len() > PASSWORD_MAX {
        return Ok(false);
    }
    crate::blocking(move || {
        let stored = PasswordHash::new(&stored).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Argon2::default().verify_password(password.expose().as_bytes(), &stored).is_ok())
    })
    .await?
}

/// Returns the history that a link shows. Links from before the revision was recorded show the newest revision only.
fn history(is_whole: bool, since: Option<&str>, made: Millis) -> History {
    // The dataset was empty at that time, so all revisions are later.
    if is_whole || since == Some("") {
        return History::Branch;
    }
    History::Since(since.and_then(|since| ObjectId::from_hex(since.as_bytes()).ok()), made)
}

/// Returns the one error for every link that is not valid, whatever the reason.
pub fn link_not_found() -> Error {
    Error::not_found("link not found: it does not exist, has expired or was revoked")
}

/// Permission to send bytes; the download has been counted if it is limited.
#[derive(Debug)]
#[must_use = "the download was counted, so it should be sent"]
pub struct DownloadCounted(());

impl Access {
    /// Authenticates a bearer token. Each use checks the link itself, so that no token outlives its link.
    pub(super) async fn by_opening(&self, bearer: &Secret) -> Result<Actor> {
        let over = || Error::unauthenticated("the link session has expired; open the link again");
        let now = self.clock.now();
        let hash = hash(bearer);
        let found = self.db.read().await?.opening(&hash).await?;
        let found = found.filter(|found| found.expires_at > now && found.share_ends_at.is_none_or(|end| end > now));
        let found = found.ok_or_else(over)?;
        let root = match found.path.as_str() {
            "" => None,
            // Stored paths were validated when they were written.
            path => Some(path.parse().map_err(Error::internal)?),
        };
        let history = history(found.history, found.since.as_deref(), found.created_at);
        let (share, dataset, right, is_limited) = (found.share_id, found.repo_id, found.right, found.is_counted);
        let opened = OpenedLink { share, dataset, root, right, opening: hash, is_limited, history };
        Ok(Actor { identity: Identity::Link(Arc::new(opened)), limit: CredentialScope::Nothing, session: None })
    }

    /// Counts a download of these paths; call this before sending their bytes. For links with a download limit, the
    /// same paths count once per bearer token, however often they are downloaded.
    ///
    /// # Errors
    /// Not found if the download limit is reached.
    pub async fn count_download(&self, grants: &[Grant<Fetch>]) -> Result<DownloadCounted> {
        for grant in grants {
            let Identity::Link(opened) = &grant.actor().identity else { continue };
            let mut paths: Vec<&str> = grants.iter().map(|grant| grant.path().map_or("", FilePath::as_str)).collect();
            paths.sort_unstable();
            let subject = hex::encode(Sha256::digest(paths.join("\n").as_bytes()));
            if !opened.is_limited {
                // Counts for information only are written in the background.
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
            return Err(link_not_found());
        }
        Ok(DownloadCounted(()))
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
        assert!(verify_password(secret("open sesame"), stored.clone()).await.unwrap());
        assert!(!verify_password(secret("open sesam"), stored.clone()).await.unwrap());
        assert!(!verify_password(secret(""), stored).await.unwrap());
        assert!(hash_password(secret("short")).await.is_err());
        assert!(hash_password(secret(&"x".repeat(2000))).await.is_err());
    }

    #[test]
    fn secrets_are_long_and_distinguished() {
        let (link, bearer) = (generate(), bearer());
        assert_eq!((link.expose().len(), bearer.expose().len()), (47, 47));
        assert!(looks_like_link(&link) && !looks_opened(&link));
        assert!(looks_opened(&bearer) && !looks_like_link(&bearer));
        assert_ne!(link.expose(), generate().expose());
    }
}
