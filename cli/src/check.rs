//! `verify` and `explain`: what the module decides about a request.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use media_token::clean::{clean_target, cut_target, find_segment};
use media_token::cors::Asked;
use media_token::hand_over::SetCookie;
use media_token::request::is_reading;
use media_token::{
    Answer as Verdict, Credential, Decision, Destination, Env, Fields as _, Key, Origin, Policy,
    RequestView, Source, decide, loop_guard, take_with,
};

use crate::arguments::Check;
use crate::input::Input;
use crate::nginx::{self, Choice, Directive};
use crate::report::{Answer, Explanation, Report, advice};
use crate::request::{Request, shown, without_tokens};
use crate::settings::{Guard, Level, Settings};
use crate::time;

pub fn verify(options: &Check, input: &mut Input, json: bool) -> Result<u8> {
    let report = examine(options, input)?;
    let code = report.code();
    report.print_verdict(json)?;
    Ok(code)
}

pub fn explain(options: &Check, input: &mut Input, json: bool) -> Result<u8> {
    let report = examine(options, input)?;
    let code = report.code();
    report.print(json)?;
    Ok(code)
}

/// What applies to a request, and where that was found.
struct Site {
    settings: Settings,
    /// Whether the guard is off by what a variable came to, and not as it is written.
    came_to_off: bool,
    /// What was cut out of the path, and the target without it.
    segment: Option<Segment>,
    target: Vec<u8>,
    /// Scheme, host and port under which viewers see this site, where that is known.
    origin: Option<String>,
    server: Option<String>,
    location: Option<String>,
    /// The statuses for which there is an `error_page`, with their places.
    error_pages: Vec<(u16, String)>,
    notes: Vec<String>,
}

/// A credential in the path, which outlives the target that it stood in.
enum Segment {
    Once(Vec<u8>),
    Empty,
    Repeated,
}

impl Segment {
    fn credential(&self) -> Credential<'_> {
        match self {
            Self::Once(value) => Credential::Once(value),
            Self::Empty => Credential::Empty,
            Self::Repeated => Credential::Repeated,
        }
    }
}

/// What nginx answers before the module decides.
enum Before {
    /// The module decides.
    Nothing(Box<Site>),
    /// nginx answers by itself.
    Answer(Answer, Vec<String>),
}

fn examine(options: &Check, input: &mut Input) -> Result<Report> {
    let request = Request::read(&options.url, &options.viewer, input)?;
    let now = match &options.viewer.time {
        Some(moment) => time::moment(moment)?,
        None => time::now(),
    };
    let found = match (refused_method(&request), &options.config) {
        (Some(answer), _) => Before::Answer(answer, Vec::new()),
        (None, Some(file)) => of_configuration(file, options, &request, input)?,
        (None, None) => Before::Nothing(Box::new(of_options(options, &request, input)?)),
    };
    let mut site = match found {
        Before::Nothing(site) => site,
        Before::Answer(answer, notes) => {
            let mut report = undecided(&request, &[], now, answer);
            report.explanation.notes = notes;
            return Ok(report);
        }
    };
    // With a configuration that is the answer. Keys alone are asked about the credential, and
    // applications do sign such paths.
    if options.config.is_none()
        && let Some(answer) = refused_path(&request)
    {
        site.notes.push(answer.text);
    }
    if let Some(url) = &options.application {
        site.came_to_off = url == "off" && !matches!(site.settings.guard, Guard::Off);
        site.settings.guard = match (&site.settings.guard, Guard::parse(url)?) {
            (_, Guard::Variable(..)) => bail!("--application: expected a URL without variables"),
            (Guard::Variable(_, template), Guard::Fixed(_)) => {
                template
                    .destination(url.as_bytes())
                    .with_context(|| format!("--application: {url}"))?;
                Guard::parse(url)?
            }
            (_, guard) => guard,
        };
    }
    if request.had_fragment {
        let note = "what stands behind the # of the URL was left out, as browsers do not send it";
        site.notes.push(note.into());
    }
    judge(*site, &request, now)
}

