//! Any key file, with any parameters: what its secret signs is granted, and nothing that
//! somebody signs who has only seen a public key. Keys and errors show no secret.
//!
//! The first line holds the parameters, the rest is the file.

#![no_main]

// What the tests have and this does not need.
#[allow(dead_code)]
#[path = "../../tests/it/common.rs"]
mod common;
#[allow(dead_code)]
#[path = "../naive.rs"]
mod naive;

use std::sync::Arc;

use aws_lc_rs::hmac::{Algorithm, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, Key as Hmac, sign};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use libfuzzer_sys::fuzz_target;
use media_token::{Fixed, Key, KeyOptions, Policy, RequestView, Source, decide, take};
use serde_json::json;

const NOW: i64 = 1_700_000_000;
const PATH: &str = "/media/a";

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|&byte| byte == b'\n');
    let (line, file) = input.split_at(end.unwrap_or(input.len()));
    let file = file.strip_prefix(b"\n").unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else {
        return;
    };
    // Longer tokens are malformed whatever they say.
    if line.len() > 500 {
        return;
    }
    let words: Vec<_> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let time = |time: &str| time.parse::<u32>().ok().map(i64::from);
    let Ok(options) = KeyOptions::parse(words.iter().copied(), time) else {
        return;
    };
    // What no text of ours happens to hold.
    let is_telling = file.len() >= 32 && file.iter().all(u8::is_ascii_graphic);
    let shows = |text: String| {
        let file = std::str::from_utf8(file).unwrap_or_default();
        is_telling && !line.contains(file) && text.contains(file)
    };
    let keys = match Key::read(file, &options) {
        Ok(found) => found.keys,
        Err(error) => {
            assert!(!shows(error.to_string()) && !shows(format!("{error:?}")));
            return;
        }
    };
    assert!(!keys.is_empty() && !shows(format!("{keys:?}")));
    let is_graphic = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(keys.iter().all(|key| key.id().is_none_or(is_graphic)));

    let policy = Policy {
        sources: vec![Source::parse("arg:token").unwrap()],
        keys: keys.into_iter().map(Arc::new).collect(),
        max_age: 120,
        leeway: 0,
        revoked: None,
    };
    match value_of(&words, "format") {
        None | Some("django") => django(&words, file, &policy),
        Some("jwt") => jwt(&words, file, &policy),
        _ => public(&words, file, &policy),
    }
});

fn value_of<'w>(words: &[&'w str], name: &str) -> Option<&'w str> {
    let mut values = words.iter().filter_map(|word| word.split_once('='));
    values
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

fn ask(policy: &Policy, token: &str) -> &'static str {
    let target = format!("{PATH}?token={token}");
    let view = RequestView::new(target.as_bytes());
    let carried = take(&view, &policy.sources);
    let mut memory = vec![0; 4 * target.len() + 512];
    let mut env = Fixed {
        origin: Some(b"https://media.example.org"),
        ..Fixed::new(&mut memory)
    };
    let decision = decide(&view, &carried, policy, NOW, &mut env).unwrap();
    decision.reason()
}

fn without_newline(file: &[u8]) -> &[u8] {
    match file.strip_suffix(b"\n") {
        Some(file) => file.strip_suffix(b"\r").unwrap_or(file),
        None => file,
    }
}

fn secret(words: &[&str], text: &[u8]) -> Vec<u8> {
    let alphabet = match value_of(words, "encoding") {
        None | Some("raw") => return text.to_vec(),
        Some("hex") => {
            let digits: Vec<_> = text
                .iter()
                .filter(|byte| byte.is_ascii_hexdigit())
                .collect();
            let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap() as u8;
            let bytes = digits.chunks(2);
            return bytes
                .map(|pair| digit(pair[0]) * 16 + digit(pair[1]))
                .collect();
        }
        Some("base64") => &STANDARD,
        _ => &URL_SAFE,
    };
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text: Vec<_> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    GeneralPurpose::new(alphabet, config).decode(text).unwrap()
}

fn django(words: &[&str], file: &[u8], policy: &Policy) {
    let is_sha1 = value_of(words, "alg") == Some("sha1");
    let is_derived = words.contains(&"derived");
    let is_raw = matches!(value_of(words, "encoding"), None | Some("raw"));
    let text = match file.len() == if is_sha1 { 20 } else { 32 } {
        true if is_derived && is_raw => file,
        _ if is_derived && is_raw && file.len() == if is_sha1 { 21 } else { 33 } => {
            &file[..file.len() - 1]
        }
        _ => without_newline(file),
    };
    let secret = secret(words, text);
    let mut signer = naive::Django {
        is_sha1,
        is_derived,
        ..naive::Django::new(&secret)
    };
    if let Some(salt) = value_of(words, "salt") {
        signer.salt = salt;
    }
    let signed = match value_of(words, "signs") {
        Some("parent") => "/media",
        _ => PATH,
    };
    let timestamp = common::base62(NOW as u64);
    let mint = |signer: naive::Django<'_>| {
        let token = signer.mint(signed.as_bytes(), timestamp.as_bytes());
        String::from_utf8(token).unwrap()
    };
    assert_eq!(ask(policy, &mint(signer)), "valid");
    let other = [&secret[..], b"x"].concat();
    let other = naive::Django {
        secret: &other,
        ..signer
    };
    assert_eq!(ask(policy, &mint(other)), "bad_signature");
}

