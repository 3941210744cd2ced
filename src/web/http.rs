//! HTTP mechanics that know no feature and no API: the route table, reading bodies, errors, authentication, rate limits,
//! timeouts and the accept loop. The APIs import from here, and never from each other.

mod address;
mod body;
pub(crate) mod compression;
mod content;
mod cors;
mod error_format;
mod extract;
mod handler;
mod html;
pub(crate) mod json;
pub(crate) mod middleware;
mod rate_limit;
mod redirect;
mod routes;
pub(crate) mod server;
pub(crate) mod session_cookie;
mod timeouts;
mod url;

pub(crate) use self::address::{BaseUrl, ClientDescription, address_of as client_address};
pub(crate) use self::body::{
    content_length, hold, read as read_body, read_little, read_up_to as read_body_up_to, reader as body_reader, timed,
    with_idle_timeout,
};
pub(crate) use self::content::{Content, bare, disposition, media_of, media_type, shown};
pub(crate) use self::error_format::replace_body;
pub(crate) use self::extract::{
    AnonymousVisitor, AuthedActor, DatasetRequest, EnrollingActor, OptionalActor, Parameters, Segments, credentials,
};
pub(crate) use self::handler::AnyHandler;
pub(crate) use self::html::{PAGE_POLICY, error_page, escape_html};
pub(crate) use self::middleware::fresh_id as fresh_request_id;
pub(crate) use self::rate_limit::login_attempts::PasswordAttempt;
pub(crate) use self::rate_limit::{Admission, Client, Limits, SIGNATURE_COST, Slot};
pub(crate) use self::redirect::{own_path, see_other};
pub(crate) use self::routes::{DocumentedHandler, RouteGroup, Routes, routes};
pub(crate) use self::server::Running;
pub(crate) use self::session_cookie::{cookie as read_cookie, is_browser};
pub(crate) use self::timeouts::watched;
pub(crate) use self::url::{next_query, query_value, segment};
