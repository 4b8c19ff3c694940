//! The request that is asked about, as nginx would read it.

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};
use media_token::clean::masked_request_line;
use media_token::{Credential, Fields, Source, query};

use crate::arguments::Viewer;
use crate::input::Input;

/// A request of a viewer.
pub struct Request {
    pub method: String,
    /// Whether its URL begins with `https:`; none for a bare request target.
    pub is_https: Option<bool>,
    /// What it asks for, in lower case and without a port: `Host`, or that of its URL.
    pub host: Option<String>,
    /// The URL's port, given or usual.
    pub port: Option<u16>,
    pub target: Vec<u8>,
    /// Its header lines, in their order.
    pub lines: Vec<(String, String)>,
    pub address: Option<IpAddr>,
    /// Whether the URL had a fragment, which no browser sends.
    pub had_fragment: bool,
}

impl Request {
    /// A viewer's GET of a URL, with these header lines.
    pub fn of_url(url: &str, lines: Vec<(String, String)>) -> Result<Self> {
        let mut request = Self::of_method("GET", None);
        request.set_url(url)?;
        request.lines = lines;
        Ok(request)
    }

    fn of_method(method: &str, address: Option<IpAddr>) -> Self {
        Self {
            method: method.to_owned(),
            is_https: None,
            host: None,
            port: None,
            target: Vec::new(),
            lines: Vec::new(),
            address,
            had_fragment: false,
        }
    }

    pub fn read(url: &str, viewer: &Viewer, input: &mut Input) -> Result<Self> {
        let url = input.text(url)?;
        if let Some(bad) = url.chars().find(|c| c.is_control() || *c == ' ') {
            bail!("the URL holds {bad:?}: escape it");
        }
        let mut request = Self::of_method(&viewer.method, viewer.address);
        request.set_url(&url)?;
        for line in &viewer.header {
            for line in input.lines(line)? {
                let (name, value) = line.split_once(':').with_context(|| {
                    // Not the line, which may hold a token.
                    "--header: expected NAME: VALUE, or @FILE with lines of that form"
                })?;
                let line = (name.trim().to_owned(), value.trim().to_owned());
                request.lines.push(line);
            }
        }
        for cookies in &viewer.cookie {
            for cookies in input.lines(cookies)? {
                if cookies.to_ascii_lowercase().starts_with("set-cookie:") {
                    bail!(
                        "--cookie: a line of a response (Set-Cookie): give NAME=VALUE of it only"
                    );
                }
                request.lines.push(("Cookie".into(), cookies));
            }
        }
        let named = request
            .lines
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("Host"));
        if let Some((_, host)) = named {
            request.host = Some(split_port(host)?.0);
        }
        Ok(request)
    }

    fn set_url(&mut self, url: &str) -> Result<()> {
        if url.starts_with('/') {
            // As it came over the wire.
            self.target = url.as_bytes().to_vec();
            return Ok(());
        }
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let usual = match scheme.to_ascii_lowercase().as_str() {
            "https" => 443,
            "http" => 80,
            _ => bail!(
                "expected a URL that starts with http:// or https://, a request target that starts with a slash, or -"
            ),
        };
        self.is_https = Some(usual == 443);
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.is_empty() || authority.contains('@') {
            bail!("expected a host name or address, and perhaps a port, after the scheme");
        }
        let (host, port) = split_port(authority)?;
        self.host = Some(host);
        self.port = Some(port.unwrap_or(usual));
        let (target, fragment) = match target.split_once('#') {
            Some((target, _)) => (target, true),
            None => (target, false),
        };
        self.had_fragment = fragment;
        self.target = match target.starts_with('/') {
            true => target.as_bytes().to_vec(),
            // What clients make of an empty path.
            false => [b"/", target.as_bytes()].concat(),
        };
        Ok(())
    }

    /// Its header lines, and what was cut out of its path.
    pub fn received<'r>(&'r self, segment: Option<Credential<'r>>) -> Received<'r> {
        Received {
            lines: &self.lines,
            segment,
        }
    }
}

/// A host as nginx compares it, and the port behind it.
fn split_port(authority: &str) -> Result<(String, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = port.filter(|port| !port.is_empty()).map(str::parse::<u16>);
    // Not what stands there, which may be a password or a token.
    let port = port
        .transpose()
        .ok()
        .context("expected a port number behind the colon of the host")?;
    let host = host.strip_suffix('.').unwrap_or(host);
    Ok((host.to_ascii_lowercase(), port))
}

