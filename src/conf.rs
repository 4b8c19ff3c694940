//! Directives: from text to typed settings, once, when nginx loads its
//! configuration.

use std::collections::BTreeSet;
use std::ffi::{OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::slice;
use std::sync::Arc;

use ngx::core::{NGX_CONF_ERROR, NGX_CONF_OK, NgxStr};
use ngx::ffi::{
    NGX_CONF_1MORE, NGX_CONF_2MORE, NGX_CONF_NOARGS, NGX_CONF_TAKE1, NGX_HTTP_LMT_CONF,
    NGX_HTTP_LOC_CONF, NGX_HTTP_LOC_CONF_OFFSET, NGX_HTTP_MAIN_CONF, NGX_HTTP_SRV_CONF,
    NGX_LOG_EMERG, NGX_LOG_ERR, NGX_LOG_INFO, NGX_LOG_NOTICE, NGX_LOG_WARN, ngx_command_t,
    ngx_conf_full_name, ngx_conf_t, ngx_http_compile_complex_value,
    ngx_http_compile_complex_value_t, ngx_http_complex_value_t, ngx_http_core_loc_conf_t,
    ngx_http_core_srv_conf_t, ngx_http_err_page_t, ngx_http_get_variable_index,
    ngx_http_server_name_t, ngx_int_t, ngx_parse_size, ngx_parse_time, ngx_pcalloc,
    ngx_pool_cleanup_add, ngx_str_t, ngx_uint_t,
};
use ngx::http::{
    HttpModuleConfExt, HttpModuleLocationConf, HttpModuleServerConf, NgxHttpCoreModule,
};
use ngx::{ngx_conf_log_error, ngx_log_error, ngx_string};

use media_token::cors::Origins;
use media_token::hand_over::HandOver;
use media_token::loop_guard;
use media_token::metrics::Observer;
use media_token::session::SessionArgument;
use media_token::source::{self, MAX_SOURCES};
use media_token::{
    Action, Key, KeyFile, KeyOptions, Keys, Origin, Policy, Responses, Revoked, Source, Template,
    Url, UrlError,
};

use crate::metrics::{self, Counter, Zone};
use crate::module::{self, ERROR, OK, Table};
use crate::request::{ComplexValue, string};

/// What the directives of one level say, and after merging what applies there.
#[derive(Default)]
pub struct LocationConf {
    guard: Option<Placed<Guard>>,
    keys: Vec<Arc<Key>>,
    sources: Option<Vec<Source>>,
    /// Those of the sources that are in the path, for requests that have no location
    /// yet. Kept where the guard is off too.
    pub path_sources: Vec<Source>,
    max_age: Option<i64>,
    leeway: Option<i64>,
    on: Actions,
    redirect_code: Option<u16>,
    /// How viewers see this site. Kept where the guard is off too: an error page
    /// may need `$crossdomain_media_return_url`.
    pub public_url: Option<Rc<Origin>>,
    strip: Option<bool>,
    referrer_policy: Option<Option<&'static str>>,
    dry_run: Option<bool>,
    cache_control: Option<bool>,
    loop_guard: Option<Option<u32>>,
    cors: Option<Option<Rc<Origins>>>,
    session: Option<Option<Rc<SessionArgument>>>,
    hand_over: Option<Option<Rc<HandOver>>>,
    log_level: Option<ngx_uint_t>,
    revoked: Option<Option<Arc<Revoked>>>,
    zone: Option<Option<Rc<Zone>>>,
    /// Whether `crossdomain_media_metrics` stands here.
    shows_metrics: Option<()>,
    /// Whether there is anything to do here.
    pub is_used: bool,
    /// What requests read; none where the guard is off.
    pub settings: Option<Settings>,
}

/// What `crossdomain_media_on` says, class by class.
#[derive(Default)]
struct Actions {
    missing: Option<Placed<Action>>,
    expired: Option<Placed<Action>>,
    invalid: Option<Placed<Action>>,
}

/// What applies in a guarded location.
pub struct Settings {
    /// Where viewers without a valid token are sent.
    pub application: Rc<Application>,
    /// What grants.
    pub policy: Policy,
    /// What is answered.
    pub responses: Responses,
    /// Whether credentials are taken out of the request.
    pub strip: bool,
    /// The names of the server, apart from regular expressions. nginx keeps its own
    /// list only while it loads its configuration.
    pub server_names: Vec<Box<[u8]>>,
    /// Whether credentials may come in header lines.
    pub reads_lines: bool,
    /// `Vary`: the headers that the answer depends on.
    pub varies_by: Option<Box<str>>,
    /// The origins whose scripts may read answers; none: as if there were no scripts.
    pub cors: Option<Rc<Origins>>,
    /// Whether caches may keep what is granted for no longer than the grant lasts.
    pub cache_control: bool,
    /// How grants are handed over to a cookie, where they are.
    pub hand_over: Option<Rc<HandOver>>,
    /// How many redirects in a row a viewer is sent on.
    pub loop_guard: Option<u32>,
    /// `Referrer-Policy` where a token came in the URL, and of redirects.
    pub referrer_policy: Option<&'static str>,
    /// Level of the line for each refusal.
    pub log_level: ngx_uint_t,
    /// Where decisions are counted, where they are.
    pub counter: Option<Counter>,
}

impl Settings {
    /// Whether credentials in the path are for this location.
    pub fn takes_segments(&self) -> bool {
        (self.policy.sources.iter()).any(|source| matches!(source, Source::Path(_)))
    }
}

/// What `crossdomain_media` says.
#[derive(Clone)]
enum Guard {
    Off,
    On(Rc<Application>),
}

/// The application's URL.
pub enum Application {
    /// Without variables.
    Fixed(Url),
    /// With variables: how nginx evaluates it, and what it must come to.
    Variable(ComplexValue, Template),
}

/// A value, and the file and line of the directive that it comes from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placed<T> {
    /// What it says.
    pub value: T,
    place: Rc<str>,
}

