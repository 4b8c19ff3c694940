//! Any directive value: an error, or a value that says what was written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use media_token::cors::Origins;
use media_token::hand_over::HandOver;
use media_token::session::SessionArgument;
use media_token::{Action, KeyOptions, Source};

fuzz_target!(|input: &[u8]| {
    let Ok(line) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(source) = Source::parse(line) {
        assert_eq!(source.to_string(), line);
        assert!(source.is_same(&source) && line.is_ascii());
    }
    match Action::parse(line) {
        Ok(Action::Redirect) => assert_eq!(line, "redirect"),
        Ok(Action::Named(name)) => assert!(name.starts_with('@') && *name == *line),
        Ok(Action::Status(status)) => {
            assert_eq!(status.to_string(), line);
            // nginx keeps the others for itself.
            assert!((400..600).contains(&status) && !matches!(status, 408 | 494..=497 | 499));
        }
        Err(_) => {}
    }
    directives_for_clients(line);
    let words: Vec<_> = line.split(' ').collect();
    let time = |time: &str| time.parse().ok();
    let backwards = words.iter().rev().copied();
    match KeyOptions::parse(words.iter().copied(), time) {
        // In any order.
        Ok(options) => {
            let same = KeyOptions::parse(backwards, time).unwrap();
            assert_eq!(format!("{same:?}"), format!("{options:?}"));
        }
        Err(_) => assert!(KeyOptions::parse(backwards, time).is_err()),
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
