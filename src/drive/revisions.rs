//! Revisions: found by any name that they have, listed, and taken back. History only grows.

use std::sync::Arc;

use metastore::{Changeset, CommitInfo, Edit, FilePath, ObjectId, Person, Reader, RefName, Snapshot};

use super::Drive;
use crate::access::{Actor, Grant, Read, Write};
use crate::error::{Error, Kind, Result};
use crate::types::{Id, Millis};

/// Who is to be named as the author of a change; what is left out is the caller's.
#[derive(Debug, Clone, Default)]
pub struct Author {
    /// As people know them.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

/// What a new revision says of itself.
#[derive(Debug, Clone, Default)]
pub struct Wording {
    /// The branch that gets it; the default branch unless another one is named.
    pub branch: Option<RefName>,
    /// What the branch must be at for the change to be made.
    pub parent: Option<ObjectId>,
    /// Who made the change.
    pub author: Author,
    /// Why.
    pub message: Option<String>,
}

/// What of a dataset is meant.
#[derive(Debug, Clone)]
pub enum Part {
    /// All of it.
    Whole,
    /// A file, or a folder with all it holds.
    Path(FilePath),
    /// A resource of the package, by its name: what the package says of it, and its files.
    Resource(String),
}

/// Edits that depend on what the branch holds.
type Edits = Arc<dyn Fn(&Reader, ObjectId) -> metastore::Result<Vec<Edit>> + Send + Sync>;

/// A way back, before it is gone.
pub(super) struct Rework {
    /// What the revision says of itself, if nobody says anything.
    pub(super) message: String,
    /// Whether nothing follows from the edits.
    pub(super) exact: bool,
    /// What there is to do.
    pub(super) edits: Edits,
}

impl Drive {
    /// The revision that `expression` names: a branch, a tag, a full id or an unambiguous short one, `HEAD`, each with
    /// `~n`, `^n` (gitrevisions(7)), and `branch@{date}` for what the branch was at a date (RFC 3339, or a day, which
    /// begins at midnight in UTC).
    ///
    /// # Errors
    /// Not found for what names nothing, or cannot name anything.
    pub async fn resolve(&self, id: Id, snapshot: &Arc<Snapshot>, expression: &str) -> Result<ObjectId> {
        let expression = self.without_date(id, snapshot, expression).await?;
        let found = snapshot.read(move |reader| reader.resolve(&expression)).await;
        found.map_err(Error::from).map_err(|error| match error.kind() {
            Kind::Invalid => Error::not_found(error.detail()),
            _ => error,
        })
    }

    /// Puts the id in the place of `branch@{date}`.
    async fn without_date(&self, id: Id, snapshot: &Arc<Snapshot>, expression: &str) -> Result<String> {
        let Some((branch, rest)) = expression.split_once("@{") else { return Ok(expression.to_owned()) };
        let nothing = || Error::not_found(format!("there is no revision {expression:?}"));
        let (date, steps) = rest.split_once('}').ok_or_else(nothing)?;
        let at: Millis = date.parse().map_err(|error: Error| Error::not_found(error.detail()))?;
        let name = match branch {
            "" | "HEAD" => snapshot.state().head.clone(),
            name => RefName::branch(name).map_err(|_| nothing())?,
        };
        let target = self.db.read().await?.ref_at(id, name.as_str(), at).await?;
        let target = target.ok_or_else(|| {
            Error::not_found(format!("nothing is known of the branch `{}` at {date}: it began later", name.short()))
        })?;
        Ok(format!("{target}{steps}"))
    }

    /// The newest revision of the default branch, if there is one.
    pub async fn newest(&self, grant: &Grant<Read>) -> Result<Option<ObjectId>> {
        let snapshot = self.snapshot(grant).await?;
        Ok(head(&snapshot))
    }

