//! Any directive value and any key file: an error or a value, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use media_token::cors::Origins;
use media_token::hand_over::HandOver;
use media_token::session::SessionArgument;
use media_token::{Action, Destination, Key, KeyOptions, Origin, Source};

fuzz_target!(|input: &[u8]| {
    // The first line holds the parameters, the rest is the key file.
    let end = input
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(input.len());
    let (line, file) = input.split_at(end);
    if let Ok(destination) = Destination::parse(line) {
        let location = destination.location(b"/a").collect::<Vec<_>>().concat();
        assert!(location.starts_with(b"https://") || location.starts_with(b"http://"));
        assert!(location.iter().all(u8::is_ascii_graphic));
    }
    let Ok(line) = std::str::from_utf8(line) else {
        return;
    };
    if Origin::parse(line).is_ok() {
        assert!(Destination::parse(line.as_bytes()).is_ok());
    }
    if let Ok(source) = Source::parse(line) {
        assert_eq!(source.to_string(), line);
    }
    let _ = Action::parse(line);
    directives_for_clients(line);
    if let Ok(options) = KeyOptions::parse(line.split(' '), |time| time.parse().ok())
        && let Ok(found) = Key::read(file, &options)
    {
        assert!(!found.keys.is_empty());
        for key in found.keys {
            assert!(
                key.id()
                    .is_none_or(|id| id.bytes().all(|byte| byte.is_ascii_graphic()))
            );
        }
    }
});

/// Names and parameters, with spaces between them.
fn directives_for_clients(line: &str) {
    let words: Vec<_> = line.split(' ').collect();
    let [name, parameters @ ..] = &words[..] else {
        return;
    };
    // No word becomes more than one attribute of a cookie.
    let is_name = |name: &str| !name.is_empty() && !name.contains([';', '=', ',', '"']);
    if let Ok(hand_over) = HandOver::parse(name, parameters, |time| time.parse().ok()) {
        let insecure = parameters.contains(&"insecure");
        let prefix = if insecure { "" } else { "__Secure-" };
        assert_eq!(*hand_over.cookie, *format!("{prefix}{name}"));
        assert!(is_name(&hand_over.cookie) && hand_over.cookie.is_ascii());
        assert_eq!(hand_over.redirects, parameters.contains(&"redirect"));
        if let Some(minting) = hand_over.minting {
            assert!(minting.max_age > 0 && minting.deadline >= minting.max_age);
        }
    }
    if let Ok(session) = SessionArgument::parse(name, parameters) {
        assert!(is_name(&session.cookie) && session.cookie.is_ascii());
        assert_eq!(session.insecure, parameters.contains(&"insecure"));
        assert!(!session.is_for(b"") && !session.is_for(b"get"));
    }
    let mut origins = Origins::default();
    if words.iter().all(|word| origins.add(word).is_ok()) {
        for word in &words {
            let allowed = origins.allow(word.as_bytes()).unwrap();
            let is_named = !matches!(*word, "*" | "null");
            assert_eq!(allowed.credentials, is_named, "{word}");
        }
    }
}
