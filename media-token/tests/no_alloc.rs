//! What runs for each request takes no memory from the heap.
//!
//! A binary of its own: the counter replaces its allocator.

use allocation_counter::measure;
use media_token::clean::{clean_query, clean_target, masked_request_line};
use media_token::cors::{self, Asked, Origins};
use media_token::hand_over::HandOver;
use media_token::response::{capped, unshared};
use media_token::session::{Found, MAX_ID, SessionArgument};
use media_token::{
    Action, Answer, Credential, Decision, Fields, Fixed, Key, KeyOptions, Origin, Policy, Reason,
    RequestView, Responses, Source, Url, decide, loop_guard, take, take_with,
};

/// When the token below was made.
const NOW: i64 = 1_700_000_000;
/// Django's own, for /media/a/b.pdf; from the example of the crate.
const TOKEN: &str = "1r31eq%3AU2XBGXdGPAV6XbThMfnKoN4zxqJ2K9LO7u2Ivfr4xB0";
const SECRET: &[u8] = b"test-secret-key-0123456789";

#[test]
fn the_counter_counts() {
    let allocations = measure(|| drop(std::hint::black_box(Box::new(NOW)))).count_total;
    assert_eq!(allocations, 1);
}

#[test]
fn a_request_allocates_nothing_from_its_target_to_its_answer() {
    let key = |parameters: &str| {
        let options = KeyOptions::parse(parameters.split_whitespace(), |_| None).unwrap();
        Key::read(SECRET, &options).unwrap().keys.remove(0).into()
    };
    let policy = Policy {
        sources: vec![
            Source::parse("arg:token").unwrap(),
            Source::parse("arg:t").unwrap(),
        ],
        keys: vec![
            key("signs=parent path=decoded id=parent"),
            key("alg=sha1"),
            key("id=main"),
        ],
        max_age: 120,
        leeway: 5,
        revoked: None,
    };
    let responses = Responses {
        missing: Action::Redirect,
        expired: Action::Named("@renew".into()),
        invalid: Action::Status(403),
        redirect_code: 302,
        dry_run: false,
    };
    let application = Url::parse("https://www.example.com").unwrap();
    let origin = Origin::parse("https://media.example.org").unwrap();

    let good = format!("/media/a/b.pdf?token={TOKEN}");
    for (target, now, reason, answer) in [
        (good.clone(), NOW, "valid", None),
        (
            format!("/media/a/b.pdf?a=%20&t={TOKEN}&b=+"),
            NOW,
            "valid",
            None,
        ),
        (format!("{good}&t={TOKEN}x&b"), NOW, "valid", None),
        (
            good.clone(),
            NOW + 126,
            "token_expired",
            Some(Answer::HandOver("@renew")),
        ),
        (
            "/media/a/b.pdf".into(),
            NOW,
            "no_token",
            Some(Answer::Redirect(302)),
        ),
        (
            "/media/%C3%BC \u{fc}?a=1&b=%2".into(),
            NOW,
            "no_token",
            Some(Answer::Redirect(302)),
        ),
        (
            good.replace("/a/", "/c/"),
            NOW,
            "bad_signature",
            Some(Answer::Status(403)),
        ),
        (
            good.replace("/a/", "/a%C3%BC%20b/"),
            NOW,
            "bad_signature",
            Some(Answer::Status(403)),
        ),
        (
            good.replace("%3A", "."),
            NOW,
            "token_malformed",
            Some(Answer::Status(403)),
        ),
        (
            good.replace("1r31eq", &"1".repeat(5000)),
            NOW,
            "token_malformed",
            Some(Answer::Status(403)),
        ),
        (
            format!("{good}&t%6Fken=x"),
            NOW,
            "token_repeated",
            Some(Answer::Status(403)),
        ),
        (
            "/media/a/b.pdf?token=&c".into(),
            NOW,
            "token_empty",
            Some(Answer::Status(403)),
        ),
        (
            good.replace("/a/", "/%2e%2E/"),
            NOW,
            "unsafe_path",
            Some(Answer::Status(403)),
        ),
    ] {
        let line = format!("GET {target} HTTP/1.1");
        let mut outcome = None;
        let mut bytes = 0;
        let allocations = measure(|| {
            let view = RequestView::new(target.as_bytes());
            let carried = take(&view, &policy.sources);
            let decision = decide(&view, &carried, &policy, now, &mut Fixed::new(&mut [])).unwrap();
            outcome = Some((decision.reason(), responses.respond(&decision)));
            bytes = [
                clean_target(&view, &policy.sources).map(<[u8]>::len).sum(),
                clean_query(view.query().unwrap_or_default(), &policy.sources)
                    .map(<[u8]>::len)
                    .sum(),
                masked_request_line(line.as_bytes(), &policy.sources)
                    .map(<[u8]>::len)
                    .sum(),
                application
                    .destination()
                    .location(view.path())
                    .map(<[u8]>::len)
                    .sum(),
                origin.return_url(view.path()).map(<[u8]>::len).sum(),
            ]
            .iter()
            .sum::<usize>();
        });
        assert_eq!(outcome, Some((reason, answer)), "{target}");
        assert!(bytes > target.len().min(100), "{target}");
        assert_eq!(allocations.count_total, 0, "{target}");
    }
}

