//! Which requests of scripts (`fetch()`) are answered for their kind: preflights, and
//! refusals that a script can read (the Fetch standard, 3.2 to 3.3 and 4.9).

use std::{fmt, slice};

use crate::decision::{Decision, Status};
use crate::redirect::{Origin, UrlError};
use crate::request::is_reading;

/// What a refused script is told where to get a token, beside `Location`'s meaning,
/// which would have the browser follow it.
pub const LOCATION_HEADER: &str = "Crossdomain-Media-Location";

/// What scripts of other origins may read of a response.
pub const EXPOSED: &str =
    "Accept-Ranges, Content-Range, ETag, WWW-Authenticate, Crossdomain-Media-Location";

/// What an answer to a script depends on.
pub const VARY: &[&str] = &["Origin", "Sec-Fetch-Mode"];

/// For how long browsers may remember a preflight, in seconds.
pub const PREFLIGHT_MAX_AGE: &str = "600";

/// The origins whose scripts may read responses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    /// Compared byte for byte, as browsers spell them.
    exact: Vec<Box<str>>,
    any: bool,
    null: bool,
}

/// Why a text is no list of origins.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not a URL without a path.
    #[error("{0}, or \"*\", or \"null\"")]
    Url(UrlError),
    /// No browser writes it so: the comparison would never hold.
    #[error("a browser writes \"{0}\"")]
    Spelling(String),
    /// An origin twice.
    #[error("is given twice")]
    Repeated,
}

/// What an allowed origin is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed<'a> {
    /// `Access-Control-Allow-Origin`.
    pub origin: &'a [u8],
    /// `Access-Control-Allow-Credentials: true`: for origins that were named only.
    pub credentials: bool,
}

impl Origins {
    /// Adds `scheme://host[:port]`, `*` or `null`.
    ///
    /// # Errors
    /// [`OriginError`], worded for the configuration's author.
    pub fn add(&mut self, text: &str) -> Result<(), OriginError> {
        let flag = match text {
            "*" => &mut self.any,
            "null" => &mut self.null,
            text => {
                let origin = Origin::parse(text).map_err(OriginError::Url)?;
                let spelled = origin.as_browsers_do();
                if spelled != text {
                    return Err(OriginError::Spelling(spelled));
                }
                if self.exact.iter().any(|known| **known == *text) {
                    return Err(OriginError::Repeated);
                }
                self.exact.push(text.into());
                return Ok(());
            }
        };
        match std::mem::replace(flag, true) {
            true => Err(OriginError::Repeated),
            false => Ok(()),
        }
    }

    /// What is said to the scripts of an origin, if anything.
    #[must_use]
    pub fn allow<'a>(&self, origin: &'a [u8]) -> Option<Allowed<'a>> {
        let is_named = self.exact.iter().any(|known| known.as_bytes() == origin);
        let without = |origin| Allowed {
            origin,
            credentials: false,
        };
        match origin {
            origin if is_named => Some(Allowed {
                origin,
                credentials: true,
            }),
            b"null" if self.null => Some(without(b"null")),
            _ if self.any => Some(without(b"*")),
            _ => None,
        }
    }
}

/// What the headers of a request say about who sent it. Each is `None` where it is
/// missing, or there more than once.
#[derive(Clone, Copy, Default)]
pub struct Asked<'a> {
    /// `Origin`.
    pub origin: Option<&'a [u8]>,
    /// `Sec-Fetch-Mode`.
    pub mode: Option<&'a [u8]>,
    /// `Access-Control-Request-Method`.
    pub method: Option<&'a [u8]>,
    /// `Access-Control-Request-Headers`.
    pub headers: Option<&'a [u8]>,
}

/// Says no more than which headers there are.
impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("origin", &self.origin.is_some())
            .field("mode", &self.mode.is_some())
            .finish_non_exhaustive()
    }
}

