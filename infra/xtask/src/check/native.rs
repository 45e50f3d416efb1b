//! The tests that run on the machine itself, by groups: each group is a step with a name that says what it proves.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::{cargo, tools};

/// The package whose tests start whole programs.
const WHOLE: &str = "weir-tests";

/// A step of this module.
type Step = fn() -> anyhow::Result<()>;

/// The steps, in order. Each test file of `weir-tests` belongs to exactly one of them ([`assigned`] checks that).
pub(super) fn steps() -> Vec<(&'static str, Step)> {
    vec![
        ("every test belongs to a step", assigned),
        ("unit and property tests", units),
        ("tests of each package", packages),
        ("documentation examples", examples),
        ("both doors give the same answer", || whole("doors", &[])),
        ("components in Wasmtime", || whole("components", &[])),
        ("state adapters in Wasmtime", || {
            whole("state_adapters", &[])
        }),
        ("the composed chain elsewhere", || whole("elsewhere", &[])),
        ("access: tokens and quotas", || whole("access", &[])),
        ("end to end, folder", || whole("end_to_end", &["folder::"])),
        ("end to end, MinIO", || {
            minio().and_then(|()| whole("end_to_end", &["minio::"]))
        }),
        ("bad days", || whole("bad_days", &[])),
        ("browser", || browser("browser")),
        ("browser: each policy of the edge", || browser("viewer")),
    ]
}

/// Test files of `weir-tests` that the steps run.
const FILES: &[&str] = &[
    "doors",
    "components",
    "state_adapters",
    "elsewhere",
    "access",
    "end_to_end",
    "bad_days",
    "browser",
    "viewer",
];

/// Builds everything that the steps run: programs, tests, examples.
pub(super) fn build() -> anyhow::Result<()> {
    tools::run(cargo::command().args(["build", "--all-targets"]))
}

/// Tests beside the code.
pub(super) fn units() -> anyhow::Result<()> {
    tools::run(cargo::command().args(["test", "--no-fail-fast", "--lib", "--bins"]))
}

/// Integration tests of the packages, those of the whole product apart.
fn packages() -> anyhow::Result<()> {
    // The tests of single packages need the same tools as those of the whole.
    minio()?;
    tools::system::FFMPEG.ensure()?;
    tools::system::REDIS.ensure()?;
    tools::system::CHROMIUM.ensure()?;
    tools::players::ensure()?;
    let mut command = cargo::command();
    command.args(["test", "--no-fail-fast"]);
    for name in test_files(|package| package != WHOLE)? {
        command.arg("--test").arg(name);
    }
    tools::run(&mut command)?;
    // The stores of counters stand behind features, since a module that is an adapter wants none of them.
    let stores = [
        "--package",
        "weir-counters",
        "--features",
        "cells,redis,testing",
    ];
    tools::run(
        cargo::command()
            .args(["test", "--no-fail-fast"])
            .args(stores),
    )
}

/// The examples in the documentation.
fn examples() -> anyhow::Result<()> {
    tools::run(cargo::command().args(["test", "--no-fail-fast", "--doc"]))
}

fn browser(file: &str) -> anyhow::Result<()> {
    tools::system::FFMPEG.ensure()?;
    tools::system::CHROMIUM.ensure()?;
    tools::players::ensure()?;
    whole(file, &[])
}

/// Makes sure that MinIO is there, and tells the tests where.
fn minio() -> anyhow::Result<()> {
    tools::minio::ensure().map(drop)
}

fn whole(file: &str, filter: &[&str]) -> anyhow::Result<()> {
    tools::system::FFPROBE.ensure()?;
    tools::run(
        cargo::command()
            .args(["test", "--no-fail-fast", "--test", file, "--"])
            .args(filter),
    )
}

/// Fails when a test file was added that no step would run.
fn assigned() -> anyhow::Result<()> {
    let there = test_files(|package| package == WHOLE)?;
    let run: BTreeSet<String> = FILES.iter().map(|&file| file.to_owned()).collect();
    let elsewhere = test_files(|package| package != WHOLE)?;
    if let Some(stray) = there.symmetric_difference(&run).next() {
        bail!(
            "the test file `{stray}` of {WHOLE} and the steps of `cargo xtask test` do not match"
        );
    }
    // Cargo selects test files by name over all packages, so a shared name would run in two steps.
    if let Some(shared) = there.intersection(&elsewhere).next() {
        bail!("two packages have a test file named `{shared}`: give one another name");
    }
    Ok(())
}

/// Names of the integration test files of the default members.
fn test_files(wanted: impl Fn(&str) -> bool) -> anyhow::Result<BTreeSet<String>> {
    let metadata = cargo::metadata()?;
    let members = metadata["workspace_default_members"]
        .as_array()
        .context("cargo names no default members")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo names no packages")?;
    Ok(packages
        .iter()
        .filter(|package| {
            members.contains(&package["id"]) && package["name"].as_str().is_some_and(&wanted)
        })
        .flat_map(|package| package["targets"].as_array().into_iter().flatten())
        .filter(|target| target["required-features"].is_null())
        .filter(|target| {
            target["kind"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind == "test"))
        })
        .filter_map(|target| target["name"].as_str().map(Value::from))
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect())
}
