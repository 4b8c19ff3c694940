//! Sessions of clients without cookies: what is taken from the query and given to the
//! application as a cookie.

use std::fmt;

use crate::clean;
use crate::query;
use crate::request::RequestView;
use crate::set_cookie;
use crate::source::Source;

/// The longest session id, in bytes, decoded.
pub const MAX_ID: usize = 1024;

/// How a location takes session ids.
pub struct SessionArgument {
    /// The argument, as a source so that it is found and taken out like one.
    source: [Source; 1],
    name: Box<str>,
    /// The cookie that the application reads.
    pub cookie: Box<str>,
    /// The methods with which a session is taken.
    methods: Vec<Box<str>>,
    /// Whether it may come over a connection that others can read.
    pub insecure: bool,
}

impl fmt::Debug for SessionArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionArgument({} as {})", self.name, self.cookie)
    }
}

/// Why the parameters mean nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Not a name that a URL holds unescaped.
    #[error("the name of an argument consists of letters, digits, \"-\", \".\", \"_\" and \"~\"")]
    Argument,
    /// Not a `token` of RFC 9110, 5.6.2.
    #[error("\"{0}\": expected a cookie's name")]
    Cookie(String),
    /// Not methods.
    #[error("\"{0}\": expected methods in capitals, with commas between them")]
    Methods(String),
    /// A parameter that there is not.
    #[error("unknown parameter \"{0}\"")]
    Unknown(String),
    /// A parameter twice.
    #[error("\"{0}\" is given twice")]
    Repeated(&'static str),
}

/// What a request has of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Found<'b> {
    /// A session id that may be a cookie's value.
    Id(&'b [u8]),
    /// Several, or what no cookie can hold.
    Bad,
}

/// Says nothing of the id.
impl fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id(_) => "Id(...)",
            Self::Bad => "Bad",
        })
    }
}

