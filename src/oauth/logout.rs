//! Logout: begun by an application (OpenID Connect RP-Initiated Logout), and reported to applications when their logins end
//! (OpenID Connect Back-Channel Logout).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::StreamExt as _;
use ipnet::IpNet;
use serde_json::{Value, json};

use super::clients::urls;
use super::redirect::{is_registered, with_query};
use super::{OAuth, generate};
use crate::access::SessionGrant;
use crate::config::Makers;
use crate::db::oauth::LogoutRow;
use crate::error::{Error, Result};

/// Timeout of a call to an application.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Lifetime of a logout token, in seconds.
const TOKEN_SECONDS: u64 = 120;
/// After this time, the server no longer tries to notify an application.
const GIVE_UP: Duration = Duration::from_hours(24);
/// Minimum time between two tries.
const RETRY: Duration = Duration::from_secs(15);
/// Logins that one run reports, and how many at one time.
const BATCH: i64 = 200;
const CONCURRENT: usize = 8;

/// Networks that only applications of administrators may be in, and those of organisations if administrators create
/// these: others could reach services that the server can reach, but they cannot.
const PRIVATE: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
    "::/127",
    "64:ff9b::/96",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// What a request to log out leads to.
#[derive(Debug)]
pub enum EndSession {
    /// End the browser session, then go to this URL.
    Now(String),
    /// There is no session: go to this URL.
    Over(String),
    /// The user must be asked.
    Ask,
}

impl OAuth {
    /// Decides a request to log out.
    ///
    /// # Errors
    /// Invalid for an unknown application, or a URL that it has not registered: never redirect there.
    pub async fn end_session(&self, query: &str, seat: Option<&SessionGrant>) -> Result<EndSession> {
        let parameters: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let get = |name: &str| parameters.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let hint = match get("id_token_hint") {
            Some(token) => {
                self.access.keys().own_claims("JWT", token).await.filter(|claims| claims["iss"] == self.issuer)
            }
            None => None,
        };
        let of_hint = hint.as_ref().and_then(|claims| claims["aud"].as_str());
        if let (Some(hinted), Some(named)) = (of_hint, get("client_id"))
            && hinted != named
        {
            return Err(Error::invalid("id_token_hint was issued to another application"));
        }
        let after = match get("post_logout_redirect_uri") {
            None => "/login".to_owned(),
            Some(url) => {
                let client = match of_hint.or(get("client_id")) {
                    Some(id) => self.enabled_client(id).await?,
                    None => None,
                };
                let client = client.ok_or_else(|| Error::invalid("this application is not registered here"))?;
                if !is_registered(url, &urls(&client.logout_redirects)?) {
                    return Err(Error::invalid("the application sent a URL that it has not registered for logouts"));
                }
                get("state").map_or_else(|| url.to_owned(), |state| with_query(url, &[("state", state)]))
            }
        };
        let Some(seat) = seat else { return Ok(EndSession::Over(after)) };
        // Without proof that the application knows this user, any page could sign them out.
        let is_known = hint.is_some_and(|claims| claims["sub"] == seat.user().to_string());
        Ok(if is_known { EndSession::Now(after) } else { EndSession::Ask })
    }

    /// Notifies applications of their logins that have ended since the last run.
    pub async fn notify_logouts(&self) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        tx.end_unusable_app_logins(now, now.minus(self.session_idle)).await?;
        tx.commit().await?;
        let ended = self.db.read().await?.unreported_logouts(now, BATCH).await?;
        let mut outcomes = futures::stream::iter(ended)
            .map(|row| async {
                let outcome = self.notify(&row).await;
                (row, outcome)
            })
            .buffer_unordered(CONCURRENT);
        while let Some((row, outcome)) = outcomes.next().await {
            let now = self.clock.now();
            // As long again as it has been already.
            let age = Duration::from_millis(u64::try_from(now.0 - row.ended_at.0).unwrap_or(0));
            let (notified_at, retry_at) = match &outcome {
                Err(error) if age < GIVE_UP => {
                    tracing::debug!(client = %row.client_id, %error, "cannot notify an application of a logout; trying again");
                    (None, Some(now.plus(age.max(RETRY))))
                }
                Err(error) => {
                    tracing::warn!(client = %row.client_id, %error, "an application could not be notified of a logout");
                    (Some(now), None)
                }
                Ok(()) => (Some(now), None),
            };
            let mut tx = self.db.write().await?;
            tx.set_logout_notified(row.id, notified_at, retry_at).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn notify(&self, row: &LogoutRow) -> Result<()> {
        let now = self.clock.now().seconds();
        let claims = json!({
            "iss": self.issuer,
            "aud": row.client_id.to_string(),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": generate("").expose(),
            "sub": row.user_id.to_string(),
            "sid": row.id.to_string(),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        let token = self.access.sign_claims("logout+jwt", claims).await?;
        // Where all users can create organisations, these are not trusted more than users.
        let is_trusted = row.is_of_admin || (row.is_of_organisation && self.organisations == Makers::Admins);
        post(&row.logout_url, is_trusted, &token).await
    }
}

async fn post(url: &str, may_be_private: bool, token: &str) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| Error::unavailable(format!("cannot call {url}: {error}"));
    let parsed = reqwest::Url::parse(url).map_err(|error| failed(&error))?;
    let (host, port) = (parsed.host_str().unwrap_or_default(), parsed.port_or_known_default().unwrap_or(443));
    let lookup = tokio::net::lookup_host((host.trim_matches(['[', ']']), port));
    let addresses = tokio::time::timeout(TIMEOUT, lookup).await.map_err(|error| failed(&error))?;
    let addresses: Vec<SocketAddr> = addresses.map_err(|error| failed(&error))?.collect();
    if !may_be_private && addresses.iter().any(|address| is_private(address.ip())) {
        return Err(failed(&"only applications of administrators and organisations may have private addresses"));
    }
    // The addresses that were checked, whatever another lookup would find.
    let http = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .resolve_to_addrs(host, &addresses)
        .build()
        .map_err(Error::internal)?;
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
    let request = http.post(parsed).header("content-type", "application/x-www-form-urlencoded").body(body);
    let status = request.send().await.map_err(|error| failed(&error))?.status();
    if status.is_success() { Ok(()) } else { Err(failed(&format!("it answered {status}"))) }
}

/// Returns true for addresses that are not on the public internet.
fn is_private(address: IpAddr) -> bool {
    let address = address.to_canonical();
    PRIVATE.iter().any(|network| network.parse::<IpNet>().is_ok_and(|network| network.contains(&address)))
}

/// Returns the metadata about logout (OpenID Connect Discovery).
pub fn metadata(issuer: &str) -> Value {
    json!({
        "end_session_endpoint": format!("{issuer}/oauth/logout"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_known() {
        assert!(PRIVATE.iter().all(|network| network.parse::<IpNet>().is_ok()));
        for private in ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:192.168.0.1", "0.0.0.0"] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in ["93.184.216.34", "2606:2800:220:1::1", "172.32.0.1", "::ffff:8.8.8.8"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn an_application_of_a_user_is_not_notified_at_a_private_address() {
        lfs::store::install_tls_provider();
        let error = post("http://127.0.0.1:1/logout", false, "token").await.unwrap_err();
        assert!(error.detail().contains("private addresses"), "{error}");
        let error = post("http://127.0.0.1:1/logout", true, "token").await.unwrap_err();
        assert!(!error.detail().contains("private addresses"), "{error}");
    }
}
