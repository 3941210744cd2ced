//! Requests to the API of a server, with the rights of the user.

use std::time::Duration;

use clap::Args;
use reqwest::header::{HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, Response, StatusCode, Url};
use rutter::error::{Error, Result};
use rutter::types::amount;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::login;
use super::output::Output;
use super::progress::Progress;
use super::text_table::printable;

/// Maximum size of a response that is read as a whole, in bytes. A page of rows has 8 MiB and one row.
const MAX_JSON_BYTES: usize = 64 << 20;

/// Maximum size of an error, in bytes.
const MAX_PROBLEM_BYTES: usize = 64 << 10;

/// How often a request is repeated because the server is busy, and the longest time between two, in seconds.
const MAX_REPEATS: u32 = 5;
const MAX_WAIT: u64 = 60;

/// The server of a request.
#[derive(Args)]
pub(super) struct ServerArguments {
    /// URL of the server [default: the one that you are logged in to]
    #[arg(long, env = "RUTTER_SERVER", hide_env_values = true, value_name = "URL")]
    server: Option<String>,
}

/// A client of the API of a server.
pub(super) struct ApiClient {
    http: reqwest::Client,
    server: String,
    /// Anonymous requests have none.
    token: Option<String>,
    /// True if the token is that of a saved login, and can be refreshed.
    is_login: bool,
}

impl ApiClient {
    /// Creates a client for the server of the arguments, with the token of the environment or of a login.
    pub(super) async fn new(arguments: &ServerArguments) -> Result<Self> {
        let server = match &arguments.server {
            Some(url) => login::server(url)?,
            None => only_server(&login::servers()?)?,
        };
        let given = login::environment_token();
        let is_login = given.is_none();
        let token = if is_login { login::access_token(&server).await? } else { given };
        let http = login::http_client().tcp_keepalive(Duration::from_secs(30)).build().map_err(Error::internal)?;
        Ok(Self { http, server, token, is_login })
    }

    /// Returns a URL of the API.
    pub(super) fn url(&self, path: &[&str], query: &[(&str, String)]) -> Result<Url> {
        let mut url = Url::parse(&self.server).map_err(Error::internal)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Sends a request without a body.
    pub(super) async fn get(&mut self, url: Url) -> Result<Response> {
        self.send(Request::new(Method::GET, url)).await
    }

    /// Sends a request without a body, repeatedly until the server has its result.
    pub(super) async fn get_finished(&mut self, url: &Url, what: &str) -> Result<Response> {
        let mut line = Line(Progress::new());
        loop {
            let mut request = Request::new(Method::GET, url.clone());
            if line.0.is_shown() {
                // Otherwise, the server waits longer before it says how far it is.
                request.headers_mut().insert("prefer", HeaderValue::from_static("wait=2"));
            }
            let response = self.send(request).await?;
            if response.status() != StatusCode::ACCEPTED {
                return Ok(response);
            }
            let wait = wait_of(&response);
            let state: Value = self.json(response).await?;
            if let Some(fraction) = state["progress"].as_f64() {
                line.0.show(|| format!("{what}: {:.0} %", fraction * 100.0));
            }
            tokio::time::sleep(wait.unwrap_or(Duration::from_secs(1))).await;
        }
    }

    /// Sends JSON.
    pub(super) async fn post(&mut self, url: Url, body: &Value) -> Result<Response> {
        let request = self.http.post(url).json(body).build().map_err(Error::internal)?;
        self.send(request).await
    }

    /// Sends a request, which may be repeated: after a refusal, or if it is the same as before.
    ///
    /// # Errors
    /// What the server says, if it does not succeed.
    async fn send(&mut self, request: Request) -> Result<Response> {
        let (mut repeats, mut was_refreshed) = (0, false);
        loop {
            let next = request.try_clone().ok_or_else(|| Error::internal("a body that cannot be sent again"))?;
            let mut next = reqwest::RequestBuilder::from_parts(self.http.clone(), next);
            if let Some(token) = &self.token {
                next = next.bearer_auth(token);
            }
            let response = next.send().await.map_err(|error| self.away(error))?;
            match (response.status(), wait_of(&response)) {
                (status, _) if status.is_success() => return Ok(response),
                // An access token can end before it expires, and during long work it does expire.
                (StatusCode::UNAUTHORIZED, _) if self.is_login && self.token.is_some() && !was_refreshed => {
                    login::forget(&self.server, self.token.as_deref().unwrap_or_default())?;
                    self.token = login::access_token(&self.server).await?;
                    was_refreshed = true;
                }
                (StatusCode::TOO_MANY_REQUESTS, Some(wait)) if repeats < MAX_REPEATS => {
                    eprintln!("the server is busy: waiting {} s", wait.as_secs());
                    tokio::time::sleep(wait).await;
                    repeats += 1;
                }
                _ => return Err(self.problem(response).await),
            }
        }
    }

    /// Reads JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, response: Response) -> Result<T> {
        self.parse(&self.bytes(response).await?)
    }

