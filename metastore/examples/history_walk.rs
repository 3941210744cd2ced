//! Benchmarks full history walks, in time and memory: creates a repository with the given number of LFS
//! pointers (default one million, 1,000 per commit) and prints one line for each kind of walk.
//!
//! `cargo run --release -p metastore --example history_walk -- 1000000`

use std::{
    error::Error,
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use lfs::{Oid, Pointer};
use metastore::{
    Engine, InlinePacks, Keep, ObjectId, Options, Pack, PackBytes, PackId, PackStore, Ref, RefName, RepoKey, State,
};

/// Number of pointers per commit, each in a file of its own.
const FILES: usize = 1000;

/// An [`InlinePacks`] that holds no packs.
struct NoRows;

#[async_trait]
impl InlinePacks for NoRows {
    async fn load(&self, _: &RepoKey, _: &[PackId]) -> metastore::Result<Vec<(PackId, PackBytes)>> {
        Ok(Vec::new())
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new("git").args(arguments).current_dir(folder).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("git {arguments:?} failed").into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Writes a history in which every commit replaces all files, so that no pointer occurs in two commits.
fn write_history(folder: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let mut child = Command::new("git")
        .args(["fast-import", "--quiet", "--done"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .spawn()?;
    let mut stream = BufWriter::new(child.stdin.take().ok_or("no pipe")?);
    writeln!(stream, "feature done")?;
    for commit in 0..count.div_ceil(FILES) {
        let time = 1_700_000_000 + commit;
        writeln!(stream, "commit refs/heads/main\ncommitter A <a@example.org> {time} +0000\ndata 1\nx")?;
        for file in 0..FILES.min(count - commit * FILES) {
            let number = commit * FILES + file;
            let pointer = Pointer::new(Oid::of(&number.to_le_bytes()), number as u64 + 1).to_string();
            writeln!(stream, "M 644 inline d{}/f{file}\ndata {}\n{pointer}", file % 20, pointer.len())?;
        }
    }
    writeln!(stream, "done")?;
    drop(stream);
    if child.wait()?.success() { Ok(()) } else { Err("git fast-import failed".into()) }
}

/// Returns the peak resident memory (`VmHWM`) in MiB, mapped files included.
fn peak() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let count = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let home = tempfile::tempdir()?;
    let source = home.path().join("source");
    std::fs::create_dir(&source)?;
    git(&source, &["init", "-q", "--bare", "-b", "main"])?;
    write_history(&source, count)?;
    git(&source, &["repack", "-q", "-a", "-d"])?;

    let store = home.path().join("store");
    let packs = PackStore::local(&store)?;
    let repo: RepoKey = "bench".parse()?;
    let place = store.join("packs/bench");
    std::fs::create_dir(&place)?;
    let mut row = None;
    for entry in std::fs::read_dir(source.join("objects/pack"))? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if extension == "pack" {
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            row = name.strip_prefix("pack-").map(str::parse::<PackId>).transpose()?;
        }
        if matches!(extension, "pack" | "idx") {
            std::fs::copy(&path, place.join(format!("one.{extension}")))?;
        }
    }
    let id = row.ok_or("git made no pack")?;
    let size = |extension: &str| std::fs::metadata(place.join(format!("one.{extension}"))).map(|file| file.len());
    let pack = Pack {
        id,
        key: "one".to_owned(),
        pack_bytes: size("pack")?,
        idx_bytes: size("idx")?,
        objects: 0,
        inline: false,
    };
    println!("{count} pointers, pack of {} MiB, index of {} MiB", pack.pack_bytes >> 20, pack.idx_bytes >> 20);

    let name = RefName::branch("main")?;
    let target = ObjectId::from_hex(git(&source, &["rev-parse", "main"])?.as_bytes())?;
    let mut state = State::empty(repo, name.clone());
    state.packs.push(pack);
    state.refs.push(Ref { name, target, peeled: None });
    let engine = Engine::open(Options::new(home.path().join("cache"), packs, Arc::new(NoRows)))?;
    let began = Instant::now();
    let snapshot = engine.snapshot(state).await?;
    println!("snapshot: {:.2} s, peak {} MiB", began.elapsed().as_secs_f32(), peak()?);

    let began = Instant::now();
    let garbage = engine.find_garbage(&snapshot, &Keep::default()).await?;
    println!(
        "find_garbage: {:.2} s, peak {} MiB ({} objects)",
        began.elapsed().as_secs_f32(),
        peak()?,
        garbage.objects
    );

    let began = Instant::now();
    let (mut found, mut batches) = (0, snapshot.reachable_pointers(Vec::new()));
    while let Some(batch) = batches.try_next().await? {
        found += batch.len();
    }
    println!("reachable_pointers: {:.2} s, peak {} MiB ({found} found)", began.elapsed().as_secs_f32(), peak()?);

    let began = Instant::now();
    let mut child = Command::new("git")
        .args(["rev-list", "--objects", "--all", "--quiet"])
        .current_dir(snapshot.git_dir())
        .spawn()?;
    child.wait()?;
    println!("git rev-list, for comparison: {:.2} s", began.elapsed().as_secs_f32());
    Ok(())
}
