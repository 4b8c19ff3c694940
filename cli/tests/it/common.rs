//! Running the program in a folder of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_crossdomain-media");

/// A folder that goes with the test.
pub struct Folder(tempfile::TempDir);

/// What the program has done.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The first line, where all went well.
    pub fn line(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout.lines().next().unwrap()
    }
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(self.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    }

    /// Runs the program in this folder.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// Runs the program in this folder, with this standard input.
    pub fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that does not read it is gone already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        Ran::of(child.wait_with_output().unwrap())
    }

    /// Runs a line of bash in this folder, in which `$0` is the program.
    pub fn bash(&self, line: &str) -> Ran {
        let output = Command::new("bash")
            .args(["-c", line, PROGRAM])
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output();
        Ran::of(output.unwrap())
    }
}
