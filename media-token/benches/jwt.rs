//! What a JSON Web Token costs in this crate, and how much of that is its signature.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use std::hint::black_box;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RsaKeyPair, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use criterion::{Criterion, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use media_token::{Fixed, Key, KeyOptions, Policy, RequestView, Source, decide, take};
use sha2::Sha256;

const SECRET: &[u8] = b"a-secret-of-an-application-that-mints-jwt";
const CLAIMS: &str =
    r#"{"sub":"alice@example.com","path":"/video/course/*","exp":4102444800,"iat":1700000000}"#;
const NOW: i64 = 1_790_000_000;
const PATH: &str = "/video/course/1/segment-0001.ts";

/// Whether a signature holds, by message and signature.
type Verify = Box<dyn Fn(&[u8], &[u8]) -> bool>;

/// An algorithm's token, its key file, and its signature's verification alone.
struct Case {
    algorithm: &'static str,
    token: String,
    file: Vec<u8>,
    verify: Verify,
}

fn case(
    algorithm: &'static str,
    file: Vec<u8>,
    sign: impl Fn(&[u8]) -> Vec<u8>,
    verify: impl Fn(&[u8], &[u8]) -> bool + 'static,
) -> Case {
    let header = format!(r#"{{"alg":"{algorithm}","kid":"k1","typ":"JWT"}}"#);
    let [header, claims] = [header.as_bytes(), CLAIMS.as_bytes()].map(base64url);
    let message = format!("{header}.{claims}");
    let signature = base64url(&sign(message.as_bytes()));
    Case {
        algorithm,
        token: format!("{message}.{signature}"),
        file,
        verify: Box::new(verify),
    }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
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
    let alone = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
        let key = ParsedPublicKey::new(algorithm, key).unwrap();
        move |message: &[u8], signature: &[u8]| key.verify_sig(message, signature).is_ok()
    };
    let prepared = mac();
    [
        case(
            "HS256",
            SECRET.into(),
            |message| mac().chain_update(message).finalize().into_bytes().to_vec(),
            move |message, signature| {
                let mac = prepared.clone().chain_update(message);
                mac.verify_slice(signature).is_ok()
            },
        ),
        case(
            "RS256",
            pem(rsa.public_key()),
            |message| {
                let mut signature = vec![0; rsa.public_modulus_len()];
                rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            },
            alone(&RSA_PKCS1_2048_8192_SHA256, rsa.public_key().as_ref()),
        ),
        case(
            "ES256",
            pem(ec.public_key()),
            |message| ec.sign(&random, message).unwrap().as_ref().to_vec(),
            alone(&ECDSA_P256_SHA256_FIXED, ec.public_key().as_ref()),
        ),
        case(
            "EdDSA",
            pem(ed.public_key()),
            |message| ed.sign(message).as_ref().to_vec(),
            alone(&ED25519, ed.public_key().as_ref()),
        ),
    ]
}

/// The key of a file.
fn policy(file: &[u8]) -> Policy {
    let options = KeyOptions::parse(["format=jwt", "id=k1"], |_| None).unwrap();
    Policy {
        sources: vec![Source::parse("arg:token").unwrap()],
        keys: vec![Key::read(file, &options).unwrap().keys.remove(0).into()],
        max_age: 120,
        leeway: 0,
        revoked: None,
    }
}

/// Memory as a request's pool has it.
fn reason(target: &str, policy: &Policy) -> &'static str {
    let view = RequestView::new(black_box(target.as_bytes()));
    let carried = take(&view, &policy.sources);
    let mut memory = [0; 1024];
    let mut env = Fixed::new(&mut memory);
    env.origin = Some(b"https://media.example.org");
    let decision = decide(&view, &carried, policy, black_box(NOW), &mut env);
    decision.unwrap().reason()
}

fn tokens(c: &mut Criterion) {
    for case in cases() {
        let policy = policy(&case.file);
        let target = format!("{PATH}?token={}", case.token);
        let elsewhere = target.replace("course", "other");
        let (message, signature) = case.token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let mut group = c.benchmark_group(case.algorithm);
        assert_eq!(reason(&target, &policy), "valid");
        group.bench_function("granted", |b| b.iter(|| reason(&target, &policy)));
        assert_eq!(reason(&elsewhere, &policy), "wrong_path");
        group.bench_function("wrong path", |b| b.iter(|| reason(&elsewhere, &policy)));
        group.bench_function("signature alone", |b| {
            b.iter(|| (case.verify)(black_box(message.as_bytes()), black_box(&signature)));
        });
        group.finish();
    }
}

/// RFC 9246's regular expressions are compiled for each request.
fn uri_container(c: &mut Criterion) {
    let policy = policy(SECRET);
    let regex = r"https://media\\.example\\.org/video/course/[0-9]+/[a-z0-9-]+\\.ts";
    let claims = format!(r#"{{"exp":4102444800,"cdniuc":"regex:{regex}"}}"#);
    let message = format!("eyJhbGciOiJIUzI1NiJ9.{}", base64url(claims.as_bytes()));
    let signature = mac().chain_update(&message).finalize().into_bytes();
    let target = format!("{PATH}?token={message}.{}", base64url(&signature));
    assert_eq!(reason(&target, &policy), "valid");
    c.bench_function("HS256/granted by a regular expression", |b| {
        b.iter(|| reason(&target, &policy));
    });
}

criterion_group!(benches, tokens, uri_container);
criterion_main!(benches);
