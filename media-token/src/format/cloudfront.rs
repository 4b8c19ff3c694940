//! Signed URLs and signed cookies as Amazon CloudFront has them (FORMATS.md,
//! section 2): `Expires` or `Policy`, `Signature`, `Key-Pair-Id` and, where it is not
//! SHA-1, `Hash-Algorithm`, as arguments of the URL or, with `CloudFront-` before
//! them, as cookies.
//!
//! A *canned* policy (`Expires`) is not sent: it is rebuilt from the URL as it came
//! over the wire, and signed is that text. A *custom* one (`Policy`) is sent, and its
//! bytes are verified as they were sent before anything in them is believed.
//!
//! The key is the one that the id names, and no other is tried. Of the two hashes the
//! credential names one; that this is not signed is CloudFront's choice, and a key can
//! be bound to one (`alg=`).

pub(super) mod options;
mod policy;
mod resource;

use std::net::IpAddr;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA1_ASN1, ECDSA_P256_SHA256_ASN1, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

use crate::carried::Cookie;
use crate::clean;
use crate::decision::{CLOCK_RESOLUTION, trace};
use crate::decision::{
    Context, Env, Failure, Folder, Format, Grant, OutOfMemory, Reach, Reason, Refusal,
};
use crate::format::decode_value;
use crate::key::{KeyError, Kind};
use crate::public_key;
use crate::query::Pair;
use crate::scope;
use crate::source::Source;
use policy::Statement;
use resource::{Coverage, Url};

/// The longest value of a parameter that is looked at, in bytes, as it stands in the
/// request.
pub const MAX_VALUE_LEN: usize = 4096;

/// Signatures of RSA keys of 8192 bits are the longest, in bytes.
const MAX_SIGNATURE: usize = 1024;

/// CloudFront's times are numbers of 32 bits.
const MAX_EXPIRES_DIGITS: usize = 10;

/// What every name of a cookie begins with.
const COOKIE_PREFIX: &str = "CloudFront-";

/// One of the five texts of a credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    Expires,
    Policy,
    Signature,
    KeyPairId,
    HashAlgorithm,
}

impl Parameter {
    const ALL: [Self; 5] = [
        Self::Expires,
        Self::Policy,
        Self::Signature,
        Self::KeyPairId,
        Self::HashAlgorithm,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Expires => "Expires",
            Self::Policy => "Policy",
            Self::Signature => "Signature",
            Self::KeyPairId => "Key-Pair-Id",
            Self::HashAlgorithm => "Hash-Algorithm",
        }
    }

    /// The parameter that a pair of the query is, with its value, still encoded.
    pub(crate) fn in_pair<'a>(pair: &Pair<'a>) -> Option<(Self, &'a [u8])> {
        Self::ALL
            .into_iter()
            .find_map(|parameter| Some((parameter, pair.value_of(parameter.name())?)))
    }

    /// The parameter that a cookie is, with its value, still encoded.
    pub(crate) fn in_cookie<'a>(cookie: &Cookie<'a>) -> Option<(Self, &'a [u8])> {
        let (name, value) = cookie.parts()?;
        let name = name.strip_prefix(COOKIE_PREFIX.as_bytes())?;
        Self::ALL
            .into_iter()
            .find(|parameter| parameter.name().as_bytes() == name)
            .map(|parameter| (parameter, value))
    }
}

/// The parameters that a URL has, or the cookies of a request, still encoded.
#[derive(Clone, Copy, Default)]
pub(crate) struct Parameters<'a> {
    values: [Option<&'a [u8]>; Parameter::ALL.len()],
    /// Whether one was there more than once.
    is_repeated: bool,
    /// The number of their source.
    source: u8,
}

impl<'a> Parameters<'a> {
    pub(crate) fn add(&mut self, source: usize, parameter: Parameter, value: &'a [u8]) {
        self.source = u8::try_from(source).unwrap_or(u8::MAX);
        if let Some(slot) = self.values.get_mut(parameter as usize) {
            self.is_repeated |= slot.is_some();
            *slot = Some(value);
        }
    }

