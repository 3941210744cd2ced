//! Discussions and proposals: what users do with them, and what others must not.

use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Reply, Server, Tree, noise, story};
use serde_json::{Value, json};

/// A client of the API of one dataset.
#[derive(Clone, Copy)]
struct Client<'a> {
    server: &'a Server,
    token: Option<&'a str>,
    path: &'a str,
}

impl Client<'_> {
    async fn ask(&self, method: &str, tail: &str, body: &Value) -> Reply {
        let request = self.server.request(method, &format!("/api/v1/datasets/{}{tail}", self.path), self.token);
        Reply::of(match body {
            Value::Null => request,
            body => request.header("content-type", "application/json").body(body.to_string()),
        })
        .await
    }

    /// The answer to what must succeed.
    async fn ok(&self, method: &str, tail: &str, body: Value) -> Value {
        let reply = self.ask(method, tail, &body).await;
        assert!(reply.status < 300, "{method} {tail}: {} {}", reply.status, reply.text());
        if reply.status == 204 { Value::Null } else { reply.json() }
    }

    /// The status and the sentence of what must fail.
    async fn fails(&self, method: &str, tail: &str, body: Value) -> (u16, String) {
        let reply = self.ask(method, tail, &body).await;
        assert!(reply.status >= 400, "{method} {tail} should have failed: {}", reply.text());
        (reply.status, reply.json()["detail"].as_str().unwrap().to_owned())
    }

    async fn get(&self, tail: &str) -> Value {
        self.ok("GET", tail, Value::Null).await
    }

    /// Commits files to a branch: text, or `None` to delete.
    async fn commit(&self, branch: &str, files: &[(&str, Option<&str>)]) -> String {
        let operation = |(path, text): &(&str, Option<&str>)| match text {
            Some(text) => json!({"operation": "put", "path": path, "content": text}),
            None => json!({"operation": "delete", "path": path}),
        };
        let operations: Vec<Value> = files.iter().map(operation).collect();
        let body = json!({"branch": branch, "message": format!("Change {branch}"), "operations": operations});
        self.ok("POST", "/commits", body).await["revision"].as_str().unwrap().to_owned()
    }

    fn tree(&self) -> Tree {
        let person = Person { name: "x".to_owned(), token: self.token.unwrap().to_owned() };
        self.server.clone(&person, self.path, "clone")
    }

    async fn branch(&self, name: &str) {
        self.ok("POST", "/branches", json!({"name": name})).await;
    }

    async fn propose(&self, source: &str) -> i64 {
        let made = self.ok("POST", "/discussions", json!({"title": format!("Merge {source}"), "source": source})).await;
        made["number"].as_i64().unwrap()
    }

    async fn head(&self, branch: &str) -> String {
        self.get(&format!("/branches/{branch}")).await["revision"].as_str().unwrap().to_owned()
    }

    async fn types(&self, number: i64) -> Vec<String> {
        let events = self.get(&format!("/discussions/{number}/events")).await;
        events["items"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

fn client<'a>(server: &'a Server, person: &'a Person, path: &'a str) -> Client<'a> {
    Client { server, token: Some(&person.token), path }
}

/// Closes an account and removes it.
async fn close(server: &Server, name: &str) {
    let user = server.app.db.read().await.unwrap().user(&name.parse().unwrap()).await.unwrap().unwrap().id;
    let mut tx = server.app.db.write().await.unwrap();
    let now = server.app.clock.now();
    tx.set_closed(user, Some((now, now))).await.unwrap();
    tx.commit().await.unwrap();
    server.app.departures.remove(user).await.unwrap();
}

const CSV: &str = "bird,count\nowl,1\ntit,2\njay,3\nhen,4\n";

