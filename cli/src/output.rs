//! What is printed, and files that are written.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

/// Prints a line. A reader that has gone away is no error of ours.
pub fn line(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output")
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
pub fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Prints a line for people who watch, whether or not it can be read.
pub fn remark(text: &str) {
    let _ = writeln!(std::io::stderr(), "crossdomain-media: {text}");
}

/// Who may read a file.
#[derive(Clone, Copy)]
pub enum Readers {
    /// Its owner only.
    Owner,
    /// All.
    Everybody,
}

/// Writes a new file; one that is there already stays as it is.
pub fn write_new(path: &Path, content: &[u8], readers: Readers) -> Result<()> {
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Everybody => 0o644,
    };
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    let mut file = file.with_context(|| format!("{}: not written", path.display()))?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if written.is_err() {
        // A part of a key is none, and would be in the way of the next attempt.
        let _ = std::fs::remove_file(path);
    }
    written.with_context(|| format!("{}: not written", path.display()))
}
