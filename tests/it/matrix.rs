//! The access matrix: the answer of each route to each actor, in one table.

mod accounts;
mod api;
mod apps;
mod ckan;
mod discussions;
mod drive;
mod flight;
mod hub;
mod oauth;
mod organisations;
mod pages;
mod shares;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use reqwest::RequestBuilder;
use rutter::types::{Role, Visibility};
use rutter_testing::{Engine, LFS_JSON, Person, Reply, Server, story};
use serde_json::{Value, json};

/// A request for each route, or several where the answer depends on what is
/// asked: method, route, variant.
const SAMPLES: &[(&str, &str, &str)] = &[
    ("GET", "/healthz", ""),
    ("GET", "/readyz", ""),
    ("GET", "/metrics", ""),
    ("GET", "/.well-known/jwks.json", ""),
    ("GET", "/{owner}", "a browser"),
    ("GET", "/{owner}", "another program"),
    ("GET", "/api/v1/owners/{owner}", ""),
    ("GET", "/api/v1/owners/{owner}/avatar", ""),
    ("GET", "/datasets/{owner}/{dataset}", "a browser"),
    ("GET", "/datasets/{owner}/{dataset}", "another program"),
    ("GET", "/datasets/{owner}/{dataset}/commit/{revision}", ""),
    ("GET", "/datasets/{owner}/{dataset}/commits/{revision}", ""),
    ("GET", "/datasets/{owner}/{dataset}/discussions/{revision}", ""),
    ("GET", "/datasets/{owner}/{dataset}/tree/{revision}", ""),
    ("GET", "/datasets/{owner}/{dataset}/tree/{revision}/{*path}", ""),
    ("GET", "/datasets/{owner}/{dataset}/blob/{revision}/{*path}", ""),
    ("GET", "/embed/{owner}/{dataset}/{revision}/{*path}", ""),
    ("GET", "/{owner}/{dataset}", "a browser"),
    ("GET", "/{owner}/{dataset}", "another program"),
    ("GET", "/{owner}/{dataset}/info/refs", "to fetch"),
    ("GET", "/{owner}/{dataset}/info/refs", "to push"),
    ("GET", "/{owner}/{dataset}/info/refs", "dumb"),
    ("POST", "/{owner}/{dataset}/git-upload-pack", ""),
    ("POST", "/{owner}/{dataset}/git-receive-pack", ""),
    ("POST", "/{owner}/{dataset}/info/lfs/objects/batch", "download"),
    ("POST", "/{owner}/{dataset}/info/lfs/objects/batch", "upload"),
    ("POST", "/{owner}/{dataset}/objects/batch", "download"),
    ("POST", "/{owner}/{dataset}/objects/batch", "upload"),
    ("GET", "/_lfs/{token}", "own ticket"),
    ("GET", "/_lfs/{token}", "ticket lent by a writer"),
    ("GET", "/_lfs/{token}", "ticket to upload"),
    ("GET", "/_lfs/{token}", "forged ticket"),
    ("PUT", "/_lfs/{token}", "own ticket"),
    ("PUT", "/_lfs/{token}", "ticket lent by a writer"),
    ("PUT", "/_lfs/{token}", "ticket to download"),
    ("PUT", "/_lfs/{token}", "forged ticket"),
    ("POST", "/_lfs/{token}", "own ticket"),
    ("POST", "/_lfs/{token}", "ticket lent by a writer"),
    ("POST", "/_lfs/{token}", "ticket to download"),
    ("POST", "/_lfs/{token}", "forged ticket"),
    ("PUT", UPLOADS, "own part"),
    ("PUT", UPLOADS, "part lent by a writer"),
    ("PUT", UPLOADS, "ticket to commit"),
    ("PUT", UPLOADS, "forged ticket"),
    ("POST", UPLOADS, "own commit"),
    ("POST", UPLOADS, "commit lent by a writer"),
    ("POST", UPLOADS, "ticket to abort"),
    ("POST", UPLOADS, "forged ticket"),
    ("POST", UPLOADS, "own creation by tus"),
    ("POST", UPLOADS, "creation by tus lent by a writer"),
    ("DELETE", UPLOADS, "own abort"),
    ("DELETE", UPLOADS, "abort lent by a writer"),
    ("DELETE", UPLOADS, "ticket to commit"),
    ("DELETE", UPLOADS, "forged ticket"),
    ("HEAD", UPLOADS, "own upload by tus"),
    ("HEAD", UPLOADS, "upload by tus lent by a writer"),
    ("HEAD", UPLOADS, "ticket to commit"),
    ("HEAD", UPLOADS, "forged ticket"),
    ("PATCH", UPLOADS, "own upload by tus"),
    ("PATCH", UPLOADS, "upload by tus lent by a writer"),
    ("PATCH", UPLOADS, "ticket to commit"),
    ("PATCH", UPLOADS, "forged ticket"),
    ("OPTIONS", UPLOADS, ""),
    ("POST", "/{owner}/{dataset}/info/lfs/locks", ""),
    ("GET", "/{owner}/{dataset}/info/lfs/locks", ""),
    ("POST", "/{owner}/{dataset}/info/lfs/locks/verify", ""),
    ("POST", "/{owner}/{dataset}/info/lfs/locks/{id}/unlock", "own lock"),
    ("POST", "/{owner}/{dataset}/info/lfs/locks/{id}/unlock", "lock of a writer"),
    ("POST", "/{owner}/{dataset}/info/lfs/locks/{id}/unlock", "lock of a writer, by force"),
];

