//! What has been revoked does not grant, whatever its format, and only that.

use std::sync::Arc;

use media_token::{Decision, Policy, Revoked, Source};

use crate::cloudfront;
use crate::cloudfront_signer::{self, Parameters};
use crate::common::{self, JWT_SECRET, Viewer, mint_jwt};
use crate::hand_over::Site;
use crate::minted::MINT_SECRET;

const NOW: i64 = 1_700_000_000;
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn list(text: &str) -> Option<Arc<Revoked>> {
    Some(Arc::new(Revoked::parse(text.as_bytes()).unwrap()))
}

/// Keys of Django, `id=d`, and for JWTs, `id=j`.
fn policy(revoked: &str) -> Policy {
    let keys = [
        common::keys(common::SECRET, "id=d"),
        common::keys(JWT_SECRET, "format=jwt id=j"),
    ];
    Policy {
        sources: ["arg:token", "arg:t"]
            .map(|text| Source::parse(text).unwrap())
            .into(),
        keys: keys.concat(),
        max_age: 120,
        leeway: 0,
        revoked: list(revoked),
    }
}

fn django() -> String {
    common::mint("/a", &common::base62(NOW as u64))
}

fn jwt(life: i64) -> String {
    let end = NOW + life;
    let claims = format!(r#"{{"exp":{end},"path":"/*","sub":"alice","jti":"t\u0031"}}"#);
    mint_jwt(HEADER, &claims)
}

fn reason(target: &str, revoked: &str) -> &'static str {
    let policy = policy(revoked);
    Viewer::default().asks(target, &policy, NOW).reason()
}

#[test]
fn a_token_is_revoked_by_its_key_its_subject_or_its_id() {
    let target = format!("/a?token={}", jwt(60));
    for (text, expected) in [
        ("", "valid"),
        ("kid j", "revoked"),
        ("sub alice", "revoked"),
        ("jti t1", "revoked"),
        ("kid d\nkid alice\nkid t1", "valid"),
        ("sub j\nsub t1\nsub bob", "valid"),
        ("jti j\njti alice\njti t2", "valid"),
    ] {
        assert_eq!(reason(&target, text), expected, "{text}");
    }
}

#[test]
fn the_key_of_a_django_token_or_of_cloudfront_is_revoked() {
    let target = format!("/a?token={}", django());
    assert_eq!(reason(&target, "kid d"), "revoked");
    assert_eq!(reason(&target, "kid j\nsub d\njti d"), "valid");

    let target = Parameters::canned(&cloudfront::url("/a")).target("/a");
    for (text, expected) in [("kid KE", "revoked"), ("kid K", "valid")] {
        let policy = Policy {
            revoked: list(text),
            ..cloudfront_signer::policy()
        };
        let decision = Viewer::default().asks(&target, &policy, NOW);
        assert_eq!(decision.reason(), expected, "{text}");
    }
}

#[test]
fn the_refusal_says_which_key_and_is_invalid() {
    let policy = policy("jti t1");
    let target = format!("/a?token={}", jwt(60));
    let decision = Viewer::default().asks(&target, &policy, NOW);
    assert_eq!(decision.status().as_str(), "invalid");
    let Decision::Refused(refusal) = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(refusal.key_id, Some("j"));
    assert_eq!(refusal.format, Some(media_token::Format::Jwt));
}

#[test]
fn what_would_not_grant_anyway_keeps_its_reason() {
    let target = |token: &str| format!("/a?token={token}");
    assert_eq!(reason(&target(&jwt(-1)), "jti t1"), "token_expired");
    let forged = format!("{}A", jwt(60));
    assert_ne!(reason(&target(&forged), "jti t1"), "revoked");
}

#[test]
fn another_credential_of_the_request_still_grants() {
    let both = format!("/a?token={}&t={}", jwt(60), django());
    assert_eq!(reason(&both, "jti t1"), "valid");
    assert_eq!(reason(&both, "kid d"), "valid");
    assert_eq!(reason(&both, "kid d\nsub alice"), "revoked");
}

#[test]
fn what_is_handed_over_goes_with_the_token_that_it_came_from() {
    let keys = [
        common::keys(JWT_SECRET, "format=jwt id=j"),
        common::keys(MINT_SECRET, "format=jwt use=mint id=mint"),
    ];
    let mut site = Site::with("media max_age=600", &["arg:token"], keys.concat());
    let cookie = site.sets_one(&format!("/a?token={}", jwt(60)), NOW);
    let cookie = cookie.split_once(';').unwrap().0;
    // Slides once, so that it is the second of its chain.
    let (reason, later) = site.goes_on("/a", cookie, NOW + 400);
    assert_eq!(reason, "valid");
    let second = later[0].split_once(';').unwrap().0;
    for (text, expected) in [
        ("", "valid"),
        ("jti t1", "revoked"),
        ("sub alice", "revoked"),
        ("kid j", "revoked"),
        ("kid mint", "revoked"),
        ("jti t2\nsub bob\nkid k", "valid"),
    ] {
        site.policy.revoked = list(text);
        assert_eq!(site.goes_on("/a", cookie, NOW + 1).0, expected, "{text}");
        assert_eq!(site.goes_on("/a", second, NOW + 500).0, expected, "{text}");
    }
}

#[test]
fn an_id_that_could_not_be_listed_does_not_grant_where_there_is_a_list() {
    for id in ["7", "null", r#"["t1"]"#] {
        let claims = format!(r#"{{"exp":{},"path":"/*","jti":{id}}}"#, NOW + 60);
        let target = format!("/a?token={}", mint_jwt(HEADER, &claims));
        assert_eq!(reason(&target, ""), "token_malformed", "{id}");
        let without = Policy {
            revoked: None,
            ..policy("")
        };
        let decision = Viewer::default().asks(&target, &without, NOW);
        assert_eq!(decision.reason(), "valid", "{id}");
    }
}
