//! The header filter: what a response needs because of how it was decided.

use ngx::ffi::{
    ngx_http_output_header_filter_pt, ngx_http_request_t, ngx_http_top_header_filter, ngx_int_t,
};

use crate::module::ERROR;
use crate::request::Request;

/// Whether only shared caches read a header, and believe it before `Cache-Control`:
/// `CDN-Cache-Control` and its like (RFC 9213).
fn is_for_shared_caches(name: &[u8]) -> bool {
    const TARGETED: &[u8] = b"-Cache-Control";
    let end = name.len().checked_sub(TARGETED.len());
    name.eq_ignore_ascii_case(b"Surrogate-Control")
        || end
            .and_then(|end| name.get(end..))
            .is_some_and(|end| end.eq_ignore_ascii_case(TARGETED))
}

/// The filter that runs after ours.
static mut NEXT: ngx_http_output_header_filter_pt = None;

/// Puts the filter on top of those that there are.
pub fn install() {
    // SAFETY: nginx builds the chain of filters in one thread, while no request
    // of this configuration is running.
    unsafe {
        NEXT = ngx_http_top_header_filter;
        ngx_http_top_header_filter = Some(filter);
    }
}

unsafe extern "C" fn filter(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx passes a request that lives until we return.
    let added = unsafe { Request::new(r) }.and_then(add_headers);
    // SAFETY: written by `install` only.
    match (added, unsafe { NEXT }) {
        // SAFETY: the next filter takes what we were given.
        (Some(()), Some(next)) => unsafe { next(r) },
        _ => ERROR,
    }
}

fn is(name: &[u8], known: &[u8]) -> bool {
    name.eq_ignore_ascii_case(known)
}

/// `None` when memory is short.
fn add_headers(request: Request<'_>) -> Option<()> {
    if !request.is_main() {
        return Some(());
    }
    let Some(state) = request.context().or_else(|| request.earlier_state()) else {
        return Some(());
    };
    state.answered();
    if let Some(location) = state.location.get() {
        request.remove_if_replaced(location);
    }
    let headers = &state.headers;
    if let Some(session) = headers.session.get() {
        request.remove_values(b"Set-Cookie", |value| session.is_set_by(value));
    }
    if headers.session_in_url.get() {
        headers.no_store.set(true);
        headers.referrer_policy.set(Some("no-referrer"));
    }
    if headers.no_store.get() {
        // `expires` and `add_header` have run; what they say of caching is meant
        // for the file.
        request.remove_headers(|name| {
            is(name, b"Cache-Control") || is(name, b"Expires") || is_for_shared_caches(name)
        });
        request.add_header("Cache-Control", b"no-store")?;
    }
    if headers.private.get() && !headers.no_store.get() {
        request.remove_headers(is_for_shared_caches);
        request.make_private()?;
    }
    if let Some(end) = headers.cap.get()
        && !headers.no_store.get()
    {
        request.remove_headers(is_for_shared_caches);
        request.cap_keeping(end)?;
    }
    if let Some(cors) = headers.cors.get() {
        request.add_cors_headers(cors)?;
    }
    if let Some(vary) = headers.vary.get() {
        // Said already, where nginx runs the filters again (416).
        request.remove_values(b"Vary", |value| value == vary);
        request.add_header("Vary", vary)?;
    }
    if let Some(policy) = headers.referrer_policy.get() {
        request.remove_headers(|name| is(name, b"Referrer-Policy"));
        request.add_header("Referrer-Policy", policy.as_bytes())?;
    }
    Some(())
}
