//! The query of a request target: `&`-separated pairs whose names and values
//! are percent-decoded exactly once (WHATWG URL, `application/x-www-form-urlencoded`;
//! `;` does not separate).

use memchr::{memchr, memchr2};
use percent_encoding::percent_decode;

/// One `name=value` pair as it stands in the query.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    /// The whole pair, undecoded.
    pub raw: &'a [u8],
}

impl<'a> Pair<'a> {
    /// The undecoded value, empty without `=`, if the decoded name is `name`,
    /// case-sensitively.
    ///
    /// A `+` in a name means a space, which no configured name holds, so it
    /// needs no decoding.
    #[inline]
    #[must_use]
    pub fn value_of(&self, name: &str) -> Option<&'a [u8]> {
        match self.raw.strip_prefix(name.as_bytes()) {
            Some([b'=', value @ ..]) => Some(value),
            Some([]) => Some(b""),
            // A longer name, or another.
            _ => self.value_of_encoded(name),
        }
    }

    #[inline(never)]
    fn value_of_encoded(&self, name: &str) -> Option<&'a [u8]> {
        // Names are short: no matter for `memchr`.
        let mut parts = self.raw.splitn(2, |&byte| byte == b'=');
        let encoded = parts.next().unwrap_or_default();
        let is_named = encoded.contains(&b'%') && percent_decode(encoded).eq(name.bytes());
        is_named.then(|| parts.next().unwrap_or_default())
    }
}

/// Splits at the first `byte`, which goes.
fn split_once(text: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    let halves = memchr(byte, text).and_then(|at| text.split_at_checked(at));
    match halves {
        Some((head, [_, tail @ ..])) => (head, Some(tail)),
        _ => (text, None),
    }
}

/// The first pair of a raw query, and what follows the `&` behind it.
#[must_use]
pub fn first_pair(query: &[u8]) -> (Pair<'_>, Option<&[u8]>) {
    let (raw, rest) = split_once(query, b'&');
    (Pair { raw }, rest)
}

/// The pairs of a raw query, in order; empty ones are kept.
pub fn pairs(query: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    let mut rest = Some(query);
    std::iter::from_fn(move || {
        let (pair, tail) = first_pair(rest?);
        rest = tail;
        Some(pair)
    })
}

/// Decodes a value into `buffer`: percent-escapes once, `+` as a space.
///
/// Returns `None` when the decoded value does not fit. An escape that is not
/// one stands for itself, as in Python's `unquote_plus`.
#[must_use]
pub fn decode_value<'b>(value: &'b [u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut rest = value;
    let mut len: usize = 0;
    while let Some(run) = memchr2(b'%', b'+', rest) {
        let (plain, special) = rest.split_at_checked(run)?;
        let (byte, tail) = match special {
            [b'%', high, low, tail @ ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => ((high << 4) | low, tail),
                _ => (b'%', special.get(1..)?),
            },
            [b'+', tail @ ..] => (b' ', tail),
            [byte, tail @ ..] => (*byte, tail),
            [] => break,
        };
        let end = len.checked_add(run)?;
        buffer.get_mut(len..end)?.copy_from_slice(plain);
        *buffer.get_mut(end)? = byte;
        len = end.checked_add(1)?;
        rest = tail;
    }
    if len == 0 {
        // Nothing to decode, nothing to copy.
        return (value.len() <= buffer.len()).then_some(value);
    }
    let end = len.checked_add(rest.len())?;
    buffer.get_mut(len..end)?.copy_from_slice(rest);
    buffer.get(..end)
}

pub(crate) fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_decoded_once_and_compared_with_case() {
        let named = |raw: &'static [u8]| Pair { raw }.value_of("token").is_some();
        assert!(named(b"token=x") && named(b"token") && named(b"t%6fken=x") && named(b"t%6Fken"));
        assert!(
            !named(b"Token=x")
                && !named(b"T%6fken=x")
                && !named(b"t%256fken=x")
                && !named(b"token+=x")
        );
        assert!(!named(b"tokens=x") && !named(b"toke=x") && !named(b"=token") && !named(b""));
        assert!(!named(b"a=t%6fken") && !named(b"token%3Dx") && !named(b"%74oken%00=x"));
    }

    #[test]
    fn a_value_keeps_further_equals_signs() {
        let value = |raw: &'static [u8]| Pair { raw }.value_of("a");
        assert_eq!(value(b"a=b=c"), Some(&b"b=c"[..]));
        assert_eq!(value(b"%61=b=c"), Some(&b"b=c"[..]));
        assert_eq!(value(b"a="), Some(&b""[..]));
        assert_eq!(value(b"%61"), Some(&b""[..]));
    }

    #[test]
    fn a_value_is_decoded_once() {
        let mut buffer = [0; 8];
        assert_eq!(decode_value(b"a%3Ab", &mut buffer), Some(&b"a:b"[..]));
        assert_eq!(decode_value(b"a%253Ab", &mut buffer), Some(&b"a%3Ab"[..]));
        assert_eq!(decode_value(b"a+b%2B", &mut buffer), Some(&b"a b+"[..]));
        assert_eq!(decode_value(b"100%", &mut buffer), Some(&b"100%"[..]));
        assert_eq!(decode_value(b"%zz%4", &mut buffer), Some(&b"%zz%4"[..]));
        assert_eq!(decode_value(b"", &mut buffer), Some(&b""[..]));
    }

    #[test]
    fn a_value_that_does_not_fit_is_none() {
        let mut buffer = [0; 3];
        assert_eq!(decode_value(b"abc", &mut buffer), Some(&b"abc"[..]));
        assert_eq!(decode_value(b"abcd", &mut buffer), None);
        assert_eq!(decode_value(b"%61%62%63", &mut buffer), Some(&b"abc"[..]));
    }
}
