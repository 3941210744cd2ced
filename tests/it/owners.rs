//! Pages of users and organisations: what each visitor sees, profiles, READMEs and avatars.

use std::io::Write as _;

use rutter::types::{OwnerName, Role, Visibility};
use rutter_testing::{Person, Reply, Server, story};
use serde_json::{Value, json};

const USER: &str = "/api/v1/user";

async fn page(server: &Server, person: Option<&Person>, owner: &str) -> (u16, Value) {
    let token = person.map(|person| person.token.as_str());
    let reply = server.call(token, "GET", &format!("/api/v1/owners/{owner}"), Value::Null).await;
    (reply.status, reply.json())
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|item| item["name"].as_str().unwrap()).collect()
}

story! {
    async fn an_owner_page_shows_what_the_visitor_may_see(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        let (cleo, root) = (server.person("cleo").await, server.administrator("root").await);
        server.organisation("harbours", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        server.organisation("hidden", &[(&ada, Role::Owner)]).await;
        for (path, visibility) in [
            ("ada/birds", Visibility::Public),
            ("ada/nests", Visibility::Internal),
            ("ada/secret", Visibility::Private),
            ("harbours/tides", Visibility::Private),
        ] {
            server.dataset(path, visibility).await;
        }
        crate::search::indexed(&server).await;

        for (visitor, datasets, organisations) in [
            (None, 1, vec![]),
            (Some(&cleo), 2, vec![]),
            // The one in which both are members.
            (Some(&ben), 2, vec!["harbours"]),
            (Some(&ada), 3, vec!["harbours", "hidden"]),
            (Some(&root), 3, vec!["harbours", "hidden"]),
        ] {
            let who = visitor.map_or("a visitor", |person| &person.name);
            let (status, shown) = page(&server, visitor, "ada").await;
            assert_eq!((status, &shown["kind"], &shown["datasets"]), (200, &json!("user"), &json!(datasets)), "{who}");
            assert_eq!(names(&shown["organisations"]), organisations, "{who}");
            assert_eq!((&shown["is_self"], &shown["members"]), (&json!(who == "ada"), &Value::Null), "{who}");
            let text = shown.to_string();
            assert!(!text.contains('@') && !text.contains("secret"), "{who}: {text}");
        }
        // Members see each other. To others, an organisation without a dataset that they can see does not exist.
        let missing = page(&server, None, "missing").await;
        assert_eq!(missing.0, 404);
        for visitor in [None, Some(&cleo)] {
            let (status, said) = page(&server, visitor, "harbours").await;
            assert_eq!(status, 404);
            let same = |said: &Value| said["detail"].to_string().replace("harbours", "missing");
            assert_eq!(same(&said), same(&missing.1));
        }
        let (_, inside) = page(&server, Some(&ben), "harbours").await;
        assert_eq!((names(&inside["members"]), &inside["members_total"]), (vec!["ada", "ben"], &json!(2)));
        assert_eq!((&inside["role"], &inside["may_edit"], &inside["datasets"]), (&json!("reader"), &json!(false), &json!(1)));
        assert_eq!(page(&server, Some(&ada), "harbours").await.1["may_edit"], true);
        // Users see other users; visitors do not, until there is something to see.
        assert_eq!((page(&server, Some(&ada), "cleo").await.0, page(&server, None, "cleo").await.0), (200, 404));
        // A token for one dataset shows as much as none.
        let narrow = server.token("ada", &["read:ada/secret"]).await;
        let reply = server.call(Some(&narrow), "GET", "/api/v1/owners/ada", Value::Null).await.json();
        assert_eq!((&reply["is_self"], &reply["organisations"], &reply["datasets"]), (&json!(false), &json!([]), &json!(2)));
        assert_eq!(server.call(Some(&narrow), "GET", "/api/v1/owners/hidden", Value::Null).await.status, 404);
        // Names that are no names.
        for odd in ["-", "a%20b", "..%2f..", "%ff", "admin"] {
            assert_eq!(page(&server, Some(&root), odd).await.0, 404, "{odd}");
        }
    }
}

story! {
    async fn profiles_and_readmes_are_changed_by_their_owners(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("lab/north", &[(&ada, Role::Owner), (&ben, Role::Writer)]).await;
        let organisation = "/api/v1/organisations/lab%2Fnorth";
        let profile = json!({
            "display_name": " Ada Lovelace ", "bio": "Counts birds", "website": "https://example.org/ada", "place": "Helgoland",
        });
        server.ok(&ada, "PATCH", USER, profile.clone()).await;
        let (_, shown) = page(&server, None, "ada").await;
        for (field, value) in [("display_name", "Ada Lovelace"), ("bio", "Counts birds"), ("place", "Helgoland")] {
            assert_eq!(shown[field], value, "a page that is filled in can be seen by everybody");
        }
        // What is left out stays; an empty text removes one.
        server.ok(&ada, "PATCH", USER, json!({"place": ""})).await;
        let (_, shown) = page(&server, Some(&ben), "ada").await;
        assert_eq!((&shown["place"], &shown["website"]), (&Value::Null, &json!("https://example.org/ada")));
        for bad in [
            json!({"website": "javascript:alert(1)"}),
            json!({"website": "https://user@example.org"}),
            json!({"bio": "x".repeat(301)}),
            json!({"bio": "two\nlines"}),
            json!({"place": "a\u{202e}b"}),
            json!({"email": "eve@example.org"}),
        ] {
            assert_eq!(server.status(&ada, "PATCH", USER, bad.clone()).await, 422, "{bad}");
        }
        assert_eq!(server.status(&ben, "PATCH", organisation, json!({"bio": "mine"})).await, 403);
        server.ok(&ada, "PATCH", organisation, json!({"display_name": "Northern Lab", "bio": "Tides"})).await;
        let (_, shown) = page(&server, None, "lab%2Fnorth").await;
        assert_eq!((&shown["name"], &shown["display_name"]), (&json!("lab/north"), &json!("Northern Lab")));
        assert_eq!((&shown["members"], &shown["members_total"]), (&Value::Null, &Value::Null));

        // Two owners edit at the same time: nothing is lost.
        server.ok(&ada, "PUT", &format!("{organisation}/members/ben"), json!({"role": "owner"})).await;
        let url = format!("{organisation}/readme");
        let version = shown["readme_version"].as_str().unwrap().to_owned();
        let save = async |person: &Person, text: &str, version: &str| {
            let request = server.request("PUT", &url, Some(&person.token)).header("if-match", format!("\"{version}\""));
            Reply::of(request.json(&json!({ "text": text }))).await
        };
        let saved = save(&ada, "# Tides\n\n<script>alert(1)</script>", &version).await;
        let next = saved.json()["version"].as_str().unwrap().to_owned();
        assert_eq!((saved.status, saved.header("etag")), (200, format!("\"{next}\"").as_str()));
        let late = save(&ben, "# Mine", &version).await;
        assert!(late.status == 412 && late.json()["detail"].as_str().unwrap().contains("changed meanwhile"));
        let (_, shown) = page(&server, None, "lab%2Fnorth").await;
        assert_eq!(shown["readme"], "# Tides\n\n<script>alert(1)</script>", "as it was written");
        assert_eq!(shown["readme_version"], next);
        let (one, other) = tokio::join!(save(&ada, "one", &next), save(&ben, "other", &next));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "one of two wins");
        server.ok(&ben, "PUT", &url, json!({"text": ""})).await;
        assert_eq!(page(&server, None, "lab%2Fnorth").await.1["readme"], Value::Null);
        assert_eq!(server.status(&ben, "PUT", &url, json!({"text": "x".repeat((64 << 10) + 1)})).await, 413);
        assert_eq!(server.status(&ben, "PUT", &url, json!({"text": "a\u{0}b"})).await, 422);
        server.ok(&ada, "PUT", "/api/v1/user/readme", json!({"text": "# Hello"})).await;
        assert_eq!(page(&server, None, "ada").await.1["readme"], "# Hello");

        // A suspended user has nothing to say.
        server.app.accounts.suspend(&"ada".parse().unwrap()).await.unwrap();
        assert_eq!(page(&server, None, "ada").await.0, 404);
        server.dataset("ada/birds", Visibility::Public).await;
        crate::search::indexed(&server).await;
        let (_, shown) = page(&server, Some(&ben), "ada").await;
        assert_eq!((&shown["datasets"], &shown["display_name"], &shown["readme"]), (&json!(1), &Value::Null, &Value::Null));
        assert!(!shown.to_string().contains("example.org"), "{shown}");
    }
}

