//! Keys that sign: what the application has, and a media host never needs.

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use media_token::format::jwt::Algorithm;
use pem::{EncodeConfig, LineEnding, Pem};

/// A private key of an application.
pub enum PrivateKey {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// How a signature of ECDSA is written.
#[derive(Clone, Copy)]
pub enum EcdsaForm {
    /// `r` and `s`, as JOSE has it.
    Fixed,
    /// In DER, as CloudFront has it.
    Asn1,
}

impl PrivateKey {
    /// Reads the one private key of a PEM file: PKCS #8, or what OpenSSL wrote before.
    pub fn from_pem(file: &[u8], form: EcdsaForm) -> Result<Self> {
        let blocks = pem::parse_many(file).ok().context("not valid PEM")?;
        let mut private = blocks
            .iter()
            .filter(|block| block.tag().ends_with("PRIVATE KEY"));
        let (Some(block), None) = (private.next(), private.next()) else {
            bail!("expected one private key in PEM, which signing needs");
        };
        let der = block.contents();
        let algorithm = match form {
            EcdsaForm::Fixed => &ECDSA_P256_SHA256_FIXED_SIGNING,
            EcdsaForm::Asn1 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        };
        let found = match block.tag() {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(der).ok().map(Self::Rsa),
            "EC PRIVATE KEY" => {
                let pair = EcdsaKeyPair::from_private_key_der(algorithm, der);
                pair.ok().map(Self::P256)
            }
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(der)
                .ok()
                .map(Self::Rsa)
                .or_else(|| {
                    EcdsaKeyPair::from_pkcs8(algorithm, der)
                        .ok()
                        .map(Self::P256)
                })
                .or_else(|| {
                    // OpenSSL writes it without the public key.
                    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
                    pair.ok().map(Self::Ed25519)
                }),
            "ENCRYPTED PRIVATE KEY" => bail!("an encrypted private key: decrypt it first"),
            _ => None,
        };
        found.context("expected an RSA, P-256 or Ed25519 private key")
    }

    /// Signs with SHA-256, but for Ed25519, which has a hash of its own.
    fn sign(&self, message: &[u8], is_pss: bool) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        let signed = match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding = match is_pss {
                    true => &RSA_PSS_SHA256,
                    false => &RSA_PKCS1_SHA256,
                };
                let signed = pair.sign(padding, &random, message, &mut signature);
                signed.map(|()| signature)
            }
            Self::P256(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec()),
            Self::Ed25519(pair) => pair
                .try_sign(message)
                .map(|signature| signature.as_ref().to_vec()),
        };
        signed.ok().context("the key does not sign")
    }

    /// Signs as CloudFront has it: RSA or P-256, with SHA-256.
    pub fn sign_for_cloudfront(&self, message: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Ed25519(_) => bail!("expected an RSA or P-256 private key"),
            Self::Rsa(_) | Self::P256(_) => self.sign(message, false),
        }
    }

    /// The public key in PEM, as nginx has it.
    pub fn public_pem(&self) -> Result<String> {
        let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
        let block = Pem::new("PUBLIC KEY", self.public_der()?);
        Ok(pem::encode_config(&block, config))
    }

    /// The public key, as X.509 has it.
    pub fn public_der(&self) -> Result<Vec<u8>> {
        let der: Option<PublicKeyX509Der<'_>> = match self {
            Self::Rsa(pair) => pair.public_key().as_der().ok(),
            Self::P256(pair) => pair.public_key().as_der().ok(),
            Self::Ed25519(pair) => pair.public_key().as_der().ok(),
        };
        Ok(der.context("the key has no public part")?.as_ref().to_vec())
    }
}

/// What signs a JWT.
pub enum JwtSigner {
    Secret(Algorithm, Box<hmac::Key>),
    Private(Algorithm, PrivateKey),
}

impl JwtSigner {
    /// A secret, at least as long as its hash (RFC 7518, 3.2).
    pub fn of_secret(secret: &[u8], algorithm: Option<Algorithm>) -> Result<Self> {
        let algorithm = algorithm.unwrap_or(Algorithm::Hs256);
        let (hash, least) = match algorithm {
            Algorithm::Hs256 => (hmac::HMAC_SHA256, 32),
            Algorithm::Hs384 => (hmac::HMAC_SHA384, 48),
            Algorithm::Hs512 => (hmac::HMAC_SHA512, 64),
            other => bail!(
                "a secret, and {} needs a private key in PEM",
                other.as_str()
            ),
        };
        if secret.len() < least {
            let (len, name) = (secret.len(), algorithm.as_str());
            bail!("{len} bytes, {name} needs at least {least}");
        }
        let key = hmac::Key::new(hash, secret);
        Ok(Self::Secret(algorithm, Box::new(key)))
    }

    pub fn of_private(key: PrivateKey, algorithm: Option<Algorithm>) -> Result<Self> {
        let algorithm = match (&key, algorithm) {
            (PrivateKey::Rsa(_), None) => Algorithm::Rs256,
            (PrivateKey::P256(_), None) => Algorithm::Es256,
            (PrivateKey::Ed25519(_), None) => Algorithm::EdDsa,
            (PrivateKey::Rsa(_), Some(it @ (Algorithm::Rs256 | Algorithm::Ps256)))
            | (PrivateKey::P256(_), Some(it @ Algorithm::Es256))
            | (PrivateKey::Ed25519(_), Some(it @ Algorithm::EdDsa)) => it,
            (_, Some(other)) => bail!("the private key does not go with alg={}", other.as_str()),
        };
        Ok(Self::Private(algorithm, key))
    }

    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Secret(algorithm, _) | Self::Private(algorithm, _) => *algorithm,
        }
    }

    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Secret(_, key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Self::Private(algorithm, key) => key.sign(message, *algorithm == Algorithm::Ps256),
        }
    }
}
