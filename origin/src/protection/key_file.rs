//! Keys as text: `KID:KEY` lines, and files of them.

use std::path::Path;

use weir_packager::{ContentKey, KeyTracks};

use super::{DeliveryKey, KeySet, ProtectionError, Scheme, SystemData, cpix};

/// Largest key file in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Reads a file that holds either lines of `KID:KEY` (see [`parse_key`]; `#` begins a comment) or a CPIX document for `scheme`.
/// Encrypted keys of a document are opened with `delivery`.
///
/// # Errors
/// [`ProtectionError::File`] names the file and the line, never what stands there. A file that others may read is refused.
pub fn read_key_file(
    path: &Path,
    scheme: Scheme,
    delivery: Option<&DeliveryKey>,
) -> Result<KeySet, ProtectionError> {
    let refuse = |reason: String| ProtectionError::File {
        file: path.display().to_string(),
        reason,
    };
    let metadata = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    refuse_open_mode(&metadata).map_err(refuse)?;
    if metadata.len() > MAX_FILE {
        return Err(refuse(format!("larger than {MAX_FILE} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    if text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
    {
        return cpix::read(&text, delivery)
            .and_then(|document| document.for_scheme(scheme))
            .map_err(|error| refuse(error.to_string()));
    }
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            let key = parse_key(line)
                .map_err(|reason| refuse(format!("line {}: {reason}", number + 1)))?;
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return Err(refuse("it holds no key".to_owned()));
    }
    Ok(KeySet {
        keys,
        signalled: SystemData::default(),
    })
}

/// A key file is for its owner alone, as private keys of SSH are.
#[cfg(unix)]
pub(super) fn refuse_open_mode(metadata: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    if metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(format!(
        "others may read it (mode {:03o}); run `chmod 600` on it",
        metadata.mode() & 0o777
    ))
}

#[cfg(not(unix))]
pub(super) fn refuse_open_mode(_: &std::fs::Metadata) -> Result<(), String> {
    Ok(())
}

/// Reads `KID:KEY` or `KID:KEY:IV`, each of 32 hexadecimal digits, after `video=` or `audio=` when it is for those tracks only.
///
/// # Errors
/// A sentence. The text never stands in it: it is a secret.
pub fn parse_key(text: &str) -> Result<ContentKey, String> {
    let (tracks, rest) = match text.split_once('=') {
        Some(("video", rest)) => (KeyTracks::Video, rest),
        Some(("audio", rest)) => (KeyTracks::Audio, rest),
        Some(_) => return Err("only `video=` and `audio=` can stand before a key".to_owned()),
        None => (KeyTracks::All, text),
    };
    let mut parts = rest.split(':');
    let (Some(id), Some(key), iv, None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(
            "a key is written KID:KEY or KID:KEY:IV, each of 32 hexadecimal digits".to_owned(),
        );
    };
    Ok(ContentKey {
        id: id
            .parse()
            .map_err(|_| "the id of a key is not 32 hexadecimal digits or a UUID".to_owned())?,
        key: key.parse()?,
        iv: iv
            .map(|iv| {
                iv.parse()
                    .map_err(|_| "the IV of a key is not 32 hexadecimal digits".to_owned())
            })
            .transpose()?,
        tracks,
        ..ContentKey::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "9eb4050de44b4802932e27d75083e266";
    const KEY: &str = "166634c675823c235a4a9446fad52e4d";

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).expect("set");
        file
    }

    #[test]
    fn files_of_lines_are_read() {
        let text = format!("# film\nvideo={ID}:{KEY}\n\naudio={ID}:{KEY}:{ID}\n");
        let set = read_key_file(file(&text, 0o600).path(), Scheme::Cbcs, None).expect("sound");
        assert_eq!(set.keys.len(), 2);
        assert_eq!(set.keys[1].iv, Some(set.keys[1].id));
        assert_eq!(set.keys[0].tracks, KeyTracks::Video);
    }

    #[test]
    fn mistakes_are_named_and_keys_are_not() {
        for (text, mode, words) in [
            (format!("{ID}:{KEY}"), 0o640, "chmod 600"),
            (format!("{ID}:{KEY}\n{ID}:{KEY}0"), 0o600, "line 2"),
            (format!("x={ID}:{KEY}"), 0o600, "line 1"),
            (ID.to_owned(), 0o600, "KID:KEY"),
            ("# none".to_owned(), 0o600, "no key"),
            ("<CPIX".to_owned(), 0o600, "CPIX"),
        ] {
            let file = file(&text, mode);
            let error = read_key_file(file.path(), Scheme::Cbcs, None)
                .expect_err(words)
                .to_string();
            assert!(error.contains(words) && !error.contains(KEY), "{error}");
        }
        assert!(read_key_file(Path::new("/nowhere/keys"), Scheme::Cbcs, None).is_err());
    }
}
