//! Signed URLs of LFS actions (presigned URLs): a permission that was checked once, encoded into a short token.
//!
//! A token allows exactly one [`SignedClaim`] (one verb on one object of one repository) or one [`SignedUploadClaim`] (one
//! step of one multipart upload) until it expires. It is verified before the body is read, without a database
//! query.
//!
//! Format: base64url without padding (RFC 4648 §5) of a claim, in big-endian order, and the first 16 bytes of an
//! HMAC-SHA256 (RFC 2104; truncated as in its §5) over the claim and the text that belongs to the token. The
//! claim of a ticket is verb (1 byte: 1 to 3), repository (16), oid (32), size (6), expiry (4), which makes 100
//! characters; that of an upload ticket is step (1 byte: 4 to 7), repository (16), upload (16), part (4), size
//! (6), expiry (4), which makes 84. The first byte distinguishes them, so no text can turn one into the other.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{MAX_SIZE, Oid};

/// The action that a ticket allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Download the object.
    Download,
    /// Upload the object.
    Upload,
    /// Verify that the object was uploaded.
    Verify,
}

/// A permission for one action on one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignedClaim {
    /// The allowed action.
    pub verb: Verb,
    /// Id of the repository that it applies to.
    pub repository: [u8; 16],
    /// The object.
    pub oid: Oid,
    /// Its size in bytes, at most [`MAX_SIZE`].
    pub size: u64,
    /// Expiry in Unix seconds: the first second at which the ticket is no longer valid. It is encoded in 32 bits;
    /// times after February 2106 are reduced to that.
    pub expires: u64,
}

/// A step of a multipart upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Upload the part with this number.
    Part(u32),
    /// Complete the upload: all parts were sent.
    Commit,
    /// Abort the upload.
    Abort,
    /// Every tus request on one upload.
    Tus,
}

/// A permission for one step of a started upload. It ends with the upload at the latest; a client whose tickets
/// expire earlier requests new ones for the same upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignedUploadClaim {
    /// The allowed step.
    pub step: Step,
    /// Id of the repository that it applies to.
    pub repository: [u8; 16],
    /// Id of the upload.
    pub upload: [u8; 16],
    /// Size in bytes of the content to send, at most [`MAX_SIZE`]: of the part for [`Step::Part`], otherwise of
    /// the object.
    pub size: u64,
    /// As in [`SignedClaim::expires`].
    pub expires: u64,
}

/// Why a token is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The token is malformed.
    #[error("this link is malformed")]
    Malformed,
    /// The token was made with another key, was changed, or is used with another text.
    #[error("this link has an invalid signature")]
    Forged,
    /// The token has expired.
    #[error("this link has expired; request a new one")]
    Expired,
}

/// Creates and verifies tokens with a secret key.
#[derive(Clone)]
pub struct Signer {
    mac: Hmac<Sha256>,
}

/// Separates these tokens from anything else that is authenticated with the same key.
const LABEL: &[u8] = b"rutter lfs action token 1";

const MAC: usize = 16;
const CLAIM: usize = 1 + 16 + 32 + 6 + 4;
const UPLOAD_CLAIM: usize = 1 + 16 + 16 + 4 + 6 + 4;
/// Lengths of tokens in bytes. Both are multiples of 3, which base64 encodes without spare bits: every token has
/// exactly one encoding.
const TOKEN: usize = CLAIM + MAC;
const UPLOAD_TOKEN: usize = UPLOAD_CLAIM + MAC;

