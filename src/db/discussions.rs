//! Discussions and proposals of datasets, and what happened in them.

use sqlx_macros::FromRow;

use super::Tx;
use super::admin::anywhere;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{DiscussionEventKind, DiscussionKind, DiscussionState, Id, Millis};

/// A discussion or proposal.
#[derive(Debug, Clone, FromRow)]
pub struct DiscussionRow {
    /// Stable id.
    pub id: Id,
    /// Number in the dataset.
    pub number: i64,
    /// Discussion or proposal.
    pub kind: DiscussionKind,
    /// The title.
    pub title: String,
    /// Id of the author; `None` if the account was deleted.
    pub author_id: Option<Id>,
    /// Name of the author.
    pub author_name: Option<String>,
    /// Digest of the author's avatar.
    pub author_avatar: Option<String>,
    /// Open, closed or merged.
    pub state: DiscussionState,
    /// Full name of the branch to merge.
    pub source: Option<String>,
    /// Full name of the branch to merge into.
    pub target: Option<String>,
    /// The common ancestor when the proposal was opened, or merged.
    pub base: Option<String>,
    /// Revision of the source branch when it was opened, merged or deleted.
    pub head: Option<String>,
    /// The revision of the target branch that the merge created.
    pub merged: Option<String>,
    /// Number of the last event.
    pub events: i64,
    /// Number of comments, with hidden ones.
    pub comments: i64,
    /// Creation time.
    pub created_at: Millis,
    /// Time of the last event.
    pub updated_at: Millis,
    /// When it was closed or merged.
    pub closed_at: Option<Millis>,
}

/// An event in a discussion.
#[derive(Debug, Clone, FromRow)]
pub struct DiscussionEventRow {
    /// Stable id.
    pub id: Id,
    /// Number in the discussion.
    pub number: i64,
    /// What happened.
    pub kind: DiscussionEventKind,
    /// Id of the author; `None` if the account was deleted.
    pub author_id: Option<Id>,
    /// Name of the author.
    pub author_name: Option<String>,
    /// Digest of the author's avatar.
    pub author_avatar: Option<String>,
    /// Text of a comment; empty if it is hidden.
    pub body: String,
    /// The former title, state, or name of the branch.
    pub before: Option<String>,
    /// The new one; for a merge, the revision.
    pub after: Option<String>,
    /// Creation time.
    pub created_at: Millis,
    /// Time of the last change of a comment.
    pub edited_at: Option<Millis>,
    /// When a comment was hidden.
    pub hidden_at: Option<Millis>,
}

/// A new discussion.
#[derive(Debug, Clone)]
pub struct DiscussionInsert<'a> {
    /// Its id.
    pub id: Id,
    /// The dataset.
    pub repo: Id,
    /// Its number.
    pub number: i64,
    /// The title.
    pub title: &'a str,
    /// The author.
    pub author: Id,
    /// The branches of a proposal.
    pub branches: Option<ProposalInsert<'a>>,
}

/// The branches of a new proposal.
#[derive(Debug, Clone, Copy)]
pub struct ProposalInsert<'a> {
    /// Full name of the branch to merge.
    pub source: &'a str,
    /// Full name of the branch to merge into.
    pub target: &'a str,
    /// The common ancestor, if there is one.
    pub base: Option<&'a str>,
    /// Revision of the source branch.
    pub head: &'a str,
}

/// A new event.
#[derive(Debug, Clone)]
pub struct EventInsert<'a> {
    /// What happened.
    pub kind: DiscussionEventKind,
    /// The author; `None` for an actor without an account.
    pub author: Option<Id>,
    /// Text of a comment.
    pub body: &'a str,
    /// The former title, state, or name of the branch.
    pub before: Option<&'a str>,
    /// The new one; for a merge, the revision.
    pub after: Option<&'a str>,
}

impl<'a> EventInsert<'a> {
    /// Creates a comment.
    pub fn comment(author: Id, body: &'a str) -> Self {
        let kind = DiscussionEventKind::Comment;
        Self { kind, author: Some(author), body, before: None, after: None }
    }

    /// Creates a change of something that is not a comment.
    pub fn change(
        kind: DiscussionEventKind,
        author: Option<Id>,
        before: Option<&'a str>,
        after: Option<&'a str>,
    ) -> Self {
        Self { kind, author, body: "", before, after }
    }
}

