//! What `explain --config` says agrees with what nginx answers: the same configuration,
//! the same requests.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::Folder;

const PORT: u16 = 24100;
const SITE: &str = "http://media.test:24100";

/// Everything that a request may come to in it.
const HTTP: &str = r#"
user root;
daemon off;
master_process off;
pid nginx.pid;
error_log error.log info;
events {}
http {
    access_log off;
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    root files;
    add_header X-Reason $crossdomain_media_reason always;
    include conf.d/*.conf;
}
"#;

const SERVERS: &str = r#"
server {
    listen 127.0.0.1:24100;
    server_name media.test "*.wild.test";
    crossdomain_media http://www.test;
    crossdomain_media_key secret_key id=django;
    crossdomain_media_token arg:token path:~;

    location /public/ { crossdomain_media off; }
    location /jwt/ {
        crossdomain_media_key jwt.key format=jwt id=jwt;
        crossdomain_media_token arg:t cookie:media header:Authorization;
        crossdomain_media_on expired 410;
    }
    location /path/ {
        crossdomain_media_key jwt.key format=jwt id=jwt;
    }
    location ^~ /cf/ {
        crossdomain_media_key cf.public.pem format=cloudfront id=K1;
        crossdomain_media_redirect_code 307;
    }
    location ~ \.pdf$ { crossdomain_media_on invalid 404; }
    location ~* \.(?!txt)PNG$ { crossdomain_media_on missing 402; }
    location = /login/next { crossdomain_media http://www.test/login?next=$crossdomain_media_uri; }
    location /nested/ {
        crossdomain_media_max_age 1h;
        location ~ \.gone$ { crossdomain_media_on missing expired 410; }
        location /nested/deep/ { crossdomain_media_key other_key id=other; }
    }
    location /nest { crossdomain_media_on missing 405; }
    location /dry/ { crossdomain_media_dry_run on; }
    location /limited/ { limit_except GET { crossdomain_media_on missing 401; } }
    location /handed/ { crossdomain_media_on missing @app; }
    location @app { crossdomain_media off; return 418; }
    location /loop/ { crossdomain_media_loop_guard 3; }
    location /script/ { crossdomain_media_cors http://www.test; }
    location /hand-over/ {
        crossdomain_media_key jwt.key format=jwt id=jwt;
        crossdomain_media_cookie media insecure redirect;
    }
    location /public-url/ {
        crossdomain_media_key cf.public.pem format=cloudfront id=K1;
        crossdomain_media_public_url https://cdn.test;
    }
    location "/with space/" { crossdomain_media_on missing 406; }
}
server {
    listen 127.0.0.1:24100 default_server;
    server_name other.test;
    crossdomain_media http://other-app.test/renew;
    crossdomain_media_key other_key id=other;
    merge_slashes off;
    location /a//b { crossdomain_media_on missing 409; }
}
"#;

struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &Folder) -> Nginx {
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../build");
    let nginx = build.join("nginx");
    let module = build.join("ngx_http_crossdomain_media_module.so");
    for file in [&nginx, &module] {
        assert!(file.exists(), "{}: missing; make build", file.display());
    }
    let module = module.canonicalize().unwrap();
    folder.write(
        "nginx.conf",
        format!("load_module {};{HTTP}", module.display()),
    );
    folder.write("conf.d/media.conf", SERVERS);
    folder.write("conf.d/.hidden.conf", "}");
    let child = Command::new(nginx)
        .args(["-p", ".", "-c", "nginx.conf", "-e", "error.log"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut nginx = Nginx(child);
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", PORT)).is_err() {
        let log = || folder.read("error.log");
        assert!(nginx.0.try_wait().unwrap().is_none(), "{}", log());
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    nginx
}

/// A request, and what is expected of both.
struct Case {
    name: &'static str,
    method: &'static str,
    url: String,
    lines: Vec<String>,
    status: u16,
    reason: &'static str,
}

fn case(name: &'static str, url: impl Into<String>, status: u16, reason: &'static str) -> Case {
    Case {
        name,
        method: "GET",
        url: url.into(),
        lines: Vec::new(),
        status,
        reason,
    }
}

impl Case {
    fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }
}

/// Status, reason and `Location`.
type Answer = (u16, String, Option<String>);

fn ask_nginx(case: &Case) -> Answer {
    let (authority, target) = case
        .url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut request = format!(
        "{} /{target} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n",
        case.method
    );
    for line in &case.lines {
        write!(request, "{line}\r\n").unwrap();
    }
    stream
        .write_all(format!("{request}\r\n").as_bytes())
        .unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    let response = String::from_utf8_lossy(&response);
    let head = response.split("\r\n\r\n").next().unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.to_owned())
    };
    let location = header("Location").or_else(|| header("Crossdomain-Media-Location"));
    (status, header("X-Reason").unwrap_or_default(), location)
}

fn ask_explain(folder: &Folder, case: &Case) -> (Answer, Value) {
    folder.write("lines", case.lines.join("\n"));
    let arguments = [
        "explain",
        "--json",
        "--config",
        "nginx.conf",
        "--address",
        "127.0.0.1",
        "--method",
        case.method,
        "--header",
        "@lines",
        "-",
    ];
    let ran = folder.run_with(&arguments, &case.url);
    let report = ran.json();
    let answer = &report["answer"];
    let status = match (answer["status"].as_u64(), answer["named_location"].as_str()) {
        (Some(status), None) => u16::try_from(status).unwrap(),
        // What the location there answers.
        (None, Some("@app")) => 418,
        (None, None) => 200,
        other => panic!("{other:?}: {report}"),
    };
    let reason = report["reason"].as_str().unwrap().to_owned();
    let location = answer["location"].as_str().map(str::to_owned);
    let code = match report["status"].as_str().unwrap() {
        "granted" => 0,
        "missing" | "expired" | "invalid" => 1,
        "unguarded" | "undecided" => 3,
        other => panic!("{other}"),
    };
    assert_eq!(ran.code, code, "{report}");
    ((status, reason, location), report)
}

fn cases(folder: &Folder) -> Vec<Case> {
    let mint = |format: &str, key: &str, path: &str, more: &[&str]| {
        let url = match path.starts_with('/') {
            true => format!("{SITE}{path}"),
            false => path.to_owned(),
        };
        let ran = folder.run(&[&["mint", format, "--key", key, &url], more].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout.trim_end().to_owned()
    };
    let django = |path: &str, more: &[&str]| mint("django", "secret_key", path, more);
    let other = |path: &str| mint("django", "other_key", path, &[]);
    let jwt = |path: &str, more: &[&str]| mint("jwt", "jwt.key format=jwt id=jwt", path, more);
    let cloudfront = |path: &str, more: &[&str]| {
        mint(
            "cloudfront",
            "cf.private.pem format=cloudfront id=K1",
            path,
            more,
        )
    };
    let site = |path: &str| format!("{SITE}{path}");
    let long_ago = ["--time", "1700000000"];
    let forged = |url: String| {
        let (head, last) = url.split_at(url.len() - 1);
        let last = if last == "A" { "E" } else { "A" };
        format!("{head}{last}")
    };
    let cookie = |line: &str| {
        let cookie = line
            .strip_prefix("Set-Cookie: ")
            .unwrap()
            .split("; ")
            .next()
            .unwrap();
        format!("Cookie: {cookie}")
    };
    let cookies = cloudfront("/cf/a", &["--cookies"]);
    let cookies: Vec<_> = cookies.lines().map(cookie).collect();
    let cookies = cookies
        .iter()
        .map(|line| line.strip_prefix("Cookie: ").unwrap());
    let cookies = format!("Cookie: {}", cookies.collect::<Vec<_>>().join("; "));
    let in_jwt = ["--token", "arg:t"];
    let in_path = |url: &str| {
        let url = jwt(url, &["--token", "path:~", "--path", "/path/*"]);
        assert!(url.contains("/path/~eyJ"), "{url}");
        url
    };
    vec![
        case("granted", django("/a", &[]), 200, "valid"),
        case(
            "granted with a query",
            django("/a?b=1&c", &[]),
            200,
            "valid",
        ),
        case("expired", django("/a?b=1", &long_ago), 302, "token_expired"),
        case("missing", site("/a?b=1"), 302, "no_token"),
        case("forged", forged(django("/a", &[])), 403, "bad_signature"),
        case(
            "another path",
            django("/a", &[]).replace("/a?", "/b?"),
            403,
            "bad_signature",
        ),
        case("another key", other("/a"), 403, "bad_signature"),
        case("malformed", site("/a?token=x"), 403, "token_malformed"),
        case("empty", site("/a?token="), 403, "token_empty"),
        case(
            "repeated",
            site("/a?token=x&token=y"),
            403,
            "token_repeated",
        ),
        case(
            "a dot segment",
            django("/a", &[]).replace("/a?", "/x/../a?"),
            403,
            "unsafe_path",
        ),
        case("escaped", django("/b%20c", &[]), 200, "valid"),
        case("out of the root", site("/../a"), 400, ""),
        case("no escape", site("/%zz"), 400, ""),
        case("no escape in what is cut out", site("/~x%zz/a"), 400, ""),
        case("TRACE", site("/a"), 405, "").method("TRACE"),
        case("a method in lower case", django("/a", &[]), 400, "").method("get"),
        case("a method with a digit", django("/a", &[]), 400, "").method("GET2"),
        case("a method that nobody knows", site("/a"), 302, "no_token").method("M-S_H"),
        case("Host twice", site("/a"), 400, "")
            .line("Host: media.test")
            .line("Host: media.test"),
        case("public", site("/public/a"), 200, ""),
        case("public by an escape", site("/%70ublic/a"), 200, ""),
        // merge_slashes is that of the default server.
        case("a doubled slash", site("//public//a"), 302, "no_token"),
        case("a doubled slash's parent", site("//../a"), 302, "no_token"),
        case(
            "wildcard host",
            "http://x.wild.test:24100/a",
            302,
            "no_token",
        ),
        case(
            "a host in upper case",
            django("/a", &[]).replace("media.test", "MEDIA.test"),
            200,
            "valid",
        ),
        case("JWT", jwt("/jwt/a", &in_jwt), 200, "valid"),
        case("JWT, HEAD", jwt("/jwt/a", &in_jwt), 200, "valid").method("HEAD"),
        case(
            "JWT, folder",
            jwt("/jwt/a", &["--token", "arg:t", "--path", "/jwt/*"]),
            200,
            "valid",
        ),
        case(
            "JWT, another path",
            jwt("/jwt/a", &["--token", "arg:t", "--path", "/jwt/b"]),
            403,
            "wrong_path",
        ),
        case(
            "JWT, expired",
            jwt("/jwt/a", &["--token", "arg:t", "--time", "1700000000"]),
            410,
            "token_expired",
        ),
        case(
            "JWT, later",
            jwt(
                "/jwt/a",
                &[
                    "--token",
                    "arg:t",
                    "--life",
                    "36500d",
                    "--not-before",
                    "2100-01-01T00:00:00Z",
                ],
            ),
            403,
            "token_not_yet_valid",
        ),
        case(
            "JWT, other method",
            jwt("/jwt/a", &["--token", "arg:t", "--method", "POST"]),
            403,
            "wrong_method",
        ),
        case(
            "JWT, other address",
            jwt("/jwt/a", &["--token", "arg:t", "--ip", "192.0.2.1"]),
            403,
            "wrong_address",
        ),
        case(
            "JWT, this address",
            jwt("/jwt/a", &["--token", "arg:t", "--ip", "127.0.0.0/8"]),
            200,
            "valid",
        ),
        case(
            "JWT, audience",
            mint("jwt", "jwt.key format=jwt id=jwt aud=x", "/jwt/a", &in_jwt),
            403,
            "wrong_audience",
        ),
        case(
            "JWT, forged",
            forged(jwt("/jwt/a", &in_jwt)),
            403,
            "bad_signature",
        ),
        case("JWT, other argument", jwt("/jwt/a", &[]), 302, "no_token"),
        case("JWT, cookie", site("/jwt/a"), 200, "valid")
            .line(cookie(&jwt("/jwt/a", &["--token", "cookie:media"]))),
        case("JWT, header", site("/jwt/a"), 200, "valid")
            .line(jwt("/jwt/a", &["--token", "header:Authorization"])),
        case(
            "JWT where Django's are taken",
            jwt("/a", &[]),
            403,
            "token_malformed",
        ),
        case("path", in_path("/path/b/a"), 200, "valid"),
        case(
            "path, another folder",
            jwt("/path/a", &["--token", "path:~", "--path", "/x/*"]),
            403,
            "wrong_path",
        ),
        case("path, where it is not taken", site("/jwt/~x/a"), 404, ""),
        case(
            "path, where the guard is off",
            site("/public/~x/a"),
            404,
            "",
        ),
        case("path, twice", site("/path/~x/~y/a"), 403, "token_repeated"),
        case("CloudFront", cloudfront("/cf/a?x=1", &[]), 200, "valid"),
        case(
            "CloudFront, expired",
            cloudfront("/cf/a?x=1", &long_ago),
            307,
            "token_expired",
        ),
        case(
            "CloudFront, forged",
            cloudfront("/cf/a", &[]).replace("/cf/a", "/cf/b"),
            403,
            "bad_signature",
        ),
        case(
            "CloudFront, incomplete",
            site("/cf/a?Expires=1"),
            307,
            "token_incomplete",
        ),
        case(
            "CloudFront, unknown key",
            cloudfront("/cf/a", &[]).replace("Id=K1", "Id=K2"),
            403,
            "unknown_key",
        ),
        case(
            "CloudFront, wildcard",
            cloudfront("/cf/a", &["--resource", "http://media.test:24100/cf/*"]),
            200,
            "valid",
        ),
        case(
            "CloudFront, other resource",
            cloudfront("/cf/a", &["--resource", "http://media.test:24100/x/*"]),
            403,
            "wrong_path",
        ),
        case(
            "CloudFront, other host",
            cloudfront("http://x.wild.test:24100/cf/a", &[]).replace("x.wild", "y.wild"),
            403,
            "bad_signature",
        ),
        case("CloudFront, cookies", site("/cf/a"), 200, "valid").line(cookies),
        case(
            "^~ goes before a regular expression",
            site("/cf/a.pdf"),
            307,
            "no_token",
        ),
        case(
            "public_url",
            cloudfront("https://cdn.test/public-url/a", &[]).replace("https://cdn.test", SITE),
            200,
            "valid",
        ),
        case(
            "a regular expression",
            site("/a.pdf?token=x"),
            404,
            "token_malformed",
        ),
        case("a caseless one", site("/a.png"), 402, "no_token"),
        case(
            "an exact location",
            site("/login/next?a=1"),
            302,
            "no_token",
        ),
        case("nested, max_age", django("/nested/a", &[]), 200, "valid"),
        case(
            "nested, regular expression",
            site("/nested/a.gone"),
            410,
            "no_token",
        ),
        case(
            "nested, outer regular expression",
            site("/nested/a.pdf?token=x"),
            404,
            "token_malformed",
        ),
        case("nested, key", other("/nested/deep/a"), 200, "valid"),
        case(
            "nested, the outer key",
            django("/nested/deep/a", &[]),
            403,
            "bad_signature",
        ),
        case("a shorter prefix", site("/nest/a"), 405, "no_token"),
        case("a longer prefix", site("/nested/a"), 302, "no_token"),
        case("dry run", site("/dry/a"), 200, "no_token"),
        case("limit_except, GET", site("/limited/a"), 302, "no_token"),
        case("limit_except, HEAD", site("/limited/a"), 302, "no_token").method("HEAD"),
        case("limit_except, DELETE", site("/limited/a"), 401, "no_token").method("DELETE"),
        case("handed over", site("/handed/a"), 418, "no_token"),
        case("not handed over", django("/handed/a", &[]), 200, "valid"),
        case("before a loop", site("/loop/a"), 302, "no_token")
            .line("Cookie: crossdomain_media_loop=2-7"),
        case("a loop", site("/loop/a"), 403, "no_token").line("Cookie: crossdomain_media_loop=3-7"),
        case("a script", site("/script/a"), 401, "no_token").line("Sec-Fetch-Mode: cors"),
        case("a preflight", site("/script/a"), 204, "")
            .method("OPTIONS")
            .line("Origin: http://www.test")
            .line("Access-Control-Request-Method: GET"),
        case("a preflight of others", site("/script/a"), 403, "")
            .method("OPTIONS")
            .line("Origin: http://evil.test")
            .line("Access-Control-Request-Method: GET"),
        case(
            "hand-over",
            jwt("/hand-over/a", &["--path", "/hand-over/*"]),
            200,
            "valid",
        ),
        case(
            "hand-over of a navigation",
            jwt("/hand-over/a", &["--path", "/hand-over/*"]),
            302,
            "valid",
        )
        .line("Sec-Fetch-Mode: navigate"),
        case(
            "a location with a space",
            site("/with%20space/a"),
            406,
            "no_token",
        ),
        case(
            "the default server",
            "http://unknown.test:24100/a?b=1",
            302,
            "no_token",
        ),
        case(
            "the default server, granted",
            other("http://unknown.test:24100/a"),
            200,
            "valid",
        ),
        case("by name", "http://other.test:24100/a", 302, "no_token"),
        case(
            "slashes that are not merged",
            "http://other.test:24100/a//b",
            409,
            "no_token",
        ),
        case(
            "a slash that is not merged keeps the path within the root",
            "http://other.test:24100//../a//b",
            409,
            "no_token",
        ),
        case(
            "out of the root all the same",
            "http://other.test:24100//../../b",
            400,
            "",
        ),
    ]
}

#[test]
#[ignore = "needs build/nginx with the module: make test-cli"]
fn explain_agrees_with_nginx() {
    let folder = Folder::new();
    for key in ["secret_key", "other_key", "jwt.key"] {
        folder.run(&["keygen", "secret", "--out", key]).line();
    }
    folder
        .run(&[
            "keygen",
            "rsa",
            "--for",
            "cloudfront",
            "--id",
            "K1",
            "--out",
            "cf",
        ])
        .line();
    for file in [
        "a",
        "b",
        "b c",
        "public/a",
        "jwt/a",
        "path/b/a",
        "cf/a",
        "nested/a",
        "nested/deep/a",
        "dry/a",
        "handed/a",
        "hand-over/a",
        "public-url/a",
    ] {
        folder.write(&format!("files/{file}"), file);
    }
    let _nginx = start(&folder);
    let cases = cases(&folder);
    assert!(cases.len() > 70);
    let mut wrong = Vec::new();
    for case in &cases {
        let expected = (case.status, case.reason.to_owned());
        let answered = ask_nginx(case);
        let (explained, report) = ask_explain(&folder, case);
        if (answered.0, answered.1.clone()) != expected {
            wrong.push(format!(
                "{}: nginx: {answered:?}, expected {expected:?}",
                case.name
            ));
        }
        // What looks like a token is not shown.
        let location = match (&answered.2, &explained.2) {
            (Some(whole), Some(shown)) if shown.ends_with("=***") => {
                let end = whole.rfind('=').unwrap();
                Some(format!("{}=***", &whole[..end]))
            }
            (location, _) => location.clone(),
        };
        let answered = (answered.0, answered.1, location);
        if explained != answered {
            wrong.push(format!(
                "{}: nginx: {answered:?}, explain: {explained:?}: {report}",
                case.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
