//! The crate against a naive twin, over generated requests.

use crate::common::{self, Viewer};

use media_token::clean::{clean_target, masked_request_line};
use media_token::{Decision, Destination, Fixed, Policy, RequestView, Source, decide, take};
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000;

fn policy() -> Policy {
    Policy {
        sources: vec![Source::parse("arg:token").unwrap()],
        keys: common::keys(common::SECRET, ""),
        max_age: 120,
        leeway: 0,
        revoked: None,
    }
}

fn status(target: &str) -> &'static str {
    Viewer::default()
        .asks(target, &policy(), NOW)
        .status()
        .as_str()
}

fn clean(target: &str) -> String {
    let sources = policy().sources;
    let view = RequestView::new(target.as_bytes());
    String::from_utf8(clean_target(&view, &sources).collect::<Vec<_>>().concat()).unwrap()
}

/// Quotes a path, and some bytes that need no quoting.
fn over_quote(path: &str, picks: &[bool]) -> String {
    let mut picks = picks.iter().cycle();
    path.bytes()
        .map(|byte| match *picks.next().unwrap() && byte != b'/' {
            true => format!("%{byte:02x}"),
            false => common::quote(&[byte]),
        })
        .collect()
}

/// File names with everything that quoting is about, but no dot segments.
fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 %+:é中?#&=;\"'(){}|\\\\^~@!$*,_-]{1,12}"
}

