//! Keys of encrypted presentations: clear leads, keys in turn, keys by kind of track, whole segments, and the lines of key systems.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/decrypt.rs"]
mod decrypt;
#[path = "support/encrypted.rs"]
mod encrypted;
mod support;

use std::time::Duration;

use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use encrypted::{assert_same, encryption, init, key, options, segments};
use support::{Run, fixture, has_tool, package, run_tool};
use weir_packager::{ContentKey, Encryption, KeyId, KeySystem, KeyTracks, Layout, Method, Options};

#[test]
fn a_clear_lead_and_keys_in_turn() {
    let input = fixture("bikes.mp4");
    let clear = package(
        &[&input],
        Options {
            segment_duration: Duration::from_secs(2),
            ..Options::default()
        },
    )
    .unwrap();
    for method in [Method::Cbcs, Method::Cenc] {
        let rotating = Encryption {
            keys: vec![key(1), key(2)],
            clear_lead: Duration::from_secs(1),
            crypto_period: Duration::from_secs(4),
            ..encryption(method)
        };
        let run = package(&[&input], options(rotating)).unwrap();
        assert_same(&run, &clear);
        let entries = init(&run, "video-1/");
        assert!(entries[0].is_some() && entries[1].is_none());
        let names: Vec<_> = segments(&run)
            .into_iter()
            .filter(|name| name.starts_with("video"))
            .collect();
        let first = decrypt::fragments(&run.files[names[0]], 0);
        assert_eq!((first[0].description, first[0].has_auxiliary), (2, false));
        let used: Vec<_> = names[1..]
            .iter()
            .map(|name| {
                let size = entries[0].as_ref().unwrap().iv_size;
                let fragments = decrypt::fragments(&run.files[*name], size);
                assert_eq!(fragments[0].description, 1);
                fragments[0]
                    .group
                    .as_ref()
                    .map_or(1, |group| group.key_id[0])
            })
            .collect();
        assert!(used.contains(&1) && used.contains(&2), "{used:?}");
        let text = run.text("video-1/media.m3u8");
        let first_key = text.find("#EXT-X-KEY").unwrap();
        assert!(
            text.find("#EXTINF").unwrap() < first_key,
            "the lead comes before any key"
        );
        // What follows has an initialization segment of its own address, for players that look at none twice.
        let after = text[first_key..].lines().nth(1);
        assert_eq!(after, Some("#EXT-X-MAP:URI=\"init-encrypted.mp4\""));
        assert_eq!(text.matches("#EXT-X-MAP").count(), 2);
        assert_eq!(
            run.files["video-1/init-encrypted.mp4"],
            run.files["video-1/init.mp4"]
        );
        assert_eq!(
            text.matches("#EXT-X-KEY").count(),
            1 + used.windows(2).filter(|pair| pair[0] != pair[1]).count()
        );
        assert_eq!(
            run.text("multivariant.m3u8")
                .matches("#EXT-X-SESSION-KEY")
                .count(),
            2
        );
    }
}

/// hls.js takes initialization segments of one URI for the same, whatever their byte ranges: in a single file there is none but the first.
#[test]
fn the_end_of_a_clear_lead_in_a_single_file_has_its_own_initialization_segment() {
    let leading = Encryption {
        clear_lead: Duration::from_secs(1),
        ..encryption(Method::Cbcs)
    };
    let single = Options {
        layout: Layout::SingleFile,
        ..options(leading)
    };
    let run = package(&[&fixture("bikes.mp4")], single).unwrap();
    let again = &run.files["video-1/init-encrypted.mp4"];
    assert!(run.files["video-1/media.mp4"].starts_with(again));
    for playlist in ["video-1/media.m3u8", "video-1/iframes.m3u8"] {
        let text = run.text(playlist);
        let maps: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("#EXT-X-MAP:"))
            .collect();
        let len = again.len();
        let first = format!("URI=\"media.mp4\",BYTERANGE=\"{len}@0\"");
        assert_eq!(maps, [&first, "URI=\"init-encrypted.mp4\""], "{playlist}");
    }
}