story! {
    async fn a_branch_is_proposed_reviewed_and_merged(server: Server) {
        let (ada, bob, eve) = (server.person("ada").await, server.person("bob").await, server.person("eve").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&bob, Role::Writer), (&eve, Role::Reader)]).await;
        server.dataset("lab/birds", Visibility::Private).await;
        let [ada, bob, eve] = [&ada, &bob, &eve].map(|person| client(&server, person, "lab/birds"));
        ada.commit("main", &[("birds.csv", Some(CSV)), ("notes.md", Some("one\n"))]).await;
        bob.branch("fix").await;
        assert_eq!(eve.get("/merge?from=fix").await["status"], "up_to_date");
        let head = bob.commit("fix", &[("birds.csv", Some(&CSV.replace("hen,4", "hen,5")))]).await;
        assert_eq!(eve.get("/merge?from=fix&into=main").await["status"], "fast_forward");
        let base = ada.commit("main", &[("birds.csv", Some(&CSV.replace("owl,1", "owl,7")))]).await;

        let text = "Hens were *miscounted*. <script>alert(1)</script>";
        let made = bob.ok("POST", "/discussions", json!({"title": " Count hens ", "body": text, "source": "fix"})).await;
        assert_eq!((&made["number"], &made["title"], &made["author"]), (&json!(1), &json!("Count hens"), &json!("bob")));
        let compare = &made["proposal"]["compare"];
        assert_eq!(compare["to"], head.as_str());
        let changes = eve.get(compare["url"].as_str().unwrap().strip_prefix("/api/v1/datasets/lab/birds").unwrap()).await;
        assert_eq!(changes["items"][0]["path"], "birds.csv", "what the branch changed, and nothing of main");
        let second = bob.fails("POST", "/discussions", json!({"title": "Again", "source": "fix"})).await;
        assert_eq!(second.0, 409, "{}", second.1);

        let checks = eve.get("/discussions/1/checks").await;
        assert_eq!((&checks["passed"], &checks["merge"]["status"], &checks["files"]), (&json!(true), &json!("clean"), &json!(1)));
        // A reader discusses, and does not merge.
        let comment = eve.ok("POST", "/discussions/1/comments", json!({"body": "Are you sure?"})).await;
        assert_eq!((&comment["type"], &comment["author"]), (&json!("comment"), &json!("eve")));
        for (method, tail, body) in [
            ("POST", "/discussions/1/merge", json!({})),
            ("PATCH", "/discussions/1", json!({"state": "closed"})),
            ("PATCH", "/discussions/1", json!({"title": "Mine"})),
            ("POST", "/discussions", json!({"title": "Mine", "source": "fix"})),
        ] {
            assert_eq!(eve.fails(method, tail, body).await.0, 403, "{method} {tail}");
        }
        // What was reviewed is merged, and nothing else.
        let stale = ada.fails("POST", "/discussions/1/merge", json!({"head": base})).await;
        assert_eq!(stale.0, 412, "{}", stale.1);
        let merged = ada.ok("POST", "/discussions/1/merge", json!({"head": head, "comment": "Thank you"})).await;
        assert_eq!(merged["state"], "merged");
        let revision = ada.get("/revisions/main").await;
        assert_eq!(merged["proposal"]["merged_revision"], revision["revision"]);
        assert_eq!(revision["parents"], json!([base, head]));
        assert_eq!(revision["description"], "Merge proposal 1: Count hens");
        let tree = ada.tree();
        let both = CSV.replace("hen,4", "hen,5").replace("owl,1", "owl,7");
        assert_eq!(String::from_utf8(tree.read("birds.csv")).unwrap(), both);
        assert_eq!(bob.types(1).await, ["comment", "comment", "comment", "merge"]);
        let events = bob.get("/discussions/1/events?limit=1").await;
        assert_eq!(events["items"][0]["body"], text, "text is data, and is returned as it was written");
        let next = events["next_cursor"].as_str().unwrap();
        assert_eq!(bob.get(&format!("/discussions/1/events?cursor={next}")).await["items"].as_array().unwrap().len(), 3);
        // A merged proposal stays comparable, also when its branch is gone, and cannot be opened again.
        bob.ok("DELETE", "/branches/fix", Value::Null).await;
        let shown = eve.get("/discussions/1").await;
        assert_eq!(shown["proposal"]["compare"]["to"], head.as_str());
        assert_eq!(eve.get(&format!("/diff?from={}&to={head}", shown["proposal"]["compare"]["from"].as_str().unwrap())).await["files"], 1);
        assert_eq!(eve.get("/revisions/refs%2Fpr%2F1").await["revision"], head.as_str());
        for body in [json!({"state": "open"}), json!({"state": "closed"})] {
            assert_eq!(ada.fails("PATCH", "/discussions/1", body).await.0, 409);
        }
        assert_eq!(ada.fails("POST", "/discussions/1/merge", json!({})).await.0, 409);
        assert_eq!(ada.fails("GET", "/discussions/1/checks", Value::Null).await.0, 409);
    }
}

