//! Gives a sequential file of one scan the Huffman tables that suit it best. No coefficient changes.
//!
//! `jpeg-encoder` writes its components into one interleaved scan only under the standard's tables, and under tables of its own
//! gives each component a scan. That is legal, but decoders exist that do not read it (`zune-jpeg` 0.5 makes noise of it), and
//! makers of hardware hardly tried.

use super::bits::Bits;
use super::code_lengths::Codes;
use super::coefficients::dc_difference;
use super::frame::{Component, Frame, Process};
use super::huffman::Huffman;
use super::markers::{Segment, Segments, Tables};
use super::scan_header::scan_parts;
use super::{Result, broken};

/// Four tables of DC differences, and from `AC` on four of AC coefficients.
const TABLES: usize = 8;
const AC: usize = 4;
/// The symbol after the last coefficient of a block that is not zero.
const END_OF_BLOCK: u8 = 0;

/// Rewrites a file.
///
/// # Errors
/// It is broken, has more than one scan, or restart markers; the encoder's files are and have neither.
pub(crate) fn with_best_tables(file: &[u8]) -> Result<Vec<u8>> {
    let mut segments = Segments::new(file)?;
    let mut tables = Tables::default();
    let mut frame = None;
    let mut out = Vec::with_capacity(file.len());
    out.extend_from_slice(&file[..2]);
    loop {
        let before = segments.rest();
        let segment = segments.next()?;
        let whole = &before[..before.len() - segments.rest().len()];
        match segment {
            Segment::Frame { process, payload } => frame = Some(Frame::parse(process, payload)?),
            Segment::Tables(kind, payload) => {
                tables.read(kind, payload)?;
                // All tables that are used come again, before the scan.
                if whole.starts_with(&[0xff, 0xc4]) {
                    continue;
                }
            }
            Segment::Scan(payload) => {
                let scan = Scan::new(frame.as_ref(), &tables, payload, segments.rest())?;
                let (tokens, end) = scan.tokens()?;
                if !segments.rest()[end..].starts_with(&[0xff, 0xd9]) {
                    return broken("it has more than one scan");
                }
                let codes = tokens.occurrences.map(|table| Codes::best(&table));
                write_tables(&codes, &mut out);
                out.extend_from_slice(whole);
                let mut out = write_scan(&tokens.list, &codes, out);
                out.extend_from_slice(&[0xff, 0xd9]);
                return Ok(out);
            }
            Segment::End => return broken("it has no scan"),
            Segment::Application { .. } | Segment::Other => {}
        }
        out.extend_from_slice(whole);
    }
}

/// The scan of a file.
struct Scan<'f> {
    frame: &'f Frame,
    parts: Vec<Part<'f>>,
    data: &'f [u8],
}

