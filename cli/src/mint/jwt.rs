//! JSON Web Tokens with the claims of docs/jwt.md.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use media_token::format::jwt::{Algorithm, DEFAULT_PATH_CLAIM, MAX_TOKEN_LEN};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Minted, Target, Trial, carry, decoded, end_of, shared, signing_time, source, start};
use crate::arguments::MintJwt;
use crate::input::Input;
use crate::key_line::KeyLine;
use crate::signer::{EcdsaForm, JwtSigner, PrivateKey};
use crate::time;

pub fn mint(options: &MintJwt, input: &mut Input) -> Result<Minted> {
    let line = KeyLine::parse(&options.common.key)?;
    if line.format() != "jwt" {
        bail!("{}: expected format=jwt", line.file);
    }
    if line.value("use") == Some("mint") {
        bail!("use=mint: with this key only nginx itself signs");
    }
    if let Some(path) = options.path.iter().find(|path| !path.starts_with('/')) {
        bail!("--path {path}: expected a path that starts with a slash");
    }
    let file = line.read(Path::new(""), input)?;
    let (signer, key_id) = read_signer(&line, &file).with_context(|| line.file.clone())?;
    let target = Target::read(&options.common, input)?;
    let now = signing_time(&options.common)?;
    let expires = end_of(&options.life, now)?;

    let mut claims = Map::new();
    let paths = match options.path.is_empty() {
        true => {
            let path = target.spelled(&line)?;
            if path.ends_with("/*") {
                bail!(
                    "the URL's path ends in /*, which covers all of its folder: say what is meant with --path"
                );
            }
            vec![path]
        }
        false => options.path.clone(),
    };
    let path_claim = line.value("path_claim").unwrap_or(DEFAULT_PATH_CLAIM);
    if path_claim == "sub" && options.sub.is_some() {
        bail!("--sub: the claim \"sub\" holds the path (path_claim=sub)");
    }
    add_list(&mut claims, path_claim, &paths);
    claims.insert("exp".into(), expires.into());
    if let Some(moment) = &options.not_before {
        claims.insert("nbf".into(), time::moment(moment)?.into());
    }
    for (name, value) in [
        ("sub", options.sub.as_deref()),
        ("aud", options.aud.as_deref().or(line.value("aud"))),
        ("jti", options.jti.as_deref()),
    ] {
        if let Some(value) = value {
            claims.insert(name.into(), value.into());
        }
    }
    add_list(&mut claims, "method", &options.method);
    add_list(&mut claims, "ip", &options.ip);
    for claim in &options.claim {
        let (name, value) = claim
            .split_once('=')
            .context("--claim: expected NAME=JSON")?;
        let value: Value =
            serde_json::from_str(value).with_context(|| format!("--claim {name}"))?;
        if claims.insert(name.into(), value).is_some() {
            bail!("--claim {name}: is there already");
        }
    }
    let not_before = claims.get("nbf").and_then(Value::as_i64);

    let mut header = Map::new();
    header.insert("alg".into(), signer.algorithm().as_str().into());
    header.insert("typ".into(), "JWT".into());
    if let Some(id) = &key_id {
        header.insert("kid".into(), id.as_str().into());
    }
    let part = |object| URL_SAFE_NO_PAD.encode(Value::Object(object).to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(message.as_bytes())?);
    let token = format!("{message}.{signature}");
    if token.len() > MAX_TOKEN_LEN {
        bail!(
            "{} bytes, and no token of more than {MAX_TOKEN_LEN} is looked at",
            token.len()
        );
    }
    let life = expires.saturating_sub(now);
    let source = source(&options.carrier)?;
    let keys = match &signer {
        JwtSigner::Secret(..) => line.keys_of(&file)?,
        JwtSigner::Private(_, key) => line.keys_of(key.public_pem()?.as_bytes())?,
    };
    let trial = Trial {
        keys: shared(keys),
        sources: vec![source.clone()],
        start: start(not_before, now, expires)?,
        methods: &options.method,
        addresses: &options.ip,
        is_elsewhere: !options.path.is_empty(),
    };
    let lines = vec![carry(
        &options.carrier,
        source,
        &target,
        &token,
        Some(life),
    )?];
    trial.run(&target, &lines)?;
    Ok(Minted {
        lines,
        expires: Some(expires),
        key_id,
    })
}

/// One text as it is, several as a list.
fn add_list(claims: &mut Map<String, Value>, name: &str, values: &[String]) {
    match values {
        [] => {}
        [one] => {
            claims.insert(name.into(), one.as_str().into());
        }
        several => {
            claims.insert(name.into(), json!(several));
        }
    }
}

/// A secret as a JWK has it (RFC 7518, 6.4).
#[derive(Deserialize)]
struct SecretJwk {
    kty: String,
    alg: Option<String>,
    kid: Option<String>,
    k: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Jwks {
    Set { keys: Vec<SecretJwk> },
    One(SecretJwk),
}

/// What signs, and the id of the key.
fn read_signer(line: &KeyLine, file: &[u8]) -> Result<(JwtSigner, Option<String>)> {
    let algorithm = line.value("alg").and_then(Algorithm::parse);
    let id = line.value("id").map(str::to_owned);
    if file.windows(11).any(|window| window == b"-----BEGIN ") {
        let key = PrivateKey::from_pem(file, EcdsaForm::Fixed)?;
        return Ok((JwtSigner::of_private(key, algorithm)?, id));
    }
    if !file.trim_ascii_start().starts_with(b"{") {
        let secret = decoded(line, file)?;
        return Ok((JwtSigner::of_secret(&secret, algorithm)?, id));
    }
    // The parser's own words could quote the file.
    let jwks: Jwks = serde_json::from_slice(file)
        .ok()
        .context("neither a JWK nor a JWK Set")?;
    let keys = match jwks {
        Jwks::Set { keys } => keys,
        Jwks::One(key) => vec![key],
    };
    let mut secrets = keys.into_iter().filter(|key| key.kty == "oct");
    let key = secrets
        .next()
        .context("no secret in it (\"kty\":\"oct\"); give a private key in PEM")?;
    let algorithm = key.alg.as_deref().and_then(Algorithm::parse);
    let algorithm = algorithm.context("no \"alg\" that is supported")?;
    let k = key.k.map(Zeroizing::new);
    let secret = k.and_then(|k| URL_SAFE_NO_PAD.decode(k.as_bytes()).ok());
    let secret = Zeroizing::new(secret.context("not a valid JWK")?);
    Ok((JwtSigner::of_secret(&secret, Some(algorithm))?, key.kid))
}
