//! Branch and tag protection.

use globset::{Glob, GlobBuilder, GlobSet};
use metastore::RefName;

use crate::access::{DatasetGrant, Right};
use crate::error::{Error, Result};

/// Expands a pattern to full ref names: a short pattern matches branches.
pub(crate) fn full_pattern(pattern: &str) -> Result<String> {
    let full = if pattern.starts_with("refs/") { pattern.to_owned() } else { format!("refs/heads/{pattern}") };
    let ours = full.starts_with("refs/heads/") || full.starts_with("refs/tags/");
    if pattern.is_empty() || full.len() > 1024 || full.chars().any(char::is_control) || !ours || glob(&full).is_none() {
        return Err(Error::invalid(format!(
            "{pattern:?} is not a valid pattern; use a pattern such as `release/*` or `refs/tags/v*`"
        )));
    }
    Ok(full)
}

fn glob(pattern: &str) -> Option<Glob> {
    GlobBuilder::new(pattern).literal_separator(true).build().ok()
}

/// The patterns of protected branches and tags; [`RefPolicy`](super::RefPolicy) has the rules for them.
pub(crate) struct Protection {
    pub(crate) patterns: Vec<String>,
    globs: GlobSet,
}

impl Protection {
    /// Reads the patterns of a dataset. The default branch is always protected in addition.
    pub(crate) fn of<R: Right>(grant: &DatasetGrant<R>) -> Result<Self> {
        let patterns: Vec<String> = serde_json::from_str(&grant.dataset().protected).map_err(Error::internal)?;
        let globs = GlobSet::new(patterns.iter().filter_map(|pattern| glob(pattern))).map_err(Error::internal)?;
        Ok(Self { patterns, globs })
    }

    /// Returns true if a pattern matches the ref.
    pub(super) fn covers(&self, name: &RefName) -> bool {
        self.globs.is_match(name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_keep_to_their_folder() {
        let protects =
            |pattern: &str, name: &str| GlobSet::new(glob(&full_pattern(pattern).unwrap())).unwrap().is_match(name);
        assert!(protects("main", "refs/heads/main"));
        assert!(protects("release/*", "refs/heads/release/1"));
        assert!(!protects("release/*", "refs/heads/release/1/x"));
        assert!(protects("release/**", "refs/heads/release/1/x"));
        assert!(protects("refs/tags/v*", "refs/tags/v1"));
        for bad in ["", "[", "refs/notes/x", "a\nb"] {
            assert!(full_pattern(bad).is_err(), "{bad}");
        }
    }
}
