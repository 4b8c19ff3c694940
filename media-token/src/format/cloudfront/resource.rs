//! Which URLs the resource of a custom policy covers: `SCHEME://HOST/PATH?QUERY`, with
//! `*` for any characters and `?` for just one, each within the part that it stands in
//! (FORMATS.md, 2.6).

/// A URL in parts.
pub(super) struct Url<'u> {
    pub(super) text: &'u [u8],
    scheme: &'u [u8],
    /// Host, and port where there is one.
    authority: &'u [u8],
    path: &'u [u8],
    query: Option<&'u [u8]>,
}

impl<'u> Url<'u> {
    /// Takes a URL apart, whose first two parts and whose path are so long. `None` when
    /// it is none.
    pub(super) fn new(text: &'u [u8], origin_len: usize, path_len: usize) -> Option<Self> {
        let (origin, target) = text.split_at_checked(origin_len)?;
        let colon = origin.iter().position(|&byte| byte == b':')?;
        let (scheme, authority) = origin.split_at_checked(colon)?;
        let (path, query) = target.split_at_checked(path_len)?;
        Some(Self {
            text,
            scheme,
            authority: authority.strip_prefix(b"://")?,
            path,
            query: query.strip_prefix(b"?"),
        })
    }
}

impl<'u> Url<'u> {
    /// Scheme, host and path.
    pub(super) fn without_query(&self) -> &'u [u8] {
        let query = self.query.map_or(0, |query| query.len().saturating_add(1));
        let len = self.text.len().saturating_sub(query);
        self.text.get(..len).unwrap_or_default()
    }
}

/// How a resource covers a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    None,
    /// Of several URLs.
    Wide,
    /// Of this one.
    Exact,
}

/// How a resource covers a URL. `any_http`: whether `http*://` stands for both schemes.
pub(super) fn coverage(resource: &str, any_http: bool, url: &Url<'_>) -> Coverage {
    let pattern = resource.as_bytes();
    // What most signers write, and the only thing that is not wide.
    if pattern == url.text {
        return Coverage::Exact;
    }
    match covers(resource, any_http, url) {
        true => Coverage::Wide,
        false => Coverage::None,
    }
}

/// The scheme, if there is one, and what follows it.
fn split_scheme(resource: &str) -> Option<(&str, &str)> {
    let parts = resource.split_once("://")?;
    (!parts.0.contains(['/', '?'])).then_some(parts)
}

/// The folder that a resource reaches into, as far as it is literal (`/` at least), and
/// whether it covers all of it.
pub(super) fn folder(resource: &str) -> (&str, bool) {
    let rest = split_scheme(resource).map_or(resource, |(_, rest)| rest);
    let Some(path) = rest.find('/').and_then(|slash| rest.get(slash..)) else {
        return ("/", true);
    };
    let literal = path.find(['*', '?', '\\']).unwrap_or(path.len());
    let len = path
        .get(..literal)
        .and_then(|literal| literal.rfind('/'))
        .map_or(0, |slash| slash.saturating_add(1));
    let (folder, pattern) = path.split_at_checked(len).unwrap_or_default();
    (folder, pattern == "*")
}

/// How many steps are taken to match a resource, of which ordinary ones take some for
/// each byte of a URL. Others take as many as the product of both lengths, and
/// applications may sign what users have named: these cover nothing.
const MAX_STEPS: usize = 1 << 18;

fn covers(resource: &str, any_http: bool, url: &Url<'_>) -> bool {
    let rest = match split_scheme(resource) {
        Some((scheme, rest)) => {
            let is_ours = match scheme {
                "*" => true,
                "http*" => any_http,
                scheme => scheme.as_bytes() == url.scheme,
            };
            if !is_ours {
                return false;
            }
            rest
        }
        // Without a scheme: of any, if a wildcard begins it.
        None if resource.starts_with('*') => resource,
        None => return false,
    };
    let (authority, target) = match rest.find('/') {
        Some(slash) => rest.split_at_checked(slash).unwrap_or_default(),
        None => (rest, ""),
    };
    let host = Pattern::new(&authority.to_ascii_lowercase());
    if !host.matches(&url.authority.to_ascii_lowercase()) {
        return false;
    }
    match target {
        "" => authority.ends_with('*'),
        target => Pattern::new(target).matches_target(url.path, url.query),
    }
}

