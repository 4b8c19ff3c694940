//! CloudFront's rules read naively, from FORMATS.md, section 2, and not from the crate.

use std::collections::HashMap;

use crate::common;

use serde_json::Value;

const NAMES: [&str; 5] = [
    "Expires",
    "Policy",
    "Signature",
    "Key-Pair-Id",
    "Hash-Algorithm",
];

/// One of the five, with its value, of a pair of the query.
fn parameter(pair: &str) -> Option<(&'static str, Vec<u8>)> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let decoded = common::unquote(name, false);
    let name = NAMES
        .into_iter()
        .find(|known| known.as_bytes() == decoded)?;
    Some((name, common::unquote(value, true)))
}

/// The target without the five, and the five in the order of their names.
pub fn take_apart(target: &str) -> (String, Vec<(&'static str, Vec<u8>)>) {
    let Some((path, query)) = target.split_once('?') else {
        return (target.to_owned(), Vec::new());
    };
    let own: Vec<_> = query
        .split('&')
        .filter(|pair| parameter(pair).is_none())
        .collect();
    let mut found: Vec<_> = query.split('&').filter_map(parameter).collect();
    found.sort();
    match own.is_empty() {
        true => (path.to_owned(), found),
        false => (format!("{path}?{}", own.join("&")), found),
    }
}

/// Whether readers may disagree on the path's segments.
pub fn is_ambiguous(target: &str) -> bool {
    let path = target.split('?').next().unwrap();
    let decoded = common::unquote(path, false);
    let slashes = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'/').count();
    decoded.contains(&b'\\')
        || decoded.windows(2).any(|pair| pair == b"//")
        || slashes(&decoded) != slashes(path.as_bytes())
}

/// Whether a pattern of one section stands for a text. Tried is each end of the pattern with
/// each end of the text, once.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    is_like_known(pattern, text, &mut HashMap::new())
}

/// What is known goes by how much is left of both.
fn is_like_known(pattern: &[u8], text: &[u8], known: &mut HashMap<[usize; 2], bool>) -> bool {
    let left = [pattern.len(), text.len()];
    if let Some(known) = known.get(&left) {
        return *known;
    }
    let mut is_like = |pattern, text| is_like_known(pattern, text, known);
    let answer = match (pattern, text) {
        ([], text) => text.is_empty(),
        ([b'*', rest @ ..], []) => is_like(rest, text),
        ([b'*', rest @ ..], [_, tail @ ..]) => is_like(rest, text) || is_like(pattern, tail),
        ([b'\\', b'?', rest @ ..], [b'?', tail @ ..]) => is_like(rest, tail),
        ([b'\\', b'?', ..], _) => false,
        ([b'?', rest @ ..], [_, tail @ ..]) => is_like(rest, tail),
        ([a, rest @ ..], [b, tail @ ..]) => a == b && is_like(rest, tail),
        (_, []) => false,
    };
    known.insert(left, answer);
    answer
}

/// Whether a resource covers a URL, which is an origin and a target (2.6).
pub fn covers(resource: &str, any_http: bool, origin: &str, target: &str) -> bool {
    if resource == "*" || resource == format!("{origin}{target}") {
        return true;
    }
    let (scheme, host) = origin.split_once("://").unwrap();
    let rest = match resource.find("://") {
        Some(end) if !resource[..end].contains(['/', '?']) => {
            let ours = match &resource[..end] {
                "http*" => any_http,
                other => other == "*" || other == scheme,
            };
            if !ours {
                return false;
            }
            &resource[end + 3..]
        }
        _ if resource.starts_with('*') => resource,
        _ => return false,
    };
    let (domain, path_and_query) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let [domain, host] = [domain, host].map(str::to_ascii_lowercase);
    if !is_like(domain.as_bytes(), host.as_bytes()) {
        return false;
    }
    if path_and_query.is_empty() {
        return domain.ends_with('*');
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let in_two = |mark: usize, len: usize| {
        let (first, second) = (&path_and_query[..mark], &path_and_query[mark + len..]);
        query.is_some_and(|query| {
            is_like(first.as_bytes(), path.as_bytes())
                && is_like(second.as_bytes(), query.as_bytes())
        })
    };
    if let Some(mark) = path_and_query.find("\\?") {
        return in_two(mark, 2);
    }
    let no_query_matters = query.is_none() || path_and_query.ends_with('*');
    (no_query_matters && is_like(path_and_query.as_bytes(), path.as_bytes()))
        || path_and_query
            .match_indices('?')
            .any(|(mark, _)| in_two(mark, 1))
}

/// A policy in JSON, in which the documentation's `\?` is not.
pub fn json(policy: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(policy).ok()?;
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        out.push(character);
        if character == '\\' {
            match characters.next() {
                Some('?') => out.push_str("\\?"),
                Some(escaped) => out.push(escaped),
                None => {}
            }
        }
    }
    serde_json::from_str(&out).ok()
}

/// Whether a policy whose signature holds may lead to a grant: all that is in it says so.
pub fn allows(
    policy: &[u8],
    now: i64,
    address: Option<std::net::IpAddr>,
    origin: &str,
    target: &str,
) -> bool {
    let Some(json) = json(policy) else {
        return false;
    };
    let statement = match &json["Statement"] {
        Value::Array(statements) if statements.len() == 1 => &statements[0],
        statement => statement,
    };
    let only = |value: &Value, names: &[&str]| {
        let members = value.as_object();
        members.is_some_and(|members| members.keys().all(|name| names.contains(&name.as_str())))
    };
    let condition = &statement["Condition"];
    if !only(&json, &["Statement"])
        || !only(statement, &["Resource", "Condition"])
        || !only(condition, &["DateLessThan", "DateGreaterThan", "IpAddress"])
        || common::is_unsafe(target)
    {
        return false;
    }
    let end = condition["DateLessThan"]["AWS:EpochTime"].as_i64();
    let start = match condition.get("DateGreaterThan") {
        Some(start) => start["AWS:EpochTime"].as_i64(),
        None => Some(i64::MIN),
    };
    let in_time = end.is_some_and(|end| now < end)
        && start.is_some_and(|start| now.saturating_add(1) > start);
    let at_home = match condition.get("IpAddress") {
        Some(network) => network["AWS:SourceIp"]
            .as_str()
            .is_some_and(|network| contains(network, address)),
        None => true,
    };
    let covered = match statement.get("Resource") {
        Some(resource) => resource.as_str().is_some_and(|resource| {
            let exact = resource == format!("{origin}{target}");
            covers(resource, false, origin, target) && (exact || !is_ambiguous(target))
        }),
        None => !is_ambiguous(target),
    };
    in_time && at_home && covered
}

/// Whether an IPv4 network holds an address.
fn contains(network: &str, address: Option<std::net::IpAddr>) -> bool {
    let (base, bits) = network.split_once('/').unwrap_or((network, "32"));
    let address = match address {
        Some(std::net::IpAddr::V4(address)) => Some(address),
        Some(std::net::IpAddr::V6(address)) => address.to_ipv4_mapped(),
        None => None,
    };
    let (Ok(base), Ok(bits), Some(address)) = (
        base.parse::<std::net::Ipv4Addr>(),
        bits.parse::<u32>(),
        address,
    ) else {
        return false;
    };
    let mask = match bits {
        0 => 0,
        bits => u32::MAX << 32_u32.saturating_sub(bits),
    };
    bits <= 32 && u32::from(base) & mask == u32::from(address) & mask
}
