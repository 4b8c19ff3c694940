//! Where a viewer is sent: always into the configured origin.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};

/// What a URL in the configuration must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("expected a URL that starts with http:// or https://")]
    Scheme,
    /// Nothing, a user name or other bytes where a host should be.
    #[error("expected a host name or address, and perhaps a port, after the scheme")]
    Host,
    /// A control byte.
    #[error("holds a control byte")]
    Byte,
    /// A variable has added to the host.
    #[error("expected the host as configured")]
    OtherHost,
    /// A host that ends in a variable: anything could follow.
    #[error("a variable may stand for the whole host or its beginning, not for its end")]
    PartOfHost,
    /// A variable that the client sets, where the host should be.
    #[error(
        "the client would choose where to be redirected: name the host, or map it from $server_name"
    )]
    ClientsHost,
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
    if url.iter().any(u8::is_ascii_control) {
        return Err(UrlError::Byte);
    }
    let authority = url.get(scheme_len..).unwrap_or_default();
    let end = authority
        .iter()
        .position(|byte| b"/?#".contains(byte))
        .unwrap_or(authority.len());
    let (host, rest) = authority.split_at_checked(end).ok_or(UrlError::Host)?;
    if matches!(host, [] | [b':', ..]) || !host.iter().all(is_host_byte) {
        return Err(UrlError::Host);
    }
    let origin_len = scheme_len.saturating_add(end);
    Ok((url.get(..origin_len).unwrap_or_default(), rest))
}

fn is_host_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._[]:".contains(byte)
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
    /// request target without credentials; it begins with a slash, or with the
    /// question mark that follows an empty path.
    ///
    /// Bytes that are not visible ASCII are percent-encoded, so no header can
    /// be injected and browsers read the same URL.
    pub fn location(self, clean_target: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Clone {
        let parts = self.parts(clean_target).into_iter();
        let escaped = parts.flat_map(|part| percent_encode(part, INVISIBLE));
        escaped.map(str::as_bytes)
    }

    /// What [`location`](Self::location) gives, in two parts, where nothing in them has
    /// to be escaped: mostly.
    #[must_use]
    pub fn visible_parts(self, clean_target: &'a [u8]) -> Option<[&'a [u8]; 2]> {
        let parts = self.parts(clean_target);
        parts.into_iter().all(is_visible).then_some(parts)
    }

    fn parts(self, clean_target: &'a [u8]) -> [&'a [u8]; 2] {
        let target: &[u8] = if self.takes_target { clean_target } else { b"" };
        [self.url, target]
    }
}

/// Whether all bytes are visible ASCII.
fn is_visible(part: &[u8]) -> bool {
    let is_visible = |byte: u8| (b'!'..=b'~').contains(&byte);
    // Not `all`, which looks at the bytes one by one.
    part.iter().fold(true, |all, &byte| all & is_visible(byte))
}

/// A URL without variables, as it stands in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    text: Box<str>,
    takes_target: bool,
}

impl Url {
    /// Reads the text of a directive.
    ///
    /// # Errors
    /// [`UrlError`] when it is no absolute http or https URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let Destination { takes_target, .. } = Destination::parse(text.as_bytes())?;
        Ok(Self {
            text: text.into(),
            takes_target,
        })
    }

    /// Where viewers are sent.
    #[must_use]
    pub fn destination(&self) -> Destination<'_> {
        Destination {
            url: self.text.as_bytes(),
            takes_target: self.takes_target,
        }
    }
}

/// A URL with variables (`$name`, `${name}`), as it stands in the configuration.
///
/// Variables may choose the path, and variables of the operator's (a `map`) the
/// host or a part of it. None may add to what is written out of the host, whatever
/// a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    authority: Authority,
}

/// What is known of host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Authority {
    /// All.
    Exactly(Box<str>),
    /// How they begin and end.
    Between(Box<str>, Box<str>),
}

