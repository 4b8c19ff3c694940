//! Where a credential is carried, and what is left of the request without it.

use std::fmt;

use crate::query::{self, Pair};
use crate::request::RequestView;

/// How many sources a configuration may name, and so how many credentials of
/// one request are looked at.
pub const MAX_SOURCES: usize = 4;

/// A place where a request may carry a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A query argument, by its decoded, case-sensitive name.
    Argument(Box<str>),
}

/// Why a source's text means nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Not of the form `arg:NAME`.
    #[error("expected arg:NAME")]
    Unknown,
    /// The name is empty or holds other bytes than a URL may hold unescaped.
    #[error("the name of an argument consists of letters, digits, \"-\", \".\", \"_\" and \"~\"")]
    Name,
}

impl Source {
    /// Reads `arg:NAME`.
    ///
    /// # Errors
    /// [`SourceError`], worded for the configuration's author.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let name = text.strip_prefix("arg:").ok_or(SourceError::Unknown)?;
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if name.is_empty() || !name.chars().all(unreserved) {
            return Err(SourceError::Name);
        }
        Ok(Self::Argument(name.into()))
    }

    /// The value of a pair that is this source's, still encoded.
    fn value_in<'a>(&self, pair: &Pair<'a>) -> Option<&'a [u8]> {
        match self {
            Self::Argument(name) => pair.value_of(name),
        }
    }

    fn holds(&self, pair: &Pair<'_>) -> bool {
        self.value_in(pair).is_some()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(name) => write!(f, "arg:{name}"),
        }
    }
}

/// What a source held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential<'a> {
    /// One value, still percent-encoded.
    Once(&'a [u8]),
    /// Nothing between `=` and the end.
    Empty,
    /// More than one value: which of them counts is a matter of taste, so none does.
    Repeated,
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Once(_) => "Once(...)",
            Self::Empty => "Empty",
            Self::Repeated => "Repeated",
        })
    }
}

/// The credentials of one request, by source, in the sources' order.
///
/// Kept small, since each request has one.
#[derive(Clone, Copy, Default)]
pub struct Carried<'a> {
    /// The last value that each source held.
    values: [Option<&'a [u8]>; MAX_SOURCES],
    /// Whether it held others too.
    repeated: [bool; MAX_SOURCES],
    /// How many pairs of the query hold a credential.
    pairs: u32,
    /// Where the only pair that holds a credential stands, if there is one.
    only: Option<Place>,
}

/// Where a pair stands in a request target: offsets of its first byte, of its
/// value, and of the byte after it.
#[derive(Clone, Copy)]
struct Place {
    start: u32,
    value: u32,
    end: u32,
}

impl Place {
    /// `None` for targets longer than any that nginx reads.
    fn new(start: usize, value: usize, end: usize) -> Option<Self> {
        Some(Self {
            start: start.try_into().ok()?,
            value: value.try_into().ok()?,
            end: end.try_into().ok()?,
        })
    }

    fn offsets(self) -> [usize; 3] {
        [self.start, self.value, self.end].map(|offset| offset as usize)
    }
}

impl fmt::Debug for Carried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = (0..MAX_SOURCES).map(|source| self.credential(source));
        f.debug_list().entries(credentials).finish()
    }
}

impl<'a> Carried<'a> {
    /// Whether the request carried no credential at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs == 0
    }

    /// Whether a credential came in the URL, where a `Referer` would show it.
    #[must_use]
    pub fn in_url(&self) -> bool {
        // All sources there are so far are arguments.
        !self.is_empty()
    }

    /// What the source with this number held.
    #[inline]
    pub(crate) fn credential(&self, source: usize) -> Option<Credential<'a>> {
        match (self.repeated.get(source)?, (*self.values.get(source)?)?) {
            (true, _) => Some(Credential::Repeated),
            (false, []) => Some(Credential::Empty),
            (false, value) => Some(Credential::Once(value)),
        }
    }

    /// The target without the credential in two parts, of which the second may be
    /// empty: what [`clean_target`] gives, without looking at every pair again.
    ///
    /// `None` unless exactly one pair holds a credential.
    #[must_use]
    pub fn clean_parts(&self, view: &RequestView<'a>) -> Option<[&'a [u8]; 2]> {
        let [start, _, end] = self.only?.offsets();
        // An empty path becomes a slash, which is no part of the target.
        if view.query_start() < 2 {
            return None;
        }
        match view.target().get(end..)? {
            // With the `?` or `&` before it.
            [] => Some([view.target().get(..start.checked_sub(1)?)?, b""]),
            // With the `&` behind it.
            [_, tail @ ..] => Some([view.target().get(..start)?, tail]),
        }
    }

    /// The request line in three parts with the credential masked: what
    /// [`masked_request_line`] gives, without looking at every pair again.
    ///
    /// `None` unless exactly one pair holds a credential, and the target is a part
    /// of the line's own memory, as it is in HTTP/1.
    #[must_use]
    pub fn masked_parts<'l>(
        &self,
        view: &RequestView<'_>,
        line: &'l [u8],
    ) -> Option<[&'l [u8]; 3]> {
        let [_, value, end] = self.only?.offsets();
        let target = (view.target().as_ptr().addr()).checked_sub(line.as_ptr().addr())?;
        let (before, rest) = line.split_at_checked(target.checked_add(value)?)?;
        let after = rest.get(end.checked_sub(value)?..)?;
        (value != end).then_some([before, MASK, after])
    }
}

