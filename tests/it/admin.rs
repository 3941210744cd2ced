//! Administration of the site, over HTTP.

use std::time::Duration;

use lfs::Oid;
use rutter::jobs::{self, Kind};
use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Server, eventually, noise, story};
use serde_json::{Value, json};

const ADMIN: &str = "/api/v1/admin";

/// All items of a list, page by page.
async fn all_pages(server: &Server, person: &Person, url: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    let and = if url.contains('?') { "&" } else { "?" };
    loop {
        let said = server.ok(person, "GET", &format!("{url}{and}limit={limit}{cursor}"), Value::Null).await;
        let page = said["items"].as_array().unwrap();
        assert!(page.len() <= limit);
        items.extend(page.iter().cloned());
        match said["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

story! {
    async fn administrators_list_and_suspend_users(server: Server) {
        let (root, ada) = (server.administrator("root").await, server.person("ada").await);
        for name in ["ben", "cleo", "dora"] {
            server.person(name).await;
        }
        server.dataset("ada/data", Visibility::Private).await;
        server.upload(&ada.token, "ada/data", &noise(1, 321)).await;
        let users = format!("{ADMIN}/users");
        let all = all_pages(&server, &root, &users, 2).await;
        let names: Vec<&str> = all.iter().map(|user| user["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["ada", "ben", "cleo", "dora", "root"], "each once");
        assert_eq!((&all[0]["bytes"], &all[0]["datasets"], &all[0]["admin"]), (&json!(321), &json!(1), &json!(false)));
        assert_eq!((&all[4]["admin"], &all[1]["last_used"]), (&json!(true), &Value::Null));
        for (words, expected) in [("q=DORA", 1), ("q=ben%40ex", 1), ("q=a", 5), ("q=%25", 0), ("q=_", 0), ("q=", 5)] {
            assert_eq!(all_pages(&server, &root, &format!("{users}?{words}"), 100).await.len(), expected, "{words}");
        }

        // A suspended user is signed out immediately, and restored unchanged.
        let one = format!("{users}/ada");
        let cookie = server.cookie("ada").await;
        let sits = async || server.json(Some(&cookie), "GET", "/api/v1/owners", Value::Null).await.0;
        assert_eq!(sits().await, 200);
        server.ok(&root, "PATCH", &one, json!({"suspended": true})).await;
        assert_eq!(sits().await, 401);
        server.ok(&root, "PATCH", &one, json!({"suspended": true})).await;
        assert_eq!(server.status(&ada, "GET", "/api/v1/owners", Value::Null).await, 401);
        assert_eq!(all_pages(&server, &root, &format!("{users}?q=ada"), 10).await[0]["suspended"], true);
        server.ok(&root, "PATCH", &one, json!({"suspended": false})).await;
        assert_eq!(server.status(&ada, "GET", "/api/v1/owners", Value::Null).await, 200);
        assert_eq!(sits().await, 401, "the sessions have ended");

        // Administrators.
        assert_eq!(server.status(&ada, "GET", &users, Value::Null).await, 403);
        server.ok(&root, "PATCH", &one, json!({"admin": true})).await;
        assert_eq!(server.status(&ada, "GET", &users, Value::Null).await, 200);
        for body in [json!({"admin": false}), json!({"suspended": true})] {
            assert_eq!(server.status(&ada, "PATCH", &one, body).await, 409, "you cannot revoke your own rights");
        }
        server.ok(&ada, "PATCH", &format!("{users}/root"), json!({"admin": false})).await;
        assert_eq!(server.status(&root, "GET", &users, Value::Null).await, 403);
        assert_eq!(server.status(&ada, "PATCH", &format!("{users}/missing"), json!({"admin": true})).await, 404);
        assert_eq!(server.status(&ada, "PATCH", &one, json!({"name": "x"})).await, 422);
        // A limited token of an administrator is refused.
        for scope in ["read", "write", "own:ada/data"] {
            let token = server.token("ada", &[scope]).await;
            assert_eq!(server.json(Some(&token), "GET", &users, Value::Null).await.0, 403, "{scope}");
        }
        assert_eq!(server.json(None, "GET", &users, Value::Null).await.0, 401);
    }
}

story! {
    async fn an_administrator_resets_passwords_and_invites(server: Server) {
        let (root, _ada) = (server.administrator("root").await, server.person("ada").await);
        let (status, _) = server.json(Some(&root.token), "POST", &format!("{ADMIN}/users/ada/reset"), Value::Null).await;
        assert_eq!(status, 202);
        let ticket = server.email_to("ada@example.org", 1).await.token_in_link("reset");
        let body = json!({"token": ticket, "password": "correct horse"});
        assert_eq!(server.json(None, "POST", "/api/v1/accounts/reset/confirm", body).await.0, 204);
        assert_eq!(server.status(&root, "POST", &format!("{ADMIN}/users/missing/reset"), Value::Null).await, 404);

        let invitations = format!("{ADMIN}/invitations");
        assert_eq!(server.status(&root, "POST", &invitations, json!({"email": "ada@example.org"})).await, 409);
        assert_eq!(server.status(&root, "POST", &invitations, json!({"email": "nonsense"})).await, 422);
        let sent = server.ok(&root, "POST", &invitations, json!({"email": "new@example.org"})).await;
        let open = server.ok(&root, "GET", &invitations, Value::Null).await;
        assert_eq!(open["items"], json!([sent]));
        let ticket = server.email_to("new@example.org", 1).await.token_in_link("invite");
        let (_, shown) = server.json(None, "POST", "/api/v1/invitations/show", json!({"token": ticket})).await;
        assert_eq!((shown.get("organisation"), &shown["account"]), (None, &json!(false)));
        let body = json!({"token": ticket, "name": "newbie", "password": "correct horse"});
        let (status, said) = server.json(None, "POST", "/api/v1/invitations/accept", body).await;
        assert_eq!((status, said), (201, json!({"user": "newbie"})));
        assert_eq!(server.ok(&root, "GET", &invitations, Value::Null).await["items"], json!([]));

        let sent = server.ok(&root, "POST", &invitations, json!({"email": "other@example.org"})).await;
        let one = format!("{invitations}/{}", sent["id"].as_str().unwrap());
        // An invitation to the site is not an invitation to an organisation.
        server.organisation("org", &[(&root, Role::Owner)]).await;
        let elsewhere = format!("/api/v1/organisations/org/invitations/{}", sent["id"].as_str().unwrap());
        assert_eq!(server.status(&root, "DELETE", &elsewhere, Value::Null).await, 404);
        server.ok(&root, "DELETE", &one, Value::Null).await;
        assert_eq!(server.status(&root, "DELETE", &one, Value::Null).await, 404);
        assert_eq!(server.status(&root, "DELETE", &format!("{invitations}/none"), Value::Null).await, 404);
    }
}

story! {
    async fn administrators_see_statistics_of_the_site(server: Server) {
        let (root, ada) = (server.administrator("root").await, server.person("ada").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        for (path, size) in [("ada/one", 100), ("ada/two", 200), ("org/big", 5000)] {
            server.dataset(path, Visibility::Private).await;
            server.upload(&ada.token, path, &noise(7, size)).await;
        }
        let answer = server.ok(&root, "GET", &format!("{ADMIN}/usage"), Value::Null).await;
        let figures = ["users", "organisations", "datasets", "objects", "bytes", "stored_bytes"].map(|name| answer[name].as_u64().unwrap());
        assert_eq!(figures, [2, 1, 3, 3, 5300, 5300]);
        let expected = json!({"owner": "org", "kind": "organisation", "datasets": 1, "bytes": 5000, "quota_bytes": null});
        assert_eq!((&answer["items"][0], answer["items"].as_array().unwrap().len()), (&expected, 3));
        assert_eq!(answer["items"][1], json!({"owner": "ada", "kind": "user", "datasets": 2, "bytes": 300, "quota_bytes": null}));
        let stores = server.ok(&root, "GET", &format!("{ADMIN}/stores"), Value::Null).await;
        let expected =
            json!([{"name": "default", "kind": "folder", "objects": 3, "bytes": 5300, "stored_bytes": 5300, "unproven": 0, "quarantined": 0}]);
        assert_eq!(stores["items"], expected);
    }
}

story! {
    async fn administrators_see_and_change_quotas(server: Server) {
        let (root, ada) = (server.administrator("root").await, server.person("ada").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        for (path, size) in [("ada/small", 100), ("ada/large", 2000), ("org/data", 30)] {
            server.dataset(path, Visibility::Private).await;
            server.upload(&ada.token, path, &noise(7, size)).await;
        }
        let url = |subject: &str| format!("{ADMIN}/quotas/{}", subject.replace('/', "%2F"));
        let of = async |subject: &str| server.ok(&root, "GET", &url(subject), Value::Null).await;
        assert_eq!(of("ada").await, json!({"bytes": 2100, "objects": 2, "quota_bytes": null}));
        assert_eq!(of("ada/large").await, json!({"bytes": 2000, "objects": 1, "quota_bytes": null}));

        // Existing data stays; new data over the quota is refused.
        let held = server.ok(&root, "PUT", &url("ada/large"), json!({"bytes": 1000})).await;
        assert_eq!(held, json!({"bytes": 2000, "objects": 1, "quota_bytes": 1000}));
        server.ok(&root, "PUT", &url("ada"), json!({"bytes": 2100})).await;
        server.ok(&root, "PUT", &url("org"), json!({"bytes": 0})).await;
        let answer = server.ok(&root, "GET", &format!("{ADMIN}/usage"), Value::Null).await;
        assert_eq!((&answer["items"][0]["quota_bytes"], &answer["items"][1]["quota_bytes"]), (&json!(2100), &json!(0)));
        let more = json!({"operation": "upload", "objects": [{"oid": Oid::of(b"more"), "size": 4}]});
        for path in ["ada/small", "ada/large", "org/data"] {
            let (_, answer) = server.batch(Some(&ada.token), path, &more).await;
            assert_eq!(answer["objects"][0]["error"]["code"], 507, "{path}: {answer}");
        }
        // Unlimited differs from the configured default, and neither is set by an invalid body.
        server.ok(&root, "PUT", &url("ada"), json!({"bytes": null})).await;
        server.ok(&root, "DELETE", &url("org"), Value::Null).await;
        for subject in ["ada", "org"] {
            assert_eq!(of(subject).await["quota_bytes"], Value::Null);
        }
        server.upload(&ada.token, "ada/small", b"more").await;
        for body in [json!({}), json!({"bytes": -1}), json!({"bytes": 1.5}), json!({"bytes": "1GB"}), json!({"quota": 1})] {
            assert_eq!(server.status(&root, "PUT", &url("ada"), body.clone()).await, 422, "{body}");
        }
        server.ok(&root, "PUT", &url("ada"), json!({"bytes": u64::MAX})).await;
        assert_eq!(of("ada").await["quota_bytes"], json!(i64::MAX), "more than there can be");
        for subject in ["missing", "ada/nothing", "..", "a/b/c/d"] {
            assert_eq!(server.status(&root, "PUT", &url(subject), json!({"bytes": 1})).await, 404, "{subject}");
        }
        // Not by the owner of the quota.
        for (method, body) in [("GET", Value::Null), ("PUT", json!({"bytes": null})), ("DELETE", Value::Null)] {
            assert_eq!(server.status(&ada, method, &url("ada/large"), body).await, 403, "{method}");
        }
        let lines = all_pages(&server, &root, &format!("{ADMIN}/audit?actor=root&action=dataset.quota"), 10).await;
        assert_eq!((lines.len(), &lines[0]["subject"], &lines[0]["detail"]), (1, &json!("ada/large"), &json!("1000")));
    }
}

story! {
    async fn administrators_list_jobs_and_run_them_early(server: Server) {
        let (root, ada) = (server.administrator("root").await, server.person("ada").await);
        let gone = server.clock.id().to_string();
        let mut tx = server.app.db.write().await.unwrap();
        let later = Duration::from_hours(5);
        jobs::enqueue(&mut tx, &server.clock, Kind::RepackPacks, &gone, later).await.unwrap();
        tx.commit().await.unwrap();
        let url = format!("{ADMIN}/jobs");
        let find = async || {
            let jobs = all_pages(&server, &root, &url, 2).await;
            jobs.into_iter().find(|job| job["subject"] == gone.as_str())
        };
        let job = find().await.unwrap();
        assert_eq!((&job["kind"], &job["running"], &job["last_error"]), (&json!("consolidate"), &json!(false), &Value::Null));
        let run = format!("{url}/{}/run", job["id"].as_str().unwrap());
        assert_eq!(server.status(&ada, "POST", &run, Value::Null).await, 403);
        server.ok(&root, "POST", &run, Value::Null).await;
        eventually("the job was done", async || find().await.is_none()).await;
        assert_eq!(server.status(&root, "POST", &run, Value::Null).await, 404);
        assert_eq!(server.status(&root, "POST", &format!("{url}/none/run"), Value::Null).await, 404);
        let kinds: Vec<Value> = all_pages(&server, &root, &url, 3).await.into_iter().map(|job| job["kind"].clone()).collect();
        assert!(kinds.contains(&json!("sweep")), "{kinds:?}");
        assert_eq!(server.status(&root, "GET", &format!("{url}?cursor=none"), Value::Null).await, 422);
    }
}

story! {
    async fn the_audit_trail_is_searched(server: Server) {
        let (root, ada) = (server.administrator("root").await, server.person("ada").await);
        server.clock.advance(Duration::from_hours(1));
        let begun = server.clock.now();
        server.ok(&ada, "POST", "/api/v1/organisations", json!({"name": "org"})).await;
        for name in ["one", "two", "three"] {
            server.ok(&ada, "POST", "/api/v1/organisations/org/groups", json!({"name": name})).await;
            server.clock.advance(Duration::from_mins(10));
        }
        let middle = server.clock.now();
        server.ok(&ada, "POST", "/api/v1/datasets", json!({"id": "org/Data_1"})).await;
        server.ok(&root, "PATCH", &format!("{ADMIN}/users/ada"), json!({"suspended": true})).await;
        let search = async |query: &str, limit: usize| {
            let lines = all_pages(&server, &root, &format!("{ADMIN}/audit?{query}"), limit).await;
            let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
            let answer = lines.iter().map(|line| format!("{} {} {}", text(line, "actor"), text(line, "action"), text(line, "subject")));
            answer.collect::<Vec<_>>()
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
            assert_eq!(server.status(&root, "GET", &format!("{ADMIN}/audit?{wrong}"), Value::Null).await, 422, "{wrong}");
        }
        // Refused requests are in it too.
        server.ok(&root, "PATCH", &format!("{ADMIN}/users/ada"), json!({"suspended": false})).await;
        assert_eq!(server.status(&ada, "GET", &format!("{ADMIN}/audit"), Value::Null).await, 403);
        eventually("the refusal is in the trail", async || {
            search("actor=ada&action=access.refused", 10).await == ["ada access.refused site"]
        })
        .await;
        let line = &all_pages(&server, &root, &format!("{ADMIN}/audit?action=dataset"), 10).await[0];
        assert!(line["request"].as_str().is_some_and(|id| !id.is_empty()), "{line}");
    }
}