/// One character of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Literal(u8),
    /// `?`: any one character, or what separates path and query.
    One,
    /// `*`: any characters, also none.
    Many,
    /// `\?`: a question mark.
    Mark,
}

/// A pattern in tokens; of several `*` in a row only one is left.
struct Pattern {
    tokens: Vec<Token>,
    has_mark: bool,
}

impl Pattern {
    fn new(text: &str) -> Self {
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        loop {
            let token;
            (token, rest) = match rest {
                [b'\\', b'?', rest @ ..] => (Token::Mark, rest),
                [b'?', rest @ ..] => (Token::One, rest),
                [b'*', rest @ ..] => (Token::Many, rest),
                [byte, rest @ ..] => (Token::Literal(*byte), rest),
                [] => break,
            };
            if token != Token::Many || tokens.last() != Some(&Token::Many) {
                tokens.push(token);
            }
        }
        Self {
            has_mark: tokens.contains(&Token::Mark),
            tokens,
        }
    }

    /// Whether the pattern is one of this whole text.
    fn matches(&self, text: &[u8]) -> bool {
        let mut places = Places::start(self);
        text.iter().for_each(|&byte| places.advance(byte));
        places.is_at_end()
    }

    /// Whether the pattern is one of this path and this query, if there is one.
    ///
    /// What separates the two is the first `\?` or, without any, a `?`; no `*` reaches
    /// across. Where a `*` ends the path, there may be any query.
    fn matches_target(&self, path: &[u8], query: Option<&[u8]>) -> bool {
        let mut places = Places::start(self);
        // In which there is no question mark.
        path.iter().for_each(|&byte| places.advance(byte));
        let Some(query) = query else {
            return places.is_at_end();
        };
        if self.tokens.last() == Some(&Token::Many) && places.is_at_end() {
            return true;
        }
        places.separate();
        query.iter().for_each(|&byte| places.advance(byte));
        places.is_at_end()
    }
}

/// All the places in a pattern that a text may have led to, in ascending order: never
/// more than the pattern has, so matching takes no more steps than the product of both
/// lengths, whatever they are.
struct Places<'p> {
    pattern: &'p Pattern,
    current: Vec<usize>,
    next: Vec<usize>,
    /// How many steps are left.
    steps: usize,
}

impl<'p> Places<'p> {
    fn start(pattern: &'p Pattern) -> Self {
        let mut places = Self {
            pattern,
            current: Vec::new(),
            next: Vec::new(),
            steps: MAX_STEPS,
        };
        places.reach(0);
        places.swap();
        places
    }

    fn token(&self, place: usize) -> Option<Token> {
        self.pattern.tokens.get(place).copied()
    }

    /// Adds a place, and the one behind it if nothing has to stand for it.
    fn reach(&mut self, place: usize) {
        let behind = place.saturating_add(1);
        let both = [
            Some(place),
            (self.token(place) == Some(Token::Many)).then_some(behind),
        ];
        for place in both.into_iter().flatten() {
            // What is not behind the last one is there already.
            if self.next.last().is_none_or(|&last| last < place) {
                self.next.push(place);
            }
        }
    }

    fn swap(&mut self) {
        std::mem::swap(&mut self.current, &mut self.next);
        self.next.clear();
    }

    fn step(&mut self, leads_on: impl Fn(Token) -> bool, stays: bool) {
        let Some(left) = self.steps.checked_sub(self.current.len()) else {
            return self.current.clear();
        };
        self.steps = left;
        let current = std::mem::take(&mut self.current);
        for &place in &current {
            match self.token(place) {
                Some(Token::Many) if stays => self.reach(place),
                Some(token) if leads_on(token) => self.reach(place.saturating_add(1)),
                _ => {}
            }
        }
        self.current = current;
        self.swap();
    }