/// The steps of uploads in parts.
const UPLOADS: &str = "/_lfs/uploads/{token}";

type Sample = (&'static str, &'static str, &'static str);

/// All of them.
fn samples() -> impl Iterator<Item = Sample> {
    SAMPLES
        .iter()
        .chain(api::SAMPLES)
        .chain(organisations::SAMPLES)
        .chain(discussions::SAMPLES)
        .chain(hub::SAMPLES)
        .chain(ckan::SAMPLES)
        .chain(drive::SAMPLES)
        .chain(pages::SAMPLES)
        .chain(shares::SAMPLES)
        .chain(accounts::SAMPLES)
        .chain(oauth::SAMPLES)
        .chain(apps::SAMPLES)
        .chain(flight::SAMPLES)
        .copied()
}

/// A caller: a column of the table.
struct Actor {
    name: &'static str,
    token: Option<String>,
}

/// One organisation with a dataset of each visibility, and all actors.
struct World {
    server: Server,
    /// A writer that is no column: creates what the columns then use.
    keeper: Person,
    /// A session and a token of the keeper, by their ids.
    elsewhere: (String, String),
    actors: Vec<Actor>,
    /// To a folder of the private dataset.
    link: String,
    /// Of the link of a file request for the same folder.
    sender: Option<String>,
}

const SEED: &[u8] = b"an object that every dataset holds";

impl World {
    async fn make(server: Server) -> Self {
        let [owner, writer, reader, keeper] = ["olga", "wanda", "rita", "kim"];
        let (owner, writer) = (server.person(owner).await, server.person(writer).await);
        let (reader, keeper) = (server.person(reader).await, server.person(keeper).await);
        let (stranger, admin) = (server.person("sam").await, server.administrator("adam").await);
        let (browser, suspended) = (server.person("bea").await, server.person("sue").await);
        let members = [
            (&browser, Role::Owner),
            (&suspended, Role::Owner),
            (&owner, Role::Owner),
            (&writer, Role::Writer),
            (&keeper, Role::Writer),
            (&reader, Role::Reader),
        ];
        server.organisation("org", &members).await;
        for visibility in [Visibility::Private, Visibility::Internal, Visibility::Public] {
            let path = format!("org/{visibility}");
            server.dataset(&path, visibility).await;
            server.upload(&keeper.token, &path, SEED).await;
        }
        server.dataset("org/other", Visibility::Private).await;
        let narrow = server.token(&owner.name, &["own:org/other"]).await;
        let short = server.token_for(&owner.name, Duration::from_mins(1)).await;
        server.clock.advance(Duration::from_secs(61));
        server.app.accounts.suspend(&"sue".parse().unwrap()).await.unwrap();
        let cookie = server.cookie("bea").await;
        server.cookie(&keeper.name).await;
        let elsewhere = ids_of_session_and_token(&server, &keeper).await;
        let actor = |name, token: &str| Actor { name, token: Some(token.to_owned()) };
        let actors = vec![
            Actor { name: "anonymous", token: None },
            actor("stranger", &stranger.token),
            actor("reader", &reader.token),
            actor("writer", &writer.token),
            actor("owner", &owner.token),
            actor("site admin", &admin.token),
            // These two are the owner's.
            actor("expired token", &short),
            actor("token of another dataset", &narrow),
            // These are owners, too.
            actor("browser session", &cookie),
            actor("suspended user", &suspended.token),
        ];
        let mut world = Self { server, keeper, elsewhere, actors, link: String::new(), sender: None };
        for visibility in [Visibility::Private, Visibility::Internal, Visibility::Public] {
            world.seed(&format!("org/{visibility}")).await;
            world.seed_hub(&format!("org/{visibility}")).await;
            world.seed_ckan(&format!("org/{visibility}")).await;
            world.seed_drive(&format!("org/{visibility}")).await;
            world.seed_discussions(&format!("org/{visibility}")).await;
        }
        world.seed_shares().await;
        world
    }

    /// The status of a sample; `None` where the request cannot be made
    /// because what comes before it was refused.
    async fn ask(&self, actor: &Actor, path: &str, sample: Sample) -> Option<u16> {
        let (method, route, variant) = sample;
        if route == flight::ROUTE {
            return self.of_flight(actor, path, variant).await;
        }
        let bytes = format!("{method} {route} {variant} by {} on {path}", actor.name);
        let bytes = bytes.as_bytes();
        let lent = Some(self.keeper.token.as_str());
        let token = actor.token.as_deref();
        let request = match (route, variant) {
            ("/_lfs/{token}", "forged ticket") => {
                let href = self.signed_url(lent, path, "download", SEED).await?;
                let (base, ticket) = href.split_at(href.len() - 100);
                self.transfer(token, method, &format!("{base}AAAA{}", &ticket[4..]), bytes)
            }
            ("/_lfs/{token}", _) => {
                let holder = if variant == "own ticket" { token } else { lent };
                let wrong = variant.starts_with("ticket to");
                let href = match (method, wrong) {
                    ("GET", false) | ("PUT" | "POST", true) => self.signed_url(holder, path, "download", SEED).await?,
                    ("PUT", _) | ("GET", true) => self.signed_url(holder, path, "upload", bytes).await?,
                    _ => {
                        let verify = self.signed_url(holder, path, "verify", bytes).await?;
                        let upload = self.signed_url(holder, path, "upload", bytes).await?;
                        assert_eq!(Reply::of(self.server.http.put(upload).body(bytes.to_vec())).await.status, 200);
                        verify
                    }
                };
                self.transfer(token, method, &href, bytes)
            }
            (UPLOADS, "") => self.server.request(method, "/_lfs/uploads/any", token),
            (UPLOADS, _) => {
                let holder = if variant.starts_with("own") { token } else { lent };
                let href = self.step(holder, path, sample, bytes).await?;
                let (base, ticket) = href.rsplit_once('/').unwrap();
                let href = if variant == "forged ticket" { format!("{base}/AAAA{}", &ticket[4..]) } else { href };
                self.go(token, sample, &href, bytes)
            }
            ("/{owner}/{dataset}/info/lfs/locks/{id}/unlock", _) => {
                let holder = if variant == "own lock" { token } else { lent };
                let body = json!({"path": format!("{variant} {}", actor.name)});
                let lock = self.server.lfs(holder, path, "locks", &body).await;
                if lock.status != 201 {
                    return None;
                }
                let id = lock.json()["lock"]["id"].as_str().unwrap().to_owned();
                let force = json!({"force": variant.ends_with("by force")});
                self.post(token, &format!("/{path}.git/info/lfs/locks/{id}/unlock"), &force)
            }
            _ if oauth::has(route) || apps::has(route) => self.plain(token, path, sample, bytes),
            _ if discussions::has(route) => {
                let name = unique(bytes);
                let subject = self.prepare_discussion(path, sample, &name).await;
                self.of_discussions(token, path, sample, (&subject, &name))
            }
            _ if hub::has(route) => {
                let path = self.prepare_hub(path, sample, &unique(bytes)).await;
                self.plain(token, &path, sample, bytes)
            }
            _ if ckan::has(route) => {
                self.prepare_ckan(path, sample, &unique(bytes)).await;
                self.plain(token, path, sample, bytes)
            }
            _ if drive::has(route) => {
                self.prepare_drive(path, sample, &unique(bytes)).await;
                self.plain(token, path, sample, bytes)
            }
            _ if accounts::has(route) => {
                let token = self.sitting(token, sample).await;
                self.plain(token.as_deref(), path, sample, bytes)
            }
            _ if shares::has(route) => {
                let share = self.prepare_shares(path, sample, &unique(bytes)).await;
                self.of_shares(token, path, sample, &share)
            }
            _ if organisations::has(route) => {
                let subject = self.prepare_organisation(actor, sample, &unique(bytes)).await;
                self.of_organisation(token, sample, &subject)
            }
            _ if route.starts_with("/api/") => {
                let path = self.prepare(path, sample, &unique(bytes)).await;
                self.plain(token, &path, sample, bytes)
            }
            _ => self.plain(token, path, sample, bytes),
        };
        let reply = Reply::of(request).await;
        let challenge = reply.headers.contains_key("www-authenticate");
        assert_eq!(challenge, reply.status == 401, "{method} {route}: a challenge comes with 401 only");
        Some(reply.status)
    }

    /// A request that needs nothing before it.
    fn plain(&self, token: Option<&str>, path: &str, (method, route, variant): Sample, bytes: &[u8]) -> RequestBuilder {
        let get = |url: String| self.server.request("GET", &url, token);
        let git = |service: &str, body: &'static str| {
            let request = self.server.request(method, &format!("/{path}.git/git-{service}"), token);
            request.header("content-type", format!("application/x-git-{service}-request")).body(body)
        };
        let object = |bytes: &[u8]| json!([{"oid": lfs::Oid::of(bytes), "size": bytes.len()}]);
        let batch = |root: &str| {
            let bytes = if variant == "download" { SEED } else { bytes };
            let body = json!({"operation": variant, "objects": object(bytes)});
            self.post(token, &format!("/{path}{root}/objects/batch"), &body)
        };
        match (method, route, variant) {
            ("GET", "/{owner}", variant) => {
                let owner = path.split('/').next().unwrap_or_default();
                let accept = if variant == "a browser" { "text/html,*/*;q=0.8" } else { "*/*" };
                get(format!("/{owner}")).header("accept", accept)
            }
            ("GET", "/api/v1/owners/{owner}" | "/api/v1/owners/{owner}/avatar", _) => {
                get(route.replace("{owner}", path.split('/').next().unwrap_or_default()))
            }
            ("GET", "/datasets/{owner}/{dataset}", "a browser") => {
                get(format!("/datasets/{path}")).header("accept", "text/html,*/*;q=0.8")
            }
            ("GET", "/datasets/{owner}/{dataset}", _) => get(format!("/datasets/{path}")),
            ("GET", route, "") if route.starts_with("/datasets/{owner}/{dataset}/") && !hub::has(route) => {
                let below = route.replace("/datasets/{owner}/{dataset}", "").replace("{revision}", "main");
                let url = format!("/datasets/{path}{}", below.replace("{*path}", "a.csv"));
                get(url).header("accept", "text/html,*/*;q=0.8")
            }
            ("GET", "/embed/{owner}/{dataset}/{revision}/{*path}", _) => {
                get(format!("/embed/{path}/HEAD/seed/table.csv"))
            }
            ("GET", "/{owner}/{dataset}", "a browser") => {
                get(format!("/{path}")).header("accept", "text/html,*/*;q=0.8")
            }
            ("GET", "/{owner}/{dataset}", _) => get(format!("/{path}")),
            ("GET", "/{owner}/{dataset}/info/refs", "to fetch") => {
                get(format!("/{path}.git/info/refs?service=git-upload-pack"))
            }
            ("GET", "/{owner}/{dataset}/info/refs", "to push") => {
                get(format!("/{path}.git/info/refs?service=git-receive-pack"))
            }
            ("GET", "/{owner}/{dataset}/info/refs", _) => get(format!("/{path}.git/info/refs")),
            ("POST", "/{owner}/{dataset}/git-upload-pack", _) => {
                git("upload-pack", "0014command=ls-refs\n0000").header("git-protocol", "version=2")
            }
            // The empty request by which git tries its credentials.
            ("POST", "/{owner}/{dataset}/git-receive-pack", _) => git("receive-pack", "0000"),
            ("POST", "/{owner}/{dataset}/info/lfs/objects/batch", _) => batch(".git/info/lfs"),
            ("POST", "/{owner}/{dataset}/objects/batch", _) => batch(""),
            ("POST", "/{owner}/{dataset}/info/lfs/locks", _) => {
                let body = json!({"path": String::from_utf8_lossy(bytes)});
                self.post(token, &format!("/{path}.git/info/lfs/locks"), &body)
            }
            ("GET", "/{owner}/{dataset}/info/lfs/locks", _) => get(format!("/{path}.git/info/lfs/locks")),
            ("POST", "/{owner}/{dataset}/info/lfs/locks/verify", _) => {
                self.post(token, &format!("/{path}.git/info/lfs/locks/verify"), &json!({}))
            }
            (_, route, _) if apps::has(route) => self.of_apps(token, (method, route, variant), &unique(bytes)),
            (_, route, _) if oauth::has(route) => self.of_oauth(token, (method, route, variant), &unique(bytes)),
            (_, route, _) if discussions::has(route) => {
                let subject = discussions::Subject::any();
                self.of_discussions(token, path, (method, route, variant), (&subject, &unique(bytes)))
            }
            (_, route, _) if hub::has(route) => self.of_hub(token, path, (method, route, variant), &unique(bytes)),
            (_, route, _) if drive::has(route) => self.of_drive(token, path, (method, route, variant), &unique(bytes)),
            (_, route, _) if ckan::has(route) => self.of_ckan(token, path, (method, route, variant), &unique(bytes)),
            (_, route, _) if accounts::has(route) => self.of_account(token, (method, route, variant), &unique(bytes)),
            (_, route, _) if shares::has(route) => self.of_shares(token, path, (method, route, variant), ""),
            (_, route, _) if organisations::has(route) => {
                let subject = organisations::Subject::any(&unique(bytes));
                self.of_organisation(token, (method, route, variant), &subject)
            }
            (_, route, _) if route.starts_with("/api/") => {
                self.of_api(token, path, (method, route, variant), &unique(bytes))
            }
            (_, route, _) if pages::has(route) => get(pages::url(route)),
            ("GET", fixed, _) if !fixed.contains('{') => get(fixed.to_owned()),
            unknown => panic!("{unknown:?} has no sample request: add one"),
        }
    }

    fn post(&self, token: Option<&str>, url: &str, body: &Value) -> RequestBuilder {
        self.server.request("POST", url, token).header("content-type", LFS_JSON).body(body.to_string())
    }

    /// The signed URL that a caller gets, if any.
    async fn signed_url(&self, token: Option<&str>, path: &str, verb: &str, bytes: &[u8]) -> Option<String> {
        let operation = if verb == "download" { "download" } else { "upload" };
        let objects = json!([{"oid": lfs::Oid::of(bytes), "size": bytes.len()}]);
        let (_, reply) = self.server.batch(token, path, &json!({"operation": operation, "objects": objects})).await;
        reply["objects"][0]["actions"][verb]["href"].as_str().map(str::to_owned)
    }

    /// The signed URL of a step of an upload in parts, if one gets that; all parts are there before the last step.
    async fn step(
        &self,
        token: Option<&str>,
        path: &str,
        (method, _, variant): Sample,
        bytes: &[u8],
    ) -> Option<String> {
        let way = if variant.contains("tus") { "tus" } else { "multipart-basic" };
        let objects = json!([{"oid": lfs::Oid::of(bytes), "size": bytes.len()}]);
        let body = json!({"operation": "upload", "transfers": [way], "objects": objects});
        let (_, reply) = self.server.batch(token, path, &body).await;
        let actions = reply["objects"][0]["actions"].as_object()?;
        assert_eq!(reply["transfer"], way);
        let part = &actions.get("parts").map_or_else(|| &actions["upload"], |parts| &parts[0])["href"];
        let href = match (method, variant) {
            (_, "ticket to commit") => &actions["commit"]["href"],
            (_, "ticket to abort") | ("DELETE", _) => &actions["abort"]["href"],
            ("POST", _) if way != "tus" => {
                let put = self.server.http.put(part.as_str().unwrap()).body(bytes.to_vec());
                assert_eq!(Reply::of(put).await.status, 200);
                &actions["commit"]["href"]
            }
            _ => part,
        };
        Some(href.as_str().unwrap().to_owned())
    }

    /// The request that belongs to a step of an upload in parts.
    fn go(&self, token: Option<&str>, (method, _, variant): Sample, href: &str, bytes: &[u8]) -> RequestBuilder {
        let request = self.server.request(method, href.strip_prefix(&self.server.url).unwrap(), token);
        let tus = [("tus-resumable", "1.0.0"), ("content-type", "application/offset+octet-stream")];
        let with = |request, headers: &[(&str, &str)]| {
            headers.iter().fold(request, |request: RequestBuilder, (name, value)| request.header(*name, *value))
        };
        match method {
            "PUT" => request.body(bytes.to_vec()),
            "POST" if variant.contains("tus") => {
                with(request, &tus[..1]).header("upload-length", bytes.len()).header("content-length", 0)
            }
            "HEAD" => with(request, &tus[..1]),
            "PATCH" => with(request, &tus).header("upload-offset", 0).body(bytes.to_vec()),
            _ => request,
        }
    }

    /// A request to a signed URL, which needs no credentials: what comes along is not looked at.
    fn transfer(&self, token: Option<&str>, method: &str, href: &str, bytes: &[u8]) -> RequestBuilder {
        let path = href.strip_prefix(&self.server.url).unwrap();
        let request = self.server.request(method, path, token);
        match method {
            "PUT" => request.body(bytes.to_vec()),
            "POST" => request.body(json!({"oid": lfs::Oid::of(bytes), "size": bytes.len()}).to_string()),
            _ => request,
        }
    }
}

