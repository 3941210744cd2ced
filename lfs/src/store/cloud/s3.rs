//! Amazon S3 and what speaks its protocol.

use std::sync::Arc;

use object_store::{
    aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential, AwsCredentialProvider},
    client::HttpRequest,
};

use super::{
    Cloud, CloudStore, Inner,
    failure::Failure,
    open::{self, Address},
    signer::V4,
    sigv4::{Credential, Presigner, Secret},
};
use crate::Error;

/// A bucket of Amazon S3, or of anything that speaks its protocol.
pub struct S3Bucket {
    /// Its name.
    pub bucket: String,
    /// Folder of the keys in the bucket, without slashes at its ends; may be empty.
    pub prefix: String,
    /// As in `eu-central-1`.
    pub region: String,
    /// `https://host[:port]` of a store that is not Amazon's.
    pub endpoint: Option<String>,
    /// The same store as clients reach it, where that differs.
    pub public_endpoint: Option<String>,
    /// Whether the bucket is part of the host name rather than of the path.
    pub virtual_host: bool,
    /// Whether the store refuses an upload without the checksum that was signed, and bytes that do not
    /// have it. [`check`](super::check::check) finds out.
    pub trust_checksums: bool,
    /// Credentials and whatever else the cloud's own tools read from the environment: `AWS_*`.
    pub environment: Vec<(String, String)>,
}

pub(super) struct Access {
    credentials: AwsCredentialProvider,
    region: String,
    presigner: Presigner,
    pub(super) bucket: String,
    /// What stands before each key in a signed path: a slash, the bucket where it is not in the host
    /// name, the prefix.
    signed_root: String,
    pub(super) trust_checksums: bool,
}

impl CloudStore {
    /// Opens a bucket of S3. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for options that cannot be.
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
            // Of a virtual host, all of it; else without the bucket.
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
    /// Where signed URLs lead.
    pub(super) fn origin(&self) -> &str {
        self.presigner.origin()
    }

    pub(super) async fn credential(&self) -> Result<Arc<AwsCredential>, Failure> {
        Ok(self.credentials.get_credential().await?)
    }

    pub(super) async fn authorize(&self, request: &mut HttpRequest) -> Result<(), Failure> {
        let credential = self.credential().await?;
        // Whatever is sent is proven otherwise: parts by the hash of the whole, XML by being understood.
        AwsAuthorizer::new(&credential, "s3", &self.region).with_sign_payload(false).authorize(request, None);
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
