//! Wire types of the locking API (`docs/api/locking.md`).
//!
//! Who may lock and what a lock forbids is decided elsewhere; cursors are opaque here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::wire;

/// Locks on one page when the client names no limit, and the most that it can ask for.
pub const MAX_PAGE: usize = 100;

/// Body of `POST locks`: lock a path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LockRequest {
    /// As sent; see [`LockPath::parse`].
    pub path: String,
    /// Full name of the ref that the client works on.
    #[serde(default, rename = "ref", deserialize_with = "wire::ref_name")]
    pub ref_name: Option<String>,
}

/// Body of `POST locks/{id}/unlock`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct UnlockRequest {
    /// The lock of somebody else may be taken away.
    #[serde(default)]
    pub force: bool,
    /// Full name of the ref that the client works on.
    #[serde(default, rename = "ref", deserialize_with = "wire::ref_name")]
    pub ref_name: Option<String>,
}

/// Body of `POST locks/verify`: the locks to respect before a push.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct VerifyRequest {
    /// Full name of the ref that is going to be pushed.
    #[serde(default, rename = "ref", deserialize_with = "wire::ref_name")]
    pub ref_name: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// As sent; see [`page`].
    #[serde(default)]
    pub limit: Option<u64>,
}

/// Query of `GET locks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ListQuery {
    /// Only the lock of this path.
    #[serde(default)]
    pub path: Option<String>,
    /// Only this lock.
    #[serde(default)]
    pub id: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// As sent; see [`page`].
    #[serde(default)]
    pub limit: Option<u64>,
    /// Full name of the ref that the client works on.
    #[serde(default)]
    pub refspec: Option<String>,
}

/// Number of locks on a page, from the limit that a client sent.
pub fn page(limit: Option<u64>) -> usize {
    let limit = limit.filter(|&limit| limit > 0);
    limit.and_then(|limit| usize::try_from(limit).ok()).map_or(MAX_PAGE, |limit| limit.min(MAX_PAGE))
}

/// One lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Its id, by which it is unlocked.
    pub id: String,
    /// The locked path, normalised.
    pub path: String,
    /// RFC 3339, upper-case, to the second: `2026-05-17T15:49:06Z`.
    pub locked_at: String,
    /// Who holds it.
    pub owner: Owner,
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The user's name.
    pub name: String,
}

/// Answer to `GET locks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockList {
    /// Never absent: an empty list is written as such.
    pub locks: Vec<Lock>,
    /// Where the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Answer to `POST locks/verify`. Both lists are always written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyList {
    /// Locks of the caller.
    pub ours: Vec<Lock>,
    /// Locks of others: the client refuses to push changes of these paths.
    pub theirs: Vec<Lock>,
    /// Where the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Answer to a lock that was made (201) or taken away (200).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockReply {
    /// The lock.
    pub lock: Lock,
}

/// Answer to a lock that exists already (409).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictReply {
    /// The lock that is in the way.
    pub lock: Lock,
    /// For the user.
    pub message: String,
    /// Finds the request in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// A path inside a repository that can be locked: relative, with single slashes, without `.` and
/// `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockPath(String);

/// Why a path cannot be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockPathError {
    /// It names no file.
    #[error("the path is empty")]
    Empty,
    /// It begins at the root of a file system or of a drive.
    #[error("the path must be relative to the root of the repository")]
    Absolute,
    /// It climbs out of where it is.
    #[error("the path must not hold \"..\"")]
    Parent,
    /// Git cannot hold such a path.
    #[error("the path holds a NUL character")]
    Nul,
    /// More than [`LockPath::MAX_LEN`] bytes.
    #[error("the path is longer than 4096 bytes")]
    TooLong,
}

impl LockPath {
    /// The longest path, in bytes.
    pub const MAX_LEN: usize = 4096;

    /// Normalises `a//b`, `./a` and `a/` and refuses what is no path of a repository.
    pub fn parse(path: &str) -> Result<Self, LockPathError> {
        if path.len() > Self::MAX_LEN {
            return Err(LockPathError::TooLong);
        }
        if path.contains('\0') {
            return Err(LockPathError::Nul);
        }
        if path.starts_with('/') {
            return Err(LockPathError::Absolute);
        }
        let mut normal = String::with_capacity(path.len());
        for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
            if part == ".." {
                return Err(LockPathError::Parent);
            }
            if !normal.is_empty() {
                normal.push('/');
            }
            normal.push_str(part);
        }
        if normal.is_empty() {
            return Err(LockPathError::Empty);
        }
        Ok(Self(normal))
    }

    /// The normalised path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for LockPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<LockPath> for String {
    fn from(path: LockPath) -> Self {
        path.0
    }
}

