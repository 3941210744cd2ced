//! Links: when they end, how much of the history they show, what they cost, and that they can be copied again.

use std::time::Duration;

use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Reply, Server, eventually, story};
use serde_json::{Value, json};

use crate::db::{count, execute};

const DATA: &str = "ada/data";
const SHARES: &str = "/api/v1/datasets/ada/data/shares";
const DRIVE: &str = "/api/v1/drive/ada/data";

async fn open_link_from(server: &Server, link: &str, password: Option<&str>, from: &str) -> Reply {
    let body = match password {
        Some(password) => json!({"token": link, "password": password}),
        None => json!({"token": link}),
    };
    let request = server.request("POST", "/api/v1/links/open", None).header("content-type", "application/json");
    Reply::of(request.header("x-forwarded-for", from).body(body.to_string())).await
}

/// Puts a file of Ada's; returns the revision.
async fn put_text(server: &Server, ada: &Person, path: &str, text: &'static str) -> String {
    let request = server.request("PUT", &format!("{DRIVE}/files/{path}"), Some(&ada.token)).body(text);
    let reply = Reply::of(request).await;
    assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
    reply.json()["revision"].as_str().unwrap().to_owned()
}

async fn read_revision(server: &Server, token: &str, path: &str, revision: &str) -> (u16, String) {
    let revision: String = form_urlencoded::byte_serialize(revision.as_bytes()).collect();
    let url = format!("{DRIVE}/content/{path}?revision={revision}");
    let reply = server.call(Some(token), "GET", &url, Value::Null).await;
    (reply.status, reply.text())
}

async fn versions_of(server: &Server, token: &str, path: &str) -> Vec<Value> {
    let reply = server.call(Some(token), "GET", &format!("{DRIVE}/versions/{path}"), Value::Null).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["items"].as_array().unwrap().clone()
}

story! {
    async fn a_link_works_while_its_creator_has_access(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("club", &[(&ada, Role::Owner), (&ben, Role::Owner)]).await;
        for dataset in [DATA, "club/data"] {
            server.dataset(dataset, Visibility::Private).await;
            let url = format!("/api/v1/drive/{dataset}/files/a.txt");
            assert_eq!(Reply::of(server.request("PUT", &url, Some(&ada.token)).body("a")).await.status, 201);
        }
        let name = "ada".parse().unwrap();
        let (_, own) = server.create_link(&ada, DATA, json!({"path": "a.txt", "right": "edit"})).await;
        let (_, common) = server.create_link(&ada, "club/data", json!({"right": "view"})).await;
        let (_, bens) = server.create_link(&ben, "club/data", json!({"right": "view"})).await;
        server.share(&ada, DATA, json!({"path": "a.txt", "with": {"user": "ben"}, "right": "view"})).await;
        let doors = [(&own, DATA, "a.txt"), (&common, "club/data", "a.txt")];
        let mut bearers = Vec::new();
        for (link, ..) in doors {
            bearers.push(server.link_token(link).await);
        }
        // Whether the links open, and what was opened by them before is still open.
        let open = async || {
            let mut open = Vec::new();
            for ((link, dataset, path), bearer) in doors.iter().zip(&bearers) {
                let opens = open_link_from(&server, link, None, "").await.status;
                let url = format!("/api/v1/drive/{dataset}/content/{path}");
                open.push((opens, server.call(Some(bearer), "GET", &url, Value::Null).await.status));
            }
            open
        };
        let read = format!("{DRIVE}/content/a.txt");
        assert_eq!(open().await, [(200, 200), (200, 200)]);
        server.app.accounts.suspend(&name).await.unwrap();
        assert_eq!(open().await, [(404, 401), (404, 401)], "ada is suspended");
        assert_eq!(open_link_from(&server, &bens, None, "").await.status, 200, "ben is not");
        // Users sign in on their own, and have shares by name.
        assert_eq!(server.call(Some(&ben.token), "GET", &read, Value::Null).await.status, 200);
        server.app.accounts.resume(&name).await.unwrap();
        assert_eq!(open().await, [(200, 200), (200, 200)]);

        let closed = "UPDATE account SET closed_at = 1, removal_at = 1
                      WHERE owner_id = (SELECT id FROM owner WHERE name = 'ada')";
        execute(&server.app.db, closed).await;
        assert_eq!(open().await, [(404, 401), (404, 401)], "ada has closed her account");
        // After her account is removed, the link has no creator.
        let user = server.app.db.read().await.unwrap().user(&name).await.unwrap().unwrap().id;
        server.app.departures.remove(user).await.unwrap();
        assert_eq!(open().await, [(404, 401), (404, 401)]);
        assert_eq!(open_link_from(&server, &bens, None, "").await.status, 200);
    }
}

