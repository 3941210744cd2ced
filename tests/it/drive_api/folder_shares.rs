//! Shares of one folder: users find and change it, and reach nothing else.

use lfs::Oid;
use rutter_testing::{Person, Reply, Server, noise, story};
use serde_json::{Value, json};

use super::{DRIVE, DriveClient, ada};

/// An object outside the shared folder.
fn secret() -> Vec<u8> {
    noise(99, 20_000)
}

async fn dataset_with_folders(server: &Server) -> Person {
    let ada = ada(server).await;
    let drive = DriveClient::new(server, &ada, "ada/data");
    for path in ["a/x.txt", "a/in/y.txt", "ab/z.txt", "c.txt", "deep/er/d.txt"] {
        assert_eq!(drive.put(path, path.to_owned()).await.status, 201);
    }
    assert_eq!(drive.put("ab/secret.bin", secret()).await.status, 201);
    ada
}

story! {
    async fn a_folder_share_shows_only_the_folder(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let bob = server.person("bob").await;
        let drive = DriveClient::new(&server, &bob, "ada/data");
        assert_eq!(drive.get("/list").await.status, 404);
        for (path, right) in [("a", "edit"), ("deep/er", "view")] {
            server.share(&ada, "ada/data", json!({"path": path, "with": {"user": "bob"}, "right": right})).await;
        }
        assert_eq!(drive.names("").await, ["a/", "er/"]);
        assert_eq!(drive.names("deep").await, ["er/"]);
        assert_eq!(drive.names("a").await, ["in/", "x.txt"]);
        let entry = drive.get("/entry/a/x.txt").await.json();
        assert_eq!((&entry["right"], &entry["shared"]), (&json!("edit"), &json!(true)));
        let owner = DriveClient::new(&server, &ada, "ada/data");
        let shared = |listed: Value| -> Vec<String> {
            let items = listed["items"].as_array().unwrap().clone();
            let shared = items.iter().filter(|item| item["shared"] == true);
            shared.map(|item| item["path"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(shared(owner.get("/list").await.json()), ["a"]);
        let found = drive.get("/search?q=txt").await.json();
        let paths: Vec<&str> = found["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["a/x.txt", "a/in/y.txt", "deep/er/d.txt"]);

        for rest in [
            "/list?path=ab", "/entry/ab", "/entry/c.txt", "/content/ab/secret.bin", "/download/c.txt",
            "/versions/c.txt", "/rows/c.txt", "/search?q=z&path=ab", "/usage", "/entry/nothing",
        ] {
            assert_eq!(drive.get(rest).await.status, 404, "{rest}");
        }
        for (rest, body) in [
            ("/downloads", json!({"paths": ["a", "c.txt"]})),
            ("/downloads", json!({"paths": [""]})),
            ("/copy", json!({"from": "c.txt", "to": "a/c.txt"})),
            ("/copy", json!({"from": "ab/secret.bin", "to": "a/s.bin", "dataset": "ada/data"})),
            ("/move", json!({"from": "c.txt", "to": "a/c.txt"})),
            ("/move", json!({"from": "a/x.txt", "to": "x.txt"})),
            ("/delete", json!({"paths": ["a/x.txt", "c.txt"]})),
            ("/folders", json!({"path": "new"})),
            ("/uploads", json!({"path": "ab/new.bin", "size": 5})),
        ] {
            assert_eq!(drive.send("POST", rest, &body).await.status, 404, "{rest} {body}");
        }
        assert_eq!(drive.put("c.txt", "mine").await.status, 404);
        assert_eq!(drive.put("deep/er/d.txt", "mine").await.status, 403, "that was to look at");
        // A recipient cannot remove the owner's share.
        assert_eq!(drive.send("POST", "/move", &json!({"from": "a", "to": "a/b"})).await.status, 403);
        assert_eq!(drive.send("POST", "/delete", &json!({"paths": ["a"]})).await.status, 403);
        assert_eq!(owner.get("/content/c.txt").await.text(), "c.txt");
    }
}

story! {
    async fn editing_a_shared_folder_gives_no_access_outside_it(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let bob = server.person("bob").await;
        let (owner, drive) = (DriveClient::new(&server, &ada, "ada/data"), DriveClient::new(&server, &bob, "ada/data"));
        let share = json!({"path": "a", "with": {"user": "bob"}, "right": "edit"});
        server.share(&ada, "ada/data", share).await;
        assert_eq!(drive.put("a/new.txt", "new").await.status, 201);
        drive.ok("POST", "/move", &json!({"from": "a/new.txt", "to": "a/in/new.txt"})).await;
        assert_eq!(owner.get("/content/a/in/new.txt").await.text(), "new");
        assert_eq!(owner.get("/entry/a/in/new.txt").await.json()["modified_by"], "bob");

        // Knowing an object of the dataset gives nothing: not with a pointer file, not with a hash.
        let oid = Oid::of(&secret());
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n", secret().len());
        assert_eq!(drive.put("a/pointer", pointer.clone()).await.status, 201);
        assert_eq!(drive.get("/content/a/pointer").await.text(), pointer);
        let begin = json!({"path": "a/s.bin", "size": secret().len(), "sha256": oid.to_string()});
        let opened = drive.ok("POST", "/uploads", &begin).await;
        let end = drive.send("POST", &format!("/uploads/{}/finish", opened["id"].as_str().unwrap()), &json!({})).await;
        assert_eq!(end.status, 409, "the bytes have to come: {}", end.text());

        // They do not see the trash of others; the owner sees theirs.
        owner.ok("POST", "/delete", &json!({"paths": ["c.txt"]})).await;
        drive.ok("POST", "/delete", &json!({"paths": ["a/x.txt"]})).await;
        let all = owner.get("/trash").await.json()["items"].as_array().unwrap().clone();
        let own = drive.get("/trash").await.json()["items"].as_array().unwrap().clone();
        assert_eq!((all.len(), own.len(), &own[0]["path"]), (2, 1, &json!("a/x.txt")));
        let foreign = json!({"ids": [all[1]["id"]]});
        assert_eq!(drive.send("POST", "/trash/restore", &foreign).await.status, 404);
        assert_eq!(drive.send("POST", "/trash/restore", &json!({"ids": [own[0]["id"]], "to": ""})).await.status, 404);
        assert_eq!(drive.request("DELETE", "/trash").send().await.unwrap().status(), 204);
        assert_eq!(owner.get("/trash").await.json()["items"].as_array().unwrap().len(), 1);

        // A share of the package alone does not let anybody say what other files are.
        owner.put("datapackage.json", "{\"name\": \"d\", \"resources\": []}").await;
        let share = json!({"path": "datapackage.json", "with": {"user": "bob"}, "right": "edit"});
        server.share(&ada, "ada/data", share).await;
        let package = json!({"name": "d", "resources": [
            {"name": "r", "path": "c2.bin", "hash": format!("sha256:{oid}"), "bytes": secret().len()},
        ]});
        assert_eq!(drive.put("datapackage.json", package.to_string()).await.status, 403);

        // What is renamed stays shared; what comes to the place of something deleted is not.
        owner.ok("POST", "/move", &json!({"from": "a", "to": "moved"})).await;
        assert_eq!(drive.get("/content/moved/in/y.txt").await.status, 200);
        // Also if it is renamed by a commit on the default branch, but not on another one.
        let commit = async |branch: &str, from: &str, to: &str| {
            let operations = json!([{"operation": "move", "from": from, "to": to}]);
            let body = json!({"branch": branch, "message": "Rename", "operations": operations});
            server.ok(&ada, "POST", "/api/v1/datasets/ada/data/commits", body).await
        };
        server.ok(&ada, "POST", "/api/v1/datasets/ada/data/branches", json!({"name": "draft"})).await;
        commit("draft", "moved", "elsewhere").await;
        commit("main", "moved", "again").await;
        assert_eq!(drive.get("/content/again/in/y.txt").await.status, 200);
        commit("main", "again", "moved").await;
        owner.ok("POST", "/delete", &json!({"paths": ["moved"]})).await;
        owner.put("moved/other.txt", "another").await;
        assert_eq!(drive.get("/content/moved/other.txt").await.status, 404);
    }
}

story! {
    async fn one_path_outside_refuses_the_whole_list(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let bob = server.person("bob").await;
        for (path, right) in [("a", "edit"), ("deep/er", "view")] {
            server.share(&ada, "ada/data", json!({"path": path, "with": {"user": "bob"}, "right": right})).await;
        }
        let (owner, drive) = (DriveClient::new(&server, &ada, "ada/data"), DriveClient::new(&server, &bob, "ada/data"));
        let revision = async || server.ok(&ada, "GET", "/api/v1/datasets/ada/data", Value::Null).await["revision"].clone();
        let before = revision().await;
        let inside = json!({"from": "a/x.txt", "to": "a/moved.txt"});
        // What bob cannot see, and what bob can only see; each as the first and as the last of the list.
        for (path, status) in [("c.txt", 404), ("ab/z.txt", 404), ("none", 404), ("deep", 404), ("deep/er/d.txt", 403)] {
            for outside in [json!({"from": path, "to": "a/taken"}), json!({"from": "a/in", "to": format!("{path}/new")})] {
                for items in [json!([inside, outside]), json!([outside, inside])] {
                    let moved = drive.send("POST", "/move", &json!({"items": items})).await;
                    assert_eq!(moved.status, status, "{items}: {}", moved.text());
                    let copied = drive.send("POST", "/copy", &json!({"items": items})).await;
                    // What bob can read, bob can copy.
                    let copies = status == 403 && outside["from"] == path;
                    assert_eq!(copied.status, if copies { 200 } else { status }, "{items}: {}", copied.text());
                    if copies {
                        owner.ok("POST", "/delete", &json!({"paths": ["a/moved.txt", "a/taken"]})).await;
                    }
                }
            }
            for paths in [json!(["a/x.txt", path]), json!([path, "a/x.txt"])] {
                let deleted = drive.send("POST", "/delete", &json!({"paths": paths})).await;
                assert_eq!(deleted.status, status, "{paths}: {}", deleted.text());
            }
        }
        // What was shared itself stays where it is, in any list.
        for items in [json!([inside, {"from": "a", "to": "a/b"}]), json!([{"from": "a", "to": "a/b"}, inside])] {
            assert_eq!(drive.send("POST", "/move", &json!({"items": items})).await.status, 403, "{items}");
        }
        for path in ["a/x.txt", "a/in/y.txt", "ab/z.txt", "c.txt", "deep/er/d.txt"] {
            assert_eq!(owner.get(&format!("/content/{path}")).await.text(), path);
        }
        assert_eq!(owner.names("a").await, ["in/", "x.txt"]);
        assert_ne!(revision().await, before, "bob's copies, and their deletion");
        let before = revision().await;
        let unseen = json!({"items": [inside, {"from": "c.txt", "to": "a/c.txt"}]});
        assert_eq!(drive.send("POST", "/move", &unseen).await.status, 404);
        assert_eq!(revision().await, before, "nothing was changed");
        drive.ok("POST", "/move", &json!({"items": [inside, {"from": "a/in", "to": "a/out"}]})).await;
        assert_eq!(owner.names("a").await, ["moved.txt", "out/"]);
    }
}

story! {
    async fn a_link_respects_its_download_limit(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let share = json!({"path": "a", "with": {"link": true}, "right": "view", "downloads": 2});
        let share = server.share(&ada, "ada/data", share).await;
        let link = share["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
        let visitor = DriveClient { server: &server, token: Some(server.link_token(&link).await), url: format!("{DRIVE}/ada/data") };
        assert_eq!(visitor.names("").await, ["a/"]);
        assert_eq!(visitor.put("a/x.txt", "mine").await.status, 403);
        for _ in 0..3 {
            assert_eq!(visitor.get("/content/a/x.txt").await.status, 200, "the same again is one download");
        }
        assert_eq!(visitor.send("POST", "/downloads", &json!({"paths": [""]})).await.status, 404, "it is for a part");
        let packed = visitor.ok("POST", "/downloads", &json!({"paths": ["a"]})).await;
        assert_eq!(Reply::of(server.http.get(packed["url"].as_str().unwrap())).await.status, 200);
        assert_eq!(visitor.get("/content/a/in/y.txt").await.status, 404, "it is used up");
        assert_eq!(visitor.send("POST", "/downloads", &json!({"paths": ["a/in"]})).await.status, 404);
    }
}
