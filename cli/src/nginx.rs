//! nginx's configuration, as far as it says which settings apply to a request.

mod location;
mod reader;
mod server;
mod uri;

pub use location::{Found, find, limit_except};
pub use reader::{Directive, quoted, read_file, words};
pub use server::{Choice, choose, servers};
pub use uri::normalised;