/// What the module keeps for the whole of `http`.
#[derive(Default)]
pub struct MainConf {
    /// Indices of `$request_uri` and `$request`.
    pub line_variables: [usize; 2],
    /// Indices of the variables that show header lines with credentials.
    pub header_variables: Vec<usize>,
    /// The names of those.
    header_names: BTreeSet<Box<str>>,
    /// Whether any server takes credentials from the path.
    pub cuts_paths: bool,
    /// Whether anything is to be done anywhere: otherwise nginx does not call us at all.
    pub is_used: bool,
    named_locations: BTreeSet<NamedLocation>,
    /// All that counts.
    pub zones: Vec<Placed<Rc<Zone>>>,
}

/// A named location that a refusal may go to, to be looked at when all are known.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct NamedLocation {
    server: *const ngx_http_core_srv_conf_t,
    name: Placed<Box<str>>,
    via: Via,
}

/// How a refusal gets to a named location.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Via {
    /// `crossdomain_media_on`
    Action,
    /// The `error_page` for this status.
    ErrorPage(u16),
}

/// An `extern "C"` setter for nginx that calls a safe one of ours.
macro_rules! setter {
    ($set:ident) => {{
        unsafe extern "C" fn setter(
            cf: *mut ngx_conf_t,
            command: *mut ngx_command_t,
            conf: *mut c_void,
        ) -> *mut c_char {
            // SAFETY: nginx passes what it was told to pass by the directive table.
            unsafe { set(cf, command, conf.cast(), $set) }
        }
        setter
    }};
}

type Setter = unsafe extern "C" fn(*mut ngx_conf_t, *mut ngx_command_t, *mut c_void) -> *mut c_char;

const fn command(name: ngx_str_t, arguments: u32, set: Setter) -> ngx_command_t {
    const ANYWHERE: u32 =
        NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_HTTP_LMT_CONF;
    ngx_command_t {
        name,
        type_: (ANYWHERE | arguments) as ngx_uint_t,
        set: Some(set),
        conf: NGX_HTTP_LOC_CONF_OFFSET,
        offset: 0,
        post: ptr::null_mut(),
    }
}

/// A directive that stands in locations only.
const fn in_location(mut command: ngx_command_t) -> ngx_command_t {
    command.type_ &= !(NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LMT_CONF) as ngx_uint_t;
    command
}

/// The directive table.
#[rustfmt::skip]
pub static COMMANDS: Table<[ngx_command_t; 21]> = Table([
    command(ngx_string!("crossdomain_media"), NGX_CONF_TAKE1, setter!(guard)),
    command(ngx_string!("crossdomain_media_key"), NGX_CONF_1MORE, setter!(key)),
    command(ngx_string!("crossdomain_media_token"), NGX_CONF_1MORE, setter!(token)),
    command(ngx_string!("crossdomain_media_max_age"), NGX_CONF_TAKE1, setter!(max_age)),
    command(ngx_string!("crossdomain_media_leeway"), NGX_CONF_TAKE1, setter!(leeway)),
    command(ngx_string!("crossdomain_media_on"), NGX_CONF_2MORE, setter!(on)),
    command(ngx_string!("crossdomain_media_redirect_code"), NGX_CONF_TAKE1, setter!(redirect_code)),
    command(ngx_string!("crossdomain_media_public_url"), NGX_CONF_TAKE1, setter!(public_url)),
    command(ngx_string!("crossdomain_media_strip"), NGX_CONF_TAKE1, setter!(strip)),
    command(ngx_string!("crossdomain_media_referrer_policy"), NGX_CONF_TAKE1, setter!(referrer_policy)),
    command(ngx_string!("crossdomain_media_dry_run"), NGX_CONF_TAKE1, setter!(dry_run)),
    command(ngx_string!("crossdomain_media_log_level"), NGX_CONF_TAKE1, setter!(log_level)),
    command(ngx_string!("crossdomain_media_cache_control"), NGX_CONF_TAKE1, setter!(cache_control)),
    command(ngx_string!("crossdomain_media_cookie"), NGX_CONF_1MORE, setter!(cookie)),
    command(ngx_string!("crossdomain_media_loop_guard"), NGX_CONF_TAKE1, setter!(loop_guard)),
    command(ngx_string!("crossdomain_media_cors"), NGX_CONF_1MORE, setter!(cors)),
    command(ngx_string!("crossdomain_media_revoked"), NGX_CONF_TAKE1, setter!(revoked)),
    command(ngx_string!("crossdomain_media_zone"), NGX_CONF_TAKE1, setter!(zone)),
    in_location(command(ngx_string!("crossdomain_media_metrics"), NGX_CONF_NOARGS, setter!(metrics))),
    in_location(command(ngx_string!("crossdomain_media_session_arg"), NGX_CONF_1MORE, setter!(session_arg))),
    ngx_command_t::empty(),
]);

/// Why a directive is refused.
enum Error {
    /// It stands twice in one level.
    Duplicate,
    /// A value that it does not take, and what was expected.
    Value { value: String, why: String },
}

impl Error {
    fn value(value: impl ToString, why: impl ToString) -> Self {
        Self::Value {
            value: value.to_string(),
            why: why.to_string(),
        }
    }
}

