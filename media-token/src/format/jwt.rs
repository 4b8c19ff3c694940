//! JSON Web Tokens (RFC 7519) in the compact form of JWS (RFC 7515, 7.1):
//! `HEADER.CLAIMS.SIGNATURE`, each in unpadded base64url.
//!
//! One verifier, strict where libraries are lenient: the algorithm is the key's and
//! never the token's choice, a token has one spelling, and what is not understood is
//! refused. Claims are looked at only after the signature holds.
//!
//! A token has to say when it ends, and what it covers; one that names nothing covers
//! nothing. Its claims are
//!
//! * `exp` (required), `nbf`, `aud` and `sub` of RFC 7519, 4.1;
//! * `path`, or another that the key names (`path_claim=`): exact paths, or folders
//!   that end in `/*`;
//! * `method`: the methods that are allowed;
//! * `ip`: addresses, or networks as `ADDRESS/BITS`;
//! * `cdniv`, `cdnicrit` and `cdniuc` of RFC 9246, 2.1.
//!
//! `path`, `method`, `ip` and `aud` are a string or an array of at most 64 strings.
//! What is not named does not limit, but for coverage: `path` or `cdniuc` has to be
//! there, and where both are, both have to cover the request.

mod claims;
mod coverage;
pub(crate) mod keys;
pub(super) mod options;

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use memchr::{memchr, memchr2};
use serde::de::{IgnoredAny, MapAccess};
use sha2::{Sha256, Sha384, Sha512};

use crate::decision::trace;
use crate::decision::{
    Context, Env, Failure, Format, Grant, Numbered, OutOfMemory, Reason, Refusal,
};
use crate::format::decode_value;
use crate::json::{self, Members, Text};
use crate::key::{Key, Kind};
use crate::scope::PathForm;
use claims::Denied;
pub(crate) use claims::can_name_paths;

/// The longest token that is looked at, in bytes, as it stands in the request.
pub const MAX_TOKEN_LEN: usize = 4096;

/// The claim that names what is covered, unless the key says otherwise.
pub const DEFAULT_PATH_CLAIM: &str = "path";

/// How a key's tokens are signed (RFC 7518, 3.1 and RFC 8037, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256; the signature is `r` and `s`, 64 bytes.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// What kind of key an algorithm needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Hmac,
    Rsa,
    P256,
    Ed25519,
}

impl Family {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hmac => "a secret",
            Self::Rsa => "an RSA public key",
            Self::P256 => "a P-256 public key",
            Self::Ed25519 => "an Ed25519 public key",
        }
    }
}

impl Algorithm {
    /// All names, for messages.
    pub(crate) const NAMES: &str = "HS256, HS384, HS512, RS256, PS256, ES256 or EdDSA";

    /// Reads the name that JOSE has for it, with case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            "RS256" => Self::Rs256,
            "PS256" => Self::Ps256,
            "ES256" => Self::Es256,
            // RFC 9864 has the second name for the one curve that is supported.
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        })
    }

    /// The name that JOSE has for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) fn family(self) -> Family {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Hmac,
            Self::Rs256 | Self::Ps256 => Family::Rsa,
            Self::Es256 => Family::P256,
            Self::EdDsa => Family::Ed25519,
        }
    }

    /// Length of the hash of an HMAC, in bytes.
    fn hash_len(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            Self::Rs256 | Self::Ps256 | Self::Es256 | Self::EdDsa => None,
        }
    }
}

/// A key that verifies tokens, and what its tokens look like.
pub(crate) struct JwtKey {
    pub(crate) verifier: Verifier,
    /// How the application spells the paths in its claims.
    pub(crate) form: PathForm,
    /// The claim that names what is covered.
    pub(crate) path_claim: Box<str>,
    /// Whom the tokens must be for.
    pub(crate) audience: Option<Box<str>>,
}

/// A key, and the one algorithm for which it is trusted.
pub(crate) enum Verifier {
    /// HMAC with the padded key already hashed in.
    Hs256(Hmac<Sha256>),
    Hs384(Box<Hmac<Sha384>>),
    Hs512(Box<Hmac<Sha512>>),
    Public(Algorithm, ParsedPublicKey),
}

