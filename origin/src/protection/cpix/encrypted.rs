//! Encrypted content keys (CPIX 2.3, 6.1.4 and 6.2): the document key comes encrypted to the recipient's certificate, content keys
//! come encrypted with the document key, each with a code that shows whether it was changed on the way.

use std::cell::OnceCell;

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::xml::Element;
use crate::protection::DeliveryKey;

/// RSA-OAEP with SHA-1 and MGF1 with SHA-1 (XML Encryption 1.1, 5.5.2).
const RSA_OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
/// AES-256 in CBC mode, the initialization vector in front (XML Encryption 1.1, 5.2.2).
const AES_256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
/// HMAC with SHA-512 (RFC 9231, 2.2.2).
const HMAC_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512";
/// The digest of [`RSA_OAEP`] when it is written out.
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
/// A block of AES in bytes.
const BLOCK: usize = 16;

/// What opens the encrypted keys of a document; made when the first of them asks for it.
pub(super) struct Opener<'a> {
    root: &'a Element,
    key: Option<&'a DeliveryKey>,
    opened: OnceCell<Result<DocumentKeys, String>>,
}

/// What the delivery data hold for this recipient.
struct DocumentKeys {
    cipher: [u8; 32],
    /// Absent when the document has no `MACMethod`: then nothing shows whether a key was changed.
    mac: Option<hmac::Key>,
}

impl<'a> Opener<'a> {
    pub(super) fn new(root: &'a Element, key: Option<&'a DeliveryKey>) -> Self {
        Self {
            root,
            key,
            opened: OnceCell::new(),
        }
    }

    /// Opens the key in a `Secret`.
    pub(super) fn open(&self, secret: &Element) -> Result<[u8; 16], String> {
        let keys = self
            .opened
            .get_or_init(|| document_keys(self.root, self.key))
            .as_ref()
            .map_err(Clone::clone)?;
        let value = secret
            .first("EncryptedValue")
            .ok_or("it has no `EncryptedValue`")?;
        expect_method(value, AES_256_CBC, "EncryptedValue")?;
        let sealed = cipher_value(value, "EncryptedValue")?;
        if let Some(mac) = &keys.mac {
            let code = secret
                .first("ValueMAC")
                .ok_or("it has no `ValueMAC`, though the document has a `MACMethod`")?;
            let code = bytes(code.text()).ok_or("`ValueMAC` is not Base64")?;
            // Over the vector and what follows it (RFC 6030, 6.2), and before anything is decrypted.
            hmac::verify(mac, &sealed, &code).map_err(
                |_| "`ValueMAC` does not fit: the key was changed on the way, or encrypted for another document",
            )?;
        }
        decrypted(&keys.cipher, &sealed).ok_or_else(|| {
            "`EncryptedValue` is not 16 bytes encrypted with the document key".to_owned()
        })
    }
}

fn document_keys(root: &Element, key: Option<&DeliveryKey>) -> Result<DocumentKeys, String> {
    let Some(key) = key else {
        return Err(
            "the key is encrypted, and no private key is known that opens it; set \
             `protection.delivery-key-file` (`--delivery-key` on the command line), or ask for plain keys"
                .to_owned(),
        );
    };
    let data = delivery_data(root, key)?;
    let document = data
        .at(&["DocumentKey", "Data", "Secret", "EncryptedValue"])
        .ok_or("`DeliveryData` has no `DocumentKey` with an `EncryptedValue`")?;
    if let Some(algorithm) = data
        .first("DocumentKey")
        .and_then(|key| key.attribute("Algorithm"))
        && algorithm != AES_256_CBC
    {
        return Err(unknown("DocumentKey", algorithm, AES_256_CBC));
    }
    let cipher = unwrapped(document, key, "DocumentKey")?
        .try_into()
        .map_err(|_| "`DocumentKey` is not a key of 256 bits")?;
    let mac = match data.first("MACMethod") {
        None => None,
        Some(method) => {
            let algorithm = method.attribute("Algorithm").unwrap_or_default();
            if algorithm != HMAC_SHA512 {
                return Err(unknown("MACMethod", algorithm, HMAC_SHA512));
            }
            let wrapped = method.first("Key").ok_or("`MACMethod` has no `Key`")?;
            // The standard puts the encrypted data into `Key` itself; SPEKE's documents have an `EncryptedValue` between them.
            let wrapped = wrapped.first("EncryptedValue").unwrap_or(wrapped);
            let key = unwrapped(wrapped, key, "MACMethod")?;
            Some(hmac::Key::new(hmac::HMAC_SHA512, &key))
        }
    };
    Ok(DocumentKeys { cipher, mac })
}

