//! `ContentProtection` (ISO/IEC 23009-1, 5.8.4.1): which keys a set of representations needs, and who has them.

use std::fmt::Write;

use super::escape;
use crate::protect::{Protection, base64, headers};
use crate::{ContentKey, KeyId, KeySystem};

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
        let (said, silent) = said_and_silent(&keys, id);
        for xml in said {
            let _ = writeln!(text, "        {xml}");
        }
        let built = match silent[..] {
            [] => Vec::new(),
            _ => headers(system, protection.method, &silent),
        };
        for header in built {
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

/// What key servers want said of `keys` in the descriptor of a system, each text once, and the keys of which they say nothing there.
fn said_and_silent<'a>(
    keys: &[&'a ContentKey],
    system: &str,
) -> (Vec<&'a str>, Vec<&'a ContentKey>) {
    let system = system.parse().map(|KeyId(id)| id);
    let (mut said, mut silent) = (Vec::new(), Vec::new());
    for &key in keys {
        let mut own = key.descriptors.iter();
        match own.find(|one| system == Ok(one.system_id())) {
            Some(one) if said.contains(&one.xml()) => {}
            Some(one) => said.push(one.xml()),
            None => silent.push(key),
        }
    }
    (said, silent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DescriptorContent;

    #[test]
    fn what_a_server_says_stands_in_place_of_what_would_be_written() {
        let widevine = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";
        let id = widevine.parse::<KeyId>().unwrap().0;
        let key = |number: u8, xml: Option<&str>| ContentKey {
            id: KeyId([number; 16]),
            descriptors: xml
                .map(|xml| DescriptorContent::new(id, xml).unwrap())
                .into_iter()
                .collect(),
            ..ContentKey::default()
        };
        let keys = [
            key(1, Some("<a/>")),
            key(2, None),
            key(3, Some("<a/>")),
            key(4, Some("<b/>")),
        ];
        let keys: Vec<&ContentKey> = keys.iter().collect();
        let (said, silent) = said_and_silent(&keys, widevine);
        assert_eq!((said, silent), (vec!["<a/>", "<b/>"], vec![keys[1]]));
        let (said, silent) = said_and_silent(&keys, "9a04f079-9840-4286-ab92-e65be0885f95");
        assert_eq!((said.len(), silent.len()), (0, 4), "of another system");
    }
}
