//! Key files for JSON Web Tokens: what is read, and which mistakes are told.

use crate::common::{self, JWT_SECRET, Viewer, mint_jwt};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use media_token::{Key, KeyOptions, Keys, Policy, Source};

const CLAIMS: &str = r#"{"exp":1700000060,"path":"/*"}"#;

fn read(file: &[u8], parameters: &str) -> Result<Keys, String> {
    let parameters = format!("format=jwt {parameters}");
    let options = KeyOptions::parse(parameters.split_whitespace(), |_| None).unwrap();
    Key::read(file, &options).map_err(|error| error.to_string())
}

fn error(file: &[u8], parameters: &str) -> String {
    read(file, parameters).unwrap_err()
}

fn parameter_error(parameters: &str) -> String {
    let options = KeyOptions::parse(parameters.split_whitespace(), |time| time.parse().ok());
    options.unwrap_err().to_string()
}

fn sign_jwt(header: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    common::sign_jwt(header.as_bytes(), CLAIMS.as_bytes(), sign)
}

/// What is decided about a token, with the keys of a file.
fn reason(file: &[u8], parameters: &str, token: &str) -> &'static str {
    let policy = Policy {
        sources: vec![Source::parse("arg:token").unwrap()],
        keys: common::keys(file, &format!("format=jwt {parameters}")),
        max_age: 120,
        leeway: 0,
        revoked: None,
    };
    let target = format!("/a?token={token}");
    Viewer::default()
        .asks(&target, &policy, 1_700_000_000)
        .reason()
}

fn pem(tag: &str, der: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {tag}-----\n{text}\n-----END {tag}-----\n").into_bytes()
}

