//! The LFS locking API, as a client without git sees it.

use std::collections::BTreeSet;

use rutter::types::{Role, Visibility};
use rutter_testing::{LFS_JSON, Person, Reply, Server, story};
use serde_json::{Value, json};

/// Two writers and an owner of one dataset.
async fn people(server: &Server) -> (Person, Person, Person) {
    let (ada, ben, olga) = (server.person("ada").await, server.person("ben").await, server.person("olga").await);
    let members = [(&ada, Role::Writer), (&ben, Role::Writer), (&olga, Role::Owner)];
    server.organisation("org", &members).await;
    server.dataset("org/data", Visibility::Private).await;
    (ada, ben, olga)
}

async fn post_locks(server: &Server, person: &Person, tail: &str, body: &Value) -> Reply {
    server.lfs(Some(&person.token), "org/data", &format!("locks{tail}"), body).await
}

async fn lock(server: &Server, person: &Person, path: &str) -> String {
    let reply = post_locks(server, person, "", &json!({"path": path})).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["lock"]["id"].as_str().unwrap().to_owned()
}

async fn list_locks(server: &Server, person: &Person, query: &str) -> Reply {
    let url = format!("/org/data.git/info/lfs/locks{query}");
    Reply::of(server.request("GET", &url, Some(&person.token)).header("accept", LFS_JSON)).await
}

async fn unlock(server: &Server, person: &Person, id: &str, body: &Value) -> Reply {
    post_locks(server, person, &format!("/{id}/unlock"), body).await
}

fn paths(locks: &Value) -> Vec<String> {
    locks.as_array().unwrap().iter().map(|lock| lock["path"].as_str().unwrap().to_owned()).collect()
}

story! {
    async fn the_life_of_a_lock(server: Server) {
        let (ada, ben, _) = people(&server).await;
        let mut answer = String::new();
        let mut tell = |what: &str, reply: &Reply| {
            assert_eq!(reply.header("content-type"), LFS_JSON, "{what}");
            answer.push_str(&format!("{what}: {}\n\n", reply.shape()));
        };
        tell("nothing is locked", &list_locks(&server, &ada, "").await);
        tell("nothing is in the way", &post_locks(&server, &ada, "/verify", &json!({})).await);
        let main = json!({"name": "refs/heads/main"});
        let taken = post_locks(&server, &ada, "", &json!({"path": "a.csv", "ref": main})).await;
        tell("ada locks", &taken);
        let lock = taken.json()["lock"].clone();
        let id = lock["id"].as_str().unwrap();
        let time = lock["locked_at"].as_str().unwrap();
        assert!(time.len() == 20 && &time[10..11] == "T" && time.ends_with('Z'), "RFC 3339 to the second: {time}");

        let held = post_locks(&server, &ben, "", &json!({"path": "a.csv"})).await;
        tell("ben comes second", &held);
        assert_eq!(held.json()["lock"], lock, "and learns who was first");
        tell("so does ada herself", &post_locks(&server, &ada, "", &json!({"path": "a.csv"})).await);
        tell("ada's view before a push", &post_locks(&server, &ada, "/verify", &json!({"ref": main})).await);
        tell("ben's view before a push", &post_locks(&server, &ben, "/verify", &json!({"ref": null})).await);
        tell("the list", &list_locks(&server, &ben, "").await);
        tell("ben unlocks", &unlock(&server, &ben, id, &json!({})).await);
        tell("ben unlocks by force", &unlock(&server, &ben, id, &json!({"force": true})).await);
        tell("ada unlocks", &unlock(&server, &ada, id, &json!({"force": false, "ref": main})).await);
        tell("ada unlocks again", &unlock(&server, &ada, id, &json!({})).await);
        tell("nothing is locked any more", &list_locks(&server, &ada, "").await);
        insta::assert_snapshot!("life", answer);
    }
}

story! {
    async fn an_owner_may_remove_a_lock(server: Server) {
        let (ada, ben, olga) = people(&server).await;
        let id = lock(&server, &ada, "a.csv").await;
        let asked = unlock(&server, &olga, &id, &json!({})).await;
        assert_eq!((asked.status, asked.json()["message"].as_str().unwrap().contains("--force")), (403, true));
        assert_eq!(unlock(&server, &olga, &id, &json!({"force": true})).await.status, 200);
        lock(&server, &ben, "a.csv").await;
    }
}

