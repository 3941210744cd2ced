//! In-memory object cache, shared by the readers of a repository.

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

/// Number of repositories with an object cache.
const MAX_REPOSITORIES: usize = 4;

/// Cache size in bytes per repository for objects, and per reader for delta bases.
const OBJECTS: usize = 8 << 20;
const BASES: usize = 2 << 20;

/// Object caches of the most recently read repositories, the most recent one last.
///
/// All generations of one epoch share a cache: between them objects are added, but never removed.
#[derive(Default)]
pub(crate) struct ObjectMemory(Mutex<VecDeque<((RepoKey, u64), Objects)>>);

impl ObjectMemory {
    /// Attaches the caches to a reader of a generation.
    pub(crate) fn lend(&self, repository: &mut gix::Repository, state: &State) {
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
        if kept.len() > MAX_REPOSITORIES {
            kept.pop_front();
        }
        objects
    }

    /// Drops the cache of a repository.
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

/// The data stays consistent even if a holder of the lock panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