/// Made by PyJWT for `/video/a.mp4` in `sub`; from the vectors.
const JWT: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.\
    eyJzdWIiOiIvdmlkZW8vYS5tcDQiLCJleHAiOjE3MDAwMDAwNjAsImlhdCI6MTcwMDAwMDAwMH0.\
    cig6jTBoXL38eROMvAfum2HbCkAHoCrD-LLjZhFfBzg";

#[test]
fn a_jwt_of_a_secret_in_its_usual_spelling_allocates_nothing() {
    let options = KeyOptions::parse(["format=jwt", "path_claim=sub", "id=k1"], |_| None).unwrap();
    let secret = b"hs256-secret-key-at-least-32-bytes-long!!";
    let policy = Policy {
        sources: vec![Source::parse("arg:token").unwrap()],
        keys: vec![Key::read(secret, &options).unwrap().keys.remove(0).into()],
        max_age: 120,
        leeway: 0,
        revoked: None,
    };
    let good = format!("/video/a.mp4?token={JWT}");
    for (target, now, reason) in [
        (good.clone(), NOW, "valid"),
        (good.replace(".ey", "%2Eey"), NOW, "valid"),
        (good.clone(), NOW + 60, "token_expired"),
        (good.replace("a.mp4", "b.mp4"), NOW, "wrong_path"),
        (good.replace("MH0.", "MH1."), NOW, "token_malformed"),
        (good.replace("cig6", "cig7"), NOW, "bad_signature"),
    ] {
        let mut outcome = None;
        let allocations = measure(|| {
            let mut memory = [0; 1024];
            let view = RequestView::new(target.as_bytes());
            let carried = take(&view, &policy.sources);
            let decision = decide(&view, &carried, &policy, now, &mut Fixed::new(&mut memory));
            outcome = decision.ok().map(|decision| decision.reason());
        });
        assert_eq!(outcome, Some(reason), "{target}");
        assert_eq!(allocations.count_total, 0, "{target}");
    }
}

