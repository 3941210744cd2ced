//! Requests for signed tokens, with the scopes of ckanext-authz-service: `type[:id[:actions]]` or
//! `type[:id[:subscope[:actions]]]`. The actor is granted those actions that the usual permission checks allow;
//! [`claims`](super::claims) parses them again when the token is used.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::rights::{Fetch, Own, Read, Right as _, Rights, Upload, Write};
use super::{Access, Actor, CredentialScope, DatasetGrant, Identity, tokens};
use crate::error::{Error, Result};
use crate::types::{OwnerName, RepoPath, Role};

/// Maximum length of a scope, in bytes.
const MAX_SCOPE_BYTES: usize = 512;

/// One scope. `Display` normalizes it: `org:x:*` is `org:x`, and actions are sorted alphabetically.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    entity: Entity,
    /// Segments of the id; empty means everything.
    id: Vec<String>,
    subscope: Option<String>,
    /// Empty means all.
    actions: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entity {
    Organisation,
    Dataset,
    Resource,
    Object,
}

impl Entity {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Organisation, "org"), (Self::Dataset, "ds"), (Self::Resource, "res"), (Self::Object, "obj")];

    /// Returns the actions that `*` stands for.
    fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Organisation | Self::Dataset => &["delete", "patch", "purge", "read", "update"],
            Self::Resource => &["delete", "patch", "read", "update"],
            Self::Object => &["read", "write"],
        }
    }

    /// Returns the rights that an action requires; `None` for an unknown action.
    fn needs(self, subscope: Option<&str>, action: &str) -> Option<Rights> {
        let bytes = Read::RIGHTS.with(Fetch::RIGHTS);
        match (self, subscope, action) {
            (Self::Organisation, None, "read" | "list")
            | (Self::Dataset, None | Some("metadata"), "list")
            | (Self::Dataset | Self::Object, Some("metadata"), "read") => Some(Read::RIGHTS),
            (Self::Dataset | Self::Object, None | Some("data"), "read") | (Self::Resource, None, "read") => Some(bytes),
            (Self::Dataset, None | Some("data" | "metadata"), "update" | "patch")
            | (Self::Dataset, None, "create")
            | (Self::Resource, None, "create" | "update" | "patch" | "delete") => Some(Write::RIGHTS),
            (Self::Organisation, None, "update" | "patch") | (Self::Dataset, None, "delete" | "purge") => {
                Some(Own::RIGHTS)
            }
            (Self::Object, None | Some("data"), "write" | "update") => Some(Upload::RIGHTS),
            _ => None,
        }
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |why: &str| Err(Error::invalid(format!("`{}` is not a scope: {why}", text.escape_debug())));
        if text.len() > MAX_SCOPE_BYTES {
            return refuse("it is too long");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return refuse("it contains a space or control character");
        }
        let parts: Vec<&str> = text.split(':').collect();
        let (id, subscope, actions) = match parts.as_slice() {
            [_] => ("", "", ""),
            [_, id] => (*id, "", ""),
            [_, id, actions] => (*id, "", *actions),
            [_, id, subscope, actions] => (*id, *subscope, *actions),
            _ => return refuse("use TYPE:ID:ACTIONS"),
        };
        let Some((entity, _)) = Entity::ALL.into_iter().find(|(_, name)| parts.first() == Some(name)) else {
            return refuse("unknown entity type; expected org, ds, res or obj");
        };
        let mut id: Vec<String> = if id.is_empty() { vec![] } else { id.split('/').map(str::to_owned).collect() };
        if id.iter().any(String::is_empty) {
            return refuse("a segment of its id is empty");
        }
        if entity == Entity::Resource && id.len() == 2 {
            return refuse("write the id of a resource as ORGANISATION/DATASET/RESOURCE");
        }
        // A trailing `*` means the same as no segment there. The id of an object is kept as clients write it.
        if entity != Entity::Object {
            while id.last().is_some_and(|last| last == "*") {
                id.pop();
            }
        } else if id.iter().all(|segment| segment == "*") {
            id.clear();
        }
        let some = |text: &str| Some(text.to_owned()).filter(|text| !matches!(text.as_str(), "" | "*"));
        let named = some(actions).map(|list| list.split(',').map(str::to_owned).collect::<BTreeSet<String>>());
        let actions = named.filter(|actions| !actions.contains("*")).unwrap_or_default();
        Ok(Self { entity, id, subscope: some(subscope), actions })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Entity::ALL.into_iter().find(|(entity, _)| *entity == self.entity).map_or("", |(_, name)| name);
        f.write_str(name)?;
        let actions = self.actions.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        if !self.id.is_empty() {
            write!(f, ":{}", self.id.join("/"))?;
        } else if self.subscope.is_some() || !actions.is_empty() {
            f.write_str(":*")?;
        }
        match (&self.subscope, actions.as_str()) {
            (None, "") => Ok(()),
            (None, actions) => write!(f, ":{actions}"),
            (Some(subscope), "") => write!(f, ":{subscope}:*"),
            (Some(subscope), actions) => write!(f, ":{subscope}:{actions}"),
        }
    }
}

