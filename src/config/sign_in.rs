//! Configuration of external identity providers: sign-in with GitHub, or with any OpenID Connect provider.

use std::path::PathBuf;

use serde::Deserialize;

use super::issuers::is_safe;
use crate::error::{Error, Result};
use crate::types::Secret;

/// The protocol of an external identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// GitHub's OAuth apps, on github.com or GitHub Enterprise Server.
    GitHub,
    /// OpenID Connect with discovery.
    Oidc,
}

/// An external identity provider: `[[sign_in]]` in the configuration file.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInProvider {
    /// Name in URLs and in the database, such as `github`. Links of accounts are lost when it changes.
    pub name: String,
    /// Name on the sign-in page. Default: `name`.
    pub label: Option<String>,
    /// The protocol: `github` or `oidc`.
    pub kind: ProviderKind,
    /// URL of the provider; required for `oidc`. Default for `github`: `https://github.com`.
    pub issuer: Option<String>,
    /// Client id that the provider gave to this server.
    pub client_id: String,
    /// File with the client secret. Required for `github`.
    pub client_secret_file: Option<PathBuf>,
    /// Scopes to ask for. Default: `openid profile email`, and for `github` `read:user user:email`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Domains whose addresses may create accounts, such as `example.org`; subdomains are other domains. Default: all.
    #[serde(default)]
    pub allowed_domains: Vec<String>,
    /// True if users without an account get one, whatever `accounts.sign_up` says. Default: false.
    #[serde(default)]
    pub create: bool,
}

impl SignInProvider {
    /// Returns the name on the sign-in page.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// Returns the URL of the provider, without a slash at the end for GitHub. The issuer of an OpenID Connect provider
    /// is compared exactly (OpenID Connect Core §3.1.3.7).
    pub fn issuer(&self) -> &str {
        match self.kind {
            ProviderKind::GitHub => self.issuer.as_deref().unwrap_or("https://github.com").trim_end_matches('/'),
            ProviderKind::Oidc => self.issuer.as_deref().unwrap_or_default(),
        }
    }

    /// Reads the client secret, if there is one.
    ///
    /// # Errors
    /// Invalid if the file cannot be read, or is empty; the message names the file.
    pub fn client_secret(&self) -> Result<Option<Secret>> {
        let Some(file) = &self.client_secret_file else { return Ok(None) };
        let text = std::fs::read_to_string(file).map_err(|error| {
            Error::invalid(format!(
                "sign_in `{}`: cannot read client_secret_file {}: {error}",
                self.name,
                file.display()
            ))
        })?;
        match text.trim() {
            "" => Err(self.wrong(&format!("client_secret_file {} is empty", file.display()))),
            secret => Ok(Some(Secret::new(secret.to_owned()))),
        }
    }

    fn wrong(&self, what: &str) -> Error {
        Error::invalid(format!("sign_in `{}`: {what}", self.name))
    }

    /// Checks the provider. `own` is the base URL of this server.
    ///
    /// # Errors
    /// Invalid; the message names the provider and the key.
    fn check(&self, own: &str) -> Result<()> {
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > 32 || !self.name.chars().all(valid) {
            return Err(self.wrong("name must have 1 to 32 of a-z, 0-9 and -"));
        }
        if self.client_id.is_empty() {
            return Err(self.wrong("client_id is missing"));
        }
        if self.label().is_empty() || self.label().chars().count() > 50 || self.label().chars().any(char::is_control) {
            return Err(self.wrong("label must have 1 to 50 characters"));
        }
        match (self.kind, &self.issuer, &self.client_secret_file) {
            (ProviderKind::Oidc, None, _) => {
                return Err(self.wrong("issuer is missing: the URL below which /.well-known/openid-configuration is"));
            }
            (ProviderKind::GitHub, _, None) => return Err(self.wrong("client_secret_file is missing")),
            _ => {}
        }
        if !is_safe(self.issuer()) || self.issuer().contains(['?', '#', ' ']) {
            return Err(self.wrong(
                "issuer must begin with https://, because anyone who can change its responses can sign in as any user; \
                 http:// is allowed for loopback addresses only",
            ));
        }
        if self.issuer().trim_end_matches('/').eq_ignore_ascii_case(own) {
            return Err(self.wrong("issuer is the URL of this server"));
        }
        if self.scopes.iter().any(|scope| scope.is_empty() || !scope.chars().all(|c| c.is_ascii_graphic())) {
            return Err(self.wrong("scopes must be a list of single scopes"));
        }
        if let Some(domain) = self.allowed_domains.iter().find(|domain| !is_domain(domain)) {
            return Err(self.wrong(&format!("allowed_domains has `{domain}`: write domains as in example.org")));
        }
        Ok(())
    }
}

