//! Suggestions of users where a user name is typed.

use super::Accounts;
use crate::access::AccountGrant;
use crate::config::Suggest;
use crate::db::people::SuggestedRow;
use crate::error::{Error, Result};
use crate::types::Email;

/// Maximum number of suggestions.
const SUGGESTED: usize = 8;

/// Minimum and maximum length of the text, in characters: a single character finds too many. An e-mail address has at most 254.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=254;

impl Accounts {
    /// Returns users whose name begins with a text: first members of the same organisations and users with whom the caller
    /// has shared something, who are also found by their display names; then all others, unless the configuration excludes
    /// them. An e-mail address finds a member of the same organisations, if it is complete; addresses are never returned.
    ///
    /// # Errors
    /// Invalid for a text that is too short or too long.
    pub async fn suggest(&self, holder: &AccountGrant, text: &str) -> Result<Vec<SuggestedRow>> {
        let text = text.trim();
        if !LENGTHS.contains(&text.chars().count()) {
            let (least, most) = LENGTHS.into_inner();
            return Err(Error::invalid(format!("`q` must have {least} to {most} characters")));
        }
        let mut tx = self.db.read().await?;
        if let Ok(email) = text.parse::<Email>() {
            return Ok(tx.colleague_by_email(holder.user(), &email).await?.into_iter().collect());
        }
        let text = text.strip_prefix('@').unwrap_or(text).to_lowercase();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = tx.known_people(holder.user(), &text, limit(SUGGESTED)).await?;
        if self.rules.suggest == Suggest::All && found.len() < SUGGESTED {
            for row in tx.people_named(holder.user(), &text, limit(SUGGESTED)).await? {
                if found.len() < SUGGESTED && !found.iter().any(|known| known.name == row.name) {
                    found.push(row);
                }
            }
        }
        Ok(found)
    }
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