impl Signer {
    /// Creates a signer from a key of 32 secret random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        let keyed = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        let derived = keyed(&key).chain_update(LABEL).finalize().into_bytes();
        Self { mac: keyed(&derived) }
    }

    /// Creates the token of a ticket. `extra` is a text that belongs to the token and cannot be changed either,
    /// for example the query of the URL with a filename.
    ///
    /// A size above [`MAX_SIZE`] is reduced to it, so that nothing of another size can be transferred.
    pub fn seal(&self, ticket: &SignedClaim, extra: &str) -> String {
        self.token::<TOKEN>(&ticket.claim(), extra)
    }

    /// Creates the token of an upload ticket, like [`Signer::seal`].
    pub fn seal_upload(&self, ticket: &SignedUploadClaim, extra: &str) -> String {
        self.token::<UPLOAD_TOKEN>(&ticket.claim(), extra)
    }

    /// Verifies a token that was sent with `extra` at the time `now` (Unix seconds). The comparison is in
    /// constant time.
    pub fn open(&self, token: &str, extra: &str, now: u64) -> Result<SignedClaim, SignError> {
        let ticket = SignedClaim::read(&self.claim::<TOKEN, CLAIM>(token, extra)?).ok_or(SignError::Malformed)?;
        if now >= ticket.expires { Err(SignError::Expired) } else { Ok(ticket) }
    }

    /// Verifies the token of an upload ticket, like [`Signer::open`]. Each of the two functions treats the tokens
    /// of the other as malformed.
    pub fn open_upload(&self, token: &str, extra: &str, now: u64) -> Result<SignedUploadClaim, SignError> {
        let claim = self.claim::<UPLOAD_TOKEN, UPLOAD_CLAIM>(token, extra)?;
        let ticket = SignedUploadClaim::read(&claim).ok_or(SignError::Malformed)?;
        if now >= ticket.expires { Err(SignError::Expired) } else { Ok(ticket) }
    }

    fn token<const LENGTH: usize>(&self, claim: &[u8], extra: &str) -> String {
        let mut token = [0; LENGTH];
        let (front, mac) = token.split_at_mut(claim.len());
        front.copy_from_slice(claim);
        mac.copy_from_slice(&self.authenticate(claim, extra).finalize().into_bytes()[..MAC]);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Returns the claim of a token with a valid signature.
    fn claim<const LENGTH: usize, const CLAIM: usize>(
        &self,
        token: &str,
        extra: &str,
    ) -> Result<[u8; CLAIM], SignError> {
        let mut bytes = [0; LENGTH];
        if token.len() != LENGTH / 3 * 4 || URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) != Ok(LENGTH) {
            return Err(SignError::Malformed);
        }
        let (claim, mac) = bytes.split_first_chunk().ok_or(SignError::Malformed)?;
        self.authenticate(claim, extra).verify_truncated_left(mac).map_err(|_| SignError::Forged)?;
        Ok(*claim)
    }

    /// Computes the MAC. The first byte of a claim determines its length, so the text after it needs no
    /// separator.
    fn authenticate(&self, claim: &[u8], extra: &str) -> Hmac<Sha256> {
        self.mac.clone().chain_update(claim).chain_update(extra)
    }
}

/// Does not reveal the key.
impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl SignedClaim {
    fn claim(&self) -> [u8; CLAIM] {
        let mut claim = [0; CLAIM];
        claim[0] = match self.verb {
            Verb::Download => 1,
            Verb::Upload => 2,
            Verb::Verify => 3,
        };
        claim[1..17].copy_from_slice(&self.repository);
        claim[17..49].copy_from_slice(self.oid.as_bytes());
        claim[49..].copy_from_slice(&limits(self.size, self.expires));
        claim
    }

    fn read(claim: &[u8]) -> Option<Self> {
        let (&verb, rest) = claim.split_first()?;
        let (repository, rest) = rest.split_first_chunk()?;
        let (oid, rest) = rest.split_first_chunk()?;
        let (size, expires) = read_limits(rest.try_into().ok()?);
        Some(Self {
            verb: match verb {
                1 => Verb::Download,
                2 => Verb::Upload,
                3 => Verb::Verify,
                _ => return None,
            },
            repository: *repository,
            oid: Oid::from_bytes(*oid),
            size,
            expires,
        })
    }
}

