//! What the server has acknowledged, and what is unknown until it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use lfs::Oid;

/// Refs of one dataset by full name.
pub type Refs = BTreeMap<String, String>;

/// An object of a dataset.
pub type Held = (String, Oid);

/// Acknowledgements of one installation, recorded by all its clients.
#[derive(Default)]
pub struct Ledger(Mutex<Entries>);

#[derive(Default)]
pub struct Entries {
    /// The acknowledged target of each ref, by dataset.
    settled: BTreeMap<String, Refs>,
    /// Pushes that were begun and whose outcome is unknown.
    open: Vec<Push>,
    /// Objects that a dataset must give back, with their sizes.
    pub held: BTreeMap<Held, u64>,
    /// Objects whose upload was begun; they are there in full or not at all.
    pub begun: BTreeMap<Held, u64>,
    /// Objects that never were sent in full.
    pub incomplete: BTreeMap<Held, u64>,
    /// Counts for the report.
    pub counts: BTreeMap<&'static str, u32>,
}

/// One push as the pusher sees it.
#[derive(Clone, Debug)]
pub struct Push {
    pub dataset: String,
    pub changes: Vec<Change>,
    /// Objects that the new commits name.
    pub objects: Vec<(Oid, u64)>,
}

/// What a push does to a ref.
#[derive(Clone, Debug)]
pub struct Change {
    pub name: String,
    pub new: Option<String>,
}

impl Push {
    fn held(&self) -> impl Iterator<Item = (Held, u64)> {
        self.objects.iter().map(|(oid, size)| ((self.dataset.clone(), *oid), *size))
    }
}

impl Ledger {
    pub fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap()
    }
}

impl Entries {
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Where a ref is as far as is known.
    pub fn at(&self, dataset: &str, name: &str) -> Option<String> {
        self.settled.get(dataset)?.get(name).cloned()
    }

    /// Records a push that is about to begin.
    pub fn begin(&mut self, push: &Push) {
        self.begun.extend(push.held());
        self.open.push(push.clone());
    }

    /// Records that a push succeeded.
    pub fn acknowledge(&mut self, push: &Push) {
        self.count("pushes acknowledged");
        self.open.retain(|open| open.dataset != push.dataset || open.changes[0].name != push.changes[0].name);
        self.apply(push);
    }

    fn apply(&mut self, push: &Push) {
        let refs = self.settled.entry(push.dataset.clone()).or_default();
        for change in &push.changes {
            match &change.new {
                Some(new) => drop(refs.insert(change.name.clone(), new.clone())),
                None => drop(refs.remove(&change.name)),
            }
        }
        self.held.extend(push.held());
    }

    /// Datasets with acknowledged changes.
    pub fn datasets(&self) -> Vec<String> {
        self.settled.keys().cloned().collect()
    }

    /// Datasets of pushes whose outcome is unknown.
    pub fn datasets_with_open_pushes(&self) -> BTreeSet<String> {
        self.open.iter().map(|push| push.dataset.clone()).collect()
    }

    /// Records refs that were created by other means.
    pub fn set_refs(&mut self, dataset: &str, refs: Refs) {
        self.settled.insert(dataset.to_owned(), refs);
    }

    /// Compares the refs of a server with what it acknowledged. An open
    /// push happened as a whole or not at all.
    pub fn compare(&mut self, dataset: &str, shown: &Refs) {
        self.settle(shown, |push| push.dataset == dataset);
        let promised = self.settled.get(dataset).cloned().unwrap_or_default();
        assert_eq!(&promised, shown, "the refs of {dataset} are not what was promised");
    }

    /// Determines the outcome of open pushes by the refs, which no other user changes.
    pub fn settle(&mut self, shown: &Refs, which: impl Fn(&Push) -> bool) {
        let (open, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open).into_iter().partition(which);
        self.open = rest;
        for push in open {
            let happened = push.changes.iter().all(|change| shown.get(&change.name) == change.new.as_ref());
            if happened {
                self.count("pushes that arrived although the reply did not");
                self.apply(&push);
            } else {
                self.count("pushes cut off");
            }
        }
    }
}
