//! Objects that were read lately.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gix::{
    ObjectId,
    objs::Kind,
    odb::pack::cache::{Object, lru, object::MemoryCappedHashmap},
};

use crate::{RepoKey, State};

/// Repositories that objects are remembered of.
const KEPT: usize = 4;

/// Bytes of objects of each, and bytes that a reader remembers of what deltas are based on.
const OBJECTS: usize = 8 << 20;
const BASES: usize = 2 << 20;

/// Objects of the repositories that were read last, the very last one at the end.
///
/// All generations of one epoch share them: from one to the next objects come, but none goes.
#[derive(Default)]
pub(crate) struct ObjectMemory(Mutex<VecDeque<((RepoKey, u64), Objects)>>);

impl ObjectMemory {
    /// Lets a reader of a generation see and keep them.
    pub(super) fn lend(&self, repository: &mut gix::Repository, state: &State) {
        let objects = self.of(state);
        repository.objects.set_object_cache(move || Box::new(objects.clone()));
        repository.objects.set_pack_cache(|| Box::new(lru::MemoryCappedHashmap::new(BASES)));
    }

    fn of(&self, state: &State) -> Objects {
        let mut kept = lock(&self.0);
        let place = kept.iter().position(|((repo, epoch), _)| *repo == state.repo && *epoch == state.epoch);
        let (key, objects) = place
            .and_then(|place| kept.remove(place))
            .unwrap_or_else(|| ((state.repo.clone(), state.epoch), Objects::default()));
        kept.push_back((key, objects.clone()));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        objects
    }

    /// Forgets those of a repository.
    pub(crate) fn forget(&self, gone: &RepoKey) {
        lock(&self.0).retain(|((repo, _), _)| repo != gone);
    }
}

#[derive(Clone)]
struct Objects(Arc<Mutex<MemoryCappedHashmap>>);

impl Default for Objects {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(MemoryCappedHashmap::new(OBJECTS))))
    }
}

impl Object for Objects {
    fn put(&mut self, id: ObjectId, kind: Kind, data: &[u8]) {
        lock(&self.0).put(id, kind, data);
    }

    fn get(&mut self, id: &ObjectId, out: &mut Vec<u8>) -> Option<Kind> {
        lock(&self.0).get(id, out)
    }
}

/// What is behind it is whole after a panic too.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
