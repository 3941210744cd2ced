//! Rights from shares, and the permission check for sharing.
//!
//! ```compile_fail,E0308
//! use rutter::access::{DatasetGrant, Own, ShareGrant};
//! // Owning is not enough: apps and links must not share, and a grant does not tell them apart.
//! fn share(grant: DatasetGrant<Own>) -> ShareGrant {
//!     grant
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use rutter::access::{DatasetGrant, Own, ShareGrant};
//! // The sharing check cannot be forged: its field is private.
//! fn forge(grant: DatasetGrant<Own>) -> ShareGrant {
//!     ShareGrant { grant }
//! }
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use metastore::FilePath;

use super::base_rights::{base_rights, restrict};
use super::grant::open;
use super::path_rights::{PathRights, stored_root};
use super::{Access, Actor, CredentialScope, DatasetGrant, Fetch, Identity, Own, Read, Right as _, Rights, Write};
use crate::db::Tx;
use crate::db::query_cache::Known;
use crate::db::shares::SharedRow;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, RepoPath, ShareRight};

/// Minimum interval between updates of a share's last use.
const NOTED: Duration = Duration::from_hours(1);

/// A permission check that passed: this actor may share this dataset, or parts of it.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct ShareGrant {
    grant: DatasetGrant<Own>,
}

impl ShareGrant {
    /// Returns the grant that sharing requires.
    pub fn grant(&self) -> &DatasetGrant<Own> {
        &self.grant
    }
}

/// Keeps the shares of a dataset in line with its files: those of deleted files end, since a later file at the same path
/// is a different one, which was not shared; those of renamed files (old path, new path) move along, in this order.
pub(crate) async fn keep_shares(
    tx: &mut Tx,
    dataset: Id,
    deleted: &[&str],
    renamed: &[(FilePath, FilePath)],
) -> Result<()> {
    if deleted.is_empty() && renamed.is_empty() {
        return Ok(());
    }
    let mut shared = SharedPaths(tx.all_shared_paths(dataset).await?.into_iter().collect());
    for path in deleted.iter().filter(|path| shared.any_at(path)) {
        tx.end_shares(dataset, path).await?;
    }
    for (from, to) in renamed {
        if shared.any_at(from.as_str()) || shared.any_at(to.as_str()) {
            tx.move_shares(dataset, from.as_str(), to.as_str()).await?;
            shared.rename(from.as_str(), to.as_str());
        }
    }
    Ok(())
}

/// The paths of a dataset that have shares: of the thousands that a change moves, most have none.
struct SharedPaths(BTreeSet<String>);

impl SharedPaths {
    /// Returns the shared paths at and below a path.
    fn at(&self, path: &str) -> impl Iterator<Item = &String> {
        let below = format!("{path}/");
        let first = self.0.get(path);
        let inside = self.0.range(below.clone()..).take_while(move |other| other.starts_with(&below));
        first.into_iter().chain(inside)
    }

    fn any_at(&self, path: &str) -> bool {
        self.at(path).next().is_some()
    }

    /// Moves what is at a path in place of what is at another one.
    fn rename(&mut self, from: &str, to: &str) {
        let replaced: Vec<String> = self.at(to).cloned().collect();
        for path in &replaced {
            self.0.remove(path);
        }
        let moved: Vec<String> = self.at(from).cloned().collect();
        for old in moved {
            self.0.remove(&old);
            self.0.insert(format!("{to}{}", old.strip_prefix(from).unwrap_or_default()));
        }
    }
}

impl ShareRight {
    /// Returns the set of rights that this right includes.
    pub(super) fn rights(self) -> Rights {
        let read = Read::RIGHTS.with(Fetch::RIGHTS);
        match self {
            // Not even `Upload`, which includes reading: `FileRequestGrant` is all that it gives.
            Self::Upload => Rights::NONE,
            Self::View => read,
            Self::Edit => read.with(Write::RIGHTS),
        }
    }
}

impl Actor {
    /// Returns true if the actor can share what it owns: never for links and apps.
    pub(super) fn may_share(&self) -> bool {
        let is_app = matches!(self.limit, CredentialScope::App(_));
        match self.identity {
            Identity::Anonymous | Identity::Link(_) => false,
            Identity::User { .. } | Identity::Guest { .. } | Identity::Operator => !is_app,
        }
    }
}

impl Access {
    /// Checks that the actor may share the dataset and parts of it.
    ///
    /// # Errors
    /// As for [`Access::authorize`] of [`Own`]; forbidden for an app, whatever the rights of its user.
    pub async fn authorize_sharing(&self, actor: &Actor, path: &RepoPath) -> Result<ShareGrant> {
        // First, so that an actor without read access gets the error of a missing dataset.
        let readable = self.authorize::<Read>(actor, path).await?;
        if !actor.may_share() && !actor.is_anonymous() {
            let refusal =
                Error::forbidden(format!("`{}` cannot be shared by an app or through a link", readable.full_name()));
            return Err(self.notes.refused(actor, "share", path, refusal));
        }
        Ok(ShareGrant { grant: self.authorize(actor, path).await? })
    }