    pub(crate) fn source(&self) -> usize {
        self.source.into()
    }

    /// The cookies that carry the same, with their names.
    pub(crate) fn as_cookies(&self) -> impl Iterator<Item = (String, &'a [u8])> {
        let named = Parameter::ALL.into_iter().zip(self.values);
        named.filter_map(|(parameter, value)| {
            Some(([COOKIE_PREFIX, parameter.name()].concat(), value?))
        })
    }

    fn get(&self, parameter: Parameter) -> Option<&'a [u8]> {
        *self.values.get(parameter as usize)?
    }
}

/// The hash of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// What CloudFront takes where nothing else is said.
    Sha1,
    /// `Hash-Algorithm=SHA256`.
    Sha256,
}

/// The kinds of policy that a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    /// Those of one URL, which are not sent.
    Canned,
    /// Those that are sent.
    Custom,
}

/// A public key that verifies signatures with one hash or with both.
pub(crate) struct CloudFrontKey {
    sha1: Option<ParsedPublicKey>,
    sha256: Option<ParsedPublicKey>,
    /// Whether `http*://` stands for both schemes.
    any_http: bool,
    /// The only kind of policy that it signs, if it signs just one. A canned policy is
    /// also a text that can be sent as a custom one, where a `*` or a `?` of the URL is
    /// a wildcard.
    policies: Option<Policies>,
}

impl CloudFrontKey {
    /// Reads a key file: a public key in PEM, RSA of 2048 to 8192 bits or P-256. With a
    /// hash, for signatures with this one only.
    pub(crate) fn read(
        file: &[u8],
        hash: Option<Hash>,
        any_http: bool,
        policies: Option<Policies>,
    ) -> Result<Self, KeyError> {
        let der = public_key::from_pem(file)?;
        let [sha1, sha256]: [&'static dyn VerificationAlgorithm; 2] =
            if ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &der).is_ok() {
                [&ECDSA_P256_SHA1_ASN1, &ECDSA_P256_SHA256_ASN1]
            } else {
                public_key::check_rsa(&der).map_err(|error| match error {
                    KeyError::OtherPublicKey => KeyError::NotForCloudFront,
                    error => error,
                })?;
                [
                    &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
                    &RSA_PKCS1_2048_8192_SHA256,
                ]
            };
        let parse = |algorithm, of| match hash {
            Some(hash) if hash != of => Ok(None),
            _ => ParsedPublicKey::new(algorithm, &der)
                .map(Some)
                .map_err(|_| KeyError::NotForCloudFront),
        };
        Ok(Self {
            sha1: parse(sha1, Hash::Sha1)?,
            sha256: parse(sha256, Hash::Sha256)?,
            any_http,
            policies,
        })
    }

    fn with(&self, hash: Hash) -> Option<&ParsedPublicKey> {
        match hash {
            Hash::Sha1 => self.sha1.as_ref(),
            Hash::Sha256 => self.sha256.as_ref(),
        }
    }
}

/// A credential that is complete, whose signature has not been looked at.
struct Signed<'t> {
    policy: PolicyText<'t>,
    signature: &'t [u8],
    key_id: &'t [u8],
    hash: Option<&'t [u8]>,
}

