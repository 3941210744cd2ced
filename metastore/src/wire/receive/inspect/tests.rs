use std::sync::Arc;

use gix::objs::tree::EntryKind;
use proptest::prelude::*;

use super::*;
use crate::{RefName, State, repository};

#[test]
fn more_pointers_than_the_limit_are_not_collected() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::empty("demo".parse().unwrap(), RefName::branch("main").unwrap());
    repository::lay_out(folder.path(), &state, &[]).unwrap();
    let repository = repository::open(folder.path()).unwrap();
    let writer = repository.to_thread_local();
    let pointer = |size| lfs::Pointer::new(lfs::Oid::EMPTY, size).to_string();
    let mut blobs: Vec<_> = (1..=3).map(|size| writer.write_blob(pointer(size).as_bytes()).unwrap().detach()).collect();
    blobs.push(writer.write_blob(b"no pointer").unwrap().detach());
    let reader = Reader::new(repository.to_thread_local(), Arc::new(state));
    assert_eq!(pointers(&reader, &Received::default(), &blobs, 3).unwrap().len(), 3);
    let mut sorted = blobs.clone();
    sorted.sort_unstable();
    let received = Received::check(&reader, sorted.into_iter()).unwrap();
    let refused = pointers(&reader, &received, &blobs, 2);
    assert!(matches!(refused, Err(Error::TooLarge(reason)) if reason.contains("push fewer at a time")));
}

/// Creates an empty repository and returns its folder too.
fn empty() -> (tempfile::TempDir, Reader) {
    let folder = tempfile::tempdir().unwrap();
    let state = State::empty("demo".parse().unwrap(), RefName::branch("main").unwrap());
    repository::lay_out(folder.path(), &state, &[]).unwrap();
    let repository = repository::open(folder.path()).unwrap();
    (folder, Reader::new(repository.to_thread_local(), Arc::new(state)))
}

/// Trees that contain each other: for each tree the lengths of its names, and which earlier tree each refers
/// to; 0 is a file.
type Forest = Vec<Vec<(usize, usize)>>;

fn forests() -> impl Strategy<Value = Forest> {
    let length = prop_oneof![Just(1_usize), 2..250_usize, 900..1100_usize, 3900..4096_usize];
    prop::collection::vec(prop::collection::vec((length, 0..100_usize), 0..4), 1..12)
}

/// Writes the trees; returns their IDs, and for each the longest path in bytes and in components.
fn plant(reader: &Reader, forest: &Forest) -> Vec<(ObjectId, usize, usize)> {
    let repository = &reader.repository;
    let blob = repository.write_blob(b"x").unwrap().detach();
    let mut planted: Vec<(ObjectId, usize, usize)> = Vec::new();
    for names in forest {
        let (mut entries, mut bytes, mut components) = (Vec::new(), 0, 0);
        for (number, (length, target)) in names.iter().enumerate() {
            let name = format!("{number}{}", "n".repeat(length - 1));
            let below = planted.get(target % (planted.len() + 1)).filter(|_| target % 7 != 0).copied();
            let (kind, id, more, deeper) = match below {
                Some((id, bytes, components)) => (EntryKind::Tree, id, 1 + bytes, 1 + components),
                None => (EntryKind::Blob, blob, 0, 1),
            };
            bytes = bytes.max(name.len() + more);
            components = components.max(deeper);
            entries.push(gix::objs::tree::Entry { mode: kind.into(), filename: name.into(), oid: id });
        }
        entries.sort();
        let id = repository.write_object(gix::objs::Tree { entries }).unwrap().detach();
        planted.push((id, bytes, components));
    }
    planted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A push is accepted if and only if every path in it can be represented.
    #[test]
    fn trees_with_unusable_paths_are_refused(forest in forests()) {
        let (_folder, reader) = empty();
        for (id, bytes, components) in plant(&reader, &forest) {
            let is_good = bytes <= LIMIT && components <= DEPTH_LIMIT;
            for received in [Received::default(), Received::check(&reader, [id].into_iter()).unwrap()] {
                remembered().clear();
                prop_assert_eq!(extents(&reader, &received, &[id]).is_ok(), is_good, "{} {}", bytes, components);
            }
        }
    }

    /// Whatever exists, listings stay within their limits, and pages cover everything.
    #[test]
    fn no_tree_makes_readers_hold_more_than_they_may(forest in forests()) {
        const MOST: usize = 64 << 20;
        let (_folder, reader) = empty();
        let Some((root, _, _)) = plant(&reader, &forest).pop() else { return Ok(()) };
        let whole = reader.tree(root, None, true);
        let names = reader.paths(root, 1000, 100_000);
        prop_assert!(names.is_err() || names.is_ok_and(|all| all.iter().map(|(path, _, _)| path.len()).sum::<usize>() <= 100_000));
        let changes = reader.diff(None, root, false);
        let (mut paged, mut after) = (Vec::new(), None);
        for _ in 0..50 {
            let page = reader.tree_page(root, None, true, after.as_deref(), 20).unwrap();
            let bytes: usize = page.entries.iter().map(|entry| entry.path.len()).sum();
            prop_assert!(bytes <= 20 * LIMIT || page.entries.len() == 1);
            prop_assert!(page.next.is_none() || !page.entries.is_empty());
            paged.extend(page.entries.into_iter().filter(|entry| entry.kind != crate::EntryKind::Folder));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if let Ok(whole) = whole {
            prop_assert!(whole.iter().map(|entry| entry.path.len()).sum::<usize>() <= MOST);
            prop_assert_eq!(changes.unwrap().len(), whole.len());
            let is_beginning = paged.iter().zip(&whole).all(|(one, other)| one == other);
            prop_assert!(is_beginning && (after.is_some() || paged.len() == whole.len()));
        }
    }
}
