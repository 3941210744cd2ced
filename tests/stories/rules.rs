//! When a push is refused, and how users continue.

use std::sync::Barrier;

use rutter::types::Role;
use rutter_testing::{Person, Server, Tree, noise, story, text};

/// An organisation with an owner, a writer and a dataset; and the trees of both.
struct Lab {
    olga: Person,
    wanda: Person,
    olgas: Tree,
    wandas: Tree,
}

const DATA: &str = "lab/data";

impl Lab {
    async fn open(server: &Server) -> Self {
        let (olga, wanda) = (server.person("olga").await, server.person("wanda").await);
        server.organisation("lab", &[(&olga, Role::Owner), (&wanda, Role::Writer)]).await;
        let olgas = server.published_dataset(&olga, DATA, "olga");
        let wandas = server.clone_with_hooks(&wanda, DATA, "wanda");
        Self { olga, wanda, olgas, wandas }
    }
}

/// Commits a text of this name.
fn text_commit(tree: &Tree, path: &str, content: &str) -> String {
    tree.write(path, format!("{content}\n"));
    tree.commit(&format!("{path}: {content}"))
}

story! {
    on(sqlite) async fn a_pointer_without_its_object_is_refused_until_it_is_uploaded(server: Server) {
        let ada = server.person("ada").await;
        let work = server.tree("work");
        work.with_lfs(&server.remote(&ada, "ada/data"));
        for number in 0..5 {
            work.write(&format!("scans/{number}.bin"), noise(number, 2000));
        }
        let revision = work.commit("Scans");

        // The hook that uploads is left out, as happens where it was never installed.
        let said = work.git_fails(&["push", "--no-verify", "origin", "main"]);
        for words in [
            "missing LFS object: scans/0.bin",
            "missing LFS object: scans/4.bin",
            "Upload the missing objects with: git lfs push --all",
            "5 LFS object(s) are missing on the server (scans/0.bin, scans/1.bin, scans/2.bin and 2 more)",
            "run `git lfs push --all <remote>`, then push again",
        ] {
            assert!(said.contains(words), "{words}:\n{said}");
        }
        assert!(work.remote_refs().is_empty());

        work.git(&["lfs", "push", "--all", "origin"]);
        work.git(&["push", "-q", "--no-verify", "origin", "main"]);
        let sound = server.assert_intact(&ada, "ada/data").await;
        assert_eq!(sound.revision("HEAD"), revision);
        assert!(sound.files() == work.files());
    }
}

story! {
    on(sqlite) async fn an_object_missing_in_old_history_is_detected(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/data", "work");
        work.write("scans/old.bin", noise(20, 2000));
        work.commit("Added");
        work.git(&["rm", "-q", "scans/old.bin"]);
        work.commit("Removed");
        let said = work.git_fails(&["push", "--no-verify", "origin", "main", "main:copy"]);
        assert!(said.contains("missing LFS object: scans/old.bin"), "{said}");
        assert_eq!(said.matches("[remote rejected]").count(), 2, "{said}");
        work.git(&["push", "-q", "origin", "main", "main:copy"]);
        server.assert_intact(&ada, "ada/data").await;
    }
}

story! {
    on(sqlite) async fn empty_files_need_no_upload(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/data", "work");
        work.write("scans/empty.bin", "");
        work.commit("Empty");
        work.git(&["push", "-q", "--no-verify"]);
        assert!(server.assert_intact(&ada, "ada/data").await.files() == work.files());
    }
}