story! {
    async fn equivalent_paths_share_one_lock(server: Server) {
        let (ada, ben, _) = people(&server).await;
        let reply = post_locks(&server, &ada, "", &json!({"path": "./data//2026/./a.csv"})).await;
        assert_eq!(reply.json()["lock"]["path"], "data/2026/a.csv");
        for same in ["data/2026/a.csv", "data/2026//a.csv", "./data/2026/a.csv", "data/2026/a.csv/"] {
            assert_eq!(post_locks(&server, &ben, "", &json!({"path": same})).await.status, 409, "{same}");
            let found = list_locks(&server, &ben, &format!("?path={same}")).await.json();
            assert_eq!(paths(&found["locks"]), ["data/2026/a.csv"], "{same}");
        }
        // Paths differ by case and by characters.
        for other in ["data/2026/A.csv", "data/2026/ä.csv", "data/2026/a.csv ", "data"] {
            lock(&server, &ben, other).await;
        }
        let long = "a".repeat(4097);
        for bad in ["", ".", "..", "../a", "a/../../b", "/etc/passwd", "a\0b", long.as_str()] {
            let refused = post_locks(&server, &ada, "", &json!({"path": bad})).await;
            assert_eq!((refused.status, refused.header("content-type")), (422, LFS_JSON), "{bad:?}");
            let found = list_locks(&server, &ada, &format!("?path={}", bad.replace('\0', "%00"))).await;
            assert_eq!(found.status, 200, "{bad:?}: no lock has such a path");
        }
    }
}

story! {
    async fn a_lock_holds_on_all_branches(server: Server) {
        let (ada, ben, _) = people(&server).await;
        let on = |name: &str| json!({"path": "a.csv", "ref": {"name": name}});
        assert_eq!(post_locks(&server, &ada, "", &on("refs/heads/main")).await.status, 201);
        assert_eq!(post_locks(&server, &ben, "", &on("refs/heads/other")).await.status, 409);
        let view = post_locks(&server, &ben, "/verify", &json!({"ref": {"name": "refs/heads/other"}})).await.json();
        assert_eq!(paths(&view["theirs"]), ["a.csv"]);
        let listed = list_locks(&server, &ben, "?refspec=refs/heads/other").await.json();
        assert_eq!(paths(&listed["locks"]), ["a.csv"]);
    }
}

story! {
    async fn the_list_can_be_filtered(server: Server) {
        let (ada, ben, _) = people(&server).await;
        let first = lock(&server, &ada, "a.csv").await;
        lock(&server, &ben, "b.csv").await;
        let all = list_locks(&server, &ada, "").await.json();
        assert_eq!(paths(&all["locks"]), ["b.csv", "a.csv"], "newest first");
        assert_eq!(paths(&list_locks(&server, &ada, "?path=a.csv").await.json()["locks"]), ["a.csv"]);
        assert_eq!(paths(&list_locks(&server, &ada, &format!("?id={first}")).await.json()["locks"]), ["a.csv"]);
        assert_eq!(paths(&list_locks(&server, &ada, &format!("?id={first}&path=b.csv")).await.json()["locks"]), [""; 0]);
        assert_eq!(paths(&list_locks(&server, &ada, "?id=unknown").await.json()["locks"]), [""; 0]);
        assert_eq!(paths(&list_locks(&server, &ada, "?path=&id=&cursor=").await.json()["locks"]), ["b.csv", "a.csv"]);
        for bad in ["?limit=many", "?limit=-1", "?limit=1.5", "?limit=1&limit=2"] {
            let refused = list_locks(&server, &ada, bad).await;
            assert_eq!((refused.status, refused.header("content-type")), (400, LFS_JSON), "{bad}");
            assert!(!refused.json()["message"].as_str().unwrap().is_empty());
        }
    }
}