impl SessionArgument {
    /// Reads `ARG [cookie=NAME] [methods=METHOD,...] [insecure]`. The cookie has the
    /// argument's name, and the method is `POST`, unless something else is said.
    ///
    /// # Errors
    /// [`SessionError`], worded for the configuration's author.
    pub fn parse(argument: &str, parameters: &[&str]) -> Result<Self, SessionError> {
        let source =
            Source::parse(&format!("arg:{argument}")).map_err(|_| SessionError::Argument)?;
        let (mut cookie, mut methods, mut insecure) = (None, None, false);
        for &parameter in parameters {
            match parameter.split_once('=') {
                Some(("cookie", name)) => {
                    if Source::parse(&format!("cookie:{name}")).is_err() {
                        return Err(SessionError::Cookie(parameter.to_owned()));
                    }
                    if cookie.replace(name).is_some() {
                        return Err(SessionError::Repeated("cookie="));
                    }
                }
                Some(("methods", list)) => {
                    let names: Vec<Box<str>> = list.split(',').map(Box::from).collect();
                    let is_method = |name: &str| {
                        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase())
                    };
                    if !names.iter().all(|name| is_method(name)) {
                        return Err(SessionError::Methods(parameter.to_owned()));
                    }
                    if methods.replace(names).is_some() {
                        return Err(SessionError::Repeated("methods="));
                    }
                }
                None if parameter == "insecure" => {
                    if std::mem::replace(&mut insecure, true) {
                        return Err(SessionError::Repeated("insecure"));
                    }
                }
                _ => return Err(SessionError::Unknown(parameter.to_owned())),
            }
        }
        Ok(Self {
            source: [source],
            name: argument.into(),
            cookie: cookie.unwrap_or(argument).into(),
            methods: methods.unwrap_or_else(|| vec!["POST".into()]),
            insecure,
        })
    }

    /// Whether a session is taken with this method.
    #[must_use]
    pub fn is_for(&self, method: &[u8]) -> bool {
        self.methods.iter().any(|known| known.as_bytes() == method)
    }

    /// The session id in a query, decoded into `buffer`; `None` where there is none.
    #[must_use]
    pub fn find<'b>(
        &self,
        view: &RequestView<'b>,
        buffer: &'b mut [u8; MAX_ID],
    ) -> Option<Found<'b>> {
        let pairs = view.query().into_iter().flat_map(query::pairs);
        let mut values = pairs.filter_map(|pair| pair.value_of(&self.name));
        let value = values.next()?;
        // Behind a `#` nginx reads no arguments.
        if values.next().is_some() || view.target().contains(&b'#') {
            return Some(Found::Bad);
        }
        let id = query::decode_value(value, buffer);
        Some(match id.filter(|id| set_cookie::is_value(id)) {
            Some(id) => Found::Id(id),
            None => Found::Bad,
        })
    }

    /// A request target without the session id, in pieces.
    pub fn clean_target<'a>(
        &'a self,
        view: &RequestView<'a>,
    ) -> impl Iterator<Item = &'a [u8]> + 'a {
        clean::clean_target(view, &self.source)
    }

    /// A query without the session id, in pieces.
    pub fn clean_query<'a>(&'a self, query: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + 'a {
        clean::clean_query(query, &self.source)
    }

    /// A request line with the session id masked, in pieces.
    pub fn masked_request_line<'a>(
        &'a self,
        line: &'a [u8],
    ) -> impl Iterator<Item = &'a [u8]> + 'a {
        clean::masked_request_line(line, &self.source)
    }

    /// Whether a `Cookie` line has the cookie, with whatever value.
    #[must_use]
    pub fn is_in(&self, cookies: &[u8]) -> bool {
        crate::carried::cookies(cookies).any(|cookie| cookie.value_of(&self.cookie).is_some())
    }

    /// Whether a `Set-Cookie` is for the cookie.
    #[must_use]
    pub fn is_set_by(&self, set_cookie: &[u8]) -> bool {
        let pair = set_cookie.split(|&byte| byte == b';').next();
        let name = pair.and_then(|pair| pair.split(|&byte| byte == b'=').next());
        name.is_some_and(|name| name.trim_ascii() == self.cookie.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SessionArgument, SessionError> {
        let words: Vec<_> = text.split(' ').collect();
        SessionArgument::parse(words[0], &words[1..])
    }

    #[test]
    fn parameters_are_read_in_any_order() {
        let plain = parse("sessionid").unwrap();
        assert_eq!(&*plain.cookie, "sessionid");
        assert!(plain.is_for(b"POST") && !plain.is_for(b"GET") && !plain.insecure);
        let full = parse("s insecure methods=PUT,GET cookie=__Host-s").unwrap();
        assert_eq!(&*full.cookie, "__Host-s");
        assert!(full.is_for(b"PUT") && full.is_for(b"GET") && full.insecure);
        assert!(!full.is_for(b"POST") && !full.is_for(b"get"));
    }

    #[test]
    fn parameter_errors_say_what_was_expected() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert!(error("").starts_with("the name of an argument"));
        assert!(error("a%20b").starts_with("the name of an argument"));
        assert_eq!(error("s cookie="), "\"cookie=\": expected a cookie's name");
        assert_eq!(
            error("s cookie=a;b"),
            "\"cookie=a;b\": expected a cookie's name"
        );
        for methods in [
            "methods=",
            "methods=post",
            "methods=POST,",
            "methods=POST;PUT",
        ] {
            assert!(
                error(&format!("s {methods}")).contains("expected methods"),
                "{methods}"
            );
        }
        assert_eq!(error("s secure"), "unknown parameter \"secure\"");
        assert_eq!(error("s insecure=1"), "unknown parameter \"insecure=1\"");
        assert_eq!(error("s insecure insecure"), "\"insecure\" is given twice");
        assert_eq!(error("s cookie=a cookie=b"), "\"cookie=\" is given twice");
        assert_eq!(
            error("s methods=A methods=B"),
            "\"methods=\" is given twice"
        );
    }

    #[test]
    fn an_id_is_one_value_that_a_cookie_can_hold() {
        let session = parse("sessionid").unwrap();
        let find = |target: &'static str| {
            let mut buffer = [0; MAX_ID];
            let found = session.find(&RequestView::new(target.as_bytes()), &mut buffer);
            found.map(|found| match found {
                Found::Id(id) => Ok(String::from_utf8(id.to_vec()).unwrap()),
                Found::Bad => Err(()),
            })
        };
        let id = |id: &str| Some(Ok(id.to_owned()));
        assert_eq!(find("/"), None);
        assert_eq!(find("/?Sessionid=x"), None);
        assert_eq!(find("/?a=1&sessionid=x%2Dy:z=&b"), id("x-y:z="));
        assert_eq!(find("/?session%69d=x"), id("x"));
        for query in [
            "sessionid",
            "sessionid=",
            "sessionid=a&sessionid=a",
            "sessionid=a+b",
            "sessionid=a%3Bb",
            "sessionid=a;b",
            "sessionid=a#b",
            "sessionid=a%0D%0Ab",
            "sessionid=a%00",
            "sessionid=%22a%22",
            "sessionid=a%2Cb",
            "sessionid=a%5Cb",
            "sessionid=%C3%A9",
        ] {
            assert_eq!(find(format!("/?{query}").leak()), Some(Err(())), "{query}");
        }
        let long = |len| format!("/?sessionid={}", "a".repeat(len)).leak();
        assert!(matches!(find(long(MAX_ID)), Some(Ok(_))));
        assert_eq!(find(long(MAX_ID.saturating_add(1))), Some(Err(())));
    }

    #[test]
    fn cookies_are_known_by_their_name() {
        let session = parse("s cookie=sid").unwrap();
        for (line, there) in [
            ("a=1; sid=2", true),
            ("sid=", true),
            ("a=1;sid=\"2\"", true),
            ("asid=1; sidb=2; a=sid=3; SID=4", false),
            ("sid", false),
            ("", false),
        ] {
            assert_eq!(session.is_in(line.as_bytes()), there, "{line}");
        }
        for (line, there) in [
            ("sid=1; Path=/", true),
            (" sid =; Max-Age=0", true),
            ("sid", true),
            ("sidb=1", false),
            ("a=1; sid=2", false),
            ("SID=1", false),
        ] {
            assert_eq!(session.is_set_by(line.as_bytes()), there, "{line}");
        }
    }
}
