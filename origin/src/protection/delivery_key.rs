//! The RSA key to which a key server encrypts what it sends to this origin (CPIX: the recipient's "delivery key").

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::ProtectionError;
use super::key_file::refuse_open_mode;

/// Largest file in bytes: a key of 8192 bits has about 6 KiB as PEM.
const MAX_FILE: u64 = 64 << 10;

/// An RSA private key, perhaps with the certificate that goes to key servers. Its `Debug` form shows nothing of it.
#[derive(Clone)]
pub struct DeliveryKey(Arc<Inner>);

struct Inner {
    private: OaepPrivateDecryptingKey,
    /// The public key as certificates hold it (`SubjectPublicKeyInfo`, RFC 5280, 4.1).
    public: Vec<u8>,
    certificate: Option<String>,
}

impl fmt::Debug for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeliveryKey(…)")
    }
}

impl DeliveryKey {
    /// Reads the private key (PKCS#8 in PEM, RSA of 2048 to 8192 bits) and the certificate (X.509 in PEM). An empty path stands for none:
    /// without a key the answer is `None`; without a certificate key servers cannot be told of the key, but documents can be read.
    ///
    /// # Errors
    /// [`ProtectionError::File`] names the file and what to do. A key that others may read is refused.
    pub fn read(key: &Path, certificate: &Path) -> Result<Option<Self>, ProtectionError> {
        if key.as_os_str().is_empty() {
            if certificate.as_os_str().is_empty() {
                return Ok(None);
            }
            return Err(ProtectionError::Settings(
                "`protection.delivery-certificate-file` is of no use without `protection.delivery-key-file`"
                    .to_owned(),
            ));
        }
        let pem = contents(key, true)?;
        let mut inner = private_key(&pem).map_err(|reason| refused(key, reason))?;
        if !certificate.as_os_str().is_empty() {
            let pem = contents(certificate, false)?;
            let der = CertificateDer::from_pem_slice(&pem)
                .map_err(|_| refused(certificate, "it holds no certificate in PEM".to_owned()))?;
            if !holds(&der, &inner.public) {
                let reason = format!("it is not the certificate of the key in {}", key.display());
                return Err(refused(certificate, reason));
            }
            inner.certificate = Some(STANDARD.encode(&der));
        }
        Ok(Some(Self(Arc::new(inner))))
    }

    /// The certificate in Base64, as XML signatures write it.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        self.0.certificate.as_deref()
    }

    /// Whether a certificate (DER) is of this key.
    #[must_use]
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        holds(certificate, &self.0.public)
    }

    /// Opens what was encrypted to this key by RSA-OAEP with SHA-1 (XML Encryption 1.1, 5.5.2, `rsa-oaep-mgf1p`); `None` when it was not.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut space = vec![0; self.0.private.min_output_size()];
        self.0
            .private
            .decrypt(&OAEP_SHA1_MGF1SHA1, sealed, &mut space, None)
            .ok()
            .map(|opened| opened.to_vec())
    }
}

/// Whether a certificate holds a public key. DER writes a key in one way only, so its bytes are looked for, and nothing else of the
/// certificate counts: who it names and how long it holds are the key server's to judge.
fn holds(certificate: &[u8], public: &[u8]) -> bool {
    certificate.windows(public.len()).any(|part| part == public)
}

fn private_key(pem: &[u8]) -> Result<Inner, String> {
    let der = match PrivateKeyDer::from_pem_slice(pem) {
        Ok(PrivateKeyDer::Pkcs8(der)) => der,
        Ok(_) => {
            return Err(
                "it is not PKCS#8; convert it: openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW"
                    .to_owned(),
            );
        }
        Err(_) => {
            return Err(
                "it holds no private key in PEM (PKCS#8, `BEGIN PRIVATE KEY`, no pass phrase)"
                    .to_owned(),
            );
        }
    };
    let unusable = || "it is no RSA key of 2048 to 8192 bits".to_owned();
    let key = PrivateDecryptingKey::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| unusable())?;
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| unusable())?;
    let public = public.as_ref().to_vec();
    Ok(Inner {
        private: OaepPrivateDecryptingKey::new(key).map_err(|_| unusable())?,
        public,
        certificate: None,
    })
}

fn contents(file: &Path, secret: bool) -> Result<Vec<u8>, ProtectionError> {
    let failed = |error: std::io::Error| refused(file, error.to_string());
    let metadata = std::fs::metadata(file).map_err(failed)?;
    if secret {
        refuse_open_mode(&metadata).map_err(|reason| refused(file, reason))?;
    }
    if metadata.len() > MAX_FILE {
        return Err(refused(file, format!("larger than {MAX_FILE} bytes")));
    }
    std::fs::read(file).map_err(failed)
}

fn refused(file: &Path, reason: String) -> ProtectionError {
    ProtectionError::File {
        file: file.display().to_string(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const KEY: &str = include_str!("../../tests/vectors/cpix/recipient-key.pem");
    const CERTIFICATE: &str = include_str!("../../tests/vectors/cpix/recipient-certificate.pem");
    const STRANGER: &str = include_str!("../../tests/vectors/cpix/stranger-certificate.pem");

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).expect("set");
        file
    }

    #[test]
    fn a_key_and_its_certificate_are_read() {
        let none = Path::new("");
        assert!(DeliveryKey::read(none, none).expect("neither").is_none());
        let (key, certificate) = (file(KEY, 0o600), file(CERTIFICATE, 0o644));
        let alone = DeliveryKey::read(key.path(), none)
            .expect("sound")
            .expect("a key");
        assert_eq!(alone.certificate(), None);
        let both = DeliveryKey::read(key.path(), certificate.path())
            .expect("sound")
            .expect("a key");
        let text = both.certificate().expect("a certificate");
        let lines: String = CERTIFICATE
            .lines()
            .filter(|line| !line.contains("-----"))
            .collect();
        assert_eq!(text, lines);
        assert!(both.is_of(&STANDARD.decode(text).expect("Base64")));
        assert_eq!(both.open(&[1; 256]), None);
        assert_eq!(format!("{both:?}"), "DeliveryKey(…)");
    }

    #[test]
    fn mistakes_are_named() {
        let old = KEY.replace("PRIVATE", "RSA PRIVATE");
        let short = KEY.lines().take(3).collect::<Vec<_>>().join("\n");
        for (key, mode, certificate, words) in [
            (KEY, 0o644, CERTIFICATE, "chmod 600"),
            (&old, 0o600, CERTIFICATE, "openssl pkcs8"),
            (&short, 0o600, CERTIFICATE, "no private key"),
            (CERTIFICATE, 0o600, CERTIFICATE, "no private key"),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                0o600,
                CERTIFICATE,
                "no RSA key",
            ),
            (KEY, 0o600, STRANGER, "not the certificate"),
            (KEY, 0o600, KEY, "no certificate"),
        ] {
            let (key, certificate) = (file(key, mode), file(certificate, 0o644));
            let error = DeliveryKey::read(key.path(), certificate.path())
                .expect_err(words)
                .to_string();
            assert!(error.contains(words), "{words}: {error}");
        }
        let certificate = file(CERTIFICATE, 0o644);
        let error = DeliveryKey::read(Path::new(""), certificate.path()).expect_err("no key");
        assert!(error.to_string().contains("delivery-key-file"), "{error}");
        assert!(DeliveryKey::read(Path::new("/nowhere/key.pem"), Path::new("")).is_err());
    }
}
