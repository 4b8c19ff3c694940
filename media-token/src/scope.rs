//! What a signature covers: how the signed path is spelled, and which request
//! targets no signature can cover.
//!
//! nginx serves the percent-decoded and normalised path; applications sign
//! their own spelling of it. The two are compared in one canonical form: the
//! raw path, percent-decoded once and re-quoted as the application quotes it
//! (FORMATS.md, 1.4). What nginx would normalise further is refused, so that
//! what is served is what was signed.

use memchr::{memchr, memrchr};
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

/// `django.urls.resolvers`: `RFC3986_SUBDELIMS + "/~:@"`, and what Python's
/// `quote` never quotes.
const REVERSE_SAFE: &[u8] = b"_.-~/:@!$&'()*+,;=";
const REVERSE: &AsciiSet = &all_but(REVERSE_SAFE);

/// `django.utils.encoding.filepath_to_uri`: `"/~!*()'"`, and what Python's `quote`
/// never quotes.
const STORAGE_SAFE: &[u8] = b"_.-~/!*()'";
const STORAGE: &AsciiSet = &all_but(STORAGE_SAFE);

const fn all_but(mut safe: &[u8]) -> AsciiSet {
    let mut set = NON_ALPHANUMERIC.remove(b'/');
    while let [first, rest @ ..] = safe {
        set = set.remove(*first);
        safe = rest;
    }
    set
}

/// A raw path, and what there is in it, gathered in one pass: mostly nothing that
/// would have to be looked at again.
#[derive(Clone, Copy)]
pub struct Path<'a> {
    raw: &'a [u8],
    traits: u8,
}

