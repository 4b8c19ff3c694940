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
    name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Pair<'a> {
    fn new(raw: &'a [u8]) -> Self {
        // Names are short: no matter for `memchr`.
        let mut parts = raw.splitn(2, |&byte| byte == b'=');
        Self {
            raw,
            name: parts.next().unwrap_or_default(),
            value: parts.next().unwrap_or_default(),
        }
    }

    /// The undecoded value; empty without `=`.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// Everything up to and including the `=`, undecoded; the whole pair
    /// without one.
    #[must_use]
    pub fn prefix(&self) -> &'a [u8] {
        let len = self.raw.len().saturating_sub(self.value.len());
        self.raw.get(..len).unwrap_or_default()
    }

    /// Whether the decoded name is `name`, case-sensitively.
    ///
    /// A `+` in a name means a space, which no configured name holds, so it
    /// needs no decoding.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name.as_bytes()
            || (self.name.contains(&b'%') && percent_decode(self.name).eq(name.bytes()))
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

/// The pairs of a raw query, in order; empty ones are kept.
pub fn pairs(query: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    let mut rest = Some(query);
    std::iter::from_fn(move || {
        let (pair, tail) = split_once(rest?, b'&');
        rest = tail;
        Some(Pair::new(pair))
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

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_decoded_once_and_compared_with_case() {
        let named = |raw: &'static [u8]| Pair::new(raw).is_named("token");
        assert!(named(b"token=x") && named(b"token") && named(b"t%6fken=x") && named(b"t%6Fken"));
        assert!(!named(b"Token=x") && !named(b"t%256fken=x") && !named(b"token+=x"));
        assert!(!named(b"tokens=x") && !named(b"toke=x") && !named(b"=token") && !named(b""));
    }

    #[test]
    fn a_value_keeps_further_equals_signs() {
        assert_eq!(Pair::new(b"a=b=c").value(), b"b=c");
        assert_eq!(Pair::new(b"a=b=c").prefix(), b"a=");
        assert_eq!(Pair::new(b"a").prefix(), b"a");
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
