//! Browser sessions: a cookie with `rus_` and 43 random characters, of which only the hash is stored. It has all
//! rights of its user until it expires.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::{Access, Actor, BrowserSession, CredentialScope, Identity, tokens};
use crate::clock;
use crate::error::{Error, Result};
use crate::types::Secret;

const PREFIX: &str = "rus_";

/// Minimum interval between updates of a session's last use, in milliseconds; the same as for tokens.
const TOUCHED: i64 = 60_000;

/// Generates the cookie value of a new session. It is never stored.
pub fn generate() -> Secret {
    Secret::new(format!("{PREFIX}{}", BASE64.encode(clock::random::<32>())))
}

impl Access {
    pub(super) async fn by_session(&self, cookie: &Secret) -> Result<Actor> {
        let ended = || Error::unauthenticated("your session has ended; sign in again").ending_session();
        let row = self.db.read().await?.session_by_hash(&tokens::hash(cookie)).await?.ok_or_else(ended)?;
        let now = self.clock.now();
        if row.expires_at <= now || row.last_used_at.plus(self.session_idle) <= now || !row.is_active() {
            return Err(ended());
        }
        if now.0 - row.last_used_at.0 > TOUCHED {
            self.notes.seen(row.session_id);
        }
        let must_enrol = self.session_lacks_second_factor(row.user_id, row.admin, &row.amr).await?;
        Ok(Actor {
            identity: Identity::User { id: row.user_id, name: row.user_name, admin: row.admin && !must_enrol },
            limit: if must_enrol { CredentialScope::Enrolment } else { CredentialScope::Nothing },
            session: Some(BrowserSession { id: row.session_id, since: row.created_at }),
        })
    }
}
