//! Comments: writing, changing and hiding them.

use super::{Discussions, expect_short};
use crate::access::ParticipantGrant;
use crate::db::Tx;
use crate::db::discussions::{DiscussionEventRow, DiscussionRow, EventInsert};
use crate::error::{Error, Result};
use crate::types::{CommentText, DiscussionEventKind, Id};

impl Discussions {
    /// Adds a comment.
    ///
    /// # Errors
    /// Not found; busy if the author wrote too much today; conflict if the discussion is too long.
    pub async fn comment(&self, by: &ParticipantGrant, number: i64, text: &CommentText) -> Result<DiscussionEventRow> {
        let (mut tx, row) = self.lock(by, number).await?;
        self.expect_room(&mut tx, by, false).await?;
        expect_short(&row)?;
        self.finish(tx, &row, &EventInsert::comment(by.user(), text.as_str())).await
    }

    /// Replaces the text of a comment of one's own. The time of the change is kept, the former text is not.
    ///
    /// # Errors
    /// Not found; forbidden for comments of others; conflict for a hidden comment.
    pub async fn edit_comment(
        &self,
        by: &ParticipantGrant,
        number: i64,
        id: Id,
        text: &CommentText,
    ) -> Result<DiscussionEventRow> {
        let (mut tx, row) = self.lock(by, number).await?;
        let comment = find(&mut tx, &row, id).await?;
        if comment.author_id != Some(by.user()) {
            return Err(Error::forbidden("only its author can change a comment"));
        }
        if !tx.edit_comment(id, text.as_str(), self.clock.now()).await? {
            return Err(Error::conflict("the comment is hidden and cannot be changed"));
        }
        let comment = find(&mut tx, &row, id).await?;
        tx.commit().await?;
        Ok(comment)
    }

    /// Hides a comment: its text is deleted, and its place stays. What others wrote is hidden by owners of the dataset, which
    /// is recorded in the audit trail.
    ///
    /// # Errors
    /// Not found; forbidden except for the author and owners.
    pub async fn hide_comment(&self, by: &ParticipantGrant, number: i64, id: Id) -> Result<DiscussionEventRow> {
        let (mut tx, row) = self.lock(by, number).await?;
        let comment = find(&mut tx, &row, id).await?;
        let is_own = comment.author_id == Some(by.user());
        if !is_own && !by.is_owner() {
            return Err(Error::forbidden("only its author and owners of the dataset can hide a comment"));
        }
        let now = self.clock.now();
        tx.hide_comment(id, Some(by.user()), now).await?;
        if !is_own {
            let (actor, subject) = (by.grant().actor().key(), by.grant().full_name());
            let detail = format!("{number} {id} by {}", comment.author_name.as_deref().unwrap_or("a deleted account"));
            let request = crate::request::id();
            tx.insert_audit(self.clock.id(), now, &actor, "comment.hide", &subject, &detail, &request).await?;
        }
        let comment = find(&mut tx, &row, id).await?;
        tx.commit().await?;
        Ok(comment)
    }
}

async fn find(tx: &mut Tx, row: &DiscussionRow, id: Id) -> Result<DiscussionEventRow> {
    let found = tx.discussion_event(row.id, id).await?;
    let found = found.filter(|event| event.kind == DiscussionEventKind::Comment);
    found.ok_or_else(|| Error::not_found(format!("discussion {} has no comment `{id}`", row.number)))
}
