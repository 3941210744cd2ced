//! Wire types of the Git LFS file locking API (`docs/api/locking.md`).
//!
//! Permissions and the effect of a lock are decided elsewhere; cursors are opaque here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::wire;

/// Default and maximum number of locks on a page.
pub const MAX_PAGE: usize = 100;

/// Body of `POST locks`: lock a path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LockRequest {
    /// The path as sent; see [`LockPath::parse`].
    pub path: String,
    /// Full name of the ref that the client works on.
    #[serde(default, rename = "ref", deserialize_with = "wire::ref_name")]
    pub ref_name: Option<String>,
}

/// Body of `POST locks/{id}/unlock`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct UnlockRequest {
    /// True to release a lock that another user holds.
    #[serde(default)]
    pub force: bool,
    /// Full name of the ref that the client works on.
    #[serde(default, rename = "ref", deserialize_with = "wire::ref_name")]
    pub ref_name: Option<String>,
}

/// Body of `POST locks/verify`: the locks to respect before a push.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct VerifyRequest {
    /// Full name of the ref that will be pushed.
    #[serde(default, rename = "ref", deserialize_with = "wire::ref_name")]
    pub ref_name: Option<String>,
    /// Start of the page: the `next_cursor` of the previous page.
    #[serde(default)]
    pub cursor: Option<String>,
    /// The limit as sent; see [`page`].
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
    /// Start of the page: the `next_cursor` of the previous page.
    #[serde(default)]
    pub cursor: Option<String>,
    /// The limit as sent; see [`page`].
    #[serde(default)]
    pub limit: Option<u64>,
    /// Full name of the ref that the client works on.
    #[serde(default)]
    pub refspec: Option<String>,
}

/// Returns the page size for the limit that a client sent.
pub fn page(limit: Option<u64>) -> usize {
    let limit = limit.filter(|&limit| limit > 0);
    limit.and_then(|limit| usize::try_from(limit).ok()).map_or(MAX_PAGE, |limit| limit.min(MAX_PAGE))
}

/// One lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Its id, used to unlock it.
    pub id: String,
    /// The locked path, normalized.
    pub path: String,
    /// Creation time in RFC 3339, upper-case, with a precision of one second: `2026-05-17T15:49:06Z`.
    pub locked_at: String,
    /// The user who holds it.
    pub owner: Owner,
}

/// The user who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The user's name.
    pub name: String,
}

/// Response to `GET locks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockList {
    /// Always present: an empty list is written as `[]`.
    pub locks: Vec<Lock>,
    /// Cursor of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Response to `POST locks/verify`. Both lists are always written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyList {
    /// Locks of the caller.
    pub ours: Vec<Lock>,
    /// Locks of other users: the client refuses to push changes to these paths.
    pub theirs: Vec<Lock>,
    /// Cursor of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Response to a lock that was created (201) or released (200).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockReply {
    /// The lock.
    pub lock: Lock,
}

/// Response to a lock that already exists (409).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictReply {
    /// The existing lock.
    pub lock: Lock,
    /// Message for the user.
    pub message: String,
    /// The request id, to find the request in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// A normalized path in a repository that can be locked: relative, with single slashes, without `.` and `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockPath(String);

/// Why a path cannot be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockPathError {
    /// The path is empty.
    #[error("the path is empty")]
    Empty,
    /// The path is absolute.
    #[error("the path must be relative to the root of the repository")]
    Absolute,
    /// The path contains `..`.
    #[error("the path must not contain \"..\"")]
    Parent,
    /// Git does not support such a path.
    #[error("the path contains a NUL character")]
    Nul,
    /// More than [`LockPath::MAX_LEN`] bytes.
    #[error("the path is longer than 4096 bytes")]
    TooLong,
}

impl LockPath {
    /// Maximum length of a path in bytes.
    pub const MAX_LEN: usize = 4096;

    /// Normalizes `a//b`, `./a` and `a/`, and rejects paths that cannot exist in a repository.
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

    /// Returns the normalized path.
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
