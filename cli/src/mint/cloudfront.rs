//! Signed URLs and cookies as CloudFront has them (docs/cloudfront.md).

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use media_token::Origin;
use serde_json::{Map, Value, json};

use super::{Minted, Target, Trial, cookie_path, end_of, set_cookie, shared, signing_time, start};
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
    let resource = options.resource.as_deref().map(resource).transpose()?;
    if is_custom && options.resource.is_none() && target.url.contains(['*', '?']) {
        bail!(
            "the URL holds * or ?, which stand for anything in a custom policy: say what is meant with --resource"
        );
    }
    let not_before = options
        .not_before
        .as_deref()
        .map(time::moment)
        .transpose()?;
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
            let policy = custom(
                options,
                resource.as_deref().unwrap_or(&target.url),
                not_before,
                expires,
            )
            .to_string();
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
    let path = cookie_path(options.cookie_path.as_deref())?;
    let lines = match options.cookies {
        false => vec![target.with_query(&parameters)],
        true => parameters
            .iter()
            .map(|(name, value)| {
                let name = format!("CloudFront-{name}");
                set_cookie(path, &target, &name, value, Some(life))
            })
            .collect(),
    };
    let keys = shared(line.keys_of(key.public_pem()?.as_bytes())?);
    let trial = Trial {
        sources: keys.iter().flat_map(|key| key.sources().to_vec()).collect(),
        keys,
        start: start(not_before, now, expires)?,
        methods: &[],
        addresses: options.ip.as_slice(),
        is_elsewhere: options.resource.is_some(),
    };
    trial.run(&target, &lines)?;
    Ok(Minted {
        lines,
        expires: Some(expires),
        key_id: Some(key_id),
    })
}

/// The pattern of a custom policy, its scheme and host as browsers write them.
fn resource(text: &str) -> Result<String> {
    if !text.starts_with("http") && !text.starts_with('*') {
        bail!("--resource {text}: expected a URL, with * and ? where it stands for several");
    }
    let host = text.find("://").map(|at| at.saturating_add(3));
    let path = host.and_then(|host| {
        let path = text.get(host..)?.find('/')?;
        host.checked_add(path)
    });
    let (origin, path) = match path.and_then(|path| text.split_at_checked(path)) {
        Some((origin, path)) if !origin.contains(['*', '?']) => (origin, path),
        _ => return Ok(text.to_owned()),
    };
    let origin = Origin::parse(origin).with_context(|| format!("--resource {text}"))?;
    Ok(format!("{}{path}", origin.as_browsers_do()))
}

/// A custom policy.
fn custom(
    options: &MintCloudfront,
    resource: &str,
    not_before: Option<i64>,
    expires: i64,
) -> Value {
    let mut condition = Map::new();
    condition.insert("DateLessThan".into(), json!({ "AWS:EpochTime": expires }));
    if let Some(start) = not_before {
        condition.insert("DateGreaterThan".into(), json!({ "AWS:EpochTime": start }));
    }
    if let Some(network) = &options.ip {
        condition.insert("IpAddress".into(), json!({ "AWS:SourceIp": network }));
    }
    json!({ "Statement": [{ "Resource": resource, "Condition": condition }] })
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
