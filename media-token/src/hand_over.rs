//! Handing a grant over to a cookie, so that a player whose first URL had a token may go
//! on without one.

use std::fmt;

use crate::carried::Carried;
use crate::decision::{Env, Grant, Policy, Reach};
use crate::format::minted::{self, Scope};
use crate::key::Kind;
use crate::request::{RequestView, is_reading};
use crate::set_cookie;
use crate::source::Source;

/// How long a chain of minted tokens goes on, unless something else is said, in seconds.
pub const DEFAULT_DEADLINE: i64 = 12 * 3600;

/// The longest name and value together that browsers keep, in bytes (RFC 6265bis, 5.6).
const MAX_COOKIE: usize = 4096;

/// How a location hands grants over.
#[derive(Debug)]
pub struct HandOver {
    /// The cookie's name.
    pub cookie: Box<str>,
    /// Whether the cookie is for https only.
    secure: bool,
    same_site: SameSite,
    partitioned: bool,
    /// Whether navigations are sent to the URL without the token.
    pub redirects: bool,
    /// Where tokens of our own are handed over: their life.
    pub minting: Option<Minting>,
}

/// How long minted tokens last, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minting {
    /// Each of them, from the last request on.
    pub max_age: i64,
    /// All of a chain together, from its first grant on.
    pub deadline: i64,
}

/// `SameSite` (RFC 6265bis, 4.1.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SameSite {
    Strict,
    Lax,
    None,
}

impl SameSite {
    fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// Why the parameters mean nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandOverError {
    /// Not a `token` of RFC 9110, 5.6.2.
    #[error("expected a cookie's name, without \"__Secure-\", which is put before it")]
    Name,
    /// A parameter that there is not.
    #[error("unknown parameter \"{0}\"")]
    Unknown(String),
    /// A parameter twice.
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
    /// Parameters that do not go together.
    #[error("\"{0}\" needs {1}")]
    Needs(&'static str, &'static str),
}

impl HandOver {
    /// Reads `NAME [max_age=TIME] [deadline=TIME] [samesite=strict|lax|none]
    /// [partitioned] [redirect] [insecure]`.
    ///
    /// `parse_time` reads a time in the notation of the caller's configuration and
    /// returns seconds.
    ///
    /// # Errors
    /// [`HandOverError`], worded for the configuration's author.
    pub fn parse(
        name: &str,
        parameters: &[&str],
        parse_time: impl Fn(&str) -> Option<i64>,
    ) -> Result<Self, HandOverError> {
        let is_name = Source::parse(&format!("cookie:{name}")).is_ok();
        if !is_name || name.starts_with("__") {
            return Err(HandOverError::Name);
        }
        let mut seen: Vec<&str> = Vec::new();
        let (mut max_age, mut deadline) = (None, None);
        let mut same_site = SameSite::None;
        let (mut partitioned, mut redirects, mut secure) = (false, false, true);
        for &parameter in parameters {
            let (key, value) = match parameter.split_once('=') {
                Some((key, value)) => (key, Some(value)),
                None => (parameter, None),
            };
            let expected = |expected| HandOverError::Value {
                parameter: parameter.to_owned(),
                expected,
            };
            let time = |value| {
                let time = parse_time(value).filter(|&seconds| seconds > 0);
                time.ok_or_else(|| expected("a time such as 2h"))
            };
            match (key, value) {
                ("max_age", Some(value)) => max_age = Some(time(value)?),
                ("deadline", Some(value)) => deadline = Some(time(value)?),
                ("samesite", Some("strict")) => same_site = SameSite::Strict,
                ("samesite", Some("lax")) => same_site = SameSite::Lax,
                ("samesite", Some("none")) => same_site = SameSite::None,
                ("samesite", Some(_)) => return Err(expected("strict, lax or none")),
                ("partitioned", None) => partitioned = true,
                ("redirect", None) => redirects = true,
                ("insecure", None) => secure = false,
                _ => return Err(HandOverError::Unknown(parameter.to_owned())),
            }
            if seen.contains(&key) {
                return Err(HandOverError::Repeated(key.to_owned()));
            }
            seen.push(key);
        }
        if !secure && partitioned {
            return Err(HandOverError::Needs(
                "partitioned",
                "https, so not \"insecure\"",
            ));
        }
        if !secure && same_site == SameSite::None {
            if seen.contains(&"samesite") {
                return Err(HandOverError::Needs(
                    "samesite=none",
                    "https, so not \"insecure\"",
                ));
            }
            same_site = SameSite::Lax;
        }
        if redirects && same_site == SameSite::Strict {
            return Err(HandOverError::Needs(
                "redirect",
                "another \"samesite=\" than strict, whose cookies do not come with who is sent here",
            ));
        }
        let minting = match (max_age, deadline) {
            (Some(max_age), deadline) => {
                let deadline = deadline.unwrap_or_else(|| max_age.max(DEFAULT_DEADLINE));
                if deadline < max_age {
                    return Err(HandOverError::Needs(
                        "deadline=",
                        "to be \"max_age=\" or more",
                    ));
                }
                Some(Minting { max_age, deadline })
            }
            (None, Some(_)) => return Err(HandOverError::Needs("deadline=", "\"max_age=\"")),
            (None, None) => None,
        };
        let prefix = if secure { "__Secure-" } else { "" };
        Ok(Self {
            cookie: format!("{prefix}{name}").into(),
            secure,
            same_site,
            partitioned,
            redirects,
            minting,
        })
    }