impl Verifier {
    /// `None` for an algorithm that is no HMAC.
    fn hmac(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        Some(match algorithm {
            Algorithm::Hs256 => Self::Hs256(Hmac::new_from_slice(secret).ok()?),
            Algorithm::Hs384 => Self::Hs384(Box::new(Hmac::new_from_slice(secret).ok()?)),
            Algorithm::Hs512 => Self::Hs512(Box::new(Hmac::new_from_slice(secret).ok()?)),
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 | Algorithm::EdDsa => {
                return None;
            }
        })
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hs256(_) => Algorithm::Hs256,
            Self::Hs384(_) => Algorithm::Hs384,
            Self::Hs512(_) => Algorithm::Hs512,
            Self::Public(algorithm, _) => *algorithm,
        }
    }

    /// Whether the signature is this key's over the message. HMACs are compared in
    /// constant time.
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        fn holds(mac: impl Mac, message: &[u8], signature: &[u8]) -> bool {
            mac.chain_update(message).verify_slice(signature).is_ok()
        }
        match self {
            Self::Hs256(mac) => holds(mac.clone(), message, signature),
            Self::Hs384(mac) => holds(Hmac::clone(mac), message, signature),
            Self::Hs512(mac) => holds(Hmac::clone(mac), message, signature),
            Self::Public(_, key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// A token in its three parts, whose signature has not been looked at.
struct Token<'t, 'a> {
    /// What was signed: the header and the claims as they are spelled.
    message: &'t [u8],
    header: &'a [u8],
    claims: &'a [u8],
    signature: &'a [u8],
}

/// Three non-empty parts with dots between them, and no `:`, which no part can
/// hold but Django's tokens do.
fn split(text: &[u8]) -> Option<[&[u8]; 3]> {
    let first = memchr(b'.', text)?;
    let (header, rest) = text.split_at_checked(first)?;
    let rest = rest.get(1..)?;
    let (claims, signature) = rest.split_at_checked(memchr(b'.', rest)?)?;
    let parts = [header, claims, signature.get(1..)?];
    let is_jwt = parts
        .iter()
        .all(|part| !part.is_empty() && memchr2(b'.', b':', part).is_none());
    is_jwt.then_some(parts)
}

/// Splits what is decoded from a value off the memory that is for all of it.
fn decode_part<'a>(part: &[u8], memory: &mut &'a mut [u8]) -> Option<&'a [u8]> {
    let len = base64::decoded_len_estimate(part.len());
    let (target, rest) = std::mem::take(memory).split_at_mut_checked(len)?;
    *memory = rest;
    // Without padding, and with the unused bits of the last letter zero.
    let len = URL_SAFE_NO_PAD.decode_slice(part, target).ok()?;
    target.get(..len)
}

impl<'t, 'a: 't> Token<'t, 'a> {
    /// Reads a value, percent-encoded or not. `None` when it is no JWT.
    fn from_value(value: &'t [u8], env: &mut impl Env<'a>) -> Result<Option<Self>, OutOfMemory> {
        if value.len() > MAX_TOKEN_LEN {
            return Ok(None);
        }
        let Some(text) = decode_value(value, env)? else {
            return Ok(None);
        };
        let Some(parts) = split(text) else {
            return Ok(None);
        };
        let estimate = |part: &&[u8]| base64::decoded_len_estimate(part.len());
        let memory = env.allocate(parts.iter().map(estimate).sum());
        Ok(Self::decode(text, parts, memory.ok_or(OutOfMemory)?))
    }

    fn decode(text: &'t [u8], parts: [&'t [u8]; 3], mut memory: &'a mut [u8]) -> Option<Self> {
        let [header, claims, signature] = parts;
        // Both parts, and the dot between them.
        let signed = header.len().checked_add(claims.len())?.checked_add(1)?;
        Some(Self {
            message: text.get(..signed)?,
            header: decode_part(header, &mut memory)?,
            claims: decode_part(claims, &mut memory)?,
            signature: decode_part(signature, &mut memory)?,
        })
    }
}

/// What a header says about how to verify.
#[derive(Default)]
struct Header<'a> {
    algorithm: Option<Cow<'a, str>>,
    key_id: Option<Cow<'a, str>>,
    /// A member that must not be ignored, or that would bring its own key.
    unsupported: Option<&'static str>,
}

