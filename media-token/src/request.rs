//! A request as data: borrowed bytes, exactly as they came over the wire.

use memchr::{memchr, memchr2};

use crate::carried::Credential;

/// What a verifier may know of a request.
#[derive(Clone, Copy, Default)]
pub struct RequestView<'a> {
    target: &'a [u8],
    /// Where the path ends and the query begins.
    path_len: usize,
    /// Whether the query has more than one pair, or a `#`.
    is_mixed: bool,
}

impl<'a> RequestView<'a> {
    /// A view of a request target in origin form: raw path, and the query if
    /// there is one. For a request in absolute form, without scheme and authority.
    #[must_use]
    pub fn new(target: &'a [u8]) -> Self {
        Self::split_at(target, memchr(b'?', target).unwrap_or(target.len()))
    }

    /// A view of a target that the server has already split: of `query`, if that is
    /// a part of the target's own memory, only the place counts.
    ///
    /// A server that splits elsewhere than at the first `?` gets nothing granted
    /// ([`crate::scope::is_unsafe`]).
    #[must_use]
    pub fn with_query(target: &'a [u8], query: &[u8]) -> Self {
        let start = query.as_ptr().addr().checked_sub(target.as_ptr().addr());
        match start.and_then(|start| start.checked_sub(1)) {
            Some(path_len) if target.get(path_len) == Some(&b'?') => {
                Self::split_at(target, path_len)
            }
            _ => Self::new(target),
        }
    }

    fn split_at(target: &'a [u8], path_len: usize) -> Self {
        let query = target.get(path_len.saturating_add(1)..);
        Self {
            target,
            path_len,
            is_mixed: query.is_some_and(|query| memchr2(b'&', b'#', query).is_some()),
        }
    }

    /// The request target.
    #[must_use]
    pub fn target(&self) -> &'a [u8] {
        self.target
    }

    /// The raw path: everything before the first `?`. An empty path, which only
    /// a request in absolute form can have, means `/` (RFC 9112, 3.2.1).
    #[must_use]
    pub fn path(&self) -> &'a [u8] {
        match self.target.get(..self.path_len) {
            None | Some([]) => b"/",
            Some(path) => path,
        }
    }

    /// The raw query: everything after the first `?`, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&'a [u8]> {
        self.target.get(self.query_start()..)
    }

    /// Whether the query is one pair, so that nothing has to be looked for in it.
    pub(crate) fn is_one_pair(&self) -> bool {
        !self.is_mixed
    }

    /// Whether there is a raw `#` in the query.
    pub(crate) fn has_fragment_in_query(&self) -> bool {
        self.is_mixed && memchr(b'#', self.query().unwrap_or_default()).is_some()
    }

    /// Where the query begins in the target; behind its end without a query.
    #[must_use]
    pub fn query_start(&self) -> usize {
        self.path_len.saturating_add(1)
    }
}

/// Whether a method asks for nothing but an answer (RFC 9110, 9.2.1: two of the safe
/// ones), so that it may be redirected, and a cookie may stand for the viewer.
#[must_use]
pub fn is_reading(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD")
}

/// What a request carries beside its target.
pub trait Fields<'a> {
    /// The names and values of its header lines, in their order.
    fn lines(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])>;

    /// The credential that was cut out of the path.
    fn segment(&self) -> Option<Credential<'a>>;
}

/// Nothing.
impl<'a> Fields<'a> for () {
    fn lines(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        std::iter::empty()
    }

    fn segment(&self) -> Option<Credential<'a>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_of_the_servers_is_taken_where_it_is_one() {
        let target = b"/a?b?c=1&d".as_slice();
        let view = |query| RequestView::with_query(target, query);
        assert_eq!(view(&target[3..]).query(), Some(&b"b?c=1&d"[..]));
        assert_eq!(view(&target[3..5]).query(), Some(&b"b?c=1&d"[..]));
        // Wrong ones, which `is_unsafe` refuses or which do not count.
        assert_eq!(view(&target[5..]).path(), b"/a?b");
        assert_eq!(view(&target[4..]).path(), b"/a");
        assert_eq!(view(target).path(), b"/a");
        assert_eq!(view(b"b?c=1&d").path(), b"/a");
        assert_eq!(view(b"").path(), b"/a");
    }
}
