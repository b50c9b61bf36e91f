//! Is this file a connector? First by its magic, so that a wrong file is named for what it is; then, parsed whole, by its
//! imports and exports, so that a missing capability is named instead of a linker's riddle.

use wasmparser::{Parser, Payload, Validator};
use wasmtime::component::types;

use super::error::LoadError;

/// The largest component accepted, in bytes: componentize-py makes 18 MiB of a hello world.
pub(crate) const COMPONENT_MAX: usize = 64 << 20;

/// What every connector exports.
const HANDLER: &str = "duijie:connector/handler";
/// What this host has, with the version it implements.
const INTERFACES: &[&str] = &[
    "duijie:connector/types",
    "duijie:crypto/digest",
    "duijie:crypto/sm4",
    "duijie:crypto/types",
    "duijie:http/client",
    "duijie:kv/store",
    "duijie:link/config",
    "duijie:link/credential",
    "duijie:log/logger",
    "duijie:platform/forward",
    "duijie:secret/parts",
];
/// The version of all of them.
const VERSION: semver::Version = semver::Version::new(0, 1, 0);

/// Bytes that begin as a component does and are not too many. Nothing else is ever handed to a compiler.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plausible<'b>(&'b [u8]);

impl<'b> Plausible<'b> {
    /// The bytes.
    pub(super) fn bytes(self) -> &'b [u8] {
        self.0
    }
}

/// Looks at the first bytes only.
///
/// # Errors
/// Says what the file is instead.
pub(super) fn magic(bytes: &[u8]) -> Result<Plausible<'_>, LoadError> {
    if bytes.len() > COMPONENT_MAX {
        return Err(LoadError::NotAComponent(format!(
            "it has {} bytes; at most {COMPONENT_MAX} are accepted",
            bytes.len()
        )));
    }
    let what = match bytes {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => return Ok(Plausible(bytes)),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            "it is a core wasm module, not a component; build it with `cargo build --target wasm32-wasip2`"
        }
        [0, b'a', b's', b'm', ..] => "it is wasm of a version this host does not know",
        [0x7f, b'E', b'L', b'F', ..] => {
            "it is native code (ELF), perhaps precompiled; only wasm components are loaded, this host compiles them itself"
        }
        [] => "it is empty",
        [b'(', ..] => "it is WebAssembly text; only binary components are loaded",
        _ => "it is not WebAssembly",
    };
    Err(LoadError::NotAComponent(what.into()))
}

/// Parses and validates all of it, and checks what it imports and exports against what this host has. Only for a process
/// that may die: what types nested without end do to a validator's stack is known.
///
/// # Errors
/// Says where it is malformed, or names the first import or export that does not fit.
pub(super) fn whole(bytes: &[u8]) -> Result<(), LoadError> {
    let malformed = |error: wasmparser::BinaryReaderError| LoadError::Malformed(error.to_string());
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_usize);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth = depth.saturating_add(1),
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(malformed)?.name.name);
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(malformed)?.name.name);
                }
            }
            _ => {}
        }
    }
    Validator::new().validate_all(bytes).map_err(malformed)?;
    interfaces(imports.into_iter(), exports.into_iter())
}

/// Checks the compiled component against what this host has.
///
/// # Errors
/// Names the first import or export that does not fit.
pub(super) fn component(engine: &wasmtime::Engine, ty: &types::Component) -> Result<(), LoadError> {
    interfaces(ty.imports(engine).map(|(name, _)| name), ty.exports(engine).map(|(name, _)| name))
}

fn interfaces<'a>(
    imports: impl Iterator<Item = &'a str>,
    exports: impl Iterator<Item = &'a str>,
) -> Result<(), LoadError> {
    for import in imports {
        known(import).map_err(|reason| LoadError::Import { import: import.to_owned(), reason })?;
    }
    let exports: Vec<&str> = exports.collect();
    if exports.iter().any(|name| matches!(split(name), (HANDLER, Some(version)) if compatible(&version))) {
        return Ok(());
    }
    let found = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
    Err(LoadError::Export { wanted: "duijie:connector/handler@0.1.0", found })
}

