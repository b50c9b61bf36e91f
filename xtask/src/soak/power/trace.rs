//! A trace of strace's as what happened to the files of one database, in order: a write and a change of a name from the
//! moment it is issued, a sync from the moment it has come back, an acknowledgement from the moment it begins to be sent.
//! So at each point the list says the least that can be durable and the most that must be.

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use anyhow::{Context as _, Result, anyhow, bail};

use super::line::{Line, descriptor, line, parts, string, vectors};

/// What is traced: everything that can change a file or acknowledge, also what SQLite does not do today, so that the
/// soak fails rather than misses something.
pub(in crate::soak) const CALLS: &str = "open,openat,openat2,creat,lseek,write,writev,pwrite64,pwritev,pwritev2,fsync,\
    fdatasync,ftruncate,truncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,link,linkat,mmap,copy_file_range,\
    sendfile,splice,sendto,sendmsg";

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::soak) enum Event {
    /// Opened so that it is there afterwards, and empty if so.
    Create { file: String, empty: bool },
    /// Bytes at a place.
    Write { file: String, offset: u64, data: Arc<[u8]> },
    /// A new length.
    Truncate { file: String, len: u64 },
    /// The file's bytes and length are durable.
    Sync { file: String },
    /// The names are.
    SyncNames,
    /// A name goes.
    Unlink { file: String },
    /// A name changes.
    Rename { from: String, to: String },
    /// Somebody is told.
    Ack(Ack),
}

/// What somebody was told of a job or of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::soak) struct Ack {
    /// Its id, in hexadecimal without hyphens.
    pub(in crate::soak) id: String,
    /// What of it.
    pub(in crate::soak) told: Told,
}

/// What may be said of something that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::soak) enum Told {
    /// The job is taken.
    Taken,
    /// The job has ended.
    Ended,
    /// The batch is whole and has so many jobs.
    Batch(u64),
}

/// Whose trace it is.
pub(in crate::soak) struct Scope<'a> {
    /// The directory, without links in its path.
    pub(in crate::soak) dir: &'a Path,
    /// The database's name in it; its companions' names begin with it.
    pub(in crate::soak) database: &'a str,
    /// What bytes that were sent or printed acknowledge.
    pub(in crate::soak) acks: &'a dyn Fn(&[u8]) -> Vec<Ack>,
}

impl Scope<'_> {
    /// The name of a file that counts. The shared memory is not among them: SQLite makes it anew after a power cut, since
    /// nobody else has the database open then. Nor is the lock file, which has no bytes.
    pub(in crate::soak) fn file(&self, path: &str) -> Option<String> {
        let name = Path::new(path).strip_prefix(self.dir).ok()?.to_str()?;
        let counts = name.starts_with(self.database) && !name.ends_with("-shm") && !name.ends_with(".lock");
        counts.then(|| name.to_owned())
    }
}

/// Reads a trace.
pub(in crate::soak) fn read(path: &Path, scope: &Scope<'_>) -> Result<Vec<Event>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut reader = Reader { scope, slots: Vec::new(), under_way: HashMap::new(), at: HashMap::new() };
    for (n, text) in (1..).zip(text.lines()) {
        reader.line(text).with_context(|| format!("{}:{n}: {text:.160}", path.display()))?;
    }
    reader.end()
}

struct Reader<'a> {
    scope: &'a Scope<'a>,
    /// One for each call at its start; a sync's event is put where it ends.
    slots: Vec<Vec<Event>>,
    under_way: HashMap<u32, (String, String, usize)>,
    /// Where a `write` to a descriptor goes.
    at: HashMap<i64, u64>,
}