/// The target of a scope.
enum Target {
    /// Something that does not exist, or that the actor cannot see.
    Nothing,
    /// Everything, an owner or a dataset, with the actor's rights on it.
    Rights(Rights),
    /// The dataset at this path, which the scope names without its owner, with the actor's rights on it.
    Dataset(Rights, String),
    /// A part of a dataset, by its name in the dataset, and the revision if the scope names one.
    Part(DatasetGrant<Read>, String, Option<String>),
}

/// The part of a requested scope that was granted.
#[derive(Debug)]
pub enum Granted {
    /// Nothing.
    Nothing,
    /// This scope.
    Scope(Scope),
    /// This scope, for the resource with this id or name in the dataset; at a revision, if it names one. The token
    /// names the object itself, so it stays valid when the resource is renamed.
    Resource(Scope, DatasetGrant<Read>, String, Option<String>),
}

impl Access {
    /// Returns the part of a scope that is granted: those of its actions that the actor may perform. A wildcard is
    /// granted only with all rights that it stands for, since other servers trust our tokens. A signed token cannot
    /// be exchanged for another one, since that would extend its lifetime indefinitely.
    ///
    /// # Errors
    /// Database errors.
    pub async fn grant_scope(&self, actor: &Actor, scope: &Scope) -> Result<Granted> {
        if matches!(actor.limit, CredentialScope::Claims(_) | CredentialScope::App(_) | CredentialScope::Enrolment)
            || matches!(actor.identity, Identity::Link(_))
        {
            return Ok(Granted::Nothing);
        }
        let target = self.target(actor, scope).await?;
        let rights = match &target {
            Target::Nothing => return Ok(Granted::Nothing),
            Target::Rights(rights) | Target::Dataset(rights, _) => *rights,
            Target::Part(grant, ..) => grant.rights(),
        };
        let asked: Vec<&str> = if scope.actions.is_empty() {
            scope.entity.actions().to_vec()
        } else {
            scope.actions.iter().map(String::as_str).collect()
        };
        let may = |action: &&str| {
            scope.entity.needs(scope.subscope.as_deref(), action).is_some_and(|needed| rights.has(needed))
        };
        let actions: BTreeSet<String> = asked.into_iter().filter(may).map(str::to_owned).collect();
        if actions.is_empty() {
            return Ok(Granted::Nothing);
        }
        let granted = Scope { actions, ..scope.clone() };
        Ok(match target {
            Target::Part(grant, part, revision) => Granted::Resource(granted, grant, part, revision),
            // A token with the name alone could be mistaken for one of an owner.
            Target::Dataset(_, path) => {
                Granted::Scope(Scope { id: path.split('/').map(str::to_owned).collect(), ..granted })
            }
            Target::Nothing | Target::Rights(_) => Granted::Scope(granted),
        })
    }

    async fn target(&self, actor: &Actor, scope: &Scope) -> Result<Target> {
        let mut id = scope.id.as_slice();
        while let [above @ .., last] = id
            && last == "*"
        {
            id = above;
        }
        if id.is_empty() {
            let all = match actor.identity {
                Identity::Operator | Identity::User { admin: true, .. } => everywhere(actor, Rights::ALL),
                Identity::Anonymous | Identity::User { .. } | Identity::Guest { .. } | Identity::Link(_) => {
                    Rights::NONE
                }
            };
            return Ok(Target::Rights(all));
        }
        // A wildcard in the middle matches more than can be checked.
        if id.iter().any(|segment| segment == "*") {
            return Ok(Target::Nothing);
        }
        let path = |segments: &[String]| segments.join("/").parse::<RepoPath>().ok();
        let standing = self.rights_at(actor, &id.join("/")).await?;
        if scope.entity == Entity::Organisation {
            return Ok(standing.map_or(Target::Nothing, Target::Rights));
        }
        if let ([name], None, Entity::Dataset) = (scope.id.as_slice(), standing, scope.entity) {
            return match self.authorize_named::<Read>(actor, name).await {
                Ok(grant) => Ok(Target::Dataset(grant.rights(), grant.full_name())),
                Err(error) if error.kind().status().is_server_error() => Err(error),
                Err(_) => Ok(Target::Nothing),
            };
        }
        // An organisation and a dataset never have the same path, so each id has one meaning.
        if let Some(rights) = standing {
            return Ok(Target::Rights(rights));
        }
        if let Some(path) = path(id)
            && let Some(grant) = self.authorize_silently::<Read>(actor, &path).await?
        {
            return Ok(Target::Rights(grant.rights()));
        }
        if matches!(scope.entity, Entity::Object | Entity::Resource) && scope.id.len() == id.len() {
            for (dataset, part, revision) in parts(id) {
                if let Some(path) = path(dataset)
                    && let Some(grant) = self.authorize_silently::<Read>(actor, &path).await?
                {
                    return Ok(Target::Part(grant, part.clone(), revision.cloned()));
                }
            }
        }
        if scope.entity != Entity::Resource
            && let Some(path) = path(id)
            && self.may_make(actor, &path).await?
        {
            return Ok(Target::Rights(Write::RIGHTS));
        }
        Ok(Target::Nothing)
    }

