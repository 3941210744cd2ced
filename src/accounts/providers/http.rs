//! HTTP to external identity providers: bounded in time and bytes, over TLS, and without redirects, which could lead
//! to the server's own network.

use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};

use super::ProviderError;
use crate::config::is_safe_url;
use crate::error::{Error, Result};

/// Time for a request with its response.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum size of a response, in bytes. Documents of large providers have a few KiB, their keys up to 30 KiB.
const MAX_RESPONSE_BYTES: usize = 256 << 10;

/// Client of one provider.
pub(super) struct HttpClient(reqwest::Client);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{0} is not an https:// URL")]
    Unsafe(String),
    #[error("the response has more than {MAX_RESPONSE_BYTES} bytes")]
    TooLarge,
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    #[error(transparent)]
    Response(#[from] http::Error),
}

impl HttpClient {
    pub(super) fn new() -> Result<Self> {
        lfs::store::install_tls_provider();
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            // GitHub's API refuses requests without.
            .user_agent(concat!("rutter/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::internal(error.to_string()))?;
        Ok(Self(client))
    }

    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        // The provider's metadata names most of them.
        let url = request.uri().to_string();
        if !is_safe_url(&url) {
            return Err(FetchError::Unsafe(url));
        }
        let mut answer = self.0.execute(reqwest::Request::try_from(request)?).await?;
        let mut response = http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(response.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for HttpClient {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl From<FetchError> for ProviderError {
    fn from(error: FetchError) -> Self {
        match &error {
            // Without the URL, which may contain a code.
            FetchError::Request(cause) if cause.is_timeout() => Self::Unavailable("it did not answer in time".into()),
            FetchError::Request(_) => {
                let FetchError::Request(cause) = error else { return Self::Unavailable(String::new()) };
                Self::Unavailable(chain(&cause.without_url()))
            }
            FetchError::Unsafe(_) | FetchError::TooLarge | FetchError::Response(_) => Self::Invalid(error.to_string()),
        }
    }
}

/// Returns the message of an error with those of its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
