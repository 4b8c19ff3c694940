//! Whether a request is granted: signature first, then time (DESIGN.md, rule 2).

use std::fmt;
use std::sync::Arc;

use crate::carried::{Carried, Credential};
use crate::format::django::{DjangoKey, MAX_TOKEN_LEN, Token};
use crate::key::{Key, Kind};
use crate::request::RequestView;
use crate::scope::{self, Path};
use crate::source::{MAX_CREDENTIALS, Source};

/// nginx's clock is whole seconds, so a token made within this second may look
/// as if it were from the next one.
const CLOCK_RESOLUTION: i64 = 1;

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
}

/// What deciding may need from outside.
pub trait Env {
    /// Whether anybody wants to know the steps of the decision.
    fn listens(&self) -> bool;

    /// Called with each step in words, which name no secret.
    fn trace(&mut self, step: fmt::Arguments<'_>);
}

/// Traces a step, which costs nothing where nobody listens.
macro_rules! trace {
    ($env:expr, $($step:tt)*) => {
        if $env.listens() {
            $env.trace(format_args!($($step)*));
        }
    };
}

/// Nobody listens.
pub struct NoTrace;

impl Env for NoTrace {
    #[inline]
    fn listens(&self) -> bool {
        false
    }

    #[inline]
    fn trace(&mut self, _step: fmt::Arguments<'_>) {}
}

/// The verdict on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'k> {
    /// A credential holds.
    Granted(Grant<'k>),
    /// None does.
    Refused(Refusal<'k>),
}

/// A credential that holds, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant<'k> {
    /// The id of the key that verified the signature.
    pub key_id: Option<&'k str>,
    /// The last second at which it holds without leeway, in Unix time.
    pub expires: i64,
    /// Seconds since it was made; negative when it is dated in the future.
    pub age: i64,
}

impl Grant<'_> {
    /// By how many seconds the token is dated ahead of our clock, where that is
    /// more than the clock's resolution.
    #[must_use]
    pub fn seconds_ahead(&self) -> Option<i64> {
        let ahead = self.age.saturating_neg();
        (ahead > CLOCK_RESOLUTION).then_some(ahead)
    }
}

/// Why no credential holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal<'k> {
    /// The cause.
    pub reason: Reason,
    /// The id of the key that verified the signature, where one did.
    pub key_id: Option<&'k str>,
    /// Seconds since the token was made, where a signature vouches for it;
    /// negative when it is dated in the future.
    pub age: Option<i64>,
}

impl From<Reason> for Refusal<'_> {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
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
    /// An argument is there more than once.
    TokenRepeated,
    /// An argument is there without a value.
    TokenEmpty,
    /// Not spelled as any configured format spells its tokens.
    TokenMalformed,
    /// No configured key made this signature for this path.
    BadSignature,
    /// The signature holds, but the token is dated further ahead than allowed.
    TokenInFuture,
    /// What would be served is not what the URL names.
    UnsafePath,
}

/// What kind of answer a decision leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Served.
    Granted,
    /// There was no credential.
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
            Self::TokenRepeated => "token_repeated",
            Self::TokenEmpty => "token_empty",
            Self::TokenMalformed => "token_malformed",
            Self::BadSignature => "bad_signature",
            Self::TokenInFuture => "token_in_future",
            Self::UnsafePath => "unsafe_path",
        }
    }

    fn status(self) -> Status {
        match self {
            Self::NoToken => Status::Missing,
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

/// Decides about a request at `now`, in Unix seconds.
///
/// The first credential that grants decides; otherwise the first that was there
/// gives the reason.
pub fn decide<'k>(
    view: &RequestView<'_>,
    carried: &Carried<'_>,
    policy: &'k Policy,
    now: i64,
    env: &mut impl Env,
) -> Decision<'k> {
    let mut refused = None;
    let found = (0..MAX_CREDENTIALS).map_while(|index| carried.credential(index));
    for (source, credential) in found {
        if let Some(source) = policy.sources.get(source) {
            trace!(env, "{source}: a credential");
        }
        match verify(view, credential, policy, now, env) {
            Ok(grant) => {
                trace!(env, "granted until {}", grant.expires);
                return Decision::Granted(grant);
            }
            Err(refusal) => {
                trace!(env, "refused: {}", refusal.reason.as_str());
                refused.get_or_insert(refusal);
            }
        }
    }
    Decision::Refused(refused.unwrap_or_else(|| Reason::NoToken.into()))
}

/// Not a part of the loop around it, where the compiler would prepare at each
/// request for what only a second credential needs.
#[inline(never)]
fn verify<'k>(
    view: &RequestView<'_>,
    credential: Credential<'_>,
    policy: &'k Policy,
    now: i64,
    env: &mut impl Env,
) -> Result<Grant<'k>, Refusal<'k>> {
    let value = match credential {
        Credential::Once(value) => value,
        Credential::Empty => return Err(Reason::TokenEmpty.into()),
        Credential::Repeated => return Err(Reason::TokenRepeated.into()),
    };
    let path = Path::new(view.path());
    if scope::is_unsafe(view, &path) {
        return Err(Reason::UnsafePath.into());
    }
    let mut buffer = [0; MAX_TOKEN_LEN];
    let token = Token::from_value(value, &mut buffer).ok_or(Reason::TokenMalformed)?;
    let (key_id, key) = find_key(&path, &token, &policy.keys, env)?;
    check_time(key_id, key, token.born, policy, now)
}

/// The key that made the token's signature for this path.
fn find_key<'k>(
    path: &Path<'_>,
    token: &Token<'_>,
    keys: &'k [Arc<Key>],
    env: &mut impl Env,
) -> Result<(Option<&'k str>, &'k DjangoKey), Reason> {
    let mut reason = Reason::BadSignature;
    for (number, key) in keys.iter().enumerate() {
        let Kind::Django(django) = &key.kind;
        let Some(signed_part) = django.signs.signed_part(path) else {
            trace!(
                env,
                "key {number}: it signs directories, and the path is ambiguous"
            );
            reason = Reason::UnsafePath;
            continue;
        };
        if django.verifies(token, &signed_part) {
            trace!(env, "key {number}: the signature holds");
            return Ok((key.id(), django));
        }
        trace!(env, "key {number}: another signature");
    }
    Err(reason)
}

fn check_time<'k>(
    key_id: Option<&'k str>,
    key: &DjangoKey,
    born: i64,
    policy: &Policy,
    now: i64,
) -> Result<Grant<'k>, Refusal<'k>> {
    let age = now.saturating_sub(born);
    let refuse = |reason| {
        Err(Refusal {
            reason,
            key_id,
            age: Some(age),
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
        expires: born.saturating_add(policy.max_age),
        age,
    })
}

impl From<Reason> for Decision<'_> {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason.into())
    }
}