/// A directive as it stands in the configuration.
struct Line<'c> {
    cf: &'c mut ngx_conf_t,
    name: &'c str,
    arguments: Vec<&'c str>,
}

/// Calls a setter and reports its error with directive, value, file and line.
///
/// # Safety
/// The pointers are those that nginx passes to a setter of [`COMMANDS`].
unsafe fn set(
    cf: *mut ngx_conf_t,
    command: *const ngx_command_t,
    conf: *mut LocationConf,
    apply: fn(&mut LocationConf, &mut Line<'_>) -> Result<(), Error>,
) -> *mut c_char {
    let raw_cf = cf;
    // SAFETY: promised by the caller.
    let (Some(cf), Some(command), Some(conf)) =
        (unsafe { (cf.as_mut(), command.as_ref(), conf.as_mut()) })
    else {
        return NGX_CONF_ERROR;
    };
    let name = command.name.to_str().unwrap_or_default();
    // SAFETY: nginx holds the words of a directive as an array of strings.
    let words = unsafe { (*cf.args).as_slice::<ngx_str_t>() };
    let report = |value: &str, why: &str| {
        // nginx cuts long lines, and the reason comes last.
        let shown = value
            .char_indices()
            .nth(200)
            .and_then(|(end, _)| value.get(..end));
        let (shown, dots) = shown.map_or((value, ""), |shown| (shown, "..."));
        ngx_conf_log_error!(NGX_LOG_EMERG, raw_cf, "{name}: {shown}{dots}: {why}");
        NGX_CONF_ERROR
    };
    let mut arguments = Vec::with_capacity(words.len());
    for word in words.iter().skip(1) {
        match word.to_str() {
            Ok(argument) => arguments.push(argument),
            Err(_) => return report(&word.to_string(), "not valid UTF-8"),
        }
    }
    let mut line = Line {
        cf,
        name,
        arguments,
    };
    match apply(conf, &mut line) {
        Ok(()) => NGX_CONF_OK,
        Err(Error::Duplicate) => c"is duplicate".as_ptr().cast_mut(),
        Err(Error::Value { value, why }) => report(&value, &why),
    }
}

impl<'c> Line<'c> {
    /// The first argument; nginx has checked that there is one.
    fn value(&self) -> &'c str {
        self.arguments.first().copied().unwrap_or_default()
    }

    /// The file that the first argument names, relative to nginx's configuration.
    fn file(&self) -> Result<&'c Path, Error> {
        let name = self.value();
        // nginx looks at the first byte of a name without looking at its length.
        if name.is_empty() {
            return Err(Error::value("\"\"", "expected the name of a file"));
        }
        let mut full_name = string(name.as_bytes());
        // SAFETY: the cycle lives; the name is not empty; nginx replaces the string by
        // one of its pool, or leaves it.
        if unsafe { ngx_conf_full_name(self.cf.cycle, &raw mut full_name, 1) } != OK {
            return Err(Error::value(name, "no memory for the full name"));
        }
        // SAFETY: nginx keeps the configuration's words, and what it puts in their place, as
        // long as the configuration.
        let full_name = unsafe { slice::from_raw_parts(full_name.data, full_name.len) };
        Ok(Path::new(OsStr::from_bytes(full_name)))
    }

    fn warn(&mut self, value: &str, why: &str) {
        ngx_conf_log_error!(NGX_LOG_WARN, self.cf, "{}: {value}: {why}", self.name);
    }

    fn placed<T>(&self, value: T) -> Placed<T> {
        // SAFETY: while nginx calls setters, it is reading a file.
        let place = unsafe { self.cf.conf_file.as_ref() }.map(|file| {
            let name = NgxStr::from_bytes(file.file.name.as_bytes());
            format!("{name}:{}", file.line)
        });
        Placed {
            value,
            place: place.unwrap_or_default().into(),
        }
    }

    /// Whether the directive stands in `http` or `server` itself.
    fn is_outside_locations(&self) -> bool {
        let outside = (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF) as ngx_uint_t;
        self.cf.cmd_type & outside != 0
    }

    /// `on` or `off`.
    fn flag(&self) -> Result<bool, Error> {
        match self.value() {
            "on" => Ok(true),
            "off" => Ok(false),
            other => Err(Error::value(other, "expected \"on\" or \"off\"")),
        }
    }

    /// A time in whole seconds, at least `least`.
    fn seconds(&self, least: i64) -> Result<i64, Error> {
        match parse_time(self.value()) {
            Some(seconds) if seconds >= least => Ok(seconds),
            Some(_) => Err(Error::value(
                self.value(),
                format_args!("expected at least {least}s"),
            )),
            None => Err(Error::value(
                self.value(),
                "expected a time such as 90s, 2m or 1h30m",
            )),
        }
    }
}

/// Reads nginx's notation for times, in seconds.
fn parse_time(text: &str) -> Option<i64> {
    let mut text = string(text.as_bytes());
    // SAFETY: the string is only read.
    let seconds = unsafe { ngx_parse_time(&raw mut text, 1) };
    i64::try_from(seconds).ok().filter(|&seconds| seconds >= 0)
}

/// Sets what a level may say once.
fn once<T>(field: &mut Option<T>, value: T) -> Result<(), Error> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::Duplicate),
    }
}