fn known(import: &str) -> Result<(), String> {
    let (interface, version) = split(import);
    if interface.starts_with("wasi:") {
        return match version {
            Some(version) if version.major == 0 && version.minor == 2 => Ok(()),
            _ => Err("but this host links WASI 0.2 only".into()),
        };
    }
    if !INTERFACES.contains(&interface) {
        return Err(format!("which this host does not have; it has WASI 0.2 (empty) and {}", INTERFACES.join(", ")));
    }
    match version {
        Some(version) if compatible(&version) => Ok(()),
        Some(version) => Err(format!("but this host has version {VERSION} of it, not {version}")),
        None => Err(format!("without a version; this host has {VERSION}")),
    }
}

/// Before 1.0 every minor version is a track of its own (semver, and what wasmtime's linker does).
fn compatible(version: &semver::Version) -> bool {
    version.pre.is_empty() && version.major == VERSION.major && version.minor == VERSION.minor && *version <= VERSION
}

fn split(name: &str) -> (&str, Option<semver::Version>) {
    match name.split_once('@') {
        Some((interface, version)) => (interface, version.parse().ok()),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(imports: &[&str], exports: &[&str]) -> String {
        interfaces(imports.iter().copied(), exports.iter().copied()).unwrap_err().to_string()
    }

    #[test]
    fn our_own_world_is_accepted() {
        let imports = ["duijie:http/client@0.1.0", "duijie:kv/store@0.1.0", "wasi:cli/environment@0.2.6"];
        interfaces(imports.into_iter(), ["duijie:connector/handler@0.1.0"].into_iter()).unwrap();
    }

    #[test]
    fn an_unknown_import_is_refused_by_name() {
        let text = refusal(&["acme:shell/exec@1.0.0"], &["duijie:connector/handler@0.1.0"]);
        assert!(text.contains("acme:shell/exec@1.0.0") && text.contains("does not have"), "{text}");
    }

    #[test]
    fn a_newer_version_is_refused_with_both_versions() {
        let text = refusal(&["duijie:http/client@0.2.0"], &["duijie:connector/handler@0.1.0"]);
        assert!(text.contains("0.1.0") && text.contains("0.2.0"), "{text}");
        assert!(refusal(&["duijie:http/client"], &[]).contains("without a version"));
    }

    #[test]
    fn wasi_http_and_wasi_0_3_are_told_apart() {
        assert!(refusal(&["wasi:clocks/wall-clock@0.3.0"], &[]).contains("WASI 0.2 only"));
    }

    #[test]
    fn a_missing_handler_lists_what_there_is() {
        let text = refusal(&[], &["wasi:cli/run@0.2.0"]);
        assert!(text.contains("duijie:connector/handler@0.1.0") && text.contains("wasi:cli/run@0.2.0"), "{text}");
    }

    #[test]
    fn imports_and_exports_are_those_of_the_outermost_component() {
        let parse = |text: &str| whole(&wat::parse_str(text).unwrap()).unwrap_err().to_string();
        let inner = "(component (import \"acme:shell/exec@1.0.0\" (instance)) (core module))";
        assert!(parse(&format!("(component {inner})")).contains("it exports nothing"));
        let text = parse(&format!("(component {inner} (import \"acme:other/exec@1.0.0\" (instance)))"));
        assert!(text.contains("acme:other/exec"), "{text}");
    }

    #[test]
    fn what_is_torn_is_malformed() {
        let good = wat::parse_str("(component (core module (memory 1)))").unwrap();
        assert!(matches!(whole(&good[..good.len() - 1]), Err(LoadError::Malformed(_))));
    }

    #[test]
    fn a_wrong_file_is_named_for_what_it_is() {
        for (bytes, said) in [
            (&b"\0asm\x01\0\0\0"[..], "core wasm module"),
            (b"\x7fELF\x02", "native code"),
            (b"(component)", "text"),
            (b"", "empty"),
            (b"#!/bin/sh", "not WebAssembly"),
            (b"\0asm\x0e\0\x01\0", "version"),
        ] {
            let text = magic(bytes).unwrap_err().to_string();
            assert!(text.contains(said), "{text}");
        }
        magic(b"\0asm\x0d\0\x01\0rest").unwrap();
    }
}
