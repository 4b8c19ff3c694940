//! Any request, in all the places where it may carry a credential: what is left of
//! it carries none, and keeps all else.
//!
//! The input is the request target, and behind each newline a header line.

#![no_main]

#[allow(dead_code)]
#[path = "../naive.rs"]
mod naive;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use media_token::clean::{clean_line, clean_target, cut_target, find_segment, masked_request_line};
use media_token::scope::{Path, is_unsafe};
use media_token::{Credential, RequestView, Source, take_with};
use naive::{Line, Request};

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let texts = ["path:~", "cookie:t", "header:X-T", "arg:t"];
    texts.map(|text| Source::parse(text).unwrap()).into()
});

fuzz_target!(|input: &[u8]| {
    let mut parts = input.split(|&byte| byte == b'\n');
    let target = parts.next().unwrap_or_default();
    let lines: Vec<Line> = parts
        .filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            // nginx trims values.
            Some((
                line[..colon].to_vec(),
                line[colon + 1..].trim_ascii().to_vec(),
            ))
        })
        .collect();

    // The path, before there is a location.
    let raw = RequestView::new(target);
    let segment = find_segment(raw.path(), &SOURCES);
    let cut = cut_target(&raw, &SOURCES).collect::<Vec<_>>().concat();
    let view = RequestView::new(&cut);
    assert_eq!(find_segment(view.path(), &SOURCES), None);
    assert_eq!(view.query(), raw.query());
    if segment.is_none() && !target.is_empty() && target[0] != b'?' {
        assert_eq!(cut, target);
    }

    let request = Request {
        lines: &lines,
        segment,
    };
    let carried = take_with(&view, &request, &SOURCES);
    assert!(segment.is_none() || !carried.is_empty() && carried.in_url());
    assert_eq!(
        format!("{carried:?}"),
        naively(segment, &lines, view.query())
    );

    // What is left carries nothing.
    let clean = clean_target(&view, &SOURCES).collect::<Vec<_>>().concat();
    let mut changed = false;
    let cleaned: Vec<Line> = lines
        .iter()
        .filter_map(|(name, value)| {
            let Some(pieces) = clean_line(name, value, &SOURCES) else {
                return Some((name.clone(), value.clone()));
            };
            changed = true;
            let left = pieces.collect::<Vec<_>>().concat();
            assert!(left.len() <= value.len());
            match name.eq_ignore_ascii_case(b"Cookie") {
                true => assert_eq!(kept(value), kept(&left)),
                false => assert!(left.is_empty()),
            }
            (!left.is_empty()).then(|| (name.clone(), left))
        })
        .collect();
    let left = Request {
        lines: &cleaned,
        segment: None,
    };
    let clean_view = RequestView::new(&clean);
    assert!(take_with(&clean_view, &left, &SOURCES).is_empty());
    if carried.is_empty() {
        assert!(!changed);
    }

    // No split of the target but that at its first question mark is believed.
    for at in 0..=target.len() {
        let split = RequestView::with_query(target, &target[at..]);
        assert!(split.path() == raw.path() || is_unsafe(&split, &Path::new(split.path())));
    }

    let line = [b"GET ", target, b" HTTP/1.1"].concat();
    let masked = masked_request_line(&line, &SOURCES)
        .collect::<Vec<_>>()
        .concat();
    assert!(masked.starts_with(b"GET"));
});

/// What `Carried` shows, which is no token.
fn naively(segment: Option<Credential<'_>>, lines: &[Line], query: Option<&[u8]>) -> String {
    let kind = |value: &[u8]| match value {
        [] => "Empty",
        _ => "Once(...)",
    };
    let mut found = Vec::new();
    found.extend(segment.map(|segment| format!("(0, {segment:?})")));
    let named = |wanted: &'static str| {
        let is_it = move |line: &&Line| line.0.eq_ignore_ascii_case(wanted.as_bytes());
        lines.iter().filter(is_it).map(|line| &line.1[..])
    };
    let cookies = named("Cookie").flat_map(|line| line.split(|&byte| byte == b';'));
    let cookies = cookies
        .filter(|cookie| cookie.contains(&b'=') && naive::pair(cookie).0.trim_ascii() == b"t")
        .map(|cookie| match naive::pair(cookie).1.trim_ascii() {
            [b'"', value @ .., b'"'] => value,
            value => value,
        });
    // There is room for four, of which the two sources behind may need one each.
    let room = 2 - found.len();
    found.extend(
        cookies
            .take(room)
            .map(|value| format!("(1, {})", kind(value))),
    );
    let headers: Vec<_> = named("X-T").filter_map(bearer).collect();
    found.extend(match headers[..] {
        [] => None,
        [value] => Some(format!("(2, {})", kind(value))),
        _ => Some("(2, Repeated)".to_owned()),
    });
    let pairs = query.into_iter();
    let pairs = pairs.flat_map(|query| query.split(|&byte| byte == b'&'));
    let ours: Vec<_> = pairs
        .map(naive::pair)
        .filter(|(name, _)| naive::decoded(name, false) == b"t")
        .collect();
    found.extend(match ours[..] {
        [] => None,
        [(_, value)] => Some(format!("(3, {})", kind(value))),
        _ => Some("(3, Repeated)".to_owned()),
    });
    format!("[{}]", found.join(", "))
}

/// The credential in a header.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let mut words = value.splitn(2, u8::is_ascii_whitespace);
    let scheme = words.next()?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"Bearer");
    match words.next() {
        None if is_bearer => Some(b""),
        None => Some(value),
        Some(rest) => is_bearer.then(|| rest.trim_ascii()),
    }
}

/// The cookies of other names.
fn kept(value: &[u8]) -> Vec<&[u8]> {
    let cookies = value.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let is_ours = |cookie: &&[u8]| {
        let name = cookie.split(|&byte| byte == b'=').next();
        name.unwrap_or_default().trim_ascii() == b"t" && cookie.contains(&b'=')
    };
    cookies
        .filter(|cookie| !cookie.is_empty() && !is_ours(cookie))
        .collect()
}
