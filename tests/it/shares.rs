//! Sharing: what each share grants, what it does not, and attempts to get more.

use std::time::Duration;

use lfs::Oid;
use metastore::FilePath;
use rutter::access::{Actor, AppGrant, Credentials, Fetch, Grant, Own, Read, Right, Write};
use rutter::error::Kind;
use rutter::types::{Level, Role, Secret, Visibility};
use rutter_testing::{LFS_JSON, Person, RawConnection, Reply, Server, noise, story};
use serde_json::{Value, json};

use crate::db::execute;

const DATA: &str = "ada/data";
const SHARES: &str = "/api/v1/datasets/ada/data/shares";

/// A dataset of Ada's with folders of which the names begin alike.
async fn dataset_with_folders(server: &Server) -> Person {
    let ada = server.person("ada").await;
    server.dataset(DATA, Visibility::Private).await;
    let tables = ["a/x.csv", "a/b/y.csv", "ab/z.csv", "c.csv"];
    let mut files = tables.map(|path| json!({"operation": "put", "path": path, "content": "id\n1\n"})).to_vec();
    for (path, bytes) in [("a/in.bin", inside()), ("ab/out.bin", outside())] {
        let oid = server.upload(&ada.token, DATA, &bytes).await;
        files.push(json!({"operation": "put", "path": path, "oid": oid, "size": bytes.len()}));
    }
    server.commit(&ada, DATA, &files).await;
    ada
}

/// A group of an organisation.
pub(crate) async fn create_group(server: &Server, organisation: &str, name: &str, members: &[&Person]) {
    let id = server.clock.id();
    let team = format!(
        "INSERT INTO member_group (id, organisation_id, name, created_at)
         SELECT '{id}', id, '{name}', 0 FROM owner WHERE name = '{organisation}'"
    );
    execute(&server.app.db, team.leak()).await;
    for member in members {
        let row = format!(
            "INSERT INTO group_member (group_id, user_id) SELECT '{id}', id FROM owner WHERE name = '{}'",
            member.name
        );
        execute(&server.app.db, row.leak()).await;
    }
}

async fn actor(server: &Server, token: &str) -> Actor {
    let bearer = Credentials::Bearer(Secret::new(token.to_owned()));
    server.app.access.authenticate(bearer).await.unwrap()
}

/// The grant of a caller at a path of Ada's dataset.
async fn path_grant<R: Right>(server: &Server, token: &str, at: &str) -> Result<Grant<R>, Kind> {
    let at: Option<FilePath> = (!at.is_empty()).then(|| at.parse().unwrap());
    let actor = actor(server, token).await;
    let grant = server.app.access.authorize_path(&actor, &DATA.parse().unwrap(), at.as_ref()).await;
    grant.map_err(|error| error.kind())
}

/// Returns true if a caller has the right on all of Ada's dataset.
async fn has_dataset_grant<R: Right>(server: &Server, token: &str) -> bool {
    let actor = actor(server, token).await;
    server.app.access.authorize::<R>(&actor, &DATA.parse().unwrap()).await.is_ok()
}

async fn get_status(server: &Server, token: &str, url: &str) -> u16 {
    server.call(Some(token), "GET", url, Value::Null).await.status
}

/// Sends every request about more than a part: all are refused, with the same answer as for a dataset that does
/// not exist.
async fn assert_reaches_nothing_else(server: &Server, token: &str) {
    for (method, url, body) in requests_to_the_whole_dataset() {
        let reply = server.call(Some(token), method, &url, body.clone()).await;
        let absent = server.call(Some(token), method, &url.replace(DATA, "ada/none"), body).await;
        assert!(matches!(reply.status, 401 | 403 | 404), "{method} {url}: {} {}", reply.status, reply.text());
        assert_eq!(reply.status, absent.status, "{method} {url}");
        assert!(!reply.text().contains("z.csv") && !reply.text().contains("Folders"), "{method} {url}");
    }
    for object in [inside(), outside()] {
        let objects = json!([{"oid": Oid::of(&object), "size": object.len()}]);
        for operation in ["download", "upload"] {
            for tail in [".git/info/lfs", ""] {
                let body = json!({"operation": operation, "objects": objects}).to_string();
                let request = server.request("POST", &format!("/{DATA}{tail}/objects/batch"), Some(token));
                let reply = Reply::of(request.header("content-type", LFS_JSON).body(body)).await;
                assert_eq!(reply.status, 404, "{operation}: {}", reply.text());
            }
        }
    }
    for (tail, body) in [("locks", json!({"path": "a/x.csv"})), ("locks/verify", json!({}))] {
        assert_eq!(server.lfs(Some(token), DATA, tail, &body).await.status, 404);
    }
    let found = server.call(Some(token), "GET", "/api/v1/datasets", Value::Null).await.json();
    assert_eq!(found["items"], json!([]), "{found}");
    let person = Person { name: "any".into(), token: token.to_owned() };
    let tree = server.tree(&format!("thief-{}", server.clock.id()));
    tree.git(&["remote", "add", "origin", &server.remote(&person, DATA)]);
    for arguments in [&["fetch", "origin"][..], &["ls-remote", "origin"], &["push", "origin", "HEAD:main"]] {
        tree.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
        tree.git_fails(arguments);
    }
}