/// The delivery data for this recipient: those with its certificate, else the first that name none.
fn delivery_data<'a>(root: &'a Element, key: &DeliveryKey) -> Result<&'a Element, String> {
    let all = || {
        root.first("DeliveryDataList")
            .into_iter()
            .flat_map(|list| list.all("DeliveryData"))
    };
    let certificate = |data: &Element| {
        data.at(&["DeliveryKey", "X509Data", "X509Certificate"])
            .map(|certificate| bytes(certificate.text()).unwrap_or_default())
    };
    if all().next().is_none() {
        return Err("the key is encrypted, and the document has no `DeliveryData`".to_owned());
    }
    all()
        .find(|data| certificate(data).is_some_and(|der| key.is_of(&der)))
        .or_else(|| all().find(|data| certificate(data).is_none()))
        .ok_or_else(|| {
            "the key is encrypted for other recipients: no `DeliveryData` names the certificate of our private key"
                .to_owned()
        })
}

/// What was encrypted to the recipient.
fn unwrapped(value: &Element, key: &DeliveryKey, name: &str) -> Result<Vec<u8>, String> {
    expect_method(value, RSA_OAEP, name)?;
    let digest = value
        .at(&["EncryptionMethod", "DigestMethod"])
        .and_then(|digest| digest.attribute("Algorithm"));
    if let Some(digest) = digest.filter(|digest| *digest != SHA1) {
        return Err(unknown(name, digest, SHA1));
    }
    key.open(&cipher_value(value, name)?).ok_or_else(|| {
        format!("our private key does not open `{name}`: it is encrypted for another")
    })
}

/// Refuses another algorithm than the one that CPIX prescribes; without a word it is that one.
fn expect_method(value: &Element, wanted: &str, name: &str) -> Result<(), String> {
    match value
        .first("EncryptionMethod")
        .and_then(|method| method.attribute("Algorithm"))
    {
        Some(algorithm) if algorithm != wanted => Err(unknown(name, algorithm, wanted)),
        _ => Ok(()),
    }
}

fn unknown(name: &str, algorithm: &str, wanted: &str) -> String {
    format!(
        "`{name}` uses `{}`; CPIX prescribes `{wanted}`",
        algorithm.escape_debug()
    )
}

fn cipher_value(value: &Element, name: &str) -> Result<Vec<u8>, String> {
    value
        .at(&["CipherData", "CipherValue"])
        .and_then(|text| bytes(text.text()))
        .ok_or_else(|| format!("`{name}` has no `CipherValue` in Base64"))
}

/// Base64, which XML breaks into lines at will.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok()
}