impl Reader<'_> {
    fn line(&mut self, text: &str) -> Result<()> {
        match line(text)? {
            Line::Whole { name, text, .. } => {
                let slot = self.slot();
                self.call(name, text, slot)?;
            }
            Line::Started { pid, name, text } => {
                let slot = self.slot();
                self.under_way.insert(pid, (name.into(), text.into(), slot));
            }
            Line::Resumed { pid, name, text } => {
                let (began, start, slot) = self.under_way.remove(&pid).ok_or_else(|| anyhow!("it never began"))?;
                if began != name {
                    bail!("it began as {began}");
                }
                self.call(name, &format!("{start}{text}"), slot)?;
            }
            Line::Other => {}
        }
        Ok(())
    }

    fn slot(&mut self) -> usize {
        self.slots.push(Vec::new());
        self.slots.len() - 1
    }

    /// What did not end was still begun: a write may be there, a sync may not have been.
    fn end(mut self) -> Result<Vec<Event>> {
        for (name, text, slot) in std::mem::take(&mut self.under_way).into_values() {
            self.call(&name, &text, slot)?;
        }
        Ok(self.slots.into_iter().flatten().collect())
    }

    fn call(&mut self, name: &str, text: &str, slot: usize) -> Result<()> {
        let (arguments, result) = parts(text);
        let events = self.events(name, &arguments, result)?;
        let slot = if events.iter().any(|event| matches!(event, Event::Sync { .. } | Event::SyncNames)) {
            self.slot()
        } else {
            slot
        };
        if let Some(place) = self.slots.get_mut(slot) {
            *place = events;
        }
        Ok(())
    }

    fn events(&mut self, name: &str, arguments: &[&str], result: Option<i64>) -> Result<Vec<Event>> {
        let argument = |n: usize| arguments.get(n).copied().ok_or_else(|| anyhow!("{name} has too few arguments"));
        // A call that failed has changed nothing, as far as anyone may rely on it; a sync that failed least of all. An
        // acknowledgement counts all the same.
        let failed = result.is_some_and(|result| result < 0);
        match name {
            "open" | "creat" | "openat2" => self.unknown(name, arguments),
            "openat" => {
                let (path, flags) = (self.path(argument(0)?, argument(1)?)?, argument(2)?);
                if failed {
                    return Ok(Vec::new());
                }
                if let Some(fd) = result {
                    self.at.insert(fd, 0);
                }
                let Some(file) = self.scope.file(&path) else { return Ok(Vec::new()) };
                if flags.contains("O_APPEND") || flags.contains("O_DIRECT|") || flags.ends_with("O_DIRECT") {
                    bail!("{file} is opened in a way that the model does not know");
                }
                let (create, empty) = (flags.contains("O_CREAT"), flags.contains("O_TRUNC"));
                Ok(if create || empty { vec![Event::Create { file, empty }] } else { Vec::new() })
            }
            "lseek" => {
                if let Some(at) = result {
                    self.at.insert(descriptor(argument(0)?)?.0, u64::try_from(at).unwrap_or(0));
                }
                Ok(Vec::new())
            }
            "write" | "writev" | "pwrite64" | "pwritev" | "sendto" | "sendmsg" => {
                let (fd, path, deleted) = descriptor(argument(0)?)?;
                let file = self.scope.file(&path);
                if file.is_none() && name.starts_with('p') || deleted {
                    return Ok(Vec::new());
                }
                let mut data = if name.ends_with('v') || name == "sendmsg" {
                    vectors(argument(1)?)?
                } else {
                    string(argument(1)?)?
                };
                let Some(file) = file else {
                    return Ok((self.scope.acks)(&data).into_iter().map(Event::Ack).collect());
                };
                if failed {
                    return Ok(Vec::new());
                }
                data.truncate(result.and_then(|done| usize::try_from(done).ok()).unwrap_or(data.len()));
                let offset = if name.starts_with('p') {
                    argument(3)?.parse().context("an offset")?
                } else {
                    let at = self.at.entry(fd).or_default();
                    let offset = *at;
                    *at += data.len() as u64;
                    offset
                };
                Ok(vec![Event::Write { file, offset, data: data.into() }])
            }
            "fsync" | "fdatasync" => {
                let (_, path, deleted) = descriptor(argument(0)?)?;
                // One that has not come back counts for nothing.
                if result != Some(0) || deleted {
                    return Ok(Vec::new());
                }
                if Path::new(&path) == self.scope.dir {
                    return Ok(vec![Event::SyncNames]);
                }
                Ok(self.scope.file(&path).map(|file| Event::Sync { file }).into_iter().collect())
            }
            "ftruncate" => {
                let (_, path, deleted) = descriptor(argument(0)?)?;
                let file = self.scope.file(&path).filter(|_| !failed && !deleted);
                let len = argument(1)?.parse().context("a length")?;
                Ok(file.map(|file| Event::Truncate { file, len }).into_iter().collect())
            }
            "unlink" | "unlinkat" if failed => Ok(Vec::new()),
            "unlink" => self.unlink(&self.path("", argument(0)?)?),
            "unlinkat" => self.unlink(&self.path(argument(0)?, argument(1)?)?),
            "rename" | "renameat" | "renameat2" if failed => Ok(Vec::new()),
            "rename" => self.rename(&self.path("", argument(0)?)?, &self.path("", argument(1)?)?),
            "renameat" | "renameat2" => {
                self.rename(&self.path(argument(0)?, argument(1)?)?, &self.path(argument(2)?, argument(3)?)?)
            }
            "mmap" => {
                let shared = argument(2)?.contains("PROT_WRITE") && argument(3)?.contains("MAP_SHARED");
                if shared && !failed && argument(4)?.contains('<') {
                    return self.unknown(name, arguments);
                }
                Ok(Vec::new())
            }
            _ if failed => Ok(Vec::new()),
            _ => self.unknown(name, arguments),
        }
    }

    /// A call that the model does not know is an error if it is about a file that counts.
    fn unknown(&self, name: &str, arguments: &[&str]) -> Result<Vec<Event>> {
        for argument in arguments {
            let path = match argument.starts_with('"') {
                true => self.path("", argument)?,
                false => descriptor(argument).map(|(_, path, _)| path).unwrap_or_default(),
            };
            if let Some(file) = self.scope.file(&path) {
                bail!("{file} is changed by {name}, which the model does not know");
            }
        }
        Ok(Vec::new())
    }

    fn path(&self, folder: &str, text: &str) -> Result<String> {
        let path = String::from_utf8_lossy(&string(text)?).into_owned();
        if path.starts_with('/') || folder.is_empty() {
            return Ok(path);
        }
        Ok(format!("{}/{path}", descriptor(folder)?.1))
    }

    fn unlink(&self, path: &str) -> Result<Vec<Event>> {
        Ok(self.scope.file(path).map(|file| Event::Unlink { file }).into_iter().collect())
    }

    fn rename(&self, from: &str, to: &str) -> Result<Vec<Event>> {
        match (self.scope.file(from), self.scope.file(to)) {
            (Some(from), Some(to)) => Ok(vec![Event::Rename { from, to }]),
            (None, None) => Ok(Vec::new()),
            _ => bail!("a file is moved into the model or out of it"),
        }
    }
}

#[cfg(test)]
mod tests;
