//! The words and blocks of a configuration file, read as `ngx_conf_read_token` does,
//! with the files that `include` names.

use std::fmt;
use std::iter::Peekable;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::slice;

use anyhow::{Context as _, Result, bail};

/// Files that include each other would never end.
const MAX_DEPTH: usize = 32;

/// Blocks in blocks, through all files: reading them takes of the stack.
const MAX_NESTING: usize = 200;

/// Directives that are looked at, beside those of the module's: what they say has to be
/// understood to the byte.
const READ: [&str; 8] = [
    "include",
    "server",
    "listen",
    "server_name",
    "merge_slashes",
    "location",
    "limit_except",
    "error_page",
];

/// A directive, and where it stands.
#[derive(Clone, Debug)]
pub struct Directive {
    pub name: String,
    pub arguments: Vec<String>,
    /// What its braces hold, if it has some.
    pub block: Option<Vec<Directive>>,
    pub place: Place,
}

/// File and line.
#[derive(Clone, Debug)]
pub struct Place {
    file: Rc<Path>,
    line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

impl Directive {
    /// What its braces hold.
    pub fn inside(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }

    /// The directives of a name that its braces hold.
    pub fn all<'d>(&'d self, name: &'d str) -> impl Iterator<Item = &'d Directive> {
        let inside = self.inside().iter();
        inside.filter(move |directive| directive.name == name)
    }
}

/// Reads a configuration file, and those that it includes.
pub fn read_file(path: &Path) -> Result<Vec<Directive>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut files = Files { folder, nesting: 0 };
    files.read(path, 0)
}

/// The words of a text, quoted as in a configuration.
pub fn words(line: &str) -> Result<Vec<String>> {
    let mut reader = Reader::new(line.as_bytes(), Path::new(""));
    let (words, end) = reader.words()?;
    match end {
        End::File | End::Semicolon if reader.is_at_end() => words.into_iter().map(text).collect(),
        _ => bail!("expected words, and no \"{{\", \"}}\" or \";\" that is not quoted"),
    }
}

/// A word as a configuration has it, in quotes where it would be another without them.
pub fn quoted(word: &str) -> String {
    let is_special = |c: char| c.is_whitespace() || "\"'\\;{}#$".contains(c);
    if !word.is_empty() && !word.contains(is_special) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

fn text(word: Vec<u8>) -> Result<String> {
    String::from_utf8(word).ok().context("not valid UTF-8")
}

struct Files<'f> {
    /// What relative names are relative to: the configuration prefix.
    folder: &'f Path,
    /// How many blocks are open.
    nesting: usize,
}

impl Files<'_> {
    fn read(&mut self, path: &Path, depth: usize) -> Result<Vec<Directive>> {
        if depth > MAX_DEPTH {
            bail!("{}: included by itself", path.display());
        }
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let mut reader = Reader::new(&bytes, path);
        self.block(&mut reader, false, depth)
    }

    /// The directives up to the end of a block or of the file.
    fn block(
        &mut self,
        reader: &mut Reader<'_>,
        is_inner: bool,
        depth: usize,
    ) -> Result<Vec<Directive>> {
        let mut directives = Vec::new();
        loop {
            reader.skip_space();
            let place = reader.place();
            let (mut words, end) = reader.words().with_context(|| reader.place().to_string())?;
            if words.is_empty() {
                return match (end, is_inner) {
                    (End::Close, true) | (End::File, false) => Ok(directives),
                    (End::Close, false) => bail!("{place}: unexpected \"}}\""),
                    (End::File, true) => {
                        bail!("{place}: unexpected end of file, expecting \"}}\"")
                    }
                    (End::Semicolon, _) => bail!("{place}: unexpected \";\""),
                    (End::Open, _) => bail!("{place}: unexpected \"{{\""),
                };
            }
            let name = String::from_utf8_lossy(&words.remove(0)).into_owned();
            let is_read = READ.contains(&name.as_str()) || name.starts_with("crossdomain_media");
            let words = words.into_iter().map(|word| match is_read {
                true => text(word),
                false => Ok(String::from_utf8_lossy(&word).into_owned()),
            });
            let words: Vec<_> = words
                .collect::<Result<_>>()
                .with_context(|| place.to_string())?;
            let block = match end {
                End::Semicolon => None,
                // Not nginx's own words, but a program.
                End::Open if name.ends_with("_by_lua_block") => {
                    reader.skip_lua().with_context(|| place.to_string())?;
                    Some(Vec::new())
                }
                End::Open if self.nesting >= MAX_NESTING => {
                    bail!("{place}: more than {MAX_NESTING} blocks in each other")
                }
                End::Open => {
                    self.nesting = self.nesting.saturating_add(1);
                    let block = self.block(reader, true, depth)?;
                    self.nesting = self.nesting.saturating_sub(1);
                    Some(block)
                }
                End::Close => bail!("{place}: unexpected \"}}\""),
                End::File => bail!("{place}: unexpected end of file, expecting \";\" or \"}}\""),
            };
            match (name.as_str(), words.as_slice(), &block) {
                ("include", [pattern], None) => {
                    for file in self.included(pattern).with_context(|| place.to_string())? {
                        let deeper = depth.saturating_add(1);
                        directives.extend(self.read(&file, deeper)?);
                    }
                }
                _ => directives.push(Directive {
                    name,
                    arguments: words,
                    block,
                    place,
                }),
            }
        }
    }

    /// The files that a pattern names. A name without wildcards has to be there.
    fn included(&self, pattern: &str) -> Result<Vec<PathBuf>> {
        if !pattern.contains(['*', '?', '[']) {
            return Ok(vec![self.folder.join(pattern)]);
        }
        let folder = glob::Pattern::escape(&self.folder.to_string_lossy());
        let pattern = match pattern.starts_with('/') || folder.is_empty() {
            true => pattern.to_owned(),
            false => format!("{folder}/{pattern}"),
        };
        let found = glob::glob(&pattern)?.filter(|found| {
            let is_wanted = |file: &PathBuf| !is_hidden_to(&pattern, file);
            found.as_ref().map_or(true, is_wanted)
        });
        let found = found.collect::<std::result::Result<Vec<_>, _>>();
        Ok(found?)
    }
}