/// What says when it ends, still encoded.
enum PolicyText<'t> {
    Canned(&'t [u8]),
    Custom(&'t [u8]),
}

impl<'t> Signed<'t> {
    fn new<'a>(parameters: &Parameters<'t>, env: &mut impl Env<'a>) -> Result<Self, Reason> {
        let values = parameters.values.into_iter().flatten();
        if parameters.is_repeated {
            return Err(Reason::TokenRepeated);
        }
        if values.clone().any(<[u8]>::is_empty) {
            return Err(Reason::TokenEmpty);
        }
        if values.clone().any(|value| value.len() > MAX_VALUE_LEN) {
            trace!(env, "a parameter is too long");
            return Err(Reason::TokenMalformed);
        }
        let get = |parameter| parameters.get(parameter);
        let policy = match (get(Parameter::Expires), get(Parameter::Policy)) {
            (Some(expires), None) => PolicyText::Canned(expires),
            (None, Some(policy)) => PolicyText::Custom(policy),
            (Some(_), Some(_)) => {
                trace!(env, "both a canned and a custom policy");
                return Err(Reason::TokenMalformed);
            }
            (None, None) => {
                trace!(env, "neither Expires nor Policy");
                return Err(Reason::TokenIncomplete);
            }
        };
        let (Some(signature), Some(key_id)) =
            (get(Parameter::Signature), get(Parameter::KeyPairId))
        else {
            trace!(env, "no Signature, or no Key-Pair-Id");
            return Err(Reason::TokenIncomplete);
        };
        Ok(Self {
            policy,
            signature,
            key_id,
            hash: get(Parameter::HashAlgorithm),
        })
    }
}

/// Decides about the parameters that a request carries: with one signature at most.
#[inline(never)]
pub(crate) fn verify<'a>(
    parameters: &Parameters<'_>,
    context: &Context<'_, 'a>,
    env: &mut impl Env<'a>,
) -> Result<Grant<'a>, Failure<'a>> {
    let signed = Signed::new(parameters, env)?;
    if scope::is_unsafe(context.view, &context.path) {
        return Err(Reason::UnsafePath.into());
    }
    let (id, key, public_key) = find_key(&signed, context, env)?;
    let other = match signed.policy {
        PolicyText::Canned(_) => Policies::Custom,
        PolicyText::Custom(_) => Policies::Canned,
    };
    if key.policies == Some(other) {
        trace!(env, "the key signs the other kind of policy only");
        return Err(Reason::TokenUnsupported.into());
    }
    let Some(signature) = decode_base64(signed.signature, MAX_SIGNATURE, env)? else {
        trace!(env, "its signature is not in CloudFront's base64");
        return Err(Reason::TokenMalformed.into());
    };
    let url = public_url(context, env)?;
    let message = match signed.policy {
        PolicyText::Canned(expires) => {
            let message = Message::canned(expires, url.as_ref(), env)?;
            if let Some(url) = &url {
                let shown = url.without_query().escape_ascii();
                trace!(env, "what it signs is {shown} with its query and its end");
            }
            message
        }
        PolicyText::Custom(policy) => Message::custom(policy, env)?,
    };
    // After the forms, before anything in them is believed.
    if public_key.verify_sig(message.text, signature).is_err() {
        if let (PolicyText::Canned(_), Some(url)) = (&signed.policy, &url) {
            let shown = url.without_query().escape_ascii();
            trace!(
                env,
                "it was not made for {shown} with this query and this end"
            );
        }
        trace!(env, "another signature");
        return Err(Reason::BadSignature.into());
    }
    trace!(env, "the signature holds");

    let refused = |reason| {
        Failure::Refused(Refusal {
            key_id: Some(id),
            ..Refusal::from(reason)
        })
    };
    let (expires, folder, is_for_address) = match message.expires {
        Some(expires) => {
            check_end(expires, context, env).map_err(refused)?;
            (expires, None, false)
        }
        None => {
            let text = policy::readable(message.text, env)?;
            let statement = Statement::read(text, env).map_err(refused)?;
            statement.tell(env);
            let covered = check(&statement, key, url.as_ref(), context, env);
            let covered = covered.map_err(refused)?;
            let folder = match covered {
                Coverage::Wide => folder(&statement, context),
                Coverage::None | Coverage::Exact => None,
            };
            (statement.expires, folder, statement.network.is_some())
        }
    };
    Ok(Grant {
        key_id: Some(id),
        subject: None,
        token_id: None,
        format: Format::CloudFront,
        expires,
        age: None,
        source: context.source,
        folder,
        began: None,
        is_for_address,
    })
}

