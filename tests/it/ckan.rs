//! CKAN's action API: the contract that its clients rely on, and attempts to get more than the caller's rights.

use std::time::Duration;

use lfs::Oid;
use reqwest::RequestBuilder;
use rutter::types::{Role, Visibility};
use rutter_testing::{LFS_JSON, Person, Reply, Server, noise, story};
use serde_json::{Value, json};

const ROOT: &str = "/api/3/action";

/// An action request like those of CKAN's clients: only the key in the header.
fn action_request(server: &Server, who: Option<&str>, action: &str, body: &Value) -> RequestBuilder {
    let request = server.http.post(format!("{}{ROOT}/{action}", server.url)).body(body.to_string());
    let request = request.header("content-type", "application/json;charset=utf-8");
    match who {
        Some(token) => request.header("authorization", token),
        None => request,
    }
}

/// The result of what must succeed.
async fn act(server: &Server, who: &Person, action: &str, body: Value) -> Value {
    let reply = Reply::of(action_request(server, Some(&who.token), action, &body)).await;
    let answer = reply.json();
    assert_eq!((reply.status, &answer["success"]), (200, &json!(true)), "{action} {body}: {answer}");
    assert_eq!(answer["help"], format!("{ROOT}/help_show?name={action}"));
    answer["result"].clone()
}

/// Status and error of what must fail.
async fn act_failing(server: &Server, who: Option<&str>, action: &str, body: Value) -> (u16, Value) {
    let reply = Reply::of(action_request(server, who, action, &body)).await;
    let answer = reply.json();
    assert_eq!(answer["success"], json!(false), "{action} {body} should have failed: {answer}");
    assert_eq!(reply.header("content-type"), "application/json");
    assert!(!reply.headers.contains_key("www-authenticate"), "no browser asks for a password here");
    (reply.status, answer["error"].clone())
}

async fn refused(server: &Server, who: Option<&str>, action: &str, body: Value, status: u16) -> Value {
    let (found, error) = act_failing(server, who, action, body.clone()).await;
    assert_eq!(found, status, "{action} {body}: {error}");
    let kind = match status {
        403 => "Authorization Error",
        404 => "Not Found Error",
        409 => "Validation Error",
        _ => return error,
    };
    assert_eq!(error["__type"], kind);
    error
}

async fn get(server: &Server, who: Option<&str>, tail: &str) -> Reply {
    let request = server.http.get(format!("{}{tail}", server.url));
    Reply::of(match who {
        Some(token) => request.header("authorization", token),
        None => request,
    })
    .await
}

async fn authorize(server: &Server, who: Option<&str>, scopes: &[&str]) -> Value {
    let reply = Reply::of(action_request(server, who, "authz_authorize", &json!({"scopes": scopes}))).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["result"].clone()
}

/// Ada owns `org`, wes writes there, rita reads, and sam is a stranger. There is a dataset with two resources.
async fn setup_org(server: &Server) -> Fixture {
    let (ada, wes) = (server.person("ada").await, server.person("wes").await);
    let (rita, sam) = (server.person("rita").await, server.person("sam").await);
    server.organisation("org", &[(&ada, Role::Owner), (&wes, Role::Writer), (&rita, Role::Reader)]).await;
    server.dataset("org/birds", Visibility::Private).await;
    let bytes = b"bird,count\nowl,3\n";
    let oid = server.upload(&ada.token, "org/birds", bytes).await;
    let record = json!({
        "name": "birds", "owner_org": "org", "title": "Birds", "notes": "Seen in May", "license_id": "cc-by",
        "author": "Ada", "tags": [{"name": "owls"}], "extras": [{"key": "region", "value": "north"}],
        "resources": [
            {"name": "Counts", "url": "counts.csv", "url_type": "upload", "format": "CSV", "sha256": oid,
                "size": bytes.len(), "lfs_prefix": "org/birds"},
            {"name": "Elsewhere", "url": "https://example.org/x.csv", "format": "CSV"},
        ],
    });
    let shown = act(server, &ada, "package_create", record).await;
    Fixture { ada, wes, rita, sam, oid, shown }
}

struct Fixture {
    ada: Person,
    wes: Person,
    rita: Person,
    sam: Person,
    oid: String,
    shown: Value,
}

impl Fixture {
    fn resource(&self, place: usize) -> &str {
        self.shown["resources"][place]["id"].as_str().unwrap()
    }
}

