//! What a token whose signature holds says, and whether it covers the request.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::de::{Error, IgnoredAny, MapAccess};
use serde_json::value::RawValue;

use super::JwtKey;
use super::coverage::{self, Coverage, Pattern};
use crate::decision::trace;
use crate::decision::{CLOCK_RESOLUTION, Context, Env, Folder, OutOfMemory, Reach, Reason};
use crate::format::keep;
use crate::json::{self, Members, Number, Text, Texts};

/// The claims that mean something already, so that none of them can name paths.
const TAKEN: [&str; 14] = [
    "exp", "nbf", "iat", "jti", "aud", "method", "ip", "cdniv", "cdnicrit", "cdniuc", "cdniip",
    "cdniets", "cdnistt", "cdnistd",
];

/// The claims that this module processes, apart from the one that names paths: what
/// `cdnicrit` may list.
const PROCESSED: [&str; 9] = [
    "exp", "nbf", "aud", "sub", "method", "ip", "cdniv", "cdnicrit", "cdniuc",
];

/// The version of RFC 9246's claims.
const CDNI_VERSION: i64 = 1;

/// Whether a claim can name paths (`path_claim=`).
pub(crate) fn can_name_paths(claim: &str) -> bool {
    !claim.is_empty() && !TAKEN.contains(&claim)
}

/// The claims of a token. Lists are compared with the request while they are read,
/// so they need no memory.
#[derive(Default)]
struct Claims<'a> {
    expires: Option<i64>,
    not_before: Option<i64>,
    subject: Option<Cow<'a, str>>,
    /// Whether the key's audience is among its own.
    audience: Option<bool>,
    /// Whether its paths cover the request's.
    path: Option<Coverage>,
    /// How long the longest folder among them is that covers it, in bytes of the raw path.
    folder: Option<usize>,
    /// Whether it allows the request's method.
    method: Option<bool>,
    /// Whether it allows the viewer's address.
    address: Option<bool>,
    /// RFC 9246's URI container.
    uri: Option<Cow<'a, str>>,
    has_id: bool,
    /// Its id, if that is a text.
    token_id: Option<Cow<'a, str>>,
    unsupported: Option<&'static str>,
}

/// What a token grants.
pub(super) struct Granted<'a> {
    /// When it ends, in Unix seconds.
    pub(super) expires: i64,
    pub(super) subject: Option<&'a str>,
    pub(super) token_id: Option<&'a str>,
    /// The folder that it covers, where it covers one.
    pub(super) folder: Option<Folder>,
    /// Whether it is for some addresses only.
    pub(super) is_for_address: bool,
}

/// Why a token does not grant.
pub(super) enum Denied {
    For(Reason),
    OutOfMemory,
}

impl From<Reason> for Denied {
    fn from(reason: Reason) -> Self {
        Self::For(reason)
    }
}

impl From<OutOfMemory> for Denied {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

/// Reads the claims, and compares them with the request. Its end comes first among
/// the reasons, so that a viewer whose token is too old is sent for another one.
pub(super) fn check<'a>(
    text: &'a [u8],
    key: &'a JwtKey,
    context: &Context<'_, 'a>,
    env: &mut impl Env<'a>,
) -> Result<Granted<'a>, Denied> {
    describe(text, key, env);
    let claims = read(text, key, context, env)?;
    let expires = claims.check_understood(env)?;
    // It could not be listed.
    if claims.has_id && claims.token_id.is_none() && context.policy.revoked.is_some() {
        trace!(env, "its claim \"jti\" is no text, and some are revoked");
        return Err(Reason::TokenMalformed.into());
    }
    claims.check_time(expires, context, env)?;
    claims.check_audience(key, env)?;
    claims.check_request(key, context, env)?;
    Ok(Granted {
        expires,
        folder: claims.folder(),
        is_for_address: claims.address.is_some(),
        subject: claims.subject.map(|text| keep(text, env)).transpose()?,
        token_id: claims.token_id.map(|text| keep(text, env)).transpose()?,
    })
}

/// Tells what a token claims, as it is spelled: for whoever listens.
fn describe<'a>(text: &'a [u8], key: &JwtKey, env: &mut impl Env<'a>) {
    if env.listens() {
        json::read_object(text, &mut Teller(key, env));
    }
}

struct Teller<'t, E>(&'t JwtKey, &'t mut E);

impl<'a, E: Env<'a>> Members<'a> for Teller<'_, E> {
    fn member<A: MapAccess<'a>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        let value = object.next_value::<&'a RawValue>()?.get();
        let Self(key, env) = self;
        let is_known = PROCESSED.contains(&name) || name == "jti" || *name == *key.path_claim;
        if is_known && !value.contains(char::is_control) {
            env.trace(format_args!("it says \"{name}\": {value}"));
        }
        Ok(())
    }
}

