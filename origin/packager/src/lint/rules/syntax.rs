//! The form of a playlist (RFC 8216bis 4.1, 4.2 and 4.4.1.1).

use crate::lint::finding::Findings;
use crate::lint::playlist::{Line, Playlist, ProblemKind};
use crate::lint::presentation::{Presentation, resolve};
use crate::lint::rule::{Rule, rules};

rules! {
    ENCODING: Must Packaging "rfc-4.1-utf-8"
        "A playlist is encoded in UTF-8."
        "Clients fail to parse playlists in other encodings."
        "Write the playlist as UTF-8.";
    BYTE_ORDER_MARK: Must Packaging "rfc-4.1-byte-order-mark"
        "A playlist does not start with a byte order mark."
        "Clients should fail to parse one that does: its first line is not #EXTM3U."
        "Write the playlist without a byte order mark.";
    CONTROL_CHARACTER: Must Packaging "rfc-4.1-control-characters"
        "A playlist holds no control characters other than CR and LF."
        "Clients should fail to parse playlists that hold them."
        "Remove the character.";
    WHITE_SPACE: Must Packaging "rfc-4.1-white-space"
        "White space stands only where it is a part of a value."
        "Clients take a blank at the end of a line for a part of the URI or value."
        "Remove the blanks at the ends of the line.";
    URI: Must Packaging "rfc-4.1-uri"
        "A line that is neither blank nor starts with # is a URI."
        "What cannot be resolved against the playlist's address cannot be loaded."
        "Write a relative or absolute URI, reserved characters percent-encoded.";
    ATTRIBUTE_LIST: Must Packaging "rfc-4.2-list"
        "An attribute list is NAME=value pairs with commas between them and no white space, no name twice."
        "Clients read it by that grammar and lose what does not fit."
        "Write the list as the message says.";
    FIRST_LINE: Must Packaging "rfc-4.4.1.1-first-line"
        "The first line of a playlist is #EXTM3U."
        "Clients tell a playlist by it and reject everything else."
        "Write #EXTM3U as the first line, with nothing before it.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in &presentation.documents {
        check_playlist(&document.playlist, out);
    }
    for (document, line, url) in &presentation.missing {
        if let Some(document) = presentation.documents.get(*document) {
            let message = "what the playlist names is not there";
            out.add(
                &super::media_playlist::AVAILABLE,
                document.url(),
                *line,
                url,
                message,
            );
        }
    }
}

fn check_playlist(playlist: &Playlist, out: &mut Findings) {
    let url = playlist.url.as_str();
    if !playlist.starts_right {
        out.add(&FIRST_LINE, url, 1, "", "the first line is not #EXTM3U");
    }
    for problem in &playlist.problems {
        let rule: &'static Rule = match problem.kind {
            ProblemKind::Encoding => &ENCODING,
            ProblemKind::ByteOrderMark => &BYTE_ORDER_MARK,
            ProblemKind::ControlCharacter => &CONTROL_CHARACTER,
            ProblemKind::WhiteSpace => &WHITE_SPACE,
            ProblemKind::AttributeList => &ATTRIBUTE_LIST,
            // Variables have a file of their own.
            _ => continue,
        };
        out.add(rule, url, problem.line, &problem.value, &problem.message);
    }
    for line in &playlist.lines {
        if let Line::Uri { number, text } = line
            && (resolve(url, text).is_none() || text.contains([' ', '"', '<', '>']))
        {
            out.add(&URI, url, *number, text, "the line is no URI");
        }
    }
}
