//! Files and folders of the browser: every change is a revision, nothing is lost, and nothing is shown to users
//! without access.

use std::io::Write as _;
use std::sync::Arc;

use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Reply, Server, noise, story};
use serde_json::{Value, json};

mod batches;
mod downloads;
mod folder_shares;
mod own;
mod quotas;
mod uploads;

const DRIVE: &str = "/api/v1/drive";

/// A client of one dataset.
pub(crate) struct DriveClient<'a> {
    server: &'a Server,
    token: Option<String>,
    url: String,
}

impl<'a> DriveClient<'a> {
    fn new(server: &'a Server, who: &Person, dataset: &str) -> Self {
        Self { server, token: Some(who.token.clone()), url: format!("{DRIVE}/{dataset}") }
    }

    fn request(&self, method: &str, rest: &str) -> reqwest::RequestBuilder {
        self.server.request(method, &format!("{}{rest}", self.url), self.token.as_deref())
    }

    async fn get(&self, rest: &str) -> Reply {
        Reply::of(self.request("GET", rest)).await
    }

    async fn send(&self, method: &str, rest: &str, body: &Value) -> Reply {
        let request = self.request(method, rest).header("content-type", "application/json");
        Reply::of(request.body(body.to_string())).await
    }

    async fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) -> Reply {
        Reply::of(self.request("PUT", &format!("/files/{path}")).body(bytes.into())).await
    }

    /// What must succeed.
    async fn ok(&self, method: &str, rest: &str, body: &Value) -> Value {
        let reply = self.send(method, rest, body).await;
        assert!(reply.status < 300, "{method} {rest}: {} {}", reply.status, reply.text());
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    }

    /// The names in a folder, with a slash behind those of folders.
    async fn names(&self, path: &str) -> Vec<String> {
        let reply = self.get(&format!("/list?path={path}&limit=1000")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let items = reply.json();
        let name = |item: &Value| {
            let slash = if item["type"] == "folder" { "/" } else { "" };
            format!("{}{slash}", item["name"].as_str().unwrap())
        };
        items["items"].as_array().unwrap().iter().map(name).collect()
    }
}

async fn ada(server: &Server) -> Person {
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    ada
}

story! {
    async fn files_are_put_listed_and_read(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let names = ["notes.txt", "a%20b%23%25.csv", "%C3%BCn%C3%AF/%E6%BC%A2%E5%AD%97.md", "Notes.txt"];
        for name in names {
            let reply = drive.put(name, format!("text of {name}\n")).await;
            assert_eq!(reply.status, 201, "{}", reply.text());
        }
        assert_eq!(drive.names("").await, ["Notes.txt", "a b#%.csv", "notes.txt", "ünï/"]);
        assert_eq!(drive.names("%C3%BCn%C3%AF").await, ["漢字.md"]);
        for name in names {
            let read = drive.get(&format!("/content/{name}")).await;
            assert_eq!((read.status, read.text()), (200, format!("text of {name}\n")));
        }
        let entry = drive.get("/entry/a%20b%23%25.csv").await.json();
        assert_eq!(entry["path"], "a b#%.csv");
        assert_eq!((&entry["type"], &entry["size"]), (&json!("file"), &json!("text of a%20b%23%25.csv\n".len())));
        assert_eq!((&entry["media_type"], &entry["right"]), (&json!("text/csv; charset=utf-8"), &json!("own")));
        assert_eq!((&entry["modified_by"], &entry["shared"]), (&json!("ada"), &json!(false)));

        // The same name is a new version; the same bytes are not.
        let reply = drive.put("notes.txt", "second\n").await;
        assert_eq!(reply.status, 200);
        let second = reply.json();
        assert_eq!(drive.put("notes.txt", "second\n").await.json()["revision"], second["revision"]);
        let versions = drive.get("/versions/notes.txt").await.json();
        let sizes: Vec<&Value> = versions["items"].as_array().unwrap().iter().map(|item| &item["size"]).collect();
        assert_eq!(sizes, [&json!(7), &json!("text of notes.txt\n".len())]);
        let first = versions["items"][1]["revision"].as_str().unwrap();
        let old = drive.get(&format!("/content/notes.txt?revision={first}")).await;
        assert_eq!(old.text(), "text of notes.txt\n");
        let page = drive.get("/versions/notes.txt?limit=1").await.json();
        let cursor = page["next_cursor"].as_str().unwrap();
        let rest = drive.get(&format!("/versions/notes.txt?limit=1&cursor={cursor}")).await.json();
        assert_eq!((&rest["items"][0]["revision"], &rest["next_cursor"]), (&json!(first), &Value::Null));
        let back = drive.ok("POST", "/versions/notes.txt", &json!({"revision": first})).await;
        assert_eq!(back["entry"]["size"], "text of notes.txt\n".len());
        assert_eq!(drive.get("/content/notes.txt").await.text(), "text of notes.txt\n");
        assert_eq!(drive.get("/versions/never").await.status, 404);

        // A stale base version is refused.
        let changed = second["revision"].as_str().unwrap();
        let put = drive.request("PUT", "/files/notes.txt").header("if-match", format!("\"{changed}\"")).body("third");
        assert_eq!(Reply::of(put).await.status, 412);
        let last = drive.get("/entry/notes.txt").await.json()["revision"].as_str().unwrap().to_owned();
        drive.put("other.txt", "of another user").await;
        let put = drive.request("PUT", "/files/notes.txt").header("if-match", format!("\"{last}\"")).body("third");
        assert_eq!(Reply::of(put).await.status, 200, "what others do elsewhere is no matter");

        // A drive is a regular dataset.
        let tree = server.clone(&ada, "ada/data", "clone");
        assert_eq!(tree.read("ünï/漢字.md"), format!("text of {}\n", names[2]).as_bytes());
        let message = tree.git(&["log", "-1", "--format=%an %s"]);
        assert_eq!(message, "ada Update notes.txt");
    }
}