/// The folder of the URL's path that a wide resource reaches into: what stands before
/// its first wildcard, up to a slash.
fn folder(statement: &Statement<'_>, context: &Context<'_, '_>) -> Option<Folder> {
    let path = context.view.path();
    let (literal, is_all) = match statement.resource.as_deref() {
        None => ("/", true),
        Some(resource) => resource::folder(resource),
    };
    let is_limited = statement.network.is_some() || statement.starts.is_some();
    let reach = match is_all && !is_limited {
        true => Reach::Below,
        false => Reach::Other,
    };
    path.starts_with(literal.as_bytes()).then_some(Folder {
        len: literal.len(),
        reach,
    })
}

/// The key with the id that the credential names, for the hash that it names.
fn find_key<'a>(
    signed: &Signed<'_>,
    context: &Context<'_, 'a>,
    env: &mut impl Env<'a>,
) -> Result<(&'a str, &'a CloudFrontKey, &'a ParsedPublicKey), Failure<'a>> {
    let hash = match signed.hash {
        None => Hash::Sha1,
        Some(name) => match decode_value(name, env)? {
            Some(b"SHA1") => Hash::Sha1,
            Some(b"SHA256") => Hash::Sha256,
            _ => {
                trace!(env, "its Hash-Algorithm is neither SHA1 nor SHA256");
                return Err(Reason::TokenUnsupported.into());
            }
        },
    };
    let key_id = decode_value(signed.key_id, env)?;
    let found = context.policy.keys.iter().find_map(|key| {
        let (Kind::CloudFront(cloudfront), Some(id)) = (&key.kind, key.id()) else {
            return None;
        };
        (key_id == Some(id.as_bytes())).then_some((id, &**cloudfront))
    });
    let Some((id, key)) = found else {
        trace!(env, "no key has its Key-Pair-Id");
        return Err(Reason::UnknownKey.into());
    };
    match key.with(hash) {
        Some(public_key) => {
            trace!(
                env,
                "signed with the key \"{id}\" and {}",
                match hash {
                    Hash::Sha1 => "SHA-1",
                    Hash::Sha256 => "SHA-256",
                }
            );
            Ok((id, key, public_key))
        }
        None => {
            trace!(env, "the key is for another hash");
            Err(Reason::UnknownKey.into())
        }
    }
}

/// What was signed.
struct Message<'a> {
    text: &'a [u8],
    /// The end that a canned policy states.
    expires: Option<i64>,
}

impl<'a> Message<'a> {
    /// The text that the signer of a canned policy has made, byte for byte.
    fn canned(
        expires: &[u8],
        url: Option<&Url<'_>>,
        env: &mut impl Env<'a>,
    ) -> Result<Self, Failure<'a>> {
        let digits = decode_value(expires, env)?;
        let number = digits.and_then(|digits| Some((digits, read_expires(digits)?)));
        let Some((digits, expires)) = number else {
            trace!(env, "its Expires is not a time in Unix seconds");
            return Err(Reason::TokenMalformed.into());
        };
        let Some(url) = url else {
            trace!(env, "this site's own scheme and host are not known");
            return Err(Reason::BadSignature.into());
        };
        let pieces: [&[u8]; 5] = [
            br#"{"Statement":[{"Resource":""#,
            url.text,
            br#"","Condition":{"DateLessThan":{"AWS:EpochTime":"#,
            digits,
            b"}}}]}",
        ];
        Ok(Self {
            text: join(pieces.into_iter(), env)?,
            expires: Some(expires),
        })
    }

    /// The bytes of a custom policy, whatever they are.
    fn custom(policy: &[u8], env: &mut impl Env<'a>) -> Result<Self, Failure<'a>> {
        match decode_base64(policy, MAX_VALUE_LEN, env)? {
            Some(text) => Ok(Self {
                text,
                expires: None,
            }),
            None => {
                trace!(env, "its policy is not in CloudFront's base64");
                Err(Reason::TokenMalformed.into())
            }
        }
    }
}