/// The visibilities of the datasets that a route is asked about: one is enough if it is not about datasets.
fn visibilities(route: &str) -> &'static [&'static str] {
    if accounts::has(route) || oauth::has(route) || organisations::has(route) || pages::has(route) {
        return &["private"];
    }
    &["private", "internal", "public"]
}

/// A name for what one request makes.
fn unique(bytes: &[u8]) -> String {
    lfs::Oid::of(bytes).to_string()[..12].to_owned()
}

fn row(label: &str, cells: &[Option<u16>]) -> String {
    let mut row = format!("{label:<82}");
    for cell in cells {
        write!(row, "{:>6}", cell.map_or("-".to_owned(), |status| status.to_string())).unwrap();
    }
    row.push('\n');
    row
}

/// An expired token is shown to it hundreds of times.
async fn lenient(engine: Engine) -> Server {
    let server = Server::start_with(engine, |config| {
        config.limits.multipart_threshold = 1;
        config.rates.failures_address = 1_000_000;
    });
    server.await
}

story! {
    async fn rule_48_every_route_for_every_actor(engine: Engine) {
        let server = lenient(engine).await;
        let routes = rutter::web::routes();
        let listed: BTreeSet<(String, &str)> =
            routes.listed().iter().map(|(method, route)| (method.to_string(), route.as_str())).collect();
        let sampled: BTreeSet<_> = samples().map(|(method, route, _)| (method.to_owned(), route)).collect();
        let differing: Vec<_> = listed.symmetric_difference(&sampled).collect();
        assert!(differing.is_empty(), "each route has a sample here, and each sample a route: {differing:?}");

        let world = World::make(server).await;
        let mut table = String::from(
            "An `-` stands where the actor does not get as far: no ticket, no lock.\n\
             Rows of internal and public datasets are left out where they are as for a private one.\n\n",
        );
        for (column, actor) in world.actors.iter().enumerate() {
            writeln!(table, "{:>width$} {}", "↓", actor.name, width = 82 + 6 * (column + 1)).unwrap();
        }
        for sample @ (method, route, variant) in samples() {
            let mut on_private = Vec::new();
            let asked = visibilities(route).iter().map(async |visibility| {
                let mut cells = Vec::new();
                for actor in &world.actors {
                    cells.push(world.ask(actor, &format!("org/{visibility}"), sample).await);
                }
                (*visibility, cells)
            });
            for (visibility, cells) in futures::future::join_all(asked).await {
                world.expect_shut(visibility, sample, &cells);
                let variant = if variant.is_empty() { String::new() } else { format!(" ({variant})") };
                if visibility == "private" {
                    world.expect_sender_sees_nothing(sample, &cells).await;
                    table.push_str(&row(&format!("{method:<4} {route}{variant}"), &cells));
                    on_private = cells;
                } else if cells != on_private {
                    table.push_str(&row(&format!("     … on {visibility}"), &cells));
                }
            }
        }
        insta::assert_snapshot!("access", table);
    }
}

