//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  A secret for an application and its media host, and the line for nginx:
    crossdomain-media keygen secret --for jwt --id 2026 --out jwt.key

  A link to a file that is good for an hour, and the same question to nginx's rules:
    crossdomain-media mint jwt --key 'jwt.key format=jwt id=2026' --life 1h https://media.example.org/media/a.pdf >url
    crossdomain-media verify --key 'jwt.key format=jwt id=2026' - <url

  Why is this URL answered 403?
    crossdomain-media explain --config /etc/nginx/nginx.conf - <url

Exit status:
  0  granted; or, of keygen, mint and derive: done
  1  refused: no credential, an expired one, or one that does not hold
  2  the command line means nothing, a file that it names cannot be read or used, or the output not be written
  3  verify and explain: no guard applies, or nginx answers before the module decides

Secrets and tokens are arguments that other users of the machine can see. So keys
are files, and a URL, cookies and headers can be read from files: `-` is standard
input, and `@FILE` the lines of a file.";

const KEY_HELP: &str = "\
File and parameters of a key, in the words of the directive crossdomain_media_key:
'secret_key id=2026', 'jwt.key format=jwt', 'public.pem format=cloudfront id=K2JCJMDEHXQW5F'. The file - is
standard input";

/// Makes keys and signed URLs for the nginx module crossdomain_media, verifies them, and
/// explains why a request is granted or refused.
#[derive(Parser)]
#[command(version, after_long_help = EXAMPLES, after_help = "See --help for examples and exit statuses.")]
pub struct Arguments {
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    Keygen(Keygen),
    /// Make a signed URL, or cookies
    ///
    /// The output is a credential: whoever has it can fetch the file. Signing needs what the
    /// application has: its secret, or its private key in PEM.
    Mint {
        #[command(subcommand)]
        format: Mint,
    },
    /// Say in one line whether a request would be granted
    ///
    /// Exit status 0 if it would be, 1 if not, 3 where no guard
    /// applies or nginx answers before the module decides.
    #[command(after_long_help = CHECK_EXAMPLES)]
    Verify(Check),
    /// Say step by step why a request would be granted or refused
    ///
    /// What was taken from where, what was signed, with which key, what matched, and what nginx
    /// would answer. It is the module's own decision with its trace, and prints no secret and no
    /// token. Exit statuses as of verify.
    #[command(after_long_help = CHECK_EXAMPLES)]
    Explain(Check),
    Derive(Derive),
}

const CHECK_EXAMPLES: &str = "\
Examples:
  With a key, in the words of crossdomain_media_key:
    crossdomain-media explain --key 'secret_key id=2026' - <url

  With nginx's configuration, for a viewer with cookies:
    crossdomain-media explain --config /etc/nginx/nginx.conf --cookie @cookies.txt \\
        --address 192.0.2.7 https://media.example.org/course/1/1.ts

  Would it have been granted yesterday?
    crossdomain-media verify --config nginx.conf --time 2026-01-30T12:00:00Z - <url

Of nginx's configuration are read: include, server (listen, server_name), location, limit_except and the
module's directives. What only a running nginx can evaluate (variables in crossdomain_media, map, if, rewrite,
other modules) is said in notes.";

/// Make a key, and print the line for nginx
///
/// Private files have the mode 0600, and no file is ever overwritten. The media host needs
/// the public file only, where there is one.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  crossdomain-media keygen secret --for django --out secret_key
  crossdomain-media keygen ed25519 --for jwt --jwks --out media
  crossdomain-media keygen rsa --for cloudfront --out media")]
