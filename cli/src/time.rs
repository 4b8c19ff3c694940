//! Times as nginx and as people write them.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

/// The units of nginx's notation in their order, in seconds.
const UNITS: [(u8, i64); 7] = [
    (b'y', 31_536_000),
    (b'M', 2_592_000),
    (b'w', 604_800),
    (b'd', 86_400),
    (b'h', 3_600),
    (b'm', 60),
    (b's', 1),
];

/// Reads nginx's notation for times (`90`, `2m`, `1h 30m`), in seconds: what nginx's
/// `ngx_parse_time` does for whole seconds.
pub fn parse(text: &str) -> Option<i64> {
    let mut units = UNITS.iter();
    let (mut total, mut value) = (0_i64, 0_i64);
    let mut has_digit = false;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte.is_ascii_digit() {
            let digit = i64::from(byte.checked_sub(b'0')?);
            value = value.checked_mul(10)?.checked_add(digit)?;
            has_digit = true;
            continue;
        }
        let scale = match byte {
            // Seconds, after which nothing may come.
            b' ' if units.len() > 0 => {
                units = [].iter();
                1
            }
            // Milliseconds, which are for other directives.
            b'm' if bytes.peek() == Some(&b's') => return None,
            // The larger units first, and none twice.
            _ => units.find(|(unit, _)| *unit == byte)?.1,
        };
        total = total.checked_add(value.checked_mul(scale)?)?;
        value = 0;
        while bytes.next_if_eq(&b' ').is_some() {}
    }
    has_digit.then(|| total.checked_add(value))?
}

/// Now, in whole Unix seconds, as nginx has it.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Reads a moment: Unix seconds, or RFC 3339 (`2026-01-31T12:00:00Z`).
pub fn moment(text: &str) -> Result<i64> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let parsed = text.parse::<Timestamp>().ok();
    parsed.map(Timestamp::as_second).with_context(|| {
        format!("{text}: expected Unix seconds, or a time such as 2026-01-31T12:00:00Z")
    })
}

/// Reads a life such as `1h30m`.
pub fn life(text: &str) -> Result<i64> {
    parse(text).with_context(|| format!("{text}: expected a time such as 90s, 2m or 1h30m"))
}

/// Unix seconds, and the same for people.
pub fn show(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(moment) => format!("{seconds} ({moment})"),
        Err(_) => seconds.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_nginx() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("90", Some(90)),
            ("90s", Some(90)),
            ("2m", Some(120)),
            ("1h30m", Some(5400)),
            ("1h 30m", Some(5400)),
            ("1h30", Some(3630)),
            ("1d1s", Some(86_401)),
            ("1y1M1w", Some(34_732_800)),
            ("30 ", Some(30)),
            // What nginx takes, too.
            ("5m ", Some(300)),
            ("m5", Some(5)),
            ("30 5", Some(35)),
            ("", None),
            ("m", None),
            ("30m1h", None),
            ("1h1h", None),
            ("5ms", None),
            ("-5", None),
            ("1.5h", None),
            ("soon", None),
            ("30  s", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse(text), seconds, "{text:?}");
        }
    }

    #[test]
    fn moments_are_numbers_or_texts() {
        assert_eq!(moment("1700000000").unwrap(), 1_700_000_000);
        assert_eq!(moment("2023-11-14T22:13:20Z").unwrap(), 1_700_000_000);
        assert!(moment("tomorrow").is_err());
        assert_eq!(show(1_700_000_000), "1700000000 (2023-11-14T22:13:20Z)");
    }
}
