//! `keygen`: keys, and the line of nginx's configuration that trusts them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pem::{EncodeConfig, LineEnding, Pem};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::arguments::{KeyFor, KeyKind, Keygen};
use crate::nginx::quoted;
use crate::output::{self, Readers};
use crate::signer::PrivateKey;

/// Enough for every hash.
const SECRET_LEN: usize = 64;

/// CloudFront's own ids are as long.
const KEY_PAIR_ID_LEN: usize = 14;

pub fn run(options: &Keygen, json: bool) -> Result<u8> {
    let format = options.format.unwrap_or(match options.kind {
        KeyKind::Secret => KeyFor::Django,
        _ => KeyFor::Jwt,
    });
    match (options.kind, format) {
        (KeyKind::Secret, KeyFor::Cloudfront) => {
            bail!("CloudFront signs with a key pair: rsa or p256")
        }
        (KeyKind::Ed25519, KeyFor::Cloudfront) => bail!("CloudFront's keys are rsa or p256"),
        (KeyKind::Rsa | KeyKind::P256 | KeyKind::Ed25519, KeyFor::Django | KeyFor::Mint) => {
            bail!("this takes a secret, and no key pair")
        }
        (_, KeyFor::Django | KeyFor::Cloudfront | KeyFor::Mint) if options.jwks => {
            bail!("--jwks: goes with --for jwt only")
        }
        _ => {}
    }
    if let Some(id) = &options.id {
        // The module's own rule for ids.
        let parameters = [format!("id={id}")];
        media_token::KeyOptions::parse(parameters.iter().map(String::as_str), |_| None)?;
    }
    let made = match options.kind {
        KeyKind::Secret => secret(options, format),
        _ => pair(options, format),
    }?;
    if json {
        let files = made.files.iter().map(|file| file.display().to_string());
        output::json(&json!({
            "files": files.collect::<Vec<_>>(),
            "id": made.id,
            "directive": made.directive,
        }))?;
    } else {
        output::line(&made.directive)?;
    }
    Ok(0)
}

struct Made {
    files: Vec<PathBuf>,
    id: Option<String>,
    directive: String,
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    let filled = SystemRandom::new().fill(&mut *bytes);
    filled.ok().context("no random numbers")?;
    Ok(bytes)
}

/// `FILE` with a further ending.
fn beside(name: &Path, ending: &str) -> PathBuf {
    let mut name = name.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn secret(options: &Keygen, format: KeyFor) -> Result<Made> {
    // As text, which applications read more easily than bytes.
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(*random::<SECRET_LEN>()?));
    let id = match (&options.id, options.jwks) {
        (Some(id), _) => Some(id.clone()),
        (None, true) => Some(random_id(KEY_PAIR_ID_LEN)?),
        (None, false) => None,
    };
    let mut files = vec![options.out.clone()];
    let file = Zeroizing::new(format!("{}\n", *text));
    if options.jwks {
        files.push(beside(&options.out, ".jwks.json"));
        refuse_old(&files)?;
        // The same secret: the text is what other programs take for it.
        let jwk = json!({
            "kty": "oct", "use": "sig", "alg": "HS256", "kid": id,
            "k": URL_SAFE_NO_PAD.encode(text.as_bytes()),
        });
        let set = Zeroizing::new(json!({ "keys": [jwk] }).to_string());
        output::write_new(
            &beside(&options.out, ".jwks.json"),
            set.as_bytes(),
            Readers::Owner,
        )?;
    }
    output::write_new(&options.out, file.as_bytes(), Readers::Owner)?;
    let parameters = match format {
        KeyFor::Jwt => " format=jwt",
        KeyFor::Mint => " format=jwt use=mint",
        KeyFor::Django | KeyFor::Cloudfront => "",
    };
    let directive = directive(&options.out, parameters, id.as_deref());
    Ok(Made {
        files,
        id,
        directive,
    })
}