story! {
    async fn pages_neither_lose_nor_repeat_locks_during_unlocks(server: Server) {
        let (ada, ben, _) = people(&server).await;
        let mut ids = Vec::new();
        for number in 0..130 {
            let person = if number % 2 == 0 { &ada } else { &ben };
            ids.push(lock(&server, person, &format!("{number:03}.csv")).await);
        }
        // No page has more than a hundred, whatever is asked for.
        for query in ["", "?limit=0", "?limit=1000"] {
            let page = list_locks(&server, &ada, query).await.json();
            assert_eq!(page["locks"].as_array().unwrap().len(), 100, "{query}");
            assert!(page["next_cursor"].is_string(), "{query}");
        }
        let mut seen = Vec::new();
        let mut query = "?limit=20".to_owned();
        let mut deleted = BTreeSet::new();
        loop {
            let page = list_locks(&server, &ada, &query).await.json();
            let found = paths(&page["locks"]);
            assert!((1..=20).contains(&found.len()));
            seen.extend(found);
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("?limit=20&cursor={cursor}");
            // The last one of this page, where the next one begins, one that
            // was seen long ago, and one that is still to come.
            let last: usize = seen.last().unwrap()[..3].parse().unwrap();
            for number in [last, 129 - deleted.len(), last.saturating_sub(7)] {
                if deleted.insert(number) {
                    let holder = if number % 2 == 0 { &ada } else { &ben };
                    assert_eq!(unlock(&server, holder, &ids[number], &json!({})).await.status, 200);
                }
            }
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "nothing came twice");
        assert!(seen.is_sorted_by(|left, right| left > right), "newest first");
        for number in (0..130).filter(|number| !deleted.contains(number)) {
            assert!(distinct.contains(&format!("{number:03}.csv")), "{number} was there all the time");
        }
    }
}

story! {
    async fn verify_lists_locks_in_pages(server: Server) {
        let (ada, ben, _) = people(&server).await;
        for number in 0..7 {
            let person = if number < 4 { &ada } else { &ben };
            lock(&server, person, &format!("{number}.csv")).await;
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut request = json!({"limit": 3});
        for expected in [3, 3, 1] {
            let view = post_locks(&server, &ada, "/verify", &request).await.json();
            let (mine, others) = (paths(&view["ours"]), paths(&view["theirs"]));
            assert_eq!(mine.len() + others.len(), expected);
            ours.extend(mine);
            theirs.extend(others);
            request = json!({"limit": 3, "cursor": view["next_cursor"]});
        }
        assert_eq!(request["cursor"], json!(null));
        assert_eq!(ours, ["3.csv", "2.csv", "1.csv", "0.csv"]);
        assert_eq!(theirs, ["6.csv", "5.csv", "4.csv"]);
    }
}

story! {
    async fn of_many_concurrent_requests_one_gets_the_lock(server: Server) {
        let (ada, ben, olga) = people(&server).await;
        let people = [&ada, &ben, &olga, &ada, &ben, &olga];
        let attempts = people.map(|person| async { post_locks(&server, person, "", &json!({"path": "a.csv"})).await });
        let replies = futures::future::join_all(attempts).await;
        let winner: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 201).collect();
        assert_eq!(winner.len(), 1);
        for loser in replies.iter().filter(|reply| reply.status != 201) {
            assert_eq!(loser.status, 409);
            assert_eq!(loser.json()["lock"], winner[0].json()["lock"]);
        }
    }
}

story! {
    async fn invalid_bodies_are_refused_with_a_message(server: Server) {
        let (ada, _, _) = people(&server).await;
        let id = lock(&server, &ada, "a.csv").await;
        let unlock = format!("/{id}/unlock");
        for (tail, body) in [
            ("", json!({})),
            ("", json!({"path": 3})),
            ("", json!({"path": "b", "ref": "main"})),
            ("", json!([])),
            ("/verify", json!({"limit": "x"})),
            ("/verify", json!({"limit": -1})),
            (&unlock, json!({"force": "yes"})),
        ] {
            let refused = post_locks(&server, &ada, tail, &body).await;
            assert_eq!((refused.status, refused.header("content-type")), (400, LFS_JSON), "{tail} {body}");
            assert_eq!(refused.json()["request_id"], refused.header("x-request-id"));
        }
        // An empty body means all defaults.
        for (tail, expected) in [("/verify", 200), (unlock.as_str(), 200)] {
            let request = server.request("POST", &format!("/org/data.git/info/lfs/locks{tail}"), Some(&ada.token));
            assert_eq!(Reply::of(request).await.status, expected, "{tail}");
        }
    }
}

story! {
    async fn locks_of_datasets_are_independent(server: Server) {
        let (ada, _, _) = people(&server).await;
        server.dataset("ada/own", Visibility::Private).await;
        let id = lock(&server, &ada, "a.csv").await;
        let token = Some(ada.token.as_str());
        let elsewhere = server.lfs(token, "ada/own", &format!("locks/{id}/unlock"), &json!({"force": true})).await;
        assert_eq!(elsewhere.status, 404);
        assert_eq!(server.lfs(token, "ada/own", "locks", &json!({"path": "a.csv"})).await.status, 201);
        assert_eq!(paths(&list_locks(&server, &ada, "").await.json()["locks"]), ["a.csv"]);
    }
}
