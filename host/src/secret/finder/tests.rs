//! The order of what is found, and what happens when nothing can be looked for.

use super::*;

#[test]
fn ranges_are_in_order_and_joined() {
    let spellings = ["abc", "bcd", "d", "xyz"].map(|text| (text.as_bytes().to_vec(), Bleed::default()));
    let mut found = Vec::new();
    Finder::new(spellings.into()).find(b"abcd xyz abc bcd d", &mut found);
    assert_eq!(found, [0..4, 5..8, 9..12, 13..16, 17..18]);
    Finder::new(Spellings::new()).find(b"abcd", &mut found);
    assert_eq!(found.len(), 5, "nothing to look for, nothing found");
}

#[test]
fn without_an_automaton_everything_is_masked() {
    let finder = Finder { automaton: None, tails: Vec::new() };
    let mut found = Vec::new();
    finder.find(b"anything", &mut found);
    assert_eq!(found, vec![0.."anything".len()]);
}