story! {
    async fn head_equals_get_and_other_methods_are_answered_with_405(server: Server) {
        let world = World::make(server).await;
        let server = &world.server;
        for sample @ (method, route, _) in samples().filter(|(_, route, _)| !route.contains("{token}")) {
            let actor = &world.actors[0];
            for path in ["org/private", "org/public"] {
                if method == "GET" {
                    let asked = world.plain(None, path, sample, b"").build().unwrap();
                    let head = server.http.head(asked.url().as_str()).headers(asked.headers().clone());
                    let head = Reply::of(head).await;
                    assert_eq!(Some(head.status), world.ask(actor, path, sample).await, "HEAD {route}");
                    assert!(head.body.is_empty(), "HEAD {route}");
                }
            }
        }
        // The same for what is not a method of a route, for any caller: nothing
        // about the dataset, but what the route takes.
        for (_, route, _) in samples() {
            let methods: BTreeSet<&str> =
                samples().filter(|(_, other, _)| *other == route).map(|(method, ..)| method).collect();
            let url = route.replace("{owner}", "org").replace("{dataset}", "private.git");
            let url = url.replace("{token}", "x").replace("{id}", "x");
            for method in ["OPTIONS", "DELETE", "PATCH", "TRACE"].iter().filter(|method| !methods.contains(*method)) {
                let reply = Reply::of(server.request(method, &url, None)).await;
                assert_eq!(reply.status, 405, "{method} {route}");
                let allowed: BTreeSet<&str> = reply.header("allow").split(',').map(str::trim).collect();
                let expected = methods.iter().copied().chain(methods.contains("GET").then_some("HEAD")).collect();
                assert_eq!(allowed, expected, "{method} {route}");
            }
        }
    }
}

