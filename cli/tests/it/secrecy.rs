//! What is printed holds no credential, wherever one stands in what was asked.

use crate::common::Folder;

const SIGNATURE: &str = "U2XBGXdGPAV6XbThMfnKoN4zxqJ2K9LO7u2Ivfr4xB0";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.run(&["keygen", "secret", "--out", "key"]).line();
    folder
}

#[test]
fn explain_shows_no_credential_of_the_url_anywhere() {
    let folder = folder();
    for query in [
        "Expires=1&Signature=SIG&Key-Pair-Id=K",
        "other=1r31eq%3ASIG",
        "other=1r31eq%253ASIG",
        "x=1r31eq%3ASIG%20",
        "v=user:1r31eq:SIG",
        "eyJhbGciOiJIUzI1NiJ9.e30.SIG",
        "eyJhbGciOiJIUzI1NiJ9.e30.SIG=",
        "next=https://h.example/a?token=SIG",
        "signature=SIG",
        "Signatur%65=SIG",
        "X-Amz-Signature=SIG",
        "CloudFront-Signature=SIG",
        "sig=SIG",
    ] {
        for application in [
            "https://l.example",
            "https://l.example/?next=$crossdomain_media_return_url",
            "https://l.example?next=$crossdomain_media_return_url",
        ] {
            let application = format!("crossdomain_media {application}");
            for json in [&[][..], &["--json"]] {
                let arguments = [
                    "explain",
                    "--key",
                    "key",
                    "-d",
                    "public_url https://m.example",
                    "-d",
                    &application,
                    "-",
                ];
                let url = format!("https://m.example/a?{}", query.replace("SIG", SIGNATURE));
                let ran = folder.run_with(&[&arguments, json].concat(), &url);
                assert_eq!(ran.code, 1, "{ran:?}");
                assert!(ran.stdout.contains("***"), "{ran:?}");
                assert!(!ran.stdout.contains(SIGNATURE), "{query}: {ran:?}");
            }
        }
    }
}

#[test]
fn steps_show_no_token_of_a_path() {
    let folder = folder();
    for token in ["1r31eq:SIG", "eyJhbGciOiJIUzI1NiJ9.e30.SIG", "1r31eq%3ASIG"] {
        let token = token.replace("SIG", SIGNATURE);
        let url = format!("https://m.example/a/{token}/b");
        let minted = folder.run_with(&["mint", "django", "--key", "key", "-"], &url);
        let ran = folder.run_with(&["explain", "--key", "key", "-"], minted.line());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(
            ran.stdout.contains("what it signs is \"/a/***/b\""),
            "{ran:?}"
        );
        assert!(!ran.stdout.contains(SIGNATURE), "{ran:?}");
    }
}

#[test]
fn what_is_no_credential_is_shown_as_it_is() {
    let folder = folder();
    let arguments = [
        "explain",
        "--json",
        "--key",
        "key",
        "-d",
        "crossdomain_media https://l.example/?next=$crossdomain_media_uri",
        "https://m.example/it's/a\\b?page=2",
    ];
    let report = folder.run(&arguments).json();
    assert_eq!(report["request"], "GET /it's/a\\b?page=2");
    assert_eq!(
        report["answer"]["location"],
        "https://l.example/?next=/it's/a\\b?page=2"
    );
}

#[test]
fn errors_repeat_no_credential() {
    let folder = folder();
    folder.write("cookies", format!("Set-Cookie: media={SIGNATURE}"));
    let (host, port) = (
        format!("Host: a:{SIGNATURE}"),
        format!("http://h:{SIGNATURE}/"),
    );
    for (arguments, why) in [
        (&["/a", SIGNATURE][..], "unexpected argument"),
        (&["/a", "--token", SIGNATURE], "unexpected argument"),
        (&["/a", "--address", SIGNATURE], "--address"),
        (&["/a", "-H", &host], "port"),
        (&["/a", "-H", SIGNATURE], "NAME: VALUE"),
        (&["/a", "-b", "@cookies"], "Set-Cookie"),
        (&[&port], "port"),
    ] {
        let ran = folder.run(&[&["explain", "--key", "key"], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.contains(why), "{why}: {ran:?}");
        assert!(!ran.stderr.contains(SIGNATURE), "{ran:?}");
    }
    let usage = folder.run(&["verify", "--key", "key", "/a", "/b"]).stderr;
    assert!(usage.contains("Usage: crossdomain-media verify"), "{usage}");
}
