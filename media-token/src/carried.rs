//! The credentials that a request carries.

use std::fmt;

use memchr::memchr;

use crate::clean::MASK;
use crate::format::cloudfront::{Parameter, Parameters};
use crate::query;
use crate::request::{Fields, RequestView};
use crate::source::{MAX_CREDENTIALS, Source};

/// What a source held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// One value, still percent-encoded.
    Once(&'a [u8]),
    /// Nothing: no byte between `=` and the end.
    Empty,
    /// More than one value: which of them counts is a matter of taste, so none does.
    Repeated,
}

impl<'a> Credential<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Self {
        match value {
            [] => Self::Empty,
            value => Self::Once(value),
        }
    }
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

/// One more than the configured sources have: for what was handed over to a cookie.
const PLACES: usize = MAX_CREDENTIALS.wrapping_add(1);

/// The credentials of one request, in the order of their sources, and those of a
/// source in the request's order.
///
/// Kept small, since each request has one.
#[derive(Clone, Copy, Default)]
pub struct Carried<'a> {
    /// Those that are one text; `None` where there are fewer.
    taken: [Option<Taken<'a>>; PLACES],
    /// That of CloudFront, which consists of several texts.
    pub(crate) cloudfront: Option<Parameters<'a>>,
    in_url: bool,
    /// How many pairs of the query hold a credential.
    pairs: u32,
    /// Where the only such pair stands, if there is just one.
    only: Option<Place>,
}

/// What one source held.
#[derive(Clone, Copy)]
pub(crate) struct Taken<'a> {
    value: &'a [u8],
    source: u8,
    /// Whether the source held other values too.
    is_repeated: bool,
}

impl<'a> Taken<'a> {
    /// The number of the source.
    pub(crate) fn source(&self) -> usize {
        self.source.into()
    }

    #[inline]
    pub(crate) fn credential(&self) -> Credential<'a> {
        match self.is_repeated {
            true => Credential::Repeated,
            false => Credential::new(self.value),
        }
    }
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
        let mut list = f.debug_list();
        list.entries(self.credentials());
        if let Some(parameters) = &self.cloudfront {
            list.entry(&(parameters.source(), "CloudFront(...)"));
        }
        list.finish()
    }
}

impl<'a> Carried<'a> {
    /// Whether the request carried no credential at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.taken, [None, ..]) && self.cloudfront.is_none()
    }

    /// Whether a credential came in the URL, where a `Referer` would show it.
    #[must_use]
    pub fn in_url(&self) -> bool {
        self.in_url
    }

    /// Whether a credential came in the query.
    #[must_use]
    pub fn in_query(&self) -> bool {
        self.pairs != 0
    }

    /// The credential at a place, from 0.
    #[inline]
    pub(crate) fn taken(&self, index: usize) -> Option<&Taken<'a>> {
        self.taken.get(index)?.as_ref()
    }

    /// The one value of a source, where it has just one, still encoded.
    pub(crate) fn value_from(&self, source: usize) -> Option<&'a [u8]> {
        let mut found = self.credentials().filter(|(number, _)| *number == source);
        match (found.next(), found.next()) {
            (Some((_, Credential::Once(value))), None) => Some(value),
            _ => None,
        }
    }

    fn credentials(&self) -> impl Iterator<Item = (usize, Credential<'a>)> {
        let taken = self.taken.iter().flatten();
        taken.map(|taken| (taken.source(), taken.credential()))
    }

    /// What [`take_with`] finds, added to none.
    #[inline]
    pub fn add(&mut self, view: &RequestView<'a>, fields: &impl Fields<'a>, sources: &[Source]) {
        for (number, source) in sources.iter().enumerate() {
            match source {
                Source::Argument(name) => take_argument(self, view, number, name),
                _ => take_other(self, view, fields, number, sources),
            }
        }
    }

    #[inline]
    fn push(&mut self, source: usize, value: &'a [u8], is_repeated: bool) {
        if let Some(place) = self.taken.iter_mut().find(|taken| taken.is_none()) {
            *place = Some(Taken {
                value,
                source: u8::try_from(source).unwrap_or(u8::MAX),
                is_repeated,
            });
        }
    }

    /// Notes that a pair of the query, which stands there, holds a credential.
    #[inline]
    fn note_pair(&mut self, start: usize, value: &[u8], end: usize) {
        self.pairs = self.pairs.saturating_add(1);
        self.only = match self.pairs {
            1 => Place::new(start, end.saturating_sub(value.len()), end),
            _ => None,
        };
    }

    /// The target without the credential in two parts, of which the second may be
    /// empty: what [`clean_target`](crate::clean::clean_target) gives, without looking at every pair again.
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
    /// [`masked_request_line`](crate::clean::masked_request_line) gives, without looking at every pair again.
    ///
    /// `None` unless exactly one pair holds a credential, and the target is a part
    /// of the line's own memory, as it is in HTTP/1.
    #[inline]
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

