//! Any URL of a directive, with variables and without, and any value that these may
//! take: the viewer is sent to the origin that is configured, and nowhere else.
//!
//! A line with the directive's value, one with what it evaluates to, and the request
//! target.

#![no_main]

#[allow(dead_code)]
#[path = "../naive.rs"]
mod naive;

use libfuzzer_sys::fuzz_target;
use media_token::{Destination, Origin, Template, Url};

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(3, |&byte| byte == b'\n');
    let [text, value, target] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    // nginx's parser lets no other target through.
    let target = [b"/", target].concat();
    if let Ok(url) = Url::parse(text) {
        let (_, host, rest) = taken_apart(text.as_bytes()).unwrap();
        let location = sent_to(url.destination(), &target);
        assert_eq!(taken_apart(&location).unwrap().1, host);
        let tail: &[u8] = if rest.is_empty() { &target } else { b"" };
        let whole = [text.as_bytes(), tail].concat();
        assert_eq!(location, naive::visible(&whole));
        assert_eq!(
            Origin::parse(text).is_ok(),
            rest.is_empty(),
            "an origin is a URL without a path"
        );
    } else {
        assert!(Origin::parse(text).is_err());
    }
    if let Ok(origin) = Origin::parse(text) {
        assert_eq!(origin.as_str(), text);
        let theirs = origin.as_browsers_do();
        let again = Origin::parse(&theirs).unwrap().as_browsers_do();
        assert!(theirs.len() <= text.len() && again.len() <= theirs.len());
        assert!(!theirs.bytes().any(|byte| byte.is_ascii_uppercase()));
        let value = origin.return_url(&target).collect::<Vec<_>>().concat();
        let back = [text.as_bytes(), &target].concat();
        assert_eq!(naive::decoded(&value, true), back);
    }
    if let Ok(template) = Template::parse(text) {
        evaluated(&template, text, value, &target);
        // What a client would try: to add to a host.
        let literal = written(text).1.split('$').next().unwrap();
        let glued = [b"https://", literal.as_bytes(), value].concat();
        evaluated(&template, text, &glued, &target);
    }
});

fn sent_to(destination: Destination<'_>, target: &[u8]) -> Vec<u8> {
    let location = destination.location(target).collect::<Vec<_>>().concat();
    assert!(location.iter().all(u8::is_ascii_graphic));
    location
}

/// Scheme, authority, and what follows.
fn taken_apart(url: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (scheme, rest) = match (url.strip_prefix(b"https://"), url.strip_prefix(b"http://")) {
        (Some(rest), _) => ("https", rest),
        (_, Some(rest)) => ("http", rest),
        _ => return None,
    };
    // Where browsers see its end.
    let end = rest.iter().position(|byte| b"/?#\\".contains(byte));
    let (host, rest) = rest.split_at(end.unwrap_or(rest.len()));
    Some((scheme.as_bytes(), host, rest))
}

fn evaluated(template: &Template, text: &str, value: &[u8], target: &[u8]) {
    let Ok(destination) = template.destination(value) else {
        return;
    };
    assert!(Destination::parse(value).is_ok());
    let location = sent_to(destination, target);
    let (_, host, _) = taken_apart(&location).unwrap();
    assert!(!host.is_empty() && !host.contains(&b'@'));
    let (scheme, authority) = written(text);
    let mut pieces = authority.split('$');
    let head = pieces.next().unwrap();
    assert!(host.starts_with(head.as_bytes()));
    let Some((_, tail)) = pieces.map(variable).last() else {
        assert_eq!(host, head.as_bytes());
        return;
    };
    if tail.is_empty() && !head.is_empty() {
        // The host is written out, and a path follows.
        assert_eq!(host, head.as_bytes());
        return;
    }
    assert!(host.ends_with(tail.as_bytes()));
    // No variable of the client's is in it.
    let of_authority = authority.split('$').skip(1);
    for piece in scheme.split('$').skip(1).chain(of_authority) {
        let name = variable(piece).0.to_ascii_lowercase();
        let is_set_by_clients = ["host", "uri", "args", "request_uri"].contains(&name.as_str())
            || ["http_", "arg_", "cookie_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
            || name.starts_with(|c: char| c.is_ascii_digit());
        assert!(!is_set_by_clients, "{name}");
    }
}

/// What is written of the scheme and of the authority.
fn written(text: &str) -> (&str, &str) {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => (scheme, rest),
        _ => ("", text),
    };
    (scheme, rest.split(['/', '?', '#']).next().unwrap())
}

/// The name behind a `$`, and what follows it.
fn variable(piece: &str) -> (&str, &str) {
    if let Some((name, tail)) = piece
        .strip_prefix('{')
        .and_then(|rest| rest.split_once('}'))
    {
        return (name, tail);
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let tail = match piece.starts_with(|c: char| c.is_ascii_digit()) {
        // A capture.
        true => &piece[1..],
        false => piece.trim_start_matches(is_name),
    };
    (&piece[..piece.len() - tail.len()], tail)
}
