//! Renamed configuration keys: the old names, in the file and in the environment, work for one release with a warning.

use std::collections::BTreeSet;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use crate::error::{Error, Result};

/// Old and new names. Remove an entry one release after it was added.
const RENAMED: &[(&str, &str)] = &[
    ("collect", "gc.enabled"),
    ("lifetimes.action", "ttl.action"),
    ("lifetimes.grace", "gc.grace"),
    ("lifetimes.jwt", "ttl.jwt"),
    ("lifetimes.upload", "ttl.upload"),
    ("limits.hash_bytes", "limits.verify_before_commit_max"),
    ("limits.idle_seconds", "limits.idle_timeout"),
    ("limits.parts_from", "limits.multipart_threshold"),
    ("scrub_days", "scrub.interval_days"),
];

/// A configuration key that is set under its old name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RenamedKey {
    /// The name that is set.
    pub old: &'static str,
    /// The name to use.
    pub new: &'static str,
}

impl RenamedKey {
    /// Returns the environment variable of the new key.
    pub fn variable(&self) -> String {
        format!("RUTTER_{}", self.new.to_uppercase().replace('.', "__"))
    }
}

/// Renames keys of several sources, and remembers which names were used.
#[derive(Default)]
pub(super) struct Renames {
    old: BTreeSet<RenamedKey>,
    new: BTreeSet<&'static str>,
}

impl Renames {
    /// Returns a source in which old keys have their new names.
    pub(super) fn apply(&mut self, source: &impl Provider) -> Source {
        let mut data = source.data();
        for keys in data.iter_mut().flat_map(Map::values_mut) {
            for &(old, new) in RENAMED {
                if contains(keys, new) {
                    self.new.insert(new);
                }
                if let Some(value) = take(keys, old) {
                    self.old.insert(RenamedKey { old, new });
                    put(keys, new, value);
                }
            }
        }
        Source { metadata: source.metadata(), data }
    }

    /// Returns the keys that were set under their old names.
    ///
    /// # Errors
    /// Invalid if a key was set under both names.
    pub(super) fn used(self) -> Result<Vec<RenamedKey>> {
        if let Some(RenamedKey { old, new }) = self.old.iter().find(|key| self.new.contains(key.new)) {
            return Err(Error::invalid(format!(
                "configuration: `{old}` is the old name of `{new}`, and both are set: remove `{old}`"
            )));
        }
        Ok(self.old.into_iter().collect())
    }
}

/// A source that was read, with its origin for error messages.
pub(super) struct Source {
    metadata: Metadata,
    data: figment::Result<Map<Profile, Dict>>,
}

impl Provider for Source {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        self.data.clone()
    }
}

fn contains(keys: &Dict, path: &str) -> bool {
    match path.split_once('.') {
        None => keys.contains_key(path),
        Some((group, rest)) => keys.get(group).and_then(Value::as_dict).is_some_and(|keys| contains(keys, rest)),
    }
}

/// Removes a key, and its group if nothing else is in it.
fn take(keys: &mut Dict, path: &str) -> Option<Value> {
    let Some((group, rest)) = path.split_once('.') else { return keys.remove(path) };
    let Some(Value::Dict(_, inner)) = keys.get_mut(group) else { return None };
    let value = take(inner, rest)?;
    if inner.is_empty() {
        keys.remove(group);
    }
    Some(value)
}

/// Sets a key. A group that is not a table stays, to be refused when the configuration is deserialized.
fn put(keys: &mut Dict, path: &str, value: Value) {
    let Some((group, rest)) = path.split_once('.') else {
        keys.insert(path.to_owned(), value);
        return;
    };
    if let Value::Dict(_, inner) = keys.entry(group.to_owned()).or_insert_with(|| Value::from(Dict::new())) {
        put(inner, rest, value);
    }
}
