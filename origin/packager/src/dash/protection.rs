//! `ContentProtection` (ISO/IEC 23009-1, 5.8.4.1): which keys a set of representations needs, and who has them.

use std::fmt::Write;

use super::escape;
use crate::KeySystem;
use crate::protect::{Protection, base64, headers};

/// Writes the descriptors of an adaptation set.
pub(super) fn write(text: &mut String, protection: &Protection) {
    let Some(scheme) = protection.method.scheme() else {
        return;
    };
    let keys: Vec<_> = protection.keys().collect();
    let Some(first) = keys.first() else { return };
    let _ = writeln!(
        text,
        "      <ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"{}\" cenc:default_KID=\"{}\"/>",
        scheme.escape_ascii(),
        first.id.uuid()
    );
    for system in &protection.systems {
        let (id, value) = match system {
            KeySystem::Identity { .. } => continue,
            KeySystem::FairPlay { .. } => ("94ce86fb-07ff-4f43-adb8-93d2fa968ca2", "FairPlay"),
            KeySystem::Widevine { .. } => ("edef8ba9-79d6-4ace-a3c8-27dcd51d21ed", "Widevine"),
            KeySystem::PlayReady { .. } => ("9a04f079-9840-4286-ab92-e65be0885f95", "MSPR 2.0"),
            KeySystem::ClearKey { .. } => ("e2719d58-a985-b3c9-781a-b030af78d30e", "ClearKey1.0"),
        };
        let _ = writeln!(
            text,
            "      <ContentProtection schemeIdUri=\"urn:uuid:{id}\" value=\"{value}\">"
        );
        for header in headers(system, protection.method, &keys) {
            let _ = writeln!(
                text,
                "        <cenc:pssh>{}</cenc:pssh>",
                base64(&header.pssh)
            );
            if !header.object.is_empty() {
                let _ = writeln!(
                    text,
                    "        <mspr:pro xmlns:mspr=\"urn:microsoft:playready\">{}</mspr:pro>",
                    base64(&header.object)
                );
            }
        }
        if let KeySystem::ClearKey { license_uri } = system
            && !license_uri.is_empty()
        {
            let _ = writeln!(
                text,
                "        <dashif:Laurl xmlns:dashif=\"https://dashif.org/CPS\" licenseType=\"EME-1.0\">{}</dashif:Laurl>",
                escape(&first.address(license_uri))
            );
        }
        text.push_str("      </ContentProtection>\n");
    }
}