story! {
    async fn conflicts_name_their_files_and_nothing_is_merged(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/birds", Visibility::Private).await;
        let ada = client(&server, &ada, "ada/birds");
        ada.commit("main", &[("a.txt", Some("1\n")), ("b.txt", Some("1\n")), ("c.txt", Some("1\n"))]).await;
        ada.branch("work").await;
        ada.commit("main", &[("a.txt", Some("2\n")), ("b.txt", None), ("new", Some("a file\n"))]).await;
        ada.commit("work", &[("a.txt", Some("3\n")), ("b.txt", Some("3\n")), ("new/x", Some("in a folder\n"))]).await;
        let number = ada.propose("work").await;
        let found = ada.get("/merge?from=work").await;
        assert_eq!((&found["status"], &found["conflict_count"]), (&json!("conflicts"), &json!(3)));
        assert_eq!(found["conflicts"], json!([
            {"path": "a.txt", "conflict": "both_changed"},
            {"path": "b.txt", "conflict": "deleted_in_target"},
            {"path": "new", "conflict": "file_and_folder"},
        ]));
        let before = ada.head("main").await;
        let (status, why) = ada.fails("POST", &format!("/discussions/{number}/merge"), json!({})).await;
        assert_eq!(status, 409);
        assert!(why.contains("a.txt") && why.contains("merge `main` into `work`"), "{why}");
        assert_eq!(ada.get(&format!("/discussions/{number}/checks")).await["passed"], false);
        assert_eq!((ada.head("main").await, ada.get(&format!("/discussions/{number}")).await["state"].clone()), (before, json!("open")));
        // As the message says: the source branch is brought up to date by git.
        let tree = ada.tree();
        tree.git(&["checkout", "-q", "work"]);
        tree.git(&["merge", "-q", "-s", "ours", "-m", "Ours", "origin/main"]);
        tree.git(&["push", "-q", "origin", "work"]);
        assert_eq!(ada.get("/merge?from=work").await["status"], "fast_forward");
        assert_eq!(ada.ok("POST", &format!("/discussions/{number}/merge"), json!({})).await["state"], "merged");
        assert_eq!(ada.head("main").await, ada.head("work").await);

        // Histories that have nothing in common.
        tree.git(&["checkout", "-q", "--orphan", "other"]);
        tree.git(&["commit", "-q", "-m", "Other"]);
        tree.git(&["push", "-q", "origin", "other"]);
        let found = ada.get("/merge?from=other").await;
        assert_eq!((&found["status"], &found["base"]), (&json!("unrelated"), &Value::Null));
        let number = ada.propose("other").await;
        assert_eq!(ada.fails("POST", &format!("/discussions/{number}/merge"), json!({})).await.0, 409);
        assert_eq!(ada.fails("GET", "/merge?from=nothing", Value::Null).await.0, 422);
        assert_eq!(ada.fails("POST", "/discussions", json!({"title": "x", "source": "main"})).await.0, 422);
        assert_eq!(ada.fails("POST", "/discussions", json!({"title": "x", "source": "nothing"})).await.0, 404);
        assert_eq!(ada.fails("POST", "/discussions", json!({"title": "x", "target": "main"})).await.0, 422);
    }
}