fn pair(options: &Keygen, format: KeyFor) -> Result<Made> {
    let failed = "no key could be made";
    let (private, key) = match options.kind {
        KeyKind::Secret | KeyKind::Rsa => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048)
                .ok()
                .context(failed)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().ok().context(failed)?;
            (Zeroizing::new(der.as_ref().to_vec()), PrivateKey::Rsa(pair))
        }
        KeyKind::P256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
            let pair = pair.ok().context(failed)?;
            let der = pair.to_pkcs8v1().ok().context(failed)?;
            (
                Zeroizing::new(der.as_ref().to_vec()),
                PrivateKey::P256(pair),
            )
        }
        KeyKind::Ed25519 => {
            let pair = Ed25519KeyPair::generate().ok().context(failed)?;
            let der = pair.to_pkcs8v1().ok().context(failed)?;
            (
                Zeroizing::new(der.as_ref().to_vec()),
                PrivateKey::Ed25519(pair),
            )
        }
    };
    let files = [".private.pem", ".public.pem"].map(|ending| beside(&options.out, ending));
    let [private_file, public_file] = &files;
    let set_file = beside(&options.out, ".jwks.json");
    let mut all = files.to_vec();
    if options.jwks {
        all.push(set_file.clone());
    }
    refuse_old(&all)?;

    let id = match (&options.id, format) {
        (Some(id), _) => Some(id.clone()),
        (None, KeyFor::Cloudfront) => Some(random_id(KEY_PAIR_ID_LEN)?),
        (None, _) if options.jwks => Some(thumbprint(&public_jwk(&key)?)),
        (None, _) => None,
    };
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    let private = Pem::new("PRIVATE KEY", private.as_slice());
    let private = Zeroizing::new(pem::encode_config(&private, config));
    let public = key.public_pem()?;
    output::write_new(private_file, private.as_bytes(), Readers::Owner)?;
    output::write_new(public_file, public.as_bytes(), Readers::Everybody)?;
    if options.jwks {
        let mut jwk = public_jwk(&key)?;
        if let Value::Object(members) = &mut jwk {
            let algorithm = match options.kind {
                KeyKind::P256 => "ES256",
                KeyKind::Ed25519 => "EdDSA",
                KeyKind::Secret | KeyKind::Rsa => "RS256",
            };
            members.insert("use".into(), "sig".into());
            members.insert("alg".into(), algorithm.into());
            members.insert("kid".into(), json!(id));
        }
        let set = json!({ "keys": [jwk] }).to_string();
        output::write_new(&set_file, set.as_bytes(), Readers::Everybody)?;
    }
    let directive = match format {
        KeyFor::Cloudfront => directive(public_file, " format=cloudfront", id.as_deref()),
        // A JWK says its id itself.
        _ if options.jwks => directive(&set_file, " format=jwt", None),
        _ => directive(public_file, " format=jwt", id.as_deref()),
    };
    Ok(Made {
        files: all,
        id,
        directive,
    })
}

/// Nothing is written where a part could not be.
fn refuse_old(files: &[PathBuf]) -> Result<()> {
    match files.iter().find(|file| file.symlink_metadata().is_ok()) {
        Some(file) => bail!("{}: not written: there is one already", file.display()),
        None => Ok(()),
    }
}

fn directive(file: &Path, parameters: &str, id: Option<&str>) -> String {
    let id = id.map_or(String::new(), |id| {
        format!(" {}", quoted(&format!("id={id}")))
    });
    let file = quoted(&file.display().to_string());
    format!("crossdomain_media_key {file}{parameters}{id};")
}

/// `K` and letters and digits, as CloudFront's ids.
fn random_id(len: usize) -> Result<String> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bytes = random::<32>()?;
    let letters = bytes
        .iter()
        .filter_map(|byte| LETTERS.chars().nth(usize::from(byte & 31)));
    Ok(std::iter::once('K').chain(letters).take(len).collect())
}

/// The members of a public key that its thumbprint is over (RFC 7638, 3.2; RFC 8037, 2).
fn public_jwk(key: &PrivateKey) -> Result<Value> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Ok(match key {
        PrivateKey::Rsa(pair) => {
            let public = pair.public_key();
            json!({
                "e": encode(public.exponent().big_endian_without_leading_zero()),
                "kty": "RSA",
                "n": encode(public.modulus().big_endian_without_leading_zero()),
            })
        }
        PrivateKey::P256(pair) => {
            // An uncompressed point: 4, x and y.
            let point = pair.public_key().as_ref();
            let (x, y) = point
                .split_first()
                .and_then(|(_, point)| point.split_at_checked(32))
                .context("not a point")?;
            json!({ "crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y) })
        }
        PrivateKey::Ed25519(pair) => {
            json!({ "crv": "Ed25519", "kty": "OKP", "x": encode(pair.public_key().as_ref()) })
        }
    })
}

/// The thumbprint of a JWK that has the members for it only. serde_json writes them in
/// the order of their names, as RFC 7638 wants it.
fn thumbprint(jwk: &Value) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_that_of_rfc_8037() {
        // Appendix A.3.
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        assert_eq!(
            thumbprint(&jwk),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
