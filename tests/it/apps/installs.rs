//! The life of an app: install, start, pause, stop, fail, uninstall; and what its OAuth client may do.

use std::time::Duration;

use rutter::apps::backend::Phase;
use rutter::types::{Role, Visibility};
use rutter_testing::{Reply, story};
use serde_json::{Value, json};

use super::World;

story! {
    async fn an_app_is_installed_used_and_removed(engine: Engine) {
        let world = World::start(engine, false, |_| {}).await;
        let ada = world.server.person("ada").await;
        let reply = world.install(&ada, "ada", "notes").await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        let made = reply.json();
        assert_eq!((&made["state"], &made["wanted"]), (&json!("installing"), &json!("running")));
        assert_eq!(made["url"], format!("http://notes--ada.apps.localhost:{}", world.port()));
        assert!(made["image"].as_str().unwrap().contains("notes@sha256:aaaa"), "{made}");
        world.until(&ada, "notes", "running").await;
        assert_eq!(world.install(&ada, "ada", "notes").await.status, 409, "the name is taken");

        // Pausing keeps the container, stopping does not; each start is a new run with another secret.
        let secret = |world: &World| {
            world.engine.state(|state| state.containers.values().next().map(|it| it.environment["RUTTER_CLIENT_SECRET"].clone()))
        };
        let first = secret(&world).unwrap();
        world.want(&ada, "notes", "paused").await;
        world.until(&ada, "notes", "paused").await;
        world.want(&ada, "notes", "running").await;
        world.until(&ada, "notes", "running").await;
        assert_eq!((secret(&world), world.engine.state(|state| state.created)), (Some(first.clone()), 1));
        world.want(&ada, "notes", "stopped").await;
        world.until(&ada, "notes", "stopped").await;
        assert_eq!(secret(&world), None);
        let logs = world.server.call(Some(&ada.token), "GET", "/api/v1/apps/ada/notes/logs", Value::Null).await;
        assert_eq!(logs.text(), "run 1\n", "of the last run");
        world.want(&ada, "notes", "running").await;
        world.until(&ada, "notes", "running").await;
        assert_ne!(secret(&world).unwrap(), first);

        // Rule 39: a volume is deleted only if that is said, and one that is kept is used again.
        let volume = world.engine.state(|state| state.volumes.clone());
        let delete = async |query: &str| {
            let url = format!("/api/v1/apps/ada/notes{query}");
            world.server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status
        };
        assert_eq!(delete("").await, 422);
        assert_eq!(delete("?volume=keep").await, 202);
        assert_eq!(world.show(&ada, "notes").await["status"], 404);
        world.server.app.worker.run_due().await.unwrap();
        assert_eq!(world.engine.state(|state| (state.containers.len(), state.volumes.clone())), (0, volume.clone()));
        let eve = world.server.person("eve").await;
        let kept = world.server.call(Some(&ada.token), "GET", "/api/v1/volumes", Value::Null).await.json();
        let id = kept["items"][0]["id"].as_str().unwrap().to_owned();
        for (by, expected) in [(&eve, 404), (&ada, 204)] {
            if expected == 204 {
                assert_eq!(world.install(&ada, "ada", "notes").await.status, 202);
                world.until(&ada, "notes", "running").await;
                assert_eq!(world.engine.state(|state| state.volumes.clone()), volume, "the same volume");
                let url = format!("/api/v1/volumes/{id}");
                assert_eq!(world.server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 404, "in use");
                assert_eq!(delete("?volume=remove").await, 202);
            } else {
                let url = format!("/api/v1/volumes/{id}");
                assert_eq!(world.server.call(Some(&by.token), "DELETE", &url, Value::Null).await.status, expected);
            }
        }
        world.server.app.worker.run_due().await.unwrap();
        world.server.app.apps.reconcile().await.unwrap();
        assert_eq!(world.engine.state(|state| (state.containers.len(), state.volumes.len())), (0, 0));
    }
}