pub struct Keygen {
    /// What to make
    #[arg(value_enum)]
    pub kind: KeyKind,
    /// What signs with it (default: django for a secret, jwt for a key pair)
    #[arg(long = "for", value_enum, value_name = "FORMAT")]
    pub format: Option<KeyFor>,
    /// Name of the file; of a pair NAME.private.pem and NAME.public.pem
    #[arg(long, value_name = "NAME")]
    pub out: PathBuf,
    /// Name of the key in tokens and logs: `kid`, Key-Pair-Id (default: a random one for cloudfront, the
    /// thumbprint of RFC 7638 with --jwks, otherwise none)
    #[arg(long)]
    pub id: Option<String>,
    /// Write a JWK Set, too: NAME.jwks.json. Of a secret it holds the secret
    #[arg(long)]
    pub jwks: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// A secret of 64 random bytes, as text: for Django, and HS256 to HS512
    Secret,
    /// RSA of 2048 bits: RS256, PS256 and CloudFront
    Rsa,
    /// ECDSA on P-256: ES256 and CloudFront
    P256,
    /// Ed25519: EdDSA
    Ed25519,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyFor {
    /// Django's signer
    Django,
    /// JSON Web Tokens
    Jwt,
    /// Signed URLs and cookies as CloudFront has them
    Cloudfront,
    /// Tokens that the module makes itself (crossdomain_media_cookie max_age=)
    Mint,
}

#[derive(Subcommand)]
pub enum Mint {
    /// A token as django-crossdomainmedia makes it
    Django(MintDjango),
    /// A JSON Web Token
    Jwt(MintJwt),
    /// A signed URL, or signed cookies, as CloudFront has them
    ///
    /// Signed is with SHA-256 (Hash-Algorithm=SHA256).
    Cloudfront(MintCloudfront),
}

/// What all formats need.
#[derive(Args)]
pub struct MintCommon {
    #[doc = "The key."]
    #[arg(long, value_name = "'FILE [PARAMETER...]'", help = KEY_HELP)]
    pub key: String,
    /// URL of the file, percent-encoded as it is linked to, without a token; - for standard input
    pub url: String,
    /// The time of signing: Unix seconds or RFC 3339 (default: now)
    #[arg(long)]
    pub time: Option<String>,
}

/// Where a token goes.
#[derive(Args)]
pub struct Carrier {
    /// Where the token goes, in the words of crossdomain_media_token: arg:NAME and path:PREFIX print a
    /// URL, cookie:NAME a Set-Cookie line, header:NAME a header line
    #[arg(long, value_name = "SOURCE", default_value = "arg:token")]
    pub token: String,
    /// Path of a cookie (default: the folder of the URL)
    #[arg(long, value_name = "PATH")]
    pub cookie_path: Option<String>,
}

#[derive(Args)]
#[command(after_long_help = "\
Example:
  crossdomain-media mint django --key secret_key https://media.example.org/media/a.pdf")]
pub struct MintDjango {
    #[command(flatten)]
    pub common: MintCommon,
    #[command(flatten)]
    pub carrier: Carrier,
}

#[derive(Args)]
#[command(after_long_help = "\
Examples:
  crossdomain-media mint jwt --key 'jwt.key format=jwt' --life 1h https://media.example.org/media/a.pdf
  crossdomain-media mint jwt --key 'media.private.pem format=jwt id=2026' --life 4h --path '/course/1/*' \\
      --token path:~ https://media.example.org/course/1/master.m3u8")]
pub struct MintJwt {
    #[command(flatten)]
    pub common: MintCommon,
    #[command(flatten)]
    pub carrier: Carrier,
    /// Life of the token, from --time on
    #[arg(long, value_name = "TIME", default_value = "2m")]
    pub life: String,
    /// A path that it covers, or a folder as /folder/*; several may be given (default: the path of the URL)
    #[arg(long)]
    pub path: Vec<String>,
    /// `sub`: whom it is for
    #[arg(long)]
    pub sub: Option<String>,
    /// `aud`: which site it is for (default: the key's aud=)
    #[arg(long)]
    pub aud: Option<String>,
    /// `method`: an allowed method; several may be given
    #[arg(long)]
    pub method: Vec<String>,
    /// `ip`: an allowed address or network; several may be given
    #[arg(long)]
    pub ip: Vec<String>,
    /// `nbf`: when it begins, Unix seconds or RFC 3339
    #[arg(long, value_name = "TIME")]
    pub not_before: Option<String>,
    /// `jti`: its own id
    #[arg(long)]
    pub jti: Option<String>,
    /// Any other claim, its value in JSON
    #[arg(long, value_name = "NAME=JSON")]
    pub claim: Vec<String>,
}

#[derive(Args)]
#[command(after_long_help = "\
Examples:
  crossdomain-media mint cloudfront --key 'media.private.pem format=cloudfront id=K2JCJMDEHXQW5F' \\
      --life 1h https://media.example.org/media/a.pdf
  crossdomain-media mint cloudfront --key 'media.private.pem format=cloudfront id=K2JCJMDEHXQW5F' \\
      --life 4h --cookies --resource 'https://media.example.org/course/1/*' https://media.example.org/course/1/")]
pub struct MintCloudfront {
    #[command(flatten)]
    pub common: MintCommon,
    /// Life, from --time on
    #[arg(long, value_name = "TIME", default_value = "2m")]
    pub life: String,
    /// A custom policy, for the URLs that match this one (with * and ?)
    #[arg(long, value_name = "URL")]
    pub resource: Option<String>,
    /// A custom policy that begins after this time, Unix seconds or RFC 3339
    #[arg(long, value_name = "TIME")]
    pub not_before: Option<String>,
    /// A custom policy for viewers of this IPv4 address or network
    #[arg(long)]
    pub ip: Option<String>,
    /// Print Set-Cookie lines instead of a URL
    #[arg(long)]
    pub cookies: bool,
    /// Path of the cookies (default: the folder of the URL)
    #[arg(long, value_name = "PATH", requires = "cookies")]
    pub cookie_path: Option<String>,
}

/// Who asks, and when.
#[derive(Args)]
pub struct Viewer {
    /// The request's method
    #[arg(long, default_value = "GET")]
    pub method: String,
    /// The viewer's address
    #[arg(long)]
    pub address: Option<IpAddr>,
    /// The time of the request: Unix seconds or RFC 3339 (default: now)
    #[arg(long)]
    pub time: Option<String>,
    /// A header line, or the lines of @FILE
    #[arg(long, short = 'H', value_name = "'NAME: VALUE'")]
    pub header: Vec<String>,
    /// What a Cookie line holds, or @FILE with it
    #[arg(long, short = 'b', value_name = "'NAME=VALUE; ...'")]
    pub cookie: Vec<String>,
}

#[derive(Args)]
pub struct Check {
    /// URL, or a request target that starts with a slash; - for standard input
    pub url: String,
    #[arg(long, value_name = "'FILE [PARAMETER...]'", help = KEY_HELP, required_unless_present = "config")]
    pub key: Vec<String>,
    /// Any other directive of the module's, beside --key: 'max_age 10m', 'token arg:token path:~',
    /// 'on invalid redirect'. `crossdomain_media_` may stand before it
    #[arg(long, short = 'd', value_name = "'NAME VALUE...'")]
    pub directive: Vec<String>,
    /// nginx's configuration, instead of --key
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "directive"])]
    pub config: Option<PathBuf>,
    /// The location, as its line has it ('/media/', '= /x', '@name'), instead of that which the path leads to
    #[arg(long, value_name = "NAME", requires = "config")]
    pub location: Option<String>,
    /// The socket at which the request arrives, where several have the URL's port or none
    #[arg(long, value_name = "ADDRESS:PORT", requires = "config")]
    pub listen: Option<String>,
    /// What the URL of crossdomain_media comes to, where it has variables: a URL, or off
    #[arg(long, value_name = "URL")]
    pub application: Option<String>,
    #[command(flatten)]
    pub viewer: Viewer,
}

/// Print the key that Django's signer derives from SECRET_KEY, in hexadecimal
///
/// It is a secret: whoever has it can mint media tokens, though nothing else of the application's.
/// With it the media host need not know SECRET_KEY.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  crossdomain-media derive secret_key --out derived_key
  # in nginx: crossdomain_media_key derived_key derived encoding=hex;")]
pub struct Derive {
    /// File with SECRET_KEY, and alg= and salt= as of crossdomain_media_key: 'secret_key alg=sha1'; the file -
    /// is standard input
    #[arg(value_name = "'FILE [PARAMETER...]'")]
    pub key: String,
    /// Write a new file with the mode 0600 instead of printing it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