    /// Returns the actor's rights in the dataset: first those on the whole of it, then those on parts.
    pub(super) fn reach(&self, actor: &Actor, path: &RepoPath, known: &Known, by_object: Rights) -> Vec<PathRights> {
        // No credential restricts what everyone may do.
        let mut all = vec![PathRights { root: None, rights: open(&known.dataset) }];
        if let Identity::Link(opened) = &actor.identity {
            all.extend(opened.reach(known.dataset.id));
            return all;
        }
        let now = self.clock.now();
        let mut reach = vec![PathRights { root: None, rights: base_rights(actor, &known.dataset, known.role) }];
        for share in known.shares.iter().filter(|share| counts(share, actor, now)) {
            // Stored paths were validated when they were written; an invalid one gives no access.
            let Ok(root) = stored_root(&share.path) else { continue };
            reach.push(PathRights { root, rights: share.right.rights() });
        }
        all.extend(restrict(actor, (known.dataset.id, path), reach, by_object));
        all
    }

    /// Returns the datasets that are shared with the user as a whole.
    pub(super) async fn shared_datasets(&self, tx: &mut Tx, actor: &Actor, user: Id) -> Result<Vec<Id>> {
        tx.datasets_shared_with(user, self.clock.now(), actor.app()).await
    }

    /// Returns true if the actor can read a path of a dataset. The user did not ask for this dataset, so a denial is
    /// not audited.
    ///
    /// # Errors
    /// Database errors.
    pub async fn reaches(&self, actor: &Actor, path: &RepoPath, at: Option<&FilePath>) -> Result<bool> {
        let reached = self.reached(actor, path, Rights::NONE).await?;
        Ok(reached.is_some_and(|reached| reached.rights(at).has(Read::RIGHTS)))
    }

    /// Returns true if [`Access::authorize_sharing`] would allow it. A denial is not audited.
    ///
    /// # Errors
    /// Database errors.
    pub async fn may_share(&self, actor: &Actor, path: &RepoPath) -> Result<bool> {
        Ok(actor.may_share() && self.authorize_silently::<Own>(actor, path).await?.is_some())
    }

    /// Queues an update of the last use of the shares that gave the actor access to a path.
    pub(super) fn note_shares(&self, actor: &Actor, known: &Known, paths: &[Option<FilePath>]) {
        let now = self.clock.now();
        let old = |share: &&SharedRow| share.last_used_at.is_none_or(|last| last < now.minus(NOTED));
        for share in known.shares.iter().filter(old).filter(|share| counts(share, actor, now)) {
            let is_used = match stored_root(&share.path) {
                Ok(None) => !paths.is_empty(),
                Ok(Some(root)) => paths.iter().flatten().any(|path| *path == root || path.is_inside(&root)),
                Err(_) => false,
            };
            if is_used {
                self.notes.shared(share.id);
            }
        }
    }
}

/// Returns true if a share has not expired and applies to the actor: a share for an app applies through that app
/// only.
fn counts(share: &SharedRow, actor: &Actor, now: Millis) -> bool {
    let by_way = match (&share.app, &actor.limit) {
        (None, _) => true,
        (Some(app), CredentialScope::App(grant)) => app == grant.app(),
        (Some(_), _) => false,
    };
    by_way && share.expires_at.is_none_or(|end| end > now)
}

#[cfg(test)]
mod tests {
    use super::super::AppGrant;
    use super::super::tokens::TokenScope;
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn shared_paths_follow_renames() {
        let mut shared = SharedPaths(["a", "b/c", "b/c/d", "b.c"].map(str::to_owned).into());
        let at = |shared: &SharedPaths| ["a", "b", "b/c/d", "b/e", "x"].map(|path| shared.any_at(path));
        assert_eq!(at(&shared), [true, true, true, false, false]);
        shared.rename("b", "x/y");
        assert_eq!(at(&shared), [true, false, false, false, true]);
        shared.rename("x/y/c", "a");
        assert_eq!(shared.0, ["a", "a/d", "b.c"].map(str::to_owned).into());
    }

    #[test]
    fn a_share_for_an_app_applies_only_through_the_app() {
        let clock = Clock::default();
        let (now, id) = (clock.now(), clock.id());
        let identity = Identity::User { id, name: "ben".into(), admin: false };
        let user = Actor { identity, ..Actor::anonymous() };
        let through = |name: &str| user.through(AppGrant::new(name.into(), vec![TokenScope::ALL])).unwrap();
        let share = |app: Option<&str>, expires_at| SharedRow {
            id,
            path: "a".into(),
            right: ShareRight::View,
            app: app.map(str::to_owned),
            expires_at,
            last_used_at: None,
        };
        assert!(counts(&share(None, None), &user, now) && counts(&share(None, None), &through("notes"), now));
        assert!(counts(&share(Some("notes"), None), &through("notes"), now));
        assert!(!counts(&share(Some("notes"), None), &through("other"), now));
        assert!(!counts(&share(Some("notes"), None), &user, now));
        assert!(counts(&share(None, Some(Millis(now.0 + 1))), &user, now));
        assert!(!counts(&share(None, Some(now)), &user, now), "expired at the exact end");
    }
}
