//! A node whose hosts each run `manifest-rewrite` under a policy of their own.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;
use weir_tests::locate;
use weir_tests::node::Node;
use weir_tests::process::free_port;
use weir_tests::tokens;

use crate::cdn::Cdn;

/// A running node. `{port}` in configurations and paths is its port.
pub(crate) struct Edge {
    pub(crate) node: Node,
    _configurations: TempDir,
}

/// One host: a name before `.localhost`.
pub(crate) struct Host<'a> {
    pub(crate) name: &'a str,
    /// `token-check` in front, which hands the token on.
    pub(crate) gate: bool,
    /// The document of `manifest-rewrite`.
    pub(crate) config: &'a str,
    /// What stands behind.
    pub(crate) origin: &'a Cdn,
}

impl Edge {
    /// Starts a node. Paths in `open` need no token and are rewritten by nobody.
    pub(crate) fn start(hosts: &[Host<'_>], open: &[&str]) -> Self {
        let address = free_port().unwrap();
        let folder = TempDir::new().unwrap();
        let mut modules = module(
            folder.path(),
            "gate",
            "token-check",
            &format!(
                "propagate = 'header'\nclient-address = 'weir-client-ip'\n\
                 [[keys]]\nalgorithms = ['HS256']\nsecret = '{}'\n",
                tokens::SECRET
            ),
        );
        let (mut origins, mut routes) = (String::new(), String::new());
        for host in hosts {
            let Host { name, origin, .. } = host;
            let config = host.config.replace("{port}", &address.port().to_string());
            modules += &module(folder.path(), name, "manifest-rewrite", &config);
            let _ = writeln!(
                origins,
                "[origins.{name}]\nurls = ['http://{}']",
                origin.address
            );
            if !open.is_empty() {
                let _ = writeln!(
                    routes,
                    "[[routes]]\nname = '{name}-open'\nhosts = ['{name}.localhost']\npaths = {open:?}\norigin = '{name}'"
                );
            }
            let gate = if host.gate { "'gate', " } else { "" };
            let _ = writeln!(
                routes,
                "[[routes]]\nname = '{name}'\nhosts = ['{name}.localhost']\nviewer = [{gate}'{name}']\norigin = '{name}'"
            );
        }
        let change = |settings: String| {
            let (head, _) = settings
                .split_once("[modules.")
                .expect("the settings have modules");
            format!("{head}{modules}{origins}{routes}")
        };
        let node = Node::start(address, address, change);
        Self {
            node: node.unwrap_or_else(|error| panic!("{error:#}")),
            _configurations: folder,
        }
    }

    /// A URL on one of the hosts.
    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        let SocketAddr::V4(address) = self.node.address else {
            unreachable!("free_port gives an IPv4 address")
        };
        format!("http://{host}.localhost:{}{path}", address.port())
    }
}

fn module(folder: &Path, name: &str, program: &str, config: &str) -> String {
    let file = folder.join(format!("{name}.toml"));
    fs::write(&file, config).unwrap();
    let built = |suffix| locate::dist(&format!("node/{program}{suffix}.wasm"));
    format!(
        "[modules.{name}]\nmodule = '{program}'\npath = {:?}\ndoor = {:?}\nconfig-file = {file:?}\n",
        built(""),
        built(".door")
    )
}
