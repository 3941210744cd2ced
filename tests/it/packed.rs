//! Packed objects give the same bytes everywhere, survive garbage collection and its undo, and are never half there.

use std::time::Duration;

use lfs::Oid;
use rutter::check::Report;
use rutter::config::PackPolicy;
use rutter::pack::PackEvent;
use rutter::storage::PackSummary;
use rutter::types::Visibility;
use rutter_testing::xet::{XetClient, describe, pack, shard};
use rutter_testing::{Engine, Person, Random, Reply, Server, Tree, noise, story};
use serde_json::{Value, json};
use xet::Hash;
use xet::xorb::Decoder;

use crate::db::{count, execute};

const MIB: usize = 1 << 20;

/// A dataset with a file in several versions, of which each changes a little, and all of them.
struct Versions {
    server: Server,
    ada: Person,
    tree: Tree,
    contents: Vec<Vec<u8>>,
}

impl Versions {
    async fn new(engine: Engine, number: u64) -> Self {
        let server = Server::start_without_workers(engine, |config| config.scrub.interval_days = 1).await;
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let tree = server.tree("work");
        tree.with_lfs(&server.remote(&ada, "ada/data"));
        let mut contents = vec![noise(0, 5 * MIB + 17)];
        for version in 1..number {
            let mut next = contents.last().unwrap().clone();
            let at = usize::try_from(version).unwrap() * 400_000;
            // Overwritten, inserted, removed.
            next[at..at + 1000].copy_from_slice(&noise(version, 1000));
            next.splice(at + 300_000..at + 300_100, noise(version + 100, 777));
            contents.push(next);
        }
        for (version, content) in contents.iter().enumerate() {
            tree.write("data.bin", content);
            tree.write("small.bin", &content[..1000]);
            tree.commit(&format!("version {version}"));
            tree.git(&["tag", &format!("v{version}")]);
        }
        tree.git(&["push", "-q", "origin", "main", "--tags"]);
        Self { server, ada, tree, contents }
    }

    fn oids(&self) -> Vec<String> {
        self.contents.iter().map(|content| Oid::of(content).to_string()).collect()
    }

    async fn pack(&self) -> PackSummary {
        pack_all(&self.server).await
    }

    /// Packs, and deletes the files that are no longer needed.
    async fn pack_and_delete(&self) -> PackSummary {
        let packed = self.pack().await;
        self.server.pass_grace_period();
        self.server.app.storage.reap().await.unwrap();
        packed
    }
}

async fn pack_all(server: &Server) -> PackSummary {
    let mut total = PackSummary::default();
    let add = |_: &str, event: PackEvent| {
        let PackEvent::Ended(packed) = event else { return };
        let packed = packed.unwrap();
        total.objects += packed.objects;
        total.bytes += packed.bytes;
        total.written += packed.written;
        total.left += packed.left;
    };
    server.app.packer.run(None, add).await.unwrap();
    total
}

async fn check(server: &Server) -> Report {
    server.app.checker.run(None, true, |_| {}).await.unwrap()
}

/// The size of all files of objects.
fn stored_bytes(server: &Server) -> u64 {
    let files = rutter_testing::files_below(&server.app.config.data.join("store/objects"));
    let objects = files.iter().filter(|file| file.file_name().unwrap().len() == 64);
    objects.map(|file| file.metadata().unwrap().len()).sum()
}

async fn packed_objects(server: &Server) -> i64 {
    count(&server.app.db, "SELECT COUNT(*) FROM object WHERE form = 'packed' AND state = 'ready'").await
}

