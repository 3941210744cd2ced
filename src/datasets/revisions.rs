//! Revisions: resolving names, listing, and making new ones from edits. History only grows.

use std::sync::Arc;

use metastore::{Changeset, CommitInfo, Edit, FilePath, ObjectId, RefName, Signature, Snapshot};

use super::Datasets;
use super::proposals::ProposalMerge;
use super::ref_transaction::TrashChange;
use crate::access::{Actor, DatasetGrant, Grant, Read};
use crate::error::{Error, Kind, Result};
use crate::types::{Id, Millis};

/// The author of a change; fields that are not set default to the caller.
#[derive(Debug, Clone, Default)]
pub struct Author {
    /// Display name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

/// Branch, parent, author and message of a new revision.
#[derive(Debug, Clone, Default)]
pub struct CommitMeta {
    /// Target branch; by default the default branch.
    pub branch: Option<RefName>,
    /// Expected head: the change fails if the branch is at another revision.
    pub parent: Option<ObjectId>,
    /// The author.
    pub author: Author,
    /// The commit message.
    pub message: Option<String>,
}

impl CommitMeta {
    /// Sets the commit message, unless there is one.
    #[must_use]
    pub fn or_message(self, default: &str) -> Self {
        let message = self.message.filter(|message| !message.trim().is_empty());
        Self { message: Some(message.unwrap_or_else(|| default.to_owned())), ..self }
    }
}

/// What a new revision changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    /// The edits, each of which sees the result of those before it. If empty, no revision is created.
    pub edits: Vec<Edit>,
    /// True to apply exactly these edits, without derived ones: what is restored from history stays as it was.
    pub exact: bool,
    /// Changes of the trash in the same transaction.
    pub trash: TrashChange,
    /// The revision that is merged, and true if the branch moves to it instead of getting a merge revision. The edits then
    /// say what that changes.
    pub joined: Option<(ObjectId, bool)>,
    /// The proposal that is merged in the same transaction.
    pub proposal: Option<ProposalMerge>,
}

impl Datasets {
    /// Resolves `expression` to a revision: a branch, a tag, a full or unambiguous short id, or `HEAD`, each with `~n`
    /// and `^n` (gitrevisions(7)), or `branch@{date}` for the head of the branch at a date (RFC 3339, or a day, which
    /// means midnight in UTC).
    ///
    /// # Errors
    /// Not found for an expression that does not name a revision, or is invalid.
    pub async fn resolve(&self, id: Id, snapshot: &Arc<Snapshot>, expression: &str) -> Result<ObjectId> {
        let expression = self.without_date(id, snapshot, expression).await?;
        let expression = self.without_proposal(id, snapshot, &expression).await?;
        let found = snapshot.read(move |reader| reader.resolve(&expression)).await;
        found.map_err(Error::from).map_err(|error| match error.kind() {
            Kind::Invalid => Error::not_found(error.detail()),
            _ => error,
        })
    }

    /// Resolves several expressions at one moment.
    ///
    /// # Errors
    /// As for [`Datasets::resolve`].
    pub(crate) async fn resolve_at_once(&self, grant: &Grant<Read>, expressions: &[&str]) -> Result<Vec<ObjectId>> {
        let snapshot = self.snapshot_of(grant.id()).await?;
        let mut found = Vec::with_capacity(expressions.len());
        for expression in expressions {
            found.push(self.resolve_visible(grant, &snapshot, expression).await?);
        }
        Ok(found)
    }

    /// Replaces `refs/pr/N`, by which clients of Hugging Face name a proposal, with the revision of its source branch, or with
    /// the one that was merged.
    async fn without_proposal(&self, id: Id, snapshot: &Snapshot, expression: &str) -> Result<String> {
        let Some((number, steps)) = proposal_number(expression) else { return Ok(expression.to_owned()) };
        match self.proposal_revision(id, snapshot, number).await? {
            Some(revision) => Ok(format!("{revision}{steps}")),
            None => Err(Error::not_found(format!("there is no proposal {number}, or its branch was deleted"))),
        }
    }

    /// Replaces `branch@{date}` with the id of the revision.
    async fn without_date(&self, id: Id, snapshot: &Arc<Snapshot>, expression: &str) -> Result<String> {
        let Some((branch, rest)) = expression.split_once("@{") else { return Ok(expression.to_owned()) };
        let nothing = || Error::not_found(format!("revision {expression:?} not found"));
        let (date, steps) = rest.split_once('}').ok_or_else(nothing)?;
        let at: Millis = date.parse().map_err(|error: Error| Error::not_found(error.detail()))?;
        let name = match branch {
            "" | "HEAD" => snapshot.state().head.clone(),
            name => RefName::branch(name).map_err(|_| nothing())?,
        };
        let target = self.db.read().await?.ref_at(id, name.as_str(), at).await?;
        let target = target.ok_or_else(|| {
            Error::not_found(format!("branch `{}` did not exist at {date}; use a later date", name.short()))
        })?;
        Ok(format!("{target}{steps}"))
    }

