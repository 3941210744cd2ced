//! Tokens for transfers by Xet, which clients of the Hub use for uploads since `huggingface_hub` 1.20.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::IntoResponse as _;
use serde_json::json;

use super::common::Answer;
use crate::access::{DatasetGrant, Fetch, Right, Write};
use crate::app::App;
use crate::error::Error;
use crate::web::http::{BaseUrl, Routes, SIGNATURE_COST};

/// The revision makes no difference: the objects of a dataset are those of all its branches.
const WRITE_TOKEN: &str = "/api/datasets/{owner}/{dataset}/xet-write-token/{revision}";

const READ_TOKEN: &str = "/api/datasets/{owner}/{dataset}/xet-read-token/{revision}";

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.add(Method::GET, WRITE_TOKEN, write_token).add(Method::GET, READ_TOKEN, read_token);
    [WRITE_TOKEN, READ_TOKEN].into_iter().fold(routes, |routes, path| {
        routes.change(path, |group| {
            group.cost = SIGNATURE_COST as u64;
            group.is_open = true;
        })
    })
}

async fn write_token(State(app): State<App>, grant: DatasetGrant<Write>, base: BaseUrl) -> Answer {
    token(&app, &grant, &base).await
}

async fn read_token(State(app): State<App>, grant: DatasetGrant<Fetch>, base: BaseUrl) -> Answer {
    token(&app, &grant, &base).await
}

async fn token<R: Right>(app: &App, grant: &DatasetGrant<R>, base: &BaseUrl) -> Answer {
    let access = app.git_service.xet_access(grant, &base.0).await?;
    let body = json!({ "casUrl": access.cas_url, "accessToken": access.token, "exp": access.expires });
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Earlier clients read the headers.
    for (name, value) in access.headers() {
        let name: HeaderName = name.parse().map_err(Error::internal)?;
        response.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(Error::internal)?);
    }
    Ok(response)
}
