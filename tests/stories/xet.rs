//! Uploads by Xet: Hugging Face's client without any setting, and attacks with the protocol.

use std::path::Path;
use std::process::Command;

use lfs::Oid;
use rutter::pack::PackEvent;
use rutter::types::Visibility;
use rutter_testing::xet::{XetClient, describe, describe_all, pack, shard};
use rutter_testing::{Person, Reply, Server, assert_success, noise, story};
use serde_json::{Value, json};
use xet::Hash;
use xet::shard::{File, Shard};
use xet::xorb::Xorb;

use crate::pypi::python;

const MIB: usize = 1 << 20;

/// The client that uploads every file by Xet, with what it needs.
const CLIENT: [&str; 2] = ["huggingface_hub==2.4.0", "datasets==5.2.0"];
const TABLES: [&str; 2] = ["pandas==3.1.1", "pyarrow==26.0.1"];

/// Runs a step of `xet.py` with its own home, where the client remembers what it has sent.
fn run(python: &Path, server: &Server, ada: &Person, home: &Path, step: &str, file: &Path) {
    std::fs::create_dir_all(home).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories/xet.py");
    let mut command = Command::new(python);
    command.env_clear().current_dir(home).arg(script).arg(step).arg(file);
    for (name, value) in [
        ("HF_ENDPOINT", server.url.as_str()),
        ("HF_TOKEN", &ada.token),
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
        ("HOME", home.to_str().unwrap()),
        ("no_proxy", "127.0.0.1"),
    ] {
        command.env(name, value);
    }
    assert_success(&command.output().unwrap(), step);
}

story! {
    async fn a_new_version_costs_its_difference(server: Server) {
        let packages = [CLIENT, TABLES].concat();
        let Some(python) = python(&packages, "import datasets, pandas, pyarrow, hf_xet") else { return };
        let ada = server.person("ada").await;
        let place = server.empty_folder("xet");
        let [data, first, second] = ["data", "first", "second"].map(|name| place.folder.join(name));
        std::fs::create_dir_all(&data).unwrap();
        let file = data.join("all.raw");

        let mut content = noise(1, 40 * MIB);
        let original = content.clone();
        std::fs::write(&file, &content).unwrap();
        let upload = async |home: &Path| {
            let before = received(&server).await;
            run(&python, &server, &ada, home, "upload", &file);
            received(&server).await - before
        };
        assert!(upload(&first).await > 40 * MIB);

        // From the same machine, and from one that has never sent anything.
        for (home, seed) in [(&first, 2), (&second, 3)] {
            content[20 * MIB..21 * MIB].copy_from_slice(&noise(seed, MIB));
            std::fs::write(&file, &content).unwrap();
            let sent = upload(home).await;
            assert!((MIB..5 * MIB).contains(&sent), "{sent} bytes were sent");
        }
        let work = server.assert_intact(&ada, "ada/birds").await;
        assert_eq!(work.read("recordings/all.raw"), content);
        run(&python, &server, &ada, &first, "folder", &file);
        assert!(server.app.storage.check(true).await.unwrap().is_empty());

        // The first version is packed, and a third machine downloads its chunks.
        let mut packed = 0;
        let count = |_: &str, event: PackEvent| {
            if let PackEvent::Ended(summary) = event {
                packed += summary.unwrap().objects;
            }
        };
        server.app.packer.run(None, count).await.unwrap();
        assert_eq!(packed, 2);
        std::fs::write(&file, &original).unwrap();
        assert_eq!(reconstructions(&server).await, 0);
        run(&python, &server, &ada, &place.folder.join("third"), "first", &file);
        assert!(reconstructions(&server).await > 0);

        // The xorbs that the first machine remembers are deleted: it sends everything again.
        for _ in 0..5 {
            server.clock.advance(std::time::Duration::from_hours(7 * 24));
            server.app.collector.run(None, false, |_| ()).await.unwrap();
        }
        content[5 * MIB..6 * MIB].copy_from_slice(&noise(9, MIB));
        std::fs::write(&file, &content).unwrap();
        assert!(upload(&first).await > 40 * MIB);
        assert!(server.app.storage.check(true).await.unwrap().is_empty());
    }
}

