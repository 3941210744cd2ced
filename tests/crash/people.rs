//! Those who work while the server dies: authors who push with git and
//! git-lfs, and a program that uploads objects over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use lfs::Oid;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Tree, noise, text};
use crate::house::House;
use crate::ledger::{Change, Ledger, Push, Refs};

/// A small generator of choices (`SplitMix64`), so that a seed tells them all.
#[derive(Clone)]
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn bytes(&mut self, length: u64) -> Vec<u8> {
        noise(self.next(), usize::try_from(length).unwrap())
    }
}

/// The moment of a crash, as everybody knows it; and lesser disturbances, two counts each: begun, over.
#[derive(Clone, Default)]
pub(crate) struct Doom(Arc<Told>);

#[derive(Default)]
struct Told {
    struck: AtomicBool,
    disturbances: AtomicU64,
    failed: AtomicBool,
}

impl Doom {
    pub(crate) fn strike(&self) {
        self.0.struck.store(true, Ordering::SeqCst);
    }

    pub(crate) fn struck(&self) -> bool {
        self.0.struck.load(Ordering::SeqCst)
    }

    /// Something is about to be disturbed; said again when that is over.
    pub(crate) fn disturb(&self) {
        self.0.disturbances.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn disturbances(&self) -> u64 {
        self.0.disturbances.load(Ordering::SeqCst)
    }

    /// Kept by each of several who work: when one of them panics, all end.
    pub(crate) fn witness(&self) -> Witness {
        Witness(self.clone())
    }

    /// Returns when one of them has panicked.
    pub(crate) async fn failure(&self) {
        while !self.0.failed.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What fails before the crash, and undisturbed since it was begun, is a fault.
    pub(crate) fn blame(&self, disturbances: u64, what: &str) {
        let excused = self.struck() || self.disturbances() > disturbances || disturbances % 2 == 1;
        assert!(excused, "this failed while the server lived:\n{what}");
    }
}

/// Tells the others of a panic.
pub(crate) struct Witness(Doom);

impl Drop for Witness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.0.failed.store(true, Ordering::SeqCst);
            self.0.strike();
        }
    }
}

/// Somebody with a working tree, who owns some refs of a dataset.
pub(crate) struct Author {
    name: String,
    dataset: String,
    tree: Tree,
    dice: Dice,
    /// Content goes to LFS.
    lfs: bool,
    /// Bytes of a file, at most.
    size: u64,
    serial: u32,
    /// Objects of commits on the own branch that may not have arrived.
    unpushed: Vec<(Oid, u64)>,
}

impl Author {
    pub(crate) fn new(house: &House, name: &str, dataset: &str, lfs: bool, size: u64, dice: Dice) -> Self {
        let tree = house.tree(name);
        tree.git(&["init", "-q", "-b", name]);
        tree.git(&["remote", "add", "origin", &house.remote(dataset)]);
        if lfs {
            tree.git(&["lfs", "install", "--local"]);
            tree.git(&["lfs", "track", "*.bin"]);
        }
        Self {
            name: name.to_owned(),
            dataset: dataset.to_owned(),
            tree,
            dice,
            lfs,
            size,
            serial: 0,
            unpushed: Vec::new(),
        }
    }

    /// Commits and pushes until the crash.
    pub(crate) fn work(&mut self, house: &House, ledger: &Ledger, doom: &Doom) {
        while !doom.struck() {
            let kind = self.dice.below(8);
            let done = match kind {
                0 => self.push_elsewhere(house, ledger, doom),
                1 | 2 => self.push_several(ledger, doom),
                _ => self.push_one(ledger, doom),
            };
            if !done {
                return;
            }
        }
    }

    /// Commits and pushes until the end, through servers that come and go: what fails is looked after.
    pub(crate) fn persist(&mut self, house: &House, ledger: &Ledger, doom: &Doom) {
        while !doom.struck() {
            self.work(house, ledger, doom);
            let (mut shown, mut in_vain) = (None, 0);
            while shown.is_none() {
                // What a killed server had already told the database may still become true.
                std::thread::sleep(Duration::from_millis(300));
                shown = self.tree.remote_refs_if_any();
                // At the end the servers are up: one that does not answer then is a fault, and not waited for.
                in_vain += u32::from(doom.struck());
                assert!(in_vain < 100, "no server lists the refs of {}", self.dataset);
            }
            let (dataset, branch) = (&self.dataset, format!("refs/heads/{}", self.name));
            let own = |push: &Push| push.dataset == *dataset && push.changes[0].name == branch;
            ledger.book().settle(&shown.unwrap_or_default(), own);
        }
    }

