//! Whether a request is granted: signature first, then time (DESIGN.md, rule 2).

use std::cell::Cell;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use memchr::memrchr;

use crate::carried::{Carried, Credential, Taken};
use crate::format::cloudfront::{self, Parameters};
use crate::format::django::{DjangoKey, MAX_TOKEN_LEN, Token};
use crate::format::{jwt, minted};
use crate::key::{Key, Kind};
use crate::request::{RequestView, is_reading};
use crate::revoked::Revoked;
use crate::scope::{self, Path, Signs};
use crate::source::Source;

/// nginx's clock is whole seconds, so a token made within this second may look
/// as if it were from the next one.
pub(crate) const CLOCK_RESOLUTION: i64 = 1;

/// How many signatures are computed for one request, over all its credentials and
/// keys: so much work, and no more, does a forged token cause.
pub const MAX_VERIFICATIONS: usize = 4;

/// Django's tokens are at most so long in a request, if each byte is escaped.
const MAX_DJANGO_VALUE: usize = MAX_TOKEN_LEN * 3;

/// What decides about a location's requests.
#[derive(Debug)]
pub struct Policy {
    /// Where credentials are looked for, in order of preference.
    pub sources: Vec<Source>,
    /// The keys that are trusted, in the order in which they are tried.
    pub keys: Vec<Arc<Key>>,
    /// Life of tokens that state only their birth, in seconds.
    pub max_age: i64,
    /// Tolerated clock difference at the end of a life, in seconds.
    pub leeway: i64,
    /// What no longer counts, although a key verifies it.
    pub revoked: Option<Arc<Revoked>>,
}

impl Policy {
    /// How long tokens live that state only their birth, where nothing else is said, in
    /// seconds.
    pub const DEFAULT_MAX_AGE: i64 = 120;
}

/// What deciding may need from outside. `'a` is the life of the request.
pub trait Env<'a> {
    /// Whether anybody wants to know the steps of the decision.
    fn listens(&self) -> bool;

    /// Called with each step in words, which name no secret.
    fn trace(&mut self, step: fmt::Arguments<'_>);

    /// Memory of exactly this many bytes that lives as long as the request; `None`
    /// when there is none. Not asked for by Django's tokens.
    fn allocate(&mut self, len: usize) -> Option<&'a mut [u8]>;

    /// The request's method, as it came.
    fn method(&self) -> &[u8];

    /// The viewer's address, where it has one.
    fn address(&self) -> Option<IpAddr>;

    /// Scheme and authority under which viewers see this site (`https://host:port`),
    /// without a slash at its end, where that is known.
    fn origin(&mut self) -> Option<&'a [u8]>;
}

/// Traces a step, which costs nothing where nobody listens.
macro_rules! trace {
    ($env:expr, $($step:tt)*) => {
        if $env.listens() {
            $env.trace(format_args!($($step)*));
        }
    };
}
pub(crate) use trace;

/// A key in the words of a step: its number, and its id where it has one.
pub(crate) struct Numbered<'k>(pub(crate) usize, pub(crate) &'k Key);

impl fmt::Display for Numbered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, key) = self;
        write!(f, "key {number}")?;
        key.id().map_or(Ok(()), |id| write!(f, " (id \"{id}\")"))
    }
}

/// What a key of Django's format signs of a path, in the words of a step.
struct Spelled<'p>(&'p Path<'p>, &'p DjangoKey);

impl fmt::Display for Spelled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, key) = self;
        let mut written = Ok(());
        path.spell(key.form, &mut |piece| {
            written = written.and_then(|()| write!(f, "{}", piece.escape_ascii()));
        });
        written
    }
}

/// An [`Env`] whose facts are known beforehand, with memory from a buffer. Nobody
/// listens.
#[derive(Default)]
pub struct Fixed<'a> {
    /// What is left to be allocated.
    pub memory: &'a mut [u8],
    /// See [`Env::method`].
    pub method: &'a [u8],
    /// See [`Env::address`].
    pub address: Option<IpAddr>,
    /// See [`Env::origin`].
    pub origin: Option<&'a [u8]>,
}

impl<'a> Fixed<'a> {
    /// A `GET` from nowhere, to a site that does not know its name.
    #[must_use]
    pub fn new(memory: &'a mut [u8]) -> Self {
        Self {
            memory,
            method: b"GET",
            ..Self::default()
        }
    }
}

