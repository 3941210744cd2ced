//! What the server has promised, and what nobody can know until it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use lfs::Oid;

/// Refs of one dataset by full name.
pub(crate) type Refs = BTreeMap<String, String>;

/// An object of a dataset.
pub(crate) type Held = (String, Oid);

/// Promises of one installation, kept by everybody who talks to it.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Book>);

#[derive(Default)]
pub(crate) struct Book {
    /// Where each ref is for sure, by dataset.
    settled: BTreeMap<String, Refs>,
    /// Pushes that were begun and neither succeeded nor were looked after.
    open: Vec<Push>,
    /// Objects that a dataset must give back, with their sizes.
    pub(crate) held: BTreeMap<Held, u64>,
    /// Objects whose upload was begun; they are there in full or not at all.
    pub(crate) begun: BTreeMap<Held, u64>,
    /// Objects that never were sent in full.
    pub(crate) never: BTreeMap<Held, u64>,
    /// How it went.
    pub(crate) tally: BTreeMap<&'static str, u32>,
}

/// One push as the pusher sees it.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) dataset: String,
    pub(crate) changes: Vec<Change>,
    /// Objects that the new commits name.
    pub(crate) objects: Vec<(Oid, u64)>,
}

/// What a push does to a ref.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) new: Option<String>,
}

impl Push {
    fn held(&self) -> impl Iterator<Item = (Held, u64)> {
        self.objects.iter().map(|(oid, size)| ((self.dataset.clone(), *oid), *size))
    }
}

impl Ledger {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap()
    }
}

impl Book {
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Where a ref is as far as is known.
    pub(crate) fn at(&self, dataset: &str, name: &str) -> Option<String> {
        self.settled.get(dataset)?.get(name).cloned()
    }

    /// Says what is about to be pushed.
    pub(crate) fn begin(&mut self, push: &Push) {
        self.begun.extend(push.held());
        self.open.push(push.clone());
    }

    /// git said that the push succeeded.
    pub(crate) fn acknowledge(&mut self, push: &Push) {
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

    /// Datasets of which something was promised.
    pub(crate) fn datasets(&self) -> Vec<String> {
        self.settled.keys().cloned().collect()
    }

    /// Datasets of pushes that nobody looked after yet.
    pub(crate) fn unsure(&self) -> BTreeSet<String> {
        self.open.iter().map(|push| push.dataset.clone()).collect()
    }

    /// Takes over refs that were made by other means.
    pub(crate) fn adopt(&mut self, dataset: &str, refs: Refs) {
        self.settled.insert(dataset.to_owned(), refs);
    }

    /// Compares the refs that a server shows with what was promised. An open
    /// push happened as a whole or not at all.
    pub(crate) fn compare(&mut self, dataset: &str, shown: &Refs) {
        self.settle(shown, |push| push.dataset == dataset);
        let promised = self.settled.get(dataset).cloned().unwrap_or_default();
        assert_eq!(&promised, shown, "the refs of {dataset} are not what was promised");
    }

    /// Finds out what became of open pushes, whose refs nobody else moves.
    pub(crate) fn settle(&mut self, shown: &Refs, which: impl Fn(&Push) -> bool) {
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
