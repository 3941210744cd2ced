//! URLs that carry their permission (AWS Signature Version 4, "Authenticating Requests: Using Query
//! Parameters"), for any S3-compatible store.

use std::{
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The longest life that S3 accepts, in seconds: seven days.
pub(super) const LONGEST: u32 = 7 * 24 * 3600;

/// Who signs.
pub(super) struct Credential<'a> {
    pub(super) key_id: &'a str,
    pub(super) secret: &'a str,
    /// Of temporary credentials.
    pub(super) token: Option<&'a str>,
}

/// What is permitted.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// With a slash in front; not yet percent-encoded.
    pub(super) path: &'a str,
    /// Parameters to sign besides our own; not yet percent-encoded.
    pub(super) query: &'a [(&'a str, &'a str)],
    /// Headers that the client must send as they are: lower-case names, trimmed values.
    pub(super) headers: &'a [(&'a str, &'a str)],
}

/// Signs for one region and one address. Keys are derived once a day.
pub(super) struct Presigner {
    region: String,
    /// `https://host:port` without a slash at its end.
    origin: String,
    host: String,
    day: Mutex<Option<Day>>,
}

/// A derived key and what it was derived from.
struct Day {
    secret: String,
    date: String,
    key: [u8; 32],
}

/// A moment in the two forms that signatures need.
pub(super) struct Moment {
    date: String,
    time: String,
}

impl Moment {
    /// `seconds` since the Unix epoch.
    pub(super) fn new(seconds: u64) -> Self {
        let (days, of_day) = (seconds / 86_400, seconds % 86_400);
        // Howard Hinnant's civil-from-days, for days since the epoch.
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
}

impl Presigner {
    /// `origin` is scheme and authority; a default port must be left out of it, as clients do.
    pub(super) fn new(region: String, origin: String) -> Self {
        let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host).to_owned();
        Self { region, origin, host, day: Mutex::new(None) }
    }

    /// The URL, good for `lifetime` seconds from `now`.
    pub(super) fn presign(
        &self,
        credential: &Credential<'_>,
        request: &Request<'_>,
        now: &Moment,
        lifetime: u32,
    ) -> String {
        let scope = format!("{}/{}/s3/aws4_request", now.date, self.region);
        let mut headers: Vec<(&str, &str)> = request.headers.to_vec();
        headers.push(("host", &self.host));
        headers.sort_unstable();
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");

        let key_and_scope = format!("{}/{scope}", credential.key_id);
        let lifetime = lifetime.min(LONGEST).to_string();
        let mut query: Vec<(&str, &str)> = request.query.to_vec();
        query.extend([
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", &key_and_scope),
            ("X-Amz-Date", &now.time),
            ("X-Amz-Expires", &lifetime),
            ("X-Amz-SignedHeaders", &names),
        ]);
        query.extend(credential.token.map(|token| ("X-Amz-Security-Token", token)));
        let mut pairs: Vec<String> = query
            .into_iter()
            .map(|(name, value)| format!("{}={}", encoded(name, false), encoded(value, false)))
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
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", now.time, hex::encode(canonical.finalize()));
        let signature = hex::encode(hmac(&self.key(credential, &now.date), text.as_bytes()));
        format!("{}{path}?{query}&X-Amz-Signature={signature}", self.origin)
    }

    fn key(&self, credential: &Credential<'_>, date: &str) -> [u8; 32] {
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        match &*day {
            Some(day) if day.date == date && day.secret == credential.secret => day.key,
            _ => {
                let key = [date, &self.region, "s3", "aws4_request"]
                    .iter()
                    .fold(None, |key: Option<[u8; 32]>, part| {
                        Some(match key {
                            None => hmac(format!("AWS4{}", credential.secret).as_bytes(), part.as_bytes()),
                            Some(key) => hmac(&key, part.as_bytes()),
                        })
                    })
                    .expect("four parts");
                *day = Some(Day { secret: credential.secret.to_owned(), date: date.to_owned(), key });
                key
            }
        }
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Everything but unreserved characters (RFC 3986 §2.3) as `%XX`; slashes too, unless it is a path.
fn encoded(text: &str, path: bool) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (path && byte == b'/') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;
    use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};

    use super::*;

    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    #[test]
    fn the_example_of_the_documentation() {
        let presigner = Presigner::new("us-east-1".into(), "https://examplebucket.s3.amazonaws.com".into());
        let credential = Credential { key_id: KEY, secret: SECRET, token: None };
        let request = Request { method: "GET", path: "/test.txt", query: &[], headers: &[] };
        // 24 May 2013, midnight.
        let url = presigner.presign(&credential, &request, &Moment::new(1_369_353_600), 86_400);
        assert_eq!(
            url,
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    proptest! {
        #[test]
        fn another_implementation_signs_the_same(
            method in "GET|PUT",
            key in "[a-zA-Z0-9/ü+ =&~_-]{1,40}",
            value in "[ -~]{0,40}",
            token in proptest::option::of("[a-zA-Z0-9+/=]{1,40}"),
            checksum in "[a-zA-Z0-9+/=]{1,40}",
            seconds in 0_u64..4_000_000_000,
            lifetime in 1_u32..LONGEST,
        ) {
            prop_assume!(!key.split('/').any(|part| part.is_empty()));
            let endpoint: url::Url = "http://127.0.0.1:3900".parse().unwrap();
            let bucket = Bucket::new(endpoint, UrlStyle::Path, "data", "garage").unwrap();
            let credentials = match &token {
                Some(token) => Credentials::new_with_token(KEY, SECRET, token),
                None => Credentials::new(KEY, SECRET),
            };
            let now = time(seconds);
            let expires = Duration::from_secs(u64::from(lifetime));
            let theirs = match method.as_str() {
                "GET" => {
                    let mut action = bucket.get_object(Some(&credentials), &key);
                    action.query_mut().insert("response-content-disposition", value.clone());
                    action.sign_with_time(expires, &now)
                }
                _ => {
                    let mut action = bucket.put_object(Some(&credentials), &key);
                    action.headers_mut().insert("x-amz-checksum-sha256", checksum.clone());
                    action.sign_with_time(expires, &now)
                }
            };
            let presigner = Presigner::new("garage".into(), "http://127.0.0.1:3900".into());
            let credential = Credential { key_id: KEY, secret: SECRET, token: token.as_deref() };
            let (query, headers): (&[_], &[_]) = match method.as_str() {
                "GET" => (&[("response-content-disposition", value.as_str())], &[]),
                _ => (&[], &[("x-amz-checksum-sha256", checksum.as_str())]),
            };
            let path = format!("/data/{key}");
            let request = Request { method: &method, path: &path, query, headers };
            let ours = presigner.presign(&credential, &request, &Moment::new(seconds), lifetime);
            prop_assert_eq!(signature(&ours), signature(theirs.as_str()), "{} {}", ours, theirs);
        }
    }

    fn time(seconds: u64) -> jiff::Timestamp {
        (UNIX_EPOCH + Duration::from_secs(seconds)).try_into().unwrap()
    }

    fn signature(url: &str) -> &str {
        let (_, rest) = url.split_once("X-Amz-Signature=").unwrap();
        rest.split('&').next().unwrap()
    }
}
