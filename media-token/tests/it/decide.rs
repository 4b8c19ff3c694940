//! What is decided, cause by cause. Each test is named after its claim.

use crate::common::{self, Viewer};

use media_token::{Decision, Format, Grant, Policy, Reason, Source};

const NOW: i64 = 1_700_000_000;

fn policy(keys: &[&str]) -> Policy {
    Policy {
        sources: vec![
            Source::parse("arg:token").unwrap(),
            Source::parse("arg:t").unwrap(),
        ],
        keys: keys
            .iter()
            .flat_map(|parameters| common::keys(common::SECRET, parameters))
            .collect(),
        max_age: 120,
        leeway: 0,
        revoked: None,
    }
}

fn decide_at<'k>(target: &str, policy: &'k Policy, now: i64) -> Decision<'k> {
    Viewer::default().asks(target, policy, now)
}

fn token(path: &str, offset: i64) -> String {
    common::mint(path, &common::base62((NOW + offset) as u64))
}

fn reason(target: &str, policy: &Policy) -> &'static str {
    decide_at(target, policy, NOW).reason()
}

#[test]
fn a_grant_says_which_key_how_old_and_until_when() {
    let policy = policy(&["id=main"]);
    let target = format!("/a.pdf?token={}", token("/a.pdf", -20));
    let expected = Grant {
        key_id: Some("main"),
        subject: None,
        token_id: None,
        format: Format::Django,
        expires: NOW + 100,
        age: Some(20),
        source: 0,
        folder: None,
        began: None,
        is_for_address: false,
    };
    assert_eq!(
        decide_at(&target, &policy, NOW),
        Decision::Granted(expected)
    );
}

#[test]
fn a_token_holds_at_its_last_second_and_not_after() {
    let mut policy = policy(&["id=main"]);
    let target = format!("/a.pdf?token={}", token("/a.pdf", 0));
    assert_eq!(decide_at(&target, &policy, NOW + 120).reason(), "valid");
    let Decision::Refused(refusal) = decide_at(&target, &policy, NOW + 121) else {
        panic!("granted");
    };
    assert_eq!(refusal.reason, Reason::TokenExpired);
    assert_eq!((refusal.key_id, refusal.age), (Some("main"), Some(121)));
    policy.leeway = 5;
    assert_eq!(decide_at(&target, &policy, NOW + 125).reason(), "valid");
    assert_eq!(
        decide_at(&target, &policy, NOW + 126).reason(),
        "token_expired"
    );
}

#[test]
fn leeway_does_not_lengthen_what_a_grant_says() {
    let mut policy = policy(&[""]);
    policy.leeway = 60;
    let target = format!("/a.pdf?token={}", token("/a.pdf", 0));
    let Decision::Granted(grant) = decide_at(&target, &policy, NOW + 150) else {
        panic!("refused");
    };
    assert_eq!(grant.expires, NOW + 120);
}

#[test]
fn an_expired_token_without_a_signature_is_invalid_and_not_expired() {
    let policy = policy(&[""]);
    let target = format!("/b.pdf?token={}", token("/a.pdf", -10_000));
    assert_eq!(reason(&target, &policy), "bad_signature");
}

#[test]
fn a_token_from_the_future_is_granted_unless_the_key_forbids() {
    let target = format!("/a.pdf?token={}", token("/a.pdf", 3_600));
    let lenient = policy(&[""]);
    let Decision::Granted(grant) = decide_at(&target, &lenient, NOW) else {
        panic!("refused");
    };
    assert_eq!(grant.seconds_ahead(), Some(3_600));

    let strict = policy(&["max_future=60 id=strict"]);
    let Decision::Refused(refusal) = decide_at(&target, &strict, NOW) else {
        panic!("granted");
    };
    assert_eq!(refusal.reason, Reason::TokenInFuture);
    assert_eq!(
        (refusal.key_id, refusal.age),
        (Some("strict"), Some(-3_600))
    );
}