impl SignedUploadClaim {
    fn claim(&self) -> [u8; UPLOAD_CLAIM] {
        let (step, part) = match self.step {
            Step::Part(number) => (4, number),
            Step::Commit => (5, 0),
            Step::Abort => (6, 0),
            Step::Tus => (7, 0),
        };
        let mut claim = [0; UPLOAD_CLAIM];
        claim[0] = step;
        claim[1..17].copy_from_slice(&self.repository);
        claim[17..33].copy_from_slice(&self.upload);
        claim[33..37].copy_from_slice(&part.to_be_bytes());
        claim[37..].copy_from_slice(&limits(self.size, self.expires));
        claim
    }

    fn read(claim: &[u8]) -> Option<Self> {
        let (&step, rest) = claim.split_first()?;
        let (repository, rest) = rest.split_first_chunk()?;
        let (upload, rest) = rest.split_first_chunk()?;
        let (part, rest) = rest.split_first_chunk()?;
        let (size, expires) = read_limits(rest.try_into().ok()?);
        let step = match (step, u32::from_be_bytes(*part)) {
            (4, number) => Step::Part(number),
            (5, 0) => Step::Commit,
            (6, 0) => Step::Abort,
            (7, 0) => Step::Tus,
            _ => return None,
        };
        Some(Self { step, repository: *repository, upload: *upload, size, expires })
    }
}

/// Encodes the end of every claim: size and expiry.
fn limits(size: u64, expires: u64) -> [u8; 10] {
    let mut limits = [0; 10];
    limits[..6].copy_from_slice(&size.min(MAX_SIZE).to_be_bytes()[2..]);
    limits[6..].copy_from_slice(&u32::try_from(expires).unwrap_or(u32::MAX).to_be_bytes());
    limits
}

