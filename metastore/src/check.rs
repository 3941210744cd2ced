//! Integrity checks: `git fsck` for a snapshot, `git verify-pack` for packs in the permanent store.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    Engine, Error, Pack, RefName, RepoKey, Result, Snapshot, State, blocking, git::finish, pack::PackFolder,
    repository::lay_out,
};

impl Engine {
    /// Verifies a pack in the permanent store, bypassing the cache: both files exist with the size and
    /// checksum of the row, and `git verify-pack` unpacks and hashes every object and computes the same
    /// index. Returns the problems found; empty if the pack is intact.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the store does not respond, which says nothing about the pack.
    pub async fn check_pack(&self, repo: &RepoKey, pack: &Pack) -> Result<Vec<String>> {
        let _place = self.git().maintaining().await?;
        let (run, key) = (self.packs().run(), repo.clone());
        let folder = blocking::run(move || {
            let folder = run.scratch("tmp-")?;
            // `git verify-pack` needs a repository to run in.
            lay_out(folder.path(), &State::empty(key, RefName::branch("main")?), &[])?;
            Ok(folder)
        })
        .await?;
        let place = PackFolder(folder.path().join("objects/pack"));
        match self.packs().fetch_anew(repo, pack, &place).await {
            Err(Error::Corrupt(problem)) => return Ok(vec![problem]),
            done => done?,
        }
        let mut command = self.git().command(folder.path());
        command.arg("verify-pack").arg("--").arg(place.file(pack.id).idx);
        let finished = finish(&mut command, Bytes::new()).await?;
        let problem = format!("pack {} ({}): {}", pack.id, pack.key, finished.stderr);
        Ok(if finished.success { Vec::new() } else { vec![problem] })
    }
}

impl Snapshot {
    /// Runs `git fsck --strict --full` and returns its complaints; empty if the repository is intact.
    pub async fn fsck(self: &Arc<Self>) -> Result<Vec<String>> {
        let git = self.git();
        let _place = git.maintaining().await?;
        let check = || async {
            let mut command = git.command(self.git_dir());
            command.args(["fsck", "--strict", "--full", "--no-dangling", "--no-progress"]);
            finish(&mut command, Bytes::new()).await
        };
        let finished = self.whole(check).await?;
        let stdout = String::from_utf8_lossy(&finished.stdout).into_owned();
        let lines = stdout.lines().chain(finished.stderr.lines());
        // fsck prints a notice about the missing default refs of an empty repository; that is not a problem.
        let mut problems: Vec<String> =
            lines.filter(|line| !line.is_empty() && !line.starts_with("notice: ")).map(str::to_owned).collect();
        if problems.is_empty() && !finished.success {
            problems.push("git fsck failed without any output".to_owned());
        }
        Ok(problems)
    }
}