#[test]
fn one_second_ahead_is_our_own_clock_s_doing() {
    let at = |offset| format!("/a.pdf?token={}", token("/a.pdf", offset));
    let strict = policy(&["max_future=0"]);
    assert_eq!(reason(&at(1), &strict), "valid");
    assert_eq!(reason(&at(2), &strict), "token_in_future");
    let Decision::Granted(grant) = decide_at(&at(1), &strict, NOW) else {
        panic!("refused");
    };
    assert_eq!(grant.seconds_ahead(), None);
}

#[test]
fn keys_are_tried_in_order_and_the_one_that_verifies_is_named() {
    let policy = policy(&["salt=other id=new", "alg=sha1 id=sha1", "id=old"]);
    let target = format!("/a.pdf?token={}", token("/a.pdf", 0));
    let Decision::Granted(grant) = decide_at(&target, &policy, NOW) else {
        panic!("refused");
    };
    assert_eq!(grant.key_id, Some("old"));
}

#[test]
fn a_key_of_another_algorithm_or_salt_does_not_verify() {
    let target = format!("/a.pdf?token={}", token("/a.pdf", 0));
    assert_eq!(reason(&target, &policy(&["alg=sha1"])), "bad_signature");
    assert_eq!(reason(&target, &policy(&["salt=other"])), "bad_signature");
    assert_eq!(
        reason(
            &target,
            &policy(&["derived encoding=hex"].map(|_| "salt=x"))
        ),
        "bad_signature"
    );
    assert_eq!(reason(&target, &policy(&[])), "token_malformed");
}

#[test]
fn a_derived_key_verifies_like_its_secret() {
    let derived = media_token::format::django::derive(
        media_token::format::django::Algorithm::Sha256,
        media_token::format::django::DEFAULT_SALT,
        common::SECRET,
    );
    let hex: String = derived.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut policy = policy(&[]);
    policy.keys = common::keys(hex.as_bytes(), "derived encoding=hex");
    let target = format!("/a.pdf?token={}", token("/a.pdf", 0));
    assert_eq!(reason(&target, &policy), "valid");
}

#[test]
fn a_parent_token_covers_its_directory_and_nothing_below_or_beside() {
    let policy = policy(&["signs=parent"]);
    let token = token("/docs/12", 0);
    let at = |path: &str| reason(&format!("{path}?token={token}"), &policy);
    assert_eq!(at("/docs/12/a.png"), "valid");
    assert_eq!(at("/docs/12/b%20c.png"), "valid");
    assert_eq!(at("/docs/12/sub/a.png"), "bad_signature");
    assert_eq!(at("/docs/123/a.png"), "bad_signature");
    assert_eq!(at("/docs/12"), "bad_signature");
    for path in [
        "/docs/12%2Fa.png",
        "/docs/12//a.png",
        "/docs/12/%5Ca",
        "/docs/12/..%2fa",
    ] {
        assert_eq!(at(path), "unsafe_path", "{path}");
    }
}