impl<'a> Asked<'a> {
    /// Notes a header line, if it is one of these.
    pub fn note(&mut self, seen: &mut Seen, name: &[u8], value: &'a [u8]) {
        let (field, seen) = match name.len() {
            6 if name.eq_ignore_ascii_case(b"Origin") => (&mut self.origin, &mut seen.origin),
            14 if name.eq_ignore_ascii_case(b"Sec-Fetch-Mode") => (&mut self.mode, &mut seen.mode),
            29 if name.eq_ignore_ascii_case(b"Access-Control-Request-Method") => {
                (&mut self.method, &mut seen.method)
            }
            30 if name.eq_ignore_ascii_case(b"Access-Control-Request-Headers") => {
                (&mut self.headers, &mut seen.headers)
            }
            _ => return,
        };
        *field = match std::mem::replace(seen, true) {
            false => Some(value),
            true => None,
        };
    }

    /// Reads the header lines of a request.
    pub fn read(lines: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut asked = Self::default();
        let mut seen = Seen::default();
        lines.for_each(|(name, value)| asked.note(&mut seen, name, value));
        asked
    }

    /// The method that a preflight asks about; `None` for other requests, also for
    /// other `OPTIONS`.
    #[must_use]
    pub fn preflight(&self, method: &[u8]) -> Option<&'a [u8]> {
        self.origin?;
        self.method.filter(|_| method == b"OPTIONS")
    }

    /// Whether a redirect is of no use to who has asked: scripts cannot read what an
    /// origin answers to which they have been redirected, and other methods than these
    /// two lose their body.
    #[must_use]
    pub fn is_script(&self, method: &[u8]) -> bool {
        let is_cors = match self.mode {
            Some(mode) => mode == b"cors",
            // Browsers that do not say so yet; others send no `Origin` with a GET.
            None => self.origin.is_some(),
        };
        is_cors || !is_reading(method)
    }
}

/// Which headers there have been.
#[derive(Default)]
pub struct Seen {
    origin: bool,
    mode: bool,
    method: bool,
    headers: bool,
}

/// What a preflight asks for, if it may be said again in the answer: names of RFC 9110,
/// 5.6.2, with commas and spaces between them.
#[must_use]
pub fn names(text: &[u8]) -> Option<&[u8]> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~, \t".contains(byte);
    (!text.is_empty() && text.iter().all(is_name)).then_some(text)
}

