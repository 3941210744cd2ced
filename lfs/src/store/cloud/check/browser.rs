//! CORS check: whether web pages of another origin can use the bucket.

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::{BucketProbe, answered};

impl BucketProbe<'_> {
    /// Sends the preflight request of an upload as browsers do, and checks a download.
    pub(super) async fn browser(&self, origin: &str) -> Result<String, String> {
        let signer = self.signer().await?;
        let upload = signer.upload(&self.uploaded, &self.oid).unwrap_or_else(|| signer.stage(&self.uploaded));
        let mut names: Vec<_> = upload.headers.iter().map(|(name, _)| *name).chain(["content-type"]).collect();
        names.sort_unstable();
        let asked = [
            ("origin", origin.to_owned()),
            ("access-control-request-method", "PUT".to_owned()),
            ("access-control-request-headers", names.join(",")),
        ];
        let (status, headers, body) = self.ask(Method::OPTIONS, &upload.href, &asked, Bytes::new()).await?;
        let rules = format!("set the bucket's CORS rules for {origin}");
        if !status.is_success() {
            return Err(format!(
                "pages of {origin} cannot upload: the store answers the preflight request with {}; {rules}",
                answered(status, &body)
            ));
        }
        permits(&headers, origin, &names).map_err(|reason| format!("{reason}; {rules}"))?;

        let download = signer.download(&self.staged, None);
        let (_, headers, _) =
            self.ask(Method::GET, &download.href, &[("origin", origin.to_owned())], Bytes::new()).await?;
        if !names_origin(&headers, origin) {
            return Err(format!("pages of {origin} cannot read downloads; {rules}"));
        }
        if !lists(&headers, "access-control-expose-headers", "etag") {
            return Err(format!(
                "pages of {origin} cannot read the ETag of a part, which some clients need to complete an upload; \
                 {rules}"
            ));
        }
        Ok(format!("pages of {origin} can upload and download"))
    }
}

/// Checks that the response to a preflight request permits a `PUT` with these headers.
fn permits(headers: &HeaderMap, origin: &str, names: &[&str]) -> Result<(), String> {
    if !names_origin(headers, origin) {
        return Err(format!("pages of {origin} cannot upload: the store does not allow that origin"));
    }
    if !lists(headers, "access-control-allow-methods", "put") {
        return Err(format!("pages of {origin} cannot upload: the store does not allow PUT"));
    }
    match names.iter().find(|name| !lists(headers, "access-control-allow-headers", name)) {
        Some(name) => Err(format!("pages of {origin} cannot upload: the store does not allow the header {name}")),
        None => Ok(()),
    }
}

fn names_origin(headers: &HeaderMap, origin: &str) -> bool {
    headers.get("access-control-allow-origin").is_some_and(|value| value == "*" || value == origin)
}

/// Returns true if a list in a header contains this word, or is `*`.
fn lists(headers: &HeaderMap, header: &str, word: &str) -> bool {
    headers
        .get_all(header)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|found| found == "*" || found.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn preflights_are_read_as_browsers_do() {
        const ORIGIN: &str = "https://data.example";
        let names = ["content-type", "x-amz-checksum-sha256"];
        let whole = [
            ("access-control-allow-origin", ORIGIN),
            ("access-control-allow-methods", "GET, PUT"),
            ("access-control-allow-headers", "Content-Type, X-Amz-Checksum-Sha256"),
        ];
        permits(&headers(&whole), ORIGIN, &names).unwrap();
        for missing in 0..whole.len() {
            let mut lines = whole.to_vec();
            lines.remove(missing);
            permits(&headers(&lines), ORIGIN, &names).unwrap_err();
        }
        let mut lines = whole;
        lines[2].1 = "content-type";
        assert!(permits(&headers(&lines), ORIGIN, &names).unwrap_err().contains("x-amz-checksum-sha256"));
        permits(&headers(&[(whole[0].0, "*"), (whole[1].0, "PUT"), (whole[2].0, "*")]), ORIGIN, &names).unwrap();
        lines = whole;
        lines[0].1 = "https://other.example";
        permits(&headers(&lines), ORIGIN, &names).unwrap_err();
    }
}