/// Header lines of a browser.
struct Lines([(&'static str, String); 4]);

impl<'l> Fields<'l> for &'l Lines {
    fn lines(&self) -> impl Iterator<Item = (&'l [u8], &'l [u8])> {
        let lines = self.0.iter();
        lines.map(|(name, value)| (name.as_bytes(), value.as_bytes()))
    }

    fn segment(&self) -> Option<Credential<'l>> {
        None
    }
}

#[test]
fn a_grant_that_is_handed_over_to_nothing_allocates_nothing() {
    let hand_over = HandOver::parse("media", &["max_age=7200"], |time| time.parse().ok()).unwrap();
    let key = |file: &[u8], parameters: &str| {
        let options = KeyOptions::parse(parameters.split_whitespace(), |_| None).unwrap();
        Key::read(file, &options).unwrap().keys.remove(0).into()
    };
    let policy = Policy {
        sources: vec![Source::parse("arg:token").unwrap(), hand_over.source()],
        keys: vec![
            key(&[b'x'; 32], "format=jwt use=mint"),
            key(SECRET, "id=main"),
        ],
        max_age: 120,
        leeway: 0,
        revoked: None,
    };
    let lines = Lines([
        ("Origin", "https://www.example.com".into()),
        ("Sec-Fetch-Mode", "cors".into()),
        (
            "Cookie",
            format!("a=1; crossdomain_media_loop=2; __Secure-media={TOKEN}"),
        ),
        ("X", String::new()),
    ]);
    for (target, reason) in [
        (format!("/media/a/b.pdf?token={TOKEN}"), "valid"),
        ("/media/a/b.pdf".to_owned(), "valid"),
        ("/media/a/c.pdf".to_owned(), "bad_signature"),
    ] {
        let mut outcome = None;
        let allocations = measure(|| {
            let view = RequestView::new(target.as_bytes());
            let carried = take_with(&view, &&lines, &policy.sources);
            let mut env = Fixed::new(&mut []);
            let decision = decide(&view, &carried, &policy, NOW, &mut env).unwrap();
            let cookies = match &decision {
                Decision::Granted(grant) => {
                    hand_over.cookies(&view, &carried, &policy, grant, NOW, &mut env)
                }
                Decision::Refused(_) => Vec::new(),
            };
            outcome = Some((decision.reason(), cookies.len()));
        });
        assert_eq!(outcome, Some((reason, 0)), "{target}");
        assert_eq!(allocations.count_total, 0, "{target}");
    }
}

#[test]
fn what_scripts_sessions_and_loops_need_allocates_nothing() {
    let mut origins = Origins::default();
    for origin in ["https://www.example.com", "null"] {
        origins.add(origin).unwrap();
    }
    let session = SessionArgument::parse("sid", &["cookie=sessionid"]).unwrap();
    let lines = [
        (&b"Origin"[..], &b"https://www.example.com"[..]),
        (b"Sec-Fetch-Mode", b"cors"),
        (b"Access-Control-Request-Method", b"PUT"),
        (b"Access-Control-Request-Headers", b"authorization, range"),
    ];
    let cookies = b"a=1; crossdomain_media_loop=2-2; other=3";
    let target = b"/a?b=1&sid=x%2Dy";
    let line = [b"POST ", &target[..], b" HTTP/1.1"].concat();
    let decision = Decision::from(Reason::TokenExpired);
    let mut found = (false, false, 0);
    let mut bytes = 0;
    let allocations = measure(|| {
        let asked = Asked::read(lines.into_iter());
        let allowed = asked.origin.and_then(|origin| origins.allow(origin));
        let preflight = asked.preflight(b"OPTIONS").and_then(cors::names);
        found.0 = allowed.is_some() && preflight == Some(b"PUT") && asked.is_script(b"GET");
        let view = RequestView::new(target);
        let mut buffer = [0; MAX_ID];
        found.1 = session.find(&view, &mut buffer) == Some(Found::Id(b"x-y"))
            && !session.is_in(cookies)
            && session.is_set_by(b"sessionid=1; Path=/");
        found.2 = loop_guard::count(cookies, b"/a");
        let len = |pieces: &mut dyn Iterator<Item = &[u8]>| pieces.map(<[u8]>::len).sum::<usize>();
        bytes = len(&mut cors::refusal(
            &decision,
            b"https://www.example.com/\"a",
        )) + len(&mut session.clean_target(&view))
            + len(&mut session.masked_request_line(&line))
            + len(&mut loop_guard::set_cookie(b"3", b"2", b"/a", true).unwrap())
            + len(&mut unshared(b"public, max-age=60, s-maxage=9"))
            + len(&mut capped(b"public, max-age=90, s-maxage=9", 60, b"60"));
    });
    assert_eq!(found, (true, true, 2));
    assert!(bytes > 200, "{bytes}");
    assert_eq!(allocations.count_total, 0);
}
