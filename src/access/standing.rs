//! What somebody may do with a dataset by who they are.

use std::collections::HashSet;

use lfs::Oid;

use super::{Actor, Fetch, Identity, Limit, Read, Right, Rights, Write, claims, tokens};
use crate::db::datasets::DatasetRow;
use crate::error::Error;
use crate::types::{RepoPath, Role, Visibility};

/// The same answer for what is not there and for what is not to be seen.
pub(super) fn hidden(actor: &Actor, path: &RepoPath) -> Error {
    if actor.is_anonymous() {
        return Error::unauthenticated(format!("sign in to see `{path}`"));
    }
    Error::not_found(format!("there is no dataset `{path}`, or you may not see it"))
}

/// What the identity may do, before its credential cuts it. `role` is that
/// of a user in the organisation that owns the dataset.
pub(super) fn standing(actor: &Actor, dataset: &DatasetRow, role: Option<Role>) -> Rights {
    let read = Read::RIGHTS.with(Fetch::RIGHTS);
    match &actor.identity {
        // A link opens what its share says, and only through the doors for parts.
        Identity::Anonymous | Identity::Link(_) => return Rights::NONE,
        // An issuer that we trust says in the scopes what its people may do.
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

/// What the credential leaves of rights on a dataset. `by_object` is what it opens of the single objects that are asked
/// for.
pub(super) fn left(actor: &Actor, path: &RepoPath, rights: Rights, by_object: Rights) -> Rights {
    match &actor.limit {
        Limit::Nothing => rights,
        Limit::Token(scopes) => rights.and(tokens::open(scopes, path)),
        Limit::App(app) => rights.and(app.open(path)),
        Limit::Claims(claims) => rights.and(claims::open(claims, path).whole.with(by_object)),
    }
}

/// `R`, where the credential opens it of each of these single objects.
pub(super) fn by_object<R: Right>(actor: &Actor, path: &RepoPath, oids: &[Oid]) -> Rights {
    let Limit::Claims(claims) = &actor.limit else { return Rights::NONE };
    if oids.is_empty() {
        return Rights::NONE;
    }
    let opened = claims::open(claims, path).objects.into_iter();
    let covered: HashSet<Oid> = opened.filter(|(_, rights)| rights.has(R::RIGHTS)).map(|(oid, _)| oid).collect();
    if oids.iter().all(|oid| covered.contains(oid)) { R::RIGHTS } else { Rights::NONE }
}