    /// One revision.
    ///
    /// # Errors
    /// As for [`Drive::resolve`].
    pub async fn revision(&self, grant: &Grant<Read>, expression: &str) -> Result<(Arc<Snapshot>, CommitInfo)> {
        let snapshot = self.snapshot(grant).await?;
        let id = self.resolve(grant.id(), &snapshot, expression).await?;
        let commit = snapshot.read(move |reader| reader.commit(id)).await?;
        Ok((snapshot, commit))
    }

    /// Up to `limit` revisions from `expression` back, the newest first; with `path`, those that changed it. `after`
    /// continues behind one. None for a dataset without any.
    ///
    /// # Errors
    /// As for [`Drive::resolve`]; not found if `after` is not among them.
    pub async fn revisions(
        &self,
        grant: &Grant<Read>,
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

    /// Takes back, as a new revision, what changed after `since` up to `upto`; without `since`, what `upto` alone
    /// changed.
    ///
    /// # Errors
    /// Conflict with the files that changed again since then; invalid if nothing is left to take back; as for
    /// [`Drive::commit`].
    pub async fn revert(
        &self,
        grant: &Grant<Write>,
        since: Option<&str>,
        upto: &str,
        wording: Wording,
    ) -> Result<ObjectId> {
        let Rework { message, exact, edits } = self.reversal(grant, since, upto).await?;
        self.rework(grant, wording, message, exact, move |reader, head| edits(reader, head)).await
    }

    /// How to take it back.
    pub(super) async fn reversal(&self, grant: &Grant<Write>, since: Option<&str>, upto: &str) -> Result<Rework> {
        let snapshot = self.snapshot(&grant.narrow()).await?;
        let upto = self.resolve(grant.id(), &snapshot, upto).await?;
        let since = match since {
            Some(since) => Some(self.resolve(grant.id(), &snapshot, since).await?),
            None => None,
        };
        let (commit, base) = snapshot
            .read(move |reader| {
                let commit = reader.commit(upto)?;
                let parent = commit.parents.first().copied();
                if let Some(since) = since
                    && !reader.is_ancestor(since, upto)?
                {
                    return Err(metastore::Error::Invalid(format!("{since} is not part of the history of {upto}")));
                }
                Ok((commit, since.or(parent)))
            })
            .await?;
        let title = commit.message.lines().next().unwrap_or_default();
        let message = match since {
            None => format!("Revert \"{title}\"\n\nThis reverts commit {upto}."),
            Some(since) => format!("Revert {since}..{upto}"),
        };
        let edits: Edits = Arc::new(move |reader, head| reader.undo(head, base, upto));
        Ok(Rework { message, exact: true, edits })
    }

    /// Makes the dataset, or a part of it, what it was in an earlier revision, as a new one.
    ///
    /// # Errors
    /// Not found for a path that is in neither, and for a resource that was not there; invalid if nothing would change;
    /// as for [`Drive::commit`].
    pub async fn restore(
        &self,
        grant: &Grant<Write>,
        revision: &str,
        part: Part,
        wording: Wording,
    ) -> Result<ObjectId> {
        let Rework { message, exact, edits } = self.restoration(grant, revision, part).await?;
        self.rework(grant, wording, message, exact, move |reader, head| edits(reader, head)).await
    }

    /// How to make it what it was.
    pub(super) async fn restoration(&self, grant: &Grant<Write>, revision: &str, part: Part) -> Result<Rework> {
        let snapshot = self.snapshot(&grant.narrow()).await?;
        let revision = self.resolve(grant.id(), &snapshot, revision).await?;
        let message = match &part {
            Part::Whole => format!("Restore the dataset as of {revision}"),
            Part::Path(path) => format!("Restore {path} as of {revision}"),
            Part::Resource(name) => format!("Restore the resource {name} as of {revision}"),
        };
        // The whole is what it was. A part comes to what is there now, as if it were put.
        let exact = matches!(part, Part::Whole);
        let edits: Edits = Arc::new(move |reader, head| match &part {
            Part::Whole => reader.bring_back(head, revision, None),
            Part::Path(path) => reader.bring_back(head, revision, Some(path)),
            Part::Resource(name) => reader.bring_back_resource(head, revision, name),
        });
        Ok(Rework { message, exact, edits })
    }

    /// Makes a revision of edits that depend on what the branch holds; worked out anew when somebody else was faster.
    /// If it is to be `exact`, nothing follows from them.
    pub(crate) async fn rework<F>(
        &self,
        grant: &Grant<Write>,
        wording: Wording,
        message: String,
        exact: bool,
        edits: F,
    ) -> Result<ObjectId>
    where
        F: Fn(&Reader, ObjectId) -> metastore::Result<Vec<Edit>> + Clone + Send + Sync + 'static,
    {
        for _ in 0..super::RETRIES {
            let snapshot = self.snapshot(&grant.narrow()).await?;
            let branch = wording.branch.clone().unwrap_or_else(|| snapshot.state().head.clone());
            let head = snapshot.state().find(&branch).map(|found| found.target);
            let head = head.ok_or_else(|| Error::not_found(format!("there is no branch `{}`", branch.short())))?;
            if wording.parent.is_some_and(|parent| parent != head) {
                return Err(moved(&branch));
            }
            let work = edits.clone();
            let edits = snapshot.read(move |reader| work(reader, head)).await?;
            if edits.is_empty() {
                return Err(Error::invalid("nothing would change"));
            }
            let own = Wording { branch: Some(branch), parent: Some(head), ..wording.clone() };
            let changes = self.changes(grant.actor(), &snapshot, own, &message, edits).await?;
            let done =
                if exact { self.commit_exactly(grant, changes).await } else { self.commit(grant, changes).await };
            match done {
                Err(error) if error.kind() == Kind::Precondition && wording.parent.is_none() => {}
                done => return done,
            }
        }
        Err(Error::busy("others keep changing this branch; try again in a moment"))
    }

    /// A changeset by this actor; `message` is for those who say nothing themselves.
    pub(crate) async fn changes(
        &self,
        actor: &Actor,
        snapshot: &Arc<Snapshot>,
        wording: Wording,
        message: &str,
        edits: Vec<Edit>,
    ) -> Result<Changeset> {
        let committer = self.person(actor, &Author::default()).await?;
        let author = Person {
            name: wording.author.name.unwrap_or_else(|| committer.name.clone()),
            email: wording.author.email.unwrap_or_else(|| committer.email.clone()),
            ..committer.clone()
        };
        Ok(Changeset {
            branch: wording.branch.unwrap_or_else(|| snapshot.state().head.clone()),
            parent: wording.parent.map(Some),
            edits,
            message: wording.message.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| message.to_owned()),
            author,
            committer,
        })
    }