/// The settings that the command line names.
fn of_options(options: &Check, request: &Request, input: &mut Input) -> Result<Site> {
    let folder = Path::new("");
    let mut level = Level::default();
    for key in &options.key {
        let words = nginx::words(key).with_context(|| format!("--key '{key}'"))?;
        level.apply("key", &words, folder, input)?;
    }
    for directive in &options.directive {
        let context = || format!("--directive '{directive}'");
        let words = nginx::words(directive).with_context(context)?;
        let (name, words) = words.split_first().with_context(context)?;
        let name = match name.strip_prefix("crossdomain_media") {
            Some(name) => name.strip_prefix('_').unwrap_or(name),
            None => name,
        };
        if !level
            .apply(name, words, folder, input)
            .with_context(context)?
        {
            bail!("--directive '{directive}': no such directive");
        }
    }
    let path_sources = level.path_sources();
    let mut settings = level.settle();
    if matches!(settings.guard, Guard::Off) {
        settings.guard = Guard::Unknown;
    }
    let (segment, target) = cut(request, &path_sources);
    let origin = match (&settings.public_url, request.is_https, &request.host) {
        (Some(origin), ..) => Some(origin.as_str().to_owned()),
        (None, Some(is_https), Some(host)) => Some(spell_origin(is_https, host, request.port)),
        _ => None,
    };
    Ok(Site {
        settings,
        came_to_off: false,
        segment,
        target,
        origin,
        server: None,
        location: None,
        error_pages: Vec::new(),
        notes: Vec::new(),
    })
}