story! {
    /// Rule 33: only the image that was shown is installed, and nothing else runs in its place.
    async fn only_the_image_that_was_shown_runs(engine: Engine) {
        let world = World::start(engine, false, |_| {}).await;
        let ada = world.server.person("ada").await;
        let shown = world.digest().await;
        let install = async |digest: Value| {
            let body = json!({ "app": "notes", "digest": digest });
            world.server.call(Some(&ada.token), "POST", "/api/v1/apps/ada", body).await
        };
        assert_eq!(install(Value::Null).await.status, 422);
        assert_eq!(install(json!("sha256:12")).await.status, 422);
        world.engine.push("registry.example/notes:1", 'b');
        let moved = install(json!(shown)).await;
        assert_eq!(moved.status, 409, "{}", moved.text());
        let shown = world.digest().await;
        assert_eq!(install(json!(shown)).await.status, 202);
        world.until(&ada, "notes", "running").await;

        // The tag moves: a restart runs the pinned image.
        world.engine.push("registry.example/notes:1", 'c');
        world.want(&ada, "notes", "stopped").await;
        world.until(&ada, "notes", "stopped").await;
        world.want(&ada, "notes", "running").await;
        let running = world.until(&ada, "notes", "running").await;
        assert!(running["image"].as_str().unwrap().ends_with(&shown[7..]));

        // The engine has another image under the same name.
        world.want(&ada, "notes", "stopped").await;
        world.until(&ada, "notes", "stopped").await;
        world.engine.state(|state| state.image_id = Some("another".into()));
        world.want(&ada, "notes", "running").await;
        let failed = world.until(&ada, "notes", "failed").await;
        assert_eq!(failed["reason"], "another image");
        assert_eq!(world.engine.state(|state| state.containers.len()), 0);

        // An update names the digest that it was shown.
        world.engine.state(|state| state.image_id = None);
        let update = async |digest: String| {
            let body = json!({ "digest": digest });
            world.server.call(Some(&ada.token), "PATCH", "/api/v1/apps/ada/notes", body).await.status
        };
        assert_eq!(update(shown).await, 409);
        assert_eq!(update(world.digest().await).await, 200);
        assert!(world.show(&ada, "notes").await["image"].as_str().unwrap().contains("sha256:cccc"));
    }
}

story! {
    /// Rules 37 and 38.
    async fn apps_of_others_are_not_found(engine: Engine) {
        let world = World::start(engine, false, |_| {}).await;
        let [ada, eve, bob] = ["ada", "eve", "bob"].map(|name| world.server.person(name));
        let (ada, eve, bob) = (ada.await, eve.await, bob.await);
        world.server.organisation("org", &[(&ada, Role::Owner), (&bob, Role::Writer)]).await;
        assert_eq!(world.install(&ada, "ada", "notes").await.status, 202);
        assert_eq!(world.install(&ada, "org", "notes").await.status, 202);
        assert_eq!(world.install(&bob, "org", "mine").await.status, 403, "a member is not an owner");
        assert!([403, 404].contains(&world.install(&eve, "ada", "mine").await.status));
        for (by, install, expected) in [
            (&eve, "ada/notes", 404),
            (&eve, "ada/nothing", 404),
            (&eve, "org/notes", 404),
            (&bob, "org/notes", 404),
            (&ada, "org/notes", 200),
            (&world.admin, "ada/notes", 200),
        ] {
            let call = async |method: &str, rest: &str, body: Value| {
                world.server.call(Some(&by.token), method, &format!("/api/v1/apps/{install}{rest}"), body).await
            };
            let shown = call("GET", "", Value::Null).await;
            assert_eq!(shown.status, expected, "{install} by {}", by.name);
            if expected == 404 {
                let details = shown.json()["detail"].clone();
                assert_eq!(details, "there is no such app, or you cannot use it");
                assert_eq!(call("PUT", "/wanted", json!({ "wanted": "stopped" })).await.status, 404);
                assert_eq!(call("GET", "/logs", Value::Null).await.status, 404);
                assert_eq!(call("PATCH", "", json!({ "visibility": "public" })).await.status, 404);
                assert_eq!(call("DELETE", "?volume=remove", Value::Null).await.status, 404);
            }
        }
        // Members see the apps of their organisation.
        let listed = world.server.call(Some(&bob.token), "GET", "/api/v1/apps", Value::Null).await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
        let stop = async |by: &str| world.server.call(Some(by), "POST", "/api/v1/admin/apps/stop", json!({})).await;
        assert_eq!(stop(&ada.token).await.status, 403);
        assert_eq!(stop(&world.admin.token).await.json(), json!({ "stopped": 2 }));
    }
}

