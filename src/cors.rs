//! What scripts of other origins ask for, and are told.

use std::ptr;

use ngx::ffi::{
    ngx_http_complex_value_t, ngx_http_finalize_request, ngx_http_send_response, ngx_int_t,
    ngx_uint_t,
};

use media_token::cors::{
    Asked, EXPOSED, LOCATION_HEADER, Origins, PREFLIGHT_MAX_AGE, challenge, names, refusal,
};
use media_token::request::is_reading;
use media_token::{Decision, Destination};

use crate::module::DONE;
use crate::request::{INTERNAL_SERVER_ERROR, Request, UNAUTHORIZED, string};
use crate::state::{Cors, Preflight, State};

impl<'r> Request<'r> {
    fn asked(self) -> Asked<'r> {
        let mut asked = Asked::default();
        let mut seen = media_token::cors::Seen::default();
        self.each_line(|line| {
            asked.note(&mut seen, Self::bytes(line.key), Self::bytes(line.value));
        });
        asked
    }

    /// What the origin that asks is told: nothing, if it is not allowed. `None` when
    /// memory is short.
    pub fn cors(self, origins: &Origins, answers: bool) -> Option<&'r Cors<'r>> {
        let asked = self.asked();
        let preflight = asked.preflight(self.method()).filter(|_| answers);
        self.allocate(Cors {
            allowed: asked.origin.and_then(|origin| origins.allow(origin)),
            preflight: preflight.map(|method| Preflight {
                method: names(method).unwrap_or(b"GET"),
                headers: asked.headers.and_then(names),
            }),
        })
    }

    /// Whether the viewer is going to a page, with a method that survives a redirect.
    pub fn is_navigation(self) -> bool {
        self.asked().mode == Some(b"navigate") && is_reading(self.method())
    }

    /// Whether a redirect would be of no use to who asks.
    pub fn is_script(self) -> bool {
        self.asked().is_script(self.method())
    }

    /// Replaces what anybody else has said to other origins. `None` when memory is
    /// short.
    pub fn add_cors_headers(self, cors: &'r Cors<'r>) -> Option<()> {
        const PREFIX: &[u8] = b"Access-Control-";
        self.remove_headers(|name| {
            name.get(..PREFIX.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
        });
        let Some(allowed) = &cors.allowed else {
            return Some(());
        };
        self.add_header("Access-Control-Allow-Origin", allowed.origin)?;
        if allowed.credentials {
            self.add_header("Access-Control-Allow-Credentials", b"true")?;
        }
        let Some(preflight) = cors.preflight else {
            return self.add_header("Access-Control-Expose-Headers", EXPOSED.as_bytes());
        };
        self.add_header("Access-Control-Allow-Methods", preflight.method)?;
        if let Some(headers) = preflight.headers {
            self.add_header("Access-Control-Allow-Headers", headers)?;
        }
        self.add_header("Access-Control-Max-Age", PREFLIGHT_MAX_AGE.as_bytes())
    }
}

/// Answers a script that would have been redirected: 401, and where to get a token in a
/// header and in the body. What is returned is for nginx; the request may be gone.
pub fn refuse<'r>(
    request: Request<'r>,
    state: &State<'r>,
    decision: &Decision<'_>,
    destination: Destination<'r>,
) -> Result<ngx_int_t, ngx_int_t> {
    let send = || {
        let url = request.join_location(destination, state.clean_target.get())?;
        request.add_header(LOCATION_HEADER, url)?;
        request.add_header("WWW-Authenticate", challenge(decision).as_bytes())?;
        request.join(refusal(decision, url))
    };
    let body = send().ok_or(INTERNAL_SERVER_ERROR)?;
    Ok(request.send(UNAUTHORIZED, "application/json", body))
}

impl<'r> Request<'r> {
    /// Sends a response from before the content phase, whatever pages nginx has for its
    /// status. The request may be gone afterwards: return the result to nginx, and touch
    /// nothing.
    pub fn send(
        mut self,
        status: ngx_int_t,
        content_type: &'static str,
        body: &'r [u8],
    ) -> ngx_int_t {
        // Of the error whose page this run was to be.
        self.raw_mut().err_status = 0;
        let r = ptr::from_mut(self.raw_mut());
        let sent = self.send_content(status, content_type, body);
        // SAFETY: nginx expects this of whoever has sent a response before the content phase.
        unsafe { ngx_http_finalize_request(r, sent) };
        DONE
    }

    /// Sends a response. What is returned is for nginx to finish the request with.
    pub fn send_content(
        mut self,
        status: ngx_int_t,
        content_type: &'static str,
        body: &'r [u8],
    ) -> ngx_int_t {
        // SAFETY: all fields are valid when zero: a value without variables.
        let mut value: ngx_http_complex_value_t = unsafe { std::mem::zeroed() };
        value.value = string(body);
        let mut content_type = string(content_type.as_bytes());
        // SAFETY: the request lives; nginx copies the type, and the body is the request's.
        unsafe {
            ngx_http_send_response(
                self.raw_mut(),
                status as ngx_uint_t,
                &raw mut content_type,
                &raw mut value,
            )
        }
    }
}
