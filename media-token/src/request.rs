//! A request as data: borrowed bytes, exactly as they came over the wire.

/// What a verifier may know of a request.
#[derive(Clone, Copy)]
pub struct RequestView<'a> {
    /// The request target in origin form: raw path, and the query if there is
    /// one. For a request in absolute form, without scheme and authority.
    pub target: &'a [u8],
}

impl<'a> RequestView<'a> {
    /// The raw path: everything before the first `?`. An empty path, which only
    /// a request in absolute form can have, means `/` (RFC 9112, 3.2.1).
    #[must_use]
    pub fn path(&self) -> &'a [u8] {
        match self.split().0 {
            [] => b"/",
            path => path,
        }
    }

    /// The raw query: everything after the first `?`, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&'a [u8]> {
        self.split().1
    }

    fn split(&self) -> (&'a [u8], Option<&'a [u8]>) {
        let mut parts = self.target.splitn(2, |&byte| byte == b'?');
        (parts.next().unwrap_or_default(), parts.next())
    }
}
