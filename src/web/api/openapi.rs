//! OpenAPI 3.1 document of the API, and an HTML page that shows it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{LazyLock, OnceLock};

use axum::Json;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, Info, License, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, Required,
    ResponseBuilder, Schema,
};
use utoipa::{PartialSchema as _, ToSchema};

use super::shapes;
use crate::web::http::{Routes, escape_html};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/api/openapi.json", openapi).add(Method::GET, "/api/docs", docs)
}

/// An error (RFC 9457 problem details).
#[derive(serde::Serialize, ToSchema)]
struct Problem {
    /// Always `about:blank`; see `code` for the kind of error.
    r#type: String,
    /// The reason phrase of the HTTP status.
    title: String,
    /// The HTTP status code.
    status: u16,
    /// What is wrong and what to do about it.
    detail: String,
    /// A stable identifier of the kind of error.
    code: String,
    /// The id of the request, as in the server's log.
    request_id: String,
}

/// Declares the routes that the document describes.
static ROUTES: OnceLock<fn(Routes) -> Routes> = OnceLock::new();

/// Sets the function that declares the routes of the API: the document describes them.
pub(super) fn declare(routes: fn(Routes) -> Routes) {
    _ = ROUTES.set(routes);
}

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| {
    let routes = ROUTES.get().map_or_else(Routes::default, |routes| routes(Routes::default()));
    let mut components = Components::new();
    components.schemas.extend(routes.schemas);
    components.schemas.extend(shapes::all());
    components.schemas.insert("Problem".into(), Problem::schema());
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.security_schemes.insert("token".into(), RefOr::T(token));
    let mut paths = routes.paths;
    for (path, item) in &mut paths.paths {
        let known = [
            (
                "owner",
                shapes::OWNER,
                "A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`.",
            ),
            ("dataset", shapes::NAME, "The name of the dataset."),
            (
                "organisation",
                shapes::OWNER,
                "The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`.",
            ),
        ];
        for (name, pattern, what) in known.iter().filter(|(name, ..)| path.contains(&format!("{{{name}}}"))) {
            let parameter =
                ParameterBuilder::new().name(*name).parameter_in(ParameterIn::Path).required(Required::True);
            let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(*pattern));
            let parameter = parameter.schema(Some(schema)).description(Some(*what)).build();
            item.parameters.get_or_insert_default().push(RefOr::T(parameter));
        }
        for operation in operations(item) {
            // Generated clients have one namespace for all operations, so operation ids start with the tag.
            let tag = operation.tags.iter().flatten().next();
            operation.operation_id =
                tag.zip(operation.operation_id.as_ref()).map(|(tag, name)| format!("{tag}_{name}"));
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter {
                    parameter.schema = parameter.schema.take().map(not_null);
                }
            }
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            let reply = ResponseBuilder::new().description("The request failed (RFC 9457 problem details).");
            let reply = reply.content("application/problem+json", problem).build();
            operation.responses.responses.insert("default".into(), RefOr::T(reply));
        }
    }
    // The version of the API, as in its URLs: the server's version is not public.
    let mut info = Info::new("rutter", "1");
    info.description = Some(include_str!("document.md").into());
    info.license = Some(License::new(env!("CARGO_PKG_LICENSE")));
    // Public data needs no token.
    let security = [SecurityRequirement::new("token", [] as [&str; 0]), SecurityRequirement::default()];
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).security(Some(security)).build()
});

/// The document as JSON, for lookups.
pub(super) static JSON: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(&*DOCUMENT).unwrap_or_default());

/// Removes null from the types of a parameter: a URL or a header cannot contain null.
fn not_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|one| *one != Type::Null);
                if let [one] = types.as_slice() {
                    object.schema_type = SchemaType::Type(one.clone());
                }
            }
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::OneOf(mut one_of)) => {
            let is_null = |item: &RefOr<Schema>| matches!(item, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null));
            one_of.items.retain(|item| !is_null(item));
            if one_of.items.len() == 1 { one_of.items.remove(0) } else { RefOr::T(Schema::OneOf(one_of)) }
        }
        other => other,
    }
}

/// Returns all operations of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// Returns the OpenAPI document.
async fn openapi() -> Json<&'static OpenApi> {
    Json(&DOCUMENT)
}

/// Returns the documentation page, without scripts.
async fn docs() -> Response {
    static PAGE: LazyLock<String> = LazyLock::new(|| page(&JSON));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, PAGE.as_str()).into_response()
}

/// Renders the document as an HTML page.
fn page(document: &Value) -> String {
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    for (path, item) in fields(&document["paths"]) {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                let section = sections.entry(text(&operation["tags"][0])).or_default();
                describe(section, &method.to_ascii_uppercase(), path, operation);
            }
        }
    }
    let mut page = String::from(include_str!("document.html"));
    for paragraph in text(&document["info"]["description"]).trim_end().split("\n\n") {
        let _ = writeln!(page, "<p>{}</p>", code(paragraph));
    }
    for (tag, section) in &sections {
        let _ = writeln!(page, "<h2 id=\"{tag}\">{tag}</h2>\n{section}", tag = escape_html(tag));
    }
    page.push_str("<h2>Shapes</h2>\n");
    for (name, schema) in fields(&document["components"]["schemas"]) {
        let (name, shape) = (escape_html(name), serde_json::to_string_pretty(schema).unwrap_or_default());
        let shape = escape_html(&shape);
        let _ = writeln!(page, "<details id=\"{name}\"><summary>{name}</summary><pre>{shape}</pre></details>");
    }
    page.push_str("</main></html>\n");
    page
}

fn describe(section: &mut String, method: &str, path: &str, operation: &Value) {
    let summary = code(text(&operation["summary"]));
    let _ = writeln!(section, "<h3><b>{method}</b> <code>{}</code></h3>\n<p>{summary}</p>", escape_html(path));
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let mut rows = String::new();
    for parameter in parameters {
        let (name, what) = (escape_html(text(&parameter["name"])), code(text(&parameter["description"])));
        let _ = writeln!(rows, "<tr><td><code>{name}</code></td><td>{what}</td></tr>");
    }
    if !rows.is_empty() {
        let _ = writeln!(section, "<table>{rows}</table>");
    }
    if let Some(shape) = shape(&operation["requestBody"]) {
        let _ = writeln!(section, "<p>Request body: {shape}.</p>");
    }
    for (status, reply) in fields(&operation["responses"]).filter(|(status, _)| *status != "default") {
        let shape = shape(reply).map(|shape| format!(" ({shape})")).unwrap_or_default();
        let _ = writeln!(section, "<p>{status}: {}{shape}</p>", code(text(&reply["description"])));
    }
}

/// Returns a link to the schema of a body.
fn shape(body: &Value) -> Option<String> {
    let content = body["content"].as_object()?.values().next()?;
    let name = escape_html(content["schema"]["$ref"].as_str()?.rsplit('/').next()?);
    Some(format!("<a href=\"#{name}\">{name}</a>"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// Renders text with backquoted parts as `<code>`.
fn code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(
            |(index, part)| {
                if index % 2 == 1 { format!("<code>{}</code>", escape_html(part)) } else { escape_html(part) }
            },
        )
        .collect()
}
