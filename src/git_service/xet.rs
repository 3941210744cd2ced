//! Access to uploads by Xet, which clients of the Hub API and of Git LFS are given.

use lfs::batch;

use super::GitService;
use crate::access::{DatasetGrant, Right, Upload};
use crate::error::{Error, Result};
use crate::types::url_segment;

/// Lifetime of a token in seconds. Clients request a new one before it ends.
const LIFETIME: u32 = 900;

/// What a client needs to upload by Xet.
pub struct XetAccess {
    /// URL of the API, without a trailing slash.
    pub cas_url: String,
    /// Bearer token.
    pub token: String,
    /// Expiry of the token, in seconds since 1970.
    pub expires: u64,
}

impl XetAccess {
    /// Returns the headers by which clients get it.
    pub fn headers(self) -> Vec<(&'static str, String)> {
        vec![
            ("X-Xet-Cas-Url", self.cas_url),
            ("X-Xet-Access-Token", self.token),
            ("X-Xet-Token-Expiration", self.expires.to_string()),
        ]
    }
}

impl GitService {
    /// Returns the access to uploads to a dataset.
    ///
    /// # Errors
    /// Forbidden if the caller's credential cannot be exchanged for a token.
    pub async fn xet_access<R: Right>(&self, grant: &DatasetGrant<R>, base: &str) -> Result<XetAccess> {
        let issued = self.0.access.issue_for_objects(grant, LIFETIME.into()).await?;
        let (token, expires) = issued.ok_or_else(|| {
            Error::forbidden("this token cannot be exchanged for another one; use a personal access token")
        })?;
        // Clients remember for weeks which xorbs they have sent to a URL, so there is another one for another dataset of
        // this name, and after xorbs were deleted.
        let epoch = self.0.storage.xorb_epoch(grant.id()).await?;
        let cas_url = format!("{base}/_xet/{}/{}-{epoch}", path(grant), grant.id());
        Ok(XetAccess { cas_url, token, expires: expires.seconds() })
    }

    /// Returns true if the caller can get [`GitService::xet_access`].
    pub async fn offers_xet<R: Right>(&self, grant: &DatasetGrant<R>) -> Result<bool> {
        self.0.access.can_issue_for_objects(grant).await
    }

    /// Returns the URL at which a client gets a token for downloads by Xet.
    pub fn xet_read_url<R: Right>(grant: &DatasetGrant<R>, revision: &str, base: &str) -> String {
        format!("{base}/api/datasets/{}/xet-read-token/{revision}", path(grant))
    }

    /// Returns the upload action of a batch for a client that supports Xet; `None` if its credential cannot be exchanged.
    pub(super) async fn xet_action(&self, grant: &DatasetGrant<Upload>, base: &str) -> Result<Option<batch::Action>> {
        match self.xet_access(grant, base).await {
            Ok(access) => {
                let href = format!("{base}/api/datasets/{}/xet-write-token/main", path(grant));
                Ok(Some(batch::Action { href, expires_in: LIFETIME, headers: access.headers() }))
            }
            Err(error) if error.kind() == crate::error::Kind::Forbidden => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn path<R: Right>(grant: &DatasetGrant<R>) -> String {
    let dataset = grant.dataset();
    format!("{}/{}", url_segment(&dataset.owner_name), url_segment(&dataset.name))
}
