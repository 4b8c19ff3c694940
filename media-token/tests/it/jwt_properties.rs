//! JSON Web Tokens against a naive twin, over generated claims and requests.

use std::net::IpAddr;

use crate::common::{self, JWT_SECRET, Viewer, mint_jwt};
use crate::twin::{self, Asked};

use media_token::{Policy, Source};
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000;
const HEADER: &str = r#"{"alg":"HS256"}"#;

fn policy(audience: Option<&str>) -> Policy {
    let audience = audience.map_or(String::new(), |audience| format!("aud={audience}"));
    Policy {
        sources: vec![Source::parse("arg:token").unwrap()],
        keys: common::keys(JWT_SECRET, &format!("format=jwt {audience}")),
        max_age: 120,
        leeway: 0,
        revoked: None,
    }
}

fn reason(target: &str, asked: &Asked) -> (&'static str, String) {
    let mut viewer = Viewer {
        method: asked.method,
        address: asked.address,
        ..Viewer::default()
    };
    let policy = policy(asked.audience);
    let reason = viewer.asks(target, &policy, asked.now).reason();
    (reason, viewer.steps)
}

/// Raw paths with everything that is special about them.
fn path() -> impl Strategy<Value = String> {
    "(/(video|v|a\\.mp4|%76ideo|%2[Ff]|%5C|\\\\|\\.\\.?|%2e|é|%C3%A9|x y|\\*|a\\*|[a-c]{1,2}|)){1,4}"
}

fn entry() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        "(/(video|v|a\\.mp4|%2F|%5C|\\.\\.|%C3%A9|x%20y|a|b))?{1,3}(/\\*|\\*|/)?",
        Just("/*".to_owned()),
        Just(String::new()),
    ]
}

fn one_or_more(entry: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    let one = entry
        .clone()
        .prop_map(|entry| serde_json::to_string(&entry).unwrap());
    let more = prop::collection::vec(entry, 0..4)
        .prop_map(|entries| serde_json::to_string(&entries).unwrap());
    prop_oneof![4 => one, 4 => more, 1 => "(null|1|\\{\\}|\\[1\\]|\\[\\[\"/\"\\]\\])"]
}

fn time(around: i64) -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (around - 3..around + 100).prop_map(|time| time.to_string()),
        1 => (around - 3..around + 3).prop_map(|time| format!("{time}.75")),
        1 => any::<i64>().prop_map(|time| time.to_string()),
        1 => any::<f64>().prop_map(|time| format!("{time:e}")),
        1 => "(\"1700000060\"|null|1e19|9223372036854775808)",
    ]
}

/// Members of claims, with their names as they are spelled.
fn member() -> impl Strategy<Value = String> {
    let named = |name: &'static str, value: BoxedStrategy<String>| {
        value.prop_map(move |value| format!("\"{name}\":{value}"))
    };
    prop_oneof![
        3 => named("path", one_or_more(entry()).boxed()),
        2 => named("nbf", time(NOW).boxed()),
        2 => named("aud", one_or_more("(media|www|)").boxed()),
        2 => named("method", one_or_more("(GET|HEAD|POST|get)").boxed()),
        2 => named("ip", one_or_more("(192\\.0\\.2\\.(7|0/24|7/33)|::ffff:192\\.0\\.2\\.0/1(20|29)|::/0|0\\.0\\.0\\.0/0|x)").boxed()),
        1 => named("sub", "(\"[a-zé]{0,5}\"|7|\"\\\\u00(1f|80|41)\")".boxed()),
        1 => named("cdniv", "(1|2|\"1\"|1\\.5)".boxed()),
        1 => named("cdnicrit", "\"(exp|path|cdniuc|cdnifoo|sub,exp|)\"".boxed()),
        1 => "\"(cdniip|jti|iat|x|p\\\\u0061th|\\\\u0065xp)\":(1|\\[\\{\\}\\]|\"a\")",
    ]
}

prop_compose! {
    fn asked()(
        path in path(),
        method in prop::sample::select(vec!["GET", "HEAD", "POST"]),
        address in prop::sample::select(vec!["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", ""]),
        audience in prop::sample::select(vec![None, None, Some("media")]),
    ) -> Asked {
        let address = address.parse::<IpAddr>().ok();
        Asked { path, method, address, audience, now: NOW }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_twin_agrees_on_what_claims_mean(
        asked in asked(),
        exp in time(NOW + 1),
        members in prop::collection::vec(member(), 0..4),
        wide in any::<bool>(),
    ) {
        let wide = wide.then(|| r#""path":["/*","/video"]"#.to_owned());
        let all: Vec<_> = std::iter::once(format!(r#""exp":{exp}"#)).chain(wide).chain(members).collect();
        let claims = format!("{{{}}}", all.join(","));
        let target = format!("{}?token={}", asked.path, mint_jwt(HEADER, &claims));
        let (reason, steps) = reason(&target, &asked);
        prop_assert_eq!(Some(reason), twin::reason(claims.as_bytes(), &asked), "{} {:?} {}", claims, asked, steps);
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_not_granted(
        position in any::<prop::sample::Index>(),
        replacement in "[A-Za-z0-9_.%+=~:-]",
        removed in 0_usize..3,
    ) {
        let claims = r#"{"exp":1700000060,"path":"/*","sub":"alice"}"#;
        let token = mint_jwt(HEADER, claims);
        let start = position.index(token.len());
        let end = (start + removed).min(token.len());
        let mut changed = token.clone();
        changed.replace_range(start..end, &replacement);
        prop_assume!(changed != token);
        let asked = Asked {
            path: "/a".into(),
            method: "GET",
            address: None,
            audience: None,
            now: NOW,
        };
        prop_assert_eq!(reason(&format!("/a?token={token}"), &asked).0, "valid");
        prop_assert_ne!(reason(&format!("/a?token={changed}"), &asked).0, "valid");
    }

    #[test]
    fn nothing_is_granted_without_a_signature(
        header in "(eyJhbGciOiJIUzI1NiJ9|eyJhbGciOiJub25lIn0|[A-Za-z0-9_-]{0,9})",
        claims in "[A-Za-z0-9_-]{0,40}",
        signature in "([A-Za-z0-9_-]{43}|[A-Za-z0-9_.=%-]{0,50})",
        now in any::<i64>(),
    ) {
        let asked = Asked {
            path: "/a".into(),
            method: "GET",
            address: None,
            audience: None,
            now,
        };
        let (reason, steps) = reason(&format!("/a?token={header}.{claims}.{signature}"), &asked);
        prop_assert_ne!(reason, "valid");
        prop_assert!(!steps.contains("holds"), "{}", steps);
    }
}
