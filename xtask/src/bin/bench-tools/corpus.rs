//! Files that are no connector, or none to be trusted, made from a seed: the same seed, kind and number are the same
//! bytes, and no two files are the same.

mod component;
mod kind;
mod random;
mod sign;

use std::{
    fs::{self, File},
    path::PathBuf,
};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use self::kind::{Content, Kind};
pub(crate) use self::sign::{KeysArgs, SignArgs, keys, sign};

#[derive(Args)]
pub(crate) struct CorpusArgs {
    /// What they are made from
    #[arg(long)]
    seed: u64,
    /// What is wrong with them
    #[arg(long)]
    kind: Kind,
    /// A good component; what is broken is a copy of it
    #[arg(long)]
    good: PathBuf,
    /// Where to
    #[arg(long)]
    out: PathBuf,
    /// The number of the first
    #[arg(long)]
    from: u64,
    /// How many
    #[arg(long)]
    count: u64,
    /// For the kind wrong-key: the file with the key
    #[arg(long)]
    key: Option<PathBuf>,
}

/// Writes the files and says what they are.
pub(crate) fn run(args: &CorpusArgs) -> Result<()> {
    let good = fs::read(&args.good).with_context(|| args.good.display().to_string())?;
    let made: Result<Vec<Value>> = (args.from..args.from + args.count).map(|number| one(args, &good, number)).collect();
    println!("{}", Value::Array(made?));
    Ok(())
}

fn one(args: &CorpusArgs, good: &[u8], number: u64) -> Result<Value> {
    let path = args.out.join(format!("{}-{number}.wasm", args.kind.name()));
    let revision = match args.kind.content(args.seed, number, good)? {
        Content::Bytes(bytes) => {
            fs::write(&path, &bytes).with_context(|| path.display().to_string())?;
            Some(hex(&Sha256::digest(&bytes)))
        }
        Content::Sparse { head, len } => {
            fs::write(&path, head).with_context(|| path.display().to_string())?;
            File::options().append(true).open(&path)?.set_len(len)?;
            None
        }
    };
    if let (Kind::WrongKey, Some(key)) = (args.kind, &args.key) {
        sign::one(key, &path)?;
    }
    Ok(json!({ "file": path, "revision": revision }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
