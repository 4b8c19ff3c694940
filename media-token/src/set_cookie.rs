//! What may stand in a `Set-Cookie` (RFC 6265, 4.1.1).

/// Whether a text may be a cookie's value: octets that no browser reads otherwise, and
/// at least one.
pub(crate) fn is_value(text: &[u8]) -> bool {
    let is_octet = |byte: &u8| byte.is_ascii_graphic() && !b"\",;\\".contains(byte);
    !text.is_empty() && text.iter().all(is_octet)
}

/// Whether a raw path may be a cookie's `Path`: not where it would end it, or be read
/// as another one.
pub(crate) fn is_path(path: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b';';
    path.starts_with(b"/") && path.iter().all(is_plain)
}