impl Template {
    /// Reads the text of a directive.
    ///
    /// # Errors
    /// [`UrlError`] when no values of the variables could make it a safe URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("http" | "https", rest)) => ("", rest),
            Some((scheme, rest))
                if scheme.starts_with('$') && !scheme.contains(['/', '?', '#']) =>
            {
                (scheme, rest)
            }
            _ if text.starts_with('$') => ("", text),
            _ => return Err(UrlError::Scheme),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let mut parts = authority.split('$');
        let head = parts.next().unwrap_or_default();
        let variables = parts.map(split_variable);
        let is_literal = variables.clone().next().is_none();
        let tail = variables.clone().next_back().map_or("", |(_, tail)| tail);
        // What stands for the scheme could bring a host of its own.
        let mut names = scheme
            .split('$')
            .skip(1)
            .map(split_variable)
            .chain(variables);
        let authority = if is_literal || (!head.is_empty() && tail.is_empty()) {
            if !is_literal && head.ends_with(['.', ':', '-', '[']) {
                return Err(UrlError::PartOfHost);
            }
            split(format!("https://{head}").as_bytes())?;
            Authority::Exactly(head.into())
        } else if names.any(|(name, _)| is_set_by_the_client(name)) {
            return Err(UrlError::ClientsHost);
        } else {
            if !head
                .bytes()
                .chain(tail.bytes())
                .all(|byte| is_host_byte(&byte))
            {
                return Err(UrlError::Host);
            }
            Authority::Between(head.into(), tail.into())
        };
        Ok(Self { authority })
    }

    /// Reads what the text has evaluated to.
    ///
    /// # Errors
    /// [`UrlError`] when that is no URL, or one of another host.
    pub fn destination<'a>(&self, value: &'a [u8]) -> Result<Destination<'a>, UrlError> {
        let (origin, _) = split(value)?;
        let authority = origin.splitn(3, |&byte| byte == b'/').nth(2);
        let authority = authority.unwrap_or_default();
        let is_configured = match &self.authority {
            Authority::Exactly(host) => authority == host.as_bytes(),
            Authority::Between(head, tail) => authority
                .strip_prefix(head.as_bytes())
                .is_some_and(|rest| rest.ends_with(tail.as_bytes())),
        };
        match is_configured {
            true => Destination::parse(value),
            false => Err(UrlError::OtherHost),
        }
    }
}

