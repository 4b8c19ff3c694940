//! nginx module that verifies signed, expiring media URLs and redirects to
//! renew them.
//!
//! This crate is the glue: what is decided, and why, is `media-token`'s affair.
//! A request passes through `postread` (cut a credential out of the path),
//! `preaccess` (take out all others; `session`s and preflights, `cors`),
//! `access` (decide, count, answer) and `filter` (headers); `metrics` shows what was
//! counted. All unsafe code of the project is here, most of it in `request`, `lines`,
//! `viewer`, `conf` and `metrics`.

mod access;
mod conf;
mod cors;
mod filter;
mod flags;
mod lines;
mod metrics;
mod module;
mod postread;
mod preaccess;
mod request;
mod response;
mod session;
mod state;
mod variables;
mod viewer;
