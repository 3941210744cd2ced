//! Signed action URLs: a permission that was checked once, frozen into a short token.
//!
//! A token is worth exactly one [`Ticket`]: one verb on one object of one repository, until one
//! second. It is checked before a body is read and without a database.
//!
//! Form: base64url without padding (RFC 4648 §5) of 75 bytes, that is 100 characters: verb (1),
//! repository (16), oid (32), size (6), expiry (4), all big-endian, then the first 16 bytes of an
//! HMAC-SHA256 (RFC 2104; truncation as in its §5) over these and over the text that goes with the
//! token.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{MAX_SIZE, Oid};

/// What a ticket allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Reading the object.
    Download,
    /// Sending the object.
    Upload,
    /// Asking whether the object arrived.
    Verify,
}

/// One permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// What is allowed.
    pub verb: Verb,
    /// Id of the repository in which it is allowed.
    pub repository: [u8; 16],
    /// The object.
    pub oid: Oid,
    /// Its size in bytes, at most [`MAX_SIZE`].
    pub size: u64,
    /// First second (Unix time) at which the ticket is void. It is kept in 32 bits: later than
    /// February 2106 becomes that.
    pub expires: u64,
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It does not have the form of a token.
    #[error("this link is damaged")]
    Malformed,
    /// It was not made by this signer, or it was changed, or it is used with another text.
    #[error("this link is not genuine")]
    Forged,
    /// Its time is over.
    #[error("this link has expired; ask for a new one")]
    Expired,
}

/// Makes and checks tokens with one secret key.
#[derive(Clone)]
pub struct Signer {
    mac: Hmac<Sha256>,
}

/// Keeps these tokens apart from anything else that may be authenticated with the same key.
const LABEL: &[u8] = b"rutter lfs action token 1";

const MAC: usize = 16;
const CLAIM: usize = 1 + 16 + 32 + 6 + 4;
const TOKEN: usize = CLAIM + MAC;
/// Characters of a token. 75 bytes fill them to the last bit: no two texts mean the same token.
const TEXT: usize = TOKEN / 3 * 4;

impl Signer {
    /// Takes the key: 32 secret random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        let keyed = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        let derived = keyed(&key).chain_update(LABEL).finalize().into_bytes();
        Self { mac: keyed(&derived) }
    }

    /// Makes the token of a ticket. `extra` is a text that goes with it and may not be changed
    /// either: the query of the URL, for example, with a file name.
    ///
    /// A size above [`MAX_SIZE`] is cut to that, so that nothing of another size can be moved.
    pub fn seal(&self, ticket: &Ticket, extra: &str) -> String {
        let mut token = [0; TOKEN];
        let (claim, mac) = token.split_at_mut(CLAIM);
        claim.copy_from_slice(&ticket.claim());
        mac.copy_from_slice(&self.authenticate(claim, extra).finalize().into_bytes()[..MAC]);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Checks a token that came with `extra` at the time `now` (Unix seconds). The comparison takes
    /// the same time for every wrong token.
    pub fn open(&self, token: &str, extra: &str, now: u64) -> Result<Ticket, SignError> {
        let mut bytes = [0; TOKEN];
        if token.len() != TEXT || URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) != Ok(TOKEN) {
            return Err(SignError::Malformed);
        }
        let (claim, mac) = bytes.split_at(CLAIM);
        self.authenticate(claim, extra).verify_truncated_left(mac).map_err(|_| SignError::Forged)?;
        let ticket = Ticket::read(claim).ok_or(SignError::Malformed)?;
        if now >= ticket.expires {
            return Err(SignError::Expired);
        }
        Ok(ticket)
    }

    /// The claim has one length, so that the text behind it needs no separator.
    fn authenticate(&self, claim: &[u8], extra: &str) -> Hmac<Sha256> {
        self.mac.clone().chain_update(claim).chain_update(extra)
    }
}

