//! The request's header lines: what they carry, and how they lose it.

use std::ptr;

use ngx::ffi::{
    ngx_hash_find, ngx_http_header_t, ngx_list_part_t, ngx_list_push, ngx_list_t, ngx_palloc,
    ngx_table_elt_t, ngx_uint_t,
};
use ngx::http::{HttpModuleMainConf, NgxHttpCoreModule};

use media_token::clean::clean_line;
use media_token::session::SessionArgument;
use media_token::{Credential, Fields, RequestView, Source, loop_guard};

use crate::module::OK;
use crate::request::{Request, each_element, string};
use crate::state::State;

fn is(line: &ngx_table_elt_t, name: &[u8]) -> bool {
    line.key.as_bytes().eq_ignore_ascii_case(name)
}

impl<'r> Request<'r> {
    pub(crate) fn each_line(mut self, visit: impl FnMut(&mut ngx_table_elt_t)) {
        let part: *mut ngx_list_part_t = &raw mut self.raw_mut().headers_in.headers.part;
        // SAFETY: nginx has made this list for elements of this type.
        unsafe { each_element(part, visit) };
    }

    /// Whether the request has the cookie of a session.
    pub fn has_cookie(self, session: &SessionArgument) -> bool {
        let mut found = false;
        self.each_line(|line| {
            found |=
                line.hash != 0 && is(line, b"Cookie") && session.is_in(Self::bytes(line.value));
        });
        found
    }

    /// How many redirects in a row the viewer's cookies count.
    pub fn redirects(self, state: &State<'r>) -> u32 {
        let view = RequestView::new(state.clean_target.get());
        let mut most = 0;
        self.each_line(|line| {
            if is(line, b"Cookie") {
                most = most.max(loop_guard::count(Self::bytes(line.value), view.path()));
            }
        });
        most
    }

    /// Has the viewer count so many redirects. `None` when memory is short.
    pub fn set_redirects(self, state: &State<'r>, count: u32) -> Option<()> {
        let view = RequestView::new(state.clean_target.get());
        let count = self.collect_number(count)?;
        let len = self.collect_number(i128::try_from(view.path().len()).ok()?)?;
        let is_https = match &self.conf()?.public_url {
            Some(origin) => origin.as_str().starts_with("https:"),
            None => self.is_tls(),
        };
        // Of an earlier run.
        self.remove_values(b"Set-Cookie", loop_guard::is_ours);
        match loop_guard::set_cookie(count, len, view.path(), is_https) {
            Some(pieces) => self.add_header("Set-Cookie", self.join(pieces)?),
            None => Some(()),
        }
    }

    /// Whether another site has the client send the request (Fetch Metadata, 2.3).
    pub fn is_cross_site(self) -> bool {
        let mut found = false;
        self.each_line(|line| {
            found |= is(line, b"Sec-Fetch-Site")
                && Self::bytes(line.value).eq_ignore_ascii_case(b"cross-site");
        });
        found
    }

    /// Adds a cookie to those that the request has. `None` when memory is short.
    pub fn add_cookie(self, name: &[u8], value: &[u8]) -> Option<()> {
        let mut there: Option<(*const ngx_table_elt_t, &[u8])> = None;
        self.each_line(|line| {
            let value = Self::bytes(line.value);
            if there.is_none() && line.hash != 0 && !value.is_empty() && is(line, b"Cookie") {
                there = Some((ptr::from_mut(line), value));
            }
        });
        let separator: &[u8] = match there {
            Some(_) => b"; ",
            None => b"",
        };
        // With a byte for the NUL that nginx's own parser leaves behind values.
        let earlier = there.map(|(_, value)| value).unwrap_or_default();
        let pieces = [earlier, separator, name, b"=", value, b"\0"];
        let value = self.join(pieces.into_iter())?;
        let value = value.strip_suffix(b"\0")?;
        match there {
            None => self.push_cookie_line(value)?,
            Some((place, _)) => self.each_line(|line| {
                if ptr::eq(line, place) {
                    line.value = string(value);
                }
            }),
        }
        if let Some(main) = self.main_conf() {
            self.forget_variables(&main.header_variables);
        }
        Some(())
    }

