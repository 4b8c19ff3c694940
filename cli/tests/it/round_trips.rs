//! What `mint` makes, the module's own decision grants; and nothing else.

use crate::common::{Folder, Ran};

const URL: &str = "https://media.example.org/media/a%20b/c.pdf?page=2";
const NOW: &str = "1700000000";

fn verify(folder: &Folder, key: &str, url: &str, more: &[&str]) -> Ran {
    let arguments = ["verify", "--json", "--time", NOW, "--key", key, "-"];
    folder.run_with(&[&arguments, more].concat(), url)
}

fn verdict(ran: &Ran) -> String {
    let json = ran.json();
    let text = format!("{} {}", json["status"], json["reason"]).replace('"', "");
    assert_eq!(ran.code, i32::from(json["status"] != "granted"), "{ran:?}");
    text
}

/// The URL with another path.
fn elsewhere(url: &str) -> String {
    url.replace("/c.pdf", "/d.pdf")
}

fn mint(folder: &Folder, format: &str, key: &str, more: &[&str]) -> String {
    let arguments = ["mint", format, "--time", NOW, "--key", key, "-"];
    let ran = folder.run_with(&[&arguments, more].concat(), URL);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.stdout.trim_end().to_owned()
}

#[test]
fn django() {
    let folder = Folder::new();
    folder.run(&["keygen", "secret", "--out", "key"]).line();
    folder.run(&["derive", "key", "--out", "derived"]).line();
    for key in [
        "key",
        "key id=a",
        "key alg=sha1",
        "key salt=other",
        "key path=storage",
        "key path=decoded",
        "key path=raw",
        "key signs=parent",
    ] {
        let url = mint(&folder, "django", key, &[]);
        assert_eq!(
            verdict(&verify(&folder, key, &url, &[])),
            "granted valid",
            "{key}"
        );
        let other = verdict(&verify(&folder, key, &elsewhere(&url), &[]));
        match key.contains("parent") {
            true => assert_eq!(other, "granted valid"),
            false => assert_eq!(other, "invalid bad_signature"),
        }
        let late = verify(&folder, key, &url, &["--time", "1700000121"]);
        assert_eq!(late.code, 2, "--time is there twice");
    }
    // Either key is the other's.
    let url = mint(&folder, "django", "derived derived encoding=hex", &[]);
    assert_eq!(verdict(&verify(&folder, "key", &url, &[])), "granted valid");
    let late = ["verify", "--time", "1700000121", "--key", "key", "-"];
    let late = folder.run_with(&late, &url);
    assert_eq!(
        (late.code, late.stdout.as_str()),
        (1, "expired: token_expired, age 121s\n")
    );
    let patient = [
        "verify",
        "--time",
        "1700000121",
        "--key",
        "key id=a",
        "-d",
        "max_age 2m1s",
        "-",
    ];
    assert_eq!(
        folder.run_with(&patient, &url).line(),
        "granted: valid, key \"a\", age 121s, until 1700000121 (2023-11-14T22:15:21Z), left 0s"
    );
}

#[test]
fn jwt() {
    let folder = Folder::new();
    folder
        .run(&["keygen", "secret", "--for", "jwt", "--jwks", "--out", "s"])
        .line();
    for kind in ["rsa", "p256", "ed25519"] {
        folder
            .run(&["keygen", kind, "--jwks", "--out", kind])
            .line();
    }
    for (signs, verifies) in [
        ("s format=jwt", "s format=jwt"),
        ("s format=jwt alg=HS384", "s format=jwt alg=HS384"),
        ("s format=jwt alg=HS512 id=a", "s format=jwt alg=HS512 id=a"),
        ("s.jwks.json format=jwt", "s format=jwt"),
        ("s format=jwt", "s.jwks.json format=jwt"),
        (
            "s format=jwt aud=site path_claim=p",
            "s format=jwt aud=site path_claim=p",
        ),
        ("s format=jwt path=decoded", "s format=jwt path=decoded"),
        ("rsa.private.pem format=jwt", "rsa.public.pem format=jwt"),
        (
            "rsa.private.pem format=jwt alg=PS256",
            "rsa.public.pem format=jwt alg=PS256",
        ),
        ("rsa.private.pem format=jwt", "rsa.jwks.json format=jwt"),
        (
            "p256.private.pem format=jwt id=a",
            "p256.public.pem format=jwt id=a",
        ),
        ("p256.private.pem format=jwt", "p256.jwks.json format=jwt"),
        (
            "ed25519.private.pem format=jwt",
            "ed25519.public.pem format=jwt",
        ),
        (
            "ed25519.private.pem format=jwt",
            "ed25519.jwks.json format=jwt",
        ),
    ] {
        let url = mint(&folder, "jwt", signs, &["--life", "1m"]);
        assert_eq!(
            verdict(&verify(&folder, verifies, &url, &[])),
            "granted valid",
            "{signs}"
        );
        let other = verify(&folder, verifies, &elsewhere(&url), &[]);
        assert_eq!(verdict(&other), "invalid wrong_path", "{signs}");
    }
    // Of another key.
    let url = mint(&folder, "jwt", "ed25519.private.pem format=jwt", &[]);
    assert_eq!(
        verdict(&verify(&folder, "p256.public.pem format=jwt", &url, &[])),
        "invalid unknown_key"
    );
    // A public key signs nothing.
    let arguments = ["mint", "jwt", "--key", "rsa.public.pem format=jwt", "-"];
    assert_eq!(folder.run_with(&arguments, URL).code, 2);
}

