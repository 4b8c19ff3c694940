//! `--config`: which of nginx's settings apply, and what is said of those that only nginx
//! can evaluate.

use serde_json::Value;

use crate::common::{Folder, Ran};

const NOW: &str = "1700000000";

fn folder(server: &str) -> Folder {
    let folder = Folder::new();
    folder.write("secret_key", "a-secret-of-an-application-in-a-test-of-this");
    folder.write("other_key", "another-secret-of-another-application-in-it");
    let http = format!(
        "events {{}}\nhttp {{\n crossdomain_media_max_age 10m;\n server {{\n listen 443 ssl;\n \
         server_name media.example.org;\n crossdomain_media_key secret_key id=server;\n {server}\n }}\n}}\n"
    );
    folder.write("nginx.conf", http);
    folder
}

fn mint(folder: &Folder, key: &str, url: &str) -> String {
    let ran = folder.run(&["mint", "django", "--time", NOW, "--key", key, url]);
    ran.line().to_owned()
}

fn explain(folder: &Folder, url: &str, more: &[&str]) -> Ran {
    let arguments = [
        "explain",
        "--json",
        "--config",
        "nginx.conf",
        "--time",
        NOW,
        "-",
    ];
    folder.run_with(&[&arguments, more].concat(), url)
}

fn notes(report: &Value) -> String {
    let notes = report["notes"].as_array().unwrap().iter();
    notes
        .map(|note| note.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn settings_are_inherited_and_lists_are_replaced() {
    let folder = folder(
        "crossdomain_media https://www.example.com;
         crossdomain_media_on missing 401;
         location /a/ { crossdomain_media_key other_key id=location; location /a/b/ { crossdomain_media_max_age 1m; } }
         location /off/ { crossdomain_media off; location /off/on/ { crossdomain_media https://on.example; } }",
    );
    let ask = |key: &str, path: &str, time: &str| {
        let url = mint(&folder, key, &format!("https://media.example.org{path}"));
        let arguments = [
            "explain",
            "--json",
            "--config",
            "nginx.conf",
            "--time",
            time,
            "-",
        ];
        let report = folder.run_with(&arguments, &url).json();
        let text = format!("{} {}", report["reason"], report["key_id"]);
        text.replace('"', "")
    };
    // max_age of http, of location; the key of server, of location.
    assert_eq!(ask("secret_key", "/x", "1700000600"), "valid server");
    assert_eq!(
        ask("secret_key", "/x", "1700000601"),
        "token_expired server"
    );
    assert_eq!(ask("secret_key", "/a/x", NOW), "bad_signature null");
    assert_eq!(ask("other_key", "/a/x", "1700000600"), "valid location");
    assert_eq!(ask("other_key", "/a/b/x", "1700000060"), "valid location");
    assert_eq!(
        ask("other_key", "/a/b/x", "1700000061"),
        "token_expired location"
    );

    let report = explain(&folder, "https://media.example.org/a/b/x", &[]).json();
    assert_eq!(report["answer"]["status"], 401);
    let off = explain(&folder, "https://media.example.org/off/x", &[]);
    assert_eq!((off.code, &off.json()["status"]), (3, &"unguarded".into()));
    let on = explain(
        &folder,
        "https://media.example.org/off/on/x",
        &["--method", "POST"],
    )
    .json();
    assert_eq!(
        (&on["status"], &on["application"]),
        (&"missing".into(), &"https://on.example".into())
    );
}

#[test]
fn what_only_nginx_can_evaluate_is_said() {
    let folder = folder(
        "crossdomain_media $application;
         location /map/ { if ($arg_x) { return 403; } rewrite ^ /b; deny all; try_files $uri =404; }
         location /own/ { crossdomain_media https://www.example.com/login?next=$crossdomain_media_uri; }
         location /new/ { crossdomain_media https://www.example.com; crossdomain_media_tomorrow on; }",
    );
    let url = "https://media.example.org/map/a";
    let report = explain(&folder, url, &[]).json();
    assert_eq!(report["status"], "missing");
    assert_eq!(
        (&report["answer"]["status"], &report["answer"]["location"]),
        (&302.into(), &Value::Null)
    );
    for said in ["$application", "if (", "rewrite (", "deny (", "try_files ("] {
        assert!(notes(&report).contains(said), "{said}: {report}");
    }
    assert!(notes(&report).contains("nginx.conf:"), "{report}");

    let report = explain(&folder, url, &["--application", "https://app.example"]).json();
    assert_eq!(report["answer"]["location"], "https://app.example/map/a");
    assert!(!notes(&report).contains("$application"), "{report}");
    let off = explain(&folder, url, &["--application", "off"]);
    assert_eq!((off.code, &off.json()["status"]), (3, &"unguarded".into()));

    // The module's own variable has a value that is known here.
    let report = explain(&folder, "https://media.example.org/own/a?b=1", &[]).json();
    assert_eq!(
        report["answer"]["location"],
        "https://www.example.com/login?next=/own/a?b=1"
    );
    let report = explain(&folder, "https://media.example.org/new/a", &[]).json();
    assert!(
        notes(&report).contains("crossdomain_media_tomorrow"),
        "{report}"
    );
}

#[test]
fn the_site_is_what_nginx_takes_it_for() {
    let guarded = "crossdomain_media https://www.example.com;";
    let site = |server: &str, url: &str, more: &[&str]| {
        let folder = folder(server);
        let ran = explain(&folder, url, more);
        let report = ran.json();
        (report["origin"].clone(), notes(&report))
    };
    let (origin, said) = site(guarded, "https://media.example.org/a", &[]);
    assert_eq!(
        (origin, said.as_str()),
        ("https://media.example.org".into(), "")
    );
    // A proxy in front, which nginx is not told of.
    let (origin, said) = site(guarded, "http://media.example.org:8080/a", &[]);
    assert_eq!(origin, "https://media.example.org");
    assert!(
        said.contains("crossdomain_media_public_url") && said.contains("no server listens"),
        "{said}"
    );
    let with_url = format!("{guarded} crossdomain_media_public_url https://cdn.example;");
    assert_eq!(
        site(&with_url, "https://media.example.org/a", &[]).0,
        "https://cdn.example"
    );
    let (origin, said) = site(guarded, "https://unknown.example/a", &[]);
    assert_eq!(origin, Value::Null);
    assert!(
        said.contains("does not know its own scheme and host"),
        "{said}"
    );
    let host = ["-H", "Host: MEDIA.example.org."];
    assert_eq!(site(guarded, "/a", &host).0, "https://media.example.org");
}

#[test]
fn a_location_can_be_named() {
    let folder = folder(
        "location @app { crossdomain_media https://app.example; }
         location / { location ~ x$ { crossdomain_media https://x.example; } }",
    );
    for (name, application) in [
        ("@app", "https://app.example"),
        ("~ x$", "https://x.example"),
    ] {
        let url = "https://media.example.org/a";
        let report = explain(&folder, url, &["--location", name]).json();
        assert_eq!(report["application"], application);
    }
    let missing = explain(
        &folder,
        "https://media.example.org/a",
        &["--location", "/no/"],
    );
    assert_eq!(missing.code, 2);
}

#[test]
fn what_nginx_would_not_start_with_is_an_error() {
    let text = |server: &str| {
        let folder = folder(server);
        let ran = explain(&folder, "https://media.example.org/a", &[]);
        assert_eq!(ran.code, 2, "{ran:?}");
        ran.stderr
    };
    for (server, expected) in [
        (
            "crossdomain_media_key missing;",
            "nginx.conf:8: crossdomain_media_key",
        ),
        (
            "crossdomain_media_max_age soon;",
            "nginx.conf:8: crossdomain_media_max_age: soon",
        ),
        ("crossdomain_media a; ", "expected a URL that starts with"),
        (
            "crossdomain_media off; crossdomain_media off;",
            "is duplicate",
        ),
        ("crossdomain_media_on missing 200;", "expected redirect"),
        ("location ~ ( { }", "location ("),
        ("include nothing.conf;", "nothing.conf"),
        ("a", "nginx.conf:"),
        ("}", "nginx.conf:"),
    ] {
        let text = text(server);
        assert!(text.contains(expected), "{server}: {text}");
    }
    // Without a key in a location; with none outside of locations nginx starts.
    let folder = Folder::new();
    folder.write(
        "nginx.conf",
        "http { server { crossdomain_media https://a.example; location /a { } } }",
    );
    let ask = |url: &str| folder.run(&["explain", "--json", "--config", "nginx.conf", url]);
    assert!(
        ask("http://x/a")
            .stderr
            .contains("no crossdomain_media_key applies")
    );
    let outside = ask("http://x/b");
    assert_eq!(
        (outside.code, &outside.json()["answer"]["status"]),
        (3, &500.into())
    );
}

#[test]
fn an_application_that_came_to_off_lets_a_path_with_a_token_pass() {
    let folder = folder(
        "crossdomain_media_token arg:token path:~;
         location /variable/ { crossdomain_media $application; }
         location /written/ { crossdomain_media off; }
         location /other/ { crossdomain_media $application; crossdomain_media_token arg:token; }",
    );
    for (path, status, answer) in [
        ("/variable/~x/a", "unguarded", Value::Null),
        ("/written/~x/a", "undecided", 404.into()),
        ("/other/~x/a", "undecided", 404.into()),
    ] {
        let url = format!("https://media.example.org{path}");
        let ran = explain(&folder, &url, &["--application", "off"]);
        let report = ran.json();
        assert_eq!(
            (ran.code, &report["status"], &report["answer"]["status"]),
            (3, &status.into(), &answer),
            "{path}"
        );
    }
}

#[test]
fn verify_tells_its_notes_beside_the_verdict() {
    let folder = folder("location / { crossdomain_media https://a.example; deny all; }");
    let arguments = [
        "verify",
        "--config",
        "nginx.conf",
        "https://media.example.org/a",
    ];
    let ran = folder.run(&arguments);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (1, "missing: no_token\n"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("note: deny ("), "{ran:?}");
    let json = folder.run(&[&arguments[..], &["--json"]].concat());
    assert!(notes(&json.json()).contains("deny ("), "{json:?}");
    assert_eq!(json.stderr, "");
}

#[test]
fn a_path_that_nginx_cannot_read_is_noted_where_keys_alone_are_asked() {
    let folder = Folder::new();
    folder.write("key", "a-secret-of-an-application-in-a-test-of-this");
    for (path, is_noted) in [
        ("/a%zz", true),
        ("/../a", true),
        ("/a%2e", false),
        // With merge_slashes off.
        ("//../a", false),
    ] {
        let url = format!("https://media.example.org{path}");
        let ran = folder.run(&["verify", "--key", "key", &url]);
        assert_eq!(ran.stdout, "missing: no_token\n", "{ran:?}");
        let said = ran.stderr.contains("nginx itself answers 400");
        assert_eq!(said, is_noted, "{ran:?}");
    }
}

#[test]
fn another_server_at_a_socket_of_its_own_is_noted() {
    let folder = Folder::new();
    folder.write("key", "a-secret-of-an-application-in-a-test-of-this");
    folder.write(
        "nginx.conf",
        "http { crossdomain_media_key key;
         server { listen 24400; server_name any.example; crossdomain_media https://any.example; }
         server { listen 127.0.0.1:24400; server_name own.example; crossdomain_media https://own.example; } }",
    );
    let ask = |more: &[&str]| explain(&folder, "http://any.example:24400/a", more).json();
    let report = ask(&[]);
    assert_eq!(report["application"], "https://any.example");
    let said = notes(&report);
    assert!(
        said.contains("127.0.0.1:24400") && said.contains("--listen"),
        "{said}"
    );
    for (listen, application) in [
        ("127.0.0.1:24400", "https://own.example"),
        ("24400", "https://any.example"),
    ] {
        let report = ask(&["--listen", listen]);
        assert_eq!(report["application"], application);
        assert!(!notes(&report).contains("--listen"), "{report}");
    }
}

#[test]
fn what_is_not_read_may_be_in_any_encoding() {
    let folder = folder("");
    let ask = |line: &[u8]| {
        let server = [
            &b"http { server { crossdomain_media off; "[..],
            line,
            b" } }",
        ];
        folder.write("nginx.conf", server.concat());
        explain(&folder, "http://media.example.org/a", &[])
    };
    let other = ask(b"add_header X-Name caf\xe9; map $a $caf\xe9 { caf\xe9 1; }");
    assert_eq!(other.code, 3, "{other:?}");
    let own = ask(b"crossdomain_media_public_url http://caf\xe9;");
    assert_eq!(own.code, 2);
    assert!(own.stderr.contains("not valid UTF-8"), "{own:?}");
}

#[test]
fn blocks_without_end_are_an_error() {
    let folder = Folder::new();
    let nested = |depth: usize| {
        let (open, close) = ("a {".repeat(depth), "}".repeat(depth));
        folder.write(
            "nginx.conf",
            format!("{open}{close} http {{ server {{ }} }}"),
        );
        explain(&folder, "http://media.example.org/a", &[])
    };
    assert_eq!(nested(100).code, 3);
    let deep = nested(200_000);
    assert_eq!(deep.code, 2, "{deep:?}");
    assert!(deep.stderr.contains("blocks in each other"), "{deep:?}");
}

#[test]
fn nginx_answers_some_requests_by_itself() {
    let folder =
        folder("crossdomain_media https://a.example; crossdomain_media_token arg:token path:~;");
    for (path, more, status) in [
        ("/%zz", &[][..], 400),
        ("/~x%zz/a", &[], 400),
        ("/~x%00/a", &[], 400),
        ("//../a", &[], 400),
        ("/a", &["--method", "get"], 400),
        ("/a", &["--method", ""], 400),
        ("/a", &["--method", "TRACE"], 405),
        ("/a", &["--method", "CONNECT"], 405),
        ("/a", &["-H", "Host: a", "-H", "host: a"], 400),
    ] {
        let url = format!("https://media.example.org{path}");
        let ran = explain(&folder, &url, more);
        assert_eq!(
            (ran.code, &ran.json()["answer"]["status"]),
            (3, &status.into()),
            "{path}"
        );
    }
}

#[test]
fn nginx_does_not_read_a_method_of_other_bytes_than_upper_case_letters() {
    let folder = folder("crossdomain_media https://a.example;");
    let url = mint(&folder, "secret_key", "https://media.example.org/a");
    let ask = |command: &str, method: &str, site: [&str; 2]| {
        let arguments = [command, "--time", NOW, "--method", method, "-"];
        folder.run_with(&[&arguments[..], &site].concat(), &url)
    };
    // With a key alone, too: no configuration lets such a request through.
    for site in [["--config", "nginx.conf"], ["--key", "secret_key"]] {
        for method in ["GET", "M-SEARCH", "A_B"] {
            assert_eq!(ask("explain", method, site).code, 0, "{method}");
        }
        for method in ["get", "gET", "GETa", "GET2", "G:T", "G\u{c9}T", "GET ", ""] {
            let ran = ask("explain", method, site);
            assert_eq!(ran.code, 3, "{method}: {ran:?}");
            let line = "answer      nginx itself answers 400: the name of a method has";
            assert!(ran.stdout.contains(line), "{method}: {ran:?}");
            assert!(!ran.stdout.contains("valid"), "{method}: {ran:?}");
            assert_eq!(ask("verify", method, site).code, 3, "{method}");
        }
    }
}
