//! The parameters of a key, and its file: a `SECRET_KEY`, or what is derived from one.

use super::{Algorithm, DEFAULT_SALT, DjangoKey, derive};
use crate::key::{
    Common, Encoding, FormatOptions, Key, KeyError, Keys, Kind, MIN_DJANGO_SECRET, Parameter,
    ParseTime, trim_newline,
};
use crate::scope::Signs;

/// Those of `format=django`.
#[derive(Debug, Default)]
pub(crate) struct Options {
    algorithm: Algorithm,
    salt: Option<Box<str>>,
    derived: bool,
    signs: Signs,
    max_future: Option<i64>,
}

impl FormatOptions for Options {
    const NAME: &str = "django";
    const PARAMETERS: &[&str] = &["salt=", "derived", "signs=", "max_future="];

    fn set(&mut self, parameter: Parameter<'_>, parse_time: ParseTime<'_>) -> Result<(), KeyError> {
        let expected = |expected| parameter.expected(expected);
        match (parameter.name, parameter.value) {
            ("alg", Some("sha256")) => self.algorithm = Algorithm::Sha256,
            ("alg", Some("sha1")) => self.algorithm = Algorithm::Sha1,
            ("alg", Some(_)) => return Err(expected("sha256 or sha1")),
            ("salt", Some(salt)) if !salt.is_empty() => self.salt = Some(salt.into()),
            ("salt", Some(_)) => return Err(expected("the salt of the application's signer")),
            ("derived", None) => self.derived = true,
            ("signs", Some("path")) => self.signs = Signs::Path,
            ("signs", Some("parent")) => self.signs = Signs::Parent,
            ("signs", Some(_)) => return Err(expected("path or parent")),
            ("max_future", Some(time)) => {
                let seconds = parse_time(time).ok_or_else(|| expected("a time such as 30s"))?;
                self.max_future = Some(seconds);
            }
            _ => return Err(parameter.misplaced("format=django")),
        }
        Ok(())
    }

    fn check(&self, _common: &Common) -> Result<(), KeyError> {
        if self.derived && self.salt.is_some() {
            return Err(KeyError::Contradiction("salt=", "derived"));
        }
        Ok(())
    }

    fn read(&self, file: &[u8], common: &Common) -> Result<Keys, KeyError> {
        let encoding = common.encoding.unwrap_or_default();
        let digest_len = self.algorithm.digest_len();
        let is_raw_derived = self.derived && encoding == Encoding::Raw;
        let text = match file {
            // A raw derived key may itself end in bytes that look like a newline.
            [key @ .., b'\n'] if is_raw_derived && key.len() == digest_len => key,
            key if is_raw_derived && key.len() == digest_len => key,
            text => trim_newline(text),
        };
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let secret = encoding.decode(text)?;
        let derived = if self.derived {
            if secret.len() != digest_len {
                return Err(KeyError::DerivedLength {
                    len: secret.len(),
                    expected: digest_len,
                    algorithm: match self.algorithm {
                        Algorithm::Sha256 => "sha256",
                        Algorithm::Sha1 => "sha1",
                    },
                });
            }
            secret.clone()
        } else {
            let salt = self.salt.as_deref().unwrap_or(DEFAULT_SALT);
            derive(self.algorithm, salt, &secret)
        };
        let key = DjangoKey::new(
            self.algorithm,
            &derived,
            common.form.unwrap_or_default(),
            self.signs,
            self.max_future,
        );
        let kind = Kind::Django(key.ok_or(KeyError::Empty)?);
        let is_weak = !self.derived && secret.len() < MIN_DJANGO_SECRET;
        let mut key = Key::new(common.id.clone(), kind);
        key.weak = is_weak.then_some(secret.len());
        Ok(key.into())
    }
}
