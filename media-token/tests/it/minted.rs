//! The tokens that the module makes itself: what they say, and that nothing else is one.
//! Made here by hand, from the documentation and not from the crate.

use crate::common::{self, Cookies, JWT_SECRET, Viewer, sign_jwt};
use crate::hand_over::{Elsewhere, NOW, Site, jwt, none};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use media_token::{
    Decision, Fixed, KeyError, KeyOptions, OutOfMemory, RequestView, decide, take_with,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

pub const MINT_SECRET: &[u8] = b"a-secret-of-this-media-site-that-mints-cookies";

const HEADER: &[u8] = br#"{"alg":"HS256","typ":"crossdomain-media+jwt"}"#;
const AUDIENCE: &str = "__Secure-media https://media.example.org";

/// The longest token that is made.
const MAX_LEN: usize = 3072;

fn hs256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

/// A token with these claims, which the minting key has signed.
fn forge(claims: &str) -> String {
    sign_jwt(HEADER, claims.as_bytes(), |message| {
        hs256(MINT_SECRET, message)
    })
}

/// `NAME=VALUE` of a `Set-Cookie`.
pub fn value_of(cookie: &str) -> &str {
    cookie.split(';').next().unwrap()
}

/// What a minted token in a `Set-Cookie` says; its signature is looked at.
pub fn claims_of(cookie: &str) -> Value {
    let token = value_of(cookie).split_once('=').unwrap().1;
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    assert_eq!(decode(header), HEADER);
    assert_eq!(decode(signature), hs256(MINT_SECRET, message.as_bytes()));
    serde_json::from_slice(&decode(claims)).unwrap()
}

fn claims() -> Value {
    json!({"aud": AUDIENCE, "exp": NOW + 60, "iat": NOW, "path": "/a/"})
}

fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    claims.to_string()
}

fn site() -> Site {
    Site::new("media max_age=600")
}

fn cookie(token: &str) -> String {
    format!("__Secure-media={token}")
}

/// What is decided about a request for a file of the folder.
fn reason(claims: &str) -> &'static str {
    reason_at("/a/1.ts", claims, NOW)
}

fn reason_at(path: &str, claims: &str, now: i64) -> &'static str {
    site().goes_on(path, &cookie(&forge(claims)), now).0
}

fn error(file: &[u8], parameters: &str) -> String {
    let options = KeyOptions::parse(parameters.split_whitespace(), |_| None);
    let error: KeyError = match options {
        Ok(options) => media_token::Key::read(file, &options).unwrap_err(),
        Err(error) => error,
    };
    error.to_string()
}