/// Shows nothing of the key.
impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Ticket {
    fn claim(&self) -> [u8; CLAIM] {
        let size = self.size.min(MAX_SIZE).to_be_bytes();
        let expires = u32::try_from(self.expires).unwrap_or(u32::MAX);
        let mut claim = [0; CLAIM];
        claim[0] = match self.verb {
            Verb::Download => 1,
            Verb::Upload => 2,
            Verb::Verify => 3,
        };
        claim[1..17].copy_from_slice(&self.repository);
        claim[17..49].copy_from_slice(self.oid.as_bytes());
        claim[49..55].copy_from_slice(&size[2..]);
        claim[55..].copy_from_slice(&expires.to_be_bytes());
        claim
    }

    fn read(claim: &[u8]) -> Option<Self> {
        let (&verb, rest) = claim.split_first()?;
        let (repository, rest) = rest.split_first_chunk()?;
        let (oid, rest) = rest.split_first_chunk()?;
        let (size, rest) = rest.split_first_chunk::<6>()?;
        let mut wide = [0; 8];
        wide[2..].copy_from_slice(size);
        Some(Self {
            verb: match verb {
                1 => Verb::Download,
                2 => Verb::Upload,
                3 => Verb::Verify,
                _ => return None,
            },
            repository: *repository,
            oid: Oid::from_bytes(*oid),
            size: u64::from_be_bytes(wide),
            expires: u32::from_be_bytes(rest.try_into().ok()?).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signer() -> Signer {
        Signer::new([7; 32])
    }

    prop_compose! {
        fn any_ticket()(
            verb in prop_oneof![Just(Verb::Download), Just(Verb::Upload), Just(Verb::Verify)],
            repository: [u8; 16],
            oid: [u8; 32],
            size in 0..=MAX_SIZE,
            expires in 1..=u64::from(u32::MAX),
        ) -> Ticket {
            Ticket { verb, repository, oid: Oid::from_bytes(oid), size, expires }
        }
    }

    fn ticket() -> Ticket {
        Ticket { verb: Verb::Upload, repository: [1; 16], oid: Oid::EMPTY, size: 42, expires: 1_800_000_000 }
    }

    #[test]
    fn a_ticket_ends_with_its_second() {
        let token = signer().seal(&ticket(), "");
        assert_eq!(signer().open(&token, "", 1_799_999_999), Ok(ticket()));
        assert_eq!(signer().open(&token, "", 1_800_000_000), Err(SignError::Expired));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let token = signer().seal(&ticket(), "q");
        for at in 0..token.len() {
            for bit in 0..8 {
                let mut changed = token.clone().into_bytes();
                changed[at] ^= 1 << bit;
                let changed = String::from_utf8_lossy(&changed);
                let refused = signer().open(&changed, "q", 0).unwrap_err();
                assert_ne!(refused, SignError::Expired, "{at} {bit}");
            }
        }
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..TOKEN * 8 {
            let mut changed = bytes.clone();
            changed[at / 8] ^= 1 << (at % 8);
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(signer().open(&changed, "q", 0), Err(SignError::Forged), "{at}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let token = signer().seal(&ticket(), "");
        for other in [
            String::new(),
            format!("{token}="),
            format!("{token}A"),
            format!(" {}", &token[1..]),
            token[1..].to_owned(),
            token[..96].to_owned(),
            "é".repeat(50),
            "+".repeat(TEXT),
        ] {
            assert_eq!(signer().open(&other, "", 0), Err(SignError::Malformed), "{other}");
        }
    }

    #[test]
    fn other_keys_and_other_texts_are_refused() {
        let token = signer().seal(&ticket(), "filename=a.csv");
        assert_eq!(Signer::new([8; 32]).open(&token, "filename=a.csv", 0), Err(SignError::Forged));
        for extra in ["", "filename=a.cs", "filename=a.csv&", "filename=b.csv"] {
            assert_eq!(signer().open(&token, extra, 0), Err(SignError::Forged), "{extra}");
        }
    }

    #[test]
    fn values_beyond_the_wire_are_cut() {
        let far = Ticket { size: u64::MAX, expires: u64::MAX, ..ticket() };
        let opened = signer().open(&signer().seal(&far, ""), "", 0).unwrap();
        assert_eq!((opened.size, opened.expires), (MAX_SIZE, u64::from(u32::MAX)));
    }

    /// Computed with another implementation from the description above.
    #[test]
    fn the_form_is_frozen() {
        let token = "AgEBAQEBAQEBAQEBAQEBAQHjsMRCmPwcFJr79MiZb7kkJ65B5GSbk0yklZkb\
                     eFK4VQAAAAAAKmtJ0gA95Sg_uZJ27_lK1KRGHmZd";
        assert_eq!(signer().seal(&ticket(), ""), token);
    }

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", signer()), "Signer { .. }");
    }

    proptest! {
        #[test]
        fn tickets_round_trip(ticket in any_ticket(), key: [u8; 32], extra in "\\PC{0,40}") {
            let signer = Signer::new(key);
            let token = signer.seal(&ticket, &extra);
            prop_assert_eq!(token.len(), TEXT);
            prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert_eq!(signer.open(&token, &extra, ticket.expires - 1), Ok(ticket));
        }

        #[test]
        fn different_tickets_have_different_tokens(left in any_ticket(), right in any_ticket()) {
            prop_assume!(left != right);
            prop_assert_ne!(signer().seal(&left, ""), signer().seal(&right, ""));
        }

        #[test]
        fn hostile_tokens_open_nothing(token in "[A-Za-z0-9_-]{100}|\\PC{0,120}", extra in "\\PC{0,9}") {
            prop_assert!(signer().open(&token, &extra, 0).is_err());
        }
    }
}
