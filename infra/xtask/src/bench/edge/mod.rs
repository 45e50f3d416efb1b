//! The node beside nginx: a token check and a rate limit on every request, then a cache hit, at 16 KiB and 1 MiB.
//!
//! nginx does it with `secure_link`, `limit_req` and `proxy_cache`; the node with `token-check` and `rate-limit` through their doors, and
//! once more through the standard handlers alone. All take turns under the same load; the origin of all of them is another nginx.

mod load;
mod nginx;
mod token;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::measure::median;
use crate::child::Program;
use crate::{cargo, tools, workspace};

/// Rounds in which everybody takes a turn. One more before them warms caches and is not counted.
const ROUNDS: usize = 3;
/// How long a server may take to compile its modules and listen.
const READY: Duration = Duration::from_secs(180);
/// Names and sizes, in bytes, of what is fetched.
const OBJECTS: [(&str, usize); 2] = [("16k.m4s", 16 << 10), ("1m.m4s", 1 << 20)];

/// A server under load.
struct Contestant {
    name: &'static str,
    program: Program,
    address: SocketAddr,
    /// What follows the object's path.
    query: fn(&str) -> String,
}

/// Starts everybody, lets them take turns, prints medians and ratios to nginx.
///
/// # Errors
/// A missing tool, a server that does not start, or a response that is not the object.
pub(super) fn run() -> anyhow::Result<()> {
    let nginx = tools::system::NGINX.ensure()?;
    let wrk = tools::system::WRK.ensure()?;
    let node = node()?;
    let folder = tools::cache().join("bench/edge");
    let _ = fs::remove_dir_all(&folder);
    let content = folder.join("content/media");
    fs::create_dir_all(&content)
        .with_context(|| format!("{} cannot be made", content.display()))?;
    for (name, size) in OBJECTS {
        // Bytes that do not compress and never change.
        let body: Vec<u8> = (0..size)
            .map(|at| ((at * 2_654_435_761) >> 7).to_le_bytes()[0])
            .collect();
        fs::write(content.join(name), body)?;
    }

    let origin_address = free_port()?;
    let _origin = start(
        "origin",
        &nginx,
        &nginx::origin(&folder, origin_address)?,
        origin_address,
        &folder,
    )?;
    let mut contestants = Vec::new();
    let address = free_port()?;
    let program = start(
        "nginx",
        &nginx,
        &nginx::edge(&folder, address, origin_address)?,
        address,
        &folder,
    )?;
    contestants.push(Contestant {
        name: "nginx, C modules",
        program,
        address,
        query: token::secure_link,
    });
    for (name, file, doors) in [
        ("weir-edge, doors", "doors", true),
        ("weir-edge, handlers", "handlers", false),
    ] {
        let address = free_port()?;
        let settings = folder.join(format!("{file}.toml"));
        fs::write(
            &settings,
            edge_settings(address, origin_address, &folder, doors),
        )?;
        let mut command = Command::new(&node);
        command.args(["serve", "--config"]).arg(&settings);
        let mut program = Program::start(
            "weir-edge",
            &mut command,
            &folder.join(format!("{file}.log")),
        )?;
        program.wait_until(READY, || std::net::TcpStream::connect(address).is_ok())?;
        contestants.push(Contestant {
            name,
            program,
            address,
            query: token::jwt,
        });
    }

    for contestant in &contestants {
        admits_and_refuses(contestant)?;
    }
    for (object, size) in OBJECTS {
        compare(&wrk, &contestants, object, size)?;
    }
    println!(
        "medians of {ROUNDS} rounds, wrk -t1 -c32 on the same machine; CPU by /proc; ratios to nginx within each round"
    );
    Ok(())
}

