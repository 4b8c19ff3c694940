//! docs/cli.md: its commands run as they are written down, and print what it says.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use crate::common::Folder;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");

/// The fenced blocks, with the words behind the fence.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let parts: Vec<_> = page.split("\n```").collect();
    let fenced = parts.iter().skip(1).step_by(2);
    fenced
        .map(|block| block.split_once('\n').unwrap())
        .collect()
}

#[test]
fn commands_run_and_print_what_is_shown() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let blocks = blocks(&page);
    let folder = Folder::new();
    let (_, nginx) = blocks
        .iter()
        .find(|(language, _)| *language == "nginx")
        .unwrap();
    folder.write("nginx.conf", nginx);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_crossdomain-media"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut compared = 0;
    for (number, (language, script)) in blocks.iter().enumerate() {
        if *language != "sh" {
            continue;
        }
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .env("PATH", &path)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let mut told = String::new();
        write!(
            told,
            "{script}\n{printed}\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
        .unwrap();
        assert!(output.status.success(), "{told}");
        if let Some(("text", expected)) = blocks.get(number + 1) {
            assert_eq!(printed.trim_end(), *expected, "{told}");
            compared += 1;
        }
    }
    assert_eq!(compared, 3);
}

#[test]
fn help_teaches_with_examples_and_exit_statuses() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]);
    assert!(
        help.stdout.contains("Examples:") && help.stdout.contains("Exit status:"),
        "{help:?}"
    );
    for command in [
        &["keygen"][..],
        &["mint", "django"],
        &["mint", "jwt"],
        &["mint", "cloudfront"],
        &["verify"],
        &["explain"],
        &["derive"],
    ] {
        let help = folder.run(&[command, &["--help"]].concat());
        assert_eq!(help.code, 0);
        assert!(help.stdout.contains("Example"), "{help:?}");
        assert!(help.stdout.contains("--json"), "{help:?}");
    }
    assert!(
        folder
            .run(&["derive", "--help"])
            .stdout
            .contains("It is a secret")
    );
}
