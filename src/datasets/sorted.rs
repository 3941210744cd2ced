//! Sorted folder listings: the whole folder is read once, and its order is cached.

use std::cmp::Ordering;

use metastore::{Entry, EntryKind, FilePath, ObjectId, Reader, Side, TreePage};
use unicode_normalization::UnicodeNormalization as _;

/// Maximum number of entries of a folder that is sorted by name.
const MAX_BY_NAME: usize = 100_000;

/// Maximum number of entries of a folder that is sorted by what has to be read for each of them.
const MAX_BY_CONTENT: usize = 20_000;

/// The order of a folder listing. Folders always come first; entries that are equal are sorted by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sort {
    /// What to compare.
    pub key: SortKey,
    /// True for the largest, newest or last one first.
    pub descending: bool,
}

/// What a folder listing is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// Name: numbers by their value, without regard to case and accents.
    Name,
    /// Size of the content.
    Size,
    /// Time of the last change.
    Modified,
}

/// A direct entry of a folder.
pub(super) struct Child {
    pub(super) name: Box<str>,
    side: Side,
}

/// Returns the paths of the entries of a folder.
pub(super) fn paths(folder: Option<&FilePath>, children: &[Child]) -> Vec<String> {
    let prefix = prefix(folder);
    children.iter().map(|child| format!("{prefix}{}", child.name)).collect()
}

/// Returns the size of each entry of a folder; -1 for folders.
pub(super) fn sizes(reader: &Reader, folder: Option<&FilePath>, children: &[Child]) -> metastore::Result<Vec<i64>> {
    let size = |(path, child): (String, &Child)| {
        let entry = reader.entry_of(&path, child.side)?;
        let size = entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size);
        Ok::<_, metastore::Error>(size.map_or(-1, |size| i64::try_from(size).unwrap_or(i64::MAX)))
    };
    paths(folder, children).into_iter().zip(children).map(size).collect()
}

/// Sorts the entries of a folder by their values; without values, by name alone.
pub(super) fn sorted(children: Vec<Child>, values: Option<Vec<i64>>, descending: bool) -> Vec<Child> {
    let is_by_name = values.is_none();
    let values = values.unwrap_or_default().into_iter().chain(std::iter::repeat(0));
    let keyed = children.into_iter().zip(values).map(|(child, value)| {
        let name = folded(&child.name);
        (child, value, name)
    });
    let mut keyed: Vec<(Child, i64, String)> = keyed.collect();
    keyed.sort_by(|(one, value, name), (other, other_value, other_name)| {
        let by_name = natural(name, other_name).then_with(|| one.name.cmp(&other.name));
        let by_key = if is_by_name { by_name } else { value.cmp(other_value) };
        let by_key = if descending { by_key.reverse() } else { by_key };
        let is_folder = |child: &Child| child.side.kind == EntryKind::Folder;
        is_folder(other).cmp(&is_folder(one)).then(by_key).then(by_name)
    });
    keyed.into_iter().map(|(child, ..)| child).collect()
}

/// Returns a page of the sorted entries of a folder. `after` is the [`TreePage::next`] of the previous page.
///
/// # Errors
/// Invalid for an invalid `after`.
pub(super) fn page(
    reader: &Reader,
    folder: Option<&FilePath>,
    children: &[Child],
    after: Option<&[u8]>,
    limit: usize,
) -> metastore::Result<TreePage> {
    let start = match after {
        None => 0,
        Some(after) => std::str::from_utf8(after).ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
            metastore::Error::Invalid("invalid `cursor`; use one that a listing in this order returned".to_owned())
        })?,
    };
    let shown = &children[children.len().min(start)..];
    let shown = &shown[..shown.len().min(limit)];
    let entries = paths(folder, shown).into_iter().zip(shown);
    let entries: Vec<Entry> =
        entries.map(|(path, child)| reader.entry_of(&path, child.side)).collect::<metastore::Result<_>>()?;
    let end = start.saturating_add(entries.len());
    Ok(TreePage { entries, next: (end < children.len()).then(|| end.to_string().into_bytes()) })
}

fn prefix(folder: Option<&FilePath>) -> String {
    folder.map(|path| format!("{path}/")).unwrap_or_default()
}

/// Returns the direct entries of a folder, to be sorted.
///
/// # Errors
/// Not found if there is no such folder; too large if it has too many entries to sort.
pub(super) fn children(
    reader: &Reader,
    revision: ObjectId,
    folder: Option<&FilePath>,
    key: SortKey,
) -> metastore::Result<Vec<Child>> {
    let most = if key == SortKey::Name { MAX_BY_NAME } else { MAX_BY_CONTENT };
    let start = prefix(folder).len();
    let mut found = Vec::new();
    let mut is_too_large = false;
    // All entries of a folder come before those of its subfolders.
    reader.visit(revision, folder, &mut |path, kind, id| {
        let Some(name) = path.get(start..).filter(|name| !name.contains('/')) else { return false };
        is_too_large = found.len() == most;
        if !is_too_large {
            found.push(Child { name: name.into(), side: Side { kind, id } });
        }
        !is_too_large
    })?;
    if is_too_large {
        return Err(metastore::Error::TooLarge(format!(
            "the folder has more than {most} entries; list it by name or without `sort`"
        )));
    }
    Ok(found)
}

/// Normalises a name for comparison: removes case, accents and compatibility forms (NFKD).
pub(super) fn folded(text: &str) -> String {
    text.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// Compares names so that numbers in them are sorted by their value: `a2` before `a10`.
fn natural(mut one: &str, mut other: &str) -> Ordering {
    loop {
        let (number, other_number) = (digits(one), digits(other));
        let order = if number.is_empty() || other_number.is_empty() {
            let (mut chars, mut other_chars) = (one.chars(), other.chars());
            let (next, other_next) = (chars.next(), other_chars.next());
            (one, other) = (chars.as_str(), other_chars.as_str());
            if next.is_none() || other_next.is_none() {
                return next.cmp(&other_next);
            }
            next.cmp(&other_next)
        } else {
            (one, other) = (&one[number.len()..], &other[other_number.len()..]);
            let (number, other_number) = (number.trim_start_matches('0'), other_number.trim_start_matches('0'));
            number.len().cmp(&other_number.len()).then_with(|| number.cmp(other_number))
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Returns the digits that a text starts with.
fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_in_names_are_sorted_by_value() {
        let mut names = ["a10.csv", "a2.csv", "a2b", "b", "a", "", "a002.csv", "é2", "e10", "a99999999999999999999999"];
        names.sort_by(|one, other| natural(&folded(one), &folded(other)).then_with(|| one.cmp(other)));
        assert_eq!(
            names,
            ["", "a", "a002.csv", "a2.csv", "a2b", "a10.csv", "a99999999999999999999999", "b", "é2", "e10"]
        );
    }

    proptest! {
        #[test]
        fn names_have_one_order(names in prop::collection::vec("[a-c0-9é]{0,6}", 3)) {
            let compare = |one: usize, other: usize| natural(&names[one], &names[other]);
            prop_assert_eq!(compare(0, 1), compare(1, 0).reverse());
            if compare(0, 1).is_le() && compare(1, 2).is_le() {
                prop_assert!(compare(0, 2).is_le());
            }
        }
    }
}
