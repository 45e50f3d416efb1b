//! `EXT-X-DEFINE` (RFC 8216bis 4.4.2.3).

use super::reader::{ProblemKind, Reader, Tag};
use super::variables::is_name;

impl Reader<'_> {
    /// Declares a variable.
    pub(super) fn define(&mut self, tag: &Tag) {
        let shown = tag.shown();
        let sources: Vec<&str> = ["NAME", "IMPORT", "QUERYPARAM"]
            .into_iter()
            .filter(|name| tag.attributes.has(name))
            .collect();
        let [source] = sources[..] else {
            self.problem(
                ProblemKind::DefineForm,
                tag.number,
                &shown,
                "one of NAME, IMPORT and QUERYPARAM must be there, and only one",
            );
            return;
        };
        let name = tag.attributes.text(source).unwrap_or_default().to_owned();
        if !is_name(&name) {
            self.problem(
                ProblemKind::VariableName,
                tag.number,
                &name,
                "a variable name is made of letters, digits, `-` and `_`",
            );
        }
        if self.variables.contains_key(&name) {
            self.problem(
                ProblemKind::DuplicateVariable,
                tag.number,
                &name,
                format!("the variable {name} is declared twice"),
            );
        }
        let value = match source {
            "NAME" => {
                let value = tag.attributes.text("VALUE").map(str::to_owned);
                if value.is_none() {
                    self.problem(
                        ProblemKind::DefineValue,
                        tag.number,
                        &shown,
                        "a variable with a NAME needs a VALUE",
                    );
                }
                value
            }
            "IMPORT" => {
                let value = self
                    .imported
                    .filter(|_| !self.multivariant)
                    .and_then(|imported| imported.get(&name))
                    .cloned();
                if value.is_none() {
                    let reason = if self.multivariant {
                        "IMPORT is not allowed in a multivariant playlist"
                    } else if self.imported.is_none() {
                        "the playlist was not reached through a multivariant playlist"
                    } else {
                        "the multivariant playlist declares no such variable"
                    };
                    self.problem(ProblemKind::DefineImport, tag.number, &name, reason);
                }
                value
            }
            _ => {
                let value = url::Url::parse(self.url).ok().and_then(|url| {
                    url.query_pairs()
                        .find(|(key, value)| *key == name && !value.is_empty())
                        .map(|(_, value)| value.into_owned())
                });
                if value.is_none() {
                    self.problem(
                        ProblemKind::DefineQuery,
                        tag.number,
                        &name,
                        "the address has no such query parameter with a value",
                    );
                }
                value
            }
        };
        self.variables.insert(name, value.unwrap_or_default());
    }
}
