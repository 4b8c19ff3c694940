//! What a request costs in this crate, and how much of that is hashing.

#![allow(
    clippy::string_slice,
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use media_token::clean::{clean_target, masked_request_line};
use media_token::{
    Decision, Fixed, Key, KeyOptions, Policy, RequestView, Source, Url, decide, take,
};
use sha2::{Digest, Sha256};

const SECRET: &[u8] = b"a-secret-key-of-a-django-application-in-a-benchmark";
const NOW: i64 = 1_700_000_000;
/// The same in base 62.
const TIMESTAMP: &str = "1r31eq";

/// With separator and timestamp 55 bytes: the most for which SHA-256 needs one
/// block. A byte more, and it needs two.
const PATH: &str = "/media/reports/2026/quarterly-figures/q3-draft-1.pdf";
const ONE_BLOCK: usize = 48;

fn mac() -> Hmac<Sha256> {
    let key = Sha256::digest([b"django.core.signing.TimestampSignersigner", SECRET].concat());
    Hmac::new_from_slice(&key).unwrap()
}

fn token(path: &str) -> String {
    let mac = mac().chain_update(format!("{path}:{TIMESTAMP}"));
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{TIMESTAMP}%3A{signature}")
}

fn policy() -> Policy {
    let options = KeyOptions::parse(["id=main"], |_| None).unwrap();
    Policy {
        sources: vec![Source::parse("arg:token").unwrap()],
        keys: vec![Key::read(SECRET, &options).unwrap().keys.remove(0).into()],
        max_age: 120,
        leeway: 0,
        revoked: None,
    }
}

/// A target, how it ends, and when it is asked for.
fn requests() -> Vec<(&'static str, String, i64, &'static str)> {
    let one_block = &PATH[..ONE_BLOCK];
    let two_blocks = &PATH[..=ONE_BLOCK];
    let token = token(one_block);
    let good = format!("{one_block}?token={token}");
    vec![
        ("granted", good.clone(), NOW, "valid"),
        (
            "granted, a byte longer",
            format!("{two_blocks}?token={}", self::token(two_blocks)),
            NOW,
            "valid",
        ),
        (
            "granted, with other arguments",
            format!("{one_block}?page=3&token={token}&download=1"),
            NOW,
            "valid",
        ),
        ("expired", good, NOW + 121, "token_expired"),
        ("no token", one_block.into(), NOW, "no_token"),
        (
            "another path's token",
            format!("{two_blocks}?token={token}"),
            NOW,
            "bad_signature",
        ),
        (
            "malformed",
            format!("{one_block}?token={TIMESTAMP}"),
            NOW,
            "token_malformed",
        ),
    ]
}

fn take_and_decide(c: &mut Criterion) {
    let policy = policy();
    let mut group = c.benchmark_group("take and decide");
    for (name, target, now, reason) in requests() {
        let run = || {
            let view = RequestView::new(black_box(target.as_bytes()));
            let carried = take(&view, &policy.sources);
            decide(
                &view,
                &carried,
                &policy,
                black_box(now),
                &mut Fixed::new(&mut []),
            )
        };
        let decided = run();
        assert_eq!(
            decided.as_ref().map(Decision::reason),
            Ok(reason),
            "{target}"
        );
        group.bench_function(name, |b| b.iter(run));
    }
    group.finish();
}

/// The lower bound: the HMAC with the key already hashed in, and nothing else.
fn hashing_alone(c: &mut Criterion) {
    let prepared = mac();
    let mut group = c.benchmark_group("hashing alone");
    for (name, len) in [("one block", ONE_BLOCK), ("two blocks", ONE_BLOCK + 1)] {
        let path = &PATH[..len];
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut mac = prepared.clone();
                mac.update(black_box(path.as_bytes()));
                mac.update(b":");
                mac.update(black_box(TIMESTAMP.as_bytes()));
                mac.finalize()
            });
        });
    }
    group.finish();
}

fn length<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> usize {
    pieces.map(<[u8]>::len).sum()
}

fn texts(c: &mut Criterion) {
    let sources = policy().sources;
    let application = Url::parse("https://www.example.com").unwrap();
    let mut group = c.benchmark_group("texts");
    for (name, target, _, _) in requests().into_iter().take(3) {
        let target = target.as_bytes();
        let line = [b"GET ", target, b" HTTP/1.1"].concat();
        group.bench_function(format!("clean_target, {name}"), |b| {
            b.iter(|| length(clean_target(&RequestView::new(black_box(target)), &sources)));
        });
        group.bench_function(format!("masked_request_line, {name}"), |b| {
            b.iter(|| length(masked_request_line(black_box(&line), &sources)));
        });
    }
    group.bench_function("location", |b| {
        let destination = application.destination();
        b.iter(|| length(destination.location(black_box(PATH.as_bytes()))));
    });
    group.finish();
}

criterion_group!(benches, take_and_decide, hashing_alone, texts);
criterion_main!(benches);
