//! Keys that a media site trusts. A key is bound to one format and one
//! algorithm, so that no token can choose its own.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

use crate::format::KeyFormat;
use crate::format::cloudfront::CloudFrontKey;
use crate::format::django::DjangoKey;
use crate::format::jwt::{self, JwtKey};
use crate::format::minted::MintKey;
use crate::scope::PathForm;
use crate::source::Source;

/// Larger files are not keys, in bytes.
pub const MAX_KEY_FILE: u64 = 65_536;

/// Django generates 50 characters; from here on we do not complain, in bytes.
pub const MIN_DJANGO_SECRET: usize = 32;

/// The longest id, in bytes: it appears in logs.
const MAX_ID: usize = 64;

/// What an id is, for messages.
const ID: &str = "1 to 64 visible ASCII characters without quotes";

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
    /// What would be taken for a secret is known to all.
    #[error(
        "looks like a public key, and not like a secret: expected PEM (BEGIN PUBLIC KEY), or a JWK in UTF-8"
    )]
    LooksPublic,
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
    /// A parameter that has no effect with what the file holds.
    #[error("\"{0}\" has no effect with {1}")]
    NoEffect(&'static str, &'static str),
    /// An HMAC needs a secret that is as long as its hash (RFC 7518, 3.2).
    #[error("{len} bytes, {algorithm} needs at least {least}")]
    ShortSecret {
        /// Length found, in bytes.
        len: usize,
        /// The algorithm.
        algorithm: &'static str,
        /// Length needed, in bytes.
        least: usize,
    },
    /// A private key, which has no place on a media site.
    #[error("a private key; give the public one, which is all that verifying needs")]
    Private,
    /// In PEM, but not one public key.
    #[error("expected one PEM block, \"PUBLIC KEY\"")]
    Pem,
    /// A public key that no algorithm of ours takes.
    #[error("expected an RSA, P-256 or Ed25519 public key")]
    OtherPublicKey,
    /// A public key that CloudFront does not take.
    #[error("expected an RSA or P-256 public key")]
    NotForCloudFront,
    /// CloudFront's credentials name their key.
    #[error("\"format=cloudfront\" needs \"id=\", the Key-Pair-Id that the application signs with")]
    NoKeyPairId,
    /// Shorter or longer than allowed (RFC 7518, 3.3).
    #[error("{0} bits, an RSA key has 2048 to 8192")]
    RsaBits(u32),
    /// A secret where the algorithm needs a public key.
    #[error("no PEM public key, which {0} needs")]
    NoPublicKey(&'static str),
    /// A public key of another kind than the algorithm needs. That a public key is no
    /// secret is what keeps a forger from making HMACs with it.
    #[error("\"alg={algorithm}\" does not go with {key}")]
    Unfit {
        /// The algorithm.
        algorithm: &'static str,
        /// What the file holds.
        key: &'static str,
    },
    /// A public key where a secret is needed, to sign with.
    #[error("expected a secret, as \"use=mint\" signs with it")]
    NoSecret,
    /// Not JSON, or not an object.
    #[error("neither a JWK nor a JWK Set")]
    Json,
    /// A JWK without what its type needs, or with values that it cannot have.
    #[error("not a valid JWK")]
    Jwk,
    /// A JWK that does not bind its key to one algorithm.
    #[error("no \"alg\", to which a key has to be bound")]
    JwkWithoutAlgorithm,
    /// A JWK whose type is not that of its algorithm.
    #[error("its \"kty\" and \"crv\" do not go with {0}")]
    UnfitJwk(&'static str),
    /// A key id that could not be logged.
    #[error("\"kid\": expected {ID}")]
    Kid,
    /// A key id that an earlier key of the set has.
    #[error("\"kid\" {0} is another key's already")]
    RepeatedKid(Box<str>),
    /// What is wrong with one key of a JWK Set.
    #[error("key {number} of the set: {error}")]
    InSet {
        /// Its place, from 1.
        number: usize,
        /// What is wrong.
        error: Box<KeyError>,
    },
    /// All keys are for something else, or of a type or algorithm that is not known.
    #[error("no key in it verifies signatures by {}", jwt::Algorithm::NAMES)]
    NoUsableJwk,
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
        let (file, metadata) = open_regular(path)?;
        if metadata.len() > MAX_KEY_FILE {
            return Err(KeyError::TooLarge);
        }
        // With all the capacity that it can need, so that growing leaves no copy behind.
        let limit = MAX_KEY_FILE.saturating_add(1);
        let mut bytes = Zeroizing::new(Vec::with_capacity(
            usize::try_from(limit).unwrap_or_default(),
        ));
        let read = file.take(limit).read_to_end(&mut bytes);
        if read.map_err(|error| KeyError::Unreadable(error.to_string()))? as u64 > MAX_KEY_FILE {
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

/// Opens a regular file.
pub(crate) fn open_regular(path: &Path) -> Result<(File, Metadata), KeyError> {
    let unreadable = |error: io::Error| KeyError::Unreadable(error.to_string());
    // Before opening it: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(KeyError::NotAFile);
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    Ok((file, metadata))
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
    /// Base64 with `-` and `_` (RFC 4648, 5), with padding or without.
    Base64Url,
}

const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
        })
    }
}

