//! Tokens that this module makes itself, to hand a grant over to a cookie: JWTs with
//! HS256, a type of their own, and an audience that names the cookie and the site. They
//! are accepted from that cookie only, and with a key that verifies nothing else.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use constant_time_eq::constant_time_eq_n;
use serde::{Deserialize, Serialize};

use crate::decision::{
    Context, Env, Failure, Folder, Format, Grant, Reach, Reason, Refusal, trace,
};
use crate::format::keep;
use crate::key::Kind;
use crate::mac::{self, PreparedKey};

/// `{"alg":"HS256","typ":"crossdomain-media+jwt"}`, and the dot behind it. Nothing else
/// is read as a token of ours.
const HEADER: &[u8] = b"eyJhbGciOiJIUzI1NiIsInR5cCI6ImNyb3NzZG9tYWluLW1lZGlhK2p3dCJ9.";

/// The longest token, in bytes; browsers keep cookies of 4096.
const MAX_LEN: usize = 3072;

/// A key that makes such tokens.
pub(crate) struct MintKey {
    mac: PreparedKey,
}

impl MintKey {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self {
            mac: PreparedKey::new(secret),
        }
    }

    // Apart, so that it is not what the compiler makes the one copy of.
    #[cold]
    #[inline(never)]
    fn sign(&self, message: &[&[u8]]) -> [u8; mac::TEXT_LEN] {
        let mut signed = self.mac.message();
        message.iter().for_each(|piece| signed.update(piece));
        mac::encode(&signed.finalize())
    }
}

/// What a token says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims<'c> {
    /// The cookie's name, a space, and the site's origin.
    #[serde(borrow)]
    aud: Cow<'c, str>,
    /// The first second in which it does not hold any more, in Unix time.
    exp: i64,
    /// When the first of this chain of tokens was made, in Unix time.
    iat: i64,
    /// The folder, as it stands in URLs, with its slash.
    #[serde(borrow)]
    path: Cow<'c, str>,
    /// Whether only the files are covered that are directly in the folder.
    #[serde(default, skip_serializing_if = "is_false")]
    direct: bool,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    sub: Option<Cow<'c, str>>,
    /// The id of the key that vouched for the first token, if it has one.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    by: Option<Cow<'c, str>>,
    /// The id of the first token, if it had one: who revokes it revokes the chain.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    jti: Option<Cow<'c, str>>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // what serde calls
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What a new token is for.
pub(crate) struct Scope<'s> {
    pub(crate) cookie: &'s str,
    pub(crate) origin: &'s [u8],
    pub(crate) folder: &'s [u8],
    pub(crate) is_direct: bool,
    pub(crate) subject: Option<&'s str>,
    pub(crate) vouched_by: Option<&'s str>,
    /// The id of the first token of the chain.
    pub(crate) token_id: Option<&'s str>,
    /// When the chain began.
    pub(crate) began: i64,
    pub(crate) expires: i64,
}

fn audience(cookie: &str, origin: &[u8]) -> Option<String> {
    Some(format!("{cookie} {}", std::str::from_utf8(origin).ok()?))
}

/// Makes a token. `None` where it would be too long, or not be a text.
pub(crate) fn mint(key: &MintKey, scope: &Scope<'_>) -> Option<Vec<u8>> {
    let claims = Claims {
        aud: audience(scope.cookie, scope.origin)?.into(),
        exp: scope.expires,
        iat: scope.began,
        path: std::str::from_utf8(scope.folder).ok()?.into(),
        direct: scope.is_direct,
        sub: scope.subject.map(Into::into),
        by: scope.vouched_by.map(Into::into),
        jti: scope.token_id.map(Into::into),
    };
    let text = serde_json::to_vec(&claims).ok()?;
    let body = URL_SAFE_NO_PAD.encode(&text);
    let signature = key.sign(&[HEADER, body.as_bytes()]);
    let token = [HEADER, body.as_bytes(), b".", &signature].concat();
    (token.len() <= MAX_LEN).then_some(token)
}

/// Whether a value would be a token of ours.
pub(crate) fn is_minted(value: &[u8]) -> bool {
    value.starts_with(HEADER)
}

