//! Decides about the request, and answers it.

use ngx::ffi::{ngx_http_request_t, ngx_int_t};

use media_token::{Decision, decide};

use crate::metrics;
use crate::module::DECLINED;
use crate::request::{INTERNAL_SERVER_ERROR, Request};
use crate::response;
use crate::state::{self, Run};
use crate::viewer::Viewer;

pub unsafe extern "C" fn handler(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx passes a request that lives until we return.
    let Some(request) = (unsafe { Request::new(r) }) else {
        return INTERNAL_SERVER_ERROR;
    };
    match request.concerns_us() {
        true => answer(request).unwrap_or_else(|status| status),
        false => DECLINED,
    }
}

// Apart, so that its frame is not made where there is nothing to do.
#[inline(never)]
fn answer(request: Request<'_>) -> Result<ngx_int_t, ngx_int_t> {
    // Not only in preaccess: a handler of that phase may have ended it before
    // ours was reached.
    let (Some(state), Some(settings)) = (state::prepare(request)?, request.settings()) else {
        return Ok(DECLINED);
    };
    let run = state.run.try_borrow().map_err(|_| INTERNAL_SERVER_ERROR)?;
    let (view, carried, application) = match &*run {
        Run::Guarded(guarded) => (&guarded.view, &guarded.carried, guarded.application),
        Run::Unguarded => return Ok(DECLINED),
        Run::Failed => return Err(INTERNAL_SERVER_ERROR),
    };
    let destination = response::check(request, settings, state, application)?;
    let mut viewer = Viewer::new(request);
    let counted = (settings.counter.as_ref()).map(|counter| (counter, metrics::now()));
    let decided = decide(view, carried, &settings.policy, request.now(), &mut viewer);
    // A named location runs the phases again.
    drop(run);
    state.decision.set(decided.ok());
    let Ok(decision) = &decided else {
        return Err(INTERNAL_SERVER_ERROR);
    };
    if let Some((counter, begun)) = counted {
        counter.count(decision, begun);
    }
    let answer = response::send(request, settings, state, decision, destination)?;
    match (decision, settings.hand_over.as_deref()) {
        // Once: not again where an index or the page of an error is granted too.
        (Decision::Granted(grant), Some(hand_over))
            if !settings.responses.dry_run && !state.headers.handed_over.get() =>
        {
            response::hand_over(
                request,
                settings,
                state,
                hand_over,
                grant,
                &mut viewer,
                answer,
            )
        }
        _ => Ok(answer),
    }
}