fn read_limits(limits: [u8; 10]) -> (u64, u64) {
    let (mut size, mut expires) = ([0; 8], [0; 8]);
    size[2..].copy_from_slice(&limits[..6]);
    expires[4..].copy_from_slice(&limits[6..]);
    (u64::from_be_bytes(size), u64::from_be_bytes(expires))
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
        ) -> SignedClaim {
            SignedClaim { verb, repository, oid: Oid::from_bytes(oid), size, expires }
        }
    }

    prop_compose! {
        fn any_upload_ticket()(
            step in prop_oneof![
                any::<u32>().prop_map(Step::Part),
                Just(Step::Commit),
                Just(Step::Abort),
                Just(Step::Tus),
            ],
            repository: [u8; 16],
            upload: [u8; 16],
            size in 0..=MAX_SIZE,
            expires in 1..=u64::from(u32::MAX),
        ) -> SignedUploadClaim {
            SignedUploadClaim { step, repository, upload, size, expires }
        }
    }

    fn upload_ticket() -> SignedUploadClaim {
        let (repository, upload) = ([1; 16], [2; 16]);
        SignedUploadClaim { step: Step::Part(7), repository, upload, size: 42, expires: 1_800_000_000 }
    }

    fn ticket() -> SignedClaim {
        SignedClaim { verb: Verb::Upload, repository: [1; 16], oid: Oid::EMPTY, size: 42, expires: 1_800_000_000 }
    }

    #[test]
    fn a_token_expires_after_its_second() {
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
            "+".repeat(100),
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
        let far = SignedClaim { size: u64::MAX, expires: u64::MAX, ..ticket() };
        let opened = signer().open(&signer().seal(&far, ""), "", 0).unwrap();
        assert_eq!((opened.size, opened.expires), (MAX_SIZE, u64::from(u32::MAX)));
    }

    /// Computed with an independent implementation of the format described above.
    #[test]
    fn the_form_is_frozen() {
        let token = "AgEBAQEBAQEBAQEBAQEBAQHjsMRCmPwcFJr79MiZb7kkJ65B5GSbk0yklZkb\
                     eFK4VQAAAAAAKmtJ0gA95Sg_uZJ27_lK1KRGHmZd";
        assert_eq!(signer().seal(&ticket(), ""), token);
    }

    #[test]
    fn an_upload_token_expires_after_its_second() {
        let token = signer().seal_upload(&upload_ticket(), "");
        assert_eq!(signer().open_upload(&token, "", 1_799_999_999), Ok(upload_ticket()));
        assert_eq!(signer().open_upload(&token, "", 1_800_000_000), Err(SignError::Expired));
    }

    #[test]
    fn every_flipped_bit_of_an_upload_token_is_refused() {
        let token = signer().seal_upload(&upload_ticket(), "q");
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..UPLOAD_TOKEN * 8 {
            let mut changed = bytes.clone();
            changed[at / 8] ^= 1 << (at % 8);
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(signer().open_upload(&changed, "q", 0), Err(SignError::Forged), "{at}");
        }
        assert_eq!(Signer::new([8; 32]).open_upload(&token, "q", 0), Err(SignError::Forged));
        assert_eq!(signer().open_upload(&token, "", 0), Err(SignError::Forged));
    }

    /// If the first byte did not determine the length, the end of a claim could be passed as the text after a
    /// shorter one.
    #[test]
    fn one_kind_of_token_is_never_accepted_as_another() {
        let signer = signer();
        let (of_object, of_upload) = (signer.seal(&ticket(), ""), signer.seal_upload(&upload_ticket(), ""));
        assert_eq!(signer.open_upload(&of_object, "", 0), Err(SignError::Malformed));
        assert_eq!(signer.open(&of_upload, "", 0), Err(SignError::Malformed));

        // A valid claim and MAC of a ticket, with the end passed as text.
        let mut printable = ticket();
        (printable.size, printable.expires) = (0x6161_6161_6161, 0x6161_6161);
        let mut digest = *printable.oid.as_bytes();
        digest[30..].fill(b'a');
        printable.oid = Oid::from_bytes(digest);
        let claim = printable.claim();
        let genuine = URL_SAFE_NO_PAD.decode(signer.seal(&printable, "")).unwrap();
        let (front, tail) = claim.split_at(UPLOAD_CLAIM);
        let spliced = URL_SAFE_NO_PAD.encode([front, &genuine[CLAIM..]].concat());
        let tail = std::str::from_utf8(tail).unwrap();
        assert_eq!(signer.open_upload(&spliced, tail, 0), Err(SignError::Malformed), "the verb of an object");
    }

    /// Computed with an independent implementation of the format described above.
    #[test]
    fn the_form_for_uploads_is_frozen() {
        assert_eq!(
            signer().seal_upload(&upload_ticket(), ""),
            "BAEBAQEBAQEBAQEBAQEBAQECAgICAgICAgICAgICAgICAAAABwAAAAAAKmtJ0gD5iXmHEhdhW2BGqHaj4VlV"
        );
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
            prop_assert_eq!(token.len(), 100);
            prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert_eq!(signer.open(&token, &extra, ticket.expires - 1), Ok(ticket));
        }

        #[test]
        fn different_claims_have_different_tokens(left in any_ticket(), right in any_ticket()) {
            prop_assume!(left != right);
            prop_assert_ne!(signer().seal(&left, ""), signer().seal(&right, ""));
        }

        #[test]
        fn tickets_for_uploads_round_trip(ticket in any_upload_ticket(), key: [u8; 32], extra in "\\PC{0,40}") {
            let signer = Signer::new(key);
            let token = signer.seal_upload(&ticket, &extra);
            prop_assert_eq!(token.len(), 84);
            prop_assert_eq!(signer.open_upload(&token, &extra, ticket.expires - 1), Ok(ticket));
            prop_assert_eq!(signer.open(&token, &extra, 0), Err(SignError::Malformed));
        }

        #[test]
        fn different_tickets_for_uploads_have_different_tokens(
            left in any_upload_ticket(),
            right in any_upload_ticket(),
        ) {
            prop_assume!(left != right);
            prop_assert_ne!(signer().seal_upload(&left, ""), signer().seal_upload(&right, ""));
        }

        #[test]
        fn hostile_tokens_are_refused(token in "[A-Za-z0-9_-]{100}|[A-Za-z0-9_-]{84}|\\PC{0,120}", extra in "\\PC{0,9}") {
            prop_assert!(signer().open(&token, &extra, 0).is_err());
            prop_assert!(signer().open_upload(&token, &extra, 0).is_err());
        }
    }
}
