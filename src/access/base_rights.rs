//! The rights that an actor has on a dataset by identity, before and after the restrictions of the credential.

use std::collections::HashSet;

use lfs::Oid;

use super::path_rights::{PathRights, meet};
use super::{Actor, CredentialScope, Fetch, Identity, Read, Right, Rights, Write, claims, tokens};
use crate::db::datasets::DatasetRow;
use crate::error::Error;
use crate::types::{Id, RepoPath, Role, Visibility};

/// Returns the same error for a dataset that does not exist and for one that the actor cannot see.
pub(super) fn not_found_for(actor: &Actor, path: &RepoPath) -> Error {
    if actor.is_anonymous() {
        return Error::unauthenticated(format!("sign in to see `{path}`"));
    }
    Error::not_found(format!("there is no dataset `{path}`, or you do not have access to it"))
}

/// Returns the rights of the identity, before its credential restricts them. `role` is the user's role in the
/// organisation that owns the dataset.
pub(super) fn base_rights(actor: &Actor, dataset: &DatasetRow, role: Option<Role>) -> Rights {
    let read = Read::RIGHTS.with(Fetch::RIGHTS);
    match &actor.identity {
        // A link grants the rights of its share, and only through the APIs for parts.
        Identity::Anonymous | Identity::Link(_) => return Rights::NONE,
        // For a trusted issuer, the scopes of the token define the rights.
        Identity::Operator | Identity::Guest { .. } | Identity::User { admin: true, .. } => return Rights::ALL,
        Identity::User { id, .. } if *id == dataset.owner_id => return Rights::ALL,
        Identity::User { .. } => {}
    }
    match role {
        Some(Role::Owner) => Rights::ALL,
        Some(Role::Writer) => read.with(Write::RIGHTS),
        None if dataset.visibility == Visibility::Private => Rights::NONE,
        Some(Role::Reader) | None => read,
    }
}

/// Restricts the rights of the identity in a dataset to those that the credential leaves. `by_object` are the rights that
/// it grants on the requested single objects, which belong to the dataset and to none of its paths.
pub(super) fn restrict(
    actor: &Actor,
    (dataset, path): (Id, &RepoPath),
    mut reach: Vec<PathRights>,
    by_object: Rights,
) -> Vec<PathRights> {
    let left = match &actor.limit {
        CredentialScope::Nothing => return reach,
        CredentialScope::App(app) => return meet(&reach, &app.reach(dataset, path)),
        CredentialScope::Token(scopes) => tokens::open(scopes, path),
        CredentialScope::Claims(claims) => claims::open(claims, path).whole,
        CredentialScope::Enrolment => Rights::NONE,
    };
    for part in &mut reach {
        part.rights = part.rights.and(if part.root.is_none() { left.with(by_object) } else { left });
    }
    reach
}

/// Returns the rights of `R` if the credential grants it on each of these single objects.
pub(super) fn by_object<R: Right>(actor: &Actor, path: &RepoPath, oids: &[Oid]) -> Rights {
    if oids.is_empty() {
        return Rights::NONE;
    }
    let covered = objects_of::<R>(actor, path);
    if oids.iter().all(|oid| covered.contains(oid)) { R::RIGHTS } else { Rights::NONE }
}

/// Returns the single objects of a dataset for which the credential grants `R` by name.
pub(super) fn objects_of<R: Right>(actor: &Actor, dataset: &RepoPath) -> HashSet<Oid> {
    let CredentialScope::Claims(claims) = &actor.limit else { return HashSet::new() };
    let opened = claims::open(claims, dataset).objects.into_iter();
    opened.filter(|(_, rights)| rights.has(R::RIGHTS)).map(|(oid, _)| oid).collect()
}
