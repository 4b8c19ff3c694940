//! The bit fields of a request, which are written in C (`flags.c`), and read there
//! where bindgen does not count as C does.

use std::mem::offset_of;

use ngx::ffi::{ngx_http_request_t, ngx_uint_t};

unsafe extern "C" {
    fn ngx_http_crossdomain_media_has_run(r: *const ngx_http_request_t) -> ngx_uint_t;
    fn ngx_http_crossdomain_media_uri_changes(r: *const ngx_http_request_t) -> ngx_uint_t;
    fn ngx_http_crossdomain_media_reread_uri(r: *mut ngx_http_request_t);
}

/// Whether bindgen counts as C does: the fields begin at a word.
const IS_AS_IN_C: bool =
    offset_of!(ngx_http_request_t, _bitfield_1).is_multiple_of(size_of::<u32>());

/// Whether an earlier run of the phases may have left something behind: the request is
/// an internal one, or a filter has ended it. Asked of all requests, so without a call
/// where that can be.
#[inline]
pub fn has_run(request: &ngx_http_request_t) -> bool {
    match IS_AS_IN_C {
        true => request.internal() != 0 || request.filter_finalize() != 0,
        // SAFETY: the reference holds for the call, and the C function only reads.
        false => unsafe { ngx_http_crossdomain_media_has_run(request) != 0 },
    }
}

/// How many changes of the URI nginx still allows.
pub fn uri_changes(request: &ngx_http_request_t) -> ngx_uint_t {
    // SAFETY: the reference holds for the call, and the C function only reads.
    unsafe { ngx_http_crossdomain_media_uri_changes(request) }
}

/// Has nginx decode and normalise the URI when it reads it next.
pub fn reread_uri(request: &mut ngx_http_request_t) {
    // SAFETY: the reference is the only one for the call, and the C function keeps none.
    unsafe { ngx_http_crossdomain_media_reread_uri(request) }
}
