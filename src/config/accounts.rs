//! Who may have an account, and how letters go out.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::units;
use crate::error::{Error, Result};
use crate::types::Secret;

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Everyone.
    Open,
    /// Who was invited.
    Invitation,
    /// Nobody: `rutter user add` makes accounts.
    Closed,
}

/// Who may make organisations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Makers {
    /// Every user.
    Users,
    /// Administrators of the site.
    Admins,
}

/// Rules for accounts.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountRules {
    /// Who may make an account: `open`, `invitation` or `closed`.
    pub sign_up: SignUp,
    /// Who may make organisations: `users` or `admins`.
    pub organisations: Makers,
    /// Days after which a browser that was not used has to sign in again.
    #[serde(deserialize_with = "units::days")]
    pub session_idle_days: u32,
    /// Days after which every browser has to sign in again.
    #[serde(deserialize_with = "units::days")]
    pub session_days: u32,
    /// Days between the closing of an account and the removal of it with its datasets.
    #[serde(deserialize_with = "units::days")]
    pub grace_days: u32,
}

impl Default for AccountRules {
    fn default() -> Self {
        Self {
            sign_up: SignUp::Invitation,
            organisations: Makers::Users,
            session_idle_days: 14,
            session_days: 90,
            grace_days: 14,
        }
    }
}

fn days(number: u32) -> Duration {
    Duration::from_secs(u64::from(number) * 24 * 3600)
}

impl AccountRules {
    /// For how long a session lasts that is not used.
    pub fn session_idle(&self) -> Duration {
        days(self.session_idle_days)
    }

    /// For how long a session lasts, whatever the use.
    pub fn session_longest(&self) -> Duration {
        days(self.session_days)
    }

    /// For how long a closed account can be opened again.
    pub fn grace(&self) -> Duration {
        days(self.grace_days)
    }

    /// # Errors
    /// Invalid; the sentence names the key.
    pub(super) fn check(&self) -> Result<()> {
        let bounds = [
            ("accounts.session_idle_days", self.session_idle_days, 1, 400),
            ("accounts.session_days", self.session_days, 1, 400),
            ("accounts.grace_days", self.grace_days, 0, 3650),
        ];
        for (key, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return Err(Error::invalid(format!("{key} is {value}, but must be between {least} and {most}")));
            }
        }
        Ok(())
    }
}

/// How letters go out.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// The server that takes letters: `smtps://user:password@host`, or `smtp://host:25`; `?tls=required` for STARTTLS.
    /// Without it, letters are put into `folder`.
    pub url: Option<Secret>,
    /// The sender, as in `Data drive <drive@example.org>`.
    pub from: Option<String>,
    /// Where letters are put that are not sent, as `.eml` files. Default: `DATA/mail`.
    pub folder: Option<PathBuf>,
}

impl MailConfig {
    /// # Errors
    /// Invalid; the sentence names the key, and not the URL, which may hold a password.
    pub(super) fn check(&self) -> Result<()> {
        let Some(url) = &self.url else { return Ok(()) };
        let Some((scheme @ ("smtp" | "smtps"), rest)) = url.expose().split_once("://") else {
            return Err(Error::invalid("mail.url must begin with smtps:// or smtp://"));
        };
        if self.from.is_none() {
            return Err(Error::invalid("mail.from is missing: the sender of letters, as in drive@example.org"));
        }
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = authority.split('/').next().unwrap_or_default();
        let (signs_in, host) = match authority.rsplit_once('@') {
            Some((_, host)) => (true, host),
            None => (false, authority),
        };
        let here = ["localhost", "127.0.0.1", "[::1]"];
        let here = here.iter().any(|name| host == *name || host.starts_with(&format!("{name}:")));
        if signs_in && !here && scheme == "smtp" && query != "tls=required" {
            return Err(Error::invalid(
                "mail.url would send its password in the clear: write smtps://, or add ?tls=required",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_sent_in_the_clear() {
        let check = |url: &str, from: Option<&str>| {
            let url = Some(Secret::new(url.into()));
            MailConfig { url, from: from.map(str::to_owned), folder: None }.check().map_err(|error| error.to_string())
        };
        let from = Some("drive@example.org");
        for good in [
            "smtps://u:p@mail.example.org",
            "smtp://u:p@mail.example.org:587?tls=required",
            "smtp://mail.example.org",
            "smtp://u:p@127.0.0.1:2525",
            "smtp://u:p@localhost",
        ] {
            assert_eq!(check(good, from), Ok(()), "{good}");
        }
        for bad in [
            "smtp://u:hidden@mail.example.org",
            "smtp://u:hidden@localhost.example.org",
            "smtp://u:hidden@mail.example.org?tls=opportunistic",
            "mail.example.org",
            "http://mail.example.org",
        ] {
            let said = check(bad, from).unwrap_err();
            assert!(said.contains("mail.url") && !said.contains("hidden"), "{said}");
        }
        assert!(check("smtps://mail.example.org", None).unwrap_err().contains("mail.from"));
    }

    #[test]
    fn days_out_of_bounds_are_refused_by_name() {
        for (rules, key) in [
            (AccountRules { session_days: 0, ..AccountRules::default() }, "accounts.session_days"),
            (AccountRules { session_idle_days: 401, ..AccountRules::default() }, "accounts.session_idle_days"),
            (AccountRules { grace_days: 4000, ..AccountRules::default() }, "accounts.grace_days"),
        ] {
            let said = rules.check().unwrap_err().to_string();
            assert!(said.starts_with(key), "{said}");
        }
        AccountRules::default().check().unwrap();
    }
}
