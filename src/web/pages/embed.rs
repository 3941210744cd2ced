//! Frames for pages of other sites (`/embed`): the first rows of a table, or the chart of a column, of a dataset that
//! everybody may read. Without scripts, cookies or forms: nothing in them can be clicked on behalf of a user.

mod chart;
mod rows;

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::access::TableGrant;
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::tables::{Charge, Output, Page};
use crate::types::RepoPath;
use crate::web::http::{AnonymousVisitor, Parameters, Routes, Segments, escape_html, segment};

const ROUTE: &str = "/embed/{owner}/{dataset}/{revision}/{*path}";

/// The cost in points of the rate limits; what the table engine does is added.
const COST: u64 = 10;

/// The number of rows that are shown.
const ROWS: u64 = 20;

/// How long browsers and proxies may keep a frame.
const CACHING: &str = "public, max-age=60";

const STYLE: &str = include_str!("embed.css");

/// Only our own style sheet, and any site may show it. As in a sandbox, links can only open another tab.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = BASE64.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors *; \
         sandbox allow-popups allow-popups-to-escape-sandbox"
    )
});

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, ROUTE, embed).change(ROUTE, |route| {
        route.cost = COST;
        // Reading a table can take as long as a download.
        route.is_transfer = true;
    })
}

#[derive(Deserialize)]
struct EmbedQuery {
    /// Show the chart of this column instead of rows.
    column: Option<String>,
    /// `light` or `dark`. Default: that of the browser.
    theme: Option<String>,
}

/// What a frame shows.
struct Frame {
    /// HTML.
    content: String,
    /// A note for the last line, such as the number of rows.
    note: String,
}

async fn embed(
    State(app): State<App>,
    visitor: AnonymousVisitor,
    segments: Segments,
    query: Result<Parameters<EmbedQuery>>,
    headers: HeaderMap,
) -> Response {
    let Ok(Parameters(EmbedQuery { column, theme })) = query else {
        return refusal(None, &Error::malformed("the query of this address cannot be read"));
    };
    let theme = theme.as_deref().filter(|theme| ["light", "dark"].contains(theme));
    match find(&app, visitor, &segments, column.as_deref()).await {
        Ok(frame) => answer(theme, &title(&segments, column.as_deref()), &frame, &headers),
        Err(error) => refusal(theme, &error),
    }
}

async fn find(app: &App, visitor: AnonymousVisitor, segments: &Segments, column: Option<&str>) -> Result<Frame> {
    let dataset = RepoPath::from_segments(segments.get("owner"), segments.get("dataset"))
        .map_err(|_| Error::not_found("there is no dataset of this name"))?;
    let grant: TableGrant = app.access.authorize_table(&visitor.actor, &dataset).await?;
    let (revision, name) = (segments.get("revision"), segments.get("path"));
    let charge: Charge = Arc::new(move |points| visitor.charge(points));
    if let Some(column) = column {
        let (statistics, _) = app.tables.statistics(&grant, revision, name, charge).await?.gather().await?;
        return chart::frame(&statistics, column);
    }
    let page = Page {
        offset: 0,
        limit: ROWS,
        columns: None,
        filter: None,
        sort: Vec::new(),
        output: Output::Json,
        detailed: false,
    };
    let (json, done) = app.tables.rows(&grant, revision, name, page, charge).await?.gather().await?;
    rows::frame(&json, &done)
}

/// Returns heading and address of what a frame shows, as HTML.
fn title(segments: &Segments, column: Option<&str>) -> Heading {
    let (owner, dataset) = (segments.get("owner"), segments.get("dataset"));
    let (revision, path) = (segments.get("revision"), segments.get("path"));
    let own = format!("/d/{}/{}", segment(owner), segment(dataset));
    let file: Vec<String> = path.split('/').map(segment).collect();
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    Heading {
        text: escape_html(&column.map_or_else(|| name.to_owned(), |column| format!("{column} · {name}"))),
        // A resource or a folder is not a file.
        href: if path.contains('.') && !path.ends_with('/') {
            format!("{own}/file/{}/{}", segment(revision), file.join("/"))
        } else {
            format!("{own}/tree/{}", segment(revision))
        },
        dataset: escape_html(&format!("{owner}/{dataset}")),
        dataset_href: own,
        revision: escape_html(revision),
    }
}

struct Heading {
    text: String,
    href: String,
    dataset: String,
    dataset_href: String,
    revision: String,
}

fn answer(theme: Option<&str>, heading: &Heading, frame: &Frame, headers: &HeaderMap) -> Response {
    let Heading { text, href, dataset, dataset_href, revision } = heading;
    let Frame { content, note } = frame;
    let mut body = String::new();
    let _ = write!(
        body,
        "<header><h1>{text}</h1> <a href=\"{href}\" target=\"_blank\" rel=\"noopener\">Open</a></header>\n\
         <main tabindex=\"0\" aria-label=\"{text}\">{content}</main>\n<footer><span>{note}</span> \
         <a href=\"{dataset_href}\" target=\"_blank\" rel=\"noopener\">{dataset} at {revision}</a></footer>"
    );
    let html = document(theme, text, &body);
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&html)[..16]));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes());
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { html.into_response() };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHING));
    framed(response)
}

/// Returns a frame that says why there is nothing to see. A dataset that not everybody may read is not there.
fn refusal(theme: Option<&str>, error: &Error) -> Response {
    let (status, text) = match error.kind() {
        Kind::Unauthenticated | Kind::Forbidden | Kind::NotFound => (
            StatusCode::NOT_FOUND,
            "This table is not available. It does not exist, or not everybody may see it.".to_owned(),
        ),
        Kind::Internal => {
            (StatusCode::INTERNAL_SERVER_ERROR, "This table cannot be shown because of an error.".to_owned())
        }
        Kind::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("Tables cannot be shown at the moment: {}.", error.detail()))
        }
        kind => (kind.status(), format!("This table cannot be shown: {}.", error.detail())),
    };
    let body = format!("<main><p>{}</p></main>", escape_html(&text));
    let mut response = document(theme, "Not available", &body).into_response();
    *response.status_mut() = status;
    framed(response)
}

fn document(theme: Option<&str>, title: &str, body: &str) -> String {
    let class = theme.map(|theme| format!(" class=\"{theme}\"")).unwrap_or_default();
    format!(
        "<!doctype html>\n<html lang=\"en\"{class}>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n{body}\n</html>\n"
    )
}

fn framed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // Also for sites that are isolated from others.
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}
