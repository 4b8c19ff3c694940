//! What the module knows of a request, across internal redirects.
//!
//! nginx runs a request's phases again after an internal redirect, with the
//! module's context gone and the URI changed. What the viewer asked for is
//! therefore kept in a cleanup record of the request's pool, as nginx's realip
//! module keeps the original address. Each run decides afresh, from what the
//! viewer asked for and with the settings of the location that it runs in.

use std::cell::{Cell, RefCell};
use std::ptr;

use ngx::ffi::{NGX_LOG_INFO, ngx_int_t, ngx_table_elt_t, ngx_uint_t};
use ngx::ngx_log_error;

use media_token::clean;
use media_token::cors::Allowed;
use media_token::session::SessionArgument;
use media_token::{Carried, Credential, Decision, RequestView, Source};

use crate::conf::{Application, Settings};
use crate::lines::Received;
use crate::request::{Hop, INTERNAL_SERVER_ERROR, Location, NOT_FOUND, Request};

/// The state of one request. Shared with the variables, which nginx may ask for
/// at any time, hence the cells.
pub struct State<'r> {
    /// What the viewer asked for, as it came over the wire.
    pub target: &'r [u8],
    /// The request target without credentials.
    pub clean_target: Cell<&'r [u8]>,
    /// What applies in this run of the phases.
    pub run: RefCell<Run<'r>>,
    /// The newest decision; it outlives runs in which the guard is off.
    pub decision: Cell<Option<Decision<'r>>>,
    /// What the response needs.
    pub headers: Headers<'r>,
    /// The run that answers a refusal, which is not guarded again.
    exempt: Cell<Option<Hop>>,
    /// The `Location` of our redirect.
    pub location: Cell<Option<Location>>,
    /// What was cut out of the path.
    pub segment: Option<&'r Credential<'r>>,
    /// Whether the guard of a location that takes credentials from the path has
    /// seen this one.
    segment_seen: Cell<bool>,
    /// Whether memory was short when a variable of ours was asked for.
    pub lacks_memory: Cell<bool>,
    /// Whether a handler of ours has prepared this run of the phases.
    prepared: Cell<bool>,
    /// Header lines as they were before credentials were taken out, in their order.
    originals: Cell<Option<&'r Original<'r>>>,
}

/// How many header lines are kept as they came: some more than the credentials that
/// are looked at, so that a request full of them costs no more than its length.
const MAX_ORIGINALS: usize = 16;

/// A header line as it came.
pub struct Original<'r> {
    line: *const ngx_table_elt_t,
    /// nginx's mark of a line that is there.
    pub hash: ngx_uint_t,
    pub name: &'r [u8],
    pub value: &'r [u8],
    next: Cell<Option<&'r Original<'r>>>,
}

/// Headers that the response needs.
#[derive(Default)]
pub struct Headers<'r> {
    /// `Cache-Control: no-store`, whatever else was set.
    pub no_store: Cell<bool>,
    /// Nothing that lets shared caches keep it.
    pub private: Cell<bool>,
    /// `Referrer-Policy`.
    pub referrer_policy: Cell<Option<&'static str>>,
    /// `Vary`, beside what others vary by: of all runs.
    pub vary: Cell<Option<&'r [u8]>>,
    /// Until when the response may be kept, in Unix time.
    pub cap: Cell<Option<i64>>,
    /// Whether the grant has been handed over to a cookie.
    pub handed_over: Cell<bool>,
    /// What scripts of other origins are told.
    pub cors: Cell<Option<&'r Cors<'r>>>,
    /// Whether a session id came in the URL.
    pub session_in_url: Cell<bool>,
    /// The session that was made a cookie, which the client must not be sent.
    pub session: Cell<Option<&'r SessionArgument>>,
}

/// What scripts of another origin are told.
pub struct Cors<'r> {
    /// What is said, if the origin is allowed anything.
    pub allowed: Option<Allowed<'r>>,
    /// What the preflight asked for that is being answered.
    pub preflight: Option<Preflight<'r>>,
}

/// What a preflight asks for.
#[derive(Clone, Copy)]
pub struct Preflight<'r> {
    /// A method.
    pub method: &'r [u8],
    /// Names of headers.
    pub headers: Option<&'r [u8]>,
}

/// One run of the phases.
// It stays where it is, in the request's pool, and nearly always is the large one.
#[allow(clippy::large_enum_variant)]
pub enum Run<'r> {
    /// It could not be prepared; until it is, nothing may be let through.
    Failed,
    /// The guard is off here, or this run answers a refusal (`error_page`, a
    /// named location).
    Unguarded,
    /// The guard is on.
    Guarded(Guarded<'r>),
}

