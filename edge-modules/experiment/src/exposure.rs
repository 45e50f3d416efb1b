//! Telling who was exposed to what: the viewer's page by header and cookie, the operator by a log line.

use std::collections::HashMap;

use weir_module::wire::WireError;
use weir_module::{Edit, Edits, Host, Level};

use crate::config::ExposureConfig;
use crate::request::Request;
use crate::trial::Assigned;

/// Pseudonyms whose line was written lately, at most. When it is full, all are forgotten: a line too many is no harm.
const REMEMBERED: usize = 4_096;

/// Tells of exposures.
#[derive(Debug)]
pub(crate) struct Exposures {
    config: ExposureConfig,
    again_ns: u64,
    /// When the next line for a pseudonym may be written, in nanoseconds.
    told: HashMap<u64, u64>,
}

impl Exposures {
    /// Tells as configured.
    pub(crate) fn new(config: &ExposureConfig) -> Self {
        let again = config.log_again.unsigned_abs().as_nanos();
        Self {
            config: config.clone(),
            again_ns: u64::try_from(again).unwrap_or(u64::MAX),
            told: HashMap::new(),
        }
    }

    /// Tells of what this request got, when its path is one that exposes.
    ///
    /// # Errors
    /// An edit that does not fit.
    pub(crate) fn expose(
        &mut self,
        request: &Request<'_>,
        assigned: &[Assigned<'_>],
        told: &str,
        host: &mut dyn Host,
        edits: &mut Edits,
    ) -> Result<(), WireError> {
        let path = request.head.path();
        let exposes = self.config.paths.iter().any(|pattern| pattern.covers(path));
        if assigned.is_empty() || !exposes {
            return Ok(());
        }
        if !self.config.header.is_empty() {
            edits.push(Edit::SetResponse(&self.config.header, told.as_bytes()))?;
            if request.head.header("origin").is_some() {
                let readable = self.config.header.as_bytes();
                edits.push(Edit::AppendResponse(
                    "access-control-expose-headers",
                    readable,
                ))?;
            }
        }
        self.set_cookies(request, assigned, told, edits)?;
        if self.config.log {
            for one in assigned {
                self.log(one, host);
            }
        }
        Ok(())
    }

    fn set_cookies(
        &self,
        request: &Request<'_>,
        assigned: &[Assigned<'_>],
        told: &str,
        edits: &mut Edits,
    ) -> Result<(), WireError> {
        // A comma and a space may not stand in a cookie (RFC 6265 section 4.1.1).
        let told = told.replace(", ", "|");
        let device = request
            .device()
            .filter(|_| assigned.iter().any(|one| one.by_device));
        let wanted = [
            (&self.config.cookie, Some(told.as_str())),
            (&self.config.remember_device, device),
        ];
        let mut any = false;
        for (name, value) in wanted {
            let Some(value) = value.filter(|_| !name.is_empty()) else {
                continue;
            };
            if request.cookie(name) == Some(value) {
                continue;
            }
            let mut cookie = format!("{name}={value}");
            if !self.config.cookie_attributes.is_empty() {
                cookie.push_str("; ");
                cookie.push_str(&self.config.cookie_attributes);
            }
            edits.push(Edit::AppendResponse("set-cookie", cookie.as_bytes()))?;
            any = true;
        }
        if any {
            // One viewer's cookie must not be stored for others.
            edits.push(Edit::SetResponse("cache-control", b"private, no-store"))?;
        }
        Ok(())
    }

    fn log(&mut self, one: &Assigned<'_>, host: &mut dyn Host) {
        let Some(alias) = one.alias else { return };
        let now_ns = host.now_ns();
        if self
            .told
            .get(&alias)
            .is_some_and(|&next_ns| now_ns < next_ns)
        {
            return;
        }
        if self.told.len() >= REMEMBERED {
            self.told.clear();
        }
        self.told
            .insert(alias, now_ns.saturating_add(self.again_ns));
        let line = format!(
            "exposure experiment={} variant={} unit={alias:016x}",
            one.trial.name, one.variant.name
        );
        host.log(Level::Info, &line);
    }
}
