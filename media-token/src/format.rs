//! Wire formats, one file each. A format knows how its credential is spelled
//! and how its signature is made; where the credential was found and what
//! follows from the verdict is decided elsewhere.

use std::borrow::Cow;

use memchr::memchr2;

use crate::decision::{Env, OutOfMemory};
use crate::key::{Common, FormatOptions, KeyError, Keys, Parameter, ParseTime};
use crate::query;

pub mod cloudfront;
pub mod django;
pub mod jwt;
pub(crate) mod minted;

/// What a key can be for, with its parameters. Which format it is, is known when they are
/// read; so it is an enum, and no list of objects that requests might reach.
macro_rules! formats {
    ($($Format:ident: $name:ident,)+) => {
        /// The parameters of a key that only its format has.
        #[derive(Debug)]
        pub(crate) enum KeyFormat {
            $($Format($name::options::Options),)+
        }

        impl KeyFormat {
            const ALL: &[(&str, &[&str])] = &[
                $(($name::options::Options::NAME, $name::options::Options::PARAMETERS),)+
            ];

            /// The format of this name, with nothing said of it yet.
            pub(crate) fn named(name: &str) -> Option<Self> {
                match name {
                    $($name::options::Options::NAME => Some(Self::$Format(Default::default())),)+
                    _ => None,
                }
            }

            /// As [`FormatOptions::set`].
            pub(crate) fn set(
                &mut self,
                parameter: Parameter<'_>,
                parse_time: ParseTime<'_>,
            ) -> Result<(), KeyError> {
                match self {
                    $(Self::$Format(options) => options.set(parameter, parse_time),)+
                }
            }

            /// As [`FormatOptions::check`].
            pub(crate) fn check(&self, common: &Common) -> Result<(), KeyError> {
                match self {
                    $(Self::$Format(options) => options.check(common),)+
                }
            }

            /// As [`FormatOptions::read`].
            pub(crate) fn read(&self, file: &[u8], common: &Common) -> Result<Keys, KeyError> {
                match self {
                    $(Self::$Format(options) => options.read(file, common),)+
                }
            }
        }
    };
}

// A line for each.
formats! {
    Django: django,
    Jwt: jwt,
    CloudFront: cloudfront,
}

impl KeyFormat {
    /// Their names, for messages.
    pub(crate) const NAMES: &str = "django, jwt or cloudfront";

    /// The parameters of all formats but those that every key has.
    pub(crate) fn parameters() -> impl Iterator<Item = &'static str> {
        Self::ALL
            .iter()
            .flat_map(|(_, parameters)| *parameters)
            .copied()
    }
}

/// That of a key that names none.
impl Default for KeyFormat {
    fn default() -> Self {
        Self::Django(Default::default())
    }
}

/// Decodes a value into the request's memory, if there is anything to decode.
pub(crate) fn decode_value<'t, 'a: 't>(
    value: &'t [u8],
    env: &mut impl Env<'a>,
) -> Result<Option<&'t [u8]>, OutOfMemory> {
    // Nearly no credential comes with escapes: it needs none.
    if memchr2(b'%', b'+', value).is_none() {
        return Ok(Some(value));
    }
    let buffer = env.allocate(value.len()).ok_or(OutOfMemory)?;
    Ok(query::decode_value(value, buffer))
}

/// What lives as long as the request, whether it was spelled with escapes or not.
pub(crate) fn keep<'a>(text: Cow<'a, str>, env: &mut impl Env<'a>) -> Result<&'a str, OutOfMemory> {
    match text {
        Cow::Borrowed(text) => Ok(text),
        Cow::Owned(text) => {
            let memory = env.allocate(text.len()).ok_or(OutOfMemory)?;
            if memory.len() != text.len() {
                return Err(OutOfMemory);
            }
            memory.copy_from_slice(text.as_bytes());
            std::str::from_utf8(memory).map_err(|_| OutOfMemory)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_every_format() {
        let names = KeyFormat::NAMES.replace(" or ", ", ");
        let all = KeyFormat::ALL.iter().map(|(name, _)| *name);
        assert_eq!(
            names.split(", ").collect::<Vec<_>>(),
            all.collect::<Vec<_>>()
        );
    }
}
