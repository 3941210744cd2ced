//! Push rules: reasons to refuse a push that git itself would accept.

use std::collections::HashMap;

use lfs::Oid;
use metastore::wire::{Outcome, Progress, Push, Quarantine};
use metastore::{ObjectId, RefName, State};

use super::{GitService, refuse_all, some_of};
use crate::access::{DatasetGrant, Own, Write};
use crate::datasets::is_empty;
use crate::datasets::refs::Protection;
use crate::db::locks::LockRow;
use crate::error::Result;

/// Maximum number of missing objects whose paths are looked up.
const NAMED: usize = 1000;

/// Maximum number of paths that are listed one per line.
const SHOWN: usize = 10;

impl GitService {
    /// Refuses commands, with a message the user can act on, where
    /// - a protected ref would lose history and the pusher is not an owner,
    /// - the default branch would be deleted,
    /// - a changed file is locked by another user,
    /// - a pointer refers to an object that the dataset does not hold.
    ///
    /// Returns the locks of others that were checked.
    pub(super) async fn apply_rules(
        &self,
        grant: &DatasetGrant<Write>,
        push: &Push,
        state: &State,
        quarantine: &Quarantine,
        progress: &Progress,
        outcomes: &mut [Outcome],
    ) -> Result<Vec<LockRow>> {
        let protected = Protected::of(grant, state)?;
        check_protection(grant, push, &protected, quarantine, outcomes).await?;
        let locks = self.check_locks(grant, push, &protected, quarantine, progress, outcomes).await?;
        self.check_objects(grant, push, quarantine, progress, outcomes).await?;
        Ok(locks)
    }

    async fn check_locks(
        &self,
        grant: &DatasetGrant<Write>,
        push: &Push,
        protected: &Protected,
        quarantine: &Quarantine,
        progress: &Progress,
        outcomes: &mut [Outcome],
    ) -> Result<Vec<LockRow>> {
        let locks = self.0.db.read().await?.foreign_locks(grant.id(), &grant.actor().key()).await?;
        let holders: HashMap<&str, &str> =
            locks.iter().map(|lock| (lock.path.as_str(), lock.owner_name.as_str())).collect();
        for (command, outcome) in push.commands.iter().zip(outcomes.iter_mut()) {
            let branch = command.ref_name().ok().filter(RefName::is_branch);
            let Some(branch) = branch.filter(|_| outcome.is_ok() && !holders.is_empty()) else { continue };
            let changed = quarantine.changed_paths(command, protected.contains(&branch)).await?;
            let locked: Vec<String> = changed
                .iter()
                .filter_map(|path| holders.get(path.as_str()).map(|holder| format!("{path} (by {holder})")))
                .collect();
            if !locked.is_empty() {
                for line in locked.iter().take(SHOWN) {
                    progress.say(&format!("locked: {line}"));
                }
                *outcome = Err(format!("locked by another user: {}", some_of(locked)));
            }
        }
        Ok(locks)
    }

    async fn check_objects(
        &self,
        grant: &DatasetGrant<Write>,
        push: &Push,
        quarantine: &Quarantine,
        progress: &Progress,
        outcomes: &mut [Outcome],
    ) -> Result<()> {
        let pointers = quarantine.pointers().await?;
        let wanted: Vec<(Oid, u64)> = pointers.iter().map(|(_, pointer)| (pointer.oid, pointer.size)).collect();
        let holds = self.0.storage.holds(grant.id(), &wanted).await?;
        let lacking = pointers.iter().zip(holds).filter(|((_, pointer), held)| !held && !is_empty(pointer));
        let missing: Vec<ObjectId> = lacking.map(|((blob, _), _)| *blob).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let named = &missing[..missing.len().min(NAMED)];
        let mut paths: Vec<String> = quarantine.paths_of(named).await?.into_iter().map(|(_, path)| path).collect();
        paths.sort();
        paths.dedup();
        for path in paths.iter().take(SHOWN) {
            progress.say(&format!("missing LFS object: {path}"));
        }
        progress.say("Upload the missing objects with: git lfs push --all <remote>");
        let reason = format!(
            "{} LFS object(s) are missing on the server ({}); run `git lfs push --all <remote>`, then push again",
            missing.len(),
            some_of(paths)
        );
        let needs_objects: Vec<bool> = push.commands.iter().map(|command| command.new.is_some()).collect();
        refuse_all(outcomes, |index| needs_objects[index], &reason);
        Ok(())
    }
}

async fn check_protection(
    grant: &DatasetGrant<Write>,
    push: &Push,
    protected: &Protected,
    quarantine: &Quarantine,
    outcomes: &mut [Outcome],
) -> Result<()> {
    let owner = grant.also::<Own>().is_some();
    let rewrites = quarantine.rewrites().await?;
    for ((command, outcome), rewrite) in push.commands.iter().zip(outcomes.iter_mut()).zip(rewrites) {
        let Ok(name) = command.ref_name() else { continue };
        if outcome.is_err() {
            continue;
        }
        if command.new.is_none() && protected.default == name {
            *outcome = Err(format!(
                "`{}` is the default branch and cannot be deleted; make another branch the default first",
                name.short()
            ));
        } else if protected.contains(&name) && !owner && (rewrite || command.new.is_none()) {
            *outcome = Err(format!(
                "`{}` is protected: its history cannot be rewritten; merge or rebase onto it, or ask an owner",
                name.short()
            ));
        }
    }
    Ok(())
}

/// The refs whose history only owners can rewrite.
struct Protected {
    /// The default branch, whatever its name.
    default: RefName,
    others: Protection,
}

impl Protected {
    fn of(grant: &DatasetGrant<Write>, state: &State) -> Result<Self> {
        Ok(Self { default: state.head.clone(), others: Protection::of(grant)? })
    }

    fn contains(&self, name: &RefName) -> bool {
        self.default == *name || self.others.covers(name)
    }
}