#[test]
fn sound_and_pictures_can_have_keys_of_their_own() {
    let input = fixture("bigbuckbunny-720p-5s.mp4");
    let mut both = encryption(Method::Cbcs);
    both.keys = vec![
        ContentKey {
            tracks: KeyTracks::Video,
            ..key(1)
        },
        ContentKey {
            tracks: KeyTracks::Audio,
            ..key(2)
        },
    ];
    let run = package(&[&input], options(both.clone())).unwrap();
    let id = |segment: &str| init(&run, segment)[0].as_ref().unwrap().key_id[0];
    assert_eq!((id("video-1/"), id("audio-1/")), (1, 2));
    let audio = init(&run, "audio-1/").remove(0).unwrap();
    assert_eq!((audio.format.as_str(), audio.pattern), ("mp4a", (0, 0)));
    // Only one of them: the other stays in the clear; none: that is no encryption.
    both.keys.truncate(1);
    let run = package(&[&input], options(both.clone())).unwrap();
    assert!(init(&run, "audio-1/")[0].is_none());
    both.keys[0].tracks = KeyTracks::Audio;
    let error = package(&[&fixture("bikes.mp4")], options(both)).unwrap_err();
    assert!(error.to_string().contains("no key"), "{error}");
}

#[test]
fn whole_segments_open_with_their_sequence_number() {
    let input = fixture("bikes.mp4");
    let clear = package(
        &[&input],
        Options {
            segment_duration: Duration::from_secs(2),
            ..Options::default()
        },
    )
    .unwrap();
    for (layout, iv) in [
        (Layout::Segments, None),
        (Layout::Segments, Some(KeyId([9; 16]))),
        (Layout::SingleFile, None),
    ] {
        let mut whole = encryption(Method::Aes128);
        whole.keys[0].iv = iv;
        let run = package(
            &[&input],
            Options {
                layout,
                ..options(whole)
            },
        )
        .unwrap();
        let text = run.text("video-1/media.m3u8");
        let (map, key_line) = (
            text.find("#EXT-X-MAP").unwrap(),
            text.find("#EXT-X-KEY").unwrap(),
        );
        assert!(map < key_line, "the initialization segment is in the clear");
        assert!(text.contains("METHOD=AES-128,URI=\"https://keys.example/0101"));
        assert_eq!(text.contains("IV=0x0909"), iv.is_some());
        let mut offset = text
            .lines()
            .find_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:"))
            .map_or(0, |range| range.split_once('@').unwrap().1.parse().unwrap());
        let names: Vec<_> = segments(&clear)
            .into_iter()
            .filter(|name| name.starts_with("video"))
            .collect();
        for (number, name) in (1_u128..).zip(&names) {
            let plain = &clear.files[*name];
            let sealed = if layout == Layout::Segments {
                run.files[*name].clone()
            } else {
                let len = plain.len() / 16 * 16 + 16;
                let range = offset..offset + len;
                offset += len;
                run.files["video-1/media.mp4"][range].to_vec()
            };
            let iv = iv.map_or_else(|| number.to_be_bytes(), |iv| iv.0);
            let mut buffer = sealed;
            let opened = cbc::Decryptor::<aes::Aes128>::new(&[1 ^ 0x5a; 16].into(), &iv.into())
                .decrypt_padded::<Pkcs7>(&mut buffer)
                .unwrap();
            assert!(opened == plain, "{name}");
        }
    }
}

