//! CloudFront's URLs and cookies: any policy with a good signature, and any request
//! without.
//!
//! The first byte says which; what is granted is compared with the naive twin of the
//! tests. The fuzzer does not know the vectors' keys: of these it gets what they have
//! signed, as seeds.

#![no_main]

// What the tests have and this does not need.
#[allow(dead_code)]
#[path = "../../tests/it/cloudfront_signer.rs"]
mod cloudfront_signer;
#[allow(dead_code)]
#[path = "../../tests/it/cloudfront_twin.rs"]
mod cloudfront_twin;
#[allow(dead_code)]
#[path = "../../tests/it/common.rs"]
mod common;

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use cloudfront_signer::{NOW, ORIGIN, Parameters};
use cloudfront_twin as twin;
use common::Cookies;
use libfuzzer_sys::fuzz_target;
use media_token::clean::{clean_line, clean_target};
use media_token::{Decision, Fixed, Policy, RequestView, decide, take_with};
use serde_json::Value;

static OURS: LazyLock<Policy> =
    LazyLock::new(|| cloudfront_signer::policy_of(&[(&cloudfront_signer::ec_pem(), "id=KE")]));

/// What the vectors' keys have signed: the values of `Signature`.
struct Vectors {
    policy: Policy,
    signatures: HashSet<Vec<u8>>,
}

static VECTORS: LazyLock<Vectors> = LazyLock::new(|| {
    let file = include_str!("../../tests/it/vectors/cloudfront.json");
    let file: Value = serde_json::from_str(file).unwrap();
    let pem = |name: &str| file["test_keys_pem"][name].as_str().unwrap().as_bytes();
    let mut signatures = HashSet::new();
    for vector in file["vectors"].as_array().unwrap() {
        let url = vector["url"].as_str().unwrap();
        let (_, found) = twin::take_apart(url);
        let in_url = found.into_iter().filter(|(name, _)| *name == "Signature");
        signatures.extend(in_url.map(|(_, value)| bare(&value)));
        if let Some(cookie) = vector["cookies"]["CloudFront-Signature"].as_str() {
            signatures.insert(bare(cookie.as_bytes()));
        }
    }
    Vectors {
        policy: cloudfront_signer::policy_of(&[
            (pem("cf_rsa1.pub.pem"), "id=K1TESTKEY"),
            (pem("cf_rsa2.pub.pem"), "id=K3OTHER"),
            (pem("cf_ec1.pub.pem"), "id=K2ECKEY any_http"),
        ]),
        signatures,
    }
});

/// Without padding.
fn bare(base64: &[u8]) -> Vec<u8> {
    let end = base64.iter().rposition(|&byte| byte != b'_');
    base64[..end.map_or(0, |end| end + 1)].to_vec()
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else {
        return;
    };
    match mode % 3 {
        0 => signed(mode / 3, rest),
        1 => forged(rest),
        _ => covered(rest),
    }
});

/// The reason, and the source of a grant.
fn ask(
    target: &str,
    cookies: &Cookies,
    policy: &Policy,
    origin: &'static str,
    address: Option<IpAddr>,
) -> (&'static str, Option<usize>) {
    let view = RequestView::new(target.as_bytes());
    let carried = take_with(&view, &cookies, &policy.sources);
    // What the request holds, decoded, and its URL: no more is asked for.
    let mut memory = vec![0; 4 * (target.len() + cookies.0.len()) + 512];
    let mut env = Fixed {
        address,
        origin: Some(origin.as_bytes()),
        ..Fixed::new(&mut memory)
    };
    let decision = decide(&view, &carried, policy, NOW, &mut env).unwrap();
    let source = match decision {
        Decision::Granted(grant) => {
            assert!(grant.expires > NOW && grant.key_id.is_some());
            Some(grant.source)
        }
        Decision::Refused(_) => None,
    };
    (decision.reason(), source)
}

