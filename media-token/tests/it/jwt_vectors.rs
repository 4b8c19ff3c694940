//! Vectors made by running PyJWT, and by the rules of RFC 9246.

use crate::common::{self, Viewer};

use media_token::{Policy, Source};
use serde_json::Value;

const VECTORS: &str = include_str!("vectors/jwt.json");

/// A plain JWT names what it covers in `sub`; RFC 9246 has a claim of its own.
fn policy(vector: &Value, pem_files: &Value) -> Policy {
    let keys = &vector["keys"];
    let leeway = vector["options"]["leeway"].as_i64().unwrap_or(0);
    let (source, keys) = match vector["format"].as_str().unwrap() {
        "jwt" => {
            let (name, algorithm) = (keys["key"].as_str().unwrap(), keys["alg"].as_str().unwrap());
            let file = pem_files[name].as_str().unwrap_or(name);
            let parameters = format!("format=jwt path_claim=sub alg={algorithm}");
            ("arg:token", common::keys(file.as_bytes(), &parameters))
        }
        "rfc9246-cdni" => {
            let keys = match (keys["kid"].as_str(), keys["k (base64url)"].as_str()) {
                (Some(kid), Some(k)) => {
                    let jwk =
                        serde_json::json!({ "kty": "oct", "alg": "HS256", "kid": kid, "k": k });
                    common::keys(jwk.to_string().as_bytes(), "format=jwt")
                }
                _ => Vec::new(),
            };
            ("arg:URISigningPackage", keys)
        }
        other => panic!("unknown format {other}"),
    };
    Policy {
        sources: vec![Source::parse(source).unwrap()],
        keys,
        max_age: 120,
        leeway,
        revoked: None,
    }
}

#[test]
fn every_vector_of_the_reference_gets_its_verdict() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 32);
    let mut wrong = Vec::new();
    for vector in vectors {
        let url = vector["url"].as_str().unwrap();
        let path_start = url.match_indices('/').nth(2).unwrap().0;
        let (origin, target) = url.split_at(path_start);
        let policy = policy(vector, &file["test_keys_pem"]);
        let mut viewer = Viewer {
            origin: Some(String::from(origin).leak()),
            ..Viewer::default()
        };
        let now = vector["now"].as_i64().unwrap();
        let status = viewer.asks(target, &policy, now).status();
        if status != common::expected(vector) {
            wrong.push(format!("{}: {status:?}: {}", vector["id"], viewer.steps));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_vectors_are_those_that_the_project_was_given() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    for (name, ours) in [
        ("django.json", include_str!("vectors/django.json")),
        ("jwt.json", VECTORS),
        ("cloudfront.json", include_str!("vectors/cloudfront.json")),
    ] {
        // They are not part of the repository.
        if let Ok(theirs) = std::fs::read_to_string(format!("{folder}/{name}")) {
            assert!(ours == theirs, "{name} differs");
        }
    }
}
