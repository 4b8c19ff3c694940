//! A signer for CloudFront, written from FORMATS.md, section 2, and not from the crate.

use std::sync::LazyLock;

use aws_lc_rs::digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use media_token::Policy;

use crate::common;

pub const NOW: i64 = 1_700_000_000;
/// The end of what is signed here, if nothing else is said.
pub const END: i64 = NOW + 60;
pub const ORIGIN: &str = "https://media.example.org";

/// Made once, because that takes a while.
pub static RSA: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
pub static EC: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap());

pub fn rsa_sha256(message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; RSA.public_modulus_len()];
    RSA.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message,
        &mut signature,
    )
    .unwrap();
    signature
}

pub fn ec_sha256(message: &[u8]) -> Vec<u8> {
    EC.sign(&SystemRandom::new(), message)
        .unwrap()
        .as_ref()
        .to_vec()
}

/// ECDSA takes a digest for a number, so one of SHA-1 is signed as one of SHA-256 that
/// begins with zeros. (Of RSA and SHA-1 the library makes no signatures: the vectors
/// have them.)
pub fn ec_sha1(message: &[u8]) -> Vec<u8> {
    let short = digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
    let long = [&[0; 12], short.as_ref()].concat();
    let long = Digest::import_less_safe(&long, &SHA256).unwrap();
    EC.sign_digest(&long).unwrap().as_ref().to_vec()
}

pub fn pem(tag: &str, der: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {tag}-----\n{text}\n-----END {tag}-----\n").into_bytes()
}

pub fn public_pem(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    pem("PUBLIC KEY", key.as_der().unwrap().as_ref())
}

pub fn rsa_pem() -> Vec<u8> {
    public_pem(RSA.public_key())
}

pub fn ec_pem() -> Vec<u8> {
    public_pem(EC.public_key())
}

/// What these keys allow, with the sources that come with them.
pub fn policy_of(keys: &[(&[u8], &str)]) -> Policy {
    let keys: Vec<_> = keys
        .iter()
        .flat_map(|(file, parameters)| {
            common::keys(file, &format!("format=cloudfront {parameters}"))
        })
        .collect();
    Policy {
        sources: keys[0].sources().to_vec(),
        keys,
        max_age: 120,
        leeway: 0,
        revoked: None,
    }
}

/// The RSA key as `KR`, and the P-256 key as `KE`.
pub fn policy() -> Policy {
    policy_of(&[(&rsa_pem(), "id=KR"), (&ec_pem(), "id=KE")])
}

/// Base64 as CloudFront has it (2.3).
pub fn cf64(bytes: &[u8]) -> String {
    STANDARD
        .encode(bytes)
        .replace('+', "-")
        .replace('=', "_")
        .replace('/', "~")
}

/// The text of a canned policy (2.1).
pub fn canned_text(url: &str, end: &str) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{end}}}}}}}]}}"#
    )
}

/// A custom policy that ends at [`END`], for this resource, with these conditions.
pub fn custom_text(resource: &str, more: &str) -> String {
    let resource = serde_json::to_string(resource).unwrap();
    format!(
        r#"{{"Statement":[{{"Resource":{resource},"Condition":{{"DateLessThan":{{"AWS:EpochTime":{END}}}{more}}}}}]}}"#
    )
}

/// The texts that a credential consists of.
#[derive(Clone, Debug)]
pub struct Parameters(pub Vec<(&'static str, String)>);

impl Parameters {
    fn new(first: (&'static str, String), text: &[u8]) -> Self {
        Self(vec![
            first,
            ("Signature", cf64(&ec_sha256(text))),
            ("Key-Pair-Id", "KE".to_owned()),
            ("Hash-Algorithm", "SHA256".to_owned()),
        ])
    }

    /// Of a canned policy for the URL.
    pub fn canned(url: &str) -> Self {
        Self::canned_until(url, &END.to_string())
    }

    pub fn canned_until(url: &str, end: &str) -> Self {
        let text = canned_text(url, end);
        Self::new(("Expires", end.to_owned()), text.as_bytes())
    }

    /// Of a custom policy, whatever it is.
    pub fn custom(text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        Self::new(("Policy", cf64(text)), text)
    }

    /// With another value, or with one more text.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self
    }

    pub fn get(&self, name: &str) -> &str {
        &self.0.iter().find(|(known, _)| *known == name).unwrap().1
    }

    pub fn query(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// The target with all of them behind its own arguments.
    pub fn target(&self, target: &str) -> String {
        let separator = if target.contains('?') { '&' } else { '?' };
        format!("{target}{separator}{}", self.query())
    }

    /// The `Cookie` line.
    pub fn cookies(&self) -> String {
        let pairs = self.0.iter();
        let pairs = pairs.map(|(name, value)| format!("CloudFront-{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }
}
