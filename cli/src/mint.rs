//! `mint`: signed URLs, and cookies.

mod cloudfront;
mod django;
mod jwt;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use media_token::key::{Encoding, trim_newline};
use media_token::scope::{Path as SignedPath, PathForm};
use media_token::{Key, Keys, Origin, RequestView, Source};
use zeroize::Zeroizing;

use crate::arguments::{Carrier, Mint, MintCommon};
use crate::check::{refusal, refused_headers, refused_method, refused_path};
use crate::input::Input;
use crate::key_line::KeyLine;
use crate::output;
use crate::report::advice;
use crate::request::Request;
use crate::time;

pub fn run(format: &Mint, input: &mut Input, json: bool) -> Result<u8> {
    let minted = match format {
        Mint::Django(options) => django::mint(options, input),
        Mint::Jwt(options) => jwt::mint(options, input),
        Mint::Cloudfront(options) => cloudfront::mint(options, input),
    }?;
    if json {
        output::json(&serde_json::json!({
            "output": minted.lines,
            "expires": minted.expires,
            "key_id": minted.key_id,
        }))?;
    } else {
        minted
            .lines
            .iter()
            .try_for_each(|line| output::line(line))?;
    }
    Ok(0)
}

/// What was made.
struct Minted {
    /// A URL, or header lines.
    lines: Vec<String>,
    /// When it ends, where it says so itself.
    expires: Option<i64>,
    key_id: Option<String>,
}

/// What is asked of a credential before it is handed out: would the module take it, with
/// the same key?
struct Trial<'t> {
    keys: Vec<Arc<Key>>,
    sources: Vec<Source>,
    /// When it begins.
    start: i64,
    /// The methods that it is for; any, if there are none.
    methods: &'t [String],
    /// The addresses and networks that it is for; any, if there are none.
    addresses: &'t [String],
    /// Whether it may be for other URLs than its own.
    is_elsewhere: bool,
}

impl Trial<'_> {
    fn run(self, target: &Target, lines: &[String]) -> Result<()> {
        let mut request = request_with(target, lines)?;
        let addresses = self.addresses.iter().map(|network| {
            let address = network.split('/').next().unwrap_or_default();
            let address: Option<IpAddr> = address.parse().ok();
            address.with_context(|| format!("--ip {network}: expected an address or a network"))
        });
        let addresses: Vec<_> = addresses.collect::<Result<_>>()?;
        // A method's name is in upper case, and is compared as it is.
        let methods: Vec<_> = match self.methods {
            [] => vec!["GET".to_owned()],
            methods => methods
                .iter()
                .map(|name| name.to_ascii_uppercase())
                .collect(),
        };
        // Each once: with the last of the other where there are fewer of one.
        for number in 0..addresses.len().max(methods.len()) {
            let method = methods.get(number).or(methods.last());
            request.method.clone_from(method.context("no method")?);
            request.address = addresses.get(number).or(addresses.last()).copied();
            let answers = [refused_method, refused_path, refused_headers];
            if let Some(answer) = answers.iter().find_map(|answer| answer(&request)) {
                bail!("{}", answer.text);
            }
            let refused = refusal(&request, &self.keys, &self.sources, self.start)?;
            match refused {
                None => {}
                Some("wrong_address") if addresses.is_empty() => {}
                Some("wrong_path") if self.is_elsewhere => {}
                Some(reason) => {
                    let advice = advice(reason).unwrap_or_default();
                    bail!("nginx would refuse it with this key: {reason}. {advice}")
                }
            }
        }
        Ok(())
    }
}

/// A request of who was given these lines.
fn request_with(target: &Target, lines: &[String]) -> Result<Request> {
    if let [url] = lines
        && url.starts_with("http")
        && url.contains("://")
    {
        return Request::of_url(url, Vec::new());
    }
    let lines = lines.iter().filter_map(|line| line.split_once(": "));
    let lines = lines.map(|(name, value)| match name {
        "Set-Cookie" => {
            let cookie = value.split(';').next().unwrap_or_default();
            ("Cookie".to_owned(), cookie.to_owned())
        }
        name => (name.to_owned(), value.to_owned()),
    });
    Request::of_url(&target.url, lines.collect())
}

/// The URL that is signed.
struct Target {
    url: String,
    /// Where the path begins.
    path_start: usize,
}

impl Target {
    fn read(common: &MintCommon, input: &mut Input) -> Result<Self> {
        let url = input.text(&common.url)?;
        let scheme = url.find("://").map(|at| at.saturating_add(3));
        let is_http = url.starts_with("https://") || url.starts_with("http://");
        let after = scheme
            .filter(|_| is_http)
            .context("expected a URL that starts with http:// or https://")?;
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains('#') {
            bail!("expected a URL as it is linked to: percent-encoded, without a fragment");
        }
        let path = url.get(after..).and_then(|rest| rest.find(['/', '?']));
        let path_start = path.map_or(url.len(), |at| after.saturating_add(at));
        let (origin, rest) = url.split_at_checked(path_start).unwrap_or_default();
        // What browsers ask for is what is signed.
        let origin = Origin::parse(origin).context("the scheme and host of the URL")?;
        let mut url = origin.as_browsers_do();
        let path_start = url.len();
        if !rest.starts_with('/') {
            url.push('/');
        }
        url.push_str(rest);
        Ok(Self { url, path_start })
    }

    fn origin(&self) -> &str {
        self.url.get(..self.path_start).unwrap_or_default()
    }

    fn request_target(&self) -> &str {
        self.url.get(self.path_start..).unwrap_or_default()
    }

