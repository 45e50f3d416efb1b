//! Reading a CPIX document.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use weir_packager::{ContentKey, Key, KeyId};

use super::encrypted::Opener;
use super::xml::Element;
use super::{signalling, usage};
use crate::protection::{DeliveryKey, KeySet, ProtectionError, Scheme};

/// Most keys of a document.
const MAX_KEYS: usize = 256;

/// What a document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The keys and what is to be said to players.
    pub keys: KeySet,
    /// The schemes that keys are meant for, as the document writes them.
    pub schemes: Vec<String>,
}

impl Document {
    /// The keys, when they are meant for `scheme` or for any.
    ///
    /// # Errors
    /// [`ProtectionError::Cpix`] when they are for another.
    pub fn for_scheme(self, scheme: Scheme) -> Result<KeySet, ProtectionError> {
        let wanted: &[&str] = match scheme {
            Scheme::Cbcs => &["cbcs"],
            Scheme::SampleAes => &["cbcs", "SAMPLE-AES"],
            Scheme::Cenc => &["cenc"],
            Scheme::Aes128 => &["AES-128"],
        };
        let other = self
            .schemes
            .iter()
            .find(|name| !wanted.iter().any(|one| one.eq_ignore_ascii_case(name)));
        match other {
            Some(other) => Err(ProtectionError::Cpix(format!(
                "a key is for the scheme `{}`, the asset asks for `{}`",
                other.escape_debug(),
                wanted[0]
            ))),
            None => Ok(self.keys),
        }
    }
}

/// Reads a document, its encrypted keys with the private key they are encrypted to.
///
/// # Errors
/// [`ProtectionError::Cpix`] names element and key id, never a key.
pub fn read(text: &str, delivery: Option<&DeliveryKey>) -> Result<Document, ProtectionError> {
    document(text, delivery).map_err(ProtectionError::Cpix)
}

fn document(text: &str, delivery: Option<&DeliveryKey>) -> Result<Document, String> {
    let root = Element::parse(text)?;
    if root.name != "CPIX" {
        return Err(format!(
            "the root is `{}`, not `CPIX`",
            root.name.escape_debug()
        ));
    }
    let opener = Opener::new(&root, delivery);
    let mut keys = Vec::new();
    let mut schemes = Vec::new();
    let listed = root
        .first("ContentKeyList")
        .into_iter()
        .flat_map(|list| list.all("ContentKey"));
    for element in listed {
        if keys.len() == MAX_KEYS {
            return Err(format!("it has more than {MAX_KEYS} keys"));
        }
        let key = content_key(element, &opener)?;
        if keys.iter().any(|other: &ContentKey| other.id == key.id) {
            return Err(format!("ContentKey {}: the id stands there twice", key.id));
        }
        keys.push(key);
        if let Some(scheme) = element.attribute("commonEncryptionScheme") {
            schemes.push(scheme.to_owned());
        }
    }
    if keys.is_empty() {
        return Err("it has no `ContentKey`".to_owned());
    }
    let mut keys = usage::apply(&root, keys)?;
    let signalled = signalling::read(&root, &mut keys)?;
    Ok(Document {
        keys: KeySet { keys, signalled },
        schemes,
    })
}

fn content_key(element: &Element, opener: &Opener<'_>) -> Result<ContentKey, String> {
    let id = key_id(element)?;
    let refuse = |reason: &str| Err(format!("ContentKey {id}: {reason}"));
    let Some(secret) = element.at(&["Data", "Secret"]) else {
        return refuse("it has no key (`Data/Secret/PlainValue`)");
    };
    let key = if secret.first("EncryptedValue").is_some() {
        match opener.open(secret) {
            Ok(key) => key,
            Err(reason) => return refuse(&reason),
        }
    } else {
        let plain = secret.first("PlainValue").map(Element::text);
        // Not repeated in an error: it is the key.
        match plain.and_then(block) {
            Some(key) => key,
            None => return refuse("`PlainValue` is not Base64 of 16 bytes"),
        }
    };
    let iv = match element.attribute("explicitIV") {
        None | Some("") => None,
        Some(text) => match block(text) {
            Some(iv) => Some(KeyId(iv)),
            None => return refuse("`explicitIV` is not Base64 of 16 bytes"),
        },
    };
    Ok(ContentKey {
        id,
        key: Key(key),
        iv,
        ..ContentKey::default()
    })
}

