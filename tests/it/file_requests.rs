//! File requests: what senders can do, what owners get, and attempts of senders to see or change more. Notifications of
//! links, and suggestions of users.

use std::time::Duration;

use rutter::config::Suggest;
use rutter::types::{Role, Visibility};
use rutter_testing::{Person, ReceivedEmail, Reply, Server, eventually, noise, story};
use serde_json::{Value, json};

use crate::db::{count, execute};

const DATA: &str = "ada/data";
const SHARES: &str = "/api/v1/datasets/ada/data/shares";
const DRIVE: &str = "/api/v1/drive/ada/data";
const UPLOADS: &str = "/api/v1/file-requests/uploads";
const FILES: &str = "/api/v1/file-requests/files";

/// A dataset of Ada's with a folder `inbox` that has a file, and another folder.
async fn dataset_with_inbox(server: &Server) -> Person {
    let ada = server.person("ada").await;
    server.dataset(DATA, Visibility::Private).await;
    let files = ["inbox/a.csv", "other/secret.csv"];
    let files = files.map(|path| json!({"operation": "put", "path": path, "content": "id\n1\n"}));
    server.commit(&ada, DATA, &files).await;
    ada
}

fn request(more: &Value) -> Value {
    let mut body =
        json!({"path": "inbox", "right": "upload", "request": {"title": "Your photos", "message": "Thanks!"}});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

/// Uploads one file in one part; returns the id of the upload.
async fn upload(server: &Server, bearer: &str, name: &str, bytes: &[u8]) -> String {
    let begun = server.call(Some(bearer), "POST", UPLOADS, json!({"name": name, "size": bytes.len()})).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(begun.header("location"), format!("{UPLOADS}/{id}"));
    let part = server.request("PUT", &format!("{UPLOADS}/{id}/1"), Some(bearer)).body(bytes.to_vec());
    assert_eq!(Reply::of(part).await.status, 204);
    id
}

/// Waits for a number of e-mails to Ada about links; returns the last one.
async fn email_about_links(server: &Server, number: usize) -> ReceivedEmail {
    let about = || {
        let emails = server.emails().into_iter();
        emails
            .filter(|email| email.subject.contains("link to") || email.subject.contains("arrived"))
            .collect::<Vec<_>>()
    };
    eventually(&format!("{number} e-mails about links"), async || about().len() >= number).await;
    let mut emails = about();
    assert_eq!(emails.len(), number, "{emails:?}");
    emails.pop().unwrap()
}

async fn names_in_inbox(server: &Server, ada: &Person) -> Vec<String> {
    let list = server.ok(ada, "GET", &format!("{DRIVE}/list?path=inbox"), Value::Null).await;
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

async fn content(server: &Server, ada: &Person, path: &str) -> String {
    let reply = server.call(Some(&ada.token), "GET", &format!("{DRIVE}/content/{path}"), Value::Null).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.text()
}

story! {
    async fn files_are_added_by_a_request_and_nothing_is_shown_or_replaced(server: Server) {
        let ada = dataset_with_inbox(&server).await;
        let (id, link) = server.create_link(&ada, DATA, request(&json!({"notify": true}))).await;
        let opened = server.open_link(&link, None).await.json();
        let bearer = opened["token"].as_str().unwrap().to_owned();
        let mut shown: Vec<&str> = opened.as_object().unwrap().keys().map(String::as_str).collect();
        shown.sort_unstable();
        let expected = ["name", "owner", "request", "right", "token", "token_expires", "type"];
        assert_eq!(shown, expected, "neither dataset nor path");
        assert_eq!((&opened["name"], &opened["owner"], &opened["right"]), (&json!("Your photos"), &json!("ada"), &json!("upload")));
        assert_eq!(opened["request"], json!({"message": "Thanks!", "max_bytes": 1 << 30, "max_files": 100}));

        // Several files are one revision; taken names are kept, and the answer does not tell.
        let first = upload(&server, &bearer, "a.csv", b"id\n2\n").await;
        let second = upload(&server, &bearer, "b.bin", &noise(1, 4000)).await;
        let sent = json!({"uploads": [first, second], "empty": ["a.csv", "empty"], "from": " Jane <script>alert(1)</script> "});
        let saved = server.call(Some(&bearer), "POST", FILES, sent.clone()).await;
        assert_eq!((saved.status, saved.json()), (201, json!({"files": 4})), "{}", saved.text());
        assert_eq!(names_in_inbox(&server, &ada).await, ["a (2).csv", "a (3).csv", "a.csv", "b.bin", "empty"]);
        assert_eq!(content(&server, &ada, "inbox/a.csv").await, "id\n1\n");
        assert_eq!(content(&server, &ada, "inbox/a%20(2).csv").await, "", "empty files come first");
        assert_eq!(content(&server, &ada, "inbox/a%20(3).csv").await, "id\n2\n");
        let revisions = server.ok(&ada, "GET", "/api/v1/datasets/ada/data/revisions", Value::Null).await;
        let newest = &revisions["items"][0];
        assert_eq!(revisions["items"].as_array().unwrap().len(), 2, "one revision for all");
        assert_eq!(newest["author"]["name"], "ada");
        assert_eq!(newest["committer"]["name"], "someone with the link");
        let said = newest["description"].as_str().unwrap();
        assert_eq!(said, "From Jane <script>alert(1)</script>: 4 files\n\nReceived by the file request \"Your photos\".");
        // The page of the file browser is a script of ours that renders text; that of the server escapes it.
        let entry = server.ok(&ada, "GET", &format!("{DRIVE}/entry/inbox/b.bin"), Value::Null).await;
        assert_eq!(entry["modified_by"], "ada");

        // The owner is notified at once.
        let email = email_about_links(&server, 1).await;
        assert_eq!(email.subject, "4 files arrived by your file request \"Your photos\"");
        assert!(email.text.contains("/d/ada/data/tree/HEAD/inbox\n"), "{}", email.text);

        // A repeated request adds nothing, and one file has its name in the message.
        assert_eq!(server.call(Some(&bearer), "POST", FILES, sent).await.status, 201);
        assert_eq!(names_in_inbox(&server, &ada).await.len(), 5);
        let third = upload(&server, &bearer, "a.csv", b"id\n3\n").await;
        assert_eq!(server.call(Some(&bearer), "POST", FILES, json!({"uploads": [third]})).await.status, 201);
        assert_eq!(content(&server, &ada, "inbox/a%20(4).csv").await, "id\n3\n");
        let revisions = server.ok(&ada, "GET", "/api/v1/datasets/ada/data/revisions?limit=1", Value::Null).await;
        assert!(revisions["items"][0]["description"].as_str().unwrap().starts_with("From someone with the link: a.csv\n"));

        // The owner sees how much has arrived, and is notified again after an hour.
        let share = server.ok(&ada, "GET", &format!("{SHARES}/{id}"), Value::Null).await;
        let expected = json!({"title": "Your photos", "message": "Thanks!", "max_bytes": 1 << 30, "max_files": 100, "bytes": 4010, "files": 5});
        assert_eq!((&share["request"], &share["notify"], &share["downloads"]), (&expected, &json!(true), &Value::Null));
        assert_eq!(server.emails().len(), 1);
        server.clock.advance(Duration::from_secs(3601));
        let email = email_about_links(&server, 2).await;
        assert_eq!(email.subject, "A file arrived by your file request \"Your photos\"");
        let list = server.ok(&ada, "GET", "/api/v1/user/notifications", Value::Null).await;
        let counts: Vec<_> = list["items"].as_array().unwrap().iter().map(|one| (&one["event"], &one["reason"], &one["count"])).collect();
        let (event, reason) = (json!("received"), json!("link"));
        assert_eq!(counts, [(&event, &reason, &json!(1)), (&event, &reason, &json!(4))], "{list}");
        assert_eq!((&list["items"][0]["title"], &list["items"][0]["path"], &list["items"][0]["author"]), (&json!("Your photos"), &json!("inbox"), &Value::Null));
    }
}

story! {
    async fn a_sender_cannot_read_list_overwrite_or_leave_the_folder(server: Server) {
        let ada = dataset_with_inbox(&server).await;
        let (_, link) = server.create_link(&ada, DATA, request(&json!({}))).await;
        let (_, other_link) = server.create_link(&ada, DATA, json!({"path": "inbox", "right": "edit"})).await;
        let (bearer, editor) = (server.link_token(&link).await, server.link_token(&other_link).await);
        let call = async |method: &str, url: &str, body: Value| server.call(Some(&bearer), method, url, body).await;
        // Everything that shows or changes files looks like a missing dataset.
        let reads = ["list", "list?path=inbox", "entry/inbox", "entry/inbox/a.csv", "content/inbox/a.csv", "download/inbox/a.csv",
            "search?q=a&path=inbox", "usage", "versions/inbox/a.csv", "trash", "rows/inbox/a.csv", "statistics/inbox/a.csv"];
        for url in reads {
            let reply = call("GET", &format!("{DRIVE}/{url}"), Value::Null).await;
            let missing = call("GET", &format!("/api/v1/drive/ada/none/{url}"), Value::Null).await;
            assert_eq!((reply.status, reply.json()["detail"].as_str().map(|text| text.replace("data", "none"))),
                (404, missing.json()["detail"].as_str().map(|text| text.replace("data", "none"))), "{url}");
        }
        let changes = [
            ("PUT", "files/inbox/a.csv", json!("x")),
            ("POST", "uploads", json!({"path": "inbox/a.csv", "size": 5})),
            ("POST", "uploads", json!({"path": "inbox/new.csv", "size": 5})),
            ("POST", "delete", json!({"paths": ["inbox/a.csv"]})),
            ("POST", "move", json!({"items": [{"from": "inbox/a.csv", "to": "inbox/b.csv"}]})),
            ("POST", "copy", json!({"items": [{"from": "inbox/a.csv", "to": "inbox/b.csv"}]})),
            ("POST", "folders", json!({"path": "inbox/new"})),
            ("POST", "downloads", json!({"paths": ["inbox/a.csv"]})),
        ];
        for (method, url, body) in changes {
            let reply = call(method, &format!("{DRIVE}/{url}"), body).await;
            assert_eq!(reply.status, 404, "{method} {url}: {}", reply.text());
        }
        for url in ["/api/v1/datasets/ada/data", SHARES, "/api/v1/datasets/ada/data/revisions"] {
            assert_eq!(call("GET", url, Value::Null).await.status, 404, "{url}");
        }
        assert_eq!(call("POST", SHARES, request(&json!({"with": {"link": true}}))).await.status, 404);
        assert_eq!(call("GET", "/api/v1/users?q=ad", Value::Null).await.status, 403);

        // Names that are not those of one file.
        let names = ["", "..", ".", "../other/x.csv", "x/../../other/x", "sub/x.csv", "/etc/passwd", "x\\y", "a\0b", "a\nb", ".git",
            ".gitattributes", ".lfsconfig", ".keep", &"x".repeat(241)];
        for name in names {
            let reply = call("POST", UPLOADS, json!({"name": name, "size": 5})).await;
            assert!(matches!(reply.status, 400 | 422), "{name:?}: {} {}", reply.status, reply.text());
            let reply = call("POST", FILES, json!({"empty": [name]})).await;
            assert!(matches!(reply.status, 400 | 422), "{name:?}: {} {}", reply.status, reply.text());
        }
        for from in ["a\nSigned-off-by: ada", "a\u{202e}b", &"x".repeat(101)] {
            assert_eq!(call("POST", FILES, json!({"empty": ["x"], "from": from})).await.status, 422, "{from:?}");
        }
        // The answer does not depend on whether a name is taken, neither at the start nor at the end.
        let shape = async |name: &str| {
            let reply = call("POST", UPLOADS, json!({"name": name, "size": 5})).await;
            (reply.status, reply.shape())
        };
        assert_eq!(shape("a.csv").await, shape("nothing.csv").await);

        // Uploads of others: by another link, by another request, and none.
        let theirs = server.call(Some(&editor), "POST", &format!("{DRIVE}/uploads"), json!({"path": "inbox/e.csv", "size": 5})).await;
        let theirs = theirs.json()["id"].as_str().unwrap().to_owned();
        let (_, second) = server.create_link(&ada, DATA, request(&json!({"path": "other"}))).await;
        let second = server.link_token(&second).await;
        let begun = server.call(Some(&second), "POST", UPLOADS, json!({"name": "s.csv", "size": 5})).await;
        let seconds = begun.json()["id"].as_str().unwrap().to_owned();
        for id in [&theirs, &seconds, &"0".repeat(32), &"x".to_owned()] {
            for (method, url) in [("GET", format!("{UPLOADS}/{id}")), ("DELETE", format!("{UPLOADS}/{id}")), ("PUT", format!("{UPLOADS}/{id}/1"))] {
                assert_eq!(call(method, &url, Value::Null).await.status, 404, "{method} {url}");
            }
            assert_eq!(call("POST", FILES, json!({"uploads": [id]})).await.status, 404);
        }
        // Those who came otherwise have nothing to do here.
        for (token, status) in [(None, 401), (Some(&editor), 403), (Some(&ada.token), 403)] {
            let reply = server.call(token.map(String::as_str), "POST", UPLOADS, json!({"name": "x", "size": 5})).await;
            assert_eq!(reply.status, status);
        }
        assert_eq!(names_in_inbox(&server, &ada).await, ["a.csv"], "nothing was changed");

        // A file that is sent again is not read back, and one that another dataset holds is no use.
        let known = server.upload(&ada.token, DATA, &noise(7, 3000)).await;
        let begun = call("POST", UPLOADS, json!({"name": "k.bin", "size": 3000, "sha256": known})).await;
        let id = begun.json()["id"].as_str().unwrap().to_owned();
        let reply = call("POST", FILES, json!({"uploads": [id]})).await;
        assert_eq!(reply.status, 409, "its bytes must arrive: {}", reply.text());
    }
}

story! {
    async fn files_are_added_to_the_root_of_a_dataset_and_never_describe_it(server: Server) {
        let ada = dataset_with_inbox(&server).await;
        server.commit(&ada, DATA, &[json!({"operation": "put", "path": "a.csv", "content": "id\n1\n"})]).await;
        let (id, link) = server.create_link(&ada, DATA, request(&json!({"path": ""}))).await;
        let opened = server.open_link(&link, None).await.json();
        assert_eq!((&opened["type"], &opened["path"], &opened["dataset"]), (&json!("folder"), &Value::Null, &Value::Null));
        let bearer = opened["token"].as_str().unwrap().to_owned();
        // A package would replace files that it names, and is not valid without content.
        let package = json!({"resources": [{"name": "a", "path": "a.csv", "bytes": 9, "hash": format!("sha256:{}", "0".repeat(64))}]});
        let package = upload(&server, &bearer, "datapackage.json", package.to_string().as_bytes()).await;
        let taken = upload(&server, &bearer, "a.csv", b"id\n2\n").await;
        let sent = json!({"uploads": [package, taken], "empty": ["README.md", "datapackage.json", "inbox", "b"]});
        let saved = server.call(Some(&bearer), "POST", FILES, sent).await;
        assert_eq!((saved.status, saved.json()), (201, json!({"files": 6})), "{}", saved.text());
        let list = server.ok(&ada, "GET", &format!("{DRIVE}/list"), Value::Null).await;
        let names: Vec<&str> = list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
        let expected = ["README (2).md", "a (2).csv", "a.csv", "b", "datapackage (2).json", "datapackage (3).json", "inbox (2)", "inbox", "other"];
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>(), expected.iter().collect());
        assert_eq!(content(&server, &ada, "a.csv").await, "id\n1\n");
        assert_eq!(content(&server, &ada, "a%20(2).csv").await, "id\n2\n");

        // Nothing else is possible: no reading, no other folder, no file for tools.
        for url in ["list", "entry/a.csv", "content/a.csv", "download/a.csv", "search?q=a", "trash", "versions/a.csv"] {
            assert_eq!(server.call(Some(&bearer), "GET", &format!("{DRIVE}/{url}"), Value::Null).await.status, 404, "{url}");
        }
        for url in ["/api/v1/datasets/ada/data", "/api/v1/datasets/ada/data/revisions"] {
            assert_eq!(server.call(Some(&bearer), "GET", url, Value::Null).await.status, 404, "{url}");
        }
        let delete = json!({"paths": ["a.csv"]});
        assert_eq!(server.call(Some(&bearer), "POST", &format!("{DRIVE}/delete"), delete).await.status, 404);
        for name in ["inbox/x", ".gitattributes", ".lfsconfig", ".keep", ".."] {
            let reply = server.call(Some(&bearer), "POST", FILES, json!({"empty": [name]})).await;
            assert!(matches!(reply.status, 400 | 422), "{name}: {}", reply.text());
        }
        // Uploads by a request for a folder of the same dataset are not those of this one.
        let (_, inbox) = server.create_link(&ada, DATA, request(&json!({}))).await;
        let theirs = upload(&server, &server.link_token(&inbox).await, "t", b"t").await;
        assert_eq!(server.call(Some(&bearer), "POST", FILES, json!({"uploads": [theirs]})).await.status, 404);
        let share = server.ok(&ada, "GET", &format!("{SHARES}/{id}"), Value::Null).await;
        assert_eq!((&share["path"], &share["request"]["files"]), (&json!(""), &json!(6)));
    }
}

story! {
    async fn a_request_is_bounded_and_ends(server: Server) {
        let ada = dataset_with_inbox(&server).await;
        // Terms that do not fit together.
        let create = async |body: Value| server.call(Some(&ada.token), "POST", SHARES, body).await;
        let link = json!({"link": true});
        for bad in [
            json!({"path": "inbox", "with": link, "right": "upload"}),
            request(&json!({"with": {"user": "ada"}})),
            request(&json!({"with": {"email": "ben@example.org"}})),
            request(&json!({"with": link, "path": "inbox/a.csv"})),
            request(&json!({"with": link, "history": true})),
            request(&json!({"with": link, "downloads": 1})),
            request(&json!({"with": link, "right": "view"})),
            request(&json!({"with": link, "request": {"title": "a\nb"}})),
            request(&json!({"with": link, "request": {"title": "a", "max_files": 0}})),
        ] {
            assert_eq!(create(bad.clone()).await.status, 422, "{bad}");
        }
        let terms = json!({"request": {"title": "Two", "max_files": 2, "max_bytes": 100}, "password": "open sesame"});
        let (id, link) = server.create_link(&ada, DATA, request(&terms)).await;
        assert_eq!(server.open_link(&link, None).await.status, 401);
        assert_eq!(server.open_link(&link, Some("wrong one")).await.status, 401);
        let opened = server.open_link(&link, Some("open sesame")).await.json();
        let bearer = opened["token"].as_str().unwrap().to_owned();
        let begin = async |bearer: &str, name: &str, size: u64| {
            server.call(Some(bearer), "POST", UPLOADS, json!({"name": name, "size": size})).await
        };
        assert_eq!(begin(&bearer, "big", 101).await.status, 413);
        // What is under way counts, and what was aborted does not.
        let first = begin(&bearer, "a", 60).await.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(begin(&bearer, "b", 60).await.status, 507);
        assert_eq!(server.call(Some(&bearer), "DELETE", &format!("{UPLOADS}/{first}"), Value::Null).await.status, 204);
        let (one, two) = (upload(&server, &bearer, "a", &[b'x'; 50]).await, upload(&server, &bearer, "b", &[b'y'; 50]).await);
        let over = begin(&bearer, "c", 1).await;
        assert_eq!(over.status, 507);
        assert!(over.text().contains("ask ada"), "{}", over.text());
        let both = json!({"uploads": [one, two], "empty": ["more"]});
        assert_eq!(server.call(Some(&bearer), "POST", FILES, both).await.status, 507, "three files are too many");
        assert_eq!(names_in_inbox(&server, &ada).await, ["a.csv"]);
        assert_eq!(server.call(Some(&bearer), "POST", FILES, json!({"uploads": [one, two]})).await.status, 201);
        assert_eq!(begin(&bearer, "c", 1).await.status, 507);
        // Senders at the same time do not exceed the limit.
        let change = json!({"request": {"max_files": 3}});
        server.ok(&ada, "PATCH", &format!("{SHARES}/{id}"), change).await;
        assert_eq!(begin(&bearer, "c", 1).await.status, 401, "who has opened it opens it again");
        let bearer = server.open_link(&link, Some("open sesame")).await.json()["token"].as_str().unwrap().to_owned();
        let races = (0..5).map(|number| {
            let (server, bearer) = (&server, &bearer);
            async move { server.call(Some(bearer), "POST", FILES, json!({"empty": [format!("e{number}")]})).await.status }
        });
        let mut statuses = futures::future::join_all(races).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 507, 507, 507, 507]);
        assert_eq!(names_in_inbox(&server, &ada).await.len(), 4);

        // A request stays one, and other links do not become one.
        let change = async |id: &str, body: Value| server.call(Some(&ada.token), "PATCH", &format!("{SHARES}/{id}"), body).await.status;
        let (plain, _) = server.create_link(&ada, DATA, json!({"path": "inbox", "right": "view"})).await;
        assert_eq!(change(&id, json!({"right": "edit"})).await, 422);
        assert_eq!(change(&id, json!({"history": true})).await, 422);
        assert_eq!(change(&plain, json!({"right": "upload"})).await, 422);
        assert_eq!(change(&plain, json!({"request": {"title": "x"}})).await, 422);

        // The quota of the owner counts, and senders do not learn it.
        let (_, wide) = server.create_link(&ada, DATA, request(&json!({}))).await;
        let bearer = server.link_token(&wide).await;
        server.quota("ada", "10000").await;
        let full = begin(&bearer, "q", 20_000).await;
        assert_eq!(full.status, 507);
        assert!(!full.text().contains("10000") && !full.text().contains("quota"), "{}", full.text());

        // It ends by expiry, by revocation, and with its folder.
        let soon = rutter::types::Millis(server.clock.now().0 + 60_000).rfc3339();
        let (_, short) = server.create_link(&ada, DATA, request(&json!({"expires": soon}))).await;
        let (gone, revoked) = server.create_link(&ada, DATA, request(&json!({}))).await;
        let (on_short, on_revoked) = (server.link_token(&short).await, server.link_token(&revoked).await);
        let pending = upload(&server, &on_revoked, "late", b"late").await;
        assert_eq!(server.call(Some(&ada.token), "DELETE", &format!("{SHARES}/{gone}"), Value::Null).await.status, 204);
        assert_eq!(server.call(Some(&on_revoked), "POST", FILES, json!({"uploads": [pending]})).await.status, 401);
        assert_eq!(server.open_link(&revoked, None).await.status, 404);
        server.clock.advance(Duration::from_secs(120));
        assert_eq!(begin(&on_short, "x", 1).await.status, 401);
        assert_eq!(server.open_link(&short, None).await.status, 404);
        let delete = json!({"paths": ["inbox"]});
        assert_eq!(server.call(Some(&ada.token), "POST", &format!("{DRIVE}/delete"), delete).await.status, 200);
        assert_eq!(server.open_link(&wide, None).await.status, 404);
    }
}

