//! Storyboards as they come.

use super::*;

const JSON: &str = r#"{"url":"sb.jpg","tile_width":160,"tile_height":90,"duration":30.5,
    "tiles":[{"start":0,"x":0,"y":0},{"start":10.0,"x":160,"y":0},{"start":20,"x":0,"y":90,"url":"sb-1.jpg"}]}"#;
const VTT: &str = "\u{feff}WEBVTT\r\n\r\n1\r\n00:00.000 --> 00:10.000\r\nsb.jpg#xywh=0,0,160,90\r\n\r\n00:00:10.000 --> 00:00:20.000 align:start\r\nsb.jpg#xywh=pixel:160,0,160,90\r\n\r\n00:20.000 --> 00:30.500\r\nsb-1.jpg#xywh=0,90,160,90\r\n";

#[test]
fn both_forms_say_the_same() {
    let json = Storyboard::from_json(JSON.as_bytes()).unwrap();
    assert_eq!(json, Storyboard::from_vtt(VTT.as_bytes()).unwrap());
    assert_eq!(json.duration_ms, 30_500);
}

#[test]
fn the_nearest_tile_is_taken() {
    let board = Storyboard::from_json(JSON.as_bytes()).unwrap();
    for (time, start) in [
        (0, 0),
        (4999, 0),
        (5000, 0),
        (5001, 10_000),
        (14_999, 10_000),
        (19_000, 20_000),
        (9_999_999, 20_000),
    ] {
        assert_eq!(board.at(Some(time)).start_ms, start, "{time}");
    }
    assert_eq!(board.at(None).start_ms, 20_000);
}

#[test]
fn broken_storyboards_say_why() {
    for bad in [
        "",
        "{}",
        r#"{"tile_width":1,"tile_height":1,"tiles":[]}"#,
        r#"{"tile_width":1,"tile_height":1,"tiles":[{"start":0,"x":0,"y":0}]}"#,
        r#"{"url":"a","tile_width":-1,"tile_height":1,"tiles":[{"start":0,"x":0,"y":0}]}"#,
        r#"{"url":"a","tile_width":1,"tile_height":1,"tiles":[{"start":1e300,"x":0,"y":0}]}"#,
    ] {
        assert!(
            matches!(
                Storyboard::from_json(bad.as_bytes()),
                Err(PictureError::Storyboard(_))
            ),
            "{bad}"
        );
    }
    assert!(Storyboard::from_vtt(b"WEBVTT\n\n").is_err());
    assert!(Storyboard::from_vtt(b"00:00 --> 00:01\na#xywh=0,0,1,1").is_err());
}

#[test]
fn sprites_stay_on_the_host() {
    for (sprite, target) in [
        ("sb.jpg", "/vod/x/sb.jpg"),
        ("./t/sb.jpg?v=1", "/vod/x/t/sb.jpg?v=1"),
        ("../sb.jpg", "/vod/sb.jpg"),
        ("/sprites/sb.jpg", "/sprites/sb.jpg"),
        ("/.//elsewhere/sb.jpg", "/elsewhere/sb.jpg"),
    ] {
        assert_eq!(sprite_target("/vod/x/", sprite).unwrap(), target);
    }
    for bad in [
        "http://evil/x.jpg",
        "//evil/x.jpg",
        "../../../x.jpg",
        "",
        "#x",
        "a b.jpg",
        "a\r\nb",
        "\\\\evil\\x",
    ] {
        assert!(sprite_target("/vod/x/", bad).is_err(), "{bad}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(WEBVTT\n\n)?[-0-9:.> \nx#ywh=,]{0,80}") {
        let _ = Storyboard::from_vtt(text.as_bytes());
        let _ = Storyboard::from_json(text.as_bytes());
    }
}