fn spell_origin(is_https: bool, host: &str, port: Option<u16>) -> String {
    let (scheme, usual) = if is_https {
        ("https", 443)
    } else {
        ("http", 80)
    };
    match port.filter(|port| *port != usual) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// Cuts a credential out of the path, as the module does before nginx looks for a
/// location.
fn cut(request: &Request, sources: &[Source]) -> (Option<Segment>, Vec<u8>) {
    let view = RequestView::new(&request.target);
    let segment = find_segment(view.path(), sources).map(|found| match found {
        Credential::Once(value) => Segment::Once(value.to_vec()),
        Credential::Empty => Segment::Empty,
        Credential::Repeated => Segment::Repeated,
    });
    let target = match segment {
        Some(_) => cut_target(&view, sources).collect::<Vec<_>>().concat(),
        None => request.target.clone(),
    };
    (segment, target)
}

/// The settings that nginx's configuration has for the request.
fn of_configuration(
    file: &Path,
    options: &Check,
    request: &Request,
    input: &mut Input,
) -> Result<Before> {
    let file = &std::path::absolute(file)?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    let tree = nginx::read_file(file)?;
    let http = tree.iter().find(|directive| directive.name == "http");
    let http = http.with_context(|| format!("{}: no http block", file.display()))?;
    let servers = nginx::servers(http)?;
    let host = request.host.as_deref().unwrap_or_default();
    let choice = nginx::choose(&servers, host, request.port, options.listen.as_deref())?;
    let server = choice.server.directive;

    let mut level = Level::read(server.inside(), folder, input)?;
    level.inherit(&Level::read(http.inside(), folder, input)?);
    let (segment, target) = cut(request, &level.path_sources());

    let mut notes = Vec::new();
    let mut blocks = vec![http, server];
    // Requests are read before their host is known; TLS names it before.
    let reader = match choice.is_tls || segment.is_some() {
        true => server,
        false => choice.default.directive,
    };
    let merges = reader.all("merge_slashes").chain(http.all("merge_slashes"));
    let merges = merges.flat_map(|directive| &directive.arguments).next();
    let merges = merges.is_none_or(|flag| flag != "off");
    let view = RequestView::new(&target);
    // nginx reads the path as it came before the credential is cut out of it.
    let uri = as_it_came(request, merges).and_then(|_| nginx::normalised(view.path(), merges));
    let Some(uri) = uri else {
        return Ok(Before::Answer(unreadable(), notes));
    };
    if let Some(answer) = refused_headers(request) {
        return Ok(Before::Answer(answer, notes));
    }
    let found = match &options.location {
        Some(name) => nginx::Found {
            chain: named(server, name)
                .with_context(|| format!("{name}: no such location in this server"))?,
            how: "as asked for",
        },
        None => nginx::find(server, &uri)?,
    };
    blocks.extend(&found.chain);
    let mut is_limited = false;
    if let Some(location) = found.chain.last()
        && let Some(block) = nginx::limit_except(location, &request.method)
    {
        blocks.push(block);
        is_limited = true;
    }
    for block in blocks.iter().skip(2) {
        let mut inner = Level::read(block.inside(), folder, input)?;
        inner.inherit(&level);
        level = inner;
    }
    note_others(&blocks, &uri, &mut notes);
    let error_pages = error_pages(&blocks);

    let settings = level.settle();
    for unknown in &settings.unknown {
        notes.push(format!(
            "{unknown}: not known to this program, and not looked at"
        ));
    }
    let has_key = settings.policy.keys.iter().any(|key| !key.mints());
    if !matches!(settings.guard, Guard::Off) && !has_key {
        if let Some(location) = found.chain.last() {
            bail!(
                "location {} ({}): no crossdomain_media_key applies, so nginx would not start",
                location.arguments.join(" "),
                location.place
            );
        }
        let text = "500: the server is guarded, but no crossdomain_media_key applies outside its locations";
        return Ok(Before::Answer(Answer::with_status(500, text), notes));
    }
    let origin = match &settings.public_url {
        Some(origin) => Some(origin.as_str().to_owned()),
        None => known_host(&choice, host)
            .map(|host| spell_origin(choice.is_tls, host, Some(choice.port))),
    };
    note_socket(&choice, request, origin.as_deref(), &mut notes);
    let location = found.chain.last().map(|location| {
        let limited = if is_limited { ", limit_except" } else { "" };
        let name = location.arguments.join(" ");
        format!("{name} ({}{limited}): {}", location.place, found.how)
    });
    Ok(Before::Nothing(Box::new(Site {
        settings,
        came_to_off: false,
        segment,
        target,
        origin,
        server: Some(format!(
            "{} ({}): {}",
            choice.socket, server.place, choice.how
        )),
        location: location.or_else(|| Some("none: the settings of the server apply".into())),
        error_pages,
        notes,
    })))
}

/// What nginx answers to a request whose first line does not begin as one, whatever its
/// configuration.
pub fn refused_method(request: &Request) -> Option<Answer> {
    let is_name = |byte: u8| byte.is_ascii_uppercase() || b"_-".contains(&byte);
    if !request.method.is_empty() && request.method.bytes().all(is_name) {
        return None;
    }
    let text =
        "nginx itself answers 400: the name of a method has upper-case letters, _ and - only";
    Some(Answer::with_status(400, text))
}

/// What nginx answers to a path that it cannot read, whatever its configuration.
pub fn refused_path(request: &Request) -> Option<Answer> {
    // What can be read with slashes merged can be read without: `//..` leaves the root in the
    // one case, and is the root in the other.
    as_it_came(request, false).is_none().then(unreadable)
}

/// The path that nginx reads, before a credential is cut out of it.
fn as_it_came(request: &Request, merges_slashes: bool) -> Option<Vec<u8>> {
    nginx::normalised(RequestView::new(&request.target).path(), merges_slashes)
}

fn unreadable() -> Answer {
    Answer::with_status(400, "nginx itself answers 400: it cannot read the path")
}

/// What nginx answers to some requests that it has read to their end.
pub fn refused_headers(request: &Request) -> Option<Answer> {
    let hosts = request.lines.iter();
    let hosts = hosts.filter(|(name, _)| name.eq_ignore_ascii_case("Host"));
    let (status, why) = match request.method.as_str() {
        _ if hosts.count() > 1 => (400, "it has Host twice"),
        "TRACE" | "CONNECT" => (405, "it does not serve this method"),
        _ => return None,
    };
    let text = format!("nginx itself answers {status}: {why}");
    Some(Answer::with_status(status, text))
}

/// The location of this name, and those that it is in.
fn named<'d>(outer: &'d Directive, name: &str) -> Option<Vec<&'d Directive>> {
    outer.all("location").find_map(|location| {
        if location.arguments.join(" ") == name {
            return Some(vec![location]);
        }
        let mut chain = named(location, name)?;
        chain.insert(0, location);
        Some(chain)
    })
}