impl<'a> Members<'a> for Header<'a> {
    fn member<A: MapAccess<'a>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        match name {
            "alg" => self.algorithm = Some(object.next_value::<Text<'a>>()?.0),
            "kid" => self.key_id = Some(object.next_value::<Text<'a>>()?.0),
            _ => {
                if let Some(name) = unsupported(name) {
                    self.unsupported = Some(name);
                }
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Header members of RFC 7515, 4.1 and RFC 7797 that change what a token means or
/// how it is verified.
fn unsupported(name: &str) -> Option<&'static str> {
    Some(match name {
        "crit" => "crit",
        "jku" => "jku",
        "jwk" => "jwk",
        "b64" => "b64",
        name if name.starts_with("x5") => "x5...",
        _ => return None,
    })
}

/// Decides about a value as a JWT.
#[inline(never)]
pub(crate) fn verify<'a>(
    value: &[u8],
    context: &Context<'_, 'a>,
    verifications: &mut usize,
    env: &mut impl Env<'a>,
) -> Result<Grant<'a>, Failure<'a>> {
    if !jwt_keys(context).any(|_| true) {
        trace!(env, "no key takes tokens of this form");
        return Err(Reason::TokenMalformed.into());
    }
    let Some(token) = Token::from_value(value, env)? else {
        trace!(env, "not a token that any key takes");
        return Err(Reason::TokenMalformed.into());
    };
    context.format.set(Some(Format::Jwt));
    let (algorithm, key_id) = read_header(&token, env)?;
    let (id, key) = find_key(
        &token,
        algorithm,
        key_id.as_deref(),
        context,
        verifications,
        env,
    )?;
    let granted =
        claims::check(token.claims, key, context, env).map_err(|denied| match denied {
            Denied::For(reason) => Failure::Refused(Refusal {
                key_id: id,
                ..Refusal::from(reason)
            }),
            Denied::OutOfMemory => Failure::OutOfMemory,
        })?;
    Ok(Grant {
        key_id: id,
        subject: granted.subject,
        token_id: granted.token_id,
        format: Format::Jwt,
        expires: granted.expires,
        age: None,
        source: context.source,
        folder: granted.folder,
        began: None,
        is_for_address: granted.is_for_address,
    })
}

/// The algorithm, if it is one of ours, and the id of the key that the token was
/// signed with.
fn read_header<'a>(
    token: &Token<'_, 'a>,
    env: &mut impl Env<'a>,
) -> Result<(Option<Algorithm>, Option<Cow<'a, str>>), Reason> {
    let mut header = Header::default();
    let is_object = json::read_object(token.header, &mut header);
    let Some(algorithm) = header.algorithm.filter(|_| is_object) else {
        trace!(env, "its header is not that of a JWT");
        return Err(Reason::TokenMalformed);
    };
    if let Some(name) = header.unsupported {
        trace!(env, "its header has \"{name}\", which is not supported");
        return Err(Reason::TokenUnsupported);
    }
    let is_bad = |id: &Cow<'_, str>| id.contains(char::is_control);
    if header.key_id.as_ref().is_some_and(is_bad) {
        trace!(env, "its key id has a control character");
        return Err(Reason::TokenMalformed);
    }
    let algorithm = Algorithm::parse(&algorithm);
    trace!(
        env,
        "a JWT, signed by {}{}",
        algorithm.map_or("an algorithm that is not known", Algorithm::as_str),
        NamedKey(header.key_id.as_deref())
    );
    Ok((algorithm, header.key_id))
}

/// The key that a header names, in the words of a step.
struct NamedKey<'k>(Option<&'k str>);

impl fmt::Display for NamedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .map_or(Ok(()), |id| write!(f, " with the key \"{id}\""))
    }
}

fn jwt_keys<'a>(
    context: &Context<'_, 'a>,
) -> impl Iterator<Item = (usize, &'a Key, &'a JwtKey)> + Clone {
    let keys = context.policy.keys.iter().enumerate();
    keys.filter_map(|(number, key)| match &key.kind {
        Kind::Jwt(jwt) => Some((number, &**key, &**jwt)),
        _ => None,
    })
}

/// The key that made the token's signature.
///
/// A token that names its key is verified with the keys of that id or, when there is
/// none, with those without an id; one that does not, with all. Only keys of the
/// token's algorithm count.
fn find_key<'a>(
    token: &Token<'_, 'a>,
    algorithm: Option<Algorithm>,
    key_id: Option<&str>,
    context: &Context<'_, 'a>,
    verifications: &mut usize,
    env: &mut impl Env<'a>,
) -> Result<(Option<&'a str>, &'a JwtKey), Reason> {
    let is_named = key_id.is_some() && jwt_keys(context).any(|(_, key, _)| key.id() == key_id);
    let mut reason = Reason::UnknownKey;
    for (number, key, jwt) in jwt_keys(context) {
        let may_be = match key_id {
            Some(_) if is_named => key.id() == key_id,
            Some(_) => key.id().is_none(),
            None => true,
        };
        if !may_be || Some(jwt.verifier.algorithm()) != algorithm {
            continue;
        }
        let Some(left) = verifications.checked_sub(1) else {
            trace!(
                env,
                "{}: not tried, as enough have been",
                Numbered(number, key)
            );
            return Err(Reason::BadSignature);
        };
        *verifications = left;
        if jwt.verifier.verifies(token.message, token.signature) {
            trace!(env, "{}: the signature holds", Numbered(number, key));
            return Ok((key.id(), jwt));
        }
        trace!(env, "{}: another signature", Numbered(number, key));
        reason = Reason::BadSignature;
    }
    if reason == Reason::UnknownKey {
        trace!(env, "no key has the token's algorithm and key id");
    }
    Err(reason)
}