#[test]
fn claims_of_a_jwt_limit_it() {
    let folder = Folder::new();
    folder
        .run(&["keygen", "secret", "--for", "jwt", "--out", "s"])
        .line();
    let key = "s format=jwt";
    for (claims, viewer, expected) in [
        (&["--path", "/media/*"][..], &[][..], "granted valid"),
        (
            &["--path", "/x/*", "--path", "/media/*"],
            &[],
            "granted valid",
        ),
        (&["--path", "/x/*"], &[], "invalid wrong_path"),
        (&["--method", "POST"], &[], "invalid wrong_method"),
        (
            &["--method", "POST"],
            &["--method", "POST"],
            "granted valid",
        ),
        (
            &["--ip", "192.0.2.0/24"],
            &["--address", "192.0.2.9"],
            "granted valid",
        ),
        (
            &["--ip", "192.0.2.0/24"],
            &["--address", "198.51.100.1"],
            "invalid wrong_address",
        ),
        (
            &["--not-before", "1700000060"],
            &[],
            "invalid token_not_yet_valid",
        ),
        (
            &["--jti", "one", "--claim", "x={\"y\":1}"],
            &[],
            "granted valid",
        ),
    ] {
        let url = mint(&folder, "jwt", key, claims);
        let found = verdict(&verify(&folder, key, &url, viewer));
        assert_eq!(found, expected, "{claims:?} {viewer:?}");
    }
    let url = mint(&folder, "jwt", key, &["--sub", "alice"]);
    let json = verify(&folder, key, &url, &[]).json();
    assert_eq!(
        (&json["subject"], &json["remaining"]),
        (&"alice".into(), &120.into())
    );
}

#[test]
fn tokens_go_where_they_are_wanted() {
    let folder = Folder::new();
    folder
        .run(&["keygen", "secret", "--for", "jwt", "--out", "s"])
        .line();
    let key = "s format=jwt";
    let ask = |source: &str, more: &[&str], url: &str| {
        let directive = format!("token {source}");
        verdict(&verify(
            &folder,
            key,
            url,
            &[&["-d", &directive], more].concat(),
        ))
    };
    let url = mint(&folder, "jwt", key, &["--token", "arg:t"]);
    assert_eq!(ask("arg:t", &[], &url), "granted valid");
    assert_eq!(ask("arg:token", &[], &url), "missing no_token");

    let url = mint(&folder, "jwt", key, &["--token", "path:~"]);
    assert!(
        url.starts_with("https://media.example.org/media/~eyJ"),
        "{url}"
    );
    assert!(url.ends_with("/a%20b/c.pdf?page=2"), "{url}");
    assert_eq!(ask("path:~", &[], &url), "granted valid");

    let line = mint(&folder, "jwt", key, &["--token", "cookie:media"]);
    let cookie = line.strip_prefix("Set-Cookie: ").unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(
        attributes,
        "Path=/media/a%20b/; Max-Age=120; HttpOnly; SameSite=None; Secure"
    );
    folder.write("cookies", pair);
    assert_eq!(
        ask("cookie:media", &["--cookie", "@cookies"], URL),
        "granted valid"
    );

    let line = mint(&folder, "jwt", key, &["--token", "header:Authorization"]);
    assert!(line.starts_with("Authorization: Bearer eyJ"), "{line}");
    folder.write("headers", line);
    assert_eq!(
        ask("header:Authorization", &["-H", "@headers"], URL),
        "granted valid"
    );
}