story! {
    /// Rules 40 and 41, and crashes between any two steps.
    async fn what_is_wanted_happens_whatever_fails(engine: Engine) {
        let world = World::start(engine, false, |config| config.apps.running_user = 10).await;
        let ada = world.server.person("ada").await;
        for (at, failures) in [1, 2, 3, 5].into_iter().enumerate() {
            let name = format!("app-{at}");
            let digest = world.digest().await;
            let body = json!({ "app": "notes", "name": name, "digest": digest });
            // The first call is for the digest.
            let reply = world.server.call(Some(&ada.token), "POST", "/api/v1/apps/ada", body).await;
            assert_eq!(reply.status, 202, "{}", reply.text());
            world.engine.state(|state| state.failures = failures);
            world.until(&ada, &name, "running").await;
        }
        assert_eq!(world.engine.state(|state| (state.containers.len(), state.created)), (4, 4));

        // The engine forgets everything: all are started again.
        world.engine.state(|state| state.containers.clear());
        world.server.app.apps.reconcile().await.unwrap();
        world.until(&ada, "app-0", "running").await;
        world.server.app.worker.run_due().await.unwrap();
        assert_eq!(world.engine.state(|state| state.containers.len()), 4);

        // The same step by two workers at once makes one container.
        world.want(&ada, "app-1", "stopped").await;
        world.until(&ada, "app-1", "stopped").await;
        let before = world.engine.state(|state| state.created);
        world.want(&ada, "app-1", "running").await;
        world.engine.state(|state| state.delay = Duration::from_millis(30));
        let apps = &world.server.app.apps;
        let row = apps.by_name("ada", "app-1").await.unwrap().unwrap();
        let steps = futures::future::join_all((0..4).map(|_| apps.apply_install(row.id))).await;
        for step in steps {
            step.unwrap();
        }
        world.engine.state(|state| state.delay = Duration::ZERO);
        world.until(&ada, "app-1", "running").await;
        assert_eq!(world.engine.state(|state| state.created), before + 1);

        // A container that no install knows is removed.
        let row = apps.by_name("ada", "app-2").await.unwrap().unwrap();
        world.server.call(Some(&ada.token), "DELETE", "/api/v1/apps/ada/app-2?volume=remove", Value::Null).await;
        world.server.app.worker.run_due().await.unwrap();
        assert!(!world.engine.state(|state| state.containers.contains_key(&row.id)));
        // A late worker of the time before.
        apps.apply_install(row.id).await.unwrap();
        assert!(!world.engine.state(|state| state.containers.contains_key(&row.id)), "nothing comes back");
    }
}