fn guard(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let text = line.value();
    let refuse = |error: UrlError| Error::value(text, format_args!("{error}, or \"off\""));
    let guard = match text {
        "off" => Guard::Off,
        // Only a variable's spaces are escaped.
        _ if text.contains(' ') => return Err(Error::value(text, "holds a space: write %20")),
        _ if text.contains('$') => {
            let template = Template::parse(text).map_err(refuse)?;
            let value = compile(line.cf, text).ok_or_else(|| Error::value(text, "not valid"))?;
            Guard::On(Rc::new(Application::Variable(value, template)))
        }
        _ => Guard::On(Rc::new(Application::Fixed(
            Url::parse(text).map_err(refuse)?,
        ))),
    };
    let placed = line.placed(guard);
    once(&mut conf.guard, placed)
}

fn compile(cf: &mut ngx_conf_t, text: &str) -> Option<ComplexValue> {
    let mut source = string(text.as_bytes());
    // SAFETY: a configuration has a pool.
    let value = unsafe { ngx_pcalloc(cf.pool, size_of::<ngx_http_complex_value_t>()) };
    let value: NonNull<ngx_http_complex_value_t> = NonNull::new(value.cast())?;
    // SAFETY: all fields are valid when zero.
    let mut request: ngx_http_compile_complex_value_t = unsafe { std::mem::zeroed() };
    request.cf = cf;
    request.value = &raw mut source;
    request.complex_value = value.as_ptr();
    // SAFETY: nginx takes what it needs of the text, which lives as long as the
    // configuration's words do: as long as its pool.
    let result = unsafe { ngx_http_compile_complex_value(&raw mut request) };
    // SAFETY: compiled just now, in the configuration's pool.
    (result == OK).then(|| unsafe { ComplexValue::new(value) })
}

fn key(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let parameters = line.arguments.iter().skip(1).copied();
    let name = line.value();
    let refuse = |error: media_token::KeyError| Error::value(name, error);
    let options = KeyOptions::parse(parameters, parse_time).map_err(refuse)?;
    let file = KeyFile::read(line.file()?).map_err(refuse)?;
    let Keys { keys, ignored } = Key::read(file.bytes(), &options).map_err(refuse)?;
    if file.is_world_readable() && keys.iter().any(Key::is_secret) {
        let mode = file.mode;
        line.warn(
            name,
            &format!("mode {mode:04o} lets every user read the key; use chmod o-r"),
        );
    }
    if ignored != 0 {
        line.warn(
            name,
            &format!("{ignored} of its keys left out, as their type or algorithm is not supported"),
        );
    }
    for key in keys {
        if let Some(len) = key.weak {
            line.warn(
                name,
                &format!("{len} bytes, a Django SECRET_KEY should have at least 32"),
            );
        }
        if let Some(id) = key.id()
            && conf.keys.iter().any(|other| other.id() == Some(id))
        {
            return Err(Error::value(
                name,
                format_args!("\"id={id}\" is another key's id already"),
            ));
        }
        conf.keys.push(Arc::new(key));
    }
    Ok(())
}

fn token(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let mut sources = Vec::with_capacity(line.arguments.len());
    for text in &line.arguments {
        let source = Source::parse(text).map_err(|error| Error::value(text, error))?;
        if sources.iter().any(|other| source.is_same(other)) {
            return Err(Error::value(text, "is given twice"));
        }
        let in_path = |source: &Source| matches!(source, Source::Path(_));
        if in_path(&source) {
            if !line.is_outside_locations() {
                return Err(Error::value(
                    text,
                    "is allowed in http and server only: it is cut before nginx looks for a location",
                ));
            }
            if sources.iter().any(in_path) {
                return Err(Error::value(text, "expected one prefix at most"));
            }
            let main =
                main_conf(line.cf).ok_or_else(|| Error::value(text, "no place to note it"))?;
            main.cuts_paths = true;
        }
        if sources.len() == MAX_SOURCES {
            return Err(Error::value(
                text,
                format_args!("expected at most {MAX_SOURCES} sources"),
            ));
        }
        sources.push(source);
    }
    once(&mut conf.sources, sources)
}

fn max_age(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    once(&mut conf.max_age, line.seconds(1)?)
}

fn leeway(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    once(&mut conf.leeway, line.seconds(0)?)
}

fn on(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let Some((last, classes)) = line.arguments.split_last() else {
        return Err(Error::value("", "expected classes and an action"));
    };
    let action = Action::parse(last).map_err(|error| Error::value(last, error))?;
    for &class in classes {
        let field = match class {
            "missing" => &mut conf.on.missing,
            "expired" => &mut conf.on.expired,
            "invalid" => &mut conf.on.invalid,
            _ => return Err(Error::value(class, "expected missing, expired or invalid")),
        };
        if field.replace(line.placed(action.clone())).is_some() {
            return Err(Error::value(class, "has an action at this level already"));
        }
    }
    Ok(())
}

fn redirect_code(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let code = match line.value() {
        "302" => 302,
        "303" => 303,
        "307" => 307,
        "308" => 308,
        other => return Err(Error::value(other, "expected 302, 303, 307 or 308")),
    };
    once(&mut conf.redirect_code, code)
}

fn public_url(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let text = line.value();
    let origin = Origin::parse(text).map_err(|error| Error::value(text, error))?;
    let usual = origin.as_browsers_do();
    if usual != text {
        line.warn(
            text,
            &format!("browsers write \"{usual}\", which is what signatures are over"),
        );
    }
    once(&mut conf.public_url, Rc::new(origin))
}

fn strip(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    once(&mut conf.strip, line.flag()?)
}

/// <https://www.w3.org/TR/referrer-policy/#referrer-policies>
const REFERRER_POLICIES: [&str; 8] = [
    "no-referrer",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "no-referrer-when-downgrade",
    "unsafe-url",
];

