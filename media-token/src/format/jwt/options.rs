//! The parameters of a key, and its file: a secret, a public key in PEM, or a JWK or
//! JWK Set (RFC 7517).

use zeroize::Zeroizing;

use super::keys::Content;
use super::{Algorithm, DEFAULT_PATH_CLAIM, JwtKey, Verifier, can_name_paths, keys};
use crate::format::minted::MintKey;
use crate::key::{
    Common, FormatOptions, Key, KeyError, Keys, Kind, Parameter, ParseTime, trim_newline,
};

/// Those of `format=jwt`.
#[derive(Debug, Default)]
pub(crate) struct Options {
    algorithm: Option<Algorithm>,
    path_claim: Option<Box<str>>,
    audience: Option<Box<str>>,
    /// Whether the module itself makes tokens with it.
    mints: bool,
}

impl FormatOptions for Options {
    const NAME: &str = "jwt";
    const PARAMETERS: &[&str] = &["path_claim=", "aud=", "use="];

    fn set(&mut self, parameter: Parameter<'_>, _: ParseTime<'_>) -> Result<(), KeyError> {
        let expected = |expected| parameter.expected(expected);
        match (parameter.name, parameter.value) {
            ("alg", Some(name)) => {
                let algorithm = Algorithm::parse(name);
                self.algorithm = Some(algorithm.ok_or_else(|| expected(Algorithm::NAMES))?);
            }
            ("path_claim", Some(claim)) if can_name_paths(claim) => {
                self.path_claim = Some(claim.into());
            }
            ("path_claim", Some(_)) => {
                return Err(expected("a claim that has no other meaning"));
            }
            ("aud", Some(audience)) if !audience.is_empty() => {
                self.audience = Some(audience.into());
            }
            ("aud", Some(_)) => return Err(expected("whom the tokens are for")),
            ("use", Some("mint")) => self.mints = true,
            ("use", Some(_)) => return Err(expected("mint")),
            _ => return Err(parameter.misplaced("format=jwt")),
        }
        Ok(())
    }

    fn check(&self, common: &Common) -> Result<(), KeyError> {
        // Of its own tokens the module knows all that these say.
        let without_effect = [
            ("path=", common.form.is_some()),
            ("alg=", self.algorithm.is_some()),
            ("path_claim=", self.path_claim.is_some()),
            ("aud=", self.audience.is_some()),
        ];
        match without_effect.into_iter().find(|(_, is_there)| *is_there) {
            Some((name, _)) if self.mints => Err(KeyError::Contradiction(name, "use=mint")),
            _ => Ok(()),
        }
    }

    fn read(&self, file: &[u8], common: &Common) -> Result<Keys, KeyError> {
        match Content::of(file) {
            Content::Secret if self.mints => read_minting(file, common),
            _ if self.mints => Err(KeyError::NoSecret),
            Content::Secret => {
                let algorithm = self.algorithm.unwrap_or(Algorithm::Hs256);
                let verifier = keys::from_secret(&secret(file, common)?, algorithm)?;
                Ok(self.key(common, common.id.clone(), verifier).into())
            }
            Content::Pem => {
                refuse("a PEM file", [("encoding=", common.encoding.is_some())])?;
                let verifier = keys::from_pem(file, self.algorithm)?;
                Ok(self.key(common, common.id.clone(), verifier).into())
            }
            Content::Jwk => {
                refuse(
                    "a JWK, which says that itself",
                    [
                        ("encoding=", common.encoding.is_some()),
                        ("alg=", self.algorithm.is_some()),
                        ("id=", common.id.is_some()),
                    ],
                )?;
                let (found, ignored) = keys::from_jwk(file)?;
                let found = found.into_iter();
                let keys = found.map(|found| self.key(common, found.id, found.verifier));
                Ok(Keys {
                    keys: keys.collect(),
                    ignored,
                })
            }
        }
    }
}

impl Options {
    fn key(&self, common: &Common, id: Option<Box<str>>, verifier: Verifier) -> Key {
        let path_claim = self.path_claim.as_deref().unwrap_or(DEFAULT_PATH_CLAIM);
        let key = JwtKey {
            verifier,
            form: common.form.unwrap_or_default(),
            path_claim: path_claim.into(),
            audience: self.audience.clone(),
        };
        Key::new(id, Kind::Jwt(Box::new(key)))
    }
}

/// The first of these parameters that is there has no effect with what the file holds.
fn refuse<const N: usize>(
    file: &'static str,
    parameters: [(&'static str, bool); N],
) -> Result<(), KeyError> {
    let mut parameters = parameters.into_iter();
    match parameters.find(|(_, is_there)| *is_there) {
        Some((parameter, _)) => Err(KeyError::NoEffect(parameter, file)),
        None => Ok(()),
    }
}

/// The secret of a file that holds one.
fn secret(file: &[u8], common: &Common) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = trim_newline(file);
    if text.is_empty() {
        return Err(KeyError::Empty);
    }
    let secret = common.encoding.unwrap_or_default().decode(text)?;
    // With the newline too, which may be a part of it.
    if [file, text, &secret].into_iter().any(keys::looks_public) {
        return Err(KeyError::LooksPublic);
    }
    Ok(secret)
}

/// A secret, at least as long as the hash (RFC 7518, 3.2).
fn read_minting(file: &[u8], common: &Common) -> Result<Keys, KeyError> {
    let secret = secret(file, common)?;
    // For its checks.
    keys::from_secret(&secret, Algorithm::Hs256)?;
    let kind = Kind::Minted(MintKey::new(&secret));
    Ok(Key::new(common.id.clone(), kind).into())
}
