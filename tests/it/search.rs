//! Search of datasets by their metadata: visibility, order, and delay.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Reply, Server, story};
use serde_json::{Value, json};

use crate::db::{count, execute};

const ROOT: &str = "/api/v1/datasets";

/// Waits until the search index has every change.
pub(crate) async fn indexed(server: &Server) {
    for _ in 0..1000 {
        if count(&server.app.db, "SELECT COUNT(*) FROM job WHERE kind = 'index'").await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a dataset is never indexed");
}

async fn ask(server: &Server, token: Option<&str>, query: &str) -> Reply {
    indexed(server).await;
    Reply::of(server.request("GET", &format!("{ROOT}?{query}"), token)).await
}

async fn search_ok(server: &Server, token: Option<&str>, query: &str) -> Value {
    let reply = ask(server, token, query).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    reply.json()
}

/// The ids that are found.
async fn found(server: &Server, token: Option<&str>, query: &str) -> Vec<String> {
    ids(&search_ok(server, token, query).await)
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn send(server: &Server, who: &Person, method: &str, tail: &str, body: &Value) -> Value {
    let request = server.request(method, &format!("{ROOT}{tail}"), Some(&who.token));
    let reply = Reply::of(request.header("content-type", "application/json").body(body.to_string())).await;
    assert!(reply.status < 300, "{method} {tail}: {} {}", reply.status, reply.text());
    if reply.body.is_empty() { Value::Null } else { reply.json() }
}

async fn make(server: &Server, who: &Person, id: &str, visibility: &str, package: Value) {
    send(server, who, "POST", "", &json!({"id": id, "visibility": visibility, "package": package})).await;
}

fn package(title: &str, keywords: &[&str], columns: &[&str]) -> Value {
    let fields: Vec<Value> = columns.iter().map(|name| json!({"name": name, "type": "string"})).collect();
    json!({
        "name": "p", "title": title, "keywords": keywords, "licenses": [{"name": "CC-BY-4.0"}],
        "resources": [{"name": "table", "path": "table.csv", "format": "csv", "data": [],
            "schema": {"fields": fields}}],
    })
}

fn plain(title: &str, keywords: &[&str]) -> Value {
    json!({"name": "p", "title": title, "keywords": keywords, "licenses": [{"name": "CC-BY-4.0"}], "resources": []})
}

story! {
    async fn a_dataset_is_found_by_all_of_its_metadata(server: Server) {
        let ada = server.person("ada").await;
        let mut birds = package("Vögel of Ruritania", &["Ornithology"], &["wing_span", "nestHeight"]);
        birds["description"] = json!("Counted at dawn");
        birds["resources"][0].as_object_mut().unwrap().remove("path");
        make(&server, &ada, "ada/census-2024", "public", birds).await;
        make(&server, &ada, "ada/other", "public", plain("Fish", &["Ornithology", "water"])).await;
        let readme = json!({"message": "m", "operations": [{"operation": "put", "path": "README.md", "content": "# About\nFeathers everywhere"}]});
        send(&server, &ada, "POST", "/ada/census-2024/commits", &readme).await;
        send(&server, &ada, "POST", "/ada/census-2024/tags", &json!({"name": "spring-edition"})).await;
        for query in [
            "q=vogel", "q=RURITANIA", "q=dawn", "q=wing+span", "q=span", "q=nestheight", "q=census", "q=feather",
            "q=edition", "q=ruri*", "tag=spring-edition", "format=CSV", "q=table&keyword=ornithology",
            "q=dawn&owner=ada", "q=dawn&license=cc-by-4.0", "q=dawn+feathers+vogel", "q=v%C3%B6gel",
        ] {
            assert_eq!(found(&server, None, query).await, ["ada/census-2024"], "{query}");
        }
        for query in ["q=nothing", "q=dawn+fish", "tag=spring", "owner=missing", "keyword=ornitho", "q=*", "q=daw", "format=parquet"] {
            let page = search_ok(&server, None, query).await;
            assert_eq!((ids(&page).len(), &page["total"]), (0, &json!(0)), "{query}");
            assert_eq!(page["facets"]["owner"], json!([]), "{query}");
        }
        let page = search_ok(&server, None, "keyword=Ornithology").await;
        assert_eq!((&page["total"], &page["is_total_exact"]), (&json!(2), &json!(true)));
        assert_eq!(page["facets"]["owner"], json!([{"value": "ada", "count": 2}]));
        assert_eq!(page["facets"]["keyword"], json!([{"value": "ornithology", "count": 2}, {"value": "water", "count": 1}]));
        assert_eq!(page["facets"]["format"], json!([{"value": "csv", "count": 1}]));
        assert_eq!(page["facets"]["license"], json!([{"value": "cc-by-4.0", "count": 2}]));
        let item = &search_ok(&server, None, "q=dawn").await["items"][0];
        assert_eq!(item["title"], "Vögel of Ruritania");
        assert_eq!((&item["visibility"], &item["keywords"]), (&json!("public"), &json!(["ornithology"])));
        let head = Reply::of(server.request("GET", &format!("{ROOT}/ada/census-2024"), None)).await.json();
        assert_eq!(item["revision"], head["revision"]);
    }
}

story! {
    async fn the_header_of_a_readme_fills_fields_missing_in_the_package(server: Server) {
        let ada = server.person("ada").await;
        make(&server, &ada, "ada/owls", "public", json!({"name": "owls", "resources": []})).await;
        let put = async |text: &str| {
            let operation = json!({"operation": "put", "path": "README.md", "content": text});
            send(&server, &ada, "POST", "/ada/owls/commits", &json!({"message": "m", "operations": [operation]})).await;
        };
        put("---\npretty_name: Owls at night\nlicense: cc-by-4.0\ntags: [ornithology]\n---\n# About\n").await;
        for query in ["license=CC-BY-4.0", "keyword=ornithology", "q=owls+night"] {
            assert_eq!(found(&server, None, query).await, ["ada/owls"], "{query}");
        }
        assert_eq!(search_ok(&server, None, "").await["items"][0]["title"], "Owls at night");
        let shown = async || Reply::of(server.request("GET", &format!("{ROOT}/ada/owls"), None)).await.json();
        let expected = json!({"title": "Owls at night", "licenses": ["cc-by-4.0"], "keywords": ["ornithology"]});
        assert_eq!(shown().await["readme"], expected);
        let before = Reply::of(server.request("GET", &format!("{ROOT}/ada/owls?revision=HEAD~1"), None)).await.json();
        assert!(before.get("readme").is_none(), "{before}");

        let said = json!({"package": {"title": "Birds", "licenses": [{"name": "MIT"}], "keywords": ["birds"]}});
        send(&server, &ada, "PATCH", "/ada/owls", &said).await;
        assert_eq!(found(&server, None, "license=cc-by-4.0").await, Vec::<String>::new());
        assert_eq!(search_ok(&server, None, "license=mit&keyword=birds").await["items"][0]["title"], "Birds");
        put("---\nlicense: [\n---\n").await;
        assert!(shown().await.get("readme").is_none(), "what cannot be read says nothing");
    }
}

story! {
    async fn drives_are_not_listed_and_administrators_see_why_datasets_are_visible(server: Server) {
        let (ada, admin) = (server.person("ada").await, server.administrator("root").await);
        assert_eq!(Reply::of(server.request("GET", "/api/v1/drive", Some(&ada.token))).await.status, 200);
        let put = server.request("PUT", "/api/v1/drive/ada/drive/files/a.txt", Some(&ada.token)).body("a");
        assert_eq!(Reply::of(put).await.status, 201);
        server.organisation("org", &[(&admin, Role::Owner)]).await;
        make(&server, &ada, "ada/birds", "private", plain("Birds", &[])).await;
        make(&server, &ada, "ada/open", "public", plain("Open", &[])).await;
        make(&server, &admin, "root/own", "private", plain("Own", &[])).await;
        make(&server, &admin, "org/drive", "private", plain("Of an organisation", &[])).await;
        assert_eq!(search_ok(&server, Some(&ada.token), "").await["total"], 2);
        let page = search_ok(&server, Some(&admin.token), "").await;
        let seen: BTreeSet<(&str, bool)> = page["items"].as_array().unwrap().iter()
            .map(|item| (item["id"].as_str().unwrap(), item["as_administrator"].as_bool().unwrap())).collect();
        let expected = [("ada/birds", true), ("ada/open", false), ("org/drive", false), ("root/own", false)];
        assert_eq!(seen, BTreeSet::from(expected));
        assert_eq!(page["total"], 4);
        let mine = search_ok(&server, Some(&ada.token), "").await;
        assert!(mine["items"].as_array().unwrap().iter().all(|item| item["as_administrator"] == false));
    }
}

story! {
    async fn hidden_datasets_leave_no_trace(server: Server) {
        let (ada, ben, cy) = (server.person("ada").await, server.person("ben").await, server.person("cy").await);
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        server.organisation("org/team", &[(&ada, Role::Owner)]).await;
        let admin = server.administrator("root").await;
        for (id, visibility) in [
            ("org/public", "public"), ("org/internal", "internal"), ("org/private", "private"),
            ("ada/public", "public"), ("ada/private", "private"), ("org/team/private", "private"),
        ] {
            let owner = id.rsplit_once('/').unwrap().0.replace('/', "-");
            make(&server, &ada, id, visibility, plain("Secret birds", &[visibility, &owner])).await;
        }
        let narrow = server.token("ada", &["read:org/private", "read:org/none"]).await;
        let wide = server.token("ada", &["read"]).await;
        let claims = |scopes: &str| server.app.access.issue(&"ada".parse().unwrap(), scopes, 600).unwrap();
        let (of_org, of_one, to_write) = (claims("obj:org/*:read"), claims("ds:ada/private:read"), claims("obj:org/private/*:write"));
        let star = claims("obj:org/*/private/*:read");
        let all = ["ada/private", "ada/public", "org/internal", "org/private", "org/public", "org/team/private"];
        let public = ["ada/public", "org/public"];
        for (who, token, sees) in [
            ("missing", None, public.to_vec()),
            ("ada", Some(&ada.token), all.to_vec()),
            ("reader", Some(&ben.token), vec!["ada/public", "org/internal", "org/private", "org/public"]),
            ("stranger", Some(&cy.token), vec!["ada/public", "org/internal", "org/public"]),
            ("admin", Some(&admin.token), all.to_vec()),
            ("narrow token", Some(&narrow), vec!["ada/public", "org/private", "org/public"]),
            ("wide token", Some(&wide), all.to_vec()),
            ("claims of an organisation", Some(&of_org), vec!["ada/public", "org/internal", "org/private", "org/public", "org/team/private"]),
            ("claims of a dataset", Some(&of_one), vec!["ada/private", "ada/public", "org/public"]),
            // Writers can read.
            ("claims to write", Some(&to_write), vec!["ada/public", "org/private", "org/public"]),
            ("claims with a star", Some(&star), vec!["ada/public", "org/public", "org/team/private"]),
        ] {
            let token = token.map(String::as_str);
            let expected: BTreeSet<String> = sees.iter().map(|id| (*id).to_owned()).collect();
            for query in ["", "q=secret", "q=bird&sort=updated", "q=sec*&sort=created", "sort=created"] {
                let page = search_ok(&server, token, query).await;
                let seen: BTreeSet<String> = ids(&page).into_iter().collect();
                assert_eq!(seen, expected, "{who}: {query}");
                assert_eq!(page["total"], expected.len(), "{who}: {query}");
                let counted: u64 = page["facets"]["owner"].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum();
                assert_eq!(counted, expected.len() as u64, "{who}: {query}");
                let text = page["facets"].to_string();
                for (id, visibility) in [("ada/private", "private"), ("org/internal", "internal")] {
                    let hidden = !expected.iter().any(|seen| seen.ends_with(visibility));
                    assert_eq!(!text.contains(&format!("\"{visibility}\"")), hidden, "{who}: {query} {id} {text}");
                }
                // Page by page it is the same list, with nothing between the pages.
                let (mut paged, mut cursor) = (Vec::new(), String::new());
                for _ in 0..=expected.len() {
                    let reply = ask(&server, token, &format!("{query}&limit=1&cursor={cursor}")).await;
                    let part = reply.json();
                    assert_eq!(part["facets"], page["facets"], "{who}: {query}");
                    paged.extend(ids(&part));
                    let Some(next) = part["next_cursor"].as_str() else {
                        assert_eq!(reply.header("link"), "");
                        break;
                    };
                    assert!(link(&reply.headers).contains(&format!("cursor={next}")), "{:?}", reply.headers);
                    next.clone_into(&mut cursor);
                }
                assert_eq!(paged, ids(&page), "{who}: {query}");
                // A dataset is found exactly if it can be requested.
                for id in all {
                    let status = Reply::of(server.request("GET", &format!("{ROOT}/{}", id.replacen("org/team", "org%2Fteam", 1)), token)).await.status;
                    assert_eq!(status == 200, expected.contains(id), "{who}: {id} {status}");
                }
            }
        }
    }
}

fn link(headers: &HeaderMap) -> String {
    headers.get("link").map(|link| link.to_str().unwrap().to_owned()).unwrap_or_default()
}

story! {
    async fn a_commit_is_found_within_a_second(server: Server) {
        let ada = server.person("ada").await;
        make(&server, &ada, "ada/birds", "private", plain("Birds", &[])).await;
        let mut fastest = Duration::MAX;
        for number in 0..5 {
            let title = json!({"package": {"title": format!("Title{number}")}});
            send(&server, &ada, "PATCH", "/ada/birds", &title).await;
            let committed = Instant::now();
            let request = || server.request("GET", &format!("{ROOT}?q=title{number}"), Some(&ada.token));
            while ids(&Reply::of(request()).await.json()).is_empty() {
                assert!(committed.elapsed() < Duration::from_secs(20), "never found");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            fastest = fastest.min(committed.elapsed());
        }
        // An idle worker polls every two seconds.
        assert!(fastest < Duration::from_secs(1), "{fastest:?}");
    }
}

story! {
    async fn many_commits_are_indexed_together(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        let ada = server.person("ada").await;
        make(&server, &ada, "ada/birds", "private", plain("Birds", &[])).await;
        for number in 0..3 {
            send(&server, &ada, "PATCH", "/ada/birds", &json!({"package": {"title": format!("Title{number}")}})).await;
        }
        let jobs = "SELECT COUNT(*) FROM job WHERE kind = 'index'";
        assert_eq!(count(&server.app.db, jobs).await, 1);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM search_card").await, 0, "not in the request");
        // As if it had been deleted before the job ran.
        make(&server, &ada, "ada/gone", "private", plain("Gone", &[])).await;
        send(&server, &ada, "DELETE", "/ada/gone", &Value::Null).await;
        server.clock.advance(Duration::from_secs(1));
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, jobs).await, 0);
        assert_eq!(found(&server, Some(&ada.token), "q=title2").await, ["ada/birds"]);
    }
}

story! {
    async fn every_change_is_found_soon(server: Server) {
        let ada = server.person("ada").await;
        let finds = async |query: &str| found(&server, Some(&ada.token), query).await.len() == 1;
        make(&server, &ada, "ada/birds", "private", plain("Alpha", &[])).await;
        assert!(finds("q=alpha").await && finds("q=bird").await);
        send(&server, &ada, "PATCH", "/ada/birds", &json!({"package": {"title": "Beta"}})).await;
        assert!(finds("q=beta").await && !finds("q=alpha").await, "what it said before is gone");
        send(&server, &ada, "POST", "/ada/birds/revert", &json!({"revision": "HEAD"})).await;
        assert!(finds("q=alpha").await && !finds("q=beta").await);
        send(&server, &ada, "POST", "/ada/birds/restore", &json!({"revision": "HEAD~1"})).await;
        assert!(finds("q=beta").await);

        send(&server, &ada, "POST", "/ada/birds/tags", &json!({"name": "v1"})).await;
        assert!(finds("tag=v1").await);
        send(&server, &ada, "PATCH", "/ada/birds/tags/v1", &json!({"name": "v2"})).await;
        assert!(finds("tag=v2").await && !finds("tag=v1").await);
        send(&server, &ada, "DELETE", "/ada/birds/tags/v2", &Value::Null).await;
        assert!(!finds("tag=v2").await);

        // Other branches are not indexed until they become the default.
        send(&server, &ada, "POST", "/ada/birds/branches", &json!({"name": "next"})).await;
        let put = json!({"message": "m", "branch": "next", "operations": [{"operation": "patch", "package": {"title": "Gamma"}}]});
        send(&server, &ada, "POST", "/ada/birds/commits", &put).await;
        assert!(!finds("q=gamma").await);
        send(&server, &ada, "PATCH", "/ada/birds/branches/next", &json!({"default": true})).await;
        assert!(finds("q=gamma").await && !finds("q=beta").await);

        // Pushed with git.
        let work = server.clone(&ada, "ada/birds", "work");
        work.write("datapackage.json", r#"{"title": "Delta", "resources": []}"#);
        work.commit("Delta");
        work.git(&["tag", "-a", "-m", "t", "pushed"]);
        work.git(&["push", "-q", "origin", "HEAD", "pushed"]);
        assert!(finds("q=delta").await && finds("tag=pushed").await && !finds("q=gamma").await);
        // By Hugging Face's clients.
        let lines = format!(
            "{}\n{}\n",
            json!({"key": "header", "value": {"summary": "s"}}),
            json!({"key": "file", "value": {"path": "README.md", "content": "IyBFcHNpbG9u", "encoding": "base64"}})
        );
        let commit = server.request("POST", "/api/datasets/ada/birds/commit/next", Some(&ada.token));
        assert_eq!(Reply::of(commit.header("content-type", "application/x-ndjson").body(lines)).await.status, 200);
        assert!(finds("q=epsilon").await);

        // A change of visibility is effective immediately too.
        assert_eq!(found(&server, None, "q=delta").await.len(), 0);
        let settings = async |private: bool| {
            let request = server.request("PUT", "/api/datasets/ada/birds/settings", Some(&ada.token));
            let request = request.header("content-type", "application/json").body(json!({"private": private}).to_string());
            assert_eq!(Reply::of(request).await.status, 200);
        };
        settings(false).await;
        assert_eq!(found(&server, None, "q=delta").await, ["ada/birds"]);
        settings(true).await;
        assert_eq!(found(&server, None, "q=delta").await.len(), 0);

        send(&server, &ada, "DELETE", "/ada/birds", &Value::Null).await;
        assert!(!finds("q=delta").await);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM search").await, 0);
        // The name may be used again, and says what the new one says.
        make(&server, &ada, "ada/birds", "private", plain("Zeta", &[])).await;
        assert!(finds("q=zeta").await && !finds("q=delta").await);
    }
}

story! {
    async fn the_job_indexes_missed_changes(server: Server) {
        let ada = server.person("ada").await;
        for number in 0..5 {
            make(&server, &ada, &format!("ada/d{number}"), "public", plain("Missed", &[])).await;
        }
        indexed(&server).await;
        // As after an upgrade.
        execute(&server.app.db, "DELETE FROM search_card WHERE number % 2 >= 0").await;
        assert_eq!(found(&server, None, "q=missed").await.len(), 0);
        server.app.datasets.reindex_stale().await.unwrap();
        assert_eq!(found(&server, None, "q=missed").await.len(), 5);
        execute(&server.app.db, "UPDATE search_card SET generation = generation - 1, digest = ''").await;
        server.app.datasets.reindex_stale().await.unwrap();
        let stale = "SELECT COUNT(*) FROM dataset d JOIN search_card c ON c.repo_id = d.id WHERE c.generation <> d.generation";
        assert_eq!(count(&server.app.db, stale).await, 0);
        assert_eq!(found(&server, None, "q=missed").await.len(), 5);
    }
}

story! {
    async fn query_syntax_is_treated_as_text(server: Server) {
        let ada = server.person("ada").await;
        make(&server, &ada, "ada/birds", "public", plain("Near or not and", &["o'hara \"x\" \\ %_*"])).await;
        make(&server, &ada, "ada/private", "private", plain("Near or not and", &["o'hara \"x\" \\ %_*"])).await;
        for query in [
            "q=near", "q=NEAR(near,+2)", "q=%22near%22", "q=near+OR+not", "q=near+AND+NOT", "q='near'", "q=near%00",
            "q=near%3B--", "q=near+and*", "q=(near", "q=near)", "q=near+%26+not+%7C+%21or", "q=%27near%27%3A*",
            "q=-near", "q=%5Enear", "q=words:near", "keyword=O'Hara+%22x%22+%5C+%25_*",
        ] {
            let reply = ask(&server, None, query).await;
            assert_eq!(reply.status, 200, "{query} {}", reply.text());
            // `2` and `words` are words that it does not have.
            let has_others = query.contains("(near,") || query.contains("words");
            let expected = usize::from(!has_others);
            assert_eq!(ids(&reply.json()).len(), expected, "{query}");
        }
        for query in [
            "q=%22", "q=*", "q=%00", "q='%3B+DROP+TABLE+dataset", "q=%22%22%22", "q=NEAR(a+b)", "q=%27+OR+1%3D1",
            "keyword='", "tag=%22", "format=%00", "license=*", "q=%F0%9F%A6%89", "q=k%3D00", "q=%3Dnear+none",
        ] {
            let reply = ask(&server, None, query).await;
            assert_eq!((reply.status, ids(&reply.json()).len()), (200, 0), "{query} {}", reply.text());
        }
        let long = format!("q={}", "x+".repeat(5000));
        assert_eq!(ask(&server, None, &long).await.status, 200);
        for query in [
            &format!("q={}", (0..40).map(|number| format!("w{number}")).collect::<Vec<_>>().join("+")), "q=ab*", "limit=0",
            "limit=1001", "limit=x", "sort=size", "cursor=x", "cursor=h1&sort=updated", "cursor=o-1", "cursor=c1&sort=created",
            "owner=a%20b",
        ] {
            let reply = ask(&server, None, query).await;
            assert_eq!((reply.status, reply.header("content-type")), (422, "application/problem+json"), "{query}");
        }
    }
}

story! {
    async fn matches_in_titles_rank_first_and_then_recent_changes(server: Server) {
        let ada = server.person("ada").await;
        for (name, title) in [("first", "Owls"), ("second", "Nothing"), ("third", "More owls"), ("fourth", "None")] {
            make(&server, &ada, &format!("ada/{name}"), "public", plain(title, &["owl"])).await;
            server.clock.advance(std::time::Duration::from_secs(90));
        }
        let names = |list: Vec<String>| list.join(" ").replace("ada/", "");
        assert_eq!(names(found(&server, None, "q=owl").await), "third first fourth second");
        assert_eq!(names(found(&server, None, "q=owl&sort=updated").await), "fourth third second first");
        send(&server, &ada, "PATCH", "/ada/first", &json!({"package": {"version": "2"}})).await;
        assert_eq!(names(found(&server, None, "q=owl").await), "first third fourth second");
        assert_eq!(names(found(&server, None, "").await), "first fourth third second");
        assert_eq!(names(found(&server, None, "sort=created").await), "fourth third second first");
        let mut paged = Vec::new();
        let mut cursor = String::new();
        for _ in 0..4 {
            let page = search_ok(&server, None, &format!("q=owl&limit=1&cursor={cursor}")).await;
            paged.extend(ids(&page));
            page["next_cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
        }
        assert_eq!((names(paged), cursor.as_str()), ("first third fourth second".to_owned(), ""));
        server.dataset("ada/empty", Visibility::Public).await;
        assert_eq!(found(&server, None, "q=empty").await, ["ada/empty"]);
    }
}

story! {
    async fn results_have_the_size_of_a_dataset_and_of_its_main_table(server: Server) {
        let ada = server.person("ada").await;
        make(&server, &ada, "ada/empty", "public", json!({"name": "empty", "resources": []})).await;
        make(&server, &ada, "ada/birds", "public", plain("Birds", &[])).await;
        let put = async |text: &'static str, rows: &Value| {
            let file = server.request("PUT", "/api/v1/drive/ada/birds/files/table.csv", Some(&ada.token)).body(text);
            assert!(Reply::of(file).await.status < 300);
            let mut package = package("Birds", &[], &["name", "count"]);
            let schema = package["resources"][0]["schema"].take();
            package["resources"][0] = json!({
                "name": "table", "path": "table.csv", "bytes": 18, "stats": {"rows": rows}, "schema": schema,
            });
            send(&server, &ada, "PUT", "/ada/birds", &json!({"package": package})).await;
            let found = search_ok(&server, None, "q=birds").await;
            let item = found["items"][0].clone();
            (item["rows"].clone(), item["columns"].clone(), item["bytes"].as_u64().unwrap())
        };
        let (rows, columns, small) = put("name,count\nwren,1\n", &json!(1)).await;
        assert_eq!((rows, columns), (json!(1), json!(2)));
        let summary = Reply::of(server.request("GET", &format!("{ROOT}/ada/birds/summary/HEAD"), None)).await.json();
        assert_eq!(summary["bytes"], small, "{summary}");
        // The file was changed since it was described.
        let (rows, columns, large) = put("name,count\nwren,1\nowl,2\n", &json!(1)).await;
        assert_eq!((rows, columns, large), (Value::Null, json!(2), small + 6));
        let empty = search_ok(&server, None, "q=empty").await["items"][0].clone();
        assert_eq!((&empty["rows"], &empty["columns"]), (&Value::Null, &Value::Null), "{empty}");
    }
}
