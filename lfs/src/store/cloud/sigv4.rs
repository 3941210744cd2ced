//! Presigned URLs for S3-compatible stores (AWS Signature Version 4, "Authenticating Requests: Using Query
//! Parameters") and for Google Cloud Storage ("V4 signing process"), which uses other names and an RSA key.

use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use sha2::{Digest, Sha256};

/// Maximum lifetime of a presigned URL in seconds: seven days.
pub(super) const MAX_LIFETIME_SECONDS: u32 = 7 * 24 * 3600;

/// The credentials of the signer.
pub(super) struct Credential<'a> {
    pub(super) key_id: &'a str,
    pub(super) secret: Secret<'a>,
    /// Session token of temporary credentials.
    pub(super) token: Option<&'a str>,
}

/// The signing key. It determines the variant of the protocol.
pub(super) enum Secret<'a> {
    /// Secret access key, for Amazon.
    Hmac(&'a str),
    /// RSA key of a service account, for Google.
    Rsa(&'a RsaKeyPair),
}

/// The names in which the variants of the protocol differ.
struct Dialect {
    algorithm: &'static str,
    /// Prefix of the query parameters.
    prefix: &'static str,
    service: &'static str,
    end: &'static str,
}

impl Secret<'_> {
    fn words(&self) -> &'static Dialect {
        match self {
            Self::Hmac(_) => {
                &Dialect { algorithm: "AWS4-HMAC-SHA256", prefix: "X-Amz-", service: "s3", end: "aws4_request" }
            }
            Self::Rsa(_) => {
                &Dialect { algorithm: "GOOG4-RSA-SHA256", prefix: "X-Goog-", service: "storage", end: "goog4_request" }
            }
        }
    }
}

/// The request to presign.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// Path with a leading slash, not percent-encoded.
    pub(super) path: &'a str,
    /// Additional query parameters, not percent-encoded.
    pub(super) query: &'a [(&'a str, &'a str)],
    /// Headers that the client must send unchanged: lower-case names, trimmed values.
    pub(super) headers: &'a [(&'a str, &'a str)],
}

/// Presigns requests for one region and one origin. Keys are derived once a day.
pub(super) struct Presigner {
    region: String,
    /// `https://host:port` without a trailing slash.
    origin: String,
    host: String,
    day: Mutex<Option<DerivedKey>>,
}

/// A derived signing key and its inputs.
struct DerivedKey {
    secret: String,
    date: String,
    key: [u8; 32],
}

/// A time in the two formats that signatures need.
pub(super) struct Moment {
    /// Date, as in `20261121`.
    date: String,
    /// Date and time, as in `20261121T235959Z`.
    time: String,
}

impl Moment {
    /// Creates a time from Unix seconds.
    pub(super) fn new(seconds: u64) -> Self {
        let (days, of_day) = (seconds / 86_400, seconds % 86_400);
        // Howard Hinnant's `civil_from_days`, for days since the epoch.
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let of_era = shifted % 146_097;
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let date = format!("{year:04}{month:02}{day:02}");
        let time = format!("{date}T{:02}{:02}{:02}Z", of_day / 3600, of_day % 3600 / 60, of_day % 60);
        Self { date, time }
    }

    /// Formats the time as in `2026-11-21T23:59:59Z` (RFC 3339).
    pub(super) fn rfc3339(&self) -> String {
        let (date, time) = (&self.date, &self.time[9..]);
        format!("{}-{}-{}T{}:{}:{}", &date[..4], &date[4..6], &date[6..], &time[..2], &time[2..4], &time[4..])
    }
}

impl Presigner {
    /// Returns the origin of its URLs.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// `origin` is scheme and authority, without a default port, as clients send it.
    pub(super) fn new(region: String, origin: String) -> Self {
        let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host).to_owned();
        Self { region, origin, host, day: Mutex::new(None) }
    }

    /// Returns the presigned URL, valid for `lifetime` seconds from `now`.
    pub(super) fn presign(
        &self,
        credential: &Credential<'_>,
        request: &Request<'_>,
        now: &Moment,
        lifetime: u32,
    ) -> String {
        let Dialect { algorithm, prefix, service, end } = credential.secret.words();
        let scope = format!("{}/{}/{service}/{end}", now.date, self.region);
        let mut headers: Vec<(&str, &str)> = request.headers.to_vec();
        headers.push(("host", &self.host));
        headers.sort_unstable();
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");

        let key_and_scope = format!("{}/{scope}", credential.key_id);
        let lifetime = lifetime.min(MAX_LIFETIME_SECONDS).to_string();
        let ours = [
            ("Algorithm", *algorithm),
            ("Credential", &key_and_scope),
            ("Date", &now.time),
            ("Expires", &lifetime),
            ("SignedHeaders", &names),
        ];
        let ours = ours.into_iter().chain(credential.token.map(|token| ("Security-Token", token)));
        let mut pairs: Vec<String> = (request.query.iter())
            .map(|(name, value)| format!("{}={}", encoded(name, false), encoded(value, false)))
            .chain(ours.map(|(name, value)| format!("{prefix}{name}={}", encoded(value, false))))
            .collect();
        pairs.sort_unstable();
        let query = pairs.join("&");

        let path = encoded(request.path, true);
        let mut canonical = Sha256::new();
        canonical.update(format!("{}\n{path}\n{query}\n", request.method));
        for (name, value) in &headers {
            canonical.update(format!("{name}:{value}\n"));
        }
        canonical.update(format!("\n{names}\nUNSIGNED-PAYLOAD"));
        let text = format!("{algorithm}\n{}\n{scope}\n{}", now.time, hex::encode(canonical.finalize()));
        let signature = match credential.secret {
            Secret::Hmac(secret) => hex::encode(hmac(&self.key(secret, &now.date), text.as_bytes())),
            Secret::Rsa(key) => hex::encode(rsa(key, text.as_bytes())),
        };
        format!("{}{path}?{query}&{prefix}Signature={signature}", self.origin)
    }

    /// Returns Amazon's derived signing key of the day.
    fn key(&self, secret: &str, date: &str) -> [u8; 32] {
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        match &*day {
            Some(day) if day.date == date && day.secret == secret => day.key,
            _ => {
                let first = hmac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
                let key = [self.region.as_str(), "s3", "aws4_request"]
                    .iter()
                    .fold(first, |key, part| hmac(&key, part.as_bytes()));
                *day = Some(DerivedKey { secret: secret.to_owned(), date: date.to_owned(), key });
                key
            }
        }
    }
}

fn rsa(key: &RsaKeyPair, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
        .expect("PKCS #1 v1.5 signing does not fail with a buffer of the right length");
    signature
}

pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// All but unreserved characters (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Percent-encodes everything but unreserved characters; slashes too, unless it is a path.
pub(super) fn encoded(text: &str, path: bool) -> String {
    utf8_percent_encode(text, if path { RESERVED_IN_PATH } else { RESERVED }).to_string()
}

#[cfg(test)]
mod tests;