    fn push_cookie_line(mut self, value: &[u8]) -> Option<()> {
        const LOWER: &[u8] = b"cookie";
        // As nginx's `ngx_hash` does.
        let hash = LOWER.iter().fold(0, |hash: ngx_uint_t, &byte| {
            hash.wrapping_mul(31).wrapping_add(byte.into())
        });
        let core = NgxHttpCoreModule::main_conf(self.raw())?;
        // SAFETY: nginx keeps the hash as long as its configuration, and only reads the name.
        let known = unsafe {
            ngx_hash_find(
                ptr::from_ref(&core.headers_in_hash).cast_mut(),
                hash,
                LOWER.as_ptr().cast_mut(),
                LOWER.len(),
            )
        };
        // SAFETY: null, or an entry of nginx's own table, whose entries are of this type.
        let known = unsafe { known.cast::<ngx_http_header_t>().as_ref() }?;
        if !self.has_version() {
            return None;
        }
        let headers: *mut ngx_list_t = &raw mut self.raw_mut().headers_in.headers;
        // SAFETY: nginx makes this list, for elements of this type, before it reads the
        // first line of a request with a version.
        let line = unsafe { ngx_list_push(headers).cast::<ngx_table_elt_t>() };
        if line.is_null() {
            return None;
        }
        // SAFETY: the element is new and ours to fill; all fields are valid when zero.
        unsafe { line.write_bytes(0, 1) };
        // SAFETY: in nginx's list, and written just now; nobody else looks at it yet.
        let element = unsafe { &mut *line };
        element.hash = hash;
        element.key = string(b"Cookie");
        element.lowcase_key = LOWER.as_ptr().cast_mut();
        element.value = string(value);
        // Where nginx itself looks for it depends on its version.
        // SAFETY: nginx calls it like this for each line that it reads.
        let done = unsafe { known.handler?(ptr::from_mut(self.raw_mut()), line, known.offset) };
        (done == OK).then_some(())
    }

    /// Takes the credentials of these sources out of the header lines, whose
    /// originals the state keeps. `None` when memory is short.
    pub fn strip_lines(self, state: &State<'r>, sources: &[Source]) -> Option<()> {
        let mut result = Some(());
        self.each_line(|line| {
            let (name, value) = (Self::bytes(line.key), Self::bytes(line.value));
            let Some(pieces) = clean_line(name, value, sources) else {
                return;
            };
            // With a byte for the NUL that nginx's own parser leaves behind values.
            let left = self.collect(pieces.chain([&b"\0"[..]]), value.len().saturating_add(1));
            let kept = state.keep_original(self, line, name, value);
            let (Some(left), Some(())) = (left, kept) else {
                result = None;
                return;
            };
            line.value = string(left.strip_suffix(b"\0").unwrap_or(left));
            if line.value.len == 0 {
                // What nginx's variables do not count.
                line.hash = 0;
            }
        });
        if let Some(main) = self.main_conf() {
            self.forget_variables(&main.header_variables);
        }
        result
    }

    /// Puts the header lines back that [`Request::strip_lines`] has changed.
    pub fn restore_lines(self, state: &State<'r>) {
        self.each_line(|line| {
            if let Some(original) = state.original(line) {
                line.value = string(original.value);
                line.hash = original.hash;
            }
        });
    }

