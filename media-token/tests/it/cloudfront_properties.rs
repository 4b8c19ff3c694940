//! CloudFront's rules against a naive twin, over generated URLs and policies.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::LazyLock;

use crate::cloudfront_signer::{
    self, END, NOW, ORIGIN, Parameters, cf64, custom_text, ec_pem, policy_of,
};
use crate::cloudfront_twin as twin;
use crate::common::{self, Cookies, Viewer};

use media_token::clean::{clean_line, clean_target};
use media_token::{Policy, RequestView, Source, take_with};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Read once: there are many cases.
static POLICY: LazyLock<Policy> = LazyLock::new(cloudfront_signer::policy);

fn reason(target: &str, policy: &Policy) -> (&'static str, String) {
    let mut viewer = Viewer::default();
    let reason = viewer.asks(target, policy, NOW).reason();
    (reason, viewer.steps)
}

/// Few characters, so that patterns often cover texts, and nearly do.
fn text() -> impl Strategy<Value = String> {
    "[a/?*\\\\.&]{0,6}"
}

fn resource() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a/?*\\\\.&]{0,8}".prop_map(|rest| format!("https://media.example.org/{rest}")),
        2 => "(https|http|\\*|http\\*|h)://(\\*|media\\.example\\.org|media\\?example\\.org|[mM]\\*g|\\*\\.org|a)(\\*|/|/\\*|\\\\?\\?|)[a/?*\\\\]{0,4}",
        1 => "\\*(media\\.example\\.org|\\.org|/|)[a/?*\\\\]{0,4}",
        1 => "[*a/?\\\\:]{0,6}",
    ]
}

/// Changed a little, it often covers no more.
fn near(url: &str, changes: &[(prop::sample::Index, char)]) -> String {
    let mut characters: Vec<char> = url.chars().collect();
    for (place, character) in changes {
        let place = ORIGIN.len() + 1 + place.index(characters.len() - ORIGIN.len());
        match characters.get_mut(place) {
            Some(changed) if *character != '-' => *changed = *character,
            Some(_) => drop(characters.remove(place)),
            None => characters.push(*character),
        }
    }
    characters.into_iter().collect()
}

#[test]
fn the_twin_agrees_on_what_a_resource_covers() {
    let file = ec_pem();
    let policies = ["id=KE", "id=KE any_http"].map(|options| policy_of(&[(&file, options)]));
    let [covered, uncovered, ambiguous] = [const { Cell::new(0) }; 3];
    let count = |cell: &Cell<u32>| cell.set(cell.get() + 1);
    let changes = prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            prop::sample::select(vec!['*', '?', '\\', 'a', '-']),
        ),
        0..5,
    );
    let strategy = (text(), resource(), changes, any::<bool>(), any::<bool>());
    let mut runner = TestRunner::new(Config::with_cases(10_000));
    let result = runner.run(&strategy, |(text, other, changes, any_http, is_near)| {
        let target = format!("/{text}");
        let resource = match is_near {
            true => near(&format!("{ORIGIN}{target}"), &changes),
            false => other,
        };
        let is_covered = twin::covers(&resource, any_http, ORIGIN, &target);
        let is_exact = resource == format!("{ORIGIN}{target}");
        let expected = if common::is_unsafe(&target) {
            "unsafe_path"
        } else if !is_covered {
            count(&uncovered);
            "wrong_path"
        } else if twin::is_ambiguous(&target) && !is_exact {
            count(&ambiguous);
            "unsafe_path"
        } else {
            count(&covered);
            "valid"
        };
        let signed = Parameters::custom(custom_text(&resource, ""));
        let (reason, steps) = reason(&signed.target(&target), &policies[usize::from(any_http)]);
        prop_assert_eq!(reason, expected, "{:?} {:?} {}", resource, target, steps);
        Ok(())
    });
    result.unwrap();
    // Both are frequent, or else this would say little.
    assert!(covered.get() > 1_000, "{covered:?}");
    assert!(uncovered.get() > 1_000, "{uncovered:?}");
    assert!(ambiguous.get() > 250, "{ambiguous:?}");
}