    fn path(&self) -> &str {
        let target = self.request_target();
        target.split('?').next().unwrap_or(target)
    }

    /// The folder that the file is in, with its slash.
    fn folder(&self) -> &str {
        let path = self.path();
        let end = path.rfind('/').map_or(0, |slash| slash.saturating_add(1));
        path.get(..end).unwrap_or(path)
    }

    /// The URL with arguments more.
    fn with_query(&self, arguments: &[(&str, &str)]) -> String {
        let mut url = self.url.clone();
        for (name, value) in arguments {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(name);
            url.push('=');
            url.push_str(value);
        }
        url
    }

    /// The path as an application spells it, in a form that a key names.
    fn spelled(&self, line: &KeyLine) -> Result<String> {
        spell(&SignedPath::new(self.path().as_bytes()), form(line))
    }
}

fn spell(path: &SignedPath<'_>, form: PathForm) -> Result<String> {
    let mut spelled = Vec::new();
    path.spell(form, &mut |piece| spelled.extend_from_slice(piece));
    String::from_utf8(spelled)
        .ok()
        .context("the path is not valid UTF-8 in the key's path= form")
}

/// How a key's application spells paths.
fn form(line: &KeyLine) -> PathForm {
    match line.value("path") {
        Some("storage") => PathForm::Storage,
        Some("decoded") => PathForm::Decoded,
        Some("raw") => PathForm::Raw,
        _ => PathForm::Reverse,
    }
}

/// The secret of a key file.
pub fn secret(line: &KeyLine, input: &mut Input) -> Result<Zeroizing<Vec<u8>>> {
    let file = line.read(Path::new(""), input)?;
    decoded(line, &file)
}

fn decoded(line: &KeyLine, file: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let encoding = match line.value("encoding") {
        Some("hex") => Encoding::Hex,
        Some("base64") => Encoding::Base64,
        Some("base64url") => Encoding::Base64Url,
        _ => Encoding::Raw,
    };
    let digest = if line.value("alg") == Some("sha1") {
        20
    } else {
        32
    };
    let is_whole = line.has("derived") && encoding == Encoding::Raw && file.len() == digest;
    let text = if is_whole { file } else { trim_newline(file) };
    if text.is_empty() {
        bail!("{}: empty", line.file);
    }
    encoding.decode(text).with_context(|| line.file.clone())
}

/// When a credential can be tried: now, or when it begins.
fn start(not_before: Option<i64>, now: i64, expires: i64) -> Result<i64> {
    let Some(moment) = not_before else {
        return Ok(now);
    };
    if moment >= expires {
        bail!("the start (--not-before, nbf) is no earlier than the end");
    }
    let last = expires.saturating_sub(1);
    Ok(moment.saturating_add(1).min(last).max(now))
}

/// The time of signing.
fn signing_time(common: &MintCommon) -> Result<i64> {
    common
        .time
        .as_deref()
        .map_or_else(|| Ok(time::now()), time::moment)
}

/// The end of a life.
fn end_of(life: &str, now: i64) -> Result<i64> {
    let life = time::life(life)?;
    now.checked_add(life)
        .filter(|_| life > 0)
        .context("--life: expected a time such as 2m")
}

/// Keys as the module shares them.
fn shared(keys: Keys) -> Vec<Arc<Key>> {
    keys.keys.into_iter().map(Arc::new).collect()
}

/// Where viewers carry a token.
fn source(carrier: &Carrier) -> Result<Source> {
    Source::parse(&carrier.token).with_context(|| carrier.token.clone())
}

/// Puts a token where viewers carry it.
fn carry(
    carrier: &Carrier,
    source: Source,
    target: &Target,
    token: &str,
    life: Option<i64>,
) -> Result<String> {
    Ok(match source {
        Source::Argument(name) => target.with_query(&[(&name, &token.replace(':', "%3A"))]),
        Source::Path(prefix) => {
            let (origin, rest) = (target.origin(), target.request_target());
            let view = RequestView::new(rest.as_bytes());
            let first = view
                .path()
                .get(1..)
                .and_then(|path| path.iter().position(|&byte| byte == b'/'));
            // Behind the first segment, which a location is mostly for.
            let at = first.map_or(0, |first| first.saturating_add(1));
            let (before, after) = rest.split_at_checked(at).unwrap_or(("", rest));
            format!("{origin}{before}/{prefix}{token}{after}")
        }
        Source::Cookie(name) => {
            let path = cookie_path(carrier.cookie_path.as_deref())?;
            set_cookie(path, target, &name, token, life)
        }
        Source::Header(name) => format!("{name}: Bearer {token}"),
        Source::HandOver(_) | Source::CloudFrontUrl | Source::CloudFrontCookies => {
            bail!("{}: not for a token", carrier.token)
        }
    })
}

/// The attribute `Path` of a cookie, of which nothing else may begin (RFC 6265, 4.1.1).
fn cookie_path(path: Option<&str>) -> Result<Option<&str>> {
    match path {
        Some(path) if path.contains(|c: char| c == ';' || c.is_control()) => {
            bail!("--cookie-path: expected a path without semicolons and control characters")
        }
        path => Ok(path),
    }
}

/// A `Set-Cookie` line of the media host.
fn set_cookie(
    path: Option<&str>,
    target: &Target,
    name: &str,
    value: &str,
    life: Option<i64>,
) -> String {
    let path = path.unwrap_or_else(|| target.folder());
    let life = life.map_or(String::new(), |life| format!("; Max-Age={life}"));
    // A player's page is another site than the media host.
    format!("Set-Cookie: {name}={value}; Path={path}{life}; HttpOnly; SameSite=None; Secure")
}