/// The `Host`, if it is one of the names that the server has: as the module compares it.
fn known_host<'h>(choice: &Choice<'_, '_>, host: &'h str) -> Option<&'h str> {
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
    if !host.bytes().all(is_host) {
        return None;
    }
    let matches = |name: &str| match (name.strip_prefix('*'), name.strip_prefix('.')) {
        (Some(suffix), _) => host.ends_with(suffix) && host.len() > suffix.len(),
        (_, Some(domain)) => host == domain || host.ends_with(name),
        _ => match name.strip_suffix('*') {
            Some(prefix) => host.starts_with(prefix) && host.len() > prefix.len(),
            None => host == name,
        },
    };
    choice.server.plain_names().any(matches).then_some(host)
}

/// Says what else has a say in these blocks, and is not evaluated.
fn note_others(blocks: &[&Directive], uri: &[u8], notes: &mut Vec<String>) {
    for block in blocks {
        for directive in block.inside() {
            let what = match directive.name.as_str() {
                "return" | "rewrite" | "if" => "runs before the guard",
                "allow" | "deny" | "auth_basic" | "auth_request" | "auth_jwt" | "satisfy" => {
                    "has a say beside the guard"
                }
                "try_files" => "may lead on to other locations, whose settings decide again",
                "crossdomain_media_session_arg" => "may answer 400 or 403 by itself",
                "crossdomain_media_metrics" => "shows counters, and no file",
                "internal" => "has nginx answer 404 to viewers",
                _ => continue,
            };
            let (name, place) = (&directive.name, &directive.place);
            notes.push(format!(
                "{name} ({place}) {what}, and is not evaluated here"
            ));
        }
    }
    if uri.ends_with(b"/") {
        let note = "the path ends in a slash: an index file is looked for in a location of its own, \
                    whose settings decide again";
        notes.push(note.into());
    }
}

/// The innermost `error_page` directives, which are inherited as a list.
fn error_pages(blocks: &[&Directive]) -> Vec<(u16, String)> {
    let own = |block: &&&Directive| block.all("error_page").next().is_some();
    let Some(block) = blocks.iter().rev().find(own) else {
        return Vec::new();
    };
    let statuses = block.all("error_page").flat_map(|page| {
        let codes = page.arguments.iter().filter_map(|code| code.parse().ok());
        codes.map(|code| (code, format!("error_page ({})", page.place)))
    });
    statuses.collect()
}

/// Says where nginx sees another site than viewers.
fn note_socket(
    choice: &Choice<'_, '_>,
    request: &Request,
    origin: Option<&str>,
    notes: &mut Vec<String>,
) {
    if let Some(other) = &choice.other {
        notes.push(format!(
            "taken is {}, where the host has a server by its name; a request that arrives at {other} comes \
             to another server: --listen says which it is",
            choice.socket
        ));
    }
    if choice.is_elsewhere {
        notes.push(format!(
            "no server listens on the URL's port: taken is {}, as if something in front of nginx passed on to it",
            choice.socket
        ));
    }
    let asked = match (request.is_https, &request.host) {
        (Some(is_https), Some(host)) => spell_origin(is_https, host, request.port),
        _ => return,
    };
    match origin {
        Some(origin) => {
            let origin = Origin::parse(origin).map(|origin| origin.as_browsers_do());
            if origin.is_ok_and(|origin| origin != asked) {
                notes.push(format!(
                    "viewers ask {asked}, and signatures over a URL are compared with another site: \
                     set crossdomain_media_public_url where that is not meant"
                ));
            }
        }
        None => notes.push(
            "this server does not know its own scheme and host: signatures over a URL cannot hold; set \
             crossdomain_media_public_url, or a server_name"
                .into(),
        ),
    }
}

