//! Several servers that know nothing of each other, and one installation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lfs::Oid;

use crate::audit;
use crate::client::Client;
use crate::harness::{self, Tree, assert_success, noise};
use crate::house::{DATABASE, House, environment};
use crate::ledger::Ledger;
use crate::people::{Author, Dice, Doom};
use crate::scene::{Cloud, Scene, is_real, story};

/// For how long servers are killed, in seconds, where there is time, and where there is not.
const SECONDS: u64 = 60;
const FEW_SECONDS: u64 = 8;

story! {
    async fn servers_come_and_go_and_nothing_acknowledged_is_lost() {
        let number = |name: &str| environment(name).and_then(|text| text.parse().ok());
        let seconds = number("RUTTER_TEST_CLOUD_SECONDS").unwrap_or(if is_real() { SECONDS } else { FEW_SECONDS });
        let seed = number("RUTTER_TEST_SEED").unwrap_or_else(|| u64::from_le_bytes(rutter::clock::random()));
        println!("{seconds} s, RUTTER_TEST_SEED={seed}");
        let mut dice = Dice(seed);
        let cloud = Cloud::shared().await;
        let mut scene = cloud.scene(3, &[]).await;
        let (house, ledger, doom) = (Arc::clone(&scene.house), Arc::new(Ledger::default()), Doom::default());
        let mut authors = authors(&house, &mut dice);
        for author in &mut authors {
            assert!(author.push_one(&ledger, &doom));
        }

        let mut people = Vec::new();
        for author in authors {
            people.push(thread(&house, &ledger, &doom, author, |author, house, ledger, doom| {
                author.persist(house, ledger, doom);
            }));
        }
        people.push(thread(&house, &ledger, &doom, Dice(dice.next()), |reader, house, ledger, doom| {
            clone_until(reader, house, ledger, doom);
        }));
        let uploads: Vec<_> = (0..2)
            .map(|_| {
                let (client, dice) = (scene.ada(), Dice(dice.next()));
                tokio::spawn(upload_until(client, Arc::clone(&ledger), doom.clone(), dice))
            })
            .collect();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(seconds) {
            tokio::time::sleep(Duration::from_millis(200 + dice.below(1500))).await;
            fall_and_rise(&mut scene, &doom, &mut dice).await;
            ledger.book().count("servers killed");
        }
        doom.strike();
        for upload in uploads {
            upload.await.unwrap();
        }
        for person in people {
            person.await_end().await;
        }

        // Nobody of those who were there is left to tell.
        for place in 0..3 {
            scene.kill(place);
            scene.wipe(place);
            scene.start(place).await;
        }
        audit::look_around(&house, &ledger, &mut dice).await;
        audit::look_at_everything(&house, &ledger).await;
        content_is_whole(&house, "ada/shared");
        scene.compare_bucket_and_rows().await;
        let served = scene.proxy.served();
        assert!(served.iter().all(|count| *count > 0), "the proxy went to {served:?}");
        let tally = ledger.book().tally.clone();
        for (what, count) in &tally {
            println!("{count:6} {what}");
        }
        assert!(tally["pushes acknowledged"] > 5 && tally["clones"] > 0 && tally["uploads acknowledged"] > 0, "{tally:?}");
    }
}

/// Two with LFS in one dataset, two without in another.
fn authors(house: &House, dice: &mut Dice) -> Vec<Author> {
    [
        ("ada", "ada/shared", true, 300_000),
        ("bea", "ada/shared", true, 3_000),
        ("cleo", "ada/plain", false, 150_000),
        ("dora", "ada/plain", false, 500),
    ]
    .map(|(name, dataset, lfs, size)| Author::new(house, name, dataset, lfs, size, Dice(dice.next())))
    .into()
}

/// One server is killed, and comes up again with or without what it had.
async fn fall_and_rise(scene: &mut Scene, doom: &Doom, dice: &mut Dice) {
    let place = usize::try_from(dice.below(3)).unwrap();
    doom.disturb();
    scene.kill(place);
    doom.disturb();
    if !dice.one_in(3) {
        scene.wipe(place);
    }
    tokio::time::sleep(Duration::from_millis(dice.below(500))).await;
    scene.start(place).await;
}

/// A thread for somebody who runs programs.
struct Person(tokio::sync::oneshot::Receiver<()>, std::thread::JoinHandle<()>);

fn thread<T: Send + 'static>(
    house: &Arc<House>,
    ledger: &Arc<Ledger>,
    doom: &Doom,
    mut who: T,
    work: impl FnOnce(&mut T, &House, &Ledger, &Doom) + Send + 'static,
) -> Person {
    let (house, ledger, doom) = (Arc::clone(house), Arc::clone(ledger), doom.clone());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let handle = std::thread::spawn(move || {
        // Dropped at the end, also of a panic.
        let _sender = sender;
        work(&mut who, &house, &ledger, &doom);
    });
    Person(receiver, handle)
}

