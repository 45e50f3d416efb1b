//! Boxes of initialization sections and segments that are broken, and ranges that miss them.

use super::{Case, PICTURES, VIDEO, bytes, case, film, text};

pub(super) fn cases() -> Vec<Case> {
    let init = "video-1/init.mp4";
    let segment = "video-1/00001.m4s";
    let mut cut = film();
    let file = cut.get_mut(segment).unwrap();
    file.truncate(file.len() - 10);
    let mut other = film();
    let file = other.get_mut(init).unwrap();
    let tkhd = file
        .windows(4)
        .position(|window| window == b"tkhd")
        .unwrap();
    // version and flags, two times of creation, then the identifier
    file[tkhd + 4 + 4 + 8 + 3] = 9;
    let mut duration = film();
    let file = duration.get_mut(init).unwrap();
    let mvhd = file
        .windows(4)
        .position(|window| window == b"mvhd")
        .unwrap();
    file[mvhd + 4 + 4 + 8 + 4 + 3] = 1;
    let mut external = film();
    let file = external.get_mut(init).unwrap();
    let url = file
        .windows(4)
        .position(|window| window == b"url ")
        .unwrap();
    file[url + 7] = 0;
    let mut samples = film();
    let file = samples.get_mut(init).unwrap();
    let stsz = file
        .windows(4)
        .position(|window| window == b"stsz")
        .unwrap();
    // version and flags, a size for all, then the count
    file[stsz + 4 + 4 + 3] = 5;
    file[stsz + 4 + 8 + 3] = 1;
    let stts = file
        .windows(4)
        .position(|window| window == b"stts")
        .unwrap();
    let _ = stts;
    let mut addressed = film();
    let file = addressed.get_mut(segment).unwrap();
    let tfhd = file
        .windows(4)
        .position(|window| window == b"tfhd")
        .unwrap();
    file[tfhd + 7] |= 1;
    let mut dependent = film();
    let file = dependent.get_mut(segment).unwrap();
    let mdat = file
        .windows(4)
        .position(|window| window == b"mdat")
        .unwrap();
    turn_idr_into_other(&mut file[mdat + 4..]);
    vec![
        bytes("rfc-3.1.2-init", film(), init, b"ftyp", b"free"),
        bytes(
            "rfc-3.1.2-brand",
            film(),
            init,
            b"iso6cmfcdash",
            b"isommp41avc1",
        ),
        bytes("rfc-3.1.2-mvex", film(), init, b"mvex", b"free"),
        case("rfc-3.1.2-duration", duration),
        case("rfc-3.1.2-external", external),
        case("rfc-3.1.2-samples", samples),
        case("rfc-3.1.2-tracks", other),
        bytes("rfc-3.1.2-boxes", film(), segment, b"tfhd", b"xxxx"),
        bytes("rfc-3.1.2-fragment", film(), segment, b"moof", b"free"),
        bytes("rfc-3.1.2-tfdt", film(), segment, b"tfdt", b"free"),
        case("rfc-3.1.2-whole", cut),
        case("rfc-3.1.2-addressing", addressed),
        case("apple-7.4", dependent.clone()),
        case("rfc-4.4.2.1-independent", dependent),
        text(
            "rfc-3.1.2-map",
            film(),
            VIDEO,
            "#EXT-X-MAP:URI=\"init.mp4\"\n",
            "",
        ),
        self_initializing_i_frames(),
        shifted("apple-6.10"),
        shaka(),
    ]
}

/// Makes every IDR picture of a fragment look like another slice.
fn turn_idr_into_other(data: &mut [u8]) {
    for at in 0..data.len().min(5_000) {
        if at + 5 < data.len()
            && data[at] == 0
            && data[at + 4] & 31 == 5
            && data[at + 4] & 0x80 == 0
        {
            data[at + 4] = data[at + 4] & 0xe0 | 1;
        }
    }
}

/// An I-frame playlist whose range holds the initialization section.
fn self_initializing_i_frames() -> Case {
    let mut files = film();
    let whole = [
        files["video-1/init.mp4"].clone(),
        files["video-1/00001.m4s"].clone(),
    ]
    .concat();
    let len = whole.len();
    files.insert("video-1/whole.mp4".to_owned(), whole);
    files.insert(
        PICTURES.to_owned(),
        format!(
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:5\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-I-FRAMES-ONLY\n\
             #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:5.0,\n#EXT-X-BYTERANGE:{len}@0\nwhole.mp4\n#EXT-X-ENDLIST\n"
        )
        .into_bytes(),
    );
    case("rfc-4.4.3.6-range", files)
}

/// An I-frame playlist whose ranges start after their `moof` box.
fn shifted(rule: &'static str) -> Case {
    let mut files = film();
    let segment = &files["video-1/00001.m4s"];
    let mdat = segment
        .windows(4)
        .position(|window| window == b"mdat")
        .unwrap()
        - 4;
    let old = String::from_utf8(files[PICTURES].clone()).unwrap();
    let range = old
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:"))
        .unwrap();
    let new = old.replacen(range, &format!("5000@{mdat}"), 1);
    files.insert(PICTURES.to_owned(), new.into_bytes());
    case(rule, files)
}

/// What Shaka Packager writes by default (shaka-packager #1468): one I-frame a segment, of which only the first is listed, as a range
/// that ends in the middle of the media data.
fn shaka() -> Case {
    let mut files = film();
    let old = String::from_utf8(files[PICTURES].clone()).unwrap();
    let mut text = String::new();
    let mut seen: Vec<&str> = Vec::new();
    let lines: Vec<&str> = old.lines().collect();
    let head = lines
        .iter()
        .position(|line| line.starts_with("#EXTINF"))
        .unwrap();
    lines[..head]
        .iter()
        .for_each(|line| text.push_str(&format!("{line}\n")));
    for entry in lines[head..].chunks_exact(3) {
        if !seen.contains(&entry[2]) {
            seen.push(entry[2]);
            text.push_str(&format!("#EXTINF:5.000000,\n{}\n{}\n", entry[1], entry[2]));
        }
    }
    text.push_str("#EXT-X-ENDLIST\n");
    files.insert(PICTURES.to_owned(), text.into_bytes());
    case("apple-6.3", files)
}