story! {
    async fn a_dataset_is_created_shown_and_updated(server: Server) {
        let setup = setup_org(&server).await;
        let (ada, shown) = (&setup.ada, &setup.shown);
        for (key, value) in [
            ("name", json!("birds")), ("title", json!("Birds")), ("notes", json!("Seen in May")),
            ("private", json!(true)), ("state", json!("active")), ("type", json!("dataset")),
            ("license_id", json!("cc-by")), ("author", json!("Ada")), ("num_resources", json!(2)),
            ("extras", json!([{"key": "region", "value": "north"}])), ("maintainer", Value::Null),
        ] {
            assert_eq!(shown[key], value, "{key}");
        }
        assert_eq!(shown["organization"]["name"], "org");
        assert_eq!(shown["organization"]["id"], shown["owner_org"]);
        let (id, counts) = (shown["id"].as_str().unwrap(), &shown["resources"][0]);
        let url = format!("{}/dataset/{id}/resource/{}/download/counts.csv", server.url, setup.resource(0));
        assert_eq!(counts["url"], url);
        assert_eq!((&counts["package_id"], &counts["url_type"], &counts["lfs_prefix"]), (&shown["id"], &json!("upload"), &json!("org/birds")));
        assert_eq!((&counts["sha256"], &counts["size"], &counts["name"]), (&json!(setup.oid), &json!(17), &json!("Counts")));
        assert_eq!(shown["resources"][1]["url"], "https://example.org/x.csv");

        // The same by each of its names, by GET and by POST.
        for name in ["birds", "org/birds", id] {
            assert_eq!(&act(&server, ada, "package_show", json!({"id": name})).await, shown);
            let reply = get(&server, Some(&ada.token), &format!("{ROOT}/package_show?id={}", name.replace('/', "%2F"))).await;
            assert_eq!(&reply.json()["result"], shown);
        }
        assert_eq!(&act(&server, ada, "package_show", json!({"name_or_id": "birds"})).await, shown);

        // Sending back what was shown changes nothing.
        let again = act(&server, ada, "package_update", shown.clone()).await;
        assert_eq!(&again, shown);
        let mut changed = shown.clone();
        changed["title"] = json!("More birds");
        changed["resources"].as_array_mut().unwrap().reverse();
        let updated = act(&server, &setup.wes, "package_update", changed).await;
        assert_eq!((&updated["title"], &updated["resources"][1]["id"]), (&json!("More birds"), &counts["id"]));
        assert_eq!(updated["resources"][1]["url"], counts["url"]);

        // Git sees a package, a pointer and the attributes for git-lfs.
        let tree = server.clone(ada, "org/birds", "clone");
        assert_eq!(tree.read("counts.csv"), b"bird,count\nowl,3\n");
        let package: Value = serde_json::from_slice(&tree.read("datapackage.json")).unwrap();
        assert_eq!((&package["name"], &package["description"], &package["region"]), (&json!("birds"), &json!("Seen in May"), &json!("north")));
        assert_eq!(package["contributors"], json!([{"title": "Ada", "role": "author"}]));
        assert_eq!(package["resources"][1]["path"], "counts.csv");
        for none in ["state", "owner_org", "private", "organization", "id", "num_tags"] {
            assert!(package.get(none).is_none(), "{none}");
        }
    }
}

story! {
    on(sqlite) async fn a_dataset_pushed_with_git_is_visible_to_ckan_clients(server: Server) {
        let ada = server.person("ada").await;
        let tree = server.tree("work");
        tree.with_lfs(&server.remote(&ada, "ada/pushed"));
        tree.write("data/a b.bin", noise(1, 1000));
        tree.write("plain.csv", "a\n1\n");
        let oid = Oid::of(&noise(1, 1000)).to_string();
        let package = json!({"name": "other-name", "id": "old-id", "resources": [
            {"name": "ab", "path": "data/a b.bin", "sha256": oid, "bytes": 1000, "lfs_prefix": "old/place"},
            {"name": "plain", "path": "plain.csv"},
            {"name": "kept", "id": "c0ffee", "path": ["plain.csv"]},
        ]});
        tree.write("datapackage.json", package.to_string());
        tree.commit("Birds");
        tree.git(&["push", "-q", "origin", "main"]);

        let shown = act(&server, &ada, "package_show", json!({"id": "pushed"})).await;
        assert_eq!((&shown["name"], &shown["resources"][2]["id"]), (&json!("pushed"), &json!("c0ffee")));
        assert!(shown["resources"][0]["url"].as_str().unwrap().ends_with("/download/a%20b.bin"), "{shown}");
        assert_eq!(shown["resources"][0]["lfs_prefix"], "ada/pushed");
        let again = act(&server, &ada, "package_show", json!({"id": "pushed"})).await;
        assert_eq!(shown, again, "ids stay");
        let id = shown["resources"][1]["id"].as_str().unwrap();
        assert_eq!(act(&server, &ada, "resource_show", json!({"id": id})).await, shown["resources"][1]);

        // Whatever was pushed, the answer is a redirect or 404.
        for (number, (path, leads)) in [("https://x.org/ä b\n", "https://x.org/%C3%A4%20b"), ("javascript://%0a", ""), ("../x", ""), ("", "")].iter().enumerate() {
            let odd = server.tree(&format!("odd-{number}"));
            odd.write("datapackage.json", json!({"name": "odd", "resources": [{"name": "r", "path": path}]}).to_string());
            odd.commit("odd");
            odd.git(&["push", "-q", &server.remote(&ada, &format!("ada/odd-{number}")), "main"]);
            let shown = act(&server, &ada, "package_show", json!({"id": format!("odd-{number}")})).await;
            let (id, resource) = (shown["id"].as_str().unwrap(), shown["resources"][0]["id"].as_str().unwrap());
            let reply = get(&server, Some(&ada.token), &format!("/dataset/{id}/resource/{resource}/download")).await;
            assert_eq!((reply.status, reply.header("location")), (if leads.is_empty() { 404 } else { 302 }, *leads), "{path:?}");
        }

        // A new resource leaves the others, and all other fields, unchanged.
        let new = json!({"package_id": "ada/pushed", "name": "New", "url": "https://example.org/n.csv"});
        let made = act(&server, &ada, "resource_create", new).await;
        tree.git(&["pull", "-q", "--no-rebase", "origin", "main"]);
        let mut after: Value = serde_json::from_slice(&tree.read("datapackage.json")).unwrap();
        let added = after["resources"].as_array_mut().unwrap().pop().unwrap();
        assert_eq!((&after, &added["id"], &added["path"]), (&package, &made["id"], &json!("https://example.org/n.csv")));
        // Sending everything back stores ids, and ignores computed fields.
        let whole = act(&server, &ada, "package_show", json!({"id": "pushed"})).await;
        act(&server, &ada, "package_update", whole).await;
        tree.git(&["pull", "-q", "--no-rebase", "origin", "main"]);
        let after: Value = serde_json::from_slice(&tree.read("datapackage.json")).unwrap();
        assert_eq!((&after["name"], &after["id"]), (&json!("other-name"), &json!("old-id")));
        assert_eq!(after["resources"][0]["lfs_prefix"], "old/place");
        assert_eq!(after["resources"][1]["id"], id);
        assert_eq!(tree.read("data/a b.bin"), noise(1, 1000));
    }
}

