//! Whose request is whose.

use super::*;

fn ask(config: &str, target: &str) -> Result<Option<Asked>, OptionError> {
    read(&Config::parse(config).unwrap(), target, 0, None)
}

#[test]
fn only_pictures_with_options_are_ours() {
    for target in [
        "/a.jpg",
        "/a.ts?w=1",
        "/a?w=1",
        "/.jpg?w=1",
        "/a.jpg?v=3",
        "/vod/x.m3u8?w=1",
        "/a.svg?w=1",
    ] {
        assert_eq!(ask("", target).unwrap(), None, "{target}");
    }
    assert!(ask("always = true", "/a.jpg").unwrap().is_some());
    assert_eq!(ask("paths = [\"/img/\"]", "/a.jpg?w=1").unwrap(), None);
    assert!(
        ask("paths = [\"/img/\"]", "/img/a.JPG?w=1")
            .unwrap()
            .is_some()
    );
}

#[test]
fn the_origin_sees_no_option() {
    let asked = ask("", "/a%20b.jpg?v=3&w=320&CMCD=x%3d1&h=180")
        .unwrap()
        .unwrap();
    assert_eq!(asked.target, "/a%20b.jpg?v=3&CMCD=x%3d1");
    assert_eq!(asked.options.canonical(), "w=320&h=180");
}

#[test]
fn unknown_names_are_refused() {
    assert!(matches!(
        ask("", "/a.jpg?w=1&x=2"),
        Err(OptionError::Unknown { .. })
    ));
    assert!(matches!(
        ask("", "/a.jpg?x=2"),
        Err(OptionError::Unknown { .. })
    ));
    assert!(matches!(
        ask("", "/a.jpg?w=1&s=2"),
        Err(OptionError::Unknown { .. })
    ));
}

#[test]
fn presets_by_name() {
    let config = "[presets]\ncard = \"w=320&h=180&fit=cover\"";
    let asked = ask(config, "/a.jpg?preset=card&q=50").unwrap().unwrap();
    assert_eq!(asked.options.canonical(), "w=320&h=180&fit=cover&q=50");
    assert_eq!(
        ask(config, "/a.jpg?preset=x"),
        Err(OptionError::NoPreset("x".into()))
    );
    let only = format!("presets-only = true\n{config}");
    assert!(ask(&only, "/a.jpg?preset=card").is_ok());
    assert!(ask(&only, "/a.jpg?preset=card&q=50").is_err());
    assert!(ask(&only, "/a.jpg?w=5").is_err());
}

#[test]
fn with_keys_nothing_goes_unsigned() {
    let config = "[[keys]]\nid = \"k\"\nsecret = \"0123456789abcdef\"";
    assert!(matches!(
        ask(config, "/a.jpg?w=1"),
        Err(OptionError::Signature(_))
    ));
    let key = signature::SigningKey::new("k", "0123456789abcdef").unwrap();
    let s = key.sign("/a.jpg", &[("w".into(), "1".into())]);
    assert!(ask(config, &format!("/a.jpg?w=1&s={s}")).unwrap().is_some());
    assert!(
        ask(config, &format!("/a.jpg?v=9&w=1&s={s}"))
            .unwrap()
            .is_some()
    );
    assert!(ask(config, &format!("/a.jpg?w=2&s={s}")).is_err());
}

#[test]
fn a_time_asks_for_a_frame() {
    let asked = ask("", "/vod/x/thumbnail.webp?time=12.5&w=320&v=1")
        .unwrap()
        .unwrap();
    assert_eq!((asked.subject, asked.folder()), (Subject::Frame, "/vod/x/"));
    assert_eq!(asked.options.canonical(), "time=12.5&w=320&format=webp");
    let asked = ask("", "/vod/x/thumbnail.jpg?w=320").unwrap().unwrap();
    assert_eq!(asked.subject, Subject::PictureOrFrame);
    assert!(ask("", "/vod/x/poster.jpg?time=3").is_err());
    assert!(ask("storyboards = false", "/vod/x/thumbnail.jpg?time=3").is_err());
}