/// Finds the credentials in a request target.
#[must_use]
pub fn take<'a>(view: &RequestView<'a>, sources: &[Source]) -> Carried<'a> {
    take_with(view, &(), sources)
}

/// Finds the credentials that a request carries, in its target and elsewhere.
///
/// Cookies are taken in the order of the request, since a viewer may send several
/// of one name (RFC 6265, 5.4); where an argument, a header or a path segment is
/// repeated, its source has one credential that cannot hold.
#[must_use]
pub fn take_with<'a>(
    view: &RequestView<'a>,
    fields: &impl Fields<'a>,
    sources: &[Source],
) -> Carried<'a> {
    let mut carried = Carried::default();
    carried.add(view, fields, sources);
    carried
}

// Apart from arguments, which are the common case and need less.
#[inline(never)]
fn take_other<'a>(
    carried: &mut Carried<'a>,
    view: &RequestView<'a>,
    fields: &impl Fields<'a>,
    number: usize,
    sources: &[Source],
) {
    let Some((source, behind)) = sources.get(number..).and_then(<[Source]>::split_first) else {
        return;
    };
    match source {
        Source::Argument(_) => {}
        Source::CloudFrontUrl => take_signed_url(carried, view, number),
        Source::CloudFrontCookies => take_signed_cookies(carried, fields, number),
        Source::Cookie(name) | Source::HandOver(name) => {
            // Many of one source must not hide the others'; those that come with
            // a key or with a directive have places of their own.
            let behind = behind
                .iter()
                .filter(|source| source.is_configured())
                .count();
            let room = match source.is_configured() {
                true => MAX_CREDENTIALS.saturating_sub(behind),
                false => PLACES,
            };
            let taken = carried.credentials().count();
            let lines = fields.lines().filter(|(name, _)| is_cookie(name));
            let found = lines
                .flat_map(|(_, line)| cookies(line))
                .filter_map(|cookie| cookie.value_of(name));
            for value in found.take(room.saturating_sub(taken)) {
                carried.push(number, value, false);
            }
        }
        Source::Header(name) => {
            let mut values = fields.lines().filter_map(|(field, value)| {
                field
                    .eq_ignore_ascii_case(name.as_bytes())
                    .then(|| bearer(value))?
            });
            if let Some(value) = values.next() {
                carried.push(number, value, values.next().is_some());
            }
        }
        Source::Path(_) => {
            if let Some(segment) = fields.segment() {
                carried.in_url = true;
                match segment {
                    Credential::Once(value) => carried.push(number, value, false),
                    Credential::Empty => carried.push(number, b"", false),
                    Credential::Repeated => carried.push(number, b"", true),
                }
            }
        }
    }
}

fn take_argument<'a>(carried: &mut Carried<'a>, view: &RequestView<'a>, number: usize, name: &str) {
    if !view.is_one_pair() {
        return take_argument_among(carried, view, number, name);
    }
    let pair = view.query().map(|raw| query::Pair { raw });
    if let Some(value) = pair.and_then(|pair| pair.value_of(name)) {
        carried.in_url = true;
        carried.note_pair(view.query_start(), value, view.target().len());
        carried.push(number, value, false);
    }
}

