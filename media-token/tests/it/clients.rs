//! Scripts, sessions in the query, and viewers who go in circles, seen from outside.

use media_token::cors::{
    Asked, EXPOSED, LOCATION_HEADER, OriginError, Origins, PREFLIGHT_MAX_AGE, VARY, challenge,
    names, refusal,
};
use media_token::session::{Found, MAX_ID, SessionArgument};
use media_token::{Action, Answer, Decision, Reason, RequestView, Responses, loop_guard};
use proptest::prelude::*;

fn origins(texts: &[&str]) -> Result<Origins, String> {
    let mut origins = Origins::default();
    texts
        .iter()
        .try_for_each(|text| origins.add(text))
        .map_err(|error: OriginError| error.to_string())?;
    Ok(origins)
}

fn asked<'a>(lines: &[(&'a str, &'a str)]) -> Asked<'a> {
    let lines = lines.iter();
    Asked::read(lines.map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

#[test]
fn origin_errors_say_what_was_expected() {
    for (texts, error) in [
        (
            &["www.example.com"][..],
            "expected a URL that starts with http:// or https://, or \"*\", or \"null\"",
        ),
        (
            &["https://*.example.com"],
            "expected a host name or address, and perhaps a port, after the scheme, or \"*\", or \"null\"",
        ),
        (
            &["https://a.example/"],
            "expected only scheme, host and port, without a path, or \"*\", or \"null\"",
        ),
        (
            &["https://A.example"],
            "a browser writes \"https://a.example\"",
        ),
        (
            &["https://a.example:443"],
            "a browser writes \"https://a.example\"",
        ),
        (&["https://a", "*", "https://a"], "is given twice"),
        (&["*", "null", "*"], "is given twice"),
    ] {
        assert_eq!(origins(texts).unwrap_err(), error, "{texts:?}");
    }
}

#[test]
fn an_asterisk_stands_for_those_that_are_not_named() {
    let any = origins(&["*"]).unwrap();
    for origin in ["https://a", "null", "", "x"] {
        let allowed = any.allow(origin.as_bytes()).unwrap();
        assert_eq!((allowed.origin, allowed.credentials), (&b"*"[..], false));
    }
    let null = origins(&["null"]).unwrap();
    let allowed = null.allow(b"null").unwrap();
    assert_eq!((allowed.origin, allowed.credentials), (&b"null"[..], false));
    for origin in ["https://a", "NULL", "", "*"] {
        assert_eq!(null.allow(origin.as_bytes()), None, "{origin}");
    }
    assert_eq!(Origins::default().allow(b"null"), None);
    assert_eq!(Origins::default().allow(b"*"), None);
}

#[test]
fn a_header_that_is_there_twice_says_nothing() {
    let twice = [("Origin", "https://a"), ("origin", "https://a")];
    assert_eq!(asked(&twice).origin, None);
    let mode = [("Sec-Fetch-Mode", "cors"), ("sec-fetch-mode", "cors")];
    assert_eq!(asked(&mode).mode, None);
    assert!(!asked(&mode).is_script(b"GET"));
    let method = [
        ("Origin", "https://a"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Method", "GET"),
    ];
    assert_eq!(asked(&method).preflight(b"OPTIONS"), None);
    let headers = [
        ("Access-Control-Request-Headers", "a"),
        ("Access-Control-Request-Headers", "b"),
    ];
    assert_eq!(asked(&headers).headers, None);
    // Others do not count, nor names of the same length.
    let others = [
        ("Orig1n", "x"),
        ("Origin ", "x"),
        ("Sec-Fetch-Site", "cors"),
    ];
    let asked = asked(&others);
    assert_eq!((asked.origin, asked.mode), (None, None));
}

#[test]
fn what_a_redirect_would_serve_is_known() {
    for (lines, method, is_script) in [
        (&[][..], "GET", false),
        (&[], "HEAD", false),
        (&[], "get", true),
        (&[], "OPTIONS", true),
        (&[], "PROPFIND", true),
        (&[("Origin", "null")], "HEAD", true),
        (&[("Sec-Fetch-Mode", "cors")], "HEAD", true),
        (&[("Sec-Fetch-Mode", "no-cors")], "GET", false),
        (
            &[("Sec-Fetch-Mode", "no-cors"), ("Origin", "https://a")],
            "GET",
            false,
        ),
        (&[("Sec-Fetch-Mode", "navigate")], "POST", true),
    ] {
        let found = asked(lines).is_script(method.as_bytes());
        assert_eq!(found, is_script, "{method} {lines:?}");
    }
}

#[test]
fn an_answer_repeats_no_byte_that_is_not_of_a_name() {
    for byte in 0..=u8::MAX {
        let is_name = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~, \t".contains(&byte);
        assert_eq!(names(&[b'a', byte]).is_some(), is_name, "{byte}");
    }
}

#[test]
fn scripts_may_read_where_to_get_a_token() {
    let exposed: Vec<_> = EXPOSED.split(", ").collect();
    assert!(exposed.contains(&LOCATION_HEADER) && exposed.contains(&"WWW-Authenticate"));
    assert_eq!(VARY, ["Origin", "Sec-Fetch-Mode"]);
    assert_eq!(PREFLIGHT_MAX_AGE, "600");
}

#[test]
fn a_refusal_names_its_status_and_reason() {
    for (reason, status, bearer) in [
        (Reason::NoToken, "missing", "Bearer"),
        (Reason::TokenIncomplete, "missing", "Bearer"),
        (
            Reason::TokenExpired,
            "expired",
            "Bearer error=\"invalid_token\"",
        ),
        (
            Reason::BadSignature,
            "invalid",
            "Bearer error=\"invalid_token\"",
        ),
    ] {
        let decision = Decision::from(reason);
        assert_eq!(challenge(&decision), bearer);
        let body: Vec<_> = refusal(&decision, b"https://a/b").collect();
        assert_eq!(
            String::from_utf8(body.concat()).unwrap(),
            format!(
                "{{\"status\":\"{status}\",\"reason\":\"{}\",\"location\":\"https://a/b\"}}\n",
                reason.as_str()
            )
        );
    }
}

#[test]
fn no_debug_output_shows_what_was_sent() {
    let lines = [("Origin", "https://secret"), ("Sec-Fetch-Mode", "secret")];
    let shown = format!("{:?}", asked(&lines));
    assert_eq!(shown, "Asked { origin: true, mode: true, .. }");
    assert_eq!(format!("{:?}", Found::Id(b"secret")), "Id(...)");
    assert_eq!(format!("{:?}", Found::Bad), "Bad");
    let session = SessionArgument::parse("s", &["cookie=sid"]).unwrap();
    assert_eq!(format!("{session:?}"), "SessionArgument(s as sid)");
}

#[test]
fn session_parameter_errors_say_what_was_expected() {
    let error = |argument: &str, parameters: &[&str]| {
        let error = SessionArgument::parse(argument, parameters).unwrap_err();
        error.to_string()
    };
    for argument in ["", "a b", "a=b", "a&b", "a%20", "\u{e9}", "a:b", "a[]"] {
        assert_eq!(
            error(argument, &[]),
            "the name of an argument consists of letters, digits, \"-\", \".\", \"_\" and \"~\"",
            "{argument}"
        );
    }
    for cookie in [
        "cookie=",
        "cookie=a b",
        "cookie=a=b",
        "cookie=a,b",
        "cookie=\u{e9}",
    ] {
        assert_eq!(
            error("s", &[cookie]),
            format!("\"{cookie}\": expected a cookie's name")
        );
    }
    for methods in [
        "methods=",
        "methods=,",
        "methods=POST, PUT",
        "methods=Post",
        "methods=*",
    ] {
        assert_eq!(
            error("s", &[methods]),
            format!("\"{methods}\": expected methods in capitals, with commas between them")
        );
    }
    for unknown in ["", "cookie", "methods", "insecure=", "secure", "Cookie=a"] {
        assert_eq!(
            error("s", &[unknown]),
            format!("unknown parameter \"{unknown}\"")
        );
    }
    for (parameters, name) in [
        (&["cookie=a", "cookie=a"], "cookie="),
        (&["methods=A", "methods=A"], "methods="),
        (&["insecure", "insecure"], "insecure"),
    ] {
        assert_eq!(error("s", parameters), format!("\"{name}\" is given twice"));
    }
}

#[test]
fn a_session_leaves_the_query_and_nothing_else_does() {
    let session = SessionArgument::parse("sid", &["cookie=sessionid"]).unwrap();
    let concat = |pieces: Vec<&[u8]>| String::from_utf8(pieces.concat()).unwrap();
    for (target, clean, masked) in [
        ("/a?sid=x", "/a", "/a?sid=***"),
        ("/a?sid=x&b=1", "/a?b=1", "/a?sid=***&b=1"),
        ("/a?b=1&sid=x&c", "/a?b=1&c", "/a?b=1&sid=***&c"),
        ("/a?sid=x&s%69d=y", "/a", "/a?sid=***&s%69d=***"),
        ("/a?sid", "/a", "/a?sid"),
        ("/a?sid=", "/a", "/a?sid="),
        (
            "/a?SID=x&asid=y&sidb=z&sessionid=w",
            "/a?SID=x&asid=y&sidb=z&sessionid=w",
            "/a?SID=x&asid=y&sidb=z&sessionid=w",
        ),
        ("/sid=x?b=sid=x", "/sid=x?b=sid=x", "/sid=x?b=sid=x"),
        ("?sid=x", "/", "?sid=***"),
    ] {
        let view = RequestView::new(target.as_bytes());
        assert_eq!(
            concat(session.clean_target(&view).collect()),
            clean,
            "{target}"
        );
        let query = view.query().unwrap_or_default();
        let clean_query = clean.split_once('?').map_or("", |(_, query)| query);
        assert_eq!(
            concat(session.clean_query(query).collect()),
            clean_query,
            "{target}"
        );
        let line = format!("POST {target} HTTP/1.1");
        let expected = format!("POST {masked} HTTP/1.1");
        let shown = session.masked_request_line(line.as_bytes());
        assert_eq!(concat(shown.collect()), expected, "{target}");
    }
}

#[test]
fn a_value_is_decoded_once_and_is_a_cookie_s() {
    let session = SessionArgument::parse("sid", &[]).unwrap();
    for byte in 0..=u8::MAX {
        let target = format!("/?sid=a%{byte:02X}");
        let mut buffer = [0; MAX_ID];
        let found = session.find(&RequestView::new(target.as_bytes()), &mut buffer);
        let is_octet = byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        let expected = match is_octet {
            true => Found::Id(&[b'a', byte]),
            false => Found::Bad,
        };
        assert!(found == Some(expected), "{byte}");
    }
    let mut buffer = [0; MAX_ID];
    let found = session.find(&RequestView::new(b"/?sid=%2541"), &mut buffer);
    assert!(found == Some(Found::Id(b"%41")));
    // As long as it is decoded, however it came.
    for (len, is_id) in [(MAX_ID, true), (MAX_ID + 1, false)] {
        for id in ["a", "%61"] {
            let target = format!("/?sid={}", id.repeat(len));
            let mut buffer = [0; MAX_ID];
            let found = session.find(&RequestView::new(target.as_bytes()), &mut buffer);
            assert_eq!(matches!(found, Some(Found::Id(_))), is_id, "{id} {len}");
        }
    }
}

fn set_cookie(count: &str, path: &[u8], is_https: bool) -> Option<Vec<u8>> {
    let len = path.len().to_string();
    let pieces = loop_guard::set_cookie(count.as_bytes(), len.as_bytes(), path, is_https)?;
    Some(pieces.collect::<Vec<_>>().concat())
}

#[test]
fn a_count_is_that_of_the_path_s_cookie_and_the_most() {
    for (cookies, expected) in [
        ("crossdomain_media_loop=0-2", 0),
        (" crossdomain_media_loop = 7-2 ;a=1", 7),
        ("crossdomain_media_loop=\"3-2\"", 3),
        (
            "xcrossdomain_media_loop=3-2; crossdomain_media_loopx=4-2",
            0,
        ),
        ("a=crossdomain_media_loop=3-2", 0),
        ("crossdomain_media_loop=4294967295-2", u32::MAX),
        ("crossdomain_media_loop=4294967296-2", 0),
        ("crossdomain_media_loop=1.5-2", 0),
        ("crossdomain_media_loop=\u{0663}-2", 0),
        // Of another path, or of none.
        ("crossdomain_media_loop=3-1", 0),
        ("crossdomain_media_loop=3", 0),
    ] {
        let count = loop_guard::count(cookies.as_bytes(), b"/a");
        assert_eq!(count, expected, "{cookies}");
    }
    // What is set is what is counted.
    for count in ["1", "19"] {
        let cookie = set_cookie(count, b"/a", true).unwrap();
        let pair = cookie.split(|&byte| byte == b';').next().unwrap();
        assert_eq!(loop_guard::count(pair, b"/a").to_string(), count);
        assert_eq!(loop_guard::count(pair, b"/a/b"), 0);
        assert!(loop_guard::is_ours(&cookie));
    }
    assert!(!loop_guard::is_ours(b"crossdomain_media_loops=1; Path=/a"));
    assert!(!loop_guard::is_ours(b"crossdomain_media_loop"));
    assert!(!loop_guard::is_ours(b" crossdomain_media_loop=1"));
    assert_eq!(loop_guard::MAX, 19);
}

#[test]
fn the_answer_to_a_loop_is_that_to_an_invalid_token_in_a_dry_run_too() {
    let responses = |invalid, dry_run| Responses {
        missing: Action::Status(451),
        expired: Action::Named("@expired".into()),
        invalid,
        redirect_code: 307,
        dry_run,
    };
    for dry_run in [false, true] {
        let of = |invalid| responses(invalid, dry_run);
        assert_eq!(
            of(Action::Redirect).instead_of_a_loop(),
            Answer::Status(403)
        );
        assert_eq!(
            of(Action::Status(410)).instead_of_a_loop(),
            Answer::Status(410)
        );
        let named = of(Action::Named("@app".into()));
        assert_eq!(named.instead_of_a_loop(), Answer::HandOver("@app"));
    }
}

proptest! {
    #[test]
    fn a_count_is_for_one_path_and_holds_no_other_attribute(
        path in prop_oneof![
            "/?[a-z/.%;,\"= ~\r\n\u{e9}]{0,4}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..4),
        ],
        count in 0_u32..100,
        is_https in any::<bool>(),
    ) {
        let is_plain = path.iter().all(|&byte| byte.is_ascii_graphic() && byte != b';');
        match set_cookie(&count.to_string(), &path, is_https) {
            None => prop_assert!(!path.starts_with(b"/") || !is_plain),
            Some(cookie) => {
                let life = if count == 0 { 0 } else { 30 };
                let rest = match is_https {
                    true => "SameSite=None; Secure",
                    false => "SameSite=Lax",
                };
                let text = String::from_utf8(cookie).unwrap();
                let path = String::from_utf8(path).unwrap();
                let len = path.len();
                prop_assert_eq!(
                    text,
                    format!("crossdomain_media_loop={count}-{len}; Path={path}; Max-Age={life}; HttpOnly; {rest}")
                );
                prop_assert!(is_plain);
            }
        }
    }

    #[test]
    fn what_is_left_of_a_request_holds_no_session(
        pairs in prop::collection::vec("(sid|s%69d|SID|a|)(=[a-z%&+;]{0,3}|)", 0..4),
    ) {
        let session = SessionArgument::parse("sid", &[]).unwrap();
        let target = format!("/a?{}", pairs.join("&"));
        let view = RequestView::new(target.as_bytes());
        let clean = session.clean_target(&view).collect::<Vec<_>>().concat();
        let mut buffer = [0; MAX_ID];
        prop_assert!(session.find(&RequestView::new(&clean), &mut buffer).is_none());
        let mut buffer = [0; MAX_ID];
        match session.find(&view, &mut buffer) {
            None => prop_assert_eq!(clean, target.into_bytes()),
            Some(Found::Id(id)) => {
                let is_octet = |byte: &u8| byte.is_ascii_graphic() && !b"\",;\\".contains(byte);
                prop_assert!(!id.is_empty() && id.iter().all(is_octet));
            }
            Some(Found::Bad) => {}
        }
    }
}
