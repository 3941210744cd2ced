//! Three-way merge of data packages, by resource and by property.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::changes::pair;

/// Maximum number of places that are returned.
const PLACES: usize = 100;

/// Merges two versions of a package with their common ancestor: each property takes the value of the side that changed
/// it. Resources and the fields of schemas are matched by name (or by path), and keywords are a set. Other lists are
/// merged as a whole.
///
/// # Errors
///
/// The JSON pointers (RFC 6901) of properties that both sides changed to different values, at most 100: for resources and
/// fields, with their position in `ours`.
pub fn merge(base: Option<&Value>, ours: &Value, theirs: &Value) -> Result<Value, Vec<String>> {
    let mut merger = Merger { at: String::new(), conflicts: Vec::new() };
    let package = merger.value(base, Some(ours), Some(theirs));
    if merger.conflicts.is_empty() { Ok(package.unwrap_or_default()) } else { Err(merger.conflicts) }
}

struct Merger {
    /// The JSON pointer of the current value.
    at: String,
    conflicts: Vec<String>,
}

impl Merger {
    fn value(&mut self, base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Option<Value> {
        let [base, ours, theirs] = [base, ours, theirs].map(|value| value.filter(|value| !value.is_null()));
        if ours == theirs || theirs == base {
            return ours.cloned();
        }
        if ours == base {
            return theirs.cloned();
        }
        match (base, ours, theirs) {
            (None, Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
                Some(self.objects(&Map::new(), ours, theirs).into())
            }
            (Some(Value::Object(base)), Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
                Some(self.objects(base, ours, theirs).into())
            }
            (None | Some(Value::Array(_)), Some(Value::Array(mine)), Some(Value::Array(others))) => {
                let base = base.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                match self.at.rsplit('/').next() {
                    Some("resources" | "fields") => Some(self.named(base, mine, others).into()),
                    Some("keywords") => Some(sets(base, mine, others).into()),
                    _ => self.conflict(ours),
                }
            }
            _ => self.conflict(ours),
        }
    }

    fn conflict(&mut self, ours: Option<&Value>) -> Option<Value> {
        if self.conflicts.len() < PLACES {
            self.conflicts.push(self.at.clone());
        }
        ours.cloned()
    }

    /// Merges a part of the current value.
    fn part(
        &mut self,
        name: &str,
        base: Option<&Value>,
        ours: Option<&Value>,
        theirs: Option<&Value>,
    ) -> Option<Value> {
        let before = self.at.len();
        self.at.push('/');
        self.at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        let merged = self.value(base, ours, theirs);
        self.at.truncate(before);
        merged
    }

    /// Merges two objects; the properties that only `theirs` has come last.
    fn objects(
        &mut self,
        base: &Map<String, Value>,
        ours: &Map<String, Value>,
        theirs: &Map<String, Value>,
    ) -> Map<String, Value> {
        let added = theirs.keys().filter(|key| !ours.contains_key(*key));
        let mut merged = Map::new();
        for key in ours.keys().chain(added) {
            if let Some(value) = self.part(key, base.get(key), ours.get(key), theirs.get(key)) {
                merged.insert(key.clone(), value);
            }
        }
        merged
    }

    /// Merges two lists of objects with names.
    fn named(&mut self, base: &[Value], ours: &[Value], theirs: &[Value]) -> Vec<Value> {
        let (of_ours, of_theirs) = (pair(base, ours), pair(base, theirs));
        let Some(is_ours_first) = leading(&of_ours, &of_theirs) else {
            self.conflict(None);
            return Vec::new();
        };
        let ours_of: HashMap<usize, usize> = of_ours.iter().copied().collect();
        let theirs_of: HashMap<usize, usize> = of_theirs.iter().copied().collect();
        // For each item that is in both lists: its position in them, and its merged value.
        let mut both: HashMap<(usize, usize), Option<Value>> = HashMap::new();
        let mut gone: (HashSet<usize>, HashSet<usize>) = Default::default();
        for (index, item) in base.iter().enumerate() {
            match (ours_of.get(&index), theirs_of.get(&index)) {
                (None, None) => {}
                (Some(mine), Some(other)) => {
                    let merged = self.part(&mine.to_string(), Some(item), Some(&ours[*mine]), Some(&theirs[*other]));
                    both.insert((*mine, *other), merged);
                }
                (Some(mine), None) => {
                    self.part(&mine.to_string(), Some(item), Some(&ours[*mine]), None);
                    gone.0.insert(*mine);
                }
                (None, Some(other)) => {
                    self.part(&index.to_string(), Some(item), None, Some(&theirs[*other]));
                    gone.1.insert(*other);
                }
            }
        }
        let rest = |list: &[Value], known: &HashMap<usize, usize>| {
            let known: HashSet<usize> = known.values().copied().collect();
            (0..list.len()).filter(|index| !known.contains(index)).collect::<Vec<_>>()
        };
        let (mine, others) = (rest(ours, &ours_of), rest(theirs, &theirs_of));
        let values = |list: &[Value], indices: &[usize]| indices.iter().map(|index| list[*index].clone()).collect();
        let (added, other_added): (Vec<Value>, Vec<Value>) = (values(ours, &mine), values(theirs, &others));
        for (one, other) in pair(&added, &other_added) {
            let merged = self.part(&mine[one].to_string(), None, Some(&added[one]), Some(&other_added[other]));
            both.insert((mine[one], others[other]), merged);
        }
        if is_ours_first {
            arrange((ours, &gone.0), (theirs, &gone.1), both)
        } else {
            let both = both.into_iter().map(|((mine, other), value)| ((other, mine), value)).collect();
            arrange((theirs, &gone.1), (ours, &gone.0), both)
        }
    }
}

/// Returns whether the order of `ours` counts: theirs does, if only they changed the order of the items of the base.
/// `None` if both did, in different ways. Both are pairs of indices, in the order of the base.
fn leading(ours: &[(usize, usize)], theirs: &[(usize, usize)]) -> Option<bool> {
    let in_theirs: HashSet<usize> = theirs.iter().map(|(base, _)| *base).collect();
    let in_ours: HashSet<usize> = ours.iter().map(|(base, _)| *base).collect();
    let order = |pairs: &[(usize, usize)], other: &HashSet<usize>| {
        let mut common: Vec<(usize, usize)> = pairs.iter().filter(|(base, _)| other.contains(base)).copied().collect();
        common.sort_unstable_by_key(|(_, index)| *index);
        common.into_iter().map(|(base, _)| base).collect::<Vec<_>>()
    };
    let (ours, theirs) = (order(ours, &in_theirs), order(theirs, &in_ours));
    if ours == theirs || theirs.is_sorted() {
        return Some(true);
    }
    ours.is_sorted().then_some(false)
}

/// Puts two lists together in the order of the first. Items that only the second has follow the item that they follow
/// there, after those that the first has added there. `both` are the items that both have, by their positions.
fn arrange(
    (first, first_gone): (&[Value], &HashSet<usize>),
    (second, second_gone): (&[Value], &HashSet<usize>),
    mut both: HashMap<(usize, usize), Option<Value>>,
) -> Vec<Value> {
    let partner: HashMap<usize, usize> = both.keys().copied().collect();
    let shared: HashSet<usize> = partner.values().copied().collect();
    let mut following: HashMap<Option<usize>, Vec<&Value>> = HashMap::new();
    let mut anchor = None;
    for (index, item) in second.iter().enumerate() {
        if shared.contains(&index) {
            anchor = Some(index);
        } else if !second_gone.contains(&index) {
            following.entry(anchor).or_default().push(item);
        }
    }
    let mut list = Vec::with_capacity(first.len());
    let mut after = None;
    for (index, item) in first.iter().enumerate() {
        if let Some(other) = partner.get(&index) {
            list.extend(following.remove(&after).into_iter().flatten().cloned());
            list.extend(both.remove(&(index, *other)).flatten());
            after = Some(*other);
        } else if !first_gone.contains(&index) {
            list.push(item.clone());
        }
    }
    list.extend(following.remove(&after).into_iter().flatten().cloned());
    list
}

/// Merges two lists whose order does not count: without what one of them removed, with what one of them added.
fn sets(base: &[Value], ours: &[Value], theirs: &[Value]) -> Vec<Value> {
    let set = |list: &[Value]| list.iter().map(Value::to_string).collect::<HashSet<_>>();
    let (before, mine, others) = (set(base), set(ours), set(theirs));
    let is_kept = |item: &&Value| !before.contains(&item.to_string()) || others.contains(&item.to_string());
    let is_added = |item: &&Value| !before.contains(&item.to_string()) && !mine.contains(&item.to_string());
    ours.iter().filter(is_kept).chain(theirs.iter().filter(is_added)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn merged(base: &Value, ours: &Value, theirs: &Value) -> Result<Value, Vec<String>> {
        merge(Some(base), ours, theirs)
    }

    #[test]
    fn different_properties_are_merged() {
        let base = json!({"name": "a", "title": "A", "version": "1", "x": {"y": 1, "z": 2}});
        let ours = json!({"name": "a", "title": "B", "x": {"y": 1, "z": 2}, "homepage": "h"});
        let theirs = json!({"name": "a", "title": "A", "version": "1", "x": {"y": 3, "z": 2}, "description": "d"});
        let expected = json!({"name": "a", "title": "B", "x": {"y": 3, "z": 2}, "homepage": "h", "description": "d"});
        assert_eq!(merged(&base, &ours, &theirs), Ok(expected));
    }

    #[test]
    fn contradictions_are_named_by_their_place() {
        let base = json!({"title": "A", "x": {"a/b": 1}, "licenses": [{"name": "MIT"}], "version": "1"});
        let ours = json!({"title": "B", "x": {"a/b": 2}, "licenses": [{"name": "CC0"}]});
        let theirs = json!({"title": "C", "x": {"a/b": 3}, "licenses": [{"name": "ODC"}], "version": "2"});
        let places = merged(&base, &ours, &theirs).unwrap_err();
        assert_eq!(places, ["/title", "/x/a~1b", "/licenses", "/version"]);
    }

    #[test]
    fn resources_are_matched_by_name() {
        let base = json!({"resources": [{"name": "a", "path": "a.csv"}, {"name": "b", "path": "b.csv", "bytes": 1}]});
        let ours = json!({"resources": [
            {"name": "a", "path": "a.csv", "title": "A"}, {"name": "b", "path": "b.csv", "bytes": 1}, {"name": "o"}]});
        let theirs = json!({"resources": [
            {"name": "t0"}, {"name": "a", "path": "a.csv"}, {"name": "b", "path": "b.csv", "bytes": 2}, {"name": "t"}]});
        let expected = json!({"resources": [
            {"name": "t0"}, {"name": "a", "path": "a.csv", "title": "A"}, {"name": "b", "path": "b.csv", "bytes": 2},
            {"name": "o"}, {"name": "t"}]});
        assert_eq!(merged(&base, &ours, &theirs), Ok(expected));

        let without = json!({"resources": [{"name": "b", "path": "b.csv", "bytes": 1}]});
        let conflict = merged(&base, &ours, &without).unwrap_err();
        assert_eq!(conflict, ["/resources/0"], "one side removed what the other changed");
        let renamed =
            json!({"resources": [{"name": "b2", "path": "b.csv", "bytes": 1}, {"name": "a", "path": "a.csv"}]});
        let expected = json!({"resources": [{"name": "b2", "path": "b.csv", "bytes": 1}]});
        assert_eq!(merged(&base, &without, &renamed), Ok(expected));
    }

    #[test]
    fn the_same_addition_counts_once() {
        let base = json!({"resources": []});
        let one = json!({"resources": [{"name": "new", "title": "N"}]});
        let other = json!({"resources": [{"name": "new", "title": "N", "format": "csv"}]});
        assert_eq!(merged(&base, &one, &other), Ok(other.clone()));
        assert_eq!(merge(None, &one, &other), Ok(other));
        let third = json!({"resources": [{"name": "new", "title": "M"}]});
        assert_eq!(merged(&base, &one, &third), Err(vec!["/resources/0/title".to_owned()]));
    }

    #[test]
    fn fields_keep_the_order_of_the_side_that_changed_it() {
        let list = |names: &str| {
            let fields: Vec<Value> = names.chars().map(|name| json!({"name": name.to_string()})).collect();
            json!({"resources": [{"name": "r", "schema": {"fields": fields}}]})
        };
        assert_eq!(merged(&list("abc"), &list("abcx"), &list("cab")), Ok(list("cxab")));
        assert_eq!(merged(&list("abc"), &list("cab"), &list("abcx")), Ok(list("cxab")));
        assert_eq!(merged(&list("abc"), &list("bac"), &list("bac")), Ok(list("bac")));
        assert_eq!(
            merged(&list("abc"), &list("bac"), &list("acb")),
            Err(vec!["/resources/0/schema/fields".to_owned()])
        );
    }

    #[test]
    fn keywords_are_a_set() {
        let list = |words: &[&str]| json!({"keywords": words});
        let result = merged(&list(&["a", "b"]), &list(&["b", "c"]), &list(&["b", "a", "d"]));
        assert_eq!(result, Ok(list(&["b", "c", "d"])));
    }

    fn package() -> impl Strategy<Value = Value> {
        let resource = ("[a-d]", 0..3u8, proptest::option::of(0..2u8))
            .prop_map(|(name, bytes, title)| json!({"name": name, "bytes": bytes, "title": title}));
        (0..3u8, proptest::collection::vec(resource, 0..4), proptest::collection::vec("[a-c]", 0..3)).prop_map(
            |(title, resources, keywords)| json!({"title": title, "resources": resources, "keywords": keywords}),
        )
    }

    proptest! {
        #[test]
        fn a_side_that_changed_nothing_takes_the_other(base in package(), other in package()) {
            prop_assert_eq!(merge(Some(&base), &base, &other), Ok(other.clone()));
            prop_assert_eq!(merge(Some(&base), &other, &base), Ok(other.clone()));
            prop_assert_eq!(merge(Some(&base), &other, &other), Ok(other));
        }

        /// The order of lists may differ, but not whether there is a conflict.
        #[test]
        fn both_directions_agree(base in package(), ours in package(), theirs in package()) {
            let names = |value: &Value| {
                let mut names: Vec<String> = value["resources"].as_array().unwrap().iter().map(Value::to_string).collect();
                names.sort();
                names
            };
            match (merge(Some(&base), &ours, &theirs), merge(Some(&base), &theirs, &ours)) {
                (Ok(one), Ok(other)) => prop_assert_eq!(names(&one).len(), names(&other).len()),
                (Err(_), Err(_)) => {}
                (one, other) => prop_assert!(false, "{one:?} {other:?}"),
            }
        }
    }
}
