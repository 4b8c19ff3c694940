//! `ngx_http_request_t`, one fact at a time.
//!
//! Everything here is borrowed from the request: its pool and buffers live as
//! long as the request does, which is what the lifetime `'r` stands for. Since
//! handlers return before nginx frees the request, nothing with that lifetime
//! can outlive it.

use std::ffi::c_void;
use std::io::Write;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use ngx::ffi::{
    NGX_HTTP_BAD_REQUEST, NGX_HTTP_FORBIDDEN, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_NO_CONTENT,
    NGX_HTTP_NOT_FOUND, NGX_HTTP_UNAUTHORIZED, NGX_HTTP_VERSION_10, ngx_http_complex_value,
    ngx_http_complex_value_t, ngx_http_finalize_request, ngx_http_named_location,
    ngx_http_process_request_uri, ngx_http_request_t, ngx_int_t, ngx_list_part_t, ngx_list_push,
    ngx_list_t, ngx_log_t, ngx_palloc, ngx_parse_http_time, ngx_pnalloc, ngx_pool_cleanup_t,
    ngx_str_t, ngx_table_elt_t, ngx_time, ngx_uint_t,
};
use ngx::http::HttpModuleConfExt;

use crate::conf::{LocationConf, MainConf, Settings};
use crate::flags;
use crate::module::{self, DONE, OK};
use crate::state::State;
use media_token::Destination;
use media_token::response::{self, Keeping, capped, unshared};

pub const NO_CONTENT: ngx_int_t = NGX_HTTP_NO_CONTENT as ngx_int_t;
pub const BAD_REQUEST: ngx_int_t = NGX_HTTP_BAD_REQUEST as ngx_int_t;
pub const UNAUTHORIZED: ngx_int_t = NGX_HTTP_UNAUTHORIZED as ngx_int_t;
pub const FORBIDDEN: ngx_int_t = NGX_HTTP_FORBIDDEN as ngx_int_t;
pub const NOT_FOUND: ngx_int_t = NGX_HTTP_NOT_FOUND as ngx_int_t;
pub const INTERNAL_SERVER_ERROR: ngx_int_t = NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;

/// A request that nginx has handed to us.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    raw: NonNull<ngx_http_request_t>,
    lifetime: PhantomData<&'r ngx_http_request_t>,
}

impl<'r> Request<'r> {
    /// # Safety
    /// `r` is null, or a request that outlives `'r`.
    #[inline]
    pub unsafe fn new(r: *mut ngx_http_request_t) -> Option<Self> {
        Some(Self {
            raw: NonNull::new(r)?,
            lifetime: PhantomData,
        })
    }

    /// To read one field.
    #[inline]
    pub(crate) fn raw(&self) -> &ngx_http_request_t {
        // SAFETY: `new` was promised a live request. nginx runs requests in one
        // thread, and no caller keeps the reference across a call into nginx.
        unsafe { self.raw.as_ref() }
    }

    /// To write one field.
    #[inline]
    pub(crate) fn raw_mut(&mut self) -> &mut ngx_http_request_t {
        // SAFETY: as for `raw`.
        unsafe { self.raw.as_mut() }
    }

