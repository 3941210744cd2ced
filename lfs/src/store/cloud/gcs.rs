//! Google Cloud Storage, authenticated with the key of a service account.

use std::{fs, sync::Arc};

use http::{HeaderValue, header};
use object_store::{
    client::HttpRequest,
    gcp::{GcpCredentialProvider, GoogleCloudStorageBuilder},
};
use ring::signature::RsaKeyPair;
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use serde::Deserialize;

use super::{
    Cloud, CloudStore, Inner,
    failure::Failure,
    open::{self, Address},
    sigv4::{Credential, Presigner, Secret, V4},
};
use crate::Error;

const AMAZON_LIKE: &str = "https://storage.googleapis.com";

/// A bucket of Google Cloud Storage. Each of its signatures uses RSA and takes up to a millisecond, a hundred
/// times as long as with the other providers.
pub struct GcsBucket {
    /// Name of the bucket.
    pub bucket: String,
    /// Key prefix in the bucket, without leading or trailing slashes; may be empty.
    pub prefix: String,
    /// `https://host[:port]` of a store other than Google's.
    pub endpoint: Option<String>,
    /// The endpoint for clients, if it differs.
    pub public_endpoint: Option<String>,
    /// `GOOGLE_APPLICATION_CREDENTIALS` or `GOOGLE_SERVICE_ACCOUNT` with the path of a service account's key
    /// (JSON), or `GOOGLE_SERVICE_ACCOUNT_KEY` with its text.
    pub environment: Vec<(String, String)>,
}

pub(super) struct Access {
    credentials: GcpCredentialProvider,
    presigner: Presigner,
    signed_root: String,
    account: String,
    key: RsaKeyPair,
}

/// The relevant fields of the key file that Google's console creates.
#[derive(Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key: String,
}

impl CloudStore {
    /// Opens a bucket of Google Cloud Storage. No request is sent yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for invalid options, and without the key of a service account, which URLs are signed
    /// with.
    pub fn gcs(options: GcsBucket) -> Result<Self, Error> {
        let GcsBucket { bucket, prefix, endpoint, public_endpoint, environment } = options;
        open::check_names(&bucket, &prefix)?;
        let text = service_account(&environment)?;
        let not_understood = |reason: String| Error::Invalid(format!("invalid service account key: {reason}"));
        let account: ServiceAccount = serde_json::from_str(&text).map_err(|error| not_understood(error.to_string()))?;
        let key = private_key(&account.private_key).map_err(|reason| not_understood(reason.into()))?;

        let private = Address::parse(endpoint.as_deref().unwrap_or(AMAZON_LIKE))?;
        let public = public_endpoint.as_deref().map(Address::parse).transpose()?.unwrap_or_else(|| private.clone());
        let gcs = GoogleCloudStorageBuilder::new()
            .with_service_account_key(text)
            .with_bucket_name(&bucket)
            .with_base_url(&private.to_string())
            .with_retry(open::retry())
            .with_client_options(open::client(&private))
            .build()
            .map_err(open::invalid)?;

        let folder = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let (private, public) = (private.with_bucket(&bucket, false)?, public.with_bucket(&bucket, false)?);
        let access = Access {
            credentials: Arc::clone(gcs.credentials()),
            presigner: Presigner::new("auto".into(), public.origin),
            signed_root: format!("{}/{folder}", public.path),
            account: account.client_email,
            key,
        };
        Inner::open(format!("gs://{bucket}/{prefix}"), Arc::new(gcs), Cloud::Gcs(Box::new(access)), &private, prefix)
    }
}

impl Access {
    /// Returns the origin of presigned URLs.
    pub(super) fn origin(&self) -> &str {
        self.presigner.origin()
    }

    pub(super) async fn authorize(&self, request: &mut HttpRequest) -> Result<(), Failure> {
        let bearer = &self.credentials.get_credential().await?.bearer;
        // Emulators have no token.
        if !bearer.is_empty() {
            let mut value = HeaderValue::from_str(&format!("Bearer {bearer}"))
                .map_err(|_| Failure::silence("Google returned an invalid token"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        Ok(())
    }

    pub(super) fn signs(&self) -> V4<'_> {
        let credential = Credential { key_id: &self.account, secret: Secret::Rsa(&self.key), token: None };
        V4 { presigner: &self.presigner, credential, root: &self.signed_root }
    }
}

/// Returns the key of the service account as text.
fn service_account(environment: &[(String, String)]) -> Result<String, Error> {
    if let Some(text) = open::value(environment, &["GOOGLE_SERVICE_ACCOUNT_KEY"]) {
        return Ok(text.to_owned());
    }
    let names = ["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"];
    let path = open::value(environment, &names).ok_or_else(|| {
        Error::Invalid(
            "Google Cloud Storage needs the key of a service account: set GOOGLE_APPLICATION_CREDENTIALS to the path \
             of its JSON file"
                .into(),
        )
    })?;
    fs::read_to_string(path).map_err(|error| Error::Invalid(format!("cannot read `{path}`: {error}")))
}

fn private_key(pem: &str) -> Result<RsaKeyPair, &'static str> {
    const NOT_RSA: &str = "its private key is not an RSA key";
    let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
        Ok(PrivateKeyDer::Pkcs8(key)) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        Ok(PrivateKeyDer::Pkcs1(key)) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        Ok(_) => return Err(NOT_RSA),
        Err(_) => return Err("its private key is not PEM"),
    };
    key.map_err(|_| NOT_RSA)
}
