//! What other sites show of datasets: link previews (Open Graph), and frames with tables (`/embed`).

use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, Person, Reply, Server, story};
use serde_json::json;

const HOSTILE: &str = "</title><script>alert('x')</script>\"><b>";

/// A server with datasets of ada's of each visibility, all with the same content.
async fn world(engine: Engine) -> (Server, Person) {
    let server = Server::start_with(engine, |config| config.rates = Rates::off()).await;
    let ada = server.person("ada").await;
    for visibility in [Visibility::Private, Visibility::Internal, Visibility::Public] {
        let path = format!("ada/{visibility}");
        server.dataset(&path, visibility).await;
        let package =
            json!({"name": "birds", "title": format!("Birds {HOSTILE}"), "description": "Counts\nof birds & more"});
        let url = format!("/api/v1/datasets/{path}");
        let made = server.call(Some(&ada.token), "PUT", &url, json!({"package": package})).await;
        assert_eq!(made.status, 200, "{}", made.text());
        for (name, content) in [
            ("birds.csv", format!("bird,count\n\"<img src=x onerror=alert(1)>{}\",3\nowl,4\ntit,\n", "é".repeat(300))),
            ("long.csv", format!("n\n{}\n", (0..100).map(|n| n.to_string()).collect::<Vec<_>>().join("\n"))),
            ("%3Cb%3E.csv", "bird\nowl\n".to_owned()),
            ("notes.txt", "notes\n".to_owned()),
        ] {
            let url = format!("/api/v1/drive/{path}/files/{name}");
            let put = Reply::of(server.request("PUT", &url, Some(&ada.token)).body(content)).await;
            assert!(put.status < 300, "{}", put.text());
        }
        let tag = json!({"name": "v1.0", "description": "First release\n\nWith notes."});
        let tag = server.call(Some(&ada.token), "POST", &format!("{url}/tags"), tag).await;
        assert_eq!(tag.status, 201, "{}", tag.text());
    }
    crate::search::indexed(&server).await;
    (server, ada)
}

/// What all answers have of their own.
fn comparable(reply: &Reply) -> (u16, Vec<String>, String) {
    let names = reply.headers.keys().filter(|name| !["x-request-id", "date"].contains(&name.as_str()));
    let mut headers: Vec<String> = names.map(|name| format!("{name}: {}", reply.header(name.as_str()))).collect();
    headers.sort();
    (reply.status, headers, reply.text())
}

story! {
    on(sqlite) async fn links_to_public_datasets_have_a_title_and_a_description(engine: Engine) {
        let (server, ada) = world(engine).await;
        let get = async |path: &str, token: Option<&str>| Reply::of(server.request("GET", path, token)).await;
        let title = "Birds &lt;/title&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&gt;&lt;b&gt; · ada/public";
        for (page, start, about, url) in [
            ("", "", "Counts of birds &amp; more", ""),
            ("/about", "", "Counts of birds &amp; more", ""),
            ("/releases", "Releases · ", "Counts of birds &amp; more", "/releases"),
            ("/tree/v1.0", "v1.0 · ", "First release With notes.", "/tree/v1.0"),
            ("/tree/no-such", "", "Counts of birds &amp; more", ""),
            ("/file/main/birds.csv", "birds.csv · ", "Counts of birds &amp; more", "/file/main/birds.csv"),
            ("/file/v1.0/%3Cb%3E.csv", "&lt;b&gt;.csv · ", "Counts of birds &amp; more", "/file/v1.0/%3Cb%3E.csv"),
            // An invented file name does not appear on the page.
            ("/file/main/You%20have%20won", "", "Counts of birds &amp; more", ""),
        ] {
            let reply = get(&format!("/d/ada/public{page}"), None).await;
            let html = reply.text();
            assert_eq!((reply.status, reply.header("content-type")), (200, "text/html; charset=utf-8"), "{page}");
            for expected in [
                format!("<title>{start}{title} · rutter</title>"),
                format!("<meta property=\"og:title\" content=\"{start}{title}\">"),
                format!("<meta property=\"og:description\" content=\"{about}\">"),
                format!("<meta name=\"description\" content=\"{about}\">"),
                format!("<meta property=\"og:url\" content=\"{}/d/ada/public{url}\">", server.url),
                format!("<meta property=\"og:image\" content=\"{}/_app/card.png\">", server.url),
                "<meta property=\"og:type\" content=\"website\">".to_owned(),
            ] {
                assert_eq!(html.matches(&expected).count(), 1, "{page}: {expected} is not once in {html}");
            }
            assert!(!html.contains("<script>alert") && !html.contains("<b>"), "{html}");
            assert_eq!(html.matches("<title>").count(), 1, "{html}");
            let policy = reply.header("content-security-policy");
            assert!(policy.contains("frame-ancestors 'none'") && reply.header("x-frame-options") == "DENY", "{policy}");
            // The same for everybody, and for caches.
            let tag = reply.header("etag").to_owned();
            assert_eq!(comparable(&get(&format!("/d/ada/public{page}"), Some(&ada.token)).await), comparable(&reply));
            let again = server.request("GET", &format!("/d/ada/public{page}"), None).header("if-none-match", &tag);
            let again = Reply::of(again).await;
            assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()), "{page}");
        }
        // Others look like those that do not exist, even to their owner: the document is for all.
        let missing = comparable(&get("/d/ada/missing", None).await);
        assert!(!missing.2.contains("og:url"), "{}", missing.2);
        for path in ["private", "internal", "private/file/main/birds.csv", "internal/releases", "private/tree/v1.0"] {
            for token in [None, Some(ada.token.as_str())] {
                assert_eq!(comparable(&get(&format!("/d/ada/{path}"), token).await), missing, "{path}");
            }
        }
        // Also from the moment that it becomes private; a cached document is not confirmed.
        let tag = get("/d/ada/public", None).await.header("etag").to_owned();
        let hidden = json!({"visibility": "private"});
        let changed = server.call(Some(&ada.token), "PATCH", "/api/v1/datasets/ada/public/visibility", hidden).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let cached = Reply::of(server.request("GET", "/d/ada/public", None).header("if-none-match", tag)).await;
        assert_eq!(comparable(&cached), missing);
    }
}

