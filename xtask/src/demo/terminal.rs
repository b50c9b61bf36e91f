//! How the demo looks: plain lines with a label in front, in colour only on a terminal whose owner wants it.

use std::{env, io::IsTerminal as _};

/// Width of the labels.
const LABEL: usize = 19;

/// Prints for people.
pub(super) struct Terminal {
    colour: bool,
}

/// What a line is about.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Neither.
    Plain,
}

impl Terminal {
    /// Looks at where stdout goes.
    pub(super) fn new() -> Self {
        let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let able = env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { colour: wanted && able && std::io::stdout().is_terminal() }
    }

    /// The first line.
    pub(super) fn title(&self, text: &str) {
        println!("\n{}\n", self.paint("1", text));
    }

    /// The head of one flow.
    pub(super) fn heading(&self, number: usize, name: &str, about: &str) {
        println!("\n{}  {}  {}", self.paint("1;36", &number.to_string()), self.paint("1", name), about);
    }

    /// One line with its label.
    pub(super) fn line(&self, label: &str, tone: Tone, text: &str) {
        let text = match tone {
            Tone::Good => self.paint("32", text),
            Tone::Bad => self.paint("1;31", text),
            Tone::Plain => text.to_owned(),
        };
        println!("   {} {text}", self.paint("2", &format!("{label:<LABEL$}")));
    }

    /// A line that belongs to the one above.
    pub(super) fn more(&self, text: &str) {
        println!("   {:LABEL$} {text}", "");
    }

    /// What happens next, or what a command is for.
    pub(super) fn remark(&self, text: &str) {
        println!("\n{}", self.paint("2", &format!("# {text}")));
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
