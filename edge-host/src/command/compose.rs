//! `weir-edge compose`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use weir_edge::compose;

use super::Settings;

/// Flags of `compose`.
#[derive(Debug, Args)]
pub(crate) struct Compose {
    #[command(flatten)]
    settings: Settings,
    /// The route whose modules are composed: viewer modules, then origin modules.
    #[arg(long)]
    route: String,
    /// The end of the chain. Without it, the outcome is a middleware that still imports the next handler.
    #[arg(long)]
    terminal: Option<PathBuf>,
    /// What gives the modules their counters.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Where the component goes.
    #[arg(long, short)]
    output: PathBuf,
}

impl Compose {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?;
        let route = config
            .routes
            .iter()
            .find(|route| route.name == self.route)
            .with_context(|| format!("there is no route `{}`", self.route))?;
        let mut files = Vec::new();
        for name in route.viewer.iter().chain(&route.origin_modules) {
            let module = &config.modules[name];
            let file = module
                .path
                .clone()
                .with_context(|| format!("module `{name}` has no standard file: set `path`"))?;
            files.push(file);
        }
        files.extend(self.terminal);
        let chain = compose::chain(&files, self.state.as_deref())?;
        std::fs::write(&self.output, &chain)
            .with_context(|| format!("{} cannot be written", self.output.display()))?;
        println!("{}: {} bytes", self.output.display(), chain.len());
        Ok(())
    }
}
