//! Keys that a media site trusts. A key is bound to one format and one
//! algorithm, so that no token can choose its own.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::format::django::{self, Algorithm, DjangoKey};
use crate::scope::{PathForm, Signs};

/// Larger files are not keys, in bytes.
pub const MAX_KEY_FILE: u64 = 65_536;

/// Django generates 50 characters; from here on we do not complain, in bytes.
pub const MIN_DJANGO_SECRET: usize = 32;

/// The longest `id=`, in bytes: it appears in logs.
const MAX_ID: usize = 64;

/// Why a key cannot be used, worded for the configuration's author.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be opened or read.
    #[error("{0}")]
    Unreadable(String),
    /// A directory, a device, a pipe.
    #[error("not a regular file")]
    NotAFile,
    /// More than [`MAX_KEY_FILE`].
    #[error("larger than {MAX_KEY_FILE} bytes, which no key is")]
    TooLarge,
    /// Nothing in it but perhaps a newline.
    #[error("empty")]
    Empty,
    /// Not in the encoding that `encoding=` names.
    #[error("not valid {0}")]
    Encoding(Encoding),
    /// A derived key is as long as the digest that it came from.
    #[error("{len} bytes, a derived key for {algorithm} has {expected}")]
    DerivedLength {
        /// Length found, in bytes.
        len: usize,
        /// Length needed, in bytes.
        expected: usize,
        /// The hash that needs it.
        algorithm: &'static str,
    },
    /// A parameter that no key has.
    #[error("unknown parameter \"{0}\"")]
    UnknownParameter(String),
    /// A parameter given twice.
    #[error("\"{0}\" is given twice")]
    Repeated(String),
    /// A value that the parameter does not take.
    #[error("\"{parameter}\": expected {expected}")]
    Value {
        /// The parameter as written.
        parameter: String,
        /// What it takes.
        expected: &'static str,
    },
    /// Two parameters of which one has no effect.
    #[error("\"{0}\" has no effect with \"{1}\"")]
    Contradiction(&'static str, &'static str),
}

/// The content of a key file. Wiped when dropped, and never shown.
pub struct KeyFile {
    bytes: Zeroizing<Vec<u8>>,
    /// Permission bits of the file (`st_mode & 0o777`).
    pub mode: u32,
}

impl KeyFile {
    /// Reads a regular file of at most [`MAX_KEY_FILE`] bytes.
    ///
    /// # Errors
    /// [`KeyError`] when the file is not one, or cannot be read.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |error: io::Error| KeyError::Unreadable(error.to_string());
        // Before opening it: opening a pipe would wait for a writer.
        if !fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(KeyError::NotAFile);
        }
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.len() > MAX_KEY_FILE {
            return Err(KeyError::TooLarge);
        }
        // With all the capacity that it can need, so that growing leaves no copy behind.
        let limit = MAX_KEY_FILE.saturating_add(1);
        let mut bytes = Zeroizing::new(Vec::with_capacity(
            usize::try_from(limit).unwrap_or_default(),
        ));
        let read = file.take(limit).read_to_end(&mut bytes);
        if read.map_err(unreadable)? as u64 > MAX_KEY_FILE {
            return Err(KeyError::TooLarge);
        }
        Ok(Self {
            bytes,
            mode: metadata.mode() & 0o777,
        })
    }

    /// Whether every user of the machine may read the file.
    #[must_use]
    pub fn is_world_readable(&self) -> bool {
        self.mode & 0o004 != 0
    }

    /// The file's bytes, with a trailing newline if there is one.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFile { ... }")
    }
}

/// How the bytes of a key are written in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As they are.
    #[default]
    Raw,
    /// Two hexadecimal digits a byte.
    Hex,
    /// Standard base64 with padding (RFC 4648, 4).
    Base64,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Hex => "hex",
            Self::Base64 => "base64",
        })
    }
}

