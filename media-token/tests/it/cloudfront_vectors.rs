//! Vectors made by running botocore and `@aws-sdk/cloudfront-signer`.

use crate::common::{self, Cookies, Viewer};

use media_token::Policy;
use serde_json::Value;

const VECTORS: &str = include_str!("vectors/cloudfront.json");

fn policy(vector: &Value, pem_files: &Value) -> Policy {
    let keys = vector["keys"].as_object().unwrap();
    let keys: Vec<_> = keys
        .iter()
        .flat_map(|(id, name)| {
            let file = pem_files[name.as_str().unwrap()].as_str().unwrap();
            common::keys(file.as_bytes(), &format!("format=cloudfront id={id}"))
        })
        .collect();
    Policy {
        sources: keys[0].sources().to_vec(),
        keys,
        max_age: 120,
        leeway: 0,
        revoked: None,
    }
}

#[test]
fn every_vector_of_the_reference_gets_its_verdict() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 77);
    let mut wrong = Vec::new();
    for vector in vectors {
        let url = vector["url"].as_str().unwrap();
        let path_start = url.match_indices('/').nth(2).unwrap().0;
        let (origin, target) = url.split_at(path_start);
        let cookies = vector["cookies"].as_object().unwrap();
        let cookies = cookies
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
        let policy = policy(vector, &file["test_keys_pem"]);
        let mut viewer = Viewer {
            origin: Some(String::from(origin).leak()),
            address: Some(vector["client_ip"].as_str().unwrap().parse().unwrap()),
            ..Viewer::default()
        };
        let now = vector["now"].as_i64().unwrap();
        let cookies = Cookies(cookies.collect::<Vec<_>>().join("; "));
        let status = viewer.asks_with(target, &cookies, &policy, now).status();
        if status != common::expected(vector) {
            wrong.push(format!("{}: {status:?}: {}", vector["id"], viewer.steps));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