/// A component in the scan.
struct Part<'f> {
    component: Component,
    /// Blocks that show some of the picture, across and down; what is beyond fills the last MCUs up.
    shown: (u32, u32),
    dc: (usize, &'f Huffman),
    ac: (usize, &'f Huffman),
}

/// A component's last DC coefficient: as it was read, and as it was written.
#[derive(Debug, Default, Clone, Copy)]
struct Prediction {
    read: i32,
    written: i32,
}

impl<'f> Scan<'f> {
    fn new(
        frame: Option<&'f Frame>,
        tables: &'f Tables,
        header: &[u8],
        data: &'f [u8],
    ) -> Result<Self> {
        let Some(frame) = frame.filter(|frame| frame.process == Process::Sequential) else {
            return broken("it has no sequential frame before its scan");
        };
        if tables.restart_interval > 0 {
            return broken("it has restart markers");
        }
        let mut parts = Vec::with_capacity(4);
        for (index, dc, ac) in scan_parts(frame, header)?.0 {
            let component = frame.components[index];
            let (Some(Some(dc_table)), Some(Some(ac_table))) =
                (tables.dc.get(dc), tables.ac.get(ac))
            else {
                return broken("a scan uses a table that was never defined");
            };
            parts.push(Part {
                component,
                shown: frame.own_blocks(component),
                dc: (dc, dc_table),
                ac: (AC + ac, ac_table),
            });
        }
        if parts.len() != frame.components.len() {
            return broken("it has more than one scan");
        }
        Ok(Self { frame, parts, data })
    }

    /// The whole scan as it should be written, and how long it was.
    fn tokens(&self) -> Result<(Tokens, usize)> {
        let mut tokens = Tokens {
            occurrences: [[0; 256]; TABLES],
            // A code and what belongs to it take about six bits.
            list: Vec::with_capacity(self.data.len() / 3 * 4),
        };
        let mut bits = Bits::new(self.data);
        let mut predictions = [Prediction::default(); 4];
        let (across, down) = self.frame.mcus();
        for mcu_y in 0..down {
            for mcu_x in 0..across {
                for (part, prediction) in self.parts.iter().zip(&mut predictions) {
                    let Component { across, down, .. } = part.component;
                    for y in mcu_y * down..(mcu_y + 1) * down {
                        for x in mcu_x * across..(mcu_x + 1) * across {
                            if x < part.shown.0 && y < part.shown.1 {
                                part.block(&mut bits, prediction, &mut tokens)?;
                            } else {
                                part.filling(&mut bits, prediction, &mut tokens)?;
                            }
                        }
                    }
                }
            }
            bits.check()?;
        }
        Ok((tokens, bits.end()))
    }
}

impl Part<'_> {
    #[inline]
    fn block(
        &self,
        bits: &mut Bits<'_>,
        prediction: &mut Prediction,
        sink: &mut impl Sink,
    ) -> Result<()> {
        prediction.read = prediction
            .read
            .wrapping_add(dc_difference(bits, self.dc.1)?);
        let difference = prediction.read.wrapping_sub(prediction.written);
        prediction.written = prediction.read;
        // T.81 table F.1: the size, and as many bits; of a negative number those of the number below it.
        let size = 32 - difference.unsigned_abs().leading_zeros();
        let below = difference.wrapping_sub(i32::from(difference < 0));
        sink.put(self.dc.0, size as u8, below as u32 & ((1 << size) - 1));
        self.coefficients(bits, sink)
    }

    /// A block that nobody sees: as flat as the one before it, which takes the fewest bits.
    #[cold]
    fn filling(
        &self,
        bits: &mut Bits<'_>,
        prediction: &mut Prediction,
        sink: &mut impl Sink,
    ) -> Result<()> {
        prediction.read = prediction
            .read
            .wrapping_add(dc_difference(bits, self.dc.1)?);
        self.coefficients(bits, &mut Nowhere)?;
        sink.put(self.dc.0, 0, 0);
        sink.put(self.ac.0, END_OF_BLOCK, 0);
        Ok(())
    }

    #[inline]
    fn coefficients(&self, bits: &mut Bits<'_>, sink: &mut impl Sink) -> Result<()> {
        let (table, huffman) = self.ac;
        let mut k = 1;
        while k < 64 {
            bits.refill();
            let symbol = huffman.symbol(bits)?;
            sink.put(table, symbol, bits.take(u32::from(symbol & 15)) as u32);
            if symbol == END_OF_BLOCK {
                return Ok(());
            }
            k += usize::from(symbol >> 4) + 1;
        }
        if k > 64 {
            return broken("its coefficients run over a block");
        }
        Ok(())
    }
}

/// Takes what a scan consists of: a symbol of one of the tables, and behind it as many bits as its lower half says.
trait Sink {
    fn put(&mut self, table: usize, symbol: u8, bits: u32);
}

struct Nowhere;

impl Sink for Nowhere {
    #[inline(always)]
    fn put(&mut self, _: usize, _: u8, _: u32) {}
}

/// A scan without its codes.
struct Tokens {
    /// How often each symbol of each table occurs.
    occurrences: [[u32; 256]; TABLES],
    /// From the top: the table, the symbol in 8 bits, the bits behind it in 16.
    list: Vec<u32>,
}

impl Sink for Tokens {
    #[inline(always)]
    fn put(&mut self, table: usize, symbol: u8, bits: u32) {
        let table = table & (TABLES - 1);
        self.occurrences[table][usize::from(symbol)] += 1;
        self.list
            .push((table as u32) << 24 | u32::from(symbol) << 16 | bits);
    }
}

