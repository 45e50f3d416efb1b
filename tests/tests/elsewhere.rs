//! The same files on other hosts: the composed chain under `wasmtime serve -Scli`, and what Spin does with them.
//!
//! `wasmtime` is used when it is installed in the version that the product is pinned to; else `wasi-serve`, a program of this
//! crate over the same `ProxyHandler` of wasmtime-wasi-http, and the test says so.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use weir_tests::locate::{self, sample_film};
use weir_tests::origin::{EDGE_SECRET, Origin};
use weir_tests::process::{Process, free_port};
use weir_tests::tokens;
use weir_tests::viewer::Viewer;

/// The Wasmtime that the product is pinned to.
const WASMTIME: &str = "48.";
/// What links a chain on Spin.
const HANDLER: &str = "wasi:http/handler@0.3.0";
/// The chain, outermost first.
const CHAIN: [&str; 5] = [
    "token-check",
    "rate-limit",
    "manifest-rewrite",
    "thumbnail",
    "origin-fetch",
];

/// The settings of each module before an origin at `origin`.
fn settings(origin: SocketAddr) -> Vec<(String, String)> {
    let token_check = format!(
        "propagate = \"header\"\n[[keys]]\nname = \"origin\"\nalgorithms = [\"EdDSA\"]\njwks-url = \"http://{origin}/.well-known/jwks.json\"\n\
         [formats.playback]\ntype = \"jwt\"\nissuers = [\"weir-origin\"]\n"
    );
    let origin_fetch = format!(
        "[[origins]]\nurl = \"http://{origin}\"\nsecret-header = \"weir-edge-secret\"\nsecret = \"{EDGE_SECRET}\"\n"
    );
    [
        ("token-check", token_check.as_str()),
        ("rate-limit", ""),
        ("manifest-rewrite", ""),
        ("thumbnail", ""),
        ("origin-fetch", &origin_fetch),
    ]
    .map(|(module, text)| weir_tests::wasm::environment(module, text))
    .to_vec()
}

/// `wasmtime`, when it is the right one.
fn wasmtime() -> Option<PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain([home.join(".cargo/bin"), home.join(".cache/weir/bin")])
        .map(|folder| folder.join("wasmtime"))
        .find(|file| file.is_file())?;
    let version = Command::new(&found).arg("--version").output().ok()?;
    String::from_utf8_lossy(&version.stdout)
        .contains(WASMTIME)
        .then_some(found)
}

/// Serves `chain` at `address`.
fn serve(chain: &Path, address: SocketAddr, environment: &[(String, String)]) -> Process {
    let mut command = match wasmtime() {
        Some(wasmtime) => {
            eprintln!("served by wasmtime");
            let mut command = Command::new(wasmtime);
            command.args([
                "serve",
                "-Scli",
                "--addr",
                &address.to_string(),
                "--max-instance-concurrent-reuse-count",
                "1",
            ]);
            for (name, value) in environment {
                command.arg("--env").arg(format!("{name}={value}"));
            }
            command.arg(chain);
            command
        }
        None => {
            eprintln!("served by wasi-serve: `wasmtime` {WASMTIME}x is not installed");
            let mut command = Command::new(env!("CARGO_BIN_EXE_wasi-serve"));
            command.arg(address.to_string()).arg(chain).args(
                environment
                    .iter()
                    .map(|(name, value)| format!("{name}={value}")),
            );
            command
        }
    };
    let mut process = Process::start("the chain's host", &mut command)
        .unwrap_or_else(|error| panic!("{error:#}"));
    process
        .wait_for_port(address)
        .unwrap_or_else(|error| panic!("{error:#}"));
    process
}

/// A film through `chain`: whole with a token, not at all without.
fn plays_through(chain: &Path) {
    let address = free_port().unwrap();
    let origin = Origin::in_folder(address).unwrap_or_else(|error| panic!("{error:#}"));
    let id = origin
        .publish(&sample_film())
        .unwrap_or_else(|error| panic!("{error:#}"));
    let host = serve(chain, address, &settings(origin.address));
    let grant = origin
        .playback(&id, &json!({ "subject": "ada", "tier": "premium" }))
        .unwrap();
    let url = grant["urls"][0]["url"].as_str().expect("a grant has a URL");
    let everything = Viewer::default()
        .play(url)
        .unwrap_or_else(|error| panic!("{error:#}\n{}", host.log()));
    for fetched in &everything {
        assert!(
            matches!(fetched.status, 200 | 206),
            "{} {}: {}\n{}",
            fetched.status,
            fetched.url.path(),
            fetched.text(),
            host.log()
        );
    }
    assert!(everything.len() > 12, "only {} resources", everything.len());
    let bare = url.split('?').next().expect("a URL has a path");
    let refused = Viewer::default().get(bare).unwrap();
    assert_eq!(
        (refused.status, refused.problem().unwrap().as_str()),
        (401, "token-missing")
    );
    let tampered = tokens::tampered(grant["token"].as_str().expect("a grant has a token"));
    assert_eq!(
        Viewer::default()
            .get(&format!("{bare}?token={tampered}"))
            .unwrap()
            .status,
        401
    );
    // The bytes are the origin's own.
    let segment = everything
        .iter()
        .filter(|fetched| fetched.status == 200)
        .find(|fetched| {
            fetched
                .body
                .get(4..8)
                .is_some_and(|kind| matches!(kind, b"moof" | b"styp"))
        })
        .expect("a film has segments");
    let direct = Viewer::default()
        .with("weir-edge-secret", EDGE_SECRET)
        .get(&origin.url(segment.url.path()))
        .unwrap();
    assert_eq!((direct.status, &direct.body), (200, &segment.body));
}

