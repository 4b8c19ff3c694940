//! Where a credential is carried, and which ones a request carries.

use std::fmt;
use std::sync::Arc;

use crate::carried::Cookie;
use crate::format::cloudfront;
use crate::hand_over::HandOver;
use crate::key::Key;
use crate::query::{self, Pair};

/// How many sources a configuration may name.
pub const MAX_SOURCES: usize = 4;

/// How many credentials of one request are looked at; what else it carries is
/// taken out all the same.
pub const MAX_CREDENTIALS: usize = 4;

/// How long the prefix of a path segment may be, in bytes.
const MAX_PREFIX: usize = 16;

/// The sources of a location, in order of preference: those that were named, those that
/// come with its keys, and last the cookie that grants are handed over to, so that a newer
/// URL counts.
#[must_use]
pub fn of_location(
    named: Option<&[Source]>,
    keys: &[Arc<Key>],
    hand_over: Option<&HandOver>,
) -> Vec<Source> {
    // What no key takes is the application's own.
    let takes_tokens = |key: &Arc<Key>| key.sources().is_empty() && !key.mints();
    let is_taken = keys.is_empty() || keys.iter().any(takes_tokens);
    let mut sources = match named {
        // Perhaps inherited: what is there would only get in the way.
        _ if !is_taken => Vec::new(),
        Some(sources) => sources.to_vec(),
        None => vec![Source::Argument("token".into())],
    };
    for source in keys.iter().flat_map(|key| key.sources()) {
        if !sources.contains(source) {
            sources.push(source.clone());
        }
    }
    sources.extend(hand_over.map(HandOver::source));
    sources
}

/// A place where a request may carry a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A query argument, by its decoded, case-sensitive name.
    Argument(Box<str>),
    /// A cookie, by its case-sensitive name (RFC 6265, 5.4).
    Cookie(Box<str>),
    /// A header field, by its name in any case, with or without `Bearer` before
    /// the credential (RFC 6750, 2.1).
    Header(Box<str>),
    /// A path segment that begins with this prefix, and is not the last one:
    /// relative references in a playlist inherit it.
    Path(Box<str>),
    /// A cookie of this module's own, by its name: what a grant was handed over to
    /// ([`hand_over`](crate::hand_over)). Not to be configured as a source.
    HandOver(Box<str>),
    /// The arguments of a URL that was signed for CloudFront, by the names that they
    /// have there ([`cloudfront`]). Not to be configured: it comes with the keys.
    CloudFrontUrl,
    /// The cookies that were signed for CloudFront. They count only where the URL has
    /// none of those arguments.
    CloudFrontCookies,
}

/// Why a source's text means nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// None of the kinds that there are.
    #[error("expected arg:NAME, cookie:NAME, header:NAME or path:PREFIX")]
    Unknown,
    /// The name is empty or holds other bytes than a URL may hold unescaped.
    #[error("the name of an argument consists of letters, digits, \"-\", \".\", \"_\" and \"~\"")]
    Argument,
    /// Not a `token` of RFC 9110, 5.6.2.
    #[error("expected a name of letters, digits and \"!#$%&'*+-.^_`|~\"")]
    Token,
    /// A header that says how the request is read or sent on.
    #[error("this header is not for credentials{}", match .0 { true => ": use cookie:NAME", false => "" })]
    Reserved(bool),
    /// The prefix is empty, too long, or holds bytes that would need decoding.
    #[error("a prefix consists of 1 to 16 letters, digits and \"-_~!$'()*+,;=:@\"")]
    Prefix,
}

/// Headers that frame the request or name its host (RFC 9110, 7.6.1, and 9112).
const RESERVED: [&str; 10] = [
    "Connection",
    "Content-Length",
    "Expect",
    "Host",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];

