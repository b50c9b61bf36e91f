//! All moments at which the power may go while a trace runs, and what may be left at each. The same seed makes the same
//! images, and no two of one moment are the same.

use std::{collections::HashSet, sync::Arc};

use anyhow::Result;

use super::{
    disk::{Change, Cut, Disk, Files, random},
    trace::{Ack, Event},
};

/// Most prefixes of what one sync has left: a checkpoint leaves hundreds of pages, which were all issued one by one before.
const PREFIXES_MAX: usize = 32;

/// What may be found.
pub(super) struct Image {
    /// Where in the trace, and what is left: for the message, and to make it again.
    pub(super) name: String,
    /// The files.
    pub(super) files: Files,
    /// What had been acknowledged by then, or was about to be. All of it must be there.
    pub(super) acked: Arc<Vec<Ack>>,
}

/// How many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Density {
    /// Of a moment, besides nothing, everything, and prefixes.
    pub(super) spread: u64,
    /// Where the chances start.
    pub(super) seed: u64,
}

/// Goes through a trace and makes the images. `before` is what had been acknowledged before the trace began.
pub(super) fn walk(
    mut disk: Disk,
    events: &[Event],
    before: &[Ack],
    density: Density,
    mut take: impl FnMut(Image) -> Result<()>,
) -> Result<()> {
    let mut acked = Arc::new(before.to_vec());
    let mut seen = HashSet::new();
    for (n, event) in (0_u64..).zip(events) {
        let mut cuts = Vec::new();
        match (disk.apply(event)?, event) {
            (_, Event::Ack(ack)) => {
                Arc::make_mut(&mut acked).push(ack.clone());
                // Those that are told together are one moment.
                if matches!(events.get(usize::try_from(n)? + 1), Some(Event::Ack(_))) {
                    continue;
                }
                // More must be there from here on.
                seen.clear();
                cuts.extend([Cut::Upto(0), Cut::Upto(disk.now())]);
            }
            (Change::None, _) => continue,
            (Change::Issued, _) => cuts.push(Cut::Upto(disk.now())),
            (Change::Synced, _) => {
                seen.clear();
                cuts.push(Cut::Upto(0));
                cuts.extend(disk.moments().take(PREFIXES_MAX).map(Cut::Upto));
            }
        }
        let moments: Vec<u64> = disk.moments().collect();
        for turn in 0..density.spread {
            let dice = random(&[density.seed, n, turn]);
            let any = moments.iter().cycle().nth(usize::try_from(dice / 8 % 100_000)? % moments.len().max(1));
            cuts.extend(any.map(|moment| match dice % 8 {
                0 => Cut::Without(*moment),
                1 => Cut::Only(*moment),
                // Of what is written, the end is what commits.
                2 => Cut::Without(moments.last().copied().unwrap_or_default()),
                _ => Cut::Spread(dice / 8),
            }));
        }
        for cut in cuts {
            let (files, number) = disk.cut(cut);
            if seen.insert(number) {
                take(Image { name: format!("event {n}, {cut:?}"), files, acked: acked.clone() })?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::trace::Told, *};

    fn images(events: &[Event], spread: u64) -> Vec<Image> {
        let mut images = Vec::new();
        let density = Density { spread, seed: 1 };
        walk(Disk::default(), events, &[], density, |image| {
            images.push(image);
            Ok(())
        })
        .unwrap();
        images
    }

    fn work(acked_first: bool) -> Vec<Event> {
        let file = "a".to_owned();
        let ack = Event::Ack(Ack { id: "1".into(), told: Told::Taken });
        let (write, sync) = (
            Event::Write { file: file.clone(), offset: 0, data: [1; 2000][..].into() },
            Event::Sync { file: file.clone() },
        );
        let mut events = vec![Event::Create { file, empty: false }, Event::SyncNames, write];
        events.extend(if acked_first { [ack, sync] } else { [sync, ack] });
        events
    }

    fn whole(image: &Image) -> bool {
        image.files.get("a").is_some_and(|bytes| bytes.as_slice() == [1; 2000])
    }

    #[test]
    fn what_is_acknowledged_after_its_sync_is_in_every_image() {
        let images = images(&work(false), 20);
        assert!(images.iter().any(|image| !whole(image)) && images.iter().any(|image| !image.acked.is_empty()));
        assert!(images.iter().filter(|image| !image.acked.is_empty()).all(whole));
    }

    #[test]
    fn what_is_acknowledged_before_its_sync_is_missing_in_some() {
        let images = images(&work(true), 20);
        assert!(images.iter().any(|image| !image.acked.is_empty() && !whole(image)));
    }

    #[test]
    fn no_two_images_of_a_moment_are_the_same() {
        let images = images(&work(true), 200);
        let mut seen = HashSet::new();
        let event = |image: &Image| image.name.split(',').next().map(str::to_owned);
        assert!(images.iter().all(|image| seen.insert((event(image), format!("{:?}", image.files)))));
        assert!(images.len() > 10);
    }
}
