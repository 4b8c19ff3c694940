//! Keys as their files hold them: a secret, a PEM public key, a JWK (RFC 7517)
//! or a set of these.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{Algorithm, Family, Verifier};
use crate::key::{KeyError, is_id};
use crate::public_key;

/// What begins every PEM block.
const PEM: &[u8] = b"-----BEGIN ";

/// What a file seems to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Secret,
    Pem,
    Jwk,
}

impl Content {
    /// By how the file begins: no secret in base64 or hex looks like the others.
    pub(crate) fn of(file: &[u8]) -> Self {
        let text = file.trim_ascii_start();
        if text.starts_with(b"{") {
            Self::Jwk
        } else if text.windows(PEM.len()).any(|window| window == PEM) {
            Self::Pem
        } else {
            Self::Secret
        }
    }
}

/// Whether bytes that would be taken for a secret are a public key, written in a way
/// that is not supported here. Whoever knows a secret can make tokens, and a public
/// key is known to all.
pub(crate) fn looks_public(bytes: &[u8]) -> bool {
    // A byte order mark, a JWK Set without its object, OpenSSH's and other armour.
    const BEGINNINGS: [&str; 7] = ["\u{feff}", "{", "[", "----", "ssh-", "ecdsa-", "sk-"];
    let trimmed = bytes.trim_ascii();
    // Bytes at random may well begin so, but are no text.
    let text = str::from_utf8(trimmed).ok().filter(|text| {
        let is_strange = |char: char| char.is_control() && !char.is_ascii_whitespace();
        !text.contains(is_strange)
    });
    let joined: Vec<u8> = trimmed
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let decoded = STANDARD
        .decode(&joined)
        .or_else(|_| URL_SAFE_NO_PAD.decode(&joined));
    text.is_some_and(|text| {
        BEGINNINGS
            .iter()
            .any(|&beginning| text.starts_with(beginning))
    }) || is_wide(bytes)
        || is_sequence(bytes)
        || decoded.is_ok_and(|decoded| is_sequence(&decoded))
}

/// Whether this begins as UTF-16 of ASCII does, with its mark or without.
fn is_wide(bytes: &[u8]) -> bool {
    let (pairs, _) = match bytes {
        [0xfe, 0xff, rest @ ..] | [0xff, 0xfe, rest @ ..] => rest.as_chunks(),
        bytes => bytes.as_chunks(),
    };
    let pairs = pairs.get(..8).unwrap_or(pairs);
    !pairs.is_empty()
        && (pairs.iter().all(|pair| matches!(pair, [0, 1..=0x7f]))
            || pairs.iter().all(|pair| matches!(pair, [1..=0x7f, 0])))
}

/// Whether all of it is one SEQUENCE of DER, as each kind of public key is: one that
/// holds another, or a number, and is no text.
fn is_sequence(bytes: &[u8]) -> bool {
    let (len, rest) = match bytes {
        [0x30, len @ 0..=0x7f, rest @ ..] => (usize::from(*len), rest),
        [0x30, 0x81, len, rest @ ..] => (usize::from(*len), rest),
        [0x30, 0x82, high, low, rest @ ..] => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return false,
    };
    let is_text = bytes
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    len == rest.len() && matches!(rest, [0x30 | 0x02, ..]) && !is_text
}

/// A key of a file, with the name that it has there.
pub(crate) struct Found {
    pub(crate) id: Option<Box<str>>,
    pub(crate) verifier: Verifier,
}

/// HMAC with a secret, which is at least as long as the hash (RFC 7518, 3.2).
pub(crate) fn from_secret(secret: &[u8], algorithm: Algorithm) -> Result<Verifier, KeyError> {
    let Some(least) = algorithm.hash_len() else {
        return Err(KeyError::NoPublicKey(algorithm.as_str()));
    };
    if secret.len() < least {
        return Err(KeyError::ShortSecret {
            len: secret.len(),
            algorithm: algorithm.as_str(),
            least,
        });
    }
    Verifier::hmac(algorithm, secret).ok_or(KeyError::Empty)
}

/// The one public key of a PEM file.
pub(crate) fn from_pem(file: &[u8], algorithm: Option<Algorithm>) -> Result<Verifier, KeyError> {
    let der = &public_key::from_pem(file)?;
    let (family, default) = [
        (Family::Ed25519, Algorithm::EdDsa),
        (Family::P256, Algorithm::Es256),
        (Family::Rsa, Algorithm::Rs256),
    ]
    .into_iter()
    .find(|(_, algorithm)| parse(*algorithm, der).is_some())
    .ok_or(KeyError::OtherPublicKey)?;
    let algorithm = algorithm.unwrap_or(default);
    if algorithm.family() != family {
        return Err(KeyError::Unfit {
            algorithm: algorithm.as_str(),
            key: family.as_str(),
        });
    }
    public(algorithm, der)
}

/// A public key in the form of X.509's `SubjectPublicKeyInfo`, or for Ed25519 and
/// P-256 as the bytes of its point.
fn public(algorithm: Algorithm, der: &[u8]) -> Result<Verifier, KeyError> {
    if algorithm.family() == Family::Rsa {
        public_key::check_rsa(der)?;
    }
    let key = parse(algorithm, der).ok_or(KeyError::OtherPublicKey)?;
    Ok(Verifier::Public(algorithm, key))
}

fn parse(algorithm: Algorithm, der: &[u8]) -> Option<ParsedPublicKey> {
    let verification: &'static dyn VerificationAlgorithm = match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::EdDsa => &ED25519,
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return None,
    };
    ParsedPublicKey::new(verification, der).ok()
}