/// What a request carries beside its target.
pub struct Received<'r> {
    lines: &'r [(String, String)],
    segment: Option<Credential<'r>>,
}

impl<'r> Fields<'r> for Received<'r> {
    fn lines(&self) -> impl Iterator<Item = (&'r [u8], &'r [u8])> {
        let lines = self.lines.iter();
        lines.map(|(name, value)| (name.as_bytes(), value.as_bytes()))
    }

    fn segment(&self) -> Option<Credential<'r>> {
        self.segment
    }
}

/// A request target as it may be shown: without the credentials that these sources take,
/// and without what looks like one that nobody takes.
pub fn shown(target: &[u8], sources: &[Source]) -> String {
    let line = [b"GET ", target].concat();
    let masked = masked_request_line(&line, sources)
        .collect::<Vec<_>>()
        .concat();
    let masked = masked.strip_prefix(b"GET ").unwrap_or_default();
    let end = masked.iter().position(|&byte| byte == b'?');
    let (path, query) = masked
        .split_at_checked(end.unwrap_or(masked.len()))
        .unwrap_or_default();
    let mut out = String::new();
    for (number, segment) in path.split(|&byte| byte == b'/').enumerate() {
        out.push_str(if number == 0 { "" } else { "/" });
        match looks_like_a_token(&decoded(segment)) {
            true => out.push_str(HIDDEN),
            false => out.push_str(&printable(segment)),
        }
    }
    for (number, pair) in query
        .get(1..)
        .into_iter()
        .flat_map(query::pairs)
        .enumerate()
    {
        out.push(if number == 0 { '?' } else { '&' });
        let (name, value) = split_pair(pair.raw);
        let show = |is_harmless: bool, text| match is_harmless {
            true => printable(text),
            false => HIDDEN.to_owned(),
        };
        let plain_name = decoded(name);
        out.push_str(&show(is_harmless(&plain_name), name));
        if let Some(value) = value {
            out.push('=');
            let is_harmless =
                value.is_empty() || (!names_a_secret(&plain_name) && is_harmless(&decoded(value)));
            out.push_str(&show(is_harmless, value));
        }
    }
    out
}

/// A sentence of the decision's, which may quote a path, without what looks like a token.
pub fn without_tokens(sentence: &str) -> String {
    let words = sentence.split_inclusive([' ', '"', '/']);
    let shown = words.map(|word| {
        let bare = word.trim_end_matches([' ', '"', '/']);
        match looks_like_a_token(&decoded(bare.as_bytes())) {
            true => word.replacen(bare, HIDDEN, 1),
            false => word.to_owned(),
        }
    });
    shown.collect()
}

/// What stands for something that is not shown.
const HIDDEN: &str = "***";

/// Every signature that is taken is longer, in each of its spellings.
const LONGEST_SHOWN: usize = 19;

/// A text in which only what cannot be printed is escaped.
fn printable(text: &[u8]) -> String {
    let escaped = |&byte: &u8| match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        byte => byte.escape_ascii().to_string(),
    };
    text.iter().map(escaped).collect()
}

fn split_pair(pair: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = pair.splitn(2, |&byte| byte == b'=');
    (parts.next().unwrap_or_default(), parts.next())
}

/// Decoded until nothing is left to decode: a token may have been escaped more than once.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    loop {
        let mut buffer = vec![0; text.len()];
        match query::decode_value(&text, &mut buffer) {
            Some(next) if next != text => text = next.to_vec(),
            _ => return text,
        }
    }
}

/// Whether an argument's name says that its value is nobody's affair.
fn names_a_secret(name: &[u8]) -> bool {
    const WORDS: [&str; 8] = [
        "signature",
        "policy",
        "token",
        "jwt",
        "secret",
        "password",
        "credential",
        "session",
    ];
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    matches!(name.as_str(), "sig" | "auth" | "key") || WORDS.iter().any(|word| name.contains(word))
}

