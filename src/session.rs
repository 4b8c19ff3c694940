//! Gives the application a session that came in the query, for clients without
//! cookies.

use ngx::ffi::{NGX_LOG_INFO, ngx_int_t};
use ngx::ngx_log_error;

use media_token::RequestView;
use media_token::session::{Found, MAX_ID, SessionArgument};

use crate::request::{BAD_REQUEST, FORBIDDEN, INTERNAL_SERVER_ERROR, Request};
use crate::state::{self, State};

/// Takes a session id out of the query, wherever the request goes on to, and makes a
/// cookie of it.
///
/// # Errors
/// A status: for a session that must not be taken, or when memory is short.
// Apart from what all requests need.
#[inline(never)]
pub fn take<'r>(request: Request<'r>, session: &'r SessionArgument) -> Result<(), ngx_int_t> {
    let view = RequestView::with_query(request.target(), request.args());
    let mut buffer = [0; MAX_ID];
    let Some(found) = session.find(&view, &mut buffer) else {
        return Ok(());
    };
    let state = strip(request, session, &view).ok_or(INTERNAL_SERVER_ERROR)?;
    state.headers.session_in_url.set(true);
    let refuse = |status, why: &str| {
        ngx_log_error!(
            NGX_LOG_INFO,
            request.log(),
            "crossdomain_media_session_arg: not taken: {why}"
        );
        Err(status)
    };
    if !session.is_for(request.method()) || request.has_cookie(session) {
        return Ok(());
    }
    if !session.insecure && !request.is_tls() {
        return refuse(FORBIDDEN, "the connection is not encrypted");
    }
    if request.is_cross_site() {
        return refuse(FORBIDDEN, "another site sent the client here");
    }
    let Found::Id(id) = found else {
        return refuse(BAD_REQUEST, "no cookie has such a value");
    };
    if !request.has_version() {
        return refuse(BAD_REQUEST, "HTTP/0.9 has no cookies");
    }
    let added = request.add_cookie(session.cookie.as_bytes(), id);
    added.ok_or(INTERNAL_SERVER_ERROR)?;
    state.headers.session.set(Some(session));
    Ok(())
}

/// Leaves the request as if it had come without the session id.
fn strip<'r>(
    request: Request<'r>,
    session: &'r SessionArgument,
    view: &RequestView<'r>,
) -> Option<&'r State<'r>> {
    // One byte more, for the slash that an empty path stands for.
    let capacity = view.target().len().saturating_add(1);
    let target = request.collect(session.clean_target(view), capacity)?;
    let args = request.args();
    let args = match std::ptr::eq(args, view.query().unwrap_or_default()) {
        true => RequestView::new(target).query().unwrap_or_default(),
        // Changed by a rewrite or brought by an internal redirect.
        false => request.collect(session.clean_query(args), args.len())?,
    };
    let line = request.request_line();
    // A mask may be longer than what it stands for.
    let masked = session.masked_request_line(line);
    let masked = request.collect(masked, line.len().saturating_mul(2))?;
    request.set_args(args);
    request.set_line(target, masked);
    state::begin_with(request, target)
}