#[test]
fn cloudfront() {
    const HERE: &str = "https://media.example.org/media/*";
    let folder = Folder::new();
    for kind in ["rsa", "p256"] {
        folder
            .run(&[
                "keygen",
                kind,
                "--for",
                "cloudfront",
                "--id",
                "K1",
                "--out",
                kind,
            ])
            .line();
        let (signs, verifies) = (
            format!("{kind}.private.pem format=cloudfront id=K1"),
            format!("{kind}.public.pem format=cloudfront id=K1"),
        );
        let ask = |url: &str, viewer: &[&str]| verdict(&verify(&folder, &verifies, url, viewer));
        let url = mint(&folder, "cloudfront", &signs, &[]);
        assert_eq!(ask(&url, &[]), "granted valid");
        assert_eq!(ask(&elsewhere(&url), &[]), "invalid bad_signature");
        assert_eq!(
            ask(&url.replace("media.example", "other.example"), &[]),
            "invalid bad_signature"
        );
        for (policy, viewer, expected) in [
            (
                &["--resource", "https://media.example.org/media/*"][..],
                &[][..],
                "granted valid",
            ),
            (
                &["--resource", "https://media.example.org/x/*"],
                &[],
                "invalid wrong_path",
            ),
            (
                &["--resource", HERE, "--ip", "192.0.2.7"],
                &["--address", "192.0.2.7"],
                "granted valid",
            ),
            (
                &["--resource", HERE, "--ip", "192.0.2.7"],
                &[],
                "invalid wrong_address",
            ),
            (
                &["--resource", HERE, "--not-before", "1700000009"],
                &[],
                "invalid token_not_yet_valid",
            ),
        ] {
            let url = mint(&folder, "cloudfront", &signs, policy);
            assert_eq!(ask(&url, viewer), expected, "{policy:?}");
        }
        for resource in [
            &[][..],
            &["--resource", "https://media.example.org/media/*"],
        ] {
            let lines = mint(
                &folder,
                "cloudfront",
                &signs,
                &[&["--cookies"], resource].concat(),
            );
            let pairs = lines.lines().map(|line| {
                let cookie = line.strip_prefix("Set-Cookie: ").unwrap();
                let (pair, attributes) = cookie.split_once("; ").unwrap();
                assert!(
                    attributes.starts_with("Path=/media/a%20b/; Max-Age=120;"),
                    "{line}"
                );
                pair
            });
            folder.write("cookies", pairs.collect::<Vec<_>>().join("; "));
            assert_eq!(ask(URL, &["--cookie", "@cookies"]), "granted valid");
            assert_eq!(ask(URL, &[]), "missing no_token");
        }
        let arguments = [
            "mint",
            "cloudfront",
            "--key",
            &format!("{signs} alg=sha1"),
            "-",
        ];
        assert_eq!(folder.run_with(&arguments, URL).code, 2);
    }
}

#[test]
fn explain_tells_what_was_signed_and_shows_no_secret() {
    let folder = Folder::new();
    folder.run(&["keygen", "secret", "--out", "key"]).line();
    let url = mint(&folder, "django", "key", &[]);
    let (_, signature) = url.rsplit_once("%3A").unwrap();
    let arguments = [
        "explain",
        "--time",
        "1700000121",
        "--key",
        "key id=2026",
        "-",
    ];
    let told = folder.run_with(
        &[
            &arguments[..],
            &["--application", "https://www.example.com"],
        ]
        .concat(),
        &url,
    );
    let expected = "\
request     GET /media/a%20b/c.pdf?page=2&token=***
time        1700000121 (2023-11-14T22:15:21Z)
application https://www.example.com
site        https://media.example.org
keys        key 0: key (django, id \"2026\")
looked at   arg:token
steps       arg:token: a credential
            key 0 (id \"2026\"): what it signs is \"/media/a%20b/c.pdf\" with the time 1700000000
            key 0 (id \"2026\"): the signature holds
            refused: token_expired
verdict     expired: token_expired, key \"2026\", age 121s
answer      302 to https://www.example.com/media/a%20b/c.pdf?page=2
";
    assert!(told.stdout.starts_with(expected), "{}", told.stdout);
    assert_eq!(told.code, 1);
    // Also where nobody looks for it.
    let elsewhere = folder.run_with(&[&arguments[..], &["-d", "token arg:other"]].concat(), &url);
    assert!(elsewhere.stdout.contains("no_token"), "{elsewhere:?}");
    let secret = folder.read("key");
    for text in [&told.stdout, &elsewhere.stdout] {
        assert!(
            !text.contains(signature) && !text.contains(secret.trim()),
            "{text}"
        );
    }
}

#[test]
fn what_cannot_be_used_is_an_error() {
    let folder = Folder::new();
    folder.write("short", "short");
    folder.write("key", "a-secret-of-an-application-in-a-test-of-this");
    for arguments in [
        &["verify", "https://a.example/"][..],
        &["verify", "--key", "missing", "https://a.example/"],
        &["verify", "--key", "short format=jwt", "https://a.example/"],
        &["verify", "--key", "key format=jws", "https://a.example/"],
        &["verify", "--key", "key", "a.example"],
        &["verify", "--key", "key", "ftp://a.example/"],
        &["verify", "--key", "key", "https://a.example/a b"],
        &["verify", "--key", "key", "--time", "soon", "/a"],
        &["verify", "--key", "key", "-d", "max_age soon", "/a"],
        &["verify", "--key", "key", "-d", "nothing on", "/a"],
        &["verify", "--key", "key", "--config", "nginx.conf", "/a"],
        &["verify", "--config", "missing.conf", "/a"],
        &["verify", "--key", "-", "-"],
        &[
            "mint",
            "django",
            "--key",
            "key format=jwt",
            "https://a.example/",
        ],
        &[
            "mint",
            "jwt",
            "--key",
            "key format=jwt",
            "--claim",
            "exp=1",
            "https://a.example/",
        ],
        &[
            "mint",
            "jwt",
            "--key",
            "key format=jwt",
            "--life",
            "0",
            "https://a.example/",
        ],
        &["mint", "jwt", "--key", "key format=jwt", "/a"],
        &[],
    ] {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
    let ran = folder.run(&["verify", "--json", "--key", "missing", "/a"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.json()["error"].as_str().unwrap().contains("missing"),
        "{ran:?}"
    );
}
