//! What the module knows of a request, across internal redirects.
//!
//! nginx runs a request's phases again after an internal redirect, with the
//! module's context gone and the URI changed. What the viewer asked for is
//! therefore kept in a cleanup record of the request's pool, as nginx's realip
//! module keeps the original address. Each run decides afresh, from what the
//! viewer asked for and with the settings of the location that it runs in.

use std::cell::{Cell, RefCell};

use ngx::ffi::ngx_int_t;

use media_token::source::{self, Carried};
use media_token::{Decision, RequestView, Source, take};

use crate::conf::{Application, Settings};
use crate::request::{Hop, INTERNAL_SERVER_ERROR, Location, Request};

/// The state of one request. Shared with the variables, which nginx may ask for
/// at any time, hence the cells.
pub struct State<'r> {
    /// What the viewer asked for, as it came over the wire.
    target: &'r [u8],
    /// The request target without credentials.
    pub clean_target: Cell<&'r [u8]>,
    /// What applies in this run of the phases.
    pub run: RefCell<Run<'r>>,
    /// The newest decision; it outlives runs in which the guard is off.
    pub decision: Cell<Option<Decision<'r>>>,
    /// What the response needs.
    pub headers: Cell<Headers>,
    /// The run that answers a refusal, which is not guarded again.
    exempt: Cell<Option<Hop>>,
    /// The `Location` of our redirect.
    pub location: Cell<Option<Location>>,
}

/// Headers that the response needs.
#[derive(Clone, Copy, Default)]
pub struct Headers {
    /// `Cache-Control: no-store`, whatever else was set.
    pub no_store: bool,
    /// `Referrer-Policy`.
    pub referrer_policy: Option<&'static str>,
}

/// One run of the phases.
pub enum Run<'r> {
    /// It could not be prepared; until it is, nothing may be let through.
    Failed,
    /// The guard is off here, or this run answers a refusal (`error_page`, a
    /// named location).
    Unguarded,
    /// The guard is on.
    Guarded {
        /// What the viewer asked for.
        view: RequestView<'r>,
        /// The credentials in it.
        carried: Carried<'r>,
        /// The application's URL, evaluated if it holds variables.
        application: &'r [u8],
    },
}

/// The state of this run, made if this is the run's first handler of ours.
/// `None` where the guard is off and has always been.
///
/// # Errors
/// A status, when memory is short.
#[inline]
pub fn prepare<'r>(request: Request<'r>) -> Result<Option<&'r State<'r>>, ngx_int_t> {
    match (request.context(), request.settings()) {
        (Some(state), _) => Ok(Some(state)),
        (None, settings) => begin(request, settings),
    }
}

fn begin<'r>(
    request: Request<'r>,
    settings: Option<&'r Settings>,
) -> Result<Option<&'r State<'r>>, ngx_int_t> {
    let state = match (request.earlier_state(), settings) {
        (None, None) => return Ok(None),
        (Some(state), _) => {
            state.set_run(Run::Failed)?;
            state
        }
        (None, Some(_)) => request
            .keep(State::new(request.target()))
            .ok_or(INTERNAL_SERVER_ERROR)?,
    };
    request.set_context(state);
    let exempt = state.exempt.take() == Some(request.hop());
    state.set_run(match settings {
        Some(settings) if !exempt => state
            .enter(request, settings)
            .ok_or(INTERNAL_SERVER_ERROR)?,
        _ => Run::Unguarded,
    })?;
    Ok(Some(state))
}

impl<'r> State<'r> {
    /// Has the next hop pass unguarded: the page of an `error_page`, or a named
    /// location. Only that one, and only if it does not lead on.
    pub fn exempt_next_hop(&self, request: Request<'r>) {
        self.exempt.set(Some(request.hop().next()));
    }

    /// The answer is being sent, so no page will follow it.
    pub fn answered(&self) {
        self.exempt.set(None);
    }

    /// Nobody holds a borrow of the run across a call into nginx; if somebody did,
    /// the request would fail, and not the worker.
    fn set_run(&self, run: Run<'r>) -> Result<(), ngx_int_t> {
        let mut current = self.run.try_borrow_mut();
        let current = current.as_mut().map_err(|_| INTERNAL_SERVER_ERROR)?;
        **current = run;
        Ok(())
    }

