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
    pub fn read(url: &str, viewer: &Viewer, input: &mut Input) -> Result<Self> {
        let url = input.text(url)?;
        if let Some(bad) = url.chars().find(|c| c.is_control() || *c == ' ') {
            bail!("the URL holds {bad:?}: escape it");
        }
        let mut request = Self {
            method: viewer.method.clone(),
            is_https: None,
            host: None,
            port: None,
            target: Vec::new(),
            lines: Vec::new(),
            address: viewer.address,
            had_fragment: false,
        };
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
    let port = port.filter(|port| !port.is_empty()).map(str::parse);
    let port = port
        .transpose()
        .with_context(|| format!("{authority}: not a port"))?;
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
        match looks_like_a_token(segment) {
            true => out.push_str("***"),
            false => out.push_str(&segment.escape_ascii().to_string()),
        }
    }
    for (number, pair) in query
        .get(1..)
        .into_iter()
        .flat_map(query::pairs)
        .enumerate()
    {
        out.push(if number == 0 { '?' } else { '&' });
        let (name, value) = match pair.raw.iter().position(|&byte| byte == b'=') {
            Some(equals) => pair.raw.split_at_checked(equals.saturating_add(1)),
            None => None,
        }
        .unwrap_or((pair.raw, b""));
        let is_secret = matches!(name, b"Signature=" | b"Policy=") || looks_like_a_token(value);
        out.push_str(&name.escape_ascii().to_string());
        match is_secret {
            true => out.push_str("***"),
            false => out.push_str(&value.escape_ascii().to_string()),
        }
    }
    out
}

/// Whether a text has the form of a token: `HEADER.CLAIMS.SIGNATURE` of a JWT, or
/// `TIMESTAMP:SIGNATURE` of Django's.
fn looks_like_a_token(text: &[u8]) -> bool {
    const SHORTEST_SIGNATURE: usize = 27;
    let mut buffer = vec![0; text.len()];
    let Some(text) = query::decode_value(text, &mut buffer) else {
        return false;
    };
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let parts: Vec<_> = text.split(|byte| b".:".contains(byte)).collect();
    let is_signed = |signature: &[u8]| {
        let end = signature
            .iter()
            .rev()
            .take_while(|byte| is_base64(byte))
            .count();
        end == signature.len() && end >= SHORTEST_SIGNATURE
    };
    match parts.as_slice() {
        [_, signature] => text.contains(&b':') && is_signed(signature),
        // A prefix may stand before it.
        [header, _, signature] => {
            is_signed(signature) && header.windows(3).any(|window| window == b"eyJ")
        }
        _ => false,
    }
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
        ] {
            assert_eq!(shown(plain.as_bytes(), &[]), plain);
        }
        let sources = [Source::Argument("t".into())];
        assert_eq!(shown(b"/a?t=secret&u=1", &sources), "/a?t=***&u=1");
    }
}
