//! The server's secret, and what is derived from it: one key per purpose
//! (HKDF-SHA256, RFC 5869), so that no key opens what another one closed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::clock;
use crate::config::{Config, private_folder};
use crate::error::{Error, Result};
use crate::types::Secret;

/// The root of all keys of this installation. All replicas share it.
pub struct ServerSecret(Secret);

impl ServerSecret {
    /// From the configuration, else from `DATA/secret`, made at first start.
    ///
    /// # Errors
    /// A file that cannot be read or made; on PostgreSQL a missing
    /// configuration, since replicas with different secrets would refuse each
    /// other's URLs.
    pub fn load(config: &Config) -> Result<Self> {
        if let Some(secret) = &config.secret {
            return Ok(Self(secret.clone()));
        }
        private_folder(&config.data)?;
        let file = config.secret_file();
        match create_private(&file, &hex::encode(clock::random::<32>())) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(Error::invalid(format!("cannot write {}: {error}", file.display())));
            }
        }
        let text = std::fs::read_to_string(&file)
            .map_err(|error| Error::invalid(format!("cannot read {}: {error}", file.display())))?;
        let text = text.trim();
        if text.len() < 32 {
            return Err(Error::invalid(format!(
                "{} is damaged: restore it from a backup, or set RUTTER_SECRET",
                file.display()
            )));
        }
        Ok(Self(Secret::new(text.to_owned())))
    }

    /// The key for one purpose.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(b"rutter"), self.0.expose().as_bytes())
            .expand(purpose.as_bytes(), &mut key)
            .expect("32 bytes are within what HKDF gives");
        key
    }

    /// Encrypts for the database (XChaCha20-Poly1305); `context` must be the
    /// same when it is opened.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<String> {
        let nonce = clock::random::<24>();
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context.as_bytes() })
            .map_err(|_| Error::internal("a key could not be sealed"))?;
        Ok(BASE64.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Decrypts what [`ServerSecret::seal`] made.
    pub fn open(&self, context: &str, sealed: &str) -> Result<Vec<u8>> {
        let wrong =
            || Error::internal("a key in the database does not open: is RUTTER_SECRET the one it was made with?");
        let bytes = BASE64.decode(sealed).map_err(|_| wrong())?;
        let (nonce, sealed) = bytes.split_at_checked(24).ok_or_else(wrong)?;
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| wrong())?;
        self.cipher()
            .decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: context.as_bytes() })
            .map_err(|_| wrong())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derive("sealing of keys in the database").into())
    }
}

/// Writes a new file that only this user can read, all or nothing.
fn create_private(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if file.exists() {
        return Ok(());
    }
    let temporary = file.with_extension(hex::encode(clock::random::<8>()));
    let mut open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()?;
    // A link, not a rename: the first of two that start at once wins.
    let linked = std::fs::hard_link(&temporary, file);
    std::fs::remove_file(&temporary)?;
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_the_same_secret_and_context() {
        let one = ServerSecret(Secret::new("a".repeat(32)));
        let two = ServerSecret(Secret::new("b".repeat(32)));
        let sealed = one.seal("here", b"key").unwrap();
        assert_eq!(one.open("here", &sealed).unwrap(), b"key");
        assert!(one.open("there", &sealed).is_err());
        assert!(two.open("here", &sealed).is_err());
        assert!(one.open("here", "").is_err());
    }

    #[test]
    fn the_secret_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().join("data"), ..Config::default() };
        let first = ServerSecret::load(&config).unwrap().derive("x");
        assert_eq!(ServerSecret::load(&config).unwrap().derive("x"), first);
        assert_eq!(config.secret_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