/// A time in Unix seconds as JSON spells it: no sign, no leading zero.
fn read_expires(digits: &[u8]) -> Option<i64> {
    let is_number = digits.iter().all(u8::is_ascii_digit)
        && digits.len() <= MAX_EXPIRES_DIGITS
        && (digits.len() == 1 || !digits.starts_with(b"0"));
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| is_number)?
        .parse()
        .ok()
}

/// Whether a custom policy holds now, for this viewer and this URL, and how. Its end
/// comes first among the reasons, so that a viewer whose policy is too old is sent for
/// another one.
fn check<'a>(
    statement: &Statement<'_>,
    key: &CloudFrontKey,
    url: Option<&Url<'_>>,
    context: &Context<'_, 'a>,
    env: &mut impl Env<'a>,
) -> Result<Coverage, Reason> {
    check_end(statement.expires, context, env)?;
    if let Some(start) = statement.starts
        && context.now.saturating_add(CLOCK_RESOLUTION) <= start
    {
        trace!(
            env,
            "it begins after {start}, and now it is {}", context.now
        );
        return Err(Reason::TokenNotYetValid);
    }
    if let Some(network) = statement.network {
        let is_inside = match env.address().map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => network.contains(&address),
            _ => false,
        };
        if !is_inside {
            trace!(env, "it is for {network}, where this viewer is not");
            return Err(Reason::WrongAddress);
        }
    }
    let resource = statement.resource.as_deref();
    // All of any site, also of one that does not know its name.
    let Some(resource) = resource.filter(|resource| *resource != "*") else {
        return match context.path.is_ambiguous() {
            true => Err(Reason::UnsafePath),
            false => Ok(Coverage::Wide),
        };
    };
    let Some(url) = url else {
        trace!(env, "this site's own scheme and host are not known");
        return Err(Reason::WrongPath);
    };
    match resource::coverage(resource, key.any_http, url) {
        Coverage::Wide if context.path.is_ambiguous() => {
            trace!(env, "its resource is wide, and the path is ambiguous");
            Err(Reason::UnsafePath)
        }
        covered @ (Coverage::Exact | Coverage::Wide) => Ok(covered),
        Coverage::None => {
            trace!(env, "its resource does not cover the request");
            Err(Reason::WrongPath)
        }
    }
}

fn check_end<'a>(
    expires: i64,
    context: &Context<'_, 'a>,
    env: &mut impl Env<'a>,
) -> Result<(), Reason> {
    if context.now >= expires.saturating_add(context.policy.leeway) {
        trace!(env, "it ended at {expires}, and now it is {}", context.now);
        return Err(Reason::TokenExpired);
    }
    Ok(())
}

/// The URL that the viewer asked for, as it came over the wire, without CloudFront's
/// parameters. `None` where this site does not know its own scheme and host.
fn public_url<'a>(
    context: &Context<'_, 'a>,
    env: &mut impl Env<'a>,
) -> Result<Option<Url<'a>>, OutOfMemory> {
    /// All other arguments are a part of it, also those that hold credentials of
    /// other formats.
    static PARAMETERS: [Source; 1] = [Source::CloudFrontUrl];
    let Some(origin) = env.origin() else {
        return Ok(None);
    };
    let target = clean::clean_target(context.view, &PARAMETERS);
    let len = clean::clean_target(context.view, &PARAMETERS).map(<[u8]>::len);
    let len = len.fold(origin.len(), usize::saturating_add);
    let text = collect([origin].into_iter().chain(target), len, env)?;
    Ok(Url::new(text, origin.len(), context.view.path().len()))
}

/// Joins pieces in the request's memory.
fn join<'a, 'p>(
    pieces: impl Iterator<Item = &'p [u8]> + Clone,
    env: &mut impl Env<'a>,
) -> Result<&'a [u8], OutOfMemory> {
    let len = pieces.clone().map(<[u8]>::len);
    let len = len.fold(0, usize::saturating_add);
    collect(pieces, len, env)
}