story! {
    async fn packages_are_merged_by_resource_and_must_be_valid(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/birds", Visibility::Private).await;
        let contents: Vec<Vec<u8>> = (1..4).map(|seed| noise(seed, 500)).collect();
        for bytes in &contents {
            server.upload(&ada.token, "ada/birds", bytes).await;
        }
        let resource = |name: &str, seed: usize| {
            let hash = format!("sha256:{}", lfs::Oid::of(&contents[seed]));
            json!({"name": name, "path": format!("{name}.bin"), "bytes": 500, "hash": hash})
        };
        let ada = client(&server, &ada, "ada/birds");
        let write = async |branch: &str, package: Value| {
            let put = json!({"operation": "put", "path": "datapackage.json", "content": format!("{package}\n")});
            ada.ok("POST", "/commits", json!({"branch": branch, "message": "Package", "operations": [put]})).await;
        };
        write("main", json!({"name": "birds", "title": "Birds", "resources": [resource("one", 0)]})).await;
        ada.branch("work").await;
        write("main", json!({"name": "birds", "title": "All birds", "resources": [resource("one", 0), resource("two", 1)]})).await;
        write("work", json!({"name": "birds", "title": "Birds", "version": "2", "resources": [resource("one", 0), resource("three", 2)]})).await;
        let number = ada.propose("work").await;
        let checks = ada.get(&format!("/discussions/{number}/checks")).await;
        assert_eq!((&checks["passed"], &checks["package"]), (&json!(true), &json!({"changed": true})), "{checks}");
        ada.ok("POST", &format!("/discussions/{number}/merge"), json!({})).await;
        let package = ada.get("").await["package"].clone();
        assert_eq!((&package["title"], &package["version"]), (&json!("All birds"), &json!("2")));
        let names: Vec<&Value> = package["resources"].as_array().unwrap().iter().map(|each| &each["name"]).collect();
        assert_eq!(names, ["one", "two", "three"]);
        let tree = ada.tree();
        for (name, bytes) in ["one", "two", "three"].iter().zip(&contents) {
            assert_eq!(&tree.read(&format!("{name}.bin")), bytes, "files in Git LFS come along");
        }
        assert_eq!(tree.git(&["status", "--porcelain"]), "");
        assert_eq!(tree.git(&["lfs", "ls-files", "--name-only"]).lines().count(), 3);

        // Both change the same property, and a package that is not valid.
        ada.branch("title").await;
        write("main", json!({"name": "birds", "title": "A"})).await;
        write("title", json!({"name": "birds", "title": "B"})).await;
        let found = ada.get("/merge?from=title").await;
        assert_eq!(found["conflicts"][0]["properties"], json!(["/title"]), "{found}");
        tree.git(&["pull", "-q"]);
        tree.git(&["checkout", "-q", "-b", "broken"]);
        tree.write("datapackage.json", b"{\"resources\": 5}\n");
        tree.commit("Broken");
        tree.git(&["push", "-q", "origin", "broken"]);
        let number = ada.propose("broken").await;
        let checks = ada.get(&format!("/discussions/{number}/checks")).await;
        assert_eq!((&checks["passed"], &checks["merge"]["status"]), (&json!(false), &json!("fast_forward")));
        assert!(checks["package"]["problem"].as_str().unwrap().contains("resources"), "{checks}");
        assert_eq!(ada.fails("POST", &format!("/discussions/{number}/merge"), json!({})).await.0, 422);
    }
}

