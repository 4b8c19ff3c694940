//! What is decided about CloudFront's URLs and cookies, cause by cause. Each test is
//! named after its claim.

use std::fmt;
use std::net::IpAddr;

use crate::cloudfront_signer::{
    END, NOW, ORIGIN, Parameters, canned_text, cf64, custom_text, ec_pem, ec_sha1, ec_sha256,
    policy, policy_of, rsa_pem, rsa_sha256,
};
use crate::common::{self, Cookies, JWT_SECRET, Viewer, mint_jwt};

use media_token::clean::{clean_line, clean_target, masked_request_line};
use media_token::{
    Decision, Env, Fixed, Folder, Format, Grant, OutOfMemory, Policy, Reach, RequestView, Source,
    Status, decide, take, take_with,
};
use serde_json::Value;

const NAMES: [&str; 5] = [
    "Expires",
    "Policy",
    "Signature",
    "Key-Pair-Id",
    "Hash-Algorithm",
];

pub fn url(target: &str) -> String {
    format!("{ORIGIN}{target}")
}

fn ask(target: &str, policy: &Policy) -> &'static str {
    Viewer::default().asks(target, policy, NOW).reason()
}

/// What is decided about a target, by its own key.
fn reason(target: &str) -> &'static str {
    ask(target, &policy())
}

fn reason_with_cookies(target: &str, cookies: &str) -> &'static str {
    let cookies = Cookies(cookies.to_owned());
    let policy = policy();
    let decision = Viewer::default().asks_with(target, &cookies, &policy, NOW);
    decision.reason()
}

/// What is decided about `/video/a.mp4` with a signed policy, whatever it says.
fn reason_of(text: impl AsRef<[u8]>) -> &'static str {
    reason(&Parameters::custom(text).target("/video/a.mp4"))
}

/// What is decided about `/video/a.mp4` under a policy for everything with these
/// conditions too, for a viewer at this address.
fn reason_at(address: Option<IpAddr>, more: &str) -> &'static str {
    let target = Parameters::custom(custom_text("*", more)).target("/video/a.mp4");
    let mut viewer = Viewer {
        address,
        ..Viewer::default()
    };
    viewer.asks(&target, &policy(), NOW).reason()
}

/// Whether a resource covers a target.
fn covers(resource: &str, target: &str) -> &'static str {
    reason(&Parameters::custom(custom_text(resource, "")).target(target))
}

#[test]
fn a_grant_says_which_key_until_when_and_from_where() {
    let policy = policy();
    let root = Folder {
        len: 1,
        reach: Reach::Below,
    };
    for (signed, folder) in [
        (Parameters::canned(&url("/a.mp4")), None),
        (
            Parameters::custom(custom_text("https://media.example.org/*", "")),
            Some(root),
        ),
    ] {
        let expected = |source| {
            Decision::Granted(Grant {
                key_id: Some("KE"),
                subject: None,
                token_id: None,
                format: Format::CloudFront,
                expires: END,
                age: None,
                source,
                folder,
                began: None,
                is_for_address: false,
            })
        };
        let by_url = Viewer::default().asks(&signed.target("/a.mp4"), &policy, NOW);
        assert_eq!(by_url, expected(0));
        let cookies = Cookies(signed.cookies());
        let by_cookies = Viewer::default().asks_with("/a.mp4", &cookies, &policy, NOW);
        assert_eq!(by_cookies, expected(1));
    }
}

#[test]
fn a_refusal_names_the_key_only_where_the_signature_holds() {
    let policy = policy();
    let key_id = |target: &str| match Viewer::default().asks(target, &policy, NOW) {
        Decision::Refused(refusal) => (refusal.reason.as_str(), refusal.key_id),
        Decision::Granted(_) => panic!("granted"),
    };
    let signed = Parameters::canned_until(&url("/a"), "1600000000");
    assert_eq!(key_id(&signed.target("/a")), ("token_expired", Some("KE")));
    assert_eq!(key_id(&signed.target("/b")), ("bad_signature", None));
    let signed = Parameters::custom("{}");
    assert_eq!(
        key_id(&signed.target("/a")),
        ("token_malformed", Some("KE"))
    );
    let signed = Parameters::custom(custom_text("https://media.example.org/b", ""));
    assert_eq!(key_id(&signed.target("/a")), ("wrong_path", Some("KE")));
    let signed = signed.with("Policy", "e30_");
    assert_eq!(key_id(&signed.target("/a")), ("bad_signature", None));
}

#[test]
fn each_kind_of_key_verifies_with_the_hash_that_is_named() {
    type Sign = fn(&[u8]) -> Vec<u8>;
    let text = custom_text("*", "");
    let reason = |id: &str, sign: Sign, hash: Option<&'static str>| {
        let mut signed = Parameters::custom(&text)
            .with("Key-Pair-Id", id)
            .with("Signature", &cf64(&sign(text.as_bytes())))
            .without("Hash-Algorithm");
        if let Some(hash) = hash {
            signed = signed.with("Hash-Algorithm", hash);
        }
        reason(&signed.target("/a"))
    };
    assert_eq!(reason("KR", rsa_sha256, Some("SHA256")), "valid");
    assert_eq!(reason("KE", ec_sha256, Some("SHA256")), "valid");
    assert_eq!(reason("KE", ec_sha1, None), "valid");
    assert_eq!(reason("KE", ec_sha1, Some("SHA1")), "valid");
    assert_eq!(reason("KE", ec_sha1, Some("%53HA1")), "valid");
    for hash in [None, Some("SHA1")] {
        assert_eq!(reason("KR", rsa_sha256, hash), "bad_signature");
        assert_eq!(reason("KE", ec_sha256, hash), "bad_signature");
    }
    assert_eq!(reason("KE", ec_sha1, Some("SHA256")), "bad_signature");
    // A key of the other kind.
    assert_eq!(reason("KR", ec_sha256, Some("SHA256")), "bad_signature");
    assert_eq!(reason("KE", rsa_sha256, Some("SHA256")), "bad_signature");
    for hash in [
        "sha256",
        "Sha1",
        "SHA-256",
        "SHA512",
        "SHA",
        "SHA2566",
        "SHA256+",
        "SHA256%00",
        "none",
        "%2553HA1",
        "MD5",
    ] {
        let reason = reason("KE", ec_sha256, Some(hash));
        assert_eq!(reason, "token_unsupported", "{hash}");
    }
    assert_eq!(reason("KE", ec_sha256, Some("")), "token_empty");
}

