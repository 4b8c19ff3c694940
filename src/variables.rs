//! `$crossdomain_media_*`.

use std::rc::Rc;

use ngx::ffi::{
    NGX_HTTP_VAR_NOCACHEABLE, ngx_conf_t, ngx_http_add_variable, ngx_http_request_t,
    ngx_http_variable_value_t, ngx_int_t, ngx_str_t, ngx_uint_t,
};
use ngx::ngx_string;

use media_token::{Decision, Grant, Origin, OutOfMemory};

use crate::module::{ERROR, OK, Table};
use crate::request::Request;
use crate::state::State;

/// A variable: what it is for a request that has been seen by the guard, if anything.
type Getter = for<'r> fn(Request<'r>, &State<'r>) -> Value<'r>;
type Value<'r> = Result<Option<&'r [u8]>, OutOfMemory>;

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

fn status<'r>(_: Request<'r>, state: &State<'r>) -> Value<'r> {
    let decision = state.decision.get();
    Ok(decision.map(|decision| decision.status().as_str().as_bytes()))
}

fn reason<'r>(_: Request<'r>, state: &State<'r>) -> Value<'r> {
    let decision = state.decision.get();
    Ok(decision.map(|decision| decision.reason().as_bytes()))
}

fn key_id<'r>(_: Request<'r>, state: &State<'r>) -> Value<'r> {
    let id = grant(state).and_then(|grant| grant.key_id);
    Ok(id.map(str::as_bytes))
}

fn subject<'r>(_: Request<'r>, state: &State<'r>) -> Value<'r> {
    let subject = grant(state).and_then(|grant| grant.subject);
    Ok(subject.map(str::as_bytes))
}

fn number<'r>(request: Request<'r>, number: Option<i64>) -> Value<'r> {
    number
        .map(|number| request.collect_number(number).ok_or(OutOfMemory))
        .transpose()
}

fn expires<'r>(request: Request<'r>, state: &State<'r>) -> Value<'r> {
    number(request, grant(state).map(|grant| grant.expires))
}

fn remaining<'r>(request: Request<'r>, state: &State<'r>) -> Value<'r> {
    let remaining = |grant: Grant<'_>| {
        // Within the leeway nothing remains.
        grant.expires.saturating_sub(request.now()).max(0)
    };
    number(request, grant(state).map(remaining))
}

fn uri<'r>(_: Request<'r>, state: &State<'r>) -> Value<'r> {
    Ok(Some(state.clean_target.get()))
}

fn return_url<'r>(request: Request<'r>, state: &State<'r>) -> Value<'r> {
    let origin = request.conf().and_then(|conf| conf.public_url.as_ref());
    let url = |origin: &Rc<Origin>| {
        let url = request.join(origin.return_url(state.clean_target.get()));
        url.ok_or(OutOfMemory)
    };
    origin.map(url).transpose()
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
    let text = match state.zip(VARIABLES.0.get(index)) {
        Some((state, (_, getter))) => match getter(request, state) {
            Ok(text) => text,
            Err(OutOfMemory) => {
                // nginx takes an error for an empty text.
                state.lacks_memory.set(true);
                return ERROR;
            }
        },
        None => None,
    };
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
