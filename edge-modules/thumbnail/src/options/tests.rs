//! Options and their one spelling.

use super::*;

fn read(text: &str) -> Result<Options, OptionError> {
    query::read(text)?.finish(8192)
}

#[test]
fn order_and_spelling_do_not_change_the_key() {
    let first = read("w=320&h=180&fit=cover&dpr=2&q=80&format=webp").unwrap();
    let second = read("format=webp&dpr=2.0&q=80&fit=cover&h=180&w=320").unwrap();
    let third = read("w=640&h=360&fit=cover&q=80&format=webp&crop=center&enlarge=0").unwrap();
    assert_eq!(first, second);
    assert_eq!(first.canonical(), third.canonical());
    assert_eq!(first.canonical(), "w=640&h=360&fit=cover&q=80&format=webp");
}

#[test]
fn conflicts_are_told() {
    for (text, part) in [
        ("w=10&fit=pad", "needs both"),
        ("w=10&enlarge=1", "never enlarge"),
        ("fit=cover&enlarge=1", "needs `w` or `h`"),
        ("w=8000&dpr=2", "16000 pixels after `dpr`"),
        ("w=10&format=jpeg&lossless=1", "not with JPEG"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn a_place_to_cut_around_asks_for_cover() {
    assert_eq!(read("w=10&h=10&crop=top").unwrap().fit, Fit::Cover);
    assert_eq!(read("w=10&crop=top").unwrap().fit, Fit::ScaleDown);
    assert_eq!(read("w=10&crop=top").unwrap().canonical(), "w=10");
}

#[test]
fn a_preset_lies_under_the_request() {
    let preset = query::read("w=320&h=180&fit=cover&q=70").unwrap();
    let request = query::read("q=50").unwrap();
    let options = preset.overlaid_by(request).finish(8192).unwrap();
    assert_eq!(options.canonical(), "w=320&h=180&fit=cover&q=50");
}