/// An object in the folder `a`.
fn inside() -> Vec<u8> {
    noise(1, 3000)
}

/// An object in the folder `ab`.
fn outside() -> Vec<u8> {
    noise(2, 3000)
}

/// Requests about the dataset, or about the folder `a` of it, on routes for the whole dataset.
fn requests_to_the_whole_dataset() -> Vec<(&'static str, String, Value)> {
    let rest = "/api/v1/datasets/ada/data";
    let mut requests_to_the_whole_dataset: Vec<(&str, String, Value)> = [
        "",
        "/tree/HEAD",
        "/tree/HEAD?path=a",
        "/files/HEAD/a/x.csv",
        "/raw/HEAD/a/x.csv",
        "/raw/HEAD/ab/z.csv",
        "/rows/HEAD/a/x.csv",
        "/statistics/HEAD/a/x.csv",
        "/revisions",
        "/revisions?path=a/x.csv",
        "/revisions/HEAD",
        "/diff?from=HEAD&to=HEAD",
        "/tags",
        "/branches",
        "/branches/main",
        "/protection",
        "/shares",
    ]
    .iter()
    .map(|tail| ("GET", format!("{rest}{tail}"), Value::Null))
    .collect();
    let put = json!({"message": "m", "operations": [{"operation": "put", "path": "a/new", "content": ""}]});
    requests_to_the_whole_dataset.extend([
        ("POST", format!("{rest}/commits"), put),
        ("POST", format!("{rest}/infer"), json!({"path": "a/x.csv"})),
        ("POST", format!("{rest}/revert"), json!({"revision": "HEAD"})),
        ("POST", format!("{rest}/restore"), json!({"revision": "HEAD"})),
        ("POST", format!("{rest}/tags"), json!({"name": "t"})),
        ("POST", format!("{rest}/branches"), json!({"name": "b"})),
        ("POST", format!("{rest}/move"), json!({"to": "ada/gone"})),
        ("POST", format!("{rest}/shares"), json!({"with": {"link": true}, "right": "view"})),
        ("PATCH", rest.to_owned(), json!({"package": {"title": "t"}})),
        ("DELETE", rest.to_owned(), Value::Null),
    ]);
    for tail in ["", "/revision/main", "/refs", "/commits/main", "/tree/main", "/tree/main/a", "/auth-check"] {
        requests_to_the_whole_dataset.push(("GET", format!("/api/datasets/{DATA}{tail}"), Value::Null));
    }
    requests_to_the_whole_dataset.push(("GET", format!("/datasets/{DATA}/resolve/main/a/x.csv"), Value::Null));
    requests_to_the_whole_dataset.push(("GET", format!("/datasets/{DATA}/resolve/main/a/in.bin"), Value::Null));
    for action in ["package_show", "package_activity_list", "package_update", "package_delete"] {
        requests_to_the_whole_dataset.push(("POST", format!("/api/3/action/{action}"), json!({"id": DATA})));
    }
    for service in ["upload", "receive"] {
        requests_to_the_whole_dataset.push((
            "GET",
            format!("/{DATA}.git/info/refs?service=git-{service}-pack"),
            Value::Null,
        ));
        requests_to_the_whole_dataset.push(("POST", format!("/{DATA}.git/git-{service}-pack"), Value::Null));
    }
    requests_to_the_whole_dataset
}

