//! Handles that were used lately, with what they have decompressed.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Handles that are kept, of all repositories together: about as many as can be busy at one time.
const KEPT: usize = 4;

/// Bytes of objects that each of them remembers, and bytes of what deltas are based on.
const OBJECTS: usize = 8 << 20;
const BASES: usize = 4 << 20;

/// An opened folder. Of two that were opened, even at the same place, the numbers differ.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    number: u64,
    repository: gix::ThreadSafeRepository,
}

impl Opened {
    pub(super) fn new(repository: gix::ThreadSafeRepository) -> Self {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        Self { number: OPENED.fetch_add(1, Ordering::Relaxed), repository }
    }
}

/// Idle handles, the one used last at the end.
#[derive(Debug, Default)]
pub(crate) struct Handles(Mutex<VecDeque<(u64, gix::Repository)>>);

impl Handles {
    /// Does `work` with a handle, which remembers what was read with it for whoever comes next.
    pub(super) fn with<T>(&self, opened: &Opened, work: impl FnOnce(gix::Repository) -> (T, gix::Repository)) -> T {
        let known = {
            let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let place = idle.iter().rposition(|(number, _)| *number == opened.number);
            place.and_then(|place| idle.remove(place))
        };
        let handle = known.map_or_else(
            || {
                let mut new = opened.repository.to_thread_local();
                new.object_cache_size(OBJECTS);
                new.objects.set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(BASES)));
                new
            },
            |(_, handle)| handle,
        );
        let (done, handle) = work(handle);
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push_back((opened.number, handle));
        let oldest = if idle.len() > KEPT { idle.pop_front() } else { None };
        drop(idle);
        drop(oldest);
        done
    }
}