/// What a guarded run decides about.
pub struct Guarded<'r> {
    /// What the viewer asked for.
    pub view: RequestView<'r>,
    /// The credentials in it.
    pub carried: Carried<'r>,
    /// The application's URL, evaluated if it holds variables.
    pub application: &'r [u8],
}

/// Whether the guard is on in a run.
enum Guard {
    On,
    /// The application's URL evaluates to `off`.
    Off,
}

/// The state of this run, made if this is the run's first handler of ours.
/// `None` where the guard is off and has always been.
///
/// # Errors
/// A status, when memory is short.
#[inline]
pub fn prepare<'r>(request: Request<'r>) -> Result<Option<&'r State<'r>>, ngx_int_t> {
    match request.context() {
        Some(state) if state.prepared.get() => Ok(Some(state)),
        context => begin(request, context),
    }
}

// Once in each run, while `prepare` is called by several handlers.
#[inline(never)]
fn begin<'r>(
    request: Request<'r>,
    context: Option<&'r State<'r>>,
) -> Result<Option<&'r State<'r>>, ngx_int_t> {
    let settings = request.settings();
    let state = match (context.or_else(|| request.earlier_state()), settings) {
        (None, None) => return Ok(None),
        (Some(state), _) => {
            state.set_run(Run::Failed)?;
            state
        }
        (None, Some(_)) => request
            .keep(State::new(request.target(), None))
            .ok_or(INTERNAL_SERVER_ERROR)?,
    };
    request.set_context(state);
    state.prepared.set(true);
    let exempt = (state.exempt.take()).is_some_and(|hop| hop == request.hop());
    if state.segment.is_some() && !exempt {
        state.admit_segment(request, settings)?;
    }
    let mut run = state.run.try_borrow_mut();
    let run = run.as_mut().map_err(|_| INTERNAL_SERVER_ERROR)?;
    **run = Run::Unguarded;
    if let Some(settings) = settings.filter(|_| !exempt) {
        // Filled where it will stay, since it is what most of the time goes to.
        **run = Run::Guarded(Guarded {
            view: RequestView::with_query(state.target, request.args()),
            carried: Carried::default(),
            application: b"",
        });
        if let Run::Guarded(guarded) = &mut **run {
            match state.enter(request, settings, guarded) {
                Some(Guard::On) => {}
                Some(Guard::Off) => **run = Run::Unguarded,
                None => {
                    **run = Run::Failed;
                    return Err(INTERNAL_SERVER_ERROR);
                }
            }
        }
    }
    Ok(Some(state))
}

/// Begins a request that has been given another target, unless it has begun already.
/// `None` when memory is short.
pub fn begin_with<'r>(request: Request<'r>, target: &'r [u8]) -> Option<&'r State<'r>> {
    let begun = request.context().or_else(|| request.earlier_state());
    let state = match begun {
        Some(state) => state,
        None => request.keep(State::new(target, None))?,
    };
    request.set_context(state);
    Some(state)
}

