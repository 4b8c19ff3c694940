//! Wire formats, one file each. A format knows how its credential is spelled
//! and how its signature is made; where the credential was found and what
//! follows from the verdict is decided elsewhere.

pub mod django;
pub mod jwt;
