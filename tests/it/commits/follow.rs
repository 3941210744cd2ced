//! Files that follow a commit: the package that describes files, and the attributes for pointers.

use lfs::Oid;
use rutter::types::Visibility;
use rutter_testing::{Reply, Tree, noise, story};
use serde_json::{Value, json};

use super::{ada, commit, fails, object, put};

/// A package with one resource that Git LFS keeps.
fn package(path: &str, bytes: &[u8]) -> Value {
    let resource = json!({"name": "r", "path": path, "sha256": Oid::of(bytes).to_string(), "bytes": bytes.len()});
    json!({"name": "d", "resources": [resource]})
}

story! {
    on(sqlite) async fn the_package_describes_the_files_of_a_commit(server: Server) {
        let ada = ada(&server).await;
        let (one, two) = (noise(1, 3000), noise(2, 2000));
        for bytes in [&one, &two] {
            server.upload(&ada.token, "ada/data", bytes).await;
        }
        commit(&server, &ada, "ada/data", json!([
            put(".gitattributes", "*.txt text\n"),
            put("datapackage.json", &package("data/a 1.bin", &one).to_string()),
            put("note.txt", "mine\n"),
        ])).await;
        let tree = server.clone(&ada, "ada/data", "clone");
        assert_eq!(tree.read("data/a 1.bin"), one, "the pointer came with the package, and git lfs has fetched it");
        assert_eq!(tree.git(&["status", "--short"]), "");
        // A patch moves the resource: the pointer and its line go along, the user's own line stays.
        commit(&server, &ada, "ada/data", json!([
            {"operation": "patch", "package": {"resources": package("b.bin", &two)["resources"]}},
        ])).await;
        tree.git(&["pull", "-q"]);
        assert_eq!(tree.git(&["ls-files"]), ".gitattributes\nb.bin\ndatapackage.json\nnote.txt");
        assert_eq!(tree.read("b.bin"), two);
        let lines = String::from_utf8(tree.read(".gitattributes")).unwrap();
        assert!(lines.starts_with("*.txt text\n") && lines.contains("\n/b.bin filter=lfs") && !lines.contains("a 1"), "{lines}");
        // Operations that contradict the package are refused.
        commit(&server, &ada, "ada/data", json!([
            {"operation": "move", "from": "b.bin", "to": "c.bin"},
            {"operation": "patch", "package": {"resources": package("c.bin", &two)["resources"]}},
        ])).await;
        let patch = |bytes: &[u8]| json!({"operation": "patch", "package": package("c.bin", bytes)});
        for (operation, answer) in [
            (put("c.bin", "other"), "writes different content"),
            (json!({"operation": "delete", "path": "c.bin"}), "deletes it"),
            (json!({"operation": "move", "from": "c.bin", "to": "d.bin"}), "deletes it"),
        ] {
            let title = json!({"operation": "patch", "package": {"title": "New"}});
            let (status, detail) = fails(&server, &ada, "ada/data", json!([operation, title])).await;
            assert!(status == 422 && detail.starts_with("operations[1]: datapackage.json describes") && detail.contains(answer), "{detail}");
        }
        let unknown = noise(3, 10);
        let (status, detail) = fails(&server, &ada, "ada/data", json!([put("x", "1"), patch(&unknown)])).await;
        assert!(status == 422 && detail.starts_with("operations[1]: the dataset does not hold"), "{detail}");
        // What git keeps itself is as good as a pointer.
        commit(&server, &ada, "ada/data", json!([put("c.bin", "small"), patch(b"small")])).await;
        tree.git(&["pull", "-q"]);
        assert_eq!(tree.git(&["cat-file", "-p", "HEAD:c.bin"]), "small");
        assert!(!String::from_utf8(tree.read(".gitattributes")).unwrap().contains("c.bin"));
        // Other pushed data stays, whatever changes in the package.
        tree.write("c.bin", "pushed");
        tree.commit("data");
        tree.git(&["push", "-q", "origin", "main"]);
        commit(&server, &ada, "ada/data", json!([{"operation": "patch", "package": {"title": "Later"}}])).await;
        tree.git(&["pull", "-q"]);
        assert_eq!(tree.read("c.bin"), b"pushed");
    }
}

