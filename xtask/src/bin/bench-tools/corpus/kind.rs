//! What can be wrong with a file.

use anyhow::Result;
use clap::ValueEnum;

use super::{
    component::{self, COMPONENT, MODULE, salted},
    random::Random,
};

/// Where the mode of the hostile connector is written: flipping bits of it would make another revision on purpose.
const MARK: (&[u8], usize) = (b"hostile-mode:", 48);
/// Bytes of a file that is larger than any component may be.
const LARGE: u64 = 200 << 20;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// The beginning of a good component.
    Truncated,
    /// A good component with one to three bits flipped.
    BitFlipped,
    /// A core module.
    CoreModule,
    /// A component as text.
    Wat,
    /// Native code, by its head.
    Elf,
    /// The handler of a version that the host does not have.
    WrongWorld,
    /// No handler, or something else.
    MissingExport,
    /// Wants what the host does not have.
    UnknownImport,
    /// Computes for ever as soon as it is instantiated.
    StartLoop,
    /// Dies as soon as it is instantiated.
    StartTrap,
    /// A component by its head, of 200 MiB; a hole in a file, so that it costs no disk.
    TooLarge,
    /// Nests components, types or lists hundreds deep.
    DeepNesting,
    /// A good component; it is its signature that is missing.
    Unsigned,
    /// A good component; it is signed with a key that nobody trusts.
    WrongKey,
}

/// What a file is to hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These, and zeros up to this length.
    Sparse {
        /// The first bytes.
        head: Vec<u8>,
        /// Of the whole.
        len: u64,
    },
}

impl Kind {
    /// As on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The file of this seed and number.
    pub(super) fn content(self, seed: u64, number: u64, good: &[u8]) -> Result<Content> {
        let mut random = Random::new(seed, number);
        let salt = random.bytes(16);
        let even = number.is_multiple_of(2);
        let bytes = match self {
            Self::Truncated => {
                let len = random.within(COMPONENT.len(), good.len());
                salted(good.to_vec(), &salt).get(..len).unwrap_or_default().to_vec()
            }
            Self::BitFlipped => flipped(salted(good.to_vec(), &salt), &mut random),
            Self::CoreModule => salted(MODULE.to_vec(), &salt),
            Self::Wat => format!("(component (; {} ;))\n", super::hex(&salt)).into_bytes(),
            Self::Elf => [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0"[..], &random.bytes(4096)].concat(),
            Self::WrongWorld => {
                let versions = ["0.2.0", "0.9.0", "1.0.0", "0.1.0-draft", "0.1.99"];
                let version = versions.get(random.within(0, versions.len())).copied().unwrap_or("0.2.0");
                salted(component::of_world(version)?, &salt)
            }
            Self::MissingExport if even => salted(component::parse("(component)")?, &salt),
            Self::MissingExport => salted(component::of_world("0.1.0").and_then(without_handler)?, &salt),
            Self::UnknownImport => {
                let import = format!("(import \"acme:shell/x{}@1.0.0\" (instance))", super::hex(&salt));
                component::with_handler(&import)?
            }
            Self::StartLoop => salted(started("(loop br 0)")?, &salt),
            Self::StartTrap => salted(started("unreachable")?, &salt),
            Self::TooLarge => return Ok(Content::Sparse { head: salted(COMPONENT.to_vec(), &salt), len: LARGE }),
            Self::DeepNesting => {
                let depth = random.within(200, 900);
                let nested = match number % 3 {
                    0 => component::components(depth),
                    1 => component::lists(depth * 10),
                    _ => component::component_types(depth),
                };
                salted(nested, &salt)
            }
            Self::Unsigned | Self::WrongKey => salted(good.to_vec(), &salt),
        };
        Ok(Content::Bytes(bytes))
    }
}

/// A component whose instance runs this as it starts.
fn started(body: &str) -> Result<Vec<u8>> {
    component::with_handler(&format!("(core module $s (func $f {body}) (start $f)) (core instance (instantiate $s))"))
}

/// The same with its exports under a name that means nothing to the host; of the same length, so that it still is one.
fn without_handler(mut component: Vec<u8>) -> Result<Vec<u8>> {
    let (from, to) = (b"duijie:connector/handler", b"duijie:connector/hendlor");
    while let Some(at) = position(&component, from) {
        let end = at + to.len();
        component.splice(at..end, to.iter().copied());
    }
    Ok(component)
}

fn flipped(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let mark = position(&bytes, MARK.0).map_or(0..0, |at| at..at + MARK.1);
    let mut left = random.within(1, 4);
    while left > 0 {
        let (at, bit) = (random.within(COMPONENT.len(), bytes.len()), random.within(0, 8));
        if let Some(byte) = bytes.get_mut(at).filter(|_| !mark.contains(&at)) {
            *byte ^= 1 << bit;
            left -= 1;
        }
    }
    bytes
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests;
