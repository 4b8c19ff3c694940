//! Takes the credential out of the request, before anything else may grant it.

use ngx::ffi::{ngx_http_request_t, ngx_int_t};

use crate::conf::LocationConf;
use crate::module::DECLINED;
use crate::request::{FORBIDDEN, INTERNAL_SERVER_ERROR, NO_CONTENT, Request};
use crate::session;
use crate::state::{self, Cors};

pub unsafe extern "C" fn handler(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx passes a request that lives until we return.
    let Some(request) = (unsafe { Request::new(r) }) else {
        return INTERNAL_SERVER_ERROR;
    };
    // Access handlers do not run for subrequests, so there is nothing to prepare.
    if !request.is_main() || !request.concerns_us() {
        return DECLINED;
    }
    prepare(request).unwrap_or_else(|status| status)
}

// Apart, so that its frame is not made where there is nothing to do.
#[inline(never)]
fn prepare(request: Request<'_>) -> Result<ngx_int_t, ngx_int_t> {
    if let Some(session) = request.conf().and_then(LocationConf::session) {
        session::take(request, session)?;
    }
    let Some(state) = state::prepare(request)? else {
        return Ok(DECLINED);
    };
    // Before anything asks for a password, which a preflight never has.
    let Some(Cors {
        preflight: Some(_),
        allowed,
    }) = state.headers.cors.get()
    else {
        return Ok(DECLINED);
    };
    state.headers.no_store.set(true);
    // By ourselves: no page of an `error_page` answers a preflight.
    let status = match allowed {
        Some(_) => NO_CONTENT,
        None => FORBIDDEN,
    };
    Ok(request.send(status, "text/plain", b""))
}