impl Encoding {
    /// The bytes that a text of a key file stands for.
    ///
    /// # Errors
    /// [`KeyError::Encoding`] when the text is not written so.
    pub fn decode(self, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
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
            Self::Base64Url => BASE64_URL.decode(&*joined()).ok(),
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
    common: Common,
    format: KeyFormat,
}

/// The parameters that have the same meaning with every format, or none.
#[derive(Debug, Default)]
pub(crate) struct Common {
    pub(crate) id: Option<Box<str>>,
    pub(crate) encoding: Option<Encoding>,
    /// How the application spells the paths that it signs.
    pub(crate) form: Option<PathForm>,
}

/// The parameters of a key of one format, and how its file is read.
pub(crate) trait FormatOptions {
    /// What `format=` calls it.
    const NAME: &str;

    /// Its own parameters, of which other formats say that they have no effect; behind the
    /// name of one with a value stands a `=`.
    const PARAMETERS: &[&str];

    /// Takes a parameter that is not in [`Common`], or says why not.
    fn set(&mut self, parameter: Parameter<'_>, parse_time: ParseTime<'_>) -> Result<(), KeyError>;

    /// Refuses parameters that go against each other, once all are there.
    fn check(&self, common: &Common) -> Result<(), KeyError>;

    /// Makes keys of their file.
    fn read(&self, file: &[u8], common: &Common) -> Result<Keys, KeyError>;
}

/// Reads a time in the notation of the configuration; in seconds.
pub(crate) type ParseTime<'f> = &'f dyn Fn(&str) -> Option<i64>;

/// A parameter as it is written.
#[derive(Clone, Copy)]
pub(crate) struct Parameter<'p> {
    text: &'p str,
    pub(crate) name: &'p str,
    /// What follows the `=`, if there is one.
    pub(crate) value: Option<&'p str>,
}

impl<'p> Parameter<'p> {
    fn new(text: &'p str) -> Self {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        Self { text, name, value }
    }

    pub(crate) fn expected(self, expected: &'static str) -> KeyError {
        KeyError::Value {
            parameter: self.text.to_owned(),
            expected,
        }
    }

    /// Why a format does not take it: another one does, or none.
    pub(crate) fn misplaced(self, format: &'static str) -> KeyError {
        let is_this = |known: &&'static str| match known.strip_suffix('=') {
            Some(name) => self.name == name && self.value.is_some(),
            None => self.text == *known,
        };
        match KeyFormat::parameters().find(is_this) {
            Some(known) => KeyError::Contradiction(known, format),
            None => KeyError::UnknownParameter(self.text.to_owned()),
        }
    }
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
        let parameters: Vec<_> = parameters.into_iter().map(Parameter::new).collect();
        let mut options = Self::default();
        // The format first: what the others mean depends on it.
        for parameter in &parameters {
            if let ("format", Some(name)) = (parameter.name, parameter.value) {
                let format = KeyFormat::named(name);
                options.format = format.ok_or_else(|| parameter.expected(KeyFormat::NAMES))?;
            }
        }
        let mut seen: Vec<&str> = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            if seen.contains(&parameter.name) {
                return Err(KeyError::Repeated(parameter.name.to_owned()));
            }
            seen.push(parameter.name);
            options.set(parameter, &parse_time)?;
        }
        options.format.check(&options.common)?;
        Ok(options)
    }

    fn set(&mut self, parameter: Parameter<'_>, parse_time: ParseTime<'_>) -> Result<(), KeyError> {
        let expected = |expected| parameter.expected(expected);
        let common = &mut self.common;
        match (parameter.name, parameter.value) {
            ("format", Some(_)) => {}
            ("id", Some(id)) if is_id(id) => common.id = Some(id.into()),
            ("id", Some(_)) => return Err(expected(ID)),
            ("encoding", Some("raw")) => common.encoding = Some(Encoding::Raw),
            ("encoding", Some("hex")) => common.encoding = Some(Encoding::Hex),
            ("encoding", Some("base64")) => common.encoding = Some(Encoding::Base64),
            ("encoding", Some("base64url")) => common.encoding = Some(Encoding::Base64Url),
            ("encoding", Some(_)) => return Err(expected("raw, hex, base64 or base64url")),
            ("path", Some("reverse")) => common.form = Some(PathForm::Reverse),
            ("path", Some("storage")) => common.form = Some(PathForm::Storage),
            ("path", Some("decoded")) => common.form = Some(PathForm::Decoded),
            ("path", Some("raw")) => common.form = Some(PathForm::Raw),
            ("path", Some(_)) => return Err(expected("reverse, storage, decoded or raw")),
            _ => self.format.set(parameter, parse_time)?,
        }
        Ok(())
    }
}

/// Whether a text may name a key: it appears in logs.
pub(crate) fn is_id(text: &str) -> bool {
    is_printable(text) && text.len() <= MAX_ID
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
    Jwt(Box<JwtKey>),
    CloudFront(Box<CloudFrontKey>),
    /// What this module signs itself.
    Minted(MintKey),
}

