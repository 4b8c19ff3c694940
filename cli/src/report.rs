//! What `verify` and `explain` say.

use anyhow::Result;
use serde::Serialize;

use crate::output;
use crate::time;

/// What is known of a request after looking at it. Holds no credential.
#[derive(Serialize)]
pub struct Report {
    /// `granted`, `missing`, `expired` or `invalid` as `$crossdomain_media_status`; or
    /// `unguarded`, or `undecided` where nginx or the module answers without deciding.
    pub status: &'static str,
    /// As `$crossdomain_media_reason`; empty without a decision.
    pub reason: &'static str,
    pub key_id: Option<String>,
    pub subject: Option<String>,
    pub expires: Option<i64>,
    pub remaining: Option<i64>,
    pub age: Option<i64>,
    pub time: i64,
    #[serde(flatten)]
    pub explanation: Explanation,
}

/// What `explain` adds.
#[derive(Default, Serialize)]
pub struct Explanation {
    /// Method and request target, without credentials.
    pub request: String,
    pub server: Option<String>,
    pub location: Option<String>,
    /// Where viewers are sent.
    pub application: Option<String>,
    pub keys: Vec<String>,
    pub sources: Vec<String>,
    /// Scheme and host that signatures over a URL are compared with.
    pub origin: Option<String>,
    pub steps: Vec<String>,
    pub answer: Answer,
    /// What the operator can do about a refusal.
    pub advice: Option<&'static str>,
    /// What has not been looked at.
    pub notes: Vec<String>,
}

/// What nginx answers, as far as the module decides that.
#[derive(Default, Serialize)]
pub struct Answer {
    /// None where the request goes on.
    pub status: Option<u16>,
    pub location: Option<String>,
    pub named_location: Option<String>,
    /// `Set-Cookie`, without values.
    pub cookies: Vec<String>,
    pub text: String,
}

impl Answer {
    pub fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    pub fn with_status(status: u16, text: impl Into<String>) -> Self {
        Self {
            status: Some(status),
            ..Self::of(text)
        }
    }
}

impl Report {
    /// What the program returns.
    pub fn code(&self) -> u8 {
        match self.status {
            "granted" => 0,
            "missing" | "expired" | "invalid" => 1,
            _ => 3,
        }
    }

    /// The verdict in one line.
    fn verdict(&self) -> String {
        let mut text = self.status.to_owned();
        if !self.reason.is_empty() {
            text.push_str(": ");
            text.push_str(self.reason);
        }
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                text.push_str(&format!(", {name} {value}"));
            }
        };
        add("key", self.key_id.as_ref().map(|id| format!("\"{id}\"")));
        add(
            "subject",
            self.subject.as_ref().map(|subject| format!("{subject:?}")),
        );
        add("age", self.age.map(|age| format!("{age}s")));
        add("until", self.expires.map(time::show));
        add("left", self.remaining.map(|seconds| format!("{seconds}s")));
        text
    }

    /// Prints the verdict.
    pub fn print_verdict(self, json: bool) -> Result<()> {
        if !json {
            for note in &self.explanation.notes {
                output::remark(&format!("note: {note}"));
            }
            let text = match self.status {
                "unguarded" | "undecided" => {
                    format!("{}: {}", self.verdict(), self.explanation.answer.text)
                }
                _ => self.verdict(),
            };
            return output::line(&text);
        }
        /// Without the explanation.
        #[derive(Serialize)]
        struct Short {
            status: &'static str,
            reason: &'static str,
            key_id: Option<String>,
            subject: Option<String>,
            expires: Option<i64>,
            remaining: Option<i64>,
            age: Option<i64>,
            time: i64,
            notes: Vec<String>,
        }
        output::json(&Short {
            status: self.status,
            reason: self.reason,
            key_id: self.key_id,
            subject: self.subject,
            expires: self.expires,
            remaining: self.remaining,
            age: self.age,
            time: self.time,
            notes: self.explanation.notes,
        })
    }

    /// Prints everything.
    pub fn print(self, json: bool) -> Result<()> {
        if json {
            return output::json(&self);
        }
        let verdict = self.verdict();
        let time = time::show(self.time);
        let all = self.explanation;
        let mut lines = Vec::new();
        let mut row = |name: &str, value: &str| {
            if !value.is_empty() {
                lines.push(format!("{name:<12}{value}"));
            }
        };
        let list = |row: &mut dyn FnMut(&str, &str), name: &str, values: &[String]| {
            for (number, value) in values.iter().enumerate() {
                row(if number == 0 { name } else { "" }, value);
            }
        };
        row("request", &all.request);
        row("time", &time);
        row("server", all.server.as_deref().unwrap_or_default());
        row("location", all.location.as_deref().unwrap_or_default());
        row(
            "application",
            all.application.as_deref().unwrap_or_default(),
        );
        row("site", all.origin.as_deref().unwrap_or_default());
        list(&mut row, "keys", &all.keys);
        row("looked at", &all.sources.join(", "));
        list(&mut row, "steps", &all.steps);
        row("verdict", &verdict);
        row("answer", &all.answer.text);
        list(&mut row, "", &all.answer.cookies);
        row("advice", all.advice.unwrap_or_default());
        list(&mut row, "notes", &all.notes);
        output::line(&lines.join("\n"))
    }
}

/// What an operator can do about a refusal.
pub fn advice(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "no_token" => {
            "The request has no credential where it is looked for. Does the application's link have one, \
             under this name (crossdomain_media_token)? Does the browser send the cookie?"
        }
        "token_incomplete" => {
            "A CloudFront URL needs Expires or Policy, Signature and Key-Pair-Id: was it cut on its way?"
        }
        "token_expired" => {
            "It was good once. Do the clocks of both sides agree; is crossdomain_media_max_age as long as \
             the application's?"
        }
        "token_repeated" => {
            "The URL was signed twice, or two sets of cookies meet: send one credential."
        }
        "token_empty" => "The argument, cookie or header has no value.",
        "token_malformed" => {
            "It is not spelled as a format is that a key here has: is format= right, was it cut or escaped \
             twice?"
        }
        "bad_signature" => {
            "No key here made this signature for this URL. Compare key file, alg= and salt= with the \
             application's, and what it signed with the steps above (path=, scheme, host, arguments)."
        }
        "unknown_key" => {
            "No key here has the id and the algorithm that it names: compare id= and alg= with the \
             application's."
        }
        "token_unsupported" => {
            "It asks for what is not supported and must not be ignored: see the steps."
        }
        "token_in_future" => {
            "It is dated ahead of this clock by more than max_future=: compare the clocks."
        }
        "token_not_yet_valid" => "It begins later: compare the clocks.",
        "wrong_audience" => "Compare the key's aud= with the application's.",
        "wrong_method" => {
            "It is for other methods; what comes in a handed-over cookie is for GET and HEAD."
        }
        "wrong_address" => {
            "It is for other addresses: is this the viewer's own (--address), or that of a proxy (realip)?"
        }
        "wrong_path" => "It covers other URLs: compare its paths or its Resource with the request.",
        "unsafe_path" => {
            "The path can be read in more than one way (dot segments, an encoded or doubled slash, #): link \
             to the plain path."
        }
        "revoked" => "Its key, subject or id is in the file of crossdomain_media_revoked.",
        _ => return None,
    })
}
