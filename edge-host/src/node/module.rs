//! A module as the node runs it: its fast door, its standard handler, its documents.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::ModuleConfig;
use crate::documents::Documents;
use crate::door::Door;
use crate::guest::Settings;
use crate::guest::capabilities::SharedCounters;
use crate::guest::engines::Engines;
use crate::guest::log_sink::LogSink;
use crate::handler::Handler;

/// A loaded module.
pub(crate) struct Module {
    pub(crate) name: Arc<str>,
    pub(crate) door: Option<Door>,
    pub(crate) handler: Option<Handler>,
    documents: Arc<Documents>,
    files: Vec<PathBuf>,
}

/// What `check` tells about a module.
#[derive(Debug, Clone)]
pub struct ModuleReport {
    /// The name in the configuration.
    pub name: String,
    /// It has a fast door.
    pub door: bool,
    /// It has a standard handler.
    pub handler: bool,
    /// The files.
    pub files: Vec<PathBuf>,
}

impl Module {
    /// Compiles its files and lets the door read the configuration.
    ///
    /// # Errors
    /// What is wrong with the file or the configuration.
    pub(crate) fn load(
        engines: &Engines,
        name: &str,
        config: &ModuleConfig,
        counters: &SharedCounters,
    ) -> Result<Self, String> {
        let settings = Settings::new(name, config)?;
        let log = LogSink::new(Arc::clone(&settings.name));
        let mut documents = Arc::new(Documents::none());
        let mut door = None;
        if let Some(file) = &config.door {
            let (mut made, needs) = Door::load(
                &engines.door,
                file,
                settings.clone(),
                log.clone(),
                Arc::clone(counters),
            )
            .map_err(|error| format!("{}: {error}", file.display()))?;
            documents = Arc::new(Documents::new(needs)?);
            made.set_documents(Arc::clone(&documents));
            door = Some(made);
        }
        let mut handler = None;
        if let Some(file) = &config.path {
            let made = Handler::load(
                &engines.handler,
                file,
                settings.clone(),
                log,
                Arc::clone(counters),
                config,
            )
            .map_err(|error| format!("{}: {error:#}", file.display()))?;
            handler = Some(made);
        }
        Ok(Self {
            name: settings.name,
            door,
            handler,
            documents,
            files: [&config.door, &config.path]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
        })
    }

    pub(crate) fn documents(&self) -> &Documents {
        &self.documents
    }

    pub(crate) fn report(&self) -> ModuleReport {
        ModuleReport {
            name: self.name.to_string(),
            door: self.door.is_some(),
            handler: self.handler.is_some(),
            files: self.files.clone(),
        }
    }
}
