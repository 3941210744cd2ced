//! Revision expressions (a subset of `gitrevisions(7)`).

use gix::{ObjectId, objs::Kind};

use crate::{Error, Reader, Result};

/// Minimum length of an abbreviated ID, as in git.
const SHORTEST_ID: usize = 4;

/// Maximum number of parent steps.
const STEPS: u32 = 50_000;

impl Reader {
    /// Resolves `expression` to a commit: `HEAD`, a branch or tag (short or full name), or an ID (full, or at
    /// least 4 digits), followed by any number of `~n` (n-th first parent), `^n` (n-th parent), `^{commit}`
    /// and `^{}`; a subset of `gitrevisions(7)` with git's order of precedence.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it names nothing or not a commit, [`Error::Invalid`] if it is malformed or
    /// ambiguous, [`Error::TooLarge`] beyond 50,000 steps.
    pub fn resolve(&self, expression: &str) -> Result<ObjectId> {
        let end = expression.find(['~', '^']).unwrap_or(expression.len());
        let (base, mut steps) = expression.split_at(end);
        let unknown = || Error::NotFound(format!("there is no revision {expression:?}"));
        let mut commit = self.base(base)?.ok_or_else(unknown)?;
        let mut left = STEPS;
        while let Some(step) = steps.chars().next() {
            let rest = &steps[1..];
            if let Some(after) =
                rest.strip_prefix("{commit}").or_else(|| rest.strip_prefix("{}")).filter(|_| step == '^')
            {
                steps = after;
                continue;
            }
            let digits = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
            let malformed = || Error::Invalid(format!("{expression:?} is not a valid revision"));
            let count: u32 = match &rest[..digits] {
                "" => 1,
                number => number.parse().map_err(|_| malformed())?,
            };
            steps = &rest[digits..];
            commit = match step {
                '^' if count == 0 => commit,
                '^' => self.parent(commit, count as usize - 1)?.ok_or_else(unknown)?,
                '~' => {
                    for _ in 0..count {
                        left = left.checked_sub(1).ok_or_else(|| {
                            Error::TooLarge(format!(
                                "{expression:?} goes back more than {STEPS} revisions; use a commit ID"
                            ))
                        })?;
                        commit = self.parent(commit, 0)?.ok_or_else(unknown)?;
                    }
                    commit
                }
                _ => return Err(malformed()),
            };
        }
        Ok(commit)
    }

    fn parent(&self, commit: ObjectId, number: usize) -> Result<Option<ObjectId>> {
        Ok(self.load_commit(commit)?.parent_ids().nth(number).map(gix::Id::detach))
    }

    fn base(&self, name: &str) -> Result<Option<ObjectId>> {
        if name.len() == 40
            && let Ok(id) = ObjectId::from_hex(name.as_bytes())
        {
            return self.as_commit(id);
        }
        let named = match name {
            "HEAD" => Some(self.state().head.clone()),
            _ => ["", "refs/", "refs/tags/", "refs/heads/"]
                .iter()
                .filter_map(|prefix| format!("{prefix}{name}").parse().ok())
                .find(|full| self.find_ref(full).is_some()),
        };
        if let Some(target) = named.and_then(|full| Some(self.find_ref(&full)?.target)) {
            return self.as_commit(target);
        }
        if name.len() < SHORTEST_ID || !name.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let mut commits = Vec::new();
        for id in self.ids_with_prefix(name)? {
            // As in git where a commit is expected, only commits count; an annotated tag has an ID of its own.
            if self.kind(id)? == Some(Kind::Commit) {
                commits.push(id);
            }
        }
        match commits[..] {
            [] => Ok(None),
            [commit] => Ok(Some(commit)),
            _ => Err(Error::Invalid(format!("{name:?} is ambiguous: it matches {} commits", commits.len()))),
        }
    }

    fn as_commit(&self, id: ObjectId) -> Result<Option<ObjectId>> {
        let peeled = self.peeled(id)?.unwrap_or(id);
        Ok((self.kind(peeled)? == Some(Kind::Commit)).then_some(peeled))
    }
}
