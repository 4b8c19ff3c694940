//! Any request, with any number of credentials in all the places that there are, of all
//! formats: what is taken, decided and answered, as the module does it.
//!
//! The first byte says who asks; then the request target, and behind each newline a
//! header line. The bytes 1 to 8 stand for credentials, which the fuzzer cannot make.

#![no_main]

// What the tests have and this does not need.
#[allow(dead_code)]
#[path = "../../tests/it/cloudfront_signer.rs"]
mod cloudfront_signer;
#[allow(dead_code)]
#[path = "../../tests/it/common.rs"]
mod common;
#[allow(dead_code)]
#[path = "../naive.rs"]
mod naive;

use std::sync::LazyLock;

use cloudfront_signer::{NOW, ORIGIN, Parameters};
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use media_token::clean::{clean_line, clean_target, cut_target, find_segment};
use media_token::hand_over::{HandOver, SetCookie};
use media_token::{
    Action, Answer, Credential, Decision, Destination, Fixed, Policy, RequestView, Responses,
    Source, Status, decide, take_with,
};
use naive::{Line, Request};
use sha2::Sha256;

const MINT_SECRET: &[u8] = b"a-secret-of-this-media-site-that-mints-cookies";
const COOKIE: &str = "__Secure-media";
/// What the credentials are for: this file, or all that is in its folder.
const FILE: &[u8] = b"/media/a";
const FOLDER: &[u8] = b"/media/";

struct Site {
    policy: Policy,
    hand_over: HandOver,
    responses: Responses,
    credentials: [String; 8],
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let parameters = ["max_age=600", "deadline=1000"];
    let hand_over = HandOver::parse("media", &parameters, |time| time.parse().ok()).unwrap();
    let keys = [
        common::keys(common::SECRET, "id=django"),
        common::keys(common::JWT_SECRET, "format=jwt id=jwt"),
        common::keys(
            &cloudfront_signer::ec_pem(),
            "format=cloudfront id=KE policy=canned",
        ),
        common::keys(
            &cloudfront_signer::ec_pem(),
            "format=cloudfront id=KF policy=custom",
        ),
        common::keys(MINT_SECRET, "format=jwt use=mint"),
    ]
    .concat();
    let texts = ["arg:token", "cookie:t", "header:X-T", "path:~"];
    let configured = texts.map(|text| Source::parse(text).unwrap());
    let sources = [&configured[..], &[hand_over.source()], keys[2].sources()].concat();
    let policy = Policy {
        sources,
        keys,
        max_age: 120,
        leeway: 0,
        revoked: None,
    };
    let responses = Responses {
        missing: Action::Redirect,
        expired: Action::Named("@expired".into()),
        invalid: Action::Status(403),
        redirect_code: 307,
        dry_run: false,
    };
    Site {
        policy,
        hand_over,
        responses,
        credentials: credentials(),
    }
});

