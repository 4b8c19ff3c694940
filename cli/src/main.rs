//! `crossdomain-media`: makes keys and signed URLs for the nginx module
//! crossdomain_media, verifies them, and says why a request is granted or refused.
//!
//! It decides nothing itself: `verify` and `explain` call the module's own
//! [`media_token::decide`] and [`media_token::Responses::respond`], with the settings
//! that nginx would have read.
#![forbid(unsafe_code)]

mod arguments;
mod check;
mod derive;
mod input;
mod key_line;
mod keygen;
mod mint;
mod nginx;
mod output;
mod report;
mod request;
mod settings;
mod signer;
mod time;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use clap::error::{ContextKind, ErrorKind};

use arguments::{Arguments, Command};
use input::Input;

/// What `main` returns where the command line means nothing, or what it names cannot be
/// read. clap has the same number for the former.
const UNUSABLE: u8 = 2;

/// Nothing was asked for: the help says what can be.
const HELP_INSTEAD: ErrorKind = ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error),
    };
    let json = arguments.json;
    match run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let text = format!("{error:#}");
            if json {
                // Where that cannot be written either, the line below says what there is.
                let _ = output::json(&serde_json::json!({ "error": text }));
            }
            output::remark(&text);
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Says what is wrong with the command line without its words, which may be credentials.
fn misused(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == HELP_INSTEAD {
        error.exit();
    }
    let name = match error.kind() {
        // Here it is the program's own word for the argument.
        ErrorKind::MissingRequiredArgument
        | ErrorKind::InvalidValue
        | ErrorKind::ValueValidation
        | ErrorKind::ArgumentConflict => error.get(ContextKind::InvalidArg),
        _ => None,
    };
    let name = name.map_or(String::new(), |name| format!(": {name}"));
    let usage = error.get(ContextKind::Usage);
    let usage = usage.map_or(String::new(), |usage| format!("\n\n{usage}"));
    output::remark(&format!(
        "{}{name}{usage}\n\nFor more information, try '--help'.",
        error.kind()
    ));
    ExitCode::from(UNUSABLE)
}

fn run(arguments: Arguments) -> Result<u8> {
    let mut input = Input::default();
    let json = arguments.json;
    match arguments.command {
        Command::Keygen(options) => keygen::run(&options, json),
        Command::Mint { format } => mint::run(&format, &mut input, json),
        Command::Verify(options) => check::verify(&options, &mut input, json),
        Command::Explain(options) => check::explain(&options, &mut input, json),
        Command::Derive(options) => derive::run(&options, &mut input, json),
    }
}
