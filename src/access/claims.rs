//! Scopes in JSON Web Tokens, in the syntax of giftless and ckanext-authz-service: `type[:id[:actions]]` or
//! `type[:id[:subscope[:actions]]]`. `*` or a missing part means all; actions are separated by commas.

use lfs::Oid;

use super::rights::{Fetch, Own, Read, Right, Rights, Upload, Write};
use crate::types::RepoPath;

/// One scope of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenClaim {
    entity: Entity,
    /// Segments of the id; a missing segment matches everything below.
    id: Vec<String>,
    subscope: Option<String>,
    actions: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entity {
    Object,
    Dataset,
    /// A type that other services use; grants nothing here.
    Other,
}

/// The rights that a token grants on one dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimRights {
    /// Rights on the whole dataset.
    pub whole: Rights,
    /// Rights on single objects.
    pub objects: Vec<(Oid, Rights)>,
}

impl TokenClaim {
    /// Parses one scope. Unknown types parse, and grant nothing.
    pub fn parse(text: &str) -> Self {
        let parts: Vec<&str> = text.split(':').collect();
        let (id, subscope, actions) = match parts.as_slice() {
            [_] => ("*", None, "*"),
            [_, id] => (*id, None, "*"),
            [_, id, actions] => (*id, None, *actions),
            [_, id, subscope, actions, ..] => {
                (*id, (*subscope != "*" && !subscope.is_empty()).then_some(*subscope), *actions)
            }
            [] => ("*", None, ""),
        };
        // A scope with unknown parts must not grant anything.
        let entity = match (parts.first().copied(), parts.len()) {
            (Some("obj"), 1..=4) => Entity::Object,
            (Some("ds"), 1..=4) => Entity::Dataset,
            _ => Entity::Other,
        };
        let mut id: Vec<String> = if id.is_empty() { vec![] } else { id.split('/').map(str::to_owned).collect() };
        while id.last().is_some_and(|last| last == "*") {
            id.pop();
        }
        let actions = match actions {
            "" | "*" => vec!["*".to_owned()],
            some => some.split(',').map(str::to_owned).collect(),
        };
        Self { entity, id, subscope: subscope.map(str::to_owned), actions }
    }

    /// Parses the space-separated list in the `scopes` claim.
    pub fn parse_list(text: &str) -> Vec<Self> {
        text.split_ascii_whitespace().map(Self::parse).collect()
    }

    fn has(&self, names: &[&str]) -> bool {
        self.actions.iter().any(|action| action == "*" || names.contains(&action.as_str()))
    }

    fn rights(&self) -> Rights {
        let mut rights = Rights::NONE;
        let metadata_only = match self.subscope.as_deref() {
            None | Some("data") => false,
            Some("metadata") => true,
            Some(_) => return rights,
        };
        if self.entity == Entity::Other {
            return rights;
        }
        if self.has(&["read"]) {
            rights = rights.with(Read::RIGHTS);
            if !metadata_only {
                rights = rights.with(Fetch::RIGHTS);
            }
        }
        if metadata_only {
            return rights;
        }
        match self.entity {
            Entity::Object => {
                if self.has(&["write", "update"]) {
                    rights = rights.with(Upload::RIGHTS);
                }
            }
            Entity::Dataset => {
                if self.has(&["update", "patch", "write"]) {
                    rights = rights.with(Write::RIGHTS);
                }
                if self.actions.iter().any(|action| action == "*") {
                    rights = rights.with(Own::RIGHTS);
                }
            }
            Entity::Other => {}
        }
        rights
    }

    /// Returns true if the scope lets its holder read everything.
    pub(super) fn reads_everything(&self) -> bool {
        self.id.is_empty() && self.rights().has(Read::RIGHTS)
    }

    /// Adds the rights that this scope grants on a dataset.
    fn open(&self, path: &RepoPath, opened: &mut ClaimRights) {
        let rights = self.rights();
        if rights == Rights::NONE {
            return;
        }
        let target: Vec<&str> = path.owner.as_str().split('/').chain([path.name.as_str()]).collect();
        let matches = |pattern: &[String]| {
            pattern.len() <= target.len()
                && pattern.iter().zip(&target).all(|(wanted, have)| wanted == "*" || wanted.eq_ignore_ascii_case(have))
        };
        if matches(&self.id) {
            opened.whole = opened.whole.with(rights);
        } else if self.entity == Entity::Object
            && self.id.len() == target.len() + 1
            && let Some((last, dataset)) = self.id.split_last()
            && matches(dataset)
            && let Ok(oid) = last.parse()
        {
            opened.objects.push((oid, rights));
        }
    }
}