impl<'a> Env<'a> for Fixed<'a> {
    #[inline]
    fn listens(&self) -> bool {
        false
    }

    #[inline]
    fn trace(&mut self, _step: fmt::Arguments<'_>) {}

    fn allocate(&mut self, len: usize) -> Option<&'a mut [u8]> {
        if len > self.memory.len() {
            return None;
        }
        let (memory, rest) = std::mem::take(&mut self.memory).split_at_mut_checked(len)?;
        self.memory = rest;
        Some(memory)
    }

    fn method(&self) -> &[u8] {
        self.method
    }

    fn address(&self) -> Option<IpAddr> {
        self.address
    }

    fn origin(&mut self) -> Option<&'a [u8]> {
        self.origin
    }
}

/// Memory ran out, so nothing was decided: answer 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no memory to decide in")]
pub struct OutOfMemory;

/// The verdict on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// A credential holds.
    Granted(Grant<'a>),
    /// None does.
    Refused(Refusal<'a>),
}

/// A credential that holds, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// The id of the key that verified the signature.
    pub key_id: Option<&'a str>,
    /// Whom the token was made for (`sub` of a JWT). Without control characters.
    pub subject: Option<&'a str>,
    /// The token's own id (`jti` of a JWT), as it came.
    pub token_id: Option<&'a str>,
    /// How the credential is spelled.
    pub format: Format,
    /// The end that it states, in Unix time, without leeway: a Django token's last
    /// second, or the first second in which a JWT does not hold any more.
    pub expires: i64,
    /// Seconds since it was made, where it says so (Django's do); negative when it is
    /// dated in the future.
    pub age: Option<i64>,
    /// The number of the source that carried it, from 0.
    pub source: usize,
    /// The folder that it is for, where it reaches beyond the file.
    pub folder: Option<Folder>,
    /// When the first token of a chain was made, in Unix time: of tokens that this
    /// module has made itself.
    pub began: Option<i64>,
    /// Whether it is for some addresses only, so that no shared cache may answer others.
    pub is_for_address: bool,
}

/// A folder of the requested path for which a grant holds too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folder {
    /// How many bytes of the raw path it is, with the slash at its end.
    pub len: usize,
    /// How far the grant reaches in it.
    pub reach: Reach,
}

/// How far a grant reaches in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To all that is below.
    Below,
    /// To the files that are directly in it.
    Direct,
    /// To some of it, or for some requests only.
    Other,
}

impl Folder {
    /// The folder of a path that the file is directly in.
    pub(crate) fn of(path: &[u8], reach: Reach) -> Option<Self> {
        let len = memrchr(b'/', path)?.saturating_add(1);
        Some(Self { len, reach })
    }
}

impl Grant<'_> {
    /// By how many seconds the token is dated ahead of our clock, where that is
    /// more than the clock's resolution.
    #[must_use]
    pub fn seconds_ahead(&self) -> Option<i64> {
        let age = self.age?;
        (age < -CLOCK_RESOLUTION).then(|| age.saturating_neg())
    }
}

/// Why no credential holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The cause.
    pub reason: Reason,
    /// How the credential is spelled that gave the reason, where that is known.
    pub format: Option<Format>,
    /// The id of the key that verified the signature, where one did.
    pub key_id: Option<&'a str>,
    /// Seconds since the token was made, where it says so and a signature vouches for
    /// it; negative when it is dated in the future.
    pub age: Option<i64>,
}

/// Why a credential does not lead to a grant.
pub(crate) enum Failure<'a> {
    Refused(Refusal<'a>),
    OutOfMemory,
}

impl From<Reason> for Failure<'_> {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason.into())
    }
}

impl<'a> From<Refusal<'a>> for Failure<'a> {
    fn from(refusal: Refusal<'a>) -> Self {
        Self::Refused(refusal)
    }
}

impl From<OutOfMemory> for Failure<'_> {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl From<Reason> for Refusal<'_> {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            format: None,
            key_id: None,
            age: None,
        }
    }
}