story! {
    on(sqlite) async fn frames_show_public_tables_and_nothing_else(engine: Engine) {
        let (server, ada) = world(engine).await;
        let cookie = server.cookie("ada").await;
        let get = async |path: &str, token: Option<&str>| Reply::of(server.request("GET", path, token)).await;
        let reply = get("/embed/ada/public/main/birds.csv", None).await;
        let html = reply.text();
        assert_eq!((reply.status, reply.header("content-type")), (200, "text/html; charset=utf-8"), "{html}");
        assert!(html.contains("<td>owl</td><td class=\"number\">4</td>") && html.contains("3 rows"), "{html}");
        // Text of users stays text, and is short.
        assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;é") && !html.contains("<img"), "{html}");
        assert!(!html.contains(&"é".repeat(200)) && !html.contains("<script"), "{html}");
        assert!(html.contains("href=\"/d/ada/public/file/main/birds.csv\" target=\"_blank\" rel=\"noopener\""), "{html}");
        let policy = reply.header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors *", "form-action 'none'", "sandbox allow-popups"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("script") && !policy.contains("unsafe") && !policy.contains("same-origin"), "{policy}");
        assert_eq!((reply.header("x-frame-options"), reply.header("set-cookie")), ("", ""));
        assert_eq!((reply.header("cache-control"), reply.header("x-content-type-options")), ("public, max-age=60", "nosniff"));
        let again = server.request("GET", "/embed/ada/public/main/birds.csv", None).header("if-none-match", reply.header("etag"));
        assert_eq!(Reply::of(again).await.status, 304);

        // The beginning of a long table; a chart of numbers and of words; a file with markup in its name.
        assert!(get("/embed/ada/public/v1.0/long.csv", None).await.text().contains("First 20"));
        let chart = get("/embed/ada/public/main/long.csv?column=n&theme=dark", None).await.text();
        assert!(chart.contains("<html lang=\"en\" class=\"dark\">") && chart.contains("<rect"), "{chart}");
        let words = get("/embed/ada/public/main/birds.csv?column=bird&theme=%22%3E%3Cscript%3E", None).await.text();
        assert!(words.contains("<html lang=\"en\">") && words.contains(">owl</text>"), "{words}");
        assert!(!words.contains("<script") && !words.contains("<img"), "{words}");
        let named = get("/embed/ada/public/main/%3Cb%3E.csv", None).await.text();
        assert!(named.contains("<h1>&lt;b&gt;.csv</h1>") && !named.contains("<b>"), "{named}");

        // What not everybody may read is not there, also for its owner.
        let missing = comparable(&get("/embed/ada/missing/main/birds.csv", None).await);
        assert_eq!(missing.0, 404);
        for path in [
            "/embed/ada/private/main/birds.csv",
            "/embed/ada/internal/main/birds.csv",
            "/embed/ada/private/main/birds.csv?column=bird",
            "/embed/ada/private/main/notes.txt",
            "/embed/ada/public/main/no-such.csv",
            "/embed/ada/public/no-such/birds.csv",
            "/embed/-/-/main/birds.csv",
        ] {
            for token in [None, Some(ada.token.as_str()), Some(cookie.as_str())] {
                assert_eq!(comparable(&get(path, token).await), missing, "{path}");
            }
            let jwt = get(&format!("{path}{}jwt={}", if path.contains('?') { '&' } else { '?' }, ada.token), None).await;
            assert_eq!(comparable(&jwt), missing, "{path}");
        }
        // A frame says what is wrong, too.
        for (path, status, text) in [
            ("/embed/ada/public/main/notes.txt", 415, "cannot be shown"),
            ("/embed/ada/public/main/birds.csv?column=%3Cb%3E", 422, "no column &quot;&lt;b&gt;&quot;"),
        ] {
            let reply = get(path, None).await;
            assert!(reply.status == status && reply.text().contains(text), "{path}: {} {}", reply.status, reply.text());
            assert!(reply.header("content-security-policy").contains("frame-ancestors *"), "{path}");
            assert_eq!(reply.header("cache-control"), "no-store");
        }
        // All other pages stay out of frames.
        for path in ["/", "/d/ada/public", "/embed", "/embed/ada", "/embed/ada/public/main", "/api/docs", "/help"] {
            let reply = Reply::of(server.request("GET", path, None).header("accept", "text/html")).await;
            let policy = reply.header("content-security-policy");
            assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        }
    }
}

story! {
    on(sqlite) async fn frames_say_when_there_is_no_table_engine(engine: Engine) {
        let server = Server::start_with(engine, |config| config.tables.program = Some("/no/such/program".into())).await;
        let ada = server.person("ada").await;
        server.dataset("ada/public", Visibility::Public).await;
        let put = server.request("PUT", "/api/v1/drive/ada/public/files/a.csv", Some(&ada.token)).body("a\n1\n");
        assert!(Reply::of(put).await.status < 300);
        let reply = Reply::of(server.request("GET", "/embed/ada/public/main/a.csv", None)).await;
        assert_eq!(reply.status, 503, "{}", reply.text());
        assert!(reply.text().contains("Tables cannot be shown at the moment"), "{}", reply.text());
        assert!(reply.header("content-security-policy").contains("frame-ancestors *"));
    }
}