story! {
    async fn a_folder_share_grants_nothing_else(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let (ben, mallory) = (server.person("ben").await, server.person("mallory").await);
        let share = server.share(&ada, DATA, json!({"path": "a/", "with": {"user": "ben"}, "right": "view"})).await;
        assert_eq!(share["type"], "folder");
        assert_eq!((&share["path"], &share["with"], &share["password"]), (&json!("a"), &json!({"user": "ben"}), &json!(false)));

        for at in ["a", "a/x.csv", "a/b/y.csv", "a/not-yet"] {
            let part = path_grant::<Fetch>(&server, &ben.token, at).await.unwrap();
            assert_eq!(part.root().map(FilePath::as_str), Some("a"));
            assert_eq!(part.path().map(FilePath::as_str), Some(at));
            assert!(part.at(&format!("{at}/deeper").parse().unwrap()).is_ok());
            assert!(part.allows(&"a/in.bin".parse().unwrap()) && !part.allows_all());
            for elsewhere in ["ab", "ab/z.csv", "c.csv", "A/x.csv", "b/a/x.csv"] {
                let elsewhere: FilePath = elsewhere.parse().unwrap();
                assert_eq!(part.at(&elsewhere).unwrap_err().kind(), Kind::NotFound);
                assert!(!part.allows(&elsewhere));
                assert_eq!(part.level_at(Some(&elsewhere)), None);
            }
            assert!(!has_dataset_grant::<Read>(&server, &ben.token).await);
            assert_eq!(path_grant::<Write>(&server, &ben.token, at).await.unwrap_err(), Kind::Forbidden);
            assert_eq!(path_grant::<Read>(&server, &mallory.token, at).await.unwrap_err(), Kind::NotFound);
        }
        for at in ["", "ab", "ab/z.csv", "c.csv", "A"] {
            assert_eq!(path_grant::<Read>(&server, &ben.token, at).await.unwrap_err(), Kind::NotFound, "{at}");
        }
        for odd in ["../ab", "a/../ab", "a/./x.csv", "/a", "a//b", "a\\..\\ab", "a/b/../../ab"] {
            assert!(odd.parse::<FilePath>().is_err(), "{odd}");
        }
        assert_reaches_nothing_else(&server, &ben.token).await;
        assert_reaches_nothing_else(&server, &mallory.token).await;

        // To edit is more, and still only there.
        let id = share["id"].as_str().unwrap();
        let url = format!("{SHARES}/{id}");
        assert_eq!(server.call(Some(&ada.token), "PATCH", &url, json!({"right": "edit"})).await.status, 200);
        let part = path_grant::<Write>(&server, &ben.token, "a/x.csv").await.unwrap();
        assert_eq!((part.level_at(part.path()), part.is_root()), (Some(Level::Edit), false));
        assert!(path_grant::<Write>(&server, &ben.token, "a").await.unwrap().is_root());
        assert_eq!(path_grant::<Write>(&server, &ben.token, "ab/z.csv").await.unwrap_err(), Kind::NotFound);
        assert_eq!(path_grant::<Own>(&server, &ben.token, "a").await.unwrap_err(), Kind::Forbidden);
        assert_reaches_nothing_else(&server, &ben.token).await;

        // A further share of a file adds to it.
        server.share(&ada, DATA, json!({"path": "ab/z.csv", "with": {"user": "ben"}, "right": "view"})).await;
        let actor = actor(&server, &ben.token).await;
        let parts = server.app.access.authorize_paths::<Read>(&actor, &DATA.parse().unwrap()).await.unwrap();
        let roots: Vec<&str> = parts.iter().filter_map(|part| part.root().map(FilePath::as_str)).collect();
        assert_eq!(roots, ["a", "ab/z.csv"]);
        assert_eq!(path_grant::<Read>(&server, &ben.token, "ab/out.bin").await.unwrap_err(), Kind::NotFound);

        // Its end is effective immediately.
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        assert_eq!(path_grant::<Read>(&server, &ben.token, "a").await.unwrap_err(), Kind::NotFound);
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 404);
    }
}

story! {
    async fn a_share_of_a_whole_dataset_includes_git(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let ben = server.person("ben").await;
        let view = json!({"with": {"user": "ben"}, "right": "view"});
        let share = server.share(&ada, DATA, view).await;
        assert_eq!((&share["type"], &share["path"]), (&json!("dataset"), &json!("")));
        let tree = server.clone(&ben, DATA, "ben");
        assert!(tree.read("ab/out.bin") == outside());
        tree.write("new.csv", "id\n");
        tree.commit("New");
        tree.git_fails(&["push", "-q", "origin", "main"]);

        let found = server.call(Some(&ben.token), "GET", "/api/v1/datasets", Value::Null).await.json();
        assert_eq!(found["items"][0]["id"], DATA, "{found}");
        assert_eq!(server.call(None, "GET", "/api/v1/datasets", Value::Null).await.json()["items"], json!([]));

        // The same once more changes it.
        let edit = json!({"with": {"user": "ben"}, "right": "edit"});
        let again = server.call(Some(&ada.token), "POST", SHARES, edit).await;
        assert_eq!((again.status, &again.json()["id"]), (200, &share["id"]));
        tree.git(&["push", "-q", "origin", "main"]);
        // He cannot manage it.
        for (method, url) in [("GET", SHARES), ("POST", SHARES), ("DELETE", "/api/v1/datasets/ada/data")] {
            let body = if method == "POST" { json!({"with": {"link": true}, "right": "view"}) } else { Value::Null };
            assert_eq!(server.call(Some(&ben.token), method, url, body).await.status, 403, "{method} {url}");
        }
        // The scopes of his token still apply.
        let narrow = server.token("ben", &["read"]).await;
        assert_eq!(path_grant::<Write>(&server, &narrow, "a").await.unwrap_err(), Kind::Forbidden);
        let foreign = server.token("ben", &["own:ben/other"]).await;
        assert_eq!(get_status(&server, &foreign, "/api/v1/datasets/ada/data").await, 404);
        let received = server.call(Some(&foreign), "GET", "/api/v1/shares/received", Value::Null).await.json();
        assert_eq!(received["items"], json!([]), "a token tells of no other dataset");

        let url = format!("{SHARES}/{}", share["id"].as_str().unwrap());
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        tree.git_fails(&["fetch", "origin"]);
        assert_reaches_nothing_else(&server, &ben.token).await;
    }
}

