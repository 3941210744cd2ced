//! Configuration of accounts and of outgoing e-mail.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::units;
use crate::error::{Error, Result};
use crate::types::Secret;

/// Who can create an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Anyone.
    Open,
    /// Invited people only.
    Invitation,
    /// No sign-up: the operator creates accounts with `rutter user add`.
    Closed,
}

/// Who can create organisations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Makers {
    /// All users.
    Users,
    /// Site administrators only.
    Admins,
}

/// Users that must have a second factor to use the site with a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    /// None.
    Optional,
    /// Site administrators.
    Admins,
    /// All users.
    All,
}

impl SecondFactor {
    /// Returns true if a user must have one.
    pub fn is_required(self, admin: bool) -> bool {
        match self {
            Self::Optional => false,
            Self::Admins => admin,
            Self::All => true,
        }
    }
}

/// Users that are suggested where a user name is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Suggest {
    /// All users.
    All,
    /// Members of the same organisations, and users with whom something was shared before.
    Organisations,
}

/// Rules for accounts and sessions.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountRules {
    /// Who can create an account: `open`, `invitation` or `closed`. Default: `invitation`.
    pub sign_up: SignUp,
    /// Who can create organisations: `users` or `admins`. Default: `users`.
    pub organisations: Makers,
    /// Users that must have a second factor: `optional` (none), `admins` or `all`. Default: `optional`.
    pub second_factor: SecondFactor,
    /// Users that are suggested where a user name is typed: `all`, or those of the same `organisations`, and those with
    /// whom something was shared before. Default: `all`.
    pub suggest: Suggest,
    /// True if users can sign in with passwords. Default: true.
    pub passwords: bool,
    /// Session idle timeout, in days. Default: 14.
    #[serde(deserialize_with = "units::days")]
    pub session_idle_days: u32,
    /// Maximum session lifetime, in days. Default: 90.
    #[serde(deserialize_with = "units::days")]
    pub session_days: u32,
    /// Days until a closed account is deleted with its datasets. Default: 14.
    #[serde(deserialize_with = "units::days")]
    pub grace_days: u32,
}

impl Default for AccountRules {
    fn default() -> Self {
        Self {
            sign_up: SignUp::Invitation,
            organisations: Makers::Users,
            second_factor: SecondFactor::Optional,
            suggest: Suggest::All,
            passwords: true,
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
    /// Returns the session idle timeout.
    pub fn session_idle(&self) -> Duration {
        days(self.session_idle_days)
    }

    /// Returns the maximum session lifetime.
    pub fn session_longest(&self) -> Duration {
        days(self.session_days)
    }

    /// Returns how long a closed account can be reopened.
    pub fn grace(&self) -> Duration {
        days(self.grace_days)
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// Invalid; the message names the key.
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

/// Outgoing e-mail.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// SMTP server: `smtps://user:password@host`, or `smtp://host:25`, with `?tls=required` for STARTTLS. Without it,
    /// each e-mail is written to `folder`.
    pub url: Option<Secret>,
    /// Sender, such as `Data drive <drive@example.org>`; required with `url`.
    pub from: Option<String>,
    /// Folder for e-mails that are not sent by SMTP, as `.eml` files. Default: `DATA/mail`.
    pub folder: Option<PathBuf>,
}

impl MailConfig {
    /// Checks the SMTP server and the sender.
    ///
    /// # Errors
    /// Invalid; the message names the key, but not the URL, which may contain a password.
    pub(super) fn check(&self) -> Result<()> {
        let Some(url) = &self.url else { return Ok(()) };
        let Some((scheme @ ("smtp" | "smtps"), rest)) = url.expose().split_once("://") else {
            return Err(Error::invalid("mail.url must begin with smtps:// or smtp://"));
        };
        if self.from.is_none() {
            return Err(Error::invalid("mail.from is missing: set the sender of e-mails, such as drive@example.org"));
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
                "mail.url would send its password unencrypted: use smtps://, or add ?tls=required",
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
