//! The second cut: an image is recovered, the recovery is recorded, and the power goes again at each moment of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::{
    agrees,
    check::{Bench, Verdict},
    disk::{Disk, random},
    images::{Density, Image, walk},
    plug::{Strace, Workload},
    read,
};
use crate::process;

/// Where recoveries run, and where what is left of them is checked.
pub(super) struct Second<'a> {
    recovery: Bench<'a>,
    checked: Bench<'a>,
    workload: &'a dyn Workload,
    trace: PathBuf,
    seed: u64,
}

impl<'a> Second<'a> {
    /// In directories under this one.
    pub(super) fn new(dir: &Path, workload: &'a dyn Workload, seed: u64) -> Result<Self> {
        let recovery = Bench::new(dir.join("recovery"), workload)?;
        let checked = Bench::new(dir.join("second"), workload)?;
        Ok(Self { recovery, checked, workload, trace: dir.join("trace"), seed })
    }

    /// Cuts the recovery of this image.
    pub(super) fn cut(&mut self, first: &Image, mut judged: impl FnMut(&Image, &Verdict) -> Result<()>) -> Result<()> {
        // The program changes it behind our back.
        self.recovery.forget();
        self.recovery.lay(&first.files)?;
        let dir = self.recovery.dir().canonicalize()?;
        let strace = Strace::recording(&self.trace);
        if let Err(error) = self.workload.recover(&strace, &dir) {
            let verdict = Verdict { unopenable: Some(format!("the program says: {error:#}")), ..Verdict::default() };
            return judged(first, &verdict);
        }
        let events = read(self.workload, &strace, &dir)?;
        let disk = Disk::of(&first.files);
        agrees(&disk, &events, self.workload, &dir)?;
        fs::remove_file(&self.trace)?;
        let density = Density { spread: 1, seed: random(&[self.seed, 2]) };
        let mut n = 0;
        walk(disk, &events, &first.acked, density, |mut image| {
            process::not_signalled()?;
            n += 1;
            image.name = format!("{}; in its recovery {}", first.name, image.name);
            let verdict = self.checked.check(&image, random(&[self.seed, n]).is_multiple_of(super::DEEP_EVERY))?;
            judged(&image, &verdict)
        })
    }
}