fn credentials() -> [String; 8] {
    let born = |age: i64| common::base62((NOW - age) as u64);
    let jwt = |secret: &[u8], header: &str, claims: &str| {
        common::sign_jwt(header.as_bytes(), claims.as_bytes(), |message| {
            let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
            mac.chain_update(message).finalize().into_bytes().to_vec()
        })
    };
    let hs256 = r#"{"alg":"HS256"}"#;
    let claims = |end: i64| format!(r#"{{"exp":{end},"path":"/media/*","sub":"alice"}}"#);
    let custom = cloudfront_signer::custom_text(&format!("{ORIGIN}/media/*"), "");
    let custom = Parameters::custom(custom).with("Key-Pair-Id", "KF");
    [
        common::mint("/media/a", &born(0)),
        common::mint("/media/a", &born(121)),
        jwt(common::JWT_SECRET, hs256, &claims(NOW + 60)),
        jwt(common::JWT_SECRET, hs256, &claims(NOW)),
        jwt(
            b"another secret of some length, and of no use",
            hs256,
            &claims(NOW + 60),
        ),
        Parameters::canned(&format!("{ORIGIN}/media/a")).query(),
        custom.cookies(),
        jwt(
            MINT_SECRET,
            r#"{"alg":"HS256","typ":"crossdomain-media+jwt"}"#,
            &format!(
                r#"{{"aud":"{COOKIE} {ORIGIN}","exp":{},"iat":{NOW},"path":"/media/","by":"jwt"}}"#,
                NOW + 60
            ),
        ),
    ]
}

fuzz_target!(|input: &[u8]| {
    let Some((&viewer, template)) = input.split_first() else {
        return;
    };
    let site = &*SITE;
    let has = |number: u8| template.contains(&number);
    let text: Vec<u8> = template
        .iter()
        .flat_map(|byte| match byte {
            1..=8 => site.credentials[usize::from(byte - 1)].as_bytes(),
            byte => std::slice::from_ref(byte),
        })
        .copied()
        .collect();
    let mut parts = text.split(|&byte| byte == b'\n');
    let target = parts.next().unwrap_or_default();
    let lines: Vec<Line> = parts
        .filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let value = line[colon + 1..].trim_ascii();
            Some((line[..colon].to_vec(), value.to_vec()))
        })
        .collect();
    // nginx's parser lets no other target through.
    if !target.starts_with(b"/") {
        return;
    }

    // Before there is a location.
    let sources = &site.policy.sources;
    let whole = RequestView::new(target);
    let segment = find_segment(whole.path(), sources);
    let cut = cut_target(&whole, sources).collect::<Vec<_>>().concat();
    let view = RequestView::new(&cut);
    let request = Request {
        lines: &lines,
        segment,
    };
    let carried = take_with(&view, &request, sources);
    let method: &[u8] = [&b"GET"[..], b"HEAD", b"POST"][usize::from(viewer % 3)];
    let mut memory = vec![0; 4 * text.len() + 4096];
    let mut env = Fixed {
        method,
        origin: Some(ORIGIN.as_bytes()),
        ..Fixed::new(&mut memory)
    };
    let decision = decide(&view, &carried, &site.policy, NOW, &mut env).unwrap();

    let path = view.path();
    let is_file = naive::spelled("reverse", path) == FILE;
    let is_below = path.starts_with(FOLDER) && !naive::is_ambiguous(path);
    match &decision {
        Decision::Granted(grant) => {
            assert!(!naive::is_unsafe(&cut));
            let source = &sources[grant.source];
            let (is_made, covers) = match (grant.key_id, grant.began, source) {
                (Some("django"), None, _) => (has(1), is_file),
                (Some("jwt"), None, _) => {
                    let spelled = naive::spelled("reverse", path);
                    assert_eq!(grant.subject, Some("alice"));
                    (
                        has(3),
                        spelled.starts_with(FOLDER) && !naive::is_ambiguous(path),
                    )
                }
                (Some("KE"), None, Source::CloudFrontUrl | Source::CloudFrontCookies) => {
                    (has(6), path == FILE)
                }
                (Some("KF"), None, Source::CloudFrontUrl | Source::CloudFrontCookies) => {
                    (has(7), is_below)
                }
                (Some("jwt"), Some(NOW), Source::HandOver(_)) => {
                    assert!(matches!(method, b"GET" | b"HEAD"));
                    (has(8), is_below)
                }
                other => panic!("{other:?}"),
            };
            assert!(is_made, "granted without a signature");
            assert!(covers, "granted for another URL");
            assert!(grant.expires > NOW && grant.expires <= NOW + 120);
            let cookies =
                site.hand_over
                    .cookies(&view, &carried, &site.policy, grant, NOW, &mut env);
            for SetCookie(cookie) in cookies {
                assert!(cookie.starts_with(COOKIE.as_bytes()));
                let is_visible = |byte: &u8| *byte == b' ' || byte.is_ascii_graphic();
                assert!(cookie.iter().all(is_visible));
            }
        }
        Decision::Refused(refusal) => {
            assert_eq!(decision.reason() == "no_token", carried.is_empty());
            // Whoever has no key can say whose key it was, but not how old its token is.
            assert!(refusal.age.is_none() || has(1) || has(2));
        }
    }
    let answer = site.responses.respond(&decision);
    let expected = match decision.status() {
        Status::Granted => None,
        Status::Missing => Some(Answer::Redirect(307)),
        Status::Expired => Some(Answer::HandOver("@expired")),
        Status::Invalid => Some(Answer::Status(403)),
    };
    assert_eq!(answer, expected);

    // What goes on carries nothing, and nobody would be granted with it.
    let clean = clean_target(&view, sources).collect::<Vec<_>>().concat();
    let left: Vec<Line> = lines
        .iter()
        .map(|(name, value)| {
            let left = clean_line(name, value, sources);
            let left = left.map(|pieces| pieces.collect::<Vec<_>>().concat());
            (name.clone(), left.unwrap_or_else(|| value.clone()))
        })
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let clean_view = RequestView::new(&clean);
    let nothing = Request {
        lines: &left,
        segment: find_segment(clean_view.path(), sources),
    };
    let carried = take_with(&clean_view, &nothing, sources);
    assert!(carried.is_empty(), "{carried:?}");
    let env = &mut Fixed::new(&mut []);
    let decision = decide(&clean_view, &carried, &site.policy, NOW, env).unwrap();
    assert_eq!(decision.reason(), "no_token");

    // Where the viewer is sent.
    let url = b"https://www.example.com";
    let destination = Destination::parse(url).unwrap();
    let location = destination.location(&clean).collect::<Vec<_>>().concat();
    assert_eq!(location, [url, &naive::visible(&clean)[..]].concat());
});
