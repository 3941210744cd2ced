//! One search for datasets, their files and the caller's drive, what it says matches, and stars.

use std::time::Duration;

use reqwest::Method;
use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Reply, Server, story};
use serde_json::{Value, json};

use crate::db::{count, execute};
use crate::search::indexed;

async fn ask(server: &Server, who: Option<&Person>, method: Method, url: &str, body: Value) -> Reply {
    let request = server.request(method.as_str(), url, who.map(|who| who.token.as_str()));
    let request = match body {
        Value::Null => request,
        body => request.header("content-type", "application/json").body(body.to_string()),
    };
    Reply::of(request).await
}

async fn get(server: &Server, who: Option<&Person>, url: &str) -> Value {
    indexed(server).await;
    let reply = ask(server, who, Method::GET, url, Value::Null).await;
    assert_eq!(reply.status, 200, "{url}: {}", reply.text());
    reply.json()
}

async fn put_files(server: &Server, who: &Person, id: &str, visibility: &str, files: &[(&str, &str)]) {
    let new = json!({"id": id, "visibility": visibility, "package": {"name": "p", "title": "Birds", "resources": []}});
    assert_eq!(ask(server, Some(who), Method::POST, "/api/v1/datasets", new).await.status, 201);
    let put = |(path, content): &(&str, &str)| json!({"operation": "put", "path": path, "content": content});
    let commit = json!({"message": "m", "operations": files.iter().map(put).collect::<Vec<_>>()});
    let url = format!("/api/v1/datasets/{id}/commits");
    assert_eq!(ask(server, Some(who), Method::POST, &url, commit).await.status, 201);
    server.clock.advance(Duration::from_secs(90));
}

