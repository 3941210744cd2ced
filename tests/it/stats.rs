//! What pages show besides the files: rights, sizes, statistics, and previews of restoring.

use std::time::Duration;

use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Reply, Server, noise, story};
use serde_json::{Value, json};

const ROOT: &str = "/api/v1/datasets";

/// Puts files into a dataset; returns the revision.
async fn put_files(server: &Server, person: &Person, path: &str, files: &[(&str, &str)]) -> String {
    let operations: Vec<Value> =
        files.iter().map(|(path, text)| json!({"operation": "put", "path": path, "content": text})).collect();
    server.commit(person, path, &operations).await
}

story! {
    async fn users_see_their_own_rights(server: Server) {
        let [olga, wanda, rita, sam] = ["olga", "wanda", "rita", "sam"];
        let (olga, wanda) = (server.person(olga).await, server.person(wanda).await);
        let (rita, sam) = (server.person(rita).await, server.person(sam).await);
        let members = [(&olga, Role::Owner), (&wanda, Role::Writer), (&rita, Role::Reader)];
        server.organisation("org", &members).await;
        server.dataset("org/data", Visibility::Internal).await;
        server.upload(&wanda.token, "org/data", &noise(1, 1000)).await;
        let url = format!("{ROOT}/org/data");
        let rights = async |token: &str| {
            let (status, said) = server.json(Some(token), "GET", &url, Value::Null).await;
            assert_eq!(status, 200);
            ["read", "download", "write", "own"].map(|right| said["rights"][right].as_bool().unwrap())
        };
        assert_eq!(rights(&olga.token).await, [true, true, true, true]);
        assert_eq!(rights(&wanda.token).await, [true, true, true, false]);
        assert_eq!(rights(&rita.token).await, [true, true, false, false]);
        assert_eq!(rights(&sam.token).await, [true, true, false, false]);
        // The rights of the token count, not those of its user.
        assert_eq!(rights(&server.token("olga", &["read"]).await).await, [true, true, false, false]);

        let answer = server.get(&rita, &url).await;
        assert_eq!((&answer["bytes"], &answer["objects"]), (&json!(1000), &json!(1)));
        assert_eq!(answer["quota_bytes"], Value::Null);
        assert!(answer["dataset_created"].as_str().unwrap().ends_with('Z'));

        // Only owners change the visibility, and that is effective immediately.
        let visibility = format!("{url}/visibility");
        let private = json!({"visibility": "private"});
        for (person, expected) in [(&sam, 403), (&rita, 403), (&wanda, 403), (&olga, 200)] {
            assert_eq!(server.json(Some(&person.token), "PATCH", &visibility, private.clone()).await.0, expected);
        }
        assert_eq!(server.json(Some(&sam.token), "GET", &url, Value::Null).await.0, 404);
        assert_eq!(server.json(Some(&sam.token), "PATCH", &visibility, private.clone()).await.0, 404);
        assert_eq!(server.get(&rita, &url).await["visibility"], "private");
        let (status, said) = server.json(Some(&olga.token), "PATCH", &visibility, json!({"visibility": "all"})).await;
        assert_eq!(status, 422, "{said}");
        assert!(said["detail"].as_str().unwrap().contains("private, internal or public"));
        assert_eq!(server.json(Some(&olga.token), "PATCH", &visibility, json!({"visibility": "public"})).await.0, 200);
        assert_eq!(server.json(None, "GET", &url, Value::Null).await.1["rights"]["download"], true);
    }
}

