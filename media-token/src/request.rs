//! A request as data: borrowed bytes, exactly as they came over the wire.

use memchr::memchr;

use crate::carried::Credential;

/// What a verifier may know of a request.
#[derive(Clone, Copy, Default)]
pub struct RequestView<'a> {
    target: &'a [u8],
    /// Where the path ends and the query begins.
    path_len: usize,
}

impl<'a> RequestView<'a> {
    /// A view of a request target in origin form: raw path, and the query if
    /// there is one. For a request in absolute form, without scheme and authority.
    #[must_use]
    pub fn new(target: &'a [u8]) -> Self {
        Self {
            target,
            path_len: memchr(b'?', target).unwrap_or(target.len()),
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

    /// Where the query begins in the target; behind its end without a query.
    #[must_use]
    pub fn query_start(&self) -> usize {
        self.path_len.saturating_add(1)
    }
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
