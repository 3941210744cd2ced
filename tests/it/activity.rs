//! What happened in datasets, and what each user sees of it; notifications of new versions and releases.

use std::time::Duration;

use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Reply, Server, story};
use serde_json::{Value, json};

async fn ask(server: &Server, who: &Person, method: &str, url: &str, body: &Value) -> Value {
    let request = server.request(method, url, Some(&who.token));
    let reply = Reply::of(match body {
        Value::Null => request,
        body => request.header("content-type", "application/json").body(body.to_string()),
    })
    .await;
    assert!(reply.status < 300, "{method} {url}: {} {}", reply.status, reply.text());
    if reply.status == 204 { Value::Null } else { reply.json() }
}

/// Commits a file to the default branch, and returns the revision.
async fn commit(server: &Server, who: &Person, path: &str, message: &str) -> String {
    let put = json!({"operation": "put", "path": "notes.txt", "content": message});
    let body = json!({"branch": "main", "message": message, "operations": [put]});
    let made = ask(server, who, "POST", &format!("/api/v1/datasets/{path}/commits"), &body).await;
    made["revision"].as_str().unwrap().to_owned()
}

/// The answer to a list of events, after all jobs.
async fn events(server: &Server, who: Option<&Person>, url: &str) -> Reply {
    server.app.worker.run_due().await.unwrap();
    Reply::of(server.request("GET", url, who.map(|who| who.token.as_str()))).await
}

/// What a list of events says, in short, newest first.
async fn said(server: &Server, who: &Person, url: &str) -> Vec<String> {
    let reply = events(server, Some(who), url).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let line = |event: &Value| {
        let [dataset, kind, author] = ["dataset", "type", "author"].map(|key| text(event, key));
        format!(
            "{dataset} {kind} {author}: {}",
            if event["tag"].is_null() { text(event, "title") } else { text(event, "tag") }
        )
    };
    reply.json()["items"].as_array().unwrap().iter().map(line).collect()
}

/// The notifications of a user, in short.
async fn news(server: &Server, who: &Person, query: &str) -> Vec<String> {
    server.app.worker.run_due().await.unwrap();
    let list = ask(server, who, "GET", &format!("/api/v1/user/notifications{query}"), &Value::Null).await;
    let line = |item: &Value| {
        let [event, title] = ["event", "title"].map(|key| item[key].as_str().unwrap().to_owned());
        format!("{event} {title} {} {}", item["count"], item["author"].as_str().unwrap_or("-"))
    };
    list["items"].as_array().unwrap().iter().map(line).collect()
}

const FEED: &str = "/api/v1/events";