story! {
    async fn resources_are_created_changed_and_deleted(server: Server) {
        let setup = setup_org(&server).await;
        let ada = &setup.ada;
        let bytes = noise(3, 500);
        let oid = server.upload(&ada.token, "org/birds", &bytes).await;
        // A second file of the same name does not replace the first.
        let new = json!({"package_id": "birds", "name": "Counts", "url": "../counts.csv", "url_type": "upload",
            "sha256": oid, "size": "500", "format": "CSV", "schema": {"fields": [{"name": "a", "type": "string"}]}});
        let made = act(&server, ada, "resource_create", new).await;
        assert!(made["url"].as_str().unwrap().ends_with("/download/counts-2.csv"), "{made}");
        let id = made["id"].as_str().unwrap();
        assert_eq!(act(&server, ada, "resource_show", json!({"id": id})).await, made);
        assert_eq!(get(&server, Some(&ada.token), &format!("{ROOT}/resource_show?id={id}")).await.json()["result"], made);

        act(&server, ada, "dataset_release_create", json!({"dataset": "birds", "name": "v1"})).await;
        let mut changed = made.clone();
        changed["description"] = json!("The second");
        let updated = act(&server, &setup.wes, "resource_update", changed).await;
        assert_eq!((&updated["description"], &updated["url"]), (&json!("The second"), &made["url"]));
        assert_eq!(act(&server, ada, "resource_delete", json!({"id": id})).await, Value::Null);
        refused(&server, Some(&ada.token), "resource_show", json!({"id": id}), 404).await;
        // The old file is still available at its revision.
        let then = act(&server, ada, "resource_show", json!({"id": id, "revision_ref": "v1"})).await;
        assert_eq!((&then["description"], &then["datastore_active"]), (&json!(""), &json!(false)));
        assert_eq!(then["url"], format!("{}?revision_ref=v1", made["url"].as_str().unwrap()));
        let url = then["url"].as_str().unwrap().strip_prefix(&server.url).unwrap().to_owned();
        let found = get(&server, Some(&ada.token), &url).await;
        assert_eq!(found.status, 302, "{}", found.text());
        let file = Reply::of(server.http.get(found.header("location"))).await;
        assert_eq!(file.body, bytes);
        assert!(file.header("content-disposition").contains("counts-2.csv"), "{:?}", file.headers);
        let tree = server.clone(ada, "org/birds", "clone");
        assert!(!tree.folder.join("counts-2.csv").exists() && tree.folder.join("counts.csv").exists());

        let spec = act(&server, ada, "get_resource_download_spec", json!({"id": setup.resource(0), "inline": true})).await;
        let file = Reply::of(server.http.get(spec["href"].as_str().unwrap())).await;
        assert_eq!((file.text().as_str(), file.header("content-disposition").starts_with("inline")), ("bird,count\nowl,3\n", true));
        assert_eq!(act(&server, ada, "get_resource_download_spec", json!({"id": setup.resource(1)})).await, json!({}));
        let elsewhere = format!("/dataset/birds/resource/{}/download", setup.resource(1));
        assert_eq!(get(&server, Some(&ada.token), &elsewhere).await.header("location"), "https://example.org/x.csv");
        // A browser that follows a link of ours gets a page with the target, and no redirect.
        let navigate = async |url: &str| {
            Reply::of(server.request("GET", url, Some(&ada.token)).header("sec-fetch-mode", "navigate")).await
        };
        let page = navigate(&elsewhere).await;
        assert_eq!((page.status, page.header("location")), (200, ""));
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(page.text().contains("<strong>example.org</strong>"), "{}", page.text());
        // The page names the real host of the URL; and the URL cannot inject markup.
        let nasty = "https://evil.example\\@example.org/\"><script>'</script>?<script>#\"><script>";
        let body = json!({"package_id": "birds", "name": "Nasty", "url": nasty});
        let made = act(&server, ada, "resource_create", body).await;
        let url = format!("/dataset/birds/resource/{}/download", made["id"].as_str().unwrap());
        let page = navigate(&url).await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(page.text().contains("<strong>evil.example</strong>"), "{}", page.text());
        assert!(!page.text().contains("<script"), "{}", page.text());
        // Our own files need no such page.
        let own = format!("/dataset/birds/resource/{}/download", setup.resource(0));
        assert_eq!(navigate(&own).await.status, 302);
    }
}

