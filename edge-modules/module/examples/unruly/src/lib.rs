//! A module that misbehaves when it is asked to, so that a host can be tested against the worst that a module can do.
//!
//! The request header `x-unruly` names what happens: `trap`, `loop` or `memory` in the decision; `response-trap` or
//! `response-loop` when the response has come; `body-trap` or `body-loop` after its first chunk. Anything else passes. With
//! `at-start = "trap"` (or `"loop"`) in the configuration the module does not even start.

use serde::Deserialize;
use weir_module::{
    BodyTransform, ConfigError, Edits, Host, Module, Reply, RequestHead, ResponseHead, Verdict,
    config,
};

/// The module.
#[derive(Debug)]
pub struct Unruly;

/// What goes wrong.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mischief {
    Trap,
    Loop,
    Memory,
}

impl Mischief {
    fn named(name: &str) -> Option<Self> {
        match name {
            "trap" => Some(Self::Trap),
            "loop" => Some(Self::Loop),
            "memory" => Some(Self::Memory),
            _ => None,
        }
    }

    /// Never comes back.
    fn happen(self) -> ! {
        match self {
            Self::Trap => std::process::abort(),
            Self::Loop => loop {
                std::hint::black_box(());
            },
            Self::Memory => {
                let mut kept = Vec::new();
                loop {
                    kept.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    at_start: Option<Mischief>,
}

impl Module for Unruly {
    const NAME: &'static str = "unruly";

    fn configure(text: &str) -> Result<Self, ConfigError> {
        let Config { at_start } = config::parse(Self::NAME, text)?;
        match at_start {
            Some(mischief) => mischief.happen(),
            None => Ok(Self),
        }
    }

    fn headers(&self) -> Vec<String> {
        vec!["x-unruly".to_owned()]
    }

    fn decide(&mut self, head: &RequestHead<'_>, _host: &mut dyn Host) -> Verdict {
        let asked = head.header_str("x-unruly").unwrap_or_default();
        let (stage, what) = asked.split_once('-').unwrap_or(("decision", asked));
        let Some(mischief) = Mischief::named(what) else {
            return Verdict::pass();
        };
        match stage {
            "response" => Verdict::Exchange(
                Edits::none(),
                Box::new(move |_: &ResponseHead, _: &mut dyn Host| -> Reply { mischief.happen() }),
            ),
            "body" => Verdict::Exchange(
                Edits::none(),
                Box::new(move |_: &ResponseHead, _: &mut dyn Host| {
                    Reply::Stream(
                        Edits::none(),
                        Box::new(AfterFirst {
                            mischief,
                            begun: false,
                        }),
                    )
                }),
            ),
            _ => mischief.happen(),
        }
    }
}

/// Passes one chunk, then misbehaves.
struct AfterFirst {
    mischief: Mischief,
    begun: bool,
}

impl BodyTransform for AfterFirst {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        if self.begun {
            self.mischief.happen();
        }
        self.begun = true;
        out.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        self.mischief.happen()
    }
}

weir_module::export!(Unruly);