story! {
    async fn everybody_sees_what_happened_in_their_datasets_and_no_others(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        let (ada, bob, eve) = (server.person("ada").await, server.person("bob").await, server.person("eve").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&bob, Role::Writer)]).await;
        server.dataset("lab/birds", Visibility::Private).await;
        let birds = "/api/v1/datasets/lab/birds";
        let first = commit(&server, &ada, "lab/birds", "Add birds\n\nAll of them.").await;
        // By git, with a branch that is not the default one, and tags.
        let tree = server.clone(&bob, "lab/birds", "work");
        tree.write("more.txt", "more\n");
        let second = tree.commit("Add <b>more</b>");
        tree.git(&["branch", "side"]);
        tree.git(&["tag", "v1"]);
        tree.git(&["push", "-q", "origin", "main", "side", "v1"]);
        // Renamed tags and branches are nothing new.
        ask(&server, &bob, "PATCH", &format!("{birds}/tags/v1"), &json!({"name": "v1.0"})).await;
        ask(&server, &bob, "POST", &format!("{birds}/discussions"), &json!({"title": "Owls", "body": "Where?"})).await;
        let comment = ask(&server, &ada, "POST", &format!("{birds}/discussions/1/comments"), &json!({"body": "Here."})).await;
        ask(&server, &ada, "PATCH", &format!("{birds}/discussions/1"), &json!({"state": "closed", "comment": "Done."})).await;
        let expected = [
            "lab/birds closed ada: Owls",
            "lab/birds commented ada: Owls",
            "lab/birds opened bob: Owls",
            "lab/birds release bob: v1",
            "lab/birds version bob: Add <b>more</b>",
            "lab/birds version ada: Add birds",
        ];
        assert_eq!(said(&server, &ada, &format!("{birds}/events")).await, expected);
        assert_eq!(said(&server, &bob, FEED).await, expected, "of a member");
        let list = events(&server, Some(&ada), &format!("{birds}/events")).await.json();
        let version = &list["items"][4];
        assert_eq!((&version["revision"], &version["before"]), (&json!(second), &json!(first)));
        assert_eq!((&list["items"][2]["number"], &list["items"][2]["discussion"]), (&json!(1), &json!("discussion")));
        // What was hidden, is not shown.
        let hidden = format!("{birds}/discussions/1/comments/{}", comment["id"].as_str().unwrap());
        ask(&server, &ada, "DELETE", &hidden, &Value::Null).await;
        assert_eq!(said(&server, &ada, FEED).await.len(), 5);
        // Pages.
        let page = events(&server, Some(&ada), &format!("{FEED}?limit=2")).await.json();
        let cursor = page["next_cursor"].as_str().unwrap();
        assert_eq!(said(&server, &ada, &format!("{FEED}?limit=9&cursor={cursor}")).await, expected[3..]);
        assert_eq!(events(&server, Some(&ada), &format!("{FEED}?cursor=x")).await.status, 422);
        assert_eq!(events(&server, Some(&ada), &format!("{FEED}?limit=101")).await.status, 422);

        // Others see nothing, and no more than that after they starred it while it was public.
        assert_eq!(events(&server, Some(&eve), &format!("{birds}/events")).await.status, 404);
        assert_eq!(events(&server, None, FEED).await.status, 401);
        assert_eq!(said(&server, &eve, FEED).await, [""; 0]);
        ask(&server, &ada, "PATCH", &format!("{birds}/visibility"), &json!({"visibility": "public"})).await;
        assert_eq!(said(&server, &eve, FEED).await, [""; 0], "it does not concern her");
        ask(&server, &eve, "PUT", &format!("{birds}/star"), &Value::Null).await;
        assert_eq!(said(&server, &eve, FEED).await.len(), 5);
        ask(&server, &ada, "PATCH", &format!("{birds}/visibility"), &json!({"visibility": "private"})).await;
        assert_eq!(said(&server, &eve, FEED).await, [""; 0]);
        assert_eq!(events(&server, Some(&eve), &format!("{birds}/events")).await.status, 404);
        // It moves with the dataset, and is deleted with it.
        ask(&server, &ada, "POST", &format!("{birds}/move"), &json!({"to": "ada/owls"})).await;
        assert!(said(&server, &ada, FEED).await.contains(&"ada/owls closed ada: Owls".to_owned()));
        assert_eq!(said(&server, &bob, FEED).await, [""; 0], "not a member of the new owner");
        ask(&server, &ada, "DELETE", "/api/v1/datasets/ada/owls", &Value::Null).await;
        assert_eq!(said(&server, &ada, FEED).await, [""; 0]);
    }
}

story! {
    async fn a_merged_proposal_is_one_event(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        let ada = server.person("ada").await;
        server.dataset("ada/birds", Visibility::Private).await;
        let birds = "/api/v1/datasets/ada/birds";
        commit(&server, &ada, "ada/birds", "Add birds").await;
        ask(&server, &ada, "POST", &format!("{birds}/branches"), &json!({"name": "fix"})).await;
        let put = json!({"operation": "put", "path": "fix.txt", "content": "x"});
        let body = json!({"branch": "fix", "message": "Fix", "operations": [put]});
        ask(&server, &ada, "POST", &format!("{birds}/commits"), &body).await;
        ask(&server, &ada, "POST", &format!("{birds}/discussions"), &json!({"title": "Fix it", "source": "fix"})).await;
        ask(&server, &ada, "POST", &format!("{birds}/discussions/1/merge"), &json!({})).await;
        let expected = ["ada/birds merged ada: Fix it", "ada/birds opened ada: Fix it", "ada/birds version ada: Add birds"];
        assert_eq!(said(&server, &ada, FEED).await, expected);
        // A drive has a version for each saved file: they are left out.
        let put = json!({"operation": "put", "path": "a.txt", "content": "x"});
        let body = json!({"branch": "main", "message": "Save", "operations": [put]});
        let saved = server.call(Some(&ada.token), "POST", "/api/v1/datasets/ada/drive/commits", body).await;
        assert!(saved.status < 500, "{}", saved.text());
        assert_eq!(said(&server, &ada, FEED).await.len(), 3);
    }
}