/// Decides about a token that came in the cookie of this name.
pub(crate) fn verify<'a>(
    value: &[u8],
    cookie: &str,
    context: &Context<'_, 'a>,
    verifications: &mut usize,
    env: &mut impl Env<'a>,
) -> Result<Grant<'a>, Failure<'a>> {
    let malformed = || Failure::from(Reason::TokenMalformed);
    if value.len() > MAX_LEN {
        return Err(malformed());
    }
    let rest = value.strip_prefix(HEADER).ok_or_else(malformed)?;
    let (signature, body) = rest
        .split_last_chunk::<{ mac::TEXT_LEN }>()
        .map(|(body, signature)| (signature, body))
        .ok_or_else(malformed)?;
    let body = body.strip_suffix(b".").ok_or_else(malformed)?;
    let mut reason = Reason::UnknownKey;
    for key in &context.policy.keys {
        let Kind::Minted(minted) = &key.kind else {
            continue;
        };
        let Some(left) = verifications.checked_sub(1) else {
            break;
        };
        *verifications = left;
        if constant_time_eq_n(&minted.sign(&[HEADER, body]), signature) {
            trace!(env, "the signature holds");
            let revoked = context.policy.revoked.as_deref();
            if revoked.is_some_and(|revoked| key.id().is_some_and(|id| revoked.has_key(id))) {
                trace!(env, "its key has been revoked");
                return Err(Failure::Refused(Refusal {
                    key_id: key.id(),
                    ..Refusal::from(Reason::Revoked)
                }));
            }
            return believe(body, cookie, context, env).map_err(|failure| match failure {
                Failure::Refused(refusal) => Failure::Refused(Refusal {
                    key_id: key.id(),
                    ..refusal
                }),
                failure => failure,
            });
        }
        reason = Reason::BadSignature;
    }
    trace!(env, "no key with \"use=mint\" has made it");
    Err(reason.into())
}

/// Compares what a token of ours says with the request.
fn believe<'a>(
    body: &[u8],
    cookie: &str,
    context: &Context<'_, 'a>,
    env: &mut impl Env<'a>,
) -> Result<Grant<'a>, Failure<'a>> {
    let memory = env
        .allocate(base64::decoded_len_estimate(body.len()))
        .ok_or(Failure::OutOfMemory)?;
    let len = URL_SAFE_NO_PAD.decode_slice(body, &mut *memory).ok();
    let memory: &'a [u8] = memory;
    let text = len.and_then(|len| memory.get(..len));
    let claims: Option<Claims<'a>> = text.and_then(|text| serde_json::from_slice(text).ok());
    let Some(claims) = claims else {
        return Err(Failure::from(Reason::TokenMalformed));
    };
    // A key that this location does not trust, or not any more, vouches for nothing.
    let mut keys = context.policy.keys.iter().filter(|key| !key.mints());
    let Some(key) = keys.find(|key| key.id() == claims.by.as_deref()) else {
        trace!(env, "the key that vouched for its chain is not known here");
        return Err(Failure::from(Reason::UnknownKey));
    };
    if context.now >= claims.exp {
        trace!(
            env,
            "it ended at {}, and now is {}", claims.exp, context.now
        );
        return Err(Failure::from(Reason::TokenExpired));
    }
    let ours = env.origin().and_then(|origin| audience(cookie, origin));
    if ours.as_deref() != Some(&*claims.aud) {
        trace!(env, "it is for another cookie or another site");
        return Err(Failure::from(Reason::WrongAudience));
    }
    let below = context.view.path().strip_prefix(claims.path.as_bytes());
    let is_covered = below.is_some_and(|below| !claims.direct || !below.contains(&b'/'));
    if !is_covered || !claims.path.ends_with('/') {
        trace!(env, "its folder does not cover the request");
        return Err(Failure::from(Reason::WrongPath));
    }
    if context.path.is_ambiguous() {
        return Err(Failure::from(Reason::UnsafePath));
    }
    let subject = claims.sub.map(|subject| keep(subject, env)).transpose()?;
    let token_id = claims.jti.map(|id| keep(id, env)).transpose()?;
    Ok(Grant {
        key_id: key.id(),
        subject,
        token_id,
        format: Format::Minted,
        expires: claims.exp,
        age: None,
        source: context.source,
        folder: Some(Folder {
            len: claims.path.len(),
            reach: match claims.direct {
                true => Reach::Direct,
                false => Reach::Below,
            },
        }),
        began: Some(claims.iat),
        is_for_address: false,
    })
}
