//! What a grant is handed over to: which cookies, for which folder, and how long. Each
//! test is named after its claim.

use crate::cloudfront_signer::{self, Parameters, custom_text};
use crate::common::{self, Cookies, JWT_SECRET, Viewer, mint_jwt};
use crate::minted::{MINT_SECRET, claims_of, value_of};
use crate::twin;

use media_token::format::jwt::MAX_TOKEN_LEN;
use media_token::hand_over::{DEFAULT_DEADLINE, HandOver, SetCookie};
use media_token::{
    Credential, Decision, Fields, Grant, Policy, RequestView, Source, decide, take_with,
};
use proptest::prelude::*;

pub const NOW: i64 = 1_700_000_000;
const HEADER: &str = r#"{"alg":"HS256"}"#;

/// Times are seconds here; words are the extremes.
fn parse_time(text: &str) -> Option<i64> {
    match text {
        "ever" => Some(i64::MAX),
        text => text.parse().ok(),
    }
}

pub fn parse(text: &str) -> Result<HandOver, String> {
    let mut words = text.split(' ');
    let name = words.next().unwrap();
    let parameters: Vec<_> = words.collect();
    HandOver::parse(name, &parameters, parse_time).map_err(|error| error.to_string())
}

/// A location that hands grants over.
pub struct Site {
    pub hand_over: HandOver,
    pub policy: Policy,
}

impl Site {
    /// With keys of all formats: of Django for parents, `format=jwt`, and to mint with.
    pub fn new(hand_over: &str) -> Self {
        let keys = [
            common::keys(common::SECRET, "signs=parent"),
            common::keys(JWT_SECRET, "format=jwt"),
            common::keys(MINT_SECRET, "format=jwt use=mint id=mint"),
        ];
        Self::with(hand_over, &["arg:token"], keys.concat())
    }

    pub fn with(
        hand_over: &str,
        sources: &[&str],
        keys: Vec<std::sync::Arc<media_token::Key>>,
    ) -> Self {
        let hand_over = parse(hand_over).unwrap();
        let mut sources: Vec<_> = sources
            .iter()
            .map(|text| Source::parse(text).unwrap())
            .collect();
        for source in keys.iter().flat_map(|key| key.sources()) {
            if !sources.contains(source) {
                sources.push(source.clone());
            }
        }
        sources.push(hand_over.source());
        let policy = Policy {
            sources,
            keys,
            max_age: 120,
            leeway: 0,
            revoked: None,
        };
        Self { hand_over, policy }
    }

    /// What is decided, and the `Set-Cookie` lines.
    pub fn asks<'k>(
        &'k self,
        viewer: &mut Viewer,
        target: &str,
        fields: &impl for<'f> HasFields<'f>,
        now: i64,
    ) -> (Decision<'k>, Vec<String>) {
        let view = RequestView::new(target.as_bytes());
        let carried = take_with(&view, &fields.fields(), &self.policy.sources);
        let decision = decide(&view, &carried, &self.policy, now, viewer).unwrap();
        let cookies = match &decision {
            Decision::Granted(grant) => {
                self.hand_over
                    .cookies(&view, &carried, &self.policy, grant, now, viewer)
            }
            Decision::Refused(_) => Vec::new(),
        };
        let cookies = cookies.into_iter();
        let texts = cookies.map(|SetCookie(text)| String::from_utf8(text).unwrap());
        (decision, texts.collect())
    }

    /// The cookies after a request whose only credential is in its target.
    pub fn sets(&self, target: &str, now: i64) -> Vec<String> {
        let (decision, cookies) = self.asks(&mut Viewer::default(), target, &none(), now);
        assert_eq!(decision.reason(), "valid", "{target}");
        cookies
    }

    /// The one cookie after such a request.
    pub fn sets_one(&self, target: &str, now: i64) -> String {
        let mut cookies = self.sets(target, now);
        assert_eq!(cookies.len(), 1, "{target}: {cookies:?}");
        cookies.remove(0)
    }

    /// What is decided about a request with a `Cookie` line, and the cookies that it gets.
    pub fn goes_on(&self, target: &str, cookie: &str, now: i64) -> (&'static str, Vec<String>) {
        let cookie = Cookies(cookie.to_owned());
        let (decision, cookies) = self.asks(&mut Viewer::default(), target, &cookie, now);
        (decision.reason(), cookies)
    }
}