story! {
    async fn avatars_are_small_pictures_that_the_server_has_made(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("harbours", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        let put = async |person: &Person, url: &str, image: Vec<u8>| {
            Reply::of(server.request("PUT", url, Some(&person.token)).body(image)).await
        };
        let own = "/api/v1/user/avatar";
        let image = png(600, 400, 1);
        let saved = put(&ada, own, image.clone()).await;
        assert_eq!(saved.status, 200, "{}", saved.text());
        let url = saved.json()["avatar"].as_str().unwrap().to_owned();
        let session = server.call(Some(&server.cookie("ada").await), "GET", "/api/v1/session", Value::Null).await.json();
        assert_eq!(session["user"]["avatar"], url);

        // Everybody who knows the URL gets the picture, and keeps it.
        let picture = Reply::of(server.request("GET", &url, None)).await;
        assert_eq!((picture.status, picture.header("content-type")), (200, "image/jpeg"));
        assert_eq!(picture.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(picture.header("x-content-type-options"), "nosniff");
        assert_eq!(picture.header("content-security-policy"), "sandbox; default-src 'none'");
        assert!(picture.body.starts_with(b"\xff\xd8\xff") && picture.body.len() < 20_000, "{}", picture.body.len());
        let tag = picture.header("etag").to_owned();
        let again = server.request("GET", &url, None).header("if-none-match", &tag);
        assert_eq!(Reply::of(again).await.status, 304);
        let plain = Reply::of(server.request("GET", "/api/v1/owners/ada/avatar", None)).await;
        assert_eq!((plain.header("etag"), plain.header("cache-control")), (tag.as_str(), "private, no-cache"));
        // The text in the file is not in the picture, and the same image makes the same picture.
        assert!(image.windows(6).any(|part| part == b"secret") && !picture.body.windows(6).any(|part| part == b"secret"));
        assert_eq!(put(&ada, own, png(600, 400, 1)).await.json()["avatar"], url);
        let (_, shown) = page(&server, None, "ada").await;
        assert_eq!(shown["avatar"], url);

        // What is no image, more than one, or too large, is refused with a reason, and the picture stays.
        let polyglot = [&image[..], b"<script>alert(1)</script>"].concat();
        for (bad, status, reason) in [
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(), 422, "not a PNG, JPEG or WebP image"),
            (b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), 422, "not a PNG, JPEG or WebP image"),
            (Vec::new(), 422, "no image"),
            (polyglot, 422, "something else after it"),
            (image[..image.len() / 2].to_vec(), 422, "incomplete"),
            (png_bomb(), 422, "60000 × 60000 pixels"),
            (vec![0; (1 << 20) + 1], 413, "at most 1 MiB"),
        ] {
            let refused = put(&ada, own, bad).await;
            let detail = refused.json()["detail"].as_str().unwrap().to_owned();
            assert!(refused.status == status && detail.contains(reason), "{reason}: {} {detail}", refused.status);
        }
        assert_eq!(Reply::of(server.request("GET", &url, None)).await.status, 200);

        // An organisation's is changed by its owners, and lists show both.
        let theirs = "/api/v1/organisations/harbours/avatar";
        assert_eq!(put(&ben, theirs, image.clone()).await.status, 403);
        assert_eq!(put(&ada, theirs, png(40, 40, 2)).await.status, 200);
        let members = server.ok(&ben, "GET", "/api/v1/organisations/harbours/members", Value::Null).await;
        assert_eq!(members["items"][0]["avatar"], url);
        let shown = page(&server, Some(&ben), "harbours").await.1;
        let group = shown["avatar"].as_str().unwrap();
        assert!(group.starts_with("/api/v1/owners/harbours/avatar?v="));
        assert_eq!(page(&server, Some(&ben), "ada").await.1["organisations"][0]["avatar"], group);

        // It is gone at once when it is removed, and while the user is suspended.
        server.app.accounts.suspend(&"ada".parse().unwrap()).await.unwrap();
        assert_eq!(Reply::of(server.request("GET", &url, None)).await.status, 404);
        server.app.accounts.resume(&"ada".parse().unwrap()).await.unwrap();
        assert_eq!(Reply::of(server.request("GET", &url, None)).await.status, 200);
        assert_eq!(server.status(&ada, "DELETE", own, Value::Null).await, 204);
        assert_eq!(Reply::of(server.request("GET", &url, None)).await.status, 404);
        let none = server.call(Some(&ada.token), "GET", "/api/v1/owners/ada/avatar", Value::Null).await;
        assert!(none.status == 404 && none.text().contains("initials"), "{}", none.text());
    }
}