impl fmt::Display for LockPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{from_str, json, to_value};

    use super::*;

    fn lock() -> Lock {
        Lock {
            id: "17".to_owned(),
            path: "data/a.csv".to_owned(),
            locked_at: "2026-05-17T15:49:06Z".to_owned(),
            owner: Owner { name: "ada".to_owned() },
        }
    }

    #[test]
    fn requests_as_clients_send_them() {
        let full = r#"{"path":"a","ref":{"name":"refs/heads/main"},"new":1}"#;
        let request: LockRequest = from_str(full).unwrap();
        assert_eq!(request.ref_name.as_deref(), Some("refs/heads/main"));
        for none in ["", r#","ref":null"#, r#","ref":{}"#, r#","ref":{"name":""}"#] {
            let request: LockRequest = from_str(&format!(r#"{{"path":"a"{none}}}"#)).unwrap();
            assert_eq!(request.ref_name, None, "{none}");
        }
        assert!(from_str::<LockRequest>("{}").is_err());
        assert!(from_str::<LockRequest>(r#"{"path":"a","ref":"main"}"#).is_err());

        assert_eq!(from_str::<UnlockRequest>("{}").unwrap(), UnlockRequest::default());
        assert!(from_str::<UnlockRequest>(r#"{"force":true,"ref":null}"#).unwrap().force);
        assert_eq!(from_str::<VerifyRequest>("{}").unwrap(), VerifyRequest::default());
        let verify: VerifyRequest = from_str(r#"{"cursor":"c","limit":5,"ref":{"name":"refs/heads/x"}}"#).unwrap();
        assert_eq!(verify.cursor.as_deref(), Some("c"));
        assert_eq!(verify.limit, Some(5));
    }

    #[test]
    fn replies_as_clients_expect_them() {
        let one = json!({"id":"17","path":"data/a.csv","locked_at":"2026-05-17T15:49:06Z","owner":{"name":"ada"}});
        assert_eq!(to_value(LockReply { lock: lock() }).unwrap(), json!({"lock": one}));
        assert_eq!(to_value(LockList::default()).unwrap(), json!({"locks": []}));
        let list = LockList { locks: vec![lock()], next_cursor: Some("n".to_owned()) };
        assert_eq!(to_value(list).unwrap(), json!({"locks": [one], "next_cursor": "n"}));
        assert_eq!(to_value(VerifyList::default()).unwrap(), json!({"ours": [], "theirs": []}));
        let conflict = ConflictReply { lock: lock(), message: "taken".to_owned(), request_id: None };
        assert_eq!(to_value(conflict).unwrap(), json!({"lock": one, "message": "taken"}));
    }

    #[test]
    fn pages_are_bounded() {
        let cases = [(None, 100), (Some(0), 100), (Some(1), 1), (Some(100), 100), (Some(u64::MAX), 100)];
        for (limit, expected) in cases {
            assert_eq!(page(limit), expected, "{limit:?}");
        }
    }

    #[test]
    fn paths_are_normalised_or_refused() {
        for (given, normal) in [
            ("a", "a"),
            ("a//b", "a/b"),
            ("./a", "a"),
            ("a/./b/", "a/b"),
            ("...", "..."),
            ("..a/b..", "..a/b.."),
            ("ä b\\c", "ä b\\c"),
        ] {
            assert_eq!(LockPath::parse(given).unwrap().as_str(), normal);
        }
        for (given, error) in [
            ("", LockPathError::Empty),
            (".", LockPathError::Empty),
            ("./", LockPathError::Empty),
            ("/a", LockPathError::Absolute),
            ("//a", LockPathError::Absolute),
            ("..", LockPathError::Parent),
            ("a/../b", LockPathError::Parent),
            ("../a", LockPathError::Parent),
            ("a\0b", LockPathError::Nul),
        ] {
            assert_eq!(LockPath::parse(given), Err(error), "{given}");
        }
        assert!(LockPath::parse(&"a".repeat(LockPath::MAX_LEN)).is_ok());
        assert_eq!(LockPath::parse(&"a".repeat(LockPath::MAX_LEN + 1)), Err(LockPathError::TooLong));
    }

    proptest! {
        #[test]
        fn normal_paths_stay(path in "[a./\\\\\\x00é]{0,12}|\\PC{0,40}") {
            if let Ok(normal) = LockPath::parse(&path) {
                prop_assert_eq!(LockPath::parse(normal.as_str()), Ok(normal.clone()));
                let bad = |part: &str| matches!(part, "" | "." | "..");
                prop_assert!(!normal.as_str().split('/').any(bad));
            }
        }
    }
}
