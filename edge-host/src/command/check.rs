//! `weir-edge check`

use anyhow::Context as _;
use clap::Args;
use weir_edge::Node;

use super::Settings;

/// Flags of `check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    settings: Settings,
    /// Also time the decisions of the fast doors about a GET of this path and query, a token in it perhaps.
    #[arg(long, value_name = "TARGET")]
    time: Option<String>,
}

/// Decisions in one measurement.
const ROUNDS: u32 = 200_000;

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?;
        weir_edge::start_log(&config.log)?;
        // Instances are made, as they are when the node serves; some of what they use wants a runtime around it.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let _entered = runtime.enter();
        let node = Node::build(config)?;
        for module in node.modules() {
            let doors = match (module.door, module.handler) {
                (true, true) => "fast door and standard handler",
                (true, false) => "fast door",
                _ => "standard handler",
            };
            println!("module {}: {doors}", module.name);
        }
        for route in &node.config().routes {
            let cache = if route.cache.enabled {
                "cache"
            } else {
                "no cache"
            };
            let way: Vec<&str> = route
                .viewer
                .iter()
                .map(String::as_str)
                .chain([cache])
                .chain(route.origin_modules.iter().map(String::as_str))
                .chain([route.origin.as_str()])
                .collect();
            println!("route {}: {}", route.name, way.join(" > "));
        }
        if let Some(target) = &self.time {
            time_doors(&node, target)?;
        }
        println!("ok");
        Ok(())
    }
}

fn time_doors(node: &Node, target: &str) -> anyhow::Result<()> {
    let request = http::Request::get(format!("http://localhost{target}"))
        .header("weir-client-ip", "192.0.2.1")
        .header("user-agent", "weir-edge check")
        .body(())
        .with_context(|| format!("`{target}` is no path and query"))?;
    let (parts, ()) = request.into_parts();
    for module in node.modules() {
        if let Some(timed) = node.time_door(&module.name, &parts, ROUNDS) {
            let time = timed.map_err(|why| anyhow::anyhow!("module {}: {why}", module.name))?;
            println!("module {}: {time:?} a decision", module.name);
        }
    }
    Ok(())
}
