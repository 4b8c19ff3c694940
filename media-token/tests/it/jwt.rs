//! What is decided about JSON Web Tokens, cause by cause. Each test is named after
//! its claim.

use std::net::IpAddr;

use crate::common::{self, JWT_SECRET, Viewer, mint_jwt};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use media_token::{
    Decision, Env, Fixed, Format, Grant, OutOfMemory, Policy, RequestView, Source, Status, decide,
    take,
};
use sha2::{Digest, Sha256};

const NOW: i64 = 1_700_000_000;
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn policy_of(keys: &[(&[u8], &str)]) -> Policy {
    let sources = ["arg:token", "arg:t"].map(|source| Source::parse(source).unwrap());
    Policy {
        sources: sources.into(),
        keys: keys
            .iter()
            .flat_map(|(file, parameters)| common::keys(file, parameters))
            .collect(),
        max_age: 120,
        leeway: 0,
        revoked: None,
    }
}

/// One key, with these parameters.
fn policy(parameters: &str) -> Policy {
    policy_of(&[(JWT_SECRET, &format!("format=jwt {parameters}"))])
}

/// Claims that end in a minute, and these.
fn claims(more: &str) -> String {
    format!(r#"{{"exp":{},{more}}}"#, NOW + 60)
}

fn ask<'k>(viewer: &mut Viewer, path: &str, token: &str, policy: &'k Policy) -> Decision<'k> {
    let separator = if path.contains('?') { '&' } else { '?' };
    viewer.asks(&format!("{path}{separator}token={token}"), policy, NOW)
}

/// What is decided about a path for a token with these claims.
fn reason_with(policy: &Policy, path: &str, claims: &str) -> &'static str {
    ask(
        &mut Viewer::default(),
        path,
        &mint_jwt(HEADER, claims),
        policy,
    )
    .reason()
}

fn reason(path: &str, claims: &str) -> &'static str {
    reason_with(&policy(""), path, claims)
}

