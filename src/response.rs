//! From a decision to nginx: one log line, headers, and a return code.

use ngx::core::NgxStr;
use ngx::ffi::{NGX_LOG_ERR, ngx_int_t, ngx_uint_t};
use ngx::ngx_log_error;

use media_token::{Answer, Decision, Destination, Source};

use crate::conf::{Application, Settings};
use crate::module::{DECLINED, OK};
use crate::request::{INTERNAL_SERVER_ERROR, Request};
use crate::state::State;

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
    if settings.policy.keys.is_empty() {
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
    if is_worth_a_line(decision) {
        log(request, settings, state, decision);
    }
    let answer = settings.responses.respond(decision);
    let headers = &state.headers;
    headers
        .no_store
        .set(answer.is_some_and(|answer| answer.is_uncacheable()));
    if let Decision::Granted(grant) = decision {
        let source = settings.policy.sources.get(grant.source);
        let is_shareable = source.is_some_and(Source::is_for_shared_caches);
        if grant.is_for_address || !is_shareable {
            // Also when another run grants it by other means.
            headers.private.set(true);
        }
    }
    let Some(answer) = answer else {
        // A dry run must not grant either what others refuse (`satisfy any`).
        return Ok(match settings.responses.dry_run {
            true => DECLINED,
            false => OK,
        });
    };
    state.exempt_next_hop(request);
    // Of these two nginx itself makes one with what other handlers said.
    if !matches!(answer, Answer::Status(401 | 403)) {
        request.overrule_access_handlers();
    }
    match answer {
        Answer::Status(status) => Ok(status as ngx_int_t),
        Answer::HandOver(name) => Ok(request.go_to_named_location(name)),
        Answer::Redirect(status) => {
            let location = request
                .join(destination.location(state.clean_target.get()))
                .and_then(|url| request.set_location(url))
                .ok_or(INTERNAL_SERVER_ERROR)?;
            state.location.set(Some(location));
            state.headers.referrer_policy.set(settings.referrer_policy);
            Ok(status as ngx_int_t)
        }
    }
}

/// Whether a decision is worth a line: a refusal, or a token from the future.
fn is_worth_a_line(decision: &Decision<'_>) -> bool {
    match decision {
        Decision::Granted(grant) => grant.seconds_ahead().is_some(),
        Decision::Refused(_) => true,
    }
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
