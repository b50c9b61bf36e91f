//! The profile as a resource sees it, over HTTP.

mod chaining;
mod forms;
mod gateway;
mod logging_in;
mod pushing;
mod resource;
mod signing;
mod synchronizing;
mod webservice;