/// Which discussions to list; `None` does not filter.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiscussionFilter<'a> {
    /// Discussions or proposals.
    pub kind: Option<DiscussionKind>,
    /// Their state.
    pub state: Option<DiscussionState>,
    /// True to list closed and merged ones alike.
    pub ended: bool,
    /// Name of the author.
    pub author: Option<&'a str>,
    /// A text in the title.
    pub title: Option<&'a str>,
}

macro_rules! select {
    ($rest:expr) => {
        concat!(
            "SELECT d.id, d.number, d.kind, d.title, d.author_id, o.name AS author_name, v.digest AS author_avatar,
                    d.state, d.source, d.target, d.base, d.head, d.merged, d.events, d.comments, d.created_at, d.updated_at, d.closed_at
             FROM discussion d LEFT JOIN owner o ON o.id = d.author_id LEFT JOIN avatar v ON v.owner_id = d.author_id ",
            $rest
        )
    };
}

/// SQL condition of a [`DiscussionFilter`] with the arguments `$2` to `$6`.
macro_rules! filtered {
    () => {
        "d.repo_id = $1 AND ($2 = '' OR d.kind = $2) AND ($3 = '' OR d.state = $3)
         AND (NOT $4 OR d.state <> 'open') AND ($5 = '' OR o.name = $5)
         AND ($6 = '' OR LOWER(d.title) LIKE $6 ESCAPE '\\') "
    };
}

macro_rules! select_event {
    ($rest:expr) => {
        concat!(
            "SELECT e.id, e.number, e.kind, e.author_id, o.name AS author_name, v.digest AS author_avatar, e.body,
                    e.before, e.after, e.created_at, e.edited_at, e.hidden_at
             FROM discussion_event e LEFT JOIN owner o ON o.id = e.author_id
             LEFT JOIN avatar v ON v.owner_id = e.author_id ",
            $rest
        )
    };
}

impl Tx {
    /// Returns the next number of a discussion in a dataset, which no other discussion gets. `None` if the dataset was
    /// deleted.
    pub async fn next_discussion_number(&mut self, repo: Id) -> Result<Option<i64>> {
        let sql = "UPDATE dataset SET discussions = discussions + 1 WHERE id = $1 RETURNING discussions";
        Ok(query_scalar(sql).bind(repo).fetch_optional(self).await?)
    }

