//! What clients say of themselves, and what responses say of caching: header lines,
//! cookies that count, sessions in the query.
//!
//! The first byte says which.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use media_token::cors::{Asked, Origins, names, refusal};
use media_token::response::{capped, keeping, unshared};
use media_token::session::{Found, MAX_ID, SessionArgument};
use media_token::{Decision, Reason, RequestView, loop_guard};
use serde_json::Value;

static ORIGINS: LazyLock<[Origins; 2]> = LazyLock::new(|| {
    [
        &["https://a.example", "null"][..],
        &["https://a.example", "*"],
    ]
    .map(|texts| {
        let mut origins = Origins::default();
        texts.iter().for_each(|text| origins.add(text).unwrap());
        origins
    })
});

static SESSION: LazyLock<SessionArgument> =
    LazyLock::new(|| SessionArgument::parse("sid", &["cookie=s"]).unwrap());

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else {
        return;
    };
    match mode % 4 {
        0 => scripts(rest),
        1 => loops(rest),
        2 => sessions(rest),
        _ => caching(rest),
    }
});

/// The method, and behind each newline a header line.
fn scripts(input: &[u8]) {
    let mut parts = input.split(|&byte| byte == b'\n');
    let method = parts.next().unwrap_or_default();
    let lines: Vec<_> = parts
        .filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        })
        .collect();
    let asked = Asked::read(lines.iter().copied());
    let once = |name: &str| {
        let is_it = |line: &&(&[u8], _)| line.0.eq_ignore_ascii_case(name.as_bytes());
        let mut found = lines.iter().filter(is_it);
        let first = found.next()?;
        found.next().is_none().then_some(first.1)
    };
    assert_eq!(asked.origin, once("Origin"));
    assert_eq!(asked.mode, once("Sec-Fetch-Mode"));
    assert_eq!(asked.method, once("Access-Control-Request-Method"));
    assert_eq!(asked.headers, once("Access-Control-Request-Headers"));
    if asked.preflight(method).is_some() {
        assert!(method == b"OPTIONS" && asked.origin.is_some());
    }
    assert!(asked.is_script(method) || matches!(method, b"GET" | b"HEAD"));
    if let Some(origin) = asked.origin {
        for origins in &*ORIGINS {
            let Some(allowed) = origins.allow(origin) else {
                continue;
            };
            assert_eq!(allowed.credentials, origin == b"https://a.example");
            // Nothing that was sent comes back but what is configured.
            assert!(matches!(
                allowed.origin,
                b"https://a.example" | b"null" | b"*"
            ));
        }
    }
    let said = asked.headers.and_then(names).unwrap_or_default();
    assert!(
        said.iter()
            .all(|&byte| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic())
    );

    // `Destination::location` lets only these through.
    let url: Vec<u8> = input.iter().copied().filter(u8::is_ascii_graphic).collect();
    let decision = Decision::from(Reason::TokenExpired);
    let body = refusal(&decision, &url).collect::<Vec<_>>().concat();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["location"].as_str().unwrap().as_bytes(), url);
}

/// A path, or a line of cookies.
fn loops(input: &[u8]) {
    // The line itself stands for the path.
    let count = loop_guard::count(input, input).to_string();
    let len = input.len().to_string();
    for is_https in [true, false] {
        let Some(pieces) =
            loop_guard::set_cookie(count.as_bytes(), len.as_bytes(), input, is_https)
        else {
            continue;
        };
        let cookie = String::from_utf8(pieces.collect::<Vec<_>>().concat()).unwrap();
        assert!(
            cookie
                .bytes()
                .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        );
        let parts: Vec<_> = cookie.split("; ").collect();
        assert_eq!(parts.len(), if is_https { 6 } else { 5 }, "{cookie}");
        assert_eq!(parts[0], format!("{}={count}-{len}", loop_guard::COOKIE));
        assert_eq!(parts[1].as_bytes(), [b"Path=", input].concat());
        // What is set is what will be counted.
        let counted = |path: &[u8]| loop_guard::count(parts[0].as_bytes(), path).to_string();
        assert_eq!(counted(input), count);
        assert_eq!(counted(&[input, b"x"].concat()), "0");
    }
}