    /// Bytes of the request.
    #[inline]
    pub(crate) fn bytes(text: ngx_str_t) -> &'r [u8] {
        // Without bytes the pointer may be anything: after `try_files` that of the
        // arguments was never written. So it is not looked at here.
        if text.len == 0 {
            return b"";
        }
        // SAFETY: nginx's strings of a request point into its pool or buffers,
        // which live as long as it does and are not written again.
        unsafe { std::slice::from_raw_parts(text.data, text.len) }
    }

    /// Bytes that nginx has composed. Where it had no memory for them, it may have noted
    /// their length already: then they are empty.
    fn composed(text: ngx_str_t) -> &'r [u8] {
        if text.data.is_null() {
            return b"";
        }
        Self::bytes(text)
    }

    /// Whether this is what the viewer asked for, and not a subrequest.
    pub fn is_main(self) -> bool {
        ptr::eq(self.raw.as_ptr(), self.raw().main)
    }

    /// The request target, as nginx holds it for `$request_uri` and `proxy_pass`.
    pub fn target(self) -> &'r [u8] {
        Self::bytes(self.raw().unparsed_uri)
    }

    /// The request's method, as it came.
    pub fn method(self) -> &'r [u8] {
        Self::bytes(self.raw().method_name)
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(self) -> bool {
        // SAFETY: nginx gives each request a connection.
        let connection = unsafe { &*self.raw().connection };
        !connection.ssl.is_null()
    }

    /// Whether the request line names a version: otherwise it is HTTP/0.9, which has no
    /// header lines, and nginx has made no list of them.
    pub fn has_version(self) -> bool {
        self.raw().http_version >= NGX_HTTP_VERSION_10 as ngx_uint_t
    }

    /// `$args`.
    pub fn args(self) -> &'r [u8] {
        Self::bytes(self.raw().args)
    }

    pub fn set_args(mut self, args: &'r [u8]) {
        self.raw_mut().args = string(args);
    }

    /// `$request`; empty where nginx has not put it together yet.
    pub fn request_line(self) -> &'r [u8] {
        Self::bytes(self.raw().request_line)
    }

    /// Sets both the request target and the line that shows it, and has nginx
    /// evaluate anew what an earlier phase may have cached of them.
    pub fn set_line(mut self, target: &'r [u8], line: &'r [u8]) {
        let raw = self.raw_mut();
        raw.unparsed_uri = string(target);
        raw.request_line = string(line);
        if let Some(main) = self.main_conf() {
            self.forget_variables(&main.line_variables);
        }
    }

    /// The main configuration of this module.
    pub(crate) fn main_conf(self) -> Option<&'r MainConf> {
        // SAFETY: the main configuration of this module has this type.
        let main = unsafe {
            self.raw()
                .http_main_conf_unchecked::<MainConf>(module::guard())
        };
        // SAFETY: it is not written after the configuration has been loaded, and
        // outlives its requests.
        main.map(|main| unsafe { main.as_ref() })
    }

    pub(crate) fn forget_variables(self, indices: &[usize]) {
        let variables = self.raw().variables;
        if variables.is_null() {
            return;
        }
        for &index in indices {
            // SAFETY: nginx gave us the index for the array that each request has.
            let variable = unsafe { &mut *variables.add(index) };
            variable.set_valid(0);
            variable.set_not_found(0);
        }
    }

    /// Replaces the request target before nginx looks for a location, and has nginx
    /// read it as if it had come so. `target` is followed by one more byte.
    ///
    /// # Errors
    /// [`DONE`], when nginx has refused the target: the request may be gone then.
    pub fn reread_target(mut self, target: &'r [u8]) -> Result<(), ngx_int_t> {
        let raw = self.raw_mut();
        let range = target.as_ptr_range();
        raw.uri_start = range.start.cast_mut();
        raw.uri_end = range.end.cast_mut();
        raw.args_start = ptr::null_mut();
        raw.uri_ext = ptr::null_mut();
        raw.args = ngx_str_t::empty();
        raw.exten = ngx_str_t::empty();
        // Whatever nginx's first pass would have found, so that it decodes and
        // normalises all of it again.
        flags::reread_uri(raw);
        // SAFETY: the request lives, and its target is in memory of its own, with a
        // byte behind it that nginx reads and ignores.
        match unsafe { ngx_http_process_request_uri(self.raw.as_ptr()) } {
            OK => Ok(()),
            // It has answered 400.
            _ => Err(DONE),
        }
    }

    /// This module's configuration for the location.
    #[inline]
    pub fn conf(self) -> Option<&'r LocationConf> {
        // SAFETY: the location configuration of this module has this type.
        let conf = unsafe {
            self.raw()
                .http_location_conf_unchecked::<LocationConf>(module::guard())
        };
        // SAFETY: it is not written after the configuration has been loaded, and
        // the configuration outlives its requests.
        conf.map(|conf| unsafe { conf.as_ref() })
    }

    /// The settings of a guarded location.
    #[inline]
    pub fn settings(self) -> Option<&'r Settings> {
        self.conf()?.settings.as_ref()
    }

    /// Whether there is anything to do: settings here, or what an earlier run or
    /// handler has left behind. What nearly all requests of other locations are asked.
    #[inline]
    pub fn concerns_us(self) -> bool {
        self.conf().is_some_and(|conf| conf.is_used)
            || self.context().is_some()
            || flags::has_run(self.raw())
    }

    fn context_slot(self) -> *mut *mut c_void {
        // SAFETY: `ctx` has one element for each HTTP module.
        unsafe { self.raw().ctx.add(module::guard().ctx_index) }
    }

    /// The state, if a handler of ours has already seen this run of the phases.
    #[inline]
    pub fn context(self) -> Option<&'r State<'r>> {
        // SAFETY: the slot is ours: null, or the state that `set_context` put there.
        unsafe { (*self.context_slot()).cast::<State<'r>>().as_ref() }
    }

    pub fn set_context(self, state: &'r State<'r>) {
        let state: *const State<'r> = state;
        // SAFETY: the slot is ours.
        unsafe { *self.context_slot() = state.cast_mut().cast() };
    }

    /// The state that an earlier run left behind, after an internal redirect.
    pub fn earlier_state(self) -> Option<&'r State<'r>> {
        if !flags::has_run(self.raw()) {
            return None;
        }
        // SAFETY: a request has a pool.
        let mut cleanup = unsafe { (*self.raw().pool).cleanup };
        // SAFETY: nginx keeps the records in a list that ends with null.
        while let Some(record) = unsafe { cleanup.as_ref() } {
            if record
                .handler
                .is_some_and(|handler| ptr::fn_addr_eq(handler, STATE_OF_A_REQUEST))
            {
                // SAFETY: only `keep` makes records with this handler.
                return unsafe { cleanup.cast::<Kept<'r>>().as_ref() }.map(|kept| &kept.state);
            }
            cleanup = record.next;
        }
        None
    }

    /// Keeps a state for as long as the request lives. `None` when memory is short.
    ///
    /// What `ngx_pool_cleanup_add` does, with one allocation instead of two.
    pub fn keep(self, state: State<'r>) -> Option<&'r State<'r>> {
        let pool = self.raw().pool;
        let record = ngx_pool_cleanup_t {
            handler: Some(STATE_OF_A_REQUEST),
            data: ptr::null_mut(),
            // SAFETY: a request has a pool.
            next: unsafe { (*pool).cleanup },
        };
        let kept = self.allocate(Kept { record, state })?;
        // SAFETY: a request has a pool; nginx only reads its cleanup records.
        unsafe { (*pool).cleanup = ptr::from_ref(kept).cast_mut().cast() };
        Some(&kept.state)
    }

    /// Keeps a value for as long as the request lives, without dropping it ever.
    /// `None` when memory is short.
    pub fn allocate<T>(self, value: T) -> Option<&'r T> {
        const { assert!(align_of::<T>() <= ngx::ffi::NGX_ALIGNMENT) };
        const { assert!(!std::mem::needs_drop::<T>()) };
        // SAFETY: a request has a pool.
        let place: *mut T = unsafe { ngx_palloc(self.raw().pool, size_of::<T>()) }.cast();
        if place.is_null() {
            return None;
        }
        // SAFETY: of this size, aligned for pointers, and nobody else's.
        unsafe { place.write(value) };
        // SAFETY: written just now.
        unsafe { place.as_ref() }
    }

    /// Whether this run answers an error of an earlier one.
    pub fn is_error_page(self) -> bool {
        self.raw().err_status != 0
    }

    /// Where the request is on its way through internal redirects.
    pub fn hop(self) -> Hop {
        Hop(flags::uri_changes(self.raw()))
    }

    /// Forgets that an earlier access handler refused (`satisfy any`), so that
    /// nginx does not put its status in place of our answer.
    pub fn overrule_access_handlers(mut self) {
        if self.raw().access_code != 0 {
            self.raw_mut().access_code = 0;
            self.remove_headers(|name| name.eq_ignore_ascii_case(b"WWW-Authenticate"));
        }
    }

    /// Joins pieces in the request's pool. `None` when memory is short, or when
    /// they are more than `capacity` bytes.
    pub fn collect<'p>(
        self,
        pieces: impl Iterator<Item = &'p [u8]>,
        capacity: usize,
    ) -> Option<&'r [u8]> {
        if capacity == 0 {
            return Some(b"");
        }
        // SAFETY: a request has a pool.
        let start = unsafe { ngx_pnalloc(self.raw().pool, capacity).cast::<u8>() };
        if start.is_null() {
            return None;
        }
        let mut len: usize = 0;
        for piece in pieces {
            let end = len.checked_add(piece.len())?;
            if end > capacity {
                return None;
            }
            // SAFETY: the piece fits, and nobody else has the new memory.
            unsafe { ptr::copy_nonoverlapping(piece.as_ptr(), start.add(len), piece.len()) };
            len = end;
        }
        // SAFETY: so many bytes have been written.
        Some(unsafe { std::slice::from_raw_parts(start, len) })
    }

    /// Joins all pieces in the request's pool. `None` when memory is short.
    pub fn join<'p>(self, pieces: impl Iterator<Item = &'p [u8]> + Clone) -> Option<&'r [u8]> {
        let len = pieces.clone().map(<[u8]>::len).sum();
        self.collect(pieces, len)
    }

    /// The value of a `Location`, in the request's pool. `None` when memory is short.
    pub fn join_location(self, destination: Destination<'_>, target: &[u8]) -> Option<&'r [u8]> {
        match destination.visible_parts(target) {
            Some(parts) => self.join(parts.into_iter()),
            None => self.join(destination.location(target)),
        }
    }

    /// Evaluates a value with variables. `None` when memory is short.
    pub fn evaluate(self, value: &ComplexValue) -> Option<&'r [u8]> {
        let mut text = ngx_str_t::empty();
        // SAFETY: both live, and the value was compiled by nginx.
        let result =
            unsafe { ngx_http_complex_value(self.raw.as_ptr(), value.0.as_ptr(), &raw mut text) };
        (result == OK).then(|| Self::composed(text))
    }

    /// Now, in Unix seconds, by nginx's cached clock.
    #[allow(clippy::useless_conversion)] // `time_t` has other widths elsewhere.
    pub fn now(self) -> i64 {
        ngx_time().into()
    }

    /// The connection's log, which adds client, server and request to each line.
    pub fn log(self) -> *mut ngx_log_t {
        // SAFETY: a request has a connection.
        unsafe { (*self.raw().connection).log }
    }

    /// Adds a response header. `None` when memory is short.
    pub fn add_header(self, name: &'static str, value: &'r [u8]) -> Option<()> {
        self.push_header(name, value).map(|_| ())
    }

    /// Sets `Location`. `None` when memory is short.
    pub fn set_location(mut self, url: &'r [u8]) -> Option<Location> {
        let header = self.push_header("Location", url)?;
        self.raw_mut().headers_out.location = header;
        Some(Location {
            url: NonNull::from(url).cast(),
        })
    }

    /// Removes a `Location` of ours where there is another: that of an upstream
    /// behind an `error_page`.
    pub fn remove_if_replaced(self, location: Location) {
        let is_ours = |header: &ngx_table_elt_t| ptr::eq(header.value.data, location.url.as_ptr());
        let is_location =
            |header: &ngx_table_elt_t| header.key.as_bytes().eq_ignore_ascii_case(b"Location");
        let mut replaced = false;
        self.each_header(|header| {
            replaced |= header.hash != 0 && is_location(header) && !is_ours(header);
        });
        if replaced {
            self.each_header(|header| {
                if is_location(header) && is_ours(header) {
                    header.hash = 0;
                }
            });
        }
    }

    fn push_header(mut self, name: &'static str, value: &'r [u8]) -> Option<*mut ngx_table_elt_t> {
        let headers: *mut ngx_list_t = &raw mut self.raw_mut().headers_out.headers;
        // SAFETY: nginx has made this list for elements of this type.
        let header = unsafe { ngx_list_push(headers).cast::<ngx_table_elt_t>() };
        if header.is_null() {
            return None;
        }
        // SAFETY: the element is new and ours to fill. All fields are valid when
        // zero, also `next`, which nginx has since 1.23 only.
        unsafe {
            header.write_bytes(0, 1);
            (*header).hash = 1;
            (*header).key = string(name.as_bytes());
            (*header).value = string(value);
        }
        Some(header)
    }

    /// Removes the response headers with such names.
    pub fn remove_headers(self, is_one: impl Fn(&[u8]) -> bool) {
        self.each_header(|header| {
            if is_one(header.key.as_bytes()) {
                // How nginx marks headers that are not sent.
                header.hash = 0;
            }
        });
    }

    /// Takes back what invites shared caches, and says `private`. `None` when memory
    /// is short.
    pub fn make_private(self) -> Option<()> {
        let mut result = Some(());
        self.each_header(|header| {
            if header.hash == 0 || !header.key.as_bytes().eq_ignore_ascii_case(b"Cache-Control") {
                return;
            }
            let value = Self::composed(header.value);
            if value == b"private" {
                // Said again below, once.
                header.hash = 0;
                return;
            }
            if !response::is_plain(value) {
                // Who reads it otherwise may miss what it forbids.
                header.value = string(b"no-store");
                return;
            }
            match self.collect(unshared(value), value.len().saturating_mul(2)) {
                Some(b"") => header.hash = 0,
                Some(left) => header.value = string(left),
                None => result = None,
            }
        });
        result?;
        self.add_header("Cache-Control", b"private")
    }

    /// Removes the response's headers of this name with such values.
    pub fn remove_values(self, name: &[u8], is_one: impl Fn(&[u8]) -> bool) {
        self.each_header(|header| {
            if header.key.as_bytes().eq_ignore_ascii_case(name)
                && is_one(Self::composed(header.value))
            {
                header.hash = 0;
            }
        });
    }

    /// Has no cache keep the response for longer than until `end`, in Unix time. `None`
    /// when memory is short.
    pub fn cap_keeping(self, end: i64) -> Option<()> {
        let left = u64::try_from(end.saturating_sub(self.now())).unwrap_or(0);
        let digits = self.collect_number(left)?;
        let mut keeping = Keeping::Unsaid;
        // The least that an `Expires` says, and how many there are.
        let mut stated: Option<(u64, usize)> = None;
        let mut result = Some(());
        self.each_header(|header| {
            let value = Self::composed(header.value);
            if header.hash == 0 {
            } else if header.key.as_bytes().eq_ignore_ascii_case(b"Expires") {
                let seconds = self.seconds_until(value).unwrap_or(0);
                stated = Some(match stated {
                    Some((least, count)) => (least.min(seconds), count.saturating_add(1)),
                    None => (seconds, 1),
                });
            } else if !header.key.as_bytes().eq_ignore_ascii_case(b"Cache-Control") {
            } else if !response::is_plain(value) {
                header.value = string(b"no-store");
                keeping = Keeping::Said;
            } else {
                if response::keeping(value) == Keeping::Said {
                    keeping = Keeping::Said;
                }
                // A number may become longer.
                let capacity = value.len().saturating_add(digits.len()).saturating_mul(2);
                match self.collect(capped(value, left, digits), capacity) {
                    Some(b"") => header.hash = 0,
                    Some(left) => header.value = string(left),
                    None => result = None,
                }
            }
        });
        result?;
        let max_age = match (keeping, stated) {
            // One that is early enough says it all.
            (Keeping::Unsaid, Some((seconds, 1))) if seconds <= left => return Some(()),
            (Keeping::Unsaid, Some((seconds, _))) => Some(seconds.min(left)),
            // An error must not stay for as long as a token lasts.
            (Keeping::Unsaid, None) if !self.is_kept_by_status() => return Some(()),
            (Keeping::Unsaid, None) => Some(left),
            (Keeping::Said, _) => None,
        };
        self.remove_headers(|name| name.eq_ignore_ascii_case(b"Expires"));
        let Some(max_age) = max_age else {
            return Some(());
        };
        let digits = self.collect_number(max_age)?;
        let value = self.join([&b"max-age="[..], digits].into_iter())?;
        self.add_header("Cache-Control", value)
    }

    /// Whether the response has a status for which nginx's `expires` says something.
    fn is_kept_by_status(self) -> bool {
        let status = self.raw().headers_out.status;
        matches!(status, 200 | 201 | 204 | 206 | 301..=304 | 307 | 308)
    }

    /// The seconds until an HTTP date; `None` when it is none, or has passed.
    fn seconds_until(self, date: &[u8]) -> Option<u64> {
        // SAFETY: nginx only reads so many bytes.
        let time = unsafe { ngx_parse_http_time(date.as_ptr().cast_mut(), date.len()) };
        u64::try_from(time.saturating_sub(self.now())).ok()
    }

    /// A number in decimal. `None` when memory is short.
    pub fn collect_number(self, number: impl Into<i128>) -> Option<&'r [u8]> {
        let mut digits = [0; 40];
        let mut rest = &mut digits[..];
        write!(rest, "{}", number.into()).ok()?;
        let left = rest.len();
        let text = digits.get(..digits.len().checked_sub(left)?)?;
        self.collect(std::iter::once(text), text.len())
    }

    fn each_header(mut self, visit: impl FnMut(&mut ngx_table_elt_t)) {
        let part: *mut ngx_list_part_t = &raw mut self.raw_mut().headers_out.headers.part;
        // SAFETY: nginx has made this list for elements of this type.
        unsafe { each_element(part, visit) };
    }

    /// Runs the phases again in a named location. The request may be gone
    /// afterwards: return the result to nginx, and touch nothing.
    pub fn go_to_named_location(self, name: &'r str) -> ngx_int_t {
        let mut name = string(name.as_bytes());
        // SAFETY: the request lives; the name is only read.
        unsafe { ngx_http_named_location(self.raw.as_ptr(), &raw mut name) };
        // SAFETY: nginx has counted a reference for the redirect, which this
        // gives back (as its try_files module does).
        unsafe { ngx_http_finalize_request(self.raw.as_ptr(), DONE) };
        DONE
    }
}

