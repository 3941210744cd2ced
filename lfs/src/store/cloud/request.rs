//! Requests that `object_store` has no call for: multipart uploads, copies of large objects, CORS.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use object_store::client::{HttpClient, HttpRequest};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

use super::{
    Cloud, Inner,
    failure::{Failure, causes},
    sigv4::encoded,
};

/// Timeout of a request that transfers few bytes.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);

/// Timeout of a request during which the store does work. Work that it has started may complete later.
pub(super) const LONG_TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum number of attempts, including the first.
const TRIES: u32 = 4;

/// A request to the bucket.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// Path in the bucket, including the prefix; empty for the bucket itself.
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: Bytes,
    pub(super) max_duration: Duration,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, query: &[], headers: &[], body: Bytes::new(), max_duration: REQUEST_TIMEOUT }
    }
}

/// A response of the bucket.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn xml<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        // Azure's responses start with a byte order mark.
        quick_xml::de::from_str(self.body.trim_start_matches('\u{feff}'))
            .map_err(|error| Failure::silence(format!("cannot parse the store's response: {error}")))
    }
}

impl Inner {
    /// Sends the request, and retries transient failures until the timeout of the call is over. A request without
    /// any response is not retried.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Answer, Failure> {
        let (begin, mut tries) = (Instant::now(), 0);
        loop {
            tries += 1;
            let left = call.max_duration.saturating_sub(begin.elapsed());
            match self.send_once(&call, left).await {
                Err(failure) if failure.passes() && tries < TRIES && begin.elapsed() < call.max_duration => {
                    tracing::debug!(%failure, tries, "retrying a bucket request");
                    sleep(Duration::from_millis(50 << (2 * tries))).await;
                }
                end => return end,
            }
        }
    }

    async fn send_once(&self, call: &Call<'_>, max_duration: Duration) -> Result<Answer, Failure> {
        let request = self.request(call).await?;
        let (status, headers, body) = exchange(&self.http, request, max_duration).await?;
        let body = String::from_utf8_lossy(&body).into_owned();
        // A slow request is answered before it fails: an error may have the status 200.
        if !status.is_success() || body.contains("<Error>") {
            let status = if status.is_success() { StatusCode::INTERNAL_SERVER_ERROR } else { status };
            return Err(Failure::answered(status.as_u16(), &body));
        }
        Ok(Answer { headers, body })
    }

    async fn request(&self, call: &Call<'_>) -> Result<HttpRequest, Failure> {
        let url = target(&self.base, call.path, call.query);
        let mut request = plain(call.method.clone(), &url, call.headers, call.body.clone())?;
        match &self.cloud {
            Cloud::S3(s3) => s3.authorize(&mut request).await?,
            Cloud::Azure(azure) => azure.authorize(&mut request)?,
            Cloud::Gcs(gcs) => gcs.authorize(&mut request).await?,
        }
        Ok(request)
    }
}

/// Builds a request without authentication.
pub(super) fn plain(
    method: Method,
    url: &str,
    headers: &[(&'static str, impl AsRef<str>)],
    body: Bytes,
) -> Result<HttpRequest, Failure> {
    let invalid = |error: http::Error| Failure::silence(format!("invalid request: {error}"));
    let length = (method == Method::PUT || method == Method::POST).then_some(body.len());
    let mut request = http::Request::builder().method(method).uri(url).body(body.into()).map_err(invalid)?;
    for (name, value) in headers {
        let value = HeaderValue::from_str(value.as_ref()).map_err(|error| invalid(error.into()))?;
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    if let Some(length) = length {
        request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(request)
}

/// Sends one request and reads the whole response.
pub(super) async fn exchange(
    http: &HttpClient,
    request: HttpRequest,
    max_duration: Duration,
) -> Result<(StatusCode, HeaderMap, Bytes), Failure> {
    let exchange = async {
        let (head, body) = http.execute(request).await?.into_parts();
        Ok((head.status, head.headers, body.bytes().await?))
    };
    match timeout(max_duration, exchange).await {
        Ok(end) => end.map_err(|error: object_store::client::HttpError| Failure::silence(causes(&error))),
        Err(_) => Err(Failure::silence(format!("timed out after {} seconds", max_duration.as_secs()))),
    }
}

/// Applies the timeout to a short request of `object_store`.
pub(super) async fn in_time<T>(
    answer: impl Future<Output = Result<T, object_store::Error>>,
) -> Result<T, object_store::Error> {
    timeout(REQUEST_TIMEOUT, answer).await.unwrap_or_else(|_| {
        let source = format!("timed out after {} seconds", REQUEST_TIMEOUT.as_secs()).into();
        Err(object_store::Error::Generic { store: "the bucket", source })
    })
}

/// Returns the URL of a path in the bucket.
pub(super) fn target(base: &str, path: &str, query: &[(&str, &str)]) -> String {
    let mut url = base.to_owned();
    if !path.is_empty() {
        url.push('/');
        url.extend(encoded(path, true));
    }
    for (index, (name, value)) in query.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.extend(encoded(name, false));
        url.push('=');
        url.extend(encoded(value, false));
    }
    url
}

#[cfg(test)]
mod tests;
