//! JSON Web Tokens: any header or claims with a good signature, and any token without.
//!
//! The first byte says which; claims are compared with the naive twin of the tests.

#![no_main]

// What the tests have and this does not need.
#[allow(dead_code)]
#[path = "../../tests/it/common.rs"]
mod common;
#[path = "../../tests/it/twin.rs"]
mod twin;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use media_token::{Decision, Fixed, Policy, RequestView, Source, decide, take};
use twin::Asked;

const NOW: i64 = 1_700_000_000;

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy {
    sources: vec![Source::parse("arg:token").unwrap()],
    keys: [
        common::keys(common::JWT_SECRET, "format=jwt"),
        common::keys(common::SECRET, ""),
    ]
    .concat(),
    max_age: 120,
    leeway: 0,
    revoked: None,
});

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else {
        return;
    };
    match mode % 4 {
        0 | 1 => claims(rest),
        2 => header(rest),
        _ => forged(rest),
    }
});

fn ask(path: &[u8], token: &[u8], asked: &Asked) -> &'static str {
    let target = [path, b"?token=", token].concat();
    let view = RequestView::new(&target);
    let carried = take(&view, &POLICY.sources);
    let mut memory = [0; 8192];
    let mut env = Fixed {
        method: asked.method.as_bytes(),
        address: asked.address,
        origin: Some(b"https://media.example.org"),
        ..Fixed::new(&mut memory)
    };
    let decision = decide(&view, &carried, &POLICY, asked.now, &mut env).unwrap();
    if let Decision::Granted(grant) = decision {
        assert!(grant.expires > NOW);
        assert!(!grant.subject.unwrap_or_default().contains(char::is_control));
    }
    decision.reason()
}

/// A request for this path, by one of some viewers.
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

/// A byte for the viewer, a line with the path, and the claims.
fn claims(input: &[u8]) {
    let Some((viewer, rest)) = input.split_first() else {
        return;
    };
    let end = rest.iter().position(|&byte| byte == b'\n');
    let (path, claims) = rest.split_at(end.unwrap_or(rest.len()));
    let Ok(path) = std::str::from_utf8(path) else {
        return;
    };
    // Longer tokens are malformed whatever they say.
    if path.is_empty() || path.contains('?') || claims.len() > 2900 {
        return;
    }
    let asked = asked(path, *viewer);
    let token = mint(br#"{"alg":"HS256"}"#, claims);
    let reason = ask(path.as_bytes(), token.as_bytes(), &asked);
    if let Some(expected) = twin::reason(claims, &asked) {
        assert_eq!(reason, expected);
    }
}

/// No header but one that names the key's algorithm leads to a grant.
fn header(input: &[u8]) {
    let token = mint(input, br#"{"exp":1700000060,"path":"/*"}"#);
    if ask(b"/a", token.as_bytes(), &asked("/a", 0)) == "valid" {
        let header: serde_json::Value = serde_json::from_slice(input).unwrap();
        assert_eq!(header["alg"], "HS256");
        let header = header.as_object().unwrap();
        let refused = ["crit", "jku", "jwk", "b64", "x5c", "x5u", "x5t"];
        assert!(refused.iter().all(|name| !header.contains_key(*name)));
    }
}

/// The fuzzer does not know the key.
fn forged(input: &[u8]) {
    if !input.contains(&b'&') {
        assert_ne!(ask(b"/a", input, &asked("/a", 0)), "valid");
    }
    let token = format!(
        "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwNjAsInBhdGgiOiIvKiJ9.{}",
        {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(input)
        }
    );
    assert_ne!(ask(b"/a", token.as_bytes(), &asked("/a", 0)), "valid");
}

fn mint(header: &[u8], claims: &[u8]) -> String {
    common::mint_jwt_of_bytes(header, claims)
}