/// Joins pieces that are so long together in the request's memory.
fn collect<'a, 'p>(
    pieces: impl Iterator<Item = &'p [u8]>,
    len: usize,
    env: &mut impl Env<'a>,
) -> Result<&'a [u8], OutOfMemory> {
    let memory = env.allocate(len).ok_or(OutOfMemory)?;
    let mut rest = &mut *memory;
    for piece in pieces {
        let (place, tail) = rest.split_at_mut_checked(piece.len()).ok_or(OutOfMemory)?;
        place.copy_from_slice(piece);
        rest = tail;
    }
    match rest.is_empty() {
        true => Ok(memory),
        false => Err(OutOfMemory),
    }
}

/// Standard base64 with `-` for `+` and `~` for `/` (FORMATS.md, 2.3). The `_` for
/// `=` is not its business.
const BASE64: GeneralPurpose = GeneralPurpose::new(&ALPHABET, NO_PAD);

const ALPHABET: Alphabet =
    match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~") {
        Ok(alphabet) => alphabet,
        // While compiling.
        #[allow(clippy::panic)]
        Err(_) => panic!("not an alphabet"),
    };

/// Decodes a value, with all its padding or none, and with the unused bits of the last
/// letter zero. `None` when it is not spelled like that, or longer than `max` bytes.
fn decode_base64<'a>(
    value: &[u8],
    max: usize,
    env: &mut impl Env<'a>,
) -> Result<Option<&'a [u8]>, OutOfMemory> {
    let Some(text) = decode_value(value, env)?.and_then(without_padding) else {
        return Ok(None);
    };
    let len = base64::decoded_len_estimate(text.len());
    if len > max.saturating_add(2) {
        return Ok(None);
    }
    let memory = env.allocate(len).ok_or(OutOfMemory)?;
    let decoded = BASE64.decode_slice(text, &mut *memory).ok();
    let memory: &'a [u8] = memory;
    Ok(decoded.and_then(|len| memory.get(..len)))
}

/// A text without the one or two `_` that make its length a multiple of four.
fn without_padding(text: &[u8]) -> Option<&[u8]> {
    let bare = match text {
        [bare @ .., b'_', b'_'] | [bare @ .., b'_'] => bare,
        bare => return Some(bare),
    };
    text.len().is_multiple_of(4).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Fixed;

    #[test]
    fn base64_is_cloudfronts_own() {
        let decode = |text: &str| {
            let mut memory = [0; 64];
            let mut env = Fixed::new(&mut memory);
            let decoded = decode_base64(text.as_bytes(), 6, &mut env).unwrap();
            decoded.map(<[u8]>::to_vec)
        };
        let bytes = |bytes: &[u8]| Some(bytes.to_vec());
        assert_eq!(decode("-~-~"), bytes(&[0xfb, 0xff, 0xbf]));
        assert_eq!(decode("%2d%7E-~"), bytes(&[0xfb, 0xff, 0xbf]));
        assert_eq!(decode("YQ__"), bytes(b"a"));
        assert_eq!(decode("YQ"), bytes(b"a"));
        assert_eq!(decode("YWI_"), bytes(b"ab"));
        assert_eq!(decode("YWI"), bytes(b"ab"));
        assert_eq!(decode("YWJj"), bytes(b"abc"));
        assert_eq!(decode("YWJjYWJj"), bytes(b"abcabc"));
        for text in [
            "YQ_",
            "YWI__",
            "YQ==",
            "YQ___",
            "YWJj____",
            "+/+/",
            "YR__",
            "Y",
            "_",
            "____",
            "Y Q_",
            "YQ__YQ__",
            "YWJjYWJjYWJj",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn an_end_is_a_number_as_json_has_it() {
        for (digits, number) in [
            ("0", Some(0)),
            ("1700003600", Some(1_700_003_600)),
            ("9999999999", Some(9_999_999_999)),
            ("10000000000", None),
            ("01700003600", None),
            ("00", None),
            ("", None),
            ("+1", None),
            ("-1", None),
            ("1.0", None),
            ("1e9", None),
            ("1 ", None),
            ("\u{661}", None),
        ] {
            assert_eq!(read_expires(digits.as_bytes()), number, "{digits}");
        }
    }
}
