//! Discussions of datasets, and proposals (pull requests) to merge one branch into another. Both have one numbering in
//! each dataset. What they say is data: comments are Markdown, which nothing here interprets.

use std::time::Duration;

use metastore::{ObjectId, RefName};

use crate::access::{Access, DatasetGrant, ParticipantGrant, Read, Write};
use crate::clock::Clock;
use crate::config::Config;
use crate::datasets::Datasets;
use crate::datasets::commits::CommitOutcome;
use crate::datasets::merge::{BranchPair, MergeChecks, MergeRequest};
use crate::datasets::proposals::ProposalMerge;
pub use crate::db::discussions::{DiscussionEventRow, DiscussionFilter, DiscussionRow};
use crate::db::discussions::{DiscussionInsert, EventInsert, ProposalInsert};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::jobs::{self, Kind as JobKind};
use crate::types::{
    ActivityKind, CommentText, DiscussionEventKind, DiscussionKind, DiscussionState, DiscussionTitle, Id,
};

mod activity;
mod branches;
mod comments;
mod notify;
mod readable;
mod versions;

pub use self::activity::ActivityRow;
pub use self::notify::{NotificationRow, SettingRow};

/// Maximum number of open discussions and proposals of one author in a dataset, without and with write access.
const OPEN: i64 = 20;
const OPEN_OF_WRITERS: i64 = 200;

/// Maximum number of events in a discussion.
const EVENTS: i64 = 5000;

/// Maximum number of comments, titles and changes of states by one author in all datasets per [`DAY`]: to write one in a
/// dataset without and with write access.
const PER_DAY: i64 = 200;
const PER_DAY_OF_WRITERS: i64 = 5000;
const DAY: Duration = Duration::from_hours(24);

/// The discussions of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Discussions {
    db: Db,
    clock: Clock,
    access: Access,
    datasets: Datasets,
    /// Base URL of the links in e-mails.
    base: String,
}

/// A new discussion or proposal.
#[derive(Debug, Clone)]
pub struct NewDiscussion {
    /// The title.
    pub title: DiscussionTitle,
    /// The first comment.
    pub body: Option<CommentText>,
}

/// What to merge, and how.
#[derive(Debug, Clone, Default)]
pub struct MergeOptions {
    /// The revision that the source branch must be at.
    pub expected: Option<ObjectId>,
    /// The message of the merge revision; by default number and title of the proposal.
    pub message: Option<CommentText>,
    /// A comment to add.
    pub comment: Option<CommentText>,
}

/// The branches of a proposal as they are now; for a merged one, as they were then.
#[derive(Debug, Clone)]
pub struct ProposalRange {
    /// The common ancestor: to compare `head` with it shows what the proposal changes.
    pub base: Option<ObjectId>,
    /// The revision to merge.
    pub head: Option<ObjectId>,
}

impl Discussions {
    /// Creates the service.
    pub fn new(config: &Config, db: Db, clock: Clock, access: Access, datasets: Datasets) -> Self {
        Self { db, clock, access, datasets, base: config.link_base() }
    }

