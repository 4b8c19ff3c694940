//! Django's tokens: of any path, however it is spelled and whatever the key signs, and
//! any token for a request. What is minted verifies, until its time is over, for that
//! path and for no other.
//!
//! The first byte says which.

#![no_main]

// What the tests have and this does not need.
#[allow(dead_code)]
#[path = "../../tests/it/common.rs"]
mod common;
#[allow(dead_code)]
#[path = "../naive.rs"]
mod naive;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use media_token::{Decision, Fixed, Policy, RequestView, Source, decide, take};
use naive::Django;

const NOW: i64 = 1_700_000_000;
const MAX_AGE: i64 = 120;
const MAX_FUTURE: i64 = 30;

/// One for each form of the path, what is signed, the algorithm, and whether the future
/// has an end.
static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let policy = |variant: u8| {
        let variant = Variant(variant);
        let form = variant.form();
        let signs = if variant.is_parent() {
            "parent"
        } else {
            "path"
        };
        let algorithm = if variant.is_sha1() { "sha1" } else { "sha256" };
        let max_future = match variant.has_max_future() {
            true => format!("max_future={MAX_FUTURE}"),
            false => String::new(),
        };
        let parameters = format!("path={form} signs={signs} alg={algorithm} {max_future}");
        Policy {
            sources: vec![Source::parse("arg:token").unwrap()],
            keys: common::keys(common::SECRET, &parameters),
            max_age: MAX_AGE,
            leeway: 0,
            revoked: None,
        }
    };
    (0..32).map(policy).collect()
});

#[derive(Clone, Copy)]
struct Variant(u8);

impl Variant {
    fn form(self) -> &'static str {
        naive::FORMS[usize::from(self.0 % 4)]
    }

    fn is_parent(self) -> bool {
        self.0 & 4 != 0
    }

    fn is_sha1(self) -> bool {
        self.0 & 8 != 0
    }

    fn has_max_future(self) -> bool {
        self.0 & 16 != 0
    }

    fn signed(self, path: &[u8]) -> Option<Vec<u8>> {
        let signed = match self.is_parent() {
            true => naive::parent(path)?,
            false => path,
        };
        Some(match signed {
            // Of `/a`; spelling it would make it a path.
            [] => Vec::new(),
            signed => naive::spelled(self.form(), signed),
        })
    }

    fn ask(self, path: &[u8], token: &[u8]) -> &'static str {
        let target = [path, b"?token=", token].concat();
        ask(&POLICIES[usize::from(self.0)], &target)
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&mode, rest)) = input.split_first() else {
        return;
    };
    match mode & 128 {
        0 => minted(Variant(mode % 32), rest),
        _ => anything(rest),
    }
});

fn ask(policy: &Policy, target: &[u8]) -> &'static str {
    let view = RequestView::new(target);
    let carried = take(&view, &policy.sources);
    // Of no memory.
    let decision = decide(&view, &carried, policy, NOW, &mut Fixed::new(&mut [])).unwrap();
    if let Decision::Granted(grant) = decision {
        assert!(grant.expires >= NOW && grant.age.unwrap() <= MAX_AGE);
        assert_eq!(grant.age, Some(NOW + MAX_AGE - grant.expires));
    }
    decision.reason()
}

/// Two bytes for the age, a line with the path, and another path.
fn minted(variant: Variant, input: &[u8]) {
    let [high, low, paths @ ..] = input else {
        return;
    };
    let age = i64::from(i16::from_be_bytes([*high, *low]));
    let mut paths = paths.splitn(2, |&byte| byte == b'\n');
    let [path, other] = [(); 2].map(|()| paths.next().unwrap_or_default());
    // What follows would be the query.
    if [path, other].iter().any(|path| path.contains(&b'?')) {
        return;
    }
    let path = if path.is_empty() { b"/" } else { path };
    let other = if other.is_empty() { b"/" } else { other };
    let timestamp = common::base62((NOW - age) as u64);
    let signer = Django {
        is_sha1: variant.is_sha1(),
        ..Django::new(common::SECRET)
    };
    // Where there is no folder to sign: a token all the same, for something else.
    let signed = variant.signed(path).unwrap_or_else(|| path.to_vec());
    let token = signer.mint(&signed, timestamp.as_bytes());

    let in_time = if variant.has_max_future() && age < -MAX_FUTURE - 1 {
        "token_in_future"
    } else if age > MAX_AGE {
        "token_expired"
    } else {
        "valid"
    };
    let expected = |asked: &[u8]| {
        if naive::is_unsafe(asked) {
            return "unsafe_path";
        }
        match variant.signed(asked) {
            None => "unsafe_path",
            Some(text) if text == signed => in_time,
            _ => "bad_signature",
        }
    };
    assert_eq!(variant.ask(path, &token), expected(path));
    assert_eq!(variant.ask(other, &token), expected(other));

    // Neither of another time, nor of another key.
    let later = common::base62((NOW - age + 1) as u64);
    let signature = &token[timestamp.len()..];
    let reason = variant.ask(path, &[later.as_bytes(), signature].concat());
    assert!(matches!(reason, "bad_signature" | "unsafe_path"));
    let stranger = Django {
        secret: b"another secret of some length, and of no use",
        ..signer
    };
    let token = stranger.mint(&signed, timestamp.as_bytes());
    let reason = variant.ask(path, &token);
    assert!(matches!(reason, "bad_signature" | "unsafe_path"));
}

/// A line with a path, one with a timestamp, and a target in which the byte 1 stands for
/// what Django mints for these two, and the byte 2 for its signature.
fn anything(input: &[u8]) {
    let mut parts = input.splitn(3, |&byte| byte == b'\n');
    let [path, timestamp, target] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let signature = Django::new(common::SECRET).sign(path, timestamp);
    let replaced: Vec<u8> = target
        .iter()
        .flat_map(|byte| match byte {
            1 => [timestamp, b":", &signature].concat(),
            2 => signature.clone(),
            byte => vec![*byte],
        })
        .collect();
    let Ok(target) = String::from_utf8(replaced) else {
        return;
    };
    let reason = ask(&POLICIES[0], target.as_bytes());
    let status = match reason {
        "valid" => "granted",
        "no_token" => "missing",
        "token_expired" => "expired",
        _ => "invalid",
    };
    assert_eq!(
        status,
        common::naive_status(&target, NOW, MAX_AGE),
        "{reason}: {target}"
    );
}