story! {
    async fn creators_are_notified_when_a_link_is_opened_at_most_once_a_day(server: Server) {
        let ada = dataset_with_inbox(&server).await;
        let cookie = server.cookie("ada").await;
        let (id, link) = server.create_link(&ada, DATA, json!({"path": "other", "right": "view", "notify": true})).await;
        let (_, quiet) = server.create_link(&ada, DATA, json!({"path": "inbox", "right": "view"})).await;
        let open = async |link: &str, token: Option<&str>| server.call(token, "POST", "/api/v1/links/open", json!({"token": link})).await;
        let uses = "SELECT CAST(COALESCE(SUM(uses), 0) AS BIGINT) FROM share";
        // Not by the owner, nor a renewal; credentials that are not valid count as none.
        assert_eq!(open(&link, Some(&cookie)).await.status, 200);
        assert_eq!(open(&link, Some(&ada.token)).await.status, 200);
        assert_eq!(open(&quiet, None).await.status, 200);
        assert_eq!(count(&server.app.db, uses).await, 0);
        let bearer = open(&link, Some("rla_unknown")).await.json()["token"].as_str().unwrap().to_owned();
        let email = email_about_links(&server, 1).await;
        assert_eq!(email.subject, "Your link to \"other\" was opened");
        assert!(email.text.contains("/d/ada/data/tree/HEAD/other\n"), "{}", email.text);
        assert_eq!(open(&link, Some(&bearer)).await.status, 200);
        assert_eq!(count(&server.app.db, uses).await, 0, "a renewal is not another opening");
        for _ in 0..3 {
            assert_eq!(open(&link, None).await.status, 200);
        }
        let notifications = async || server.ok(&ada, "GET", "/api/v1/user/notifications?unread=true", Value::Null).await;
        assert_eq!(notifications().await["items"].as_array().unwrap().len(), 1);
        // The others are counted, and reported after a day, even if the link is not opened by then.
        server.clock.advance(Duration::from_secs(86_401));
        let email = email_about_links(&server, 2).await;
        assert_eq!(email.subject, "Your link to \"other\" was opened 3 times");
        let list = notifications().await;
        let counts: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|one| &one["count"]).collect();
        assert_eq!(counts, [3, 1]);
        let first = &list["items"][0];
        assert_eq!((&first["event"], &first["dataset"], &first["path"], &first["number"]), (&json!("opened"), &json!(DATA), &json!("other"), &Value::Null));
        // Nothing is kept of the visitor but the time.
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM share_notification WHERE title <> 'other' OR path <> 'other'").await, 0);
        // They are read, one or all, and switched off: here, by e-mail, and for the link.
        let read = json!({"ids": [first["id"]]});
        assert_eq!(server.call(Some(&ada.token), "POST", "/api/v1/user/notifications/read", read).await.status, 204);
        assert_eq!(notifications().await["items"].as_array().unwrap().len(), 1);
        assert_eq!(server.call(Some(&ada.token), "POST", "/api/v1/user/notifications/read", json!({})).await.status, 204);
        assert_eq!(notifications().await["items"], json!([]));
        let off = json!({"settings": [{"reason": "link", "list": true, "email": false}]});
        let settings = server.ok(&ada, "PUT", "/api/v1/user/notification-settings", off).await;
        assert_eq!(settings["settings"].as_array().unwrap().len(), 6);
        server.clock.advance(Duration::from_secs(86_401));
        assert_eq!(open(&link, None).await.status, 200);
        eventually("a notification without an e-mail", async || notifications().await["items"].as_array().unwrap().len() == 1).await;
        email_about_links(&server, 2).await;
        server.ok(&ada, "PATCH", &format!("{SHARES}/{id}"), json!({"notify": false})).await;
        assert_eq!(open(&link, None).await.status, 200);
        assert_eq!(count(&server.app.db, uses).await, 0);
        let ben = json!({"path": "other", "with": {"email": "ben@example.org"}, "right": "view", "notify": true});
        assert_eq!(server.call(Some(&ada.token), "POST", SHARES, ben).await.status, 422, "only links notify");
    }
}

