//! A disk whose power can be cut: what is durable, what was done since, and what may be left of that afterwards.
//!
//! Bytes wait in the page cache, and what reaches the disk of a page, or of a sector of it, is its state at one moment: a
//! later write to the same sector is never there without the earlier ones. Which moment, each unit has for itself. The
//! smallest unit is a sector of 512 bytes, which is there whole or not at all: what SQLite calls a powersafe overwrite, and
//! takes for granted. It does not take for granted that a page of 4096 bytes is written whole, that writes arrive in order,
//! or that the bytes of a file that has grown are there when its length is; so none of that holds here.
//!
//! Names are durable when the directory was synced, and not when the file was: file systems differ in it.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    ops::RangeInclusive,
    sync::Arc,
};

use anyhow::{Result, anyhow};

use super::trace::Event;

/// What is there whole or not at all.
pub(super) const SECTOR: u64 = 512;
/// What the kernel writes back at a time.
const PAGE: u64 = 4096;
/// A moment after all others.
const NOW: u64 = u64::MAX;

/// The files as they may be found after a power cut.
pub(super) type Files = BTreeMap<String, Arc<Vec<u8>>>;

/// The disk.
#[derive(Clone, Default)]
pub(super) struct Disk {
    /// Durable bytes, also of files that have no name.
    bytes: Vec<Arc<Vec<u8>>>,
    durable: BTreeMap<String, usize>,
    live: BTreeMap<String, usize>,
    pending: Vec<Pending>,
    clock: u64,
}

/// A file and sectors of it.
type Touched = Option<(usize, RangeInclusive<u64>)>;

/// Something that is not durable.
#[derive(Clone)]
struct Pending {
    /// When it was done, from 1.
    at: u64,
    what: What,
}

#[derive(Clone)]
enum What {
    Write {
        of: usize,
        offset: u64,
        data: Arc<[u8]>,
    },
    Length {
        of: usize,
        len: u64,
    },
    Name {
        name: String,
        of: Option<usize>,
    },
    /// Both at once, as file systems rename.
    Rename {
        from: String,
        to: String,
        of: usize,
    },
}

/// What an event was to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Something more that is not durable.
    Issued,
    /// Something that was not durable is.
    Synced,
    /// Nothing.
    None,
}

/// What is left of what was not durable.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// What was done up to this moment, in order.
    Upto(u64),
    /// Everything but the sectors that this one thing went to.
    Without(u64),
    /// Nothing but those.
    Only(u64),
    /// Each unit as of a moment of its own, names and lengths too. Units are sectors, pages or files.
    Spread(u64),
}

impl Disk {
    /// With these files, durable.
    pub(super) fn of(files: &Files) -> Self {
        let mut disk = Self::default();
        for (name, bytes) in files {
            disk.durable.insert(name.clone(), disk.bytes.len());
            disk.bytes.push(bytes.clone());
        }
        disk.live = disk.durable.clone();
        disk
    }

    /// Something happens.
    pub(super) fn apply(&mut self, event: &Event) -> Result<Change> {
        let of = |file: &String| self.live.get(file).copied();
        let what = match event {
            Event::Ack(_) => return Ok(Change::None),
            Event::Sync { file } => {
                let of = self.live.get(file).copied();
                return Ok(of.map_or(Change::None, |of| self.sync(of)));
            }
            Event::SyncNames => return Ok(self.sync_names()),
            Event::Create { file, empty } => match (of(file), empty) {
                (Some(of), true) => What::Length { of, len: 0 },
                (Some(_), false) => return Ok(Change::None),
                (None, _) => {
                    let of = self.bytes.len();
                    self.bytes.push(Arc::default());
                    self.live.insert(file.clone(), of);
                    What::Name { name: file.clone(), of: Some(of) }
                }
            },
            Event::Write { file, offset, data } => {
                let of = of(file).ok_or_else(|| anyhow!("{file} is written, and is not there"))?;
                What::Write { of, offset: *offset, data: data.clone() }
            }
            Event::Truncate { file, len } => {
                let of = of(file).ok_or_else(|| anyhow!("{file} is cut, and is not there"))?;
                What::Length { of, len: *len }
            }
            Event::Unlink { file } => {
                self.live.remove(file).ok_or_else(|| anyhow!("{file} is removed, and is not there"))?;
                What::Name { name: file.clone(), of: None }
            }
            Event::Rename { from, to } => {
                let of = self.live.remove(from).ok_or_else(|| anyhow!("{from} is renamed, and is not there"))?;
                self.live.insert(to.clone(), of);
                What::Rename { from: from.clone(), to: to.clone(), of }
            }
        };
        self.clock += 1;
        self.pending.push(Pending { at: self.clock, what });
        Ok(Change::Issued)
    }

