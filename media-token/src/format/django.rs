//! Tokens of django-crossdomainmedia: `TS:SIG`, made by Django's
//! `TimestampSigner` over a path (FORMATS.md, section 1).
//!
//! `TS` is the birth of the token in Unix seconds, base 62. `SIG` is the
//! unpadded base64url HMAC of `PATH:TS` under the key
//! `H(SALT + "signer" + SECRET_KEY)`. Neither the query nor the host is signed.

pub(super) mod options;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use constant_time_eq::{constant_time_eq, constant_time_eq_n};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::mac;
use crate::query;
use crate::scope::{Path, PathForm, Signs};

/// The salt of the signer that django-crossdomainmedia uses: its class path.
pub const DEFAULT_SALT: &str = "django.core.signing.TimestampSigner";

/// Decoded tokens are at most 10 + 1 + 43 bytes long.
pub const MAX_TOKEN_LEN: usize = 54;

/// Length of an unpadded base64 SHA-256 digest, in bytes.
const SHA256_TEXT_LEN: usize = mac::TEXT_LEN;

/// Length of an unpadded base64 SHA-1 digest, in bytes.
const SHA1_TEXT_LEN: usize = 27;

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
    /// When the token was made, in Unix seconds.
    pub(crate) born: i64,
}

impl<'t> Token<'t> {
    /// Reads the value of an argument, which `buffer` is there to decode into.
    #[inline(always)]
    pub(crate) fn from_value(value: &'t [u8], buffer: &'t mut [u8; MAX_TOKEN_LEN]) -> Option<Self> {
        // Nearly all tokens come as `TS:SIG`, or as `TS%3ASIG` from Django.
        let (born, len) = read_timestamp(value);
        let (timestamp, rest) = value.split_at_checked(len)?;
        if let [b':', signature @ ..] | [b'%', b'3', b'A' | b'a', signature @ ..] = rest
            && !has_escape(signature)
        {
            return Self::new(timestamp, signature, born);
        }
        Self::parse(query::decode_value(value, buffer)?)
    }

    /// Splits a decoded token.
    ///
    /// `None` unless it is a timestamp, one `:`, and as many bytes as a signature
    /// has. The reference reads `b:TS:SIG` on `/a` as a token for `/a:b` and lets
    /// it pass for `/a`; here the path is never taken from the token.
    #[cold]
    fn parse(text: &'t [u8]) -> Option<Self> {
        let (born, len) = read_timestamp(text);
        match text.split_at_checked(len)? {
            (timestamp, [b':', signature @ ..]) => Self::new(timestamp, signature, born),
            _ => None,
        }
    }

    fn new(timestamp: &'t [u8], signature: &'t [u8], born: i64) -> Option<Self> {
        let has_length = matches!(signature.len(), SHA256_TEXT_LEN | SHA1_TEXT_LEN);
        (has_length && !timestamp.is_empty()).then_some(Self {
            timestamp,
            signature,
            born,
        })
    }
}

/// Whether there is a `%`. (A `+`, which means a space, is in no signature either.)
#[inline(always)]
fn has_escape(text: &[u8]) -> bool {
    let among = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(false, |found, &byte| found | (byte == b'%'))
    };
    match <&[u8; SHA256_TEXT_LEN]>::try_from(text) {
        // Nearly always. Of so many bytes the compiler makes a few vectors.
        Ok(text) => among(text),
        Err(_) => among(text),
    }
}

/// The base-62 number that a text begins with, and how many bytes of it are digits;
/// no more than a timestamp has.
#[inline]
fn read_timestamp(text: &[u8]) -> (i64, usize) {
    let mut number: i64 = 0;
    let mut len: usize = 0;
    // What is shorter has no signature.
    let Some(head) = text.first_chunk::<MAX_TIMESTAMP_DIGITS>() else {
        return (0, 0);
    };
    for &byte in head {
        let digit = DIGITS.get(usize::from(byte)).copied().unwrap_or(NO_DIGIT);
        if digit == NO_DIGIT {
            break;
        }
        // So few digits fit.
        number = number.wrapping_mul(62).wrapping_add(i64::from(digit));
        len = len.wrapping_add(1);
    }
    (number, len)
}

const NO_DIGIT: u8 = u8::MAX;

