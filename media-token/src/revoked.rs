//! What no longer counts although its signature holds: keys, subjects and single tokens.
//!
//! A list is text in UTF-8, one entry a line: `kid ID`, `sub SUBJECT` or `jti ID`, the
//! rest of the line taken as it is, but for white space at its end. Empty lines, and
//! those that begin with `#`, say nothing. The names are those of RFC 7515, 4.1.4 and
//! RFC 7519, 4.1.2 and 4.1.7.

use std::cmp::Ordering;
use std::fmt::Display;
use std::io::Read;
use std::path::Path;

use crate::decision::Grant;
use crate::key;

/// Larger files are not lists, in bytes.
pub const MAX_FILE: u64 = 16 << 20;

/// What an entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Key,
    Subject,
    Token,
}

impl Kind {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "kid" => Self::Key,
            "sub" => Self::Subject,
            "jti" => Self::Token,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Key => "its key",
            Self::Subject => "its subject",
            Self::Token => "its id",
        }
    }
}

/// Why a list cannot be used, worded for the configuration's author.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokedError {
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// More than [`MAX_FILE`].
    #[error("larger than {MAX_FILE} bytes")]
    TooLarge,
    /// Bytes that are no text.
    #[error("line {0} is not valid UTF-8")]
    Encoding(usize),
    /// A line that is no entry.
    #[error("line {0}: expected \"kid ID\", \"sub SUBJECT\" or \"jti ID\"")]
    Line(usize),
}

/// What is revoked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    /// All values, one after the other.
    values: Box<str>,
    /// Sorted by kind and value, each once.
    entries: Box<[Entry]>,
}

/// A value's kind and place. [`MAX_FILE`] is why four bytes are enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    start: u32,
    len: u32,
}

impl Entry {
    fn value(self, values: &str) -> &str {
        let start = usize::try_from(self.start).unwrap_or(usize::MAX);
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        let end = start.saturating_add(len);
        values.get(start..end).unwrap_or_default()
    }

    fn compare(self, kind: Kind, value: &str, values: &str) -> Ordering {
        let by_kind = self.kind.cmp(&kind);
        by_kind.then_with(|| self.value(values).cmp(value))
    }
}

impl Revoked {
    /// Reads a list from a regular file.
    ///
    /// # Errors
    /// [`RevokedError`], worded for the configuration's author.
    pub fn read(path: &Path) -> Result<Self, RevokedError> {
        let unreadable = |error: &dyn Display| RevokedError::Unreadable(error.to_string());
        let (file, metadata) = key::open_regular(path).map_err(|error| unreadable(&error))?;
        let limit = MAX_FILE.saturating_add(1);
        let expected = metadata.len().saturating_add(1).min(limit);
        let mut list = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
        let read = file.take(limit).read_to_end(&mut list);
        read.map_err(|error| unreadable(&error))?;
        Self::parse(&list)
    }

    /// Reads a list.
    ///
    /// # Errors
    /// [`RevokedError`], with the number of the line, from 1.
    pub fn parse(list: &[u8]) -> Result<Self, RevokedError> {
        if list.len() as u64 > MAX_FILE {
            return Err(RevokedError::TooLarge);
        }
        let mut values = String::with_capacity(list.len());
        let mut entries = Vec::new();
        // Editors of some systems begin files with a byte order mark.
        let list = list.strip_prefix(b"\xef\xbb\xbf").unwrap_or(list);
        for (number, line) in (1..).zip(list.split(|&byte| byte == b'\n')) {
            let line = str::from_utf8(line).map_err(|_| RevokedError::Encoding(number))?;
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let parts = line.split_once([' ', '\t']);
            let entry = parts.and_then(|(word, value)| {
                let value = value.trim_ascii_start();
                // Among them line ends of old, which would make one entry of many. Ids and
                // subjects have none.
                if value.contains(char::is_control) {
                    return None;
                }
                let entry = Entry {
                    kind: Kind::parse(word)?,
                    start: u32::try_from(values.len()).ok()?,
                    len: u32::try_from(value.len()).ok()?,
                };
                values.push_str(value);
                Some(entry)
            });
            entries.push(entry.ok_or(RevokedError::Line(number))?);
        }
        let order =
            |one: &Entry, other: &Entry| one.compare(other.kind, other.value(&values), &values);
        entries.sort_unstable_by(order);
        entries.dedup_by(|one, other| order(one, other).is_eq());
        Ok(Self {
            values: values.into(),
            entries: entries.into(),
        })
    }

