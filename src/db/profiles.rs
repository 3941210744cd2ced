//! Profiles of users and organisations, their avatars, and what their pages list.

use sqlx_macros::FromRow;

use super::query::{query, query_scalar};
use super::{Tx, unsigned};
use crate::error::Result;
use crate::types::{Bio, DisplayName, Id, Millis, OwnerKind, Place, ReadmeText, Role, Website};

/// A user or an organisation with its profile.
#[derive(Debug, Clone, FromRow)]
pub struct ProfileRow {
    /// Id of the owner.
    pub id: Id,
    /// Name of the owner.
    pub name: String,
    /// User or organisation.
    pub kind: OwnerKind,
    /// Creation time.
    pub created_at: Millis,
    /// When the user was suspended.
    pub suspended_at: Option<Millis>,
    /// When the account was closed.
    pub closed_at: Option<Millis>,
    /// Full name; may be empty.
    pub display_name: String,
    /// What they do; may be empty.
    pub bio: String,
    /// Address of the web site; may be empty.
    pub website: String,
    /// Where they are; may be empty.
    pub place: String,
    /// README in Markdown; may be empty.
    pub readme: String,
    /// Digest of the avatar.
    pub avatar: Option<String>,
}

impl ProfileRow {
    /// Returns false for a user who is suspended or has closed the account.
    pub fn is_active(&self) -> bool {
        self.suspended_at.is_none() && self.closed_at.is_none()
    }

    /// Returns true if something was filled in apart from the full name.
    pub fn is_filled_in(&self) -> bool {
        let texts = [&self.bio, &self.website, &self.place, &self.readme];
        self.avatar.is_some() || texts.iter().any(|text| !text.is_empty())
    }
}

/// A member of an organisation, or an organisation of a user.
#[derive(Debug, Clone, FromRow)]
pub struct AffiliationRow {
    /// Name of the user or organisation.
    pub name: String,
    /// Full name; may be empty.
    pub display_name: String,
    /// Digest of the avatar.
    pub avatar: Option<String>,
    /// The role of the user in the organisation.
    pub role: Role,
}

/// Changes to a profile. `None` keeps what there is.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    /// The full name.
    pub display_name: Option<DisplayName>,
    /// What they do.
    pub bio: Option<Bio>,
    /// The address of the web site.
    pub website: Option<Website>,
    /// Where they are.
    pub place: Option<Place>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.name, o.kind, o.created_at, a.suspended_at, a.closed_at,
                    COALESCE(a.display_name, p.display_name, '') AS display_name, COALESCE(p.bio, '') AS bio,
                    COALESCE(p.website, '') AS website, COALESCE(p.place, '') AS place,
                    COALESCE(p.readme, '') AS readme, v.digest AS avatar
             FROM owner o LEFT JOIN account a ON a.owner_id = o.id LEFT JOIN profile p ON p.owner_id = o.id
             LEFT JOIN avatar v ON v.owner_id = o.id ",
            $rest
        )
    };
}

impl Tx {
    /// Returns the owner with this name, with the profile.
    pub async fn profile(&mut self, name: &str) -> Result<Option<ProfileRow>> {
        Ok(query(select!("WHERE o.name = $1")).bind(name).fetch_optional(self).await?)
    }

    /// Returns the owner with this id, with the profile.
    pub async fn profile_by_id(&mut self, id: Id) -> Result<Option<ProfileRow>> {
        Ok(query(select!("WHERE o.id = $1")).bind(id).fetch_optional(self).await?)
    }

    /// Changes the profile of an organisation, or that of a user except for the full name.
    pub async fn change_profile(&mut self, owner: Id, change: &ProfileChange) -> Result<()> {
        self.begin_profile(owner).await?;
        let sql = "UPDATE profile SET display_name = COALESCE($2, display_name), bio = COALESCE($3, bio),
                                      website = COALESCE($4, website), place = COALESCE($5, place)
                   WHERE owner_id = $1";
        query(sql)
            .bind(owner)
            .bind(change.display_name.as_ref().map(DisplayName::as_str))
            .bind(change.bio.as_ref().map(Bio::as_str))
            .bind(change.website.as_ref().map(Website::as_str))
            .bind(change.place.as_ref().map(Place::as_str))
            .execute(self)
            .await?;
        Ok(())
    }