    /// The actor, now, for a signature of git; with another name or address if one is given.
    pub(crate) async fn person(&self, actor: &Actor, author: &Author) -> Result<Person> {
        let known = match (actor.user(), &author.email) {
            (Some(user), None) => self.db.read().await?.email(user).await?,
            (None, _) | (_, Some(_)) => None,
        };
        let seconds = i64::try_from(self.clock.now().seconds()).unwrap_or(i64::MAX);
        Ok(Person {
            name: author.name.clone().unwrap_or_else(|| plain(&actor.name())),
            email: author.email.clone().or(known).map(|email| plain(&email)).unwrap_or_default(),
            seconds,
            offset_minutes: 0,
        })
    }
}

/// What the default branch holds.
pub(crate) fn head(snapshot: &Snapshot) -> Option<ObjectId> {
    let state = snapshot.state();
    state.find(&state.head).map(|found| found.target)
}

/// The refusal of a change that was made for an earlier state of a branch.
pub(crate) fn moved(branch: &RefName) -> Error {
    Error::precondition(format!("`{}` has moved on since then; read it again, and try again", branch.short()))
}

/// Without the letters that a signature cannot hold: a name from elsewhere may have them.
fn plain(text: &str) -> String {
    let kept: String = text.chars().filter(|letter| !matches!(letter, '<' | '>') && !letter.is_control()).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_elsewhere_fit_a_signature() {
        assert_eq!(plain(" Ada <ada@x>\n"), "Ada ada@x");
    }
}