story! {
    async fn an_app_that_keeps_ending_or_does_not_answer_has_failed(engine: Engine) {
        let world = World::start(engine, false, |_| {}).await;
        let ada = world.server.person("ada").await;
        world.install(&ada, "ada", "notes").await;
        world.until(&ada, "notes", "running").await;
        for _ in 0..3 {
            world.engine.state(|state| state.containers.values_mut().for_each(|it| it.phase = Phase::Exited));
            world.server.app.apps.reconcile().await.unwrap();
            for _ in 0..10 {
                world.server.app.worker.run_due().await.unwrap();
                world.server.clock.advance(Duration::from_millis(500));
            }
        }
        let failed = world.until(&ada, "notes", "failed").await;
        assert_eq!(failed["reason"], "it ended with exit code 1");
        assert_eq!(world.engine.state(|state| state.containers.len()), 0);
        // It stays so until its owner starts it.
        world.server.app.apps.reconcile().await.unwrap();
        world.server.app.worker.run_due().await.unwrap();
        assert_eq!(world.show(&ada, "notes").await["state"], "failed");
        world.want(&ada, "notes", "running").await;
        world.until(&ada, "notes", "running").await;
        world.want(&ada, "notes", "stopped").await;
        world.until(&ada, "notes", "stopped").await;
        world.engine.state(|state| state.is_deaf = true);
        world.want(&ada, "notes", "running").await;
        world.server.clock.advance(Duration::from_secs(1));
        world.server.app.worker.run_due().await.unwrap();
        assert_eq!(world.show(&ada, "notes").await["state"], "starting");
        world.server.clock.advance(Duration::from_secs(61));
        let failed = world.until(&ada, "notes", "failed").await;
        assert!(failed["reason"].as_str().unwrap().contains("60 seconds"), "{failed}");
    }
}

story! {
    async fn idle_apps_are_paused_and_then_stopped(engine: Engine) {
        let world = World::start(engine, false, |_| {}).await;
        let ada = world.server.person("ada").await;
        let pass = async |minutes: u64| {
            world.server.clock.advance(Duration::from_secs(minutes * 60));
            world.server.app.apps.reconcile().await.unwrap();
        };
        world.install(&ada, "ada", "notes").await;
        world.until(&ada, "notes", "running").await;
        pass(29).await;
        assert_eq!(world.show(&ada, "notes").await["wanted"], "running");
        pass(2).await;
        world.until(&ada, "notes", "paused").await;
        pass(240).await;
        world.until(&ada, "notes", "stopped").await;
        world.want(&ada, "notes", "running").await;
        world.until(&ada, "notes", "running").await;
        let keep = json!({ "keep_running": true });
        world.server.call(Some(&ada.token), "PATCH", "/api/v1/apps/ada/notes", keep).await;
        pass(1000).await;
        assert_eq!(world.show(&ada, "notes").await["state"], "running");
        // Nothing of a suspended user runs.
        world.server.app.accounts.suspend(&"ada".parse().unwrap()).await.unwrap();
        pass(1).await;
        world.server.app.worker.run_due().await.unwrap();
        assert_eq!(world.engine.state(|state| state.containers.len()), 0);
    }
}