/// Splits what follows a `$` into the variable's name, in braces or not, and the
/// text behind it. A capture's name is one digit.
fn split_variable(text: &str) -> (&str, &str) {
    if let Some((name, tail)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) {
        return (name, tail);
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = match text.starts_with(|c: char| c.is_ascii_digit()) {
        true => 1,
        false => text.find(|c| !is_name(c)).unwrap_or(text.len()),
    };
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Whether a variable of nginx's own holds what clients send. nginx's names have
/// no case.
///
/// Modules may add others, and a `map` may pass one on: this catches mistakes.
fn is_set_by_the_client(name: &str) -> bool {
    const PREFIXES: [&str; 8] = [
        "arg_",
        "cookie_",
        "http_",
        "proxy_protocol_",
        "secure_link",
        "sent_",
        "ssl_client_",
        "upstream_",
    ];
    const NAMES: [&str; 27] = [
        "args",
        "binary_remote_addr",
        "content_length",
        "content_type",
        "crossdomain_media_return_url",
        "crossdomain_media_uri",
        "document_root",
        "document_uri",
        "fastcgi_path_info",
        "fastcgi_script_name",
        "host",
        "proxy_add_x_forwarded_for",
        "query_string",
        "realip_remote_addr",
        "realpath_root",
        "remote_addr",
        "remote_user",
        "request",
        "request_body",
        "request_filename",
        "request_method",
        "request_uri",
        "slice_range",
        "ssl_server_name",
        "uid_got",
        "uid_set",
        "uri",
    ];
    let name = name.to_ascii_lowercase();
    // Positional captures are of the request's URI.
    let is_capture = name.starts_with(|c: char| c.is_ascii_digit());
    is_capture
        || NAMES.contains(&name.as_str())
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
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

    /// `scheme://host[:port]`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As browsers write it (RFC 6454, 6.1): in lower case, and without the port that
    /// the scheme has anyway.
    #[must_use]
    pub fn as_browsers_do(&self) -> String {
        let lower = self.0.to_ascii_lowercase();
        let usual = match lower.starts_with("https:") {
            true => ":443",
            false => ":80",
        };
        match lower.strip_suffix(usual) {
            Some(bare) => bare.to_owned(),
            None => lower,
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
            (b"?x", "https://www.example.com?x"),
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
        for url in ["https://a /", "https://a\\b"] {
            assert_eq!(error(url), UrlError::Host, "{url}");
        }
        for url in ["https://a/\r\nb", "https://a/\0", "https://a/\x7f"] {
            assert_eq!(error(url), UrlError::Byte, "{url}");
        }
    }

    #[test]
    fn a_variable_s_spaces_and_letters_are_escaped() {
        assert_eq!(location("https://a/b c", b""), "https://a/b%20c");
        assert_eq!(
            location("https://a/?next=/é", b""),
            "https://a/?next=/%C3%A9"
        );
    }

    #[test]
    fn a_client_cannot_add_to_a_host_that_is_written_out() {
        for text in [
            "https://www.example.com$uri",
            "https://www.example.com${request_uri}",
            "$scheme://www.example.com$uri",
            "$SCHEME://www.example.com$uri",
            "${proto}://www.example.com$arg_r",
            "$http_x_forwarded_proto://www.example.com",
            "https://www.example.com/login?next=$arg_next",
            "https://www.example.com?$args",
        ] {
            let template = Template::parse(text).unwrap();
            for value in [
                "https://www.example.com",
                "http://www.example.com/a",
                "https://www.example.com?a",
            ] {
                assert!(
                    template.destination(value.as_bytes()).is_ok(),
                    "{text}: {value}"
                );
            }
            for value in [
                "https://www.example.com.evil.example/",
                "https://www.example.computer/",
                "https://www.example.com:81/",
                "https://evil.example/",
            ] {
                let destination = template.destination(value.as_bytes());
                assert_eq!(destination, Err(UrlError::OtherHost), "{text}: {value}");
            }
            assert_eq!(
                template.destination(b"https://www.example.com@evil/"),
                Err(UrlError::Host)
            );
            assert_eq!(template.destination(b""), Err(UrlError::Scheme));
        }
    }

    #[test]
    fn a_variable_of_the_operator_s_may_be_the_whole_url_or_host() {
        for text in [
            "$application",
            "${application}/login",
            "https://$site/",
            "$scheme://$site",
            "https://$hostname",
        ] {
            let template = Template::parse(text).unwrap();
            assert!(
                template.destination(b"https://www.example.com/").is_ok(),
                "{text}"
            );
            assert!(template.destination(b"www.example.com").is_err(), "{text}");
        }
    }

    #[test]
    fn a_variable_of_the_operator_s_may_begin_a_host() {
        let template = Template::parse("https://$tenant.example.com").unwrap();
        let is_configured = |value: &str| template.destination(value.as_bytes()).is_ok();
        assert!(
            is_configured("https://acme.example.com") && is_configured("https://a.example.com/b")
        );
        for value in [
            "https://evil.test#.example.com",
            "https://evil.test/.example.com",
            "https://example.com",
        ] {
            assert!(!is_configured(value), "{value}");
        }
        assert!(Template::parse("https://www.$site:8443/").is_ok());
        for text in [
            "https://$site$uri",
            "https://${arg_a}.example.com",
            "https://$1.example.com",
            "https://$1x",
            "https://$1com/",
            "$http_x_forwarded_proto://$site",
            "$arg_p://$site.example.com/",
            "https://$content_type/",
            "https://$proxy_add_x_forwarded_for",
        ] {
            assert_eq!(Template::parse(text), Err(UrlError::ClientsHost), "{text}");
        }
        for text in ["https://$site b/", "https://u@$site.example.com"] {
            assert_eq!(Template::parse(text), Err(UrlError::Host), "{text}");
        }
    }

    #[test]
    fn a_variable_of_the_client_s_is_no_host() {
        for text in [
            "https://$host",
            "https://$HOST/",
            "https://${Host}",
            "$scheme://$host",
            "https://$http_host/a",
            "https://${HTTP_X_HOST}/",
            "$arg_url",
            "https://$arg_h",
            "https://$cookie_h/",
            "$uri",
            "$1",
            "https://$args",
            "$request_uri/",
            "https://${ssl_server_name}/",
        ] {
            assert_eq!(Template::parse(text), Err(UrlError::ClientsHost), "{text}");
        }
    }

    #[test]
    fn texts_that_can_be_no_url_are_refused() {
        for text in [
            "ftp://$x",
            "www.example.com$uri",
            "/$uri",
            "http$x",
            "off$x",
            "",
        ] {
            assert_eq!(Template::parse(text), Err(UrlError::Scheme), "{text}");
        }
        for text in [
            "https://u@$x",
            "https://a b/$x",
            "https://a b$x",
            "https:///$x",
        ] {
            assert_eq!(Template::parse(text), Err(UrlError::Host), "{text}");
        }
        for text in ["https://www.$domain/", "https://www.example.com:$port"] {
            assert_eq!(Template::parse(text), Err(UrlError::PartOfHost), "{text}");
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
