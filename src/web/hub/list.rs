//! Dataset listings: the datasets that the caller can see, and those that they like.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::common::{Answer, hub_time, pairs, value};
use crate::app::App;
use crate::datasets::search::{Found, Kind, Page, Place, Query, Sort};
use crate::error::{Error, Result};
use crate::types::{OwnerName, Visibility};
use crate::web::http::{AuthedActor, BaseUrl, Routes, next_query, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/api/datasets", list).add(Method::GET, "/api/users/{user}/likes", likes)
}

/// The default number of datasets on a page.
const PAGE: usize = 100;

/// The maximum number of datasets on a page.
const MAX_PAGE: usize = 1000;

async fn list(State(app): State<App>, caller: AuthedActor, base: BaseUrl, RawQuery(query): RawQuery) -> Answer {
    let text = query.unwrap_or_default();
    let asked = pairs(text.as_bytes());
    let (query, sort) = parse(&asked)?;
    let page = find(&app, &caller, &asked, &query, sort).await?;
    let listed: Vec<Value> = page.found.iter().map(describe).collect();
    let next = page.next.map(|next| format!("{}/api/datasets?{}", base.0, next_query(&text, &next.cursor())));
    Ok(answer(&listed, next))
}

/// Lists the datasets that the caller has starred, the newest dataset first. Users cannot see the stars of others.
async fn likes(
    State(app): State<App>,
    caller: AuthedActor,
    base: BaseUrl,
    Path(user): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    if caller.actor.is_anonymous() {
        return Err(Error::unauthenticated("sign in to list the datasets that you have starred").into());
    }
    if caller.actor.name() != user {
        return Err(Error::forbidden("you can list only the datasets that you have starred yourself").into());
    }
    let text = query.unwrap_or_default();
    let asked = pairs(text.as_bytes());
    let page = find(&app, &caller, &asked, &Query::default().only_starred(), Sort::Created).await?;
    let listed: Vec<Value> = page
        .found
        .iter()
        .map(|found| json!({ "repo": { "name": found.path.to_string(), "type": "dataset" } }))
        .collect();
    let next = page
        .next
        .map(|next| format!("{}/api/users/{}/likes?{}", base.0, segment(&user), next_query(&text, &next.cursor())));
    Ok(answer(&listed, next))
}

/// Searches the page that was asked for.
async fn find(app: &App, caller: &AuthedActor, asked: &[(String, String)], query: &Query, sort: Sort) -> Result<Page> {
    let limit = match value(asked, "limit") {
        None => PAGE,
        Some(limit) => {
            limit.parse::<usize>().map_err(|_| Error::invalid("`limit` must be a number"))?.clamp(1, MAX_PAGE)
        }
    };
    let after = value(asked, "cursor").map(|cursor| Place::from_cursor(cursor, sort));
    let after = after.map(|place| place.ok_or_else(|| Error::invalid("invalid `cursor`"))).transpose()?;
    let visible = app.access.visible_datasets(&caller.actor).await?;
    app.datasets.search(&visible, query, sort, after, limit).await
}

/// Responds with a list, and a link to the next page of it.
fn answer(listed: &[Value], next: Option<String>) -> Response {
    let mut response = Json(listed).into_response();
    let link = next.and_then(|url| HeaderValue::from_str(&format!("<{url}>; rel=\"next\"")).ok());
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// Parses the query of the clients. `search` matches the name or title; `filter` is a keyword, optionally with a prefix
/// for its kind.
fn parse(asked: &[(String, String)]) -> Result<(Query, Sort)> {
    let all = |wanted: &'static [&str]| {
        asked.iter().filter(move |(name, _)| wanted.contains(&name.as_str())).map(|(_, value)| value.as_str())
    };
    let words: Vec<&str> = all(&["search"]).collect();
    let mut query = Query::parse(&words.join(" "))?;
    for owner in all(&["author"]) {
        query = query.with(Kind::Owner, owner.parse::<OwnerName>()?.as_str());
    }
    for filter in all(&["filter", "tags"]) {
        query = match filter.split_once(':') {
            Some(("license", license)) => query.with(Kind::License, license),
            Some(("format", format)) => query.with(Kind::Format, format),
            _ => query.with(Kind::Keyword, filter),
        };
    }
    let sort = match value(asked, "sort") {
        Some("createdAt") if !query.has_words() => Sort::Created,
        Some("likes" | "trendingScore") if !query.has_words() => Sort::Stars,
        // This server counts no downloads: the most recently changed datasets come first.
        None | Some("lastModified" | "createdAt" | "downloads" | "likes" | "trendingScore" | "mainSize") => Sort::Names,
        Some(other) => return Err(Error::invalid(format!("unsupported sort order {other:?}"))),
    };
    Ok((query, sort))
}

fn describe(found: &Found) -> Value {
    let card = &found.card;
    let licenses = card.licenses.iter().map(|license| format!("license:{license}"));
    let formats = card.formats.iter().map(|format| format!("format:{format}"));
    let tags: Vec<String> = card.keywords.iter().cloned().chain(licenses).chain(formats).collect();
    json!({
        "_id": found.id.to_string(),
        "id": found.path.to_string(),
        "author": found.path.owner.to_string(),
        "sha": found.revision,
        "lastModified": hub_time(found.updated),
        "createdAt": hub_time(found.created),
        "private": found.visibility != Visibility::Public,
        "gated": false,
        "disabled": false,
        "downloads": 0,
        "likes": found.stars,
        "tags": tags,
        "description": card.description,
    })
}