/// What is known of every JWK, whatever its type.
#[derive(Deserialize)]
struct Common<'f> {
    kty: &'f str,
    alg: Option<&'f str>,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    /// The private part of a key pair.
    d: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Octets<'f> {
    k: &'f str,
}

#[derive(Deserialize)]
struct Rsa<'f> {
    n: &'f str,
    e: &'f str,
}

#[derive(Deserialize)]
struct Point<'f> {
    crv: &'f str,
    x: &'f str,
    y: Option<&'f str>,
}

#[derive(Deserialize)]
struct Set<'f> {
    #[serde(borrow)]
    keys: Option<Vec<&'f RawValue>>,
}

/// The usable keys of a JWK or a JWK Set, and how many of a type or algorithm were
/// left out that this module does not know.
pub(crate) fn from_jwk(file: &[u8]) -> Result<(Vec<Found>, usize), KeyError> {
    let text = std::str::from_utf8(file).map_err(|_| KeyError::Json)?;
    let set: Set<'_> = serde_json::from_str(text).map_err(|_| KeyError::Json)?;
    let Some(entries) = set.keys else {
        return match read(text)? {
            Entry::Key(found) => Ok((vec![found], 0)),
            Entry::Unknown | Entry::NotForUs => Err(KeyError::NoUsableJwk),
        };
    };
    let mut keys: Vec<Found> = Vec::new();
    let mut ignored: usize = 0;
    for (number, entry) in (1..).zip(entries) {
        let in_set = |error: KeyError| KeyError::InSet {
            number,
            error: Box::new(error),
        };
        match read(entry.get()).map_err(in_set)? {
            Entry::Key(found) => {
                if let Some(id) = &found.id
                    && keys.iter().any(|other| other.id.as_ref() == Some(id))
                {
                    return Err(in_set(KeyError::RepeatedKid(id.clone())));
                }
                keys.push(found);
            }
            Entry::Unknown => ignored = ignored.saturating_add(1),
            Entry::NotForUs => {}
        }
    }
    match keys.is_empty() {
        true => Err(KeyError::NoUsableJwk),
        false => Ok((keys, ignored)),
    }
}

/// What an entry of a set turned out to be.
enum Entry {
    Key(Found),
    /// Of a type or algorithm that this module does not know.
    Unknown,
    /// Meant for something else than verifying signatures.
    NotForUs,
}

fn read(text: &str) -> Result<Entry, KeyError> {
    let jwk: Common<'_> = serde_json::from_str(text).map_err(|_| KeyError::Jwk)?;
    if jwk.d.is_some() {
        return Err(KeyError::Private);
    }
    let is_for_signatures = jwk
        .purpose
        .as_deref()
        .is_none_or(|purpose| purpose == "sig");
    let is_for_verifying = |operations: &Vec<String>| operations.iter().any(|op| op == "verify");
    if !is_for_signatures || !jwk.key_ops.as_ref().is_none_or(is_for_verifying) {
        return Ok(Entry::NotForUs);
    }
    if !matches!(jwk.kty, "oct" | "RSA" | "EC" | "OKP") {
        return Ok(Entry::Unknown);
    }
    let algorithm = jwk.alg.ok_or(KeyError::JwkWithoutAlgorithm)?;
    let Some(algorithm) = Algorithm::parse(algorithm) else {
        return Ok(Entry::Unknown);
    };
    if !jwk.kid.as_deref().is_none_or(is_id) {
        return Err(KeyError::Kid);
    }
    let verifier = match (jwk.kty, algorithm.family()) {
        ("oct", Family::Hmac) => from_secret(&octets(text)?, algorithm),
        ("RSA", Family::Rsa) => public(algorithm, &rsa(text)?),
        ("EC", Family::P256) => public(algorithm, &point(text, "P-256")?),
        ("OKP", Family::Ed25519) => public(algorithm, &point(text, "Ed25519")?),
        _ => Err(KeyError::UnfitJwk(algorithm.as_str())),
    };
    Ok(Entry::Key(Found {
        id: jwk.kid.map(Into::into),
        verifier: verifier?,
    }))
}

fn octets(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let jwk: Octets<'_> = serde_json::from_str(text).map_err(|_| KeyError::Jwk)?;
    decode(jwk.k)
}

/// The key in the form of X.509, since only that parser looks whether its numbers
/// can be those of a key.
fn rsa(text: &str) -> Result<Vec<u8>, KeyError> {
    let jwk: Rsa<'_> = serde_json::from_str(text).map_err(|_| KeyError::Jwk)?;
    let components = RsaPublicKeyComponents {
        n: decode(jwk.n)?.as_slice(),
        e: decode(jwk.e)?.as_slice(),
    }
    .as_der();
    let der = components.map_err(|_| KeyError::Jwk)?;
    Ok(der.as_ref().to_vec())
}

/// A point of the curve: 32 bytes for Ed25519, and for P-256 the form of SEC 1,
/// 2.3.3, without compression.
fn point(text: &str, curve: &str) -> Result<Vec<u8>, KeyError> {
    /// A coordinate of either curve, in bytes.
    const LEN: usize = 32;
    let jwk: Point<'_> = serde_json::from_str(text).map_err(|_| KeyError::Jwk)?;
    if jwk.crv != curve {
        return Err(KeyError::OtherPublicKey);
    }
    let x = decode(jwk.x)?;
    let y = jwk.y.map(decode).transpose()?;
    match (curve, y) {
        ("Ed25519", None) if x.len() == LEN => Ok(x.to_vec()),
        ("P-256", Some(y)) if x.len() == LEN && y.len() == LEN => {
            Ok([&[4], x.as_slice(), y.as_slice()].concat())
        }
        _ => Err(KeyError::Jwk),
    }
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let decoded = URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Jwk)?;
    Ok(Zeroizing::new(decoded))
}
