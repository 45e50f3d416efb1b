//! What the fuzz targets run. The logic is here, so that the ordinary tests run it over saved inputs and their mutations too.

use crate::accept::AcceptClass;
use crate::config::Config;
use crate::decode::DecodeLimits;
use crate::options::query;
use crate::pipeline::{Settings, transform, transform_part};
use crate::storyboard::{Form, Storyboard, sprite_target};

/// Makes a picture of the bytes: whole, and a part of it. Any bytes are refused or give a picture of the size that was asked for.
///
/// # Panics
/// When a result is larger than the box.
pub fn picture(data: &[u8]) {
    // Small limits, so that time goes into many inputs and not into large ones.
    let settings = Settings {
        decode: DecodeLimits {
            pixels: 1 << 20,
            memory: 16 << 20,
        },
        ..Settings::default()
    };
    for text in [
        "w=32&h=32&format=jpeg",
        "w=40&h=24&fit=cover&crop=smart&format=png&rotate=90",
        "w=16&linear=1&format=webp&sharpen=1",
    ] {
        let options = query::read(text).and_then(|draft| draft.finish(settings.largest_side));
        let Ok(options) = options else { continue };
        let whole = transform(data, &options, AcceptClass::Basic, &settings);
        let part = transform_part(data, (3, 1, 17, 9), &options, AcceptClass::Basic, &settings);
        for output in [whole, part].into_iter().flatten() {
            assert!(output.width <= 40 && output.height <= 40, "{text}");
            assert!(!output.bytes.is_empty(), "{text}");
        }
    }
}

/// Reads the bytes as a request's target, in every spelling, and as a storyboard.
///
/// # Panics
/// When canonical options do not read back as themselves.
pub fn request(data: &[u8]) {
    for read in [Storyboard::from_json, Storyboard::from_vtt] {
        if let Ok(board) = read(data) {
            let _ = sprite_target("/a/", &board.at(Some(1000)).sprite);
            assert!(board.spread(Some(1000), 7).len() <= 7);
            for form in [Form::Json, Form::WebVtt] {
                let Ok(text) = board.write(form) else {
                    continue;
                };
                let again = Storyboard::read(form, text.as_bytes());
                assert!(again.is_ok(), "what is written is read");
            }
        }
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(config) = Config::parse(SPELLINGS) else {
        return;
    };
    if let Ok(Some(asked)) = crate::request::read(&config, text, 0, None) {
        let canonical = asked.options.canonical();
        let again = query::read(&canonical).and_then(|draft| draft.finish(16_383));
        assert_eq!(
            again.map(|options| options.canonical()).ok(),
            Some(canonical)
        );
    }
}

/// Every spelling at once.
const SPELLINGS: &str =
    "spellings = [\"weir\", \"cloudflare\", \"fastly\", \"imgix\", \"imgproxy\", \"thumbor\"]";

#[cfg(test)]
mod tests {
    use super::*;

    fn fixtures() -> Vec<Vec<u8>> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension != "md"))
            .collect();
        files.sort();
        assert!(files.len() >= 15);
        files
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// Changes of a few bytes, chosen by a fixed sequence; half of them near the beginning, where headers are.
    fn mutations(data: &[u8], count: u32) -> impl Iterator<Item = Vec<u8>> {
        let data = data.to_vec();
        let mut state = 0x2545_f491_4f6c_dd1du64;
        (0..count).map(move |number| {
            let mut next = |below: usize| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                usize::try_from(state % below.max(1) as u64).unwrap_or(0)
            };
            let mut changed = data.clone();
            let reach = if number % 2 == 0 {
                200.min(data.len())
            } else {
                data.len()
            };
            for _ in 0..1 + next(4) {
                let at = next(reach);
                match next(3) {
                    0 => changed[at] = [0, 0xff, 0x80, 0x7f][next(4)],
                    1 => changed[at] ^= 1 << next(8),
                    _ => {
                        changed.truncate(at + 1);
                        break;
                    }
                }
                if changed.len() < reach {
                    break;
                }
            }
            changed
        })
    }

    #[test]
    fn saved_pictures_and_their_mutations() {
        for data in fixtures() {
            picture(&data);
            mutations(&data, 12).for_each(|changed| picture(&changed));
        }
    }

    #[test]
    fn saved_requests_and_their_mutations() {
        for text in [
            "/a.jpg?w=320&h=180&fit=cover&crop=0.3,0.25&dpr=2&q=80&format=webp&blur=1.5&bg=f0a8",
            "/cdn-cgi/image/w=80,h=60,fit=crop,gravity=0.5x0.2,q=75/a.jpg",
            "/insecure/rs:fill:300:400:1/g:sm/q:80/bl:2/plain/x/a.jpg@webp",
            "/unsafe/fit-in/300x200/smart/filters:quality(80):format(webp)/x/a.jpg",
            "/a.jpg?width=9&auto=webp&bg-color=fff",
            "/vod/x/thumbnail.webp?time=1:02:03.5&w=320",
            "/vod/x/preview.webp?time=1m5s&frames=12&fps=4&w=320",
            "WEBVTT\n\n00:00.000 --> 00:10.000\nsb.jpg#xywh=0,0,160,90\n",
            r#"{"url":"sb.jpg","tile_width":160,"tile_height":90,"tiles":[{"start":0,"x":0,"y":0}]}"#,
        ] {
            request(text.as_bytes());
            mutations(text.as_bytes(), 2000).for_each(|changed| request(&changed));
        }
    }
}
