//! What is handed over to a cookie: any claims in a URL's token, any claims in a token
//! of the module's own, and any cookie without a signature.
//!
//! The first byte says which. No cookie may grant what its source does not, which the
//! naive twin of the tests knows.

#![no_main]

// What the tests have and this does not need.
#[allow(dead_code)]
#[path = "../../tests/it/common.rs"]
mod common;
#[path = "../../tests/it/twin.rs"]
mod twin;

use std::sync::LazyLock;

use common::Cookies;
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use media_token::hand_over::{HandOver, SetCookie};
use media_token::{Decision, Fixed, Policy, RequestView, Source, decide, take_with};
use serde_json::Value;
use sha2::Sha256;
use twin::Asked;

const NOW: i64 = 1_700_000_000;
const MINT_SECRET: &[u8] = b"a-secret-of-this-media-site-that-mints-cookies";
const HEADER: &[u8] = br#"{"alg":"HS256","typ":"crossdomain-media+jwt"}"#;
const AUDIENCE: &str = "__Secure-media https://media.example.org";
const COOKIE: &str = "__Secure-media=";

struct Site {
    hand_over: HandOver,
    policy: Policy,
}

static MINTING: LazyLock<Site> = LazyLock::new(|| site(&["max_age=600", "deadline=1000"]));
static AS_IT_IS: LazyLock<Site> = LazyLock::new(|| site(&[]));

fn site(parameters: &[&str]) -> Site {
    let hand_over = HandOver::parse("media", parameters, |time| time.parse().ok()).unwrap();
    let policy = Policy {
        sources: vec![Source::parse("arg:token").unwrap(), hand_over.source()],
        keys: [
            common::keys(common::JWT_SECRET, "format=jwt"),
            common::keys(MINT_SECRET, "format=jwt use=mint"),
        ]
        .concat(),
        max_age: 120,
        leeway: 0,
        revoked: None,
    };
    Site { hand_over, policy }
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else {
        return;
    };
    match mode % 4 {
        0 => handed_over(&MINTING, rest),
        1 => handed_over(&AS_IT_IS, rest),
        2 => signed(rest),
        _ => forged(rest),
    }
});

/// What is decided, and the cookies that are set.
fn ask(site: &Site, target: &str, cookie: &str, asked: &Asked) -> (&'static str, Vec<String>) {
    let cookie = Cookies(cookie.to_owned());
    let view = RequestView::new(target.as_bytes());
    let carried = take_with(&view, &&cookie, &site.policy.sources);
    let mut memory = [0; 16_384];
    let mut env = Fixed {
        method: asked.method.as_bytes(),
        address: asked.address,
        origin: Some(b"https://media.example.org"),
        ..Fixed::new(&mut memory)
    };
    let decision = decide(&view, &carried, &site.policy, asked.now, &mut env).unwrap();
    let cookies = match &decision {
        Decision::Granted(grant) => {
            assert!(grant.expires > asked.now);
            assert!(!grant.subject.unwrap_or_default().contains(char::is_control));
            let cookies =
                site.hand_over
                    .cookies(&view, &carried, &site.policy, grant, asked.now, &mut env);
            cookies
                .into_iter()
                .map(|SetCookie(text)| checked(text, view.path()))
                .collect()
        }
        Decision::Refused(_) => Vec::new(),
    };
    (decision.reason(), cookies)
}

/// A `Set-Cookie` whose value and path are no more than that.
fn checked(text: Vec<u8>, path: &[u8]) -> String {
    assert!(
        text.iter()
            .all(|&byte| byte == b' ' || byte.is_ascii_graphic())
    );
    let text = String::from_utf8(text).unwrap();
    let parts: Vec<_> = text.split("; ").collect();
    let [pair, folder, life, "HttpOnly", "SameSite=None", "Secure"] = parts[..] else {
        panic!("{text}");
    };
    assert!(pair.starts_with(COOKIE) && !pair.contains([';', ' ', '"', ',', '\\']));
    let folder = folder.strip_prefix("Path=").unwrap();
    assert!(folder.ends_with('/') && !folder.contains(';') && path.starts_with(folder.as_bytes()));
    let life: i64 = life.strip_prefix("Max-Age=").unwrap().parse().unwrap();
    assert!(life > 0);
    text
}

fn asked(path: &str, viewer: u8) -> Asked {
    Asked {
        path: path.to_owned(),
        method: ["GET", "HEAD", "POST"][usize::from(viewer) % 3],
        address: ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", ""][usize::from(viewer / 4) % 4]
            .parse()
            .ok(),
        audience: None,
        now: NOW,
    }
}

/// The next line, if it may be a path.
fn take_path<'i>(input: &mut &'i [u8]) -> Option<&'i str> {
    let end = input.iter().position(|&byte| byte == b'\n')?;
    let (path, rest) = input.split_at(end);
    *input = &rest[1..];
    let path = std::str::from_utf8(path).ok()?;
    (!path.is_empty() && !path.contains('?')).then_some(path)
}

