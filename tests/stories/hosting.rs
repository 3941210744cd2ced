//! Push, clone and pull with stock clients.

use std::collections::BTreeMap;
use std::path::Path;

use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Reply, Server, Tree, files, noise, story, text};
use serde_json::json;

use crate::fault_proxy::FaultProxy;

/// The files of a sample dataset. Its attributes have another name there, so
/// that they do not apply to our own repository.
fn sample(name: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/datasets").join(name);
    let mut files = files(&folder);
    let attributes = files.remove("gitattributes").expect("samples have attributes");
    files.insert(".gitattributes".to_owned(), attributes);
    files
}

/// A tree with LFS and this remote.
fn tree_with_remote(server: &Server, name: &str, remote: &str) -> Tree {
    let tree = server.tree(name);
    tree.git(&["lfs", "install", "--local"]);
    tree.git(&["remote", "add", "origin", remote]);
    tree
}

story! {
    async fn a_dataset_is_cloned_byte_for_byte(server: Server) {
        let ada = server.person("ada").await;
        let tree = server.tree("work");
        tree.with_lfs(&server.remote(&ada, "ada/first"));
        let image = noise(1, 3_000_000);
        tree.write("scans/one.bin", &image);
        tree.write("README.md", "# First\n");
        let revision = tree.commit("first");
        tree.git(&["push", "-q", "origin", "main"]);

        let clone = server.assert_intact(&ada, "ada/first").await;
        assert!(clone.read("scans/one.bin") == image);
        assert_eq!(clone.revision("HEAD"), revision);
    }
}

story! {
    on(sqlite) async fn the_sample_datasets_are_pushed_and_cloned_unchanged(server: Server) {
        let ada = server.person("ada").await;
        for name in ["air-quality", "leaf-scans", "trade-prices"] {
            let path = format!("ada/{name}");
            let work = tree_with_remote(&server, name, &server.remote(&ada, &path));
            let sample = sample(name);
            for (file, content) in &sample {
                work.write(file, content);
            }
            work.commit("Published");
            let large = work.git(&["lfs", "ls-files", "--name-only"]);
            assert!(!large.is_empty(), "{name} has something for LFS");
            work.git(&["push", "-q", "-u", "origin", "main"]);

            let clone = server.clone_with_hooks(&ada, &path, &format!("{name}-clone"));
            assert!(clone.files() == sample, "{name}");

            clone.write("README.md", "# Revised\n");
            clone.write(large.lines().next().unwrap(), noise(7, 200_000));
            clone.commit("Revised");
            clone.git(&["push", "-q"]);
            work.git(&["pull", "-q"]);
            assert!(work.files() == clone.files(), "{name}");
            assert!(server.assert_intact(&ada, &path).await.files() == clone.files(), "{name}");
        }
    }
}

/// Ada's dataset of `count` commits, each with its own text and LFS object.
fn history(server: &Server, ada: &Person, path: &str, count: usize) -> Tree {
    let work = server.published_dataset(ada, path, "work");
    for number in 2..=count {
        work.write("README.md", format!("# Data, edition {number}\n"));
        work.write("scans/one.bin", noise(number as u64, 100_000));
        work.write(&format!("tables/{number}.csv"), format!("edition\n{number}\n"));
        work.commit(&format!("Edition {number}"));
    }
    work.git(&["push", "-q", "origin", "main"]);
    work
}

story! {
    on(sqlite) async fn a_shallow_clone_can_be_deepened_completely(server: Server) {
        let ada = server.person("ada").await;
        let work = history(&server, &ada, "ada/data", 6);
        let clone = server.clone_with(&ada, "ada/data", "clone", &["--depth", "1"]);
        assert_eq!(clone.count("HEAD"), 1);
        assert!(clone.files() == work.files());
        clone.git(&["fetch", "-q", "--deepen", "2"]);
        assert_eq!(clone.count("HEAD"), 3);
        clone.git(&["fsck", "--strict"]);
        clone.git(&["fetch", "-q", "--unshallow"]);
        assert_eq!(clone.count("HEAD"), 6);
        assert_eq!(clone.git(&["rev-parse", "--is-shallow-repository"]), "false");
        clone.git(&["fsck", "--strict"]);
        assert_eq!(clone.git(&["log", "--format=%H %s"]), work.git(&["log", "--format=%H %s"]));
        server.assert_intact(&ada, "ada/data").await;
    }
}