story! {
    async fn a_link_shows_history_since_its_creation(server: Server) {
        let ada = server.person("ada").await;
        server.dataset(DATA, Visibility::Private).await;
        let secret = put_text(&server, &ada, "a/x.csv", "the secret").await;
        let between = put_text(&server, &ada, "b.txt", "elsewhere").await;
        let shared = put_text(&server, &ada, "a/x.csv", "fit to be seen").await;
        put_text(&server, &ada, "a/y.csv", "more").await;
        put_text(&server, &ada, "a/gone.txt", "gone before").await;
        let delete = json!({"paths": ["a/gone.txt"]});
        assert_eq!(server.call(Some(&ada.token), "POST", &format!("{DRIVE}/delete"), delete).await.status, 200);
        let tag = json!({"name": "v0", "revision": secret});
        assert_eq!(server.call(Some(&ada.token), "POST", "/api/v1/datasets/ada/data/tags", tag).await.status, 201);
        let tree = server.clone(&ada, DATA, "draft");
        tree.git(&["checkout", "-q", "-b", "draft"]);
        tree.write("a/x.csv", "a draft");
        tree.commit("A draft");
        tree.git(&["push", "-q", "origin", "draft"]);
        let draft = tree.git(&["rev-parse", "HEAD"]).trim().to_owned();

        let (id, link) = server.create_link(&ada, DATA, json!({"path": "a", "right": "edit"})).await;
        put_text(&server, &ada, "c.txt", "elsewhere").await;
        let newer = put_text(&server, &ada, "a/x.csv", "newer").await;
        let bearer = server.link_token(&link).await;

        let versions = versions_of(&server, &bearer, "a/x.csv").await;
        let answer: Vec<&str> = versions.iter().map(|version| version["revision"].as_str().unwrap()).collect();
        assert_eq!(answer, [newer.as_str(), shared.as_str()], "{versions:?}");
        assert_eq!((&versions[0]["author"]["name"], &versions[0]["author"]["email"]), (&json!("ada"), &Value::Null));
        assert_eq!(versions[0]["description"], "Update a/x.csv");
        assert_eq!(versions[1]["description"], "", "what was said before was not said to them");
        for (revision, text) in [(&newer, "newer"), (&shared, "fit to be seen")] {
            assert_eq!(read_revision(&server, &bearer, "a/x.csv", revision).await, (200, text.to_owned()));
        }
        let (_, unknown) = read_revision(&server, &bearer, "a/x.csv", "none").await;
        let said = |text: &str| serde_json::from_str::<Value>(text).unwrap()["detail"].as_str().unwrap().to_owned();
        for revision in [&secret, &between, &draft, "v0", "draft", "main~3", "main@{2000-01-01}", &secret[..8], &draft[..8]] {
            let (status, text) = read_revision(&server, &bearer, "a/x.csv", revision).await;
            assert_eq!(status, 404, "{revision}: {text}");
            assert_eq!(said(&text), said(&unknown).replace("none", revision));
            for url in ["rows/a/x.csv", "download/a/x.csv"] {
                let url = format!("{DRIVE}/{url}?revision={revision}");
                assert_eq!(server.call(Some(&bearer), "GET", &url, Value::Null).await.status, 404, "{url}");
            }
            let choice = json!({"paths": ["a/x.csv"], "revision": revision});
            assert_eq!(server.call(Some(&bearer), "POST", &format!("{DRIVE}/downloads"), choice).await.status, 404);
            let back = json!({"revision": revision});
            assert_eq!(server.call(Some(&bearer), "POST", &format!("{DRIVE}/versions/a/x.csv"), back).await.status, 404);
        }
        // The page of a list names its revision, and may be made up.
        let url = format!("{DRIVE}/list?path=a&limit=1");
        let page = server.call(Some(&bearer), "GET", &url, Value::Null).await.json();
        let (listed, after) = page["next_cursor"].as_str().unwrap().split_once('.').unwrap();
        assert_eq!(listed, newer);
        for (revision, status) in [(&secret, 404), (&draft, 404), (&newer, 200)] {
            let url = format!("{url}&cursor={revision}.{after}");
            assert_eq!(server.call(Some(&bearer), "GET", &url, Value::Null).await.status, status, "{revision}");
        }
        // Files deleted before are not in their trash; files deleted now are.
        let trash = server.call(Some(&bearer), "GET", &format!("{DRIVE}/trash"), Value::Null).await.json();
        assert_eq!(trash["items"], json!([]));
        let row = server.call(Some(&ada.token), "GET", &format!("{DRIVE}/trash"), Value::Null).await.json();
        let again = json!({"ids": [row["items"][0]["id"]]});
        assert_eq!(server.call(Some(&bearer), "POST", &format!("{DRIVE}/trash/restore"), again).await.status, 404);
        put_text(&server, &ada, "a/now.txt", "gone now").await;
        let delete = json!({"paths": ["a/now.txt"]});
        assert_eq!(server.call(Some(&bearer), "POST", &format!("{DRIVE}/delete"), delete).await.status, 200);
        let trash = server.call(Some(&bearer), "GET", &format!("{DRIVE}/trash"), Value::Null).await.json();
        assert_eq!(trash["items"][0]["path"], "a/now.txt");

        // The history is shown where it was asked for: that of the default branch.
        let change = json!({"history": true});
        let changed = server.call(Some(&ada.token), "PATCH", &format!("{SHARES}/{id}"), change).await;
        assert_eq!((changed.status, &changed.json()["history"]), (200, &json!(true)));
        let bearer = server.link_token(&link).await;
        assert_eq!(read_revision(&server, &bearer, "a/x.csv", &secret).await, (200, "the secret".to_owned()));
        let versions = versions_of(&server, &bearer, "a/x.csv").await;
        assert_eq!(versions.len(), 3);
        assert!(versions.iter().all(|version| version["author"]["email"].is_null() && version["description"] != ""));
        for revision in [draft.as_str(), "draft", "v0"] {
            assert_eq!(read_revision(&server, &bearer, "a/x.csv", revision).await.0, 404, "{revision}");
        }
        // A user with a share of the folder sees its history, and no branch either.
        let ben = server.person("ben").await;
        server.share(&ada, DATA, json!({"path": "a", "with": {"user": "ben"}, "right": "view"})).await;
        assert_eq!(read_revision(&server, &ben.token, "a/x.csv", &secret).await, (200, "the secret".to_owned()));
        for revision in [draft.as_str(), "draft", "v0"] {
            assert_eq!(read_revision(&server, &ben.token, "a/x.csv", revision).await.0, 404, "{revision}");
        }
        assert_eq!(read_revision(&server, &ada.token, "a/x.csv", "draft").await, (200, "a draft".to_owned()));
        let history = json!({"path": "a", "with": {"user": "ben"}, "right": "view", "history": true});
        assert_eq!(server.call(Some(&ada.token), "POST", SHARES, history).await.status, 422);
    }
}

