//! A key as `crossdomain_media_key` has it: a file, and parameters.

use std::path::Path;

use anyhow::{Context as _, Result};
use media_token::{Key, KeyOptions, Keys};
use zeroize::Zeroizing;

use crate::input::Input;
use crate::nginx::words;
use crate::time;

/// The words of the directive.
pub struct KeyLine {
    /// `-` for standard input.
    pub file: String,
    parameters: Vec<String>,
    options: KeyOptions,
}

impl KeyLine {
    /// Reads an argument of the command line, quoted as in nginx's configuration.
    pub fn parse(text: &str) -> Result<Self> {
        let words = words(text).with_context(|| format!("--key '{text}'"))?;
        Self::of_words(&words)
    }

    /// Reads the words of the directive.
    pub fn of_words(words: &[String]) -> Result<Self> {
        let (file, parameters) = words.split_first().context("expected the name of a file")?;
        let options = KeyOptions::parse(parameters.iter().map(String::as_str), time::parse);
        Ok(Self {
            file: file.clone(),
            parameters: parameters.to_vec(),
            options: options.with_context(|| file.clone())?,
        })
    }

    /// The value of a parameter.
    pub fn value(&self, name: &str) -> Option<&str> {
        let value = |parameter: &'_ String| -> Option<usize> {
            let rest = parameter.strip_prefix(name)?.strip_prefix('=')?;
            parameter.len().checked_sub(rest.len())
        };
        let found = self.parameters.iter().find(|text| value(text).is_some())?;
        found.get(value(found)?..)
    }

    /// Whether a parameter without a value is there.
    pub fn has(&self, flag: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter == flag)
    }

    /// `django`, `jwt` or `cloudfront`.
    pub fn format(&self) -> &str {
        self.value("format").unwrap_or("django")
    }

    /// The content of the file.
    pub fn read(&self, folder: &Path, input: &mut Input) -> Result<Zeroizing<Vec<u8>>> {
        input.key(&self.file, folder)
    }

    /// The keys that the file holds, to verify with.
    pub fn keys(&self, folder: &Path, input: &mut Input) -> Result<Keys> {
        self.keys_of(&self.read(folder, input)?)
    }

    /// The keys of a file with this content.
    pub fn keys_of(&self, file: &[u8]) -> Result<Keys> {
        Key::read(file, &self.options).with_context(|| self.file.clone())
    }
}