    /// How many different entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the key of this id is revoked.
    #[must_use]
    pub fn has_key(&self, id: &str) -> bool {
        self.holds(Kind::Key, id)
    }

    /// What of a grant is revoked, in words; `None` when it counts.
    #[must_use]
    pub fn covers(&self, grant: &Grant<'_>) -> Option<&'static str> {
        let named = [
            (Kind::Key, grant.key_id),
            (Kind::Subject, grant.subject),
            (Kind::Token, grant.token_id),
        ];
        named.into_iter().find_map(|(kind, value)| {
            let holds = self.holds(kind, value?);
            holds.then(|| kind.as_str())
        })
    }

    fn holds(&self, kind: Kind, value: &str) -> bool {
        let compare = |entry: &Entry| entry.compare(kind, value, &self.values);
        self.entries.binary_search_by(compare).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GRANT: Grant<'_> = Grant {
        key_id: None,
        subject: None,
        token_id: None,
        format: crate::Format::Jwt,
        expires: 0,
        age: None,
        source: 0,
        folder: None,
        began: None,
        is_for_address: false,
    };

    fn parse(text: &str) -> Revoked {
        Revoked::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn each_kind_revokes_what_it_names_and_nothing_else() {
        let grant = Grant {
            key_id: Some("k"),
            subject: Some("s"),
            token_id: Some("t"),
            ..GRANT
        };
        let covers = |text| parse(text).covers(&grant);
        assert_eq!(covers("kid k"), Some("its key"));
        assert_eq!(covers("sub s"), Some("its subject"));
        assert_eq!(covers("jti t"), Some("its id"));
        assert_eq!(covers("kid s\nkid t\nsub k\nsub t\njti k\njti s"), None);
        assert_eq!(covers("kid K\nkid kk\nsub \u{73}s\njti tt"), None);
        assert_eq!(covers("# jti t\n\n"), None);
        assert_eq!(parse("kid k\nsub s\njti t").covers(&GRANT), None);
    }

    #[test]
    fn white_space_around_entries_does_not_count_but_within_does() {
        let subject = |subject| Grant {
            subject: Some(subject),
            ..GRANT
        };
        let list = parse("\u{feff}  sub \t Ann  Lee \r\n\t#sub x\nsub #y\n");
        assert_eq!(list.len(), 2);
        assert!(list.covers(&subject("Ann  Lee")).is_some());
        assert!(list.covers(&subject("#y")).is_some());
        assert!(list.covers(&subject("Ann Lee")).is_none());
        assert!(list.covers(&subject("x")).is_none());
    }

    #[test]
    fn errors_name_the_line() {
        let error = |list: &[u8]| Revoked::parse(list).unwrap_err();
        for line in [
            "kid",
            "kid ",
            "sub\t",
            "user ann",
            "KID k",
            "sub=ann",
            "jti a\rsub b",
            "sub a\tb",
            "\u{a0}",
        ] {
            let text = format!("jti a\n# b\n\n{line}\n");
            assert_eq!(error(text.as_bytes()), RevokedError::Line(4), "{line}");
        }
        assert_eq!(error(b"jti a\njti \xff"), RevokedError::Encoding(2));
    }

    #[test]
    fn an_empty_list_revokes_nothing() {
        for text in ["", "\n", "# none"] {
            assert!(parse(text).is_empty());
        }
        // What is not there is not the empty name either.
        assert_eq!(Revoked::default().covers(&GRANT), None);
    }

    proptest! {
        #[test]
        fn searching_finds_what_looking_at_each_line_finds(
            lines in prop::collection::vec(("kid|sub|jti", "[ab]{1,3}"), 0..40),
            asked in "[ab]{1,3}",
        ) {
            let text: String = lines.iter().map(|(kind, value)| format!("{kind} {value}\n")).collect();
            let list = parse(&text);
            let is_listed = |kind: &str| lines.iter().any(|(k, v)| k == kind && *v == asked);
            prop_assert_eq!(list.holds(Kind::Key, &asked), is_listed("kid"));
            prop_assert_eq!(list.holds(Kind::Subject, &asked), is_listed("sub"));
            prop_assert_eq!(list.holds(Kind::Token, &asked), is_listed("jti"));
            let mut different = lines.clone();
            different.sort();
            different.dedup();
            prop_assert_eq!(list.len(), different.len());
        }
    }
}
