//! `$crossdomain_media_*`.

use ngx::ffi::{
    NGX_HTTP_VAR_NOCACHEABLE, ngx_conf_t, ngx_http_add_variable, ngx_http_request_t,
    ngx_http_variable_value_t, ngx_int_t, ngx_str_t, ngx_uint_t,
};
use ngx::ngx_string;

use media_token::{Decision, Grant};

use crate::module::{ERROR, OK, Table};
use crate::request::Request;
use crate::state::State;

/// A variable: what it is for a request that has been seen by the guard.
type Getter = for<'r> fn(Request<'r>, &State<'r>) -> Option<&'r [u8]>;

static VARIABLES: Table<[(ngx_str_t, Getter); 8]> = Table([
    (ngx_string!("crossdomain_media_status"), status),
    (ngx_string!("crossdomain_media_reason"), reason),
    (ngx_string!("crossdomain_media_key_id"), key_id),
    (ngx_string!("crossdomain_media_subject"), subject),
    (ngx_string!("crossdomain_media_expires"), expires),
    (ngx_string!("crossdomain_media_remaining"), remaining),
    (ngx_string!("crossdomain_media_uri"), uri),
    (ngx_string!("crossdomain_media_return_url"), return_url),
]);

fn status<'r>(_: Request<'r>, state: &State<'r>) -> Option<&'r [u8]> {
    Some(state.decision.get()?.status().as_str().as_bytes())
}

fn reason<'r>(_: Request<'r>, state: &State<'r>) -> Option<&'r [u8]> {
    Some(state.decision.get()?.reason().as_bytes())
}

fn key_id<'r>(_: Request<'r>, state: &State<'r>) -> Option<&'r [u8]> {
    grant(state)?.key_id.map(str::as_bytes)
}

fn subject<'r>(_: Request<'r>, state: &State<'r>) -> Option<&'r [u8]> {
    grant(state)?.subject.map(str::as_bytes)
}

fn expires<'r>(request: Request<'r>, state: &State<'r>) -> Option<&'r [u8]> {
    request.collect_number(grant(state)?.expires)
}

fn remaining<'r>(request: Request<'r>, state: &State<'r>) -> Option<&'r [u8]> {
    let remaining = grant(state)?.expires.saturating_sub(request.now());
    // Within the leeway nothing remains.
    request.collect_number(remaining.max(0))
}

fn uri<'r>(_: Request<'r>, state: &State<'r>) -> Option<&'r [u8]> {
    Some(state.clean_target.get())
}

fn return_url<'r>(request: Request<'r>, state: &State<'r>) -> Option<&'r [u8]> {
    let origin = request.conf()?.public_url.as_ref()?;
    request.join(origin.return_url(state.clean_target.get()))
}

fn grant<'r>(state: &State<'r>) -> Option<Grant<'r>> {
    match state.decision.get()? {
        Decision::Granted(grant) => Some(grant),
        Decision::Refused(_) => None,
    }
}

/// Declares the variables.
pub unsafe extern "C" fn add(cf: *mut ngx_conf_t) -> ngx_int_t {
    for (index, (name, _)) in VARIABLES.0.iter().enumerate() {
        let mut name = *name;
        // Not cacheable: they change with each run of the phases.
        // SAFETY: nginx passes a valid configuration context, and copies the name.
        let variable = unsafe {
            let flags = NGX_HTTP_VAR_NOCACHEABLE as ngx_uint_t;
            ngx_http_add_variable(cf, &raw mut name, flags).as_mut()
        };
        let Some(variable) = variable else {
            return ERROR;
        };
        variable.get_handler = Some(get);
        variable.data = index;
    }
    OK
}

unsafe extern "C" fn get(
    r: *mut ngx_http_request_t,
    value: *mut ngx_http_variable_value_t,
    index: usize,
) -> ngx_int_t {
    // SAFETY: nginx passes a request that lives until we return, and a value to fill.
    let (Some(request), Some(value)) = (unsafe { (Request::new(r), value.as_mut()) }) else {
        return ERROR;
    };
    let state = request.context().or_else(|| request.earlier_state());
    let text = state
        .zip(VARIABLES.0.get(index))
        .and_then(|(state, (_, getter))| getter(request, state));
    let len = text.and_then(|text| u32::try_from(text.len()).ok());
    match (text, len) {
        (Some(text), Some(len)) => {
            value.set_len(len);
            value.set_valid(1);
            value.set_no_cacheable(0);
            value.set_not_found(0);
            value.data = text.as_ptr().cast_mut();
        }
        _ => {
            value.set_valid(0);
            value.set_not_found(1);
        }
    }
    OK
}
