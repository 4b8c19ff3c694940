//! The path by which nginx looks for a location: percent-decoded once, without dot
//! segments and, with `merge_slashes`, without doubled slashes
//! (`ngx_http_parse_complex_uri`).

/// nginx's `$uri` for a raw path. `None` where nginx answers 400: a path that leaves the
/// root, a NUL, or an escape that is none.
pub fn normalised(raw_path: &[u8], merges_slashes: bool) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::with_capacity(raw_path.len());
    let mut rest = raw_path;
    loop {
        let byte = match rest {
            // nginx takes it for the end.
            [b'#', ..] | [] => break,
            [b'%', high, low, tail @ ..] => {
                rest = tail;
                let digit = |digit: u8| char::from(digit).to_digit(16);
                let byte = digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?;
                u8::try_from(byte).ok()?
            }
            [b'%', ..] => return None,
            [byte, tail @ ..] => {
                rest = tail;
                *byte
            }
        };
        match byte {
            b'\0' => return None,
            // After a dot segment, the slash before it stands for both.
            b'/' if close_segment(&mut out)? => {}
            b'/' if merges_slashes && out.ends_with(b"/") => {}
            byte => out.push(byte),
        }
    }
    close_segment(&mut out)?;
    out.starts_with(b"/").then_some(out)
}

/// Takes a dot segment at the end out, and the one before it with `..`; says whether
/// there was one.
fn close_segment(out: &mut Vec<u8>) -> Option<bool> {
    let after_slash = |path: &[u8]| {
        let slash = path.iter().rposition(|&byte| byte == b'/');
        slash.map(|slash| slash.saturating_add(1))
    };
    let Some(start) = after_slash(out) else {
        return Some(false);
    };
    match out.get(start..)? {
        b"." => out.truncate(start),
        b".." => {
            out.truncate(start.saturating_sub(1));
            let parent = after_slash(out)?;
            out.truncate(parent);
        }
        _ => return Some(false),
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_as_nginx_does() {
        for (raw, merged, kept) in [
            ("/", Some("/"), Some("/")),
            ("/a/b", Some("/a/b"), Some("/a/b")),
            ("/a%2Fb%20c", Some("/a/b c"), Some("/a/b c")),
            ("/a//b", Some("/a/b"), Some("/a//b")),
            ("/a%2F/b", Some("/a/b"), Some("/a//b")),
            ("/a/./b/.", Some("/a/b/"), Some("/a/b/")),
            ("/a/../b", Some("/b"), Some("/b")),
            ("/a/b/..", Some("/a/"), Some("/a/")),
            ("/a/%2e%2E/b", Some("/b"), Some("/b")),
            ("/a/.../b", Some("/a/.../b"), Some("/a/.../b")),
            ("/a/..b", Some("/a/..b"), Some("/a/..b")),
            ("/a#b", Some("/a"), Some("/a")),
            ("/a%23b%3Fc%25", Some("/a#b?c%"), Some("/a#b?c%")),
            ("/..", None, None),
            ("//..", None, Some("/")),
            ("//../b", None, Some("/b")),
            ("///../../b", None, Some("/b")),
            ("//a/../../b", None, Some("/b")),
            ("//../../b", None, None),
            ("/a/../../b", None, None),
            ("/a%00", None, None),
            ("/a%zz", None, None),
            ("/a%2", None, None),
            ("a", None, None),
        ] {
            for (merges, expected) in [(true, merged), (false, kept)] {
                let found = normalised(raw.as_bytes(), merges);
                assert_eq!(
                    found.as_deref(),
                    expected.map(str::as_bytes),
                    "{raw} {merges}"
                );
            }
        }
    }
}