/// Whether a token with these claims covers `/video/a.mp4` and nothing is amiss.
fn reason_of(more: &str) -> &'static str {
    reason("/video/a.mp4", &claims(&format!(r#""path":"/*",{more}"#)))
}

fn header_reason(header: &str) -> &'static str {
    let token = mint_jwt(header, &claims(r#""path":"/*""#));
    ask(&mut Viewer::default(), "/a", &token, &policy("")).reason()
}

#[test]
fn a_grant_says_which_key_for_whom_and_until_when() {
    let policy = policy("id=k1");
    let token = mint_jwt(HEADER, &claims(r#""path":"/a","sub":"alice","jti":"7""#));
    let expected = Grant {
        key_id: Some("k1"),
        subject: Some("alice"),
        token_id: Some("7"),
        format: Format::Jwt,
        expires: NOW + 60,
        age: None,
        source: 0,
        folder: None,
        began: None,
        is_for_address: false,
    };
    let decision = ask(&mut Viewer::default(), "/a", &token, &policy);
    assert_eq!(decision, Decision::Granted(expected));
    assert_eq!(expected.seconds_ahead(), None);
}

#[test]
fn a_subject_may_be_spelled_with_escapes_and_holds_no_control_character() {
    let policy = policy("");
    let subject = |text: &str| {
        let token = mint_jwt(HEADER, &claims(&format!(r#""path":"/a","sub":"{text}""#)));
        match ask(&mut Viewer::default(), "/a", &token, &policy) {
            Decision::Granted(grant) => grant.subject.unwrap().to_owned(),
            Decision::Refused(refusal) => refusal.reason.as_str().to_owned(),
        }
    };
    assert_eq!(subject("Jos\u{e9} \u{1f600}"), "José 😀");
    assert_eq!(subject(r"Jos\u00e9 \ud83d\ude00"), "José 😀");
    assert_eq!(subject(r"a\/b"), "a/b");
    assert_eq!(subject(""), "");
    for text in [
        r"a\u0000", r"a\n", r"a\u007f", r"a\u009b", "a\u{9b}", "a\u{7f}", r"\ud800",
    ] {
        assert_eq!(subject(text), "token_malformed", "{text}");
    }
}

#[test]
fn what_is_not_three_parts_of_canonical_base64url_is_malformed() {
    let policy = policy("");
    let good = mint_jwt(HEADER, &claims(r#""path":"/*""#));
    let reason = |token: &str| ask(&mut Viewer::default(), "/a", token, &policy).reason();
    assert_eq!(reason(&good), "valid");
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("not three parts");
    };
    let (most, last) = signature.split_at(signature.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // The last of 43 letters has two unused bits, which are zero.
    let other = alphabet.find(last).unwrap() + 1;
    for token in [
        format!("{good}="),
        format!("{good}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!(".{claims}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}.{most}{}", &alphabet[other..=other]),
        format!("{header}.{claims}.{most}"),
        format!("{header}.{claims}:{signature}"),
        format!("{header}.{claims}.{signature}%0A"),
        format!("+{good}"),
        format!("{header}.{claims}%2B.{signature}"),
    ] {
        assert_eq!(reason(&token), "token_malformed", "{token}");
    }
    // Of another length than the hash, but well spelled.
    assert_eq!(reason(&format!("{header}.{claims}.AAAA")), "bad_signature");
}

#[test]
fn a_token_may_be_percent_encoded_once() {
    let policy = policy("");
    let good = mint_jwt(HEADER, &claims(r#""path":"/*""#));
    let reason = |token: &str| ask(&mut Viewer::default(), "/a", token, &policy).reason();
    assert_eq!(reason(&good.replace('.', "%2E")), "valid");
    assert_eq!(reason(&good.replacen('e', "%65", 1)), "valid");
    assert_eq!(reason(&good.replace('.', "%252E")), "token_malformed");
}

#[test]
fn a_token_of_more_than_4096_bytes_is_malformed() {
    let policy = policy("");
    let reason = |filler: usize| {
        let filler = "x".repeat(filler);
        let token = mint_jwt(HEADER, &claims(&format!(r#""path":"/*","x":"{filler}""#)));
        let reason = ask(&mut Viewer::default(), "/a", &token, &policy).reason();
        (token.len(), reason)
    };
    assert_eq!(reason(2973), (4095, "valid"));
    assert_eq!(reason(2974), (4096, "valid"));
    assert_eq!(reason(2975), (4097, "token_malformed"));
}

#[test]
fn a_format_for_which_there_is_no_key_is_malformed() {
    let jwt = format!("/a?token={}", mint_jwt(HEADER, &claims(r#""path":"/*""#)));
    let django = format!("/a?token={}", common::mint("/a", "1r31eq"));
    let both = policy_of(&[(common::SECRET, ""), (JWT_SECRET, "format=jwt")]);
    let django_only = policy_of(&[(common::SECRET, "")]);
    let jwt_only = policy("");
    let reason = |target: &str, policy| Viewer::default().asks(target, policy, NOW).reason();
    assert_eq!(reason(&jwt, &both), "valid");
    assert_eq!(reason(&django, &both), "valid");
    assert_eq!(reason(&jwt, &jwt_only), "valid");
    assert_eq!(reason(&django, &jwt_only), "token_malformed");
    assert_eq!(reason(&jwt, &django_only), "token_malformed");
    assert_eq!(reason(&django, &django_only), "valid");
}

#[test]
fn a_header_is_one_object_with_an_algorithm() {
    for header in [
        r#"{"alg":"HS256"}"#,
        r#" {"alg" : "HS256"} "#,
        r#"{"typ":"at+jwt","cty":"x","alg":"HS256","other":[{"alg":1}]}"#,
        r#"{"\u0061lg":"HS25\u0036"}"#,
    ] {
        assert_eq!(header_reason(header), "valid", "{header}");
    }
    for header in [
        "",
        "null",
        "[]",
        "{}",
        r#""alg""#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"HS256"}{}"#,
        r#"{"alg":"HS256",}"#,
        r#"{"alg":"HS256""#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","x":1,"x":2}"#,
        r#"{"alg":"HS256","kid":1}"#,
        r#"{"alg":"HS256","kid":"a\u0000"}"#,
        r#"{"alg":"HS256","kid":"a\u0085"}"#,
        "\u{feff}{\"alg\":\"HS256\"}",
    ] {
        assert_eq!(header_reason(header), "token_malformed", "{header}");
    }
}

#[test]
fn headers_that_must_not_be_ignored_or_bring_their_own_key_are_unsupported() {
    for member in [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""b64":true"#,
        r#""jku":"https://evil.example/keys""#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""x5u":"https://evil.example/""#,
        r#""x5c":[]"#,
        r#""x5t":"""#,
        r#""x5t#S256":"""#,
        r#""\u0078\u0035c":[]"#,
    ] {
        let header = format!(r#"{{"alg":"HS256",{member}}}"#);
        assert_eq!(header_reason(&header), "token_unsupported", "{header}");
    }
}

#[test]
fn the_algorithm_is_the_key_s_and_never_the_token_s_choice() {
    for algorithm in [
        "none", "None", "hs256", "HS384", "HS512", "RS256", "ES256", "EdDSA", "",
    ] {
        let header = format!(r#"{{"alg":"{algorithm}"}}"#);
        assert_eq!(header_reason(&header), "unknown_key", "{algorithm}");
    }
}

#[test]
fn a_key_id_chooses_the_key_and_falls_back_to_keys_without_one() {
    let other = b"another-secret-of-an-application-that-mints".as_slice();
    let policy = policy_of(&[
        (other, "format=jwt id=a"),
        (JWT_SECRET, "format=jwt id=b"),
        (other, "format=jwt"),
        (JWT_SECRET, "format=jwt"),
    ]);
    let decision = |kid: &str| {
        let header = format!(r#"{{"alg":"HS256"{kid}}}"#);
        let token = mint_jwt(&header, &claims(r#""path":"/*""#));
        match ask(&mut Viewer::default(), "/a", &token, &policy) {
            Decision::Granted(grant) => grant.key_id.unwrap_or("without"),
            Decision::Refused(refusal) => refusal.reason.as_str(),
        }
    };
    assert_eq!(decision(""), "b");
    assert_eq!(decision(r#","kid":"b""#), "b");
    assert_eq!(decision(r#","kid":"\u0062""#), "b");
    assert_eq!(decision(r#","kid":"a""#), "bad_signature");
    assert_eq!(decision(r#","kid":"c""#), "without");
    let named_only = policy_of(&[(JWT_SECRET, "format=jwt id=b")]);
    let token = mint_jwt(r#"{"alg":"HS256","kid":"c"}"#, &claims(r#""path":"/*""#));
    let decision = ask(&mut Viewer::default(), "/a", &token, &named_only);
    assert_eq!(decision.reason(), "unknown_key");
}

#[test]
fn at_most_four_signatures_are_computed_over_all_sources_and_formats() {
    let other = b"another-secret-of-an-application-that-mints".as_slice();
    let jwt = mint_jwt(HEADER, &claims(r#""path":"/*""#));
    let with = |count: usize| {
        let mut keys = vec![(other, "format=jwt"); count];
        keys.push((JWT_SECRET, "format=jwt"));
        keys.push((common::SECRET, "salt=x"));
        policy_of(&keys)
    };
    let reason =
        |target: &str, policy: &Policy| Viewer::default().asks(target, policy, NOW).reason();
    let alone = format!("/a?token={jwt}");
    assert_eq!(reason(&alone, &with(3)), "valid");
    assert_eq!(reason(&alone, &with(4)), "bad_signature");
    // The Django token's own signature counts.
    let second = format!("/a?t={jwt}&token={}", common::mint("/a", "1r31eq"));
    assert_eq!(reason(&second, &with(2)), "valid");
    assert_eq!(reason(&second, &with(3)), "bad_signature");
}

#[test]
fn claims_are_not_looked_at_before_the_signature() {
    let token = mint_jwt(HEADER, r#"{"exp":1}"#);
    let (message, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 32]));
    let policy = policy("");
    let decision = ask(&mut Viewer::default(), "/a", &forged, &policy);
    assert_eq!(decision.reason(), "bad_signature");
    assert_eq!(decision.status(), Status::Invalid);
}

#[test]
fn claims_are_one_object_without_members_twice() {
    let path = r#""path":"/*""#;
    assert_eq!(reason("/a", &claims(path)), "valid");
    assert_eq!(
        reason("/a", &claims(r#""path":"/*","a":{"b":1,"b":2}"#)),
        "valid"
    );
    for more in [
        r#""path":"/*","exp":9999999999"#,
        r#""path":"/*","\u0065xp":9999999999"#,
        r#""path":"/*","\u0070ath":"/*""#,
        r#""path":"/*","x":1,"x":1"#,
        r#""path":"/*",,"#,
    ] {
        assert_eq!(reason("/a", &claims(more)), "token_malformed", "{more}");
    }
    for text in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"path":"/*"}"#,
        "{\"exp\":9999999999,\"\u{0}\":1}",
    ] {
        assert_eq!(reason("/a", text), "token_malformed", "{text}");
    }
    let many = |count| {
        let members: Vec<_> = (0..count)
            .map(|number| format!(r#""{number}":0"#))
            .collect();
        claims(&format!(r#""path":"/*",{}"#, members.join(",")))
    };
    assert_eq!(reason("/a", &many(62)), "valid");
    assert_eq!(reason("/a", &many(63)), "token_malformed");
}

#[test]
fn a_token_ends_at_exp_and_leeway_lengthens_the_end_only() {
    let mut policy = policy("id=k1");
    let token = mint_jwt(HEADER, &claims(r#""path":"/*""#));
    let target = format!("/a?token={token}");
    let at = |policy: &Policy, now| Viewer::default().asks(&target, policy, now).reason();
    assert_eq!(at(&policy, NOW + 59), "valid");
    assert_eq!(at(&policy, NOW + 60), "token_expired");
    let decision = Viewer::default().asks(&target, &policy, NOW + 60);
    let Decision::Refused(refusal) = decision else {
        panic!("granted");
    };
    assert_eq!((refusal.key_id, refusal.age), (Some("k1"), None));
    assert_eq!(decision.status(), Status::Expired);
    policy.leeway = 10;
    assert_eq!(at(&policy, NOW + 69), "valid");
    assert_eq!(at(&policy, NOW + 70), "token_expired");
    let from = |begin: i64| {
        reason_with(
            &policy,
            "/a",
            &claims(&format!(r#""path":"/*","nbf":{begin}"#)),
        )
    };
    assert_eq!(from(NOW + 1), "valid");
    assert_eq!(from(NOW + 2), "token_not_yet_valid");
}

#[test]
fn times_are_numbers_and_fractions_are_cut_off() {
    let exp = |text: &str| reason("/a", &format!(r#"{{"exp":{text},"path":"/*"}}"#));
    for text in [
        "1700000001",
        "1700000001.9",
        "1.700000001e9",
        "9223372036854775807",
    ] {
        assert_eq!(exp(text), "valid", "{text}");
    }
    for text in [
        "1700000000",
        "1700000000.99",
        "0",
        "-1",
        "-1.5",
        "-9223372036854775808",
    ] {
        assert_eq!(exp(text), "token_expired", "{text}");
    }
    for text in [
        r#""1700000060""#,
        "null",
        "true",
        "[1700000060]",
        "9223372036854775808",
        "1e19",
        "1e400",
        "-1e400",
        "NaN",
        "01700000060",
        "0x7fffffff",
    ] {
        assert_eq!(exp(text), "token_malformed", "{text}");
    }
    assert_eq!(reason_of(r#""nbf":"0""#), "token_malformed");
    assert_eq!(reason_of(r#""nbf":1700000000.5"#), "valid");
    // Of no interest.
    assert_eq!(reason_of(r#""iat":"soon","iss":7"#), "valid");
}

#[test]
fn a_token_for_somebody_is_for_nobody_else() {
    let at = |parameters: &str, more: &str| {
        reason_with(
            &policy(parameters),
            "/a",
            &claims(&format!(r#""path":"/*"{more}"#)),
        )
    };
    assert_eq!(at("", ""), "valid");
    assert_eq!(at("aud=media", r#","aud":"media""#), "valid");
    assert_eq!(at("aud=media", r#","aud":["www","media"]"#), "valid");
    assert_eq!(at("aud=media", ""), "wrong_audience");
    assert_eq!(at("aud=media", r#","aud":"Media""#), "wrong_audience");
    assert_eq!(at("aud=media", r#","aud":[]"#), "wrong_audience");
    assert_eq!(at("", r#","aud":"media""#), "wrong_audience");
    assert_eq!(at("", r#","aud":[]"#), "wrong_audience");
    for value in [
        "1",
        "null",
        r#"["media",1]"#,
        r#"[["media"]]"#,
        r#"{"media":1}"#,
    ] {
        assert_eq!(
            at("aud=media", &format!(r#","aud":{value}"#)),
            "token_malformed",
            "{value}"
        );
    }
}

#[test]
fn a_path_is_exact_or_a_folder() {
    let at = |claim: &str, path: &str| reason(path, &claims(&format!(r#""path":{claim}"#)));
    assert_eq!(at(r#""/video/a.mp4""#, "/video/a.mp4"), "valid");
    assert_eq!(at(r#""/video/a.mp4""#, "/video/a.mp4x"), "wrong_path");
    assert_eq!(at(r#""/video/a.mp4""#, "/video/a.mp"), "wrong_path");
    assert_eq!(at(r#""/video/a.mp4""#, "/video/A.mp4"), "wrong_path");
    for path in ["/video/a.mp4", "/video/", "/video/1/2/a.ts", "/video/*"] {
        assert_eq!(at(r#""/video/*""#, path), "valid", "{path}");
    }
    for path in [
        "/video",
        "/video-private/a.mp4",
        "/Video/a",
        "/",
        "/v/video/a",
        "/videos/a",
    ] {
        assert_eq!(at(r#""/video/*""#, path), "wrong_path", "{path}");
    }
    assert_eq!(at(r#""/*""#, "/"), "valid");
    assert_eq!(at(r#""/*""#, "/a/b"), "valid");
    assert_eq!(at(r#"["/a","/b/*"]"#, "/b/c"), "valid");
    assert_eq!(at(r#"["/a","/b/*"]"#, "/a"), "valid");
    assert_eq!(at(r#"["/a","/b/*"]"#, "/c"), "wrong_path");
    // One asterisk is one asterisk.
    for claim in [
        r#""/video*""#,
        r#""/*/a.mp4""#,
        r#""/**""#,
        r#""*""#,
        r#""/video/*.mp4""#,
    ] {
        assert_eq!(at(claim, "/video/a.mp4"), "wrong_path", "{claim}");
    }
    assert_eq!(at(r#""/a*b""#, "/a*b"), "valid");
    for claim in [
        r#""""#,
        r#""video/*""#,
        r#""video/a.mp4""#,
        "[]",
        r#"["",""]"#,
    ] {
        assert_eq!(at(claim, "/video/a.mp4"), "wrong_path", "{claim}");
    }
    // As a request for `*` may have it.
    assert_eq!(at(r#"["video/a.mp4","*"]"#, "video/a.mp4"), "wrong_path");
    for claim in ["1", "null", "{}", r#"["/*",1]"#, r#"[["/*"]]"#, "true"] {
        assert_eq!(at(claim, "/video/a.mp4"), "token_malformed", "{claim}");
    }
}

#[test]
fn a_list_has_at_most_64_entries() {
    let list = |count: usize| {
        let entries = vec![r#""/x""#; count - 1].join(",");
        reason("/a", &claims(&format!(r#""path":[{entries},"/a"]"#)))
    };
    assert_eq!(list(64), "valid");
    assert_eq!(list(65), "token_malformed");
}

#[test]
fn a_path_is_compared_in_the_form_of_its_key() {
    let at = |form: &str, claim: &str, path: &str| {
        let claims = claims(&format!(r#""path":"{claim}""#));
        reason_with(&policy(form), path, &claims)
    };
    assert_eq!(at("", "/m/My%20File.pdf", "/m/My%20File.pdf"), "valid");
    assert_eq!(at("", "/m/My%20File.pdf", "/%6D/My%20File%2Epdf"), "valid");
    assert_eq!(at("", "/m/My File.pdf", "/m/My%20File.pdf"), "wrong_path");
    assert_eq!(at("", "/m/%C3%A9/*", "/m/%c3%a9/a+b"), "valid");
    assert_eq!(at("path=storage", "/m/a%2Bb", "/m/a+b"), "valid");
    assert_eq!(
        at(
            "path=decoded",
            "/m/My File é.pdf",
            "/m/My%20File%20%C3%A9.pdf"
        ),
        "valid"
    );
    assert_eq!(at("path=decoded", "/m/é/*", "/m/%C3%A9/%FF"), "valid");
    assert_eq!(at("path=decoded", "/m/é/*", "/m/e/a"), "wrong_path");
    assert_eq!(at("path=raw", "/m/%c3%a9", "/m/%c3%a9"), "valid");
    assert_eq!(at("path=raw", "/m/%C3%A9", "/m/%c3%a9"), "wrong_path");
    assert_eq!(at("path=raw", "/m/*", "/%6D/a"), "wrong_path");
}

#[test]
fn a_folder_does_not_cover_a_path_that_can_be_read_in_several_ways() {
    let folder = claims(r#""path":"/video/*""#);
    for path in [
        "/video//a",
        "/video/a%2Fb",
        "/video/a%2fb",
        "/video/%5Ca",
        "/video/\\a",
        "/video/%2Fa",
    ] {
        assert_eq!(reason(path, &folder), "unsafe_path", "{path}");
        let raw = policy("path=raw");
        assert_eq!(reason_with(&raw, path, &folder), "unsafe_path", "{path}");
    }
    // Not below it in the first place.
    assert_eq!(reason("/other//a", &folder), "wrong_path");
    // An exact path is what it is.
    assert_eq!(
        reason("/video//a", &claims(r#""path":"/video//a""#)),
        "valid"
    );
    assert_eq!(
        reason("/video//a", &claims(r#""path":["/video/*","/video//a"]"#)),
        "valid"
    );
    assert_eq!(
        reason("/video//a", &claims(r#""path":["/video//a","/video/*"]"#)),
        "valid"
    );
    assert_eq!(reason("//evil/a", &claims(r#""path":"/*""#)), "unsafe_path");
}

#[test]
fn a_good_token_does_not_help_an_unsafe_path() {
    for path in [
        "/a/../b",
        "/a/%2e%2e/b",
        "/a/./b",
        "/a%00",
        "/a#b",
        "/a/..%2fb",
    ] {
        assert_eq!(
            reason(path, &claims(r#""path":"/*""#)),
            "unsafe_path",
            "{path}"
        );
        let exact = claims(&format!(r#""path":"{path}""#));
        assert_eq!(
            reason_with(&policy("path=raw"), path, &exact),
            "unsafe_path",
            "{path}"
        );
    }
}

#[test]
fn a_token_that_names_nothing_covers_nothing() {
    assert_eq!(reason("/a", &claims(r#""sub":"/a""#)), "wrong_path");
    assert_eq!(
        reason("/a", &claims(r#""method":"GET","ip":"192.0.2.7""#)),
        "wrong_path"
    );
}

#[test]
fn another_claim_may_name_paths() {
    let at = |claim: &str, more: &str| {
        reason_with(&policy(&format!("path_claim={claim}")), "/a", &claims(more))
    };
    assert_eq!(at("files", r#""files":["/a"]"#), "valid");
    assert_eq!(at("files", r#""path":"/a""#), "wrong_path");
    assert_eq!(at("files", r#""files":"/b","path":"/a""#), "wrong_path");
    // It serves as the subject, too, and is one string.
    assert_eq!(at("sub", r#""sub":"/a""#), "valid");
    assert_eq!(at("sub", r#""sub":"/b""#), "wrong_path");
    assert_eq!(at("sub", r#""sub":["/a"]"#), "token_malformed");
    assert_eq!(at("sub", r#""sub":"/\u0001""#), "token_malformed");
    let policy = policy("path_claim=sub");
    let token = mint_jwt(HEADER, &claims(r#""sub":"/a""#));
    let Decision::Granted(grant) = ask(&mut Viewer::default(), "/a", &token, &policy) else {
        panic!("refused");
    };
    assert_eq!(grant.subject, Some("/a"));
}

#[test]
fn methods_are_compared_with_case_and_get_allows_head() {
    let policy = policy("");
    let at = |claim: &str, method: &'static str| {
        let token = mint_jwt(HEADER, &claims(&format!(r#""path":"/*","method":{claim}"#)));
        let mut viewer = Viewer {
            method,
            ..Viewer::default()
        };
        ask(&mut viewer, "/a", &token, &policy).reason()
    };
    assert_eq!(at(r#""GET""#, "GET"), "valid");
    assert_eq!(at(r#""GET""#, "HEAD"), "valid");
    assert_eq!(at(r#""GET""#, "POST"), "wrong_method");
    assert_eq!(at(r#""get""#, "GET"), "wrong_method");
    assert_eq!(at(r#""HEAD""#, "GET"), "wrong_method");
    assert_eq!(at(r#"["PUT","POST"]"#, "POST"), "valid");
    assert_eq!(at("[]", "GET"), "wrong_method");
    assert_eq!(at("null", "GET"), "token_malformed");
    assert_eq!(at("7", "GET"), "token_malformed");
}

#[test]
fn addresses_are_single_or_of_a_network() {
    let policy = policy("");
    let at = |claim: &str, address: &str| {
        let token = mint_jwt(HEADER, &claims(&format!(r#""path":"/*","ip":{claim}"#)));
        let mut viewer = Viewer {
            address: address.parse::<IpAddr>().ok(),
            ..Viewer::default()
        };
        ask(&mut viewer, "/a", &token, &policy).reason()
    };
    for (claim, address) in [
        (r#""192.0.2.7""#, "192.0.2.7"),
        (r#""192.0.2.7""#, "::ffff:192.0.2.7"),
        (r#""::ffff:192.0.2.7""#, "192.0.2.7"),
        (r#""192.0.2.0/24""#, "192.0.2.255"),
        (r#""192.0.2.9/24""#, "192.0.2.255"),
        (r#""::ffff:192.0.2.0/120""#, "192.0.2.255"),
        (r#""0.0.0.0/0""#, "192.0.2.7"),
        (r#""2001:db8::/32""#, "2001:db8:1::1"),
        (r#"["10.0.0.0/8","192.0.2.7"]"#, "192.0.2.7"),
    ] {
        assert_eq!(at(claim, address), "valid", "{claim} {address}");
    }
    for (claim, address) in [
        (r#""192.0.2.7""#, "192.0.2.8"),
        (r#""192.0.2.0/25""#, "192.0.2.128"),
        (r#""0.0.0.0/0""#, "2001:db8::1"),
        (r#""::/0""#, "192.0.2.7"),
        (r#""::/0""#, "::ffff:192.0.2.7"),
        (r#""2001:db8::/32""#, "2001:db9::1"),
        ("[]", "192.0.2.7"),
        (r#""192.0.2.7""#, "unknown"),
        (r#""0.0.0.0/0""#, "unknown"),
    ] {
        assert_eq!(at(claim, address), "wrong_address", "{claim} {address}");
    }
    for claim in [
        r#""""#,
        r#""192.0.2""#,
        r#""192.0.2.7/33""#,
        r#""192.0.2.7/""#,
        r#""192.0.2.7/+8""#,
        r#""192.0.2.07""#,
        r#"" 192.0.2.7""#,
        r#""192.0.2.7 ""#,
        r#""fe80::1%eth0""#,
        r#""localhost""#,
        r#""::1/129""#,
        r#"["192.0.2.7","x"]"#,
        "3221225991",
        "null",
    ] {
        assert_eq!(at(claim, "192.0.2.7"), "token_malformed", "{claim}");
    }
}

#[test]
fn the_end_is_reported_before_what_else_is_wrong() {
    let all = |times: &str, aud: &str| {
        let claims = format!(r#"{{{times}{aud}"method":"PUT","ip":"10.0.0.1","path":"/b"}}"#);
        reason("/a", &claims)
    };
    let future = format!(r#""exp":{},"nbf":{},"#, NOW + 60, NOW + 30);
    assert_eq!(all(r#""exp":1,"nbf":2,"#, r#""aud":"x","#), "token_expired");
    assert_eq!(all(&future, r#""aud":"x","#), "token_not_yet_valid");
    assert_eq!(
        all(r#""exp":1700000060,"#, r#""aud":"x","#),
        "wrong_audience"
    );
    assert_eq!(all(r#""exp":1700000060,"#, ""), "wrong_method");
    assert_eq!(
        reason("/a", &claims(r#""ip":"10.0.0.1","path":"/b""#)),
        "wrong_address"
    );
    assert_eq!(reason("/a", &claims(r#""path":"/b""#)), "wrong_path");
}

/// What is decided about a URL for a token with this URI container.
fn uri_reason(container: &str, more: &str, target: &str) -> &'static str {
    let container = serde_json::to_string(container).unwrap();
    reason(target, &claims(&format!(r#""cdniuc":{container}{more}"#)))
}

#[test]
fn a_uri_container_is_a_hash_or_a_regex_of_the_whole_uri() {
    let hash = |uri: &str| {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(uri));
        format!("hash:sha-256;{digest}")
    };
    let at = |container: &str, target: &str| uri_reason(container, "", target);
    let exact = hash("https://media.example.org/a/b?c=1");
    assert_eq!(at(&exact, "/a/b?c=1"), "valid");
    assert_eq!(at(&exact, "/%61/b?c=1"), "valid");
    assert_eq!(at(&exact, "/a/b"), "wrong_path");
    assert_eq!(at(&exact, "/a/b?c=1&d"), "wrong_path");
    assert_eq!(at(&exact, "/a//b?c=1"), "wrong_path");
    assert_eq!(
        at(
            &hash("https://media.example.org/a%2Fb//c%C3%A9%20"),
            "/a%2fb//c%c3%a9%20"
        ),
        "valid"
    );
    assert_eq!(
        at(&hash("https://media.example.org/a%zz%4"), "/%61%zz%4"),
        "valid"
    );
    assert_eq!(at("hash:sha-256;", "/a/b?c=1"), "wrong_path");
    assert_eq!(at(&format!("{exact}="), "/a/b?c=1"), "wrong_path");

    let folder = r"regex:https://media\.example\.org/foo/[0-9]{3}\.png";
    assert_eq!(at(folder, "/foo/123.png"), "valid");
    assert_eq!(at(folder, "/foo/abc.png"), "wrong_path");
    assert_eq!(at(folder, "/foo/123.png?x"), "wrong_path");
    assert_eq!(at(folder, "/foo/123.png/x"), "wrong_path");
    assert_eq!(at("regex:/foo/123.png", "/foo/123.png"), "wrong_path");
    assert_eq!(at("regex:.*", "/foo"), "valid");
    assert_eq!(at("regex:.*", "/foo//bar"), "unsafe_path");
    assert_eq!(at("regex:.*/(foo|bar)", "/bar"), "valid");
    assert_eq!(at("regex:.*/foo|x", "/foo/bar"), "wrong_path");
    assert_eq!(at("regex:^.*/foo$", "/foo"), "valid");
    assert_eq!(at("regex:.*/[[:alpha:]]+", "/foo"), "valid");
    for container in [
        "",
        "regex",
        "hash:",
        "hash:sha-1;x",
        "uri:https://media.example.org/",
        "REGEX:.*",
    ] {
        assert_eq!(at(container, "/foo"), "token_unsupported", "{container}");
    }
    for regex in [
        "(",
        "a)|(b",
        "a)|(?:.*",
        r"(.)\1",
        "(?=a)",
        "(((a{50}){50}){50}){50}",
    ] {
        assert_eq!(
            at(&format!("regex:{regex}"), "/foo"),
            "token_unsupported",
            "{regex}"
        );
    }
    assert_eq!(
        reason("/a", &claims(r#""cdniuc":["regex:.*"]"#)),
        "token_malformed"
    );
}

#[test]
fn a_uri_container_and_a_path_both_have_to_cover() {
    assert_eq!(uri_reason("regex:.*", r#","path":"/a""#, "/a"), "valid");
    assert_eq!(
        uri_reason("regex:.*", r#","path":"/b""#, "/a"),
        "wrong_path"
    );
    assert_eq!(
        uri_reason("regex:.*/b", r#","path":"/a""#, "/a"),
        "wrong_path"
    );
}

#[test]
fn a_uri_is_that_which_viewers_see() {
    let policy = policy("");
    let at = |origin: Option<&'static str>| {
        let token = mint_jwt(
            HEADER,
            &claims(r#""cdniuc":"regex:https://media\\.example\\.org/a""#),
        );
        let mut viewer = Viewer {
            origin,
            ..Viewer::default()
        };
        ask(&mut viewer, "/a", &token, &policy).reason()
    };
    assert_eq!(at(Some("https://media.example.org")), "valid");
    assert_eq!(at(Some("https://Media.Example.ORG:443")), "valid");
    assert_eq!(at(Some("http://media.example.org")), "wrong_path");
    assert_eq!(at(Some("https://media.example.org:8443")), "wrong_path");
    assert_eq!(at(None), "wrong_path");
}

#[test]
fn what_rfc_9246_asks_for_is_done_or_the_token_is_refused() {
    let at = |more: &str| uri_reason("regex:.*", more, "/a");
    assert_eq!(at(r#","cdniv":1,"iss":"uCDN""#), "valid");
    assert_eq!(at(r#","cdnicrit":"exp,nbf,path,cdniuc""#), "valid");
    for more in [
        r#","cdniv":2"#,
        r#","cdniv":0"#,
        r#","cdnicrit":"cdnifoo""#,
        r#","cdnicrit":"exp,iss""#,
        r#","cdnicrit":"exp, nbf""#,
        r#","cdnicrit":"""#,
        r#","cdniip":"192.0.2.7""#,
        r#","cdnistt":1"#,
        r#","cdniets":30"#,
        r#","cdnistd":0"#,
        r#","jti":"1""#,
    ] {
        assert_eq!(at(more), "token_unsupported", "{more}");
        let plain = reason_of(&more[1..]);
        let expected = if more.contains("jti") {
            "valid"
        } else {
            "token_unsupported"
        };
        assert_eq!(plain, expected, "{more}");
    }
    for id in ["1", "null", r#"["a"]"#, r#"{"a":"b"}"#] {
        assert_eq!(reason_of(&format!(r#""jti":{id}"#)), "valid", "{id}");
    }
    assert_eq!(at(r#","cdniv":"1""#), "token_malformed");
    assert_eq!(at(r#","cdniv":1.9"#), "token_malformed");
    assert_eq!(at(r#","cdnicrit":["exp"]"#), "token_malformed");
}

#[test]
fn without_memory_nothing_is_decided() {
    let policy = policy("");
    let token = mint_jwt(HEADER, &claims(r#""path":"/a","sub":"a\u0062""#));
    let target = format!("/a?token={token}");
    let view = RequestView::new(target.as_bytes());
    let carried = take(&view, &policy.sources);
    let decide = |memory: usize| {
        let mut memory = vec![0; memory];
        decide(&view, &carried, &policy, NOW, &mut Fixed::new(&mut memory))
            .map(|decision| decision.reason())
    };
    let needed = token
        .split('.')
        .map(|part| base64::decoded_len_estimate(part.len()))
        .sum::<usize>();
    assert_eq!(decide(0), Err(OutOfMemory));
    assert_eq!(decide(needed - 1), Err(OutOfMemory));
    // For the subject.
    assert_eq!(decide(needed), Err(OutOfMemory));
    assert_eq!(decide(needed + 2), Ok("valid"));
}

#[test]
fn fixed_memory_is_given_out_once() {
    let mut memory = [0; 3];
    let mut env = Fixed::new(&mut memory);
    assert_eq!(env.allocate(2).map(|memory| memory.len()), Some(2));
    assert_eq!(env.allocate(2), None);
    assert_eq!(env.allocate(1).map(|memory| memory.len()), Some(1));
    assert_eq!(env.allocate(1), None);
}

#[test]
fn a_grant_for_addresses_says_so() {
    let policy = policy("");
    for (claim, expected) in [("", false), (r#","ip":["192.0.2.0/24"]"#, true)] {
        let token = mint_jwt(HEADER, &claims(&format!(r#""path":"/*"{claim}"#)));
        let target = format!("/a?token={token}");
        match Viewer::default().asks(&target, &policy, NOW) {
            Decision::Granted(grant) => assert_eq!(grant.is_for_address, expected),
            Decision::Refused(refusal) => panic!("{refusal:?}"),
        }
    }
}

#[test]
fn the_trace_tells_each_step_and_no_secret() {
    let policy = policy_of(&[
        (b"another-secret-of-an-application-that-mints", "format=jwt"),
        (JWT_SECRET, "format=jwt"),
    ]);
    let steps = |claims: &str, path: &str| {
        let mut viewer = Viewer::default();
        ask(&mut viewer, path, &mint_jwt(HEADER, claims), &policy);
        viewer.steps
    };
    let verified = "arg:token: a credential\n\
                    a JWT, signed by HS256\n\
                    key 0: another signature\n\
                    key 1: the signature holds\n";
    assert_eq!(
        steps(&claims(r#""path":"/a""#), "/a"),
        format!(
            "{verified}it says \"exp\": 1700000060\nit says \"path\": \"/a\"\ngranted until 1700000060\n"
        )
    );
    for (claims, step, reason) in [
        (
            claims(r#""path":"/b""#),
            r#"its "path" does not cover the request"#,
            "wrong_path",
        ),
        (
            claims(r#""path":7"#),
            r#"its claim "path" is not what it has to be"#,
            "token_malformed",
        ),
        (
            claims(r#""x":1,"x":2"#),
            "its claims are not those of a JWT",
            "token_malformed",
        ),
        (
            r#"{"path":"/a"}"#.into(),
            r#"it has no "exp""#,
            "token_malformed",
        ),
        (
            r#"{"exp":7}"#.into(),
            "it ended at 7, and now is 1700000000",
            "token_expired",
        ),
    ] {
        let expected = format!("{step}\nrefused: {reason}\n");
        let told = steps(&claims, "/a");
        assert!(told.starts_with(verified), "{told}");
        assert!(told.ends_with(&expected), "{told}");
    }
    let mut viewer = Viewer::default();
    ask(
        &mut viewer,
        "/a",
        &mint_jwt(r#"{"alg":"none"}"#, "{}"),
        &policy,
    );
    assert_eq!(
        viewer.steps,
        "arg:token: a credential\n\
         a JWT, signed by an algorithm that is not known\n\
         no key has the token's algorithm and key id\n\
         refused: unknown_key\n"
    );
}
