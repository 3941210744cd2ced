//! Users that work while the server is killed: authors that push with git and
//! git-lfs, and a client that uploads objects over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use lfs::Oid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{Change, Installation, Ledger, Push, Random, Refs, Tree, text};

/// Tells all workers of a test to stop, and counts disturbances: once when one begins, once when it is over.
#[derive(Clone, Default)]
pub struct StopSignal(Arc<State>);

#[derive(Default)]
struct State {
    is_stopped: AtomicBool,
    disturbances: AtomicU64,
    failed: AtomicBool,
}

impl StopSignal {
    pub fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::SeqCst);
    }

    pub fn is_stopped(&self) -> bool {
        self.0.is_stopped.load(Ordering::SeqCst)
    }

    /// Announces the begin or the end of a disturbance.
    pub fn disturb(&self) {
        self.0.disturbances.fetch_add(1, Ordering::SeqCst);
    }

    pub fn disturbances(&self) -> u64 {
        self.0.disturbances.load(Ordering::SeqCst)
    }

    /// A guard for each worker: when one panics, all stop.
    pub fn stop_on_panic(&self) -> StopOnPanic {
        StopOnPanic(self.clone())
    }

    /// Returns when one of them has panicked.
    pub async fn wait_for_panic(&self) {
        while !self.0.failed.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Panics if something failed without a stop or a disturbance since it began.
    pub fn assert_excused(&self, disturbances: u64, what: &str) {
        let excused = self.is_stopped() || self.disturbances() > disturbances || disturbances % 2 == 1;
        assert!(excused, "this failed while the server lived:\n{what}");
    }
}

/// Stops all workers if this one panics.
pub struct StopOnPanic(StopSignal);

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.0.failed.store(true, Ordering::SeqCst);
            self.0.stop();
        }
    }
}

/// A user with a working tree and some refs of a dataset that no other user changes.
pub struct Author {
    name: String,
    dataset: String,
    tree: Tree,
    random: Random,
    /// Content goes to LFS.
    lfs: bool,
    /// Bytes of a file, at most.
    size: u64,
    serial: u32,
    /// Objects of commits on the own branch that may not have arrived.
    unpushed: Vec<(Oid, u64)>,
}

impl Author {
    pub fn new(installation: &Installation, name: &str, dataset: &str, lfs: bool, size: u64, random: Random) -> Self {
        let tree = installation.tree(name);
        tree.git(&["init", "-q", "-b", name]);
        let remote = installation.remote(dataset);
        if lfs {
            tree.with_lfs(&remote);
        } else {
            tree.git(&["remote", "add", "origin", &remote]);
        }
        Self {
            name: name.to_owned(),
            dataset: dataset.to_owned(),
            tree,
            random,
            lfs,
            size,
            serial: 0,
            unpushed: Vec::new(),
        }
    }

    /// Commits and pushes until the signal.
    pub fn work(&mut self, installation: &Installation, ledger: &Ledger, signal: &StopSignal) {
        while !signal.is_stopped() {
            let kind = self.random.below(8);
            let done = match kind {
                0 => self.push_new_dataset(installation, ledger, signal),
                1 | 2 => self.push_several(ledger, signal),
                _ => self.push_one(ledger, signal),
            };
            if !done {
                return;
            }
        }
    }

    /// Commits and pushes until the end, while servers restart; compares the refs after each failure.
    pub fn work_through_outages(&mut self, installation: &Installation, ledger: &Ledger, signal: &StopSignal) {
        while !signal.is_stopped() {
            self.work(installation, ledger, signal);
            let (mut shown, mut in_vain) = (None, 0);
            while shown.is_none() {
                // A transaction of a killed server may still commit.
                std::thread::sleep(Duration::from_millis(300));
                shown = self.tree.remote_refs_if_any();
                // At the end the servers are up: one that does not answer then is a fault.
                in_vain += u32::from(signal.is_stopped());
                assert!(in_vain < 100, "no server lists the refs of {}", self.dataset);
            }
            let (dataset, branch) = (&self.dataset, format!("refs/heads/{}", self.name));
            let own = |push: &Push| push.dataset == *dataset && push.changes[0].name == branch;
            ledger.entries().settle(&shown.unwrap_or_default(), own);
        }
    }

    /// Commits new content; returns the commit and its objects.
    fn commit(&mut self) -> (String, Vec<(Oid, u64)>) {
        self.serial += 1;
        let mut objects = Vec::new();
        for part in 0..=self.random.below(2) {
            let length = 1 + self.random.below(self.size);
            let bytes = self.random.bytes(length);
            let path = format!("{}/{}-{part}.bin", self.name, self.serial % 50);
            self.tree.write(&path, &bytes);
            if self.lfs {
                objects.push((Oid::of(&bytes), length));
            }
        }
        (self.tree.commit(&format!("{} {}", self.name, self.serial)), objects)
    }

    /// A commit on the own branch.
    fn advance(&mut self) -> Change {
        let (commit, objects) = self.commit();
        self.unpushed.extend(objects);
        Change { name: format!("refs/heads/{}", self.name), new: Some(commit) }
    }

    /// One branch moves on.
    pub fn push_one(&mut self, ledger: &Ledger, signal: &StopSignal) -> bool {
        let changes = vec![self.advance()];
        let push = Push { dataset: self.dataset.clone(), changes, objects: self.unpushed.clone() };
        self.push(&["origin"], &push, ledger, signal)
    }

