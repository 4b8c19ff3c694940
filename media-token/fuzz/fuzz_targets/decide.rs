//! Any request target: taken apart, decided about, and answered.
//!
//! The fuzzer does not know the key, so whatever it finds must be refused,
//! except the vectors' own tokens, which it gets as seeds.

#![no_main]

#[allow(dead_code)]
#[path = "../naive.rs"]
mod naive;

use std::sync::Arc;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use media_token::clean::{clean_target, masked_request_line};
use media_token::{
    Decision, Destination, Fixed, Key, KeyOptions, Origin, Policy, RequestView, Source, decide,
    take,
};
use naive::Django;

const SECRET: &[u8] = b"test-secret-key-0123456789";

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let key = |parameters: &[&str]| {
        let options = KeyOptions::parse(parameters.iter().copied(), |_| None).unwrap();
        Arc::new(Key::read(SECRET, &options).unwrap().keys.remove(0))
    };
    Policy {
        sources: vec![
            Source::parse("arg:token").unwrap(),
            Source::parse("arg:t").unwrap(),
        ],
        keys: vec![
            key(&[]),
            key(&["signs=parent"]),
            key(&["path=raw", "salt=x"]),
        ],
        max_age: 120,
        leeway: 0,
        revoked: None,
    }
});

fuzz_target!(|target: &[u8]| {
    let policy = &*POLICY;
    let view = RequestView::new(target);
    let carried = take(&view, &policy.sources);
    // Django's tokens need no memory, and what could be a JWT is none that a key takes.
    let env = &mut Fixed::new(&mut []);
    let decision = decide(&view, &carried, policy, 1_700_000_000, env).unwrap();
    if let Decision::Granted(_) = decision {
        assert!(is_signed(target), "granted without a signature");
        assert!(!naive::is_unsafe(target));
    }

    // What is left holds no credential, and cleaning it changes nothing.
    let clean = clean_target(&view, &policy.sources)
        .collect::<Vec<_>>()
        .concat();
    let clean_view = RequestView::new(&clean);
    assert!(take(&clean_view, &policy.sources).is_empty());
    let again = clean_target(&clean_view, &policy.sources)
        .collect::<Vec<_>>()
        .concat();
    assert_eq!(clean, again);
    assert!(clean.len() <= target.len() + 1);

    // nginx's parser lets no space into a target.
    if !target.contains(&b' ') {
        let line = [b"GET ", target, b" HTTP/1.1"].concat();
        let masked = masked_request_line(&line, &policy.sources)
            .collect::<Vec<_>>()
            .concat();
        assert!(masked.starts_with(b"GET ") && masked.ends_with(b" HTTP/1.1"));
        assert!(masked.len() <= line.len() * 2);
        if carried.is_empty() {
            assert_eq!(masked, line);
        }
    }

    // nginx's parser lets only targets through that begin with a slash.
    if clean.starts_with(b"/") {
        let destination = Destination::parse(b"https://www.example.com").unwrap();
        let location = destination.location(&clean).collect::<Vec<_>>().concat();
        assert!(location.starts_with(b"https://www.example.com/"));
        assert!(location.iter().all(u8::is_ascii_graphic));
        let origin = Origin::parse("https://media.example.org").unwrap();
        let value = origin.return_url(&clean).collect::<Vec<_>>().concat();
        let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(byte);
        assert!(value.iter().all(unreserved));
    }
});

/// Whether one of the three keys has signed one of the tokens for the target's path.
fn is_signed(target: &[u8]) -> bool {
    let (path, query) = naive::parts(target);
    let pairs = query.into_iter();
    let pairs = pairs.flat_map(|query| query.split(|&byte| byte == b'&'));
    let tokens: Vec<_> = pairs
        .map(naive::pair)
        .filter(|(name, _)| {
            let name = naive::decoded(name, false);
            name == b"token" || name == b"t"
        })
        .map(|(_, value)| naive::decoded(value, true))
        .collect();
    let signer = Django::new(SECRET);
    let salted = Django {
        salt: "x",
        ..signer
    };
    let signs = |signer: Django<'_>, text: &[u8]| {
        let mut tokens = tokens.iter();
        tokens.any(|token| signer.verifies(text, token))
    };
    let folder = naive::parent(path).map(|folder| match folder {
        [] => Vec::new(),
        folder => naive::spelled("reverse", folder),
    });
    signs(signer, &naive::spelled("reverse", path))
        || folder.is_some_and(|folder| signs(signer, &folder))
        || signs(salted, path)
}
