//! Any request, in all the places where it may carry a credential: what is left of
//! it carries none, and keeps all else.
//!
//! The input is the request target, and behind each newline a header line.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use media_token::clean::{clean_line, clean_target, cut_target, find_segment, masked_request_line};
use media_token::scope::{Path, is_unsafe};
use media_token::{Credential, Fields, RequestView, Source, take_with};

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let texts = ["path:~", "cookie:t", "header:X-T", "arg:t"];
    texts.map(|text| Source::parse(text).unwrap()).into()
});

type Line = (Vec<u8>, Vec<u8>);

struct Request<'a> {
    lines: &'a [Line],
    segment: Option<Credential<'a>>,
}

impl<'a> Fields<'a> for Request<'a> {
    fn lines(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.lines
            .iter()
            .map(|(name, value)| (&name[..], &value[..]))
    }

    fn segment(&self) -> Option<Credential<'a>> {
        self.segment
    }
}

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
