//! The vectors of the reference implementations, through `verify` and `explain`.

use serde_json::Value;

use crate::common::Folder;

const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../media-token/tests/it/vectors"
);

fn read(name: &str, count: usize) -> Value {
    let text = std::fs::read_to_string(format!("{FOLDER}/{name}")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["vectors"].as_array().unwrap().len(), count);
    file
}

fn expected(vector: &Value) -> &'static str {
    let recommended = vector.get("recommended_module_verdict");
    match recommended.unwrap_or(&vector["expect"]).as_str().unwrap() {
        "ok" => "granted",
        "missing" => "missing",
        "expired" => "expired",
        "bad" | "notyet" => "invalid",
        other => panic!("unknown verdict {other}"),
    }
}

/// What must not be shown of a URL or a cookie: signatures, and whole tokens.
fn secrets(vector: &Value) -> Vec<String> {
    let url = vector["url"].as_str().unwrap();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let cookies = vector["cookies"].as_object().into_iter().flatten();
    let cookies = cookies.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let mut secrets = Vec::new();
    for (name, value) in pairs.chain(cookies) {
        let is_token = matches!(name, "token" | "URISigningPackage");
        if is_token || name.ends_with("Signature") || name.ends_with("Policy") {
            let value = value.replace("%3A", ":").replace("%3a", ":");
            secrets.extend(value.split([':', '.']).map(str::to_owned));
            secrets.push(value);
        }
    }
    // What is shorter may stand anywhere.
    secrets.retain(|secret| secret.len() >= 20);
    secrets
}

/// A vector's question in other words.
struct Question {
    keys: Vec<String>,
    rest: Vec<String>,
}

fn ask(folder: &Folder, vector: &Value, question: &Question, wrong: &mut Vec<String>) -> usize {
    let url = vector["url"].as_str().unwrap();
    // A clock with a fraction is read as the next second.
    let now = (vector["now"].as_f64().unwrap().ceil() as i64).to_string();
    let mut arguments = vec!["--json", "--time", &now, "-"];
    for key in &question.keys {
        arguments.extend(["--key", key]);
    }
    arguments.extend(question.rest.iter().map(String::as_str));
    let verified = folder.run_with(&[&["verify"], &arguments[..]].concat(), url);
    let explained = folder.run_with(&[&["explain"], &arguments[..]].concat(), url);
    let (short, long) = (verified.json(), explained.json());
    let expected = expected(vector);
    let code = i32::from(expected != "granted");
    if short["status"] != expected || verified.code != code {
        wrong.push(format!("{}: {verified:?}", vector["id"]));
    }
    if (&long["status"], &long["reason"]) != (&short["status"], &short["reason"])
        || explained.code != code
    {
        wrong.push(format!("{}: {explained:?}", vector["id"]));
    }
    let texts = [
        &explained.stdout,
        &explained.stderr,
        &verified.stdout,
        &verified.stderr,
    ];
    let secrets = secrets(vector);
    for secret in &secrets {
        if texts.iter().any(|text| text.contains(secret)) {
            wrong.push(format!("{}: shows {secret}: {explained:?}", vector["id"]));
        }
    }
    secrets.len()
}

#[test]
fn vectors_of_django_get_their_verdict() {
    let file = read("django.json", 151);
    let folder = Folder::new();
    let mut wrong = Vec::new();
    let mut hidden = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let mut secrets = vec![vector["keys"]["SECRET_KEY"].as_str().unwrap()];
        let fallbacks = vector["keys"]["SECRET_KEY_FALLBACKS"].as_array();
        secrets.extend(
            fallbacks
                .into_iter()
                .flatten()
                .map(|key| key.as_str().unwrap()),
        );
        let (url, id) = (
            vector["url"].as_str().unwrap(),
            vector["id"].as_str().unwrap(),
        );
        let mut form = String::new();
        if url.contains("example.org/raw/") {
            form.push_str(" path=decoded");
        } else if url.contains("example.org/stor/") {
            form.push_str(" path=storage");
        }
        if id.contains("/dir-") {
            form.push_str(" signs=parent");
        }
        let version = vector["django"].as_str().unwrap();
        let algorithms = match version.split('.').take(2).collect::<Vec<_>>()[..] {
            ["2", _] | ["3", "0"] => &["sha1"][..],
            ["3", _] => &["sha256", "sha1"],
            _ => &["sha256"],
        };
        let mut keys = Vec::new();
        for (number, secret) in secrets.iter().enumerate() {
            folder.write(&format!("key{number}"), secret);
            let key = |algorithm| format!("key{number} alg={algorithm}{form}");
            keys.extend(algorithms.iter().map(key));
        }
        let max_age = vector["max_age"].as_i64().unwrap();
        let rest = vec!["-d".into(), format!("max_age {max_age}")];
        hidden += ask(&folder, vector, &Question { keys, rest }, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(hidden > 100);
}

#[test]
fn vectors_of_jwt_get_their_verdict() {
    let file = read("jwt.json", 32);
    let folder = Folder::new();
    let mut wrong = Vec::new();
    let mut hidden = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let keys = &vector["keys"];
        let leeway = vector["options"]["leeway"].as_i64().unwrap_or(0);
        let mut rest = vec!["-d".into(), format!("crossdomain_media_leeway {leeway}")];
        let parameters = match vector["format"].as_str().unwrap() {
            "jwt" => {
                let (name, algorithm) =
                    (keys["key"].as_str().unwrap(), keys["alg"].as_str().unwrap());
                let content = file["test_keys_pem"][name].as_str().unwrap_or(name);
                folder.write("key", content);
                format!("key format=jwt path_claim=sub alg={algorithm}")
            }
            "rfc9246-cdni" => {
                rest.extend(["-d".into(), "token arg:URISigningPackage".into()]);
                match (keys["kid"].as_str(), keys["k (base64url)"].as_str()) {
                    (Some(kid), Some(k)) => {
                        let jwk =
                            serde_json::json!({ "kty": "oct", "alg": "HS256", "kid": kid, "k": k });
                        folder.write("key", jwk.to_string());
                    }
                    // One that signed none of them.
                    _ => drop(folder.write("key", "a-secret-that-has-signed-nothing-at-all")),
                }
                "key format=jwt".into()
            }
            other => panic!("unknown format {other}"),
        };
        let keys = vec![parameters];
        hidden += ask(&folder, vector, &Question { keys, rest }, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(hidden > 30);
}

#[test]
fn vectors_of_cloudfront_get_their_verdict() {
    let file = read("cloudfront.json", 77);
    let folder = Folder::new();
    let mut wrong = Vec::new();
    let mut hidden = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let mut keys = Vec::new();
        for (id, name) in vector["keys"].as_object().unwrap() {
            let name = name.as_str().unwrap();
            folder.write(name, file["test_keys_pem"][name].as_str().unwrap());
            keys.push(format!("{name} format=cloudfront id={id}"));
        }
        let cookies = vector["cookies"].as_object().unwrap().iter();
        let cookies = cookies.map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let mut rest = vec![
            "--address".into(),
            vector["client_ip"].as_str().unwrap().into(),
        ];
        // Of which the case is kept, as it is in the vector's comparison.
        let url = vector["url"].as_str().unwrap();
        let origin = &url[..url.match_indices('/').nth(2).unwrap().0];
        rest.extend(["-d".into(), format!("public_url {origin}")]);
        if !cookies.is_empty() {
            folder.write("cookies", &cookies);
            rest.extend(["--cookie".into(), "@cookies".into()]);
        }
        hidden += ask(&folder, vector, &Question { keys, rest }, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(hidden > 60);
}
