//! Key files and parameters for CloudFront: what is read, and which mistakes are told.

use crate::cloudfront_signer::{
    NOW, ORIGIN, Parameters, RSA, ec_pem, pem, policy_of, public_pem, rsa_pem,
};
use crate::common::Viewer;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use media_token::{Key, KeyOptions, Keys, Source};

fn read(file: &[u8], parameters: &str) -> Result<Keys, String> {
    let parameters = format!("format=cloudfront id=K {parameters}");
    let options = KeyOptions::parse(parameters.split_whitespace(), |_| None).unwrap();
    Key::read(file, &options).map_err(|error| error.to_string())
}

fn error(file: &[u8]) -> String {
    read(file, "").unwrap_err()
}

fn parameter_error(parameters: &str) -> String {
    let options = KeyOptions::parse(parameters.split_whitespace(), |time| time.parse().ok());
    options.unwrap_err().to_string()
}

const NOT_ONE_PUBLIC_KEY: &str = r#"expected one PEM block, "PUBLIC KEY""#;
const PRIVATE: &str = "a private key; give the public one, which is all that verifying needs";
const OTHER: &str = "expected an RSA or P-256 public key";

/// DER: a tag, a length and a content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let head = match u8::try_from(len) {
        Ok(len) if len < 128 => vec![tag, len],
        Ok(len) => vec![tag, 0x81, len],
        Err(_) => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [&head, content].concat()
}

/// A public RSA key as X.509 has it, with a modulus of so many bits and this exponent.
fn rsa_of(bits: usize, exponent: &[u8]) -> Vec<u8> {
    let mut modulus = vec![0xa5; bits.div_ceil(8)];
    let above = modulus.len() * 8 - bits;
    modulus[0] = 0x80 >> above;
    // Odd, and positive.
    let modulus = match above {
        0 => [&[0], &modulus[..]].concat(),
        _ => modulus,
    };
    let key = [der(2, &modulus), der(2, exponent)].concat();
    let bits = [&[0], &der(0x30, &key)[..]].concat();
    // rsaEncryption, without parameters.
    let oid = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let algorithm = [der(6, &oid), der(5, &[])].concat();
    let info = [der(0x30, &algorithm), der(3, &bits)].concat();
    pem("PUBLIC KEY", &der(0x30, &info))
}

#[test]
fn a_public_key_is_read_from_pem() {
    for file in [rsa_pem(), ec_pem()] {
        for parameters in [
            "",
            "alg=sha1",
            "alg=sha256",
            "any_http",
            "alg=sha1 any_http",
            "policy=canned",
            "policy=custom any_http",
        ] {
            let keys = read(&file, parameters).unwrap();
            assert_eq!((keys.keys.len(), keys.ignored), (1, 0));
            let key = &keys.keys[0];
            assert_eq!((key.id(), key.weak), (Some("K"), None));
            assert!(!key.is_secret() && key.needs_origin());
            assert_eq!(
                key.sources(),
                [Source::CloudFrontUrl, Source::CloudFrontCookies]
            );
            assert_eq!(format!("{key:?}"), r#"Key { id: Some("K"), ... }"#);
        }
    }
}

#[test]
fn a_pem_file_may_be_wrapped_and_commented_as_tools_do() {
    let file = String::from_utf8(ec_pem()).unwrap();
    let body = STANDARD.encode(pem::parse(&file).unwrap().contents());
    let lines: Vec<_> = body.as_bytes().chunks(64).collect();
    let lines: Vec<_> = lines
        .iter()
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let wrapped = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        lines.join("\n")
    );
    let target = Parameters::canned(&format!("{ORIGIN}/a")).target("/a");
    for file in [
        wrapped.clone(),
        format!("{wrapped}\n"),
        wrapped.replace('\n', "\r\n"),
        format!("The key of the media site\n{wrapped}\n\n"),
    ] {
        let policy = policy_of(&[(file.as_bytes(), "id=KE")]);
        let reason = Viewer::default().asks(&target, &policy, NOW).reason();
        assert_eq!(reason, "valid", "{file}");
    }
}

#[test]
fn a_private_key_has_no_place_on_a_media_site() {
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&*RSA).unwrap();
    for tag in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
    ] {
        let file = pem(tag, der.as_ref());
        assert_eq!(error(&file), PRIVATE, "{tag}");
        assert_eq!(error(&[rsa_pem(), file].concat()), PRIVATE, "{tag}");
    }
}

#[test]
fn what_is_not_one_public_key_in_pem_is_refused() {
    let x509 = pem::parse(rsa_pem()).unwrap();
    let text = String::from_utf8(rsa_pem()).unwrap();
    for file in [
        b"".to_vec(),
        b"\n".to_vec(),
        b"a-secret-of-an-application-in-a-test".to_vec(),
        x509.contents().to_vec(),
        STANDARD.encode(x509.contents()).into_bytes(),
        pem("CERTIFICATE", x509.contents()),
        pem("CERTIFICATE REQUEST", x509.contents()),
        pem("RSA PUBLIC KEY", RSA.public_key().as_ref()),
        [rsa_pem(), ec_pem()].concat(),
        [rsa_pem(), rsa_pem()].concat(),
        [pem("CERTIFICATE", b"x"), rsa_pem()].concat(),
        [pem("EC PARAMETERS", b"x"), ec_pem()].concat(),
        text.replace("END PUBLIC", "END OTHER").into_bytes(),
        text.replace("-----END PUBLIC KEY-----", "").into_bytes(),
        text.replacen("MII", "M!I", 1).into_bytes(),
        br#"{"kty":"RSA","alg":"RS256","n":"AQAB","e":"AQAB"}"#.to_vec(),
        b"ssh-rsa AAAA me@example.org".to_vec(),
        vec![0xff; 100],
    ] {
        let text = String::from_utf8_lossy(&file);
        assert_eq!(error(&file), NOT_ONE_PUBLIC_KEY, "{text}");
    }
}