/// Header lines, and what was cut out of a path.
pub trait HasFields<'f> {
    fn fields(&'f self) -> impl Fields<'f>;
}

impl<'f> HasFields<'f> for Cookies {
    fn fields(&'f self) -> impl Fields<'f> {
        self
    }
}

/// One header line, or a credential in the path.
pub enum Elsewhere {
    Line(&'static str, String),
    Segment(String),
}

impl<'f> HasFields<'f> for Elsewhere {
    fn fields(&'f self) -> impl Fields<'f> {
        self
    }
}

impl<'f> Fields<'f> for &'f Elsewhere {
    fn lines(&self) -> impl Iterator<Item = (&'f [u8], &'f [u8])> {
        match self {
            Elsewhere::Line(name, value) => Some((name.as_bytes(), value.as_bytes())),
            Elsewhere::Segment(_) => None,
        }
        .into_iter()
    }

    fn segment(&self) -> Option<Credential<'f>> {
        match self {
            Elsewhere::Segment(value) => Some(Credential::Once(value.as_bytes())),
            Elsewhere::Line(..) => None,
        }
    }
}

pub fn none() -> Cookies {
    Cookies(String::new())
}

pub fn jwt(claims: &str) -> String {
    mint_jwt(HEADER, claims)
}

/// A target with a JWT that ends in a minute, for these paths, with these claims.
fn target(path: &str, paths: &str, more: &str) -> String {
    let claims = format!(r#"{{"exp":{},"path":{paths}{more}}}"#, NOW + 60);
    format!("{path}?token={}", jwt(&claims))
}

fn grant_of<'k>(decision: Decision<'k>) -> Grant<'k> {
    match decision {
        Decision::Granted(grant) => grant,
        Decision::Refused(refusal) => panic!("{refusal:?}"),
    }
}

#[test]
fn parameter_errors_say_what_was_expected() {
    let error = |text: &str| parse(text).unwrap_err();
    for name in [
        "",
        "a b",
        "a=b",
        "__Secure-a",
        "__Host-a",
        "__a",
        "é",
        "a;b",
    ] {
        let error = HandOver::parse(name, &[], parse_time).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a cookie's name, without \"__Secure-\", which is put before it",
            "{name}"
        );
    }
    for parameter in [
        "x",
        "",
        "max_age",
        "deadline",
        "samesite",
        "redirect=",
        "partitioned=on",
        "insecure=1",
        "MAX_AGE=1",
        "max-age=1",
        "=",
    ] {
        let error = error(&format!("a {parameter}"));
        assert_eq!(error, format!("unknown parameter \"{parameter}\""));
    }
    for (repeated, name) in [
        ("max_age=1 max_age=1", "max_age"),
        ("max_age=2 deadline=3 deadline=4", "deadline"),
        ("samesite=lax samesite=strict", "samesite"),
        ("redirect redirect", "redirect"),
        ("partitioned partitioned", "partitioned"),
        ("insecure insecure", "insecure"),
    ] {
        let error = error(&format!("a {repeated}"));
        assert_eq!(error, format!("\"{name}\" is given twice"));
    }
    for value in ["max_age=", "max_age=x", "max_age=0", "max_age=-1"] {
        let expected = format!("\"{value}\": expected a time such as 2h");
        assert_eq!(error(&format!("a {value}")), expected);
        let value = value.replace("max_age", "deadline");
        let expected = format!("\"{value}\": expected a time such as 2h");
        assert_eq!(error(&format!("a max_age=1 {value}")), expected);
    }
    for value in ["samesite=", "samesite=None", "samesite=no"] {
        let expected = format!("\"{value}\": expected strict, lax or none");
        assert_eq!(error(&format!("a {value}")), expected);
    }
    assert_eq!(error("a deadline=9"), "\"deadline=\" needs \"max_age=\"");
    let short = "\"deadline=\" needs to be \"max_age=\" or more";
    assert_eq!(error("a max_age=10 deadline=9"), short);
    assert_eq!(error("a deadline=9 max_age=10"), short);
    for (parameters, parameter) in [
        ("insecure partitioned", "partitioned"),
        ("partitioned insecure samesite=lax", "partitioned"),
        ("insecure samesite=none", "samesite=none"),
        ("samesite=none insecure", "samesite=none"),
    ] {
        assert_eq!(
            error(&format!("a {parameters}")),
            format!("\"{parameter}\" needs https, so not \"insecure\"")
        );
    }
    assert_eq!(
        error("a samesite=strict redirect"),
        "\"redirect\" needs another \"samesite=\" than strict, whose cookies do not come with who is sent here"
    );
}

