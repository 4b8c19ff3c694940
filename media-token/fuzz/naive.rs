//! What several targets ask of a request and of Django's signer, naively, from
//! FORMATS.md and not from the crate.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use media_token::{Credential, Fields};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Percent-decoded once.
pub fn decoded(text: &[u8], plus: bool) -> Vec<u8> {
    let hex = |digit: &u8| char::from(*digit).to_digit(16);
    let mut out = Vec::new();
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        let escape = match tail {
            [high, low, ..] if *byte == b'%' => hex(high).zip(hex(low)),
            _ => None,
        };
        rest = match escape {
            Some((high, low)) => {
                out.push((high * 16 + low) as u8);
                &tail[2..]
            }
            None => {
                out.push(if plus && *byte == b'+' { b' ' } else { *byte });
                tail
            }
        };
    }
    out
}

fn quoted(text: &[u8], is_safe: impl Fn(u8) -> bool) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if is_safe(byte) {
            out.push(byte);
        } else {
            let [high, low] = [byte / 16, byte % 16].map(|digit| DIGITS[usize::from(digit)]);
            out.extend([b'%', high, low]);
        }
    }
    out
}

/// All but visible ASCII is escaped.
pub fn visible(text: &[u8]) -> Vec<u8> {
    quoted(text, |byte| byte.is_ascii_graphic())
}

pub const FORMS: [&str; 4] = ["reverse", "storage", "decoded", "raw"];

/// A raw path as an application spells it that is configured with `path=`.
pub fn spelled(form: &str, path: &[u8]) -> Vec<u8> {
    match form {
        "raw" => path.to_vec(),
        "decoded" => decoded(path, false),
        "storage" => quoted(&decoded(path, false), |byte| {
            byte.is_ascii_alphanumeric() || b"/~!*()'_.-".contains(&byte)
        }),
        _ => {
            let path = quoted(&decoded(path, false), |byte| {
                byte.is_ascii_alphanumeric() || b"/~:@!$&'()*+,;=_.-".contains(&byte)
            });
            match path.strip_prefix(b"//") {
                Some(rest) => [b"/%2F", rest].concat(),
                None => path,
            }
        }
    }
}

/// Path and query.
pub fn parts(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = target.splitn(2, |&byte| byte == b'?');
    let path = match parts.next() {
        None | Some([]) => b"/",
        Some(path) => path,
    };
    (path, parts.next())
}

/// Name and value.
pub fn pair(pair: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = pair.splitn(2, |&byte| byte == b'=');
    let name = parts.next().unwrap_or_default();
    (name, parts.next().unwrap_or_default())
}

/// Whether nginx would serve another path than the target names.
pub fn is_unsafe(target: &[u8]) -> bool {
    let path = decoded(parts(target).0, false);
    let mut names = path.split(|&byte| byte == b'/');
    target.contains(&b'#') || path.contains(&0) || names.any(|name| name == b"." || name == b"..")
}

/// Whether readers may disagree on the path's segments.
pub fn is_ambiguous(path: &[u8]) -> bool {
    let decoded = decoded(path, false);
    let slashes = |text: &[u8]| text.iter().filter(|&&byte| byte == b'/').count();
    decoded.contains(&b'\\')
        || decoded.windows(2).any(|pair| pair == b"//")
        || slashes(&decoded) != slashes(path)
}

/// What a key with `signs=parent` signs.
pub fn parent(path: &[u8]) -> Option<&[u8]> {
    let end = path.iter().rposition(|&byte| byte == b'/')?;
    (!is_ambiguous(path)).then(|| &path[..end])
}

/// A key of Django's.
#[derive(Clone, Copy)]
pub struct Django<'s> {
    pub secret: &'s [u8],
    pub salt: &'s str,
    pub is_sha1: bool,
    /// The secret is what others derive from theirs.
    pub is_derived: bool,
}

impl<'s> Django<'s> {
    pub fn new(secret: &'s [u8]) -> Self {
        Self {
            secret,
            salt: "django.core.signing.TimestampSigner",
            is_sha1: false,
            is_derived: false,
        }
    }

    pub fn sign(&self, text: &[u8], timestamp: &[u8]) -> Vec<u8> {
        let message = [text, b":", timestamp].concat();
        let material = [self.salt.as_bytes(), b"signer", self.secret].concat();
        let signature = if self.is_sha1 {
            let derived = Sha1::digest(&material).to_vec();
            let key = if self.is_derived {
                self.secret
            } else {
                &derived
            };
            let mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
            mac.chain_update(message).finalize().into_bytes().to_vec()
        } else {
            let derived = Sha256::digest(&material).to_vec();
            let key = if self.is_derived {
                self.secret
            } else {
                &derived
            };
            let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
            mac.chain_update(message).finalize().into_bytes().to_vec()
        };
        URL_SAFE_NO_PAD.encode(signature).into_bytes()
    }

    pub fn mint(&self, text: &[u8], timestamp: &[u8]) -> Vec<u8> {
        [timestamp, b":", &self.sign(text, timestamp)].concat()
    }

    /// Whether a token is one of this key's for a text.
    pub fn verifies(&self, text: &[u8], token: &[u8]) -> bool {
        let mut parts = token.split(|&byte| byte == b':');
        let (Some(timestamp), Some(signature), None) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        signature == self.sign(text, timestamp)
    }
}

/// A header line: name and value.
pub type Line = (Vec<u8>, Vec<u8>);

/// Header lines, and what was cut out of the path.
pub struct Request<'a> {
    pub lines: &'a [Line],
    pub segment: Option<Credential<'a>>,
}

impl<'a> Fields<'a> for Request<'a> {
    fn lines(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let lines = self.lines.iter();
        lines.map(|(name, value)| (&name[..], &value[..]))
    }

    fn segment(&self) -> Option<Credential<'a>> {
        self.segment
    }
}
