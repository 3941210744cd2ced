//! Two apps that attack each other, and the API: with cookies, tokens, and over the network.

use rutter::types::Visibility;
use rutter_testing::Reply;
use serde_json::{Value, json};

use crate::confinement::load_firewall;
use crate::story;
use crate::world::{Visit, World};

/// The names of the headers that an app has received.
async fn received(world: &World, visit: &Visit, cookies: &str) -> String {
    let reply = Reply::of(world.at(&visit.host, "/").header("cookie", cookies)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["headers"].to_string().to_lowercase()
}

story! {
    /// Rules 26 to 28 and 30.
    async fn an_app_gets_nothing_from_the_browser_of_its_visitor_for_another_app_or_the_pages() {
        let world = World::start().await;
        let (ada, eve) = (world.visit("ada", "probe").await, world.visit("eve", "probe").await);
        let public = json!({ "visibility": "internal" });
        world.server.ok(&eve.person, "PATCH", "/api/v1/apps/eve/probe", public).await;
        // Ada opens Eve's app. Her browser may send all that it has.
        let trap = world.enter(&ada.session, &eve.host).await.unwrap();
        let all = format!("{trap}; rutter={}; {}; __Host-rutter={}; theme=dark", ada.session, ada.cookie, ada.session);
        let received = received(&world, &eve, &all).await;
        assert!(received.contains("theme=dark") && received.contains("ada"), "{received}");
        for ours in ["rus_", "rua_", "rutter=", "rutter-app"] {
            assert!(!received.contains(ours), "{ours}: {received}");
        }
        // The cookie of one app opens neither another one nor the pages.
        let value = |cookie: &str| cookie.split_once('=').unwrap().1.to_owned();
        for cookie in [trap.clone(), eve.cookie.clone()] {
            assert_eq!(Reply::of(world.at(&ada.host, "/").header("cookie", &cookie)).await.status, 401);
            for name in ["rutter", "__Host-rutter"] {
                let request = world.server.http.get(format!("{}/api/v1/user", world.server.url));
                let reply = Reply::of(request.header("cookie", format!("{name}={}", value(&cookie)))).await;
                assert_eq!(reply.status, 401);
            }
        }
        // It plants no cookie at a neighbour or the pages.
        let planted = "/cookie?set=own=1;+Path=/&set=rutter=evil&set=rutter-app=evil&set=__Host-rutter=evil\
                       &set=wide=1;+Domain=apps.localhost&set=wider=1;+Domain=localhost";
        let reply = world.get(&eve, planted).await;
        let kept: Vec<_> = reply.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
        assert_eq!(kept, ["own=1; Path=/"]);

        // A page of Eve's app has Ada's browser send requests to Ada's app and to the API, with cookies.
        let origin = eve.url.as_str();
        for (name, value) in [("origin", origin), ("sec-fetch-site", "same-site"), ("origin", "null")] {
            let request = world.at(&ada.host, "/write?path=/storage/x&data=x").header("cookie", &ada.cookie);
            assert_eq!(Reply::of(request.header(name, value)).await.status, 401, "{name}: {value}");
        }
        // Opening a link is allowed, a frame is not.
        for (dest, expected) in [("document", 200), ("iframe", 401)] {
            let request = world.at(&ada.host, "/healthz").header("cookie", &ada.cookie).header("sec-fetch-dest", dest);
            let request = request.header("sec-fetch-site", "same-site").header("sec-fetch-mode", "navigate");
            assert_eq!(Reply::of(request).await.status, expected, "{dest}");
        }
        let post = world.server.http.post(format!("{}/echo", world.server.url));
        let post = post.header("host", ada.url.strip_prefix("http://").unwrap()).header("cookie", &ada.cookie);
        assert_eq!(Reply::of(post.header("origin", "null").body("x")).await.status, 401);
        for (method, path) in [
            ("POST", "/api/v1/user/tokens"),
            ("PUT", "/api/v1/apps/ada/probe/wanted"),
            ("DELETE", "/api/v1/apps/ada/probe?volume=remove"),
            ("POST", "/api/v1/apps/eve/probe/open"),
        ] {
            let request = world.server.http.request(method.parse().unwrap(), format!("{}{path}", world.server.url));
            let request = request.header("cookie", format!("rutter={}", ada.session)).header("origin", origin);
            let request = request.header("content-type", "application/json");
            let reply = Reply::of(request.body(json!({ "wanted": "stopped" }).to_string())).await;
            assert!([401, 403].contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text());
            assert!(!reply.headers.contains_key("access-control-allow-credentials"), "{path}");
        }
        assert_eq!(world.show(&ada.person, &ada.path).await["state"], "running");
    }
}

story! {
    /// Rules 10, 32 and 35 to 38.
    async fn an_app_gets_nowhere_with_its_own_secret_and_token() {
        let world = World::start().await;
        let (ada, eve) = (world.visit("ada", "probe").await, world.visit("eve", "probe").await);
        for (visit, dataset) in [(&ada, "ada/data"), (&eve, "eve/data")] {
            world.server.dataset(dataset, Visibility::Private).await;
            let put = json!({ "operation": "put", "path": "a.csv", "content": dataset });
            world.server.commit(&visit.person, dataset, &[put]).await;
            assert_eq!(world.open_with(visit, dataset, "", "edit").await.status, 200);
        }
        let (adas, eves) = (world.environment(&ada).await, world.environment(&eve).await);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (adas_id, eves_id) = (text(&adas["RUTTER_CLIENT_ID"]), text(&eves["RUTTER_CLIENT_ID"]));
        let eves_secret = text(&eves["RUTTER_CLIENT_SECRET"]);
        assert_ne!(adas["RUTTER_CLIENT_SECRET"], eves["RUTTER_CLIENT_SECRET"]);
        // Eve's app has read its environment.
        let (status, token) = world.token_from_inside(&eve, &adas_id, &eves_secret).await;
        assert_eq!((status, &token["error"]), (401, &json!("invalid_client")));
        let (status, token) = world.token_from_inside(&eve, &eves_id, &eves_secret).await;
        assert_eq!(status, 200, "{token}");
        let token = token["access_token"].as_str().unwrap().to_owned();
        let bearer = format!("Authorization: Bearer {token}");
        let batch = json!({ "operation": "download", "objects": [{ "oid": "1".repeat(64), "size": 1 }] }).to_string();
        let call = async |method: &str, path: &str| {
            let is_batch = path.ends_with("/batch");
            let kind = if is_batch { "application/vnd.git-lfs+json" } else { "application/json" };
            let headers = [bearer.as_str(), &format!("Content-Type: {kind}"), &format!("Accept: {kind}")];
            world.call_inside(&eve, method, path, &headers, if is_batch { &batch } else { "{}" }).await
        };
        let (status, content) = call("GET", "/api/v1/drive/eve/data/content/a.csv").await;
        assert!(status == 200 && content.contains("eve/data"), "{content}");
        for (method, path) in [
            ("GET", "/api/v1/drive/ada/data/content/a.csv"),
            ("GET", "/api/v1/datasets/ada/data"),
            ("GET", "/ada/data.git/info/refs?service=git-upload-pack"),
            ("POST", "/ada/data.git/info/lfs/objects/batch"),
            ("GET", "/api/v1/apps/ada/probe"),
            ("GET", "/api/v1/apps/ada/probe/logs"),
            ("DELETE", "/api/v1/apps/ada/probe?volume=remove"),
            ("DELETE", "/api/v1/apps/eve/probe?volume=remove"),
            ("PATCH", "/api/v1/apps/eve/probe"),
            ("POST", "/api/v1/admin/apps/stop"),
            ("POST", "/api/upc/clear_containers"),
            ("POST", "/api/v1/user/tokens"),
        ] {
            let (status, text) = call(method, path).await;
            assert!([401, 403, 404].contains(&status), "{method} {path}: {status} {text}");
        }
        // The proxy of apps, as containers reach it: the host of another app, with a token of an app, or a forged name.
        let host = format!("Host: {}", ada.url.strip_prefix("http://").unwrap());
        for headers in [
            vec![host.as_str()],
            vec![&host, "X-Rutter-User: ada", "X-Forwarded-For: 127.0.0.1"],
            vec![&host, &bearer],
        ] {
            let (status, text) = world.call_inside(&eve, "GET", "/env", &headers, "").await;
            assert_eq!(status, 401, "{headers:?}: {text}");
        }
        // A public app of Eve's own does not see such a token, or such a name.
        let public = json!({ "visibility": "public" });
        world.server.ok(&ada.person, "PATCH", "/api/v1/apps/ada/probe", public).await;
        let (status, text) = world.call_inside(&eve, "GET", "/", &[&host, &bearer, "X-Rutter-User: ada"], "").await;
        let text = text.to_lowercase();
        assert!(status == 200 && !text.contains("rat_") && !text.contains("x-rutter-user"), "{text}");

        // The network: neither of them reaches the other one.
        let bridges = [world.site.network(&ada.url).await.1, world.site.network(&eve.url).await.1];
        load_firewall(&[&bridges[0], &bridges[1]], world.port).await;
        for (from, to) in [(&ada, &eve), (&eve, &ada)] {
            let (address, _) = world.site.network(&to.url).await;
            assert!(!world.reaches(from, &address, 8000).await, "{} reaches {}", from.path, to.path);
            assert_eq!(world.get(to, "/healthz").await.text(), "ok\n");
        }
        // Stopping it ends what its secret opens.
        world.want(&eve.person, &eve.path, "stopped").await;
        world.want(&eve.person, &eve.path, "running").await;
        assert_eq!(world.token_from_inside(&eve, &eves_id, &eves_secret).await.0, 401);
        // Uninstalling it ends its tokens.
        let url = format!("{}/api/v1/drive/eve/data/content/a.csv", world.server.url);
        let (_, fresh) = world.own_token(&eve).await;
        let read = async || {
            let token = fresh["access_token"].as_str().unwrap();
            Reply::of(world.server.http.get(&url).bearer_auth(token)).await.status
        };
        assert_eq!(read().await, 200);
        world.uninstall(&eve.person, &eve.path, "remove").await;
        assert_eq!(read().await, 401);
    }
}
