//! Tags and branches, and the protection rules for them.

use std::cmp::Ordering;
use std::sync::Arc;

use metastore::{CommitInfo, ObjectId, Ref, RefEdit, RefName, RefTransaction, Signature, Snapshot};

use super::policy::{Protection, RefChange, RefPolicy, full_pattern};
use super::ref_transaction::TransactionOptions;
use super::revisions::Author;
use super::version::by_version;
use super::{Datasets, repo_key};
use crate::access::{DatasetGrant, Own, Read, Write};
use crate::error::{Error, Kind, Result};
use crate::retry::{ATTEMPTS, retry_on_conflict};

/// A git tag.
#[derive(Debug, Clone)]
pub struct Tag {
    /// Short name.
    pub name: String,
    /// The revision that the tag points to, with tag objects resolved.
    pub revision: CommitInfo,
    /// The tagger and time of an annotated tag; for a lightweight tag, the committer of the revision.
    pub tagger: Signature,
    /// Message of the tag; empty for a lightweight tag.
    pub description: String,
}

impl Tag {
    /// Returns the times of the tag and of its revision, in seconds since the Unix epoch.
    pub fn times(&self) -> (i64, i64) {
        (self.tagger.seconds, self.revision.committer.seconds)
    }

    /// Compares this tag with another one, given by its times and name, from oldest to newest. Tags created in the same
    /// second are ordered by their revisions' times, then by name as versions.
    pub fn age(&self, times: (i64, i64), name: &str) -> Ordering {
        self.times().cmp(&times).then_with(|| by_version(&self.name, name))
    }
}

/// A tag to create.
#[derive(Debug, Clone)]
pub struct NewTag {
    /// Short name.
    pub name: String,
    /// The revision to tag; by default the head of the default branch.
    pub revision: Option<String>,
    /// Message of the tag.
    pub description: Option<String>,
    /// The tagger.
    pub author: Author,
}

/// Changes of a tag; `None` leaves a property unchanged.
#[derive(Debug, Clone, Default)]
pub struct TagChange {
    /// New short name.
    pub name: Option<String>,
    /// New message.
    pub description: Option<String>,
    /// New tagger; `None` keeps the existing one.
    pub author: Option<Author>,
}

/// A git branch.
#[derive(Debug, Clone)]
pub struct Branch {
    /// Short name.
    pub name: String,
    /// The head of the branch.
    pub revision: ObjectId,
    /// True if it is the default branch.
    pub default: bool,
    /// True if the branch is protected: its history cannot be rewritten, and only owners can delete or rename it.
    pub protected: bool,
}

/// Maximum total bytes of the messages of all tags of a dataset and their revisions, which are held in memory together.
const SAID: usize = 64 << 20;

/// Default message of a tag.
const TAGGING: &str = "Tagging revision";

impl Datasets {
    /// Returns all tags of revisions, oldest first (`Tag::age`).
    pub async fn tags(&self, grant: &DatasetGrant<Read>) -> Result<Arc<Vec<Tag>>> {
        let snapshot = self.snapshot(grant).await?;
        let found = snapshot.derive(|reader| {
            let tags = reader.state().refs.iter().filter(|each| each.name.is_tag());
            let mut left = SAID;
            // Tags of blobs and trees, which some software projects have, are left out.
            let found_tags = tags.map(|tag| match read_tag(reader, tag) {
                Err(metastore::Error::NotFound(_)) => Ok(None),
                Ok(tag) => {
                    let too_much = || {
                        metastore::Error::TooLarge(format!(
                            "the messages of all tags have more than {SAID} bytes; list the tags with git"
                        ))
                    };
                    let said = tag.description.len() + tag.revision.message.len();
                    left = left.checked_sub(said).ok_or_else(too_much)?;
                    Ok(Some(tag))
                }
                Err(error) => Err(error),
            });
            let mut tags = found_tags.filter_map(Result::transpose).collect::<metastore::Result<Vec<Tag>>>()?;
            tags.sort_by(|one, other| one.age(other.times(), &other.name));
            Ok(tags)
        });
        Ok(found.await?)
    }