#[test]
fn every_key_system_has_its_lines() {
    let input = fixture("bikes.mp4");
    let mut all = encryption(Method::Cbcs);
    all.systems.extend([
        KeySystem::FairPlay {
            uri: "skd://{kid}".to_owned(),
        },
        KeySystem::Widevine {
            provider: "weir".to_owned(),
            content_id: String::new(),
        },
        KeySystem::PlayReady {
            license_uri: "https://pr.example/".to_owned(),
        },
        KeySystem::ClearKey {
            license_uri: "https://ck.example/?k&v".to_owned(),
        },
    ]);
    let run = package(
        &[&input],
        Options {
            dash: true,
            ..options(all)
        },
    )
    .unwrap();
    let text = run.text("video-1/media.m3u8");
    for wanted in [
        "URI=\"skd://01010101010101010101010101010101\",KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\"",
        "KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"",
        "KEYFORMAT=\"com.microsoft.playready\"",
        "KEYFORMAT=\"org.w3.clearkey\"",
        "KEYFORMAT=\"identity\"",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    let manifest = run.text("manifest.mpd");
    for wanted in [
        "value=\"cbcs\" cenc:default_KID=\"01010101-0101-0101-0101-010101010101\"",
        "urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95",
        "<mspr:pro ",
        "https://ck.example/?k&amp;v",
    ] {
        assert!(manifest.contains(wanted), "{wanted} in {manifest}");
    }
    let init = &run.files["video-1/init.mp4"];
    assert_eq!(
        init.windows(4).filter(|window| *window == b"pssh").count(),
        3
    );
}

/// ffmpeg is an independent reader: with the key it decodes the same pictures and the same sound.
///
/// It (5.1) finds encrypted samples of a second fragment only through a segment index, in the output of other packagers too; so
/// every segment is one fragment here, and stands alone.
#[test]
fn ffmpeg_decrypts_segments() {
    if !has_tool("ffmpeg") {
        return;
    }
    let input = fixture("bigbuckbunny-720p-5s.mp4");
    let plain = Options {
        i_frame_playlists: false,
        ..Options::default()
    };
    let clear = package(&[&input], plain.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let digest = |run: &Run, name: &str, options: &[&str]| {
        let path = folder.path().join("joined.mp4");
        let init = format!("{}/init.mp4", name.split('/').next().unwrap());
        let parts = [run.files[&init].as_slice(), &run.files[name]];
        std::fs::write(&path, parts.concat()).unwrap();
        let mut arguments = vec!["-v", "error"];
        arguments.extend(options);
        arguments.extend(["-i", path.to_str().unwrap(), "-f", "md5", "-"]);
        run_tool("ffmpeg", &arguments)
    };
    let key = hex::encode([1 ^ 0x5a; 16]);
    for method in [Method::Cenc, Method::Cbcs] {
        let sealed = Options {
            encryption: Some(encryption(method)),
            ..plain.clone()
        };
        let run = package(&[&input], sealed).unwrap();
        for name in segments(&clear) {
            let opened = digest(&run, name, &["-decryption_key", &key]);
            assert_eq!(opened, digest(&clear, name, &[]), "{method:?} {name}");
        }
    }
}

#[test]
fn what_a_key_server_made_stands_in_the_output_as_it_is() {
    let input = fixture("bikes.mp4");
    let header = "AAAAInBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAAAIBAg==";
    let fairplay = |tag: &str| {
        format!(
            "#EXT-X-{tag}:METHOD=SAMPLE-AES,URI=\"skd://one,{tag}\",IV=0x{:032X},KEYFORMAT=\"com.apple.streamingkeydelivery\",X-OWN=\"1\"",
            7
        )
    };
    let mut encryption = encryption(Method::Cbcs);
    encryption.systems = vec![
        KeySystem::FairPlay {
            uri: "skd://unused".to_owned(),
        },
        KeySystem::Widevine {
            provider: "unused".to_owned(),
            content_id: String::new(),
        },
    ];
    let mut iv = [0; 16];
    iv[15] = 7;
    encryption.keys = vec![ContentKey {
        iv: Some(KeyId(iv)),
        pssh: vec![header.parse().unwrap()],
        tags: vec![
            fairplay("SESSION-KEY").parse().unwrap(),
            fairplay("KEY").parse().unwrap(),
        ],
        ..key(1)
    }];
    let options = Options {
        dash: true,
        ..options(encryption.clone())
    };
    let run = package(&[&input], options).unwrap();
    let (media, multivariant) = (
        run.text("video-1/media.m3u8"),
        run.text("multivariant.m3u8"),
    );
    for (text, line) in [
        (media, fairplay("KEY")),
        (multivariant, fairplay("SESSION-KEY")),
    ] {
        assert!(text.lines().any(|own| own == line), "{text}");
        assert!(!text.contains("unused"), "{text}");
        // For Widevine there is a header and no line, so that one is written around the header.
        assert!(text.contains(&format!("base64,{header}\"")), "{text}");
    }
    let mpd = run
        .files
        .iter()
        .find(|(name, _)| name.ends_with(".mpd"))
        .unwrap();
    let mpd = String::from_utf8_lossy(mpd.1);
    assert!(
        mpd.contains(&format!("<cenc:pssh>{header}</cenc:pssh>")),
        "{mpd}"
    );
    let init = &run.files["video-1/init.mp4"];
    let bytes = encryption.keys[0].pssh[0].bytes();
    assert!(init.windows(bytes.len()).any(|part| part == bytes));
    assert_eq!(init.windows(4).filter(|part| part == b"pssh").count(), 1);

    // Lines that say something else than what is done.
    encryption.keys[0].iv = Some(KeyId([8; 16]));
    let error = package(&[&input], self::options(encryption.clone())).unwrap_err();
    assert!(error.to_string().contains("another `IV`"), "{error}");
    encryption.method = Method::Cenc;
    let error = package(&[&input], self::options(encryption.clone())).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("SAMPLE-AES-CTR") && error.contains(&KeyId([1; 16]).to_string()),
        "{error}"
    );
    // A system that is not asked for may say what it likes.
    encryption.systems.remove(0);
    package(&[&input], self::options(encryption)).unwrap();
}
