//! `/{owner}/{dataset}`: the address that people pass on. git takes it as it is; a browser is led to the page.

use axum::extract::Path;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::Routes;
use super::api::segment;
use crate::error::{Error, Result};
use crate::types::RepoPath;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/{owner}/{dataset}", page)
}

/// The same for every name that could be a dataset's: it tells nothing of what there is.
async fn page(
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    headers: HeaderMap,
) -> Result<Response> {
    let nothing = || Error::not_found("there is nothing at this URL");
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(Path((owner, name))) = path else { return Err(nothing()) };
    let path = RepoPath::from_segments(&owner, &name).map_err(|_| nothing())?;
    if !accept.contains("text/html") {
        return Err(nothing());
    }
    let page = format!("/d/{}/{}", segment(path.owner.as_str()), segment(path.name.as_str()));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, page), (header::VARY, "accept".to_owned())]).into_response())
}