/// A vector, its keys, its target and its time.
fn vector(id: &str) -> (Policy, String, i64) {
    let file: Value = serde_json::from_str(include_str!("vectors/cloudfront.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let vector = vectors.iter().find(|vector| vector["id"] == id).unwrap();
    let pem = file["test_keys_pem"]["cf_rsa1.pub.pem"].as_str().unwrap();
    let url = vector["url"].as_str().unwrap();
    let target = url.strip_prefix("https://d111111abcdef8.cloudfront.net");
    (
        policy_of(&[(pem.as_bytes(), "id=K1TESTKEY")]),
        target.unwrap().to_owned(),
        vector["now"].as_i64().unwrap(),
    )
}

#[test]
fn rsa_goes_with_sha1_where_no_hash_is_named() {
    for id in ["cf/canned-query", "cf/wild-dir"] {
        let (policy, target, now) = vector(id);
        let reason = |target: &str| {
            let mut viewer = Viewer {
                origin: Some("https://d111111abcdef8.cloudfront.net"),
                ..Viewer::default()
            };
            viewer.asks(target, &policy, now).reason()
        };
        assert_eq!(reason(&target), "valid", "{id}");
        assert_eq!(reason(&format!("{target}&Hash-Algorithm=SHA1")), "valid");
        let other = reason(&format!("{target}&Hash-Algorithm=SHA256"));
        assert_eq!(other, "bad_signature");
    }
}

#[test]
fn a_key_may_be_bound_to_one_hash() {
    let (rsa, ec) = (rsa_pem(), ec_pem());
    let bound_to = |hash: &str| {
        policy_of(&[
            (&rsa, &format!("id=KR alg={hash}")),
            (&ec, &format!("id=KE alg={hash}")),
        ])
    };
    let text = custom_text("*", "");
    let by_sha256 = Parameters::custom(&text).target("/a");
    let by_rsa = Parameters::custom(&text)
        .with("Key-Pair-Id", "KR")
        .with("Signature", &cf64(&rsa_sha256(text.as_bytes())))
        .target("/a");
    let by_sha1 = Parameters::custom(&text)
        .without("Hash-Algorithm")
        .with("Signature", &cf64(&ec_sha1(text.as_bytes())))
        .target("/a");
    assert_eq!(ask(&by_sha256, &bound_to("sha256")), "valid");
    assert_eq!(ask(&by_rsa, &bound_to("sha256")), "valid");
    assert_eq!(ask(&by_sha1, &bound_to("sha1")), "valid");
    assert_eq!(ask(&by_sha1, &bound_to("sha256")), "unknown_key");
    assert_eq!(ask(&by_sha256, &bound_to("sha1")), "unknown_key");
    assert_eq!(ask(&by_rsa, &bound_to("sha1")), "unknown_key");
    let named = format!("{by_sha1}&Hash-Algorithm=SHA1");
    assert_eq!(ask(&named, &bound_to("sha1")), "valid");
    assert_eq!(ask(&named, &bound_to("sha256")), "unknown_key");
}

#[test]
fn the_key_is_the_one_that_is_named_and_no_other_is_tried() {
    let signed = Parameters::canned(&url("/a"));
    let reason = |id: &str| reason(&signed.clone().with("Key-Pair-Id", id).target("/a"));
    assert_eq!(reason("KE"), "valid");
    assert_eq!(reason("K%45"), "valid");
    assert_eq!(reason("KR"), "bad_signature");
    for id in [
        "ke", "K", "KEE", "KE+", "+KE", "KE%00", "K%2545", "*", "KE,KR",
    ] {
        assert_eq!(reason(id), "unknown_key", "{id}");
    }
    // Several, in any order; the ids of other formats' keys do not count.
    let (rsa, ec) = (rsa_pem(), ec_pem());
    for keys in [
        [(&rsa, "id=a"), (&ec, "id=KE")],
        [(&ec, "id=KE"), (&rsa, "id=a")],
    ] {
        let policy = policy_of(&keys.map(|(file, id)| (file.as_slice(), id)));
        assert_eq!(ask(&signed.target("/a"), &policy), "valid");
    }
    let mut policy = policy_of(&[(&rsa, "id=a")]);
    policy.keys.extend(common::keys(&ec, "format=jwt id=KE"));
    assert_eq!(ask(&signed.target("/a"), &policy), "unknown_key");
}

#[test]
fn each_parameter_is_needed_but_the_hash() {
    let policy = policy();
    for signed in [
        Parameters::canned(&url("/a")),
        Parameters::custom(custom_text("*", "")),
    ] {
        assert_eq!(reason(&signed.target("/a")), "valid");
        for (name, _) in &signed.0 {
            let expected = match *name {
                "Hash-Algorithm" => "bad_signature",
                _ => "token_incomplete",
            };
            let part = signed.clone().without(name);
            assert_eq!(reason(&part.target("/a")), expected, "{name}");
            assert_eq!(reason_with_cookies("/a", &part.cookies()), expected);
            let alone = Parameters(vec![(name, signed.get(name).to_owned())]);
            assert_eq!(reason(&alone.target("/a")), "token_incomplete", "{name}");
            let alone = reason_with_cookies("/a", &alone.cookies());
            assert_eq!(alone, "token_incomplete", "{name}");
        }
    }
    let status = |target: &str| Viewer::default().asks(target, &policy, NOW).status();
    assert_eq!(status("/a?Expires=1"), Status::Missing);
    assert_eq!(status("/a"), Status::Missing);
    assert_eq!(reason("/a"), "no_token");
    assert_eq!(reason("/a?token=x"), "no_token");
}

#[test]
fn an_empty_parameter_is_refused() {
    for signed in [
        Parameters::canned(&url("/a")),
        Parameters::custom(custom_text("*", "")),
    ] {
        for (name, _) in &signed.0 {
            let empty = signed.clone().with(name, "");
            assert_eq!(reason(&empty.target("/a")), "token_empty", "{name}");
            // Without an equals sign.
            let bare = format!("{}&{name}", signed.clone().without(name).target("/a"));
            assert_eq!(reason(&bare), "token_empty", "{name}");
            let cookie = reason_with_cookies("/a", &empty.cookies());
            assert_eq!(cookie, "token_empty", "{name}");
            let quoted = signed.clone().with(name, "\"\"");
            let cookie = reason_with_cookies("/a", &quoted.cookies());
            assert_eq!(cookie, "token_empty", "{name}");
        }
    }
}

#[test]
fn a_repeated_parameter_is_refused_even_with_the_same_value() {
    for signed in [
        Parameters::canned(&url("/a")),
        Parameters::custom(custom_text("*", "")),
    ] {
        let target = signed.target("/a");
        for (name, value) in &signed.0 {
            let encoded = name.replacen('e', "%65", 1).replacen('i', "%69", 1);
            for repeated in [
                format!("{target}&{name}={value}"),
                format!("{target}&{name}="),
                format!("{target}&{name}"),
                format!("{target}&{encoded}={value}"),
                target.replacen('?', &format!("?{name}=x&"), 1),
            ] {
                assert_eq!(reason(&repeated), "token_repeated", "{repeated}");
            }
            let cookies = format!("{}; CloudFront-{name}={value}", signed.cookies());
            assert_eq!(reason_with_cookies("/a", &cookies), "token_repeated");
        }
    }
    // Also where something else is amiss.
    assert_eq!(reason("/a?Expires=&Expires="), "token_repeated");
    assert_eq!(reason("/%2e%2e/a?Expires=1&Expires=1"), "token_repeated");
}

#[test]
fn names_of_arguments_are_decoded_once_and_compared_with_case() {
    let signed = Parameters::canned(&url("/a"));
    let renamed = |rename: &dyn Fn(&str) -> String| {
        let pairs = signed.0.iter();
        let pairs = pairs.map(|(name, value)| format!("{}={value}", rename(name)));
        format!("/a?{}", pairs.collect::<Vec<_>>().join("&"))
    };
    let in_hex = |name: &str| name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_eq!(reason(&renamed(&in_hex)), "valid");
    assert_eq!(reason(&renamed(&|name| name.replace('-', "%2D"))), "valid");
    let twice = |name: &str| name.replace('e', "%2565").replace('i', "%2569");
    assert_eq!(reason(&renamed(&twice)), "no_token");
    assert_eq!(reason(&renamed(&str::to_lowercase)), "no_token");
    assert_eq!(reason(&renamed(&str::to_uppercase)), "no_token");
    assert_eq!(reason(&renamed(&|name| format!("{name}+"))), "no_token");
    let prefixed = |name: &str| format!("CloudFront-{name}");
    assert_eq!(reason(&renamed(&prefixed)), "no_token");
    // A name in another case is an argument of the URL's own.
    for name in NAMES {
        let own = format!("/a?{}=1", name.to_lowercase());
        let signed = Parameters::canned(&url(&own));
        assert_eq!(reason(&signed.target(&own)), "valid", "{name}");
    }
}

#[test]
fn names_of_cookies_are_taken_as_they_are() {
    let signed = Parameters::custom(custom_text("*", ""));
    let line = signed.cookies();
    assert_eq!(reason_with_cookies("/a", &line), "valid");
    for (from, to) in [
        ("CloudFront-", "cloudfront-"),
        ("CloudFront-", ""),
        ("CloudFront-", "CloudFront"),
        ("Policy", "policy"),
        ("Policy", "Polic%79"),
        ("Policy", "Policy2"),
    ] {
        let expected = match from {
            "Policy" => "token_incomplete",
            _ => "no_token",
        };
        let line = line.replace(from, to);
        assert_eq!(reason_with_cookies("/a", &line), expected, "{line}");
    }
    // Between others, in quotes, without spaces.
    let line = format!("a=b;{};c=\"d\"", line.replace("; ", ";"));
    assert_eq!(reason_with_cookies("/a", &line), "valid");
    let line = line.replace("Key-Pair-Id=KE", "Key-Pair-Id=\"KE\"");
    assert_eq!(reason_with_cookies("/a", &line), "valid");
    assert_eq!(reason_with_cookies("/a", "session=1"), "no_token");
}

#[test]
fn any_parameter_in_the_url_makes_cookies_count_for_nothing() {
    let good = Parameters::custom(custom_text("*", ""));
    let cookies = good.cookies();
    assert_eq!(reason_with_cookies("/a", &cookies), "valid");
    for name in NAMES {
        let encoded = name.replacen('e', "%65", 1).replacen('i', "%69", 1);
        for (pair, expected) in [
            (format!("{name}=1"), "token_incomplete"),
            (format!("{encoded}=1"), "token_incomplete"),
            (format!("{name}="), "token_empty"),
            (name.to_owned(), "token_empty"),
        ] {
            let target = format!("/a?{pair}");
            assert_eq!(reason_with_cookies(&target, &cookies), expected, "{pair}");
        }
        let own = format!("/a?{}=1", name.to_lowercase());
        assert_eq!(reason_with_cookies(&own, &cookies), "valid");
    }
    // What the URL lacks is not taken from the cookies.
    let half = good.clone().without("Signature").target("/a");
    assert_eq!(reason_with_cookies(&half, &cookies), "token_incomplete");
    let forged = good.clone().with("Policy", "e30_").target("/a");
    assert_eq!(reason_with_cookies(&forged, &cookies), "bad_signature");
    let bad = good.clone().with("Policy", "e30_").cookies();
    assert_eq!(reason_with_cookies(&good.target("/a"), &bad), "valid");
}

#[test]
fn a_canned_cookie_is_for_one_url_with_its_query() {
    let cookies = Parameters::canned(&url("/a?b=1")).cookies();
    assert_eq!(reason_with_cookies("/a?b=1", &cookies), "valid");
    for target in ["/a", "/a?", "/a?b=1&c", "/a?b=2", "/A?b=1"] {
        let reason = reason_with_cookies(target, &cookies);
        assert_eq!(reason, "bad_signature", "{target}");
    }
}

#[test]
fn a_canned_and_a_custom_policy_together_are_malformed() {
    let canned = Parameters::canned(&url("/a"));
    let custom = Parameters::custom(custom_text("*", ""));
    for signed in [
        canned.clone().with("Policy", custom.get("Policy")),
        custom.clone().with("Expires", canned.get("Expires")),
    ] {
        assert_eq!(reason(&signed.target("/a")), "token_malformed");
        let by_cookies = reason_with_cookies("/a", &signed.cookies());
        assert_eq!(by_cookies, "token_malformed");
    }
}

#[test]
fn own_arguments_are_signed_with_their_bytes_and_their_order() {
    let own = "/a?x=1&y=a%20b&&z";
    let signed = Parameters::canned(&url(own));
    assert_eq!(reason(&signed.target(own)), "valid");
    let query = signed.query();
    let [expires, signature, id, hash] = query.split('&').collect::<Vec<_>>()[..] else {
        panic!("not four pairs");
    };
    for target in [
        format!("/a?{query}&x=1&y=a%20b&&z"),
        format!("/a?x=1&{query}&y=a%20b&&z"),
        format!("/a?{id}&x=1&{signature}&y=a%20b&{hash}&&{expires}&z"),
        format!("/a?x=1&y=a%20b&&z&{hash}&{id}&{signature}&{expires}"),
    ] {
        assert_eq!(reason(&target), "valid", "{target}");
    }
    for target in [
        format!("/a?x=1&y=a%20b&z&{query}"),
        format!("/a?x=1&y=a+b&&z&{query}"),
        format!("/a?x=1&y=a%20B&&z&{query}"),
        format!("/a?y=a%20b&x=1&&z&{query}"),
        format!("/a?x=1&&z&{query}"),
        format!("/a?x=1&y=a%20b&&z=&{query}"),
        format!("/a?x=1&y=a%20b&&z&w&{query}"),
        format!("/a?x=1&y=a%20b&&z&{query}&"),
        format!("/a?&x=1&y=a%20b&&z&{query}"),
        format!("/%61?x=1&y=a%20b&&z&{query}"),
        format!("/a/?x=1&y=a%20b&&z&{query}"),
        format!("/A?x=1&y=a%20b&&z&{query}"),
        format!("/a?{query}"),
    ] {
        assert_eq!(reason(&target), "bad_signature", "{target}");
    }
}

#[test]
fn without_own_arguments_there_is_no_question_mark() {
    let query = Parameters::canned(&url("/a")).query();
    assert_eq!(reason(&format!("/a?{query}")), "valid");
    assert_eq!(reason(&format!("/a?&{query}")), "bad_signature");
    let query = Parameters::canned(&url("/a?")).query();
    assert_eq!(reason(&format!("/a?{query}")), "bad_signature");
    assert_eq!(reason(&format!("/a?&{query}")), "valid");
}

#[test]
fn an_empty_path_is_a_slash() {
    let signed = Parameters::canned(&url("/"));
    assert_eq!(reason(&signed.target("/")), "valid");
    assert_eq!(reason(&signed.target("")), "valid");
    let signed = Parameters::custom(custom_text("https://media.example.org/?x=*", ""));
    assert_eq!(reason(&signed.target("?x=1")), "valid");
}

#[test]
fn scheme_host_and_port_are_those_of_the_site() {
    let policy = policy();
    let reason = |resource: &str, origin: &'static str| {
        let mut viewer = Viewer {
            origin: Some(origin).filter(|origin| !origin.is_empty()),
            ..Viewer::default()
        };
        let canned = Parameters::canned(resource).target("/a");
        let custom = Parameters::custom(custom_text(resource, "")).target("/a");
        [canned, custom].map(|target| viewer.asks(&target, &policy, NOW).reason())
    };
    let yes = ["valid"; 2];
    let no = ["bad_signature", "wrong_path"];
    let resource = "https://media.example.org/a";
    assert_eq!(reason(resource, "https://media.example.org"), yes);
    assert_eq!(reason(resource, "http://media.example.org"), no);
    assert_eq!(reason(resource, "https://media.example.org:8443"), no);
    assert_eq!(reason(resource, "https://media.example.com"), no);
    assert_eq!(reason(resource, "https://media.example.org."), no);
    let port = "http://media.example.org:8080/a";
    assert_eq!(reason(port, "http://media.example.org:8080"), yes);
    assert_eq!(reason(port, "http://media.example.org"), no);
    assert_eq!(reason("http://[::1]:80/a", "http://[::1]:80"), yes);
    // As browsers spell it; a canned text has its bytes.
    let [canned, custom] = reason("https://Media.example.ORG/a", ORIGIN);
    assert_eq!([canned, custom], ["bad_signature", "valid"]);
    // Where the site does not know its name.
    assert_eq!(reason(resource, ""), no);
    // Which a lone asterisk does not ask for.
    assert_eq!(reason("*", ""), ["bad_signature", "valid"]);
}

#[test]
fn a_policy_for_any_file_needs_no_name_of_the_site() {
    let text = format!(
        r#"{{"Statement":[{{"Condition":{{"DateLessThan":{{"AWS:EpochTime":{END}}}}}}}]}}"#
    );
    let target = Parameters::custom(text).target("/any/file?x=1");
    let mut viewer = Viewer {
        origin: None,
        ..Viewer::default()
    };
    assert_eq!(viewer.asks(&target, &policy(), NOW).reason(), "valid");
    assert_eq!(reason(&target), "valid");
}

#[test]
fn a_lone_asterisk_needs_no_origin() {
    let mut viewer = Viewer {
        origin: None,
        ..Viewer::default()
    };
    let mut ask = |target: &str| viewer.asks(target, &policy(), NOW).reason();
    assert_eq!(
        ask(&Parameters::custom(custom_text("*", "")).target("/a?x=1")),
        "valid"
    );
    assert_eq!(
        ask(&Parameters::custom(custom_text("*", "")).target("/a//b")),
        "unsafe_path"
    );
    assert_eq!(
        ask(&Parameters::custom(custom_text("**", "")).target("/a")),
        "wrong_path"
    );
}

/// Which is why an application that signs single URLs has keys with `policy=canned`.
#[test]
fn a_canned_signature_sent_as_a_custom_policy_has_wildcards() {
    let with = |parameters: &str, target: &str| {
        ask(
            target,
            &policy_of(&[(&ec_pem(), &format!("id=KE {parameters}"))]),
        )
    };
    let canned = Parameters::canned(&url("/media/re?*"));
    let text = canned_text(&url("/media/re?*"), &END.to_string());
    let replayed = canned
        .clone()
        .without("Expires")
        .with("Policy", &cf64(text.as_bytes()));
    let (canned, replayed) = (
        canned.target("/media/re?*"),
        replayed.target("/media/report.pdf"),
    );
    for (parameters, canned_reason, replayed_reason) in [
        ("", "valid", "valid"),
        ("policy=canned", "valid", "token_unsupported"),
        ("policy=custom", "token_unsupported", "valid"),
    ] {
        assert_eq!(with(parameters, &canned), canned_reason, "{parameters}");
        assert_eq!(with(parameters, &replayed), replayed_reason, "{parameters}");
    }
}

#[test]
fn a_resource_that_takes_too_many_steps_covers_nothing_but_itself() {
    let target = format!("/a.txt?{}", "a".repeat(4000));
    let costly = |times| url(&format!("/{}*a", "*?".repeat(times)));
    assert_eq!(covers(&costly(490), &target), "wrong_path");
    assert_eq!(covers(&url("/*?*?*a"), &target), "valid");
    // Long, and one after the other.
    let long = format!("/{}", "a".repeat(1500));
    assert_eq!(covers(&url(&format!("{long}*")), &long), "valid");
    assert_eq!(covers(&url(&long), &long), "valid");
}

#[test]
fn the_host_is_compared_without_case_on_both_sides() {
    for (origin, resource) in [
        ("https://MEDIA.example.org", "https://media.example.org/*"),
        ("https://media.example.org", "https://Media.example.org/*"),
    ] {
        let mut viewer = Viewer {
            origin: Some(origin),
            ..Viewer::default()
        };
        let target = Parameters::custom(custom_text(resource, "")).target("/a");
        assert_eq!(viewer.asks(&target, &policy(), NOW).reason(), "valid");
    }
}

#[test]
fn a_grant_for_an_address_says_so() {
    for (more, expected) in [
        ("", false),
        (r#","IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}"#, true),
    ] {
        let target = Parameters::custom(custom_text("*", more)).target("/a");
        let policy = policy();
        match Viewer::default().asks(&target, &policy, NOW) {
            Decision::Granted(grant) => assert_eq!(grant.is_for_address, expected),
            Decision::Refused(refusal) => panic!("{refusal:?}"),
        }
    }
}

#[test]
fn it_holds_until_its_end_and_leeway_lengthens_that_only() {
    for signed in [
        Parameters::canned(&url("/a")),
        Parameters::custom(custom_text("*", "")),
    ] {
        let target = signed.target("/a");
        for (leeway, last) in [(0, END - 1), (1, END), (30, END + 29), (-1, END - 2)] {
            let policy = Policy { leeway, ..policy() };
            let decide = |now| Viewer::default().asks(&target, &policy, now);
            assert_eq!(decide(last).reason(), "valid", "{leeway}");
            assert_eq!(decide(last + 1).reason(), "token_expired", "{leeway}");
            assert_eq!(decide(last + 1).status(), Status::Expired);
            assert_eq!(decide(i64::MAX).reason(), "token_expired");
            // There is no beginning.
            assert_eq!(decide(0).reason(), "valid");
            assert_eq!(decide(i64::MIN).reason(), "valid");
        }
    }
}

#[test]
fn it_begins_after_its_start_with_one_second_tolerated() {
    let policy = |leeway| Policy { leeway, ..policy() };
    let start = NOW - 10;
    let more = format!(r#","DateGreaterThan":{{"AWS:EpochTime":{start}}}"#);
    let target = Parameters::custom(custom_text("*", &more)).target("/a");
    for leeway in [0, 100] {
        let reason = |now| {
            let policy = policy(leeway);
            Viewer::default().asks(&target, &policy, now).reason()
        };
        assert_eq!(reason(start - 1), "token_not_yet_valid");
        assert_eq!(reason(start), "valid");
        assert_eq!(reason(start + 1), "valid");
        assert_eq!(reason(i64::MIN), "token_not_yet_valid");
    }
    let decision_policy = policy(0);
    let early = Viewer::default().asks(&target, &decision_policy, start - 1);
    assert_eq!(early.status(), Status::Invalid);
}

#[test]
fn times_at_the_ends_of_the_numbers_are_only_times() {
    let reason = |end: &str, start: &str, now: i64, leeway: i64| {
        let text = format!(
            r#"{{"Statement":{{"Condition":{{"DateLessThan":{{"AWS:EpochTime":{end}}},"DateGreaterThan":{{"AWS:EpochTime":{start}}}}}}}}}"#
        );
        let policy = Policy { leeway, ..policy() };
        let target = Parameters::custom(text).target("/a");
        Viewer::default().asks(&target, &policy, now).reason()
    };
    let (max, min) = ("9223372036854775807", "-9223372036854775808");
    assert_eq!(reason(max, min, NOW, i64::MAX), "valid");
    assert_eq!(reason(max, min, i64::MAX - 1, 0), "valid");
    assert_eq!(reason(max, min, i64::MAX, 0), "token_expired");
    assert_eq!(reason(min, min, i64::MIN, 0), "token_expired");
    assert_eq!(reason(max, max, NOW, 0), "token_not_yet_valid");
    assert_eq!(
        reason("9223372036854775808", min, NOW, 0),
        "token_malformed"
    );
    assert_eq!(reason("0", "0", NOW, 0), "token_expired");
    assert_eq!(reason("-1", "-1", -2, 0), "token_not_yet_valid");
}

#[test]
fn an_end_that_is_no_number_is_malformed() {
    for end in [
        "x",
        "-1",
        "%2B1700000060",
        "1700000060.0",
        "01700000060",
        "17000000600",
        "1700000060%20",
        "1.7e9",
        "0x6553f13c",
        "1700000060,1700000061",
        "%D9%A1",
        "%00",
    ] {
        // With a signature for just that text.
        let decoded = String::from_utf8(common::unquote(end, true)).unwrap();
        let signed = Parameters::canned_until(&url("/a"), &decoded).with("Expires", end);
        assert_eq!(reason(&signed.target("/a")), "token_malformed", "{end}");
    }
    let signed = Parameters::canned(&url("/a"));
    let encoded = signed.with("Expires", "%317000000%360");
    assert_eq!(reason(&encoded.target("/a")), "valid");
    let farthest = Parameters::canned_until(&url("/a"), "9999999999");
    assert_eq!(reason(&farthest.target("/a")), "valid");
}

#[test]
fn another_end_than_was_signed_is_a_bad_signature() {
    let signed = Parameters::canned(&url("/a"));
    for end in ["1700000061", "1700000059", "1600000000", "0", "9999999999"] {
        let moved = signed.clone().with("Expires", end).target("/a");
        assert_eq!(reason(&moved), "bad_signature", "{end}");
    }
}

#[test]
fn addresses_are_those_of_ipv4() {
    let at = |address: &str, network: &str| {
        let more = format!(r#","IpAddress":{{"AWS:SourceIp":"{network}"}}"#);
        reason_at(address.parse().ok(), &more)
    };
    for network in [
        "192.0.2.7",
        "192.0.2.7/32",
        "192.0.2.6/31",
        "192.0.2.0/24",
        "192.0.2.99/24",
        "0.0.0.0/0",
    ] {
        assert_eq!(at("192.0.2.7", network), "valid", "{network}");
        assert_eq!(at("::ffff:192.0.2.7", network), "valid", "{network}");
        assert_eq!(at("2001:db8::1", network), "wrong_address", "{network}");
        assert_eq!(at("::192.0.2.7", network), "wrong_address", "{network}");
        // One that came by a Unix socket.
        assert_eq!(at("", network), "wrong_address", "{network}");
    }
    for network in ["192.0.2.8", "192.0.2.4/31", "192.0.3.0/24", "0.0.0.0"] {
        assert_eq!(at("192.0.2.7", network), "wrong_address", "{network}");
    }
    for network in [
        "2001:db8::1",
        "::ffff:192.0.2.7",
        "192.0.2.7/33",
        "192.0.2.7/",
        "192.0.2.7/255.255.255.0",
        "192.0.2",
        "192.0.2.07",
        "192.0.2.*",
        "192.0.2.7,192.0.2.8",
        " 192.0.2.7",
        "",
    ] {
        assert_eq!(at("192.0.2.7", network), "token_malformed", "{network}");
    }
    assert_eq!(reason_at(None, ""), "valid");
    assert_eq!(reason_at("2001:db8::1".parse().ok(), ""), "valid");
}

#[test]
fn the_end_comes_first_then_start_address_and_resource() {
    let start = format!(r#","DateGreaterThan":{{"AWS:EpochTime":{}}}"#, NOW + 1);
    let address = r#","IpAddress":{"AWS:SourceIp":"192.0.2.8"}"#;
    let reason = |more: &str, now: i64| {
        let target = Parameters::custom(custom_text("https://other.example/*", more)).target("/a");
        Viewer::default().asks(&target, &policy(), now).reason()
    };
    let all = format!("{address}{start}");
    let never = format!(
        r#"{address},"DateGreaterThan":{{"AWS:EpochTime":{}}}"#,
        END + 9
    );
    assert_eq!(reason(&never, END), "token_expired");
    assert_eq!(reason(&all, NOW), "token_not_yet_valid");
    assert_eq!(reason(address, NOW), "wrong_address");
    assert_eq!(reason("", NOW), "wrong_path");
}

#[test]
fn nothing_in_a_policy_is_looked_at_before_its_signature() {
    for text in [
        custom_text("https://other.example/*", ""),
        "{}".to_owned(),
        "hello".to_owned(),
        r#"{"Version":1}"#.to_owned(),
        custom_text("*", "").replace("17", "16"),
        String::new() + " ",
    ] {
        let own = Parameters::custom(custom_text("*", ""));
        let forged = own.with("Policy", &cf64(text.as_bytes())).target("/a");
        assert_eq!(reason(&forged), "bad_signature", "{text}");
    }
}

#[test]
fn a_policy_is_verified_as_it_was_sent() {
    let condition = format!(r#""Condition":{{"DateLessThan":{{"AWS:EpochTime":{END}}}}}"#);
    for text in [
        format!(r#"{{"Statement":[{{"Resource":"*",{condition}}}]}}"#),
        format!(r#"{{"Statement":[{{{condition},"Resource":"*"}}]}}"#),
        format!(r#"{{"Statement":{{"Resource":"*",{condition}}}}}"#),
        format!("\r\n{{ \"Statement\" :\t[ {{\"Resource\" : \"*\" ,{condition} }} ]\n}}\r\n"),
        format!(
            r#"{{"Statement":[{{"Resource":"https://media.example.org/video/a.mp4",{condition}}}]}}"#
        ),
        format!(r#"{{"\u0053tatement":[{{"Resource":"\u002a",{condition}}}]}}"#),
        format!(r#"{{"Statement":[{{"Resource":"https:\/\/media.example.org\/*",{condition}}}]}}"#),
    ] {
        assert_eq!(reason_of(&text), "valid", "{text}");
        // The same meaning with other bytes.
        let spaced = format!("{text} ");
        let moved = Parameters::custom(&text).with("Policy", &cf64(spaced.as_bytes()));
        assert_eq!(reason(&moved.target("/video/a.mp4")), "bad_signature");
    }
    let text = custom_text("https://media.example.org/*", "").into_bytes();
    let signed = Parameters::custom(&text);
    for place in 0..text.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut changed = text.clone();
            changed[place] ^= bit;
            let changed = signed.clone().with("Policy", &cf64(&changed));
            let reason = reason(&changed.target("/video/a.mp4"));
            assert_eq!(reason, "bad_signature", "{place}");
        }
    }
}

#[test]
fn what_is_not_one_statement_with_an_end_is_malformed() {
    let end = format!(r#""DateLessThan":{{"AWS:EpochTime":{END}}}"#);
    for text in [
        "hello".to_owned(),
        "[]".into(),
        "{}".into(),
        "\u{feff}{}".into(),
        r#"{"Statement":[]}"#.into(),
        r#"{"Statement":[{"Resource":"*"}]}"#.into(),
        format!(r#"{{"Statement":[{{"Condition":{{{end}}}}},{{"Condition":{{{end}}}}}]}}"#),
        format!(
            r#"{{"Statement":{{"Condition":{{{end}}}}},"Statement":{{"Condition":{{{end}}}}}}}"#
        ),
        format!(r#"{{"Statement":[{{"Condition":{{{end},{end}}}}}]}}"#),
        format!(r#"{{"Statement":[{{"Resource":"*","Resource":"*","Condition":{{{end}}}}}]}}"#),
        format!(r#"{{"Statement":[{{"Condition":{{{end}}}}}]}}{{}}"#),
        format!(
            r#"{{"Statement":[{{"Condition":{{"DateLessThan":{{"AWS:EpochTime":"{END}"}}}}}}]}}"#
        ),
        format!(
            r#"{{"Statement":[{{"Condition":{{"DateLessThan":{{"AWS:EpochTime":{END}.5}}}}}}]}}"#
        ),
        r#"{"Statement":[{"Condition":{"DateGreaterThan":{"AWS:EpochTime":1}}}]}"#.into(),
        format!(r#"{{"Statement":[{{"Condition":{{{end},"IpAddress":{{}}}}}}]}}"#),
    ] {
        assert_eq!(reason_of(&text), "token_malformed", "{text}");
    }
    let not_utf8 = custom_text("*?", "").into_bytes();
    let not_utf8: Vec<u8> = not_utf8
        .into_iter()
        .map(|byte| if byte == b'?' { 0xff } else { byte })
        .collect();
    assert_eq!(reason_of(not_utf8), "token_malformed");
    let deep = format!("{{\"Statement\":{}", "[".repeat(2900));
    assert_eq!(reason_of(deep), "token_malformed");
}

#[test]
fn what_is_not_known_in_a_policy_is_unsupported() {
    for more in [
        r#","NotIpAddress":{"AWS:SourceIp":"192.0.2.8"}"#,
        r#","StringEquals":{"AWS:UserAgent":"x"}"#,
        r#","dateGreaterThan":{"AWS:EpochTime":1}"#,
    ] {
        assert_eq!(reason_of(custom_text("*", more)), "token_unsupported");
    }
    let text = custom_text("*", "");
    for (from, to) in [
        (r#"{"Statement""#, r#"{"Version":"2012-10-17","Statement""#),
        (r#"{"Resource""#, r#"{"Effect":"Deny","Resource""#),
        (
            r#"{"AWS:EpochTime""#,
            r#"{"AWS:CurrentTime":1,"AWS:EpochTime""#,
        ),
    ] {
        let text = text.replace(from, to);
        assert_eq!(reason_of(&text), "token_unsupported", "{text}");
    }
}

#[test]
fn another_spelling_of_the_base64_is_malformed() {
    let signed = Parameters::canned(&url("/a"))
        .with("Key-Pair-Id", "KR")
        .with(
            "Signature",
            &cf64(&rsa_sha256(
                crate::cloudfront_signer::canned_text(&url("/a"), &END.to_string()).as_bytes(),
            )),
        );
    let signature = signed.get("Signature");
    assert_eq!(signature.len(), 344);
    assert!(signature.ends_with("__"));
    let reason =
        |signature: &str| reason(&signed.clone().with("Signature", signature).target("/a"));
    assert_eq!(reason(signature), "valid");
    let bare = signature.trim_end_matches('_');
    assert_eq!(reason(bare), "valid");
    let escaped: String = signature
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    assert_eq!(reason(&escaped), "valid");
    // The last letter of a group of two has four unused bits.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
    let (most, last) = bare.split_at(bare.len() - 1);
    let last = alphabet.find(last).unwrap();
    for unused in 1..16 {
        let other = &alphabet[last + unused..=last + unused];
        assert_eq!(reason(&format!("{most}{other}__")), "token_malformed");
        assert_eq!(reason(&format!("{most}{other}")), "token_malformed");
    }
    for other in [
        format!("{bare}_"),
        format!("{bare}___"),
        format!("{bare}____"),
        format!("{bare}=="),
        format!("{bare}%3D%3D"),
        format!("{bare}__%0A"),
        format!("+{signature}"),
        format!("{signature}{signature}"),
        format!("__{signature}"),
        format!("{bare}%252d"),
        "_".to_owned(),
        "____".to_owned(),
        "A".to_owned(),
        "\u{e9}".to_owned(),
    ] {
        assert_eq!(reason(&other), "token_malformed", "{other}");
    }
    // Another alphabet: of ten signatures most hold a letter that tells.
    let told = (0..10).filter(|number| {
        let end = (END + number).to_string();
        let signed = Parameters::canned_until(&url("/a"), &end);
        let signature = signed.get("Signature").to_owned();
        let standard = signature.replace('-', "%2B").replace('~', "%2F");
        let is_other = standard != signature;
        if is_other {
            let target = signed.with("Signature", &standard).target("/a");
            assert_eq!(crate::cloudfront::reason(&target), "token_malformed");
        }
        is_other
    });
    assert!(told.count() > 2);
    // Well spelled, but no signature.
    for other in ["AAAA", "AA__", &"A".repeat(344)] {
        assert_eq!(reason(other), "bad_signature", "{other}");
    }
}

#[test]
fn a_policy_in_other_base64_is_malformed() {
    let text = custom_text("https://media.example.org/*??>>~~", "");
    let signed = Parameters::custom(&text);
    let reason = |policy: &str| reason(&signed.clone().with("Policy", policy).target("/??>>~~x"));
    let policy = signed.get("Policy");
    assert!(policy.contains('-') || policy.contains('~'), "{policy}");
    let bare = policy.trim_end_matches('_');
    assert_eq!(reason(policy), reason(bare));
    assert_ne!(reason(policy), "token_malformed");
    for other in [
        policy.replace('-', "%2B").replace('~', "%2F"),
        format!("{bare}{}", "=".repeat(4 - bare.len() % 4)),
        format!("{bare}_____"),
        format!("{policy}%00"),
    ] {
        assert_eq!(reason(&other), "token_malformed", "{other}");
    }
}

#[test]
fn values_of_more_than_4096_bytes_are_malformed() {
    // A policy of so many bytes, and the parameter's length.
    let policy = |len: usize| {
        let text = custom_text("*", "");
        let text = format!("{text}{}", " ".repeat(len - text.len()));
        let signed = Parameters::custom(&text);
        (signed.get("Policy").len(), signed)
    };
    let (len, signed) = policy(3072);
    assert_eq!((len, reason(&signed.target("/a"))), (4096, "valid"));
    let (len, signed) = policy(3073);
    assert_eq!(
        (len, reason(&signed.target("/a"))),
        (4100, "token_malformed")
    );
    // As it stands in the request.
    let (_, signed) = policy(3071);
    let bare = signed.get("Policy").trim_end_matches('_').to_owned();
    assert_eq!(bare.len(), 4095);
    let escaped = bare.replacen('e', "%65", 1);
    assert_eq!(escaped.len(), 4097);
    let is = |value: &str| reason(&signed.clone().with("Policy", value).target("/a"));
    assert_eq!(is(&bare), "valid");
    assert_eq!(is(&escaped), "token_malformed");
    let (_, signed) = policy(3070);
    let bare = signed.get("Policy").trim_end_matches('_').to_owned();
    let escaped = bare.replacen('e', "%65", 1);
    assert_eq!(escaped.len(), 4096);
    let is = |value: &str| reason(&signed.clone().with("Policy", value).target("/a"));
    assert_eq!(is(&escaped), "valid");

    let signed = Parameters::canned(&url("/a"));
    for (name, fits) in [
        ("Expires", "token_malformed"),
        ("Signature", "token_malformed"),
        ("Key-Pair-Id", "unknown_key"),
        ("Hash-Algorithm", "token_unsupported"),
    ] {
        let is = |len: usize| {
            let long = signed.clone().with(name, &"1".repeat(len));
            let by_cookies = reason_with_cookies("/a", &long.cookies());
            let by_url = reason(&long.target("/a"));
            assert_eq!(by_cookies, by_url);
            by_url
        };
        assert_eq!(is(4096), fits, "{name}");
        assert_eq!(is(4097), "token_malformed", "{name}");
    }
}

#[test]
fn signatures_are_no_longer_than_those_of_the_longest_keys() {
    let signed = Parameters::canned(&url("/a"));
    let is = |len: usize| {
        let long = cf64(&vec![0; len]);
        reason(&signed.clone().with("Signature", &long).target("/a"))
    };
    assert_eq!(is(1024), "bad_signature");
    assert_eq!(is(1027), "token_malformed");
    // Each of these would do elsewhere.
    let signature = ec_sha256(b"x");
    for len in [0, 1, signature.len() - 1] {
        let cut = cf64(&signature[..len]);
        let expected = match len {
            0 => "token_empty",
            _ => "bad_signature",
        };
        assert_eq!(
            reason(&signed.clone().with("Signature", &cut).target("/a")),
            expected
        );
    }
}

#[test]
fn a_wildcard_stays_in_its_section() {
    for (resource, target, expected) in [
        ("*", "/a/b?c=d", "valid"),
        ("https://media.example.org/*", "/", "valid"),
        ("https://media.example.org/*", "/a/b/c.mp4", "valid"),
        ("https://media.example.org/*", "/a?b=c", "valid"),
        ("https://media.example.org/video/*", "/video/a", "valid"),
        ("https://media.example.org/video/*", "/video/", "valid"),
        ("https://media.example.org/video/*", "/video", "wrong_path"),
        (
            "https://media.example.org/video/*",
            "/videos/a",
            "wrong_path",
        ),
        // As CloudFront means it, and not our own prefixes.
        (
            "https://media.example.org/video*",
            "/video-private/a",
            "valid",
        ),
        (
            "https://media.example.org/video/*",
            "/Video/a",
            "wrong_path",
        ),
        (
            "https://media.example.org/v%69deo/*",
            "/video/a",
            "wrong_path",
        ),
        ("https://media.example.org/v%69deo/*", "/v%69deo/a", "valid"),
        ("https://media.example.org/*.mp4", "/a/b.mp4", "valid"),
        (
            "https://media.example.org/*.mp4",
            "/a/b.mp4?c",
            "wrong_path",
        ),
        ("https://media.example.org/*.mp4", "/a?b.mp4", "wrong_path"),
        ("https://media.example.org/*.mp4", "/b.mp3", "wrong_path"),
        ("https://media.example.org/a?.ts", "/a1.ts", "valid"),
        ("https://media.example.org/a?.ts", "/a.ts", "wrong_path"),
        ("https://media.example.org/a?.ts", "/a12.ts", "wrong_path"),
        ("https://media.example.org/a?.ts", "/a?.ts", "valid"),
        ("https://media.example.org/a?b=1", "/a?b=1", "valid"),
        ("https://media.example.org/a?b=1", "/axb=1", "valid"),
        ("https://media.example.org/a?b=1", "/a?b=2", "wrong_path"),
        ("https://media.example.org/a?b=*", "/a?b=2&c=3", "valid"),
        ("https://media.example.org/a?b=*", "/a", "wrong_path"),
        ("https://media.example.org/a?b=*", "/a?c=2", "wrong_path"),
        (r"https://media.example.org/a\?b=?", "/a?b=2", "valid"),
        (r"https://media.example.org/a\?b=?", "/a?b=22", "wrong_path"),
        (r"https://media.example.org/a\?b=?", "/axb=2", "wrong_path"),
        (r"https://media.example.org/a?\?b=?", "/ax?b=2", "valid"),
        (r"https://media.example.org/a\?b\?c", "/a?b?c", "valid"),
        (r"https://media.example.org/a\?b\?c", "/a?bxc", "wrong_path"),
        (r"https://media.example.org/*\?*", "/a?b", "valid"),
        (r"https://media.example.org/*\?*", "/a", "wrong_path"),
        (r"https://media.example.org/a*\?b=1", "/a2?b=1", "valid"),
        (
            r"https://media.example.org/a*\?b=1",
            "/a2?b=2",
            "wrong_path",
        ),
        ("https://media.example.org*", "/a/b?c", "valid"),
        ("https://media.*", "/a/b?c", "valid"),
        ("https://media.example.org", "/", "wrong_path"),
        ("https://*.example.org/a", "/a", "valid"),
        ("https://*/a", "/a", "valid"),
        ("https://m*a.example.org/a", "/a", "valid"),
        ("https://media?example.org/a", "/a", "valid"),
        ("https://media?example.org/a", "/b", "wrong_path"),
        ("https://*.example.com/a", "/a", "wrong_path"),
        ("https://media.*/a", "/b/a", "wrong_path"),
        ("https://media.example.org:*/a", "/a", "wrong_path"),
        ("*://media.example.org/a", "/a", "valid"),
        ("*media.example.org/a", "/a", "valid"),
        ("*/a", "/a", "valid"),
        ("*/a", "/b/a", "wrong_path"),
        ("http://media.example.org/*", "/a", "wrong_path"),
        ("http*://media.example.org/*", "/a", "wrong_path"),
        ("http?://media.example.org/*", "/a", "wrong_path"),
        ("htt*://media.example.org/*", "/a", "wrong_path"),
        ("HTTPS://media.example.org/*", "/a", "wrong_path"),
        ("media.example.org/*", "/a", "wrong_path"),
        ("//media.example.org/*", "/a", "wrong_path"),
        ("/a", "/a", "wrong_path"),
        ("", "/a", "wrong_path"),
        ("*?", "/a", "wrong_path"),
        ("**", "/a?b", "valid"),
        ("https://media.example.org/**a**", "/a?b", "valid"),
        ("https://media.example.org/a/../*", "/a/x", "wrong_path"),
    ] {
        assert_eq!(covers(resource, target), expected, "{resource} {target}");
    }
}

#[test]
fn the_documentation_s_mark_is_read_however_it_is_spelled() {
    let reason = |resource: &str, target: &str| {
        let text = custom_text("RESOURCE", "").replace("RESOURCE", resource);
        reason(&Parameters::custom(text).target(target))
    };
    for resource in [
        r"https://media.example.org/a\?b=*",
        r"https://media.example.org/a\\?b=*",
        r"https://media.example.org/a\u005c?b=*",
        r"https:\/\/media.example.org\/a\?b=*",
    ] {
        assert_eq!(reason(resource, "/a?b=1"), "valid", "{resource}");
        assert_eq!(reason(resource, "/axb=1"), "wrong_path", "{resource}");
    }
    // No other escapes that JSON does not have.
    for resource in [r"\*", r"a\.b", r"a\", r"a\??\*"] {
        assert_eq!(reason(resource, "/a"), "token_malformed", "{resource}");
    }
}

#[test]
fn http_with_a_wildcard_stands_for_both_schemes_where_the_key_says_so() {
    let pem = ec_pem();
    let reason = |parameters: &str, resource: &str, origin: &'static str| {
        let target = Parameters::custom(custom_text(resource, "")).target("/a");
        let policy = policy_of(&[(&pem, parameters)]);
        let mut viewer = Viewer {
            origin: Some(origin),
            ..Viewer::default()
        };
        viewer.asks(&target, &policy, NOW).reason()
    };
    let resource = "http*://media.example.org/*";
    for origin in [ORIGIN, "http://media.example.org"] {
        assert_eq!(reason("id=KE", resource, origin), "wrong_path");
        assert_eq!(reason("id=KE any_http", resource, origin), "valid");
        for other in [
            "http*://other.example/*",
            "htt*://media.example.org/*",
            "http**://*",
        ] {
            let reason = reason("id=KE any_http", other, origin);
            assert_eq!(reason, "wrong_path", "{other}");
        }
    }
}

#[test]
fn what_would_be_served_is_what_the_url_names() {
    for path in ["/a/../b", "/%2e%2e/b", "/a/.", "/b%00", "/a%2f..%2fb"] {
        let canned = Parameters::canned(&url(path)).target(path);
        let custom = Parameters::custom(custom_text(&url(path), "")).target(path);
        let wide = Parameters::custom(custom_text("*", "")).target(path);
        for target in [canned, custom, wide] {
            assert_eq!(reason(&target), "unsafe_path", "{target}");
        }
        let cookies = Parameters::custom(custom_text("*", "")).cookies();
        assert_eq!(reason_with_cookies(path, &cookies), "unsafe_path");
    }
    for target in ["/a#b", "/a?b#c"] {
        let signed = Parameters::canned(&url(target)).target(target);
        assert_eq!(reason(&signed), "unsafe_path", "{target}");
        let before = Parameters::canned(&url("/a")).target("/a");
        assert_eq!(reason(&format!("{before}#b")), "unsafe_path");
    }
}

#[test]
fn a_path_that_can_be_read_in_several_ways_needs_its_own_signature() {
    let everything = format!(
        r#"{{"Statement":[{{"Condition":{{"DateLessThan":{{"AWS:EpochTime":{END}}}}}}}]}}"#
    );
    for path in [
        "/a//b", "//a", "/a%2Fb", "/a%2fb", "/a\\b", "/a%5Cb", "/a%5cb",
    ] {
        let canned = Parameters::canned(&url(path)).target(path);
        assert_eq!(reason(&canned), "valid", "{path}");
        assert_eq!(covers(&url(path), path), "valid", "{path}");
        let own = format!("{path}?x=1");
        assert_eq!(covers(&url(&own), &own), "valid", "{path}");
        for resource in [
            "*",
            "https://media.example.org/*",
            "https://media.example.org*",
            "*://media.example.org/*b",
            "*/*",
            &format!("*://media.example.org{path}"),
            &format!("https://MEDIA.example.org{path}"),
            &format!("{}*", url(path)),
        ] {
            let expected = match resource.ends_with('b') && !path.ends_with('b') {
                true => "wrong_path",
                false => "unsafe_path",
            };
            assert_eq!(covers(resource, path), expected, "{resource} {path}");
        }
        let any = Parameters::custom(&everything).target(path);
        assert_eq!(reason(&any), "unsafe_path", "{path}");
        // Not covered at all.
        assert_eq!(covers("https://media.example.org/x*", path), "wrong_path");
    }
    // In the query it is nobody's business.
    assert_eq!(covers("*", "/a?b=//c%2F\\"), "valid");
}

#[test]
fn other_credentials_count_beside_it() {
    let sources = |first: bool| {
        let mut sources = vec![Source::CloudFrontUrl, Source::CloudFrontCookies];
        let token = Source::parse("arg:token").unwrap();
        sources.insert(if first { 0 } else { 2 }, token);
        sources
    };
    let policy = |first| {
        let mut policy = policy();
        policy
            .keys
            .extend(common::keys(common::SECRET, "id=django"));
        policy
            .keys
            .extend(common::keys(JWT_SECRET, "format=jwt id=jwt"));
        policy.sources = sources(first);
        policy
    };
    let django = format!("token={}", common::mint("/a", &common::base62(NOW as u64)));
    let jwt = mint_jwt(r#"{"alg":"HS256"}"#, r#"{"exp":1700000060,"path":"/a"}"#);
    let jwt = format!("token={jwt}");
    let stale = format!(
        "token={}",
        common::mint("/a", &common::base62(NOW as u64 - 500))
    );
    let wide = Parameters::custom(custom_text("*", ""));
    let decide = |target: &str, cookies: &str, first: bool| {
        let policy = policy(first);
        let cookies = Cookies(cookies.to_owned());
        match Viewer::default().asks_with(target, &cookies, &policy, NOW) {
            Decision::Granted(grant) => grant.key_id.unwrap().to_owned(),
            Decision::Refused(refusal) => refusal.reason.as_str().to_owned(),
        }
    };
    let forged = wide.clone().with("Policy", "e30_");
    for first in [true, false] {
        let decide = |target: &str, cookies: &str| decide(target, cookies, first);
        assert_eq!(decide(&wide.target("/a"), ""), "KE");
        assert_eq!(decide(&format!("/a?{django}"), ""), "django");
        assert_eq!(decide(&format!("/a?{jwt}"), ""), "jwt");
        assert_eq!(decide(&format!("/a?{stale}"), &wide.cookies()), "KE");
        assert_eq!(decide(&wide.target(&format!("/a?{stale}")), ""), "KE");
        assert_eq!(
            decide(&forged.target(&format!("/a?{django}")), ""),
            "django"
        );
        assert_eq!(decide(&forged.target(&format!("/a?{jwt}")), ""), "jwt");
        // Of two that do not hold, the source that is named first gives the reason.
        let both = forged.target(&format!("/a?{stale}"));
        let reason = match first {
            true => "token_expired",
            false => "bad_signature",
        };
        assert_eq!(decide(&both, ""), reason);
        // An argument that holds another credential is one of the URL's own.
        let own = format!("/a?{stale}");
        let canned = Parameters::canned(&url(&own));
        assert_eq!(decide(&canned.target(&own), ""), "KE");
        let canned = Parameters::canned(&url("/a"));
        assert_eq!(decide(&canned.target(&own), ""), reason);
    }
}

#[test]
fn of_the_four_signatures_that_are_computed_one_is_kept_for_it() {
    let wide = Parameters::custom(custom_text("*", ""));
    let forged = wide.clone().with("Policy", "e30_");
    let token = mint_jwt(r#"{"alg":"HS256"}"#, r#"{"exp":1700000060,"path":"/*"}"#);
    let target = format!("/a?token={token}");
    // So many keys that do not fit, and perhaps one that does.
    let reason = |target: &str, others: usize, has_own: bool| {
        let mut policy = policy();
        let other: &[u8] = b"another-secret-of-an-application-that-mints";
        let secrets = [other].repeat(others).into_iter();
        for secret in secrets.chain(has_own.then_some(JWT_SECRET)) {
            policy.keys.extend(common::keys(secret, "format=jwt"));
        }
        policy
            .sources
            .insert(0, Source::parse("arg:token").unwrap());
        ask(target, &policy)
    };
    for others in [0, 3, 4, 9] {
        assert_eq!(reason(&wide.target(&target), others, false), "valid");
    }
    assert_eq!(reason(&target, 3, true), "valid");
    assert_eq!(reason(&target, 4, true), "bad_signature");
    assert_eq!(reason(&forged.target(&target), 2, true), "valid");
    assert_eq!(reason(&forged.target(&target), 3, true), "bad_signature");
}

#[test]
fn without_memory_nothing_is_decided() {
    let policy = policy();
    for signed in [
        Parameters::canned(&url("/a")).with("Key-Pair-Id", "K%45"),
        Parameters::custom(custom_text(r"https://media.example.org/*\?*", "")),
        Parameters::custom(custom_text("*", "")).with("Hash-Algorithm", "SHA%3256"),
    ] {
        let target = signed.target("/a?b");
        let mut memory = vec![0; 4096];
        let mut decide = |len: usize| {
            let view = RequestView::new(target.as_bytes());
            let carried = take(&view, &policy.sources);
            let mut env = Fixed::new(&mut memory[..len]);
            env.origin = Some(ORIGIN.as_bytes());
            decide(&view, &carried, &policy, NOW, &mut env).map(|decision| decision.reason())
        };
        let decided: Vec<_> = (0..2048).map(&mut decide).collect();
        let first = decided.iter().position(Result::is_ok).unwrap();
        assert!(first > 100);
        let (before, behind) = decided.split_at(first);
        assert!(before.iter().all(|decided| *decided == Err(OutOfMemory)));
        let enough = decide(4096);
        assert!(behind.iter().all(|decided| *decided == enough));
        assert!(matches!(
            enough,
            Ok("valid" | "wrong_path" | "bad_signature")
        ));
    }
}

#[test]
fn all_five_are_taken_out_and_nothing_else() {
    let sources = policy().sources;
    let clean = |target: &str| {
        let view = RequestView::new(target.as_bytes());
        let clean = clean_target(&view, &sources).collect::<Vec<_>>().concat();
        String::from_utf8(clean).unwrap()
    };
    let all = "Expires=1&Policy=2&Signature=3&Key-Pair-Id=4&Hash-Algorithm=5";
    assert_eq!(clean(&format!("/a?{all}")), "/a");
    assert_eq!(clean(&format!("/a?x=1&{all}&y")), "/a?x=1&y");
    assert_eq!(clean(&format!("/a?{all}&{all}")), "/a");
    assert_eq!(clean("/a?b=%20&Expir%65s=1&&c"), "/a?b=%20&&c");
    let own = "/a?expires=1&Policy2=2&CloudFront-Signature=3&token=4&=Expires";
    assert_eq!(clean(own), own);

    let masked = |line: &str| {
        let line = masked_request_line(line.as_bytes(), &sources);
        String::from_utf8(line.collect::<Vec<_>>().concat()).unwrap()
    };
    assert_eq!(
        masked(&format!("GET /a?x=1&{all}&y=2 HTTP/1.1")),
        "GET /a?x=1&Expires=***&Policy=***&Signature=***&Key-Pair-Id=***&Hash-Algorithm=***&y=2 HTTP/1.1"
    );

    let cleaned = |line: &str| {
        let line = clean_line(b"cookie", line.as_bytes(), &sources);
        line.map(|line| String::from_utf8(line.collect::<Vec<_>>().concat()).unwrap())
    };
    let signed = Parameters::custom("x").with("Expires", "1").cookies();
    assert_eq!(cleaned(&signed).as_deref(), Some(""));
    let among = format!("a=1; {signed}; b=\"2\";c=3");
    assert_eq!(cleaned(&among).as_deref(), Some("a=1; b=\"2\";c=3"));
    assert_eq!(cleaned("CloudFront-Other=1; Policy=2"), None);
}

#[test]
fn one_parameter_is_cut_out_as_several_are() {
    let sources = policy().sources;
    for (target, parts) in [
        ("/a?Expires=1", Some(["/a", ""])),
        ("/a?x&Expir%65s=1", Some(["/a?x", ""])),
        ("/a?Expires=1&x", Some(["/a?", "x"])),
        ("/a?Expires=1&Policy=2", None),
        ("/a?x", None),
    ] {
        let view = RequestView::new(target.as_bytes());
        let carried = take(&view, &sources);
        let parts = parts.map(|parts| parts.map(str::as_bytes));
        assert_eq!(carried.clean_parts(&view), parts, "{target}");
        let line = format!("GET {target} HTTP/1.1").into_bytes();
        let view = RequestView::new(&line[4..4 + target.len()]);
        let carried = take(&view, &sources);
        if let Some(masked) = carried.masked_parts(&view, &line) {
            let expected = masked_request_line(&line, &sources);
            assert_eq!(masked.concat(), expected.collect::<Vec<_>>().concat());
        }
    }
}

#[test]
fn neither_logs_nor_debug_output_show_a_credential() {
    let signed = Parameters::custom(custom_text("https://media.example.org/secret/*", ""));
    let policy = policy();
    for (target, cookies) in [
        (signed.target("/secret/a"), String::new()),
        ("/secret/a".to_owned(), signed.cookies()),
        (signed.target("/other"), String::new()),
        (
            signed.clone().with("Policy", "e30_").target("/a"),
            String::new(),
        ),
    ] {
        let cookies = Cookies(cookies);
        let mut viewer = Viewer::default();
        viewer.asks_with(&target, &cookies, &policy, NOW);
        assert!(!viewer.steps.is_empty());
        let view = RequestView::new(target.as_bytes());
        let carried = take_with(&view, &&cookies, &policy.sources);
        assert!(!carried.is_empty());
        assert_eq!(carried.in_url(), cookies.0.is_empty());
        let debugged = format!("{carried:?}");
        assert!(!debugged.contains("/secret/"), "{debugged}");
        for shown in [viewer.steps, debugged] {
            for (name, value) in &signed.0 {
                let is_secret = matches!(*name, "Policy" | "Signature");
                assert!(!is_secret || !shown.contains(value), "{shown}");
            }
        }
    }
}

/// Counts how often it is asked for the site's name and for memory.
struct Counting(Viewer, usize);

impl<'a> Env<'a> for Counting {
    fn listens(&self) -> bool {
        false
    }

    fn trace(&mut self, _step: fmt::Arguments<'_>) {
        panic!("nobody listens");
    }

    fn allocate(&mut self, len: usize) -> Option<&'a mut [u8]> {
        self.1 += len;
        self.0.allocate(len)
    }

    fn method(&self) -> &[u8] {
        b"GET"
    }

    fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    fn origin(&mut self) -> Option<&'a [u8]> {
        self.0.origin()
    }
}

#[test]
fn the_memory_is_bounded_by_the_sizes_of_the_request() {
    let policy = policy();
    let filler = "x".repeat(4000);
    let cheap = Parameters::custom(custom_text("*", ""));
    for signed in [
        cheap.clone(),
        cheap.clone().with("Policy", &"%41".repeat(1365)),
        cheap.with("Signature", &"%41".repeat(1365)),
    ] {
        let target = signed.target(&format!("/{filler}"));
        let view = RequestView::new(target.as_bytes());
        let carried = take(&view, &policy.sources);
        let mut env = Counting(Viewer::default(), 0);
        decide(&view, &carried, &policy, NOW, &mut env).unwrap();
        // The URL once, and each text decoded from percent-escapes and from base64.
        assert!(env.1 <= target.len() + ORIGIN.len() + target.len() * 2);
    }
}
