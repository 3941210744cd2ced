//! Datasets, revisions, tags and branches over HTTP: the contract that clients of a metastore rely on.

use std::collections::BTreeSet;

use reqwest::header::HeaderMap;
use rutter::types::Role;
use rutter_testing::{Person, Reply, Server, noise, story};
use serde_json::{Value, json};

const ROOT: &str = "/api/v1/datasets";

/// A client of the API of one dataset.
struct DatasetClient<'a> {
    server: &'a Server,
    token: &'a str,
    path: &'a str,
}

impl DatasetClient<'_> {
    async fn ask(&self, method: &str, tail: &str, body: &Value) -> Reply {
        let url = format!("{ROOT}/{}{tail}", self.path);
        let request = self.server.request(method, &url, Some(self.token));
        let body = if body.is_null() { None } else { Some(body.to_string()) };
        Reply::of(match body {
            Some(body) => request.header("content-type", "application/json").body(body),
            None => request,
        })
        .await
    }

    /// The answer to what must succeed.
    async fn ok(&self, method: &str, tail: &str, body: &Value) -> Value {
        let reply = self.ask(method, tail, body).await;
        assert!(reply.status < 300, "{method} {tail}: {} {}", reply.status, reply.text());
        if reply.status == 204 { Value::Null } else { reply.json() }
    }

    /// The status and the sentence of what must fail; always problem details.
    async fn fails(&self, method: &str, tail: &str, body: &Value) -> (u16, String) {
        let reply = self.ask(method, tail, body).await;
        assert!(reply.status >= 400, "{method} {tail} should have failed: {}", reply.text());
        assert_eq!(reply.header("content-type"), "application/problem+json", "{method} {tail}");
        let answer = reply.json();
        assert_eq!(answer["status"], reply.status);
        (reply.status, answer["detail"].as_str().unwrap().to_owned())
    }

    async fn get(&self, tail: &str) -> Value {
        self.ok("GET", tail, &Value::Null).await
    }
}

async fn create(server: &Server, who: &Person, body: &Value) -> Reply {
    let request = server.request("POST", ROOT, Some(&who.token));
    Reply::of(request.header("content-type", "application/json").body(body.to_string())).await
}

async fn birds<'a>(server: &'a Server, ada: &'a Person) -> (DatasetClient<'a>, Value) {
    let body = json!({
        "id": "ada/birds",
        "package": {"name": "birds", "title": "Birds", "resources": []},
        "author": {"name": "Grace", "email": "grace@example.org"},
    });
    let reply = create(server, ada, &body).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(reply.header("location"), "/api/v1/datasets/ada/birds");
    (DatasetClient { server, token: &ada.token, path: "ada/birds" }, reply.json())
}

fn names(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

story! {
    async fn every_change_of_a_package_is_a_revision(server: Server) {
        let ada = server.person("ada").await;
        let (client, first) = birds(&server, &ada).await;
        assert_eq!(first["id"], "ada/birds");
        assert_eq!(first["description"], "Initial datapackage commit");
        assert_eq!(first["author"], json!({"name": "Grace", "email": "grace@example.org"}));
        assert_eq!(first["committer"], json!({"name": "ada", "email": "ada@example.org"}), "who brought it stays known");
        let one = client.get("/revisions").await;
        assert_eq!(one["items"].as_array().unwrap().len(), 1, "a fresh package has one revision");
        assert!(one["items"][0].get("package").is_none(), "lists carry no packages");

        // A field is changed, the others stay, in their order.
        let second = client.ok("PATCH", "", &json!({"package": {"title": "More birds", "version": "2"}})).await;
        assert_eq!(second["description"], "Datapackage updated");
        assert_eq!(second["package"]["name"], "birds");
        let keys: Vec<&String> = second["package"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["name", "title", "resources", "version"]);
        // All of it is replaced.
        let third = client.ok("PUT", "", &json!({"package": {"name": "b"}, "message": "Anew"})).await;
        assert_eq!((&third["package"], &third["description"]), (&json!({"name": "b"}), &json!("Anew")));
        // An update without changes creates no revision.
        let same = client.ok("PATCH", "", &json!({"package": {"name": "b"}})).await;
        assert_eq!(same["revision"], third["revision"]);

        let all = client.get("/revisions").await;
        let ids: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|item| &item["revision"]).collect();
        assert_eq!(ids, [&third["revision"], &second["revision"], &first["revision"]], "the newest first");
        let id = first["revision"].as_str().unwrap();
        for name in [id, &id[..10], "HEAD~2", "main~2", "main^^", &format!("{id}^0")] {
            let found = client.get(&format!("/revisions/{}", name.replace('^', "%5E"))).await;
            assert_eq!((&found["revision"], &found["package"]), (&first["revision"], &first["package"]), "{name}");
            assert_eq!(client.get(&format!("?revision={}", name.replace('^', "%5E"))).await["package"]["title"], "Birds");
        }
        let tree = server.clone(&ada, "ada/birds", "clone");
        assert_eq!(String::from_utf8(tree.read("datapackage.json")).unwrap(), "{\n  \"name\": \"b\"\n}\n");
        assert_eq!(tree.git(&["log", "--format=%an %ae %cn %s"]).lines().last().unwrap(), "Grace grace@example.org ada Initial datapackage commit");
    }
}

