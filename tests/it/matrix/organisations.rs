//! Requests about organisations, groups, invitations and the site: the same table, kept apart for its length.

use std::time::Duration;

use reqwest::RequestBuilder;
use rutter::jobs::{self, Kind};
use rutter::types::Role;
use rutter_testing::Reply;
use serde_json::{Value, json};

use super::{Actor, Sample, World};

const ALL: &str = "/api/v1/organisations";
const ONE: &str = "/api/v1/organisations/{organisation}";
const README: &str = "/api/v1/organisations/{organisation}/readme";
const AVATAR: &str = "/api/v1/organisations/{organisation}/avatar";
const MEMBERS: &str = "/api/v1/organisations/{organisation}/members";
const MEMBER: &str = "/api/v1/organisations/{organisation}/members/{user}";
const INVITATIONS: &str = "/api/v1/organisations/{organisation}/invitations";
const INVITATION: &str = "/api/v1/organisations/{organisation}/invitations/{id}";
const GROUPS: &str = "/api/v1/organisations/{organisation}/groups";
const GROUP: &str = "/api/v1/organisations/{organisation}/groups/{group}";
const GROUP_MEMBERS: &str = "/api/v1/organisations/{organisation}/groups/{group}/members";
const GROUP_MEMBER: &str = "/api/v1/organisations/{organisation}/groups/{group}/members/{user}";
const ROLES: &str = "/api/v1/organisations/{organisation}/roles";
const ROLE: &str = "/api/v1/organisations/{organisation}/roles/{user}";
const SITE_INVITATIONS: &str = "/api/v1/admin/invitations";
const SITE_INVITATION: &str = "/api/v1/admin/invitations/{id}";
const QUOTA: &str = "/api/v1/admin/quotas/{subject}";
const JOB: &str = "/api/v1/admin/jobs/{id}/run";

/// Method, route, variant.
pub(super) const SAMPLES: &[Sample] = &[
    ("GET", ALL, ""),
    ("POST", ALL, ""),
    ("POST", ALL, "within another"),
    ("GET", ONE, ""),
    ("PATCH", ONE, ""),
    ("DELETE", ONE, ""),
    ("PUT", README, ""),
    ("PUT", AVATAR, "that is no image"),
    ("DELETE", AVATAR, ""),
    ("GET", MEMBERS, ""),
    ("PUT", MEMBER, ""),
    ("DELETE", MEMBER, "another"),
    ("DELETE", MEMBER, "oneself"),
    ("GET", INVITATIONS, ""),
    ("POST", INVITATIONS, ""),
    ("DELETE", INVITATION, ""),
    ("GET", GROUPS, ""),
    ("POST", GROUPS, ""),
    ("DELETE", GROUP, ""),
    ("GET", GROUP_MEMBERS, ""),
    ("PUT", GROUP_MEMBER, ""),
    ("DELETE", GROUP_MEMBER, ""),
    ("GET", ROLES, ""),
    ("PUT", ROLES, ""),
    ("PUT", ROLE, ""),
    ("DELETE", ROLE, ""),
    ("POST", "/api/v1/invitations/show", "forged link"),
    ("POST", "/api/v1/invitations/accept", "forged link"),
    ("GET", "/api/v1/admin/users", ""),
    ("PATCH", "/api/v1/admin/users/{user}", ""),
    ("POST", "/api/v1/admin/users/{user}/reset", ""),
    ("DELETE", "/api/v1/admin/users/{user}/factors", "while it is off"),
    ("GET", SITE_INVITATIONS, ""),
    ("POST", SITE_INVITATIONS, ""),
    ("DELETE", SITE_INVITATION, ""),
    ("GET", "/api/v1/admin/usage", ""),
    ("GET", QUOTA, ""),
    ("PUT", QUOTA, ""),
    ("DELETE", QUOTA, ""),
    ("GET", "/api/v1/admin/jobs", ""),
    ("POST", JOB, ""),
    ("GET", "/api/v1/admin/stores", ""),
    ("GET", "/api/v1/admin/audit", ""),
];

/// Whether it is about these.
pub(super) fn has(route: &str) -> bool {
    SAMPLES.iter().any(|(_, known, _)| *known == route)
}

/// What a request is about.
pub(super) struct Subject {
    organisation: String,
    user: String,
    group: String,
    id: String,
    /// That nothing else has.
    name: String,
}

impl Subject {
    /// Where nothing was made for it.
    pub(super) fn any(name: &str) -> Self {
        let (organisation, user) = ("org".to_owned(), "kim".to_owned());
        Self { organisation, user, group: "none".to_owned(), id: "none".to_owned(), name: name.to_owned() }
    }
}

