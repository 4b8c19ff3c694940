//! What the crate promises, seen from outside.

// A test may panic; that is how it fails.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod clients;
mod cloudfront;
mod cloudfront_keys;
mod cloudfront_properties;
mod cloudfront_signer;
mod cloudfront_twin;
mod cloudfront_vectors;
mod common;
mod decide;
mod django_vectors;
mod hand_over;
mod jwt;
mod jwt_keys;
mod jwt_properties;
mod jwt_vectors;
mod key_files;
mod minted;
mod properties;
mod revoked;
mod sources;
mod twin;
