//! Which requests a claim covers.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipnet::IpNet;
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use sha2::{Digest, Sha256};

use crate::clean;
use crate::decision::trace;
use crate::decision::{Context, Env, Reason};
use crate::scope::{Path, PathForm};

/// What a compiled regular expression may take, in bytes. Matching takes time in
/// proportion to this, at worst, and to the length of the URI.
const MAX_REGEX: usize = 1 << 14;

/// How far a claim covers a request, the best last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Coverage {
    None,
    /// By more than one exact path, and this path can be read in several ways.
    Ambiguous,
    Full,
}

impl Coverage {
    /// What a scope that is wider than one exact path covers.
    fn wide(is_covered: bool, path: &Path<'_>) -> Self {
        match is_covered {
            false => Self::None,
            true if path.is_ambiguous() => Self::Ambiguous,
            true => Self::Full,
        }
    }

    pub(super) fn check<'a>(self, claim: &str, env: &mut impl Env<'a>) -> Result<(), Reason> {
        match self {
            Self::Full => Ok(()),
            Self::Ambiguous => {
                trace!(env, "its \"{claim}\" is wide, and the path is ambiguous");
                Err(Reason::UnsafePath)
            }
            Self::None => {
                trace!(env, "its \"{claim}\" does not cover the request");
                Err(Reason::WrongPath)
            }
        }
    }
}

/// What an entry of a `path` claim covers: one exact path, or with `/*` at its end
/// everything below that folder, and its own URL `/folder/`. Any other `*` is one.
pub(super) fn of_path(path: &Path<'_>, form: PathForm, entry: &[u8]) -> Coverage {
    if !entry.starts_with(b"/") {
        return Coverage::None;
    }
    let folder = match entry {
        [folder @ .., b'*'] if folder.ends_with(b"/") => folder,
        _ if path.is_spelled(form, entry) => return Coverage::Full,
        _ => return Coverage::None,
    };
    match Coverage::wide(path.is_spelled_below(form, folder), path) {
        // Of a file whose name is an asterisk.
        Coverage::Ambiguous if path.is_spelled(form, entry) => Coverage::Full,
        covered => covered,
    }
}

/// Reads an address, or a network as `ADDRESS/BITS`. IPv4 in IPv6 is IPv4.
pub(super) fn network(text: &str) -> Option<IpNet> {
    /// Those of `::ffff:0:0/96`.
    const MAPPED_BITS: u8 = 96;
    let Some((address, bits)) = text.split_once('/') else {
        return Some(IpNet::from(text.parse::<IpAddr>().ok()?.to_canonical()));
    };
    if !bits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (address, bits): (IpAddr, u8) = (address.parse().ok()?, bits.parse().ok()?);
    let network = IpNet::new(address, bits).ok()?;
    match (address.to_canonical(), bits.checked_sub(MAPPED_BITS)) {
        (mapped @ IpAddr::V4(_), Some(bits)) if address.is_ipv6() => IpNet::new(mapped, bits).ok(),
        _ => Some(network),
    }
}

/// What RFC 9246 has to compare a URI with (2.1.15).
pub(super) enum Pattern<'c> {
    /// The SHA-256 of the URI, in unpadded base64url.
    Hash(&'c str),
    /// A regular expression of the whole URI.
    Regex(Box<Regex>),
}

impl<'c> Pattern<'c> {
    /// Reads `hash:sha-256;DIGEST` or `regex:REGEX`.
    ///
    /// Regular expressions are those of the crate `regex`, over bytes: nearly
    /// all of POSIX extended ones. `None` for those that it does not take, also for
    /// their size.
    pub(super) fn parse(container: &'c str) -> Option<Self> {
        if let Some(digest) = container.strip_prefix("hash:sha-256;") {
            return Some(Self::Hash(digest));
        }
        let regex = container.strip_prefix("regex:")?;
        // By itself first: `a)|(b` would step out of the parentheses below.
        ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(regex)
            .ok()?;
        let whole = RegexBuilder::new(&format!("\\A(?:{regex})\\z"))
            .unicode(false)
            .size_limit(MAX_REGEX)
            .build();
        Some(Self::Regex(Box::new(whole.ok()?)))
    }

    pub(super) fn coverage<'a>(
        &self,
        context: &Context<'_, 'a>,
        env: &mut impl Env<'a>,
    ) -> Coverage {
        let Some(origin) = env.origin() else {
            trace!(env, "this site's own scheme and host are not known");
            return Coverage::None;
        };
        let uri = normal_uri(origin, context);
        match self {
            Self::Hash(digest) => match URL_SAFE_NO_PAD.encode(Sha256::digest(&uri)) == *digest {
                true => Coverage::Full,
                false => Coverage::None,
            },
            Self::Regex(regex) => Coverage::wide(regex.is_match(&uri), &context.path),
        }
    }
}

/// The request's URI without its credential, normalised as RFC 9246 asks for
/// (2.1.15, RFC 3986, 6.2.2 and 6.2.3); dot segments never come here.
fn normal_uri(origin: &[u8], context: &Context<'_, '_>) -> Vec<u8> {
    let mut uri = origin.to_ascii_lowercase();
    for (scheme, port) in [("http://", ":80"), ("https://", ":443")] {
        if uri.starts_with(scheme.as_bytes()) && uri.ends_with(port.as_bytes()) {
            uri.truncate(uri.len().saturating_sub(port.len()));
        }
    }
    let pieces = clean::clean_target(context.view, &context.policy.sources);
    for piece in pieces {
        normalise_escapes(piece, &mut uri);
    }
    uri
}

/// Escapes in upper case, and none for what needs none.
fn normalise_escapes(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        let escape = tail.split_first_chunk::<2>().filter(|_| *byte == b'%');
        let Some((digits, tail)) = escape else {
            out.push(*byte);
            continue;
        };
        let decoded = std::str::from_utf8(digits)
            .ok()
            .filter(|_| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match decoded {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(byte);
                rest = tail;
            }
            Some(_) => {
                out.push(b'%');
                out.extend(digits.map(|digit| digit.to_ascii_uppercase()));
                rest = tail;
            }
            None => out.push(b'%'),
        }
    }
}