story! {
    async fn expired_shares_grant_nothing(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let ben = server.person("ben").await;
        let in_an_hour = server.clock.now().plus(Duration::from_hours(1)).rfc3339();
        server.share(&ada, DATA, json!({"with": {"user": "ben"}, "right": "view", "expires": in_an_hour})).await;
        assert_eq!(get_status(&server, &ben.token, "/api/v1/datasets/ada/data").await, 200);
        server.clock.advance(Duration::from_secs(3601));
        assert_eq!(get_status(&server, &ben.token, "/api/v1/datasets/ada/data").await, 404);
        let found = server.call(Some(&ben.token), "GET", "/api/v1/datasets", Value::Null).await.json();
        assert_eq!(found["items"], json!([]));
        let received = server.call(Some(&ben.token), "GET", "/api/v1/shares/received", Value::Null).await.json();
        assert_eq!(received["items"], json!([]));
    }
}

story! {
    async fn a_group_share_applies_while_the_user_is_in_the_group(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let [ben, cleo, mallory] = [server.person("ben").await, server.person("cleo").await, server.person("mallory").await];
        server.organisation("club", &[(&ada, Role::Reader), (&ben, Role::Reader), (&cleo, Role::Reader)]).await;
        create_group(&server, "club", "crew", &[&ben]).await;
        server.organisation("others", &[(&mallory, Role::Owner)]).await;
        create_group(&server, "others", "secret", &[&mallory]).await;

        let crew = json!({"path": "a", "with": {"group": "club:crew"}, "right": "edit"});
        let share = server.share(&ada, DATA, crew).await;
        assert_eq!(share["with"], json!({"group": "club:crew"}));
        let email = server.email_to("ben@example.org", 1).await;
        assert_eq!(email.subject, "ada shared the folder \"a\" of the dataset ada/data with you");
        assert!(server.emails().iter().all(|email| email.to == "ben@example.org"), "only the group gets an e-mail");
        assert!(path_grant::<Write>(&server, &ben.token, "a/x.csv").await.is_ok());
        assert_eq!(path_grant::<Read>(&server, &cleo.token, "a").await.unwrap_err(), Kind::NotFound, "not in the group");
        assert_reaches_nothing_else(&server, &ben.token).await;
        // Groups of other organisations are not disclosed.
        let [theirs, none] = ["others:secret", "others:none"].map(|group| json!({"with": {"group": group}, "right": "view"}));
        let theirs = server.call(Some(&ada.token), "POST", SHARES, theirs).await;
        let none = server.call(Some(&ada.token), "POST", SHARES, none).await;
        assert_eq!((theirs.status, none.status), (422, 422));
        let said = |reply: &Reply| reply.json()["detail"].as_str().unwrap().replace("secret", "none");
        assert_eq!(said(&theirs), said(&none));

        let received = server.call(Some(&ben.token), "GET", "/api/v1/shares/received", Value::Null).await.json();
        assert_eq!((&received["items"][0]["path"], &received["items"][0]["owner"]), (&json!("a"), &json!("ada")));
        // Leaving the organisation leaves its groups.
        server.app.accounts.set_member(&"club".parse().unwrap(), &"ben".parse().unwrap(), None).await.unwrap();
        assert_eq!(path_grant::<Read>(&server, &ben.token, "a").await.unwrap_err(), Kind::NotFound);
        let received = server.call(Some(&ben.token), "GET", "/api/v1/shares/received", Value::Null).await.json();
        assert_eq!(received["items"], json!([]));
    }
}

