//! Whether a workbook may be opened at all. Before the real reader sees anything, the archive is gone through once, with
//! nothing of it held, and what passes is copied, still compressed, into an archive of our own: only XML parts, each
//! inflated to its end and found to be within the bounds. So declared sizes, double entries and what a part refers to
//! cannot deceive. What is in the parts is not judged.
//!
//! The bounds are on what the reader (calamine) holds: the shared strings, the formats, the list of sheets, and one tag or
//! text at a time. They also keep from it what it would panic at or reserve memory for: places of cells beyond any sheet's
//! end and counts of strings that are not there.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use memchr::memmem;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use zip::{ZipArchive, ZipWriter};

use super::{SheetError, XLSX_MAX};

/// Most entries of the archive.
const ENTRIES_MAX: usize = 2_000;

/// Most bytes of all parts, inflated. Of 5,000 rows in a file of 10 MiB they are 20 to 30 MiB; of the sheet one row is held.
pub(super) const INFLATED_MAX: u64 = 64 << 20;

/// Most times its compressed size that a part may have, inflated, if that is over [`RATIO_FROM`].
const RATIO_MAX: u64 = 200;

/// Inflated bytes up to which a part may be compressed as well as it can be.
const RATIO_FROM: u64 = 1 << 20;

/// Most bytes of a tag, or between two tags.
const TOKEN_MAX: u64 = 1 << 20;

/// Most shared strings, and most bytes of the part that they are in with what each takes besides: all of them are held.
const STRINGS_MAX: u32 = 400_000;
const STRINGS_BYTES: u64 = 36 << 20;
const STRING_COST: u64 = 64;

/// Most formats, fonts, sheets and the like of one part.
const ITEMS_MAX: u32 = 1 << 16;

/// Most bytes of one part's formats: each holds a copy of its font's name and its number format.
const FORMATS_MAX: u64 = 4 << 20;

const CFB: &[u8] = &[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

/// Goes through a workbook and returns what may be read of it.
///
/// # Errors
/// If it is no workbook of the kind, is encrypted, or is over a bound.
pub(super) fn vet(file: &[u8]) -> Result<Cursor<Vec<u8>>, SheetError> {
    if file.len() > XLSX_MAX {
        return too_large("the file is over 16 MiB");
    }
    if file.starts_with(CFB) {
        let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let encrypted = memmem::find(file, &name).is_some();
        return Err(if encrypted { SheetError::Encrypted } else { SheetError::OldXls });
    }
    // Every entry that is read has such a signature of its own, whatever the directory declares.
    if memmem::find_iter(file, b"PK\x01\x02").nth(ENTRIES_MAX).is_some() {
        return too_large("its archive has over 2,000 entries");
    }
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|_| SheetError::NotXlsx)?;
    check_declared(&mut archive)?;
    copy(&mut archive, file.len())
}

/// What the directory says, before anything is inflated.
fn check_declared(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<(), SheetError> {
    let mut declared: u64 = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|_| SheetError::NotXlsx)?;
        if entry.encrypted() {
            return Err(SheetError::Encrypted);
        }
        declared = declared.saturating_add(entry.size());
        check_ratio(entry.size(), entry.compressed_size())?;
    }
    if declared > INFLATED_MAX { too_large(INFLATED) } else { Ok(()) }
}

fn copy(archive: &mut ZipArchive<Cursor<&[u8]>>, archive_len: usize) -> Result<Cursor<Vec<u8>>, SheetError> {
    // What is copied of it is no longer than it is.
    let mut copy = ZipWriter::new(Cursor::new(Vec::with_capacity(archive_len)));
    let mut left = INFLATED_MAX;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|_| SheetError::NotXlsx)?;
        let name = entry.name().map_err(|_| SheetError::NotXlsx)?.to_ascii_lowercase();
        if !name.ends_with(".xml") && !name.ends_with(".rels") {
            continue;
        }
        let compressed = entry.compressed_size();
        let inflated = Part::default().check(entry, left)?;
        check_ratio(inflated, compressed)?;
        left = left.saturating_sub(inflated);
        let entry = archive.by_index_raw(index).map_err(|_| SheetError::NotXlsx)?;
        copy.raw_copy_file(entry).map_err(|_| SheetError::NotXlsx)?;
    }
    copy.finish().map_err(|_| SheetError::NotXlsx)
}

const INFLATED: &str = "its parts are over 64 MiB in all, inflated";

fn check_ratio(inflated: u64, compressed: u64) -> Result<(), SheetError> {
    if inflated > RATIO_FROM && inflated > compressed.saturating_mul(RATIO_MAX) {
        return too_large("a part is over 200 times its compressed size");
    }
    Ok(())
}

fn too_large<T>(what: &'static str) -> Result<T, SheetError> {
    Err(SheetError::TooLarge { what })
}