fn claims(words: &[&str]) -> String {
    let mut claims = json!({"exp": NOW + 60});
    claims[value_of(words, "path_claim").unwrap_or("path")] = json!(PATH);
    if let Some(audience) = value_of(words, "aud") {
        claims["aud"] = json!(audience);
    }
    claims.to_string()
}

fn hs(name: &str) -> Option<Algorithm> {
    match name {
        "HS256" => Some(HMAC_SHA256),
        "HS384" => Some(HMAC_SHA384),
        "HS512" => Some(HMAC_SHA512),
        _ => None,
    }
}

fn mint(name: &str, kid: Option<&str>, secret: &[u8], claims: &str) -> String {
    let mut header = json!({"alg": name});
    if let Some(kid) = kid {
        header["kid"] = json!(kid);
    }
    common::sign_jwt(
        header.to_string().as_bytes(),
        claims.as_bytes(),
        |message| {
            let key = Hmac::new(hs(name).unwrap(), secret);
            sign(&key, message).as_ref().to_vec()
        },
    )
}

fn jwt(words: &[&str], file: &[u8], policy: &Policy) {
    let [key] = &policy.keys[..] else {
        // Of a set: those that are public.
        if !policy.keys.iter().any(|key| key.is_secret()) {
            public(words, file, policy);
        }
        return;
    };
    if !key.is_secret() {
        return public(words, file, policy);
    }
    let claims = claims(words);
    if key.mints() {
        // The module's own tokens are not for this source.
        let secret = secret(words, without_newline(file));
        let token = mint("HS256", None, &secret, &claims);
        assert_ne!(ask(policy, &token), "valid");
        return;
    }
    if file.trim_ascii_start().starts_with(b"{") {
        return jwk(file, key.id(), policy, &claims);
    }
    let secret = secret(words, without_newline(file));
    let name = value_of(words, "alg").unwrap_or("HS256");
    let kid = value_of(words, "id");
    assert_eq!(ask(policy, &mint(name, kid, &secret, &claims)), "valid");
    let other = [&secret[..], b"x"].concat();
    assert_eq!(
        ask(policy, &mint(name, kid, &other, &claims)),
        "bad_signature"
    );
}

/// A secret JWK, alone or the only usable one of a set.
fn jwk(file: &[u8], kid: Option<&str>, policy: &Policy, claims: &str) {
    let Ok(file) = serde_json::from_slice::<serde_json::Value>(file) else {
        return;
    };
    let keys = match &file["keys"] {
        serde_json::Value::Array(keys) => keys.clone(),
        _ => vec![file],
    };
    let mut granted = 0;
    for key in keys {
        let (Some(k), Some(alg)) = (key["k"].as_str(), key["alg"].as_str()) else {
            continue;
        };
        let config =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let Ok(secret) = GeneralPurpose::new(&URL_SAFE, config).decode(k) else {
            continue;
        };
        if hs(alg).is_some() && ask(policy, &mint(alg, kid, &secret, claims)) == "valid" {
            granted += 1;
            let other = [&secret[..], b"x"].concat();
            assert_ne!(ask(policy, &mint(alg, kid, &other, claims)), "valid");
        }
    }
    assert!(granted > 0, "the key signs, and its token is refused");
}

/// Whoever has read a public key takes it for a secret (RFC 8725, 2.1), or signs nothing.
fn public(words: &[&str], file: &[u8], policy: &Policy) {
    assert!(!policy.keys.iter().any(|key| key.is_secret()));
    let claims = claims(words);
    let claims = claims.as_str();
    let kid = policy.keys[0].id();
    for secret in [file, without_newline(file), b""] {
        for name in ["HS256", "HS384", "HS512"] {
            for kid in [kid, None] {
                assert_ne!(ask(policy, &mint(name, kid, secret, claims)), "valid");
            }
        }
    }
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"alg":"RS256"}"#,
    ] {
        let token = common::sign_jwt(header.as_bytes(), claims.as_bytes(), |_| Vec::new());
        assert_ne!(ask(policy, &token), "valid");
    }
}