story! {
    async fn hidden_datasets_look_like_missing_ones(engine: Engine) {
        let server = lenient(engine).await;
        let world = World::make(server).await;
        let samples = samples().filter(|(_, route, _)| {
            route.contains("{dataset}") && !route.contains("{id}")
        });
        // Members see the dataset, and some may make the missing one.
        let outsiders = ["anonymous", "stranger", "expired token", "token of another dataset", "suspended user"];
        for sample in samples {
            for actor in world.actors.iter().filter(|actor| outsiders.contains(&actor.name)) {
                let mut answers = Vec::new();
                for path in ["org/private", "org/nothing", "missing/nothing"] {
                    let reply = Reply::of(world.plain(actor.token.as_deref(), path, sample, b"x")).await;
                    let mut headers: Vec<String> =
                        reply.headers.keys().map(|name| format!("{name}: {}", reply.header(name.as_str()))).collect();
                    for line in &mut headers {
                        *line = line.replace(path, "PATH");
                    }
                    headers.retain(|line| !line.starts_with("x-request-id") && !line.starts_with("date"));
                    headers.retain(|line| !line.starts_with("content-length"));
                    headers.sort();
                    let body = reply.text().replace(path, "PATH").replace(reply.header("x-request-id"), "ID");
                    answers.push((reply.status, headers, body));
                }
                assert_eq!(answers[0], answers[1], "{sample:?} by {}", actor.name);
                assert_eq!(answers[0], answers[2], "{sample:?} by {}", actor.name);
            }
        }
    }
}

/// A session and a token of a user, by their ids.
async fn ids_of_session_and_token(server: &Server, person: &Person) -> (String, String) {
    let first = async |url: &str| {
        let list = server.call(Some(&person.token), "GET", url, Value::Null).await;
        list.json()["items"][0]["id"].as_str().unwrap().to_owned()
    };
    (first("/api/v1/user/sessions").await, first("/api/v1/user/tokens").await)
}