story! {
    on(sqlite) async fn missing_items_are_not_found(server: Server) {
        let ada = server.person("ada").await;
        let (client, _) = birds(&server, &ada).await;
        for name in ["nope", "0000000000000000000000000000000000000000", "a%20b", "HEAD~99", "~", "HEAD%5E%5E5", "main@%7Btomorrow%7D", "main@%7B1999-01-01%7D", "%00", "..", "deadbeef"] {
            if name != ".." {
                assert_eq!(client.fails("GET", &format!("/revisions/{name}"), &Value::Null).await.0, 404, "{name}");
            }
            assert_eq!(client.fails("GET", &format!("?revision={name}"), &Value::Null).await.0, 404, "{name}");
        }
        assert_eq!(client.fails("GET", "/tags/version-1.0", &Value::Null).await.0, 404);
        assert_eq!(client.fails("DELETE", "/tags/version-1.0", &Value::Null).await.0, 404);
        assert_eq!(client.fails("GET", "/branches/none", &Value::Null).await.0, 404);
        let gone = DatasetClient { path: "ada/nothing", ..client };
        for tail in ["", "/revisions", "/tags", "/branches", "/revisions/main"] {
            assert_eq!(gone.fails("GET", tail, &Value::Null).await.0, 404, "{tail}");
        }
    }
}

