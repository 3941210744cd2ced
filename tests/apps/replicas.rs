//! Two servers on one PostgreSQL, in front of the same container.

use reqwest::{Client, Method, RequestBuilder};
use rutter_testing::{Engine, Reply, postgres};
use serde_json::json;

use crate::containers::image;
use crate::processes::Servers;
use crate::story;
use crate::world::cookie_of;

/// The names of the visitor that the app has received.
async fn visitors(request: RequestBuilder) -> Vec<String> {
    let reply = Reply::of(request).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    // A name may be there twice.
    let text = reply.text().to_lowercase();
    let names = text.split("\"x-rutter-user\": \"").skip(1);
    names.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// A request of a browser to the app.
fn browse(http: &Client, servers: &Servers, at: usize, path: &str) -> RequestBuilder {
    let request = http.get(format!("{}{path}", servers.url(at)));
    request.header("host", servers.host("probe")).header("accept", "text/html")
}

story! {
    /// Rules 26 and 30.
    async fn an_app_sees_the_same_visitor_through_two_servers() {
        assert!(postgres().is_some(), "RUTTER_TEST_POSTGRES is not set: run this in scripts/postgres.sh");
        let servers = Servers::start(Engine::Postgres, 2, &image("probe:1"), &[]).await;
        let installed = servers.install(0, "probe", &servers.digest().await).send().await.unwrap();
        assert_eq!(installed.status(), 202);
        servers.until_running("probe").await;
        let internal = servers.send(1, Method::PATCH, "/api/v1/apps/ada/probe", &json!({ "visibility": "internal" }));
        assert_eq!(internal.send().await.unwrap().status(), 200);
        let eve = servers.installation.person("eve");
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        for at in [0, 1] {
            let request = servers.to_app(at, "probe", Method::GET, "/");
            assert_eq!(visitors(request.header("x-rutter-user", "eve")).await, ["ada"], "server {at}");
            let request = servers.installation.http.get(servers.url(at)).header("host", servers.host("probe"));
            assert_eq!(visitors(request.bearer_auth(&eve)).await, ["eve"], "server {at}");
            assert_eq!(Reply::of(browse(&http, &servers, at, "/")).await.status, 303, "server {at}");
        }

        // A browser whose requests go to one and to the other.
        let session = servers.sign_in(1, "eve").await;
        let opened = Reply::of(browse(&http, &servers, 0, "/")).await;
        assert_eq!(opened.status, 303, "{}", opened.text());
        let path = opened.header("location").strip_prefix(&servers.url(0)).unwrap().to_owned();
        let page = http.get(format!("{}{path}", servers.url(1))).header("cookie", &session);
        let page = Reply::of(page).await;
        assert_eq!(page.status, 303, "{}", page.text());
        let path = page.header("location").split_once(&servers.host("probe")).unwrap().1.to_owned();
        let entered = Reply::of(browse(&http, &servers, 0, &path).header("cookie", cookie_of(&opened))).await;
        assert_eq!(entered.status, 303, "{}", entered.text());
        let cookie = cookie_of(&entered);
        for at in [1, 0] {
            assert_eq!(visitors(browse(&http, &servers, at, "/").header("cookie", &cookie)).await, ["eve"], "server {at}");
        }
        // Signed out at one, signed out at the other.
        let out = http.delete(format!("{}/api/v1/session", servers.url(0)));
        let out = out.header("cookie", &session).header("origin", servers.url(0)).send().await.unwrap();
        assert!(out.status().is_success(), "{}", out.status());
        for at in [0, 1] {
            assert_eq!(Reply::of(browse(&http, &servers, at, "/").header("cookie", &cookie)).await.status, 303, "server {at}");
        }
        assert_eq!(servers.site.containers().await.len(), 1);
    }
}