fn compare(
    wrk: &Path,
    contestants: &[Contestant],
    object: &str,
    size: usize,
) -> anyhow::Result<()> {
    let mut runs: Vec<Vec<load::Load>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 0..=ROUNDS {
        for (contestant, runs) in contestants.iter().zip(&mut runs) {
            let seconds = if round == 0 { 1 } else { 5 };
            let url = url(contestant, object);
            let load = load::run(wrk, &url, seconds, contestant.program.id())
                .with_context(|| format!("{} under load", contestant.name))?;
            if round > 0 {
                runs.push(load);
            }
        }
    }
    println!("\n{object} ({size} bytes)");
    println!(
        "{:<24}{:>12}{:>14}{:>12}{:>12}{:>10}",
        "", "requests/s", "CPU us/req", "r/s ratio", "CPU ratio", "p99 ms"
    );
    for (contestant, own) in contestants.iter().zip(&runs) {
        let of = |value: fn(&load::Load) -> f64| median(own.iter().map(value));
        let ratio = |value: fn(&load::Load) -> f64| {
            median(
                own.iter()
                    .zip(&runs[0])
                    .map(|(own, first)| value(own) / value(first)),
            )
        };
        println!(
            "{:<24}{:>12.0}{:>14.2}{:>11.2}x{:>11.2}x{:>10.2}",
            contestant.name,
            of(|load| load.rate),
            of(|load| load.cpu),
            ratio(|load| load.rate),
            ratio(|load| load.cpu),
            of(|load| load.p99),
        );
    }
    Ok(())
}

/// A server that lets everything through would win every race.
fn admits_and_refuses(contestant: &Contestant) -> anyhow::Result<()> {
    for (object, size) in OBJECTS {
        let mut answer = ureq::get(url(contestant, object))
            .call()
            .with_context(|| format!("{} does not serve", contestant.name))?;
        let body = answer
            .body_mut()
            .with_config()
            .limit(1 << 24)
            .read_to_vec()?;
        if body.len() != size {
            bail!("{} sent {} bytes for {object}", contestant.name, body.len());
        }
        let bare = format!("http://{}/media/{object}", contestant.address);
        match ureq::get(bare).call() {
            Err(ureq::Error::StatusCode(401 | 403)) => {}
            other => bail!(
                "{} does not refuse a request without a token: {other:?}",
                contestant.name
            ),
        }
    }
    Ok(())
}

fn url(contestant: &Contestant, object: &str) -> String {
    let path = format!("/media/{object}");
    format!(
        "http://{}{path}?{}",
        contestant.address,
        (contestant.query)(&path)
    )
}

/// The node, built as it is shipped.
fn node() -> anyhow::Result<PathBuf> {
    let built = cargo::artifacts(&[
        "build",
        "--package",
        "weir-edge",
        "--bins",
        "--profile",
        "dist",
    ])?;
    crate::dist::run_some(&["token-check".to_owned(), "rate-limit".to_owned()])?;
    built
        .into_iter()
        .filter_map(|artifact| artifact.executable)
        .find(|program| program.file_stem().is_some_and(|stem| stem == "weir-edge"))
        .context("cargo built no weir-edge")
}

fn edge_settings(address: SocketAddr, origin: SocketAddr, folder: &Path, doors: bool) -> String {
    let modules = workspace::dist().join("node");
    let file = |name: &str| {
        let handler = modules.join(format!("{name}.wasm"));
        let door = modules.join(format!("{name}.door.wasm"));
        if doors {
            format!("path = {handler:?}\ndoor = {door:?}")
        } else {
            format!("path = {handler:?}")
        }
    };
    format!(
        r#"listen = "{address}"
[log]
access = false
level = "warn"
[wasm]
compiled = {compiled:?}
[modules.token-check]
{token_check}
[[modules.token-check.config.keys]]
secret = "{secret}"
algorithms = ["HS256"]
[modules.rate-limit]
{rate_limit}
[modules.rate-limit.config.tiers.free]
rate = "100M/1s"
[origins.main]
urls = ["http://{origin}"]
[[routes]]
name = "media"
viewer = ["token-check", "rate-limit"]
origin = "main"
"#,
        compiled = folder.join("compiled"),
        token_check = file("token-check"),
        rate_limit = file("rate-limit"),
        secret = token::SECRET,
    )
}

fn start(
    name: &'static str,
    program: &Path,
    settings: &Path,
    address: SocketAddr,
    folder: &Path,
) -> anyhow::Result<Program> {
    let mut command = Command::new(program);
    command.arg("-c").arg(settings).arg("-p").arg(folder);
    let mut program = Program::start(name, &mut command, &folder.join(format!("{name}.log")))?;
    program.wait_until(READY, || std::net::TcpStream::connect(address).is_ok())?;
    Ok(program)
}

fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
