//! Test environment: an engine, an in-memory database, and real git.

use std::{
    collections::HashMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use metastore::{
    Changeset, Content, Edit, Engine, Error, FilePath, Garbage, InlinePacks, Keep, NewPack, ObjectId, Options, Pack,
    PackBytes, PackId, PackStore, Reader, Ref, RefName, RefTransaction, Repacked, RepoKey, Result, Signature, Snapshot,
    State, check_edits,
};
use tempfile::TempDir;

/// Creates the commit that `changes` describe.
pub(crate) fn commit(reader: &Reader, changes: &Changeset) -> Result<(ObjectId, RefTransaction)> {
    reader.commit_edits(changes).map_err(|flaw| flaw.error)
}

/// The database rows of one repository.
pub(crate) struct Database(Mutex<Rows>);

struct Rows {
    state: State,
    inline: HashMap<PackId, PackBytes>,
    loads: usize,
}

impl Database {
    fn new(repo: RepoKey) -> Self {
        let state = State::empty(repo, RefName::branch("main").unwrap());
        Self(Mutex::new(Rows { state, inline: HashMap::new(), loads: 0 }))
    }

    pub(crate) fn state(&self) -> State {
        self.0.lock().unwrap().state.clone()
    }

    pub(crate) fn edit(&self, change: impl FnOnce(&mut State)) {
        let mut rows = self.0.lock().unwrap();
        change(&mut rows.state);
        rows.state.generation += 1;
    }

    /// Returns the number of loads of inline packs so far.
    pub(crate) fn loads(&self) -> usize {
        self.0.lock().unwrap().loads
    }

    /// Commits a landing as the server does: epoch, compare-and-swap, pack row, refs, generation.
    pub(crate) fn land(&self, landing: &RefTransaction) -> Result<u64> {
        let mut rows = self.0.lock().unwrap();
        if rows.state.epoch != landing.epoch {
            return Err(Error::Conflict("garbage was collected meanwhile".into()));
        }
        check_edits(&rows.state.refs, &landing.edits)?;
        if let Some(pack) = &landing.pack {
            rows.add(pack);
        }
        for edit in &landing.edits {
            rows.state.refs.retain(|each| each.name != edit.name);
            if let Some(target) = edit.new {
                rows.state.refs.push(Ref { name: edit.name.clone(), target, peeled: edit.peeled });
            }
        }
        rows.state.generation += 1;
        Ok(rows.state.generation)
    }

    /// Commits a consolidation.
    pub(crate) fn swap(&self, inputs: &[PackId], merged: &NewPack) -> Result<()> {
        let mut rows = self.0.lock().unwrap();
        let live = |id: &PackId| rows.state.packs.iter().any(|pack| pack.id == *id);
        if !inputs.iter().all(live) {
            return Err(Error::Conflict("a pack was merged meanwhile".into()));
        }
        rows.state.packs.retain(|pack| !inputs.contains(&pack.id));
        rows.add(merged);
        rows.state.generation += 1;
        Ok(())
    }
}

impl Database {
    /// Commits a garbage collection.
    pub(crate) fn collect(&self, repacked: &Repacked, generation: u64) -> Result<()> {
        let mut rows = self.0.lock().unwrap();
        let dropped = &repacked.garbage.packs;
        let live = |id: &PackId| rows.state.packs.iter().any(|pack| pack.id == *id);
        if (rows.state.generation, rows.state.epoch) != (generation, repacked.epoch) || !dropped.iter().all(live) {
            return Err(Error::Conflict("the repository has moved on".into()));
        }
        rows.state.packs.retain(|pack| !dropped.contains(&pack.id));
        if let Some(pack) = &repacked.pack {
            rows.add(pack);
        }
        rows.state.generation += 1;
        rows.state.epoch += 1;
        Ok(())
    }
}

impl Rows {
    fn add(&mut self, pack: &NewPack) {
        if let Some(bytes) = pack.inline() {
            self.inline.insert(pack.id, bytes.clone());
        }
        self.state.packs.retain(|row| row.id != pack.id);
        self.state.packs.push(pack.row());
    }
}

#[async_trait]
impl InlinePacks for Database {
    async fn load(&self, _: &RepoKey, ids: &[PackId]) -> Result<Vec<(PackId, PackBytes)>> {
        let mut rows = self.0.lock().unwrap();
        rows.loads += ids.len();
        Ok(ids.iter().filter_map(|id| Some((*id, rows.inline.get(id)?.clone()))).collect())
    }
}

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) database: Arc<Database>,
    pub(crate) store: PackStore,
    pub(crate) engine: Engine,
    pub(crate) repo: RepoKey,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(|folder| PackStore::local(&folder.join("store")).unwrap())
    }

    pub(crate) fn on(store: impl FnOnce(&Path) -> PackStore) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repo: RepoKey = "repo-1".parse().unwrap();
        let database = Arc::new(Database::new(repo.clone()));
        let store = store(folder.path());
        let options = Options::new(folder.path().join("cache"), store.clone(), database.clone());
        let engine = Engine::open(options).unwrap();
        Self { folder, database, store, engine, repo }
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn options(&self) -> Options {
        Options::new(self.cache(), self.store.clone(), self.database.clone())
    }

    /// Creates a second engine on the same cache, like another process.
    pub(crate) fn another_engine(&self) -> Engine {
        Engine::open(self.options()).unwrap()
    }

    pub(crate) async fn snapshot(&self) -> Arc<Snapshot> {
        self.engine.snapshot(self.database.state()).await.unwrap()
    }

    /// Stores the pack, commits the landing, then updates the cache.
    pub(crate) async fn land(&self, landing: &RefTransaction) -> Result<()> {
        if let Some(pack) = &landing.pack {
            self.engine.store(&self.repo, pack).await?;
        }
        self.database.land(landing)?;
        if let Some(pack) = &landing.pack {
            self.engine.cache_pack(&self.repo, pack).await?;
        }
        Ok(())
    }

    /// Commits to `main`.
    pub(crate) async fn commit(&self, edits: Vec<Edit>) -> Result<ObjectId> {
        self.commit_to("main", edits).await
    }

    pub(crate) async fn commit_to(&self, branch: &str, edits: Vec<Edit>) -> Result<ObjectId> {
        let changes = changeset(branch, edits);
        let (id, landing) = self.snapshot().await.read(move |reader| commit(reader, &changes)).await?;
        self.land(&landing).await?;
        Ok(id)
    }

    pub(crate) async fn delete_ref(&self, name: RefName) {
        let state = self.database.state();
        let old = state.find(&name).map(|each| each.target);
        let edits = vec![metastore::RefEdit { name, old, new: None, peeled: None }];
        let landing = RefTransaction { generation: state.generation, epoch: state.epoch, pack: None, edits };
        self.land(&landing).await.unwrap();
    }

    /// Consolidates all packs into one.
    pub(crate) async fn merge_all(&self) {
        let snapshot = self.snapshot().await;
        let inputs: Vec<_> = snapshot.state().packs.iter().map(|pack| pack.id).collect();
        let merged = self.engine.consolidate(&snapshot, &inputs).await.unwrap();
        self.engine.store(&self.repo, &merged).await.unwrap();
        self.database.swap(&inputs, &merged).unwrap();
        self.engine.cache_pack(&self.repo, &merged).await.unwrap();
    }

    /// Collects garbage and commits the result; returns what was dropped, if anything.
    pub(crate) async fn collect(&self, keep: &Keep) -> Option<Garbage> {
        let repacked = self.engine.collect_garbage(&self.snapshot().await, keep).await.unwrap()?;
        if let Some(pack) = &repacked.pack {
            self.engine.store(&self.repo, pack).await.unwrap();
        }
        self.database.collect(&repacked, repacked.generation).unwrap();
        Some(repacked.garbage)
    }

    /// Imports all refs and objects of a real repository as one inline pack.
    pub(crate) fn import(&self, source: &Path) {
        let objects = git(source, &["rev-list", "--objects", "--no-object-names", "--all"]);
        self.import_objects(source, &objects);
    }

    /// Imports all refs of a real repository, and these objects.
    pub(crate) fn import_objects(&self, source: &Path, objects: &str) {
        let base = self.folder.path().join("import");
        let id = git_in(source, &["pack-objects", "--quiet", base.to_str().unwrap()], objects.as_bytes());
        let id: PackId = id.trim().parse().unwrap();
        let read = |extension| Bytes::from(std::fs::read(format!("{}-{id}.{extension}", base.display())).unwrap());
        let bytes = PackBytes { pack: read("pack"), idx: read("idx") };
        let row = Pack {
            id,
            key: "imported".into(),
            pack_bytes: bytes.pack.len() as u64,
            idx_bytes: bytes.idx.len() as u64,
            objects: 1,
            inline: true,
        };
        let mut refs = Vec::new();
        for line in git(source, &["for-each-ref", "--format=%(refname) %(objectname) %(*objectname)"]).lines() {
            let mut words = line.split(' ');
            let mut word = || words.next().unwrap();
            let (name, target, peeled) = (word().parse().unwrap(), oid(word()), word());
            refs.push(Ref { name, target, peeled: (!peeled.is_empty()).then(|| oid(peeled)) });
        }
        self.database.0.lock().unwrap().inline.insert(id, bytes);
        self.database.edit(|state| {
            state.packs.push(row);
            state.refs = refs;
        });
    }

    /// Returns every object of the current generation, according to git.
    pub(crate) async fn objects(&self) -> Vec<String> {
        let snapshot = self.snapshot().await;
        all_objects(snapshot.git_dir())
    }

    pub(crate) async fn assert_clean(&self) {
        assert_eq!(self.snapshot().await.fsck().await.unwrap(), Vec::<String>::new());
    }
}