/// The base-62 digit that each byte stands for.
static DIGITS: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut byte = 0_u8;
    while let [first, tail @ ..] = rest {
        *first = match byte {
            b'0'..=b'9' => byte.wrapping_sub(b'0'),
            b'A'..=b'Z' => byte.wrapping_sub(b'A').wrapping_add(10),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(36),
            _ => NO_DIGIT,
        };
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    table
};

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
    Sha256(mac::PreparedKey),
    Sha1(Hmac<Sha1>),
}

impl Prepared {
    fn new(algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        Some(match algorithm {
            Algorithm::Sha256 => Self::Sha256(mac::PreparedKey::new(key)),
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

    /// Whether the token's signature is as long as this key's are: others need no
    /// hashing.
    pub(crate) fn is_of_its_length(&self, token: &Token<'_>) -> bool {
        token.signature.len()
            == match self.mac {
                Prepared::Sha256(_) => SHA256_TEXT_LEN,
                Prepared::Sha1(_) => SHA1_TEXT_LEN,
            }
    }

    /// Whether the token's signature is that of this key over the part of a
    /// path that was signed. Like Django, compares texts and not what they decode
    /// to, so that a signature has one spelling; in constant time.
    // Not a part of the loop over the keys, as most have one only.
    #[inline(never)]
    pub(crate) fn verifies(&self, token: &Token<'_>, signed_part: &Path<'_>) -> bool {
        match &self.mac {
            Prepared::Sha256(key) => {
                // Before the work, since a token of the other length is not for this key.
                let Ok(signature) = <&[u8; SHA256_TEXT_LEN]>::try_from(token.signature) else {
                    return false;
                };
                let mut message = key.message();
                self.say(token, signed_part, |piece| message.update(piece));
                constant_time_eq_n(&mac::encode(&message.finalize()), signature)
            }
            Prepared::Sha1(_) if token.signature.len() != SHA1_TEXT_LEN => false,
            Prepared::Sha1(key) => {
                let mut mac = key.clone();
                self.say(token, signed_part, |piece| mac.update(piece));
                let digest = mac.finalize().into_bytes();
                let mut text = [0; SHA1_TEXT_LEN];
                URL_SAFE_NO_PAD.encode_slice(digest, &mut text).is_ok()
                    && constant_time_eq(&text, token.signature)
            }
        }
    }

    /// What Django signs: `PATH:TS`.
    #[inline]
    fn say(&self, token: &Token<'_>, signed_part: &Path<'_>, mut sink: impl FnMut(&[u8])) {
        signed_part.spell(self.form, &mut sink);
        sink(b":");
        sink(token.timestamp);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "U2XBGXdGPAV6XbThMfnKoN4zxqJ2K9LO7u2Ivfr4xB0";

    #[test]
    fn a_token_is_a_timestamp_one_colon_and_a_signature() {
        let parses = |text: &str| Token::parse(text.as_bytes()).is_some();
        assert!(parses(&format!("1r31eq:{SIGNATURE}")));
        assert!(parses("1r31eq:tyVxKHhho2n76qJDvar-EzYDz34"));
        for text in [
            "",
            ":",
            "1r31eq",
            "1r31eq:sig",
            &format!(":{SIGNATURE}"),
            &format!("a:1r31eq:{SIGNATURE}"),
            &format!("1r31eq:{SIGNATURE}:"),
            &format!("1r31eq::{SIGNATURE}"),
            &format!("1r31eq:{SIGNATURE}="),
        ] {
            assert!(!parses(text), "{text}");
        }
    }

    #[test]
    fn a_timestamp_is_one_to_ten_base62_digits() {
        let born = |digits: &str| {
            let text = format!("{digits}:{SIGNATURE}");
            Token::parse(text.as_bytes()).map(|token| token.born)
        };
        assert_eq!(born("1r31eq"), Some(1_700_000_000));
        assert_eq!(born("0"), Some(0));
        assert_eq!(born("z"), Some(61));
        assert_eq!(born("Z"), Some(35));
        assert_eq!(born("001r31eq"), Some(1_700_000_000));
        assert_eq!(born("zzzzzzzzzz"), Some(62_i64.pow(10) - 1));
        for digits in ["zzzzzzzzzzz", "", "-1", "+1", "1 ", "é", "1_"] {
            assert_eq!(born(digits), None, "{digits}");
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