    /// Returns a tag by its exact name.
    ///
    /// # Errors
    /// Not found; invalid for an invalid name.
    pub async fn tag(&self, grant: &DatasetGrant<Read>, name: &str) -> Result<Tag> {
        let snapshot = self.snapshot(grant).await?;
        let found = find_tag(&snapshot, name)?.clone();
        Ok(snapshot.read(move |reader| read_tag(reader, &found)).await?)
    }

    /// Creates an annotated tag.
    ///
    /// # Errors
    /// Invalid for an invalid name, conflict if a tag of that name exists, not found if the revision does not exist.
    pub async fn create_tag(&self, grant: &DatasetGrant<Write>, tag: NewTag) -> Result<Tag> {
        let name = tag_name(&tag.name)?;
        let tagger = self.person(grant.actor(), &tag.author).await?;
        let text = tag.description.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| TAGGING.into());
        let snapshot = self.snapshot(&grant.narrow()).await?;
        let revision = self.resolve(grant.id(), &snapshot, tag.revision.as_deref().unwrap_or("HEAD")).await?;
        self.change_refs(grant, None, move |_, reader| {
            expect_free(reader, &name)?;
            Ok(reader.tag(&name, revision, &text, &tagger)?.1)
        })
        .await?;
        self.tag(&grant.narrow(), &tag.name).await
    }

    /// Renames a tag or changes its message. It stays at its revision.
    ///
    /// # Errors
    /// Invalid if nothing is to change, or for an invalid name; not found; conflict if another tag has the new name;
    /// forbidden for a protected tag, except for owners.
    pub async fn update_tag(&self, grant: &DatasetGrant<Write>, name: &str, change: TagChange) -> Result<Tag> {
        if change.name.is_none() && change.description.is_none() {
            return Err(Error::invalid("nothing to change; set `name`, `description`, or both"));
        }
        let new = change.name.as_deref().unwrap_or(name).to_owned();
        let new_name = if new == name { None } else { Some(tag_name(&new)?) };
        let signer = match &change.author {
            Some(author) => Some(self.person(grant.actor(), author).await?),
            None => None,
        };
        let old = name.to_owned();
        self.change_refs(grant, None, move |snapshot, reader| {
            let found = find_tag(snapshot, &old).map_err(|error| as_engine_error(&error))?;
            let tag = read_tag(reader, found)?;
            let target = new_name.as_ref().unwrap_or(&found.name);
            if *target != found.name {
                expect_free(reader, target)?;
            }
            let text = match &change.description {
                Some(text) if text.trim().is_empty() => TAGGING,
                Some(text) => text,
                None if tag.description.is_empty() => TAGGING,
                None => &tag.description,
            };
            Ok(reader.retag(&found.name, target, text, signer.as_ref().unwrap_or(&tag.tagger))?.1)
        })
        .await?;
        self.tag(&grant.narrow(), &new).await
    }

    /// Deletes a tag. Its revision stays.
    ///
    /// # Errors
    /// Not found; invalid for an invalid name; forbidden for a protected tag, except for owners.
    pub async fn delete_tag(&self, grant: &DatasetGrant<Write>, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.change_refs(grant, None, move |snapshot, reader| {
            let found = find_tag(snapshot, &name).map_err(|error| as_engine_error(&error))?;
            reader.move_refs(vec![removal(found)])
        })
        .await
    }

    /// Returns all branches ordered by name, the default branch first.
    pub async fn branches(&self, grant: &DatasetGrant<Read>) -> Result<Vec<Branch>> {
        let snapshot = self.snapshot(grant).await?;
        let state = snapshot.state();
        let policy = RefPolicy::of(grant, &state.head)?;
        let branches = state.refs.iter().filter(|each| each.name.is_branch());
        let mut branches: Vec<Branch> = branches.map(|branch| describe(branch, &policy)).collect();
        branches.sort_by(|one, other| (!one.default, &one.name).cmp(&(!other.default, &other.name)));
        Ok(branches)
    }

    /// Returns a branch.
    ///
    /// # Errors
    /// Not found; invalid for an invalid name.
    pub async fn branch(&self, grant: &DatasetGrant<Read>, name: &str) -> Result<Branch> {
        let snapshot = self.snapshot(grant).await?;
        let found = find_branch(&snapshot, name)?;
        Ok(describe(found, &RefPolicy::of(grant, &snapshot.state().head)?))
    }

    /// Creates a branch at a revision, by default the head of the default branch.
    ///
    /// # Errors
    /// Invalid for an invalid name; conflict if the branch exists; not found if the revision does not exist.
    pub async fn create_branch(
        &self,
        grant: &DatasetGrant<Write>,
        name: &str,
        revision: Option<&str>,
    ) -> Result<Branch> {
        let branch = branch_name(name)?;
        let snapshot = self.snapshot(&grant.narrow()).await?;
        let revision = self.resolve(grant.id(), &snapshot, revision.unwrap_or("HEAD")).await?;
        self.change_refs(grant, None, move |_, reader| {
            expect_free(reader, &branch)?;
            reader.move_refs(vec![RefEdit { name: branch.clone(), old: None, new: Some(revision), peeled: None }])
        })
        .await?;
        self.branch(&grant.narrow(), name).await
    }

    /// Renames a branch. A renamed default branch stays the default branch.
    ///
    /// # Errors
    /// Not found; invalid for an invalid name; conflict if a branch of that name exists; forbidden for a protected
    /// branch, except for owners.
    pub async fn rename_branch(&self, grant: &DatasetGrant<Write>, name: &str, new: &str) -> Result<Branch> {
        let old = name.to_owned();
        let new_name = branch_name(new)?;
        let renamed = new_name.clone();
        self.change_refs(grant, Some((branch_name(name)?, new_name)), move |snapshot, reader| {
            let found = find_branch(snapshot, &old).map_err(|error| as_engine_error(&error))?;
            if found.name == renamed {
                return Err(metastore::Error::Unchanged);
            }
            expect_free(reader, &renamed)?;
            let come = RefEdit { name: renamed.clone(), old: None, new: Some(found.target), peeled: None };
            reader.move_refs(vec![removal(found), come])
        })
        .await?;
        self.branch(&grant.narrow(), new).await
    }

    /// Deletes a branch.
    ///
    /// # Errors
    /// Not found; conflict for the default branch; forbidden for a protected branch, except for owners.
    pub async fn delete_branch(&self, grant: &DatasetGrant<Write>, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.change_refs(grant, None, move |snapshot, reader| {
            let found = find_branch(snapshot, &name).map_err(|error| as_engine_error(&error))?;
            reader.move_refs(vec![removal(found)])
        })
        .await
    }

    /// Squashes a branch into a single revision (super-squash): its history is rewritten. Other branches and tags stay.
    ///
    /// # Errors
    /// Not found; forbidden for the default branch and protected branches, except for owners.
    pub async fn squash_branch(&self, grant: &DatasetGrant<Write>, name: &RefName, message: &str) -> Result<ObjectId> {
        let person = self.person(grant.actor(), &Author::default()).await?;
        let (branch, message) = (name.clone(), message.to_owned());
        self.change_refs(grant, None, move |_, reader| Ok(reader.squash(&branch, &message, &person)?.1)).await?;
        Ok(find_branch(self.snapshot(&grant.narrow()).await?.as_ref(), name.short())?.target)
    }

    /// Sets the default branch.
    ///
    /// # Errors
    /// Not found if the branch does not exist.
    pub async fn set_default_branch(&self, grant: &DatasetGrant<Own>, name: &str) -> Result<()> {
        let branch = branch_name(name)?;
        let mut tx = self.db.write().await?;
        let repo = tx.lock_repo(grant.id()).await?;
        let refs = super::read_refs(&mut tx, grant.id()).await?;
        if !refs.iter().any(|each| each.name == branch) {
            return Err(Error::not_found(format!("branch `{name}` not found")));
        }
        tx.set_generation(grant.id(), repo.generation + 1, branch.as_str()).await?;
        self.audit(&mut tx, grant.actor(), "dataset.default-branch", &grant.full_name(), name).await?;
        self.commit_and_index(tx, grant.id()).await
    }

    /// Returns the patterns of protected branches and tags as full ref names (`refs/heads/release/*`).
    pub fn protection(&self, grant: &DatasetGrant<Read>) -> Result<Vec<String>> {
        Ok(Protection::of(grant)?.patterns)
    }

    /// Sets the patterns of protected branches and tags. `*` matches any characters except `/`, `**` matches any
    /// characters.
    ///
    /// # Errors
    /// Invalid for an invalid pattern.
    pub async fn protect(&self, grant: &DatasetGrant<Own>, patterns: Vec<String>) -> Result<Vec<String>> {
        const MAX_PATTERNS: usize = 100;
        if patterns.len() > MAX_PATTERNS {
            return Err(Error::invalid(format!("too many patterns; use at most {MAX_PATTERNS}")));
        }
        let patterns: Vec<String> = patterns.iter().map(|pattern| full_pattern(pattern)).collect::<Result<_>>()?;
        let text = serde_json::to_string(&patterns).map_err(Error::internal)?;
        let mut tx = self.db.write().await?;
        tx.set_protected(grant.id(), &text).await?;
        self.audit(&mut tx, grant.actor(), "dataset.protect", &grant.full_name(), &text).await?;
        tx.commit().await?;
        Ok(patterns)
    }

    /// Applies the ref edits that `change` computes from the current refs; they are computed again after a lost race
    /// with another writer. `renamed` is a branch rename (old, new), which also updates the default branch.
    ///
    /// # Errors
    /// As for `change`, and for [`RefPolicy::check`]; busy.
    async fn change_refs<F>(
        &self,
        grant: &DatasetGrant<Write>,
        renamed: Option<(RefName, RefName)>,
        change: F,
    ) -> Result<()>
    where
        F: Fn(&Snapshot, &metastore::Reader) -> metastore::Result<RefTransaction> + Send + Sync + 'static,
    {
        let key = repo_key(grant.id())?;
        let change = Arc::new(change);
        retry_on_conflict(ATTEMPTS, || async {
            let _turn = self.write_lock(&key).await?;
            let snapshot = self.snapshot(&grant.narrow()).await?;
            let locks = self.foreign_locks(grant).await?;
            let (work, seen) = (change.clone(), snapshot.clone());
            let transaction = snapshot.read(move |reader| work(&seen, reader)).await?;
            let policy = RefPolicy::of(grant, &snapshot.state().head)?;
            for edit in transaction.edits.iter().filter(|edit| edit.old.is_some() && edit.old != edit.new) {
                let is_renamed = renamed.as_ref().is_some_and(|(old, _)| *old == edit.name);
                let is_deleted = edit.new.is_none() && !is_renamed;
                policy.check(&edit.name, if is_deleted { RefChange::Delete } else { RefChange::Rewrite })?;
            }
            let terms = TransactionOptions {
                atomic: true,
                locks: &locks,
                renamed: renamed.as_ref(),
                ..TransactionOptions::default()
            };
            let outcomes = self.apply_ref_transaction(grant, transaction, terms).await?;
            Ok(outcomes.iter().all(std::result::Result::is_ok).then_some(()))
        })
        .await
    }
}