/// Two bytes for the viewers, two lines with paths, and the claims: what the first
/// request is handed over must not grant the second one what the token does not.
fn handed_over(site: &Site, input: &[u8]) {
    let [viewer, other, input @ ..] = input else {
        return;
    };
    let mut claims = input;
    let (Some(first), Some(second)) = (take_path(&mut claims), take_path(&mut claims)) else {
        return;
    };
    if claims.len() > 2900 {
        return;
    }
    let token = common::mint_jwt_of_bytes(br#"{"alg":"HS256"}"#, claims);
    let target = format!("{first}?token={token}");
    let (_, cookies) = ask(site, &target, "", &asked(first, *viewer));
    for cookie in cookies {
        let pair = cookie.split(';').next().unwrap();
        let asked = asked(second, *other);
        let (reason, again) = ask(site, second, pair, &asked);
        // The first second of a token is not the time to renew it.
        assert!(again.is_empty());
        let Some(expected) = twin::reason(claims, &asked) else {
            continue;
        };
        let is_reading = asked.method != "POST";
        if reason == "valid" {
            assert!(is_reading && expected == "valid", "{cookie}");
        }
        // Nor does it grant less, in its folder, to who reads.
        let folder = cookie.split("; Path=").nth(1).unwrap();
        let folder = folder.split(';').next().unwrap();
        if is_reading && expected == "valid" && second.starts_with(folder) {
            assert_eq!(reason, "valid", "{cookie}");
        }
    }
}

/// A line with the path, and the claims of a token that the module could have made.
fn signed(mut claims: &[u8]) {
    let Some(path) = take_path(&mut claims) else {
        return;
    };
    if claims.len() > 2000 {
        return;
    }
    let ask = |claims: &[u8]| {
        let token = common::sign_jwt(HEADER, claims, |message| {
            let mac = Hmac::<Sha256>::new_from_slice(MINT_SECRET).unwrap();
            mac.chain_update(message).finalize().into_bytes().to_vec()
        });
        let cookie = format!("{COOKIE}{token}");
        ask(&MINTING, path, &cookie, &asked(path, 0)).0
    };
    // Such a token has no control character in its subject, nor is it a list.
    let value = serde_json::from_slice::<Value>(claims);
    let Ok(Value::Object(members)) = value else {
        if value.is_err() {
            assert_ne!(ask(claims), "valid");
        }
        return;
    };
    let subject = members.get("sub").and_then(Value::as_str);
    if subject.is_some_and(|subject| subject.contains(char::is_control)) {
        return;
    }
    // Once as it came, and once with each member at most once.
    let expected = is_granted(&members, path);
    if ask(claims) == "valid" {
        assert!(expected);
    }
    let plain = Value::Object(members).to_string();
    assert_eq!(ask(plain.as_bytes()) == "valid", expected, "{plain}");
}

fn is_granted(members: &serde_json::Map<String, Value>, path: &str) -> bool {
    let known = ["aud", "exp", "iat", "path", "direct", "sub", "by", "jti"];
    let is_known = members.keys().all(|name| known.contains(&&**name));
    let number = |name: &str| members.get(name).and_then(Value::as_i64);
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let direct = match members.get("direct") {
        None => Some(false),
        Some(value) => value.as_bool(),
    };
    let is_text = |name: &str| {
        matches!(
            members.get(name),
            None | Some(Value::Null | Value::String(_))
        )
    };
    let (Some(exp), Some(_), Some(folder), Some(direct)) =
        (number("exp"), number("iat"), text("path"), direct)
    else {
        return false;
    };
    let decoded = common::unquote(path, false);
    let count = |text: &[u8]| text.iter().filter(|&&byte| byte == b'/').count();
    let is_ambiguous = decoded.contains(&b'\\')
        || decoded.windows(2).any(|pair| pair == b"//")
        || count(&decoded) != count(path.as_bytes());
    let below = path.strip_prefix(folder);
    is_known
        && is_text("sub")
        && is_text("jti")
        // Of keys with names there are none.
        && members.get("by").is_none_or(Value::is_null)
        && exp > NOW
        && text("aud") == Some(AUDIENCE)
        && folder.ends_with('/')
        && below.is_some_and(|below| !direct || !below.contains('/'))
        && !is_ambiguous
        && !common::is_unsafe(path)
}

/// The fuzzer does not know the keys.
fn forged(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let header = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImNyb3NzZG9tYWluLW1lZGlhK2p3dCJ9";
    let body = "eyJhdWQiOiJfX1NlY3VyZS1tZWRpYSBodHRwczovL21lZGlhLmV4YW1wbGUub3JnIiwiZXhwIjoxODAwMDAwMDAwLCJpYXQiOjE3MDAwMDAwMDAsInBhdGgiOiIvIn0";
    for cookie in [
        text.to_owned(),
        format!("{COOKIE}{text}"),
        format!("{COOKIE}{header}.{text}"),
        format!("{COOKIE}{header}.{body}.{text}"),
    ] {
        let (reason, cookies) = ask(&MINTING, "/a", &cookie, &asked("/a", 0));
        assert_ne!(reason, "valid", "{cookie}");
        assert!(cookies.is_empty());
    }
}
