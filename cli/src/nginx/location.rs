//! Which location of a server a request comes to, by nginx's own rules: an exact one,
//! otherwise the longest prefix, unless a regular expression matches that `^~` does not
//! forbid; in nested locations first (`ngx_http_core_find_location`).

use anyhow::{Context as _, Result};
use pcre2::bytes::RegexBuilder;

use super::reader::Directive;

/// How a location says what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `=`
    Exact,
    /// Nothing, or `^~` where regular expressions are not to be tried.
    Prefix { forbids_regex: bool },
    /// `~`, or `~*` without case.
    Regex { caseless: bool },
    /// `@name`
    Named,
}

struct Location<'d> {
    kind: Kind,
    pattern: &'d str,
    directive: &'d Directive,
}

impl<'d> Location<'d> {
    fn read(directive: &'d Directive) -> Option<Self> {
        let kind_of = |modifier: &str| {
            Some(match modifier {
                "=" => Kind::Exact,
                "^~" => Kind::Prefix {
                    forbids_regex: true,
                },
                "~" => Kind::Regex { caseless: false },
                "~*" => Kind::Regex { caseless: true },
                _ => return None,
            })
        };
        let (kind, pattern) = match directive.arguments.as_slice() {
            [modifier, pattern] => (kind_of(modifier)?, pattern.as_str()),
            [pattern] => {
                let glued = ["=", "^~", "~*", "~"].into_iter();
                let split = |modifier: &&str| pattern.strip_prefix(modifier);
                let found = glued.clone().find(|modifier| split(modifier).is_some());
                match found.and_then(|modifier| Some((kind_of(modifier)?, split(&modifier)?))) {
                    Some(found) => found,
                    None if pattern.starts_with('@') => (Kind::Named, pattern.as_str()),
                    None => {
                        let forbids_regex = false;
                        (Kind::Prefix { forbids_regex }, pattern.as_str())
                    }
                }
            }
            _ => return None,
        };
        Some(Self {
            kind,
            pattern,
            directive,
        })
    }

    fn matches(&self, uri: &[u8]) -> Result<bool> {
        Ok(match self.kind {
            Kind::Exact => uri == self.pattern.as_bytes(),
            Kind::Prefix { .. } => uri.starts_with(self.pattern.as_bytes()),
            Kind::Regex { caseless } => {
                let regex = RegexBuilder::new().caseless(caseless).build(self.pattern);
                let regex = regex.with_context(|| format!("location {}", self.pattern))?;
                regex.is_match(uri)?
            }
            Kind::Named => false,
        })
    }
}

/// What was found.
pub struct Found<'d> {
    /// The locations, each in the one before; none where the server's own settings apply.
    pub chain: Vec<&'d Directive>,
    /// Why this one.
    pub how: &'static str,
}

/// The location of a server for a normalised URI.
pub fn find<'d>(server: &'d Directive, uri: &[u8]) -> Result<Found<'d>> {
    let (_, mut found) = search(server, uri)?;
    found.chain.reverse();
    Ok(found)
}

/// Whether nothing else may be tried, and what was found, the innermost first.
fn search<'d>(outer: &'d Directive, uri: &[u8]) -> Result<(bool, Found<'d>)> {
    let locations: Vec<_> = outer.all("location").filter_map(Location::read).collect();
    let mut longest: Option<&Location<'_>> = None;
    for location in &locations {
        match location.kind {
            Kind::Exact if location.matches(uri)? => {
                let chain = vec![location.directive];
                let how = "it is exactly this path";
                return Ok((true, Found { chain, how }));
            }
            Kind::Prefix { .. }
                if location.matches(uri)?
                    && longest.is_none_or(|other| other.pattern.len() < location.pattern.len()) =>
            {
                longest = Some(location);
            }
            _ => {}
        }
    }
    let mut found = Found {
        chain: Vec::new(),
        how: "no location matches",
    };
    if let Some(location) = longest {
        let (is_final, mut inner) = search(location.directive, uri)?;
        if inner.chain.is_empty() {
            inner.how = "it is the longest prefix that matches";
        }
        inner.chain.push(location.directive);
        let forbids_regex = location.kind
            == Kind::Prefix {
                forbids_regex: true,
            };
        if is_final || forbids_regex {
            return Ok((is_final, inner));
        }
        found = inner;
    }
    for location in &locations {
        if matches!(location.kind, Kind::Regex { .. }) && location.matches(uri)? {
            let (_, mut inner) = search(location.directive, uri)?;
            if inner.chain.is_empty() {
                inner.how = "it is the first regular expression that matches";
            }
            inner.chain.push(location.directive);
            return Ok((true, inner));
        }
    }
    Ok((false, found))
}

/// The block for methods that `limit_except` does not list.
pub fn limit_except<'d>(location: &'d Directive, method: &str) -> Option<&'d Directive> {
    let lists = |listed: &String| {
        listed.eq_ignore_ascii_case(method)
            || (listed.eq_ignore_ascii_case("GET") && method == "HEAD")
    };
    let mut blocks = location.all("limit_except");
    blocks.find(|block| !block.arguments.iter().any(lists))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SERVER: &str = r"server {
        location / { }
        location = /exact { }
        location /a/ {
            location /a/inner/ { }
            location ~ \.nested$ { }
        }
        location ^~ /plain/ {
            location ~ \.nested$ { }
        }
        location ~ \.pdf$ { }
        location ~* \.PNG$ { }
        location ~ ^/(?!not)ahead { }
        location /longer/prefix { }
        location @named { }
        location ~glued { }
    }";

    fn chosen(path: &str) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), SERVER).unwrap();
        let tree = super::super::read_file(file.path()).unwrap();
        let found = find(tree.first().unwrap(), path.as_bytes()).unwrap();
        let names = found
            .chain
            .iter()
            .map(|location| location.arguments.join(" "));
        names.collect()
    }

    #[test]
    fn locations_are_found_by_the_rules_of_nginx() {
        for (path, expected) in [
            ("/", &["/"][..]),
            ("/exact", &["= /exact"]),
            ("/exact/", &["/"]),
            ("/a/b", &["/a/"]),
            ("/a/inner/b", &["/a/", "/a/inner/"]),
            ("/a/b.nested", &["/a/", r"~ \.nested$"]),
            // A regular expression of the outer level comes after the nested ones.
            ("/a/b.pdf", &[r"~ \.pdf$"]),
            ("/a/inner/b.pdf", &[r"~ \.pdf$"]),
            ("/plain/b.pdf", &["^~ /plain/"]),
            ("/plain/b.nested", &["^~ /plain/", r"~ \.nested$"]),
            ("/b.png", &[r"~* \.PNG$"]),
            ("/b.PDF", &["/"]),
            ("/ahead", &["~ ^/(?!not)ahead"]),
            ("/notahead", &["/"]),
            ("/longer/prefixes", &["/longer/prefix"]),
            ("/@named", &["/"]),
            ("/x/glued", &["~glued"]),
        ] {
            assert_eq!(chosen(path), expected, "{path}");
        }
    }
}