story! {
    async fn an_update_with_a_stale_base_changes_nothing(server: Server) {
        let ada = server.person("ada").await;
        let (client, first) = birds(&server, &ada).await;
        let base = first["revision"].as_str().unwrap();
        let second = client.ok("PATCH", "", &json!({"package": {"n": 1}, "base_revision": base})).await;
        for (method, package) in [("PATCH", json!({"n": 2})), ("PUT", json!({"name": "x"}))] {
            let (status, answer) = client.fails(method, "", &json!({"package": package, "base_revision": base})).await;
            assert_eq!(status, 412);
            assert!(answer.contains("`main` has changed in the meantime"), "{answer}");
        }
        let request = server.request("PATCH", "/api/v1/datasets/ada/birds", Some(&ada.token));
        let request = request.header("content-type", "application/json").header("if-match", format!("\"{base}\""));
        assert_eq!(Reply::of(request.body(r#"{"package": {"n": 3}}"#)).await.status, 412);
        let stale = client.fails("POST", "/revert", &json!({"revision": "HEAD", "base_revision": base})).await;
        assert_eq!(stale.0, 412);
        assert_eq!(client.get("").await["revision"], second["revision"]);
        // Updates without a base are merged.
        let writers = (0..10).map(|number| {
            let client = &client;
            async move { client.ok("PATCH", "", &json!({"package": {format!("field-{number}"): number}})).await }
        });
        futures::future::join_all(writers).await;
        let package = client.get("").await["package"].clone();
        for number in 0..10 {
            assert_eq!(package[format!("field-{number}")], number);
        }
    }
}

story! {
    async fn datasets_are_created_once_and_only_with_permission(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.organisation("lab", &[(&ada, Role::Writer), (&eve, Role::Reader)]).await;
        let (client, _) = birds(&server, &ada).await;
        let new = |id: &str| json!({"id": id, "package": {}});
        assert_eq!(create(&server, &ada, &new("ada/birds")).await.status, 409);
        for (who, id, status) in [
            (&ada, "lab/birds", 201),
            (&eve, "lab/more", 404),
            (&eve, "ada/mine", 404),
            (&eve, "ada/birds", 404),
            (&ada, "missing/birds", 404),
            (&ada, "ada", 422),
            (&ada, "ada/../x", 422),
            (&ada, "ada/a b", 422),
            (&ada, "", 422),
        ] {
            let reply = create(&server, who, &new(id)).await;
            assert_eq!(reply.status, status, "{} as {id:?}: {}", who.name, reply.text());
        }
        for body in [
            json!({"id": "ada/x", "visibility": "secret"}),
            json!({"id": "ada/x", "store": "elsewhere"}),
            json!({"id": "ada/x", "packages": {}}),
            json!({"id": "ada/x", "package": []}),
            json!({"id": "ada/x", "package": {}, "author": {"name": "a<b"}}),
            json!({"package": {}}),
            json!([]),
        ] {
            assert_eq!(create(&server, &ada, &body).await.status, 422, "{body}");
        }
        let here = DatasetClient { path: "ada/x", ..client };
        assert_eq!(here.fails("GET", "", &Value::Null).await.0, 404, "what failed left nothing behind");
        let request = server.request("POST", ROOT, Some(&ada.token));
        assert_eq!(Reply::of(request.header("content-type", "application/json").body("{")).await.status, 400);
        let form = server.request("POST", ROOT, Some(&ada.token)).header("content-type", "text/plain");
        assert_eq!(Reply::of(form.body("{}")).await.status, 415);
        let client = DatasetClient { path: "ada/birds", ..here };
        client.ok("DELETE", "", &Value::Null).await;
        assert_eq!(client.fails("GET", "", &Value::Null).await.0, 404);
    }
}

story! {
    async fn tags_of_one_second_are_ordered_by_revision_and_version(server: Server) {
        let ada = server.person("ada").await;
        let (client, first) = birds(&server, &ada).await;
        server.clock.advance(std::time::Duration::from_secs(2));
        let second = client.ok("PATCH", "", &json!({"package": {"title": "x"}})).await;
        // The tags are created at the beginning of a second, so that all get the same one.
        let into_second = server.clock.now().0.unsigned_abs() % 1000;
        server.clock.advance(std::time::Duration::from_millis(1000 - into_second));
        for (name, revision) in [("b/second", &second), ("v1.10", &first), ("v1.9", &first), ("v1.9-rc1", &first)] {
            client.ok("POST", "/tags", &json!({"name": name, "revision": revision["revision"]})).await;
        }
        let expected = ["v1.9-rc1", "v1.9", "v1.10", "b/second"];
        let listed = client.get("/tags").await;
        assert_eq!(names(&listed), expected);
        let times: BTreeSet<&str> = listed["items"].as_array().unwrap().iter().map(|tag| tag["created"].as_str().unwrap()).collect();
        assert_eq!(times.len(), 1, "all in one second");
        client.ok("POST", "/tags", &json!({"name": "b/third"})).await;
        let (mut cursor, mut paged) = (String::new(), Vec::new());
        loop {
            let page = client.get(&format!("/tags?limit=1&cursor={}", cursor.replace('%', "%25").replace('/', "%2F"))).await;
            paged.extend(names(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            next.clone_into(&mut cursor);
            assert!(paged.len() < 9, "{paged:?}");
        }
        assert_eq!(paged, [&expected[..], &["b/third"]].concat());
    }
}

story! {
    on(sqlite) async fn tags_name_revisions_permanently(server: Server) {
        let ada = server.person("ada").await;
        let (client, first) = birds(&server, &ada).await;
        let author = json!({"name": "Grace", "email": null});
        let tag = client.ok("POST", "/tags", &json!({"name": "version-1.0.0", "author": author})).await;
        assert_eq!((&tag["revision"], &tag["description"]), (&first["revision"], &json!("Tagging revision")));
        assert_eq!(tag["author"], json!({"name": "Grace", "email": "ada@example.org"}));
        let second = client.ok("PATCH", "", &json!({"package": {"title": "x"}})).await;
        server.clock.advance(std::time::Duration::from_secs(2));
        let body = json!({"name": "v2/ünï", "revision": "HEAD~1", "description": "By hand"});
        assert_eq!(client.ok("POST", "/tags", &body).await["revision"], first["revision"]);
        assert_eq!(names(&client.get("/tags").await), ["version-1.0.0", "v2/ünï"], "the oldest first");
        assert_eq!(client.get("/revisions/version-1.0.0").await["package"]["title"], "Birds");

        assert_eq!(client.fails("POST", "/tags", &json!({"name": "version-1.0.0"})).await.0, 409);
        assert_eq!(client.fails("GET", "/tags/version-1.0", &Value::Null).await.0, 404, "only the whole name");
        assert_eq!(client.fails("POST", "/tags", &json!({"name": "x", "revision": "nope"})).await.0, 404);
        for name in ["", "with space", "with!", "with\n", "a\tb", "a..b", "-x", "x.lock", "/x", &"a".repeat(40)] {
            assert_eq!(client.fails("POST", "/tags", &json!({"name": name})).await.0, 422, "{name:?}");
        }
        assert_eq!(client.fails("POST", "/tags", &json!({"name": "v2"})).await.0, 409, "git cannot hold `v2` beside `v2/x`");

        // Renamed, then described again: its revision and its author stay.
        let renamed = client.ok("PATCH", "/tags/version-1.0.0", &json!({"name": "v1"})).await;
        assert_eq!((&renamed["revision"], &renamed["created"]), (&first["revision"], &tag["created"]));
        assert_eq!(renamed["author"]["name"], "Grace");
        let answer = client.ok("PATCH", "/tags/v1", &json!({"description": "The first", "author": {"name": "Ada"}})).await;
        assert_eq!((&answer["description"], &answer["author"]["name"]), (&json!("The first"), &json!("Ada")));
        assert_ne!(answer["revision"], second["revision"]);
        assert_eq!(client.fails("PATCH", "/tags/v1", &json!({})).await.0, 422);
        assert_eq!(client.fails("PATCH", "/tags/v1", &json!({"name": "a b"})).await.0, 422);
        assert_eq!(client.fails("PATCH", "/tags/v1", &json!({"name": "v2/ünï"})).await.0, 409);
        assert_eq!(client.fails("PATCH", "/tags/none", &json!({"name": "y"})).await.0, 404);

        let tree = server.clone(&ada, "ada/birds", "clone");
        assert_eq!(tree.git(&["cat-file", "-t", "v1"]), "tag");
        assert_eq!(tree.git(&["for-each-ref", "--format=%(taggername) %(contents:subject)", "refs/tags/v1"]), "Ada The first");
        // What git pushes is a tag too, annotated or not, whatever its name.
        tree.git(&["tag", "light@1", "HEAD"]);
        tree.git(&["push", "-q", "origin", "light@1"]);
        let light = client.get("/tags/light@1").await;
        assert_eq!((&light["revision"], &light["description"]), (&second["revision"], &json!("")));

        client.ok("DELETE", "/tags/v1", &Value::Null).await;
        assert_eq!(client.fails("DELETE", "/tags/v1", &Value::Null).await.0, 404);
        assert_eq!(client.get("/revisions").await["items"].as_array().unwrap().len(), 2, "the revision stays");
    }
}

story! {
    async fn branches_are_created_deleted_and_protected(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&bob, Role::Writer)]).await;
        assert_eq!(create(&server, &ada, &json!({"id": "lab/birds", "package": {"name": "b"}})).await.status, 201);
        let client = DatasetClient { server: &server, token: &ada.token, path: "lab/birds" };
        let other = DatasetClient { server: &server, token: &bob.token, path: "lab/birds" };
        other.ok("POST", "/branches", &json!({"name": "draft/one"})).await;
        other.ok("POST", "/branches", &json!({"name": "release/1", "revision": "draft/one"})).await;
        assert_eq!(other.fails("POST", "/branches", &json!({"name": "draft/one"})).await.0, 409);
        assert_eq!(other.fails("POST", "/branches", &json!({"name": "draft"})).await.0, 409);
        for name in ["", "HEAD", "a b", "-x", "a..b", "x.lock", &"b".repeat(40), "a~1"] {
            assert_eq!(other.fails("POST", "/branches", &json!({"name": name})).await.0, 422, "{name}");
        }
        assert_eq!(other.fails("PUT", "/protection", &json!({"patterns": ["release/*"]})).await.0, 403);
        client.ok("PUT", "/protection", &json!({"patterns": ["release/*"]})).await;
        assert_eq!(client.get("/branches/release%2F1").await["protected"], true);
        assert_eq!(other.fails("DELETE", "/branches/release%2F1", &Value::Null).await.0, 403);
        assert_eq!(other.fails("PATCH", "/branches/release%2F1", &json!({"name": "mine"})).await.0, 403);
        assert_eq!(other.fails("PATCH", "/branches/main", &json!({"name": "mine"})).await.0, 403);
        assert_eq!(other.fails("PATCH", "/branches/draft%2Fone", &json!({"default": true})).await.0, 403);
        // git sees the same.
        let tree = server.clone(&bob, "lab/birds", "clone");
        assert!(tree.git_fails(&["push", "-q", "origin", ":release/1"]).contains("protected"));
        assert_eq!(client.fails("DELETE", "/branches/main", &Value::Null).await.0, 409);

        let renamed = client.ok("PATCH", "/branches/main", &json!({"name": "trunk"})).await;
        assert_eq!(renamed["default"], true);
        assert_eq!(client.get("").await["default_branch"], "trunk");
        assert_eq!(client.ok("PATCH", "/branches/draft%2Fone", &json!({"default": true, "name": "next"})).await["default"], true);
        assert_eq!(names(&client.get("/branches").await), ["next", "release/1", "trunk"]);
        other.ok("DELETE", "/branches/trunk", &Value::Null).await;
        client.ok("DELETE", "/branches/release%2F1", &Value::Null).await;
        let tree = server.clone(&bob, "lab/birds", "again");
        assert_eq!(tree.git(&["branch", "--show-current"]), "next");
    }
}

story! {
    on(sqlite) async fn one_resource_is_restored_with_its_files(server: Server) {
        let ada = server.person("ada").await;
        let (client, first) = birds(&server, &ada).await;
        let (old, new) = (noise(1, 3000), noise(2, 3000));
        let put = |path: &str, content: &str| json!({"operation": "put", "path": path, "content": content});
        let make = async |songs: &[u8], rows: &str, title: &str, others: &[Value]| {
            let oid = server.upload(&ada.token, "ada/birds", songs).await;
            let mut resources = vec![
                json!({"name": "songs", "path": "songs.bin", "sha256": oid, "bytes": songs.len(), "title": title}),
                json!({"name": "nests", "path": ["nests/1.csv", "nests/2.csv"], "title": title}),
            ];
            resources.extend_from_slice(others);
            let files = json!([put("nests/1.csv", rows), put("nests/2.csv", rows), put("nests/note", rows),
                {"operation": "patch", "package": {"title": title, "resources": resources}}]);
            client.ok("POST", "/commits", &json!({"message": title, "operations": files})).await
        };
        let then = make(&old, "one\n", "Then", &[]).await["revision"].as_str().unwrap().to_owned();
        let other = json!({"name": "maps", "path": "https://example.org/maps"});
        make(&new, "two\n", "Now", std::slice::from_ref(&other)).await;

        let back = client.ok("POST", "/restore", &json!({"revision": then, "resource": "songs"})).await;
        assert_eq!(back["description"], format!("Restore the resource songs as of {then}"));
        let now = client.get("").await["package"].clone();
        let titles = |package: &Value| -> Vec<Value> {
            package["resources"].as_array().unwrap().iter().map(|resource| resource["title"].clone()).collect()
        };
        assert_eq!((now["title"].clone(), titles(&now)), (json!("Now"), vec![json!("Then"), json!("Now"), Value::Null]));
        let tree = server.clone(&ada, "ada/birds", "clone");
        assert!(tree.read("songs.bin") == old && tree.read("nests/1.csv") == b"two\n");

        // Gone altogether, it comes behind what is there; what only lies beside its files stays as it is.
        let gone = json!([{"operation": "delete", "path": "nests/2.csv"}, {"operation": "patch", "package": {"resources": [other]}}]);
        client.ok("POST", "/commits", &json!({"message": "Without nests", "operations": gone})).await;
        client.ok("POST", "/restore", &json!({"revision": then, "resource": "nests"})).await;
        let now = client.get("").await["package"].clone();
        assert_eq!(titles(&now), [Value::Null, json!("Then")]);
        tree.git(&["pull", "-q"]);
        assert_eq!((tree.read("nests/1.csv"), tree.read("nests/2.csv")), (b"one\n".to_vec(), b"one\n".to_vec()));
        assert_eq!(tree.read("nests/note"), b"two\n");

        let first = &first["revision"];
        for (body, status, says) in [
            (json!({"revision": then, "resource": "nests"}), 422, "nothing would change"),
            (json!({"revision": then, "resource": "maps"}), 404, "maps"),
            (json!({"revision": first, "resource": "songs"}), 404, "songs"),
            (json!({"revision": then, "resource": "nests", "path": "nests"}), 422, "not both"),
            (json!({"revision": then, "resource": "songs", "base_revision": first}), 412, "has changed in the meantime"),
        ] {
            let (answer, why) = client.fails("POST", "/restore", &body).await;
            assert!(answer == status && why.contains(says), "{body}: {answer} {why}");
        }
        let bare = json!([{"operation": "delete", "path": "datapackage.json"}]);
        client.ok("POST", "/commits", &json!({"message": "No package", "operations": bare})).await;
        let (answer, why) = client.fails("POST", "/restore", &json!({"revision": then, "resource": "songs"})).await;
        assert!(answer == 404 && why.contains("restore that first"), "{answer} {why}");
    }
}

story! {
    on(sqlite) async fn restoring_creates_a_new_revision(server: Server) {
        let ada = server.person("ada").await;
        let (client, first) = birds(&server, &ada).await;
        let tree = server.clone(&ada, "ada/birds", "clone");
        tree.write("a.csv", "one\n");
        tree.write("folder/b.csv", "b\n");
        tree.sh("ln -s a.csv link");
        let files = tree.commit("files");
        tree.git(&["push", "-q", "origin", "main"]);
        client.ok("PATCH", "", &json!({"package": {"title": "Wrong"}})).await;
        tree.git(&["pull", "-q"]);
        tree.write("a.csv", "two\n");
        tree.git(&["rm", "-q", "-r", "folder", "link"]);
        tree.commit("much");
        tree.write("a.csv", "three\n");
        tree.commit("more");
        tree.git(&["push", "-q", "origin", "main"]);

        // Restores one file, then reverts one revision, then restores everything.
        let (status, answer) = client.fails("POST", "/revert", &json!({"revision": "HEAD~1"})).await;
        assert!(status == 409 && answer.contains("a.csv"), "{status} {answer}");
        client.ok("POST", "/restore", &json!({"revision": files, "path": "a.csv", "message": "As it was"})).await;
        client.ok("POST", "/revert", &json!({"revision": "HEAD~3"})).await;
        let now = client.get("").await;
        assert_eq!(now["package"]["title"], "Birds");
        client.ok("POST", "/restore", &json!({"revision": files})).await;
        tree.git(&["pull", "-q"]);
        assert_eq!(tree.read("a.csv"), b"one\n");
        assert_eq!(tree.git(&["diff", "--stat", &files, "HEAD"]), "", "all is as it was");
        assert_eq!(tree.sh("readlink link"), "a.csv");
        assert_eq!(tree.git(&["log", "--format=%s", "-3"]).lines().last().unwrap(), "As it was");

        // Several at once; then there is nothing left to revert.
        let id = first["revision"].as_str().unwrap();
        client.ok("POST", "/revert", &json!({"since": id, "revision": "HEAD"})).await;
        tree.git(&["pull", "-q"]);
        assert_eq!(tree.git(&["ls-files"]), "datapackage.json");
        assert_eq!(client.fails("POST", "/restore", &json!({"revision": id})).await, (422, "nothing would change".into()));
        assert_eq!(client.fails("POST", "/restore", &json!({"revision": id, "path": "no.csv"})).await.0, 404);
        assert_eq!(client.fails("POST", "/restore", &json!({"revision": id, "path": "../x"})).await.0, 422);
        assert_eq!(client.fails("POST", "/revert", &json!({"revision": id, "since": "HEAD"})).await.0, 422);
        assert_eq!(tree.git(&["rev-list", "--count", "HEAD"]), "9", "nothing was rewritten");
        assert_eq!(tree.git(&["merge-base", "--is-ancestor", &files, "HEAD"]), "");
    }
}

story! {
    on(sqlite) async fn resources_can_be_fetched_with_git_lfs(server: Server) {
        let ada = server.person("ada").await;
        // The upload comes first, as from a browser, and creates the dataset.
        let oid = server.upload(&ada.token, "ada/birds", b"a,b\n1,2\n").await;
        let resource = json!({"name": "seen", "path": "data/seen 1.csv", "sha256": oid, "bytes": 8});
        let package = json!({"name": "birds", "resources": [resource]});
        let made = create(&server, &ada, &json!({"id": "ada/birds", "package": package})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(create(&server, &ada, &json!({"id": "ada/birds", "package": package})).await.status, 409);
        let client = DatasetClient { server: &server, token: &ada.token, path: "ada/birds" };
        let tree = server.clone(&ada, "ada/birds", "clone");
        assert_eq!(tree.read("data/seen 1.csv"), b"a,b\n1,2\n", "git lfs has fetched it");
        assert_eq!(tree.git(&["status", "--short"]), "");
        // The user's own lines stay, those of resources that are gone go with their files.
        let attributes = format!("*.txt text\n{}", String::from_utf8(tree.read(".gitattributes")).unwrap());
        tree.write(".gitattributes", attributes);
        tree.write("note.txt", "mine\n");
        tree.commit("own lines");
        tree.git(&["push", "-q", "origin", "main"]);
        let other = server.upload(&ada.token, "ada/birds", b"other").await;
        let resources = json!([{"name": "seen", "path": "seen.csv", "hash": format!("sha256:{other}"), "bytes": 5}]);
        client.ok("PATCH", "", &json!({"package": {"resources": resources}})).await;
        tree.git(&["pull", "-q"]);
        assert_eq!(tree.git(&["ls-files"]), ".gitattributes\ndatapackage.json\nnote.txt\nseen.csv");
        assert_eq!(tree.read("seen.csv"), b"other");
        let attributes = String::from_utf8(tree.read(".gitattributes")).unwrap();
        assert!(attributes.starts_with("*.txt text\n") && !attributes.contains("data/"), "{attributes}");

        let lacking = json!([{"name": "x", "path": "x.csv", "sha256": "a".repeat(64), "bytes": 1}]);
        let (status, answer) = client.fails("PATCH", "", &json!({"package": {"resources": lacking}})).await;
        assert!(status == 422 && answer.contains("upload it first"), "{answer}");
        for (resources, place) in [
            (json!([{"name": "x", "path": "../x", "sha256": other, "bytes": 5}]), "/resources/0/path"),
            (json!([{"name": "x", "path": "/x", "sha256": other, "bytes": 5}]), "/resources/0/path"),
            (json!([{"name": "x", "path": "a/../../x", "sha256": other, "bytes": 5}]), "/resources/0/path"),
            (json!([{"name": "x", "path": ".git/config", "sha256": other, "bytes": 5}]), "/resources/0/path"),
            (json!([{"name": "x", "path": "x", "sha256": "abc", "bytes": 5}]), "/resources/0/sha256"),
            (json!([{"name": "x", "path": "x", "sha256": other, "bytes": 5}, {"name": "y", "path": "x", "sha256": other, "bytes": 5}]), "/resources/1"),
            (json!([{"name": "x", "path": "x", "schema": {"fields": [{"name": "f", "type": "nonsense"}]}}]), "/resources/0/schema/fields/0/type"),
            (json!({}), "/resources"),
        ] {
            let (status, answer) = client.fails("PATCH", "", &json!({"package": {"resources": resources}})).await;
            assert!(status == 422 && answer.contains(place), "{resources}: {answer}");
        }
    }
}

story! {
    async fn lists_are_paginated(server: Server) {
        let ada = server.person("ada").await;
        let (client, _) = birds(&server, &ada).await;
        for number in 0..7 {
            client.ok("PATCH", "", &json!({"package": {"n": number}})).await;
            client.ok("POST", "/tags", &json!({"name": format!("v{number}")})).await;
            client.ok("POST", "/branches", &json!({"name": format!("b/{number}")})).await;
        }
        for (tail, key, all) in [("/revisions", "revision", 8), ("/tags", "name", 7), ("/branches", "name", 8)] {
            let mut seen = BTreeSet::new();
            let mut url = format!("{}{ROOT}/ada/birds{tail}?limit=3", server.url);
            let mut pages = 0;
            loop {
                let reply = Reply::of(server.http.get(&url).basic_auth("x", Some(&ada.token))).await;
                let page = reply.json();
                pages += 1;
                for item in page["items"].as_array().unwrap() {
                    assert!(seen.insert(item[key].as_str().unwrap().to_owned()), "{tail}: {item} comes twice");
                }
                if pages == 1 {
                    // A change in between does not move items.
                    client.ok("PATCH", "", &json!({"package": {"again": tail}})).await;
                }
                let Some(next) = next_of(&reply.headers) else {
                    assert!(page.get("next_cursor").is_none());
                    break;
                };
                assert!(next.contains(page["next_cursor"].as_str().unwrap()));
                url = next;
            }
            let more = seen.len();
            assert!(more == all || tail == "/revisions" && more >= all, "{tail}: {seen:?}");
            for query in ["limit=0", "limit=1001", "limit=x", "cursor=!"] {
                let status = client.ask("GET", &format!("{tail}?{query}"), &Value::Null).await.status;
                assert_eq!(status, 422, "{tail}?{query}");
            }
        }
    }
}

/// The `Link` to the next page (RFC 8288).
fn next_of(headers: &HeaderMap) -> Option<String> {
    let link = headers.get("link")?.to_str().unwrap();
    let (url, rel) = link.split_once(">; ").unwrap();
    assert_eq!(rel, "rel=\"next\"");
    Some(url.trim_start_matches('<').to_owned())
}

story! {
    on(sqlite) async fn a_branch_can_be_read_as_of_a_date(server: Server) {
        let ada = server.person("ada").await;
        let (client, first) = birds(&server, &ada).await;
        server.clock.advance(std::time::Duration::from_hours(72));
        client.ok("PATCH", "", &json!({"package": {"title": "Later"}})).await;
        let day = rutter::types::Millis(server.clock.now().0 - 86_400_000).rfc3339();
        for date in [day.as_str(), &day[..10]] {
            let found = client.get(&format!("/revisions/main@%7B{date}%7D")).await;
            assert_eq!(found["revision"], first["revision"], "{date}");
        }
        assert_eq!(client.get("/revisions/main@%7B2999-01-01%7D~1").await["revision"], first["revision"]);
    }
}

story! {
    on(sqlite) async fn the_api_describes_itself(server: Server) {
        let reply = Reply::of(server.request("GET", "/api/openapi.json", None)).await;
        let document = reply.json();
        assert_eq!(document["openapi"].as_str().unwrap().split_at(3).0, "3.1");
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
                described.insert((method.to_uppercase(), path.clone()));
                assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
                let answer = [&operation["parameters"], &item["parameters"]].into_iter().filter_map(Value::as_array).flatten();
                let answer = answer.filter(|parameter| parameter["in"] == "path").map(|parameter| parameter["name"].as_str().unwrap());
                let named = path.split(['{', '}']).skip(1).step_by(2);
                assert_eq!(answer.collect::<BTreeSet<_>>(), named.collect(), "{method} {path}");
            }
        }
        let routes = rutter::web::routes();
        let listed: BTreeSet<(String, String)> = routes.listed().iter().filter(|(_, route)| route.starts_with("/api/v1/"))
            .map(|(method, route)| (method.to_string(), route.replace("{*", "{"))).collect();
        assert_eq!(listed, described, "each route of the API is described");
        insta::assert_json_snapshot!("openapi", document, {".info.version" => "[version]"});

        let page = Reply::of(server.request("GET", "/api/docs", None)).await;
        assert!(page.text().contains("<code>/api/v1/datasets/{owner}/{dataset}/tags</code>"));
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    }
}
