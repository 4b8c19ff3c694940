//! What comes from files and from standard input: secrets never come as arguments,
//! which every user of the machine can read.

use std::io::{self, BufRead as _, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use media_token::KeyFile;
use media_token::key::MAX_KEY_FILE;
use zeroize::Zeroizing;

/// Standard input, which can be read once.
#[derive(Default)]
pub struct Input {
    is_taken: bool,
}

impl Input {
    fn take(&mut self) -> Result<io::StdinLock<'static>> {
        if std::mem::replace(&mut self.is_taken, true) {
            bail!("standard input (-) can be read once only");
        }
        Ok(io::stdin().lock())
    }

    /// A key file, or standard input for `-`. Of no more than nginx would read.
    pub fn key(&mut self, name: &str, folder: &Path) -> Result<Zeroizing<Vec<u8>>> {
        if name == "-" {
            return self.all();
        }
        let path = folder.join(name);
        let file = KeyFile::read(&path).with_context(|| path.display().to_string())?;
        Ok(Zeroizing::new(file.bytes().to_vec()))
    }

    fn all(&mut self) -> Result<Zeroizing<Vec<u8>>> {
        let limit = MAX_KEY_FILE.saturating_add(1);
        let capacity = usize::try_from(limit).unwrap_or_default();
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        let read = self.take()?.take(limit).read_to_end(&mut bytes);
        if read.context("standard input")? as u64 > MAX_KEY_FILE {
            bail!("standard input: larger than {MAX_KEY_FILE} bytes");
        }
        Ok(bytes)
    }

    /// A text, or the first line of standard input for `-`.
    pub fn text(&mut self, text: &str) -> Result<String> {
        if text != "-" {
            return Ok(text.to_owned());
        }
        let mut line = String::new();
        self.take()?
            .take(MAX_KEY_FILE)
            .read_line(&mut line)
            .context("standard input")?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// A text, or with `@` before it the lines of that file (`@-`: of standard input).
    pub fn lines(&mut self, text: &str) -> Result<Vec<String>> {
        let Some(name) = text.strip_prefix('@') else {
            return Ok(vec![text.to_owned()]);
        };
        let bytes = match name {
            "-" => self.all()?.to_vec(),
            name => std::fs::read(name).with_context(|| name.to_owned())?,
        };
        let text = String::from_utf8(bytes).ok().context("not valid UTF-8")?;
        let lines = text.lines().map(str::to_owned);
        Ok(lines.filter(|line| !line.trim().is_empty()).collect())
    }
}
