//! Counters in shared memory, and the location that shows them.

use std::fmt::Write;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::slice;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ngx::ffi::{
    NGX_LOG_EMERG, ngx_conf_t, ngx_http_core_loc_conf_t, ngx_http_request_t, ngx_int_t,
    ngx_pagesize, ngx_shared_memory_add, ngx_shm_zone_t, ngx_slab_alloc, ngx_slab_pool_t,
};
use ngx::ngx_log_error;

use media_token::Decision;
use media_token::metrics::{self, Decided, Observer, Table};
use media_token::request::is_reading;

use crate::module::{self, ERROR, OK};
use crate::request::{INTERNAL_SERVER_ERROR, Request, string};

const OK_STATUS: ngx_int_t = ngx::ffi::NGX_HTTP_OK as ngx_int_t;
const NOT_ALLOWED: ngx_int_t = ngx::ffi::NGX_HTTP_NOT_ALLOWED as ngx_int_t;

/// How many pages a zone has at least, which is what nginx's own modules ask for.
const MIN_PAGES: usize = 8;

/// Shared memory with a name.
pub struct Zone {
    /// As the configuration calls it.
    pub name: Box<str>,
    zone: NonNull<ngx_shm_zone_t>,
}

/// The size of the smallest zone, in bytes.
pub fn min_size() -> usize {
    MIN_PAGES.saturating_mul(page_size())
}

fn page_size() -> usize {
    // SAFETY: nginx sets it when it starts, before it reads a configuration, and never again.
    unsafe { ngx_pagesize }
}

impl Zone {
    /// The zone of this name, which has to live as long as the configuration. Without a
    /// size, one that another directive gives a size to. `None` where nginx has said why.
    pub fn add(cf: &mut ngx_conf_t, name: &str, size: Option<usize>) -> Option<Self> {
        let mut text = string(name.as_bytes());
        let tag = ptr::from_ref(module::guard()).cast_mut().cast();
        // SAFETY: nginx passes the configuration that it is reading, and keeps its words, of
        // which the name is a part, as long as the zone.
        let zone =
            unsafe { ngx_shared_memory_add(cf, &raw mut text, size.unwrap_or_default(), tag) };
        let mut zone = NonNull::new(zone)?;
        // SAFETY: nginx keeps its zones as long as the configuration, and while it reads one
        // nobody else looks at them.
        unsafe { zone.as_mut() }.init = Some(init);
        Some(Self {
            name: name.into(),
            zone,
        })
    }

    fn raw(&self) -> &ngx_shm_zone_t {
        // SAFETY: nginx keeps its zones as long as the configuration, which we are a part of,
        // and writes to them only while it loads one.
        unsafe { self.zone.as_ref() }
    }

    /// Whether any directive has given it a size, once all have been read.
    pub fn has_size(&self) -> bool {
        self.raw().shm.size != 0
    }

    /// Whether both are the same memory.
    pub fn is_same(&self, other: &Self) -> bool {
        self.zone == other.zone
    }

    fn table(&self) -> Option<Table<'_>> {
        Table::open(memory(self.raw())?)
    }
}

/// What the zone's block holds behind its length.
fn memory(zone: &ngx_shm_zone_t) -> Option<&[AtomicU64]> {
    let start = NonNull::new(zone.data.cast::<AtomicU64>())?;
    // SAFETY: what is no null was put there by `init`: the first word of the block.
    let len = unsafe { start.as_ref() }.load(Relaxed);
    let len = usize::try_from(len).ok()?.min(zone.shm.size / 8);
    // SAFETY: `take_all` has noted how many words the block has; nginx's slab pool gives them
    // to nobody else, and all processes use them as atomic ones.
    unsafe { slice::from_raw_parts(start.as_ptr(), len) }.get(1..)
}

/// Takes all of a new zone's memory; that of an old one goes on being used.
unsafe extern "C" fn init(zone: *mut ngx_shm_zone_t, old: *mut std::ffi::c_void) -> ngx_int_t {
    // SAFETY: nginx passes the zone that it is about to use, before anybody else does.
    let Some(zone) = (unsafe { zone.as_mut() }) else {
        return ERROR;
    };
    zone.data = match old.is_null() {
        false => old,
        true => take_all(zone).unwrap_or(ptr::null_mut()),
    };
    if memory(zone).and_then(Table::prepare).is_some() {
        return OK;
    }
    ngx_log_error!(
        NGX_LOG_EMERG,
        zone.shm.log,
        "crossdomain_media_zone: no memory for counters in zone \"{}\"",
        zone.shm.name
    );
    ERROR
}