pub(crate) fn all_objects(git_dir: &Path) -> Vec<String> {
    let format = "--batch-check=%(objectname)";
    let list = git(git_dir, &["cat-file", "--batch-all-objects", format]);
    list.lines().map(str::to_owned).collect()
}

/// Returns type and ID of those objects that exist, according to git: one process for all.
pub(crate) fn types(git_dir: &Path, ids: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    let ids: String = ids.into_iter().map(|id| id + "\n").collect();
    let listed = git_in(git_dir, &["cat-file", "--batch-check=%(objecttype) %(objectname)"], ids.as_bytes());
    let pairs = listed.lines().map(|line| line.split_once(' ').unwrap());
    pairs.filter(|(_, after)| *after != "missing").map(|(kind, id)| (kind.to_owned(), id.to_owned())).collect()
}

/// Returns the texts of blobs, in the order of their names (IDs or `COMMIT:PATH`), according to git: one process for
/// all.
pub(crate) fn blobs(git_dir: &Path, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let names: Vec<String> = names.into_iter().collect();
    let input = names.join("\n") + "\n";
    let printed = git_in(git_dir, &["cat-file", "--batch=%(objecttype) %(objectsize)"], input.as_bytes());
    let mut rest = printed.as_str();
    let blob = |name| {
        let (head, after) = rest.split_once('\n').unwrap();
        let size = head.strip_prefix("blob ").unwrap_or_else(|| panic!("{name}: {head}"));
        let (text, after) = after.split_at(size.parse().unwrap());
        rest = &after[1..];
        text.to_owned()
    };
    names.iter().map(blob).collect()
}

