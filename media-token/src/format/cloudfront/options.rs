//! The parameters of a key, and its file: a public key in PEM.

use super::{CloudFrontKey, Hash, Policies};
use crate::key::{Common, FormatOptions, Key, KeyError, Keys, Kind, Parameter, ParseTime};

/// Those of `format=cloudfront`.
#[derive(Debug, Default)]
pub(crate) struct Options {
    hash: Option<Hash>,
    any_http: bool,
    policies: Option<Policies>,
}

impl FormatOptions for Options {
    const NAME: &str = "cloudfront";
    const PARAMETERS: &[&str] = &["any_http", "policy="];

    fn set(&mut self, parameter: Parameter<'_>, _: ParseTime<'_>) -> Result<(), KeyError> {
        match (parameter.name, parameter.value) {
            ("alg", Some("sha1")) => self.hash = Some(Hash::Sha1),
            ("alg", Some("sha256")) => self.hash = Some(Hash::Sha256),
            ("alg", Some(_)) => return Err(parameter.expected("sha1 or sha256")),
            ("any_http", None) => self.any_http = true,
            ("policy", Some("canned")) => self.policies = Some(Policies::Canned),
            ("policy", Some("custom")) => self.policies = Some(Policies::Custom),
            ("policy", Some(_)) => return Err(parameter.expected("canned or custom")),
            _ => return Err(parameter.misplaced("format=cloudfront")),
        }
        Ok(())
    }

    fn check(&self, common: &Common) -> Result<(), KeyError> {
        if common.form.is_some() {
            return Err(KeyError::Contradiction("path=", "format=cloudfront"));
        }
        if self.any_http && self.policies == Some(Policies::Canned) {
            return Err(KeyError::Contradiction("any_http", "policy=canned"));
        }
        if common.id.is_none() {
            return Err(KeyError::NoKeyPairId);
        }
        Ok(())
    }

    fn read(&self, file: &[u8], common: &Common) -> Result<Keys, KeyError> {
        if common.encoding.is_some() {
            return Err(KeyError::NoEffect("encoding=", "a PEM file"));
        }
        let key = CloudFrontKey::read(file, self.hash, self.any_http, self.policies)?;
        let kind = Kind::CloudFront(Box::new(key));
        Ok(Key::new(common.id.clone(), kind).into())
    }
}