prop_compose! {
    fn path()(names in prop::collection::vec(name(), 1..4)) -> String {
        format!("/{}", names.join("/"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_django_mints_is_granted_until_its_age_is_over(path in path(), age in 0_i64..300) {
        let quoted = common::quote(path.as_bytes());
        let token = common::mint(&quoted, &common::base62((NOW - age) as u64));
        let expected = if age <= 120 { "granted" } else { "expired" };
        prop_assert_eq!(status(&format!("{quoted}?token={token}")), expected);
        let escaped = token.replace(':', "%3A");
        prop_assert_eq!(status(&format!("{quoted}?a=1&token={escaped}&b")), expected);
    }

    #[test]
    fn the_spelling_of_the_path_does_not_matter(
        path in path(),
        picks in prop::collection::vec(any::<bool>(), 1..9),
    ) {
        let quoted = common::quote(path.as_bytes());
        let token = common::mint(&quoted, &common::base62(NOW as u64));
        let target = format!("{}?token={token}", over_quote(&path, &picks));
        prop_assert_eq!(status(&target), "granted");
    }

    #[test]
    fn a_token_of_another_path_is_never_granted(path in path(), other in path()) {
        prop_assume!(path != other);
        let token = common::mint(&common::quote(other.as_bytes()), &common::base62(NOW as u64));
        let target = format!("{}?token={token}", common::quote(path.as_bytes()));
        prop_assert_eq!(status(&target), "invalid");
    }

    #[test]
    fn the_twin_agrees_on_damaged_requests(
        path in path(),
        age in -200_i64..200,
        position in any::<prop::sample::Index>(),
        damage in "[:/.%#?&=+a0~é-]{0,3}",
        removed in 0_usize..3,
    ) {
        let quoted = common::quote(path.as_bytes());
        let token = common::mint(&quoted, &common::base62((NOW - age) as u64));
        let mut target: Vec<char> = format!("{quoted}?x=1&token={token}").chars().collect();
        let start = position.index(target.len());
        let end = (start + removed).min(target.len());
        target.splice(start..end, damage.chars());
        let target: String = target.into_iter().collect();
        prop_assert_eq!(status(&target), common::naive_status(&target, NOW, 120), "{}", target);
    }

    #[test]
    fn the_twin_agrees_on_anything(target in "/?[a-z%/.:#&=?+é0-9]{0,20}(\\?|&)?(token|t%6fken|Token)?=?[a-zA-Z0-9:%&=_-]{0,50}") {
        prop_assert_eq!(status(&target), common::naive_status(&target, NOW, 120), "{}", target);
    }

    #[test]
    fn a_clean_target_holds_no_token_and_is_its_own_clean_target(
        path in path(),
        pairs in prop::collection::vec(("(token|t%6fken|Token|a|)", "(=[a-z%0-9]{0,6})?"), 0..6),
    ) {
        let join = |pairs: Vec<&(String, String)>| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}{value}")).collect();
            pairs.join("&")
        };
        let path = common::quote(path.as_bytes());
        let kept: Vec<_> = pairs.iter().filter(|(name, _)| !name.starts_with('t')).collect();
        let expected = match kept.is_empty() && !pairs.is_empty() {
            true => path.clone(),
            false => format!("{path}?{}", join(kept)),
        };
        let cleaned = clean(&format!("{path}?{}", join(pairs.iter().collect())));
        prop_assert_eq!(&cleaned, &expected);
        prop_assert_eq!(&clean(&cleaned), &cleaned);
        let view = RequestView::new(cleaned.as_bytes());
        prop_assert!(take(&view, &policy().sources).is_empty());
    }

    #[test]
    fn cutting_by_offsets_gives_what_looking_at_every_pair_gives(
        path in "(/[a-z?]{0,5})?",
        pairs in prop::collection::vec("(token|t%6fken|a|token=|=|)(=[a-z%0-9]{0,6})?", 0..4),
        method in "[A-Z]{0,7}",
        authority in "(http://h)?",
    ) {
        let is_token = |pair: &str| {
            let name = pair.split('=').next().unwrap();
            name == "token" || name == "t%6fken"
        };
        let sources = policy().sources;
        let target = format!("{path}?{}", pairs.join("&"));
        let line = format!("{method} {authority}{target} HTTP/1.1");
        // As in HTTP/1, where the one is a part of the other.
        let start = method.len() + 1 + authority.len();
        let view = RequestView::new(&line.as_bytes()[start..][..target.len()]);
        let carried = take(&view, &sources);
        if let Some(parts) = carried.clean_parts(&view) {
            prop_assert_eq!(String::from_utf8(parts.concat()).unwrap(), clean(&target));
        }
        let masked: Vec<_> = masked_request_line(line.as_bytes(), &sources).collect();
        let parts = carried.masked_parts(&view, line.as_bytes());
        if let Some(parts) = parts {
            prop_assert_eq!(parts.concat(), masked.concat());
        }
        let query = target.split_once('?').unwrap().1;
        let only: Vec<_> = query.split('&').filter(|pair| is_token(pair)).collect();
        let is_masked = matches!(only[..], [pair] if pair.split_once('=').is_some_and(|(_, value)| !value.is_empty()));
        prop_assert_eq!(parts.is_some(), is_masked);
        // Another copy of the line.
        prop_assert!(carried.masked_parts(&view, &line.clone().into_bytes()).is_none());
        let tail = line.len() - 3;
        prop_assert!(carried.masked_parts(&view, &line.as_bytes()[tail..]).is_none());
    }

    #[test]
    fn a_masked_line_shows_no_value(value in "[A-Z]{4,20}", before in "[a-z=&]{0,9}") {
        let line = format!("GET /p?{before}&token={value}&b=1 HTTP/1.1");
        let sources = policy().sources;
        let masked: Vec<_> = masked_request_line(line.as_bytes(), &sources).collect();
        let masked = String::from_utf8(masked.concat()).unwrap();
        prop_assert!(!masked.contains(&value), "{}", masked);
        prop_assert!(masked.starts_with("GET /p?") && masked.ends_with("&b=1 HTTP/1.1"));
    }

    #[test]
    fn a_redirect_begins_with_the_origin_and_is_visible_ascii(target in any::<Vec<u8>>()) {
        let mut slash = vec![b'/'];
        slash.extend(target);
        let destination = Destination::parse(b"https://www.example.com").unwrap();
        let location = destination.location(&slash).collect::<Vec<_>>().concat();
        prop_assert!(location.starts_with(b"https://www.example.com/"));
        prop_assert!(location.iter().all(u8::is_ascii_graphic));
    }

    #[test]
    fn nothing_is_granted_without_a_signature(target in any::<Vec<u8>>(), now in any::<i64>()) {
        let policy = policy();
        let view = RequestView::new(&target);
        let carried = take(&view, &policy.sources);
        let decision = decide(&view, &carried, &policy, now, &mut Fixed::new(&mut []));
        prop_assert!(matches!(decision, Ok(Decision::Refused(_))));
    }
}