#[test]
fn owners_cannot_have_the_names_of_routes() {
    for (_, route) in rutter::web::routes().listed() {
        let first = route.as_str()[1..].split('/').next().unwrap();
        // gRPC has longer paths, and only POST.
        if !first.is_empty() && !first.starts_with('{') && !first.starts_with("arrow.") {
            assert!(first.parse::<OwnerName>().is_err(), "{first} of {}", route.as_str());
        }
    }
}

/// Writes a PNG file in one colour, with a comment.
pub(crate) fn png(width: u32, height: u32, colour: u8) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // 8 bits, RGB.
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let row = [&[0][..], &[colour.wrapping_mul(90), 60, 120].repeat(width as usize)].concat();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&row.repeat(height as usize)).unwrap();
    let chunks = [
        (&b"IHDR"[..], header),
        (b"tEXt", b"Comment\0secret".to_vec()),
        (b"IDAT", packed.finish().unwrap()),
        (b"IEND", Vec::new()),
    ];
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        file.extend_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
        let named = [kind, &data[..]].concat();
        file.extend_from_slice(&named);
        let mut crc = flate2::Crc::new();
        crc.update(&named);
        file.extend_from_slice(&crc.sum().to_be_bytes());
    }
    file
}

/// Writes a small PNG file that claims to have 60,000 × 60,000 pixels.
pub(crate) fn png_bomb() -> Vec<u8> {
    let mut bomb = png(1, 1, 1);
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let mut crc = flate2::Crc::new();
    crc.update(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bomb
}
