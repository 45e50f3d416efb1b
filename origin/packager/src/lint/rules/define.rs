//! Variables (RFC 8216bis 4.3 and 4.4.2.3).

use crate::lint::finding::Findings;
use crate::lint::playlist::ProblemKind;
use crate::lint::presentation::Presentation;
use crate::lint::rule::{Rule, rules};

rules! {
    UNDEFINED: Must Packaging "rfc-4.3-undefined"
        "A variable is declared before it is used."
        "Clients must fail to parse a playlist with a reference to an undeclared variable."
        "Declare the variable with EXT-X-DEFINE above the line, or correct its name.";
    NAME: Must Packaging "rfc-4.4.2.3-name"
        "A variable name is made of a-z, A-Z, 0-9, - and _."
        "A reference with other characters is not replaced."
        "Rename the variable.";
    DUPLICATE: Must Packaging "rfc-4.4.2.3-duplicate"
        "A playlist declares a variable once."
        "Clients must fail to parse a playlist that declares it twice."
        "Remove one of the declarations.";
    FORM: Must Packaging "rfc-4.4.2.3-form"
        "EXT-X-DEFINE has one of NAME, IMPORT and QUERYPARAM."
        "Clients must fail to parse the playlist otherwise."
        "Keep one of the three attributes.";
    VALUE: Must Packaging "rfc-4.4.2.3-value"
        "EXT-X-DEFINE with a NAME has a VALUE."
        "Without it the variable stands for nothing that a client knows."
        "Add VALUE, which may be empty.";
    IMPORT: Must Packaging "rfc-4.4.2.3-import"
        "IMPORT stands only in media playlists, and names a variable that the multivariant playlist declares."
        "Clients must fail to parse the media playlist otherwise."
        "Declare the variable in the multivariant playlist, or define its value here.";
    QUERY: Must Packaging "rfc-4.4.2.3-query"
        "QUERYPARAM names a query parameter of the playlist's address that has a value."
        "Clients must fail to parse a playlist when the parameter is not there."
        "Serve the playlist only with that parameter, or define the variable otherwise.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in &presentation.documents {
        for problem in &document.playlist.problems {
            let rule: &'static Rule = match problem.kind {
                ProblemKind::UndefinedVariable => &UNDEFINED,
                ProblemKind::VariableName => &NAME,
                ProblemKind::DuplicateVariable => &DUPLICATE,
                ProblemKind::DefineForm => &FORM,
                ProblemKind::DefineValue => &VALUE,
                ProblemKind::DefineImport => &IMPORT,
                ProblemKind::DefineQuery => &QUERY,
                _ => continue,
            };
            out.add(
                rule,
                document.url(),
                problem.line,
                &problem.value,
                &problem.message,
            );
        }
    }
}
