use std::sync::Arc;

use super::*;
use crate::{RefName, State, snapshot};

#[test]
fn more_pointers_than_the_limit_are_not_collected() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::empty("demo".parse().unwrap(), RefName::branch("main").unwrap());
    snapshot::lay_out(folder.path(), &state, &[]).unwrap();
    let repository = snapshot::open(folder.path()).unwrap();
    let writer = repository.to_thread_local();
    let pointer = |size| lfs::Pointer::new(lfs::Oid::EMPTY, size).to_string();
    let mut blobs: Vec<_> = (1..=3).map(|size| writer.write_blob(pointer(size).as_bytes()).unwrap().detach()).collect();
    blobs.push(writer.write_blob(b"no pointer").unwrap().detach());
    let reader = Reader::new(repository.to_thread_local(), Arc::new(state));
    assert_eq!(pointers(&reader, &blobs, 3).unwrap().len(), 3);
    let refused = pointers(&reader, &blobs, 2);
    assert!(matches!(refused, Err(Error::TooLarge(reason)) if reason.contains("push them in steps")));
}
