//! Character encodings of text files, detected or declared, and their conversion to UTF-8 as a stream.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::error::{Error, Result};

/// Number of bytes at the beginning of a file that are searched for NUL, which text does not contain.
const BINARY_BYTES: usize = 8192;

/// The encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Charset {
    encoding: &'static Encoding,
    /// Length of the byte order mark.
    mark: u64,
}

impl Charset {
    /// Detects the encoding from the beginning of a file, or from all of it. A byte order mark takes precedence over the
    /// declared encoding.
    ///
    /// # Errors
    /// Invalid if the file is not text, or if the declared encoding is unknown.
    pub(crate) fn detect(head: &[u8], is_all: bool, declared: Option<&str>) -> Result<Self> {
        if let Some((encoding, mark)) = Encoding::for_bom(head) {
            return Ok(Self { encoding, mark: mark as u64 });
        }
        if let Some(label) = declared {
            let encoding = Encoding::for_label_no_replacement(label.as_bytes())
                .ok_or_else(|| Error::invalid(format!("unknown encoding {label:?}; declare one such as \"utf-8\"")))?;
            return Ok(Self { encoding, mark: 0 });
        }
        if head.iter().take(BINARY_BYTES).any(|byte| *byte == 0) {
            return Err(Error::invalid("the file is not text"));
        }
        let encoding = match std::str::from_utf8(head) {
            Ok(_) => UTF_8,
            // A character truncated by the end of `head`.
            Err(error) if error.error_len().is_none() && !is_all => UTF_8,
            // A superset of Latin-1.
            Err(_) => WINDOWS_1252,
        };
        Ok(Self { encoding, mark: 0 })
    }

    /// Returns the encoding with this name, which [`Charset::name`] returned.
    pub(crate) fn named(name: &str, mark: u64) -> Option<Self> {
        let encoding = Encoding::for_label_no_replacement(name.as_bytes())?;
        (mark <= 3).then_some(Self { encoding, mark })
    }

    /// Returns the name of the encoding.
    pub(crate) fn name(self) -> &'static str {
        self.encoding.name()
    }

    /// Returns the name of the encoding in a Data Package, given the beginning of the file.
    pub(crate) fn declared_name(self, head: &[u8]) -> String {
        if self.encoding == UTF_16LE || self.encoding == UTF_16BE {
            "utf-16".to_owned()
        } else if self.encoding == WINDOWS_1252 && !head.iter().any(|byte| (0x80..0xa0).contains(byte)) {
            "iso-8859-1".to_owned()
        } else {
            self.encoding.name().to_ascii_lowercase()
        }
    }

    /// Returns the length of the byte order mark.
    pub(crate) fn mark(self) -> u64 {
        self.mark
    }

    /// Returns the length in the file of a text; `None` for encodings in which it cannot be determined.
    pub(super) fn source_len(self, text: &str) -> Option<u64> {
        let length = if self.encoding == UTF_8 {
            text.len()
        } else if self.encoding == UTF_16LE || self.encoding == UTF_16BE {
            2 * text.encode_utf16().count()
        } else if self.encoding.is_single_byte() {
            text.chars().count()
        } else {
            return None;
        };
        Some(length as u64)
    }

    /// Creates a decoder of text that does not begin with a byte order mark.
    pub(super) fn decoder(self) -> TextDecoder {
        TextDecoder {
            decoder: self.encoding.new_decoder_without_bom_handling(),
            keeps_length: self.encoding != UTF_8,
            is_malformed: false,
        }
    }

    /// Decodes the beginning of a file.
    #[cfg(test)]
    pub(crate) fn decode(self, head: &[u8], is_all: bool) -> String {
        let mut text = String::new();
        let mark = usize::try_from(self.mark).unwrap();
        self.decoder().decode(&head[mark..], is_all, &mut text);
        text
    }
}

/// Converts bytes to text. Malformed sequences become U+FFFD.
pub(super) struct TextDecoder {
    decoder: Decoder,
    /// True if a replaced character is as long in the file as any other.
    keeps_length: bool,
    is_malformed: bool,
}

impl TextDecoder {
    /// Converts bytes, and adds the text to `text`. Characters may be cut between calls.
    pub(super) fn decode(&mut self, bytes: &[u8], is_last: bool, text: &mut String) {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            text.reserve(self.decoder.max_utf8_buffer_length(rest.len()).unwrap_or(rest.len() + 16));
            let (result, read, is_malformed) = self.decoder.decode_to_string(rest, text, is_last);
            self.is_malformed |= is_malformed;
            used += read;
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }

    /// Returns true if lengths in the file can no longer be computed from the text.
    pub(super) fn has_lost_count(&self) -> bool {
        self.is_malformed && !self.keeps_length
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn encodings_are_detected() {
        let of = |bytes: &[u8]| Charset::detect(bytes, true, None).map(|found| found.declared_name(bytes));
        assert_eq!(of(b"plain").unwrap(), "utf-8");
        assert_eq!(of("größe".as_bytes()).unwrap(), "utf-8");
        assert_eq!(of("\u{feff}größe".as_bytes()).unwrap(), "utf-8");
        assert_eq!(of(b"gr\xf6\xdfe").unwrap(), "iso-8859-1");
        assert_eq!(of(b"\x80 5").unwrap(), "windows-1252");
        assert_eq!(of(&utf_16("a", u16::to_be_bytes)).unwrap(), "utf-16");
        assert!(of(b"a\0b").is_err());
        let cut = &"größe".as_bytes()[..3];
        assert_eq!(Charset::detect(cut, false, None).unwrap().name(), "UTF-8");
        assert_eq!(Charset::detect(cut, true, None).unwrap().name(), "windows-1252");
        assert_eq!(Charset::detect(b"a", true, Some("latin1")).unwrap().name(), "windows-1252");
        assert!(Charset::detect(b"a", true, Some("klingon")).is_err());
    }

    proptest! {
        #[test]
        fn text_is_decoded_in_pieces(text in "[a-z€ü😀\n]{0,60}", piece in 1_usize..9) {
            for bytes in [text.clone().into_bytes(), utf_16(&text, u16::to_le_bytes), utf_16(&text, u16::to_be_bytes)] {
                let charset = Charset::detect(&bytes, true, None).unwrap();
                let body = &bytes[usize::try_from(charset.mark()).unwrap()..];
                let mut decoder = charset.decoder();
                let mut found = String::new();
                for piece in body.chunks(piece) {
                    decoder.decode(piece, false, &mut found);
                }
                decoder.decode(&[], true, &mut found);
                prop_assert_eq!(&found, &text);
                prop_assert_eq!(charset.source_len(&text), Some(body.len() as u64));
                prop_assert!(!decoder.has_lost_count());
            }
        }

        #[test]
        fn any_bytes_have_a_length(bytes in prop::collection::vec(any::<u8>(), 0..40), label in 0_usize..3) {
            let label = ["windows-1252", "koi8-r", "utf-16le"][label];
            let charset = Charset::named(label, 0).unwrap();
            let length = bytes.len() / 2 * 2;
            let text = charset.decode(&bytes[..length], true);
            // An unpaired surrogate at the end is the only character that is not counted right.
            prop_assert_eq!(charset.source_len(&text), Some(length as u64));
        }
    }
}