fn referrer_policy(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let text = line.value();
    let policy = match REFERRER_POLICIES.iter().find(|&&policy| policy == text) {
        Some(policy) => Some(*policy),
        None if text == "off" => None,
        None => {
            let known = REFERRER_POLICIES.join(", ");
            return Err(Error::value(
                text,
                format_args!("expected one of {known}, or \"off\""),
            ));
        }
    };
    if matches!(text, "no-referrer-when-downgrade" | "unsafe-url") {
        line.warn(text, "shows URLs with their tokens to other sites");
    }
    once(&mut conf.referrer_policy, policy)
}

fn dry_run(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    once(&mut conf.dry_run, line.flag()?)
}

fn log_level(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let level = match line.value() {
        "info" => NGX_LOG_INFO,
        "notice" => NGX_LOG_NOTICE,
        "warn" => NGX_LOG_WARN,
        "error" => NGX_LOG_ERR,
        other => return Err(Error::value(other, "expected info, notice, warn or error")),
    };
    once(&mut conf.log_level, level as ngx_uint_t)
}

fn cache_control(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    once(&mut conf.cache_control, line.flag()?)
}

fn loop_guard(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let expected = format_args!(
        "expected a number from 1 to {}, or \"off\"",
        loop_guard::MAX
    );
    let most = match (line.value(), line.value().parse()) {
        ("off", _) => None,
        (_, Ok(number @ 1..=loop_guard::MAX)) => Some(number),
        _ => return Err(Error::value(line.value(), expected)),
    };
    once(&mut conf.loop_guard, most)
}

fn cors(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    if line.arguments == ["off"] {
        return once(&mut conf.cors, None);
    }
    let mut origins = Origins::default();
    for text in &line.arguments {
        origins
            .add(text)
            .map_err(|error| Error::value(text, error))?;
    }
    once(&mut conf.cors, Some(Rc::new(origins)))
}

fn cookie(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    if line.arguments == ["off"] {
        return once(&mut conf.hand_over, None);
    }
    let (name, parameters) = (line.value(), line.arguments.get(1..).unwrap_or_default());
    let hand_over = HandOver::parse(name, parameters, parse_time);
    let hand_over = hand_over.map_err(|error| Error::value(name, error))?;
    once(&mut conf.hand_over, Some(Rc::new(hand_over)))
}

fn session_arg(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    if line.arguments == ["off"] {
        return once(&mut conf.session, None);
    }
    let (name, parameters) = (line.value(), line.arguments.get(1..).unwrap_or_default());
    let session = SessionArgument::parse(name, parameters);
    let session = session.map_err(|error| Error::value(name, error))?;
    let main = main_conf(line.cf).ok_or_else(|| Error::value(name, "no place to note it"))?;
    let variables = ["http_cookie".into(), format!("cookie_{}", session.cookie)];
    main.header_names.extend(variables.map(Box::from));
    once(&mut conf.session, Some(Rc::new(session)))
}

fn revoked(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let name = line.value();
    let list = match name {
        "off" => None,
        _ => {
            let list = Revoked::read(line.file()?);
            Some(Arc::new(list.map_err(|error| Error::value(name, error))?))
        }
    };
    once(&mut conf.revoked, list)
}

fn zone(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    let text = line.value();
    if text == "off" {
        return once(&mut conf.zone, None);
    }
    let (name, size) = match text.split_once(':') {
        Some((name, size)) => (name, Some(size)),
        None => (text, None),
    };
    // "off" could not be referred to.
    if matches!(name, "" | "off") {
        return Err(Error::value(text, "expected NAME:SIZE, NAME or \"off\""));
    }
    let least = metrics::min_size();
    let size = match size.map(parse_size) {
        None => None,
        Some(Some(size)) if size >= least => Some(size),
        Some(Some(_)) => {
            return Err(Error::value(
                text,
                format_args!("too small, expected at least {least} bytes"),
            ));
        }
        Some(None) => return Err(Error::value(text, "expected a size such as 512k or 1m")),
    };
    let zone = Zone::add(line.cf, name, size)
        .ok_or_else(|| Error::value(text, "nginx refuses this zone, as it says above"))?;
    let placed = line.placed(Rc::new(zone));
    let main = main_conf(line.cf).ok_or_else(|| Error::value(text, "no place to note it"))?;
    let mut known = main.zones.iter();
    let zone = match known.find(|other| other.value.is_same(&placed.value)) {
        Some(other) => Rc::clone(&other.value),
        None => {
            let zone = Rc::clone(&placed.value);
            main.zones.push(placed);
            zone
        }
    };
    once(&mut conf.zone, Some(zone))
}

/// Reads nginx's notation for sizes, in bytes.
fn parse_size(text: &str) -> Option<usize> {
    let mut text = string(text.as_bytes());
    // SAFETY: nginx only reads the string, which lives here.
    usize::try_from(unsafe { ngx_parse_size(&raw mut text) }).ok()
}

fn metrics(conf: &mut LocationConf, line: &mut Line<'_>) -> Result<(), Error> {
    once(&mut conf.shows_metrics, ())?;
    let location = NgxHttpCoreModule::location_conf_mut(line.cf);
    let location = location.ok_or_else(|| Error::value("", "no location"))?;
    if location.handler.is_some() {
        return Err(Error::value("here", "another directive answers already"));
    }
    metrics::show_in(location);
    Ok(())
}

