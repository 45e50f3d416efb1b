//! The CPIX document that asks a key server for keys (SPEKE v2).

use std::fmt::Write;

use quick_xml::escape::escape;
use weir_packager::{KeyId, KeyTracks};

use super::system_id;
use crate::protection::{Scheme, System};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct KeyRequest<'a> {
    /// The asset, by which the server keeps the keys.
    pub content: &'a str,
    /// How media will be encrypted.
    pub scheme: Scheme,
    /// The systems that are to be told.
    pub systems: &'a [System],
    /// Ids of the wanted keys and what they are for, in the order in which they take turns.
    pub keys: &'a [(KeyId, KeyTracks)],
}

impl KeyRequest<'_> {
    /// SPEKE's version: HLS's own methods came with 2.1.
    #[must_use]
    pub fn speke_version(&self) -> &'static str {
        if self.scheme == Scheme::Aes128 {
            "2.1"
        } else {
            "2.0"
        }
    }
}

/// Writes the document: ids without keys, systems with the empty elements that the server is to fill. With a certificate (Base64 of DER)
/// the server is to encrypt the keys to it.
#[must_use]
pub fn request(wanted: &KeyRequest<'_>, certificate: Option<&str>) -> String {
    let (version, scheme) = match wanted.scheme {
        Scheme::Cbcs | Scheme::SampleAes => ("2.3", "cbcs"),
        Scheme::Cenc => ("2.3", "cenc"),
        Scheme::Aes128 => ("2.4", "AES-128"),
    };
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "<cpix:CPIX contentId=\"{}\" version=\"{version}\" xmlns:cpix=\"urn:dashif:org:cpix\" \
         xmlns:pskc=\"urn:ietf:params:xml:ns:keyprov:pskc\">",
        escape(wanted.content)
    );
    if let Some(certificate) = certificate {
        let _ = writeln!(
            text,
            "<cpix:DeliveryDataList>\n<cpix:DeliveryData id=\"weir-origin\"><cpix:DeliveryKey>\
             <ds:X509Data xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>\
             </cpix:DeliveryKey></cpix:DeliveryData>\n</cpix:DeliveryDataList>"
        );
    }
    text.push_str("<cpix:ContentKeyList>\n");
    for (id, _) in wanted.keys {
        let _ = writeln!(
            text,
            "<cpix:ContentKey kid=\"{}\" commonEncryptionScheme=\"{scheme}\"/>",
            uuid(*id)
        );
    }
    text.push_str("</cpix:ContentKeyList>\n<cpix:DRMSystemList>\n");
    for (id, _) in wanted.keys {
        for system in wanted.systems {
            write_system(&mut text, *id, *system);
        }
    }
    text.push_str("</cpix:DRMSystemList>\n");
    write_usage(&mut text, wanted.keys);
    text.push_str("</cpix:CPIX>\n");
    text
}

fn write_system(text: &mut String, id: KeyId, system: System) {
    let hls =
        "<cpix:HLSSignalingData playlist=\"media\"/><cpix:HLSSignalingData playlist=\"master\"/>";
    let (system_id, inner) = match system {
        System::Widevine => (
            system_id::WIDEVINE,
            format!("<cpix:PSSH/><cpix:ContentProtectionData/>{hls}"),
        ),
        System::PlayReady => (
            system_id::PLAYREADY,
            format!("<cpix:PSSH/><cpix:ContentProtectionData/>{hls}"),
        ),
        System::FairPlay => (system_id::FAIRPLAY, hls.to_owned()),
        System::ClearKey => (system_id::CLEARKEY, "<cpix:PSSH/>".to_owned()),
        System::Identity => (system_id::HLS, hls.to_owned()),
    };
    let _ = writeln!(
        text,
        "<cpix:DRMSystem kid=\"{}\" systemId=\"{system_id}\">{inner}</cpix:DRMSystem>",
        uuid(id)
    );
}

/// Periods where keys take turns, and a rule for each key.
fn write_usage(text: &mut String, keys: &[(KeyId, KeyTracks)]) {
    let in_turn = periods(keys);
    let last = in_turn.last().copied().unwrap_or(0);
    if last > 0 {
        text.push_str("<cpix:ContentKeyPeriodList>\n");
        for period in 0..=last {
            let _ = writeln!(
                text,
                "<cpix:ContentKeyPeriod id=\"period-{period}\" index=\"{period}\"/>"
            );
        }
        text.push_str("</cpix:ContentKeyPeriodList>\n");
    }
    text.push_str("<cpix:ContentKeyUsageRuleList>\n");
    for ((id, tracks), period) in keys.iter().zip(in_turn) {
        let (intended, filters) = match tracks {
            KeyTracks::All => ("ALL", "<cpix:VideoFilter/><cpix:AudioFilter/>"),
            KeyTracks::Video => ("VIDEO", "<cpix:VideoFilter/>"),
            KeyTracks::Audio => ("AUDIO", "<cpix:AudioFilter/>"),
        };
        let turn = if last > 0 {
            format!("<cpix:KeyPeriodFilter periodId=\"period-{period}\"/>")
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "<cpix:ContentKeyUsageRule kid=\"{}\" intendedTrackType=\"{intended}\">{turn}{filters}</cpix:ContentKeyUsageRule>",
            uuid(*id)
        );
    }
    text.push_str("</cpix:ContentKeyUsageRuleList>\n");
}

/// The period of each key: one more whenever the same tracks come round again.
fn periods(keys: &[(KeyId, KeyTracks)]) -> Vec<usize> {
    keys.iter()
        .enumerate()
        .map(|(index, (_, tracks))| {
            keys[..index]
                .iter()
                .filter(|(_, other)| other == tracks)
                .count()
        })
        .collect()
}

/// An id as a UUID (RFC 9562), as CPIX writes it.
fn uuid(id: KeyId) -> String {
    let text = id.to_string();
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stands_there() {
        let keys = [
            (KeyId([1; 16]), KeyTracks::Video),
            (KeyId([2; 16]), KeyTracks::Audio),
            (KeyId([3; 16]), KeyTracks::Video),
            (KeyId([4; 16]), KeyTracks::Audio),
        ];
        let wanted = KeyRequest {
            content: "a&b",
            scheme: Scheme::Cbcs,
            systems: &[System::Widevine, System::FairPlay],
            keys: &keys,
        };
        let text = request(&wanted, Some("MIIB"));
        for part in [
            "contentId=\"a&amp;b\" version=\"2.3\"",
            "<ds:X509Certificate>MIIB</ds:X509Certificate>",
            "<cpix:ContentKey kid=\"01010101-0101-0101-0101-010101010101\" commonEncryptionScheme=\"cbcs\"/>",
            "<cpix:DRMSystem kid=\"02020202-0202-0202-0202-020202020202\" systemId=\"94ce86fb-07ff-4f43-adb8-93d2fa968ca2\"><cpix:HLSSignalingData playlist=\"media\"/>",
            "intendedTrackType=\"AUDIO\"><cpix:KeyPeriodFilter periodId=\"period-1\"/><cpix:AudioFilter/>",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(wanted.speke_version(), "2.0");
        let simple = KeyRequest {
            scheme: Scheme::Aes128,
            keys: &keys[..1],
            ..wanted
        };
        let simple = request(&simple, None);
        assert!(
            simple.contains("version=\"2.4\"")
                && !simple.contains("Period")
                && !simple.contains("Delivery"),
            "{simple}"
        );
        assert!(super::super::xml::Element::parse(&text).is_ok());
    }
}