story! {
    async fn a_share_with_an_address_applies_once_it_has_an_account(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let mallory = server.person("mallory").await;
        let share = json!({"path": "a", "with": {"email": "Ben@Example.ORG"}, "right": "view",
            "message": "Look at this!\n-- Ada"});
        let share = server.share(&ada, DATA, share).await;
        assert_eq!(share["with"], json!({"email": "ben@example.org"}));
        let email = server.email_to("ben@example.org", 1).await;
        for said in ["the folder \"a\" of the dataset ada/data", "> Look at this!", "> -- Ada", "/shared/ada/data/a\n", "there is none yet", "ask ada"] {
            assert!(email.text.contains(said), "{said}: {email:?}");
        }
        assert_eq!(path_grant::<Read>(&server, &mallory.token, "a").await.unwrap_err(), Kind::NotFound);
        let near = ["ben@example.org.evil.example", "xben@example.org", "ben+x@example.org"];
        for (number, address) in near.iter().enumerate() {
            let name = format!("near{number}");
            let (owner, address) = (name.parse().unwrap(), address.parse().unwrap());
            server.app.accounts.add_user(&owner, &address, None, false).await.unwrap();
            let token = server.token(&name, &[]).await;
            assert_eq!(path_grant::<Read>(&server, &token, "a").await.unwrap_err(), Kind::NotFound, "{address}");
        }
        let ben = server.person("ben").await;
        assert!(path_grant::<Read>(&server, &ben.token, "a/x.csv").await.is_ok());
        assert_reaches_nothing_else(&server, &ben.token).await;
        let received = server.call(Some(&ben.token), "GET", "/api/v1/shares/received", Value::Null).await.json();
        assert_eq!(received["items"][0]["id"], share["id"]);
        let given = server.call(Some(&ada.token), "GET", "/api/v1/shares/given", Value::Null).await.json();
        assert_eq!(given["items"][0]["id"], share["id"]);
        // A share that is answered the same whether the address has an account or not.
        let again = json!({"path": "a", "with": {"email": "ben@example.org"}, "right": "view"});
        let mut again = server.share(&ada, DATA, again).await;
        again["last_used"].take();
        let mut before = share.clone();
        before["last_used"].take();
        assert_eq!(again, before);
        server.emails_to("ben@example.org", 1).await;
    }
}

story! {
    async fn a_link_grants_access_to_its_target_only(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let (id, link) = server.create_link(&ada, DATA, json!({"path": "a", "right": "view"})).await;
        let reply = server.open_link(&link, None).await;
        let opened = reply.json();
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!((&opened["dataset"], &opened["path"], &opened["name"]), (&json!(DATA), &json!("a"), &json!("a")));
        assert_eq!((&opened["type"], &opened["right"], &opened["owner"]), (&json!("folder"), &json!("view"), &json!("ada")));
        let bearer = opened["token"].as_str().unwrap();
        assert!(bearer.starts_with("rla_"));
        assert_eq!(path_grant::<Fetch>(&server, bearer, "a/x.csv").await.unwrap().root().map(FilePath::as_str), Some("a"));
        assert_eq!(path_grant::<Write>(&server, bearer, "a/x.csv").await.unwrap_err(), Kind::Forbidden);
        for at in ["", "ab", "ab/z.csv", "c.csv"] {
            assert_eq!(path_grant::<Read>(&server, bearer, at).await.unwrap_err(), Kind::NotFound, "{at}");
        }
        assert_reaches_nothing_else(&server, bearer).await;
        // Nor is it a user: no dataset, no list, no share of its own; and the link itself is no credential.
        let make = json!({"id": "ada/mine"});
        assert!(matches!(server.call(Some(bearer), "POST", "/api/v1/datasets", make).await.status, 403 | 404));
        assert_eq!(get_status(&server, bearer, "/api/v1/shares/received").await, 403);
        assert_eq!(get_status(&server, &link, "/api/v1/shares/received").await, 401);
        for wrong in ["rla_", "rla_AAAA", &bearer[..40], &format!("{bearer}x"), &bearer.replace("rla_", "rsl_")] {
            assert_eq!(get_status(&server, wrong, "/api/v1/datasets").await, 401, "{wrong}");
        }
        for wrong in ["", "rsl_", "rsl_AAAA", bearer, &format!("{link}x"), &ada.token] {
            assert_eq!(server.open_link(wrong, None).await.status, 404, "{wrong}");
        }

        // A link to the whole dataset gives no other access either: downloads could not be counted there.
        let (_, whole) = server.create_link(&ada, DATA, json!({"right": "edit"})).await;
        let whole = server.link_token(&whole).await;
        assert!(path_grant::<Write>(&server, &whole, "").await.unwrap().allows_all());
        assert!(!has_dataset_grant::<Read>(&server, &whole).await);
        assert_reaches_nothing_else(&server, &whole).await;

        // An hour is enough.
        server.clock.advance(Duration::from_secs(3601));
        assert_eq!(get_status(&server, bearer, "/api/v1/datasets").await, 401);
        let bearer = server.link_token(&link).await;
        // A changed link must be opened again, a revoked one cannot be.
        let url = format!("{SHARES}/{id}");
        assert_eq!(server.call(Some(&ada.token), "PATCH", &url, json!({"right": "edit"})).await.status, 200);
        assert_eq!(get_status(&server, &bearer, "/api/v1/datasets").await, 401);
        let bearer = server.link_token(&link).await;
        assert!(path_grant::<Write>(&server, &bearer, "a/x.csv").await.is_ok());
        assert_reaches_nothing_else(&server, &bearer).await;
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        assert_eq!(get_status(&server, &bearer, "/api/v1/datasets").await, 401);
        let revoked = server.open_link(&link, None).await;
        let unknown = server.open_link("rsl_unknown", None).await;
        assert_eq!((revoked.status, &revoked.json()["detail"]), (404, &unknown.json()["detail"]));
    }
}

