//! Which server a request comes to: by the socket that it arrives at, then by the name
//! that it asks for (`ngx_http_find_virtual_server`).

use anyhow::{Result, bail};
use pcre2::bytes::RegexBuilder;

use super::reader::Directive;

/// A `server` of the configuration.
pub struct Server<'d> {
    pub directive: &'d Directive,
    /// In lower case, but for regular expressions.
    pub names: Vec<String>,
    sockets: Vec<Socket>,
}

/// What a `listen` names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Socket {
    address: String,
    port: u16,
    is_default: bool,
    is_tls: bool,
}

impl Socket {
    fn is_at(&self, other: &Self) -> bool {
        (&self.address, self.port) == (&other.address, other.port)
    }

    fn name(&self) -> String {
        format!("{}:{}", self.address, self.port)
    }
}

/// The server that was chosen.
pub struct Choice<'s, 'd> {
    pub server: &'s Server<'d>,
    /// That of the socket's which reads requests until their host is known.
    pub default: &'s Server<'d>,
    /// Why this one.
    pub how: String,
    /// Address and port that it listens on.
    pub socket: String,
    pub port: u16,
    pub is_tls: bool,
    /// A socket at which another server would have been chosen.
    pub other: Option<String>,
    /// Whether the URL's port is none that nginx listens on.
    pub is_elsewhere: bool,
}

/// The servers of `http`, in their order.
pub fn servers(http: &Directive) -> Result<Vec<Server<'_>>> {
    http.all("server").map(Server::read).collect()
}

impl<'d> Server<'d> {
    fn read(directive: &'d Directive) -> Result<Self> {
        let mut sockets = Vec::new();
        for listen in directive.all("listen") {
            let (address, flags) = match listen.arguments.split_first() {
                Some((address, flags)) => (address, flags),
                None => bail!("{}: listen: expected an address or a port", listen.place),
            };
            let is = |flag: &str| flags.iter().any(|given| given == flag);
            // Nobody comes there by URL.
            if address.starts_with("unix:") {
                continue;
            }
            let Some((address, ports)) = read_address(address) else {
                bail!("{}: listen: {address}: not understood", listen.place);
            };
            sockets.extend(ports.map(|port| Socket {
                address: address.clone(),
                port,
                is_default: is("default_server") || is("default"),
                is_tls: is("ssl") || is("quic"),
            }));
        }
        if directive.all("listen").next().is_none() {
            sockets.push(Socket {
                address: "*".into(),
                port: 80,
                is_default: false,
                is_tls: false,
            });
        }
        let names = directive
            .all("server_name")
            .flat_map(|names| &names.arguments);
        let mut names: Vec<_> = names
            .map(|name| match name.as_str() {
                "$hostname" => own_name(),
                name if name.starts_with('~') => name.to_owned(),
                name => name.to_ascii_lowercase(),
            })
            .collect();
        if names.is_empty() {
            names.push(String::new());
        }
        Ok(Self {
            directive,
            names,
            sockets,
        })
    }

    /// The names that stand for a host, apart from regular expressions: what the module
    /// compares the `Host` with.
    pub fn plain_names(&self) -> impl Iterator<Item = &str> {
        let names = self.names.iter().map(String::as_str);
        names.filter(|name| !name.starts_with('~') && !matches!(*name, "" | "_"))
    }
}

/// The machine's name, as nginx's `$hostname`.
fn own_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_ascii_lowercase()
}

/// `ADDRESS[:PORT]`, `PORT` or a range of ports. What stands for all addresses is `*`.
fn read_address(text: &str) -> Option<(String, std::ops::RangeInclusive<u16>)> {
    let ports = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    if let Some(ports) = ports(text) {
        return Some(("*".into(), ports));
    }
    let (address, port) = match text.rsplit_once(':') {
        Some((address, port)) if !port.ends_with(']') => (address, port),
        _ => (text, "80"),
    };
    let address = match address {
        "0.0.0.0" => "*",
        address => address,
    };
    Some((address.to_ascii_lowercase(), ports(port)?))
}