pub unsafe extern "C" fn create_main(cf: *mut ngx_conf_t) -> *mut c_void {
    // SAFETY: nginx passes a valid configuration context.
    unsafe { create::<MainConf>(cf) }
}

pub unsafe extern "C" fn create_location(cf: *mut ngx_conf_t) -> *mut c_void {
    // SAFETY: nginx passes a valid configuration context.
    unsafe { create::<LocationConf>(cf) }
}

/// Makes a configuration that is dropped with nginx's pool, which wipes the keys.
///
/// # Safety
/// `cf` is a valid configuration context.
unsafe fn create<T: Default>(cf: *mut ngx_conf_t) -> *mut c_void {
    unsafe extern "C" fn drop_conf<T>(conf: *mut c_void) {
        // SAFETY: made by `Box::into_raw` below, and dropped only here.
        drop(unsafe { Box::from_raw(conf.cast::<T>()) });
    }
    // SAFETY: promised by the caller; a configuration has a pool.
    let cleanup = unsafe { ngx_pool_cleanup_add((*cf).pool, 0) };
    // SAFETY: nginx returns null or a record of its pool.
    let Some(cleanup) = (unsafe { cleanup.as_mut() }) else {
        return ptr::null_mut();
    };
    let conf: *mut c_void = Box::into_raw(Box::<T>::default()).cast();
    cleanup.data = conf;
    cleanup.handler = Some(drop_conf::<T>);
    conf
}

pub unsafe extern "C" fn merge_location(
    cf: *mut ngx_conf_t,
    parent: *mut c_void,
    child: *mut c_void,
) -> *mut c_char {
    // SAFETY: nginx passes a valid context, and what `create_location` made.
    let (Some(cf), Some(parent), Some(child)) = (unsafe {
        (
            cf.as_mut(),
            parent.cast::<LocationConf>().as_ref(),
            child.cast::<LocationConf>().as_mut(),
        )
    }) else {
        return NGX_CONF_ERROR;
    };
    child.inherit(parent);
    let settled = child.settle(cf);
    child.is_used = child.settings.is_some() || child.session().is_some();
    if let Some(main) = main_conf(cf) {
        main.is_used |= child.is_used;
    }
    settled
}

impl LocationConf {
    /// What this level does not say is what its parent says.
    fn inherit(&mut self, parent: &Self) {
        fn or<T: Clone>(field: &mut Option<T>, inherited: &Option<T>) {
            if field.is_none() {
                field.clone_from(inherited);
            }
        }
        if self.keys.is_empty() {
            self.keys.clone_from(&parent.keys);
        }
        or(&mut self.guard, &parent.guard);
        or(&mut self.sources, &parent.sources);
        self.path_sources = (self.sources.iter().flatten())
            .filter(|source| matches!(source, Source::Path(_)))
            .cloned()
            .collect();
        or(&mut self.max_age, &parent.max_age);
        or(&mut self.leeway, &parent.leeway);
        or(&mut self.on.missing, &parent.on.missing);
        or(&mut self.on.expired, &parent.on.expired);
        or(&mut self.on.invalid, &parent.on.invalid);
        or(&mut self.redirect_code, &parent.redirect_code);
        or(&mut self.public_url, &parent.public_url);
        or(&mut self.strip, &parent.strip);
        or(&mut self.referrer_policy, &parent.referrer_policy);
        or(&mut self.dry_run, &parent.dry_run);
        or(&mut self.cache_control, &parent.cache_control);
        or(&mut self.loop_guard, &parent.loop_guard);
        or(&mut self.cors, &parent.cors);
        or(&mut self.session, &parent.session);
        or(&mut self.hand_over, &parent.hand_over);
        or(&mut self.log_level, &parent.log_level);
        or(&mut self.revoked, &parent.revoked);
        or(&mut self.zone, &parent.zone);
    }

