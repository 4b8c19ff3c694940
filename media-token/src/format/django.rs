//! Tokens of django-crossdomainmedia: `TS:SIG`, made by Django's
//! `TimestampSigner` over a path (FORMATS.md, section 1).
//!
//! `TS` is the birth of the token in Unix seconds, base 62. `SIG` is the
//! unpadded base64url HMAC of `PATH:TS` under the key
//! `H(SALT + "signer" + SECRET_KEY)`. Neither the query nor the host is signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::scope::{PathForm, Signs};

/// The salt of the signer that django-crossdomainmedia uses: its class path.
pub const DEFAULT_SALT: &str = "django.core.signing.TimestampSigner";

/// Decoded tokens are at most 10 + 1 + 43 bytes long.
pub const MAX_TOKEN_LEN: usize = 54;

/// Ten digits reach past the year 26,000,000,000 and fit into an `i64`.
const MAX_TIMESTAMP_DIGITS: usize = 10;

/// The hash that a key's signer uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Django 3.1 and later.
    #[default]
    Sha256,
    /// Django up to 3.0, and 3.1 and 3.2 with `DEFAULT_HASHING_ALGORITHM = "sha1"`.
    Sha1,
}

impl Algorithm {
    /// Length of a digest and so of a derived key, in bytes.
    #[must_use]
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha1 => 20,
        }
    }
}

/// A token whose signature has not been looked at.
pub(crate) struct Token<'t> {
    timestamp: &'t [u8],
    signature: &'t [u8],
}

impl<'t> Token<'t> {
    /// Splits a decoded token.
    ///
    /// `None` unless it holds exactly one `:`. The reference reads `b:TS:SIG`
    /// on `/a` as a token for `/a:b` and lets it pass for `/a`; here the path
    /// is never taken from the token.
    pub(crate) fn parse(text: &'t [u8]) -> Option<Self> {
        let mut parts = text.split(|&byte| byte == b':');
        let (timestamp, signature) = (parts.next()?, parts.next()?);
        let plausible = parts.next().is_none()
            && (1..=MAX_TIMESTAMP_DIGITS).contains(&timestamp.len())
            && timestamp.iter().all(u8::is_ascii_alphanumeric);
        plausible.then_some(Self {
            timestamp,
            signature,
        })
    }

    /// When the token was made, in Unix seconds.
    pub(crate) fn born(&self) -> i64 {
        self.timestamp.iter().fold(0, |number: i64, &byte| {
            let digit = match byte {
                b'0'..=b'9' => byte.wrapping_sub(b'0'),
                b'A'..=b'Z' => byte.wrapping_sub(b'A').wrapping_add(10),
                _ => byte.wrapping_sub(b'a').wrapping_add(36),
            };
            number.saturating_mul(62).saturating_add(i64::from(digit))
        })
    }
}

/// A signing key of a Django application, and how that application signs.
pub struct DjangoKey {
    mac: Prepared,
    pub(crate) form: PathForm,
    pub(crate) signs: Signs,
    /// How far ahead of our clock a token may be dated, in seconds.
    pub(crate) max_future: Option<i64>,
}

/// HMAC with the padded key already hashed in.
enum Prepared {
    Sha256(Hmac<Sha256>),
    Sha1(Hmac<Sha1>),
}

impl Prepared {
    fn new(algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        Some(match algorithm {
            Algorithm::Sha256 => Self::Sha256(Hmac::new_from_slice(key).ok()?),
            Algorithm::Sha1 => Self::Sha1(Hmac::new_from_slice(key).ok()?),
        })
    }
}

/// `H(salt + "signer" + secret)`, the key that Django's signer uses.
#[must_use]
pub fn derive(algorithm: Algorithm, salt: &str, secret: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    fn digest<D: Digest>(salt: &str, secret: &[u8]) -> Vec<u8> {
        let mut output = D::new()
            .chain_update(salt)
            .chain_update("signer")
            .chain_update(secret)
            .finalize();
        let key = output.to_vec();
        output.as_mut_slice().zeroize();
        key
    }
    zeroize::Zeroizing::new(match algorithm {
        Algorithm::Sha256 => digest::<Sha256>(salt, secret),
        Algorithm::Sha1 => digest::<Sha1>(salt, secret),
    })
}

impl DjangoKey {
    /// Prepares an already derived key. `None` if the hash takes no such key,
    /// which HMAC never says.
    pub(crate) fn new(
        algorithm: Algorithm,
        derived: &[u8],
        form: PathForm,
        signs: Signs,
        max_future: Option<i64>,
    ) -> Option<Self> {
        Some(Self {
            mac: Prepared::new(algorithm, derived)?,
            form,
            signs,
            max_future,
        })
    }

    /// Whether the token's signature is that of this key over the part of a
    /// path that was signed. Compares in constant time.
    pub(crate) fn verifies(&self, token: &Token<'_>, signed_part: &[u8]) -> bool {
        // Strict decoding: other spellings of the same bytes (padding, unused
        // bits) are not what Django compares with.
        let mut buffer = [0; 36];
        let Ok(len) = URL_SAFE_NO_PAD.decode_slice(token.signature, &mut buffer) else {
            return false;
        };
        let signature = buffer.get(..len).unwrap_or_default();
        match &self.mac {
            Prepared::Sha256(mac) => self.matches(mac.clone(), token, signed_part, signature),
            Prepared::Sha1(mac) => self.matches(mac.clone(), token, signed_part, signature),
        }
    }

    fn matches(
        &self,
        mut mac: impl Mac,
        token: &Token<'_>,
        signed_part: &[u8],
        signature: &[u8],
    ) -> bool {
        self.form.spell(signed_part, &mut |piece| mac.update(piece));
        mac.update(b":");
        mac.update(token.timestamp);
        mac.verify_slice(signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_exactly_one_colon() {
        assert!(Token::parse(b"1r31eq:sig").is_some());
        for text in [
            "",
            ":",
            ":sig",
            "1r31eq",
            "a:1r31eq:sig",
            "1r31eq:sig:",
            "1r31eq::sig",
        ] {
            assert!(Token::parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn a_timestamp_is_one_to_ten_base62_digits() {
        let born = |text: &str| Token::parse(text.as_bytes()).map(|token| token.born());
        assert_eq!(born("1r31eq:"), Some(1_700_000_000));
        assert_eq!(born("0:"), Some(0));
        assert_eq!(born("z:"), Some(61));
        assert_eq!(born("Z:"), Some(35));
        assert_eq!(born("001r31eq:"), Some(1_700_000_000));
        assert_eq!(born("zzzzzzzzzz:"), Some(62_i64.pow(10) - 1));
        assert_eq!(born("zzzzzzzzzzz:"), None);
        for text in ["-1:", "+1:", "1 :", "é:", "1_:"] {
            assert_eq!(born(text), None, "{text}");
        }
    }

    #[test]
    fn derived_keys_are_those_of_django() {
        let hex = |algorithm| {
            let key = derive(algorithm, DEFAULT_SALT, b"test-secret-key-0123456789");
            assert_eq!(key.len(), algorithm.digest_len());
            key.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        assert_eq!(
            hex(Algorithm::Sha256),
            "fc41cf16c12d09ac12805c323e9820199c3fe9ca7ac2976af7a332acb887f2e3"
        );
        assert_eq!(
            hex(Algorithm::Sha1),
            "6bef2d8c26438ed64b028439f23c184896fed74a"
        );
    }
}
