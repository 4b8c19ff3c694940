//! A custom policy: one statement in JSON, read once its signature holds.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use memchr::memmem;
use serde::de::{Error, IgnoredAny, MapAccess};

use crate::decision::trace;
use crate::decision::{Env, OutOfMemory, Reason};
use crate::json::{self, Members, Object, OneObject, Text};

/// What a policy allows, whom and when.
pub(super) struct Statement<'t> {
    /// The URLs; `None`: all.
    pub(super) resource: Option<Cow<'t, str>>,
    /// The first second in which it does not hold any more, in Unix time.
    pub(super) expires: i64,
    /// The last second in which it does not hold yet, in Unix time.
    pub(super) starts: Option<i64>,
    /// The viewers' addresses.
    pub(super) network: Option<Ipv4Net>,
}

/// What is written in a policy, as far as it has been read.
#[derive(Default)]
struct Reader<'t> {
    has_statement: bool,
    resource: Option<Cow<'t, str>>,
    expires: Option<i64>,
    starts: Option<i64>,
    network: Option<Ipv4Net>,
    /// Whether there is anything that is not known, and so must not be ignored: it
    /// may be a condition.
    is_unsupported: bool,
}

impl Reader<'_> {
    fn skip<'de, A: MapAccess<'de>>(&mut self, object: &mut A) -> Result<(), A::Error> {
        self.is_unsupported = true;
        object.next_value::<IgnoredAny>().map(drop)
    }
}

impl<'t> Members<'t> for Reader<'t> {
    fn member<A: MapAccess<'t>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        match name {
            "Statement" => {
                self.has_statement = true;
                object.next_value_seed(OneObject(&mut InStatement(self)))
            }
            _ => self.skip(object),
        }
    }
}

struct InStatement<'r, 't>(&'r mut Reader<'t>);

impl<'t> Members<'t> for InStatement<'_, 't> {
    fn member<A: MapAccess<'t>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        match name {
            "Resource" => {
                self.0.resource = Some(object.next_value::<Text<'t>>()?.0);
                Ok(())
            }
            "Condition" => object.next_value_seed(Object(&mut InCondition(self.0))),
            _ => self.0.skip(object),
        }
    }
}

struct InCondition<'r, 't>(&'r mut Reader<'t>);

impl<'t> Members<'t> for InCondition<'_, 't> {
    fn member<A: MapAccess<'t>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        let condition = match name {
            "DateLessThan" => Condition::Before,
            "DateGreaterThan" => Condition::After,
            "IpAddress" => Condition::From,
            _ => return self.0.skip(object),
        };
        let mut reader = OfCondition {
            reader: self.0,
            condition,
            is_there: false,
        };
        object.next_value_seed(Object(&mut reader))?;
        match reader.is_there {
            true => Ok(()),
            // One that says nothing may have been meant to say something.
            false => Err(A::Error::custom("a condition without its value")),
        }
    }
}

#[derive(Clone, Copy)]
enum Condition {
    Before,
    After,
    From,
}

struct OfCondition<'r, 't> {
    reader: &'r mut Reader<'t>,
    condition: Condition,
    is_there: bool,
}

impl<'t> Members<'t> for OfCondition<'_, 't> {
    fn member<A: MapAccess<'t>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        match (self.condition, name) {
            // No text, and no fraction.
            (Condition::Before, "AWS:EpochTime") => {
                self.reader.expires = Some(object.next_value()?);
            }
            (Condition::After, "AWS:EpochTime") => self.reader.starts = Some(object.next_value()?),
            (Condition::From, "AWS:SourceIp") => {
                let Text(text) = object.next_value()?;
                let network =
                    network(&text).ok_or_else(|| A::Error::custom("not an IPv4 network"))?;
                self.reader.network = Some(network);
            }
            _ => return self.reader.skip(object),
        }
        self.is_there = true;
        Ok(())
    }
}

/// Reads an IPv4 address, or a network as `ADDRESS/BITS`; there are no others in
/// CloudFront's policies.
fn network(text: &str) -> Option<Ipv4Net> {
    let Some((address, bits)) = text.split_once('/') else {
        return Some(Ipv4Net::from(text.parse::<Ipv4Addr>().ok()?));
    };
    let is_number = bits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || (bits.len() > 1 && bits.starts_with('0')) {
        return None;
    }
    Ipv4Net::new(address.parse().ok()?, bits.parse().ok()?).ok()
}