    /// Makes the settings that requests read.
    fn settle(&mut self, cf: &mut ngx_conf_t) -> *mut c_char {
        let Some(Placed {
            value: Guard::On(application),
            place,
        }) = &self.guard
        else {
            return NGX_CONF_OK;
        };
        if self.keys.iter().all(|key| key.mints())
            && let Some(location) = location_name(cf)
        {
            // The line that nginx would report is the last one of `http`.
            ngx_log_error!(
                NGX_LOG_EMERG,
                cf.log,
                "crossdomain_media: location \"{location}\": no crossdomain_media_key applies: \
                 name a file with the application's key, or say \"crossdomain_media off\" in {place}"
            );
            return NGX_CONF_ERROR;
        }
        for placed in [&self.on.missing, &self.on.expired, &self.on.invalid] {
            if let Some(Placed {
                value: Action::Named(name),
                place,
            }) = placed
            {
                let name = Placed {
                    value: name.clone(),
                    place: place.clone(),
                };
                if note_named_location(cf, name, Via::Action).is_none() {
                    return NGX_CONF_ERROR;
                }
            }
        }
        let action = |placed: &Option<Placed<Action>>, default| {
            placed
                .as_ref()
                .map_or(default, |placed| placed.value.clone())
        };
        let default = Responses::default();
        let responses = Responses {
            missing: action(&self.on.missing, default.missing),
            expired: action(&self.on.expired, default.expired),
            invalid: action(&self.on.invalid, default.invalid),
            redirect_code: self.redirect_code.unwrap_or(default.redirect_code),
            dry_run: self.dry_run.unwrap_or(default.dry_run),
        };
        for action in [&responses.missing, &responses.expired, &responses.invalid] {
            if let Action::Status(status) = *action
                && let Some(value) = error_page(cf, status)
            {
                let name = Placed {
                    value,
                    place: place.clone(),
                };
                if note_named_location(cf, name, Via::ErrorPage(status)).is_none() {
                    return NGX_CONF_ERROR;
                }
            }
        }
        let mints = (self.hand_over.iter().flatten()).any(|hand_over| hand_over.minting.is_some());
        if mints && !self.keys.is_empty() {
            if !self.keys.iter().any(|key| key.mints()) {
                ngx_log_error!(
                    NGX_LOG_EMERG,
                    cf.log,
                    "crossdomain_media_cookie: \"max_age=\" needs a key to make tokens with: \
                     \"crossdomain_media_key FILE format=jwt use=mint\" in {place}"
                );
                return NGX_CONF_ERROR;
            }
            let mut vouching = self.keys.iter().filter(|key| !key.mints());
            if vouching.any(|key| key.id().is_none()) {
                ngx_log_error!(
                    NGX_LOG_EMERG,
                    cf.log,
                    "crossdomain_media_cookie: \"max_age=\" needs an \"id=\" for each of the \
                     application's keys: the tokens made for a key end with it, in {place}"
                );
                return NGX_CONF_ERROR;
            }
        }
        let hand_over = self.hand_over.as_ref().and_then(Option::as_deref);
        let sources = source::of_location(self.sources.as_deref(), &self.keys, hand_over);
        if note_sources(cf, &sources).is_none() {
            return NGX_CONF_ERROR;
        }
        let server_names = server_names(cf);
        let cors = self.cors.clone().flatten();
        if self.keys.iter().any(|key| key.needs_origin())
            && self.public_url.is_none()
            && server_names.is_empty()
        {
            ngx_log_error!(
                NGX_LOG_WARN,
                cf.log,
                "crossdomain_media: CloudFront's signatures are over scheme and host, which this \
                 server does not know: set \"crossdomain_media_public_url\", or a \"server_name\" \
                 that is neither \"_\" nor a regular expression, in {place}"
            );
        }
        self.settings = Some(Settings {
            application: Rc::clone(application),
            server_names,
            reads_lines: sources.iter().any(|source| source.varies_by().is_some()),
            varies_by: varies_by(&sources, cors.is_some()),
            cors,
            cache_control: self.cache_control.unwrap_or(false),
            hand_over: self.hand_over.clone().flatten(),
            loop_guard: self.loop_guard.flatten(),
            policy: Policy {
                sources,
                keys: self.keys.clone(),
                max_age: self.max_age.unwrap_or(Policy::DEFAULT_MAX_AGE),
                leeway: self.leeway.unwrap_or(0),
                revoked: self.revoked.clone().flatten(),
            },
            responses,
            strip: self.strip.unwrap_or(true),
            referrer_policy: self.referrer_policy.unwrap_or(Some("no-referrer")),
            log_level: self.log_level.unwrap_or(NGX_LOG_INFO as ngx_uint_t),
            counter: self.zone.clone().flatten().map(|zone| Counter {
                zone,
                observer: Observer::new(&server_name(cf)),
            }),
        });
        NGX_CONF_OK
    }

    /// How session ids are taken from the query, where they are.
    pub fn session(&self) -> Option<&SessionArgument> {
        self.session.as_ref()?.as_deref()
    }
}

/// The names of the server that is being merged.
fn server_names(cf: &ngx_conf_t) -> Vec<Box<[u8]>> {
    let Some(server) = NgxHttpCoreModule::server_conf(cf) else {
        return Vec::new();
    };
    // SAFETY: nginx holds them as an array of this type.
    let names = unsafe { server.server_names.as_slice::<ngx_http_server_name_t>() };
    let plain = names
        .iter()
        // What stands for none of them (`server_name _`) is no name either.
        .filter(|name| name.regex.is_null() && !matches!(name.name.as_bytes(), b"" | b"_"));
    plain.map(|name| name.name.as_bytes().into()).collect()
}

/// The first name of the server that is being merged, as `$server_name` has it.
fn server_name(cf: &ngx_conf_t) -> Box<str> {
    let server = NgxHttpCoreModule::server_conf(cf);
    let name = server.map(|server| server.server_name.to_string().into());
    name.unwrap_or_default()
}

/// `Vary` for what these sources look at, and for whether scripts are told from others.
fn varies_by(sources: &[Source], cors: bool) -> Option<Box<str>> {
    let mut names: Vec<&str> = Vec::new();
    let scripts = if cors { media_token::cors::VARY } else { &[] };
    for name in (sources.iter().filter_map(Source::varies_by)).chain(scripts.iter().copied()) {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join(", ").into())
}

/// Notes what the sources of a guarded location need once the whole configuration
/// has been read.
fn note_sources(cf: &mut ngx_conf_t, sources: &[Source]) -> Option<()> {
    let main = main_conf(cf)?;
    for source in sources {
        let names = match source {
            Source::Argument(_) | Source::Path(_) | Source::CloudFrontUrl => vec![],
            // Their names have a hyphen, which no variable has.
            Source::CloudFrontCookies => vec!["http_cookie".into()],
            Source::Cookie(name) | Source::HandOver(name) => {
                vec!["http_cookie".into(), format!("cookie_{name}")]
            }
            Source::Header(name) => {
                vec![format!(
                    "http_{}",
                    name.to_ascii_lowercase().replace('-', "_")
                )]
            }
        };
        main.header_names.extend(names.into_iter().map(Box::from));
    }
    Some(())
}