async fn suggested(server: &Server, person: &Person, q: &str) -> Vec<String> {
    let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
    let found = server.ok(person, "GET", &format!("/api/v1/users?q={q}"), Value::Null).await;
    let items = found["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item.as_object().unwrap().len() == 2), "name and display name only: {found}");
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

story! {
    async fn users_are_suggested_known_ones_first_and_addresses_are_not_shown(server: Server) {
        let ada = server.person("ada").await;
        let (zoe, sue) = (server.person("berta-zoe").await, server.person("bernd").await);
        for name in ["ben", "berit", "bertram", "carl"] {
            server.person(name).await;
        }
        server.organisation("club", &[(&ada, Role::Owner), (&zoe, Role::Reader), (&sue, Role::Reader)]).await;
        execute(&server.app.db, "UPDATE account SET display_name = 'Änne Carlsson' WHERE email = 'berta-zoe@example.org'").await;
        assert_eq!(suggested(&server, &ada, "be").await, ["bernd", "berta-zoe", "ben", "berit", "bertram"], "members first");
        assert_eq!(suggested(&server, &ada, "@BERT").await, ["berta-zoe", "bertram"]);
        assert_eq!(suggested(&server, &ada, "carls").await, ["berta-zoe"], "a member by a word of the display name");
        assert_eq!(suggested(&server, &ada, "ca").await, ["berta-zoe", "carl"]);
        assert_eq!(suggested(&server, &ada, "ad").await, Vec::<String>::new(), "not the caller");
        for wild in ["%%", "b_", "b%", "!%", "''", "club", "@@", "be%"] {
            assert_eq!(suggested(&server, &ada, wild).await, Vec::<String>::new(), "{wild}");
        }
        // With whom something was shared comes first from then on.
        server.dataset(DATA, Visibility::Private).await;
        server.share(&ada, DATA, json!({"with": {"user": "bertram"}, "right": "view"})).await;
        assert_eq!(suggested(&server, &ada, "bert").await, ["berta-zoe", "bertram"]);
        assert_eq!(suggested(&server, &ada, "be").await[..3], ["bernd", "berta-zoe", "bertram"]);
        // Addresses: whole ones, of members only.
        assert_eq!(suggested(&server, &ada, "Bernd@example.org").await, ["bernd"]);
        for address in ["carl@example.org", "bernd@example", "bernd@example.or", "@example.org", "example.org", "nora@example.org"] {
            assert_eq!(suggested(&server, &ada, address).await, Vec::<String>::new(), "{address}");
        }
        // Suspended users do not appear, and there are at most eight.
        server.app.accounts.suspend(&"bernd".parse().unwrap()).await.unwrap();
        assert_eq!(suggested(&server, &ada, "bern").await, Vec::<String>::new());
        assert_eq!(suggested(&server, &ada, "bernd@example.org").await, Vec::<String>::new());
        for number in 0..10 {
            server.person(&format!("many{number}")).await;
        }
        assert_eq!(suggested(&server, &ada, "many").await.len(), 8);
        let status = async |token: Option<&str>, url: &str| server.call(token, "GET", url, Value::Null).await.status;
        for short in ["", "a", "%C3%A4", &"x".repeat(255)] {
            assert_eq!(status(Some(&ada.token), &format!("/api/v1/users?q={short}")).await, 422, "{short}");
        }
        assert_eq!(status(None, "/api/v1/users?q=be").await, 401);
        let narrow = server.token("ada", &["read"]).await;
        assert_eq!(status(Some(&narrow), "/api/v1/users?q=be").await, 403);
    }
}

story! {
    on(sqlite)
    async fn suggestions_of_all_users_can_be_switched_off(engine: Engine) {
        let server = Server::start_with(engine, |config| config.accounts.suggest = Suggest::Organisations).await;
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.person("bertram").await;
        assert_eq!(suggested(&server, &ada, "be").await, Vec::<String>::new());
        server.organisation("club", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        assert_eq!(suggested(&server, &ada, "be").await, ["ben"]);
    }
}