    /// The moments of what is not durable, in order.
    pub(super) fn moments(&self) -> impl Iterator<Item = u64> {
        self.pending.iter().map(|pending| pending.at)
    }

    /// The moment of now.
    pub(super) fn now(&self) -> u64 {
        self.clock
    }

    /// The files that this cut leaves, and a number that two cuts of one moment share if they leave the same.
    pub(super) fn cut(&self, cut: Cut) -> (Files, u64) {
        let mut kept = DefaultHasher::new();
        let mut names = self.durable.clone();
        for pending in &self.pending {
            if !matches!(pending.what, What::Name { .. } | What::Rename { .. }) || !self.keeps_name(cut, pending.at) {
                continue;
            }
            pending.at.hash(&mut kept);
            self.name(&mut names, &pending.what);
        }
        let files = names.into_iter().map(|(name, of)| (name, self.content(of, cut, &mut kept))).collect();
        (files, kept.finish())
    }

    fn name(&self, names: &mut BTreeMap<String, usize>, what: &What) {
        match what {
            What::Name { name, of: Some(of) } => {
                names.insert(name.clone(), *of);
            }
            What::Name { name, of: None } => {
                names.remove(name);
            }
            What::Rename { from, to, of } => {
                names.remove(from);
                names.insert(to.clone(), *of);
            }
            What::Write { .. } | What::Length { .. } => {}
        }
    }

    fn sync(&mut self, of: usize) -> Change {
        let (mine, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending).into_iter().partition(|pending| {
            matches!(pending.what, What::Write { of: file, .. } | What::Length { of: file, .. } if file == of)
        });
        self.pending = rest;
        if mine.is_empty() {
            return Change::None;
        }
        if let Some(bytes) = self.bytes.get_mut(of) {
            let bytes = Arc::make_mut(bytes);
            for pending in mine {
                match pending.what {
                    What::Write { offset, data, .. } => put(bytes, offset, &data, 0),
                    What::Length { len, .. } => bytes.resize(index(len), 0),
                    What::Name { .. } | What::Rename { .. } => {}
                }
            }
        }
        Change::Synced
    }

    fn sync_names(&mut self) -> Change {
        self.durable.clone_from(&self.live);
        let before = self.pending.len();
        self.pending.retain(|pending| matches!(pending.what, What::Write { .. } | What::Length { .. }));
        if self.pending.len() == before { Change::None } else { Change::Synced }
    }

    fn content(&self, of: usize, cut: Cut, kept: &mut DefaultHasher) -> Arc<Vec<u8>> {
        let Some(durable) = self.bytes.get(of) else { return Arc::default() };
        let mine = || self.pending.iter().filter(move |pending| pending.what.file() == Some(of));
        if mine().next().is_none() {
            return durable.clone();
        }
        let (until, unit, fill, touched) = (self.length_until(cut, of), cut.unit(), cut.fill(), self.touched(cut));
        let len =
            mine().filter(|pending| pending.at <= until).fold(durable.len() as u64, |len, pending| {
                match &pending.what {
                    What::Length { len, .. } => *len,
                    What::Write { offset, data, .. } => len.max(offset + data.len() as u64),
                    What::Name { .. } | What::Rename { .. } => len,
                }
            });
        let mut bytes = Vec::clone(durable);
        for pending in mine() {
            match &pending.what {
                What::Length { len, .. } if pending.at <= until => {
                    (pending.at, "length").hash(kept);
                    bytes.truncate(index(*len));
                }
                What::Write { offset, data, .. } => {
                    for (from, piece) in sectors(*offset, data) {
                        // What lies behind the end is not seen.
                        if from < len && pending.at <= self.moment(cut, &touched, of, from / unit) {
                            (pending.at, from).hash(kept);
                            put(&mut bytes, from, piece, fill);
                        }
                    }
                }
                _ => {}
            }
        }
        len.hash(kept);
        bytes.resize(index(len), fill);
        Arc::new(bytes)
    }