/// A report without a decision.
fn undecided(request: &Request, sources: &[Source], now: i64, answer: Answer) -> Report {
    Report {
        status: "undecided",
        reason: "",
        key_id: None,
        subject: None,
        expires: None,
        remaining: None,
        age: None,
        time: now,
        explanation: Explanation {
            request: format!("{} {}", request.method, shown(&request.target, sources)),
            answer,
            ..Explanation::default()
        },
    }
}

/// The viewer, and what is said while deciding. Memory is never given back: the program
/// ends soon.
struct Asking<'r> {
    request: &'r Request,
    origin: Option<&'static str>,
    steps: Vec<String>,
}

impl<'a> Env<'a> for Asking<'_> {
    fn listens(&self) -> bool {
        true
    }

    fn trace(&mut self, step: fmt::Arguments<'_>) {
        self.steps.push(without_tokens(&step.to_string()));
    }

    fn allocate(&mut self, len: usize) -> Option<&'a mut [u8]> {
        Some(vec![0; len].leak())
    }

    fn method(&self) -> &[u8] {
        self.request.method.as_bytes()
    }

    fn address(&self) -> Option<IpAddr> {
        self.request.address
    }

    fn origin(&mut self) -> Option<&'a [u8]> {
        self.origin.map(str::as_bytes)
    }
}

/// The reason for which the module would refuse a request, in an environment that has
/// these keys and looks at these places only; none where it would grant it.
pub fn refusal(
    request: &Request,
    keys: &[Arc<Key>],
    sources: &[Source],
    now: i64,
) -> Result<Option<&'static str>> {
    let policy = Policy {
        sources: sources.to_vec(),
        keys: keys.to_vec(),
        ..Level::default().settle().policy
    };
    let (segment, target) = cut(request, sources);
    let origin = match (request.is_https, &request.host) {
        (Some(is_https), Some(host)) => Some(spell_origin(is_https, host, request.port)),
        _ => None,
    };
    let mut asking = Asking {
        request,
        origin: origin.map(|origin| &*origin.leak()),
        steps: Vec::new(),
    };
    let view = RequestView::new(&target);
    let received = request.received(segment.as_ref().map(Segment::credential));
    let carried = take_with(&view, &received, &policy.sources);
    let decision = decide(&view, &carried, &policy, now, &mut asking)?;
    Ok(match decision {
        Decision::Granted(_) => None,
        Decision::Refused(_) => Some(decision.reason()),
    })
}

