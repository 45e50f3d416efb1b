//! Closed captions in MPEG-DASH (SCTE 214-1, 7.2; DASH-IF IOP 4.3, 6.4.3).

use std::fmt::Write;

use super::escape;
use crate::captions::{Channel, Stated};
use crate::language;

/// Writes a descriptor for each of the two kinds of captions that there are.
pub(super) fn write(text: &mut String, stated: &Stated) {
    let Stated::Channels(list) = stated else {
        return;
    };
    let (mut line21, mut services) = (Vec::new(), Vec::new());
    for caption in list {
        let code = language::three_letters(Some(&caption.language));
        match Channel::parse(&caption.channel) {
            Some(Channel::Cc(number)) => line21.push(format!("CC{number}={code}")),
            Some(Channel::Service(number)) => services.push(format!("{number}=lang:{code}")),
            None => {}
        }
    }
    for (scheme, values) in [("608", line21), ("708", services)] {
        if !values.is_empty() {
            let _ = writeln!(
                text,
                "      <Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-{scheme}:2015\" value=\"{}\"/>",
                escape(&values.join(";"))
            );
        }
    }
}