story! {
    on(sqlite) async fn errors_name_the_invalid_field(server: Server) {
        let setup = setup_org(&server).await;
        let token = Some(setup.ada.token.as_str());
        let upload = json!({"package_id": "birds", "name": "n", "url": "n.csv", "url_type": "upload"});
        let unknown = json!({"package_id": "birds", "name": "n", "url": "n.csv", "url_type": "upload", "size": 3,
            "sha256": Oid::of(b"never").to_string()});
        for (action, body, field) in [
            ("package_create", json!({}), "name"),
            ("package_create", json!({"name": "Not a name!"}), "name"),
            ("package_create", json!({"name": "birds", "owner_org": "org"}), "name"),
            ("package_create", json!({"name": "x", "private": "maybe"}), "private"),
            ("package_create", json!({"name": "x", "resources": {}}), "message"),
            ("package_create", json!({"name": "x", "resources": [{"url": "s3://bucket/x"}]}), "message"),
            ("package_create", json!({"name": "x", "resources": [{"url": "x", "id": "a b"}]}), "message"),
            ("package_update", json!({"id": "birds", "name": "eagles"}), "name"),
            ("package_update", json!({"id": "birds", "owner_org": "ada"}), "owner_org"),
            ("package_update", json!({"id": "birds", "base_revision_ref": "HEAD~1"}), "message"),
            ("package_show", json!({"id": 7}), "id"),
            ("package_show", json!({}), "id"),
            ("resource_create", upload, "url_type"),
            ("resource_create", unknown, "message"),
            ("resource_create", json!({"package_id": "birds", "url": "x", "id": setup.resource(0)}), "message"),
            ("dataset_release_create", json!({"dataset": "birds", "name": "with space"}), "name"),
            ("dataset_release_diff", json!({"id": "birds", "revision_ref_1": "current", "revision_ref_2": "current",
                "diff_type": "magic"}), "diff_type"),
            ("authz_authorize", json!({}), "scopes"),
            ("authz_authorize", json!({"scopes": ["file:a:read"]}), "scopes"),
            ("authz_authorize", json!({"scopes": "res:a/b:read"}), "scopes"),
            ("authz_authorize", json!({"scopes": [1]}), "scopes"),
            ("authz_authorize", json!({"scopes": "ds", "lifetime": "soon"}), "lifetime"),
        ] {
            let status = if action == "package_update" && field == "message" { 404 } else { 409 };
            let error = refused(&server, token, action, body.clone(), status).await;
            assert!(error.get(field).is_some(), "{action} {body}: {error}");
        }
        for (action, body) in [
            ("package_show", json!({"id": "nothing"})),
            ("package_show", json!({"id": "org/nothing"})),
            ("package_show", json!({"id": "birds", "revision_ref": "nothing"})),
            ("package_update", json!({"id": "019b0000-0000-7000-8000-000000000000"})),
            ("resource_show", json!({"id": "nothing"})),
            ("dataset_release_show", json!({"dataset": "birds", "release": "nothing"})),
            ("dataset_release_delete", json!({"dataset": "birds", "release": "with space"})),
            ("dataset_release_update", json!({"dataset": "birds", "release": "nothing", "name": "x"})),
            ("dataset_revert", json!({"dataset": "birds", "revision_ref": "nothing"})),
        ] {
            refused(&server, token, action, body, 404).await;
        }
        let bad = Reply::of(action_request(&server, token, "package_show", &Value::Null).body("{")).await;
        assert_eq!((bad.status, &bad.json()["success"]), (400, &json!(false)));
        let form = server.http.post(format!("{}{ROOT}/package_create", server.url)).body("name=x");
        let form = form.header("content-type", "application/x-www-form-urlencoded").header("authorization", &setup.ada.token);
        assert_eq!(Reply::of(form).await.status, 415);
        let shown = act(&server, &setup.ada, "package_show", json!({"id": "birds"})).await;
        assert_eq!(shown, setup.shown, "nothing was changed");
        let help = get(&server, None, &format!("{ROOT}/help_show?name=package_show")).await.json();
        assert!(help["result"].as_str().unwrap().contains("revision_ref"));
        assert_eq!(get(&server, None, &format!("{ROOT}/help_show?name=none")).await.status, 404);
    }
}