story! {
    /// Rules 10 and 32: an app without a browser has exactly what its owner gave it.
    async fn an_app_acts_with_what_its_owner_gave_it(engine: Engine) {
        let world = World::start(engine, false, |_| {}).await;
        let server = &world.server;
        let ada = server.person("ada").await;
        for (path, text) in [("ada/data", "x"), ("ada/secret", "y")] {
            server.dataset(path, Visibility::Private).await;
            let url = format!("/api/v1/datasets/{path}/commits");
            let body = json!({ "message": "m", "operations": [{ "operation": "put", "path": "a.csv", "content": text }] });
            let reply = server.call(Some(&ada.token), "POST", &url, body).await;
            assert_eq!(reply.status, 201, "{}", reply.text());
        }
        world.install(&ada, "ada", "notes").await;
        world.until(&ada, "notes", "running").await;
        let environment = world.engine.state(|state| state.containers.values().next().unwrap().environment.clone());
        let token = async || {
            let request = server.http.post(format!("{}/oauth/token", server.url));
            let request = request.basic_auth(&environment["RUTTER_CLIENT_ID"], Some(&environment["RUTTER_CLIENT_SECRET"]));
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            Reply::of(request.body("grant_type=client_credentials")).await
        };
        // Nothing was given yet.
        let before = token().await;
        assert_eq!((before.status, &before.json()["error"]), (400, &json!("invalid_scope")));
        let cookie = server.cookie("ada").await;
        let open = json!({ "dataset": "ada/data", "path": "", "right": "view" });
        let reply = server.call(Some(&cookie), "POST", "/api/v1/apps/ada/notes/open", open).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let location = reply.json()["location"].as_str().unwrap().to_owned();
        assert!(location.contains("/open?dataset=ada%2Fdata&path=&revision="), "{location}");
        let access = token().await;
        assert_eq!(access.status, 200, "{}", access.text());
        let access = access.json()["access_token"].as_str().unwrap().to_owned();
        let bearer = async |method: &str, path: &str| {
            let request = server.http.request(method.parse().unwrap(), format!("{}{path}", server.url));
            Reply::of(request.bearer_auth(&access)).await.status
        };
        assert_eq!(bearer("GET", "/api/v1/datasets/ada/data").await, 200);
        assert_eq!(bearer("GET", "/api/v1/datasets/ada/secret").await, 404);
        assert_eq!(bearer("DELETE", "/api/v1/datasets/ada/data").await, 403);
        for url in ["/api/v1/apps", "/api/v1/clients", "/api/v1/user/consents"] {
            assert_eq!(bearer("GET", url).await, 403, "{url}");
        }
        // Opening a file of someone else gives nothing.
        let eve = server.person("eve").await;
        server.dataset("eve/data", Visibility::Private).await;
        let open = json!({ "dataset": "eve/data", "path": "", "right": "view" });
        assert_eq!(server.call(Some(&cookie), "POST", "/api/v1/apps/ada/notes/open", open).await.status, 404);
        let eves = server.cookie("eve").await;
        let open = json!({ "dataset": "eve/data", "path": "", "right": "view" });
        assert_eq!(server.call(Some(&eves), "POST", "/api/v1/apps/ada/notes/open", open).await.status, 404, "not her app");
        drop(eve);
        // Revoking holds at once.
        let consents = server.call(Some(&ada.token), "GET", "/api/v1/user/consents", Value::Null).await.json();
        let client = consents["items"][0]["client"].as_str().unwrap();
        let url = format!("/api/v1/user/consents/{client}");
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        assert_eq!(bearer("GET", "/api/v1/datasets/ada/data").await, 401);
        // Its client is changed by its manifest alone.
        let url = format!("/api/v1/clients/{client}");
        let wider = json!({ "scopes": ["read", "write"] });
        assert_eq!(server.call(Some(&ada.token), "PATCH", &url, wider).await.status, 409);
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 409);
        assert_eq!(server.call(Some(&ada.token), "POST", &format!("{url}/secret"), json!({})).await.status, 409);
    }
}

story! {
    on(sqlite) async fn limits_and_other_settings(engine: Engine) {
        let world = World::start(engine, false, |config| {
            config.apps.running_user = 1;
            config.apps.running_total = 2;
            config.apps.images = vec!["registry.example/*".into()];
        }).await;
        let ada = world.server.person("ada").await;
        assert_eq!(world.install(&ada, "ada", "one").await.status, 202);
        assert_eq!(world.install(&ada, "ada", "two").await.status, 409, "one runs already");
        let (bob, eve) = (world.server.person("bob").await, world.server.person("eve").await);
        assert_eq!(world.install(&bob, "bob", "one").await.status, 202);
        let refused = world.install(&eve, "eve", "one").await;
        assert!(refused.status == 409 && refused.text().contains("apps.running_total"), "{}", refused.text());
        world.want(&ada, "one", "stopped").await;
        assert_eq!(world.install(&ada, "ada", "two").await.status, 202);
        assert_eq!(world.want(&ada, "one", "running").await.status, 409);
        let change = async |body: Value| {
            world.server.call(Some(&ada.token), "PATCH", "/api/v1/apps/ada/two", body).await.status
        };
        assert_eq!(change(json!({ "host": "my-notes", "visibility": "public" })).await, 200);
        for (body, expected) in [
            (json!({ "host": "www" }), 422),
            (json!({ "host": "one--ada" }), 422),
            (json!({ "visibility": "everyone" }), 422),
        ] {
            assert_eq!(change(body.clone()).await, expected, "{body}");
        }
        let taken = json!({ "host": "my-notes" });
        assert_eq!(world.server.call(Some(&ada.token), "PATCH", "/api/v1/apps/ada/one", taken).await.status, 409);
        // Without an entry of the catalogue.
        let image = |image: &str| json!({ "image": image, "name": "three", "digest": format!("sha256:{}", "a".repeat(64)) });
        let install = async |body: Value| world.server.call(Some(&ada.token), "POST", "/api/v1/apps/ada", body).await;
        assert_eq!(install(image("elsewhere.example/x:1")).await.status, 403);
        assert_eq!(install(json!({ "app": "notes", "image": "x" })).await.status, 422);
        world.want(&ada, "two", "stopped").await;
        let reply = install(image("registry.example/notes:1")).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        // A server that exists is installed by administrators only.
        world.add("name = \"svc\"\ntitle = \"Svc\"\nkind = \"service\"\nupstream = \"http://127.0.0.1:1\"").await;
        assert_eq!(install(json!({ "app": "svc" })).await.status, 403);
        for manifest in ["", "name = \"x\"", "name = \"other\"\ntitle = \"X\"\nimage = \"x\""] {
            let body = json!({ "manifest": manifest });
            let reply = world.server.call(Some(&world.admin.token), "PUT", "/api/v1/admin/catalogue/x", body).await;
            assert_eq!(reply.status, 422, "{manifest}");
        }
    }
}

