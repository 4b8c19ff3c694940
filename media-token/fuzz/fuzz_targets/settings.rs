//! Any directive value and any key file: an error or a value, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
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