story! {
    on(sqlite) async fn a_partial_clone_fetches_missing_objects_on_demand(server: Server) {
        let ada = server.person("ada").await;
        let work = history(&server, &ada, "ada/data", 4);
        let clone = server.clone_with(&ada, "ada/data", "clone", &["--filter=blob:none", "--no-checkout"]);
        let missing = || {
            let objects = clone.git(&["rev-list", "--objects", "--all", "--missing=print"]);
            objects.lines().filter(|line| line.starts_with('?')).count()
        };
        let all = missing();
        assert!(all >= 8, "no file came along: {all} are missing");
        clone.git(&["checkout", "-q", "main"]);
        assert!(clone.files() == work.files());
        let some = missing();
        assert!(0 < some && some < all, "only the newest came: {some} of {all} are missing");
        assert_eq!(clone.git(&["show", "HEAD~2:README.md"]), "# Data, edition 2");
        assert!(missing() < some);
        clone.git(&["fsck", "--strict"]);
        server.assert_intact(&ada, "ada/data").await;
    }
}

story! {
    on(sqlite) async fn new_revisions_are_fetched_and_old_ones_are_not_sent_again(server: Server) {
        let ada = server.person("ada").await;
        let work = history(&server, &ada, "ada/data", 3);
        // Something big, so that sending it again would show.
        work.write("large.txt", noise(50, 500_000));
        work.commit("Large");
        work.git(&["push", "-q", "origin", "main"]);

        let line = FaultProxy::open(&server, u64::MAX, u64::MAX, 0).await;
        let clone = server.clone_url(&line.remote(&ada, "ada/data"), "clone", &[]);
        let before = line.sent_down();
        assert!(before > 500_000);

        work.write("small.txt", "news\n");
        let revision = work.commit("News");
        work.git(&["tag", "-a", "v1", "-m", "First"]);
        work.git(&["push", "-q", "origin", "main", "v1"]);
        clone.git(&["fetch", "-q"]);
        assert_eq!(clone.revision("origin/main"), revision);
        assert_eq!(clone.revision("v1^{commit}"), revision);
        assert!(line.sent_down() - before < 50_000, "{} bytes", line.sent_down() - before);
        clone.git(&["merge", "-q", "--ff-only"]);
        assert!(clone.files() == work.files());
        server.assert_intact(&ada, "ada/data").await;
    }
}

story! {
    on(sqlite) async fn the_url_works_without_its_suffix(server: Server) {
        let ada = server.person("ada").await;
        let suffixed = server.remote(&ada, "ada/data");
        let plain = suffixed.strip_suffix(".git").unwrap();
        let work = tree_with_remote(&server, "work", plain);
        work.git(&["lfs", "track", "*.bin"]);
        work.write("one.bin", noise(3, 50_000));
        work.commit("One");
        work.git(&["push", "-q", "origin", "main"]);
        let clone = server.clone_url(plain, "clone", &[]);
        assert!(clone.files() == work.files());
        let sound = server.assert_intact(&ada, "ada/data").await;
        assert_eq!(sound.revision("HEAD"), work.revision("HEAD"), "both URLs are one dataset");
    }
}

