//! `rutter login`, `rutter logout` and `rutter credential`: this user's logins at servers, and git's access to them. The
//! program is an OAuth client like others (RFC 8628); it needs no configuration and no database. Commands that are clients
//! of the API use the logins, too.

mod saved_logins;

use std::io::{BufRead as _, Read as _};
use std::process::Command;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use rutter::clock::Clock;
use rutter::error::{Error, Result};
use rutter::oauth::{COMMAND_LINE, DEVICE_CODE_GRANT};
use serde_json::{Value, json};

use self::saved_logins::{SavedLogin, SavedLogins};

const SCOPES: &str = "openid profile offline_access read write";
/// A token that expires within this time is refreshed, in seconds: git may use it for a while.
const MARGIN: u64 = 60;
/// Maximum size of a credential request of git, in bytes.
const MAX_REQUEST: u64 = 64 << 10;

/// What git asks of a credential helper.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CredentialAction {
    /// Print user name and token
    Get,
    /// Do nothing
    Store,
    /// Forget a token that was refused
    Erase,
}

/// An answer of the token endpoint: the tokens, or an error code of OAuth.
type TokenAnswer = std::result::Result<Value, String>;

fn now() -> u64 {
    Clock::default().now().seconds()
}

/// Returns the address of a server, as it is saved.
///
/// # Errors
/// Invalid for anything but `https`, or `http` on this machine: tokens must not be sent in the clear.
pub(super) fn server(text: &str) -> Result<String> {
    let refuse = |why: &str| Error::invalid(format!("`{text}`: {why}, as in https://data.example.org"));
    let url = Url::parse(text).map_err(|_| refuse("give the URL of a server"))?;
    let host = url.host_str().unwrap_or_default();
    let is_local =
        host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if is_local => {}
        _ => return Err(refuse("use https")),
    }
    if !url.username().is_empty() || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("give the URL without user name or parameters"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Returns the settings of an HTTP client that sends tokens: it follows no redirects.
pub(super) fn http_client() -> reqwest::ClientBuilder {
    lfs::store::install_tls_provider();
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(format!("rutter/{} ({})", env!("CARGO_PKG_VERSION"), hostname()))
}

struct Client {
    http: reqwest::Client,
    server: String,
}

impl Client {
    fn new(server: String) -> Result<Self> {
        let http = http_client().timeout(Duration::from_secs(30)).build().map_err(Error::internal)?;
        Ok(Self { http, server })
    }

    fn away(&self, error: &dyn std::fmt::Display) -> Error {
        Error::unavailable(format!("cannot reach {}: {error}", self.server))
    }

    /// Sends a form as this program.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<TokenAnswer> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", COMMAND_LINE)
            .extend_pairs(fields)
            .finish();
        let request = self.http.post(format!("{}{path}", self.server));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let response = request.send().await.map_err(|error| self.away(&error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.away(&error))?;
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        match (status, json["error"].as_str()) {
            (StatusCode::OK, _) => Ok(Ok(json)),
            (_, Some(code)) => Ok(Err(code.to_owned())),
            _ => Err(Error::unavailable(format!("{} answered {status}: is it a rutter server?", self.server))),
        }
    }

    /// Checks that this is a server with this address: tokens name it as their issuer.
    async fn discover(&self) -> Result<()> {
        let url = format!("{}/.well-known/oauth-authorization-server", self.server);
        let response = self.http.get(url).send().await.map_err(|error| self.away(&error))?;
        let metadata = response.json::<Value>().await.unwrap_or_default();
        match metadata["issuer"].as_str() {
            Some(issuer) if issuer == self.server => Ok(()),
            Some(issuer) => Err(Error::invalid(format!("the server's address is {issuer}: run rutter login {issuer}"))),
            None => Err(Error::invalid(format!("{} is not a rutter server", self.server))),
        }
    }

    async fn refresh(&self, login: &mut SavedLogin) -> Result<TokenAnswer> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", login.refresh_token.as_str())];
        let answer = self.post("/oauth/token", &fields).await?;
        if let Ok(tokens) = &answer {
            login.take(tokens)?;
        }
        Ok(answer)
    }
}

impl SavedLogin {
    fn take(&mut self, tokens: &Value) -> Result<()> {
        let text = |name: &str| tokens[name].as_str().map(str::to_owned);
        let (Some(access), Some(refresh)) = (text("access_token"), text("refresh_token")) else {
            return Err(Error::unavailable("the server sent no tokens"));
        };
        self.expires_at = now() + tokens["expires_in"].as_u64().unwrap_or(0);
        (self.access_token, self.refresh_token) = (Some(access), refresh);
        Ok(())
    }
}

fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.trim().chars().filter(char::is_ascii_graphic).take(60).collect();
    if name.is_empty() { "unknown host".into() } else { name }
}

/// Logs in at a server, after the user has allowed it in a browser. Without a URL, lists the saved logins.
pub(super) async fn log_in(url: Option<&str>, configure_git: bool) -> Result<()> {
    let Some(url) = url else {
        for (url, login) in &SavedLogins::open()?.by_url {
            println!("{}\t{url}", login.user);
        }
        return Ok(());
    };
    let client = Client::new(server(url)?)?;
    client.discover().await?;
    let begun = client.post("/oauth/device_authorization", &[("scope", SCOPES)]).await?;
    let begun =
        begun.map_err(|code| Error::unavailable(format!("{} refused to begin a login: {code}", client.server)))?;
    let text = |name: &str| begun[name].as_str().unwrap_or_default();
    eprintln!("Open this page in a browser, on any device, and check that it shows the code {}:", text("user_code"));
    println!("{}", text("verification_uri_complete"));
    eprintln!("Waiting for your answer …");
    let mut pause = Duration::from_secs(begun["interval"].as_u64().unwrap_or(5));
    let deadline = now() + begun["expires_in"].as_u64().unwrap_or(600);
    let fields = [("grant_type", DEVICE_CODE_GRANT), ("device_code", text("device_code"))];
    let tokens = loop {
        tokio::time::sleep(pause).await;
        match client.post("/oauth/token", &fields).await {
            Ok(Ok(tokens)) => break tokens,
            Ok(Err(code)) => match code.as_str() {
                "authorization_pending" => {}
                "slow_down" => pause += Duration::from_secs(5),
                "access_denied" => return Err(Error::forbidden("you refused the login")),
                "expired_token" => return Err(Error::invalid("the code has expired: run the command again")),
                _ => return Err(Error::unavailable(format!("{} refused the login: {code}", client.server))),
            },
            // The network may come back; the code stays valid.
            Err(_) if now() < deadline => {}
            Err(error) => return Err(error),
        }
    };
    let mut login = SavedLogin { user: String::new(), refresh_token: String::new(), access_token: None, expires_at: 0 };
    login.take(&tokens)?;
    let bearer = login.access_token.clone().unwrap_or_default();
    let userinfo = client.http.get(format!("{}/oauth/userinfo", client.server)).bearer_auth(bearer);
    let claims: Value = async { userinfo.send().await?.json().await }.await.map_err(|error| client.away(&error))?;
    claims["preferred_username"].as_str().unwrap_or_default().clone_into(&mut login.user);
    let user = login.user.clone();
    let before = {
        let mut saved = SavedLogins::open()?;
        let before = saved.by_url.insert(client.server.clone(), login);
        saved.save()?;
        before
    };
    if let Some(before) = before {
        // A failure leaves a login that the account page shows, and that expires.
        let _ = client.post("/oauth/revoke", &[("token", &before.refresh_token)]).await;
    }
    eprintln!("You are logged in to {} as {user}.", client.server);
    if configure_git {
        set_git_helper(&client.server)?;
        eprintln!("git and git-lfs use this login for {}.", client.server);
    }
    Ok(())
}

/// Logs out of a server: its tokens end, and git no longer uses them.
pub(super) async fn log_out(url: &str) -> Result<()> {
    let server = server(url)?;
    let mut saved = SavedLogins::open()?;
    let login = saved.by_url.remove(&server);
    let login = login.ok_or_else(|| Error::not_found(format!("you are not logged in to {server}")))?;
    saved.save()?;
    drop(saved);
    unset_git_helper(&server);
    let client = Client::new(server)?;
    let revoked = client.post("/oauth/revoke", &[("token", &login.refresh_token)]).await;
    if !matches!(revoked, Ok(Ok(_))) {
        eprintln!("{} could not be reached: end the login in your account there.", client.server);
    }
    Ok(())
}

fn git(arguments: &[&str]) -> Result<bool> {
    let done = Command::new("git").arg("config").arg("--global").args(arguments).output();
    let done = done.map_err(|error| Error::invalid(format!("cannot run git: {error}; use --no-git")))?;
    Ok(done.status.success())
}

fn set_git_helper(server: &str) -> Result<()> {
    let key = format!("credential.{server}.helper");
    let program = std::env::current_exe().map_err(Error::internal)?;
    let program = program.to_string_lossy().replace('\'', "'\\''");
    unset_git_helper(server);
    // The empty value ends the list of other helpers, which would store the token.
    let done = git(&["--add", &key, ""])? && git(&["--add", &key, &format!("!'{program}' credential")])?;
    if done { Ok(()) } else { Err(Error::invalid("cannot change the configuration of git; use --no-git")) }
}