impl Encoding {
    fn decode(self, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        // Tools wrap long lines.
        let joined = || {
            let joined = text
                .iter()
                .copied()
                .filter(|byte| !byte.is_ascii_whitespace());
            Zeroizing::new(joined.collect::<Vec<_>>())
        };
        let decoded = match self {
            Self::Raw => Some(text.to_vec()),
            Self::Hex => decode_hex(&joined()),
            Self::Base64 => STANDARD.decode(&*joined()).ok(),
        };
        decoded.map(Zeroizing::new).ok_or(KeyError::Encoding(self))
    }
}

fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let byte = |pair: &[u8; 2]| {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let value = digit(pair[0])?
            .checked_mul(16)?
            .checked_add(digit(pair[1])?)?;
        u8::try_from(value).ok()
    };
    pairs.iter().map(byte).collect()
}

/// The parameters of a key, apart from its file.
#[derive(Debug, Default)]
pub struct KeyOptions {
    id: Option<Box<str>>,
    algorithm: Algorithm,
    encoding: Encoding,
    salt: Option<Box<str>>,
    derived: bool,
    form: PathForm,
    signs: Signs,
    max_future: Option<i64>,
}

impl KeyOptions {
    /// Reads `name=value` parameters and flags, in any order, each at most once.
    ///
    /// `parse_time` reads a time in the notation of the caller's configuration
    /// and returns seconds.
    ///
    /// # Errors
    /// [`KeyError`], worded for the configuration's author.
    pub fn parse<'p>(
        parameters: impl IntoIterator<Item = &'p str>,
        parse_time: impl Fn(&str) -> Option<i64>,
    ) -> Result<Self, KeyError> {
        let mut options = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for parameter in parameters {
            let (name, value) = match parameter.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (parameter, None),
            };
            if seen.contains(&name) {
                return Err(KeyError::Repeated(name.to_owned()));
            }
            seen.push(name);
            options.set(parameter, name, value, &parse_time)?;
        }
        if options.derived && options.salt.is_some() {
            return Err(KeyError::Contradiction("salt=", "derived"));
        }
        Ok(options)
    }

    fn is_raw_derived(&self) -> bool {
        self.derived && self.encoding == Encoding::Raw
    }

    fn set(
        &mut self,
        parameter: &str,
        name: &str,
        value: Option<&str>,
        parse_time: impl Fn(&str) -> Option<i64>,
    ) -> Result<(), KeyError> {
        let expected = |expected| KeyError::Value {
            parameter: parameter.to_owned(),
            expected,
        };
        match (name, value) {
            ("format", Some("django")) => {}
            ("format", Some(_)) => return Err(expected("django")),
            ("id", Some(id)) if is_printable(id) && id.len() <= MAX_ID => self.id = Some(id.into()),
            ("id", Some(_)) => {
                return Err(expected("1 to 64 visible ASCII characters without quotes"));
            }
            ("alg", Some("sha256")) => self.algorithm = Algorithm::Sha256,
            ("alg", Some("sha1")) => self.algorithm = Algorithm::Sha1,
            ("alg", Some(_)) => return Err(expected("sha256 or sha1")),
            ("encoding", Some("raw")) => self.encoding = Encoding::Raw,
            ("encoding", Some("hex")) => self.encoding = Encoding::Hex,
            ("encoding", Some("base64")) => self.encoding = Encoding::Base64,
            ("encoding", Some(_)) => return Err(expected("raw, hex or base64")),
            ("salt", Some(salt)) if !salt.is_empty() => self.salt = Some(salt.into()),
            ("salt", Some(_)) => return Err(expected("the salt of the application's signer")),
            ("derived", None) => self.derived = true,
            ("path", Some("reverse")) => self.form = PathForm::Reverse,
            ("path", Some("storage")) => self.form = PathForm::Storage,
            ("path", Some("decoded")) => self.form = PathForm::Decoded,
            ("path", Some("raw")) => self.form = PathForm::Raw,
            ("path", Some(_)) => return Err(expected("reverse, storage, decoded or raw")),
            ("signs", Some("path")) => self.signs = Signs::Path,
            ("signs", Some("parent")) => self.signs = Signs::Parent,
            ("signs", Some(_)) => return Err(expected("path or parent")),
            ("max_future", Some(time)) => {
                let seconds = parse_time(time).ok_or_else(|| expected("a time such as 30s"))?;
                self.max_future = Some(seconds);
            }
            _ => return Err(KeyError::UnknownParameter(parameter.to_owned())),
        }
        Ok(())
    }
}

fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"')
}

/// A key ready to verify with.
pub struct Key {
    id: Option<Box<str>>,
    /// How short a Django `SECRET_KEY` is, where that is worth a warning, in bytes.
    pub weak: Option<usize>,
    pub(crate) kind: Kind,
}

/// What a key verifies: one variant for each format.
pub(crate) enum Kind {
    Django(DjangoKey),
}

impl Key {
    /// Makes a key from the content of its file.
    ///
    /// # Errors
    /// [`KeyError`] when the content does not suit the options.
    pub fn new(file: &[u8], options: &KeyOptions) -> Result<Self, KeyError> {
        let digest_len = options.algorithm.digest_len();
        let text = match file {
            // A raw derived key may itself end in bytes that look like a newline.
            [key @ .., b'\n'] if options.is_raw_derived() && key.len() == digest_len => key,
            key if options.is_raw_derived() && key.len() == digest_len => key,
            text => trim_newline(text),
        };
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let secret = options.encoding.decode(text)?;
        let derived = if options.derived {
            if secret.len() != digest_len {
                return Err(KeyError::DerivedLength {
                    len: secret.len(),
                    expected: digest_len,
                    algorithm: match options.algorithm {
                        Algorithm::Sha256 => "sha256",
                        Algorithm::Sha1 => "sha1",
                    },
                });
            }
            secret.clone()
        } else {
            let salt = options.salt.as_deref().unwrap_or(django::DEFAULT_SALT);
            django::derive(options.algorithm, salt, &secret)
        };
        let weak = !options.derived && secret.len() < MIN_DJANGO_SECRET;
        let key = DjangoKey::new(
            options.algorithm,
            &derived,
            options.form,
            options.signs,
            options.max_future,
        );
        Ok(Self {
            id: options.id.clone(),
            weak: weak.then_some(secret.len()),
            kind: Kind::Django(key.ok_or(KeyError::Empty)?),
        })
    }

    /// The name given to the key in the configuration.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key {{ id: {:?}, ... }}", self.id)
    }
}

