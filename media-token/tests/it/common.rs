//! A signer and a naive verifier, written from FORMATS.md and not from the crate.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use media_token::{
    Credential, Decision, Env, Fields, Key, KeyOptions, Policy, RequestView, Status, decide,
    take_with,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub const SECRET: &[u8] = b"a-secret-key-of-a-django-application-in-a-test";

const DIGITS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub fn base62(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(DIGITS.as_bytes()[(number % 62) as usize]);
        number /= 62;
        if number == 0 {
            break;
        }
    }
    digits.reverse();
    String::from_utf8(digits).unwrap()
}

fn signature(path: &[u8], timestamp: &str) -> String {
    let key = Sha256::digest([b"django.core.signing.TimestampSignersigner", SECRET].concat());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(&[path, b":", timestamp.as_bytes()].concat());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// What Django's signer makes for a path that is already quoted.
pub fn mint(quoted_path: &str, timestamp: &str) -> String {
    let signature = signature(quoted_path.as_bytes(), timestamp);
    format!("{timestamp}:{signature}")
}

pub fn unquote(text: &str, plus: bool) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let hex = text
            .get(i + 1..i + 3)
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match (bytes[i], hex) {
            (b'%', Some(hex)) => {
                out.push(u8::from_str_radix(hex, 16).unwrap());
                i += 3;
                continue;
            }
            (b'+', _) if plus => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        i += 1;
    }
    out
}

/// `urllib.parse.quote(path, safe="/~:@!$&'()*+,;=")`, as Django's `reverse()` has it.
pub fn quote(path: &[u8]) -> String {
    let mut out = String::new();
    for &byte in path {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~/:@!$&'()*+,;=".contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    match out.strip_prefix("//") {
        Some(rest) => format!("/%2F{rest}"),
        None => out,
    }
}

/// Whether nginx would serve another path than the target names.
pub fn is_unsafe(target: &str) -> bool {
    let decoded = unquote(target.split('?').next().unwrap(), false);
    let dots = decoded
        .split(|&byte| byte == b'/')
        .any(|part| part == b"." || part == b"..");
    target.contains('#') || decoded.contains(&0) || dots
}

/// `granted`, `missing`, `expired` or `invalid`.
pub fn naive_status(target: &str, now: i64, max_age: i64) -> &'static str {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let tokens: Vec<Vec<u8>> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| unquote(name, true) == b"token")
        .map(|(_, value)| unquote(value, true))
        .collect();
    let token = match &tokens[..] {
        [] => return "missing",
        [token] => token,
        _ => return "invalid",
    };
    if is_unsafe(target) {
        return "invalid";
    }
    let decoded = unquote(path, false);
    let Some((timestamp, mac)) = std::str::from_utf8(token)
        .ok()
        .and_then(|t| t.split_once(':'))
    else {
        return "invalid";
    };
    let is_base62 = !timestamp.is_empty() && timestamp.chars().all(|c| DIGITS.contains(c));
    let path = if path.is_empty() {
        b"/".to_vec()
    } else {
        decoded
    };
    if !is_base62 || timestamp.len() > 10 || mac != signature(quote(&path).as_bytes(), timestamp) {
        return "invalid";
    }
    let born = timestamp
        .chars()
        .fold(0, |number, c| number * 62 + DIGITS.find(c).unwrap() as i64);
    if now - born > max_age {
        "expired"
    } else {
        "granted"
    }
}

/// What a vector expects: what is recommended, or else what the reference does.
pub fn expected(vector: &Value) -> Status {
    let recommended = vector.get("recommended_module_verdict");
    match recommended.unwrap_or(&vector["expect"]).as_str().unwrap() {
        "ok" => Status::Granted,
        "missing" => Status::Missing,
        "expired" => Status::Expired,
        "bad" | "notyet" => Status::Invalid,
        other => panic!("unknown verdict {other}"),
    }
}

/// The keys of a file.
pub fn keys(file: &[u8], parameters: &str) -> Vec<Arc<Key>> {
    let options = KeyOptions::parse(parameters.split_whitespace(), |time| time.parse().ok());
    let keys = Key::read(file, &options.unwrap()).unwrap().keys;
    keys.into_iter().map(Arc::new).collect()
}

pub const JWT_SECRET: &[u8] = b"a-secret-of-an-application-that-mints-jwt";

/// Header, claims and signature of HS256, for [`JWT_SECRET`].
pub fn mint_jwt(header: &str, claims: &str) -> String {
    mint_jwt_of_bytes(header.as_bytes(), claims.as_bytes())
}

pub fn mint_jwt_of_bytes(header: &[u8], claims: &[u8]) -> String {
    sign_jwt(header, claims, |message| {
        let mac = Hmac::<Sha256>::new_from_slice(JWT_SECRET).unwrap();
        mac.chain_update(message).finalize().into_bytes().to_vec()
    })
}

/// A token with any signature.
pub fn sign_jwt(header: &[u8], claims: &[u8], sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let message = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// A viewer, and what is said while deciding. Memory is never given back.
pub struct Viewer {
    pub method: &'static str,
    pub address: Option<IpAddr>,
    pub origin: Option<&'static str>,
    pub steps: String,
}

impl Default for Viewer {
    fn default() -> Self {
        Self {
            method: "GET",
            address: Some([192, 0, 2, 7].into()),
            origin: Some("https://media.example.org"),
            steps: String::new(),
        }
    }
}

/// A request that has a `Cookie` line, if it is not empty, and no other.
pub struct Cookies(pub String);

impl<'c> Fields<'c> for &'c Cookies {
    fn lines(&self) -> impl Iterator<Item = (&'c [u8], &'c [u8])> {
        let line = (b"Cookie".as_slice(), self.0.as_bytes());
        Some(line).filter(|_| !self.0.is_empty()).into_iter()
    }

    fn segment(&self) -> Option<Credential<'c>> {
        None
    }
}

impl Viewer {
    /// What is decided about this viewer's request.
    pub fn asks<'k>(&mut self, target: &str, policy: &'k Policy, now: i64) -> Decision<'k> {
        self.asks_with(target, &Cookies(String::new()), policy, now)
    }

    /// What is decided about this viewer's request, which has cookies.
    pub fn asks_with<'k>(
        &mut self,
        target: &str,
        cookies: &Cookies,
        policy: &'k Policy,
        now: i64,
    ) -> Decision<'k> {
        let view = RequestView::new(target.as_bytes());
        let carried = take_with(&view, &cookies, &policy.sources);
        decide(&view, &carried, policy, now, self).unwrap()
    }
}

impl<'a> Env<'a> for Viewer {
    fn listens(&self) -> bool {
        true
    }

    fn trace(&mut self, step: fmt::Arguments<'_>) {
        self.steps.push_str(&format!("{step}\n"));
    }

    fn allocate(&mut self, len: usize) -> Option<&'a mut [u8]> {
        Some(vec![0; len].leak())
    }

    fn method(&self) -> &[u8] {
        self.method.as_bytes()
    }

    fn address(&self) -> Option<IpAddr> {
        self.address
    }

    fn origin(&mut self) -> Option<&'a [u8]> {
        self.origin.map(str::as_bytes)
    }
}
