//! Discussions and proposals: kinds, states, titles and comments.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

text_enum! {
    /// What a discussion is.
    DiscussionKind, "kind of discussion" {
        /// Comments only.
        Discussion = "discussion",
        /// A proposal to merge a branch into another one (a pull request).
        Proposal = "proposal",
    }
}

text_enum! {
    /// The state of a discussion or proposal.
    DiscussionState, "state of a discussion" {
        /// It is open.
        Open = "open",
        /// It was closed, and can be opened again.
        Closed = "closed",
        /// The branch was merged.
        Merged = "merged",
    }
}

text_enum! {
    /// What happened in a discussion.
    DiscussionEventKind, "kind of event" {
        /// A user wrote a comment.
        Comment = "comment",
        /// The title was changed.
        Title = "title",
        /// It was closed or opened again.
        State = "state",
        /// The branch was merged.
        Merge = "merge",
        /// A branch of the proposal was renamed or deleted.
        Branch = "branch",
    }
}

text_enum! {
    /// Why a user is notified.
    NotificationReason, "reason of a notification" {
        /// A comment mentions the user.
        Mention = "mention",
        /// The user takes part in the discussion.
        Participating = "participating",
        /// The user owns the dataset.
        Owner = "owner",
        /// The user follows the dataset.
        Following = "following",
        /// The user created the link that was used.
        Link = "link",
        /// The user owns or follows the dataset, of which there is a new version or release.
        Versions = "versions",
    }
}

text_enum! {
    /// What a user is notified of.
    NotificationEvent, "event" {
        /// A user wrote a comment.
        Comment = "comment",
        /// The title of a discussion was changed.
        Title = "title",
        /// A discussion was closed or opened again.
        State = "state",
        /// A proposal was merged.
        Merge = "merge",
        /// A branch of a proposal was renamed or deleted.
        Branch = "branch",
        /// A share link was opened.
        Opened = "opened",
        /// Files arrived by a file request.
        Received = "received",
        /// The default branch has new revisions.
        Version = "version",
        /// A tag was created.
        Release = "release",
    }
}

text_enum! {
    /// What happened in a dataset.
    ActivityKind, "kind of activity" {
        /// The default branch has new revisions.
        Version = "version",
        /// A tag was created.
        Release = "release",
        /// A discussion or proposal was opened.
        Opened = "opened",
        /// A user wrote a comment.
        Commented = "commented",
        /// A discussion or proposal was closed.
        Closed = "closed",
        /// A discussion or proposal was opened again.
        Reopened = "reopened",
        /// A proposal was merged.
        Merged = "merged",
    }
}

/// Maximum length of a title, in characters.
const TITLE_MAX: usize = 200;

/// Maximum length of a comment, in bytes.
const COMMENT_MAX: usize = 64 << 10;

/// The title of a discussion: a line of 1 to 200 characters, without blanks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscussionTitle(String);
text_newtype!(DiscussionTitle);

impl FromStr for DiscussionTitle {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::invalid("the title must not be empty"));
        }
        if text.chars().count() > TITLE_MAX {
            return Err(Error::invalid(format!("the title has more than {TITLE_MAX} characters")));
        }
        // Titles are shown in lists, in e-mails and on terminals.
        if text.chars().any(|c| {
            c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        }) {
            return Err(Error::invalid("the title must be a single line without control characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The text of a comment, in Markdown: at most 64 KiB, not blank. It is stored and returned as it is; a
/// client that shows it as HTML must remove scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentText(String);
text_newtype!(CommentText);

impl CommentText {
    /// Parses a text that may be absent or blank.
    ///
    /// # Errors
    /// As for parsing one that is not.
    pub fn optional(text: Option<&str>) -> Result<Option<Self>, Error> {
        text.filter(|text| !text.trim().is_empty()).map(str::parse).transpose()
    }
}

impl FromStr for CommentText {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.trim().is_empty() {
            return Err(Error::invalid("the comment must not be empty"));
        }
        if text.len() > COMMENT_MAX {
            return Err(Error::too_large(format!("a comment has at most {COMMENT_MAX} bytes; split it into several")));
        }
        if text.contains('\0') {
            return Err(Error::invalid("a comment must not contain NUL"));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_single_lines() {
        assert_eq!("  Fix the units \n".parse::<DiscussionTitle>().unwrap().as_str(), "Fix the units");
        assert!("ü".repeat(TITLE_MAX).parse::<DiscussionTitle>().is_ok());
        for bad in ["", " \n ", "a\nb", "a\u{202e}b", "a\u{7}", &"ü".repeat(TITLE_MAX + 1)] {
            assert!(bad.parse::<DiscussionTitle>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn comments_are_kept_as_they_are() {
        let text = "<script>alert(1)</script>\n";
        assert_eq!(text.parse::<CommentText>().unwrap().as_str(), text);
        assert!("x".repeat(COMMENT_MAX).parse::<CommentText>().is_ok());
        for bad in ["", " \n", "a\0", &"x".repeat(COMMENT_MAX + 1)] {
            assert!(bad.parse::<CommentText>().is_err());
        }
        assert_eq!(CommentText::optional(Some(" ")).unwrap(), None);
    }
}