story! {
    async fn a_link_can_be_copied_again_by_users_that_may_share(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.dataset(DATA, Visibility::Public).await;
        let (id, link) = server.create_link(&ada, DATA, json!({"right": "view"})).await;
        let url = format!("{SHARES}/{id}");
        let shown = server.call(Some(&ada.token), "GET", &url, Value::Null).await;
        assert_eq!(shown.json()["url"], format!("{}/s#{link}", server.url));
        assert_eq!(shown.header("cache-control"), "no-store");
        // It is in no other answer, not shown to others, and not stored in plain text.
        let listed = server.call(Some(&ada.token), "GET", SHARES, Value::Null).await;
        assert!(!listed.text().contains("rsl_"), "{}", listed.text());
        let bearer = server.link_token(&link).await;
        for (token, status) in [(Some(&ben.token), 403), (Some(&bearer), 403), (None, 401)] {
            let reply = server.call(token.map(String::as_str), "GET", &url, Value::Null).await;
            assert_eq!(reply.status, status, "{}", reply.text());
        }
        let plain = count(&server.app.db, "SELECT COUNT(*) FROM share WHERE link_sealed IS NULL OR link_sealed LIKE '%rsl_%'").await;
        assert_eq!(plain, 0);
        // Sealed for one share, it is of no use in the row of another.
        let (other, _) = server.create_link(&ada, DATA, json!({"right": "edit"})).await;
        let swap = format!("UPDATE share SET link_sealed = (SELECT link_sealed FROM share WHERE id = '{other}') WHERE id = '{id}'");
        execute(&server.app.db, swap.leak()).await;
        assert_eq!(server.call(Some(&ada.token), "GET", &url, Value::Null).await.status, 500);
        // What an older server made has no link any more, and says so by having none.
        execute(&server.app.db, "UPDATE share SET link_sealed = NULL").await;
        assert_eq!(server.call(Some(&ada.token), "GET", &url, Value::Null).await.json()["url"], Value::Null);
    }
}

