//! Any request target: taken apart, decided about, and answered.
//!
//! The fuzzer does not know the key, so whatever it finds must be refused,
//! except the vectors' own tokens, which it gets as seeds.

#![no_main]

use std::sync::Arc;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use media_token::clean::{clean_target, masked_request_line};
use media_token::{
    Decision, Destination, Fixed, Key, KeyOptions, Origin, Policy, RequestView, Source, decide,
    take,
};

/// The tokens of the vectors, which the key below has signed.
static SIGNED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let vectors = include_str!("../../tests/it/vectors/django.json");
    let urls = vectors
        .split('"')
        .filter(|text| text.starts_with("https://media."));
    urls.filter_map(|url| url.split_once("token="))
        .map(|(_, token)| percent_decoded(token.split('&').next().unwrap().as_bytes()))
        .filter(|token| token.starts_with(b"1r31eq:") && token.len() > 7)
        .collect()
});

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let key = |parameters: &[&str]| {
        let options = KeyOptions::parse(parameters.iter().copied(), |_| None).unwrap();
        Arc::new(
            Key::read(b"test-secret-key-0123456789", &options)
                .unwrap()
                .keys
                .remove(0),
        )
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
        let decoded = percent_decoded(target);
        let known = SIGNED.iter().any(|token| contains(&decoded, token));
        assert!(known, "granted without a signature");
        assert!(!target.contains(&b'#'));
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

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        let escape = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if *byte == b'%' && tail[0] != b'+' => {
                out.push(decoded);
                rest = &tail[2..];
            }
            _ => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    out
}