/// Returns the rights that a list of scopes grants on a dataset.
pub fn open(claims: &[TokenClaim], path: &RepoPath) -> ClaimRights {
    let mut opened = ClaimRights::default();
    for claim in claims {
        claim.open(path, &mut opened);
    }
    opened
}

/// The datasets of one owner that can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Readable {
    /// True if all datasets can be read.
    pub(super) whole: bool,
    /// Names of single datasets that can be read.
    pub(super) names: Vec<String>,
}

/// Returns which datasets of an owner a list of scopes allows to read; consistent with [`open`].
pub(super) fn readable(claims: &[TokenClaim], owner: &str) -> Readable {
    let segments: Vec<&str> = owner.split('/').collect();
    let mut readable = Readable::default();
    for claim in claims.iter().filter(|claim| claim.rights().has(Read::RIGHTS)) {
        let fits =
            claim.id.iter().zip(&segments).all(|(wanted, have)| wanted == "*" || wanted.eq_ignore_ascii_case(have));
        match claim.id.get(segments.len()..) {
            _ if !fits => {}
            None | Some([]) => readable.whole = true,
            Some([name]) => readable.names.push(name.to_ascii_lowercase()),
            Some(_) => {}
        }
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(scope: &str) -> Rights {
        open(&TokenClaim::parse_list(scope), &"org/data".parse().unwrap()).whole
    }

    #[test]
    fn scopes_grant_the_same_as_in_giftless() {
        let read = Read::RIGHTS.with(Fetch::RIGHTS);
        for scope in [
            "obj:org/data/*:read",
            "obj:org/data:read",
            "obj:org/*:read",
            "obj:*/data/*:read",
            "obj::read",
            "obj:*:read",
        ] {
            assert_eq!(whole(scope), read, "{scope}");
        }
        assert_eq!(whole("obj:org/data/*:metadata:read"), Read::RIGHTS);
        assert_eq!(whole("obj:org/data/*:write"), Upload::RIGHTS);
        assert_eq!(whole("obj:org/data/*"), read.with(Upload::RIGHTS));
        assert_eq!(whole("obj"), read.with(Upload::RIGHTS));
        assert_eq!(whole("ds:org/data:update"), Write::RIGHTS);
        assert!(whole("ds:org/data").has(Own::RIGHTS));
    }

    #[test]
    fn scopes_of_other_resources_grant_nothing() {
        for scope in [
            "obj:org/other/*:read",
            "obj:other/*:read",
            "org:org:read",
            "res:org/data/x:read",
            "obj:org/data/*:delete",
            "",
            "obj:org/data/*:foo:read",
            "obj:org/data/*:a:read:b",
            "nonsense",
            "obj:org/data/x:read",
            "obj:org/dat:read",
        ] {
            assert_eq!(whole(scope), Rights::NONE, "{scope}");
        }
    }

    #[test]
    fn a_scope_of_one_object_grants_only_that_object() {
        let oid = Oid::of(b"x");
        let opened = open(&TokenClaim::parse_list(&format!("obj:org/data/{oid}:read")), &"org/data".parse().unwrap());
        assert_eq!(opened.whole, Rights::NONE);
        assert_eq!(opened.objects, vec![(oid, Read::RIGHTS.with(Fetch::RIGHTS))]);
    }

    proptest! {
        #[test]
        fn readable_scopes_are_exactly_the_granting_ones(
            text in "((obj|ds)(:(\\*|a|b|a/b|\\*/b|a/\\*|a/b/c|\\*/\\*/c|A/C|a/c/\\*))?(:(read|\\*|write|metadata:read))? ?){0,3}",
            owner in "[ab](/[ab])?", name in "[abc]",
        ) {
            let claims = TokenClaim::parse_list(&text);
            let path = RepoPath::from_segments(&owner, &name).unwrap();
            let readable = readable(&claims, &owner);
            let expected = open(&claims, &path).whole.has(Read::RIGHTS);
            prop_assert_eq!(readable.whole || readable.names.contains(&name), expected);
            if claims.iter().any(TokenClaim::reads_everything) {
                prop_assert!(expected);
            }
        }

        #[test]
        fn hostile_scopes_never_panic_and_grant_nothing(text in "(obj|ds|org)(:[a-z*/,]{0,12}){0,5}") {
            let claims = TokenClaim::parse_list(&text);
            open(&claims, &"org/data".parse().unwrap());
        }
    }
}