story! {
    async fn organisations_may_be_nested(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        server.organisation("ministry/statistics", &[(&ada, Role::Owner), (&bob, Role::Reader)]).await;
        let work = server.published_dataset(&ada, "ministry/statistics/census", "work");
        work.write("scans/two.bin", noise(2, 10_000));
        work.commit("Two");
        work.git(&["lfs", "lock", "scans/two.bin"]);
        work.git(&["push", "-q"]);
        let clone = server.assert_intact(&bob, "ministry/statistics/census").await;
        assert!(clone.files() == work.files());
        assert!(clone.git(&["lfs", "locks"]).contains("scans/two.bin"));
    }
}

story! {
    on(sqlite) async fn anyone_clones_a_public_dataset_and_no_anonymous_client_pushes(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/open", Visibility::Public).await;
        let work = server.published_dataset(&ada, "ada/open", "work");
        let clone = server.clone_url(&server.remote_without_credentials("ada/open"), "clone", &[]);
        assert!(clone.files() == work.files());
        clone.git(&["lfs", "fsck"]);

        clone.write("README.md", "# Mine\n");
        clone.commit("Mine");
        let said = clone.git_fails(&["push", "origin", "main"]);
        assert!(said.contains("could not read Username"), "git wants to ask for credentials:\n{said}");
        assert!(server.assert_intact(&ada, "ada/open").await.files() == work.files());
    }
}

story! {
    async fn the_first_push_makes_a_private_dataset(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        let remote = server.remote(&ada, "ada/new");
        let nowhere = server.empty_folder("nowhere");
        let said = nowhere.git_fails(&["clone", &remote, "."]);
        assert!(said.contains("there is no dataset `ada/new`"), "{said}");

        let work = server.published_dataset(&ada, "ada/new", "work");
        assert_eq!(server.read_grant("ada/new").await.dataset().visibility, Visibility::Private);
        assert!(server.assert_intact(&ada, "ada/new").await.files() == work.files());
        let said = server.empty_folder("bob").git_fails(&["clone", &server.remote(&bob, "ada/new"), "."]);
        assert!(said.contains("there is no dataset `ada/new`"), "{said}");
        let said = server.empty_folder("missing").git_fails(&["clone", &server.remote_without_credentials("ada/new"), "."]);
        assert!(said.contains("could not read Username"), "{said}");

        // Users cannot create datasets in the namespace of another user, or of a missing one.
        for path in ["ada/other", "missing/data"] {
            work.git(&["remote", "set-url", "origin", &server.remote(&bob, path)]);
            let said = work.git_fails(&["push", "origin", "main"]);
            assert!(said.contains(&format!("there is no dataset `{path}`")), "{said}");
        }
    }
}

/// Configures a credential helper of git that answers with this password and logs requests.
fn with_credential_helper(tree: &Tree, user: &str, password: &str) {
    let credential_log = tree.folder.with_extension("asked");
    let helper = format!(
        "!f() {{ echo \"$1\" >>{}; if test \"$1\" = get; then echo username={user}; echo password={password}; fi; }}; f",
        credential_log.display()
    );
    tree.git(&["config", "credential.helper", &helper]);
}

fn credential_log(tree: &Tree) -> Vec<String> {
    let credential_log = std::fs::read_to_string(tree.folder.with_extension("asked")).unwrap_or_default();
    credential_log.lines().map(str::to_owned).collect()
}

story! {
    on(sqlite) async fn git_asks_for_credentials_when_they_are_needed(server: Server) {
        let ada = server.person("ada").await;
        let work = tree_with_remote(&server, "work", &server.remote_without_credentials("ada/data"));
        work.git(&["lfs", "track", "*.bin"]);
        work.write("one.bin", noise(1, 10_000));
        work.commit("One");

        with_credential_helper(&work, "ada", &ada.token);
        work.git(&["push", "-q", "origin", "main"]);
        let asked = credential_log(&work);
        assert!(asked.contains(&"get".to_owned()) && asked.contains(&"store".to_owned()), "{asked:?}");
        assert!(!asked.contains(&"erase".to_owned()), "no good password is forgotten: {asked:?}");

        let clone = server.empty_folder("clone");
        let helper = work.git(&["config", "credential.helper"]);
        clone.git(&["clone", "-q", "-c", &format!("credential.helper={helper}"), &server.remote_without_credentials("ada/data"), "."]);
        assert!(clone.files() == work.files());
        server.assert_intact(&ada, "ada/data").await;
    }
}

