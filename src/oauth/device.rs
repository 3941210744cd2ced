//! The device authorization grant (RFC 8628), for programs without a browser: the program shows a code, and the user
//! enters it on a page of this server.

use serde::{Deserialize, Serialize};

use super::clients::{ClientRow, has_grant, requested};
use super::consent::ChosenPath;
use super::failure::{Answer, Failure};
use super::token::{Login, Tokens};
use super::{DEVICE_CODE_GRANT, OAuth, generate};
use crate::access::app_tokens::AppScopes;
use crate::access::{Actor, SessionGrant, tokens};
use crate::clock::random;
use crate::error::{Error, Result};
use crate::types::{Millis, Secret};

/// Lifetime of both codes, in seconds.
const SECONDS: u64 = 600;
/// Minimum interval between polls, in seconds.
const INTERVAL: u64 = 5;
/// Alphabet of user codes: no vowels, so no words, and nothing that looks like something else (RFC 8628 §6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Length of a user code: with 10 minutes and counted guesses, out of reach.
const LENGTH: usize = 8;

pub(super) const DEVICE_CODE: &str = "oauth-device";
pub(super) const USER_CODE: &str = "oauth-user-code";

/// The codes of a request (RFC 8628 §3.2).
#[derive(Serialize)]
pub struct DeviceAuthorization {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

/// What the device code stands for.
#[derive(Serialize, Deserialize)]
struct Polled {
    client: String,
    /// Id of the user code.
    request: String,
    /// Time of the last poll.
    at: Millis,
}

/// What the user code stands for.
#[derive(Clone, Serialize, Deserialize)]
struct DeviceRequest {
    client: String,
    scopes: String,
    /// The program's user agent and address, to show to the user.
    agent: String,
    address: String,
    answer: Option<DeviceAnswer>,
}

#[derive(Clone, Serialize, Deserialize)]
enum DeviceAnswer {
    Refused,
    Allowed { user: String, session: String, auth_at: Millis, amr: String },
}

/// What a program on another device asks of a user.
#[derive(Debug)]
pub struct DeviceAsked {
    /// The application.
    pub client: ClientRow,
    /// The scopes.
    pub scopes: AppScopes,
    /// The user agent of the program.
    pub agent: String,
    /// The address of the program.
    pub address: String,
}

fn gone() -> Error {
    Error::not_found("this code is wrong, already used or expired; check it, or start again on the device")
}

/// Returns a user code as it is stored: users may write it in lower case, and with or without the hyphen.
fn normalized(code: &str) -> Secret {
    Secret::new(
        code.chars().filter(char::is_ascii_alphabetic).take(LENGTH + 1).collect::<String>().to_ascii_uppercase(),
    )
}

fn user_code() -> Secret {
    let mut code = String::with_capacity(LENGTH);
    while code.len() < LENGTH {
        // Bytes beyond the last multiple of 20 would make the first letters likelier.
        code.extend(
            random::<16>()
                .into_iter()
                .filter(|byte| *byte < 240)
                .map(|byte| char::from(ALPHABET[usize::from(byte % 20)])),
        );
    }
    code.truncate(LENGTH);
    Secret::new(code)
}

impl OAuth {
    /// Begins a login on a device without a browser.
    pub async fn authorize_device(
        &self,
        client: &ClientRow,
        scope: Option<&str>,
        (agent, address): (&str, &str),
    ) -> Answer<DeviceAuthorization> {
        if !has_grant(client, DEVICE_CODE_GRANT) {
            return Err(Failure::unauthorized_client());
        }
        let scopes = requested(client, scope.unwrap_or("openid"))?;
        let (device, user) = (generate("rod_"), user_code());
        let (now, request) = (self.clock.now(), self.clock.id());
        let ends = now.plus(std::time::Duration::from_secs(SECONDS));
        let asked = DeviceRequest {
            client: client.id.to_string(),
            scopes: scopes.to_string(),
            agent: agent.to_owned(),
            address: address.to_owned(),
            answer: None,
        };
        let polled = Polled { client: client.id.to_string(), request: request.to_string(), at: Millis(0) };
        let mut tx = self.db.write().await?;
        let subject = serde_json::to_string(&asked).map_err(Error::internal)?;
        tx.insert_ticket(request, USER_CODE, &tokens::hash(&user), &subject, None, now, ends).await?;
        let subject = serde_json::to_string(&polled).map_err(Error::internal)?;
        tx.insert_ticket(self.clock.id(), DEVICE_CODE, &tokens::hash(&device), &subject, None, now, ends).await?;
        tx.commit().await?;
        let (one, two) = user.expose().split_at(LENGTH / 2);
        let (user_code, page) = (format!("{one}-{two}"), format!("{}/oauth/device", self.issuer));
        Ok(DeviceAuthorization {
            device_code: device.expose().to_owned(),
            // In the fragment: it stays out of the logs of servers and proxies.
            verification_uri_complete: format!("{page}#{user_code}"),
            user_code,
            verification_uri: page,
            expires_in: SECONDS,
            interval: INTERVAL,
        })
    }

