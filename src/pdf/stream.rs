//! Data of streams: where it ends, and what it decodes to (ISO 32000-2 sections 7.3.8 and 7.4).
//!
//! Only what the file's own structure needs is decoded: cross-reference streams and object streams.

use std::{
    io::{self, Read},
    ops::Range,
};

use flate2::read::ZlibDecoder;

use super::{
    PdfError,
    encryption::{Security, without_own_filter},
    guard::Guard,
    object::{Dictionary, Object, Stream},
    xref::window,
};
use crate::base::Source;

/// Where a stream's object ends, its data ending at `data_end`: after `endstream` and `endobj`.
pub(super) fn end(source: &dyn Source, limits: &Guard, data_end: u64, bound: u64) -> Result<u64, PdfError> {
    window(source, limits, data_end..bound, &mut |lexer| {
        lexer.keyword("endstream")?;
        lexer.keyword("endobj")?;
        Ok(lexer.offset())
    })
    .map_err(|error| match error {
        PdfError::Damaged { .. } => {
            PdfError::damaged(data_end, "a stream does not end where its /Length says")
        }
        other => other,
    })
}

/// The decoded data of `stream`, at most `limit` bytes; `security`: of the file, if it is encrypted.
pub(super) fn decode(
    source: &dyn Source,
    security: Option<&Security>,
    stream: &Stream,
    limit: usize,
) -> Result<Vec<u8>, PdfError> {
    let raw = io::BufReader::new(SourceReader { source, range: stream.data.clone() });
    match (security, stream.owner) {
        (Some(security), Some(id)) => {
            let plain = security.reader(id, &stream.dictionary, raw)?;
            undo_filters(plain, &without_own_filter(&stream.dictionary), stream.data.start, limit)
        }
        _ => undo_filters(raw, &stream.dictionary, stream.data.start, limit),
    }
}

fn undo_filters(raw: impl Read, dictionary: &Dictionary, at: u64, limit: usize) -> Result<Vec<u8>, PdfError> {
    let predictor = Predictor::of(dictionary).ok_or_else(|| PdfError::damaged(at, "wrong /DecodeParms"))?;
    // With a predictor each row brings one byte more.
    let bound = limit.saturating_add(limit / predictor.columns.max(1)).saturating_add(1);
    let bytes = match only_filter(dictionary) {
        Some(None) => read_bounded(raw, bound),
        Some(Some(b"FlateDecode" | b"Fl")) => read_bounded(ZlibDecoder::new(raw), bound),
        _ => {
            return Err(PdfError::damaged(
                at,
                "the file's structure is compressed in a way that kyso does not read",
            ));
        }
    };
    let bytes = bytes.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            PdfError::damaged(at, "compressed or encrypted data is broken")
        }
        _ => PdfError::Io(error),
    })?;
    let decoded = predictor.undo(bytes).ok_or_else(|| PdfError::damaged(at, "predicted data is broken"))?;
    if decoded.len() > limit {
        return Err(PdfError::limit("the length of a decoded stream", limit));
    }
    Ok(decoded)
}

