//! Profiles: what users and organisations say about themselves, and what their pages show.

use sha2::{Digest as _, Sha256};

use super::Accounts;
use crate::access::{OwnerViewGrant, ProfileGrant};
pub use crate::db::profiles::{AffiliationRow, ProfileChange, ProfileRow};
use crate::error::{Error, Result};
use crate::types::{OwnerKind, OwnerName, ReadmeText};

/// Maximum number of organisations or members on a page.
const LISTED: i64 = 100;

/// Maximum size of an avatar in the database, in bytes.
const AVATAR_MAX: usize = 512 << 10;

/// Members or organisations of an owner, as far as the actor may see them.
#[derive(Debug, Default)]
pub struct Affiliations {
    /// Of a user: the organisations.
    pub organisations: Vec<AffiliationRow>,
    /// Of an organisation: the first 100 members, and the number of all; `None` if the actor may not see them.
    pub members: Option<(Vec<AffiliationRow>, u64)>,
}

/// A small picture.
#[derive(Debug)]
pub struct Avatar {
    /// SHA-256 of the picture, in hexadecimal digits.
    pub digest: String,
    /// The file.
    pub picture: Vec<u8>,
    /// Its media type.
    pub media: &'static str,
}

/// Returns the version of a README, by which changes of others are noticed.
pub fn readme_version(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..16])
}

/// Returns the media type of a picture that the engine has made; `None` for anything else.
pub fn media_of(picture: &[u8]) -> Option<&'static str> {
    match picture {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

impl Accounts {
    /// Returns the members or organisations of an owner. Memberships are visible to the user and to members of the organisation.
    pub async fn affiliations(&self, view: &OwnerViewGrant) -> Result<Affiliations> {
        let (profile, inside) = (view.profile(), view.is_inside());
        let mut tx = self.db.read().await?;
        let mut found = Affiliations::default();
        match profile.kind {
            OwnerKind::User if !profile.is_active() && !inside => {}
            OwnerKind::User => {
                found.organisations = tx.organisations_for(profile.id, inside, view.viewer(), LISTED).await?;
            }
            OwnerKind::Organisation if inside => found.members = Some(tx.first_members(profile.id, LISTED).await?),
            OwnerKind::Organisation => {}
        }
        Ok(found)
    }

    /// Changes a profile.
    pub async fn change_profile(&self, by: &ProfileGrant, change: &ProfileChange) -> Result<()> {
        let mut tx = self.db.write().await?;
        let mut rest = change.clone();
        if by.kind() == OwnerKind::User
            && let Some(name) = rest.display_name.take()
        {
            tx.set_display_name(by.owner(), &name).await?;
        }
        tx.change_profile(by.owner(), &rest).await?;
        self.note(&mut tx, by.actor(), "profile.change", by.name(), "").await?;
        tx.commit().await
    }

    /// Replaces the README, if it still has the version `expected`. Returns the new version.
    ///
    /// # Errors
    /// Precondition failed if it was changed meanwhile.
    pub async fn set_readme(&self, by: &ProfileGrant, text: &ReadmeText, expected: Option<&str>) -> Result<String> {
        let mut tx = self.db.write().await?;
        tx.lock_name(&format!("profile {}", by.owner())).await?;
        let known = tx.profile_by_id(by.owner()).await?.ok_or_else(|| Error::not_found("the account was deleted"))?;
        if expected.is_some_and(|expected| expected != readme_version(&known.readme)) {
            return Err(Error::precondition(
                "the README was changed meanwhile; load it again, and apply your change to the new text",
            ));
        }
        tx.set_readme(by.owner(), text).await?;
        self.note(&mut tx, by.actor(), "profile.readme", by.name(), "").await?;
        tx.commit().await?;
        Ok(readme_version(text.as_str()))
    }

    /// Replaces the avatar by a picture that an engine has made. Returns its digest.
    ///
    /// # Errors
    /// Internal if it is no such picture.
    pub async fn set_avatar(&self, by: &ProfileGrant, picture: &[u8]) -> Result<String> {
        if media_of(picture).is_none() || picture.len() > AVATAR_MAX {
            return Err(Error::internal("the engine has not made a small picture"));
        }
        let digest = hex::encode(Sha256::digest(picture));
        let mut tx = self.db.write().await?;
        tx.put_avatar(by.owner(), &digest, picture).await?;
        self.note(&mut tx, by.actor(), "profile.avatar", by.name(), &digest).await?;
        tx.commit().await?;
        Ok(digest)
    }

    /// Removes the avatar, if there is one.
    pub async fn remove_avatar(&self, by: &ProfileGrant) -> Result<()> {
        let mut tx = self.db.write().await?;
        if tx.delete_avatar(by.owner()).await? {
            self.note(&mut tx, by.actor(), "profile.avatar", by.name(), "removed").await?;
        }
        tx.commit().await
    }

    /// Returns the avatar of an owner to a caller who knows its digest: it cannot be guessed.
    pub async fn avatar_with_digest(&self, name: &OwnerName, digest: &str) -> Result<Option<Avatar>> {
        Ok(self.find_avatar(name.as_str()).await?.filter(|found| found.digest == digest))
    }

    /// Returns the avatar of an owner.
    ///
    /// # Errors
    /// Not found if there is none.
    pub async fn avatar(&self, view: &OwnerViewGrant) -> Result<Avatar> {
        let name = &view.profile().name;
        let found = self.find_avatar(name).await?;
        found.ok_or_else(|| Error::not_found(format!("`{name}` has no avatar; pages show initials instead")))
    }

    async fn find_avatar(&self, name: &str) -> Result<Option<Avatar>> {
        let found = self.db.read().await?.avatar(name).await?;
        Ok(found.and_then(|(digest, picture)| Some(Avatar { media: media_of(&picture)?, digest, picture })))
    }
}
