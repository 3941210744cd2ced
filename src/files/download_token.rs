//! Download tokens (signed URLs): a selection of files of one revision, valid for a few minutes for anyone who has the
//! URL.
//!
//! Format: base64url without padding of the dataset id (16 bytes), the revision (20), the expiry time in seconds since
//! the Unix epoch (4, big endian), the common folder and the selection, and the first 16 bytes of an HMAC-SHA256 over all
//! of that. The selection is the paths below the folder, each after a zero byte, or two zero bytes and a bitmap of the
//! entries of the folder in git's order, least significant bit first.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use metastore::{FilePath, ObjectId};
use sha2::Sha256;

use crate::error::{Error, Result};
use crate::types::Id;

/// Lifetime of a token in seconds.
pub(super) const TTL_SECONDS: u64 = 600;

/// Maximum length of a token in bytes: proxies refuse URLs longer than 8 KiB. A bitmap of 40,000 entries fits.
const MAX_TOKEN_BYTES: usize = 7000;

const MAC: usize = 16;
const HEAD: usize = 16 + 20 + 4;

/// The content of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DownloadRequest {
    pub dataset: Id,
    pub revision: ObjectId,
    /// Expiry time in seconds since the Unix epoch: the token is invalid from this second on.
    pub expires: u64,
    /// The common folder of what is selected; `None` for the root.
    pub folder: Option<FilePath>,
    /// What is selected.
    pub selection: Selection,
}

/// Files and folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selection {
    /// These paths; if empty, the whole revision.
    Paths(Vec<FilePath>),
    /// Entries directly in the folder, by their numbers in git's order: a bitmap.
    Entries(Vec<u8>),
}

impl Selection {
    /// Selects entries of a folder by their numbers in git's order.
    pub(super) fn of_entries(numbers: impl Iterator<Item = usize>) -> Self {
        let mut bits = Vec::new();
        for number in numbers {
            if bits.len() <= number / 8 {
                bits.resize(number / 8 + 1, 0);
            }
            bits[number / 8] |= 1 << (number % 8);
        }
        Self::Entries(bits)
    }

    /// Returns true if an entry of the folder is selected.
    pub(super) fn has_entry(bits: &[u8], number: usize) -> bool {
        bits.get(number / 8).is_some_and(|byte| byte & (1 << (number % 8)) != 0)
    }
}

/// Creates and verifies tokens.
pub(super) struct DownloadSigner(Hmac<Sha256>);