story! {
    on(sqlite) async fn releases_are_created_compared_and_reverted_to(server: Server) {
        let setup = setup_org(&server).await;
        let ada = &setup.ada;
        let made = act(&server, &setup.wes, "dataset_release_create", json!({"dataset": "birds", "name": "1.0", "description": "First"})).await;
        assert_eq!((&made["package_id"], &made["name"], &made["description"]), (&json!("org/birds"), &json!("1.0"), &json!("First")));
        assert_eq!((&made["author"], &made["author_email"]), (&json!("wes"), &json!("wes@example.org")));
        assert_eq!(made["revision_ref"], setup.shown["revision_id"]);
        refused(&server, Some(&ada.token), "dataset_release_create", json!({"dataset": "birds", "name": "1.0"}), 409).await;
        // Two releases of one revision.
        act(&server, ada, "dataset_release_create", json!({"dataset": "birds", "name": "1.0.0"})).await;
        let mut changed = setup.shown.clone();
        changed["title"] = json!("Later");
        changed["resources"].as_array_mut().unwrap().truncate(1);
        act(&server, ada, "package_update", changed).await;

        let all = get(&server, Some(&setup.rita.token), &format!("{ROOT}/dataset_release_list?dataset=birds")).await.json();
        let names: Vec<&Value> = all["result"].as_array().unwrap().iter().map(|release| &release["name"]).collect();
        assert_eq!(names, ["1.0", "1.0.0"]);
        let answer = act(&server, ada, "dataset_release_update", json!({"dataset": "birds", "release": "1.0", "name": "first", "description": "Described"})).await;
        assert_eq!((&answer["name"], &answer["description"], &answer["revision_ref"]), (&json!("first"), &json!("Described"), &made["revision_ref"]));
        assert_eq!(act(&server, ada, "dataset_release_show", json!({"dataset": "birds", "release": "first"})).await, answer);

        let then = act(&server, &setup.rita, "package_show", json!({"id": "birds", "revision_ref": "first"})).await;
        assert_eq!((&then["title"], &then["num_resources"], &then["id"]), (&json!("Birds"), &json!(2), &setup.shown["id"]));
        assert!(then["resources"][0]["url"].as_str().unwrap().ends_with("counts.csv?revision_ref=first"), "{then}");
        assert_eq!(then["resources"][1]["url"], "https://example.org/x.csv", "what is elsewhere stays");
        let tail = format!("{ROOT}/package_show?id=birds&revision_ref=first");
        assert_eq!(get(&server, Some(&ada.token), &tail).await.json()["result"], then);

        for (style, sign) in [("unified", "-  \"title\": \"Birds\""), ("context", "!   \"title\": \"Birds\""), ("html", "&quot;title&quot;: &quot;Birds&quot;")] {
            let body = json!({"id": "birds", "revision_ref_1": "first", "revision_ref_2": "current", "diff_type": style});
            let answer = act(&server, &setup.rita, "dataset_release_diff", body).await;
            assert!(answer["diff"].as_str().unwrap().contains(sign), "{answer}");
            assert_eq!((&answer["dataset_dict_1"]["title"], &answer["dataset_dict_2"]["title"]), (&json!("Birds"), &json!("Later")));
        }
        let body = json!({"id": "birds", "revision_ref_1": "first", "revision_ref_2": "1.0.0"});
        assert_eq!(act(&server, ada, "dataset_release_diff", body).await["diff"], "", "one revision");

        let back = act(&server, &setup.wes, "dataset_revert", json!({"dataset": "birds", "revision_ref": "first"})).await;
        assert_eq!((&back["title"], &back["num_resources"]), (&json!("Birds"), &json!(2)));
        let log = server.clone(ada, "org/birds", "clone").git(&["log", "--format=%an %s"]);
        assert_eq!(log.lines().next().unwrap(), "wes Revert to first", "{log}");
        assert_eq!(log.lines().count(), 3, "history is kept: {log}");

        assert_eq!(act(&server, ada, "dataset_release_delete", json!({"dataset": "birds", "release": "first"})).await, Value::Null);
        refused(&server, Some(&ada.token), "dataset_release_show", json!({"dataset": "birds", "release": "first"}), 404).await;
    }
}

story! {
    async fn concurrent_updates_lose_nothing(server: Server) {
        let setup = setup_org(&server).await;
        let (server, ada) = (&server, &setup.ada);
        let writes = (0..12).map(|number| async move {
            let url = format!("https://example.org/{number}");
            act(server, ada, "resource_create", json!({"package_id": "birds", "name": format!("r{number}"), "url": url})).await
        });
        let made = futures::future::join_all(writes).await;
        let shown = act(server, ada, "package_show", json!({"id": "birds"})).await;
        assert_eq!(shown["num_resources"], 14);
        for resource in &made {
            assert_eq!(act(server, ada, "resource_show", json!({"id": resource["id"]})).await["name"], resource["name"]);
        }
        // An update with a base revision does not undo changes in between.
        let mut mine = setup.shown.clone();
        mine["base_revision_ref"] = setup.shown["revision_id"].clone();
        let error = refused(server, Some(&ada.token), "package_update", mine.clone(), 409).await;
        assert!(error["message"].as_str().unwrap().contains("has changed in the meantime"), "{error}");
        mine["base_revision_ref"] = shown["revision_id"].clone();
        assert_eq!(act(server, ada, "package_update", mine).await["num_resources"], 2);
    }
}

