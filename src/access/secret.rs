//! The server secret, and the keys derived from it: one key per purpose (HKDF-SHA256, RFC 5869), so that a key for
//! one purpose cannot decrypt data of another.

use std::path::PathBuf;

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

/// The root of all keys of this installation. All servers of one database share it: the database holds a key that is
/// encrypted with it, so a server with another secret does not start.
pub struct ServerSecret {
    text: Secret,
    /// File that it was read from; `None` for the configuration.
    file: Option<PathBuf>,
}

impl ServerSecret {
    /// Loads the secret from the configuration, or else from `DATA/secret`, which is created at the first start.
    /// Whether it is the secret of the database is checked when the signing key is decrypted, before the server
    /// accepts requests.
    ///
    /// # Errors
    /// Fails if the file cannot be read or created, or is truncated.
    pub fn load(config: &Config) -> Result<Self> {
        if let Some(secret) = &config.secret {
            return Ok(Self { text: secret.clone(), file: None });
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
        Ok(Self { text: Secret::new(text.to_owned()), file: Some(file) })
    }

    /// Derives the key for one purpose.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(b"rutter"), self.text.expose().as_bytes())
            .expand(purpose.as_bytes(), &mut key)
            .expect("32 bytes are within the output limit of HKDF");
        key
    }

    /// Returns what encrypts values that clients keep, for one purpose.
    pub fn sealer(&self, purpose: &str) -> Sealer {
        Sealer(XChaCha20Poly1305::new(&self.derive(purpose).into()))
    }

    /// Encrypts a value for the database (XChaCha20-Poly1305). Decryption requires the same `context`.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<String> {
        Ok(BASE64.encode(self.database_sealer().seal(context, plain)?))
    }

    /// Decrypts the output of [`ServerSecret::seal`].
    ///
    /// # Errors
    /// Invalid if it was encrypted with another secret or for another context; the message is for the operator.
    pub fn open(&self, context: &str, sealed: &str) -> Result<Vec<u8>> {
        let bytes = BASE64.decode(sealed).map_err(|_| self.wrong())?;
        self.database_sealer().open(context, &bytes).ok_or_else(|| self.wrong())
    }

    fn wrong(&self) -> Error {
        Error::invalid(match &self.file {
            None => "the database was created with another secret than the `secret` of this configuration \
                     (RUTTER_SECRET): use the secret of the server that created it, possibly in its DATA/secret"
                .to_owned(),
            Some(file) => format!(
                "the database was created with another secret than {}: copy the secret of the server that created it \
                 or of a backup there, or set RUTTER_SECRET to it; all servers of one database need the same secret",
                file.display()
            ),
        })
    }

    fn database_sealer(&self) -> Sealer {
        self.sealer("sealing of keys in the database")
    }
}

/// Encrypts values (XChaCha20-Poly1305): without the key, they cannot be read, and changes are detected.
pub struct Sealer(XChaCha20Poly1305);

impl Sealer {
    /// Encrypts a value. Decryption requires the same `context`.
    ///
    /// # Errors
    /// Internal if the value is too long for the cipher.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce = clock::random::<24>();
        let payload = Payload { msg: plain, aad: context.as_bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Error::internal("cannot encrypt a value"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts the output of [`Sealer::seal`]; `None` if it was changed, or made with another key or context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<24>()?;
        self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: context.as_bytes() }).ok()
    }
}

/// Creates a file that only this user can read. Atomic: the file is complete or absent.
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
    // A hard link, not a rename: if two servers start at the same time, the first one wins.
    let linked = std::fs::hard_link(&temporary, file);
    std::fs::remove_file(&temporary)?;
    linked
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn configured(c: &str) -> ServerSecret {
        ServerSecret { text: Secret::new(c.repeat(32)), file: None }
    }

    #[test]
    fn sealed_data_opens_only_with_the_same_secret_and_context() {
        let (one, two) = (configured("a"), configured("b"));
        let sealed = one.seal("here", b"key").unwrap();
        assert_eq!(one.open("here", &sealed).unwrap(), b"key");
        assert!(one.open("there", &sealed).is_err());
        assert!(two.open("here", &sealed).is_err());
        assert!(one.open("here", "").is_err());
    }

    #[test]
    fn the_secret_is_created_once_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().join("data"), ..Config::default() };
        let first = ServerSecret::load(&config).unwrap().derive("x");
        assert_eq!(ServerSecret::load(&config).unwrap().derive("x"), first);
        assert_eq!(config.secret_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    proptest! {
        #[test]
        fn sealed_data_round_trips_and_damage_is_detected(
            plain in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            c in "[A-Za-z0-9+/=. ]",
        ) {
            let secret = configured("a");
            let sealed = secret.seal("here", &plain).unwrap();
            prop_assert_eq!(secret.open("here", &sealed).unwrap(), plain);
            let at = at.index(sealed.len());
            let damaged = format!("{}{c}{}", &sealed[..at], &sealed[at + 1..]);
            prop_assert!(damaged == sealed || secret.open("here", &damaged).is_err());
            prop_assert!(secret.open("here", &sealed[..at]).is_err());
        }

        #[test]
        fn hostile_rows_are_refused(sealed in ".{0,100}|[A-Za-z0-9+/]{0,100}") {
            prop_assert!(configured("a").open("here", &sealed).is_err());
        }
    }
}
