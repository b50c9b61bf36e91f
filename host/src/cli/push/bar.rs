//! How far a push is: a bar where somebody looks at a terminal, a line now and then elsewhere, and nothing where stdout is
//! one JSON document.

use std::{
    io::IsTerminal as _,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::cli::out;

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows how far it is.
pub(super) enum Bar {
    /// On a terminal.
    Drawn(ProgressBar),
    /// As lines.
    Lines {
        /// Of all lines.
        began: Instant,
        /// When the next line is due, in milliseconds after that.
        due_ms: AtomicU64,
    },
    /// Not at all.
    None,
}

impl Bar {
    /// For stdout as it is.
    pub(super) fn new(json: bool) -> Self {
        if json {
            return Self::None;
        }
        if !std::io::stdout().is_terminal() {
            return Self::Lines { began: Instant::now(), due_ms: AtomicU64::new(LINE_EVERY.as_millis() as u64) };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
        // A template that is not valid would show itself the first time that somebody looks.
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3}%  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self::Drawn(bar)
    }

    /// So many bytes of all are on their way.
    pub(super) fn sent(&self, bytes: u64, of: u64) {
        self.show(bytes, of, "sending");
    }

    /// So many rows of all have come to an end.
    pub(super) fn ended(&self, rows: u64, of: u64, how: &str) {
        self.show(rows, of, how);
    }

    /// Says something that stays to be read, on stderr: stdout may be for a program.
    pub(super) fn say(&self, text: &str) {
        match self {
            Self::Drawn(bar) => bar.suspend(|| out::complain(text)),
            Self::Lines { .. } | Self::None => out::complain(text),
        }
    }

    /// Nothing more to show.
    pub(super) fn clear(&self) {
        if let Self::Drawn(bar) = self {
            bar.finish_and_clear();
        }
    }

    fn show(&self, at: u64, of: u64, how: &str) {
        match self {
            Self::Drawn(bar) => {
                bar.set_length(of);
                bar.set_position(at.min(of));
                bar.set_message(how.to_owned());
            }
            Self::Lines { began, due_ms } => {
                let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                if now >= due_ms.load(Ordering::Relaxed) {
                    due_ms.store(now.saturating_add(LINE_EVERY.as_millis() as u64), Ordering::Relaxed);
                    // Whoever does not read how far it is still wants it to go on.
                    let _ = out::print(&format!("{at} of {of}: {how}"));
                }
            }
            Self::None => {}
        }
    }
}
