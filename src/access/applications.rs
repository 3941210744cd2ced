//! The catalogue of data platform applications, and which users may sign in to an application. Both are decided here,
//! before an application could give a user its default role.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Access, Actor, CredentialScope, Identity};
use crate::error::{Error, Result};
use crate::types::{Id, PlatformRole};

/// The entries, as they are maintained: one file each.
const ENTRIES: [&str; 4] = [
    include_str!("applications/airflow.toml"),
    include_str!("applications/clickhouse.toml"),
    include_str!("applications/jupyterhub.toml"),
    include_str!("applications/superset.toml"),
];

static CATALOGUE: LazyLock<BTreeMap<String, Application>> = LazyLock::new(|| {
    let parse = |text: &str| toml::from_str::<Application>(text).expect("the entries are tested");
    ENTRIES.into_iter().map(parse).map(|entry| (entry.name.clone(), entry)).collect()
});

/// An application of the catalogue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its name in the catalogue.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The roles in the application that each platform role has. A platform role that is absent cannot sign in.
    pub roles: BTreeMap<PlatformRole, Vec<String>>,
    /// Settings of a session, by platform role.
    #[serde(default)]
    pub settings: BTreeMap<PlatformRole, BTreeMap<String, String>>,
    /// Platform roles with a database of their own.
    #[serde(default)]
    pub own_database: Vec<PlatformRole>,
    /// True if users sign in with a name and a password, because it has no page for the browser.
    #[serde(default)]
    pub passwords: bool,
}

/// Returns an application of the catalogue.
pub fn application(name: &str) -> Option<&'static Application> {
    CATALOGUE.get(name)
}

/// Returns the names of all applications of the catalogue.
pub fn application_names() -> Vec<&'static str> {
    CATALOGUE.keys().map(String::as_str).collect()
}

/// Returns true if a user with this platform role may sign in to an application, given its name in the catalogue and
/// its list of roles (JSON). Everyone may if it has neither. An entry or a list that cannot be read admits no one.
pub fn admits(name: Option<&str>, roles: &str, role: Option<PlatformRole>) -> bool {
    let Ok(listed) = serde_json::from_str::<Vec<PlatformRole>>(roles) else { return false };
    let is_mapped = name.is_none_or(|name| {
        application(name).zip(role).is_some_and(|(application, role)| application.roles.contains_key(&role))
    });
    let is_listed = listed.is_empty() || role.is_some_and(|role| listed.contains(&role));
    is_mapped && is_listed
}

/// A permission check that passed: this user may open a session of a database with the access token of a login at the
/// database's application.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct DatabaseGrant {
    settings: BTreeMap<String, String>,
}

impl DatabaseGrant {
    /// Returns the settings of the session.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }
}

impl Access {
    /// Checks that an application acts for this user, and is the one with this id.
    ///
    /// # Errors
    /// Unauthenticated without credentials; forbidden for the access token of another application or user, for every
    /// other credential, and for an application that is not in the catalogue.
    pub async fn authorize_database(&self, actor: &Actor, client: &str, user: &str) -> Result<DatabaseGrant> {
        let refused = || Error::forbidden("use your user name, and an access token of a login at this application");
        let (id, name) = match &actor.identity {
            Identity::Anonymous => return Err(Error::unauthenticated("send a user name and an access token")),
            Identity::User { id, name, .. } => (*id, name),
            Identity::Guest { .. } | Identity::Link(_) | Identity::Operator => return Err(refused()),
        };
        let CredentialScope::App(app) = &actor.limit else { return Err(refused()) };
        if app.app() != client || name != user {
            return Err(refused());
        }
        let mut tx = self.db.read().await?;
        let row = tx.client(client.parse::<Id>().map_err(|_| refused())?).await?.ok_or_else(refused)?;
        let role = tx.platform_role(row.owner_id, id).await?.ok_or_else(refused)?;
        let entry = row.application.as_deref().and_then(application).ok_or_else(refused)?;
        Ok(DatabaseGrant { settings: entry.settings.get(&role).cloned().unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [PlatformRole; 5] = [
        PlatformRole::Admin,
        PlatformRole::Engineer,
        PlatformRole::Scientist,
        PlatformRole::Analyst,
        PlatformRole::Viewer,
    ];

    #[test]
    fn each_cell_of_the_matrix() {
        let cells = |name: &str| {
            let entry = application(name).unwrap();
            ROLES.map(|role| entry.roles.get(&role).map_or("refused".to_owned(), |roles| roles.join(" ")))
        };
        assert_eq!(cells("superset"), ["Admin", "Alpha sql_lab", "Alpha sql_lab", "Alpha sql_lab", "Gamma"]);
        assert_eq!(cells("jupyterhub"), ["admin", "user", "user", "refused", "refused"]);
        assert_eq!(cells("airflow"), ["Admin", "Op", "User", "User", "refused"]);
        let clickhouse = ["platform_admin", "platform_write", "platform_read", "platform_read", "refused"];
        assert_eq!(cells("clickhouse"), clickhouse);
        assert_eq!(application_names(), ["airflow", "clickhouse", "jupyterhub", "superset"]);
    }

    #[test]
    fn who_may_sign_in() {
        let viewer = Some(PlatformRole::Viewer);
        assert!(admits(None, "[]", None), "no restriction");
        assert!(admits(None, r#"["viewer"]"#, viewer) && !admits(None, r#"["admin"]"#, viewer));
        assert!(!admits(None, r#"["viewer"]"#, None));
        assert!(admits(Some("superset"), "[]", viewer) && !admits(Some("airflow"), "[]", viewer));
        assert!(!admits(Some("superset"), "[]", None));
        // Both must allow it.
        assert!(!admits(Some("superset"), r#"["admin"]"#, viewer));
        assert!(!admits(Some("airflow"), r#"["viewer"]"#, viewer));
        for (name, roles) in [(Some("removed"), "[]"), (None, "no list"), (None, r#"["renamed"]"#)] {
            assert!(!admits(name, roles, viewer), "{name:?} {roles}");
        }
    }
}
