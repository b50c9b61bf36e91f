//! The key-value store: too much of it, other links' keys, and locks that are never given back.

use std::{hint::black_box, mem};

use duijie_sdk::{
    Failure, Link, Operations,
    bindings::duijie::kv::store::{self as wit, Error},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Config, Hostile, wire::Nothing};

/// One entry.
#[derive(Deserialize, JsonSchema)]
struct Entry {
    key: String,
    #[serde(default)]
    value: String,
    /// Bytes to fill the value up to.
    #[serde(default)]
    size: usize,
}

/// How many entries of what size.
#[derive(Deserialize, JsonSchema)]
struct Flood {
    /// The number of the first.
    #[serde(default)]
    from: u32,
    count: u32,
    size: usize,
}

/// What became of it.
#[derive(Default, Serialize, JsonSchema)]
struct Stored {
    /// Entries stored before the first refusal.
    stored: u32,
    /// The store's refusal.
    error: Option<String>,
    /// The value read.
    value: Option<String>,
}

pub(crate) fn register(ops: &mut Operations<Hostile>) {
    ops.add("kv.set", set).summary("Stores a value.", "存储。");
    ops.add("kv.get", get).summary("Reads a value.", "读取。").read();
    ops.add("kv.flood", flood).summary("Stores many values.", "存储洪水。");
    ops.add("kv.hold", hold).summary("Takes a lock, forgets it, and computes for ever.", "占锁不放并死循环。");
    ops.add("kv.keep", keep).summary("Takes a lock and returns without giving it back.", "占锁后返回。");
    ops.add("kv.many-locks", many_locks).summary("Takes locks without end.", "无限占锁。");
}

fn set(_: &Link<Config>, entry: Entry) -> Result<Stored, Failure> {
    let mut value = entry.value.into_bytes();
    value.resize(value.len().max(entry.size), b'v');
    Ok(said(wit::set(&entry.key, &value, None)))
}

fn get(_: &Link<Config>, entry: Entry) -> Result<Stored, Failure> {
    Ok(match wit::get(&entry.key) {
        Ok(value) => {
            Stored { value: value.map(|value| String::from_utf8_lossy(&value).into_owned()), ..Stored::default() }
        }
        Err(error) => said(Err(error)),
    })
}

fn flood(_: &Link<Config>, flood: Flood) -> Result<Stored, Failure> {
    let value = vec![b'f'; flood.size];
    for stored in 0..flood.count {
        if let Err(error) = wit::set(&format!("flood/{}", flood.from.saturating_add(stored)), &value, None) {
            return Ok(Stored { stored, ..said(Err(error)) });
        }
    }
    Ok(Stored { stored: flood.count, ..Stored::default() })
}

fn hold(_: &Link<Config>, entry: Entry) -> Result<Nothing, Failure> {
    mem::forget(wit::acquire(&entry.key, u32::MAX)?);
    loop {
        black_box(0);
    }
}

fn keep(_: &Link<Config>, entry: Entry) -> Result<Nothing, Failure> {
    mem::forget(wit::acquire(&entry.key, u32::MAX)?);
    Ok(Nothing {})
}

fn many_locks(_: &Link<Config>, _: Nothing) -> Result<Stored, Failure> {
    for stored in 0..10_000 {
        match wit::acquire(&format!("lock/{stored}"), u32::MAX) {
            Ok(lock) => mem::forget(lock),
            Err(error) => return Ok(Stored { stored, ..said(Err(error)) }),
        }
    }
    Ok(Stored::default())
}

fn said(result: Result<(), Error>) -> Stored {
    Stored { error: result.err().map(|error| format!("{error:?}")), ..Stored::default() }
}
