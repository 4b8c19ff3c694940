//! What is left of a request without its credentials, and what logs show instead.

use crate::carried::{Cookie, Credential, bearer, cookies, is_cookie};
use crate::query;
use crate::request::RequestView;
use crate::source::Source;

/// A query without its credentials, in pieces; all other bytes and their order
/// are kept. No piece at all: nothing is left, and the `?` goes too.
pub fn clean_query<'a>(
    query: &'a [u8],
    sources: &'a [Source],
) -> impl Iterator<Item = &'a [u8]> + 'a {
    query::pairs(query)
        .filter(|pair| !sources.iter().any(|source| source.value_in(pair).is_some()))
        .enumerate()
        .flat_map(|(index, pair)| {
            let separator: &[u8] = if index == 0 { b"" } else { b"&" };
            [separator, pair.raw]
        })
}

/// A request target without its credentials, in pieces.
pub fn clean_target<'a>(
    view: &RequestView<'a>,
    sources: &'a [Source],
) -> impl Iterator<Item = &'a [u8]> + 'a {
    let mut query = view
        .query()
        .into_iter()
        .flat_map(|query| clean_query(query, sources))
        .peekable();
    let mark: &[u8] = if query.peek().is_some() { b"?" } else { b"" };
    [view.path(), mark].into_iter().chain(query)
}

/// What stands for a credential's value in logs.
pub const MASK: &[u8] = b"***";

/// A request line (`GET /a?token=x HTTP/1.1`), in pieces, with [`MASK`] in place
/// of every credential's value.
pub fn masked_request_line<'a>(
    line: &'a [u8],
    sources: &'a [Source],
) -> impl Iterator<Item = &'a [u8]> + 'a {
    let is_space = |&byte: &u8| byte == b' ';
    let method_end = line.iter().position(is_space).unwrap_or(line.len());
    // HTTP/0.9 names no protocol.
    let target_end = match line.iter().rposition(is_space) {
        Some(last) if last > method_end => last,
        _ => line.len(),
    };
    let method = line.get(..method_end).unwrap_or_default();
    let target = line.get(method_end..target_end).unwrap_or_default();
    let protocol = line.get(target_end..).unwrap_or_default();

    let mut parts = target.splitn(2, |&byte| byte == b'?');
    let path = parts.next().unwrap_or_default();
    let segments = path_segments(path).flat_map(|segment| {
        let shown = masked(segment.text, segment.credential(sources));
        [segment.slash, shown[0], shown[1]]
    });
    let pairs = parts.next().into_iter().flat_map(query::pairs);
    let pairs = pairs.enumerate().flat_map(|(index, pair)| {
        let separator: &[u8] = if index == 0 { b"?" } else { b"&" };
        let value = sources.iter().find_map(|source| source.value_in(&pair));
        let shown = masked(pair.raw, value);
        [separator, shown[0], shown[1]]
    });
    [method]
        .into_iter()
        .chain(segments)
        .chain(pairs)
        .chain([protocol])
}

/// A text with the value at its end masked, if there is one that is not empty.
fn masked<'a>(text: &'a [u8], value: Option<&[u8]>) -> [&'a [u8]; 2] {
    match value.and_then(|value| text.strip_suffix(value)) {
        Some(prefix) if prefix.len() < text.len() => [prefix, MASK],
        _ => [text, b""],
    }
}

/// The credential in the segments of a raw path, if there is one.
///
/// `None` where no segment but the last begins with a source's prefix.
#[must_use]
pub fn find_segment<'a>(path: &'a [u8], sources: &[Source]) -> Option<Credential<'a>> {
    let mut found = path_segments(path).filter_map(|segment| segment.credential(sources));
    let first = found.next()?;
    Some(match found.next() {
        Some(_) => Credential::Repeated,
        None => Credential::new(first),
    })
}

/// A request target without the segments that hold a credential, in pieces.
pub fn cut_target<'a>(
    view: &RequestView<'a>,
    sources: &'a [Source],
) -> impl Iterator<Item = &'a [u8]> + 'a {
    let kept = path_segments(view.path()).filter(|segment| segment.credential(sources).is_none());
    let (mark, query): (&[u8], _) = match view.query() {
        Some(query) => (b"?", query),
        None => (b"", &[][..]),
    };
    kept.flat_map(|segment| [segment.slash, segment.text])
        .chain([mark, query])
}

