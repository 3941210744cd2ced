//! Sharing: what each share opens, what it does not, and those who try for more.

use std::time::Duration;

use lfs::Oid;
use metastore::FilePath;
use rutter::access::{Actor, AppGrant, Credentials, Fetch, Grant, Own, Read, Right, Write};
use rutter::error::Kind;
use rutter::types::{Level, Role, Secret, Visibility};
use serde_json::{Value, json};

use crate::api::{LFS_JSON, Reply, Wire};
use crate::db::execute;
use crate::harness::{Person, Server, noise, story};

const DATA: &str = "ada/data";
const SHARES: &str = "/api/v1/datasets/ada/data/shares";

impl Server {
    /// A dataset of Ada's with folders of which the names begin alike.
    async fn shelves(&self) -> Person {
        let ada = self.person("ada").await;
        self.dataset(DATA, Visibility::Private).await;
        let tree = self.tree("shelves");
        tree.with_lfs(&self.remote(&ada, DATA));
        for path in ["a/x.csv", "a/b/y.csv", "ab/z.csv", "c.csv"] {
            tree.write(path, "id\n1\n");
        }
        tree.write("a/in.bin", inside());
        tree.write("ab/out.bin", outside());
        tree.commit("Shelves");
        tree.git(&["push", "-q", "origin", "main"]);
        ada
    }

    /// A group of an organisation.
    pub(crate) async fn group(&self, organisation: &str, name: &str, members: &[&Person]) {
        let id = self.clock.id();
        let team = format!(
            "INSERT INTO team (id, organisation_id, name, created_at)
             SELECT '{id}', id, '{name}', 0 FROM owner WHERE name = '{organisation}'"
        );
        execute(&self.app.db, team.leak()).await;
        for member in members {
            let row = format!(
                "INSERT INTO team_member (team_id, user_id) SELECT '{id}', id FROM owner WHERE name = '{}'",
                member.name
            );
            execute(&self.app.db, row.leak()).await;
        }
    }

    async fn told(&self, token: Option<&str>, method: &str, url: &str, body: Value) -> Reply {
        let request = self.request(method, url, token).header("content-type", "application/json");
        Reply::of(if body.is_null() { request } else { request.body(body.to_string()) }).await
    }

    /// Shares something of Ada's; gives the share.
    pub(crate) async fn shared(&self, owner: &Person, dataset: &str, body: Value) -> Value {
        let reply = self.told(Some(&owner.token), "POST", &format!("/api/v1/datasets/{dataset}/shares"), body).await;
        assert!(matches!(reply.status, 200 | 201), "{} {}", reply.status, reply.text());
        reply.json()
    }