story! {
    on(sqlite) async fn a_locked_file_is_changed_by_its_holder_only(server: Server) {
        let Lab { olga, olgas, wandas, .. } = Lab::open(&server).await;
        wandas.git(&["lfs", "lock", "README.md"]);
        wandas.git(&["lfs", "lock", "scans/one.bin"]);
        let locks = olgas.git(&["lfs", "locks"]);
        assert!(locks.contains("README.md") && locks.contains("wanda"), "{locks}");
        let said = olgas.git_fails(&["lfs", "lock", "README.md"]);
        assert!(said.contains("locked"), "{said}");

        // Everything else may change.
        text_commit(&olgas, "other.txt", "free");
        olgas.git(&["push", "-q"]);

        text_commit(&olgas, "README.md", "hers");
        let said = olgas.git_fails(&["push"]);
        assert!(said.contains("README.md") && said.contains("wanda"), "git-lfs warns before:\n{said}");
        let said = olgas.git_fails(&["push", "--no-verify"]);
        assert!(said.contains("locked: README.md (by wanda)"), "{said}");
        assert!(said.contains("[remote rejected] main -> main (locked by another user: README.md (by wanda))"), "{said}");
        // Locks hold on all branches, also on new ones, and a file that goes away changes too.
        let said = olgas.git_fails(&["push", "--no-verify", "origin", "main:elsewhere"]);
        assert!(said.contains("locked by another user: README.md"), "{said}");
        olgas.git(&["reset", "-q", "--hard", "HEAD~1"]);
        olgas.git(&["mv", "scans/one.bin", "scans/renamed.bin"]);
        olgas.commit("Renamed");
        let said = olgas.git_fails(&["push", "--no-verify"]);
        assert!(said.contains("locked by another user: scans/one.bin"), "{said}");
        olgas.git(&["reset", "-q", "--hard", "HEAD~1"]);

        // The holder goes on, and then gives the locks back.
        wandas.git(&["pull", "-q"]);
        text_commit(&wandas, "README.md", "hers, by right");
        wandas.git(&["push", "-q"]);
        wandas.git(&["lfs", "unlock", "README.md"]);
        wandas.git(&["lfs", "unlock", "scans/one.bin"]);
        assert_eq!(olgas.git(&["lfs", "locks"]), "");
        olgas.git(&["pull", "-q"]);
        text_commit(&olgas, "README.md", "everybody's");
        olgas.git(&["push", "-q"]);
        server.assert_intact(&olga, DATA).await;
    }
}

story! {
    on(sqlite) async fn a_lock_cannot_be_bypassed_and_does_not_block_merges(server: Server) {
        let Lab { olga, olgas, wandas, .. } = Lab::open(&server).await;
        // A change from before the lock waits on a branch.
        text_commit(&olgas, "README.md", "from before");
        olgas.git(&["push", "-q", "origin", "main:before"]);
        olgas.git(&["reset", "-q", "--hard", "HEAD~1"]);
        wandas.git(&["lfs", "lock", "README.md"]);
        text_commit(&wandas, "README.md", "by right");
        wandas.git(&["push", "-q"]);

        // By a tag, which is not locked.
        text_commit(&olgas, "README.md", "around");
        olgas.git(&["push", "-q", "--no-verify", "origin", "main:refs/tags/around"]);
        for target in ["detour", "main"] {
            let said = olgas.git_fails(&["push", "--no-verify", "--force", "origin", &format!("main:{target}")]);
            assert!(said.contains("locked by another user: README.md (by wanda)"), "{said}");
        }
        // By what was pushed before the lock, or by taking its holder's work back.
        olgas.git(&["fetch", "-q"]);
        for revision in ["origin/before", "origin/main~1"] {
            let said = olgas.git_fails(&["push", "--no-verify", "--force", "origin", &format!("{revision}:refs/heads/main")]);
            assert!(said.contains("locked by another user: README.md (by wanda)"), "{said}");
        }

        // Merging the holder's own change changes nothing.
        olgas.git(&["checkout", "-q", "-b", "topic", "origin/main~1"]);
        text_commit(&olgas, "other.txt", "hers");
        olgas.git(&["push", "-q", "--no-verify", "-u", "origin", "topic"]);
        olgas.git(&["merge", "-q", "--no-edit", "origin/main"]);
        olgas.git(&["push", "-q", "--no-verify"]);
        olgas.git(&["push", "-q", "--no-verify", "origin", "topic:main"]);
        assert_eq!(server.assert_intact(&olga, DATA).await.git(&["show", "HEAD:README.md"]), "by right");
    }
}