story! {
    async fn a_link_can_have_a_password_and_an_expiry(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let soon = server.clock.now().plus(Duration::from_mins(10)).rfc3339();
        let (id, link) =
            server.create_link(&ada, DATA, json!({"path": "c.csv", "right": "view", "password": "sesame!", "expires": soon})).await;
        for (password, status) in [(None, 401), (Some("sesame"), 401), (Some(""), 401), (Some("sesame!"), 200)] {
            let reply = server.open_link(&link, password).await;
            assert_eq!(reply.status, status, "{password:?}");
            if status == 401 {
                assert_eq!(reply.json()["password_required"], json!(true));
                assert!(reply.header("www-authenticate").starts_with("Bearer"), "no browser asks for a name");
                assert!(!reply.text().contains("c.csv") && !reply.text().contains("ada"), "{}", reply.text());
            }
        }
        let listed = server.call(Some(&ada.token), "GET", SHARES, Value::Null).await;
        assert_eq!(listed.json()["items"][0]["password"], json!(true));
        assert!(!listed.text().contains("argon2") && !listed.text().contains("rsl_"), "{}", listed.text());

        let bearer = server.open_link(&link, Some("sesame!")).await.json()["token"].as_str().unwrap().to_owned();
        server.clock.advance(Duration::from_mins(11));
        assert_eq!(get_status(&server, &bearer, "/api/v1/datasets").await, 401, "it ends with the link");
        assert_eq!(server.open_link(&link, Some("sesame!")).await.status, 404);
        let change = json!({"expires": null, "password": null});
        assert_eq!(server.call(Some(&ada.token), "PATCH", &format!("{SHARES}/{id}"), change).await.status, 200);
        assert_eq!(server.open_link(&link, None).await.status, 200);
    }
}

story! {
    async fn guessing_a_link_password_is_slowed_down(engine: Engine) {
        let server = Server::start_with(engine, |config| config.rates.failures_account = 5).await;
        let ada = dataset_with_folders(&server).await;
        let (_, link) = server.create_link(&ada, DATA, json!({"path": "a", "right": "view", "password": "sesame!"})).await;
        let (_, other) = server.create_link(&ada, DATA, json!({"path": "a", "right": "view", "password": "sesame!"})).await;
        // To ask whether there is a password is no guess.
        for _ in 0..10 {
            assert_eq!(server.open_link(&link, None).await.status, 401);
        }
        let guesses = futures::future::join_all((0..20).map(|_| server.open_link(&link, Some("guess!")))).await;
        let looked_at = guesses.iter().filter(|reply| reply.status == 401).count();
        assert!(looked_at <= 6, "{looked_at}");
        let refused = server.open_link(&link, Some("sesame!")).await;
        assert_eq!(refused.status, 429);
        assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
        assert_eq!(server.open_link(&other, Some("sesame!")).await.status, 200, "another link has its own guesses");
    }
}

story! {
    async fn the_download_limit_of_a_link_is_exact(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let (id, link) = server.create_link(&ada, DATA, json!({"path": "a", "right": "view", "downloads": 3})).await;
        let mut openings = Vec::new();
        for _ in 0..12 {
            openings.push(server.link_token(&link).await);
        }
        // The same under one opening is one.
        let first = path_grant::<Fetch>(&server, &openings[0], "a/x.csv").await.unwrap();
        for _ in 0..5 {
            assert!(server.app.access.count_download(std::slice::from_ref(&first)).await.is_ok());
        }
        let shown = server.call(Some(&ada.token), "GET", SHARES, Value::Null).await.json();
        assert_eq!(shown["items"][0]["downloads"], json!({"used": 1, "limit": 3}), "{shown}");
        let mut grants = Vec::new();
        for opening in &openings[1..] {
            grants.push([path_grant::<Fetch>(&server, opening, "a/x.csv").await.unwrap()]);
        }
        let access = &server.app.access;
        let taken = futures::future::join_all(grants.iter().map(|grant| access.count_download(grant))).await;
        assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 2, "of eleven at once");
        assert_eq!(server.open_link(&link, None).await.status, 404, "it is used up");
        // A counted download may be finished, and no other one started.
        assert!(access.count_download(&[first]).await.is_ok());
        let further = path_grant::<Fetch>(&server, &openings[0], "a/in.bin").await.unwrap();
        assert_eq!(access.count_download(&[further]).await.unwrap_err().kind(), Kind::NotFound);
        let shown = server.call(Some(&ada.token), "GET", SHARES, Value::Null).await.json();
        assert_eq!(shown["items"][0]["downloads"], json!({"used": 3, "limit": 3}));
        // A user is not counted.
        let own = path_grant::<Fetch>(&server, &ada.token, "a/x.csv").await.unwrap();
        assert!(access.count_download(&[own]).await.is_ok());
        let more = json!({"downloads": 4});
        assert_eq!(server.call(Some(&ada.token), "PATCH", &format!("{SHARES}/{id}"), more).await.status, 200);
        assert_eq!(server.open_link(&link, None).await.status, 200);
    }
}