    /// Returns discussions, newest first, with numbers below `before`, without the first `skip`.
    pub async fn list(
        &self,
        grant: &DatasetGrant<Read>,
        filter: &DiscussionFilter<'_>,
        before: Option<i64>,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<DiscussionRow>> {
        let before = before.unwrap_or(i64::MAX);
        self.db.read().await?.discussions(grant.id(), filter, before, count(skip), count(limit)).await
    }

    /// Counts the discussions that match a filter.
    pub async fn count(&self, grant: &DatasetGrant<Read>, filter: &DiscussionFilter<'_>) -> Result<i64> {
        self.db.read().await?.count_discussions(grant.id(), filter).await
    }

    /// Counts the open discussions and proposals.
    pub async fn count_open(&self, grant: &DatasetGrant<Read>) -> Result<i64> {
        self.db.read().await?.open_discussions(grant.id()).await
    }

    /// Returns a discussion by its number.
    ///
    /// # Errors
    /// Not found.
    pub async fn show(&self, grant: &DatasetGrant<Read>, number: i64) -> Result<DiscussionRow> {
        let found = self.db.read().await?.discussion(grant.id(), number).await?;
        found.ok_or_else(|| missing(number))
    }

    /// Returns the events of a discussion after a number, in order.
    pub async fn events(
        &self,
        grant: &DatasetGrant<Read>,
        number: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<DiscussionEventRow>> {
        let mut tx = self.db.read().await?;
        let row = tx.discussion(grant.id(), number).await?.ok_or_else(|| missing(number))?;
        tx.discussion_events(row.id, after, count(limit)).await
    }

    /// Opens a discussion.
    ///
    /// # Errors
    /// Busy if the author has too many open discussions in this dataset, or wrote too much today.
    pub async fn open(&self, by: &ParticipantGrant, new: &NewDiscussion) -> Result<DiscussionRow> {
        self.insert(by, new, None, None).await
    }

    /// Opens a proposal to merge the branch `source` into `target`, by default the default branch.
    ///
    /// # Errors
    /// Forbidden without write access; not found if a branch does not exist; invalid if they are the same; conflict if
    /// there is an open proposal for them; as for [`Discussions::open`].
    pub async fn propose(
        &self,
        by: &ParticipantGrant,
        new: &NewDiscussion,
        source: &str,
        target: Option<&str>,
    ) -> Result<DiscussionRow> {
        let writer = by.writer()?;
        let pair = self.datasets.branch_pair(&writer.narrow(), source, target).await?;
        self.insert(by, new, Some(&pair), None).await
    }

    /// Adds a discussion; with a pair of branches, a proposal; with the number, if it was reserved.
    async fn insert(
        &self,
        by: &ParticipantGrant,
        new: &NewDiscussion,
        pair: Option<&BranchPair>,
        number: Option<i64>,
    ) -> Result<DiscussionRow> {
        let (repo, now, id) = (by.grant().id(), self.clock.now(), self.clock.id());
        let mut tx = self.db.write().await?;
        // Locks the dataset, so that requests at the same time do not exceed the limits.
        let number = match number {
            Some(number) => {
                tx.lock_repo(repo).await?;
                number
            }
            None => next_number(&mut tx, repo).await?,
        };
        self.expect_room(&mut tx, by, true).await?;
        let names = pair.map(|pair| {
            let (base, head) = (pair.base.map(|base| base.to_string()), pair.head.to_string());
            (pair.source.to_string(), pair.target.to_string(), base, head)
        });
        if let Some((source, target, ..)) = &names {
            expect_branches(&mut tx, repo, source, target).await?;
        }
        if let Some((source, target, ..)) = &names
            && let Some(other) = tx.open_proposal_between(repo, source, target).await?
        {
            return Err(Error::conflict(format!(
                "proposal {other} is open for the same branches; add a comment there"
            )));
        }
        let branches = names.as_ref().map(|(source, target, base, head)| ProposalInsert {
            source,
            target,
            base: base.as_deref(),
            head,
        });
        let row = DiscussionInsert { id, repo, number, title: new.title.as_str(), author: by.user(), branches };
        tx.insert_discussion(&row, now).await?;
        tx.insert_discussion_activity(id, id, ActivityKind::Opened, Some(by.user()), None, now).await?;
        let mut subject = id;
        if let Some(body) = &new.body {
            let event = EventInsert::comment(by.user(), body.as_str());
            subject = self.clock.id();
            tx.insert_discussion_event(subject, id, &event, now).await?;
        }
        self.enqueue(&mut tx, subject).await?;
        let row = tx.discussion(repo, number).await?.ok_or_else(|| missing(number))?;
        tx.commit().await?;
        Ok(row)
    }

    /// Changes the title of a discussion. Returns the event; `None` if it is the same title.
    ///
    /// # Errors
    /// Not found; forbidden except for the author and those with write access.
    pub async fn rename(
        &self,
        by: &ParticipantGrant,
        number: i64,
        title: &DiscussionTitle,
    ) -> Result<Option<DiscussionEventRow>> {
        let (mut tx, row) = self.lock(by, number).await?;
        expect_author_or_writer(by, &row, "change the title of")?;
        if row.title == title.as_str() {
            return Ok(None);
        }
        self.expect_room(&mut tx, by, false).await?;
        expect_short(&row)?;
        tx.set_discussion_title(row.id, title.as_str()).await?;
        let kind = DiscussionEventKind::Title;
        let event = EventInsert::change(kind, Some(by.user()), Some(&row.title), Some(title.as_str()));
        self.finish(tx, &row, &event).await.map(Some)
    }

    /// Closes a discussion, or opens it again, with an optional comment before. Returns the event; `None` if it is in that
    /// state already.
    ///
    /// # Errors
    /// Not found; forbidden except for the author and those with write access; an author cannot open again what another
    /// user has closed. Conflict for a merged proposal, and to open a proposal whose branches do not exist.
    pub async fn set_state(
        &self,
        by: &ParticipantGrant,
        number: i64,
        state: DiscussionState,
        comment: Option<&CommentText>,
    ) -> Result<Option<DiscussionEventRow>> {
        if state == DiscussionState::Merged {
            return Err(Error::invalid("a proposal becomes `merged` by merging it"));
        }
        let mut tx = self.db.write().await?;
        // Before the discussion, as in a merge: branches stay as they are until the transaction ends.
        tx.lock_repo(by.grant().id()).await?;
        let row = tx.lock_discussion(by.grant().id(), number).await?.ok_or_else(|| missing(number))?;
        expect_author_or_writer(by, &row, "change the state of")?;
        if row.state == DiscussionState::Merged {
            return Err(Error::conflict(format!("proposal {number} is merged already")));
        }
        self.expect_room(&mut tx, by, state == DiscussionState::Open && row.state != state).await?;
        if let Some(comment) = comment {
            expect_short(&row)?;
            let (id, event) = (self.clock.id(), EventInsert::comment(by.user(), comment.as_str()));
            tx.insert_discussion_event(id, row.id, &event, self.clock.now()).await?;
            self.enqueue(&mut tx, id).await?;
        }
        if row.state == state {
            tx.commit().await?;
            return Ok(None);
        }
        if state == DiscussionState::Open {
            expect_short(&row)?;
            if !by.is_writer() && tx.discussion_closer(row.id).await? != Some(by.user()) {
                return Err(Error::forbidden(
                    "it was closed by another user; ask someone with write access to open it",
                ));
            }
            if let (Some(source), Some(target)) = (&row.source, &row.target) {
                expect_branches(&mut tx, by.grant().id(), source, target).await?;
            }
            if let (Some(source), Some(target)) = (&row.source, &row.target)
                && let Some(other) = tx.open_proposal_between(by.grant().id(), source, target).await?
            {
                return Err(Error::conflict(format!("proposal {other} is open for the same branches")));
            }
        }
        tx.set_discussion_state(row.id, state, self.clock.now()).await?;
        let (before, after) = (Some(row.state.as_str()), Some(state.as_str()));
        let event = EventInsert::change(DiscussionEventKind::State, Some(by.user()), before, after);
        self.finish(tx, &row, &event).await.map(Some)
    }

    /// Checks what merging a proposal would give.
    ///
    /// # Errors
    /// Not found; invalid for a discussion; conflict for a proposal that is not open.
    pub async fn checks(&self, grant: &DatasetGrant<Read>, number: i64) -> Result<MergeChecks> {
        let row = expect_open(self.show(grant, number).await?)?;
        let (source, target) = branches::names(&row)?;
        self.datasets.merge_checks(grant, &source, &target).await
    }

    /// Merges a proposal. If its revisions are in the target branch already, it is recorded as merged.
    ///
    /// # Errors
    /// Not found; invalid for a discussion; forbidden without write access; conflict if it is not open, if it cannot be
    /// merged, and if there is nothing to merge; precondition failed if the source branch is not at the expected revision.
    pub async fn merge(&self, by: &ParticipantGrant, number: i64, options: &MergeOptions) -> Result<DiscussionRow> {
        let writer = by.writer()?;
        let row = expect_open(self.show(by.grant(), number).await?)?;
        let (source, target) = branches::names(&row)?;
        let message = options.message.as_ref().map(|message| message.as_str().to_owned());
        let request = MergeRequest {
            source: source.clone(),
            target: target.clone(),
            expected: options.expected,
            message: message.unwrap_or_else(|| format!("Merge proposal {number}: {}", row.title)),
        };
        let merge = ProposalMerge {
            id: row.id,
            number,
            source,
            by: Some(by.user()),
            comment: options.comment.as_ref().map(|comment| comment.as_str().to_owned()),
            base: branches::recorded(&row)?.base,
            head: None,
        };
        match self.datasets.merge(&writer, &request, &merge).await? {
            CommitOutcome::Made(_) => {}
            CommitOutcome::Unchanged(_) => self.record_earlier_merge(by, &writer, &request, &merge).await?,
        }
        self.show(by.grant(), number).await
    }

    async fn record_earlier_merge(
        &self,
        by: &ParticipantGrant,
        writer: &DatasetGrant<Write>,
        request: &MergeRequest,
        merge: &ProposalMerge,
    ) -> Result<()> {
        let (source, target) = (request.source.short(), request.target.short());
        let pair = self.datasets.branch_pair(by.grant(), source, Some(target)).await?;
        if merge.base == Some(pair.head) {
            return Err(Error::conflict(format!(
                "there is nothing to merge: `{source}` has no revisions that `{target}` does not have"
            )));
        }
        if pair.base != Some(pair.head) {
            return Err(Error::busy("the branches were updated in the meantime; try again"));
        }
        self.datasets.record_earlier_merge(writer, merge, pair.head, pair.into).await
    }

    /// Finds a discussion and locks it until the transaction ends.
    async fn lock(&self, by: &ParticipantGrant, number: i64) -> Result<(Tx, DiscussionRow)> {
        let mut tx = self.db.write().await?;
        let row = tx.lock_discussion(by.grant().id(), number).await?.ok_or_else(|| missing(number))?;
        Ok((tx, row))
    }

    /// Adds an event and commits.
    async fn finish(&self, mut tx: Tx, row: &DiscussionRow, event: &EventInsert<'_>) -> Result<DiscussionEventRow> {
        let (id, now) = (self.clock.id(), self.clock.now());
        tx.insert_discussion_event(id, row.id, event, now).await?;
        if let Some(kind) = activity::kind_of(event) {
            tx.insert_discussion_activity(id, row.id, kind, event.author, None, now).await?;
        }
        if event.kind != DiscussionEventKind::Title {
            self.enqueue(&mut tx, id).await?;
        }
        let made = tx.discussion_event(row.id, id).await?;
        tx.commit().await?;
        made.ok_or_else(|| Error::internal("an event that was just written is missing"))
    }

    /// Queues the notifications of an event, or of a new discussion.
    async fn enqueue(&self, tx: &mut Tx, subject: Id) -> Result<()> {
        jobs::enqueue(tx, &self.clock, JobKind::NotifyDiscussion, &subject.to_string(), Duration::ZERO).await
    }

    /// Checks that a user has not written too much: a stranger must not flood the datasets of others. `opens` is true if a
    /// discussion is opened.
    async fn expect_room(&self, tx: &mut Tx, by: &ParticipantGrant, opens: bool) -> Result<()> {
        let (most, per_day) = if by.is_writer() { (OPEN_OF_WRITERS, PER_DAY_OF_WRITERS) } else { (OPEN, PER_DAY) };
        if tx.discussion_events_since(by.user(), self.clock.now().minus(DAY)).await? >= per_day {
            return Err(Error::busy(format!(
                "you can write at most {per_day} comments a day here; try again tomorrow"
            )));
        }
        if opens && tx.open_discussions_of(by.grant().id(), by.user()).await? >= most {
            return Err(Error::busy(format!(
                "you can have at most {most} open discussions in a dataset; close some of them first"
            )));
        }
        Ok(())
    }
}

async fn next_number(tx: &mut Tx, repo: Id) -> Result<i64> {
    let number = tx.next_discussion_number(repo).await?;
    number.ok_or_else(|| Error::not_found("the dataset was deleted in the meantime"))
}

/// Checks that the branches of a proposal exist. The dataset is locked.
///
/// # Errors
/// Conflict if one does not.
async fn expect_branches(tx: &mut Tx, repo: Id, source: &str, target: &str) -> Result<()> {
    for name in [source, target] {
        if tx.find_ref(repo, name).await?.is_none() {
            let short = name.strip_prefix("refs/heads/").unwrap_or(name);
            return Err(Error::conflict(format!("the branch `{short}` was deleted; create it again first")));
        }
    }
    Ok(())
}

fn missing(number: i64) -> Error {
    Error::not_found(format!("there is no discussion {number}"))
}

/// Returns an open proposal.
fn expect_open(row: DiscussionRow) -> Result<DiscussionRow> {
    let number = row.number;
    match (row.kind, row.state) {
        (DiscussionKind::Discussion, _) => {
            Err(Error::invalid(format!("{number} is a discussion, which has nothing to merge")))
        }
        (DiscussionKind::Proposal, DiscussionState::Open) => Ok(row),
        (DiscussionKind::Proposal, state) => Err(Error::conflict(format!("proposal {number} is {state}"))),
    }
}

fn expect_author_or_writer(by: &ParticipantGrant, row: &DiscussionRow, what: &str) -> Result<()> {
    if row.author_id == Some(by.user()) || by.is_writer() {
        return Ok(());
    }
    Err(Error::forbidden(format!("only the author and users with write access can {what} this discussion")))
}

fn expect_short(row: &DiscussionRow) -> Result<()> {
    if row.events < EVENTS {
        return Ok(());
    }
    Err(Error::conflict(format!("this discussion has {EVENTS} entries; open another one")))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns the name of the branch that is made for a proposal of a client of Hugging Face.
fn branch_of(number: i64) -> Result<RefName> {
    Ok(RefName::branch(&format!("pr/{number}"))?)
}