    /// A commit with new content; gives it, and the objects that it names.
    fn commit(&mut self) -> (String, Vec<(Oid, u64)>) {
        self.serial += 1;
        let mut objects = Vec::new();
        for part in 0..=self.dice.below(2) {
            let length = 1 + self.dice.below(self.size);
            let bytes = self.dice.bytes(length);
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
    pub(crate) fn push_one(&mut self, ledger: &Ledger, doom: &Doom) -> bool {
        let changes = vec![self.advance()];
        let push = Push { dataset: self.dataset.clone(), changes, objects: self.unpushed.clone() };
        self.push(&["origin"], &push, ledger, doom)
    }

    /// A branch, a branch that is rewritten or deleted, and a tag, at once.
    fn push_several(&mut self, ledger: &Ledger, doom: &Doom) -> bool {
        let mut changes = vec![self.advance()];
        let mut objects = self.unpushed.clone();
        let side = format!("refs/heads/side-{}", self.name);
        let is_there = ledger.book().at(&self.dataset, &side).is_some();
        if is_there && self.dice.one_in(2) {
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
        self.push(&["--atomic", "--force", "origin"], &push, ledger, doom)
    }

    /// The first push to a dataset makes it.
    fn push_elsewhere(&mut self, house: &House, ledger: &Ledger, doom: &Doom) -> bool {
        self.serial += 1;
        let name = format!("{}-{}", self.name, self.serial);
        let dice = Dice(self.dice.next());
        Self::new(house, &name, &format!("ada/{name}"), self.lfs, self.size, dice).push_one(ledger, doom)
    }

    fn push(&mut self, arguments: &[&str], push: &Push, ledger: &Ledger, doom: &Doom) -> bool {
        let refspecs: Vec<_> = push
            .changes
            .iter()
            .map(|change| format!("{}:{}", change.new.as_deref().unwrap_or_default(), change.name))
            .collect();
        let mut command = vec!["push"];
        command.extend(arguments);
        command.extend(refspecs.iter().map(String::as_str));
        let disturbances = doom.disturbances();
        ledger.book().begin(push);
        let output = self.tree.try_git(&command);
        if output.status.success() {
            ledger.book().acknowledge(push);
            self.unpushed.clear();
        } else {
            doom.blame(disturbances, &text(&output));
        }
        output.status.success()
    }
}

/// A program that uploads to a dataset until the crash.
pub(crate) async fn upload_until(doom: Doom, house: Arc<House>, ledger: Arc<Ledger>, dataset: String, mut dice: Dice) {
    while !doom.struck() {
        let magnitude = 10 + dice.below(12);
        let length = 1 + dice.below(1 << magnitude);
        let bytes = dice.bytes(length);
        let object = (dataset.clone(), Oid::of(&bytes));
        // Once in a while the last byte never comes.
        let stalls = dice.one_in(6);
        {
            let mut book = ledger.book();
            let page = if stalls { &mut book.never } else { &mut book.begun };
            page.insert(object.clone(), length);
        }
        match upload(&house, &object.0, &bytes, stalls, &mut dice, &doom).await {
            Ok(Some(200)) => {
                let mut book = ledger.book();
                book.count("uploads acknowledged");
                book.held.insert(object, length);
            }
            Ok(Some(status)) => doom.blame(0, &format!("an upload was answered with {status}")),
            Ok(None) => ledger.book().count("uploads left unfinished"),
            Err(error) => {
                doom.blame(0, &error.to_string());
                ledger.book().count("uploads cut off");
            }
        }
    }
}

/// The status of the answer; none if it was not waited for.
async fn upload(
    house: &House,
    dataset: &str,
    bytes: &[u8],
    stalls: bool,
    dice: &mut Dice,
    doom: &Doom,
) -> Result<Option<u16>, Box<dyn std::error::Error + Send + Sync>> {
    let reply = house.batch("upload", dataset, &[(Oid::of(bytes), bytes.len() as u64)]).await?;
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
        tokio::time::sleep(Duration::from_millis(dice.below(30))).await;
    }
    if stalls {
        // Nobody hangs up: the server dies while it waits for the byte.
        let patience = Duration::from_millis(dice.below(1000));
        let _ = tokio::time::timeout(patience, stream.read_u8()).await;
        if !doom.struck() {
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

impl House {
    /// The objects of a batch's answer.
    pub(crate) async fn batch(
        &self,
        operation: &str,
        dataset: &str,
        objects: &[(Oid, u64)],
    ) -> reqwest::Result<Vec<Value>> {
        let objects: Vec<_> = objects.iter().map(|(oid, size)| json!({"oid": oid, "size": size})).collect();
        let response = self
            .http
            .post(format!("{}/{dataset}.git/info/lfs/objects/batch", self.url))
            .basic_auth("ada", Some(&self.token))
            .header("content-type", "application/vnd.git-lfs+json")
            .header("accept", "application/vnd.git-lfs+json")
            .body(json!({"operation": operation, "objects": objects}).to_string())
            .send()
            .await?;
        let mut reply: Value = response.error_for_status()?.json().await?;
        Ok(reply["objects"].take().as_array().cloned().unwrap_or_default())
    }
}