story! {
    async fn an_app_has_less_than_its_user_and_shares_nothing(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let (ben, path) = (server.person("ben").await, DATA.parse().unwrap());
        let access = &server.app.access;
        // As the user who has signed in: without the limits of a token.
        let session = async |name: &str| {
            let cookie = Secret::new(server.cookie(name).await);
            access.authenticate(Credentials::Session(cookie)).await.unwrap()
        };
        let app = |scopes: &[&str]| {
            AppGrant::new("notes".into(), scopes.iter().map(|scope| scope.parse().unwrap()).collect())
        };
        let owner = session("ada").await;
        assert!(access.authorize_sharing(&owner, &path).await.is_ok());
        // Whatever ada gives it, an app does not share, and owns nothing.
        for scopes in [&["own"][..], &["own:ada/data"], &["write"], &["read"]] {
            let through = owner.through(app(scopes)).unwrap();
            assert_eq!(access.authorize_sharing(&through, &path).await.unwrap_err().kind(), Kind::Forbidden);
            assert!(access.authorize::<Own>(&through, &path).await.is_err());
            assert!(!access.may_share(&through, &path).await.unwrap());
            let writes = access.authorize_path::<Write>(&through, &path, None).await.is_ok();
            assert_eq!(writes, scopes != ["read"]);
            assert!(through.through(app(&["own"])).is_err(), "an app has no apps");
        }
        assert!(access.authorize::<Read>(&owner.through(app(&["own:ada/other"])).unwrap(), &path).await.is_err());
        assert!(actor(&server, &ada.token).await.through(app(&["own"])).is_err(), "nor has a token");

        // A share for an app is good through it, and as far as the user gave it that.
        let share = json!({"path": "a", "with": {"user": "ben"}, "right": "edit", "app": "notes"});
        server.share(&ada, DATA, share).await;
        let at: FilePath = "a/x.csv".parse().unwrap();
        let user = session("ben").await;
        assert!(access.authorize_path::<Read>(&user, &path, Some(&at)).await.is_err());
        assert_eq!(path_grant::<Read>(&server, &ben.token, "a").await.unwrap_err(), Kind::NotFound);
        let through = user.through(app(&["write"])).unwrap();
        assert!(access.authorize_path::<Write>(&through, &path, Some(&at)).await.is_ok());
        let through = user.through(app(&["read"])).unwrap();
        let refused = access.authorize_path::<Write>(&through, &path, Some(&at)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Forbidden);
        let other = AppGrant::new("other".into(), vec!["write".parse().unwrap()]);
        assert!(access.authorize_path::<Read>(&user.through(other).unwrap(), &path, Some(&at)).await.is_err());
    }
}

story! {
    async fn no_path_leaves_a_shared_folder(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let ben = server.person("ben").await;
        server.share(&ada, DATA, json!({"path": "a", "with": {"user": "ben"}, "right": "edit"})).await;
        let (_, link) = server.create_link(&ada, DATA, json!({"path": "a", "right": "edit"})).await;
        let bearer = server.link_token(&link).await;
        for token in [&ben.token, &bearer] {
            assert_eq!(get_status(&server, token, "/api/v1/drive/ada/data/content/a/x.csv").await, 200);
            for path in [
                "ab/z.csv", "c.csv", "a/../ab/z.csv", "a/%2e%2e/ab/z.csv", "a/..%2fab/z.csv", "a%2f..%2fab%2fz.csv",
                "..%2f..%2fada/data/c.csv", "a/./../c.csv", "./c.csv", "%2fc.csv", "A/x.csv", "a%00/../c.csv", "a%5c..%5cc.csv",
            ] {
                for door in ["content", "download", "entry", "versions", "rows", "statistics"] {
                    // By hand: a client would tidy the URL.
                    let mut wire = RawConnection::open(&server).await;
                    let url = format!("/api/v1/drive/ada/data/{door}/{path}");
                    wire.request("GET", &url, &[&format!("Authorization: Bearer {token}")]).await;
                    let (status, _, body) = wire.reply().await;
                    let body = String::from_utf8_lossy(&body);
                    assert!(matches!(status, 400 | 404 | 422), "{door} {path}: {status} {body}");
                    assert!(!body.contains("id\n1"), "{door} {path}: {body}");
                }
                let put = server.request("PUT", &format!("/api/v1/drive/ada/data/files/{path}"), Some(token)).body("mine");
                let put = Reply::of(put).await;
                assert!(matches!(put.status, 400 | 404 | 405 | 422), "{path}: {} {}", put.status, put.text());
            }
        }
        assert_eq!(server.call(Some(&ada.token), "GET", "/api/v1/drive/ada/data/content/c.csv", Value::Null).await.text(), "id\n1\n");
    }
}

