//! The profile as a platform sees it, over HTTP.

mod aamif;
mod exchanging;
mod member;
mod oauth;
mod quirks;
mod reading;
mod tokens;
mod verifying;
