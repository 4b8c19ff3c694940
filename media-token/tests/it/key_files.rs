//! Key files on disk, and what is told of the keys in them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use media_token::{KeyError, KeyFile};

use crate::cloudfront_signer;
use crate::common;

fn write(name: &str, content: &[u8], mode: u32) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_file_is_read_whole_with_its_newline() {
    let path = write("whole.key", b"a-secret\n\n", 0o640);
    let file = KeyFile::read(&path).unwrap();
    assert_eq!(file.bytes(), b"a-secret\n\n");
    assert_eq!(file.mode, 0o640);
    assert!(!file.is_world_readable());
}

#[test]
fn a_file_that_others_may_read_is_told_of() {
    let path = write("open.key", b"a-secret", 0o604);
    assert!(KeyFile::read(&path).unwrap().is_world_readable());
}

#[test]
fn a_file_has_a_largest_size() {
    let largest = vec![b'x'; 65_536];
    let path = write("largest.key", &largest, 0o600);
    assert_eq!(KeyFile::read(&path).unwrap().bytes(), largest);
    let path = write("larger.key", &[&largest[..], b"x"].concat(), 0o600);
    assert_eq!(KeyFile::read(&path).unwrap_err(), KeyError::TooLarge);
}

#[test]
fn only_public_keys_are_no_secrets() {
    let is_secret = |file: &[u8], parameters: &str| common::keys(file, parameters)[0].is_secret();
    let pem = cloudfront_signer::ec_pem();
    assert!(is_secret(common::SECRET, ""));
    assert!(is_secret(common::JWT_SECRET, "format=jwt"));
    assert!(is_secret(common::JWT_SECRET, "format=jwt use=mint"));
    assert!(!is_secret(&pem, "format=jwt alg=ES256"));
    assert!(!is_secret(&pem, "format=cloudfront id=K"));
}