story! {
    async fn proposals_follow_their_branches(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&bob, Role::Writer)]).await;
        server.dataset("lab/birds", Visibility::Private).await;
        let [ada, bob] = [&ada, &bob].map(|person| client(&server, person, "lab/birds"));
        ada.commit("main", &[("a", Some("1\n"))]).await;
        for name in ["one", "two", "three"] {
            bob.branch(name).await;
            bob.commit(name, &[(name, Some("1\n"))]).await;
            bob.propose(name).await;
        }
        // Renamed.
        bob.ok("PATCH", "/branches/one", json!({"name": "uno"})).await;
        let shown = bob.get("/discussions/1").await;
        assert_eq!((&shown["proposal"]["source"], &shown["state"]), (&json!("uno"), &json!("open")));
        ada.ok("PATCH", "/branches/main", json!({"name": "trunk"})).await;
        assert_eq!(bob.get("/discussions/2").await["proposal"]["target"], "trunk");
        assert_eq!(bob.types(1).await, ["branch", "branch"]);
        assert_eq!(bob.ok("POST", "/discussions/1/merge", json!({})).await["state"], "merged");
        // Deleted, by the API and by a push.
        let head = bob.head("two").await;
        bob.ok("DELETE", "/branches/two", Value::Null).await;
        let tree = bob.tree();
        tree.git(&["push", "-q", "origin", ":three"]);
        for number in [2, 3] {
            assert_eq!(bob.get(&format!("/discussions/{number}")).await["state"], "closed", "{number}");
            assert_eq!(bob.types(number).await, ["branch", "branch", "state"]);
        }
        assert_eq!(bob.get("/discussions/2").await["proposal"]["compare"]["to"], head.as_str(), "until it is collected");
        let (status, why) = bob.fails("PATCH", "/discussions/2", json!({"state": "open"})).await;
        assert_eq!(status, 409, "{why}");
        bob.ok("POST", "/branches", json!({"name": "two", "revision": head})).await;
        assert_eq!(bob.ok("PATCH", "/discussions/2", json!({"state": "open"})).await["proposal"]["compare"]["to"], head.as_str());
        // Merged by a push: merging the proposal records that.
        tree.git(&["fetch", "-q"]);
        tree.git(&["merge", "-q", "-m", "By hand", "origin/two"]);
        tree.git(&["push", "-q", "origin", "HEAD:trunk"]);
        let trunk = bob.head("trunk").await;
        let merged = bob.ok("POST", "/discussions/2/merge", json!({})).await;
        assert_eq!((&merged["state"], &merged["proposal"]["merged_revision"]), (&json!("merged"), &json!(trunk)));
        assert_eq!(bob.head("trunk").await, trunk, "nothing was added");
        // Nothing to merge.
        bob.branch("empty").await;
        let number = bob.propose("empty").await;
        let (status, why) = bob.fails("POST", &format!("/discussions/{number}/merge"), json!({})).await;
        assert_eq!((status, why.contains("nothing to merge")), (409, true), "{why}");
        // The dataset is renamed, and an author's account is deleted.
        ada.ok("POST", "/move", json!({"to": "lab/finches"})).await;
        let moved = Client { path: "lab/finches", ..bob };
        assert_eq!(moved.get("/discussions?state=merged").await["items"].as_array().unwrap().len(), 2);
        close(&server, "bob").await;
        let moved = Client { token: ada.token, ..moved };
        assert_eq!(moved.get("/discussions/1").await["author"], Value::Null);
        assert_eq!(moved.get("/discussions/1/events").await["items"][0]["author"], Value::Null);
    }
}

