//! Quotas: checked before bytes are sent, and exact under concurrency.

use std::collections::BTreeSet;
use std::time::Duration;

use lfs::{Oid, Pointer};
use metastore::{Content, Edit, FilePath};
use rutter::access::{Actor, DatasetGrant, Own, Write};
use rutter::config::Quotas;
use rutter::datasets::revisions::CommitMeta;
use rutter::db::objects::NewObject;
use rutter::storage::quota::OwnerUsage;
use rutter::types::{Id, Role, Visibility, amount};
use rutter_testing::{Engine, LFS_JSON, Person, RawConnection, Reply, Server, noise, story};
use serde_json::{Value, json};

use crate::db::{count, execute};

/// Ada with two datasets.
async fn ada(server: &Server) -> Person {
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    server.dataset("ada/more", Visibility::Private).await;
    ada
}

fn object(bytes: &[u8]) -> Value {
    json!({"oid": Oid::of(bytes), "size": bytes.len()})
}

/// What a batch answers for each object: `upload`, `download`, `nothing`, or the code of an error; and all messages.
async fn ask(server: &Server, who: &Person, path: &str, operation: &str, objects: &[Value]) -> (Vec<String>, String) {
    let body = json!({"operation": operation, "objects": objects});
    let (status, reply) = server.batch(Some(&who.token), path, &body).await;
    assert_eq!(status, 200, "{reply}");
    let mut messages = BTreeSet::new();
    let mut answers = Vec::new();
    for object in reply["objects"].as_array().unwrap() {
        if let Some(message) = object["error"]["message"].as_str() {
            messages.insert(message.to_owned());
        }
        let action = object["actions"].as_object().and_then(|actions| actions.keys().next().cloned());
        answers.push(match object["error"]["code"].as_u64() {
            Some(code) => code.to_string(),
            None => action.unwrap_or_else(|| "nothing".to_owned()),
        });
    }
    (answers, messages.into_iter().collect::<Vec<_>>().join("\n"))
}

/// The usage of one owner, as the operator sees it.
async fn usage(server: &Server, subject: &str) -> OwnerUsage {
    let mut owners = server.app.storage.usage(Some(&subject.parse().unwrap())).await.unwrap();
    assert_eq!(owners.len(), 1);
    owners.remove(0)
}

/// What datasets hold is what was counted, by a query that is not the server's own.
async fn assert_counted(server: &Server) {
    let query = "SELECT COUNT(*) FROM (
                     SELECT COALESCE((SELECT u.bytes FROM usage u WHERE u.repo_id = d.id), 0) AS bytes,
                            COALESCE((SELECT u.objects FROM usage u WHERE u.repo_id = d.id), 0) AS objects,
                            (SELECT COALESCE(SUM(o.size), 0) FROM holding h, object o WHERE h.repo_id = d.id
                             AND h.released_at IS NULL AND o.store = h.store AND o.oid = h.oid) AS held_bytes,
                            (SELECT COUNT(*) FROM holding h WHERE h.repo_id = d.id AND h.released_at IS NULL) AS held,
                            COALESCE((SELECT u.git_bytes FROM usage u WHERE u.repo_id = d.id), 0) AS git_bytes,
                            (SELECT COALESCE(SUM(p.pack_bytes), 0) FROM git_pack p WHERE p.repo_id = d.id
                             AND p.retired_at IS NULL) AS packed
                     FROM dataset d) counts WHERE bytes <> held_bytes OR objects <> held OR git_bytes <> packed";
    assert_eq!(count(&server.app.db, query).await, 0, "datasets whose count is wrong");
}

/// An upload whose bytes the server waits for: it has looked already whether there is room.
async fn begun_upload(server: &Server, href: &str, length: usize) -> RawConnection {
    let mut wire = RawConnection::open(server).await;
    wire.request("PUT", href, &[&format!("Content-Length: {length}"), "Expect: 100-continue"]).await;
    assert_eq!(wire.head().await.0, 100);
    wire
}