#[test]
fn the_composed_chain_plays_a_film_under_wasmtime_serve() {
    plays_through(&locate::dist("wasmtime/chain.wasm"));
}

/// Spin's own rule (its `compose_middleware_pipeline`): instances by index, outermost first, linked by one literal name.
fn compose_as_spin_does(files: &[PathBuf]) -> Vec<u8> {
    let mut graph = wac_graph::CompositionGraph::new();
    let (primary, middleware) = files.split_last().expect("a chain has an end");
    let mut register = |name: &str, file: &Path| {
        let package = wac_graph::types::Package::from_file(name, None, file, graph.types_mut())
            .expect("a component");
        graph.register_package(package).expect("each package once")
    };
    let mut packages: Vec<_> = middleware
        .iter()
        .enumerate()
        .map(|(at, file)| register(&format!("middleware{at}"), file))
        .collect();
    packages.push(register("primary", primary));
    let mut inner = packages.into_iter().rev();
    let last = graph.instantiate(inner.next().expect("a chain has an end"));
    let mut upstream = graph
        .alias_instance_export(last, HANDLER)
        .expect("the primary exports the handler");
    for package in inner {
        let instance = graph.instantiate(package);
        graph
            .set_instantiation_argument(instance, HANDLER, upstream)
            .expect("a middleware imports the handler");
        upstream = graph
            .alias_instance_export(instance, HANDLER)
            .expect("a middleware exports the handler");
    }
    graph
        .export(upstream, HANDLER)
        .expect("the chain exports the handler");
    graph
        .encode(wac_graph::EncodeOptions::default())
        .expect("a valid component")
}

#[test]
fn spins_composer_takes_the_files_and_the_result_plays() {
    // The files for Spin itself: they must link; their counters need Spin's key-value store to run.
    let for_spin: Vec<_> = CHAIN
        .iter()
        .map(|name| locate::dist(&format!("spin/{name}.wasm")))
        .collect();
    assert!(!compose_as_spin_does(&for_spin).is_empty());
    // The same rule over the files with counters in memory, which any host can run.
    let folder = tempfile::tempdir().unwrap();
    let chain = folder.path().join("chain.wasm");
    let portable: Vec<_> = CHAIN
        .iter()
        .map(|name| locate::dist(&format!("wasmtime/{name}.wasm")))
        .collect();
    std::fs::write(&chain, compose_as_spin_does(&portable)).unwrap();
    plays_through(&chain);
}

#[test]
fn the_manifest_for_spin_is_whole() {
    let file = locate::dist("spin/spin.toml");
    let manifest: toml::Table = std::fs::read_to_string(&file)
        .unwrap()
        .parse()
        .unwrap_or_else(|error| panic!("{error}"));
    let components = manifest["component"].as_table().expect("components");
    let chain = manifest["trigger"]["http"]
        .as_array()
        .expect("triggers")
        .iter()
        .find(|trigger| trigger["route"].as_str() == Some("/..."))
        .expect("the chain's trigger");
    let middleware: Vec<_> = chain["dependencies"]["middleware"]
        .as_array()
        .expect("a chain")
        .iter()
        .map(|part| part["component"].as_str().expect("a name"))
        .collect();
    assert_eq!(middleware, CHAIN[..4], "outermost first");
    assert_eq!(chain["component"].as_str(), Some(CHAIN[4]));
    for (name, component) in components {
        let source = component["source"].as_str().expect("a source");
        assert!(
            file.with_file_name(source).is_file(),
            "component {name}: {source} is not beside the manifest"
        );
    }
    // A middleware has nothing but what it inherits: without this it would answer every request 500.
    for part in chain["dependencies"]["middleware"]
        .as_array()
        .expect("a chain")
    {
        let inherited: Vec<_> = part["inherit_configuration"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(toml::Value::as_str)
            .collect();
        assert!(inherited.contains(&"environment"), "{part}");
        for name in &inherited {
            // Spin ignores a misspelt name in silence.
            assert!(
                ["environment", "key_value_stores", "allowed_outbound_hosts"].contains(name),
                "{name}"
            );
        }
    }
    let environment = components[CHAIN[4]]["environment"]
        .as_table()
        .expect("settings");
    let told: BTreeMap<String, String> = environment
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned()))
        .collect();
    settings_are_understood(&told);
}

#[test]
fn the_settings_for_wasmtime_are_understood() {
    let folder = locate::root().join("cdn-config/wasmtime");
    let told = CHAIN
        .iter()
        .map(|module| {
            let text = std::fs::read_to_string(folder.join(format!("{module}.toml")))
                .unwrap_or_else(|error| panic!("{module}: {error}"));
            weir_tests::wasm::environment(module, &text)
        })
        .collect();
    settings_are_understood(&told);
}

/// Each module's own reader takes its text.
fn settings_are_understood(told: &BTreeMap<String, String>) {
    use weir_module::Module as _;
    let text = |module: &str| told[&weir_module::config::variable(module)].as_str();
    token_check::TokenCheck::configure(text("token-check"))
        .unwrap_or_else(|error| panic!("{error}"));
    rate_limit::RateLimit::configure(text("rate-limit")).unwrap_or_else(|error| panic!("{error}"));
    manifest_rewrite::ManifestRewrite::configure(text("manifest-rewrite"))
        .unwrap_or_else(|error| panic!("{error}"));
    thumbnail::Thumbnail::configure(text("thumbnail")).unwrap_or_else(|error| panic!("{error}"));
    origin_fetch::Config::parse(text("origin-fetch")).unwrap_or_else(|error| panic!("{error}"));
}