#[test]
fn other_spellings_where_configured() {
    let config =
        "spellings = [\"weir\", \"cloudflare\", \"imgproxy\", \"thumbor\", \"fastly\", \"imgix\"]";
    for (target, origin, options) in [
        ("/a.jpg?w=9&h=9&fit=cover", "/a.jpg", "w=9&h=9&fit=cover"),
        ("/a.jpg?width=9&auto=webp", "/a.jpg", "w=9"),
        ("/a.jpg?w=9&fit=max&auto=format", "/a.jpg", "w=9"),
        ("/cdn-cgi/image/w=9/a.jpg?v=2", "/a.jpg?v=2", "w=9"),
        (
            "/insecure/rs:fit:9:9/plain/x/a.jpg@webp",
            "/x/a.jpg",
            "w=9&h=9&format=webp",
        ),
        ("/unsafe/fit-in/9x9/x/a.jpg", "/x/a.jpg", "w=9&h=9"),
    ] {
        let asked = ask(config, target).unwrap().unwrap();
        assert_eq!(
            (asked.target.as_str(), asked.options.canonical().as_str()),
            (origin, options),
            "{target}"
        );
    }
    assert!(ask(config, "/cdn-cgi/image/w=9/a.jpg?w=8").is_err());
    assert!(ask(config, "/a.jpg?nonsense=8").is_err());
    // Not configured: an ordinary path.
    assert_eq!(ask("", "/cdn-cgi/image/w=9/a.jpg").unwrap(), None);
}

#[test]
fn variants_differ_by_what_the_bytes_depend_on() {
    let asked = |target: &str| ask("", target).unwrap().unwrap();
    let auto = asked("/a.jpg?w=1");
    assert_ne!(
        auto.variant(AcceptClass::WebP),
        auto.variant(AcceptClass::Basic)
    );
    let fixed = asked("/a.jpg?w=1&format=png");
    assert_eq!(
        fixed.variant(AcceptClass::WebP),
        fixed.variant(AcceptClass::Basic)
    );
}

#[test]
fn previews_and_indexes_are_told_by_name() {
    let subject = |target: &str| ask("", target).unwrap().unwrap().subject;
    assert_eq!(
        subject("/vod/x/preview.webp?w=160"),
        Subject::PictureOrPreview
    );
    assert_eq!(subject("/vod/x/preview.webp?time=3"), Subject::Preview);
    let asked = ask("", "/vod/x/preview.webp?frames=5&fps=4")
        .unwrap()
        .unwrap();
    assert_eq!(asked.subject, Subject::Preview);
    assert_eq!(asked.options.canonical(), "format=webp&frames=5&fps=4");
    assert!(ask("", "/vod/x/preview.webp?frames=5&format=png").is_err());
    assert!(ask("", "/vod/x/poster.webp?frames=5").is_err());
    assert!(ask("", "/vod/x/preview.webp?frames=1").is_err());
    assert_eq!(ask("", "/vod/x/preview.webp").unwrap(), None);
    let asked = ask("", "/vod/x/storyboard.vtt?a=b").unwrap().unwrap();
    assert_eq!(asked.subject, Subject::Index(Form::WebVtt));
    assert_eq!(asked.target, "/vod/x/storyboard.vtt?a=b");
    assert_eq!(
        ask("storyboards = false", "/vod/x/storyboard.vtt").unwrap(),
        None
    );
}

#[test]
fn hints_count_where_they_are_asked() {
    let hints = Hints {
        dpr: Some(200),
        ..Hints::default()
    };
    let config = Config::parse("sizes = [320]").unwrap();
    let read = |target: &str| read(&config, target, 0, Some(&hints));
    let asked = read("/a.jpg?w=160").unwrap().unwrap();
    assert_eq!(asked.options.canonical(), "w=320");
    assert_eq!(asked.vary, ["Sec-CH-DPR", "DPR", "Save-Data"]);
    assert!(read("/a.jpg?w=320").is_err(), "640 is none of the sizes");
}
