//! The frame, seen from outside through the one profile there is: every fault, the admin surface, the ledger, and the
//! simulator's life. No test waits by the clock.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::testing::{Answer, Broken, call, post};
use super::zj_gxsz::tests::College;
use super::zj_gxsz::{Endpoint, ZjGxsz, codes};
use super::{Fault, Rule, Simulator};
use crate::fixtures;

mod admin;
mod fault_kinds;
mod life;
