//! Ends redirects that lead in circles: the viewer comes back from the application
//! without a token that holds, again and again. How often is counted in a cookie of
//! the viewer's, for that path only. It is not signed: who changes it changes when
//! their own browser stops.

use std::str;

use crate::carried;
use crate::response::{Action, Answer, Responses};
use crate::set_cookie;

/// The cookie that counts.
pub const COOKIE: &str = "crossdomain_media_loop";

/// For how long a redirect counts, in seconds: browsers need less for a whole loop.
const MEMORY: &str = "30";

/// The most that may be allowed: browsers end at twenty by themselves.
pub const MAX: u32 = 19;

/// How many redirects from this path a line of cookies counts.
///
/// Browsers send the cookie of a folder with all that is below it. Only the one that was
/// set for a path as long as this one was set for this one.
#[must_use]
pub fn count(cookies: &[u8], path: &[u8]) -> u32 {
    let values = carried::cookies(cookies).filter_map(|cookie| cookie.value_of(COOKIE));
    let number = |value| {
        let (count, len) = str::from_utf8(value).ok()?.split_once('-')?;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(count) || !is_number(len) {
            return None;
        }
        let count = count.parse().ok()?;
        (len.parse() == Ok(path.len())).then_some(count)
    };
    values.filter_map(number).max().unwrap_or(0)
}

/// Whether a `Set-Cookie` is one with a count.
#[must_use]
pub fn is_ours(set_cookie: &[u8]) -> bool {
    let rest = set_cookie.strip_prefix(COOKIE.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(b"="))
}

/// `Set-Cookie` with a count for one path, of which `len` is the length in bytes, both in
/// decimal; `None` where the path cannot be written there. 0 takes the cookie back.
pub fn set_cookie<'a>(
    count: &'a [u8],
    len: &'a [u8],
    path: &'a [u8],
    is_https: bool,
) -> Option<impl Iterator<Item = &'a [u8]> + Clone> {
    if !set_cookie::is_path(path) {
        return None;
    }
    let life = match count {
        b"0" => "0",
        _ => MEMORY,
    };
    // Pictures are asked for from another site; browsers send what they are to send
    // there only over TLS.
    let same_site: &[u8] = match is_https {
        true => b"; HttpOnly; SameSite=None; Secure",
        false => b"; HttpOnly; SameSite=Lax",
    };
    let pieces: [&[u8]; 10] = [
        COOKIE.as_bytes(),
        b"=",
        count,
        b"-",
        len,
        b"; Path=",
        path,
        b"; Max-Age=",
        life.as_bytes(),
        same_site,
    ];
    Some(pieces.into_iter())
}

impl Responses {
    /// What to answer instead of one redirect too many: what an invalid token gets, or
    /// 403 if that would be a redirect too.
    #[must_use]
    pub fn instead_of_a_loop(&self) -> Answer<'_> {
        match &self.invalid {
            Action::Redirect => Answer::Status(403),
            Action::Status(status) => Answer::Status(*status),
            Action::Named(name) => Answer::HandOver(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_counts() {
        for (cookies, expected) in [
            ("", 0),
            ("a=5", 0),
            ("crossdomain_media_loop=3-6", 3),
            (
                "a=1; crossdomain_media_loop=2-6; crossdomain_media_loop=4-6",
                4,
            ),
            // Of what is above.
            ("crossdomain_media_loop=2-6; crossdomain_media_loop=4-3", 2),
            ("crossdomain_media_loop=3", 0),
            ("crossdomain_media_loop=3-", 0),
            ("crossdomain_media_loop=3-6-6", 0),
            ("crossdomain_media_loop=x-6; crossdomain_media_loop=", 0),
            ("crossdomain_media_loop=-1-6", 0),
            ("crossdomain_media_loop=+3-6", 0),
            ("crossdomain_media_loop=3-+6", 0),
            ("crossdomain_media_loop=99999999999-6", 0),
            ("Crossdomain_media_loop=3-6", 0),
        ] {
            assert_eq!(count(cookies.as_bytes(), b"/a/b.c"), expected, "{cookies}");
        }
    }

    #[test]
    fn the_cookie_is_for_one_path() {
        let set = |count: &'static str, path: &'static str, is_https| {
            let len = path.len().to_string();
            let pieces = set_cookie(count.as_bytes(), len.as_bytes(), path.as_bytes(), is_https)?;
            Some(String::from_utf8(pieces.collect::<Vec<_>>().concat()).unwrap())
        };
        assert_eq!(
            set("2", "/a%20b.pdf", true).as_deref(),
            Some(
                "crossdomain_media_loop=2-10; Path=/a%20b.pdf; Max-Age=30; HttpOnly; SameSite=None; Secure"
            )
        );
        assert_eq!(
            set("0", "/a", false).as_deref(),
            Some("crossdomain_media_loop=0-2; Path=/a; Max-Age=0; HttpOnly; SameSite=Lax")
        );
        for path in ["", "a", "/a;b", "/a b", "/a\r\nb", "/\u{e9}"] {
            assert_eq!(set("1", path, true), None, "{path}");
        }
    }

    #[test]
    fn a_loop_does_not_end_in_a_redirect() {
        let responses = |invalid| Responses {
            missing: Action::Redirect,
            expired: Action::Redirect,
            invalid,
            redirect_code: 302,
            dry_run: false,
        };
        assert_eq!(
            responses(Action::Redirect).instead_of_a_loop(),
            Answer::Status(403)
        );
        assert_eq!(
            responses(Action::Status(404)).instead_of_a_loop(),
            Answer::Status(404)
        );
        assert_eq!(
            responses(Action::Named("@app".into())).instead_of_a_loop(),
            Answer::HandOver("@app")
        );
    }
}
