//! Files, folders and datasets that users give to applications (scope `files`).

use super::*;

const DATA: &str = "ada/data";

/// A dataset with two folders and a file.
async fn with_files(server: &Server) -> Person {
    let ada = server.person("ada").await;
    server.dataset(DATA, Visibility::Private).await;
    let files = ["a/x.csv", "a/b/y.csv", "ab/z.csv", "c.csv"];
    let files = files.map(|path| json!({"operation": "put", "path": path, "content": "id\n1\n"}));
    server.commit(&ada, DATA, &files).await;
    ada
}

fn path(path: &str, right: &str) -> Value {
    json!({"dataset": DATA, "path": path, "right": right})
}

/// Opens the consent page; returns the URL of the request.
async fn ask(server: &Server, client: &Client, cookie: &str) -> String {
    let changes = [("scope", "openid files"), ("prompt", "consent")];
    let reply = open(server, Some(cookie), &query(client, &changes)).await;
    let ticket = reply.header("location").strip_prefix("/oauth/consent#").unwrap().to_owned();
    format!("/api/v1/oauth/requests/{ticket}")
}

/// Allows the application these paths; returns its tokens.
async fn give(server: &Server, client: &Client, cookie: &str, paths: &[Value]) -> Value {
    let url = ask(server, client, cookie).await;
    let reply = server.call(Some(cookie), "POST", &url, json!({"allow": true, "paths": paths})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let code = param(text(&reply.json(), "location"), "code").unwrap();
    exchange(server, client, &code, &[]).await.json()
}

async fn status(server: &Server, tokens: &Value, method: &str, path: &str) -> u16 {
    let folder = if method == "PUT" { "files" } else { "content" };
    let url = format!("{}/api/v1/drive/ada/data/{folder}/{path}", server.url);
    let request = server.http.request(method.parse().unwrap(), url).bearer_auth(text(tokens, "access_token"));
    Reply::of(if method == "PUT" { request.body("new") } else { request }).await.status
}

story! {
    async fn rule_32_an_application_has_exactly_the_chosen_files(server: Server) {
        let (ada, eve) = (with_files(&server).await, server.person("eve").await);
        let (client, cookie) = (client(&server, &eve.token, json!({"scopes": ["openid", "files"]})).await, server.cookie("ada").await);
        let tokens = give(&server, &client, &cookie, &[path("a", "view")]).await;
        for (path, expected) in [("a/x.csv", 200), ("a/b/y.csv", 200), ("ab/z.csv", 404), ("c.csv", 404), ("a/../c.csv", 404)] {
            assert_eq!(status(&server, &tokens, "GET", path).await, expected, "{path}");
        }
        assert_eq!(status(&server, &tokens, "PUT", "a/x.csv").await, 403);
        assert_eq!(status(&server, &tokens, "PUT", "c.csv").await, 404);
        // Every other door to the dataset is closed: they need all of it.
        let access = text(&tokens, "access_token");
        for (method, url, body) in [
            ("GET", "/api/v1/datasets/ada/data", Value::Null),
            ("GET", "/api/v1/datasets/ada/data/revisions", Value::Null),
            ("GET", "/api/v1/user", Value::Null),
            ("POST", "/api/v1/datasets/ada/data/shares", json!({"path": "a", "with": {"user": "eve"}, "right": "view"})),
            ("PUT", &format!("/api/v1/user/consents/{}", client.id), json!({"paths": [path("", "edit")]})),
        ] {
            let reply = bearer(&server, method, url, access, body).await;
            assert!(matches!(reply.status, 403 | 404), "{method} {url}: {}", reply.status);
        }
        let git = server.http.get(format!("{}/ada/data.git/info/refs?service=git-upload-pack", server.url));
        assert_eq!(Reply::of(git.basic_auth("ada", Some(access))).await.status, 404);
        let batch = json!({"operation": "download", "objects": [{"oid": lfs::Oid::of(b"x"), "size": 1}]});
        assert_eq!(server.batch(Some(access), DATA, &batch).await.0, 404);
        // It learns what it has.
        let listed = bearer(&server, "GET", "/api/v1/oauth/paths", access, Value::Null).await.json();
        assert_eq!(listed["items"], json!([path("a", "view")]));
        assert_eq!(server.call(Some(&ada.token), "GET", "/api/v1/oauth/paths", Value::Null).await.status, 403);

        // More rights, then others: each holds for the token that the application has.
        let url = format!("/api/v1/user/consents/{}", client.id);
        let change = async |paths: Value| server.ok(&ada, "PUT", &url, json!({"paths": paths})).await;
        change(json!([path("a", "edit")])).await;
        assert_eq!(status(&server, &tokens, "PUT", "a/x.csv").await / 100, 2);
        change(json!([path("c.csv", "view")])).await;
        assert_eq!((status(&server, &tokens, "GET", "a/x.csv").await, status(&server, &tokens, "GET", "c.csv").await), (404, 200));
        let shown = server.ok(&ada, "GET", "/api/v1/user/consents", Value::Null).await;
        assert_eq!(shown["items"][0]["paths"], json!([path("c.csv", "view")]));
        change(json!([])).await;
        assert_eq!(status(&server, &tokens, "GET", "c.csv").await, 404);
        // Without files, the user is asked again.
        let reply = open(&server, Some(&cookie), &query(&client, &[("scope", "openid files")])).await;
        assert!(reply.header("location").starts_with("/oauth/consent#"));
        give(&server, &client, &cookie, &[path("", "view")]).await;
        let reply = open(&server, Some(&cookie), &query(&client, &[("scope", "openid files")])).await;
        assert!(reply.header("location").starts_with(REDIRECT));
        assert_eq!(status(&server, &tokens, "GET", "ab/z.csv").await, 200, "the whole dataset");
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        assert_eq!(status(&server, &tokens, "GET", "ab/z.csv").await, 401);
    }
}

story! {
    async fn users_give_only_what_they_have(server: Server) {
        let (ada, ben) = (with_files(&server).await, server.person("ben").await);
        let client = client(&server, &ada.token, json!({"scopes": ["openid", "read", "files"]})).await;
        let cookie = server.cookie("ben").await;
        let share = server.share(&ada, DATA, json!({"path": "a", "with": {"user": "ben"}, "right": "view"})).await;
        let url = ask(&server, &client, &cookie).await;
        let many: Vec<Value> = (0..101).map(|i| path(&format!("a/{i}"), "view")).collect();
        for (paths, expected) in [
            (json!([]), 422),
            (json!([path("c.csv", "view")]), 404),
            (json!([path("", "view")]), 404),
            (json!([path("a", "edit")]), 403),
            (json!([path("../a", "view")]), 422),
            (json!([{"dataset": "ada/nothing", "right": "view"}]), 404),
            (json!([path("a", "own")]), 422),
            (json!(many), 422),
        ] {
            let reply = server.call(Some(&cookie), "POST", &url, json!({"allow": true, "paths": paths})).await;
            assert_eq!(reply.status, expected, "{paths}: {}", reply.text());
        }
        // The request is still there: the user corrects the answer.
        let reply = server.call(Some(&cookie), "POST", &url, json!({"allow": true, "paths": [path("a", "view")]})).await;
        let code = param(text(&reply.json(), "location"), "code").unwrap();
        let tokens = exchange(&server, &client, &code, &[]).await.json();
        assert_eq!(status(&server, &tokens, "GET", "a/x.csv").await, 200);
        // Rule 11: no more than the application may ask for.
        let consent = format!("/api/v1/user/consents/{}", client.id);
        for (scopes, expected) in [(json!(["openid", "write"]), 422), (json!([]), 422), (json!(["own"]), 422), (json!(["openid"]), 200)] {
            let reply = server.call(Some(&ben.token), "PUT", &consent, json!({"scopes": scopes})).await;
            assert_eq!(reply.status, expected, "{scopes}: {}", reply.text());
        }
        assert_eq!(status(&server, &tokens, "GET", "a/x.csv").await, 404, "without the scope");
        let reply = server.call(Some(&ben.token), "PUT", &consent, json!({"paths": [path("a", "view")]})).await;
        assert_eq!(reply.status, 422, "{}", reply.text());
        server.ok(&ben, "PUT", &consent, json!({"scopes": ["openid", "files"], "paths": [path("a", "view")]})).await;
        assert_eq!(status(&server, &tokens, "GET", "a/x.csv").await, 200);
        // It ends with the user's own right.
        let url = format!("/api/v1/datasets/ada/data/shares/{}", share["id"].as_str().unwrap());
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        assert_eq!(status(&server, &tokens, "GET", "a/x.csv").await, 404);
        let other = format!("/api/v1/user/consents/{}", server.clock.id());
        assert_eq!(server.call(Some(&ben.token), "PUT", &other, json!({"paths": []})).await.status, 404);
    }
}

story! {
    async fn chosen_files_keep_their_grant_when_they_are_renamed_and_lose_it_in_the_trash(server: Server) {
        let ada = with_files(&server).await;
        let client = client(&server, &ada.token, json!({"scopes": ["openid", "files"]})).await;
        let cookie = server.cookie("ada").await;
        let tokens = give(&server, &client, &cookie, &[path("a", "view"), path("c.csv", "view")]).await;
        let moved = json!({"items": [{"from": "a", "to": "renamed"}]});
        server.ok(&ada, "POST", "/api/v1/drive/ada/data/move", moved).await;
        server.ok(&ada, "POST", "/api/v1/drive/ada/data/delete", json!({"paths": ["c.csv"]})).await;
        let request = server.request("PUT", "/api/v1/drive/ada/data/files/c.csv", Some(&ada.token)).body("another file");
        assert_eq!(Reply::of(request).await.status / 100, 2);
        assert_eq!(status(&server, &tokens, "GET", "c.csv").await, 404, "a new file, which was not given");
    }
}