fn read_bounded(reader: impl Read, bound: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(bound as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The stream's one filter; `Some(None)` when it has none.
fn only_filter(dictionary: &Dictionary) -> Option<Option<&[u8]>> {
    match dictionary.get("Filter") {
        None => Some(None),
        Some(Object::Name(name)) => Some(Some(name)),
        Some(Object::Array(names)) => match names.as_slice() {
            [] => Some(None),
            [Object::Name(name)] => Some(Some(name)),
            _ => None,
        },
        Some(_) => None,
    }
}

/// ISO 32000-2 section 7.4.4.4. Only PNG predictors occur where kyso decodes.
struct Predictor {
    png: bool,
    /// Bytes in a row.
    columns: usize,
    /// Bytes in a pixel, rounded up.
    pixel: usize,
}

impl Predictor {
    fn of(stream: &Dictionary) -> Option<Self> {
        let none = Self { png: false, columns: usize::MAX, pixel: 1 };
        let parms = match stream.get("DecodeParms") {
            None => return Some(none),
            Some(Object::Array(all)) => match all.as_slice() {
                [] | [Object::Null] => return Some(none),
                [Object::Dictionary(only)] => only,
                _ => return None,
            },
            Some(Object::Dictionary(only)) => only,
            Some(_) => return None,
        };
        let number = |key: &str, default: usize, most: usize| match parms.get(key) {
            None => Some(default),
            Some(value) => {
                usize::try_from(value.as_integer()?).ok().filter(|value| (1..=most).contains(value))
            }
        };
        match number("Predictor", 1, 15)? {
            1 => return Some(none),
            10..=15 => {}
            _ => return None,
        }
        let bits = number("Colors", 1, 32)? * number("BitsPerComponent", 8, 16)?;
        let columns = (number("Columns", 1, 1 << 20)? * bits).div_ceil(8);
        Some(Self { png: true, columns, pixel: bits.div_ceil(8) })
    }

    fn undo(&self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        if !self.png {
            return Some(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut above = vec![0_u8; self.columns];
        for line in bytes.chunks(self.columns + 1) {
            let (&filter, line) = line.split_first()?;
            if line.len() != self.columns {
                return None;
            }
            let mut row = line.to_vec();
            for at in 0..row.len() {
                let left = at.checked_sub(self.pixel).and_then(|at| row.get(at)).copied().unwrap_or(0);
                let corner = at.checked_sub(self.pixel).and_then(|at| above.get(at)).copied().unwrap_or(0);
                let up = *above.get(at)?;
                let guess = match filter {
                    0 => 0,
                    1 => left,
                    2 => up,
                    3 => u8::midpoint(left, up),
                    4 => paeth(left, up, corner),
                    _ => return None,
                };
                let byte = row.get_mut(at)?;
                *byte = byte.wrapping_add(guess);
            }
            out.extend_from_slice(&row);
            above = row;
        }
        Some(out)
    }
}

/// PNG (ISO 15948) section 9.4.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(up) - i16::from(corner);
    let away = |byte: u8| (guess - i16::from(byte)).abs();
    if away(left) <= away(up) && away(left) <= away(corner) {
        left
    } else if away(up) <= away(corner) {
        up
    } else {
        corner
    }
}

/// A range of a source as a reader.
struct SourceReader<'a> {
    source: &'a dyn Source,
    range: Range<u64>,
}

impl Read for SourceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.range.end.saturating_sub(self.range.start)).unwrap_or(usize::MAX);
        let take = left.min(buffer.len());
        let (head, _) = buffer.split_at_mut(take);
        self.source.read_at(self.range.start, head)?;
        self.range.start += take as u64;
        Ok(take)
    }
}

/// Whether two pieces of a source hold the same bytes.
pub(super) fn same_bytes(source: &dyn Source, one: &Range<u64>, two: &Range<u64>) -> Result<bool, PdfError> {
    const PIECE: u64 = 64 * 1024;
    if one == two {
        return Ok(true);
    }
    let len = one.end.saturating_sub(one.start);
    if len != two.end.saturating_sub(two.start) {
        return Ok(false);
    }
    let mut done = 0;
    while done < len {
        let take = PIECE.min(len - done);
        let piece = |start: u64| source.read(start + done..start + done + take);
        if piece(one.start)? != piece(two.start)? {
            return Ok(false);
        }
        done += take;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::base::MemorySource;

    fn stream(data: &[u8], parms: &[(&str, i64)]) -> (MemorySource, Stream) {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).expect("writes to memory");
        let data = encoder.finish().expect("writes to memory");
        let mut dictionary = Dictionary::new();
        dictionary.set("Filter", Object::name("FlateDecode"));
        let mut decode = Dictionary::new();
        for (key, value) in parms {
            decode.set(key, Object::Integer(*value));
        }
        dictionary.set("DecodeParms", Object::Dictionary(decode));
        let len = data.len() as u64;
        (MemorySource(data), Stream { dictionary, data: 0..len, owner: None })
    }

    #[test]
    fn every_png_filter_is_undone() {
        // Rows of 3 bytes; each line with another filter, all meaning 1 2 3 / 2 4 6 / …
        let lines = [0, 1, 2, 3, 1, 1, 2, 2, 2, 1, 2, 3, 3, 2, 3, 3, 4, 1, 1, 1];
        let (source, stream) = stream(&lines, &[("Predictor", 15), ("Columns", 3)]);
        let decoded = decode(&source, None, &stream, 15).expect("decodes");
        assert_eq!(decoded[..3], [1, 2, 3]);
        assert_eq!(decoded[3..6], [1, 3, 5]);
        assert_eq!(decoded[6..9], [2, 5, 8]);
        assert_eq!(decoded[9..12], [3, 7, 10]);
        assert_eq!(decoded[12..15], [4, 8, 11]);
    }

    #[test]
    fn a_bomb_is_defused() {
        let (source, stream) = stream(&vec![0; 10_000_000], &[]);
        assert!(matches!(decode(&source, None, &stream, 1_000_000), Err(PdfError::Limit { .. })));
    }
}