fn trim_newline(text: &[u8]) -> &[u8] {
    match text {
        [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] => text,
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(parameters: &str) -> Result<KeyOptions, KeyError> {
        KeyOptions::parse(parameters.split_whitespace(), |time| time.parse().ok())
    }

    fn error(parameters: &str) -> String {
        parse(parameters).unwrap_err().to_string()
    }

    fn key_error(file: &[u8], parameters: &str) -> String {
        let options = parse(parameters).unwrap();
        Key::new(file, &options).unwrap_err().to_string()
    }

    #[test]
    fn parameters_are_read_in_any_order() {
        let options = parse(
            "signs=parent id=a path=storage derived alg=sha1 encoding=hex max_future=9 format=django",
        )
        .unwrap();
        assert_eq!(options.id.as_deref(), Some("a"));
        assert_eq!(options.algorithm, Algorithm::Sha1);
        assert_eq!(options.encoding, Encoding::Hex);
        assert_eq!(options.form, PathForm::Storage);
        assert_eq!(options.signs, Signs::Parent);
        assert_eq!(options.max_future, Some(9));
        assert!(options.derived);
    }

    #[test]
    fn parameter_errors_say_what_was_expected() {
        assert_eq!(error("format=jwt"), r#""format=jwt": expected django"#);
        assert_eq!(error("alg=md5"), r#""alg=md5": expected sha256 or sha1"#);
        assert_eq!(
            error("encoding=utf8"),
            r#""encoding=utf8": expected raw, hex or base64"#
        );
        assert_eq!(
            error("path=uri"),
            r#""path=uri": expected reverse, storage, decoded or raw"#
        );
        assert_eq!(
            error("signs=all"),
            r#""signs=all": expected path or parent"#
        );
        assert_eq!(
            error("salt="),
            r#""salt=": expected the salt of the application's signer"#
        );
        assert_eq!(
            error("id=é"),
            r#""id=é": expected 1 to 64 visible ASCII characters without quotes"#
        );
        assert_eq!(
            error("max_future=soon"),
            r#""max_future=soon": expected a time such as 30s"#
        );
        assert_eq!(error("derived=1"), r#"unknown parameter "derived=1""#);
        assert_eq!(error("kid=a"), r#"unknown parameter "kid=a""#);
        assert_eq!(error("alg"), r#"unknown parameter "alg""#);
        assert_eq!(error("id=a id=b"), r#""id" is given twice"#);
        assert_eq!(
            error("salt=x derived"),
            r#""salt=" has no effect with "derived""#
        );
    }

    #[test]
    fn a_key_file_is_decoded_after_its_newline_is_removed() {
        assert_eq!(decode_hex(b"00fFa1"), Some(vec![0, 255, 161]));
        assert_eq!(decode_hex(b"0"), None);
        assert_eq!(decode_hex(b"0x"), None);
        assert_eq!(trim_newline(b"key\r\n"), b"key");
        assert_eq!(trim_newline(b"key\n\n"), b"key\n");
        assert_eq!(trim_newline(b" key "), b" key ");
        assert_eq!(trim_newline(b"key\r"), b"key\r");
        let wrapped = Encoding::Base64.decode(b"a2\nV5\r\n").unwrap();
        assert_eq!(&wrapped[..], b"key");
        assert_eq!(&Encoding::Hex.decode(b"6b 65\n79").unwrap()[..], b"key");
        assert!(Key::new(&[b'\n'; 32], &parse("derived").unwrap()).is_ok());
        assert!(Key::new(&[b'\n'; 33], &parse("derived").unwrap()).is_ok());
        assert!(Key::new(&[b'\r'; 32], &parse("derived").unwrap()).is_ok());
        let with_newline = [&[b'\r'; 32][..], b"\n"].concat();
        assert!(Key::new(&with_newline, &parse("derived").unwrap()).is_ok());
    }

    #[test]
    fn content_errors_say_what_was_expected() {
        assert_eq!(key_error(b"", ""), "empty");
        assert_eq!(key_error(b"\n", ""), "empty");
        assert_eq!(key_error(b"xyz", "encoding=hex"), "not valid hex");
        assert_eq!(key_error(b"a b", "encoding=base64"), "not valid base64");
        assert_eq!(
            key_error(b"short", "derived"),
            "5 bytes, a derived key for sha256 has 32"
        );
        assert_eq!(
            key_error(&[b'a'; 64], "derived encoding=hex alg=sha1"),
            "32 bytes, a derived key for sha1 has 20"
        );
    }

    #[test]
    fn a_short_secret_is_weak_and_a_derived_key_is_not() {
        let weak =
            |file: &[u8], parameters| Key::new(file, &parse(parameters).unwrap()).unwrap().weak;
        assert_eq!(weak(&[b'a'; 31], ""), Some(31));
        assert_eq!(weak(&[b'a'; 32], ""), None);
        assert_eq!(weak(&[b'a'; 20], "derived alg=sha1"), None);
    }

    #[test]
    fn files_that_are_no_keys_are_refused() {
        let error = |path: &str| KeyFile::read(Path::new(path)).unwrap_err();
        assert_eq!(error("/dev/null"), KeyError::NotAFile);
        assert_eq!(error("/"), KeyError::NotAFile);
        assert!(matches!(error("/nonexistent"), KeyError::Unreadable(_)));
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let key = Key::new(b"secret", &parse("id=main").unwrap()).unwrap();
        assert_eq!(format!("{key:?}"), r#"Key { id: Some("main"), ... }"#);
        let file = KeyFile {
            bytes: Zeroizing::new(b"secret".to_vec()),
            mode: 0o644,
        };
        assert_eq!(format!("{file:?}"), "KeyFile { ... }");
        assert!(file.is_world_readable());
    }
}