#[test]
fn a_minting_key_is_a_secret_and_nothing_else() {
    let mint = "format=jwt use=mint";
    let no_secret = "expected a secret, as \"use=mint\" signs with it";
    let pem = crate::cloudfront_signer::ec_pem();
    assert_eq!(error(&pem, mint), no_secret);
    let private = b"-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n";
    assert_eq!(error(private, mint), no_secret);
    assert_eq!(
        error(br#"{"kty":"oct","k":"AAAA","alg":"HS256"}"#, mint),
        no_secret
    );
    assert_eq!(error(br#"{"keys":[]}"#, mint), no_secret);
    let public =
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9yI3Hdv9FQwlhVKUQM3nYgCuyp9Tn5WVkEmYAkKJyM a@b";
    assert!(error(public, mint).starts_with("looks like a public key"));
    assert_eq!(error(b"", mint), "empty");
    assert_eq!(error(b"\n", mint), "empty");
    assert_eq!(
        error(&[b'x'; 31], mint),
        "31 bytes, HS256 needs at least 32"
    );
    assert_eq!(
        error(&[b'x'; 32], &format!("{mint} encoding=hex")),
        "not valid hex"
    );
    assert_eq!(
        error(&[b'a'; 62], &format!("{mint} encoding=hex")),
        "31 bytes, HS256 needs at least 32"
    );
    for (parameter, name) in [
        ("path=raw", "path="),
        ("alg=HS256", "alg="),
        ("path_claim=sub", "path_claim="),
        ("aud=x", "aud="),
    ] {
        for parameters in [format!("{mint} {parameter}"), format!("{parameter} {mint}")] {
            assert_eq!(
                error(MINT_SECRET, &parameters),
                format!("\"{name}\" has no effect with \"use=mint\"")
            );
        }
    }
    for value in ["use=", "use=sign", "use=Mint"] {
        assert_eq!(
            error(MINT_SECRET, &format!("format=jwt {value}")),
            format!("\"{value}\": expected mint")
        );
    }
    assert_eq!(
        error(MINT_SECRET, "format=jwt use=mint use=mint"),
        "\"use\" is given twice"
    );
    for parameters in [mint, "id=m encoding=raw use=mint format=jwt"] {
        let keys = common::keys(&[b'x'; 32], parameters);
        assert!(keys.iter().all(|key| key.mints()) && keys.len() == 1);
        assert!(keys[0].sources().is_empty());
    }
}

#[test]
fn a_minting_key_verifies_nothing_that_an_application_signs() {
    let keys = common::keys(MINT_SECRET, "format=jwt use=mint id=mint");
    let site = Site::with("media max_age=600", &["arg:token"], keys);
    let claims = format!(r#"{{"exp":{},"path":"/*"}}"#, NOW + 60);
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"mint"}"#,
        r#"{"typ":"crossdomain-media+jwt","alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"crossdomain-media+jwt" }"#,
        r#"{"alg":"none","typ":"crossdomain-media+jwt"}"#,
    ] {
        let token = sign_jwt(header.as_bytes(), claims.as_bytes(), |message| {
            hs256(MINT_SECRET, message)
        });
        for (target, line) in [
            (format!("/a?token={token}"), String::new()),
            ("/a".to_owned(), cookie(&token)),
        ] {
            assert_eq!(
                site.goes_on(&target, &line, NOW).0,
                "token_malformed",
                "{header}"
            );
        }
    }
}

#[test]
fn what_is_minted_says_what_was_granted() {
    let target = |more: &str| {
        let claims = format!(r#"{{"exp":{},"path":"/a/*"{more}}}"#, NOW + 60);
        format!("/a/b/1.ts?token={}", jwt(&claims))
    };
    let minted = site().sets_one(&target(""), NOW);
    assert_eq!(
        claims_of(&minted),
        json!({"aud": AUDIENCE, "exp": NOW + 600, "iat": NOW, "path": "/a/"})
    );
    let minted = site().sets_one(&target(r#","sub":"alice""#), NOW);
    assert_eq!(
        claims_of(&minted),
        json!({"aud": AUDIENCE, "exp": NOW + 600, "iat": NOW, "path": "/a/", "sub": "alice"})
    );
}

#[test]
fn the_hand_made_token_is_the_one_that_is_granted() {
    let site = site();
    let line = Cookies(cookie(&forge(&with("sub", json!("alice")))));
    let (decision, cookies) = site.asks(&mut Viewer::default(), "/a/1.ts", &line, NOW);
    let Decision::Granted(grant) = decision else {
        panic!("{decision:?}");
    };
    // The one that vouched for the first token, which had no id.
    assert_eq!(grant.key_id, None);
    assert_eq!(grant.subject, Some("alice"));
    assert_eq!((grant.expires, grant.began), (NOW + 60, Some(NOW)));
    assert_eq!(grant.age, None);
    assert_eq!(grant.folder.unwrap().len, 3);
    // Sixty of 600 seconds are left.
    assert_eq!(claims_of(&cookies[0])["exp"], NOW + 600);
}

#[test]
fn no_byte_of_a_token_may_be_another() {
    let site = site();
    let token = forge(&claims().to_string());
    assert_eq!(site.goes_on("/a/1.ts", &cookie(&token), NOW).0, "valid");
    for place in 0..token.len() {
        for change in [1, 2, 4, 8, 16, 32] {
            let mut bytes = token.clone().into_bytes();
            bytes[place] ^= change;
            if !bytes[place].is_ascii_graphic() || bytes[place] == b';' {
                continue;
            }
            let changed = String::from_utf8(bytes).unwrap();
            let (reason, cookies) = site.goes_on("/a/1.ts", &cookie(&changed), NOW);
            assert!(
                matches!(reason, "token_malformed" | "bad_signature" | "unknown_key"),
                "{place}: {reason}"
            );
            assert!(cookies.is_empty());
        }
        let shorter = format!("{}{}", &token[..place], &token[place + 1..]);
        assert_ne!(
            site.goes_on("/a/1.ts", &cookie(&shorter), NOW).0,
            "valid",
            "{place}"
        );
        let cut = &token[..place];
        assert_ne!(
            site.goes_on("/a/1.ts", &cookie(cut), NOW).0,
            "valid",
            "{place}"
        );
        let longer = format!("{}A{}", &token[..place], &token[place..]);
        assert_ne!(
            site.goes_on("/a/1.ts", &cookie(&longer), NOW).0,
            "valid",
            "{place}"
        );
        let escaped = format!(
            "{}%{:02X}{}",
            &token[..place],
            token.as_bytes()[place],
            &token[place + 1..]
        );
        assert_ne!(
            site.goes_on("/a/1.ts", &cookie(&escaped), NOW).0,
            "valid",
            "{place}"
        );
    }
    assert_ne!(
        site.goes_on("/a/1.ts", &cookie(&format!("{token}=")), NOW)
            .0,
        "valid"
    );
}

#[test]
fn a_minted_token_counts_in_its_own_cookie_only() {
    let token = forge(&claims().to_string());
    // Also not where the application's key is the minting one by mistake.
    for secret in [JWT_SECRET, MINT_SECRET] {
        let keys = || {
            let keys = [
                common::keys(common::SECRET, ""),
                common::keys(secret, "format=jwt"),
                common::keys(MINT_SECRET, "format=jwt use=mint"),
            ];
            keys.concat()
        };
        for (source, target, fields) in [
            (
                "arg:token",
                format!("/a/1.ts?token={token}"),
                Elsewhere::Line("X", String::new()),
            ),
            (
                "cookie:t",
                "/a/1.ts".into(),
                Elsewhere::Line("Cookie", format!("t={token}")),
            ),
            (
                "cookie:media",
                "/a/1.ts".into(),
                Elsewhere::Line("Cookie", format!("media={token}")),
            ),
            (
                "header:X-T",
                "/a/1.ts".into(),
                Elsewhere::Line("X-T", token.clone()),
            ),
            (
                "header:Authorization",
                "/a/1.ts".into(),
                Elsewhere::Line("Authorization", format!("Bearer {token}")),
            ),
            (
                "path:~",
                "/a/1.ts".into(),
                Elsewhere::Segment(token.clone()),
            ),
        ] {
            let site = Site::with("media", &[source], keys());
            let (decision, _) = site.asks(&mut Viewer::default(), &target, &fields, NOW);
            let expected = match secret == MINT_SECRET {
                true => "wrong_audience",
                false => "bad_signature",
            };
            assert_eq!(decision.reason(), expected, "{source}");
        }
        // Nor in the cookie of another name, nor where there is no such cookie.
        let site = Site::with("other", &["arg:token"], keys());
        let line = format!("__Secure-other={token}; {}", cookie(&token));
        assert_eq!(site.goes_on("/a/1.ts", &line, NOW).0, "wrong_audience");
        assert_eq!(site.goes_on("/a/1.ts", &cookie(&token), NOW).0, "no_token");
    }
}

#[test]
fn a_token_is_for_the_site_that_it_was_minted_at() {
    let site = site();
    let at = |origin, line: &str| {
        let mut viewer = Viewer {
            origin,
            ..Viewer::default()
        };
        let cookies = Cookies(line.to_owned());
        site.asks(&mut viewer, "/a/1.ts", &cookies, NOW).0.reason()
    };
    let known = cookie(&forge(&claims().to_string()));
    let unknown = cookie(&forge(&with("aud", json!("__Secure-media "))));
    assert_eq!(at(Some("https://media.example.org"), &known), "valid");
    for origin in [
        None,
        Some("http://media.example.org"),
        Some("https://media.example.org:8443"),
        Some("https://media.example.or"),
        Some(""),
    ] {
        assert_eq!(at(origin, &known), "wrong_audience", "{origin:?}");
    }
    for origin in [None, Some("https://media.example.org")] {
        assert_eq!(at(origin, &unknown), "wrong_audience", "{origin:?}");
    }
    // Where the site does not know its name, the application's token is handed over.
    let mut nameless = Viewer {
        origin: None,
        ..Viewer::default()
    };
    let token = jwt(&format!(r#"{{"exp":{},"path":"/a/*"}}"#, NOW + 60));
    let target = format!("/a/1.ts?token={token}");
    let (_, cookies) = site.asks(&mut nameless, &target, &none(), NOW);
    assert_eq!(value_of(&cookies[0]), cookie(&token));
    for audience in [
        "",
        "__Secure-media",
        "https://media.example.org",
        "media https://media.example.org",
    ] {
        assert_eq!(
            reason(&with("aud", json!(audience))),
            "wrong_audience",
            "{audience}"
        );
    }
}

#[test]
fn a_token_ends_at_exp_and_leeway_does_not_lengthen_it() {
    let mut site = site();
    site.policy.leeway = 3600;
    let line = cookie(&forge(&claims().to_string()));
    assert_eq!(site.goes_on("/a/1.ts", &line, NOW + 59).0, "valid");
    for now in [NOW + 60, NOW + 61, i64::MAX] {
        assert_eq!(
            site.goes_on("/a/1.ts", &line, now).0,
            "token_expired",
            "{now}"
        );
    }
    for (exp, now, expected) in [
        (i64::MAX, i64::MAX - 1, "valid"),
        (i64::MAX, i64::MAX, "token_expired"),
        (i64::MIN, i64::MIN, "token_expired"),
        (0, -1, "valid"),
        (0, 0, "token_expired"),
    ] {
        assert_eq!(
            reason_at("/a/1.ts", &with("exp", json!(exp)), now),
            expected,
            "{exp} {now}"
        );
    }
    for iat in [i64::MIN, i64::MAX] {
        assert_eq!(reason(&with("iat", json!(iat))), "valid");
    }
}

#[test]
fn what_ended_is_expired_and_who_signed_it_is_named() {
    let site = site();
    let line = Cookies(cookie(&forge(&claims().to_string())));
    let (decision, _) = site.asks(&mut Viewer::default(), "/a/1.ts", &line, NOW + 60);
    let Decision::Refused(refusal) = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(
        (refusal.key_id, decision.status().as_str()),
        (Some("mint"), "expired")
    );
}

#[test]
fn it_covers_its_folder_as_that_is_spelled() {
    for (folder, direct, path, expected) in [
        ("/a/", false, "/a/1.ts", "valid"),
        ("/a/", false, "/a/", "valid"),
        ("/a/", false, "/a/b/c/1.ts", "valid"),
        ("/a/", false, "/a/%62", "valid"),
        ("/", false, "/a", "valid"),
        ("/", false, "", "valid"),
        ("/", true, "/a", "valid"),
        ("/a/", true, "/a/1.ts", "valid"),
        ("/a/", true, "/a/b/1.ts", "wrong_path"),
        ("/a/", true, "/a/b/", "wrong_path"),
        ("/a/", false, "/a", "wrong_path"),
        ("/a/", false, "/ab/1.ts", "wrong_path"),
        ("/a/", false, "/b/a/1.ts", "wrong_path"),
        ("/a/", false, "/A/1.ts", "wrong_path"),
        ("/a/", false, "/%61/1.ts", "wrong_path"),
        ("/%61/", false, "/a/1.ts", "wrong_path"),
        // A folder has a slash at its end.
        ("/a", false, "/a/1.ts", "wrong_path"),
        ("/a/1.ts", false, "/a/1.ts", "wrong_path"),
        ("", false, "/a/1.ts", "wrong_path"),
        ("a/", false, "/a/1.ts", "wrong_path"),
        // What can be read in several ways.
        ("/a/", false, "/a/b%2Fc", "unsafe_path"),
        ("/a/", false, "/a//c", "unsafe_path"),
        ("/a/", false, "/a/b%5Cc", "unsafe_path"),
        ("/a/", false, "/a/../b", "unsafe_path"),
        ("/a/", false, "/a/%2e%2E/b", "unsafe_path"),
        ("/a/", false, "/a/b%00", "unsafe_path"),
        ("/a/", false, "/a/b#c", "unsafe_path"),
        ("/a//", false, "/a//c", "unsafe_path"),
    ] {
        let mut claims = claims();
        claims["path"] = json!(folder);
        if direct {
            claims["direct"] = json!(true);
        }
        assert_eq!(
            reason_at(path, &claims.to_string(), NOW),
            expected,
            "{folder} {path}"
        );
    }
}

#[test]
fn claims_of_another_kind_are_malformed_even_when_signed() {
    assert_eq!(reason(&claims().to_string()), "valid");
    for missing in ["aud", "exp", "iat", "path"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(missing);
        assert_eq!(reason(&claims.to_string()), "token_malformed", "{missing}");
    }
    for (name, value) in [
        ("nbf", json!(1)),
        ("method", json!("GET")),
        ("ip", json!("192.0.2.7")),
        ("x", json!(null)),
        ("exp", json!(1.5e9)),
        ("exp", json!("1800000000")),
        ("exp", json!(9_223_372_036_854_775_808_u64)),
        ("path", json!(["/a/"])),
        ("path", json!(null)),
        ("direct", json!(1)),
        ("sub", json!(7)),
        ("aud", json!([AUDIENCE])),
    ] {
        assert_eq!(
            reason(&with(name, value.clone())),
            "token_malformed",
            "{name} {value}"
        );
    }
    let twice = claims().to_string().replacen('{', r#"{"path":"/b/","#, 1);
    for text in ["", "null", "[]", "{}", &twice] {
        assert_eq!(reason(text), "token_malformed", "{text}");
    }
    let behind = format!("{} x", claims());
    assert_eq!(reason(&behind), "token_malformed");
}

#[test]
fn a_subject_comes_back_as_it_was() {
    let site = site();
    for subject in [
        "",
        "alice",
        "\"alice\"",
        "a\\b",
        "a/b;c=d, e",
        "\u{e9}\u{1f600}\u{202e}",
        &"\"".repeat(200),
    ] {
        let claims = json!({"exp": NOW + 60, "path": "/a/*", "sub": subject});
        let target = format!("/a/1?token={}", jwt(&claims.to_string()));
        let minted = site.sets_one(&target, NOW);
        let line = Cookies(value_of(&minted).to_owned());
        for now in [NOW, NOW + 400] {
            let (decision, cookies) = site.asks(&mut Viewer::default(), "/a/2", &line, now);
            let Decision::Granted(grant) = decision else {
                panic!("{decision:?}");
            };
            assert_eq!(grant.subject, Some(subject));
            for cookie in cookies {
                assert_eq!(claims_of(&cookie)["sub"], subject);
            }
        }
    }
    // One that would be a line of a log never comes so far.
    let claims = json!({"exp": NOW + 60, "path": "/a/*", "sub": "a\nb"});
    let target = format!("/a/1?token={}", jwt(&claims.to_string()));
    assert_eq!(site.goes_on(&target, "", NOW).0, "token_malformed");
}

/// The first length for which this does not hold any more.
fn first_not(holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, 3000);
    while low < high {
        let middle = (low + high) / 2;
        match holds(middle) {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    low
}

#[test]
fn what_would_be_longer_than_a_browser_keeps_is_not_made() {
    let site = site();
    // Otherwise the token is handed over as it is.
    let is_minted = |subject: usize, folder: usize| {
        let folder = format!("/{}/", "f".repeat(folder));
        let claims =
            json!({"exp": NOW + 60, "path": format!("{folder}*"), "sub": "s".repeat(subject)});
        let token = jwt(&claims.to_string());
        let minted = site.sets_one(&format!("{folder}1?token={token}"), NOW);
        let line = value_of(&minted);
        let (_, value) = line.split_once('=').unwrap();
        assert_eq!(site.goes_on(&format!("{folder}2"), line, NOW).0, "valid");
        assert!(value == token || value.len() <= MAX_LEN, "{}", value.len());
        value != token
    };
    for (longest, next) in [
        {
            let len = first_not(|len| is_minted(len, 1));
            (is_minted(len - 1, 1), is_minted(len, 1))
        },
        {
            let len = first_not(|len| is_minted(1, len));
            (is_minted(1, len - 1), is_minted(1, len))
        },
    ] {
        assert!(longest && !next);
    }
    // Nor is one read that somebody else has made so long.
    let long = |len: usize| forge(&with("sub", json!("s".repeat(len))));
    let len = first_not(|len| long(len).len() <= MAX_LEN);
    assert_eq!(
        site.goes_on("/a/1", &cookie(&long(len - 1)), NOW).0,
        "valid"
    );
    let reason = site.goes_on("/a/1", &cookie(&long(len)), NOW).0;
    assert_eq!(reason, "token_malformed");
}

#[test]
fn four_signatures_are_computed_and_no_more() {
    let good = cookie(&forge(&claims().to_string()));
    let forged = {
        let mut token = forge(&claims().to_string());
        let last = if token.pop() == Some('A') { 'Q' } else { 'A' };
        cookie(&format!("{token}{last}"))
    };
    let site = site();
    for (count, expected) in [
        (0, "valid"),
        (3, "valid"),
        (4, "bad_signature"),
        (9, "bad_signature"),
    ] {
        let mut line = vec![&*forged; count];
        line.push(&good);
        assert_eq!(
            site.goes_on("/a/1", &line.join("; "), NOW).0,
            expected,
            "{count}"
        );
    }
}

#[test]
fn without_memory_nothing_is_decided() {
    let site = site();
    let line = Cookies(cookie(&forge(&with("sub", json!("alice")))));
    let view = RequestView::new(b"/a/1");
    let carried = take_with(&view, &&line, &site.policy.sources);
    let decide = |len: usize| {
        let mut env = Fixed {
            origin: Some(b"https://media.example.org"),
            ..Fixed::new(vec![0; len].leak())
        };
        decide(&view, &carried, &site.policy, NOW, &mut env).map(|decision| decision.reason())
    };
    assert_eq!(decide(1024), Ok("valid"));
    let needed = (0..1024).find(|len| decide(*len).is_ok()).unwrap();
    assert!(needed > 100, "{needed}");
    for len in 0..needed {
        assert_eq!(decide(len), Err(OutOfMemory));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_is_granted_without_the_key(
        claims in "[A-Za-z0-9_-]{0,40}",
        signature in "([A-Za-z0-9_-]{43}|[A-Za-z0-9_.=%-]{0,50})",
        now in any::<i64>(),
    ) {
        let header = URL_SAFE_NO_PAD.encode(HEADER);
        let line = cookie(&format!("{header}.{claims}.{signature}"));
        prop_assert_ne!(site().goes_on("/a/1", &line, now).0, "valid");
    }

    #[test]
    fn what_is_minted_is_read_back(
        folder in "(/[a-z%!$&'()*+,=:@\"<>^`{|}~._-]{0,9}x){0,3}/",
        subject in prop::option::of("\\PC{0,20}"),
        life in 1_i64..600,
        now in 0..i64::MAX / 2,
    ) {
        let form = "path=raw";
        let keys = [
            common::keys(JWT_SECRET, &format!("format=jwt {form}")),
            common::keys(MINT_SECRET, "format=jwt use=mint"),
        ];
        let site = Site::with("media max_age=600", &["arg:token"], keys.concat());
        let mut claims = json!({"exp": now + life, "path": format!("{folder}*")});
        if let Some(subject) = &subject {
            claims["sub"] = json!(subject);
        }
        let target = format!("{folder}1?token={}", jwt(&claims.to_string()));
        let (decision, cookies) = site.asks(&mut Viewer::default(), &target, &none(), now);
        // Not where the folder is one that nothing wide covers.
        if decision.reason() == "valid" && life < 600 {
            prop_assert_eq!(cookies.len(), 1);
            let minted = claims_of(&cookies[0]);
            prop_assert_eq!(&minted["path"], &folder);
            prop_assert_eq!(&minted["exp"], now + 600);
            prop_assert_eq!(minted.get("sub").and_then(Value::as_str), subject.as_deref());
            let line = Cookies(value_of(&cookies[0]).to_owned());
            let (decision, _) = site.asks(&mut Viewer::default(), &format!("{folder}2"), &line, now + 599);
            let Decision::Granted(grant) = decision else {
                panic!("{decision:?}");
            };
            prop_assert_eq!(grant.subject, subject.as_deref());
            prop_assert_eq!((grant.expires, grant.began), (now + 600, Some(now)));
            crate::hand_over::assert_well_formed(cookies[0].as_bytes());
        }
    }
}

#[test]
fn a_token_holds_where_the_key_of_the_first_is_trusted() {
    let jwt_key = |id: &str| common::keys(JWT_SECRET, &format!("format=jwt id={id}"));
    let mint_key = || common::keys(MINT_SECRET, "format=jwt use=mint id=mint");
    let site = |ids: &[&str]| {
        let mut keys: Vec<_> = ids.iter().flat_map(|id| jwt_key(id)).collect();
        keys.extend(mint_key());
        Site::with("media max_age=600", &["arg:token"], keys)
    };
    let token = jwt(&json!({"exp": NOW + 60, "path": "/a/*"}).to_string());
    let first = site(&["one"]).sets_one(&format!("/a/1.ts?token={token}"), NOW);
    assert_eq!(claims_of(&first)["by"], "one");
    for (ids, reason) in [
        (&["one"][..], "valid"),
        (&["two", "one"], "valid"),
        (&["two"], "unknown_key"),
        // What only mints vouches for nothing.
        (&[], "unknown_key"),
    ] {
        let got = site(ids).goes_on("/a/2.ts", value_of(&first), NOW).0;
        assert_eq!(got, reason, "{ids:?}");
    }
    // And so does the next one of the chain.
    let (_, cookies) = site(&["two", "one"]).goes_on("/a/2.ts", value_of(&first), NOW + 400);
    assert_eq!(claims_of(&cookies[0])["by"], "one");
}

#[test]
fn of_several_minting_keys_the_first_signs_and_all_verify() {
    let keys = |secrets: &[&[u8]]| {
        let mut keys = common::keys(JWT_SECRET, "format=jwt");
        for secret in secrets {
            keys.extend(common::keys(secret, "format=jwt use=mint"));
        }
        Site::with("media max_age=600", &["arg:token"], keys)
    };
    let new: &[u8] = b"the-next-secret-of-this-site-to-mint-with";
    let token = jwt(&json!({"exp": NOW + 60, "path": "/a/*"}).to_string());
    let target = format!("/a/1.ts?token={token}");
    let old = keys(&[MINT_SECRET]).sets_one(&target, NOW);
    let goes_on =
        |secrets: &[&[u8]], cookie: &str| keys(secrets).goes_on("/a/2.ts", value_of(cookie), NOW).0;
    assert_eq!(goes_on(&[new, MINT_SECRET], &old), "valid");
    assert_eq!(goes_on(&[new], &old), "bad_signature");
    let next = keys(&[new, MINT_SECRET]).sets_one(&target, NOW);
    assert_eq!(goes_on(&[new], &next), "valid");
    assert_eq!(goes_on(&[MINT_SECRET], &next), "bad_signature");
}