/// Requests for the chunks of files.
async fn reconstructions(server: &Server) -> usize {
    let text = Reply::of(server.request("GET", "/metrics", None)).await.text();
    text.lines().filter(|line| line.contains("/v2/reconstructions/") && line.contains("_count")).count()
}

/// Bytes of objects and xorbs that the server has received.
async fn received(server: &Server) -> usize {
    let text = Reply::of(server.request("GET", "/metrics", None)).await.text();
    let line = text.lines().find_map(|line| line.strip_prefix("rutter_lfs_received_bytes_total "));
    line.map_or(0, |count| count.parse().unwrap())
}

async fn xet_client(server: &Server, person: &Person, path: &str) -> XetClient {
    XetClient::of(&server.http, &server.url, path, &person.token).await
}

async fn held(server: &Server, person: &Person, path: &str) -> Vec<Value> {
    let reply = Reply::of(server.request("GET", &format!("/api/datasets/{path}/lfs-files"), Some(&person.token))).await;
    reply.json().as_array().unwrap().clone()
}

story! {
    async fn nothing_wrong_becomes_an_object(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/own", Visibility::Private).await;
        let client = xet_client(&server, &ada, "ada/own").await;
        let chunks = [noise(1, 20_000), vec![b'a'; 9_000], noise(2, 100_000)];
        let content = chunks.concat();
        let (bytes, xorb) = pack(&chunks);

        // Xorbs: another hash, damage in any part, too short, too long, empty.
        let other = pack(&[noise(3, 10)]).1.hash();
        let mut refused = vec![(other, bytes.clone()), (xorb.hash(), Vec::new()), (xorb.hash(), vec![0; 100])];
        for at in [0, 1, 5, 10_000, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            refused.push((xorb.hash(), damaged));
        }
        refused.push((xorb.hash(), bytes[..bytes.len() - 1].to_vec()));
        refused.push((xorb.hash(), [&bytes[..], &bytes].concat()));
        for (number, (hash, body)) in refused.into_iter().enumerate() {
            let reply = client.put_xorb(hash, body).await;
            assert_eq!(reply.status, 400, "{number}: {}", reply.text());
        }
        let large = client.put_xorb(xorb.hash(), vec![0; 66 * MIB]).await;
        assert_eq!(large.status, 413, "{}", large.text());
        let missing = client.post("v1/shards", shard(describe(&xorb, &content))).await;
        assert_eq!(missing.status, 400, "{}", missing.text());
        assert!(missing.text().contains("does not hold xorb"), "{}", missing.text());

        for is_new in [true, false] {
            let stored = client.put_xorb(xorb.hash(), bytes.clone()).await;
            assert_eq!((stored.status, stored.json()), (200, json!({"was_inserted": is_new})));
        }

        // Shards: each claim about the file.
        let good = describe(&xorb, &content);
        let change = |change: &dyn Fn(&mut File)| {
            let mut file = good.clone();
            change(&mut file);
            shard(file)
        };
        for (name, body) in [
            ("no SHA-256", change(&|file| file.sha256 = None)),
            ("wrong file hash", change(&|file| file.hash = other)),
            ("wrong length", change(&|file| file.terms[0].raw_len -= 1)),
            ("wrong verification", change(&|file| file.terms[0].verification = Some(other))),
            ("no verification", change(&|file| file.terms[0].verification = None)),
            ("more chunks", change(&|file| file.terms[0].chunks = 0..4)),
            ("fewer chunks", change(&|file| file.terms[0].chunks = 0..2)),
            ("twice", change(&|file| file.terms.push(file.terms[0].clone()))),
            ("no shard", noise(4, 5000)),
            ("nothing", Vec::new()),
            ("half", shard(good.clone())[..100].to_vec()),
        ] {
            let reply = client.post("v1/shards", body).await;
            assert_eq!(reply.status, 400, "{name}: {}", reply.text());
        }
        let lie = change(&|file| file.sha256 = Some([7; 32]));
        let reply = client.post("v1/shards", lie.clone()).await;
        assert_eq!(reply.status, 422, "{}", reply.text());
        let reply = client.post("v2/shards", lie).await;
        let last: Value = serde_json::from_str(reply.text().lines().last().unwrap()).unwrap();
        assert_eq!((reply.status, &last["type"], &last["retryable"]), (200, &json!("error"), &json!(false)), "{last}");
        assert_eq!(held(&server, &ada, "ada/own").await, Vec::<Value>::new(), "nothing is held");

        let done = client.post("v2/shards", shard(good.clone())).await;
        assert_eq!(done.text().lines().last(), Some(r#"{"type":"result"}"#), "{}", done.text());
        let again = client.post("v1/shards", shard(good)).await;
        assert_eq!((again.status, again.json()), (200, json!({"result": 0})));
        let objects = held(&server, &ada, "ada/own").await;
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["oid"], Oid::of(&content).to_string());
        assert!(server.app.storage.check(true).await.unwrap().is_empty());
        assert!(server.app.storage.recount().await.unwrap().is_empty());
    }
}

story! {
    async fn xorbs_of_others_give_and_tell_nothing(server: Server) {
        let (ada, mallory) = (server.person("ada").await, server.person("mallory").await);
        server.dataset("ada/secret", Visibility::Private).await;
        server.dataset("mallory/own", Visibility::Private).await;
        let (owner, thief) =
            (xet_client(&server, &ada, "ada/secret").await, xet_client(&server, &mallory, "mallory/own").await);
        let chunks = [noise(1, 20_000), noise(2, 30_000)];
        let (content, (bytes, xorb)) = (chunks.concat(), pack(&chunks));
        assert_eq!(owner.put_xorb(xorb.hash(), bytes.clone()).await.status, 200);
        assert_eq!(owner.post("v1/shards", shard(describe(&xorb, &content))).await.status, 200);
        let first = Hash::of_chunk(&chunks[0]);
        let found = owner.find(first).await;
        assert_eq!(found.status, 200);
        let (answer, footer) = Shard::parse(&found.body).unwrap();
        assert_eq!(answer.xorbs.iter().map(|xorb| xorb.hash).collect::<Vec<_>>(), [xorb.hash()]);
        // Hashes are replaced: only those who have the chunk can tell.
        let key = footer.unwrap().key.unwrap();
        assert_eq!(answer.xorbs[0].chunks[0].hash, first.with_key(&key));

        // She knows every hash, and learns nothing.
        let unknown = thief.find(Hash::of_chunk(b"unknown")).await;
        let asked = thief.find(first).await;
        let plain = |reply: &Reply| reply.text().replace(reply.header("x-request-id"), "ID");
        assert_eq!((asked.status, plain(&asked)), (404, plain(&unknown)));
        let stolen = thief.post("v1/shards", shard(describe(&xorb, &content))).await;
        assert_eq!(stolen.status, 400, "{}", stolen.text());
        assert!(stolen.text().contains("does not hold xorb"), "{}", stolen.text());
        // Her token opens nothing of ada, nor does a token to read write.
        let at_ada = |token: &str| XetClient::new(&server.http, &owner.url, token);
        let crossed = at_ada(&thief.token);
        assert_eq!(crossed.find(first).await.status, 404);
        assert_eq!(crossed.put_xorb(xorb.hash(), bytes.clone()).await.status, 404);
        let anonymous = at_ada("");
        assert_eq!(anonymous.put_xorb(xorb.hash(), bytes.clone()).await.status, 401);
        let reader = server.token("ada", &["read:ada/secret"]).await;
        assert_eq!(at_ada(&reader).put_xorb(xorb.hash(), bytes.clone()).await.status, 403);

        // What she sends herself is hers, and new to her.
        let sent = thief.put_xorb(xorb.hash(), bytes).await;
        assert_eq!((sent.status, sent.json()), (200, json!({"was_inserted": true})));
    }
}

story! {
    async fn unused_xorbs_are_collected_and_clients_send_them_again(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/own", Visibility::Private).await;
        let client = xet_client(&server, &ada, "ada/own").await;
        let chunks = [noise(1, 20_000), noise(2, 30_000)];
        let (content, (bytes, xorb)) = (chunks.concat(), pack(&chunks));
        assert_eq!(client.put_xorb(xorb.hash(), bytes.clone()).await.status, 200);
        assert_eq!(client.post("v1/shards", shard(describe(&xorb, &content))).await.status, 200);

        let week = std::time::Duration::from_hours(7 * 24);
        for _ in 0..5 {
            server.clock.advance(week);
            server.app.collector.run(None, false, |_| ()).await.unwrap();
        }
        // Clients are sent to another URL, where they have sent nothing.
        let later = xet_client(&server, &ada, "ada/own").await;
        assert_ne!(later.url, client.url);
        assert_eq!(later.find(Hash::of_chunk(&chunks[0])).await.status, 404);
        let stale = XetClient::new(&server.http, &client.url, &later.token);
        let refused = stale.post("v1/shards", shard(describe(&xorb, &content))).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        let again = later.put_xorb(xorb.hash(), bytes).await;
        assert_eq!((again.status, again.json()), (200, json!({"was_inserted": true})));
        assert_eq!(later.post("v1/shards", shard(describe(&xorb, &content))).await.status, 200);
        assert!(server.app.storage.check(true).await.unwrap().is_empty());
    }
}

story! {
    async fn uploads_race_each_other_and_a_collection(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/own", Visibility::Private).await;
        let chunks: Vec<Vec<u8>> = (0..20).map(|seed| noise(seed, 60_000)).collect();
        let (old_bytes, old) = pack(&chunks);
        for round in 0..6 {
            server.clock.advance(std::time::Duration::from_hours(22 * 24));
            let client = &xet_client(&server, &ada, "ada/own").await;
            let added = vec![noise(100 + round, 50_000)];
            let (content, (bytes, new)) = ([chunks.concat(), added.concat()].concat(), pack(&added));
            let (content, bytes, new, old, old_bytes) = (&content, &bytes, &new, &old, &old_bytes);
            // Some rely on the xorb of the round before, which expires at the same time.
            // The clock is ahead of the disk, so that a file may be deleted as soon as it is written; it is sent again.
            let until_stored = async |send: &dyn Fn() -> reqwest::RequestBuilder| loop {
                let reply = Reply::of(send()).await;
                if reply.status != 503 {
                    return reply;
                }
            };
            let put = async |xorb: &Xorb, bytes: &[u8]| {
                let path = format!("v1/xorbs/default/{}", xorb.hash());
                assert_eq!(until_stored(&|| client.request(&path, bytes.to_vec())).await.status, 200);
            };
            let upload = async |sends_old: bool| {
                if sends_old {
                    put(old, old_bytes).await;
                }
                put(new, bytes).await;
                let shard = shard(describe_all(&[old, new], content));
                until_stored(&|| client.request("v1/shards", shard.clone())).await
            };
            let collect = server.app.collector.run(None, false, |_| ());
            let (one, two, three, collected) = tokio::join!(upload(true), upload(false), upload(true), collect);
            collected.unwrap();
            for (reply, sent) in [(one, true), (two, false), (three, true)] {
                let is_refused = !sent && reply.status == 400 && reply.text().contains("does not hold xorb");
                assert!(reply.status == 200 || is_refused, "{round}: {} {}", reply.status, reply.text());
            }
            assert!(server.can_download(&ada, "ada/own", content).await);
            assert!(server.app.storage.check(true).await.unwrap().is_empty());
        }
    }
}

story! {
    on(sqlite) async fn the_largest_and_the_smallest_are_accepted(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/own", Visibility::Private).await;
        let client = xet_client(&server, &ada, "ada/own").await;
        let tiny: Vec<Vec<u8>> = (0..8192_u32).map(|number| number.to_le_bytes().to_vec()).collect();
        let zeros = vec![vec![0; 128 << 10]; 512];
        for chunks in [vec![vec![7]], tiny, zeros] {
            let (content, (bytes, xorb)) = (chunks.concat(), pack(&chunks));
            assert_eq!(client.put_xorb(xorb.hash(), bytes).await.status, 200);
            let reply = client.post("v2/shards", shard(describe(&xorb, &content))).await;
            assert_eq!(reply.text().lines().last(), Some(r#"{"type":"result"}"#), "{}", reply.text());
            assert!(server.can_download(&ada, "ada/own", &content).await);
        }
        // The empty file has no chunks, and a million times the same zeros are too much for one shard.
        let empty = Shard { files: Vec::new(), xorbs: Vec::new() }.write(None).unwrap();
        assert_eq!(client.post("v1/shards", empty).await.status, 200);
        let zeros = vec![vec![0; 128 << 10]; 8192];
        let (bytes, xorb) = pack(&zeros);
        assert_eq!(client.put_xorb(xorb.hash(), bytes).await.status, 200);
        let mut file = describe(&xorb, &[]);
        file.terms = vec![file.terms[0].clone(); 100_000];
        let reply = client.post("v1/shards", shard(file)).await;
        assert_eq!(reply.status, 413, "{}", reply.text());
    }
}

story! {
    on(sqlite) async fn git_lfs_clients_that_offer_xet_get_it(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/own", Visibility::Private).await;
        let content = noise(1, 20_000);
        let batch = async |transfers: &[&str]| {
            let objects = json!([{"oid": Oid::of(&content).to_string(), "size": content.len()}]);
            let body = json!({"operation": "upload", "transfers": transfers, "objects": objects});
            server.lfs(Some(&ada.token), "ada/own", "objects/batch", &body).await.json()
        };
        assert_eq!(batch(&["basic"]).await["transfer"], "basic");
        let reply = batch(&["basic", "multipart", "xet"]).await;
        assert_eq!(reply["transfer"], "xet");
        // huggingface.js sends only such a token.
        let prefixed = server.http.get(format!("{}/api/whoami-v2", server.url)).bearer_auth(format!("hf_{}", ada.token));
        assert_eq!(Reply::of(prefixed).await.json()["name"], "ada");
        let actions = &reply["objects"][0]["actions"];
        assert!(actions["verify"].is_null(), "{actions}");
        let header = |name: &str| actions["upload"]["header"][name].as_str().unwrap().to_owned();
        let client = XetClient::new(&server.http, &header("X-Xet-Cas-Url"), &header("X-Xet-Access-Token"));
        let refresh = actions["upload"]["href"].as_str().unwrap();
        let refreshed = Reply::of(server.http.get(refresh).bearer_auth(&ada.token)).await;
        assert_eq!((refreshed.status, &refreshed.json()["casUrl"]), (200, &json!(client.url)));

        let (bytes, xorb) = pack(std::slice::from_ref(&content));
        assert_eq!(client.put_xorb(xorb.hash(), bytes).await.status, 200);
        assert_eq!(client.post("v1/shards", shard(describe(&xorb, &content))).await.status, 200);
        let reply = batch(&["basic", "xet"]).await;
        assert!(reply["objects"][0]["actions"].is_null(), "the dataset has it: {reply}");
    }
}