story! {
    on(sqlite) async fn a_wrong_token_is_refused_and_git_forgets_it(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/open", Visibility::Public).await;
        let work = server.published_dataset(&ada, "ada/open", "work");
        work.write("README.md", "# News\n");
        work.commit("News");
        work.git(&["remote", "set-url", "origin", &server.remote_without_credentials("ada/open")]);
        with_credential_helper(&work, "ada", &format!("rut_{}", "x".repeat(43)));
        let said = work.git_fails(&["push", "origin", "main"]);
        assert!(said.contains("unknown token"), "{said}");
        assert!(said.contains("Authentication failed"), "{said}");
        assert!(credential_log(&work).contains(&"erase".to_owned()));

        // It is never treated as anonymous, not even for a public dataset.
        for (token, reason) in [("rut_wrong", "unknown token"), ("my password", "use a personal token")] {
            let request = server.request("GET", "/ada/open.git/info/refs?service=git-upload-pack", Some(token));
            let reply = Reply::of(request).await;
            assert!(reply.status == 401 && reply.text().contains(reason), "{} {}", reply.status, reply.text());
        }
        server.assert_intact(&ada, "ada/open").await;
    }
}

story! {
    on(sqlite) async fn a_token_of_one_dataset_grants_no_other(server: Server) {
        let ada = server.person("ada").await;
        server.published_dataset(&ada, "ada/data", "work");
        let work = server.published_dataset(&ada, "ada/other", "other");
        let token = server.token("ada", &["write:ada/other"]).await;

        let stranger = server.empty_folder("stranger");
        let said = stranger.git_fails(&["clone", &server.remote_with_token(&token, "ada/data"), "."]);
        assert!(said.contains("there is no dataset `ada/data`"), "{said}");
        work.write("README.md", "# Elsewhere\n");
        work.commit("Elsewhere");
        for path in ["ada/data", "ada/new"] {
            work.git(&["remote", "set-url", "origin", &server.remote_with_token(&token, path)]);
            let said = work.git_fails(&["push", "origin", "main"]);
            assert!(said.contains(&format!("there is no dataset `{path}`")), "{said}");
        }
        work.git(&["remote", "set-url", "origin", &server.remote_with_token(&token, "ada/other")]);
        work.git(&["push", "-q", "origin", "main"]);

        let readable = server.token("ada", &["read:ada/other"]).await;
        work.git(&["remote", "set-url", "origin", &server.remote_with_token(&readable, "ada/other")]);
        work.git(&["fetch", "-q"]);
        let said = work.git_fails(&["push", "origin", "main:copy"]);
        assert!(said.contains("you can read `ada/other`, but you cannot write"), "{said}");
        for path in ["ada/data", "ada/other"] {
            server.assert_intact(&ada, path).await;
        }
    }
}

story! {
    on(sqlite) async fn a_reader_cannot_push(server: Server) {
        let (ada, rita) = (server.person("ada").await, server.person("rita").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&rita, Role::Reader)]).await;
        let work = server.published_dataset(&ada, "lab/data", "work");
        let clone = server.clone_with_hooks(&rita, "lab/data", "clone");
        clone.write("README.md", "# Changed\n");
        clone.write("scans/one.bin", noise(9, 1000));
        clone.commit("Changed");
        let said = clone.git_fails(&["push", "origin", "main"]);
        assert!(said.contains("remote: you can read `lab/data`, but you cannot write"), "{said}");
        assert!(said.contains("403"), "{said}");
        let said = clone.git_fails(&["lfs", "push", "--all", "origin"]);
        assert!(said.contains("you can read `lab/data`"), "{said}");
        assert!(server.assert_intact(&rita, "lab/data").await.files() == work.files());
    }
}