#[test]
fn a_deadline_is_twelve_hours_or_one_life_if_that_is_longer() {
    let minting = |text: &str| {
        let minting = parse(text).unwrap().minting.unwrap();
        (minting.max_age, minting.deadline)
    };
    assert_eq!(DEFAULT_DEADLINE, 12 * 3600);
    assert_eq!(minting("a max_age=60"), (60, DEFAULT_DEADLINE));
    assert_eq!(minting("a max_age=43201"), (43201, 43201));
    assert_eq!(minting("a max_age=60 deadline=60"), (60, 60));
    assert_eq!(
        minting("a deadline=ever max_age=ever"),
        (i64::MAX, i64::MAX)
    );
    assert!(parse("a redirect").unwrap().minting.is_none());
}

#[test]
fn the_cookie_has_the_attributes_that_were_asked_for() {
    let secure = "HttpOnly; SameSite=None; Secure";
    for (parameters, name, attributes) in [
        ("media", "__Secure-media", secure),
        ("m!#$%&'*+-.^_`|~", "__Secure-m!#$%&'*+-.^_`|~", secure),
        ("media samesite=none", "__Secure-media", secure),
        (
            "media samesite=lax",
            "__Secure-media",
            "HttpOnly; SameSite=Lax; Secure",
        ),
        (
            "media samesite=strict",
            "__Secure-media",
            "HttpOnly; SameSite=Strict; Secure",
        ),
        (
            "media partitioned redirect",
            "__Secure-media",
            "HttpOnly; SameSite=None; Secure; Partitioned",
        ),
        ("media insecure", "media", "HttpOnly; SameSite=Lax"),
        (
            "media samesite=strict insecure",
            "media",
            "HttpOnly; SameSite=Strict",
        ),
    ] {
        let site = Site::new(parameters);
        let target = target("/a/1.ts", r#""/a/*""#, "");
        let token = target.split_once("token=").unwrap().1;
        assert_eq!(
            site.sets(&target, NOW),
            [format!(
                "{name}={token}; Path=/a/; Max-Age=60; {attributes}"
            )],
            "{parameters}"
        );
        let redirects = parameters.contains("redirect");
        assert_eq!(site.hand_over.redirects, redirects);
        assert_eq!(
            site.hand_over.source().to_string(),
            format!("the handed-over cookie {name}")
        );
    }
}

#[test]
fn what_is_handed_over_is_what_reaches_beyond_the_file() {
    let site = Site::new("media");
    for (path, paths, folder) in [
        ("/a/1.ts", r#""/a/*""#, Some("/a/")),
        ("/a/b/1.ts", r#""/a/*""#, Some("/a/")),
        ("/a/", r#""/a/*""#, Some("/a/")),
        ("/a/1.ts", r#""/*""#, Some("/")),
        ("/a/1.ts", r#""/a/1.ts""#, None),
        // The narrowest that covers the request; others of the list do not count.
        (
            "/a/b/1.ts",
            r#"["/a/*","/a/b/*","/*","/a/b/c/*"]"#,
            Some("/a/b/"),
        ),
        ("/a/1.ts", r#"["/b/*","/a/1.ts"]"#, None),
        ("/b/1.ts", r#"["/b/*","/a/1.ts"]"#, Some("/b/")),
        ("/a/*", r#"["/a/*"]"#, Some("/a/")),
        ("/ab/1.ts", r#"["/a*","/ab/1.ts"]"#, None),
        // As the request spells it, or there is none.
        ("/%C3%A9/1.ts", r#""/%C3%A9/*""#, Some("/%C3%A9/")),
        ("/%c3%a9/1.ts", r#""/%C3%A9/*""#, None),
        ("/\u{e9}/1.ts", r#""/%C3%A9/*""#, None),
        ("/%61/1.ts", r#""/a/*""#, None),
        ("/a/%62/1.ts", r#""/a/*""#, Some("/a/")),
        ("/a/%62/1.ts", r#"["/a/*","/a/b/*"]"#, Some("/a/")),
        // What ends a cookie's path, or would be read as another one.
        ("/a;b/1.ts", r#""/a;b/*""#, None),
        ("/a/b;c/1.ts", r#""/a/*""#, Some("/a/")),
        ("/a,b/1.ts", r#""/a,b/*""#, Some("/a,b/")),
    ] {
        let cookies = site.sets(&target(path, paths, ""), NOW);
        let found = cookies.first().map(|cookie| {
            let path = cookie.split("; Path=").nth(1).unwrap();
            path.split(';').next().unwrap()
        });
        assert_eq!(found, folder, "{path} {paths}");
    }
}

#[test]
fn a_django_token_of_a_parent_is_for_the_files_directly_in_it() {
    let site = Site::new("media max_age=600");
    let token = common::mint("/docs/12", &common::base62((NOW - 20) as u64));
    let cookie = site.sets_one(&format!("/docs/12/a.png?token={token}"), NOW);
    let claims = claims_of(&cookie);
    assert_eq!(claims["path"], "/docs/12/");
    assert_eq!(claims["direct"], true);
    let value = value_of(&cookie);
    assert_eq!(site.goes_on("/docs/12/b.png", value, NOW).0, "valid");
    assert_eq!(site.goes_on("/docs/12/", value, NOW).0, "valid");
    for path in [
        "/docs/12/sub/b.png",
        "/docs/12",
        "/docs/1/b.png",
        "/docs/b.png",
    ] {
        assert_eq!(site.goes_on(path, value, NOW).0, "wrong_path", "{path}");
    }
    for path in [
        "/docs/12/sub%2Fb.png",
        "/docs/12/sub%5Cb.png",
        "/docs/12/sub\\b.png",
    ] {
        assert_eq!(site.goes_on(path, value, NOW).0, "unsafe_path", "{path}");
    }
    // A token that signs one path is not handed over, and neither is one in its last second.
    let site = Site::with("media", &["arg:token"], common::keys(common::SECRET, ""));
    let token = common::mint("/docs/12", &common::base62(NOW as u64));
    assert!(
        site.sets(&format!("/docs/12?token={token}"), NOW)
            .is_empty()
    );
    let site = Site::new("media");
    let token = common::mint("/docs", &common::base62((NOW - 120) as u64));
    assert!(site.sets(&format!("/docs/a?token={token}"), NOW).is_empty());
    let target = format!("/docs/a?token={token}");
    assert!(site.sets_one(&target, NOW - 1).contains("; Max-Age=1;"));
}

#[test]
fn a_token_is_handed_over_as_it_was_spelled_and_is_read_the_same_way() {
    let site = Site::new("media");
    let token = common::mint("/docs", &common::base62(NOW as u64)).replace(':', "%3A");
    let cookie = site.sets_one(&format!("/docs/a?token={token}"), NOW);
    assert_eq!(value_of(&cookie), format!("__Secure-media={token}"));
    assert_eq!(
        site.goes_on("/docs/b", value_of(&cookie), NOW + 120),
        ("valid", vec![])
    );
    assert_eq!(
        site.goes_on("/docs/b", value_of(&cookie), NOW + 121).0,
        "token_expired"
    );
    assert_eq!(
        site.goes_on("/docs/b/c", value_of(&cookie), NOW).0,
        "bad_signature"
    );
}

#[test]
fn only_a_grant_by_the_query_is_handed_over() {
    let keys = || {
        let keys = [
            common::keys(JWT_SECRET, "format=jwt"),
            common::keys(MINT_SECRET, "format=jwt use=mint"),
        ];
        keys.concat()
    };
    let claims = format!(r#"{{"exp":{},"path":"/*"}}"#, NOW + 60);
    let token = jwt(&claims);
    for text in ["media", "media max_age=600"] {
        for (source, fields) in [
            ("cookie:t", Elsewhere::Line("Cookie", format!("t={token}"))),
            ("header:X-T", Elsewhere::Line("X-T", token.clone())),
            ("path:~", Elsewhere::Segment(token.clone())),
        ] {
            let site = Site::with(text, &[source, "arg:token"], keys());
            let (decision, cookies) = site.asks(&mut Viewer::default(), "/a", &fields, NOW);
            assert_eq!(decision.reason(), "valid", "{source}");
            assert!(cookies.is_empty(), "{text} {source}");
            // The query's is another matter, whatever else is there.
            let site = Site::with(text, &["arg:token", source], keys());
            let target = format!("/a?token={token}");
            let (_, cookies) = site.asks(&mut Viewer::default(), &target, &fields, NOW);
            assert_eq!(cookies.len(), 1, "{text} {source}");
        }
        // Nor is what came in the cookie itself, unless it is a token of ours.
        let site = Site::with(text, &["arg:token"], keys());
        let cookie = format!("__Secure-media={token}");
        assert_eq!(
            site.goes_on("/a", &cookie, NOW),
            ("valid", vec![]),
            "{text}"
        );
    }
}

#[test]
fn a_cookie_lives_as_long_as_the_token_and_leeway_adds_nothing() {
    let mut site = Site::new("media");
    let target = target("/a", r#""/*""#, "");
    for (now, life) in [(NOW, 60), (NOW + 59, 1)] {
        assert!(
            site.sets_one(&target, now)
                .contains(&format!("; Max-Age={life};"))
        );
    }
    site.policy.leeway = 30;
    assert!(site.sets(&target, NOW + 60).is_empty());
    assert!(site.sets(&target, NOW + 89).is_empty());
    // What is minted then is new.
    let mut site = Site::new("media max_age=600");
    site.policy.leeway = 30;
    assert!(site.sets_one(&target, NOW + 89).contains("; Max-Age=600;"));
}

#[test]
fn a_signed_url_is_handed_over_to_cloudfront_s_cookies() {
    let cloudfront = cloudfront_signer::policy().keys;
    let site = Site::with("media samesite=lax", &[], cloudfront);
    let url = |path: &str| format!("{}{path}", cloudfront_signer::ORIGIN);
    let wide = |resource: &str, more| Parameters::custom(custom_text(&url(resource), more));
    let parameters = wide("/v/1/*", "");
    let cookies = site.sets(&parameters.target("/v/1/a.ts"), NOW);
    let attributes = "; Path=/v/1/; Max-Age=60; HttpOnly; SameSite=Lax; Secure";
    let mut expected: Vec<_> = parameters
        .0
        .iter()
        .map(|(name, value)| format!("CloudFront-{name}={value}{attributes}"))
        .collect();
    let mut found = cookies.clone();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let line: Vec<_> = cookies.iter().map(|cookie| value_of(cookie)).collect();
    assert_eq!(
        site.goes_on("/v/1/b.ts", &line.join("; "), NOW),
        ("valid", vec![])
    );
    assert_eq!(
        site.goes_on("/v/2/b.ts", &line.join("; "), NOW).0,
        "wrong_path"
    );
    // Any site's page can have a browser post.
    for (method, expected) in [("HEAD", "valid"), ("POST", "wrong_method")] {
        let mut viewer = Viewer {
            method,
            ..Viewer::default()
        };
        let cookies = Cookies(line.join("; "));
        let (decision, _) = site.asks(&mut viewer, "/v/1/b.ts", &cookies, NOW);
        assert_eq!(decision.reason(), expected);
        let (decision, _) = site.asks(&mut viewer, &parameters.target("/v/1/b.ts"), &none(), NOW);
        assert_eq!(decision.reason(), "valid");
    }

    for (resource, folder) in [
        ("/v/1/*.ts", Some("/v/1/")),
        ("/v/1*/a.ts", Some("/v/")),
        ("/v/?/a.ts", Some("/v/")),
        ("/*", Some("/")),
        ("*", Some("/")),
        ("/v/1/a.ts", None),
    ] {
        let cookies = site.sets(&wide(resource, "").target("/v/1/a.ts"), NOW);
        let path = cookies
            .first()
            .map(|cookie| cookie.split(';').nth(1).unwrap());
        let folder = folder.map(|folder| format!(" Path={folder}"));
        assert_eq!(path.map(str::to_owned), folder, "{resource}");
    }
    let canned = Parameters::canned(&url("/v/1/a.ts"));
    assert!(site.sets(&canned.target("/v/1/a.ts"), NOW).is_empty());
}

#[test]
fn what_is_minted_for_cloudfront_is_what_is_limited_by_nothing_but_its_folder() {
    let keys = [
        cloudfront_signer::policy().keys,
        common::keys(MINT_SECRET, "format=jwt use=mint"),
    ];
    let site = Site::with("media max_age=600", &[], keys.concat());
    let url = |path: &str| format!("{}{path}", cloudfront_signer::ORIGIN);
    for (resource, more, minted) in [
        ("/v/1/*", "", true),
        ("/*", "", true),
        ("*", "", true),
        ("/v/1/*.ts", "", false),
        ("/v/1*", "", false),
        ("/v/?/*", "", false),
        ("/v/1/**", "", false),
        (
            "/v/1/*",
            r#","IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}"#,
            false,
        ),
        ("/v/1/*", r#","DateGreaterThan":{"AWS:EpochTime":1}"#, false),
    ] {
        let parameters = Parameters::custom(custom_text(&url(resource), more));
        let cookies = site.sets(&parameters.target("/v/1/a.ts"), NOW);
        let is_minted = cookies
            .iter()
            .all(|cookie| cookie.starts_with("__Secure-media="));
        assert_eq!(is_minted, minted, "{resource} {more}: {cookies:?}");
        assert_eq!(
            cookies.len(),
            if minted { 1 } else { 4 },
            "{resource} {more}"
        );
    }
}

#[test]
fn what_limits_a_token_otherwise_is_not_lost_by_minting() {
    let site = Site::new("media max_age=600");
    let uri = r#","cdniuc":"regex:https://media[.]example[.]org/.*""#;
    for (more, minted) in [
        ("", true),
        (r#","sub":"alice""#, true),
        (r#","iat":1,"iss":"x","jti":"y""#, true),
        (r#","method":"GET""#, false),
        (r#","method":["GET","POST","HEAD"]"#, false),
        (r#","ip":"192.0.2.7""#, false),
        (r#","ip":["::/0","0.0.0.0/0"]"#, false),
        (r#","nbf":1"#, false),
        (uri, false),
    ] {
        let target = target("/a/1.ts", r#""/a/*""#, more);
        let token = target.split_once("token=").unwrap().1;
        let cookie = site.sets_one(&target, NOW);
        let handed = format!("__Secure-media={token}");
        assert_eq!(value_of(&cookie) != handed, minted, "{more}");
        if !minted {
            assert!(cookie.contains("; Max-Age=60;"), "{more}");
            // Which it still is in the cookie, and nothing slides.
            assert_eq!(
                site.goes_on("/a/2.ts", &handed, NOW + 59),
                ("valid", vec![])
            );
        }
    }
}

#[test]
fn a_token_for_somebody_is_minted_for_this_cookie_and_this_site() {
    let keys = [
        common::keys(JWT_SECRET, "format=jwt aud=media"),
        common::keys(MINT_SECRET, "format=jwt use=mint"),
    ];
    let site = Site::with("media max_age=600", &["arg:token"], keys.concat());
    let cookie = site.sets_one(&target("/a", r#""/*""#, r#","aud":["media","x"]"#), NOW);
    assert_eq!(
        claims_of(&cookie)["aud"],
        "__Secure-media https://media.example.org"
    );
}

#[test]
fn tokens_are_minted_only_where_they_last_longer() {
    let site = Site::new("media max_age=60");
    let at = |exp: i64| {
        let token = jwt(&format!(r#"{{"exp":{exp},"path":"/*"}}"#));
        let cookie = site.sets_one(&format!("/a?token={token}"), NOW);
        (
            value_of(&cookie) != format!("__Secure-media={token}"),
            cookie,
        )
    };
    let (is_minted, cookie) = at(NOW + 59);
    assert!(is_minted && cookie.contains("; Max-Age=60;"), "{cookie}");
    assert_eq!(claims_of(&cookie)["exp"], NOW + 60);
    assert_eq!(claims_of(&cookie)["iat"], NOW);
    let (is_minted, cookie) = at(NOW + 60);
    assert!(!is_minted && cookie.contains("; Max-Age=60;"), "{cookie}");
    let (is_minted, cookie) = at(NOW + 3600);
    assert!(!is_minted && cookie.contains("; Max-Age=3600;"), "{cookie}");
}

#[test]
fn a_minted_token_slides_once_more_than_half_of_it_has_passed() {
    let site = Site::new("media max_age=100 deadline=1000");
    let first = site.sets_one(&target("/a/1", r#""/a/*""#, r#","sub":"alice""#), NOW);
    let line = value_of(&first);
    for passed in [0, 1, 49, 50] {
        assert_eq!(
            site.goes_on("/a/2", line, NOW + passed),
            ("valid", vec![]),
            "{passed}"
        );
    }
    for passed in [51, 99] {
        let (reason, cookies) = site.goes_on("/a/2", line, NOW + passed);
        assert_eq!((reason, cookies.len()), ("valid", 1), "{passed}");
        let (old, new) = (claims_of(&first), claims_of(&cookies[0]));
        assert_eq!(new["exp"], NOW + passed + 100);
        for same in ["iat", "path", "sub", "aud"] {
            assert_eq!(new[same], old[same], "{same}");
        }
        assert!(
            cookies[0].contains("; Path=/a/; Max-Age=100; "),
            "{}",
            cookies[0]
        );
    }
    assert_eq!(site.goes_on("/a/2", line, NOW + 100).0, "token_expired");
}

#[test]
fn a_chain_ends_at_its_deadline_and_not_a_second_later() {
    let site = Site::new("media max_age=100 deadline=180");
    let mut line = value_of(&site.sets_one(&target("/a", r#""/*""#, ""), NOW)).to_owned();
    let mut end = NOW;
    let mut minted = 0;
    for now in NOW..NOW + 400 {
        let (reason, cookies) = site.goes_on("/b", &line, now);
        if reason == "valid" {
            end = now;
        }
        if let Some(cookie) = cookies.first() {
            minted += 1;
            let exp = claims_of(cookie)["exp"].as_i64().unwrap();
            assert!(exp <= NOW + 180, "{exp}");
            assert!(
                cookie.contains(&format!("; Max-Age={};", exp - now)),
                "{cookie}"
            );
            line = value_of(cookie).to_owned();
        }
    }
    assert_eq!(end, NOW + 179);
    // At 51, up to 151; at 102, up to the deadline, and no more.
    assert_eq!(minted, 2);
}

#[test]
fn a_newer_url_begins_a_chain_of_its_own_and_counts_before_the_cookie() {
    let site = Site::new("media max_age=100 deadline=150");
    let first = site.sets_one(&target("/a/1", r#""/a/*""#, r#","sub":"alice""#), NOW);
    let later = NOW + 40;
    let (decision, cookies) = site.asks(
        &mut Viewer::default(),
        &target("/a/1", r#""/a/*""#, r#","sub":"bob""#),
        &Cookies(value_of(&first).to_owned()),
        later,
    );
    assert_eq!(grant_of(decision).subject, Some("bob"));
    let claims = claims_of(&cookies[0]);
    assert_eq!(
        (&claims["iat"], &claims["sub"]),
        (&later.into(), &"bob".into())
    );
    assert_eq!(claims["exp"], later + 100);
}

#[test]
fn extreme_times_neither_overflow_nor_mint_what_ends_before() {
    for (exp, text) in [
        (i64::MAX, "media max_age=100"),
        (i64::MAX, "media max_age=ever"),
        (i64::MAX - 1, "media max_age=ever"),
        (1_800_000_000, "media max_age=ever deadline=ever"),
        (1_800_000_000, "media max_age=100 deadline=ever"),
    ] {
        let site = Site::new(text);
        let token = jwt(&format!(r#"{{"exp":{exp},"path":"/*"}}"#));
        for now in [i64::MIN, -1, 0, NOW, exp - 2, exp - 1] {
            let target = format!("/a?token={token}");
            let (decision, cookies) = site.asks(&mut Viewer::default(), &target, &none(), now);
            assert_eq!(decision.reason(), "valid", "{exp} {text} {now}");
            let cookie = &cookies[0];
            let life = cookie.split("; Max-Age=").nth(1).unwrap().split(';').next();
            let life: i64 = life.unwrap().parse().unwrap();
            assert!(life > 0, "{exp} {text} {now}");
            // It holds where the source held, and lives no longer than it says.
            let (reason, _) = site.goes_on("/b", value_of(cookie), now);
            assert_eq!(reason, "valid", "{exp} {text} {now}");
            if let Some(end) = now.checked_add(life).filter(|_| life < i64::MAX) {
                let (reason, _) = site.goes_on("/b", value_of(cookie), end);
                assert_eq!(reason, "token_expired", "{exp} {text} {now}");
            }
        }
    }
}

#[test]
fn a_long_token_is_handed_over_as_far_as_browsers_keep_it() {
    let site = Site::new("media");
    let at = |len: usize| {
        let claims = format!(
            r#"{{"exp":{},"path":"/*","x":"{}"}}"#,
            NOW + 60,
            "x".repeat(len)
        );
        jwt(&claims)
    };
    let longest = |limit: usize| {
        let len = (2800..3100).rev().find(|len| at(*len).len() <= limit);
        at(len.unwrap())
    };
    // With the name.
    let token = longest(MAX_TOKEN_LEN - "__Secure-media".len());
    let cookie = site.sets_one(&format!("/a?token={token}"), NOW);
    assert_eq!(site.goes_on("/b", value_of(&cookie), NOW).0, "valid");
    let token = longest(MAX_TOKEN_LEN);
    assert!(token.len() > MAX_TOKEN_LEN - 4);
    assert!(site.sets(&format!("/a?token={token}"), NOW).is_empty());
}

#[test]
fn no_debug_output_shows_a_cookie() {
    assert_eq!(
        format!("{:?}", SetCookie(b"a=secret".to_vec())),
        "SetCookie(...)"
    );
}

fn paths() -> impl Strategy<Value = String> {
    let entry = "(/(a|b|a;b|%C3%A9|x%20y|%2F)){0,3}(/\\*|/[a-c]|\\*)";
    prop_oneof![
        entry.prop_map(|entry| format!("{entry:?}")),
        prop::collection::vec(entry, 1..4).prop_map(|entries| format!("{entries:?}")),
    ]
}

fn path() -> impl Strategy<Value = String> {
    "(/(a|b|%61|a;b|%C3%A9|%c3%a9|x%20y|%2F|%5C|\\.\\.|)){0,3}/[a-c*]?"
}

fn more() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "",
        "",
        "",
        r#","sub":"alice""#,
        r#","method":"GET""#,
        r#","ip":"192.0.2.7""#,
        r#","nbf":1699999999"#,
        r#","cdniuc":"regex:https://media[.]example[.]org/a/.*""#,
        r#","aud":"media""#,
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_cookie_grants_what_its_token_does_not(
        (first, second) in (path(), path()),
        paths in paths(),
        more in more(),
        method in prop::sample::select(vec!["GET", "HEAD", "POST"]),
        elsewhere in any::<bool>(),
        minting in any::<bool>(),
    ) {
        let site = Site::new(if minting { "media max_age=600" } else { "media" });
        let claims = format!(r#"{{"exp":{},"path":{paths}{more}}}"#, NOW + 60);
        let token = jwt(&claims);
        let (_, cookies) = site.asks(&mut Viewer::default(), &format!("{first}?token={token}"), &none(), NOW);
        for cookie in &cookies {
            assert_well_formed(cookie.as_bytes());
            let folder = cookie.split("; Path=").nth(1).unwrap().split(';').next().unwrap();
            prop_assert!(first.starts_with(folder) && folder.ends_with('/'));
            let mut viewer = Viewer { method, ..Viewer::default() };
            if elsewhere {
                viewer.address = "2001:db8::1".parse().ok();
            }
            let cookie = Cookies(value_of(cookie).to_owned());
            let (decision, _) = site.asks(&mut viewer, &second, &cookie, NOW);
            // Which the twin knows but for `cdniuc`: then the source's own verdict counts.
            let asked = twin::Asked {
                path: second.clone(), method, address: viewer.address, audience: None, now: NOW,
            };
            let (source, _) = site.asks(&mut viewer, &format!("{second}?token={token}"), &none(), NOW);
            let expected = twin::reason(claims.as_bytes(), &asked).unwrap_or(source.reason());
            if decision.reason() == "valid" {
                prop_assert_eq!(expected, "valid", "{} {} {}", first, second, claims);
            }
            // And in the folder it grants what the token does, to who only reads.
            if expected == "valid" && method != "POST" && second.starts_with(folder) {
                prop_assert_eq!(decision.reason(), "valid", "{} {} {}", first, second, claims);
            }
        }
    }
}

/// One cookie, with attributes that are all the module's own.
pub fn assert_well_formed(cookie: &[u8]) {
    assert!(
        cookie
            .iter()
            .all(|&byte| byte == b' ' || byte.is_ascii_graphic())
    );
    let mut parts = cookie.split(|&byte| byte == b';');
    let pair = parts.next().unwrap();
    assert!(!pair.contains(&b' ') && pair.contains(&b'='));
    let names: Vec<_> = parts
        .map(|part| {
            let name = part.strip_prefix(b" ").unwrap();
            let end = name.iter().position(|&byte| byte == b'=');
            std::str::from_utf8(&name[..end.unwrap_or(name.len())]).unwrap()
        })
        .collect();
    let known = [
        "Path",
        "Max-Age",
        "HttpOnly",
        "SameSite",
        "Secure",
        "Partitioned",
    ];
    assert!(known.starts_with(&names) && names.len() >= 4, "{names:?}");
}
