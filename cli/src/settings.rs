//! The settings that apply to a request, read from the words of the module's directives
//! and inherited as the module inherits them (docs/directives.md).

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use media_token::cors::Origins;
use media_token::hand_over::HandOver;
use media_token::loop_guard;
use media_token::source::{self, MAX_SOURCES};
use media_token::{Action, Key, Origin, Policy, Responses, Revoked, Source, Template, Url};

use crate::input::Input;
use crate::key_line::KeyLine;
use crate::nginx::Directive;
use crate::time;

/// What every name of a directive of the module begins with.
const PREFIX: &str = "crossdomain_media";

/// Those that change no verdict and no answer's status.
const WITHOUT_EFFECT: [&str; 6] = [
    "strip",
    "referrer_policy",
    "cache_control",
    "log_level",
    "session_arg",
    "zone",
];

/// Whether the location is guarded, and where viewers are sent.
#[derive(Clone)]
pub enum Guard {
    Off,
    /// On, with a URL that nobody has said.
    Unknown,
    Fixed(Url),
    /// With variables: as it is written.
    Variable(String, Template),
}

impl Guard {
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "off" => Self::Off,
            text if text.contains('$') => {
                let template = Template::parse(text).with_context(|| text.to_owned())?;
                Self::Variable(text.to_owned(), template)
            }
            text => Self::Fixed(Url::parse(text).with_context(|| text.to_owned())?),
        })
    }
}

/// What the directives of one level say, and after inheriting what applies there.
#[derive(Clone, Default)]
pub struct Level {
    guard: Option<Guard>,
    keys: Vec<(Arc<Key>, String)>,
    sources: Option<Vec<Source>>,
    max_age: Option<i64>,
    leeway: Option<i64>,
    on: [Option<Action>; 3],
    redirect_code: Option<u16>,
    public_url: Option<Arc<Origin>>,
    dry_run: Option<bool>,
    loop_guard: Option<Option<u32>>,
    cors: Option<Option<Arc<Origins>>>,
    hand_over: Option<Option<Arc<HandOver>>>,
    revoked: Option<Option<Arc<Revoked>>>,
    /// Directives that this program does not know, with their places.
    unknown: Vec<String>,
}

/// The classes of `crossdomain_media_on`, in the order of [`Level::on`].
const CLASSES: [&str; 3] = ["missing", "expired", "invalid"];

impl Level {
    /// Reads the module's directives among those of a block.
    pub fn read(block: &[Directive], folder: &Path, input: &mut Input) -> Result<Self> {
        let mut level = Self::default();
        for directive in block {
            if let Some(name) = directive.name.strip_prefix(PREFIX) {
                let name = name.strip_prefix('_').unwrap_or(name);
                let is_known = level
                    .apply(name, &directive.arguments, folder, input)
                    .with_context(|| format!("{}: {}", directive.place, directive.name))?;
                if !is_known {
                    let unknown = format!("{} ({})", directive.name, directive.place);
                    level.unknown.push(unknown);
                }
            }
        }
        Ok(level)
    }

    /// Applies a directive, whose name comes without `crossdomain_media_`. `false` if
    /// there is none of that name here.
    pub fn apply(
        &mut self,
        name: &str,
        words: &[String],
        folder: &Path,
        input: &mut Input,
    ) -> Result<bool> {
        let value = words.first().map_or("", String::as_str);
        match name {
            "" => once(&mut self.guard, Guard::parse(value)?)?,
            "key" => self.add_key(words, folder, input)?,
            "token" => once(&mut self.sources, sources(words)?)?,
            "max_age" => once(&mut self.max_age, seconds(value, 1)?)?,
            "leeway" => once(&mut self.leeway, seconds(value, 0)?)?,
            "on" => self.set_actions(words)?,
            "redirect_code" => {
                let code = match value {
                    "302" => 302,
                    "303" => 303,
                    "307" => 307,
                    "308" => 308,
                    other => bail!("{other}: expected 302, 303, 307 or 308"),
                };
                once(&mut self.redirect_code, code)?;
            }
            "public_url" => {
                let origin = Origin::parse(value).with_context(|| value.to_owned())?;
                once(&mut self.public_url, Arc::new(origin))?;
            }
            "dry_run" => once(&mut self.dry_run, flag(value)?)?,
            "loop_guard" => {
                let most = match (value, value.parse()) {
                    ("off", _) => None,
                    (_, Ok(number @ 1..=loop_guard::MAX)) => Some(number),
                    _ => bail!(
                        "{value}: expected a number from 1 to {}, or \"off\"",
                        loop_guard::MAX
                    ),
                };
                once(&mut self.loop_guard, most)?;
            }
            "cors" => {
                let mut origins = Origins::default();
                if value != "off" {
                    for text in words {
                        origins.add(text).with_context(|| text.clone())?;
                    }
                }
                once(&mut self.cors, (value != "off").then(|| Arc::new(origins)))?;
            }
            "cookie" => {
                let parameters: Vec<_> = words.iter().skip(1).map(String::as_str).collect();
                let hand_over = match value {
                    "off" => None,
                    name => Some(Arc::new(
                        HandOver::parse(name, &parameters, time::parse)
                            .with_context(|| name.to_owned())?,
                    )),
                };
                once(&mut self.hand_over, hand_over)?;
            }
            "revoked" => {
                let list = match value {
                    "off" => None,
                    name => Some(Arc::new(
                        Revoked::read(&folder.join(name)).with_context(|| name.to_owned())?,
                    )),
                };
                once(&mut self.revoked, list)?;
            }
            name => return Ok(WITHOUT_EFFECT.contains(&name)),
        }
        Ok(true)
    }

