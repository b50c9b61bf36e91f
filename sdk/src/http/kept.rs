//! Requests that are built once and sent more than once: what changes between two sendings (a token, a path) is put in
//! place, and a large part of the body beside it is never copied.

use super::{HttpError, Request, Response, noted};
use crate::{
    raw,
    secret::{Part, Parts},
};

impl Request {
    /// Another address for the next sending.
    pub fn set_url(&mut self, url: impl Into<Parts>) {
        self.0.url = url.into().0;
    }

    /// Another body for the next sending.
    pub fn set_body(&mut self, body: impl Into<Parts>) {
        self.0.body = body.into().0;
    }

    /// Another part at this place of the body, counted from 0; a place that the body does not have changes nothing.
    pub fn set_body_part(&mut self, at: usize, part: impl Into<Part>) {
        if let Some(place) = self.0.body.get_mut(at) {
            *place = part.into().0;
        }
    }

    /// Sends it, reads the whole answer, and keeps the request for another sending.
    ///
    /// # Errors
    /// As [`Request::send`].
    pub fn send_kept(&self) -> Result<Response, HttpError> {
        noted(raw::send(&self.0))
    }
}