    fn keeps_name(&self, cut: Cut, at: u64) -> bool {
        match cut {
            Cut::Upto(moment) => at <= moment,
            Cut::Without(this) => at != this,
            Cut::Only(this) => at == this,
            // A journal of the file system keeps the order of names; one in eight has none.
            Cut::Spread(seed) if seed.is_multiple_of(8) => random(&[seed, at, 1]).is_multiple_of(2),
            Cut::Spread(seed) => at <= self.any_moment(seed, &[2], 50),
        }
    }

    /// Until when changes of a file's length are there. Mostly all: without the length no byte behind it is seen.
    fn length_until(&self, cut: Cut, of: usize) -> u64 {
        match cut {
            Cut::Upto(moment) => moment,
            Cut::Without(_) | Cut::Only(_) => NOW,
            Cut::Spread(seed) => self.any_moment(seed, &[3, of as u64], 70),
        }
    }

    /// The sectors that a cut is about.
    fn touched(&self, cut: Cut) -> Touched {
        let (Cut::Without(this) | Cut::Only(this)) = cut else { return None };
        match &self.pending.iter().find(|pending| pending.at == this)?.what {
            What::Write { of, offset, data } => {
                let last = (offset + data.len() as u64).saturating_sub(1) / SECTOR;
                Some((*of, offset / SECTOR..=last))
            }
            _ => None,
        }
    }

    /// As of when a unit is there.
    fn moment(&self, cut: Cut, touched: &Touched, of: usize, number: u64) -> u64 {
        let touches = touched.as_ref().is_some_and(|(file, sectors)| *file == of && sectors.contains(&number));
        match cut {
            Cut::Upto(moment) => moment,
            Cut::Without(this) if touches => this.saturating_sub(1),
            Cut::Without(_) => NOW,
            Cut::Only(this) if touches => this,
            Cut::Only(_) => 0,
            // How much is left differs from cut to cut.
            Cut::Spread(seed) => {
                let share = [10, 50, 90].get(index(seed / 8 % 3)).copied().unwrap_or(50);
                self.any_moment(seed, &[4, of as u64, number], share)
            }
        }
    }

    /// All with this probability in percent, else nothing or some moment between.
    fn any_moment(&self, seed: u64, what: &[u64], percent: u64) -> u64 {
        let dice = random(&[&[seed], what].concat());
        if dice % 100 < percent {
            return NOW;
        }
        let first = self.pending.first().map_or(0, |pending| pending.at);
        match dice / 100 % 2 {
            0 => 0,
            _ => first + dice / 200 % (self.clock + 1).saturating_sub(first).max(1),
        }
    }
}

impl What {
    fn file(&self) -> Option<usize> {
        match self {
            Self::Write { of, .. } | Self::Length { of, .. } => Some(*of),
            Self::Name { .. } | Self::Rename { .. } => None,
        }
    }
}

impl Cut {
    fn unit(self) -> u64 {
        match self {
            Self::Spread(seed) => [SECTOR, PAGE, PAGE, u64::MAX].get(index(seed / 24 % 4)).copied().unwrap_or(SECTOR),
            _ => SECTOR,
        }
    }

    /// What stands where a file has grown and nothing has arrived: nothing, or what the disk had there.
    fn fill(self) -> u8 {
        match self {
            Self::Spread(seed) if (seed / 96).is_multiple_of(4) => 0xa5,
            _ => 0,
        }
    }
}

fn index(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// The same number for the same numbers, on every machine.
pub(super) fn random(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0x9e37_79b9_7f4a_7c15, |state, number| {
        let mut mixed = (state ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// Writes, and fills what it skips.
fn put(bytes: &mut Vec<u8>, offset: u64, data: &[u8], fill: u8) {
    let (from, to) = (index(offset), index(offset).saturating_add(data.len()));
    if bytes.len() < to {
        bytes.resize(to, fill);
    }
    if let Some(place) = bytes.get_mut(from..to) {
        place.copy_from_slice(data);
    }
}

/// A write as what of it goes to each sector.
fn sectors(offset: u64, mut data: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut from = offset;
    std::iter::from_fn(move || {
        if data.is_empty() {
            return None;
        }
        let (piece, rest) = data.split_at_checked(index(SECTOR - from % SECTOR)).unwrap_or((data, &[]));
        let found = (from, piece);
        (from, data) = (from + piece.len() as u64, rest);
        Some(found)
    })
}

#[cfg(test)]
mod tests;