    /// Adds an open discussion without events.
    pub async fn insert_discussion(&mut self, new: &DiscussionInsert<'_>, now: Millis) -> Result<()> {
        let kind = if new.branches.is_some() { DiscussionKind::Proposal } else { DiscussionKind::Discussion };
        let sql = "INSERT INTO discussion (id, repo_id, number, kind, title, author_id, state, source, target, base,
                                           head, events, comments, created_at, updated_at)
                   VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9, $10, 0, 0, $11, $11)";
        query(sql)
            .bind(new.id)
            .bind(new.repo)
            .bind(new.number)
            .bind(kind.as_str())
            .bind(new.title)
            .bind(new.author)
            .bind(new.branches.map(|branches| branches.source))
            .bind(new.branches.map(|branches| branches.target))
            .bind(new.branches.and_then(|branches| branches.base))
            .bind(new.branches.map(|branches| branches.head))
            .bind(now)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns a discussion by its number.
    pub async fn discussion(&mut self, repo: Id, number: i64) -> Result<Option<DiscussionRow>> {
        let sql = select!("WHERE d.repo_id = $1 AND d.number = $2");
        Ok(query(sql).bind(repo).bind(number).fetch_optional(self).await?)
    }

    /// Like [`Tx::discussion`], and locks it until the transaction ends.
    pub async fn lock_discussion(&mut self, repo: Id, number: i64) -> Result<Option<DiscussionRow>> {
        // On SQLite there is only one writer.
        if matches!(self, Self::Postgres(_)) {
            let sql = "SELECT id FROM discussion WHERE repo_id = $1 AND number = $2 FOR NO KEY UPDATE";
            let _: Option<Id> = query_scalar(sql).bind(repo).bind(number).fetch_optional(self).await?;
        }
        self.discussion(repo, number).await
    }

    /// Returns discussions, newest first, with numbers below `before`.
    pub async fn discussions(
        &mut self,
        repo: Id,
        filter: &DiscussionFilter<'_>,
        before: i64,
        skip: i64,
        limit: i64,
    ) -> Result<Vec<DiscussionRow>> {
        let sql =
            select!(concat!("WHERE ", filtered!(), "AND d.number < $7 ORDER BY d.number DESC LIMIT $8 OFFSET $9"));
        Ok(filter.bind(query(sql).bind(repo)).bind(before).bind(limit).bind(skip).fetch_all(self).await?)
    }

    /// Counts the discussions that match a filter.
    pub async fn count_discussions(&mut self, repo: Id, filter: &DiscussionFilter<'_>) -> Result<i64> {
        let sql =
            concat!("SELECT COUNT(*) FROM discussion d LEFT JOIN owner o ON o.id = d.author_id WHERE ", filtered!());
        let (count,): (i64,) = filter.bind(query(sql).bind(repo)).fetch_one(self).await?;
        Ok(count)
    }

    /// Counts the open discussions of a dataset, from the index alone: each view of a dataset does.
    pub async fn open_discussions(&mut self, repo: Id) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM discussion WHERE repo_id = $1 AND state = 'open'";
        Ok(query_scalar(sql).bind(repo).fetch_one(self).await?)
    }

    /// Counts the open discussions of an author in a dataset.
    pub async fn open_discussions_of(&mut self, repo: Id, author: Id) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM discussion WHERE author_id = $1 AND repo_id = $2 AND state = 'open'";
        Ok(query_scalar(sql).bind(author).bind(repo).fetch_one(self).await?)
    }

    /// Returns the open proposals from or into a branch.
    pub async fn open_proposals_of(&mut self, repo: Id, branch: &str) -> Result<Vec<DiscussionRow>> {
        let sql = select!("WHERE d.repo_id = $1 AND d.state = 'open' AND (d.source = $2 OR d.target = $2)");
        Ok(query(sql).bind(repo).bind(branch).fetch_all(self).await?)
    }

    /// Sets the names of the branches of a proposal.
    pub async fn set_proposal_branches(&mut self, id: Id, source: &str, target: &str) -> Result<()> {
        let sql = "UPDATE discussion SET source = $2, target = $3 WHERE id = $1";
        query(sql).bind(id).bind(source).bind(target).execute(self).await?;
        Ok(())
    }

    /// Records the revision of the source branch of a proposal, before the branch is deleted.
    pub async fn set_proposal_head(&mut self, id: Id, head: &str) -> Result<()> {
        let sql = "UPDATE discussion SET head = $2 WHERE id = $1";
        query(sql).bind(id).bind(head).execute(self).await?;
        Ok(())
    }

    /// Sets the title of a discussion.
    pub async fn set_discussion_title(&mut self, id: Id, title: &str) -> Result<()> {
        query("UPDATE discussion SET title = $2 WHERE id = $1").bind(id).bind(title).execute(self).await?;
        Ok(())
    }

    /// Opens or closes a discussion.
    pub async fn set_discussion_state(&mut self, id: Id, state: DiscussionState, now: Millis) -> Result<()> {
        let closed = (state != DiscussionState::Open).then_some(now);
        let sql = "UPDATE discussion SET state = $2, closed_at = $3 WHERE id = $1";
        query(sql).bind(id).bind(state.as_str()).bind(closed).execute(self).await?;
        Ok(())
    }

    /// Records that an open proposal was merged; returns false if it is not open.
    pub async fn set_proposal_merged(
        &mut self,
        id: Id,
        base: Option<&str>,
        head: &str,
        merged: &str,
        now: Millis,
    ) -> Result<bool> {
        let sql = "UPDATE discussion SET state = 'merged', base = $2, head = $3, merged = $4, closed_at = $5
                   WHERE id = $1 AND state = 'open'";
        let set = query(sql).bind(id).bind(base).bind(head).bind(merged).bind(now).execute(self).await?;
        Ok(set > 0)
    }

    /// Adds an event to a discussion. Returns its number, which no other event of the discussion has.
    pub async fn insert_discussion_event(
        &mut self,
        id: Id,
        discussion: Id,
        event: &EventInsert<'_>,
        now: Millis,
    ) -> Result<i64> {
        let comments = i64::from(event.kind == DiscussionEventKind::Comment);
        let sql = "UPDATE discussion SET events = events + 1, comments = comments + $2, updated_at = $3
                   WHERE id = $1 RETURNING events";
        let number: i64 = query_scalar(sql).bind(discussion).bind(comments).bind(now).fetch_one(self).await?;
        let sql = "INSERT INTO discussion_event (id, discussion_id, number, kind, author_id, body, before, after,
                                                 created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        query(sql)
            .bind(id)
            .bind(discussion)
            .bind(number)
            .bind(event.kind.as_str())
            .bind(event.author)
            .bind(event.body)
            .bind(event.before)
            .bind(event.after)
            .bind(now)
            .execute(self)
            .await?;
        Ok(number)
    }

    /// Returns the events of a discussion after a number, in order.
    pub async fn discussion_events(
        &mut self,
        discussion: Id,
        after: i64,
        limit: i64,
    ) -> Result<Vec<DiscussionEventRow>> {
        let sql = select_event!("WHERE e.discussion_id = $1 AND e.number > $2 ORDER BY e.number LIMIT $3");
        Ok(query(sql).bind(discussion).bind(after).bind(limit).fetch_all(self).await?)
    }

    /// Returns an event of a discussion.
    pub async fn discussion_event(&mut self, discussion: Id, id: Id) -> Result<Option<DiscussionEventRow>> {
        let sql = select_event!("WHERE e.discussion_id = $1 AND e.id = $2");
        Ok(query(sql).bind(discussion).bind(id).fetch_optional(self).await?)
    }

    /// Returns the id of the user who last changed the state of a discussion; `None` if it never changed, or if the account
    /// was deleted.
    pub async fn discussion_closer(&mut self, discussion: Id) -> Result<Option<Id>> {
        let sql = "SELECT author_id FROM discussion_event WHERE discussion_id = $1 AND kind = 'state'
                   ORDER BY number DESC LIMIT 1";
        let found: Option<(Option<Id>,)> = query(sql).bind(discussion).fetch_optional(self).await?;
        Ok(found.and_then(|(closer,)| closer))
    }

    /// Returns the number of the open proposal to merge one branch into another.
    pub async fn open_proposal_between(&mut self, repo: Id, source: &str, target: &str) -> Result<Option<i64>> {
        let sql = "SELECT number FROM discussion
                   WHERE repo_id = $1 AND state = 'open' AND source = $2 AND target = $3 LIMIT 1";
        Ok(query_scalar(sql).bind(repo).bind(source).bind(target).fetch_optional(self).await?)
    }

    /// Counts what an author wrote, in all datasets, since a time.
    pub async fn discussion_events_since(&mut self, author: Id, since: Millis) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM discussion_event WHERE author_id = $1 AND created_at > $2";
        Ok(query_scalar(sql).bind(author).bind(since).fetch_one(self).await?)
    }

    /// Replaces the text of a comment that is not hidden.
    pub async fn edit_comment(&mut self, id: Id, body: &str, now: Millis) -> Result<bool> {
        let sql = "UPDATE discussion_event SET body = $2, edited_at = $3 WHERE id = $1 AND hidden_at IS NULL";
        Ok(query(sql).bind(id).bind(body).bind(now).execute(self).await? > 0)
    }

    /// Hides a comment: its text is deleted.
    pub async fn hide_comment(&mut self, id: Id, by: Option<Id>, now: Millis) -> Result<()> {
        let sql = "UPDATE discussion_event SET body = '', hidden_at = $2, hidden_by = $3
                   WHERE id = $1 AND hidden_at IS NULL";
        query(sql).bind(id).bind(now).bind(by).execute(self).await?;
        Ok(())
    }
}

impl DiscussionFilter<'_> {
    /// Binds the arguments of `filtered!`.
    fn bind(&self, query: super::query::Query) -> super::query::Query {
        query
            .bind(self.kind.map_or("", DiscussionKind::as_str))
            .bind(self.state.map_or("", DiscussionState::as_str))
            .bind(self.ended)
            .bind(self.author.unwrap_or_default())
            .bind(self.title.map(anywhere).unwrap_or_default())
    }
}
