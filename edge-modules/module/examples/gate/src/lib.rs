//! A whole module in one file: refuses every request without a certain header, and marks the responses that it lets through.
//!
//! ```text
//! cargo build -p gate --profile wasm --target wasm32-wasip2 --features handler   # or: --features door
//! GATE='secret = "open sesame"' …
//! ```

use weir_module::{ConfigError, Edit, Edits, Host, Module, Problem, RequestHead, Verdict, config};

/// The module.
#[derive(Debug)]
pub struct Gate {
    secret: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    secret: String,
}

impl Module for Gate {
    const NAME: &'static str = "gate";

    fn configure(text: &str) -> Result<Self, ConfigError> {
        let Config { secret } = config::parse(Self::NAME, text)?;
        if secret.is_empty() {
            return Err(ConfigError::new(Self::NAME, "secret", "must not be empty"));
        }
        Ok(Self { secret })
    }

    fn headers(&self) -> Vec<String> {
        vec!["x-gate".to_owned()]
    }

    fn decide(&mut self, head: &RequestHead<'_>, _host: &mut dyn Host) -> Verdict {
        if head.header_str("x-gate") != Some(self.secret.as_str()) {
            return Verdict::Answer(Problem::new(403, "gate-closed", "The gate is closed").into());
        }
        let mut edits = Edits::none();
        let marked = edits
            .push(Edit::RemoveRequest("x-gate"))
            .and_then(|()| edits.push(Edit::SetResponse("x-passed", b"gate")));
        match marked {
            Ok(()) => Verdict::Pass(edits),
            Err(error) => Verdict::Answer(Problem::new(500, "gate-edit", error.to_string()).into()),
        }
    }
}

weir_module::export!(Gate);