/// A policy as JSON has it: the documentation writes `\?` in a resource, which JSON
/// spells `\\?`.
pub(super) fn readable<'a>(
    text: &'a [u8],
    env: &mut impl Env<'a>,
) -> Result<&'a [u8], OutOfMemory> {
    const MARK: &[u8] = b"\\?";
    let Some(first) = memmem::find(text, MARK) else {
        return Ok(text);
    };
    let marks = memmem::find_iter(text.get(first..).unwrap_or_default(), MARK).count();
    let memory = env
        .allocate(text.len().saturating_add(marks))
        .ok_or(OutOfMemory)?;
    let mut len: usize = 0;
    let mut push = |byte: u8| {
        if let Some(place) = memory.get_mut(len) {
            *place = byte;
            len = len.saturating_add(1);
        }
    };
    let mut rest = text;
    loop {
        rest = match rest {
            [b'\\', b'?', rest @ ..] => {
                b"\\\\?".iter().for_each(|&byte| push(byte));
                rest
            }
            // Any other escape, of which the second byte may be a backslash.
            [b'\\', escaped, rest @ ..] => {
                [b'\\', *escaped].into_iter().for_each(&mut push);
                rest
            }
            [byte, rest @ ..] => {
                push(*byte);
                rest
            }
            [] => break,
        };
    }
    Ok(memory.get(..len).unwrap_or_default())
}

