//! Many objects, and large ones.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rutter_testing::{Engine, Server, noise, story};
use sha2::{Digest as _, Sha256};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_small_objects() {
    let server = Server::start(Engine::Sqlite).await;
    let ada = server.person("ada").await;
    let work = server.tree("work");
    work.with_lfs(&server.remote(&ada, "ada/many"));
    for number in 0..1000 {
        work.write(&format!("{:02}/{number}.bin", number % 40), noise(number, 1024));
    }
    work.commit("A thousand");
    work.git(&["push", "-q", "origin", "main"]);
    let clone = server.assert_intact(&ada, "ada/many").await;
    assert_eq!(clone.git(&["lfs", "ls-files"]).lines().count(), 1000);
    assert!(clone.files() == work.files());
}

/// Larger than what 31 bits count.
const LENGTH: u64 = (2 << 30) + (100 << 20);

/// sha256 and length, without the whole file in memory.
fn digest(path: &Path) -> (String, u64) {
    let (mut file, mut hash, mut length) = (File::open(path).unwrap(), Sha256::new(), 0);
    let mut block = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut block).unwrap();
        if read == 0 {
            return (hex::encode(hash.finalize()), length);
        }
        hash.update(&block[..read]);
        length += read as u64;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_more_than_two_gigabytes() {
    let server = Server::start(Engine::Sqlite).await;
    let ada = server.person("ada").await;
    let work = server.tree("work");
    work.with_lfs(&server.remote(&ada, "ada/huge"));
    // With something at its end.
    work.write("huge.bin", "begin");
    let file = File::options().write(true).open(work.folder.join("huge.bin")).unwrap();
    file.set_len(LENGTH - 3).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"end", LENGTH - 3).unwrap();
    drop(file);
    work.commit("Huge");
    work.git(&["push", "-q", "origin", "main"]);
    let expected = work.git(&["lfs", "ls-files", "--long"])[..64].to_owned();
    // Two copies of it on one disk are enough.
    std::fs::remove_dir_all(&work.folder).unwrap();

    let clone = server.tree("clone");
    clone.git(&["remote", "add", "origin", &server.remote(&ada, "ada/huge")]);
    clone.git(&["fetch", "-q", "origin"]);
    clone.git(&["lfs", "fetch", "origin", "origin/main"]);
    let object = Path::new(&expected[..2]).join(&expected[2..4]).join(&expected);
    // git-lfs has compared its hash.
    assert_eq!(clone.folder.join(".git/lfs/objects").join(object).metadata().unwrap().len(), LENGTH);
    clone.git(&["fsck", "--strict"]);
    server.assert_store_intact("ada/huge").await;
}

story! {
    on(sqlite) async fn large_files_work_without_lfs(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/data", "work");
        work.write("large.txt", noise(60, 24_000_000));
        work.write("zeros.txt", vec![0; 24_000_000]);
        work.commit("Large");
        work.git(&["push", "-q"]);
        // A small change of a large file, as a delta against what the server has.
        let mut changed = work.read("large.txt");
        changed[12_000_000] ^= 1;
        work.write("large.txt", changed);
        work.commit("Changed");
        work.git(&["push", "-q"]);
        assert!(server.assert_intact(&ada, "ada/data").await.files() == work.files());
    }
}

/// The most memory that this process ever had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

// The server is in this process, and git is not.
story! {
    on(sqlite) async fn large_packs_are_streamed(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/data", "work");
        // 300 MiB that no compression makes smaller, so that git need not try.
        let mut file = File::create(work.folder.join("big.dat")).unwrap();
        std::io::copy(&mut File::open("/dev/urandom").unwrap().take(300 << 20), &mut file).unwrap();
        drop(file);
        work.git(&["config", "core.compression", "0"]);
        work.commit("Large");
        let before = peak();
        work.git(&["push", "-q"]);
        let pushed = peak();
        let clone = server.clone(&ada, "ada/data", "clone");
        let cloned = peak();
        assert!(pushed < before + 60, "a push took {} MiB", pushed - before);
        assert!(cloned < pushed + 60, "a clone took {} MiB", cloned - pushed);
        assert!(digest(&clone.folder.join("big.dat")) == digest(&work.folder.join("big.dat")));
        server.assert_store_intact("ada/data").await;
    }
}
