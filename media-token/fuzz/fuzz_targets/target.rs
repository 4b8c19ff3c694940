//! Any request target, taken apart as the naive twin does: path and query, pairs, names
//! and values, credentials, what is left without them, and how the path is spelled.

#![no_main]

#[allow(dead_code)]
#[path = "../naive.rs"]
mod naive;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use media_token::clean::{clean_query, clean_target, masked_request_line};
use media_token::query::{Pair, decode_value, pairs};
use media_token::scope::{Path, PathForm, is_unsafe};
use media_token::{Destination, Origin, RequestView, Source, take};

const NAMES: [&str; 2] = ["token", "~t.-_"];

static SOURCES: LazyLock<[Source; 2]> =
    LazyLock::new(|| NAMES.map(|name| Source::parse(&format!("arg:{name}")).unwrap()));

fuzz_target!(|target: &[u8]| {
    let (path, query) = naive::parts(target);
    // The target is a part of the line, as in HTTP/1.
    let line = [b"GET ", target, b" HTTP/1.1"].concat();
    let view = RequestView::new(&line[4..][..target.len()]);
    assert_eq!(view.path(), path);
    assert_eq!(view.query(), query);
    let all: Vec<_> = query
        .into_iter()
        .flat_map(|query| query.split(|&byte| byte == b'&'))
        .collect();
    let found: Vec<_> = query.into_iter().flat_map(pairs).collect();
    assert_eq!(found.iter().map(|pair| pair.raw).collect::<Vec<_>>(), all);
    all.iter().for_each(|raw| read_pair(raw));

    // What it carries.
    let number = |raw: &[u8]| {
        let name = naive::decoded(naive::pair(raw).0, false);
        NAMES.iter().position(|known| known.as_bytes() == name)
    };
    let ours = |wanted| {
        let ours = all.iter().filter(move |raw| number(raw) == Some(wanted));
        ours.map(|raw| naive::pair(raw).1).collect::<Vec<_>>()
    };
    let credentials = (0..NAMES.len()).filter_map(|number| match ours(number)[..] {
        [] => None,
        [[]] => Some(format!("({number}, Empty)")),
        [_] => Some(format!("({number}, Once(...))")),
        _ => Some(format!("({number}, Repeated)")),
    });
    let expected = format!("[{}]", credentials.collect::<Vec<_>>().join(", "));
    let sources = &*SOURCES;
    let carried = take(&view, sources);
    // Which shows no token.
    assert_eq!(format!("{carried:?}"), expected);
    assert_eq!(carried.is_empty(), expected == "[]");
    assert_eq!(carried.in_url(), !carried.is_empty());
    assert_eq!(carried.in_query(), !carried.is_empty());

    // What is left.
    let kept: Vec<_> = all.iter().filter(|raw| number(raw).is_none()).collect();
    let kept_query = join(kept.iter().map(|raw| raw.to_vec()));
    let mark: &[u8] = if kept.is_empty() { b"" } else { b"?" };
    let expected = [path, mark, &kept_query].concat();
    let clean = clean_target(&view, sources).collect::<Vec<_>>().concat();
    assert_eq!(clean, expected);
    if let Some(query) = query {
        let clean = clean_query(query, sources).collect::<Vec<_>>().concat();
        assert_eq!(clean, kept_query);
    }
    if let Some(parts) = carried.clean_parts(&view) {
        assert_eq!(parts.concat(), expected);
    }
    assert!(take(&RequestView::new(&clean), sources).is_empty());

    // What logs show.
    let masked = all.iter().map(|raw| match naive::pair(raw).1 {
        [] => raw.to_vec(),
        _ if number(raw).is_none() => raw.to_vec(),
        value => [&raw[..raw.len() - value.len()], b"***"].concat(),
    });
    let mark: &[u8] = if query.is_some() { b"?" } else { b"" };
    let raw_path = &target[..target.len() - query.map_or(0, |query| query.len() + 1)];
    let expected = [b"GET ", raw_path, mark, &join(masked), b" HTTP/1.1"].concat();
    let shown = masked_request_line(&line, sources)
        .collect::<Vec<_>>()
        .concat();
    assert_eq!(shown, expected);
    if let Some(parts) = carried.masked_parts(&view, &line) {
        assert_eq!(parts.concat(), expected);
    }

    // The path.
    assert_eq!(
        is_unsafe(&view, &Path::new(view.path())),
        naive::is_unsafe(target)
    );
    let forms = [
        PathForm::Reverse,
        PathForm::Storage,
        PathForm::Decoded,
        PathForm::Raw,
    ];
    for (form, name) in forms.into_iter().zip(naive::FORMS) {
        let mut spelled = Vec::new();
        Path::new(path).spell(form, &mut |piece| spelled.extend_from_slice(piece));
        assert_eq!(spelled, naive::spelled(name, path), "{name}");
    }

    // Where the viewer is sent, and comes back to.
    let url = b"https://www.example.com";
    let destination = Destination::parse(url).unwrap();
    let location = destination.location(&clean).collect::<Vec<_>>().concat();
    assert_eq!(location, [url, &naive::visible(&clean)[..]].concat());
    let origin = Origin::parse("https://media.example.org").unwrap();
    let value = origin.return_url(&clean).collect::<Vec<_>>().concat();
    let is_of_a_value = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(byte);
    assert!(value.iter().all(is_of_a_value));
    let back = [origin.as_str().as_bytes(), &clean].concat();
    assert_eq!(naive::decoded(&value, true), back);
});

fn join(pairs: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    pairs.collect::<Vec<_>>().join(&b'&')
}

fn read_pair(raw: &[u8]) {
    let (name, value) = naive::pair(raw);
    for wanted in NAMES {
        let is_it = naive::decoded(name, false) == wanted.as_bytes();
        assert_eq!(Pair { raw }.value_of(wanted), is_it.then_some(value));
    }
    let decoded = naive::decoded(value, true);
    for len in [0, 4, 32] {
        let mut buffer = [0; 32];
        let expected = (decoded.len() <= len).then_some(&decoded[..]);
        assert_eq!(decode_value(value, &mut buffer[..len]), expected);
    }
}