/// The name of the location that is being merged; none for a server's own level.
fn location_name(cf: &ngx_conf_t) -> Option<String> {
    let location = NgxHttpCoreModule::location_conf(cf)?;
    // An `if` of the server has no name either, but then it is marked.
    let is_server = location.name.is_empty()
        && (location.noname() != 0 || is_own_level(NgxHttpCoreModule::server_conf(cf)?, location));
    (!is_server).then(|| location.name.to_string())
}

/// Whether this is what a server says outside its locations.
fn is_own_level(server: &ngx_http_core_srv_conf_t, location: &ngx_http_core_loc_conf_t) -> bool {
    // SAFETY: a server has a context of its own.
    let own = unsafe { server.ctx.as_ref() }.and_then(NgxHttpCoreModule::location_conf);
    own.is_some_and(|own| ptr::eq(own, location))
}

/// Notes a named location of the server that is being merged.
fn note_named_location(cf: &mut ngx_conf_t, name: Placed<Box<str>>, via: Via) -> Option<()> {
    let server = NgxHttpCoreModule::server_conf(cf)?;
    let location = NamedLocation { server, name, via };
    main_conf(cf)?.named_locations.insert(location);
    Some(())
}

/// The named location to which the `error_page` of the location that is being
/// merged sends a status.
fn error_page(cf: &ngx_conf_t, status: u16) -> Option<Box<str>> {
    let location = NgxHttpCoreModule::location_conf(cf)?;
    // SAFETY: nginx holds them as an array of this type, or null.
    let pages = unsafe {
        location
            .error_pages
            .as_ref()?
            .as_slice::<ngx_http_err_page_t>()
    };
    let mut pages = pages
        .iter()
        .filter(|page| page.status == status as ngx_int_t);
    let target = pages.next()?.value.value.to_str().ok()?;
    target.starts_with('@').then(|| target.into())
}

pub fn main_conf(cf: &mut ngx_conf_t) -> Option<&mut MainConf> {
    // SAFETY: the main configuration of this module has this type, and only the
    // setters and hooks of this file use it while nginx loads a configuration.
    unsafe {
        Some(
            cf.http_main_conf_unchecked::<MainConf>(module::guard())?
                .as_mut(),
        )
    }
}

/// Says which zone has no size, if there is one: nginx itself would not say where.
pub fn check_zones(cf: &mut ngx_conf_t) -> Option<()> {
    let log = cf.log;
    let mut zones = main_conf(cf)?.zones.iter();
    let Some(Placed { value: zone, place }) = zones.find(|zone| !zone.value.has_size()) else {
        return Some(());
    };
    ngx_log_error!(
        NGX_LOG_EMERG,
        log,
        "crossdomain_media_zone: {}: expected NAME:SIZE in one of its directives in {place}",
        zone.name
    );
    None
}

/// What can be done only when the whole configuration has been read.
pub fn finish(cf: &mut ngx_conf_t) -> ngx_int_t {
    let log = cf.log;
    let Some(main) = main_conf(cf) else {
        return ERROR;
    };
    let header_names = std::mem::take(&mut main.header_names);
    let line_variables = ["request_uri", "request"].map(|name| variable_index(cf, name));
    let header_variables = header_names.iter().map(|name| variable_index(cf, name));
    let header_variables = header_variables.collect::<Vec<_>>();
    let ([Some(target), Some(line)], Some(main)) = (line_variables, main_conf(cf)) else {
        return ERROR;
    };
    main.line_variables = [target, line];
    main.header_variables = header_variables.into_iter().flatten().collect();
    for NamedLocation { server, name, via } in &main.named_locations {
        // SAFETY: nginx keeps the server's configuration as long as the whole one.
        let location = named_location(unsafe { &**server }, &name.value);
        let (name, place) = (&name.value, &name.place);
        match (via, location) {
            (Via::Action, None) => {
                ngx_log_error!(
                    NGX_LOG_EMERG,
                    log,
                    "crossdomain_media_on: {name}: no such named location in this server in {place}"
                );
                return ERROR;
            }
            (Via::ErrorPage(status), Some(location)) if is_guarded(location) => {
                ngx_log_error!(
                    NGX_LOG_WARN,
                    log,
                    "crossdomain_media: error_page {status} {name}: answers refusals, and is not \
                     guarded then: say \"crossdomain_media off\" there, or use another status \
                     in {place}"
                );
            }
            _ => {}
        }
    }
    OK
}

fn variable_index(cf: &mut ngx_conf_t, name: &str) -> Option<usize> {
    let mut name = string(name.as_bytes());
    // SAFETY: nginx copies the name.
    let index = unsafe { ngx_http_get_variable_index(cf, &raw mut name) };
    usize::try_from(index).ok()
}

fn named_location(
    server: &ngx_http_core_srv_conf_t,
    name: &str,
) -> Option<&'static ngx_http_core_loc_conf_t> {
    let mut location = server.named_locations;
    if location.is_null() {
        return None;
    }
    // SAFETY: nginx ends the list with null, and keeps it with the configuration.
    while let Some(core) = unsafe { (*location).as_ref() } {
        if core.name.as_bytes() == name.as_bytes() {
            return Some(core);
        }
        // SAFETY: the list goes on until null.
        location = unsafe { location.add(1) };
    }
    None
}

fn is_guarded(location: &ngx_http_core_loc_conf_t) -> bool {
    // SAFETY: a location has a configuration of each module, ours of this type.
    let conf = unsafe {
        let conf = location.loc_conf.add(module::guard().ctx_index);
        (*conf).cast::<LocationConf>().as_ref()
    };
    conf.is_some_and(|conf| conf.settings.is_some())
}
