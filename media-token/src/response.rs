//! What to answer: settings and a decision in, a status and headers out.

use crate::decision::{Decision, Status};

/// What happens to a request that is not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the viewer to the application, which may renew the token.
    Redirect,
    /// Answer with this status, 400 to 599.
    Status(u16),
    /// Hand the request over to a named location (with its `@`).
    Named(Box<str>),
}

/// Why an action's text means nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected redirect, a status from 400 to 599 other than 408, 494 to 497 and 499, which nginx \
     answers in its own way, or a named location such as @app"
)]
pub struct ActionError;

impl Action {
    /// Reads `redirect`, `400` to `599`, or `@name`. Statuses for which nginx
    /// closes the connection without an answer (but `444`, which exists for that)
    /// or answers 400 are left out.
    ///
    /// # Errors
    /// [`ActionError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, ActionError> {
        match text {
            "redirect" => Ok(Self::Redirect),
            name if name.starts_with('@') && name.len() > 1 => Ok(Self::Named(name.into())),
            code if code.len() == 3 => match code.parse() {
                Ok(408 | 494..=497 | 499) => Err(ActionError),
                Ok(status @ 400..=599) => Ok(Self::Status(status)),
                _ => Err(ActionError),
            },
            _ => Err(ActionError),
        }
    }
}

/// How a location answers.
#[derive(Debug)]
pub struct Responses {
    /// To a request without a credential.
    pub missing: Action,
    /// To one whose credential's time has passed.
    pub expired: Action,
    /// To one whose credential never held.
    pub invalid: Action,
    /// Status of a redirect: 302, 303, 307 or 308.
    pub redirect_code: u16,
    /// Decide, but let everything through.
    pub dry_run: bool,
}

/// What is answered where nothing else is said.
impl Default for Responses {
    fn default() -> Self {
        Self {
            missing: Action::Redirect,
            expired: Action::Redirect,
            invalid: Action::Status(403),
            redirect_code: 302,
            dry_run: false,
        }
    }
}

/// The answer to a request that is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Redirect to the application with this status.
    Redirect(u16),
    /// Answer with this status.
    Status(u16),
    /// Go on in this named location.
    HandOver(&'a str),
}

impl Responses {
    /// What to answer to a decision; nothing, where the request goes on.
    #[must_use]
    pub fn respond(&self, decision: &Decision<'_>) -> Option<Answer<'_>> {
        let action = match decision.status() {
            Status::Granted => return None,
            _ if self.dry_run => return None,
            Status::Missing => &self.missing,
            Status::Expired => &self.expired,
            Status::Invalid => &self.invalid,
        };
        Some(match action {
            Action::Redirect => Answer::Redirect(self.redirect_code),
            Action::Status(status) => Answer::Status(*status),
            Action::Named(name) => Answer::HandOver(name),
        })
    }
}

impl Answer<'_> {
    /// Whether no cache may keep this answer: a token could arrive the next
    /// moment. What a named location answers is its own affair.
    #[must_use]
    pub fn is_uncacheable(&self) -> bool {
        matches!(self, Self::Redirect(_) | Self::Status(_))
    }
}

/// A `Cache-Control` (RFC 9111, 5.2.2) without what lets shared caches keep the
/// response, in pieces.
pub fn unshared(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_shared = |directive: &&[u8]| {
        let name = directive.split(|&byte| byte == b'=').next();
        let name = name.unwrap_or_default().trim_ascii_end();
        name.eq_ignore_ascii_case(b"public") || name.eq_ignore_ascii_case(b"s-maxage")
    };
    directives(value)
        .filter(move |directive| !directive.is_empty() && !is_shared(directive))
        .enumerate()
        .flat_map(|(index, directive)| {
            let separator: &[u8] = if index == 0 { b"" } else { b", " };
            [separator, directive]
        })
}

/// What a `Cache-Control` says about how long a response may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Nothing: caches guess (RFC 9111, 4.2.2).
    Unsaid,
    /// A time, or that it may not be used without asking.
    Said,
}