story! {
    async fn invalid_file_names_are_refused(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        assert_eq!(drive.put("a/b.txt", "b").await.status, 201);
        for (path, status) in [
            ("a", 409), (".gitattributes", 422), ("a/.keep", 422), (".lfsconfig", 422),
            (".git/config", 422), ("a%5Cb", 422), ("a/b.txt/c", 409), ("x%00y", 422),
        ] {
            let reply = drive.put(path, "x").await;
            assert_eq!(reply.status, status, "{path}: {}", reply.text());
        }
        assert_eq!(drive.put("datapackage.json", "{\"resources\": 1}").await.status, 422);
        for path in ["a", ".gitattributes"] {
            assert_eq!(drive.get(&format!("/content/{path}")).await.status, 404, "{path}");
        }
        for (rest, body) in [
            ("/delete", json!({"paths": []})),
            ("/delete", json!({"paths": [""]})),
            ("/move", json!({"from": "", "to": "b"})),
            ("/move", json!({"from": "a", "to": "a/c"})),
            ("/copy", json!({"from": "a", "to": "a/c"})),
            ("/folders", json!({"path": "a/.keep"})),
            ("/trash/restore", json!({"ids": []})),
        ] {
            let reply = drive.send("POST", rest, &body).await;
            assert_eq!(reply.status, 422, "{rest} {body}: {}", reply.text());
        }
        for (rest, body) in [
            ("/move", json!({"from": "nothing", "to": "b"})),
            ("/copy", json!({"from": "nothing", "to": "b"})),
            ("/copy", json!({"from": "a", "to": "b", "dataset": "missing/nothing"})),
            ("/delete", json!({"paths": ["a/b.txt", "nothing"]})),
            ("/trash/restore", json!({"ids": ["nothing"]})),
            ("/versions/a/b.txt", json!({"revision": "nothing"})),
        ] {
            let reply = drive.send("POST", rest, &body).await;
            assert_eq!(reply.status, 404, "{rest} {body}: {}", reply.text());
        }
        assert_eq!(drive.names("a").await, ["b.txt"], "what fails changes nothing");
        assert_eq!(drive.get("/list?cursor=nonsense").await.status, 422);
    }
}

