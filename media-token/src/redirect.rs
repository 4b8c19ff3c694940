//! Where a viewer is sent: always into the configured origin.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};

/// What a URL in the configuration must look like.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("expected a URL that starts with http:// or https://")]
    Scheme,
    /// Nothing, a user name or other bytes where a host should be.
    #[error("expected a host name or address, and perhaps a port, after the scheme")]
    Host,
    /// A space or control byte, or a backslash, which browsers read as a slash.
    #[error("holds a space, a control byte or a backslash")]
    Byte,
    /// Something after the host.
    #[error("expected only scheme, host and port, without a path")]
    Path,
}

/// Bytes that a `Location` header shows escaped: all but visible ASCII.
const INVISIBLE: &AsciiSet = &CONTROLS.add(b' ');

/// Bytes that a query value shows escaped: all but RFC 3986's unreserved ones.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Splits a URL behind its authority.
fn split(url: &[u8]) -> Result<(&[u8], &[u8]), UrlError> {
    let scheme_len = ["https://", "http://"]
        .iter()
        .find(|scheme| url.starts_with(scheme.as_bytes()))
        .ok_or(UrlError::Scheme)?
        .len();
    if url
        .iter()
        .any(|&byte| byte <= b' ' || byte == 0x7f || byte == b'\\')
    {
        return Err(UrlError::Byte);
    }
    let authority = url.get(scheme_len..).unwrap_or_default();
    let end = authority
        .iter()
        .position(|byte| b"/?#".contains(byte))
        .unwrap_or(authority.len());
    let (host, rest) = authority.split_at_checked(end).ok_or(UrlError::Host)?;
    let is_host_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(byte);
    if matches!(host, [] | [b':', ..]) || !host.iter().all(is_host_byte) {
        return Err(UrlError::Host);
    }
    let origin_len = scheme_len.saturating_add(end);
    Ok((url.get(..origin_len).unwrap_or_default(), rest))
}

/// Where viewers without a valid token are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    url: &'a [u8],
    takes_target: bool,
}

impl<'a> Destination<'a> {
    /// Reads a URL. Without a path, query and fragment it takes the request
    /// target; otherwise it is used as written.
    ///
    /// # Errors
    /// [`UrlError`] when it is no absolute http or https URL.
    pub fn parse(url: &'a [u8]) -> Result<Self, UrlError> {
        let (_, rest) = split(url)?;
        Ok(Self {
            url,
            takes_target: rest.is_empty(),
        })
    }

    /// The value of a `Location` header, in pieces. `clean_target` is the
    /// request target without credentials; it begins with a slash.
    ///
    /// Bytes that are not visible ASCII are percent-encoded, so no header can
    /// be injected and browsers read the same URL.
    pub fn location(self, clean_target: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Clone {
        let target: &[u8] = if self.takes_target { clean_target } else { b"" };
        [self.url, target]
            .into_iter()
            .flat_map(|part| percent_encode(part, INVISIBLE).map(str::as_bytes))
    }
}

/// The scheme, host and port under which viewers see this site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Box<str>);

impl Origin {
    /// Reads `scheme://host[:port]`.
    ///
    /// # Errors
    /// [`UrlError`] for anything else.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        match split(url.as_bytes())? {
            (_, []) => Ok(Self(url.into())),
            _ => Err(UrlError::Path),
        }
    }

    /// The URL of a request target under this origin, percent-encoded as a
    /// query value, in pieces.
    pub fn return_url<'a>(
        &'a self,
        clean_target: &'a [u8],
    ) -> impl Iterator<Item = &'a [u8]> + Clone {
        [self.0.as_bytes(), clean_target]
            .into_iter()
            .flat_map(|part| percent_encode(part, QUERY_VALUE).map(str::as_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(url: &str, target: &[u8]) -> String {
        let destination = Destination::parse(url.as_bytes()).unwrap();
        let pieces: Vec<_> = destination.location(target).collect();
        String::from_utf8(pieces.concat()).unwrap()
    }

    #[test]
    fn an_origin_takes_the_target_and_a_url_with_a_path_does_not() {
        let target = b"/a/b.pdf?c=%20+&d";
        assert_eq!(
            location("https://www.example.com", target),
            "https://www.example.com/a/b.pdf?c=%20+&d"
        );
        for url in [
            "https://www.example.com/",
            "http://www.example.com:8080/login?next=/",
            "https://www.example.com?x",
            "https://[::1]:8443/a#b",
        ] {
            assert_eq!(location(url, target), url);
        }
    }

    #[test]
    fn no_target_leaves_the_origin() {
        let origin = "https://www.example.com";
        for (target, expected) in [
            (
                &b"//evil.example/x"[..],
                "https://www.example.com//evil.example/x",
            ),
            (b"/\\evil.example", "https://www.example.com/\\evil.example"),
            (b"/@evil.example", "https://www.example.com/@evil.example"),
            (
                b"/\r\nSet-Cookie: a=b",
                "https://www.example.com/%0D%0ASet-Cookie:%20a=b",
            ),
            (b"/\xc3\xa9\x7f", "https://www.example.com/%C3%A9%7F"),
        ] {
            assert_eq!(location(origin, target), expected);
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        let error = |url: &str| Destination::parse(url.as_bytes()).unwrap_err();
        for url in [
            "",
            "off",
            "www.example.com",
            "ftp://a",
            "//a",
            "/a",
            "HTTPS://a",
            "https:/a",
        ] {
            assert_eq!(error(url), UrlError::Scheme, "{url}");
        }
        for url in [
            "https://",
            "https:///a",
            "https://:80",
            "https://u@h",
            "https://h@evil/a",
            "https://ä/",
            "https://a%2eb",
            "https://?a",
        ] {
            assert_eq!(error(url), UrlError::Host, "{url}");
        }
        for url in [
            "https://a /",
            "https://a/b c",
            "https://a/\r\nb",
            "https://a\\b",
            "https://a/\0",
        ] {
            assert_eq!(error(url), UrlError::Byte, "{url}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert!(Origin::parse("https://media.example.org:8443").is_ok());
        for url in ["https://a/", "https://a?b", "https://a#b"] {
            assert_eq!(Origin::parse(url), Err(UrlError::Path), "{url}");
        }
        assert_eq!(Origin::parse("media.example.org"), Err(UrlError::Scheme));
    }

    #[test]
    fn a_return_url_is_one_query_value() {
        let origin = Origin::parse("https://media.example.org").unwrap();
        let pieces: Vec<_> = origin
            .return_url(b"/a b/\xc3\xa9.pdf?c=1&d=%20#~")
            .collect();
        assert_eq!(
            String::from_utf8(pieces.concat()).unwrap(),
            "https%3A%2F%2Fmedia.example.org%2Fa%20b%2F%C3%A9.pdf%3Fc%3D1%26d%3D%2520%23~"
        );
    }
}