    /// Removes the header lines of which nothing is left, so that upstreams do not
    /// get empty ones. `None` when memory is short.
    ///
    /// No line moves, since nginx has pointers to some: what lies between two that go
    /// becomes a part of the list. No part may be empty, apart from the first: nginx
    /// looks at the first line of each without asking.
    pub fn remove_empty_lines(mut self) -> Option<()> {
        // nginx gives no line this hash.
        let is_empty = |line: &ngx_table_elt_t| line.value.len == 0 && line.hash == 0;
        let mut any = false;
        self.each_line(|line| any |= is_empty(line));
        if !any {
            return Some(());
        }
        let pool = self.raw().pool;
        let headers = &mut self.raw_mut().headers_in.headers;
        let head: *mut ngx_list_part_t = &raw mut headers.part;
        let mut last: *mut ngx_list_part_t = ptr::null_mut();
        // The first part is written to while the others are still read.
        // SAFETY: the list's own first part.
        let mut next = Some(unsafe { head.read() });
        while let Some(part) = next {
            let lines = part.elts.cast::<ngx_table_elt_t>();
            // SAFETY: a part has so many elements of this type.
            let is_kept = |index: usize| !is_empty(unsafe { &*lines.add(index) });
            let mut start = 0;
            while start < part.nelts {
                let end = (start..part.nelts).find(|&index| !is_kept(index));
                let end = end.unwrap_or(part.nelts);
                if start < end {
                    let run = ngx_list_part_t {
                        // SAFETY: within the part.
                        elts: unsafe { lines.add(start) }.cast(),
                        nelts: end.saturating_sub(start),
                        next: ptr::null_mut(),
                    };
                    let place = match last.is_null() {
                        true => head,
                        // SAFETY: a request has a pool.
                        false => unsafe { ngx_palloc(pool, size_of_val(&run)) }.cast(),
                    };
                    if place.is_null() {
                        return None;
                    }
                    // SAFETY: the list's first part, or what nginx has just allocated in
                    // this size.
                    unsafe { place.write(run) };
                    // SAFETY: null, or the part written before this one.
                    if let Some(last) = unsafe { last.as_mut() } {
                        last.next = place;
                    }
                    last = place;
                }
                start = end.saturating_add(1);
            }
            // SAFETY: nginx ends the list with null.
            next = unsafe { part.next.as_ref() }.map(|part| ngx_list_part_t { ..*part });
        }
        if last.is_null() {
            // SAFETY: a request has a pool.
            let room = unsafe { ngx_palloc(pool, size_of::<ngx_table_elt_t>()) };
            if room.is_null() {
                return None;
            }
            let empty = ngx_list_part_t {
                elts: room,
                nelts: 0,
                next: ptr::null_mut(),
            };
            // SAFETY: the list's own first part.
            unsafe { head.write(empty) };
            last = head;
        }
        headers.last = last;
        // What is pushed from now on goes to a part of its own, as nobody has counted
        // what room is behind the last line; or to the room for one.
        // SAFETY: written above.
        headers.nalloc = unsafe { (*last).nelts }.max(1);
        Some(())
    }
}

/// The request as it came, but for the target: also what has been taken out since.
pub struct Received<'s, 'r> {
    pub request: Request<'r>,
    pub state: &'s State<'r>,
}

impl<'r> Fields<'r> for Received<'_, 'r> {
    fn lines(&self) -> impl Iterator<Item = (&'r [u8], &'r [u8])> {
        let kept = self.state.originals();
        let mut part = ptr::from_ref(&self.request.raw().headers_in.headers.part);
        let mut index = 0;
        let lines = std::iter::from_fn(move || {
            loop {
                // SAFETY: nginx keeps the elements in a list of parts that ends with null.
                let current = unsafe { part.as_ref() }?;
                if index < current.nelts {
                    let lines = current.elts.cast::<ngx_table_elt_t>();
                    // SAFETY: nginx has filled so many elements of the part, of this type.
                    let line = unsafe { &*lines.add(index) };
                    index = index.wrapping_add(1);
                    return Some(line);
                }
                (part, index) = (current.next, 0);
            }
        });
        let untouched = lines.filter(|line| self.state.original(line).is_none());
        kept.map(|original| (original.name, original.value))
            .chain(untouched.map(|line| (Request::bytes(line.key), Request::bytes(line.value))))
    }

    fn segment(&self) -> Option<Credential<'r>> {
        self.state.segment.copied()
    }
}
