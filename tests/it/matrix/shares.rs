//! Requests about shares: the same table, kept apart for its length. And what it says about callers with a part only.

use reqwest::RequestBuilder;
use rutter::types::Role;
use rutter_testing::Person;
use serde_json::{Value, json};

use super::{Actor, Sample, World};
use crate::shares::create_group;

/// Method, route, variant.
pub(super) const SAMPLES: &[Sample] = &[
    ("POST", SHARES, ""),
    ("GET", SHARES, ""),
    ("GET", SHARE, ""),
    ("PATCH", SHARE, ""),
    ("DELETE", SHARE, ""),
    ("GET", "/api/v1/shares/received", ""),
    ("GET", "/api/v1/shares/received/unseen", ""),
    ("PUT", "/api/v1/shares/received/seen", ""),
    ("GET", "/api/v1/shares/given", ""),
    ("POST", OPEN, "a link"),
    ("POST", OPEN, "no link"),
    ("POST", UPLOADS, ""),
    ("GET", UPLOAD, ""),
    ("DELETE", UPLOAD, ""),
    ("PUT", PART, ""),
    ("POST", FILES, ""),
];

const SHARES: &str = "/api/v1/datasets/{owner}/{dataset}/shares";
const SHARE: &str = "/api/v1/datasets/{owner}/{dataset}/shares/{share}";
const OPEN: &str = "/api/v1/links/open";
const UPLOADS: &str = "/api/v1/file-requests/uploads";
const UPLOAD: &str = "/api/v1/file-requests/uploads/{id}";
const PART: &str = "/api/v1/file-requests/uploads/{id}/{number}";
const FILES: &str = "/api/v1/file-requests/files";

/// Actors who have been given something of the datasets.
pub(super) const LINK: &str = "link to a folder";
pub(super) const FOLDER: &str = "share of a folder";

/// Whether it is one of these routes.
pub(super) fn has(route: &str) -> bool {
    SAMPLES.iter().any(|(_, own, _)| *own == route)
}

impl World {
    /// Those who come by a share: with a link to a folder of the private dataset, with a folder of each, and by a group
    /// that has each dataset as a whole.
    pub(super) async fn seed_shares(&mut self) {
        let server = &self.server;
        let owner = server.token("olga", &[]).await;
        let (fred, gina) = (server.person("fred").await, server.person("gina").await);
        server.organisation("club", &[(&gina, Role::Reader)]).await;
        let (club, olga) = ("club".parse().unwrap(), "olga".parse().unwrap());
        server.app.accounts.set_member(&club, &olga, Some(Role::Reader)).await.unwrap();
        create_group(server, "club", "readers", &[&gina]).await;
        let olga = Person { name: "olga".into(), token: owner };
        let mut link = String::new();
        for visibility in ["private", "internal", "public"] {
            let path = format!("org/{visibility}");
            let group = json!({"with": {"group": "club:readers"}, "right": "view"});
            server.share(&olga, &path, group).await;
            let folder = json!({"path": "folder", "with": {"user": "fred"}, "right": "edit"});
            server.share(&olga, &path, folder).await;
            if visibility == "private" {
                let shared = json!({"path": "folder", "with": {"link": true}, "right": "edit"});
                let shared = server.share(&olga, &path, shared).await;
                shared["url"].as_str().unwrap().split_once('#').unwrap().1.clone_into(&mut link);
            }
        }
        let bearer = server.link_token(&link).await;
        let request = json!({"path": "folder", "right": "upload", "request": {"title": "Files"}});
        let (_, request) = server.create_link(&olga, "org/private", request).await;
        self.sender = Some(server.link_token(&request).await);
        self.link = link;
        for (name, token) in [(LINK, bearer), (FOLDER, fred.token), ("member of a group", gina.token)] {
            self.actors.push(Actor { name, token: Some(token) });
        }
    }

    /// What a request about one share needs before it: the share, made by an owner.
    pub(super) async fn prepare_shares(&self, path: &str, (_, route, _): Sample, name: &str) -> String {
        if route != SHARE {
            return String::new();
        }
        let owner = self.actors.iter().find(|actor| actor.name == "owner").unwrap();
        let owner = Person { name: "olga".into(), token: owner.token.clone().unwrap() };
        let body = json!({"with": {"email": format!("{name}@example.org")}, "right": "view"});
        self.server.share(&owner, path, body).await["id"].as_str().unwrap().to_owned()
    }

    /// The request itself.
    pub(super) fn of_shares(
        &self,
        token: Option<&str>,
        path: &str,
        (method, route, variant): Sample,
        share: &str,
    ) -> RequestBuilder {
        let share = if share.is_empty() { "018f0000-0000-7000-8000-000000000000" } else { share };
        let url = route.replace("{owner}/{dataset}", path).replace("{share}", share).replace("{id}/{number}", "none/1");
        let url = url.replace("{id}", "none");
        let body = match (method, route, variant) {
            ("POST", SHARES, _) => json!({"with": {"email": "someone@example.org"}, "right": "view"}),
            ("PATCH", ..) => json!({"right": "edit"}),
            ("POST", OPEN, "a link") => json!({"token": self.link}),
            ("POST", OPEN, _) => json!({"token": "rsl_none"}),
            ("POST", UPLOADS, _) => json!({"name": "sent.csv", "size": 5}),
            ("POST", FILES, _) => json!({"empty": ["sent"]}),
            _ => Value::Null,
        };
        let request = self.server.request(method, &url, token);
        if body.is_null() { request } else { request.header("content-type", "application/json").body(body.to_string()) }
    }

    /// A sender to a file request gets the answers of someone with another link on all routes, except those for
    /// file requests; on what a link gives, those for strangers.
    pub(super) async fn expect_sender_sees_nothing(&self, sample: Sample, cells: &[Option<u16>]) {
        let (method, route, variant) = sample;
        let cell = |name: &str| cells[self.actors.iter().position(|actor| actor.name == name).unwrap()];
        let expected = match route {
            UPLOADS | FILES => Some(201),
            UPLOAD | PART => Some(404),
            _ if route.starts_with("/api/v1/drive/{owner}") => cell("stranger"),
            _ => cell(LINK),
        };
        let sender = Actor { name: "sender to a file request", token: self.sender.clone() };
        let found = self.ask(&sender, "org/private", sample).await;
        assert_eq!(found, expected, "{method} {route} ({variant}), by a sender to a file request");
    }

    /// A caller with a share of a part gets the answers for strangers on all routes except those for parts.
    pub(super) fn expect_shut(&self, visibility: &str, (method, route, variant): Sample, cells: &[Option<u16>]) {
        if route.starts_with("/api/v1/drive") || has(route) {
            return;
        }
        let cell = |name: &str| cells[self.actors.iter().position(|actor| actor.name == name).unwrap()];
        let stranger = cell("stranger");
        assert_eq!(cell(FOLDER), stranger, "{method} {route} ({variant}) on {visibility}, by a caller with a folder");
        // Internal datasets are for users, and missing ones for known callers.
        if visibility == "private" && route.contains("{dataset}") {
            assert_eq!(cell(LINK), stranger, "{method} {route} ({variant}), by a caller with a link");
        }
    }
}