story! {
    async fn strangers_cannot_abuse_discussions(server: Server) {
        let (ada, bob, mallory) = (server.person("ada").await, server.person("bob").await, server.person("mallory").await);
        for (path, visibility) in [("ada/open", Visibility::Public), ("ada/secret", Visibility::Private), ("ada/other", Visibility::Public)] {
            server.dataset(path, visibility).await;
        }
        let [owner, secret, other] = ["ada/open", "ada/secret", "ada/other"].map(|path| client(&server, &ada, path));
        let [stranger, beyond] = ["ada/open", "ada/secret"].map(|path| client(&server, &mallory, path));
        let friend = client(&server, &bob, "ada/open");
        owner.commit("main", &[("a", Some("1\n"))]).await;
        let number = owner.ok("POST", "/discussions", json!({"title": "Hello", "body": "First"})).await["number"].as_i64().unwrap();
        secret.ok("POST", "/discussions", json!({"title": "Secret", "body": "Secret"})).await;
        let others = other.ok("POST", "/discussions", json!({"title": "Other", "body": "Other"})).await;
        assert_eq!((number, &others["number"]), (1, &json!(1)));
        let first = |client: Value| client["items"][0]["id"].as_str().unwrap().to_owned();
        let own = first(owner.get("/discussions/1/events").await);
        let foreign = first(secret.get("/discussions/1/events").await);

        // Private: as if it did not exist.
        for (method, tail) in [("GET", "/discussions"), ("GET", "/discussions/1"), ("GET", "/discussions/1/events"), ("GET", "/merge?from=main"), ("GET", "/discussions/1/checks")] {
            let there = beyond.fails(method, tail, Value::Null).await;
            let nowhere = Client { path: "ada/nothing", ..client(&server, &mallory, "") };
            let missing = nowhere.fails(method, tail, Value::Null).await;
            assert_eq!((there.0, there.1.replace("secret", "nothing")), missing);
        }
        assert_eq!(beyond.fails("POST", "/discussions/1/comments", json!({"body": "x"})).await.0, 404);
        // Comments of another dataset, by their ids, and of other people.
        for id in [foreign.as_str(), "missing", "00000000-0000-7000-8000-000000000000"] {
            assert_eq!(stranger.fails("PATCH", &format!("/discussions/1/comments/{id}"), json!({"body": "x"})).await.0, 404);
            assert_eq!(owner.fails("DELETE", &format!("/discussions/1/comments/{id}"), Value::Null).await.0, 404);
        }
        assert_eq!(stranger.fails("PATCH", &format!("/discussions/1/comments/{own}"), json!({"body": "x"})).await.0, 403);
        assert_eq!(stranger.fails("DELETE", &format!("/discussions/1/comments/{own}"), Value::Null).await.0, 403);
        assert_eq!(stranger.fails("PATCH", "/discussions/1", json!({"state": "closed"})).await.0, 403);
        assert_eq!(secret.get("/discussions/1/events").await["items"][0]["body"], "Secret");
        // Without an account, with a token that only reads, and as an application.
        let anonymous = Client { token: None, ..client(&server, &ada, "ada/open") };
        assert_eq!(anonymous.get("/discussions/1").await["title"], "Hello");
        assert_eq!(anonymous.fails("POST", "/discussions/1/comments", json!({"body": "x"})).await.0, 401);
        let reading = server.token("mallory", &["read"]).await;
        for token in [reading.as_str(), &server.token("mallory", &["write:mallory/own"]).await] {
            let limited = Client { token: Some(token), ..client(&server, &ada, "ada/open") };
            assert!([403, 404].contains(&limited.fails("POST", "/discussions", json!({"title": "x"})).await.0));
        }
        // Writing it is fine, and so is changing and withdrawing what one wrote.
        let comment = friend.ok("POST", "/discussions/1/comments", json!({"body": "Hi"})).await;
        let id = comment["id"].as_str().unwrap();
        let edited = friend.ok("PATCH", &format!("/discussions/1/comments/{id}"), json!({"body": "Hello"})).await;
        assert!(edited["edited"].is_string() && edited["body"] == "Hello", "{edited}");
        assert_eq!(owner.fails("PATCH", &format!("/discussions/1/comments/{id}"), json!({"body": "x"})).await.0, 403, "not even owners");
        let hidden = owner.ok("DELETE", &format!("/discussions/1/comments/{id}"), Value::Null).await;
        assert_eq!((&hidden["hidden"], hidden.get("body")), (&json!(true), None));
        assert_eq!(friend.fails("PATCH", &format!("/discussions/1/comments/{id}"), json!({"body": "x"})).await.0, 409);
        assert!(!anonymous.ask("GET", "/discussions/1/events", &Value::Null).await.text().contains("Hello\""), "its text is gone");
        let audit = server.call(Some(&server.administrator("root").await.token), "GET", "/api/v1/admin/audit?action=comment.hide", Value::Null).await;
        assert!(audit.text().contains("ada/open"), "{}", audit.text());
        // Closed by its owner, it stays closed.
        let theirs = friend.ok("POST", "/discussions", json!({"title": "Mine"})).await["number"].clone();
        friend.ok("PATCH", &format!("/discussions/{theirs}"), json!({"state": "closed"})).await;
        friend.ok("PATCH", &format!("/discussions/{theirs}"), json!({"state": "open", "title": "Still mine"})).await;
        owner.ok("PATCH", &format!("/discussions/{theirs}"), json!({"state": "closed", "comment": "Off topic"})).await;
        assert_eq!(friend.fails("PATCH", &format!("/discussions/{theirs}"), json!({"state": "open"})).await.0, 403);
        // Huge and malformed texts.
        for (body, status) in [
            (json!({"body": "x".repeat((64 << 10) + 1)}), 413),
            (json!({"body": "a\0b"}), 422),
            (json!({"body": "  "}), 422),
            (json!({"text": "x"}), 422),
        ] {
            assert_eq!(friend.fails("POST", "/discussions/1/comments", body).await.0, status);
        }
        friend.ok("POST", "/discussions/1/comments", json!({"body": "x".repeat(64 << 10)})).await;
        for title in ["", " ", "a\nb", "a\u{202e}b", &"x".repeat(201)] {
            assert_eq!(friend.fails("POST", "/discussions", json!({"title": title})).await.0, 422, "{title:?}");
        }
        for number in ["0", "-1", "x", "99999999999999999999"] {
            assert_eq!(anonymous.fails("GET", &format!("/discussions/{number}"), Value::Null).await.0, 404, "{number}");
        }
        // A flood ends soon.
        let mut opened = 0;
        let refusal = loop {
            let reply = stranger.ask("POST", "/discussions", &json!({"title": format!("Buy {opened}")})).await;
            if reply.status != 201 {
                break reply;
            }
            opened += 1;
        };
        assert_eq!((opened, refusal.status), (20, 429), "{}", refusal.text());
        assert_eq!(owner.get("/discussions?author=mallory&limit=1000").await["items"].as_array().unwrap().len(), 20);
        let list = owner.get("/discussions?q=buy%201&limit=5").await;
        assert_eq!(list["items"].as_array().unwrap().len(), 5);
        let next = list["next_cursor"].as_str().unwrap();
        let rest = owner.get(&format!("/discussions?q=buy%201&limit=100&cursor={next}")).await;
        assert_eq!(rest["items"].as_array().unwrap().len(), 6, "Buy 1, and 10 to 19");
        assert_eq!(owner.get("/discussions?kind=proposal").await["items"], json!([]));
    }
}