    fn new(target: &'r [u8]) -> Self {
        Self {
            target,
            clean_target: Cell::new(target),
            run: RefCell::new(Run::Failed),
            decision: Cell::new(None),
            headers: Cell::new(Headers::default()),
            exempt: Cell::new(None),
            location: Cell::new(None),
        }
    }

    /// Begins a run in a guarded location. `None` when memory is short.
    fn enter(&self, request: Request<'r>, settings: &'r Settings) -> Option<Run<'r>> {
        let sources = &settings.policy.sources;
        let view = RequestView::new(self.target);
        let carried = take(&view, sources);

        // Cleaned is what nginx holds, not what the viewer asked for: an earlier
        // run may already have taken other credentials out.
        let untouched = std::ptr::eq(request.target(), self.target);
        let current = match untouched {
            true => view,
            false => RequestView::new(request.target()),
        };
        let parts = match untouched {
            true => carried.clean_parts(&view),
            false => None,
        };
        self.clean_target.set(match parts {
            Some([whole, b""]) => whole,
            Some(parts) => request.collect(parts.into_iter(), current.target().len())?,
            None if carried.is_empty() && current.target().starts_with(b"/") => current.target(),
            None => clean_target(request, &current, sources)?,
        });

        let (args, line) = (request.args(), request.request_line());
        if settings.strip {
            self.strip(request, settings, &current, &carried)?;
        }
        // After stripping, so that no variable brings the credential back.
        let application: &[u8] = match &*settings.application {
            Application::Fixed(_) => b"",
            Application::Variable(value, _) => request.evaluate(value)?,
        };
        if application == b"off" {
            request.set_args(args);
            request.set_line(current.target(), line);
            return Some(Run::Unguarded);
        }
        if carried.in_url() {
            // Whoever grants it in the end.
            self.headers.set(Headers {
                referrer_policy: settings.referrer_policy,
                ..self.headers.get()
            });
        }
        Some(Run::Guarded {
            view,
            carried,
            application,
        })
    }

    /// Leaves the request as if it had come without credentials.
    fn strip(
        &self,
        request: Request<'r>,
        settings: &'r Settings,
        current: &RequestView<'r>,
        carried: &Carried<'_>,
    ) -> Option<()> {
        let sources = &settings.policy.sources;
        let clean_target = self.clean_target.get();
        let args = request.args();
        if std::ptr::eq(args, current.query().unwrap_or_default()) {
            if !carried.is_empty() {
                // The path is the same, or empty and now a slash.
                let path_len = current.path().len();
                let query = clean_target.get(path_len.saturating_add(1)..);
                request.set_args(query.unwrap_or_default());
            }
        } else if !args.is_empty() {
            // Changed by a rewrite or brought by an internal redirect, or cut by
            // nginx at a `#`.
            request.set_args(clean_query(request, args, sources)?);
        }
        if carried.is_empty() {
            return Some(());
        }
        let line = request.request_line();
        // In a later run the credential no longer stands where it stood.
        let parts = match std::ptr::eq(current.target(), self.target) {
            true => carried.masked_parts(current, line),
            false => None,
        };
        let masked = match parts {
            Some(parts) => request.join(parts.into_iter())?,
            None => masked_request_line(request, line, sources)?,
        };
        request.set_line(clean_target, masked);
        Some(())
    }
}

// What few requests need, apart from what nearly all do.

#[cold]
#[inline(never)]
fn clean_target<'r>(
    request: Request<'r>,
    current: &RequestView<'_>,
    sources: &[Source],
) -> Option<&'r [u8]> {
    // One byte more, for the slash that an empty path stands for.
    let capacity = current.target().len().checked_add(1)?;
    request.collect(source::clean_target(current, sources), capacity)
}

#[cold]
#[inline(never)]
fn clean_query<'r>(request: Request<'r>, args: &[u8], sources: &[Source]) -> Option<&'r [u8]> {
    request.collect(source::clean_query(args, sources), args.len())
}

#[cold]
#[inline(never)]
fn masked_request_line<'r>(
    request: Request<'r>,
    line: &[u8],
    sources: &[Source],
) -> Option<&'r [u8]> {
    // A mask may be longer than what it stands for.
    let capacity = line.len().checked_mul(2)?;
    request.collect(source::masked_request_line(line, sources), capacity)
}