/// One segment of a raw path.
struct PathSegment<'a> {
    /// The slash before it, which the first one may not have.
    slash: &'a [u8],
    text: &'a [u8],
    is_last: bool,
}

impl<'a> PathSegment<'a> {
    /// What follows a source's prefix; the last segment names what is asked for.
    fn credential(&self, sources: &[Source]) -> Option<&'a [u8]> {
        match self.is_last {
            true => None,
            false => sources.iter().find_map(|source| source.rest_of(self.text)),
        }
    }
}

fn path_segments(path: &[u8]) -> impl Iterator<Item = PathSegment<'_>> {
    let mut segments = path.split(|&byte| byte == b'/').peekable();
    let mut slash: &[u8] = b"";
    std::iter::from_fn(move || {
        let segment = PathSegment {
            slash,
            text: segments.next()?,
            is_last: segments.peek().is_none(),
        };
        slash = b"/";
        Some(segment)
    })
}

/// What is left of a header line without its credentials, in pieces; no piece at
/// all: the line goes. `None` if it holds no credential.
///
/// Other cookies are kept as they are.
pub fn clean_line<'a>(
    name: &[u8],
    value: &'a [u8],
    sources: &'a [Source],
) -> Option<impl Iterator<Item = &'a [u8]> + 'a> {
    let is_ours = move |raw| {
        let takes = |source: &Source| source.takes_cookie(&Cookie { raw });
        sources.iter().any(takes)
    };
    let holds = match is_cookie(name) {
        true => cookies(value).any(|cookie| is_ours(cookie.raw)),
        false => sources.iter().any(|source| match source {
            Source::Header(header) => {
                name.eq_ignore_ascii_case(header.as_bytes()) && bearer(value).is_some()
            }
            _ => false,
        }),
    };
    let kept = match is_cookie(name) {
        true => value,
        false => b"",
    };
    let pieces = cookies(kept)
        .map(|cookie| cookie.raw)
        .filter(move |raw| !raw.is_empty() && !is_ours(raw))
        .enumerate()
        .flat_map(|(index, raw)| match index {
            0 => [&b""[..], raw.trim_ascii_start()],
            _ => [&b";"[..], raw],
        });
    holds.then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::sources;

    fn clean(target: &str) -> String {
        let sources = sources(&["arg:token"]);
        let view = RequestView::new(target.as_bytes());
        String::from_utf8(clean_target(&view, &sources).collect::<Vec<_>>().concat()).unwrap()
    }

    #[test]
    fn the_token_is_dropped_wherever_it_stands_and_all_else_is_kept() {
        assert_eq!(clean("/a?token=x"), "/a");
        assert_eq!(clean("/a?token"), "/a");
        assert_eq!(clean("/a?token=x&b=1&c"), "/a?b=1&c");
        assert_eq!(clean("/a?b=%20+&token=x&c=%zz"), "/a?b=%20+&c=%zz");
        assert_eq!(clean("/a?b=1&token=x"), "/a?b=1");
        assert_eq!(clean("/a?t%6Fken=x&token=y&b"), "/a?b");
        assert_eq!(clean("/a?b&&token=x&"), "/a?b&&");
        assert_eq!(clean("/a?Token=x"), "/a?Token=x");
        assert_eq!(clean("/a?"), "/a?");
        assert_eq!(clean("/a?b?token=x"), "/a?b?token=x");
        assert_eq!(clean("?token=x"), "/");
        assert_eq!(clean(""), "/");
    }

    #[test]
    fn a_log_shows_that_there_was_a_token_and_not_which() {
        let sources = sources(&["arg:token", "path:~"]);
        let mask = |line: &'static str| {
            let pieces: Vec<_> = masked_request_line(line.as_bytes(), &sources).collect();
            String::from_utf8(pieces.concat()).unwrap()
        };
        for (line, shown) in [
            (
                "GET /a?b=1&token=x&c HTTP/1.1",
                "GET /a?b=1&token=***&c HTTP/1.1",
            ),
            ("GET /a?token=x HTTP/1.1", "GET /a?token=*** HTTP/1.1"),
            (
                "GET /a?t%6Fken=x&token=y HTTP/2.0",
                "GET /a?t%6Fken=***&token=*** HTTP/2.0",
            ),
            (
                "GET /a?token&token= HTTP/1.1",
                "GET /a?token&token= HTTP/1.1",
            ),
            (
                "GET http://h/a?token=x HTTP/1.1",
                "GET http://h/a?token=*** HTTP/1.1",
            ),
            ("GET /a?token=x", "GET /a?token=***"),
            ("GET /a?token=x y HTTP/1.1", "GET /a?token=*** HTTP/1.1"),
            ("GET /a HTTP/1.1", "GET /a HTTP/1.1"),
            ("GET /a? HTTP/1.1", "GET /a? HTTP/1.1"),
            (
                "GET /~x/a?token=y HTTP/1.1",
                "GET /~***/a?token=*** HTTP/1.1",
            ),
            (
                "GET /m/%7Ex/~y/~z HTTP/1.1",
                "GET /m/%7E***/~***/~z HTTP/1.1",
            ),
            ("GET http://h/~x/ HTTP/1.1", "GET http://h/~***/ HTTP/1.1"),
            ("GET /~/a HTTP/1.1", "GET /~/a HTTP/1.1"),
            ("GET", "GET"),
            ("", ""),
        ] {
            assert_eq!(mask(line), shown);
        }
    }

    #[test]
    fn path_segments_with_the_prefix_are_cut_but_for_the_last() {
        let sources = sources(&["arg:token", "path:~"]);
        let cut = |target: &'static str| {
            let view = RequestView::new(target.as_bytes());
            let pieces: Vec<_> = cut_target(&view, &sources).collect();
            let found = find_segment(view.path(), &sources);
            (String::from_utf8(pieces.concat()).unwrap(), found)
        };
        let once = |value| Some(Credential::Once(value));
        for (target, left, found) in [
            ("/media/~T/c/1.m3u8", "/media/c/1.m3u8", once(&b"T"[..])),
            ("/~T/", "/", once(b"T")),
            ("/~T/a?token=x&b", "/a?token=x&b", once(b"T")),
            ("/%7ET/a", "/a", once(b"T")),
            ("/~~T/a?", "/a?", once(b"~T")),
            ("/~T//a", "//a", once(b"T")),
            ("/~/a", "/a", Some(Credential::Empty)),
            ("/~a/~b/c", "/c", Some(Credential::Repeated)),
            ("/a/~b", "/a/~b", None),
            ("/a~b/c", "/a~b/c", None),
            ("/a?/~b/", "/a?/~b/", None),
            ("/a%2F~b/c", "/a%2F~b/c", None),
        ] {
            assert_eq!(cut(target), (left.to_owned(), found), "{target}");
        }
    }

    #[test]
    fn header_lines_lose_the_credential_and_nothing_else() {
        let sources = sources(&["cookie:t", "cookie:u", "header:X-T", "header:Authorization"]);
        let clean = |name: &str, value: &'static str| {
            let pieces = clean_line(name.as_bytes(), value.as_bytes(), &sources)?;
            Some(String::from_utf8(pieces.collect::<Vec<_>>().concat()).unwrap())
        };
        let left = |text: &str| Some(text.to_owned());
        assert_eq!(clean("Cookie", "a=1; t=x; b=2"), left("a=1; b=2"));
        assert_eq!(
            clean("cookie", "t=x; a=1;u=2;  b=\"3\" "),
            left("a=1;  b=\"3\" ")
        );
        assert_eq!(clean("Cookie", "t=x"), left(""));
        assert_eq!(clean("Cookie", "t=x; t=y; u="), left(""));
        assert_eq!(clean("Cookie", "a=t=x; T=1"), None);
        assert_eq!(clean("X-Cookie", "t=x"), None);
        assert_eq!(clean("x-t", "anything; t=x"), None);
        assert_eq!(clean("x-t", "anything"), left(""));
        assert_eq!(clean("Authorization", "Bearer x"), left(""));
        assert_eq!(clean("Authorization", "Basic x"), None);
        assert_eq!(clean("X-Other", "x"), None);
    }
}
