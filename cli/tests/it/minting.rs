//! What `mint` hands out is what was asked for, and is taken by the module.

use crate::common::{Folder, Ran};

fn folder() -> Folder {
    let folder = Folder::new();
    for arguments in [
        &["secret", "--out", "s"][..],
        &["secret", "--for", "mint", "--out", "m"],
        &["p256", "--for", "cloudfront", "--id", "K1", "--out", "c"],
    ] {
        folder.run(&[&["keygen"], arguments].concat()).line();
    }
    folder
}

fn mint(folder: &Folder, format: &str, more: &[&str]) -> Ran {
    let key = match format {
        "django" => "s",
        "jwt" => "s format=jwt",
        _ => "c.private.pem format=cloudfront id=K1",
    };
    folder.run(
        &[
            &["mint", format, "--time", "1700000000", "--key", key],
            more,
        ]
        .concat(),
    )
}

#[track_caller]
fn assert_refused(ran: &Ran, why: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
    assert!(ran.stderr.contains(why), "{why}: {ran:?}");
}

#[test]
fn no_more_is_covered_than_was_asked_for() {
    let folder = folder();
    for url in ["https://m.example/a/*", "https://m.example/a/%2A"] {
        assert_refused(&mint(&folder, "jwt", &[url]), "--path");
        mint(&folder, "jwt", &["--path", "/a/*", url]).line();
    }
    for url in ["https://m.example/a/*", "https://m.example/a/b?x"] {
        for custom in [["--ip", "127.0.0.1"], ["--not-before", "1700000000"]] {
            let custom = [&custom[..], &[url]].concat();
            assert_refused(&mint(&folder, "cloudfront", &custom), "--resource");
            let named = [&custom[..], &["--resource", url]].concat();
            mint(&folder, "cloudfront", &named).line();
        }
        // A canned policy has no wildcards.
        mint(&folder, "cloudfront", &[url]).line();
    }
}

#[test]
fn what_the_module_would_refuse_is_not_handed_out() {
    let folder = folder();
    for (arguments, why) in [
        (&["--method", "get"][..], "wrong_method"),
        (&["--method", "GET", "--method", "post"], "wrong_method"),
        (&["--ip", "garbage"], "--ip garbage"),
        (&["--ip", "192.0.2.0/x"], "token_malformed"),
        (&["--ip", "::1", "--ip", "192.0.2.0/x"], "token_malformed"),
        (&["--path", "a/b"], "--path a/b"),
        (&["--claim", "nbf=\"x\""], "token_malformed"),
        (&["--claim", "nbf=1800000000"], "nbf"),
        (&["--not-before", "1700000120"], "--not-before"),
        (&["--not-before", "2100-01-01T00:00:00Z"], "--not-before"),
        (&["--method", "GET2"], "answers 400"),
        (&["--method", ""], "answers 400"),
        (&["--method", "GET", "--method", "\u{c9}"], "answers 400"),
        (&["--method", "GET", "--method", "CONNECT"], "answers 405"),
        (&["--claim", "cdniip=\"x\""], "token_unsupported"),
        (&["--aud", "site"], "wrong_audience"),
        (
            &["--not-before", "1700000060", "--method", "get"],
            "wrong_method",
        ),
    ] {
        let arguments = [arguments, &["https://m.example/a/b"]].concat();
        assert_refused(&mint(&folder, "jwt", &arguments), why);
    }
    for (format, url, why) in [
        ("django", "https://m.example/a/../b", "unsafe_path"),
        ("django", "https://m.example/a%zz", "cannot read the path"),
        ("jwt", "https://m.example/a/%", "cannot read the path"),
        ("django", "https://m.example/../b", "cannot read the path"),
        ("jwt", "https://m.example/a/%2e/b", "unsafe_path"),
        ("cloudfront", "https://m.example/a/./b", "unsafe_path"),
        ("django", "https://m.example/a?token=x", "token_repeated"),
        ("jwt", "https://m.example/a?token=", "token_repeated"),
        (
            "cloudfront",
            "https://m.example/a?Expires=1",
            "token_repeated",
        ),
    ] {
        assert_refused(&mint(&folder, format, &[url]), why);
    }
    let of_nginx = [
        "mint",
        "jwt",
        "--key",
        "m format=jwt use=mint",
        "https://m.example/a",
    ];
    assert_refused(&folder.run(&of_nginx), "use=mint");
    for arguments in [["--resource", "a/*"], ["--ip", "garbage"]] {
        let arguments = [&arguments[..], &["https://m.example/a"]].concat();
        assert_refused(&mint(&folder, "cloudfront", &arguments), arguments[0]);
    }
    for path in ["/; Domain=example", "/\n"] {
        let more = ["--cookie-path", path, "https://m.example/a"];
        let token = [&["--token", "cookie:media"][..], &more].concat();
        assert_refused(&mint(&folder, "jwt", &token), "--cookie-path");
        let cookies = [&["--cookies"][..], &more].concat();
        assert_refused(&mint(&folder, "cloudfront", &cookies), "--cookie-path");
    }
}

#[test]
fn what_is_for_others_or_for_later_is_handed_out() {
    let folder = folder();
    for arguments in [
        &["--path", "/elsewhere/*"][..],
        &["--not-before", "1700000060"],
        &["--not-before", "1700000119"],
        &["--claim", "nbf=1700000060"],
        &["--life", "36500d", "--not-before", "2100-01-01T00:00:00Z"],
        &["--ip", "192.0.2.0/24", "--ip", "2001:db8::1"],
        &["--method", "POST", "--method", "PUT", "--ip", "192.0.2.1"],
        &["--claim", "ip=\"192.0.2.1\""],
    ] {
        let arguments = [arguments, &["https://m.example/a"]].concat();
        mint(&folder, "jwt", &arguments).line();
    }
}

#[test]
fn the_site_is_spelled_as_browsers_do() {
    let folder = folder();
    let key = "c.public.pem format=cloudfront id=K1";
    for more in [&[][..], &["--resource", "HTTPS://M.Example:443/a*"]] {
        let arguments = [more, &["HTTPS://M.Example:443/a"]].concat();
        // The scheme is for the tool to read.
        assert_refused(&mint(&folder, "cloudfront", &arguments), "https://");
    }
    for more in [&[][..], &["--resource", "https://M.Example:443/a*"]] {
        let arguments = [more, &["https://M.Example:443/a"]].concat();
        let ran = mint(&folder, "cloudfront", &arguments);
        assert!(ran.line().starts_with("https://m.example/a?"), "{ran:?}");
        let verify = ["verify", "--time", "1700000000", "--key", key, "-"];
        folder.run_with(&verify, ran.line()).line();
    }
}
