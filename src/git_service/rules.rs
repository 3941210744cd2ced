//! Push rules: reasons to refuse a push that git itself would accept. [`crate::datasets::policy`] decides; this module
//! explains the refusal to the user of a git client.

use metastore::wire::{Outcome, Progress, Push, Quarantine};
use metastore::{ObjectId, RefName, State};

use super::GitService;
use crate::access::{DatasetGrant, Write};
use crate::datasets::policy::{RefChange, RefPolicy, locked};
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
        let policy = RefPolicy::of(grant, &state.head)?;
        check_refs(&policy, push, quarantine, outcomes).await?;
        let locks = self.0.drive.foreign_locks(grant).await?;
        if !locks.is_empty() {
            check_locks(&locks, &policy, push, quarantine, progress, outcomes).await?;
        }
        self.check_objects(grant, push, quarantine, progress, outcomes).await?;
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
        let missing = self.0.drive.missing_objects(grant.id(), quarantine.pointers().await?).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let named: Vec<ObjectId> = missing.iter().take(NAMED).map(|(blob, _)| *blob).collect();
        let mut paths: Vec<String> = quarantine.paths_of(&named).await?.into_iter().map(|(_, path)| path).collect();
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
        for (command, outcome) in push.commands.iter().zip(outcomes) {
            if outcome.is_ok() && command.new.is_some() {
                *outcome = Err(reason.clone());
            }
        }
        Ok(())
    }
}

async fn check_refs(policy: &RefPolicy, push: &Push, quarantine: &Quarantine, outcomes: &mut [Outcome]) -> Result<()> {
    let rewrites = quarantine.rewrites().await?;
    for ((command, outcome), rewrite) in push.commands.iter().zip(outcomes).zip(rewrites) {
        let Ok(name) = command.ref_name() else { continue };
        let change = match command.new {
            None => RefChange::Delete,
            Some(_) if rewrite => RefChange::Rewrite,
            Some(_) => continue,
        };
        if outcome.is_ok() {
            *outcome = policy.check(&name, change).map_err(|refusal| refusal.detail().to_owned());
        }
    }
    Ok(())
}

async fn check_locks(
    locks: &[LockRow],
    policy: &RefPolicy,
    push: &Push,
    quarantine: &Quarantine,
    progress: &Progress,
    outcomes: &mut [Outcome],
) -> Result<()> {
    for (command, outcome) in push.commands.iter().zip(outcomes) {
        let branch = command.ref_name().ok().filter(RefName::is_branch);
        let Some(branch) = branch.filter(|_| outcome.is_ok()) else { continue };
        let changed = quarantine.changed_paths(command, policy.is_protected(&branch)).await?;
        let locked = locked(locks, changed.iter().map(|path| (path.as_str(), ()))).into_iter();
        let mut locked: Vec<String> =
            locked.map(|(lock, ())| format!("{} (by {})", lock.path, lock.owner_name)).collect();
        locked.sort();
        if !locked.is_empty() {
            for line in locked.iter().take(SHOWN) {
                progress.say(&format!("locked: {line}"));
            }
            *outcome = Err(format!("locked by another user: {}", some_of(locked)));
        }
    }
    Ok(())
}

/// Lists the first few of many names, for messages.
fn some_of(mut names: Vec<String>) -> String {
    const SHOWN: usize = 3;
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let shown = names.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
