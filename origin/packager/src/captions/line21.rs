//! CEA-608 (ANSI/CTA-608-E): which of its four channels carry captions.

use super::Channel;

/// Listens to both fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Line21 {
    /// One flag for each of CC1 to CC4.
    heard: [bool; 4],
    /// Something that is no control code was on field 1.
    text: bool,
}

impl Line21 {
    /// Takes two bytes of field 0 or 1.
    pub(super) fn take(&mut self, field: u8, bytes: [u8; 2]) {
        // Bytes have odd parity; one without it was damaged on its way.
        if bytes.iter().any(|byte| byte.count_ones().is_multiple_of(2)) {
            return;
        }
        let [first, second] = bytes.map(|byte| byte & 0x7f);
        match first {
            0x10..=0x1f => {
                // Bit 3 tells the second channel of a field from the first.
                let channel = usize::from(field & 1) * 2 + usize::from(first >> 3 & 1);
                self.heard[channel] |= is_caption(first & 0x17, second);
            }
            0x20.. => self.text |= field == 0,
            // Nothing, or programme information on field 2.
            _ => {}
        }
    }

    /// The channels heard. Text without any control code in what was looked at belongs to the first channel most likely.
    pub(super) fn channels(&self) -> impl Iterator<Item = Channel> + '_ {
        let guess = self.text && !self.heard[0] && !self.heard[1];
        (1_u8..)
            .zip(self.heard)
            .filter(move |(number, heard)| *heard || (guess && *number == 1))
            .map(|(number, _)| Channel::Cc(number))
    }
}

/// True for control codes that are there for captions and not for text services: captions begin to load, roll up, are painted on or
/// shown, and the address codes of their rows. Codes that erase are sent on channels that carry nothing, too.
fn is_caption(first: u8, second: u8) -> bool {
    match (first, second) {
        (0x14 | 0x15, 0x20..=0x2f) => matches!(second, 0x20 | 0x25..=0x27 | 0x29 | 0x2f),
        (_, 0x40..=0x7f) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parity(byte: u8) -> u8 {
        byte | if byte.count_ones().is_multiple_of(2) {
            0x80
        } else {
            0
        }
    }

    fn heard(pairs: &[(u8, [u8; 2])]) -> Vec<String> {
        let mut line = Line21::default();
        for (field, bytes) in pairs {
            line.take(*field, bytes.map(parity));
        }
        line.channels().map(|channel| channel.to_string()).collect()
    }

    #[test]
    fn control_codes_tell_the_channel() {
        assert_eq!(heard(&[(0, [0x14, 0x20])]), ["CC1"]);
        assert_eq!(
            heard(&[(0, [0x1c, 0x26]), (1, [0x15, 0x2f])]),
            ["CC2", "CC3"]
        );
        assert_eq!(heard(&[(1, [0x1d, 0x29])]), ["CC4"]);
        assert_eq!(heard(&[(0, [0x11, 0x50])]), ["CC1"], "a row address");
    }

    #[test]
    fn nothing_and_other_services_are_no_captions() {
        assert!(heard(&[(0, [0, 0]), (1, [1, 3])]).is_empty());
        assert!(
            heard(&[(0, [0x14, 0x2a]), (0, [0x14, 0x2c])]).is_empty(),
            "text, erase"
        );
        assert_eq!(heard(&[(0, [b'a', b'b'])]), ["CC1"]);
        let mut damaged = Line21::default();
        damaged.take(0, [0x14, 0x20]);
        assert_eq!(damaged.channels().count(), 0, "no parity");
    }
}
