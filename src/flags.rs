//! The bit fields of a request, which are read and written in C (`flags.c`).

use ngx::ffi::{ngx_http_request_t, ngx_uint_t};

unsafe extern "C" {
    fn ngx_http_crossdomain_media_has_run(r: *const ngx_http_request_t) -> ngx_uint_t;
    fn ngx_http_crossdomain_media_uri_changes(r: *const ngx_http_request_t) -> ngx_uint_t;
    fn ngx_http_crossdomain_media_reread_uri(r: *mut ngx_http_request_t);
}

/// Whether an earlier run of the phases may have left something behind: the request is
/// an internal one, or a filter has ended it.
#[inline]
pub fn has_run(request: &ngx_http_request_t) -> bool {
    // SAFETY: a request, of which a bit is read.
    unsafe { ngx_http_crossdomain_media_has_run(request) != 0 }
}

/// How many changes of the URI nginx still allows.
pub fn uri_changes(request: &ngx_http_request_t) -> ngx_uint_t {
    // SAFETY: as above.
    unsafe { ngx_http_crossdomain_media_uri_changes(request) }
}

/// Has nginx decode and normalise the URI when it reads it next.
pub fn reread_uri(request: &mut ngx_http_request_t) {
    // SAFETY: a request, and nobody else has it now.
    unsafe { ngx_http_crossdomain_media_reread_uri(request) }
}
