//! Cuts a credential out of the path, before nginx looks for a location.

use ngx::ffi::{ngx_http_request_t, ngx_int_t};

use media_token::RequestView;
use media_token::clean::{cut_target, find_segment, masked_request_line};

use crate::module::DECLINED;
use crate::request::{INTERNAL_SERVER_ERROR, Request};
use crate::state;

pub unsafe extern "C" fn handler(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx passes a request that lives until we return.
    let request = unsafe { Request::new(r) };
    request.map_or(INTERNAL_SERVER_ERROR, |request| {
        cut(request).map_or_else(|status| status, |()| DECLINED)
    })
}

fn cut(request: Request<'_>) -> Result<(), ngx_int_t> {
    // No location has been found yet: what the server says.
    let sources = request.conf().map_or(&[][..], |conf| &conf.path_sources);
    let view = RequestView::new(request.target());
    let Some(segment) = find_segment(view.path(), sources) else {
        return Ok(());
    };
    // With a slash for an empty path, and a byte more that nginx reads.
    let capacity = view.target().len().saturating_add(2);
    let target = request.collect(cut_target(&view, sources).chain([&b" "[..]]), capacity);
    let target = target.and_then(|target| target.strip_suffix(b" "));
    let line = request.request_line();
    let masked = masked_request_line(line, sources);
    // A mask may be longer than what it stands for.
    let masked = request.collect(masked, line.len().saturating_mul(2));
    let (Some(target), Some(masked)) = (target, masked) else {
        return Err(INTERNAL_SERVER_ERROR);
    };
    state::begin_cut(request, target, segment).ok_or(INTERNAL_SERVER_ERROR)?;
    request.set_line(target, masked);
    request.reread_target(target)
}
