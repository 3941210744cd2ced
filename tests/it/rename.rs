//! Renamed datasets: everything follows the new name immediately, and callers without the right are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Reply, Server, noise, story};
use serde_json::{Value, json};

async fn rename(server: &Server, who: &Person, from: &str, to: &str) -> Reply {
    let request = server.request("POST", &format!("/api/v1/datasets/{from}/move"), Some(&who.token));
    Reply::of(request.header("content-type", "application/json").body(json!({"to": to}).to_string())).await
}

async fn show(server: &Server, who: &Person, path: &str) -> Reply {
    Reply::of(server.request("GET", &format!("/api/v1/datasets/{path}"), Some(&who.token))).await
}

async fn commit(server: &Server, who: &Person, path: &str, operations: &Value) -> Reply {
    let request = server.request("POST", &format!("/api/v1/datasets/{path}/commits"), Some(&who.token));
    let body = json!({"message": "m", "operations": operations}).to_string();
    Reply::of(request.header("content-type", "application/json").body(body)).await
}

story! {
    async fn everything_follows_the_new_name_immediately(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        server.organisation("lab", &[(&ada, Role::Writer), (&bob, Role::Writer)]).await;
        server.dataset("ada/old", Visibility::Private).await;
        let tree = server.tree("work");
        tree.with_lfs(&server.remote(&ada, "ada/old"));
        tree.write("big.bin", noise(1, 4000));
        tree.write("datapackage.json", "{\"name\": \"d\"}\n");
        let first = tree.commit("one");
        tree.git(&["push", "-q", "origin", "main"]);
        // What was read before may be remembered.
        assert_eq!(show(&server, &ada, "ada/old").await.status, 200);
        assert_eq!(show(&server, &bob, "ada/old").await.status, 404);
        let link = server.download_url(&ada.token, "ada/old", &noise(1, 4000)).await;
        let upload = server.upload_urls(&ada.token, "ada/old", &noise(2, 10)).await;

        let moved = rename(&server, &ada, "ada/old", "lab/new").await;
        assert_eq!(moved.status, 200, "{}", moved.text());
        let answer = moved.json();
        assert_eq!((&answer["id"], &answer["owner"], &answer["name"]), (&json!("lab/new"), &json!("lab"), &json!("new")));
        assert_eq!(answer["revision"], first.as_str());

        // The old name is not found in any protocol; the new one works in all, for callers with access.
        assert_eq!(show(&server, &ada, "ada/old").await.status, 404);
        assert!(tree.git_fails(&["fetch", "origin"]).contains("not found"));
        let body = json!({"operation": "download", "objects": [{"oid": "a".repeat(64), "size": 1}]});
        assert_eq!(server.batch(Some(&ada.token), "ada/old", &body).await.0, 404);
        assert_eq!(show(&server, &bob, "lab/new").await.status, 200, "a writer of the new owner");
        let clone = server.clone(&bob, "lab/new", "clone");
        assert_eq!(clone.read("big.bin"), noise(1, 4000));
        assert_eq!(clone.git(&["rev-parse", "HEAD"]), first);
        clone.write("more.bin", noise(3, 2000));
        clone.git(&["lfs", "track", "more.bin"]);
        clone.commit("two");
        clone.git(&["push", "-q", "origin", "main"]);
        // A signed URL is about the dataset, whatever it is called.
        assert_eq!(Reply::of(server.http.get(link)).await.body, noise(1, 4000));
        assert_eq!(Reply::of(server.http.put(&upload.0).body(noise(2, 10))).await.status, 200);
        let put = json!([{"operation": "put", "path": "late.bin", "oid": lfs::Oid::of(&noise(2, 10)).to_string(), "size": 10}]);
        assert_eq!(commit(&server, &bob, "lab/new", &put).await.status, 201);
        // What the token of a writer may do with it is what writers may do.
        assert_eq!(rename(&server, &ada, "lab/new", "ada/back").await.status, 403, "only owners of it");

        // The old name is free, and what is made there has nothing of this one.
        server.dataset("ada/old", Visibility::Private).await;
        assert_eq!(show(&server, &ada, "ada/old").await.json()["revision"], Value::Null);
        assert!(show(&server, &bob, "lab/new").await.json()["revision"].is_string());
        assert!(server.app.storage.recount().await.unwrap().is_empty());
    }
}

story! {
    async fn a_name_that_the_caller_cannot_use_is_refused(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&eve, Role::Reader)]).await;
        server.organisation("lab/sub", &[]).await;
        for path in ["ada/one", "ada/two", "eve/hers", "lab/shared"] {
            server.dataset(path, Visibility::Private).await;
        }
        for (who, from, to, status) in [
            (&ada, "ada/one", "ada/two", 409),
            (&ada, "ada/one", "ada/one", 409),
            (&ada, "ada/one", "lab/sub", 409),
            (&ada, "ada/one", "eve/mine", 404),
            (&ada, "ada/one", "eve/hers", 404),
            (&ada, "ada/one", "missing/mine", 404),
            (&ada, "ada/one", "ada/a b", 422),
            (&ada, "ada/one", "../x", 422),
            (&ada, "ada/nothing", "ada/three", 404),
            (&ada, "eve/hers", "ada/three", 404),
            (&eve, "lab/shared", "eve/mine", 403),
            (&eve, "eve/hers", "lab/mine", 404),
        ] {
            let reply = rename(&server, who, from, to).await;
            assert_eq!(reply.status, status, "{from} → {to} by {}: {}", who.name, reply.text());
        }
        // A token for one dataset moves it nowhere else.
        let narrow = Person { name: "ada".into(), token: server.token("ada", &["own:ada/one"]).await };
        assert_eq!(rename(&server, &narrow, "ada/one", "ada/three").await.status, 404);
        for path in ["ada/one", "ada/two"] {
            assert_eq!(show(&server, &ada, path).await.status, 200);
        }
        // Of two that want one name, one gets it.
        let (one, two) =
            tokio::join!(rename(&server, &ada, "ada/one", "lab/same"), rename(&server, &ada, "ada/two", "lab/same"));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }
}