/// What one part has so far.
#[derive(Default)]
struct Part {
    strings: u32,
    items: u32,
    formats: u64,
    longest: u64,
}

impl Part {
    /// Reads the part as the real reader does, and returns its inflated size.
    fn check(mut self, part: impl Read, most: u64) -> Result<u64, SheetError> {
        let metered = Metered { inner: BufReader::new(part), token: 0, total: 0, most };
        let mut xml = Reader::from_reader(metered);
        let config = xml.config_mut();
        config.check_end_names = false;
        config.expand_empty_elements = true;
        let mut token = Vec::new();
        loop {
            token.clear();
            match xml.read_event_into(&mut token) {
                Ok(Event::Start(tag)) => {
                    self.longest = self.longest.max(u64::try_from(tag.len()).unwrap_or(u64::MAX));
                    self.tag(&tag)?;
                    xml.get_mut().token = 0;
                }
                Ok(Event::End(_)) => xml.get_mut().token = 0,
                Ok(Event::Eof) => {
                    let total = xml.get_ref().total;
                    let texts = u64::from(self.strings).saturating_mul(STRING_COST).saturating_add(total);
                    return if self.strings > 0 && texts > STRINGS_BYTES { too_large(TEXTS) } else { Ok(total) };
                }
                Ok(_) => {}
                Err(_) if xml.get_ref().total >= most => return too_large(INFLATED),
                Err(_) if xml.get_ref().token >= TOKEN_MAX => return too_large("a cell or a tag is over 1 MiB"),
                Err(_) => return Err(SheetError::NotXlsx),
            }
        }
    }

    fn tag(&mut self, tag: &BytesStart<'_>) -> Result<(), SheetError> {
        match tag.local_name().as_ref() {
            "sst" => {
                let count = attribute(tag, "uniqueCount")?;
                if count.is_some_and(|count| count.len() > 7 || count.parse::<u32>().is_ok_and(|n| n > STRINGS_MAX)) {
                    return too_large(STRINGS);
                }
            }
            "si" => {
                self.strings = self.strings.saturating_add(1);
                if self.strings > STRINGS_MAX {
                    return too_large(STRINGS);
                }
            }
            name @ ("xf" | "font" | "fill" | "border" | "numFmt" | "Relationship" | "sheet" | "definedName") => {
                self.items = self.items.saturating_add(1);
                self.formats = self.formats.saturating_add(u64::from(name == "xf"));
                if self.items > ITEMS_MAX || self.formats.saturating_mul(self.longest) > FORMATS_MAX {
                    return too_large("it has too many formats, fonts, names or sheets");
                }
            }
            "row" | "c" if attribute(tag, "r")?.is_some_and(|at| place(&at).is_none()) => {
                return Err(SheetError::NotXlsx);
            }
            "dimension" => {
                let Some(range) = attribute(tag, "ref")? else {
                    return Ok(());
                };
                let (start, end) = range.split_once(':').unwrap_or((&range, &range));
                let ordered = place(start).zip(place(end)).is_some_and(|(a, b)| a.0 <= b.0 && a.1 <= b.1);
                if !ordered {
                    return Err(SheetError::NotXlsx);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

const STRINGS: &str = "it has over 400,000 different texts";
const TEXTS: &str = "its different texts are over 36 MiB";

/// An attribute that stands there once: which of two the real reader takes is its own affair.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, SheetError> {
    let mut found = None;
    // Its own check for double ones takes time by the square of their number.
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| SheetError::NotXlsx)?;
        if attribute.key.as_ref() == name && found.replace(attribute.value.into_owned()).is_some() {
            return Err(SheetError::NotXlsx);
        }
    }
    Ok(found)
}

/// A cell's place, as `AB12`, or a row's, as `12`: at most three letters and seven digits, so far beyond any sheet's end.
fn place(text: &str) -> Option<(u32, u32)> {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = text.get(..text.len().checked_sub(digits.len())?)?;
    if letters.len() > 3 || digits.len() > 7 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let add = |column: u32, letter: u8| {
        let digit = u32::from(letter.to_ascii_uppercase()).saturating_sub(u32::from(b'A')).saturating_add(1);
        column.saturating_mul(26).saturating_add(digit)
    };
    Some((digits.parse().ok()?, letters.bytes().fold(0, add)))
}

/// A part that fails when a token, or the whole, is longer than it may be.
struct Metered<R> {
    inner: R,
    /// Bytes since the last tag's end.
    token: u64,
    total: u64,
    most: u64,
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.token >= TOKEN_MAX || self.total >= self.most {
            return Err(io::Error::other("over a bound"));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        self.token = self.token.saturating_add(bytes);
        self.total = self.total.saturating_add(bytes);
        self.inner.consume(count);
    }
}