story! {
    async fn old_versions_cost_their_difference(engine: Engine) {
        let versions = Versions::new(engine, 6).await;
        let Versions { server, ada, contents, .. } = &versions;
        let before = stored_bytes(server);
        let packed = versions.pack().await;
        // Those of less than 1 MiB stay whole, and the head.
        let bytes: usize = contents[..5].iter().map(Vec::len).sum();
        assert_eq!((packed.objects, packed.bytes, packed.left), (5, bytes as u64, 0));
        assert!(packed.written < 8 * MIB as u64, "{packed:?}");
        // Signed URLs refer to the files for some time.
        assert!(versions.oids().iter().all(|oid| server.stored(oid).exists()));
        server.pass_grace_period();
        assert_eq!(server.app.storage.reap().await.unwrap(), 5);
        let exist: Vec<bool> = versions.oids().iter().map(|oid| server.stored(oid).exists()).collect();
        assert_eq!(exist, [false, false, false, false, false, true]);
        assert!(stored_bytes(server) < before / 2, "{} of {before}", stored_bytes(server));

        // Nothing is left to do, and what is written is known.
        assert_eq!(versions.pack().await.objects, 0);
        let usage = server.get(ada, "/api/v1/drive/ada/data/usage").await;
        let logical: usize = contents.iter().map(Vec::len).sum();
        assert!(usage["bytes"].as_u64().unwrap() > logical as u64);
        assert_eq!(usage["stored_bytes"], stored_bytes(server), "{usage}");

        // git, every version.
        let clone = server.clone(ada, "ada/data", "clone");
        for (version, content) in contents.iter().enumerate() {
            clone.git(&["checkout", "-q", &format!("v{version}")]);
            assert_eq!(clone.read("data.bin"), *content);
        }
        server.assert_mirror_complete(ada, "ada/data", "mirror").await;

        // Ranges, at the edges and anywhere.
        let content = &contents[2];
        let url = server.download_url(&ada.token, "ada/data", content).await;
        let size = content.len() as u64;
        let mut random = Random(7);
        let mut ranges = vec![(0, 0), (0, size - 1), (size - 1, size - 1), (size / 2, size * 2)];
        for _ in 0..40 {
            let start = random.below(size);
            ranges.push((start, start + random.below(3 * MIB as u64)));
        }
        for (start, end) in ranges {
            let request = server.http.get(&url).header("Range", format!("bytes={start}-{end}"));
            let reply = Reply::of(request).await;
            let last = usize::try_from(end.min(size - 1)).unwrap();
            let expected = &content[usize::try_from(start).unwrap()..=last];
            assert_eq!(reply.status, 206, "{start}-{end}");
            assert!(reply.body == expected, "{start}-{end}");
        }
        let request = server.http.get(&url).header("Range", format!("bytes={size}-"));
        assert_eq!(Reply::of(request).await.status, 416);

        // An archive of an old version.
        let choice = server.ok(ada, "POST", "/api/v1/drive/ada/data/downloads", json!({"revision": "v1", "paths": ["data.bin", "small.bin"]})).await;
        let archive = Reply::of(server.http.get(choice["url"].as_str().unwrap())).await;
        assert_eq!(archive.status, 200, "{}", archive.text());
        let file = server.empty_folder("zip");
        file.write("all.zip", &archive.body);
        file.sh("python3 -m zipfile -e all.zip out");
        assert!(file.read("out/data.bin") == contents[1]);

        let report = check(server).await;
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        for _ in 0..40 {
            server.clock.advance(Duration::from_hours(1));
            server.app.checker.scrub().await.unwrap();
        }
        assert_eq!(packed_objects(server).await, 5);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM object WHERE state = 'quarantined'").await, 0);
    }
}

story! {
    async fn the_next_version_is_packed_with_the_others(engine: Engine) {
        let versions = Versions::new(engine, 3).await;
        let Versions { server, tree, contents, .. } = &versions;
        assert_eq!(versions.pack_and_delete().await.objects, 2);
        let mut next = contents[2].clone();
        next[..1000].copy_from_slice(&noise(50, 1000));
        tree.write("data.bin", &next);
        tree.commit("next");
        tree.git(&["push", "-q", "origin", "main"]);
        let packed = versions.pack_and_delete().await;
        assert_eq!(packed.objects, 1);
        assert!(packed.written < MIB as u64, "{packed:?}");

        // It is the newest version again: it stays packed, and can be read.
        tree.write("data.bin", &contents[0]);
        tree.commit("back");
        tree.git(&["push", "-q", "origin", "main"]);
        assert_eq!(versions.pack_and_delete().await.objects, 1);
        server.assert_mirror_complete(&versions.ada, "ada/data", "mirror").await;
        assert!(check(server).await.problems.is_empty());
    }
}