/// What a key file holds.
#[derive(Debug)]
pub struct Keys {
    /// Its keys, at least one: a JWK Set has several.
    pub keys: Vec<Key>,
    /// How many keys of a JWK Set were left out because their type or algorithm is
    /// not known, which is worth a warning.
    pub ignored: usize,
}

impl From<Key> for Keys {
    fn from(key: Key) -> Self {
        Self {
            keys: vec![key],
            ignored: 0,
        }
    }
}

impl Key {
    /// Makes keys from the content of their file.
    ///
    /// For `format=jwt` that is a secret, a public key in PEM (`BEGIN PUBLIC KEY`), or
    /// a JWK or JWK Set (RFC 7517); for `format=cloudfront` a public key in PEM.
    ///
    /// # Errors
    /// [`KeyError`] when the content does not suit the options.
    pub fn read(file: &[u8], options: &KeyOptions) -> Result<Keys, KeyError> {
        options.format.read(file, &options.common)
    }

    pub(crate) fn new(id: Option<Box<str>>, kind: Kind) -> Self {
        let weak = None;
        Self { id, weak, kind }
    }

    /// Whether whoever knows the key can make tokens, and not only verify them.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        match &self.kind {
            Kind::Django(_) => true,
            Kind::Jwt(key) => !matches!(key.verifier, jwt::Verifier::Public(..)),
            Kind::CloudFront(_) => false,
            Kind::Minted(_) => true,
        }
    }

    /// Where the credentials that it verifies are carried, where that is not to be
    /// configured: CloudFront's have names of their own.
    #[must_use]
    pub fn sources(&self) -> &'static [Source] {
        static CLOUDFRONT: [Source; 2] = [Source::CloudFrontUrl, Source::CloudFrontCookies];
        match &self.kind {
            Kind::Django(_) | Kind::Jwt(_) | Kind::Minted(_) => &[],
            Kind::CloudFront(_) => &CLOUDFRONT,
        }
    }

    /// Whether this module makes tokens with it (`use=mint`).
    #[must_use]
    pub fn mints(&self) -> bool {
        matches!(self.kind, Kind::Minted(_))
    }

    /// Whether the credentials that it verifies name the scheme and the host of the site,
    /// so that without knowing these nothing is granted.
    #[must_use]
    pub fn needs_origin(&self) -> bool {
        matches!(self.kind, Kind::CloudFront(_))
    }

    /// The name of the key: given in the configuration, or a JWK's `kid`.
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

/// The text of a key file without the newline at its end, if there is one.
#[must_use]
pub fn trim_newline(text: &[u8]) -> &[u8] {
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

    fn one_key(file: &[u8], parameters: &str) -> Key {
        let mut keys = Key::read(file, &parse(parameters).unwrap()).unwrap().keys;
        keys.pop().unwrap()
    }

    fn key_error(file: &[u8], parameters: &str) -> String {
        let options = parse(parameters).unwrap();
        Key::read(file, &options).unwrap_err().to_string()
    }

    #[test]
    fn parameters_are_read_in_any_order() {
        let options = parse(
            "signs=parent id=a path=storage derived alg=sha1 encoding=hex max_future=9 format=django",
        )
        .unwrap();
        assert_eq!(options.common.id.as_deref(), Some("a"));
        assert_eq!(options.common.encoding, Some(Encoding::Hex));
        assert_eq!(options.common.form, Some(PathForm::Storage));
        assert_eq!(
            format!("{:?}", options.format),
            "Django(Options { algorithm: Sha1, salt: None, derived: true, signs: Parent, max_future: Some(9) })"
        );
    }

    #[test]
    fn parameter_errors_say_what_was_expected() {
        assert_eq!(
            error("format=jws"),
            r#""format=jws": expected django, jwt or cloudfront"#
        );
        assert_eq!(error("alg=md5"), r#""alg=md5": expected sha256 or sha1"#);
        assert_eq!(
            error("encoding=utf8"),
            r#""encoding=utf8": expected raw, hex, base64 or base64url"#
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
        assert!(Key::read(&[b'\n'; 32], &parse("derived").unwrap()).is_ok());
        assert!(Key::read(&[b'\n'; 33], &parse("derived").unwrap()).is_ok());
        assert!(Key::read(&[b'\r'; 32], &parse("derived").unwrap()).is_ok());
        let with_newline = [&[b'\r'; 32][..], b"\n"].concat();
        assert!(Key::read(&with_newline, &parse("derived").unwrap()).is_ok());
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
        let weak = |file: &[u8], parameters| one_key(file, parameters).weak;
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
        let key = one_key(b"secret", "id=main");
        assert_eq!(format!("{key:?}"), r#"Key { id: Some("main"), ... }"#);
        let file = KeyFile {
            bytes: Zeroizing::new(b"secret".to_vec()),
            mode: 0o644,
        };
        assert_eq!(format!("{file:?}"), "KeyFile { ... }");
        assert!(file.is_world_readable());
    }
}
