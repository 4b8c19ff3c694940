//! The header filter: what a response needs because of how it was decided.

use ngx::ffi::{
    ngx_http_output_header_filter_pt, ngx_http_request_t, ngx_http_top_header_filter, ngx_int_t,
};

use crate::module::ERROR;
use crate::request::Request;

/// What only shared caches read, and believe before `Cache-Control` (RFC 9213).
const SHARED_CACHES: [&[u8]; 2] = [b"CDN-Cache-Control", b"Surrogate-Control"];

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
    if headers.no_store.get() {
        // `expires` and `add_header` have run; what they say of caching is meant
        // for the file.
        request.remove_headers(&[b"Cache-Control", b"Expires"]);
        request.remove_headers(&SHARED_CACHES);
        request.add_header("Cache-Control", b"no-store")?;
    }
    if headers.private.get() && !headers.no_store.get() {
        request.remove_headers(&SHARED_CACHES);
        request.make_private()?;
    }
    let varying = headers.vary.get();
    if let Some(vary) = varying.and_then(|settings| settings.varies_by.as_deref()) {
        request.add_header("Vary", vary.as_bytes())?;
    }
    if let Some(policy) = headers.referrer_policy.get() {
        request.remove_headers(&[b"Referrer-Policy"]);
        request.add_header("Referrer-Policy", policy.as_bytes())?;
    }
    Some(())
}