impl World {
    /// What a request needs before it: by the operator, so that everybody meets the same.
    pub(super) async fn prepare_organisation(&self, actor: &Actor, sample: Sample, name: &str) -> Subject {
        let mut subject = Subject::any(name);
        let app = &self.server.app;
        let of = |label: &str| self.actors.iter().find(|actor| actor.name == label).unwrap().token.clone().unwrap();
        let (owner, admin) = (of("owner"), of("site admin"));
        match sample {
            ("DELETE", ONE | MEMBER, variant) => {
                let made = format!("made-{name}");
                let organisation = made.parse().unwrap();
                app.accounts.add_organisation(&organisation).await.unwrap();
                let members = [
                    ("olga", Role::Owner),
                    ("bea", Role::Owner),
                    ("kim", Role::Owner),
                    ("wanda", Role::Writer),
                    ("rita", Role::Reader),
                ];
                for (member, role) in members {
                    app.accounts.set_member(&organisation, &member.parse().unwrap(), Some(role)).await.unwrap();
                }
                subject.organisation = made;
                if variant == "oneself" {
                    let oneself = match actor.name {
                        "reader" => "rita",
                        "writer" => "wanda",
                        "site admin" => "adam",
                        "browser session" => "bea",
                        "share of a folder" => "fred",
                        "member of a group" => "gina",
                        "stranger" | "anonymous" => "sam",
                        _ => "olga",
                    };
                    oneself.clone_into(&mut subject.user);
                }
            }
            ("DELETE", INVITATION, _) => {
                let body = json!({"email": format!("{name}@example.net"), "role": "reader"});
                subject.id = self.made(&owner, "/api/v1/organisations/org/invitations", &body).await;
            }
            ("DELETE", SITE_INVITATION, _) => {
                let body = json!({"email": format!("{name}@example.net")});
                subject.id = self.made(&admin, SITE_INVITATIONS, &body).await;
            }
            (_, GROUP | GROUP_MEMBERS | GROUP_MEMBER, _) => {
                let body = json!({"name": name});
                let groups = "/api/v1/organisations/org/groups";
                let made = Reply::of(self.say("POST", groups, Some(&owner), &body)).await;
                assert_eq!(made.status, 201);
                let url = format!("{groups}/{name}/members/kim");
                assert_eq!(Reply::of(self.server.request("PUT", &url, Some(&owner))).await.status, 204);
                subject.group = name.to_owned();
            }
            ("DELETE", ROLE, _) => {
                let url = "/api/v1/organisations/org/roles/kim";
                let given = Reply::of(self.say("PUT", url, Some(&owner), &json!({"role": "viewer"}))).await;
                assert_eq!(given.status, 204);
            }
            ("POST", JOB, _) => {
                let mut tx = app.db.write().await.unwrap();
                let later = Duration::from_hours(1);
                let dataset = self.server.clock.id().to_string();
                jobs::enqueue(&mut tx, &self.server.clock, Kind::RepackPacks, &dataset, later).await.unwrap();
                let found = tx.jobs(None, 1000).await.unwrap();
                subject.id = found.into_iter().find(|job| job.subject == dataset).unwrap().id;
                tx.commit().await.unwrap();
            }
            _ => {}
        }
        subject
    }

    /// Creates something, and returns its id.
    async fn made(&self, token: &str, url: &str, body: &Value) -> String {
        let reply = Reply::of(self.say("POST", url, Some(token), body)).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// The request itself.
    pub(super) fn of_organisation(&self, token: Option<&str>, sample: Sample, subject: &Subject) -> RequestBuilder {
        let (method, route, variant) = sample;
        let Subject { organisation, user, group, id, name } = subject;
        let body = match (method, route) {
            ("POST", ALL) if variant.is_empty() => json!({"name": format!("new-{name}")}),
            ("POST", ALL) => json!({"name": format!("org/new-{name}")}),
            ("PUT", MEMBER) => json!({"role": "writer"}),
            ("PUT", ROLE) => json!({"role": "engineer"}),
            ("POST", INVITATIONS) => json!({"email": format!("{name}@example.com"), "role": "reader"}),
            ("POST", SITE_INVITATIONS) => json!({"email": format!("{name}@example.com")}),
            ("POST", GROUPS) => json!({"name": format!("new-{name}")}),
            ("POST", route) if route.starts_with("/api/v1/invitations/") => json!({"token": format!("ruk_{name}")}),
            // As it is, for the others meet it too.
            ("PUT", QUOTA) => json!({"bytes": null}),
            ("PATCH", ONE) => json!({"bio": name}),
            ("PUT", README) => json!({"text": name}),
            ("PATCH", _) => json!({"suspended": false, "admin": false}),
            _ => Value::Null,
        };
        let url = route.replace("{organisation}", organisation).replace("{user}", user);
        let url = url.replace("{group}", group).replace("{id}", id).replace("{subject}", user);
        if (method, route) == ("PUT", AVATAR) {
            return self.server.request(method, &url, token);
        }
        if (method, route) == ("PUT", ROLES) {
            return self.server.request(method, &url, token).body("[roles]\n");
        }
        if body.is_null() { self.server.request(method, &url, token) } else { self.say(method, &url, token, &body) }
    }

    fn say(&self, method: &str, url: &str, token: Option<&str>, body: &Value) -> RequestBuilder {
        self.server.request(method, url, token).header("content-type", "application/json").body(body.to_string())
    }
}
