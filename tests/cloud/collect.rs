//! Collecting garbage from a bucket, while bytes go past the server: what anybody uses never goes, and what nobody uses
//! does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lfs::Oid;
use rutter::access::{Actor, DatasetGrant, Own};
use rutter::app::App;
use rutter::db::Tx;
use rutter::types::Visibility;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::harness::{Engine, Person, Server, environment, noise};
use crate::parts::{BARE, cut, try_cut};
use crate::race::{Chance, Pusher, from_pool, pointers};
use crate::scene::{Cloud, LATER, Scene, collect, story};

/// The installation, with a server in this process. One that collects has a grace period of so many seconds: short, for
/// the keys of a bucket get no older by being told so. It must be long enough from the sending of an object to telling
/// that it is there. At the others URLs are good for longer: git-lfs does not go where only seconds are left.
async fn server(scene: &Scene, name: &str, grace: Option<u32>) -> Server {
    Server::start_with(Engine::Sqlite, |config| {
        *config = scene.config();
        config.data = scene.house.folder(name);
        config.limits.multipart_threshold = 1000;
        if let Some(grace) = grace {
            (config.gc.grace, config.ttl.action) = (grace.into(), grace / 2);
        }
    })
    .await
}

/// Time passes for all rows at once, as it would for an installation that rests. The keys in the bucket and URLs that
/// are signed stay as young as they are.
async fn pass(server: &Server, span: Duration) {
    let span = span.as_millis();
    for (table, columns) in [
        ("holding", &["unused_since", "released_at"][..]),
        ("object", &["orphaned_at"]),
        ("git_ref_log", &["at"]),
        ("git_pack", &["added_at", "retired_at"]),
        ("git_upload", &["created_at"]),
        ("upload", &["expires_at"]),
    ] {
        let edits: Vec<String> = columns.iter().map(|column| format!("{column} = {column} - {span}")).collect();
        let mut tx = server.app.db.write().await.unwrap();
        let Tx::Postgres(transaction) = &mut tx else { panic!("servers share a PostgreSQL") };
        // Rows that are changed in another order than others change them would be a deadlock.
        for statement in
            [format!("LOCK TABLE {table} IN EXCLUSIVE MODE"), format!("UPDATE {table} SET {}", edits.join(", "))]
        {
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut **transaction).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

async fn delete(app: &App, dataset: &str) {
    let grant: DatasetGrant<Own> = app.access.authorize(&Actor::operator(), &dataset.parse().unwrap()).await.unwrap();
    app.datasets.delete(&grant).await.unwrap();
}

/// Sends an object in one of the ways that there are; it may be refused, and there may be nothing to send.
async fn send(client: &Client, dataset: &str, bytes: &[u8], way: u64) {
    let (oid, size) = (Oid::of(bytes), bytes.len());
    match way {
        0 => drop(client.upload(dataset, bytes).await.unwrap()),
        1 => drop(client.called(BARE).upload(dataset, bytes).await.unwrap()),
        _ => {
            let Ok(begun) = try_cut(client, dataset, oid, size as u64).await else { return };
            for (part, _, _) in &begun.parts {
                client.put(part, bytes).await.unwrap();
            }
            begun.try_end(client).await;
        }
    }
}

story! {
    each async fn what_nobody_uses_goes_from_the_bucket_step_by_step(cloud: Cloud) {
        let scene = cloud.scene(1, &[]).await;
        let (ada, work) = (scene.ada(), scene.house.tree("work"));
        let (kept, left, alone) = (noise(1, 4000), noise(2, 5000), noise(3, 6000));
        work.git(&["init", "-q", "-b", "main"]);
        work.with_lfs(&scene.house.remote("ada/data"));
        work.write("data.bin", &kept);
        let base = work.commit("Kept");
        work.write("data.bin", &left);
        let last = work.commit("Left");
        work.git(&["push", "-q", "origin", "main"]);
        work.git(&["push", "-q", "--force", "origin", &format!("{base}:main")]);
        // Another dataset shares one object with it, and has one of its own.
        for bytes in [&kept, &alone] {
            assert!(ada.upload("ada/gone", bytes).await.unwrap());
        }
        let names = |objects: &[&Vec<u8>]| -> BTreeSet<String> {
            objects.iter().map(|bytes| Oid::of(bytes).to_string()).collect()
        };
        let lying = async || scene.bucket.objects().await.into_keys().collect::<BTreeSet<_>>();
        scene.collect(Duration::ZERO).await;
        delete(&scene.after(Duration::ZERO).await, "ada/gone").await;
        // Marked, released, deleted; what no dataset holds need not be released.
        scene.collect(LATER).await;
        assert_eq!(lying().await, names(&[&kept, &left, &alone]));
        scene.collect(LATER * 2).await;
        assert_eq!(lying().await, names(&[&kept, &left]));
        assert_eq!(ada.download("ada/data", Oid::of(&left), left.len()).await, None);
        scene.collect(LATER * 3).await;
        assert_eq!(lying().await, names(&[&kept]));
        assert!(ada.download("ada/data", Oid::of(&kept), kept.len()).await.as_ref() == Some(&kept));
        scene.expect_nothing_else_in_the_bucket().await;

        // Whoever still has it can bring it back, history included.
        work.git(&["push", "-q", "--force", "origin", &format!("{last}:main")]);
        let clone = scene.house.tree("clone");
        clone.git(&["clone", "-q", &scene.house.remote("ada/data"), "."]);
        clone.git(&["lfs", "fetch", "--all"]);
        clone.git(&["lfs", "fsck", "--objects"]);
        assert!(clone.read("data.bin") == left);
        scene.expect_nothing_else_in_the_bucket().await;
    }
}

story! {
    real async fn an_upload_that_took_longer_than_the_grace_period_is_no_stray() {
        let scene = Cloud::shared().await.empty_scene(0, &[]).await;
        let (server, collector) = (server(&scene, "one", None).await, server(&scene, "two", Some(2)).await);
        let ada = scene.ada().at(server.url.clone());
        let bytes = noise(1, 40_000_000);
        let (oid, size) = (Oid::of(&bytes), bytes.len());
        let begun = cut(&ada, "ada/data", oid, size as u64).await;
        for (part, position, length) in &begun.parts {
            let start = usize::try_from(*position).unwrap();
            let piece = &bytes[start..start + usize::try_from(*length).unwrap()];
            assert_eq!(ada.put(part, piece).await.unwrap(), 200);
        }
        // What the bucket then makes of it is as old as its beginning.
        tokio::time::sleep(collector.app.collector.grace() + Duration::from_secs(1)).await;
        let ended = CancellationToken::new();
        let ending = async {
            let told = begun.try_end(&ada).await;
            ended.cancel();
            told
        };
        let collecting = async {
            while !ended.is_cancelled() {
                collect(&collector.app).await;
            }
        };
        let (told, ()) = tokio::join!(ending, collecting);
        assert_eq!(told.status(), 200, "{}", told.text().await.unwrap());
        collect(&collector.app).await;
        assert!(ada.download("ada/data", oid, size).await == Some(bytes));
        scene.expect_nothing_else_in_the_bucket().await;
    }
}

/// What refs name is there, to the last byte, and all rows have their keys. Gives the objects.
async fn is_whole(scene: &Scene, server: &Server, ada: &Person, pushers: &[Pusher], begin: &str) -> usize {
    let name = format!("mirror-{}", hex::encode(rutter::clock::random::<4>()));
    let mirror = server.clone_with(ada, "ada/data", &name, &["--mirror"]);
    mirror.git(&["fsck", "--strict", "--no-dangling"]);
    let refs = mirror.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
    let refs: BTreeMap<&str, &str> = refs.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let acknowledged = pushers.iter().flat_map(|pusher| &pusher.refs);
    let mut acknowledged: BTreeMap<&str, &str> = acknowledged.map(|(name, id)| (name.as_str(), id.as_str())).collect();
    acknowledged.insert("refs/heads/main", begin);
    assert_eq!(refs, acknowledged, "what was acknowledged is there, and nothing else");
    let named = pointers(&mirror);
    let reader = scene.ada().at(server.url.clone());
    for (oid, size) in &named {
        let got = reader.download("ada/data", oid.parse().unwrap(), usize::try_from(*size).unwrap()).await;
        assert!(got.is_some(), "a ref names {oid}");
    }
    let report = server.app.checker.run(None, true, |_| {}).await.unwrap();
    assert!(report.clean, "{report:?}");
    named.len()
}

/// Somebody who makes datasets and deletes them, and sends the same objects to them, and to that of the others, in all
/// ways there are.
async fn come_and_go(servers: &[Server; 2], scene: &Scene, seed: u64, ended: &CancellationToken) {
    let mut chance = Chance(seed);
    for number in 0.. {
        if ended.is_cancelled() {
            return;
        }
        let server = &servers[number % 2];
        let (path, client) = (format!("ada/other-{number}"), scene.ada().at(server.url.clone()));
        server.dataset(&path, Visibility::Private).await;
        for _ in 0..=chance.below(3) {
            let (bytes, way) = (from_pool(&mut chance), chance.below(3));
            send(&client, if chance.below(3) == 0 { "ada/data" } else { &path }, &bytes, way).await;
        }
        tokio::time::sleep(Duration::from_millis(chance.below(200))).await;
        delete(&server.app, &path).await;
    }
}

/// Collects until the others have ended, while weeks go by.
async fn collect_all_the_time(server: &Server, seed: u64, ended: &CancellationToken) {
    let mut chance = Chance(seed);
    let (mut runs, mut released, mut deleted, mut dropped) = (0, 0, 0, 0);
    while !ended.is_cancelled() {
        let span = server.app.collector.grace() * u32::try_from(chance.below(3)).unwrap() / 2;
        pass(server, span + Duration::from_secs(1)).await;
        let summary = collect(&server.app).await;
        runs += 1;
        released += summary.released.0;
        deleted += summary.deleted.0;
        dropped += summary.git.0;
        match chance.below(5) {
            0 => drop(server.app.storage.restore(None).await.unwrap()),
            1 => drop(server.app.worker.run_due().await.unwrap()),
            2 => {
                // No row without its key, at any moment.
                let report = server.app.checker.run(None, false, |_| {}).await.unwrap();
                assert!(report.clean, "{report:?}");
            }
            _ => tokio::time::sleep(Duration::from_millis(chance.below(200))).await,
        }
    }
    eprintln!("{runs} runs released {released} and deleted {deleted} objects, and dropped {dropped} of git");
}

/// One random schedule: three people push to one dataset through two servers, somebody else sends the same objects and
/// deletes datasets, and all the time garbage is collected.
#[expect(clippy::disallowed_methods, reason = "git runs on threads of the test, not of the server")]
async fn schedule(cloud: &Cloud, seed: u64) {
    eprintln!("seed {seed}");
    let scene = cloud.empty_scene(0, &[]).await;
    let servers = [server(&scene, "one", None).await, server(&scene, "two", None).await];
    let collector = server(&scene, "three", Some(6)).await;
    let ada = Person { name: "ada".to_owned(), token: scene.house.token.clone() };
    let tree = |server: &Server, name: &str| {
        let tree = server.tree(name);
        tree.with_lfs(&server.remote(&ada, "ada/data"));
        tree
    };
    // The default branch cannot be deleted; let it be none of theirs.
    let main = tree(&servers[0], "main");
    main.write("data.bin", noise(999, 1000));
    let begin = main.commit("Begin");
    main.git(&["push", "-q", "origin", "main"]);
    let pushers = (0..3).map(|number| {
        let tree = tree(&servers[number % 2], &format!("pusher-{number}"));
        Pusher::new(tree, seed * 1000 + number as u64, &format!("ref-{number}"))
    });
    let pushers: Vec<Pusher> = pushers.collect();
    let ended = CancellationToken::new();
    let pushing = async {
        let acting = pushers.into_iter().map(|mut pusher| {
            tokio::task::spawn_blocking(move || {
                (0..10).for_each(|_| pusher.act());
                pusher
            })
        });
        let mut done = Vec::new();
        for task in acting.collect::<Vec<_>>() {
            done.push(task.await.unwrap());
        }
        ended.cancel();
        done
    };
    let (mut pushers, (), ()) = tokio::join!(
        pushing,
        collect_all_the_time(&collector, seed * 1000 + 10, &ended),
        come_and_go(&servers, &scene, seed * 1000 + 20, &ended),
    );

    let refused: usize = pushers.iter().map(|pusher| pusher.refused).sum();
    eprintln!("{refused} pushes had to be tried again");
    for pusher in &mut pushers {
        let before = pusher.refused;
        pusher.tree.write("last.bin", from_pool(&mut pusher.chance));
        let commit = pusher.tree.commit("Last");
        pusher.push(&format!("refs/heads/{}", pusher.name), Some(commit));
        assert_eq!(pusher.refused, before, "nobody was in the way");
    }
    is_whole(&scene, &servers[0], &ada, &pushers, &begin).await;
    for weeks in 2..6 {
        scene.collect(LATER * weeks).await;
    }
    let named = is_whole(&scene, &servers[1], &ada, &pushers, &begin).await;
    scene.expect_nothing_else_in_the_bucket().await;
    assert_eq!(scene.bucket.objects().await.len(), named, "nothing is left but what refs name");
}

story! {
    real async fn a_collection_races_with_pushes_uploads_and_deletions() {
        // More of them: RUTTER_TEST_SCHEDULES=100.
        let wanted = environment("RUTTER_TEST_SCHEDULES").and_then(|number| number.to_str()?.parse().ok());
        let first = u64::from(std::process::id());
        for seed in first..first + wanted.unwrap_or(1) {
            schedule(&Cloud::shared().await, seed).await;
        }
    }
}
