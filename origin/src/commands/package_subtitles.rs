//! `--subtitles` of `weir-origin package`.

use anyhow::{Context, bail};
use weir_packager::Subtitle;

/// Reads what one `--subtitles LANGUAGE[,default][,forced][,sdh][,NAME]=FILE` names.
///
/// # Errors
/// An argument of another form, or a file that cannot be read as text.
pub(super) fn read(argument: &str) -> anyhow::Result<Subtitle> {
    let Some((described, file)) = argument.split_once('=') else {
        bail!("--subtitles {argument}: write a language and a file, as in `de=film.srt`");
    };
    let mut subtitle = described_by(described)?;
    let bytes = std::fs::read(file).with_context(|| format!("--subtitles: cannot read {file}"))?;
    subtitle.text = String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("--subtitles: {file} is not UTF-8; convert it first"))?;
    Ok(subtitle)
}

/// What stands before the file.
fn described_by(described: &str) -> anyhow::Result<Subtitle> {
    let mut words = described.split(',').map(str::trim);
    let mut subtitle = Subtitle {
        language: words.next().unwrap_or_default().to_owned(),
        ..Subtitle::default()
    };
    if subtitle.language.is_empty() {
        bail!("--subtitles {described}: the language is missing; write `und` when nobody knows it");
    }
    for word in words {
        match word {
            "default" => subtitle.default = true,
            "forced" => subtitle.forced = true,
            "sdh" => subtitle.hearing_impaired = true,
            name if subtitle.name.is_empty() => subtitle.name = name.to_owned(),
            name => bail!(
                "--subtitles {described}: it has a second name, `{name}`; a name has no comma"
            ),
        }
    }
    Ok(subtitle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_after_the_language_are_read() {
        let plain = described_by("de").expect("read");
        assert_eq!((plain.language.as_str(), plain.name.as_str()), ("de", ""));
        let full = described_by("pt-BR,default,forced,sdh,Português").expect("read");
        assert_eq!(full.name, "Português");
        assert!(full.default && full.forced && full.hearing_impaired);
        for wrong in ["", ",default", "de,One,Two"] {
            assert!(described_by(wrong).is_err(), "{wrong}");
        }
        assert!(read("de").is_err(), "no file");
        assert!(read("de=/nonexistent/film.srt").is_err());
    }
}