/// Writes the entropy-coded segment behind what is in `out` already.
fn write_scan(tokens: &[u32], codes: &[Codes; TABLES], out: Vec<u8>) -> Vec<u8> {
    let mut writer = Writer {
        out,
        held: 0,
        count: 0,
    };
    for token in tokens {
        let [_, _, symbol, table] = token.to_le_bytes();
        let (code, length) = codes[usize::from(table) & (TABLES - 1)].code(symbol);
        let size = u32::from(symbol & 15);
        let bits = u64::from(code) << size | u64::from(token & 0xffff);
        writer.put(bits, u32::from(length) + size);
    }
    writer.finish()
}

/// Writes bits, the most significant first.
struct Writer {
    out: Vec<u8>,
    /// The last `count` of these are still to be written.
    held: u64,
    count: u32,
}

impl Writer {
    /// Adds up to 32 bits. Fewer than 32 are held before.
    #[inline(always)]
    fn put(&mut self, bits: u64, count: u32) {
        self.held = self.held << count | bits;
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            self.write((self.held >> self.count) as u32);
        }
    }

    /// Four bytes; a zero follows each of ones, which would begin a marker.
    #[inline(always)]
    fn write(&mut self, four: u32) {
        let bytes = four.to_be_bytes();
        let inverse = !four;
        if inverse.wrapping_sub(0x0101_0101) & !inverse & 0x8080_8080 == 0 {
            self.out.extend_from_slice(&bytes);
        } else {
            bytes.iter().for_each(|byte| self.write_byte(*byte));
        }
    }

    fn write_byte(&mut self, byte: u8) {
        self.out.push(byte);
        if byte == 0xff {
            self.out.push(0);
        }
    }

    /// Fills the last byte up with ones (section F.1.2.3).
    fn finish(mut self) -> Vec<u8> {
        let filled = self.held << 8 | 0xff;
        for byte in 0..self.count.div_ceil(8) {
            let shift = self.count + 8 - 8 * (byte + 1);
            self.write_byte((filled >> shift) as u8);
        }
        self.out
    }
}

/// Writes the tables that are used, as one DHT segment.
fn write_tables(codes: &[Codes; TABLES], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0xff, 0xc4, 0, 0]);
    for (place, table) in (0u8..).zip(codes).filter(|(_, table)| !table.is_empty()) {
        out.push(((place / AC as u8) << 4) | (place % AC as u8));
        table.write(out);
    }
    let length = (out.len() - start - 2) as u16;
    out[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::{Scale, decode};
    use jpeg_encoder::{ColorType, Encoder};

    const SIZE: (u16, u16) = (37, 21);

    fn file(set: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let (width, height) = SIZE;
        let pixels = u32::from(width) * u32::from(height);
        let data: Vec<u8> = (0..pixels * 3)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 27) as u8 + (i / 9) as u8 % 200)
            .collect();
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, 85);
        set(&mut encoder);
        encoder
            .encode(&data, width, height, ColorType::Rgb)
            .unwrap();
        out
    }

    fn planes(file: &[u8]) -> String {
        format!("{:?}", decode(file, Scale::Eight, u64::MAX).unwrap().planes)
    }

    #[test]
    fn nothing_changes_but_the_length() {
        let plain = file(|_| {});
        let best = with_best_tables(&plain).unwrap();
        assert!(best.len() < plain.len());
        assert_eq!(planes(&best), planes(&plain));
        // What is best already stays as it is.
        assert_eq!(with_best_tables(&best).unwrap(), best);
    }

    #[test]
    fn files_that_cannot_be_rewritten_are_refused() {
        let refused = [
            file(|encoder| encoder.set_progressive(true)),
            file(|encoder| encoder.set_restart_interval(2)),
            // A scan for each component.
            file(|encoder| encoder.set_optimized_huffman_tables(true)),
        ];
        for file in refused {
            assert!(with_best_tables(&file).is_err());
        }
        let whole = file(|_| {});
        for end in 0..whole.len() {
            assert!(with_best_tables(&whole[..end]).is_err(), "{end}");
        }
    }
}