/// Paths and own arguments as applications have them, without dot segments.
fn target() -> impl Strategy<Value = String> {
    (
        "/[a-z0-9%~*:@!$'(),;=+_-]{1,8}(/[a-z]{1,4}){0,2}(\\.mp4)?",
        "(\\?[a-z]{0,3}(=[a-z0-9%+/?]{0,5})?(&[a-z]{0,3}(=[a-z0-9%+]{0,5})?){0,3})?",
    )
        .prop_map(|(path, query)| path.replace('%', "%41") + &query.replace('%', "%20"))
}

/// A canned policy, or a custom one for this URL only or for all.
fn signed(target: &str, kind: usize) -> Parameters {
    let url = format!("{ORIGIN}{target}");
    match kind {
        0 => Parameters::canned(&url),
        // As a pattern, it would cover others too.
        1 => Parameters::custom(custom_text(&url, "")),
        _ => Parameters::custom(custom_text("https://media.example.org/*", "")),
    }
}

/// What a target says, however it spells that: the URL, and the five.
fn meaning(target: &str) -> (String, Vec<(&'static str, Vec<u8>)>) {
    let (own, mut found) = twin::take_apart(target);
    for (name, value) in &mut found {
        if matches!(*name, "Policy" | "Signature") && value.len() % 4 == 0 {
            let end = value.iter().rposition(|&byte| byte != b'_');
            value.truncate(end.map_or(0, |end| end + 1));
        }
    }
    (own, found)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_minted_is_granted_until_its_end(
        target in target(),
        kind in 0_usize..3,
        places in prop::collection::vec(any::<prop::sample::Index>(), 4),
        escaped in any::<prop::sample::Index>(),
        now in END - 5..END + 5,
    ) {
        let signed = signed(&target, kind);
        // Anywhere among its own arguments.
        let (path, own) = target.split_once('?').unwrap_or((&target, ""));
        let mut pairs: Vec<String> = match target.contains('?') {
            true => own.split('&').map(str::to_owned).collect(),
            false => Vec::new(),
        };
        for ((name, value), place) in signed.0.iter().zip(&places) {
            let place = place.index(pairs.len() + 1);
            let at = escaped.index(name.len());
            let name = format!("{}%{:02x}{}", &name[..at], name.as_bytes()[at], &name[at + 1..]);
            pairs.insert(place, format!("{name}={value}"));
        }
        let in_url = format!("{path}?{}", pairs.join("&"));
        let expected = if now < END { "valid" } else { "token_expired" };
        let cookies = Cookies(signed.cookies());
        for (target, cookies) in [(&in_url, &Cookies(String::new())), (&target, &cookies)] {
            let mut viewer = Viewer::default();
            let decision = viewer.asks_with(target, cookies, &POLICY, now);
            prop_assert_eq!(decision.reason(), expected, "{} {}", target, viewer.steps);
        }
    }

    #[test]
    fn a_signed_url_that_was_changed_anywhere_is_not_granted(
        target in target(),
        kind in 0_usize..2,
        place in any::<prop::sample::Index>(),
        replacement in "[A-Za-z0-9_~.%&=?/#+*-]{0,2}",
        removed in 0_usize..3,
    ) {
        // A resource of its own that is a pattern covers other URLs.
        let target = match kind {
            0 => target,
            _ => target.replace(['*', '?'], "!"),
        };
        let signed = signed(&target, kind).target(&target);
        let start = place.index(signed.len());
        let end = (start + removed).min(signed.len());
        let mut changed = signed.clone();
        changed.replace_range(start..end, &replacement);
        prop_assume!(meaning(&changed) != meaning(&signed));
        prop_assert_eq!(reason(&signed, &POLICY).0, "valid");
        let (reason, steps) = reason(&changed, &POLICY);
        prop_assert_ne!(reason, "valid", "{} {} {}", signed, changed, steps);
    }

    #[test]
    fn signed_bytes_that_were_changed_anywhere_do_not_verify(
        kind in 0_usize..3,
        in_signature in any::<bool>(),
        place in any::<prop::sample::Index>(),
        change in 1_u8..=255,
    ) {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let signed = signed("/a.mp4", kind);
        let name = match (in_signature, kind) {
            (true, _) => "Signature",
            (false, 0) => "Expires",
            (false, _) => "Policy",
        };
        let value = signed.get(name);
        let changed = if name == "Expires" {
            (END ^ i64::from(change)).to_string()
        } else {
            let standard = value.replace('-', "+").replace('_', "=").replace('~', "/");
            let mut bytes = STANDARD.decode(standard).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= change;
            cf64(&bytes)
        };
        prop_assert_ne!(value, &changed);
        let changed = signed.clone().with(name, &changed);
        for (target, cookies) in [
            (changed.target("/a.mp4"), String::new()),
            ("/a.mp4".to_owned(), changed.cookies()),
        ] {
            let decision = Viewer::default().asks_with(&target, &Cookies(cookies), &POLICY, NOW);
            prop_assert_eq!(decision.reason(), "bad_signature");
        }
    }

    #[test]
    fn nothing_is_granted_without_a_signature(
        values in prop::collection::vec((0_usize..5, "[A-Za-z0-9_~%-]{0,60}"), 0..6),
        is_policy_real in any::<bool>(),
        kind in 0_usize..3,
        in_cookies in any::<bool>(),
        now in any::<i64>(),
    ) {
        let names = ["Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"];
        let mut forged = Parameters(Vec::new());
        if is_policy_real {
            forged = signed("/a", kind).without("Signature");
        }
        for (number, value) in values {
            let name = names[number];
            // The fuzz of a policy that is there would only make it repeated.
            if name == "Signature" || !forged.0.iter().any(|(known, _)| *known == name) {
                forged = forged.with(name, &value);
            }
        }
        let (target, cookies) = match in_cookies {
            true => ("/a".to_owned(), forged.cookies()),
            false => (forged.target("/a"), String::new()),
        };
        let mut viewer = Viewer::default();
        let decision = viewer.asks_with(&target, &Cookies(cookies), &POLICY, now);
        prop_assert_ne!(decision.reason(), "valid");
        prop_assert!(!viewer.steps.contains("holds"), "{}", viewer.steps);
    }

    #[test]
    fn a_signature_of_random_bytes_never_holds(
        signature in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            prop::collection::vec(any::<u8>(), 256),
            // Numbers of an ECDSA signature, among them small ones.
            ("[\\x00-\\x09]{1,2}", "[\\x00-\\x09]{1,2}").prop_map(|(r, s)| {
                let number = |text: String| [&[2, text.len() as u8], text.as_bytes()].concat();
                let both = [number(r), number(s)].concat();
                [&[0x30, both.len() as u8], &both[..]].concat()
            }),
        ],
        kind in 0_usize..3,
        id in "(KE|KR)",
        hash in "(SHA1|SHA256)",
    ) {
        let forged = signed("/a", kind)
            .with("Signature", &cf64(&signature))
            .with("Key-Pair-Id", &id)
            .with("Hash-Algorithm", match hash.as_str() { "SHA1" => "SHA1", _ => "SHA256" });
        let expected = if signature.is_empty() { "token_empty" } else { "bad_signature" };
        prop_assert_eq!(reason(&forged.target("/a"), &POLICY).0, expected);
    }

    #[test]
    fn a_grant_by_a_custom_policy_is_one_that_the_twin_allows(
        target in target(),
        resource in prop_oneof![
            Just(None),
            "(\\*|https://media\\.example\\.org/[a-z]?\\*|https://other\\.example/\\*)".prop_map(Some),
        ],
        end in NOW - 2..NOW + 4,
        start in prop::option::of(NOW - 3..NOW + 3),
        network in prop::option::of("(192\\.0\\.2\\.[5-9]|192\\.0\\.(2|3)\\.0/(2[0-9]|3[0-3])|0\\.0\\.0\\.0/0|2001:db8::/32|x)"),
        address in prop::sample::select(vec!["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", ""]),
        more in prop::option::weighted(0.1, Just(())),
        (is_list, backwards) in any::<(bool, bool)>(),
    ) {
        let mut conditions = vec![format!(r#""DateLessThan":{{"AWS:EpochTime":{end}}}"#)];
        conditions.extend(start.map(|start| format!(r#""DateGreaterThan":{{"AWS:EpochTime":{start}}}"#)));
        conditions.extend(network.map(|network| format!(r#""IpAddress":{{"AWS:SourceIp":"{network}"}}"#)));
        conditions.extend(more.map(|()| r#""StringLike":{"a":"b"}"#.to_owned()));
        if backwards {
            conditions.reverse();
        }
        let resource = resource.map_or(String::new(), |resource| format!(r#""Resource":"{resource}","#));
        let statement = format!(r#"{{{resource}"Condition":{{{}}}}}"#, conditions.join(" , "));
        let statement = if is_list { format!("[{statement}]") } else { statement };
        let text = format!(r#"{{"Statement":{statement}}}"#);
        let address: Option<IpAddr> = address.parse().ok();
        let expected = twin::allows(text.as_bytes(), NOW, address, ORIGIN, &target);
        let mut viewer = Viewer { address, ..Viewer::default() };
        let asked = Parameters::custom(&text).target(&target);
        let reason = viewer.asks(&asked, &POLICY, NOW).reason();
        prop_assert_eq!(reason == "valid", expected, "{} {} {}", text, target, viewer.steps);
    }

    #[test]
    fn a_clean_request_holds_none_of_the_five_and_keeps_all_else(
        pairs in prop::collection::vec((
            "(Expires|Policy|Signature|Key-Pair-Id|Hash-Algorithm|Expir%65s|%50olicy|Key%2dPair-Id|expires|Signature2|CloudFront-Policy|a|)",
            "(=[a-z%0-9=]{0,4})?",
        ), 0..7),
        cookies in prop::collection::vec((
            " ?(CloudFront-(Expires|Policy|Signature|Key-Pair-Id|Hash-Algorithm|policy|Other)|Policy|a)?",
            "( ?=[a-z\"%]{0,4})?",
        ), 0..6),
    ) {
        let sources = [Source::CloudFrontUrl, Source::CloudFrontCookies];
        let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| name + &value).collect();
        let target = match pairs.is_empty() {
            true => "/a".to_owned(),
            false => format!("/a?{}", pairs.join("&")),
        };
        let view = RequestView::new(target.as_bytes());
        let clean = clean_target(&view, &sources).collect::<Vec<_>>().concat();
        let clean = String::from_utf8(clean).unwrap();
        let (own, found) = twin::take_apart(&target);
        prop_assert_eq!(&clean, &own, "{}", target);

        let line = Cookies(cookies.into_iter().map(|(name, value)| name + &value).collect::<Vec<_>>().join(";"));
        let left = clean_line(b"Cookie", line.0.as_bytes(), &sources);
        let left = left.map(|left| String::from_utf8(left.collect::<Vec<_>>().concat()).unwrap());
        let ours: Vec<_> = line.0.split(';').filter(|cookie| {
            let name = cookie.split_once('=').map(|(name, _)| name.trim());
            let name = name.and_then(|name| name.strip_prefix("CloudFront-"));
            matches!(name, Some("Expires" | "Policy" | "Signature" | "Key-Pair-Id" | "Hash-Algorithm"))
        }).collect();
        prop_assert_eq!(left.is_some(), !ours.is_empty(), "{}", line.0);
        if let Some(left) = &left {
            let kept = |line: &str| -> Vec<String> {
                let cookies = line.split(';').filter(|cookie| !cookie.is_empty() && !ours.contains(cookie));
                cookies.map(|cookie| cookie.trim().to_owned()).filter(|cookie| !cookie.is_empty()).collect()
            };
            prop_assert_eq!(kept(left), kept(&line.0), "{}", line.0);
        }
        let carries = |target: &str, line: &str| {
            let view = RequestView::new(target.as_bytes());
            !take_with(&view, &&Cookies(line.to_owned()), &sources).is_empty()
        };
        prop_assert_eq!(carries(&target, ""), !found.is_empty());
        prop_assert_eq!(carries("/a", &line.0), !ours.is_empty());
        prop_assert!(!carries(&clean, left.as_deref().unwrap_or("")));
    }
}
