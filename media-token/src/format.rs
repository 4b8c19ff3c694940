//! Wire formats, one file each. A format knows how its credential is spelled
//! and how its signature is made; where the credential was found and what
//! follows from the verdict is decided elsewhere.

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
