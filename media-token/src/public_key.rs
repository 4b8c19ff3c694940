//! Public keys as their files hold them, whatever format they are for.

use aws_lc_rs::rsa::PublicKey as RsaPublicKey;
use aws_lc_rs::signature::RsaParameters;

use crate::key::KeyError;

/// Shorter ones are refused (RFC 7518, 3.3), in bits.
pub(crate) const MIN_RSA_BITS: u32 = 2048;

/// Longer ones cannot be used, in bits.
pub(crate) const MAX_RSA_BITS: u32 = 8192;

/// The one public key of a PEM file, in the form of X.509's `SubjectPublicKeyInfo`.
pub(crate) fn from_pem(file: &[u8]) -> Result<Vec<u8>, KeyError> {
    // Before anything else: that it is private is what its owner has to know.
    let blocks = pem::parse_many(file).map_err(|_| KeyError::Pem)?;
    if blocks
        .iter()
        .any(|block| block.tag().ends_with("PRIVATE KEY"))
    {
        return Err(KeyError::Private);
    }
    match blocks.as_slice() {
        [block] if block.tag() == "PUBLIC KEY" => Ok(block.contents().to_vec()),
        _ => Err(KeyError::Pem),
    }
}

/// Whether an RSA key is neither too short nor too long.
pub(crate) fn check_rsa(der: &[u8]) -> Result<(), KeyError> {
    let bits = RsaPublicKey::from_der(der)
        .ok()
        .and_then(|key| RsaParameters::public_modulus_len(key.as_ref()).ok())
        .ok_or(KeyError::OtherPublicKey)?;
    match (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        true => Ok(()),
        false => Err(KeyError::RsaBits(bits)),
    }
}