/// Chooses the server for a host and a port; `listen` names the socket, where there are
/// several of that port.
pub fn choose<'s, 'd>(
    servers: &'s [Server<'d>],
    host: &str,
    port: Option<u16>,
    listen: Option<&str>,
) -> Result<Choice<'s, 'd>> {
    let mut sockets: Vec<&Socket> = Vec::new();
    for socket in servers.iter().flat_map(|server| &server.sockets) {
        if !sockets.iter().any(|known| known.is_at(socket)) {
            sockets.push(socket);
        }
    }
    let names = |sockets: &[&Socket]| {
        let names: Vec<_> = sockets.iter().map(|socket| socket.name()).collect();
        names.join(", ")
    };
    let mut is_elsewhere = false;
    let wanted: Vec<_> = match listen {
        Some(listen) => {
            let read = read_address(listen);
            let at = |socket: &&&Socket| {
                let is_there = |(address, ports): &(String, std::ops::RangeInclusive<u16>)| {
                    *address == socket.address && ports.contains(&socket.port)
                };
                read.as_ref().is_some_and(is_there)
            };
            let found: Vec<_> = sockets.iter().filter(at).copied().collect();
            if found.is_empty() {
                bail!("nobody listens on {listen}; there are {}", names(&sockets));
            }
            found
        }
        None => {
            let of_port = |socket: &&&Socket| port.is_none_or(|port| socket.port == port);
            let of_port = sockets.iter().filter(of_port);
            let found: Vec<_> = of_port.copied().collect();
            is_elsewhere = found.is_empty();
            if is_elsewhere { sockets.clone() } else { found }
        }
    };
    let mut found = Vec::new();
    for &socket in &wanted {
        found.extend(at_socket(servers, socket, host)?);
    }
    let everywhere: Vec<_> = found
        .iter()
        .map(|candidate| (candidate.server, candidate.socket))
        .collect();
    // By name wherever it is known, otherwise what is the default.
    if found.iter().any(|candidate| candidate.how.is_some()) {
        found.retain(|candidate| candidate.how.is_some());
    }
    let Some(first) = found.first() else {
        bail!("no server listens anywhere");
    };
    let differs = |other: &&Candidate<'_, '_>| !std::ptr::eq(other.server, first.server);
    if let Some(other) = found.iter().find(differs) {
        bail!(
            "servers differ between {} and {}: say which with --listen ADDRESS:PORT; there are {}",
            first.socket.name(),
            other.socket.name(),
            names(&wanted)
        );
    }
    let mut all = servers.iter().flat_map(|server| &server.sockets);
    let how = first.how.clone();
    let other = everywhere
        .iter()
        .find(|(server, _)| !std::ptr::eq(*server, first.server));
    Ok(Choice {
        server: first.server,
        default: first.default,
        how: how.unwrap_or_else(|| "it is the default for hosts that no server names".into()),
        socket: first.socket.name(),
        port: first.socket.port,
        // One `ssl` is for all servers of a socket.
        is_tls: all.any(|own| own.is_at(first.socket) && own.is_tls),
        other: other.map(|(_, socket)| socket.name()),
        is_elsewhere,
    })
}

/// A server that requests may come to.
struct Candidate<'s, 'd> {
    server: &'s Server<'d>,
    default: &'s Server<'d>,
    socket: &'s Socket,
    /// How its name matches; none for the default.
    how: Option<String>,
}

/// The server for a host among those that listen on a socket.
fn at_socket<'s, 'd>(
    servers: &'s [Server<'d>],
    socket: &'s Socket,
    host: &str,
) -> Result<Option<Candidate<'s, 'd>>> {
    let listens = |server: &&Server<'_>| server.sockets.iter().any(|own| own.is_at(socket));
    let there: Vec<_> = servers.iter().filter(listens).collect();
    let is_default = |server: &&&Server<'_>| {
        let mut own = server.sockets.iter();
        own.any(|own| own.is_at(socket) && own.is_default)
    };
    let Some(&default) = there.iter().find(is_default).or(there.first()) else {
        return Ok(None);
    };
    let named = by_name(&there, host)?;
    let (server, how) = match named {
        Some((server, how)) => (server, Some(how)),
        None => (default, None),
    };
    Ok(Some(Candidate {
        server,
        default,
        socket,
        how,
    }))
}

