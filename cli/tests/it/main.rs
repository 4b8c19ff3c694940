//! What the program promises, seen from outside.

// A test may panic; that is how it fails.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;
mod configuration;
mod documentation;
mod keys;
mod minting;
mod nginx;
mod round_trips;
mod secrecy;
mod vectors;