/// One cause of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The request carries no credential.
    NoToken,
    /// The signature holds, but its time has passed.
    TokenExpired,
    /// CloudFront's credentials have several parts, and not all of them are there.
    TokenIncomplete,
    /// An argument is there more than once.
    TokenRepeated,
    /// An argument is there without a value.
    TokenEmpty,
    /// Not spelled as any configured format spells its tokens.
    TokenMalformed,
    /// No configured key made this signature (Django: for this path).
    BadSignature,
    /// No configured key has the algorithm and the key id that the token names.
    UnknownKey,
    /// The token asks for something that this module does not do, and that must not
    /// be ignored.
    TokenUnsupported,
    /// The signature holds, but the token is dated further ahead than allowed.
    TokenInFuture,
    /// The signature holds, but the time at which the token begins has not come.
    TokenNotYetValid,
    /// The signature holds, but the token is for another site.
    WrongAudience,
    /// The signature holds, but the token is for other methods.
    WrongMethod,
    /// The signature holds, but the token is for other addresses.
    WrongAddress,
    /// The signature holds, but the token does not cover this URL.
    WrongPath,
    /// What would be served is not what the URL names.
    UnsafePath,
    /// It would grant, but its key, its subject or its id has been revoked.
    Revoked,
}

/// What kind of answer a decision leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Served.
    Granted,
    /// There was no credential, or only a part of one.
    Missing,
    /// There was one, and its time has passed.
    Expired,
    /// There was one that never held.
    Invalid,
}

impl Reason {
    /// The cause in one word, for logs and variables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::TokenExpired => "token_expired",
            Self::TokenIncomplete => "token_incomplete",
            Self::TokenRepeated => "token_repeated",
            Self::TokenEmpty => "token_empty",
            Self::TokenMalformed => "token_malformed",
            Self::BadSignature => "bad_signature",
            Self::UnknownKey => "unknown_key",
            Self::TokenUnsupported => "token_unsupported",
            Self::TokenInFuture => "token_in_future",
            Self::TokenNotYetValid => "token_not_yet_valid",
            Self::WrongAudience => "wrong_audience",
            Self::WrongMethod => "wrong_method",
            Self::WrongAddress => "wrong_address",
            Self::WrongPath => "wrong_path",
            Self::UnsafePath => "unsafe_path",
            Self::Revoked => "revoked",
        }
    }

    fn status(self) -> Status {
        match self {
            Self::NoToken | Self::TokenIncomplete => Status::Missing,
            Self::TokenExpired => Status::Expired,
            _ => Status::Invalid,
        }
    }
}

impl Status {
    /// The status in one word, for logs and variables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Missing => "missing",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
        }
    }
}

impl Decision<'_> {
    /// What kind of answer this leads to.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Granted(_) => Status::Granted,
            Self::Refused(refusal) => refusal.reason.status(),
        }
    }

    /// The cause in one word; `valid` for a grant.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Granted(_) => "valid",
            Self::Refused(refusal) => refusal.reason.as_str(),
        }
    }
}

/// How credentials are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Django's `TimestampSigner`: [`mod@crate::format::django`].
    Django,
    /// JSON Web Tokens: [`mod@crate::format::jwt`].
    Jwt,
    /// Amazon CloudFront's signed URLs and cookies: [`mod@crate::format::cloudfront`].
    CloudFront,
    /// The tokens that this module makes itself.
    Minted,
}

impl Format {
    /// The format in one word: as `format=` of a key has it, or `minted`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Django => "django",
            Self::Jwt => "jwt",
            Self::CloudFront => "cloudfront",
            Self::Minted => "minted",
        }
    }
}

/// What is known of a request whose credentials are looked at.
pub(crate) struct Context<'r, 'a> {
    pub(crate) view: &'r RequestView<'r>,
    pub(crate) path: Path<'r>,
    pub(crate) policy: &'a Policy,
    pub(crate) now: i64,
    /// The number of the source of the credential that is looked at.
    pub(crate) source: usize,
    /// Its format, once it is known: for a refusal.
    pub(crate) format: Cell<Option<Format>>,
}