/// The server that has the name: exactly, by the longest wildcard at its beginning, by
/// the longest at its end, by the first regular expression.
fn by_name<'s, 'd>(
    servers: &[&'s Server<'d>],
    host: &str,
) -> Result<Option<(&'s Server<'d>, String)>> {
    let named = || {
        let all = servers.iter().copied();
        all.flat_map(|server| server.names.iter().map(move |name| (server, name.as_str())))
    };
    let how = |(server, name): (&'s Server<'d>, &str)| (server, format!("by its name {name:?}"));
    let exact = |name: &str| name == host || name.strip_prefix('.') == Some(host);
    if let Some(found) = named().find(|(_, name)| exact(name)) {
        return Ok(Some(how(found)));
    }
    let suffix = |name: &str| {
        let suffix = name
            .strip_prefix('*')
            .or(name.strip_prefix('.').map(|_| name));
        suffix.is_some_and(|suffix| host.len() > suffix.len() && host.ends_with(suffix))
    };
    let prefix = |name: &str| {
        let prefix = name.strip_suffix('*').filter(|_| !name.starts_with('~'));
        prefix.is_some_and(|prefix| host.len() > prefix.len() && host.starts_with(prefix))
    };
    let longest = |matches: &dyn Fn(&str) -> bool| {
        let matching = named().filter(|(_, name)| matches(name));
        // The first of those that are as long.
        matching.reduce(|best, other| match other.1.len() > best.1.len() {
            true => other,
            false => best,
        })
    };
    if let Some(found) = longest(&suffix).or_else(|| longest(&prefix)) {
        return Ok(Some(how(found)));
    }
    for (server, name) in named() {
        if let Some(pattern) = name.strip_prefix('~')
            && RegexBuilder::new()
                .caseless(true)
                .build(pattern)?
                .is_match(host.as_bytes())?
        {
            return Ok(Some(how((server, name))));
        }
    }
    Ok(None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HTTP: &str = "http {
        server { listen 80; server_name first.example; }
        server { listen 80 default_server; listen 443 ssl; server_name exact.example; }
        server { listen 80; server_name *.example; }
        server { listen 80; server_name *.long.example; }
        server { listen 80; server_name www.*; }
        server { listen 80; server_name ~^re\\d+\\.test$; }
        server { listen 80; server_name .both.test; }
        server { listen 127.0.0.1:8080; server_name one.test; }
        server { listen 127.0.0.2:8080; server_name two.test; }
        server { listen [::1]:9000; listen unix:/run/x; }
    }";

    fn chosen(host: &str, port: u16, listen: Option<&str>) -> Result<(String, bool, bool)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), HTTP).unwrap();
        let tree = super::super::read_file(file.path()).unwrap();
        let servers = servers(tree.first().unwrap()).unwrap();
        let choice = choose(&servers, host, Some(port), listen)?;
        let name = choice.server.names.first().unwrap().clone();
        Ok((name, choice.is_tls, choice.is_elsewhere))
    }

    #[test]
    fn servers_are_chosen_by_the_rules_of_nginx() {
        for (host, port, expected) in [
            ("first.example", 80, "first.example"),
            ("exact.example", 80, "exact.example"),
            ("other.example", 80, "*.example"),
            ("a.long.example", 80, "*.long.example"),
            ("www.long.example", 80, "*.long.example"),
            ("www.test", 80, "www.*"),
            ("re7.test", 80, r"~^re\d+\.test$"),
            ("both.test", 80, ".both.test"),
            ("a.both.test", 80, ".both.test"),
            ("unknown.test", 80, "exact.example"),
            ("", 80, "exact.example"),
            ("first.example", 443, "exact.example"),
            ("one.test", 8080, "one.test"),
            ("two.test", 8080, "two.test"),
            ("x", 9000, ""),
        ] {
            let (name, is_tls, is_elsewhere) = chosen(host, port, None).unwrap();
            assert_eq!(
                (name.as_str(), is_elsewhere),
                (expected, false),
                "{host}:{port}"
            );
            assert_eq!(is_tls, port == 443);
        }
        let (name, _, is_elsewhere) = chosen("two.test", 443_u16.saturating_add(1), None).unwrap();
        assert_eq!((name.as_str(), is_elsewhere), ("two.test", true));
    }

    #[test]
    fn sockets_that_differ_have_to_be_named() {
        let error = chosen("three.test", 8080, None).unwrap_err().to_string();
        assert!(
            error.contains("--listen") && error.contains("127.0.0.2:8080"),
            "{error}"
        );
        let (name, ..) = chosen("three.test", 8080, Some("127.0.0.2:8080")).unwrap();
        assert_eq!(name, "two.test");
        assert!(chosen("three.test", 8080, Some("127.0.0.3:8080")).is_err());
    }
}