fn judge(site: Site, request: &Request, now: i64) -> Result<Report> {
    let settings = &site.settings;
    let sources = &settings.policy.sources;
    let view = RequestView::new(&site.target);
    let clean = clean_target(&view, sources).collect::<Vec<_>>().concat();
    let received = request.received(site.segment.as_ref().map(Segment::credential));

    let mut report = undecided(request, sources, now, Answer::default());
    let application = application(&settings.guard, &clean, settings);
    let told = &mut report.explanation;
    told.server = site.server;
    told.location = site.location;
    told.origin.clone_from(&site.origin);
    told.notes = site.notes;

    let takes_segments = sources
        .iter()
        .any(|source| matches!(source, Source::Path(_)));
    let is_off = matches!(settings.guard, Guard::Off);
    let is_written_off = is_off && !site.came_to_off;
    if site.segment.is_some() && (is_written_off || !takes_segments) {
        let text = "404: there is a credential in the path, where none is taken from it";
        told.answer = Answer::with_status(404, text);
        return Ok(report);
    }
    if is_off {
        report.status = "unguarded";
        told.answer = Answer::of("nginx goes on with the request: crossdomain_media is off here");
        return Ok(report);
    }
    told.keys.clone_from(&settings.key_names);
    told.sources = sources.iter().map(ToString::to_string).collect();
    told.application = match &application {
        Application::Url(url) => Some(shown_url(url)),
        Application::Unknown(None) => None,
        Application::Unknown(Some(text)) => {
            told.notes.push(format!(
                "what {text} comes to, only nginx can evaluate: \"off\" would switch the guard off, and \
                 what is no URL is answered 500. Say what it is with --application"
            ));
            Some(text.clone())
        }
    };

    let asked = Asked::read(received.lines());
    if let Some(origins) = settings.cors.as_deref()
        && asked.preflight(request.method.as_bytes()).is_some()
        && !settings.responses.dry_run
    {
        let is_allowed = asked
            .origin
            .and_then(|origin| origins.allow(origin))
            .is_some();
        let status = if is_allowed { 204 } else { 403 };
        let text = format!("{status}: a preflight is answered before anything is decided");
        told.answer = Answer::with_status(status, text);
        return Ok(report);
    }

    let carried = take_with(&view, &received, sources);
    let origin: Option<&'static str> = site.origin.map(|origin| &*origin.leak());
    let mut asking = Asking {
        request,
        origin,
        steps: Vec::new(),
    };
    let decision = decide(&view, &carried, &settings.policy, now, &mut asking)?;
    report.status = decision.status().as_str();
    report.reason = decision.reason();
    match &decision {
        Decision::Granted(grant) => {
            report.key_id = grant.key_id.map(str::to_owned);
            report.subject = grant.subject.map(str::to_owned);
            report.expires = Some(grant.expires);
            report.remaining = Some(grant.expires.saturating_sub(now));
            report.age = grant.age;
            if let Some(ahead) = grant.seconds_ahead() {
                told.notes.push(format!(
                    "it is dated {ahead}s in the future: compare the clocks"
                ));
            }
        }
        Decision::Refused(refusal) => {
            report.key_id = refusal.key_id.map(str::to_owned);
            report.age = refusal.age;
            told.advice = advice(report.reason);
        }
    }
    if carried.is_empty() {
        asking
            .steps
            .push("no credential in any of these places".into());
    }

    let is_script = settings.cors.is_some() && asked.is_script(request.method.as_bytes());
    let cookie_lines = received
        .lines()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"Cookie"));
    let clean_view = RequestView::new(&clean);
    let counted = cookie_lines.map(|(_, line)| loop_guard::count(line, clean_view.path()));
    let counted = counted.max().unwrap_or(0);
    let verdict = match settings.responses.respond(&decision) {
        Some(Verdict::Redirect(_))
            if !is_script && settings.loop_guard.is_some_and(|most| counted >= most) =>
        {
            told.notes.push(format!(
                "a redirect loop ends: {counted} redirects in a row"
            ));
            Some(settings.responses.instead_of_a_loop())
        }
        verdict => verdict,
    };
    told.answer = match verdict {
        None => match decision {
            Decision::Granted(_) => Answer::of("nginx goes on with the request"),
            Decision::Refused(_) => Answer::of("nginx goes on with the request: this is a dry run"),
        },
        Some(Verdict::Status(status)) => {
            let page = site.error_pages.iter().find(|(code, _)| *code == status);
            if let Some((_, page)) = page {
                told.notes
                    .push(format!("{page} takes the place of this answer"));
            }
            Answer::with_status(status, status.to_string())
        }
        Some(Verdict::HandOver(name)) => Answer {
            named_location: Some(name.to_owned()),
            ..Answer::of(format!("the request goes on in the location {name}"))
        },
        Some(Verdict::Redirect(status)) => redirect(status, is_script, &application, &clean),
    };
    if let (Decision::Granted(grant), Some(hand_over)) = (&decision, &settings.hand_over)
        && !settings.responses.dry_run
    {
        let cookies = hand_over.cookies(&view, &carried, &settings.policy, grant, now, &mut asking);
        if !cookies.is_empty()
            && hand_over.redirects
            && clean != site.target
            && asked.mode == Some(b"navigate")
            && is_reading(request.method.as_bytes())
            && let Some(Ok(here)) = origin.map(|origin| Destination::parse(origin.as_bytes()))
        {
            let location = here.location(&clean).collect::<Vec<_>>().concat();
            let location = shown_url(&String::from_utf8_lossy(&location));
            told.answer = Answer {
                location: Some(location.clone()),
                ..Answer::with_status(302, format!("302 to {location}, without the token"))
            };
        }
        told.answer.cookies = cookies.iter().map(shown_cookie).collect();
    }
    told.steps = asking.steps;
    Ok(report)
}