story! {
    async fn invalid_shares_are_refused_with_a_reason(server: Server) {
        let ada = dataset_with_folders(&server).await;
        server.person("ben").await;
        let past = server.clock.now().minus(Duration::from_secs(60)).rfc3339();
        let user = json!({"user": "ben"});
        for (body, answer) in [
            (json!({"with": {"user": "missing"}, "right": "view"}), "no user `missing`"),
            (json!({"with": {"user": "ada"}, "right": "view"}), "own"),
            (json!({"with": user, "right": "own"}), "view"),
            (json!({"with": user, "right": "view", "expires": past}), "in the future"),
            (json!({"with": user, "right": "view", "expires": "tomorrow"}), "2030-01-31"),
            (json!({"with": user, "right": "view", "password": "sesame!"}), "only a link"),
            (json!({"with": user, "right": "view", "downloads": 3}), "only a link"),
            (json!({"with": user, "right": "view", "path": "none"}), "`path`"),
            (json!({"with": user, "right": "view", "path": "a/../ab"}), "`path`"),
            (json!({"with": {"link": true}, "right": "view", "downloads": 0}), "at least 1"),
            (json!({"with": {"link": true}, "right": "view", "password": "short"}), "6"),
            (json!({"with": {"link": false}, "right": "view"}), "one of"),
            (json!({"with": {}, "right": "view"}), "one of"),
            (json!({"with": {"user": "ben", "link": true}, "right": "view"}), "one of"),
            (json!({"with": {"email": "no address"}, "right": "view"}), "address"),
            (json!({"with": {"group": "club"}, "right": "view"}), "organisation:group"),
        ] {
            let reply = server.call(Some(&ada.token), "POST", SHARES, body.clone()).await;
            assert_eq!(reply.status, 422, "{body}: {}", reply.text());
            assert!(reply.text().contains(answer), "{body}: {}", reply.text());
        }
        let listed = server.call(Some(&ada.token), "GET", SHARES, Value::Null).await.json();
        assert_eq!(listed["items"], json!([]));
    }
}

story! {
    async fn shares_are_listed_in_pages_and_audited(server: Server) {
        let ada = dataset_with_folders(&server).await;
        for number in 0..5 {
            let with = json!({"email": format!("friend{number}@example.org")});
            server.share(&ada, DATA, json!({"path": "a", "with": with, "right": "view"})).await;
        }
        for root in [SHARES, "/api/v1/shares/given"] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let url = format!("{root}?limit=2{cursor}");
                let page = server.call(Some(&ada.token), "GET", &url, Value::Null).await.json();
                let items = page["items"].as_array().unwrap();
                assert!(items.len() <= 2);
                seen.extend(items.iter().map(|item| item["with"]["email"].as_str().unwrap().to_owned()));
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            let expected: Vec<String> = (0..5).rev().map(|number| format!("friend{number}@example.org")).collect();
            assert_eq!(seen, expected, "{root}");
        }
        assert_eq!(server.call(Some(&ada.token), "GET", &format!("{SHARES}?cursor=x"), Value::Null).await.status, 422);
        let audit = server.app.db.read().await.unwrap().audit("ada/data/a").await.unwrap();
        assert_eq!(audit.len(), 5);
        assert!(audit.iter().all(|(_, action, detail)| action == "share.add" && detail.contains("e-mail friend")));
    }
}

story! {
    async fn a_share_follows_its_folder(server: Server) {
        let ada = dataset_with_folders(&server).await;
        let ben = server.person("ben").await;
        for path in ["a", "a/b", "ab", "c.csv"] {
            server.share(&ada, DATA, json!({"path": path, "with": {"user": "ben"}, "right": "view"})).await;
        }
        let repo = path_grant::<Own>(&server, &ada.token, "").await.unwrap().id();
        let mut tx = server.app.db.write().await.unwrap();
        tx.move_shares(repo, "a", "ünï").await.unwrap();
        tx.commit().await.unwrap();
        let listed = server.call(Some(&ada.token), "GET", SHARES, Value::Null).await.json();
        let paths: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["c.csv", "ab", "ünï/b", "ünï"]);
        assert!(path_grant::<Read>(&server, &ben.token, "ünï/b/y.csv").await.is_ok());
        assert_eq!(path_grant::<Read>(&server, &ben.token, "a").await.unwrap_err(), Kind::NotFound);
        // What was there before is replaced.
        let mut tx = server.app.db.write().await.unwrap();
        tx.move_shares(repo, "ünï", "ab").await.unwrap();
        tx.commit().await.unwrap();
        let listed = server.call(Some(&ada.token), "GET", SHARES, Value::Null).await.json();
        let paths: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["c.csv", "ab/b", "ab"]);
    }
}
