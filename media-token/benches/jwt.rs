//! What a JSON Web Token costs in this crate, how much of that is its signature, and
//! what the crate `jsonwebtoken` takes for less: it leaves open which key a token
//! names, whether its members are there twice, and what it covers.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use std::hint::black_box;

use allocation_counter::measure;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use criterion::{Criterion, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use media_token::{Decision, Fixed, Key, KeyOptions, Policy, RequestView, Source, decide, take};
use sha2::Sha256;

const SECRET: &[u8] = b"a-secret-of-an-application-that-mints-jwt";
const CLAIMS: &str =
    r#"{"sub":"alice@example.com","path":"/video/course/*","exp":4102444800,"iat":1700000000}"#;
/// Of 2026; `jsonwebtoken` has a clock of its own.
const NOW: i64 = 1_790_000_000;
const PATH: &str = "/video/course/1/segment-0001.ts";

/// An algorithm's token, its key file, and the same key for the other crate.
struct Case {
    algorithm: Algorithm,
    token: String,
    file: Vec<u8>,
    other: DecodingKey,
}

fn case(
    algorithm: Algorithm,
    file: Vec<u8>,
    other: DecodingKey,
    sign: impl Fn(&[u8]) -> Vec<u8>,
) -> Case {
    let header = format!(r#"{{"alg":"{algorithm:?}","kid":"k1","typ":"JWT"}}"#);
    let [header, claims] =
        [header.as_bytes(), CLAIMS.as_bytes()].map(|part| URL_SAFE_NO_PAD.encode(part));
    let message = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    Case {
        algorithm,
        token: format!("{message}.{signature}"),
        file,
        other,
    }
}

fn pem(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    let text = STANDARD.encode(key.as_der().unwrap().as_ref());
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n").into_bytes()
}

fn mac() -> Hmac<Sha256> {
    Hmac::new_from_slice(SECRET).unwrap()
}

fn cases() -> [Case; 4] {
    let random = SystemRandom::new();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let ed = Ed25519KeyPair::generate().unwrap();
    [
        case(
            Algorithm::HS256,
            SECRET.into(),
            DecodingKey::from_secret(SECRET),
            |message| mac().chain_update(message).finalize().into_bytes().to_vec(),
        ),
        case(
            Algorithm::RS256,
            pem(rsa.public_key()),
            DecodingKey::from_rsa_der(rsa.public_key().as_ref()),
            |message| {
                let mut signature = vec![0; rsa.public_modulus_len()];
                rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            },
        ),
        case(
            Algorithm::ES256,
            pem(ec.public_key()),
            DecodingKey::from_ec_der(ec.public_key().as_ref()),
            |message| ec.sign(&random, message).unwrap().as_ref().to_vec(),
        ),
        case(
            Algorithm::EdDSA,
            pem(ed.public_key()),
            DecodingKey::from_ed_der(ed.public_key().as_ref()),
            |message| ed.sign(message).as_ref().to_vec(),
        ),
    ]
}

#[derive(serde::Deserialize)]
struct Claims {
    path: String,
}

fn tokens(c: &mut Criterion) {
    for case in cases() {
        let options = KeyOptions::parse(["format=jwt", "id=k1"], |_| None).unwrap();
        let policy = Policy {
            sources: vec![Source::parse("arg:token").unwrap()],
            keys: vec![
                Key::read(&case.file, &options)
                    .unwrap()
                    .keys
                    .remove(0)
                    .into(),
            ],
            max_age: 120,
            leeway: 0,
        };
        let target = format!("{PATH}?token={}", case.token);
        let ours = || {
            let view = RequestView::new(black_box(target.as_bytes()));
            let carried = take(&view, &policy.sources);
            let mut memory = [0; 1024];
            let mut env = Fixed::new(&mut memory);
            let decision = decide(&view, &carried, &policy, black_box(NOW), &mut env);
            matches!(decision, Ok(Decision::Granted(_)))
        };
        let mut validation = Validation::new(case.algorithm);
        validation.leeway = 0;
        let theirs = || {
            let decoded = decode::<Claims>(black_box(&case.token), &case.other, &validation);
            decoded.is_ok_and(|token| token.claims.path.ends_with("/*"))
        };
        // Which of several keys it is, has to be found out first.
        let theirs_by_id = || {
            let header = decode_header(black_box(&case.token)).unwrap();
            header.kid.as_deref() == Some("k1") && theirs()
        };
        let (message, signature) = case.token.rsplit_once('.').unwrap();
        let their_signature = || {
            let (signature, message) = (black_box(signature), black_box(message.as_bytes()));
            jsonwebtoken::crypto::verify(signature, message, &case.other, case.algorithm).unwrap()
        };
        let mut group = c.benchmark_group(format!("{:?}", case.algorithm));
        for (name, run) in [
            ("take and decide", &ours as &dyn Fn() -> bool),
            ("jsonwebtoken, decode", &theirs),
            ("jsonwebtoken, decode_header and decode", &theirs_by_id),
            ("jsonwebtoken, crypto::verify", &their_signature),
        ] {
            let allocations = measure(|| assert!(run())).count_total;
            println!("{:?}/{name}: {allocations} allocations", case.algorithm);
            group.bench_function(name, |b| b.iter(run));
        }
        group.finish();
    }
}

/// The lower bound of HS256: the HMAC with the key already hashed in.
fn hashing_alone(c: &mut Criterion) {
    let prepared = mac();
    let [case, ..] = cases();
    let (message, signature) = case.token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    c.bench_function("HS256/hashing alone", |b| {
        b.iter(|| {
            let mac = prepared.clone().chain_update(black_box(message));
            mac.verify_slice(black_box(&signature)).is_ok()
        });
    });
}

/// RFC 9246's regular expressions are compiled for each request.
fn regular_expressions(c: &mut Criterion) {
    let options = KeyOptions::parse(["format=jwt"], |_| None).unwrap();
    let policy = Policy {
        sources: vec![Source::parse("arg:token").unwrap()],
        keys: vec![Key::read(SECRET, &options).unwrap().keys.remove(0).into()],
        max_age: 120,
        leeway: 0,
    };
    let mut group = c.benchmark_group("regex");
    let long = "a".repeat(8_000);
    for (name, regex, path) in [
        (
            "typical",
            r"https://media\\.example\\.org/video/course/[0-9]+/[a-z0-9-]+\\.ts",
            PATH,
        ),
        (
            "worst, long URI",
            r".*(a|aa|a.|.a){200}b",
            &format!("/{long}"),
        ),
    ] {
        let claims = format!(r#"{{"exp":4102444800,"cdniuc":"regex:{regex}"}}"#);
        let message = format!("eyJhbGciOiJIUzI1NiJ9.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = mac().chain_update(&message).finalize().into_bytes();
        let target = format!(
            "{path}?token={message}.{}",
            URL_SAFE_NO_PAD.encode(signature)
        );
        let run = || {
            let view = RequestView::new(black_box(target.as_bytes()));
            let carried = take(&view, &policy.sources);
            let mut memory = [0; 4096];
            let mut env = Fixed::new(&mut memory);
            env.origin = Some(b"https://media.example.org");
            decide(&view, &carried, &policy, NOW, &mut env)
                .unwrap()
                .reason()
        };
        println!("regex/{name}: {}", run());
        group.bench_function(name, |b| b.iter(run));
    }
    group.finish();
}

criterion_group!(benches, tokens, hashing_alone, regular_expressions);
criterion_main!(benches);