    fn add_key(&mut self, words: &[String], folder: &Path, input: &mut Input) -> Result<()> {
        let line = KeyLine::of_words(words)?;
        for key in line.keys(folder, input)?.keys {
            let id = key.id().map(str::to_owned);
            if let Some(id) = &id
                && self.keys.iter().any(|(other, _)| other.id() == Some(id))
            {
                bail!("{}: \"id={id}\" is another key's id already", line.file);
            }
            let number = self.keys.len();
            let id = id.map_or(String::new(), |id| format!(", id \"{id}\""));
            let what = format!("key {number}: {} ({}{id})", line.file, line.format());
            self.keys.push((Arc::new(key), what));
        }
        Ok(())
    }

    fn set_actions(&mut self, words: &[String]) -> Result<()> {
        let Some((action, classes)) = words.split_last().filter(|(_, rest)| !rest.is_empty())
        else {
            bail!("expected classes and an action");
        };
        let parsed = Action::parse(action).with_context(|| action.clone())?;
        for class in classes {
            let known = CLASSES.iter().zip(&mut self.on);
            let Some((_, field)) = known.into_iter().find(|(name, _)| *name == class) else {
                bail!("{class}: expected missing, expired or invalid");
            };
            once(field, parsed.clone())?;
        }
        Ok(())
    }

    /// What this level does not say is what its parent says.
    pub fn inherit(&mut self, parent: &Self) {
        fn or<T: Clone>(field: &mut Option<T>, inherited: &Option<T>) {
            if field.is_none() {
                field.clone_from(inherited);
            }
        }
        if self.keys.is_empty() {
            self.keys.clone_from(&parent.keys);
        }
        or(&mut self.guard, &parent.guard);
        or(&mut self.sources, &parent.sources);
        or(&mut self.max_age, &parent.max_age);
        or(&mut self.leeway, &parent.leeway);
        or(&mut self.revoked, &parent.revoked);
        for (field, inherited) in self.on.iter_mut().zip(&parent.on) {
            or(field, inherited);
        }
        or(&mut self.redirect_code, &parent.redirect_code);
        or(&mut self.public_url, &parent.public_url);
        or(&mut self.dry_run, &parent.dry_run);
        or(&mut self.loop_guard, &parent.loop_guard);
        or(&mut self.cors, &parent.cors);
        or(&mut self.hand_over, &parent.hand_over);
        let own = std::mem::take(&mut self.unknown);
        self.unknown = parent.unknown.iter().cloned().chain(own).collect();
    }

    /// The sources that are cut out of the path before a location is looked for.
    pub fn path_sources(&self) -> Vec<Source> {
        let sources = self.sources.iter().flatten();
        let in_path = sources.filter(|source| matches!(source, Source::Path(_)));
        in_path.cloned().collect()
    }

    /// What requests are decided by.
    pub fn settle(self) -> Settings {
        let [missing, expired, invalid] = self.on;
        let (keys, key_names): (Vec<_>, _) = self.keys.into_iter().unzip();
        let hand_over = self.hand_over.flatten();
        let sources = source::of_location(self.sources.as_deref(), &keys, hand_over.as_deref());
        let default = Responses::default();
        Settings {
            guard: self.guard.unwrap_or(Guard::Off),
            policy: Policy {
                sources,
                keys,
                max_age: self.max_age.unwrap_or(Policy::DEFAULT_MAX_AGE),
                leeway: self.leeway.unwrap_or(0),
                revoked: self.revoked.flatten(),
            },
            key_names,
            responses: Responses {
                missing: missing.unwrap_or(default.missing),
                expired: expired.unwrap_or(default.expired),
                invalid: invalid.unwrap_or(default.invalid),
                redirect_code: self.redirect_code.unwrap_or(default.redirect_code),
                dry_run: self.dry_run.unwrap_or(default.dry_run),
            },
            public_url: self.public_url,
            loop_guard: self.loop_guard.flatten(),
            cors: self.cors.flatten(),
            hand_over,
            unknown: self.unknown,
        }
    }
}

/// What applies to a request.
pub struct Settings {
    pub guard: Guard,
    pub policy: Policy,
    /// What each of the policy's keys is called.
    pub key_names: Vec<String>,
    pub responses: Responses,
    pub public_url: Option<Arc<Origin>>,
    pub loop_guard: Option<u32>,
    pub cors: Option<Arc<Origins>>,
    pub hand_over: Option<Arc<HandOver>>,
    /// Directives of the module's that this program does not know.
    pub unknown: Vec<String>,
}

/// Sets what a level may say once.
fn once<T>(field: &mut Option<T>, value: T) -> Result<()> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => bail!("is duplicate"),
    }
}

fn flag(value: &str) -> Result<bool> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        other => bail!("{other}: expected \"on\" or \"off\""),
    }
}

fn seconds(value: &str, least: i64) -> Result<i64> {
    let seconds = time::life(value)?;
    if seconds < least {
        bail!("{value}: expected at least {least}s");
    }
    Ok(seconds)
}

fn sources(words: &[String]) -> Result<Vec<Source>> {
    let mut sources: Vec<Source> = Vec::new();
    for word in words {
        let source = Source::parse(word).with_context(|| word.clone())?;
        if sources.iter().any(|other| source.is_same(other)) {
            bail!("{word}: is given twice");
        }
        sources.push(source);
    }
    if sources.is_empty() || sources.len() > MAX_SOURCES {
        bail!("expected one to {MAX_SOURCES} sources");
    }
    Ok(sources)
}
