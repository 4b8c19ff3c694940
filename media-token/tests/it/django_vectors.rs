//! Vectors made by running Django 2.2 to 5.2 with django-crossdomainmedia.

use crate::common::{self, Viewer};

use media_token::{Policy, Source};
use serde_json::Value;

const VECTORS: &str = include_str!("vectors/django.json");

/// The parameters of a key that stands for one `SECRET_KEY` of a Django version.
fn key_parameters(vector: &Value) -> Vec<Vec<&'static str>> {
    let url = vector["url"].as_str().unwrap();
    let id = vector["id"].as_str().unwrap();
    let mut parameters = Vec::new();
    if url.contains("example.org/raw/") {
        parameters.push("path=decoded");
    } else if url.contains("example.org/stor/") {
        parameters.push("path=storage");
    }
    if id.contains("/dir-") {
        parameters.push("signs=parent");
    }
    let with = |algorithm| {
        let mut parameters = parameters.clone();
        parameters.push(algorithm);
        parameters
    };
    let version = vector["django"].as_str().unwrap();
    match version.split('.').take(2).collect::<Vec<_>>()[..] {
        ["2", _] | ["3", "0"] => vec![with("alg=sha1")],
        ["3", _] => vec![with("alg=sha256"), with("alg=sha1")],
        _ => vec![with("alg=sha256")],
    }
}

fn policy(vector: &Value) -> Policy {
    let keys = &vector["keys"];
    let mut secrets = vec![&keys["SECRET_KEY"]];
    if let Some(fallbacks) = keys["SECRET_KEY_FALLBACKS"].as_array() {
        secrets.extend(fallbacks);
    }
    let mut trusted = Vec::new();
    for secret in secrets {
        for parameters in key_parameters(vector) {
            let secret = secret.as_str().unwrap().as_bytes();
            trusted.extend(common::keys(secret, &parameters.join(" ")));
        }
    }
    Policy {
        sources: vec![Source::parse("arg:token").unwrap()],
        keys: trusted,
        max_age: vector["max_age"].as_i64().unwrap(),
        leeway: 0,
        revoked: None,
    }
}

#[test]
fn every_vector_of_the_reference_gets_its_verdict() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 151);
    let mut wrong = Vec::new();
    for vector in vectors {
        let url = vector["url"].as_str().unwrap();
        let target = url.strip_prefix("https://media.example.org").unwrap();
        let policy = policy(vector);
        // One vector has a clock with a fraction, which nginx's has not: it is read
        // as the next second. (In nginx that token lives up to a second longer.)
        let now = vector["now"].as_f64().unwrap().ceil() as i64;
        let status = Viewer::default().asks(target, &policy, now).status();
        if status != common::expected(vector) {
            wrong.push(format!("{}: {status:?}: {target}", vector["id"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