story! {
    async fn the_new_owner_needs_enough_quota(server: Server) {
        let ada = server.person("ada").await;
        server.organisation("lab", &[(&ada, Role::Owner)]).await;
        server.dataset("ada/data", Visibility::Private).await;
        server.dataset("lab/held", Visibility::Private).await;
        server.upload(&ada.token, "ada/data", &noise(1, 3000)).await;
        server.upload(&ada.token, "lab/held", &noise(2, 1000)).await;
        server.quota("lab", "3999").await;
        let refused = rename(&server, &ada, "ada/data", "lab/data").await;
        assert_eq!(refused.status, 507, "{}", refused.text());
        assert!(refused.text().contains("over quota"), "{}", refused.text());
        assert_eq!(show(&server, &ada, "ada/data").await.status, 200);
        server.quota("lab", "4000").await;
        assert_eq!(rename(&server, &ada, "ada/data", "lab/data").await.status, 200);
        let usage = server.app.storage.usage(Some(&"lab".parse().unwrap())).await.unwrap();
        assert_eq!(usage[0].bytes, 4000);
        // Within one owner it is no question of room.
        server.quota("lab", "1").await;
        assert_eq!(rename(&server, &ada, "lab/data", "lab/renamed").await.status, 200);
    }
}

story! {
    async fn the_address_of_git_lfs_follows(engine: Engine) {
        let server = Server::start_with(engine, |config| {
            config.public_url = Some("https://drive.example.org".to_owned());
        })
        .await;
        let ada = server.person("ada").await;
        server.dataset("ada/old", Visibility::Private).await;
        let oid = lfs::Oid::of(b"a,b\n").to_string();
        let (url, _) = server.upload_urls(&ada.token, "ada/old", b"a,b\n").await;
        let url = url.replace("https://drive.example.org", &server.url);
        assert_eq!(Reply::of(server.http.put(url).body("a,b\n")).await.status, 200);
        let package = json!({"name": "d", "resources": [{"name": "x", "path": "x.csv", "sha256": oid, "bytes": 4}]});
        let put = json!([{"operation": "put", "path": "datapackage.json", "content": package.to_string()}]);
        assert_eq!(commit(&server, &ada, "ada/old", &put).await.status, 201);
        let read = async |path: &str, branch: &str| {
            let url = format!("/api/v1/datasets/{path}/raw/{branch}/.lfsconfig");
            Reply::of(server.request("GET", &url, Some(&ada.token))).await.text()
        };
        assert!(read("ada/old", "main").await.contains("https://drive.example.org/ada/old.git/info/lfs"));
        let branch = server.request("POST", "/api/v1/datasets/ada/old/branches", Some(&ada.token));
        let branch = branch.header("content-type", "application/json").body(json!({"name": "next"}).to_string());
        assert_eq!(Reply::of(branch).await.status, 201);
        assert_eq!(rename(&server, &ada, "ada/old", "ada/new").await.status, 200);
        for branch in ["main", "next"] {
            let text = read("ada/new", branch).await;
            assert!(text.contains("https://drive.example.org/ada/new.git/info/lfs") && !text.contains("/old"), "{text}");
        }
        let pointer = Reply::of(server.request("GET", "/api/v1/datasets/ada/new/files/main/x.csv", Some(&ada.token))).await;
        assert_eq!(pointer.json()["oid"], oid.as_str(), "{}", pointer.text());
    }
}

story! {
    on(sqlite) async fn the_clients_of_hugging_face_can_move_datasets(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/old", Visibility::Public).await;
        server.dataset("ada/taken", Visibility::Private).await;
        let ask = async |from: &str, to: &str, kind: &str| {
            let body = json!({"fromRepo": from, "toRepo": to, "type": kind}).to_string();
            let request = server.request("POST", "/api/repos/move", Some(&ada.token));
            Reply::of(request.header("content-type", "application/json").body(body)).await
        };
        assert_eq!(ask("ada/old", "ada/taken", "dataset").await.status, 409);
        assert_eq!(ask("ada/old", "ada/new", "model").await.status, 422);
        let none = ask("ada/none", "ada/new", "dataset").await;
        assert_eq!((none.status, none.header("x-error-code")), (404, "RepoNotFound"));
        let moved = ask("ada/old", "ada/new", "dataset").await;
        assert_eq!(moved.json()["url"], format!("{}/datasets/ada/new", server.url), "{}", moved.text());
        let line = |key: &str, value: Value| json!({"key": key, "value": value}).to_string();
        let file = json!({"path": "a", "content": BASE64.encode("a"), "encoding": "base64"});
        let text = [line("header", json!({"summary": "s"})), line("file", file)].join("\n");
        let request = server.request("POST", "/api/datasets/ada/new/commit/main", Some(&ada.token));
        let made = Reply::of(request.header("content-type", "application/x-ndjson").body(text)).await;
        assert!(made.json()["commitUrl"].as_str().unwrap().contains("/datasets/ada/new/commit/"), "{}", made.text());
        assert_eq!(Reply::of(server.request("GET", "/api/datasets/ada/old", None)).await.status, 401);
    }
}