story! {
    on(sqlite) async fn every_change_of_the_package_is_validated(server: Server) {
        let ada = ada(&server).await;
        server.dataset("ada/other", Visibility::Private).await;
        commit(&server, &ada, "ada/other", json!([put("wrong.json", "{\"resources\": 1}")])).await;
        let good = noise(1, 3000);
        server.upload(&ada.token, "ada/data", &good).await;
        commit(&server, &ada, "ada/data", json!([
            put("wrong.json", "{\"resources\": 1}"), put("list.json", "[]"), put("folder/x", "1"),
            put("right.json", &package("data.bin", &good).to_string()), object("o.bin", &good),
        ])).await;
        let not_valid = "operations[1]: datapackage.json is not valid: `/resources`";
        let to = "datapackage.json";
        for (operation, answer) in [
            (json!({"operation": "copy", "from": "wrong.json", "to": to}), not_valid),
            (json!({"operation": "move", "from": "wrong.json", "to": to}), not_valid),
            (json!({"operation": "copy", "from": "wrong.json", "to": to, "revision": "HEAD"}), not_valid),
            (json!({"operation": "copy", "from": "wrong.json", "to": to, "dataset": "ada/other"}), not_valid),
            (json!({"operation": "move", "from": "list.json", "to": to}), "operations[1]: datapackage.json is not a JSON object"),
            (json!({"operation": "copy", "from": "o.bin", "to": to}), "operations[1]: datapackage.json is not a JSON object"),
            (json!({"operation": "move", "from": "folder", "to": to}), "operations[1]: datapackage.json must be a file"),
            (object(to, &good), "operations[1]: datapackage.json is not a JSON object"),
        ] {
            let (status, detail) = fails(&server, &ada, "ada/data", json!([put("ok", "1"), operation])).await;
            assert!(status == 422 && detail.starts_with(answer), "{operation}: {detail}");
        }
        // Later operations can correct earlier ones.
        commit(&server, &ada, "ada/data", json!([
            {"operation": "move", "from": "wrong.json", "to": to},
            {"operation": "patch", "package": {"name": "d", "resources": []}},
            {"operation": "delete", "path": to},
            {"operation": "move", "from": "right.json", "to": to},
        ])).await;
        let tree = server.clone(&ada, "ada/data", "clone");
        assert_eq!((tree.read("data.bin"), tree.read("o.bin")), (good.clone(), good));
        assert_eq!(tree.git(&["status", "--short"]), "");
        // Without a package nothing follows.
        commit(&server, &ada, "ada/data", json!([{"operation": "delete", "path": to}])).await;
        tree.git(&["pull", "-q"]);
        assert!(tree.folder.join("data.bin").exists());
    }
}

story! {
    on(sqlite) async fn gitattributes_lists_each_pointer(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(1, 3000);
        server.upload(&ada.token, "ada/data", &bytes).await;
        let own = "# mine\n*.png filter=lfs diff=lfs merge=lfs -text\n";
        commit(&server, &ada, "ada/data", json!([
            put(".gitattributes", own),
            object("f/one.bin", &bytes), object("f/two [2].bin", &bytes), object("f/p.png", &bytes), put("f/text", "t"),
        ])).await;
        let tree = server.clone(&ada, "ada/data", "clone");
        let listed = |tree: &Tree| {
            let text = String::from_utf8(tree.read(".gitattributes")).unwrap();
            assert!(text.starts_with(own), "{text}");
            assert_eq!(tree.git(&["status", "--short"]), "");
            text.lines().filter(|line| line.ends_with("-text") && !line.starts_with('*'))
                .map(|line| line.split(" filter").next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(listed(&tree), ["\"f/two \\\\[2\\\\].bin\"", "f/one.bin"]);
        // A folder takes its lines along; a copy gets its own.
        commit(&server, &ada, "ada/data", json!([
            {"operation": "move", "from": "f", "to": "g/h"},
            {"operation": "copy", "from": "g/h/one.bin", "to": "copy.bin"},
            {"operation": "delete", "path": "g/h/two [2].bin"},
        ])).await;
        tree.git(&["pull", "-q"]);
        assert_eq!(listed(&tree), ["/copy.bin", "g/h/one.bin"]);
        assert_eq!((tree.read("g/h/one.bin"), tree.read("copy.bin")), (bytes.clone(), bytes.clone()));
        // A file that is no longer a pointer has no line.
        commit(&server, &ada, "ada/data", json!([put("copy.bin", "plain"), {"operation": "delete", "path": "g"}])).await;
        tree.git(&["pull", "-q"]);
        assert_eq!(String::from_utf8(tree.read(".gitattributes")).unwrap(), own);
        assert_eq!(tree.read("copy.bin"), b"plain");
        // A restored pointer is listed too.
        let url = "/api/v1/datasets/ada/data/restore";
        let body = json!({"revision": "HEAD~2", "path": "f/one.bin"}).to_string();
        let reply = server.request("POST", url, Some(&ada.token)).header("content-type", "application/json").body(body);
        assert_eq!(Reply::of(reply).await.status, 200);
        tree.git(&["pull", "-q"]);
        assert_eq!(listed(&tree), ["f/one.bin"]);
        assert_eq!(tree.read("f/one.bin"), bytes);
    }
}