/// Whether a decoded argument may be shown: a short one, or a URL or path of which each
/// part may be.
fn is_harmless(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| b"?&#;".contains(byte));
    let first = parts.next().unwrap_or_default();
    let is_url = [&b"/"[..], b"http://", b"https://"]
        .iter()
        .any(|start| first.starts_with(start));
    let is_short = |text: &[u8]| text.len() <= LONGEST_SHOWN;
    let is_harmless_pair = |pair: &[u8]| {
        let (name, value) = split_pair(pair);
        let value = value.unwrap_or_default();
        is_short(name) && is_short(value) && (value.is_empty() || !names_a_secret(name))
    };
    match is_url {
        true => {
            let mut segments = first.split(|&byte| byte == b'/');
            segments.all(|segment| !looks_like_a_token(segment)) && parts.all(is_harmless_pair)
        }
        false => is_short(text) && is_harmless_pair(first) && parts.all(is_harmless_pair),
    }
}

/// Whether a decoded text has the form of a token: `HEADER.CLAIMS.SIGNATURE` of a JWT, or
/// `TIMESTAMP:SIGNATURE` of Django's. Something may stand before and behind it.
fn looks_like_a_token(text: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let has_long_part = |text: &[u8]| {
        let mut parts = text.split(|byte| !is_base64(byte));
        parts.any(|part| part.len() > LONGEST_SHOWN)
    };
    let mut behind_colons = text.split(|&byte| byte == b':').skip(1);
    let is_jwt = text.windows(3).any(|window| window == b"eyJ");
    (is_jwt && has_long_part(text)) || behind_colons.any(has_long_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_token_is_not_shown() {
        const SIGNATURE: &str = "U2XBGXdGPAV6XbThMfnKoN4zxqJ2K9LO7u2Ivfr4xB0";
        let jwt = format!("eyJhbGciOiJIUzI1NiJ9.e30.{SIGNATURE}");
        for target in [
            format!("/a?token=1r31eq%3A{SIGNATURE}&b=1"),
            format!("/a?other=1r31eq:{SIGNATURE}"),
            format!("/a?x={jwt}"),
            format!("/~{jwt}/a"),
            format!("/{jwt}/a"),
            format!("/a?Signature={SIGNATURE}"),
            format!("/a?Policy={SIGNATURE}"),
            format!("/a?other=1r31eq%253A{SIGNATURE}"),
            format!("/a?other=1r31eq%25253A{SIGNATURE}%20"),
            format!("/a?v=user:1r31eq:{SIGNATURE}"),
            format!("/a/user:1r31eq:{SIGNATURE}%20/b"),
            format!("/a?{jwt}"),
            format!("/a?{jwt}="),
            format!("/a?b=%2B/{SIGNATURE}"),
            format!("/a?next=https://h.example/a?x={SIGNATURE}"),
            format!("/a?next=https://h.example/a%23{SIGNATURE}"),
            format!("/a?next=https://h.example/{jwt}/a"),
            format!("/a?next=%2Fa%3FExpires%3D1%26Signature%3D{SIGNATURE}%26Key-Pair-Id%3DK"),
            "/a?token=B0".into(),
            "/a?Signatur%65=B0".into(),
            "/a?signature=B0".into(),
            "/a?X-Amz-Signature=B0".into(),
            "/a?CloudFront-Signature=B0".into(),
            "/a?sig=B0".into(),
            "/a?next=https://h/a?token=B0".into(),
            "/a?next=https%253A%252F%252Fh%252Fa%253Fb%253D1%2526Signature%253DB0".into(),
            "/a?b=c;sig=B0".into(),
        ] {
            let shown = shown(&target.clone().into_bytes(), &[]);
            assert!(
                shown.contains("***") && !shown.contains("B0"),
                "{target}: {shown}"
            );
        }
        for plain in [
            "/a/b.pdf?page=2&c",
            "/a.b.c?x=10:30&y=a.b.c",
            "/",
            "/?",
            "/a:b",
            "/it's/a\\b",
            "/a?token=",
            "/a-film-of-more-than-twenty-letters.mp4?next=https%3A%2F%2Fwww.example.com%2Fa%2Fb%3Fpage%3D2",
            "/a?next=/a/b/c/d/e/f/g/h/i/j/k/l/m?b=1",
        ] {
            assert_eq!(shown(plain.as_bytes(), &[]), plain);
        }
        assert_eq!(shown(b"/\x7f\xff", &[]), "/\\x7f\\xff");
        let sources = [Source::Argument("t".into())];
        assert_eq!(shown(b"/a?t=secret&u=1", &sources), "/a?t=***&u=1");
    }
}