story! {
    async fn what_saves_too_little_stays_whole(engine: Engine) {
        let versions = Versions::new(engine, 1).await;
        let Versions { server, ada, tree, .. } = &versions;
        for seed in 0..5 {
            tree.write("data.bin", noise(10 + seed, 2 * MIB));
            tree.commit("all different");
            tree.git(&["push", "-q", "origin", "main"]);
            assert_eq!(versions.pack().await.objects, 0);
        }
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM object WHERE pack_attempts = 3").await, 3);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM xorb").await, 0);

        // Of another dataset, which may use it as its newest.
        tree.write("copy.txt", "x");
        let big = noise(30, 3 * MIB);
        for content in [&big, &[&big[..], b"x"].concat(), &b"gone".to_vec()] {
            tree.write("data.bin", content);
            tree.commit("shared");
        }
        tree.git(&["push", "-q", "origin", "main"]);
        server.upload(&ada.token, "ada/other", &big).await;
        assert_eq!(versions.pack().await.objects, 0);
        assert!(server.can_download(ada, "ada/other", &big).await);
    }
}

story! {
    async fn damage_is_found_and_a_push_repairs_it(engine: Engine) {
        let versions = Versions::new(engine, 4).await;
        let Versions { server, ada, tree, contents, .. } = &versions;
        assert_eq!(versions.pack_and_delete().await.objects, 3);
        let xorb = rutter_testing::files_below(&server.app.config.data.join("store/objects"));
        let xorb = xorb.into_iter().max_by_key(|file| file.metadata().unwrap().len()).unwrap();
        let damaged = xorb.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(!versions.oids().contains(&damaged));
        let mut bytes = std::fs::read(&xorb).unwrap();
        bytes[3_000_000] ^= 1;
        std::fs::write(&xorb, &bytes).unwrap();

        // A reader gets no wrong byte, and no end that looks right.
        let url = server.download_url(&ada.token, "ada/data", &contents[0]).await;
        let cut = server.http.get(&url).send().await.unwrap();
        assert!(cut.bytes().await.is_err());
        let request = server.batch(Some(&ada.token), "ada/data", &json!({"operation": "download",
            "objects": [{"oid": Oid::of(&contents[0]).to_string(), "size": contents[0].len()}]})).await;
        assert_eq!(request.1["objects"][0]["error"]["code"], 404, "{}", request.1);
        let report = check(server).await;
        assert_eq!(report.problems.len(), 3, "{:?}", report.problems);

        // The user still has the versions.
        tree.git(&["lfs", "push", "--all", "origin"]);
        for content in contents {
            assert!(server.can_download(ada, "ada/data", content).await);
        }
        server.pass_grace_period();
        server.collect().await;
        // Packed again, with new xorbs.
        execute(&server.app.db, "UPDATE object SET pack_attempts = 0").await;
        assert_eq!(versions.pack_and_delete().await.objects, 3);
        server.assert_mirror_complete(ada, "ada/data", "mirror").await;
    }
}

