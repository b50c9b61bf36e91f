//! Every kind is what it says: as wasmparser and the bytes themselves show.

use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use super::*;

/// A component that counts as good here, with the marker of a mode in it.
fn good() -> Vec<u8> {
    let mark = format!("hostile-mode:{:35}", "version=0.0.9");
    let text = format!("(core module (memory 1) (data (i32.const 8) \"{mark}\") (func (export \"f\")))");
    component::with_handler(&text).unwrap()
}

fn bytes(kind: Kind, number: u64) -> Vec<u8> {
    match kind.content(7, number, &good()).unwrap() {
        Content::Bytes(bytes) => bytes,
        Content::Sparse { head, .. } => head,
    }
}

fn valid(bytes: &[u8]) -> bool {
    Validator::new_with_features(WasmFeatures::all()).validate_all(bytes).is_ok()
}

/// Names of imports and exports.
fn names(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                exports.extend(section.into_iter().map(|export| export.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    (imports, exports)
}

#[test]
fn the_same_number_is_the_same_file_and_no_two_are_alike() {
    for kind in Kind::value_variants() {
        let first = |number| kind.content(7, number, &good()).unwrap();
        assert_eq!(first(3), first(3), "{kind:?}");
        assert_ne!(first(3), first(4), "{kind:?}");
        assert_ne!(first(3), kind.content(8, 3, &good()).unwrap(), "{kind:?}");
    }
}

#[test]
fn a_truncated_one_is_no_component_any_more_and_the_good_one_is() {
    assert!(valid(&good()) && valid(&bytes(Kind::Unsigned, 1)) && valid(&bytes(Kind::WrongKey, 1)));
    for number in 0..50 {
        let cut = bytes(Kind::Truncated, number);
        assert!(good().starts_with(&cut) && cut.len() < good().len());
    }
    let whole = (0..50).filter(|number| valid(&bytes(Kind::Truncated, *number))).count();
    assert!(whole < 10, "{whole} of them end where a section ends");
}

#[test]
fn a_flipped_one_differs_in_one_to_three_bits_and_never_in_its_mode() {
    for number in 0..200 {
        let (flipped, before) = (bytes(Kind::BitFlipped, number), bytes(Kind::Unsigned, number));
        let bits: u32 = flipped.iter().zip(&before).map(|(one, other)| (one ^ other).count_ones()).sum();
        assert!((1..=3).contains(&bits) && flipped.len() == before.len(), "{bits}");
        let at = position(&before, MARK.0).unwrap();
        assert_eq!(flipped[at..at + MARK.1], before[at..at + MARK.1]);
    }
}

#[test]
fn what_is_something_else_says_so_by_its_first_bytes() {
    assert!(bytes(Kind::CoreModule, 1).starts_with(&MODULE) && valid(&bytes(Kind::CoreModule, 1)));
    assert!(wat::parse_bytes(&bytes(Kind::Wat, 1)).unwrap().starts_with(&COMPONENT));
    assert!(bytes(Kind::Elf, 1).starts_with(b"\x7fELF"));
    let Content::Sparse { head, len } = Kind::TooLarge.content(7, 1, &good()).unwrap() else { panic!("no hole") };
    assert!(head.starts_with(&COMPONENT) && len == 200 << 20);
}

#[test]
fn wrong_worlds_exports_and_imports_are_valid_and_have_wrong_names_only() {
    const HANDLER: &str = "duijie:connector/handler@0.1.0";
    for number in 0..20 {
        let world = bytes(Kind::WrongWorld, number);
        let (_, exports) = names(&world);
        assert!(valid(&world) && exports.len() == 1 && exports[0].starts_with("duijie:connector/handler@"));
        assert_ne!(exports[0], HANDLER);
        let missing = bytes(Kind::MissingExport, number);
        assert!(valid(&missing) && names(&missing).1.iter().all(|name| !name.contains("handler")));
        let import = bytes(Kind::UnknownImport, number);
        let (imports, exports) = names(&import);
        assert!(valid(&import) && imports.len() == 1 && imports[0].starts_with("acme:shell/"));
        assert_eq!(exports, [HANDLER]);
    }
}

#[test]
fn what_starts_badly_is_valid_and_has_a_start_function() {
    for kind in [Kind::StartLoop, Kind::StartTrap] {
        let bytes = bytes(kind, 1);
        assert!(valid(&bytes));
        let starts = Parser::new(0).parse_all(&bytes).filter(|p| matches!(p, Ok(Payload::StartSection { .. }))).count();
        assert_eq!(starts, 1, "{kind:?}");
    }
}

#[test]
fn what_nests_nests_hundreds_deep() {
    let inner = |bytes: &[u8]| {
        Parser::new(0).parse_all(bytes).filter(|p| matches!(p, Ok(Payload::ComponentSection { .. }))).count()
    };
    assert!(inner(&bytes(Kind::DeepNesting, 0)) >= 200);
    for number in [1, 2] {
        let bytes = bytes(Kind::DeepNesting, number);
        assert!(Parser::new(0).parse_all(&bytes).any(|p| matches!(p, Ok(Payload::ComponentTypeSection(_)))));
    }
    // At a depth that is allowed they are what a component may be: it is the depth alone that is wrong.
    assert!(valid(&component::components(3)) && valid(&component::lists(3)) && valid(&component::component_types(3)));
}
