//! Amazon S3 and S3-compatible stores.

use std::sync::Arc;

use object_store::{
    aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential, AwsCredentialProvider},
    client::HttpRequest,
};

use super::{
    Cloud, CloudStore, Inner,
    failure::Failure,
    open::{self, Address},
    sigv4::{Credential, Presigner, Secret, V4},
};
use crate::Error;

/// A bucket of Amazon S3 or of an S3-compatible store.
pub struct S3Bucket {
    /// Name of the bucket.
    pub bucket: String,
    /// Key prefix in the bucket, without leading or trailing slashes; may be empty.
    pub prefix: String,
    /// Region, as in `eu-central-1`.
    pub region: String,
    /// `https://host[:port]` of a store other than Amazon's.
    pub endpoint: Option<String>,
    /// The endpoint for clients, if it differs.
    pub public_endpoint: Option<String>,
    /// True for virtual-hosted-style URLs, with the bucket in the host name instead of the path.
    pub virtual_host: bool,
    /// True if the store rejects uploads without the signed checksum and uploads that do not match it.
    /// [`check`](super::check::check) tests this.
    pub trust_checksums: bool,
    /// Credentials and other settings that AWS tools read from the environment: `AWS_*`.
    pub environment: Vec<(String, String)>,
}

pub(super) struct Access {
    credentials: AwsCredentialProvider,
    region: String,
    presigner: Presigner,
    pub(super) bucket: String,
    /// Prefix of each key in a signed path: a slash, the bucket unless it is in the host name, and the prefix.
    signed_root: String,
    pub(super) trust_checksums: bool,
}

impl CloudStore {
    /// Opens an S3 bucket. No request is sent yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for invalid options.
    pub fn s3(options: S3Bucket) -> Result<Self, Error> {
        let S3Bucket { bucket, prefix, region, endpoint, public_endpoint, virtual_host, .. } = options;
        open::check_names(&bucket, &prefix)?;
        let mut builder = AmazonS3Builder::new();
        for (name, value) in options.environment {
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let address = |endpoint: &str| Address::parse(endpoint)?.with_bucket(&bucket, virtual_host);
        let private = address(&endpoint)?;
        let public = address(public_endpoint.as_deref().unwrap_or(&endpoint))?;

        let s3 = builder
            .with_bucket_name(&bucket)
            .with_region(&region)
            .with_virtual_hosted_style_request(virtual_host)
            // The whole URL for virtual-hosted style, otherwise the URL without the bucket.
            .with_endpoint(if virtual_host { private.to_string() } else { Address::parse(&endpoint)?.to_string() })
            .with_allow_http(private.is_plain())
            .with_retry(open::retry())
            .with_client_options(open::client(&private))
            .build()
            .map_err(open::invalid)?;

        let folder = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let access = Access {
            credentials: Arc::clone(s3.credentials()),
            presigner: Presigner::new(region.clone(), public.origin),
            region,
            signed_root: format!("{}/{folder}", public.path),
            trust_checksums: options.trust_checksums,
            bucket,
        };
        let name = format!("s3://{}/{prefix}", access.bucket);
        Inner::open(name, Arc::new(s3), Cloud::S3(Box::new(access)), &private, prefix)
    }
}

impl Access {
    /// Returns the origin of presigned URLs.
    pub(super) fn origin(&self) -> &str {
        self.presigner.origin()
    }

    pub(super) async fn credential(&self) -> Result<Arc<AwsCredential>, Failure> {
        Ok(self.credentials.get_credential().await?)
    }

    pub(super) async fn authorize(&self, request: &mut HttpRequest) -> Result<(), Failure> {
        let credential = self.credential().await?;
        // The payload need not be signed: parts are verified by the hash of the whole object, and malformed XML
        // is rejected.
        AwsAuthorizer::new(&credential, "s3", &self.region).with_sign_payload(false).try_authorize(request, None)?;
        Ok(())
    }

    pub(super) fn signs<'a>(&'a self, credential: &'a AwsCredential) -> V4<'a> {
        let credential = Credential {
            key_id: &credential.key_id,
            secret: Secret::Hmac(&credential.secret_key),
            token: credential.token.as_deref(),
        };
        V4 { presigner: &self.presigner, credential, root: &self.signed_root }
    }
}