/// A request target.
fn sessions(input: &[u8]) {
    let view = RequestView::new(input);
    let mut buffer = [0; MAX_ID];
    let found = SESSION.find(&view, &mut buffer);
    let clean = SESSION.clean_target(&view).collect::<Vec<_>>().concat();
    match found {
        None => assert!(clean == input || !input.starts_with(b"/")),
        Some(Found::Bad) => assert!(clean.len() <= input.len() + 1),
        Some(Found::Id(id)) => {
            assert!(!id.is_empty() && id.iter().all(u8::is_ascii_graphic));
            assert!(!id.iter().any(|byte| b"\",;\\".contains(byte)));
            // As a cookie it is one cookie, with this value.
            let line = [b"a=1; s=", id].concat();
            assert!(SESSION.is_in(&line) && SESSION.is_set_by(&line[5..]));
        }
    }
    let mut buffer = [0; MAX_ID];
    assert!(
        SESSION
            .find(&RequestView::new(&clean), &mut buffer)
            .is_none()
    );
    let query = view.query().unwrap_or_default();
    let query = SESSION.clean_query(query).collect::<Vec<_>>().concat();
    assert_eq!(RequestView::new(&clean).query().unwrap_or_default(), query);
    if !input.contains(&b' ') {
        let line = [b"POST ", input, b" HTTP/1.1"].concat();
        let masked = SESSION.masked_request_line(&line);
        let masked = masked.collect::<Vec<_>>().concat();
        assert!(masked.len() <= line.len() * 2);
        assert_eq!(masked == line, found.is_none() || !shows_more(input));
    }
}

/// Whether an argument of the session's has a value that a mask can stand for.
fn shows_more(target: &[u8]) -> bool {
    let query = RequestView::new(target).query().unwrap_or_default();
    query.split(|&byte| byte == b'&').any(|pair| {
        let mut buffer = [0; MAX_ID];
        let alone = [b"/?", pair].concat();
        let is_ours = SESSION
            .find(&RequestView::new(&alone), &mut buffer)
            .is_some();
        let value = pair.splitn(2, |&byte| byte == b'=').nth(1);
        is_ours && value.is_some_and(|value| !value.is_empty() && value != b"***")
    })
}

/// A byte for the seconds that are left, and a `Cache-Control`.
fn caching(input: &[u8]) {
    let Some((&seconds, value)) = input.split_first() else {
        return;
    };
    // What a quoted pair stands for nobody here asks.
    if value.contains(&b'\\') {
        return;
    }
    let seconds = u64::from(seconds);
    let digits = seconds.to_string();
    let cap = |value: &[u8]| {
        let pieces: Vec<_> = capped(value, seconds, digits.as_bytes())
            .map(<[u8]>::to_vec)
            .collect();
        pieces.concat()
    };
    let left = cap(value);
    assert_eq!(cap(&left), left);
    assert_eq!(keeping(&left), keeping(value));
    // As `cap_keeping` reckons.
    assert!(left.len() <= (value.len() + digits.len()) * 2);
    for directive in directives(&left) {
        let directive = String::from_utf8_lossy(&directive).to_ascii_lowercase();
        let (name, argument) = directive.split_once('=').unwrap_or((&directive, ""));
        match name.trim_ascii() {
            "max-age" | "s-maxage" => {
                let number = argument.trim_ascii().trim_matches('"');
                assert!(number.parse::<u64>().unwrap() <= seconds);
            }
            name => assert!(!matches!(name, "stale-while-revalidate" | "stale-if-error")),
        }
    }
    let private: Vec<_> = unshared(value).map(<[u8]>::to_vec).collect();
    let private = private.concat();
    assert!(private.len() <= value.len() * 2);
    let again: Vec<_> = unshared(&private).map(<[u8]>::to_vec).collect();
    assert_eq!(again.concat(), private);
    for directive in directives(&private) {
        let directive = String::from_utf8_lossy(&directive).to_ascii_lowercase();
        let name = directive.split('=').next().unwrap_or_default().trim_ascii();
        assert!(!matches!(name, "public" | "s-maxage"));
    }
}

/// What commas outside of quotes separate.
fn directives(value: &[u8]) -> Vec<Vec<u8>> {
    let mut found = vec![Vec::new()];
    let mut is_quoted = false;
    for &byte in value {
        is_quoted = is_quoted != (byte == b'"');
        match found.last_mut() {
            Some(last) if byte != b',' || is_quoted => last.push(byte),
            _ => found.push(Vec::new()),
        }
    }
    found
}