/// Finds the credentials that a request carries.
///
/// Only the first [`MAX_SOURCES`] sources are looked at.
#[must_use]
pub fn take<'a>(view: &RequestView<'a>, sources: &[Source]) -> Carried<'a> {
    let mut carried = Carried::default();
    let mut start = view.query_start();
    let mut rest = view.query();
    while let Some(query) = rest {
        let (pair, tail) = query::first_pair(query);
        let end = start.saturating_add(pair.raw.len());
        let slots = carried.values.iter_mut().zip(&mut carried.repeated);
        for (source, (slot, repeated)) in sources.iter().zip(slots) {
            if let Some(value) = source.value_in(&pair) {
                *repeated = slot.is_some();
                *slot = Some(value);
                carried.pairs = carried.pairs.saturating_add(1);
                carried.only = match carried.pairs {
                    1 => Place::new(start, end.saturating_sub(value.len()), end),
                    _ => None,
                };
            }
        }
        rest = tail;
        // The `&`.
        start = end.saturating_add(1);
    }
    carried
}

/// A query without its credentials, in pieces; all other bytes and their order
/// are kept. No piece at all: nothing is left, and the `?` goes too.
pub fn clean_query<'a>(
    query: &'a [u8],
    sources: &'a [Source],
) -> impl Iterator<Item = &'a [u8]> + 'a {
    query::pairs(query)
        .filter(|pair| !sources.iter().any(|source| source.holds(pair)))
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
    let pairs = parts.next().into_iter().flat_map(query::pairs);
    let pairs = pairs.enumerate().flat_map(|(index, pair)| {
        let separator: &[u8] = if index == 0 { b"?" } else { b"&" };
        let value = sources.iter().find_map(|source| source.value_in(&pair));
        match value.and_then(|value| pair.raw.strip_suffix(value)) {
            Some(prefix) if prefix.len() < pair.raw.len() => [separator, prefix, MASK],
            _ => [separator, pair.raw, b""],
        }
    });
    [method, path].into_iter().chain(pairs).chain([protocol])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(texts: &[&str]) -> Vec<Source> {
        texts
            .iter()
            .map(|text| Source::parse(text).unwrap())
            .collect()
    }

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
    fn a_repeated_argument_is_one_credential_that_cannot_hold() {
        let sources = sources(&["arg:token", "arg:t"]);
        let take = |target: &'static str| {
            let view = RequestView::new(target.as_bytes());
            let carried = take(&view, &sources);
            [0, 1].map(|source| carried.credential(source))
        };
        assert_eq!(take("/a?b=1"), [None; 2]);
        assert_eq!(take("/a?token=1"), [Some(Credential::Once(b"1")), None]);
        assert_eq!(take("/a?t=2"), [None, Some(Credential::Once(b"2"))]);
        assert_eq!(take("/a?token="), [Some(Credential::Empty), None]);
        assert_eq!(take("/a?token"), [Some(Credential::Empty), None]);
        assert_eq!(
            take("/a?t=2&token=1"),
            [Some(Credential::Once(b"1")), Some(Credential::Once(b"2"))]
        );
        for repeated in ["token=1&t%6fken=1", "token=&token=1", "token&b&token&token"] {
            let target = format!("/a?{repeated}").leak();
            assert_eq!(take(target), [Some(Credential::Repeated), None]);
        }
    }

    #[test]
    fn a_log_shows_that_there_was_a_token_and_not_which() {
        let sources = sources(&["arg:token"]);
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
            ("GET", "GET"),
            ("", ""),
        ] {
            assert_eq!(mask(line), shown);
        }
    }

    #[test]
    fn source_errors_say_what_was_expected() {
        assert_eq!(Source::parse("token"), Err(SourceError::Unknown));
        assert_eq!(Source::parse("arg:"), Err(SourceError::Name));
        assert_eq!(Source::parse("arg:a b"), Err(SourceError::Name));
        assert_eq!(Source::parse("arg:a").unwrap().to_string(), "arg:a");
    }

    #[test]
    fn debug_output_shows_no_credential() {
        let sources = sources(&["arg:token"]);
        let view = RequestView::new(b"/a?token=secret");
        let text = format!("{:?}", take(&view, &sources));
        assert!(
            text.contains("Once(...)") && !text.contains("secret"),
            "{text}"
        );
    }
}
