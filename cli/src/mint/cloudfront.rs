//! Signed URLs and cookies as CloudFront has them (docs/cloudfront.md).

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Minted, Target, end_of, set_cookie, signing_time};
use crate::arguments::MintCloudfront;
use crate::input::Input;
use crate::key_line::KeyLine;
use crate::signer::{EcdsaForm, PrivateKey};
use crate::time;

pub fn mint(options: &MintCloudfront, input: &mut Input) -> Result<Minted> {
    let line = KeyLine::parse(&options.common.key)?;
    if line.format() != "cloudfront" {
        bail!("{}: expected format=cloudfront", line.file);
    }
    if line.value("alg") == Some("sha1") {
        bail!("alg=sha1: signatures are made with SHA-256 only");
    }
    let key_id = line.value("id").context("expected an id=")?.to_owned();
    let file = line.read(Path::new(""), input)?;
    let key = PrivateKey::from_pem(&file, EcdsaForm::Asn1).with_context(|| line.file.clone())?;
    let target = Target::read(&options.common, input)?;
    let now = signing_time(&options.common)?;
    let expires = end_of(&options.life, now)?;

    let is_custom =
        options.resource.is_some() || options.not_before.is_some() || options.ip.is_some();
    let end = expires.to_string();
    let (name, value, signed) = match is_custom {
        // Byte for byte what verifiers put together again.
        false => {
            let url = &target.url;
            let policy = format!(
                "{{\"Statement\":[{{\"Resource\":\"{url}\",\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":{end}}}}}}}]}}"
            );
            ("Expires", end, policy)
        }
        true => {
            let policy = custom(options, &target, expires)?.to_string();
            ("Policy", encode(policy.as_bytes()), policy)
        }
    };
    let signature = encode(&key.sign_for_cloudfront(signed.as_bytes())?);
    let parameters = [
        (name, value.as_str()),
        ("Signature", &signature),
        ("Key-Pair-Id", &key_id),
        ("Hash-Algorithm", "SHA256"),
    ];
    let life = expires.saturating_sub(now);
    let lines = match options.cookies {
        false => vec![target.with_query(&parameters)],
        true => parameters
            .iter()
            .map(|(name, value)| {
                let (name, path) = (format!("CloudFront-{name}"), options.cookie_path.as_deref());
                set_cookie(path, &target, &name, value, Some(life))
            })
            .collect(),
    };
    Ok(Minted {
        lines,
        expires: Some(expires),
        key_id: Some(key_id),
    })
}

/// A custom policy.
fn custom(options: &MintCloudfront, target: &Target, expires: i64) -> Result<Value> {
    let mut condition = Map::new();
    condition.insert("DateLessThan".into(), json!({ "AWS:EpochTime": expires }));
    if let Some(moment) = &options.not_before {
        let start = time::moment(moment)?;
        condition.insert("DateGreaterThan".into(), json!({ "AWS:EpochTime": start }));
    }
    if let Some(network) = &options.ip {
        condition.insert("IpAddress".into(), json!({ "AWS:SourceIp": network }));
    }
    let resource = options.resource.as_deref().unwrap_or(&target.url);
    Ok(json!({ "Statement": [{ "Resource": resource, "Condition": condition }] }))
}

/// CloudFront's base64.
fn encode(bytes: &[u8]) -> String {
    let replaced = |c| match c {
        '+' => '-',
        '=' => '_',
        '/' => '~',
        c => c,
    };
    STANDARD.encode(bytes).chars().map(replaced).collect()
}