/// Initialization vector, then blocks, the last of them filled up: its last byte says by how many bytes (XML Encryption 1.1, 5.2.1; the
/// others may be anything).
fn decrypted(key: &[u8; 32], sealed: &[u8]) -> Option<[u8; 16]> {
    let (iv, blocks) = sealed.split_at_checked(BLOCK)?;
    let iv: [u8; BLOCK] = iv.try_into().ok()?;
    let cipher = DecryptingKey::cbc(UnboundCipherKey::new(&AES_256, key).ok()?).ok()?;
    let mut blocks = blocks.to_vec();
    let plain = cipher
        .decrypt(&mut blocks, DecryptionContext::Iv128(iv.into()))
        .ok()?;
    let fill = usize::from(*plain.last()?);
    if !(1..=BLOCK).contains(&fill) {
        return None;
    }
    plain.get(..plain.len().checked_sub(fill)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::super::{Document, read};
    use super::*;
    use crate::protection::{ProtectionError, Scheme};

    // Made with openssl by `make.sh` beside them.
    const DOCUMENT: &str = include_str!("../../../tests/vectors/cpix/document.xml");
    const RECIPIENT: &str = include_str!("../../../tests/vectors/cpix/recipient-key.pem");
    const FIRST: &str = "98ee5596cd3e420d963ae382420c6eff";
    const SECOND: &str = "53abdba2f21043cbbc90f18f9a890a02";
    const MAC: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512";

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).expect("set");
        file
    }

    fn recipient() -> DeliveryKey {
        DeliveryKey::read(file(RECIPIENT, 0o600).path(), Path::new(""))
            .expect("sound")
            .expect("a key")
    }

    /// A key of its own, made for one test.
    fn other() -> DeliveryKey {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
        use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'_> = key.as_der().expect("written");
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        DeliveryKey::read(file(&pem, 0o600).path(), Path::new(""))
            .expect("sound")
            .expect("a key")
    }

    fn keys(document: Document) -> Vec<(String, String)> {
        let set = document.for_scheme(Scheme::Cbcs).expect("the scheme");
        set.keys
            .into_iter()
            .map(|key| (key.id.to_string(), key.key.into()))
            .collect()
    }

    /// The text after the last `from` before `to`, replaced.
    fn changed(from: &str, to: &str, how: impl Fn(&str) -> String) -> String {
        let start = DOCUMENT.rfind(from).expect("from") + from.len();
        let end = start + DOCUMENT[start..].find(to).expect("to");
        format!(
            "{}{}{}",
            &DOCUMENT[..start],
            how(&DOCUMENT[start..end]),
            &DOCUMENT[end..]
        )
    }

    /// Base64 with one bit of its bytes changed.
    fn flipped(text: &str, at: usize) -> String {
        let mut bytes = STANDARD.decode(text).expect("Base64");
        bytes[at] ^= 1;
        STANDARD.encode(bytes)
    }

    #[test]
    fn keys_that_openssl_encrypted_are_opened() {
        let wanted = [
            (FIRST, "166634c675823c235a4a9446fad52e4d"),
            (SECOND, "0123456789abcdeffedcba9876543210"),
        ]
        .map(|(id, key)| (id.to_owned(), key.to_owned()));
        let key = recipient();
        assert_eq!(keys(read(DOCUMENT, Some(&key)).expect("sound")), wanted);
        // As SPEKE's documents have it, and without what may be left out.
        let between = DOCUMENT
            .replace("<cpix:Key>", "<cpix:Key><pskc:EncryptedValue>")
            .replace("</cpix:Key>", "</pskc:EncryptedValue></cpix:Key>");
        let unsaid = DOCUMENT.replace("<enc:EncryptionMethod", "<enc:Other");
        for text in [&between, &unsaid] {
            assert_eq!(keys(read(text, Some(&key)).expect("sound")), wanted);
        }
        // Delivery data that name nobody, and no code.
        let start = DOCUMENT.find("<cpix:DeliveryData>").expect("the first");
        let end = DOCUMENT.rfind("<cpix:DeliveryData>").expect("the second");
        let alone = format!("{}{}", &DOCUMENT[..start], &DOCUMENT[end..])
            .replace("X509Certificate", "KeyName")
            .replace("MACMethod", "Other");
        assert_eq!(keys(read(&alone, Some(&key)).expect("sound")), wanted);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_the_id_of_its_key() {
        let (ours, other) = (recipient(), other());
        let unnamed = DOCUMENT.replace("X509Certificate", "KeyName");
        let value = "<enc:CipherValue>";
        for (text, key, id, words) in [
            (DOCUMENT.to_owned(), None, FIRST, "delivery-key-file"),
            (DOCUMENT.to_owned(), Some(&other), FIRST, "other recipients"),
            (unnamed, Some(&other), FIRST, "does not open `DocumentKey`"),
            (
                changed("<pskc:ValueMAC>", "<", |text| flipped(text, 63)),
                Some(&ours),
                SECOND,
                "`ValueMAC` does not fit",
            ),
            (
                changed("<pskc:ValueMAC>", "<", |text| text[..8].to_owned()),
                Some(&ours),
                SECOND,
                "`ValueMAC` does not fit",
            ),
            // The vector, and the last byte.
            (
                changed(value, "<", |text| flipped(text, 0)),
                Some(&ours),
                SECOND,
                "`ValueMAC` does not fit",
            ),
            (
                changed(value, "<", |text| flipped(text, 47)),
                Some(&ours),
                SECOND,
                "`ValueMAC` does not fit",
            ),
            (
                DOCUMENT.replace("ValueMAC", "Other"),
                Some(&ours),
                FIRST,
                "no `ValueMAC`",
            ),
            (
                DOCUMENT.replace("DeliveryData", "Other"),
                Some(&ours),
                FIRST,
                "no `DeliveryData`",
            ),
            (
                DOCUMENT.replace("DocumentKey", "Other"),
                Some(&ours),
                FIRST,
                "no `DocumentKey`",
            ),
            (
                DOCUMENT.replace(MAC, "urn:other"),
                Some(&ours),
                FIRST,
                "`MACMethod` uses `urn:other`",
            ),
            (
                DOCUMENT.replace("rsa-oaep-mgf1p", "rsa-1_5"),
                Some(&ours),
                FIRST,
                "rsa-1_5",
            ),
            (
                DOCUMENT.replace(
                    "#rsa-oaep-mgf1p\"/>",
                    "#rsa-oaep-mgf1p\"><ds:DigestMethod Algorithm=\"urn:sha256\"/></enc:EncryptionMethod>",
                ),
                Some(&ours),
                FIRST,
                "urn:sha256",
            ),
            (
                changed(value, "<", |_| "%".to_owned()),
                Some(&ours),
                SECOND,
                "no `CipherValue`",
            ),
            // Without a code only the padding shows it: the vector and one block, which has none.
            (
                changed(value, "<", |text| {
                    STANDARD.encode(&STANDARD.decode(text).expect("Base64")[..32])
                })
                .replace("MACMethod", "Other"),
                Some(&ours),
                SECOND,
                "not 16 bytes encrypted",
            ),
        ] {
            let error = match read(&text, key).expect_err(words) {
                ProtectionError::Cpix(error) => error,
                error => panic!("{error}"),
            };
            assert!(error.contains(words), "{words}: {error}");
            assert!(error.contains(id), "{id}: {error}");
        }
    }
}
