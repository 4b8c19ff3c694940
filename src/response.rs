//! From a decision to nginx: one log line, headers, and a return code.

use ngx::core::NgxStr;
use ngx::ffi::{NGX_HTTP_MOVED_TEMPORARILY, NGX_LOG_ERR, NGX_LOG_WARN, ngx_int_t, ngx_uint_t};
use ngx::ngx_log_error;

use media_token::hand_over::{HandOver, SetCookie};
use media_token::{Answer, Decision, Destination, Env, Grant, Source};

use crate::conf::{Application, Settings};
use crate::cors;
use crate::module::{DECLINED, OK};
use crate::request::{INTERNAL_SERVER_ERROR, Request};
use crate::state::{Guarded, Run, State};
use crate::viewer::Viewer;

/// Whether the settings can decide about this request at all: there is a key,
/// and the application's URL is one.
///
/// # Errors
/// What the access handler returns otherwise: 500, or nothing in a dry run.
pub fn check<'r>(
    request: Request<'_>,
    settings: &'r Settings,
    state: &State<'_>,
    application: &'r [u8],
) -> Result<Destination<'r>, ngx_int_t> {
    let broken = || match settings.responses.dry_run {
        true => DECLINED,
        false => {
            state.headers.no_store.set(true);
            INTERNAL_SERVER_ERROR
        }
    };
    if settings.policy.keys.iter().all(|key| key.mints()) {
        ngx_log_error!(
            NGX_LOG_ERR,
            request.log(),
            "crossdomain_media: the server is guarded, but no crossdomain_media_key applies outside its locations"
        );
        return Err(broken());
    }
    let destination = match &*settings.application {
        Application::Fixed(url) => Ok(url.destination()),
        Application::Variable(_, template) => template.destination(application),
    };
    destination.map_err(|error| {
        ngx_log_error!(
            NGX_LOG_ERR,
            request.log(),
            "crossdomain_media: the URL evaluates to \"{}\": {error}",
            NgxStr::from_bytes(application)
        );
        broken()
    })
}

/// Carries a decision out.
///
/// # Errors
/// A status, when memory is short.
#[inline]
pub fn send<'r>(
    request: Request<'r>,
    settings: &'r Settings,
    state: &State<'r>,
    decision: &Decision<'r>,
    destination: Destination<'r>,
) -> Result<ngx_int_t, ngx_int_t> {
    match decision {
        Decision::Granted(grant) => {
            // A token from the future is worth a line.
            if grant.seconds_ahead().is_some() {
                log(request, settings, state, decision);
            }
            admit(request, settings, state, grant)
        }
        Decision::Refused(_) => {
            log(request, settings, state, decision);
            refuse(request, settings, state, decision, destination)
        }
    }
}

/// Lets a granted request pass, with what its response needs.
fn admit<'r>(
    request: Request<'r>,
    settings: &'r Settings,
    state: &State<'r>,
    grant: &Grant<'r>,
) -> Result<ngx_int_t, ngx_int_t> {
    let headers = &state.headers;
    headers.no_store.set(false);
    let source = settings.policy.sources.get(grant.source);
    let is_shareable = source.is_some_and(Source::is_for_shared_caches);
    if grant.is_for_address || !is_shareable {
        // Also when another run grants it by other means.
        headers.private.set(true);
    }
    if settings.loop_guard.is_some() && request.redirects(state) != 0 {
        request
            .set_redirects(state, 0)
            .ok_or(INTERNAL_SERVER_ERROR)?;
    }
    if settings.cache_control {
        headers.cap.set(Some(match headers.cap.get() {
            Some(earlier) => earlier.min(grant.expires),
            None => grant.expires,
        }));
    }
    // A dry run must not grant either what others refuse (`satisfy any`).
    Ok(match settings.responses.dry_run {
        true => DECLINED,
        false => OK,
    })
}

/// Answers a request that is not granted, unless a dry run lets it pass.
// Apart from grants, which need less.
#[inline(never)]
fn refuse<'r>(
    request: Request<'r>,
    settings: &'r Settings,
    state: &State<'r>,
    decision: &Decision<'r>,
    destination: Destination<'r>,
) -> Result<ngx_int_t, ngx_int_t> {
    let answer = match settings.responses.respond(decision) {
        // Scripts are not redirected.
        Some(Answer::Redirect(_))
            if !is_script(request, settings)
                && goes_in_circles(request, settings, state, decision) =>
        {
            Some(settings.responses.instead_of_a_loop())
        }
        answer => answer,
    };
    let headers = &state.headers;
    headers
        .no_store
        .set(answer.is_some_and(|answer| answer.is_uncacheable()));
    let Some(answer) = answer else {
        return Ok(DECLINED);
    };
    state.exempt_next_hop(request);
    // Of these two nginx itself makes one with what other handlers said.
    if !matches!(answer, Answer::Status(401 | 403)) {
        request.overrule_access_handlers();
    }
    match answer {
        Answer::Status(status) => Ok(status as ngx_int_t),
        Answer::HandOver(name) => {
            // What it says to other origins is its own affair.
            headers.cors.set(None);
            Ok(request.go_to_named_location(name))
        }
        Answer::Redirect(_) if is_script(request, settings) => {
            cors::refuse(request, state, decision, destination)
        }
        Answer::Redirect(status) => {
            count_redirect(request, settings, state).ok_or(INTERNAL_SERVER_ERROR)?;
            let location = request
                .join_location(destination, state.clean_target.get())
                .and_then(|url| request.set_location(url))
                .ok_or(INTERNAL_SERVER_ERROR)?;
            state.location.set(Some(location));
            state.headers.referrer_policy.set(settings.referrer_policy);
            Ok(status as ngx_int_t)
        }
    }
}

