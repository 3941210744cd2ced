//! Several servers that know nothing of each other, and one installation.

use std::time::{Duration, Instant};

use crate::crew::Crew;
use crate::harness::{self, Tree, assert_success, noise};
use crate::house::{DATABASE, environment};
use crate::people::{Dice, Doom};
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
        let mut crew = Crew::begin(&scene, &mut dice);
        let begin = Instant::now();
        let killing = async {
            while begin.elapsed() < Duration::from_secs(seconds) {
                tokio::time::sleep(Duration::from_millis(200 + dice.below(1500))).await;
                fall_and_rise(&mut scene, &crew.doom, &mut dice).await;
                crew.ledger.book().count("servers killed");
            }
        };
        crew.while_they_work(killing).await;
        crew.end().await;

        // Nobody of those who were there is left to tell.
        for place in 0..3 {
            scene.kill(place);
            scene.wipe(place);
            scene.start(place).await;
        }
        crew.audit(&scene, &mut dice).await;
        let served = scene.proxy.served();
        assert!(served.iter().all(|count| *count > 0), "the proxy went to {served:?}");
    }
}

/// One server is killed, and comes up again with or without what it had.
async fn fall_and_rise(scene: &mut Scene, doom: &Doom, dice: &mut Dice) {
    let place = usize::try_from(dice.below(3)).unwrap();
    scene.kill_disturbing(place, doom).await;
    if !dice.one_in(3) {
        scene.wipe(place);
    }
    tokio::time::sleep(Duration::from_millis(dice.below(500))).await;
    scene.start(place).await;
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
        let mut dice = Dice(11);
        let mut crew = Crew::begin(&scene, &mut dice);
        let killing = async {
            for round in 0..4 {
                tokio::time::sleep(Duration::from_millis(1500)).await;
                scene.kill_disturbing(round % 2, &crew.doom).await;
                // A start tidies the cache, in which another is at work.
                scene.start(round % 2).await;
            }
            tokio::time::sleep(Duration::from_millis(1500)).await;
        };
        crew.while_they_work(killing).await;
        crew.end().await;
        crew.audit(&scene, &mut dice).await;
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
