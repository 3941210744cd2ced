//! The weights of cached results of browsing: their sizes.

use std::sync::Arc;

use metastore::{Change, History, LastCommits, MergeConflict, ObjectId, Summary};
use quick_cache::Weighter;

use super::merge::{MergeWay, Mergeability};
use super::package::Metadata;
use super::revision_stats::RevisionStats;
use super::sorted::Child;

/// Bytes per unit of cache weight: about the size of a file name or an object id.
pub(super) const WEIGHED: usize = 64;

/// Weighs cache entries by their size: at least 1, and more for long names.
#[derive(Clone)]
pub(super) struct Weight;

fn weight(bytes: usize) -> u64 {
    1 + (bytes / WEIGHED) as u64
}

impl<K> Weighter<K, Arc<LastCommits>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<LastCommits>) -> u64 {
        1 + kept.iter().map(|(name, _)| weight(name.len())).sum::<u64>()
    }
}

impl<K> Weighter<K, Arc<Vec<Child>>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<Vec<Child>>) -> u64 {
        1 + kept.iter().map(|child| weight(size_of::<Child>() + child.name.len())).sum::<u64>()
    }
}

impl<K> Weighter<K, Arc<Vec<Change>>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<Vec<Change>>) -> u64 {
        1 + kept.iter().map(|change| weight(change.path.len())).sum::<u64>()
    }
}

impl<K> Weighter<K, Arc<History>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<History>) -> u64 {
        1 + weight(size_of::<ObjectId>() * kept.ids.len())
    }
}

impl<K> Weighter<K, Arc<Metadata>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<Metadata>) -> u64 {
        weight(kept.package.get().len() + kept.schemas.get().len())
    }
}

impl<K> Weighter<K, Arc<Mergeability>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<Mergeability>) -> u64 {
        let MergeWay::Conflicts(files, _) = &kept.way else { return 1 };
        let bytes = |file: &MergeConflict| file.path.len() + file.places.iter().map(String::len).sum::<usize>();
        1 + files.iter().map(|file| weight(bytes(file))).sum::<u64>()
    }
}

impl<D, R> Weighter<(D, R, Option<Box<str>>), Option<RevisionStats>> for Weight {
    fn weight(&self, (_, _, path): &(D, R, Option<Box<str>>), _: &Option<RevisionStats>) -> u64 {
        1 + weight(path.as_ref().map_or(0, |path| path.len()))
    }
}

impl<K> Weighter<K, Arc<Summary>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<Summary>) -> u64 {
        1 + kept.folders.iter().map(|(path, _)| weight(path.len())).sum::<u64>()
    }
}
