//! What is told of the sources, and of what a request carries.

use media_token::{Credential, Fields, RequestView, Source, take, take_with};

fn source(text: &str) -> Source {
    Source::parse(text).unwrap()
}

#[test]
fn the_case_of_a_headers_name_makes_no_other_source() {
    assert!(source("header:X-Token").is_same(&source("header:x-token")));
    assert!(!source("header:X-Token").is_same(&source("header:X-Token2")));
    assert!(!source("cookie:Token").is_same(&source("cookie:token")));
    assert!(!source("arg:token").is_same(&source("cookie:token")));
    assert!(source("arg:token").is_same(&source("arg:token")));
}

#[test]
fn caches_are_told_which_header_matters() {
    assert_eq!(source("arg:token").varies_by(), None);
    assert_eq!(source("path:~").varies_by(), None);
    assert_eq!(Source::CloudFrontUrl.varies_by(), None);
    assert_eq!(source("cookie:token").varies_by(), Some("Cookie"));
    assert_eq!(Source::HandOver("media".into()).varies_by(), Some("Cookie"));
    assert_eq!(Source::CloudFrontCookies.varies_by(), Some("Cookie"));
    assert_eq!(source("header:X-Token").varies_by(), Some("X-Token"));
}

#[test]
fn a_shared_cache_answers_only_where_its_key_held_the_token() {
    let is_shared = |source: Source| source.is_for_shared_caches();
    assert!(is_shared(source("arg:token")) && is_shared(Source::CloudFrontUrl));
    assert!(!is_shared(source("cookie:token")) && !is_shared(source("header:X-Token")));
    assert!(!is_shared(source("path:~")) && !is_shared(Source::CloudFrontCookies));
    assert!(!is_shared(Source::HandOver("media".into())));
}

/// A request of which a path segment was cut out.
struct Cut(Credential<'static>);

impl Fields<'static> for Cut {
    fn lines(&self) -> impl Iterator<Item = (&'static [u8], &'static [u8])> {
        std::iter::empty()
    }

    fn segment(&self) -> Option<Credential<'static>> {
        Some(self.0)
    }
}

#[test]
fn what_is_carried_is_shown_without_its_value() {
    let sources = ["arg:token", "arg:t", "arg:other"].map(source);
    let shown =
        |target: &str| format!("{:?}", take(&RequestView::new(target.as_bytes()), &sources));
    assert_eq!(shown("/a?b"), "[]");
    assert_eq!(
        shown("/a?other=S3CR&token=S3CR&t=&token=S3CR"),
        "[(0, Repeated), (1, Empty), (2, Once(...))]"
    );
    let sources = [source("path:~")];
    for (segment, expected) in [
        (Credential::Once(b"S3CR"), "[(0, Once(...))]"),
        (Credential::Empty, "[(0, Empty)]"),
        (Credential::Repeated, "[(0, Repeated)]"),
    ] {
        let carried = take_with(&RequestView::new(b"/a"), &Cut(segment), &sources);
        assert_eq!(format!("{carried:?}"), expected);
        assert!(carried.in_url() && !carried.in_query());
    }
}