story! {
    /// E-mission's router, with credentials.
    async fn the_service_router_installs_pauses_and_kills(engine: Engine) {
        let world = World::start(engine, true, |_| {}).await;
        let ada = world.server.person("ada").await;
        let post = async |by: Option<&str>, route: &str, body: Value| {
            let request = world.server.request("POST", &format!("/api/upc/{route}"), by).body(body.to_string());
            Reply::of(request).await
        };
        assert_eq!(post(None, "service_request", json!({ "service": "notes" })).await.status, 401);
        let reply = post(Some(&ada.token), "service_request", json!({ "service": "notes" })).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let made = reply.json();
        assert_eq!((&made["install"], &made["image"]), (&json!("ada/notes"), &json!(world.digest().await)));
        let address = json!({ "address": made["address"] });
        let eve = world.server.person("eve").await;
        for route in ["pause", "unpause", "kill"] {
            assert_eq!(post(Some(&eve.token), route, address.clone()).await.status, 404, "{route}");
        }
        let until = async |state: &str| {
            for _ in 0..200 {
                if world.show(&ada, "notes").await["state"] == state {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("not {state}: {}", world.show(&ada, "notes").await);
        };
        until("running").await;
        assert_eq!(post(Some(&ada.token), "pause", address.clone()).await.status, 200);
        until("paused").await;
        assert_eq!(post(Some(&ada.token), "unpause", address.clone()).await.status, 200);
        until("running").await;
        assert_eq!(post(Some(&ada.token), "setup_networks", json!({})).await.status, 200);
        assert_eq!(post(Some(&ada.token), "clear_containers", json!({})).await.status, 403);
        assert_eq!(post(Some(&world.admin.token), "clear_containers", json!({})).await.status, 200);
        assert_eq!(post(Some(&ada.token), "kill", address).await.status, 200);
        assert_eq!(world.show(&ada, "notes").await["status"], 404);
    }
}

story! {
    /// Applications of a data platform, in organisations that do not see each other.
    async fn a_data_platform_signs_its_users_in_here(engine: Engine) {
        let world = World::start(engine, false, |_| {}).await;
        let server = &world.server;
        let [ada, bob, eve] = ["ada", "bob", "eve"].map(|name| server.person(name));
        let (ada, bob, eve) = (ada.await, bob.await, eve.await);
        server.organisation("org", &[(&ada, Role::Owner), (&bob, Role::Reader)]).await;
        server.organisation("other", &[(&eve, Role::Owner)]).await;
        for (name, redirect) in [("superset", "/oauth-authorized/keycloak"), ("clickhouse", "/unused")] {
            world
                .add(&format!(
                    "name = \"{name}\"\ntitle = \"{name}\"\nkind = \"external\"\nurl = \"https://{name}.example.org\"\n\
                     redirects = [\"{redirect}\"]\nscopes = \"openid profile email groups\""
                ))
                .await;
        }
        let call = async |by: &str, method: &str, url: &str, body: Value| server.call(Some(by), method, url, body).await;
        let install = async |by: &str, owner: &str, name: &str| {
            call(by, "POST", &format!("/api/v1/apps/{owner}"), json!({ "app": name })).await
        };
        assert_eq!(install(&ada.token, "ada", "superset").await.status, 403, "platform roles are of organisations");
        for (by, owner) in [(&ada.token, "org"), (&eve.token, "other")] {
            for name in ["superset", "clickhouse"] {
                let reply = install(by, owner, name).await;
                assert_eq!(reply.status, 202, "{}", reply.text());
                assert_eq!(reply.json()["url"], format!("https://{name}.example.org"));
            }
        }
        let config = call(&ada.token, "GET", "/api/v1/apps/org/superset/config", Value::Null).await;
        assert!(config.status == 200 && config.text().contains("superset_config.py"), "{}", config.text());
        assert_eq!(call(&eve.token, "GET", "/api/v1/apps/org/superset/config", Value::Null).await.status, 404);
        let shown = call(&ada.token, "GET", "/api/v1/apps/org/clickhouse", Value::Null).await.json();
        assert_eq!((&shown["takes_password"], &shown["can_pause"]), (&json!(true), &json!(false)));
        let client = shown["client"].as_str().unwrap().to_owned();
        let superset = call(&ada.token, "POST", "/api/v1/apps/org/superset/password", json!({})).await;
        assert_eq!(superset.status, 409, "it signs users in with the browser: {}", superset.text());
        // Nothing hands its secret over, so it can be replaced.
        let secret = call(&ada.token, "POST", &format!("/api/v1/clients/{client}/secret"), json!({})).await;
        assert_eq!(secret.status, 200, "{}", secret.text());

        let password = async |by: &str, owner: &str| {
            call(by, "POST", &format!("/api/v1/apps/{owner}/clickhouse/password"), json!({})).await
        };
        assert_eq!(password(&bob.token, "org").await.status, 403, "no role");
        let role = async |role: &str| {
            let url = "/api/v1/organisations/org/roles/bob";
            call(&ada.token, "PUT", url, json!({ "role": role })).await.status
        };
        assert!(role("viewer").await < 300);
        assert_eq!(password(&bob.token, "org").await.status, 403, "a role that ClickHouse does not have");
        assert!(role("analyst").await < 300);
        assert_eq!(password(&bob.token, "other").await.status, 404, "of another organisation");
        let reply = password(&bob.token, "org").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let made = reply.json();
        let basic = async |client: &str| {
            let request = server.http.get(format!("{}/oauth/basic/{client}", server.url));
            Reply::of(request.basic_auth(made["user"].as_str().unwrap(), made["password"].as_str())).await
        };
        let settings = basic(&client).await;
        assert_eq!((settings.status, settings.json()), (200, json!({ "settings": { "readonly": "2" } })));
        let others = call(&eve.token, "GET", "/api/v1/apps/other/clickhouse", Value::Null).await.json();
        assert!([401, 403].contains(&basic(others["client"].as_str().unwrap()).await.status), "at another ClickHouse");
        server.clock.advance(Duration::from_secs(12 * 3600 + 1));
        assert!([401, 403].contains(&basic(&client).await.status), "expired");
        let fresh = password(&bob.token, "org").await.json();
        let url = "/api/v1/organisations/org/roles/bob";
        assert!(call(&ada.token, "DELETE", url, Value::Null).await.status < 300);
        let request = server.http.get(format!("{}/oauth/basic/{client}", server.url));
        let after = Reply::of(request.basic_auth("bob", fresh["password"].as_str())).await;
        assert!([401, 403].contains(&after.status), "the role was taken away");
    }
}