/// The `kid` of an element.
pub(super) fn key_id(element: &Element) -> Result<KeyId, String> {
    let Some(text) = element.attribute("kid") else {
        return Err(format!("a `{}` has no `kid`", element.name));
    };
    text.parse()
        .map_err(|error| format!("{}: {error}", element.name))
}

fn block(text: &str) -> Option<[u8; 16]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_packager::KeyTracks;

    const HEAD: &str = r#"<cpix:CPIX contentId="a" version="2.3" xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc">"#;

    fn key(kid: &str, value: &str) -> String {
        format!(
            r#"<cpix:ContentKey kid="{kid}" commonEncryptionScheme="cbcs"><cpix:Data><pskc:Secret><pskc:PlainValue>{value}</pskc:PlainValue></pskc:Secret></cpix:Data></cpix:ContentKey>"#
        )
    }

    const FIRST: &str = "98ee5596-cd3e-420d-963a-e382420c6eff";
    const SECOND: &str = "53abdba2-f210-43cb-bc90-f18f9a890a02";
    const VALUE: &str = "5dGAgwGuUYu4dHeHtNlxJw==";

    fn film(keys: &str, rest: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n{HEAD}<cpix:ContentKeyList>{keys}</cpix:ContentKeyList>{rest}</cpix:CPIX>"
        )
    }

    #[test]
    fn keys_rules_and_ids_are_read() {
        let keys = format!("{}{}", key(FIRST, VALUE), key(SECOND, VALUE));
        let rules = format!(
            r#"<cpix:ContentKeyUsageRuleList><cpix:ContentKeyUsageRule kid="{FIRST}" intendedTrackType="VIDEO"><cpix:VideoFilter/></cpix:ContentKeyUsageRule>
               <cpix:ContentKeyUsageRule kid="{SECOND}" intendedTrackType="AUDIO"><cpix:AudioFilter/></cpix:ContentKeyUsageRule></cpix:ContentKeyUsageRuleList>"#
        );
        let document = read(&film(&keys, &rules), None).expect("sound");
        let found = &document.keys.keys;
        assert_eq!(found[0].id.to_string(), FIRST.replace('-', ""));
        assert_eq!(
            String::from(found[0].key),
            "e5d1808301ae518bb8747787b4d97127"
        );
        assert_eq!(
            (found[0].tracks, found[1].tracks),
            (KeyTracks::Video, KeyTracks::Audio)
        );
        assert!(document.clone().for_scheme(Scheme::SampleAes).is_ok());
        let error = document
            .for_scheme(Scheme::Cenc)
            .expect_err("another")
            .to_string();
        assert!(error.contains("cbcs") && error.contains("cenc"), "{error}");
    }

    #[test]
    fn mistakes_are_named_and_keys_are_not() {
        let encrypted = key(FIRST, VALUE).replace("PlainValue", "EncryptedValue");
        for (text, words) in [
            ("", "no element"),
            ("<a>", "middle"),
            ("<a/>", "not `CPIX`"),
            (
                "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
                "document type",
            ),
            (&film("", ""), "no `ContentKey`"),
            (&film(&key("nonsense", VALUE), ""), "nonsense"),
            (&film(&key(FIRST, "5dGA"), ""), "16 bytes"),
            (
                &film(&key(FIRST, VALUE).replace("kid=", "id="), ""),
                "no `kid`",
            ),
            (&film(&key(FIRST, VALUE).repeat(2), ""), "twice"),
            (&film(&encrypted, ""), "encrypted"),
            (
                &film(&format!("<cpix:ContentKey kid=\"{FIRST}\"/>"), ""),
                "no key",
            ),
            (
                &film(
                    &key(FIRST, VALUE).replace(" kid", " explicitIV=\"AAAA\" kid"),
                    "",
                ),
                "explicitIV",
            ),
            (&"<a>".repeat(100), "in each other"),
        ] {
            let error = read(text, None).expect_err(words).to_string();
            assert!(error.contains(words), "{words}: {error}");
            assert!(!error.contains("5dGA"), "{error}");
        }
    }
}