/// Does nothing if it was not set.
fn unset_git_helper(server: &str) {
    let _ = git(&["--unset-all", &format!("credential.{server}.helper")]);
}

/// Answers git (see `git help credential`): it sends a description of the server to standard input.
pub(super) async fn credential(action: CredentialAction) -> Result<()> {
    let mut asked: Value = json!({});
    for line in std::io::stdin().lock().take(MAX_REQUEST).lines() {
        let line = line.map_err(Error::internal)?;
        let Some((name, value)) = line.split_once('=') else { break };
        asked[name] = json!(value);
    }
    let part = |name: &str| asked[name].as_str().unwrap_or_default();
    let origin = format!("{}://{}", part("protocol"), part("host"));
    match action {
        // The login is saved already.
        CredentialAction::Store => {}
        CredentialAction::Erase => forget(&origin, part("password"))?,
        CredentialAction::Get => match current(&origin).await? {
            CurrentLogin::None => {}
            CurrentLogin::Ended => {
                eprintln!("Your login at {origin} has ended: run `rutter login {origin}`.");
                println!("quit=true");
            }
            CurrentLogin::Valid(login) => print_credential(&login),
        },
    }
    Ok(())
}

/// The login at a server, at this moment.
enum CurrentLogin {
    None,
    /// The server no longer accepts it.
    Ended,
    /// Its access token is valid for a while.
    Valid(SavedLogin),
}

/// Returns the login at a server. It is refreshed if its access token expires soon, or was refused.
async fn current(server: &str) -> Result<CurrentLogin> {
    let mut saved = SavedLogins::open()?;
    let Some(login) = saved.by_url.get_mut(server) else { return Ok(CurrentLogin::None) };
    if login.access_token.is_some() && login.expires_at >= now() + MARGIN {
        return Ok(CurrentLogin::Valid(login.clone()));
    }
    if Client::new(server.to_owned())?.refresh(login).await?.is_err() {
        return Ok(CurrentLogin::Ended);
    }
    let refreshed = login.clone();
    // Before it is used: a refresh token works once.
    saved.save()?;
    Ok(CurrentLogin::Valid(refreshed))
}

/// Forgets an access token that a server refused: the next request refreshes the login.
pub(super) fn forget(server: &str, access_token: &str) -> Result<()> {
    let mut saved = SavedLogins::open()?;
    let login = saved.by_url.get_mut(server);
    if let Some(login) = login.filter(|login| login.access_token.as_deref() == Some(access_token)) {
        login.access_token = None;
        saved.save()?;
    }
    Ok(())
}

/// Returns an access token for a server; `None` without a login there.
///
/// # Errors
/// Unauthenticated if the login has ended.
pub(super) async fn access_token(server: &str) -> Result<Option<String>> {
    if !SavedLogins::exist() {
        return Ok(None);
    }
    match current(server).await? {
        CurrentLogin::None => Ok(None),
        CurrentLogin::Ended => {
            Err(Error::unauthenticated(format!("your login at {server} has ended: run `rutter login {server}`")))
        }
        CurrentLogin::Valid(login) => Ok(login.access_token),
    }
}

/// Returns the token that is used in place of a login.
#[expect(clippy::disallowed_methods, reason = "not an option: other users of the machine can see arguments")]
pub(super) fn environment_token() -> Option<String> {
    let token = std::env::var("RUTTER_TOKEN").ok()?;
    Some(token.trim().to_owned()).filter(|token| !token.is_empty())
}

/// Returns the servers with a saved login.
pub(super) fn servers() -> Result<Vec<String>> {
    if !SavedLogins::exist() {
        return Ok(Vec::new());
    }
    Ok(SavedLogins::open()?.by_url.into_keys().collect())
}

/// Prints a login for git.
fn print_credential(login: &SavedLogin) {
    let token = login.access_token.as_deref().unwrap_or_default();
    println!("username={}\npassword={token}\npassword_expiry_utc={}", login.user, login.expires_at);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_sent_over_tls_only() {
        for (text, saved) in [
            ("https://data.example.org/", "https://data.example.org"),
            ("https://Data.Example.org:443", "https://data.example.org"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
            ("http://localhost:8080", "http://localhost:8080"),
        ] {
            assert_eq!(server(text).unwrap(), saved);
        }
        for bad in
            ["http://data.example.org", "data.example.org", "https://a@b.example", "https://b.example/?x", "ftp://b"]
        {
            assert!(server(bad).is_err(), "{bad}");
        }
    }
}