story! {
    async fn unused_versions_go_with_their_xorbs(engine: Engine) {
        let versions = Versions::new(engine, 3).await;
        let Versions { server, ada, tree, contents } = &versions;
        assert_eq!(versions.pack_and_delete().await.objects, 2);
        // Only the second version is still in the history.
        tree.git(&["checkout", "-q", "--orphan", "new", "v1"]);
        tree.commit("only this");
        tree.git(&["push", "-q", "origin", "--delete", "v0", "v1", "v2"]);
        tree.git(&["push", "-q", "--force", "origin", "new:main"]);
        let lost = &contents[0];
        server.pass_grace_period();
        server.collect().await;
        server.pass_grace_period();
        server.collect().await;
        assert!(!server.can_download(ada, "ada/data", lost).await);
        assert_eq!(server.app.storage.restore(None).await.unwrap(), 2);
        assert!(server.can_download(ada, "ada/data", lost).await);
        assert_eq!(packed_objects(server).await, 2);

        for _ in 0..6 {
            server.pass_grace_period();
            // What is needed is not deleted, however old it is.
            server.clock.advance(Duration::from_hours(24 * 22));
            server.collect().await;
            assert!(server.can_download(ada, "ada/data", &contents[1]).await);
        }
        assert_eq!(packed_objects(server).await, 1);
        assert!(check(server).await.problems.is_empty());

        // And without any version, nothing is left.
        server.delete_dataset("ada/data").await;
        for _ in 0..4 {
            server.pass_grace_period();
            server.collect().await;
        }
        assert_eq!(stored_bytes(server), 0);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM object").await, 0);
    }
}

story! {
    async fn uploads_by_xet_can_be_packed_at_once(engine: Engine) {
        let server = Server::start_without_workers(engine, |config| {
            config.stores.entry("default".into()).or_default().pack = Some(PackPolicy::All);
        }).await;
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let client = XetClient::of(&server.http, &server.url, "ada/data", &ada.token).await;
        let chunks: Vec<Vec<u8>> = (0..30).map(|seed| noise(seed, 100_000)).collect();
        let content = chunks.concat();
        let (bytes, xorb) = pack(&chunks);
        assert_eq!(client.put_xorb(xorb.hash(), bytes).await.status, 200);
        let one = stored_bytes(&server);
        // A wrong SHA-256 is nothing at all.
        let mut wrong = describe(&xorb, &content);
        wrong.sha256 = Some([7; 32]);
        let reply = client.post("v1/shards", shard(wrong)).await;
        assert_eq!(reply.status, 422, "{}", reply.text());
        assert_eq!(packed_objects(&server).await, 0);
        let reply = client.post("v1/shards", shard(describe(&xorb, &content))).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!((packed_objects(&server).await, stored_bytes(&server)), (1, one));
        assert!(server.can_download(&ada, "ada/data", &content).await);
        // The same bytes by git-lfs to another dataset: it must send them, and they are the same object.
        server.upload(&ada.token, "ada/other", &content).await;
        assert!(server.can_download(&ada, "ada/other", &content).await);
        for _ in 0..5 {
            server.pass_grace_period();
            server.clock.advance(Duration::from_hours(24 * 22));
            server.app.storage.reap().await.unwrap();
        }
        assert!(server.can_download(&ada, "ada/other", &content).await);
        assert!(check(&server).await.problems.is_empty());
    }
}

/// Puts a range of a file together as a client of Xet does.
async fn assembled(server: &Server, answer: &Value) -> Vec<u8> {
    let mut raw = Vec::new();
    for term in answer["terms"].as_array().unwrap() {
        let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        let (start, end) = (number(&term["range"]["start"]), number(&term["range"]["end"]));
        let fetches = answer["xorbs"][term["hash"].as_str().unwrap()].as_array().unwrap();
        let covers = |fetch: &&Value| {
            let chunks = &fetch["ranges"][0]["chunks"];
            number(&chunks["start"]) <= start && end <= number(&chunks["end"])
        };
        let fetch = fetches.iter().find(covers).unwrap();
        let (bytes, first) = (&fetch["ranges"][0]["bytes"], number(&fetch["ranges"][0]["chunks"]["start"]));
        let range = format!("bytes={}-{}", bytes["start"], bytes["end"]);
        let reply = Reply::of(server.http.get(fetch["url"].as_str().unwrap()).header("Range", range)).await;
        assert_eq!(reply.status, 206, "{}", reply.text());
        let (mut decoder, mut rest, mut index) = (Decoder::new(), &reply.body[..], first);
        let mut length = 0;
        while let Some(chunk) = decoder.next_chunk(&mut rest).unwrap() {
            if (start..end).contains(&index) {
                raw.extend_from_slice(chunk.data);
                length += chunk.data.len();
            }
            index += 1;
        }
        assert_eq!(length, number(&term["unpacked_length"]));
    }
    raw.split_off(usize::try_from(answer["offset_into_first_range"].as_u64().unwrap()).unwrap())
}