#[test]
fn keys_that_cloudfront_does_not_take_are_refused() {
    let ed = Ed25519KeyPair::generate().unwrap();
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
    let x509 = pem::parse(rsa_pem()).unwrap();
    let der = x509.contents();
    for file in [
        public_pem(ed.public_key()),
        public_pem(p384.public_key()),
        // Not whole.
        pem("PUBLIC KEY", &der[..der.len() - 1]),
        pem("PUBLIC KEY", b"hello"),
        // With such an exponent, every signature would hold.
        rsa_of(2048, &[1]),
        rsa_of(2048, &[2]),
    ] {
        let text = String::from_utf8_lossy(&file);
        for parameters in ["", "alg=sha1", "alg=sha256"] {
            assert_eq!(
                read(&file, parameters).err().as_deref(),
                Some(OTHER),
                "{text}"
            );
        }
    }
}

#[test]
fn rsa_keys_have_2048_to_8192_bits() {
    let exponent = [1, 0, 1];
    for bits in [2048, 2049, 3072, 4096, 8192] {
        assert!(read(&rsa_of(bits, &exponent), "").is_ok(), "{bits}");
    }
    for bits in [1024, 2047, 8193, 16384] {
        let expected = format!("{bits} bits, an RSA key has 2048 to 8192");
        assert_eq!(error(&rsa_of(bits, &exponent)), expected);
    }
}

/// What [`rsa_of`] makes is what the library takes for a key.
#[test]
fn the_keys_made_here_are_keys() {
    use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
    let file = pem::parse(rsa_of(2048, &[1, 0, 1])).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, file.contents());
    assert!(key.parse().is_ok());
}

#[test]
fn an_id_is_needed() {
    let needed =
        r#""format=cloudfront" needs "id=", the Key-Pair-Id that the application signs with"#;
    assert_eq!(parameter_error("format=cloudfront"), needed);
    assert_eq!(
        parameter_error("any_http alg=sha1 format=cloudfront"),
        needed
    );
    for id in [
        "id=",
        "id=\u{e9}",
        "id=\"",
        &format!("id={}", "K".repeat(65)),
    ] {
        let expected =
            format!(r#""{id}": expected 1 to 64 visible ASCII characters without quotes"#);
        let parameters = format!("format=cloudfront {id}");
        assert_eq!(parameter_error(&parameters), expected);
    }
}

#[test]
fn parameters_of_other_formats_have_no_effect() {
    for (parameter, name) in [
        ("salt=x", "salt="),
        ("salt=", "salt="),
        ("derived", "derived"),
        ("signs=path", "signs="),
        ("signs=all", "signs="),
        ("max_future=1", "max_future="),
        ("path_claim=sub", "path_claim="),
        ("aud=media", "aud="),
        ("path=raw", "path="),
        ("path=reverse", "path="),
    ] {
        let expected = format!(r#""{name}" has no effect with "format=cloudfront""#);
        for parameters in [
            format!("format=cloudfront id=K {parameter}"),
            format!("{parameter} id=K format=cloudfront"),
        ] {
            assert_eq!(parameter_error(&parameters), expected);
        }
    }
    for (parameters, format) in [("any_http", "django"), ("format=jwt any_http", "jwt")] {
        let expected = format!(r#""any_http" has no effect with "format={format}""#);
        assert_eq!(parameter_error(parameters), expected);
    }
    for (parameters, name, format) in [
        ("policy=canned", "policy=", "format=django"),
        ("format=jwt policy=custom", "policy=", "format=jwt"),
        (
            "format=cloudfront id=K policy=canned any_http",
            "any_http",
            "policy=canned",
        ),
    ] {
        let expected = format!(r#""{name}" has no effect with "{format}""#);
        assert_eq!(parameter_error(parameters), expected);
    }
    for encoding in ["raw", "hex", "base64", "base64url"] {
        let error = read(&ec_pem(), &format!("encoding={encoding}")).unwrap_err();
        assert_eq!(error, r#""encoding=" has no effect with a PEM file"#);
    }
}

#[test]
fn errors_of_parameters_say_what_was_expected() {
    let error = |parameter: &str| parameter_error(&format!("format=cloudfront id=K {parameter}"));
    for alg in [
        "alg=RS256",
        "alg=SHA1",
        "alg=SHA256",
        "alg=",
        "alg=sha512",
        "alg=none",
    ] {
        assert_eq!(error(alg), format!(r#""{alg}": expected sha1 or sha256"#));
    }
    for unknown in [
        "any_http=1",
        "any_http=",
        "alg",
        "kid=a",
        "derived=1",
        "hash=sha1",
        "id",
    ] {
        let expected = match unknown {
            // Its name was there.
            "id" => r#""id" is given twice"#.to_owned(),
            unknown => format!(r#"unknown parameter "{unknown}""#),
        };
        assert_eq!(error(unknown), expected);
    }
    for policy in ["policy=", "policy=Canned", "policy=both"] {
        let expected = format!(r#""{policy}": expected canned or custom"#);
        assert_eq!(error(policy), expected);
    }
    assert_eq!(error("id=L"), r#""id" is given twice"#);
    assert_eq!(error("alg=sha1 alg=sha1"), r#""alg" is given twice"#);
    assert_eq!(error("any_http any_http"), r#""any_http" is given twice"#);
    assert_eq!(error("format=cloudfront"), r#""format" is given twice"#);
    for format in ["format=CloudFront", "format=aws", "format="] {
        let expected = format!(r#""{format}": expected django, jwt or cloudfront"#);
        assert_eq!(parameter_error(format), expected);
    }
}
