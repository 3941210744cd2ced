//! File paths in a repository.

use std::{fmt, str::FromStr};

use gix::validate::path::component::Options;

use crate::{Error, Result};

/// Maximum length of a path in bytes, as accepted by `git fsck` and Linux.
pub(crate) const LIMIT: usize = 4096;

/// Maximum length of a component in bytes, as accepted by file systems.
const COMPONENT_LIMIT: usize = 255;

/// Maximum number of components. git itself rejects trees deeper than 2048, and many tools fail far earlier.
pub(crate) const DEPTH_LIMIT: usize = 256;

/// A path inside a repository that every checkout can represent: relative, `/`-separated, in UTF-8, without
/// empty, `.` or `..` components, backslashes or control characters, and without any name that a file system
/// could take for `.git` (`.GIT`, `git~1`, `.g<U+200C>it`, …).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePath(String);

impl FilePath {
    /// Returns the path as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last component.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns true if this path is below `folder`.
    pub fn is_inside(&self, folder: &Self) -> bool {
        self.0.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }

    pub(crate) fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl FromStr for FilePath {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self> {
        let bad = |why: &str| Err(Error::Invalid(format!("the path {path:?} {why}")));
        if path.is_empty() {
            return bad("is empty");
        }
        if path.len() > LIMIT {
            return bad("is longer than 4096 bytes");
        }
        if path.contains(|c: char| c == '\\' || c.is_control()) {
            return bad("contains a backslash or a control character");
        }
        if path.bytes().filter(|byte| *byte == b'/').count() >= DEPTH_LIMIT {
            return bad("is deeper than 256 folders");
        }
        // The Windows rules would reject names such as `aux.csv` or `a:b`, which git itself allows.
        let protect = Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };
        for component in path.split('/') {
            if component.len() > COMPONENT_LIMIT {
                return bad("has a component longer than 255 bytes");
            }
            if let Err(error) = gix::validate::path::component(component.into(), None, protect) {
                return bad(&format!("is not allowed: {error}"));
            }
        }
        Ok(Self(path.to_owned()))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_paths_pass() {
        for good in
            ["a", "a/b/c.csv", ".gitignore", ".gitattributes", "ünï/ cö", "a b", "...", "git", "aux.csv", "a.git"]
        {
            assert_eq!(good.parse::<FilePath>().expect(good).as_str(), good);
        }
    }

    #[test]
    fn dangerous_paths_do_not() {
        let long = "x".repeat(256);
        let deep = "a/".repeat(256) + "c";
        let wide = vec!["x".repeat(255); 17].join("/");
        for bad in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "./a",
            "a/.",
            ".git",
            ".GIT",
            "a/.Git/config",
            "git~1",
            "GIT~1/x",
            ".git ",
            ".git.",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            "a\\b",
            "a\0b",
            "a\nb",
            "\u{7f}",
            &long,
            &deep,
            &wide,
        ] {
            assert!(matches!(bad.parse::<FilePath>(), Err(Error::Invalid(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_folder_holds_what_is_below_it() {
        let path = |text: &str| text.parse::<FilePath>().unwrap();
        assert!(path("a/b").is_inside(&path("a")));
        assert!(!path("ab").is_inside(&path("a")) && !path("a").is_inside(&path("a")));
        assert_eq!(path("a/b").name(), "b");
    }

    proptest! {
        #[test]
        fn what_passes_is_safe(text in "\\PC{0,40}|[./a~g i t1:]{0,12}|(\\.{0,3}(git|GIT|a)?/?){0,4}") {
            if let Ok(path) = text.parse::<FilePath>() {
                for component in path.components() {
                    let lower = component.to_lowercase();
                    prop_assert!(!component.is_empty() && component != "." && component != "..");
                    prop_assert!(lower != ".git" && lower != "git~1");
                    prop_assert!(!component.contains(['\\', '\0']));
                }
            }
        }
    }
}
