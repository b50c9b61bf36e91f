//! Reading a link's TOML and the `_defaults.toml` above it into one table that remembers where every value came from,
//! so that an error can name file, line and key. Never interprets a key.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use toml::{
    Spanned, Value,
    de::{DeTable, DeValue},
};

/// The largest link file read, in bytes.
const FILE_MAX: u64 = 1 << 20;
/// The file whose values every link in its folder and below inherits.
pub(crate) const DEFAULTS: &str = "_defaults.toml";

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file, relative to the links directory.
    pub(crate) file: Arc<Path>,
    /// The line, from 1.
    pub(crate) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// A file that could not be read as TOML.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayerError {
    /// Not readable.
    #[error("{}: cannot be read: {error}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Not TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What is wrong there.
        message: String,
    },
}

/// One table made of several files; the later file wins, table by table, value by value; arrays are replaced whole.
#[derive(Debug, Default)]
pub(crate) struct Layered {
    /// The merged values.
    pub(crate) table: toml::Table,
    places: BTreeMap<String, Place>,
}

impl Layered {
    /// Reads the defaults of every folder from `root` down to the file's, then the file.
    ///
    /// # Errors
    /// Names the file, and the line where there is one.
    pub(crate) fn read(root: &Path, file: &Path) -> Result<Self, LayerError> {
        let mut layered = Self::default();
        let mut folder = root.to_path_buf();
        let inside = file.strip_prefix(root).unwrap_or(file);
        let mut files = vec![folder.join(DEFAULTS)];
        for part in inside.parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            files.push(folder.join(DEFAULTS));
        }
        for defaults in files {
            if defaults.exists() {
                layered.add(root, &defaults)?;
            }
        }
        layered.add(root, file)?;
        Ok(layered)
    }

    fn add(&mut self, root: &Path, file: &Path) -> Result<(), LayerError> {
        let text = read_text(file).map_err(|error| LayerError::Read { file: file.to_owned(), error })?;
        let name: Arc<Path> = file.strip_prefix(root).unwrap_or(file).into();
        let lines = Lines::of(&text);
        let parsed = DeTable::parse(&text).map_err(|error| LayerError::Syntax {
            place: Place { file: name.clone(), line: lines.at(error.span().map_or(0, |span| span.start)) },
            message: error.message().to_owned(),
        })?;
        let at = |offset| Place { file: name.clone(), line: lines.at(offset) };
        merge(&mut self.table, &mut self.places, "", parsed.into_inner(), &at);
        Ok(())
    }

    /// Where the value at this dotted path was written, or the nearest thing above it.
    pub(crate) fn place(&self, path: &str) -> Option<&Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(place);
            }
            path = path.rsplit_once(['.', '['])?.0;
        }
    }

    /// Every value with its dotted path and place, in order of path.
    pub(crate) fn leaves(&self) -> Vec<(String, &Value, Option<&Place>)> {
        let mut leaves = Vec::new();
        collect(&self.table, "", &mut |path, value| leaves.push((path, value)));
        leaves
            .into_iter()
            .map(|(path, value)| {
                let place = self.place(&path);
                (path, value, place)
            })
            .collect()
    }
}

/// Joins a dotted path.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn read_text(file: &Path) -> std::io::Result<String> {
    String::from_utf8(crate::file::read(file, FILE_MAX)?).map_err(|_| std::io::Error::other("it is not UTF-8"))
}

fn merge<'d>(
    into: &mut toml::Table,
    places: &mut BTreeMap<String, Place>,
    path: &str,
    from: DeTable<'d>,
    at: &dyn Fn(usize) -> Place,
) {
    for (key, value) in from {
        let (line, name) = (key.span().start, key.into_inner().into_owned());
        let path = join(path, &name);
        match value.into_inner() {
            DeValue::Table(table) => {
                places.insert(path.clone(), at(line));
                let slot = into.entry(name).or_insert_with(|| Value::Table(toml::Table::new()));
                if !slot.is_table() {
                    *slot = Value::Table(toml::Table::new());
                }
                if let Value::Table(inner) = slot {
                    merge(inner, places, &path, table, at);
                }
            }
            other => {
                // A plain value replaces whatever a file above said here, and with it all that was said below.
                let below = format!("{path}.");
                places.retain(|known, _| !known.starts_with(&below));
                places.insert(path, at(line));
                into.insert(name, plain(other));
            }
        }
    }
}

fn plain(value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::String(number.to_string()), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Value::String(number.to_string()), Value::Float)
        }
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Datetime(time) => Value::Datetime(time),
        DeValue::Array(items) => Value::Array(items.into_iter().map(Spanned::into_inner).map(plain).collect()),
        DeValue::Table(table) => Value::Table(
            table.into_iter().map(|(key, value)| (key.into_inner().into_owned(), plain(value.into_inner()))).collect(),
        ),
    }
}

fn collect<'v>(table: &'v toml::Table, path: &str, out: &mut dyn FnMut(String, &'v Value)) {
    for (key, value) in table {
        let path = join(path, key);
        match value {
            Value::Table(inner) => collect(inner, &path, out),
            leaf => out(path, leaf),
        }
    }
}

/// Turns byte offsets into line numbers.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|newline| *newline < offset) + 1
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn every_level_may_hold_defaults_and_the_file_wins() {
        let root = tree(&[
            ("_defaults.toml", "a = 1\nb = 1\nc = 1\n[t]\nx = 1\ny = 1\n"),
            ("zj/_defaults.toml", "b = 2\nc = 2\n[t]\ny = 2\n"),
            ("zj/nbufe.toml", "c = 3\n"),
        ]);
        let layered = Layered::read(root.path(), &root.path().join("zj/nbufe.toml")).unwrap();
        assert_eq!(toml::to_string(&layered.table).unwrap(), "a = 1\nb = 2\nc = 3\n\n[t]\nx = 1\ny = 2\n");
        assert_eq!(layered.place("t.y").unwrap().to_string(), "zj/_defaults.toml:4");
        assert_eq!(layered.place("t.x").unwrap().to_string(), "_defaults.toml:5");
        assert_eq!(layered.place("c").unwrap().to_string(), "zj/nbufe.toml:1");
    }

    #[test]
    fn a_value_replaces_a_table_and_its_places() {
        let root = tree(&[("_defaults.toml", "[t]\nx = 1\n"), ("a.toml", "t = 5\n")]);
        let layered = Layered::read(root.path(), &root.path().join("a.toml")).unwrap();
        assert_eq!(layered.place("t.x").unwrap().to_string(), "a.toml:1");
    }

    #[test]
    fn bad_toml_is_named_with_its_line() {
        let root = tree(&[("a.toml", "x = 1\ny = \n")]);
        let error = Layered::read(root.path(), &root.path().join("a.toml")).unwrap_err().to_string();
        assert!(error.starts_with("a.toml:2: "), "{error}");
    }
}
