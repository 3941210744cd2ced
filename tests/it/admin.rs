//! Administration of the site, over HTTP.

use std::time::Duration;

use lfs::Oid;
use rutter::jobs::{self, Kind};
use rutter::types::{Role, Visibility};
use serde_json::{Value, json};

use crate::harness::{Person, Server, eventually, noise, story};

const ADMIN: &str = "/api/v1/admin";

impl Server {
    /// All items of a list, page by page.
    async fn listed(&self, person: &Person, url: &str, limit: usize) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        let and = if url.contains('?') { "&" } else { "?" };
        loop {
            let said = self.done(person, "GET", &format!("{url}{and}limit={limit}{cursor}"), Value::Null).await;
            let page = said["items"].as_array().unwrap();
            assert!(page.len() <= limit);
            items.extend(page.iter().cloned());
            match said["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

story! {
    async fn administrators_see_users_and_suspend_them(server: Server) {
        let (root, ada) = (server.administrator("root").await, server.person("ada").await);
        for name in ["ben", "cleo", "dora"] {
            server.person(name).await;
        }
        server.dataset("ada/data", Visibility::Private).await;
        server.upload(&ada.token, "ada/data", &noise(1, 321)).await;
        let users = format!("{ADMIN}/users");
        let all = server.listed(&root, &users, 2).await;
        let names: Vec<&str> = all.iter().map(|user| user["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["ada", "ben", "cleo", "dora", "root"], "each once");
        assert_eq!((&all[0]["bytes"], &all[0]["datasets"], &all[0]["admin"]), (&json!(321), &json!(1), &json!(false)));
        assert_eq!((&all[4]["admin"], &all[1]["last_used"]), (&json!(true), &Value::Null));
        for (words, expected) in [("q=DORA", 1), ("q=ben%40ex", 1), ("q=a", 5), ("q=%25", 0), ("q=_", 0), ("q=", 5)] {
            assert_eq!(server.listed(&root, &format!("{users}?{words}"), 100).await.len(), expected, "{words}");
        }

        // A suspended user is out at once, and comes back as they were.
        let one = format!("{users}/ada");
        let cookie = server.cookie("ada").await;
        let sits = async || server.says(Some(&cookie), "GET", "/api/v1/owners", Value::Null).await.0;
        assert_eq!(sits().await, 200);
        server.done(&root, "PATCH", &one, json!({"suspended": true})).await;
        assert_eq!(sits().await, 401);
        server.done(&root, "PATCH", &one, json!({"suspended": true})).await;
        assert_eq!(server.tries(&ada, "GET", "/api/v1/owners", Value::Null).await, 401);
        assert_eq!(server.listed(&root, &format!("{users}?q=ada"), 10).await[0]["suspended"], true);
        server.done(&root, "PATCH", &one, json!({"suspended": false})).await;
        assert_eq!(server.tries(&ada, "GET", "/api/v1/owners", Value::Null).await, 200);
        assert_eq!(sits().await, 401, "the sessions have ended");

        // Who administers.
        assert_eq!(server.tries(&ada, "GET", &users, Value::Null).await, 403);
        server.done(&root, "PATCH", &one, json!({"admin": true})).await;
        assert_eq!(server.tries(&ada, "GET", &users, Value::Null).await, 200);
        for body in [json!({"admin": false}), json!({"suspended": true})] {
            assert_eq!(server.tries(&ada, "PATCH", &one, body).await, 409, "nobody ends their own rights");
        }
        server.done(&ada, "PATCH", &format!("{users}/root"), json!({"admin": false})).await;
        assert_eq!(server.tries(&root, "GET", &users, Value::Null).await, 403);
        assert_eq!(server.tries(&ada, "PATCH", &format!("{users}/nobody"), json!({"admin": true})).await, 404);
        assert_eq!(server.tries(&ada, "PATCH", &one, json!({"name": "x"})).await, 422);
        // A token of an administrator that is for less is not for this.
        for scope in ["read", "write", "own:ada/data"] {
            let token = server.token("ada", &[scope]).await;
            assert_eq!(server.says(Some(&token), "GET", &users, Value::Null).await.0, 403, "{scope}");
        }
        assert_eq!(server.says(None, "GET", &users, Value::Null).await.0, 401);
    }
}

story! {
    async fn an_administrator_has_a_password_chosen_anew_and_invites(server: Server) {
        let (root, _ada) = (server.administrator("root").await, server.person("ada").await);
        let (status, _) = server.says(Some(&root.token), "POST", &format!("{ADMIN}/users/ada/reset"), Value::Null).await;
        assert_eq!(status, 202);
        let ticket = server.letter_to("ada@example.org", 1).await.ticket("reset");
        let body = json!({"token": ticket, "password": "correct horse"});
        assert_eq!(server.says(None, "POST", "/api/v1/accounts/reset/confirm", body).await.0, 204);
        assert_eq!(server.tries(&root, "POST", &format!("{ADMIN}/users/nobody/reset"), Value::Null).await, 404);

        let invitations = format!("{ADMIN}/invitations");
        assert_eq!(server.tries(&root, "POST", &invitations, json!({"email": "ada@example.org"})).await, 409);
        assert_eq!(server.tries(&root, "POST", &invitations, json!({"email": "nonsense"})).await, 422);
        let sent = server.done(&root, "POST", &invitations, json!({"email": "new@example.org"})).await;
        let open = server.done(&root, "GET", &invitations, Value::Null).await;
        assert_eq!(open["items"], json!([sent]));
        let ticket = server.letter_to("new@example.org", 1).await.ticket("invite");
        let (_, shown) = server.says(None, "POST", "/api/v1/invitations/show", json!({"token": ticket})).await;
        assert_eq!((shown.get("organisation"), &shown["account"]), (None, &json!(false)));
        let body = json!({"token": ticket, "name": "newbie", "password": "correct horse"});
        let (status, said) = server.says(None, "POST", "/api/v1/invitations/accept", body).await;
        assert_eq!((status, said), (201, json!({"user": "newbie"})));
        assert_eq!(server.done(&root, "GET", &invitations, Value::Null).await["items"], json!([]));

        let sent = server.done(&root, "POST", &invitations, json!({"email": "other@example.org"})).await;
        let one = format!("{invitations}/{}", sent["id"].as_str().unwrap());
        // An invitation to the site is not one of an organisation.
        server.organisation("org", &[(&root, Role::Owner)]).await;
        let elsewhere = format!("/api/v1/organisations/org/invitations/{}", sent["id"].as_str().unwrap());
        assert_eq!(server.tries(&root, "DELETE", &elsewhere, Value::Null).await, 404);
        server.done(&root, "DELETE", &one, Value::Null).await;
        assert_eq!(server.tries(&root, "DELETE", &one, Value::Null).await, 404);
        assert_eq!(server.tries(&root, "DELETE", &format!("{invitations}/none"), Value::Null).await, 404);
    }
}

story! {
    async fn figures_of_the_site_are_told(server: Server) {
        let (root, ada) = (server.administrator("root").await, server.person("ada").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        for (path, size) in [("ada/one", 100), ("ada/two", 200), ("org/big", 5000)] {
            server.dataset(path, Visibility::Private).await;
            server.upload(&ada.token, path, &noise(7, size)).await;
        }
        let told = server.done(&root, "GET", &format!("{ADMIN}/usage"), Value::Null).await;
        let figures = ["users", "organisations", "datasets", "objects", "bytes"].map(|name| told[name].as_u64().unwrap());
        assert_eq!(figures, [2, 1, 3, 3, 5300]);
        let expected = json!({"owner": "org", "kind": "organisation", "datasets": 1, "bytes": 5000, "quota_bytes": null});
        assert_eq!((&told["items"][0], told["items"].as_array().unwrap().len()), (&expected, 3));
        assert_eq!(told["items"][1], json!({"owner": "ada", "kind": "user", "datasets": 2, "bytes": 300, "quota_bytes": null}));
        let stores = server.done(&root, "GET", &format!("{ADMIN}/stores"), Value::Null).await;
        let expected =
            json!([{"name": "default", "kind": "folder", "objects": 3, "bytes": 5300, "unproven": 0, "quarantined": 0}]);
        assert_eq!(stores["items"], expected);
    }
}

story! {
    async fn quotas_are_seen_and_changed(server: Server) {
        let (root, ada) = (server.administrator("root").await, server.person("ada").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        for (path, size) in [("ada/small", 100), ("ada/large", 2000), ("org/data", 30)] {
            server.dataset(path, Visibility::Private).await;
            server.upload(&ada.token, path, &noise(7, size)).await;
        }
        let url = |subject: &str| format!("{ADMIN}/quotas/{}", subject.replace('/', "%2F"));
        let of = async |subject: &str| server.done(&root, "GET", &url(subject), Value::Null).await;
        assert_eq!(of("ada").await, json!({"bytes": 2100, "objects": 2, "quota_bytes": null}));
        assert_eq!(of("ada/large").await, json!({"bytes": 2000, "objects": 1, "quota_bytes": null}));

        // What is held stays; what is too much does not come.
        let held = server.done(&root, "PUT", &url("ada/large"), json!({"bytes": 1000})).await;
        assert_eq!(held, json!({"bytes": 2000, "objects": 1, "quota_bytes": 1000}));
        server.done(&root, "PUT", &url("ada"), json!({"bytes": 2100})).await;
        server.done(&root, "PUT", &url("org"), json!({"bytes": 0})).await;
        let told = server.done(&root, "GET", &format!("{ADMIN}/usage"), Value::Null).await;
        assert_eq!((&told["items"][0]["quota_bytes"], &told["items"][1]["quota_bytes"]), (&json!(2100), &json!(0)));
        let more = json!({"operation": "upload", "objects": [{"oid": Oid::of(b"more"), "size": 4}]});
        for path in ["ada/small", "ada/large", "org/data"] {
            let (_, told) = server.batch(Some(&ada.token), path, &more).await;
            assert_eq!(told["objects"][0]["error"]["code"], 507, "{path}: {told}");
        }
        // No bound is something else than the one that is configured, and neither is said by mistake.
        server.done(&root, "PUT", &url("ada"), json!({"bytes": null})).await;
        server.done(&root, "DELETE", &url("org"), Value::Null).await;
        for subject in ["ada", "org"] {
            assert_eq!(of(subject).await["quota_bytes"], Value::Null);
        }
        server.upload(&ada.token, "ada/small", b"more").await;
        for body in [json!({}), json!({"bytes": -1}), json!({"bytes": 1.5}), json!({"bytes": "1GB"}), json!({"quota": 1})] {
            assert_eq!(server.tries(&root, "PUT", &url("ada"), body.clone()).await, 422, "{body}");
        }
        server.done(&root, "PUT", &url("ada"), json!({"bytes": u64::MAX})).await;
        assert_eq!(of("ada").await["quota_bytes"], json!(i64::MAX), "more than there can be");
        for nobody in ["nobody", "ada/nothing", "..", "a/b/c/d"] {
            assert_eq!(server.tries(&root, "PUT", &url(nobody), json!({"bytes": 1})).await, 404, "{nobody}");
        }
        // Not for those whom it bounds.
        for (method, body) in [("GET", Value::Null), ("PUT", json!({"bytes": null})), ("DELETE", Value::Null)] {
            assert_eq!(server.tries(&ada, method, &url("ada/large"), body).await, 403, "{method}");
        }
        let lines = server.listed(&root, &format!("{ADMIN}/audit?actor=root&action=dataset.quota"), 10).await;
        assert_eq!((lines.len(), &lines[0]["subject"], &lines[0]["detail"]), (1, &json!("ada/large"), &json!("1000")));
    }
}

story! {
    async fn jobs_are_listed_and_done_sooner(server: Server) {
        let (root, ada) = (server.administrator("root").await, server.person("ada").await);
        let gone = server.clock.id().to_string();
        let mut tx = server.app.db.write().await.unwrap();
        let later = Duration::from_hours(5);
        jobs::enqueue(&mut tx, &server.clock, Kind::RepackPacks, &gone, later).await.unwrap();
        tx.commit().await.unwrap();
        let url = format!("{ADMIN}/jobs");
        let find = async || {
            let jobs = server.listed(&root, &url, 2).await;
            jobs.into_iter().find(|job| job["subject"] == gone.as_str())
        };
        let job = find().await.unwrap();
        assert_eq!((&job["kind"], &job["running"], &job["last_error"]), (&json!("consolidate"), &json!(false), &Value::Null));
        let run = format!("{url}/{}/run", job["id"].as_str().unwrap());
        assert_eq!(server.tries(&ada, "POST", &run, Value::Null).await, 403);
        server.done(&root, "POST", &run, Value::Null).await;
        eventually("the job was done", async || find().await.is_none()).await;
        assert_eq!(server.tries(&root, "POST", &run, Value::Null).await, 404);
        assert_eq!(server.tries(&root, "POST", &format!("{url}/none/run"), Value::Null).await, 404);
        let kinds: Vec<Value> = server.listed(&root, &url, 3).await.into_iter().map(|job| job["kind"].clone()).collect();
        assert!(kinds.contains(&json!("sweep")), "{kinds:?}");
        assert_eq!(server.tries(&root, "GET", &format!("{url}?cursor=none"), Value::Null).await, 422);
    }
}

story! {
    async fn the_audit_trail_is_searched(server: Server) {
        let (root, ada) = (server.administrator("root").await, server.person("ada").await);
        server.clock.advance(Duration::from_hours(1));
        let begun = server.clock.now();
        server.done(&ada, "POST", "/api/v1/organisations", json!({"name": "org"})).await;
        for name in ["one", "two", "three"] {
            server.done(&ada, "POST", "/api/v1/organisations/org/groups", json!({"name": name})).await;
            server.clock.advance(Duration::from_mins(10));
        }
        let middle = server.clock.now();
        server.done(&ada, "POST", "/api/v1/datasets", json!({"id": "org/Data_1"})).await;
        server.done(&root, "PATCH", &format!("{ADMIN}/users/ada"), json!({"suspended": true})).await;
        let search = async |query: &str, limit: usize| {
            let lines = server.listed(&root, &format!("{ADMIN}/audit?{query}"), limit).await;
            let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
            let told = lines.iter().map(|line| format!("{} {} {}", text(line, "actor"), text(line, "action"), text(line, "subject")));
            told.collect::<Vec<_>>()
        };
        let since = format!("since={}", begun.rfc3339());
        let expected = [
            "root user.suspend ada",
            "ada dataset.create org/data_1",
            "ada organisation.group org",
            "ada organisation.group org",
            "ada organisation.group org",
            "ada organisation.add org",
        ];
        assert_eq!(search(&since, 2).await, expected, "the newest first, each once, page by page");
        assert_eq!(search(&format!("{since}&until={}", middle.rfc3339()), 2).await, expected[2..]);
        assert_eq!(search(&format!("{since}&actor=root"), 10).await, expected[..1]);
        assert_eq!(search(&format!("{since}&action=organisation"), 3).await, expected[2..]);
        assert_eq!(search(&format!("{since}&action=organisation.add"), 3).await, expected[5..]);
        assert_eq!(search(&format!("{since}&action=org"), 3).await, Vec::<String>::new());
        assert_eq!(search(&format!("{since}&q=THREE"), 3).await, expected[2..3]);
        assert_eq!(search(&format!("{since}&q=a_1"), 3).await, expected[1..2], "what means something in a pattern is plain text");
        assert_eq!(search("actor=operator&action=user.add&q=ada", 3).await.len(), 1);
        for wrong in ["since=yesterday", "until=x", "cursor=x", "limit=0"] {
            assert_eq!(server.tries(&root, "GET", &format!("{ADMIN}/audit?{wrong}"), Value::Null).await, 422, "{wrong}");
        }
        // What people try and may not is in it too.
        server.done(&root, "PATCH", &format!("{ADMIN}/users/ada"), json!({"suspended": false})).await;
        assert_eq!(server.tries(&ada, "GET", &format!("{ADMIN}/audit"), Value::Null).await, 403);
        eventually("the refusal is in the trail", async || {
            search("actor=ada&action=access.refused", 10).await == ["ada access.refused site"]
        })
        .await;
        let line = &server.listed(&root, &format!("{ADMIN}/audit?action=dataset"), 10).await[0];
        assert!(line["request"].as_str().is_some_and(|id| !id.is_empty()), "{line}");
    }
}