/// What a `Cache-Control` says about time to all caches. `no-cache` with names says
/// nothing of the response (RFC 9111, 5.2.2.4).
#[must_use]
pub fn keeping(value: &[u8]) -> Keeping {
    let says = |directive: &[u8]| {
        let (name, argument) = parts(directive);
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        is("max-age") || is("no-store") || (is("no-cache") && argument.is_none())
    };
    match directives(value).any(says) {
        true => Keeping::Said,
        false => Keeping::Unsaid,
    }
}

/// Whether all who read a `Cache-Control` find the same directives in it: its quotes are
/// closed, and nothing in them is escaped.
#[must_use]
pub fn is_plain(value: &[u8]) -> bool {
    let quotes = value.iter().filter(|&&byte| byte == b'"').count();
    quotes.is_multiple_of(2) && !value.contains(&b'\\')
}

/// The directives of a `Cache-Control`: what commas separate, unless they are quoted.
fn directives(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_quoted = false;
    let split = value.split(move |&byte| {
        is_quoted ^= byte == b'"';
        byte == b',' && !is_quoted
    });
    split.map(<[u8]>::trim_ascii)
}

/// A `Cache-Control` that lets nobody keep the response for longer than `seconds`, in
/// pieces. `digits` is that number in decimal.
pub fn capped<'a>(
    value: &'a [u8],
    seconds: u64,
    digits: &'a [u8],
) -> impl Iterator<Item = &'a [u8]> {
    directives(value)
        .filter_map(move |directive| {
            let (name, argument) = parts(directive);
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            match argument {
                _ if directive.is_empty() => None,
                // What may be used after its time, or takes a `no-store` back (5.2.2.3).
                _ if is("stale-while-revalidate")
                    || is("stale-if-error")
                    || is("must-understand") =>
                {
                    None
                }
                argument if is("max-age") || is("s-maxage") => {
                    let argument = argument.unwrap_or_default();
                    let stated = std::str::from_utf8(argument).ok();
                    let stated = stated.filter(|text| !text.starts_with('+'));
                    let stated = stated.and_then(|text| text.parse::<u64>().ok());
                    let is_number = !argument.is_empty() && argument.iter().all(u8::is_ascii_digit);
                    Some(match stated {
                        Some(stated) if stated <= seconds => [directive, b"", b""],
                        // Also those that are too large for us.
                        _ if is_number => [name, b"=", digits],
                        // Caches take what is no number for 0 (RFC 9111, 4.2.1).
                        _ => [name, b"=", b"0"],
                    })
                }
                _ => Some([directive, b"", b""]),
            }
        })
        .enumerate()
        .flat_map(|(index, [name, equals, argument])| {
            let separator: &[u8] = if index == 0 { b"" } else { b", " };
            [separator, name, equals, argument]
        })
}