fn read<'a>(
    text: &'a [u8],
    key: &'a JwtKey,
    context: &Context<'_, 'a>,
    env: &mut impl Env<'a>,
) -> Result<Claims<'a>, Reason> {
    let mut reader = Reader {
        key,
        context,
        method: env.method(),
        address: env.address(),
        current: None,
        claims: Claims::default(),
    };
    let is_object = json::read_object(text, &mut reader);
    let Reader {
        current, claims, ..
    } = reader;
    match (is_object, current) {
        (true, _) => return Ok(claims),
        (false, Some(claim)) => {
            trace!(env, "its claim \"{claim}\" is not what it has to be");
        }
        (false, None) => {
            trace!(env, "its claims are not those of a JWT");
        }
    }
    Err(Reason::TokenMalformed)
}

/// Claims, as far as they have been read.
struct Reader<'r, 'a> {
    key: &'a JwtKey,
    context: &'r Context<'r, 'a>,
    method: &'r [u8],
    address: Option<IpAddr>,
    /// The claim that is being read, if it is one that we know.
    current: Option<&'a str>,
    claims: Claims<'a>,
}

impl<'a> Members<'a> for Reader<'_, 'a> {
    fn member<A: MapAccess<'a>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        match name {
            name if *name == *self.key.path_claim => self.read_paths(name == "sub", object)?,
            "exp" => self.claims.expires = Some(self.read_number("exp", object)?),
            "nbf" => self.claims.not_before = Some(self.read_number("nbf", object)?),
            "sub" => self.claims.subject = Some(self.read_subject(object)?),
            "jti" => {
                let value = object.next_value::<&'a RawValue>()?.get();
                let id = serde_json::from_str::<Text<'a>>(value).ok();
                self.claims.has_id = true;
                self.claims.token_id = id.map(|Text(id)| id);
            }
            "aud" => self.read_audience(object)?,
            "method" => self.read_methods(object)?,
            "ip" => self.read_addresses(object)?,
            "cdniv" => {
                self.current = Some("cdniv");
                // No number with a fraction.
                if object.next_value::<i64>()? != CDNI_VERSION {
                    self.claims.unsupported = Some("cdniv");
                }
            }
            "cdnicrit" => self.read_critical(object)?,
            "cdniuc" => self.claims.uri = Some(self.read_text("cdniuc", object)?),
            _ => {
                match name {
                    "cdniip" => self.claims.unsupported = Some("cdniip"),
                    "cdniets" => self.claims.unsupported = Some("cdniets"),
                    "cdnistt" => self.claims.unsupported = Some("cdnistt"),
                    "cdnistd" => self.claims.unsupported = Some("cdnistd"),
                    _ => {}
                }
                object.next_value::<IgnoredAny>()?;
            }
        }
        self.current = None;
        Ok(())
    }
}

impl<'a> Reader<'_, 'a> {
    fn read_number<A: MapAccess<'a>>(
        &mut self,
        name: &'static str,
        object: &mut A,
    ) -> Result<i64, A::Error> {
        self.current = Some(name);
        Ok(object.next_value::<Number>()?.0)
    }

    fn read_text<A: MapAccess<'a>>(
        &mut self,
        name: &'static str,
        object: &mut A,
    ) -> Result<Cow<'a, str>, A::Error> {
        self.current = Some(name);
        Ok(object.next_value::<Text<'a>>()?.0)
    }

    /// It appears in logs, so it has no control characters (DESIGN.md, rule 7).
    fn read_subject<A: MapAccess<'a>>(&mut self, object: &mut A) -> Result<Cow<'a, str>, A::Error> {
        let subject = self.read_text("sub", object)?;
        match subject.contains(char::is_control) {
            false => Ok(subject),
            true => Err(A::Error::custom("a control character")),
        }
    }

    fn read_paths<A: MapAccess<'a>>(
        &mut self,
        is_subject: bool,
        object: &mut A,
    ) -> Result<(), A::Error> {
        let path = &self.context.path;
        let form = self.key.form;
        let raw = self.context.view.path();
        let mut covered = Coverage::None;
        let mut folder = None;
        let mut add = |text: &str| {
            let this = coverage::of_path(path, form, text.as_bytes());
            covered = covered.max(this);
            if this == Coverage::Full
                && let Some(prefix) = text.strip_suffix('*')
                && prefix.ends_with('/')
                && raw.starts_with(prefix.as_bytes())
            {
                folder = folder.max(Some(prefix.len()));
            }
            true
        };
        if is_subject {
            let subject = self.read_subject(object)?;
            add(&subject);
            self.claims.subject = Some(subject);
        } else {
            self.current = Some(&self.key.path_claim);
            object.next_value_seed(Texts(add))?;
        }
        self.claims.path = Some(covered);
        self.claims.folder = folder;
        Ok(())
    }

    fn read_audience<A: MapAccess<'a>>(&mut self, object: &mut A) -> Result<(), A::Error> {
        self.current = Some("aud");
        let ours = self.key.audience.as_deref();
        let mut found = false;
        object.next_value_seed(Texts(|text: &str| {
            found |= ours == Some(text);
            true
        }))?;
        self.claims.audience = Some(found);
        Ok(())
    }

    /// What may be got may be asked about: `GET` allows `HEAD`.
    fn read_methods<A: MapAccess<'a>>(&mut self, object: &mut A) -> Result<(), A::Error> {
        self.current = Some("method");
        let method = self.method;
        let mut allowed = false;
        object.next_value_seed(Texts(|text: &str| {
            allowed |= text.as_bytes() == method || (text == "GET" && method == b"HEAD");
            true
        }))?;
        self.claims.method = Some(allowed);
        Ok(())
    }

    fn read_addresses<A: MapAccess<'a>>(&mut self, object: &mut A) -> Result<(), A::Error> {
        self.current = Some("ip");
        let address = self.address;
        let mut allowed = false;
        object.next_value_seed(Texts(|text: &str| {
            let network = coverage::network(text);
            allowed |= network
                .zip(address)
                .is_some_and(|(network, address)| network.contains(&address.to_canonical()));
            network.is_some()
        }))?;
        self.claims.address = Some(allowed);
        Ok(())
    }

    /// A list with commas of what must not be ignored (RFC 9246, 2.1.9).
    fn read_critical<A: MapAccess<'a>>(&mut self, object: &mut A) -> Result<(), A::Error> {
        let list = self.read_text("cdnicrit", object)?;
        let is_processed = |name: &str| PROCESSED.contains(&name) || *name == *self.key.path_claim;
        if !list.split(',').all(is_processed) {
            self.claims.unsupported = Some("cdnicrit");
        }
        Ok(())
    }
}