pub(crate) fn oid(hex: &str) -> ObjectId {
    ObjectId::from_hex(hex.as_bytes()).unwrap()
}

pub(crate) fn path(path: &str) -> FilePath {
    path.parse().unwrap()
}

pub(crate) fn put(at: &str, content: impl Into<Bytes>) -> Edit {
    Edit::Put { path: path(at), content: Content::Bytes(content.into()), executable: false }
}

pub(crate) fn delete(at: &str) -> Edit {
    Edit::Delete { path: path(at) }
}

pub(crate) fn rename(from: &str, to: &str) -> Edit {
    Edit::Move { from: path(from), to: path(to) }
}

pub(crate) fn copy(from: &str, to: &str) -> Edit {
    Edit::Copy { from: path(from), to: path(to) }
}

pub(crate) fn ada() -> Signature {
    Signature { name: "Ada".into(), email: "ada@example.org".into(), seconds: 1_700_000_000, offset_minutes: 90 }
}

pub(crate) fn changeset(branch: &str, edits: Vec<Edit>) -> Changeset {
    let branch = RefName::branch(branch).unwrap();
    Changeset { branch, parent: None, edits, merged: None, message: "change".into(), author: ada(), committer: ada() }
}

/// Runs git in `folder` (a work tree or a bare repository) and returns its stdout; it must succeed.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    git_in(folder, arguments, b"")
}

pub(crate) fn git_in(folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let (success, stdout, stderr) = try_git(folder, arguments, input);
    assert!(success, "git {arguments:?}: {stderr}");
    stdout
}

pub(crate) fn try_git(folder: &Path, arguments: &[&str], input: &[u8]) -> (bool, String, String) {
    let mut child = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Grace")
        .env("GIT_AUTHOR_EMAIL", "grace@example.org")
        .env("GIT_COMMITTER_NAME", "Grace")
        .env("GIT_COMMITTER_EMAIL", "grace@example.org")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feed = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// Creates a real repository with `git fast-import`, which is much faster than `git commit`.
pub(crate) fn real_repository(stream: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--bare", "-b", "main", "."]);
    git_in(folder.path(), &["fast-import", "--quiet", "--done"], format!("feature done\n{stream}done\n").as_bytes());
    folder
}
