//! Text as it is received: its byte order mark is taken off, and a text of UTF-16 is refused at once.

use std::io::{BufReader, Cursor, Read};

use super::SheetError;

const UTF8: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// A chunk of the source.
const CHUNK: usize = 64 << 10;

/// The text behind its mark.
pub(super) type Text<R> = BufReader<std::io::Chain<Cursor<Vec<u8>>, R>>;

/// Takes the mark off.
pub(super) fn text<R: Read>(mut source: R) -> Result<Text<R>, SheetError> {
    let mut head = Vec::new();
    source.by_ref().take(3).read_to_end(&mut head)?;
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        return Err(SheetError::NotUtf8(1));
    }
    if head == UTF8 {
        head.clear();
    }
    Ok(BufReader::with_capacity(CHUNK, Cursor::new(head).chain(source)))
}