fn redirect(status: u16, is_script: bool, application: &Application, clean: &[u8]) -> Answer {
    let location = match application {
        Application::Url(url) => Destination::parse(url.as_bytes()).ok().map(|destination| {
            let location = destination.location(clean).collect::<Vec<_>>().concat();
            shown_url(&String::from_utf8_lossy(&location))
        }),
        Application::Unknown(_) => None,
    };
    let to = location
        .as_deref()
        .unwrap_or("the URL of crossdomain_media");
    let (status, text) = match is_script {
        true => (
            401,
            format!("401, which tells the script to get a token from {to}"),
        ),
        false => (status, format!("{status} to {to}")),
    };
    Answer {
        location,
        ..Answer::with_status(status, text)
    }
}

/// Where viewers are sent, as far as that is known.
enum Application {
    Url(String),
    /// As it is written, if it is.
    Unknown(Option<String>),
}

fn application(guard: &Guard, clean: &[u8], settings: &Settings) -> Application {
    match guard {
        Guard::Off | Guard::Unknown => Application::Unknown(None),
        Guard::Fixed(url) => {
            let url = url.destination().location(b"").collect::<Vec<_>>().concat();
            Application::Url(String::from_utf8_lossy(&url).into_owned())
        }
        Guard::Variable(text, template) => {
            // The module's own two, which it sets before the URL is evaluated.
            let return_url = settings.public_url.as_ref().map(|origin| {
                let pieces = origin.return_url(clean).collect::<Vec<_>>();
                pieces.concat()
            });
            let mut url = text.clone();
            for (name, value) in [
                (
                    "crossdomain_media_return_url",
                    return_url.unwrap_or_default(),
                ),
                ("crossdomain_media_uri", clean.to_vec()),
            ] {
                let value = String::from_utf8_lossy(&value).replace('$', "%24");
                url = url.replace(&format!("${{{name}}}"), &value);
                url = url.replace(&format!("${name}"), &value);
            }
            match template.destination(url.as_bytes()) {
                Ok(_) if !url.contains('$') => Application::Url(url),
                _ => Application::Unknown(Some(text.clone())),
            }
        }
    }
}

/// A URL without what looks like a credential.
fn shown_url(url: &str) -> String {
    let after_scheme = url.find("://").map_or(0, |at| at.saturating_add(3));
    let rest = url.get(after_scheme..).unwrap_or_default();
    let path = rest
        .find(['/', '?', '#'])
        .map(|at| after_scheme.saturating_add(at));
    match path.and_then(|at| url.split_at_checked(at)) {
        Some((origin, target)) => format!("{origin}{}", shown(target.as_bytes(), &[])),
        None => url.to_owned(),
    }
}

/// A `Set-Cookie` without its value.
fn shown_cookie(SetCookie(text): &SetCookie) -> String {
    let text = String::from_utf8_lossy(text);
    let (name, rest) = text.split_once('=').unwrap_or_default();
    let attributes = rest
        .split_once(';')
        .map_or("", |(_, attributes)| attributes);
    format!("Set-Cookie: {name}=***;{attributes}")
}
