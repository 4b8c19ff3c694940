//! What a signed URL of CloudFront's costs in this crate, and how much of that is its
//! signature.

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
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::{Criterion, criterion_group, criterion_main};
use media_token::{Fixed, Key, KeyOptions, Policy, RequestView, decide, take};

const NOW: i64 = 1_790_000_000;
const END: &str = "4102444800";
const ORIGIN: &str = "https://media.example.org";
const PATH: &str = "/video/course/1/segment-0001.ts";

/// A message's signature.
type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A kind of key, its file, how it signs, and its signature's verification alone.
struct Signer {
    name: &'static str,
    file: Vec<u8>,
    sign: Sign,
    public_key: ParsedPublicKey,
}

fn pem(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    let text = STANDARD.encode(key.as_der().unwrap().as_ref());
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n").into_bytes()
}

fn signers() -> [Signer; 2] {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let parsed = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
        ParsedPublicKey::new(algorithm, key).unwrap()
    };
    [
        Signer {
            name: "CloudFront RSA-2048",
            file: pem(rsa.public_key()),
            public_key: parsed(&RSA_PKCS1_2048_8192_SHA256, rsa.public_key().as_ref()),
            sign: Box::new(move |message| {
                let mut signature = vec![0; rsa.public_modulus_len()];
                let random = SystemRandom::new();
                rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }),
        },
        Signer {
            name: "CloudFront P-256",
            file: pem(ec.public_key()),
            public_key: parsed(&ECDSA_P256_SHA256_ASN1, ec.public_key().as_ref()),
            sign: Box::new(move |message| {
                let random = SystemRandom::new();
                ec.sign(&random, message).unwrap().as_ref().to_vec()
            }),
        },
    ]
}

fn cf64(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    text.replace('+', "-").replace('=', "_").replace('/', "~")
}

fn text_for(resource: &str) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{END}}}}}}}]}}"#
    )
}

impl Signer {
    fn signature(&self, text: &str) -> String {
        let signature = cf64(&(self.sign)(text.as_bytes()));
        format!("Signature={signature}&Key-Pair-Id=K1&Hash-Algorithm=SHA256")
    }

    fn canned(&self, path: &str) -> String {
        let signature = self.signature(&text_for(&format!("{ORIGIN}{path}")));
        format!("{path}?Expires={END}&{signature}")
    }

    fn custom(&self, path: &str, resource: &str) -> String {
        let text = text_for(resource);
        let signature = self.signature(&text);
        format!("{path}?Policy={}&{signature}", cf64(text.as_bytes()))
    }

    fn policy(&self) -> Policy {
        let options = KeyOptions::parse(["format=cloudfront", "id=K1"], |_| None).unwrap();
        let key = Key::read(&self.file, &options).unwrap().keys.remove(0);
        Policy {
            sources: key.sources().to_vec(),
            keys: vec![key.into()],
            max_age: 120,
            leeway: 0,
            revoked: None,
        }
    }
}

/// Memory as a request's pool has it.
fn reason(target: &str, policy: &Policy, memory: &mut [u8]) -> &'static str {
    let view = RequestView::new(black_box(target.as_bytes()));
    let carried = take(&view, &policy.sources);
    let mut env = Fixed::new(memory);
    env.origin = Some(ORIGIN.as_bytes());
    let decision = decide(&view, &carried, policy, black_box(NOW), &mut env);
    decision.unwrap().reason()
}

fn urls(c: &mut Criterion) {
    for signer in signers() {
        let policy = signer.policy();
        let mut group = c.benchmark_group(signer.name);
        let canned = signer.canned(PATH);
        let exact = format!("{ORIGIN}{PATH}");
        let wide = "https://media.example.org/video/course/*";
        let expired = canned.replace(END, "1700000000");
        for (name, target, expected) in [
            ("canned, granted", canned.clone(), "valid"),
            ("custom, granted", signer.custom(PATH, &exact), "valid"),
            ("wildcard, granted", signer.custom(PATH, wide), "valid"),
            (
                "wildcard, elsewhere",
                signer.custom("/other", wide),
                "wrong_path",
            ),
            ("another signature", expired, "bad_signature"),
            ("unknown key", canned.replace("K1", "K2"), "unknown_key"),
            (
                "no signature",
                format!("{PATH}?Expires={END}"),
                "token_incomplete",
            ),
        ] {
            let mut memory = [0; 2048];
            assert_eq!(reason(&target, &policy, &mut memory), expected, "{name}");
            group.bench_function(name, |b| {
                b.iter(|| reason(&target, &policy, &mut memory));
            });
        }
        let message = text_for(&exact);
        let signature = (signer.sign)(message.as_bytes());
        group.bench_function("signature alone", |b| {
            b.iter(|| {
                let message = black_box(message.as_bytes());
                let verified = signer.public_key.verify_sig(message, black_box(&signature));
                assert!(verified.is_ok());
            });
        });
        group.finish();
    }
}

/// As much as matching can cost: the longest pattern that a policy has room for, and the
/// longest target that nginx reads by default.
fn costliest(c: &mut Criterion) {
    let [signer, _] = signers();
    let policy = signer.policy();
    let resource = format!("{ORIGIN}/{}b", "*a".repeat(1450));
    let target = signer.custom(&format!("/{}", "a".repeat(3600)), &resource);
    let mut memory = vec![0; 1 << 16];
    assert_eq!(reason(&target, &policy, &mut memory), "wrong_path");
    let mut group = c.benchmark_group("CloudFront RSA-2048");
    group.sample_size(10);
    group.bench_function("costliest wildcard", |b| {
        b.iter(|| reason(&target, &policy, &mut memory));
    });
    group.finish();
}

criterion_group!(benches, urls, costliest);
criterion_main!(benches);