/// Begins a request with a credential cut out of its path. `None` when memory is short.
pub fn begin_cut<'r>(
    request: Request<'r>,
    target: &'r [u8],
    segment: Credential<'r>,
) -> Option<()> {
    let segment = request.allocate(segment)?;
    let state = request.keep(State::new(target, Some(segment)))?;
    request.set_context(state);
    Some(())
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

    fn new(target: &'r [u8], segment: Option<&'r Credential<'r>>) -> Self {
        Self {
            target,
            clean_target: Cell::new(target),
            run: RefCell::new(Run::Failed),
            decision: Cell::new(None),
            headers: Headers::default(),
            exempt: Cell::new(None),
            location: Cell::new(None),
            segment,
            segment_seen: Cell::new(false),
            lacks_memory: Cell::new(false),
            prepared: Cell::new(false),
            originals: Cell::new(None),
        }
    }

    /// A path that held a credential must not be another name of what no guard that
    /// knows of such credentials protects; the page of an error may be what it is.
    fn admit_segment(
        &self,
        request: Request<'r>,
        settings: Option<&'r Settings>,
    ) -> Result<(), ngx_int_t> {
        if settings.is_some_and(Settings::takes_segments) {
            self.segment_seen.set(true);
        } else if !self.segment_seen.get() && !request.is_error_page() {
            ngx_log_error!(
                NGX_LOG_INFO,
                request.log(),
                "crossdomain_media: a credential in the path, where none is taken from it"
            );
            self.set_run(Run::Unguarded)?;
            self.exempt_next_hop(request);
            return Err(NOT_FOUND);
        }
        Ok(())
    }

    /// Keeps a header line as it came. `None` when memory is short.
    pub fn keep_original(
        &self,
        request: Request<'r>,
        line: &ngx_table_elt_t,
        name: &'r [u8],
        value: &'r [u8],
    ) -> Option<()> {
        // Changed in an earlier run, or more than anybody needs.
        if self.original(line).is_some() || self.originals().count() >= MAX_ORIGINALS {
            return Some(());
        }
        let original = request.allocate(Original {
            line,
            hash: line.hash,
            name,
            value,
            next: Cell::new(None),
        })?;
        match self.originals().last() {
            Some(last) => last.next.set(Some(original)),
            None => self.originals.set(Some(original)),
        }
        Some(())
    }

    /// The header lines that have been changed, as they were.
    pub fn originals(&self) -> impl Iterator<Item = &'r Original<'r>> + use<'r> {
        std::iter::successors(self.originals.get(), |original| original.next.get())
    }

    /// A header line as it was, if it has been changed.
    pub fn original(&self, line: &ngx_table_elt_t) -> Option<&'r Original<'r>> {
        self.originals()
            .find(|original| ptr::eq(original.line, line))
    }

    /// Begins a run in a guarded location. `None` when memory is short.
    fn enter(
        &self,
        request: Request<'r>,
        settings: &'r Settings,
        guarded: &mut Guarded<'r>,
    ) -> Option<Guard> {
        let sources = &settings.policy.sources;
        let received = Received {
            request,
            state: self,
        };
        guarded.carried.add(&guarded.view, &received, sources);
        let (view, carried) = (&guarded.view, &guarded.carried);

        // Cleaned is what nginx holds, not what the viewer asked for: an earlier
        // run may already have taken other credentials out.
        let untouched = std::ptr::eq(request.target(), self.target);
        let rewritten;
        let current = match untouched {
            true => view,
            false => {
                rewritten = RequestView::new(request.target());
                &rewritten
            }
        };
        let parts = match untouched {
            true => carried.clean_parts(view),
            false => None,
        };
        self.clean_target.set(match parts {
            Some([whole, b""]) => whole,
            Some(parts) => request.collect(parts.into_iter(), current.target().len())?,
            None if !carried.in_query() && current.target().starts_with(b"/") => current.target(),
            None => clean_target(request, current, sources)?,
        });

        let (args, line) = (request.args(), request.request_line());
        if settings.strip {
            self.strip(request, settings, current, carried)?;
        }
        // After stripping, so that no variable brings the credential back.
        if let Application::Variable(value, _) = &*settings.application {
            guarded.application = request.evaluate(value)?;
            // What was empty for that alone must not switch the guard off.
            if self.lacks_memory.get() {
                return None;
            }
        }
        if guarded.application == b"off" {
            request.set_args(args);
            request.set_line(current.target(), line);
            request.restore_lines(self);
            return Some(Guard::Off);
        }
        if settings.strip && settings.reads_lines {
            request.remove_empty_lines()?;
        }
        // Whoever grants it in the end.
        if carried.in_url() {
            self.headers.referrer_policy.set(settings.referrer_policy);
        }
        let answers = !settings.responses.dry_run;
        self.headers.cors.set(match settings.cors.as_deref() {
            Some(origins) => Some(request.cors(origins, answers)?),
            None => None,
        });
        if let Some(names) = settings.varies_by.as_deref() {
            let names = names.as_bytes();
            self.headers.vary.set(Some(match self.headers.vary.get() {
                Some(earlier) if earlier != names => {
                    request.join([earlier, b", ", names].into_iter())?
                }
                _ => names,
            }));
        }
        Some(Guard::On)
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
            if carried.in_query() {
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
        if settings.reads_lines {
            request.strip_lines(self, sources)?;
        }
        if !carried.in_query() {
            return Some(());
        }
        let line = request.request_line();
        // In a later run the credential no longer stands where it stood.
        let parts = match std::ptr::eq(current.target(), self.target) {
            true => carried.masked_parts(current, line),
            false => None,
        };
        let masked = match parts {
            Some([before, mask, after]) => {
                // No longer than that.
                let capacity = line.len().saturating_add(mask.len());
                request.collect([before, mask, after].into_iter(), capacity)?
            }
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
    request.collect(clean::clean_target(current, sources), capacity)
}

#[cold]
#[inline(never)]
fn clean_query<'r>(request: Request<'r>, args: &[u8], sources: &[Source]) -> Option<&'r [u8]> {
    request.collect(clean::clean_query(args, sources), args.len())
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
    request.collect(clean::masked_request_line(line, sources), capacity)
}