story! {
    on(sqlite) async fn many_violated_locks_are_listed_in_part(server: Server) {
        let Lab { olgas, wandas, wanda, .. } = Lab::open(&server).await;
        for number in 0..30 {
            olgas.write(&format!("many/{number:02}.txt"), "hers");
            let body = serde_json::json!({"path": format!("many/{number:02}.txt")});
            assert_eq!(server.lfs(Some(&wanda.token), DATA, "locks", &body).await.status, 201);
        }
        olgas.commit("Many");
        let said = olgas.git_fails(&["push", "--no-verify"]);
        assert!(said.contains("many/00.txt (by wanda), many/01.txt (by wanda), many/02.txt (by wanda) and 27 more"), "{said}");
        assert_eq!(said.matches("remote: locked:").count(), 10, "{said}");
        drop(wandas);
    }
}

story! {
    on(sqlite) async fn only_owners_break_the_locks_of_others(server: Server) {
        let Lab { olga, olgas, wandas, .. } = Lab::open(&server).await;
        olgas.git(&["lfs", "lock", "README.md"]);
        wandas.git(&["lfs", "lock", "scans/one.bin"]);

        let said = wandas.git_fails(&["lfs", "unlock", "README.md"]);
        assert!(said.contains("locked by olga"), "{said}");
        let said = wandas.git_fails(&["lfs", "unlock", "--force", "README.md"]);
        assert!(said.contains("only an owner of the dataset"), "{said}");
        let said = olgas.git_fails(&["lfs", "unlock", "scans/one.bin"]);
        assert!(said.contains("locked by wanda; an owner of the dataset can release it with --force"), "{said}");
        assert_eq!(olgas.git(&["lfs", "locks"]).lines().count(), 2);

        olgas.git(&["lfs", "unlock", "--force", "scans/one.bin"]);
        assert_eq!(olgas.git(&["lfs", "locks"]).lines().count(), 1);
        // Wanda's next change is of a file that is unlocked, or locked by another user.
        olgas.git(&["lfs", "lock", "scans/one.bin"]);
        wandas.write("scans/one.bin", noise(40, 100));
        wandas.commit("Too late");
        let said = wandas.git_fails(&["push", "--no-verify"]);
        assert!(said.contains("locked by another user: scans/one.bin (by olga)"), "{said}");
        server.assert_intact(&olga, DATA).await;
    }
}

story! {
    on(sqlite) async fn the_history_of_main_is_rewritten_by_owners_only(server: Server) {
        let Lab { olga, olgas, wandas, wanda } = Lab::open(&server).await;
        let agreed = text_commit(&wandas, "a.txt", "agreed");
        wandas.git(&["push", "-q"]);
        wandas.git(&["commit", "-q", "--amend", "-m", "Rewritten"]);
        let said = wandas.git_fails(&["push", "--force"]);
        assert!(said.contains("`main` is protected: its history cannot be rewritten"), "{said}");
        assert!(said.contains("merge or rebase onto it, or ask an owner"), "{said}");
        assert_eq!(wandas.remote_refs()["refs/heads/main"], agreed);
        // A detour over another name does not help.
        wandas.git(&["push", "-q", "origin", "main:detour"]);
        assert!(wandas.git_fails(&["push", "--force", "origin", "detour:main"]).contains("error"));
        assert!(wandas.git_fails(&["push", "--force", "origin", "main:main"]).contains("is protected"));

        olgas.git(&["fetch", "-q"]);
        olgas.git(&["reset", "-q", "--hard", "origin/main"]);
        olgas.git(&["commit", "-q", "--amend", "-m", "Rewritten by an owner"]);
        let said = olgas.git_fails(&["push"]);
        assert!(said.contains("non-fast-forward") || said.contains("tip of your current branch is behind"), "{said}");
        olgas.git(&["push", "-q", "--force"]);
        assert_eq!(wandas.remote_refs()["refs/heads/main"], olgas.revision("main"));

        // Other branches are everybody's.
        wandas.git(&["checkout", "-q", "-b", "mine", "origin/main"]);
        text_commit(&wandas, "b.txt", "first try");
        wandas.git(&["push", "-q", "-u", "origin", "mine"]);
        wandas.git(&["commit", "-q", "--amend", "-m", "Second try"]);
        wandas.git(&["push", "-q", "--force-with-lease"]);
        assert_eq!(wandas.remote_refs()["refs/heads/mine"], wandas.revision("mine"));
        wandas.git(&["push", "-q", "origin", "--delete", "mine"]);
        server.assert_intact(&olga, DATA).await;
        server.assert_intact(&wanda, DATA).await;
    }
}

