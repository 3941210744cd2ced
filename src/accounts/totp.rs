//! One-time codes that depend on the time (TOTP, RFC 6238): SHA-1, 30 seconds, six digits, which is what all
//! authenticator apps support. And recovery codes.

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;

use crate::access::tokens;
use crate::clock::random;
use crate::types::{Millis, Secret};

/// Length of a time step, in milliseconds.
const STEP: i64 = 30_000;

/// Number of recovery codes of a user.
pub(super) const RECOVERY_CODES: usize = 10;

/// Characters of a recovery code: 80 bits, so that a plain hash is safe.
const RECOVERY_CHARS: usize = 16;

/// Base32 (RFC 4648 §6), in which no digit looks like a letter.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The secret that the server shares with an authenticator app.
pub(super) struct TotpSecret([u8; 20]);

/// A code that a user has entered.
pub(super) enum Code {
    /// Six digits of an authenticator app.
    Totp([u8; 6]),
    /// A recovery code, without separators.
    Recovery(Secret),
}

impl TotpSecret {
    /// Generates a secret.
    pub(super) fn generate() -> Self {
        Self(random())
    }

    /// Returns the secret with these bytes, or `None` if their number is wrong.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the secret as text that can be typed into an app.
    pub(super) fn base32(&self) -> Secret {
        Secret::new(base32(&self.0))
    }

    /// Returns the `otpauth:` URL, which apps read as a QR code.
    pub(super) fn url(&self, issuer: &str, account: &str) -> Secret {
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let (issuer, account, secret) = (escaped(issuer), escaped(account), base32(&self.0));
        Secret::new(format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}"))
    }

    /// Returns the code of a time step (RFC 4226 §5.3).
    fn code(&self, step: i64) -> [u8; 6] {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash[19] & 15);
        let number = u32::from_be_bytes([hash[offset], hash[offset + 1], hash[offset + 2], hash[offset + 3]]);
        let mut code = [b'0'; 6];
        let digits = format!("{:06}", (number & 0x7fff_ffff) % 1_000_000);
        code.copy_from_slice(digits.as_bytes());
        code
    }

    /// Returns the time step that a code belongs to: the current one, or one before or after it, because clocks differ.
    /// `None` for a wrong code. Takes the same time for all codes.
    pub(super) fn step_of(&self, code: [u8; 6], now: Millis) -> Option<i64> {
        let current = now.0.div_euclid(STEP);
        let mut found = None;
        for step in [current - 1, current, current + 1] {
            let differing = self.code(step).iter().zip(code).fold(0, |sum, (one, other)| sum | (one ^ other));
            if std::hint::black_box(differing) == 0 {
                found = Some(step);
            }
        }
        found
    }
}

impl Code {
    /// Parses a code, with or without spaces and dashes. Returns `None` if it can be neither kind.
    pub(super) fn parse(text: &Secret) -> Option<Self> {
        if text.expose().len() > 64 {
            return None;
        }
        let text: String = text.expose().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if let Ok(digits) = <[u8; 6]>::try_from(text.as_bytes())
            && digits.iter().all(u8::is_ascii_digit)
        {
            return Some(Self::Totp(digits));
        }
        let text = text.to_ascii_uppercase();
        let fits = text.len() == RECOVERY_CHARS && text.bytes().all(|byte| ALPHABET.contains(&byte));
        fits.then(|| Self::Recovery(Secret::new(text)))
    }
}

/// Generates recovery codes. Returns them as shown to the user, and their hashes.
pub(super) fn recovery_codes() -> (Vec<Secret>, Vec<String>) {
    let codes = (0..RECOVERY_CODES).map(|_| {
        let code = base32(&random::<10>());
        let parts: Vec<String> =
            code.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part).to_ascii_lowercase()).collect();
        (Secret::new(parts.join("-")), tokens::hash(&Secret::new(code)))
    });
    codes.unzip()
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for part in bytes.chunks_exact(5) {
        let number = part.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        for shift in (0..8).rev() {
            let index = usize::try_from(number >> (5 * shift) & 31).unwrap_or_default();
            text.push(char::from(ALPHABET[index]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: TotpSecret = TotpSecret(*b"12345678901234567890");

    fn totp(text: &str) -> Option<[u8; 6]> {
        match Code::parse(&Secret::new(text.to_owned()))? {
            Code::Totp(code) => Some(code),
            Code::Recovery(_) => None,
        }
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, of which the last six digits.
        for (seconds, code) in [
            (59, b"287082"),
            (1_111_111_109, b"081804"),
            (1_111_111_111, b"050471"),
            (1_234_567_890, b"005924"),
            (2_000_000_000, b"279037"),
            (20_000_000_000, b"353130"),
        ] {
            assert_eq!(&SECRET.code(seconds / 30), code, "{seconds}");
        }
        assert_eq!(SECRET.base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_code_is_valid_one_step_early_and_late() {
        let code = SECRET.code(100);
        let at = |seconds: i64| SECRET.step_of(code, Millis(seconds * 1000));
        assert_eq!([at(2969), at(2970), at(3000), at(3059), at(3060)], [None, Some(100), Some(100), Some(100), None]);
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        assert_eq!(totp(" 123 456\n"), Some(*b"123456"));
        assert_eq!(totp("123-456"), Some(*b"123456"));
        for wrong in ["", "12345", "1234567", "12345a", "１２３４５６", "abcd-efgh-ijkl-mno1", &"1".repeat(100)] {
            assert!(Code::parse(&Secret::new(wrong.to_owned())).is_none(), "{wrong}");
        }
        let (codes, hashes) = recovery_codes();
        assert_eq!((codes.len(), hashes.len()), (RECOVERY_CODES, RECOVERY_CODES));
        for (code, hash) in codes.iter().zip(&hashes) {
            assert_eq!(code.expose().len(), RECOVERY_CHARS + 3);
            for typed in [code.expose().to_owned(), code.expose().to_uppercase().replace('-', " ")] {
                let Some(Code::Recovery(code)) = Code::parse(&Secret::new(typed)) else {
                    panic!("not a recovery code")
                };
                assert_eq!(tokens::hash(&code), *hash);
            }
        }
    }

    #[test]
    fn the_url_names_site_and_account() {
        let url = SECRET.url("drive.example.org:8443", "ada");
        let secret = SECRET.base32();
        let expected = format!(
            "otpauth://totp/drive%2Eexample%2Eorg%3A8443:ada?secret={}&issuer=drive%2Eexample%2Eorg%3A8443",
            secret.expose()
        );
        assert_eq!(url.expose(), expected);
    }
}
