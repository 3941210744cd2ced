//! Many clients at once.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::time::Duration;

use rutter::types::Role;
use rutter_testing::{Person, StopSignal, Tree, eventually, noise, story, text};

const CLIENTS: usize = 50;
const ATTEMPTS: u32 = 200;

/// Pushes as users do: when another push was faster, rebase, wait a moment, try
/// again. Without the pause 50 clients need 50²/2 pushes.
fn push_until_accepted(tree: &Tree, client: usize) -> u32 {
    for attempt in 1..=ATTEMPTS {
        let push = tree.try_git(&["push", "-q", "origin", "main"]);
        if push.status.success() {
            return attempt;
        }
        let said = text(&push);
        assert!(["fetch first", "non-fast-forward", "429"].iter().any(|words| said.contains(words)), "{said}");
        let chance = u64::from(noise(client as u64 * 1000 + u64::from(attempt), 2000)[1999]);
        std::thread::sleep(Duration::from_millis(chance << (attempt + 1).min(5)));
        tree.git(&["pull", "-q", "--rebase"]);
    }
    panic!("{ATTEMPTS} pushes were refused");
}

story! {
    async fn fifty_clients_push_to_one_branch_and_no_commit_is_lost(server: Server) {
        let ada = server.person("ada").await;
        let writer = server.person("writer").await;
        server.organisation("lab", &[(&ada, Role::Owner), (&writer, Role::Writer)]).await;
        let seed = server.tree("seed");
        seed.git(&["remote", "add", "origin", &server.remote(&ada, "lab/data")]);
        seed.write("README.md", "# Together\n");
        seed.commit("Begin");
        seed.git(&["push", "-q", "origin", "main"]);

        let first = server.clone(&writer, "lab/data", "first");
        let clones: Vec<Tree> = (0..CLIENTS)
            .map(|client| {
                let clone = first.copy(&format!("client-{client}"));
                clone.write(&format!("client-{client}.txt"), format!("{client}\n"));
                clone.commit(&format!("Client {client}"));
                clone
            })
            .collect();
        let gate = Barrier::new(CLIENTS);
        let attempts: u32 = std::thread::scope(|scope| {
            let push = |(client, clone)| {
                gate.wait();
                push_until_accepted(clone, client)
            };
            let pushes: Vec<_> = clones.iter().enumerate().map(|each| scope.spawn(move || push(each))).collect();
            pushes.into_iter().map(|push| push.join().unwrap()).sum()
        });
        eprintln!("{attempts} pushes for {CLIENTS} commits");

        let clone = server.assert_intact(&ada, "lab/data").await;
        assert_eq!(clone.count("HEAD"), CLIENTS + 1);
        let subjects = clone.git(&["log", "--format=%s", "--no-merges"]);
        let subjects: BTreeSet<&str> = subjects.lines().collect();
        assert_eq!(subjects.len(), CLIENTS + 1);
        for client in 0..CLIENTS {
            assert_eq!(clone.read(&format!("client-{client}.txt")), format!("{client}\n").into_bytes());
        }
        // In the background packs are merged, and later the old ones are deleted; nothing is lost.
        server.app.worker.run_due().await.unwrap();
        let grant = server.read_grant("lab/data").await;
        eventually("packs are merged", async || {
            server.app.datasets.snapshot(&grant).await.unwrap().state().packs.len() < CLIENTS / 2
        })
        .await;
        server.clock.advance(server.app.config.grace() + Duration::from_secs(3600));
        server.app.worker.run_due().await.unwrap();
        server.app.datasets.engine().forget(&grant.id().to_string().parse().unwrap()).await.unwrap();
        assert_eq!(server.assert_intact(&ada, "lab/data").await.count("HEAD"), CLIENTS + 1);
    }
}