/// Converts an error for a closure that the engine runs.
fn as_engine_error(error: &Error) -> metastore::Error {
    match error.kind() {
        Kind::NotFound => metastore::Error::NotFound(error.detail().to_owned()),
        _ => metastore::Error::Invalid(error.detail().to_owned()),
    }
}

/// # Errors
/// Conflict if a branch or tag has this name.
fn expect_free(reader: &metastore::Reader, name: &RefName) -> metastore::Result<()> {
    if reader.find_ref(name).is_none() {
        return Ok(());
    }
    let kind = if name.is_tag() { "tag" } else { "branch" };
    Err(metastore::Error::Conflict(format!("{kind} `{}` already exists; choose another name", name.short())))
}

fn removal(found: &Ref) -> RefEdit {
    RefEdit { name: found.name.clone(), old: Some(found.target), new: None, peeled: None }
}

fn describe(branch: &Ref, policy: &RefPolicy) -> Branch {
    Branch {
        name: branch.name.short().to_owned(),
        revision: branch.target,
        default: policy.is_default(&branch.name),
        protected: policy.is_protected(&branch.name),
    }
}

fn read_tag(reader: &metastore::Reader, tag: &Ref) -> metastore::Result<Tag> {
    let revision = reader.commit(tag.peeled.unwrap_or(tag.target))?;
    let annotation = if tag.peeled.is_some() { Some(reader.annotation(tag.target)?) } else { None };
    let (tagger, description) = match annotation {
        Some(annotation) => (annotation.tagger, annotation.message.trim_end().to_owned()),
        None => (None, String::new()),
    };
    let tagger = tagger.unwrap_or_else(|| revision.committer.clone());
    Ok(Tag { name: tag.name.short().to_owned(), revision, tagger, description })
}

