//! What a signature covers: how the signed path is spelled, and which request
//! targets no signature can cover.
//!
//! nginx serves the percent-decoded and normalised path; applications sign
//! their own spelling of it. The two are compared in one canonical form: the
//! raw path, percent-decoded once and re-quoted as the application quotes it
//! (FORMATS.md, 1.4). What nginx would normalise further is refused, so that
//! what is served is what was signed.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use crate::request::RequestView;

/// How an application spells the path that it signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathForm {
    /// As Django's `reverse()`: RFC 3986's `pchar` and `/` stand for
    /// themselves, a leading `//` is `/%2F`.
    #[default]
    Reverse,
    /// As Django's `Storage.url`: all but `/~!*()'` and unreserved characters
    /// are quoted.
    Storage,
    /// Unquoted, in UTF-8.
    Decoded,
    /// As the client sent it.
    Raw,
}

/// What a signature over a path covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signs {
    /// Exactly that path.
    #[default]
    Path,
    /// Every file directly in the directory whose path, without a trailing
    /// slash, was signed.
    Parent,
}

/// Percent-encoded in every form: all but letters, digits, `-._~` and `/`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// `django.urls.resolvers`: `RFC3986_SUBDELIMS + "/~:@"`.
const REVERSE: &AsciiSet = &UNRESERVED
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// `django.utils.encoding.filepath_to_uri`: `"/~!*()'"`.
const STORAGE: &AsciiSet = &UNRESERVED
    .remove(b'!')
    .remove(b'*')
    .remove(b'(')
    .remove(b')')
    .remove(b'\'');

impl PathForm {
    /// Passes the canonical spelling of a raw path to `sink`, piece by piece.
    pub fn spell(self, raw: &[u8], sink: &mut impl FnMut(&[u8])) {
        let set = match self {
            Self::Raw => return sink(raw),
            Self::Decoded => None,
            Self::Reverse => Some(REVERSE),
            Self::Storage => Some(STORAGE),
        };
        // Django's `escape_leading_slashes`: `//` would begin a host.
        let escaped = self == Self::Reverse && percent_decode(raw).take(2).eq(*b"//");
        if escaped {
            sink(b"/%2F");
        }
        let skip = if escaped { 2 } else { 0 };
        let mut quote = |bytes: &[u8]| match set {
            Some(set) => percent_encode(bytes, set).for_each(|piece| sink(piece.as_bytes())),
            None => sink(bytes),
        };
        if raw.contains(&b'%') {
            percent_decode(raw)
                .skip(skip)
                .for_each(|byte| quote(&[byte]));
        } else {
            quote(raw.get(skip..).unwrap_or_default());
        }
    }
}

impl Signs {
    /// The part of a raw path that was signed, or `None` where the path can be
    /// read in more than one way and the signature covers more than one path.
    #[must_use]
    pub fn signed_part(self, raw_path: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Path => Some(raw_path),
            Self::Parent if is_ambiguous(raw_path) => None,
            Self::Parent => {
                let end = raw_path.iter().rposition(|&byte| byte == b'/')?;
                raw_path.get(..end)
            }
        }
    }
}

/// Whether no signature can cover this request, since nginx would serve another
/// path than the one that it names: a raw `#` (nginx cuts there), or after
/// percent-decoding once a NUL or a dot segment.
#[must_use]
pub fn is_unsafe(view: &RequestView<'_>) -> bool {
    if view.target.contains(&b'#') {
        return true;
    }
    let mut segment = Segment::Empty;
    for byte in percent_decode(view.path()) {
        segment = match (byte, segment) {
            (b'\0', _) | (b'/', Segment::Dot | Segment::DotDot) => return true,
            (b'/', _) => Segment::Empty,
            (b'.', Segment::Empty) => Segment::Dot,
            (b'.', Segment::Dot) => Segment::DotDot,
            _ => Segment::Other,
        };
    }
    matches!(segment, Segment::Dot | Segment::DotDot)
}

/// What a path segment consists of so far.
#[derive(Clone, Copy)]
enum Segment {
    Empty,
    Dot,
    DotDot,
    Other,
}