story! {
    async fn many_items_move_or_are_copied_in_one_revision(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        for number in 0..10 {
            assert_eq!(drive.put(&format!("in/{number}.txt"), number.to_string()).await.status, 201);
        }
        let large = noise(7, 70_000);
        assert_eq!(drive.put("in/large.bin", large.clone()).await.status, 201);
        let revisions = async || {
            let listed = server.ok(&ada, "GET", "/api/v1/datasets/ada/data/revisions", Value::Null).await;
            listed["items"].as_array().unwrap().len()
        };
        let way = |from: &str, to: &str| json!({"from": from, "to": to});
        let ten: Vec<Value> = (0..10).map(|at| way(&format!("in/{at}.txt"), &format!("out/{at}.txt"))).collect();
        let before = revisions().await;
        let moved = drive.ok("POST", "/move", &json!({"items": ten})).await;
        assert!(moved["revision"].is_string() && moved.get("entry").is_none(), "{moved}");
        assert_eq!(revisions().await, before + 1);
        assert_eq!((drive.names("in").await, drive.names("out").await.len()), (vec!["large.bin".to_owned()], 10));
        // All or nothing.
        for (rest, items, status) in [
            ("/move", json!([way("out/1.txt", "x.txt"), way("nothing", "y.txt")]), 404),
            ("/move", json!([way("out/1.txt", "x.txt"), way("out/2.txt", "x.txt")]), 409),
            ("/move", json!([way("out/1.txt", "x.txt"), way("out", "y")]), 422),
            ("/copy", json!([way("out/1.txt", "x.txt"), way("out/2.txt", "out/3.txt")]), 409),
            ("/copy", json!([]), 422),
        ] {
            let reply = drive.send("POST", rest, &json!({"items": items})).await;
            assert_eq!(reply.status, status, "{rest} {items}: {}", reply.text());
        }
        let both = json!({"from": "out", "to": "y", "items": [way("out", "z")]});
        assert_eq!(drive.send("POST", "/move", &both).await.status, 422);
        assert_eq!(drive.names("").await, ["in/", "out/"], "what fails changes nothing");
        // The last file leaves its folder behind, and a path that has become free can be used again.
        let items = json!([way("in/large.bin", "large.bin"), way("out/1.txt", "1.txt"), way("out/2.txt", "out/1.txt")]);
        drive.ok("POST", "/move", &json!({"items": items})).await;
        assert_eq!(drive.names("").await, ["1.txt", "in/", "large.bin", "out/"]);
        assert_eq!(drive.names("in").await, Vec::<String>::new());
        assert_eq!(drive.get("/content/out/1.txt").await.text(), "2");

        let before = revisions().await;
        let items = json!([way("out", "copy/out"), way("large.bin", "copy/large.bin")]);
        drive.ok("POST", "/copy", &json!({"items": items})).await;
        assert_eq!(revisions().await, before + 1);
        assert_eq!(drive.get("/content/copy/out/1.txt").await.text(), "2");
        server.dataset("ada/other", Visibility::Private).await;
        let other = DriveClient::new(&server, &ada, "ada/other");
        let items = json!([way("copy", "all"), way("1.txt", "one.txt")]);
        other.ok("POST", "/copy", &json!({"items": items, "dataset": "ada/data"})).await;
        assert_eq!(other.names("").await, ["all/", "one.txt"]);
        assert_eq!(other.get("/content/all/large.bin").await.body, large);
    }
}