#[test]
fn a_good_token_does_not_help_an_unsafe_path() {
    let policy = policy(&["path=raw"]);
    for path in ["/a/../b", "/a/%2e%2e/b", "/a/./b", "/a%00", "/a#b"] {
        let target = format!("{path}?token={}", token(path, 0));
        assert_eq!(reason(&target, &policy), "unsafe_path", "{path}");
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    let policy = policy(&[""]);
    let long = format!("1r31eq:{}", "a".repeat(64));
    for token in [
        "x",
        ":",
        "1r31eq",
        "a:1r31eq:x",
        "1r31eq%20:x",
        "+1r31eq:x",
        &long,
        "%00",
    ] {
        assert_eq!(
            reason(&format!("/a?token={token}"), &policy),
            "token_malformed",
            "{token}"
        );
    }
}

#[test]
fn other_spellings_of_a_signature_are_refused() {
    let policy = policy(&[""]);
    let token = token("/a", 0);
    let (head, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let position = alphabet.find(last).unwrap();
    // The last of 43 characters has two unused bits.
    for other in (0..4)
        .map(|bits| (position & !3) | bits)
        .filter(|&at| at != position)
    {
        let forged = format!("{head}{}", &alphabet[other..=other]);
        assert_eq!(
            reason(&format!("/a?token={forged}"), &policy),
            "bad_signature"
        );
    }
    assert_eq!(
        reason(&format!("/a?token={token}="), &policy),
        "token_malformed"
    );
    assert_eq!(
        reason(&format!("/a?token={head}"), &policy),
        "token_malformed"
    );
    assert_eq!(reason(&format!("/a?token={token}"), &policy), "valid");
}

#[test]
fn a_repeated_or_empty_token_is_refused_even_when_one_is_good() {
    let policy = policy(&[""]);
    let token = token("/a", 0);
    assert_eq!(
        reason(&format!("/a?token={token}&token={token}"), &policy),
        "token_repeated"
    );
    assert_eq!(
        reason(&format!("/a?token={token}&t%6Fken="), &policy),
        "token_repeated"
    );
    assert_eq!(reason("/a?token=", &policy), "token_empty");
    assert_eq!(reason("/a?token", &policy), "token_empty");
    assert_eq!(reason("/a", &policy), "no_token");
    assert_eq!(reason("/a?Token=x", &policy), "no_token");
}

#[test]
fn the_first_source_that_grants_decides_and_else_the_first_gives_the_reason() {
    let policy = policy(&[""]);
    let (good, old) = (token("/a", 0), token("/a", -500));
    assert_eq!(
        reason(&format!("/a?t={good}&token={old}"), &policy),
        "valid"
    );
    assert_eq!(reason(&format!("/a?token=x&t={good}"), &policy), "valid");
    assert_eq!(
        reason(&format!("/a?t={old}&token=x"), &policy),
        "token_malformed"
    );
    assert_eq!(
        reason(&format!("/a?token={old}&t="), &policy),
        "token_expired"
    );
}

#[test]
fn the_host_and_the_query_are_not_signed() {
    let policy = policy(&[""]);
    let token = token("/a", 0);
    assert_eq!(reason(&format!("/a?b=1&token={token}&c"), &policy), "valid");
}

#[test]
fn an_empty_path_is_the_root() {
    let policy = policy(&[""]);
    assert_eq!(
        reason(&format!("?token={}", token("/", 0)), &policy),
        "valid"
    );
}

#[test]
fn the_trace_tells_each_step_and_no_secret() {
    let policy = policy(&["salt=other", "signs=parent", ""]);
    let token = token("/a%2Fb", 0);
    let target = format!("/a%2Fb?token={token}");
    let mut viewer = Viewer::default();
    viewer.asks(&target, &policy, NOW);
    assert_eq!(
        viewer.steps,
        "arg:token: a credential\n\
         key 0: what it signs is \"/a/b\" with the time 1700000000\n\
         key 0: another signature\n\
         key 1: it signs directories, and the path is ambiguous\n\
         key 2: what it signs is \"/a/b\" with the time 1700000000\n\
         key 2: another signature\n\
         refused: unsafe_path\n"
    );
}

#[test]
fn at_most_four_signatures_are_computed_for_a_request() {
    let others = ["salt=1", "salt=2", "salt=3", "salt=4"];
    let with = |keys: &[&str]| policy(&[keys, &["id=last"]].concat());
    let token = token("/a", 0);
    let target = format!("/a?token={token}");
    assert_eq!(reason(&target, &with(&others[..3])), "valid");
    assert_eq!(reason(&target, &with(&others)), "bad_signature");
    // Keys whose signatures are of another length need no hashing.
    let sha1 = ["alg=sha1 salt=1", "alg=sha1", "salt=1", "salt=2", "salt=3"];
    assert_eq!(reason(&target, &with(&sha1)), "valid");
    // Over all sources.
    let wrong = token.replace('_', "-").replace(':', ":-");
    let wrong = &wrong[..token.len()];
    let both = format!("/a?token={wrong}&t={token}");
    assert_eq!(reason(&both, &with(&others[..1])), "valid");
    assert_eq!(reason(&both, &with(&others[..2])), "bad_signature");
}
