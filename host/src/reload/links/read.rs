//! The files of one link: which they are, their stamps, and one read of them. Binds nothing.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use super::super::{blocking, source::Stamp};
use crate::{
    id::{ConnectorName, Pin},
    link::{DEFAULTS, LinkSpec, bind::Material, spec::SpecError},
    secret::source::SecretSource,
};

/// Files and what they looked like; none when one is not there.
pub(super) type Stamps = Vec<(PathBuf, Option<Stamp>)>;

/// What a link asks for, as far as choosing a connector needs it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wants {
    pub(super) connector: ConnectorName,
    pub(super) version: semver::VersionReq,
    pub(super) pin: Option<Pin>,
    pub(super) allow_contract_change: Option<semver::Version>,
    pub(super) hooks: BTreeSet<String>,
}

impl Wants {
    fn of(spec: &LinkSpec) -> Self {
        Self {
            connector: spec.connector.clone(),
            version: spec.version.clone(),
            pin: spec.pin.clone(),
            allow_contract_change: spec.allow_contract_change.clone(),
            hooks: spec.hooks.keys().cloned().collect(),
        }
    }
}

/// What was read.
pub(super) struct Reading {
    /// Everything that was read, with its stamp from before: what changes meanwhile is read again at the next look.
    pub(super) seen: Stamps,
    pub(super) spec: Result<LinkSpec, SpecError>,
    pub(super) wants: Option<Wants>,
    pub(super) material: Material,
}

/// Reads a link's files, and what they point to.
///
/// # Errors
/// When the reading thread is gone, and with it the process.
pub(super) async fn read(root: &Path, path: PathBuf) -> io::Result<Reading> {
    let root = root.to_owned();
    blocking(move || {
        let mut seen = stamps(layers(&root, &path));
        let spec = LinkSpec::read(&root, &path);
        seen.extend(spec.as_ref().map(|spec| stamps(secret_files(spec))).unwrap_or_default());
        let material = spec.as_ref().map(Material::read).unwrap_or_default();
        let wants = spec.as_ref().ok().map(Wants::of);
        Ok(Reading { seen, spec, wants, material })
    })
    .await
}

/// How these files look now.
pub(super) fn stamps(paths: impl IntoIterator<Item = PathBuf>) -> Stamps {
    let stamped = |path: PathBuf| {
        let stamp = Stamp::at(&path);
        (path, stamp)
    };
    paths.into_iter().map(stamped).collect()
}

/// The files a link's TOML is made of: the defaults above it, present or not, and its own.
fn layers(root: &Path, file: &Path) -> Vec<PathBuf> {
    let folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
    folders.map(|folder| folder.join(DEFAULTS)).chain([file.to_owned()]).collect()
}

/// The files that a link's secrets and its CA are read from.
fn secret_files(spec: &LinkSpec) -> Vec<PathBuf> {
    let hooks = spec.hooks.values().map(|hook| &hook.path_secret);
    let sources = spec.secrets.values().map(|secret| &secret.source).chain(hooks);
    let sources = sources.chain(spec.platform.as_ref().map(|platform| &platform.secret));
    let secrets = sources.filter_map(|source| match source {
        SecretSource::File(path) => Some(path.clone()),
        SecretSource::Env(_) => None,
    });
    secrets.chain(spec.ca_file.clone()).collect()
}
