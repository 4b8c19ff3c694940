//! JSON as credentials hold it, read without keeping it: no value takes memory from
//! the heap unless it is spelled with escapes.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};

/// How many members an object may have. Each name is compared with all earlier
/// ones, and headers are read before their signature is known to hold.
const MAX_MEMBERS: usize = 64;

/// How many texts an array may have.
pub(crate) const MAX_TEXTS: usize = 64;

/// Takes the members of an object, one by one.
pub(crate) trait Members<'de> {
    /// Reads the value of a member, whose name the object has only once.
    fn member<A: MapAccess<'de>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error>;
}

/// Reads a whole text as one object. `false` when it is none, when it has a member
/// twice (RFC 7515, 4 and RFC 7519, 4) or more than 64, or when a value is not
/// what its reader takes.
///
/// Why is not said: the words of the parser's errors quote the token.
pub(crate) fn read_object<'de>(text: &'de [u8], members: &mut impl Members<'de>) -> bool {
    // All of it at once: the parser would look at some strings only.
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.deserialize_map(Object(members)).is_ok() && parser.end().is_ok()
}

/// An object, whose members go to their reader.
pub(crate) struct Object<'m, M>(pub(crate) &'m mut M);

impl<'de, M: Members<'de>> DeserializeSeed<'de> for Object<'_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// An object, or an array that holds just one.
pub(crate) struct OneObject<'m, M>(pub(crate) &'m mut M);

impl<'de, M: Members<'de>> DeserializeSeed<'de> for OneObject<'_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, M: Members<'de>> Visitor<'de> for OneObject<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, or an array of one")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        Object(self.0).visit_map(object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let first = array.next_element_seed(Object(self.0))?;
        match (first, array.next_element::<IgnoredAny>()?) {
            (Some(()), None) => Ok(()),
            _ => Err(A::Error::custom("an array of none or several")),
        }
    }
}

impl<'de, M: Members<'de>> Visitor<'de> for Object<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut seen = Names([const { None }; MAX_MEMBERS]);
        while let Some(Text(name)) = object.next_key()? {
            let name = seen
                .add(name)
                .ok_or_else(|| A::Error::custom("a member too many"))?;
            self.0.member(name, &mut object)?;
        }
        Ok(())
    }
}

/// The names of an object's members so far.
struct Names<'de>([Option<Cow<'de, str>>; MAX_MEMBERS]);

impl<'de> Names<'de> {
    /// `None` when the name is there already, or there is no place left.
    fn add(&mut self, name: Cow<'de, str>) -> Option<&str> {
        for slot in &mut self.0 {
            match slot {
                Some(earlier) if *earlier == name => return None,
                Some(_) => {}
                None => return Some(slot.insert(name)),
            }
        }
        None
    }
}

/// A string. Borrowed, unless it is spelled with escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'t>(#[serde(borrow)] pub(crate) Cow<'t, str>);

/// A number; a fraction is cut off (as PyJWT does).
pub(crate) struct Number(pub(crate) i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;

        impl Visitor<'_> for Numbers {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of 64 bits")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                let signed = i64::try_from(number);
                let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
                signed.map(Number).map_err(wrong)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                /// 2 to the power of 63.
                const LIMIT: f64 = 9_223_372_036_854_775_808.0;
                if !(-LIMIT..LIMIT).contains(&number) {
                    return Err(E::invalid_value(Unexpected::Float(number), &self));
                }
                // In range, and the cast cuts off the fraction.
                #[allow(clippy::cast_possible_truncation)]
                Ok(Number(number as i64))
            }
        }

        deserializer.deserialize_i64(Numbers)
    }
}

/// A string, or an array of at most [`MAX_TEXTS`] strings, each passed to a reader
/// that says whether it makes sense.
pub(crate) struct Texts<F>(pub(crate) F);

impl<'de, F: FnMut(&str) -> bool> DeserializeSeed<'de> for Texts<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(&str) -> bool> Visitor<'de> for Texts<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string or an array of at most {MAX_TEXTS} strings")
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        match (self.0)(text) {
            true => Ok(()),
            false => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
        let mut len: usize = 0;
        while array.next_element_seed(OneText(&mut self.0))?.is_some() {
            len = len.saturating_add(1);
            if len > MAX_TEXTS {
                return Err(A::Error::invalid_length(len, &self));
            }
        }
        Ok(())
    }
}

/// A string in an array.
struct OneText<'f, F>(&'f mut F);

impl<'de, F: FnMut(&str) -> bool> DeserializeSeed<'de> for OneText<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<F: FnMut(&str) -> bool> Visitor<'_> for OneText<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match (self.0)(text) {
            true => Ok(()),
            false => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}
