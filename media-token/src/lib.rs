//! Verification of signed, expiring media URLs, apart from any web server.
//!
//! A **grant** is a signed statement about a URL. Three independent questions
//! decide a request: how the grant is signed ([`mod@format`]), where it is carried
//! ([`source`]), and what happens when it does not hold ([`response`]).
//!
//! A request is allowed if and only if
//!
//! 1. one of the configured [`Source`]s holds exactly one credential;
//! 2. the raw request target is unambiguous: no fragment, no NUL and no dot
//!    segment after percent-decoding once ([`scope`]);
//! 3. a configured [`Key`] verifies the credential's signature;
//! 4. the time that the credential states has not passed;
//! 5. and it covers this request: Django's signature is over the path, a JWT names in
//!    its claims what it is for ([`format::jwt`]).
//!
//! The order of work is [`take_with`] (which credentials does the request carry, and
//! what is left without them), [`decide`] (do they hold, now), and
//! [`Responses::respond`] (what to answer). All three are pure: time is a
//! parameter, and nothing panics whatever the bytes. Nothing is taken from the heap,
//! but for JWTs with public keys, with escapes or nested values in their JSON, or with
//! a `cdniuc`.
//!
//! ```
//! use media_token::{decide, take, Decision, Fixed, Key, KeyOptions, Policy, RequestView, Source};
//!
//! let options = KeyOptions::parse(["format=django"], |_| None)?;
//! let policy = Policy {
//!     sources: vec![Source::parse("arg:token")?],
//!     keys: Key::read(b"test-secret-key-0123456789", &options)?.keys.into_iter().map(Into::into).collect(),
//!     max_age: 120,
//!     leeway: 0,
//!     revoked: None,
//! };
//! let target = b"/media/a/b.pdf?token=1r31eq%3AU2XBGXdGPAV6XbThMfnKoN4zxqJ2K9LO7u2Ivfr4xB0";
//! let view = RequestView::new(target);
//! let carried = take(&view, &policy.sources);
//! let decision = decide(&view, &carried, &policy, 1_700_000_000, &mut Fixed::new(&mut []))?;
//! assert!(matches!(decision, Decision::Granted(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod carried;
pub mod clean;
pub mod cors;
pub mod decision;
pub mod format;
pub mod hand_over;
mod json;
pub mod key;
pub mod loop_guard;
mod mac;
pub mod metrics;
mod public_key;
pub mod query;
pub mod redirect;
pub mod request;
pub mod response;
pub mod revoked;
pub mod scope;
pub mod session;
mod set_cookie;
pub mod source;

pub use carried::{Carried, Credential, take, take_with};
pub use decision::{
    Decision, Env, Fixed, Folder, Format, Grant, OutOfMemory, Policy, Reach, Reason, Refusal,
    Status, decide,
};
pub use key::{Key, KeyError, KeyFile, KeyOptions, Keys};
pub use redirect::{Destination, Origin, Template, Url, UrlError};
pub use request::{Fields, RequestView};
pub use response::{Action, Answer, Responses};
pub use revoked::{Revoked, RevokedError};
pub use source::Source;
