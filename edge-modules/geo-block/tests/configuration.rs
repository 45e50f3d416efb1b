//! A wrong configuration is refused by name and never half understood; a mutated one never lets more pass.
#![allow(clippy::unwrap_used)]

mod bench;

use bench::READ_ALL;
use geo_block::GeoBlock;
use proptest::prelude::*;
use weir_module::Module;

const README: &str = include_str!("../README.md");

fn documents() -> impl Iterator<Item = String> {
    let starts = README.split("```toml\n").skip(1);
    starts.map(|rest| {
        let text = rest.split("```").next().unwrap();
        // The file of the example is not here.
        text.replace(
            "file = \"/geo/country.mmdb\"",
            "url = \"https://origin.example/geo/country.mmdb\"",
        )
    })
}

#[test]
fn every_misspelt_key_is_refused() {
    for document in documents() {
        let lines: Vec<&str> = document.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((key, rest)) = line
                .split_once(" = ")
                .filter(|(key, _)| !key.starts_with([' ', '#', '[']))
            else {
                continue;
            };
            for misspelt in [format!("{key}s"), key.to_uppercase(), format!("{key}_")] {
                let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
                lines[at] = format!("{misspelt} = {rest}");
                let error = GeoBlock::configure(&lines.join("\n"))
                    .expect_err(&misspelt)
                    .to_string();
                assert!(error.starts_with("GEO_BLOCK: "), "{error}");
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let mut wrong = Vec::new();
    let all = |more: &str| format!("{READ_ALL}{more}\n[[rules]]\nname = 'r'\ndeny = ['*']\n");
    let rule = |more: &str| format!("{READ_ALL}[[rules]]\nname = 'r'\n{more}\n");
    for (text, key) in [
        (String::new(), "rules"),
        (READ_ALL.to_owned(), "rules"),
        (rule(""), "rules[0]"),
        (rule("allow = []"), "rules[0].allow"),
        (rule("deny = ['UK']"), "rules[0].deny[0]"),
        (rule("deny = ['FR', 'de']"), "rules[0].deny[1]"),
        (rule("deny = ['area:x']"), "rules[0].deny[0]"),
        (
            rule("deny = ['*']\nfrom = '2026-01-01T00:00:00Z'\nuntil = '2026-01-01T00:00:00Z'"),
            "rules[0].until",
        ),
        (rule("deny = ['*']\nstatus = 200"), "rules[0].status"),
        (
            rule("deny = ['*']\nblocked-by = 'https://a>b'"),
            "rules[0].blocked-by",
        ),
        (
            rule("deny = ['*']\nexcept = { tiers = [''] }"),
            "rules[0].except.tiers",
        ),
        (
            rule("deny = ['*']\nexcept = { networks = ['x'] }"),
            "rules[0].except.networks[0]",
        ),
        (rule("deny = ['*']\npaths = ['vod']"), "rules[0].paths"),
        (
            rule("deny = ['*']\n[[rules]]\nname = 'r'\ndeny = ['*']"),
            "rules[1].name",
        ),
        (all("[areas.a]"), "areas.a"),
        (all("[areas.a]\nplaces = ['*']"), "areas.a.places"),
        (all("[areas.a]\nplaces = ['area:a']"), "areas.a.places[0]"),
        (
            all("[areas.a]\ncircles = [{ latitude = 91, longitude = 0, radius-km = 1 }]"),
            "areas.a.circles[0]",
        ),
        (
            all("[areas.a]\ncircles = [{ latitude = 1.0, longitude = 0.0, radius-km = nan }]"),
            "areas.a.circles[0]",
        ),
        (all("[areas.a]\nurl = 'ftp://x'"), "areas.a.url"),
        (all("[areas.a]\nurl = 'https://x'\nfile = 'y'"), "areas.a"),
        (
            all("[areas.a]\nurl = 'https://x'\nmax-age = 5"),
            "areas.a.max-age",
        ),
        (all("[[databases]]"), "databases[0]"),
        (all("[[databases]]\nmax-age = 60"), "databases[0].max-age"),
        (
            all(&"[[databases]]\nurl = 'https://x'\n".repeat(5)),
            "databases",
        ),
        (
            "status = 404\n[[rules]]\nname = 'r'\ndeny = ['*']".to_owned(),
            "status",
        ),
        (
            "blocked-by = 'somebody'\n[[rules]]\nname = 'r'\ndeny = ['*']".to_owned(),
            "blocked-by",
        ),
        (
            "client-address = 'x-real-ip'\n[[rules]]\nname = 'r'\ndeny = ['*']".to_owned(),
            "client-address",
        ),
        (
            "[headers]\ncountry = 'Weir-Country'\n[[rules]]\nname = 'r'\ndeny = ['*']".to_owned(),
            "headers.country",
        ),
        (
            "[headers]\nlatitude = 'a'\n[[rules]]\nname = 'r'\ndeny = ['*']".to_owned(),
            "headers",
        ),
        (
            "[[databases]]\nurl = 'https://x'\n[[rules]]\nname = 'r'\ndeny = ['*']".to_owned(),
            "client-address",
        ),
        // A rule that nothing could ever answer.
        (
            "[[rules]]\nname = 'r'\ndeny = ['DE']".to_owned(),
            "rules[0].deny[0]",
        ),
        (
            "[headers]\ncountry = 'c'\n[[rules]]\nname = 'r'\ndeny = ['AS1']".to_owned(),
            "rules[0].deny[0]",
        ),
        (
            "[headers]\ncountry = 'c'\n[[rules]]\nname = 'r'\ndeny = ['10.0.0.0/8']".to_owned(),
            "rules[0].deny[0]",
        ),
        (
            "[areas.a]\nurl = 'https://x'\n[[rules]]\nname = 'r'\ndeny = ['*']".to_owned(),
            "areas.a",
        ),
    ] {
        let error = GeoBlock::configure(&text).expect_err(&text);
        if error.key() != key {
            wrong.push(format!("{key}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "other keys named:\n{}", wrong.join("\n"));
}

proptest! {
    #[test]
    fn mutated_documents_are_read_or_refused(
        which in 0_usize..3,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), "[\\x00-\\x7fäé€]{0,3}", 0_usize..4), 1..6),
    ) {
        let mut text: Vec<char> = documents().nth(which).unwrap().chars().collect();
        for (at, insert, remove) in cuts {
            let at = at.index(text.len());
            let end = (at + remove).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = GeoBlock::configure(&text) {
            prop_assert!(error.to_string().starts_with("GEO_BLOCK: "));
        }
    }
}