/// Sends all these bytes at once; returns the statuses, and the messages of refusals.
async fn send_at_once(uploads: Vec<(RawConnection, Vec<u8>)>) -> Vec<(u16, String)> {
    let sending: Vec<_> = uploads
        .into_iter()
        .map(|(mut wire, bytes)| {
            tokio::spawn(async move {
                wire.send(&bytes).await;
                let (status, head, body) = wire.reply().await;
                assert!(status == 200 || head.contains(LFS_JSON), "{head}");
                (status, String::from_utf8(body).unwrap())
            })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sending {
        answers.push(answer.await.unwrap());
    }
    answers
}

async fn download(server: &Server, who: &Person, path: &str, bytes: &[u8]) -> bool {
    let href = server.download_url(&who.token, path, bytes).await;
    Reply::of(server.http.get(href)).await.body == bytes
}

/// Loses an object that a dataset holds, so that it is out of use when that was noticed; false if it holds none.
async fn lose_object(server: &Server, who: &Person, path: &str, bytes: &[u8]) -> bool {
    let body = json!({"operation": "download", "objects": [object(bytes)]});
    let (_, reply) = server.batch(Some(&who.token), path, &body).await;
    let Some(href) = reply["objects"][0]["actions"]["download"]["href"].as_str() else { return false };
    std::fs::remove_file(server.stored(&Oid::of(bytes).to_string())).unwrap();
    assert_eq!(Reply::of(server.http.get(href)).await.status, 404);
    true
}

story! {
    async fn a_batch_over_quota_is_refused_with_the_numbers(server: Server) {
        let ada = ada(&server).await;
        let held = noise(1, 6000);
        server.upload(&ada.token, "ada/data", &held).await;
        server.quota("ada/data", "10000").await;

        let (first, second, fits) = (noise(2, 3000), noise(3, 2000), noise(4, 4000));
        let objects = [object(&first), object(&held), object(&second), object(&first), object(b""), json!({"oid": "x"})];
        let (answers, answer) = ask(&server, &ada, "ada/data", "upload", &objects).await;
        assert_eq!(answers, ["507", "nothing", "507", "507", "upload", "422"], "no room for all of them");
        assert!(answer.contains("over quota: the dataset ada/data holds 6.00 kB of at most 10.0 kB, and 2 new files would add 5.00 kB; "), "{answer}");
        assert!(answer.ends_with("delete what is not needed, or ask the operator of this server for a larger quota"), "{answer}");

        // To the last byte, and what is there twice counts once.
        let (answers, _) = ask(&server, &ada, "ada/data", "upload", &[object(&fits), object(&held), object(&fits)]).await;
        assert_eq!(answers, ["upload", "nothing", "upload"]);
        let (answers, answer) = ask(&server, &ada, "ada/data", "upload", &[object(&fits), object(b"x")]).await;
        assert_eq!(answers, ["507", "507"]);
        assert!(answer.contains("2 new files would add 4.00 kB"), "{answer}");
        server.upload(&ada.token, "ada/data", &fits).await;
        let (answers, answer) = ask(&server, &ada, "ada/data", "upload", &[object(b"x")]).await;
        assert_eq!(answers, ["507"]);
        assert!(answer.contains("and 1 new file would add 1 B"), "{answer}");

        // Other owners and downloads are not affected.
        server.upload(&ada.token, "ada/more", &noise(5, 50_000)).await;
        assert!(download(&server, &ada, "ada/data", &held).await && download(&server, &ada, "ada/data", &fits).await);
        let found = usage(&server, "ada/data").await;
        assert_eq!((found.objects, found.bytes, found.quota_bytes), (3, 60_000, None));
        assert_eq!((found.datasets.len(), found.datasets[0].bytes, found.datasets[0].quota_bytes), (1, 10_000, Some(10_000)));

        // No upload is started for a refused object.
        let body = json!({"operation": "upload", "transfers": ["multipart-basic", "tus", "basic"],
            "objects": [{"oid": Oid::of(b"large"), "size": 1_u64 << 40}]});
        let (_, reply) = server.batch(Some(&ada.token), "ada/data", &body).await;
        assert_eq!(reply["objects"][0]["error"]["code"], 507, "{reply}");
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM upload_session").await, 0);
        assert_counted(&server).await;
    }
}

story! {
    async fn datasets_of_an_owner_share_its_quota(server: Server) {
        let ada = ada(&server).await;
        server.organisation("ministry", &[(&ada, Role::Writer)]).await;
        server.organisation("ministry/statistics", &[(&ada, Role::Writer)]).await;
        for path in ["ministry/census", "ministry/statistics/census"] {
            server.dataset(path, Visibility::Private).await;
        }
        server.quota("ada", "10000").await;
        server.quota("ministry", "5000").await;
        server.upload(&ada.token, "ada/data", &noise(1, 7000)).await;
        let (answers, answer) = ask(&server, &ada, "ada/more", "upload", &[object(&noise(2, 3001))]).await;
        assert_eq!(answers, ["507"]);
        assert!(answer.contains("all datasets of ada together hold 7.00 kB of at most"), "{answer}");
        assert!(answer.contains("10.0 kB") && answer.contains("3.00 kB"), "{answer}");
        // The same bytes in two datasets count for both.
        let (answers, _) = ask(&server, &ada, "ada/more", "upload", &[object(&noise(1, 7000))]).await;
        assert_eq!(answers, ["507"]);
        server.upload(&ada.token, "ada/more", &noise(2, 3000)).await;

        // An organisation within another counts for itself.
        server.upload(&ada.token, "ministry/statistics/census", &noise(1, 7000)).await;
        server.upload(&ada.token, "ministry/census", &noise(2, 5000)).await;
        let (answers, answer) = ask(&server, &ada, "ministry/census", "upload", &[object(b"x")]).await;
        assert_eq!(answers, ["507"]);
        assert!(answer.contains("all datasets of ministry together hold 5.00 kB"), "{answer}");

        // Both quotas apply, and the message names the tighter one.
        server.quota("ada/more", "3500").await;
        server.quota("ada", "10100").await;
        assert!(ask(&server, &ada, "ada/more", "upload", &[object(&noise(3, 501))]).await.1.contains("ada/more"));
        assert!(ask(&server, &ada, "ada/more", "upload", &[object(&noise(3, 101))]).await.1.contains("all datasets of ada"));
        assert_eq!(ask(&server, &ada, "ada/more", "upload", &[object(&noise(3, 100))]).await.0, ["upload"]);

        // A dataset that goes takes its bytes along.
        let path = "ada/data".parse().unwrap();
        let grant: DatasetGrant<Own> = server.app.access.authorize(&Actor::operator(), &path).await.unwrap();
        server.app.datasets.delete(&grant).await.unwrap();
        assert_eq!(usage(&server, "ada").await.bytes, 3000);
        assert_eq!(ask(&server, &ada, "ada/more", "upload", &[object(&noise(3, 500))]).await.0, ["upload"]);
        assert_counted(&server).await;
    }
}

story! {
    async fn the_configured_quota_applies_by_default(engine: Engine) {
        let server = Server::start_with(engine, |config| {
            config.quotas =
                Quotas { user_bytes: Some(3000), organisation_bytes: Some(2000), dataset_bytes: Some(1000) };
        })
        .await;
        let ada = ada(&server).await;
        server.organisation("ministry", &[(&ada, Role::Writer)]).await;
        server.dataset("ministry/census", Visibility::Private).await;
        // The answers say by how much.
        let bound = async |path: &str| {
            let mut most = 0;
            for size in [1000, 2000, 3000, 4000] {
                if ask(&server, &ada, path, "upload", &[object(&noise(1, size))]).await.0 == ["upload"] {
                    most = size;
                }
            }
            most
        };
        assert_eq!((bound("ada/data").await, bound("ministry/census").await), (1000, 1000));
        // A first push creates the dataset, also without quota.
        assert_eq!(bound("ada/new").await, 1000);
        server.quota("ada/data", "none").await;
        server.quota("ministry/census", "none").await;
        assert_eq!((bound("ada/data").await, bound("ministry/census").await), (3000, 2000));
        server.quota("ada", "none").await;
        server.quota("ministry", "0").await;
        assert_eq!((bound("ada/data").await, bound("ministry/census").await), (4000, 0));
        let found = usage(&server, "ada/data").await;
        assert_eq!((found.quota_bytes, found.datasets[0].quota_bytes), (None, None));
        server.quota("ada", "default").await;
        server.quota("ada/data", "2kB").await;
        assert_eq!(bound("ada/data").await, 2000);
        let found = usage(&server, "ada/data").await;
        assert_eq!((found.quota_bytes, found.datasets[0].quota_bytes), (Some(3000), Some(2000)));
        server.quota("ada/data", "default").await;
        assert_eq!(bound("ada/data").await, 1000);
        let audited = "SELECT COUNT(*) FROM audit WHERE action IN ('owner.quota', 'dataset.quota')";
        assert_eq!(count(&server.app.db, audited).await, 7);
    }
}

story! {
    async fn concurrent_uploads_never_exceed_the_quota(engine: Engine) {
        let server = Server::start_with(engine, |_| {}).await;
        // A second server on the same database and the same store.
        let config = server.app.config.clone();
        let other = Server::start_with(Engine::Sqlite, |its| *its = config).await;
        let ada = ada(&server).await;
        // Room for three, within one dataset, and among all of an owner.
        for (round, subject) in [(0, "ada/data"), (100, "ada")] {
            server.quota("ada/data", "none").await;
            let before = usage(&server, subject).await.bytes;
            server.quota(subject, &(before + 3 * 20_000 + 19_999).to_string()).await;
            let mut uploads = Vec::new();
            for number in 0..8 {
                let bytes = noise(round + number, 20_000);
                let path = if subject == "ada" && number % 2 == 1 { "ada/more" } else { "ada/data" };
                let through = if number < 4 { &server } else { &other };
                let (href, _) = through.upload_urls(&ada.token, path, &bytes).await;
                uploads.push((begun_upload(through, &href, bytes.len()).await, bytes));
            }
            let answers = send_at_once(uploads).await;
            let won = answers.iter().filter(|(status, _)| *status == 200).count();
            assert_eq!(won, 3, "{answers:?}");
            for (status, reply_body) in answers.into_iter().filter(|(status, _)| *status != 200) {
                let most = format!("of at most {}, and 1 new file would add 20.0 kB", amount(before + 79_999));
                assert!(status == 507 && reply_body.contains(&most), "{status} {reply_body}");
            }
            assert_eq!(usage(&server, subject).await.bytes - before, 3 * 20_000);
            assert_counted(&server).await;
        }
        // Refused objects are missing, and accepted once there is space.
        server.quota("ada", "none").await;
        let bytes: Vec<Vec<u8>> = (0..8).map(|number| noise(number, 20_000)).collect();
        let objects: Vec<Value> = bytes.iter().map(|bytes| object(bytes)).collect();
        let (answers, _) = ask(&server, &ada, "ada/data", "download", &objects).await;
        assert_eq!(answers.iter().filter(|answer| *answer == "download").count(), 3, "{answers:?}");
        server.quota("ada/data", "none").await;
        for bytes in &bytes {
            server.upload(&ada.token, "ada/data", bytes).await;
            assert!(download(&other, &ada, "ada/data", bytes).await);
        }
        assert_counted(&server).await;
    }
}

story! {
    async fn a_refused_object_does_not_affect_others(server: Server) {
        let (ada, ben) = (ada(&server).await, server.person("ben").await);
        server.dataset("ben/data", Visibility::Private).await;
        let mut uploads = Vec::new();
        for number in 0..30 {
            let bytes = noise(number, 5000);
            let (who, path) = match number % 3 {
                0 => (&ada, "ada/data"),
                1 => (&ada, "ada/more"),
                _ => (&ben, "ben/data"),
            };
            let (href, _) = server.upload_urls(&who.token, path, &bytes).await;
            uploads.push((begun_upload(&server, &href, bytes.len()).await, bytes));
        }
        // They are recorded in bundles.
        server.quota("ada/more", "4999").await;
        server.quota("ben", "1MB").await;
        for (number, (status, answer)) in send_at_once(uploads).await.into_iter().enumerate() {
            assert_eq!(status, if number % 3 == 1 { 507 } else { 200 }, "{answer}");
        }
        assert_eq!((usage(&server, "ada").await.objects, usage(&server, "ben").await.objects), (10, 10));
        assert_counted(&server).await;
    }
}

story! {
    async fn a_quota_below_the_usage_deletes_nothing(server: Server) {
        let ada = ada(&server).await;
        let (held, fresh) = (noise(1, 9000), noise(2, 10));
        server.upload(&ada.token, "ada/data", &held).await;
        let (href, _) = server.upload_urls(&ada.token, "ada/data", &fresh).await;
        server.quota("ada", "100").await;

        assert!(download(&server, &ada, "ada/data", &held).await);
        assert_eq!(ask(&server, &ada, "ada/data", "upload", &[object(&held)]).await.0, ["nothing"]);
        assert_eq!(ask(&server, &ada, "ada/data", "upload", &[object(&fresh)]).await.0, ["507"]);
        // With a URL from before: refused before the bytes are sent.
        let mut wire = RawConnection::open(&server).await;
        wire.request("PUT", &href, &["Content-Length: 10", "Expect: 100-continue"]).await;
        let (status, _, body) = wire.reply().await;
        let answer = String::from_utf8(body).unwrap();
        assert!(status == 507 && answer.contains("holds 9.00 kB of at most 100 B") || answer.contains("hold 9.00 kB of at most 100 B"), "{status} {answer}");

        // A damaged object counts already, and may be uploaded again.
        assert!(lose_object(&server, &ada, "ada/data", &held).await);
        let (answers, _) = ask(&server, &ada, "ada/data", "upload", &[object(&held), object(&fresh)]).await;
        assert_eq!(answers, ["upload", "507"]);
        server.upload(&ada.token, "ada/data", &held).await;
        assert!(download(&server, &ada, "ada/data", &held).await);
        assert_eq!(usage(&server, "ada").await.bytes, 9000);

        server.quota("ada", "9010").await;
        assert_eq!(Reply::of(server.http.put(href).body(fresh)).await.status, 200);
        assert_counted(&server).await;
    }
}

story! {
    async fn an_upload_in_parts_completes_once_there_is_room(engine: Engine) {
        let server = Server::start_with(engine, |config| config.limits.multipart_threshold = 1000).await;
        let ada = ada(&server).await;
        let bytes = noise(1, 5000);
        let body = json!({"operation": "upload", "transfers": ["multipart-basic"], "objects": [object(&bytes)]});
        let (_, reply) = server.batch(Some(&ada.token), "ada/data", &body).await;
        let actions = &reply["objects"][0]["actions"];
        let part = actions["parts"][0]["href"].as_str().unwrap_or_else(|| panic!("{reply}"));
        assert_eq!(Reply::of(server.http.put(part).body(bytes.clone())).await.status, 200);
        let href = |name: &str| actions[name]["href"].as_str().unwrap().to_owned();
        let proof = object(&bytes).to_string();

        server.quota("ada/data", "4999").await;
        let refused = Reply::of(server.http.post(href("commit")).body(proof.clone())).await;
        assert!(refused.status == 507 && refused.text().contains("would add 5.00 kB"), "{}", refused.text());
        assert_eq!(Reply::of(server.http.post(href("verify")).body(proof.clone())).await.status, 507);
        assert_eq!(usage(&server, "ada").await.objects, 0);
        // Nothing is to be sent again.
        server.quota("ada/data", "5000").await;
        assert_eq!(Reply::of(server.http.post(href("commit")).body(proof.clone())).await.status, 200);
        assert_eq!(Reply::of(server.http.post(href("verify")).body(proof)).await.status, 200);
        assert!(download(&server, &ada, "ada/data", &bytes).await);
        assert_counted(&server).await;
    }
}

story! {
    async fn git_lfs_shows_the_quota_message(server: Server) {
        let ada = ada(&server).await;
        let work = server.tree("work");
        work.with_lfs(&server.remote(&ada, "ada/data"));
        work.write("a.bin", noise(1, 30_000));
        work.commit("a");
        work.git(&["push", "-q", "origin", "main"]);
        server.quota("ada/data", "50kB").await;
        work.write("b.bin", noise(2, 30_000));
        work.commit("b");
        let said = work.git_fails(&["push", "origin", "main"]);
        for part in ["over quota", "ada/data", "of at most 50.0 kB", "would add 30.0 kB", "for a larger quota"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        server.quota("ada/data", "65kB").await;
        work.git(&["push", "-q", "origin", "main"]);
        let clone = server.clone(&ada, "ada/data", "clone");
        assert!(clone.read("a.bin") == noise(1, 30_000) && clone.read("b.bin") == noise(2, 30_000));
        assert_counted(&server).await;
    }
}

/// A revision in which the dataset has this file, or has it no more.
async fn commit(server: &Server, path: &str, file: u64, pointer: Option<Pointer>) -> Result<(), String> {
    let grant: DatasetGrant<Write> =
        server.app.access.authorize(&Actor::operator(), &path.parse().unwrap()).await.unwrap();
    let path: FilePath = format!("{file}.bin").parse().unwrap();
    let edit = match pointer {
        Some(pointer) => Edit::Put { path, content: Content::Pointer(pointer), executable: false },
        None => Edit::Delete { path },
    };
    let done = server.app.datasets.commit_operations(&grant, vec![edit], CommitMeta::default(), None).await;
    done.map(drop).map_err(|refusal| refusal.error.to_string())
}

/// After random operations the counted usage equals the stored usage.
///
/// Returns how many objects were released, given back, refused and restored.
async fn run_random_schedule(engine: Engine, seed: u64) -> [u64; 4] {
    let server = Server::start_with(engine, |config| config.gc.enabled = false).await;
    let ada = ada(&server).await;
    server.quota("ada/data", "60kB").await;
    server.quota("ada", "100kB").await;
    let choices = noise(seed, 4 * 120);
    let (mut released, mut restored, mut refused, mut healed) = (0, 0, 0, 0);
    for choice in choices.chunks(4) {
        let path = if choice[0] < 128 { "ada/data" } else { "ada/more" };
        let bytes = noise(u64::from(choice[1] % 16) + 1, 1000 * (1 + usize::from(choice[1] % 16)));
        let pointer = Pointer { oid: Oid::of(&bytes), size: bytes.len() as u64, extensions: Vec::new() };
        match choice[2] % 16 {
            0..7 => {
                let (answers, _) = ask(&server, &ada, path, "upload", &[object(&bytes)]).await;
                if answers == ["507"] {
                    refused += 1;
                } else {
                    server.upload(&ada.token, path, &bytes).await;
                    if choice[3] < 100 {
                        let done = commit(&server, path, u64::from(choice[3]), Some(pointer)).await;
                        assert!(done.is_ok() || done == Err("nothing would change".into()), "{done:?}");
                    }
                }
            }
            7..10 => {
                let summary = server.app.collector.run(None, false, |_| {}).await.unwrap();
                assert_eq!(summary.problems, Vec::<String>::new());
                released += summary.released.0;
                server.clock.advance(Duration::from_hours(24 * u64::from(choice[3] % 16)));
            }
            10..12 => restored += u64::try_from(server.app.storage.restore(None).await.unwrap()).unwrap(),
            12..14 if lose_object(&server, &ada, path, &bytes).await => {
                let (answers, _) = ask(&server, &ada, path, "upload", &[object(&bytes)]).await;
                assert_eq!(answers, ["upload"], "it is counted already");
                if choice[3] < 128 {
                    server.upload(&ada.token, path, &bytes).await;
                }
                healed += 1;
            }
            14 => _ = commit(&server, path, u64::from(choice[3] % 100), None).await,
            _ if choice[3] < 100 => {
                let name = path.parse().unwrap();
                let grant: DatasetGrant<Own> = server.app.access.authorize(&Actor::operator(), &name).await.unwrap();
                server.app.datasets.delete(&grant).await.unwrap();
                server.dataset(path, Visibility::Private).await;
            }
            _ => {}
        }
        assert_counted(&server).await;
        let found = usage(&server, "ada").await;
        // Above it, git has what it may take so that files can be deleted.
        assert!(found.bytes <= 100_000 + 64_000 || restored > 0, "only an undo may lead past a quota: {found:?}");
        assert_eq!(found.bytes, found.datasets.iter().map(|dataset| dataset.bytes).sum::<u64>());
    }
    assert_eq!(server.app.storage.recount().await.unwrap(), []);
    [released, restored, refused, healed]
}

story! {
    async fn counted_usage_equals_stored_usage(engine: Engine) {
        let mut seen = [0; 4];
        for seed in [3, 17, 2026] {
            for (sum, number) in seen.iter_mut().zip(run_random_schedule(engine, seed).await) {
                *sum += number;
            }
        }
        assert!(seen.iter().all(|number| *number > 0), "{seen:?}");
    }
}

story! {
    async fn a_wrong_count_is_found_and_corrected(server: Server) {
        let ada = ada(&server).await;
        server.upload(&ada.token, "ada/data", &noise(1, 1000)).await;
        server.upload(&ada.token, "ada/more", &noise(1, 1000)).await;
        assert_eq!(server.app.storage.recount().await.unwrap(), []);
        execute(&server.app.db, "UPDATE usage SET bytes = 7, objects = 3 WHERE repo_id IN (SELECT id FROM dataset WHERE name = 'data')").await;
        execute(&server.app.db, "DELETE FROM usage WHERE repo_id IN (SELECT id FROM dataset WHERE name = 'more')").await;
        let wrong = server.app.storage.recount().await.unwrap();
        assert_eq!(wrong, [("ada/data".to_owned(), 993, -2), ("ada/more".to_owned(), 1000, 1)]);
        assert_eq!(usage(&server, "ada").await.bytes, 2000);
        assert_counted(&server).await;
    }
}

story! {
    async fn an_object_accepted_with_a_wrong_size_is_recounted(server: Server) {
        ada(&server).await;
        let now = server.clock.now();
        let mut repos: Vec<Id> = Vec::new();
        for path in ["ada/data", "ada/more"] {
            repos.push(server.app.db.read().await.unwrap().dataset(&path.parse().unwrap()).await.unwrap().unwrap().id);
        }
        let arrival = |repo, size| {
            let (oid, store) = (Oid::of(b"promised"), "default".to_owned());
            NewObject { repo, oid, size, store, place: "0011223344556677".into(), xorb: None, packed: None }
        };
        let mut tx = server.app.db.write().await.unwrap();
        assert_eq!(tx.hold_unproven(&arrival(repos[0], 5000), now).await.unwrap(), Some(true));
        tx.add_usage(repos[0], 5000, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert_counted(&server).await;

        // Another user has the real one.
        let real = arrival(repos[1], 8);
        let mut tx = server.app.db.write().await.unwrap();
        assert_eq!(tx.object_target(&real).await.unwrap().unwrap().known_bytes, Some(5000));
        tx.resize(&real).await.unwrap();
        assert!(tx.hold(&real, now).await.unwrap());
        tx.add_usage(repos[1], 8, 1).await.unwrap();
        // Proven sizes stay.
        tx.resize(&arrival(repos[1], 9)).await.unwrap();
        tx.commit().await.unwrap();
        assert_counted(&server).await;
        assert_eq!(usage(&server, "ada").await.bytes, 16);
    }
}
