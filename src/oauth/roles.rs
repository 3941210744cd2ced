//! Platform roles: which applications ask for them, and the claims `groups` and `roles`.

use serde_json::{Map, Value, json};

use super::OAuth;
use super::clients::ClientSettings;
use crate::access::DeveloperGrant;
use crate::access::app_tokens::{AppLogin, AppScopes};
use crate::access::applications::admits;
pub use crate::access::applications::{application, application_names};
use crate::db::Tx;
use crate::db::oauth::ClientRow;
use crate::error::{Error, Result};
use crate::types::{Id, OwnerKind, PlatformRole};

/// Maximum length of all groups in the claims, in bytes: some applications keep them in a cookie or a header.
const MAX_GROUP_BYTES: usize = 8 << 10;
/// Maximum number of groups in the claims.
const MAX_GROUPS: i64 = 200;
/// How the group of a platform role begins.
const PLATFORM: &str = "platform:";

impl ClientSettings {
    /// Sets which application of the catalogue it is, and the platform roles that may sign in; an empty list means all.
    ///
    /// # Errors
    /// Invalid for an unknown application; forbidden for an application of a user, who has no platform roles to give.
    pub fn with_platform(
        mut self,
        owner: &DeveloperGrant,
        name: Option<String>,
        mut roles: Vec<PlatformRole>,
    ) -> Result<Self> {
        if let Some(name) = name.as_deref().filter(|name| application(name).is_none()) {
            let known = application_names().join(", ");
            return Err(Error::invalid(format!("there is no application `{}`: use {known}", name.escape_debug())));
        }
        if !owner.is_organisation() && (name.is_some() || !roles.is_empty()) {
            return Err(Error::forbidden("only applications of an organisation can ask for its platform roles"));
        }
        roles.sort_unstable();
        roles.dedup();
        self.application = name;
        self.roles = serde_json::to_string(&roles).map_err(Error::internal)?;
        Ok(self)
    }
}

/// Returns the platform roles that may sign in to an application; empty for all.
pub fn roles_of(client: &ClientRow) -> Result<Vec<PlatformRole>> {
    serde_json::from_str(&client.roles).map_err(Error::internal)
}

impl OAuth {
    /// Returns true if the user's platform role allows signing in to an application.
    pub(super) async fn is_admitted(&self, tx: &mut Tx, client: &ClientRow, user: Id) -> Result<bool> {
        let role = tx.platform_role(client.owner_id, user).await?;
        Ok(admits(client.application.as_deref(), &client.roles, role))
    }

    /// Adds the claims of the scope `groups`. An application of an organisation sees what the user is in that
    /// organisation alone; one of a user sees all organisations and groups, and no platform role.
    pub(super) async fn add_group_claims(&self, login: &AppLogin, claims: &mut Map<String, Value>) -> Result<()> {
        if !login.scopes.has(AppScopes::GROUPS) {
            return Ok(());
        }
        let row = &login.row;
        let mut tx = self.db.read().await?;
        let is_organisation = tx.owner_kind(row.owner_id).await? == Some(OwnerKind::Organisation);
        let within = row.owner_id.filter(|_| is_organisation);
        let role = row.platform_role.filter(|_| is_organisation);
        let mut groups: Vec<String> = role.iter().map(|role| format!("{PLATFORM}{role}")).collect();
        let named = tx.group_names(row.user_id, within, MAX_GROUPS).await?;
        // The groups of an organisation `platform` would look like platform roles.
        groups.extend(named.into_iter().filter(|group| !group.starts_with(PLATFORM)));
        let mut bytes = 0;
        let fitting = groups.iter().take_while(|group| {
            bytes += group.len();
            bytes <= MAX_GROUP_BYTES
        });
        claims.insert("groups".into(), json!(fitting.collect::<Vec<_>>()));
        claims.insert("roles".into(), json!(role.iter().collect::<Vec<_>>()));
        Ok(())
    }
}
