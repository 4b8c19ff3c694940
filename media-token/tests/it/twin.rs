//! A naive reader of a JWT's claims, written from the rules and not from the crate:
//! it keeps everything, and looks at it afterwards.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::common::{is_unsafe, quote, unquote};

/// A request, and what the key asks for. Paths are spelled as `reverse()` does.
#[derive(Clone, Debug)]
pub struct Asked {
    /// A raw path, without a query.
    pub path: String,
    pub method: &'static str,
    pub address: Option<IpAddr>,
    pub audience: Option<&'static str>,
    pub now: i64,
}

struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

const MALFORMED: &str = "token_malformed";

fn number(value: &Value) -> Result<i64, &'static str> {
    if let Some(number) = value.as_i64() {
        return Ok(number);
    }
    match value.as_f64() {
        Some(number) if !value.is_u64() && number.abs() < 9.3e18 => {
            let whole = number.trunc() as i128;
            i64::try_from(whole).map_err(|_| MALFORMED)
        }
        _ => Err(MALFORMED),
    }
}

fn texts(value: &Value) -> Result<Vec<String>, &'static str> {
    let entries = match value {
        Value::Array(entries) if entries.len() <= 64 => entries.clone(),
        Value::String(_) => vec![value.clone()],
        _ => return Err(MALFORMED),
    };
    let text = |entry: &Value| entry.as_str().map(str::to_owned).ok_or(MALFORMED);
    entries.iter().map(text).collect()
}

/// A CIDR network or an address as a string of bits, with IPv4 in IPv6 as IPv4.
fn network(text: &str) -> Option<(bool, String)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let all = binary(address);
    let len = match bits {
        Some(bits) if bits.chars().all(|c| c.is_ascii_digit()) => bits.parse().ok()?,
        Some(_) => return None,
        None => all.len(),
    };
    let kept = all.get(..len)?;
    let is_mapped = address.to_canonical() != address && len >= 96;
    match is_mapped {
        true => Some((true, kept[96..].into())),
        false => Some((address.is_ipv4(), kept.into())),
    }
}

fn binary(address: IpAddr) -> String {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    octets.iter().map(|octet| format!("{octet:08b}")).collect()
}

/// The reason with which a token with these claims is granted or refused, when its
/// signature holds. `None` for RFC 9246's URI containers, which have no twin.
pub fn reason(claims: &[u8], asked: &Asked) -> Option<&'static str> {
    match check(claims, asked) {
        Ok(()) => Some("valid"),
        Err("cdniuc") => None,
        Err(reason) => Some(reason),
    }
}

fn check(claims: &[u8], asked: &Asked) -> Result<(), &'static str> {
    if is_unsafe(&asked.path) {
        return Err("unsafe_path");
    }
    let text = std::str::from_utf8(claims).map_err(|_| MALFORMED)?;
    let Pairs(pairs) = serde_json::from_str(text).map_err(|_| MALFORMED)?;
    let names: HashSet<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    if names.len() != pairs.len() || pairs.len() > 64 {
        return Err(MALFORMED);
    }
    if names.contains("cdniuc") {
        return Err("cdniuc");
    }
    let claim = |wanted: &str| -> Result<Option<Value>, &'static str> {
        let raw = pairs.iter().find(|(name, _)| name == wanted);
        let value = raw.map(|(_, raw)| serde_json::from_str(raw.get()));
        value.transpose().map_err(|_| MALFORMED)
    };
    let number_of = |name| claim(name)?.as_ref().map(number).transpose();
    let texts_of = |name| claim(name)?.as_ref().map(texts).transpose();
    let exp = number_of("exp")?;
    let nbf = number_of("nbf")?;
    let whole = |value: Value| value.as_i64().ok_or(MALFORMED);
    let version = claim("cdniv")?.map(whole).transpose()?;
    let aud = texts_of("aud")?;
    let path = texts_of("path")?;
    let method = texts_of("method")?;
    let ip = texts_of("ip")?;
    let networks = ip
        .iter()
        .flatten()
        .map(|text| network(text).ok_or(MALFORMED))
        .collect::<Result<Vec<_>, _>>()?;
    let subject = claim("sub")?;
    let control = |text: &str| text.chars().any(char::is_control);
    match &subject {
        None => {}
        Some(Value::String(text)) if !control(text) => {}
        Some(_) => return Err(MALFORMED),
    }
    let critical = match claim("cdnicrit")? {
        None => Vec::new(),
        Some(Value::String(list)) => list.split(',').map(str::to_owned).collect(),
        Some(_) => return Err(MALFORMED),
    };
    const PROCESSED: &str = " exp nbf aud sub path method ip cdniv cdnicrit cdniuc ";
    let is_processed = |name: &String| {
        !name.is_empty() && !name.contains(' ') && PROCESSED.contains(&format!(" {name} "))
    };
    let unsupported = ["cdniip", "cdniets", "cdnistt", "cdnistd"];
    if version.is_some_and(|version| version != 1)
        || !critical.iter().all(is_processed)
        || unsupported.iter().any(|name| names.contains(name))
    {
        return Err("token_unsupported");
    }
    let exp = exp.ok_or(MALFORMED)?;
    if exp <= asked.now {
        return Err("token_expired");
    }
    if nbf.is_some_and(|nbf| nbf > asked.now + 1) {
        return Err("token_not_yet_valid");
    }
    match (asked.audience, &aud) {
        (None, None) => {}
        (Some(ours), Some(aud)) if aud.iter().any(|aud| aud == ours) => {}
        _ => return Err("wrong_audience"),
    }
    let allows =
        |method: &String| method == asked.method || (method == "GET" && asked.method == "HEAD");
    if method.is_some_and(|methods| !methods.iter().any(allows)) {
        return Err("wrong_method");
    }
    let holds = |(is_v4, bits): &(bool, String)| {
        asked
            .address
            .map(|address| address.to_canonical())
            .is_some_and(|address| address.is_ipv4() == *is_v4 && binary(address).starts_with(bits))
    };
    if ip.is_some() && !networks.iter().any(holds) {
        return Err("wrong_address");
    }
    check_path(path.ok_or("wrong_path")?, &asked.path)
}

fn check_path(entries: Vec<String>, path: &str) -> Result<(), &'static str> {
    let decoded = unquote(path, false);
    let spelled = quote(&decoded);
    let entries: Vec<_> = entries
        .iter()
        .filter(|entry| entry.starts_with('/'))
        .collect();
    if entries.iter().any(|entry| **entry == spelled) {
        return Ok(());
    }
    let below = |entry: &&&String| {
        let folder = entry.strip_suffix("/*");
        folder.is_some_and(|folder| spelled.starts_with(&format!("{folder}/")))
    };
    if !entries.iter().any(|entry| below(&entry)) {
        return Err("wrong_path");
    }
    let slashes = |text: &[u8]| text.iter().filter(|&&byte| byte == b'/').count();
    let ambiguous = decoded.windows(2).any(|two| two == b"//")
        || decoded.contains(&b'\\')
        || slashes(&decoded) != slashes(path.as_bytes());
    if ambiguous {
        Err("unsafe_path")
    } else {
        Ok(())
    }
}
