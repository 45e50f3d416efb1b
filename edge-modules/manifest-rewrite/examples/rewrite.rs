//! Tries a policy on a manifest: `cargo run -p manifest-rewrite --example rewrite -- policy.toml '/vod/a.m3u8?x=1'
//! weir-tier=free 'weir-token=query:t=X' < manifest`. Headers follow as `name=value`.
#![allow(missing_docs)]

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use manifest_rewrite::ManifestRewrite;
use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{Module as _, NoCounters, ResponseHead};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: rewrite <policy.toml> <path?query> [header=value …] < manifest";
    let (policy, target) = arguments.next().zip(arguments.next()).ok_or(usage)?;
    let headers: Vec<(String, String)> = arguments
        .map(|text| {
            text.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .ok_or(usage)
        })
        .collect::<Result<_, _>>()?;
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut manifest = Vec::new();
    std::io::stdin().read_to_end(&mut manifest)?;
    let mut module = ManifestRewrite::configure(&std::fs::read_to_string(policy)?)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let mut host = TestHost::<NoCounters> {
        now_ns: u64::try_from(now.as_nanos())?,
        ..TestHost::default()
    };
    let verdict = decide(&mut module, &mut host, "GET", &target, &headers);
    let head = ResponseHead {
        status: 200,
        headers: Vec::new(),
    };
    let outcome = exchange(verdict, &mut host, (head, manifest), 64 * 1024, |_| {
        Default::default()
    });
    let body = match outcome {
        Outcome::Upstream(edits, body) => {
            edits.iter().for_each(|edit| eprintln!("{edit:?}"));
            body
        }
        Outcome::Answer(answer) => {
            let (status, headers, body) = answer.render(None);
            eprintln!("{status} {headers:?}");
            body
        }
        Outcome::BrokenOff(reason) => return Err(reason.into()),
    };
    std::io::stdout().write_all(&body)?;
    Ok(())
}