/// Whether readers of a path may disagree on its segments: an encoded slash, a
/// doubled slash or a backslash.
#[must_use]
pub fn is_ambiguous(raw_path: &[u8]) -> bool {
    let raw_slashes = raw_path.iter().filter(|&&byte| byte == b'/').count();
    let mut slashes: usize = 0;
    let mut previous = 0;
    for byte in percent_decode(raw_path) {
        if byte == b'\\' || (byte == b'/' && previous == b'/') {
            return true;
        }
        slashes = slashes.saturating_add(usize::from(byte == b'/'));
        previous = byte;
    }
    slashes != raw_slashes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spell(form: PathForm, raw: &str) -> String {
        let mut out = Vec::new();
        form.spell(raw.as_bytes(), &mut |piece| out.extend_from_slice(piece));
        String::from_utf8(out).unwrap()
    }

    fn is_unsafe_target(target: &[u8]) -> bool {
        is_unsafe(&RequestView { target })
    }

    #[test]
    fn reverse_quotes_as_django_reverse_does() {
        let reverse = |raw| spell(PathForm::Reverse, raw);
        assert_eq!(reverse("/m/My%20File.pdf"), "/m/My%20File.pdf");
        assert_eq!(reverse("/m/%c3%a9"), "/m/%C3%A9");
        assert_eq!(reverse("/m/é"), "/m/%C3%A9");
        assert_eq!(reverse("/%6d/a%2Bb"), "/m/a+b");
        assert_eq!(reverse("/m/!$&'()*+,;=:@~"), "/m/!$&'()*+,;=:@~");
        assert_eq!(
            reverse("/m/[]{}|^\\`\"<>"),
            "/m/%5B%5D%7B%7D%7C%5E%5C%60%22%3C%3E"
        );
        assert_eq!(reverse("/m/a%2520b%25"), "/m/a%2520b%25");
        assert_eq!(reverse("/m/100%"), "/m/100%25");
        assert_eq!(reverse("/m/a%3Fb%23c"), "/m/a%3Fb%23c");
        assert_eq!(reverse("/m/a%2Fb//c"), "/m/a/b//c");
    }

    #[test]
    fn reverse_escapes_the_second_of_two_leading_slashes() {
        assert_eq!(spell(PathForm::Reverse, "//a//b"), "/%2Fa//b");
        assert_eq!(spell(PathForm::Reverse, "/%2Fa%20"), "/%2Fa%20");
        assert_eq!(spell(PathForm::Reverse, "///a"), "/%2F/a");
        assert_eq!(spell(PathForm::Storage, "//a"), "//a");
    }

    #[test]
    fn storage_quotes_more_and_decoded_and_raw_nothing() {
        let raw = "/m/a+b:c@d&e%20(f)!*'~";
        assert_eq!(
            spell(PathForm::Storage, raw),
            "/m/a%2Bb%3Ac%40d%26e%20(f)!*'~"
        );
        assert_eq!(spell(PathForm::Decoded, raw), "/m/a+b:c@d&e (f)!*'~");
        assert_eq!(spell(PathForm::Raw, raw), raw);
    }

    #[test]
    fn dot_segments_are_unsafe_however_they_are_spelled() {
        for target in [
            "/a/../b",
            "/a/./b",
            "/..",
            "/.",
            "/a/..",
            "/a/.",
            "/%2e%2e/a",
            "/a/.%2E/b",
            "/%2e",
            "/a%2f..%2fb",
            "/a/%2e%2e%2fb",
            "..",
        ] {
            assert!(is_unsafe_target(target.as_bytes()), "{target}");
        }
        for target in [
            "/a/...",
            "/.a/b",
            "/a./b",
            "/a../b",
            "/..a",
            "/%252e%252e/a",
            "/a?b=/../",
        ] {
            assert!(!is_unsafe_target(target.as_bytes()), "{target}");
        }
    }

    #[test]
    fn fragments_and_nul_are_unsafe() {
        assert!(is_unsafe_target(b"/victim.pdf#x"));
        assert!(is_unsafe_target(b"/victim.pdf?a=1#&b"));
        assert!(is_unsafe_target(b"/victim.pdf%00.png"));
        assert!(is_unsafe_target(b"/victim.pdf\0.png"));
        assert!(!is_unsafe_target(b"/a%23b.pdf?c=%00"));
    }

    #[test]
    fn the_parent_of_an_ambiguous_path_is_none() {
        let parent = |raw: &'static str| Signs::Parent.signed_part(raw.as_bytes());
        assert_eq!(parent("/docs/12/a.png"), Some(&b"/docs/12"[..]));
        assert_eq!(parent("/docs/12/"), Some(&b"/docs/12"[..]));
        assert_eq!(parent("/a%20b"), Some(&b""[..]));
        for raw in [
            "/docs/12%2Fa",
            "/docs/12%2fa",
            "/docs//a",
            "/docs/%5Ca",
            "/docs/\\a",
            "/d/%2Fa",
        ] {
            assert_eq!(parent(raw), None, "{raw}");
        }
        assert_eq!(
            Signs::Path.signed_part(b"/docs//a%2F"),
            Some(&b"/docs//a%2F"[..])
        );
    }
}