story! {
    on(sqlite) async fn the_default_branch_is_protected_whatever_its_name(server: Server) {
        let (olga, wanda) = (server.person("olga").await, server.person("wanda").await);
        server.organisation("lab", &[(&olga, Role::Owner), (&wanda, Role::Writer)]).await;
        let old = server.tree("old");
        old.git(&["remote", "add", "origin", &server.remote(&wanda, "lab/old")]);
        old.git(&["checkout", "-q", "-b", "master"]);
        text_commit(&old, "a.txt", "one");
        old.git(&["push", "-q", "origin", "master"]);
        old.git(&["commit", "-q", "--amend", "-m", "Rewritten"]);
        let said = old.git_fails(&["push", "--force", "origin", "master"]);
        assert!(said.contains("`master` is protected"), "{said}");
        let said = old.git_fails(&["push", "origin", ":master"]);
        assert!(said.contains("`master` is the default branch"), "{said}");
        old.git(&["push", "-q", "--force", &server.remote(&olga, "lab/old"), "master"]);
    }
}

story! {
    on(sqlite) async fn the_default_branch_cannot_be_deleted(server: Server) {
        let Lab { olga, olgas, wandas, .. } = Lab::open(&server).await;
        olgas.git(&["push", "-q", "origin", "main:other"]);
        for tree in [&olgas, &wandas] {
            let said = tree.git_fails(&["push", "origin", "--delete", "main"]);
            assert!(said.contains("`main` is the default branch and cannot be deleted"), "{said}");
        }
        wandas.git(&["push", "-q", "origin", "--delete", "other"]);
        assert_eq!(olgas.remote_refs().into_keys().collect::<Vec<_>>(), ["HEAD", "refs/heads/main"]);
        server.assert_intact(&olga, DATA).await;
    }
}

story! {
    on(sqlite) async fn an_atomic_push_succeeds_completely_or_not_at_all(server: Server) {
        let Lab { olga, wandas, .. } = Lab::open(&server).await;
        text_commit(&wandas, "a.txt", "agreed");
        wandas.git(&["push", "-q"]);
        let before = wandas.remote_refs();
        wandas.git(&["commit", "-q", "--amend", "-m", "Rewritten"]);
        wandas.git(&["tag", "v1"]);
        let refused = ["--force", "origin", "main", "main:topic", "v1"];

        let said = wandas.git_fails(&[&["push", "--atomic"], &refused[..]].concat());
        assert!(said.contains("is protected"), "{said}");
        assert_eq!(said.matches("[remote rejected]").count(), 3, "{said}");
        assert_eq!(wandas.remote_refs(), before);

        let said = wandas.git_fails(&[&["push"], &refused[..]].concat());
        assert_eq!(said.matches("[remote rejected]").count(), 1, "{said}");
        let after = wandas.remote_refs();
        assert_eq!(after["refs/heads/main"], before["refs/heads/main"]);
        assert_eq!(after["refs/heads/topic"], wandas.revision("main"));
        assert_eq!(after["refs/tags/v1"], wandas.revision("main"));

        wandas.git(&["reset", "-q", "--hard", "origin/main"]);
        text_commit(&wandas, "b.txt", "more");
        wandas.git(&["push", "-q", "--atomic", "origin", "main", "main:second", ":topic"]);
        let after = wandas.remote_refs();
        assert_eq!(after["refs/heads/main"], after["refs/heads/second"]);
        assert!(!after.contains_key("refs/heads/topic"));
        server.assert_intact(&olga, DATA).await;
    }
}

