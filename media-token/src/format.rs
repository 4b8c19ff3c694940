//! Wire formats, one file each. A format knows how its credential is spelled
//! and how its signature is made; where the credential was found and what
//! follows from the verdict is decided elsewhere.

use std::borrow::Cow;

use memchr::memchr2;

use crate::decision::{Env, OutOfMemory};
use crate::query;

pub mod cloudfront;
pub mod django;
pub mod jwt;
pub(crate) mod minted;

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