story! {
    async fn a_move_or_copy_replaces_only_when_asked(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        for path in ["a.txt", "b.txt", "box/a.txt", "box/in/c.txt", "in/d.txt"] {
            drive.put(path, path).await;
        }
        let way = |from: &str, to: &str, replace: bool| json!({"from": from, "to": to, "replace": replace});
        for (rest, item, status) in [
            ("/move", way("a.txt", "box/a.txt", false), 409),
            ("/copy", way("a.txt", "box/a.txt", false), 409),
            ("/move", way("box/in", "box", true), 422),
            ("/copy", way("box/in", "box", true), 422),
            ("/move", way("a.txt", "a.txt", true), 422),
            ("/move", way("nothing", "a.txt", true), 404),
        ] {
            let reply = drive.send("POST", rest, &json!({"items": [item]})).await;
            assert_eq!(reply.status, status, "{rest} {item}: {}", reply.text());
        }
        let revisions = async || {
            let listed = server.ok(&ada, "GET", "/api/v1/datasets/ada/data/revisions", Value::Null).await;
            listed["items"].as_array().unwrap().len()
        };
        let before = revisions().await;
        // One is replaced, the other is new: one revision.
        let items = json!([way("a.txt", "box/a.txt", true), way("b.txt", "box/b.txt", true)]);
        drive.ok("POST", "/move", &json!({"items": items})).await;
        assert_eq!(revisions().await, before + 1);
        assert_eq!(drive.get("/content/box/a.txt").await.text(), "a.txt");
        assert_eq!((drive.names("").await, drive.names("box").await), (
            vec!["box/".to_owned(), "in/".to_owned()],
            ["a.txt", "b.txt", "in/"].map(str::to_owned).to_vec(),
        ));
        // A folder is replaced as a whole; the history keeps it.
        drive.ok("POST", "/copy", &json!({"items": [way("in", "box/in", true)]})).await;
        assert_eq!(drive.names("box/in").await, ["d.txt"]);
        assert_eq!(drive.get("/versions/box/a.txt").await.json()["items"].as_array().unwrap().len(), 2);
        let items = json!([way("in", "box/in", true)]);
        let foreign = json!({"items": items, "dataset": "ada/data"});
        assert_eq!(drive.send("POST", "/copy", &foreign).await.status, 422);

        // A user with access to one folder cannot replace the folder itself.
        let ben = server.person("ben").await;
        server.share(&ada, "ada/data", json!({"path": "box", "with": {"user": "ben"}, "right": "edit"})).await;
        let shared = DriveClient::new(&server, &ben, "ada/data");
        for item in [way("box/a.txt", "box", true), way("box/a.txt", "in/d.txt", true)] {
            let reply = shared.send("POST", "/move", &json!({"items": [item]})).await;
            assert!(matches!(reply.status, 403 | 404), "{item}: {} {}", reply.status, reply.text());
        }
        shared.ok("POST", "/move", &json!({"items": [way("box/a.txt", "box/b.txt", true)]})).await;
        assert_eq!(drive.get("/content/box/b.txt").await.text(), "a.txt");
    }
}