story! {
    on(sqlite) async fn paths_that_git_forbids_are_refused(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/data", "work");
        let before = work.remote_refs();
        let blob = work.revision("HEAD:README.md");
        let inner = work.revision("HEAD:scans");
        let entries = [
            format!("100644 blob {blob}\t.git"),
            format!("100644 blob {blob}\t.GIT"),
            format!("040000 tree {inner}\t.Git"),
            format!("100644 blob {blob}\tgit~1"),
            format!("100644 blob {blob}\t."),
            format!("040000 tree {inner}\t.."),
            format!("100644 blob {blob}\t.g\u{200c}it"),
            format!("120000 blob {blob}\t.gitmodules"),
        ];
        for entry in entries {
            for depth in ["", "deep"] {
                let mut tree = work.sh(&format!("printf '%s\\n' '{entry}' | git mktree"));
                if !depth.is_empty() {
                    tree = work.sh(&format!("printf '040000 tree {tree}\\t{depth}\\n' | git mktree"));
                }
                let commit = work.git(&["commit-tree", "-p", "main", "-m", "Evil", &tree]);
                let said = work.git_fails(&["push", "--no-verify", "origin", &format!("{commit}:refs/heads/evil")]);
                assert!(said.contains("[remote rejected]"), "{entry:?} {depth}\n{said}");
                assert!(said.contains("run git fsck --strict to find such objects"), "{entry:?} {depth}\n{said}");
                assert!(!said.contains("internal error"), "{said}");
            }
        }
        assert_eq!(work.remote_refs(), before);
        server.assert_intact(&ada, "ada/data").await;
    }
}

story! {
    async fn two_concurrent_pushes_lose_nothing(server: Server) {
        let Lab { olga, olgas, wandas, .. } = Lab::open(&server).await;
        for round in 0..3 {
            for (tree, name) in [(&olgas, "olga"), (&wandas, "wanda")] {
                tree.git(&["pull", "-q", "--rebase"]);
                tree.write(&format!("scans/{name}-{round}.bin"), noise(round, 3000));
                text_commit(tree, &format!("{name}-{round}.txt"), name);
            }
            let gate = Barrier::new(2);
            let push = |tree: &Tree| {
                gate.wait();
                tree.try_git(&["push"])
            };
            let (olgas_push, wandas_push) = std::thread::scope(|scope| {
                let first = scope.spawn(|| push(&olgas));
                let second = scope.spawn(|| push(&wandas));
                (first.join().unwrap(), second.join().unwrap())
            });
            let successes = [&olgas_push, &wandas_push].iter().filter(|push| push.status.success()).count();
            assert_eq!(successes, 1, "{}\n{}", text(&olgas_push), text(&wandas_push));
            let (loser, said) = if olgas_push.status.success() { (&wandas, wandas_push) } else { (&olgas, olgas_push) };
            let said = text(&said);
            assert!(said.contains("fetch first"), "{said}");
            loser.git(&["pull", "-q", "--rebase"]);
            loser.git(&["push", "-q"]);
        }
        let sound = server.assert_intact(&olga, DATA).await;
        assert_eq!(sound.count("HEAD"), 1 + 3 * 2);
        assert_eq!(sound.git(&["ls-files", "olga-*", "wanda-*"]).lines().count(), 6);
    }
}

story! {
    on(sqlite) async fn invalid_ref_names_are_refused(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/data", "work");
        let before = work.remote_refs();
        let said = work.git_fails(&["push", "origin", "main:refs/internal/gc"]);
        assert!(said.contains("refs/internal is reserved for the server"), "{said}");
        let said = work.git_fails(&["push", "origin", "main:refs/heads/main/sub"]);
        assert!(said.contains("conflicts with refs/heads/main"), "{said}");
        let said = work.git_fails(&["push", "origin", "main:refs/heads/HEAD"]);
        assert!(said.contains("this branch name is reserved"), "{said}");
        let tree = work.revision("main^{tree}");
        let said = work.git_fails(&["push", "origin", &format!("{tree}:refs/heads/tree")]);
        assert!(said.contains("a branch must point to a commit"), "{said}");
        assert_eq!(work.remote_refs(), before);
        server.assert_intact(&ada, "ada/data").await;
    }
}