    /// Parses the JSON of a response.
    pub(super) fn parse<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        serde_json::from_slice(bytes).map_err(|error| {
            Error::unavailable(format!(
                "unexpected response of {} ({}): is it a rutter server of this version?",
                self.server,
                printable(&error.to_string())
            ))
        })
    }

    /// Reads a response as a whole.
    pub(super) async fn bytes(&self, response: Response) -> Result<Vec<u8>> {
        self.at_most(MAX_JSON_BYTES, response).await
    }

    async fn at_most(&self, limit: usize, mut response: Response) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken_off(error))? {
            if bytes.len() + chunk.len() > limit {
                return Err(Error::too_large(format!("a response of {} has more than {limit} bytes", self.server)));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Copies a response to the output.
    pub(super) async fn copy(&self, response: Response, output: &mut Output) -> Result<()> {
        self.copy_from(response, output, None).await
    }

    /// Copies the rows of CSV to the output, without its header.
    pub(super) async fn copy_rows(&self, response: Response, output: &mut Output) -> Result<()> {
        self.copy_from(response, output, Some(CsvHeader::default())).await
    }

    async fn copy_from(
        &self,
        mut response: Response,
        output: &mut Output,
        mut header: Option<CsvHeader>,
    ) -> Result<()> {
        // On a terminal, the output itself is the progress, and clearing a line could clear its last one.
        let (mut line, mut copied) = ((!output.is_terminal()).then(|| Line(Progress::new())), 0);
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken_off(error))? {
            output.put(header.as_mut().map_or(&chunk, |header| header.after(&chunk)))?;
            copied += chunk.len() as u64;
            match &mut line {
                Some(line) => line.0.show(|| amount(copied)),
                None => output.flush()?,
            }
        }
        Ok(())
    }

    fn away(&self, error: reqwest::Error) -> Error {
        Error::unavailable(format!("cannot reach {}", self.server)).because(error.without_url())
    }

    /// The server ends the connection if it notices an error after the beginning of a result was sent.
    fn broken_off(&self, error: reqwest::Error) -> Error {
        let detail = format!("{} broke off the response: run the command again", self.server);
        Error::unavailable(detail).because(error.without_url())
    }

    /// Returns what the server says in problem details (RFC 9457).
    async fn problem(&self, response: Response) -> Error {
        let status = response.status();
        let body = self.at_most(MAX_PROBLEM_BYTES, response).await.unwrap_or_default();
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        Error::invalid(problem_text(&self.server, status, &json, self.token.is_none()))
    }
}

/// Finds the end of the header of CSV that arrives in pieces.
#[derive(Default)]
struct CsvHeader {
    is_over: bool,
    /// True within quotes, where a line break is a part of the name.
    is_quoted: bool,
}

impl CsvHeader {
    /// Returns the part of a piece that is after the header.
    fn after<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        if self.is_over {
            return piece;
        }
        for (index, byte) in piece.iter().enumerate() {
            match byte {
                b'"' => self.is_quoted = !self.is_quoted,
                b'\n' if !self.is_quoted => {
                    self.is_over = true;
                    return &piece[index + 1..];
                }
                _ => {}
            }
        }
        &[]
    }
}

