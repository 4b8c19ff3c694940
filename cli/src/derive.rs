//! `derive`: the key that Django's signer derives from `SECRET_KEY`.

use anyhow::{Result, bail};
use media_token::format::django::{self, Algorithm};
use zeroize::Zeroizing;

use crate::arguments::Derive;
use crate::input::Input;
use crate::key_line::KeyLine;
use crate::mint::secret;
use crate::nginx::quoted;
use crate::output::{self, Readers};

pub fn run(options: &Derive, input: &mut Input, json: bool) -> Result<u8> {
    let line = KeyLine::parse(&options.key)?;
    if line.format() != "django" || line.has("derived") {
        bail!("{}: expected a SECRET_KEY of Django's", line.file);
    }
    let derived = derived(&line, &secret(&line, input)?);
    let hex: Zeroizing<String> = Zeroizing::new(hex(&derived));
    // Names like `alg=sha1` belong to the line for nginx too; a salt is in the key already.
    let algorithm = match line.value("alg") {
        Some("sha1") => " alg=sha1",
        _ => "",
    };
    let file = options.out.as_ref().map(|file| file.display().to_string());
    let name = quoted(file.as_deref().unwrap_or("derived_key"));
    let directive = format!("crossdomain_media_key {name} derived encoding=hex{algorithm};");
    if let Some(path) = &options.out {
        output::write_new(path, format!("{}\n", *hex).as_bytes(), Readers::Owner)?;
    }
    match (json, &options.out) {
        (true, None) => output::json(&serde_json::json!({ "key": *hex, "directive": directive })),
        (true, Some(_)) => {
            output::json(&serde_json::json!({ "file": file, "directive": directive }))
        }
        (false, None) => output::line(&hex),
        (false, Some(_)) => output::line(&directive),
    }?;
    Ok(0)
}

/// The key that a line's tokens are signed with.
pub fn derived(line: &KeyLine, secret: &[u8]) -> Zeroizing<Vec<u8>> {
    if line.has("derived") {
        return Zeroizing::new(secret.to_vec());
    }
    let algorithm = match line.value("alg") {
        Some("sha1") => Algorithm::Sha1,
        _ => Algorithm::Sha256,
    };
    let salt = line.value("salt").unwrap_or(django::DEFAULT_SALT);
    django::derive(algorithm, salt, secret)
}

/// Two digits a byte.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
