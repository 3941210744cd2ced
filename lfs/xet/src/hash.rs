//! Hashes of chunks, files and ranges (keyed BLAKE3), and their text.
//!
//! The text is not the hexadecimal form of the bytes: each group of 8 bytes is reversed, because the hash is regarded as
//! four little-endian numbers. Source: `hashing`; draft, "Hash String Representation".

use std::fmt;
use std::str::FromStr;

use crate::format::{CHUNK_KEY, DEDUP_MODULUS, FILE_KEY, NODE_KEY, VERIFICATION_KEY};

/// A hash of 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Zeros: the root of a tree without chunks.
    pub const ZERO: Self = Self([0; 32]);

    /// Creates a hash from its bytes, in the order in which binary formats have them.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, in the order in which binary formats have them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Computes the hash of a chunk. Source: `hashing`, "Chunk Hashes".
    pub fn of_chunk(chunk: &[u8]) -> Self {
        Self(blake3::keyed_hash(&CHUNK_KEY, chunk).into())
    }

    /// Computes the verification hash of a term from the hashes of its chunks. Source: `hashing`, "Term Verification
    /// Hashes".
    pub fn of_range(chunks: impl IntoIterator<Item = Self>) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&VERIFICATION_KEY);
        for chunk in chunks {
            hasher.update(&chunk.0);
        }
        Self(hasher.finalize().into())
    }

    /// Computes the hash of a node from the lines of its children.
    pub(crate) fn of_node(lines: &[u8]) -> Self {
        Self(blake3::keyed_hash(&NODE_KEY, lines).into())
    }

    /// Computes the hash of a file from the root of its tree.
    pub(crate) fn of_file(self) -> Self {
        self.with_key(&FILE_KEY)
    }

    /// Computes the form of a chunk's hash in an answer to a deduplication query, which only those can compare with
    /// their chunks that have the chunks. Source: `shard`, "HMAC Key Protection".
    #[must_use]
    pub fn with_key(self, key: &[u8; 32]) -> Self {
        Self(blake3::keyed_hash(key, &self.0).into())
    }

    /// Reports whether a chunk with this hash may be queried in other uploads. The first chunk of a file may be as well,
    /// whatever its hash. Source: `deduplication`.
    pub fn is_dedup_eligible(&self) -> bool {
        self.last_number().is_multiple_of(DEDUP_MODULUS)
    }

    /// Returns the last 8 bytes as a number, on which rules depend.
    pub(crate) fn last_number(&self) -> u64 {
        u64::from_le_bytes(*self.0.last_chunk().expect("a hash has 32 bytes"))
    }

    /// Returns the 64 lower-case digits of the text.
    pub(crate) fn digits(&self) -> [u8; 64] {
        let mut digits = [0; 64];
        hex::encode_to_slice(reverse_groups(self.0), &mut digits).expect("32 bytes have 64 digits");
        digits
    }
}

/// Reverses each group of 8 bytes. The text of a hash has this order, and so has a SHA-256 in a shard.
pub(crate) fn reverse_groups(mut bytes: [u8; 32]) -> [u8; 32] {
    bytes.chunks_exact_mut(8).for_each(<[u8]>::reverse);
    bytes
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(reverse_groups(self.0)))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// The text is not a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash has 64 hexadecimal digits")]
pub struct InvalidHash;

impl FromStr for Hash {
    type Err = InvalidHash;

    /// Parses 64 hexadecimal digits, of either case.
    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidHash)?;
        Ok(Self(reverse_groups(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Source: draft, "Chunk Hash Test Vector".
    #[test]
    fn the_hash_of_a_chunk_is_that_of_the_specification() {
        let hash = Hash::of_chunk(b"Hello World!");
        assert_eq!(hash.to_string(), "d8d408e608fb9ca213b9909a65d86d725f2de4d8d540324be8a363e7a6e228cb");
        assert_eq!(hex::encode(hash.as_bytes()), "a29cfb08e608d4d8726dd8659a90b9134b3240d5d8e42d5fcb28e2a6e763a3e8");
    }

    /// Source: draft, "Hash String Conversion Test Vector".
    #[test]
    fn the_text_reverses_groups_of_eight_bytes() {
        let hash = Hash(std::array::from_fn(|index| u8::try_from(index).unwrap()));
        let text = "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918";
        assert_eq!(hash.to_string(), text);
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(text.to_uppercase().parse(), Ok(hash));
        assert_eq!(hash.last_number(), 0x1f1e_1d1c_1b1a_1918);
    }

    /// Source: draft, "Verification Range Hash Test Vector".
    #[test]
    fn the_verification_hash_is_that_of_the_specification() {
        let chunks = [
            "c28f58387a60d4aa200c311cda7c7f77f686614864f5869eadebf765d0a14a69",
            "6e4e3263e073ce2c0e78cc770c361e2778db3b054b98ab65e277fc084fa70f22",
        ];
        let hash = Hash::of_range(chunks.map(|text| text.parse().unwrap()));
        assert_eq!(hash.to_string(), "eb06a8ad81d588ac05d1d9a079232d9c1e7d0b07232fa58091caa7bf333a2768");
    }

    proptest! {
        #[test]
        fn text_round_trips(bytes: [u8; 32]) {
            let hash = Hash(bytes);
            prop_assert_eq!(hash.to_string().parse(), Ok(hash));
            prop_assert_eq!(hash.digits().to_vec(), hash.to_string().into_bytes());
        }

        #[test]
        fn other_text_is_refused(text in "[0-9a-f]{0,63}|[0-9a-f]{65,70}|[0-9a-fg-z ]{0,20}[g-z ][0-9a-f]{0,50}|\\PC{0,70}") {
            prop_assume!(text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()));
            prop_assert_eq!(text.parse::<Hash>(), Err(InvalidHash));
        }
    }
}