impl Person {
    async fn await_end(self) {
        let _ = self.0.await;
        if let Err(panic) = self.1.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Clones again and again. What was acknowledged before a clone began is in it.
fn clone_until(dice: &mut Dice, house: &House, ledger: &Ledger, doom: &Doom) {
    for number in 0.. {
        if doom.struck() {
            return;
        }
        let dataset = if dice.one_in(2) { "ada/plain" } else { "ada/shared" };
        let author = if dataset == "ada/plain" { "cleo" } else { "ada" };
        let promised = ledger.book().at(dataset, &format!("refs/heads/{author}")).unwrap();
        let clone = house.tree(&format!("clone-{number}"));
        let disturbances = doom.disturbances();
        let output = clone.try_git(&["clone", "-q", "-b", author, &house.remote(dataset), "."]);
        if output.status.success() {
            clone.git(&["fsck", "--strict"]);
            clone.git(&["merge-base", "--is-ancestor", &promised, "HEAD"]);
            ledger.book().count("clones");
        } else {
            doom.blame(disturbances, &harness::text(&output));
            ledger.book().count("clones cut off");
        }
        std::fs::remove_dir_all(&clone.folder).unwrap();
    }
}

/// A program that uploads until the end.
async fn upload_until(client: Client, ledger: Arc<Ledger>, doom: Doom, mut dice: Dice) {
    while !doom.struck() {
        let magnitude = 10 + dice.below(12);
        let length = 1 + dice.below(1 << magnitude);
        let bytes = dice.bytes(length);
        let object = ("ada/shared".to_owned(), Oid::of(&bytes));
        let disturbances = doom.disturbances();
        ledger.book().begun.insert(object.clone(), length);
        match client.upload("ada/shared", &bytes).await {
            Ok(true) => {
                let mut book = ledger.book();
                book.count("uploads acknowledged");
                book.held.insert(object, length);
            }
            outcome => {
                doom.blame(disturbances, &format!("an upload: {outcome:?}"));
                ledger.book().count("uploads cut off");
            }
        }
    }
}

/// Every branch of a dataset, with all content.
fn content_is_whole(house: &House, dataset: &str) {
    let clone = house.tree(&format!("whole/{dataset}"));
    clone.git(&["clone", "-q", &house.remote(dataset), "."]);
    clone.git(&["lfs", "fetch", "--all"]);
    for branch in clone.git(&["for-each-ref", "--format=%(refname:short)", "refs/remotes/origin"]).lines() {
        clone.git(&["lfs", "fsck", "--objects", branch]);
    }
}

story! {
    async fn what_one_server_took_the_others_have_at_once() {
        let cloud = Cloud::shared().await;
        let scene = cloud.scene(3, &[]).await;
        let (work, readers) = (scene.house.tree("work"), ["one", "two"].map(|name| scene.house.tree(name)));
        work.git(&["init", "-q", "-b", "main"]);
        work.with_lfs(&remote_at(&scene, 0));
        for (place, reader) in readers.iter().enumerate() {
            reader.git(&["init", "-q", "-b", "main"]);
            reader.git(&["remote", "add", "origin", &remote_at(&scene, place + 1)]);
            reader.git(&["lfs", "install", "--local"]);
        }
        for round in 0..6 {
            // Below and above what fits into a row.
            work.write("table.csv", noise(round, if round % 2 == 0 { 100_000 } else { 100 }));
            work.write("scan.bin", noise(100 + round, 20_000));
            let head = work.commit(&format!("Round {round}"));
            work.git(&["push", "-q", "origin", "main"]);
            for reader in &readers {
                reader.git(&["pull", "-q", "--ff-only", "origin", "main"]);
                assert_eq!(reader.git(&["rev-parse", "HEAD"]), head);
                assert!(reader.read("scan.bin") == noise(100 + round, 20_000));
            }
        }
        // And the other way round.
        readers[1].write("answer.txt", "seen\n");
        let head = readers[1].commit("Seen");
        readers[1].git(&["push", "-q", "origin", "main"]);
        work.git(&["pull", "-q", "--ff-only", "origin", "main"]);
        assert_eq!(work.git(&["rev-parse", "HEAD"]), head);
    }
}

fn remote_at(scene: &Scene, place: usize) -> String {
    let host = scene.url(place).replace("http://", "");
    format!("http://ada:{}@{host}/ada/data.git", scene.house.token)
}

/// A tree with some history, pushed through the proxy.
fn published(scene: &Scene, revisions: u64) -> Tree {
    let work = scene.house.tree("work");
    work.git(&["init", "-q", "-b", "main"]);
    work.with_lfs(&scene.house.remote("ada/data"));
    for revision in 0..revisions {
        work.write(&format!("table-{}.csv", revision % 7), noise(revision, 90_000));
        work.write("scan.bin", noise(1000 + revision, 30_000));
        work.commit(&format!("Revision {revision}"));
        work.git(&["push", "-q", "origin", "main"]);
    }
    work
}

/// A clone of what `published` made is whole.
fn clones_well(scene: &Scene, name: &str, work: &Tree) {
    let clone = scene.house.tree(name);
    clone.git(&["clone", "-q", &scene.house.remote("ada/data"), "."]);
    clone.git(&["fsck", "--strict"]);
    clone.git(&["lfs", "fsck"]);
    assert_eq!(clone.git(&["rev-parse", "HEAD"]), work.git(&["rev-parse", "HEAD"]));
}

story! {
    async fn a_server_with_an_empty_disk_serves_all_there_is() {
        let cloud = Cloud::shared().await;
        let mut scene = cloud.scene(1, &[]).await;
        let work = published(&scene, 12);
        for round in 0..2 {
            scene.kill(0);
            scene.wipe(0);
            scene.start(0).await;
            clones_well(&scene, &format!("clone-{round}"), &work);
        }
        // The first thing that an empty server is asked may as well be to write.
        scene.kill(0);
        scene.wipe(0);
        scene.start(0).await;
        work.write("more.csv", noise(77, 90_000));
        work.commit("More");
        work.git(&["push", "-q", "origin", "main"]);
        clones_well(&scene, "clone", &work);
        assert_success(&scene.house.rutter(&["fsck"]), "rutter fsck");
    }
}

story! {
    async fn the_cache_may_vanish_at_any_moment() {
        let cloud = Cloud::shared().await;
        let scene = cloud.scene(1, &[]).await;
        let work = published(&scene, 4);
        let (doom, cache) = (Doom::default(), scene.folder(0).join("cache"));
        let vandal = std::thread::spawn({
            let doom = doom.clone();
            move || {
                while !doom.struck() {
                    // Somebody may be writing there: what cannot be deleted now, is later.
                    let _ = std::fs::remove_dir_all(&cache);
                    std::thread::sleep(Duration::from_millis(40));
                }
            }
        });
        let mut failures = 0;
        for round in 0..10 {
            work.write("table-0.csv", noise(500 + round, 90_000));
            work.commit("While the cache vanishes");
            failures += u32::from(!work.try_git(&["push", "-q", "origin", "main"]).status.success());
            let clone = scene.house.tree(&format!("clone-{round}"));
            let output = clone.try_git(&["clone", "-q", &scene.house.remote("ada/data"), "."]);
            failures += u32::from(!output.status.success());
        }
        doom.strike();
        vandal.join().unwrap();
        println!("{failures} of 20 were disturbed");
        work.git(&["push", "-q", "origin", "main"]);
        clones_well(&scene, "clone", &work);
        assert_success(&scene.house.rutter(&["fsck"]), "rutter fsck");
    }
}

story! {
    async fn two_servers_may_share_a_cache() {
        let cloud = Cloud::shared().await;
        let shared = tempfile::tempdir().unwrap();
        let mut scene = cloud.scene(2, &[("RUTTER_CACHE", shared.path().to_str().unwrap())]).await;
        let (house, ledger, doom) = (Arc::clone(&scene.house), Arc::new(Ledger::default()), Doom::default());
        let mut dice = Dice(11);
        let mut authors = authors(&house, &mut dice);
        for author in &mut authors {
            assert!(author.push_one(&ledger, &doom));
        }
        let mut people = Vec::new();
        for author in authors {
            people.push(thread(&house, &ledger, &doom, author, |author, house, ledger, doom| {
                author.persist(house, ledger, doom);
            }));
        }
        people.push(thread(&house, &ledger, &doom, Dice(dice.next()), |reader, house, ledger, doom| {
            clone_until(reader, house, ledger, doom);
        }));
        for round in 0..4 {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            // A start tidies the cache, in which another is at work.
            doom.disturb();
            scene.kill(round % 2);
            doom.disturb();
            scene.start(round % 2).await;
        }
        tokio::time::sleep(Duration::from_millis(1500)).await;
        doom.strike();
        for person in people {
            person.await_end().await;
        }
        audit::look_around(&house, &ledger, &mut dice).await;
        audit::look_at_everything(&house, &ledger).await;
    }
}

story! {
    async fn servers_that_start_together_on_an_empty_database_all_start() {
        let cloud = Cloud::shared().await;
        let scene = cloud.empty_scene(3, &[]).await;
        for _ in 0..3 {
            let empty = harness::fresh_postgres(&harness::postgres().unwrap()).await;
            let mut running: Vec<_> = (0..3).map(|place| scene.begin(place, &[(DATABASE, &empty)])).collect();
            let mut keys = Vec::new();
            for (place, running) in running.iter_mut().enumerate() {
                scene.house.await_ready_at(&scene.url(place), running).await;
                let published = format!("{}/.well-known/jwks.json", scene.url(place));
                keys.push(scene.house.http.get(published).send().await.unwrap().text().await.unwrap());
            }
            assert!(keys[0].contains("\"kty\"") && keys.iter().all(|key| *key == keys[0]), "one key for all: {keys:?}");
            for (place, running) in running.into_iter().enumerate() {
                running.kill();
                scene.wipe(place);
            }
        }
    }
}