impl Context<'_, '_> {
    /// Whether the credential came in a cookie that grants are handed over to here, which
    /// browsers send from any site's pages.
    fn is_handed_over(&self) -> bool {
        let sources = &self.policy.sources;
        let mut handed_over = sources.iter().filter_map(|source| match source {
            Source::HandOver(cookie) => Some(cookie),
            _ => None,
        });
        match sources.get(self.source) {
            Some(Source::HandOver(_)) => true,
            Some(Source::Cookie(name)) => handed_over.any(|cookie| cookie == name),
            Some(Source::CloudFrontCookies) => handed_over.next().is_some(),
            _ => false,
        }
    }
}

/// Decides about a request at `now`, in Unix seconds.
///
/// The first credential that grants decides; otherwise the first that was there
/// gives the reason. No more than [`MAX_VERIFICATIONS`] signatures are computed.
///
/// # Errors
/// [`OutOfMemory`] when [`Env::allocate`] has none. The request must not be served.
#[inline(never)]
pub fn decide<'a>(
    view: &RequestView<'_>,
    carried: &Carried<'_>,
    policy: &'a Policy,
    now: i64,
    env: &mut impl Env<'a>,
) -> Result<Decision<'a>, OutOfMemory> {
    if carried.is_empty() {
        return Ok(Reason::NoToken.into());
    }
    let mut context = Context {
        view,
        path: Path::new(view.path()),
        policy,
        now,
        source: 0,
        format: Cell::new(None),
    };
    let mut cloudfront = carried.cloudfront.as_ref();
    // One is kept for CloudFront's, which needs no more.
    let mut verifications = MAX_VERIFICATIONS.wrapping_sub(usize::from(cloudfront.is_some()));
    let mut refused = None;
    let mut index: usize = 0;
    loop {
        let verified = match (carried.taken(index), cloudfront) {
            (Some(taken), _)
                if cloudfront.is_none_or(|parameters| taken.source() < parameters.source()) =>
            {
                index = index.wrapping_add(1);
                context.source = taken.source();
                context.format.set(None);
                if env.listens()
                    && let Some(source) = policy.sources.get(taken.source())
                {
                    env.trace(format_args!("{source}: a credential"));
                }
                verify(taken, &context, &mut verifications, env)
            }
            (_, Some(parameters)) => {
                cloudfront = None;
                context.source = parameters.source();
                context.format.set(Some(Format::CloudFront));
                verify_cloudfront(parameters, &context, env)
            }
            (_, None) => break,
        };
        let refusal = match verified.and_then(|grant| check_revoked(grant, policy, env)) {
            Ok(grant) => {
                let expires = grant.expires;
                trace!(env, "granted until {expires}");
                return Ok(Decision::Granted(grant));
            }
            Err(Failure::Refused(refusal)) => Refusal {
                format: context.format.get(),
                ..refusal
            },
            Err(Failure::OutOfMemory) => return Err(OutOfMemory),
        };
        trace!(env, "refused: {}", refusal.reason.as_str());
        refused.get_or_insert(refusal);
    }
    let refused = refused.unwrap_or_else(|| Reason::NoToken.into());
    Ok(Decision::Refused(refused))
}

/// What would grant is looked for in the list of what does not any more.
#[inline]
fn check_revoked<'a>(
    grant: Grant<'a>,
    policy: &Policy,
    env: &mut impl Env<'a>,
) -> Result<Grant<'a>, Failure<'a>> {
    let Some(what) = (policy.revoked.as_deref()).and_then(|revoked| revoked.covers(&grant)) else {
        return Ok(grant);
    };
    trace!(env, "{what} has been revoked");
    Err(Failure::Refused(Refusal {
        key_id: grant.key_id,
        age: grant.age,
        ..Refusal::from(Reason::Revoked)
    }))
}

/// What was handed over to a cookie is for reading.
#[inline]
fn check_method<'a>(context: &Context<'_, 'a>, env: &mut impl Env<'a>) -> Result<(), Reason> {
    if context.is_handed_over() && !is_reading(env.method()) {
        trace!(env, "what was handed over is for GET and HEAD");
        return Err(Reason::WrongMethod);
    }
    Ok(())
}

// Apart from what most requests need.
#[inline(never)]
fn verify_cloudfront<'a>(
    parameters: &Parameters<'_>,
    context: &Context<'_, 'a>,
    env: &mut impl Env<'a>,
) -> Result<Grant<'a>, Failure<'a>> {
    if let Some(source) = context.policy.sources.get(context.source) {
        trace!(env, "{source}: a credential");
    }
    check_method(context, env)?;
    cloudfront::verify(parameters, context, env)
}

