//! CORS rules that a bucket needs so that web pages of another origin can use it (the Fetch standard, "CORS
//! protocol").

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use md5::{Digest as _, Md5};
use quick_xml::escape::escape;
use serde_json::json;

use super::{Cloud, CloudStore, request::Call};
use crate::Error;

/// The methods that a page uses.
const METHODS: [&str; 3] = ["GET", "HEAD", "PUT"];

/// The response headers that a page reads: the `ETag` of parts, the position of ranges.
const READ: [&str; 5] = ["ETag", "Content-Length", "Content-Range", "Content-Disposition", "Date"];

/// Lifetime of a preflight response in the browser's cache, in seconds.
const AGE: u32 = 3600;

impl CloudStore {
    /// Returns the CORS rules that let pages of these origins (`https://host`) upload to the bucket and download
    /// from it, in the format of the provider's own tools: XML for S3 and Azure, JSON for Google.
    pub fn cors_rules(&self, origins: &[String]) -> Result<String, Error> {
        for origin in origins {
            check_origin(origin)?;
        }
        Ok(match self.0.cloud {
            Cloud::S3(_) => {
                let mut rules = String::from("<CORSConfiguration>\n  <CORSRule>\n");
                let lines = (origins.iter().map(|origin| ("AllowedOrigin", origin.as_str())))
                    .chain(METHODS.map(|method| ("AllowedMethod", method)))
                    .chain([("AllowedHeader", "*")])
                    .chain(READ.map(|name| ("ExposeHeader", name)));
                for (name, value) in lines {
                    let _ = writeln!(rules, "    <{name}>{}</{name}>", escape(value));
                }
                rules + &format!("    <MaxAgeSeconds>{AGE}</MaxAgeSeconds>\n  </CORSRule>\n</CORSConfiguration>\n")
            }
            Cloud::Gcs(_) => {
                // Google has a single list for the headers that a page may send and those that it may read.
                let headers: Vec<_> = READ.iter().chain(&["Content-Type", "Range"]).collect();
                let rule = json!({
                    "origin": origins, "method": METHODS, "responseHeader": headers, "maxAgeSeconds": AGE,
                });
                format!("{:#}\n", json!([rule]))
            }
            Cloud::Azure(_) => format!(
                "<Cors>\n  <CorsRule>\n    <AllowedOrigins>{}</AllowedOrigins>\n    <AllowedMethods>{}</AllowedMethods>\
                 \n    <MaxAgeInSeconds>{AGE}</MaxAgeInSeconds>\n    <ExposedHeaders>{}</ExposedHeaders>\n    \
                 <AllowedHeaders>*</AllowedHeaders>\n  </CorsRule>\n</Cors>\n",
                escape(origins.join(",")),
                METHODS.join(","),
                READ.join(","),
            ),
        })
    }

    /// Replaces the CORS rules of the bucket.
    ///
    /// # Errors
    /// [`Error::Invalid`] on Google, where the rules are part of the bucket's metadata, and on Azure, where they
    /// apply to the whole account.
    pub async fn set_cors(&self, origins: &[String]) -> Result<(), Error> {
        let rules = self.cors_rules(origins)?;
        let by_hand = |tool: &str| Err(Error::Invalid(format!("set these rules manually, as with `{tool}`")));
        match self.0.cloud {
            Cloud::S3(_) => {}
            Cloud::Gcs(_) => return by_hand("gcloud storage buckets update gs://BUCKET --cors-file=FILE"),
            Cloud::Azure(_) => return by_hand("az storage cors add --services b …"),
        }
        let digest = STANDARD.encode(Md5::digest(&rules));
        let headers = [("content-md5", digest.as_str()), ("content-type", "application/xml")];
        let call = Call { query: &[("cors", "")], headers: &headers, body: rules.into(), ..Call::new(Method::PUT, "") };
        Ok(self.0.send(call).await.map(drop)?)
    }
}

/// Checks that a text is an origin as browsers write it (RFC 6454 §6.1), or `*`.
fn check_origin(origin: &str) -> Result<(), Error> {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let right = |host: &str| {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
        !host.is_empty() && host.bytes().all(known)
    };
    if origin == "*" || host.is_some_and(right) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "`{origin}` is not an origin; use https:// and a host name in lower case, without a trailing slash"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_do() {
        for right in ["*", "https://data.example", "http://127.0.0.1:8080", "http://[::1]:8080"] {
            check_origin(right).unwrap();
        }
        for wrong in
            ["", "data.example", "https://", "https://data.example/", "https://Data.example", "https://a,b", "null"]
        {
            assert!(check_origin(wrong).is_err(), "{wrong}");
        }
    }
}