    /// Where the cookie is read again.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::HandOver(self.cookie.clone())
    }

    /// The cookies to set for a grant, if any, each as the value of a `Set-Cookie`.
    ///
    /// After a grant by URL that reaches beyond the file, the token; where tokens of our
    /// own are made, one of these, and a new one when more than half of its life has
    /// passed.
    pub fn cookies<'a>(
        &self,
        view: &RequestView<'_>,
        carried: &Carried<'_>,
        policy: &Policy,
        grant: &Grant<'_>,
        now: i64,
        env: &mut impl Env<'a>,
    ) -> Vec<SetCookie> {
        // What is handed over is for reading: browsers send cookies from any page.
        if !is_reading(env.method()) {
            return Vec::new();
        }
        let Some(folder) = grant.folder else {
            return Vec::new();
        };
        let Some(path) = view.path().get(..folder.len).and_then(cookie_path) else {
            return Vec::new();
        };
        let from_url = match policy.sources.get(grant.source) {
            Some(Source::Argument(_) | Source::CloudFrontUrl) => true,
            Some(Source::HandOver(_)) => false,
            _ => return Vec::new(),
        };
        match self.mint(policy, grant, from_url, path, now, env) {
            Some(cookie) => vec![cookie],
            None if from_url => self.hand_token_over(carried, grant, path, now),
            None => Vec::new(),
        }
    }

    /// A token of our own, where these are made and it holds for longer than the one that
    /// was granted.
    fn mint<'a>(
        &self,
        policy: &Policy,
        grant: &Grant<'_>,
        from_url: bool,
        path: &str,
        now: i64,
        env: &mut impl Env<'a>,
    ) -> Option<SetCookie> {
        let minting = self.minting?;
        let is_direct = match grant.folder?.reach {
            Reach::Below => false,
            Reach::Direct => true,
            // What else limits the token would be lost.
            Reach::Other => return None,
        };
        let began = grant.began.unwrap_or(now);
        let end = now
            .saturating_add(minting.max_age)
            .min(began.saturating_add(minting.deadline));
        let left = grant.expires.saturating_sub(now);
        let is_half_gone = left.saturating_mul(2) < minting.max_age;
        let slides = grant.began.is_some() && is_half_gone;
        if end <= grant.expires || !(from_url || slides) {
            return None;
        }
        let key = policy.keys.iter().find_map(|key| match &key.kind {
            Kind::Minted(key) => Some(key),
            _ => None,
        })?;
        let scope = Scope {
            cookie: &self.cookie,
            // Without it the token would hold on every site with this key.
            origin: env.origin()?,
            folder: path.as_bytes(),
            is_direct,
            subject: grant.subject,
            vouched_by: grant.key_id,
            token_id: grant.token_id,
            began,
            expires: end,
        };
        let token = minted::mint(key, &scope)?;
        Some(self.set_cookie(&self.cookie, &token, path, end.saturating_sub(now)))
    }

    fn hand_token_over(
        &self,
        carried: &Carried<'_>,
        grant: &Grant<'_>,
        path: &str,
        now: i64,
    ) -> Vec<SetCookie> {
        let life = grant.expires.saturating_sub(now);
        let cookies = match carried.value_from(grant.source) {
            Some(value) => vec![(String::from(&*self.cookie), value)],
            None => match &carried.cloudfront {
                Some(parameters) => parameters.as_cookies().collect(),
                None => Vec::new(),
            },
        };
        let is_kept = |name: &str, value: &[u8]| {
            set_cookie::is_value(value) && name.len().saturating_add(value.len()) <= MAX_COOKIE
        };
        let is_sound = life > 0 && cookies.iter().all(|(name, value)| is_kept(name, value));
        let cookies = cookies.into_iter().filter(|_| is_sound);
        cookies
            .map(|(name, value)| self.set_cookie(&name, value, path, life))
            .collect()
    }

    fn set_cookie(&self, name: &str, value: &[u8], path: &str, life: i64) -> SetCookie {
        let mut text = Vec::with_capacity(value.len().saturating_add(128));
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value);
        let secure = if self.secure { "; Secure" } else { "" };
        let partitioned = if self.partitioned {
            "; Partitioned"
        } else {
            ""
        };
        let same_site = self.same_site.as_str();
        text.extend_from_slice(
            format!(
                "; Path={path}; Max-Age={life}; HttpOnly; SameSite={same_site}{secure}{partitioned}"
            )
            .as_bytes(),
        );
        SetCookie(text)
    }
}

/// The value of a `Set-Cookie` with a credential, which `Debug` does not show.
pub struct SetCookie(pub Vec<u8>);

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetCookie(...)")
    }
}

/// A folder of a raw path, as the path of a cookie, where it can be one.
fn cookie_path(folder: &[u8]) -> Option<&str> {
    let is_one = set_cookie::is_path(folder) && folder.ends_with(b"/");
    std::str::from_utf8(folder).ok().filter(|_| is_one)
}