story! {
    async fn users_can_do_what_their_role_allows(server: Server) {
        let setup = setup_org(&server).await;
        act(&server, &setup.ada, "dataset_release_create", json!({"dataset": "birds", "name": "v1"})).await;
        let resource = setup.resource(0);
        let reads = [
            ("package_show", json!({"id": "org/birds"})),
            ("resource_show", json!({"id": resource})),
            ("get_resource_download_spec", json!({"id": resource})),
            ("dataset_release_list", json!({"dataset": "org/birds"})),
            ("dataset_release_show", json!({"dataset": "org/birds", "release": "v1"})),
            ("dataset_release_diff", json!({"id": "org/birds", "revision_ref_1": "v1", "revision_ref_2": "current"})),
        ];
        let writes = [
            ("package_update", json!({"id": "org/birds"})),
            ("resource_create", json!({"package_id": "org/birds", "url": "https://example.org"})),
            ("resource_update", json!({"id": resource, "name": "x"})),
            ("resource_delete", json!({"id": resource})),
            ("dataset_release_create", json!({"dataset": "org/birds", "name": "v2"})),
            ("dataset_release_update", json!({"dataset": "org/birds", "release": "v1", "name": "v2"})),
            ("dataset_release_delete", json!({"dataset": "org/birds", "release": "v1"})),
            ("dataset_revert", json!({"dataset": "org/birds", "revision_ref": "v1"})),
        ];
        let narrow = server.token("ada", &["read"]).await;
        let other = server.token("ada", &["own:org/other"]).await;
        for (action, body) in &reads {
            act(&server, &setup.rita, action, body.clone()).await;
            assert_eq!(Reply::of(action_request(&server, Some(&narrow), action, body)).await.status, 200, "{action}");
        }
        for (action, body) in &writes {
            for token in [&setup.rita.token, &narrow] {
                refused(&server, Some(token), action, body.clone(), 403).await;
            }
        }
        for (action, body) in reads.iter().chain(&writes) {
            // A hidden dataset gets the same answer as a missing one.
            for token in [&setup.sam.token, &other] {
                let error = refused(&server, Some(token), action, body.clone(), 404).await;
                let text = body.to_string().replace("org/birds", "org/nothing").replace(resource, "nothing");
                let (status, nothing) = act_failing(&server, Some(token), action, serde_json::from_str(&text).unwrap()).await;
                assert_eq!(status, 404);
                assert_eq!(error.to_string().replace("org/birds", "X").replace(resource, "X"), nothing.to_string().replace("org/nothing", "X").replace("nothing", "X"));
            }
            let (status, error) = act_failing(&server, None, action, body.clone()).await;
            let by_resource = body.get("id").is_some_and(|id| id == resource);
            assert_eq!(status, if by_resource { 404 } else { 403 }, "{action}: {error}");
            refused(&server, Some("rut_wrong"), action, body.clone(), 403).await;
        }
        // The id or the name of the dataset alone discloses nothing to a stranger.
        for name in [setup.shown["id"].as_str().unwrap(), "birds"] {
            let error = refused(&server, Some(&setup.sam.token), "package_show", json!({"id": name}), 404).await;
            assert!(!error.to_string().contains("org"), "{error}");
            refused(&server, None, "package_show", json!({"id": name}), 403).await;
        }
        let download = format!("/dataset/{}/resource/{resource}/download/counts.csv", setup.shown["id"].as_str().unwrap());
        for (token, status) in [(Some(&setup.rita.token), 302), (Some(&setup.sam.token), 404), (None, 401)] {
            assert_eq!(get(&server, token.map(String::as_str), &download).await.status, status);
        }
        // Users cannot create datasets for others, and only owners change the visibility.
        for owner in ["org", "ada", "missing"] {
            refused(&server, Some(&setup.sam.token), "package_create", json!({"name": "x", "owner_org": owner}), 403).await;
        }
        refused(&server, None, "package_create", json!({"name": "x"}), 403).await;
        let mut open = setup.shown.clone();
        open["private"] = json!(false);
        refused(&server, Some(&setup.wes.token), "package_update", open.clone(), 403).await;
        assert_eq!(act(&server, &setup.ada, "package_update", open).await["private"], json!(false));
        let shown = get(&server, None, &format!("{ROOT}/package_show?id=birds")).await;
        assert_eq!(shown.json()["result"]["title"], "Birds", "open to all now");
        // With two datasets of one name, a name alone is ambiguous.
        act(&server, &setup.sam, "package_create", json!({"name": "birds"})).await;
        let error = refused(&server, Some(&setup.sam.token), "package_show", json!({"id": "birds"}), 409).await;
        assert!(error["id"][0].as_str().unwrap().contains("OWNER/NAME"), "{error}");
        assert_eq!(act(&server, &setup.ada, "package_show", json!({"id": "birds"})).await["organization"]["name"], "org");
    }
}