story! {
    on(sqlite) async fn an_invalid_package_hides_nothing_else(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let tree = server.tree("ada");
        tree.git(&["remote", "add", "origin", &server.remote(&ada, "ada/data")]);
        tree.write("datapackage.json", "{ not json");
        tree.write("a.txt", "text");
        let bad = tree.commit("Broken");
        tree.git(&["push", "-q", "origin", "main"]);
        let answer = server.get(&ada, &format!("{ROOT}/ada/data")).await;
        assert_eq!((&answer["revision"], &answer["package"]), (&json!(bad), &Value::Null));
        assert!(answer["package_error"].as_str().unwrap().contains("datapackage.json"), "{answer}");
        let one = server.get(&ada, &format!("{ROOT}/ada/data/revisions/HEAD")).await;
        assert_eq!((&one["revision"], &one["package"]), (&json!(bad), &Value::Null));
        assert!(one["package_error"].is_string());
        let missing = format!("{ROOT}/ada/data?revision=nothing");
        assert_eq!(server.json(Some(&ada.token), "GET", &missing, Value::Null).await.0, 404);
        let (status, said) =
            server.json(Some(&ada.token), "PUT", &format!("{ROOT}/ada/data"), json!({"package": {"name": "a"}})).await;
        assert!(status == 200 || status == 422, "{status} {said}");
    }
}