story! {
    async fn merges_and_pushes_at_the_same_time_are_one_after_the_other(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&bob, Role::Writer)]).await;
        server.dataset("lab/birds", Visibility::Private).await;
        let ada = client(&server, &ada, "lab/birds");
        ada.commit("main", &[("a", Some("1\n"))]).await;
        for name in ["one", "two", "three", "four"] {
            ada.branch(name).await;
            ada.commit(name, &[(name, Some("1\n"))]).await;
            ada.propose(name).await;
        }
        // The same proposal twice: one wins.
        let nothing = json!({});
        let twice = [0, 1].map(|_| ada.ask("POST", "/discussions/1/merge", &nothing));
        let mut statuses: Vec<u16> = futures::future::join_all(twice).await.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        assert_eq!(ada.types(1).await, ["merge"]);
        // Several proposals and commits to both branches.
        let (two, three, four, (), ()) = futures::join!(
            ada.ask("POST", "/discussions/2/merge", &nothing),
            ada.ask("POST", "/discussions/3/merge", &nothing),
            ada.ask("POST", "/discussions/4/merge", &nothing),
            async {
                ada.commit("main", &[("main", Some("1\n"))]).await;
            },
            async {
                ada.commit("four", &[("late", Some("1\n"))]).await;
            },
        );
        for reply in [two, three, four] {
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        let tree = ada.tree();
        for name in ["a", "one", "two", "three", "four", "main"] {
            assert_eq!(tree.read(name), b"1\n", "{name}");
        }
        // Whether the late commit made it or not, the proposal says which revision was merged.
        let shown = ada.get("/discussions/4").await;
        let merged = shown["proposal"]["compare"]["to"].as_str().unwrap();
        tree.git(&["merge-base", "--is-ancestor", merged, "HEAD"]);
        let files = tree.git(&["ls-tree", "-r", "--name-only", "HEAD"]);
        assert_eq!(files.contains("late"), tree.git(&["ls-tree", "-r", "--name-only", merged]).contains("late"));
        // A file that another user has locked.
        ada.branch("five").await;
        ada.commit("five", &[("locked", Some("1\n"))]).await;
        let number = ada.propose("five").await;
        let lock = server.lfs(Some(&bob.token), "lab/birds", "locks", &json!({"path": "locked"})).await;
        assert_eq!(lock.status, 201, "{}", lock.text());
        let checks = ada.get(&format!("/discussions/{number}/checks")).await;
        assert_eq!((&checks["passed"], &checks["locked"]), (&json!(false), &json!([{"path": "locked", "owner": "bob"}])));
        let (status, why) = ada.fails("POST", &format!("/discussions/{number}/merge"), json!({})).await;
        assert_eq!((status, why.contains("locked by bob")), (409, true), "{why}");
    }
}