// Apart from what most requests need.
#[inline(never)]
fn take_argument_among<'a>(
    carried: &mut Carried<'a>,
    view: &RequestView<'a>,
    number: usize,
    name: &str,
) {
    let mut found: Option<&[u8]> = None;
    let mut repeated = false;
    let mut start = view.query_start();
    let mut rest = view.query();
    while let Some(query) = rest {
        let (pair, tail) = query::first_pair(query);
        let end = start.saturating_add(pair.raw.len());
        if let Some(value) = pair.value_of(name) {
            repeated = found.is_some();
            found = Some(value);
            carried.note_pair(start, value, end);
        }
        rest = tail;
        // The `&`.
        start = end.saturating_add(1);
    }
    if let Some(value) = found {
        carried.in_url = true;
        carried.push(number, value, repeated);
    }
}

fn take_signed_url<'a>(carried: &mut Carried<'a>, view: &RequestView<'a>, number: usize) {
    let mut start = view.query_start();
    for pair in view.query().into_iter().flat_map(query::pairs) {
        let end = start.saturating_add(pair.raw.len());
        if let Some((parameter, value)) = Parameter::in_pair(&pair) {
            carried.in_url = true;
            carried.note_pair(start, value, end);
            let parameters = carried.cloudfront.get_or_insert_default();
            parameters.add(number, parameter, value);
        }
        // The `&`.
        start = end.saturating_add(1);
    }
}

/// Any parameter in the URL makes it a signed URL, whatever the cookies are.
fn take_signed_cookies<'a>(carried: &mut Carried<'a>, fields: &impl Fields<'a>, number: usize) {
    if carried.cloudfront.is_some() {
        return;
    }
    let lines = fields.lines().filter(|(name, _)| is_cookie(name));
    let found = lines
        .flat_map(|(_, line)| cookies(line))
        .filter_map(|cookie| Parameter::in_cookie(&cookie));
    for (parameter, value) in found {
        let parameters = carried.cloudfront.get_or_insert_default();
        parameters.add(number, parameter, value);
    }
}

/// Whether this is the header that holds cookies.
pub(crate) fn is_cookie(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"Cookie")
}

/// One `name=value` of a `Cookie` line.
#[derive(Clone, Copy)]
pub(crate) struct Cookie<'a> {
    /// With the space before it.
    pub(crate) raw: &'a [u8],
}

impl<'a> Cookie<'a> {
    /// Its name, and its value without quotes around it.
    pub(crate) fn parts(&self) -> Option<(&'a [u8], &'a [u8])> {
        let equals = memchr(b'=', self.raw)?;
        let (name, value) = self.raw.split_at_checked(equals)?;
        let value = match value.get(1..)?.trim_ascii() {
            [b'"', value @ .., b'"'] => value,
            value => value,
        };
        Some((name.trim_ascii(), value))
    }

    /// The value, if the name is `name`.
    pub(crate) fn value_of(&self, name: &str) -> Option<&'a [u8]> {
        let (found, value) = self.parts()?;
        (found == name.as_bytes()).then_some(value)
    }
}

/// The cookies of a `Cookie` line (RFC 6265, 4.2.1).
pub(crate) fn cookies(line: &[u8]) -> impl Iterator<Item = Cookie<'_>> {
    line.split(|&byte| byte == b';').map(|raw| Cookie { raw })
}