    /// Returns the actor's rights on everything of this owner; `None` if the owner does not exist.
    async fn rights_at(&self, actor: &Actor, owner: &str) -> Result<Option<Rights>> {
        let Ok(name) = owner.parse::<OwnerName>() else { return Ok(None) };
        let mut tx = self.db.read().await?;
        let Some(owner) = tx.owner(&name).await? else { return Ok(None) };
        let rights = match &actor.identity {
            Identity::Operator | Identity::User { admin: true, .. } => Rights::ALL,
            Identity::User { id, .. } if *id == owner.id => Rights::ALL,
            Identity::User { id, .. } => match tx.member_role(owner.id, *id).await? {
                Some(Role::Owner) => Rights::ALL,
                Some(Role::Writer) => Write::RIGHTS.with(Fetch::RIGHTS),
                Some(Role::Reader) => Read::RIGHTS.with(Fetch::RIGHTS),
                None => Rights::NONE,
            },
            Identity::Anonymous | Identity::Guest { .. } | Identity::Link(_) => Rights::NONE,
        };
        Ok(Some(everywhere(actor, rights)))
    }
}

impl Scope {
    /// Returns the same scope for one object of a dataset.
    #[must_use]
    pub fn of_object(&self, path: &str, oid: &str) -> Self {
        Self { id: path.split('/').chain([oid]).map(str::to_owned).collect(), ..self.clone() }
    }

    /// Returns true if the scope is about objects; for other types the id of a resource is kept.
    pub fn is_object(&self) -> bool {
        self.entity == Entity::Object
    }
}

/// Applies the restrictions of the credential to rights beyond a single dataset.
fn everywhere(actor: &Actor, rights: Rights) -> Rights {
    match &actor.limit {
        CredentialScope::Nothing => rights,
        CredentialScope::Token(scopes) => rights.and(tokens::open_everywhere(scopes)),
        CredentialScope::App(app) => rights.and(app.open_everywhere()),
        CredentialScope::Claims(_) | CredentialScope::Enrolment => Rights::NONE,
    }
}

/// Returns how an id can name a part of a dataset: the dataset, the part, and the revision if there is one.
fn parts(id: &[String]) -> impl Iterator<Item = (&[String], &String, Option<&String>)> {
    let one = id.split_last().map(|(part, dataset)| (dataset, part, None));
    let two = match id {
        [dataset @ .., part, revision] => Some((dataset, part, Some(revision))),
        _ => None,
    };
    one.into_iter().chain(two).filter(|(dataset, ..)| dataset.len() >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        text.parse::<Scope>().unwrap().to_string()
    }

    #[test]
    fn each_scope_has_one_notation() {
        for (text, said) in [
            ("org", "org"),
            ("org:*", "org"),
            ("org:*:*", "org"),
            ("org:x:*", "org:x"),
            ("org:x:", "org:x"),
            ("ds:org/data:read,update,patch", "ds:org/data:patch,read,update"),
            ("ds:org/data:read,*", "ds:org/data"),
            ("ds:org/*:create", "ds:org:create"),
            ("ds:*:create", "ds:*:create"),
            ("ds:a/b:metadata:*", "ds:a/b:metadata:*"),
            ("ds:a/b:*:read", "ds:a/b:read"),
            ("ds:*:metadata:read", "ds:*:metadata:read"),
            ("obj:org/data/*:write", "obj:org/data/*:write"),
            ("obj:*/*/*:read", "obj:*:read"),
            ("res:a/b/c:read", "res:a/b/c:read"),
        ] {
            assert_eq!(normal(text), said, "{text}");
            assert_eq!(normal(said), said, "{text}");
        }
        for no in ["", "x", "file:a:read", "ds:a:b:c:d", "ds:a b", "ds:a/\nb", "ds:a//b", "res:a/b:read", "DS:a/b"] {
            assert!(no.parse::<Scope>().is_err(), "{no:?}");
        }
    }

    #[test]
    fn a_scope_grants_no_more_than_its_actions() {
        use super::super::claims::{TokenClaim, open};
        let path: RepoPath = "org/data".parse().unwrap();
        for (entity, name) in Entity::ALL {
            for subscope in [None, Some("data"), Some("metadata"), Some("other")] {
                for action in ["read", "list", "create", "update", "patch", "delete", "purge", "write", "other"] {
                    let Some(needed) = entity.needs(subscope, action) else { continue };
                    let subscope = subscope.map(|subscope| format!("{subscope}:")).unwrap_or_default();
                    for tail in ["", "/*"] {
                        let text = format!("{name}:org/data{tail}:{subscope}{action}");
                        let opened = open(&TokenClaim::parse_list(&text), &path).whole;
                        assert!(needed.has(opened), "{text}");
                    }
                }
            }
        }
    }
}