story! {
    async fn a_resource_id_of_another_dataset_cannot_be_reused(server: Server) {
        let setup = setup_org(&server).await;
        let (ada, sam) = (&setup.ada, &setup.sam);
        let id = setup.resource(0);
        let trap = json!({"name": "trap", "private": false, "resources": [{"id": id, "name": "Counts", "url": "https://evil.example"}]});
        act(&server, sam, "package_create", trap).await;
        assert_eq!(act(&server, ada, "resource_show", json!({"id": id})).await["sha256"], json!(setup.oid));
        assert_eq!(act(&server, sam, "resource_show", json!({"id": id})).await["url"], "https://evil.example");
        act(&server, ada, "resource_update", json!({"id": id, "name": "Mine", "sha256": setup.oid, "size": 17})).await;
        assert_eq!(act(&server, sam, "resource_show", json!({"id": id})).await["name"], "Counts");

        // A derived id belongs to its dataset only.
        let tree = server.tree("work");
        tree.write("datapackage.json", r#"{"name": "p", "resources": [{"name": "r", "path": "https://example.org"}]}"#);
        tree.commit("p");
        tree.git(&["push", "-q", &server.remote(ada, "ada/pushed"), "main"]);
        let shown = act(&server, ada, "package_show", json!({"id": "pushed"})).await;
        let id = shown["resources"][0]["id"].clone();
        let trap = json!({"name": "second", "resources": [{"id": id, "name": "r", "url": "https://evil.example"}]});
        refused(&server, Some(&sam.token), "package_create", trap, 409).await;
    }
}

story! {
    on(sqlite) async fn tokens_contain_only_granted_scopes(server: Server) {
        let setup = setup_org(&server).await;
        let asked = ["obj:org/birds/*:write,read", "ds:org/birds:update,delete,read", "org:org:*", "res:org/birds/x:read", "ds:birds:read"];
        let granted = async |token: Option<&str>| {
            let answer = authorize(&server, token, &asked).await;
            assert_eq!(answer["requested_scopes"][0], "obj:org/birds/*:read,write");
            assert_eq!(answer["requested_scopes"][2], "org:org");
            answer["granted_scopes"].clone()
        };
        assert_eq!(granted(Some(&setup.ada.token)).await, json!(["obj:org/birds/*:read,write",
            "ds:org/birds:delete,read,update", "org:org:patch,read,update", "ds:org/birds:read"]));
        assert_eq!(granted(Some(&setup.wes.token)).await, json!(["obj:org/birds/*:read,write",
            "ds:org/birds:read,update", "org:org:read", "ds:org/birds:read"]));
        assert_eq!(granted(Some(&setup.rita.token)).await, json!(["obj:org/birds/*:read", "ds:org/birds:read", "org:org:read", "ds:org/birds:read"]));
        for token in [Some(setup.sam.token.as_str()), None] {
            assert_eq!(granted(token).await, json!([]));
        }
        // A limited key creates no tokens with more rights.
        let narrow = server.token("ada", &["read:org/birds"]).await;
        assert_eq!(granted(Some(&narrow)).await, json!(["obj:org/birds/*:read", "ds:org/birds:read", "ds:org/birds:read"]));

        // Wildcards require access to everything they cover: other servers trust a token.
        let wide = ["obj", "obj:*:read", "ds:*:delete", "obj:*/birds/*:read", "obj:org/*:write", "ds:org:create", "obj:org/new/*:write", "ds:ada/*:delete"];
        let of = async |token: &str| authorize(&server, Some(token), &wide).await["granted_scopes"].clone();
        assert_eq!(of(&setup.wes.token).await, json!(["obj:org/*:write", "ds:org:create", "obj:org/new/*:write"]));
        assert_eq!(of(&setup.ada.token).await, json!(["obj:org/*:write", "ds:org:create", "obj:org/new/*:write", "ds:ada:delete"]));
        assert_eq!(of(&setup.rita.token).await, json!([]));
        assert_eq!(of(&narrow).await, json!([]));
        let adam = server.administrator("adam").await;
        assert_eq!(of(&adam.token).await.as_array().unwrap().len(), 7, "all but the one in the middle");

        // A resource scope becomes the scope of its object.
        let scope = format!("obj:org/birds/{}:read", setup.resource(0));
        let answer = authorize(&server, Some(&setup.rita.token), &[&scope]).await;
        assert_eq!(answer["granted_scopes"], json!([format!("obj:org/birds/{}:read", setup.oid)]));
        let token = answer["token"].as_str().unwrap();
        let fetch = async |token: &str, path: &str, oid: &str| {
            let body = json!({"operation": "download", "objects": [{"oid": oid, "size": 17}]});
            let request = server.http.post(format!("{}/{path}/objects/batch", server.url)).bearer_auth(token);
            Reply::of(request.header("content-type", LFS_JSON).body(body.to_string())).await
        };
        assert_eq!(fetch(token, "org/birds", &setup.oid).await.status, 200);
        assert_ne!(fetch(token, "org/birds", &Oid::of(b"other").to_string()).await.status, 200);
        assert_eq!(authorize(&server, Some(&setup.rita.token), &["obj:org/birds/none:read"]).await["granted_scopes"], json!([]));

        // Without requested or granted scopes it grants nothing.
        let answer = authorize(&server, Some(&setup.sam.token), &["obj:org/birds/*:read"]).await;
        assert_eq!(answer["user_id"], "sam");
        assert_eq!(fetch(answer["token"].as_str().unwrap(), "org/birds", &setup.oid).await.status, 404);
        let answer = authorize(&server, None, &["obj:org/birds/*:read"]).await;
        assert_eq!(answer["user_id"], Value::Null);
        assert_eq!((&answer["token"], &answer["expires_at"]), (&Value::Null, &Value::Null), "nothing is signed for anonymous callers");
        // Public, and so open to an anonymous token.
        let mut open = setup.shown.clone();
        open["private"] = json!(false);
        act(&server, &setup.ada, "package_update", open).await;
        let answer = authorize(&server, None, &["obj:org/birds/*:read,write"]).await;
        assert_eq!(answer["granted_scopes"], json!(["obj:org/birds/*:read"]));
        assert_eq!(fetch(answer["token"].as_str().unwrap(), "org/birds", &setup.oid).await.status, 200);
    }
}

story! {
    on(sqlite) async fn tokens_expire_and_cannot_create_tokens(server: Server) {
        let setup = setup_org(&server).await;
        let ask = async |lifetime: Value| {
            let body = json!({"scopes": "obj:org/birds/*:read  ds:org/birds:read", "lifetime": lifetime});
            act(&server, &setup.ada, "authz_authorize", body).await
        };
        // A token with a lifetime of a second may have expired by now.
        let read = async |token: &Value| {
            act(&server, &setup.sam, "authz_verify", json!({"token": token, "strict": false})).await
        };
        for (asked, given) in [(json!(60), 60), (json!("60"), 60), (json!(1_000_000_000), 900), (json!(-5), 1), (Value::Null, 900)] {
            let answer = ask(asked.clone()).await;
            let verified = read(&answer["token"]).await;
            assert!(given == 1 || verified["verified"] == json!(true), "{verified}");
            let claims = &verified["payload"];
            assert_eq!(claims["exp"].as_u64().unwrap() - claims["nbf"].as_u64().unwrap(), given, "{asked}");
            assert_eq!(claims["scopes"], "obj:org/birds/*:read ds:org/birds:read");
            assert_eq!((&claims["sub"], &claims["name"], &claims["iss"]), (&json!("ada"), &json!("ada"), &json!("rutter")));
            assert_eq!(claims["jti"].as_str().unwrap().len(), 8);
            assert!(answer["expires_at"].as_str().unwrap().ends_with("+00:00"), "{answer}");
        }
        let answer = ask(json!(60)).await;
        let token = answer["token"].as_str().unwrap();
        // Otherwise it could be renewed without end.
        assert_eq!(authorize(&server, Some(&format!("Bearer {token}")), &["obj:org/birds/*:read"]).await["granted_scopes"], json!([]));
        // It has only its scopes, on every route.
        refused(&server, Some(token), "resource_create", json!({"package_id": "org/birds", "url": "x"}), 403).await;
        refused(&server, Some(token), "package_show", json!({"id": "ada/other"}), 404).await;

        let mut forged: Vec<String> = token.split('.').map(str::to_owned).collect();
        forged[2] = forged[2].chars().rev().collect();
        let forged = forged.join(".");
        server.clock.advance(Duration::from_secs(61));
        for bad in [&forged, token, "x.y.z", "nothing"] {
            let strict = act(&server, &setup.sam, "authz_verify", json!({"token": bad})).await;
            assert_eq!((&strict["verified"], strict.get("payload")), (&json!(false), None), "{strict}");
            assert!(strict["message"].as_str().unwrap().len() > 10);
            let lax = act(&server, &setup.sam, "authz_verify", json!({"token": bad, "strict": false})).await;
            assert_eq!((&lax["verified"], lax.get("payload").is_some()), (&json!(false), bad.len() > 20), "{lax}");
            refused(&server, Some(bad), "package_show", json!({"id": "org/birds"}), 403).await;
        }

        // The public key verifies them.
        let key = get(&server, None, "/authz/public_key").await;
        assert_eq!(key.header("content-type"), "application/x-pem-file");
        let answer = get(&server, None, &format!("{ROOT}/authz_public_key")).await.json();
        assert_eq!(answer["result"]["public_key"], key.text());
        let fresh = ask(Value::Null).await;
        let fresh = fresh["token"].as_str().unwrap();
        let decoding = jsonwebtoken::DecodingKey::from_rsa_pem(&key.body).unwrap();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.validate_nbf = false;
        validation.set_issuer(&["rutter"]);
        let claims = jsonwebtoken::decode::<Value>(fresh, &decoding, &validation).unwrap().claims;
        assert_eq!(claims["sub"], "ada");
    }
}

story! {
    on(sqlite) async fn pages_of_other_sites_may_upload_files(server: Server) {
        let setup = setup_org(&server).await;
        let origin = "https://ckan.example.org";
        for url in ["/api/3/action/authz_authorize", "/org/birds/objects/batch", "/org/birds.git/info/lfs/objects/batch", "/_lfs/any", "/_lfs/uploads/any", "/api/datasets/org/birds/preupload/main", "/api/v1/datasets/org/birds/commits"] {
            let request = server.http.request(reqwest::Method::OPTIONS, format!("{}{url}", server.url));
            let request = request.header("origin", origin).header("access-control-request-method", "POST");
            let reply = Reply::of(request.header("access-control-request-headers", "authorization, content-type")).await;
            assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, "*"), "{url}");
            for name in ["Authorization", "Idempotency-Key"] {
                assert!(reply.header("access-control-allow-headers").contains(name), "{url}");
            }
            assert!(!reply.headers.contains_key("access-control-allow-credentials"), "{url}");
        }
        let asked = action_request(&server, Some(&setup.ada.token), "package_show", &json!({"id": "birds"}));
        let reply = Reply::of(asked.header("origin", origin)).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, "*"));
        // Pages can read refusals too, but no other routes.
        let asked = action_request(&server, None, "package_show", &json!({"id": "birds"})).header("origin", origin);
        assert_eq!(Reply::of(asked).await.header("access-control-allow-origin"), "*");
        for url in ["/api/v1/datasets/org/birds", "/api/v1/datasets/org/birds/tags", "/api/v1/datasets/org/commits", "/org/birds.git/info/refs?service=git-upload-pack", "/metrics"] {
            let reply = Reply::of(server.http.get(format!("{}{url}", server.url)).header("origin", origin)).await;
            assert!(!reply.headers.contains_key("access-control-allow-origin"), "{url}");
        }
    }
}