    /// Exchanges a device code for tokens, once the user has allowed it.
    pub async fn poll_device(&self, client: &ClientRow, code: &Secret, resources: &[String]) -> Answer<Tokens> {
        let (hash, now) = (tokens::hash(code), self.clock.now());
        let expired = || Failure::new("expired_token", "the device code is invalid, used or expired: start again");
        let mut tx = self.db.write().await?;
        self.check_resource(&mut tx, client, None, resources).await?;
        let row = tx.ticket(DEVICE_CODE, &hash, now).await?.ok_or_else(expired)?;
        let mut polled: Polled = serde_json::from_str(&row.subject).map_err(Error::internal)?;
        if polled.client != client.id.to_string() {
            return Err(Failure::invalid_grant());
        }
        let asked = tx.ticket_subject(polled.request.parse()?).await?.ok_or_else(expired)?;
        let asked: DeviceRequest = serde_json::from_str(&asked).map_err(Error::internal)?;
        let (user, session, auth_at, amr) = match asked.answer {
            Some(DeviceAnswer::Allowed { user, session, auth_at, amr }) => (user, session, auth_at, amr),
            Some(DeviceAnswer::Refused) => {
                tx.use_ticket(DEVICE_CODE, &hash, now).await?;
                tx.commit().await?;
                return Err(Failure::new("access_denied", "the user did not allow it"));
            }
            None => {
                // Clocks of clients are not exact.
                let is_early = now.0 - polled.at.0 < i64::try_from(INTERVAL * 1000 - 500).unwrap_or(0);
                polled.at = now;
                let subject = serde_json::to_string(&polled).map_err(Error::internal)?;
                tx.set_ticket_subject(row.id, &subject).await?;
                tx.commit().await?;
                return Err(if is_early {
                    Failure::new("slow_down", format!("wait {INTERVAL} seconds between requests"))
                } else {
                    Failure::new("authorization_pending", "the user has not answered yet")
                });
            }
        };
        let row = tx.use_ticket(DEVICE_CODE, &hash, now).await?.ok_or_else(expired)?;
        let login = Login {
            grant_type: DEVICE_CODE_GRANT,
            user: user.parse()?,
            session: Some(session.parse()?),
            scopes: &asked.scopes,
            resource: None,
            auth_at,
            amr: &amr,
        };
        let login = self.begin_login(&mut tx, row.id, client, &login).await?;
        tx.commit().await?;
        self.issue(client, &login, None).await
    }

    /// Returns what the program with this user code asks.
    ///
    /// # Errors
    /// Not found for a code that is unknown, used or expired, with the same message for all.
    pub async fn device_asked(&self, code: &str) -> Result<DeviceAsked> {
        let row = self.db.read().await?.ticket(USER_CODE, &tokens::hash(&normalized(code)), self.clock.now()).await?;
        let request: DeviceRequest = serde_json::from_str(&row.ok_or_else(gone)?.subject).map_err(Error::internal)?;
        let client = self.enabled_client(&request.client).await?.ok_or_else(gone)?;
        let DeviceRequest { scopes, agent, address, .. } = request;
        let scopes = scopes.parse()?;
        // It may have changed since.
        if !has_grant(&client, DEVICE_CODE_GRANT) || !client.scopes.parse::<AppScopes>()?.has(scopes) {
            return Err(gone());
        }
        Ok(DeviceAsked { client, scopes, agent, address })
    }

    /// Answers the program with this user code: `paths` allow it, with the files that it gets if it asks for some; `None`
    /// refuses.
    ///
    /// # Errors
    /// As for [`OAuth::device_asked`] and [`OAuth::allow`].
    pub async fn answer_device(
        &self,
        actor: &Actor,
        seat: &SessionGrant,
        code: &str,
        paths: Option<&[ChosenPath]>,
    ) -> Result<()> {
        let asked = self.device_asked(code).await?;
        let given = match paths {
            Some(paths) => Some(self.given(actor, asked.scopes, paths).await?),
            None => None,
        };
        let mut tx = self.db.write().await?;
        let row =
            tx.use_ticket(USER_CODE, &tokens::hash(&normalized(code)), self.clock.now()).await?.ok_or_else(gone)?;
        let mut request: DeviceRequest = serde_json::from_str(&row.subject).map_err(Error::internal)?;
        request.answer = Some(match given {
            Some(given) => {
                self.put_scopes(&mut tx, seat.user(), asked.client.id, asked.scopes, &given).await?;
                let (auth_at, amr) = tx.session_began(seat.user(), seat.session()).await?.ok_or_else(gone)?;
                let (user, session) = (seat.user().to_string(), seat.session().to_string());
                DeviceAnswer::Allowed { user, session, auth_at, amr }
            }
            None => DeviceAnswer::Refused,
        });
        tx.set_ticket_subject(row.id, &serde_json::to_string(&request).map_err(Error::internal)?).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_codes_can_be_typed() {
        for _ in 0..100 {
            let code = user_code();
            assert!(
                code.expose().len() == LENGTH && code.expose().bytes().all(|b| ALPHABET.contains(&b)),
                "{}",
                code.expose()
            );
            let (one, two) = code.expose().split_at(4);
            for typed in [format!("{one}-{two}"), format!(" {} {two}", one.to_lowercase())] {
                assert_eq!(normalized(&typed).expose(), code.expose());
            }
        }
        assert_ne!(normalized("BCDFBCDFB").expose(), "BCDFBCDF", "too long is not the same code");
    }
}