story! {
    async fn concurrent_openings_of_a_link_succeed_despite_password_guesses(engine: Engine) {
        let server = Server::start_with(engine, |config| {
            config.rates.failures_account = 4;
            config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        })
        .await;
        let ada = server.person("ada").await;
        server.dataset(DATA, Visibility::Private).await;
        let (_, open) = server.create_link(&ada, DATA, json!({"right": "view"})).await;
        let (_, locked) = server.create_link(&ada, DATA, json!({"right": "view", "password": "sesame!"})).await;
        let class = "203.0.113.1";
        let all = futures::future::join_all((0..50).map(|_| open_link_from(&server, &open, None, class))).await;
        assert!(all.iter().all(|reply| reply.status == 200), "{:?}", all.iter().map(|reply| reply.status).collect::<Vec<_>>());
        // Each password counts as a guess until it is known to be right, which can be a moment after its answer.
        for _ in 0..6 {
            let all = futures::future::join_all((0..2).map(|_| open_link_from(&server, &locked, Some("sesame!"), class))).await;
            let statuses: Vec<_> = all.iter().map(|reply| reply.status).collect();
            assert_eq!(statuses, [200; 2]);
        }
        for number in 0..8 {
            let status = open_link_from(&server, &locked, Some("guess!"), "198.51.100.9").await.status;
            assert_eq!(status, if number < 4 { 401 } else { 429 });
        }
        assert_eq!(open_link_from(&server, &locked, Some("sesame!"), "198.51.100.9").await.status, 429);
        assert_eq!(open_link_from(&server, &locked, Some("sesame!"), class).await.status, 200);
    }
}

story! {
    async fn reading_by_a_link_does_not_wait_for_writers(server: Server) {
        let ada = server.person("ada").await;
        server.dataset(DATA, Visibility::Private).await;
        put_text(&server, &ada, "x.txt", "text").await;
        let (free, free_link) = server.create_link(&ada, DATA, json!({"right": "view"})).await;
        let (few, few_link) = server.create_link(&ada, DATA, json!({"right": "view", "downloads": 5})).await;
        let (free_bearer, few_bearer) = (server.link_token(&free_link).await, server.link_token(&few_link).await);
        let url = format!("{DRIVE}/content/x.txt");
        let read = async |bearer: &str| server.call(Some(bearer), "GET", &url, Value::Null).await.status;
        assert_eq!(read(&few_bearer).await, 200);
        // A slow writer: on SQLite no other one can write.
        let tx = server.app.db.write().await.unwrap();
        for bearer in [&free_bearer, &free_bearer, &few_bearer] {
            let done = tokio::time::timeout(Duration::from_secs(2), read(bearer)).await;
            assert_eq!(done.expect("it waits for the writer"), 200);
        }
        drop(tx);
        let used = async |id: &str| {
            let share = server.call(Some(&ada.token), "GET", &format!("{SHARES}/{id}"), Value::Null).await.json();
            share["downloads"]["used"].as_i64().unwrap()
        };
        eventually("the download to be counted", async || used(&free).await == 1).await;
        assert_eq!(used(&few).await, 1);
    }
}

story! {
    async fn new_shares_are_counted_until_they_are_seen(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.dataset(DATA, Visibility::Private).await;
        for path in ["a.txt", "b.txt"] {
            put_text(&server, &ada, path, "text").await;
        }
        let unseen = async |token: &str| {
            server.call(Some(token), "GET", "/api/v1/shares/received/unseen", Value::Null).await.json()["count"].clone()
        };
        let new = async || {
            let page = server.call(Some(&ben.token), "GET", "/api/v1/shares/received", Value::Null).await.json();
            let items = page["items"].as_array().unwrap().iter();
            items.map(|item| (item["path"].clone(), item["is_new"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(unseen(&ben.token).await, 0);
        server.share(&ada, DATA, json!({"path": "a.txt", "with": {"user": "ben"}, "right": "view"})).await;
        assert_eq!(unseen(&ben.token).await, 1);
        assert_eq!(unseen(&ada.token).await, 0);
        assert_eq!(unseen(&server.token("ben", &["own:ben/other"]).await).await, 0, "a token tells of no other dataset");
        assert_eq!(new().await, [(json!("a.txt"), json!(true))]);

        server.clock.advance(Duration::from_secs(1));
        let seen = "/api/v1/shares/received/seen";
        assert_eq!(server.call(Some(&ben.token), "PUT", seen, Value::Null).await.status, 403, "no program has seen it for ben");
        let cookie = server.cookie("ben").await;
        let request = server.request("PUT", seen, None).header("cookie", format!("rutter={cookie}"));
        assert_eq!(Reply::of(request.header("origin", &server.url)).await.status, 204);
        assert_eq!(unseen(&ben.token).await, 0);
        server.clock.advance(Duration::from_secs(1));
        server.share(&ada, DATA, json!({"path": "b.txt", "with": {"email": "ben@example.org"}, "right": "view"})).await;
        assert_eq!(unseen(&ben.token).await, 1);
        assert_eq!(new().await, [(json!("b.txt"), json!(true)), (json!("a.txt"), json!(false))]);
    }
}
