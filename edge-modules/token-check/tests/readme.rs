//! The README says what is so.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use token_check::TokenCheck;
use token_check::format::cat::label::{self, Enforced};
use token_check::reason::Reason;
use weir_module::Module;

const README: &str = include_str!("../README.md");

fn blocks() -> Vec<&'static str> {
    README
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

/// Every documented key is parsed: each block alone, completed by a key where it has none.
#[test]
fn every_documented_key_is_parsed() {
    assert_eq!(blocks().len(), 10);
    let whole = blocks()
        .iter()
        .filter(|block| !block.contains("[formats.cat]"))
        .copied()
        .collect::<Vec<_>>();
    for block in &whole {
        let key = if block.contains("[[keys]]") {
            ""
        } else {
            "[[keys]]\nname = \"main\"\nsecret = \"a secret of 16 bytes\"\n"
        };
        let text = format!("{block}\n{key}");
        if let Err(error) = TokenCheck::configure(&text) {
            panic!("{error}\n{text}");
        }
    }
    // The formats one by one: an entry of one must not hide behind another.
    let others = blocks()
        .into_iter()
        .find(|block| block.contains("[formats.cat]"))
        .unwrap();
    let mut count = 0;
    for section in others.split("[formats.").skip(1) {
        let text = format!(
            "[formats.{section}\n[[keys]]\nname = \"main\"\nsecret = \"a secret of 16 bytes\"\n"
        );
        if let Err(error) = TokenCheck::configure(&text) {
            panic!("{error}\n{text}");
        }
        count += 1;
    }
    assert_eq!(count, 10);
}

/// A key that is misspelt anywhere is refused: no setting is ignored in silence.
#[test]
fn a_misspelt_key_is_refused_everywhere() {
    let mut tried = 0;
    for block in blocks() {
        let lines: Vec<&str> = block.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((name, rest)) = line.split_once(" = ") else {
                continue;
            };
            if name.starts_with('#') || name.starts_with(' ') {
                continue;
            }
            let mut broken: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            broken[at] = format!("{name}x = {rest}");
            let key = "[[keys]]\nname = \"main\"\nsecret = \"a secret of 16 bytes\"\n";
            let text = broken.join("\n") + "\n" + if block.contains("[[keys]]") { "" } else { key };
            assert!(TokenCheck::configure(&text).is_err(), "{name}x\n{text}");
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried}");
}

#[test]
fn every_default_is_the_one_documented() {
    // The first block of the reference, as it stands, must decide as an empty document does.
    let reference = blocks()
        .into_iter()
        .find(|block| block.starts_with("access"))
        .unwrap();
    let key = "\n[[keys]]\nsecret = \"a secret of 16 bytes\"\n";
    let mut with = TokenCheck::configure(&format!("{reference}{key}")).unwrap();
    let mut without = TokenCheck::configure(key).unwrap();
    assert_eq!(with.headers(), without.headers());
    for (method, target) in [
        ("GET", "/a"),
        ("GET", "/a?token=x"),
        ("OPTIONS", "/a"),
        ("GET", "/%2f"),
    ] {
        let headers = [
            ("origin", "https://p.example"),
            ("access-control-request-method", "GET"),
            ("weir-subject", "eve"),
        ];
        let mut host: weir_module::testing::TestHost = weir_module::testing::TestHost::default();
        let mut ask = |module: &mut TokenCheck| {
            format!(
                "{:?}",
                weir_module::testing::decide(module, &mut host, method, target, &headers)
            )
        };
        assert_eq!(ask(&mut with), ask(&mut without), "{method} {target}");
    }
}

#[test]
fn every_reason_and_claim_is_documented() {
    for reason in Reason::ALL {
        assert!(README.contains(&format!("`{}`", reason.code())), "{reason}");
    }
    let table = README
        .split("## Common Access Token")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    for (_, name, enforced) in label::ALL {
        let line = table.lines().find(|line| {
            line.split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| word == name)
        });
        let line = line.unwrap_or_else(|| panic!("{name} is not in the table"));
        let told = match enforced {
            Enforced::Yes => !line.contains("is refused, naming"),
            Enforced::WhenTold => line.contains("enforced when told"),
            Enforced::No => line.contains("| the token is refused, naming"),
        };
        assert!(told, "{name}: {line}");
    }
}