/// Whether who asks is told where to go, instead of being sent there.
fn is_script(request: Request<'_>, settings: &Settings) -> bool {
    settings.cors.is_some() && request.is_script()
}

/// Whether the viewer has been sent to the application too often in a row; that is
/// worth a line.
fn goes_in_circles<'r>(
    request: Request<'r>,
    settings: &Settings,
    state: &State<'r>,
    decision: &Decision<'_>,
) -> bool {
    let Some(most) = settings.loop_guard else {
        return false;
    };
    let count = request.redirects(state);
    if count < most {
        return false;
    }
    if let Decision::Refused(refusal) = decision {
        let reason = refusal.reason.as_str();
        let key = Key(refusal.key_id);
        let age = Age(refusal.age);
        ngx_log_error!(
            NGX_LOG_WARN,
            request.log(),
            "crossdomain_media: a redirect loop ends: {count} times the viewer came back without a \
             token that holds, reason: {reason}{key}{age}: do the application's clock, key and \
             rules agree with this server's?"
        );
    }
    true
}

/// Counts a redirect, in the viewer's cookie. `None` when memory is short.
fn count_redirect<'r>(request: Request<'r>, settings: &Settings, state: &State<'r>) -> Option<()> {
    match settings.loop_guard {
        Some(_) => request.set_redirects(state, request.redirects(state).saturating_add(1)),
        None => Some(()),
    }
}

/// Hands a grant over to cookies, where it can be. Where that is wanted, a viewer who
/// navigates is sent to the URL without the token, instead of `granted`.
///
/// # Errors
/// A status, when memory is short.
#[cold]
#[inline(never)]
pub fn hand_over<'r>(
    request: Request<'r>,
    settings: &Settings,
    state: &State<'r>,
    hand_over: &HandOver,
    grant: &Grant<'_>,
    viewer: &mut Viewer<'r>,
    granted: ngx_int_t,
) -> Result<ngx_int_t, ngx_int_t> {
    let run = state.run.try_borrow().map_err(|_| INTERNAL_SERVER_ERROR)?;
    let Run::Guarded(Guarded { view, carried, .. }) = &*run else {
        return Ok(granted);
    };
    let now = request.now();
    let cookies = hand_over.cookies(view, carried, &settings.policy, grant, now, viewer);
    if cookies.is_empty() {
        return Ok(granted);
    }
    for SetCookie(cookie) in &cookies {
        request
            .collect(std::iter::once(&cookie[..]), cookie.len())
            .and_then(|value| request.add_header("Set-Cookie", value))
            .ok_or(INTERNAL_SERVER_ERROR)?;
    }
    state.headers.handed_over.set(true);
    // It must not be another viewer's.
    state.headers.private.set(true);
    let has_token = !std::ptr::eq(state.clean_target.get(), state.target);
    if !hand_over.redirects || !has_token || !request.is_navigation() {
        return Ok(granted);
    }
    let Some(Ok(here)) = viewer.origin().map(Destination::parse) else {
        return Ok(granted);
    };
    let location = request
        .join_location(here, state.clean_target.get())
        .and_then(|url| request.set_location(url))
        .ok_or(INTERNAL_SERVER_ERROR)?;
    state.location.set(Some(location));
    state.headers.no_store.set(true);
    state.exempt_next_hop(request);
    request.overrule_access_handlers();
    Ok(NGX_HTTP_MOVED_TEMPORARILY as ngx_int_t)
}

#[inline(never)]
fn log(request: Request<'_>, settings: &Settings, state: &State<'_>, decision: &Decision<'_>) {
    let log = request.log();
    let uri = NgxStr::from_bytes(state.clean_target.get());
    let dry_run = match settings.responses.dry_run {
        true => "dry run, ",
        false => "",
    };
    let level: ngx_uint_t = settings.log_level;
    match decision {
        Decision::Granted(grant) => {
            if let Some(ahead) = grant.seconds_ahead() {
                let key = Key(grant.key_id);
                ngx_log_error!(
                    level,
                    log,
                    "crossdomain_media: granted, token dated {ahead}s in the future{key}, uri: \"{uri}\""
                );
            }
        }
        Decision::Refused(refusal) => {
            let status = decision.status().as_str();
            let reason = refusal.reason.as_str();
            let key = Key(refusal.key_id);
            let age = Age(refusal.age);
            ngx_log_error!(
                level,
                log,
                "crossdomain_media: {dry_run}{status}, reason: {reason}{key}{age}, uri: \"{uri}\""
            );
        }
    }
}

/// `, key: "ID"`, where a key is known and has an id.
struct Key<'k>(Option<&'k str>);

impl std::fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |id| write!(f, ", key: \"{id}\""))
    }
}

/// `, age: 121s`, where a signature vouches for it.
struct Age(Option<i64>);

impl std::fmt::Display for Age {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |age| write!(f, ", age: {age}s"))
    }
}