/// Whether a file is one that glob(3), by which nginx goes, passes over: the dot of a
/// hidden name has to stand in the pattern. The library's own option for that leaves hidden
/// files out even where it does, and panics where a name is not valid UTF-8.
fn is_hidden_to(pattern: &str, file: &Path) -> bool {
    let is_dotted = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
    let mut parts = Path::new(pattern).components().zip(file.components());
    parts.any(|(asked, found)| is_dotted(found) && !is_dotted(asked))
}

/// What ends the words of a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Semicolon,
    Open,
    Close,
    File,
}

struct Reader<'t> {
    bytes: Peekable<slice::Iter<'t, u8>>,
    line: usize,
    file: Rc<Path>,
}

impl<'t> Reader<'t> {
    fn new(bytes: &'t [u8], file: &Path) -> Self {
        Self {
            bytes: bytes.iter().peekable(),
            line: 1,
            file: file.into(),
        }
    }

    fn place(&self) -> Place {
        Place {
            file: Rc::clone(&self.file),
            line: self.line,
        }
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.peek().is_none()
    }

    fn peek(&mut self) -> Option<u8> {
        self.bytes.peek().map(|byte| **byte)
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes.next()?;
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(byte)
    }

    /// Skips white space and comments.
    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b'#' => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.next();
                    }
                }
                _ => return,
            }
            self.next();
        }
    }

    /// The words of one directive, and what ends them.
    fn words(&mut self) -> Result<(Vec<Vec<u8>>, End)> {
        let mut words = Vec::new();
        loop {
            self.skip_space();
            let end = match self.peek() {
                None => return Ok((words, End::File)),
                Some(b';') => End::Semicolon,
                Some(b'{') => End::Open,
                Some(b'}') => End::Close,
                Some(_) => {
                    words.push(self.word()?);
                    continue;
                }
            };
            self.next();
            return Ok((words, end));
        }
    }

    fn word(&mut self) -> Result<Vec<u8>> {
        let quote = self.peek().filter(|byte| matches!(byte, b'"' | b'\''));
        if quote.is_some() {
            self.next();
        }
        let mut raw = Vec::new();
        let (mut is_escaped, mut is_variable) = (false, false);
        loop {
            let Some(byte) = self.peek() else {
                bail!("unexpected end of file, expecting \";\" or \"}}\"");
            };
            let was_variable = std::mem::take(&mut is_variable);
            match byte {
                _ if std::mem::take(&mut is_escaped) => {}
                // `${name}`
                b'{' if was_variable => {}
                b'\\' => is_escaped = true,
                b'$' => is_variable = true,
                byte if Some(byte) == quote => {
                    self.next();
                    match self.peek() {
                        None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b')') => break,
                        Some(byte) => bail!("unexpected \"{}\"", byte.escape_ascii()),
                    }
                }
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' if quote.is_none() => break,
                _ => {}
            }
            raw.push(byte);
            self.next();
            // A word of the command line ends with it.
            if quote.is_none() && self.peek().is_none() {
                break;
            }
        }
        Ok(unescaped(&raw))
    }

    /// Skips a program up to the brace that ends it.
    fn skip_lua(&mut self) -> Result<()> {
        let mut open: usize = 1;
        while let Some(byte) = self.next() {
            match byte {
                b'{' => open = open.saturating_add(1),
                b'}' if open == 1 => return Ok(()),
                b'}' => open = open.saturating_sub(1),
                b'-' if self.peek() == Some(b'-') => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.next();
                    }
                }
                b'"' | b'\'' => {
                    while let Some(inner) = self.next() {
                        match inner {
                            b'\\' => drop(self.next()),
                            inner if inner == byte => break,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        bail!("unexpected end of file, expecting \"}}\"")
    }
}

/// What nginx makes of the backslashes in a word.
fn unescaped(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    loop {
        rest = match rest {
            [b'\\', byte @ (b'"' | b'\'' | b'\\'), rest @ ..] => {
                out.push(*byte);
                rest
            }
            [b'\\', letter @ (b't' | b'r' | b'n'), rest @ ..] => {
                out.push(match letter {
                    b't' => b'\t',
                    b'r' => b'\r',
                    _ => b'\n',
                });
                rest
            }
            [byte, rest @ ..] => {
                out.push(*byte);
                rest
            }
            [] => return out,
        };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    fn parse(text: &str) -> Result<Vec<Directive>> {
        let mut files = Files {
            folder: Path::new(""),
            nesting: 0,
        };
        files.block(&mut Reader::new(text.as_bytes(), Path::new("f")), false, 0)
    }

    #[test]
    fn words_are_read_as_nginx_reads_them() {
        let words = |text: &str| words(text).unwrap();
        assert_eq!(words("a b\tc\n d"), ["a", "b", "c", "d"]);
        assert_eq!(words(r#""a b" 'c "d"' e\ f"#), ["a b", r#"c "d""#, r"e\ f"]);
        assert_eq!(words(r#"a"b c'd"#), [r#"a"b"#, "c'd"]);
        assert_eq!(
            words(r#""a\"b" 'c\'d' "\t\\" \d"#),
            [r#"a"b"#, "c'd", "\t\\", r"\d"]
        );
        assert_eq!(words("${a}b $a;"), ["${a}b", "$a"]);
        assert_eq!(words("a#b c # d"), ["a#b", "c"]);
        for text in ["a { b", "a; b", "a }", r#""a"b"#, r#""a"#, "'a"] {
            assert!(super::words(text).is_err(), "{text}");
        }
    }

    #[test]
    fn blocks_and_their_places_are_kept() {
        let tree = parse("# first\nhttp {\n  server { listen 80; }\n}\n").unwrap();
        assert_eq!(tree[0].name, "http");
        assert_eq!(tree[0].place.to_string(), "f:2");
        let server = &tree[0].inside()[0];
        assert_eq!(server.inside()[0].arguments, ["80"]);
        assert_eq!(server.inside()[0].place.to_string(), "f:3");
        for text in ["a", "a {", "a { b }", "}", ";", "{ }", "a \"b"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn programs_are_skipped() {
        let text = "a_by_lua_block { x = \"}\" -- }\n y = {} z = '\\'}' } b;";
        let tree = parse(text).unwrap();
        assert_eq!(tree.len(), 2);
        assert_eq!(tree[1].name, "b");
    }

    #[test]
    fn what_is_included_stands_where_it_is_included() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        std::fs::create_dir(folder.path().join("conf.d")).unwrap();
        write(
            "nginx.conf",
            "a; http { include conf.d/*.conf; c; include none/*.conf; include *inner; include .inn*; }",
        )
        .unwrap();
        write("conf.d/2.conf", "two;").unwrap();
        write("conf.d/1.conf", "one; include inner;").unwrap();
        write("conf.d/.hidden.conf", "hidden;").unwrap();
        write(".inner", "hidden;").unwrap();
        let other = folder.path().join(OsStr::from_bytes(b"conf.d/\xff"));
        std::fs::write(other, "").unwrap();
        write("inner", "inner;").unwrap();
        let tree = read_file(&folder.path().join("nginx.conf")).unwrap();
        let names: Vec<_> = tree[1]
            .inside()
            .iter()
            .map(|inner| inner.name.as_str())
            .collect();
        assert_eq!(names, ["one", "inner", "two", "c", "inner", "hidden"]);
        write("nginx.conf", "include nginx.conf;").unwrap();
        assert!(read_file(&folder.path().join("nginx.conf")).is_err());
        write("nginx.conf", "include missing;").unwrap();
        assert!(read_file(&folder.path().join("nginx.conf")).is_err());
    }
}