/// A line with the target, and the policy; or, without one, the target of a canned one.
fn signed(viewer: u8, input: &[u8]) {
    let end = input.iter().position(|&byte| byte == b'\n');
    let (target, policy) = input.split_at(end.unwrap_or(input.len()));
    let Ok(target) = std::str::from_utf8(target) else {
        return;
    };
    // Targets as nginx has them; longer policies are malformed whatever they say.
    if !target.starts_with('/') || policy.len() > 3000 || !twin::take_apart(target).1.is_empty() {
        return;
    }
    let address = ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", ""][usize::from(viewer) % 4];
    let address = address.parse().ok();
    let ours = |signed: &Parameters, in_cookies: bool| match in_cookies {
        true => (target.to_owned(), Cookies(signed.cookies())),
        false => (signed.target(target), Cookies(String::new())),
    };
    let in_cookies = viewer / 4 % 2 == 1;
    let (signed, is_allowed) = match policy.split_first() {
        None => {
            let signed = Parameters::canned(&format!("{ORIGIN}{target}"));
            (signed, !common::is_unsafe(target))
        }
        // The twin takes too long for many wildcards.
        Some((_, policy)) if policy.iter().filter(|&&byte| byte == b'*').count() > 6 => return,
        Some((_, policy)) => {
            let is_allowed = twin::allows(policy, NOW, address, ORIGIN, target);
            (Parameters::custom(policy), is_allowed)
        }
    };
    let (asked, cookies) = ours(&signed, in_cookies);
    let (reason, source) = ask(&asked, &cookies, &OURS, ORIGIN, address);
    let is_granted = source.is_some();
    // The twin does not see what JSON may not hold twice.
    assert!(is_allowed || !is_granted, "granted, and should not be");
    let is_canned = policy.is_empty();
    assert!(is_granted || !(is_canned && is_allowed), "not granted");
    if reason == "wrong_path" {
        assert!(!is_allowed, "not covered, and should be");
    }
    // Of another URL.
    if is_canned {
        let other = signed.target(&format!("{target}x"));
        let (_, source) = ask(&other, &Cookies(String::new()), &OURS, ORIGIN, address);
        assert_eq!(source, None);
    }
}

/// A line with the target, and the resource of a custom policy.
fn covered(input: &[u8]) {
    let Some((target, resource)) = std::str::from_utf8(input)
        .ok()
        .and_then(|text| text.split_once('\n'))
    else {
        return;
    };
    // As above.
    let stars = resource.matches('*').count();
    if !target.starts_with('/') || resource.len() > 300 || stars > 6 {
        return;
    }
    let (own, found) = twin::take_apart(target);
    if !found.is_empty() {
        return;
    }
    let signed = Parameters::custom(cloudfront_signer::custom_text(resource, ""));
    let is_exact = resource == format!("{ORIGIN}{own}");
    let expected = if common::is_unsafe(target) {
        "unsafe_path"
    } else if !twin::covers(resource, false, ORIGIN, target) {
        "wrong_path"
    } else if twin::is_ambiguous(target) && !is_exact {
        "unsafe_path"
    } else {
        "valid"
    };
    let none = Cookies(String::new());
    let (reason, _) = ask(&signed.target(target), &none, &OURS, ORIGIN, None);
    assert_eq!(reason, expected);
}

/// A line with the target, and the `Cookie` line.
fn forged(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (target, line) = text.split_once('\n').unwrap_or((text, ""));
    let cookies = Cookies(line.to_owned());
    let vectors = &*VECTORS;
    let origin = "https://d111111abcdef8.cloudfront.net";
    let address = [192, 0, 2, 10].into();
    let policy = &vectors.policy;
    let (_, found) = twin::take_apart(target);
    let (_, source) = ask(target, &cookies, policy, origin, Some(address));
    if let Some(source) = source {
        let signature = match source {
            0 => found
                .iter()
                .find(|(name, _)| *name == "Signature")
                .map(|(_, value)| bare(value)),
            _ => {
                let cookies = line.split(';').filter_map(|cookie| cookie.split_once('='));
                let mut found = cookies.filter(|(name, _)| name.trim() == "CloudFront-Signature");
                found.next().map(|(_, value)| {
                    let value = value.trim().trim_matches('"');
                    bare(&common::unquote(value, true))
                })
            }
        };
        assert!(
            vectors.signatures.contains(&signature.unwrap()),
            "a forgery"
        );
        assert!(source == 0 || found.is_empty());
        assert!(!common::is_unsafe(target));
    }

    // What is left holds none of the five.
    let sources = &policy.sources;
    let view = RequestView::new(target.as_bytes());
    let clean = clean_target(&view, sources).collect::<Vec<_>>().concat();
    if target.starts_with('/') {
        assert_eq!(clean, twin::take_apart(target).0.as_bytes());
    }
    let left = clean_line(b"Cookie", line.as_bytes(), sources);
    let left = left.map_or(line.as_bytes().to_vec(), |left| {
        left.collect::<Vec<_>>().concat()
    });
    let left = Cookies(String::from_utf8(left).unwrap());
    let view = RequestView::new(&clean);
    assert!(take_with(&view, &&left, sources).is_empty());
}