/// A directive's name, and its argument without quotes around it.
fn parts(directive: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = directive
        .splitn(2, |&byte| byte == b'=')
        .map(<[u8]>::trim_ascii);
    let name = parts.next().unwrap_or_default();
    let argument = parts.next().map(|argument| match argument {
        [b'"', argument @ .., b'"'] => argument,
        argument => argument,
    });
    (name, argument)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Grant, Reason};

    const GRANT: Decision<'_> = Decision::Granted(Grant {
        key_id: None,
        subject: None,
        token_id: None,
        format: crate::Format::Django,
        expires: 1,
        age: None,
        source: 0,
        folder: None,
        began: None,
        is_for_address: false,
    });

    fn responses(dry_run: bool) -> Responses {
        Responses {
            missing: Action::Named("@app".into()),
            expired: Action::Redirect,
            invalid: Action::Status(404),
            redirect_code: 307,
            dry_run,
        }
    }

    #[test]
    fn each_status_has_its_own_action() {
        let responses = responses(false);
        let respond = |reason: Reason| responses.respond(&reason.into());
        assert_eq!(responses.respond(&GRANT), None);
        assert_eq!(respond(Reason::NoToken), Some(Answer::HandOver("@app")));
        assert_eq!(respond(Reason::TokenExpired), Some(Answer::Redirect(307)));
        for reason in [
            Reason::TokenRepeated,
            Reason::TokenEmpty,
            Reason::TokenMalformed,
            Reason::BadSignature,
            Reason::TokenInFuture,
            Reason::UnsafePath,
        ] {
            assert_eq!(respond(reason), Some(Answer::Status(404)));
        }
    }

    #[test]
    fn a_dry_run_lets_everything_through() {
        let responses = responses(true);
        for reason in [Reason::NoToken, Reason::TokenExpired, Reason::BadSignature] {
            assert_eq!(responses.respond(&reason.into()), None);
        }
    }

    #[test]
    fn refusals_and_redirects_are_not_for_caches() {
        assert!(Answer::Redirect(302).is_uncacheable() && Answer::Status(403).is_uncacheable());
        assert!(!Answer::HandOver("@app").is_uncacheable());
    }

    #[test]
    fn actions_are_redirect_a_status_or_a_named_location() {
        assert_eq!(Action::parse("redirect"), Ok(Action::Redirect));
        assert_eq!(Action::parse("403"), Ok(Action::Status(403)));
        assert_eq!(Action::parse("@app"), Ok(Action::Named("@app".into())));
        for text in [
            "", "@", "200", "302", "399", "600", "0403", "+40", "Redirect", "off",
        ] {
            assert_eq!(Action::parse(text), Err(ActionError), "{text}");
        }
    }

    #[test]
    fn shared_caches_are_not_invited() {
        let unshared = |value: &'static str| {
            let pieces: Vec<_> = unshared(value.as_bytes()).collect();
            String::from_utf8(pieces.concat()).unwrap()
        };
        assert_eq!(unshared("public, max-age=60"), "max-age=60");
        assert_eq!(unshared("max-age=60,S-MaxAge=9 , Public"), "max-age=60");
        assert_eq!(unshared("s-maxage = 9"), "");
        assert_eq!(
            unshared("no-cache,,must-revalidate"),
            "no-cache, must-revalidate"
        );
        assert_eq!(unshared("publicity"), "publicity");
        assert_eq!(unshared(""), "");
    }

    #[test]
    fn nobody_keeps_it_for_longer() {
        let capped = |value: &'static str| {
            let pieces: Vec<_> = capped(value.as_bytes(), 60, b"60").collect();
            String::from_utf8(pieces.concat()).unwrap()
        };
        for (value, left) in [
            ("max-age=59", "max-age=59"),
            ("max-age=60", "max-age=60"),
            (
                "public, max-age=61 ,immutable",
                "public, max-age=60, immutable",
            ),
            ("Max-Age = 3600", "Max-Age=60"),
            (
                "max-age=\"61\", s-maxage=\"5\"",
                "max-age=60, s-maxage=\"5\"",
            ),
            ("s-maxage=99999999999999999999", "s-maxage=60"),
            ("max-age=-1", "max-age=0"),
            ("max-age=+1", "max-age=0"),
            ("max-age", "max-age=0"),
            (
                "max-age=9, stale-while-revalidate=86400, stale-if-error=1",
                "max-age=9",
            ),
            ("no-store", "no-store"),
            // Whose own is no longer to be heeded where the rest is understood.
            ("no-store, Must-Understand", "no-store"),
            (",, private=\"a\" ,", "private=\"a\""),
            ("private=\"a, max-age=99\"", "private=\"a, max-age=99\""),
            ("", ""),
        ] {
            assert_eq!(capped(value), left, "{value}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_plain() {
        for plain in ["", "max-age=1", r#"private="a, b", no-cache="c""#] {
            assert!(is_plain(plain.as_bytes()), "{plain}");
        }
        for other in [r#"x="\"", public"#, r#"private="a, max-age=9"#, "a\\"] {
            assert!(!is_plain(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_time_is_said_or_not() {
        for said in [
            "max-age=1",
            "public, Max-Age=1",
            "no-cache",
            "No-Store",
            "max-age",
        ] {
            assert_eq!(keeping(said.as_bytes()), Keeping::Said, "{said}");
        }
        for unsaid in [
            "",
            "s-maxage=1",
            "no-cache=\"Set-Cookie\"",
            "private=\"a, max-age=1\"",
            "public",
            "private, immutable",
            "xmax-age=1",
            "must-revalidate",
        ] {
            assert_eq!(keeping(unsaid.as_bytes()), Keeping::Unsaid, "{unsaid}");
        }
    }
}
