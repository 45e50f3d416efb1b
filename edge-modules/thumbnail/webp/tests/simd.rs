//! The headers that stand for SSE2 and SSE4.1 in WebAssembly, beside the processor's own instructions.
#![cfg(all(target_arch = "x86_64", unix))]
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds `every.c` with the host's C compiler, without which the package itself would not have been built, and runs it.
fn digests(name: &str, flags: &[String]) -> Vec<String> {
    let program =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let built = Command::new(compiler)
        .args(["-O1", "-Wno-psabi", "-msse4.1"])
        .args(flags)
        .arg(folder("tests/simd/every.c"))
        .arg("-o")
        .arg(&program)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{errors}");
    let run = Command::new(&program).output().unwrap();
    std::fs::remove_file(&program).unwrap();
    assert!(run.status.success(), "{name}: {}", run.status);
    let text = String::from_utf8(run.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn every_intrinsic_gives_the_same_bits_as_the_processor() {
    let include = |name: &str| format!("-I{}", folder(name).display());
    let ours = digests("ours", &[include("c/simd"), include("tests/simd/scalar")]);
    let host = digests("host", &[]);
    assert!(host.len() > 80);
    for (ours, host) in ours.iter().zip(&host) {
        assert_eq!(ours, host);
    }
    assert_eq!(ours.len(), host.len());
}

/// An intrinsic that is added to the headers must be run by the program too.
#[test]
fn no_intrinsic_is_forgotten() {
    let program = std::fs::read_to_string(folder("tests/simd/every.c")).unwrap();
    for header in ["emmintrin.h", "smmintrin.h"] {
        let text = std::fs::read_to_string(folder("c/simd").join(header)).unwrap();
        let mut found = 0;
        for line in text.lines() {
            let is_definition = line.starts_with("WEIR_SIMD") || line.starts_with("#define _mm");
            let Some(start) = line.find("_mm_").filter(|_| is_definition) else {
                continue;
            };
            let name = line[start..].split('(').next().unwrap();
            let used = program
                .match_indices(name)
                .any(|(at, _)| program[at + name.len()..].starts_with(['(', ')', ',', '"']));
            assert!(used, "{name} of {header} is not run");
            found += 1;
        }
        assert!(found > 5, "{header}");
    }
}