/// One block of all pages, with its length in words in the first one.
fn take_all(zone: &ngx_shm_zone_t) -> Option<*mut std::ffi::c_void> {
    let pool = zone.shm.addr.cast::<ngx_slab_pool_t>();
    // SAFETY: nginx begins the memory of each zone with a slab pool, before it calls `init`.
    let free_pages = unsafe { pool.as_ref() }?.pfree;
    let size = free_pages.checked_mul(page_size())?;
    // SAFETY: it is that pool, and no other process has it yet.
    let block = unsafe { ngx_slab_alloc(pool, size) };
    let first = NonNull::new(block.cast::<AtomicU64>())?;
    // SAFETY: nginx's slab pool aligns a block of pages to a page, and gives none that is empty.
    unsafe { first.as_ref() }.store((size / 8) as u64, Relaxed);
    Some(block)
}

/// Where a location's decisions are counted.
pub struct Counter {
    /// The zone.
    pub zone: Rc<Zone>,
    /// Of the server's first name. What it remembers is all that requests change in the
    /// settings of a location; a worker has one thread, and each worker its own.
    pub observer: Observer,
}

impl Counter {
    /// Counts a decision, on which work began at `begun`.
    pub fn count(&self, decision: &Decision<'_>, begun: Nanoseconds) {
        let (format, key) = match decision {
            Decision::Granted(grant) => (Some(grant.format), grant.key_id),
            Decision::Refused(refusal) => (refusal.format, refusal.key_id),
        };
        let decided = Decided {
            format: format.map_or("", |format| format.as_str()),
            status: decision.status().as_str(),
            reason: decision.reason(),
            key: key.unwrap_or_default(),
        };
        if let Some(table) = self.zone.table() {
            let taken = now().0.saturating_sub(begun.0);
            self.observer.observe(table, &decided, taken);
        }
    }
}

/// A time of a clock that is never set.
#[derive(Clone, Copy)]
pub struct Nanoseconds(u64);

/// Now. nginx's own clock has milliseconds, and stands still while a request is handled.
pub fn now() -> Nanoseconds {
    // SAFETY: the C library's structure has integers only, which are valid when zero.
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: the C library writes to the time, which is ours, and to nothing else.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let rest = u64::try_from(time.tv_nsec).unwrap_or_default();
    Nanoseconds(seconds.saturating_mul(1_000_000_000).saturating_add(rest))
}

/// Has a location show the counters.
pub fn show_in(location: &mut ngx_http_core_loc_conf_t) {
    location.handler = Some(handler);
}

unsafe extern "C" fn handler(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx passes a request that lives until we return.
    match unsafe { Request::new(r) } {
        Some(request) => show(request).unwrap_or_else(|status| status),
        None => INTERNAL_SERVER_ERROR,
    }
}

fn show(request: Request<'_>) -> Result<ngx_int_t, ngx_int_t> {
    if !is_reading(request.method()) {
        return Err(NOT_ALLOWED);
    }
    let zones = request.main_conf().map(|main| &main.zones[..]);
    let mut tables = Vec::new();
    let zones = zones.unwrap_or_default();
    (tables.try_reserve_exact(zones.len())).map_err(|_| INTERNAL_SERVER_ERROR)?;
    let found = zones.iter();
    tables.extend(found.filter_map(|zone| Some((&*zone.value.name, zone.value.table()?))));
    let mut text = Text::default();
    metrics::write(tables.into_iter(), &mut text).map_err(|_| INTERNAL_SERVER_ERROR)?;
    let body = request
        .collect(std::iter::once(&text.0[..]), text.0.len())
        .ok_or(INTERNAL_SERVER_ERROR)?;
    Ok(request.send_content(OK_STATUS, metrics::MEDIA_TYPE, body))
}

/// Text that grows as long as there is memory.
#[derive(Default)]
struct Text(Vec<u8>);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let reserved = self.0.try_reserve(text.len());
        reserved.map_err(|_| std::fmt::Error)?;
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
