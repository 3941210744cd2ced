//! Changes of resources.

use std::collections::HashMap;
use std::hash::Hash;

use serde_json::{Map, Value};

use super::{Change, Fields, File, Named, TextChange, take_first, take_text};
use crate::{
    get, resources,
    values::{digest, named_sha256},
};

/// Properties computed by CKAN, which are ignored.
const COUNTED: [&str; 5] = ["metadata_modified", "revision_id", "position", "datastore_active", "tracking_summary"];

/// Matches the resources of `old` and `new`: pairs of indices in the order of the old list, each index at most once.
///
/// Matches by name first, then by path, then by ID, and finally by equality. Among several candidates, the
/// first is matched with the first.
pub(crate) fn pair(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut open: (Vec<usize>, Vec<usize>) = ((0..old.len()).collect(), (0..new.len()).collect());
    let text = |key: &'static str| {
        move |resource: &'_ Value| -> Option<String> {
            get(resource, key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        }
    };
    matching(old, new, &mut open, &mut pairs, text("name"));
    matching(old, new, &mut open, &mut pairs, |resource| {
        let path = get(resource, "path").or(get(resource, "url"));
        path.filter(|path| path.as_str() != Some("")).cloned()
    });
    matching(old, new, &mut open, &mut pairs, text("id"));
    matching(old, new, &mut open, &mut pairs, |resource| Some(resource.clone()));
    pairs.sort_unstable();
    pairs
}

fn matching<K: Hash + Eq>(
    old: &[Value],
    new: &[Value],
    open: &mut (Vec<usize>, Vec<usize>),
    pairs: &mut Vec<(usize, usize)>,
    key: impl Fn(&Value) -> Option<K>,
) {
    if open.0.is_empty() || open.1.is_empty() {
        return;
    }
    let mut waiting: HashMap<K, Vec<usize>> = HashMap::new();
    // In reverse, so that the first one is on top of the stack.
    for index in open.1.iter().rev() {
        if let Some(key) = key(&new[*index]) {
            waiting.entry(key).or_default().push(*index);
        }
    }
    let mut taken = vec![false; new.len()];
    open.0.retain(|index| {
        let Some(found) = key(&old[*index]).and_then(|key| waiting.get_mut(&key)?.pop()) else { return true };
        pairs.push((*index, found));
        taken[found] = true;
        false
    });
    open.1.retain(|index| !taken[*index]);
}

pub(super) fn compare(old: &Value, new: &Value, found: &mut Vec<Change>) {
    let (old, new) = (resources(old), resources(new));
    let pairs = pair(old, new);
    let mut next = pairs.iter().peekable();
    let mut known = vec![false; new.len()];
    for (index, resource) in old.iter().enumerate() {
        match next.next_if(|(old, _)| *old == index) {
            Some((_, partner)) => {
                known[*partner] = true;
                if resource != &new[*partner] {
                    changed(resource, &new[*partner], found);
                }
            }
            None => found.push(Change::DeleteResource { resource: named(resource) }),
        }
    }
    let fresh = new.iter().zip(&known).filter(|(_, known)| !**known);
    found.extend(fresh.map(|(resource, _)| Change::NewResource { resource: named(resource) }));
    if !pairs.is_sorted_by_key(|(_, new)| *new) {
        found.push(Change::ResourceOrder);
    }
}

fn changed(old: &Value, new: &Value, found: &mut Vec<Change>) {
    let resource = named(new);
    let (old, new) = (Facts::of(old), Facts::of(new));
    let text = |old: &Option<String>, new: &Option<String>| TextChange::between(old.as_deref(), new.as_deref());
    if let Some(change) = text(&old.name, &new.name) {
        found.push(Change::ResourceName { resource: resource.clone(), change });
    }
    if let Some(change) = text(&old.format, &new.format) {
        found.push(Change::ResourceFormat { resource: resource.clone(), change });
    }
    if let Some(change) = text(&old.description, &new.description) {
        found.push(Change::ResourceDesc { resource: resource.clone(), change });
    }
    if old.file != new.file || old.data != new.data {
        found.push(Change::NewFile { resource: resource.clone(), old: old.file, new: new.file });
    }
    let fields = Fields::between(&old.rest, &new.rest).into_iter();
    found.extend(fields.map(|fields| Change::ResourceExtras { resource: resource.clone(), fields }));
}

fn named(resource: &Value) -> Named {
    let text = |key| get(resource, key).and_then(Value::as_str).map(str::to_owned);
    Named { name: text("name"), id: text("id"), path: text("path").or(text("url")) }
}

/// The normalised properties of a resource, in a common form for both dialects.
struct Facts {
    name: Option<String>,
    format: Option<String>,
    description: Option<String>,
    file: File,
    data: Option<Value>,
    rest: Map<String, Value>,
}

impl Facts {
    fn of(resource: &Value) -> Self {
        let mut rest = resource.as_object().cloned().unwrap_or_default();
        rest.retain(|key, value| !value.is_null() && !COUNTED.contains(&key.as_str()));
        for (theirs, ours) in [("mimetype", "mediatype"), ("size", "bytes"), ("url", "path")] {
            if !rest.contains_key(ours)
                && let Some(value) = rest.remove(theirs)
            {
                rest.insert(ours.to_owned(), value);
            }
        }
        let path = match rest.remove("path") {
            Some(Value::String(text)) if text.is_empty() => None,
            path => path,
        };
        let bytes = rest.get("bytes").and_then(|bytes| match bytes {
            // CKAN stores the size as a string.
            Value::String(text) => text.parse().ok().filter(|number: &u64| number.to_string() == *text),
            other => other.as_u64(),
        });
        if bytes.is_some() {
            rest.remove("bytes");
        }
        let data = rest.remove("data");
        let file = File { path, bytes, hash: hash(&mut rest), inline: data.is_some() };
        Self {
            name: take_text(&mut rest, "name"),
            format: take_text(&mut rest, "format"),
            description: take_first(&mut rest, &["description"]),
            file,
            data,
            rest,
        }
    }
}

/// Removes and returns the hash: the SHA-256 under either name, or else the value of `hash`.
fn hash(rest: &mut Map<String, Value>) -> Option<String> {
    let hash = take_text(rest, "hash");
    let named = hash.as_deref().and_then(named_sha256).and_then(digest);
    let sha256 = rest.get("sha256").and_then(Value::as_str).and_then(digest);
    if let Some(digits) = sha256 {
        rest.remove("sha256");
        if let Some(other) = hash.filter(|_| named.as_ref() != Some(&digits)) {
            rest.insert("hash".to_owned(), other.into());
        }
        return Some(format!("sha256:{digits}"));
    }
    named.map(|digits| format!("sha256:{digits}")).or(hash)
}
