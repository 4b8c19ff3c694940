//! Takes the credential out of the request, before anything else may grant it.

use ngx::ffi::{ngx_http_request_t, ngx_int_t};

use crate::module::DECLINED;
use crate::request::{INTERNAL_SERVER_ERROR, Request};
use crate::state;

pub unsafe extern "C" fn handler(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx passes a request that lives until we return.
    let Some(request) = (unsafe { Request::new(r) }) else {
        return INTERNAL_SERVER_ERROR;
    };
    // Access handlers do not run for subrequests, so there is nothing to prepare.
    if !request.is_main() {
        return DECLINED;
    }
    match state::prepare(request) {
        Ok(_) => DECLINED,
        Err(status) => status,
    }
}
