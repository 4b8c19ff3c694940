//! The request's header lines: what they carry, and how they lose it.

use std::ptr;

use ngx::ffi::{ngx_list_part_t, ngx_palloc, ngx_table_elt_t};

use media_token::clean::clean_line;
use media_token::{Credential, Fields, Source};

use crate::request::{Request, each_element, string};
use crate::state::State;

impl<'r> Request<'r> {
    fn each_line(mut self, visit: impl FnMut(&mut ngx_table_elt_t)) {
        let part: *mut ngx_list_part_t = &raw mut self.raw_mut().headers_in.headers.part;
        // SAFETY: nginx has made this list for elements of this type.
        unsafe { each_element(part, visit) };
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
                // SAFETY: nginx keeps the elements in a list of parts that ends with
                // null, and each has so many of this type.
                let current = unsafe { part.as_ref() }?;
                if index < current.nelts {
                    let lines = current.elts.cast::<ngx_table_elt_t>();
                    // SAFETY: as above.
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