/// Visits the elements of one of nginx's lists of headers, from its first part on.
///
/// # Safety
/// The list has elements of this type, and lives; `visit` does not change the list.
pub(crate) unsafe fn each_element(
    mut part: *mut ngx_list_part_t,
    mut visit: impl FnMut(&mut ngx_table_elt_t),
) {
    // SAFETY: nginx ends its lists with null.
    while let Some(current) = unsafe { part.as_mut() } {
        let elements = current.elts.cast::<ngx_table_elt_t>();
        for index in 0..current.nelts {
            // SAFETY: nginx counts the elements of each part; they are of this type, as
            // the caller promises.
            visit(unsafe { &mut *elements.add(index) });
        }
        part = current.next;
    }
}

type Cleanup = unsafe extern "C" fn(*mut c_void);

/// A `Location` header of ours.
#[derive(Clone, Copy)]
pub struct Location {
    url: NonNull<u8>,
}

/// How often nginx will still let a request be redirected internally. Each
/// internal redirect, named location and `rewrite ... last` takes one off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hop(ngx_uint_t);

impl Hop {
    /// The hop after this one.
    pub fn next(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// A [`State`] behind the cleanup record by which it is found again.
#[repr(C)]
struct Kept<'r> {
    record: ngx_pool_cleanup_t,
    state: State<'r>,
}

/// Marks the cleanup record before a [`State`], which needs no cleaning up.
/// A static, so that the address is the same wherever it is looked at.
static STATE_OF_A_REQUEST: Cleanup = {
    unsafe extern "C" fn state_of_a_request(_state: *mut c_void) {}
    state_of_a_request
};

/// nginx's strings are writable; ours are only read. Empty ones are null, which
/// nginx tells from a pointer to nothing.
pub fn string(bytes: &[u8]) -> ngx_str_t {
    if bytes.is_empty() {
        return ngx_str_t::empty();
    }
    ngx_str_t {
        len: bytes.len(),
        data: bytes.as_ptr().cast_mut(),
    }
}

/// A text with variables, compiled by nginx.
pub struct ComplexValue(NonNull<ngx_http_complex_value_t>);

impl ComplexValue {
    /// # Safety
    /// `value` has been compiled, and lives as long as the configuration does.
    pub unsafe fn new(value: NonNull<ngx_http_complex_value_t>) -> Self {
        Self(value)
    }
}