    /// Replaces the README.
    pub async fn set_readme(&mut self, owner: Id, text: &ReadmeText) -> Result<()> {
        self.begin_profile(owner).await?;
        let sql = "UPDATE profile SET readme = $2 WHERE owner_id = $1";
        query(sql).bind(owner).bind(text.as_str()).execute(self).await?;
        Ok(())
    }

    async fn begin_profile(&mut self, owner: Id) -> Result<()> {
        let sql = "INSERT INTO profile (owner_id) VALUES ($1) ON CONFLICT (owner_id) DO NOTHING";
        query(sql).bind(owner).execute(self).await?;
        Ok(())
    }

    /// Replaces the avatar.
    pub async fn put_avatar(&mut self, owner: Id, digest: &str, picture: &[u8]) -> Result<()> {
        let sql = "INSERT INTO avatar (owner_id, digest, picture) VALUES ($1, $2, $3)
                   ON CONFLICT (owner_id) DO UPDATE SET digest = excluded.digest, picture = excluded.picture";
        query(sql).bind(owner).bind(digest).bind(picture).execute(self).await?;
        Ok(())
    }

    /// Removes the avatar; returns false if there was none.
    pub async fn delete_avatar(&mut self, owner: Id) -> Result<bool> {
        Ok(query("DELETE FROM avatar WHERE owner_id = $1").bind(owner).execute(self).await? > 0)
    }

    /// Returns the digest and the picture of an avatar. Those of suspended users and closed accounts are not shown.
    pub async fn avatar(&mut self, name: &str) -> Result<Option<(String, Vec<u8>)>> {
        let sql = "SELECT v.digest, v.picture FROM owner o JOIN avatar v ON v.owner_id = o.id
                   LEFT JOIN account a ON a.owner_id = o.id
                   WHERE o.name = $1 AND a.suspended_at IS NULL AND a.closed_at IS NULL";
        Ok(query(sql).bind(name).fetch_optional(self).await?)
    }

    /// Returns the organisations of a user, by name: all, or those that `viewer` is a member of, too.
    pub async fn organisations_for(
        &mut self,
        user: Id,
        all: bool,
        viewer: Option<Id>,
        limit: i64,
    ) -> Result<Vec<AffiliationRow>> {
        let sql = "SELECT o.name, COALESCE(p.display_name, '') AS display_name, v.digest AS avatar, m.role
                   FROM member m JOIN owner o ON o.id = m.organisation_id LEFT JOIN profile p ON p.owner_id = o.id
                   LEFT JOIN avatar v ON v.owner_id = o.id
                   WHERE m.user_id = $1 AND ($2 OR EXISTS (
                       SELECT 1 FROM member n WHERE n.organisation_id = m.organisation_id AND n.user_id = $3))
                   ORDER BY o.name LIMIT $4";
        let viewer = viewer.map(|id| id.to_string()).unwrap_or_default();
        Ok(query(sql).bind(user).bind(all).bind(viewer).bind(limit).fetch_all(self).await?)
    }

    /// Returns the first members of an organisation, by name, and the number of all.
    pub async fn first_members(&mut self, organisation: Id, limit: i64) -> Result<(Vec<AffiliationRow>, u64)> {
        let sql =
            "SELECT o.name, a.display_name, v.digest AS avatar, m.role FROM member m JOIN owner o ON o.id = m.user_id
                   JOIN account a ON a.owner_id = o.id LEFT JOIN avatar v ON v.owner_id = o.id
                   WHERE m.organisation_id = $1 ORDER BY o.name LIMIT $2";
        let first = query(sql).bind(organisation).bind(limit).fetch_all(self).await?;
        let sql = "SELECT COUNT(*) FROM member WHERE organisation_id = $1";
        let count: i64 = query_scalar(sql).bind(organisation).fetch_one(self).await?;
        Ok((first, unsigned(count)))
    }
}