story! {
    async fn chunks_are_downloaded_by_those_who_may_read_them(engine: Engine) {
        let versions = Versions::new(engine, 5).await;
        let Versions { server, ada, contents, .. } = &versions;
        assert_eq!(versions.pack_and_delete().await.objects, 4);
        let head = async |revision: &str| {
            let url = format!("/datasets/ada/data/resolve/{revision}/data.bin");
            Reply::of(server.request("HEAD", &url, Some(&ada.token))).await
        };
        assert!(head("v4").await.headers.get("x-xet-hash").is_none(), "the newest version is whole");
        let found = head("v3").await;
        let file: Hash = found.header("x-xet-hash").parse().unwrap();
        let refresh = found.header("x-xet-refresh-route");
        assert_eq!(found.header("link"), format!("<{refresh}>; rel=\"xet-auth\""));
        let token = Reply::of(server.http.get(refresh).bearer_auth(&ada.token)).await;
        let client = XetClient::new(&server.http, token.header("x-xet-cas-url"), token.header("x-xet-access-token"));

        // All of it, and any range.
        let content = &contents[3];
        let answer = client.reconstruction("v2", file, None).await.json();
        assert!(assembled(server, &answer).await == *content);
        let mut random = Random(11);
        for _ in 0..20 {
            let start = usize::try_from(random.below(content.len() as u64)).unwrap();
            let end = (start + 1 + usize::try_from(random.below(MIB as u64)).unwrap()).min(content.len());
            let answer = client.reconstruction("v2", file, Some(&format!("{start}-{}", end - 1))).await.json();
            let raw = assembled(server, &answer).await;
            assert!(raw[..end - start] == content[start..end], "{start}..{end}");
            assert!(raw.len() < end - start + 128 * 1024);
        }
        let beyond = client.reconstruction("v2", file, Some(&format!("{}-", content.len()))).await;
        assert_eq!(beyond.status, 416);
        for range in ["5", "a-b", "-5"] {
            assert_eq!(client.reconstruction("v2", file, Some(range)).await.status, 400, "{range}");
        }
        let earlier = client.reconstruction("v1", file, None).await.json();
        assert_eq!(earlier["terms"], answer["terms"]);
        let (xorb, fetch) = answer["xorbs"].as_object().unwrap().iter().next().unwrap();
        assert_eq!(earlier["fetch_info"][xorb][0]["url_range"], fetch[0]["ranges"][0]["bytes"]);

        // A URL is for its bytes only: the xorb has chunks of other files.
        let answer = client.reconstruction("v2", file, Some("0-0")).await.json();
        let (_, fetch) = answer["xorbs"].as_object().unwrap().iter().next().unwrap();
        let (url, bytes) = (fetch[0]["url"].as_str().unwrap(), &fetch[0]["ranges"][0]["bytes"]);
        let (start, end) = (bytes["start"].as_u64().unwrap(), bytes["end"].as_u64().unwrap());
        for (range, status) in [
            (Some(format!("{start}-{end}")), 206),
            (Some(format!("{start}-{}", end + 1)), 403),
            (Some(format!("{}-{}", end + 1, end + 5)), 403),
            (None, 403),
        ] {
            let mut request = server.http.get(url);
            if let Some(range) = &range {
                request = request.header("Range", format!("bytes={range}"));
            }
            assert_eq!(Reply::of(request).await.status, status, "{range:?}");
        }
        for forged in [url.replace("xorb=", "xorb=0"), url.replace("?xorb=", "?x="), url.split('?').next().unwrap().to_owned()] {
            assert_eq!(Reply::of(server.http.get(forged)).await.status, 403);
        }

        // Others learn nothing, also with the hash of the file.
        let ben = server.person("ben").await;
        server.dataset("ben/data", Visibility::Private).await;
        let own = XetClient::of(&server.http, &server.url, "ben/data", &ben.token).await;
        assert_eq!(own.reconstruction("v2", file, None).await.status, 404);
        let foreign = XetClient::new(&server.http, &client.url, &own.token);
        assert_eq!(foreign.reconstruction("v2", file, None).await.status, 404);
        assert_eq!(Reply::of(server.http.get(refresh).bearer_auth(&ben.token)).await.status, 404);
        server.share(ada, "ada/data", json!({"with": {"user": "ben"}, "path": "data.bin", "right": "view"})).await;
        assert_eq!(foreign.reconstruction("v2", file, None).await.status, 404);
    }
}

