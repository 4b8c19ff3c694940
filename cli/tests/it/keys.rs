//! Keys: made, derived, and kept from others' eyes.

use serde_json::Value;

use crate::common::Folder;

#[test]
fn private_files_are_for_their_owner_and_never_overwritten() {
    let folder = Folder::new();
    for (arguments, files) in [
        (&["secret", "--out", "s"][..], &["s"][..]),
        (
            &["secret", "--for", "jwt", "--jwks", "--out", "j"],
            &["j", "j.jwks.json"],
        ),
        (&["rsa", "--out", "r"], &["r.private.pem"]),
        (&["p256", "--out", "p"], &["p.private.pem"]),
        (&["ed25519", "--out", "e"], &["e.private.pem"]),
    ] {
        let arguments = [&["keygen"], arguments].concat();
        folder.run(&arguments).line();
        for file in files {
            assert_eq!(folder.mode(file), 0o600, "{file}");
            let before = folder.read(file);
            let again = folder.run(&arguments);
            assert_eq!((again.code, again.stdout.as_str()), (2, ""));
            assert!(again.stderr.contains("not written"), "{}", again.stderr);
            assert_eq!(folder.read(file), before);
        }
    }
    assert_eq!(folder.mode("r.public.pem"), 0o644);
    // Not even a part of a pair is written beside what is there.
    folder.write("x.public.pem", "");
    assert_eq!(folder.run(&["keygen", "rsa", "--out", "x"]).code, 2);
    assert!(!folder.path().join("x.private.pem").exists());
}

#[test]
fn no_two_keys_are_alike() {
    let folder = Folder::new();
    for name in ["a", "b"] {
        folder.run(&["keygen", "secret", "--out", name]).line();
    }
    assert_eq!(folder.read("a").trim().len(), 86);
    assert_ne!(folder.read("a"), folder.read("b"));
}