/// A line of progress, which is cleared at the end.
struct Line(Progress);

impl Drop for Line {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn problem_text(server: &str, status: StatusCode, problem: &Value, is_anonymous: bool) -> String {
    let Some(detail) = problem["detail"].as_str() else {
        return format!("{server} answered {status}: is it a rutter server of this version?");
    };
    let detail = printable(detail);
    // What the user may not see does not exist.
    let may_help = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&status);
    if is_anonymous && may_help {
        return format!("{detail}; you are not logged in: run `rutter login {server}`, or set RUTTER_TOKEN");
    }
    detail
}

/// Returns how long the server asks to wait.
fn wait_of(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(MAX_WAIT.min(seconds).max(1)))
}

/// Returns the server to use by default.
fn only_server(servers: &[String]) -> Result<String> {
    match servers {
        [only] => Ok(only.clone()),
        [] => Err(Error::invalid(
            "which server? log in with `rutter login URL`, or give its address with --server URL or RUTTER_SERVER",
        )),
        several => Err(Error::invalid(format!(
            "you are logged in to {}: choose one with --server URL or RUTTER_SERVER",
            several.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn client(server: &str) -> ApiClient {
        let http = login::http_client().build().unwrap();
        ApiClient { http, server: server.into(), token: None, is_login: true }
    }

    #[test]
    fn names_are_encoded_in_urls() {
        let client = client("https://data.example.org");
        let query = [("from", "v1.0&x=ü".to_owned()), ("table", "a/b c.csv".to_owned())];
        let url = client.url(&["datasets", "ministry/statistics", "census", "diff"], &query).unwrap();
        assert_eq!(
            url.as_str(),
            "https://data.example.org/api/v1/datasets/ministry%2Fstatistics/census/diff?from=v1.0%26x%3D%C3%BC&table=a%2Fb+c.csv"
        );
        let below = self::client("https://example.org/data").url(&["sql"], &[]).unwrap();
        assert_eq!(below.as_str(), "https://example.org/data/api/v1/sql");
    }

    #[test]
    fn the_server_of_the_only_login_is_the_default() {
        let servers = |names: &[&str]| names.iter().map(|name| format!("https://{name}")).collect::<Vec<_>>();
        assert_eq!(only_server(&servers(&["a"])).unwrap(), "https://a");
        for (names, says) in [(&[][..], "rutter login URL"), (&["a", "b"], "https://a, https://b")] {
            let error = only_server(&servers(names)).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("--server"), "{error}");
        }
    }

    #[test]
    fn headers_end_at_the_first_line_break_outside_of_quotes() {
        let text = b"a,\"b \"\"x\"\"\nc\",d\r\n1,\"2\n\",3\r\n";
        for size in 1..=text.len() {
            let mut header = CsvHeader::default();
            let rest: Vec<u8> = text.chunks(size).flat_map(|piece| header.after(piece)).copied().collect();
            assert_eq!(rest, b"1,\"2\n\",3\r\n", "in pieces of {size}");
        }
        assert_eq!(CsvHeader::default().after(b"a"), b"");
    }

    #[test]
    fn errors_are_those_of_the_server_without_control_characters() {
        let text = |status: u16, problem: Value, is_anonymous: bool| {
            problem_text("https://a", StatusCode::from_u16(status).unwrap(), &problem, is_anonymous)
        };
        let problem = json!({"detail": "there is no table \u{1b}[2J"});
        assert_eq!(text(404, problem.clone(), false), "there is no table \\u{1b}[2J");
        assert!(text(404, problem.clone(), true).ends_with("run `rutter login https://a`, or set RUTTER_TOKEN"));
        assert_eq!(text(422, problem, true), "there is no table \\u{1b}[2J");
        assert_eq!(
            text(502, Value::Null, false),
            "https://a answered 502 Bad Gateway: is it a rutter server of this version?"
        );
    }
}
