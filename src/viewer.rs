//! What a decision may ask of the request.

use std::fmt;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ngx::ffi::{
    AF_INET, AF_INET6, NGX_LOG_DEBUG, NGX_LOG_DEBUG_HTTP, ngx_log_t, ngx_pnalloc, ngx_uint_t,
    sockaddr, sockaddr_in, sockaddr_in6,
};

use media_token::Env;

use crate::request::Request;

/// The request, as far as its viewer is concerned.
pub struct Viewer<'r> {
    request: Request<'r>,
    /// Where the steps of the decision go, if anywhere.
    log: Option<*mut ngx_log_t>,
}

impl<'r> Viewer<'r> {
    pub fn new(request: Request<'r>) -> Self {
        let log = request.log();
        // SAFETY: a connection has a log.
        let level = unsafe { (*log).log_level };
        let listens = level & NGX_LOG_DEBUG_HTTP as usize != 0;
        Self {
            request,
            log: listens.then_some(log),
        }
    }
}

impl<'r> Env<'r> for Viewer<'r> {
    #[inline]
    fn listens(&self) -> bool {
        self.log.is_some()
    }

    #[cold]
    #[inline(never)]
    fn trace(&mut self, step: fmt::Arguments<'_>) {
        let Some(log) = self.log else { return };
        let mut buffer = [const { MaybeUninit::uninit() }; ngx::log::LOG_BUFFER_SIZE];
        let text = ngx::log::write_fmt(&mut buffer, format_args!("crossdomain_media: {step}"));
        // SAFETY: the log is that of a connection, which outlives its requests.
        unsafe { ngx::log::log_error(NGX_LOG_DEBUG as ngx_uint_t, log, 0, text) };
    }

    fn allocate(&mut self, len: usize) -> Option<&'r mut [u8]> {
        // SAFETY: a request has a pool.
        let start: *mut u8 = unsafe { ngx_pnalloc(self.request.raw().pool, len) }.cast();
        if start.is_null() {
            return None;
        }
        // SAFETY: nginx has allocated so many bytes, which nobody else has.
        unsafe { start.write_bytes(0, len) };
        // SAFETY: written just now; the pool lives as long as the request.
        Some(unsafe { std::slice::from_raw_parts_mut(start, len) })
    }

    fn method(&self) -> &[u8] {
        self.request.method()
    }

    /// Of the connection, or what the realip module has put in its place.
    fn address(&self) -> Option<IpAddr> {
        // SAFETY: nginx gives each request a connection.
        let connection = unsafe { &*self.request.raw().connection };
        // SAFETY: nginx gives each connection an address of its family's type, or none.
        unsafe { address(connection.sockaddr) }
    }

    /// `crossdomain_media_public_url`; without it, the scheme of the connection and
    /// the name of the server that the `Host` header was found to match, never any
    /// other.
    fn origin(&mut self) -> Option<&'r [u8]> {
        if let Some(origin) = &self.request.conf()?.public_url {
            return Some(origin.as_str().as_bytes());
        }
        // SAFETY: nginx gives each request a connection.
        let connection = unsafe { &*self.request.raw().connection };
        // SAFETY: nginx gives each connection an address of its family's type, or none.
        let port = unsafe { port(connection.local_sockaddr) }?;
        let (scheme, usual): (&[u8], _) = match self.request.is_tls() {
            true => (b"https://", 443),
            false => (b"http://", 80),
        };
        let mut digits = [0; 6];
        let port = match port == usual {
            true => b"",
            false => spell_port(port, &mut digits)?,
        };
        self.request
            .join([scheme, self.server_name()?, port].into_iter())
    }
}

impl<'r> Viewer<'r> {
    /// The `Host`, if it is one of the names that the server has.
    fn server_name(&self) -> Option<&'r [u8]> {
        let host = Request::bytes(self.request.raw().headers_in.server);
        // A wildcard is no leave for what would end a host in a URL.
        let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(byte);
        if !host.iter().all(is_host) {
            return None;
        }
        let mut names = self.request.settings()?.server_names.iter();
        let matches = |name: &[u8]| match name {
            [b'*', suffix @ ..] => host.ends_with(suffix) && host.len() > suffix.len(),
            [b'.', domain @ ..] => host == domain || host.ends_with(name),
            [prefix @ .., b'*'] => host.starts_with(prefix) && host.len() > prefix.len(),
            name => host == name,
        };
        names.any(|name| matches(name)).then_some(host)
    }
}

/// # Safety
/// Null, or an address of its family's type.
unsafe fn address(address: *const sockaddr) -> Option<IpAddr> {
    // SAFETY: promised by the caller.
    match unsafe { address.as_ref() }?.sa_family.into() {
        AF_INET => {
            // SAFETY: of this type, as the family says.
            let address = unsafe { &*address.cast::<sockaddr_in>() };
            Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
        }
        AF_INET6 => {
            // SAFETY: of this type, as the family says.
            let address = unsafe { &*address.cast::<sockaddr_in6>() };
            // SAFETY: all members of the union are plain bytes.
            let bytes = unsafe { address.sin6_addr.__in6_u.__u6_addr8 };
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// # Safety
/// Null, or an address of its family's type.
unsafe fn port(address: *const sockaddr) -> Option<u16> {
    // SAFETY: promised by the caller.
    match unsafe { address.as_ref() }?.sa_family.into() {
        // SAFETY: of this type, as the family says.
        AF_INET => Some(u16::from_be(unsafe {
            (*address.cast::<sockaddr_in>()).sin_port
        })),
        // SAFETY: of this type, as the family says.
        AF_INET6 => Some(u16::from_be(unsafe {
            (*address.cast::<sockaddr_in6>()).sin6_port
        })),
        _ => None,
    }
}

/// `:` and the port in decimal.
fn spell_port(port: u16, text: &mut [u8; 6]) -> Option<&[u8]> {
    use std::io::Write;
    let mut rest = &mut text[..];
    write!(rest, ":{port}").ok()?;
    let left = rest.len();
    text.get(..text.len().checked_sub(left)?)
}