impl<'a> Claims<'a> {
    fn folder(&self) -> Option<Folder> {
        let is_limited = self.method.is_some()
            || self.address.is_some()
            || self.uri.is_some()
            || self.not_before.is_some();
        Some(Folder {
            len: self.folder?,
            reach: match is_limited {
                true => Reach::Other,
                false => Reach::Below,
            },
        })
    }

    /// The end that it states.
    fn check_understood(&self, env: &mut impl Env<'a>) -> Result<i64, Reason> {
        // An id means one use only, where RFC 9246 applies (2.1.7): nobody counts here.
        let counted = (self.has_id && self.uri.is_some()).then_some("jti");
        if let Some(name) = self.unsupported.or(counted) {
            trace!(env, "its claim \"{name}\" asks for what is not supported");
            return Err(Reason::TokenUnsupported);
        }
        self.expires.ok_or_else(|| {
            trace!(env, "it has no \"exp\"");
            Reason::TokenMalformed
        })
    }

    fn check_time(
        &self,
        expires: i64,
        context: &Context<'_, 'a>,
        env: &mut impl Env<'a>,
    ) -> Result<(), Reason> {
        let now = context.now;
        if expires <= now.saturating_sub(context.policy.leeway) {
            trace!(env, "it ended at {expires}, and now is {now}");
            return Err(Reason::TokenExpired);
        }
        match self.not_before {
            Some(begin) if begin > now.saturating_add(CLOCK_RESOLUTION) => {
                trace!(env, "it begins at {begin}, and now is {now}");
                Err(Reason::TokenNotYetValid)
            }
            _ => Ok(()),
        }
    }

    /// A token for somebody is not for whoever has no name (RFC 7519, 4.1.3).
    fn check_audience(&self, key: &JwtKey, env: &mut impl Env<'a>) -> Result<(), Reason> {
        match (key.audience.is_some(), self.audience) {
            (false, None) | (true, Some(true)) => return Ok(()),
            (true, None) => {
                trace!(env, "it has no \"aud\", and the key asks for one");
            }
            (true, Some(false)) => {
                trace!(env, "it is for another audience");
            }
            (false, Some(_)) => {
                trace!(env, "it has an \"aud\", and the key has none");
            }
        }
        Err(Reason::WrongAudience)
    }

    fn check_request(
        &self,
        key: &JwtKey,
        context: &Context<'_, 'a>,
        env: &mut impl Env<'a>,
    ) -> Result<(), Reason> {
        if self.method == Some(false) {
            trace!(env, "it is for other methods");
            return Err(Reason::WrongMethod);
        }
        if self.address == Some(false) {
            trace!(env, "it is for other addresses");
            return Err(Reason::WrongAddress);
        }
        if self.path.is_none() && self.uri.is_none() {
            let name = &key.path_claim;
            trace!(env, "it covers nothing: it has no \"{name}\"");
            return Err(Reason::WrongPath);
        }
        if let Some(covered) = self.path {
            covered.check(&key.path_claim, env)?;
        }
        if let Some(container) = &self.uri {
            let Some(pattern) = Pattern::parse(container) else {
                trace!(env, "its \"cdniuc\" is of a form that is not supported");
                return Err(Reason::TokenUnsupported);
            };
            pattern.coverage(context, env).check("cdniuc", env)?;
        }
        Ok(())
    }
}