impl DownloadSigner {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(Hmac::new_from_slice(&key).expect("HMAC takes keys of any length"))
    }

    /// # Errors
    /// Invalid for too many paths.
    pub(super) fn seal(&self, choice: &DownloadRequest) -> Result<String> {
        let mut claim = Vec::with_capacity(MAX_TOKEN_BYTES);
        claim.extend_from_slice(choice.dataset.as_bytes());
        claim.extend_from_slice(choice.revision.as_bytes());
        claim.extend_from_slice(&u32::try_from(choice.expires).unwrap_or(u32::MAX).to_be_bytes());
        let folder = choice.folder.as_ref().map_or("", FilePath::as_str);
        claim.extend_from_slice(folder.as_bytes());
        let inner = if folder.is_empty() { 0 } else { folder.len() + 1 };
        match &choice.selection {
            Selection::Paths(paths) => {
                for path in paths {
                    claim.push(0);
                    claim.extend_from_slice(path.as_str().get(inner..).unwrap_or_default().as_bytes());
                }
            }
            Selection::Entries(bits) => {
                claim.extend_from_slice(&[0, 0]);
                claim.extend_from_slice(bits);
            }
        }
        let mac = self.0.clone().chain_update(&claim).finalize().into_bytes();
        claim.extend_from_slice(&mac[..MAC]);
        let token = BASE64.encode(claim);
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Error::invalid(
                "too many files for one download URL; select all of them in one folder, or the folder that contains them",
            ));
        }
        Ok(token)
    }

    /// # Errors
    /// Forbidden for a token that is forged or expired.
    pub(super) fn open(&self, token: &str, now: u64) -> Result<DownloadRequest> {
        let forged = || Error::forbidden("invalid download URL; request a new one");
        let bytes = BASE64.decode(token).map_err(|_| forged())?;
        let (claim, mac) = bytes.split_at_checked(bytes.len().saturating_sub(MAC)).ok_or_else(forged)?;
        self.0.clone().chain_update(claim).verify_truncated_left(mac).map_err(|_| forged())?;
        let read = || {
            let (dataset, rest) = claim.split_first_chunk::<16>()?;
            let (revision, rest) = rest.split_first_chunk::<20>()?;
            let (expires, rest) = rest.split_first_chunk::<4>()?;
            let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
            let (folder, rest) = rest.split_at(end);
            let folder = std::str::from_utf8(folder).ok()?;
            let selection = if let [0, 0, bits @ ..] = rest {
                Selection::Entries(bits.to_vec())
            } else {
                let slash = if folder.is_empty() { "" } else { "/" };
                let names = std::str::from_utf8(rest).ok()?.split('\0').skip(1);
                let paths = names.map(|name| format!("{folder}{slash}{name}").parse());
                Selection::Paths(paths.collect::<metastore::Result<_>>().ok()?)
            };
            Some(DownloadRequest {
                dataset: Id::from_bytes(*dataset),
                revision: ObjectId::from_bytes_or_panic(revision),
                expires: u32::from_be_bytes(*expires).into(),
                folder: if folder.is_empty() { None } else { Some(folder.parse().ok()?) },
                selection,
            })
        };
        // Cannot be too short, since it was signed by us; checked anyway.
        let choice = if claim.len() < HEAD { None } else { read() };
        let choice = choice.ok_or_else(forged)?;
        if now >= choice.expires {
            return Err(Error::forbidden("this download URL has expired; request a new one"));
        }
        Ok(choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(paths: &[&str], folder: Option<&str>) -> DownloadRequest {
        DownloadRequest {
            dataset: Id::from_bytes([7; 16]),
            revision: ObjectId::from_bytes_or_panic(&[9; 20]),
            expires: 1_800_000_000,
            folder: folder.map(|folder| folder.parse().unwrap()),
            selection: Selection::Paths(paths.iter().map(|path| path.parse().unwrap()).collect()),
        }
    }

    fn entries(numbers: impl Iterator<Item = usize>) -> DownloadRequest {
        DownloadRequest { selection: Selection::of_entries(numbers), ..choice(&[], Some("a b")) }
    }

    #[test]
    fn a_download_token_round_trips_until_it_expires() {
        let links = DownloadSigner::new([1; 32]);
        let bitmaps = [entries([0, 9, 40].into_iter()), entries([8].into_iter())];
        for choice in bitmaps.into_iter().chain([choice(&["a b/ü.csv", "a b/c"], Some("a b")), choice(&["x"], None)]) {
            let token = links.seal(&choice).unwrap();
            assert_eq!(links.open(&token, 1_799_999_999).unwrap(), choice);
            assert!(links.open(&token, 1_800_000_000).unwrap_err().detail().contains("expired"));
            assert!(DownloadSigner::new([2; 32]).open(&token, 0).is_err());
            for at in 0..token.len() {
                let mut changed = token.clone().into_bytes();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                assert!(links.open(&String::from_utf8(changed).unwrap(), 0).is_err(), "{at}");
            }
        }
        assert!(links.open("", 0).is_err() && links.open("AAAA", 0).is_err());
    }

    #[test]
    fn entries_of_a_folder_are_selected_by_bits() {
        let Selection::Entries(bits) = Selection::of_entries([0, 9, 40].into_iter()) else { panic!("a bitmap") };
        assert_eq!(bits, [1, 2, 0, 0, 0, 1]);
        let found: Vec<usize> = (0..100).filter(|number| Selection::has_entry(&bits, *number)).collect();
        assert_eq!(found, [0, 9, 40]);
        let links = DownloadSigner::new([1; 32]);
        assert!(links.seal(&entries((0..40_000).step_by(2))).is_ok());
        assert!(links.seal(&entries(0..50_000)).is_err());
    }

    #[test]
    fn a_url_names_a_few_hundred_paths() {
        let names: Vec<String> = (0..2000).map(|number| format!("photos/{number}.jpg")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(DownloadSigner::new([1; 32]).seal(&choice(&names, Some("photos"))).is_err());
    }
}