    /// Returns the newest revision of the default branch, if there is one.
    pub async fn newest(&self, grant: &DatasetGrant<Read>) -> Result<Option<ObjectId>> {
        let snapshot = self.snapshot(grant).await?;
        Ok(head(&snapshot))
    }

    /// Returns a revision.
    ///
    /// # Errors
    /// As for [`Datasets::resolve`].
    pub async fn revision(&self, grant: &DatasetGrant<Read>, expression: &str) -> Result<(Arc<Snapshot>, CommitInfo)> {
        let snapshot = self.snapshot(grant).await?;
        let id = self.resolve(grant.id(), &snapshot, expression).await?;
        let commit = snapshot.read(move |reader| reader.commit(id)).await?;
        Ok((snapshot, commit))
    }

    /// Returns up to `limit` revisions starting at `expression`, newest first; with `path`, only those that changed it.
    /// `after` is the last revision of the previous page. Empty for a dataset without revisions.
    ///
    /// # Errors
    /// As for [`Datasets::resolve`]; not found if `after` is not among them.
    pub async fn revisions(
        &self,
        grant: &DatasetGrant<Read>,
        expression: Option<&str>,
        path: Option<FilePath>,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<CommitInfo>> {
        let snapshot = self.snapshot(grant).await?;
        let from = match expression {
            Some(expression) => self.resolve(grant.id(), &snapshot, expression).await?,
            None => match head(&snapshot) {
                Some(head) => head,
                None => return Ok(Vec::new()),
            },
        };
        self.history(grant.id(), &snapshot, from, path, after, limit).await
    }

    /// Builds the changeset of this actor for a branch; `merged` is the second parent of a merge.
    pub(super) async fn changes(
        &self,
        actor: &Actor,
        branch: RefName,
        meta: &CommitMeta,
        edits: Vec<Edit>,
        merged: Option<ObjectId>,
    ) -> Result<Changeset> {
        let committer = self.person(actor, &Author::default()).await?;
        let author = Signature {
            name: meta.author.name.clone().unwrap_or_else(|| committer.name.clone()),
            email: meta.author.email.clone().unwrap_or_else(|| committer.email.clone()),
            ..committer.clone()
        };
        let message = meta.message.clone().unwrap_or_default();
        Ok(Changeset { branch, parent: None, edits, merged, message, author, committer })
    }

    /// Returns the git signature of the actor at the current time; `author` overrides name and e-mail address.
    pub(crate) async fn person(&self, actor: &Actor, author: &Author) -> Result<Signature> {
        let known = match (actor.user(), &author.email) {
            (Some(user), None) => self.db.read().await?.email(user).await?,
            (None, _) | (_, Some(_)) => None,
        };
        let seconds = i64::try_from(self.clock.now().seconds()).unwrap_or(i64::MAX);
        Ok(Signature {
            name: author.name.clone().unwrap_or_else(|| plain(&actor.name())),
            email: author.email.clone().or(known).map(|email| plain(&email)).unwrap_or_default(),
            seconds,
            offset_minutes: 0,
        })
    }
}

/// Returns the head of the default branch.
pub(crate) fn head(snapshot: &Snapshot) -> Option<ObjectId> {
    let state = snapshot.state();
    state.find(&state.head).map(|found| found.target)
}

/// Returns the error for a change that expects an earlier head of the branch.
pub(crate) fn moved(branch: &RefName) -> Error {
    Error::precondition(format!(
        "`{}` has changed in the meantime; read its newest revision and try again",
        branch.short()
    ))
}

/// Splits `refs/pr/N`, followed by any `~n` or `^n`, into the number and the rest.
fn proposal_number(expression: &str) -> Option<(i64, &str)> {
    let rest = expression.strip_prefix("refs/pr/")?;
    let (number, steps) = rest.split_at(rest.find(['~', '^']).unwrap_or(rest.len()));
    Some((number.parse().ok().filter(|number| *number > 0)?, steps))
}

/// Removes characters that a git signature cannot contain: names from an identity provider may have them.
fn plain(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_names_are_valid_in_a_signature() {
        assert_eq!(plain(" Ada <ada@x>\n"), "Ada ada@x");
    }
}