/// A `%`.
const ESCAPE: u8 = 1;
/// A `.` at the beginning of a segment (or of the path).
const DOT: u8 = 2;
/// A byte that [`PathForm::Reverse`] quotes.
const QUOTED_BY_REVERSE: u8 = 4;
/// A byte that [`PathForm::Storage`] quotes.
const QUOTED_BY_STORAGE: u8 = 8;
/// A NUL.
const NUL: u8 = 16;
/// A `#` or a `?`: no path holds one.
const END: u8 = 32;
/// What each byte means for its path: in the low byte the traits that it gives, in
/// the high byte those that the byte behind it may give.
static TRAITS: [u16; 256] = {
    let mut table = [0; 256];
    let mut rest: &mut [u16] = &mut table;
    let mut byte = 0_u8;
    while let [first, tail @ ..] = rest {
        // A dot counts after a slash only.
        let next = if byte == b'/' { u8::MAX } else { !DOT };
        *first = u16::from_be_bytes([next, traits_of(byte)]);
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    table
};

const fn traits_of(byte: u8) -> u8 {
    const fn is_safe(byte: u8, mut safe: &[u8]) -> bool {
        while let [first, rest @ ..] = safe {
            if *first == byte {
                return true;
            }
            safe = rest;
        }
        byte.is_ascii_alphanumeric()
    }
    let mut traits = match byte {
        b'%' => ESCAPE,
        b'.' => DOT,
        b'\0' => NUL,
        b'#' | b'?' => END,
        _ => 0,
    };
    if !is_safe(byte, REVERSE_SAFE) {
        traits |= QUOTED_BY_REVERSE;
    }
    if !is_safe(byte, STORAGE_SAFE) {
        traits |= QUOTED_BY_STORAGE;
    }
    traits
}

/// How many bytes of a path are looked at together.
const WIDTH: usize = 16;

/// Those, and the byte before them.
type Chunk = [u8; WIDTH.wrapping_add(1)];

/// Whether a path holds nothing that has a trait, as nearly all of them. Tells it of many
/// bytes at once, but of no path that is shorter than a [`Chunk`].
fn is_plain(raw: &[u8]) -> bool {
    let ([b'/', .., _], Some(end)) = (raw, raw.last_chunk()) else {
        return false;
    };
    // The last ones are in `end`, some perhaps for the second time.
    let rest = raw.get(..raw.len().saturating_sub(1)).unwrap_or_default();
    let chunks = rest.windows(size_of::<Chunk>()).step_by(WIDTH);
    is_plain_chunk(end) && chunks.filter_map(<[u8]>::first_chunk).all(is_plain_chunk)
}

/// Whether this holds for all but the first byte. Without a branch, so that the compiler
/// makes vectors of it.
#[inline(always)]
fn is_plain_chunk(chunk: &Chunk) -> bool {
    let [_, bytes @ ..] = chunk;
    let pairs = chunk.iter().zip(bytes);
    pairs.fold(true, |is_plain, (&before, &byte)| {
        let is_usual = byte.is_ascii_alphanumeric()
            | (byte == b'/')
            | (byte == b'.')
            | (byte == b'-')
            | (byte == b'_');
        is_plain & is_usual & !((before == b'/') & (byte == b'.'))
    })
}

/// The traits that the bytes of a path have.
#[inline(never)]
fn find_traits(raw: &[u8]) -> u8 {
    let mut traits = 0;
    let mut allowed = u16::from(u8::MAX);
    for &byte in raw {
        let current = TRAITS.get(usize::from(byte)).copied().unwrap_or(u16::MAX);
        traits |= current & allowed;
        allowed = current.wrapping_shr(8);
    }
    let [_, traits] = traits.to_be_bytes();
    traits
}

impl<'a> Path<'a> {
    /// Looks at each byte of a raw path once.
    #[must_use]
    pub fn new(raw: &'a [u8]) -> Self {
        let traits = if is_plain(raw) { 0 } else { find_traits(raw) };
        Self { raw, traits }
    }

    /// Passes the canonical spelling of the path to `sink`, piece by piece.
    pub fn spell(&self, form: PathForm, sink: &mut impl FnMut(&[u8])) {
        let (set, quoted) = match form {
            PathForm::Raw => return sink(self.raw),
            PathForm::Decoded => (None, 0),
            PathForm::Reverse => (Some(REVERSE), QUOTED_BY_REVERSE),
            PathForm::Storage => (Some(STORAGE), QUOTED_BY_STORAGE),
        };
        // Django's `escape_leading_slashes`: `//` would begin a host.
        let escaped = form == PathForm::Reverse
            && (self.traits & ESCAPE != 0 || self.raw.starts_with(b"//"))
            && percent_decode(self.raw).take(2).eq(*b"//");
        if escaped {
            sink(b"/%2F");
        } else if self.traits & (ESCAPE | quoted) == 0 {
            return sink(self.raw);
        }
        let skip = if escaped { 2 } else { 0 };
        let mut quote = |bytes: &[u8]| match set {
            Some(set) => percent_encode(bytes, set).for_each(|piece| sink(piece.as_bytes())),
            None => sink(bytes),
        };
        if self.traits & ESCAPE == 0 {
            quote(self.raw.get(skip..).unwrap_or_default());
        } else {
            percent_decode(self.raw)
                .skip(skip)
                .for_each(|byte| quote(&[byte]));
        }
    }

    /// Whether nginx would serve another path: there is a NUL or a dot segment
    /// after percent-decoding once.
    #[inline]
    fn is_unsafe(&self) -> bool {
        self.traits & (ESCAPE | DOT | NUL) != 0 && self.is_unsafe_decoded()
    }

    // Apart from the paths in which there is nothing to decode.
    #[inline(never)]
    fn is_unsafe_decoded(&self) -> bool {
        let mut segment = Segment::Empty;
        for byte in percent_decode(self.raw) {
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

    /// Whether the canonical spelling of the path is `text`.
    pub(crate) fn is_spelled(&self, form: PathForm, text: &[u8]) -> bool {
        let mut rest = Some(text);
        self.spell(form, &mut |piece| {
            rest = rest.and_then(|rest| rest.strip_prefix(piece));
        });
        rest.is_some_and(<[u8]>::is_empty)
    }

    /// Whether the canonical spelling of the path begins with `prefix`.
    pub(crate) fn is_spelled_below(&self, form: PathForm, prefix: &[u8]) -> bool {
        let mut rest = Some(prefix);
        self.spell(form, &mut |piece| {
            rest = rest.and_then(|rest| match piece.len() < rest.len() {
                true => rest.strip_prefix(piece),
                false => piece.starts_with(rest).then_some(b"".as_slice()),
            });
        });
        rest.is_some_and(<[u8]>::is_empty)
    }

    /// Whether readers may disagree on the path's segments: there is an encoded
    /// slash, a doubled slash or a backslash.
    pub(crate) fn is_ambiguous(&self) -> bool {
        if self.traits & ESCAPE == 0 {
            return memchr(b'\\', self.raw).is_some()
                || self.raw.windows(2).any(|pair| pair == b"//");
        }
        let raw_slashes = self.raw.iter().filter(|&&byte| byte == b'/').count();
        let mut slashes: usize = 0;
        let mut previous = 0;
        for byte in percent_decode(self.raw) {
            if byte == b'\\' || (byte == b'/' && previous == b'/') {
                return true;
            }
            slashes = slashes.saturating_add(usize::from(byte == b'/'));
            previous = byte;
        }
        slashes != raw_slashes
    }

    /// The path of the folder, without a slash at its end, unless the path
    /// [is ambiguous](Self::is_ambiguous).
    fn parent(&self) -> Option<Self> {
        if self.is_ambiguous() {
            return None;
        }
        let end = memrchr(b'/', self.raw)?;
        Some(Self {
            raw: self.raw.get(..end)?,
            // Those of the whole path, of which this has some.
            traits: self.traits,
        })
    }
}

/// What a path segment consists of so far.
#[derive(Clone, Copy)]
enum Segment {
    Empty,
    Dot,
    DotDot,
    Other,
}

impl Signs {
    /// The part of a path that was signed, or `None` where the path can be read in
    /// more than one way and the signature covers more than one path.
    #[inline]
    #[must_use]
    pub fn signed_part<'a>(self, path: &Path<'a>) -> Option<Path<'a>> {
        match self {
            Self::Path => Some(*path),
            Self::Parent => path.parent(),
        }
    }
}

/// Whether no signature can cover this request, since nginx would serve another
/// path than the one that it names: a raw `#` (nginx cuts there), a `?` in what the
/// server has split off as the path, or after percent-decoding once a NUL or a dot
/// segment.
#[inline]
#[must_use]
pub fn is_unsafe(view: &RequestView<'_>, path: &Path<'_>) -> bool {
    path.traits & END != 0 || view.has_fragment_in_query() || path.is_unsafe()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spell(form: PathForm, raw: &str) -> String {
        let mut out = Vec::new();
        Path::new(raw.as_bytes()).spell(form, &mut |piece| out.extend_from_slice(piece));
        String::from_utf8(out).unwrap()
    }

    fn is_unsafe_target(target: &[u8]) -> bool {
        {
            let view = RequestView::new(target);
            is_unsafe(&view, &Path::new(view.path()))
        }
    }

    #[test]
    fn a_path_that_was_split_off_too_late_is_unsafe() {
        let target = b"/a?b?c";
        let view = RequestView::with_query(target, &target[5..]);
        assert!(is_unsafe(&view, &Path::new(view.path())));
        let view = RequestView::with_query(target, &target[3..]);
        assert!(!is_unsafe(&view, &Path::new(view.path())));
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
    fn only_paths_without_traits_are_plain() {
        let path = format!("/media/{}", "a.b-C_9/".repeat(20));
        for len in 0..=3 * WIDTH {
            let path = &path.as_bytes()[..len];
            assert_eq!(is_plain(path), len > WIDTH, "{len}");
            assert_eq!(find_traits(path), 0);
            // Each byte in each place, also a dot behind a slash.
            for place in 0..len {
                for byte in 0..=u8::MAX {
                    let mut path = path.to_vec();
                    path[place] = byte;
                    assert!(!is_plain(&path) || find_traits(&path) == 0, "{path:?}");
                }
            }
        }
    }

    #[test]
    fn the_parent_of_an_ambiguous_path_is_none() {
        let parent = |raw: &'static str| {
            let path = Path::new(raw.as_bytes());
            Signs::Parent.signed_part(&path).map(|part| part.raw)
        };
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
        let path = Path::new(b"/docs//a%2F");
        assert_eq!(Signs::Path.signed_part(&path).unwrap().raw, path.raw);
    }
}