/// The credential in a header: its value, without `Bearer`. `None` for those of
/// other authentication schemes (`Basic ...`), which are not for us.
pub(crate) fn bearer(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    match value.iter().position(u8::is_ascii_whitespace) {
        None if value.eq_ignore_ascii_case(b"Bearer") => Some(b""),
        None => Some(value),
        Some(end) => {
            let (scheme, credential) = value.split_at_checked(end)?;
            scheme
                .eq_ignore_ascii_case(b"Bearer")
                .then(|| credential.trim_ascii())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::sources;

    /// Header lines, and a segment that was cut out of the path.
    struct Lines(
        &'static [(&'static str, &'static str)],
        Option<Credential<'static>>,
    );

    impl Fields<'static> for Lines {
        fn lines(&self) -> impl Iterator<Item = (&'static [u8], &'static [u8])> {
            let lines = self.0.iter();
            lines.map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        }

        fn segment(&self) -> Option<Credential<'static>> {
            self.1
        }
    }

    fn found(
        texts: &[&str],
        target: &'static str,
        lines: &'static [(&'static str, &'static str)],
        segment: Option<Credential<'static>>,
    ) -> Vec<(usize, Credential<'static>)> {
        let view = RequestView::new(target.as_bytes());
        let carried = take_with(&view, &Lines(lines, segment), &sources(texts));
        carried.credentials().collect()
    }

    #[test]
    fn a_repeated_argument_is_one_credential_that_cannot_hold() {
        let sources = sources(&["arg:token", "arg:t"]);
        let take = |target: &'static str| {
            let view = RequestView::new(target.as_bytes());
            let carried = take(&view, &sources);
            carried.credentials().collect::<Vec<_>>()
        };
        assert_eq!(take("/a?b=1"), []);
        assert_eq!(take("/a?token=1"), [(0, Credential::Once(b"1"))]);
        assert_eq!(take("/a?t=2"), [(1, Credential::Once(b"2"))]);
        assert_eq!(take("/a?token="), [(0, Credential::Empty)]);
        assert_eq!(take("/a?token"), [(0, Credential::Empty)]);
        assert_eq!(
            take("/a?t=2&token=1"),
            [(0, Credential::Once(b"1")), (1, Credential::Once(b"2"))]
        );
        for repeated in ["token=1&t%6fken=1", "token=&token=1", "token&b&token&token"] {
            let target = format!("/a?{repeated}").leak();
            assert_eq!(take(target), [(0, Credential::Repeated)]);
        }
    }

    #[test]
    fn every_cookie_of_the_name_is_a_credential_of_its_own() {
        let found = |lines| found(&["cookie:t"], "/", lines, None);
        assert_eq!(found(&[("Cookie", "a=1; t2=x; T=y; t")]), []);
        assert_eq!(
            found(&[
                ("cookie", "t=1;t = \"2\" ; a=1"),
                ("COOKIE", "t=; t=4; t=5")
            ]),
            [
                (0, Credential::Once(b"1")),
                (0, Credential::Once(b"2")),
                (0, Credential::Empty),
                (0, Credential::Once(b"4")),
            ]
        );
    }

    #[test]
    fn many_cookies_do_not_hide_other_sources() {
        let lines = &[("Cookie", "t=1; t=2; t=3; t=4; t=5"), ("X-T", "h")];
        let found = found(&["cookie:t", "arg:t", "header:x-t"], "/?t=a", lines, None);
        assert_eq!(
            found,
            [
                (0, Credential::Once(b"1")),
                (0, Credential::Once(b"2")),
                (1, Credential::Once(b"a")),
                (2, Credential::Once(b"h")),
            ]
        );
    }

    #[test]
    fn a_header_holds_its_credential_with_or_without_bearer() {
        let found = |lines| found(&["header:Authorization"], "/", lines, None);
        assert_eq!(
            found(&[("authorization", "Bearer  x ")]),
            [(0, Credential::Once(b"x"))]
        );
        assert_eq!(
            found(&[("Authorization", "bearer x")]),
            [(0, Credential::Once(b"x"))]
        );
        assert_eq!(
            found(&[("Authorization", "x")]),
            [(0, Credential::Once(b"x"))]
        );
        assert_eq!(
            found(&[("Authorization", "Bearer")]),
            [(0, Credential::Empty)]
        );
        assert_eq!(found(&[("Authorization", "")]), [(0, Credential::Empty)]);
        assert_eq!(found(&[("Authorization", "Basic eDp5")]), []);
        assert_eq!(
            found(&[("Authorization", "Basic a"), ("Authorization", "x")]).len(),
            1
        );
        let twice = found(&[("Authorization", "x"), ("Authorization", "Bearer x")]);
        assert_eq!(twice, [(0, Credential::Repeated)]);
    }

    #[test]
    fn sources_are_taken_in_their_order() {
        let lines = &[("X-T", "h"), ("Cookie", "t=c")];
        let segment = Some(Credential::Once(b"p"));
        let texts = ["path:~", "header:x-t", "arg:t", "cookie:t"];
        assert_eq!(
            found(&texts, "/a?t=a", lines, segment),
            [
                (0, Credential::Once(b"p")),
                (1, Credential::Once(b"h")),
                (2, Credential::Once(b"a")),
                (3, Credential::Once(b"c")),
            ]
        );
        assert_eq!(found(&["arg:t"], "/a", lines, segment), []);
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