story! {
    async fn a_copy_outlives_the_dataset_that_packed_it(engine: Engine) {
        let versions = Versions::new(engine, 3).await;
        let Versions { server, ada, contents, .. } = &versions;
        assert_eq!(versions.pack_and_delete().await.objects, 2);
        server.dataset("ada/copy", Visibility::Private).await;
        let copy = json!({"operation": "copy", "from": "data.bin", "to": "old.bin", "dataset": "ada/data", "revision": "v0"});
        server.commit(ada, "ada/copy", &[copy]).await;
        assert!(server.can_download(ada, "ada/copy", &contents[0]).await);
        assert!(server.app.storage.recount().await.unwrap().is_empty(), "quotas count the whole size");

        server.delete_dataset("ada/data").await;
        for _ in 0..4 {
            server.pass_grace_period();
            server.clock.advance(Duration::from_hours(24 * 22));
            server.collect().await;
        }
        assert!(server.can_download(ada, "ada/copy", &contents[0]).await);
        assert_eq!(packed_objects(server).await, 1);
        assert!(check(server).await.problems.is_empty());
    }
}

story! {
    async fn versions_from_the_drive_are_packed(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| ()).await;
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let mut versions = Vec::new();
        let mut content = noise(1, 4 * MIB);
        for version in 0..4 {
            content[5000 * version..][..1000].copy_from_slice(&noise(50 + version as u64, 1000));
            let url = "/api/v1/drive/ada/data/files/big.bin";
            let reply = Reply::of(server.request("PUT", url, Some(&ada.token)).body(content.clone())).await;
            versions.push((reply.json()["revision"].as_str().unwrap().to_owned(), content.clone()));
        }
        let packed = pack_all(&server).await;
        assert_eq!(packed.objects, 3);
        assert!(packed.written < 5 * MIB as u64, "{packed:?}");
        server.pass_grace_period();
        server.app.storage.reap().await.unwrap();
        for (revision, content) in &versions {
            let url = format!("/api/v1/drive/ada/data/content/big.bin?revision={revision}");
            let reply = Reply::of(server.request("GET", &url, Some(&ada.token))).await;
            assert!(reply.body == *content, "{revision}");
        }
        assert!(check(&server).await.problems.is_empty());
    }
}

story! {
    async fn an_old_table_can_be_paged_through(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| ()).await;
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let tree = server.tree("work");
        tree.with_lfs(&server.remote(&ada, "ada/data"));
        tree.sh("git lfs track '*.csv' && git add .gitattributes");
        let rows = |count: u32| -> String {
            let rows: Vec<String> = (0..count).map(|row| format!("{row},{},name {row}\n", row * 3)).collect();
            rows.concat()
        };
        for count in [90_000, 100_000] {
            tree.write("table.csv", format!("id,value,name\n{}", rows(count)));
            tree.commit("rows");
        }
        tree.git(&["push", "-q", "origin", "main"]);
        assert_eq!(pack_all(&server).await.objects, 1);
        let page = server.get(&ada, "/api/v1/drive/ada/data/rows/table.csv?revision=HEAD~1&offset=89990&limit=20").await;
        let found = page["rows"].as_array().unwrap();
        assert_eq!((found.len(), &found[9]), (10, &json!([89_999, 269_997, "name 89999"])), "{page}");
    }
}