// Not a part of the loop over the credentials, as most requests have one only.
#[inline(never)]
fn verify<'a>(
    taken: &Taken<'_>,
    context: &Context<'_, 'a>,
    verifications: &mut usize,
    env: &mut impl Env<'a>,
) -> Result<Grant<'a>, Failure<'a>> {
    let value = match taken.credential() {
        Credential::Once(value) => value,
        Credential::Empty => return Err(Reason::TokenEmpty.into()),
        Credential::Repeated => return Err(Reason::TokenRepeated.into()),
    };
    if scope::is_unsafe(context.view, &context.path) {
        return Err(Reason::UnsafePath.into());
    }
    check_method(context, env)?;
    if let Some(Source::HandOver(cookie)) = context.policy.sources.get(context.source)
        && minted::is_minted(value)
    {
        context.format.set(Some(Format::Minted));
        return minted::verify(value, cookie, context, verifications, env);
    }
    let mut buffer = [0; MAX_TOKEN_LEN];
    if value.len() <= MAX_DJANGO_VALUE
        && let Some(token) = Token::from_value(value, &mut buffer)
    {
        let (key_id, key) = find_key(&token, context, verifications, env)?;
        return Ok(check_time(key_id, key, token.born, context)?);
    }
    jwt::verify(value, context, verifications, env)
}

/// The key that made the token's signature for this path.
fn find_key<'a>(
    token: &Token<'_>,
    context: &Context<'_, 'a>,
    verifications: &mut usize,
    env: &mut impl Env<'a>,
) -> Result<(Option<&'a str>, &'a DjangoKey), Reason> {
    let mut reason = Reason::TokenMalformed;
    for (number, key) in context.policy.keys.iter().enumerate() {
        let Kind::Django(django) = &key.kind else {
            continue;
        };
        if reason == Reason::TokenMalformed {
            reason = Reason::BadSignature;
            context.format.set(Some(Format::Django));
        }
        let Some(signed_part) = django.signs.signed_part(&context.path) else {
            trace!(
                env,
                "{}: it signs directories, and the path is ambiguous",
                Numbered(number, key)
            );
            reason = Reason::UnsafePath;
            continue;
        };
        if django.is_of_its_length(token) {
            let Some(left) = verifications.checked_sub(1) else {
                trace!(
                    env,
                    "{}: not tried, as enough have been",
                    Numbered(number, key)
                );
                break;
            };
            *verifications = left;
            trace!(
                env,
                "{}: what it signs is \"{}\" with the time {}",
                Numbered(number, key),
                Spelled(&signed_part, django),
                token.born
            );
            if django.verifies(token, &signed_part) {
                trace!(env, "{}: the signature holds", Numbered(number, key));
                return Ok((key.id(), django));
            }
        }
        trace!(env, "{}: another signature", Numbered(number, key));
    }
    Err(reason)
}

#[inline]
fn check_time<'a>(
    key_id: Option<&'a str>,
    key: &DjangoKey,
    born: i64,
    context: &Context<'_, '_>,
) -> Result<Grant<'a>, Refusal<'a>> {
    let policy = context.policy;
    let age = context.now.saturating_sub(born);
    let refuse = |reason| {
        Err(Refusal {
            key_id,
            age: Some(age),
            ..Refusal::from(reason)
        })
    };
    let tolerated = |max_future: i64| max_future.saturating_add(CLOCK_RESOLUTION);
    if key
        .max_future
        .is_some_and(|max| age.saturating_neg() > tolerated(max))
    {
        return refuse(Reason::TokenInFuture);
    }
    if age > policy.max_age.saturating_add(policy.leeway) {
        return refuse(Reason::TokenExpired);
    }
    Ok(Grant {
        key_id,
        subject: None,
        token_id: None,
        format: Format::Django,
        expires: born.saturating_add(policy.max_age),
        age: Some(age),
        source: context.source,
        folder: match key.signs {
            Signs::Path => None,
            Signs::Parent => Folder::of(context.view.path(), Reach::Direct),
        },
        began: None,
        is_for_address: false,
    })
}

impl From<Reason> for Decision<'_> {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason.into())
    }
}