/// `WWW-Authenticate` for a refusal (RFC 6750, 3).
#[must_use]
pub fn challenge(decision: &Decision<'_>) -> &'static str {
    match decision.status() {
        Status::Granted | Status::Missing => "Bearer",
        Status::Expired | Status::Invalid => "Bearer error=\"invalid_token\"",
    }
}

/// The body of a refusal, in JSON and in pieces. `location`, where a token is to be had,
/// consists of visible ASCII.
pub fn refusal<'a>(
    decision: &Decision<'_>,
    location: &'a [u8],
) -> impl Iterator<Item = &'a [u8]> + Clone {
    let escaped = location.iter().map(|byte| match byte {
        b'"' => &b"\\\""[..],
        b'\\' => b"\\\\",
        byte => slice::from_ref(byte),
    });
    let before: [&[u8]; 5] = [
        br#"{"status":""#,
        decision.status().as_str().as_bytes(),
        br#"","reason":""#,
        decision.reason().as_bytes(),
        br#"","location":""#,
    ];
    before.into_iter().chain(escaped).chain([&b"\"}\n"[..]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(texts: &[&str]) -> Result<Origins, OriginError> {
        let mut origins = Origins::default();
        texts.iter().try_for_each(|text| origins.add(text))?;
        Ok(origins)
    }

    #[test]
    fn credentials_are_for_named_origins_only() {
        let origins = origins(&["https://www.example.com", "*", "null"]).unwrap();
        let allow = |origin: &'static str| {
            let allowed = origins.allow(origin.as_bytes()).unwrap();
            (
                std::str::from_utf8(allowed.origin).unwrap(),
                allowed.credentials,
            )
        };
        assert_eq!(
            allow("https://www.example.com"),
            ("https://www.example.com", true)
        );
        assert_eq!(allow("https://www.example.com.evil.example"), ("*", false));
        assert_eq!(allow("null"), ("null", false));
    }

    #[test]
    fn origins_match_exactly() {
        let origins = origins(&["https://www.example.com", "http://localhost:8080"]).unwrap();
        assert!(origins.allow(b"http://localhost:8080").is_some());
        for origin in [
            "",
            "null",
            "*",
            "http://www.example.com",
            "https://www.example.com:443",
            "https://www.example.com/",
            "https://WWW.example.com",
            "https://www.example.comx",
            "https://xwww.example.com",
            "https://www.example.com, https://www.example.com",
            "http://localhost",
        ] {
            assert_eq!(origins.allow(origin.as_bytes()), None, "{origin}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        let error = |texts: &[&str]| origins(texts).unwrap_err().to_string();
        assert_eq!(
            error(&["https://WWW.example.com:443"]),
            "a browser writes \"https://www.example.com\""
        );
        assert_eq!(
            error(&["http://a.example:80"]),
            "a browser writes \"http://a.example\""
        );
        assert!(origins(&["http://a.example:443", "https://a.example:80"]).is_ok());
        for texts in [
            &["*", "*"][..],
            &["null", "null"],
            &["https://a", "https://a"],
        ] {
            assert_eq!(error(texts), "is given twice");
        }
        for text in [
            "",
            "a.example",
            "https://a.example/",
            "https://a.example/x",
            "Null",
        ] {
            assert!(
                matches!(origins(&[text]), Err(OriginError::Url(_))),
                "{text}"
            );
        }
    }

    fn asked(lines: &[(&'static str, &'static str)]) -> Asked<'static> {
        let lines = lines.iter();
        Asked::read(lines.map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    #[test]
    fn a_preflight_has_all_of_three() {
        let origin = ("origin", "https://a");
        let method = ("ACCESS-control-request-method", "PUT");
        assert_eq!(
            asked(&[origin, method]).preflight(b"OPTIONS"),
            Some(&b"PUT"[..])
        );
        assert_eq!(asked(&[origin, method]).preflight(b"POST"), None);
        assert_eq!(asked(&[origin]).preflight(b"OPTIONS"), None);
        assert_eq!(asked(&[method]).preflight(b"OPTIONS"), None);
        assert_eq!(asked(&[origin, origin, method]).preflight(b"OPTIONS"), None);
        assert_eq!(
            asked(&[origin, origin, origin, method]).preflight(b"OPTIONS"),
            None
        );
    }

    #[test]
    fn scripts_are_known_by_their_mode() {
        let is_script = |lines: &[_], method: &str| asked(lines).is_script(method.as_bytes());
        let mode = |mode| ("Sec-Fetch-Mode", mode);
        let origin = ("Origin", "https://a");
        assert!(is_script(&[mode("cors")], "GET"));
        assert!(is_script(&[origin], "GET"));
        assert!(is_script(&[], "POST"));
        assert!(is_script(&[mode("navigate")], "POST"));
        for mode in [
            "navigate",
            "no-cors",
            "same-origin",
            "websocket",
            "CORS",
            "",
        ] {
            assert!(
                !is_script(&[("Sec-Fetch-Mode", mode), origin], "GET"),
                "{mode}"
            );
            assert!(!is_script(&[("Sec-Fetch-Mode", mode)], "HEAD"), "{mode}");
        }
        assert!(!is_script(&[], "GET"));
    }

    #[test]
    fn an_answer_repeats_names_only() {
        assert_eq!(
            names(b"authorization, x-a"),
            Some(&b"authorization, x-a"[..])
        );
        for text in ["", "a\r\nb", "a:b", "a\"", "\u{e9}"] {
            assert_eq!(names(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_refusal_is_json_that_says_where_to_go() {
        let decision = Decision::from(crate::decision::Reason::TokenExpired);
        let pieces: Vec<_> = refusal(&decision, br#"https://a/"b\c?d=e"#).collect();
        let body: serde_json::Value = serde_json::from_slice(&pieces.concat()).unwrap();
        assert_eq!(body["status"], "expired");
        assert_eq!(body["reason"], "token_expired");
        assert_eq!(body["location"], r#"https://a/"b\c?d=e"#);
        assert_eq!(challenge(&decision), "Bearer error=\"invalid_token\"");
        assert_eq!(
            challenge(&crate::decision::Reason::NoToken.into()),
            "Bearer"
        );
    }
}
