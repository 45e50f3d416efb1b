//! One configured module in an instance, or the reason why there is none.

use crate::{
    Answer, ConfigError, Counters, DocumentNeed, HeaderNames, Host, Level, Module, Problem, config,
};

/// Holds the module of an instance. Configured on first use, never again.
pub struct Slot<M: Module> {
    state: State<M>,
}

enum State<M: Module> {
    New,
    Ready(Ready<M>),
    Broken(String),
}

/// A configured module with what it declared.
pub struct Ready<M> {
    /// The module.
    pub module: M,
    /// The headers that reach it.
    pub names: HeaderNames,
    /// Its documents.
    pub documents: Vec<Document>,
}

/// A document that the module wants, and the copy that it has.
pub struct Document {
    /// What the module said.
    pub need: DocumentNeed,
    /// Version of the copy (door) or the time of its fetch in Unix nanoseconds (handler); 0: none yet.
    pub have: u64,
    /// Unix nanoseconds before which nobody asks again.
    pub not_before_ns: u64,
    /// The module asked for a new copy ahead of its age.
    pub wanted: bool,
}

impl<M: Module> Slot<M> {
    /// An empty slot.
    pub const fn new() -> Self {
        Self { state: State::New }
    }

    /// The module, configured from its environment variable.
    ///
    /// # Errors
    /// The text of the configuration error, the same for every call.
    pub fn ready(&mut self) -> Result<&mut Ready<M>, String> {
        if matches!(self.state, State::New) {
            self.state = match configure::<M>() {
                Ok(module) => {
                    let names = HeaderNames::new(module.headers());
                    let documents = module
                        .documents()
                        .into_iter()
                        .map(|need| Document {
                            need,
                            have: 0,
                            not_before_ns: 0,
                            wanted: false,
                        })
                        .collect();
                    State::Ready(Ready {
                        module,
                        names,
                        documents,
                    })
                }
                Err(error) => {
                    let text = error.to_string();
                    log_line(M::NAME, Level::Error, &text);
                    State::Broken(text)
                }
            };
        }
        match &mut self.state {
            State::Ready(ready) => Ok(ready),
            State::Broken(text) => Err(text.clone()),
            State::New => Err(format!("{}: not configured", M::NAME)),
        }
    }
}

impl<M: Module> Default for Slot<M> {
    fn default() -> Self {
        Self::new()
    }
}

fn configure<M: Module>() -> Result<M, ConfigError> {
    let variable = config::variable(M::NAME);
    let text = match std::env::var(&variable) {
        Ok(text) => text,
        Err(std::env::VarError::NotPresent) => String::new(),
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(ConfigError::new(
                M::NAME,
                "",
                "the configuration is not UTF-8",
            ));
        }
    };
    M::configure(&text)
}

/// What every request gets while the configuration is wrong.
pub(crate) fn broken_configuration(text: &str) -> Answer {
    // The key's name is for whoever deploys; its value is never in the text.
    Problem::new(
        500,
        "module-configuration",
        "A module's configuration is wrong",
    )
    .detail(text)
    .into_answer()
}

/// What a request gets that is too large or malformed for the flat head.
#[cfg(feature = "handler")]
pub(crate) fn head_refused(error: &crate::wire::WireError) -> Answer {
    Problem::new(
        431,
        "request-head-too-large",
        "The request head is too large",
    )
    .detail(error.to_string())
    .into_answer()
}

pub(crate) fn log_line(module: &str, level: Level, message: &str) {
    eprintln!("{} {module}: {message}", level.as_str());
}

/// The host of one call.
pub(crate) struct GuestHost<'a, C> {
    name: &'static str,
    now_ns: u64,
    counters: C,
    documents: &'a mut [Document],
}

impl<'a, C: Counters + Default> GuestHost<'a, C> {
    pub(crate) fn new(name: &'static str, now_ns: u64, documents: &'a mut [Document]) -> Self {
        Self {
            name,
            now_ns,
            counters: C::default(),
            documents,
        }
    }
}

impl<C: Counters> Host for GuestHost<'_, C> {
    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn counters(&mut self) -> &mut dyn Counters {
        &mut self.counters
    }

    fn refresh_document(&mut self, name: &str) {
        if let Some(document) = self
            .documents
            .iter_mut()
            .find(|document| document.need.name == name)
        {
            document.wanted = true;
        }
    }

    fn log(&mut self, level: Level, message: &str) {
        log_line(self.name, level, message);
    }
}
