//! Tokens of django-crossdomainmedia: `TIMESTAMP:SIGNATURE` over a path.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use media_token::scope::{Path as SignedPath, Signs};

use super::{Minted, Target, Trial, carry, decoded, form, shared, signing_time, source, spell};
use crate::arguments::MintDjango;
use crate::derive::derived;
use crate::input::Input;
use crate::key_line::KeyLine;

pub fn mint(options: &MintDjango, input: &mut Input) -> Result<Minted> {
    let line = KeyLine::parse(&options.common.key)?;
    if line.format() != "django" {
        bail!("{}: expected format=django", line.file);
    }
    let target = Target::read(&options.common, input)?;
    let now = signing_time(&options.common)?;
    let file = line.read(Path::new(""), input)?;
    let key = derived(&line, &decoded(&line, &file)?);
    let algorithm = match line.value("alg") {
        Some("sha1") => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        _ => hmac::HMAC_SHA256,
    };
    let signs = match line.value("signs") {
        Some("parent") => Signs::Parent,
        _ => Signs::Path,
    };
    let path = SignedPath::new(target.path().as_bytes());
    let signed = signs.signed_part(&path);
    let signed =
        signed.context("the folder is ambiguous: an encoded or doubled slash, or a backslash")?;
    let born = base62(u64::try_from(now).context("a time before 1970")?);
    let message = format!("{}:{born}", spell(&signed, form(&line))?);
    let signature = hmac::sign(&hmac::Key::new(algorithm, &key), message.as_bytes());
    let token = format!("{born}:{}", URL_SAFE_NO_PAD.encode(signature));
    let source = source(&options.carrier)?;
    let trial = Trial {
        keys: shared(line.keys_of(&file)?),
        sources: vec![source.clone()],
        start: now,
        methods: &[],
        addresses: &[],
        is_elsewhere: false,
    };
    let lines = vec![carry(&options.carrier, source, &target, &token, None)?];
    trial.run(&target, &lines)?;
    Ok(Minted {
        lines,
        expires: None,
        key_id: line.value("id").map(str::to_owned),
    })
}

/// A number as Django's `baseconv.base62` has it.
fn base62(mut number: u64) -> String {
    const DIGITS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    loop {
        let digit = usize::try_from(number.wrapping_rem(62)).unwrap_or_default();
        digits.extend(DIGITS.chars().nth(digit));
        number = number.wrapping_div(62);
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_those_of_django() {
        for (number, text) in [(0, "0"), (61, "z"), (62, "10"), (1_700_000_000, "1r31eq")] {
            assert_eq!(base62(number), text);
        }
    }
}
