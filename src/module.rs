//! What nginx looks for in the shared object, and where the handlers are hooked in.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use ngx::ffi::{
    NGX_HTTP_MODULE, ngx_array_push, ngx_conf_t, ngx_http_handler_pt, ngx_http_module_t,
    ngx_http_phases_NGX_HTTP_ACCESS_PHASE, ngx_http_phases_NGX_HTTP_POST_READ_PHASE,
    ngx_http_phases_NGX_HTTP_PREACCESS_PHASE, ngx_int_t, ngx_module_t, ngx_uint_t,
};
use ngx::http::{HttpModuleMainConf, NgxHttpCoreModule};

use crate::{access, conf, filter, postread, preaccess, variables};

pub const OK: ngx_int_t = ngx::ffi::NGX_OK as ngx_int_t;
pub const ERROR: ngx_int_t = ngx::ffi::NGX_ERROR as ngx_int_t;
pub const DECLINED: ngx_int_t = ngx::ffi::NGX_DECLINED as ngx_int_t;
pub const DONE: ngx_int_t = ngx::ffi::NGX_DONE as ngx_int_t;

/// A table that nginx reads, after loading the module and before it starts threads.
#[repr(transparent)]
pub struct Table<T>(pub T);

// SAFETY: nginx reads these tables from its main thread only, and nobody writes them.
unsafe impl<T> Sync for Table<T> {}

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static mut ngx_modules: [*const ngx_module_t; 3] = [
    &raw const ngx_http_crossdomain_media_module,
    &raw const ngx_http_crossdomain_media_filter_module,
    ptr::null(),
];

const GUARD: &CStr = c"ngx_http_crossdomain_media_module";
const FILTER: &CStr = c"ngx_http_crossdomain_media_filter_module";

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static ngx_module_names: Table<[*const c_char; 3]> =
    Table([GUARD.as_ptr(), FILTER.as_ptr(), ptr::null()]);

/// Each module is put before those named after it. Handlers and filters run in
/// reverse order of modules, so
///
/// - the guard's access handler runs after everything that can grant or refuse
///   without a token;
/// - the filter runs after `expires` and `add_header`, which must not make a
///   refusal cacheable;
/// - the preaccess handler, which comes with the filter, runs before `limit_req`
///   and `limit_conn`, which log what they refuse.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static ngx_module_order: Table<[*const c_char; 7]> = Table([
    GUARD.as_ptr(),
    c"ngx_http_access_module".as_ptr(),
    c"ngx_http_auth_basic_module".as_ptr(),
    c"ngx_http_auth_request_module".as_ptr(),
    FILTER.as_ptr(),
    c"ngx_http_headers_filter_module".as_ptr(),
    ptr::null(),
]);

static GUARD_CONTEXT: Table<ngx_http_module_t> = Table(ngx_http_module_t {
    preconfiguration: Some(variables::add),
    postconfiguration: Some(init_guard),
    create_main_conf: Some(conf::create_main),
    init_main_conf: None,
    create_srv_conf: None,
    merge_srv_conf: None,
    create_loc_conf: Some(conf::create_location),
    merge_loc_conf: Some(conf::merge_location),
});

static FILTER_CONTEXT: Table<ngx_http_module_t> = Table(ngx_http_module_t {
    preconfiguration: None,
    postconfiguration: Some(init_filter),
    create_main_conf: None,
    init_main_conf: None,
    create_srv_conf: None,
    merge_srv_conf: None,
    create_loc_conf: None,
    merge_loc_conf: None,
});

// nginx writes `index`, `ctx_index` and `name` when it loads a configuration.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static mut ngx_http_crossdomain_media_module: ngx_module_t = ngx_module_t {
    ctx: (&raw const GUARD_CONTEXT).cast_mut().cast::<c_void>(),
    commands: (&raw const conf::COMMANDS).cast_mut().cast(),
    type_: NGX_HTTP_MODULE as ngx_uint_t,
    ..ngx_module_t::default()
};

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static mut ngx_http_crossdomain_media_filter_module: ngx_module_t = ngx_module_t {
    ctx: (&raw const FILTER_CONTEXT).cast_mut().cast::<c_void>(),
    type_: NGX_HTTP_MODULE as ngx_uint_t,
    ..ngx_module_t::default()
};

/// The guard's module, by which its configuration and context are found.
#[inline]
pub fn guard() -> &'static ngx_module_t {
    const GUARD_MODULE: *const ngx_module_t = &raw const ngx_http_crossdomain_media_module;
    // SAFETY: nginx writes to the module only while it loads a configuration,
    // when no request or setter of ours is running.
    unsafe { &*GUARD_MODULE }
}

unsafe extern "C" fn init_guard(cf: *mut ngx_conf_t) -> ngx_int_t {
    // SAFETY: nginx passes a valid configuration context.
    let Some(cf) = (unsafe { cf.as_mut() }) else {
        return ERROR;
    };
    if conf::check_zones(cf).is_none() {
        return ERROR;
    }
    let cuts_paths = conf::main_conf(cf).is_some_and(|main| main.cuts_paths);
    if !is_used(cf) {
        return OK;
    }
    let post_read = ngx_http_phases_NGX_HTTP_POST_READ_PHASE as ngx_uint_t;
    if cuts_paths && add_phase_handler(cf, post_read, Some(postread::handler)).is_none() {
        return ERROR;
    }
    let phase = ngx_http_phases_NGX_HTTP_ACCESS_PHASE as ngx_uint_t;
    match add_phase_handler(cf, phase, Some(access::handler)) {
        Some(()) => conf::finish(cf),
        None => ERROR,
    }
}

unsafe extern "C" fn init_filter(cf: *mut ngx_conf_t) -> ngx_int_t {
    // SAFETY: nginx passes a valid configuration context.
    let Some(cf) = (unsafe { cf.as_mut() }) else {
        return ERROR;
    };
    if !is_used(cf) {
        return OK;
    }
    filter::install();
    let phase = ngx_http_phases_NGX_HTTP_PREACCESS_PHASE as ngx_uint_t;
    match add_phase_handler(cf, phase, Some(preaccess::handler)) {
        Some(()) => OK,
        None => ERROR,
    }
}

fn is_used(cf: &mut ngx_conf_t) -> bool {
    conf::main_conf(cf).is_some_and(|main| main.is_used || main.cuts_paths)
}

fn add_phase_handler(
    cf: &mut ngx_conf_t,
    phase: ngx_uint_t,
    handler: ngx_http_handler_pt,
) -> Option<()> {
    let core = NgxHttpCoreModule::main_conf_mut(cf)?;
    let handlers = &mut core.phases.get_mut(phase)?.handlers;
    // SAFETY: nginx has made this array for elements of this type.
    let slot = unsafe { ngx_array_push(handlers).cast::<ngx_http_handler_pt>() };
    if slot.is_null() {
        return None;
    }
    // SAFETY: the slot that nginx has just made is ours to fill.
    unsafe { slot.write(handler) };
    Some(())
}