story! {
    on(sqlite) async fn a_stranger_learns_nothing(server: Server) {
        let (ada, sam) = (server.person("ada").await, server.person("sam").await);
        let work = server.published_dataset(&ada, "ada/secret", "work");
        work.git(&["lfs", "lock", "scans/one.bin"]);
        let oid = work.git(&["lfs", "ls-files", "--long"])[..64].to_owned();
        let object = json!([{"oid": oid, "size": 100_000}]);
        let download = json!({"operation": "download", "objects": object}).to_string();
        let upload = json!({"operation": "upload", "objects": object}).to_string();
        let questions: &[(&str, &str, &str, &str)] = &[
            ("GET", "info/refs?service=git-upload-pack", "", ""),
            ("GET", "info/refs?service=git-receive-pack", "", ""),
            ("GET", "info/refs", "", ""),
            ("POST", "git-upload-pack", "application/x-git-upload-pack-request", "0000"),
            ("POST", "git-receive-pack", "application/x-git-receive-pack-request", "0000"),
            ("POST", "info/lfs/objects/batch", "application/vnd.git-lfs+json", &download),
            ("POST", "info/lfs/objects/batch", "application/vnd.git-lfs+json", &upload),
            ("POST", "objects/batch", "application/vnd.git-lfs+json", &download),
            ("GET", "info/lfs/locks", "", ""),
            ("POST", "info/lfs/locks", "application/vnd.git-lfs+json", r#"{"path":"scans/one.bin"}"#),
            ("POST", "info/lfs/locks/verify", "application/vnd.git-lfs+json", "{}"),
            ("POST", "info/lfs/locks/1/unlock", "application/vnd.git-lfs+json", "{}"),
        ];
        for token in [None, Some(sam.token.as_str())] {
            for (method, tail, media, body) in questions {
                let mut answers = Vec::new();
                for path in ["ada/secret", "ada/missing", "missing/secret"] {
                    let request = server.request(method, &format!("/{path}.git/{tail}"), token);
                    let request = request.header("x-request-id", "same").header("content-type", *media);
                    let mut reply = Reply::of(request.body((*body).to_owned())).await;
                    for varying in ["date", "content-length"] {
                        reply.headers.remove(varying);
                    }
                    assert_eq!(reply.status, if token.is_some() { 404 } else { 401 }, "{method} {tail} of {path}");
                    answers.push((reply.headers.clone(), reply.text().replace(path, "PATH")));
                }
                assert_eq!(answers[0], answers[1], "{method} {tail}");
                assert_eq!(answers[0], answers[2], "{method} {tail}");
            }
        }
        server.assert_intact(&ada, "ada/secret").await;
    }
}

story! {
    on(sqlite) async fn head_follows_what_was_pushed_first(server: Server) {
        let ada = server.person("ada").await;
        let work = tree_with_remote(&server, "work", &server.remote(&ada, "ada/old"));
        work.git(&["checkout", "-q", "-b", "master"]);
        work.write("README.md", "# Old\n");
        work.commit("Old");
        work.git(&["push", "-q", "origin", "master"]);
        let clone = server.assert_intact(&ada, "ada/old").await;
        assert_eq!(clone.git(&["symbolic-ref", "HEAD"]), "refs/heads/master");
        assert_eq!(clone.git(&["symbolic-ref", "refs/remotes/origin/HEAD"]), "refs/remotes/origin/master");

        // A branch called main that comes later does not change it.
        work.git(&["push", "-q", "origin", "master:main"]);
        let clone = server.assert_intact(&ada, "ada/old").await;
        assert_eq!(clone.git(&["symbolic-ref", "HEAD"]), "refs/heads/master");

        // Among several, the usual names come before others.
        let work = tree_with_remote(&server, "both", &server.remote(&ada, "ada/both"));
        work.write("README.md", "# Both\n");
        work.commit("Both");
        work.git(&["push", "-q", "origin", "main:archive", "main", "main:zoo"]);
        let clone = server.assert_intact(&ada, "ada/both").await;
        assert_eq!(clone.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    }
}

story! {
    on(sqlite) async fn tags_and_branches_are_created_and_deleted(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/data", "work");
        let revision = work.revision("main");
        work.git(&["tag", "light"]);
        work.git(&["tag", "-a", "v1", "-m", "First"]);
        work.git(&["push", "-q", "origin", "--tags", "main:feature/one", "main:feature/two"]);
        let refs = work.remote_refs();
        assert_eq!(refs["refs/tags/light"], revision);
        assert_eq!(refs["refs/tags/v1"], work.revision("v1"));
        assert_eq!(refs["refs/tags/v1^{}"], revision, "with what it stands for");
        let clone = server.assert_intact(&ada, "ada/data").await;
        assert_eq!(clone.git(&["tag", "-n1"]), "light           Published\nv1              First");
        assert_eq!(clone.git(&["branch", "-r", "--list", "origin/feature/*"]).lines().count(), 2);

        work.git(&["push", "-q", "origin", "--delete", "light", "v1", "feature/one"]);
        // The name is free again, even as a folder.
        work.git(&["push", "-q", "origin", "main:feature/one/again"]);
        let left: Vec<String> = work.remote_refs().into_keys().collect();
        assert_eq!(left, ["HEAD", "refs/heads/feature/one/again", "refs/heads/feature/two", "refs/heads/main"]);
        let said = work.git_fails(&["push", "origin", "main:feature/one"]);
        assert!(said.contains("conflicts with refs/heads/feature/one/again"), "{said}");
        let said = work.git_fails(&["push", "origin", "--delete", "nothing"]);
        assert!(said.contains("remote ref does not exist"), "{said}");
        clone.git(&["fetch", "-q", "--prune", "--prune-tags"]);
        assert_eq!(clone.git(&["tag"]), "");
        server.assert_intact(&ada, "ada/data").await;
    }
}

story! {
    on(sqlite) async fn a_shallow_clone_can_push(server: Server) {
        let ada = server.person("ada").await;
        let work = history(&server, &ada, "ada/data", 4);
        let clone = server.clone_with(&ada, "ada/data", "clone", &["--depth", "1"]);
        clone.git(&["lfs", "install", "--local"]);
        clone.write("scans/new.bin", noise(77, 5000));
        let revision = clone.commit("From a shallow clone");
        clone.git(&["push", "-q"]);
        work.git(&["pull", "-q"]);
        assert_eq!(work.revision("HEAD"), revision);
        let sound = server.assert_intact(&ada, "ada/data").await;
        assert_eq!(sound.count("HEAD"), 5, "with its whole history");
        assert!(sound.files() == clone.files());
    }
}

story! {
    on(sqlite) async fn an_interrupted_download_resumes(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/data", "work");
        let length = 8_000_000;
        work.write("large.bin", noise(5, length));
        work.commit("Large");
        work.git(&["push", "-q"]);

        let line = FaultProxy::open(&server, u64::MAX, 5_000_000, 1).await;
        let clone = server.empty_folder("clone");
        clone.sh(&format!("GIT_LFS_SKIP_SMUDGE=1 git clone -q {} .", line.remote(&ada, "ada/data")));
        // The first attempt may fail or retry automatically.
        let said = text(&clone.try_git(&["lfs", "pull"]));
        assert_eq!(line.breaks_left(), 0, "the line broke:\n{said}");
        clone.git(&["lfs", "pull"]);
        assert!(clone.files() == work.files());
        assert!(line.sent_down() < length as u64 + 2_000_000, "{} bytes came for {length}", line.sent_down());
        server.assert_intact(&ada, "ada/data").await;
    }
}

story! {
    on(sqlite) async fn every_version_of_the_git_protocol_works(server: Server) {
        let ada = server.person("ada").await;
        let work = history(&server, &ada, "ada/data", 4);
        let remote = server.remote(&ada, "ada/data");
        for version in ["0", "1", "2"] {
            let setting = format!("protocol.version={version}");
            let clone = server.clone_url(&remote, &format!("whole-{version}"), &["-c", &setting]);
            assert!(clone.files() == work.files(), "version {version}");
            let shallow = server.clone_url(&remote, &format!("shallow-{version}"), &["-c", &setting, "--depth", "2"]);
            assert_eq!(shallow.count("HEAD"), 2, "version {version}");

            work.write("README.md", format!("# Version {version}\n"));
            let revision = work.commit(&format!("Version {version}"));
            work.git(&["-c", &setting, "push", "-q", "origin", "main"]);
            for tree in [&clone, &shallow] {
                tree.git(&["fetch", "-q"]);
                assert_eq!(tree.revision("origin/main"), revision, "version {version}");
                tree.git(&["fsck", "--strict"]);
            }
        }
        server.assert_intact(&ada, "ada/data").await;
    }
}

story! {
    on(sqlite) async fn modes_links_and_unusual_names_are_preserved(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/data", "work");
        let names = ["with space.csv", "donn\u{e9}es/\u{6570}\u{636e}.bin", "quo'te\".txt", "new\nline.txt", "-dash", "#hash?&=%2e.bin", "CON"];
        for (number, name) in names.iter().enumerate() {
            work.write(name, noise(number as u64, 300));
        }
        work.write("run.sh", "#!/bin/sh\n");
        work.sh("chmod +x run.sh; ln -s README.md link; ln -s /nowhere dangling");
        work.commit("Odd");
        work.git(&["push", "-q"]);
        let clone = server.assert_intact(&ada, "ada/data").await;
        assert_eq!(clone.git(&["ls-tree", "-r", "-z", "HEAD"]), work.git(&["ls-tree", "-r", "-z", "HEAD"]));
        for name in names {
            assert!(clone.read(name) == work.read(name), "{name:?}");
        }
        assert_eq!(clone.sh("readlink link dangling; test -x run.sh"), "README.md\n/nowhere");
    }
}

story! {
    on(sqlite) async fn a_repository_is_mirrored_completely(server: Server) {
        let ada = server.person("ada").await;
        let work = history(&server, &ada, "ada/old", 3);
        work.git(&["tag", "-a", "v1", "-m", "First", "HEAD~1"]);
        work.git(&["notes", "add", "-m", "Checked"]);
        work.git(&["push", "-q", "origin", "main:side/branch", "v1", "refs/notes/commits"]);

        let mirror = server.clone_url(&server.remote(&ada, "ada/old"), "mirror", &["--mirror"]);
        mirror.git(&["lfs", "fetch", "--all"]);
        let new = server.remote(&ada, "ada/new");
        // First the objects, then the refs, as the server's message says.
        let said = mirror.git_fails(&["push", "--mirror", &new]);
        assert!(said.contains("git lfs push --all"), "{said}");
        mirror.git(&["lfs", "push", "--all", &new]);
        mirror.git(&["push", "-q", "--mirror", "-o", "anything", &new]);
        assert_eq!(mirror.git(&["ls-remote", &new]), work.git(&["ls-remote", "origin"]));
        let sound = server.assert_intact(&ada, "ada/new").await;
        sound.git(&["lfs", "fetch", "--all"]);
        for revision in sound.git(&["rev-list", "HEAD"]).lines() {
            sound.git(&["checkout", "-q", revision]);
        }

        // Deleted refs are deleted there too.
        mirror.git(&["update-ref", "-d", "refs/heads/side/branch"]);
        mirror.git(&["push", "-q", "--mirror", &new]);
        assert!(!mirror.git(&["ls-remote", &new]).contains("side/branch"));
        server.assert_intact(&ada, "ada/old").await;
        server.assert_intact(&ada, "ada/new").await;
    }
}
