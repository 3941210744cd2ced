//! REST API under `/api/v1`: datasets, revisions, files, accounts and administration for programs. There is one module
//! per resource. The OpenAPI document at `/api/openapi.json` is generated from the handlers.

mod accounts;
mod activity;
mod admin;
mod apps;
mod batch;
mod branches;
mod browser;
mod catalogue;
mod choices;
mod clients;
mod commits;
mod common;
mod consents;
mod datasets;
mod devices;
mod diff;
mod discussions;
mod drive;
mod factors;
mod file_requests;
mod files;
mod identities;
mod invitations;
mod links;
mod merge;
mod notifications;
mod openapi;
mod organisations;
mod passkeys;
mod profiles;
mod proposals;
mod quotas;
mod rename;
mod revisions;
mod roles;
mod search;
mod session;
mod shape;
mod shapes;
mod shares;
mod sql;
mod stars;
mod stats;
mod tables;
mod tags;
mod thumbnails;
mod tree;
mod user;
mod users;
mod volumes;

use super::http::Routes;

/// Routes that transfer whole files, or read as much of them.
const TRANSFERS: &[&str] = &[
    "/api/v1/downloads/{token}",
    "/api/v1/drive/{owner}/{dataset}/content/{*path}",
    "/api/v1/drive/{owner}/{dataset}/files/{*path}",
    "/api/v1/drive/{owner}/{dataset}/rows/{*path}",
    "/api/v1/drive/{owner}/{dataset}/statistics/{*path}",
    "/api/v1/drive/{owner}/{dataset}/uploads/{id}/{number}",
    "/api/v1/file-requests/uploads/{id}/{number}",
    "/api/v1/datasets/{owner}/{dataset}/diff/rows",
    "/api/v1/datasets/{owner}/{dataset}/raw/{revision}/{*path}",
    "/api/v1/datasets/{owner}/{dataset}/rows/{revision}/{*path}",
    "/api/v1/datasets/{owner}/{dataset}/statistics/{revision}/{*path}",
];

pub(super) fn routes(routes: Routes) -> Routes {
    openapi::declare(self::routes);
    let resources = [
        openapi::routes,
        session::routes,
        accounts::routes,
        user::routes,
        profiles::routes,
        users::routes,
        factors::routes,
        identities::routes,
        passkeys::routes,
        datasets::routes,
        choices::routes,
        catalogue::routes,
        apps::routes,
        volumes::routes,
        clients::routes,
        consents::routes,
        devices::routes,
        organisations::routes,
        roles::routes,
        invitations::routes,
        admin::routes,
        quotas::routes,
        stats::routes,
        search::routes,
        stars::routes,
        revisions::routes,
        rename::routes,
        commits::routes,
        tags::routes,
        branches::routes,
        merge::routes,
        discussions::routes,
        proposals::routes,
        notifications::routes,
        activity::routes,
        shares::routes,
        links::routes,
        file_requests::routes,
        tree::routes,
        files::routes,
        thumbnails::routes,
        tables::routes,
        sql::routes,
        drive::routes,
        diff::routes,
    ];
    let routes = resources.into_iter().fold(routes, |routes, resource| resource(routes));
    let routes = TRANSFERS.iter().fold(routes, |routes, path| routes.change(path, |route| route.is_transfer = true));
    routes
        // `@rutter/upload` works in a browser.
        .change("/api/v1/datasets/{owner}/{dataset}/commits", |route| route.is_open = true)
        // Anonymous clients can begin these, and each writes a row.
        .change("/api/v1/session/challenge", |route| route.cost = 500)
        // Users must not be listed by trying all prefixes.
        .change("/api/v1/users", |route| route.cost = 50)
        // These may look up an image in its registry.
        .change("/api/v1/catalogue/{app}", |route| route.cost = 50)
        .change("/api/v1/images/digest", |route| route.cost = 50)
        .change("/api/v1/apps/{owner}", |route| route.cost = 50)
        // Anonymous clients can open links, and each attempt is recorded.
        .change("/api/v1/links/open", |route| route.cost = 50)
}
