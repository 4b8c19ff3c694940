//! The query of a request target: `&`-separated pairs whose names and values
//! are percent-decoded exactly once (WHATWG URL, `application/x-www-form-urlencoded`;
//! `;` does not separate).

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

/// The pairs of a raw query, in order; empty ones are kept.
pub fn pairs(query: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    query.split(|&byte| byte == b'&').map(Pair::new)
}

/// Decodes a value into `buffer`: percent-escapes once, `+` as a space.
///
/// Returns `None` when the decoded value does not fit. An escape that is not
/// one stands for itself, as in Python's `unquote_plus`.
#[must_use]
pub fn decode_value<'b>(value: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut len: usize = 0;
    let mut decoded = value.split_inclusive(|&byte| byte == b'+').flat_map(|run| {
        let (text, plus) = match run {
            [text @ .., b'+'] => (text, true),
            text => (text, false),
        };
        percent_decode(text).chain(plus.then_some(b' '))
    });
    // `zip` would take one byte too many from the side that is longer.
    for slot in buffer.iter_mut() {
        let Some(byte) = decoded.next() else {
            return buffer.get(..len);
        };
        *slot = byte;
        len = len.saturating_add(1);
    }
    match decoded.next() {
        None => buffer.get(..len),
        Some(_) => None,
    }
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