story! {
    async fn users_learn_what_happens_and_only_what_they_may_read(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        let [ada, bob, eve, sam] = ["ada", "bob", "eve", "sam"];
        let (ada, bob) = (server.person(ada).await, server.person(bob).await);
        let (eve, sam) = (server.person(eve).await, server.person(sam).await);
        server.organisation("lab", &[(&ada, Role::Owner), (&bob, Role::Writer), (&eve, Role::Reader)]).await;
        server.dataset("lab/birds", Visibility::Private).await;
        let [owner, writer, reader, stranger] = [&ada, &bob, &eve, &sam].map(|person| client(&server, person, "lab/birds"));
        let news = async |client: &Client<'_>, query: &str| {
            server.app.worker.run_due().await.unwrap();
            let url = format!("/api/v1/user/notifications{query}");
            let reply = server.call(client.token, "GET", &url, Value::Null).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let items = reply.json()["items"].as_array().unwrap().clone();
            items.iter().map(|item| format!("{} {} {}", item["reason"].as_str().unwrap(), item["event"].as_str().unwrap(), item["number"])).collect::<Vec<_>>()
        };
        reader.ok("PUT", "/follow", Value::Null).await;
        assert_eq!(reader.get("/follow").await["following"], true);
        assert_eq!(stranger.fails("PUT", "/follow", Value::Null).await.0, 404);
        let body = "Ask @sam and @eve.\nhttp://evil.example";
        writer.ok("POST", "/discussions", json!({"title": "Owls", "body": body})).await;
        assert_eq!(news(&owner, "").await, ["owner comment 1"]);
        assert_eq!(news(&reader, "").await, ["mention comment 1"], "the strongest of two reasons");
        assert_eq!(news(&stranger, "").await, [""; 0], "mentioned, but not a reader");
        assert_eq!(news(&writer, "").await, [""; 0], "not of what one does oneself");
        let email = server.email_to("eve@example.org", 1).await;
        assert_eq!(email.subject, "[lab/birds] Owls (1)");
        assert!(email.text.contains("> http://evil.example") && email.text.contains("/d/lab/birds/discussions/1"), "{}", email.text);
        // Participants; and settings.
        let settings = json!({"settings": [{"reason": "mention", "list": true, "email": false}, {"reason": "following", "list": false, "email": false}]});
        let url = "/api/v1/user/notification-settings";
        let reply = server.call(Some(&eve.token), "PUT", url, settings).await;
        assert_eq!(reply.json()["settings"].as_array().unwrap().len(), 6, "{}", reply.text());
        owner.ok("POST", "/discussions/1/comments", json!({"body": "@eve?"})).await;
        assert_eq!(news(&writer, "").await, ["participating comment 1"]);
        owner.ok("PATCH", "/discussions/1", json!({"state": "closed"})).await;
        assert_eq!(news(&reader, "").await, ["mention comment 1", "mention comment 1"], "what is switched off is not listed");
        assert_eq!(news(&writer, "?limit=1").await, ["participating state 1"]);
        let list = server.call(Some(&bob.token), "GET", "/api/v1/user/notifications", Value::Null).await.json();
        let id = list["items"][0]["id"].clone();
        let read = "/api/v1/user/notifications/read";
        assert_eq!(server.call(Some(&sam.token), "POST", read, json!({"ids": [id]})).await.status, 204);
        assert_eq!(news(&writer, "?unread=true").await.len(), 2, "of another user");
        assert_eq!(server.call(Some(&bob.token), "POST", read, json!({"ids": [id]})).await.status, 204);
        assert_eq!(news(&writer, "?unread=true").await, ["participating comment 1"]);
        assert_eq!(server.call(Some(&bob.token), "POST", read, json!({})).await.status, 204);
        assert_eq!(news(&writer, "?unread=true").await, [""; 0]);
        // Without access, also what was there before is not shown, and nothing new is sent.
        let (lab, name) = ("lab".parse().unwrap(), "eve".parse().unwrap());
        server.app.accounts.set_member(&lab, &name, None).await.unwrap();
        writer.ok("POST", "/discussions/1/comments", json!({"body": "@eve!"})).await;
        assert_eq!(news(&reader, "").await, [""; 0]);
        server.app.accounts.set_member(&lab, &name, Some(Role::Reader)).await.unwrap();
        assert_eq!(news(&reader, "").await.len(), 2, "not of what happened in between");
        // They expire.
        server.clock.advance(std::time::Duration::from_hours(24 * 91));
        server.app.discussions.forget().await.unwrap();
        assert_eq!(news(&owner, "").await, [""; 0]);
    }
}
