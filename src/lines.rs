//! The request's header lines: what they carry, and how they lose it.

use std::ptr;

use ngx::ffi::{ngx_list_part_t, ngx_palloc, ngx_table_elt_t};

use media_token::clean::clean_line;
use media_token::{Credential, Fields, Source};

use crate::request::{Request, string};
use crate::state::State;

impl<'r> Request<'r> {
    /// The header lines of the request, with which the caller may do what it likes
    /// while nginx is not looking.
    fn each_line(mut self, mut visit: impl FnMut(&mut ngx_table_elt_t)) {
        let mut part: *mut _ = &raw mut self.raw_mut().headers_in.headers.part;
        // SAFETY: nginx keeps the elements in a list of parts that ends with null.
        while let Some(current) = unsafe { part.as_mut() } {
            let lines = current.elts.cast::<ngx_table_elt_t>();
            for index in 0..current.nelts {
                // SAFETY: a part has so many elements of this type.
                visit(unsafe { &mut *lines.add(index) });
            }
            part = current.next;
        }
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
    /// get empty ones. Other pointers to them stay valid. `None` when memory is short.
    pub fn remove_empty_lines(mut self, state: &State<'r>) -> Option<()> {
        let pool = self.raw().pool;
        let headers = &mut self.raw_mut().headers_in.headers;
        let mut part: *mut ngx_list_part_t = &raw mut headers.part;
        // SAFETY: nginx keeps the elements in a list of parts that ends with null.
        while let Some(current) = unsafe { part.as_mut() } {
            let lines = current.elts.cast::<ngx_table_elt_t>();
            let emptied = (0..current.nelts).find(|&index| {
                // SAFETY: a part has so many elements of this type.
                let line = unsafe { &*lines.add(index) };
                line.value.len == 0 && line.hash == 0 && state.original(line).is_some()
            });
            if let Some(index) = emptied {
                // The part is split behind the line, which no part holds then. Nothing
                // moves, since nginx has pointers to other lines.
                // SAFETY: a request has a pool.
                let rest = unsafe { ngx_palloc(pool, size_of::<ngx_list_part_t>()) };
                let rest: *mut ngx_list_part_t = rest.cast();
                // SAFETY: null, or of the size that was asked for.
                let behind = unsafe { rest.as_mut() }?;
                behind.nelts = current.nelts.saturating_sub(index).saturating_sub(1);
                // SAFETY: at most the end of the part.
                behind.elts = unsafe { lines.add(index).add(1) }.cast();
                behind.next = current.next;
                current.nelts = index;
                current.next = rest;
                if ptr::eq(part, headers.last) {
                    headers.last = rest;
                    // What is pushed from now on goes to a part of its own, and not
                    // behind one whose room nobody has counted.
                    headers.nalloc = behind.nelts.max(1);
                    if behind.nelts == 0 {
                        // SAFETY: as above; room for one.
                        behind.elts = unsafe { ngx_palloc(pool, size_of::<ngx_table_elt_t>()) };
                        if behind.elts.is_null() {
                            return None;
                        }
                    }
                }
            }
            part = current.next;
        }
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