impl Source {
    /// Reads `arg:NAME`, `cookie:NAME`, `header:NAME` or `path:PREFIX`.
    ///
    /// # Errors
    /// [`SourceError`], worded for the configuration's author.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let (kind, name) = text.split_once(':').ok_or(SourceError::Unknown)?;
        let consists_of = |others: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
            !name.is_empty() && name.chars().all(known)
        };
        let is_token = consists_of("!#$%&'*+-.^_`|~");
        match kind {
            "arg" if consists_of("-._~") => Ok(Self::Argument(name.into())),
            "arg" => Err(SourceError::Argument),
            "cookie" if is_token => Ok(Self::Cookie(name.into())),
            "header" if name.eq_ignore_ascii_case("Cookie") => Err(SourceError::Reserved(true)),
            "header"
                if RESERVED
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(name)) =>
            {
                Err(SourceError::Reserved(false))
            }
            "header" if is_token => Ok(Self::Header(name.into())),
            "cookie" | "header" => Err(SourceError::Token),
            // Without dots, lest a dot segment be cut out.
            "path" if name.len() <= MAX_PREFIX && consists_of("-_~!$'()*+,;=:@") => {
                Ok(Self::Path(name.into()))
            }
            "path" => Err(SourceError::Prefix),
            _ => Err(SourceError::Unknown),
        }
    }

    /// Whether two sources are one, however they are spelled.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header(name), Self::Header(other)) => name.eq_ignore_ascii_case(other),
            _ => self == other,
        }
    }

    /// The header that a cache must tell requests apart by, where it is not the URL.
    #[must_use]
    pub fn varies_by(&self) -> Option<&str> {
        match self {
            Self::Argument(_) | Self::Path(_) | Self::CloudFrontUrl => None,
            Self::Cookie(_) | Self::HandOver(_) | Self::CloudFrontCookies => Some("Cookie"),
            Self::Header(name) => Some(name),
        }
    }

    /// Whether a shared cache may answer other viewers with what was granted: only
    /// where its key holds the credential, which has left what it sees of the others.
    #[must_use]
    pub fn is_for_shared_caches(&self) -> bool {
        matches!(self, Self::Argument(_) | Self::CloudFrontUrl)
    }

    /// Whether `crossdomain_media_token` names it.
    pub(crate) fn is_configured(&self) -> bool {
        match self {
            Self::Argument(_) | Self::Cookie(_) | Self::Header(_) | Self::Path(_) => true,
            Self::HandOver(_) | Self::CloudFrontUrl | Self::CloudFrontCookies => false,
        }
    }

    /// The value of a pair of the query that is this source's, still encoded.
    pub(crate) fn value_in<'a>(&self, pair: &Pair<'a>) -> Option<&'a [u8]> {
        match self {
            Self::Argument(name) => pair.value_of(name),
            Self::CloudFrontUrl => Some(cloudfront::Parameter::in_pair(pair)?.1),
            _ => None,
        }
    }

    /// Whether a cookie of this name is this source's.
    pub(crate) fn takes_cookie(&self, cookie: &Cookie<'_>) -> bool {
        match self {
            Self::Cookie(name) | Self::HandOver(name) => cookie.value_of(name).is_some(),
            Self::CloudFrontCookies => cloudfront::Parameter::in_cookie(cookie).is_some(),
            _ => false,
        }
    }

    /// What follows the prefix in a path segment that is this source's.
    pub(crate) fn rest_of<'a>(&self, segment: &'a [u8]) -> Option<&'a [u8]> {
        let Self::Path(prefix) = self else {
            return None;
        };
        // Some clients escape what need not be.
        prefix.bytes().try_fold(segment, |rest, byte| match rest {
            [first, rest @ ..] if *first == byte => Some(rest),
            [b'%', high, low, rest @ ..] => {
                let escaped = query::hex(*high)? << 4 | query::hex(*low)?;
                (escaped == byte).then_some(rest)
            }
            _ => None,
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(name) => write!(f, "arg:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Path(prefix) => write!(f, "path:{prefix}"),
            Self::HandOver(name) => write!(f, "the handed-over cookie {name}"),
            Self::CloudFrontUrl => f.write_str("CloudFront's arguments"),
            Self::CloudFrontCookies => f.write_str("CloudFront's cookies"),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sources(texts: &[&str]) -> Vec<Source> {
        let sources = texts.iter().map(|text| Source::parse(text).unwrap());
        sources.collect()
    }

    #[test]
    fn sources_are_read_and_written_alike() {
        for text in [
            "arg:a.b-c_d~e",
            "cookie:__Host-a!",
            "header:X-Token",
            "path:~",
            "path:t=",
        ] {
            assert_eq!(Source::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn source_errors_say_what_was_expected() {
        let error = |text: &str| Source::parse(text).unwrap_err();
        for text in ["token", "", ":", "args:a", "Arg:a", "path"] {
            assert_eq!(error(text), SourceError::Unknown, "{text}");
        }
        for text in ["arg:", "arg:a b", "arg:a%20", "arg:é"] {
            assert_eq!(error(text), SourceError::Argument, "{text}");
        }
        for text in [
            "cookie:",
            "cookie:a b",
            "cookie:a=b",
            "header:a:b",
            "header:",
        ] {
            assert_eq!(error(text), SourceError::Token, "{text}");
        }
        for text in [
            "path:",
            "path:.",
            "path:a/",
            "path:%7e",
            "path:~~~~~~~~~~~~~~~~~",
        ] {
            assert_eq!(error(text), SourceError::Prefix, "{text}");
        }
        assert_eq!(error("header:host"), SourceError::Reserved(false));
        assert_eq!(
            error("header:cookie").to_string(),
            "this header is not for credentials: use cookie:NAME"
        );
    }

    #[test]
    fn a_prefix_may_be_escaped_in_part() {
        let source = Source::parse("path:~t=").unwrap();
        for segment in ["~t=x", "%7et=x", "%7E%74%3Dx", "~%74=x"] {
            assert_eq!(
                source.rest_of(segment.as_bytes()),
                Some(&b"x"[..]),
                "{segment}"
            );
        }
        for segment in ["t=x", "~t", "", "%257et=x", "~t%3", "%7", "~T=x"] {
            assert_eq!(source.rest_of(segment.as_bytes()), None, "{segment}");
        }
    }
}