story! {
    async fn owners_lists_where_a_user_can_create_datasets(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        let root = server.administrator("root").await;
        server.organisation("mine", &[(&ada, Role::Owner)]).await;
        server.organisation("ours", &[(&ada, Role::Writer), (&ben, Role::Reader)]).await;
        server.organisation("ours/inner", &[(&ben, Role::Writer)]).await;
        let names = async |token: &str| {
            let (status, said) = server.json(Some(token), "GET", "/api/v1/owners", Value::Null).await;
            assert_eq!(status, 200);
            let items = said["items"].as_array().unwrap().iter();
            items.map(|item| format!("{} {}", item["kind"].as_str().unwrap(), item["name"].as_str().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(names(&ada.token).await, ["user ada", "organisation mine", "organisation ours"]);
        assert_eq!(names(&ben.token).await, ["user ben", "organisation ours/inner"]);
        let all = ["user root", "organisation mine", "organisation ours", "organisation ours/inner"];
        assert_eq!(names(&root.token).await, all);
        // Creation succeeds for listed owners and is refused for others.
        for (token, owner, expected) in [(&ada.token, "ours", 201), (&ben.token, "ours", 404)] {
            let body = json!({"id": format!("{owner}/new-{expected}")});
            assert_eq!(server.json(Some(token), "POST", ROOT, body.clone()).await.0, expected);
        }
        for scope in ["read", "own:mine/data"] {
            assert_eq!(names(&server.token("ada", &[scope]).await).await, Vec::<String>::new(), "{scope}");
        }
        assert_eq!(server.json(None, "GET", "/api/v1/owners", Value::Null).await.0, 401);
        assert_eq!(server.json(None, "GET", "/api/v1/stores", Value::Null).await.0, 401);
        let stores = server.get(&ada, "/api/v1/stores").await;
        assert_eq!(stores["items"], json!([{"name": "default", "default": true}]));
    }
}

story! {
    async fn sizes_and_activity_are_counted(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let url = format!("{ROOT}/ada/data");
        assert_eq!(server.get(&ada, &format!("{url}/growth")).await["items"], json!([]));
        let weeks = server.get(&ada, &format!("{url}/activity?weeks=3")).await;
        assert_eq!(weeks["items"].as_array().unwrap().len(), 3, "also of a dataset without any revision");

        let files = [("a/one.txt", "12345"), ("a/b/two.txt", "1234567"), ("c/three.txt", "123"), ("four.txt", "1")];
        put_files(&server, &ada, "ada/data", &files).await;
        let summary = server.get(&ada, &format!("{url}/summary/main")).await;
        let folders = json!([{"path": "a", "files": 2, "bytes": 12}, {"path": "c", "files": 1, "bytes": 3}]);
        assert_eq!(summary, json!({"files": 4, "bytes": 16, "folders": folders}));
        let inner = server.get(&ada, &format!("{url}/summary/HEAD?path=a/")).await;
        let folders = json!([{"path": "a/b", "files": 1, "bytes": 7}]);
        assert_eq!(inner, json!({"files": 2, "bytes": 12, "folders": folders}));
        for wrong in ["summary/HEAD?path=nothing", "summary/HEAD?path=four.txt", "summary/nothing"] {
            assert_eq!(server.json(Some(&ada.token), "GET", &format!("{url}/{wrong}"), Value::Null).await.0, 404);
        }

        // What Git LFS keeps counts by its content; a folder that is there twice counts twice.
        let tree = server.clone(&ada, "ada/data", "clone");
        tree.git(&["lfs", "install", "--local"]);
        tree.git(&["lfs", "track", "*.bin"]);
        tree.write("big/data.bin", noise(2, 5000));
        tree.write("copy/data.bin", noise(2, 5000));
        tree.commit("Objects");
        tree.git(&["push", "-q", "origin", "main"]);
        let summary = server.get(&ada, &format!("{url}/summary/HEAD")).await;
        let largest: Vec<&Value> = summary["folders"].as_array().unwrap().iter().take(2).collect();
        assert_eq!(largest, [&json!({"path": "big", "files": 1, "bytes": 5000}), &json!({"path": "copy", "files": 1, "bytes": 5000})]);

        // What each revision changed; a file that was moved counts as changed.
        tree.git(&["mv", "a/one.txt", "a/moved.txt"]);
        tree.git(&["rm", "-q", "four.txt", "big/data.bin"]);
        tree.write("c/three.txt", "1234");
        tree.commit("Changes");
        tree.git(&["push", "-q", "origin", "main"]);
        for _ in ["counted", "kept"] {
            let listed = server.get(&ada, &format!("{url}/revisions?stats=true")).await;
            let stats: Vec<Vec<u64>> = listed["items"].as_array().unwrap().iter().map(|one| {
                let number = |name| one["stats"][name].as_u64().unwrap();
                ["added", "changed", "removed", "bytes_added", "bytes_removed"].map(number).to_vec()
            }).collect();
            let attributes = stats[1][3] - 10_000;
            assert!((1..100).contains(&attributes), "the size of .gitattributes, and not of pointers: {listed}");
            let expected = [[0, 2, 2, 9, 5009], [3, 0, 0, 10_000 + attributes, 0], [4, 0, 0, 16, 0]];
            assert_eq!(stats, expected, "{listed}");
        }
        let listed = server.get(&ada, &format!("{url}/revisions")).await;
        assert_eq!(listed["items"][0].get("stats"), None, "only on request");
        // Of one path, what changed there: a file that left the folder was removed.
        let paths: [(&str, &[[u64; 5]]); 4] = [
            ("a", &[[0, 1, 0, 5, 5], [2, 0, 0, 12, 0]]),
            ("a/one.txt", &[[0, 0, 1, 0, 5], [1, 0, 0, 5, 0]]),
            ("big", &[[0, 0, 1, 0, 5000], [1, 0, 0, 5000, 0]]),
            ("four.txt", &[[0, 0, 1, 0, 1], [1, 0, 0, 1, 0]]),
        ];
        for _ in ["counted", "kept"] {
            for (path, expected) in paths {
                let listed = server.get(&ada, &format!("{url}/revisions?stats=true&path={path}")).await;
                let stats: Vec<Vec<u64>> = listed["items"].as_array().unwrap().iter().map(|one| {
                    let number = |name| one["stats"][name].as_u64().unwrap();
                    ["added", "changed", "removed", "bytes_added", "bytes_removed"].map(number).to_vec()
                }).collect();
                assert_eq!(stats, expected, "{path}: {listed}");
            }
        }
        let many = server.json(Some(&ada.token), "GET", &format!("{url}/revisions?stats=true&limit=101"), Value::Null).await;
        assert_eq!(many.0, 422, "{}", many.1);

        let weeks = server.get(&ada, &format!("{url}/activity")).await;
        let weeks = weeks["items"].as_array().unwrap();
        assert_eq!(weeks.len(), 52);
        let answer: u64 = weeks.iter().rev().take(2).map(|week| week["revisions"].as_u64().unwrap()).sum();
        assert_eq!(answer, 3, "{weeks:?}");
        for wrong in ["0", "521", "x"] {
            let (status, _) = server.json(Some(&ada.token), "GET", &format!("{url}/activity?weeks={wrong}"), Value::Null).await;
            assert_eq!(status, 422, "{wrong}");
        }

        // Lists show the versions of the last twelve weeks; what was pushed at once is one.
        crate::search::indexed(&server).await;
        let listed = server.get(&ada, ROOT).await;
        let counted: Vec<u64> = serde_json::from_value(listed["items"][0]["weekly_versions"].clone()).unwrap();
        assert_eq!((counted.len(), counted[10] + counted[11]), (12, 3), "{counted:?}");

        server.clock.advance(Duration::from_hours(3 * 24));
        server.upload(&ada.token, "ada/data", &noise(3, 700)).await;
        let growth = server.get(&ada, &format!("{url}/growth")).await;
        let bytes: Vec<&Value> = growth["items"].as_array().unwrap().iter().map(|day| &day["bytes"]).collect();
        assert_eq!(bytes, [&json!(5000), &json!(5700)], "the same object is held once");
        assert!(growth["items"][0]["at"].as_str().unwrap() < growth["items"][1]["at"].as_str().unwrap());
        server.clock.advance(Duration::from_hours(13 * 7 * 24));
        let later = server.token("ada", &["read"]).await;
        let (_, listed) = server.json(Some(&later), "GET", ROOT, Value::Null).await;
        assert_eq!(listed["items"][0]["weekly_versions"], json!([]), "{listed}");
    }
}

story! {
    on(sqlite) async fn reverting_and_restoring_have_a_dry_run(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.dataset("ada/data", Visibility::Internal).await;
        let url = format!("{ROOT}/ada/data");
        let package = json!({"package": {"name": "d", "title": "One", "resources": [
            {"name": "r", "path": "r.csv", "schema": {"fields": [{"name": "a", "type": "string"}]}}]}});
        assert_eq!(server.json(Some(&ada.token), "PUT", &url, package.clone()).await.0, 200);
        let first = put_files(&server, &ada, "ada/data", &[("r.csv", "a\n1\n"), ("x.txt", "one")]).await;
        assert_eq!(server.json(Some(&ada.token), "PATCH", &url, json!({"package": {"title": "Two"}})).await.0, 200);
        let second = put_files(&server, &ada, "ada/data", &[("r.csv", "a\n2\n"), ("x.txt", "two"), ("new.txt", "new")]).await;

        let post = async |door: &str, token: &str, body: Value| {
            server.json(Some(token), "POST", &format!("{url}/{door}"), body.clone()).await
        };
        // Reverts the last one.
        let (status, answer) = post("revert", &ada.token, json!({"revision": second, "dry_run": true})).await;
        assert_eq!((status, &answer["dry_run"], &answer["from"]), (200, &json!(true), &json!(second)), "{answer}");
        let changes = |answer: &Value| {
            let items = answer["items"].as_array().unwrap().iter();
            items.map(|item| format!("{} {}", item["change"].as_str().unwrap(), item["path"].as_str().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(changes(&answer), ["removed new.txt", "changed r.csv", "changed x.txt"]);
        // Restores everything, and one resource, for which the package is rewritten.
        let (_, whole) = post("restore", &ada.token, json!({"revision": first, "dry_run": true})).await;
        assert_eq!(whole["files"], 4);
        assert!(whole["package"].to_string().contains("Two"), "the metadata is compared: {whole}");
        let change = json!({"package": {"resources": []}});
        assert_eq!(server.json(Some(&ada.token), "PATCH", &url, change.clone()).await.0, 200);
        let body = json!({"revision": first, "resource": "r", "dry_run": true});
        let (status, resource) = post("restore", &ada.token, body).await;
        assert_eq!(status, 200, "{resource}");
        assert_eq!(changes(&resource), ["changed datapackage.json", "changed r.csv"]);
        assert!(resource["items"][0]["after"]["size"].as_u64().unwrap() > 100, "content that is not written yet is listed too");
        assert!(resource["schemas"].to_string().contains("\"r\""), "{resource}");

        // Dry runs change nothing, and refuse what the real request refuses.
        let head = server.get(&ada, &url).await["revision"].clone();
        let revisions = server.get(&ada, &format!("{url}/revisions")).await;
        assert_eq!(revisions["items"].as_array().unwrap().len(), 5);
        let (_, nothing) = post("restore", &ada.token, json!({"revision": "HEAD", "dry_run": true})).await;
        assert_eq!((&nothing["files"], &nothing["items"]), (&json!(0), &json!([])));
        assert_eq!(post("restore", &ada.token, json!({"revision": "HEAD"})).await.0, 422);
        for (door, token, body, expected) in [
            ("revert", &ada.token, json!({"revision": "nothing", "dry_run": true}), 404),
            ("revert", &ada.token, json!({"revision": second, "base_revision": first, "dry_run": true}), 412),
            ("restore", &ada.token, json!({"revision": first, "path": "no", "dry_run": true}), 404),
            ("restore", &eve.token, json!({"revision": first, "dry_run": true}), 403),
        ] {
            assert_eq!(post(door, token, body.clone()).await.0, expected, "{door} {body}");
        }
        // The dry run was right.
        let (status, done) = post("restore", &ada.token, json!({"revision": first, "resource": "r"})).await;
        assert_eq!(status, 200);
        let diff = server.get(&ada, &format!("{url}/diff?from={}&to=HEAD", head.as_str().unwrap())).await;
        assert_eq!(changes(&diff), changes(&resource));
        assert_eq!((&diff["items"], &diff["to"]), (&resource["items"], &done["revision"]));
    }
}

story! {
    on(sqlite) async fn a_browser_is_redirected_to_the_page_of_a_dataset(server: Server) {
        let led = async |path: &str, accept: &str| {
            let reply = Reply::of(server.request("GET", path, None).header("accept", accept)).await;
            (reply.status, reply.headers.get("location").map(|place| place.to_str().unwrap().to_owned()))
        };
        let html = "text/html,application/xhtml+xml,*/*;q=0.8";
        // The same whether there is such a dataset or not.
        assert_eq!(led("/ada/birds", html).await, (303, Some("/d/ada/birds".into())));
        assert_eq!(led("/Ada/Birds.git", html).await, (303, Some("/d/ada/birds".into())));
        assert_eq!(led("/a%2Fb/c", html).await, (303, Some("/d/a%2Fb/c".into())));
        // The pages of the Hugging Face Hub, which its clients print.
        for (hub, page) in [
            ("commit/0a1b", "revision/0a1b"),
            ("commits/main", "history/main"),
            ("tree/main", "tree/main"),
            ("tree/main/a/b%20c", "tree/main/a/b%20c"),
            ("blob/refs%2Fx/a.csv", "file/refs%2Fx/a.csv"),
        ] {
            let expected = (303, Some(format!("/d/ada/birds/{page}")));
            assert_eq!(led(&format!("/datasets/ada/birds/{hub}"), html).await, expected, "{hub}");
            assert_eq!(led(&format!("/datasets/ada/birds/{hub}"), "*/*").await.0, 404);
        }
        for other in ["/api/birds", "/ada/bi%20rds", "/_lfs/x", "/-/x", "/ada/%ff", "/ada"] {
            let (status, place) = led(other, html).await;
            assert!(status >= 400 && place.is_none(), "{other} {status} {place:?}");
        }
        assert_eq!(led("/ada/birds", "application/json").await, (404, None));
    }
}