#[test]
fn the_line_for_nginx_names_the_key() {
    let folder = Folder::new();
    let line = |arguments: &[&str]| {
        let ran = folder.run(&[&["keygen"], arguments].concat());
        ran.line().to_owned()
    };
    assert_eq!(
        line(&["secret", "--out", "s1"]),
        "crossdomain_media_key s1;"
    );
    assert_eq!(
        line(&["secret", "--for", "jwt", "--id", "a", "--out", "s2"]),
        "crossdomain_media_key s2 format=jwt id=a;"
    );
    assert_eq!(
        line(&["secret", "--for", "mint", "--out", "s3"]),
        "crossdomain_media_key s3 format=jwt use=mint;"
    );
    let cloudfront = line(&["p256", "--for", "cloudfront", "--out", "c"]);
    let id = cloudfront
        .strip_prefix("crossdomain_media_key c.public.pem format=cloudfront id=")
        .and_then(|rest| rest.strip_suffix(';'));
    assert_eq!(id.map(str::len), Some(14), "{cloudfront}");
    assert_eq!(
        line(&["ed25519", "--jwks", "--out", "e"]),
        "crossdomain_media_key e.jwks.json format=jwt;"
    );
    let set: Value = serde_json::from_str(&folder.read("e.jwks.json")).unwrap();
    assert_eq!(set["keys"][0]["alg"], "EdDSA");
    assert_eq!(set["keys"][0]["kid"].as_str().unwrap().len(), 43);
    assert_eq!(set["keys"][0].get("d"), None);
    for arguments in [
        &["secret", "--for", "cloudfront", "--out", "n"][..],
        &["ed25519", "--for", "cloudfront", "--out", "n"],
        &["rsa", "--for", "django", "--out", "n"],
        &["secret", "--jwks", "--out", "n"],
        &["rsa", "--id", "a b", "--out", "n"],
        &["dsa", "--out", "n"],
        &["rsa"],
    ] {
        let ran = folder.run(&[&["keygen"], arguments].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
    }
    assert!(!folder.path().join("n.private.pem").exists());
}

#[test]
fn derived_keys_are_those_of_django() {
    let folder = Folder::new();
    folder.write("secret_key", "test-secret-key-0123456789\n");
    const SHA256: &str = "fc41cf16c12d09ac12805c323e9820199c3fe9ca7ac2976af7a332acb887f2e3";
    assert_eq!(folder.run(&["derive", "secret_key"]).line(), SHA256);
    assert_eq!(
        folder.run(&["derive", "secret_key alg=sha1"]).line(),
        "6bef2d8c26438ed64b028439f23c184896fed74a"
    );
    let stdin = folder.run_with(&["derive", "-"], "test-secret-key-0123456789");
    assert_eq!(stdin.line(), SHA256);
    let salted = folder.run(&["derive", "secret_key salt=another"]);
    assert!(salted.line() != SHA256 && salted.line().len() == 64);
    let written = folder.run(&["derive", "secret_key", "--out", "derived"]);
    assert_eq!(
        written.line(),
        "crossdomain_media_key derived derived encoding=hex;"
    );
    assert_eq!(folder.read("derived"), format!("{SHA256}\n"));
    assert_eq!(folder.mode("derived"), 0o600);
    assert_eq!(
        folder
            .run(&["derive", "secret_key", "--out", "derived"])
            .code,
        2
    );
    assert_eq!(folder.run(&["derive", "secret_key format=jwt"]).code, 2);
    let json = folder.run(&["derive", "--json", "secret_key"]).json();
    assert_eq!(json["key"], SHA256);
}

#[test]
fn what_could_not_be_written_is_an_error() {
    let folder = Folder::new();
    folder.run(&["keygen", "secret", "--out", "key"]).line();
    for command in [
        "mint django --key key https://m.example/a",
        "keygen secret --out new",
        "derive key",
        "derive --json key",
        "explain --key key /a",
        "verify --key key /a",
    ] {
        let ran = folder.bash(&format!("\"$0\" {command} >/dev/full"));
        assert_eq!(ran.code, 2, "{command}: {ran:?}");
        assert!(ran.stderr.contains("standard output"), "{ran:?}");
        // Nor can it be said.
        let ran = folder.bash(&format!("rm -f new; \"$0\" {command} >/dev/full 2>&1"));
        assert_eq!(ran.code, 2, "{command}: {ran:?}");
    }
    // A reader that has seen enough is no error.
    let gone = folder.bash("\"$0\" derive key | true; exit ${PIPESTATUS[0]}");
    assert_eq!((gone.code, gone.stderr.as_str()), (0, ""));

    // A limit for files stands for a full disk. The script's own output is no file.
    let limited = "trap '' XFSZ; ulimit -f 0; \"$0\"";
    for command in ["keygen secret --out part", "derive key --out part"] {
        let ran = folder.bash(&format!("{limited} {command}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.contains("part: not written"), "{ran:?}");
        assert!(!folder.path().join("part").exists());
    }
}

#[test]
fn the_line_for_nginx_is_quoted_where_it_has_to_be() {
    let folder = Folder::new();
    for (name, quoted) in [
        ("my key", r#""my key""#),
        ("a;b", r#""a;b""#),
        ("x$y", r#""x$y""#),
        (r#"q"r'\s"#, r#""q\"r'\\s""#),
        ("{b}", r#""{b}""#),
        ("#c", r##""#c""##),
        ("plain-1.key", "plain-1.key"),
    ] {
        let made = folder.run(&["keygen", "secret", "--out", name]);
        assert_eq!(made.line(), format!("crossdomain_media_key {quoted};"));
        // As it is printed it names the file.
        let ran = folder.run(&["verify", "--key", quoted, "/a"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, "missing: no_token\n"));
        let derived = format!("{name}.derived");
        let ran = folder.run(&["derive", quoted, "--out", &derived]);
        let start = format!("crossdomain_media_key {}", &quoted[..quoted.len() - 1]);
        assert!(ran.line().starts_with(&start), "{ran:?}");
    }
}

#[test]
fn names_of_files_need_not_be_utf_8() {
    let folder = Folder::new();
    for (number, command) in ["keygen secret", "keygen p256 --jwks", "derive key"]
        .into_iter()
        .enumerate()
    {
        folder.write("key", "a-secret-of-an-application-in-a-test-of-this");
        let ran = folder.bash(&format!("\"$0\" {command} --json --out $'{number}-\\xff'"));
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.json()["directive"].is_string());
    }
}