/// The ids of the datasets on a page.
fn ids(page: &Value, field: &str) -> Vec<String> {
    page[field].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// What matches, with brackets around what was searched for.
fn matches(item: &Value) -> Vec<String> {
    let marked = |part: &Value| {
        let text = part["text"].as_str().unwrap();
        if part["match"] == true { format!("[{text}]") } else { text.to_owned() }
    };
    let line = |one: &Value| {
        let text: String = one["text"].as_array().unwrap().iter().map(marked).collect();
        format!("{}: {text}", one["field"].as_str().unwrap())
    };
    item["matches"].as_array().unwrap().iter().map(line).collect()
}

story! {
    async fn one_search_finds_datasets_files_and_the_own_drive_and_says_what_matches(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        let files = [("data/owls 2024.csv", "a\n"), ("data/Eulen/owl-nests.csv", "a\n"), ("README.md", "# Counts\nOf owls at night.\n")];
        put_files(&server, &ada, "ada/birds", "public", &files).await;
        put_files(&server, &ada, "ada/secret", "private", &[("hidden-owls.csv", "a\n")]).await;
        for name in ["owls.txt", "b/Owl list.txt", "fish.txt"] {
            let url = format!("/api/v1/drive/ada/drive/files/{}", name.replace(' ', "%20"));
            let put = server.request("PUT", &url, Some(&ada.token)).body("x");
            assert_eq!(Reply::of(put).await.status, 201, "{name}");
        }

        // The owner finds everything, and why.
        let page = get(&server, Some(&ada), "/api/v1/search?q=owl").await;
        assert_eq!(ids(&page, "datasets"), ["ada/secret", "ada/birds"]);
        let expected = ["file: data/[owls] 2024.csv", "file: data/Eulen/[owl]-nests.csv", "readme: Of [owls] at night."];
        assert_eq!(matches(&page["datasets"][1]), expected);
        assert_eq!(page["datasets"][1]["matches"][0]["path"], "data/owls 2024.csv");
        assert_eq!(page["datasets"][1]["matching_files"], 2);
        assert_eq!(get(&server, Some(&ada), "/api/v1/search?q=owl*&in=drive").await["drive"], page["drive"]);
        let drive: Vec<&str> = page["drive"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
        assert_eq!(drive, ["owls.txt", "b/Owl list.txt"]);
        assert_eq!(page["drive"][1]["text"][1], json!({"text": "Owl", "match": true}));

        // Others find what is public, no drive, and no sign of the rest.
        for caller in [None, Some(&ben)] {
            let page = get(&server, caller, "/api/v1/search?q=owl*").await;
            assert_eq!(ids(&page, "datasets"), ["ada/birds"]);
            assert_eq!((&page["drive"], page.get("next_cursor")), (&json!([]), None));
            assert_eq!(ids(&get(&server, caller, "/api/v1/search?q=hidden").await, "datasets"), [""; 0]);
            assert_eq!(get(&server, caller, "/api/v1/datasets?q=hidden").await["total"], 0);
            assert_eq!(get(&server, caller, "/api/v1/search?q=owl&in=drive").await["drive"], json!([]));
        }

        // Only the paths of files; the list of datasets says what matches too.
        let page = get(&server, None, "/api/v1/datasets?q=owl+2024&in=files").await;
        assert_eq!((ids(&page, "items"), matches(&page["items"][0])), (vec!["ada/birds".to_owned()], vec![expected[0].replace("2024", "[2024]")]));
        assert_eq!(page["total"], 1);
        assert_eq!(get(&server, None, "/api/v1/datasets?q=night&in=files").await["total"], 0);
        let birds = get(&server, None, "/api/v1/datasets?q=birds").await;
        assert_eq!(matches(&birds["items"][0]), ["title: [birds]", "title: [Birds]"]);
        assert_eq!(get(&server, None, "/api/v1/datasets").await["items"][0]["matches"], json!([]));

        // Page by page it is the same list.
        for scope in ["everything", "files", "drive"] {
            let whole = get(&server, Some(&ada), &format!("/api/v1/search?q=owl&in={scope}")).await;
            let (mut paged, mut cursor) = ((Vec::new(), Vec::new()), String::new());
            loop {
                let part = get(&server, Some(&ada), &format!("/api/v1/search?q=owl&in={scope}&limit=1&cursor={cursor}")).await;
                paged.0.extend(part["datasets"].as_array().unwrap().clone());
                paged.1.extend(part["drive"].as_array().unwrap().clone());
                let Some(next) = part["next_cursor"].as_str() else { break };
                next.clone_into(&mut cursor);
            }
            assert_eq!(whole["datasets"], json!(paged.0), "{scope}");
            // Of everything, the drive is on the first page only.
            assert_eq!(paged.1.len(), if scope == "files" { 0 } else if scope == "drive" { 2 } else { 1 }, "{scope}");
        }

        // A file that is deleted or renamed is found no more.
        let edit = json!({"message": "m", "operations": [{"operation": "delete", "path": "data/owls 2024.csv"}]});
        assert_eq!(ask(&server, Some(&ada), Method::POST, "/api/v1/datasets/ada/birds/commits", edit).await.status, 201);
        assert_eq!(get(&server, None, "/api/v1/datasets?q=2024").await["total"], 0);

        // What is indexed by the previous release is indexed again.
        execute(&server.app.db, "DELETE FROM search_source").await;
        assert_eq!(matches(&get(&server, None, "/api/v1/search?q=nests").await["datasets"][0]), [""; 0]);
        server.app.datasets.reindex_stale().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM search_source").await, 4, "two datasets and two drives");

        for (query, problem) in [("q=", "`q`"), ("q=%20", "`q`"), ("q=a&limit=51", "`limit`"), ("q=a&cursor=x", "cursor"), ("q=a&in=drive&cursor=h1", "cursor"), ("q=a&in=mail", "in"), ("q=ab*", "prefix")] {
            let reply = ask(&server, Some(&ada), Method::GET, &format!("/api/v1/search?{query}"), Value::Null).await;
            assert!(reply.status == 422 || reply.status == 400, "{query}: {}", reply.status);
            assert!(reply.text().contains(problem), "{query}: {}", reply.text());
        }
        let long = format!("/api/v1/search?q={}", "x".repeat(513));
        assert!(ask(&server, None, Method::GET, &long, Value::Null).await.status >= 400);
        // A token for one dataset does not open the drive, and creates none.
        let narrow = server.token("ben", &["read:ada/birds"]).await;
        let page = Reply::of(server.request("GET", "/api/v1/search?q=owl", Some(&narrow))).await.json();
        assert_eq!((ids(&page, "datasets"), &page["drive"]), (vec!["ada/birds".to_owned()], &json!([])));
    }
}

story! {
    async fn stars_are_bookmarks_that_are_counted(server: Server) {
        let (ada, ben, cy) = (server.person("ada").await, server.person("ben").await, server.person("cy").await);
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        for (id, visibility) in [("org/open", Visibility::Public), ("org/closed", Visibility::Private), ("org/other", Visibility::Public)] {
            server.dataset(id, visibility).await;
            server.clock.advance(Duration::from_secs(90));
        }
        let star = async |who: Option<&Person>, method: Method, id: &str| {
            ask(&server, who, method, &format!("/api/v1/datasets/{id}/star"), Value::Null).await
        };
        let starred = async |who: &Person| ids(&get(&server, Some(who), "/api/v1/datasets?starred=true&sort=created").await, "items");

        assert_eq!(star(Some(&ben), Method::PUT, "org/closed").await.json(), json!({"stars": 1, "starred": true}));
        // Once only, however often.
        for _ in 0..2 {
            assert_eq!(star(Some(&ben), Method::PUT, "org/open").await.json(), json!({"stars": 1, "starred": true}));
        }
        assert_eq!(star(Some(&cy), Method::PUT, "org/open").await.json(), json!({"stars": 2, "starred": true}));
        assert_eq!(star(None, Method::GET, "org/open").await.json(), json!({"stars": 2, "starred": false}));
        assert_eq!((starred(&ben).await, starred(&cy).await), (vec!["org/closed".to_owned(), "org/open".to_owned()], vec!["org/open".to_owned()]));
        assert_eq!(starred(&ada).await, [""; 0]);
        let mine = get(&server, Some(&ben), "/api/v1/datasets?starred=true&q=closed").await;
        assert_eq!((&mine["total"], &mine["items"][0]["stars"], &mine["items"][0]["starred"]), (&json!(1), &json!(1), &json!(true)));
        let shown = get(&server, Some(&ada), "/api/v1/datasets/org/open").await;
        assert_eq!((&shown["stars"], &shown["starred"]), (&json!(2), &json!(false)));

        // A stranger cannot star what they cannot see, nor learn its number.
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            assert_eq!(star(Some(&cy), method.clone(), "org/closed").await.status, 404, "{method}");
            assert_eq!(star(Some(&cy), method, "org/missing").await.status, 404);
        }
        assert_eq!(star(None, Method::PUT, "org/open").await.status, 401);
        assert_eq!(ask(&server, None, Method::GET, "/api/v1/datasets?starred=true", Value::Null).await.status, 401);
        let read_only = server.token("ben", &["read"]).await;
        let refused = server.request("DELETE", "/api/v1/datasets/org/open/star", Some(&read_only));
        assert_eq!(Reply::of(refused).await.status, 403);
        assert_eq!(get(&server, Some(&ben), "/api/v1/drive").await["dataset"], "ben/drive");
        assert_eq!(star(Some(&ben), Method::PUT, "ben/drive").await.status, 422);

        // Hugging Face's clients call them likes.
        let likes = async |id: &str| get(&server, Some(&ben), &format!("/api/datasets/{id}")).await["likes"].clone();
        assert_eq!(likes("org/open").await, 2);
        assert_eq!(ask(&server, Some(&ben), Method::DELETE, "/api/datasets/org/open/like", Value::Null).await.status, 200);
        assert_eq!((likes("org/open").await, starred(&ben).await), (json!(1), vec!["org/closed".to_owned()]));
        assert_eq!(ask(&server, Some(&ben), Method::POST, "/api/datasets/org/open/like", Value::Null).await.status, 200);
        let listed = get(&server, None, "/api/datasets?search=open").await;
        assert_eq!(listed[0]["likes"], 2);
        let liked = ask(&server, Some(&ben), Method::GET, "/api/users/ben/likes?limit=1", Value::Null).await;
        assert_eq!(liked.json(), json!([{"repo": {"name": "org/closed", "type": "dataset"}}]));
        let next = liked.header("link").split_once('>').unwrap().0.trim_start_matches('<').to_owned();
        let next = next.strip_prefix(&server.url).unwrap();
        assert_eq!(get(&server, Some(&ben), next).await, json!([{"repo": {"name": "org/open", "type": "dataset"}}]));
        // Users cannot see those of others.
        for (who, status) in [(Some(&ada), 403), (None, 401)] {
            assert_eq!(ask(&server, who, Method::GET, "/api/users/ben/likes", Value::Null).await.status, status);
        }

        // The most starred first, page by page. One who cannot see a dataset does not learn of it from its place.
        let most = async |who: Option<&Person>, more: &str| ids(&get(&server, who, &format!("/api/v1/datasets?sort=stars{more}")).await, "items");
        assert_eq!(most(Some(&ben), "").await, ["org/open", "org/closed", "org/other"]);
        assert_eq!(most(None, "").await, ["org/open", "org/other"]);
        assert_eq!(most(Some(&ben), "&q=closed").await, ["org/closed"]);
        let (mut after, mut paged) = (String::new(), Vec::new());
        loop {
            let page = get(&server, Some(&ben), &format!("/api/v1/datasets?sort=stars&limit=1{after}")).await;
            paged.extend(ids(&page, "items"));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            after = format!("&cursor={cursor}");
        }
        assert_eq!(paged, ["org/open", "org/closed", "org/other"]);
        for cursor in ["s", "s1", "s-1-0", "sffffffffffffffff-0", "c1", "s1-g"] {
            let refused = ask(&server, Some(&ben), Method::GET, &format!("/api/v1/datasets?sort=stars&cursor={cursor}"), Value::Null).await;
            assert_eq!(refused.status, 422, "{cursor}");
        }
        let liked = get(&server, None, "/api/datasets?sort=likes&direction=-1").await;
        assert_eq!(liked[0]["id"], "org/open");

        // Without access, a star shows nothing; with it again, it is still there. A renamed dataset keeps its stars.
        let member = "/api/v1/organisations/org/members/ben";
        assert_eq!(ask(&server, Some(&ada), Method::DELETE, member, Value::Null).await.status, 204);
        assert_eq!(starred(&ben).await, ["org/open"]);
        assert_eq!(get(&server, Some(&ben), "/api/v1/datasets?starred=true").await["total"], 1);
        let renamed = ask(&server, Some(&ada), Method::POST, "/api/v1/datasets/org/open/move", json!({"to": "org/opened"})).await;
        assert_eq!(renamed.status, 200, "{}", renamed.text());
        assert_eq!(starred(&ben).await, ["org/opened"]);

        // Deleted datasets and users leave no stars.
        assert_eq!(ask(&server, Some(&ada), Method::DELETE, "/api/v1/datasets/org/closed", Value::Null).await.status, 204);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM star").await, 2);
        execute(&server.app.db, "DELETE FROM owner WHERE name = 'cy'").await;
        assert_eq!(star(None, Method::GET, "org/opened").await.json(), json!({"stars": 1, "starred": false}));
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM dataset WHERE stars < 0").await, 0);
    }
}