story! {
    async fn twenty_datasets_are_pushed_concurrently(server: Server) {
        let mut people: Vec<Person> = Vec::new();
        for name in ["ada", "bob", "cleo", "dora"] {
            people.push(server.person(name).await);
        }
        let trees: Vec<(String, &Person, Tree)> = (0..20)
            .map(|number| {
                let person = &people[number % people.len()];
                let path = format!("{}/data-{number}", person.name);
                let tree = server.tree(&format!("tree-{number}"));
                tree.with_lfs(&server.remote(person, &path));
                tree.write("one.bin", noise(number as u64, 200_000));
                tree.write("README.md", format!("# Data {number}\n"));
                tree.commit("One");
                (path, person, tree)
            })
            .collect();
        let gate = Barrier::new(trees.len());
        std::thread::scope(|scope| {
            for (path, _, tree) in &trees {
                let (gate, server) = (&gate, &server);
                scope.spawn(move || {
                    gate.wait();
                    let push = tree.try_git(&["push", "origin", "main"]);
                    // Its port may look like a status.
                    let said = text(&push).replace(&server.url, "");
                    assert!(push.status.success(), "{path}: {said}");
                    for trouble in ["locked", "error: 5", "HTTP 5", "500", "503", "429"] {
                        assert!(!said.contains(trouble), "{path}: {said}");
                    }
                });
            }
        });
        for (path, person, tree) in &trees {
            let clone = server.assert_intact(person, path).await;
            assert!(clone.files() == tree.files(), "{path}");
        }
    }
}

story! {
    async fn two_concurrent_first_pushes_of_one_dataset_both_succeed(server: Server) {
        let ada = server.person("ada").await;
        let trees = ["one", "second"].map(|name| {
            let tree = server.tree(name);
            tree.with_lfs(&server.remote(&ada, "ada/new"));
            tree.write(&format!("{name}.bin"), noise(name.len() as u64, 1000));
            tree.commit(name);
            tree.git(&["branch", "-m", name]);
            (name, tree)
        });
        let gate = Barrier::new(trees.len());
        std::thread::scope(|scope| {
            for (name, tree) in &trees {
                let gate = &gate;
                scope.spawn(move || {
                    gate.wait();
                    tree.git(&["push", "-q", "origin", name]);
                });
            }
        });
        let clone = server.assert_intact(&ada, "ada/new").await;
        for (name, tree) in &trees {
            assert_eq!(clone.revision(&format!("origin/{name}")), tree.revision(name));
        }
        let head = clone.git(&["symbolic-ref", "--short", "HEAD"]);
        assert!(["one", "second"].contains(&head.as_str()), "one of the two pushes: {head}");
    }
}

story! {
    async fn a_clone_during_pushes_is_one_of_the_revisions(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/busy", "work");
        let signal = StopSignal::default();
        let read = |reader: usize| {
            let mut clones = Vec::new();
            while !signal.is_stopped() {
                clones.push(server.clone(&ada, "ada/busy", &format!("reader-{reader}-{}", clones.len())));
            }
            clones
        };
        let clones: Vec<Tree> = std::thread::scope(|scope| {
            let readers = [0, 1].map(|reader| {
                let read = &read;
                scope.spawn(move || read(reader))
            });
            let _guard = signal.stop_on_panic();
            // Enough for the packs to be merged meanwhile.
            for number in 0..36 {
                work.write("README.md", format!("# Edition {number}\n"));
                work.commit("Edition");
                work.git(&["push", "-q", "--no-verify"]);
            }
            signal.stop();
            readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
        });
        let published = work.git(&["rev-list", "HEAD"]);
        for clone in &clones {
            assert!(published.contains(&clone.revision("HEAD")));
            clone.git(&["fsck", "--strict"]);
        }
        assert!(!clones.is_empty());
        server.app.worker.run_due().await.unwrap();
        assert_eq!(server.assert_intact(&ada, "ada/busy").await.count("HEAD"), 37);
    }
}

/// The runner of stories: a story that has failed does not wait for threads that would never end.
#[test]
#[should_panic(expected = "the story failed")]
#[expect(clippy::disallowed_methods, reason = "a thread of the test, not of the server")]
fn a_failed_story_ends_immediately() {
    rutter_testing::run(async {
        let (sender, started) = tokio::sync::oneshot::channel();
        tokio::task::spawn_blocking(move || {
            sender.send(()).unwrap();
            loop {
                std::thread::park();
            }
        });
        started.await.unwrap();
        panic!("the story failed");
    });
}