    /// A branch, a branch that is rewritten or deleted, and a tag, at once.
    fn push_several(&mut self, ledger: &Ledger, signal: &StopSignal) -> bool {
        let mut changes = vec![self.advance()];
        let mut objects = self.unpushed.clone();
        let side = format!("refs/heads/side-{}", self.name);
        let is_there = ledger.entries().at(&self.dataset, &side).is_some();
        if is_there && self.random.one_in(2) {
            changes.push(Change { name: side, new: None });
        } else {
            self.tree.git(&["checkout", "-q", "-B", &format!("side-{}", self.name)]);
            let (aside, more) = self.commit();
            self.tree.git(&["checkout", "-q", &self.name]);
            objects.extend(more);
            changes.push(Change { name: side, new: Some(aside) });
        }
        let tag = format!("{}-{}", self.name, self.serial);
        self.tree.git(&["tag", "-a", "-m", "tag", &tag]);
        let tagged = self.tree.git(&["rev-parse", &format!("refs/tags/{tag}")]);
        changes.push(Change { name: format!("refs/tags/{tag}"), new: Some(tagged) });
        let push = Push { dataset: self.dataset.clone(), changes, objects };
        self.push(&["--atomic", "--force", "origin"], &push, ledger, signal)
    }

    /// The first push to a dataset creates it.
    fn push_new_dataset(&mut self, installation: &Installation, ledger: &Ledger, signal: &StopSignal) -> bool {
        self.serial += 1;
        let name = format!("{}-{}", self.name, self.serial);
        let random = Random(self.random.next_u64());
        Self::new(installation, &name, &format!("ada/{name}"), self.lfs, self.size, random).push_one(ledger, signal)
    }

    fn push(&mut self, arguments: &[&str], push: &Push, ledger: &Ledger, signal: &StopSignal) -> bool {
        let refspecs: Vec<_> = push
            .changes
            .iter()
            .map(|change| format!("{}:{}", change.new.as_deref().unwrap_or_default(), change.name))
            .collect();
        let mut command = vec!["push"];
        command.extend(arguments);
        command.extend(refspecs.iter().map(String::as_str));
        let disturbances = signal.disturbances();
        ledger.entries().begin(push);
        let output = self.tree.try_git(&command);
        if output.status.success() {
            ledger.entries().acknowledge(push);
            self.unpushed.clear();
        } else {
            signal.assert_excused(disturbances, &text(&output));
        }
        output.status.success()
    }
}

/// A client that uploads to a dataset until the signal.
pub async fn upload_until_stopped(
    signal: StopSignal,
    installation: Arc<Installation>,
    ledger: Arc<Ledger>,
    dataset: String,
    mut random: Random,
) {
    while !signal.is_stopped() {
        let magnitude = 10 + random.below(12);
        let length = 1 + random.below(1 << magnitude);
        let bytes = random.bytes(length);
        let object = (dataset.clone(), Oid::of(&bytes));
        // Sometimes the last byte is never sent.
        let stalls = random.one_in(6);
        {
            let mut entries = ledger.entries();
            let page = if stalls { &mut entries.incomplete } else { &mut entries.begun };
            page.insert(object.clone(), length);
        }
        match upload(&installation, &object.0, &bytes, stalls, &mut random, &signal).await {
            Ok(Some(200)) => {
                let mut entries = ledger.entries();
                entries.count("uploads acknowledged");
                entries.held.insert(object, length);
            }
            Ok(Some(status)) => signal.assert_excused(0, &format!("an upload was answered with {status}")),
            Ok(None) => ledger.entries().count("uploads left unfinished"),
            Err(error) => {
                signal.assert_excused(0, &error.to_string());
                ledger.entries().count("uploads cut off");
            }
        }
    }
}

/// The status of the answer; `None` for an upload that stalls.
async fn upload(
    installation: &Installation,
    dataset: &str,
    bytes: &[u8],
    stalls: bool,
    random: &mut Random,
    signal: &StopSignal,
) -> Result<Option<u16>, Box<dyn std::error::Error + Send + Sync>> {
    let reply = installation.batch("upload", dataset, &[(Oid::of(bytes), bytes.len() as u64)]).await?;
    let href =
        reply[0]["actions"]["upload"]["href"].as_str().ok_or_else(|| format!("no upload is offered: {}", reply[0]))?;
    let (host, path) = href.strip_prefix("http://").and_then(|rest| rest.split_once('/')).ok_or("an odd URL")?;
    let mut stream = tokio::net::TcpStream::connect(host).await?;
    let length = bytes.len();
    let head = format!("PUT /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let sent = if stalls { &bytes[..length - 1] } else { bytes };
    for piece in sent.chunks(1 + length / 4) {
        stream.write_all(piece).await?;
        tokio::time::sleep(Duration::from_millis(random.below(30))).await;
    }
    if stalls {
        // The connection stays open: the server is killed while it waits for the byte.
        let timeout = Duration::from_millis(random.below(1000));
        let _ = tokio::time::timeout(timeout, stream.read_u8()).await;
        if !signal.is_stopped() {
            return Ok(None);
        }
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = std::str::from_utf8(answer.get(9..12).ok_or("no answer")?)?.parse()?;
    Ok(Some(status))
}

impl Tree {
    /// The refs that the remote shows, if it can be asked.
    fn remote_refs_if_any(&self) -> Option<Refs> {
        let output = self.try_git(&["ls-remote", "--refs", "origin"]);
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let pair = |line: &str| line.split_once('\t').map(|(id, name)| (name.to_owned(), id.to_owned()));
        output.status.success().then(|| listed.lines().filter_map(pair).collect())
    }
}