    /// Makes a link; gives its id and its secret.
    async fn link(&self, owner: &Person, mut body: Value) -> (String, String) {
        body["with"] = json!({"link": true});
        let share = self.shared(owner, DATA, body).await;
        let url = share["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{}/s#rsl_", self.url)), "{url}");
        (share["id"].as_str().unwrap().to_owned(), url.split_once('#').unwrap().1.to_owned())
    }

    async fn opens(&self, link: &str, password: Option<&str>) -> Reply {
        let mut body = json!({"token": link});
        if let Some(password) = password {
            body["password"] = password.into();
        }
        self.told(None, "POST", "/api/v1/links/open", body).await
    }

    /// What opening a link gives.
    pub(crate) async fn bearer(&self, link: &str) -> String {
        let reply = self.opens(link, None).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["token"].as_str().unwrap().to_owned()
    }

    async fn actor(&self, token: &str) -> Actor {
        let bearer = Credentials::Bearer(Secret::new(token.to_owned()));
        self.app.access.authenticate(bearer).await.unwrap()
    }

    /// The part that somebody has at a path of Ada's dataset.
    async fn part<R: Right>(&self, token: &str, at: &str) -> Result<Grant<R>, Kind> {
        let at: Option<FilePath> = (!at.is_empty()).then(|| at.parse().unwrap());
        let actor = self.actor(token).await;
        let part = self.app.access.authorize_path(&actor, &DATA.parse().unwrap(), at.as_ref()).await;
        part.map_err(|error| error.kind())
    }

    /// Returns true if a token has the right on all of Ada's dataset.
    async fn has_all<R: Right>(&self, token: &str) -> bool {
        self.app.access.authorize::<R>(&self.actor(token).await, &DATA.parse().unwrap()).await.is_ok()
    }

    async fn status(&self, token: &str, url: &str) -> u16 {
        self.told(Some(token), "GET", url, Value::Null).await.status
    }

    /// Tries every door that is about more than a part: none opens, and none tells more than of a dataset that there
    /// is not.
    async fn finds_all_other_doors_shut(&self, token: &str) {
        for (method, url, body) in doors() {
            let reply = self.told(Some(token), method, &url, body.clone()).await;
            let absent = self.told(Some(token), method, &url.replace(DATA, "ada/none"), body).await;
            assert!(matches!(reply.status, 401 | 403 | 404), "{method} {url}: {} {}", reply.status, reply.text());
            assert_eq!(reply.status, absent.status, "{method} {url}");
            assert!(!reply.text().contains("z.csv") && !reply.text().contains("Shelves"), "{method} {url}");
        }
        for object in [inside(), outside()] {
            let objects = json!([{"oid": Oid::of(&object), "size": object.len()}]);
            for operation in ["download", "upload"] {
                for tail in [".git/info/lfs", ""] {
                    let body = json!({"operation": operation, "objects": objects}).to_string();
                    let request = self.request("POST", &format!("/{DATA}{tail}/objects/batch"), Some(token));
                    let reply = Reply::of(request.header("content-type", LFS_JSON).body(body)).await;
                    assert_eq!(reply.status, 404, "{operation}: {}", reply.text());
                }
            }
        }
        for (tail, body) in [("locks", json!({"path": "a/x.csv"})), ("locks/verify", json!({}))] {
            assert_eq!(self.lfs(Some(token), DATA, tail, &body).await.status, 404);
        }
        let found = self.told(Some(token), "GET", "/api/v1/datasets", Value::Null).await.json();
        assert_eq!(found["items"], json!([]), "{found}");
        let person = Person { name: "any".into(), token: token.to_owned() };
        let tree = self.tree(&format!("thief-{}", self.clock.id()));
        tree.git(&["remote", "add", "origin", &self.remote(&person, DATA)]);
        for arguments in [&["fetch", "origin"][..], &["ls-remote", "origin"], &["push", "origin", "HEAD:main"]] {
            tree.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
            tree.git_fails(arguments);
        }
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

/// Requests about the dataset, or about what is in the folder `a` of it, through doors that are for the whole.
fn doors() -> Vec<(&'static str, String, Value)> {
    let rest = "/api/v1/datasets/ada/data";
    let mut doors: Vec<(&str, String, Value)> = [
        "",
        "/tree/HEAD",
        "/tree/HEAD?path=a",
        "/files/HEAD/a/x.csv",
        "/raw/HEAD/a/x.csv",
        "/raw/HEAD/ab/z.csv",
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
    doors.extend([
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
        doors.push(("GET", format!("/api/datasets/{DATA}{tail}"), Value::Null));
    }
    doors.push(("GET", format!("/datasets/{DATA}/resolve/main/a/x.csv"), Value::Null));
    doors.push(("GET", format!("/datasets/{DATA}/resolve/main/a/in.bin"), Value::Null));
    for action in ["package_show", "package_activity_list", "package_update", "package_delete"] {
        doors.push(("POST", format!("/api/3/action/{action}"), json!({"id": DATA})));
    }
    for service in ["upload", "receive"] {
        doors.push(("GET", format!("/{DATA}.git/info/refs?service=git-{service}-pack"), Value::Null));
        doors.push(("POST", format!("/{DATA}.git/git-{service}-pack"), Value::Null));
    }
    doors
}

story! {
    async fn a_folder_opens_and_nothing_else(server: Server) {
        let ada = server.shelves().await;
        let (ben, mallory) = (server.person("ben").await, server.person("mallory").await);
        let share = server.shared(&ada, DATA, json!({"path": "a/", "with": {"user": "ben"}, "right": "view"})).await;
        assert_eq!(share["type"], "folder");
        assert_eq!((&share["path"], &share["with"], &share["password"]), (&json!("a"), &json!({"user": "ben"}), &json!(false)));

        for at in ["a", "a/x.csv", "a/b/y.csv", "a/not-yet"] {
            let part = server.part::<Fetch>(&ben.token, at).await.unwrap();
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
            assert!(!server.has_all::<Read>(&ben.token).await);
            assert_eq!(server.part::<Write>(&ben.token, at).await.unwrap_err(), Kind::Forbidden);
            assert_eq!(server.part::<Read>(&mallory.token, at).await.unwrap_err(), Kind::NotFound);
        }
        for at in ["", "ab", "ab/z.csv", "c.csv", "A"] {
            assert_eq!(server.part::<Read>(&ben.token, at).await.unwrap_err(), Kind::NotFound, "{at}");
        }
        for odd in ["../ab", "a/../ab", "a/./x.csv", "/a", "a//b", "a\\..\\ab", "a/b/../../ab"] {
            assert!(odd.parse::<FilePath>().is_err(), "{odd}");
        }
        server.finds_all_other_doors_shut(&ben.token).await;
        server.finds_all_other_doors_shut(&mallory.token).await;

        // To edit is more, and still only there.
        let id = share["id"].as_str().unwrap();
        let url = format!("{SHARES}/{id}");
        assert_eq!(server.told(Some(&ada.token), "PATCH", &url, json!({"right": "edit"})).await.status, 200);
        let part = server.part::<Write>(&ben.token, "a/x.csv").await.unwrap();
        assert_eq!((part.level_at(part.path()), part.is_root()), (Some(Level::Edit), false));
        assert!(server.part::<Write>(&ben.token, "a").await.unwrap().is_root());
        assert_eq!(server.part::<Write>(&ben.token, "ab/z.csv").await.unwrap_err(), Kind::NotFound);
        assert_eq!(server.part::<Own>(&ben.token, "a").await.unwrap_err(), Kind::Forbidden);
        server.finds_all_other_doors_shut(&ben.token).await;

        // A further share of a file adds itself.
        server.shared(&ada, DATA, json!({"path": "ab/z.csv", "with": {"user": "ben"}, "right": "view"})).await;
        let actor = server.actor(&ben.token).await;
        let parts = server.app.access.authorize_paths::<Read>(&actor, &DATA.parse().unwrap()).await.unwrap();
        let roots: Vec<&str> = parts.iter().filter_map(|part| part.root().map(FilePath::as_str)).collect();
        assert_eq!(roots, ["a", "ab/z.csv"]);
        assert_eq!(server.part::<Read>(&ben.token, "ab/out.bin").await.unwrap_err(), Kind::NotFound);

        // It ends at once.
        assert_eq!(server.told(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        assert_eq!(server.part::<Read>(&ben.token, "a").await.unwrap_err(), Kind::NotFound);
        assert_eq!(server.told(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 404);
    }
}

story! {
    async fn a_whole_dataset_is_shared_with_git_and_all(server: Server) {
        let ada = server.shelves().await;
        let ben = server.person("ben").await;
        let view = json!({"with": {"user": "ben"}, "right": "view"});
        let share = server.shared(&ada, DATA, view).await;
        assert_eq!((&share["type"], &share["path"]), (&json!("dataset"), &json!("")));
        let tree = server.clone(&ben, DATA, "ben");
        assert!(tree.read("ab/out.bin") == outside());
        tree.write("new.csv", "id\n");
        tree.commit("New");
        tree.git_fails(&["push", "-q", "origin", "main"]);

        let found = server.told(Some(&ben.token), "GET", "/api/v1/datasets", Value::Null).await.json();
        assert_eq!(found["items"][0]["id"], DATA, "{found}");
        assert_eq!(server.told(None, "GET", "/api/v1/datasets", Value::Null).await.json()["items"], json!([]));

        // The same once more changes it.
        let edit = json!({"with": {"user": "ben"}, "right": "edit"});
        let again = server.told(Some(&ada.token), "POST", SHARES, edit).await;
        assert_eq!((again.status, &again.json()["id"]), (200, &share["id"]));
        tree.git(&["push", "-q", "origin", "main"]);
        // He does not own it.
        for (method, url) in [("GET", SHARES), ("POST", SHARES), ("DELETE", "/api/v1/datasets/ada/data")] {
            let body = if method == "POST" { json!({"with": {"link": true}, "right": "view"}) } else { Value::Null };
            assert_eq!(server.told(Some(&ben.token), method, url, body).await.status, 403, "{method} {url}");
        }
        // His token is cut as ever.
        let narrow = server.token("ben", &["read"]).await;
        assert_eq!(server.part::<Write>(&narrow, "a").await.unwrap_err(), Kind::Forbidden);
        let foreign = server.token("ben", &["own:ben/other"]).await;
        assert_eq!(server.status(&foreign, "/api/v1/datasets/ada/data").await, 404);
        let received = server.told(Some(&foreign), "GET", "/api/v1/shares/received", Value::Null).await.json();
        assert_eq!(received["items"], json!([]), "a token tells of no other dataset");

        let url = format!("{SHARES}/{}", share["id"].as_str().unwrap());
        assert_eq!(server.told(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        tree.git_fails(&["fetch", "origin"]);
        server.finds_all_other_doors_shut(&ben.token).await;
    }
}

story! {
    async fn what_ends_has_ended(server: Server) {
        let ada = server.shelves().await;
        let ben = server.person("ben").await;
        let in_an_hour = server.clock.now().plus(Duration::from_hours(1)).rfc3339();
        server.shared(&ada, DATA, json!({"with": {"user": "ben"}, "right": "view", "expires": in_an_hour})).await;
        assert_eq!(server.status(&ben.token, "/api/v1/datasets/ada/data").await, 200);
        server.clock.advance(Duration::from_secs(3601));
        assert_eq!(server.status(&ben.token, "/api/v1/datasets/ada/data").await, 404);
        let found = server.told(Some(&ben.token), "GET", "/api/v1/datasets", Value::Null).await.json();
        assert_eq!(found["items"], json!([]));
        let received = server.told(Some(&ben.token), "GET", "/api/v1/shares/received", Value::Null).await.json();
        assert_eq!(received["items"], json!([]));
    }
}

story! {
    async fn a_group_has_it_as_long_as_one_is_in_it(server: Server) {
        let ada = server.shelves().await;
        let [ben, cleo, mallory] = [server.person("ben").await, server.person("cleo").await, server.person("mallory").await];
        server.organisation("club", &[(&ada, Role::Reader), (&ben, Role::Reader), (&cleo, Role::Reader)]).await;
        server.group("club", "crew", &[&ben]).await;
        server.organisation("others", &[(&mallory, Role::Owner)]).await;
        server.group("others", "secret", &[&mallory]).await;

        let crew = json!({"path": "a", "with": {"group": "club:crew"}, "right": "edit"});
        let share = server.shared(&ada, DATA, crew).await;
        assert_eq!(share["with"], json!({"group": "club:crew"}));
        let letter = server.letter_to("ben@example.org", 1).await;
        assert_eq!(letter.subject, "ada shared the folder \"a\" of the dataset ada/data with you");
        assert!(server.letters().iter().all(|letter| letter.to == "ben@example.org"), "only the group is told");
        assert!(server.part::<Write>(&ben.token, "a/x.csv").await.is_ok());
        assert_eq!(server.part::<Read>(&cleo.token, "a").await.unwrap_err(), Kind::NotFound, "not in the group");
        server.finds_all_other_doors_shut(&ben.token).await;
        // Of the groups of others one learns nothing.
        let [theirs, none] = ["others:secret", "others:none"].map(|group| json!({"with": {"group": group}, "right": "view"}));
        let theirs = server.told(Some(&ada.token), "POST", SHARES, theirs).await;
        let none = server.told(Some(&ada.token), "POST", SHARES, none).await;
        assert_eq!((theirs.status, none.status), (422, 422));
        let said = |reply: &Reply| reply.json()["detail"].as_str().unwrap().replace("secret", "none");
        assert_eq!(said(&theirs), said(&none));

        let received = server.told(Some(&ben.token), "GET", "/api/v1/shares/received", Value::Null).await.json();
        assert_eq!((&received["items"][0]["path"], &received["items"][0]["owner"]), (&json!("a"), &json!("ada")));
        // Who leaves the organisation has left its groups.
        server.app.accounts.set_member(&"club".parse().unwrap(), &"ben".parse().unwrap(), None).await.unwrap();
        assert_eq!(server.part::<Read>(&ben.token, "a").await.unwrap_err(), Kind::NotFound);
        let received = server.told(Some(&ben.token), "GET", "/api/v1/shares/received", Value::Null).await.json();
        assert_eq!(received["items"], json!([]));
    }
}

story! {
    async fn an_address_is_good_once_it_has_an_account(server: Server) {
        let ada = server.shelves().await;
        let mallory = server.person("mallory").await;
        let share = json!({"path": "a", "with": {"email": "Ben@Example.ORG"}, "right": "view",
            "message": "Look at this!\n-- Ada"});
        let share = server.shared(&ada, DATA, share).await;
        assert_eq!(share["with"], json!({"email": "ben@example.org"}));
        let letter = server.letter_to("ben@example.org", 1).await;
        for said in ["the folder \"a\" of the dataset ada/data", "> Look at this!", "> -- Ada", "/shared/ada/data/a\n", "there is none yet", "ask ada"] {
            assert!(letter.text.contains(said), "{said}: {letter:?}");
        }
        assert_eq!(server.part::<Read>(&mallory.token, "a").await.unwrap_err(), Kind::NotFound);
        let near = ["ben@example.org.evil.example", "xben@example.org", "ben+x@example.org"];
        for (number, address) in near.iter().enumerate() {
            let name = format!("near{number}");
            let (owner, address) = (name.parse().unwrap(), address.parse().unwrap());
            server.app.accounts.add_user(&owner, &address, None, false).await.unwrap();
            let token = server.token(&name, &[]).await;
            assert_eq!(server.part::<Read>(&token, "a").await.unwrap_err(), Kind::NotFound, "{address}");
        }
        let ben = server.person("ben").await;
        assert!(server.part::<Read>(&ben.token, "a/x.csv").await.is_ok());
        server.finds_all_other_doors_shut(&ben.token).await;
        let received = server.told(Some(&ben.token), "GET", "/api/v1/shares/received", Value::Null).await.json();
        assert_eq!(received["items"][0]["id"], share["id"]);
        let given = server.told(Some(&ada.token), "GET", "/api/v1/shares/given", Value::Null).await.json();
        assert_eq!(given["items"][0]["id"], share["id"]);
        // A share that is answered the same whether the address has an account or not.
        let again = json!({"path": "a", "with": {"email": "ben@example.org"}, "right": "view"});
        let mut again = server.shared(&ada, DATA, again).await;
        again["last_used"].take();
        let mut before = share.clone();
        before["last_used"].take();
        assert_eq!(again, before);
        server.letters_to("ben@example.org", 1).await;
    }
}

story! {
    async fn a_link_lets_in_whoever_has_it_and_no_further(server: Server) {
        let ada = server.shelves().await;
        let (id, link) = server.link(&ada, json!({"path": "a", "right": "view"})).await;
        let reply = server.opens(&link, None).await;
        let opened = reply.json();
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!((&opened["dataset"], &opened["path"], &opened["name"]), (&json!(DATA), &json!("a"), &json!("a")));
        assert_eq!((&opened["type"], &opened["right"], &opened["owner"]), (&json!("folder"), &json!("view"), &json!("ada")));
        let bearer = opened["token"].as_str().unwrap();
        assert!(bearer.starts_with("rla_"));
        assert_eq!(server.part::<Fetch>(bearer, "a/x.csv").await.unwrap().root().map(FilePath::as_str), Some("a"));
        assert_eq!(server.part::<Write>(bearer, "a/x.csv").await.unwrap_err(), Kind::Forbidden);
        for at in ["", "ab", "ab/z.csv", "c.csv"] {
            assert_eq!(server.part::<Read>(bearer, at).await.unwrap_err(), Kind::NotFound, "{at}");
        }
        server.finds_all_other_doors_shut(bearer).await;
        // Nor is it somebody: no dataset, no list, no share of its own; and the link itself is no credential.
        let make = json!({"id": "ada/mine"});
        assert!(matches!(server.told(Some(bearer), "POST", "/api/v1/datasets", make).await.status, 403 | 404));
        assert_eq!(server.status(bearer, "/api/v1/shares/received").await, 403);
        assert_eq!(server.status(&link, "/api/v1/shares/received").await, 401);
        for wrong in ["rla_", "rla_AAAA", &bearer[..40], &format!("{bearer}x"), &bearer.replace("rla_", "rsl_")] {
            assert_eq!(server.status(wrong, "/api/v1/datasets").await, 401, "{wrong}");
        }
        for wrong in ["", "rsl_", "rsl_AAAA", bearer, &format!("{link}x"), &ada.token] {
            assert_eq!(server.opens(wrong, None).await.status, 404, "{wrong}");
        }

        // A link to the whole opens no other door either: it could be counted nowhere.
        let (_, whole) = server.link(&ada, json!({"right": "edit"})).await;
        let whole = server.bearer(&whole).await;
        assert!(server.part::<Write>(&whole, "").await.unwrap().allows_all());
        assert!(!server.has_all::<Read>(&whole).await);
        server.finds_all_other_doors_shut(&whole).await;

        // An hour is enough.
        server.clock.advance(Duration::from_secs(3601));
        assert_eq!(server.status(bearer, "/api/v1/datasets").await, 401);
        let bearer = server.bearer(&link).await;
        // What is changed is to be opened again, what is taken back never again.
        let url = format!("{SHARES}/{id}");
        assert_eq!(server.told(Some(&ada.token), "PATCH", &url, json!({"right": "edit"})).await.status, 200);
        assert_eq!(server.status(&bearer, "/api/v1/datasets").await, 401);
        let bearer = server.bearer(&link).await;
        assert!(server.part::<Write>(&bearer, "a/x.csv").await.is_ok());
        server.finds_all_other_doors_shut(&bearer).await;
        assert_eq!(server.told(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        assert_eq!(server.status(&bearer, "/api/v1/datasets").await, 401);
        let revoked = server.opens(&link, None).await;
        let unknown = server.opens("rsl_unknown", None).await;
        assert_eq!((revoked.status, &revoked.json()["detail"]), (404, &unknown.json()["detail"]));
    }
}

story! {
    async fn a_link_has_a_password_and_an_end(server: Server) {
        let ada = server.shelves().await;
        let soon = server.clock.now().plus(Duration::from_mins(10)).rfc3339();
        let (id, link) =
            server.link(&ada, json!({"path": "c.csv", "right": "view", "password": "sesame!", "expires": soon})).await;
        for (password, status) in [(None, 401), (Some("sesame"), 401), (Some(""), 401), (Some("sesame!"), 200)] {
            let reply = server.opens(&link, password).await;
            assert_eq!(reply.status, status, "{password:?}");
            if status == 401 {
                assert_eq!(reply.json()["password_required"], json!(true));
                assert!(reply.header("www-authenticate").starts_with("Bearer"), "no browser asks for a name");
                assert!(!reply.text().contains("c.csv") && !reply.text().contains("ada"), "{}", reply.text());
            }
        }
        let listed = server.told(Some(&ada.token), "GET", SHARES, Value::Null).await;
        assert_eq!(listed.json()["items"][0]["password"], json!(true));
        assert!(!listed.text().contains("argon2") && !listed.text().contains("rsl_"), "{}", listed.text());

        let bearer = server.opens(&link, Some("sesame!")).await.json()["token"].as_str().unwrap().to_owned();
        server.clock.advance(Duration::from_mins(11));
        assert_eq!(server.status(&bearer, "/api/v1/datasets").await, 401, "it ends with the link");
        assert_eq!(server.opens(&link, Some("sesame!")).await.status, 404);
        let change = json!({"expires": null, "password": null});
        assert_eq!(server.told(Some(&ada.token), "PATCH", &format!("{SHARES}/{id}"), change).await.status, 200);
        assert_eq!(server.opens(&link, None).await.status, 200);
    }
}

story! {
    async fn who_guesses_has_to_wait(engine: Engine) {
        let server = Server::start_with(engine, |config| config.rates.failures_account = 5).await;
        let ada = server.shelves().await;
        let (_, link) = server.link(&ada, json!({"path": "a", "right": "view", "password": "sesame!"})).await;
        let (_, other) = server.link(&ada, json!({"path": "a", "right": "view", "password": "sesame!"})).await;
        // To ask whether there is a password is no guess.
        for _ in 0..10 {
            assert_eq!(server.opens(&link, None).await.status, 401);
        }
        let guesses = futures::future::join_all((0..20).map(|_| server.opens(&link, Some("guess!")))).await;
        let looked_at = guesses.iter().filter(|reply| reply.status == 401).count();
        assert!(looked_at <= 6, "{looked_at}");
        let refused = server.opens(&link, Some("sesame!")).await;
        assert_eq!(refused.status, 429);
        assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
        assert_eq!(server.opens(&other, Some("sesame!")).await.status, 200, "another link has its own guesses");
    }
}

story! {
    async fn downloads_are_counted_and_no_two_are_the_last(server: Server) {
        let ada = server.shelves().await;
        let (id, link) = server.link(&ada, json!({"path": "a", "right": "view", "downloads": 3})).await;
        let mut openings = Vec::new();
        for _ in 0..12 {
            openings.push(server.bearer(&link).await);
        }
        // The same under one opening is one.
        let first = server.part::<Fetch>(&openings[0], "a/x.csv").await.unwrap();
        for _ in 0..5 {
            assert!(server.app.access.count_download(std::slice::from_ref(&first)).await.is_ok());
        }
        let shown = server.told(Some(&ada.token), "GET", SHARES, Value::Null).await.json();
        assert_eq!(shown["items"][0]["downloads"], json!({"used": 1, "limit": 3}), "{shown}");
        let mut grants = Vec::new();
        for opening in &openings[1..] {
            grants.push([server.part::<Fetch>(opening, "a/x.csv").await.unwrap()]);
        }
        let access = &server.app.access;
        let taken = futures::future::join_all(grants.iter().map(|grant| access.count_download(grant))).await;
        assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 2, "of eleven at once");
        assert_eq!(server.opens(&link, None).await.status, 404, "it is used up");
        // What was counted may still be finished, and nothing else be begun.
        assert!(access.count_download(&[first]).await.is_ok());
        let further = server.part::<Fetch>(&openings[0], "a/in.bin").await.unwrap();
        assert_eq!(access.count_download(&[further]).await.unwrap_err().kind(), Kind::NotFound);
        let shown = server.told(Some(&ada.token), "GET", SHARES, Value::Null).await.json();
        assert_eq!(shown["items"][0]["downloads"], json!({"used": 3, "limit": 3}));
        // A user is not counted.
        let own = server.part::<Fetch>(&ada.token, "a/x.csv").await.unwrap();
        assert!(access.count_download(&[own]).await.is_ok());
        let more = json!({"downloads": 4});
        assert_eq!(server.told(Some(&ada.token), "PATCH", &format!("{SHARES}/{id}"), more).await.status, 200);
        assert_eq!(server.opens(&link, None).await.status, 200);
    }
}

story! {
    async fn an_app_has_less_than_its_user_and_shares_nothing(server: Server) {
        let ada = server.shelves().await;
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
        assert!(server.actor(&ada.token).await.through(app(&["own"])).is_err(), "nor has a token");

        // A share for an app is good through it, and as far as the user gave it that.
        let share = json!({"path": "a", "with": {"user": "ben"}, "right": "edit", "app": "notes"});
        server.shared(&ada, DATA, share).await;
        let at: FilePath = "a/x.csv".parse().unwrap();
        let user = session("ben").await;
        assert!(access.authorize_path::<Read>(&user, &path, Some(&at)).await.is_err());
        assert_eq!(server.part::<Read>(&ben.token, "a").await.unwrap_err(), Kind::NotFound);
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
    async fn no_path_leads_out_of_a_folder(server: Server) {
        let ada = server.shelves().await;
        let ben = server.person("ben").await;
        server.shared(&ada, DATA, json!({"path": "a", "with": {"user": "ben"}, "right": "edit"})).await;
        let (_, link) = server.link(&ada, json!({"path": "a", "right": "edit"})).await;
        let bearer = server.bearer(&link).await;
        for token in [&ben.token, &bearer] {
            assert_eq!(server.status(token, "/api/v1/drive/ada/data/content/a/x.csv").await, 200);
            for path in [
                "ab/z.csv", "c.csv", "a/../ab/z.csv", "a/%2e%2e/ab/z.csv", "a/..%2fab/z.csv", "a%2f..%2fab%2fz.csv",
                "..%2f..%2fada/data/c.csv", "a/./../c.csv", "./c.csv", "%2fc.csv", "A/x.csv", "a%00/../c.csv", "a%5c..%5cc.csv",
            ] {
                for door in ["content", "download", "entry", "versions", "rows"] {
                    // By hand: a client would tidy the URL.
                    let mut wire = Wire::open(&server).await;
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
        assert_eq!(server.told(Some(&ada.token), "GET", "/api/v1/drive/ada/data/content/c.csv", Value::Null).await.text(), "id\n1\n");
    }
}

story! {
    async fn what_cannot_be_shared_is_told(server: Server) {
        let ada = server.shelves().await;
        server.person("ben").await;
        let past = server.clock.now().minus(Duration::from_secs(60)).rfc3339();
        let user = json!({"user": "ben"});
        for (body, told) in [
            (json!({"with": {"user": "nobody"}, "right": "view"}), "no user `nobody`"),
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
            let reply = server.told(Some(&ada.token), "POST", SHARES, body.clone()).await;
            assert_eq!(reply.status, 422, "{body}: {}", reply.text());
            assert!(reply.text().contains(told), "{body}: {}", reply.text());
        }
        let listed = server.told(Some(&ada.token), "GET", SHARES, Value::Null).await.json();
        assert_eq!(listed["items"], json!([]));
    }
}

story! {
    async fn shares_are_listed_in_pages_and_written_down(server: Server) {
        let ada = server.shelves().await;
        for number in 0..5 {
            let with = json!({"email": format!("friend{number}@example.org")});
            server.shared(&ada, DATA, json!({"path": "a", "with": with, "right": "view"})).await;
        }
        for root in [SHARES, "/api/v1/shares/given"] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let url = format!("{root}?limit=2{cursor}");
                let page = server.told(Some(&ada.token), "GET", &url, Value::Null).await.json();
                let items = page["items"].as_array().unwrap();
                assert!(items.len() <= 2);
                seen.extend(items.iter().map(|item| item["with"]["email"].as_str().unwrap().to_owned()));
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            let expected: Vec<String> = (0..5).rev().map(|number| format!("friend{number}@example.org")).collect();
            assert_eq!(seen, expected, "{root}");
        }
        assert_eq!(server.told(Some(&ada.token), "GET", &format!("{SHARES}?cursor=x"), Value::Null).await.status, 422);
        let audit = server.app.db.read().await.unwrap().audit("ada/data/a").await.unwrap();
        assert_eq!(audit.len(), 5);
        assert!(audit.iter().all(|(_, action, detail)| action == "share.add" && detail.contains("e-mail friend")));
    }
}

story! {
    async fn a_share_goes_where_its_folder_goes(server: Server) {
        let ada = server.shelves().await;
        let ben = server.person("ben").await;
        for path in ["a", "a/b", "ab", "c.csv"] {
            server.shared(&ada, DATA, json!({"path": path, "with": {"user": "ben"}, "right": "view"})).await;
        }
        let repo = server.part::<Own>(&ada.token, "").await.unwrap().id();
        let mut tx = server.app.db.write().await.unwrap();
        tx.move_shares(repo, "a", "ünï").await.unwrap();
        tx.commit().await.unwrap();
        let listed = server.told(Some(&ada.token), "GET", SHARES, Value::Null).await.json();
        let paths: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["c.csv", "ab", "ünï/b", "ünï"]);
        assert!(server.part::<Read>(&ben.token, "ünï/b/y.csv").await.is_ok());
        assert_eq!(server.part::<Read>(&ben.token, "a").await.unwrap_err(), Kind::NotFound);
        // What was there before is replaced.
        let mut tx = server.app.db.write().await.unwrap();
        tx.move_shares(repo, "ünï", "ab").await.unwrap();
        tx.commit().await.unwrap();
        let listed = server.told(Some(&ada.token), "GET", SHARES, Value::Null).await.json();
        let paths: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["c.csv", "ab/b", "ab"]);
    }
}
