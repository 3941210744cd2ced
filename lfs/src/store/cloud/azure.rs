//! Azure Blob Storage, authenticated with an account key.

use std::{fmt::Write as _, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use object_store::{
    azure::{AzureAccessKey, AzureAuthorizer, AzureCredential, MicrosoftAzureBuilder},
    client::HttpRequest,
};

use super::{
    Cloud, CloudStore, Failure, Inner,
    open::{self, Address},
    sigv4::{Moment, encoded, hmac},
};
use crate::Error;

/// API version that the shared access signatures follow (`sv`).
const VERSION: &str = "2023-11-03";

/// A container of Azure Blob Storage.
pub struct AzureContainer {
    /// Name of the container.
    pub container: String,
    /// Key prefix in the container, without leading or trailing slashes; may be empty.
    pub prefix: String,
    /// `https://host[:port]` of the account if it is not `https://<account>.blob.core.windows.net`; emulators
    /// have the account in the path.
    pub endpoint: Option<String>,
    /// The endpoint for clients, if it differs.
    pub public_endpoint: Option<String>,
    /// `AZURE_STORAGE_ACCOUNT` (or `…_ACCOUNT_NAME`) and `AZURE_STORAGE_KEY` (or `…_ACCOUNT_KEY`,
    /// `…_ACCESS_KEY`), or `AZURE_STORAGE_CONNECTION_STRING`.
    pub environment: Vec<(String, String)>,
}

pub(super) struct Access {
    account: String,
    credential: AzureCredential,
    key: Vec<u8>,
    public: Address,
    /// The signed part of the path: account, container and prefix, with a trailing slash.
    resource: String,
    folder: String,
}

/// The permission of a URL on one blob ("Create a service SAS").
#[derive(Clone, Copy)]
pub(super) enum Permission {
    /// Read the blob.
    Read,
    /// Write the blob, also repeatedly, because a response may have been lost. Blocks require this permission;
    /// `c` is not sufficient.
    Write,
}

impl CloudStore {
    /// Opens a container of Azure Blob Storage. No request is sent yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for invalid options, and without the account key, which URLs are signed with.
    pub fn azure(options: AzureContainer) -> Result<Self, Error> {
        let AzureContainer { container, prefix, endpoint, public_endpoint, environment } = options;
        open::check_names(&container, &prefix)?;
        let account = Account::find(&environment)?;
        let not_a_key = || Error::Invalid("the key of the Azure account is invalid: it must be base64".into());
        let key = STANDARD.decode(&account.key).map_err(|_| not_a_key())?;
        let access_key = AzureAccessKey::try_new(&account.key).map_err(|_| not_a_key())?;

        let endpoint = endpoint.or(account.endpoint);
        let private = Address::parse(&endpoint.unwrap_or_else(|| {
            format!("https://{}.blob.{}", account.name, account.suffix.as_deref().unwrap_or("core.windows.net"))
        }))?;
        let public = public_endpoint.as_deref().map(Address::parse).transpose()?.unwrap_or_else(|| private.clone());
        let azure = MicrosoftAzureBuilder::new()
            .with_account(&account.name)
            .with_access_key(&account.key)
            .with_container_name(&container)
            .with_endpoint(private.to_string())
            .with_allow_http(private.is_plain())
            .with_retry(open::retry())
            .with_client_options(open::client(&private))
            .build()
            .map_err(open::invalid)?;

        let folder = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let private = private.with_bucket(&container, false)?;
        let access = Access {
            public: public.with_bucket(&container, false)?,
            resource: format!("/blob/{}/{container}/{folder}", account.name),
            folder,
            credential: AzureCredential::AccessKey(access_key),
            account: account.name,
            key,
        };
        Inner::open(format!("az://{container}/{prefix}"), Arc::new(azure), Cloud::Azure(access), &private, prefix)
    }
}

impl Access {
    /// Returns the origin of presigned URLs.
    pub(super) fn origin(&self) -> &str {
        &self.public.origin
    }

    pub(super) fn authorize(&self, request: &mut HttpRequest) -> Result<(), Failure> {
        Ok(AzureAuthorizer::new(&self.credential, &self.account).try_authorize(request)?)
    }

    /// Returns a URL with a shared access signature ("Create a service SAS", version 2020-12-06 and later).
    /// `query` selects the operation; it is not signed. `answer` is the `Content-Disposition` and the
    /// `Content-Type` of the response.
    pub(super) fn sign(
        &self,
        permission: Permission,
        key: &str,
        query: &[(&str, &str)],
        answer: (&str, &str),
        until: &Moment,
    ) -> String {
        let permission = match permission {
            Permission::Read => "r",
            Permission::Write => "w",
        };
        let protocol = if self.public.is_plain() { "https,http" } else { "https" };
        let (until, (disposition, media_type)) = (until.rfc3339(), answer);
        let text = format!(
            "{permission}\n\n{until}\n{}{key}\n\n\n{protocol}\n{VERSION}\nb\n\n\n\n{disposition}\n\n\n{media_type}",
            self.resource
        );
        let signature = STANDARD.encode(hmac(&self.key, text.as_bytes()));
        let mut url = format!("{}/{}?", self.public, encoded(&format!("{}{key}", self.folder), true));
        let signed = [
            ("sv", VERSION),
            ("sr", "b"),
            ("sp", permission),
            ("se", &until),
            ("spr", protocol),
            ("rscd", disposition),
            ("rsct", media_type),
            ("sig", &signature),
        ];
        for (name, value) in query.iter().chain(&signed).filter(|(_, value)| !value.is_empty()) {
            let _ = write!(url, "{}={}&", encoded(name, false), encoded(value, false));
        }
        url.pop();
        url
    }
}

/// The storage account and its credentials.
struct Account {
    name: String,
    key: String,
    endpoint: Option<String>,
    /// Domain suffix, if it is not that of Azure's public cloud.
    suffix: Option<String>,
}

impl Account {
    fn find(environment: &[(String, String)]) -> Result<Self, Error> {
        let value = |names: &[&str]| open::value(environment, names);
        // `Name=value;Name=value`; a value may contain `=`.
        let connection: Vec<(String, String)> = value(&["AZURE_STORAGE_CONNECTION_STRING"])
            .unwrap_or_default()
            .split(';')
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        let part = |name: &str| open::value(&connection, &[name]);
        let name = value(&["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"]).or(part("AccountName"));
        let key = value(&["AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY"]);
        let (Some(name), Some(key)) = (name, key.or(part("AccountKey"))) else {
            return Err(Error::Invalid(
                "Azure requires AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY, or AZURE_STORAGE_CONNECTION_STRING".into(),
            ));
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            return Err(Error::Invalid(format!("`{name}` is not the name of an Azure account")));
        }
        Ok(Self {
            name: name.to_owned(),
            key: key.to_owned(),
            endpoint: part("BlobEndpoint").map(str::to_owned),
            suffix: part("EndpointSuffix").map(str::to_owned),
        })
    }
}