story! {
    async fn a_folder_is_listed_in_any_order(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        for (path, size) in [("b10.txt", 3), ("b2.txt", 5), ("A.txt", 1), ("z/in.txt", 9), ("large.bin", 70_000)] {
            assert_eq!(drive.put(path, noise(7, size)).await.status, 201);
        }
        drive.ok("POST", "/folders", &json!({"path": "Box"})).await;
        let tree = "/api/v1/datasets/ada/data/tree/main?sort=";
        for (sort, expected) in [
            ("name", ["Box", "z", "A.txt", "b2.txt", "b10.txt", "large.bin"]),
            ("-name", ["z", "Box", "large.bin", "b10.txt", "b2.txt", "A.txt"]),
            ("size", ["Box", "z", "A.txt", "b10.txt", "b2.txt", "large.bin"]),
            ("-size", ["Box", "z", "large.bin", "b2.txt", "b10.txt", "A.txt"]),
        ] {
            // Page by page, in both APIs.
            let mut listed = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = drive.get(&format!("/list?sort={sort}&limit=2&cursor={cursor}")).await.json();
                listed.extend(page["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap().to_owned()));
                match page["next_cursor"].as_str() {
                    Some(next) => next.clone_into(&mut cursor),
                    None => break,
                }
            }
            assert_eq!(listed, expected, "{sort}");
            let found = server.ok(&ada, "GET", &format!("{tree}{sort}"), Value::Null).await;
            let paths = found["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap());
            let paths: Vec<&str> = paths.filter(|path| *path != ".gitattributes").collect();
            assert_eq!(paths, expected, "{sort}");
        }
        // Changes within one second are sorted by name.
        for sort in ["modified", "-modified"] {
            let listed = drive.get(&format!("/list?sort={sort}")).await.json();
            let kinds: Vec<&str> =
                listed["items"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
            assert_eq!(kinds, ["folder", "folder", "file", "file", "file", "file"], "{sort}");
        }
        for wrong in ["sort=date", "sort=name&recursive=true", "sort=name&cursor=nonsense", "sort=name&path=A.txt"] {
            let reply = drive.get(&format!("/list?{wrong}")).await;
            assert!(matches!(reply.status, 404 | 422), "{wrong}: {} {}", reply.status, reply.text());
        }
    }
}

story! {
    async fn empty_folders_are_kept(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let made = drive.ok("POST", "/folders", &json!({"path": "new/inner"})).await;
        assert_eq!((&made["entry"]["type"], &made["entry"]["size"]), (&json!("folder"), &Value::Null));
        assert_eq!(drive.names("").await, ["new/"]);
        assert_eq!(drive.names("new/inner").await, Vec::<String>::new());
        assert_eq!(drive.send("POST", "/folders", &json!({"path": "new"})).await.status, 409);
        drive.put("new/inner/a.txt", "a").await;
        drive.put("box/b.txt", "b").await;
        drive.ok("POST", "/move", &json!({"from": "box/b.txt", "to": "b.txt"})).await;
        drive.ok("POST", "/delete", &json!({"paths": ["new/inner/a.txt"]})).await;
        assert_eq!(drive.names("").await, ["b.txt", "box/", "new/"]);
        assert_eq!(drive.names("box").await, Vec::<String>::new());
        assert_eq!(drive.names("new/inner").await, Vec::<String>::new());
        // A folder moves with its content, but not into itself.
        drive.put("box/deep/c.txt", "c").await;
        let moved = drive.ok("POST", "/move", &json!({"from": "box", "to": "case/box"})).await;
        assert_eq!(moved["entry"]["path"], "case/box");
        assert_eq!(drive.get("/content/case/box/deep/c.txt").await.text(), "c");
        assert_eq!(drive.names("").await, ["b.txt", "case/", "new/"]);
        drive.ok("POST", "/move", &json!({"from": "b.txt", "to": "B.txt"})).await;
        assert_eq!(drive.send("POST", "/move", &json!({"from": "B.txt", "to": "case/box"})).await.status, 409);
        drive.ok("POST", "/copy", &json!({"from": "case", "to": "copy"})).await;
        assert_eq!(drive.names("copy/box").await, ["deep/"]);
        let listed = drive.get("/list?path=copy&recursive=true").await.json();
        let paths: Vec<&str> =
            listed["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["copy/box", "copy/box/deep", "copy/box/deep/c.txt"]);
    }
}

story! {
    async fn deleted_files_can_be_restored(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        drive.put("a/one.txt", "one").await;
        drive.put("a/two.txt", "two").await;
        drive.put("b.txt", "b").await;
        // Deleting a folder deletes its content.
        drive.ok("POST", "/delete", &json!({"paths": ["a/one.txt", "a", "b.txt"], "message": "Tidy up"})).await;
        assert_eq!(drive.names("").await, Vec::<String>::new());
        let trash = drive.get("/trash").await.json();
        let items = trash["items"].as_array().unwrap().clone();
        let answer: Vec<_> = items.iter().map(|item| (&item["path"], &item["type"], &item["size"])).collect();
        assert_eq!(answer, [(&json!("b.txt"), &json!("file"), &json!(1)), (&json!("a"), &json!("folder"), &Value::Null)]);
        assert_eq!(items[0]["deleted_by"], "ada");
        let page = drive.get("/trash?limit=1").await.json();
        assert_eq!(page["items"][0]["path"], "b.txt");
        let cursor = page["next_cursor"].as_str().unwrap();
        assert_eq!(drive.get(&format!("/trash?limit=1&cursor={cursor}")).await.json()["items"][0]["path"], "a");
        assert_eq!(Reply::of(server.request("GET", DRIVE, Some(&ada.token))).await.json()["trash"], 0, "another drive");

        // Its name is taken by now, and the dataset has another one.
        drive.put("b.txt", "another").await;
        let rename = server.request("POST", "/api/v1/datasets/ada/data/move", Some(&ada.token));
        let rename = rename.header("content-type", "application/json").body(json!({"to": "ada/moved"}).to_string());
        assert_eq!(Reply::of(rename).await.status, 200);
        let drive = DriveClient::new(&server, &ada, "ada/moved");
        let ids: Vec<&Value> = items.iter().map(|item| &item["id"]).collect();
        let back = drive.ok("POST", "/trash/restore", &json!({"ids": ids})).await;
        let ways = json!([{"from": "b.txt", "to": "b (restored).txt"}, {"from": "a", "to": "a"}]);
        assert_eq!(back["restored"], ways);
        assert_eq!(drive.get("/content/b%20(restored).txt").await.text(), "b");
        assert_eq!(drive.get("/content/a/two.txt").await.text(), "two");
        assert_eq!(drive.get("/trash").await.json()["items"], json!([]));
        let again = drive.send("POST", "/trash/restore", &json!({"ids": ids})).await;
        assert_eq!(again.status, 404);

        // Into a folder; and permanently.
        drive.ok("POST", "/delete", &json!({"paths": ["a/one.txt"]})).await;
        drive.ok("POST", "/delete", &json!({"paths": ["a/two.txt"]})).await;
        drive.ok("POST", "/delete", &json!({"paths": ["b.txt"]})).await;
        let items = drive.get("/trash").await.json()["items"].as_array().unwrap().clone();
        let back = drive.ok("POST", "/trash/restore", &json!({"ids": [items[2]["id"]], "to": "there"})).await;
        assert_eq!(back["restored"], json!([{"from": "a/one.txt", "to": "there/one.txt"}]));
        let id = items[1]["id"].as_str().unwrap();
        assert_eq!(drive.request("DELETE", &format!("/trash/{id}")).send().await.unwrap().status(), 204);
        assert_eq!(drive.request("DELETE", &format!("/trash/{id}")).send().await.unwrap().status(), 404);
        assert_eq!(drive.request("DELETE", "/trash").send().await.unwrap().status(), 204);
        assert_eq!(drive.get("/trash").await.json()["items"], json!([]));
        let revision = items[1]["revision"].as_str().unwrap();
        let kept = drive.get(&format!("/content/a/two.txt?revision={revision}")).await;
        assert_eq!(kept.text(), "two", "history keeps what the trash forgets");
    }
}

story! {
    async fn two_concurrent_writers_lose_nothing(server: Server) {
        let ada = ada(&server).await;
        let server = Arc::new(server);
        let mut writers = Vec::new();
        for writer in 0..4 {
            let (server, ada) = (server.clone(), ada.clone());
            writers.push(tokio::spawn(async move {
                let drive = DriveClient::new(&server, &ada, "ada/data");
                for number in 0..6 {
                    let reply = drive.put(&format!("w{writer}/{number}.txt"), format!("{writer} {number}")).await;
                    assert_eq!(reply.status, 201, "{}", reply.text());
                }
                let from = format!("w{writer}/0.txt");
                drive.ok("POST", "/move", &json!({"from": from, "to": format!("moved/{writer}.txt")})).await;
                drive.ok("POST", "/delete", &json!({"paths": [format!("w{writer}/1.txt")]})).await;
            }));
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let drive = DriveClient::new(&server, &ada, "ada/data");
        assert_eq!(drive.names("moved").await, ["0.txt", "1.txt", "2.txt", "3.txt"]);
        for writer in 0..4 {
            assert_eq!(drive.names(&format!("w{writer}")).await, ["2.txt", "3.txt", "4.txt", "5.txt"]);
        }
        assert_eq!(drive.get("/trash").await.json()["items"].as_array().unwrap().len(), 4);
        let revisions = Reply::of(server.request("GET", "/api/v1/datasets/ada/data/revisions?limit=1000", Some(&ada.token)));
        assert_eq!(revisions.await.json()["items"].as_array().unwrap().len(), 4 * 8);
    }
}

story! {
    async fn readers_can_read_and_strangers_see_nothing(server: Server) {
        let (olga, rita, sam) = (server.person("olga").await, server.person("rita").await, server.person("sam").await);
        server.organisation("org", &[(&olga, Role::Owner), (&rita, Role::Reader)]).await;
        server.dataset("org/data", Visibility::Private).await;
        let owner = DriveClient::new(&server, &olga, "org/data");
        owner.put("a/b.txt", "b").await;
        let reader = DriveClient::new(&server, &rita, "org/data");
        assert_eq!(reader.get("/entry/a/b.txt").await.json()["right"], "view");
        assert_eq!(reader.get("/content/a/b.txt").await.text(), "b");
        let stranger = DriveClient::new(&server, &sam, "org/data");
        let anonymous = DriveClient { server: &server, token: None, url: format!("{DRIVE}/org/data") };
        let changes = [
            ("POST", "/folders", json!({"path": "x"})),
            ("POST", "/move", json!({"from": "a", "to": "x"})),
            ("POST", "/copy", json!({"from": "a", "to": "x"})),
            ("POST", "/delete", json!({"paths": ["a"]})),
            ("POST", "/trash/restore", json!({"ids": ["x"]})),
            ("DELETE", "/trash", Value::Null),
            ("POST", "/uploads", json!({"path": "x", "size": 5})),
            ("POST", "/versions/a/b.txt", json!({"revision": "HEAD"})),
            ("PUT", "/files/x", Value::Null),
        ];
        for (method, rest, body) in changes {
            for (hands, status) in [(&reader, 403), (&stranger, 404), (&anonymous, 401)] {
                let reply = hands.send(method, rest, &body).await;
                assert_eq!(reply.status, status, "{method} {rest}: {}", reply.text());
            }
        }
        let mine = DriveClient::new(&server, &sam, "sam/own");
        server.dataset("sam/own", Visibility::Private).await;
        let stolen = json!({"from": "a/b.txt", "to": "b.txt", "dataset": "org/data"});
        assert_eq!(mine.send("POST", "/copy", &stolen).await.status, 404);
        for rest in [
            "/list", "/entry/a/b.txt", "/content/a/b.txt", "/download/a/b.txt", "/rows/a/b.txt", "/versions/a/b.txt",
            "/search?q=b", "/trash", "/usage",
        ] {
            assert_eq!(stranger.get(rest).await.status, 404, "{rest}");
            assert_eq!(anonymous.get(rest).await.status, 401, "{rest}");
        }
        let asked = json!({"paths": ["a"]});
        assert_eq!(stranger.send("POST", "/downloads", &asked).await.status, 404);
        assert_eq!(owner.names("").await, ["a/"]);
    }
}

story! {
    async fn copies_between_datasets_move_no_bytes(server: Server) {
        let ada = ada(&server).await;
        server.dataset("ada/other", Visibility::Private).await;
        let (from, to) = (DriveClient::new(&server, &ada, "ada/data"), DriveClient::new(&server, &ada, "ada/other"));
        let large = noise(3, 300_000);
        from.put("set/large.bin", large.clone()).await;
        from.put("set/small.txt", "small").await;
        let copied = json!({"from": "set", "to": "copy/set", "dataset": "ada/data"});
        assert_eq!(to.ok("POST", "/copy", &copied).await["entry"]["path"], "copy/set");
        assert_eq!(to.get("/content/copy/set/large.bin").await.body, large);
        assert_eq!(to.get("/content/copy/set/small.txt").await.text(), "small");
        let usage = to.get("/usage").await.json();
        let git = usage["bytes"].as_u64().unwrap() - large.len() as u64;
        assert!((1..10_000).contains(&git) && usage["files"] == 2, "{usage}");
    }
}

story! {
    async fn files_are_found_by_name(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        for path in ["R%C3%A9sum%C3%A9.txt", "deep/er/resume%20old.txt", "deep/other.txt", "summer/x.csv"] {
            drive.put(path, path.to_owned()).await;
        }
        let found = |reply: Reply| -> Vec<String> {
            let items = reply.json()["items"].as_array().unwrap().clone();
            items.iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(found(drive.get("/search?q=RESUME").await), ["Résumé.txt", "deep/er/resume old.txt"]);
        assert_eq!(found(drive.get("/search?q=old%20res").await), ["deep/er/resume old.txt"]);
        assert_eq!(found(drive.get("/search?q=summer").await), ["summer"]);
        assert_eq!(found(drive.get("/search?q=txt&path=deep").await), ["deep/other.txt", "deep/er/resume old.txt"]);
        assert_eq!(found(drive.get("/search?q=txt&limit=1").await), ["Résumé.txt"]);
        assert_eq!(found(drive.get("/search?q=%20").await), Vec::<String>::new());
        assert_eq!(drive.get("/search?q=x&path=nothing").await.status, 404);
    }
}

story! {
    async fn rows_are_read_in_pages(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let mut table = String::from("id,name,share\n");
        for row in 0..120_000 {
            table.push_str(&format!("{row},\"name, {row}\",{}.5\n", row % 100));
        }
        drive.put("table.csv", table.clone()).await;
        let page = drive.get("/rows/table.csv?limit=2").await.json();
        assert_eq!(page, json!({
            "commit": page["commit"],
            "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"},
                       {"name": "share", "type": "number"}],
            "rows": [[0, "name, 0", 0.5], [1, "name, 1", 1.5]],
            "offset": 0,
            "more": true,
            "total": null,
        }));
        for offset in [100_000, 50_000, 119_998, 99_999] {
            let page = drive.get(&format!("/rows/table.csv?offset={offset}&limit=2")).await.json();
            assert_eq!(page["rows"][0], json!([offset, format!("name, {offset}"), f64::from(offset % 100) + 0.5]));
            assert_eq!((page["rows"].as_array().unwrap().len(), &page["more"]), (2, &json!(offset < 119_998)));
        }
        let end = drive.get("/rows/table.csv?offset=120000").await.json();
        assert_eq!((&end["rows"], &end["more"]), (&json!([]), &json!(false)));
        // Kept by Git LFS, it is the same table.
        drive.put("objects/.placeholder", "x").await;
        let mut zeroes = table.into_bytes();
        zeroes.extend_from_slice(b"120000,\"\xff\",1\n");
        drive.put("objects/table.csv", zeroes).await;
        assert!(drive.get("/entry/objects/table.csv").await.json()["oid"].is_string());
        let page = drive.get("/rows/objects/table.csv?offset=110000&limit=1").await.json();
        assert_eq!(page["rows"], json!([[110_000, "name, 110000", 0.5]]));

        drive.put("lines.jsonl", "{\"a\": 1, \"b\": [1]}\n{\"b\": null, \"a\": 2}").await;
        let page = drive.get("/rows/lines.jsonl").await.json();
        assert_eq!((&page["rows"], &page["more"]), (&json!([[1, [1]], [2, null]]), &json!(false)));
        drive.put("empty.csv", "").await;
        assert_eq!(drive.get("/rows/empty.csv").await.json()["rows"], json!([]));
        drive.put("bad.jsonl", "[1]\n").await;
        assert_eq!(drive.get("/rows/bad.jsonl").await.status, 422);
        drive.put("data.parquet", "PAR1").await;
        assert_eq!(drive.get("/rows/data.parquet").await.status, 422);
        for name in ["notes.txt", "noextension"] {
            drive.put(name, "PAR1").await;
            assert_eq!(drive.get(&format!("/rows/{name}")).await.status, 415, "{name}");
        }
        assert_eq!(drive.get("/rows/nothing.csv").await.status, 404);
    }
}

/// Reads a ZIP archive with another program.
fn unzip(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.zip");
    std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    let script = "import sys, zipfile, json\n\
                  z = zipfile.ZipFile(sys.argv[1])\n\
                  assert z.testzip() is None\n\
                  print(json.dumps([[i.filename, z.read(i).hex()] for i in z.infolist()]))\n";
    let output = std::process::Command::new("python3").args(["-c", script]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed: Vec<(String, String)> = serde_json::from_slice(&output.stdout).unwrap();
    listed.into_iter().map(|(name, bytes)| (name, hex(&bytes))).collect()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
