//! A full disk: nothing is damaged, clients get an error, and what was
//! refused succeeds once there is room.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rutter::types::Visibility;
use rutter_testing::{Engine, LFS_JSON, Person, RawConnection, Reply, Server, noise, story};
use serde_json::json;
use tempfile::TempDir;

/// A file system of its own that ends with the test.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// None, with a word about it, where this user may not mount one.
    fn mount(megabytes: usize) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "rutter-test"]).arg(folder.path()).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self { folder });
        }
        eprintln!("skipped: no small file system can be mounted here");
        None
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }

    /// Leaves about this much room, in bytes.
    fn fill_except(&self, room: u64) {
        let mut ballast = File::create(self.ballast()).unwrap();
        let block = vec![1; 4096];
        while ballast.write_all(&block).is_ok() {}
        let length = ballast.metadata().unwrap().len();
        ballast.set_len(length - room).unwrap();
    }

    fn empty(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server of the test may still have files open.
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

/// A server with all its data on a small disk.
async fn small(engine: Engine) -> Option<(SmallDisk, Server, Person)> {
    let disk = SmallDisk::mount(64)?;
    let server = Server::start_with(engine, |config| config.data = disk.folder.path().join("data")).await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    Some((disk, server, ada))
}

fn parts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(parts(&path));
        } else if path.extension().is_some_and(|extension| extension == "part") {
            found.push(path);
        }
    }
    found
}

story! {
    async fn an_upload_to_a_full_disk_is_refused_and_succeeds_later(engine: Engine) {
        let Some((disk, server, ada)) = small(engine).await else { return };
        let (bytes, before) = (noise(1, 8 << 20), noise(2, 1000));
        server.upload(&ada.token, "ada/data", &before).await;
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        for room in [4 << 20, 0] {
            disk.fill_except(room);
            let reply = Reply::of(server.http.put(&upload).body(bytes.clone())).await;
            assert_eq!((reply.status, reply.header("content-type")), (507, LFS_JSON), "{}", reply.text());
            assert!(reply.json()["message"].as_str().unwrap().contains("out of disk space"), "{}", reply.text());
            assert_eq!(parts(&server.app.config.data.join("store")), Vec::<PathBuf>::new());
            // What is there can still be had.
            let href = server.download_url(&ada.token, "ada/data", &before).await;
            assert!(Reply::of(server.http.get(&href)).await.body == before);
            disk.empty();
        }
        assert_eq!(Reply::of(server.http.put(&upload).body(bytes.clone())).await.status, 200);
        let href = server.download_url(&ada.token, "ada/data", &bytes).await;
        assert!(Reply::of(server.http.get(&href)).await.body == bytes);
        assert_eq!(server.app.storage.check(true).await.unwrap(), Vec::<String>::new());
    }
}

story! {
    async fn an_upload_to_a_full_disk_is_refused_before_its_body(engine: Engine) {
        let Some((disk, server, ada)) = small(engine).await else { return };
        let bytes = noise(3, 8 << 20);
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        disk.fill_except(4 << 20);
        let mut wire = RawConnection::open(&server).await;
        let length = format!("Content-Length: {}", bytes.len());
        wire.request("PUT", &upload, &[&length, "Expect: 100-continue"]).await;
        assert_eq!(wire.reply().await.0, 507, "and no 100 before it");
    }
}

story! {
    async fn a_full_database_disk_is_reported(engine: Engine) {
        if engine == Engine::Postgres {
            return; // Its files are not ours to fill; the code of its error has a test beside it.
        }
        let Some((disk, server, ada)) = small(engine).await else { return };
        disk.fill_except(0);
        let mut refused = 0;
        // Its log may have a page or two to itself.
        for number in 0..200 {
            let lock = json!({"path": format!("file {number} {}", "x".repeat(1000))});
            let reply = server.lfs(Some(&ada.token), "ada/data", "locks", &lock).await;
            if reply.status != 201 {
                assert_eq!((reply.status, reply.header("content-type")), (507, LFS_JSON), "{}", reply.text());
                assert!(reply.json()["message"].as_str().unwrap().contains("out of disk space"), "{}", reply.text());
                refused += 1;
            }
        }
        assert!(refused > 0);
        let list = server.request("GET", "/ada/data.git/info/lfs/locks", Some(&ada.token));
        assert_eq!(Reply::of(list).await.status, 200, "what is there can be read");
        disk.empty();
        let reply = server.lfs(Some(&ada.token), "ada/data", "locks", &json!({"path": "afterwards"})).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
}

story! {
    async fn a_push_to_a_full_disk_is_refused_and_succeeds_later(engine: Engine) {
        let Some((disk, server, ada)) = small(engine).await else { return };
        let tree = server.tree("work");
        tree.git(&["remote", "add", "origin", &server.remote(&ada, "ada/data")]);
        tree.write("first.txt", "first");
        let first = tree.commit("first");
        tree.git(&["push", "-q", "origin", "main"]);
        tree.write("large.dat", noise(3, 8 << 20));
        tree.commit("large");
        for room in [4 << 20, 0] {
            disk.fill_except(room);
            let said = tree.git_fails(&["push", "origin", "main"]);
            assert!(said.contains("out of disk space"), "{said}");
            disk.empty();
            let there = tree.git(&["ls-remote", "origin", "refs/heads/main"]);
            assert!(there.starts_with(&first), "{there}");
        }
        // A push so small that its pack would go into the database.
        tree.git(&["checkout", "-q", "-b", "small", &first]);
        tree.write("small.txt", "small");
        let small = tree.commit("small");
        disk.fill_except(0);
        let said = tree.git_fails(&["push", "origin", "small"]);
        assert!(said.contains("out of disk space"), "{said}");
        disk.empty();

        tree.git(&["push", "-q", "origin", "main", "small"]);
        let clone = server.clone(&ada, "ada/data", "clone");
        assert!(clone.read("large.dat") == noise(3, 8 << 20));
        assert_eq!(clone.git(&["rev-parse", "origin/small"]), small);
        clone.git(&["fsck", "--strict", "--full"]);
        assert_eq!(server.app.storage.check(true).await.unwrap(), Vec::<String>::new());
    }
}