fn is_domain(domain: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
    !domain.is_empty() && domain.chars().all(fits) && !domain.starts_with('.') && !domain.ends_with('.')
}

/// Checks the providers. `own` is the configured base URL of this server.
///
/// # Errors
/// Invalid for a wrong provider, for two of one name, without `public_url`, and if there would be no way to sign in.
pub(super) fn check(providers: &[SignInProvider], own: Option<&str>, passwords: bool) -> Result<()> {
    if !passwords && providers.is_empty() {
        return Err(Error::invalid(
            "accounts.passwords is false, and there is no [[sign_in]]: users could not sign in at all",
        ));
    }
    for (at, provider) in providers.iter().enumerate() {
        let Some(own) = own else {
            return Err(provider.wrong("public_url is missing: the provider sends users back to it"));
        };
        provider.check(own)?;
        if providers[..at].iter().any(|before| before.name == provider.name) {
            return Err(provider.wrong("there are two providers with this name"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(text: &str) -> std::result::Result<SignInProvider, String> {
        use figment::providers::{Format as _, Toml};
        let text =
            format!("name = \"x\"\nkind = \"oidc\"\nissuer = \"https://id.example.org\"\nclient_id = \"c\"\n{text}");
        figment::Figment::new().merge(Toml::string(&text)).extract().map_err(|error| error.to_string())
    }

    fn refusal(change: impl FnOnce(&mut SignInProvider)) -> String {
        let mut provider = provider("").unwrap();
        change(&mut provider);
        match check(&[provider], Some("https://drive.example.org"), true) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_wrong_provider_is_refused_by_name_and_key() {
        assert_eq!(refusal(|_| {}), "");
        for (key, said) in [
            ("name", refusal(|it| it.name = "Up/per".into())),
            ("client_id", refusal(|it| it.client_id = String::new())),
            ("label", refusal(|it| it.label = Some("x".repeat(51)))),
            ("issuer", refusal(|it| it.issuer = None)),
            ("issuer", refusal(|it| it.issuer = Some("http://id.example.org".into()))),
            ("issuer", refusal(|it| it.issuer = Some("https://Drive.example.org/".into()))),
            ("client_secret_file", refusal(|it| it.kind = ProviderKind::GitHub)),
            ("scopes", refusal(|it| it.scopes = vec!["openid email".into()])),
            ("allowed_domains", refusal(|it| it.allowed_domains = vec!["@example.org".into()])),
        ] {
            assert!(said.starts_with("sign_in `") && said.contains(key), "{key}: {said}");
        }
        assert!(provider("createe = true").err().unwrap().contains("createe"));
    }

    #[test]
    fn the_start_needs_a_way_to_sign_in_and_a_url_to_come_back_to() {
        let own = Some("https://drive.example.org");
        let one = provider("").unwrap();
        check(&[], None, true).unwrap();
        check(std::slice::from_ref(&one), own, false).unwrap();
        assert!(check(&[], own, false).unwrap_err().to_string().starts_with("accounts.passwords"));
        assert!(check(std::slice::from_ref(&one), None, true).unwrap_err().to_string().contains("public_url"));
        assert!(check(&[one.clone(), one], own, true).unwrap_err().to_string().contains("two providers"));
    }

    #[test]
    fn a_secret_is_read_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let mut one = provider("").unwrap();
        assert!(one.client_secret().unwrap().is_none());
        one.client_secret_file = Some(file.clone());
        assert!(one.client_secret().err().unwrap().to_string().contains("cannot read"));
        std::fs::write(&file, " \n").unwrap();
        assert!(one.client_secret().err().unwrap().to_string().contains("is empty"));
        std::fs::write(&file, "s3cret\n").unwrap();
        assert_eq!(one.client_secret().unwrap().unwrap().expose(), "s3cret");
    }
}