fn public_pem(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    pem("PUBLIC KEY", key.as_der().unwrap().as_ref())
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An RSA key pair, and what it signs with.
struct Rsa(RsaKeyPair);

impl Rsa {
    fn new() -> Self {
        Self(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn mint(&self, algorithm: &str, encoding: &'static dyn RsaEncoding) -> String {
        sign_jwt(&format!(r#"{{"alg":"{algorithm}"}}"#), |message| {
            let mut signature = vec![0; self.0.public_modulus_len()];
            let random = SystemRandom::new();
            self.0
                .sign(encoding, &random, message, &mut signature)
                .unwrap();
            signature
        })
    }

    fn jwk(&self, algorithm: &str, more: &str) -> String {
        let der = self.0.public_key().as_ref();
        // RFC 8017, A.1.1: a sequence of two integers, here of 257 and 3 bytes.
        let (n, e) = (
            &der[der.len() - 5 - 256..der.len() - 5],
            &der[der.len() - 3..],
        );
        let (n, e) = (base64url(n), base64url(e));
        format!(r#"{{"kty":"RSA","alg":"{algorithm}","n":"{n}","e":"{e}"{more}}}"#)
    }
}

fn ec_mint(key: &EcdsaKeyPair) -> String {
    let random = SystemRandom::new();
    let sign = |message: &[u8]| key.sign(&random, message).unwrap().as_ref().to_vec();
    sign_jwt(r#"{"alg":"ES256"}"#, sign)
}

fn ec_jwk(key: &EcdsaKeyPair, more: &str) -> String {
    let point = key.public_key().as_ref();
    let (x, y) = (base64url(&point[1..33]), base64url(&point[33..]));
    format!(r#"{{"kty":"EC","crv":"P-256","alg":"ES256","x":"{x}","y":"{y}"{more}}}"#)
}

fn ed_mint(key: &Ed25519KeyPair) -> String {
    let sign = |message: &[u8]| key.sign(message).as_ref().to_vec();
    sign_jwt(r#"{"alg":"EdDSA"}"#, sign)
}

fn ed_jwk(key: &Ed25519KeyPair, more: &str) -> String {
    let x = base64url(key.public_key().as_ref());
    format!(r#"{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"{x}"{more}}}"#)
}

fn oct_jwk(more: &str) -> String {
    let k = base64url(JWT_SECRET);
    format!(r#"{{"kty":"oct","alg":"HS256","k":"{k}"{more}}}"#)
}

#[test]
fn a_secret_is_read_in_its_encoding() {
    let token = mint_jwt(r#"{"alg":"HS256"}"#, CLAIMS);
    let hex: String = JWT_SECRET
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for (file, parameters) in [
        (JWT_SECRET.to_vec(), ""),
        ([JWT_SECRET, b"\n"].concat(), "alg=HS256 encoding=raw"),
        (hex.into_bytes(), "encoding=hex"),
        (STANDARD.encode(JWT_SECRET).into_bytes(), "encoding=base64"),
        (
            URL_SAFE.encode(JWT_SECRET).into_bytes(),
            "encoding=base64url",
        ),
        (base64url(JWT_SECRET).into_bytes(), "encoding=base64url"),
    ] {
        assert_eq!(reason(&file, parameters, &token), "valid", "{parameters}");
    }
}

#[test]
fn a_secret_is_at_least_as_long_as_its_hash() {
    for (algorithm, least) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let parameters = format!("alg={algorithm}");
        assert!(read(&vec![b'x'; least], &parameters).is_ok());
        let expected = format!("{} bytes, {algorithm} needs at least {least}", least - 1);
        assert_eq!(error(&vec![b'x'; least - 1], &parameters), expected);
    }
    assert_eq!(error(b"too short", ""), "9 bytes, HS256 needs at least 32");
    assert_eq!(
        error(&[b'0'; 62], "encoding=hex"),
        "31 bytes, HS256 needs at least 32"
    );
    assert_eq!(error(b"\n", ""), "empty");
    assert_eq!(error(b"xyz", "encoding=base64url"), "not valid base64url");
}

#[test]
fn longer_hashes_verify_their_own_tokens() {
    use hmac::{Hmac, KeyInit, Mac};
    fn tag<M: Mac + KeyInit>(message: &[u8], secret: &[u8]) -> Vec<u8> {
        let mac = <M as KeyInit>::new_from_slice(secret).unwrap();
        mac.chain_update(message).finalize().into_bytes().to_vec()
    }
    let secret = [b's'; 64];
    let hs384 = sign_jwt(r#"{"alg":"HS384"}"#, |message| {
        tag::<Hmac<sha2::Sha384>>(message, &secret)
    });
    let hs512 = sign_jwt(r#"{"alg":"HS512"}"#, |message| {
        tag::<Hmac<sha2::Sha512>>(message, &secret)
    });
    assert_eq!(reason(&secret, "alg=HS384", &hs384), "valid");
    assert_eq!(reason(&secret, "alg=HS512", &hs512), "valid");
    assert_eq!(reason(&secret, "alg=HS384", &hs512), "unknown_key");
    assert_eq!(reason(&secret, "", &hs384), "unknown_key");
}

#[test]
fn a_pem_public_key_verifies_what_its_private_key_signed() {
    let rsa = Rsa::new();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let ed = Ed25519KeyPair::generate().unwrap();
    let rsa_file = public_pem(rsa.0.public_key());
    let rs256 = rsa.mint("RS256", &RSA_PKCS1_SHA256);
    let ps256 = rsa.mint("PS256", &RSA_PSS_SHA256);
    assert_eq!(reason(&rsa_file, "", &rs256), "valid");
    assert_eq!(reason(&rsa_file, "alg=RS256", &rs256), "valid");
    assert_eq!(reason(&rsa_file, "alg=PS256", &ps256), "valid");
    assert_eq!(reason(&rsa_file, "alg=PS256", &rs256), "unknown_key");
    assert_eq!(reason(&rsa_file, "", &ps256), "unknown_key");
    let pss_as_pkcs1 = rsa.mint("RS256", &RSA_PSS_SHA256);
    assert_eq!(reason(&rsa_file, "", &pss_as_pkcs1), "bad_signature");

    let ec_file = public_pem(ec.public_key());
    assert_eq!(reason(&ec_file, "", &ec_mint(&ec)), "valid");
    assert_eq!(reason(&ec_file, "alg=ES256", &ec_mint(&ec)), "valid");
    let ed_file = public_pem(ed.public_key());
    assert_eq!(reason(&ed_file, "alg=EdDSA", &ed_mint(&ed)), "valid");
    let text = [b"# of the application\n".as_slice(), &ed_file].concat();
    assert_eq!(reason(&text, "", &ed_mint(&ed)), "valid");

    let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    assert_eq!(reason(&ec_file, "", &ec_mint(&other)), "bad_signature");
}

#[test]
fn a_public_key_is_never_taken_for_a_secret() {
    let rsa_file = public_pem(Rsa::new().0.public_key());
    assert_eq!(
        error(&rsa_file, "alg=HS256"),
        r#""alg=HS256" does not go with an RSA public key"#
    );
    assert_eq!(
        error(&rsa_file, "alg=ES256"),
        r#""alg=ES256" does not go with an RSA public key"#
    );
    let ed_file = public_pem(Ed25519KeyPair::generate().unwrap().public_key());
    assert_eq!(
        error(&ed_file, "alg=HS512"),
        r#""alg=HS512" does not go with an Ed25519 public key"#
    );
    for encoding in ["raw", "base64url"] {
        let parameters = format!("encoding={encoding}");
        let expected = r#""encoding=" has no effect with a PEM file"#;
        assert_eq!(error(&ed_file, &parameters), expected);
    }
    assert_eq!(
        error(JWT_SECRET, "alg=RS256"),
        "no PEM public key, which RS256 needs"
    );
}

#[test]
fn a_pem_file_holds_one_public_key_of_a_known_kind() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let public = public_pem(pair.public_key());
    let private = "a private key; give the public one, which is all that verifying needs";
    for tag in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
    ] {
        assert_eq!(error(&pem(tag, b"secret"), ""), private, "{tag}");
        // Together with the public one.
        let both = [public.clone(), pem(tag, b"secret")].concat();
        assert_eq!(error(&both, ""), private, "{tag}");
    }
    let one = r#"expected one PEM block, "PUBLIC KEY""#;
    assert_eq!(error(&[public.clone(), public.clone()].concat(), ""), one);
    assert_eq!(error(&pem("CERTIFICATE", b"x"), ""), one);
    assert_eq!(error(&pem("RSA PUBLIC KEY", b"x"), ""), one);
    assert_eq!(error(b"-----BEGIN PUBLIC KEY-----\n", ""), one);
    let known = "expected an RSA, P-256 or Ed25519 public key";
    assert_eq!(error(&pem("PUBLIC KEY", b"x"), ""), known);
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    assert_eq!(error(&public_pem(p384.public_key()), ""), known);
}

/// A public key of 1024 bits, made by OpenSSL.
const SHORT_RSA: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDKhMpCLhy97NhPSIakbjFIe9Rk
c/moI0QJO5SWTDRFTgIBF0QIs5jNUfkmrYiimIzE1bIE+dRWTZy9JfILmNWdxnn+
gCRRoyez7URWVcU9modbIKYj/sczMxKmAajSuY51EuvqsCTkX+h/s9int/qv9aHj
y9HXF3b0GrwUQsb2nwIDAQAB
-----END PUBLIC KEY-----
";

#[test]
fn an_rsa_key_has_at_least_2048_bits() {
    assert_eq!(
        error(SHORT_RSA.as_bytes(), ""),
        "1024 bits, an RSA key has 2048 to 8192"
    );
}

#[test]
fn a_jwk_of_each_type_verifies() {
    let rsa = Rsa::new();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let ed = Ed25519KeyPair::generate().unwrap();
    let token = mint_jwt(r#"{"alg":"HS256"}"#, CLAIMS);
    for (jwk, token) in [
        (oct_jwk(""), token.clone()),
        (
            oct_jwk(r#","use":"sig","key_ops":["sign","verify"],"x":[1]"#),
            token,
        ),
        (rsa.jwk("RS256", ""), rsa.mint("RS256", &RSA_PKCS1_SHA256)),
        (
            rsa.jwk("PS256", r#","key_ops":["verify"]"#),
            rsa.mint("PS256", &RSA_PSS_SHA256),
        ),
        (ec_jwk(&ec, ""), ec_mint(&ec)),
        (ed_jwk(&ed, ""), ed_mint(&ed)),
    ] {
        assert_eq!(reason(jwk.as_bytes(), "", &token), "valid", "{jwk}");
        let set = format!(r#" {{ "keys": [ {jwk} ], "more": 1 }} "#);
        assert_eq!(reason(set.as_bytes(), "", &token), "valid", "{set}");
    }
}

#[test]
fn a_set_names_its_keys_and_leaves_out_what_it_does_not_know() {
    let ed = Ed25519KeyPair::generate().unwrap();
    let entries = [
        oct_jwk(r#","kid":"a""#),
        ed_jwk(&ed, r#","kid":"b""#),
        ed_jwk(&ed, ""),
        ed_jwk(&ed, ""),
        // For something else.
        r#"{"kty":"RSA","use":"enc","kid":"b"}"#.into(),
        r#"{"kty":"oct","alg":"HS256","key_ops":["sign"]}"#.into(),
        // Not known.
        r#"{"kty":"AKP","alg":"ML-DSA-44"}"#.into(),
        r#"{"kty":"EC","crv":"P-384","alg":"ES384","kid":"a"}"#.into(),
        r#"{"kty":"oct","alg":"A256GCM"}"#.into(),
    ];
    let set = format!(r#"{{"keys":[{}]}}"#, entries.join(","));
    let keys = read(set.as_bytes(), "aud=media path_claim=sub path=raw").unwrap();
    let ids: Vec<_> = keys.keys.iter().map(Key::id).collect();
    assert_eq!(ids, [Some("a"), Some("b"), None, None]);
    assert_eq!(keys.ignored, 3);
    let text = format!("{keys:?}");
    assert!(!text.contains(&base64url(JWT_SECRET)), "{text}");
}

#[test]
fn a_set_s_mistakes_are_told_with_the_key_s_place() {
    let ed = Ed25519KeyPair::generate().unwrap();
    let in_set = |entry: &str| {
        let set = format!(r#"{{"keys":[{},{entry}]}}"#, oct_jwk(r#","kid":"a""#));
        error(set.as_bytes(), "")
    };
    let second = |problem: &str| format!("key 2 of the set: {problem}");
    let k = base64url(JWT_SECRET);
    for (entry, problem) in [
        (
            format!(r#"{{"kty":"oct","k":"{k}"}}"#),
            r#"no "alg", to which a key has to be bound"#,
        ),
        (
            oct_jwk(r#","kid":"a""#),
            r#""kid" a is another key's already"#,
        ),
        (
            oct_jwk(r#","kid":"a b""#),
            r#""kid": expected 1 to 64 visible ASCII characters without quotes"#,
        ),
        (
            oct_jwk(r#","kid":"""#),
            r#""kid": expected 1 to 64 visible ASCII characters without quotes"#,
        ),
        (
            r#"{"kty":"oct","alg":"HS256","k":"c2hvcnQ"}"#.into(),
            "5 bytes, HS256 needs at least 32",
        ),
        (
            format!(r#"{{"kty":"oct","alg":"RS256","k":"{k}"}}"#),
            r#"its "kty" and "crv" do not go with RS256"#,
        ),
        (
            r#"{"kty":"RSA","alg":"HS256","n":"AQAB","e":"AQAB"}"#.into(),
            r#"its "kty" and "crv" do not go with HS256"#,
        ),
        (
            ed_jwk(&ed, r#","d":"AAAA""#),
            "a private key; give the public one, which is all that verifying needs",
        ),
        (
            r#"{"kty":"OKP","crv":"Ed448","alg":"EdDSA","x":"AAAA"}"#.into(),
            "expected an RSA, P-256 or Ed25519 public key",
        ),
        (r#"{"kty":"oct","alg":"HS256"}"#.into(), "not a valid JWK"),
        (r#"{"alg":"HS256"}"#.into(), "not a valid JWK"),
        (
            r#"{"kty":"oct","alg":"HS256","k":"AA=="}"#.into(),
            "not a valid JWK",
        ),
        (
            r#"{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"AAAA"}"#.into(),
            "not a valid JWK",
        ),
        (
            r#"{"kty":"RSA","alg":"RS256","n":"AAAA","e":"AQAB"}"#.into(),
            "not a valid JWK",
        ),
        (oct_jwk(r#","alg":"none""#), "not a valid JWK"),
        ("7".into(), "not a valid JWK"),
    ] {
        assert_eq!(in_set(&entry), second(problem), "{entry}");
    }
    // Not a point of the curve.
    let zeros = base64url(&[0; 32]);
    let off = format!(r#"{{"kty":"EC","crv":"P-256","alg":"ES256","x":"{zeros}","y":"{zeros}"}}"#);
    assert_eq!(
        error(off.as_bytes(), ""),
        "expected an RSA, P-256 or Ed25519 public key"
    );
    // With an exponent of 1 every signature would hold.
    let one = Rsa::new()
        .jwk("RS256", "")
        .replace(r#""e":"AQAB""#, r#""e":"AQ""#);
    assert!(read(one.as_bytes(), "").is_err(), "{one}");
}

#[test]
fn a_set_says_by_itself_what_its_keys_are() {
    let set = format!(r#"{{"keys":[{}]}}"#, oct_jwk(""));
    for file in [set, oct_jwk("")] {
        for name in ["alg=", "id=", "encoding="] {
            let value = match name {
                "alg=" => "HS256",
                "id=" => "a",
                _ => "raw",
            };
            let expected = format!(r#""{name}" has no effect with a JWK, which says that itself"#);
            assert_eq!(error(file.as_bytes(), &format!("{name}{value}")), expected);
        }
    }
}

#[test]
fn a_set_without_a_usable_key_is_an_error() {
    let none =
        "no key in it verifies signatures by HS256, HS384, HS512, RS256, PS256, ES256 or EdDSA";
    for file in [
        r#"{"keys":[]}"#,
        r#"{"keys":[{"kty":"AKP","alg":"ML-DSA-44"}]}"#,
        r#"{"kty":"RSA","use":"enc"}"#,
    ] {
        assert_eq!(error(file.as_bytes(), ""), none, "{file}");
    }
    for file in ["{", "{} x", r#"{"keys":7}"#, r#"{"keys":[}"#] {
        assert_eq!(
            error(file.as_bytes(), ""),
            "neither a JWK nor a JWK Set",
            "{file}"
        );
    }
    assert_eq!(error(b"{}", ""), "not a valid JWK");
}

#[test]
fn parameters_of_the_other_format_have_no_effect() {
    for (parameters, name) in [
        ("format=jwt salt=x", "salt="),
        ("derived format=jwt", "derived"),
        ("format=jwt signs=path", "signs="),
        ("format=jwt max_future=1", "max_future="),
    ] {
        let expected = format!(r#""{name}" has no effect with "format=jwt""#);
        assert_eq!(parameter_error(parameters), expected);
    }
    for (parameters, name) in [
        ("path_claim=sub", "path_claim="),
        ("aud=media format=django", "aud="),
    ] {
        let expected = format!(r#""{name}" has no effect with "format=django""#);
        assert_eq!(parameter_error(parameters), expected);
    }
    assert_eq!(
        parameter_error("alg=sha256 format=jwt"),
        r#""alg=sha256": expected HS256, HS384, HS512, RS256, PS256, ES256 or EdDSA"#
    );
    assert_eq!(
        parameter_error("alg=HS256"),
        r#""alg=HS256": expected sha256 or sha1"#
    );
    assert_eq!(
        parameter_error("format=jwt path_claim=exp"),
        r#""path_claim=exp": expected a claim that has no other meaning"#
    );
    assert_eq!(
        parameter_error("format=jwt path_claim="),
        r#""path_claim=": expected a claim that has no other meaning"#
    );
    assert_eq!(
        parameter_error("format=jwt aud="),
        r#""aud=": expected whom the tokens are for"#
    );
    assert_eq!(
        parameter_error("format=jwt kid=a"),
        r#"unknown parameter "kid=a""#
    );
    assert_eq!(
        parameter_error("format=jwt format=jwt"),
        r#""format" is given twice"#
    );
    assert_eq!(parameter_error("format"), r#"unknown parameter "format""#);
}

/// As a generator of keys writes them: any bytes, and any letters.
#[test]
fn what_only_begins_like_a_public_key_is_a_secret() {
    let noise = |len: usize| {
        (0..len)
            .map(|at| (at * 151 + 129) as u8)
            .collect::<Vec<_>>()
    };
    for beginning in [
        &b"{"[..],
        b"[",
        b"----",
        b"sk-",
        b"\xfe\xff",
        b"\xff\xfe",
        b"\x00{",
        b"-\x00",
        b"0\x82",
    ] {
        let secret = [beginning, &noise(48)].concat();
        let text = STANDARD.encode(&secret);
        assert!(
            read(text.as_bytes(), "encoding=base64").is_ok(),
            "{beginning:?}"
        );
    }
    // The length of all of it, if it were DER.
    let letters = format!("0T{}", "A".repeat(84));
    let nested = format!("0T0R{}", "A".repeat(82));
    for text in [letters, nested] {
        assert!(read(text.as_bytes(), "").is_ok(), "{text}");
        assert!(read(format!("{text}\n").as_bytes(), "").is_ok(), "{text}");
    }
}

#[test]
fn a_public_key_in_a_form_that_is_not_supported_is_no_secret() {
    let key = Ed25519KeyPair::generate().unwrap();
    let jwk = ed_jwk(&key, "");
    let der = AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()).unwrap();
    let der = der.as_ref();
    let wide = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>()
    };
    let body = STANDARD.encode(der);
    let long = [&[0x30, 0x82, 1, 0, 0x30][..], &[7; 255]].concat();
    for file in [
        format!("\u{feff}{{\"keys\":[{jwk}]}}").into_bytes(),
        [&[0xff, 0xfe][..], &wide(&jwk)].concat(),
        wide(&jwk),
        format!("[{jwk}]").into_bytes(),
        der.to_vec(),
        [der, b"\n"].concat(),
        long.clone(),
        format!("{body}\n").into_bytes(),
        format!("{}\n{}\n", &body[..20], &body[20..]).into_bytes(),
        format!("-----begin PUBLIC KEY-----\n{body}\n").into_bytes(),
        format!("-----BEGINPUBLIC KEY-----\n{body}\n").into_bytes(),
        format!("---- BEGIN SSH2 PUBLIC KEY ----\n{body}\n").into_bytes(),
        format!("ssh-ed25519 {body} me@example.org\n").into_bytes(),
        format!("ecdsa-sha2-nistp256 {body}\n").into_bytes(),
    ] {
        for parameters in ["", "alg=HS256"] {
            let text = String::from_utf8_lossy(&file);
            let error = error(&file, parameters);
            // What begins with a brace is read as a JWK, and is none.
            let is_told = error.starts_with("looks like a public key") || file.starts_with(b"{");
            assert!(is_told, "{text}: {error}");
        }
    }
    let error = error(body.as_bytes(), "encoding=base64");
    assert!(error.starts_with("looks like a public key"));
    // What only begins so.
    assert!(read(&[&long[..], b"more"].concat(), "").is_ok());
    assert!(read(b"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIB", "").is_ok());
}