/// Finds a tag. Pushed tags may have names that [`tag_name`] does not accept.
fn find_tag<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a Ref> {
    let full = format!("refs/tags/{name}").parse::<RefName>().ok();
    if let Some(found) = full.and_then(|full| snapshot.state().find(&full)) {
        return Ok(found);
    }
    tag_name(name)?;
    Err(Error::not_found(format!("tag `{name}` not found")))
}

fn find_branch<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a Ref> {
    let full = branch_name(name)?;
    let found = snapshot.state().find(&full);
    found.ok_or_else(|| Error::not_found(format!("branch `{name}` not found")))
}

/// Parses the name of a new tag: letters and digits of any script and `_ + . , / -`, within git's own rules
/// (git-check-ref-format(1)), and nothing that could be mistaken for a revision id.
pub(crate) fn tag_name(name: &str) -> Result<RefName> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '+' | '.' | ',' | '/' | '-');
    if name.is_empty() || !name.chars().all(fits) || name.starts_with('.') {
        return Err(Error::invalid(format!("{name:?} is not a valid tag name; use letters, digits and _ + . , / -")));
    }
    sound(name, "tag", RefName::tag(name))
}

pub(crate) fn branch_name(name: &str) -> Result<RefName> {
    sound(name, "branch", RefName::branch(name))
}

fn sound(name: &str, what: &str, parsed: metastore::Result<RefName>) -> Result<RefName> {
    if matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::invalid(format!(
            "{name:?} looks like a revision id and is not a valid {what} name; choose another name"
        )));
    }
    parsed.map_err(|_| Error::invalid(format!("{name:?} is not a valid {what} name (see git-check-ref-format)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tags() {
        for good in ["v1.0", "1.0.0", "ünï", "a/b", "x+y", "a,b", "_"] {
            assert!(tag_name(good).is_ok(), "{good}");
        }
        let id = "a".repeat(40);
        for bad in
            ["", "with space", "with!", "with\n", "a\tb", "a..b", ".a", "a.", "/a", "a/", "a.lock", "-a", "HEAD", &id]
        {
            assert_eq!(tag_name(bad).unwrap_err().kind(), Kind::Invalid, "{bad}");
        }
    }
}