story! {
    async fn followers_have_one_notification_of_many_versions(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        let (eve, sam) = (server.person("eve").await, server.person("sam").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&bob, Role::Writer), (&eve, Role::Reader), (&sam, Role::Reader)]).await;
        server.dataset("lab/birds", Visibility::Private).await;
        let birds = "/api/v1/datasets/lab/birds";
        for reader in [&bob, &eve] {
            ask(&server, reader, "PUT", &format!("{birds}/follow"), &Value::Null).await;
        }
        commit(&server, &bob, "lab/birds", "One").await;
        assert_eq!(news(&server, &eve, "").await, ["version One 1 bob"]);
        assert_eq!(news(&server, &ada, "").await, ["version One 1 bob"], "an owner");
        assert_eq!(news(&server, &bob, "").await, [""; 0], "not of what one does oneself");
        assert_eq!(news(&server, &sam, "").await, [""; 0], "a reader that does not follow it");
        let email = server.email_to("eve@example.org", 1).await;
        assert_eq!(email.subject, "[lab/birds] New version");
        assert!(email.text.contains("> One") && email.text.contains("/d/lab/birds/revision/"), "{}", email.text);
        // Further ones are counted, without further e-mails.
        commit(&server, &bob, "lab/birds", "Two").await;
        commit(&server, &ada, "lab/birds", "Three").await;
        assert_eq!(news(&server, &eve, "").await, ["version Three 3 ada"]);
        assert_eq!(news(&server, &ada, "").await, ["version Two 2 bob"]);
        assert_eq!(news(&server, &bob, "").await, ["version Three 1 ada"]);
        ask(&server, &ada, "POST", &format!("{birds}/tags"), &json!({"name": "v1"})).await;
        assert_eq!(news(&server, &eve, "").await, ["release v1 1 ada", "version Three 3 ada"]);
        let email = server.email_to("eve@example.org", 2).await;
        assert_eq!(email.subject, "[lab/birds] New release v1");
        // Read ones begin anew; the next e-mail comes a day after the last.
        ask(&server, &eve, "POST", "/api/v1/user/notifications/read", &json!({})).await;
        assert_eq!(news(&server, &eve, "?unread=true").await, [""; 0]);
        commit(&server, &bob, "lab/birds", "Four").await;
        assert_eq!(news(&server, &eve, "?unread=true").await, ["version Four 1 bob"]);
        server.clock.advance(Duration::from_hours(25));
        commit(&server, &bob, "lab/birds", "Five").await;
        assert_eq!(news(&server, &eve, "?unread=true").await, ["version Five 2 bob"]);
        let email = server.email_to("eve@example.org", 3).await;
        assert_eq!(email.subject, "[lab/birds] 2 new versions");
        // Switched off, and without access.
        let off = json!({"settings": [{"reason": "versions", "list": false, "email": false}]});
        ask(&server, &ada, "PUT", "/api/v1/user/notification-settings", &off).await;
        let before = news(&server, &ada, "").await;
        let (lab, name) = ("lab".parse().unwrap(), "eve".parse().unwrap());
        server.app.accounts.set_member(&lab, &name, None).await.unwrap();
        commit(&server, &bob, "lab/birds", "Six").await;
        assert_eq!(news(&server, &ada, "").await, before);
        assert_eq!(news(&server, &eve, "").await, [""; 0]);
        server.app.accounts.set_member(&lab, &name, Some(Role::Reader)).await.unwrap();
        assert_eq!(news(&server, &eve, "?unread=true").await, ["version Five 2 bob"], "not of what happened in between");
    }
}