impl<'t> Statement<'t> {
    /// Tells what the policy says: for whoever listens.
    pub(super) fn tell<'a>(&self, env: &mut impl Env<'a>) {
        let resource = self.resource.as_deref().unwrap_or("*");
        trace!(
            env,
            "its policy is for {} until {}",
            resource.escape_default(),
            self.expires
        );
        if let Some(starts) = self.starts {
            trace!(env, "its policy begins after {starts}");
        }
        if let Some(network) = self.network {
            trace!(env, "its policy is for viewers from {network}");
        }
    }

    /// Reads a policy that is [`readable`].
    pub(super) fn read<'a>(text: &'t [u8], env: &mut impl Env<'a>) -> Result<Self, Reason> {
        let mut reader = Reader::default();
        if !json::read_object(text, &mut reader) {
            trace!(env, "its policy is not one statement in JSON");
            return Err(Reason::TokenMalformed);
        }
        if reader.is_unsupported {
            trace!(env, "its policy says more than is supported");
            return Err(Reason::TokenUnsupported);
        }
        let Some(expires) = reader.expires.filter(|_| reader.has_statement) else {
            trace!(env, "its policy does not say when it ends");
            return Err(Reason::TokenMalformed);
        };
        Ok(Self {
            resource: reader.resource,
            expires,
            starts: reader.starts,
            network: reader.network,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Fixed;

    fn read(text: &str) -> Result<Statement<'static>, Reason> {
        let memory = vec![0; 4096].leak();
        let mut env = Fixed::new(memory);
        let text = readable(text.to_owned().leak().as_bytes(), &mut env).unwrap();
        Statement::read(text, &mut env)
    }

    fn with_condition(condition: &str) -> Result<Statement<'static>, Reason> {
        read(&format!(
            r#"{{"Statement":[{{"Resource":"*","Condition":{{{condition}}}}}]}}"#
        ))
    }

    const END: &str = r#""DateLessThan":{"AWS:EpochTime":9}"#;

    #[test]
    fn conditions_are_read_in_any_order() {
        let statement = with_condition(&format!(
            r#""IpAddress":{{"AWS:SourceIp":"192.0.2.9/24"}},{END},"DateGreaterThan":{{"AWS:EpochTime":3}}"#
        ));
        let statement = statement.unwrap();
        assert_eq!((statement.expires, statement.starts), (9, Some(3)));
        assert_eq!(
            statement.network,
            Some("192.0.2.9/24".parse().unwrap()),
            "{:?}",
            statement.network
        );
        let statement = read(&format!(r#" {{"Statement":{{"Condition":{{{END}}}}}}} "#)).unwrap();
        assert_eq!((statement.resource, statement.network), (None, None));
    }

    #[test]
    fn a_policy_that_is_not_one_statement_with_an_end_is_malformed() {
        for text in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"Statement":[]}"#,
            r#"{"Statement":{}}"#,
            r#"{"Statement":[{"Resource":"*"}]}"#,
            r#"{"Statement":"*"}"#,
            &format!(r#"{{"Statement":[{{"Condition":{{{END}}}}},{{}}]}}"#),
            &format!(r#"{{"Statement":[{{"Condition":{{{END}}}}},1]}}"#),
            &format!(r#"{{"Statement":[{{"Condition":{{{END}}}}}]}}x"#),
            &format!(r#"{{"Statement":[{{"Resource":1,"Condition":{{{END}}}}}]}}"#),
            &format!(r#"{{"Statement":[{{"Resource":["*"],"Condition":{{{END}}}}}]}}"#),
            &format!(r#"{{"Statement":[{{"Resource":null,"Condition":{{{END}}}}}]}}"#),
            &format!(r#"{{"Statement":[{{"Condition":{{{END}}},"Condition":{{{END}}}}}]}}"#),
        ] {
            assert_eq!(read(text).err(), Some(Reason::TokenMalformed), "{text}");
        }
        for condition in [
            r#""DateLessThan":{"AWS:EpochTime":"9"}"#,
            r#""DateLessThan":{"AWS:EpochTime":9.5}"#,
            r#""DateLessThan":{"AWS:EpochTime":9e0}"#,
            r#""DateLessThan":{"AWS:EpochTime":9223372036854775808}"#,
            r#""DateLessThan":{"AWS:EpochTime":null}"#,
            r#""DateLessThan":{}"#,
            r#""DateLessThan":9"#,
            r#""DateLessThan":{"AWS:EpochTime":8,"AWS:EpochTime":9}"#,
            r#""DateLessThan":{"AWS:EpochTime":9},"DateGreaterThan":{}"#,
            r#""DateLessThan":{"AWS:EpochTime":9},"IpAddress":{}"#,
        ] {
            let denied = with_condition(condition).err();
            assert_eq!(denied, Some(Reason::TokenMalformed), "{condition}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_ignored() {
        for condition in [
            r#""DateLessThan":{"AWS:EpochTime":9,"AWS:CurrentTime":1}"#,
            r#""DateLessThan":{"AWS:EpochTime":9},"StringLike":{"AWS:Referer":"x"}"#,
            r#""DateLessThan":{"AWS:EpochTime":9},"NotIpAddress":{"AWS:SourceIp":"0.0.0.0/0"}"#,
        ] {
            let denied = with_condition(condition).err();
            assert_eq!(denied, Some(Reason::TokenUnsupported), "{condition}");
        }
        for text in [
            &format!(r#"{{"Version":"x","Statement":[{{"Condition":{{{END}}}}}]}}"#),
            &format!(r#"{{"Statement":[{{"Effect":"Deny","Condition":{{{END}}}}}]}}"#),
        ] {
            assert_eq!(read(text).err(), Some(Reason::TokenUnsupported), "{text}");
        }
    }

    #[test]
    fn addresses_are_those_of_ipv4() {
        for (text, expected) in [
            ("192.0.2.1", Some("192.0.2.1/32")),
            ("192.0.2.1/32", Some("192.0.2.1/32")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("192.0.2.1/33", None),
            ("192.0.2.1/08", None),
            ("192.0.2.1/00", None),
            ("192.0.2.1/", None),
            ("192.0.2.1/+8", None),
            ("192.0.2/24", None),
            ("2001:db8::1", None),
            ("::ffff:192.0.2.1", None),
            ("", None),
        ] {
            let expected = expected.map(|text| text.parse().unwrap());
            assert_eq!(network(text), expected, "{text}");
        }
    }

    #[test]
    fn the_mark_of_the_documentation_is_made_json() {
        let resource = |resource: &str| {
            let text =
                format!(r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{{END}}}}}]}}"#);
            read(&text).map(|statement| statement.resource.unwrap().into_owned())
        };
        let spelled = |text: &str| Ok(text.to_owned());
        assert_eq!(resource(r"a\?b\?"), spelled(r"a\?b\?"));
        assert_eq!(resource(r"a\\?b"), spelled(r"a\?b"));
        assert_eq!(resource(r"a\\\?b"), spelled(r"a\\?b"));
        assert_eq!(resource(r#"\"\?\/"#), spelled(r#""\?/"#));
        assert_eq!(resource(r"\*"), Err(Reason::TokenMalformed));
    }
}