    fn advance(&mut self, byte: u8) {
        self.step(
            |token| match token {
                Token::Literal(literal) => literal == byte,
                Token::One => true,
                Token::Mark => byte == b'?',
                Token::Many => false,
            },
            true,
        );
    }

    /// Goes from the path to the query.
    fn separate(&mut self) {
        let separator = match self.pattern.has_mark {
            true => Token::Mark,
            false => Token::One,
        };
        self.step(|token| token == separator, false);
    }

    fn is_at_end(&self) -> bool {
        self.current.last() == Some(&self.pattern.tokens.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many places are looked at while a text is matched, over all of its bytes:
    /// one for each turn of the loop in [`Places::step`].
    fn work(pattern: &Pattern, text: &str) -> usize {
        let most = pattern.tokens.len().saturating_add(1);
        let mut places = Places::start(pattern);
        let mut work: usize = 0;
        for &byte in text.as_bytes() {
            assert!(places.current.is_sorted_by(|one, next| one < next));
            assert!(places.current.len() <= most);
            assert!(places.next.is_empty());
            work = work.saturating_add(places.current.len());
            places.advance(byte);
        }
        assert_eq!(places.is_at_end(), pattern.matches(text.as_bytes()));
        work
    }

    #[test]
    fn no_pattern_costs_more_than_its_length_times_the_text_s() {
        let a = "a".repeat(800);
        let b = format!("{}b", "a".repeat(799));
        let ab = "ab".repeat(400);
        // Of how many places at most one is looked at, on average: patterns that cost
        // nothing would prove nothing.
        for (pattern, text, of_places) in [
            ("*a".repeat(150), &a, 3),
            ("*a".repeat(150), &b, 3),
            ("*?".repeat(150), &a, 3),
            ("a*".repeat(150), &b, 3),
            ("*?a".repeat(100), &ab, 9),
            ("*a*b".repeat(75), &ab, 3),
            (format!("{}b", "*".repeat(299)), &a, 110),
            ("?".repeat(300), &a, 800),
            (format!("*{}", "a".repeat(299)), &a, 3),
        ] {
            let pattern = Pattern::new(&pattern);
            let work = work(&pattern, text);
            let places = pattern.tokens.len().saturating_add(1);
            let product = places.saturating_mul(text.len());
            assert!(work <= product, "{work}");
            assert!(work >= product / of_places, "{work} of {product}");
        }
    }

    #[test]
    fn wildcards_in_a_row_are_one() {
        assert_eq!(Pattern::new("a***b**").tokens.len(), 4);
        assert_eq!(Pattern::new("*?*").tokens.len(), 3);
        assert_eq!(Pattern::new(r"*\?*").tokens.len(), 3);
        assert!(Pattern::new(r"a\?").has_mark && !Pattern::new(r"a?\").has_mark);
    }

    #[test]
    fn a_url_has_the_parts_that_it_is_said_to_have() {
        let parts = |text: &'static str, origin, path| {
            let url = Url::new(text.as_bytes(), origin, path)?;
            Some((url.scheme, url.authority, url.path, url.query))
        };
        let all = (&b"https"[..], &b"a:1"[..], &b"/b"[..], Some(&b"c?d"[..]));
        assert_eq!(parts("https://a:1/b?c?d", 11, 2), Some(all));
        assert_eq!(
            parts("http://a/b", 8, 2).map(|(.., query)| query),
            Some(None)
        );
        assert_eq!(
            parts("http://a/b?", 8, 2).map(|(.., query)| query),
            Some(Some(&b""[..]))
        );
        for (text, origin, path) in [
            ("http://a/b", 11, 0),
            ("http://a/b", 8, 3),
            ("http:/a/b", 7, 2),
            ("//a/b", 3, 2),
            ("", 0, 0),
        ] {
            assert_eq!(parts(text, origin, path), None, "{text}");
        }
    }
}
